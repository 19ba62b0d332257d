/* check.c - orders that the privileged process carries out or refuses */
#include "order/check.h"

#include "kernel/netlink/forward.h"

#include <linux/if_tun.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct order_devices devices_now = {.n_known = 1,
                                                 .known = {{3, 0, "eth1"}}};
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
    limits = (struct order_limits){.gateway = true, .n_tuns = 1};
    strcpy(limits.tun[0], "weir-lan");
    return 0;
}

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
        "net/ipv4/ip_early_demux",       "net/ipv6/conf/all/forwarding",
        "net/ipv6/conf/eth1/accept_ra",  "net/ipv4/conf/eth1/forwarding",
        "net/ipv6/conf/tun0/forwarding", /* one switch turns on all */
    };
    static const char *const bad[] = {
        "",
        "net/ipv4/conf/tun0/forwarding",
        "net/ipv4/conf/eth0.100/rp_filter",
        "net/ipv6/conf/tun0/accept_ra",
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
    const uint32_t flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;

    (void)state;
    assert_true(named(ORDER_ATTACH, "weir-lan", flags));
    assert_true(named(ORDER_ATTACH, "weir-lan", flags | IFF_MULTI_QUEUE));
    assert_false(named(ORDER_ATTACH, "weir-lan", IFF_TAP | IFF_NO_PI));
    assert_false(named(ORDER_ATTACH, "tun0", flags));
    assert_false(named(ORDER_ATTACH, "", flags));
    assert_false(named(ORDER_ATTACH, "weir-dmz", flags));
    strcpy(limits.tun[limits.n_tuns++], "weir-dmz"); /* a further device's */
    assert_true(named(ORDER_ATTACH, "weir-dmz", flags));
    assert_false(named(ORDER_ATTACH, "weir-dm", flags));
    assert_false(named((enum order_kind)99, "weir-lan", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(settings, begin_limits),
        cmocka_unit_test_setup(questions, begin_limits),
        cmocka_unit_test_setup(devices, begin_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
