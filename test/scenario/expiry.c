/* expiry.c - times are exact to the millisecond, wherever the clock stands */
#include "world.h"

#include <stdio.h>
#include <string.h>

#define C   "10.0.1.2:4000"
#define S   "198.51.100.2:80"
#define W   "198.51.100.1:4000"
#define RFC "profile rfc; tune port_quarantine 0"

/* What was said last, and how long the flow lives from then on. */
static const struct {
    const char *what;
    const char *lines[6];
    uint64_t ms;
} lives[] = {
    {"udp", {C " > " S " udp"}, 30000},
    {"udp, answered", {C " > " S " udp", S " > " W " udp"}, 30000},
    {"udp stream",
     {C " > " S " udp", S " > " W " udp", "wait 3", C " > " S " udp"},
     120000},
    {"icmp", {"10.0.1.2 > 198.51.100.2 icmp echo id 1"}, 30000},
    {"icmpv6", {"fd00:1::2 > 2001:db8::2 icmp echo id 1"}, 30000},
    {"generic", {"10.0.1.2 > 198.51.100.2 proto 99 len 9"}, 600000},
    {"sctp", {C " > " S " sctp INIT itag 9"}, 10000},
    {"sctp, answered",
     {C " > " S " sctp INIT itag 9", S " > " W " sctp INIT_ACK vtag 9 itag 7"},
     3000},
    {"sctp heartbeat", {C " > " S " sctp HEARTBEAT vtag 7"}, 30000},
    {"sctp path",
     {C " > " S " sctp HEARTBEAT vtag 7", S " > " W " sctp HEARTBEAT_ACK "
                                            "vtag 9"},
     210000},
    {"dccp", {C " > " S " dccp REQUEST seq 1"}, 240000},
    {"dccp, answered",
     {C " > " S " dccp REQUEST seq 1", S " > " W " dccp RESPONSE seq 5 ack 1"},
     480000},
    {"dccp, picked up", {C " > " S " dccp ACK seq 1 ack 9"}, 43200000},
    {"syn_sent", {C " > " S " tcp S seq 1"}, 120000},
    {"syn_recv",
     {C " > " S " tcp S seq 1", S " > " W " tcp S. seq 5 ack 2"},
     60000},
    {"established",
     {C " > " S " tcp S seq 1", S " > " W " tcp S. seq 5 ack 2",
      C " > " S " tcp . seq 2 ack 6"},
     432000000},
    {"unacknowledged",
     {C " > " S " tcp S seq 1", S " > " W " tcp S. seq 5 ack 2",
      C " > " S " tcp . seq 2 ack 6", C " > " S " tcp P. seq 2 ack 6 len 9"},
     300000},
    {"fin_wait",
     {C " > " S " tcp S seq 1", S " > " W " tcp S. seq 5 ack 2",
      C " > " S " tcp . seq 2 ack 6", C " > " S " tcp F. seq 2 ack 6"},
     120000},
    {"close_wait",
     {C " > " S " tcp S seq 1", S " > " W " tcp S. seq 5 ack 2",
      C " > " S " tcp . seq 2 ack 6", C " > " S " tcp F. seq 2 ack 6",
      S " > " W " tcp . seq 6 ack 3"},
     60000},
    {"last_ack",
     {C " > " S " tcp S seq 1", S " > " W " tcp S. seq 5 ack 2",
      C " > " S " tcp . seq 2 ack 6", C " > " S " tcp F. seq 2 ack 6",
      S " > " W " tcp F. seq 6 ack 3"},
     30000},
    {"close",
     {C " > " S " tcp S seq 1", S " > " W " tcp S. seq 5 ack 2",
      C " > " S " tcp . seq 2 ack 6", S " > " W " tcp R seq 6"},
     10000},
    {"simultaneous open",
     {C " > " S " tcp S seq 1", S " > " W " tcp S seq 5"},
     120000},
};

/* In a world of these statements. */
static void check_life(unsigned i, ct_time start, const char *world,
                       uint64_t ms)
{
    struct world *w = world_open(world, start);

    w->quiet = true;
    for (unsigned k = 0; k < 6 && lives[i].lines[k]; k++) {
        if (strcmp(lives[i].lines[k], "wait 3") == 0)
            elapse(w, 3);
        else
            say(w, lives[i].lines[k]);
    }
    assert_int_equal(count_flows(w), 1);
    elapse_ms(w, ms - 1);
    if (count_flows(w) != 1 || stat_of(w, CT_STAT_entries) != 1)
        fail_msg("%s: gone too early", lives[i].what);
    elapse_ms(w, 1);
    if (count_flows(w) != 0)
        fail_msg("%s: still shown", lives[i].what);
    elapse_ms(w, 1000);
    if (stat_of(w, CT_STAT_entries) != 0)
        fail_msg("%s: still there", lives[i].what);
    assert_int_equal(stat_of(w, CT_STAT_expired), 1);
    END(w);
}

static void linux_every_state_has_its_time(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof lives / sizeof *lives; i++)
        check_life(i, (ct_time){1000000}, "", lives[i].ms);
}

/* Of UDP: five minutes, whatever was seen, where two are demanded. */
static void rfc4787_req5_mapping_time(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        check_life(i, (ct_time){1000000}, RFC, 300000);
}

static void rfc5508_req2_query_time(void **state)
{
    (void)state;
    for (unsigned i = 3; i < 5; i++)
        check_life(i, (ct_time){1000000}, RFC, 60000);
}

/* Each of them can be a flow's own, here twice as long: so long and no longer.
 */
static void every_state_may_have_its_own_time(void **state)
{
    char rule[2048] = "tune extensions 4; forward {\"timeouts\":{";
    struct ct_params defaults;

    (void)state;
    ct_params_default(&defaults, CT_PROFILE_LINUX);
    for (unsigned i = 0; i < CT_N_TIMEOUTS; i++)
        sprintf(rule + strlen(rule), "%s\"%s\":%u", i ? "," : "",
                ct_param_info(i)->name, 2 * defaults.v[i]);
    strcat(rule, "}}");
    for (unsigned i = 0; i < sizeof lives / sizeof *lives; i++)
        check_life(i, (ct_time){1000000}, rule, 2 * lives[i].ms);
}

/* F34: across 2^31 and 2^32 milliseconds nothing is different. */
static void f34_clock_wraps(void **state)
{
    static const uint64_t edges[] = {1ull << 31, 1ull << 32, 1ull << 42};

    (void)state;
    for (unsigned e = 0; e < 3; e++)
        for (unsigned i = 0; i < sizeof lives / sizeof *lives; i++)
            check_life(i, (ct_time){edges[e] - lives[i].ms / 2}, "",
                       lives[i].ms);
}

/* The deadline falls on the edge itself, a millisecond before and behind it. */
static void f34_deadline_on_the_edge(void **state)
{
    (void)state;
    for (uint64_t off = 0; off < 3; off++) {
        check_life(0, (ct_time){(1ull << 32) - 30000 - 1 + off}, "", 30000);
        check_life(0, (ct_time){(1ull << 31) - 30000 - 1 + off}, "", 30000);
    }
}

/* An entry past its time never matches, whether or not gc has run. */
static void linux_late_packet_is_a_new_flow(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " udp");
    say(w, S " > " W " udp");
    w->rig.now.ms += 29999;
    say(w, C " > " S " udp");
    assert_int_equal(w->info, CT_ESTABLISHED);
    w->rig.now.ms += 120000; /* no tick meanwhile */
    say(w, C " > " S " udp");
    assert_int_equal(w->info, CT_NEW);
    assert_int_equal(stat_of(w, CT_STAT_created), 2);
    END(w);
}

/* A new listener receives events of older flows, too. */
static void old_flows_are_told(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    alone(w);
    ct_subscribe(w->rig.ct, 0);
    w->quiet = true;
    say(w, "10.0.1.2:4000 > 198.51.100.2:53 udp");
    ct_subscribe(w->rig.ct, CT_EVENT_DESTROY);
    w->quiet = false;
    elapse(w, 30);
    TRACE(w, "[ 30] DESTROY udp 10.0.1.2:4000 > 198.51.100.2:53\n");
    END(w);
}

/* A sleeping machine: two days pass between two looks. */
static void a_long_sleep(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < 1000; i++)
        sayf(w, "10.0.1.2:%u > " S " udp", 2000 + i);
    w->rig.now.ms += 2 * 86400000ull;
    assert_int_equal(count_flows(w), 0);
    say(w, C " > " S " udp");
    elapse(w, 0);
    assert_int_equal(count_flows(w), 1);
    assert_int_equal(stat_of(w, CT_STAT_entries), 1);
    END(w);
}

/* A shorter timeout holds for what comes from then on. */
static void reload_changes_timeouts(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " udp");
    reload(w, "timeout udp 5");
    say(w, C " > " S " udp");
    elapse_ms(w, 4999);
    assert_int_equal(count_flows(w), 1);
    elapse_ms(w, 1);
    assert_int_equal(count_flows(w), 0);
    END(w);
}

/* Entries are used again: the next flow of one counts from nothing, and bears
 * nothing of the former. */
static void an_entrys_next_flow_begins_from_nothing(void **state)
{
    struct world *w =
        WORLD("max 16; prerouting {\"dport\":80,\"proto\":\"udp\","
              "\"set_mark\":7}");
    struct ct_view v;
    uint32_t slot = 0;

    (void)state;
    w->quiet = true;
    for (int i = 0; i < 5; i++)
        say(w, C " > " S " udp 'abc'");
    while (!ct_read(w->rig.ct, slot, w->rig.now, &v))
        slot++;
    assert_int_equal(v.packets[CT_DIR_ORIGINAL], 5);
    assert_int_equal(v.mark, 7);
    elapse(w, 31);
    assert_int_equal(count_flows(w), 0);
    for (int i = 0; i < 16; i++)
        sayf(w, "10.0.1.3:%d > 198.51.100.3:53 udp 'a'", 5000 + i);
    assert_true(ct_read(w->rig.ct, slot, w->rig.now, &v));
    assert_int_equal(v.packets[CT_DIR_ORIGINAL], 1);
    assert_int_equal(v.bytes[CT_DIR_ORIGINAL], 29);
    assert_int_equal(v.packets[CT_DIR_REPLY], 0);
    assert_int_equal(v.mark, 0);
    END(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(linux_every_state_has_its_time),
        STORY(rfc4787_req5_mapping_time),
        STORY(rfc5508_req2_query_time),
        STORY(every_state_may_have_its_own_time),
        STORY(f34_clock_wraps),
        STORY(f34_deadline_on_the_edge),
        STORY(linux_late_packet_is_a_new_flow),
        STORY(old_flows_are_told),
        STORY(a_long_sleep),
        STORY(an_entrys_next_flow_begins_from_nothing),
        STORY(reload_changes_timeouts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
