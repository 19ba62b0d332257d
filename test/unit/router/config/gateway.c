/* gateway.c - gateway mode: what two devices become
 *
 * The same text is read with what the kernel says of the devices, with nothing
 * known of them, and with things that a kernel would hardly say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config_rig.h"

#define ETH "\"gateway\": {\"lan\": \"eth0\", \"wan\": \"eth1\"}"

/* ---- facts ---- */

struct facts {
    struct config_facts f;
    struct config_facts_route route[64];
};

static void add_addr(struct facts *x, unsigned side, const char *s, uint8_t len)
{
    struct config_facts_device *d = &x->f.device[side];
    struct ct_addr_range lo = {.lo = {.w64 = {0, 0}}};
    unsigned a, b, c, e;

    assert_int_equal(sscanf(s, "%u.%u.%u.%u", &a, &b, &c, &e), 4);
    lo.lo.b[0] = (uint8_t)a;
    lo.lo.b[1] = (uint8_t)b;
    lo.lo.b[2] = (uint8_t)c;
    lo.lo.b[3] = (uint8_t)e;
    d->addr[d->n_addrs].addr = lo.lo;
    d->addr[d->n_addrs].family = CT_IPV4;
    d->addr[d->n_addrs++].len = len;
}

static void add_six(struct facts *x, unsigned side, uint8_t last)
{
    struct config_facts_device *d = &x->f.device[side];

    d->addr[d->n_addrs].addr =
        (union ct_addr){.b = {0xfd, 0, 0, (uint8_t)side, [15] = last}};
    d->addr[d->n_addrs].family = CT_IPV6;
    d->addr[d->n_addrs++].len = 64;
}

static void add_route(struct facts *x, uint8_t a, uint8_t b, uint8_t c,
                      uint8_t len)
{
    x->route[x->f.n_routes].addr = (union ct_addr){.b = {a, b, c}};
    x->route[x->f.n_routes].family = CT_IPV4;
    x->route[x->f.n_routes++].len = len;
}

/* lan 10.9.1.1/24 and fd00:0::1, wan 198.51.100.7/24. */
static void usual(struct facts *x)
{
    memset(x, 0, sizeof(*x));
    x->f.routes = x->route;
    x->f.n = 2;
    strcpy(x->f.device[0].name, "eth0");
    strcpy(x->f.device[1].name, "eth1");
    x->f.device[0].mtu = 1500;
    x->f.device[1].mtu = 1492;
    add_addr(x, 0, "10.9.1.1", 24);
    add_six(x, 0, 1);
    add_addr(x, 1, "198.51.100.7", 24);
    add_route(x, 10, 9, 1, 24);
    add_route(x, 10, 20, 0, 16);
}

static struct config *fine(const char *text, const struct facts *x)
{
    struct config_input in = {.facts = x != NULL ? &x->f : NULL};
    struct config *c;
    struct told t;

    if (parse_with(text, &in, &c, &t) != 0)
        fail_msg("%s\n%u:%u %s: %s", text, t.line, t.column, t.pointer,
                 t.message);
    assert_int_equal(t.n, 0);
    return c;
}

static uint8_t way_to(const struct config *c, uint8_t a, uint8_t b, uint8_t d,
                      uint8_t e)
{
    union ct_addr addr = {.b = {a, b, d, e}};
    struct fib *fib = fib_new(c->routes, c->n_routes);
    uint8_t iface = fib_lookup(fib, CT_IPV4, &addr);

    fib_free(fib);
    return iface;
}

/* ---- what it becomes ---- */

static void devices_become_interfaces(void **state)
{
    struct facts x;
    struct config *c;
    union ct_addr six = {.b = {0x20, 0x01}};
    struct fib *fib;

    (void)state;
    usual(&x);
    c = fine("{" ETH "}", &x);
    assert_true(c->gateway.set);
    assert_string_equal(c->gateway.device[0], "eth0");
    assert_string_equal(c->gateway.device[1], "eth1");
    assert_int_equal(c->gateway.reserved.n, 0);
    assert_int_equal(c->n_ifaces, 2);
    assert_string_equal(c->iface[0].name, "lan");
    assert_string_equal(c->iface[0].tun, "weir-lan");
    assert_string_equal(c->iface[1].name, "wan");
    assert_string_equal(c->iface[1].tun, "weir-wan");
    assert_true(c->iface[0].inside && !c->iface[1].inside);
    assert_int_equal(c->iface[0].mtu, 1500);
    assert_int_equal(c->iface[1].mtu, 1492);
    assert_int_equal(c->iface[0].n_addrs, 2);
    assert_int_equal(c->iface[1].n_addrs, 1);
    assert_int_equal(c->iface[1].addr[0].len, 24);
    assert_int_equal(way_to(c, 10, 9, 1, 77), 0);
    assert_int_equal(way_to(c, 10, 20, 255, 1), 0);
    assert_int_equal(way_to(c, 198, 51, 100, 200), 1);
    assert_int_equal(way_to(c, 8, 8, 8, 8), 1);
    fib = fib_new(c->routes, c->n_routes);
    assert_int_equal(fib_lookup(fib, CT_IPV6, &six), 1);
    fib_free(fib);
    config_load_free(c);
}

static void without_facts_there_are_no_addresses(void **state)
{
    struct config *c =
        fine("{" ETH ", \"rules\": {\"forward\": [{\"src\": \"!wan\", "
             "\"verdict\": \"drop\"}], \"prerouting\": [{\"in\": \"wan\", "
             "\"proto\": \"tcp\", \"dport\": 80, \"dnat\": \"10.9.1.2\"}]}}",
             NULL);
    char *text;

    (void)state;
    assert_int_equal(c->iface[0].n_addrs + c->iface[1].n_addrs, 0);
    assert_int_equal(c->iface[0].mtu, 1500);
    assert_int_equal(c->n_routes, 2);
    assert_int_equal(way_to(c, 10, 9, 1, 77), 1);
    assert_int_equal(c->n_steer, 0);
    text = printed(c);
    assert_non_null(strstr(text, "interfaces.wan.address                 "
                                 "kernel   asked at the start\n"));
    free(text);
    config_load_free(c);
}

static const char *const good[] = {
    "\"lan\": \"eth0\", \"wan\": \"wlp3s0.100\"",
    "\"lan\": \"172.30.1.0/24\", \"wan\": \"172.30.2.0/24\"",
    "\"lan\": \"172.30.1.5\", \"wan\": \"eth0\"",
    "\"lan\": \"fd00:1::/64\", \"wan\": \"2001:db8::1\"",
    "\"lan\": \"10.0.0.0/8\", \"wan\": \"10.0.0.0/9\"",
    "\"lan\": \"a\", \"wan\": \"b\", \"reserved_ports\": []",
    "\"lan\": \"a\", \"wan\": \"b\", \"reserved_ports\": [22, \"8080-8090\"]",
    "\"lan\": \"a\", \"wan\": \"b\", \"reserved_ports\": [\"1-65534\"]",
};

static void devices_in_every_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        char text[256];

        snprintf(text, sizeof(text), "{\"gateway\": {%s}}", good[i]);
        config_load_free(fine(text, NULL));
    }
}

static void reserved_ports_are_sorted_and_merged(void **state)
{
    struct config *c =
        fine("{\"gateway\": {\"lan\": \"a\", \"wan\": \"b\", "
             "\"reserved_ports\": [\"8080-8090\", 22, 8091, \"8000-8085\", "
             "65535, \"7\"]}}",
             NULL);
    static const struct ct_number_range want[] = {
        {7, 7}, {22, 22}, {8000, 8091}, {65535, 65535}};

    (void)state;
    assert_int_equal(c->gateway.reserved.n, 4);
    assert_memory_equal(c->gateway.reserved.range, want, sizeof(want));
    config_load_free(c);
}

/* ---- errors; ^ stands before the place ---- */

#define G(body) "{\"gateway\": {" body "}}"
#define WAN     ", \"wan\": \"eth1\""
#define BOTH    "\"lan\": \"a\", \"wan\": \"b\", "

static const struct {
    const char *text, *pointer, *says;
} bad[] = {
    {"{\"gateway\": ^7}", "/gateway", "use an object"},
    {"{\"gateway\": ^{\"wan\": \"eth1\"}}", "/gateway", "\"lan\" is missing"},
    {"{\"gateway\": ^{\"lan\": \"eth1\"}}", "/gateway", "\"wan\" is missing"},
    {G("\"lan\": ^7" WAN), "/gateway/lan", "use the name of"},
    {G("\"lan\": ^\"\"" WAN), "/gateway/lan", "0 bytes"},
    {G("\"lan\": ^\"eth 0\"" WAN), "/gateway/lan", "not a device; use the"},
    {G("\"lan\": ^\"..\"" WAN), "/gateway/lan", "not a device; use the"},
    {G("\"lan\": ^\"abcdefghijklmnop\"" WAN), "/gateway/lan",
     "not a device; use the"},
    {G("\"lan\": ^\"eth0/24\"" WAN), "/gateway/lan", "not a prefix; use"},
    {G("\"lan\": ^\"10.0.0.0/33\"" WAN), "/gateway/lan", "not a prefix; use"},
    {G("\"lan\": ^\"0.0.0.0/0\"" WAN), "/gateway/lan", "not a prefix; use"},
    {G("\"lan\": ^\"10.0.0.1/24\"" WAN), "/gateway/lan", "use 10.0.0.0/24"},
    {G("\"lan\": ^\"127.0.0.1\"" WAN), "/gateway/lan", "loopback"},
    {G("\"lan\": ^\"weir-lan\"" WAN), "/gateway/lan", "made by weir itself;"},
    {G("\"lan\": \"eth1\", \"wan\": ^\"eth1\""), "/gateway/wan",
     "lan is already \"eth1\"; use another device"},
    {G("\"lan\": \"fd00::/64\", \"wan\": ^\"fd00:0::/64\""), "/gateway/wan",
     "use another device"},
    {G(BOTH "^\"dmz\": \"c\""), "/gateway/dmz", "unknown key"},
    {G(BOTH "\"wait\": ^1"), "/gateway/wait", "true or false"},
    {G(BOTH "\"txqueuelen\": ^0"), "/gateway/txqueuelen", "from 1 to 100000"},
    {G(BOTH "\"reserved_ports\": ^22"), "/gateway/reserved_ports", "a list"},
    {G(BOTH "\"reserved_ports\": [^0]"), "/gateway/reserved_ports/0",
     "from 1 to 65535"},
    {G(BOTH "\"reserved_ports\": [1, ^\"9-8\"]"), "/gateway/reserved_ports/1",
     "is not a port; use 1 to 65535, or a range \"A-B\" with A <="},
    {G(BOTH "\"reserved_ports\": [^true]"), "/gateway/reserved_ports/0",
     "true is not a port; use 1 to 65535, or a range \"A-B\" with"},
    {G(BOTH "\"reserved_ports\": ^[\"1-2000\", \"1500-65535\"]"),
     "/gateway/reserved_ports", "no port from 1024 to 65535 is left"},
    {"{" ETH ", \"routes\": [{\"to\": \"10.0.0.0/8\", \"interface\": "
     "^\"eth0\"}]}",
     "/routes/0/interface", "valid: \"lan\" or \"wan\""},
    {"{" ETH ", \"rules\": {\"forward\": [{\"in\": ^\"eth0\"}]}}",
     "/rules/forward/0/in", "valid: \"lan\" or \"wan\""},
    {"{" ETH ", \"routes\": [{\"to\": \"10.0.0.0/8\", \"interface\": \"lan\"}, "
     "{\"to\": ^\"10.0.0.0/8\", \"interface\": \"wan\"}]}",
     "/routes/1/to", "10.0.0.0/8 already leads to interface \"lan\"; use one"},
    {"{" ETH ", \"workers\": 2, \"rules\": {\"prerouting\": [{\"in\": \"wan\", "
     "\"dnat\": ^\"10.9.1.2\"}]}}",
     "/rules/prerouting/0/dnat", "every port"},
    {"{" ETH ", \"workers\": 2, \"rules\": {\"prerouting\": [{\"dst\": "
     "\"wan\", \"proto\": \"tcp\", \"dnat\": ^\"10.9.1.2\"}]}}",
     "/rules/prerouting/0/dnat", "every port"},
    {"{" ETH ", \"workers\": 2, \"rules\": {\"prerouting\": [{\"dst\": "
     "\"198.51.100.99\", \"dnat\": ^\"10.9.1.2\"}]}}",
     "/rules/prerouting/0/dnat", "may become the router's own"},
    {"{" ETH ", \"workers\": 2, \"nat\": {\"hairpin\": true}, "
     "\"rules\": {\"prerouting\": [{\"dst\": "
     "\"198.51.100.99\", \"proto\": \"udp\", \"dport\": \"1-65535\", "
     "\"dnat\": ^\"10.9.1.2\"}]}}",
     "/rules/prerouting/0/dnat",
     "in gateway mode with more than one worker dst may become"},
    {"{" ETH ", \"workers\": 4, \"nat\": {\"hairpin\": true}, "
     "\"rules\": {\"prerouting\": [{\"dst\": \"wan\", "
     "\"proto\": \"udp\", \"dport\": [\"1-65000\", \"65004-65535\"], "
     "\"dnat\": ^\"10.9.1.2\"}]}}",
     "/rules/prerouting/0/dnat", "every port"},
    {"{" ETH ", \"workers\": 2, \"rules\": {\"prerouting\": [{\"in\": \"lan\", "
     "\"proto\": \"tcp\", \"dport\": 80, \"redirect\": ^3128}]}}",
     "/rules/prerouting/0/redirect", "use \"workers\": 1"},
};

static void each_error_has_its_place(void **state)
{
    struct facts x;

    (void)state;
    usual(&x);
    for (size_t i = 0; i < 2 * sizeof(bad) / sizeof(bad[0]); i++) {
        const char *from = bad[i / 2].text, *mark = strchr(from, '^');
        unsigned column = (unsigned)(mark - from) + 1;
        struct config_input in = {.facts = i % 2 ? &x.f : NULL};
        char text[512];
        struct config *c;
        struct told t;

        snprintf(text, sizeof(text), "%.*s%s", (int)(column - 1), from,
                 mark + 1);
        assert_int_equal(parse_with(text, &in, &c, &t), 2);
        if (t.n != 1 || t.line != 1 || t.column != column ||
            strcmp(t.pointer, bad[i / 2].pointer) != 0 ||
            strstr(t.message, bad[i / 2].says) == NULL)
            fail_msg("%s\n answers %u errors, %u:%u (not %u) %s: %s", from, t.n,
                     t.line, t.column, column, t.pointer, t.message);
        assert_non_null(strstr(t.message, "; "));
    }
}

/* ---- rules ---- */

static const struct ct_rule *nth(const struct config *c, unsigned hook,
                                 unsigned stage, unsigned i)
{
    assert_true(c->rules.start[hook][stage] + i <
                c->rules.start[hook][stage + 1]);
    return &c->rules.rules[c->rules.start[hook][stage] + i];
}

static void ipv4_is_masqueraded_behind_the_users_rules(void **state)
{
    struct config *c = fine("{" ETH ", \"rules\": {\"postrouting\": [{\"snat\":"
                            " \"198.51.100.9\", \"id\": \"gateway\"}]}}",
                            NULL);
    const struct ct_rule *r = nth(c, CT_POSTROUTING, CT_STAGE_NAT, 1);
    char *text;

    (void)state;
    assert_int_equal(nth(c, CT_POSTROUTING, CT_STAGE_NAT, 0)->action,
                     CT_ACT_SNAT);
    assert_int_equal(r->action, CT_ACT_MASQUERADE);
    assert_int_equal(r->match.out.of, 1 << 1);
    assert_int_equal(r->match.family, CT_IPV4);
    assert_string_equal(r->id, "gateway-2");
    text = printed(c);
    assert_non_null(strstr(text, "rules.postrouting (nat)                "
                                 "default  gateway-2 {"));
    free(text);
    config_load_free(c);
    c = fine("{" ETH "}", NULL);
    assert_int_equal(c->rules.n, 1);
    assert_string_equal(c->rules.rules[0].id, "gateway");
    config_load_free(c);
    c = fine("{" IFACES "}", NULL);
    assert_int_equal(c->rules.n, 0);
    config_load_free(c);
}

/* Without dst a dnat from wan is about what is sent to the gateway. */
static const struct {
    const char *rule;
    unsigned hook;
    bool aimed;
} aims[] = {
    {"\"in\": \"wan\", \"dnat\": \"10.9.1.2\"", CT_PREROUTING, true},
    {"\"dnat\": \"10.9.1.2\"", CT_PREROUTING, true},
    {"\"in\": \"!lan\", \"dnat\": \"10.9.1.2\"", CT_PREROUTING, true},
    {"\"in\": \"wan\", \"redirect\": true", CT_PREROUTING, true},
    {"\"in\": \"lan\", \"dnat\": \"10.9.1.2\"", CT_PREROUTING, false},
    {"\"in\": \"!wan\", \"redirect\": true", CT_PREROUTING, false},
    {"\"dnat\": \"10.9.1.2\"", CT_OUTPUT, false},
    {"\"verdict\": \"accept\"", CT_PREROUTING, false},
};

static void a_forward_is_about_the_gateways_own_address(void **state)
{
    struct facts x;

    (void)state;
    usual(&x);
    for (size_t i = 0; i < sizeof(aims) / sizeof(aims[0]); i++) {
        const char *hook = aims[i].hook == CT_OUTPUT ? "output" : "prerouting";
        const struct ct_match *m;
        char text[256];
        struct config *c;

        snprintf(text, sizeof(text), "{" ETH ", \"rules\": {\"%s\": [{%s}]}}",
                 hook, aims[i].rule);
        c = fine(text, &x);
        m = &c->rules.rules[0].match;
        assert_int_equal(m->dst.present, aims[i].aimed);
        assert_int_equal(m->dst.n_v4, aims[i].aimed);
        if (aims[i].aimed)
            assert_int_equal(m->dst.v4[0].lo.b[3], 7);
        config_load_free(c);
        c = fine(text, NULL); /* nothing, not everything */
        assert_int_equal(c->rules.rules[0].match.dst.present, aims[i].aimed);
        assert_int_equal(c->rules.rules[0].match.dst.n_v4, 0);
        config_load_free(c);
    }
}

static void steering_knows_the_gateways_address(void **state)
{
    struct facts x;
    struct config *c;

    (void)state;
    usual(&x);
    c = fine("{" ETH ", \"workers\": 2, \"rules\": {\"prerouting\": [{\"in\": "
             "\"wan\", \"proto\": \"tcp\", \"dport\": 80, \"dnat\": "
             "\"10.9.1.2\"}]}}",
             &x);
    assert_int_equal(c->n_steer, 1);
    assert_int_equal(c->steer[0].addr.b[0], 198);
    assert_int_equal(c->steer[0].port_lo, 80);
    assert_int_equal(c->steer[0].target.b[3], 2);
    config_load_free(c);
}

static void an_interface_is_an_address_too(void **state)
{
    static const char rule[] =
        "\"rules\": {\"forward\": [{\"src\": [\"lan\", \"10.7.0.0/16\"], "
        "\"dst\": \"!wan\", \"family\": \"ipv6\"}]}}";
    char text[1024];
    const struct ct_match *m;
    struct facts x;
    struct config *c;
    struct told t;

    (void)state;
    usual(&x);
    snprintf(text, sizeof(text), "{" ETH ", %s", rule);
    c = fine(text, &x); /* wan has IPv4 alone just now: no error */
    m = &nth(c, CT_FORWARD, CT_STAGE_FILTER, 0)->match;
    assert_int_equal(m->src.n_v4, 2);
    assert_int_equal(m->src.n_v6, 1);
    assert_int_equal(m->dst.n_v4, 1);
    assert_true(m->dst.negate);
    assert_int_equal(m->family, CT_IPV6);
    config_load_free(c);
    /* Where the file gives the addresses it does contradict itself. */
    snprintf(text, sizeof(text), "{" IFACES "%s", rule);
    assert_int_equal(parse(text, &c, &t), 2);
    assert_non_null(strstr(t.message, "matches nothing"));
    /* A set has the name first. */
    c = fine("{" IFACES "\"sets\": {\"wan\": [\"10.3.0.0/16\"]}, \"rules\": "
             "{\"forward\": [{\"src\": \"lan\", \"dst\": \"wan\"}]}}",
             NULL);
    m = &c->rules.rules[0].match;
    assert_int_equal(m->src.n_v4, 1);
    assert_int_equal(m->src.v4[0].lo.b[3], 1);
    assert_int_equal(m->dst.v4[0].lo.b[1], 3);
    config_load_free(c);
}

/* ---- other facts ---- */

static void the_kept_text_makes_the_next_configuration(void **state)
{
    static const char text[] =
        "{" ETH ", // by hand\n \"rules\": {\"forward\": [{\"dst\": \"wan\", "
        "\"id\": \"x\", \"verdict\": \"drop\"}]}}";
    struct config *one, *two;
    struct facts x;

    (void)state;
    usual(&x);
    one = fine(text, &x);
    assert_int_equal(one->text_len, strlen(text));
    assert_memory_equal(one->text, text, strlen(text));
    x.f.device[1].n_addrs = 0;
    add_addr(&x, 1, "203.0.113.5", 26);
    x.f.device[1].mtu = 1400;
    two = fine(one->text, &x);
    assert_int_equal(one->iface[1].addr[0].addr.b[0], 198);
    assert_int_equal(two->iface[1].addr[0].addr.b[0], 203);
    assert_int_equal(two->iface[1].mtu, 1400);
    assert_int_equal(
        nth(two, CT_FORWARD, CT_STAGE_FILTER, 0)->match.dst.v4[0].lo.b[0], 203);
    assert_string_equal(two->text, one->text);
    config_load_free(one);
    config_load_free(two);
}

static void facts_that_contradict_each_other_are_settled(void **state)
{
    struct facts x;
    struct config *c;

    (void)state;
    usual(&x);
    x.f.device[0].n_addrs = x.f.device[1].n_addrs = 0;
    x.f.device[0].mtu = x.f.device[1].mtu = 0;
    add_addr(&x, 0, "198.51.100.7", 24);
    add_addr(&x, 0, "10.9.1.0", 24); /* a network's own address */
    add_addr(&x, 0, "10.9.1.0", 8);  /* twice */
    add_addr(&x, 0, "127.0.0.1", 8); /* loopback's */
    add_addr(&x, 1, "198.51.100.7", 24);
    add_addr(&x, 1, "10.20.3.3", 24); /* inside of what lan leads to */
    add_route(&x, 198, 51, 100, 24);  /* wan's network */
    add_route(&x, 0, 0, 0, 0);
    c = fine("{" ETH ", \"routes\": [{\"to\": \"10.9.1.0/24\", \"interface\": "
             "\"wan\"}, {\"to\": \"default\", \"interface\": \"lan\", "
             "\"family\": \"ipv6\"}]}",
             &x);
    assert_int_equal(c->iface[0].n_addrs, 1);
    assert_int_equal(c->iface[1].n_addrs, 2); /* what both have is wan's */
    assert_int_equal(c->iface[0].mtu, 1500);
    assert_int_equal(way_to(c, 198, 51, 100, 9), 0);
    assert_int_equal(way_to(c, 10, 20, 3, 4), 1); /* the longer one */
    assert_int_equal(way_to(c, 10, 20, 4, 4), 0);
    assert_int_equal(way_to(c, 10, 9, 1, 9), 1); /* the file's own word */
    assert_int_equal(way_to(c, 9, 9, 9, 9), 1);
    config_load_free(c);
}

/* Files that are fine with nothing known. */
static const char *const steady[] = {
    "{" ETH "}",
    "{" ETH ", \"routes\": [{\"to\": \"default\", \"interface\": \"lan\"}, "
    "{\"to\": \"10.0.0.0/8\", \"interface\": \"lan\"}]}",
    "{" ETH ", \"workers\": 4, \"nat\": {\"hairpin\": true}, \"rules\": {"
    "\"prerouting\": [{\"proto\": \"tcp\", \"dport\": 1, \"dnat\": "
    "\"10.0.0.1\"}, {\"proto\": \"udp\", \"dport\": \"1-9\", \"in\": \"wan\", "
    "\"dnat\": \"[fd00::1]:5\"}, {\"dst\": [\"wan\", \"10.0.0.0/24\"], "
    "\"proto\": \"tcp\", \"dport\": 7, \"dnat\": \"10.0.0.2\"}], "
    "\"forward\": [{\"dst\": [\"!wan\", \"!lan\"], \"proto\": \"icmpv6\"}, "
    "{\"src\": \"lan\", \"dst\": \"fd00::/8\"}, {\"src\": \"wan\", \"dst\": "
    "\"lan\"}]}}",
};

static void no_facts_ever_refuse_a_file(void **state)
{
    uint64_t seed = 3;

    (void)state;
#define NEXT (seed = seed * 6364136223846793005u + 1442695040888963407u)
    for (unsigned round = 0; round < 500; round++) {
        struct facts x;

        usual(&x);
        for (unsigned side = 0; side < 2; side++) {
            struct config_facts_device *d = &x.f.device[side];

            d->mtu = (uint16_t)(NEXT >> 40 & (round % 2 ? 0x7ff : 0xffff));
            d->n_addrs = (uint8_t)((NEXT >> 40) % 9);
            for (unsigned i = 0; i < d->n_addrs; i++) {
                d->addr[i].family = NEXT >> 63 ? CT_IPV6 : CT_IPV4;
                memset(&d->addr[i].addr, 0, sizeof(d->addr[i].addr));
                d->addr[i].addr.b[0] = NEXT >> 62 ? 10 : (uint8_t)(seed >> 40);
                d->addr[i].addr.b[3] = (uint8_t)(NEXT >> 61);
                d->addr[i].len = (uint8_t)(NEXT >> 50);
            }
        }
        x.f.n_routes = (uint32_t)(NEXT >> 40) % 64;
        for (unsigned i = 0; i < x.f.n_routes; i++) {
            x.route[i].family = NEXT >> 63 ? CT_IPV6 : CT_IPV4;
            x.route[i].addr = (union ct_addr){.b = {10}};
            x.route[i].addr.b[3] = (uint8_t)(NEXT >> 60);
            x.route[i].len =
                (uint8_t)((NEXT >> 40) %
                          (x.route[i].family == CT_IPV6 ? 129 : 33));
        }
        for (size_t i = 0; i < sizeof(steady) / sizeof(steady[0]); i++) {
            struct config *c = fine(steady[i], &x);
            char *text = printed(c);

            assert_non_null(strstr(text, "gateway.lan"));
            free(text);
            config_load_free(c);
        }
    }
}

static void print_says_what_the_kernel_gave(void **state)
{
    struct facts x;
    struct config *c;
    char *text;

    (void)state;
    usual(&x);
    c = fine("{\"gateway\": {\"lan\": \"eth0\", \"wan\": \"eth1\", "
             "\"reserved_ports\": [22, \"80-90\"]}, \"routes\": [{\"to\": "
             "\"10.4.0.0/16\", \"interface\": \"lan\"}]}",
             &x);
    text = printed(c);
#define HAS(line) assert_non_null(strstr(text, line))
    HAS("gateway.lan                            file     eth0\n");
    HAS("gateway.reserved_ports                 file     22,80-90\n");
    HAS("interfaces.lan.tun                     default  weir-lan\n");
    HAS("interfaces.wan.address                 kernel   198.51.100.7/24\n");
    HAS("interfaces.wan.mtu                     kernel   1492\n");
    HAS("routes                                 kernel   10.20.0.0/16 interface"
        " lan\n");
    HAS("routes                                 file     10.4.0.0/16 interface"
        " lan\n");
    HAS("routes                                 default  0.0.0.0/0 interface "
        "wan\n");
    free(text);
    config_load_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(devices_become_interfaces),
        cmocka_unit_test(without_facts_there_are_no_addresses),
        cmocka_unit_test(devices_in_every_form),
        cmocka_unit_test(reserved_ports_are_sorted_and_merged),
        cmocka_unit_test(each_error_has_its_place),
        cmocka_unit_test(ipv4_is_masqueraded_behind_the_users_rules),
        cmocka_unit_test(a_forward_is_about_the_gateways_own_address),
        cmocka_unit_test(steering_knows_the_gateways_address),
        cmocka_unit_test(an_interface_is_an_address_too),
        cmocka_unit_test(the_kept_text_makes_the_next_configuration),
        cmocka_unit_test(facts_that_contradict_each_other_are_settled),
        cmocka_unit_test(no_facts_ever_refuse_a_file),
        cmocka_unit_test(print_says_what_the_kernel_gave),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
