/* gateway_health.c - do packets get through the gateway's two devices?
 *
 * The default route is not searched in a table, which may be of any size and is
 * only one of those that the host's rules ask: the kernel is asked where it
 * would send a packet of weir's to an address that has no route of its own. */
#include "gateway_health.h"

#include "config_addr.h"
#include "netlink_device.h"
#include "netlink_route.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LAN, WAN };

static const char *const sides[2] = {"lan", "wan"};

__attribute__((format(printf, 3, 4))) static void
find(struct gateway_finding *f, enum health_level level, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(f->text, sizeof f->text, fmt, ap);
    va_end(ap);
    f->level = level;
}

/* ---- devices ---- */

static void find_missing(struct netlink *nl, const char *wanted, int side,
                         uint32_t index, struct gateway_finding *f)
{
    struct netlink_device d;
    union ct_addr addr;
    uint8_t family, len;

    if (config_addr_prefix_or_one(wanted, &addr, &family, &len))
        find(f, HEALTH_FAIL,
             "no network device has the address or prefix %s "
             "(gateway.%s)",
             wanted, sides[side]);
    else if (index != 0 && netlink_device_find(nl, index, NULL, &d) == 0)
        find(f, HEALTH_FAIL,
             "device %s (gateway.%s) is called %s now: name it %s again, or "
             "give gateway.%s the new name",
             wanted, sides[side], d.name, wanted, sides[side]);
    else
        find(f, HEALTH_FAIL, "no network device is called %s (gateway.%s)",
             wanted, sides[side]);
}

/* A bridge of the inside may have no port yet: that is no fault of the
 * router's. */
static void look_device(struct netlink *nl, const char *wanted, int side,
                        const struct config_facts_device *facts,
                        uint32_t *index, struct gateway_finding *f)
{
    struct netlink_device d;

    if (facts->index == 0 ||
        netlink_device_find(nl, facts->index, NULL, &d) < 0) {
        find_missing(nl, wanted, side, *index, f);
        return;
    }
    *index = d.index;
    if (!d.up)
        find(f, HEALTH_FAIL, "device %s (%s) is down; say: ip link set %s up",
             d.name, sides[side], d.name);
    else if (!d.carrier)
        find(f, side == WAN ? HEALTH_FAIL : HEALTH_WARN,
             "device %s (%s) has no carrier: look at its cable, or at what it "
             "is connected to",
             d.name, sides[side]);
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

static void look_more(const struct config_facts_device *d, int side,
                      struct gateway_finding *f)
{
    if (d->n_more > 0 && f->level == HEALTH_OK)
        find(f, HEALTH_WARN,
             "device %s (%s) has %u addresses: the first %u are served, IPv4 "
             "before IPv6 and in the order of ip addr, the others are not",
             d->name, sides[side], (unsigned)d->n_addrs + d->n_more,
             d->n_addrs);
}

static void look_addresses(const struct config_facts *facts,
                           struct gateway_health_memory *memory,
                           struct gateway_health *out)
{
    const struct config_facts_device *lan = &facts->device[LAN];
    const struct config_facts_device *wan = &facts->device[WAN];

    if (lan->index != 0 && lan->n_addrs == 0 && facts->n_routes == 0)
        find(&out->address[LAN], HEALTH_FAIL,
             "device %s (lan) has neither an address nor a route", lan->name);
    look_more(lan, LAN, &out->address[LAN]);
    if (wan->index == 0)
        return;
    if (wan->n_addrs == 0)
        find(&out->address[WAN], HEALTH_FAIL,
             "device %s (wan) has no address to translate to", wan->name);
    else if (first(wan, CT_IPV4) == NULL && first(lan, CT_IPV4) != NULL)
        find(&out->address[WAN], memory->ipv4 ? HEALTH_FAIL : HEALTH_WARN,
             "device %s (wan) has no IPv4 address to translate to", wan->name);
    memory->ipv4 = memory->ipv4 || first(wan, CT_IPV4) != NULL;
    look_more(wan, WAN, &out->address[WAN]);
}

/* ---- the route out ---- */

/* Of IPv4's class E, and of the part of 2000::/3 that is furthest from being
 * given out: nobody has a route of their own for these. */
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

/* Rules keep such a default route from being taken (gateway_plan.h), so asking
 * the kernel for the way does not show it. */
static bool leads_back(struct netlink *nl, uint8_t family, uint32_t tun)
{
    struct back b = {.tun = tun};

    (void)netlink_route_each(nl, family, RT_TABLE_MAIN, tun, compare_route, &b);
    return b.leads;
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
    if (by == wan->index)
        memory->route[family] = true;
    else if (by == 0)
        find(f, level, "there is no %s default route by device %s (wan)", name,
             wan->name);
    else if (netlink_device_find(nl, by, NULL, &d) < 0)
        return;
    else if (by == tun_wan)
        find(f, HEALTH_FAIL,
             "the %s default route leads back into weir's own device %s; give "
             "it the right one: ip route replace default via GATEWAY dev %s",
             name, d.name, wan->name);
    else
        find(f, level,
             "the %s default route leads by device %s, and not by %s (wan)",
             name, d.name, wan->name);
}

void gateway_health_look(struct netlink *nl, const struct config_gateway *want,
                         const struct config_facts *facts, uint32_t tun_wan,
                         struct gateway_health_memory *memory,
                         struct gateway_health *out)
{
    memset(out, 0, sizeof *out);
    for (int i = LAN; i <= WAN; i++)
        look_device(nl, want->device[i], i, &facts->device[i],
                    &memory->index[i], &out->device[i]);
    look_addresses(facts, memory, out);
    if (facts->device[WAN].index == 0)
        return;
    look_route(nl, facts, tun_wan, CT_IPV4, memory, &out->route);
    look_route(nl, facts, tun_wan, CT_IPV6, memory, &out->route);
}
