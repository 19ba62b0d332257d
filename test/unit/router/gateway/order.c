/* order.c - weir's routing rules among the host's: in front of all
 * for what comes from a wire, behind them for what the host sends itself */
#include "gateway/plan.h"
#include "gateway_rig.h"

#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#define LIKE_WG_QUICK                                                          \
    "ip rule add not fwmark 51820 table 51820;"                                \
    "ip rule add table main suppress_prefixlength 0;"

static void make_third(void)
{
    sh("ip link add third type veth peer name pthird; ip link set third up;"
       "ip link set pthird up; ip addr add 10.99.0.1/24 dev third;"
       "ip route add default dev third table 51820");
}

static void way(const char *what, const char *want)
{
    char command[128];

    snprintf(command, sizeof command, "ip route get %s 2>&1", what);
    assert_says(command, want);
}

/* As long as wan has a second address, or not: rows are laid once more. */
static void second_address(const char *verb)
{
    sh("ip addr %s 203.0.113.77/32 dev wan0", verb);
}

static char *hosts_rules(void)
{
    return said("ip -d rule | grep -v 'proto 119' | grep -v 'lookup local' | "
                "sed 's/^[0-9]*://'");
}

/* The kernel gives such a rule the preference below the second one's. */
static void without_a_preference(void **state)
{
    static const char *const clients[] = {"8.8.8.8 from 10.88.0.2 iif lan0",
                                          "10.88.0.1 from 10.88.0.2 iif lan0"};
    struct gateway *gw;
    char *before;

    (void)state;
    make_third();
    sh(LIKE_WG_QUICK);
    before = hosts_rules();
    sh("ip rule del pref 32765; ip rule del pref 32764");
    gw = start_all();
    sh(LIKE_WG_QUICK);
    for (size_t i = 0; i < 2; i++)
        way(clients[i], "dev weir-lan"); /* at once */
    assert_true(gateway_drain(gw));
    sync_now(gw);
    assert_false(gateway_drain(gw));
    assert_same(before, hosts_rules());
    sh("ip rule add from 10.88.0.2 table 51820");
    for (int round = 0; round < 2; round++) {
        second_address(round == 0 ? "add" : "del");
        way(clients[0], "dev weir-lan");
        sync_now(gw);
        way(clients[0], "dev weir-lan");
        way("10.88.0.9", "dev lan0");
        way("8.8.8.8", "dev third");
    }
    assert_says("ip rule | grep -c '^0:.*51820'; true", "0\n");
    stop_all(gw);
}

/* One that stood there before is the host's choice: it stays, behind ours. */
static void with_preference_zero(void **state)
{
    struct gateway *gw;
    char *before;

    (void)state;
    make_third();
    sh("ip rule add pref 0 from 10.88.0.2 table 51820");
    before = said("ip -d rule");
    gw = start_all();
    way("8.8.8.8 from 10.88.0.2 iif lan0", "dev weir-lan");
    second_address("add");
    sync_now(gw);
    way("8.8.8.8 from 10.88.0.2 iif lan0", "dev weir-lan");
    assert_says("ip rule", "0:\tfrom 10.88.0.2 lookup 51820");
    second_address("del");
    sync_now(gw);
    stop_all(gw);
    assert_same(before, said("ip -d rule"));
}

/* A tunnel by another device, marked packets beside it, a network with a way of
 * its own: they are what they were, for the host and for what weir sends. */
static void for_what_the_host_sends(void **state)
{
    struct gateway *gw;

    (void)state;
    make_third();
    sh(LIKE_WG_QUICK "ip rule add to 192.0.2.0/24 table 100;"
                     "ip route add default via 203.0.113.3 table 100");
    gw = start_all();
    for (int round = 0; round < 2; round++) {
        way("8.8.8.8", "dev third");
        way("8.8.8.8 mark 51820", "via 203.0.113.2 dev wan0");
        way("192.0.2.9", "via 203.0.113.3 dev wan0");
        way("192.0.2.9 from 203.0.113.1 iif weir-wan",
            "via 203.0.113.3 dev wan0");
        way("8.8.8.8 from 10.88.0.2 iif lan0", "dev weir-lan");
        way("10.88.0.2 from 10.88.0.1", "dev lan0");
        /* What it adds at the end of them later stands before ours, too. */
        sh("ip rule add pref 32765 to 192.0.2.128/25 table 51820");
        assert_true(gateway_drain(gw));
        sync_now(gw);
        sh("ip rule del pref 32765 to 192.0.2.128/25 table 51820");
        sync_now(gw);
    }
    stop_all(gw);
}

/* `ip route replace default via GATEWAY` without a device may take ours. */
static void no_route_leads_back(void **state)
{
    struct gateway *gw = start_all();

    (void)state;
    way("8.8.8.8 from 203.0.113.1 iif weir-wan", "via 203.0.113.2 dev wan0");
    sh("ip route replace default dev weir-wan;"
       "ip -6 route replace default dev weir-wan metric 1");
    way("8.8.8.8 from 203.0.113.1 iif weir-wan", "unreachable");
    way("10.88.0.2 from 203.0.113.2 iif weir-lan", "dev lan0");
    way("2001:db8:9::9 from fd88::2 iif weir-wan", "unreachable");
    stop_all(gw);
}

/* What the kernel tells of IPv4's rules. */
static struct mnl_socket *listen_for_rules(void)
{
    struct mnl_socket *s = mnl_socket_open2(NETLINK_ROUTE, SOCK_NONBLOCK);

    assert_non_null(s);
    assert_int_equal(mnl_socket_bind(s, RTMGRP_IPV4_RULE, 0), 0);
    return s;
}

struct heard {
    int n, last_gone, first_new; /* of the front row, of the back row */
};

static int priority(const struct nlattr *a, void *data)
{
    if (mnl_attr_get_type(a) == FRA_PRIORITY)
        *(uint32_t *)data = mnl_attr_get_u32(a);
    return MNL_CB_OK;
}

static int hear_rule(const struct nlmsghdr *h, void *data)
{
    struct heard *heard = data;
    uint32_t pref = GATEWAY_PLAN_FRONT;

    heard->n++;
    mnl_attr_parse(h, sizeof(struct fib_rule_hdr), priority, &pref);
    if (h->nlmsg_type == RTM_DELRULE && pref == GATEWAY_PLAN_FRONT)
        heard->last_gone = heard->n;
    if (h->nlmsg_type == RTM_NEWRULE && pref == GATEWAY_PLAN_BACK &&
        heard->first_new == 0)
        heard->first_new = heard->n;
    return MNL_CB_OK;
}

/* As long as the table local stands before the rule to a new address the host
 * answers what is weir's: that must not leave by weir, as if weir had said it.
 */
static void to_an_address_before_from_it(void **state)
{
    struct gateway *gw = start_all();
    struct mnl_socket *s = listen_for_rules();
    struct heard heard = {0};
    char room[8192];
    ssize_t got;

    (void)state;
    second_address("add");
    sync_now(gw);
    while ((got = mnl_socket_recvfrom(s, room, sizeof room)) > 0)
        mnl_cb_run(room, (size_t)got, 0, 0, hear_rule, &heard);
    assert_true(heard.last_gone > 0);
    assert_true(heard.first_new > heard.last_gone);
    mnl_socket_close(s);
    stop_all(gw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(without_a_preference, make_world),
        cmocka_unit_test_setup(with_preference_zero, make_world),
        cmocka_unit_test_setup(to_an_address_before_from_it, make_world),
        cmocka_unit_test_setup(for_what_the_host_sends, make_world),
        cmocka_unit_test_setup(no_route_leads_back, make_world6),
    };

    if (!may_run())
        return SKIPPED;
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
