/* workers_alike.c - what is the same however many shards there are
 *
 * The same flows live, the same hosts get out, the same packets are refused. */
#include "fleet.h"

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

/* extensions and expect_max are as many for N workers as for one. */
static void records_are_counted_together(void **state)
{
    (void)state;
    EACH_COUNT(n)
    {
        begin(n, "{\"proto\":\"udp\",\"dport\":69,\"helper\":\"tftp\"}", NULL,
              ", \"forward\": [{\"set_label\":5}]");
        for (unsigned i = 0; i < 40; i++)
            say("10.0.1.%u:4000 > 203.0.113.5:69 udp hex 00016100", 2 + i);
        assert_int_equal(rig_stat(&t.rig, CT_STAT_expectations), 32);
        assert_int_equal(rig_stat(&t.rig, CT_STAT_extensions), 32);
        assert_int_equal(t.dropped, 8);
        for (unsigned i = 0; i < 60; i++)
            say("10.0.1.%u:4000 > 203.0.113.5:53 udp", 2 + i);
        assert_int_equal(rig_stat(&t.rig, CT_STAT_extensions), 64);
        for (uint32_t i = 0; i < n; i++)
            ct_flush(t.rig.shard[i].ct);
        for (unsigned i = 0; i < 60; i++)
            say("10.0.1.%u:4000 > 203.0.113.5:53 udp", 102 + i);
        assert_int_equal(rig_stat(&t.rig, CT_STAT_extensions), 60);
        end();
    }
}

/* A host hidden behind the port that is forwarded to it, in anyone's slice. */
static void forwarded_port_is_its_hosts(void **state)
{
    char pre[128], post[128];

    (void)state;
    EACH_COUNT(n)
    for (unsigned h = 2; h < 2 + HOSTS; h++) {
        sprintf(pre,
                "{\"in\":\"wan\",\"proto\":\"tcp\",\"dport\":8080,"
                "\"dnat\":\"10.0.1.%u:80\"}",
                h);
        sprintf(post, "{\"proto\":\"tcp\",\"snat\":\"198.51.100.1:%s\"}",
                h % 2 ? "8080" : "8073-8080");
        begin(n, pre, post, "");
        say("10.0.1.%u:80 > 203.0.113.5:80 tcp S seq 1", h);
        say("203.0.113.5:80 > 198.51.100.1:%u tcp S. seq 9 ack 2",
            last_port(false));
        went_to(h);
        end();
    }
}

/* Two ranges are forwarded, the first to another host or to this one; where
 * they meet lies the range that hides: of each it gets what is its. */
static void forwarded_range_is_its_hosts(void **state)
{
    char pre[512];

    (void)state;
    EACH_COUNT(n)
    for (unsigned h = 2; h < 2 + HOSTS; h++) {
        bool first = h % 2;
        /* One worker may give what is another host's, as the kernel does. */
        unsigned lo = first || n == 1 ? 8100 : 8102;
        unsigned hi = first && n > 1 ? 8101 : 8103;

        sprintf(pre,
                "{\"in\":\"wan\",\"proto\":\"tcp\",\"dport\":\"8000-8101\","
                "\"dnat\":\"10.0.1.%u\"},"
                "{\"in\":\"wan\",\"proto\":\"tcp\",\"dport\":\"8102-8200\","
                "\"dnat\":\"10.0.1.%u\"}",
                first ? h : 99, first ? 99 : h);
        begin(n, pre, "{\"proto\":\"tcp\",\"snat\":\"198.51.100.1:8100-8103\"}",
              "");
        for (unsigned i = 0; i < 2; i++) {
            say("10.0.1.%u:%u > 203.0.113.5:80 tcp S seq 1", h, 80 + i);
            assert_in_range(last_port(false), lo, hi);
            say("203.0.113.5:80 > 198.51.100.1:%u tcp S. seq 9 ack 2",
                last_port(false));
            went_to(h);
        }
        end();
    }
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
        cmocka_unit_test(restart_finds_the_same_ports),
        cmocka_unit_test(limits_hold_for_all_together),
        cmocka_unit_test(connlimit_counts_a_prefix_in_all_shards),
        cmocka_unit_test(records_are_counted_together),
        cmocka_unit_test(whole_addresses_are_their_hosts),
        cmocka_unit_test(forwarded_port_is_its_hosts),
        cmocka_unit_test(forwarded_range_is_its_hosts),
    };

    return cmocka_run_group_tests_name("workers_alike", tests, NULL, NULL);
}
