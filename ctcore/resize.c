/* resize.c - a held TCP segment may get a payload of another length
 *
 * The flow gets an extension record when its first segment is held, not when
 * its first payload changes: by then it would be unknown what has left
 * of it, and bytes that have, can't be shifted. */
#include <ctcore/ct.h>
#include <ctcore/wire.h>

#include "base/assert.h"
#include "hooks.h"
#include "packet/parse.h"
#include "table/seqadj.h"

/* The flow that pkt is a segment of, if it is in the table. */
static struct ct_conn *stream_of(const struct ct_pkt *pkt)
{
    struct ct_conn *c = pkt->conn;

    return c && c->gen == pkt->conn_gen && !pkt->icmp_error &&
                   pkt->tuple.proto == CT_PROTO_TCP &&
                   (c->status & CT_CONFIRMED)
               ? c
               : NULL;
}

/* Of what comes the other way, and of what this one is not the last of, all
 * that was seen may have left. */
static void keep_order(struct ext *x, const struct ct_pkt *pkt,
                       const struct ct_tcp_peer *peer)
{
    uint32_t seq = ct_load32(ct_tcp_view(pkt->data + pkt->l4_off)->seq);
    enum ct_dir dir = (enum ct_dir)pkt->dir;

    seqadj_order(x, dir,
                 peer[dir].end == seqadj_next(pkt) ? seq : peer[dir].end);
    seqadj_order(x, !dir, peer[!dir].end);
}

bool ct_resizable(struct ct *ct, const struct ct_pkt *pkt)
{
    struct ct_conn *c = stream_of(pkt);
    bool first;
    struct ext *x;

    if (!c)
        return false;
    if (ext_of(&ct->ext, table_slot(&ct->table, c), EXT_ORDER))
        return true;
    conn_write_begin(c);
    x = core_extend(ct, table_slot(&ct->table, c), EXT_ORDER);
    first = x && !(c->status & CORE_HELPED);
    if (x) {
        conn_set(x->kinds, x->kinds | 1u << EXT_SEQADJ);
        conn_set(c->status, c->status | CT_SEQ_ADJUST);
        keep_order(x, pkt, c->proto.tcp.peer);
    }
    conn_write_end(c);
    if (first && ct->helped++ == 0)
        hooks_choose(ct);
    return x;
}

enum ct_reason ct_resized(struct ct *ct, struct ct_pkt *pkt,
                          const struct ct_resize *resize)
{
    const struct ct_tcp_header *tcp = ct_tcp_view(pkt->data + pkt->l4_off);
    uint32_t seq = ct_load32(tcp->seq), len = pkt->l4_len - ct_tcp_size(tcp);
    struct ct_conn *c = pkt->conn;
    struct ext *x;
    bool fits;

    ct_assert(resize->at < resize->end && resize->at < len &&
              (int64_t)resize->end + resize->by >= resize->at &&
              !(tcp->flags & (CT_TCP_SYN | CT_TCP_RST | CT_TCP_URG)));
    if (!c || c->gen != pkt->conn_gen)
        return CT_REASON_NONE; /* ct_resume() knows what to do with it */
    x = ext_of(&ct->ext, table_slot(&ct->table, c), EXT_ORDER);
    if (!x)
        return CT_REASON_SEQADJ_FULL;
    conn_write_begin(c);
    fits = seqadj_change(x, (enum ct_dir)pkt->dir, seq, resize);
    conn_write_end(c);
    pkt->resized = fits;
    return fits ? CT_REASON_NONE : CT_REASON_SEQADJ_BUSY;
}
