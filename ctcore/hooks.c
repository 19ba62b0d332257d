#include "hooks.h"

#include "confirm.h"
#include "helpers.h"
#include "limit.h"
#include "mangle_field.h"
#include "natrow.h"
#include "ruleset.h"
#include "timeouts.h"
#include "track.h"

/* A row may ask to be called again this often for one packet. */
#define MAX_REPEATS 8

/* ---- rows that ask the rules ---- */

static uint32_t stage_end(const struct ct *ct, const struct ct_pkt *pkt,
                          enum ct_stage stage, uint32_t *at)
{
    *at = ct->rules->start[pkt->hook][stage];
    return ct->rules->start[pkt->hook][stage + 1];
}

/* Live flows of this packet's source; it is the first to count its own.  A
 * packet without one has no source to count. */
static bool within_connlimit(struct ct *ct, const struct ct_pkt *pkt,
                             const struct ct_connlimit *rule)
{
    struct ct_conn *c = pkt->conn;
    uint32_t n;

    if (!c || !ct->connlimit)
        return false;
    if (pkt->icmp_error || connlimit_is_over(c, &c->proto))
        n = connlimit_look(ct->connlimit, rule, c);
    else
        n = connlimit_count(ct->connlimit, rule, table_slot(&ct->table, c), c);
    n += core_connlimit_others(ct, rule, c);
    return (n > rule->max) == rule->over;
}

/* The next rule in [at, end) that the packet meets.  Limits are asked when all
 * else matches: a token is for a packet that the rule is about. */
static uint32_t next_rule(struct ct *ct, const struct ct_pkt *pkt, uint32_t at,
                          uint32_t end)
{
    for (; (at = ruleset_match(ct->rules, at, end, pkt, false)) < end; at++) {
        const struct ct_rule *r = &ct->rules->rules[at];

        if (r->connlimit.number && !within_connlimit(ct, pkt, &r->connlimit))
            continue;
        if (r->limit.cost_ns && core_limit(ct, at) == r->limit.over)
            continue;
        break;
    }
    return at;
}

static enum ct_verdict ask_raw(void *ctx, struct ct *ct, struct ct_pkt *pkt)
{
    const struct ct_ruleset *rs = ct->rules;
    uint32_t at, end = stage_end(ct, pkt, CT_STAGE_RAW, &at);

    (void)ctx;
    for (; (at = next_rule(ct, pkt, at, end)) < end; at++) {
        core_met(ct, at, pkt);
        if (rs->rules[at].action == CT_ACT_NOTRACK) {
            pkt->notrack = true;
            break;
        }
        if (rs->rules[at].action == CT_ACT_ZONE)
            ruleset_zone(&rs->rules[at], pkt);
        if (rs->rules[at].action == CT_ACT_HELPER)
            pkt->helper = rs->rules[at].helper;
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
static enum ct_verdict read_labels(void *ctx, struct ct *ct, struct ct_pkt *pkt)
{
    (void)ctx;
    pkt->labels = labels_of(ct, pkt->conn);
    return CT_ACCEPT;
}

/* An error is about a flow, but no packet of it.  An entry that is not
 * confirmed is being written all the time. */
static void set_labels(struct ct *ct, struct ct_pkt *pkt,
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

static void alter(struct ct *ct, struct ct_pkt *pkt, const struct ct_rule *r)
{
    uint16_t mss;

    switch (r->action) {
    case CT_ACT_MARK:
        ruleset_mark(r, pkt);
        break;
    case CT_ACT_LABEL:
        set_labels(ct, pkt, r);
        break;
    case CT_ACT_TIMEOUTS:
        timeouts_set(ct, pkt, r->timeouts);
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

static enum ct_verdict ask_mangle(void *ctx, struct ct *ct, struct ct_pkt *pkt)
{
    const struct ct_ruleset *rs = ct->rules;
    uint32_t at, end = stage_end(ct, pkt, CT_STAGE_MANGLE, &at);

    (void)ctx;
    for (; (at = next_rule(ct, pkt, at, end)) < end; at++) {
        const struct ct_rule *r = &rs->rules[at];

        core_met(ct, at, pkt);
        alter(ct, pkt, r);
    }
    track_mark(pkt);
    return CT_ACCEPT;
}

static enum ct_verdict refuse(struct ct_pkt *pkt, uint32_t rule,
                              enum ct_reason why)
{
    pkt->rule = rule;
    return track_drop(pkt, why);
}

static enum ct_verdict ask_filter(void *ctx, struct ct *ct, struct ct_pkt *pkt)
{
    const struct ct_ruleset *rs = ct->rules;
    uint32_t at, end = stage_end(ct, pkt, CT_STAGE_FILTER, &at);

    (void)ctx;
    for (; (at = next_rule(ct, pkt, at, end)) < end; at++) {
        core_met(ct, at, pkt);
        switch (rs->rules[at].action) {
        case CT_ACT_ACCEPT:
            pkt->accepted = pkt->hook == CT_FORWARD;
            return CT_ACCEPT;
        case CT_ACT_DROP:
            return refuse(pkt, at, CT_REASON_RULE);
        case CT_ACT_REJECT:
            pkt->tell = true;
            pkt->reject = rs->rules[at].reject;
            return refuse(pkt, at, CT_REASON_REJECTED);
        case CT_ACT_QUEUE:
            pkt->queue = rs->rules[at].queue;
            pkt->accepted = pkt->hook == CT_FORWARD; /* if it goes on */
            return CT_QUEUE;
        default: /* counts and goes on */
            break;
        }
    }
    if (rs->policy[pkt->hook] == CT_DROP)
        return track_drop(pkt, CT_REASON_POLICY);
    return CT_ACCEPT;
}

/* ---- the table ---- */

enum {
    NO_STAGE = CT_N_STAGES, /* always on */
    HELPED,   /* off while no rule has a helper, and no flow needs the row */
    LABELLED, /* off while no rule asks for labels */
    IP_ID     /* off while the tunable is */
};
static const struct own_row {
    enum ct_hook hook;
    int priority;
    int stage; /* enum ct_stage: off while it has no rules; or of the above */
    const char *name;
    ct_hook_fn *fn;
} table[] = {
    {CT_PREROUTING, CT_PRI_RAW, CT_STAGE_RAW, "raw", ask_raw},
    {CT_PREROUTING, CT_PRI_CONNTRACK, NO_STAGE, "conntrack", track_packet},
    {CT_PREROUTING, CT_PRI_CONNTRACK, LABELLED, "labels", read_labels},
    {CT_PREROUTING, CT_PRI_MANGLE, CT_STAGE_MANGLE, "mangle", ask_mangle},
    {CT_PREROUTING, CT_PRI_NAT_DST, NO_STAGE, "nat_dst", natrow_dst},
    {CT_PREROUTING, CT_PRI_FILTER, CT_STAGE_FILTER, "filter", ask_filter},

    {CT_INPUT, CT_PRI_MANGLE, CT_STAGE_MANGLE, "mangle", ask_mangle},
    {CT_INPUT, CT_PRI_FILTER, CT_STAGE_FILTER, "filter", ask_filter},
    {CT_INPUT, CT_PRI_NAT_SRC, NO_STAGE, "nat_src", natrow_src},
    {CT_INPUT, CT_PRI_HELPER, HELPED, "helper", helpers_row},
    {CT_INPUT, CT_PRI_CONFIRM, NO_STAGE, "confirm", confirm_row},

    {CT_FORWARD, CT_PRI_MANGLE, CT_STAGE_MANGLE, "mangle", ask_mangle},
    {CT_FORWARD, CT_PRI_FILTER, CT_STAGE_FILTER, "filter", ask_filter},

    {CT_OUTPUT, CT_PRI_RAW, CT_STAGE_RAW, "raw", ask_raw},
    {CT_OUTPUT, CT_PRI_CONNTRACK, NO_STAGE, "conntrack", track_packet},
    {CT_OUTPUT, CT_PRI_CONNTRACK, LABELLED, "labels", read_labels},
    {CT_OUTPUT, CT_PRI_MANGLE, CT_STAGE_MANGLE, "mangle", ask_mangle},
    {CT_OUTPUT, CT_PRI_NAT_DST, NO_STAGE, "nat_dst", natrow_dst},
    {CT_OUTPUT, CT_PRI_FILTER, CT_STAGE_FILTER, "filter", ask_filter},

    {CT_POSTROUTING, CT_PRI_FILTER, CT_STAGE_FILTER, "filter", ask_filter},
    {CT_POSTROUTING, CT_PRI_NAT_SRC, NO_STAGE, "nat_src", natrow_src},
    {CT_POSTROUTING, CT_PRI_NAT_SRC, IP_ID, "ip_id", natrow_id},
    {CT_POSTROUTING, CT_PRI_MANGLE_OUT, CT_STAGE_MANGLE, "mangle", ask_mangle},
    {CT_POSTROUTING, CT_PRI_HELPER, HELPED, "helper", helpers_row},
    {CT_POSTROUTING, CT_PRI_CONFIRM, NO_STAGE, "confirm", confirm_row},
};

/* ---- registration ---- */

bool ct_register_hook(struct ct *ct, enum ct_hook hook, int priority,
                      const char *name, ct_hook_fn *fn, void *ctx)
{
    struct hook_row *rows = ct->row[hook];
    uint32_t at = ct->n_rows[hook];

    if (at == CORE_HOOK_ROWS)
        return false;
    /* Behind its equals: first come, first asked. */
    for (; at > 0 && rows[at - 1].priority > priority; at--)
        rows[at] = rows[at - 1];
    rows[at] = (struct hook_row){
        .priority = priority, .name = name, .fn = fn, .ctx = ctx};
    ct->n_rows[hook]++;
    hooks_choose(ct);
    return true;
}

bool ct_hook_row(const struct ct *ct, enum ct_hook hook, unsigned row,
                 int *priority, const char **name)
{
    if (row >= ct->n_rows[hook])
        return false;
    *priority = ct->row[hook][row].priority;
    *name = ct->row[hook][row].name;
    return true;
}

void hooks_init(struct ct *ct)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        ct_register_hook(ct, table[i].hook, table[i].priority, table[i].name,
                         table[i].fn, NULL);
}

/* Once for new rules: the rows are chosen behind a packet, too, which must not
 * look at each rule. */
void hooks_rules(struct ct *ct)
{
    const struct ct_ruleset *rs = ct->rules;

    ct->rules_help = ct->rules_label = false;
    for (uint32_t i = 0; rs && i < rs->n; i++) {
        ct->rules_help |= rs->rules[i].action == CT_ACT_HELPER;
        ct->rules_label |= rs->rules[i].match.has_labels;
    }
    hooks_choose(ct);
}

static bool is_on(const struct ct *ct, enum ct_hook hook, int stage)
{
    const struct ct_ruleset *rs = ct->rules;

    if (stage == NO_STAGE)
        return true;
    if (stage == LABELLED)
        return ct->rules_label;
    if (stage == IP_ID)
        return ct->params.v[CT_PARAM_ip_id];
    if (stage == HELPED) /* flows keep theirs whatever becomes of the rule */
        return ct->helped > 0 || ct->rules_help;
    if (!rs)
        return false;
    return rs->start[hook][stage] < rs->start[hook][stage + 1] ||
           (stage == CT_STAGE_FILTER && rs->policy[hook] == CT_DROP);
}

/* The core's own row with this function, or NULL: somebody registered it. */
static const struct own_row *own_row(enum ct_hook hook,
                                     const struct hook_row *r)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].hook == hook && table[i].fn == r->fn)
            return &table[i];
    return NULL;
}

void hooks_choose(struct ct *ct)
{
    for (int h = 0; h < CT_N_HOOKS; h++) {
        struct hook_live *live = ct->live[h];

        for (uint8_t r = 0; r < ct->n_rows[h]; r++) {
            const struct hook_row *row = &ct->row[h][r];
            const struct own_row *own = own_row((enum ct_hook)h, row);

            if (own && !is_on(ct, own->hook, own->stage))
                continue;
            *live++ = (struct hook_live){
                .fn = row->fn,
                .ctx = row->ctx,
                .row = r,
                .first_only = row->fn == confirm_row,
                .always = own && own->priority >= CT_PRI_NAT_DST &&
                          own->stage >= NO_STAGE,
            };
        }
        *live = (struct hook_live){.fn = NULL};
    }
}

/* ---- the walk ---- */

/* The one place where a drop is counted.  A packet the router made never
 * entered, so it is none of these: its maker counts it as lost. */
enum ct_verdict ct_drop(struct ct *ct, struct ct_pkt *pkt, enum ct_reason why)
{
    pkt->why = (uint8_t)why;
    if (pkt->kind == CT_KIND_NONE)
        stats_add(&ct->reasons[why], 1);
    return CT_DROP;
}

enum ct_verdict hooks_drop(struct ct *ct, struct ct_pkt *pkt,
                           enum ct_reason unless)
{
    enum ct_reason why = (enum ct_reason)pkt->why;

    if (why == CT_REASON_NONE || ct_reason_kind(why) != 'D')
        why = unless;
    return ct_drop(ct, pkt, why);
}

/* An answer about a packet that opened no flow is translated by that packet's
 * entry, which would go with the packet: held, it takes the entry over. */
static bool is_lent(const struct ct_pkt *pkt)
{
    return pkt->kind != CT_KIND_NONE && pkt->conn && !pkt->made_conn &&
           !(pkt->conn->status & CT_CONFIRMED);
}

/* CT_REPEAT: nobody wants it, walk on. */
static enum ct_verdict hold(struct ct *ct, struct ct_pkt *pkt,
                            enum ct_verdict verdict)
{
    bool was = pkt->heir;

    pkt->held = true;
    if (verdict == CT_QUEUE) {
        pkt->heir = is_lent(pkt);
        verdict = ct->queue ? ct->queue(ct->ctx, pkt) : CT_DROP;
        pkt->held = verdict == CT_QUEUE;
        if (!pkt->held)
            pkt->heir = was;
        if (pkt->heir)
            conn_set(pkt->conn->status, pkt->conn->status | CT_DYING);
        if (verdict == CT_ACCEPT)
            return CT_REPEAT;
        if (verdict != CT_QUEUE)
            return hooks_drop(ct, pkt, CT_REASON_NO_QUEUE);
    }
    pkt->cuts = NULL;              /* lent for this call only */
    if (pkt->kind == CT_KIND_NONE) /* the router's own never entered */
        core_stat(ct, CT_STAT_held);
    return verdict;
}

enum ct_verdict hooks_stop(struct ct *ct, struct ct_pkt *pkt,
                           const struct hook_live *live)
{
    for (; live->fn; live++) {
        if (!live->always || (live->first_only && !pkt->made_conn))
            continue;
        pkt->row = live->row;
        if (live->fn(live->ctx, ct, pkt) != CT_ACCEPT)
            return hooks_drop(ct, pkt, CT_REASON_HOOK);
    }
    return CT_ACCEPT;
}

/* A verdict other than ACCEPT, outside of the usual path.  CT_REPEAT when the
 * row has changed its mind: walk on. */
static __attribute__((noinline)) enum ct_verdict
other(const struct hook_live *live, struct ct *ct, struct ct_pkt *pkt,
      enum ct_verdict verdict)
{
    for (int i = 0; verdict == CT_REPEAT && i < MAX_REPEATS; i++)
        verdict = live->fn(live->ctx, ct, pkt);
    if (verdict == CT_ACCEPT)
        return CT_REPEAT;
    if (verdict == CT_STOP)
        return hooks_stop(ct, pkt, live + 1);
    if (pkt->elsewhere)
        return verdict; /* another shard's: neither held nor counted */
    if (verdict == CT_STOLEN || verdict == CT_QUEUE)
        return hold(ct, pkt, verdict);
    if (verdict == CT_REPEAT)
        return ct_drop(ct, pkt, CT_REASON_REPEATED);
    return hooks_drop(ct, pkt, CT_REASON_HOOK);
}

const struct hook_live *hooks_from(const struct ct *ct,
                                   const struct ct_pkt *pkt, bool behind)
{
    const struct hook_live *live = ct->live[pkt->hook];

    while (live->fn && live->row < pkt->row + behind)
        live++;
    return live;
}

enum ct_verdict hooks_walk(struct ct *ct, struct ct_pkt *pkt,
                           const struct hook_live *live)
{
    for (; live->fn; live++) {
        enum ct_verdict verdict;

        if (live->first_only && !pkt->made_conn)
            continue;
        pkt->row = live->row;
        verdict = live->fn(live->ctx, ct, pkt);
        if (__builtin_expect(verdict == CT_ACCEPT, 1))
            continue;
        verdict = other(live, ct, pkt, verdict);
        if (verdict != CT_REPEAT)
            return verdict;
    }
    return CT_ACCEPT;
}
