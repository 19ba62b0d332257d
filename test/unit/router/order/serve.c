/* serve.c - what the privileged process asks the kernel before it
 * obeys: whose a proxy neighbour is, and how many rules there are like one */
#include "gateway_rig.h"

#include "gateway/plan.h"
#include "kernel/netlink/neigh.h"
#include "kernel/netlink/rule.h"
#include "order/serve.h"
#include "system/order.h"

#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

static const struct order_limits limits = {.gateway = true,
                                           .n_tuns = 2,
                                           .tun = {"weir-lan", "weir-wan"},
                                           .device = {"lan0", "wan0"}};
static struct netlink *nl;

static int begin(void **state)
{
    int serves = -1, code;

    make_world(state);
    open_tuns();
    code = system_order_fork(&serves);
    if (code == 0)
        _exit(order_serve_begin(serves, &limits) < 0 || order_serve());
    if (code < 0 || system_order_greet() < 0)
        return -1;
    return netlink_open(&nl);
}

static int end(void **state)
{
    (void)state;
    netlink_close(nl);
    system_order_end();
    close_tuns();
    return 0;
}

/* ---- rules ---- */

struct seek {
    union ct_addr src;
    struct netlink_rule_told told;
};

static void find(void *ctx, const struct netlink_rule *rule,
                 const struct netlink_rule_told *told)
{
    struct seek *s = ctx;

    if (ct_addr_eq(&rule->src, &s->src))
        s->told = *told;
}

static int copy(const struct nlattr *a, void *to)
{
    if (mnl_attr_get_type(a) != FRA_PRIORITY)
        mnl_attr_put(to, mnl_attr_get_type(a), mnl_attr_get_payload_len(a),
                     mnl_attr_get_payload(a));
    return MNL_CB_OK;
}

/* Of the host's own rule, as the kernel tells it. */
static int change_rule(uint16_t type, unsigned flags, uint32_t pref)
{
    _Alignas(8) char room[1024] = {0};
    struct nlmsghdr *h = mnl_nlmsg_put_header(room);
    struct fib_rule_hdr *m = mnl_nlmsg_put_extra_header(h, sizeof *m);
    struct seek s = {.src = {.b = {10, 9, 9, 9}}};
    const struct nlmsghdr *was = (const void *)s.told.bytes;

    assert_int_equal(netlink_rule_each(nl, CT_IPV4, find, &s), 0);
    assert_true(s.told.len > 0);
    h->nlmsg_type = type;
    h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
    memcpy(m, mnl_nlmsg_get_payload(was), sizeof *m);
    mnl_attr_parse(was, sizeof *m, copy, h);
    mnl_attr_put_u32(h, FRA_PRIORITY, pref);
    return system_order_route(h);
}

static void hosts_rule_is_there(const char *prefs)
{
    assert_says(
        "ip rule show from 10.9.9.9 | cut -d: -f1 | tr '\n' ' '; echo .",
        prefs);
}

/* One of the host's that stands in front of weir's may be put behind it, and
 * never taken away, nor made where there was none. */
static void hosts_rules_stay(void **state)
{
    (void)state;
    sh("ip rule add pref 0 from 10.9.9.9 lookup 100");
    assert_int_equal(change_rule(RTM_DELRULE, 0, 0), -EPERM);
    assert_int_equal(change_rule(RTM_NEWRULE, NLM_F_CREATE, 32765), -EPERM);
    hosts_rule_is_there("0 .");
    assert_int_equal(change_rule(RTM_NEWRULE, NLM_F_CREATE, 7), 0);
    hosts_rule_is_there("0 7 .");
    assert_int_equal(change_rule(RTM_DELRULE, 0, 7), -EPERM);
    assert_int_equal(change_rule(RTM_DELRULE, 0, 0), 0);
    hosts_rule_is_there("7 .");
    assert_int_equal(change_rule(RTM_NEWRULE, NLM_F_CREATE, 8), -EPERM);
    assert_int_equal(change_rule(RTM_DELRULE, 0, 0), -EPERM);
    hosts_rule_is_there("7 .");
}

/* The kernel deletes a proxy neighbour of any maker. */
static void hosts_proxies_stay(void **state)
{
    struct netlink_neigh n = {.addr = {.b = {10, 88, 0, 9}},
                              .index = if_nametoindex("lan0"),
                              .family = CT_IPV4,
                              .protocol = GATEWAY_PLAN_PROTOCOL};

    (void)state;
    sh("ip neigh add proxy 10.88.0.9 dev lan0");
    assert_int_equal(netlink_neigh_delete(nl, &n), -EPERM);
    assert_says("ip neigh show proxy", "10.88.0.9 dev lan0");
    n.addr.b[3] = 10;
    assert_int_equal(netlink_neigh_put(nl, &n), 0);
    assert_says("ip neigh show proxy", "10.88.0.10 dev lan0");
    assert_int_equal(netlink_neigh_delete(nl, &n), 0);
    assert_says("ip neigh show proxy | grep -c 88.0.10", "0\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(hosts_rules_stay, begin, end),
        cmocka_unit_test_setup_teardown(hosts_proxies_stay, begin, end),
    };

    if (!may_run())
        return SKIPPED;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
