/* full.c - the table is full (Linux early_drop()) */
#include "world.h"

#define S "198.51.100.2:80"

/* Sixteen flows that early drop must not touch. */
static void fill_assured(struct world *w, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        sayf(w, "10.0.1.2:%u > " S " tcp S seq 1000", 4000 + i);
        sayf(w, S " > 198.51.100.1:%u tcp S. seq 5000 ack 1001", 4000 + i);
        sayf(w, "10.0.1.2:%u > " S " tcp . seq 1001 ack 5001", 4000 + i);
    }
    assert_int_equal(count_flows(w), n);
}

static void assert_assured(struct world *w, unsigned n)
{
    struct ct_view v;
    unsigned found = 0;

    for (uint32_t s = 0; s < ct_slots(w->rig.ct); s++)
        if (ct_read(w->rig.ct, s, w->rig.now, &v))
            found += (v.status & CT_ASSURED) != 0;
    assert_int_equal(found, n);
}

/* Unassured flows give way: no new flow is refused. */
static void linux_early_drop_of_unassured(void **state)
{
    struct world *w = WORLD("max 16; buckets 16");

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < 200; i++)
        sayf(w, "10.0.1.2:%u > " S " udp", 4000 + i);
    assert_int_equal(w->sent, 200);
    assert_int_equal(w->dropped, 0);
    assert_true(count_flows(w) <= 16);
    assert_int_equal(stat_of(w, CT_STAT_early_drop), 200 - count_flows(w));
    assert_int_equal(stat_of(w, CT_STAT_table_full), 0);
    END(w);
}

/* Assured ones do not: the packet is dropped and counted, they live on. */
static void r1b_assured_flows_stay(void **state)
{
    struct world *w = WORLD("max 16; buckets 16");

    (void)state;
    w->quiet = true;
    fill_assured(w, 16);
    w->quiet = false;
    TRACE(w, "");
    say(w, "10.0.1.3:5000 > " S " tcp S seq 1");
    TRACE(w, "[  0] 10.0.1.3:5000 > " S " tcp S: INVALID\n"
             "      drop table_full\n");
    w->quiet = true;
    for (unsigned i = 0; i < 100; i++)
        sayf(w, "10.0.1.3:%u > " S " udp", 6000 + i);
    assert_int_equal(drops_of(w, CT_REASON_TABLE_FULL), 101);
    assert_int_equal(stat_of(w, CT_STAT_table_full), 101);
    assert_int_equal(stat_of(w, CT_STAT_drop), 101);
    assert_int_equal(stat_of(w, CT_STAT_early_drop), 0);
    assert_assured(w, 16);
    say(w, S " > 198.51.100.1:4003 tcp P. seq 5001 ack 1001 'still here'");
    assert_int_equal(w->info, CT_ESTABLISHED);
    END(w);
}

/* One that ends makes room for exactly one. */
static void linux_room_comes_back(void **state)
{
    struct world *w = WORLD("max 16; buckets 16");

    (void)state;
    w->quiet = true;
    fill_assured(w, 16);
    say(w, S " > 198.51.100.1:4003 tcp R seq 5001");
    say(w, "10.0.1.3:5000 > " S " tcp S seq 1");
    assert_int_equal(w->why, CT_REASON_TABLE_FULL);
    w->rig.now.ms += 10000; /* no tick yet: the packet makes its room itself */
    say(w, "10.0.1.3:5000 > " S " tcp S seq 1");
    assert_int_equal(w->info, CT_NEW);
    assert_int_equal(stat_of(w, CT_STAT_table_full), 1);
    assert_int_equal(stat_of(w, CT_STAT_expired), 1);
    assert_assured(w, 15);
    END(w);
}

/* Fewer buckets than max: the table holds max all the same, and makes room as
 * any other. */
static void few_buckets_hold_max(void **state)
{
    struct world *w = WORLD("max 16384; buckets 512; masquerade off; "
                            "inside 10.0.0.1/16");

    (void)state;
    alone(w); /* the table is divided */
    w->quiet = true;
    for (unsigned i = 0; i < 20000; i++)
        sayf(w, "10.0.%u.%u:4000 > " S " udp", 2 + i / 200, 1 + i % 200);
    assert_int_equal(w->sent, 20000);
    assert_int_equal(stat_of(w, CT_STAT_chaintoolong), 0);
    assert_true(stat_of(w, CT_STAT_early_drop) > 0);
    END(w);
}

/* As few buckets as may be: one packet makes its room by one walk of a bucket,
 * however many of its entries go and stay. */
static void crowded_buckets_are_walked_once(void **state)
{
    struct world *w = WORLD("max 4096; buckets 64");

    (void)state;
    w->quiet = true;
    fill_assured(w, 2048);
    for (unsigned i = 0; i < 2100; i++)
        sayf(w, "10.0.1.2:%u > " S " udp", 10000 + i);
    assert_true(stat_of(w, CT_STAT_early_drop) > 0);
    assert_in_range(stat_of(w, CT_STAT_work_max), 1, 1024);
    END(w);
}

/* on_full reject: the sender is told (RFC 5508 REQ-8, ICMP 3/13). */
static void rfc5508_req8_told_when_full(void **state)
{
    struct world *w = WORLD("max 16; buckets 16; on_full reject");

    (void)state;
    w->quiet = true;
    fill_assured(w, 16);
    w->quiet = false;
    TRACE(w, "");
    say(w, "10.0.1.3:5000 > " S " udp");
    TRACE(w, "[  0] 10.0.1.3:5000 > " S " udp: INVALID\n"
             "      out lan 10.0.1.1 > 10.0.1.3 icmp 3/13 tos 192 df about "
             "{10.0.1.3:5000 > " S " udp}\n"
             "      drop table_full\n");
    assert_int_equal(stat_of(w, CT_STAT_orig_error), 1);
    END(w);
}

/* The same of the last outside port. */
static void told_when_no_port_is_left(void **state)
{
    struct world *w = WORLD("on_full reject; masquerade 5000-5000");

    (void)state;
    w->quiet = true;
    say(w, "10.0.1.2:4000 > " S " udp");
    say(w, "10.0.1.3:4000 > " S " udp");
    assert_int_equal(w->why, CT_REASON_NO_PORT);
    assert_int_equal(w->sent, 2);
    assert_int_equal(w->last[9], 1); /* ICMP, to the host: prohibited */
    assert_int_equal(w->last[19], 3);
    assert_int_equal(w->last[20], 3);
    assert_int_equal(w->last[21], 13);
    END(w);
}

/* RFC 1122 s3.2.2: no error is sent about a packet to all hosts of a link. */
static void rfc1122_no_error_about_broadcast(void **state)
{
    struct world *w = WORLD("max 16; buckets 16; on_full reject");

    (void)state;
    w->quiet = true;
    fill_assured(w, 16);
    say(w, "10.0.1.3:5000 > 198.51.100.255:53 udp");
    assert_int_equal(w->why, CT_REASON_TABLE_FULL);
    assert_int_equal(stat_of(w, CT_STAT_orig_error), 0);
    assert_int_equal(stat_of(w, CT_STAT_error_of_group), 1);
    END(w);
}

/* on_full untracked: what needs no translation passes. */
static void untracked_when_full_without_nat(void **state)
{
    struct world *w = WORLD("max 16; buckets 16; on_full untracked; "
                            "masquerade off");

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < 16; i++) {
        sayf(w, "10.0.1.2:%u > " S " tcp S seq 1000", 4000 + i);
        sayf(w, S " > 10.0.1.2:%u tcp S. seq 5000 ack 1001", 4000 + i);
        sayf(w, "10.0.1.2:%u > " S " tcp . seq 1001 ack 5001", 4000 + i);
    }
    w->quiet = false;
    TRACE(w, "");
    say(w, "10.0.1.3:5000 > " S " udp");
    TRACE(w, "[  0] 10.0.1.3:5000 > " S " udp: UNTRACKED\n"
             "      out wan 10.0.1.3:5000 > " S " udp\n");
    assert_int_equal(stat_of(w, CT_STAT_table_full), 1);
    assert_assured(w, 16);
    END(w);
}

/* ... and what a NAT rule is meant for does not leave as it is. */
static void untracked_when_full_never_untranslated(void **state)
{
#define FULL "max 16; buckets 16; on_full untracked; "
    static const char *const rules[] = {
        FULL,
        /* what a rule does not track is exempt without it */
        FULL "masquerade off; postrouting {\"ct_state\":\"untracked\","
             "\"verdict\":\"accept\"}; "
             "postrouting {\"out\":\"wan\",\"masquerade\":true}",
        FULL "masquerade off; prerouting {\"in\":\"lan\",\"ct_state\":\"new\","
             "\"set_mark\":5}; postrouting {\"mark\":0,\"nat\":\"none\"}; "
             "postrouting {\"out\":\"wan\",\"masquerade\":true}",
    };

    (void)state;
    for (unsigned i = 0; i < sizeof rules / sizeof *rules; i++) {
        struct world *w = WORLD(rules[i]);

        w->quiet = true;
        fill_assured(w, 16);
        w->quiet = false;
        TRACE(w, "");
        say(w, "10.0.1.3:5000 > " S " udp");
        TRACE(w, "[  0] 10.0.1.3:5000 > " S " udp: UNTRACKED\n"
                 "      drop untranslated\n");
        END(w);
    }
}

/* R3: a flood of half-open flows is gone after its time. */
static void r3_half_open_flows_go(void **state)
{
    struct world *w = WORLD("max 4096; buckets 4096");

    (void)state;
    alone(w); /* the table is divided */
    w->quiet = true;
    for (unsigned i = 0; i < 20000; i++)
        sayf(w, "10.0.1.%u:%u > 198.51.100.%u:80 tcp S seq %u", 2 + i % 200,
             1024 + i % 60000, 2 + i % 250, i);
    assert_int_equal(w->sent, 20000);
    assert_true(count_flows(w) > 4000);
    elapse(w, 121);
    assert_int_equal(count_flows(w), 0);
    assert_int_equal(stat_of(w, CT_STAT_entries), 0);
    assert_int_equal(stat_of(w, CT_STAT_mappings), 0);
    END(w);
}

/* R1: a flood of new flows does not harm assured ones, and real connections
 * still come to be. */
static void r1_flood_beside_real_connections(void **state)
{
    struct world *w = WORLD("max 1024; buckets 1024");
    unsigned served = 0;

    (void)state;
    alone(w); /* the table is divided */
    w->quiet = true;
    fill_assured(w, 64);
    for (unsigned i = 0; i < 4000; i++) {
        sayf(w, "10.0.1.66:%u > 198.51.100.9:80 tcp S seq %u", 1024 + i, i);
        if (i % 40 == 0) {
            unsigned port = 20000 + i;

            sayf(w, "10.0.1.7:%u > " S " tcp S seq 1000", port);
            sayf(w, S " > 198.51.100.1:%u tcp S. seq 5000 ack 1001", port);
            sayf(w, "10.0.1.7:%u > " S " tcp . seq 1001 ack 5001", port);
            served += w->info == CT_ESTABLISHED;
        }
    }
    assert_int_equal(served, 100);
    assert_assured(w, 164);
    assert_int_equal(stat_of(w, CT_STAT_table_full), 0);
    END(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(linux_early_drop_of_unassured),
        STORY(r1b_assured_flows_stay),
        STORY(linux_room_comes_back),
        STORY(few_buckets_hold_max),
        STORY(crowded_buckets_are_walked_once),
        STORY(rfc5508_req8_told_when_full),
        STORY(told_when_no_port_is_left),
        STORY(rfc1122_no_error_about_broadcast),
        STORY(untracked_when_full_without_nat),
        STORY(untracked_when_full_never_untranslated),
        STORY(r3_half_open_flows_go),
        STORY(r1_flood_beside_real_connections),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
