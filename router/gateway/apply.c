/* apply.c - make the kernel hold what a plan says
 *
 * What is ours is known by its protocol, so there is nothing to remember:
 * what the kernel holds is listed and compared, what is missing is added, then
 * what is too much is deleted.  Starting, following a change, removing what a
 * killed predecessor left and taking all away (an empty plan) are one.
 *
 * Rules are order.c's: they come behind the routes they need, and go
 * before them. */
#include "gateway/apply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRIES = 16 };

struct found {
    struct gateway_object *object;
    uint32_t n;
    bool no_memory;
};

struct applying {
    struct netlink *nl;
    const struct gateway_plan *plan;
    struct found found;
    unsigned failed; /* families of which something could not be added */
    int code;        /* of the first fault */
    char *err;
};

static unsigned get_family_bit(uint8_t family)
{
    return family == CT_IPV4 ? 1 : 2;
}

/* ---- what is there ---- */

static void append_found_object(struct found *f, const struct gateway_object *o)
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

static void on_listed_route(void *ctx, const struct netlink_route *route)
{
    struct gateway_object o = {.kind = GATEWAY_ROUTE};

    o.u.route = *route;
    o.u.route.metric = 0; /* IPv6 gives each one */
    if (route->protocol == GATEWAY_PLAN_PROTOCOL)
        append_found_object(ctx, &o);
}

static void take_neigh(void *ctx, const struct netlink_neigh *neigh)
{
    struct gateway_object o = {.kind = GATEWAY_NEIGH};

    o.u.neigh = *neigh;
    append_found_object(
        ctx, &o); /* other people's too: one address can't have two */
}

static int list_family(struct netlink *nl, uint8_t family, struct found *f)
{
    int err = 0;

    for (unsigned i = 0; i < GATEWAY_PLAN_TABLES && err == 0; i++)
        err = netlink_route_each(nl, family, gateway_plan_table(i), 0,
                                 on_listed_route, f);
    if (err == 0)
        err = netlink_neigh_each(nl, family, take_neigh, f);
    return err;
}

static int list_kernel_objects(struct netlink *nl, struct found *f)
{
    int err = -EAGAIN;

    for (int i = 0; i < TRIES && err == -EAGAIN; i++) {
        f->n = 0;
        err = list_family(nl, CT_IPV4, f);
        if (err == 0)
            err = list_family(nl, CT_IPV6, f);
    }
    return err == 0 && f->no_memory ? -ENOMEM : err;
}

/* ---- what is to be done ---- */

static const char *kind_text(enum gateway_object_kind kind)
{
    return kind == GATEWAY_ROUTE ? "route" : "proxy neighbour";
}

static void record_apply_error(struct applying *a, int code, const char *verb,
                               const struct gateway_object *o)
{
    const char *family = gateway_plan_family(o) == CT_IPV4 ? "IPv4" : "IPv6";

    if (a->code != 0)
        return;
    a->code = code;
    if (code == -EPERM)
        snprintf(a->err, 256,
                 "no permission to change the kernel's routes: run as "
                 "root or with CAP_NET_ADMIN");
    else
        snprintf(a->err, 256, "can't %s an %s %s: %s", verb, family,
                 kind_text(o->kind), strerror(-code));
}

static int write_kernel_object(struct netlink *nl,
                               const struct gateway_object *o)
{
    return o->kind == GATEWAY_ROUTE ? netlink_route_put(nl, &o->u.route)
                                    : netlink_neigh_put(nl, &o->u.neigh);
}

/* What is gone by itself meanwhile, with its device too, is fine. */
static int delete (struct netlink *nl, const struct gateway_object *o)
{
    int err = o->kind == GATEWAY_ROUTE ? netlink_route_delete(nl, &o->u.route)
                                       : netlink_neigh_delete(nl, &o->u.neigh);

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

        if (o->kind == GATEWAY_RULE || is_found(&a->found, o) ||
            (err = write_kernel_object(a->nl, o)) == 0)
            continue;
        a->failed |= get_family_bit(gateway_plan_family(o));
        record_apply_error(a, err, "add", o);
    }
}

static bool is_weir_object(const struct gateway_object *o)
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

        if (is_weir_object(o) && !is_done(a->plan, o) &&
            (a->failed & get_family_bit(gateway_plan_family(o))) == 0 &&
            (err = delete (a->nl, o)) != 0)
            record_apply_error(a, err, "delete", o);
    }
}

/* Behind the routes, and before those that go. */
static void lay_rules(struct applying *a, uint8_t family,
                      struct gateway_order *order)
{
    char err[256];

    if (gateway_order_lay(a->nl, a->plan, family, order, err) == 0)
        return;
    a->failed |= get_family_bit(family);
    if (a->code != 0)
        return;
    a->code = -EIO;
    memcpy(a->err, err, sizeof err);
}

int gateway_apply(struct netlink *nl, const struct gateway_plan *plan,
                  struct gateway_order *order, char err[256])
{
    struct applying a = {.nl = nl, .plan = plan, .err = err};
    int code = list_kernel_objects(nl, &a.found);

    if (code < 0) {
        snprintf(err, 256, "can't list the kernel's routes: %s",
                 strerror(-code));
        a.code = code;
    } else {
        add_missing(&a);
        lay_rules(&a, CT_IPV4, order);
        lay_rules(&a, CT_IPV6, order);
        delete_rest(&a);
    }
    free(a.found.object);
    return a.code == 0 ? 0 : -1;
}
