/* wire.c - headers are drawn as the system draws them, and as RFCs do
 *
 * Offsets are judged by the system's own structs where it has them, by the
 * RFC's picture otherwise. */
#include <ctcore/wire.h>
#include <ctcore/words.h>

#include <arpa/inet.h>
#include <linux/icmp.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>

#include <cmocka.h>

struct row {
    const char *what;
    size_t at, size, want_at, want_size;
};

#define IS(ours, field, theirs, name)                                          \
    {                                                                          \
#ours "." #field, offsetof(struct ct_##ours##_header, field),          \
            sizeof((struct ct_##ours##_header *)0)->field,                     \
            offsetof(struct theirs, name), sizeof((struct theirs *)0)->name    \
    }
#define AT(ours, field, at, size)                                              \
    {                                                                          \
#ours "." #field, offsetof(struct ct_##ours##_header, field),          \
            sizeof((struct ct_##ours##_header *)0)->field, at, size            \
    }

static const struct row rows[] = {
    IS(ipv4, tos, iphdr, tos),
    IS(ipv4, len, iphdr, tot_len),
    IS(ipv4, id, iphdr, id),
    IS(ipv4, frag, iphdr, frag_off),
    IS(ipv4, ttl, iphdr, ttl),
    IS(ipv4, proto, iphdr, protocol),
    IS(ipv4, check, iphdr, check),
    IS(ipv4, src, iphdr, saddr),
    IS(ipv4, dst, iphdr, daddr),
    IS(ipv6, len, ipv6hdr, payload_len),
    IS(ipv6, next, ipv6hdr, nexthdr),
    IS(ipv6, hop_limit, ipv6hdr, hop_limit),
    IS(ipv6, src, ipv6hdr, saddr),
    IS(ipv6, dst, ipv6hdr, daddr),
    IS(tcp, sport, tcphdr, source),
    IS(tcp, dport, tcphdr, dest),
    IS(tcp, seq, tcphdr, seq),
    IS(tcp, ack, tcphdr, ack_seq),
    IS(tcp, win, tcphdr, window),
    IS(tcp, check, tcphdr, check),
    IS(tcp, urgent, tcphdr, urg_ptr),
    IS(tcp_quoted, seq, tcphdr, seq),
    IS(udp, sport, udphdr, source),
    IS(udp, dport, udphdr, dest),
    IS(udp, len, udphdr, len),
    IS(udp, check, udphdr, check),
    IS(icmp, type, icmphdr, type),
    IS(icmp, code, icmphdr, code),
    IS(icmp, check, icmphdr, checksum),
    IS(icmp, id, icmphdr, un.echo.id),
    IS(icmp, seq, icmphdr, un.echo.sequence),
    IS(icmp, mtu, icmphdr, un.gateway),
    AT(tcp, offset, 12, 1), /* RFC 9293 3.1 */
    AT(tcp, flags, 13, 1),
    AT(fragment, next, 0, 1), /* RFC 8200 4.5 */
    AT(fragment, offset, 2, 2),
    AT(fragment, id, 4, 4),
    AT(extension, next, 0, 1),
    AT(extension, len, 1, 1),
    AT(extension, routing_type, 2, 1),
    AT(sctp, vtag, 4, 4), /* RFC 9260 3.1, 3.2, 3.3.2 */
    AT(sctp, crc, 8, 4),
    AT(sctp_chunk, type, 0, 1),
    AT(sctp_chunk, flags, 1, 1),
    AT(sctp_chunk, len, 2, 2),
    AT(sctp_init, tag, 4, 4),
    AT(sctp_init, window, 8, 4),
    AT(sctp_init, streams_out, 12, 2),
    AT(sctp_init, tsn, 16, 4),
    AT(dccp, offset, 4, 1), /* RFC 4340 5.1 */
    AT(dccp, coverage, 5, 1),
    AT(dccp, check, 6, 2),
    AT(dccp, type, 8, 1),
    AT(dccp, seq, 9, 3),
    AT(dccp_long, seq, 10, 6),
    AT(dccp_ack, ack, 1, 3),
    AT(dccp_long_ack, ack, 2, 6),
    AT(gre, protocol, 2, 2), /* RFC 2784 2.1, RFC 2637 4.1 */
    AT(gre_call, len, 4, 2),
    AT(gre_call, call, 6, 2),
    AT(pptp, magic, 4, 4), /* RFC 2637 2.1, 2.7 */
    AT(pptp, type, 8, 2),
    AT(pptp, id, 12, 2),
    AT(pptp, peers_id, 14, 2),
    AT(pptp, result, 16, 1),
};

static void fields_stand_where_they_stand(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].at != rows[i].want_at || rows[i].size != rows[i].want_size)
            fail_msg("%s: %zu bytes at %zu, not %zu at %zu", rows[i].what,
                     rows[i].size, rows[i].at, rows[i].want_size,
                     rows[i].want_at);
}

/* The list of protocols says where their checksums stand; so do the headers. */
static void checksums_stand_where_the_list_says(void **state)
{
    static const struct {
        uint8_t proto;
        size_t at;
    } sums[] = {
        {CT_PROTO_TCP, offsetof(struct ct_tcp_header, check)},
        {CT_PROTO_UDP, offsetof(struct ct_udp_header, check)},
        {CT_PROTO_UDPLITE, offsetof(struct ct_udp_header, check)},
        {CT_PROTO_ICMP, offsetof(struct ct_icmp_header, check)},
        {CT_PROTO_ICMPV6, offsetof(struct ct_icmp_header, check)},
        {CT_PROTO_SCTP, offsetof(struct ct_sctp_header, crc)},
        {CT_PROTO_DCCP, offsetof(struct ct_dccp_header, check)},
    };
    unsigned listed = 0;

    (void)state;
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++)
        assert_int_equal(ct_proto_info(sums[i].proto).sum_at, sums[i].at);
    for (unsigned proto = 0; proto < 256; proto++)
        listed += ct_proto_info((uint8_t)proto).sum_at != 0;
    assert_int_equal(listed, sizeof sums / sizeof *sums);
}

/* At any address, and no byte beside it. */
static void numbers_are_big_endian(void **state)
{
    uint8_t bytes[16];

    (void)state;
    for (unsigned at = 1; at < 4; at++) {
        uint8_t *p = bytes + at;
        uint32_t word = htonl(0x01020384);
        uint16_t half = htons(0x8102);

        memset(bytes, 0xee, sizeof bytes);
        ct_store16((ct_be16 *)p, 0x8102);
        assert_memory_equal(p, &half, 2);
        assert_int_equal(p[2], 0xee);
        assert_int_equal(p[-1], 0xee);
        assert_int_equal(ct_load16(*(ct_be16 *)p), 0x8102);
        ct_store32((ct_be32 *)p, 0x01020384);
        assert_memory_equal(p, &word, 4);
        assert_int_equal(p[4], 0xee);
        assert_int_equal(ct_load32(*(ct_be32 *)p), 0x01020384);
        assert_int_equal(ct_load24(*(ct_be24 *)p), 0x010203);
        ct_store64((ct_be64 *)p, 0x8102030405060708);
        assert_true(ct_load64(*(ct_be64 *)p) == 0x8102030405060708);
        assert_true(ct_load48(*(ct_be48 *)p) == 0x810203040506);
        assert_int_equal(p[8], 0xee);
    }
}

/* What stands in parts of a byte, and all else of that byte. */
static void parts_of_bytes(void **state)
{
    uint8_t bytes[64];

    (void)state;
    for (unsigned n = 0; n < 16; n++) {
        bytes[0] = (uint8_t)(n << 4 | 5);
        assert_int_equal(ct_ip_version(bytes), n);
        bytes[0] = (uint8_t)(0x40 | n);
        assert_int_equal(ct_ipv4_size(ct_ipv4_view(bytes)), n * 4);
        bytes[12] = (uint8_t)(n << 4 | 3);
        assert_int_equal(ct_tcp_size(ct_tcp_view(bytes)), n * 4);
        bytes[1] = (uint8_t)(0xf8 | (n & 7));
        assert_int_equal(ct_gre_version(ct_gre_view(bytes)), n & 7);
    }
    for (unsigned n = 0; n < 256; n++) {
        memset(bytes, 0xff, sizeof bytes);
        ct_ipv6_set_class(ct_ipv6_edit(bytes), (uint8_t)n);
        assert_int_equal(ct_ipv6_class(ct_ipv6_view(bytes)), n);
        assert_int_equal(bytes[0], 0xf0 | n >> 4);
        assert_int_equal(bytes[1], (n & 15) << 4 | 15);
        assert_int_equal(ct_ip_class(bytes, false), n);
        bytes[1] = (uint8_t)n;
        assert_int_equal(ct_ip_class(bytes, true), n);
        bytes[4] = (uint8_t)n;
        assert_int_equal(ct_dccp_size(ct_dccp_view(bytes)), n * 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_stand_where_they_stand),
        cmocka_unit_test(checksums_stand_where_the_list_says),
        cmocka_unit_test(numbers_are_big_endian),
        cmocka_unit_test(parts_of_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
