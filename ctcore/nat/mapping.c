/* mapping.c - who shares which translation, and which ports are in use */
#include "nat/mapping.h"

#include "base/hash.h"
#include "packet/tuple.h"

#include <ctcore/bits.h>

_Static_assert(sizeof(struct mapping) == 44, "the price of a mapping");

/* Mappings looked at for one of an outside endpoint.  Sources that share one
 * towards different remotes, where a rule leaves them few ports, may make a
 * chain of any length. */
#define MAX_OUTSIDE_LOOKS 512

void mapping_init(struct nat *n, struct block *b, uint32_t max)
{
    uint32_t heads = ct_power_of_two(max / 4 < 16 ? 16 : max / 4);

    *n = (struct nat){.n_heads = heads};
    pool_init(&n->maps, b, max, sizeof(struct mapping),
              offsetof(struct mapping, flows));
    for (int i = 0; i < 2; i++)
        n->heads[i] = block_take(b, heads * sizeof(uint32_t));
}

void mapping_start(struct nat *n, uint64_t seed)
{
    n->seed = seed;
    for (uint32_t i = 0; i < n->n_heads; i++)
        n->heads[0][i] = n->heads[1][i] = CT_NONE;
}

/* The address and port by which a chain knows a flow's mapping. */
struct endpoint {
    const union ct_addr *addr;
    uint16_t zone, port;
    uint8_t proto;
};

static uint32_t *mapping_chain_head(const struct nat *n, enum mapping_chain by,
                                    const struct endpoint *e)
{
    uint64_t w[3] = {e->addr->w64[0], e->addr->w64[1],
                     (uint64_t)e->zone << 32 | (uint64_t)e->proto << 16 |
                         e->port};

    return &n->heads[by][hash_words(w, 3, n->table->key) & (n->n_heads - 1)];
}

static struct endpoint source_endpoint(const struct ct_tuple *orig)
{
    return (struct endpoint){&orig->src, orig->zone, orig->sport, orig->proto};
}

static struct endpoint outside_endpoint(const struct ct_tuple *reply)
{
    return (struct endpoint){&reply->dst, reply->zone, portmap_port(reply),
                             reply->proto};
}

/* ---- mappings ---- */

static const union ct_addr *outside_addr(const struct nat *n,
                                         const struct mapping *m)
{
    return &n->table->conns[m->flows].tuple[CT_DIR_REPLY].dst;
}

static uint16_t outside_zone(const struct nat *n, const struct mapping *m)
{
    return n->table->conns[m->flows].tuple[CT_DIR_REPLY].zone;
}

static bool map_is(const struct mapping *m, const struct ct_tuple *orig)
{
    return m->inside_port == orig->sport && m->proto == orig->proto &&
           m->zone == orig->zone && m->family == orig->family &&
           memcmp(m->inside, orig->src.b, sizeof m->inside) == 0;
}

/* The next mapping of this source at or after i, or CT_NONE. */
static uint32_t map_next(const struct nat *n, const struct ct_tuple *orig,
                         uint32_t i)
{
    while (i != CT_NONE && !map_is(mapping_at(n, i), orig)) {
        work_step(n->work, 1);
        i = mapping_at(n, i)->chain[MAPPING_BY_SOURCE].next;
    }
    return i;
}

static uint32_t map_first(const struct nat *n, const struct ct_tuple *orig)
{
    struct endpoint e = source_endpoint(orig);

    return map_next(n, orig, *mapping_chain_head(n, MAPPING_BY_SOURCE, &e));
}

/* The mapping of this flow's source with exactly its outside, or CT_NONE. */
static uint32_t map_find(const struct nat *n, const struct ct_conn *c)
{
    const struct ct_tuple *orig = &c->tuple[CT_DIR_ORIGINAL];
    const struct ct_tuple *reply = &c->tuple[CT_DIR_REPLY];
    uint32_t i = map_first(n, orig);

    for (int depth = 0; i != CT_NONE && depth < MAPPING_DEPTH; depth++) {
        const struct mapping *m = mapping_at(n, i);

        if (m->outside_port == portmap_port(reply) &&
            outside_zone(n, m) == reply->zone &&
            ct_addr_eq(outside_addr(n, m), &reply->dst))
            return i;
        work_step(n->work, 1);
        i = map_next(n, orig, m->chain[MAPPING_BY_SOURCE].next);
    }
    return CT_NONE;
}

/* Behind after, or at the head of its chain when after is CT_NONE. */
static void chain_insert(struct nat *n, enum mapping_chain by, uint32_t *head,
                         uint32_t after, uint32_t i)
{
    uint32_t next =
        after == CT_NONE ? *head : mapping_at(n, after)->chain[by].next;

    mapping_at(n, i)->chain[by].prev = after;
    mapping_at(n, i)->chain[by].next = next;
    if (next != CT_NONE)
        mapping_at(n, next)->chain[by].prev = i;
    if (after != CT_NONE)
        mapping_at(n, after)->chain[by].next = i;
    else
        *head = i;
}

static void chain_cut(struct nat *n, enum mapping_chain by, uint32_t *head,
                      uint32_t i)
{
    uint32_t next = mapping_at(n, i)->chain[by].next;
    uint32_t prev = mapping_at(n, i)->chain[by].prev;

    if (prev == i)
        return; /* unlisted */
    if (next != CT_NONE)
        mapping_at(n, next)->chain[by].prev = prev;
    if (prev != CT_NONE)
        mapping_at(n, prev)->chain[by].next = next;
    else
        *head = next;
}

/* A source's oldest mapping stays in front: later ones go right behind it.  Who
 * has as many as are ever looked at gets further ones that no chain names (its
 * own predecessor): else one source could make a chain as long as the table,
 * which others would have to walk. */
static void list_by_source(struct nat *n, const struct ct_tuple *orig,
                           uint32_t i)
{
    struct endpoint src = source_endpoint(orig);
    uint32_t first = map_first(n, orig), at = first;
    int has = 0;

    for (; at != CT_NONE && has < MAPPING_DEPTH; has++) {
        work_step(n->work, 1);
        at =
            map_next(n, orig, mapping_at(n, at)->chain[MAPPING_BY_SOURCE].next);
    }
    if (has == MAPPING_DEPTH)
        mapping_at(n, i)->chain[MAPPING_BY_SOURCE].prev = i;
    else
        chain_insert(n, MAPPING_BY_SOURCE,
                     mapping_chain_head(n, MAPPING_BY_SOURCE, &src), first, i);
}

static uint32_t map_make(struct nat *n, const struct ct_conn *c)
{
    const struct ct_tuple *orig = &c->tuple[CT_DIR_ORIGINAL];
    struct endpoint out = outside_endpoint(&c->tuple[CT_DIR_REPLY]);
    uint32_t i = pool_get(&n->maps);

    if (i == CT_NONE)
        return i;
    *mapping_at(n, i) = (struct mapping){
        .inside_port = orig->sport,
        .outside_port = out.port,
        .zone = orig->zone,
        .proto = orig->proto,
        .family = orig->family,
        .flows = CT_NONE,
    };
    memcpy(mapping_at(n, i)->inside, orig->src.b, sizeof orig->src.b);
    list_by_source(n, orig, i);
    chain_insert(n, MAPPING_BY_OUTSIDE,
                 mapping_chain_head(n, MAPPING_BY_OUTSIDE, &out), CT_NONE, i);
    ct_add(&n->stats[CT_STAT_mappings], 1);
    if (n->share)
        share_take_port(n->share, i, orig);
    return i;
}

static void map_free(struct nat *n, const struct ct_conn *last)
{
    struct endpoint src = source_endpoint(&last->tuple[CT_DIR_ORIGINAL]);
    struct endpoint out = outside_endpoint(&last->tuple[CT_DIR_REPLY]);

    chain_cut(n, MAPPING_BY_SOURCE,
              mapping_chain_head(n, MAPPING_BY_SOURCE, &src), last->mapping);
    chain_cut(n, MAPPING_BY_OUTSIDE,
              mapping_chain_head(n, MAPPING_BY_OUTSIDE, &out), last->mapping);
    if (n->share)
        share_leave_port(n->share, last->mapping);
    pool_put(&n->maps, last->mapping);
    ct_add(&n->stats[CT_STAT_mappings], (uint64_t)-1);
}

/* ---- uses of a port ---- */

/* Only of external addresses: those that hide a flow, or have hidden one. */
static struct portmap *map_for(struct nat *n, const struct ct_tuple *t,
                               bool hides)
{
    struct portmap *pm;

    if (!hides)
        return portmap_find(n->ports, &t->dst, t->family, t->proto);
    pm = portmap_make(n->ports, &t->dst, t->family, t->proto);
    if (!pm)
        ct_add(&n->stats[CT_STAT_portmaps_full], 1);
    return pm;
}

/* Who comes to that tuple's destination uses a port of it. */
static void count_port(struct nat *n, struct ct_conn *c, int dir, bool hides)
{
    const struct ct_tuple *t = &c->tuple[dir];
    uint16_t port = portmap_port(t);
    uint32_t index = port / n->ports->n_shards;
    struct portmap *pm;

    if (!portmap_is_for(t) || !portmap_is_ours(n->ports, port))
        return;
    pm = map_for(n, t, hides);
    if (!pm && !hides)
        return;
    if (hides)
        quarantine_end(&n->resting, tuple_hash(t, n->table->key));
    if (pm) {
        portmap_count(n->ports, pm, index);
        c->counted |= (uint8_t)(MAPPING_IN_MAP << dir);
    }
    c->counted |= (uint8_t)(MAPPING_OF_REMOTE << dir);
    if (remote_add(&n->remotes, remote_key(t, n->table->key), index))
        c->counted |= (uint8_t)(MAPPING_MARKED << dir);
}

/* rests: the use goes on, as a rest. */
static void uncount_port(struct nat *n, const struct ct_conn *c, int dir,
                         bool rests, ct_time now)
{
    const struct ct_tuple *t = &c->tuple[dir];
    struct quarantine_use use;

    if (c->counted & MAPPING_IN_MAP << dir)
        portmap_uncount(n->ports,
                        portmap_find(n->ports, &t->dst, t->family, t->proto),
                        portmap_port(t) / n->ports->n_shards);
    if (!(c->counted & MAPPING_OF_REMOTE << dir))
        return;
    use = (struct quarantine_use){
        .remote = remote_key(t, n->table->key),
        .index = (uint16_t)(portmap_port(t) / n->ports->n_shards),
        .marked = c->counted & MAPPING_MARKED << dir,
    };
    if (!rests) {
        remote_take(&n->remotes, use.remote, use.index, use.marked);
        return;
    }
    use.tuple = tuple_hash(t, n->table->key);
    quarantine_note(&n->resting, &use, &c->tuple[CT_DIR_ORIGINAL], now,
                    n->rest_s);
}

bool mapping_bind(struct nat *n, struct ct_conn *c)
{
    uint32_t slot = table_slot(n->table, c), i = CT_NONE;

    ct_assert(c->mapping == CT_NONE && !c->counted);
    if (c->status & CT_SRC_NAT) {
        struct mapping *m;

        i = map_find(n, c);
        if (i == CT_NONE)
            i = map_make(n, c);
        if (i == CT_NONE)
            return false;
        m = mapping_at(n, i);
        c->map_prev = CT_NONE;
        c->map_next = m->flows;
        if (m->flows != CT_NONE)
            n->table->conns[m->flows].map_prev = slot;
        m->flows = slot;
    }
    c->mapping = i;
    c->counted = 0;
    count_port(n, c, CT_DIR_ORIGINAL, false);
    count_port(n, c, CT_DIR_REPLY, mapping_hides(c));
    return true;
}

void mapping_release(struct nat *n, struct ct_conn *c, ct_time now)
{
    bool rests = n->rest_s && quarantine_is_on(&n->resting) && mapping_rests(c);
    struct mapping *m;

    uncount_port(n, c, CT_DIR_ORIGINAL, false, now);
    uncount_port(n, c, CT_DIR_REPLY, rests, now);
    c->counted = 0;
    if (c->mapping == CT_NONE)
        return;
    m = mapping_at(n, c->mapping);
    if (c->map_prev != CT_NONE)
        n->table->conns[c->map_prev].map_next = c->map_next;
    else
        m->flows = c->map_next;
    if (c->map_next != CT_NONE)
        n->table->conns[c->map_next].map_prev = c->map_prev;
    if (m->flows == CT_NONE)
        map_free(n, c);
    c->mapping = CT_NONE;
}

bool mapping_next(const struct nat *n, const struct ct_tuple *orig,
                  uint32_t *at, union ct_addr *addr, uint16_t *port)
{
    const struct mapping *m;

    if (*at == CT_NONE)
        *at = map_first(n, orig);
    else
        *at = map_next(n, orig,
                       mapping_at(n, *at)->chain[MAPPING_BY_SOURCE].next);
    if (*at == CT_NONE)
        return false;
    m = mapping_at(n, *at);
    *addr = *outside_addr(n, m);
    *port = m->outside_port;
    return true;
}

const struct mapping *mapping_by_outside(const struct nat *n, uint16_t zone,
                                         uint8_t proto,
                                         const union ct_addr *addr,
                                         uint16_t port)
{
    struct endpoint e = {addr, zone, port, proto};
    uint32_t i = *mapping_chain_head(n, MAPPING_BY_OUTSIDE, &e);

    for (int looks = 0; i != CT_NONE && looks < MAX_OUTSIDE_LOOKS; looks++) {
        const struct mapping *m = mapping_at(n, i);

        if (m->proto == proto && outside_zone(n, m) == zone &&
            m->outside_port == port && ct_addr_eq(outside_addr(n, m), addr))
            return m;
        work_step(n->work, 1);
        i = m->chain[MAPPING_BY_OUTSIDE].next;
    }
    return NULL;
}
