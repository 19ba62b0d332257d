/* queue.c - packets that rules send to a user program, and how they come back
 *
 * The program is this file: what it holds it gives back by resume(). */
#include "bytes.h"
#include "world.h"

#include "packet.h"

#include <ctcore/wire.h>

#include <string.h>

#define C    "10.0.1.2:4000"
#define S    "198.51.100.2:80"
#define Q    "{\"verdict\":\"queue 0\"}"
#define PING "10.0.1.2 > 10.0.1.1 icmp echo id 7"
#define UDP  C " > " S " udp 'x'"

/* The count holds while it is held, and nothing of it is seen. */
static void is_held(struct world *w, unsigned n)
{
    assert_int_equal(w->n_kept, n);
    if (rig_check(&w->rig))
        fail_msg("%u held: %s", n, rig_check(&w->rig));
    /* nor does a reader wait for an entry that is no flow yet */
    (void)count_flows(w);
    assert_int_equal(stat_of(w, CT_STAT_search_restart), 0);
}

/* Every hook and every verdict: what is sent, and what is dropped. */
static const struct {
    const char *what, *rules, *packet;
    bool host;
    enum ct_hook hook;
    unsigned flows; /* when it was accepted */
    bool own;       /* the router's own: it never entered */
} places[] = {
    {"prerouting", "prerouting " Q, UDP, false, CT_PREROUTING, 1, false},
    {"forward", "forward " Q, UDP, false, CT_FORWARD, 1, false},
    {"postrouting", "postrouting " Q, UDP, false, CT_POSTROUTING, 1, false},
    {"input", "input " Q, PING, false, CT_INPUT, 1, false},
    {"output, an echo reply", "output " Q, PING, false, CT_OUTPUT, 1, true},
    {"output, an error", "output " Q, "10.0.1.2:5 > 10.0.1.1:9 udp 'x'", false,
     CT_OUTPUT, 1, true},
    {"output, the host's own", "output " Q,
     "198.51.100.1:5 > 198.51.100.2:9 udp 'x'", true, CT_OUTPUT, 1, false},
    {"input, for the host", "input " Q,
     "198.51.100.2:5 > 198.51.100.1:9 udp 'x'", true, CT_INPUT, 1, false},
};

static void each_hook_each_verdict(void **state)
{
    static const enum ct_verdict verdicts[] = {CT_ACCEPT, CT_REPEAT, CT_STOP,
                                               CT_DROP};

    (void)state;
    for (unsigned i = 0; i < sizeof places / sizeof *places; i++)
        for (unsigned v = 0; v < 4; v++) {
            bool dropped = verdicts[v] == CT_DROP, own = places[i].own;
            struct world *w = places[i].host ? HOST_WORLD(places[i].rules)
                                             : WORLD(places[i].rules);

            print_message("%s, %d\n", places[i].what, verdicts[v]);
            say(w, places[i].packet);
            is_held(w, 1);
            assert_int_equal(w->kept[0].hook, places[i].hook);
            assert_int_equal(w->sent, 0);
            assert_int_equal(stat_of(w, CT_STAT_held), !own);
            if (verdicts[v] == CT_REPEAT) /* the rules of now are asked */
                reload(w, "");
            resume(w, 0, verdicts[v]);
            assert_int_equal(stat_of(w, CT_STAT_held), 0);
            assert_int_equal(w->sent, !dropped);
            assert_int_equal(drops_of(w, CT_REASON_HOOK), dropped && !own);
            assert_int_equal(stat_of(w, CT_STAT_orig_lost), dropped && own);
            if (!dropped)
                assert_int_equal(count_flows(w), places[i].flows);
            END(w);
        }
}

/* An answer of the router's about a packet that opened no flow, at two hooks,
 * however it comes back: it has that packet's entry, to be translated by, and
 * the entry goes with it. */
static void an_answer_about_no_flow(void **state)
{
    static const struct {
        const char *rules, *packet, *answer;
    } rows[] = {
        {"", "10.0.1.2:5 > 198.51.100.2:9 udp ttl 1 'x'",
         "lan 10.0.1.1 > 10.0.1.2 icmp 11/0"},
        {"forward {\"verdict\":\"reject\",\"reject_with\":\"tcp-reset\"}; ",
         "198.51.100.9:5 > 198.51.100.1:8080 tcp S seq 1",
         "wan 198.51.100.1:8080 > 198.51.100.9:5 tcp R."},
        {"forward {\"verdict\":\"reject\"}; ",
         "198.51.100.9:5 > 198.51.100.1:8080 tcp S seq 1",
         "wan 198.51.100.1 > 198.51.100.9 icmp 3/3"},
    };
    static const char *const hooks[] = {"output", "postrouting"};
    static const enum ct_verdict verdicts[] = {CT_ACCEPT, CT_REPEAT, CT_DROP};
    char text[512];

    (void)state;
    for (unsigned i = 0; i < 18; i++) {
        const char *hook = hooks[i % 2];
        enum ct_verdict verdict = verdicts[i / 2 % 3];
        bool again = verdict == CT_REPEAT, sent = verdict != CT_DROP;
        struct world *w;

        snprintf(text, sizeof text,
                 "dnat tcp 198.51.100.1:8080 -> 10.0.1.2:80; %s%s " Q,
                 rows[i / 6].rules, hook);
        w = WORLD(text);
        print_message("%s; %s\n", text, rows[i / 6].packet);
        say(w, rows[i / 6].packet);
        is_held(w, 1);
        assert_int_equal(w->sent, 0);
        assert_int_equal(stat_of(w, CT_STAT_entries), 1);
        resume(w, 0, verdict);
        if (again)
            resume(w, 1, CT_ACCEPT);
        assert_int_equal(w->sent, sent);
        assert_int_equal(stat_of(w, CT_STAT_orig_lost), !sent);
        assert_int_equal(stat_of(w, CT_STAT_entries), 0);
        if (sent)
            assert_non_null(strstr(w->text, rows[i / 6].answer));
        END(w);
    }
}

/* REPEAT under the same rules: held once more, as often as it is said. */
static void repeat_asks_the_rules_again(void **state)
{
    struct world *w = WORLD("forward " Q);

    (void)state;
    say(w, UDP);
    resume(w, 0, CT_REPEAT);
    is_held(w, 2);
    assert_int_equal(stat_of(w, CT_STAT_held), 1);
    resume(w, 1, CT_ACCEPT);
    TRACE(w, "[  0] " C " > " S " udp: NEW\n"
             "      queue 0\n"
             "[  0] resume REPEAT\n"
             "      queue 0\n"
             "[  0] resume ACCEPT\n"
             "      out wan 198.51.100.1:4000 > " S " udp\n");
    END(w);
}

/* ACCEPT ends the rules of that hook, not of later ones. */
static void two_queues_on_one_way(void **state)
{
    struct world *w = WORLD("forward " Q "; forward {\"verdict\":\"drop\"};"
                            "postrouting {\"verdict\":\"queue 1\"}");

    (void)state;
    say(w, UDP);
    resume(w, 0, CT_ACCEPT);
    is_held(w, 2);
    assert_int_equal(w->kept[1].queue, 1);
    resume(w, 1, CT_ACCEPT);
    assert_int_equal(w->sent, 1);
    assert_int_equal(count_flows(w), 1);
    END(w);
}

/* The flow of a packet that waits is deleted, with all others. */
static void its_flow_ends(void **state)
{
    struct world *w = WORLD("forward {\"ct_state\":\"established\",\"verdict\":"
                            "\"queue 0\"}");

    (void)state;
    alone(w);
    say(w, UDP);
    say(w, S " > 198.51.100.1:4000 udp 'y'");
    is_held(w, 1);
    ct_flush(w->rig.ct);
    resume(w, 0, CT_ACCEPT);
    assert_int_equal(w->why, CT_REASON_FLOW_ENDED);
    assert_int_equal(drops_of(w, CT_REASON_FLOW_ENDED), 1);
    assert_int_equal(w->sent, 1); /* the first of all */
    END(w);
}

/* A flow's first packet is in no table, so no flush ends its flow; nor does
 * time, which begins when it is confirmed. */
static void a_first_packet_outlives_a_flush(void **state)
{
    struct world *w = WORLD("forward " Q);

    (void)state;
    say(w, UDP);
    assert_int_equal(ct_flush(w->rig.ct), 0);
    elapse(w, 1000);
    resume(w, 0, CT_ACCEPT);
    FLOWS(w, "udp 30 " C " > " S " / " S " > 198.51.100.1:4000 UNREPLIED\n");
    assert_int_equal(w->sent, 1);
    END(w);
}

/* A resolver sends two queries at once from one socket: the packet that comes
 * back first opens the flow, the other joins it, and both leave by one port. */
static void two_first_packets(void **state)
{
    static const char *const first[] = {
        UDP,
        "10.0.1.2:4000 > 198.51.100.2:80 tcp S seq 1",
        "10.0.1.2 > 198.51.100.2 icmp echo id 4000",
    };

    (void)state;
    for (unsigned i = 0; i < sizeof first / sizeof *first; i++) {
        struct world *w = WORLD("forward " Q);

        w->quiet = true;
        say(w, first[i]);
        say(w, first[i]);
        assert_int_equal(stat_of(w, CT_STAT_entries), 2);
        resume(w, 1, CT_ACCEPT);
        resume(w, 0, CT_ACCEPT);
        assert_int_equal(w->sent, 2);
        assert_int_equal(w->dropped, 0);
        assert_int_equal(stat_of(w, CT_STAT_clash_resolve), 1);
        assert_int_equal(stat_of(w, CT_STAT_entries), 1);
        if (i < 2)
            assert_int_equal(last_sport(w), 4000);
        END(w);
    }
}

/* The same where a rule has sent it inside: both went to one host. */
static void two_first_packets_of_a_forward(void **state)
{
    struct world *w = WORLD("dnat udp 198.51.100.1:53 -> 10.0.1.3:5353;"
                            "forward " Q);

    (void)state;
    w->quiet = true;
    say(w, "198.51.100.2:9 > 198.51.100.1:53 udp 'x'");
    say(w, "198.51.100.2:9 > 198.51.100.1:53 udp 'x'");
    resume(w, 0, CT_ACCEPT);
    resume(w, 1, CT_ACCEPT);
    assert_int_equal(w->sent, 2);
    assert_int_equal(last_dport(w), 5353);
    assert_int_equal(stat_of(w, CT_STAT_clash_resolve), 1);
    END(w);
}

/* An error is of another flow than its own addresses say: that is kept. */
static void an_icmp_error(void **state)
{
    struct world *w = WORLD("forward {\"proto\":\"icmp\",\"verdict\":"
                            "\"queue 0\"}");
    const char *error = "192.0.2.9 > 198.51.100.1 icmp 3/3 about "
                        "{198.51.100.1:4000 > " S " udp 'x'}";

    (void)state;
    alone(w);
    say(w, UDP);
    say(w, error);
    is_held(w, 1);
    assert_int_equal(w->kept[0].info, CT_RELATED);
    resume(w, 0, CT_ACCEPT);
    TRACE(w, "[  0] " C " > " S " udp: NEW\n"
             "      out wan 198.51.100.1:4000 > " S " udp\n"
             "[  0] 192.0.2.9 > 198.51.100.1 icmp 3/3: RELATED\n"
             "      queue 0\n"
             "[  0] resume ACCEPT\n"
             "      out lan 192.0.2.9 > 10.0.1.2 icmp 3/3 ttl 63 about {" C
             " > " S " udp}\n");
    say(w, error);
    ct_flush(w->rig.ct);
    resume(w, 1, CT_ACCEPT);
    assert_int_equal(w->why, CT_REASON_FLOW_ENDED);
    END(w);
}

/* 800 bytes of it from `at` on, as a fragment. */
static void say_piece(struct world *w, const uint8_t *whole, uint32_t len,
                      uint32_t at)
{
    uint8_t p[20 + 800];
    uint32_t n = len - 20 - at;
    bool more = n > 800;

    n = more ? 800 : n;
    memcpy(p, whole, 20);
    memcpy(p + 20, whole + 20 + at, n);
    bytes_put16(p + 2, 20 + n);
    p[6] = (uint8_t)(at / 8 >> 8 | (more ? 0x20u : 0u));
    p[7] = (uint8_t)(at / 8);
    p[10] = p[11] = 0;
    bytes_put16(p + 10, (uint16_t)~ct_inet_sum(p, 20, 0));
    say_bytes(w, p, 20 + n, 0);
}

/* It waits whole, and leaves cut where it was cut. */
static void a_datagram_of_fragments(void **state)
{
    struct world *w = WORLD("forward " Q);
    uint8_t whole[4096];
    uint32_t len;

    (void)state;
    w->quiet = true;
    len = (uint32_t)packet_build(whole, sizeof whole,
                                 C " > " S " udp ipid 9 len 3000");
    for (uint32_t at = 0; at < len - 20; at += 800)
        say_piece(w, whole, len, at);
    is_held(w, 1);
    assert_int_equal(w->kept[0].len, len);
    resume(w, 0, CT_ACCEPT);
    assert_int_equal(w->sent, 4);
    assert_int_equal(w->last_len, len - 20 - 3 * 800 + 20);
    END(w);
}

/* A mark that the program gave is the flow's, now and when it is confirmed. */
static void marks(void **state)
{
    struct world *w = WORLD("forward " Q);
    struct ct_view v;

    (void)state;
    alone(w);
    w->quiet = true;
    for (unsigned i = 0; i < 2; i++) {
        say(w, UDP);
        ct_set_mark(&w->kept[i], 7 + i);
        resume(w, i, CT_ACCEPT);
        assert_true(ct_read(w->rig.ct, 0, w->rig.now, &v));
        assert_int_equal(v.mark, 7 + i);
    }
    END(w);
}

/* It waits, and meanwhile its way out is gone. */
static void its_link_goes_down(void **state)
{
    struct world *w = WORLD("forward " Q);

    (void)state;
    alone(w);
    say(w, UDP);
    w->rig.more[1].usable = false;
    journey_set_ifaces(w->rig.journey, &w->rig.ifaces, w->rig.more);
    resume(w, 0, CT_ACCEPT);
    assert_int_equal(w->why, CT_REASON_TX_LINK_DOWN);
    END(w);
}

/* What a program accepts is asked for: strict_inbound lets it in. */
static void strict_inbound_is_satisfied(void **state)
{
    struct world *w =
        WORLD("tune strict_inbound 1; masquerade off; forward " Q);

    (void)state;
    say(w, "198.51.100.2:9 > 10.0.1.3:53 udp 'x'");
    resume(w, 0, CT_ACCEPT);
    assert_int_equal(w->sent, 1);
    END(w);
}

/* Held: an error about a flow whose entry was another's before. */
static void an_error_about_an_entrys_second_flow(void **state)
{
    struct world *w =
        WORLD("forward {\"ct_state\":\"related\",\"verdict\":\"queue 0\"}");

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < 3; i++) {
        say(w, UDP);
        say(w, "192.0.2.9 > 198.51.100.1 icmp 3/3 about {198.51.100.1:4000 > " S
               " udp 'x'}");
        is_held(w, i + 1);
        resume(w, i, CT_ACCEPT);
        assert_int_equal(w->sent, 2 * (i + 1));
        assert_int_equal(w->last[19], 2); /* for the host */
        elapse(w, 31);
        assert_int_equal(count_flows(w), 0);
    }
    END(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(an_error_about_an_entrys_second_flow),
        STORY(each_hook_each_verdict),
        STORY(an_answer_about_no_flow),
        STORY(repeat_asks_the_rules_again),
        STORY(two_queues_on_one_way),
        STORY(its_flow_ends),
        STORY(a_first_packet_outlives_a_flush),
        STORY(two_first_packets),
        STORY(two_first_packets_of_a_forward),
        STORY(an_icmp_error),
        STORY(a_datagram_of_fragments),
        STORY(marks),
        STORY(its_link_goes_down),
        STORY(strict_inbound_is_satisfied),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
