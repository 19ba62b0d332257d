/* journey.c - what happens to a packet between the hooks */
#include "journey_router.h"

#include "bytes.h"

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
    assert_int_equal(bytes_get16(r->sent[0].data + 20), 0x303);
    assert_memory_equal(r->sent[0].data + 12, addr("10.0.1.1").b, 4);
    give(r, "10.0.1.2 > 10.0.1.1 proto 47 hex 00000800", LAN);
    assert_int_equal(bytes_get16(r->sent[0].data + 20), 0x302);
    give(r, "[fd00:1::2]:9 > [fd00:1::1]:53 udp 'who'", LAN);
    assert_int_equal(bytes_get16(r->sent[0].data + 40), 0x104);
    give(r, "fd00:1::2 > fd00:1::1 proto 47 hex 00000800", LAN);
    assert_int_equal(bytes_get16(r->sent[0].data + 40), 0x401);
    assert_int_equal(r->sent[0].data[47], 6); /* the next header field */
    give(r, "fd00:1::2 > fd00:1::1 proto 47 hbh 8 hex 00000800", LAN);
    assert_int_equal(r->sent[0].data[47], 40);
    give(r, "10.0.1.2 > 10.0.1.1 icmp reply id 7 seq 1", LAN);
    assert_int_equal(r->n_sent, 0);
    assert_int_equal(ct_stat(r->ct, CT_STAT_local), 7);
    assert_int_equal(r->n_local, 7);
}

static void the_host_may_take_local_packets(void **state)
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

/* RFC 3021: its other address has all ones, and is a host. */
static void a_link_of_two_addresses_has_no_broadcast(void **state)
{
    struct router *r = *state;

    r->ifaces.iface[LAN].addr[0] = addr("10.0.1.2");
    r->ifaces.iface[LAN].prefix[0] = 30;
    journey_set_ifaces(r->journey, &r->ifaces, r->more);
    give(r, "198.51.100.2:9 > 10.0.1.3:53 udp", WAN);
    expect_drop(r, CT_REASON_NO_GROUP);
    r->ifaces.iface[LAN].prefix[0] = 31;
    journey_set_ifaces(r->journey, &r->ifaces, r->more);
    give(r, "198.51.100.2:9 > 10.0.1.3:53 udp", WAN);
    expect(r, LAN, "198.51.100.2:9 > 10.0.1.3:53 udp ttl 63");
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
        assert_int_equal(bytes_get16(r->sent[0].data + 20), rows[i].v4);
        assert_memory_equal(r->sent[0].data + 12, addr("10.0.1.1").b, 4);
        give(r, "[fd00:1::2]:4001 > [2001:db8::2]:53 udp 'who'", LAN);
        assert_int_equal(bytes_get16(r->sent[0].data + 40), rows[i].v6);
    }
    give(r, "10.0.1.2:4001 > 198.51.100.2:80 tcp S seq 1000", LAN);
    expect_drop(r, CT_REASON_REJECTED);
    assert_int_equal(r->sent[0].data[33], CT_TCP_RST | CT_TCP_ACK);
    assert_int_equal(ct_stat(r->ct, CT_STAT_orig_rst), 1);
}

/* The reset bears the address its receiver spoke to, not the forward's. */
static void reset_of_a_forward(void **state)
{
    struct router *r = *state;

    set_rules(r, true, CT_REJECT_RST);
    give(r, "198.51.100.2:4242 > 198.51.100.1:8080 tcp S seq 1000", WAN);
    expect_drop(r, CT_REASON_REJECTED);
    expect(r, WAN,
           "198.51.100.1:8080 > 198.51.100.2:4242 tcp R. df seq 0 ack 1001 "
           "win 0");
    assert_int_equal(ct_stat(r->ct, CT_STAT_entries), 0);
}

/* RFC 1122: a host discards what arrives damaged, and says nothing. */
static void damaged_packets_get_no_answer(void **state)
{
    static const char *const damaged[] = {
        "10.0.1.2:4001 > 10.0.1.1:80 tcp S seq 1000 badsum",
        "10.0.1.2:4001 > 10.0.1.1:53 udp badsum 'who'",
        "10.0.1.2 > 10.0.1.1 icmp echo id 7 seq 1 badsum 'xyz'",
        "[fd00:1::2]:9 > [fd00:1::1]:53 udp badsum 'who'",
    };
    struct router *r = *state;
    struct given g;

    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        give(r, damaged[i], LAN);
        assert_int_equal(r->n_sent, 0);
        assert_int_equal(r->n_dropped, 0);
        assert_int_equal(r->n_local, 0);
    }
    g = build("10.0.1.2:4001 > 10.0.1.1:53 udp 'who'", LAN);
    g.pkt.data[25] = 7; /* shorter than a header */
    walk(r, &g);
    assert_int_equal(r->n_sent, 0);
    assert_int_equal(ct_stat(r->ct, CT_STAT_local), 5);
}

static void without_routes_nothing_goes_anywhere(void **state)
{
    struct router *r = *state;

    journey_set_fib(r->journey, NULL);
    give(r, "10.0.1.2:4001 > 198.51.100.2:53 udp 'who'", LAN);
    expect_drop(r, CT_REASON_NO_ROUTE);
    give(r, "10.0.1.2:4001 > 198.51.100.2:53 udp ttl 1 'who'", LAN);
    expect_drop(r, CT_REASON_TTL);
    assert_int_equal(r->n_sent, 0);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(forwards_and_lowers_ttl),
        CASE(ttl_checksum_always_right),
        CASE(ttl_one_is_told),
        CASE(no_route_is_told),
        CASE(answers_echo),
        CASE(closed_ports_say_so),
        CASE(the_host_may_take_local_packets),
        CASE(refusal_rows),
        CASE(a_link_of_two_addresses_has_no_broadcast),
        CASE(errors_are_limited),
        CASE(rejects_as_the_rule_says),
        CASE(reset_of_a_forward),
        CASE(damaged_packets_get_no_answer),
        CASE(without_routes_nothing_goes_anywhere),
        CASE(batches_do_not_matter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
