/* gateway_apply.c - make the kernel hold what a plan says
 *
 * What is ours is known by its protocol, so there is nothing to remember:
 * what the kernel holds is listed and compared, what is missing is added, then
 * what is too much is deleted.  Starting, following a change, removing what a
 * killed predecessor left and taking all away (an empty plan) are one.
 *
 * The table local is always asked.  The kernel's rule for it is deleted only
 * when ours stands, which is also the moment at which the rules before ours
 * begin to work; and it is made again before ours goes.  Who had moved it to a
 * preference of their own finds it there as before. */
#include "gateway_apply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRIES = 16 };

struct found {
    struct gateway_object *object;
    uint32_t n;
    bool no_memory;
    /* Rules that are not ours, one bit a family: */
    unsigned rules, kernels_local, other_local;
};

struct applying {
    struct netlink *nl;
    const struct gateway_plan *plan;
    struct found found;
    unsigned failed; /* families of which something could not be added */
    int code;        /* of the first fault */
    char *err;
};

static unsigned bit(uint8_t family)
{
    return family == CT_IPV4 ? 1 : 2;
}

/* ---- what is there ---- */

static void take(struct found *f, const struct gateway_object *o)
{
    struct gateway_object *grown;

    if (f->n % 64 == 0) {
        grown = realloc(f->object, (f->n + 64) * sizeof *grown);
        if (grown == NULL) {
            f->no_memory = true;
            return;
        }
        f->object = grown;
    }
    f->object[f->n++] = *o;
}

static void take_route(void *ctx, const struct netlink_route *route)
{
    struct gateway_object o = {.kind = GATEWAY_ROUTE};

    o.u.route = *route;
    if (route->protocol == GATEWAY_PLAN_PROTOCOL)
        take(ctx, &o);
}

static void take_neigh(void *ctx, const struct netlink_neigh *neigh)
{
    struct gateway_object o = {.kind = GATEWAY_NEIGH};

    o.u.neigh = *neigh;
    take(ctx, &o); /* other people's too: one address can't have two */
}

static void take_rule(void *ctx, const struct netlink_rule *rule)
{
    struct found *f = ctx;
    struct gateway_object o = {.kind = GATEWAY_RULE};

    o.u.rule = *rule;
    f->rules |= bit(rule->family);
    if (rule->protocol == GATEWAY_PLAN_PROTOCOL)
        take(f, &o);
    else if (gateway_plan_is_local(&o) && rule->pref == 0)
        f->kernels_local |= bit(rule->family);
    else if (gateway_plan_is_local(&o))
        f->other_local |= bit(rule->family);
}

static int list_family(struct netlink *nl, uint8_t family, struct found *f)
{
    static const uint32_t tables[] = {GATEWAY_PLAN_IN, GATEWAY_PLAN_OUT,
                                      GATEWAY_PLAN_OWN};
    int err = netlink_rule_each(nl, family, take_rule, f);

    for (size_t i = 0; i < sizeof tables / sizeof *tables && err == 0; i++)
        err = netlink_route_each(nl, family, tables[i], 0, take_route, f);
    if (err == 0)
        err = netlink_neigh_each(nl, family, take_neigh, f);
    return err;
}

/* A kernel without IPv6 has nothing of it. */
static int list(struct netlink *nl, struct found *f)
{
    int err = -EAGAIN;

    for (int i = 0; i < TRIES && err == -EAGAIN; i++) {
        f->n = 0;
        f->rules = f->kernels_local = f->other_local = 0;
        err = list_family(nl, CT_IPV4, f);
        if (err == 0)
            err = list_family(nl, CT_IPV6, f);
        if (err == -EAFNOSUPPORT && (f->rules & bit(CT_IPV4)) != 0)
            err = 0;
    }
    return err == 0 && f->no_memory ? -ENOMEM : err;
}

/* ---- what is to be done ---- */

static const char *kind_text(enum gateway_object_kind kind)
{
    switch (kind) {
    case GATEWAY_ROUTE:
        return "route";
    case GATEWAY_NEIGH:
        return "proxy neighbour";
    case GATEWAY_RULE:
        break;
    }
    return "routing rule";
}

static void fault(struct applying *a, int code, const char *verb,
                  const struct gateway_object *o)
{
    const char *family = gateway_plan_family(o) == CT_IPV4 ? "IPv4" : "IPv6";

    if (a->code != 0)
        return;
    a->code = code;
    if (code == -EPERM)
        snprintf(a->err, 256,
                 "no permission to change the kernel's routing rules: run as "
                 "root or with CAP_NET_ADMIN");
    else if (o->kind == GATEWAY_RULE)
        snprintf(a->err, 256,
                 "can't %s the %s routing rule of preference %u: %s", verb,
                 family, o->u.rule.pref, strerror(-code));
    else
        snprintf(a->err, 256, "can't %s an %s %s: %s", verb, family,
                 kind_text(o->kind), strerror(-code));
}

static int put(struct netlink *nl, const struct gateway_object *o)
{
    switch (o->kind) {
    case GATEWAY_ROUTE:
        return netlink_route_put(nl, &o->u.route);
    case GATEWAY_NEIGH:
        return netlink_neigh_put(nl, &o->u.neigh);
    case GATEWAY_RULE:
        break;
    }
    return netlink_rule_put(nl, &o->u.rule);
}

/* What is gone by itself meanwhile, with its device too, is fine. */
static int delete (struct netlink *nl, const struct gateway_object *o)
{
    int err;

    if (o->kind == GATEWAY_ROUTE)
        err = netlink_route_delete(nl, &o->u.route);
    else if (o->kind == GATEWAY_NEIGH)
        err = netlink_neigh_delete(nl, &o->u.neigh);
    else
        err = netlink_rule_delete(nl, &o->u.rule);
    return err == -ENOENT || err == -ESRCH || err == -ENODEV ? 0 : err;
}

static bool is_found(const struct found *f, const struct gateway_object *o)
{
    for (uint32_t i = 0; i < f->n; i++) {
        struct gateway_object there = f->object[i];

        if (there.kind == GATEWAY_NEIGH)
            there.u.neigh.protocol = GATEWAY_PLAN_PROTOCOL;
        if (gateway_plan_same(&there, o))
            return true;
    }
    return false;
}

static void add_missing(struct applying *a)
{
    for (uint32_t i = 0; i < a->plan->n; i++) {
        const struct gateway_object *o = &a->plan->object[i];
        int err;

        if (is_found(&a->found, o) || (err = put(a->nl, o)) == 0)
            continue;
        a->failed |= bit(gateway_plan_family(o));
        fault(a, err, "add", o);
    }
}

static bool is_ours(const struct gateway_object *o)
{
    return o->kind != GATEWAY_NEIGH ||
           o->u.neigh.protocol == GATEWAY_PLAN_PROTOCOL;
}

/* In the plan, or taken away already by what the plan has in its place. */
static bool is_done(const struct gateway_plan *plan,
                    const struct gateway_object *o)
{
    for (uint32_t i = 0; i < plan->n; i++)
        if (gateway_plan_same(&plan->object[i], o) ||
            gateway_plan_replaces(&plan->object[i], o))
            return true;
    return false;
}

static void delete_rest(struct applying *a)
{
    for (uint32_t i = 0; i < a->found.n; i++) {
        const struct gateway_object *o = &a->found.object[i];
        int err;

        if (is_ours(o) && !is_done(a->plan, o) &&
            (a->failed & bit(gateway_plan_family(o))) == 0 &&
            (err = delete (a->nl, o)) != 0)
            fault(a, err, "delete", o);
    }
}

/* ---- the table local ---- */

static bool plans_rules(const struct gateway_plan *plan, uint8_t family)
{
    for (uint32_t i = 0; i < plan->n; i++)
        if (plan->object[i].kind == GATEWAY_RULE &&
            plan->object[i].u.rule.family == family)
            return true;
    return false;
}

/* Before ours goes. */
static void give_back_local(struct applying *a, uint8_t family)
{
    struct gateway_object o = gateway_plan_kernels_local(family);
    unsigned there = a->found.kernels_local | a->found.other_local;
    int err;

    if (plans_rules(a->plan, family) || (a->found.rules & bit(family)) == 0 ||
        (there & bit(family)) != 0 || (err = put(a->nl, &o)) == 0)
        return;
    a->failed |= bit(family);
    fault(a, err, "add", &o);
}

/* When ours stands. */
static void take_local(struct applying *a, uint8_t family)
{
    struct gateway_object o = gateway_plan_kernels_local(family);
    int err;

    o.u.rule.protocol = 0; /* older kernels' has none: any */
    if (!plans_rules(a->plan, family) ||
        (a->found.kernels_local & bit(family)) == 0 ||
        (a->failed & bit(family)) != 0)
        return;
    if ((err = delete (a->nl, &o)) != 0)
        fault(a, err, "delete", &o);
}

int gateway_apply(struct netlink *nl, const struct gateway_plan *plan,
                  char err[256])
{
    struct applying a = {.nl = nl, .plan = plan, .err = err};
    int code = list(nl, &a.found);

    if (code < 0) {
        snprintf(err, 256, "can't list the kernel's routing rules: %s",
                 strerror(-code));
        a.code = code;
    } else {
        give_back_local(&a, CT_IPV4);
        give_back_local(&a, CT_IPV6);
        add_missing(&a);
        take_local(&a, CT_IPV4);
        take_local(&a, CT_IPV6);
        delete_rest(&a);
    }
    free(a.found.object);
    return a.code == 0 ? 0 : -1;
}
