/* mangle.c - rewritten headers against packets built that way
 *
 * The packet after the rewrite must be, byte for byte, the packet that the
 * builder makes from the new addresses; so nothing else has changed and every
 * checksum is right. */
#include "packet/mangle.h"
#include "packet/mangle_field.h"

#include "base/hash.h"
#include "packet.h"
#include "packet/mangle_payload.h"
#include "proto/crc32c.h"

#include "bytes.h"
#include <ctcore/ct.h>

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N(rows) (sizeof rows / sizeof rows[0])

static union ct_addr addr(const char *text)
{
    union ct_addr a = {.w64 = {0, 0}};

    assert_int_equal(
        inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, &a), 1);
    return a;
}

/* A parsed packet in an exact heap block; the caller frees data. */
static void make(struct ct_pkt *pkt, const char *spec)
{
    static uint8_t buf[70000];
    size_t n = packet_build(buf, sizeof buf, spec);

    assert_true(n > 0);
    memset(pkt, 0, sizeof *pkt);
    pkt->data = malloc(n);
    pkt->len = (uint32_t)n;
    memcpy(pkt->data, buf, n);
    pkt->csum_partial = strstr(spec, "partial") != NULL;
    assert_int_equal(ct_parse_packet(pkt), CT_REASON_NONE);
}

static void expect(const struct ct_pkt *pkt, const char *spec)
{
    static uint8_t want[70000];
    char text[300];
    size_t n = packet_build(want, sizeof want, spec);

    if (n != pkt->len || memcmp(want, pkt->data, n) != 0) {
        packet_print(text, sizeof text, pkt->data, pkt->len);
        fail_msg("want %s\n got  %s", spec, text);
    }
}

static const struct {
    const char *was;
    enum mangle_side side;
    const char *addr;
    uint16_t port;
    const char *is;
} rows[] = {
    {"10.0.1.2:4001 > 8.8.8.8:80 tcp S seq 9 mss 1460 len 3", MANGLE_SRC,
     "198.51.100.1", 61234,
     "198.51.100.1:61234 > 8.8.8.8:80 tcp S seq 9 mss 1460 len 3"},
    {"10.0.1.2:4001 > 8.8.8.8:80 tcp . seq 9 ttl 3 df ipid 77", MANGLE_DST,
     "10.9.9.9", 8080,
     "10.0.1.2:4001 > 10.9.9.9:8080 tcp . seq 9 ttl 3 df ipid 77"},
    {"10.0.1.2:4001 > 8.8.8.8:53 udp 'odd'", MANGLE_SRC, "198.51.100.1", 1,
     "198.51.100.1:1 > 8.8.8.8:53 udp 'odd'"},
    {"10.0.1.2:4001 > 8.8.8.8:53 udp nosum 'x'", MANGLE_DST, "1.1.1.1", 5353,
     "10.0.1.2:4001 > 1.1.1.1:5353 udp nosum 'x'"},
    {"10.0.1.2:1 > 8.8.8.8:53 udp 'x' ipopt 94040000", MANGLE_SRC, "9.9.9.9",
     65535, "9.9.9.9:65535 > 8.8.8.8:53 udp 'x' ipopt 94040000"},
    {"10.0.1.2 > 8.8.8.8 icmp echo id 7 seq 1 len 56", MANGLE_SRC,
     "198.51.100.1", 39441,
     "198.51.100.1 > 8.8.8.8 icmp echo id 39441 seq 1 len 56"},
    {"8.8.8.8 > 198.51.100.1 icmp reply id 39441 seq 1 len 5", MANGLE_DST,
     "10.0.1.2", 7, "8.8.8.8 > 10.0.1.2 icmp reply id 7 seq 1 len 5"},
    {"8.8.8.8 > 198.51.100.1 icmp 13/0 id 1", MANGLE_DST, "10.0.1.2", 7,
     "8.8.8.8 > 10.0.1.2 icmp 13/0 id 7"},
    {"8.8.8.8 > 198.51.100.1 icmp 11/0 hex 4500", MANGLE_DST, "10.0.1.2", 7,
     "8.8.8.8 > 10.0.1.2 icmp 11/0 hex 4500"},
    {"10.0.1.2 > 8.8.8.8 proto 47 len 20", MANGLE_SRC, "198.51.100.1", 99,
     "198.51.100.1 > 8.8.8.8 proto 47 len 20"},
    {"[fd00::2]:4001 > [2001:db8::1]:443 tcp S seq 1", MANGLE_SRC,
     "2001:db8:ffff::9", 50000,
     "[2001:db8:ffff::9]:50000 > [2001:db8::1]:443 tcp S seq 1"},
    {"[fd00::2]:1 > [2001:db8::1]:443 udp hbh 8 dstopt 16 'abc'", MANGLE_DST,
     "fd00::77", 444, "[fd00::2]:1 > [fd00::77]:444 udp hbh 8 dstopt 16 'abc'"},
    {"fd00::2 > 2001:db8::1 icmp echo id 77 seq 5 len 9", MANGLE_SRC,
     "2001:db8:ffff::9", 78,
     "2001:db8:ffff::9 > 2001:db8::1 icmp echo id 78 seq 5 len 9"},
    {"fd00::2 > 2001:db8::1 icmp 1/4 hex 60", MANGLE_SRC, "2001:db8:ffff::9", 1,
     "2001:db8:ffff::9 > 2001:db8::1 icmp 1/4 hex 60"},
    {"10.0.1.2:4001 > 8.8.8.8:99 sctp INIT vtag 0 itag 7 len 33", MANGLE_SRC,
     "198.51.100.1", 61234,
     "198.51.100.1:61234 > 8.8.8.8:99 sctp INIT vtag 0 itag 7 len 33"},
    {"10.0.1.2:4001 > 8.8.8.8:99 sctp DATA vtag 9 len 1", MANGLE_DST, "1.1.1.1",
     99, "10.0.1.2:4001 > 1.1.1.1:99 sctp DATA vtag 9 len 1"},
    {"[fd00::2]:1 > [2001:db8::1]:443 sctp COOKIE_ACK vtag 9", MANGLE_DST,
     "fd00::77", 444, "[fd00::2]:1 > [fd00::77]:444 sctp COOKIE_ACK vtag 9"},
    {"10.0.1.2:4001 > 8.8.8.8:99 dccp REQUEST seq 7 len 33", MANGLE_SRC,
     "198.51.100.1", 61234,
     "198.51.100.1:61234 > 8.8.8.8:99 dccp REQUEST seq 7 len 33"},
    {"[fd00::2]:1 > [2001:db8::1]:443 dccp DATA seq 7 cscov 3 len 9",
     MANGLE_SRC, "2001:db8:ffff::9", 2,
     "[2001:db8:ffff::9]:2 > [2001:db8::1]:443 dccp DATA seq 7 cscov 3 len 9"},
    /* partial sums: the addresses count, the ports do not */
    {"10.0.1.2:4001 > 8.8.8.8:80 tcp . partial len 60000", MANGLE_SRC,
     "198.51.100.1", 61234,
     "198.51.100.1:61234 > 8.8.8.8:80 tcp . partial len 60000"},
    {"10.0.1.2:4001 > 8.8.8.8:80 udp partial len 99", MANGLE_DST,
     "198.51.100.1", 61234,
     "10.0.1.2:4001 > 198.51.100.1:61234 udp partial len 99"},
    {"[fd00::2]:1 > [2001:db8::1]:443 tcp . partial len 7", MANGLE_SRC,
     "2001:db8:ffff::9", 2,
     "[2001:db8:ffff::9]:2 > [2001:db8::1]:443 tcp . partial len 7"},
    /* row P13: wrong before, as wrong behind; urgent pointer: P5 */
    {"10.0.1.2:1 > 8.8.8.8:80 tcp .U urg 65535 len 3", MANGLE_SRC, "1.2.3.4", 2,
     "1.2.3.4:2 > 8.8.8.8:80 tcp .U urg 65535 len 3"},
};

/* Of these all sums are whole: those up to the partial ones. */
enum { N_WHOLE = 19 };

static void rewritten_is_as_built(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(rows); i++) {
        union ct_addr to = addr(rows[i].addr);
        struct ct_pkt pkt;

        make(&pkt, rows[i].was);
        mangle_addr(&pkt, rows[i].side, &to, rows[i].port);
        expect(&pkt, rows[i].is);
        free(pkt.data);
    }
}

static unsigned check_of(const struct ct_pkt *pkt, unsigned at)
{
    const uint8_t *p = pkt->data + pkt->l4_off + at;

    return bytes_get16(p);
}

/* 0 and 0xffff are one number in one's complement. */
static unsigned ones(unsigned a, unsigned b)
{
    return (a + 0xffff - b) % 0xffff;
}

static void wrong_checksums_stay_as_wrong(void **state)
{
    static const struct {
        const char *was;
        unsigned at;
    } wrong[] = {
        {"10.0.1.2:4001 > 8.8.8.8:80 tcp . len 9 badsum", 16},
        {"10.0.1.2:4001 > 8.8.8.8:80 udp len 9 badsum", 6},
        {"10.0.1.2 > 8.8.8.8 icmp echo id 1 len 9 badsum", 2},
    };
    union ct_addr to = addr("198.51.100.1");

    (void)state;
    for (size_t i = 0; i < N(wrong); i++) {
        struct ct_pkt pkt;
        unsigned before, after;

        make(&pkt, wrong[i].was);
        before = check_of(&pkt, wrong[i].at);
        assert_false(mangle_l4_checksum_ok(&pkt));
        packet_fix_sums(pkt.data, pkt.len);
        before = ones(before, check_of(&pkt, wrong[i].at));
        free(pkt.data);

        make(&pkt, wrong[i].was);
        mangle_addr(&pkt, MANGLE_SRC, &to, 7);
        after = check_of(&pkt, wrong[i].at);
        packet_fix_sums(pkt.data, pkt.len);
        assert_int_equal(ones(after, check_of(&pkt, wrong[i].at)), before);
        free(pkt.data);
    }
}

/* RFC 768: a UDP checksum that comes out as zero is sent as all ones. */
static void udp_zero_is_sent_as_ones(void **state)
{
    union ct_addr to = addr("198.51.100.1");
    unsigned met = 0;

    (void)state;
    for (unsigned port = 0; port <= 0xffff; port++) {
        struct ct_pkt pkt;

        make(&pkt, "10.0.1.2:4001 > 8.8.8.8:53 udp 'x'");
        mangle_addr(&pkt, MANGLE_SRC, &to, (uint16_t)port);
        assert_true(check_of(&pkt, 6) != 0);
        met += check_of(&pkt, 6) == 0xffff;
        assert_true(mangle_l4_checksum_ok(&pkt));
        free(pkt.data);
    }
    assert_true(met > 0);
}

/* Both sides, at random, against a full recompute. */
static void random_rewrites_keep_sums_right(void **state)
{
    struct rng rng = {6};

    (void)state;
    for (int i = 0; i < 60000; i++) {
        size_t row = hash_rng_below(&rng, N_WHOLE);
        struct ct_pkt pkt;
        union ct_addr to = {.w64 = {hash_rng_next(&rng), hash_rng_next(&rng)}};

        make(&pkt, rows[row].was);
        for (int k = 0; k < 3; k++)
            mangle_addr(&pkt, hash_rng_below(&rng, 2) ? MANGLE_SRC : MANGLE_DST,
                        &to, (uint16_t)hash_rng_next(&rng));
        assert_true(packet_sums_ok(pkt.data, pkt.len));
        assert_true(mangle_l4_checksum_ok(&pkt));
        free(pkt.data);
    }
}

static void ttl_goes_down_by_one(void **state)
{
    (void)state;
    for (unsigned ttl = 1; ttl < 256; ttl++) {
        char was[100], is[100];
        struct ct_pkt pkt;

        for (int v6 = 0; v6 < 2; v6++) {
            const char *ends =
                v6 ? "[fd00::1]:1 > [fd00::2]:2" : "10.0.1.2:1 > 8.8.8.8:2";

            snprintf(was, sizeof was, "%s udp ttl %u ipid 9", ends, ttl);
            snprintf(is, sizeof is, "%s udp ttl %u ipid 9", ends, ttl - 1);
            make(&pkt, was);
            ct_ttl_down(&pkt);
            expect(&pkt, is);
            free(pkt.data);
        }
    }
}

static const struct {
    const char *spec;
    bool ok;
} judged[] = {
    {"10.0.1.2:1 > 8.8.8.8:2 tcp S len 3", true},
    {"10.0.1.2:1 > 8.8.8.8:2 tcp S len 3 badsum", false},
    {"10.0.1.2:1 > 8.8.8.8:2 tcp S nosum", false},
    {"10.0.1.2:1 > 8.8.8.8:2 tcp S partial", true},
    {"10.0.1.2:1 > 8.8.8.8:2 udp len 1", true},
    {"10.0.1.2:1 > 8.8.8.8:2 udp len 1 badsum", false},
    {"10.0.1.2:1 > 8.8.8.8:2 udp len 1 nosum", true},
    {"[fd00::1]:1 > [fd00::2]:2 udp len 1", true},
    {"[fd00::1]:1 > [fd00::2]:2 udp len 1 nosum", false}, /* RFC 8200 8.1 */
    {"[fd00::1]:1 > [fd00::2]:2 tcp . dstopt 8 len 1", true},
    {"10.0.1.2 > 8.8.8.8 icmp echo len 1", true},
    {"10.0.1.2 > 8.8.8.8 icmp echo len 1 badsum", false},
    {"10.0.1.2 > 8.8.8.8 icmp 3/1 hex 4500", true},
    {"10.0.1.2 > 8.8.8.8 icmp 3/1 hex 4500 badsum", false},
    {"fd00::1 > fd00::2 icmp echo len 1", true},
    {"fd00::1 > fd00::2 icmp 1/0 hex 6000 badsum", false},
    {"10.0.1.2 > 8.8.8.8 proto 47 len 9", true},
    {"10.0.1.2:1 > 8.8.8.8:2 sctp INIT itag 1 len 9", true},
    {"10.0.1.2:1 > 8.8.8.8:2 sctp INIT itag 1 len 9 badsum", false},
    {"10.0.1.2:1 > 8.8.8.8:2 sctp DATA nosum", false},
    {"[fd00::1]:1 > [fd00::2]:2 sctp - vtag 1", true},
    {"10.0.1.2:1 > 8.8.8.8:2 dccp REQUEST len 9", true},
    {"10.0.1.2:1 > 8.8.8.8:2 dccp REQUEST len 9 badsum", false},
    {"10.0.1.2:1 > 8.8.8.8:2 dccp REQUEST nosum", false},
    {"10.0.1.2:1 > 8.8.8.8:2 dccp REQUEST cscov 1 len 9", true},
    {"10.0.1.2:1 > 8.8.8.8:2 dccp REQUEST cscov 3 len 9", true},
    {"[fd00::1]:1 > [fd00::2]:2 dccp ACK short cscov 2 len 9 badsum", false},
    {"10.0.1.2:1 > 8.8.8.8:2 udplite len 9", true},
    {"10.0.1.2:1 > 8.8.8.8:2 udplite len 9 badsum", false},
};

static void transport_checksum_is_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(judged); i++) {
        struct ct_pkt pkt;

        make(&pkt, judged[i].spec);
        if (mangle_l4_checksum_ok(&pkt) != judged[i].ok)
            fail_msg("%s", judged[i].spec);
        pkt.csum_ok = true;
        assert_true(mangle_l4_checksum_ok(&pkt));
        free(pkt.data);
    }
}

/* UDP's own length says what is summed; what is behind it is padding. */
static void padding_behind_udp_is_not_summed(void **state)
{
    struct ct_pkt pkt;

    (void)state;
    make(&pkt, "10.0.1.2:1 > 8.8.8.8:2 udp len 9");
    pkt.data[25] = 8 + 4;
    packet_fix_sums(pkt.data, pkt.len);
    assert_true(mangle_l4_checksum_ok(&pkt));
    pkt.data[20 + 8 + 5] ^= 1; /* in the padding */
    assert_true(mangle_l4_checksum_ok(&pkt));
    pkt.data[20 + 8 + 3] ^= 1; /* in the payload */
    assert_false(mangle_l4_checksum_ok(&pkt));
    free(pkt.data);
}

/* A header cut short is left alone behind its end, whatever was asked. */
static void short_transport_headers(void **state)
{
    static const char *const specs[] = {
        "10.0.1.2 > 8.8.8.8 proto 6 len 19",
        "10.0.1.2 > 8.8.8.8 proto 17 len 7",
        "10.0.1.2 > 8.8.8.8 proto 1 len 7",
        "10.0.1.2 > 8.8.8.8 proto 136 len 7",
        "10.0.1.2 > 8.8.8.8 proto 33 len 13",
        "10.0.1.2 > 8.8.8.8 proto 132 len 13",
        "fd00::2 > fd00::1 proto 58 len 7",
    };
    static uint8_t buf[200];

    (void)state;
    for (size_t i = 0; i < N(specs); i++) {
        size_t n = packet_build(buf, sizeof buf, specs[i]);
        bool v4 = buf[0] >> 4 == 4;
        size_t head = v4 ? 20 : 40;
        union ct_addr to = addr(v4 ? "9.9.9.9" : "fd00::9");

        for (size_t len = head; len <= n; len++) {
            struct ct_pkt pkt = {.len = (uint32_t)len};
            uint8_t *data = malloc(len);

            buf[v4 ? 3 : 5] = (uint8_t)(v4 ? len : len - 40);
            packet_fix_sums(buf, len);
            memcpy(data, buf, len);
            pkt.data = data;
            assert_int_equal(ct_parse_packet(&pkt), CT_REASON_NONE);
            mangle_addr(&pkt, MANGLE_DST, &to, 9);
            mangle_l4_checksum_ok(&pkt);
            assert_memory_equal(data + head - (v4 ? 4 : 16), to.b, v4 ? 4 : 16);
            free(data);
        }
    }
}

/* SCTP: what was wrong stays wrong by the same difference. */
static void a_wrong_crc_stays_as_wrong(void **state)
{
    union ct_addr to = addr("198.51.100.1");
    struct rng rng = {8};

    (void)state;
    for (unsigned i = 0; i < 300; i++) {
        struct ct_pkt pkt;
        uint32_t before, wrong;
        uint8_t *field;
        char spec[100];

        snprintf(spec, sizeof spec,
                 "10.0.1.2:4001 > 8.8.8.8:99 sctp DATA vtag 1 len %u", i * 4);
        make(&pkt, spec);
        field = pkt.data + pkt.l4_off + 8;
        before = crc32c_load(field);
        wrong = (uint32_t)hash_rng_next(&rng) | 1;
        crc32c_store(field, before ^ wrong);
        assert_false(mangle_l4_checksum_ok(&pkt));
        mangle_addr(&pkt, MANGLE_SRC, &to, (uint16_t)hash_rng_next(&rng));
        assert_false(mangle_l4_checksum_ok(&pkt));
        crc32c_store(field, crc32c_load(field) ^ wrong);
        assert_true(mangle_l4_checksum_ok(&pkt));
        free(pkt.data);
    }
}

/* A packet with the room behind it that a longer payload takes. */
static void make_roomy(struct ct_pkt *pkt, const char *spec)
{
    uint8_t *exact;

    make(pkt, spec);
    exact = pkt->data;
    pkt->data = malloc(pkt->len + CT_HEADROOM);
    memcpy(pkt->data, exact, pkt->len);
    memset(pkt->data + pkt->len, 0xff, CT_HEADROOM);
    free(exact);
}

/* Other bytes, as many, more or fewer, at even and odd places: the packet is
 * the one that is built so. */
static void payloads_are_as_built(void **state)
{
    static const struct {
        const char *head, *was, *is; /* payloads */
        uint32_t at, len;            /* what is replaced */
        const char *by;
    } changes[] = {
        {"", "abcdef", "abXdef", 2, 1, "X"},
        {"", "abcdef", "aXYZWdef", 1, 2, "XYZW"},
        {"", "abcdefg", "aXefg", 1, 3, "X"},
        {"", "abcdef", "XYZ", 0, 6, "XYZ"},
        {"", "abcdef", "abcdefgh", 6, 0, "gh"},
        {"", "abcde", "", 0, 5, ""},
        {"mss 1400 nop nop ts 5:6 ", "abcdef", "abcXYZdef", 3, 0, "XYZ"},
        {"partial ", "abcdef", "abcXYZWdef", 3, 0, "XYZW"},
        {"ipopt 01010101 ", "abcdef", "aXYef", 1, 3, "XY"},
    };
    static const char *const ends[] = {"10.0.1.2:5 > 10.0.1.3:6",
                                       "[fd00::2]:5 > [fd00::3]:6"};

    (void)state;
    for (unsigned i = 0; i < N(changes) * 2; i++) {
        const char *head = changes[i / 2].head;
        char was[200], is[200];
        struct ct_pkt pkt;
        uint64_t cuts[CT_CUTS];

        if (strstr(head, "ipopt") && i % 2)
            continue;
        snprintf(was, sizeof was, "%s tcp P. seq 7 ack 9 %s'%s'", ends[i % 2],
                 head, changes[i / 2].was);
        snprintf(is, sizeof is, "%s tcp P. seq 7 ack 9 %s%s%s%s", ends[i % 2],
                 head, *changes[i / 2].is ? "'" : "", changes[i / 2].is,
                 *changes[i / 2].is ? "'" : "");
        make_roomy(&pkt, was);
        pkt.cuts = cuts;
        assert_true(mangle_payload(
            &pkt, (pkt.data[pkt.l4_off + 12] >> 4) * 4u + changes[i / 2].at,
            changes[i / 2].len, (const uint8_t *)changes[i / 2].by,
            (uint32_t)strlen(changes[i / 2].by)));
        expect(&pkt, is);
        assert_int_equal(pkt.l4_off + pkt.l4_len, pkt.len);
        /* it is not the datagram any more that was cut there */
        assert_int_equal(pkt.cuts == NULL,
                         strlen(changes[i / 2].by) != changes[i / 2].len);
        free(pkt.data);
    }
}

static void payloads_have_their_bounds(void **state)
{
    static const uint8_t more[CT_HEADROOM + 9];
    struct ct_pkt pkt;

    (void)state;
    make_roomy(&pkt, "10.0.1.2:5 > 10.0.1.3:6 tcp P. seq 7 'abcd'");
    assert_false(mangle_payload(&pkt, 20, 4, more, CT_HEADROOM + 5));
    expect(&pkt, "10.0.1.2:5 > 10.0.1.3:6 tcp P. seq 7 'abcd'");
    assert_true(mangle_payload(&pkt, 20, 4, more, CT_HEADROOM + 4));
    free(pkt.data);
    make_roomy(&pkt, "10.0.1.2:5 > 10.0.1.3:6 tcp P. seq 7 len 65490");
    assert_false(mangle_payload(&pkt, 20, 4, more, 10));
    assert_true(mangle_payload(&pkt, 20, 4, more, 9));
    assert_int_equal(pkt.len, 65535);
    assert_true(packet_sums_ok(pkt.data, pkt.len));
    free(pkt.data);
    /* a super-packet grows as a whole: segmentation comes later */
    make_roomy(&pkt, "10.0.1.2:5 > 10.0.1.3:6 tcp P. seq 7 len 3000 partial");
    pkt.gso_size = 1000;
    assert_true(mangle_payload(&pkt, 20, 1, (const uint8_t *)"a", 1));
    expect(&pkt, "10.0.1.2:5 > 10.0.1.3:6 tcp P. seq 7 len 3000 partial");
    assert_true(mangle_payload(&pkt, 20 + 3000, 0, (const uint8_t *)"klmn", 4));
    expect(&pkt, "10.0.1.2:5 > 10.0.1.3:6 tcp P. seq 7 len 3004 partial");
    assert_int_equal(pkt.gso_size, 1000);
    free(pkt.data);
    /* what came wrong stays as wrong */
    make_roomy(&pkt, "10.0.1.2:5 > 10.0.1.3:6 tcp P. seq 7 'abcd' badsum");
    assert_true(mangle_payload(&pkt, 20, 1, more, 3));
    assert_false(packet_sums_ok(pkt.data, pkt.len));
    free(pkt.data);
}

/* The option that is lowered ends where options do: data that looks like one
 * stays, and so does what is low enough. */
static void only_options_are_lowered(void **state)
{
    static const struct {
        const char *was, *is;
    } lowered[] = {
        {"mss 1460", "mss 1240"},
        {"mss 1200", "mss 1200"},
        {"mss 1240", "mss 1240"},
        {"nop mss 1460 nop nop nop", "nop mss 1240 nop nop nop"},
        {"mss 1460 mss 9000", "mss 1240 mss 1240"},
        {"hex 020405b4", "hex 020405b4"},
        {"mss 1460 hex 020405b4020405b4", "mss 1240 hex 020405b4020405b4"},
        {"nop nop sackok hex 020405b4", "nop nop sackok hex 020405b4"},
    };

    (void)state;
    for (size_t i = 0; i < N(lowered); i++)
        for (unsigned six = 0; six < 2; six++) {
            struct ct_pkt pkt;
            char spec[160];

            snprintf(spec, sizeof spec, "%s tcp S seq 9 %s",
                     six ? "[fd00::1]:1 > [fd00::2]:2"
                         : "10.0.1.2:1 > 8.8.8.8:2",
                     lowered[i].was);
            make(&pkt, spec);
            mangle_field_mss(&pkt, 1240);
            snprintf(spec, sizeof spec, "%s tcp S seq 9 %s",
                     six ? "[fd00::1]:1 > [fd00::2]:2"
                         : "10.0.1.2:1 > 8.8.8.8:2",
                     lowered[i].is);
            expect(&pkt, spec);
            free(pkt.data);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rewritten_is_as_built),
        cmocka_unit_test(wrong_checksums_stay_as_wrong),
        cmocka_unit_test(udp_zero_is_sent_as_ones),
        cmocka_unit_test(random_rewrites_keep_sums_right),
        cmocka_unit_test(ttl_goes_down_by_one),
        cmocka_unit_test(transport_checksum_is_judged),
        cmocka_unit_test(padding_behind_udp_is_not_summed),
        cmocka_unit_test(short_transport_headers),
        cmocka_unit_test(payloads_are_as_built),
        cmocka_unit_test(payloads_have_their_bounds),
        cmocka_unit_test(a_wrong_crc_stays_as_wrong),
        cmocka_unit_test(only_options_are_lowered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
