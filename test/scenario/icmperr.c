/* icmperr.c - errors about flows (Linux nf_conntrack_proto_icmp.c,
 * nf_nat_icmp_reply_translation(), RFC 5508) */
#include "world.h"

#include "bytes.h"

#define C "10.0.1.2:4000"
#define S "198.51.100.2:80"
#define W "198.51.100.1:4000"

/* RFC 5508 REQ-4, I3: an error from outside, from a router on the way, comes in
 * with the quotation as the inside host knows it. */
static void rfc5508_req4_from_outside(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    say(w, C " > " S " udp 'a'");
    say(w, "192.0.2.9 > 198.51.100.1 icmp 3/3 about {" W " > " S " udp 'a'}");
    TRACE(w, "[  0] " C " > " S " udp: NEW\n"
             "      out wan " W " > " S " udp\n"
             "[  0] 192.0.2.9 > 198.51.100.1 icmp 3/3: RELATED\n"
             "      out lan 192.0.2.9 > 10.0.1.2 icmp 3/3 ttl 63 about {" C
             " > " S " udp}\n");
    say(w, C " > " S " tcp S seq 77");
    say(w, "192.0.2.9 > 198.51.100.1 icmp 11/0 about {" W " > " S
           " tcp S seq 77} quote 8");
    TRACE(w, "[  0] " C " > " S " tcp S: NEW\n"
             "      out wan " W " > " S " tcp S\n"
             "[  0] 192.0.2.9 > 198.51.100.1 icmp 11/0: RELATED\n"
             "      out lan 192.0.2.9 > 10.0.1.2 icmp 11/0 ttl 63 about {" C
             " > " S " tcp - seq 77}\n");
    END(w);
}

/* What profile weir asks of a quotation is about TCP's numbers only: of all
 * else an error is as right as in any profile. */
static void errors_of_all_protocols_in_profile_weir(void **state)
{
    static const char *const flows[] = {
        "udp 'a'", "udplite 'a'", "sctp INIT vtag 0 itag 9", "tcp S seq 77"};
    struct world *w = WORLD("profile weir");

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < 4; i++) {
        sayf(w, C " > " S " %s", flows[i]);
        sayf(w, "192.0.2.9 > 198.51.100.1 icmp 3/1 about {" W " > " S " %s}",
             flows[i]);
        assert_int_equal(w->info, CT_RELATED);
    }
    say(w, "10.0.1.2 > 198.51.100.2 icmp echo id 7 seq 1");
    say(w, "192.0.2.9 > 198.51.100.1 icmp 3/1 about {198.51.100.1 > "
           "198.51.100.2 icmp echo id 7 seq 1}");
    assert_int_equal(w->info, CT_RELATED);
    assert_int_equal(w->sent, 10);
    /* 4 of ICMPv6 is no quench: a header can't be read */
    say(w, "[fd00:1::2]:4000 > [2001:db8::2]:80 udp 'a'");
    say(w, "2001:db8::9 > 2001:db8::1 icmp 4/1 about "
           "{[2001:db8::1]:4000 > [2001:db8::2]:80 udp 'a'}");
    assert_int_equal(w->info, CT_RELATED);
    END(w);
}

/* In profile weir, errors that hosts should no longer send belong to no flow
 * (RFC 6633, RFC 1812 section 5.2.7.2). */
static void redirects_and_quench_in_profile_weir(void **state)
{
    static const char *const kinds[] = {"5/1", "4/0"};
    static const enum ct_info want[] = {CT_RELATED, CT_INVALID};

    (void)state;
    for (unsigned weir = 0; weir < 2; weir++) {
        struct world *w =
            WORLD(weir ? "masquerade off; profile weir" : "masquerade off");

        w->quiet = true;
        say(w, C " > " S " udp 'a'");
        for (unsigned i = 0; i < 2; i++) {
            sayf(w,
                 "192.0.2.9 > 10.0.1.2 icmp %s about {" C " > " S " udp 'a'}",
                 kinds[i]);
            assert_int_equal(w->info, want[weir]);
        }
        END(w);
    }
}

/* Such an error about a translated flow is not sent on as it came either. */
static void refused_errors_do_not_pass_untranslated(void **state)
{
    struct world *w =
        WORLD("profile weir; masquerade off; dnat udp 203.0.113.8:514 -> "
              "10.0.1.2:514");

    (void)state;
    w->quiet = true;
    say(w, "198.51.100.7:999 > 203.0.113.8:514 udp 'a'");
    assert_int_equal(w->sent, 1);
    say(w, "192.0.2.9 > 203.0.113.8 icmp 4/0 about {203.0.113.8:514 > "
           "198.51.100.7:999 udp 'a'}");
    assert_int_equal(w->info, CT_INVALID);
    assert_int_equal(w->sent, 1);
    assert_int_equal(w->why, CT_REASON_UNTRANSLATED);
    END(w);
}

/* A tenant's error about what came in by a forward bears his zone; the flow's
 * answers have another one. */
static void an_error_from_a_zone_finds_its_flow(void **state)
{
    struct world *w = WORLD("prerouting {\"in\":\"lan\",\"set_zone_orig\":1}; "
                            "dnat udp 198.51.100.1:514 -> 10.0.1.2:514");

    (void)state;
    w->quiet = true;
    say(w, "198.51.100.7:999 > 198.51.100.1:514 udp 'a'");
    say(w, "10.0.1.2 > 198.51.100.7 icmp 3/3 about {198.51.100.7:999 > "
           "10.0.1.2:514 udp 'a'}");
    assert_int_equal(w->info, CT_RELATED);
    assert_int_equal(w->last[12], 198); /* translated */
    END(w);
}

/* The mark of a flow is that of errors about it, and the other way round. */
static void an_error_bears_its_flows_mark(void **state)
{
    struct world *w = WORLD(
        "prerouting {\"in\":\"lan\",\"ct_state\":\"new\",\"set_mark\":7}; "
        "forward {\"ct_state\":\"related\",\"mark\":\"!7\",\"verdict\":"
        "\"drop\"}; postrouting {\"ct_state\":\"related\",\"set_mark\":9}; "
        "forward {\"ct_state\":\"new\",\"mark\":9,\"verdict\":\"drop\"}");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " udp 'a'");
    say(w, "192.0.2.9 > 198.51.100.1 icmp 3/3 about {" W " > " S " udp 'a'}");
    assert_int_equal(w->sent, 2);
    say(w, "192.0.2.9 > 198.51.100.1 icmp 3/3 about {" W " > " S " udp 'a'}");
    assert_int_equal(w->sent, 2); /* 9 by now */
    assert_int_equal(w->why, CT_REASON_RULE);
    END(w);
}

/* About a query: the id comes back as the inside host chose it. */
static void rfc5508_req4_about_a_query(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    w->quiet = true;
    say(w, "10.0.1.2 > 198.51.100.2 icmp echo id 7 seq 1");
    say(w, "10.0.1.3 > 198.51.100.2 icmp echo id 7 seq 1");
    w->quiet = false;
    TRACE(w, "");
    sayf(w,
         "192.0.2.9 > 198.51.100.1 icmp 11/0 about {198.51.100.1 > "
         "198.51.100.2 icmp echo id %u seq 1}",
         bytes_get16(w->last + 24));
    TRACE(w, "[  0] 192.0.2.9 > 198.51.100.1 icmp 11/0: RELATED\n"
             "      out lan 192.0.2.9 > 10.0.1.3 icmp 11/0 ttl 63 about "
             "{10.0.1.3 > 198.51.100.2 icmp echo id 7 seq 1}\n");
    END(w);
}

/* RFC 5508 REQ-5: an error from inside leaves with the outside address,
 * whichever host inside sends it. */
static void rfc5508_req5_from_inside(void **state)
{
    struct world *w = WORLD("dnat udp 198.51.100.1:53 -> 10.0.1.2:5353");

    (void)state;
    say(w, "198.51.100.7:9 > 198.51.100.1:53 udp 'q'");
    say(w, "10.0.1.2 > 198.51.100.7 icmp 3/3 about "
           "{198.51.100.7:9 > 10.0.1.2:5353 udp 'q'}");
    say(w, "10.0.1.254 > 198.51.100.7 icmp 11/0 about "
           "{198.51.100.7:9 > 10.0.1.2:5353 udp 'q'}");
    TRACE(w, "[  0] 198.51.100.7:9 > 198.51.100.1:53 udp: NEW\n"
             "      out lan 198.51.100.7:9 > 10.0.1.2:5353 udp\n"
             "[  0] 10.0.1.2 > 198.51.100.7 icmp 3/3: RELATED\n"
             "      out wan 198.51.100.1 > 198.51.100.7 icmp 3/3 ttl 63 about "
             "{198.51.100.7:9 > 198.51.100.1:53 udp}\n"
             "[  0] 10.0.1.254 > 198.51.100.7 icmp 11/0: RELATED\n"
             "      out wan 198.51.100.1 > 198.51.100.7 icmp 11/0 ttl 63 about "
             "{198.51.100.7:9 > 198.51.100.1:53 udp}\n");
    END(w);
}

/* An answer of a masqueraded flow that the inside host refuses. */
static void rfc5508_req5_about_an_answer(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " udp 'a'");
    say(w, S " > " W " udp 'b'");
    w->quiet = false;
    TRACE(w, "");
    say(w, "10.0.1.2 > 198.51.100.2 icmp 3/3 about {" S " > " C " udp 'b'}");
    TRACE(w, "[  0] 10.0.1.2 > 198.51.100.2 icmp 3/3: RELATED\n"
             "      out wan 198.51.100.1 > 198.51.100.2 icmp 3/3 ttl 63 about "
             "{" S " > " W " udp}\n");
    END(w);
}

static void linux_icmpv6_errors(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    w->quiet = true;
    say(w, "[fd00:1::2]:4000 > [2001:db8::2]:80 tcp S seq 5");
    w->quiet = false;
    TRACE(w, "");
    say(w, "2001:db8::9 > 2001:db8::1 icmp 2/0 mtu 1280 about "
           "{[2001:db8::1]:4000 > [2001:db8::2]:80 tcp S seq 5}");
    TRACE(w, "[  0] 2001:db8::9 > 2001:db8::1 icmp 2/0: RELATED\n"
             "      out lan 2001:db8::9 > fd00:1::2 icmp 2/0 ttl 63 mtu 1280 "
             "about {[fd00:1::2]:4000 > [2001:db8::2]:80 tcp S seq 5}\n");
    END(w);
}

/* I1: errors neither refresh nor delete, and do not count as an answer. */
static void i1_errors_change_no_flow(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " udp 'a'");
    elapse(w, 10);
    for (unsigned code = 0; code < 6; code++)
        sayf(w,
             "192.0.2.9 > 198.51.100.1 icmp 3/%u about {" W " > " S " udp 'a'}",
             code);
    assert_int_equal(w->info, CT_RELATED);
    FLOWS(w, "udp 20 " C " > " S " / " S " > " W " UNREPLIED\n");
    END(w);
}

/* I1: about nothing that is known; Linux nf_conntrack_proto_icmp.c: counted as
 * icmp_error. */
static void i1_unknown_flow(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    say(w, "192.0.2.9 > 198.51.100.1 icmp 3/3 about {" W " > " S " udp 'a'}");
    TRACE(w, "[  0] 192.0.2.9 > 198.51.100.1 icmp 3/3: INVALID "
             "icmp_unrelated\n");
    assert_int_equal(stat_of(w, CT_STAT_icmp_error), 1);
    assert_int_equal(stat_of(w, CT_STAT_invalid), 0);
    assert_int_equal(count_flows(w), 0);
    END(w);
}

/* Linux nf_conntrack_proto_icmp.c, anti-spoof: to another address than the
 * flow's own. */
static void linux_spoofed_errors(void **state)
{
    struct world *w = WORLD("outside 198.51.100.1/24,198.51.100.77/24");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " udp 'a'");
    w->quiet = false;
    TRACE(w, "");
    say(w, "192.0.2.9 > 198.51.100.77 icmp 3/3 about {" W " > " S " udp 'a'}");
    TRACE(w, "[  0] 192.0.2.9 > 198.51.100.77 icmp 3/3: INVALID "
             "icmp_spoofed\n");
    END(w);
}

/* RFC 5508 REQ-3: a wrong checksum, outside or in the quoted header; I2: a
 * quotation that is cut. */
static void rfc5508_req3_bad_errors_do_not_pass(void **state)
{
    struct world *w = WORLD("");
    static const char *const bad[] = {
        "192.0.2.9 > 198.51.100.1 icmp 3/3 about {" W " > " S
        " udp 'a'} badsum",
        "192.0.2.9 > 198.51.100.1 icmp 3/3 about {" W " > " S
        " udp 'a'} quote 4",
        "192.0.2.9 > 198.51.100.1 icmp 3/3 about {" W " > " S
        " udp 'a'} quote 0",
        "192.0.2.9 > 198.51.100.1 icmp 3/3 hex 45000000",
        "192.0.2.9 > 198.51.100.1 icmp 3/3 about {" W " > " S
        " udp frag 800 'a'}",
        "192.0.2.9 > 198.51.100.1 icmp 3/3 about {192.0.2.9 > 198.51.100.1 "
        "icmp 3/3 about {" W " > " S " udp}}",
    };

    (void)state;
    w->quiet = true;
    say(w, C " > " S " udp 'a'");
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        say(w, bad[i]);
        if (w->sent != 1)
            fail_msg("passed: %s", bad[i]);
    }
    END(w);
}

/* Linux nf_nat_icmp_reply_translation(), I5: a redirect about a translated
 * flow is dropped. */
static void i5_redirect_is_dropped(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " udp 'a'");
    w->quiet = false;
    TRACE(w, "");
    say(w, "192.0.2.9 > 198.51.100.1 icmp 5/1 about {" W " > " S " udp 'a'}");
    TRACE(w, "[  0] 192.0.2.9 > 198.51.100.1 icmp 5/1: RELATED\n"
             "      drop nat_inner\n");
    END(w);
}

/* P14: TTL used up: the sender is told about its own packet, nothing is
 * forwarded and nothing remembered. */
static void rfc1812_ttl_exceeded(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    say(w, C " > " S " udp ttl 1 'a'");
    TRACE(w, "[  0] " C " > " S " udp: NEW\n"
             "      out lan 10.0.1.1 > 10.0.1.2 icmp 11/0 tos 192 df about {" C
             " > " S " udp}\n"
             "      drop ttl\n");
    say(w, "[fd00:1::2]:1 > [2001:db8::2]:2 udp ttl 1 'a'");
    TRACE(w, "[  0] [fd00:1::2]:1 > [2001:db8::2]:2 udp: NEW\n"
             "      out lan fd00:1::1 > fd00:1::2 icmp 3/0 about "
             "{[fd00:1::2]:1 > [2001:db8::2]:2 udp}\n"
             "      drop ttl\n");
    FLOWS(w, "");
    END(w);
}

/* Linux nf_nat_icmp_reply_translation(): the router's error about an answer
 * bears the outside view. */
static void linux_own_error_about_an_answer(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " udp 'a'");
    w->quiet = false;
    TRACE(w, "");
    say(w, S " > " W " udp ttl 1 'b'");
    TRACE(w, "[  0] " S " > " W " udp: ESTABLISHED\n"
             "      out wan 198.51.100.1 > 198.51.100.2 icmp 11/0 tos 192 df "
             "about {" S " > " W " udp}\n"
             "      drop ttl\n");
    END(w);
}

/* RFC 4787 REQ-13, I4: DF and too large: the sender learns the next MTU. */
static void rfc4787_req13_path_mtu(void **state)
{
    struct world *w = WORLD("mtu wan 1280");

    (void)state;
    say(w, C " > " S " udp df len 1300");
    TRACE(w, "[  0] " C " > " S " udp: NEW\n"
             "      out lan 10.0.1.1 > 10.0.1.2 icmp 3/4 tos 192 df mtu 1280 "
             "about {" C " > " S " udp}\n"
             "      drop too_big\n");
    say(w, "[fd00:1::2]:1 > [2001:db8::2]:2 udp len 1300");
    TRACE(w, "[  0] [fd00:1::2]:1 > [2001:db8::2]:2 udp: NEW\n"
             "      out lan fd00:1::1 > fd00:1::2 icmp 2/0 mtu 1280 about "
             "{[fd00:1::2]:1 > [2001:db8::2]:2 udp}\n"
             "      drop too_big\n");
    FLOWS(w, "");
    END(w);
}

/* RFC 4787 REQ-13a: without DF it is cut, in order. */
static void rfc4787_req13a_fragments(void **state)
{
    struct world *w = WORLD("mtu wan 1280");

    (void)state;
    w->full = true;
    say(w, C " > " S " udp ipid 5 len 1300");
    assert_int_equal(w->sent, 2);
    assert_int_equal(stat_of(w, CT_STAT_forwarded), 1);
    assert_int_equal(count_flows(w), 1);
    END(w);
}

/* T10: one source that asks for many errors does not silence another's. */
static void t10_error_limit_is_per_receiver(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < 1000; i++)
        sayf(w, "10.0.1.66:%u > " S " udp ttl 1", 1000 + i);
    assert_true(w->sent < 100);
    assert_int_equal(stat_of(w, CT_STAT_error_limited), 1000 - w->sent);
    w->sent = 0;
    say(w, "10.0.1.67:1 > " S " udp ttl 1");
    assert_int_equal(w->sent, 1);
    END(w);
}

/* RFC 1812 4.3.2.8: however many strangers ask, each once, few are answered;
 * what they use up is not the inside's, and a path's MTU is told all the same.
 */
static void t10_error_limit_over_all_receivers(void **state)
{
    struct world *w = WORLD("mtu wan 1280");
    uint64_t limited;

    (void)state;
    alone(w);
    w->quiet = true;
    for (unsigned i = 0; i < 3000; i++)
        sayf(w, "203.0.%u.%u:%u > 198.51.100.1:9 udp @wan", 1 + i / 250,
             1 + i % 250, 1000 + i);
    assert_true(w->sent >= 10 && w->sent < 150);
    limited = stat_of(w, CT_STAT_error_limited);
    assert_int_equal(limited, 3000 - w->sent);
    w->sent = 0;
    say(w, "10.0.1.67:1 > " S " udp ttl 1");
    assert_int_equal(w->sent, 1);
    say(w, "10.0.1.67:1 > " S " udp df len 1400");
    assert_int_equal(w->sent, 2);
    END(w);
}

/* A side that has used up its errors is told the path's MTU still. */
static void the_mtu_is_told_beyond_the_total(void **state)
{
    struct world *w = WORLD("mtu wan 1280");

    (void)state;
    alone(w);
    w->quiet = true;
    for (unsigned i = 2; i < 200; i++)
        sayf(w, "10.0.1.%u:1 > " S " udp ttl 1", i);
    assert_true(w->sent < 198); /* the total is used up */
    w->sent = 0;
    say(w, "10.0.1.201:1 > " S " udp ttl 1");
    assert_int_equal(w->sent, 0);
    say(w, "10.0.1.202:1 > " S " udp df len 1400");
    assert_int_equal(w->sent, 1);
    END(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(rfc5508_req4_from_outside),
        STORY(the_mtu_is_told_beyond_the_total),
        STORY(errors_of_all_protocols_in_profile_weir),
        STORY(redirects_and_quench_in_profile_weir),
        STORY(refused_errors_do_not_pass_untranslated),
        STORY(an_error_from_a_zone_finds_its_flow),
        STORY(an_error_bears_its_flows_mark),
        STORY(rfc5508_req4_about_a_query),
        STORY(rfc5508_req5_from_inside),
        STORY(rfc5508_req5_about_an_answer),
        STORY(linux_icmpv6_errors),
        STORY(i1_errors_change_no_flow),
        STORY(i1_unknown_flow),
        STORY(linux_spoofed_errors),
        STORY(rfc5508_req3_bad_errors_do_not_pass),
        STORY(i5_redirect_is_dropped),
        STORY(rfc1812_ttl_exceeded),
        STORY(linux_own_error_about_an_answer),
        STORY(rfc4787_req13_path_mtu),
        STORY(rfc4787_req13a_fragments),
        STORY(t10_error_limit_is_per_receiver),
        STORY(t10_error_limit_over_all_receivers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
