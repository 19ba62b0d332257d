/* order.c - routing rules of which the order counts
 *
 * The kernel adds a rule behind all others of its preference and deletes the
 * first one that fits.  So a row that is not as it must be is added as a whole
 * once more, other rules of its preference are moved behind it, and then the
 * old row goes, front to back: whatever stands of the old row is always met
 * before the new one.
 *
 * The table local is always asked.  The kernel's rule for it is deleted only
 * when ours stands, and it is made again before ours goes.  If the host has
 * moved it to another preference, it stays there. */
#include "gateway/order.h"

#include "system/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRIES = 16, MAIN = 32766 };

struct entry {
    struct gateway_object object;
    struct netlink_rule_told told;
    bool ours, local; /* local: for that table, and not ours */
};

struct order {
    struct netlink *nl;
    const struct gateway_plan *plan;
    uint8_t family;
    struct entry *entry;
    uint32_t n;
    bool no_memory;
    char *err;
};

/* ---- what is there ---- */

static void on_listed_rule(void *ctx, const struct netlink_rule *rule,
                           const struct netlink_rule_told *told)
{
    struct order *o = ctx;
    struct entry *e;

    if (o->n % 64 == 0) {
        e = realloc(o->entry, (o->n + 64) * sizeof *e);
        if (e == NULL) {
            o->no_memory = true;
            return;
        }
        o->entry = e;
    }
    e = &o->entry[o->n++];
    memset(e, 0, sizeof *e);
    e->object.kind = GATEWAY_RULE;
    e->object.u.rule = *rule;
    e->told = *told;
    e->ours = rule->protocol == GATEWAY_PLAN_PROTOCOL;
    e->local = !e->ours && gateway_plan_is_local(&e->object);
}

static int list_routing_rules(struct order *o)
{
    int err = -EAGAIN;

    for (int i = 0; i < TRIES && err == -EAGAIN; i++) {
        o->n = 0;
        err = netlink_rule_each(o->nl, o->family, on_listed_rule, o);
    }
    return err == 0 && o->no_memory ? -ENOMEM : err;
}

static int format_rule_error(const struct order *o, int code, const char *verb,
                             const struct netlink_rule *r)
{
    if (code == -EPERM)
        snprintf(o->err, 256,
                 "no permission to change the kernel's routing rules: run as "
                 "root or with CAP_NET_ADMIN");
    else
        snprintf(o->err, 256,
                 "can't %s the %s routing rule of preference %u: %s", verb,
                 o->family == CT_IPV4 ? "IPv4" : "IPv6", r->pref,
                 strerror(-code));
    return -1;
}

/* ---- is a row as planned? ---- */

static bool is_planned_rule(const struct order *o, uint32_t i, uint32_t pref)
{
    const struct gateway_object *p = &o->plan->object[i];

    return p->kind == GATEWAY_RULE && p->u.rule.family == o->family &&
           p->u.rule.pref == pref;
}

/* Rules that are planned in a row; in all of them if pref is UINT32_MAX. */
static uint32_t count_planned_rules(const struct order *o, uint32_t pref)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < o->plan->n; i++)
        n += is_planned_rule(o, i, pref);
    return n;
}

/* The next planned one of the row behind number i of the plan. */
static uint32_t find_next_planned(const struct order *o, uint32_t i,
                                  uint32_t pref)
{
    while (i < o->plan->n && !is_planned_rule(o, i, pref))
        i++;
    return i;
}

static bool is_right(const struct order *o, uint32_t pref)
{
    bool at_front = pref == GATEWAY_PLAN_FRONT, other = false;
    uint32_t at = find_next_planned(o, 0, pref);

    for (uint32_t i = 0; i < o->n; i++) {
        const struct entry *e = &o->entry[i];

        if (e->object.u.rule.pref != pref)
            continue;
        if (e->local && at_front)
            return false;
        if (!e->ours) {
            if (at_front ? at < o->plan->n : at > find_next_planned(o, 0, pref))
                return false; /* one stands before ours, or behind */
            other = true;
            continue;
        }
        if ((at_front && other) || at >= o->plan->n ||
            !gateway_plan_same(&e->object, &o->plan->object[at]))
            return false;
        at = find_next_planned(o, at + 1, pref);
    }
    return at >= o->plan->n;
}

/* ---- making it so ---- */

static int append_row(const struct order *o, uint32_t pref)
{
    for (uint32_t i = find_next_planned(o, 0, pref); i < o->plan->n;
         i = find_next_planned(o, i + 1, pref)) {
        const struct netlink_rule *r = &o->plan->object[i].u.rule;
        int err = netlink_rule_append(o->nl, r);

        if (err < 0)
            return format_rule_error(o, err, "add", r);
    }
    return 0;
}

static bool is_hosts(const struct entry *e)
{
    return !e->ours && !e->local && e->object.u.rule.pref == GATEWAY_PLAN_FRONT;
}

/* One the kernel has no rule for any more is fine. */
static int move_routing_rule(const struct order *o, const struct entry *e,
                             uint32_t pref)
{
    int err = netlink_rule_move(o->nl, &e->told, pref);

    return err < 0 && err != -ENOENT
               ? format_rule_error(o, err, "move", &e->object.u.rule)
               : 0;
}

/* The host's rules of the first preference, behind what is there now. */
static int move_behind(const struct order *o)
{
    for (uint32_t i = 0; i < o->n; i++)
        if (is_hosts(&o->entry[i]) &&
            move_routing_rule(o, &o->entry[i], GATEWAY_PLAN_FRONT) < 0)
            return -1;
    return 0;
}

static int delete_rule(const struct order *o, const struct netlink_rule *r)
{
    int err = netlink_rule_delete(o->nl, r);

    return err < 0 && err != -ENOENT ? format_rule_error(o, err, "delete", r)
                                     : 0;
}

static int delete_ours(const struct order *o, bool front, bool back)
{
    int code = 0;

    for (uint32_t i = 0; i < o->n; i++) {
        const struct netlink_rule *r = &o->entry[i].object.u.rule;

        if (!o->entry[i].ours || (r->pref == GATEWAY_PLAN_FRONT && !front) ||
            (r->pref == GATEWAY_PLAN_BACK && !back))
            continue;
        if (delete_rule(o, r) < 0)
            code = -1;
    }
    return code;
}

/* ---- the table local ---- */

/* When the old row is gone and the new one is behind it: what fits it first is
 * itself, even if its protocol, as that of many rules, is 0, which fits all. */
static int take_local(const struct order *o)
{
    for (uint32_t i = 0; i < o->n; i++) {
        const struct entry *e = &o->entry[i];

        if (e->local && e->object.u.rule.pref == GATEWAY_PLAN_FRONT &&
            delete_rule(o, &e->object.u.rule) < 0)
            return -1;
    }
    return 0;
}

static int give_back_local(const struct order *o)
{
    struct gateway_object local = gateway_plan_kernels_local(o->family);
    int err;

    for (uint32_t i = 0; i < o->n; i++)
        if (o->entry[i].local)
            return 0;
    err = netlink_rule_put(o->nl, &local.u.rule);
    return err < 0 ? format_rule_error(o, err, "add", &local.u.rule)
                   : move_behind(o);
}

/* ---- rules that others have added ---- */

static uint32_t find_lowest_pref(const struct order *o)
{
    uint32_t low = MAIN;

    for (uint32_t i = 0; i < o->n; i++) {
        const struct entry *e = &o->entry[i];
        uint32_t pref = e->object.u.rule.pref;

        if (!e->ours && pref > 0 && pref < low)
            low = pref;
    }
    return low < GATEWAY_PLAN_BACK ? low : GATEWAY_PLAN_BACK;
}

static int settle_others(const struct order *o, uint32_t stay)
{
    uint32_t seen = 0, pref = find_lowest_pref(o);

    for (uint32_t i = 0; i < o->n; i++) {
        if (!is_hosts(&o->entry[i]) || seen++ < stay || pref <= 1)
            continue;
        if (move_routing_rule(o, &o->entry[i], --pref) < 0)
            return -1;
        log_info("gateway",
                 "an %s routing rule that was added without a preference now "
                 "has %u: weir's own come first",
                 o->family == CT_IPV4 ? "IPv4" : "IPv6", pref);
    }
    return 0;
}

static void record_host_rules(const struct order *o,
                              struct gateway_order *memory)
{
    unsigned f = o->family == CT_IPV4 ? 0 : 1;
    uint32_t n = 0;
    bool ours = false;

    if (memory->known[f])
        return;
    for (uint32_t i = 0; i < o->n; i++) {
        ours = ours || o->entry[i].ours;
        n += is_hosts(&o->entry[i]);
    }
    memory->known[f] = true;
    memory->stay[f] = ours ? 0 : n;
}

static int apply_rule_order(const struct order *o, struct gateway_order *memory)
{
    bool front = !is_right(o, GATEWAY_PLAN_FRONT);
    bool back = !is_right(o, GATEWAY_PLAN_BACK);

    if (count_planned_rules(o, GATEWAY_PLAN_FRONT) == 0)
        return give_back_local(o) < 0 ? -1 : delete_ours(o, true, true);
    record_host_rules(o, memory);
    /* What comes for a new address is weir's before what the host says from it
     * is: else the host's RST about a flow of weir's would leave by weir. */
    if (front && (append_row(o, GATEWAY_PLAN_FRONT) < 0 || move_behind(o) < 0 ||
                  delete_ours(o, true, false) < 0 || take_local(o) < 0))
        return -1;
    if (back && (append_row(o, GATEWAY_PLAN_BACK) < 0 ||
                 delete_ours(o, false, true) < 0))
        return -1;
    return settle_others(o, memory->stay[o->family == CT_IPV4 ? 0 : 1]);
}

int gateway_order_lay(struct netlink *nl, const struct gateway_plan *plan,
                      uint8_t family, struct gateway_order *memory,
                      char err[256])
{
    struct order o = {.nl = nl, .plan = plan, .family = family, .err = err};
    int code = list_routing_rules(&o);

    if (code < 0 && (code != -EAFNOSUPPORT || family == CT_IPV4))
        snprintf(err, 256, "can't list the kernel's routing rules: %s",
                 strerror(-code));
    else
        code = code < 0 || o.n == 0 ? 0 : apply_rule_order(&o, memory);
    free(o.entry);
    return code < 0 ? -1 : 0;
}
