/* reload.c - new rules and the flows that live: kept, or held against them */
#include "world.h"

#include <stdio.h>

#define W   "198.51.100.1"
#define S   "198.51.100.2"
#define NOW "on_reload revalidate; "

#define EXT "tune extensions 8; "
/* A label that the flow's answer gets. */
#define LATER                                                                  \
    EXT "forward "                                                             \
        "{\"ct_state\":\"established\",\"set_label\":70}; "

#define MOVES "dnat udp " W ":514 -> 10.0.1.2:515; "
#define POOL(lo, hi)                                                           \
    "masquerade off; postrouting {\"out\":\"wan\",\"snat\":\"198.51.100." lo   \
    "-198.51.100." hi "\"}"
#define ZONE(with, zone)                                                       \
    "prerouting {\"in\":\"lan\"," with "\"set_zone_orig\":" zone "}"
#define DNAT(port, host) "dnat udp " W ":" port " -> " host ":" port "; "

/* Two forwards, one is changed: only its flows go, and its next packet opens
 * one to the new host. */
static void only_flows_of_a_changed_forward_end(void **state)
{
    struct world *w = WORLD(DNAT("514", "10.0.1.2") DNAT("515", "10.0.1.2"));

    (void)state;
    say(w, "198.51.100.9:4000 > " W ":514 udp 'x'");
    say(w, "198.51.100.9:4000 > " W ":515 udp 'x'");
    w->text_len = 0;
    reload(w, NOW DNAT("514", "10.0.1.3") DNAT("515", "10.0.1.2"));
    TRACE(w, "[  0] DESTROY udp 198.51.100.9:4000 > " W ":514\n");
    assert_int_equal(stat_of(w, CT_STAT_revoked), 1);
    assert_int_equal(w->told, CT_EVENT_DESTROY | CT_EVENT_REVOKED);
    say(w, "198.51.100.9:4000 > " W ":514 udp 'x'");
    say(w, "198.51.100.9:4000 > " W ":515 udp 'x'");
    TRACE(w, "[  0] 198.51.100.9:4000 > " W ":514 udp: NEW\n"
             "      out lan 198.51.100.9:4000 > 10.0.1.3:514 udp\n"
             "[  0] 198.51.100.9:4000 > " W ":515 udp: NEW\n"
             "      out lan 198.51.100.9:4000 > 10.0.1.2:515 udp\n");
    END(w);
}

struct change {
    const char *what, *before, *packet, *answer, *after;
    bool stays;
};

/* One flow, one change of the rules: does it stay? */
static const struct change changes[] = {
    {"nothing changed", "", "10.0.1.2:4000 > " S ":53 udp 'x'", NULL, "", true},
    {"an established flow, and one not begun", "",
     "10.0.1.2:4000 > " S ":53 udp 'x'", S ":53 > " W ":4000 udp 'y'", "",
     true},
    {"dropped", "", "10.0.1.2:4000 > " S ":53 udp 'x'", NULL,
     "forward {\"proto\":\"udp\",\"dport\":53,\"verdict\":\"drop\"}", false},
    {"rejected though established may go on", "",
     "10.0.1.2:4000 > " S ":53 udp 'x'", S ":53 > " W ":4000 udp 'y'",
     "forward {\"ct_state\":[\"established\"],\"verdict\":\"accept\"}; "
     "forward {\"proto\":\"udp\",\"verdict\":\"reject\"}",
     false},
    {"another port is dropped", "", "10.0.1.2:4000 > " S ":53 udp 'x'", NULL,
     "forward {\"proto\":\"udp\",\"dport\":54,\"verdict\":\"drop\"}", true},
    {"the policy is drop", "", "10.0.1.2:4000 > " S ":53 udp 'x'", NULL,
     "policy forward drop", false},
    {"the policy is drop, a rule accepts it", "",
     "10.0.1.2:4000 > " S ":53 udp 'x'", NULL,
     "policy forward drop; forward {\"src\":\"10.0.1.0/24\",\"verdict\":"
     "\"accept\"}",
     true},
    {"hidden behind no address any more", "",
     "10.0.1.2:4000 > " S ":53 udp 'x'", NULL, "masquerade off", false},
    {"not hidden, and is to be", "masquerade off",
     "10.0.1.2:4000 > " S ":53 udp 'x'", NULL, "", false},
    {"a range of ports that has it", "masquerade 4000-4010",
     "10.0.1.2:4000 > " S ":53 udp 'x'", NULL, "masquerade 3990-4010", true},
    {"a range of ports that has it not", "masquerade 4000-4010",
     "10.0.1.2:4000 > " S ":53 udp 'x'", NULL, "masquerade 5000-5010", false},
    {"a pool that begins with its address", POOL("8", "8"),
     "10.0.1.2:4000 > " S ":53 udp 'x'", NULL, POOL("8", "9"), true},
    {"a pool that ends with it", POOL("8", "8"),
     "10.0.1.2:4000 > " S ":53 udp 'x'", NULL, POOL("7", "8"), true},
    {"a pool behind it", POOL("8", "8"), "10.0.1.2:4000 > " S ":53 udp 'x'",
     NULL, POOL("9", "10"), false},
    {"a pool before it", POOL("8", "8"), "10.0.1.2:4000 > " S ":53 udp 'x'",
     NULL, POOL("6", "7"), false},
    {"a limit may have put it into its zone", ZONE("", "3"),
     "10.0.1.2:4000 > " S ":53 udp 'x'", NULL,
     ZONE("\"limit\":\"1/second\",", "3"), true},
    {"a limit may have left it in none", "", "10.0.1.2:4000 > " S ":53 udp 'x'",
     NULL, ZONE("\"limit\":\"1/second\",", "3"), true},
    {"a limit leads to another zone", ZONE("", "3"),
     "10.0.1.2:4000 > " S ":53 udp 'x'", NULL,
     ZONE("\"limit\":\"1/second\",", "4"), false},
    {"a forward that is gone", DNAT("514", "10.0.1.2"),
     "198.51.100.9:4000 > " W ":514 udp 'x'", NULL, "", false},
    {"a forward to another port", DNAT("514", "10.0.1.2"),
     "198.51.100.9:4000 > " W ":514 udp 'x'", NULL,
     "dnat udp " W ":514 -> 10.0.1.2:515", false},
    {"a forward that is still the same, hidden in a wider one",
     DNAT("514", "10.0.1.2"), "198.51.100.9:4000 > " W ":514 udp 'x'", NULL,
     "dnat udp " W ":500-600 -> 10.0.1.2", true},
    {"a forward above it that takes it away", DNAT("514", "10.0.1.2"),
     "198.51.100.9:4000 > " W ":514 udp 'x'", NULL,
     "dnat udp " W ":510-520 -> 10.0.1.9; " DNAT("514", "10.0.1.2"), false},
    {"a limit, which may have let it in", "",
     "10.0.1.2:4000 > " S ":53 udp 'x'", NULL,
     "forward {\"limit\":\"over 1/second\",\"verdict\":\"drop\"}; "
     "forward {\"connlimit\":\"over 1\",\"verdict\":\"drop\"}",
     true},
    {"only a limit accepts it", "", "10.0.1.2:4000 > " S ":53 udp 'x'", NULL,
     "policy forward drop; forward {\"limit\":\"1/second\",\"verdict\":"
     "\"accept\"}",
     true},
    {"its mark decides", "", "10.0.1.2:4000 > " S ":53 udp 'x'", NULL,
     "prerouting {\"src\":\"10.0.1.2\",\"set_mark\":7}; "
     "forward {\"mark\":7,\"verdict\":\"drop\"}",
     false},
    {"not tracked any more", "masquerade off",
     "10.0.1.2:4000 > " S ":53 udp 'x'", NULL,
     "masquerade off; prerouting {\"proto\":\"udp\",\"notrack\":true}", false},
    {"in another zone", "", "10.0.1.2:4000 > " S ":53 udp 'x'", NULL,
     "prerouting {\"in\":\"lan\",\"set_zone_orig\":3}", false},
    {"in the same zone", "prerouting {\"in\":\"lan\",\"set_zone_orig\":3}",
     "10.0.1.2:4000 > " S ":53 udp 'x'", NULL,
     "prerouting {\"in\":\"lan\",\"set_zone_orig\":3}", true},
    {"TCP stays", "", "10.0.1.2:4000 > " S ":80 tcp S seq 1", NULL, "", true},
    {"a query's id is no port", "", "10.0.1.2 > " S " icmp echo id 7 seq 1",
     NULL, "", true},
    {"a query that is dropped", "", "10.0.1.2 > " S " icmp echo id 7 seq 1",
     NULL, "forward {\"proto\":\"icmp\",\"icmp_type\":8,\"verdict\":\"drop\"}",
     false},
    {"IPv6 stays", "", "[fd00:1::2]:4000 > [2001:db8::2]:53 udp 'x'", NULL, "",
     true},
    {"to the router, whose policy is drop now", "",
     "10.0.1.2 > 10.0.1.1 icmp echo id 7 seq 1", NULL, "policy input drop",
     false},
    {"to the router, which does not forward now", "",
     "10.0.1.2 > 10.0.1.1 icmp echo id 7 seq 1", NULL, "policy forward drop",
     true},
    {"the policy is drop, a limit may have let it in", "",
     "10.0.1.2:4000 > " S ":53 udp 'x'", NULL,
     "policy forward drop; forward {\"limit\":\"1/second\",\"verdict\":"
     "\"accept\"}",
     true},
    {"a queue within a limit may have", "", "10.0.1.2:4000 > " S ":53 udp 'x'",
     NULL,
     "policy forward drop; forward {\"limit\":\"1/second\",\"verdict\":\"queue "
     "1\"}",
     true},
    {"the first of its source may have been let in", "",
     "10.0.1.2:4000 > " S ":53 udp 'x'", NULL,
     "policy forward drop; forward {\"connlimit\":1,\"verdict\":\"accept\"}",
     true},
    {"a limit may have marked it", "", "10.0.1.2:4000 > " S ":53 udp 'x'", NULL,
     "policy forward drop; prerouting {\"limit\":\"1/second\",\"set_mark\":1}; "
     "forward {\"mark\":1,\"verdict\":\"accept\"}",
     true},
    {"and a rule behind it has, for sure", "",
     "10.0.1.2:4000 > " S ":53 udp 'x'", NULL,
     "prerouting {\"limit\":\"1/second\",\"set_mark\":9}; prerouting "
     "{\"set_mark\":5}; forward {\"mark\":5,\"verdict\":\"drop\"}",
     false},
    {"in other bits", "", "10.0.1.2:4000 > " S ":53 udp 'x'", NULL,
     "prerouting {\"set_mark\":\"0x500/0xff00\"}; prerouting "
     "{\"limit\":\"1/second\",\"set_mark\":\"9/0xff\"}; "
     "forward {\"mark\":\"0x500/0xff00\",\"verdict\":\"drop\"}",
     false},
    {"in the same bits", "", "10.0.1.2:4000 > " S ":53 udp 'x'", NULL,
     "prerouting {\"limit\":\"1/second\",\"set_mark\":\"9/0xff\"}; "
     "prerouting {\"set_mark\":\"0x500/0xff00\"}; "
     "forward {\"mark\":9,\"verdict\":\"drop\"}; "
     "forward {\"mark\":\"0x501/0xff0f\",\"verdict\":\"drop\"}; "
     "forward {\"mark\":\"9/0xff\",\"verdict\":\"drop\"}; "
     "forward {\"mark\":\"!9/0xff\",\"verdict\":\"drop\"}",
     true},
    {"a bit that is known refuses the others", "",
     "10.0.1.2:4000 > " S ":53 udp 'x'", NULL,
     "policy forward drop; prerouting "
     "{\"limit\":\"1/second\",\"set_mark\":\"9/0xff\"}; "
     "forward {\"mark\":\"0x109/0x1ff\",\"verdict\":\"accept\"}",
     false},
    {"the mark that it has anyway", "", "10.0.1.2:4000 > " S ":53 udp 'x'",
     NULL,
     "prerouting {\"set_mark\":5}; prerouting "
     "{\"limit\":\"1/second\",\"set_mark\":5}; "
     "forward {\"mark\":5,\"verdict\":\"drop\"}",
     false},
    {"a queue may mark it, and a rule does", "",
     "10.0.1.2:4000 > " S ":53 udp 'x'", NULL,
     "prerouting {\"verdict\":\"queue 1\"}; forward {\"set_mark\":5}; "
     "forward {\"mark\":5,\"verdict\":\"drop\"}",
     false},
    {"a limit may have labelled it", EXT, "10.0.1.2:4000 > " S ":53 udp 'x'",
     NULL,
     EXT "policy forward drop; prerouting "
         "{\"limit\":\"1/second\",\"set_label\":1}; "
         "forward {\"label\":1,\"verdict\":\"accept\"}",
     true},
    {"or not", EXT, "10.0.1.2:4000 > " S ":53 udp 'x'", NULL,
     EXT "prerouting {\"limit\":\"1/second\",\"set_label\":1}; "
         "forward {\"label\":1,\"verdict\":\"drop\"}; "
         "forward {\"not_label\":1,\"verdict\":\"drop\"}",
     true},
    {"its label decides", EXT, "10.0.1.2:4000 > " S ":53 udp 'x'", NULL,
     EXT "prerouting {\"set_label\":[1,70]}; "
         "forward {\"label\":[1,70],\"verdict\":\"drop\"}",
     false},
    {"a label that is not there", EXT, "10.0.1.2:4000 > " S ":53 udp 'x'", NULL,
     EXT "prerouting {\"set_label\":1}; "
         "forward {\"not_label\":[1,70],\"verdict\":\"drop\"}",
     false},
    {"a label that came later", LATER, "10.0.1.2:4000 > " S ":53 udp 'x'",
     S ":53 > " W ":4000 udp 'y'",
     LATER "forward {\"not_label\":70,\"verdict\":\"accept\"}; "
           "policy forward drop",
     true},
    {"or may have been there", LATER, "10.0.1.2:4000 > " S ":53 udp 'x'",
     S ":53 > " W ":4000 udp 'y'",
     LATER "forward {\"label\":70,\"verdict\":\"drop\"}", true},
    {"a mark is a fact", "", "10.0.1.2:4000 > " S ":53 udp 'x'", NULL,
     "policy forward drop; forward {\"mark\":1,\"verdict\":\"accept\"}", false},
    {"beyond a limit it would be dropped", "",
     "10.0.1.2:4000 > " S ":53 udp 'x'", NULL,
     "forward {\"limit\":\"over 1/second\",\"verdict\":\"drop\"}", true},
    {"a reply has come since", "", "10.0.1.2:4000 > " S ":53 udp 'x'",
     S ":53 > " W ":4000 udp 'y'",
     "policy forward drop; forward {\"ct_status\":\"!seen-reply\",\"verdict\":"
     "\"accept\"}",
     true},
    {"but lets no flow in", "", "10.0.1.2:4000 > " S ":53 udp 'x'",
     S ":53 > " W ":4000 udp 'y'",
     "policy forward drop; forward {\"ct_status\":\"seen-reply\",\"verdict\":"
     "\"accept\"}",
     false},
    {"a forward is one from the first packet on", DNAT("514", "10.0.1.2"),
     S ":4000 > " W ":514 udp 'x'", NULL,
     DNAT("514", "10.0.1.2") "policy forward drop; forward {\"ct_status\":"
                             "\"dnat\",\"verdict\":\"accept\"}",
     true},
    {"but not before it is translated", DNAT("514", "10.0.1.2"),
     S ":4000 > " W ":514 udp 'x'", NULL,
     DNAT("514", "10.0.1.2") "prerouting {\"ct_status\":\"dnat\","
                             "\"set_mark\":5}; forward "
                             "{\"mark\":5,\"verdict\":\"drop\"}",
     true},
    {"a flow is no forward", "", "10.0.1.2:4000 > " S ":53 udp 'x'", NULL,
     "policy forward drop; forward {\"ct_status\":\"dnat\",\"verdict\":"
     "\"accept\"}",
     false},
    {"profile weir: a queue let it in",
     "tune strict_inbound 1; masquerade off; forward {\"in\":\"wan\","
     "\"verdict\":\"accept\"}",
     S ":4000 > 10.0.1.2:53 udp 'x'", NULL,
     "tune strict_inbound 1; masquerade off; forward {\"in\":\"wan\","
     "\"verdict\":\"queue 1\"}",
     true},
    {"a forward, by where it leads", MOVES, S ":4000 > " W ":514 udp 'x'", NULL,
     MOVES "forward {\"dst\":\"10.0.1.2\",\"verdict\":\"drop\"}", false},
    {"by the port there", MOVES, S ":4000 > " W ":514 udp 'x'", NULL,
     MOVES "forward {\"proto\":\"udp\",\"dport\":515,\"verdict\":\"drop\"}",
     false},
    {"not by where it was sent", MOVES, S ":4000 > " W ":514 udp 'x'", NULL,
     MOVES "forward {\"dst\":\"" W "\",\"verdict\":\"drop\"}; "
           "forward {\"proto\":\"udp\",\"dport\":514,\"verdict\":\"drop\"}",
     true},
    {"a forward that keeps the port now", MOVES, S ":4000 > " W ":514 udp 'x'",
     NULL,
     "prerouting {\"dst\":\"" W "\",\"proto\":\"udp\",\"dport\":514,"
     "\"dnat\":\"10.0.1.2\"}",
     false},
    {"a limit may have left it without a mark", "",
     "10.0.1.2:4000 > " S ":53 udp 'x'", NULL,
     "policy forward drop; prerouting "
     "{\"limit\":\"1/second\",\"set_mark\":\"9/0xff\"}; "
     "forward {\"mark\":\"!9/0xff\",\"verdict\":\"accept\"}",
     true},
    {"a hairpin that a limit may lead elsewhere", "hairpin on; " MOVES,
     "10.0.1.3:4000 > " W ":514 udp 'x'", NULL,
     "hairpin on; prerouting {\"limit\":\"1/second\",\"set_mark\":1}; "
     "prerouting {\"in\":\"wan\",\"mark\":1,\"proto\":\"udp\",\"dport\":514,"
     "\"dnat\":\"10.0.1.9\"}",
     false},
    {"in a zone that is gone",
     "prerouting {\"in\":\"lan\",\"set_zone_orig\":3}",
     "10.0.1.2:4000 > " S ":53 udp 'x'", NULL, "", false},
    {"profile weir: what is accepted before FORWARD is let in by nothing",
     "tune strict_inbound 1; masquerade off; forward {\"in\":\"wan\","
     "\"verdict\":\"accept\"}",
     S ":4000 > 10.0.1.2:53 udp 'x'", NULL,
     "tune strict_inbound 1; masquerade off; prerouting {\"in\":\"wan\","
     "\"verdict\":\"accept\"}",
     false},
    {"profile weir: what let it in is gone",
     "tune strict_inbound 1; masquerade off; forward {\"in\":\"wan\","
     "\"verdict\":\"accept\"}",
     S ":4000 > 10.0.1.2:53 udp 'x'", NULL,
     "tune strict_inbound 1; masquerade off", false},
};

static void each_change_ends_what_it_forbids(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        const struct change *c = &changes[i];
        struct world *w = WORLD(c->before);
        char after[1024];

        w->quiet = true;
        say(w, c->packet);
        if (c->answer)
            say(w, c->answer);
        if (count_flows(w) != 1)
            fail_msg("%s: no flow to begin with", c->what);
        snprintf(after, sizeof after, NOW "%s", c->after);
        reload(w, after);
        if (count_flows(w) != c->stays)
            fail_msg("%s: %u flows are left", c->what, count_flows(w));
        assert_int_equal(stat_of(w, CT_STAT_revoked), !c->stays);
        END(w);
    }
}

/* on_reload keep, the default: nothing ends. */
static void keep_keeps_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct world *w = WORLD(changes[i].before);

        w->quiet = true;
        say(w, changes[i].packet);
        reload(w, changes[i].after);
        assert_int_equal(count_flows(w), 1);
        assert_int_equal(stat_of(w, CT_STAT_revoked), 0);
        END(w);
    }
}

/* A flow that was announced is translated as its master was, even when that is
 * gone; whether it may be is asked of the rules as ever. */
static void announced_flows_follow_their_master(void **state)
{
#define TFTP                                                                   \
    "tune extensions 8; timeout udp 5; prerouting "                            \
    "{\"proto\":\"udp\",\"dport\":"                                            \
    "69,\"helper\":\"tftp\"}; "
    struct world *w = WORLD(TFTP);

    (void)state;
    w->quiet = true;
    say(w, "10.0.1.2:4000 > " S ":69 udp hex 000161006f6374657400");
    elapse(w, 3);
    say(w, S ":5000 > " W ":4000 udp 'data'");
    assert_int_equal(w->info, CT_RELATED);
    elapse(w, 3);
    assert_int_equal(count_flows(w), 1);
    reload(w, NOW TFTP);
    assert_int_equal(count_flows(w), 1);
    reload(w,
           NOW TFTP "forward {\"ct_state\":\"related\",\"verdict\":\"drop\"}");
    assert_int_equal(count_flows(w), 0);
    END(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(only_flows_of_a_changed_forward_end),
        STORY(each_change_ends_what_it_forbids),
        STORY(keep_keeps_all),
        STORY(announced_flows_follow_their_master),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
