/* workers.c - several shards side by side, and a configuration that changes
 *
 * Which shard owns a packet follows from the configuration.  A flow stays with
 * the shard that opened it: whatever is configured later, its packets find it
 * there, no other shard opens it once more, and no port that it has is given
 * away.  All shards are walked by one thread, so each order of events can be
 * had. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "packet.h"
#include "rig.h"

enum { HOSTS = 16, ROOM = 2048 };

static struct {
    struct rig rig;
    bool hold; /* queue 0 takes what comes */
    struct ct_pkt held;
    uint32_t held_at;
    uint8_t held_room[CT_HEADROOM + ROOM + CT_HEADROOM];
    const char *outside; /* the address that flows are hidden behind */
    unsigned sent, dropped;
    uint8_t last[ROOM];
} t;

static enum ct_reason tx(void *ctx, struct ct_pkt *pkt)
{
    (void)ctx;
    t.sent++;
    assert_true(pkt->len <= ROOM && packet_sums_ok(pkt->data, pkt->len));
    memcpy(t.last, pkt->data, pkt->len);
    return CT_REASON_NONE;
}

static void dropped(void *ctx, const struct ct_pkt *pkt)
{
    (void)ctx;
    (void)pkt;
    t.dropped++;
}

static enum ct_verdict queue(void *ctx, struct ct_pkt *pkt)
{
    (void)ctx;
    if (!t.hold)
        return CT_ACCEPT;
    t.held = *pkt;
    t.held.data = t.held_room + CT_HEADROOM;
    t.held_at = t.rig.at;
    memcpy(t.held.data, pkt->data, pkt->len);
    return CT_QUEUE;
}

/* rules: what stands before the masquerade, and more sections behind. */
static char *config(unsigned workers, const char *prerouting,
                    const char *postrouting, const char *more)
{
    char *json = NULL;

    assert_true(
        asprintf(
            &json,
            "{\"interfaces\": {\"lan\": {\"tun\": \"l\", \"side\": \"inside\", "
            "\"address\": [\"10.0.1.1/24\"]}, \"wan\": {\"tun\": \"w\", "
            "\"side\": \"outside\", \"address\": [\"198.51.100.1/24\"]}}, "
            "\"workers\": %u, \"seed\": 7, \"conntrack\": {\"max\": 8192, "
            "\"extensions\": 64}, "
            "\"routes\": [{\"to\": \"default\", \"interface\": \"wan\"}], "
            "\"rules\": {\"prerouting\": [%s], \"postrouting\": [%s]%s}, "
            "\"queues\": {\"list\": [{\"number\": 0}]}}",
            workers, prerouting,
            postrouting ? postrouting : "{\"out\":\"wan\",\"masquerade\":true}",
            more) > 0);
    return json;
}

static void begin(unsigned workers, const char *prerouting,
                  const char *postrouting, const char *more)
{
    char *json = config(workers, prerouting, postrouting, more);

    memset(&t, 0, sizeof t);
    t.outside = "198.51.100.1";
    rig_open(&t.rig, json, (ct_time){1000000},
             &(struct rig_calls){.tx = tx, .dropped = dropped, .queue = queue});
    free(json);
}

static void change(unsigned workers, const char *prerouting,
                   const char *postrouting)
{
    char *json = config(workers, prerouting, postrouting, "");

    rig_reload(&t.rig, json);
    free(json);
}

static void end(void)
{
    const char *wrong;

    rig_tick(&t.rig);
    wrong = rig_check(&t.rig);
    if (wrong != NULL)
        fail_msg("%s", wrong);
    rig_close(&t.rig);
}

/* Answers the shard that ended it. */
static uint32_t say_by(uint32_t by, const char *spec)
{
    static uint8_t room[CT_HEADROOM + ROOM + CT_HEADROOM];
    struct ct_pkt pkt = {.data = room + CT_HEADROOM, .rule = CT_NONE};

    pkt.len = (uint32_t)packet_build(pkt.data, ROOM, spec);
    if (pkt.len == 0)
        fail_msg("not a packet: %s", spec);
    pkt.in = pkt.data[12] == 10 ? 0 : 1;
    return rig_walk_by(&t.rig, by, &pkt);
}

static uint32_t __attribute__((format(printf, 1, 2))) say(const char *fmt, ...)
{
    char spec[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(spec, sizeof spec, fmt, ap);
    va_end(ap);
    return say_by(0, spec);
}

static unsigned last_port(bool dst)
{
    unsigned at = dst ? 22 : 20;

    return (unsigned)t.last[at] << 8 | t.last[at + 1];
}

/* The last packet that left went to this host of the LAN. */
static void went_to(unsigned host)
{
    assert_memory_equal(t.last + 16, "\x0a\x00\x01", 3);
    assert_int_equal(t.last[19], host);
}

/* ---- flows from inside ---- */

/* Their ports lie above 29000, as any host's may. */
static void connect_all(unsigned port[HOSTS])
{
    for (unsigned i = 0; i < HOSTS; i++) {
        say("10.0.1.%u:%u > 203.0.113.5:80 tcp S seq 100 win 60000", 2 + i,
            30000 + i);
        assert_int_equal(t.last[16], 203);
        port[i] = last_port(false);
        say("203.0.113.5:80 > %s:%u tcp S. seq 900 ack 101 win 60000",
            t.outside, port[i]);
        went_to(2 + i);
        say("10.0.1.%u:%u > 203.0.113.5:80 tcp . seq 101 ack 901 win 60000",
            2 + i, 30000 + i);
    }
}

/* Both ways, each to the host that it was for. */
static void all_go_on(const unsigned port[HOSTS])
{
    for (unsigned i = 0; i < HOSTS; i++) {
        unsigned sent = t.sent;

        say("203.0.113.5:80 > %s:%u tcp . seq 901 ack 101 win 60000 'secret'",
            t.outside, port[i]);
        assert_int_equal(t.sent, sent + 1);
        went_to(2 + i);
        assert_int_equal(last_port(true), 30000 + i);
        say("10.0.1.%u:%u > 203.0.113.5:80 tcp . seq 101 ack 901 win 60000 "
            "'ask'",
            2 + i, 30000 + i);
        assert_int_equal(t.sent, sent + 2);
        assert_int_equal(last_port(false), port[i]);
    }
}

static const unsigned counts[] = {1, 2, 3, 4, 8};
#define EACH_COUNT(n)                                                          \
    for (unsigned k_ = 0, n = 1;                                               \
         k_ < sizeof counts / sizeof *counts && (n = counts[k_]); k_++)

#define COVER(proto, ports)                                                    \
    "{\"in\":\"wan\",\"proto\":\"" proto "\",\"dst\":\"198.51.100.1\","        \
    "\"dport\":\"" ports "\",\"dnat\":\"10.0.1.99\"}"

static void new_forward_leaves_living_flows(void **state)
{
    unsigned port[HOSTS];

    (void)state;
    EACH_COUNT(n)
    {
        begin(n, "", NULL, "");
        connect_all(port);
        change(n, COVER("tcp", "29000-65000"), NULL);
        all_go_on(port); /* while strays are being counted */
        rig_tick(&t.rig);
        all_go_on(port);
        assert_int_equal(t.dropped, 0);
        assert_int_equal(rig_stat(&t.rig, CT_STAT_created), HOSTS);
        /* Whoever is new meets the rule. */
        say("203.0.113.9:1 > 198.51.100.1:31000 tcp S seq 1");
        went_to(99);
        end();
    }
}

/* It costs only as long as such flows live. */
static void looking_ends_with_the_last_stray(void **state)
{
    unsigned port[HOSTS];
    uint64_t passed;

    (void)state;
    begin(4, "", NULL, "");
    connect_all(port);
    assert_int_equal(rig_stat(&t.rig, CT_STAT_strays), 0);
    change(4, COVER("tcp", "29000-65000"), NULL);
    rig_tick(&t.rig);
    assert_in_range(rig_stat(&t.rig, CT_STAT_strays), 1, HOSTS);
    all_go_on(port);
    passed = rig_stat(&t.rig, CT_STAT_passed_on);
    assert_in_range(passed, 1, 2 * HOSTS);
    for (uint32_t i = 0; i < 4; i++)
        ct_flush(t.rig.shard[i].ct);
    assert_int_equal(rig_stat(&t.rig, CT_STAT_strays), 0);
    connect_all(port);
    all_go_on(port);
    assert_int_equal(rig_stat(&t.rig, CT_STAT_passed_on), passed);
    assert_int_equal(rig_stat(&t.rig, CT_STAT_strays), 0);
    end();
}

/* The same rules once more steer as before: nothing is looked for. */
static void same_steering_makes_no_strays(void **state)
{
    unsigned port[HOSTS];

    (void)state;
    begin(2, COVER("tcp", "80"), NULL, "");
    connect_all(port);
    for (int i = 0; i < 5; i++)
        change(2, COVER("tcp", "80"), NULL);
    for (uint32_t i = 0; i < 2; i++)
        assert_false(t.rig.shard[i].ct == NULL ||
                     t.rig.shard[i].steer->view.serial != 1);
    all_go_on(port);
    assert_int_equal(rig_stat(&t.rig, CT_STAT_passed_on), 0);
    end();
}

#define FORWARD_TO "{\"in\":\"wan\",\"proto\":\"tcp\",\"dport\":443,\"dnat\":"

static void target_changes(void **state)
{
    static const char *const to[] = {
        FORWARD_TO "\"10.0.1.20\"}", FORWARD_TO "\"10.0.1.21\"}",
        FORWARD_TO "\"10.0.1.22\"}", FORWARD_TO "\"10.0.1.23\"}",
        FORWARD_TO "\"10.0.1.24\"}", FORWARD_TO "\"10.0.1.25\"}"};

    (void)state;
    EACH_COUNT(n)
    {
        begin(n, FORWARD_TO "\"10.0.1.19\"}", NULL, "");
        for (unsigned i = 0; i < HOSTS; i++) {
            say("203.0.113.%u:5000 > 198.51.100.1:443 tcp S seq 100 win 60000",
                i + 1);
            say("10.0.1.19:443 > 203.0.113.%u:5000 tcp S. seq 900 ack 101 win "
                "60000",
                i + 1);
        }
        for (unsigned k = 0; k < 6; k++) {
            change(n, to[k], NULL);
            for (unsigned i = 0; i < HOSTS; i++) {
                say("203.0.113.%u:5000 > 198.51.100.1:443 tcp . seq 101 ack "
                    "901 win 60000",
                    i + 1);
                went_to(19);
                say("10.0.1.19:443 > 203.0.113.%u:5000 tcp . seq 901 ack 101 "
                    "win 60000",
                    i + 1);
                assert_memory_equal(t.last + 12, "\xc6\x33\x64\x01", 4);
            }
            rig_tick(&t.rig);
            say("203.0.113.77:%u > 198.51.100.1:443 tcp S seq 1", 100 + k);
            went_to(20 + k);
        }
        assert_int_equal(t.dropped, 0);
        end();
    }
}

#define SNAT(to) "{\"out\":\"wan\",\"snat\":\"" to "\"}"

static void pool_changes(void **state)
{
    unsigned port[HOSTS];

    (void)state;
    EACH_COUNT(n)
    {
        begin(n, "", SNAT("198.51.100.20"), "");
        t.outside = "198.51.100.20";
        connect_all(port);
        change(n, "", SNAT("198.51.100.40-198.51.100.43"));
        all_go_on(port);
        rig_tick(&t.rig);
        all_go_on(port);
        assert_int_equal(t.dropped, 0);
        end();
    }
}

static void removed_forward_gives_ports_back(void **state)
{
    (void)state;
    EACH_COUNT(n)
    {
        begin(n, COVER("udp", "1024-65535"), NULL, "");
        change(n, "", NULL);
        for (unsigned i = 0; i < 50; i++)
            say("10.0.1.%u:4000 > 203.0.113.5:53 udp 'q'", 2 + i);
        assert_int_equal(t.sent, 50);
        assert_int_equal(rig_reason(&t.rig, CT_REASON_NO_PORT), 0);
        end();
    }
}

static void error_about_a_stray(void **state)
{
    unsigned port[HOSTS];

    (void)state;
    begin(4, "", NULL, "");
    connect_all(port);
    change(4, COVER("tcp", "29000-65000"), NULL);
    for (unsigned i = 0; i < HOSTS; i++) {
        say("192.0.2.1 > 198.51.100.1 icmp 3/1 about {198.51.100.1:%u > "
            "203.0.113.5:80 tcp . seq 101 ack 901}",
            port[i]);
        went_to(2 + i);
    }
    end();
}

/* A flow that was announced goes to its master's host, though a new rule says
 * otherwise of all others. */
static void announced_before_the_reload(void **state)
{
    unsigned port;

    (void)state;
    EACH_COUNT(n)
    {
        for (unsigned host = 2; host < 10; host++) {
            begin(n, "{\"proto\":\"tcp\",\"dport\":21,\"helper\":\"ftp\"}",
                  NULL, "");
            say("10.0.1.%u:2000 > 203.0.113.5:21 tcp S seq 100 win 60000",
                host);
            port = last_port(false);
            say("203.0.113.5:21 > 198.51.100.1:%u tcp S. seq 900 ack 101 win "
                "60000",
                port);
            say("10.0.1.%u:2000 > 203.0.113.5:21 tcp . seq 101 ack 901 win "
                "60000",
                host);
            say("10.0.1.%u:2000 > 203.0.113.5:21 tcp P. seq 101 ack 901 win "
                "60000 'USER a\r\n'",
                host);
            say("10.0.1.%u:2000 > 203.0.113.5:21 tcp P. seq 109 ack 901 win "
                "60000 'PORT 10,0,1,%u,156,64\r\n'",
                host, host);
            assert_int_equal(rig_stat(&t.rig, CT_STAT_expectations), 1);
            for (uint32_t i = 0; i < n; i++) {
                struct ct_expect_view x;

                if (ct_read_expect(t.rig.shard[i].ct, 0, t.rig.now, &x))
                    port = x.tuple.dport;
            }
            change(n, COVER("tcp", "1024-65535"), NULL);
            rig_tick(&t.rig);
            say("203.0.113.5:20 > 198.51.100.1:%u tcp S seq 1", port);
            went_to(host);
            assert_int_equal(last_port(true), 40000);
            end();
        }
    }
}

/* A router that starts again with the same key and number of shards knows
 * nothing, picks connections up in the middle, and gives each its port. */
static void restart_finds_the_same_ports(void **state)
{
    unsigned before[HOSTS], kept = 0;

    (void)state;
    EACH_COUNT(n)
    {
        begin(n, "", NULL, "");
        connect_all(before);
        end();
        begin(n, "", NULL, "");
        for (unsigned i = HOSTS; i-- > 0;) {
            say("10.0.1.%u:%u > 203.0.113.5:80 tcp . seq 101 ack 901 win 60000",
                2 + i, 30000 + i);
            kept += last_port(false) == before[i];
        }
        all_go_on(before);
        end();
    }
    assert_int_equal(kept, HOSTS * sizeof counts / sizeof *counts);
}

/* ---- limits ---- */

#define TO_WAN(more)                                                           \
    ",\"forward\":[{\"out\":\"wan\",\"proto\":\"udp\"," more                   \
    ",\"verdict\":\"drop\"}]"

/* As many pass as with one shard, whichever hosts they are of. */
static void limits_hold_for_all_together(void **state)
{
    (void)state;
    EACH_COUNT(n)
    {
        begin(n, "", NULL, TO_WAN("\"limit\":\"over 10/second burst 5\""));
        for (unsigned i = 0; i < 100; i++)
            say("10.0.1.%u:4000 > 203.0.113.5:53 udp", 2 + i);
        assert_int_equal(t.sent, 5);
        t.rig.now.ms += 200;
        for (unsigned i = 0; i < 100; i++)
            say("10.0.1.%u:4000 > 203.0.113.5:53 udp", 102 + i);
        assert_int_equal(t.sent, 7);
        end();
    }
}

static void connlimit_counts_a_prefix_in_all_shards(void **state)
{
    (void)state;
    EACH_COUNT(n)
    {
        begin(n, "", NULL, TO_WAN("\"connlimit\":\"over 9/24\""));
        for (unsigned i = 0; i < 100; i++)
            say("10.0.1.%u:4000 > 203.0.113.5:53 udp", 2 + i);
        assert_int_equal(t.sent, 9);
        t.rig.now.ms += 3600 * 1000;
        rig_tick(&t.rig); /* all are over */
        for (unsigned i = 0; i < 100; i++)
            say("10.0.1.%u:4000 > 203.0.113.5:53 udp", 102 + i);
        assert_int_equal(t.sent, 18);
        end();
    }
}

/* ---- while not all shards use the new steering ---- */

static void one_flow_across_the_swap(void **state)
{
    (void)state;
    EACH_COUNT(n)
    {
        char *json = config(n, COVER("tcp", "1024-65535"), NULL, "");

        if (n == 1) {
            free(json);
            continue;
        }
        for (uint32_t first = 0; first < n; first++) {
            unsigned flows = 0;

            begin(n, "", NULL, "");
            rig_reload_later(&t.rig, json);
            rig_take(&t.rig, first); /* is ahead of the others */
            for (unsigned i = 0; i < 64; i++)
                for (uint32_t by = 0; by <= n; by++) {
                    char spec[128];

                    snprintf(spec, sizeof spec,
                             "203.0.113.%u:7 > 198.51.100.1:%u tcp S seq 1",
                             1 + i, 30000 + i);
                    say_by((first + by) % n, spec);
                    flows += by == 0;
                    assert_true(rig_stat(&t.rig, CT_STAT_created) <= flows);
                }
            assert_int_equal(rig_stat(&t.rig, CT_STAT_created), flows);
            for (uint32_t i = 0; i < n; i++)
                if (i != first)
                    rig_take(&t.rig, i);
            rig_tick(&t.rig);
            for (unsigned i = 0; i < 64; i++)
                say("203.0.113.%u:7 > 198.51.100.1:%u tcp S seq 1", 1 + i,
                    30000 + i);
            assert_int_equal(rig_stat(&t.rig, CT_STAT_created), flows);
            end();
        }
        free(json);
    }
}

/* A first packet is held while its flow's owner changes; another packet of the
 * flow is faster. */
static void held_first_packet_comes_too_late(void **state)
{
    static const char hold[] =
        ",\"forward\":[{\"out\":\"lan\",\"verdict\":\"queue 0\"}]";
    unsigned moved = 0;

    (void)state;
    for (unsigned i = 0; i < 32; i++) {
        char *json = config(4, COVER("udp", "1024-40000"), NULL, "");

        begin(4, COVER("udp", "1024-50000"), NULL, hold);
        t.hold = true;
        say("203.0.113.5:7 > 198.51.100.1:%u udp", 40990 + i);
        assert_int_equal(rig_stat(&t.rig, CT_STAT_held), 1);
        t.hold = false;
        rig_reload(&t.rig, json);
        free(json);
        rig_tick(&t.rig);
        say("203.0.113.5:7 > 198.51.100.1:%u udp", 40990 + i);
        journey_resume(t.rig.shard[t.held_at].journey, &t.held, CT_ACCEPT,
                       t.rig.now);
        moved += rig_reason(&t.rig, CT_REASON_STEERED) == 1;
        assert_int_equal(rig_stat(&t.rig, CT_STAT_entries), 1);
        end();
    }
    assert_in_range(moved, 1, 31);
}

/* 1:1: each host has a whole address, both ways. */
static void whole_addresses_are_their_hosts(void **state)
{
    char pre[2048] = "", post[2048] = "";

    (void)state;
    for (unsigned i = 2; i < 2 + HOSTS; i++) {
        sprintf(pre + strlen(pre),
                "%s{\"in\":\"wan\",\"dst\":\"198.51.100.1%02u\",\"dnat\":"
                "\"10.0.1.%u\"}",
                i > 2 ? "," : "", i, i);
        sprintf(post + strlen(post),
                "%s{\"out\":\"wan\",\"src\":\"10.0.1.%u\",\"snat\":"
                "\"198.51.100.1%02u\"}",
                i > 2 ? "," : "", i, i);
    }
    EACH_COUNT(n)
    {
        begin(n, pre, post, "");
        for (unsigned i = 2; i < 2 + HOSTS; i++) {
            say("10.0.1.%u:4000 > 203.0.113.5:80 udp 'a'", i);
            assert_int_equal(last_port(false), 4000);
            assert_int_equal(t.last[15], 100 + i);
            say("203.0.113.5:80 > 198.51.100.1%02u:4000 udp 'A'", i);
            went_to(i);
            say("203.0.113.7:9 > 198.51.100.1%02u:22 udp 'x'", i);
            went_to(i);
        }
        assert_int_equal(rig_stat(&t.rig, CT_STAT_entries), 2 * HOSTS);
        end();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_forward_leaves_living_flows),
        cmocka_unit_test(looking_ends_with_the_last_stray),
        cmocka_unit_test(same_steering_makes_no_strays),
        cmocka_unit_test(target_changes),
        cmocka_unit_test(pool_changes),
        cmocka_unit_test(removed_forward_gives_ports_back),
        cmocka_unit_test(error_about_a_stray),
        cmocka_unit_test(announced_before_the_reload),
        cmocka_unit_test(restart_finds_the_same_ports),
        cmocka_unit_test(limits_hold_for_all_together),
        cmocka_unit_test(connlimit_counts_a_prefix_in_all_shards),
        cmocka_unit_test(whole_addresses_are_their_hosts),
        cmocka_unit_test(one_flow_across_the_swap),
        cmocka_unit_test(held_first_packet_comes_too_late),
    };

    return cmocka_run_group_tests_name("workers", tests, NULL, NULL);
}
