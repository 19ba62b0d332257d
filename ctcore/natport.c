#include "natport.h"

#include "bytes.h"
#include "hash.h"
#include "parse.h"
#include "shard.h"
#include "stats.h"
#include "tuple.h"

/* Addresses of a pool that are tried when the first has no port left. */
#define MAX_POOL_TRIES 16u
/* Exclusive ports offered by the map whose tuple an uncounted flow has. */
#define MAX_SURPRISES 8
/* Runs of reserved ports and surprises that are stepped over. */
#define MAX_RUNS 128
/* Ports looked at for a closed TCP flow to take over: the kernel.s last tries
 * of a round. */
#define MAX_VICTIM_TRIES 32u
/* Below this many ports a counter that says "full" is checked by looking. */
#define SMALL_RANGE 4096u

bool natport_invert(const struct l4proto *proto, const struct ct_tuple *t,
                    struct ct_tuple *reply)
{
    if (proto->invert)
        return proto->invert(t, reply);
    *reply = *t;
    reply->src = t->dst;
    reply->dst = t->src;
    reply->sport = t->dport;
    reply->dport = t->sport;
    return true;
}

/* Chance that nobody outside can foresee from the ports he was given: a keyed
 * hash of a counter. */
static uint32_t draw(struct nat *n, uint32_t below)
{
    uint64_t w[2] = {n->seed, n->draws++};

    return (uint32_t)((hash_words(w, 2, n->table->key) >> 32) * below >> 32);
}

/* ---- is a tuple free? ---- */

static bool may_take(const struct ct_conn *old, enum ct_dir dir,
                     const struct nat_ask *ask)
{
    return dir == CT_DIR_REPLY && ask->proto->reusable &&
           (old->status & CT_SRC_NAT) && !(old->status & CT_FIXED_TIMEOUT) &&
           ask->proto->reusable(&old->proto, ask->pkt);
}

/* The static forward that has the source which cur has in mind, or NULL. */
static const struct ct_steer_row *forward_of(const struct nat *n,
                                             const struct ct_tuple *cur)
{
    struct ct_tuple to = *cur;

    if (!n->forwards || !parse_has_ports(cur->proto))
        return NULL;
    to.dst = cur->src;
    to.dport = cur->sport;
    return shard_forward(n->forwards, &to);
}

static bool is_own(const struct ct_ifaces *ifaces, uint8_t family,
                   const union ct_addr *addr)
{
    for (uint32_t i = 0; ifaces && i < ifaces->n; i++)
        for (unsigned k = 0; k < ifaces->iface[i].n_addrs; k++)
            if (ifaces->iface[i].family[k] == family &&
                ct_addr_eq(&ifaces->iface[i].addr[k], addr))
                return true;
    return false;
}

/* Does it belong to another host than this one?  A forward of all ports of the
 * router's own address leaves others something: answers are known by their
 * remote, as long as no steering stands before that. */
static bool is_others(const struct nat *n, const struct ct_tuple *cur,
                      const union ct_addr *host)
{
    const struct ct_steer_row *row = forward_of(n, cur);

    if (!row || ct_addr_eq(&row->target, host))
        return false;
    return row->port_lo > 1 || row->port_hi < 65535 ||
           n->forwards->n_shards > 1 ||
           !is_own(n->forwards->ifaces, row->family, &row->addr);
}

/* ---- ports of the router's own listeners ---- */

static const struct ct_reserved *listeners(const struct nat *n, uint8_t proto)
{
    return proto == PROTO_TCP   ? n->reserved_tcp
           : proto == PROTO_UDP ? n->reserved_udp
                                : NULL;
}

static const struct ct_reserved *reserved_of(const struct nat *n,
                                             const struct ct_tuple *cur,
                                             const struct nat_ask *ask)
{
    return ask->hidden ? listeners(n, cur->proto) : NULL;
}

/* Somebody else may be writing the next word, and only ever whole ones. */
static uint64_t reserved_word(const struct ct_reserved *set, uint32_t port)
{
    return __atomic_load_n(&set->word[port >> 6], __ATOMIC_RELAXED);
}

static bool is_reserved(const struct ct_reserved *set, uint32_t port)
{
    return set && (reserved_word(set, port) >> (port & 63) & 1);
}

/* The first port at or after port that is not reserved, or UINT32_MAX. */
static uint32_t past_reserved(const struct ct_reserved *set, uint32_t port)
{
    for (; port < 65536; port = (port | 63) + 1) {
        uint64_t open = ~reserved_word(set, port) & ~0ull << (port & 63);

        if (open)
            return (port & ~63u) | (uint32_t)__builtin_ctzll(open);
    }
    return UINT32_MAX;
}

/* Is the reply of cur nobody's?  Notes a flow that could be taken over. */
static bool is_free(struct nat *n, const struct ct_tuple *cur,
                    struct nat_ask *ask)
{
    struct ct_tuple reply;
    struct ct_conn *old;
    enum ct_dir dir;
    uint64_t hash;

    if (is_others(n, cur, &ask->pkt->tuple.src) ||
        is_reserved(reserved_of(n, cur, ask), cur->sport) ||
        !natport_invert(ask->proto, cur, &reply))
        return false;
    hash = tuple_hash(&reply, n->table->key);
    old = table_find(n->table, &reply, hash, ask->now, &dir);
    if (!old && n->peers->busy &&
        peers_find(n->peers, &reply, hash, ask->now) != CT_NONE)
        return false;
    if (!old)
        return !ask->hidden ||
               !quarantine_holds(&n->resting, hash, &ask->pkt->tuple.src,
                                 ask->now);
    stats_add(&n->stats[CT_STAT_found], 1);
    if (ask->victim == CT_NONE && may_take(old, dir, ask))
        ask->victim = table_slot(n->table, old);
    return false;
}

/* ---- addresses of a pool ---- */

static bool addr_in(const struct ct_nat_range *r, const union ct_addr *a)
{
    return !r->has_addr || (memcmp(a->b, r->lo.b, sizeof a->b) >= 0 &&
                            memcmp(a->b, r->hi.b, sizeof a->b) <= 0);
}

static uint32_t pool_size(const struct ct_nat_range *r)
{
    uint32_t at = r->family == CT_IPV4 ? 0 : 12;

    if (r->family == CT_IPV6 && memcmp(r->lo.b, r->hi.b, 12) != 0)
        return UINT32_MAX; /* more than 2^32: their low word varies */
    return load32(r->hi.b + at) - load32(r->lo.b + at) + 1;
}

/* The k-th address of the pool, counted from where this flow begins. */
static union ct_addr pool_addr(const struct nat *n,
                               const struct ct_nat_range *r,
                               const struct ct_tuple *orig, uint32_t k)
{
    uint64_t w[4] = {orig->src.w64[0], orig->src.w64[1], 0, 0};
    uint32_t at = r->family == CT_IPV4 ? 0 : 12, size = pool_size(r);
    union ct_addr a = r->lo;

    if (!r->persistent) {
        w[2] = orig->dst.w64[0];
        w[3] = orig->dst.w64[1];
    }
    if (size > 1)
        k += (uint32_t)((hash_words(w, 4, n->table->key) >> 32) * size >> 32);
    if (size)
        k %= size;
    store32(a.b + at, load32(r->lo.b + at) + k);
    return a;
}

/* ---- ports ---- */

static bool id_proto(const struct nat_ask *ask)
{
    return ask->proto->has_id;
}

static bool has_choice(const struct nat_ask *ask)
{
    return ask->proto->has_ports || ask->proto->has_id;
}

/* Is the port that cur has at its source this shard's to give, and, where
 * profiles ask so, nobody's?  A static forward's port is its host's shard's. */
static bool port_is_ours(struct nat *n, const struct ct_tuple *cur)
{
    struct portmap *pm;

    if (cur->sport % n->ports->n_shards != n->ports->shard)
        return forward_of(n, cur) != NULL; /* and not counted here */
    if (!n->exclusive_first)
        return true;
    pm = portmap_find(n->ports, &cur->src, cur->family, cur->proto, true);
    return !pm || portmap_use(n->ports, pm, cur->sport) == 0;
}

bool natport_open(struct nat *n, const struct ct_tuple *cur,
                  const union ct_addr *host)
{
    return port_is_ours(n, cur) && !is_others(n, cur, host) &&
           !is_reserved(listeners(n, cur->proto), cur->sport);
}

static struct nat_miss *miss_of(struct nat *n, const struct ct_tuple *cur,
                                uint64_t *key)
{
    struct ct_tuple k = *cur;

    k.sport = 0;
    *key = tuple_hash(&k, n->table->key);
    return &n->miss[*key & 63];
}

/* Is it known that no port of lo..hi is left towards this remote? */
static bool known_full(struct nat *n, const struct ct_tuple *cur,
                       const struct portmap *pm, uint16_t lo, uint16_t hi,
                       const struct nat_ask *ask)
{
    struct ct_tuple reply;
    uint16_t class_lo, class_hi;
    uint64_t key;
    const struct nat_miss *miss = miss_of(n, cur, &key);

    if (miss->key == key && miss->lo == lo && miss->hi == hi &&
        miss->releases == pm->releases)
        return true;
    portmap_class(id_proto(ask), lo, &class_lo, &class_hi);
    return lo == class_lo && hi == class_hi &&
           portmap_size(n->ports, lo, hi) > SMALL_RANGE &&
           natport_invert(ask->proto, cur, &reply) &&
           portmap_full(n->ports, &reply, lo, hi);
}

/* Step 4.  pm's offer is nearly always free; a surprise is an uncounted flow.
 * Reserved ports are stepped over run by run, as long as there are few. */
static bool take_exclusive(struct nat *n, struct ct_tuple *cur,
                           const struct portmap *pm, uint16_t lo, uint16_t hi,
                           struct nat_ask *ask)
{
    uint32_t size = portmap_size(n->ports, lo, hi);
    uint16_t start = portmap_kth(n->ports, lo, draw(n, size));
    const struct ct_reserved *reserved = reserved_of(n, cur, ask);
    int surprises = 0;

    for (int run = 0; run < MAX_RUNS && surprises < MAX_SURPRISES; run++) {
        uint32_t next;

        if (!portmap_exclusive(n->ports, pm, lo, hi, start, &cur->sport))
            return false;
        next = cur->sport + 1u;
        if (is_reserved(reserved, cur->sport))
            next = past_reserved(reserved, next);
        else if (is_free(n, cur, ask))
            return true;
        else
            surprises++;
        start = next > hi ? lo : (uint16_t)next;
    }
    return false;
}

/* Step 5, and step 4 for addresses that are not counted: look at every port,
 * from a chosen one on.  When the range is known to be full only some are
 * looked at, for a closed flow to take over. */
static bool take_shared(struct nat *n, struct ct_tuple *cur,
                        const struct portmap *pm, uint16_t lo, uint16_t hi,
                        struct nat_ask *ask)
{
    uint32_t size = portmap_size(n->ports, lo, hi), tries = size;
    uint32_t start = draw(n, size);
    bool full = pm && known_full(n, cur, pm, lo, hi, ask);

    stats_add(&n->stats[CT_STAT_port_scans], 1);
    if (full)
        tries = !ask->proto->reusable     ? 0
                : size < MAX_VICTIM_TRIES ? size
                                          : MAX_VICTIM_TRIES;
    for (uint32_t k = 0; k < tries; k++) {
        cur->sport = portmap_kth(n->ports, lo, (start + k) % size);
        if (is_free(n, cur, ask))
            return true;
    }
    /* What rests comes free without a word. */
    if (pm && !full && !n->resting.n_lines) {
        struct nat_miss *miss;
        uint64_t key;

        miss = miss_of(n, cur, &key);
        *miss = (struct nat_miss){key, pm->releases, lo, hi};
    }
    return false;
}

/* What a source's own port is in this shard's slice: itself, or always the same
 * other one, so that a flow that is picked up after a restart finds its port
 * again.  Ports that follow each other become ports that do. */
static uint16_t slice_port(const struct nat *n, uint16_t port, uint16_t lo,
                           uint16_t hi)
{
    uint32_t size = portmap_size(n->ports, lo, hi);

    if (size == 0 || port % n->ports->n_shards == n->ports->shard)
        return port;
    return portmap_kth(n->ports, lo, (uint32_t)(port - lo) % size);
}

/* Steps 3 to 5 at the address that cur has by now.  port: the source's own. */
static bool choose_port(struct nat *n, struct ct_tuple *cur, uint16_t port,
                        struct nat_ask *ask)
{
    const struct ct_nat_range *r = ask->range;
    bool given = r && r->has_ports;
    struct portmap *pm;
    uint16_t lo, hi;

    cur->sport = port;
    if (ask->keyed)
        cur->sport = r->port_lo;
    if (!has_choice(ask))
        return is_free(n, cur, ask);
    portmap_class(id_proto(ask), port, &lo, &hi);
    if (given) {
        lo = r->port_lo;
        hi = r->port_hi;
    }
    if (!(r && r->random) && (!given || (port >= lo && port <= hi))) {
        if (!forward_of(n, cur))
            cur->sport = slice_port(n, port, lo, hi);
        if (port_is_ours(n, cur) && is_free(n, cur, ask))
            return true;
    }
    if (portmap_size(n->ports, lo, hi) == 0)
        return false;
    pm = portmap_find(n->ports, &cur->src, cur->family, cur->proto, true);
    if (pm && take_exclusive(n, cur, pm, lo, hi, ask))
        return true;
    return take_shared(n, cur, pm, lo, hi, ask);
}

/* Step 2: the source's mappings, oldest first. */
static bool choose_mapping(struct nat *n, struct ct_tuple *cur,
                           const struct ct_tuple *orig, struct nat_ask *ask)
{
    const struct ct_nat_range *r = ask->range;
    struct ct_tuple try = *cur;
    uint32_t at = CT_NONE;

    for (int depth = 0; depth < NAT_MAP_DEPTH; depth++) {
        if (!nat_mapping_next(n, orig, &at, &try.src, &try.sport))
            return false;
        if (!addr_in(r, &try.src) || (r->has_ports && (try.sport < r->port_lo ||
                                                       try.sport > r->port_hi)))
            continue;
        ask->hidden = !ct_addr_eq(&try.src, &orig->src);
        if (is_free(n, &try, ask)) {
            *cur = try;
            return true;
        }
    }
    return false;
}

/* May the source, which has no port that would do, have one more?  Its share is
 * of all that it could be given: this shard's, of each address of the pool. */
static bool may_have_another(const struct nat *n, const struct ct_tuple *orig,
                             uint16_t port, const struct nat_ask *ask)
{
    const struct ct_nat_range *r = ask->range;
    uint16_t lo = r->port_lo, hi = r->port_hi;
    uint64_t all = r->has_addr && !r->persistent ? pool_size(r) : 1;

    if (!n->share || !has_choice(ask))
        return true;
    if (!r->has_ports)
        portmap_class(id_proto(ask), port, &lo, &hi);
    all = (all ? all : UINT32_MAX) * portmap_size(n->ports, lo, hi);
    return share_has_port(n->share, orig,
                          all > UINT32_MAX ? UINT32_MAX : (uint32_t)all);
}

static enum ct_reason choose_source(struct nat *n, struct ct_tuple *cur,
                                    const struct ct_tuple *orig,
                                    struct nat_ask *ask)
{
    const struct ct_nat_range *r = ask->range;
    uint16_t port = cur->sport;
    uint32_t tries = 1;

    ask->victim = CT_NONE;
    ask->hidden = false;
    if (!r) /* null binding: the port changes only if it must */
        return is_free(n, cur, ask) || choose_port(n, cur, port, ask)
                   ? CT_REASON_NONE
                   : CT_REASON_NO_PORT;
    if (!r->random && choose_mapping(n, cur, orig, ask))
        return CT_REASON_NONE;
    if (r->has_addr) {
        tries = pool_size(r);
        if (tries == 0 || tries > MAX_POOL_TRIES)
            tries = MAX_POOL_TRIES;
    }
    for (uint32_t k = 0; k < tries; k++) {
        if (r->has_addr)
            cur->src = pool_addr(n, r, orig, k);
        ask->hidden = !ct_addr_eq(&cur->src, &orig->src);
        if (ask->hidden && !may_have_another(n, orig, port, ask))
            return CT_REASON_SOURCE_PORTS;
        if (choose_port(n, cur, port, ask))
            return CT_REASON_NONE;
    }
    return CT_REASON_NO_PORT;
}

/* A clash that is left is the source's to solve: its null binding comes
 * later and gives the client another port. */
static enum ct_reason choose_destination(struct nat *n, struct ct_tuple *cur,
                                         const struct ct_tuple *orig,
                                         struct nat_ask *ask)
{
    const struct ct_nat_range *r = ask->range;
    uint32_t size, start;

    ask->victim = CT_NONE;
    ask->hidden = false;
    if (!r)
        return CT_REASON_NONE;
    if (r->has_addr)
        cur->dst = pool_addr(n, r, orig, 0);
    if (ask->keyed)
        cur->dport = r->port_lo;
    if (!r->has_ports || !ask->proto->has_ports)
        return CT_REASON_NONE;
    if (!r->random && cur->dport >= r->port_lo && cur->dport <= r->port_hi &&
        (r->port_lo == r->port_hi || is_free(n, cur, ask)))
        return CT_REASON_NONE;
    size = r->port_hi - r->port_lo + 1u;
    start = draw(n, size); /* so that hosts share the load */
    for (uint32_t k = 0; k < size && k < MAX_VICTIM_TRIES; k++) {
        cur->dport = (uint16_t)(r->port_lo + (start + k) % size);
        if (size == 1 || is_free(n, cur, ask))
            break;
    }
    return CT_REASON_NONE;
}

enum ct_reason natport_choose(struct nat *n, struct ct_tuple *cur,
                              const struct ct_conn *c, enum mangle_side side,
                              struct nat_ask *ask)
{
    const struct ct_tuple *orig = &c->tuple[CT_DIR_ORIGINAL];

    return side == MANGLE_SRC ? choose_source(n, cur, orig, ask)
                              : choose_destination(n, cur, orig, ask);
}
