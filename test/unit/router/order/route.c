/* route.c - which changes by rtnetlink the privileged process does
 */
#include "order/check.h"

#include "gateway/plan.h"
#include "order/route.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/neighbour.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

/* WAN: the gateway's device beside TUN. */
enum { LO = 1, OTHER = 2, WAN = 3, LAN = 4, TUN = 7, TUN_LAN = 8, NONE = 99 };

static const struct order_devices devices_now = {
    .tun = {TUN, TUN_LAN},
    .n_known = 2,
    .known = {{WAN, 0, "eth1"}, {LAN, 1, "eth0"}}};
static struct order_limits limits;
static struct order order;
static size_t len;

static bool passes(void)
{
    return order_check(&limits, &devices_now, &order, len);
}

static int begin_limits(void **state)
{
    (void)state;
    limits = (struct order_limits){.gateway = true, .n_tuns = 2};
    strcpy(limits.tun[0], "weir-wan");
    strcpy(limits.tun[1], "weir-lan");
    strcpy(limits.device[0], "eth1");
    strcpy(limits.device[1], "10.0.1.0/24");
    return 0;
}

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

/* ---- rules ---- */

struct a_rule {
    uint16_t type, flags;
    struct fib_rule_hdr m;
    const char *by;
    uint32_t pref, table;
    uint8_t protocol;
};

/* From all that comes by a device, into weir's table. */
static struct a_rule good_rule(void)
{
    return (struct a_rule){.type = RTM_NEWRULE,
                           .flags = NLM_F_CREATE,
                           .m = {.family = AF_INET, .action = FR_ACT_TO_TBL},
                           .by = "eth1",
                           .table = GATEWAY_PLAN_OUT,
                           .protocol = GATEWAY_PLAN_PROTOCOL};
}

static struct nlmsghdr *put_rule(const struct a_rule *r)
{
    struct nlmsghdr *h = message(r->type, &r->m, sizeof r->m);

    h->nlmsg_flags |= r->flags;
    if (r->by != NULL)
        mnl_attr_put_strz(h, FRA_IIFNAME, r->by);
    mnl_attr_put_u32(h, FRA_PRIORITY, r->pref);
    if (r->table != 0)
        mnl_attr_put_u32(h, FRA_TABLE, r->table);
    mnl_attr_put_u8(h, FRA_PROTOCOL, r->protocol);
    return h;
}

static bool rule_passes(struct a_rule r)
{
    return route_passes(put_rule(&r));
}

#define WITH(field, value)                                                     \
    ({                                                                         \
        struct a_rule with_ = good_rule();                                     \
        with_.field = (value);                                                 \
        rule_passes(with_);                                                    \
    })

static void rules(void **state)
{
    struct a_rule r = good_rule();

    (void)state;
    assert_true(rule_passes(r));
    assert_true(WITH(flags, NLM_F_CREATE | NLM_F_EXCL));
    assert_true(WITH(by, "eth0"));
    assert_true(WITH(table, RT_TABLE_LOCAL));
    assert_false(WITH(flags, NLM_F_CREATE | NLM_F_REPLACE));
    assert_false(WITH(by, NULL)); /* of all that passes */
    assert_false(WITH(by, "tun0"));
    assert_false(WITH(by, "lo")); /* of what this host sends */
    assert_false(WITH(pref, 100));
    assert_false(WITH(table, 100));
    assert_false(WITH(protocol, 4));
    assert_false(WITH(m.table, RT_TABLE_LOCAL));
    assert_false(WITH(m.flags, FIB_RULE_INVERT));
    assert_false(WITH(m.tos, 4));
    assert_false(WITH(m.src_len, 8)); /* without its address */
    assert_false(WITH(m.action, FR_ACT_GOTO));
    assert_false(WITH(m.family, AF_UNSPEC));
    r.type = RTM_DELRULE; /* a predecessor's, of other devices */
    r.flags = 0;
    r.by = "tun0";
    r.pref = 7;
    assert_true(rule_passes(r));
    r.protocol = 4;
    assert_false(rule_passes(r));
    limits.gateway = false;
    assert_false(rule_passes(good_rule()));
}

static void rule_of_the_kernel(void **state)
{
    struct a_rule r = good_rule();

    (void)state;
    r.by = NULL;
    r.table = RT_TABLE_LOCAL;
    for (int del = 0; del < 2; del++) {
        r.type = del ? RTM_DELRULE : RTM_NEWRULE;
        r.flags = del ? 0 : NLM_F_CREATE | NLM_F_EXCL;
        for (r.protocol = 0; r.protocol < 3; r.protocol++)
            assert_true(rule_passes(r));
        r.pref = 9;
        assert_false(rule_passes(r));
        r.pref = 0;
        r.table = RT_TABLE_MAIN;
        assert_false(rule_passes(r));
        r.table = RT_TABLE_LOCAL;
        r.m.src_len = 8;
        assert_false(rule_passes(r));
        r.m.src_len = 0;
    }
}

/* The kernel takes the first four of eight bytes, and the last of two. */
static void numbers_of_other_lengths(void **state)
{
    const struct fib_rule_hdr m = {
        .family = AF_INET, .table = RT_TABLE_LOCAL, .action = FR_ACT_TO_TBL};
    struct a_rule r = good_rule();
    struct nlmsghdr *h = message(RTM_DELRULE, &m, sizeof m);

    (void)state;
    mnl_attr_put_u64(h, FRA_TABLE, RT_TABLE_MAIN);
    mnl_attr_put_u64(h, FRA_PRIORITY, 32766);
    assert_false(route_passes(h));
    h = put_rule(&r);
    mnl_attr_put_u32(h, FRA_PRIORITY, 0);
    assert_false(route_passes(h));
    r.protocol = 4;
    h = put_rule(&r);
    mnl_attr_put_u8(h, FRA_PROTOCOL, GATEWAY_PLAN_PROTOCOL);
    assert_false(route_passes(h));
}

/* What weir gives another preference to is compared with what is there. */
static void moves(void **state)
{
    struct a_rule r = good_rule();
    struct nlmsghdr *h;
    uint32_t pref = 0;

    (void)state;
    r.protocol = 4;
    r.pref = 99;
    h = put_rule(&r);
    assert_true(order_route_is_move(h, h->nlmsg_len, &pref));
    assert_int_equal(pref, 99);
    h->nlmsg_flags |= NLM_F_REPLACE;
    assert_false(order_route_is_move(h, h->nlmsg_len, &pref));
    h = put_rule(&r);
    mnl_attr_put_u32(h, FRA_PRIORITY, 0);
    assert_false(order_route_is_move(h, h->nlmsg_len, &pref));
    h = put_rule(&r); /* the kernel believes the last one, flagged or not */
    mnl_attr_put_u32(h, NLA_F_NESTED | FRA_PRIORITY, 0);
    assert_false(order_route_is_move(h, h->nlmsg_len, &pref));
    h = put_rule(&r);
    mnl_attr_put_u32(h, NLA_F_NET_BYTEORDER | FRA_PRIORITY, 0);
    assert_false(order_route_is_move(h, h->nlmsg_len, &pref));
    h = message(RTM_NEWRULE, &r.m, sizeof r.m);
    h->nlmsg_flags |= NLM_F_CREATE;
    assert_false(order_route_is_move(h, h->nlmsg_len, &pref));
    mnl_attr_put_u64(h, FRA_PRIORITY, 0);
    assert_false(order_route_is_move(h, h->nlmsg_len, &pref));
}

/* ---- routes and neighbours ---- */

static bool kernel_route_passes(uint32_t table, uint8_t protocol, uint32_t out)
{
    const struct rtmsg m = {.rtm_family = AF_INET,
                            .rtm_protocol = protocol,
                            .rtm_scope = RT_SCOPE_UNIVERSE,
                            .rtm_type = RTN_UNICAST};
    struct nlmsghdr *h = message(RTM_NEWROUTE, &m, sizeof m);

    h->nlmsg_flags |= NLM_F_CREATE | NLM_F_REPLACE;
    mnl_attr_put_u32(h, RTA_TABLE, table);
    mnl_attr_put_u32(h, RTA_OIF, out);
    return route_passes(h);
}

static void routes(void **state)
{
    enum { OURS = GATEWAY_PLAN_PROTOCOL };

    (void)state;
    assert_true(kernel_route_passes(GATEWAY_PLAN_OUT, OURS, TUN));
    assert_false(kernel_route_passes(GATEWAY_PLAN_OUT, OURS, OTHER));
    assert_false(kernel_route_passes(GATEWAY_PLAN_OUT, RTPROT_STATIC, TUN));
    assert_false(kernel_route_passes(RT_TABLE_MAIN, OURS, TUN));
    assert_false(kernel_route_passes(GATEWAY_PLAN_OUT + 0x80, OURS, TUN));
    (void)kernel_route_passes(GATEWAY_PLAN_OUT, OURS, TUN);
    mnl_attr_put_u32((void *)order.body, RTA_GATEWAY, 1);
    assert_false(route_passes((void *)order.body));
}

static bool neighbour_passes(uint8_t family, uint8_t flags, int device)
{
    const struct ndmsg m = {.ndm_family = family,
                            .ndm_ifindex = device,
                            .ndm_state = NUD_PERMANENT,
                            .ndm_flags = flags};
    struct nlmsghdr *h = message(RTM_NEWNEIGH, &m, sizeof m);

    h->nlmsg_flags |= NLM_F_CREATE | NLM_F_REPLACE;
    mnl_attr_put_u32(h, NDA_DST, 1);
    mnl_attr_put_u8(h, NDA_PROTOCOL, GATEWAY_PLAN_PROTOCOL);
    return route_passes(h);
}

static void neighbours(void **state)
{
    const struct ndmsg bridge = {.ndm_family = AF_BRIDGE,
                                 .ndm_ifindex = WAN,
                                 .ndm_state = NUD_PERMANENT,
                                 .ndm_flags = NTF_PROXY | NTF_SELF};
    struct nlmsghdr *h;

    (void)state;
    assert_true(neighbour_passes(AF_INET, NTF_PROXY, WAN));
    assert_true(neighbour_passes(AF_INET, NTF_PROXY, LAN));
    assert_false(neighbour_passes(AF_INET, NTF_PROXY, OTHER));
    assert_false(neighbour_passes(AF_INET, NTF_PROXY, 0));
    assert_false(neighbour_passes(AF_INET, 0, WAN)); /* a static one */
    assert_false(neighbour_passes(AF_INET, NTF_PROXY | NTF_MASTER, WAN));
    assert_false(neighbour_passes(AF_INET6, NTF_PROXY, WAN)); /* 4 bytes */
    assert_false(neighbour_passes(AF_BRIDGE, NTF_PROXY, WAN));
    h = message(RTM_NEWNEIGH, &bridge, sizeof bridge); /* whose MAC it is */
    h->nlmsg_flags |= NLM_F_CREATE;
    mnl_attr_put(h, NDA_LLADDR, 6, "\2\0\0\0\0\x42");
    assert_false(route_passes(h));
}

static bool delay_passes(uint32_t device, uint16_t more)
{
    const struct ndtmsg m = {.ndtm_family = AF_INET};
    struct nlmsghdr *h = message(RTM_SETNEIGHTBL, &m, sizeof m);
    struct nlattr *nest;

    h->nlmsg_flags |= NLM_F_REPLACE;
    mnl_attr_put_strz(h, NDTA_NAME, "arp_cache");
    if (more != 0)
        mnl_attr_put_u32(h, more, 1);
    nest = mnl_attr_nest_start(h, NDTA_PARMS);
    if (device != NONE)
        mnl_attr_put_u32(h, NDTPA_IFINDEX, device);
    mnl_attr_put_u64(h, NDTPA_PROXY_DELAY, 0);
    mnl_attr_nest_end(h, nest);
    return route_passes(h);
}

static void delays(void **state)
{
    (void)state;
    assert_true(delay_passes(WAN, 0));
    assert_false(delay_passes(WAN, NDTA_THRESH3));
    assert_false(delay_passes(OTHER, 0));
    assert_false(delay_passes(0, 0)); /* of all that come */
    assert_false(delay_passes(NONE, 0));
}

/* ---- links ---- */

static bool link_passes(int device, unsigned flags, unsigned change,
                        uint16_t attribute, uint16_t more)
{
    struct ifinfomsg m = {
        .ifi_index = device, .ifi_flags = flags, .ifi_change = change};
    struct nlmsghdr *h = message(RTM_NEWLINK, &m, sizeof m);

    h->nlmsg_flags |= more;
    mnl_attr_put_u32(h, attribute,
                     attribute == IFLA_GROUP ? GATEWAY_PLAN_TUNS : 1400);
    return route_passes(h);
}

static void links(void **state)
{
    (void)state;
    assert_true(link_passes(TUN, IFF_UP, IFF_UP, IFLA_MTU, 0));
    assert_true(link_passes(TUN, 0, 0, IFLA_TXQLEN, 0));
    assert_true(link_passes(TUN, 0, 0, IFLA_GROUP, 0));
    assert_true(link_passes(WAN, 0, 0, IFLA_GROUP, 0));
    assert_false(link_passes(WAN, 0, 0, IFLA_MTU, 0));
    assert_false(link_passes(OTHER, 0, 0, IFLA_GROUP, 0));
    assert_false(link_passes(WAN, 0, IFF_UP, IFLA_GROUP, 0));
    assert_false(link_passes(WAN, IFF_PROMISC, 0, IFLA_GROUP, 0));
    assert_false(link_passes(TUN, IFF_PROMISC, IFF_PROMISC, IFLA_MTU, 0));
    assert_false(link_passes(TUN, IFF_PROMISC, 0, IFLA_MTU, 0)); /* all flags */
    assert_false(link_passes(TUN, 0, IFF_UP, IFLA_MTU, 0));
    assert_false(link_passes(TUN, 0, 0, IFLA_MTU, NLM_F_CREATE));
    assert_false(link_passes(TUN, 0, 0, IFLA_IFNAME, 0));
    assert_false(link_passes(TUN, 0, 0, IFLA_NET_NS_FD, 0));
    assert_false(link_passes(0, 0, 0, IFLA_GROUP, 0)); /* found by name */
    limits.gateway = false;
    assert_false(link_passes(WAN, 0, 0, IFLA_GROUP, 0));
    assert_true(link_passes(TUN, IFF_UP, IFF_UP, IFLA_MTU, 0));
}

static struct nlmsghdr *begin_spec(int device, uint16_t family,
                                   struct nlattr *nest[2])
{
    const struct ifinfomsg m = {.ifi_index = device};
    struct nlmsghdr *h = message(RTM_NEWLINK, &m, sizeof m);

    nest[0] = mnl_attr_nest_start(h, IFLA_AF_SPEC);
    nest[1] = mnl_attr_nest_start(h, family);
    return h;
}

static bool spec_passes(struct nlmsghdr *h, struct nlattr *nest[2])
{
    mnl_attr_nest_end(h, nest[1]);
    mnl_attr_nest_end(h, nest[0]);
    return route_passes(h);
}

static bool conf_passes(int device, uint16_t id, uint32_t value)
{
    struct nlattr *nest[2], *conf;
    struct nlmsghdr *h = begin_spec(device, AF_INET, nest);

    conf = mnl_attr_nest_start(h, IFLA_INET_CONF);
    mnl_attr_put_u32(h, id, value);
    mnl_attr_nest_end(h, conf);
    return spec_passes(h, nest);
}

static bool addr_gen_passes(int device, uint8_t mode)
{
    struct nlattr *nest[2];
    struct nlmsghdr *h = begin_spec(device, AF_INET6, nest);

    mnl_attr_put_u8(h, IFLA_INET6_ADDR_GEN_MODE, mode);
    return spec_passes(h, nest);
}

static void settings_of_links(void **state)
{
    (void)state;
    assert_true(conf_passes(WAN, IPV4_DEVCONF_FORWARDING, 1));
    assert_true(conf_passes(TUN, IPV4_DEVCONF_ACCEPT_LOCAL, 1));
    assert_false(conf_passes(WAN, IPV4_DEVCONF_ACCEPT_LOCAL, 1));
    assert_false(conf_passes(WAN, IPV4_DEVCONF_ROUTE_LOCALNET, 1));
    assert_false(conf_passes(WAN, IPV4_DEVCONF_FORWARDING, 3));
    assert_false(conf_passes(OTHER, IPV4_DEVCONF_FORWARDING, 1));
    assert_true(addr_gen_passes(TUN, IN6_ADDR_GEN_MODE_NONE));
    assert_false(addr_gen_passes(TUN, IN6_ADDR_GEN_MODE_EUI64));
    assert_false(addr_gen_passes(WAN, IN6_ADDR_GEN_MODE_NONE));
    assert_false(addr_gen_passes(OTHER, IN6_ADDR_GEN_MODE_NONE));
}

static bool address_passes(unsigned device, const uint8_t a[4], uint8_t prefix,
                           uint8_t scope)
{
    const struct ifaddrmsg m = {.ifa_family = AF_INET,
                                .ifa_prefixlen = prefix,
                                .ifa_scope = scope,
                                .ifa_index = device};
    struct nlmsghdr *h = message(RTM_NEWADDR, &m, sizeof m);

    h->nlmsg_flags |= NLM_F_CREATE | NLM_F_EXCL;
    mnl_attr_put(h, IFA_LOCAL, 4, a);
    mnl_attr_put(h, IFA_ADDRESS, 4, a);
    return route_passes(h);
}

static void addresses(void **state)
{
    const uint8_t dummy[4] = {192, 0, 0, 8}, its[4] = {10, 9, 0, 1};

    (void)state;
    limits.address[0] =
        (struct order_address){true, CT_IPV4, 24, {.b = {10, 9, 0, 1}}};
    assert_true(address_passes(TUN, dummy, 32, RT_SCOPE_HOST));
    assert_false(address_passes(TUN, dummy, 0, RT_SCOPE_HOST)); /* routes all */
    assert_false(address_passes(OTHER, dummy, 32, RT_SCOPE_HOST));
    assert_false(address_passes(TUN, its, 24, RT_SCOPE_UNIVERSE));
    limits.gateway = false;
    assert_true(address_passes(TUN, its, 24, RT_SCOPE_UNIVERSE));
    assert_false(address_passes(TUN, its, 8, RT_SCOPE_UNIVERSE));
    assert_false(address_passes(TUN, dummy, 24, RT_SCOPE_UNIVERSE));
    assert_false(address_passes(TUN_LAN, its, 24, RT_SCOPE_UNIVERSE));
}

/* ---- what leaves by weir's devices ---- */

struct a_filter {
    int device;
    uint32_t parent, to, eaction;
    const char *kind, *action, *in;
};

static struct a_filter good_filter(void)
{
    return (struct a_filter){TUN,       TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS),
                             WAN,       TCA_INGRESS_REDIR,
                             "u32",     "mirred",
                             "weir-wan"};
}

static bool filter_passes(struct a_filter f)
{
    const struct tcmsg m = {.tcm_ifindex = f.device,
                            .tcm_parent = f.parent,
                            .tcm_info = TC_H_MAKE(1 << 16, htons(ETH_P_ALL))};
    const struct tc_mirred mirred = {
        .action = TC_ACT_STOLEN, .eaction = (int)f.eaction, .ifindex = f.to};
    struct {
        struct tc_u32_sel sel;
        struct tc_u32_key key;
    } all = {.sel = {.flags = TC_U32_TERMINAL, .nkeys = 1}};
    struct nlmsghdr *h = message(RTM_NEWTFILTER, &m, sizeof m);
    struct nlattr *nest[4];

    h->nlmsg_flags |= NLM_F_CREATE | NLM_F_EXCL;
    mnl_attr_put_strz(h, TCA_KIND, f.kind);
    nest[0] = mnl_attr_nest_start(h, TCA_OPTIONS);
    mnl_attr_put(h, TCA_U32_SEL, sizeof all, &all);
    mnl_attr_put_strz(h, TCA_U32_INDEV, f.in);
    nest[1] = mnl_attr_nest_start(h, TCA_U32_ACT);
    nest[2] = mnl_attr_nest_start(h, 1);
    mnl_attr_put_strz(h, TCA_ACT_KIND, f.action);
    nest[3] = mnl_attr_nest_start(h, TCA_ACT_OPTIONS);
    mnl_attr_put(h, TCA_MIRRED_PARMS, sizeof mirred, &mirred);
    for (int i = 3; i >= 0; i--)
        mnl_attr_nest_end(h, nest[i]);
    return route_passes(h);
}

#define FILTER(field, value)                                                   \
    ({                                                                         \
        struct a_filter with_ = good_filter();                                 \
        with_.field = (value);                                                 \
        filter_passes(with_);                                                  \
    })

static void filters(void **state)
{
    (void)state;
    assert_true(filter_passes(good_filter()));
    assert_false(FILTER(to, LO)); /* what the host trusts */
    assert_false(FILTER(to, OTHER));
    assert_false(FILTER(to, LAN)); /* beside another TUN */
    assert_false(FILTER(eaction, TCA_EGRESS_REDIR));
    assert_false(FILTER(parent, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)));
    assert_false(FILTER(device, WAN));
    assert_false(FILTER(kind, "bpf"));
    assert_false(FILTER(action, "pedit"));
    assert_false(FILTER(in, "weir-lan"));
}

static bool qdisc_passes(int device, const char *kind)
{
    const struct tcmsg m = {.tcm_ifindex = device,
                            .tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0),
                            .tcm_parent = TC_H_CLSACT};
    struct nlmsghdr *h = message(RTM_NEWQDISC, &m, sizeof m);

    h->nlmsg_flags |= NLM_F_CREATE | NLM_F_EXCL;
    mnl_attr_put_strz(h, TCA_KIND, kind);
    return route_passes(h);
}

static void qdiscs(void **state)
{
    const struct tcmsg m = {.tcm_ifindex = TUN};

    (void)state;
    assert_true(qdisc_passes(TUN, "clsact"));
    assert_false(qdisc_passes(TUN, "netem"));
    assert_false(qdisc_passes(WAN, "clsact"));
    assert_false(route_passes(message(RTM_DELQDISC, &m, sizeof m)));
    assert_false(route_passes(message(RTM_DELLINK, &m, sizeof m)));
    assert_false(route_passes(message(RTM_GETNEIGH, &m, sizeof m)));
}

/* Whatever its length says, nothing behind the bytes that came is believed. */
static void lengths(void **state)
{
    struct a_rule r = good_rule();
    struct nlmsghdr *h = put_rule(&r);
    size_t whole = h->nlmsg_len;

    (void)state;
    for (len = 0; len <= whole; len++)
        assert_int_equal(passes(), len == whole);
    for (len = 0; len < whole; len++) {
        h->nlmsg_len = (uint32_t)len;
        assert_false(passes());
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(rules, begin_limits),
        cmocka_unit_test_setup(rule_of_the_kernel, begin_limits),
        cmocka_unit_test_setup(numbers_of_other_lengths, begin_limits),
        cmocka_unit_test_setup(moves, begin_limits),
        cmocka_unit_test_setup(routes, begin_limits),
        cmocka_unit_test_setup(neighbours, begin_limits),
        cmocka_unit_test_setup(delays, begin_limits),
        cmocka_unit_test_setup(links, begin_limits),
        cmocka_unit_test_setup(settings_of_links, begin_limits),
        cmocka_unit_test_setup(addresses, begin_limits),
        cmocka_unit_test_setup(filters, begin_limits),
        cmocka_unit_test_setup(qdiscs, begin_limits),
        cmocka_unit_test_setup(lengths, begin_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
