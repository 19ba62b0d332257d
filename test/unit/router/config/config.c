/* config.c - good configurations, and what they become */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config_rig.h"

/* extra stands on line 2 from column 1. */
static struct config *fine(const char *extra)
{
    char text[20000];
    struct config *c;
    struct told t;

    snprintf(text, sizeof(text), "{" IFACES "%s}", extra);
    if (parse(text, &c, &t) != 0)
        fail_msg("%s\n%u:%u %s: %s", extra, t.line, t.column, t.pointer,
                 t.message);
    assert_int_equal(t.n, 0);
    return c;
}

static void the_example_is_read_as_it_says(void **state)
{
    struct config *c;
    struct told t;
    struct fib *fib;
    union ct_addr a = {.b = {10, 0, 1, 77}};
    const struct ct_rule *dnat;

    (void)state;
    assert_int_equal(parse(example, &c, &t), 0);
    assert_int_equal(c->n_ifaces, 2);
    assert_string_equal(c->iface[0].name, "lan");
    assert_string_equal(c->iface[0].tun, "weir-lan");
    assert_true(c->iface[0].inside);
    assert_false(c->iface[1].inside);
    assert_int_equal(c->iface[0].n_addrs, 2);
    assert_int_equal(c->iface[0].addr[1].family, CT_IPV6);
    assert_int_equal(c->iface[0].addr[1].len, 64);
    assert_int_equal(c->n_routes, 5); /* default twice, three connected */
    fib = fib_new(c->routes, c->n_routes);
    assert_int_equal(fib_lookup(fib, CT_IPV4, &a), 0);
    a.b[0] = 8;
    assert_int_equal(fib_lookup(fib, CT_IPV4, &a), 1);
    fib_free(fib);

    assert_int_equal(c->rules.n, 3);
    dnat = &c->rules.rules[c->rules.start[CT_PREROUTING][CT_STAGE_NAT]];
    assert_int_equal(dnat->action, CT_ACT_DNAT);
    assert_int_equal(dnat->match.in.of, 1 << 1);
    assert_int_equal(dnat->match.out.of, 0);
    assert_int_equal(dnat->match.family, CT_IPV4);
    assert_int_equal(dnat->match.icmp_type.n, 0);
    assert_int_equal(dnat->match.proto.of[0], 6);
    assert_int_equal(dnat->match.dport.n, 1);
    assert_int_equal(dnat->match.dport.r[0].lo, 8080);
    assert_int_equal(dnat->match.dst.n_v4, 1);
    assert_int_equal(dnat->nat.port_lo, 80);
    assert_int_equal(dnat->nat.lo.b[3], 2);
    assert_int_equal(c->rules.start[CT_PREROUTING][CT_STAGE_NAT + 1], 1);
    assert_int_equal(c->rules.start[CT_FORWARD][CT_STAGE_FILTER], 1);
    assert_int_equal(c->rules.start[CT_POSTROUTING][CT_STAGE_NAT], 2);
    assert_int_equal(c->rules.start[CT_POSTROUTING][CT_N_STAGES], 3);
    assert_int_equal(c->rules.rules[1].match.info.of, 1 << CT_INVALID);
    assert_int_equal(c->rules.policy[CT_FORWARD], CT_ACCEPT);

    assert_int_equal(c->n_steer, 1);
    assert_int_equal(c->steer[0].port_lo, 8080);
    assert_int_equal(c->steer[0].target.b[3], 2);
    assert_int_equal(c->core.max, 262144);
    assert_int_equal(c->core.params.v[CT_PARAM_udp], 30);
    assert_false(c->seed.set);
    assert_true(c->web.listen.set);
    assert_string_equal(c->web.listen.host, "127.0.0.1");
    assert_int_equal(c->web.listen.port, 8080);
    assert_string_equal(c->web.socket, "/run/weir/weir.sock");
    config_load_free(c);
}

static void what_is_not_given_has_its_default(void **state)
{
    struct config *c = fine("\"workers\": 1");

    (void)state;
    assert_int_equal(c->core.max, 262144);
    assert_int_equal(c->core.buckets, 262144);
    assert_int_equal(c->core.profile, CT_PROFILE_LINUX);
    assert_int_equal(c->core.on_full, CT_FULL_DROP);
    assert_true(c->core.acct && c->core.timestamp && !c->core.hairpin);
    assert_int_equal(c->core.params.v[CT_PARAM_tcp_established], 432000);
    assert_int_equal(c->iface[0].mtu, 1500);
    assert_int_equal(c->log_level, LOG_L_INFO);
    for (unsigned hook = 0; hook < CT_N_HOOKS; hook++)
        assert_int_equal(c->rules.policy[hook], CT_ACCEPT);
    assert_int_equal(config_iface_find(c, "wan"), 1);
    assert_int_equal(config_iface_find(c, "dmz"), CT_NO_IFACE);
    config_load_free(c);
}

static void a_profile_sets_what_is_not_set_by_hand(void **state)
{
    struct config *c =
        fine("\"conntrack\": {\"tcp_loose\": true, \"timeouts\": {\"udp\": 7},"
             "\"buckets\": 1000, \"max\": 500, \"profile\": \"rfc\"}");

    (void)state;
    assert_int_equal(c->core.params.v[CT_PARAM_udp], 7);
    assert_int_equal(c->core.params.v[CT_PARAM_udp_stream], 300);
    assert_int_equal(c->core.params.v[CT_PARAM_tcp_loose], 1);
    assert_int_equal(c->core.params.v[CT_PARAM_tcp_established], 7440);
    assert_int_equal(c->core.buckets, 1024);
    assert_true(c->core.hairpin);
    config_load_free(c);
    c = fine("\"nat\": {\"hairpin\": false}, \"conntrack\": {\"profile\": "
             "\"weir\", \"max\": 20000}");
    assert_false(c->core.hairpin);
    assert_int_equal(c->core.buckets, 32768);
    config_load_free(c);
}

static const struct ct_rule *only_rule(const struct config *c)
{
    assert_int_equal(c->rules.n, 1);
    return &c->rules.rules[0];
}

static void matches_become_data(void **state)
{
    struct config *c = fine(
        "\"sets\": {\"office\": [\"10.0.2.0/24\", \"10.0.1.128/25\", "
        "\"10.0.1.0/25\", \"fd00::/8\"]},"
        "\"rules\": {\"forward\": [{\"in\": \"!lan\", \"out\": \"lan\","
        "\"src\": [\"!@office\", \"!10.0.3.0-10.0.3.9\"], \"dst\": \"office\","
        "\"proto\": [\"tcp\", 17], \"sport\": \"!1-1023\","
        "\"dport\": [443, \"80-90\", \"91\", 85], \"mark\": \"0x10/0xf0\","
        "\"ct_state\": [\"!new\", \"!invalid\"], \"comment\": \"hello\","
        "\"id\": \"r.1\", \"verdict\": \"reject\","
        "\"reject_with\": \"tcp-reset\"}]}");
    const struct ct_rule *r = only_rule(c);
    const struct ct_match *m = &r->match;

    (void)state;
    assert_string_equal(r->id, "r.1");
    assert_string_equal(r->comment, "hello");
    assert_int_equal(r->action, CT_ACT_REJECT);
    assert_int_equal(r->reject, CT_REJECT_RST);
    assert_int_equal(r->stage, CT_STAGE_FILTER);
    assert_true(m->in.negate && !m->out.negate);
    /* 10.0.1.0 - 10.0.3.9 is one stretch. */
    assert_true(m->src.present && m->src.negate);
    assert_int_equal(m->src.n_v4, 1);
    assert_int_equal(m->src.v4[0].lo.b[2], 1);
    assert_int_equal(m->src.v4[0].hi.b[2], 3);
    assert_int_equal(m->src.v4[0].hi.b[3], 9);
    assert_int_equal(m->src.n_v6, 1);
    assert_int_equal(m->dst.n_v4, 1);
    assert_int_equal(m->dst.v4[0].hi.b[2], 2);
    assert_false(m->dst.negate);
    assert_int_equal(m->proto.n, 2);
    assert_int_equal(m->proto.of[1], 17);
    assert_true(m->sport.negate);
    assert_int_equal(m->dport.n, 2);
    assert_int_equal(m->dport.r[0].lo, 80);
    assert_int_equal(m->dport.r[0].hi, 91);
    assert_int_equal(m->dport.r[1].lo, 443);
    assert_int_equal(m->mark.of[0].value, 0x10);
    assert_int_equal(m->mark.of[0].mask, 0xf0);
    assert_int_equal(m->info.of, 1 << CT_NEW | 1 << CT_INVALID);
    assert_true(m->info.negate);
    assert_int_equal(m->family, 0);
    config_load_free(c);
}

/* One value or a list, of every match that says so. */
static void each_match_takes_a_list(void **state)
{
    struct config *c = fine(
        "\"rules\": {\"forward\": [{\"in\": [\"lan\", \"wan\"], \"out\": "
        "[\"!wan\", \"!lan\"], \"family\": [\"ipv4\", \"ipv6\"], \"mark\": "
        "[5, \"0x10/0xf0\", 7], \"proto\": \"icmp\", \"icmp_type\": "
        "[\"!echo-request\", \"!11\", \"!0\"]}, {\"family\": \"!ipv6\", "
        "\"mark\": \"!9\"}, {\"proto\": \"!icmp\", \"src\": "
        "\"fd00::/8\"}]}");
    const struct ct_match *m = &c->rules.rules[0].match;

    (void)state;
    assert_int_equal(m->in.of, 1 << 0 | 1 << 1);
    assert_int_equal(m->out.of, 1 << 0 | 1 << 1);
    assert_true(m->out.negate && !m->in.negate);
    assert_int_equal(m->family, CT_IPV4); /* which proto says */
    assert_int_equal(m->mark.n, 3);
    assert_int_equal(m->mark.of[0].value, 5);
    assert_int_equal(m->mark.of[1].mask, 0xf0);
    assert_int_equal(m->mark.of[2].value, 7);
    assert_int_equal(m->icmp_type.n, 3); /* sorted */
    assert_int_equal(m->icmp_type.r[0].lo, 0);
    assert_int_equal(m->icmp_type.r[1].lo, 8);
    assert_int_equal(m->icmp_type.r[2].lo, 11);
    assert_true(m->icmp_type.negate);
    m = &c->rules.rules[1].match;
    assert_int_equal(m->family, CT_IPV4);
    assert_int_equal(m->mark.of[0].value, 9);
    assert_true(m->mark.negate);
    assert_int_equal(c->rules.rules[2].match.family, CT_IPV6);
    config_load_free(c);
}

static const struct {
    const char *rule, *hook;
    uint8_t stage, action;
} stages[] = {
    {"\"notrack\": true", "prerouting", CT_STAGE_RAW, CT_ACT_NOTRACK},
    {"\"verdict\": \"notrack\"", "output", CT_STAGE_RAW, CT_ACT_NOTRACK},
    {"\"set_zone\": 7", "prerouting", CT_STAGE_RAW, CT_ACT_ZONE},
    {"\"set_zone_orig\": 0", "output", CT_STAGE_RAW, CT_ACT_ZONE},
    {"\"set_zone_reply\": 65535", "prerouting", CT_STAGE_RAW, CT_ACT_ZONE},
    {"\"set_mark\": 7", "forward", CT_STAGE_MANGLE, CT_ACT_MARK},
    {"\"set_mark\": \"1/1\"", "postrouting", CT_STAGE_MANGLE, CT_ACT_MARK},
    {"\"mss\": \"pmtu\"", "postrouting", CT_STAGE_MANGLE, CT_ACT_MSS},
    {"\"mss\": 1360", "prerouting", CT_STAGE_MANGLE, CT_ACT_MSS},
    {"\"set_ttl\": \"-1\"", "output", CT_STAGE_MANGLE, CT_ACT_TTL},
    {"\"set_dscp\": \"ef\"", "input", CT_STAGE_MANGLE, CT_ACT_DSCP},
    {"\"netmap\": \"192.0.2.0/24\"", "input", CT_STAGE_NAT, CT_ACT_NETMAP},
    {"\"limit\": \"over 1/day\"", "forward", CT_STAGE_FILTER, CT_ACT_COUNT},
    {"\"snat\": \"192.0.2.1\"", "postrouting", CT_STAGE_NAT, CT_ACT_SNAT},
    {"\"snat\": \"192.0.2.1\"", "input", CT_STAGE_NAT, CT_ACT_SNAT},
    {"\"nat\": \"none\"", "prerouting", CT_STAGE_NAT, CT_ACT_NO_NAT},
    {"\"masquerade\": {}", "postrouting", CT_STAGE_NAT, CT_ACT_MASQUERADE},
    {"\"dnat\": \"10.0.1.9\"", "output", CT_STAGE_NAT, CT_ACT_DNAT},
    {"\"redirect\": true", "prerouting", CT_STAGE_NAT, CT_ACT_REDIRECT},
    {"\"verdict\": \"accept\"", "input", CT_STAGE_FILTER, CT_ACT_ACCEPT},
    {"\"verdict\": \"drop\"", "output", CT_STAGE_FILTER, CT_ACT_DROP},
    {"\"verdict\": \"reject\"", "input", CT_STAGE_FILTER, CT_ACT_REJECT},
    {"\"counter\": true", "forward", CT_STAGE_FILTER, CT_ACT_COUNT},
    {"\"src\": \"10.0.0.0/8\"", "prerouting", CT_STAGE_FILTER, CT_ACT_COUNT},
};

static void an_action_names_its_stage(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
        char text[256];
        struct config *c;

        snprintf(text, sizeof(text), "\"rules\": {\"%s\": [{%s}]}",
                 stages[i].hook, stages[i].rule);
        c = fine(text);
        assert_int_equal(only_rule(c)->stage, stages[i].stage);
        assert_int_equal(only_rule(c)->action, stages[i].action);
        assert_int_equal(only_rule(c)->reject, CT_REJECT_PORT);
        config_load_free(c);
    }
}

static void queues_and_their_rules(void **state)
{
    struct config *c =
        fine("\"queues\": {\"list\": [{\"number\": 7}, {\"number\": 65535, "
             "\"max\": 9, "
             "\"bypass\": true, \"fail_open\": true, \"timeout_ms\": 10, "
             "\"resize\": true}]}, \"conntrack\": {\"extensions\": 16}, "
             "\"rules\": {\"postrouting\": [{\"verdict\": \"queue 65535\"}]}");
    const struct config_queue *q = c->queue;
    char *text = printed(c);

    (void)state;
    assert_int_equal(only_rule(c)->action, CT_ACT_QUEUE);
    assert_int_equal(only_rule(c)->stage, CT_STAGE_FILTER);
    assert_int_equal(only_rule(c)->queue, 65535);
    assert_int_equal(c->n_queues, 2);
    assert_int_equal(q[0].number, 7);
    assert_int_equal(q[0].max, 1024);
    assert_int_equal(q[0].timeout_ms, 5000);
    assert_false(q[0].bypass || q[0].fail_open);
    assert_int_equal(q[1].max, 9);
    assert_int_equal(q[1].timeout_ms, 10);
    assert_true(q[1].bypass && q[1].fail_open);
    assert_true(!q[0].resize && q[1].resize);
    assert_string_equal(c->queue_socket, "/run/weir/queue.sock");
    assert_non_null(strstr(text, "max 9, timeout_ms 10, bypass true, "
                                 "fail_open true, resize true"));
    free(text);
    config_load_free(c);
}

static const struct {
    const char *target;
    uint8_t family;
    int port_lo, port_hi; /* -1: none */
    uint8_t lo_last, hi_last;
} targets[] = {
    {"192.0.2.1", CT_IPV4, -1, -1, 1, 1},
    {"192.0.2.1-192.0.2.9", CT_IPV4, -1, -1, 1, 9},
    {"192.0.2.1:80", CT_IPV4, 80, 80, 1, 1},
    {"192.0.2.1:80-90", CT_IPV4, 80, 90, 1, 1},
    {"192.0.2.1-192.0.2.3:80-90", CT_IPV4, 80, 90, 1, 3},
    {"2001:db8::5", CT_IPV6, -1, -1, 5, 5},
    {"2001:db8::5-2001:db8::7", CT_IPV6, -1, -1, 5, 7},
    {"[2001:db8::5]:443", CT_IPV6, 443, 443, 5, 5},
    {"[2001:db8::5]-[2001:db8::6]:1-65535", CT_IPV6, 1, 65535, 5, 6},
    {"[2001:db8::5]", CT_IPV6, -1, -1, 5, 5},
    {"192.0.2.8/29", CT_IPV4, -1, -1, 8, 15},
    {"2001:db8::/126", CT_IPV6, -1, -1, 0, 3},
};

static void translation_targets_in_every_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        const struct ct_nat_range *nat;
        char text[256];
        struct config *c;
        unsigned last = targets[i].family == CT_IPV6 ? 15 : 3;

        snprintf(text, sizeof(text),
                 "\"rules\": {\"postrouting\": [{\"proto\": \"tcp\", "
                 "\"random\": true, \"persistent\": true, \"snat\": \"%s\"}]}",
                 targets[i].target);
        c = fine(text);
        nat = &only_rule(c)->nat;
        assert_int_equal(nat->family, targets[i].family);
        assert_int_equal(only_rule(c)->match.family, targets[i].family);
        assert_true(nat->has_addr && nat->random && nat->persistent);
        assert_int_equal(nat->has_ports, targets[i].port_lo >= 0);
        if (nat->has_ports) {
            assert_int_equal(nat->port_lo, targets[i].port_lo);
            assert_int_equal(nat->port_hi, targets[i].port_hi);
        }
        assert_int_equal(nat->lo.b[last], targets[i].lo_last);
        assert_int_equal(nat->hi.b[last], targets[i].hi_last);
        config_load_free(c);
    }
}

static void rules_stand_by_hook_stage_and_order(void **state)
{
    struct config *c = fine(
        "\"rules\": {\"postrouting\": [{\"id\": \"e\", \"masquerade\": true}],"
        "\"prerouting\": [{\"id\": \"c\", \"dnat\": \"10.0.1.2\"},"
        "{\"id\": \"d\", \"dnat\": \"10.0.1.3\"},"
        "{\"id\": \"b\", \"set_mark\": 1}, {\"id\": \"a\", \"notrack\": "
        "true}]}");
    char order[8] = "";

    (void)state;
    for (uint32_t i = 0; i < c->rules.n; i++)
        strcat(order, c->rules.rules[i].id);
    assert_string_equal(order, "abcde");
    assert_int_equal(c->rules.start[CT_PREROUTING][CT_STAGE_MANGLE], 1);
    assert_int_equal(c->rules.start[CT_PREROUTING][CT_STAGE_NAT], 2);
    assert_int_equal(c->rules.start[CT_PREROUTING][CT_STAGE_FILTER], 4);
    assert_int_equal(c->rules.start[CT_INPUT][0], 4);
    config_load_free(c);
}

/* Sorted by stage they still each have their own text. */
static void a_rule_keeps_its_text(void **state)
{
    static const char *const rules[] = {
        "{\"in\":\"lan\",\"set_mark\":\"0x10/0xff\"}",
        "{\"proto\":\"tcp\",\"dport\":[80,\"443-445\"],\"dnat\":"
        "\"10.0.1.2:80\",\"random\":true,\"comment\":\"ä \\\"\"}",
        "{\"proto\":\"udp\",\"limit\":\"over 10/second burst 5\",\"log\":\"u "
        "\","
        "\"verdict\":\"drop\"}",
        "{\"connlimit\":\"over 100/24/56\",\"verdict\":\"drop\"}",
        "{\"netmap\":\"203.0.113.0/24\",\"dst\":\"192.0.2.0/24\"}",
    };
    static const unsigned order[] = {0, 1, 4, 2, 3};
    char text[1024];
    struct config *c;

    (void)state;
    snprintf(text, sizeof(text),
             "\"rules\": {\"prerouting\": [%s,%s,%s,%s,%s]}", rules[2],
             rules[3], rules[0], rules[1], rules[4]);
    c = fine(text);
    assert_int_equal(c->rules.n, 5);
    for (unsigned i = 0; i < 5; i++)
        assert_string_equal(c->rule_text[i], rules[order[i]]);
    config_load_free(c);
}

static void ids_are_stable_and_unique(void **state)
{
    struct config *a = fine(
        "\"rules\": {\"forward\": [{\"verdict\": \"drop\", \"in\": \"lan\"},"
        "{\"in\": \"lan\", \"verdict\": \"drop\", \"comment\": \"again\"}]}");
    struct config *b =
        fine("\"rules\": {\"forward\": [{\"verdict\": \"accept\"},"
             "{\"in\": \"lan\", \"verdict\": \"drop\"}]}");
    char second[48];

    (void)state;
    assert_string_equal(a->rules.rules[0].id, b->rules.rules[1].id);
    assert_string_not_equal(b->rules.rules[0].id, b->rules.rules[1].id);
    snprintf(second, sizeof(second), "%s-2", a->rules.rules[0].id);
    assert_string_equal(a->rules.rules[1].id, second);
    config_load_free(a);
    config_load_free(b);
}

/* So that the other can go, and its counts stay where they were. */
static void an_id_is_of_its_hook(void **state)
{
    struct config *both = fine("\"rules\": {\"input\": [{\"mark\": 3}], "
                               "\"forward\": [{\"mark\": 3}]}");
    struct config *one = fine("\"rules\": {\"forward\": [{\"mark\": 3}]}");

    (void)state;
    assert_int_equal(both->rules.rules[1].hook, CT_FORWARD);
    assert_string_equal(both->rules.rules[1].id, one->rules.rules[0].id);
    assert_string_not_equal(both->rules.rules[0].id, one->rules.rules[0].id);
    config_load_free(both);
    config_load_free(one);
}

static void so_many_connlimits_and_no_more(void **state)
{
    char text[1024] = "{" IFACES "\"rules\": {\"forward\": [{}";
    struct config *c;
    struct told t;

    (void)state;
    for (unsigned i = 0; i < CT_MAX_CONNLIMITS; i++)
        strcat(text, ", {\"connlimit\": 3}");
    strcat(text, "]}}");
    assert_int_equal(parse(text, &c, &t), 0);
    assert_int_equal(c->rules.n_connlimits, CT_MAX_CONNLIMITS);
    config_load_free(c);
    strcpy(strrchr(text, ']'), ", {\"connlimit\": 3}]}}");
    assert_int_equal(parse(text, &c, &t), 2);
    assert_int_equal(t.n, 1);
    assert_non_null(strstr(t.message, "too many rules with connlimit"));
}

static void steering_rows_follow_the_first_rule(void **state)
{
    struct config *c =
        fine("\"workers\": 2, \"rules\": {\"prerouting\": ["
             "{\"in\": \"wan\", \"proto\": \"udp\", \"dst\": \"198.51.100.1\","
             "\"dport\": \"100-110\", \"dnat\": \"10.0.1.2\"},"
             "{\"in\": \"wan\", \"proto\": \"udp\", \"dst\": \"198.51.100.1\","
             "\"dport\": [\"90-120\"], \"dnat\": \"10.0.1.3\"},"
             "{\"proto\": \"udp\", \"in\": \"wan\","
             "\"dport\": \"105-130\", \"dnat\": \"10.0.1.4\"}]}");
    static const struct {
        uint16_t lo, hi;
        uint8_t first, target;
    } want[] = {
        {105, 130, 10, 4}, /* without dst: lan's own address too */
        {90, 99, 198, 3},   {100, 110, 198, 2},
        {111, 120, 198, 3}, {121, 130, 198, 4},
    };

    (void)state;
    assert_int_equal(c->n_steer, 5);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(c->steer[i].proto, 17);
        assert_int_equal(c->steer[i].addr.b[0], want[i].first);
        assert_int_equal(c->steer[i].port_lo, want[i].lo);
        assert_int_equal(c->steer[i].port_hi, want[i].hi);
        assert_int_equal(c->steer[i].target.b[3], want[i].target);
    }
    config_load_free(c);
}

/* Few rules or many of one address: each port is its first rule's. */
static void each_port_is_its_first_rules(void **state)
{
    enum { MOST = 60, PORTS = 1000 };
    unsigned lo[MOST], hi[MOST], n[] = {3, 16, 17, MOST};

    (void)state;
    for (unsigned k = 0; k < 4; k++) {
        char text[16384] = "\"workers\": 2, \"rules\": {\"prerouting\": [";
        struct config *c;

        for (unsigned i = 0; i < n[k]; i++) {
            lo[i] = 1 + (i * 7919 + k * 31) % PORTS;
            hi[i] = lo[i] + (i * 104729) % 200;
            snprintf(text + strlen(text), sizeof text - strlen(text),
                     "%s{\"proto\": \"udp\", \"dst\": \"198.51.100.1\", "
                     "\"dport\": \"%u-%u\", \"dnat\": \"10.0.1.%u\"}",
                     i > 0 ? "," : "", lo[i], hi[i], 2 + i);
        }
        snprintf(text + strlen(text), sizeof text - strlen(text), "]}");
        c = fine(text);
        for (unsigned p = 0; p < PORTS + 300; p++) {
            unsigned first = 0, target = 0, rows = 0;

            while (first < n[k] && (p < lo[first] || p > hi[first]))
                first++;
            for (uint32_t i = 0; i < c->n_steer; i++)
                if (c->steer[i].port_lo <= p && c->steer[i].port_hi >= p) {
                    target = c->steer[i].target.b[3];
                    rows++;
                }
            assert_int_equal(rows, first < n[k]);
            assert_int_equal(target, first < n[k] ? 2 + first : 0);
        }
        config_load_free(c);
    }
}

/* A port for each worker is enough, and a static forward's port needs none. */
static void few_source_ports(void **state)
{
    (void)state;
    config_load_free(
        fine("\"workers\": 4, \"rules\": {\"postrouting\": [{\"proto\": "
             "\"udp\", \"snat\": \"192.0.2.1:5000-5003\"}]}"));
    config_load_free(
        fine("\"workers\": 1, \"rules\": {\"postrouting\": [{\"proto\": "
             "\"udp\", \"snat\": \"192.0.2.1:5000\"}]}"));
    config_load_free(
        fine("\"workers\": 4, \"rules\": {\"prerouting\": [{\"dst\": "
             "\"192.0.2.1\", \"proto\": \"udp\", \"dport\": 5060, \"dnat\": "
             "\"10.0.1.2\"}], \"postrouting\": [{\"src\": \"10.0.1.2\", "
             "\"proto\": \"udp\", \"sport\": 5060, \"snat\": "
             "\"192.0.2.1:5060\"}]}"));
}

/* Echo requests have a row of their own, replies must not. */
static void a_rule_for_all_protocols_steers_echo_too(void **state)
{
    struct config *c =
        fine("\"workers\": 2, \"rules\": {\"prerouting\": [{\"dst\": "
             "\"203.0.113.0/31\", \"dnat\": \"10.0.1.2\"}]}");

    (void)state;
    /* two addresses: ICMP, TCP, UDP, DCCP, SCTP, UDP-Lite */
    assert_int_equal(c->n_steer, 12);
    assert_int_equal(c->steer[0].proto, 1);
    assert_int_equal(c->steer[0].port_lo, 8 << 8);
    assert_int_equal(c->steer[0].port_hi, 8 << 8 | 0xff);
    assert_int_equal(c->steer[2].proto, 6);
    assert_int_equal(c->steer[2].port_lo, 0);
    assert_int_equal(c->steer[2].port_hi, 65535);
    config_load_free(c);
}

static void print_config_says_where_values_come_from(void **state)
{
    struct config *c;
    struct told t;
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);

    (void)state;
    assert_int_equal(parse(example, &c, &t), 0);
    config_print(c, f);
    fclose(f);
    assert_non_null(strstr(text, "conntrack.timeouts.udp                 file "
                                 "    30 s\n"));
    assert_non_null(strstr(text, "conntrack.tcp_loose                    "
                                 "default  1\n"));
    assert_non_null(strstr(text, "interfaces.lan.kernel_address          "
                                 "default  none\n"));
    assert_non_null(strstr(text, "{\"out\":\"wan\",\"masquerade\":true}\n"));
    free(text);
    config_load_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_is_read_as_it_says),
        cmocka_unit_test(what_is_not_given_has_its_default),
        cmocka_unit_test(a_profile_sets_what_is_not_set_by_hand),
        cmocka_unit_test(matches_become_data),
        cmocka_unit_test(each_match_takes_a_list),
        cmocka_unit_test(an_action_names_its_stage),
        cmocka_unit_test(queues_and_their_rules),
        cmocka_unit_test(translation_targets_in_every_form),
        cmocka_unit_test(rules_stand_by_hook_stage_and_order),
        cmocka_unit_test(a_rule_keeps_its_text),
        cmocka_unit_test(ids_are_stable_and_unique),
        cmocka_unit_test(an_id_is_of_its_hook),
        cmocka_unit_test(so_many_connlimits_and_no_more),
        cmocka_unit_test(steering_rows_follow_the_first_rule),
        cmocka_unit_test(a_rule_for_all_protocols_steers_echo_too),
        cmocka_unit_test(each_port_is_its_first_rules),
        cmocka_unit_test(few_source_ports),
        cmocka_unit_test(print_config_says_where_values_come_from),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
