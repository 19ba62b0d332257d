/* shard.c - which worker owns a packet: a pure function of the packet
 *
 * A flow has one owner, and each packet of either direction, and each error
 * about it, must lead there before anybody has looked it up.  So the answer is
 * made from what both directions show:
 *
 *   1. A packet to a static forward counts as one to the forward's target,
 *      whose answers bear the target's own address.
 *   2. A packet to an address of the router's, or to one that flows are hidden
 *      behind, is an answer to a translated flow, if it is anything: the owner
 *      took the outside port from its own slice, port % n.
 *   3. Else the flow is seen with the same two addresses both ways.  The one
 *      that is inside owns it, so that all flows of an inside host, and so its
 *      mappings, are together; the lower one if both are, or neither is.
 *
 * Where no port tells the owner (GRE, ESP ...) the outside address must, since
 * it is the one that NAT leaves alone: it owns in place of the inside one.  A
 * portless flow between inside and inside, or to the router itself, may be
 * hidden at both ends (hairpin) and shows nothing that lasts: shard 0.
 *
 * Which side an address is on is asked of the address, never of the interface
 * a packet came by, so that the answer can't differ with the direction.
 *
 * Where the router's own packets come by a device, they are owned by their
 * source port: their answers come to that port, or to one of the same slice.
 *
 * An error about packet P goes to P's sender, the way P's answer would. */
#include "packet/shard.h"

#include "base/hash.h"
#include "packet/parse.h"
#include "packet/parse_inner.h"
#include "packet/tuple.h"

#include <ctcore/wire.h>

enum side { OUTSIDE, INSIDE, OURS };

static int compare_addrs(const union ct_addr *a, const union ct_addr *b)
{
    return memcmp(a->b, b->b, sizeof a->b);
}

static bool is_within_range(const struct ct_addr_range *r,
                            const union ct_addr *a)
{
    return compare_addrs(&r->lo, a) <= 0 && compare_addrs(a, &r->hi) <= 0;
}

/* Of n ranges sorted by (family, lo), without overlap. */
static bool is_in(const struct ct_addr_range *ranges, const uint8_t *families,
                  uint32_t n, uint8_t family, const union ct_addr *a)
{
    uint32_t lo = 0, hi = n;

    while (lo < hi) { /* lo: how many ranges begin at or below a */
        uint32_t mid = lo + (hi - lo) / 2;
        uint8_t is = families[mid];

        if (is > family ||
            (is == family && compare_addrs(&ranges[mid].lo, a) > 0))
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo > 0 && families[lo - 1] == family &&
           is_within_range(&ranges[lo - 1], a);
}

static bool is_steered_address(const struct ct_steer *s, uint8_t family,
                               const union ct_addr *a)
{
    if (is_in(s->external, s->external_family, s->n_external, family, a))
        return true;
    for (uint32_t i = 0; s->ifaces != NULL && i < s->ifaces->n; i++) {
        const struct ct_iface *f = &s->ifaces->iface[i];

        for (unsigned k = 0; k < f->n_addrs; k++)
            if (f->family[k] == family && ct_addr_eq(&f->addr[k], a))
                return true;
    }
    return false;
}

static bool is_inside_prefix(const struct ct_steer *s, uint8_t family,
                             const union ct_addr *a)
{
    return is_in(s->inside, s->inside_family, s->n_inside, family, a);
}

static enum side side_of_address(const struct ct_steer *s, uint8_t family,
                                 const union ct_addr *a)
{
    if (is_steered_address(s, family, a))
        return OURS;
    return is_inside_prefix(s, family, a) ? INSIDE : OUTSIDE;
}

/* <0: the row stands before what t is sent to, 0: covers it, >0: behind. */
static int compare_row(const struct ct_steer_row *row, const struct ct_tuple *t)
{
    int by;

    if (row->family != t->family)
        return row->family < t->family ? -1 : 1;
    if (row->proto != t->proto)
        return row->proto < t->proto ? -1 : 1;
    by = compare_addrs(&row->addr, &t->dst);
    if (by != 0)
        return by;
    return row->port_hi < t->dport ? -1 : row->port_lo > t->dport;
}

uint32_t shard_forward_from(const struct ct_steer *s, const struct ct_tuple *t)
{
    uint32_t lo = 0, hi = s->n;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (compare_row(&s->rows[mid], t) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

const struct ct_steer_row *shard_forward(const struct ct_steer *s,
                                         const struct ct_tuple *t)
{
    uint32_t at = shard_forward_from(s, t);

    return at < s->n && compare_row(&s->rows[at], t) == 0 ? &s->rows[at] : NULL;
}

static uint32_t owner_of_address(const struct ct_steer *s, uint8_t family,
                                 const union ct_addr *a)
{
    uint64_t key[2], hash;

    memcpy(key, s->key, sizeof key);
    hash = hash_words(a->w64, family == CT_IPV4 ? 1 : 2, key);
    return (uint32_t)((hash >> 32) * s->n_shards >> 32);
}

static uint32_t portless_owner(const struct ct_steer *s,
                               const struct ct_tuple *t)
{
    enum side src = side_of_address(s, t->family, &t->src);
    enum side dst = side_of_address(s, t->family, &t->dst);

    if (src == OUTSIDE && dst == OUTSIDE)
        return owner_of_address(s, t->family,
                                compare_addrs(&t->src, &t->dst) < 0 ? &t->src
                                                                    : &t->dst);
    if (src == OUTSIDE)
        return owner_of_address(s, t->family, &t->src);
    if (dst == OUTSIDE)
        return owner_of_address(s, t->family, &t->dst);
    return 0;
}

/* id: what tells translated flows apart: destination port or query id;
 * own: what tells the router's own apart, source port or the same id. */
static uint32_t ported_owner(const struct ct_steer *s, const struct ct_tuple *t,
                             uint16_t id, uint16_t own)
{
    const struct ct_steer_row *row = shard_forward(s, t);
    const union ct_addr *dst = row != NULL ? &row->target : &t->dst;
    bool src_inside, dst_inside;

    if (row == NULL && is_steered_address(s, t->family, dst))
        return id % s->n_shards;
    if (s->host && is_steered_address(s, t->family, &t->src))
        return own % s->n_shards;
    src_inside = is_inside_prefix(s, t->family, &t->src);
    dst_inside = is_inside_prefix(s, t->family, dst);
    if (src_inside != dst_inside)
        return owner_of_address(s, t->family, src_inside ? &t->src : dst);
    return owner_of_address(s, t->family,
                            compare_addrs(&t->src, dst) < 0 ? &t->src : dst);
}

uint32_t shard_owner(const struct ct_steer *s, const struct ct_tuple *t)
{
    if (s->n_shards <= 1)
        return 0;
    if (ct_proto_has_ports(t->proto))
        return ported_owner(s, t, t->dport, t->sport);
    if (ct_proto_is_icmp(t->proto))
        return ported_owner(s, t, t->sport, t->sport); /* the id */
    return portless_owner(s, t);
}

uint32_t shard_owner_to(const struct ct_steer *s, const struct ct_tuple *t)
{
    if (ct_proto_has_ports(t->proto) && shard_forward(s, t) == NULL &&
        is_steered_address(s, t->family, &t->dst))
        return t->dport % s->n_shards;
    return CT_NONE;
}

/* The answer's tuple as far as owners are concerned: a query id stays where it
 * is, and of ICMP's types only echo can have a row. */
static struct ct_tuple reply_for_owner(const struct ct_tuple *t)
{
    struct ct_tuple back = *t;
    uint8_t type = (uint8_t)(t->dport >> 8);

    back.src = t->dst;
    back.dst = t->src;
    if (ct_proto_has_ports(t->proto)) {
        back.sport = t->dport;
        back.dport = t->sport;
    } else if (t->proto == CT_PROTO_ICMP &&
               (type == CT_ICMP_ECHO_REPLY || type == CT_ICMP_ECHO)) {
        back.dport ^= (CT_ICMP_ECHO ^ CT_ICMP_ECHO_REPLY) << 8;
    } else if (t->proto == CT_PROTO_ICMPV6 &&
               (type == CT_ICMPV6_ECHO || type == CT_ICMPV6_ECHO_REPLY)) {
        back.dport ^= (CT_ICMPV6_ECHO ^ CT_ICMPV6_ECHO_REPLY) << 8;
    }
    return back;
}

uint32_t ct_fragment_owner(const struct ct_steer *steer,
                           const struct ct_pkt *pkt)
{
    uint64_t key[2];

    memcpy(key, steer->key, sizeof key);
    return (uint32_t)((tuple_hash(&pkt->tuple, key) >> 32) * steer->n_shards >>
                      32);
}

uint32_t ct_owner(const struct ct_steer *steer, const struct ct_pkt *pkt)
{
    struct ct_tuple back;
    struct inner in;

    if (steer->n_shards <= 1)
        return 0;
    if (!pkt->icmp_error)
        return shard_owner(steer, &pkt->tuple);
    if (parse_inner(pkt, &in) != CT_REASON_NONE)
        return portless_owner(steer, &pkt->tuple);
    back = reply_for_owner(&in.tuple);
    return shard_owner(steer, &back);
}

static bool same_ranges(const struct ct_addr_range *a, const uint8_t *a_family,
                        const struct ct_addr_range *b, const uint8_t *b_family,
                        uint32_t n)
{
    return n == 0 || (memcmp(a, b, n * sizeof *a) == 0 &&
                      memcmp(a_family, b_family, n) == 0);
}

static bool same_addresses(const struct ct_ifaces *a, const struct ct_ifaces *b)
{
    if (a == NULL || b == NULL || a->n != b->n)
        return a == b;
    for (uint32_t i = 0; i < a->n; i++) {
        const struct ct_iface *x = &a->iface[i], *y = &b->iface[i];

        if (x->n_addrs != y->n_addrs ||
            memcmp(x->addr, y->addr, x->n_addrs * sizeof *x->addr) != 0 ||
            memcmp(x->family, y->family, x->n_addrs) != 0)
            return false;
    }
    return true;
}

bool ct_steer_same(const struct ct_steer *a, const struct ct_steer *b)
{
    return a->n == b->n && a->n_external == b->n_external &&
           a->n_inside == b->n_inside && a->n_shards == b->n_shards &&
           a->host == b->host && memcmp(a->key, b->key, sizeof a->key) == 0 &&
           (a->n == 0 ||
            memcmp(a->rows, b->rows, a->n * sizeof *a->rows) == 0) &&
           same_ranges(a->external, a->external_family, b->external,
                       b->external_family, a->n_external) &&
           same_ranges(a->inside, a->inside_family, b->inside, b->inside_family,
                       a->n_inside) &&
           same_addresses(a->ifaces, b->ifaces);
}
