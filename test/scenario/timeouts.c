/* timeouts.c - rules that give the flows they meet durations of their own */
#include "world.h"

#define C   "10.0.1.2:4000"
#define S   "198.51.100.2:53"
#define W   "198.51.100.1:4000"
#define EXT "tune extensions 4; "

static void one_rules_flows_and_no_others(void **state)
{
    struct world *w = WORLD(EXT "forward {\"proto\":\"udp\",\"dport\":53,"
                                "\"timeouts\":{\"udp\":5,\"udp_stream\":9}}");

    (void)state;
    say(w, C " > " S " udp");
    say(w, "10.0.1.2:4001 > 198.51.100.2:54 udp");
    FLOWS(w, "udp 5 10.0.1.2:4000 > 198.51.100.2:53 / "
             "198.51.100.2:53 > 198.51.100.1:4000 UNREPLIED\n"
             "udp 30 10.0.1.2:4001 > 198.51.100.2:54 / "
             "198.51.100.2:54 > 198.51.100.1:4001 UNREPLIED\n");
    w->quiet = true;
    say(w, S " > " W " udp");
    elapse(w, 3);
    say(w, C " > " S " udp");
    FLOWS(w, "udp 9 10.0.1.2:4000 > 198.51.100.2:53 / "
             "198.51.100.2:53 > 198.51.100.1:4000 ASSURED\n"
             "udp 27 10.0.1.2:4001 > 198.51.100.2:54 / "
             "198.51.100.2:54 > 198.51.100.1:4001 UNREPLIED\n");
    assert_int_equal(stat_of(w, CT_STAT_extensions), 1);
    elapse_ms(w, 8999);
    assert_int_equal(count_flows(w), 2);
    elapse_ms(w, 1);
    assert_int_equal(count_flows(w), 1);
    assert_int_equal(stat_of(w, CT_STAT_entries), 1);
    assert_int_equal(stat_of(w, CT_STAT_extensions), 0);
    END(w);
}

static void shake_hands(struct world *w)
{
    say(w, C " > 198.51.100.2:80 tcp S seq 1");
    say(w, "198.51.100.2:80 > " W " tcp S. seq 5 ack 2");
    say(w, C " > 198.51.100.2:80 tcp . seq 2 ack 6");
}

/* The tracker takes the shorter of two durations: of the flow's own. */
static void the_tracker_compares_them(void **state)
{
    struct world *w =
        WORLD(EXT "forward {\"timeouts\":{\"tcp_established\":100,"
                  "\"tcp_unacknowledged\":500,\"tcp_close\":7}}");

    (void)state;
    w->quiet = true;
    shake_hands(w);
    say(w, C " > 198.51.100.2:80 tcp P. seq 2 ack 6 len 9");
    FLOWS(w, "tcp 100 ESTABLISHED 10.0.1.2:4000 > 198.51.100.2:80 / "
             "198.51.100.2:80 > 198.51.100.1:4000 ASSURED\n");
    say(w, "198.51.100.2:80 > " W " tcp R seq 6");
    FLOWS(w, "tcp 7 CLOSE 10.0.1.2:4000 > 198.51.100.2:80 / "
             "198.51.100.2:80 > 198.51.100.1:4000 ASSURED\n");
    END(w);
}

#define FLOW                                                                   \
    "ESTABLISHED 10.0.1.2:4000 > 198.51.100.2:80 / "                           \
    "198.51.100.2:80 > 198.51.100.1:4000 ASSURED\n"

/* A second FIN or RST out of the window lowers what is left: to the flow's own
 * tcp_unacknowledged, and what is less stays. */
static void refused_segments_lower_them(void **state)
{
    struct world *w = WORLD(EXT "forward {\"timeouts\":{"
                                "\"tcp_unacknowledged\":130}}");

    (void)state;
    w->quiet = true;
    shake_hands(w);
    for (unsigned i = 0; i < 2; i++) {
        say(w, "198.51.100.2:80 > " W " tcp R seq 900000000");
        say(w, C " > 198.51.100.2:80 tcp R seq 900000000");
        FLOWS(w, i ? "tcp 125 " FLOW : "tcp 130 " FLOW);
        elapse(w, 5);
    }
    END(w);
}

/* Later rules add to earlier ones and win over them; later packets don't. */
static void rules_add_up_on_the_first_packet(void **state)
{
    struct world *w =
        WORLD(EXT "prerouting {\"in\":\"lan\",\"timeouts\":{\"udp\":5,"
                  "\"udp_stream\":9}}; "
                  "forward {\"ct_state\":[\"new\"],\"timeouts\":{\"udp\":6}}; "
                  "forward {\"ct_state\":[\"established\"],\"timeouts\":{"
                  "\"udp\":50,\"udp_stream\":50}}");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " udp");
    say(w, S " > " W " udp");
    FLOWS(w, "udp 6 10.0.1.2:4000 > 198.51.100.2:53 / "
             "198.51.100.2:53 > 198.51.100.1:4000 -\n");
    elapse(w, 3);
    say(w, C " > " S " udp");
    FLOWS(w, "udp 9 10.0.1.2:4000 > 198.51.100.2:53 / "
             "198.51.100.2:53 > 198.51.100.1:4000 ASSURED\n");
    END(w);
}

/* What is given is the flow's, whatever becomes of the rule. */
static void they_outlive_their_rule(void **state)
{
    struct world *w = WORLD(EXT "forward {\"timeouts\":{\"udp\":5}}");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " udp");
    reload(w, EXT "forward {\"timeouts\":{\"udp\":20}}");
    elapse(w, 4);
    say(w, C " > " S " udp");
    say(w, "10.0.1.2:4001 > " S " udp");
    FLOWS(w, "udp 5 10.0.1.2:4000 > 198.51.100.2:53 / "
             "198.51.100.2:53 > 198.51.100.1:4000 UNREPLIED\n"
             "udp 20 10.0.1.2:4001 > 198.51.100.2:53 / "
             "198.51.100.2:53 > 198.51.100.1:4001 UNREPLIED\n");
    END(w);
}

/* No record left: counted, and the flow lives as all do. */
static void no_room(void **state)
{
    struct world *w = WORLD("tune extensions 1; "
                            "forward {\"timeouts\":{\"udp\":5}}");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " udp");
    say(w, "10.0.1.2:4001 > " S " udp");
    assert_int_equal(w->sent, 2);
    assert_int_equal(stat_of(w, CT_STAT_ext_full), 1);
    FLOWS(w, "udp 5 10.0.1.2:4000 > 198.51.100.2:53 / "
             "198.51.100.2:53 > 198.51.100.1:4000 UNREPLIED\n"
             "udp 30 10.0.1.2:4001 > 198.51.100.2:53 / "
             "198.51.100.2:53 > 198.51.100.1:4001 UNREPLIED\n");
    END(w);
}

/* A first packet that the filter drops leaves nothing behind; nor does one of a
 * protocol that has none of these durations take a record. */
static void a_record_only_where_it_is_used(void **state)
{
    struct world *w = WORLD(EXT "prerouting {\"timeouts\":{\"udp\":5}}; "
                                "forward {\"dport\":53,\"proto\":\"udp\","
                                "\"verdict\":\"drop\"}");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " udp");
    assert_int_equal(w->why, CT_REASON_RULE);
    assert_int_equal(stat_of(w, CT_STAT_extensions), 0);
    say(w, "10.0.1.2 > 198.51.100.2 icmp echo id 1");
    assert_int_equal(count_flows(w), 1);
    assert_int_equal(stat_of(w, CT_STAT_extensions), 0);
    END(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(one_rules_flows_and_no_others),
        STORY(the_tracker_compares_them),
        STORY(refused_segments_lower_them),
        STORY(rules_add_up_on_the_first_packet),
        STORY(they_outlive_their_rule),
        STORY(no_room),
        STORY(a_record_only_where_it_is_used),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
