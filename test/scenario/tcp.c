/* tcp.c - TCP conversations across the router (netfilter's tracker, RFC 5382,
 * RFC 7857) */
#include "world.h"

#include "bytes.h"

#define C    "10.0.1.2:4001"
#define S    "198.51.100.2:80"
#define W    "198.51.100.1:4001"
#define FLOW " " C " > " S " / " S " > " W " "

static struct world *handshake(const char *statements)
{
    struct world *w = WORLD(statements);

    say(w, C " > " S " tcp S seq 1000 mss 1460 sackok");
    say(w, S " > " W " tcp S. seq 5000 ack 1001 mss 1460 sackok");
    say(w, C " > " S " tcp . seq 1001 ack 5001");
    TRACE(w, "[  0] " C " > " S " tcp S: NEW\n"
             "      out wan " W " > " S " tcp S\n"
             "[  0] " S " > " W " tcp S.: ESTABLISHED\n"
             "      out lan " S " > " C " tcp S.\n"
             "[  0] " C " > " S " tcp .: ESTABLISHED\n"
             "      out wan " W " > " S " tcp .\n");
    return w;
}

/* Linux nf_conntrack_proto_tcp.c: each state has its own time. */
static void linux_states_of_a_whole_life(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " tcp S seq 1000");
    FLOWS(w, "tcp 120 SYN_SENT" FLOW "UNREPLIED\n");
    say(w, S " > " W " tcp S. seq 5000 ack 1001");
    FLOWS(w, "tcp 60 SYN_RECV" FLOW "-\n");
    say(w, C " > " S " tcp . seq 1001 ack 5001");
    FLOWS(w, "tcp 432000 ESTABLISHED" FLOW "ASSURED\n");
    say(w, C " > " S " tcp P. seq 1001 ack 5001 len 100");
    FLOWS(w, "tcp 300 ESTABLISHED" FLOW "ASSURED\n"); /* unacknowledged */
    say(w, S " > " W " tcp . seq 5001 ack 1051");
    FLOWS(w, "tcp 300 ESTABLISHED" FLOW "ASSURED\n"); /* in part only */
    say(w, S " > " W " tcp . seq 5001 ack 1101");
    FLOWS(w, "tcp 432000 ESTABLISHED" FLOW "ASSURED\n");
    say(w, C " > " S " tcp F. seq 1101 ack 5001");
    FLOWS(w, "tcp 120 FIN_WAIT" FLOW "ASSURED\n");
    say(w, S " > " W " tcp . seq 5001 ack 1102");
    FLOWS(w, "tcp 60 CLOSE_WAIT" FLOW "ASSURED\n");
    say(w, S " > " W " tcp F. seq 5001 ack 1102");
    FLOWS(w, "tcp 30 LAST_ACK" FLOW "ASSURED\n");
    say(w, C " > " S " tcp . seq 1102 ack 5002");
    FLOWS(w, "tcp 120 TIME_WAIT" FLOW "ASSURED\n");
    w->quiet = false;
    elapse(w, 119);
    TRACE(w, "");
    elapse(w, 1);
    TRACE(w, "[120] DESTROY tcp " C " > " S "\n");
    FLOWS(w, "");
    END(w);
}

/* Linux nf_conntrack_ecache.c: what conntrack -E tells of a TCP life. */
static void linux_events_of_a_whole_life(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    w->events = true;
    say(w, C " > " S " tcp S seq 1000");
    TRACE(w, "[  0] " C " > " S " tcp S: NEW\n"
             "      CREATE tcp " C " > " S " SYN_SENT\n"
             "      out wan " W " > " S " tcp S\n");
    say(w, S " > " W " tcp S. seq 5000 ack 1001");
    say(w, C " > " S " tcp . seq 1001 ack 5001");
    TRACE(w, "[  0] " S " > " W " tcp S.: ESTABLISHED\n"
             "      out lan " S " > " C " tcp S.\n"
             "      UPDATE tcp " C " > " S " SYN_RECV\n"
             "[  0] " C " > " S " tcp .: ESTABLISHED\n"
             "      out wan " W " > " S " tcp .\n"
             "      UPDATE tcp " C " > " S " ESTABLISHED\n");
    say(w, C " > " S " tcp P. seq 1001 ack 5001 len 10"); /* no event */
    TRACE(w, "[  0] " C " > " S " tcp P.: ESTABLISHED\n"
             "      out wan " W " > " S " tcp P.\n");
    END(w);
}

/* Linux nf_conntrack_proto_tcp.c: a SYN sent again does not renew SYN_SENT
 * (T12). */
static void linux_syn_again_does_not_renew(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " tcp S seq 1000");
    elapse(w, 4);
    say(w, C " > " S " tcp S seq 1000");
    FLOWS(w, "tcp 116 SYN_SENT" FLOW "UNREPLIED\n");
    elapse(w, 116);
    FLOWS(w, "");
    END(w);
}

/* Linux 6.18: a later SYN counts, but one without options takes back nothing
 * that the first one offered: windows are scaled. */
static void linux_syn_without_options_keeps_the_offer(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " tcp S seq 1000 mss 1460 sackok wscale 7");
    say(w, C " > " S " tcp S seq 67000 win 0");
    say(w, S " > " W " tcp S. seq 5000 ack 1001 wscale 7");
    say(w, S " > " W " tcp . seq 5001 ack 1001 len 100");
    say(w, C " > " S " tcp . seq 1001 ack 5101");
    FLOWS(w, "tcp 432000 ESTABLISHED" FLOW "ASSURED\n");
    END(w);
}

/* Linux 6.18: a refused SYN of the server's makes it a simultaneous open all
 * the same, and its next ACK is the end of the handshake. */
static void linux_refused_syn_is_remembered(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " tcp S seq 1000 sackok");
    say(w, S " > " W " tcp S. seq 5000 ack 900000000 win 0");
    say(w, S " > " W " tcp S seq 2147488648 ack 1001 len 634");
    assert_int_equal(w->info, CT_INVALID);
    say(w, S " > " W " tcp S. seq 5000 ack 1001 sackok");
    say(w, S " > " W " tcp . seq 5001 ack 1001");
    FLOWS(w, "tcp 432000 ESTABLISHED" FLOW "ASSURED\n");
    END(w);
}

/* Linux nf_conntrack_proto_tcp.c: a reset before any answer ends the entry at
 * once. */
static void linux_refused_connection_leaves_nothing(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    say(w, C " > " S " tcp S seq 1000");
    say(w, S " > " W " tcp R. seq 0 ack 1001");
    TRACE(w, "[  0] " C " > " S " tcp S: NEW\n"
             "      out wan " W " > " S " tcp S\n"
             "[  0] " S " > " W " tcp R.: ESTABLISHED\n"
             "      out lan " S " > " C " tcp R.\n"
             "      DESTROY tcp " C " > " S "\n");
    FLOWS(w, "");
    END(w);
}

/* A closed port of the router's own: its reset ends the entry that the SYN
 * made, while the SYN is still on its journey. */
static void linux_closed_port_leaves_nothing(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        say(w, "10.0.1.2:4001 > 10.0.1.1:81 tcp S seq 7");
        TRACE(w, "[  0] 10.0.1.2:4001 > 10.0.1.1:81 tcp S: NEW\n"
                 "      out lan 10.0.1.1:81 > 10.0.1.2:4001 tcp R.\n"
                 "      DESTROY tcp 10.0.1.2:4001 > 10.0.1.1:81\n");
        assert_int_equal(stat_of(w, CT_STAT_entries), 0);
    }
    END(w);
}

/* T1: no sender can reset a flow without its next sequence number. */
static void t1_blind_reset_changes_nothing(void **state)
{
    struct world *w = handshake("");
    static const uint32_t blind[] = {0, 42, 5000, 1000000, 3000000000u};

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < sizeof blind / sizeof *blind; i++) {
        sayf(w, S " > " W " tcp R seq %u", blind[i]);
        assert_int_equal(w->why, CT_REASON_UNTRANSLATED);
        FLOWS(w, "tcp 432000 ESTABLISHED" FLOW "ASSURED\n");
    }
    assert_int_equal(w->dropped, 5);
    w->quiet = false;
    say(w, S " > " W " tcp R seq 5001");
    TRACE(w, "[  0] " S " > " W " tcp R: ESTABLISHED\n"
             "      out lan " S " > " C " tcp R\n");
    FLOWS(w, "tcp 10 CLOSE" FLOW "ASSURED\n");
    END(w);
}

/* T1b: once a FIN was seen an inexact reset may close. */
static void t1b_reset_after_fin_closes(void **state)
{
    struct world *w = handshake("");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " tcp F. seq 1001 ack 5001");
    say(w, S " > " W " tcp . seq 5001 ack 1002");
    FLOWS(w, "tcp 60 CLOSE_WAIT" FLOW "ASSURED\n");
    say(w, C " > " S " tcp R seq 1005");
    FLOWS(w, "tcp 10 CLOSE" FLOW "ASSURED\n");
    say(w, S " > " W " tcp R seq 5001");
    assert_int_equal(w->info, CT_ESTABLISHED);
    assert_int_equal(stat_of(w, CT_STAT_invalid), 0);
    END(w);
}

/* T3: an answer far outside the window never reaches the other side. */
static void t3_out_of_window_answer_stays_outside(void **state)
{
    struct world *w = handshake("");

    (void)state;
    say(w, S " > " W " tcp . seq 1073741824 ack 1001 len 100");
    TRACE(w, "[  0] " S " > " W " tcp .: INVALID tcp_window\n"
             "      drop untranslated\n");
    FLOWS(w, "tcp 432000 ESTABLISHED" FLOW "ASSURED\n");
    END(w);
}

/* T3, the other way: what conntrack calls INVALID is not translated, so it must
 * not leave; the kernel lets it, with its inside address. */
static void t3_invalid_never_leaves_untranslated(void **state)
{
    struct world *w = handshake("");

    (void)state;
    say(w, C " > " S " tcp . seq 1073741824 ack 5001 len 100");
    TRACE(w, "[  0] " C " > " S " tcp .: INVALID tcp_window\n"
             "      drop untranslated\n");
    say(w, "10.0.1.2:4009 > " S " tcp SF seq 1");
    TRACE(w, "[  0] 10.0.1.2:4009 > " S " tcp SF: INVALID tcp_flags\n"
             "      drop untranslated\n");
    say(w, "10.0.1.2:4009 > " S " tcp S seq 1 badsum");
    TRACE(w, "[  0] 10.0.1.2:4009 > " S " tcp S: INVALID l4_bad_checksum\n"
             "      drop untranslated\n");
    assert_int_equal(count_flows(w), 1);
    END(w);
}

/* T4: data that was acknowledged already, sent again. */
static void t4_old_data_again_passes(void **state)
{
    struct world *w = handshake("");

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < 46; i++) {
        sayf(w, C " > " S " tcp . seq %u ack 5001 len 1460", 1001 + i * 1460);
        sayf(w, S " > " W " tcp . seq 5001 ack %u", 1001 + (i + 1) * 1460);
    }
    say(w, C " > " S " tcp . seq 1001 ack 5001 len 1460");
    assert_int_equal(w->info, CT_ESTABLISHED);
    assert_int_equal(w->sent, 3 + 92 + 1);
    assert_int_equal(stat_of(w, CT_STAT_invalid), 0);
    END(w);
}

/* T5: SYN on a live entry -> challenge ACK -> RST -> a new SYN. */
static void t5_challenge_ack_clears_the_way(void **state)
{
    struct world *w = handshake("");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " tcp S seq 900000");
    assert_int_equal(w->info, CT_ESTABLISHED);
    say(w, S " > " W " tcp . seq 5001 ack 1001");
    assert_int_equal(w->info, CT_ESTABLISHED);
    say(w, C " > " S " tcp R seq 1001");
    assert_int_equal(w->info, CT_ESTABLISHED);
    FLOWS(w, "tcp 10 CLOSE" FLOW "ASSURED\n");
    say(w, C " > " S " tcp S seq 900001");
    assert_int_equal(w->info, CT_NEW);
    FLOWS(w, "tcp 120 SYN_SENT" FLOW "UNREPLIED\n");
    say(w, S " > " W " tcp S. seq 70000 ack 900002");
    say(w, C " > " S " tcp . seq 900002 ack 70001");
    FLOWS(w, "tcp 432000 ESTABLISHED" FLOW "ASSURED\n");
    assert_int_equal(stat_of(w, CT_STAT_invalid), 0);
    END(w);
}

/* T6: a SYN-ACK of an older connection. */
static void t6_stale_synack_changes_nothing(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " tcp S seq 1000");
    say(w, S " > " W " tcp S. seq 7777 ack 424242");
    assert_int_equal(w->info, CT_INVALID);
    FLOWS(w, "tcp 120 SYN_SENT" FLOW "UNREPLIED\n");
    say(w, C " > " S " tcp S seq 1000");
    assert_int_equal(w->info, CT_NEW);
    say(w, S " > " W " tcp S. seq 5000 ack 1001");
    FLOWS(w, "tcp 60 SYN_RECV" FLOW "-\n");
    END(w);
}

/* RFC 5382 REQ-2a (T7): both open at once. */
static void rfc5382_req2a_simultaneous_open(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " tcp S seq 1000");
    say(w, S " > " W " tcp S seq 5000");
    FLOWS(w, "tcp 120 SYN_SENT2" FLOW "-\n");
    say(w, C " > " S " tcp S. seq 1000 ack 5001");
    FLOWS(w, "tcp 60 SYN_RECV" FLOW "-\n");
    say(w, S " > " W " tcp S. seq 5000 ack 1001");
    say(w, C " > " S " tcp . seq 1001 ack 5001");
    say(w, S " > " W " tcp . seq 5001 ack 1001");
    FLOWS(w, "tcp 432000 ESTABLISHED" FLOW "ASSURED\n");
    assert_int_equal(w->sent, 6);
    END(w);
}

/* T8: only a lone SYN, or with tcp_loose a lone ACK, may begin a flow. */
static void t8_flags_that_may_open(void **state)
{
    struct world *w = WORLD("masquerade off");
    char flags[9];

    (void)state;
    w->quiet = true;
    for (unsigned f = 0; f < 64; f++) {
        unsigned n = 0, core = f & 0x37u; /* without PSH */
        bool opens =
            core == 0x02 || core == 0x22 || core == 0x10 || core == 0x30;

        for (unsigned b = 0; b < 6; b++)
            if (f >> b & 1)
                flags[n++] = "FSRP.U"[b];
        flags[n] = '\0';
        sayf(w, "10.0.1.2:%u > " S " tcp %s seq 1 ack 1", 5000 + f,
             n ? flags : "-");
        assert_int_equal(w->info, opens ? CT_NEW : CT_INVALID);
    }
    assert_int_equal(count_flows(w), 8); /* each with and without PSH */
    END(w);
}

/* Linux nf_conntrack_proto_tcp.c: a flow that runs already is picked up. */
static void linux_loose_pickup(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " tcp . seq 1000 ack 5000 len 10");
    FLOWS(w, "tcp 300 ESTABLISHED" FLOW "UNREPLIED\n");
    say(w, S " > " W " tcp . seq 5000 ack 1010");
    FLOWS(w, "tcp 300 ESTABLISHED" FLOW "-\n");
    say(w, C " > " S " tcp . seq 1010 ack 5000");
    FLOWS(w, "tcp 432000 ESTABLISHED" FLOW "ASSURED\n");
    END(w);
}

/* RFC 7323: a window of 65535 << 7 takes a megabyte in flight. */
static void rfc7323_scaled_window(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " tcp S seq 4294960000 wscale 7");
    say(w, S " > " W " tcp S. seq 5000 ack 4294960001 wscale 7");
    say(w, C " > " S " tcp . seq 4294960001 ack 5001 win 512");
    say(w, S " > " W " tcp . seq 5001 ack 4294960001 win 8000");
    for (uint32_t i = 0; i < 700; i++) { /* across 2^32 */
        sayf(w, C " > " S " tcp . seq %u ack 5001 win 512 len 1400",
             4294960001u + i * 1400);
        assert_int_equal(w->info, CT_ESTABLISHED);
    }
    assert_int_equal(w->sent, 704);
    assert_int_equal(stat_of(w, CT_STAT_invalid), 0);
    END(w);
}

/* RFC 793 keep-alive: seq one below, no data. */
static void rfc1122_keepalive_passes(void **state)
{
    struct world *w = handshake("");

    (void)state;
    w->quiet = true;
    elapse(w, 7200);
    say(w, C " > " S " tcp . seq 1000 ack 5001");
    assert_int_equal(w->info, CT_ESTABLISHED);
    assert_int_equal(w->sent, 4);
    END(w);
}

/* RFC 5382 REQ-5: an idle flow lives two hours and four minutes at least. */
static void t11_rfc5382_req5_idle_time(void **state)
{
    struct world *w = handshake("");

    (void)state;
    elapse(w, 7440);
    say(w, S " > " W " tcp P. seq 5001 ack 1001 'x'");
    TRACE(w, "[7440] " S " > " W " tcp P.: ESTABLISHED\n"
             "      out lan " S " > " C " tcp P.\n");
    END(w);
}

/* T11: the times of profile rfc, to the second: four minutes for whatever is
 * not established. */
static void t11_times_of_profile_rfc(void **state)
{
    static const struct {
        const char *state, *next;
        unsigned seconds;
    } lives[] = {
        {"SYN_SENT", C " > " S " tcp S seq 1000", 240},
        {"SYN_RECV", S " > " W " tcp S. seq 5000 ack 1001", 240},
        {"ESTABLISHED", C " > " S " tcp . seq 1001 ack 5001", 7440},
        {"FIN_WAIT", C " > " S " tcp F. seq 1001 ack 5001", 240},
        {"CLOSE_WAIT", S " > " W " tcp . seq 5001 ack 1002", 240},
        {"LAST_ACK", S " > " W " tcp F. seq 5001 ack 1002", 240},
        {"TIME_WAIT", C " > " S " tcp . seq 1002 ack 5002", 240},
        {"CLOSE", S " > " W " tcp R seq 5002", 240},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof lives / sizeof *lives; i++) {
        struct world *w = WORLD("profile rfc; tune port_quarantine 0");
        struct ct_view v;

        w->quiet = true;
        for (unsigned k = 0; k <= i; k++)
            say(w, lives[k].next);
        elapse_ms(w, lives[i].seconds * 1000ull - 1);
        assert_int_equal(count_flows(w), 1);
        for (uint32_t s = 0; s < ct_slots(w->rig.ct); s++)
            if (ct_read(w->rig.ct, s, w->rig.now, &v))
                assert_string_equal(v.state, lives[i].state);
        elapse_ms(w, 1);
        assert_int_equal(count_flows(w), 0);
        END(w);
    }
}

/* P5: an urgent pointer that lies travels as it is. */
static void p5_urgent_pointer_is_not_ours(void **state)
{
    struct world *w = handshake("");
    static const uint32_t urg[] = {0, 1, 10, 11, 65535};

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < 5; i++) {
        sayf(w, C " > " S " tcp P.U seq 1001 ack 5001 urg %u len 10", urg[i]);
        assert_int_equal(w->info, CT_ESTABLISHED);
        assert_int_equal(bytes_get16(w->last + 38), urg[i]);
    }
    END(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(linux_states_of_a_whole_life),
        STORY(linux_events_of_a_whole_life),
        STORY(linux_syn_again_does_not_renew),
        STORY(linux_syn_without_options_keeps_the_offer),
        STORY(linux_refused_syn_is_remembered),
        STORY(linux_refused_connection_leaves_nothing),
        STORY(linux_closed_port_leaves_nothing),
        STORY(t1_blind_reset_changes_nothing),
        STORY(t1b_reset_after_fin_closes),
        STORY(t3_out_of_window_answer_stays_outside),
        STORY(t3_invalid_never_leaves_untranslated),
        STORY(t4_old_data_again_passes),
        STORY(t5_challenge_ack_clears_the_way),
        STORY(t6_stale_synack_changes_nothing),
        STORY(rfc5382_req2a_simultaneous_open),
        STORY(t8_flags_that_may_open),
        STORY(linux_loose_pickup),
        STORY(rfc7323_scaled_window),
        STORY(rfc1122_keepalive_passes),
        STORY(t11_rfc5382_req5_idle_time),
        STORY(t11_times_of_profile_rfc),
        STORY(p5_urgent_pointer_is_not_ours),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
