/* hostile_flows.c - attacks on flows, ports and addresses: rows S, T, U, I, G
 *
 * Each test bears the id of its row.  Rows that ask for more than the kernel
 * does run in profile weir, whose tunables they are. */
#include "base/hash.h"
#include "calm.h"

#include "bytes.h"

#include <string.h>

#define C "10.0.1.2:4000"
#define S "198.51.100.2:80"
#define W "198.51.100.1:4000"

static void shake(struct world *w)
{
    say(w, C " > " S " tcp S seq 1000");
    say(w, S " > " W " tcp S. seq 5000 ack 1001");
    say(w, C " > " S " tcp . seq 1001 ack 5001");
    assert_int_equal(w->info, CT_ESTABLISHED);
}

/* S1: an inside or own source that comes from outside, though a flow has it. */
static void s1_inside_source_from_outside(void **state)
{
    struct world *w = WORLD("profile weir");

    (void)state;
    w->quiet = true;
    say(w, "10.0.1.2:4000 > 10.0.1.3:80 udp 'x'");
    refuse(w, "10.0.1.2:4000 > 10.0.1.3:80 udp 'x' @wan");
    assert_int_equal(w->why, CT_REASON_SPOOFED);
    refuse(w, "10.0.1.9:4000 > 198.51.100.1:80 udp 'x' @wan");
    assert_int_equal(w->why, CT_REASON_SPOOFED);
    refuse(w, "198.51.100.1:4000 > 198.51.100.1:80 udp 'x' @wan");
    END(w);
}

/* S2: a source that does not belong on that side burns neither entry nor
 * port. */
static void s2_foreign_source_from_inside(void **state)
{
    struct world *w = WORLD("profile weir");

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < 50; i++) {
        char line[100];

        snprintf(line, sizeof line,
                 "192.0.2.%u:4000 > 198.51.100.2:80 udp 'x' @lan", i);
        refuse(w, line);
        assert_int_equal(w->why, CT_REASON_SPOOFED);
    }
    assert_int_equal(stat_of(w, CT_STAT_mappings), 0);
    END(w);
}

/* S3: no way in but those that were made. */
static void s3_no_unasked_way_in(void **state)
{
    struct world *w = WORLD("profile weir; dnat tcp 198.51.100.1:8080 -> "
                            "10.0.1.2:80; forward {\"dst\":\"10.0.1.7\","
                            "\"verdict\":\"accept\"}");

    (void)state;
    w->quiet = true;
    refuse(w, "198.51.100.9:4000 > 10.0.1.2:80 tcp S seq 1 @wan");
    assert_int_equal(w->why, CT_REASON_UNSOLICITED);
    refuse(w, "198.51.100.9:4000 > 10.0.1.2:80 udp 'x' @wan");
    refuse(w, "198.51.100.9 > 10.0.1.2 icmp echo id 1 @wan");
    refuse(w, "198.51.100.9:4000 > 127.0.0.1:80 tcp S seq 1 @wan");
    refuse(w, "198.51.100.9:4000 > 10.0.1.2:8080 tcp S seq 1 @wan");
    refuse(w, "[2001:db8::9]:4000 > [fd00:1::2]:80 tcp S seq 1 @wan");
    refuse(w, "198.51.100.9:4000 > 10.0.1.2:80 tcp R seq 1 @wan"); /* INVALID */
    say(w, "198.51.100.9:4000 > 198.51.100.1:8080 tcp S seq 1");
    assert_int_equal(w->sent, 1);
    say(w, "198.51.100.9:4000 > 10.0.1.7:80 tcp S seq 1 @wan");
    assert_int_equal(w->sent, 2); /* a rule asked for it */
    END(w);
}

/* S4: a port that a forward owns hides no client, however many begin there
 * towards whomever; and the forward goes on serving strangers. */
static void s4_forwards_own_their_port(void **state)
{
    struct world *w = WORLD("profile weir; inside 10.0.1.1/16; dnat tcp "
                            "198.51.100.1:8080 -> 10.0.1.2:80");

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < 1000; i++) {
        sayf(w, "10.0.%u.%u:8080 > 198.51.100.%u:443 tcp S seq 1", 2 + i / 200,
             1 + i % 200, 2 + i % 250);
        assert_int_equal(w->sent, 2 * i + 1);
        assert_int_not_equal(last_sport(w), 8080);
        sayf(w, "198.51.100.%u:443 > 198.51.100.1:8080 tcp S seq 1",
             2 + i % 250);
        assert_int_equal(w->sent, 2 * i + 2);
        assert_int_equal(bytes_get16(w->last + 18), 0x0102);
        assert_int_equal(last_dport(w), 80);
    }
    END(w);
}

/* S6: hairpin, and the errors about it. */
static void s6_hairpin(void **state)
{
    struct world *w =
        WORLD("hairpin on; dnat udp 198.51.100.1:8080 -> 10.0.1.3:80");

    (void)state;
    say(w, "10.0.1.2:4000 > 198.51.100.1:8080 udp 'q'");
    say(w, "10.0.1.3:80 > 198.51.100.1:4000 udp 'a'");
    say(w, "10.0.1.3 > 198.51.100.1 icmp 3/3 about {198.51.100.1:4000 > "
           "10.0.1.3:80 udp 'q'}");
    TRACE(w, "[  0] 10.0.1.2:4000 > 198.51.100.1:8080 udp: NEW\n"
             "      out lan 198.51.100.1:4000 > 10.0.1.3:80 udp\n"
             "[  0] 10.0.1.3:80 > 198.51.100.1:4000 udp: ESTABLISHED\n"
             "      out lan 198.51.100.1:8080 > 10.0.1.2:4000 udp\n"
             "[  0] 10.0.1.3 > 198.51.100.1 icmp 3/3: RELATED\n"
             "      out lan 198.51.100.1 > 10.0.1.2 icmp 3/3 ttl 63 about "
             "{10.0.1.2:4000 > 198.51.100.1:8080 udp}\n");
    END(w);
}

/* T2: the port of a flow that ended is not given to another host towards the
 * same remote while that may still send; to its own host it is, and towards
 * others. */
static void t2_ports_rest_after_their_flow(void **state)
{
    struct world *w = WORLD("profile weir; masquerade 5000-5001");

    (void)state;
    alone(w); /* ports are divided */
    w->quiet = true;
    say(w, "10.0.1.2:5000 > 198.51.100.2:80 tcp S seq 1000");
    assert_int_equal(last_sport(w), 5000);
    say(w, "198.51.100.2:80 > 198.51.100.1:5000 tcp S. seq 7 ack 1001");
    say(w, "198.51.100.2:80 > 198.51.100.1:5000 tcp R. seq 8 ack 1001");
    elapse(w, 11);
    assert_int_equal(count_flows(w), 0);
    say(w, "10.0.1.3:5000 > 198.51.100.2:80 tcp S seq 1000");
    assert_int_equal(last_sport(w), 5001);
    refuse(w, "10.0.1.4:5000 > 198.51.100.2:80 tcp S seq 1000");
    assert_int_equal(w->why, CT_REASON_NO_PORT);
    say(w, "10.0.1.4:5000 > 198.51.100.3:80 tcp S seq 1000");
    assert_int_equal(last_sport(w), 5000);
    say(w, "10.0.1.2:5000 > 198.51.100.2:80 tcp S seq 1000");
    assert_int_equal(last_sport(w), 5000); /* its own again */
    say(w, "198.51.100.2:80 > 198.51.100.1:5000 tcp S. seq 7 ack 1001");
    say(w, "198.51.100.2:80 > 198.51.100.1:5000 tcp R. seq 8 ack 1001");
    elapse(w, 10);
    assert_int_equal(count_flows(w), 2);
    elapse(w, 119);
    say(w, "10.0.1.3:5000 > 198.51.100.2:80 tcp S seq 1000");
    assert_int_equal(last_sport(w), 5001); /* to whom none answered: no rest */
    refuse(w, "10.0.1.4:6000 > 198.51.100.2:80 tcp S seq 1000");
    elapse(w, 2);
    say(w, "10.0.1.4:6000 > 198.51.100.2:80 tcp S seq 1000");
    assert_int_equal(w->info, CT_NEW);
    END(w);
}

/* T7: an unexpected SYN from outside gets no answer. */
static void t7_no_answer_to_strangers(void **state)
{
    struct world *w = WORLD("profile weir");

    (void)state;
    w->quiet = true;
    say(w, "198.51.100.9:4000 > 198.51.100.1:80 tcp S seq 1");
    say(w, "198.51.100.9:4000 > 198.51.100.1:80 udp 'x'");
    say(w, "198.51.100.9 > 198.51.100.1 proto 99 hex 00");
    assert_int_equal(w->sent, 0);
    say(w, "10.0.1.2:4000 > 10.0.1.1:80 tcp S seq 1"); /* no stranger */
    assert_int_equal(w->sent, 1);
    END(w);
}

/* T9: no host outside gets more bytes back than it sent; here, none. */
static void t9_no_reflection(void **state)
{
    struct world *w = WORLD("profile weir; dnat tcp 198.51.100.1:8080 -> "
                            "10.0.1.2:80");
    static const char flags[] = "FSRP.UEW";

    (void)state;
    w->quiet = true;
    for (unsigned bits = 0; bits < 256; bits++) {
        char set[9] = "";
        unsigned n = 0;

        for (unsigned i = 0; i < 8; i++)
            if (bits >> i & 1)
                set[n++] = flags[i];
        set[n] = '\0';
        sayf(w, "198.51.100.9:%u > 198.51.100.1:80 tcp %s seq 1 len %u",
             1000 + bits, n ? set : "-", bits * 5);
    }
    say(w, "198.51.100.9:99 > 198.51.100.1:443 tcp P. seq 1 "
           "'GET / HTTP/1.1'");
    assert_int_equal(w->sent, 0);
    END(w);
}

/* T12: SYNs that are repeated do not keep an entry alive, so a new rule has
 * its turn. */
static void t12_retries_do_not_hold_an_old_decision(void **state)
{
    struct world *w = WORLD("timeout tcp_syn_sent 10");

    (void)state;
    w->quiet = true;
    for (unsigned t = 0; t <= 16; t++) {
        if (t == 5)
            reload(w, "timeout tcp_syn_sent 10; dnat tcp 198.51.100.2:80 -> "
                      "198.51.100.7:80");
        say(w, C " > " S " tcp S seq 1000");
        assert_int_equal(last_dport(w), 80);
        assert_int_equal(w->last[19], t < 10 ? 2 : 7);
        elapse(w, 1);
    }
    END(w);
}

/* U4: who gets ports one after the other learns nothing about the next: they
 * lie evenly, and a step says nothing about the one behind it. */
static void u4_ports_can_not_be_foreseen(void **state)
{
    enum { DRAWS = 20000, BINS = 64 };
    struct world *w = WORLD("max 32768; buckets 32768; "
                            "postrouting {\"out\":\"wan\",\"masquerade\":"
                            "{\"random\":true}}; masquerade off");
    static uint32_t bin[BINS], turn[BINS];
    double chi = 0, chi_turn = 0;
    uint16_t last = 0;

    (void)state;
    alone(w); /* the table is divided */
    w->quiet = true;
    memset(bin, 0, sizeof bin);
    memset(turn, 0, sizeof turn);
    for (unsigned i = 0; i < DRAWS; i++) {
        uint16_t port;

        sayf(w, "10.0.1.2:%u > 198.51.%u.%u:80 udp", 2000 + i % 60000,
             101 + i / 200, 2 + i % 200);
        port = last_sport(w);
        assert_in_range(port, 1024, 65535);
        bin[(port - 1024u) * BINS / 64512u]++;
        turn[(uint16_t)(port - last) * BINS / 65536u]++;
        last = port;
    }
    for (unsigned i = 0; i < BINS; i++) {
        double e = DRAWS / (double)BINS;

        chi += (bin[i] - e) * (bin[i] - e) / e;
        chi_turn += (turn[i] - e) * (turn[i] - e) / e;
    }
    /* 63 degrees of freedom: above 120 by chance once in 10^5 seeds */
    assert_true(chi < 120);
    assert_true(chi_turn < 120);
    END(w);
}

/* U7: a forward that is changed serves new flows at once, and with on_reload
 * revalidate those that never cease, too; else they keep the old one. */
static void u7_changed_forward(void **state)
{
    static const char *const modes[] = {"keep", "revalidate"};

    (void)state;
    for (unsigned mode = 0; mode < 2; mode++) {
        struct world *w = WORLD("profile weir; timeout udp 2; dnat udp "
                                "198.51.100.1:514 -> 10.0.1.2:514");
        char after[200];

        w->quiet = true;
        say(w, "198.51.100.9:4000 > 198.51.100.1:514 udp 'x'");
        assert_int_equal(w->last[19], 2);
        snprintf(after, sizeof after,
                 "profile weir; on_reload %s; timeout udp 2; dnat udp "
                 "198.51.100.1:514 -> 10.0.1.3:514",
                 modes[mode]);
        reload(w, after);
        for (unsigned i = 0; i < 500; i++) {
            elapse_ms(w, 10);
            say(w, "198.51.100.9:4000 > 198.51.100.1:514 udp 'x'");
            assert_int_equal(w->last[19], 2 + mode);
        }
        say(w, "198.51.100.9:4001 > 198.51.100.1:514 udp 'x'");
        assert_int_equal(w->last[19], 3);
        END(w);
    }
}

/* U8: after a long silence a forward still leads to the same host, twice. */
static void u8_idle_forward(void **state)
{
    struct world *w = WORLD("dnat udp 198.51.100.1:514 -> 10.0.1.2:514");

    (void)state;
    w->quiet = true;
    elapse(w, 60);
    for (unsigned i = 0; i < 2; i++) {
        say(w, "198.51.100.9:4000 > 198.51.100.1:514 udp 'x'");
        assert_int_equal(w->last[19], 2);
        assert_int_equal(last_dport(w), 514);
        elapse_ms(w, 1);
    }
    assert_int_equal(count_flows(w), 1);
    END(w);
}

/* I1: an error must quote what its flow can have sent. */
static void i1_guessed_errors(void **state)
{
    struct world *w = WORLD("profile weir");
    static const uint32_t guessed[] = {0, 2000, 1000000, 0x80000000u};

    (void)state;
    w->quiet = true;
    shake(w);
    for (unsigned i = 0; i < sizeof guessed / sizeof *guessed; i++) {
        char line[200];

        snprintf(line, sizeof line,
                 "192.0.2.9 > 198.51.100.1 icmp 3/1 about {" W " > " S
                 " tcp . seq %u ack 5001} @wan",
                 guessed[i] + 1001 + (i == 0));
        w->sent = 0;
        say(w, line);
        assert_int_equal(w->info, CT_INVALID);
        assert_int_equal(w->sent, 0);
    }
    assert_int_equal(drops_of(w, CT_REASON_ICMP_WINDOW), 4);
    say(w, "192.0.2.9 > 198.51.100.1 icmp 3/4 mtu 1400 about {" W " > " S
           " tcp . seq 1001 ack 5001} @wan");
    assert_int_equal(w->info, CT_RELATED);
    assert_int_equal(w->sent, 1);
    END(w);
}

/* I4: sizes that lie reach the host they are about, and change nothing here:
 * a packet of full size still leaves. */
static void i4_path_mtu_lies(void **state)
{
    struct world *w = WORLD("");
    static const unsigned mtus[] = {0, 67, 68, 65535};

    (void)state;
    w->quiet = true;
    say(w, C " > " S " udp len 1400 df");
    for (unsigned i = 0; i < 4; i++) {
        sayf(w,
             "192.0.2.9 > 198.51.100.1 icmp 3/4 mtu %u about {" W " > " S
             " udp len 1400 df}",
             mtus[i]);
        assert_int_equal(w->info, CT_RELATED);
        say(w, C " > " S " udp len 1400 df");
        assert_int_equal(w->last_len, 1428);
    }
    assert_int_equal(w->sent, 9);
    END(w);
}

/* I5: messages that no host outside has a reason to send. */
static void i5_quench_timestamp_mask(void **state)
{
    struct world *w = WORLD("profile weir");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " udp 'x'");
    w->sent = 0;
    say(w, "192.0.2.9 > 198.51.100.1 icmp 4/0 about {" W " > " S " udp 'x'}");
    say(w, "192.0.2.9 > 198.51.100.1 icmp 5/0 about {" W " > " S " udp 'x'}");
    say(w, "192.0.2.9 > 198.51.100.1 icmp 13/0 len 16");
    say(w, "192.0.2.9 > 198.51.100.1 icmp 17/0 len 8");
    assert_int_equal(w->sent, 0);
    END(w);
}

/* R6: whatever ends a flow, by packet, by hand, by time or by new rules, each
 * entry and mapping that was made is there or was taken away.  rig_check()
 * looks at the sums, and at the end all are gone. */
static void r6_every_entry_is_accounted_for(void **state)
{
    static const char *const rules[] = {
        "", "dnat udp 198.51.100.1:514 -> 10.0.1.2:514", "masquerade 5000-5003",
        "policy forward drop"};
    struct world *w = WORLD("max 64; buckets 64");
    struct rng rng = {6};

    (void)state;
    alone(w); /* ports are divided */
    w->quiet = true;
    for (unsigned i = 0; i < 20000; i++) {
        unsigned host = 2 + hash_rng_below(&rng, 200),
                 what = hash_rng_below(&rng, 64);
        const char *wrong;
        struct ct_view v;

        if (what < 40)
            sayf(w, "10.0.1.%u:%u > 198.51.100.2:80 %s", host,
                 4000 + hash_rng_below(&rng, 4),
                 hash_rng_below(&rng, 2) ? "udp 'x'" : "tcp S seq 1");
        else if (what < 50)
            sayf(w, "198.51.100.2:80 > 198.51.100.1:%u %s",
                 4000 + hash_rng_below(&rng, 8),
                 hash_rng_below(&rng, 2) ? "udp 'y'" : "tcp R. seq 0 ack 2");
        else if (what < 58)
            elapse_ms(w, hash_rng_below(&rng, 20000));
        else if (what < 62 &&
                 ct_read(w->rig.ct, hash_rng_below(&rng, 64), w->rig.now, &v))
            assert_true(ct_delete(w->rig.ct, v.slot, v.gen));
        else if (what == 62)
            reload(w, rules[hash_rng_below(&rng, 4)]);
        else if (hash_rng_below(&rng, 8) == 0)
            ct_flush(w->rig.ct);
        if ((wrong = rig_check(&w->rig)))
            fail_msg("step %u: %s", i, wrong);
    }
    ct_flush(w->rig.ct);
    assert_int_equal(stat_of(w, CT_STAT_entries), 0);
    assert_int_equal(stat_of(w, CT_STAT_mappings), 0);
    assert_true(stat_of(w, CT_STAT_created) > 1000);
    END(w);
}

/* G1: what protocols with addresses in their payload say is not looked at
 * unless a rule names a helper: the bytes stay, no entry is made, and nothing
 * comes in by the port that was announced. */
static void g1_payload_is_not_ours(void **state)
{
    static const struct {
        unsigned port;
        const char *text;
    } says[] = {
        {21, "PORT 10,0,1,2,19,137"},
        {21, "EPRT |1|10.0.1.2|5001|"},
        {5060, "REGISTER sip:x SIP/2.0 Contact: <sip:a@10.0.1.2:5001>"},
        {6667, "PRIVMSG x :DCC SEND f 167772418 5001 10"},
        {554, "SETUP rtsp://x RTSP/1.0 Transport: client_port=5001-5002"},
        {1723, "OUTGOING CALL 5001"},
        {1720, "SETUP 10.0.1.2 5001"},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof says / sizeof *says; i++) {
        size_t n = strlen(says[i].text);

        for (size_t cut = 0; cut <= n; cut++) {
            struct world *w = WORLD("profile weir");
            char end[40];

            w->quiet = true;
            snprintf(end, sizeof end, "198.51.100.2:%u", says[i].port);
            sayf(w, "10.0.1.2:4000 > %s tcp S seq 1000", end);
            sayf(w, "%s > 198.51.100.1:4000 tcp S. seq 5000 ack 1001", end);
            sayf(w, "10.0.1.2:4000 > %s tcp . seq 1001 ack 5001", end);
            sayf(w, "10.0.1.2:4000 > %s tcp P. seq 1001 ack 5001 '%.*s' @lan",
                 end, (int)cut, says[i].text);
            assert_memory_equal(w->last + 40, says[i].text, cut);
            sayf(w, "10.0.1.2:4000 > %s tcp P. seq %zu ack 5001 '%s' @lan", end,
                 1001 + cut, says[i].text + cut);
            assert_memory_equal(w->last + 40, says[i].text + cut, n - cut);
            assert_int_equal(count_flows(w), 1);
            w->sent = 0;
            say(w, "198.51.100.2:20 > 198.51.100.1:5001 tcp S seq 1");
            assert_int_equal(w->sent, 0);
            END(w);
        }
    }
}

/* U6: what strangers ask of closed ports leaves nothing behind, so that no
 * number of forged sources takes the inside's entries; what is answered does.
 */
static void u6_strangers_unanswered(void **state)
{
    struct world *w = WORLD("profile weir; max 1024; buckets 1024");

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < 300; i++)
        sayf(w, "10.0.1.%u:%u > 198.51.100.2:53 udp 'q'", 2 + i % 50, 5000 + i);
    assert_int_equal(count_flows(w), 300);
    for (unsigned i = 0; i < 4096; i++) {
        sayf(w, "203.%u.%u.1:%u > 198.51.100.1:22 %s @wan", i >> 8, i & 255,
             1024 + i, i % 2 ? "udp 'x'" : "tcp S seq 1");
        assert_int_equal(w->info, CT_NEW);
    }
    assert_int_equal(count_flows(w), 300);
    assert_int_equal(stat_of(w, CT_STAT_early_drop), 0);
    say(w, "203.0.113.1 > 198.51.100.1 icmp echo id 7 seq 1 @wan");
    assert_int_equal(count_flows(w), 301);
    say(w, "10.0.1.2:4000 > 10.0.1.1:22 udp 'x'"); /* it is told so */
    assert_int_equal(count_flows(w), 302);
    END(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(u6_strangers_unanswered),
        STORY(s1_inside_source_from_outside),
        STORY(s2_foreign_source_from_inside),
        STORY(s3_no_unasked_way_in),
        STORY(s4_forwards_own_their_port),
        STORY(s6_hairpin),
        STORY(t2_ports_rest_after_their_flow),
        STORY(t7_no_answer_to_strangers),
        STORY(t9_no_reflection),
        STORY(t12_retries_do_not_hold_an_old_decision),
        STORY(u4_ports_can_not_be_foreseen),
        STORY(u7_changed_forward),
        STORY(u8_idle_forward),
        STORY(i1_guessed_errors),
        STORY(i4_path_mtu_lies),
        STORY(i5_quench_timestamp_mask),
        STORY(r6_every_entry_is_accounted_for),
        STORY(g1_payload_is_not_ours),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
