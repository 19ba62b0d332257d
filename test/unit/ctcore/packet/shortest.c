/* shortest.c - a transport header that is there whole is read; with one byte
 * less it is not, and its packet is INVALID */
#include "base/csum.h"
#include "bytes.h"
#include "packet.h"
#include "packet/mangle.h"
#include "packet/parse.h"

#include <ctcore/ct.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *spec;
    uint8_t header;
} rows[] = {
    {"10.0.1.2:1 > 8.8.8.8:2 tcp S", 20},
    {"10.0.1.2:1 > 8.8.8.8:2 udp", 8},
    {"10.0.1.2:1 > 8.8.8.8:2 udplite", 8},
    {"10.0.1.2:1 > 8.8.8.8:2 sctp - vtag 1", 12},
    {"10.0.1.2:1 > 8.8.8.8:2 dccp DATA short", 12},
    {"10.0.1.2:1 > 8.8.8.8:2 dccp DATA short cscov 1", 12},
    {"10.0.1.2:1 > 8.8.8.8:2 dccp DATA", 16},
    {"10.0.1.2 > 8.8.8.8 icmp echo", 8},
    {"10.0.1.2 > 8.8.8.8 proto 47 hex 00000800", 4},
    {"[fd00::1]:1 > [fd00::2]:2 tcp S", 20},
    {"[fd00::1]:1 > [fd00::2]:2 dccp DATA short", 12},
    {"fd00::1 > fd00::2 icmp echo", 8},
};

/* A block of exactly its bytes: a read past them ends the test. */
static struct ct_pkt read_packet(const uint8_t *bytes, size_t n)
{
    struct ct_pkt pkt = {.data = malloc(n), .len = (uint32_t)n};

    assert_non_null(pkt.data);
    memcpy(pkt.data, bytes, n);
    assert_int_equal(ct_parse_packet(&pkt), CT_REASON_NONE);
    return pkt;
}

static void shorten(uint8_t *bytes, size_t n)
{
    if (bytes[0] >> 4 == 6) {
        bytes_put16(bytes + 4, (uint16_t)(n - 40));
        return;
    }
    bytes_put16(bytes + 2, (uint16_t)n);
    bytes_put16(bytes + 10, 0);
    bytes_put16(bytes + 10, (uint16_t)~csum_fold(csum_add(0, bytes, 20)));
}

static void each_protocols_shortest_header(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t bytes[128];
        size_t n = packet_build(bytes, sizeof bytes, rows[i].spec);
        struct ct_pkt pkt = read_packet(bytes, n);

        assert_int_equal(pkt.l4_len, rows[i].header);
        if (pkt.l4_bad || !mangle_l4_checksum_ok(&pkt))
            fail_msg("%s: %s", rows[i].spec,
                     ct_reason_name((enum ct_reason)pkt.l4_bad));
        free(pkt.data);
        shorten(bytes, n - 1);
        pkt = read_packet(bytes, n - 1);
        if (!pkt.l4_bad)
            fail_msg("%s, a byte less", rows[i].spec);
        free(pkt.data);
    }
}

/* RFC 4340 9.2: a coverage beyond the packet is a wrong checksum. */
static void coverage_ends_with_the_packet(void **state)
{
    (void)state;
    for (unsigned words = 0; words < 16; words++) {
        uint8_t bytes[128];
        size_t n = packet_build(bytes, sizeof bytes,
                                "10.0.1.2:1 > 8.8.8.8:2 dccp DATA short");
        struct ct_pkt pkt = read_packet(bytes, n);

        pkt.data[20 + 5] = (uint8_t)words; /* behind parse()'s back */
        packet_fix_sums(pkt.data, pkt.len);
        assert_int_equal(mangle_l4_checksum_ok(&pkt), words <= 1);
        free(pkt.data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_protocols_shortest_header),
        cmocka_unit_test(coverage_ends_with_the_packet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
