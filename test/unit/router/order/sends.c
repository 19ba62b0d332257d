/* sends.c - all that weir orders is let through, and nothing that
 * differs from it
 *
 * In the place of order.c stands one that asks order_check() here. */
#include "gateway/guard/guard.h"
#include "gateway/plan.h"
#include "kernel/netlink/device.h"
#include "kernel/netlink/neigh.h"
#include "kernel/netlink/notrack.h"
#include "kernel/netlink/tc.h"
#include "order/check.h"
#include "order/route.h"
#include "system/order.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { LAN = 3, WAN, DMZ, TUNS, MORE = 3, PADDED = 8 };

static struct order_limits limits;
static struct order_devices devices;
static struct order sent, other;
static unsigned passed;

static bool passes(const struct order *order, size_t len)
{
    return order_check(&limits, &devices, order, len);
}

/* ---- what differs ---- */

static size_t aligned(const struct nlattr *a)
{
    return (a->nla_len + 3u) & ~(size_t)3;
}

/* A message in other.body from at on, behind len bytes, is one byte off. */
static void spoil_head(size_t at, size_t size, size_t len)
{
    const struct nlmsghdr *h = (const void *)(other.body + at);
    bool seq;

    for (size_t i = 0; i < sizeof *h + size; i++) {
        seq = i >= offsetof(struct nlmsghdr, nlmsg_seq) &&
              i < offsetof(struct nlmsghdr, nlmsg_pid);
        /* Whose proxy it is, is asked of the kernel. */
        if (seq || (h->nlmsg_type == RTM_DELNEIGH && i >= sizeof *h + 4 &&
                    i < sizeof *h + 8))
            continue;
        other.body[at + i] ^= (char)0x80;
        if (passes(&other, len))
            fail_msg("type %u: byte %zu may differ", h->nlmsg_type, i);
        other.body[at + i] ^= (char)0x80;
    }
}

/* The message at at without its attribute a, with extra bytes more there. */
static size_t copy_but(const struct order *from, size_t at, size_t len,
                       const struct nlattr *a, const void *in_place, size_t n)
{
    size_t begin = (size_t)((const char *)a - from->body);
    size_t behind = begin + aligned(a);
    struct nlmsghdr *h = (void *)(other.body + at);

    memcpy(&other, from, sizeof other);
    memcpy(other.body + begin, in_place, n);
    memcpy(other.body + begin + n, from->body + behind, len - behind);
    h->nlmsg_len = (uint32_t)(h->nlmsg_len + n - (behind - begin));
    return len + n - (behind - begin);
}

static void spoil_attribute(size_t at, size_t len, const struct nlattr *a)
{
    static _Alignas(8) char room[ORDER_BODY];
    struct nlattr *b = (void *)room;
    size_t n = aligned(a);
    uint16_t type = a->nla_type;

    if (n * 2 + len > ORDER_BODY)
        return;
    memset(room, 0, n * 2 + PADDED);
    memcpy(room, a, a->nla_len);
    memcpy(room + n, a, a->nla_len);
    if (passes(&other, copy_but(&sent, at, len, a, room, n * 2)))
        fail_msg("attribute %u may stand there twice", type);
    memset(room + n, 0, n);
    b->nla_len = (uint16_t)(b->nla_len + 4);
    if (passes(&other, copy_but(&sent, at, len, a, room, n + 4)))
        fail_msg("attribute %u may be longer", type);
    b->nla_len = a->nla_len;
    b->nla_type = 62;
    if (passes(&other, copy_but(&sent, at, len, a, room, n)))
        fail_msg("in the place of attribute %u another may stand", type);
}

static void spoil(size_t at, size_t size, size_t len)
{
    const struct nlmsghdr *h = (const void *)(sent.body + at);
    const struct nlattr *a;

    memcpy(&other, &sent, sizeof other);
    spoil_head(at, size, len);
    for (a = mnl_nlmsg_get_payload_offset(h, size);
         (const char *)a < (const char *)h + h->nlmsg_len; a = mnl_attr_next(a))
        spoil_attribute(at, len, a);
}

/* ---- in the place of order.c ---- */

bool system_order_given(void)
{
    return true;
}

static size_t head_of(uint16_t type)
{
    switch (type) {
    case RTM_NEWLINK:
        return sizeof(struct ifinfomsg);
    case RTM_NEWADDR:
        return 8;
    case RTM_SETNEIGHTBL:
        return 4;
    case RTM_NEWQDISC:
    case RTM_NEWTFILTER:
    case RTM_DELTFILTER:
        return sizeof(struct tcmsg);
    default:
        return sizeof(struct rtmsg);
    }
}

int system_order_route(const struct nlmsghdr *change)
{
    memset(&sent, 0, sizeof sent);
    sent.head.kind = ORDER_ROUTE;
    memcpy(sent.body, change, change->nlmsg_len);
    if (!passes(&sent, change->nlmsg_len))
        fail_msg("number %u, of type %u, is refused", passed,
                 change->nlmsg_type);
    spoil(0, head_of(change->nlmsg_type), change->nlmsg_len);
    passed++;
    return 0;
}

int system_order_nftables(const void *batch, size_t len)
{
    const struct nlmsghdr *h = (const void *)sent.body;
    int left = (int)len;

    memset(&sent, 0, sizeof sent);
    sent.head.kind = ORDER_NFTABLES;
    memcpy(sent.body, batch, len);
    if (!passes(&sent, len))
        fail_msg("a batch of %zu bytes is refused", len);
    for (; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left))
        spoil((size_t)((const char *)h - sent.body), sizeof(struct nfgenmsg),
              len);
    passed++;
    return 0;
}

int system_order_sysctl(const char *path, uint32_t value)
{
    (void)path;
    (void)value;
    return 0;
}

int system_order_attach(int fd, const char *name, int flags)
{
    (void)fd;
    (void)name;
    (void)flags;
    return 0;
}

int system_order_count(const char *counter, uint64_t *packets)
{
    (void)counter;
    *packets = 0;
    return 0;
}

int system_order_forward(const void *question, size_t len, void *found,
                         size_t room)
{
    (void)question;
    (void)len;
    memset(found, 0, room);
    return 0;
}

int system_order_clash(void *found, size_t room)
{
    memset(found, 0, room);
    return 0;
}

uint32_t system_order_port(void)
{
    return 1;
}

uint32_t system_order_tables_port(void)
{
    return 1;
}

/* ---- what weir sends ---- */

static const char *const names[] = {"eth0", "eth1", "eth2"};
static const char *const tuns[] = {"weir-lan", "weir-wan", "weir-dmz"};
static struct config_facts facts;
static struct config_facts_route routes[2];
static uint32_t tun_now[CONFIG_DEVICES];
static struct netlink *nl;

static void make_device(uint32_t i)
{
    struct config_facts_device *d = &facts.device[i];

    strcpy(d->name, names[i]);
    strcpy(d->tun, tuns[i]);
    strcpy(d->label, tuns[i] + strlen("weir-"));
    d->inside = i != 1;
    d->index = LAN + i;
    d->n_addrs = 2;
    d->addr[0].family = CT_IPV4;
    d->addr[0].len = 24;
    memcpy(d->addr[0].addr.b, (uint8_t[]){10, 0, (uint8_t)i, 1}, 4);
    d->addr[1].family = CT_IPV6;
    d->addr[1].len = 64;
    memcpy(d->addr[1].addr.b, (uint8_t[]){0x20, 1, 0xd, 0xb8, (uint8_t)i}, 5);
    tun_now[i] = TUNS + i;
    strcpy(limits.tun[i], tuns[i]);
    strcpy(limits.device[i], names[i]);
    devices.tun[i] = TUNS + i;
    devices.known[i] = (struct order_device){.index = LAN + i, .beside = i};
    strcpy(devices.known[i].name, names[i]);
}

static int begin(void **state)
{
    (void)state;
    memset(&facts, 0, sizeof facts);
    memset(&devices, 0, sizeof devices);
    limits = (struct order_limits){.gateway = true, .n_tuns = MORE};
    facts.n = devices.n_known = MORE;
    for (uint32_t i = 0; i < MORE; i++)
        make_device(i);
    routes[0] = (struct config_facts_route){.family = CT_IPV4, .len = 24};
    memcpy(routes[0].addr.b, (uint8_t[]){10, 0, 0, 0}, 4);
    routes[1] = (struct config_facts_route){.family = CT_IPV6, .len = 64};
    memcpy(routes[1].addr.b, (uint8_t[]){0x20, 1, 0xd, 0xb8}, 4);
    facts.routes = routes;
    facts.n_routes = 2;
    passed = 0;
    return netlink_open(&nl);
}

static int end(void **state)
{
    (void)state;
    netlink_close(nl);
    return 0;
}

static void put_and_delete(const struct gateway_object *o)
{
    switch (o->kind) {
    case GATEWAY_ROUTE:
        (void)netlink_route_put(nl, &o->u.route);
        (void)netlink_route_delete(nl, &o->u.route);
        break;
    case GATEWAY_NEIGH:
        (void)netlink_neigh_put(nl, &o->u.neigh);
        (void)netlink_neigh_delete(nl, &o->u.neigh);
        break;
    case GATEWAY_RULE:
        (void)netlink_rule_put(nl, &o->u.rule);
        (void)netlink_rule_append(nl, &o->u.rule);
        (void)netlink_rule_delete(nl, &o->u.rule);
        break;
    }
}

static void plans(void **state)
{
    static struct gateway_plan plan;
    struct gateway_plan_input in = {.facts = &facts,
                                    .tun_ipv6 = {true, true, true},
                                    .ipv6 = true,
                                    .marked = true,
                                    .group = GATEWAY_PLAN_GROUP};

    (void)state;
    memcpy(in.tun, tun_now, sizeof in.tun);
    gateway_plan_make(&in, &plan);
    assert_in_range(plan.n, 50, GATEWAY_PLAN_MAX);
    for (uint32_t i = 0; i < plan.n; i++)
        put_and_delete(&plan.object[i]);
    assert_in_range(passed, plan.n * 2, plan.n * 3);
}

static void kernels_rule(void **state)
{
    struct gateway_object o = gateway_plan_kernels_local(CT_IPV6);

    (void)state;
    put_and_delete(&o);
    assert_int_equal(passed, 3);
}

static void devices_change(void **state)
{
    static const union ct_addr dummy = {.b = {192, 0, 0, 8}};

    (void)state;
    (void)netlink_start(nl, TUNS, 1500);
    (void)netlink_queue(nl, TUNS, 1000);
    (void)netlink_address(nl, TUNS, CT_IPV4, &dummy, 32, true);
    (void)netlink_device_group(nl, TUNS, GATEWAY_PLAN_TUNS);
    (void)netlink_device_group(nl, WAN, GATEWAY_PLAN_GROUP);
    for (int i = 0; i < NETLINK_N_INET; i++)
        (void)netlink_device_set(nl, TUNS, (enum netlink_device_inet)i, 1);
    (void)netlink_device_set(nl, WAN, NETLINK_FORWARDING, 1);
    (void)netlink_device_set(nl, WAN, NETLINK_RP_FILTER, 2);
    (void)netlink_device_set(nl, WAN, NETLINK_VALID_MARK, 1);
    (void)netlink_neigh_set_delay(nl, CT_IPV4, LAN, 0);
    (void)netlink_neigh_set_delay(nl, CT_IPV6, LAN, 0);
    assert_int_equal(passed, 6 + NETLINK_N_INET + 3 + 2);
}

/* One list becomes a set of ranges, one port a range. */
static void put_input(struct gateway_guard *guard)
{
    static struct ct_addr_range src[] = {
        {{.b = {10, 0, 0, 1}}, {.b = {10, 0, 0, 9}}},
        {{.b = {10, 7, 0, 0}}, {.b = {10, 7, 255, 255}}}};
    static struct ct_number_range port = {53, 60};
    static struct ct_rule rule = {
        .action = CT_ACT_DROP,
        .match = {.src = {.present = true, .v4 = src, .n_v4 = 2},
                  .dport = {.r = &port, .n = 1}}};
    static struct ct_ruleset rules = {.rules = &rule, .n = 1};

    rules.policy[CT_INPUT] = CT_DROP;
    for (unsigned i = CT_STAGE_FILTER + 1;
         i < sizeof rules.start[CT_INPUT] / sizeof **rules.start; i++)
        rules.start[CT_INPUT][i] = 1;
    gateway_guard_rules(guard, &facts, &rules);
}

static void tables(void **state)
{
    struct netlink_notrack what = {.in = {LAN, TUNS}, .out = TUNS};
    struct gateway_guard *guard;
    bool marks;

    (void)state;
    assert_int_equal(gateway_guard_open(&guard), 0);
    for (int again = 0; again < 2; again++) {
        gateway_guard_again(guard);
        assert_int_equal(gateway_guard_put(guard, nl, &facts, tun_now, &marks),
                         0);
        assert_true(marks);
    }
    put_input(guard);
    gateway_guard_notrack(guard, &what);
    gateway_guard_notrack(guard, NULL);
    gateway_guard_remove(guard);
    gateway_guard_close(guard);
    assert_in_range(passed, 3 * MORE + 8, UINT32_MAX);
}

/* Without gateway mode: the address that the configuration gives. */
static void address(void **state)
{
    static const union ct_addr its = {.b = {0x20, 1, 0xd, 0xb8, [15] = 1}};

    (void)state;
    limits.gateway = false;
    limits.address[1] = (struct order_address){true, CT_IPV6, 64, its};
    (void)netlink_address(nl, TUNS + 1, CT_IPV6, &its, 64, false);
    (void)netlink_start(nl, TUNS, 1500);
    assert_int_equal(passed, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(plans, begin, end),
        cmocka_unit_test_setup_teardown(kernels_rule, begin, end),
        cmocka_unit_test_setup_teardown(devices_change, begin, end),
        cmocka_unit_test_setup_teardown(tables, begin, end),
        cmocka_unit_test_setup_teardown(address, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
