/* parse_inner.c - the packet an ICMP error quotes: found, and translated
 *
 * A rewritten error must be, byte for byte, the error that the builder makes
 * about the other packet.  Errors lie in heap blocks of exactly their size. */
#include "packet/mangle.h"

#include "base/hash.h"
#include "packet.h"
#include "packet/mangle_inner.h"
#include "packet/parse_inner.h"

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

static void take(struct ct_pkt *pkt, const uint8_t *bytes, size_t n)
{
    memset(pkt, 0, sizeof *pkt);
    pkt->data = malloc(n);
    pkt->len = (uint32_t)n;
    memcpy(pkt->data, bytes, n);
    assert_int_equal(ct_parse_packet(pkt), CT_REASON_NONE);
}

static void make(struct ct_pkt *pkt, const char *spec)
{
    static uint8_t buf[2000];
    size_t n = packet_build(buf, sizeof buf, spec);

    assert_true(n > 0);
    take(pkt, buf, n);
}

/* ---- finding ---- */

static const struct {
    const char *error;
    enum ct_reason want;
    const char *src, *dst;
    uint16_t sport, dport;
    uint8_t proto;
    uint32_t l4_off, l4_len;
} found[] = {
    {"192.0.2.9 > 198.51.100.1 icmp 11/0 about {198.51.100.1:4001 > 8.8.8.8:80 "
     "tcp S} quote 8",
     CT_REASON_NONE, "198.51.100.1", "8.8.8.8", 4001, 80, 6, 48, 8},
    {"192.0.2.9 > 198.51.100.1 icmp 3/3 about {198.51.100.1:1 > 8.8.8.8:2 udp "
     "len 5}",
     CT_REASON_NONE, "198.51.100.1", "8.8.8.8", 1, 2, 17, 48, 13},
    {"192.0.2.9 > 198.51.100.1 icmp 3/3 about {198.51.100.1:1 > 8.8.8.8:2 udp "
     "ipopt 94040000} quote 4",
     CT_REASON_NONE, "198.51.100.1", "8.8.8.8", 1, 2, 17, 52, 4},
    {"192.0.2.9 > 198.51.100.1 icmp 3/3 about {198.51.100.1:1 > 8.8.8.8:2 udp} "
     "quote 3",
     CT_REASON_ICMP_TRUNCATED, NULL, NULL, 0, 0, 0, 0, 0},
    {"192.0.2.9 > 198.51.100.1 icmp 3/2 about {198.51.100.1:1 > 8.8.8.8:2 sctp "
     "INIT} quote 8",
     CT_REASON_NONE, "198.51.100.1", "8.8.8.8", 1, 2, 132, 48, 8},
    {"192.0.2.9 > 198.51.100.1 icmp 3/2 about {198.51.100.1:1 > 8.8.8.8:2 dccp "
     "REQUEST} quote 3",
     CT_REASON_ICMP_TRUNCATED, NULL, NULL, 0, 0, 0, 0, 0},
    {"192.0.2.9 > 198.51.100.1 icmp 4/0 about {198.51.100.1 > 8.8.8.8 icmp "
     "echo id 7}",
     CT_REASON_NONE, "198.51.100.1", "8.8.8.8", 7, 0x800, 1, 48, 8},
    {"192.0.2.9 > 198.51.100.1 icmp 3/1 about {198.51.100.1 > 8.8.8.8 icmp "
     "echo id 7} quote 7",
     CT_REASON_ICMP_TRUNCATED, NULL, NULL, 0, 0, 0, 0, 0},
    {"192.0.2.9 > 198.51.100.1 icmp 3/1 about {198.51.100.1 > 8.8.8.8 proto "
     "47 len 9}",
     CT_REASON_NONE, "198.51.100.1", "8.8.8.8", 0, 0, 47, 48, 9},
    {"192.0.2.9 > 198.51.100.1 icmp 3/1 about {198.51.100.1 > 8.8.8.8 proto "
     "47 len 9} quote 7",
     CT_REASON_ICMP_TRUNCATED, NULL, NULL, 0, 0, 0, 0, 0},
    {"192.0.2.9 > 198.51.100.1 icmp 3/1 about {198.51.100.1 > 8.8.8.8 proto "
     "47 hex 2081880b00040007} quote 8",
     CT_REASON_NONE, "198.51.100.1", "8.8.8.8", 0, 7, 47, 48, 8},
    {"192.0.2.9 > 198.51.100.1 icmp 3/1 about {198.51.100.1 > 8.8.8.8 proto "
     "99}",
     CT_REASON_NONE, "198.51.100.1", "8.8.8.8", 0, 0, 99, 48, 0},
    {"192.0.2.9 > 198.51.100.1 icmp 3/1 about {198.51.100.1 > 8.8.8.8 icmp 3/1 "
     "hex 45}",
     CT_REASON_ICMP_INNER, NULL, NULL, 0, 0, 0, 0, 0},
    {"192.0.2.9 > 198.51.100.1 icmp 3/1 about {198.51.100.1:1 > 8.8.8.8:2 udp "
     "frag 0+ len 8}",
     CT_REASON_NONE, "198.51.100.1", "8.8.8.8", 1, 2, 17, 48, 16},
    {"192.0.2.9 > 198.51.100.1 icmp 3/1 about {198.51.100.1 > 8.8.8.8 proto 17 "
     "frag 8 len 8}",
     CT_REASON_ICMP_INNER, NULL, NULL, 0, 0, 0, 0, 0},
    {"192.0.2.9 > 198.51.100.1 icmp 3/1 about {fd00::1 > fd00::2 proto 59}",
     CT_REASON_ICMP_INNER, NULL, NULL, 0, 0, 0, 0, 0},
    {"192.0.2.9 > 198.51.100.1 icmp 3/1 about {198.51.100.1 > 8.8.8.8 proto 58 "
     "hex 8000000000000000}",
     CT_REASON_ICMP_INNER, NULL, NULL, 0, 0, 0, 0, 0},
    {"192.0.2.9 > 198.51.100.1 icmp 3/1", CT_REASON_ICMP_TRUNCATED, NULL, NULL,
     0, 0, 0, 0, 0},
    {"192.0.2.9 > 198.51.100.1 icmp echo len 40", CT_REASON_ICMP_TRUNCATED,
     NULL, NULL, 0, 0, 0, 0, 0},
    {"2001:db8::9 > fd00::1 icmp 3/0 about {[fd00::1]:1 > [2001:db8::2]:2 tcp "
     "S hbh 8 dstopt 16}",
     CT_REASON_NONE, "fd00::1", "2001:db8::2", 1, 2, 6, 112, 20},
    {"2001:db8::9 > fd00::1 icmp 3/0 about {[fd00::1]:1 > [2001:db8::2]:2 udp "
     "frag 0+ len 8}",
     CT_REASON_NONE, "fd00::1", "2001:db8::2", 1, 2, 17, 96, 16},
    {"2001:db8::9 > fd00::1 icmp 3/0 about {fd00::1 > 2001:db8::2 proto 17 "
     "frag 8 len 8}",
     CT_REASON_ICMP_INNER, NULL, NULL, 0, 0, 0, 0, 0},
    {"2001:db8::9 > fd00::1 icmp 2/0 mtu 1280 about {fd00::1 > 2001:db8::2 "
     "icmp echo id 5 len 1500}",
     CT_REASON_NONE, "fd00::1", "2001:db8::2", 5, 0x8000, 58, 88, 1192},
    {"2001:db8::9 > fd00::1 icmp 1/0 about {fd00::1 > 2001:db8::2 icmp 1/0}",
     CT_REASON_ICMP_INNER, NULL, NULL, 0, 0, 0, 0, 0},
    {"2001:db8::9 > fd00::1 icmp 1/0 about {fd00::1 > 2001:db8::2 icmp 137/0}",
     CT_REASON_ICMP_INNER, NULL, NULL, 0, 0, 0, 0, 0},
    {"2001:db8::9 > fd00::1 icmp 1/0 about {[fd00::1]:1 > [fd00::2]:2 udp "
     "dstopt 8 hbh 8}",
     CT_REASON_ICMP_INNER, NULL, NULL, 0, 0, 0, 0, 0},
    {"2001:db8::9 > fd00::1 icmp 137/0 len 80", CT_REASON_ICMP_INNER, NULL,
     NULL, 0, 0, 0, 0, 0},
};

static void what_is_quoted_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(found); i++) {
        struct ct_pkt pkt;
        struct inner in;
        enum ct_reason why;
        union ct_addr a;

        make(&pkt, found[i].error);
        why = parse_inner(&pkt, &in);
        if (why != found[i].want)
            fail_msg("%s: %s", found[i].error, ct_reason_name(why));
        free(pkt.data);
        if (why != CT_REASON_NONE)
            continue;
        a = addr(found[i].src);
        assert_memory_equal(&in.tuple.src, &a, 16);
        a = addr(found[i].dst);
        assert_memory_equal(&in.tuple.dst, &a, 16);
        assert_int_equal(in.tuple.sport, found[i].sport);
        assert_int_equal(in.tuple.dport, found[i].dport);
        assert_int_equal(in.tuple.proto, found[i].proto);
        assert_int_equal(in.proto, found[i].proto);
        assert_int_equal(in.tuple.family, in.family);
        assert_int_equal(in.l4_off, found[i].l4_off);
        assert_int_equal(in.l4_len, found[i].l4_len);
    }
}

/* ---- translating ---- */

/* %s stands where the rewritten endpoint is. */
static const struct {
    const char *format;
    enum mangle_side side;
    const char *was, *is, *addr;
    uint16_t port;
} rewrites[] = {
    {"192.0.2.9 > 198.51.100.1 icmp 11/0 about {%s > 8.8.8.8:80 tcp S seq 9 "
     "mss 1460 len 20}",
     MANGLE_SRC, "198.51.100.1:61234", "10.0.1.2:4001", "10.0.1.2", 4001},
    {"192.0.2.9 > 198.51.100.1 icmp 3/3 about {%s > 8.8.8.8:53 udp 'hello'}",
     MANGLE_SRC, "198.51.100.1:61234", "10.0.1.2:4001", "10.0.1.2", 4001},
    {"192.0.2.9 > 198.51.100.1 icmp 3/3 about {%s > 8.8.8.8:53 udp 'odd' "
     "ipopt 94040000}",
     MANGLE_SRC, "198.51.100.1:61234", "10.0.1.2:4001", "10.0.1.2", 4001},
    {"192.0.2.9 > 198.51.100.1 icmp 3/3 about {%s > 8.8.8.8:53 udp nosum 'x'}",
     MANGLE_SRC, "198.51.100.1:61234", "10.0.1.2:4001", "10.0.1.2", 4001},
    {"192.0.2.9 > 198.51.100.1 icmp 3/3 about {8.8.8.8:5 > %s udp 'x'}",
     MANGLE_DST, "10.0.1.2:4001", "198.51.100.1:61234", "198.51.100.1", 61234},
    {"192.0.2.9 > 198.51.100.1 icmp 3/2 about {%s > 8.8.8.8:99 sctp INIT itag "
     "7 len 20}",
     MANGLE_SRC, "198.51.100.1:61234", "10.0.1.2:4001", "10.0.1.2", 4001},
    /* by 8 bytes, by 12, and by half of it: the whole's CRC all the same */
    {"192.0.2.9 > 198.51.100.1 icmp 3/2 about {%s > 8.8.8.8:99 sctp DATA vtag "
     "7 len 20} quote 8",
     MANGLE_SRC, "198.51.100.1:61234", "10.0.1.2:4001", "10.0.1.2", 4001},
    {"192.0.2.9 > 198.51.100.1 icmp 3/2 about {%s > 8.8.8.8:99 sctp DATA vtag "
     "7 len 20} quote 12",
     MANGLE_SRC, "198.51.100.1:61234", "10.0.1.2:4001", "10.0.1.2", 4001},
    {"192.0.2.9 > 198.51.100.1 icmp 3/2 about {8.8.8.8:99 > %s sctp DATA vtag "
     "7 len 1200 ipopt 94040000} quote 400",
     MANGLE_DST, "10.0.1.2:4001", "198.51.100.1:61234", "198.51.100.1", 61234},
    {"2001:db8::9 > fd00::1 icmp 1/4 about {[fd00::3]:2 > %s sctp DATA vtag 7 "
     "dstopt 8 len 1300}",
     MANGLE_DST, "[2001:db8::1]:61234", "[fd00::9]:1", "fd00::9", 1},
    {"192.0.2.9 > 198.51.100.1 icmp 3/2 about {%s > 8.8.8.8:99 dccp REQUEST "
     "seq 7 len 9} quote 8",
     MANGLE_SRC, "198.51.100.1:61234", "10.0.1.2:4001", "10.0.1.2", 4001},
    {"192.0.2.9 > 198.51.100.1 icmp 3/1 about {%s > 8.8.8.8 proto 47 len 30}",
     MANGLE_SRC, "198.51.100.1", "10.0.1.2", "10.0.1.2", 4001},
    {"2001:db8::9 > fd00::1 icmp 2/0 mtu 1280 about {%s > [fd00::3]:2 tcp . "
     "dstopt 8 len 600}",
     MANGLE_SRC, "[2001:db8::1]:61234", "[fd00::9]:1", "fd00::9", 1},
    {"2001:db8::9 > fd00::1 icmp 1/4 about {[fd00::3]:2 > %s udp len 6}",
     MANGLE_DST, "[2001:db8::1]:61234", "[fd00::9]:1", "fd00::9", 1},
};

static void i3_rewritten_is_as_built(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(rewrites); i++) {
        union ct_addr to = addr(rewrites[i].addr);
        char spec[300], text[300];
        uint8_t want[2000];
        struct ct_pkt pkt;
        struct inner in;
        size_t n;

        snprintf(spec, sizeof spec, rewrites[i].format, rewrites[i].was);
        make(&pkt, spec);
        assert_int_equal(parse_inner(&pkt, &in), CT_REASON_NONE);
        mangle_inner(&pkt, &in, rewrites[i].side, &to, rewrites[i].port);

        snprintf(spec, sizeof spec, rewrites[i].format, rewrites[i].is);
        n = packet_build(want, sizeof want, spec);
        assert_int_equal(n, pkt.len);
        if (memcmp(want, pkt.data, n) != 0) {
            packet_print(text, sizeof text, pkt.data, pkt.len);
            fail_msg("want %s\n got  %s", spec, text);
        }
        free(pkt.data);
    }
}

static void query_ids_inside(void **state)
{
    union ct_addr to = addr("10.0.1.2");
    uint8_t want[200];
    struct ct_pkt pkt;
    struct inner in;
    size_t n;

    (void)state;
    make(&pkt, "192.0.2.9 > 198.51.100.1 icmp 11/0 about {198.51.100.1 > "
               "8.8.8.8 icmp echo id 39441 seq 3 len 9}");
    assert_int_equal(parse_inner(&pkt, &in), CT_REASON_NONE);
    mangle_inner(&pkt, &in, MANGLE_SRC, &to, 7);
    n = packet_build(want, sizeof want,
                     "192.0.2.9 > 198.51.100.1 icmp 11/0 about {10.0.1.2 > "
                     "8.8.8.8 icmp echo id 7 seq 3 len 9}");
    assert_int_equal(n, pkt.len);
    assert_memory_equal(want, pkt.data, n);
    free(pkt.data);
}

/* A quotation that ends anywhere: as much as is there is translated, the rest
 * is not touched, and the outer checksum is right each time. */
static void i2_quotations_cut_everywhere(void **state)
{
    static const char *const about[] = {
        "198.51.100.1:61234 > 8.8.8.8:80 tcp S seq 9 mss 1460",
        "198.51.100.1:61234 > 8.8.8.8:80 udp len 9",
        "198.51.100.1 > 8.8.8.8 icmp echo id 9 len 9",
        "198.51.100.1 > 8.8.8.8 proto 99 len 9",
        "[2001:db8::1]:1 > [fd00::3]:2 tcp S hbh 8 mss 1440",
        "2001:db8::1 > fd00::3 icmp echo id 9 len 9",
    };

    (void)state;
    for (size_t i = 0; i < N(about); i++) {
        bool v6 = about[i][0] == '[' || about[i][0] == '2';
        union ct_addr to = addr(v6 ? "fd00::9" : "10.0.1.2");
        uint8_t whole[300], buf[300];
        char spec[300];
        size_t n, head = v6 ? 48 : 28;
        unsigned done = 0;

        snprintf(spec, sizeof spec, "%s icmp %s about {%s}",
                 v6 ? "2001:db8::9 > fd00::1" : "192.0.2.9 > 198.51.100.1",
                 v6 ? "1/0" : "3/1", about[i]);
        n = packet_build(whole, sizeof whole, spec);
        for (size_t len = head; len <= n; len++) {
            struct ct_pkt pkt;
            struct inner in;

            memcpy(buf, whole, n);
            buf[v6 ? 4 : 2] = 0;
            buf[v6 ? 5 : 3] = (uint8_t)(v6 ? len - 40 : len);
            packet_fix_sums(buf, len);
            take(&pkt, buf, len);
            if (parse_inner(&pkt, &in) == CT_REASON_NONE) {
                assert_true(in.l4_off + in.l4_len <= len);
                mangle_inner(&pkt, &in, MANGLE_SRC, &to, 4001);
                assert_true(mangle_l4_checksum_ok(&pkt));
                assert_memory_equal(pkt.data + head + (v6 ? 8 : 12), to.b,
                                    v6 ? 16 : 4);
                done++;
            }
            free(pkt.data);
        }
        assert_true(done >= 9);
    }
}

/* row I2: lengths that lie, whatever the bytes. */
static void i2_random_quotations(void **state)
{
    struct rng rng = {12};
    union ct_addr to = addr("10.0.1.2");
    unsigned good = 0;

    (void)state;
    for (int i = 0; i < 100000; i++) {
        uint8_t buf[2000];
        const char *spec = found[hash_rng_below(&rng, N(found))].error;
        size_t n = packet_build(buf, sizeof buf, spec);
        bool v4 = buf[0] >> 4 == 4;
        size_t head = v4 ? 28 : 48;
        struct ct_pkt pkt;
        struct inner in;

        if (n == head)
            continue;
        for (uint32_t k = hash_rng_below(&rng, 5); k > 0; k--) {
            uint32_t room = (uint32_t)(n - head);

            buf[head + hash_rng_below(&rng, room < 60 ? room : 60)] =
                (uint8_t)hash_rng_next(&rng);
        }
        packet_fix_sums(buf, n);
        take(&pkt, buf, n);
        if (parse_inner(&pkt, &in) == CT_REASON_NONE) {
            assert_true(in.ip_off == head && in.l4_off > in.ip_off);
            assert_true(in.l4_off + in.l4_len <= pkt.len);
            mangle_inner(&pkt, &in,
                         hash_rng_below(&rng, 2) ? MANGLE_SRC : MANGLE_DST, &to,
                         (uint16_t)hash_rng_next(&rng));
            assert_true(mangle_l4_checksum_ok(&pkt));
            good++;
        }
        free(pkt.data);
    }
    assert_true(good > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_quoted_is_found),
        cmocka_unit_test(i3_rewritten_is_as_built),
        cmocka_unit_test(query_ids_inside),
        cmocka_unit_test(i2_quotations_cut_everywhere),
        cmocka_unit_test(i2_random_quotations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
