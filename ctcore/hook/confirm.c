/* confirm.c - an accepted flow's entry goes into the table, or its packet is
 * dropped */
#include "hook/confirm.h"

#include "core/elsewhere.h"
#include "core/gc.h"
#include "core/notify.h"
#include "core/timeouts.h"
#include "packet/tuple.h"
#include "proto/protos.h"

#include <ctcore/bits.h>

/* Has own translated its packet so far as is would have?  A query's id is its
 * source's, and stands where the source port of a reply would. */
static bool same_way(const struct ct_conn *own, const struct ct_conn *is)
{
    const struct ct_tuple *a = &own->tuple[CT_DIR_REPLY];
    const struct ct_tuple *b = &is->tuple[CT_DIR_REPLY];
    bool has_id = ct_proto_is_icmp(a->proto);

    if ((own->status & CT_DST_NAT_DONE) &&
        (!ct_addr_eq(&a->src, &b->src) || (!has_id && a->sport != b->sport)))
        return false;
    return !(own->status & CT_SRC_NAT_DONE) ||
           (ct_addr_eq(&a->dst, &b->dst) && portmap_port(a) == portmap_port(b));
}

void confirm_join(struct ct *ct, struct ct_pkt *pkt)
{
    struct ct_conn *own = pkt->conn, *is;
    enum ct_dir dir;

    if (!own || !pkt->made_conn || (own->status & CT_CONFIRMED))
        return;
    is = table_find(&ct->table, &pkt->tuple, pkt->hash, ct->now, &dir);
    if (!is || dir != CT_DIR_ORIGINAL || !same_way(own, is))
        return;
    gc_discard(ct, table_slot(&ct->table, own));
    core_attach(pkt, is, dir);
    pkt->made_conn = false;
    pkt->events = 0;
    conn_write_begin(is);
    core_account(ct, table_slot(&ct->table, is), pkt);
    conn_write_end(is);
    core_stat(ct, CT_STAT_clash_resolve);
}

bool confirm_may(struct ct *ct, struct ct_pkt *pkt)
{
    const struct ct_conn *c = pkt->conn;

    if (!c || !pkt->made_conn || (c->status & CT_CONFIRMED))
        return true;
    return elsewhere_place(ct, pkt, c->status & CT_EXPECTED) == ct->peers.self;
}

static enum ct_verdict refuse_entry(struct ct *ct, struct ct_pkt *pkt,
                                    enum ct_reason why)
{
    core_stat(ct, CT_STAT_insert_failed);
    core_stat(ct, CT_STAT_drop);
    if (why == CT_REASON_CHAIN_TOO_LONG)
        core_stat(ct, CT_STAT_chaintoolong);
    return ct_refuse(pkt, why);
}

enum ct_verdict confirm_row(void *ctx, struct ct *ct, struct ct_pkt *pkt)
{
    struct ct_conn *c = pkt->conn;
    enum ct_reason why;
    uint32_t slot;

    (void)ctx;
    if (!c || !pkt->made_conn || (c->status & CT_CONFIRMED) || pkt->unanswered)
        return CT_ACCEPT;
    slot = table_slot(&ct->table, c);
    why = table_confirm(&ct->table, slot, ct->now);
    if (why != CT_REASON_NONE)
        return refuse_entry(ct, pkt, why);
    if (!mapping_bind(&ct->nat, c)) {
        table_unlink(&ct->table, slot);
        return refuse_entry(ct, pkt, CT_REASON_NO_MAPPING_ROOM);
    }
    timeouts_refresh(ct, slot, c->status, (uint8_t)c->listed, EXPIRY_UNASSURED);
    if (ct->start)
        conn_set(ct->start[slot],
                 (uint32_t)((ct->now.ms - ct->birth.ms) / 1000));
    conn_set(c->out, pkt->out);
    conn_set(c->mark, pkt->mark);
    conn_set(c->status, c->status | CT_CONFIRMED);
    conn_write_end(c);
    elsewhere_mark(ct, c);
    core_stat(ct, CT_STAT_created);
    ct_add(&ct->stats[CT_STAT_unconfirmed], (uint64_t)-1);
    notify_send(ct, c,
                pkt->events |
                    (c->status & CT_EXPECTED ? (uint32_t)CT_EVENT_RELATED
                                             : (uint32_t)CT_EVENT_NEW));
    pkt->events = 0;
    return CT_ACCEPT;
}
