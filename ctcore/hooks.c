/* hooks.c - THE TABLE of hook functions, and the walk over it */
#include "hooks.h"

#include "hook/confirm.h"
#include "hook/helpers.h"
#include "hook/natrow.h"
#include "hook/rulerow.h"
#include "hook/track.h"

#include <ctcore/bits.h>

/* When a row is asked. */
enum when {
    RAW = CT_STAGE_RAW, /* while that stage has rules at its hook */
    MANGLE = CT_STAGE_MANGLE,
    FILTER = CT_STAGE_FILTER, /* or while the policy is to drop */
    ALWAYS = CT_N_STAGES,
    LABELS, /* while a rule asks for labels */
    HELPED, /* while a rule has a helper, or a flow needs the row */
    IP_ID   /* while the tunable is on */
};

/* STOP ends a hook but for the rows of this column.  They finish what is done
 * to each packet of a translated flow: addresses, ports and sums, the id, the
 * addresses that a payload names, the sequence numbers that follow from those,
 * the entry.  None of them may be left out alone: such a packet would leave
 * half done.  What stands before them can be: conntrack, since a packet without
 * an entry is not translated at all, and natrow.c drops it where it would have
 * been; and the rules, which is what STOP is for.  Functions that users
 * register are never asked after STOP. */
enum { SKIP, AFTER_STOP };

static const struct own_row {
    enum ct_hook hook;
    int priority;
    const char *name;
    ct_hook_fn *fn;
    enum when when;
    bool after_stop;
} table[] = {
    {CT_PREROUTING, CT_PRI_RAW, "raw", rulerow_raw, RAW, SKIP},
    {CT_PREROUTING, CT_PRI_CONNTRACK, "conntrack", track_packet, ALWAYS, SKIP},
    {CT_PREROUTING, CT_PRI_CONNTRACK, "labels", rulerow_labels, LABELS, SKIP},
    {CT_PREROUTING, CT_PRI_MANGLE, "mangle", rulerow_mangle, MANGLE, SKIP},
    {CT_PREROUTING, CT_PRI_NAT_DST, "nat_dst", natrow_dst, ALWAYS, AFTER_STOP},
    {CT_PREROUTING, CT_PRI_FILTER, "filter", rulerow_filter, FILTER, SKIP},

    {CT_INPUT, CT_PRI_MANGLE, "mangle", rulerow_mangle, MANGLE, SKIP},
    {CT_INPUT, CT_PRI_FILTER, "filter", rulerow_filter, FILTER, SKIP},
    {CT_INPUT, CT_PRI_NAT_SRC, "nat_src", natrow_src, ALWAYS, AFTER_STOP},
    {CT_INPUT, CT_PRI_HELPER, "helper", helpers_row, HELPED, AFTER_STOP},
    {CT_INPUT, CT_PRI_CONFIRM, "confirm", confirm_row, ALWAYS, AFTER_STOP},

    {CT_FORWARD, CT_PRI_MANGLE, "mangle", rulerow_mangle, MANGLE, SKIP},
    {CT_FORWARD, CT_PRI_FILTER, "filter", rulerow_filter, FILTER, SKIP},

    {CT_OUTPUT, CT_PRI_RAW, "raw", rulerow_raw, RAW, SKIP},
    {CT_OUTPUT, CT_PRI_CONNTRACK, "conntrack", track_packet, ALWAYS, SKIP},
    {CT_OUTPUT, CT_PRI_CONNTRACK, "labels", rulerow_labels, LABELS, SKIP},
    {CT_OUTPUT, CT_PRI_MANGLE, "mangle", rulerow_mangle, MANGLE, SKIP},
    {CT_OUTPUT, CT_PRI_NAT_DST, "nat_dst", natrow_dst, ALWAYS, AFTER_STOP},
    {CT_OUTPUT, CT_PRI_FILTER, "filter", rulerow_filter, FILTER, SKIP},

    {CT_POSTROUTING, CT_PRI_FILTER, "filter", rulerow_filter, FILTER, SKIP},
    {CT_POSTROUTING, CT_PRI_NAT_SRC, "nat_src", natrow_src, ALWAYS, AFTER_STOP},
    {CT_POSTROUTING, CT_PRI_NAT_SRC, "ip_id", natrow_id, IP_ID, AFTER_STOP},
    {CT_POSTROUTING, CT_PRI_MANGLE_OUT, "mangle", rulerow_mangle, MANGLE, SKIP},
    {CT_POSTROUTING, CT_PRI_HELPER, "helper", helpers_row, HELPED, AFTER_STOP},
    {CT_POSTROUTING, CT_PRI_CONFIRM, "confirm", confirm_row, ALWAYS,
     AFTER_STOP},
};

/* A row may ask to be called again this often for one packet. */
#define MAX_REPEATS 8

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
        ct->rules_label |= ct_asks_LABELS(&rs->rules[i].match.labels);
    }
    hooks_choose(ct);
}

static bool is_on(const struct ct *ct, const struct own_row *row)
{
    const struct ct_ruleset *rs = ct->rules;
    const uint32_t *start;

    switch (row->when) {
    case ALWAYS:
        return true;
    case LABELS:
        return ct->rules_label;
    case HELPED: /* flows keep theirs whatever becomes of the rule */
        return ct->helped > 0 || ct->rules_help;
    case IP_ID:
        return ct->params.v[CT_PARAM_ip_id];
    default:
        break;
    }
    if (!rs)
        return false;
    start = &rs->start[row->hook][row->when];
    return start[0] < start[1] ||
           (row->when == FILTER && rs->policy[row->hook] == CT_DROP);
}

/* The core's own row with this function, or NULL: a caller registered it. */
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

            if (own && !is_on(ct, own))
                continue;
            *live++ = (struct hook_live){
                .fn = row->fn,
                .ctx = row->ctx,
                .row = r,
                .first_only = row->fn == confirm_row,
                .after_stop = own && own->after_stop,
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
    if (pkt->kind == CT_KIND_NONE)
        ct_add(&ct->reasons[why], 1);
    return ct_refuse(pkt, why);
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

/* The row said QUEUE or STOLEN.  ACCEPT: the queue lets the packet go on. */
static enum ct_verdict hold_packet(struct ct *ct, struct ct_pkt *pkt,
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
            return CT_ACCEPT;
        if (verdict != CT_QUEUE)
            return hooks_drop(ct, pkt, CT_REASON_NO_QUEUE);
    }
    pkt->cuts = NULL;              /* lent for this call only */
    if (pkt->kind == CT_KIND_NONE) /* the router's own never entered */
        core_stat(ct, CT_STAT_held);
    return verdict;
}

/* Apart from hooks_walk(), which would keep more registers for it. */
__attribute__((noinline)) enum ct_verdict
hooks_stop(struct ct *ct, struct ct_pkt *pkt, const struct hook_live *live)
{
    for (; live->fn; live++) {
        if (!live->after_stop || (live->first_only && !pkt->made_conn))
            continue;
        ct_assert_slow(!pkt->conn || pkt->conn->gen == pkt->conn_gen);
        pkt->row = live->row;
        if (live->fn(live->ctx, ct, pkt) != CT_ACCEPT)
            return hooks_drop(ct, pkt, CT_REASON_HOOK);
    }
    return CT_ACCEPT;
}

/* The row's verdict was not ACCEPT: what becomes of the packet, outside of the
 * usual path.  By value: an address of the verdict would keep it in memory on
 * that path, too. */
static __attribute__((noinline)) enum ct_verdict
judge(const struct hook_live *live, struct ct *ct, struct ct_pkt *pkt,
      enum ct_verdict verdict)
{
    for (int i = 0; verdict == CT_REPEAT && i < MAX_REPEATS; i++)
        verdict = live->fn(live->ctx, ct, pkt);
    if (verdict == CT_ACCEPT || verdict == CT_STOP)
        return verdict;
    if (pkt->elsewhere)
        return verdict; /* another shard's: neither held nor counted */
    if (verdict == CT_STOLEN || verdict == CT_QUEUE)
        return hold_packet(ct, pkt, verdict);
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
        ct_assert_slow(!pkt->conn || pkt->conn->gen == pkt->conn_gen);
        pkt->row = live->row;
        verdict = live->fn(live->ctx, ct, pkt);
        if (__builtin_expect(verdict == CT_ACCEPT, 1))
            continue;
        verdict = judge(live, ct, pkt, verdict);
        if (verdict == CT_STOP)
            return hooks_stop(ct, pkt, live + 1);
        if (verdict != CT_ACCEPT)
            return verdict;
    }
    return CT_ACCEPT;
}
