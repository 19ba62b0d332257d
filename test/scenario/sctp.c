/* sctp.c - SCTP associations across the router (Linux
 * nf_conntrack_proto_sctp.c; RFC 9260) */
#include "world.h"

#include "packet.h"

#include <stdio.h>
#include <string.h>

#define C    "10.0.1.2:5000"
#define S    "198.51.100.2:99"
#define W    "198.51.100.1:5000"
#define FLOW " " C " > " S " / " S " > " W " "

/* Linux nf_conntrack_proto_sctp.c: each state has its own time, and its name.
 */
static void linux_states_of_a_whole_life(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    say(w, C " > " S " sctp INIT itag 9");
    FLOWS(w, "sctp 10 CLOSED" FLOW "UNREPLIED\n");
    say(w, S " > " W " sctp INIT_ACK vtag 9 itag 7 'cookie'");
    FLOWS(w, "sctp 3 COOKIE_WAIT" FLOW "-\n");
    say(w, C " > " S " sctp COOKIE_ECHO vtag 7 'cookie'");
    FLOWS(w, "sctp 3 COOKIE_ECHOED" FLOW "-\n");
    say(w, S " > " W " sctp COOKIE_ACK vtag 9");
    FLOWS(w, "sctp 210 ESTABLISHED" FLOW "ASSURED\n");
    TRACE(w, "[  0] " C " > " S " sctp INIT: NEW\n"
             "      out wan " W " > " S " sctp INIT\n"
             "[  0] " S " > " W " sctp INIT_ACK: ESTABLISHED\n"
             "      out lan " S " > " C " sctp INIT_ACK\n"
             "[  0] " C " > " S " sctp COOKIE_ECHO: ESTABLISHED\n"
             "      out wan " W " > " S " sctp COOKIE_ECHO\n"
             "[  0] " S " > " W " sctp COOKIE_ACK: ESTABLISHED\n"
             "      out lan " S " > " C " sctp COOKIE_ACK\n");
    w->quiet = true;
    elapse(w, 100);
    say(w, C " > " S " sctp DATA+DATA vtag 7 len 1000");
    say(w, S " > " W " sctp SACK vtag 9");
    FLOWS(w, "sctp 210 ESTABLISHED" FLOW "ASSURED\n");
    say(w, C " > " S " sctp SHUTDOWN vtag 7");
    FLOWS(w, "sctp 3 SHUTDOWN_SENT" FLOW "ASSURED\n");
    say(w, S " > " W " sctp SHUTDOWN_ACK vtag 9");
    FLOWS(w, "sctp 3 SHUTDOWN_ACK_SENT" FLOW "ASSURED\n");
    say(w, C " > " S " sctp SHUTDOWN_COMPLETE vtag 7");
    FLOWS(w, "sctp 10 CLOSED" FLOW "ASSURED\n");
    w->quiet = false;
    elapse(w, 10);
    TRACE(w, "[110] DESTROY sctp " C " > " S "\n");
    END(w);
}

/* What conntrack -E tells of it. */
static void linux_events_of_a_handshake(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    w->events = true;
    say(w, C " > " S " sctp INIT itag 9");
    say(w, S " > " W " sctp INIT_ACK vtag 9 itag 7");
    say(w, C " > " S " sctp DATA vtag 7"); /* changes nothing: no event */
    TRACE(w, "[  0] " C " > " S " sctp INIT: NEW\n"
             "      CREATE sctp " C " > " S " CLOSED\n"
             "      out wan " W " > " S " sctp INIT\n"
             "[  0] " S " > " W " sctp INIT_ACK: ESTABLISHED\n"
             "      out lan " S " > " C " sctp INIT_ACK\n"
             "      UPDATE sctp " C " > " S " COOKIE_WAIT\n"
             "[  0] " C " > " S " sctp DATA: ESTABLISHED\n"
             "      out wan " W " > " S " sctp DATA\n");
    END(w);
}

/* Linux nf_nat_l4proto_unique_tuple(): the second host of a port gets another,
 * and every packet that leaves has a right CRC (the world looks at each),
 * whatever its length. */
static void linux_ports_are_translated(void **state)
{
    struct world *w = WORLD("");
    uint16_t port;

    (void)state;
    w->quiet = true;
    say(w, C " > " S " sctp INIT itag 9");
    for (unsigned len = 0; len < 1400; len += 93) {
        sayf(w, "10.0.1.3:5000 > " S " sctp INIT itag 9 len %u", len);
        port = last_sport(w);
        assert_int_not_equal(port, 5000);
        sayf(w, S " > 198.51.100.1:%u sctp INIT_ACK vtag 9 itag 7 len %u", port,
             len);
        assert_int_equal(last_dport(w), 5000);
    }
    assert_int_equal(count_flows(w), 2);
    say(w, "[fd00:1::2]:5000 > [2001:db8::2]:99 sctp INIT itag 9 len 7");
    say(w, "[fd00:1::3]:5000 > [2001:db8::2]:99 sctp INIT itag 9 len 7");
    assert_int_not_equal(last_sport(w), 5000);
    assert_int_equal(w->dropped, 0);
    END(w);
}

/* A port forward rewrites the destination's port. */
static void linux_port_forward(void **state)
{
    struct world *w = WORLD("dnat sctp 198.51.100.1:99 -> 10.0.1.2:5001");

    (void)state;
    say(w, "198.51.100.2:6000 > 198.51.100.1:99 sctp INIT itag 9 len 100");
    say(w, "10.0.1.2:5001 > 198.51.100.2:6000 sctp INIT_ACK vtag 9 itag 7");
    TRACE(w, "[  0] 198.51.100.2:6000 > 198.51.100.1:99 sctp INIT: NEW\n"
             "      out lan 198.51.100.2:6000 > 10.0.1.2:5001 sctp INIT\n"
             "[  0] 10.0.1.2:5001 > 198.51.100.2:6000 sctp INIT_ACK: "
             "ESTABLISHED\n"
             "      out wan 198.51.100.1:99 > 198.51.100.2:6000 sctp "
             "INIT_ACK\n");
    END(w);
}

/* A wrong CRC is INVALID; where sums are not checked, what was wrong stays
 * wrong by the same amount, so that the end host sees it. */
static void wrong_crc(void **state)
{
    struct world *w = WORLD("");
    char text[512];

    (void)state;
    say(w, C " > " S " sctp INIT itag 9 badsum");
    TRACE(w, "[  0] " C " > " S " sctp INIT: INVALID l4_bad_checksum\n"
             "      drop untranslated\n");
    assert_int_equal(drops_of(w, CT_REASON_L4_BAD_CHECKSUM), 1);
    END(w);

    w = WORLD("tune checksum 0");
    w->quiet = true;
    say(w, "10.0.1.3:5000 > " S " sctp INIT itag 9");
    say(w, C " > " S " sctp INIT itag 9 len 5 badsum");
    packet_print(text, sizeof text, w->last, w->last_len);
    assert_int_not_equal(last_sport(w), 5000);
    assert_non_null(strstr(text, " badsum"));
    /* the builder's fault is this difference: undone, the sum is right */
    w->last[20 + 8 + 2] ^= 0x55;
    assert_true(packet_sums_ok(w->last, w->last_len));
    END(w);
}

/* Errors find the flow by 8 quoted bytes, and show the client what it sent:
 * ports, and the CRC where the quotation reaches it, as long as it was. */
static void errors_about_associations(void **state)
{
    struct world *w = WORLD("");
    uint8_t sent[2048];
    size_t n;

    (void)state;
    w->quiet = true;
    say(w, "10.0.1.3:5000 > " S " sctp INIT itag 9");
    n = packet_build(sent, sizeof sent, C " > " S " sctp INIT itag 9 len 500");
    assert_true(n > 500);
    for (unsigned quote = 8; quote <= 532; quote += 131) {
        unsigned port;
        char spec[256];

        say(w, C " > " S " sctp INIT itag 9 len 500");
        port = last_sport(w);
        assert_int_not_equal(port, 5000);
        snprintf(spec, sizeof spec,
                 "203.0.113.9 > 198.51.100.1 icmp 11/0 about {198.51.100.1:%u "
                 "> " S " sctp INIT itag 9 len 500 ttl 1} quote %u",
                 port, quote);
        say(w, spec);
        assert_int_equal(w->info, CT_RELATED);
        assert_memory_equal(w->last + 48, sent + 20, 8); /* ports, tag */
        assert_true(packet_sums_ok(w->last, w->last_len));
        if (quote >= 12)
            assert_memory_equal(w->last + 56, sent + 28, 4); /* CRC */
    }
    END(w);
}

/* The collision of netfilter's self test: the server's INIT meets the client's
 * in the router.  An INIT ACK with a wrong tag does not get through. */
static void linux_inits_cross(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " sctp INIT itag 9");
    say(w, S " > " W " sctp INIT itag 7");
    FLOWS(w, "sctp 10 CLOSED" FLOW "-\n");
    say(w, S " > " W " sctp INIT_ACK vtag 9 itag 8");
    assert_int_equal(w->info, CT_INVALID);
    assert_int_equal(drops_of(w, CT_REASON_SCTP_VTAG), 1);
    say(w, C " > " S " sctp INIT_ACK vtag 7 itag 9");
    say(w, S " > " W " sctp COOKIE_ECHO vtag 9");
    say(w, S " > " W " sctp INIT_ACK vtag 9 itag 7");
    say(w, C " > " S " sctp COOKIE_ECHO vtag 7");
    say(w, S " > " W " sctp COOKIE_ACK vtag 9");
    FLOWS(w, "sctp 210 ESTABLISHED" FLOW "ASSURED\n");
    assert_int_equal(drops_of(w, CT_REASON_SCTP_VTAG), 1);
    END(w);
}

/* A stranger who guesses: nothing gets through to the client, nothing ends. */
static void strangers_without_the_tag(void **state)
{
    static const char *const tries[] = {
        "ABORT vtag 0",
        "ABORT/T vtag 9",
        "SHUTDOWN vtag 1",
        "DATA vtag 1",
        "COOKIE_ACK vtag 1",
        "SHUTDOWN_COMPLETE/T vtag 1",
        "HEARTBEAT+SHUTDOWN vtag 1",
    };
    struct world *w = WORLD("policy forward accept; forward {\"ct_state\":"
                            "[\"invalid\"],\"verdict\":\"drop\"}");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " sctp INIT itag 9");
    say(w, S " > " W " sctp INIT_ACK vtag 9 itag 7");
    say(w, C " > " S " sctp COOKIE_ECHO vtag 7");
    say(w, S " > " W " sctp COOKIE_ACK vtag 9");
    for (unsigned i = 0; i < sizeof tries / sizeof *tries; i++) {
        uint64_t sent = w->sent;

        sayf(w, S " > " W " sctp %s", tries[i]);
        assert_int_equal(w->info, CT_INVALID);
        assert_int_equal(w->sent, sent);
    }
    FLOWS(w, "sctp 210 ESTABLISHED" FLOW "ASSURED\n");
    END(w);
}

/* Neither a router nor a device completes SCTP's CRC: a packet that says so is
 * refused, not passed on with a sum of another kind. */
static void partial_sums_are_refused(void **state)
{
    struct world *w = WORLD("");
    uint8_t data[256];
    size_t n = packet_build(data, sizeof data, C " > " S " sctp INIT itag 9");
    struct ct_pkt pkt = {.data = data,
                         .len = (uint32_t)n,
                         .in = config_iface_find(w->rig.config, "lan"),
                         .csum_partial = true};
    struct ct_pkt *pkts[1] = {&pkt};

    (void)state;
    alone(w);
    journey_batch(w->rig.journey, pkts, 1, w->rig.now);
    assert_int_equal(drops_of(w, CT_REASON_BAD_GSO), 1);
    assert_int_equal(w->sent, 0);
    END(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(linux_states_of_a_whole_life),
        STORY(linux_events_of_a_handshake),
        STORY(linux_ports_are_translated),
        STORY(linux_port_forward),
        STORY(wrong_crc),
        STORY(errors_about_associations),
        STORY(linux_inits_cross),
        STORY(strangers_without_the_tag),
        STORY(partial_sums_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
