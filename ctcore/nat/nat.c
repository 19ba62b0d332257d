/* nat.c - set a flow's translation up, and rewrite addresses and ports by it */
#include "nat/nat.h"

#include "nat/natfree.h"
#include "nat/natport.h"
#include "packet/tuple.h"

enum ct_reason nat_setup(struct nat *n, struct ct_conn *c,
                         enum mangle_side side, struct nat_ask *ask)
{
    /* The kernel's curr_tuple: what the flow looks like by now. */
    struct ct_tuple was, cur, reply;
    uint32_t done = side == MANGLE_SRC ? CT_SRC_NAT_DONE : CT_DST_NAT_DONE;
    uint32_t bit = side == MANGLE_SRC ? CT_SRC_NAT : CT_DST_NAT;
    enum ct_reason why;

    natfree_invert(ask->proto, &c->tuple[CT_DIR_REPLY], &was);
    cur = was;
    why = natport_choose(n, &cur, c, side, ask);
    if (why != CT_REASON_NONE)
        return why;
    if (tuple_eq(&was, &cur))
        bit = 0;
    else {
        natfree_invert(ask->proto, &cur, &reply);
        conn_store(&c->tuple[CT_DIR_REPLY], &reply, sizeof reply);
    }
    conn_set(c->status, c->status | bit | done);
    return CT_REASON_NONE;
}

void nat_rewrite(const struct ct_conn *c, struct ct_pkt *pkt,
                 enum mangle_side side)
{
    const struct ct_tuple *other = &c->tuple[!pkt->dir];
    ct_before(right, mangle_l4_checksum_ok(pkt));

    if (side == MANGLE_SRC)
        mangle_addr(pkt, side, &other->dst, portmap_port(other));
    else
        mangle_addr(pkt, side, &other->src, other->sport);
    /* A message of zeros only ends at the other zero: RFC 1624, equation 3. */
    ct_assert_slow(!right || mangle_l4_checksum_ok(pkt) ||
                   portmap_port(other) == 0);
}
