/* rules.c - what rules say, and what must hold without them */
#include "world.h"

#include "control/rulelog.h"
#include "packet.h"

#define C "10.0.1.2:4000"
#define S "198.51.100.2:80"

/* Linux nf_conntrack_confirm(): a first packet that a rule drops leaves no
 * entry. */
static void linux_dropped_first_packet_leaves_nothing(void **state)
{
    struct world *w = WORLD("forward {\"dport\":80,\"proto\":\"udp\","
                            "\"verdict\":\"drop\"}");

    (void)state;
    say(w, C " > " S " udp");
    TRACE(w, "[  0] " C " > " S " udp: NEW\n"
             "      drop rule\n");
    FLOWS(w, "");
    assert_int_equal(stat_of(w, CT_STAT_created), 0);
    END(w);
}

/* A stateful firewall: only what inside began comes in. */
static void stateful_filter(void **state)
{
    struct world *w =
        WORLD("masquerade off; policy forward drop; "
              "forward {\"ct_state\":[\"established\",\"related\"],"
              "\"verdict\":\"accept\"}; "
              "forward {\"in\":\"lan\",\"ct_state\":[\"new\"],"
              "\"verdict\":\"accept\"}");

    (void)state;
    say(w, S " > " C " udp");
    TRACE(w, "[  0] " S " > " C " udp: NEW\n"
             "      drop policy\n");
    say(w, C " > " S " udp");
    say(w, S " > " C " udp");
    TRACE(w, "[  0] " C " > " S " udp: NEW\n"
             "      out wan " C " > " S " udp\n"
             "[  0] " S " > " C " udp: ESTABLISHED\n"
             "      out lan " S " > " C " udp\n");
    END(w);
}

/* The first verdict wins, and every rule counts what it saw. */
static void first_verdict_wins(void **state)
{
    struct world *w = WORLD(
        "forward {\"proto\":\"udp\"}; "
        "forward {\"proto\":\"udp\",\"dport\":80,\"verdict\":\"accept\"}; "
        "forward {\"proto\":\"udp\",\"verdict\":\"drop\"}");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " udp len 10");
    say(w, C " > 198.51.100.2:81 udp len 10");
    say(w, C " > " S " udp len 10");
    assert_int_equal(w->sent, 2);
    assert_int_equal(w->dropped, 1);
    assert_int_equal(w->rig.counts[0].packets, 3);
    assert_int_equal(w->rig.counts[0].bytes, 114);
    assert_int_equal(w->rig.counts[1].packets, 2);
    assert_int_equal(w->rig.counts[2].packets, 1);
    END(w);
}

/* IPv6's authentication header hides nothing from rules (RFC 4302): UDP to port
 * 53 behind it. */
static void behind_an_authentication_header(void **state)
{
    struct world *w =
        WORLD("forward {\"proto\":\"udp\",\"dport\":53,\"verdict\":\"drop\"}");

    (void)state;
    say(w, "fd00:1::2 > 2001:db8::2 proto 51 hex "
           "110400000000000700000001000102030405060708090a0b"
           "0fa00035000cde9a77686f3f");
    assert_int_equal(w->sent, 0);
    assert_int_equal(w->why, CT_REASON_RULE);
    assert_int_equal(w->rig.counts[0].packets, 1);
    END(w);
}

/* reject tells the sender. */
static void reject_tells(void **state)
{
    struct world *w = WORLD("forward {\"verdict\":\"reject\"}");

    (void)state;
    say(w, C " > " S " udp 'x'");
    assert_int_equal(w->sent, 1);
    assert_int_equal(w->why, CT_REASON_REJECTED);
    assert_int_equal(w->last[9], 1);
    assert_int_equal(w->last[20], 3);
    assert_int_equal(count_flows(w), 0);
    END(w);
}

/* Linux nf_nat_inet_fn(): NAT rules see first packets only. */
static void linux_nat_rules_count_first_packets(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < 5; i++)
        say(w, C " > " S " udp");
    assert_int_equal(w->rig.counts[0].packets, 1);
    assert_int_equal(w->sent, 5);
    END(w);
}

/* notrack: no entry, no translation, and that is the operator's word. */
static void linux_notrack(void **state)
{
    struct world *w = WORLD("prerouting {\"in\":\"lan\",\"dport\":123,"
                            "\"proto\":\"udp\",\"verdict\":\"notrack\"}");

    (void)state;
    say(w, "10.0.1.2:123 > 198.51.100.2:123 udp");
    TRACE(w, "[  0] 10.0.1.2:123 > 198.51.100.2:123 udp: UNTRACKED\n"
             "      out wan 10.0.1.2:123 > 198.51.100.2:123 udp\n");
    FLOWS(w, "");
    END(w);
}

/* A mark is the flow's, and rules can ask for it. */
static void marks_stay_with_the_flow(void **state)
{
    struct world *w =
        WORLD("prerouting {\"in\":\"lan\",\"proto\":\"udp\",\"set_mark\":7}; "
              "forward {\"in\":\"wan\",\"mark\":7,\"verdict\":\"drop\"}");
    struct ct_view v;

    (void)state;
    w->quiet = true;
    say(w, C " > " S " udp");
    assert_true(ct_read(w->rig.ct, 0, w->rig.now, &v));
    assert_int_equal(v.mark, 7);
    say(w, S " > 198.51.100.1:4000 udp");
    assert_int_equal(w->why, CT_REASON_RULE);
    END(w);
}

/* A reset in a flow's name bears the flow's mark: it must not wash it off. */
static void a_reset_keeps_its_flows_mark(void **state)
{
    struct world *w = WORLD("prerouting {\"in\":\"lan\",\"set_mark\":7}; "
                            "output {\"proto\":\"icmp\",\"set_mark\":1}");
    struct ct_view v;

    (void)state;
    w->quiet = true;
    say(w, C " > " S " tcp S seq 1");
    reload(w, "output {\"proto\":\"icmp\",\"set_mark\":1}; "
              "forward {\"in\":\"lan\",\"verdict\":\"reject\","
              "\"proto\":\"tcp\",\"reject_with\":\"tcp-reset\"}");
    say(w, C " > " S " tcp S seq 1");
    assert_int_equal(w->why, CT_REASON_REJECTED);
    assert_int_equal(stat_of(w, CT_STAT_orig_rst), 1);
    assert_true(ct_read(w->rig.ct, 0, w->rig.now, &v));
    assert_int_equal(v.mark, 7);
    END(w);
}

/* Whom a reset told has no flow any more; a limit of flows does not count it.
 */
static void a_reset_closes_its_flow(void **state)
{
    struct world *w = WORLD(
        "forward "
        "{\"ct_state\":[\"new\"],\"connlimit\":1,\"verdict\":\"accept\"}; "
        "forward {\"ct_state\":[\"new\"],\"verdict\":\"drop\"}; "
        "forward {\"in\":\"lan\",\"proto\":\"tcp\",\"verdict\":\"reject\","
        "\"reject_with\":\"tcp-reset\"}");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " tcp S seq 1000");
    say(w, S " > 198.51.100.1:4000 tcp S. seq 5000 ack 1001");
    say(w, "10.0.1.2:4001 > " S " tcp S seq 1");
    assert_int_equal(w->why, CT_REASON_RULE);
    say(w, C " > " S " tcp . seq 1001 ack 5001");
    assert_int_equal(w->why, CT_REASON_REJECTED);
    FLOWS(w,
          "tcp 10 CLOSE " C " > " S " / " S " > 198.51.100.1:4000 ASSURED\n");
    say(w, "10.0.1.2:4001 > " S " tcp S seq 1");
    assert_int_equal(last_sport(w), 4001);
    END(w);
}

/* The guard can't read a broken header's ports, so a rule about ports may be
 * about it: it stays in. */
static void broken_headers_never_leave_untranslated(void **state)
{
    struct world *w = WORLD("masquerade off; postrouting {\"out\":\"wan\","
                            "\"proto\":\"tcp\",\"dport\":80,"
                            "\"masquerade\":true}");
    uint8_t data[128];
    uint32_t n;

    (void)state;
    w->quiet = true;
    n = (uint32_t)packet_build(data, sizeof data, C " > " S " tcp S seq 1");
    assert_true(n > 0);
    data[32] = 0x10; /* a header of four bytes */
    say_bytes(w, data, n, 0);
    assert_int_equal(w->sent, 0);
    assert_int_equal(w->why, CT_REASON_UNTRANSLATED);
    /* no rule translates this one */
    n = (uint32_t)packet_build(data, sizeof data, C " > 198.51.100.2:53 udp");
    data[25] = 3;
    say_bytes(w, data, n, 0);
    assert_int_equal(w->sent, 1);
    END(w);
}

/* SIGHUP: rules change, flows stay. */
static void reload_keeps_flows(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " tcp S seq 1");
    say(w, S " > 198.51.100.1:4000 tcp S. seq 5 ack 2");
    reload(w, "forward {\"proto\":\"tcp\",\"ct_state\":[\"new\"],"
              "\"verdict\":\"drop\"}");
    say(w, C " > " S " tcp . seq 2 ack 6");
    assert_int_equal(w->info, CT_ESTABLISHED);
    assert_int_equal(w->sent, 3);
    say(w, "10.0.1.2:4001 > " S " tcp S seq 1");
    assert_int_equal(w->why, CT_REASON_RULE);
    END(w);
}

/* P15, P16, P12: what must not be on a wire. */
static void martians_go_nowhere(void **state)
{
    static const struct {
        const char *spec;
        enum ct_reason why;
    } bad[] = {
        {"10.0.1.2:7 > 10.0.1.2:7 udp", CT_REASON_LAND},
        {"127.0.0.1:7 > 198.51.100.2:7 udp @lan", CT_REASON_MARTIAN},
        {"10.0.1.2:7 > 127.0.0.1:7 udp", CT_REASON_MARTIAN},
        {"224.0.0.5:7 > 198.51.100.2:7 udp @lan", CT_REASON_MARTIAN},
        {"255.255.255.255:7 > 198.51.100.2:7 udp @lan", CT_REASON_MARTIAN},
        {"10.0.1.2:7 > 224.0.0.251:5353 udp", CT_REASON_NO_GROUP},
        {"10.0.1.2:7 > 10.0.1.255:7 udp", CT_REASON_NO_GROUP},
        {"[::1]:7 > [2001:db8::2]:7 udp @lan", CT_REASON_MARTIAN},
        {"[fd00:1::2]:7 > [::1]:7 udp", CT_REASON_MARTIAN},
        {"[ff02::1]:7 > [2001:db8::2]:7 udp @lan", CT_REASON_MARTIAN},
        {"[fd00:1::2]:7 > [ff02::fb]:5353 udp", CT_REASON_NO_GROUP},
        {"10.0.1.2:7 > 198.51.100.2:7 udp badipsum", CT_REASON_BAD_IP_CHECKSUM},
        {"10.0.1.2:7 > 198.51.100.2:7 udp ipopt 830704c0a8010100",
         CT_REASON_BAD_OPTION},
        {"[fd00:1::2]:7 > [2001:db8::2]:7 udp frag 0 frag 0",
         CT_REASON_BAD_EXT_CHAIN},
        {"[fd00:1::2]:7 > [2001:db8::2]:7 udp routing 0",
         CT_REASON_ROUTING_HEADER},
    };
    struct world *w = WORLD("");

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint64_t dropped = w->dropped;

        say(w, bad[i].spec);
        if (w->dropped != dropped + 1 || w->why != bad[i].why)
            fail_msg("%s: %s, not %s", bad[i].spec,
                     w->dropped == dropped ? "passed" : ct_reason_name(w->why),
                     ct_reason_name(bad[i].why));
    }
    assert_int_equal(w->sent, 0);
    assert_int_equal(stat_of(w, CT_STAT_created), 0);
    END(w);
}

/* S1, as far as the kernel goes: a packet from outside whose source is the
 * router's own address. */
static void s1_own_address_from_outside(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    w->quiet = true;
    say(w, "198.51.100.1:7 > 198.51.100.2:7 udp @wan");
    assert_int_equal(w->dropped, 1);
    say(w, "10.0.1.1:7 > 198.51.100.2:7 udp @wan");
    assert_int_equal(w->dropped, 2);
    assert_int_equal(w->sent, 0);
    END(w);
}

/* Link trouble: the packet is counted lost, its entry is kept (F3). */
static void f3_lost_on_the_way_out(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    alone(w);
    w->quiet = true;
    w->refuse_tx = CT_REASON_TX_LINK_DOWN;
    say(w, C " > " S " udp");
    assert_int_equal(w->why, CT_REASON_TX_LINK_DOWN);
    assert_int_equal(drops_of(w, CT_REASON_TX_LINK_DOWN), 1);
    assert_int_equal(count_flows(w), 1);
    w->refuse_tx = CT_REASON_NONE;
    say(w, C " > " S " udp");
    assert_int_equal(w->sent, 1);
    END(w);
}

/* Ten lines at once and ten a second, whatever comes; the rest is counted, and
 * the next line says how many. */
static void log_is_bounded(void **state)
{
    struct world *w = WORLD("forward {\"in\":\"lan\",\"log\":\"web out\","
                            "\"id\":\"r1\",\"verdict\":\"drop\"}");
    char line[RULELOG_ROOM];

    (void)state;
    w->quiet = true;
    say(w, C " > " S " tcp S seq 1");
    assert_int_equal(w->n_logged, 1);
    rulelog_line(line, &w->logged, w->rig.config);
    assert_string_equal(line, "web out: rule=r1 hook=forward in=lan out=wan "
                              "src=10.0.1.2 dst=198.51.100.2 proto=6 "
                              "sport=4000 dport=80 flags=0x02 len=40 ttl=64 "
                              "state=new");
    for (unsigned i = 0; i < 99; i++)
        say(w, C " > " S " udp");
    assert_int_equal(w->dropped, 100);
    assert_int_equal(w->n_logged, 10);
    assert_int_equal(stat_of(w, CT_STAT_logged), 10);
    assert_int_equal(stat_of(w, CT_STAT_log_suppressed), 90);
    elapse_ms(w, 100);
    say(w, "[fd00:1::2] > [2001:db8::2] icmp echo id 1 seq 1");
    assert_int_equal(w->n_logged, 11);
    rulelog_line(line, &w->logged, w->rig.config);
    assert_string_equal(line, "web out: rule=r1 hook=forward in=lan out=wan "
                              "src=fd00:1::2 dst=2001:db8::2 proto=58 "
                              "type=128 code=0 len=48 ttl=64 state=new "
                              "suppressed=90");
    END(w);
}

/* A line that finds no room is the next one's of the same rule to tell. */
static void log_that_finds_no_room(void **state)
{
    struct world *w = WORLD("forward {\"proto\":\"udp\",\"log\":\"a\"}; "
                            "forward {\"proto\":\"tcp\",\"log\":\"b\"}");

    (void)state;
    w->quiet = true;
    w->log_full = true;
    for (unsigned i = 0; i < 3; i++)
        say(w, C " > " S " udp");
    assert_int_equal(w->sent, 3);
    w->log_full = false;
    say(w, C " > " S " tcp S seq 1");
    assert_string_equal(w->logged.prefix, "b");
    assert_int_equal(w->logged.suppressed, 0);
    say(w, C " > " S " udp");
    assert_string_equal(w->logged.prefix, "a");
    assert_int_equal(w->logged.suppressed, 3);
    assert_int_equal(stat_of(w, CT_STAT_logged), 2);
    assert_int_equal(stat_of(w, CT_STAT_log_suppressed), 3);
    END(w);
}

/* Alone it goes on, a translation logs a flow once, and log_rate 0 is silence.
 */
static void log_beside_any_action(void **state)
{
    struct world *w =
        WORLD("masquerade off; forward {\"log\":true}; postrouting "
              "{\"out\":\"wan\",\"masquerade\":true,\"log\":\"new\"}");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " udp");
    assert_int_equal(w->n_logged, 2);
    assert_string_equal(w->logged.prefix, "new");
    say(w, C " > " S " udp");
    assert_int_equal(w->n_logged, 3);
    assert_int_equal(w->sent, 2);
    reload(w, "tune log_rate 0; forward {\"log\":true}");
    say(w, C " > " S " udp");
    assert_int_equal(w->n_logged, 3);
    assert_int_equal(stat_of(w, CT_STAT_log_suppressed), 1);
    END(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(linux_dropped_first_packet_leaves_nothing),
        STORY(stateful_filter),
        STORY(first_verdict_wins),
        STORY(behind_an_authentication_header),
        STORY(reject_tells),
        STORY(linux_nat_rules_count_first_packets),
        STORY(linux_notrack),
        STORY(marks_stay_with_the_flow),
        STORY(a_reset_keeps_its_flows_mark),
        STORY(a_reset_closes_its_flow),
        STORY(broken_headers_never_leave_untranslated),
        STORY(reload_keeps_flows),
        STORY(martians_go_nowhere),
        STORY(s1_own_address_from_outside),
        STORY(f3_lost_on_the_way_out),
        STORY(log_is_bounded),
        STORY(log_that_finds_no_room),
        STORY(log_beside_any_action),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
