/* more.c - gateway mode with further devices, as the file says */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config_rig.h"

#define TWO  "\"lan\": \"eth0\", \"wan\": \"eth1\", "
#define DMZ  "\"dmz\": {\"device\": \"eth2\", \"side\": \"inside\"}"
#define UP   "\"up\": {\"device\": \"10.3.0.0/16\", \"side\": \"outside\"}"
#define MORE "\"gateway\": {" TWO "\"more\": {" UP ", " DMZ "}}"

static struct config_facts facts;
static struct config_facts_route routes[8];

static void give(unsigned device, uint8_t a, uint8_t b, uint8_t c)
{
    struct config_facts_device *d = &facts.device[device];

    d->addr[d->n_addrs].addr = (union ct_addr){.b = {a, b, c, 1}};
    d->addr[d->n_addrs].family = CT_IPV4;
    d->addr[d->n_addrs++].len = 24;
}

static void lead(unsigned device, uint8_t a, uint8_t b, uint8_t len)
{
    routes[facts.n_routes].addr = (union ct_addr){.b = {a, b}};
    routes[facts.n_routes].family = CT_IPV4;
    routes[facts.n_routes].len = len;
    routes[facts.n_routes++].device = (uint8_t)device;
}

/* dmz is number 2, up number 3. */
static int make_facts(void **state)
{
    (void)state;
    memset(&facts, 0, sizeof facts);
    facts.n = 4;
    facts.routes = routes;
    give(0, 10, 1, 0);
    give(1, 198, 51, 100);
    give(2, 10, 2, 0);
    give(3, 10, 3, 0);
    lead(0, 10, 1, 24);
    lead(2, 10, 2, 24);
    lead(3, 10, 3, 24);
    return 0;
}

static struct config *fine(const char *text)
{
    struct config_input in = {.facts = &facts};
    struct config *c;
    struct told t;

    if (parse_with(text, &in, &c, &t) != 0)
        fail_msg("%s\n%u:%u %s: %s", text, t.line, t.column, t.pointer,
                 t.message);
    return c;
}

static uint8_t way_to(const struct config *c, uint8_t a, uint8_t b, uint8_t d)
{
    union ct_addr addr = {.b = {a, b, d, 9}};
    struct fib *fib = fib_new(c->routes, c->n_routes);
    uint8_t iface = fib_lookup(fib, CT_IPV4, &addr);

    fib_free(fib);
    return iface;
}

/* In the order of names, so that another order in the file changes nothing. */
static void further_devices_become_interfaces(void **state)
{
    static const char *const names[] = {"lan", "wan", "dmz", "up"};
    struct config *c = fine("{" MORE "}");
    char *text;

    (void)state;
    assert_int_equal(c->n_ifaces, 4);
    for (unsigned i = 0; i < 4; i++) {
        char tun[16];

        snprintf(tun, sizeof tun, "weir-%s", names[i]);
        assert_string_equal(c->iface[i].name, names[i]);
        assert_string_equal(c->iface[i].tun, tun);
        assert_int_equal(c->iface[i].inside, i % 2 == 0);
        assert_int_equal(c->iface[i].n_addrs, 1);
        assert_int_equal(c->iface[i].txqueuelen, 5000);
        assert_true(c->iface[i].offloads);
    }
    assert_string_equal(c->gateway.device[2], "eth2");
    assert_string_equal(c->gateway.device[3], "10.3.0.0/16");
    text = printed(c);
    assert_non_null(strstr(text, "gateway.more.dmz.device"));
    assert_non_null(strstr(text, "gateway.more.up.side"));
    free(text);
    config_load_free(c);
}

static void each_uplink_hides_ipv4(void **state)
{
    struct config *c = fine("{" MORE "}");

    (void)state;
    assert_int_equal(c->rules.n, 2);
    for (unsigned i = 0; i < 2; i++) {
        const struct ct_rule *r = &c->rules.rules[i];

        assert_int_equal(r->action, CT_ACT_MASQUERADE);
        assert_string_equal(r->id, i == 0 ? "gateway" : "gateway-up");
        assert_int_equal(r->match.out.of, i == 0 ? 1 << 1 : 1 << 3);
        assert_int_equal(r->match.family, CT_IPV4);
        assert_true(r->match.src.negate);
        assert_int_equal(r->match.src.n_v4, 1);
        assert_int_equal(r->match.src.v4[0].lo.b[0], i == 0 ? 198 : 10);
    }
    config_load_free(c);
}

/* All leads out by wan, unless the kernel has a default route by another. */
static void the_kernels_routes_lead(void **state)
{
    struct config *c = fine("{" MORE "}");

    (void)state;
    assert_int_equal(way_to(c, 10, 1, 0), 0);
    assert_int_equal(way_to(c, 10, 2, 0), 2);
    assert_int_equal(way_to(c, 10, 3, 0), 3);
    assert_int_equal(way_to(c, 8, 8, 8), 1);
    config_load_free(c);
    lead(3, 0, 0, 0);
    c = fine("{" MORE "}");
    assert_int_equal(way_to(c, 8, 8, 8), 3);
    assert_int_equal(way_to(c, 198, 51, 100), 1);
    config_load_free(c);
}

/* A dnat from outside is about the addresses of where it may come from. */
static void a_forward_of_each_uplink(void **state)
{
    static const struct {
        const char *in;
        unsigned n;
        uint8_t first;
    } cases[] = {{"\"in\": \"up\",", 1, 10},
                 {"\"in\": \"wan\",", 1, 198},
                 {"\"in\": [\"wan\", \"up\"],", 2, 10},
                 {"\"in\": \"dmz\",", 0, 0},
                 {"", 2, 10}};

    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        const struct ct_addr_set *dst;
        char text[512];
        struct config *c;

        snprintf(text, sizeof text,
                 "{" MORE ", \"rules\": {\"prerouting\": [{%s \"dnat\": "
                 "\"10.1.0.2\"}]}}",
                 cases[i].in);
        c = fine(text);
        dst = &c->rules.rules[0].match.dst;
        assert_int_equal(dst->n_v4, cases[i].n);
        if (cases[i].n > 0)
            assert_int_equal(dst->v4[0].lo.b[0], cases[i].first);
        config_load_free(c);
    }
}

/* ---- errors; ^ stands before the place ---- */

#define G(more) "{\"gateway\": {" TWO "\"more\": " more "}}"
#define D(body) G("{\"d\": {" body "}}")

static const struct {
    const char *text, *pointer, *says;
} bad[] = {
    {G("^7"), "/gateway/more",
     "7 is not allowed here; use an object of at most 6"},
    {G("{^\"lan\": {\"device\": \"a\", \"side\": \"inside\"}}"),
     "/gateway/more/lan",
     "is not allowed as the name of a device; use 1 to 10 of"},
    {G("{^\"wan\": {\"device\": \"a\", \"side\": \"inside\"}}"),
     "/gateway/more/wan",
     "is not allowed as the name of a device; use 1 to 10 of"},
    {G("{^\"elevenbytes\": {\"device\": \"a\", \"side\": \"inside\"}}"),
     "/gateway/more/elevenbytes", "1 to 10"},
    {G("{^\"a b\": {\"device\": \"a\", \"side\": \"inside\"}}"),
     "/gateway/more/a b",
     "is not allowed as the name of a device; use 1 to 10 of"},
    {G("{\"d\": ^7}"), "/gateway/more/d", "use an object"},
    {G("{\"d\": ^{\"device\": \"a\"}}"), "/gateway/more/d",
     "\"side\" is missing"},
    {G("{\"d\": ^{\"side\": \"inside\"}}"), "/gateway/more/d",
     "\"device\" is missing"},
    {D("\"device\": \"a\", \"side\": ^\"between\""), "/gateway/more/d/side",
     "outside"},
    {D("\"device\": \"a\", \"side\": \"inside\", ^\"mtu\": 9"),
     "/gateway/more/d/mtu", "unknown key"},
    {D("\"device\": ^\"eth1\", \"side\": \"inside\""), "/gateway/more/d/device",
     "wan is already \"eth1\"; use another device"},
    {D("\"device\": ^\"weir-lan\", \"side\": \"inside\""),
     "/gateway/more/d/device",
     "is made by weir itself; use a device that exists already"},
    {G("{\"d\": {\"device\": \"a\", \"side\": \"inside\"}, \"e\": "
       "{\"device\": ^\"a\", \"side\": \"inside\"}}"),
     "/gateway/more/e/device", "d is already \"a\"; use another device"},
    {"{\"gateway\": {\"lan\": \"weir-d\", \"wan\": \"b\", \"more\": "
     "{^\"d\": {\"device\": \"a\", \"side\": \"inside\"}}}}",
     "/gateway/more/d",
     "weir makes a device weir-d, and lan is one already; use"},
    {"{\"gateway\": {" TWO "\"more\": {" DMZ "}}, \"rules\": {\"forward\": "
     "[{\"in\": ^\"eth2\"}]}}",
     "/rules/forward/0/in", "\"lan\", \"wan\" or a key of \"gateway.more\""},
};

static void each_mistake_has_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const char *from = bad[i].text, *mark = strchr(from, '^');
        unsigned column = (unsigned)(mark - from) + 1;
        char text[512];
        struct config *c;
        struct told t;

        snprintf(text, sizeof(text), "%.*s%s", (int)(column - 1), from,
                 mark + 1);
        assert_int_equal(parse(text, &c, &t), 2);
        if (t.n != 1 || t.column != column ||
            strcmp(t.pointer, bad[i].pointer) != 0 ||
            strstr(t.message, bad[i].says) == NULL)
            fail_msg("%s\n answers %u errors, %u (not %u) %s: %s", from, t.n,
                     t.column, column, t.pointer, t.message);
        assert_non_null(strstr(t.message, "; "));
    }
}

static void as_many_as_there_is_room_for(void **state)
{
    char text[1024] = "{\"gateway\": {" TWO "\"more\": {";
    struct config *c;
    struct told t;

    (void)state;
    for (unsigned i = 0; i < CONFIG_DEVICES - 2; i++)
        sprintf(text + strlen(text),
                "%s\"d%u\": {\"device\": \"x%u\", \"side\": \"outside\"}",
                i > 0 ? ", " : "", i, i);
    c = fine(strcat(text, "}}}"));
    assert_int_equal(c->n_ifaces, CONFIG_DEVICES);
    assert_int_equal(c->rules.n, CONFIG_DEVICES - 1);
    config_load_free(c);
    text[strlen(text) - 3] = '\0';
    strcat(text, ", \"d9\": {\"device\": \"y\", \"side\": \"inside\"}}}}");
    assert_int_equal(parse(text, &c, &t), 2);
    assert_non_null(strstr(t.message, "at most 6"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(further_devices_become_interfaces, make_facts),
        cmocka_unit_test_setup(each_uplink_hides_ipv4, make_facts),
        cmocka_unit_test_setup(the_kernels_routes_lead, make_facts),
        cmocka_unit_test_setup(a_forward_of_each_uplink, make_facts),
        cmocka_unit_test_setup(each_mistake_has_its_place, make_facts),
        cmocka_unit_test_setup(as_many_as_there_is_room_for, make_facts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
