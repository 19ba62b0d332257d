/* health.c - do packets get through the gateway's devices?
 *
 * The default route is not searched in a table, which may be of any size and is
 * only one of those that the host's rules ask: the kernel is asked where it
 * would send a packet of weir's to an address that has no route of its own. */
#include "gateway/health.h"

#include "kernel/netlink/device.h"
#include "kernel/netlink/route.h"
#include "system/addr.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { WAN = CONFIG_GATEWAY_WAN };

__attribute__((format(printf, 3, 4))) static void
set_finding(struct gateway_finding *f, enum health_level level, const char *fmt,
            ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(f->text, sizeof f->text, fmt, ap);
    va_end(ap);
    f->level = level;
}

/* ---- devices ---- */

static void find_missing(struct netlink *nl, const char *wanted,
                         const char *key, uint32_t index,
                         struct gateway_finding *f)
{
    struct netlink_device d;
    union ct_addr addr;
    uint8_t family, len;

    if (system_addr_prefix_or_one(wanted, &addr, &family, &len))
        set_finding(f, HEALTH_FAIL,
                    "no network device has the address or prefix %s "
                    "(%s)",
                    wanted, key);
    else if (index != 0 && netlink_device_find(nl, index, NULL, &d) == 0)
        set_finding(f, HEALTH_FAIL,
                    "device %s (%s) is called %s now: name it %s again, or "
                    "give %s the new name",
                    wanted, key, d.name, wanted, key);
    else
        set_finding(f, HEALTH_FAIL, "no network device is called %s (%s)",
                    wanted, key);
}

/* A bridge of the inside may have no port yet: that is no fault of the
 * router's. */
static void look_device(struct netlink *nl, const char *wanted, const char *key,
                        const struct config_facts_device *facts,
                        uint32_t *index, struct gateway_finding *f)
{
    struct netlink_device d;

    if (facts->index == 0 ||
        netlink_device_find(nl, facts->index, NULL, &d) < 0) {
        find_missing(nl, wanted, key, *index, f);
        return;
    }
    *index = d.index;
    if (!d.up)
        set_finding(f, HEALTH_FAIL,
                    "device %s (%s) is down; say: ip link set %s up", d.name,
                    facts->label, d.name);
    else if (!d.carrier)
        set_finding(
            f, facts->inside ? HEALTH_WARN : HEALTH_FAIL,
            "device %s (%s) has no carrier: look at its cable, or at what it "
            "is connected to",
            d.name, facts->label);
}

/* ---- addresses ---- */

static const union ct_addr *first(const struct config_facts_device *d,
                                  uint8_t family)
{
    for (unsigned i = 0; i < d->n_addrs; i++)
        if (d->addr[i].family == family)
            return &d->addr[i].addr;
    return NULL;
}

static void look_more(const struct config_facts_device *d,
                      struct gateway_finding *f)
{
    if (d->n_more > 0 && f->level == HEALTH_OK)
        set_finding(
            f, HEALTH_WARN,
            "device %s (%s) has %u addresses: the first %u are served, IPv4 "
            "before IPv6 and in the order of ip addr, the others are not",
            d->name, d->label, (unsigned)d->n_addrs + d->n_more, d->n_addrs);
}

static bool leads_anywhere(const struct config_facts *facts, uint32_t device)
{
    for (uint32_t i = 0; i < facts->n_routes; i++)
        if (facts->routes[i].device == device)
            return true;
    return false;
}

static bool inside_has_ipv4(const struct config_facts *facts)
{
    for (uint32_t i = 0; i < facts->n; i++)
        if (facts->device[i].inside && first(&facts->device[i], CT_IPV4))
            return true;
    return false;
}

static void look_outside(const struct config_facts *facts,
                         const struct config_facts_device *d, bool *ipv4,
                         struct gateway_finding *f)
{
    bool has = first(d, CT_IPV4) != NULL;

    if (d->n_addrs == 0)
        set_finding(f, HEALTH_FAIL,
                    "device %s (%s) has no address to translate to", d->name,
                    d->label);
    else if (!has && inside_has_ipv4(facts))
        set_finding(f, *ipv4 ? HEALTH_FAIL : HEALTH_WARN,
                    "device %s (%s) has no IPv4 address to translate to",
                    d->name, d->label);
    *ipv4 = *ipv4 || has;
}

static void look_addresses(const struct config_facts *facts,
                           struct gateway_health_memory *memory,
                           struct gateway_health *out)
{
    for (uint32_t i = 0; i < facts->n; i++) {
        const struct config_facts_device *d = &facts->device[i];
        struct gateway_finding *f = &out->address[i];

        if (d->index == 0)
            continue;
        if (!d->inside)
            look_outside(facts, d, &memory->ipv4[i], f);
        else if (d->n_addrs == 0 && !leads_anywhere(facts, i))
            set_finding(f, HEALTH_FAIL,
                        "device %s (%s) has neither an address nor a route",
                        d->name, d->label);
        look_more(d, f);
    }
}

/* ---- the route out ---- */

/* Of IPv4's class E, and of the part of 2000::/3 that is furthest from being
 * given out: only a default route leads to these. */
static const union ct_addr far[2] = {
    {.b = {240, 0, 0, 1}},
    {.b = {0x3f, 0xff, 0xff, 0xff, 0xff, 0xff, [15] = 1}},
};

struct back {
    uint32_t tun;
    bool leads;
};

static void compare_route(void *ctx, const struct netlink_route *route)
{
    struct back *b = ctx;

    b->leads = b->leads || (route->dst_len == 0 && route->index == b->tun);
}

/* Rules keep such a default route from being taken (plan.h), so asking
 * the kernel for the way does not show it. */
static bool leads_back(struct netlink *nl, uint8_t family, uint32_t tun)
{
    struct back b = {.tun = tun};

    (void)netlink_route_each(nl, family, RT_TABLE_MAIN, tun, compare_route, &b);
    return b.leads;
}

static bool is_outside(const struct config_facts *facts, uint32_t index)
{
    for (uint32_t i = 0; i < facts->n; i++)
        if (!facts->device[i].inside && facts->device[i].index == index)
            return index != 0;
    return false;
}

static bool is_outside_name(const struct config_facts *facts, const char *name)
{
    for (uint32_t i = 0; i < facts->n; i++)
        if (!facts->device[i].inside &&
            strcmp(facts->device[i].name, name) == 0)
            return true;
    return false;
}

static void look_route(struct netlink *nl, const struct config_facts *facts,
                       uint32_t tun_wan, uint8_t family,
                       struct gateway_health_memory *memory,
                       struct gateway_finding *f)
{
    const struct config_facts_device *wan = &facts->device[WAN];
    const union ct_addr *w = first(wan, family);
    enum health_level level = memory->route[family] ? HEALTH_FAIL : HEALTH_WARN;
    const char *name = family == CT_IPV4 ? "IPv4" : "IPv6";
    struct netlink_device d;
    uint32_t by = 0;

    if (w == NULL || tun_wan == 0 || f->level == HEALTH_FAIL)
        return;
    (void)netlink_route_find(nl, family, &far[family == CT_IPV6], w, tun_wan,
                             &by);
    if (by == 0 && leads_back(nl, family, tun_wan))
        by = tun_wan;
    if (is_outside(facts, by))
        memory->route[family] = true;
    else if (by == 0)
        set_finding(f, level, "there is no %s default route by device %s (wan)",
                    name, wan->name);
    else if (netlink_device_find(nl, by, NULL, &d) < 0 ||
             is_outside_name(facts, d.name))
        return; /* it has been made again, and facts will say so */
    else if (by == tun_wan)
        set_finding(
            f, HEALTH_FAIL,
            "the %s default route leads back into weir's own device %s; give "
            "it the right one: ip route replace default via GATEWAY dev %s",
            name, d.name, wan->name);
    else
        set_finding(
            f, level,
            "the %s default route leads by device %s, and not by %s (wan)",
            name, d.name, wan->name);
}

/* ---- other routes ---- */

enum { BACK = 16 };

struct backs {
    uint8_t device; /* whose TUN */
    uint32_t n, more;
    struct {
        struct netlink_route route;
        uint8_t device;
    } at[BACK];
};

/* The default route by wan's is another check's. */
static void on_tun_route(void *ctx, const struct netlink_route *route)
{
    struct backs *b = ctx;

    if (netlink_route_is_link_local(route) ||
        (route->dst_len == 0 && b->device == WAN))
        return;
    if (b->n == BACK) {
        b->more++;
        return;
    }
    b->at[b->n].route = *route;
    b->at[b->n++].device = b->device;
}

/* Another route of the same prefix may have the lower metric. */
static bool is_dead(struct netlink *nl, const struct config_facts *facts,
                    uint32_t tun_wan, const struct netlink_route *route)
{
    const union ct_addr *w = first(&facts->device[WAN], route->family);
    uint32_t by = 0;

    if (w != NULL && tun_wan != 0)
        (void)netlink_route_find(nl, route->family, &route->dst, w, tun_wan,
                                 &by);
    return by == 0;
}

static void find_backs(struct netlink *nl, const struct config_facts *facts,
                       const uint32_t tun[], const struct backs *b,
                       struct gateway_finding *f)
{
    char prefix[CONFIG_ADDR_TEXT], others[48] = "";
    uint32_t n = 0, shown = 0;

    for (uint32_t i = b->n; i-- > 0;)
        if (is_dead(nl, facts, tun[WAN], &b->at[i].route)) {
            shown = i;
            n++;
        }
    if (n == 0)
        return;
    if (n + b->more > 1)
        snprintf(others, sizeof others, " (and %u others)", n + b->more - 1);
    system_addr_text(&b->at[shown].route.dst, b->at[shown].route.family,
                     b->at[shown].route.dst_len, prefix);
    set_finding(
        f, HEALTH_WARN,
        "the route to %s%s leads back into weir's own device %s, so packets "
        "for it are dropped; say: ip route replace %s via GATEWAY dev %s",
        prefix, others, facts->device[b->at[shown].device].tun, prefix,
        facts->device[b->at[shown].device].name);
}

bool gateway_health_back(struct netlink *nl, const struct config_facts *facts,
                         const uint32_t tun[], struct gateway_finding *out)
{
    static const uint8_t families[2] = {CT_IPV4, CT_IPV6};
    struct backs b = {.n = 0};

    *out = (struct gateway_finding){.level = HEALTH_OK};
    for (uint32_t i = 0; i < facts->n; i++) {
        b.device = (uint8_t)i;
        if (tun[i] == 0)
            continue;
        for (int f = 0; f < 2; f++)
            if (netlink_route_each(nl, families[f], RT_TABLE_MAIN, tun[i],
                                   on_tun_route, &b) < 0)
                return false;
    }
    find_backs(nl, facts, tun, &b, out);
    return true;
}

void gateway_health_look(struct netlink *nl, const struct config_gateway *want,
                         const struct config_facts *facts, uint32_t tun_wan,
                         struct gateway_health_memory *memory,
                         struct gateway_health *out)
{
    memset(out, 0, sizeof *out);
    for (uint32_t i = 0; i < facts->n; i++) {
        char key[32];

        config_gateway_key(i, want->name[i], key);
        look_device(nl, want->device[i], key, &facts->device[i],
                    &memory->index[i], &out->device[i]);
    }
    look_addresses(facts, memory, out);
    if (facts->device[WAN].index == 0)
        return;
    look_route(nl, facts, tun_wan, CT_IPV4, memory, &out->route);
    look_route(nl, facts, tun_wan, CT_IPV6, memory, &out->route);
}
