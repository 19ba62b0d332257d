/* workers.c - several shards side by side, and a configuration that changes
 *
 * Which shard owns a packet follows from the configuration.  A flow stays with
 * the shard that opened it: whatever is configured later, its packets find it
 * there, no other shard opens it once more, and no port that it has is given
 * away.  All shards are walked by one thread, so each order of events can be
 * had. */
#include "fleet.h"

#include "packet/shard.h"

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
        /* New flows match the rule. */
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

/* In one zone both ways, and where answers have another one. */
#define ZONES                                                                  \
    "{\"in\":\"lan\",\"set_zone_reply\":1},{\"in\":\"wan\",\"set_zone_orig\":" \
    "1}"

static void error_about_a_stray(void **state)
{
    unsigned port[HOSTS];

    (void)state;
    for (unsigned zones = 0; zones < 2; zones++) {
        begin(4, zones ? ZONES : "", NULL, "");
        connect_all(port);
        change(4,
               zones ? ZONES "," COVER("tcp", "29000-65000")
                     : COVER("tcp", "29000-65000"),
               NULL);
        for (unsigned i = 0; i < HOSTS; i++) {
            unsigned sent = t.sent;

            say("192.0.2.1 > 198.51.100.1 icmp 3/1 about {198.51.100.1:%u > "
                "203.0.113.5:80 tcp . seq 101 ack 901}",
                port[i]);
            assert_int_equal(t.sent, sent + 1);
            went_to(2 + i);
        }
        end();
    }
}

/* A host of the LAN announces a flow to its port 40000.  Answers the outside
 * port, and which shard awaits it. */
static unsigned announce(unsigned n, unsigned host, uint32_t *at)
{
    struct ct_expect_view x;
    unsigned port;

    begin(n, "{\"proto\":\"tcp\",\"dport\":21,\"helper\":\"ftp\"}", NULL, "");
    say("10.0.1.%u:2000 > 203.0.113.5:21 tcp S seq 100 win 60000", host);
    port = last_port(false);
    say("203.0.113.5:21 > 198.51.100.1:%u tcp S. seq 900 ack 101 win 60000",
        port);
    say("10.0.1.%u:2000 > 203.0.113.5:21 tcp . seq 101 ack 901 win 60000",
        host);
    say("10.0.1.%u:2000 > 203.0.113.5:21 tcp P. seq 101 ack 901 win 60000 "
        "'USER a\r\n'",
        host);
    say("10.0.1.%u:2000 > 203.0.113.5:21 tcp P. seq 109 ack 901 win 60000 "
        "'PORT 10,0,1,%u,156,64\r\n'",
        host, host);
    assert_int_equal(rig_stat(&t.rig, CT_STAT_expectations), 1);
    for (*at = 0; !ct_read_expect(t.rig.shard[*at].ct, 0, t.rig.now, &x);)
        assert_true(++*at < n);
    return x.tuple.dport;
}

/* A flow that was announced goes to its master's host, though a new rule says
 * otherwise of all others. */
static void announced_before_the_reload(void **state)
{
    (void)state;
    EACH_COUNT(n)
    {
        for (unsigned host = 2; host < 10; host++) {
            uint32_t at;
            unsigned port = announce(n, host, &at);

            change(n, COVER("tcp", "1024-65535"), NULL);
            rig_tick(&t.rig);
            say("203.0.113.5:20 > 198.51.100.1:%u tcp S seq 1", port);
            went_to(host);
            assert_int_equal(last_port(true), 40000);
            end();
        }
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

/* A reload gives a static port to another host, in another shard: the flow that
 * has it keeps it. */
static void a_moved_static_port_is_not_given_twice(void **state)
{
    static const char pre[] =
        "{\"in\":\"wan\",\"proto\":\"tcp\",\"dport\":8080,"
        "\"dst\":\"198.51.100.1\",\"dnat\":\"10.0.1.%u:80\"}";
    static const char post[] =
        "{\"out\":\"wan\",\"proto\":\"tcp\",\"src\":\"10.0.1.%u\","
        "\"snat\":\"198.51.100.1:8080\"}";
    char a[256], b[256];

    (void)state;
    for (unsigned h = 2; h < 18; h++) {
        snprintf(a, sizeof a, pre, h);
        snprintf(b, sizeof b, post, h);
        begin(4, a, b, "");
        say("10.0.1.%u:8080 > 203.0.113.5:80 tcp S seq 1", h);
        assert_int_equal(t.sent, 1);
        snprintf(a, sizeof a, pre, h + 1);
        snprintf(b, sizeof b, post, h + 1);
        change(4, a, b);
        say("10.0.1.%u:8080 > 203.0.113.5:80 tcp S seq 1", h + 1);
        assert_int_equal(t.sent, 1);
        assert_int_equal(rig_reason(&t.rig, CT_REASON_NO_PORT), 1);
        say("203.0.113.5:80 > 198.51.100.1:8080 tcp S. seq 9 ack 2");
        went_to(h);
        end();
    }
}

/* An announced flow opens where it is awaited, though another shard is behind
 * and owns it by what it uses. */
static void an_announced_flow_heeds_no_claim(void **state)
{
    char *json = config(4, "", NULL, "");

    (void)state;
    for (unsigned host = 2; host < 10; host++) {
        uint32_t at;
        unsigned port = announce(4, host, &at);
        char spec[128];

        change(4, COVER("tcp", "1024-65535"), NULL);
        rig_tick(&t.rig);
        rig_reload_later(&t.rig, json);
        rig_take(&t.rig, at);
        snprintf(spec, sizeof spec,
                 "203.0.113.5:20 > 198.51.100.1:%u tcp S seq 1", port);
        assert_int_equal(say_by(at, spec), at);
        went_to(host);
        for (uint32_t i = 0; i < 4; i++)
            if (i != at)
                rig_take(&t.rig, i);
        end();
    }
    free(json);
}

/* All shards together log as many packets a second as one alone. */
static void a_log_rate_is_for_all_shards(void **state)
{
    (void)state;
    EACH_COUNT(n)
    {
        begin(n, "{\"in\":\"lan\",\"log\":\"seen\"}", NULL, "");
        for (unsigned i = 0; i < 200; i++)
            say("10.0.1.%u:4000 > 203.0.113.5:53 udp 'q'", 2 + i);
        assert_int_equal(rig_stat(&t.rig, CT_STAT_logged), 10);
        assert_int_equal(rig_stat(&t.rig, CT_STAT_log_suppressed), 190);
        end();
    }
}

/* A packet that another shard passed on is not passed on again, whichever shard
 * owns it by now. */
static void what_was_passed_on_is_not_passed_again(void **state)
{
    static uint8_t room[CT_HEADROOM + ROOM + CT_HEADROOM];
    unsigned port[HOSTS], refused = 0;

    (void)state;
    begin(2, "", NULL, "");
    connect_all(port);
    change(2, COVER("tcp", "29000-65000"), NULL);
    rig_tick(&t.rig);
    for (unsigned i = 0; i < HOSTS; i++)
        for (uint32_t by = 0; by < 2; by++) {
            struct ct_pkt pkt = {.data = room + CT_HEADROOM,
                                 .rule = CT_NONE,
                                 .in = 1},
                          *one = &pkt;
            uint64_t passed = rig_stat(&t.rig, CT_STAT_passed_on),
                     was = rig_reason(&t.rig, CT_REASON_STEERED);
            unsigned sent = t.sent;
            char spec[200];

            snprintf(spec, sizeof spec,
                     "203.0.113.5:80 > 198.51.100.1:%u tcp . seq 901 ack 101 "
                     "win 60000 'x'",
                     port[i]);
            pkt.len = (uint32_t)packet_build(pkt.data, ROOM, spec);
            (void)ct_parse(t.rig.shard[by].ct, &pkt);
            pkt.passed = true;
            t.rig.at = by;
            journey_batch(t.rig.shard[by].journey, &one, 1, t.rig.now);
            assert_int_equal(rig_stat(&t.rig, CT_STAT_passed_on), passed);
            refused += (unsigned)(rig_reason(&t.rig, CT_REASON_STEERED) - was);
            assert_true(t.sent == sent + 1 ||
                        rig_reason(&t.rig, CT_REASON_STEERED) == was + 1);
        }
    assert_int_equal(refused, HOSTS);
    rig_close(&t.rig); /* what came by no device is not in its counts */
}

/* One of two shards has taken the new steering, and all packets come to it. The
 * other one still opens the flows that it owns by the old steering. */
static void who_is_behind_opens_what_is_his(void **state)
{
    char *json = config(2, COVER("tcp", "1024-65535"), NULL, "");

    (void)state;
    for (uint32_t first = 0; first < 2; first++) {
        unsigned his = 0;

        begin(2, "", NULL, "");
        rig_reload_later(&t.rig, json);
        rig_take(&t.rig, first);
        for (unsigned i = 0; i < 64; i++) {
            uint64_t was = ct_stat(t.rig.shard[!first].ct, CT_STAT_created);
            static uint8_t room[CT_HEADROOM + ROOM + CT_HEADROOM];
            struct ct_pkt pkt = {.data = room + CT_HEADROOM, .rule = CT_NONE};
            char spec[128];
            bool owns;

            snprintf(spec, sizeof spec,
                     "203.0.113.%u:7 > 198.51.100.1:%u tcp S seq 1", 1 + i,
                     30000 + i);
            pkt.len = (uint32_t)packet_build(pkt.data, ROOM, spec);
            (void)ct_parse_packet(&pkt);
            owns = ct_owner(&t.rig.shard[!first].steer->view, &pkt) == !first;
            say_by(first, spec);
            assert_int_equal(
                ct_stat(t.rig.shard[!first].ct, CT_STAT_created) - was, owns);
            his += owns;
        }
        assert_in_range(his, 1, 63);
        rig_take(&t.rig, !first);
        end();
    }
    free(json);
}

/* Rules name outside addresses in any order, some twice: the ranges that each
 * packet is looked up in are in order, and each answer finds its shard. */
static void outside_ranges_are_in_order(void **state)
{
    static const uint8_t last[] = {0, 1, 9, 10, 20, 35, 36, 39, 40, 49, 50};
    const struct ct_steer *v;
    char rows[1024];
    struct ct_tuple to = {.src = {.b = {203, 0, 113, 9}},
                          .dst = {.b = {198, 51, 100, 0}},
                          .sport = 53,
                          .dport = 5001,
                          .family = CT_IPV4,
                          .proto = 17};

    (void)state;
    (void)snprintf(rows, sizeof rows, "%s,%s,%s,%s,%s",
                   SNAT("198.51.100.40-198.51.100.49"),
                   SNAT("198.51.100.10-198.51.100.30"), SNAT("198.51.100.12"),
                   SNAT("198.51.100.20-198.51.100.35"),
                   SNAT("198.51.100.40-198.51.100.49"));
    begin(2, "", rows, "");
    v = &t.rig.steer->view;
    assert_int_equal(v->n_external, 3);
    for (uint32_t i = 1; i < v->n_external; i++)
        assert_true(memcmp(v->external[i - 1].hi.b, v->external[i].lo.b, 16) <
                    0);
    for (size_t i = 0; i < sizeof last; i++) {
        bool ours = last[i] == 1 || (last[i] >= 10 && last[i] <= 35) ||
                    (last[i] >= 40 && last[i] <= 49);
        unsigned by_port = 0;

        to.dst.b[3] = last[i];
        for (to.dport = 5000; to.dport < 5020; to.dport++)
            by_port += shard_owner(v, &to) == to.dport % 2u;
        assert_int_equal(by_port == 20, ours);
    }
    end();
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
        cmocka_unit_test(one_flow_across_the_swap),
        cmocka_unit_test(held_first_packet_comes_too_late),
        cmocka_unit_test(a_moved_static_port_is_not_given_twice),
        cmocka_unit_test(what_was_passed_on_is_not_passed_again),
        cmocka_unit_test(who_is_behind_opens_what_is_his),
        cmocka_unit_test(an_announced_flow_heeds_no_claim),
        cmocka_unit_test(a_log_rate_is_for_all_shards),
        cmocka_unit_test(outside_ranges_are_in_order),
    };

    return cmocka_run_group_tests_name("workers", tests, NULL, NULL);
}
