/* test_order_check.c - what the privileged process does, and what it refuses,
 * to whoever orders it */
#include "order_check.h"

#include "gateway_plan.h"
#include "netlink_forward.h"

#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

enum { TUN = 7, OTHER = 2 };

static const uint32_t index_now[CT_MAX_IFACES] = {TUN};
static struct order_limits limits;
static struct order order;
static size_t len;

static bool passes(void)
{
    return order_check(&limits, index_now, &order, len);
}

static int begin_limits(void **state)
{
    (void)state;
    limits = (struct order_limits){.gateway = true, .n_tuns = 1};
    strcpy(limits.tun[0], "weir-lan");
    return 0;
}

/* ---- rtnetlink ---- */

static struct nlmsghdr *message(uint16_t type, const void *header, size_t size)
{
    struct nlmsghdr *h;

    memset(&order, 0, sizeof order);
    order.head.kind = ORDER_ROUTE;
    h = mnl_nlmsg_put_header(order.body);
    h->nlmsg_type = type;
    h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    memcpy(mnl_nlmsg_put_extra_header(h, size), header, size);
    return h;
}

static bool route_passes(const struct nlmsghdr *h)
{
    len = h->nlmsg_len;
    return passes();
}

static bool rule_passes(uint16_t type, uint32_t pref, uint32_t table,
                        uint8_t protocol, uint8_t src_len)
{
    struct fib_rule_hdr m = {
        .family = AF_INET, .action = FR_ACT_TO_TBL, .src_len = src_len};
    struct nlmsghdr *h = message(type, &m, sizeof m);

    mnl_attr_put_u32(h, FRA_PRIORITY, pref);
    mnl_attr_put_u32(h, FRA_TABLE, table);
    mnl_attr_put_u8(h, FRA_PROTOCOL, protocol);
    return route_passes(h);
}

static void rules(void **state)
{
    const uint16_t both[] = {RTM_NEWRULE, RTM_DELRULE};
    struct fib_rule_hdr m = {.family = AF_INET};
    struct nlmsghdr *h;

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_true(rule_passes(both[i], 7, GATEWAY_PLAN_IN,
                                GATEWAY_PLAN_PROTOCOL, 32));
        assert_true(rule_passes(both[i], 0, RT_TABLE_LOCAL, 2, 0));
        assert_true(rule_passes(both[i], 0, RT_TABLE_LOCAL, 0, 0));
        assert_false(rule_passes(both[i], 0, RT_TABLE_MAIN, 2, 0));
        assert_false(rule_passes(both[i], 0, RT_TABLE_LOCAL, 2, 8));
        assert_false(rule_passes(both[i], 9, RT_TABLE_LOCAL, 2, 0));
        assert_false(rule_passes(both[i], 100, 100, 4, 32));
        limits.gateway = false;
        assert_false(rule_passes(both[i], 7, GATEWAY_PLAN_IN,
                                 GATEWAY_PLAN_PROTOCOL, 32));
        limits.gateway = true;
    }
    /* The kernel takes the last of two. */
    h = message(RTM_NEWRULE, &m, sizeof m);
    mnl_attr_put_u8(h, FRA_PROTOCOL, GATEWAY_PLAN_PROTOCOL);
    mnl_attr_put_u8(h, FRA_PROTOCOL, 4);
    assert_false(route_passes(h));
    h = message(RTM_DELRULE, &m, sizeof m); /* all of a family's */
    assert_false(route_passes(h));
}

static bool kernel_route_passes(uint32_t table, uint8_t protocol)
{
    struct rtmsg m = {.rtm_family = AF_INET, .rtm_protocol = protocol};
    struct nlmsghdr *h = message(RTM_NEWROUTE, &m, sizeof m);

    mnl_attr_put_u32(h, RTA_TABLE, table);
    return route_passes(h);
}

static void routes_and_neighbours(void **state)
{
    struct ndmsg near = {.ndm_family = AF_INET, .ndm_flags = NTF_PROXY};
    struct ndtmsg cache = {.ndtm_family = AF_INET};
    struct nlattr *nest;
    struct nlmsghdr *h;

    (void)state;
    assert_true(kernel_route_passes(GATEWAY_PLAN_OUT, GATEWAY_PLAN_PROTOCOL));
    assert_false(kernel_route_passes(GATEWAY_PLAN_OUT, RTPROT_STATIC));
    assert_false(kernel_route_passes(RT_TABLE_MAIN, GATEWAY_PLAN_PROTOCOL));
    assert_true(route_passes(message(RTM_NEWNEIGH, &near, sizeof near)));
    near.ndm_flags = 0; /* a static one: another's address is mine */
    assert_false(route_passes(message(RTM_NEWNEIGH, &near, sizeof near)));
    for (int wrong = 0; wrong < 3; wrong++) {
        h = message(RTM_SETNEIGHTBL, &cache, sizeof cache);
        mnl_attr_put_strz(h, NDTA_NAME, "arp_cache");
        if (wrong == 1)
            mnl_attr_put_u32(h, NDTA_THRESH3, 1);
        nest = mnl_attr_nest_start(h, NDTA_PARMS);
        if (wrong != 2) /* without it: the whole table's */
            mnl_attr_put_u32(h, NDTPA_IFINDEX, OTHER);
        mnl_attr_put_u64(h, NDTPA_PROXY_DELAY, 0);
        mnl_attr_nest_end(h, nest);
        assert_int_equal(route_passes(h), !wrong);
    }
    near.ndm_flags = NTF_PROXY;
    assert_false(route_passes(message(RTM_GETNEIGH, &near, sizeof near)));
    assert_false(route_passes(message(RTM_NEWTFILTER, &near, sizeof near)));
    assert_false(route_passes(message(RTM_DELLINK, &near, sizeof near)));
}

static bool link_passes(int device, unsigned flags, unsigned change,
                        uint16_t attribute, uint16_t more)
{
    struct ifinfomsg m = {
        .ifi_index = device, .ifi_flags = flags, .ifi_change = change};
    struct nlmsghdr *h = message(RTM_NEWLINK, &m, sizeof m);

    h->nlmsg_flags |= more;
    mnl_attr_put_u32(h, attribute, 1400);
    return route_passes(h);
}

static void links(void **state)
{
    struct ifaddrmsg m = {.ifa_family = AF_INET, .ifa_index = TUN};

    (void)state;
    assert_true(link_passes(TUN, IFF_UP, IFF_UP, IFLA_MTU, 0));
    assert_true(link_passes(TUN, 0, 0, IFLA_TXQLEN, 0));
    assert_true(link_passes(OTHER, 0, 0, IFLA_GROUP, 0));
    assert_false(link_passes(OTHER, 0, 0, IFLA_MTU, 0));
    assert_false(link_passes(OTHER, 0, IFF_UP, IFLA_GROUP, 0));
    assert_false(link_passes(OTHER, IFF_PROMISC, 0, IFLA_GROUP, 0));
    assert_false(link_passes(TUN, IFF_PROMISC, IFF_PROMISC, IFLA_MTU, 0));
    assert_false(link_passes(TUN, 0, 0, IFLA_MTU, NLM_F_CREATE));
    assert_false(link_passes(TUN, 0, 0, IFLA_IFNAME, 0));
    assert_false(link_passes(TUN, 0, 0, IFLA_NET_NS_FD, 0));
    assert_false(link_passes(0, 0, 0, IFLA_GROUP, 0)); /* found by name */
    assert_true(route_passes(message(RTM_NEWADDR, &m, sizeof m)));
    m.ifa_index = OTHER;
    assert_false(route_passes(message(RTM_NEWADDR, &m, sizeof m)));
    limits.gateway = false;
    assert_false(link_passes(OTHER, 0, 0, IFLA_GROUP, 0));
    assert_true(link_passes(TUN, IFF_UP, IFF_UP, IFLA_MTU, 0));
}

/* Whatever its length says, nothing behind the bytes that came is believed. */
static void lengths(void **state)
{
    struct fib_rule_hdr m = {.family = AF_INET};
    struct nlmsghdr *h = message(RTM_NEWRULE, &m, sizeof m);
    size_t whole;

    (void)state;
    mnl_attr_put_u8(h, FRA_PROTOCOL, GATEWAY_PLAN_PROTOCOL);
    whole = h->nlmsg_len;
    for (len = 0; len <= whole; len++)
        assert_int_equal(passes(), len == whole);
    for (len = 0; len + 3 < whole; len++) { /* its last three are padding */
        h->nlmsg_len = (uint32_t)len;
        assert_false(passes());
    }
}

/* ---- nf_tables ---- */

static void put(uint16_t type, uint16_t flags, const char *table)
{
    struct nlmsghdr *h = mnl_nlmsg_put_header(order.body + len);

    h->nlmsg_type = type;
    h->nlmsg_flags = NLM_F_REQUEST | flags;
    mnl_nlmsg_put_extra_header(h, sizeof(struct nfgenmsg));
    if (table != NULL)
        mnl_attr_put_strz(h, NFTA_TABLE_NAME, table);
    len += h->nlmsg_len;
}

static bool batch_passes(uint16_t type, const char *table)
{
    memset(&order, 0, sizeof order);
    order.head.kind = ORDER_NFTABLES;
    len = 0;
    put(NFNL_MSG_BATCH_BEGIN, 0, NULL);
    put((uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE), 0,
        "weir_notrack");
    put(type, 0, table);
    put(NFNL_MSG_BATCH_END, 0, NULL);
    return passes();
}

static void tables(void **state)
{
    const uint16_t nft = NFNL_SUBSYS_NFTABLES << 8;

    (void)state;
    assert_true(batch_passes(nft | NFT_MSG_NEWRULE, "weir_notrack"));
    assert_true(batch_passes(nft | NFT_MSG_DELRULE, "weir"));
    assert_true(batch_passes(nft | NFT_MSG_DELSETELEM, "weir"));
    assert_false(batch_passes(nft | NFT_MSG_DELRULE, "filter"));
    assert_false(batch_passes(nft | NFT_MSG_DELRULE, NULL));
    assert_false(batch_passes(nft | NFT_MSG_DELSETELEM, "filter"));
    assert_false(batch_passes(nft | NFT_MSG_DELTABLE, "filter"));
    assert_false(batch_passes(nft | NFT_MSG_DELTABLE, NULL)); /* all */
    assert_false(batch_passes(nft | NFT_MSG_DELTABLE, "wei"));
    assert_false(batch_passes(NFNL_SUBSYS_IPSET << 8, "weir_notrack"));
    assert_false(batch_passes(nft | NFT_MSG_DELFLOWTABLE, "weir_notrack"));
    assert_true(batch_passes(nft | NFT_MSG_DELTABLE, "weir_notrack"));
    len--; /* the last is cut */
    assert_false(passes());
    limits.gateway = false;
    assert_false(batch_passes(nft | NFT_MSG_NEWRULE, "weir_notrack"));
}

/* The kernel takes the table of that handle, whatever its name is. */
static void table_handles(void **state)
{
    struct nlmsghdr *h;

    (void)state;
    memset(&order, 0, sizeof order);
    order.head.kind = ORDER_NFTABLES;
    len = 0;
    put(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELTABLE, 0, "weir_notrack");
    assert_true(passes());
    h = (void *)order.body;
    mnl_attr_put_u64(h, NFTA_TABLE_HANDLE, 1);
    len = h->nlmsg_len;
    assert_false(passes());
}

/* What libmnl takes for a negative one. */
static void batch_of_huge_length(void **state)
{
    struct nlmsghdr *h = (void *)order.body;

    (void)state;
    memset(&order, 0, sizeof order);
    order.head.kind = ORDER_NFTABLES;
    len = 0;
    put(NFNL_MSG_BATCH_BEGIN, 0, NULL);
    h->nlmsg_len = 0x80001000;
    assert_false(passes());
}

/* ---- the rest ---- */

static bool named(enum order_kind kind, const char *name, uint32_t value)
{
    memset(&order, 0, sizeof order);
    order.head.kind = kind;
    order.head.value = value;
    len = 0;
    (void)snprintf(order.head.name, sizeof order.head.name, "%s", name);
    return passes();
}

static void settings(void **state)
{
    static const char *const good[] = {
        "net/ipv4/ip_early_demux",
        "net/ipv6/conf/all/forwarding",
        "net/ipv6/conf/eth0/accept_ra",
        "net/ipv4/conf/eth0.100/forwarding",
    };
    static const char *const bad[] = {
        "",
        "net/ipv4/ip_forward/",
        "net/ipv4/ip_local_port_range",
        "kernel/core_pattern",
        "net/ipv6/conf/../../../kernel/yama/accept_ra",
        "net/ipv6/conf/../accept_ra",
        "net/ipv6/conf//accept_ra",
        "net/ipv6/conf/all/accept_ra",
        "net/ipv4/conf/default/forwarding",
        "../kernel/core_pattern",
    };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(named(ORDER_SYSCTL, good[i], 1));
        assert_false(named(ORDER_SYSCTL, good[i], 3));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(named(ORDER_SYSCTL, bad[i], 1));
    memset(order.head.name, 'a', sizeof order.head.name); /* without an end */
    assert_false(passes());
}

static void questions(void **state)
{
    (void)state;
    memset(&order, 0, sizeof order);
    order.head.kind = ORDER_FORWARD;
    len = sizeof(struct netlink_forward_question);
    assert_true(passes());
    len--;
    assert_false(passes());
    len++;
    limits.gateway = false;
    assert_false(passes());
}

static void devices(void **state)
{
    (void)state;
    assert_true(named(ORDER_ATTACH, "weir-lan", 0));
    assert_false(named(ORDER_ATTACH, "tun0", 0));
    assert_false(named(ORDER_ATTACH, "", 0));
    assert_false(named(ORDER_ATTACH, "weir-dmz", 0));
    strcpy(limits.tun[limits.n_tuns++], "weir-dmz"); /* a further device's */
    assert_true(named(ORDER_ATTACH, "weir-dmz", 0));
    assert_false(named(ORDER_ATTACH, "weir-dm", 0));
    assert_false(named((enum order_kind)99, "weir-lan", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(rules, begin_limits),
        cmocka_unit_test_setup(routes_and_neighbours, begin_limits),
        cmocka_unit_test_setup(links, begin_limits),
        cmocka_unit_test_setup(lengths, begin_limits),
        cmocka_unit_test_setup(tables, begin_limits),
        cmocka_unit_test_setup(table_handles, begin_limits),
        cmocka_unit_test_setup(batch_of_huge_length, begin_limits),
        cmocka_unit_test_setup(settings, begin_limits),
        cmocka_unit_test_setup(questions, begin_limits),
        cmocka_unit_test_setup(devices, begin_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
