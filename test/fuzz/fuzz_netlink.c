/* fuzz_netlink.c - libFuzzer: whatever the kernel says, gateway mode reads
 * nothing that was not said, ends, and orders nothing that it may not
 *
 * The input is what the kernel answers, from the first look at the devices to
 * the last thing that is given back. */
#include "fuzz_kernel.h"
#include "gateway/gateway.h"
#include "kernel/netlink/forward.h"
#include "kernel/netlink/neigh.h"
#include "kernel/netlink/nftables.h"
#include "kernel/netlink/route.h"
#include "kernel/netlink/rule.h"
#include "kernel/netlink/sockets.h"
#include "order/check.h"
#include "order/route.h"
#include "system/log.h"

#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

enum { LAN, WAN, TUN_LAN = 40, TUN_WAN, ROUNDS = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct order_limits limits = {
    .gateway = true, .n_tuns = 2, .tun = {"weir-lan", "weir-wan"}};

static const struct order_devices devices = {.tun = {TUN_LAN, TUN_WAN}};

/* What names weir's own alone.  Which devices are the gateway's is what this
 * kernel says, so that orders about those are not judged here. */
static bool is_order(const struct nlmsghdr *h, int bus)
{
    if (bus == NETLINK_ROUTE)
        return h->nlmsg_type == RTM_NEWROUTE || h->nlmsg_type == RTM_DELROUTE ||
               h->nlmsg_type == RTM_DELRULE;
    return bus == NETLINK_NETFILTER && h->nlmsg_type == NFNL_MSG_BATCH_BEGIN;
}

/* By the rules of the process that carries them out; one of others' rules may
 * be moved. */
static void judge_order(int bus, const void *bytes, size_t len)
{
    static struct order order;
    uint32_t pref;

    if (!is_order(bytes, bus))
        return;
    if (len > sizeof order.body)
        abort();
    order.head.kind = bus == NETLINK_ROUTE ? ORDER_ROUTE : ORDER_NFTABLES;
    memcpy(order.body, bytes, len);
    if (!order_check(&limits, &devices, &order, len) &&
        !(bus == NETLINK_ROUTE &&
          order_route_is_move((const void *)order.body, len, &pref)))
        abort();
}

static void judge_device(const struct config_facts_device *d)
{
    if (memchr(d->name, 0, sizeof d->name) == NULL ||
        d->n_addrs > CONFIG_ADDRS || (d->index == 0 && d->n_addrs > 0))
        abort();
    for (unsigned i = 0; i < d->n_addrs; i++)
        if ((d->addr[i].family != CT_IPV4 && d->addr[i].family != CT_IPV6) ||
            d->addr[i].len > (d->addr[i].family == CT_IPV4 ? 32 : 128))
            abort();
}

static void judge_facts(const struct config_facts *f)
{
    judge_device(&f->device[LAN]);
    judge_device(&f->device[WAN]);
    for (uint32_t i = 0; i < f->n_routes; i++) {
        const struct config_facts_route *r = &f->routes[i];

        if ((r->family != CT_IPV4 && r->family != CT_IPV6) ||
            r->len > (r->family == CT_IPV4 ? 32 : 128))
            abort();
    }
    if (!gateway_facts_equal(f, f))
        abort();
}

static void judge_finding(const struct gateway_finding *f)
{
    if (memchr(f->text, 0, sizeof f->text) == NULL ||
        (f->level == HEALTH_OK) != (f->text[0] == '\0'))
        abort();
}

static void judge_health(const struct gateway_health *h)
{
    for (int i = 0; i < CONFIG_DEVICES; i++) {
        judge_finding(&h->device[i]);
        judge_finding(&h->address[i]);
    }
    judge_finding(&h->route);
    judge_finding(&h->forward);
}

static void live(struct gateway *gw)
{
    struct config_facts facts;
    struct gateway_health health;
    char err[256] = "";

    for (int i = 0; i < ROUNDS; i++) {
        (void)gateway_drain(gw);
        if (gateway_look(gw, &facts, err) < 0) {
            if (err[0] == '\0')
                abort();
            continue;
        }
        judge_facts(&facts);
        const uint32_t tun[CONFIG_DEVICES] = {TUN_LAN, i == 1 ? 0 : TUN_WAN};

        if (gateway_sync(gw, &facts, tun, err) < 0 && err[0] == '\0')
            abort();
        memset(&health, 0, sizeof health);
        gateway_check(gw, &facts, &health);
        judge_health(&health);
        (void)gateway_tend(gw);
        gateway_facts_free(&facts);
        if (fuzz_kernel_is_used_up())
            break;
    }
}

/* ---- single questions ---- */

static void take_socket(void *ctx, const struct netlink_socket *s)
{
    *(uint32_t *)ctx +=
        (uint32_t)s->port + s->peer_port + s->addr.b[15] + s->peer.b[15];
}

static void look_at_sockets(void)
{
    struct netlink *nl;
    uint32_t sum = 0;

    if (netlink_sockets_open(&nl) != 0)
        abort();
    (void)netlink_sockets_each(nl, CT_IPV4, true, NETLINK_SOCKETS_ALL,
                               take_socket, &sum);
    netlink_close(nl);
}

static void look_at_forwarding(void)
{
    struct netlink_forward_question q = {.ipv6 = 1};
    struct netlink_forward_found found;

    for (int i = 0; i < NETLINK_FORWARD_WAYS; i++) {
        strcpy(q.way[i].in, i % 2 ? "eth1" : "eth0");
        strcpy(q.way[i].out, i % 2 ? "eth0" : "eth1");
        q.way[i].in_index = 2u + i % 2;
        q.way[i].out_index = 3u - i % 2;
        q.way[i].answers = i % 2;
    }
    if (netlink_forward_look(&q, &found) == 0 &&
        (memchr(found.table, 0, sizeof found.table) == NULL ||
         memchr(found.chain, 0, sizeof found.chain) == NULL ||
         found.verdict > NETLINK_FORWARD_DROPS))
        abort();
}

static void move_rule(void *ctx, const struct netlink_rule *rule,
                      const struct netlink_rule_told *told)
{
    struct netlink_rule_told *first = ctx;

    (void)rule;
    if (told->len > sizeof told->bytes)
        abort();
    if (first->len == 0)
        *first = *told;
}

static void look_at_rules(struct netlink *nl)
{
    struct netlink_rule_told told = {.len = 0};
    uint32_t n;

    (void)netlink_rule_each(nl, CT_IPV4, move_rule, &told);
    if (told.len == 0)
        return;
    (void)netlink_rule_count(nl, (const void *)told.bytes, &n, &n);
    (void)netlink_rule_move(nl, &told, 7);
}

static void look_aside(uint8_t at)
{
    const union ct_addr any = {.w32 = {0}};
    struct netlink_link link;
    struct netlink *nl;
    uint64_t packets;
    uint32_t index;

    if (netlink_open(&nl) != 0)
        abort();
    switch (at % 6) {
    case 0:
        look_at_sockets();
        break;
    case 1:
        look_at_forwarding();
        break;
    case 2:
        (void)netlink_link(nl, "weir-lan", &link);
        break;
    case 3:
        (void)netlink_neigh_delay(nl, CT_IPV4, 3, &index);
        break;
    case 4:
        (void)netlink_nftables_count("leaks", &packets);
        (void)netlink_route_find(nl, CT_IPV4, &any, &any, 3, &index);
        break;
    default:
        look_at_rules(nl);
    }
    netlink_close(nl);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config_gateway want = {.set = true,
                                  .n = 2,
                                  .name = {"lan", "wan", "more"},
                                  .inside = {true},
                                  .device = {"eth0", "eth1", "eth2"}};
    struct gateway *gw;
    char err[256] = "";
    uint8_t how;

    netlink_nftables_close(); /* the input before has it open */
    fuzz_kernel_begin(data, size);
    fuzz_kernel_sent = judge_order;
    log_setup(LOG_L_ERROR, false);
    how = fuzz_kernel_byte();
    want.wait = how & 1;
    want.notrack = how & 2;
    want.n += (how & 16) != 0;
    want.inside[2] = how & 32;
    if (how & 4)
        strcpy(want.device[WAN], "203.0.113.0/24");
    if (how & 8)
        strcpy(want.device[LAN], "fd00::/8");
    if (how >= 128)
        look_aside(how >> 4);
    else if (gateway_open(&gw, &want, NULL, err) == 0) {
        live(gw);
        gateway_close(gw);
    } else if (err[0] == '\0') {
        abort();
    }
    return 0;
}
