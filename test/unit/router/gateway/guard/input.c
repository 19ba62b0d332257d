/* input.c - gateway mode: input rules where weir is not asked
 *
 * Packets to the broadcast address and to the group of all nodes are written
 * into the other ends of lan's and wan's wires; a raw socket sees what the
 * kernel lets in.  A last one that is always let in says when to look. */
#include "bytes.h"
#include "gateway_rig.h"
#include "matchexamples.h"

#include "config/load.h"
#include "gateway/guard/input.h"
#include "system/inet_sum.h"

#include <ctcore/wire.h>

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <linux/netfilter.h>
#include <net/ethernet.h>
#include <sys/socket.h>

enum { LAST = 9, UDP = IPPROTO_UDP, TCP = IPPROTO_TCP, ICMP = IPPROTO_ICMP };

#define DROP   "\"policy\": {\"input\": \"drop\"}"
#define ACCEPT "\"policy\": {\"input\": \"accept\"}"
#define OK     "\"verdict\": \"accept\""
#define NO     "\"verdict\": \"drop\""

struct packet {
    int by; /* LAN or WAN */
    int proto, sport, dport;
    const char *src; /* NULL: any, IPv4 */
};

static const struct {
    const char *policy, *rule; /* the second rule of two */
    struct packet packet;
    bool arrives;
} rows[] = {
    {DROP, "", {LAN, UDP, 5, 53, NULL}, false},
    {DROP, "", {WAN, UDP, 5, 53, NULL}, false},
    {DROP, "", {WAN, UDP, 5, 53, "fe80::9"}, false},
    {DROP, OK, {WAN, UDP, 5, 53, NULL}, true},
    {ACCEPT, NO, {WAN, UDP, 5, 53, "fe80::9"}, false},
    {ACCEPT,
     "\"dport\": 54, \"proto\": \"udp\"," NO,
     {WAN, UDP, 5, 53, NULL},
     true},
    {ACCEPT,
     "\"dport\": 53, \"proto\": \"udp\"," NO,
     {WAN, UDP, 5, 53, NULL},
     false},
    /* devices */
    {DROP, "\"in\": \"lan\"," OK, {LAN, UDP, 5, 53, NULL}, true},
    {DROP, "\"in\": \"lan\"," OK, {WAN, UDP, 5, 53, NULL}, false},
    {DROP, "\"in\": \"!lan\"," OK, {WAN, UDP, 5, 53, NULL}, true},
    {DROP, "\"in\": [\"lan\", \"wan\"]," OK, {WAN, UDP, 5, 53, NULL}, true},
    /* families and protocols */
    {DROP, "\"family\": \"ipv6\"," OK, {LAN, UDP, 5, 53, NULL}, false},
    {DROP, "\"family\": \"ipv6\"," OK, {LAN, UDP, 5, 53, "fe80::9"}, true},
    {DROP, "\"proto\": \"tcp\"," OK, {LAN, UDP, 5, 53, NULL}, false},
    {DROP, "\"proto\": [\"tcp\", \"udp\"]," OK, {LAN, UDP, 5, 53, NULL}, true},
    {DROP, "\"proto\": \"!tcp\"," OK, {LAN, UDP, 5, 53, NULL}, true},
    {DROP, "\"proto\": \"!udp\"," OK, {LAN, UDP, 5, 53, NULL}, false},
    /* ports */
    {DROP,
     "\"proto\": \"udp\", \"dport\": [1, \"50-60\", 70]," OK,
     {LAN, UDP, 5, 60, NULL},
     true},
    {DROP,
     "\"proto\": \"udp\", \"dport\": [1, \"50-60\", 70]," OK,
     {LAN, UDP, 5, 61, NULL},
     false},
    {DROP,
     "\"proto\": \"udp\", \"dport\": [\"50-60\", 61, \"55-65535\"]," OK,
     {LAN, UDP, 5, 65535, NULL},
     true},
    {DROP,
     "\"proto\": \"udp\", \"dport\": [\"50-60\", 61, \"55-65535\"]," OK,
     {LAN, UDP, 5, 49, NULL},
     false},
    {DROP,
     "\"proto\": \"udp\", \"sport\": \"!5\"," OK,
     {LAN, UDP, 5, 53, NULL},
     false},
    {DROP,
     "\"proto\": \"udp\", \"sport\": \"!5\"," OK,
     {LAN, UDP, 6, 53, "fe80::9"},
     true},
    /* addresses */
    {DROP,
     "\"src\": \"10.88.0.0/24\"," OK,
     {LAN, UDP, 5, 53, "10.88.0.254"},
     true},
    {DROP,
     "\"src\": \"10.88.0.0/24\"," OK,
     {LAN, UDP, 5, 53, "10.88.1.0"},
     false},
    {DROP,
     "\"src\": [\"10.88.0.0/24\", \"192.0.2.7\", \"fe80::/10\"]," OK,
     {LAN, UDP, 5, 53, "192.0.2.7"},
     true},
    {DROP,
     "\"src\": [\"10.88.0.0/24\", \"192.0.2.7\", \"fe80::/10\"]," OK,
     {LAN, UDP, 5, 53, "fe80::7"},
     true},
    {DROP,
     "\"src\": [\"10.88.0.0/24\", \"192.0.2.7\"]," OK,
     {LAN, UDP, 5, 53, "fe80::7"},
     false},
    {DROP,
     "\"src\": [\"!10.88.0.0/24\", \"!192.0.2.7\"]," OK,
     {LAN, UDP, 5, 53, "192.0.2.7"},
     false},
    {DROP,
     "\"src\": [\"!10.88.0.0/24\", \"!192.0.2.7\"]," OK,
     {LAN, UDP, 5, 53, "192.0.2.8"},
     true},
    {DROP, "\"dst\": \"255.255.255.255\"," OK, {LAN, UDP, 5, 53, NULL}, true},
    {DROP, "\"dst\": \"ff02::/16\"," OK, {LAN, UDP, 5, 53, "fe80::9"}, true},
    {DROP, "\"dst\": \"wan\"," OK, {WAN, UDP, 5, 53, NULL}, false},
    /* ICMP */
    {DROP,
     "\"proto\": \"icmp\", \"icmp_type\": [13, 8]," OK,
     {LAN, ICMP, 8, 0, NULL},
     true},
    {DROP,
     "\"proto\": \"icmp\", \"icmp_type\": 13," OK,
     {LAN, ICMP, 8, 0, NULL},
     false},
    {DROP, "\"proto\": \"icmp\"," OK, {LAN, ICMP, 8, 0, NULL}, true},
    /* states: it is the first of a flow */
    {DROP, "\"ct_state\": \"new\"," OK, {LAN, UDP, 5, 53, NULL}, true},
    {DROP,
     "\"ct_state\": [\"established\", \"related\"]," OK,
     {LAN, UDP, 5, 53, NULL},
     false},
    {DROP, "\"ct_status\": \"dnat\"," OK, {LAN, UDP, 5, 53, NULL}, false},
    {DROP, "\"mark\": 7," OK, {LAN, UDP, 5, 53, NULL}, false},
    {DROP, "\"mark\": \"!7\"," OK, {LAN, UDP, 5, 53, NULL}, true},
    {DROP, "\"mark\": \"!0\"," OK, {LAN, UDP, 5, 53, NULL}, false},
    {DROP, "\"mark\": [7, \"0/0xff\"]," OK, {LAN, UDP, 5, 53, NULL}, true},
    {DROP, "\"ct_state\": \"!established\"," OK, {LAN, UDP, 5, 53, NULL}, true},
    {DROP, "\"ct_state\": \"!new\"," OK, {LAN, UDP, 5, 53, NULL}, false},
    {DROP,
     "\"proto\": \"tcp\", \"dport\": 53," OK,
     {LAN, UDP, 5, 53, NULL},
     false},
    /* left out */
    {DROP, "\"limit\": \"10/second\"," OK, {LAN, UDP, 5, 53, NULL}, false},
    {ACCEPT, "\"connlimit\": \"over 10\"," NO, {LAN, UDP, 5, 53, NULL}, true},
    /* what keeps a link alive */
    {DROP, "", {WAN, UDP, 67, 68, NULL}, true},
    {DROP, "", {LAN, UDP, 67, 68, NULL}, false},
    {DROP, "", {WAN, UDP, 547, 546, "fe80::9"}, true},
    {DROP, "", {WAN, UDP, 68, 67, NULL}, false},
    {DROP, "", {LAN, IPPROTO_IGMP, 0x11, 0, NULL}, true},
    {DROP, "", {LAN, IPPROTO_ICMPV6, 130, 0, "fe80::9"}, true},
    {DROP, "", {LAN, IPPROTO_ICMPV6, 128, 0, "fe80::9"}, false},
};

/* ---- packets ---- */

static uint32_t put_ipv4(uint8_t *p, const struct packet *what)
{
    static const uint8_t any[4] = {192, 0, 2, 1};

    p[0] = 0x45;
    p[3] = 20 + 16;
    p[8] = 1;
    p[9] = (uint8_t)what->proto;
    if (what->src == NULL)
        memcpy(p + 12, any, sizeof any);
    else
        assert_int_equal(inet_pton(AF_INET, what->src, p + 12), 1);
    memset(p + 16, 0xff, 4);
    inet_sum_complete(p, 20, 10);
    return 20;
}

static uint32_t put_ipv6(uint8_t *p, const struct packet *what)
{
    p[0] = 0x60;
    p[5] = 16;
    p[6] = (uint8_t)what->proto;
    p[7] = 255;
    assert_int_equal(inet_pton(AF_INET6, what->src, p + 8), 1);
    assert_int_equal(inet_pton(AF_INET6, "ff02::1", p + 24), 1);
    return 40;
}

static bool is_six(const struct packet *what)
{
    return what->src != NULL && strchr(what->src, ':') != NULL;
}

static void put_transport(uint8_t *p, const struct packet *what)
{
    if (what->proto != UDP) {
        p[0] = (uint8_t)what->sport;
        return;
    }
    bytes_put16(p, (uint16_t)what->sport);
    bytes_put16(p + 2, (uint16_t)what->dport);
    p[5] = 16;
}

/* Raw sockets of ICMPv6 ask for a right one (RFC 3542 3.1). */
static void put_sum(uint8_t *p)
{
    uint16_t sum = ct_inet_sum(p + 8, 32, IPPROTO_ICMPV6 + 16);

    sum = (uint16_t)~ct_inet_sum(p + 40, 16, sum);
    bytes_put16(p + 42, sum);
}

static void send_it(const struct packet *what)
{
    uint8_t frame[80] = {0};
    struct sockaddr_ll to = {.sll_family = AF_PACKET};
    int s = socket(AF_PACKET, SOCK_RAW, 0);
    uint32_t len;

    to.sll_ifindex = (int)if_nametoindex(what->by == LAN ? "plan0" : "pwan0");
    memset(frame, 0xff, ETH_ALEN);
    frame[6] = 2;
    frame[12] = is_six(what) ? 0x86 : 0x08;
    frame[13] = is_six(what) ? 0xdd : 0x00;
    len = is_six(what) ? put_ipv6(frame + ETH_HLEN, what)
                       : put_ipv4(frame + ETH_HLEN, what);
    put_transport(frame + ETH_HLEN + len, what);
    if (what->proto == IPPROTO_ICMPV6)
        put_sum(frame + ETH_HLEN);
    len += ETH_HLEN + 16;
    assert_int_equal(sendto(s, frame, len, 0, (void *)&to, sizeof to), len);
    close(s);
}

static int listen_to(bool six, int proto)
{
    int s = socket(six ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC, proto);

    assert_true(s >= 0);
    return s;
}

/* IPv4's raw sockets tell the header too, IPv6's do not.  The ends of the wires
 * are in this namespace, so only what came by lan0 or wan0 is looked at. */
static bool arrived(int s, const struct packet *what)
{
    uint8_t got[256], want[16] = {0};
    ssize_t n;

    put_transport(want, what);
    while ((n = recv(s, got, sizeof got, MSG_DONTWAIT)) > 0)
        if (n >= 16 &&
            memcmp(got + n - 16, want, what->proto == UDP ? 4 : 2) == 0)
            return true;
    return false;
}

static bool arrives(const struct packet *what)
{
    struct packet last = {what->by, UDP, LAST, LAST, what->src};
    int s = listen_to(is_six(what), what->proto);
    int end = listen_to(is_six(what), UDP);
    bool is;

    send_it(what);
    send_it(&last);
    for (int i = 0; !arrived(end, &last); i++) {
        assert_true(i < 20000);
        usleep(1000);
    }
    is = arrived(s, what);
    close(s);
    close(end);
    return is;
}

/* ---- rules ---- */

static void say_error(void *ctx, const struct config_error *e)
{
    (void)ctx;
    print_message("%s: %s\n", e->pointer, e->message);
}

static struct config *config_of(const struct config_facts *facts,
                                const char *policy, const char *rule)
{
    const struct config_input in = {.facts = facts};
    struct config *config;
    char text[1024];
    int n =
        snprintf(text, sizeof text,
                 "{\"gateway\": {\"lan\": \"lan0\", \"wan\": \"wan0\"}, "
                 "%s, \"rules\": {\"input\": [{\"proto\": \"udp\", "
                 "\"dport\": %d, " OK "}%s%s%s]}}",
                 policy, LAST, rule[0] ? ", {" : "", rule, rule[0] ? "}" : "");

    if (config_load_text(text, (size_t)n, &in, &config, say_error, NULL) != 0)
        fail_msg("%s", text);
    return config;
}

static void sync_rules(struct gateway *gw, const char *policy, const char *rule)
{
    struct config_facts facts;
    struct config *config;

    look(gw, &facts);
    config = config_of(&facts, policy, rule);
    gateway_rules(gw, &config->rules);
    if (sync_with(gw, &facts) < 0)
        fail_msg("%s", err);
    gateway_rules(gw, NULL);
    config_load_free(config);
    gateway_facts_free(&facts);
}

static void rules_hold(void **state)
{
    struct gateway *gw = start_all();

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sync_rules(gw, rows[i].policy, rows[i].rule);
        if (arrives(&rows[i].packet) != rows[i].arrives)
            fail_msg("row %zu: %s, {%s}: %s", i, rows[i].policy, rows[i].rule,
                     rows[i].arrives ? "did not arrive" : "arrived");
    }
    stop_all(gw);
}

/* What refuses nothing leaves no table, and what others take away comes back.
 */
static void table_comes_and_goes(void **state)
{
    static const char list[] = "nft list tables | grep -c weir_input";
    struct gateway *gw = start_all();

    (void)state;
    sync_rules(gw, ACCEPT, OK);
    assert_says(list, "0\n");
    sync_rules(gw, DROP, OK);
    assert_says(list, "1\n");
    (void)gateway_drain(gw);
    sh("nft delete table inet weir_input");
    assert_true(gateway_drain(gw));
    sync_rules(gw, DROP, OK);
    assert_says(list, "1\n");
    sh("nft flush ruleset"); /* and nothing was heard of it */
    assert_true(gateway_tend(gw));
    sync_rules(gw, DROP, OK);
    assert_says(list, "1\n");
    sync_rules(gw, ACCEPT, "");
    assert_says(list, "0\n");
    sync_rules(gw, DROP, "");
    stop_all(gw);
    assert_says(list, "0\n");
}

enum { MANY_RANGES = 32 };
static struct ct_addr_range addrs[MANY_RANGES];
static struct ct_number_range ports[MANY_RANGES];

static void make_ranges(void)
{
    for (unsigned i = 0; i < MANY_RANGES; i++) {
        memset(addrs[i].lo.b, (int)(2 * i + 1), 16);
        addrs[i].hi = addrs[i].lo;
        ports[i].lo = ports[i].hi = (uint16_t)(2 * i + 1);
    }
}

static struct ct_rule drop_rule(uint8_t family)
{
    return (struct ct_rule){.hook = CT_INPUT,
                            .stage = CT_STAGE_FILTER,
                            .action = CT_ACT_DROP,
                            .match = {.family = family}};
}

static void exclude_addrs(struct ct_match *m)
{
    m->src = m->dst = (struct ct_addr_set){
        .v6 = addrs, .n_v6 = MANY_RANGES, .present = true, .negate = true};
}

static void sync_ruleset(struct gateway *gw, struct ct_ruleset *rules)
{
    rules->start[CT_INPUT][CT_STAGE_FILTER + 1] = rules->n;
    gateway_rules(gw, rules);
    sync_now(gw);
    gateway_rules(gw, NULL);
}

/* More than a transaction takes. */
static void too_many_rules(void **state)
{
    enum { MANY = 400 };
    static struct ct_rule rule[MANY];
    struct ct_ruleset rules = {.rules = rule, .n = MANY};
    const struct packet packet = {LAN, UDP, 5, 53, NULL};
    struct gateway *gw = start_all();
    int s = listen_to(false, UDP);

    (void)state;
    for (unsigned i = 0; i < MANY; i++) {
        rule[i] = drop_rule(CT_IPV4);
        rule[i].action = i + 1 < MANY ? CT_ACT_ACCEPT : CT_ACT_DROP;
    }
    sync_ruleset(gw, &rules);
    send_it(&packet);
    assert_says("n=0; until nft list counters table inet weir_input | "
                "grep 'packets [1-9]'; do n=$((n+1)); [ $n -lt 1000 ] || exit; "
                "done",
                "packets 1");
    assert_false(arrived(s, &packet));
    close(s);
    stop_all(gw);
}

/* A second rule of this kind decides for a datagram to port 53. */
static bool lets_in(struct gateway *gw, const struct ct_rule *second,
                    uint8_t policy)
{
    static const struct ct_number_range last = {LAST, LAST};
    struct ct_rule rule[2] = {drop_rule(CT_IPV4), *second};
    struct ct_ruleset rules = {
        .rules = rule, .n = 2, .policy = {[CT_INPUT] = policy}};

    rule[0].action = CT_ACT_ACCEPT;
    rule[0].match.proto = (struct ct_proto_set){1, {UDP}, false};
    rule[0].match.dport = (struct ct_number_set){.r = &last, .n = 1};
    sync_ruleset(gw, &rules);
    return arrives(&(struct packet){LAN, UDP, 5, 53, NULL});
}

/* No program can be asked, and the packet is in zone 0. */
static void queues_and_zones(void **state)
{
    struct ct_number_range zone = {0, 0};
    struct gateway *gw = start_all();
    struct ct_rule rule = drop_rule(CT_IPV4);

    (void)state;
    rule.action = CT_ACT_QUEUE;
    assert_false(lets_in(gw, &rule, CT_ACCEPT));
    rule.action = CT_ACT_ACCEPT;
    rule.match.zone = (struct ct_number_set){.r = &zone, .n = 1};
    assert_true(lets_in(gw, &rule, CT_DROP));
    zone.lo = zone.hi = 5;
    assert_false(lets_in(gw, &rule, CT_DROP));
    rule.match.zone.negate = true;
    assert_true(lets_in(gw, &rule, CT_DROP));
    stop_all(gw);
}

/* Messages as large as they get, to the end of the room and past it. */
static void large_rules(void **state)
{
    enum { MANY = 16 };
    static struct ct_rule rule[MANY];
    struct ct_ruleset rules = {.rules = rule};
    struct gateway *gw = start_all();

    (void)state;
    make_ranges();
    for (unsigned i = 0; i < MANY; i++) {
        rule[i] = drop_rule(CT_IPV6);
        exclude_addrs(&rule[i].match);
    }
    for (rules.n = 1; rules.n <= MANY; rules.n++)
        sync_ruleset(gw, &rules);
    stop_all(gw);
}

/* What is put for a rule that drops, and whether it is left out. */
static uint64_t put(const struct ct_rule *like, uint32_t *left_out)
{
    static const struct gateway_table_key key = {.n = 1};
    struct ct_rule rule = *like;
    struct ct_ruleset rules = {.rules = &rule, .n = 1};
    struct netlink_nft *b = netlink_nft_new(NFPROTO_INET, GATEWAY_INPUT_TABLE);
    uint64_t number;

    assert_non_null(b);
    rule.action = CT_ACT_DROP;
    rules.start[CT_INPUT][CT_STAGE_FILTER + 1] = 1;
    *left_out = gateway_input_put(b, &key, &rules, 1, 0);
    number = netlink_nft_number(b);
    netlink_nft_free(b);
    return number;
}

/* A match that is forgotten would make its rule one about all packets. */
static void no_match_is_forgotten(void **state)
{
    static const struct ct_rule any = {.action = CT_ACT_COUNT};
    uint32_t left_out;
    uint64_t all = put(&any, &left_out);

    (void)state;
    assert_int_equal(left_out, 0);
    assert_true(put(&any, &left_out) == all);
    FOR_MATCHES(r)
    {
        if (put(r->rule, &left_out) == all)
            fail_msg("%s is forgotten", r->name);
        assert_int_equal(left_out, (r->facts & CT_FACT_PACKET) != 0);
    }
}

/* One that the kernel would not take is left out, and the others hold. */
static void too_large_a_rule(void **state)
{
    struct ct_rule rule[2] = {drop_rule(CT_IPV6), drop_rule(CT_IPV6)};
    struct ct_ruleset rules = {
        .rules = rule, .n = 2, .policy = {[CT_INPUT] = CT_ACCEPT}};
    struct gateway *gw = start_all();

    (void)state;
    make_ranges();
    rule[0].match.proto = (struct ct_proto_set){1, {UDP}, false};
    exclude_addrs(&rule[0].match);
    rule[0].match.sport = rule[0].match.dport =
        (struct ct_number_set){.r = ports, .n = MANY_RANGES, .negate = true};
    sync_ruleset(gw, &rules);
    assert_says("nft list chain inet weir_input input | grep -c refused",
                "1\n");
    stop_all(gw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(rules_hold, make_world6),
        cmocka_unit_test_setup(table_comes_and_goes, make_world6),
        cmocka_unit_test_setup(too_many_rules, make_world6),
        cmocka_unit_test_setup(queues_and_zones, make_world6),
        cmocka_unit_test_setup(large_rules, make_world6),
        cmocka_unit_test_setup(too_large_a_rule, make_world6),
    };

    const struct CMUnitTest alone[] = {
        cmocka_unit_test(no_match_is_forgotten),
    };
    int failed = cmocka_run_group_tests(alone, NULL, NULL);

    if (failed || !may_run())
        return failed ? failed : SKIPPED;
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
