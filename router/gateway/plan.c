/* plan.c - what is to stand in the kernel, made from facts alone */
#include "gateway/plan.h"

#include "system/addr.h"

#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>

enum { LAN, WAN };

enum { ROUTES_TOLD = 64 }; /* of more only those to where we are */

struct making {
    const struct gateway_plan_input *in;
    struct gateway_plan *out;
    uint8_t family;
};

static struct gateway_object *add_plan_object(struct making *m,
                                              enum gateway_object_kind kind)
{
    struct gateway_object *o = &m->out->object[m->out->n];

    if (m->out->n + 1 < GATEWAY_PLAN_MAX)
        m->out->n++;
    memset(o, 0, sizeof *o);
    o->kind = kind;
    return o;
}

static uint8_t get_full_len(uint8_t family)
{
    return family == CT_IPV4 ? 32 : 128;
}

static struct netlink_rule *add_plan_rule(struct making *m, uint32_t pref,
                                          const char *iif,
                                          enum netlink_rule_action action,
                                          uint32_t table)
{
    struct netlink_rule *r = &add_plan_object(m, GATEWAY_RULE)->u.rule;

    r->family = m->family;
    r->protocol = GATEWAY_PLAN_PROTOCOL;
    r->pref = pref;
    r->action = (uint8_t)action;
    r->table = table;
    memcpy(r->iif, iif, strnlen(iif, sizeof r->iif - 1));
    return r;
}

static void set_rule_source(struct netlink_rule *r, const union ct_addr *a)
{
    r->src = *a;
    r->src_len = get_full_len(r->family);
}

static void set_rule_destination(struct netlink_rule *r, const union ct_addr *a)
{
    r->dst = *a;
    r->dst_len = get_full_len(r->family);
}

/* A rule in front of all others. */
static struct netlink_rule *add_front_rule(struct making *m, const char *iif,
                                           enum netlink_rule_action action,
                                           uint32_t table)
{
    return add_plan_rule(m, GATEWAY_PLAN_FRONT, iif, action, table);
}

/* The same of a device; of one that has no name yet (it is waited for) there is
 * nothing to say, and without a name a rule would be about all. */
static struct netlink_rule *add_device_rule(struct making *m, uint32_t device,
                                            enum netlink_rule_action action,
                                            uint32_t table)
{
    static struct netlink_rule nowhere;
    const char *name = m->in->facts->device[device].name;

    return name[0] == '\0' ? &nowhere : add_front_rule(m, name, action, table);
}

/* Behind the host's rules.  What the host sends with a mark is its own matter:
 * weir can't give the mark back. */
static struct netlink_rule *add_back_rule(struct making *m, const char *iif,
                                          enum netlink_rule_action action,
                                          uint32_t table)
{
    struct netlink_rule *r =
        add_plan_rule(m, GATEWAY_PLAN_BACK, iif, action, table);

    if (strcmp(iif, "lo") == 0)
        r->mark_mask = UINT32_MAX;
    return r;
}

/* Number i of a device's addresses if it is of the family in hand. */
static const union ct_addr *address(const struct making *m, uint32_t device,
                                    unsigned i)
{
    const struct config_facts_device *d = &m->in->facts->device[device];

    return i < d->n_addrs && d->addr[i].family == m->family ? &d->addr[i].addr
                                                            : NULL;
}

static const union ct_addr *first_of(const struct making *m, uint32_t device)
{
    const union ct_addr *a = NULL;

    for (unsigned i = 0; i < m->in->facts->device[device].n_addrs && !a; i++)
        a = address(m, device, i);
    return a;
}

/* Of an outside device, wan first: it is in front of the others. */
static const union ct_addr *first_w(const struct making *m)
{
    const struct config_facts *f = m->in->facts;
    const union ct_addr *w = NULL;

    for (uint32_t d = 0; d < f->n && !w; d++)
        w = f->device[d].inside ? NULL : first_of(m, d);
    return w;
}

/* Where what comes from a device goes. */
static uint32_t get_device_table(uint32_t device)
{
    if (device > WAN)
        return GATEWAY_PLAN_MORE + device;
    return device == LAN ? GATEWAY_PLAN_IN : GATEWAY_PLAN_OUT;
}

/* ---- routes and neighbours ---- */

/* NULL: the device can't carry one. */
static struct netlink_route *add_plan_route(struct making *m, uint32_t table,
                                            uint32_t tun,
                                            const union ct_addr *src)
{
    struct netlink_route *r;

    if (m->in->tun[tun] == 0 || (m->family == CT_IPV6 && !m->in->tun_ipv6[tun]))
        return NULL;
    r = &add_plan_object(m, GATEWAY_ROUTE)->u.route;
    r->family = m->family;
    r->protocol = GATEWAY_PLAN_PROTOCOL;
    r->table = table;
    r->index = m->in->tun[tun];
    if (src != NULL) {
        r->src = *src;
        r->src_set = 1;
    }
    return r;
}

static bool is_addr_covered(const struct config_facts_route *route,
                            const union ct_addr *addr)
{
    struct ct_addr_range r =
        system_addr_span(&route->addr, route->family, route->len);

    return system_addr_compare(&r.lo, addr) <= 0 &&
           system_addr_compare(addr, &r.hi) <= 0;
}

static bool holds_us(const struct making *m,
                     const struct config_facts_route *route)
{
    const struct config_facts_device *d = &m->in->facts->device[route->device];
    const union ct_addr *a;

    for (unsigned i = 0; i < d->n_addrs; i++)
        if ((a = address(m, route->device, i)) != NULL &&
            is_addr_covered(route, a))
            return true;
    return false;
}

/* Where an answer of the host's goes that bears an inside address; and, if
 * there are several devices outside, with which address the host speaks where
 * it has none yet. */
static void routes_of_host(struct making *m)
{
    const struct config_facts *f = m->in->facts;

    for (uint32_t i = 0; i < f->n_routes; i++) {
        const struct config_facts_route *to = &f->routes[i];
        bool inside = f->device[to->device].inside;
        const union ct_addr *src = inside ? NULL : first_of(m, to->device);
        struct netlink_route *r;

        if (to->family != m->family || (!inside && src == NULL) ||
            (f->n_routes > ROUTES_TOLD && to->len > 0 && !holds_us(m, to)) ||
            (r = add_plan_route(m,
                                inside ? GATEWAY_PLAN_REPLY : GATEWAY_PLAN_OWN,
                                WAN, src)) == NULL)
            continue;
        r->dst = to->addr;
        r->dst_len = to->len;
    }
}

static void add_proxy_neighbours(struct making *m, uint32_t device)
{
    const struct config_facts_device *d = &m->in->facts->device[device];
    const union ct_addr *a;

    for (unsigned i = 0; i < d->n_addrs; i++) {
        if (d->index == 0 || (a = address(m, device, i)) == NULL)
            continue;
        struct netlink_neigh *n = &add_plan_object(m, GATEWAY_NEIGH)->u.neigh;

        n->family = m->family;
        n->protocol = GATEWAY_PLAN_PROTOCOL;
        n->index = d->index;
        n->addr = *a;
    }
}

/* ---- rules ---- */

/* What the guard knows to be the host's own. */
static void rules_of_marked(struct making *m)
{
    for (uint32_t d = 0; d < m->in->facts->n; d++) {
        struct netlink_rule *r =
            add_device_rule(m, d, NETLINK_LOOKUP, RT_TABLE_LOCAL);

        r->mark = GATEWAY_PLAN_MARK;
        r->mark_mask = UINT32_MAX;
    }
}

static void rules_of_forged(struct making *m, const union ct_addr *own)
{
    for (uint32_t d = m->in->facts->n; d-- > 0;)
        set_rule_source(add_device_rule(m, d, NETLINK_BLACKHOLE, 0), own);
}

static void rules_to_own(struct making *m, const union ct_addr *own)
{
    for (uint32_t d = m->in->facts->n; d-- > 0;)
        set_rule_destination(
            add_device_rule(m, d, NETLINK_LOOKUP, get_device_table(d)), own);
}

static void rule_of_errors(struct making *m, const union ct_addr *w)
{
    struct netlink_rule *r =
        add_front_rule(m, "lo", NETLINK_LOOKUP, GATEWAY_PLAN_OUT);

    r->ip_proto = m->family == CT_IPV4 ? CT_PROTO_ICMP : CT_PROTO_ICMPV6;
    set_rule_destination(r, w);
}

enum { OUTSIDE = 1, INSIDE = 2, ANYWHERE = 3 };

/* fn for each address of the devices of a side, of the family in hand. */
static void each_addr(struct making *m, unsigned side,
                      void (*fn)(struct making *, const union ct_addr *))
{
    const struct config_facts *f = m->in->facts;
    const union ct_addr *a;

    for (uint32_t d = 0; d < f->n; d++)
        for (unsigned i = 0; i < f->device[d].n_addrs; i++)
            if ((side & (f->device[d].inside ? INSIDE : OUTSIDE)) != 0 &&
                (a = address(m, d, i)) != NULL)
                fn(m, a);
}

static void rules_in_front(struct making *m)
{
    if (m->in->marked)
        rules_of_marked(m);
    each_addr(m, ANYWHERE, rules_of_forged);
    each_addr(m, ANYWHERE, rules_to_own);
    each_addr(m, ANYWHERE, rule_of_errors);
    add_front_rule(m, "", NETLINK_LOOKUP, RT_TABLE_LOCAL);
    for (uint32_t d = 0; d < m->in->facts->n; d++) {
        (void)add_device_rule(m, d, NETLINK_LOOKUP, get_device_table(d));
        (void)add_device_rule(m, d, NETLINK_UNREACHABLE, 0);
    }
}

/* What the host says to a link stays on it. */
static void rules_of_groups(struct making *m)
{
    static const union ct_addr multicast = {.b = {224}};
    static const union ct_addr everybody = {.b = {255, 255, 255, 255}};
    struct netlink_rule *r =
        add_back_rule(m, "lo", NETLINK_LOOKUP, RT_TABLE_MAIN);

    set_rule_destination(r, &multicast);
    r->dst_len = 4;
    set_rule_destination(add_back_rule(m, "lo", NETLINK_LOOKUP, RT_TABLE_MAIN),
                         &everybody);
}

static void rule_from_w(struct making *m, const union ct_addr *w)
{
    set_rule_source(add_back_rule(m, "lo", NETLINK_LOOKUP, GATEWAY_PLAN_OUT),
                    w);
}

static void rule_from_l(struct making *m, const union ct_addr *l)
{
    set_rule_source(add_back_rule(m, "lo", NETLINK_LOOKUP, GATEWAY_PLAN_REPLY),
                    l);
}

/* A route that leads what weir has sent back into weir is none. */
static void rules_of_weirs(struct making *m)
{
    for (uint32_t i = 0; i < m->in->facts->n; i++) {
        const char *tun = m->in->facts->device[i].tun;

        add_back_rule(m, tun, NETLINK_LOOKUP, RT_TABLE_MAIN)->not_group =
            GATEWAY_PLAN_TUNS;
        add_back_rule(m, tun, NETLINK_UNREACHABLE, 0);
    }
}

static void rules_at_back(struct making *m)
{
    rules_of_weirs(m);
    if (first_w(m) == NULL)
        return;
    if (m->family == CT_IPV4)
        rules_of_groups(m);
    each_addr(m, OUTSIDE, rule_from_w);
    each_addr(m, INSIDE, rule_from_l);
    if (m->in->group == 0)
        return;
    add_back_rule(m, "lo", NETLINK_LOOKUP, RT_TABLE_MAIN)->not_group =
        m->in->group;
    add_back_rule(m, "lo", NETLINK_LOOKUP, GATEWAY_PLAN_OWN);
}

/* One that routes_of_host() makes. */
static bool has_default(const struct making *m)
{
    const struct config_facts *f = m->in->facts;

    for (uint32_t i = 0; i < f->n_routes; i++)
        if (f->routes[i].len == 0 && f->routes[i].family == m->family &&
            first_of(m, f->routes[i].device) != NULL)
            return true;
    return false;
}

static void plan_family(struct making *m)
{
    const union ct_addr *w = first_w(m);

    add_plan_route(m, GATEWAY_PLAN_IN, LAN, NULL);
    add_plan_route(m, GATEWAY_PLAN_OUT, WAN, w);
    if (w != NULL && !has_default(m))
        add_plan_route(m, GATEWAY_PLAN_OWN, WAN, w);
    for (uint32_t d = WAN + 1; d < m->in->facts->n; d++)
        add_plan_route(m, get_device_table(d), d, NULL);
    routes_of_host(m);
    for (uint32_t d = 0; d < m->in->facts->n; d++)
        add_proxy_neighbours(m, d);
    rules_in_front(m);
    rules_at_back(m);
}

void gateway_plan_make(const struct gateway_plan_input *in,
                       struct gateway_plan *out)
{
    struct making m = {.in = in, .out = out, .family = CT_IPV4};

    out->n = 0;
    plan_family(&m);
    m.family = CT_IPV6;
    if (in->ipv6)
        plan_family(&m);
}

static size_t size_of(enum gateway_object_kind kind)
{
    switch (kind) {
    case GATEWAY_ROUTE:
        return sizeof(struct netlink_route);
    case GATEWAY_NEIGH:
        return sizeof(struct netlink_neigh);
    case GATEWAY_RULE:
        break;
    }
    return sizeof(struct netlink_rule);
}

bool gateway_plan_same(const struct gateway_object *a,
                       const struct gateway_object *b)
{
    return a->kind == b->kind && memcmp(&a->u, &b->u, size_of(a->kind)) == 0;
}

/* netlink_route_put() does, and ours all have one prefix. */
bool gateway_plan_replaces(const struct gateway_object *a,
                           const struct gateway_object *b)
{
    return a->kind == GATEWAY_ROUTE && b->kind == GATEWAY_ROUTE &&
           a->u.route.family == b->u.route.family &&
           a->u.route.table == b->u.route.table &&
           a->u.route.dst_len == b->u.route.dst_len &&
           ct_addr_eq(&a->u.route.dst, &b->u.route.dst);
}

uint32_t gateway_plan_table(unsigned i)
{
    static const uint32_t always[] = {GATEWAY_PLAN_IN, GATEWAY_PLAN_OUT,
                                      GATEWAY_PLAN_OWN, GATEWAY_PLAN_REPLY};

    return i < 4 ? always[i] : get_device_table(i - 2);
}

uint8_t gateway_plan_family(const struct gateway_object *o)
{
    switch (o->kind) {
    case GATEWAY_ROUTE:
        return o->u.route.family;
    case GATEWAY_NEIGH:
        return o->u.neigh.family;
    case GATEWAY_RULE:
        break;
    }
    return o->u.rule.family;
}

struct gateway_object gateway_plan_kernels_local(uint8_t of)
{
    struct gateway_object o;

    memset(&o, 0, sizeof o);
    o.kind = GATEWAY_RULE;
    o.u.rule.family = of;
    o.u.rule.table = RT_TABLE_LOCAL;
    o.u.rule.protocol = RTPROT_KERNEL;
    return o;
}

bool gateway_plan_is_local(const struct gateway_object *o)
{
    const struct netlink_rule *r = &o->u.rule;

    return o->kind == GATEWAY_RULE && r->action == NETLINK_LOOKUP &&
           r->table == RT_TABLE_LOCAL && r->iif[0] == '\0' && r->src_len == 0 &&
           r->dst_len == 0 && r->ip_proto == 0 && r->not_group == 0 &&
           r->mark_mask == 0 && r->conditions == 0;
}
