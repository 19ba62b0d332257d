/* test_config.c - configurations, good, bad and broken
 *
 * Bad files are rows: a piece of JSON put into a file that is fine without it,
 * and the one error that must come, with its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config.h"

#define IFACES                                                                 \
    "\"interfaces\": {\"lan\": {\"tun\": \"l0\", \"side\": \"inside\", "       \
    "\"address\": [\"10.0.1.1/24\", \"fd00:1::1/64\"]}, \"wan\": {\"tun\": "   \
    "\"w0\", \"side\": \"outside\", \"address\": [\"198.51.100.1/24\"]}},\n"

struct told {
    unsigned n;
    uint32_t line, column; /* of the first */
    char     pointer[128], message[900];
};

static void note(void *ctx, const struct config_error *e)
{
    struct told *t = ctx;

    if (t->n++ > 0)
        return;
    t->line = e->line;
    t->column = e->column;
    snprintf(t->pointer, sizeof(t->pointer), "%s", e->pointer);
    snprintf(t->message, sizeof(t->message), "%s", e->message);
}

static int parse(const char *text, struct config **out, struct told *t)
{
    size_t len = strlen(text);
    char  *exact = malloc(len + 1); /* ASan sees a byte read too far */
    int    code;

    memset(t, 0, sizeof(*t));
    memcpy(exact, text, len);
    code = config_parse(exact, len, out, note, t);
    free(exact);
    return code;
}

/* extra stands on line 2 from column 1. */
static struct config *fine(const char *extra)
{
    char           text[4096];
    struct config *c;
    struct told    t;

    snprintf(text, sizeof(text), "{" IFACES "%s}", extra);
    if (parse(text, &c, &t) != 0)
        fail_msg("%s\n%u:%u %s: %s", extra, t.line, t.column, t.pointer,
                 t.message);
    assert_int_equal(t.n, 0);
    return c;
}

static const char example[] =
    "// The example of the interface description, word for word.\n"
    "{\n"
    "  \"interfaces\": {\n"
    "    \"lan\": { \"tun\": \"weir-lan\", \"side\": \"inside\",  "
    "\"address\": [\"10.0.1.1/24\", \"fd00:1::1/64\"], \"mtu\": 1500 },\n"
    "    \"wan\": { \"tun\": \"weir-wan\", \"side\": \"outside\", "
    "\"address\": [\"198.51.100.1/24\"], \"mtu\": 1500 }\n"
    "  },\n"
    "  \"routes\": [ { \"to\": \"default\", \"interface\": \"wan\" } ], // all\n"
    "  \"rules\": {\n"
    "    \"prerouting\":  [ { \"in\": \"wan\", \"proto\": \"tcp\", \"dst\": "
    "\"198.51.100.1\", \"dport\": 8080, \"dnat\": \"10.0.1.2:80\" } ],\n"
    "    \"forward\":     [ { \"ct_state\": [\"invalid\"], \"verdict\": "
    "\"drop\" } ],\n"
    "    \"postrouting\": [ { \"out\": \"wan\", \"masquerade\": true } ]\n"
    "  },\n"
    "  \"policy\":    { \"input\": \"accept\", \"forward\": \"accept\", "
    "\"output\": \"accept\" },\n"
    "  \"sets\":      { \"office\": [ \"10.0.1.0/25\", \"10.0.9.7\" ] },\n"
    "  \"conntrack\": { \"max\": 262144, \"buckets\": 262144, \"profile\": "
    "\"linux\", \"on_full\": \"drop\", \"acct\": true, \"timestamp\": true,\n"
    "                 \"timeouts\": { \"udp\": 30, \"udp_stream\": 120 } },\n"
    "  \"nat\":       { \"hairpin\": false },\n"
    "  \"on_reload\": \"keep\",\n"
    "  \"workers\":   1,\n"
    "  \"seed\":      null,\n"
    "  \"api\":       { \"listen\": \"127.0.0.1:8080\", \"socket\": "
    "\"/run/weir/weir.sock\", \"token_file\": null },\n"
    "  \"log\":       { \"level\": \"info\", \"format\": \"text\" }\n"
    "}\n";

/* ---- good ones ---- */

static void the_example_is_read_as_it_says(void **state)
{
    struct config        *c;
    struct told           t;
    struct fib           *fib;
    union ct_addr         a = {.b = {10, 0, 1, 77}};
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
    assert_int_equal(dnat->match.in, 1);
    assert_int_equal(dnat->match.out, CT_NO_IFACE);
    assert_int_equal(dnat->match.family, CT_IPV4);
    assert_int_equal(dnat->match.icmp_type, -1);
    assert_int_equal(dnat->match.protos[0], 6);
    assert_int_equal(dnat->match.dport.n, 1);
    assert_int_equal(dnat->match.dport.r[0].lo, 8080);
    assert_int_equal(dnat->match.dst.n_v4, 1);
    assert_int_equal(dnat->nat.port_lo, 80);
    assert_int_equal(dnat->nat.lo.b[3], 2);
    assert_int_equal(c->rules.start[CT_PREROUTING][CT_STAGE_NAT + 1], 1);
    assert_int_equal(c->rules.start[CT_FORWARD][CT_STAGE_FILTER], 1);
    assert_int_equal(c->rules.start[CT_POSTROUTING][CT_STAGE_NAT], 2);
    assert_int_equal(c->rules.start[CT_POSTROUTING][CT_N_STAGES], 3);
    assert_int_equal(c->rules.rules[1].match.info, 1 << CT_INVALID);
    assert_int_equal(c->rules.policy[CT_FORWARD], CT_ACCEPT);

    assert_int_equal(c->n_steer, 1);
    assert_int_equal(c->steer[0].port_lo, 8080);
    assert_int_equal(c->steer[0].target.b[3], 2);
    assert_int_equal(c->max, 262144);
    assert_int_equal(c->params.v[CT_PARAM_udp], 30);
    assert_false(c->seed_set);
    assert_true(c->listen_set);
    assert_string_equal(c->listen_host, "127.0.0.1");
    assert_int_equal(c->listen_port, 8080);
    assert_string_equal(c->socket, "/run/weir/weir.sock");
    config_free(c);
}

static void what_is_not_given_has_its_default(void **state)
{
    struct config *c = fine("\"workers\": 1");

    (void)state;
    assert_int_equal(c->max, 262144);
    assert_int_equal(c->buckets, 262144);
    assert_int_equal(c->profile, CT_PROFILE_LINUX);
    assert_int_equal(c->on_full, CT_FULL_DROP);
    assert_true(c->acct && c->timestamp && !c->hairpin);
    assert_int_equal(c->params.v[CT_PARAM_tcp_established], 432000);
    assert_int_equal(c->iface[0].mtu, 1500);
    assert_int_equal(c->log_level, LOG_L_INFO);
    for (unsigned hook = 0; hook < CT_N_HOOKS; hook++)
        assert_int_equal(c->rules.policy[hook], CT_ACCEPT);
    assert_int_equal(config_iface_find(c, "wan"), 1);
    assert_int_equal(config_iface_find(c, "dmz"), CT_NO_IFACE);
    config_free(c);
}

static void a_profile_sets_what_is_not_set_by_hand(void **state)
{
    struct config *c = fine(
        "\"conntrack\": {\"tcp_loose\": true, \"timeouts\": {\"udp\": 7},"
        "\"buckets\": 1000, \"max\": 500, \"profile\": \"rfc\"}");

    (void)state;
    assert_int_equal(c->params.v[CT_PARAM_udp], 7);
    assert_int_equal(c->params.v[CT_PARAM_udp_stream], 300);
    assert_int_equal(c->params.v[CT_PARAM_tcp_loose], 1);
    assert_int_equal(c->params.v[CT_PARAM_tcp_established], 7440);
    assert_int_equal(c->buckets, 1024);
    assert_true(c->hairpin);
    config_free(c);
    c = fine("\"nat\": {\"hairpin\": false}, \"conntrack\": {\"profile\": "
             "\"weir\", \"max\": 20000}");
    assert_false(c->hairpin);
    assert_int_equal(c->buckets, 32768);
    config_free(c);
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
    const struct ct_rule  *r = only_rule(c);
    const struct ct_match *m = &r->match;

    (void)state;
    assert_string_equal(r->id, "r.1");
    assert_string_equal(r->comment, "hello");
    assert_int_equal(r->action, CT_ACT_REJECT);
    assert_int_equal(r->reject, CT_REJECT_RST);
    assert_int_equal(r->stage, CT_STAGE_FILTER);
    assert_true(m->in_negate && !m->out_negate);
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
    assert_int_equal(m->n_protos, 2);
    assert_int_equal(m->protos[1], 17);
    assert_true(m->sport.negate);
    assert_int_equal(m->dport.n, 2);
    assert_int_equal(m->dport.r[0].lo, 80);
    assert_int_equal(m->dport.r[0].hi, 91);
    assert_int_equal(m->dport.r[1].lo, 443);
    assert_int_equal(m->mark, 0x10);
    assert_int_equal(m->mark_mask, 0xf0);
    assert_int_equal(m->info, 1 << CT_NEW | 1 << CT_INVALID);
    assert_int_equal(m->info_negate, 1);
    assert_int_equal(m->family, 0);
    config_free(c);
}

static const struct {
    const char *rule, *hook;
    uint8_t     stage, action;
} stages[] = {
    {"\"notrack\": true", "prerouting", CT_STAGE_RAW, CT_ACT_NOTRACK},
    {"\"verdict\": \"notrack\"", "output", CT_STAGE_RAW, CT_ACT_NOTRACK},
    {"\"set_mark\": 7", "forward", CT_STAGE_MANGLE, CT_ACT_MARK},
    {"\"set_mark\": \"1/1\"", "postrouting", CT_STAGE_MANGLE, CT_ACT_MARK},
    {"\"snat\": \"192.0.2.1\"", "postrouting", CT_STAGE_NAT, CT_ACT_SNAT},
    {"\"snat\": \"192.0.2.1\"", "input", CT_STAGE_NAT, CT_ACT_SNAT},
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
        char           text[256];
        struct config *c;

        snprintf(text, sizeof(text), "\"rules\": {\"%s\": [{%s}]}",
                 stages[i].hook, stages[i].rule);
        c = fine(text);
        assert_int_equal(only_rule(c)->stage, stages[i].stage);
        assert_int_equal(only_rule(c)->action, stages[i].action);
        assert_int_equal(only_rule(c)->reject, CT_REJECT_PORT);
        config_free(c);
    }
}

static const struct {
    const char *target;
    uint8_t     family;
    int         port_lo, port_hi; /* -1: none */
    uint8_t     lo_last, hi_last;
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
};

static void translation_targets_in_every_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        const struct ct_nat_range *nat;
        char                       text[256];
        struct config             *c;
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
        config_free(c);
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
    config_free(c);
}

static void ids_are_stable_and_unique(void **state)
{
    struct config *a = fine(
        "\"rules\": {\"forward\": [{\"verdict\": \"drop\", \"in\": \"lan\"},"
        "{\"in\": \"lan\", \"verdict\": \"drop\", \"comment\": \"again\"}]}");
    struct config *b = fine(
        "\"rules\": {\"forward\": [{\"verdict\": \"accept\"},"
        "{\"in\": \"lan\", \"verdict\": \"drop\"}]}");
    char second[48];

    (void)state;
    assert_string_equal(a->rules.rules[0].id, b->rules.rules[1].id);
    assert_string_not_equal(b->rules.rules[0].id, b->rules.rules[1].id);
    snprintf(second, sizeof(second), "%s-2", a->rules.rules[0].id);
    assert_string_equal(a->rules.rules[1].id, second);
    config_free(a);
    config_free(b);
}

static void steering_rows_follow_the_first_rule(void **state)
{
    struct config *c = fine(
        "\"workers\": 2, \"rules\": {\"prerouting\": ["
        "{\"in\": \"wan\", \"proto\": \"udp\", \"dst\": \"198.51.100.1\","
        "\"dport\": \"100-110\", \"dnat\": \"10.0.1.2\"},"
        "{\"in\": \"wan\", \"proto\": \"udp\", \"dst\": \"198.51.100.1\","
        "\"dport\": [\"90-120\"], \"dnat\": \"10.0.1.3\"},"
        "{\"proto\": \"udp\", \"in\": \"wan\","
        "\"dport\": \"105-130\", \"dnat\": \"10.0.1.4\"}]}");
    static const struct {
        uint16_t lo, hi;
        uint8_t  first, target;
    } want[] = {
        {105, 130, 10, 4}, /* without dst: lan's own address too */
        {90, 99, 198, 3},
        {100, 110, 198, 2},
        {111, 120, 198, 3},
        {121, 130, 198, 4},
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
    config_free(c);
}

/* Echo requests have a row of their own, replies must not. */
static void a_rule_for_all_protocols_steers_echo_too(void **state)
{
    struct config *c =
        fine("\"workers\": 2, \"rules\": {\"prerouting\": [{\"dst\": "
             "\"203.0.113.0/31\", \"dnat\": \"10.0.1.2\"}]}");

    (void)state;
    assert_int_equal(c->n_steer, 6); /* two addresses: ICMP, TCP, UDP */
    assert_int_equal(c->steer[0].proto, 1);
    assert_int_equal(c->steer[0].port_lo, 8 << 8);
    assert_int_equal(c->steer[0].port_hi, 8 << 8 | 0xff);
    assert_int_equal(c->steer[2].proto, 6);
    assert_int_equal(c->steer[2].port_lo, 0);
    assert_int_equal(c->steer[2].port_hi, 65535);
    config_free(c);
}

/* ---- bad ones ---- */

#define RULE(hook, body) "\"rules\": {\"" hook "\": [{" body "}]}"
#define FWD(body)        RULE("forward", body)
#define POST(body)       RULE("postrouting", body)
#define PRE(body)        RULE("prerouting", body)
#define F0               "/rules/forward/0"
#define S0               "/rules/postrouting/0"
#define P0               "/rules/prerouting/0"

/* ^ stands before the character that the error must point at. */
static const struct {
    const char *extra, *pointer, *says;
} bad[] = {
    /* top level */
    {"^\"polcy\": {}", "/polcy", "did you mean \"policy\""},
    {"^\"gateway\": {}", "/gateway", "does not know \"gateway\""},
    {"\"workers\": ^0", "/workers", "from 1 to 64"},
    {"\"workers\": ^65", "/workers", "from 1 to 64"},
    {"\"workers\": ^\"2\"", "/workers", "this is \"2\""},
    {"\"workers\": ^1.5", "/workers", "fraction"},
    {"\"seed\": ^-1", "/seed", "whole number"},
    {"\"seed\": ^\"x\"", "/seed", "whole number"},
    {"\"on_reload\": ^\"revalidate\"", "/on_reload", "not available"},
    {"\"on_reload\": ^\"kill\"", "/on_reload", "\"keep\""},
    {"\"on_reload\": ^null", "/on_reload", "this is null"},
    {"\"log\": {\"level\": ^\"loud\"}", "/log/level", "\"warn\""},
    {"\"log\": {\"format\": ^7}", "/log/format", "\"json\""},
    {"\"log\": {^\"leve\": 1}", "/log/leve", "did you mean \"level\""},
    {"\"log\": ^[]", "/log", "this is a list; expected an object"},
    {"\"nat\": {\"hairpin\": ^1}", "/nat/hairpin", "true or false"},
    {"\"nat\": {^\"hairpins\": true}", "/nat/hairpins", "\"hairpin\""},
    {"\"policy\": {\"input\": ^\"reject\"}", "/policy/input", "\"drop\""},
    {"\"policy\": {^\"prerouting\": \"drop\"}", "/policy/prerouting",
     "unknown key"},
    {"\"policy\": ^true", "/policy", "this is true"},
    /* api */
    {"\"api\": {\"listen\": ^\"0.0.0.0:80\"}", "/api/listen", "by others"},
    {"\"api\": {\"listen\": ^\"[::]:80\"}", "/api/listen", "by others"},
    {"\"api\": {\"listen\": ^\"localhost:80\"}", "/api/listen",
     "no address to listen on"},
    {"\"api\": {\"listen\": ^\"127.0.0.1\"}", "/api/listen", "ADDRESS:PORT"},
    {"\"api\": {\"listen\": ^\"127.0.0.1:65536\"}", "/api/listen",
     "ADDRESS:PORT"},
    {"\"api\": {\"listen\": ^\"127.0.0.1:1-2\"}", "/api/listen",
     "ADDRESS:PORT"},
    {"\"api\": {\"listen\": ^\"::1:80\"}", "/api/listen", "ADDRESS:PORT"},
    {"\"api\": {\"listen\": ^\":80\"}", "/api/listen", "ADDRESS:PORT"},
    {"\"api\": {\"listen\": ^\"[]:80\"}", "/api/listen", "ADDRESS:PORT"},
    {"\"api\": {\"listen\": ^80}", "/api/listen", "this is 80"},
    {"\"api\": {\"socket\": ^\"\"}", "/api/socket", "0 bytes"},
    {"\"api\": {\"token_file\": ^\"/nowhere/at/all\"}", "/api/token_file",
     "No such file"},
    {"\"api\": {\"token_file\": ^\"/dev/null\"}", "/api/token_file",
     "no regular file"},
    /* conntrack */
    {"\"conntrack\": {\"max\": ^15}", "/conntrack/max", "from 16 to 16777216"},
    {"\"conntrack\": {\"max\": ^16777217}", "/conntrack/max", "16777216"},
    {"\"workers\": 4, \"conntrack\": {\"max\": ^63}", "/conntrack/max",
     "at least 64"},
    {"\"conntrack\": {\"buckets\": ^1}", "/conntrack/buckets", "from 16"},
    {"\"conntrack\": {\"profile\": ^\"bsd\"}", "/conntrack/profile",
     "\"linux\", \"weir\", \"rfc\""},
    {"\"conntrack\": {\"on_full\": ^\"panic\"}", "/conntrack/on_full",
     "\"untracked\""},
    {"\"conntrack\": {\"acct\": ^\"yes\"}", "/conntrack/acct", "true or false"},
    {"\"conntrack\": {\"timeouts\": {^\"upd\": 1}}", "/conntrack/timeouts/upd",
     "did you mean \"udp\""},
    {"\"conntrack\": {\"timeouts\": {^\"tcp_loose\": 1}}",
     "/conntrack/timeouts/tcp_loose", "unknown key"},
    {"\"conntrack\": {\"timeouts\": {\"udp\": ^0}}", "/conntrack/timeouts/udp",
     "from 1 to 31536000"},
    {"\"conntrack\": {\"timeouts\": ^30}", "/conntrack/timeouts", "an object"},
    {"\"conntrack\": {\"tcp_loose\": ^2}", "/conntrack/tcp_loose", "to 1"},
    {"\"conntrack\": {\"tcp_max_retrans_nr\": ^true}",
     "/conntrack/tcp_max_retrans_nr", "this is true"},
    {"\"conntrack\": {^\"udp\": 30}", "/conntrack/udp", "unknown key"},
    /* routes */
    {"\"routes\": ^{}", "/routes", "a list of routes"},
    {"\"routes\": [^7]", "/routes/0", "an object"},
    {"\"routes\": [^{\"interface\": \"wan\"}]", "/routes/0",
     "\"to\" is missing"},
    {"\"routes\": [^{\"to\": \"default\"}]", "/routes/0",
     "\"interface\" is missing"},
    {"\"routes\": [{\"to\": \"default\", \"interface\": ^\"dmz\"}]",
     "/routes/0/interface", "no interface \"dmz\""},
    {"\"routes\": [{\"to\": ^\"10.0.0.1/8\", \"interface\": \"wan\"}]",
     "/routes/0/to", "expected 10.0.0.0/8"},
    {"\"routes\": [{\"to\": ^\"all\", \"interface\": \"wan\"}]",
     "/routes/0/to", "no prefix"},
    {"\"routes\": [{\"to\": \"10.0.0.0/8\", \"family\": ^\"ipv6\", "
     "\"interface\": \"wan\"}]",
     "/routes/0/family", "other family"},
    {"\"routes\": [{\"to\": \"default\", \"interface\": \"wan\"}, {\"to\": "
     "^\"0.0.0.0/0\", \"interface\": \"lan\"}]",
     "/routes/1/to", "leads to interface \"wan\" already"},
    {"\"routes\": [{\"to\": ^\"10.0.1.0/24\", \"interface\": \"wan\"}]",
     "/routes/0/to", "leads to interface \"lan\" already"},
    {"\"routes\": [{\"to\": \"default\", ^\"via\": \"10.0.0.1\", "
     "\"interface\": \"wan\"}]",
     "/routes/0/via", "unknown key"},
    /* sets */
    {"\"sets\": {\"a\": ^\"10.0.0.1\"}", "/sets/a", "a list"},
    {"\"sets\": {^\"1a\": []}", "/sets/1a", "can't name a set"},
    {"\"sets\": {\"a\": [\"10.0.0.1\", ^\"10.0.0\"]}", "/sets/a/1",
     "no address"},
    {"\"sets\": {\"a\": [^\"10.0.0.1/33\"]}", "/sets/a/0", "no address"},
    {"\"sets\": {\"a\": [^\"10.0.0.1/24\"]}", "/sets/a/0",
     "expected 10.0.0.0/24"},
    {"\"sets\": {\"a\": [^\"10.0.0.9-10.0.0.1\"]}", "/sets/a/0",
     "ends before it begins"},
    {"\"sets\": {\"a\": [^\"10.0.0.9-fd00::1\"]}", "/sets/a/0", "one family"},
    {"\"sets\": {\"a\": [^\"10.0.0.9-\"]}", "/sets/a/0", "no range"},
    {"\"sets\": {\"a\": [^5]}", "/sets/a/0", "this is 5"},
    /* matches */
    {"\"rules\": ^[]", "/rules", "an object"},
    {"\"rules\": {\"forward\": ^{}}", "/rules/forward", "a list of rules"},
    {"\"rules\": {^\"ingress\": []}", "/rules/ingress", "unknown key"},
    {FWD("^\"verdic\": \"drop\""), F0 "/verdic", "did you mean \"verdict\""},
    {FWD("\"in\": ^\"eth0\""), F0 "/in", "no interface \"eth0\""},
    {FWD("\"src\": ^\"@none\""), F0 "/src", "no set \"none\""},
    {FWD("\"src\": ^\"lan\""), F0 "/src", "nor a set of that name"},
    {FWD("\"src\": ^[]"), F0 "/src", "an empty list"},
    {FWD("\"src\": [\"10.0.0.1\", ^\"!10.0.0.2\"]"), F0 "/src/1",
     "both kinds"},
    {"\"sets\": {\"e\": []}, " FWD("\"src\": ^\"!@e\""), F0 "/src",
     "empty set"},
    {FWD("\"proto\": ^\"tpc\""), F0 "/proto", "no protocol"},
    {FWD("\"proto\": ^256"), F0 "/proto", "no protocol"},
    {FWD("\"proto\": [1, 2, 3, 4, 5, 6, ^7]"), F0 "/proto/6", "at most 6"},
    {FWD("^\"dport\": 80"), F0 "/dport", "without a protocol"},
    {FWD("\"proto\": \"icmp\", ^\"sport\": 80"), F0 "/sport",
     "without a protocol"},
    {FWD("\"proto\": \"!tcp\", ^\"sport\": 80"), F0 "/sport",
     "without a protocol"},
    {FWD("\"proto\": \"tcp\", \"dport\": ^65536"), F0 "/dport", "65535"},
    {FWD("\"proto\": \"tcp\", \"dport\": ^\"90-80\""), F0 "/dport",
     "no port"},
    {FWD("\"proto\": \"tcp\", \"dport\": [80, ^\"http\"]"), F0 "/dport/1",
     "no port"},
    {FWD("\"icmp_type\": ^8"), F0 "/icmp_type", "without its protocol"},
    {FWD("\"proto\": \"icmp\", \"icmp_type\": ^\"ping\""), F0 "/icmp_type",
     "no type of icmp"},
    {FWD("\"proto\": \"icmpv6\", \"icmp_type\": ^256"), F0 "/icmp_type",
     "from 0 to 255"},
    {FWD("\"ct_state\": [\"new\", ^\"old\"]"), F0 "/ct_state/1", "no state"},
    {FWD("\"mark\": ^4294967296"), F0 "/mark", "4294967295"},
    {FWD("\"mark\": ^\"3/2\""), F0 "/mark", "outside a mask"},
    {FWD("\"mark\": ^\"0/0\""), F0 "/mark", "no mark"},
    {"\"rules\": {\"forward\": [^{\"src\": \"10.0.0.1\", \"dst\": "
     "\"fd00::1\"}]}",
     F0, "match nothing"},
    {"\"rules\": {\"forward\": [^{\"src\": \"10.0.0.1\", \"proto\": "
     "\"icmpv6\"}]}",
     F0, "match nothing"},
    {RULE("output", "^\"in\": \"lan\""), "/rules/output/0/in",
     "no interface"},
    {RULE("input", "^\"out\": \"lan\""), "/rules/input/0/out", "not routed"},
    {PRE("^\"out\": \"lan\", \"dnat\": \"10.0.1.2\""), P0 "/out",
     "not routed"},
    {PRE("^\"ct_state\": \"new\", \"notrack\": true"), P0 "/ct_state",
     "before conntrack"},
    {PRE("^\"mark\": 1, \"notrack\": true"), P0 "/mark", "before conntrack"},
    {PRE("\"ct_state\": ^\"established\", \"dnat\": \"10.0.1.2\""),
     P0 "/ct_state", "first packet"},
    {FWD("\"id\": ^\"a b\""), F0 "/id", "can't be an id"},
    {"\"rules\": {\"input\": [{\"id\": \"x\"}], \"forward\": [{\"id\": "
     "^\"x\"}]}",
     F0 "/id", "has the id"},
    {FWD("\"comment\": ^7"), F0 "/comment", "a text"},
    /* keys of later versions */
    {FWD("^\"zone\": 1"), F0 "/zone", "does not know \"zone\""},
    {FWD("^\"helper\": \"ftp\""), F0 "/helper", "expected one of in, out"},
    {FWD("^\"limit\": \"1/s\""), F0 "/limit", "does not know"},
    {FWD("^\"connlimit\": 1"), F0 "/connlimit", "does not know"},
    {FWD("^\"log\": true"), F0 "/log", "does not know"},
    {FWD("^\"netmap\": \"10.0.0.0/8\""), F0 "/netmap", "does not know"},
    {FWD("^\"ct_status\": \"assured\""), F0 "/ct_status", "does not know"},
    {FWD("^\"mss\": 1400"), F0 "/mss", "does not know"},
    {FWD("^\"queue\": 1"), F0 "/queue", "does not know"},
    {FWD("\"verdict\": ^\"queue 1\""), F0 "/verdict", "does not know"},
    /* actions */
    {FWD("\"verdict\": ^\"allow\""), F0 "/verdict", "\"accept\""},
    {FWD("\"verdict\": \"drop\", \"notrack\": ^true"), F0 "/notrack",
     "second action"},
    {FWD("\"verdict\": \"drop\", \"reject_with\": ^\"tcp-reset\""),
     F0 "/reject_with", "without a reject"},
    {FWD("\"verdict\": \"reject\", \"reject_with\": ^\"rst\""),
     F0 "/reject_with", "\"tcp-reset\""},
    {PRE("^\"verdict\": \"reject\""), P0 "/verdict", "makes no sense"},
    {FWD("^\"notrack\": true"), F0 "/notrack", "makes no sense in forward"},
    {PRE("^\"snat\": \"192.0.2.1\""), P0 "/snat", "postrouting or input"},
    {POST("^\"dnat\": \"192.0.2.1\""), S0 "/dnat", "prerouting or output"},
    {PRE("^\"masquerade\": true"), P0 "/masquerade", "in postrouting"},
    {POST("^\"redirect\": 80"), S0 "/redirect", "makes no sense"},
    {FWD("^\"random\": true"), F0 "/random", "without a translation"},
    {POST("\"masquerade\": ^false"), S0 "/masquerade", "expected true"},
    {POST("\"masquerade\": {^\"port\": 1}"), S0 "/masquerade/port",
     "did you mean \"ports\""},
    {POST("\"masquerade\": ^{\"ports\": \"1-2\"}"), S0 "/masquerade",
     "without a protocol"},
    {POST("\"proto\": \"tcp\", \"masquerade\": {\"ports\": ^\"0-2\"}"),
     S0 "/masquerade/ports", "no range of ports"},
    {POST("\"snat\": ^\"192.0.2.1:80\""), S0 "/snat", "without a protocol"},
    {POST("\"proto\": \"udp\", \"snat\": \"192.0.2.1:80\", \"ports\": ^81"),
     S0 "/ports", "twice"},
    {POST("\"snat\": ^\"192.0.2\""), S0 "/snat", "no address to translate"},
    {POST("\"snat\": ^\":80\""), S0 "/snat", "no address to translate"},
    {POST("\"snat\": ^\"192.0.2.9-192.0.2.1\""), S0 "/snat", "no address"},
    {POST("\"snat\": ^\"192.0.2.1:0\""), S0 "/snat", "no address"},
    {POST("\"snat\": ^\"224.0.0.1\""), S0 "/snat", "multicast"},
    {PRE("\"dnat\": ^\"127.0.0.1\""), P0 "/dnat", "loopback"},
    {PRE("\"dnat\": ^\"[fd00::1:80\""), P0 "/dnat", "no address"},
    {"\"rules\": {\"prerouting\": [^{\"dst\": \"10.0.0.1\", \"dnat\": "
     "\"fd00::1\"}]}",
     P0, "match nothing"},
    /* more than one worker */
    {"\"workers\": 2, " PRE("\"dnat\": ^\"10.0.1.2\""), P0 "/dnat",
     "no worker"},
    {"\"workers\": 2, " PRE("\"dst\": \"203.0.113.1\", \"dnat\": "
                            "^\"10.0.1.2-10.0.1.3\""),
     P0 "/dnat", "different workers"},
    {"\"workers\": 2, " PRE("\"dst\": \"198.51.100.1\", \"proto\": \"tcp\", "
                            "\"dnat\": ^\"10.0.1.2\""),
     P0 "/dnat", "every port"},
};

static void each_error_has_its_place_and_says_what(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const char    *mark = strchr(bad[i].extra, '^');
        unsigned       column = (unsigned)(mark - bad[i].extra) + 1;
        char           text[2048];
        struct config *c;
        struct told    t;

        snprintf(text, sizeof(text), "{" IFACES "%.*s%s}", (int)(column - 1),
                 bad[i].extra, mark + 1);
        if (parse(text, &c, &t) != 2)
            fail_msg("taken: %s", bad[i].extra);
        assert_null(c);
        if (t.n != 1 || t.line != 2 || t.column != column ||
            strcmp(t.pointer, bad[i].pointer) != 0 ||
            strstr(t.message, bad[i].says) == NULL)
            fail_msg("%s\n answers %u errors, %u:%u (not %u) %s: %s",
                     bad[i].extra, t.n, t.line, t.column, column, t.pointer,
                     t.message);
        assert_non_null(strstr(t.message, "; expected "));
    }
}

/* Interfaces are what every other row takes for granted: whole files. */
#define LAN(body) "{\"interfaces\": {\"lan\": {" body "},\n\"wan\": " WAN "}}"
#define WAN       "{\"tun\": \"w0\", \"side\": \"outside\"}"
#define TUN       "\"tun\": \"l0\", \"side\": \"inside\""
static const struct {
    const char *text, *pointer, *says;
} bad_ifaces[] = {
    {"^{}", "", "\"interfaces\" is missing"},
    {"^[]", "", "expected an object"},
    {"^7", "", "expected an object"},
    {"{\"interfaces\": ^{}}", "/interfaces", "2 to 16"},
    {"{\"interfaces\": ^[]}", "/interfaces", "2 to 16"},
    {"{\"interfaces\": ^{\"wan\": " WAN "}}", "/interfaces", "with 1 entries"},
    {"{\"interfaces\": {^\"a b\": {}, \"x\": " WAN "}}", "/interfaces/a b",
     "can't name an interface"},
    {"{\"interfaces\": {\"lan\": ^7, \"x\": " WAN "}}", "/interfaces/lan",
     "this is 7"},
    {"{\"interfaces\": {\"lan\": ^{\"side\": \"inside\"}, \"x\": " WAN "}}",
     "/interfaces/lan", "\"tun\" is missing"},
    {"{\"interfaces\": {\"lan\": ^{\"tun\": \"l0\"}, \"x\": " WAN "}}",
     "/interfaces/lan", "\"side\" is missing"},
    {LAN("\"tun\": ^\"l/0\", \"side\": \"inside\""), "/interfaces/lan/tun",
     "can't name a device"},
    {LAN("\"tun\": ^\"tun%d\", \"side\": \"inside\""), "/interfaces/lan/tun",
     "can't name a device"},
    {LAN("\"tun\": ^\"a234567890123456\", \"side\": \"inside\""),
     "/interfaces/lan/tun", "1 to 15 bytes"},
    {LAN(TUN ", \"mtu\": ^67"), "/interfaces/lan/mtu", "from 68 to 65535"},
    {LAN(TUN ", \"mtu\": ^1279, \"address\": [\"fd00::1/64\"]"),
     "/interfaces/lan/mtu", "at least 1280"},
    {LAN(TUN ", \"address\": [^\"10.0.0.1\"]"), "/interfaces/lan/address/0",
     "prefix length"},
    {LAN(TUN ", \"address\": [^\"10.0.0.0/24\"]"),
     "/interfaces/lan/address/0", "first or last"},
    {LAN(TUN ", \"address\": [^\"10.0.0.255/24\"]"),
     "/interfaces/lan/address/0", "first or last"},
    {LAN(TUN ", \"address\": [^\"127.0.0.1/8\"]"),
     "/interfaces/lan/address/0", "loopback"},
    {LAN(TUN ", \"address\": [^\"ff02::1/64\"]"),
     "/interfaces/lan/address/0", "multicast"},
    {LAN(TUN ", \"address\": [\"10.0.0.1/24\", ^\"10.0.0.1/8\"]"),
     "/interfaces/lan/address/1", "already"},
    {LAN(TUN ", \"address\": [\"10.0.0.1/24\"], \"kernel_address\": "
             "^\"10.0.0.1/24\""),
     "/interfaces/lan/kernel_address", "already"},
    {LAN(TUN ", ^\"adress\": []"), "/interfaces/lan/adress",
     "did you mean \"address\""},
    {"{\"interfaces\": {\"lan\": {\"tun\": \"w0\", \"side\": \"inside\"}, "
     "\"wan\": {\"tun\": ^\"w0\", \"side\": \"outside\"}}}",
     "/interfaces/wan/tun", "has the device \"w0\" already"},
    {"{\"interfaces\": {\"a\": {" TUN ", \"address\": [\"10.0.0.1/24\"]}, "
     "\"b\": {\"tun\": \"w\", \"side\": \"inside\", \"address\": "
     "^[\"10.0.0.2/24\"]}}}",
     "/interfaces/b/address", "is connected to 10.0.0.0/24 already"},
    /* syntax, told alone */
    {"{\"a\": [1 ^2], \"a\": }", "/a/0", "',' or ]"},
    {"{\"a\": 1, ^\"a\": 2}", "/a", "here already"},
    {"{\"b\": {\"q\\\"\": 1, /* \" */ ^\"q\\\"\" : 2}}", "/b/q\\\"",
     "here already"},
    {"^", "", "ends too early"},
};

static void interfaces_and_syntax_are_checked_too(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad_ifaces) / sizeof(bad_ifaces[0]); i++) {
        const char    *mark = strchr(bad_ifaces[i].text, '^');
        unsigned       column = (unsigned)(mark - bad_ifaces[i].text) + 1;
        char           text[1024];
        struct config *c;
        struct told    t;

        snprintf(text, sizeof(text), "%.*s%s", (int)(column - 1),
                 bad_ifaces[i].text, mark + 1);
        assert_int_equal(parse(text, &c, &t), 2);
        if (t.n != 1 || t.line != 1 || t.column != column ||
            strcmp(t.pointer, bad_ifaces[i].pointer) != 0 ||
            strstr(t.message, bad_ifaces[i].says) == NULL)
            fail_msg("%s\n answers %u errors, %u:%u (not %u) %s: %s",
                     bad_ifaces[i].text, t.n, t.line, t.column, column,
                     t.pointer, t.message);
    }
}

static const char *temporary(const char *text, mode_t mode)
{
    static char path[64];
    int         fd;

    strcpy(path, "/tmp/weir-test-config-XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
    return path;
}

static char *load(const char *path, int *code)
{
    struct config *c;
    char          *text = NULL;
    size_t         n;
    FILE          *f = open_memstream(&text, &n);

    *code = config_load(path, &c, f);
    fclose(f);
    config_free(c);
    return text;
}

static void all_errors_come_in_one_run_in_the_order_of_the_text(void **state)
{
    const char *path = temporary("{\n \"workers\": 0,\n" IFACES
                                 " \"polcy\": 1, \"log\": {\"level\": 3}\n}\n",
                                 0600);
    char        want[600], *got;
    int         code;

    (void)state;
    got = load(path, &code);
    snprintf(want, sizeof(want),
             "%s:2:13: /workers: this is 0; expected a whole number from 1 to "
             "64\n"
             "%s:4:2: /polcy: unknown key \"polcy\", did you mean \"policy\"; "
             "expected one of interfaces, routes, workers, sets, rules, "
             "policy, conntrack, nat, on_reload, seed, api, log\n"
             "%s:4:34: /log/level: this is 3; expected one of \"error\", "
             "\"warn\", \"info\", \"debug\"\n",
             path, path, path);
    assert_int_equal(code, 2);
    assert_string_equal(got, want);
    free(got);
    unlink(path);
}

static void what_cannot_be_read_is_one_sentence(void **state)
{
    char *got;
    int   code;

    (void)state;
    got = load("/nowhere/weir.json", &code);
    assert_int_equal(code, 1);
    assert_string_equal(got, "/nowhere/weir.json: No such file or "
                             "directory\n");
    free(got);
    got = load("/tmp", &code);
    assert_int_equal(code, 1);
    assert_string_equal(got, "/tmp: Is a directory\n");
    free(got);
}

/* A file must not write to the terminal of whoever checks it. */
static void errors_bear_no_control_characters(void **state)
{
    const char *path = temporary("{\"\\u001b[2J\\u009b\\n\": 1, " IFACES "}",
                                 0600);
    int         code;
    char       *got = load(path, &code);

    (void)state;
    assert_int_equal(code, 2);
    for (const char *p = got; *p != '\0'; p++)
        assert_true((unsigned char)*p >= 0x20 || p[1] == '\0');
    assert_null(strstr(got, "\xc2\x9b"));
    free(got);
    unlink(path);
}

static void a_token_must_be_long_and_nobody_elses(void **state)
{
    static const struct {
        const char *text, *says; /* NULL: taken */
        mode_t      mode;
    } cases[] = {
        {"  0123456789abcdef0123456789abcdef\n", NULL, 0600},
        {"0123456789abcdef0123456789abcdef", NULL, 0400},
        {"0123456789abcdef0123456789abcde\n", "31 characters", 0600},
        {"0123456789abcdef0123456789abcdef", "read by others", 0640},
        {"0123456789abcdef0123456789abcdef", "read by others", 0604},
        {"0123456789abcdef 0123456789abcdef", "a space", 0600},
        {"", "0 characters", 0600},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char    *path = temporary(cases[i].text, cases[i].mode);
        char           text[1024];
        struct config *c;
        struct told    t;

        snprintf(text, sizeof(text),
                 "{" IFACES "\"api\": {\"listen\": \"0.0.0.0:0\", "
                 "\"token_file\": \"%s\"}}",
                 path);
        assert_int_equal(parse(text, &c, &t), cases[i].says ? 2 : 0);
        if (cases[i].says == NULL) {
            assert_string_equal(c->token, "0123456789abcdef0123456789abcdef");
            assert_string_equal(c->listen_host, "0.0.0.0");
            assert_int_equal(c->listen_port, 0);
        } else {
            assert_int_equal(t.n, 1);
            assert_string_equal(t.pointer, "/api/token_file");
            assert_non_null(strstr(t.message, cases[i].says));
        }
        config_free(c);
        unlink(path);
    }
}

static void print_config_says_where_values_come_from(void **state)
{
    struct config *c;
    struct told    t;
    char          *text = NULL;
    size_t         n;
    FILE          *f = open_memstream(&text, &n);

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
    config_free(c);
}

/* ---- broken ones: no crash, and an answer that makes sense ---- */

static void try_bytes(const char *bytes, size_t len, unsigned *taken)
{
    char          *exact = malloc(len + 1);
    struct told    t = {.n = 0};
    struct config *c;
    int            code;

    memcpy(exact, bytes, len);
    code = config_parse(exact, len, &c, note, &t);
    assert_int_equal(code == 0, c != NULL);
    assert_int_equal(code == 0, t.n == 0);
    if (code != 0)
        assert_true(code == 2 && t.line > 0 && t.column > 0);
    *taken += code == 0;
    config_free(c);
    free(exact);
}

static void a_cut_file_is_never_taken(void **state)
{
    unsigned taken = 0;
    size_t   end = strlen(example);

    (void)state;
    while (example[end - 1] != '}')
        end--;
    for (size_t n = 0; n < end; n++)
        try_bytes(example, n, &taken);
    assert_int_equal(taken, 0);
    try_bytes(example, end, &taken);
    assert_int_equal(taken, 1);
}

static void flipped_bytes_never_hurt(void **state)
{
    size_t   len = strlen(example);
    uint64_t seed = 7;
    unsigned taken = 0;

    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        char     text[sizeof(example)];
        unsigned flips = 1 + round % 3;

        memcpy(text, example, len);
        while (flips-- > 0) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            /* Half of them become another byte of the file: likelier JSON. */
            text[(seed >> 20) % len] = (seed & 1u << 19) != 0
                                           ? (char)(seed >> 56)
                                           : example[(seed >> 44) % len];
        }
        try_bytes(text, len, &taken);
    }
    assert_true(taken > 1000); /* comments, names and numbers may change */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_is_read_as_it_says),
        cmocka_unit_test(what_is_not_given_has_its_default),
        cmocka_unit_test(a_profile_sets_what_is_not_set_by_hand),
        cmocka_unit_test(matches_become_data),
        cmocka_unit_test(an_action_names_its_stage),
        cmocka_unit_test(translation_targets_in_every_form),
        cmocka_unit_test(rules_stand_by_hook_stage_and_order),
        cmocka_unit_test(ids_are_stable_and_unique),
        cmocka_unit_test(steering_rows_follow_the_first_rule),
        cmocka_unit_test(a_rule_for_all_protocols_steers_echo_too),
        cmocka_unit_test(each_error_has_its_place_and_says_what),
        cmocka_unit_test(interfaces_and_syntax_are_checked_too),
        cmocka_unit_test(all_errors_come_in_one_run_in_the_order_of_the_text),
        cmocka_unit_test(what_cannot_be_read_is_one_sentence),
        cmocka_unit_test(errors_bear_no_control_characters),
        cmocka_unit_test(a_token_must_be_long_and_nobody_elses),
        cmocka_unit_test(print_config_says_where_values_come_from),
        cmocka_unit_test(a_cut_file_is_never_taken),
        cmocka_unit_test(flipped_bytes_never_hurt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
