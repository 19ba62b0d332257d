/* test_journey.c - what happens to a packet between the hooks
 *
 * A router of two interfaces in memory: lan 10.0.1.1/24 and fd00:1::1/64, wan
 * 198.51.100.1/24 and 2001:db8::1/64, default route by wan, what leaves by wan
 * over IPv4 is masqueraded.  Each test ends with the count of all packets. */
#include "journey.h"

#include "packet.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LAN, WAN, SENT_MAX = 64, ROOM = 70000 };

struct router {
    struct ct *ct;
    void *block;
    struct journey *journey;
    struct fib *fib;
    struct ct_ifaces ifaces;
    struct journey_iface more[2];
    struct ct_rule rule[2];
    struct ct_ruleset rules;
    struct ct_rule_count counts[2];
    ct_time now;
    enum ct_reason tx_answer;
    bool take_local;
    unsigned n_sent, n_dropped, n_local;
    struct {
        uint8_t *data;
        uint32_t len;
        struct ct_pkt pkt;
    } sent[SENT_MAX];
    enum ct_reason why;
};

static union ct_addr addr(const char *text)
{
    union ct_addr a = {.w64 = {0, 0}};

    assert_int_equal(
        inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, &a), 1);
    return a;
}

static enum ct_reason tx(void *ctx, struct ct_pkt *pkt)
{
    struct router *r = ctx;

    if (r->tx_answer != CT_REASON_NONE)
        return r->tx_answer;
    assert_true(r->n_sent < SENT_MAX);
    assert_true(journey_output_ok(pkt, r->more[pkt->out].mtu));
    memset(pkt->data - 10, 0x5a, 10); /* a link header */
    r->sent[r->n_sent].data = malloc(pkt->len);
    memcpy(r->sent[r->n_sent].data, pkt->data, pkt->len);
    r->sent[r->n_sent].len = pkt->len;
    r->sent[r->n_sent++].pkt = *pkt;
    return CT_REASON_NONE;
}

static bool local(void *ctx, struct ct_pkt *pkt)
{
    struct router *r = ctx;

    (void)pkt;
    r->n_local++;
    return r->take_local;
}

static void dropped(void *ctx, const struct ct_pkt *pkt)
{
    struct router *r = ctx;

    r->n_dropped++;
    r->why = (enum ct_reason)pkt->why;
}

static void add_iface(struct router *r, unsigned i, const char *v4,
                      const char *v6)
{
    struct ct_iface *f = &r->ifaces.iface[i];

    f->inside = i == LAN;
    f->n_addrs = 2;
    f->family[0] = CT_IPV4;
    f->addr[0] = addr(v4);
    f->family[1] = CT_IPV6;
    f->addr[1] = addr(v6);
    r->more[i] = (struct journey_iface){
        .mtu = 1500, .usable = true, .prefix = {24, 64}};
    r->ifaces.n = i + 1;
}

/* One rule is masquerade; with_reject puts a filter rule into FORWARD. */
static void set_rules(struct router *r, bool with_reject, uint8_t reject)
{
    uint32_t n = 0;

    memset(r->rule, 0, sizeof r->rule);
    memset(&r->rules, 0, sizeof r->rules);
    for (unsigned h = 0; h < CT_N_HOOKS; h++) {
        r->rules.policy[h] = CT_ACCEPT;
        for (unsigned s = 0; s <= CT_N_STAGES; s++) {
            if (h == CT_FORWARD && s == CT_STAGE_FILTER + 1 && with_reject) {
                r->rule[n].hook = CT_FORWARD;
                r->rule[n].stage = CT_STAGE_FILTER;
                r->rule[n].action = CT_ACT_REJECT;
                r->rule[n++].reject = reject;
            }
            if (h == CT_POSTROUTING && s == CT_STAGE_NAT + 1) {
                r->rule[n].hook = CT_POSTROUTING;
                r->rule[n].stage = CT_STAGE_NAT;
                r->rule[n].match.family = CT_IPV4;
                r->rule[n++].action = CT_ACT_MASQUERADE;
            }
            r->rules.start[h][s] = n;
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        r->rule[i].match.in = CT_NO_IFACE;
        r->rule[i].match.out =
            r->rule[i].hook == CT_POSTROUTING ? WAN : CT_NO_IFACE;
        r->rule[i].match.icmp_type = -1;
    }
    r->rules.rules = r->rule;
    r->rules.n = n;
    ct_set_rules(r->ct, &r->rules, r->counts);
}

static int open_router(void **state)
{
    struct router *r = calloc(1, sizeof *r);
    struct ct_config c = {.max = 1024, .n_shards = 1, .seed = 7};
    struct fib_route routes[] = {
        {addr("10.0.1.0"), CT_IPV4, 24, LAN},
        {addr("198.51.100.0"), CT_IPV4, 24, WAN},
        {addr("192.0.2.0"), CT_IPV4, 24, WAN},
        {addr("fd00:1::"), CT_IPV6, 64, LAN},
        {addr("2001:db8::"), CT_IPV6, 32, WAN},
    };

    r->now.ms = 1000000;
    ct_params_default(&c.params, CT_PROFILE_LINUX);
    r->block = aligned_alloc(64, (ct_size(&c) + 63) & ~(size_t)63);
    r->ct = ct_init(r->block, &c, r->now);
    assert_non_null(r->ct);
    add_iface(r, LAN, "10.0.1.1", "fd00:1::1");
    add_iface(r, WAN, "198.51.100.1", "2001:db8::1");
    r->fib = fib_new(routes, sizeof routes / sizeof *routes);
    r->journey = journey_new(&(struct journey_config){
        .ct = r->ct, .seed = 3, .tx = tx, .local = local,
        .dropped = dropped, .ctx = r});
    ct_set_ifaces(r->ct, &r->ifaces);
    set_rules(r, false, 0);
    journey_set_fib(r->journey, r->fib);
    journey_set_ifaces(r->journey, &r->ifaces, r->more);
    *state = r;
    return 0;
}

static void forget(struct router *r)
{
    while (r->n_sent > 0)
        free(r->sent[--r->n_sent].data);
    r->n_dropped = 0;
    r->why = CT_REASON_NONE;
}

/* ARCHITECTURE's count, and goodbye. */
static int close_router(void **state)
{
    struct router *r = *state;
    uint64_t drops = 0;

    for (unsigned i = 1; i < CT_N_REASONS; i++)
        if (ct_reason_kind(i) == 'D')
            drops += ct_drops(r->ct, (enum ct_reason)i);
    assert_int_equal(ct_stat(r->ct, CT_STAT_pkts_in),
                     ct_stat(r->ct, CT_STAT_forwarded) +
                         ct_stat(r->ct, CT_STAT_local) + drops +
                         ct_stat(r->ct, CT_STAT_held));
    assert_int_equal(ct_stat(r->ct, CT_STAT_pkts_out),
                     ct_stat(r->ct, CT_STAT_forwarded) +
                         ct_stat(r->ct, CT_STAT_orig_echo) +
                         ct_stat(r->ct, CT_STAT_orig_rst) +
                         ct_stat(r->ct, CT_STAT_orig_error));
    forget(r);
    journey_free(r->journey);
    fib_free(r->fib);
    free(r->block);
    free(r);
    return 0;
}

struct given {
    struct ct_pkt pkt;
    uint8_t *room;
};

static struct given build(const char *spec, uint8_t in)
{
    struct given g = {.room = malloc(ROOM)};
    size_t n = packet_build(g.room + CT_HEADROOM, ROOM - 2 * CT_HEADROOM, spec);

    assert_true(n > 0);
    g.pkt = (struct ct_pkt){.data = g.room + CT_HEADROOM,
                            .len = (uint32_t)n,
                            .in = in,
                            .out = CT_NO_IFACE,
                            .rule = CT_NONE};
    return g;
}

static void walk(struct router *r, struct given *g)
{
    struct ct_pkt *p = &g->pkt;

    forget(r);
    journey_batch(r->journey, &p, 1, r->now);
    free(g->room);
}

static void give(struct router *r, const char *spec, uint8_t in)
{
    struct given g = build(spec, in);

    walk(r, &g);
}

/* Exactly one packet left, by out, and it reads so. */
static void expect(struct router *r, uint8_t out, const char *want)
{
    char text[4096];

    assert_int_equal(r->n_sent, 1);
    assert_int_equal(r->sent[0].pkt.out, out);
    packet_print(text, sizeof text, r->sent[0].data, r->sent[0].len);
    assert_string_equal(text, want);
    assert_true(packet_sums_ok(r->sent[0].data, r->sent[0].len));
}

static void expect_drop(struct router *r, enum ct_reason why)
{
    assert_int_equal(r->n_dropped, 1);
    assert_string_equal(ct_reason_name(r->why), ct_reason_name(why));
}

static void forwards_and_lowers_ttl(void **state)
{
    struct router *r = *state;

    give(r, "10.0.1.2:4001 > 198.51.100.2:53 udp ttl 9 'who'", LAN);
    expect(r, WAN, "198.51.100.1:4001 > 198.51.100.2:53 udp ttl 8 'who'");
    give(r, "198.51.100.2:53 > 198.51.100.1:4001 udp ttl 2 'me'", WAN);
    expect(r, LAN, "198.51.100.2:53 > 10.0.1.2:4001 udp ttl 1 'me'");
    give(r, "[fd00:1::2]:4001 > [2001:db8::2]:53 udp ttl 9 'who'", LAN);
    expect(r, WAN, "[fd00:1::2]:4001 > [2001:db8::2]:53 udp ttl 8 'who'");
    assert_int_equal(ct_stat(r->ct, CT_STAT_forwarded), 3);
}

/* Whatever TTL and protocol sum to, the checksum stays right. */
static void ttl_checksum_always_right(void **state)
{
    struct router *r = *state;
    char spec[128];

    for (unsigned ttl = 2; ttl < 256; ttl++)
        for (unsigned id = 0; id < 65536; id += 4111) {
            snprintf(spec, sizeof spec,
                     "10.0.1.2:9 > 198.51.100.2:53 udp ttl %u ipid %u", ttl,
                     id);
            give(r, spec, LAN);
            assert_int_equal(r->n_sent, 1);
            assert_int_equal(r->sent[0].data[8], ttl - 1);
            assert_true(packet_sums_ok(r->sent[0].data, r->sent[0].len));
        }
}

static void ttl_one_is_told(void **state)
{
    struct router *r = *state;

    give(r, "10.0.1.2:4001 > 198.51.100.2:53 udp ttl 1 'who'", LAN);
    expect_drop(r, CT_REASON_TTL);
    assert_int_equal(r->n_sent, 1);
    assert_int_equal(r->sent[0].pkt.out, LAN);
    assert_int_equal(r->sent[0].data[20], 11);
    assert_memory_equal(r->sent[0].data + 12, addr("10.0.1.1").b, 4);
    assert_memory_equal(r->sent[0].data + 16, addr("10.0.1.2").b, 4);
    assert_int_equal(r->sent[0].data[28 + 8], 1); /* the TTL that arrived */
    give(r, "[fd00:1::2]:4001 > [2001:db8::2]:53 udp ttl 1 'who'", LAN);
    expect_drop(r, CT_REASON_TTL);
    assert_int_equal(r->sent[0].data[40], 3);
    assert_int_equal(ct_stat(r->ct, CT_STAT_orig_error), 2);
    assert_int_equal(ct_stat(r->ct, CT_STAT_entries), 0);
}

static void no_route_is_told(void **state)
{
    struct router *r = *state;

    give(r, "10.0.1.2:4001 > 203.0.113.9:53 udp 'who'", LAN);
    expect_drop(r, CT_REASON_NO_ROUTE);
    assert_int_equal(r->sent[0].data[20], 3);
    assert_int_equal(r->sent[0].data[21], 0);
    give(r, "[fd00:1::2]:4001 > [2a00::2]:53 udp 'who'", LAN);
    expect_drop(r, CT_REASON_NO_ROUTE);
    assert_int_equal(r->sent[0].data[40], 1);
    assert_int_equal(r->sent[0].data[41], 0);
}

static void answers_echo(void **state)
{
    struct router *r = *state;

    give(r, "10.0.1.2 > 10.0.1.1 icmp echo id 7 seq 1 'xyz'", LAN);
    expect(r, LAN, "10.0.1.1 > 10.0.1.2 icmp reply id 7 seq 1 'xyz'");
    give(r, "10.0.1.2 > 198.51.100.1 icmp echo id 7 seq 1 'xyz'", LAN);
    expect(r, LAN, "198.51.100.1 > 10.0.1.2 icmp reply id 7 seq 1 'xyz'");
    give(r, "2001:db8::9 > 2001:db8::1 icmp echo id 7 seq 1 'xyz'", WAN);
    expect(r, WAN, "2001:db8::1 > 2001:db8::9 icmp reply id 7 seq 1 'xyz'");
    assert_int_equal(ct_stat(r->ct, CT_STAT_orig_echo), 3);
    assert_int_equal(ct_stat(r->ct, CT_STAT_local), 3);
    assert_int_equal(r->n_local, 0);
}

static void closed_ports_say_so(void **state)
{
    struct router *r = *state;

    give(r, "10.0.1.2:4001 > 10.0.1.1:80 tcp S seq 1000", LAN);
    assert_int_equal(r->n_sent, 1);
    assert_int_equal(r->sent[0].data[33], CT_TCP_RST | CT_TCP_ACK);
    give(r, "10.0.1.2:4001 > 10.0.1.1:53 udp 'who'", LAN);
    assert_int_equal(r->sent[0].data[20] << 8 | r->sent[0].data[21], 0x303);
    assert_memory_equal(r->sent[0].data + 12, addr("10.0.1.1").b, 4);
    give(r, "10.0.1.2 > 10.0.1.1 proto 47 hex 00000800", LAN);
    assert_int_equal(r->sent[0].data[20] << 8 | r->sent[0].data[21], 0x302);
    give(r, "[fd00:1::2]:9 > [fd00:1::1]:53 udp 'who'", LAN);
    assert_int_equal(r->sent[0].data[40] << 8 | r->sent[0].data[41], 0x104);
    give(r, "fd00:1::2 > fd00:1::1 proto 47 hex 00000800", LAN);
    assert_int_equal(r->sent[0].data[40] << 8 | r->sent[0].data[41], 0x401);
    assert_int_equal(r->sent[0].data[47], 6); /* the next header field */
    give(r, "fd00:1::2 > fd00:1::1 proto 47 hbh 8 hex 00000800", LAN);
    assert_int_equal(r->sent[0].data[47], 40);
    give(r, "10.0.1.2 > 10.0.1.1 icmp reply id 7 seq 1", LAN);
    assert_int_equal(r->n_sent, 0);
    assert_int_equal(ct_stat(r->ct, CT_STAT_local), 7);
    assert_int_equal(r->n_local, 7);
}

static void somebody_may_take_local_packets(void **state)
{
    struct router *r = *state;

    r->take_local = true;
    give(r, "10.0.1.2:4001 > 10.0.1.1:80 tcp S seq 1000", LAN);
    assert_int_equal(r->n_sent, 0);
    assert_int_equal(r->n_local, 1);
    assert_int_equal(ct_stat(r->ct, CT_STAT_local), 1);
}

static const struct {
    const char *what, *packet;
    uint8_t in;
    enum ct_reason why;
} refusals[] = {
    {"multicast", "10.0.1.2:1 > 224.0.0.251:5353 udp 'x'", LAN,
     CT_REASON_NO_GROUP},
    {"limited broadcast", "10.0.1.2:1 > 255.255.255.255:67 udp 'x'", LAN,
     CT_REASON_NO_GROUP},
    {"own prefix's broadcast", "10.0.1.2:1 > 10.0.1.255:137 udp 'x'", LAN,
     CT_REASON_NO_GROUP},
    {"the other's broadcast", "10.0.1.2:1 > 198.51.100.255:7 udp 'x'", LAN,
     CT_REASON_NO_GROUP},
    {"IPv6 multicast", "[fd00:1::2]:1 > [ff02::fb]:5353 udp 'x'", LAN,
     CT_REASON_NO_GROUP},
    {"from our address", "10.0.1.1:1 > 198.51.100.2:53 udp 'x'", LAN,
     CT_REASON_SPOOFED},
    {"from our outside address", "198.51.100.1:1 > 10.0.1.1:53 udp 'x'", WAN,
     CT_REASON_SPOOFED},
    {"from a broadcast address", "10.0.1.255:1 > 198.51.100.2:53 udp 'x'", LAN,
     CT_REASON_MARTIAN},
    {"from loopback", "127.0.0.1:1 > 198.51.100.2:53 udp 'x'", LAN,
     CT_REASON_MARTIAN},
    {"to loopback", "10.0.1.2:1 > 127.0.0.1:80 udp 'x'", LAN,
     CT_REASON_MARTIAN},
    {"from multicast", "224.0.0.1:1 > 198.51.100.2:53 udp 'x'", LAN,
     CT_REASON_MARTIAN},
    {"from nowhere", "0.0.0.0:1 > 198.51.100.2:53 udp 'x'", LAN,
     CT_REASON_MARTIAN},
    {"from a mapped address", "[::ffff:10.0.0.1]:1 > [2001:db8::2]:53 udp 'x'",
     LAN, CT_REASON_MARTIAN},
    {"link-local goes no further", "[fe80::1]:1 > [2001:db8::2]:53 udp 'x'",
     LAN, CT_REASON_MARTIAN},
    {"fragment", "10.0.1.2:1 > 198.51.100.2:53 udp frag 0+ len 16", LAN,
     CT_REASON_FRAGMENT},
};

/* No answer, no entry, one reason. */
static void refusal_rows(void **state)
{
    struct router *r = *state;

    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        print_message("%s\n", refusals[i].what);
        give(r, refusals[i].packet, refusals[i].in);
        expect_drop(r, refusals[i].why);
        assert_int_equal(r->n_sent, 0);
        assert_int_equal(ct_drops(r->ct, refusals[i].why) > 0, true);
        assert_int_equal(ct_stat(r->ct, CT_STAT_entries), 0);
    }
}

static void too_big_is_told(void **state)
{
    struct router *r = *state;

    r->more[WAN].mtu = 1280;
    journey_set_ifaces(r->journey, &r->ifaces, r->more);
    give(r, "10.0.1.2:4001 > 198.51.100.2:53 udp df len 1252", LAN);
    assert_int_equal(r->n_dropped, 0); /* exactly 1280 */
    give(r, "10.0.1.2:4001 > 198.51.100.2:53 udp df len 1253", LAN);
    expect_drop(r, CT_REASON_TOO_BIG);
    assert_int_equal(r->sent[0].pkt.out, LAN);
    assert_int_equal(r->sent[0].data[20] << 8 | r->sent[0].data[21], 0x304);
    assert_int_equal(r->sent[0].data[26] << 8 | r->sent[0].data[27], 1280);
    /* quoted as the sender knows it */
    assert_memory_equal(r->sent[0].data + 28 + 12, addr("10.0.1.2").b, 4);
    give(r, "[fd00:1::2]:4001 > [2001:db8::2]:53 udp len 1300", LAN);
    expect_drop(r, CT_REASON_TOO_BIG);
    assert_int_equal(r->sent[0].data[40], 2);
    assert_int_equal(r->sent[0].data[46] << 8 | r->sent[0].data[47], 1280);
}

/* Join the fragments that left, check them, and compare with the whole. */
static void join(struct router *r, const char *want, uint16_t mtu)
{
    uint8_t whole[4096];
    char text[4096];
    uint32_t at = 0, hl = (r->sent[0].data[0] & 0x0fu) * 4;

    for (unsigned i = 0; i < r->n_sent; i++) {
        const uint8_t *d = r->sent[i].data;
        uint32_t word = (uint32_t)d[6] << 8 | d[7];

        assert_true(r->sent[i].len <= mtu);
        assert_int_equal((word & 0x1fff) * 8, at);
        assert_int_equal((word & 0x2000) != 0, i + 1 < r->n_sent);
        assert_int_equal(d[4] << 8 | d[5], 77);
        memcpy(whole + hl + at, d + hl, r->sent[i].len - hl);
        at += r->sent[i].len - hl;
    }
    memcpy(whole, r->sent[0].data, hl);
    whole[6] = whole[7] = 0;
    whole[2] = (uint8_t)((at + hl) >> 8);
    whole[3] = (uint8_t)(at + hl);
    whole[10] = whole[11] = 0;
    packet_fix_sums(whole, at + hl);
    memcpy(whole + hl, r->sent[0].data + hl, 8); /* its own UDP checksum */
    assert_true(packet_sums_ok(whole, at + hl));
    packet_print(text, sizeof text, whole, at + hl);
    assert_string_equal(text, want);
}

static void fragments_without_df(void **state)
{
    struct router *r = *state;

    r->more[WAN].mtu = 576;
    journey_set_ifaces(r->journey, &r->ifaces, r->more);
    give(r, "10.0.1.2:4001 > 198.51.100.2:53 udp ipid 77 len 1400", LAN);
    assert_int_equal(r->n_sent, 3);
    join(r, "198.51.100.1:4001 > 198.51.100.2:53 udp ttl 63 ipid 77 len 1400",
         576);
    give(r, "10.0.1.2:4001 > 198.51.100.2:53 udp ipid 77 len 1101",
         LAN);
    assert_int_equal(r->n_sent, 3);
    assert_int_equal(ct_stat(r->ct, CT_STAT_forwarded), 2);
    assert_int_equal(ct_stat(r->ct, CT_STAT_pkts_out), 2);
}

static void partial_sum_is_completed(void **state)
{
    struct router *r = *state;
    struct given g =
        build("10.0.1.2:4001 > 198.51.100.2:53 udp ipid 77 partial len 1101",
              LAN);

    r->more[WAN].mtu = 1000;
    journey_set_ifaces(r->journey, &r->ifaces, r->more);
    g.pkt.csum_partial = true;
    walk(r, &g);
    assert_int_equal(r->n_sent, 2);
    assert_false(r->sent[0].pkt.csum_partial);
    join(r, "198.51.100.1:4001 > 198.51.100.2:53 udp ttl 63 ipid 77 len 1101",
         1000);
}

static struct given super(const char *spec, uint16_t gso_size, uint8_t type)
{
    struct given g = build(spec, LAN);

    g.pkt.csum_partial = true;
    g.pkt.gso_size = gso_size;
    g.pkt.gso_type = type;
    return g;
}

#define SUPER4 "10.0.1.2:4001 > 198.51.100.2:80 tcp . seq 1 ack 1 partial "

static void super_packets_by_gso_size(void **state)
{
    struct router *r = *state;
    struct given g;

    r->more[WAN].mtu = 1280;
    journey_set_ifaces(r->journey, &r->ifaces, r->more);
    g = super(SUPER4 "df len 20000", 1240, 1);
    walk(r, &g);
    assert_int_equal(r->n_sent, 1);
    assert_int_equal(r->sent[0].len, 20040);
    assert_int_equal(r->sent[0].pkt.gso_size, 1240);
    g = super(SUPER4 "df len 20000", 1241, 1);
    walk(r, &g);
    expect_drop(r, CT_REASON_TOO_BIG);
    assert_int_equal(r->sent[0].data[26] << 8 | r->sent[0].data[27], 1280);
    g = super(SUPER4 "df len 1000", 1460, 1); /* one short segment: fits */
    walk(r, &g);
    assert_int_equal(r->n_dropped, 0);
    g = super(SUPER4 "len 20000", 1460, 1); /* no DF: smaller segments */
    walk(r, &g);
    assert_int_equal(r->n_sent, 1);
    assert_int_equal(r->sent[0].pkt.gso_size, 1240);
}

static void offload_header_lies(void **state)
{
    static const struct {
        const char *what, *packet;
        uint16_t size;
        uint8_t type;
        bool partial;
    } rows[] = {
        {"marked by the device", SUPER4 "len 100", 0, 0x7f, false},
        {"unknown type", SUPER4 "len 3000", 1000, 3, true},
        {"IPv6 type on IPv4", SUPER4 "len 3000", 1000, 4, true},
        {"UDP type on TCP", SUPER4 "len 3000", 1000, 5, true},
        {"without partial checksum", SUPER4 "len 3000", 1000, 1, false},
        {"TCP type on UDP",
         "10.0.1.2:1 > 198.51.100.2:53 udp partial len 3000", 1000, 1, true},
        {"partial checksum of ICMP", "10.0.1.2 > 198.51.100.2 icmp echo id 1",
         0, 0, true},
    };
    struct router *r = *state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct given g = super(rows[i].packet, rows[i].size, rows[i].type);

        print_message("%s\n", rows[i].what);
        g.pkt.csum_partial = rows[i].partial;
        walk(r, &g);
        expect_drop(r, CT_REASON_BAD_GSO);
        assert_int_equal(r->n_sent, 0);
    }
}

static void last_check_rows(void **state)
{
    struct given g = build("10.0.1.2:1 > 198.51.100.2:53 udp len 100", LAN);
    struct ct_pkt *p = &g.pkt;

    (void)state;
    assert_int_equal(ct_parse_packet(p), CT_REASON_NONE);
    assert_true(journey_output_ok(p, 128));
    assert_false(journey_output_ok(p, 127));
    p->len--;
    assert_false(journey_output_ok(p, 1500));
    p->len += 2;
    assert_false(journey_output_ok(p, 1500));
    p->len--;
    p->data[0] = 0x44;
    assert_false(journey_output_ok(p, 1500));
    p->data[0] = 0x4f;
    assert_true(journey_output_ok(p, 1500));
    p->data[0] = 0x55;
    assert_false(journey_output_ok(p, 1500));
    p->data[0] = 0x60; /* payload length is not len - 40 */
    assert_false(journey_output_ok(p, 1500));
    p->data[0] = 0x45;
    for (p->len = 0; p->len < 20; p->len++)
        assert_false(journey_output_ok(p, 1500));
    free(g.room);
}

static void lost_on_the_way_out(void **state)
{
    struct router *r = *state;

    r->tx_answer = CT_REASON_TX_ERROR;
    give(r, "10.0.1.2:4001 > 198.51.100.2:53 udp 'who'", LAN);
    expect_drop(r, CT_REASON_TX_ERROR);
    give(r, "10.0.1.2 > 10.0.1.1 icmp echo id 7", LAN);
    assert_int_equal(r->n_dropped, 0); /* it was delivered */
    assert_int_equal(ct_stat(r->ct, CT_STAT_orig_lost), 1);
    r->tx_answer = CT_REASON_NONE;
    r->more[WAN].usable = false;
    journey_set_ifaces(r->journey, &r->ifaces, r->more);
    give(r, "10.0.1.2:4001 > 198.51.100.2:53 udp 'who'", LAN);
    expect_drop(r, CT_REASON_TX_LINK_DOWN);
    assert_int_equal(r->n_sent, 0);
}

static void errors_are_limited(void **state)
{
    struct router *r = *state;

    for (int i = 0; i < 100; i++)
        give(r, "10.0.1.2:4001 > 198.51.100.2:53 udp ttl 1 'who'", LAN);
    assert_int_equal(ct_stat(r->ct, CT_STAT_orig_error), 10);
    assert_int_equal(ct_stat(r->ct, CT_STAT_error_limited), 90);
    assert_int_equal(ct_drops(r->ct, CT_REASON_TTL), 100);
    r->now.ms += 5000;
    give(r, "10.0.1.2:4001 > 198.51.100.2:53 udp ttl 1 'who'", LAN);
    assert_int_equal(r->n_sent, 1);
}

static void rejects_as_the_rule_says(void **state)
{
    static const struct {
        uint8_t reject;
        unsigned v4, v6;
    } rows[] = {
        {CT_REJECT_ADMIN, 0x30d, 0x101}, {CT_REJECT_PORT, 0x303, 0x104},
        {CT_REJECT_HOST, 0x301, 0x103},  {CT_REJECT_NET, 0x300, 0x100},
        {CT_REJECT_RST, 0x303, 0x104},
    };
    struct router *r = *state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        set_rules(r, true, rows[i].reject);
        r->now.ms += 10000;
        give(r, "10.0.1.2:4001 > 198.51.100.2:53 udp 'who'", LAN);
        expect_drop(r, CT_REASON_REJECTED);
        assert_int_equal(r->n_sent, 1);
        assert_int_equal(r->sent[0].data[20] << 8 | r->sent[0].data[21],
                         rows[i].v4);
        assert_memory_equal(r->sent[0].data + 12, addr("10.0.1.1").b, 4);
        give(r, "[fd00:1::2]:4001 > [2001:db8::2]:53 udp 'who'", LAN);
        assert_int_equal(r->sent[0].data[40] << 8 | r->sent[0].data[41],
                         rows[i].v6);
    }
    give(r, "10.0.1.2:4001 > 198.51.100.2:80 tcp S seq 1000", LAN);
    expect_drop(r, CT_REASON_REJECTED);
    assert_int_equal(r->sent[0].data[33], CT_TCP_RST | CT_TCP_ACK);
    assert_int_equal(ct_stat(r->ct, CT_STAT_orig_rst), 1);
}

/* The same packets, one by one or at once: the same bytes come out. */
static void batches_do_not_matter(void **state)
{
    static const char *const specs[] = {
        "10.0.1.2:4001 > 198.51.100.2:53 udp 'who'",
        "198.51.100.2:53 > 198.51.100.1:4001 udp 'me'",
        "10.0.1.2:4001 > 198.51.100.2:53 udp ttl 1 'who'",
        "10.0.1.3:4001 > 198.51.100.2:53 udp 'who'",
        "127.0.0.1:1 > 198.51.100.2:53 udp 'x'",
        "10.0.1.2 > 10.0.1.1 icmp echo id 7 seq 1 'xyz'",
        "10.0.1.2:4001 > 10.0.1.1:80 tcp S seq 1000",
    };
    enum { N = sizeof specs / sizeof *specs };
    uint8_t in[N] = {LAN, WAN, LAN, LAN, LAN, LAN, LAN};
    struct router *one = *state, *all;
    struct given g[N];
    struct ct_pkt *p[N];
    void *other;

    open_router(&other);
    all = other;
    for (unsigned i = 0; i < N; i++) {
        g[i] = build(specs[i], in[i]);
        p[i] = &g[i].pkt;
    }
    journey_batch(all->journey, p, N, all->now);
    for (unsigned i = 0; i < N; i++) {
        free(g[i].room);
        g[i] = build(specs[i], in[i]);
        p[i] = &g[i].pkt;
        journey_batch(one->journey, &p[i], 1, one->now);
        free(g[i].room);
    }
    assert_int_equal(one->n_sent, all->n_sent);
    assert_int_equal(one->n_sent, 6);
    for (unsigned i = 0; i < one->n_sent; i++) {
        assert_int_equal(one->sent[i].len, all->sent[i].len);
        assert_memory_equal(one->sent[i].data, all->sent[i].data,
                            one->sent[i].len);
    }
    close_router(&other);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, open_router, close_router)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(forwards_and_lowers_ttl),
        CASE(ttl_checksum_always_right),
        CASE(ttl_one_is_told),
        CASE(no_route_is_told),
        CASE(answers_echo),
        CASE(closed_ports_say_so),
        CASE(somebody_may_take_local_packets),
        CASE(refusal_rows),
        CASE(too_big_is_told),
        CASE(fragments_without_df),
        CASE(partial_sum_is_completed),
        CASE(super_packets_by_gso_size),
        CASE(offload_header_lies),
        cmocka_unit_test(last_check_rows),
        CASE(lost_on_the_way_out),
        CASE(errors_are_limited),
        CASE(rejects_as_the_rule_says),
        CASE(batches_do_not_matter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
