/* reply_silence.c - about which packets the router says nothing, and that
 * it counts why */
#include "reply_rig.h"

#include "bytes.h"

static void no_error_may_be_sent(void **state)
{
    static const struct {
        const char *what, *about;
    } cases[] = {
        {"about an error", "10.0.0.7 > 8.8.8.8 icmp 3/1 about {8.8.8.8:53 > "
                           "10.0.0.7:4000 udp 'me'}"},
        {"about a redirect", "10.0.0.7 > 8.8.8.8 icmp 5/1 about {8.8.8.8:53 > "
                             "10.0.0.7:4000 udp 'me'}"},
        {"about an unknown type", "10.0.0.7 > 8.8.8.8 icmp 44/0"},
        {"about a type since forgotten", "10.0.0.7 > 8.8.8.8 icmp 30/0"},
        {"about router discovery", "10.0.0.7 > 8.8.8.8 icmp 9/0"},
        {"about an extended echo", "10.0.0.7 > 8.8.8.8 icmp 42/0 id 7"},
        {"about an IPv6 error", "2001:db8::7 > 2a00::8 icmp 1/4 about "
                                "{[2a00::8]:53 > [2001:db8::7]:4000 udp}"},
        {"about an unknown IPv6 error", "2001:db8::7 > 2a00::8 icmp 100/0"},
        {"about an IPv6 redirect", "2001:db8::7 > 2a00::8 icmp 137/0 len 32"},
    };
    union ct_addr v4 = addr("10.0.0.1"), v6 = addr("2001:db8::1");

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        arrive(cases[i].about);
        clear(&out);
        if (ct_reply_error(&core, &in.pkt, 1, 1, 0,
                           in.pkt.tuple.family == CT_IPV4 ? &v4 : &v6,
                           &out.pkt))
            fail_msg("%s", cases[i].what);
        assert_int_equal(counted(), CT_STAT_error_of_error);
    }
}

/* A rule's reject is about packets that are whole: RFC 1122 s4.1.3.4, s4.2.2.7.
 * Other errors are about headers that IP itself can judge. */
static void damaged_packets_are_not_rejected_aloud(void **state)
{
    static const struct {
        const char *about;
        bool damaged;
    } cases[] = {
        {"10.0.0.7:4 > 8.8.8.8:80 tcp S seq 1 badsum", true},
        {"10.0.0.7:4 > 8.8.8.8:80 tcp S seq 1", false},
        {"10.0.0.7:4 > 8.8.8.8:80 tcp S seq 1 partial", false},
        {"10.0.0.7 > 8.8.8.8 proto 6 hex 00040050", true},
        {"10.0.0.7:4 > 8.8.8.8:53 udp 'who' badsum", true},
        {"10.0.0.7:4 > 8.8.8.8:53 udp 'who' nosum", false},
        {"10.0.0.7 > 8.8.8.8 proto 17 hex 00040035", true},
        {"10.0.0.7 > 8.8.8.8 icmp echo id 7 badsum", true},
        {"10.0.0.7 > 8.8.8.8 proto 99 hex 01020304", false},
        {"[2001:db8::7]:4 > [2a00::8]:80 tcp S seq 1 badsum", true},
        {"[2001:db8::7]:4 > [2a00::8]:53 udp 'who' badsum", true},
        {"[2001:db8::7]:4 > [2a00::8]:53 udp 'who' nosum", false},
        {"2001:db8::7 > 2a00::8 icmp echo id 7 badsum", true},
    };
    union ct_addr v4 = addr("10.0.0.1"), v6 = addr("2001:db8::1");

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum ct_stat want_count =
            cases[i].damaged ? CT_STAT_error_of_damaged : CT_N_STATS;
        const union ct_addr *own;

        arrive(cases[i].about);
        in.pkt.csum_partial = strstr(cases[i].about, "partial") != NULL;
        own = in.pkt.tuple.family == CT_IPV4 ? &v4 : &v6;
        in.pkt.tell = true;
        clear(&out);
        if (ct_reply_error(&core, &in.pkt, 3, 1, 0, own, &out.pkt) ==
            cases[i].damaged)
            fail_msg("error about %s", cases[i].about);
        assert_int_equal(counted(), want_count);
        if (in.pkt.tuple.proto == CT_PROTO_TCP) {
            clear(&out);
            if (ct_reply_reset(&core, &in.pkt, &out.pkt) == cases[i].damaged)
                fail_msg("reset about %s", cases[i].about);
            assert_int_equal(counted(), want_count);
        }
    }
}

/* Addresses that parsing refuses already, written into the packet afterwards:
 * even a caller that skips that check must not be able to start a storm. */
static void addresses_that_get_no_error(void **state)
{
    static const struct {
        const char *what;
        bool src;
        const char *addr;
    } cases[] = {
        {"from no address", true, "0.0.0.0"},
        {"from this network", true, "0.1.2.3"},
        {"from loopback", true, "127.0.0.1"},
        {"from a group", true, "224.0.0.1"},
        {"from class E", true, "240.0.0.1"},
        {"from everybody", true, "255.255.255.255"},
        {"to a group", false, "239.1.2.3"},
        {"to everybody", false, "255.255.255.255"},
        {"from the unspecified", true, "::"},
        {"from loopback 6", true, "::1"},
        {"from a group 6", true, "ff02::1"},
        {"to a group 6", false, "ff0e::1"},
        {"to the unspecified", false, "::"},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool v4 = strchr(cases[i].addr, ':') == NULL;
        union ct_addr a = addr(cases[i].addr);
        union ct_addr own = addr(v4 ? "10.0.0.1" : "2001:db8::1");
        unsigned at = v4 ? (cases[i].src ? 12 : 16) : (cases[i].src ? 8 : 24);

        arrive(v4 ? "10.0.0.7:4 > 8.8.8.8:5 tcp S seq 9"
                  : "[2001:db8::7]:4 > [2a00::8]:5 tcp S seq 9");
        memcpy(in.pkt.data + at, &a, v4 ? 4 : 16);
        clear(&out);
        if (ct_reply_error(&core, &in.pkt, 3, 0, 0, &own, &out.pkt))
            fail_msg("error %s", cases[i].what);
        assert_int_equal(counted(), CT_STAT_error_of_group);
        clear(&out);
        if (ct_reply_reset(&core, &in.pkt, &out.pkt))
            fail_msg("reset %s", cases[i].what);
        assert_int_equal(counted(), CT_STAT_error_of_group);
        arrive(v4 ? "10.0.0.7 > 8.8.8.8 icmp echo id 1"
                  : "2001:db8::7 > 2a00::8 icmp echo id 1");
        memcpy(in.pkt.data + at, &a, v4 ? 4 : 16);
        if (ct_reply_echo(&core, &in.pkt))
            fail_msg("echo %s", cases[i].what);
    }
}

/* Beside those: hosts that may be told. */
static void somewhat_like_no_host(void **state)
{
    static const char *const about[] = {
        "[::2]:4 > [2a00::8]:5 tcp S seq 9",
        "[::1:1]:4 > [2a00::8]:5 tcp S seq 9",
        "[2001:db8::7]:4 > [fe00::8]:5 tcp S seq 9",
        "1.0.0.7:4 > 126.0.0.8:5 tcp S seq 9",
        "128.0.0.7:4 > 223.0.0.8:5 tcp S seq 9"};
    union ct_addr v4 = addr("10.0.0.1"), v6 = addr("2001:db8::1");

    (void)state;
    for (unsigned i = 0; i < sizeof about / sizeof *about; i++) {
        arrive(about[i]);
        clear(&out);
        if (!ct_reply_error(&core, &in.pkt, 1, 0, 0,
                            in.pkt.tuple.family == CT_IPV4 ? &v4 : &v6,
                            &out.pkt))
            fail_msg("about %s", about[i]);
    }
}

static void later_fragments_are_not_told_of(void **state)
{
    union ct_addr v4 = addr("10.0.0.1"), v6 = addr("2001:db8::1");

    (void)state;
    arrive(UDP);
    bytes_put16(in.pkt.data + 6, 0x2000); /* a first fragment */
    clear(&out);
    assert_true(ct_reply_error(&core, &in.pkt, 11, 0, 0, &v4, &out.pkt));
    bytes_put16(in.pkt.data + 6, 0x0001);
    clear(&out);
    assert_false(ct_reply_error(&core, &in.pkt, 11, 0, 0, &v4, &out.pkt));

    arrive(UDP6 " dstopt 8");
    in.pkt.data[6] = CT_PROTO_FRAGMENT; /* the destination option's 8 bytes */
    bytes_put16(in.pkt.data + 42, 1);   /* offset 0, more follow */
    clear(&out);
    assert_true(ct_reply_error(&core, &in.pkt, 3, 0, 0, &v6, &out.pkt));
    bytes_put16(in.pkt.data + 42, 8);
    (void)counted();
    clear(&out);
    assert_false(ct_reply_error(&core, &in.pkt, 3, 0, 0, &v6, &out.pkt));
    assert_int_equal(counted(), CT_STAT_error_of_fragment);
}

/* A parameter problem is about any fragment but an ICMPv6 message's, and about
 * nothing that others may not be told of. */
static void problems_of_fragments(void **state)
{
    static const struct {
        const char *about;
        enum ct_stat why;
    } rows[] = {
        {"[2001:db8::7]:4 > [2a00::8]:5 udp frag 0+ len 8", CT_N_STATS},
        {"2001:db8::7 > 2a00::8 proto 17 frag 8 len 8", CT_N_STATS},
        {"2001:db8::7 > 2a00::8 proto 58 frag 8 len 8", CT_STAT_error_of_error},
        {"2001:db8::7 > ff0e::1 proto 17 frag 8 len 8", CT_STAT_error_of_group},
        {"2001:db8::7 > ff0e::1 proto 58 frag 8 len 8", CT_STAT_error_of_group},
    };
    union ct_addr own = addr("2001:db8::1");

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        build(&in, rows[i].about);
        (void)ct_parse_packet(&in.pkt);
        clear(&out);
        if (ct_reply_error(&core, &in.pkt, 4, 0, 0, &own, &out.pkt) !=
            (rows[i].why == CT_N_STATS))
            fail_msg("about %s", rows[i].about);
        assert_int_equal(counted(), rows[i].why);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_error_may_be_sent),
        cmocka_unit_test(damaged_packets_are_not_rejected_aloud),
        cmocka_unit_test(addresses_that_get_no_error),
        cmocka_unit_test(somewhat_like_no_host),
        cmocka_unit_test(later_fragments_are_not_told_of),
        cmocka_unit_test(problems_of_fragments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
