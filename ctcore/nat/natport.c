/* natport.c - search an outside port, step by step as natport.h lists them
 *
 * Each search has a number of steps that it may take. When they are used up it
 * ends, found or not: no packet pays for a scan of the ports. */
#include "nat/natport.h"

#include "base/hash.h"
#include "nat/natfree.h"
#include "packet/parse.h"
#include "packet/shard.h"
#include "packet/tuple.h"

#include <ctcore/bits.h>
#include <ctcore/wire.h>

/* Steps that the search for one flow's port may cost, over all addresses of a
 * pool: about 600 addresses of one port, or 100 whose 64,512 are all in use. */
#define SEARCH_STEPS 2560u
/* With as many of one packet no search goes on, whatever took them: room that
 * was made before, or a search that failed before some ports came free. */
#define PACKET_STEPS 4608u
/* A range of so few ports is looked at whole. */
#define SMALL_RANGE 64u
/* Ports found taken though nothing said so, of one search: those of the flows
 * that a remote has unmarked, and some. */
#define MAX_SURPRISES (REMOTE_UNMARKED + 32)
/* Bitmap words that one search for an unused port looks at. */
#define MAX_WORDS_EXCLUSIVE 64u
/* Ports looked at for a closed TCP flow to take over: the kernel's last tries
 * of a round. */
#define MAX_VICTIM_TRIES 32u

/* Chance that can't be foreseen from the ports that were given before: a keyed
 * hash of a counter. */
static uint32_t draw_number(struct nat *n, uint32_t below)
{
    uint64_t w[2] = {n->seed, n->draws++};

    return (uint32_t)((hash_words(w, 2, n->table->key) >> 32) * below >> 32);
}

/* ---- addresses of a pool ---- */

static bool addr_in(const struct ct_nat_range *r, const union ct_addr *a)
{
    return !r->has_addr || (memcmp(a->b, r->lo.b, sizeof a->b) >= 0 &&
                            memcmp(a->b, r->hi.b, sizeof a->b) <= 0);
}

/* The word of an address that counts: its last one. */
static unsigned last_at(const struct ct_nat_range *r)
{
    return r->family == CT_IPV4 ? 0 : 3;
}

static uint32_t last_word(const struct ct_nat_range *r, const union ct_addr *a)
{
    return __builtin_bswap32(a->w32[last_at(r)]);
}

static uint32_t pool_size(const struct ct_nat_range *r)
{
    if (r->family == CT_IPV6 && memcmp(r->lo.b, r->hi.b, 12) != 0)
        return UINT32_MAX; /* more than 2^32: their low word varies */
    return last_word(r, &r->hi) - last_word(r, &r->lo) + 1;
}

/* The k-th address of the pool, counted from where this flow begins. */
static union ct_addr pool_addr(const struct nat *n,
                               const struct ct_nat_range *r,
                               const struct ct_tuple *orig, uint32_t k)
{
    uint64_t w[4] = {orig->src.w64[0], orig->src.w64[1], 0, 0};
    uint32_t size = pool_size(r);
    union ct_addr a = r->lo;

    if (!r->persistent) {
        w[2] = orig->dst.w64[0];
        w[3] = orig->dst.w64[1];
    }
    if (size > 1)
        k += (uint32_t)((hash_words(w, 4, n->table->key) >> 32) * size >> 32);
    if (size)
        k %= size;
    a.w32[last_at(r)] = __builtin_bswap32(last_word(r, &r->lo) + k);
    return a;
}

/* ---- ports ---- */

static bool has_choice(const struct ct_tuple *cur)
{
    return ct_proto_has_ports(cur->proto) || ct_proto_is_icmp(cur->proto);
}

/* True if cur's source port is in this shard's slice and, in exclusive
 * profiles, unused.  A static forward's port belongs to the shard of its host.
 */
static bool port_is_ours(const struct nat *n, const struct ct_tuple *cur)
{
    const struct portmap *pm;

    if (!portmap_is_ours(n->ports, cur->sport))
        return natfree_forward(n, cur) != NULL; /* and not counted here */
    if (!n->exclusive_first)
        return true;
    pm = portmap_find(n->ports, &cur->src, cur->family, cur->proto);
    return !pm || !portmap_is_used(n->ports, pm, cur->sport);
}

bool natport_open(struct nat *n, const struct ct_tuple *cur,
                  const union ct_addr *host)
{
    return port_is_ours(n, cur) && !natfree_is_others(n, cur, host) &&
           !natfree_is_reserved(natfree_listeners(n, cur->proto), cur->sport);
}

/* A search: by index, from a chosen one to end and round. */
struct search {
    const struct portmap *pm; /* unused ports only, by this map; NULL: any */
    const struct ct_reserved *reserved; /* or NULL */
    uint64_t remote;
    uint32_t first, end;
    uint32_t words; /* that may still be looked at */
};

/* May this flow's search go on? */
static bool may_search(const struct nat *n, const struct nat_ask *ask)
{
    return n->work->steps - ask->begin < SEARCH_STEPS &&
           n->work->steps < PACKET_STEPS;
}

/* Which of the 64 ports of a word are the router's own listeners'. */
static uint64_t reserved_ports(struct nat *n, const struct search *s,
                               uint32_t word)
{
    uint64_t bits = 0;

    if (!s->reserved)
        return 0;
    if (n->ports->n_shards == 1)
        return natfree_reserved_word(s->reserved, word << 6);
    work_step(n->work, 1);
    for (uint32_t i = 0; i < 64 && (word << 6 | i) < s->end; i++)
        if (natfree_is_reserved(s->reserved,
                                portmap_at(n->ports, word << 6 | i)))
            bits |= 1ull << i;
    return bits;
}

/* The first index from at on whose word is not all reserved. */
static uint32_t past_reserved(struct nat *n, const struct search *s,
                              uint32_t at, uint32_t end)
{
    while (at < end && reserved_ports(n, s, at >> 6) == UINT64_MAX) {
        work_step(n->work, 1);
        at = (at | 63) + 1;
    }
    return at;
}

/* The first index from at on, below end, that bits say is free towards the
 * remote, and, with a map, towards any.  UINT32_MAX: there is none. */
static uint32_t next_open(struct nat *n, struct search *s,
                          const struct nat_ask *ask, uint32_t at, uint32_t end)
{
    while (at < end && s->words > 0 && may_search(n, ask)) {
        uint64_t open;
        uint32_t next;

        at = past_reserved(n, s, at, end);
        if (at >= end)
            break;
        next = s->pm ? portmap_open(s->pm, at)
                     : remote_skip(&n->remotes, s->remote, at, end);
        if (next >> 6 != at >> 6) { /* which may be reserved */
            at = next;
            continue;
        }
        s->words--;
        work_step(n->work, 1);
        open = ~remote_word(&n->remotes, s->remote, at >> 6);
        open &= ~0ull << (at & 63);
        if (s->pm)
            open &= ~s->pm->used[at >> 6];
        if (open)
            open &= ~reserved_ports(n, s, at >> 6);
        if (open) {
            at = (at & ~63u) | (uint32_t)__builtin_ctzll(open);
            return at < end ? at : UINT32_MAX;
        }
        at = (at | 63) + 1;
    }
    return UINT32_MAX;
}

/* Take the first port from a chosen one on, as bits say and the table agrees.
 * Forwards are stepped over run by run. */
static bool take_open(struct nat *n, struct ct_tuple *cur, struct search *s,
                      struct nat_ask *ask)
{
    uint32_t start = s->first + draw_number(n, s->end - s->first);
    uint32_t at = start, stop = s->end, surprises = 0;

    for (;;) {
        uint32_t i = next_open(n, s, ask, at, stop);
        const struct ct_steer_row *row;

        if (i == UINT32_MAX) {
            if (stop == start)
                return false;
            at = s->first;
            stop = start;
            continue;
        }
        cur->sport = portmap_at(n->ports, i);
        row = natfree_forward(n, cur);
        if (row && natfree_is_others(n, cur, &ask->pkt->tuple.src))
            at = portmap_index(n->ports, row->port_hi + 1u);
        else if (natfree_is_free(n, cur, ask))
            return true;
        else if (++surprises == MAX_SURPRISES)
            return false;
        else
            at = i + 1;
    }
}

/* Look at ports one by one from a chosen one on. */
static bool take_any(struct nat *n, struct ct_tuple *cur,
                     const struct search *s, uint32_t tries,
                     struct nat_ask *ask)
{
    uint32_t size = s->end - s->first, start = draw_number(n, size);

    for (uint32_t k = 0; k < size && k < tries; k++) {
        cur->sport = portmap_at(n->ports, s->first + (start + k) % size);
        if (natfree_is_free(n, cur, ask))
            return true;
    }
    return false;
}

/* Steps 4 and 5. */
static bool take_other(struct nat *n, struct ct_tuple *cur, uint16_t lo,
                       uint16_t hi, struct nat_ask *ask)
{
    struct search s = {
        .pm = portmap_find(n->ports, &cur->src, cur->family, cur->proto),
        .first = portmap_index(n->ports, lo),
        .end = portmap_index(n->ports, hi + 1u),
        .reserved = natfree_reserved(n, cur, ask),
        .words = MAX_WORDS_EXCLUSIVE,
    };
    uint32_t tries = SMALL_RANGE;
    struct ct_tuple reply;

    if (s.first >= s.end || !natfree_invert(ask->proto, cur, &reply))
        return false;
    s.remote = remote_key(&reply, n->table->key);
    if (s.pm && take_open(n, cur, &s, ask))
        return true;
    s.pm = NULL;
    s.words = UINT32_MAX;
    ct_add(&n->stats[CT_STAT_port_scans], 1);
    if (s.end - s.first > SMALL_RANGE) {
        if (take_open(n, cur, &s, ask))
            return true;
        tries = ask->proto->reusable ? MAX_VICTIM_TRIES : 0;
    }
    return take_any(n, cur, &s, tries, ask);
}

/* The host's own forwarded ports in the range: their answers come to this shard
 * by the forward, in whatever slice they are.  Of each forward some ports are
 * looked at, from a chosen one on, and of so many forwards. */
static bool take_forwarded(struct nat *n, struct ct_tuple *cur, uint16_t lo,
                           uint16_t hi, struct nat_ask *ask)
{
    const struct ct_steer *s = n->forwards;
    struct ct_tuple to = *cur;

    if (!s || s->n_shards <= 1 || !ct_proto_has_ports(cur->proto))
        return false;
    to.dst = cur->src;
    to.dport = lo;
    for (uint32_t at = shard_forward_from(s, &to), k = 0;
         at < s->n && k < SMALL_RANGE; at++, k++) {
        const struct ct_steer_row *row = &s->rows[at];
        uint32_t first = row->port_lo > lo ? row->port_lo : lo;
        uint32_t last = row->port_hi < hi ? row->port_hi : hi, size, start;

        if (row->family != cur->family || row->proto != cur->proto ||
            !ct_addr_eq(&row->addr, &cur->src) || first > last)
            return false;
        work_step(n->work, 1);
        if (!ct_addr_eq(&row->target, &ask->pkt->tuple.src))
            continue;
        size = last - first + 1;
        start = draw_number(n, size);
        for (uint32_t i = 0; i < size && i < SMALL_RANGE; i++) {
            cur->sport = (uint16_t)(first + (start + i) % size);
            if (may_search(n, ask) && natfree_is_free(n, cur, ask))
                return true;
        }
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

    if (size == 0 || portmap_is_ours(n->ports, port))
        return port;
    return portmap_at(n->ports, portmap_index(n->ports, lo) +
                                    (uint32_t)(port - lo) % size);
}

/* Steps 3 to 5 at the address that cur has by now.  port: the source's own. */
static bool choose_port(struct nat *n, struct ct_tuple *cur, uint16_t port,
                        struct nat_ask *ask)
{
    const struct ct_nat_range *r = ask->range;
    bool given = r && r->has_ports;
    uint16_t lo, hi;

    cur->sport = port;
    if (ask->keyed)
        cur->sport = r->port_lo;
    if (!has_choice(cur))
        return natfree_is_free(n, cur, ask);
    portmap_class(ct_proto_is_icmp(cur->proto), port, &lo, &hi);
    if (given) {
        lo = r->port_lo;
        hi = r->port_hi;
    }
    if (!(r && r->random) && (!given || (port >= lo && port <= hi))) {
        if (!natfree_forward(n, cur))
            cur->sport = slice_port(n, port, lo, hi);
        if (port_is_ours(n, cur) && natfree_is_free(n, cur, ask))
            return true;
    }
    return take_other(n, cur, lo, hi, ask) ||
           (given && take_forwarded(n, cur, lo, hi, ask));
}

/* Step 2: the source's mappings, oldest first. */
static bool choose_mapping(struct nat *n, struct ct_tuple *cur,
                           const struct ct_tuple *orig, struct nat_ask *ask)
{
    const struct ct_nat_range *r = ask->range;
    struct ct_tuple try = *cur;
    uint32_t at = CT_NONE;

    for (int depth = 0; depth < MAPPING_DEPTH; depth++) {
        if (!mapping_next(n, orig, &at, &try.src, &try.sport))
            return false;
        if (!addr_in(r, &try.src) || (r->has_ports && (try.sport < r->port_lo ||
                                                       try.sport > r->port_hi)))
            continue;
        ask->hidden = !ct_addr_eq(&try.src, &orig->src);
        if (natfree_is_free(n, &try, ask)) {
            *cur = try;
            return true;
        }
    }
    return false;
}

/* May the source, which has no port that would do, have one more?  Its share is
 * of all that it could be given: this shard's, of each address of the pool.  A
 * port that rests counts, but rests no more when its host needs the room. */
static bool may_have_another(struct nat *n, const struct ct_tuple *orig,
                             uint16_t port, const struct nat_ask *ask)
{
    const struct ct_nat_range *r = ask->range;
    uint16_t lo = r->port_lo, hi = r->port_hi;
    uint64_t all = r->has_addr && !r->persistent ? pool_size(r) : 1;
    uint32_t most, resting;

    if (!n->share || !has_choice(orig))
        return true;
    if (!r->has_ports)
        portmap_class(ct_proto_is_icmp(orig->proto), port, &lo, &hi);
    all = (all ? all : UINT32_MAX) * portmap_size(n->ports, lo, hi);
    most = all > UINT32_MAX ? UINT32_MAX : (uint32_t)all;
    resting = quarantine_of(&n->resting, orig);
    if (share_has_port(n->share, orig, most, resting))
        return true;
    if (!resting || !share_has_port(n->share, orig, most, 0))
        return false;
    quarantine_give_way(&n->resting, orig);
    return true;
}

static enum ct_reason choose_source(struct nat *n, struct ct_tuple *cur,
                                    const struct ct_tuple *orig,
                                    struct nat_ask *ask)
{
    const struct ct_nat_range *r = ask->range;
    uint16_t port = cur->sport;
    uint32_t size = 1;

    ask->victim = CT_NONE;
    ask->hidden = false;
    if (!r) /* null binding: the port changes only if it must */
        return natfree_is_free(n, cur, ask) || choose_port(n, cur, port, ask)
                   ? CT_REASON_NONE
                   : CT_REASON_NO_PORT;
    if (!r->random && choose_mapping(n, cur, orig, ask))
        return CT_REASON_NONE;
    if (r->has_addr && (size = pool_size(r)) == 0)
        size = UINT32_MAX;
    for (uint32_t k = 0; k < size && may_search(n, ask); k++) {
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
    if (!r->has_ports || !ct_proto_has_ports(cur->proto))
        return CT_REASON_NONE;
    if (!r->random && cur->dport >= r->port_lo && cur->dport <= r->port_hi &&
        (r->port_lo == r->port_hi || natfree_is_free(n, cur, ask)))
        return CT_REASON_NONE;
    size = r->port_hi - r->port_lo + 1u;
    start = draw_number(n, size); /* so that hosts share the load */
    for (uint32_t k = 0; k < size && k < MAX_VICTIM_TRIES; k++) {
        cur->dport = (uint16_t)(r->port_lo + (start + k) % size);
        if (size == 1 || natfree_is_free(n, cur, ask))
            break;
    }
    return CT_REASON_NONE;
}

enum ct_reason natport_choose(struct nat *n, struct ct_tuple *cur,
                              const struct ct_conn *c, enum mangle_side side,
                              struct nat_ask *ask)
{
    const struct ct_tuple *orig = &c->tuple[CT_DIR_ORIGINAL];

    ask->begin = n->work->steps;
    return side == MANGLE_SRC ? choose_source(n, cur, orig, ask)
                              : choose_destination(n, cur, orig, ask);
}
