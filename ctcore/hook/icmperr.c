/* icmperr.c - find the flow that an ICMP error is about, and translate what
 * it quotes */
#include "hook/icmperr.h"

#include "base/csum.h"
#include "core/elsewhere.h"
#include "core/gc.h"
#include "packet/mangle_inner.h"
#include "packet/parse.h"
#include "packet/parse_inner.h"
#include "packet/tuple.h"
#include "proto/protos.h"
#include "table/seqadj.h"

#include <ctcore/wire.h>

/* What the kernel's window check allows an acknowledgement to lag behind. */
#define MIN_LAG 66000u

enum { MIN_INNER_L4 = sizeof(struct ct_tcp_quoted_header) };

/* Could the flow have sent what is quoted?  An attacker who guesses a flow's
 * addresses and ports still has to guess its sequence numbers (RFC 5927
 * section 4). */
static bool is_quotable(const struct ct_conn *c, enum ct_dir sender,
                        const struct ct_pkt *pkt, const struct inner *in)
{
    const struct ct_tcp_quoted_header *tcp =
        ct_tcp_quoted_view(pkt->data + in->l4_off);
    const struct ct_tcp_peer *peer = c->proto.tcp.peer;
    uint32_t lag, most = peer[!sender].maxwin;

    if (in->proto != CT_PROTO_TCP || in->l4_len < MIN_INNER_L4)
        return true;
    lag = peer[sender].end - ct_load32(tcp->seq);
    return lag <= (most > MIN_LAG ? most : MIN_LAG);
}

/* Profile weir: no errors that no host should send (RFC 6633, RFC 1812 section
 * 5.2.7.2), none that is guessed. */
static enum ct_reason judge_icmp_error(const struct ct_conn *c, enum ct_dir dir,
                                       const struct ct_pkt *pkt,
                                       const struct inner *in)
{
    if (pkt->tuple.family == CT_IPV4 && (pkt->icmp_type == CT_ICMP_QUENCH ||
                                         pkt->icmp_type == CT_ICMP_REDIRECT))
        return CT_REASON_ICMP_TYPE;
    return is_quotable(c, (enum ct_dir) !dir, pkt, in) ? CT_REASON_NONE
                                                       : CT_REASON_ICMP_WINDOW;
}

/* What is quoted has passed here, and its numbers may have been shifted on the
 * way: from here on they are those of its sender, who is told, and whose
 * numbers the tracker keeps. */
static void turn_numbers(const struct ct *ct, const struct ct_conn *c,
                         enum ct_dir sender, struct ct_pkt *pkt,
                         const struct inner *in)
{
    const struct ext *x =
        ext_of(&ct->ext, table_slot(&ct->table, c), EXT_SEQADJ);
    uint32_t diff;

    if (!x || in->proto != CT_PROTO_TCP)
        return;
    diff = seqadj_quoted(x, sender, pkt->data + in->l4_off, in->l4_len);
    if (!pkt->csum_partial)
        csum_patch(&ct_icmp_edit(pkt->data + pkt->l4_off)->check, diff);
}

/* Another shard may have the flow.  t is in the zone of answers. */
static void find_elsewhere(struct ct *ct, struct ct_pkt *pkt,
                           struct ct_tuple *t)
{
    uint32_t shard;

    if (pkt->kind != CT_KIND_NONE)
        return;
    shard = elsewhere_find(ct, t);
    if (shard == CT_NONE && t->zone != pkt->tuple.zone) {
        t->zone = pkt->tuple.zone;
        shard = elsewhere_find(ct, t);
    }
    if (shard != CT_NONE)
        pkt->elsewhere = (uint8_t)(shard + 1);
}

enum ct_reason icmperr_relate(struct ct *ct, struct ct_pkt *pkt)
{
    struct inner in;
    struct ct_tuple t;
    struct ct_conn *c;
    enum ct_dir dir;
    enum ct_reason why = parse_inner(pkt, &in);

    if (why != CT_REASON_NONE)
        return why;
    if (in.proto == CT_PROTO_GRE)
        (void)keymap_find(&ct->keymap, &in.tuple);
    if (!protos_invert(&in.tuple, &t))
        return CT_REASON_ICMP_INNER;
    t.zone = pkt->tuple.zone;
    c = table_find(&ct->table, &t, tuple_hash(&t, ct->table.key), ct->now,
                   &dir);
    if (!c && pkt->zone_reply != t.zone) {
        t.zone = pkt->zone_reply;
        c = table_find(&ct->table, &t, tuple_hash(&t, ct->table.key), ct->now,
                       &dir);
    }
    if (c && ct->ifaces_at != CT_NONE && gc_homeless(ct, c))
        return CT_REASON_ICMP_UNRELATED;
    if (!c) {
        find_elsewhere(ct, pkt, &t);
        return CT_REASON_ICMP_UNRELATED;
    }
    /* Its sender may be any router on the path, but it must go to where the
     * offending packet came from. */
    if (!ct_addr_eq(&c->tuple[dir].dst, &pkt->tuple.dst))
        return CT_REASON_ICMP_SPOOFED;
    turn_numbers(ct, c, (enum ct_dir) !dir, pkt, &in);
    if (ct->params.v[CT_PARAM_strict_icmp] &&
        (why = judge_icmp_error(c, dir, pkt, &in)) != CT_REASON_NONE) {
        pkt->nat_known = c->status & CT_NAT_MASK;
        return why;
    }
    pkt->conn = c;
    pkt->conn_gen = c->gen;
    pkt->dir = (uint8_t)dir;
    pkt->info = CT_RELATED;
    pkt->mark = c->mark; /* as ct mark: its own flow's */
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
        (pkt->tuple.family == CT_IPV4 ? CT_ICMP_REDIRECT : CT_ICMPV6_REDIRECT))
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
