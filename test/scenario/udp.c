/* udp.c - UDP conversations (Linux nf_conntrack_proto_udp.c, RFC 4787) */
#include "world.h"

#include <stdio.h>

#define C    "10.0.1.2:4000"
#define S    "198.51.100.2:53"
#define W    "198.51.100.1:4000"
#define FLOW " " C " > " S " / " S " > " W " "

/* Linux nf_conntrack_proto_udp.c: 30 s until packets flow both ways for more
 * than 2 s. */
static void linux_two_stages(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " udp 'a'");
    FLOWS(w, "udp 30" FLOW "UNREPLIED\n");
    say(w, S " > " W " udp 'b'");
    FLOWS(w, "udp 30" FLOW "-\n");
    elapse_ms(w, 1999);
    say(w, C " > " S " udp 'c'");
    FLOWS(w, "udp 30" FLOW "-\n");
    elapse_ms(w, 1001);
    say(w, C " > " S " udp 'd'");
    FLOWS(w, "udp 120" FLOW "ASSURED\n");
    w->quiet = false;
    elapse(w, 119);
    TRACE(w, "");
    elapse(w, 1);
    TRACE(w, "[123] DESTROY udp " C " > " S "\n");
    END(w);
}

/* Linux nf_conntrack_proto_udp.c: the first answer at 3 s still gets 30, the
 * next packet 120. */
static void linux_late_first_answer(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " udp 'a'");
    elapse(w, 3);
    say(w, S " > " W " udp 'b'");
    FLOWS(w, "udp 30" FLOW "-\n");
    say(w, C " > " S " udp 'c'");
    FLOWS(w, "udp 120" FLOW "ASSURED\n");
    END(w);
}

/* RFC 4787 REQ-6: what goes out renews the mapping. */
static void rfc4787_req6_outbound_refresh(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        w->quiet = true;
        say(w, C " > " S " udp 'a'");
        w->quiet = false;
        elapse(w, 29);
        TRACE(w, "");
    }
    elapse(w, 1);
    TRACE(w, "[117] DESTROY udp " C " > " S "\n");
    END(w);
}

/* RFC 4787 REQ-8 as netfilter filters: address and port dependent.  A stranger
 * neither passes nor renews (U3). */
static void u3_stranger_is_not_let_in(void **state)
{
    struct world *w = WORLD("policy input drop");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " udp 'a'");
    elapse(w, 10);
    w->quiet = false;
    TRACE(w, "");
    say(w, "198.51.100.3:53 > " W " udp 'x'");
    say(w, "198.51.100.2:54 > " W " udp 'x'");
    TRACE(w, "[ 10] 198.51.100.3:53 > " W " udp: NEW\n"
             "      drop policy\n"
             "[ 10] 198.51.100.2:54 > " W " udp: NEW\n"
             "      drop policy\n");
    FLOWS(w, "udp 20" FLOW "UNREPLIED\n");
    END(w);
}

/* U1: two datagrams of one socket at once: one entry, both pass. */
static void u1_no_insert_race(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < 2000; i++) {
        char a[80], aaaa[80];

        snprintf(a, sizeof a, "10.0.1.2:%u > " S " udp 'A'", 4000 + i);
        snprintf(aaaa, sizeof aaaa, "10.0.1.2:%u > " S " udp 'AAAA'", 4000 + i);
        if (i % 2) { /* each in a batch of its own */
            say(w, a);
            say(w, aaaa);
        } else {
            say_together(w, a, aaaa);
        }
    }
    assert_int_equal(count_flows(w), 2000);
    assert_int_equal(w->sent, 4000);
    assert_int_equal(stat_of(w, CT_STAT_insert_failed), 0);
    END(w);
}

/* U2: both send first, without NAT between them: one flow, ports unchanged. */
static void u2_both_send_first(void **state)
{
    struct world *w = WORLD("masquerade off");

    (void)state;
    say(w, "10.0.1.2:500 > 198.51.100.2:500 udp 'a'");
    say(w, "198.51.100.2:500 > 10.0.1.2:500 udp 'b'");
    TRACE(w, "[  0] 10.0.1.2:500 > 198.51.100.2:500 udp: NEW\n"
             "      out wan 10.0.1.2:500 > 198.51.100.2:500 udp\n"
             "[  0] 198.51.100.2:500 > 10.0.1.2:500 udp: ESTABLISHED\n"
             "      out lan 198.51.100.2:500 > 10.0.1.2:500 udp\n");
    assert_int_equal(count_flows(w), 1);
    END(w);
    w = WORLD("masquerade off");
    w->quiet = true;
    say_together(w, "10.0.1.2:500 > 198.51.100.2:500 udp 'a'",
                 "198.51.100.2:500 > 10.0.1.2:500 udp 'b'");
    assert_int_equal(w->sent, 2);
    FLOWS(w, "udp 30 10.0.1.2:500 > 198.51.100.2:500 / 198.51.100.2:500 > "
             "10.0.1.2:500 -\n");
    END(w);
}

/* P13: no checksum stays none, a wrong one stays wrong, and partial ones fit
 * their new addresses; IPv6 may not go without. */
static void p13_checksums_stay_what_they_are(void **state)
{
    struct world *w = WORLD("tune checksum 0");

    (void)state;
    w->full = true;
    say(w, C " > " S " udp 'a' nosum");
    TRACE(w, "[  0] " C " > " S " udp: NEW\n"
             "      out wan " W " > " S " udp ttl 63 len 1 nosum\n");
    say(w, C " > " S " udp 'a' badsum");
    TRACE(w, "[  0] " C " > " S " udp: NEW\n"
             "      out wan " W " > " S " udp ttl 63 len 1 badsum\n");
    say(w, C " > " S " udp len 100 partial");
    TRACE(w, "[  0] " C " > " S " udp: NEW\n"
             "      out wan " W " > " S " udp ttl 63 len 100 partial\n");
    END(w);
}

/* P13: IPv6 may not go without a checksum (RFC 8200), but as the kernel has
 * it. */
static void p13_ipv6_without_checksum(void **state)
{
    static const char *const profiles[] = {"profile linux", "profile weir",
                                           "profile rfc"};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct world *w = WORLD(profiles[i]);

        say(w, "[fd00:1::2]:4000 > [2001:db8::2]:53 udp 'a' nosum");
        assert_int_equal(w->sent, i == 0);
        assert_int_equal(count_flows(w), i == 0);
        if (i == 0)
            assert_int_equal(w->last[46] | w->last[47], 0);
        END(w);
    }
}

/* Linux nf_conntrack_proto_udp.c: checksum, length; port 0 is legal. */
static void linux_what_is_invalid(void **state)
{
    struct world *w = WORLD("");
    uint8_t p[64] = {0x45, 0,   0,  29,  0, 0, 0, 0, 64, 17, 0, 0, 10, 0,  1,
                     2,    198, 51, 100, 2, 1, 2, 3, 4,  0,  7, 0, 0,  'x'};

    (void)state;
    say(w, C " > " S " udp 'a' badsum");
    TRACE(w, "[  0] " C " > " S " udp: INVALID l4_bad_checksum\n"
             "      drop untranslated\n");
    say(w, "10.0.1.2:0 > " S " udp 'a'");
    TRACE(w, "[  0] 10.0.1.2:0 > " S " udp: NEW\n"
             "      out wan 198.51.100.1:0 > " S " udp\n");
    p[10] = 0xac; /* the header's own checksum */
    p[11] = 0x8a;
    w->quiet = true;
    say_bytes(w, p, 29, 0);
    assert_int_equal(w->sent, 1);
    END(w);
}

/* RFC 4787 over IPv6, hidden the same way. */
static void linux_masquerade66(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    say(w, "[fd00:1::2]:4000 > [2001:db8::2]:53 udp 'a'");
    say(w, "[2001:db8::2]:53 > [2001:db8::1]:4000 udp 'b'");
    TRACE(w, "[  0] [fd00:1::2]:4000 > [2001:db8::2]:53 udp: NEW\n"
             "      out wan [2001:db8::1]:4000 > [2001:db8::2]:53 udp\n"
             "[  0] [2001:db8::2]:53 > [2001:db8::1]:4000 udp: ESTABLISHED\n"
             "      out lan [2001:db8::2]:53 > [fd00:1::2]:4000 udp\n");
    END(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(linux_two_stages),
        STORY(linux_late_first_answer),
        STORY(rfc4787_req6_outbound_refresh),
        STORY(u3_stranger_is_not_let_in),
        STORY(u1_no_insert_race),
        STORY(u2_both_send_first),
        STORY(p13_checksums_stay_what_they_are),
        STORY(p13_ipv6_without_checksum),
        STORY(linux_what_is_invalid),
        STORY(linux_masquerade66),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
