/* dccp.c - DCCP connections across the router (RFC 4340, 5596, 5597) */
#include "world.h"

#include "packet.h"

#include <stdio.h>
#include <string.h>

#define C    "10.0.1.2:5000"
#define S    "198.51.100.2:99"
#define W    "198.51.100.1:5000"
#define FLOW " " C " > " S " / " S " > " W " "

static struct world *opened(const char *statements)
{
    struct world *w = WORLD(statements);

    w->quiet = true;
    say(w, C " > " S " dccp REQUEST seq 100 service 42");
    say(w, S " > " W " dccp RESPONSE seq 500 ack 100 service 42");
    say(w, C " > " S " dccp ACK seq 101 ack 500");
    say(w, S " > " W " dccp DATAACK seq 501 ack 101 'hello'");
    w->quiet = false;
    return w;
}

/* RFC 4340 8: each state has its own time, and its name. */
static void rfc4340_states_of_a_whole_life(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    say(w, C " > " S " dccp REQUEST seq 100 service 42");
    FLOWS(w, "dccp 240 REQUEST" FLOW "UNREPLIED\n");
    say(w, S " > " W " dccp RESPONSE seq 500 ack 100 service 42");
    FLOWS(w, "dccp 480 RESPOND" FLOW "-\n");
    say(w, C " > " S " dccp ACK seq 101 ack 500");
    FLOWS(w, "dccp 480 PARTOPEN" FLOW "ASSURED\n");
    say(w, S " > " W " dccp DATAACK seq 501 ack 101 'hello'");
    FLOWS(w, "dccp 43200 OPEN" FLOW "ASSURED\n");
    TRACE(w, "[  0] " C " > " S " dccp REQUEST: NEW\n"
             "      out wan " W " > " S " dccp REQUEST\n"
             "[  0] " S " > " W " dccp RESPONSE: ESTABLISHED\n"
             "      out lan " S " > " C " dccp RESPONSE\n"
             "[  0] " C " > " S " dccp ACK: ESTABLISHED\n"
             "      out wan " W " > " S " dccp ACK\n"
             "[  0] " S " > " W " dccp DATAACK: ESTABLISHED\n"
             "      out lan " S " > " C " dccp DATAACK\n");
    w->quiet = true;
    say(w, S " > " W " dccp CLOSEREQ seq 502 ack 101");
    FLOWS(w, "dccp 64 CLOSEREQ" FLOW "ASSURED\n");
    say(w, C " > " S " dccp CLOSE seq 102 ack 502");
    FLOWS(w, "dccp 64 CLOSING" FLOW "ASSURED\n");
    say(w, S " > " W " dccp RESET seq 503 ack 102");
    FLOWS(w, "dccp 240 TIMEWAIT" FLOW "ASSURED\n");
    w->quiet = false;
    elapse(w, 240);
    TRACE(w, "[240] DESTROY dccp " C " > " S "\n");
    END(w);
}

/* RFC 5597 REQ-5: nothing goes before 2 h 4 min, or 8 min. */
static void rfc5597_req5_timeouts(void **state)
{
    struct world *w = opened("profile rfc");

    (void)state;
    elapse(w, 7439);
    FLOWS(w, "dccp 35761 OPEN" FLOW "ASSURED\n");
    w->quiet = true;
    say(w, C " > " S " dccp CLOSE seq 102 ack 501");
    FLOWS(w, "dccp 480 CLOSING" FLOW "ASSURED\n");
    say(w, S " > " W " dccp RESET seq 502 ack 102");
    FLOWS(w, "dccp 480 TIMEWAIT" FLOW "ASSURED\n");
    say(w, "10.0.1.3:1 > " S " dccp REQUEST seq 1");
    elapse(w, 479);
    assert_int_equal(count_flows(w), 2);
    END(w);
}

/* Ports and checksums, whatever is covered (RFC 4340 9.2); the world looks at
 * each packet that leaves. */
static void ports_are_translated(void **state)
{
    struct world *w = WORLD("");
    uint16_t port;

    (void)state;
    w->quiet = true;
    say(w, C " > " S " dccp REQUEST seq 100");
    for (unsigned cov = 0; cov < 16; cov++) {
        sayf(w, "10.0.1.3:5000 > " S " dccp REQUEST seq 100 cscov %u len 57",
             cov);
        port = last_sport(w);
        assert_int_not_equal(port, 5000);
        sayf(w,
             S " > 198.51.100.1:%u dccp RESPONSE seq 1 ack 100 cscov %u len 61",
             port, cov);
        assert_int_equal(last_dport(w), 5000);
    }
    assert_int_equal(count_flows(w), 2);
    say(w, "[fd00:1::2]:5000 > [2001:db8::2]:99 dccp REQUEST seq 1 len 7");
    say(w, "[fd00:1::3]:5000 > [2001:db8::2]:99 dccp REQUEST seq 1 cscov 1 "
           "len 7");
    assert_int_not_equal(last_sport(w), 5000);
    assert_int_equal(w->dropped, 0);
    END(w);
}

static void port_forward(void **state)
{
    struct world *w = WORLD("dnat dccp 198.51.100.1:99 -> 10.0.1.2:5001");

    (void)state;
    say(w, "198.51.100.2:6000 > 198.51.100.1:99 dccp REQUEST seq 1");
    say(w, "10.0.1.2:5001 > 198.51.100.2:6000 dccp RESPONSE seq 9 ack 1");
    TRACE(w, "[  0] 198.51.100.2:6000 > 198.51.100.1:99 dccp REQUEST: NEW\n"
             "      out lan 198.51.100.2:6000 > 10.0.1.2:5001 dccp REQUEST\n"
             "[  0] 10.0.1.2:5001 > 198.51.100.2:6000 dccp RESPONSE: "
             "ESTABLISHED\n"
             "      out wan 198.51.100.1:99 > 198.51.100.2:6000 dccp "
             "RESPONSE\n");
    END(w);
}

/* What is covered must be right; what is not may be anything. */
static void checksums_are_checked(void **state)
{
    struct world *w = WORLD("");
    uint8_t data[256];
    size_t n;

    (void)state;
    w->quiet = true;
    say(w, C " > " S " dccp REQUEST seq 100 badsum");
    assert_int_equal(drops_of(w, CT_REASON_L4_BAD_CHECKSUM), 1);
    say(w, C " > " S " dccp REQUEST seq 100 cscov 2 badsum len 9");
    assert_int_equal(drops_of(w, CT_REASON_L4_BAD_CHECKSUM), 2);
    assert_int_equal(count_flows(w), 0);
    n = packet_build(data, sizeof data,
                     C " > " S " dccp REQUEST seq 100 cscov 2 len 9");
    data[n - 1] ^= 1; /* behind the four bytes that are covered */
    say_bytes(w, data, (uint32_t)n, config_iface_find(w->rig.config, "lan"));
    assert_int_equal(w->info, CT_NEW);
    data[n - 9] ^= 1;
    say_bytes(w, data, (uint32_t)n, config_iface_find(w->rig.config, "lan"));
    assert_int_equal(w->info, CT_INVALID);
    assert_int_equal(drops_of(w, CT_REASON_L4_BAD_CHECKSUM), 3);
    END(w);
}

/* Offset and coverage that contradict the packet. */
static void lengths_are_checked(void **state)
{
    static const struct {
        const char *tail; /* offset, coverage, sum, type, ... */
        int reason;
    } of[] = {
        {"05000000010000", CT_REASON_L4_TRUNCATED},
        {"0200000001000000", CT_REASON_L4_BAD_LENGTH},
        {"060000000100000000000000000000", CT_REASON_L4_BAD_LENGTH},
        {"050200000100000000000000000000000000", CT_REASON_L4_BAD_LENGTH},
    };
    struct world *w = WORLD("");

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < sizeof of / sizeof *of; i++) {
        uint64_t before = drops_of(w, (enum ct_reason)of[i].reason);

        sayf(w, "10.0.1.2 > 198.51.100.2 proto 33 hex 13880063%s", of[i].tail);
        assert_int_equal(w->info, CT_INVALID);
        assert_int_equal(drops_of(w, (enum ct_reason)of[i].reason), before + 1);
    }
    END(w);
}

/* Errors find the flow by 8 quoted bytes, and show the client its own. */
static void errors_about_connections(void **state)
{
    struct world *w = WORLD("");
    uint8_t sent[256];

    (void)state;
    w->quiet = true;
    say(w, "10.0.1.3:5000 > " S " dccp REQUEST seq 1");
    packet_build(sent, sizeof sent, C " > " S " dccp REQUEST seq 7 len 20");
    for (unsigned quote = 8; quote <= 40; quote += 8) {
        say(w, C " > " S " dccp REQUEST seq 7 len 20");
        sayf(w,
             "203.0.113.9 > 198.51.100.1 icmp 11/0 about {198.51.100.1:%u > " S
             " dccp REQUEST seq 7 len 20 ttl 1} quote %u",
             last_sport(w), quote);
        assert_int_equal(w->info, CT_RELATED);
        assert_memory_equal(w->last + 48, sent + 20, quote); /* its sum, too */
        assert_true(packet_sums_ok(w->last, w->last_len));
    }
    END(w);
}

/* A stranger who guesses: nothing gets through, nothing ends. */
static void strangers_without_the_numbers(void **state)
{
    static const char *const tries[] = {
        "RESET seq 502 ack 4000",      "RESET seq 0 ack 99",
        "CLOSE seq 900000000 ack 101", "RESET seq 502 ack 102",
        "CLOSEREQ seq 502 ack 7",
    };
    struct world *w = opened("forward {\"ct_state\":[\"invalid\"],"
                             "\"verdict\":\"drop\"}");

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < sizeof tries / sizeof *tries; i++) {
        uint64_t sent = w->sent;

        sayf(w, S " > " W " dccp %s", tries[i]);
        assert_int_equal(w->info, CT_INVALID);
        assert_int_equal(w->sent, sent);
        assert_int_equal(drops_of(w, CT_REASON_DCCP_SEQUENCE), i + 1);
    }
    FLOWS(w, "dccp 43200 OPEN" FLOW "ASSURED\n");
    END(w);
}

/* RFC 5596: the server inside invites, the client's REQUEST comes in. */
static void rfc5596_a_server_invites(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    say(w, C " > " S " dccp LISTEN seq 0");
    say(w, S " > " W " dccp REQUEST seq 100");
    say(w, C " > " S " dccp RESPONSE seq 500 ack 100");
    TRACE(w, "[  0] " C " > " S " dccp LISTEN: NEW\n"
             "      out wan " W " > " S " dccp LISTEN\n"
             "[  0] " S " > " W " dccp REQUEST: ESTABLISHED\n"
             "      out lan " S " > " C " dccp REQUEST\n"
             "[  0] " C " > " S " dccp RESPONSE: ESTABLISHED\n"
             "      out wan " W " > " S " dccp RESPONSE\n");
    FLOWS(w, "dccp 480 RESPOND" FLOW "-\n");
    END(w);
}

/* A refused connection leaves nothing; one in the middle is picked up if
 * dccp_loose says so. */
static void resets_and_pickups(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " dccp REQUEST seq 100");
    say(w, S " > " W " dccp RESET seq 0 ack 100");
    assert_int_equal(count_flows(w), 0);
    say(w, C " > " S " dccp DATAACK seq 100 ack 200");
    FLOWS(w, "dccp 43200 OPEN" FLOW "UNREPLIED\n");
    END(w);

    w = WORLD("tune dccp_loose 0");
    say(w, C " > " S " dccp DATAACK seq 100 ack 200");
    TRACE(w, "[  0] " C " > " S " dccp DATAACK: INVALID dccp_no_flow\n"
             "      drop untranslated\n");
    END(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(rfc4340_states_of_a_whole_life),
        STORY(rfc5597_req5_timeouts),
        STORY(ports_are_translated),
        STORY(port_forward),
        STORY(checksums_are_checked),
        STORY(lengths_are_checked),
        STORY(errors_about_connections),
        STORY(strangers_without_the_numbers),
        STORY(rfc5596_a_server_invites),
        STORY(resets_and_pickups),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
