#include "icmperr.h"

#include "tuple.h"

enum { ICMP_REDIRECT = 5, ICMPV6_REDIRECT = 137, MIN_INNER_L4 = 8 };

enum ct_reason icmperr_relate(struct ct *ct, struct ct_pkt *pkt)
{
    struct inner in;
    struct ct_tuple t;
    struct ct_conn *c;
    enum ct_dir dir;
    enum ct_reason why = parse_inner(pkt, &in);

    if (why != CT_REASON_NONE)
        return why;
    if (!protos_invert(&in.tuple, &t))
        return CT_REASON_ICMP_INNER;
    t.zone = pkt->tuple.zone;
    c = table_find(&ct->table, &t, tuple_hash(&t, ct->table.key), ct->now,
                   &dir);
    if (!c)
        return CT_REASON_ICMP_UNRELATED;
    /* Whoever sends it is free to be any router on the path, but it must go
     * to where the offending packet came from. */
    if (!ct_addr_eq(&c->tuple[dir].dst, &pkt->tuple.dst))
        return CT_REASON_ICMP_SPOOFED;
    pkt->conn = c;
    pkt->conn_gen = c->gen;
    pkt->dir = (uint8_t)dir;
    pkt->info = CT_RELATED;
    return CT_REASON_NONE;
}

/* The error's source side goes with the quotation's destination and the other
 * way round: the offending packet travelled against the error. */
enum ct_reason icmperr_translate(struct ct_pkt *pkt, enum mangle_side side)
{
    const struct ct_conn *c = pkt->conn;
    const struct ct_tuple *other = &c->tuple[!pkt->dir];
    struct inner in;

    if (!(c->status & CT_NAT_MASK))
        return CT_REASON_NONE;
    if (pkt->icmp_type ==
        (pkt->tuple.family == CT_IPV4 ? ICMP_REDIRECT : ICMPV6_REDIRECT))
        return CT_REASON_NAT_INNER;
    if (!nat_wanted(c, (enum ct_dir)pkt->dir, side))
        return CT_REASON_NONE;
    if (parse_inner(pkt, &in) != CT_REASON_NONE || in.l4_len < MIN_INNER_L4)
        return CT_REASON_NAT_INNER;
    if (side == MANGLE_DST) {
        mangle_inner(pkt, &in, MANGLE_SRC, &other->src, other->sport);
        mangle_addr(pkt, MANGLE_DST, &other->src, 0);
    } else {
        mangle_inner(pkt, &in, MANGLE_DST, &other->dst, portmap_port(other));
        mangle_addr(pkt, MANGLE_SRC, &other->dst, 0);
    }
    return CT_REASON_NONE;
}
