/* gateway_plan.c - what is to stand in the kernel, made from facts alone */
#include "gateway_plan.h"

#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>

enum { LAN, WAN };

enum pref {
    PREF_KERNELS_LOCAL,
    PREF_WAN_FROM_OWN,
    PREF_LAN_FROM_OWN,
    PREF_WAN_TO_OWN,
    PREF_LAN_TO_W,
    PREF_ICMP_TO_W,
    PREF_LOCAL,
    PREF_LAN,
    PREF_LAN_ELSE,
    PREF_WAN,
    PREF_WAN_ELSE,
    PREF_TO_GROUP,
    PREF_FROM_W,
    PREF_NOT_BY_WAN,
    PREF_OWN
};

struct making {
    const struct gateway_plan_input *in;
    struct gateway_plan *out;
    uint8_t family;
};

static struct gateway_object *add(struct making *m,
                                  enum gateway_object_kind kind)
{
    struct gateway_object *o = &m->out->object[m->out->n++];

    memset(o, 0, sizeof *o);
    o->kind = kind;
    return o;
}

static uint8_t full(uint8_t family)
{
    return family == CT_IPV4 ? 32 : 128;
}

static struct netlink_rule *rule(struct making *m, enum pref pref,
                                 const char *iif,
                                 enum netlink_rule_action action,
                                 uint32_t table)
{
    struct netlink_rule *r = &add(m, GATEWAY_RULE)->u.rule;

    r->family = m->family;
    r->protocol = GATEWAY_PLAN_PROTOCOL;
    r->pref = pref;
    r->action = (uint8_t)action;
    r->table = table;
    memcpy(r->iif, iif, strnlen(iif, sizeof r->iif - 1));
    return r;
}

static void from(struct netlink_rule *r, const union ct_addr *a)
{
    r->src = *a;
    r->src_len = full(r->family);
}

static void to(struct netlink_rule *r, const union ct_addr *a)
{
    r->dst = *a;
    r->dst_len = full(r->family);
}

/* Number i of a device's addresses if it is of the family in hand. */
static const union ct_addr *address(const struct making *m, int device,
                                    unsigned i)
{
    const struct config_facts_device *d = &m->in->facts->device[device];

    return d->addr[i].family == m->family ? &d->addr[i].addr : NULL;
}

static const union ct_addr *first_w(const struct making *m)
{
    const union ct_addr *w = NULL;

    for (unsigned i = 0; i < m->in->facts->device[WAN].n_addrs && !w; i++)
        w = address(m, WAN, i);
    return w;
}

static void route(struct making *m, uint32_t table, int tun,
                  const union ct_addr *src)
{
    struct netlink_route *r;

    if (m->in->tun[tun] == 0 || (m->family == CT_IPV6 && !m->in->tun_ipv6[tun]))
        return;
    r = &add(m, GATEWAY_ROUTE)->u.route;
    r->family = m->family;
    r->protocol = GATEWAY_PLAN_PROTOCOL;
    r->table = table;
    r->index = m->in->tun[tun];
    if (src != NULL) {
        r->src = *src;
        r->src_set = 1;
    }
}

static void neighbours(struct making *m)
{
    const struct config_facts_device *wan = &m->in->facts->device[WAN];
    const union ct_addr *w;

    for (unsigned i = 0; i < wan->n_addrs; i++) {
        if (wan->index == 0 || (w = address(m, WAN, i)) == NULL)
            continue;
        struct netlink_neigh *n = &add(m, GATEWAY_NEIGH)->u.neigh;

        n->family = m->family;
        n->protocol = GATEWAY_PLAN_PROTOCOL;
        n->index = wan->index;
        n->addr = *w;
    }
}

static void rules_of_own(struct making *m, int device)
{
    const struct config_facts *f = m->in->facts;
    const union ct_addr *a;

    for (unsigned i = 0; i < f->device[device].n_addrs; i++) {
        if ((a = address(m, device, i)) == NULL)
            continue;
        from(rule(m, PREF_WAN_FROM_OWN, f->device[WAN].name, NETLINK_BLACKHOLE,
                  0),
             a);
        from(rule(m, PREF_LAN_FROM_OWN, f->device[LAN].name, NETLINK_BLACKHOLE,
                  0),
             a);
        to(rule(m, PREF_WAN_TO_OWN, f->device[WAN].name, NETLINK_LOOKUP,
                GATEWAY_PLAN_OUT),
           a);
    }
}

static void rules_of_w(struct making *m, const union ct_addr *w)
{
    const struct config_facts_device *d = m->in->facts->device;
    struct netlink_rule *r;

    to(rule(m, PREF_LAN_TO_W, d[LAN].name, NETLINK_LOOKUP, GATEWAY_PLAN_IN), w);
    r = rule(m, PREF_ICMP_TO_W, "lo", NETLINK_LOOKUP, GATEWAY_PLAN_OUT);
    r->ip_proto = m->family == CT_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
    to(r, w);
    from(rule(m, PREF_FROM_W, "lo", NETLINK_LOOKUP, GATEWAY_PLAN_OUT), w);
}

/* What the host says to a link stays on it. */
static void rules_of_groups(struct making *m)
{
    static const union ct_addr multicast = {.b = {224}};
    static const union ct_addr everybody = {.b = {255, 255, 255, 255}};
    struct netlink_rule *r =
        rule(m, PREF_TO_GROUP, "lo", NETLINK_LOOKUP, RT_TABLE_MAIN);

    to(r, &multicast);
    r->dst_len = 4;
    to(rule(m, PREF_TO_GROUP, "lo", NETLINK_LOOKUP, RT_TABLE_MAIN), &everybody);
}

static void rules_of_devices(struct making *m)
{
    const struct config_facts_device *d = m->in->facts->device;

    rule(m, PREF_LOCAL, "", NETLINK_LOOKUP, RT_TABLE_LOCAL);
    rule(m, PREF_LAN, d[LAN].name, NETLINK_LOOKUP, GATEWAY_PLAN_IN);
    rule(m, PREF_LAN_ELSE, d[LAN].name, NETLINK_UNREACHABLE, 0);
    rule(m, PREF_WAN, d[WAN].name, NETLINK_LOOKUP, GATEWAY_PLAN_OUT);
    rule(m, PREF_WAN_ELSE, d[WAN].name, NETLINK_UNREACHABLE, 0);
    if (first_w(m) == NULL)
        return;
    if (m->family == CT_IPV4)
        rules_of_groups(m);
    if (m->in->group == 0)
        return;
    rule(m, PREF_NOT_BY_WAN, "lo", NETLINK_LOOKUP, RT_TABLE_MAIN)->not_group =
        m->in->group;
    rule(m, PREF_OWN, "lo", NETLINK_LOOKUP, GATEWAY_PLAN_OWN);
}

static void family(struct making *m)
{
    const union ct_addr *w = first_w(m);

    route(m, GATEWAY_PLAN_IN, LAN, NULL);
    route(m, GATEWAY_PLAN_OUT, WAN, w);
    if (w != NULL)
        route(m, GATEWAY_PLAN_OWN, WAN, w);
    neighbours(m);
    rules_of_own(m, LAN);
    rules_of_own(m, WAN);
    for (unsigned i = 0; i < m->in->facts->device[WAN].n_addrs; i++)
        if ((w = address(m, WAN, i)) != NULL)
            rules_of_w(m, w);
    rules_of_devices(m);
}

void gateway_plan_make(const struct gateway_plan_input *in,
                       struct gateway_plan *out)
{
    struct making m = {.in = in, .out = out, .family = CT_IPV4};

    out->n = 0;
    family(&m);
    m.family = CT_IPV6;
    if (in->ipv6)
        family(&m);
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
    o.u.rule.pref = PREF_KERNELS_LOCAL;
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
           r->conditions == 0;
}
