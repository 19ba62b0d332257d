/* helpers.c - call the helper of a packet's flow; all helpers by name */
#include "hook/helpers.h"

#include "helper/helper.h"
#include "packet/parse.h"
#include "table/seqadj.h"

static const struct helper *const registry[CT_N_HELPERS] = {
    [CT_HELPER_ftp] = &helper_ftp,
    [CT_HELPER_tftp] = &helper_tftp,
    [CT_HELPER_pptp] = &helper_pptp,
};

/* How long the transport header is; 0: there is none to be sure of. */
static uint32_t transport_header_len(const struct ct_pkt *pkt)
{
    const struct ct_tcp_header *tcp = ct_tcp_view(pkt->data + pkt->l4_off);
    uint32_t len;

    if (pkt->tuple.proto == CT_PROTO_UDP)
        return pkt->l4_len >= sizeof(struct ct_udp_header)
                   ? sizeof(struct ct_udp_header)
                   : 0;
    if (pkt->l4_len < sizeof *tcp)
        return 0;
    len = ct_tcp_size(tcp);
    return len >= sizeof *tcp && len <= pkt->l4_len ? len : 0;
}

static enum ct_reason run_helper(struct ct *ct, struct ct_pkt *pkt,
                                 struct ext *x)
{
    const struct helper *by = registry[x->helper];
    struct helper_call h = {
        .ct = ct,
        .pkt = pkt,
        .c = pkt->conn,
        .x = x,
        .dir = (enum ct_dir)pkt->dir,
        .at = transport_header_len(pkt),
    };

    return by && h.at ? by->help(&h) : CT_REASON_NONE;
}

/* False: not in its order. */
static bool leaves_in_order(struct ct_conn *c, struct ext *x,
                            const struct ct_pkt *pkt)
{
    bool may;

    if (!(x->kinds >> EXT_ORDER & 1))
        return true;
    conn_write_begin(c);
    may = seqadj_leave(x, pkt);
    conn_write_end(c);
    return may;
}

enum ct_verdict helpers_row(void *ctx, struct ct *ct, struct ct_pkt *pkt)
{
    const struct ct_conn *c = pkt->conn;
    struct ext *x;

    (void)ctx;
    if (!c || pkt->icmp_error || !(c->status & CORE_HELPED))
        return CT_ACCEPT;
    x = ext_find(&ct->ext, table_slot(&ct->table, c));
    if (c->status & CT_HELPER) {
        enum ct_reason why = run_helper(ct, pkt, x);

        if (why != CT_REASON_NONE)
            return ct_refuse(pkt, why);
    }
    if (c->status & CT_SEQ_ADJUST) {
        if (!leaves_in_order(pkt->conn, x, pkt))
            return ct_refuse(pkt, CT_REASON_SEQADJ_BUSY);
        seqadj_seq(x, pkt);
    }
    return CT_ACCEPT;
}
