/* reply.c - what the router says by itself, byte for byte */
#include "reply_rig.h"

#include "bytes.h"

/* ---- errors ---- */

#define SYN "10.0.0.7:4000 > 8.8.8.8:80 tcp S seq 9 mss 1460 df"

static void errors(void **state)
{
    static const struct {
        const char *what, *about;
        uint8_t type, code;
        uint32_t mtu;
        const char *src, *want;
    } cases[] = {
        {"time exceeded", UDP, 11, 0, 0, "10.0.0.1",
         "10.0.0.1 > 10.0.0.7 icmp 11/0 df tos 0xc0 about {" UDP "}"},
        {"as the destination itself", UDP, 3, 3, 0, NULL,
         "8.8.8.8 > 10.0.0.7 icmp 3/3 df tos 0xc0 about {" UDP "}"},
        {"fragmentation needed", SYN, 3, 4, 1280, "10.0.0.1",
         "10.0.0.1 > 10.0.0.7 icmp 3/4 mtu 1280 df tos 0xc0 about {" SYN "}"},
        {"an mtu that 16 bits can't say", SYN, 3, 4, 70000, "10.0.0.1",
         "10.0.0.1 > 10.0.0.7 icmp 3/4 mtu 65535 df tos 0xc0 about {" SYN "}"},
        {"TOS kept, precedence of control, no ECN", UDP " tos 0x17", 11, 0, 0,
         "10.0.0.1",
         "10.0.0.1 > 10.0.0.7 icmp 11/0 df tos 0xd4 about {" UDP " tos 0x17}"},
        {"about echo", "10.0.0.7 > 8.8.8.8 icmp echo id 7 seq 1 len 56", 3, 1,
         0, "10.0.0.1",
         "10.0.0.1 > 10.0.0.7 icmp 3/1 df tos 0xc0 about {"
         "10.0.0.7 > 8.8.8.8 icmp echo id 7 seq 1 len 56}"},
        {"about an echo reply", "10.0.0.7 > 8.8.8.8 icmp reply id 7 seq 1", 3,
         1, 0, "10.0.0.1",
         "10.0.0.1 > 10.0.0.7 icmp 3/1 df tos 0xc0 about {"
         "10.0.0.7 > 8.8.8.8 icmp reply id 7 seq 1}"},
        {"about a query that is no echo", "10.0.0.7 > 8.8.8.8 icmp 13/0 len 12",
         3, 1, 0, "10.0.0.1",
         "10.0.0.1 > 10.0.0.7 icmp 3/1 df tos 0xc0 about {"
         "10.0.0.7 > 8.8.8.8 icmp 13/0 len 12}"},
        {"about GRE with options",
         "10.0.0.7 > 8.8.8.8 proto 47 hex 00000800 ipopt 01010101", 3, 0, 0,
         "10.0.0.1",
         "10.0.0.1 > 10.0.0.7 icmp 3/0 df tos 0xc0 about {"
         "10.0.0.7 > 8.8.8.8 proto 47 hex 00000800 ipopt 01010101}"},
        {"about a bad transport checksum", UDP " badsum", 11, 0, 0, "10.0.0.1",
         "10.0.0.1 > 10.0.0.7 icmp 11/0 df tos 0xc0 about {" UDP " badsum}"},
        {"IPv6 hop limit", UDP6, 3, 0, 0, "2001:db8::1",
         "2001:db8::1 > 2001:db8::7 icmp 3/0 about {" UDP6 "}"},
        {"IPv6 as the destination", UDP6, 1, 4, 0, NULL,
         "2a00::8 > 2001:db8::7 icmp 1/4 about {" UDP6 "}"},
        {"packet too big", UDP6 " hbh 8", 2, 0, 1280, "2001:db8::1",
         "2001:db8::1 > 2001:db8::7 icmp 2/0 mtu 1280 about {" UDP6 " hbh 8}"},
        {"an IPv6 mtu has 32 bits", UDP6, 2, 0, 70000, "2001:db8::1",
         "2001:db8::1 > 2001:db8::7 icmp 2/0 mtu 70000 about {" UDP6 "}"},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *src = cases[i].src;
        union ct_addr from = addr(src != NULL ? src : "0.0.0.0");

        arrive(cases[i].about);
        clear(&out);
        if (!ct_reply_error(&core, &in.pkt, cases[i].type, cases[i].code,
                            cases[i].mtu, src != NULL ? &from : NULL, &out.pkt))
            fail_msg("%s: none made", cases[i].what);
        same(cases[i].what, &out, cases[i].want);
        fresh(&out.pkt, CT_KIND_ERROR);
        untracked_yet(&out.pkt);
        assert_true(out.pkt.icmp_error);
        assert_int_equal(out.pkt.icmp_type, cases[i].type);
        same("what it is about", &in, cases[i].about); /* unharmed */
    }
}

/* RFC 1812 s4.3.2.3 and RFC 4443 s2.4 c: as much as fits, at every length. */
static void quotes_what_fits(void **state)
{
    union ct_addr v4 = addr("10.0.0.1"), v6 = addr("2001:db8::1");
    char spec[128];

    (void)state;
    for (unsigned len = 0; len < 1400; len += len < 500 ? 50 : 1) {
        snprintf(spec, sizeof spec, "10.0.0.7:1 > 8.8.8.8:2 udp len %u", len);
        arrive(spec);
        clear(&out);
        assert_true(ct_reply_error(&core, &in.pkt, 11, 0, 0, &v4, &out.pkt));
        assert_int_equal(out.pkt.len, len + 56 < 576 ? len + 56 : 576);
        assert_memory_equal(out.pkt.data + 28, in.pkt.data, out.pkt.len - 28);
        assert_true(packet_sums_ok(out.pkt.data, out.pkt.len));
        assert_int_equal(out.pkt.data[out.pkt.len], 0xee);

        snprintf(spec, sizeof spec, "[2001:db8::7]:1 > [2a00::8]:2 udp len %u",
                 len);
        arrive(spec);
        clear(&out);
        assert_true(ct_reply_error(&core, &in.pkt, 3, 0, 0, &v6, &out.pkt));
        assert_int_equal(out.pkt.len, len + 96 < 1280 ? len + 96 : 1280);
        assert_memory_equal(out.pkt.data + 48, in.pkt.data, out.pkt.len - 48);
        assert_true(packet_sums_ok(out.pkt.data, out.pkt.len));
        assert_int_equal(out.pkt.data[out.pkt.len], 0xee);
    }
}

static void a_super_packet_is_quoted_as_it_stands(void **state)
{
    union ct_addr own = addr("10.0.0.1");

    (void)state;
    arrive("10.0.0.7:1 > 8.8.8.8:2 tcp P. seq 1 ack 1 len 3900 partial df");
    in.pkt.gso_size = 1400;
    in.pkt.gso_type = 1;
    in.pkt.csum_partial = true;
    clear(&out);
    assert_true(ct_reply_error(&core, &in.pkt, 3, 4, 1400, &own, &out.pkt));
    assert_int_equal(out.pkt.len, 576);
    assert_memory_equal(out.pkt.data + 28, in.pkt.data, 548);
    assert_true(packet_sums_ok(out.pkt.data, out.pkt.len));
    assert_int_equal(out.pkt.gso_size, 0);
    assert_int_equal(out.pkt.gso_type, 0);
    assert_false(out.pkt.csum_partial);
}

static void an_error_belongs_to_its_flow(void **state)
{
    struct ct_conn *flow =
        (struct ct_conn *)(void *)&want; /* never looked at */
    union ct_addr own = addr("10.0.0.1");

    (void)state;
    for (uint8_t dir = 0; dir < CT_N_DIRS; dir++) {
        arrive(UDP);
        in.pkt.conn = flow;
        in.pkt.dir = dir;
        in.pkt.info = CT_ESTABLISHED;
        clear(&out);
        assert_true(ct_reply_error(&core, &in.pkt, 11, 0, 0, &own, &out.pkt));
        assert_ptr_equal(out.pkt.conn, flow);
        assert_int_equal(out.pkt.info, CT_RELATED);
        assert_int_equal(out.pkt.dir, 1 - dir);
        assert_true(out.pkt.tracked);
        fresh(&out.pkt, CT_KIND_ERROR);
    }
}

/* ---- resets ---- */

static void resets(void **state)
{
    static const struct {
        const char *what, *about, *want; /* NULL: none */
    } cases[] = {
        {"SYN", "10.0.0.7:4 > 8.8.8.8:80 tcp S seq 1000 mss 1460",
         "8.8.8.8:80 > 10.0.0.7:4 tcp R. seq 0 ack 1001 win 0 df"},
        {"SYN with data", "10.0.0.7:4 > 8.8.8.8:80 tcp S seq 1000 len 10",
         "8.8.8.8:80 > 10.0.0.7:4 tcp R. seq 0 ack 1011 win 0 df"},
        {"sequence numbers wrap",
         "10.0.0.7:4 > 8.8.8.8:80 tcp S seq "
         "0xffffffff",
         "8.8.8.8:80 > 10.0.0.7:4 tcp R. seq 0 ack 0 win 0 df"},
        {"FIN without ACK", "10.0.0.7:4 > 8.8.8.8:80 tcp F seq 7 len 3",
         "8.8.8.8:80 > 10.0.0.7:4 tcp R. seq 0 ack 11 win 0 df"},
        {"no flag", "10.0.0.7:4 > 8.8.8.8:80 tcp - seq 7 len 3",
         "8.8.8.8:80 > 10.0.0.7:4 tcp R. seq 0 ack 10 win 0 df"},
        {"ACK", "10.0.0.7:4 > 8.8.8.8:80 tcp . seq 7 ack 5001",
         "8.8.8.8:80 > 10.0.0.7:4 tcp R seq 5001 win 0 df"},
        {"data", "10.0.0.7:4 > 8.8.8.8:80 tcp P. seq 7 ack 5001 len 99 ts 1:2",
         "8.8.8.8:80 > 10.0.0.7:4 tcp R seq 5001 win 0 df"},
        {"SYN-ACK", "10.0.0.7:4 > 8.8.8.8:80 tcp S. seq 7 ack 5001",
         "8.8.8.8:80 > 10.0.0.7:4 tcp R seq 5001 win 0 df"},
        {"TOS and options are not returned",
         "10.0.0.7:4 > 8.8.8.8:80 tcp S seq 1 tos 0x10 ipopt 01010101",
         "8.8.8.8:80 > 10.0.0.7:4 tcp R. seq 0 ack 2 win 0 df"},
        {"IPv6 SYN", "[2001:db8::7]:4 > [2a00::8]:80 tcp S seq 1000",
         "[2a00::8]:80 > [2001:db8::7]:4 tcp R. seq 0 ack 1001 win 0"},
        {"IPv6 data behind options",
         "[2001:db8::7]:4 > [2a00::8]:80 tcp P. seq 1 ack 5 len 9 dstopt 16",
         "[2a00::8]:80 > [2001:db8::7]:4 tcp R seq 5 win 0"},
        {"RST", "10.0.0.7:4 > 8.8.8.8:80 tcp R seq 7", NULL},
        {"RST-ACK", "10.0.0.7:4 > 8.8.8.8:80 tcp R. seq 7 ack 8", NULL},
        {"UDP", UDP, NULL},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool made;

        arrive(cases[i].about);
        in.pkt.conn = (struct ct_conn *)(void *)&want;
        in.pkt.tracked = true;
        clear(&out);
        made = ct_reply_reset(&core, &in.pkt, &out.pkt);
        if (made != (cases[i].want != NULL))
            fail_msg("%s: made %d", cases[i].what, made);
        assert_int_equal(counted(), !made && in.pkt.tuple.proto == CT_PROTO_TCP
                                        ? CT_STAT_error_of_error
                                        : CT_N_STATS);
        if (!made)
            continue;
        same(cases[i].what, &out, cases[i].want);
        fresh(&out.pkt, CT_KIND_RST);
        untracked_yet(&out.pkt);
        assert_int_equal(out.pkt.tuple.sport, in.pkt.tuple.dport);
        assert_true(out.pkt.l4_flags & CT_TCP_RST);
    }
}

static void a_reset_acknowledges_all_of_a_super_packet(void **state)
{
    (void)state;
    arrive("10.0.0.7:1 > 8.8.8.8:2 tcp P seq 1000 len 3900 partial");
    in.pkt.gso_size = 1400;
    in.pkt.csum_partial = true;
    clear(&out);
    assert_true(ct_reply_reset(&core, &in.pkt, &out.pkt));
    same("reset", &out,
         "8.8.8.8:2 > 10.0.0.7:1 tcp R. seq 0 ack 4900 win 0 df");
    assert_int_equal(out.pkt.gso_size, 0);
    assert_false(out.pkt.csum_partial);
}

/* ---- echo ---- */

static void echoes(void **state)
{
    static const struct {
        const char *what, *request, *reply; /* NULL: none */
    } cases[] = {
        {"ping", "10.0.0.7 > 10.0.0.1 icmp echo id 7 seq 3 len 56 ttl 12",
         "10.0.0.1 > 10.0.0.7 icmp reply id 7 seq 3 len 56"},
        {"empty", "10.0.0.7 > 10.0.0.1 icmp echo id 0 seq 0",
         "10.0.0.1 > 10.0.0.7 icmp reply id 0 seq 0"},
        {"odd length, TTL as ours", "10.0.0.7 > 10.0.0.1 icmp echo id 7 len 3",
         "10.0.0.1 > 10.0.0.7 icmp reply id 7 len 3"},
        {"TOS, id, DF and options come back",
         "10.0.0.7 > 10.0.0.1 icmp echo id 7 seq 3 tos 4 ipid 99 df ttl 255 "
         "ipopt 01010101",
         "10.0.0.1 > 10.0.0.7 icmp reply id 7 seq 3 tos 4 ipid 99 df "
         "ipopt 01010101"},
        {"a wrong sum stays wrong",
         "10.0.0.7 > 10.0.0.1 icmp echo id 7 seq 3 badsum",
         "10.0.0.1 > 10.0.0.7 icmp reply id 7 seq 3 badsum"},
        {"IPv6", "2001:db8::7 > 2001:db8::1 icmp echo id 7 seq 3 len 57 ttl 3",
         "2001:db8::1 > 2001:db8::7 icmp reply id 7 seq 3 len 57"},
        {"IPv6 extension headers stay behind",
         "2001:db8::7 > 2001:db8::1 icmp echo id 7 len 9 hbh 8 routing 2 "
         "dstopt 24",
         "2001:db8::1 > 2001:db8::7 icmp reply id 7 len 9"},
        {"a reply", "10.0.0.7 > 10.0.0.1 icmp reply id 7 seq 3", NULL},
        {"an IPv6 reply", "2001:db8::7 > 2001:db8::1 icmp reply id 7", NULL},
        {"a timestamp", "10.0.0.7 > 10.0.0.1 icmp 13/0 id 7 len 12", NULL},
        {"ICMPv6 type in IPv4", "10.0.0.7 > 10.0.0.1 icmp 128/0 len 8", NULL},
        {"UDP", UDP, NULL},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool made;

        arrive(cases[i].request);
        in.pkt.conn = (struct ct_conn *)(void *)&want;
        in.pkt.info = CT_NEW;
        in.pkt.dir = CT_DIR_REPLY;
        in.pkt.tracked = in.pkt.notrack = in.pkt.nat_known = true;
        in.pkt.why = CT_REASON_RULE;
        made = ct_reply_echo(&core, &in.pkt);
        if (made != (cases[i].reply != NULL))
            fail_msg("%s: made %d", cases[i].what, made);
        assert_int_equal(counted(), !made && in.pkt.tuple.proto == CT_PROTO_TCP
                                        ? CT_STAT_error_of_error
                                        : CT_N_STATS);
        if (!made) {
            same(cases[i].what, &in, cases[i].request); /* untouched */
            continue;
        }
        same(cases[i].what, &in, cases[i].reply);
        assert_int_equal(in.pkt.kind, CT_KIND_ECHO);
        assert_int_equal(in.pkt.in, CT_NO_IFACE);
        assert_int_equal(in.pkt.out, CT_NO_IFACE);
        assert_int_equal(in.pkt.why, CT_REASON_NONE);
        assert_int_equal(in.pkt.mark, 0);
        assert_false(in.pkt.notrack);
        assert_false(in.pkt.nat_known);
        untracked_yet(&in.pkt);
        assert_int_equal(in.pkt.tuple.sport,
                         bytes_get16(in.pkt.data + in.pkt.l4_off + 4));
        assert_false(in.pkt.icmp_type == 8 || in.pkt.icmp_type == 128);
    }
}

/* NEEDS_CSUM: the field holds the pseudo header's sum (IPv4: nothing), which
 * swapping the addresses does not change.  The device that completes the sum
 * makes a right packet. */
static void a_partial_echo_stays_partial(void **state)
{
    static const char *const specs[][2] = {
        {"10.0.0.7 > 10.0.0.1 icmp echo id 7 len 56 partial",
         "10.0.0.1 > 10.0.0.7 icmp reply id 7 len 56"},
        {"2001:db8::7 > 2001:db8::1 icmp echo id 7 len 56 partial",
         "2001:db8::1 > 2001:db8::7 icmp reply id 7 len 56"},
    };

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        uint8_t *l4;

        arrive(specs[i][0]);
        in.pkt.csum_partial = true;
        assert_true(ct_reply_echo(&core, &in.pkt));
        assert_true(in.pkt.csum_partial);
        l4 = in.pkt.data + in.pkt.l4_off;
        bytes_put16(l4 + 2,
                    (uint16_t)~csum_fold(csum_add(0, l4, in.pkt.l4_len)));
        same(specs[i][0], &in, specs[i][1]);
    }
}

/* RFC 1071: the sum of nothing but zeros is 0, and its field 0xffff; where
 * there is a one somewhere, the same difference makes 0. */
static void an_echo_of_zeros(void **state)
{
    (void)state;
    arrive("10.0.0.7 > 10.0.0.1 icmp echo id 0 seq 0 hex 000000");
    assert_true(ct_reply_echo(&core, &in.pkt));
    assert_int_equal(bytes_get16(in.pkt.data + 22), 0xffff);
    arrive("10.0.0.7 > 10.0.0.1 icmp echo id 0 seq 0 hex ffff");
    assert_true(ct_reply_echo(&core, &in.pkt));
    assert_int_equal(bytes_get16(in.pkt.data + 22), 0);
}

/* ---- transport headers that are not whole ---- */

static void bad_transport_headers(void **state)
{
    static const struct {
        const char *what, *packet;
        uint8_t proto;
        bool error;
    } cases[] = {
        {"ICMP", "10.0.0.7 > 8.8.8.8 proto 47 hex 08000000", CT_PROTO_ICMP,
         false},
        {"nothing of ICMP", "10.0.0.7 > 8.8.8.8 proto 47", CT_PROTO_ICMP,
         false},
        {"ICMPv6 in IPv4", "10.0.0.7 > 8.8.8.8 proto 47 hex 8000000000000000",
         CT_PROTO_ICMPV6, false},
        {"ICMPv6", "2001:db8::7 > 2a00::8 proto 47 hex 80000000",
         CT_PROTO_ICMPV6, false},
        {"ICMP in IPv6", "2001:db8::7 > 2a00::8 proto 47 hex 0800000000000000",
         CT_PROTO_ICMP, false},
        {"TCP", "10.0.0.7 > 8.8.8.8 proto 47 len 19", CT_PROTO_TCP, true},
        {"nothing of TCP", "2001:db8::7 > 2a00::8 proto 47", CT_PROTO_TCP,
         true},
        {"UDP", "10.0.0.7 > 8.8.8.8 proto 47 len 3", CT_PROTO_UDP, true},
    };
    union ct_addr v4 = addr("10.0.0.1"), v6 = addr("2001:db8::1");

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool is4;

        arrive(cases[i].packet);
        is4 = in.pkt.tuple.family == CT_IPV4;
        in.pkt.data[is4 ? 9 : 6] = cases[i].proto;
        if (is4) {
            bytes_put16(in.pkt.data + 10, 0);
            bytes_put16(in.pkt.data + 10,
                        (uint16_t)~csum_fold(csum_add(0, in.pkt.data, 20)));
        }
        assert_int_equal(ct_parse_packet(&in.pkt), CT_REASON_NONE);
        assert_true(in.pkt.l4_bad);
        clear(&out);
        if (ct_reply_error(&core, &in.pkt, 3, 1, 0, is4 ? &v4 : &v6,
                           &out.pkt) != cases[i].error)
            fail_msg("error about %s", cases[i].what);
        clear(&out);
        if (ct_reply_reset(&core, &in.pkt, &out.pkt))
            fail_msg("reset of %s", cases[i].what);
        if (ct_reply_echo(&core, &in.pkt))
            fail_msg("echo of %s", cases[i].what);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors),
        cmocka_unit_test(quotes_what_fits),
        cmocka_unit_test(a_super_packet_is_quoted_as_it_stands),
        cmocka_unit_test(an_error_belongs_to_its_flow),
        cmocka_unit_test(resets),
        cmocka_unit_test(a_reset_acknowledges_all_of_a_super_packet),
        cmocka_unit_test(echoes),
        cmocka_unit_test(a_partial_echo_stays_partial),
        cmocka_unit_test(an_echo_of_zeros),
        cmocka_unit_test(bad_transport_headers),
    };

    return cmocka_run_group_tests_name("reply", tests, NULL, NULL);
}
