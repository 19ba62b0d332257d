/* rulerow.c - do the action of each rule that a packet meets */
#include "hook/rulerow.h"

#include "core/timeouts.h"
#include "hook/rulewalk.h"
#include "hook/track.h"
#include "packet/mangle_field.h"

enum ct_verdict rulerow_raw(void *ctx, struct ct *ct, struct ct_pkt *pkt)
{
    struct rulewalk w = rulewalk_stage(ct, pkt, CT_STAGE_RAW, NULL);
    const struct ct_rule *r;

    (void)ctx;
    while ((r = rulewalk_next(ct, pkt, &w)) != NULL) {
        core_met(ct, w.at - 1, pkt);
        if (r->action == CT_ACT_NOTRACK) {
            pkt->notrack = true;
            break;
        }
        if (r->action == CT_ACT_ZONE)
            ruleset_zone(r, pkt);
        if (r->action == CT_ACT_HELPER)
            pkt->helper = r->helper;
    }
    if (pkt->tuple.zone | pkt->zone_reply)
        track_zone(ct, pkt);
    return CT_ACCEPT;
}

static const uint64_t *labels_of(const struct ct *ct, const struct ct_conn *c)
{
    const struct ext *x =
        c ? ext_of(&ct->ext, table_slot(&ct->table, c), EXT_LABELS) : NULL;

    return x ? x->labels : NULL;
}

/* For the rules that ask. */
enum ct_verdict rulerow_labels(void *ctx, struct ct *ct, struct ct_pkt *pkt)
{
    (void)ctx;
    pkt->labels = labels_of(ct, pkt->conn);
    return CT_ACCEPT;
}

/* An error is about a flow, but no packet of it.  An entry that is not
 * confirmed is being written all the time. */
static void set_packet_labels(struct ct *ct, struct ct_pkt *pkt,
                              const struct ct_rule *r)
{
    struct ct_conn *c = pkt->conn;
    const uint64_t *has = labels_of(ct, c);
    struct ext *x;
    bool known;

    if (!c || pkt->icmp_error ||
        (has && (r->labels[0] & ~has[0]) == 0 && (r->labels[1] & ~has[1]) == 0))
        return;
    known = c->status & CT_CONFIRMED;
    if (known)
        conn_write_begin(c);
    x = core_extend(ct, table_slot(&ct->table, c), EXT_LABELS);
    for (int i = 0; x && i < 2; i++)
        conn_set(x->labels[i], x->labels[i] | r->labels[i]);
    if (known)
        conn_write_end(c);
    if (!x)
        return;
    pkt->labels = x->labels;
    pkt->events |= CT_EVENT_LABEL;
}

/* The largest segment that both ends' links take in one piece; 0: not known. */
static uint16_t path_mss(const struct ct *ct, const struct ct_pkt *pkt)
{
    uint16_t head = pkt->tuple.family == CT_IPV4 ? 40 : 60, mtu = 0;
    const uint8_t way[2] = {pkt->in, pkt->out};

    for (int i = 0; i < 2; i++) {
        uint16_t one = way[i] < ct->ifaces.n ? ct->ifaces.iface[way[i]].mtu : 0;

        if (one && (!mtu || one < mtu))
            mtu = one;
    }
    return mtu > head ? (uint16_t)(mtu - head) : 0;
}

static void alter_packet(struct ct *ct, struct ct_pkt *pkt,
                         const struct ct_rule *r)
{
    uint16_t mss;

    switch (r->action) {
    case CT_ACT_MARK:
        ruleset_mark(r, pkt);
        break;
    case CT_ACT_LABEL:
        set_packet_labels(ct, pkt, r);
        break;
    case CT_ACT_TIMEOUTS:
        core_timeouts_set(ct, pkt, r->timeouts);
        break;
    case CT_ACT_MSS:
        mss = r->mss ? r->mss : path_mss(ct, pkt);
        if (mss)
            mangle_field_mss(pkt, mss);
        break;
    case CT_ACT_TTL:
        mangle_field_ttl(pkt, (enum ct_ttl)r->ttl_how, r->ttl);
        break;
    case CT_ACT_DSCP:
        mangle_field_dscp(pkt, r->dscp);
        break;
    default: /* counts and goes on */
        break;
    }
}

enum ct_verdict rulerow_mangle(void *ctx, struct ct *ct, struct ct_pkt *pkt)
{
    struct rulewalk w = rulewalk_stage(ct, pkt, CT_STAGE_MANGLE, NULL);
    const struct ct_rule *r;

    (void)ctx;
    while ((r = rulewalk_next(ct, pkt, &w)) != NULL) {
        core_met(ct, w.at - 1, pkt);
        alter_packet(ct, pkt, r);
    }
    track_mark(pkt);
    return CT_ACCEPT;
}

static enum ct_verdict drop_by_rule(struct ct_pkt *pkt, uint32_t rule,
                                    enum ct_reason why)
{
    pkt->rule = rule;
    return ct_refuse(pkt, why);
}

enum ct_verdict rulerow_filter(void *ctx, struct ct *ct, struct ct_pkt *pkt)
{
    struct rulewalk w = rulewalk_stage(ct, pkt, CT_STAGE_FILTER, NULL);
    const struct ct_rule *r;

    (void)ctx;
    while ((r = rulewalk_next(ct, pkt, &w)) != NULL) {
        core_met(ct, w.at - 1, pkt);
        switch (r->action) {
        case CT_ACT_ACCEPT:
            pkt->accepted = pkt->hook == CT_FORWARD;
            return CT_ACCEPT;
        case CT_ACT_DROP:
            return drop_by_rule(pkt, w.at - 1, CT_REASON_RULE);
        case CT_ACT_REJECT:
            pkt->tell = true;
            pkt->reject = r->reject;
            return drop_by_rule(pkt, w.at - 1, CT_REASON_REJECTED);
        case CT_ACT_QUEUE:
            pkt->queue = r->queue;
            pkt->accepted = pkt->hook == CT_FORWARD; /* if it goes on */
            return CT_QUEUE;
        default: /* counts and goes on */
            break;
        }
    }
    if (ct->rules->policy[pkt->hook] == CT_DROP)
        return ct_refuse(pkt, CT_REASON_POLICY);
    return CT_ACCEPT;
}
