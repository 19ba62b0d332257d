/* plan.c - the plan of gateway mode, from facts alone: no kernel
 */
#include "gateway/plan.h"

#include "system/addr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LAN, WAN };

static struct gateway_plan plan;
static struct config_facts facts;

static void give(int device, const char *text)
{
    struct config_facts_device *d = &facts.device[device];
    union ct_addr addr;
    uint8_t family, len;

    assert_true(system_addr_prefix(text, &addr, &family, &len));
    d->addr[d->n_addrs].addr = addr;
    d->addr[d->n_addrs].family = family;
    d->addr[d->n_addrs++].len = len;
}

static int make_facts(void **state)
{
    (void)state;
    memset(&facts, 0, sizeof facts);
    facts.n = 2;
    facts.device[LAN] = (struct config_facts_device){.name = "eth0",
                                                     .index = 7,
                                                     .mtu = 1500,
                                                     .inside = true,
                                                     .label = "lan",
                                                     .tun = "weir-lan"};
    facts.device[WAN] = (struct config_facts_device){.name = "eth1",
                                                     .index = 8,
                                                     .mtu = 1500,
                                                     .label = "wan",
                                                     .tun = "weir-wan"};
    return 0;
}

static struct gateway_plan_input whole(void)
{
    return (struct gateway_plan_input){.facts = &facts,
                                       .tun = {20, 21},
                                       .tun_ipv6 = {true, true},
                                       .ipv6 = true,
                                       .group = 77};
}

static uint32_t count(enum gateway_object_kind kind, uint8_t family)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < plan.n; i++)
        n += plan.object[i].kind == kind &&
             gateway_plan_family(&plan.object[i]) == family;
    return n;
}

static const struct netlink_route *route(uint8_t family, uint32_t table)
{
    for (uint32_t i = 0; i < plan.n; i++)
        if (plan.object[i].kind == GATEWAY_ROUTE &&
            plan.object[i].u.route.family == family &&
            plan.object[i].u.route.table == table)
            return &plan.object[i].u.route;
    return NULL;
}

/* Number i of the rules of a preference. */
static const struct netlink_rule *rule(uint8_t family, uint32_t pref,
                                       uint32_t number)
{
    for (uint32_t i = 0; i < plan.n; i++)
        if (plan.object[i].kind == GATEWAY_RULE &&
            plan.object[i].u.rule.family == family &&
            plan.object[i].u.rule.pref == pref && number-- == 0)
            return &plan.object[i].u.rule;
    return NULL;
}

/* Whatever the facts are: nothing from lan or wan gets past our rules, which
 * are in front of all others, and the table local is asked before. */
static void closed(uint8_t family)
{
    uint32_t local = UINT32_MAX, end[CONFIG_DEVICES];

    memset(end, 0xff, sizeof end);

    for (uint32_t i = plan.n; i-- > 0;) {
        const struct netlink_rule *r = &plan.object[i].u.rule;

        if (plan.object[i].kind != GATEWAY_RULE || r->family != family ||
            r->pref != GATEWAY_PLAN_FRONT)
            continue;
        if (gateway_plan_is_local(&plan.object[i]))
            local = i;
        for (uint32_t d = 0; d < facts.n; d++)
            if (r->action == NETLINK_UNREACHABLE && r->src_len == 0 &&
                r->dst_len == 0 && r->mark_mask == 0 &&
                strcmp(r->iif, facts.device[d].name) == 0)
                end[d] = i;
    }
    for (uint32_t d = 0; d < facts.n; d++)
        assert_true(local < end[d] && end[d] < UINT32_MAX);
}

static void one_address(void **state)
{
    struct gateway_plan_input in = whole();

    (void)state;
    give(LAN, "10.88.0.1/24");
    give(WAN, "203.0.113.1/24");
    gateway_plan_make(&in, &plan);
    assert_int_equal(count(GATEWAY_ROUTE, CT_IPV4), 3);
    assert_int_equal(count(GATEWAY_NEIGH, CT_IPV4), 2);
    assert_int_equal(count(GATEWAY_RULE, CT_IPV4), 4 + 4 + 2 + 5 + 4 + 6);
    closed(CT_IPV4);
    assert_int_equal(rule(CT_IPV4, 0, 4)->table, GATEWAY_PLAN_OUT);
    assert_int_equal(rule(CT_IPV4, 0, 5)->table, GATEWAY_PLAN_IN);
    assert_int_equal(rule(CT_IPV4, 0, 8)->ip_proto, 1);
    assert_int_equal(rule(CT_IPV4, 32765, 0)->not_group, GATEWAY_PLAN_TUNS);
    assert_int_equal(rule(CT_IPV4, 32765, 0)->mark_mask, 0);
    assert_int_equal(rule(CT_IPV4, 32765, 8)->not_group, 77);
    assert_int_equal(rule(CT_IPV4, 32765, 8)->mark_mask, UINT32_MAX);
    assert_int_equal(route(CT_IPV4, GATEWAY_PLAN_IN)->src_set, 0);
    assert_int_equal(route(CT_IPV4, GATEWAY_PLAN_OUT)->src.b[0], 203);
    assert_int_equal(route(CT_IPV4, GATEWAY_PLAN_OWN)->src.b[0], 203);
    /* No W of IPv6: what is here goes as ever, what passes comes to weir. */
    assert_int_equal(count(GATEWAY_ROUTE, CT_IPV6), 2);
    assert_int_equal(route(CT_IPV6, GATEWAY_PLAN_OUT)->src_set, 0);
    assert_int_equal(count(GATEWAY_NEIGH, CT_IPV6), 0);
    assert_int_equal(count(GATEWAY_RULE, CT_IPV6), 5 + 4);
    assert_null(rule(CT_IPV6, 32765, 4));
    closed(CT_IPV6);
}

static void most_addresses(void **state)
{
    struct gateway_plan_input in = whole();
    char text[32];

    (void)state;
    for (int i = 0; i < 8; i++) {
        snprintf(text, sizeof text, "10.88.0.%d/24", i + 1);
        give(LAN, text);
        snprintf(text, sizeof text, "2001:db8::%d/64", i + 1);
        give(WAN, text);
    }
    gateway_plan_make(&in, &plan);
    assert_true(plan.n < GATEWAY_PLAN_MAX);
    assert_int_equal(count(GATEWAY_NEIGH, CT_IPV6), 8);
    assert_int_equal(count(GATEWAY_RULE, CT_IPV6), 8 * 6 + 5 + 4 + 2);
    assert_int_equal(count(GATEWAY_RULE, CT_IPV4), 8 * 5 + 5 + 4);
    assert_int_equal(rule(CT_IPV6, 0, 8 * 4)->ip_proto, 58);
    closed(CT_IPV4);
    closed(CT_IPV6);
}

/* All of them with all addresses of one family or the other. */
static void most_devices(void **state)
{
    static struct config_facts_route routes[200];
    struct gateway_plan_input in = whole();

    (void)state;
    facts.n = CONFIG_DEVICES;
    for (uint32_t d = 0; d < facts.n; d++) {
        struct config_facts_device *f = &facts.device[d];

        f->index = 7 + d;
        f->inside = d != WAN && d % 2 == 0;
        in.tun[d] = 20 + d;
        in.tun_ipv6[d] = true;
        snprintf(f->name, sizeof f->name, "eth%u", d);
        snprintf(f->label, sizeof f->label, "d%u", d);
        config_gateway_tun(f->label, f->tun);
        for (int i = 0; i < CONFIG_ADDRS; i++) {
            char text[32];

            snprintf(text, sizeof text,
                     i < 4 ? "10.%u.0.%d/16" : "fd00:%u::%d/64", d, i + 1);
            give((int)d, text);
        }
    }
    facts.routes = routes;
    facts.n_routes = 200;
    for (uint32_t i = 0; i < 200; i++)
        routes[i] = (struct config_facts_route){
            .addr = {.b = {172, (uint8_t)i}},
            .family = CT_IPV4,
            .len = 16,
            .device = (uint8_t)(i % CONFIG_DEVICES)};
    routes[0] = (struct config_facts_route){
        .family = CT_IPV4, .device = 3}; /* the default route */
    gateway_plan_make(&in, &plan);
    assert_true(plan.n < GATEWAY_PLAN_MAX);
    assert_int_equal(route(CT_IPV4, GATEWAY_PLAN_OWN)->src.b[1], 3);
    assert_int_equal(route(CT_IPV6, GATEWAY_PLAN_OWN)->src.b[3], 1);
    assert_int_equal(count(GATEWAY_NEIGH, CT_IPV4), 8 * 4);
    /* forged and to_own for each device, errors, W or L; the rest */
    assert_int_equal(count(GATEWAY_RULE, CT_IPV4),
                     8 * 4 * (8 + 8 + 1 + 1) + 1 + 8 * 2 + 8 * 2 + 4);
    closed(CT_IPV4);
    closed(CT_IPV6);
}

static void without(void **state)
{
    struct gateway_plan_input in = whole();

    (void)state;
    give(WAN, "203.0.113.1/24");
    give(WAN, "2001:db8::1/64");
    in.ipv6 = false;
    gateway_plan_make(&in, &plan);
    assert_int_equal(count(GATEWAY_RULE, CT_IPV6), 0);
    assert_int_equal(count(GATEWAY_NEIGH, CT_IPV6), 0);
    in = whole();
    in.tun[LAN] = 0; /* lost: its rules stay, and lead nowhere */
    in.tun_ipv6[WAN] = false;
    gateway_plan_make(&in, &plan);
    assert_int_equal(count(GATEWAY_ROUTE, CT_IPV4), 2);
    assert_int_equal(count(GATEWAY_ROUTE, CT_IPV6), 0);
    closed(CT_IPV4);
    closed(CT_IPV6);
    in = whole();
    facts.device[WAN].index = 0; /* vanished */
    facts.device[WAN].n_addrs = 0;
    in.group = 0;
    gateway_plan_make(&in, &plan);
    assert_int_equal(count(GATEWAY_NEIGH, CT_IPV4), 0);
    assert_null(rule(CT_IPV4, 32765, 4));
    closed(CT_IPV4);
}

/* An uplink with the default route, but no address of that family yet: the host
 * goes on by wan. */
static void default_without_address(void **state)
{
    struct gateway_plan_input in = whole();
    struct config_facts_route by_default = {.family = CT_IPV4, .device = 2};

    (void)state;
    facts.n = 3;
    facts.device[2] = facts.device[WAN];
    strcpy(facts.device[2].name, "eth2");
    facts.device[2].index = 9;
    in.tun[2] = 22;
    facts.routes = &by_default;
    facts.n_routes = 1;
    give(WAN, "203.0.113.1/24");
    gateway_plan_make(&in, &plan);
    assert_non_null(route(CT_IPV4, GATEWAY_PLAN_OWN));
    assert_int_equal(route(CT_IPV4, GATEWAY_PLAN_OWN)->src.b[0], 203);
}

static void what_replaces_what(void **state)
{
    struct gateway_plan_input in = whole();
    struct gateway_object other;

    (void)state;
    give(WAN, "203.0.113.1/24");
    gateway_plan_make(&in, &plan);
    for (uint32_t i = 0; i < plan.n; i++)
        for (uint32_t k = 0; k < plan.n; k++) {
            assert_int_equal(
                gateway_plan_same(&plan.object[i], &plan.object[k]), i == k);
            assert_int_equal(
                gateway_plan_replaces(&plan.object[i], &plan.object[k]),
                i == k && plan.object[i].kind == GATEWAY_ROUTE);
        }
    other = plan.object[0];
    assert_int_equal(other.kind, GATEWAY_ROUTE);
    other.u.route.index++;
    assert_false(gateway_plan_same(&other, &plan.object[0]));
    assert_true(gateway_plan_replaces(&other, &plan.object[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(one_address, make_facts),
        cmocka_unit_test_setup(most_addresses, make_facts),
        cmocka_unit_test_setup(most_devices, make_facts),
        cmocka_unit_test_setup(without, make_facts),
        cmocka_unit_test_setup(default_without_address, make_facts),
        cmocka_unit_test_setup(what_replaces_what, make_facts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
