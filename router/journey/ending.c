/* ending.c - how a packet's journey ends: each packet in exactly one counter */
#include "journey/ending.h"

#include "journey/answer.h"
#include "journey/output.h"

void ending_refuse(struct journey *j, struct ct_pkt *pkt, enum ct_reason why)
{
    ct_drop(j->cfg.ct, pkt, why);
    if (j->cfg.dropped != NULL)
        j->cfg.dropped(j->cfg.ctx, pkt);
}

static void pass_on(struct journey *j, struct ct_pkt *pkt)
{
    if (j->cfg.pass(j->cfg.ctx, pkt, pkt->elsewhere - 1u))
        ct_count(j->cfg.ct, CT_STAT_passed_on, 1);
    else
        ending_refuse(j, pkt, CT_REASON_HANDOVER_FULL);
}

void ending_stopped(struct journey *j, struct ct_pkt *pkt, enum ct_verdict v)
{
    if (v == CT_STOLEN && pkt->elsewhere != 0) {
        pass_on(j, pkt);
        return;
    }
    if (v != CT_DROP)
        return; /* held */
    if (pkt->tell)
        answer_reject(j, pkt);
    if (j->cfg.dropped != NULL)
        j->cfg.dropped(j->cfg.ctx, pkt);
}

void ending_forward(struct journey *j, struct ct_pkt *pkt)
{
    uint32_t len = pkt->len;
    enum ct_reason why = output_send(j, pkt);

    if (why != CT_REASON_NONE) {
        ending_refuse(j, pkt, why);
        return;
    }
    ct_count(j->cfg.ct, CT_STAT_forwarded, 1);
    ct_count(j->cfg.ct, CT_STAT_pkts_out, 1);
    ct_count(j->cfg.ct, CT_STAT_bytes_out, len);
}
