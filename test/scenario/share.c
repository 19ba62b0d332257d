/* share.c - no source uses up what all of them need (RFC 6888 REQ-4, REQ-5) */
#include "helper_talk.h"

#define S "198.51.100.2:53"

/* How many of n flows of that host get through, by ports from 1024 on. */
static unsigned flows_of(struct world *w, const char *host, unsigned n,
                         const char *proto)
{
    uint64_t before = w->sent;

    for (unsigned i = 0; i < n; i++)
        sayf(w, "%s:%u > 198.51.100.%u:53 %s", host, 1024 + i % 64000,
             2 + i / 64000, proto);
    return (unsigned)(w->sent - before);
}

/* U6: one inside host opens 100,000 flows, and has an eighth of the table; the
 * next host's 1,000 all succeed. */
static void u6_one_host_can_not_fill_the_table(void **state)
{
    struct world *w = WORLD("profile weir; max 65536; buckets 65536; "
                            "masquerade off; forward {\"in\":\"lan\","
                            "\"verdict\":\"accept\"}");

    (void)state;
    w->quiet = true;
    assert_int_equal(flows_of(w, "10.0.1.2", 100000, "udp"), 8192);
    assert_int_equal(drops_of(w, CT_REASON_SOURCE_ENTRIES), 100000 - 8192);
    assert_int_equal(stat_of(w, CT_STAT_source_share), 100000 - 8192);
    assert_int_equal(stat_of(w, CT_STAT_drop), 100000 - 8192);
    assert_int_equal(flows_of(w, "10.0.1.3", 1000, "udp"), 1000);
    /* what is there goes on, and when it has gone there is room again */
    say(w, "10.0.1.2:1024 > " S " udp");
    assert_int_equal(w->info, CT_NEW);
    elapse(w, 31);
    assert_int_equal(count_flows(w), 0);
    assert_int_equal(flows_of(w, "10.0.1.2", 9000, "udp"), 8192);
    assert_int_equal(stat_of(w, CT_STAT_table_full), 0);
    END(w);
}

/* U6: of the ports of one address, too; each protocol has its own. */
static void u6_one_host_can_not_take_all_ports(void **state)
{
    struct world *w = WORLD("profile weir; max 262144; buckets 262144");
    const unsigned eighth = (65536 - 1024) / 8;

    (void)state;
    w->quiet = true;
    assert_int_equal(flows_of(w, "10.0.1.2", 20000, "udp"), eighth);
    assert_int_equal(w->why, CT_REASON_SOURCE_PORTS);
    assert_int_equal(stat_of(w, CT_STAT_source_share), 20000 - eighth);
    assert_int_equal(stat_of(w, CT_STAT_no_port), 0);
    assert_int_equal(flows_of(w, "10.0.1.3", 1000, "udp"), 1000);
    assert_int_equal(flows_of(w, "10.0.1.2", 1000, "tcp S seq 1"), 1000);
    /* a mapping that it has serves any remote */
    say(w, "10.0.1.2:1024 > 198.51.100.77:77 udp");
    assert_int_equal(last_sport(w), 1024);
    END(w);
}

/* Eight hosts that all want all: each gets its eighth. */
static void u6_eight_greedy_hosts(void **state)
{
    struct world *w = WORLD("profile weir; max 262144; buckets 262144");

    (void)state;
    w->quiet = true;
    for (unsigned host = 2; host < 10; host++) {
        char name[16];

        snprintf(name, sizeof name, "10.0.1.%u", host);
        assert_int_equal(flows_of(w, name, 8100, "udp"), 64512 / 8);
    }
    assert_int_equal(stat_of(w, CT_STAT_no_port), 0);
    END(w);
}

/* A share of little is too little: 64 are anybody's. */
static void a_small_pool_is_not_shared_out(void **state)
{
    struct world *w = WORLD("profile weir; max 128; buckets 128; "
                            "masquerade 5000-5099; "
                            "tune source_share 100");

    (void)state;
    w->quiet = true;
    assert_int_equal(flows_of(w, "10.0.1.2", 99, "udp"), 64);
    assert_int_equal(flows_of(w, "10.0.1.3", 20, "udp"), 20);
    END(w);
}

/* Who is outside has as many addresses as he likes: a /64 is one source. */
static void strangers_are_one_by_their_prefix(void **state)
{
    struct world *w = WORLD("profile weir; max 512; buckets 512; "
                            "masquerade off; forward {\"verdict\":\"accept\"}");

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < 200; i++)
        sayf(w, "[2001:db8::%x]:9 > [fd00:1::2]:80 tcp S seq 1", 0x100 + i);
    assert_int_equal(w->sent, 64);
    for (unsigned i = 0; i < 200; i++)
        sayf(w, "[fd00:1::%x]:9 > [2001:db8::2]:80 tcp S seq 1", 0x100 + i);
    assert_int_equal(w->sent, 64 + 200); /* inside, each is himself */
    END(w);
}

/* U6: an inside host that takes each address of its /64 leaves an eighth to all
 * others; a LAN that is one /64 is not locked into one host's share. */
static void u6_one_prefix_leaves_some(void **state)
{
    struct world *w = WORLD("profile weir; max 1024; buckets 1024; "
                            "masquerade off; forward {\"verdict\":\"accept\"}");

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < 4096; i++)
        sayf(w, "[fd00:1::%x]:9 > [2001:db8::2]:80 udp", 0x100 + i);
    assert_int_equal(w->sent, 1024 - 1024 / 8);
    assert_int_equal(w->why, CT_REASON_SOURCE_ENTRIES);
    assert_int_equal(flows_of(w, "10.0.1.2", 200, "udp"), 1024 / 8);
    END(w);
}

/* The same of the ports behind an address. */
static void u6_one_prefix_leaves_some_ports(void **state)
{
    struct world *w =
        WORLD("profile weir; max 4096; buckets 4096; masquerade 5000-5799");

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < 1600; i++)
        sayf(w, "[fd00:1::%x]:9 > [2001:db8::2]:80 udp", 0x100 + i);
    assert_int_equal(w->sent, 800 - 800 / 8);
    assert_int_equal(w->why, CT_REASON_SOURCE_PORTS);
    END(w);
}

static bool announces(struct world *w, const char *host, unsigned port)
{
    char from[32], back[32], says[48];
    unsigned a, b, c, d;
    struct talk t = {.w = w,
                     .from = from,
                     .to = "198.51.100.2:21",
                     .server = "198.51.100.2:21",
                     .back = back,
                     .by = "wan",
                     .at = "lan"};

    snprintf(from, sizeof from, "%s:%u", host, port);
    snprintf(back, sizeof back, "198.51.100.1:%u", port);
    shake_hands(&t);
    assert_true(tell(&t, 0, "USER a\r\n"));
    assert_int_equal(sscanf(host, "%u.%u.%u.%u", &a, &b, &c, &d), 4);
    snprintf(says, sizeof says, "PORT %u,%u,%u,%u,%u,%u\r\n", a, b, c, d,
             port >> 8, port & 255);
    return tell(&t, 0, says);
}

/* U6: of announced flows one host's many connections leave some to others. */
static void u6_announced_flows_are_shared(void **state)
{
    struct world *w =
        WORLD("profile weir; tune extensions 64; tune expect_max 8; prerouting "
              "{\"proto\":\"tcp\",\"dport\":21,\"helper\":\"ftp\"}");
    unsigned n = 0;

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < 8; i++)
        n += announces(w, "10.0.1.2", 4000 + i);
    assert_int_equal(n, 4);
    assert_int_equal(w->why, CT_REASON_EXPECT_FULL);
    for (unsigned i = 0; i < 4; i++) {
        char host[16];

        snprintf(host, sizeof host, "10.0.1.%u", 3 + i);
        assert_true(announces(w, host, 4100 + i));
    }
    assert_int_equal(stat_of(w, CT_STAT_expectations), 8);
    END(w);
}

/* U6: and of records.  What has gone is not counted any more. */
static void u6_records_are_shared(void **state)
{
    struct world *w = WORLD("profile weir; tune extensions 8; "
                            "forward {\"set_label\":5}");

    (void)state;
    w->quiet = true;
    for (unsigned round = 0; round < 3; round++) {
        assert_int_equal(flows_of(w, "10.0.1.2", 20, "udp"), 20);
        assert_int_equal(stat_of(w, CT_STAT_extensions), 4);
        assert_int_equal(flows_of(w, "10.0.1.3", 20, "udp"), 20);
        assert_int_equal(stat_of(w, CT_STAT_extensions), 5);
        elapse(w, 200);
        assert_int_equal(stat_of(w, CT_STAT_extensions), 0);
    }
    END(w);
}

/* U6: a server that announced flows come from has its part of them, too; what
 * finds none is a flow like any other. */
static void u6_records_of_announced_flows(void **state)
{
    struct world *w =
        WORLD("profile rfc; tune extensions 8; prerouting "
              "{\"proto\":\"tcp\",\"dport\":21,\"helper\":\"ftp\"}");
    char host[16];

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < 4; i++) {
        snprintf(host, sizeof host, "10.0.1.%u", 2 + i);
        assert_true(announces(w, host, 4100 + i));
    }
    assert_int_equal(stat_of(w, CT_STAT_expectations), 4);
    for (unsigned i = 0; i < 4; i++) /* the first has 4101, and so on */
        sayf(w, "198.51.100.2:20 > 198.51.100.1:%u tcp S seq 1", 4101 + i);
    assert_int_equal(stat_of(w, CT_STAT_extensions), 5);
    assert_int_equal(stat_of(w, CT_STAT_expectations), 3);
    assert_int_equal(stat_of(w, CT_STAT_ext_full), 3);
    END(w);
}

/* The same address in another zone is another source. */
static void zones_keep_sources_apart(void **state)
{
    struct world *w =
        WORLD("profile weir; max 512; buckets 512; tune strict_source 0; "
              "tenant red 10.9.0.1/24; tenant blue 10.9.1.1/24; "
              "prerouting {\"in\":\"red\",\"set_zone_orig\":1}; "
              "prerouting {\"in\":\"blue\",\"set_zone_orig\":2}");

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < 100; i++)
        sayf(w, "10.9.0.5:%u > " S " udp @red", 2000 + i);
    assert_int_equal(w->sent, 64);
    for (unsigned i = 0; i < 100; i++)
        sayf(w, "10.9.0.5:%u > " S " udp @blue", 2000 + i);
    assert_int_equal(w->sent, 128);
    END(w);
}

/* on_full says what the sender hears. */
static void the_sender_is_told(void **state)
{
    struct world *w = WORLD("profile weir; max 512; buckets 512; "
                            "on_full reject; masquerade off");

    (void)state;
    w->quiet = true;
    assert_int_equal(flows_of(w, "10.0.1.2", 64, "udp"), 64);
    w->quiet = false;
    TRACE(w, "");
    say(w, "10.0.1.2:9 > " S " udp");
    TRACE(w, "[  0] 10.0.1.2:9 > " S " udp: INVALID icmp_unrelated\n"
             "      out lan 10.0.1.1 > 10.0.1.2 icmp 3/13 tos 192 df about "
             "{10.0.1.2:9 > 198.51.100.2:53 udp}\n"
             "      drop source_entries\n");
    END(w);
}

/* Profile linux limits no source.  Switched on later, the limit has no effect:
 * its counters are made at the start only. */
static void off_it_is_off(void **state)
{
    struct world *w = WORLD("max 512; buckets 512; masquerade off");
    struct ct_params params = *ct_params(w->rig.ct);

    (void)state;
    w->quiet = true;
    assert_int_equal(flows_of(w, "10.0.1.2", 300, "udp"), 300);
    params.v[CT_PARAM_source_share] = 8;
    ct_set_params(w->rig.ct, &params);
    assert_int_equal(flows_of(w, "10.0.1.3", 200, "udp"), 200);
    assert_int_equal(stat_of(w, CT_STAT_source_share), 0);
    END(w);
}

/* On from the start it may be changed, and switched off and on. */
static void the_part_may_change(void **state)
{
    struct world *w = WORLD("profile weir; max 1024; buckets 1024; "
                            "masquerade off");
    struct ct_params params = *ct_params(w->rig.ct);

    (void)state;
    w->quiet = true;
    assert_int_equal(flows_of(w, "10.0.1.2", 300, "udp"), 128);
    params.v[CT_PARAM_source_share] = 4;
    ct_set_params(w->rig.ct, &params);
    assert_int_equal(flows_of(w, "10.0.1.2", 300, "udp"), 256);
    params.v[CT_PARAM_source_share] = 0;
    ct_set_params(w->rig.ct, &params);
    assert_int_equal(flows_of(w, "10.0.1.2", 300, "udp"), 300);
    params.v[CT_PARAM_source_share] = 8;
    ct_set_params(w->rig.ct, &params);
    say(w, "10.0.1.2:9 > " S " udp");
    assert_int_equal(w->why, CT_REASON_SOURCE_ENTRIES);
    END(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(u6_one_host_can_not_fill_the_table),
        STORY(u6_one_host_can_not_take_all_ports),
        STORY(u6_eight_greedy_hosts),
        STORY(a_small_pool_is_not_shared_out),
        STORY(strangers_are_one_by_their_prefix),
        STORY(u6_one_prefix_leaves_some),
        STORY(u6_one_prefix_leaves_some_ports),
        STORY(u6_announced_flows_are_shared),
        STORY(u6_records_are_shared),
        STORY(u6_records_of_announced_flows),
        STORY(zones_keep_sources_apart),
        STORY(the_sender_is_told),
        STORY(off_it_is_off),
        STORY(the_part_may_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
