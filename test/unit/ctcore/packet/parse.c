/* parse.c - from bytes to a tuple, or to the reason why not
 *
 * Every packet lies in a heap block of exactly its size, so that a read past
 * its end is seen. */
#include "bytes.h"
#include <ctcore/ct.h>

#include "base/hash.h"
#include "packet.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OK      CT_REASON_NONE
#define N(rows) (sizeof rows / sizeof rows[0])

/* Parse a copy in an exact block.  The copy is gone afterwards. */
static enum ct_reason parse(struct ct_pkt *pkt, const uint8_t *bytes, size_t n)
{
    uint8_t *exact = malloc(n > 0 ? n : 1);
    enum ct_reason why;

    memset(pkt, 0xa5, sizeof *pkt); /* what a former packet left behind */
    pkt->self = false;
    memcpy(exact, bytes, n);
    pkt->data = exact;
    pkt->len = (uint32_t)n;
    why = ct_parse_packet(pkt);
    pkt->data = NULL;
    free(exact);
    return why;
}

static enum ct_reason parse_spec(struct ct_pkt *pkt, const char *spec)
{
    static uint8_t buf[70000];
    size_t n = packet_build(buf, sizeof buf, spec);

    assert_true(n > 0);
    return parse(pkt, buf, n);
}

static union ct_addr addr(const char *text)
{
    union ct_addr a = {.w64 = {0, 0}};

    assert_int_equal(
        inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, &a), 1);
    return a;
}

/* ---- well packets ---- */

static const struct {
    const char *spec, *src, *dst;
    uint16_t sport, dport;
    uint8_t proto, flags, type, code;
    bool error;
    uint32_t l4_off, l4_len;
} well[] = {
    {"10.0.1.2:4001 > 198.51.100.2:80 tcp S mss 1460", "10.0.1.2",
     "198.51.100.2", 4001, 80, 6, 0x02, 0, 0, false, 20, 24},
    {"10.0.1.2:4001 > 198.51.100.2:80 tcp SFRPUEW. len 9", "10.0.1.2",
     "198.51.100.2", 4001, 80, 6, 0xff, 0, 0, false, 20, 29},
    {"10.0.1.2:5 > 8.8.8.8:53 udp 'x' ipopt 94040000", "10.0.1.2", "8.8.8.8", 5,
     53, 17, 0, 0, 0, false, 24, 9},
    {"10.0.1.2:0 > 8.8.8.8:0 udp", "10.0.1.2", "8.8.8.8", 0, 0, 17, 0, 0, 0,
     false, 20, 8},
    {"10.0.1.2 > 8.8.8.8 icmp echo id 7 len 56", "10.0.1.2", "8.8.8.8", 7,
     0x800, 1, 0, 8, 0, false, 20, 64},
    {"10.0.1.2 > 8.8.8.8 icmp 18/0 id 7", "10.0.1.2", "8.8.8.8", 7, 0x1200, 1,
     0, 18, 0, false, 20, 8},
    {"10.0.1.2 > 8.8.8.8 icmp 9/0 id 7", "10.0.1.2", "8.8.8.8", 0, 0x900, 1, 0,
     9, 0, false, 20, 8},
    {"10.0.1.2 > 8.8.8.8 icmp 11/1 hex 00", "10.0.1.2", "8.8.8.8", 0, 0xb01, 1,
     0, 11, 1, true, 20, 9},
    {"10.0.1.2 > 8.8.8.8 proto 99 len 3", "10.0.1.2", "8.8.8.8", 0, 0, 99, 0, 0,
     0, false, 20, 3},
    {"10.0.1.2 > 8.8.8.8 proto 0", "10.0.1.2", "8.8.8.8", 0, 0, 0, 0, 0, 0,
     false, 20, 0},
    {"[2001:db8::1]:80 > [fd00::2]:99 tcp S", "2001:db8::1", "fd00::2", 80, 99,
     6, 2, 0, 0, false, 40, 20},
    {"[2001:db8::1]:80 > [fd00::2]:99 udp hbh 8 dstopt 16 routing 2",
     "2001:db8::1", "fd00::2", 80, 99, 17, 0, 0, 0, false, 72, 8},
    {"[2001:db8::1]:80 > [fd00::2]:99 udp dstopt 512", "2001:db8::1", "fd00::2",
     80, 99, 17, 0, 0, 0, false, 552, 8},
    {"2001:db8::1 > fd00::2 icmp echo id 9", "2001:db8::1", "fd00::2", 9,
     0x8000, 58, 0, 128, 0, false, 40, 8},
    {"2001:db8::1 > fd00::2 icmp 140/2 id 9", "2001:db8::1", "fd00::2", 9,
     0x8c02, 58, 0, 140, 2, false, 40, 8},
    {"2001:db8::1 > fd00::2 icmp 2/0 mtu 1280", "2001:db8::1", "fd00::2", 0,
     0x200, 58, 0, 2, 0, true, 40, 8},
    {"2001:db8::1 > fd00::2 icmp 137/0", "2001:db8::1", "fd00::2", 0, 0x8900,
     58, 0, 137, 0, true, 40, 8},
    {"2001:db8::1 > fd00::2 proto 59", "2001:db8::1", "fd00::2", 0, 0, 59, 0, 0,
     0, false, 40, 0},
    /* an authentication header of 24 bytes, UDP behind it */
    {"2001:db8::1 > fd00::2 proto 51 hex "
     "110400000000000700000001aabbccddeeff001122334455"
     "0050006300080000",
     "2001:db8::1", "fd00::2", 80, 99, 17, 0, 0, 0, false, 64, 8},
};

static void every_field_of_a_well_packet(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(well); i++) {
        union ct_addr src = addr(well[i].src), dst = addr(well[i].dst);
        bool v6 = strchr(well[i].src, ':') != NULL;
        struct ct_pkt pkt;

        assert_int_equal(parse_spec(&pkt, well[i].spec), OK);
        assert_memory_equal(&pkt.tuple.src, &src, 16);
        assert_memory_equal(&pkt.tuple.dst, &dst, 16);
        assert_int_equal(pkt.tuple.sport, well[i].sport);
        assert_int_equal(pkt.tuple.dport, well[i].dport);
        assert_int_equal(pkt.tuple.zone, 0);
        assert_int_equal(pkt.tuple.family, v6 ? CT_IPV6 : CT_IPV4);
        assert_int_equal(pkt.tuple.proto, well[i].proto);
        assert_int_equal(pkt.l4_flags, well[i].flags);
        assert_int_equal(pkt.icmp_type, well[i].type);
        assert_int_equal(pkt.icmp_code, well[i].code);
        assert_int_equal(pkt.icmp_error, well[i].error);
        assert_int_equal(pkt.l4_off, well[i].l4_off);
        assert_int_equal(pkt.l4_len, well[i].l4_len);
        assert_false(pkt.l4_bad);
        assert_int_equal(pkt.l4_why, OK);
    }
}

/* ---- refusals, by what a line of text can say ---- */

static const struct {
    const char *what, *spec;
    enum ct_reason want;
} lines[] = {
    {"wrong header checksum", "10.0.1.2:1 > 8.8.8.8:2 udp badipsum",
     CT_REASON_BAD_IP_CHECKSUM},
    {"wrong header checksum, with options",
     "10.0.1.2:1 > 8.8.8.8:2 udp badipsum ipopt 94040000",
     CT_REASON_BAD_IP_CHECKSUM},
    {"first fragment", "10.0.1.2:1 > 8.8.8.8:2 udp frag 0+ len 8",
     CT_REASON_FRAGMENT},
    {"last fragment", "10.0.1.2 > 8.8.8.8 proto 17 frag 8 len 8",
     CT_REASON_FRAGMENT},
    {"don't fragment is none", "10.0.1.2:1 > 8.8.8.8:2 udp df", OK},
    {"IPv6 fragment", "[fd00::1]:1 > [fd00::2]:2 udp frag 0+ len 8",
     CT_REASON_FRAGMENT},
    {"atomic fragment", "[fd00::1]:1 > [fd00::2]:2 udp frag 0",
     CT_REASON_FRAGMENT},
    {"two Fragment headers", "[fd00::1]:1 > [fd00::2]:2 udp frag 0 frag 0",
     CT_REASON_FRAGMENT},
    /* options: row P12 */
    {"loose source route", "10.0.1.2:1 > 8.8.8.8:2 udp ipopt 83070408080808",
     CT_REASON_BAD_OPTION},
    {"strict source route behind NOPs",
     "10.0.1.2:1 > 8.8.8.8:2 udp ipopt 010189070408080808",
     CT_REASON_BAD_OPTION},
    {"option length 0", "10.0.1.2:1 > 8.8.8.8:2 udp ipopt 44000000",
     CT_REASON_BAD_OPTION},
    {"option length 1", "10.0.1.2:1 > 8.8.8.8:2 udp ipopt 44010000",
     CT_REASON_BAD_OPTION},
    {"option past the header", "10.0.1.2:1 > 8.8.8.8:2 udp ipopt 44050000",
     CT_REASON_BAD_OPTION},
    {"option without a length", "10.0.1.2:1 > 8.8.8.8:2 udp ipopt 01010144",
     CT_REASON_BAD_OPTION},
    {"NOP and end of list", "10.0.1.2:1 > 8.8.8.8:2 udp ipopt 01010100", OK},
    {"whatever is behind the end", "10.0.1.2:1 > 8.8.8.8:2 udp ipopt 00448309",
     OK},
    {"record route", "10.0.1.2:1 > 8.8.8.8:2 udp ipopt 0707040000000000", OK},
    {"timestamp", "10.0.1.2:1 > 8.8.8.8:2 udp ipopt 4408050000000000", OK},
    {"security", "10.0.1.2:1 > 8.8.8.8:2 udp ipopt 820b00000000000000000000",
     OK},
    {"an option of two bytes, the last",
     "10.0.1.2:1 > 8.8.8.8:2 udp ipopt "
     "01014402",
     OK},
    {"40 bytes of NOP",
     "10.0.1.2:1 > 8.8.8.8:2 udp ipopt 0101010101010101010101010101010101010101"
     "0101010101010101010101010101010101010101",
     OK},
    /* header chains: row P9 */
    {"hop-by-hop not first", "[fd00::1]:1 > [fd00::2]:2 udp dstopt 8 hbh 8",
     CT_REASON_BAD_EXT_CHAIN},
    {"hop-by-hop twice", "[fd00::1]:1 > [fd00::2]:2 udp hbh 8 hbh 8",
     CT_REASON_BAD_EXT_CHAIN},
    {"routing type 0", "[fd00::1]:1 > [fd00::2]:2 udp routing 0",
     CT_REASON_ROUTING_HEADER},
    {"routing type 0 further on",
     "[fd00::1]:1 > [fd00::2]:2 udp hbh 8 dstopt 8 routing 0",
     CT_REASON_ROUTING_HEADER},
    {"segment routing", "[fd00::1]:1 > [fd00::2]:2 udp routing 4", OK},
    {"eight headers",
     "[fd00::1]:1 > [fd00::2]:2 udp hbh 8 dstopt 8 dstopt 8 dstopt 8 dstopt 8 "
     "dstopt 8 dstopt 8 dstopt 8",
     OK},
    {"nine headers",
     "[fd00::1]:1 > [fd00::2]:2 udp hbh 8 dstopt 8 dstopt 8 dstopt 8 dstopt 8 "
     "dstopt 8 dstopt 8 dstopt 8 dstopt 8",
     CT_REASON_BAD_EXT_CHAIN},
    {"authentication header past the end",
     "fd00::1 > fd00::2 proto 51 hex 11040000000000070000000111223344",
     CT_REASON_TRUNCATED},
    {"512 bytes of chain", "[fd00::1]:1 > [fd00::2]:2 udp hbh 256 dstopt 256",
     OK},
    {"520 bytes of chain", "[fd00::1]:1 > [fd00::2]:2 udp hbh 256 dstopt 264",
     CT_REASON_BAD_EXT_CHAIN},
    {"unknown next header", "fd00::1 > fd00::2 proto 253 len 4", OK},
    /* addresses: row P15, P16 */
    {"land, TCP", "10.0.1.2:7 > 10.0.1.2:7 tcp S", CT_REASON_LAND},
    {"land, other ports", "10.0.1.2:7 > 10.0.1.2:8 udp", CT_REASON_LAND},
    {"land, IPv6", "[fd00::1]:7 > [fd00::1]:7 udp", CT_REASON_LAND},
    {"from this network", "0.1.2.3:1 > 8.8.8.8:2 udp", CT_REASON_MARTIAN},
    {"from no address", "0.0.0.0:1 > 8.8.8.8:2 udp", CT_REASON_MARTIAN},
    {"from loopback", "127.0.0.1:1 > 8.8.8.8:2 udp", CT_REASON_MARTIAN},
    {"from a group", "224.0.0.1:1 > 8.8.8.8:2 udp", CT_REASON_MARTIAN},
    {"from class E", "240.0.0.1:1 > 8.8.8.8:2 udp", CT_REASON_MARTIAN},
    {"from everybody", "255.255.255.255:1 > 8.8.8.8:2 udp", CT_REASON_MARTIAN},
    {"last unicast is none", "223.255.255.255:1 > 8.8.8.8:2 udp", OK},
    {"neighbours of loopback are none", "126.0.0.1:1 > 128.0.0.1:2 udp", OK},
    {"to loopback", "10.0.1.2:1 > 127.0.0.1:2 udp", CT_REASON_MARTIAN},
    {"to this network", "10.0.1.2:1 > 0.0.0.0:2 udp", CT_REASON_MARTIAN},
    {"to class E", "10.0.1.2:1 > 250.0.0.1:2 udp", CT_REASON_MARTIAN},
    {"mDNS", "10.0.1.2:5353 > 224.0.0.251:5353 udp", CT_REASON_NO_GROUP},
    {"top of the groups", "10.0.1.2:1 > 239.255.255.255:2 udp",
     CT_REASON_NO_GROUP},
    {"broadcast", "10.0.1.2:1 > 255.255.255.255:2 udp", CT_REASON_NO_GROUP},
    {"DHCP discover", "0.0.0.0:68 > 255.255.255.255:67 udp",
     CT_REASON_NO_GROUP},
    {"loopback to a group", "127.0.0.1:1 > 224.0.0.1:2 udp", CT_REASON_MARTIAN},
    {"from ::", "[::]:1 > [fd00::2]:2 udp", CT_REASON_MARTIAN},
    {"from ::1", "[::1]:1 > [fd00::2]:2 udp", CT_REASON_MARTIAN},
    {"::2 is none", "[::2]:1 > [fd00::2]:2 udp", OK},
    {"::100 is none", "[::100]:1 > [fd00::2]:2 udp", OK},
    {"to ::100", "[fd00::2]:1 > [::100]:2 udp", OK},
    {"from an IPv6 group", "[ff02::1]:1 > [fd00::2]:2 udp", CT_REASON_MARTIAN},
    {"from a group to a group", "[ff02::1]:1 > [ff02::2]:2 udp",
     CT_REASON_MARTIAN},
    {"IPv4-mapped source", "[::ffff:1.2.3.4]:1 > [fd00::2]:2 udp",
     CT_REASON_MARTIAN},
    {"IPv4-mapped destination", "[fd00::2]:1 > [::ffff:1.2.3.4]:2 udp",
     CT_REASON_MARTIAN},
    {"to ::1", "[fd00::2]:1 > [::1]:2 udp", CT_REASON_MARTIAN},
    {"link-local source", "[fe80::1]:1 > [fd00::2]:2 udp", CT_REASON_MARTIAN},
    {"end of link-local", "[febf::1]:1 > [fd00::2]:2 udp", CT_REASON_MARTIAN},
    {"behind link-local", "[fec0::1]:1 > [fd00::2]:2 udp", OK},
    {"link-local destination", "[fd00::2]:1 > [fe80::1]:2 udp",
     CT_REASON_MARTIAN},
    {"::1 to a group", "::1 > ff02::2 icmp 133/0", CT_REASON_MARTIAN},
    {"duplicate address detection", ":: > ff02::1:ff00:1 icmp 135/0",
     CT_REASON_NO_GROUP},
    {"router solicitation", "fe80::1 > ff02::2 icmp 133/0", CT_REASON_NO_GROUP},
    {"MLD report", "fe80::1 > ff02::16 icmp 143/0 hbh 8", CT_REASON_NO_GROUP},
    {"IPv6 mDNS", "[fd00::1]:5353 > [ff02::fb]:5353 udp", CT_REASON_NO_GROUP},
};

static void refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(lines); i++) {
        static const struct ct_tuple none;
        struct ct_pkt pkt;
        enum ct_reason why = parse_spec(&pkt, lines[i].spec);

        if (why != lines[i].want)
            fail_msg("%s: %s", lines[i].what, ct_reason_name(why));
        if (why != OK) { /* and nothing of it, or of another packet, is left */
            assert_true(why == CT_REASON_FRAGMENT ||
                        memcmp(&pkt.tuple, &none, sizeof none) == 0);
            assert_true(why == CT_REASON_FRAGMENT || pkt.l4_len == 0);
            assert_int_equal(ct_reason_kind(why), 'D');
        }
    }
}

/* ---- lengths that lie: row P1, P17 ---- */

static enum ct_reason expect_ipv4(uint32_t len, uint32_t ihl, uint32_t total)
{
    if (len < 20)
        return CT_REASON_TRUNCATED;
    if (ihl * 4 < 20 || ihl * 4 > len)
        return CT_REASON_BAD_HEADER_LENGTH;
    return total < ihl * 4 || total > len ? CT_REASON_BAD_LENGTH : OK;
}

static void ipv4_lengths(void **state)
{
    uint8_t buf[120];

    (void)state;
    for (uint32_t len = 0; len <= sizeof buf; len++)
        for (uint32_t ihl = 0; ihl < 16; ihl++) {
            uint32_t totals[] = {0,   ihl * 4 - 1, ihl * 4, len - 1,
                                 len, len + 1,     65535};

            for (size_t i = 0; i < N(totals); i++) {
                uint32_t total = totals[i] & 0xffff;
                struct ct_pkt pkt;
                enum ct_reason want = expect_ipv4(len, ihl, total), why;

                memset(buf, 1, sizeof buf); /* options: all NOP */
                packet_build(buf, 28, "10.0.1.2:257 > 8.8.8.8:257 udp");
                buf[0] = (uint8_t)(0x40 | ihl);
                bytes_put16(buf + 2, total);
                if (ihl > 5)
                    memset(buf + 20, 1, ihl * 4 - 20);
                packet_fix_sums(buf, sizeof buf);
                why = parse(&pkt, buf, len);
                if (why != want)
                    fail_msg("len %u ihl %u total %u: %s", len, ihl, total,
                             ct_reason_name(why));
                if (why == OK) { /* what was behind is cut off */
                    assert_int_equal(pkt.len, total);
                    assert_int_equal(pkt.l4_len, total - ihl * 4);
                }
            }
        }
}

static void ipv6_lengths(void **state)
{
    uint8_t buf[120];

    (void)state;
    for (uint32_t len = 0; len <= sizeof buf; len++)
        for (uint32_t payload = 0; payload <= 100; payload++) {
            struct ct_pkt pkt;
            enum ct_reason why, want = len < 40 ? CT_REASON_TRUNCATED
                                       : payload > len - 40
                                           ? CT_REASON_BAD_LENGTH
                                           : OK;

            packet_build(buf, sizeof buf, "fd00::1 > fd00::2 proto 59 len 80");
            buf[5] = (uint8_t)payload;
            why = parse(&pkt, buf, len);
            if (why != want)
                fail_msg("len %u payload %u: %s", len, payload,
                         ct_reason_name(why));
            if (why == OK)
                assert_int_equal(pkt.len, 40 + payload);
        }
}

static void other_versions(void **state)
{
    (void)state;
    for (unsigned v = 0; v < 16; v++) {
        uint8_t buf[60] = {(uint8_t)(v << 4 | 5)};
        struct ct_pkt pkt;

        if (v == 4 || v == 6)
            continue;
        assert_int_equal(parse(&pkt, buf, sizeof buf), CT_REASON_BAD_VERSION);
        assert_int_equal(parse(&pkt, buf, 1), CT_REASON_BAD_VERSION);
        assert_int_equal(parse(&pkt, buf, 0), CT_REASON_TRUNCATED);
    }
}

/* Cut everywhere, with the IP length cut as well: row P2, P9. */
static const struct {
    const char *spec;
    uint32_t l4_min;
} cuts[] = {
    {"10.0.1.2:1 > 8.8.8.8:2 tcp S mss 1460 wscale 7", 28},
    {"10.0.1.2:1 > 8.8.8.8:2 udp", 8},
    {"10.0.1.2 > 8.8.8.8 icmp echo id 1 seq 1", 8},
    {"10.0.1.2:1 > 8.8.8.8:2 tcp . ipopt 07070400000000", 20},
    {"[fd00::1]:1 > [fd00::2]:2 tcp S mss 1460", 24},
    {"[fd00::1]:1 > [fd00::2]:2 udp hbh 16 dstopt 8 routing 2", 8},
    {"fd00::1 > fd00::2 icmp echo id 1 seq 1", 8},
};

static void transport_cut_at_every_length(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(cuts); i++) {
        uint8_t whole[200], buf[200];
        struct ct_pkt pkt;
        size_t n = packet_build(whole, sizeof whole, cuts[i].spec);
        size_t l4 = n - cuts[i].l4_min;
        bool v4 = whole[0] >> 4 == 4;

        for (size_t len = v4 ? (whole[0] & 15u) * 4u : 40; len <= n; len++) {
            enum ct_reason why;

            memcpy(buf, whole, n);
            buf[v4 ? 3 : 5] = (uint8_t)(v4 ? len : len - 40);
            packet_fix_sums(buf, len);
            why = parse(&pkt, buf, len);
            if (len < l4) { /* within the header chain */
                assert_int_equal(why, CT_REASON_TRUNCATED);
                continue;
            }
            assert_int_equal(why, OK);
            assert_int_equal(pkt.l4_bad, len < n);
            if (len < n) {
                assert_int_equal(ct_reason_kind(pkt.l4_why), 'I');
                assert_int_equal(pkt.tuple.sport | pkt.tuple.dport, 0);
            }
        }
    }
}

/* ---- transport headers that lie: row P2, P10 ---- */

static const struct {
    const char *what, *spec;
    struct {
        uint16_t at;
        uint8_t byte;
    } poke;
    enum ct_reason want;
} lies[] = {
    {"doff 0",
     "10.0.1.2:1 > 8.8.8.8:2 tcp S",
     {32, 0x00},
     CT_REASON_L4_BAD_LENGTH},
    {"doff 4",
     "10.0.1.2:1 > 8.8.8.8:2 tcp S",
     {32, 0x40},
     CT_REASON_L4_BAD_LENGTH},
    {"doff 5", "10.0.1.2:1 > 8.8.8.8:2 tcp S", {32, 0x50}, OK},
    {"doff 6, nothing there",
     "10.0.1.2:1 > 8.8.8.8:2 tcp S",
     {32, 0x60},
     CT_REASON_L4_BAD_LENGTH},
    {"doff 15 over payload",
     "10.0.1.2:1 > 8.8.8.8:2 tcp S len 40",
     {32, 0xf0},
     OK},
    {"doff 15 over too little",
     "10.0.1.2:1 > 8.8.8.8:2 tcp S len 39",
     {32, 0xf0},
     CT_REASON_L4_BAD_LENGTH},
    {"UDP length 7",
     "10.0.1.2:1 > 8.8.8.8:2 udp",
     {25, 7},
     CT_REASON_L4_BAD_LENGTH},
    {"UDP length 0",
     "10.0.1.2:1 > 8.8.8.8:2 udp",
     {25, 0},
     CT_REASON_L4_BAD_LENGTH},
    {"UDP length past the end",
     "10.0.1.2:1 > 8.8.8.8:2 udp",
     {25, 9},
     CT_REASON_L4_BAD_LENGTH},
    {"UDP length far past the end",
     "10.0.1.2:1 > 8.8.8.8:2 udp",
     {24, 0xff},
     CT_REASON_L4_BAD_LENGTH},
    {"UDP with padding", "10.0.1.2:1 > 8.8.8.8:2 udp len 4", {25, 9}, OK},
    {"UDP length 7 over IPv6",
     "[fd00::1]:1 > [fd00::2]:2 udp",
     {45, 7},
     CT_REASON_L4_BAD_LENGTH},
    {"ICMPv6 over IPv4",
     "10.0.1.2 > 8.8.8.8 proto 58 hex 8000000000000000",
     {1, 0},
     CT_REASON_ICMP_TYPE},
    {"ICMP over IPv6",
     "fd00::1 > fd00::2 proto 1 hex 0800000000000000",
     {1, 0},
     CT_REASON_ICMP_TYPE},
};

static void transport_headers_that_lie(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(lies); i++) {
        uint8_t buf[200];
        struct ct_pkt pkt;
        size_t n = packet_build(buf, sizeof buf, lies[i].spec);

        buf[lies[i].poke.at] = lies[i].poke.byte;
        assert_int_equal(parse(&pkt, buf, n), OK);
        if (pkt.l4_why != lies[i].want)
            fail_msg("%s: %s", lies[i].what, ct_reason_name(pkt.l4_why));
        assert_int_equal(pkt.l4_bad, lies[i].want != OK);
        assert_int_equal(pkt.l4_len, n - pkt.l4_off);
        if (pkt.l4_bad)
            assert_int_equal(pkt.tuple.sport | pkt.tuple.dport, 0);
    }
}

/* row P4: every protocol number has its own tuple. */
static void every_protocol_number(void **state)
{
    (void)state;
    for (unsigned proto = 0; proto < 256; proto++) {
        uint8_t buf[60];
        struct ct_pkt pkt;
        size_t n =
            packet_build(buf, sizeof buf, "10.0.1.2 > 8.8.8.8 proto 9 len 40");

        buf[9] = (uint8_t)proto;
        buf[32] = 0x50;
        buf[24] = 0, buf[25] = 40; /* well as TCP and as UDP */
        if (proto == 33)
            buf[24] = 4, buf[25] = 0; /* and as DCCP */
        packet_fix_sums(buf, n);
        assert_int_equal(parse(&pkt, buf, n), OK);
        assert_int_equal(pkt.tuple.proto, proto);
        if (proto != 6 && proto != 17 && proto != 1 && proto != 136 &&
            proto != 132 && proto != 33)
            assert_int_equal(pkt.tuple.sport | pkt.tuple.dport, 0);
    }
}

/* row P11: super-packets are one packet. */
static void largest_packets(void **state)
{
    struct ct_pkt pkt;

    (void)state;
    assert_int_equal(parse_spec(&pkt, "10.0.1.2:1 > 8.8.8.8:2 tcp . len 65495"),
                     OK);
    assert_int_equal(pkt.len, 65535);
    assert_int_equal(pkt.l4_len, 65515);
    assert_int_equal(
        parse_spec(&pkt, "[fd00::1]:1 > [fd00::2]:2 udp len 65527"), OK);
    assert_int_equal(pkt.len, 65575);
}

/* Whatever comes: an answer, nothing out of bounds, lengths that hold. */
static void random_bytes(void **state)
{
    struct rng rng = {11};
    uint8_t whole[700], buf[700];

    (void)state;
    for (int i = 0; i < 200000; i++) {
        const char *spec = lines[hash_rng_below(&rng, N(lines))].spec;
        size_t n = packet_build(whole, sizeof whole, spec), len;
        struct ct_pkt pkt;
        enum ct_reason why;

        memcpy(buf, whole, n);
        for (uint32_t k = hash_rng_below(&rng, 6); k > 0; k--)
            buf[hash_rng_below(&rng, (uint32_t)n)] =
                (uint8_t)hash_rng_next(&rng);
        if (hash_rng_below(&rng, 2))
            packet_fix_sums(buf, n);
        len =
            hash_rng_below(&rng, 4) ? n : hash_rng_below(&rng, (uint32_t)n + 1);
        why = parse(&pkt, buf, len);
        assert_true(why < CT_N_REASONS);
        if (why != OK)
            continue;
        assert_true(pkt.len <= len && pkt.l4_off >= 20);
        assert_true(pkt.l4_off + pkt.l4_len == pkt.len);
        assert_true(pkt.l4_bad == (pkt.l4_why != OK));
    }
}

/* What a link puts behind is none of it. */
static void fragments_end_where_they_say(void **state)
{
    static const struct {
        const char *spec;
        uint32_t off;
    } rows[] = {{"10.0.1.2 > 8.8.8.8 proto 17 frag 8 len 16", 20},
                {"fd00::1 > fd00::2 proto 17 frag 8 len 16", 40}};
    struct ct_pkt pkt;
    uint8_t buf[256];
    (void)state;
    for (size_t i = 0; i < N(rows); i++) {
        size_t n = packet_build(buf, sizeof buf, rows[i].spec);

        memset(buf + n, 0, 7);
        assert_int_equal(parse(&pkt, buf, n + 7), CT_REASON_FRAGMENT);
        assert_int_equal(pkt.len, n);
        assert_int_equal(pkt.l4_off, rows[i].off);
        assert_int_equal(pkt.l4_len, n - rows[i].off);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_of_a_well_packet),
        cmocka_unit_test(refusals),
        cmocka_unit_test(ipv4_lengths),
        cmocka_unit_test(ipv6_lengths),
        cmocka_unit_test(other_versions),
        cmocka_unit_test(transport_cut_at_every_length),
        cmocka_unit_test(transport_headers_that_lie),
        cmocka_unit_test(every_protocol_number),
        cmocka_unit_test(largest_packets),
        cmocka_unit_test(random_bytes),
        cmocka_unit_test(fragments_end_where_they_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
