/* check.c - see check.h */
#include "nat/check.h"

#include "base/check.h"
#include "table/check.h"

/* ---- mappings ---- */

static bool is_flow_of(const struct mapping *m, const struct ct_conn *c)
{
    const struct ct_tuple *orig = &c->tuple[CT_DIR_ORIGINAL];

    return memcmp(m->inside, orig->src.b, sizeof m->inside) == 0 &&
           m->inside_port == orig->sport && m->zone == orig->zone &&
           m->proto == orig->proto && m->family == orig->family &&
           m->outside_port == portmap_port(&c->tuple[CT_DIR_REPLY]);
}

/* NULL, and *n: how many flows it has more. */
static const char *check_flows(const struct nat *nat, const struct pool *conns,
                               uint32_t map, uint32_t *n)
{
    const struct mapping *m = mapping_at(nat, map);
    const struct ct_tuple *first =
        &table_check_conn(conns, m->flows)->tuple[CT_DIR_REPLY];
    uint32_t before = CT_NONE, i = m->flows;

    if (i == CT_NONE)
        return "mapping: one has no flow";
    for (; i != CT_NONE; before = i, i = table_check_conn(conns, i)->map_next) {
        const struct ct_conn *c = table_check_conn(conns, i);

        if (++*n > conns->used || c->map_prev != before || c->mapping != map ||
            !(c->status & CT_CONFIRMED))
            return "mapping: a list of flows leads astray";
        if (!is_flow_of(m, c) ||
            !ct_addr_eq(&first->dst, &c->tuple[CT_DIR_REPLY].dst))
            return "mapping: a flow has another source or outside";
    }
    return NULL;
}

/* Does its source lead to it? */
static bool is_mapping_found(const struct nat *n, const struct pool *conns,
                             uint32_t map)
{
    const struct mapping *m = mapping_at(n, map);
    const struct ct_tuple *orig =
        &table_check_conn(conns, m->flows)->tuple[CT_DIR_ORIGINAL];
    uint32_t at = CT_NONE;
    union ct_addr addr;
    uint16_t port;

    if (m->chain[MAPPING_BY_SOURCE].prev == map)
        return true; /* it has too many */
    while (mapping_next(n, orig, &at, &addr, &port))
        if (at == map)
            return true;
    return false;
}

static bool is_reached(const struct nat *n, const struct pool *conns,
                       uint32_t map)
{
    const struct ct_tuple *reply =
        &table_check_conn(conns, mapping_at(n, map)->flows)
             ->tuple[CT_DIR_REPLY];

    return mapping_by_outside(n, reply->zone, reply->proto, &reply->dst,
                              portmap_port(reply));
}

static const char *check_map(const struct nat *n, const struct pool *conns,
                             uint32_t map, uint32_t *flows)
{
    const char *why = check_flows(n, conns, map, flows);

    if (!why && !is_mapping_found(n, conns, map))
        why = "mapping: one is not found by its source";
    if (!why && !is_reached(n, conns, map))
        why = "mapping: one is not found by its outside";
    return why;
}

/* All that stand in the chains of one kind; *sum: their marks. */
static const char *check_mapping_chains(const struct nat *n,
                                        enum mapping_chain by, uint64_t *sum)
{
    uint32_t seen = 0;

    *sum = 0;
    for (uint32_t h = 0; h < n->n_heads; h++) {
        uint32_t before = CT_NONE, i = n->heads[by][h];

        for (; i != CT_NONE; before = i, i = mapping_at(n, i)->chain[by].next) {
            if (seen++ == n->maps.used ||
                mapping_at(n, i)->chain[by].prev != before)
                return "mapping: a chain leads astray";
            *sum += base_check_mark(i);
        }
    }
    return NULL;
}

const char *nat_check_mappings(const struct nat *n, const struct pool *conns)
{
    uint64_t used, outside, source;
    uint32_t flows = 0, named = 0;
    const char *why = base_check_pool(&n->maps, &used);

    if (!why)
        why = check_mapping_chains(n, MAPPING_BY_SOURCE, &source);
    if (!why)
        why = check_mapping_chains(n, MAPPING_BY_OUTSIDE, &outside);
    if (!why && outside != used)
        why = "mapping: one is not in the chains by outside";
    for (uint32_t h = 0; !why && h < n->n_heads; h++)
        for (uint32_t i = n->heads[MAPPING_BY_OUTSIDE][h]; !why && i != CT_NONE;
             i = mapping_at(n, i)->chain[MAPPING_BY_OUTSIDE].next) {
            why = check_map(n, conns, i, &flows);
            if (mapping_at(n, i)->chain[MAPPING_BY_SOURCE].prev == i)
                source += base_check_mark(i);
        }
    if (!why && source != used)
        why = "mapping: one is not in the chains by source";
    for (uint32_t i = 0; !why && i < conns->fresh; i++) {
        const struct ct_conn *c = table_check_conn(conns, i);

        if (!(c->status & CT_CONFIRMED))
            continue;
        named += c->mapping != CT_NONE;
        if ((c->mapping != CT_NONE) != ((c->status & CT_SRC_NAT) != 0))
            return "mapping: a translated flow has none";
    }
    if (!why && named != flows)
        why = "mapping: a flow is not among its mapping's";
    return why;
}

/* ---- ports ---- */

static bool portmap_levels_agree(const struct portmap *pm)
{
    for (uint32_t w = 0; w < PORTMAP_WORDS; w++)
        if ((pm->used[w] == UINT64_MAX) != (pm->mid[w >> 6] >> (w & 63) & 1))
            return false;
    for (uint32_t m = 0; m < 16; m++)
        if ((pm->mid[m] == UINT64_MAX) != (pm->top >> m & 1))
            return false;
    return true;
}

/* What a map counts, as marks: of one whose counts have reached their end, the
 * number of uses at least. */
static uint64_t uses_of(const struct portmaps *ps, uint32_t map, uint32_t *n)
{
    const struct portmap *pm =
        (const struct portmap *)(const void *)ps->maps.items + map;
    const uint16_t *use = ps->use + (size_t)map * ps->n_index;
    uint64_t sum = 0;

    for (uint32_t w = 0; w < PORTMAP_WORDS; w++)
        for (uint64_t bits = pm->used[w]; bits; bits &= bits - 1) {
            uint32_t i = w << 6 | (uint32_t)__builtin_ctzll(bits);

            *n += use[i];
            sum += use[i] * base_check_mark((uint64_t)map << 32 | i);
        }
    return pm->stuck ? 0 : sum;
}

static const char *check_maps(const struct portmaps *ps, uint64_t *sum)
{
    const struct portmap *maps =
        (const struct portmap *)(const void *)ps->maps.items;
    uint64_t used, seen = 0;
    const char *why = base_check_pool(&ps->maps, &used);

    *sum = 0;
    for (uint32_t h = 0; !why && h < ps->n_heads; h++)
        for (uint32_t i = ps->heads[h], n = 0; i; i = maps[i - 1].next, n++) {
            const struct portmap *pm = &maps[i - 1];
            uint32_t uses = 0;

            if (n == ps->maps.used ||
                portmap_find(ps, &pm->addr, pm->family, pm->proto) != pm)
                return "portmap: one is not found by its address";
            *sum += uses_of(ps, i - 1, &uses);
            if (!pm->stuck && uses != pm->total)
                return "portmap: uses are not what their sum says";
            if (!portmap_levels_agree(pm))
                return "portmap: a full word is not known to be full";
            seen += base_check_mark(i - 1);
        }
    return why || seen == used ? why : "portmap: one is lost";
}

const char *nat_check_ports(const struct portmaps *ps, const struct pool *conns)
{
    const struct portmap *maps =
        (const struct portmap *)(const void *)ps->maps.items;
    uint64_t counted, held = 0;
    const char *why = check_maps(ps, &counted);

    for (uint32_t i = 0; !why && i < conns->fresh; i++)
        for (int d = 0; d < CT_N_DIRS; d++) {
            const struct ct_conn *c = table_check_conn(conns, i);
            const struct ct_tuple *t = &c->tuple[d];
            const struct portmap *pm;

            if (!(c->status & CT_CONFIRMED) ||
                !(c->counted & MAPPING_IN_MAP << d))
                continue;
            pm = portmap_find(ps, &t->dst, t->family, t->proto);
            if (!pm)
                return "portmap: a flow counts in a map that is gone";
            if (!pm->stuck)
                held += base_check_mark((uint64_t)(pm - maps) << 32 |
                                        portmap_port(t) / ps->n_shards);
        }
    if (!why && held != counted)
        why = "portmap: uses are not what flows hold";
    return why;
}

/* ---- remotes and rests ---- */

struct remote_sum {
    uint64_t uses;
    uint32_t marked;
};

/* False: what is marked has no bit. */
static bool add_use(struct remotes *rs, uint64_t remote, uint32_t index,
                    bool marked, struct remote_sum *sum)
{
    sum->uses += base_check_mark(remote & (rs->n_count - 1));
    sum->marked += marked;
    return !marked || (remote_word(rs, remote, index >> 6) >> (index & 63) & 1);
}

static const char *check_words(const struct remotes *rs, uint32_t marked)
{
    uint64_t used, bits = 0, full = 0;
    uint32_t n = 0;
    const char *why = base_check_pool(&rs->words, &used);
    const struct remote_word *words =
        (const struct remote_word *)(const void *)rs->words.items;

    for (uint32_t h = 0; !why && h < rs->n_heads; h++)
        for (uint32_t i = rs->heads[h]; i; i = words[i - 1].next) {
            if (n++ == rs->words.used)
                return "remote: a chain leads astray";
            used -= base_check_mark(i - 1);
            bits += (uint32_t)__builtin_popcountll(words[i - 1].bits);
            full += words[i - 1].bits == UINT64_MAX;
        }
    if (!why && used != 0)
        why = "remote: a word is lost";
    if (!why && (bits < marked || bits > marked + full))
        why = "remote: bits are not what is marked";
    return why;
}

const char *nat_check_remotes(struct nat *n, const struct pool *conns)
{
    struct remotes *rs = &n->remotes;
    struct remote_sum sum = {0};
    bool has_bits = true;
    uint64_t counted = 0;

    for (uint32_t i = 0; i < conns->fresh; i++)
        for (int d = 0; d < CT_N_DIRS; d++) {
            const struct ct_conn *c = table_check_conn(conns, i);

            if ((c->status & CT_CONFIRMED) &&
                (c->counted & MAPPING_OF_REMOTE << d))
                has_bits &=
                    add_use(rs, remote_key(&c->tuple[d], n->table->key),
                            portmap_port(&c->tuple[d]) / n->ports->n_shards,
                            c->counted & MAPPING_MARKED << d, &sum);
        }
    for (uint32_t i = n->resting.oldest; i;
         i = quarantine_at(&n->resting, i)->younger) {
        const struct quarantine_rest *r = quarantine_at(&n->resting, i);

        has_bits &= add_use(rs, r->remote, r->index, r->marked, &sum);
    }
    for (uint32_t i = 0; i < rs->n_count; i++)
        counted += rs->count[i] * base_check_mark(i);
    if (counted != sum.uses)
        return "remote: uses are not what flows and rests hold";
    if (!has_bits)
        return "remote: a marked port has no bit";
    return check_words(rs, sum.marked);
}

static const char *check_owners(const struct quarantine *q, uint64_t used)
{
    uint64_t seen = 0, noted = 0, counted;
    uint32_t before = 0, n = 0;
    const char *why = table_check_tally(&q->hosts, &counted);

    for (uint32_t i = q->oldest; !why && i; i = quarantine_at(q, i)->younger) {
        const struct quarantine_rest *r = quarantine_at(q, i);
        const struct quarantine_own *own = &q->own[r->host - 1];

        if (n++ == q->rests.used || r->older != before)
            return "quarantine: the list by age leads astray";
        if (before &&
            (int32_t)(r->until_ds - quarantine_at(q, before)->until_ds) < 0)
            return "quarantine: the list by age is out of order";
        if ((r->own_older ? quarantine_at(q, r->own_older)->own_younger
                          : own->oldest) != i ||
            (r->own_younger ? quarantine_at(q, r->own_younger)->own_older
                            : own->newest) != i)
            return "quarantine: a host's list leads astray";
        seen += base_check_mark(i - 1);
        noted += base_check_mark(r->host);
        before = i;
    }
    if (!why && (seen != used || q->newest != before))
        why = "quarantine: a rest is not in the list by age";
    if (!why && noted != counted)
        why = "quarantine: rests are not what hosts have";
    return why;
}

const char *nat_check_rests(const struct quarantine *q)
{
    uint64_t used, seen = 0;
    uint32_t n = 0;
    const char *why;

    if (!quarantine_is_on(q))
        return NULL;
    why = base_check_pool(&q->rests, &used);
    for (uint32_t h = 0; !why && h < q->n_heads; h++)
        for (uint32_t i = q->heads[h]; i; i = quarantine_at(q, i)->next) {
            if (n++ == q->rests.used ||
                (quarantine_at(q, i)->tuple & (q->n_heads - 1)) != h)
                return "quarantine: a rest stands in a wrong chain";
            seen += base_check_mark(i - 1);
        }
    if (!why && seen != used)
        why = "quarantine: a rest stands in no chain";
    return why ? why : check_owners(q, used);
}
