/* csum.c - Internet checksums against the plain way of RFC 1071 */
#include "base/csum.h"
#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Word by word, end-around carry at each step: not the core's, to judge it. */
static uint16_t plain(const uint8_t *p, size_t n)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < n; i++) {
        sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
        sum = sum > 0xffff ? sum - 0xffff : sum;
    }
    return (uint16_t)sum;
}

static void fill(struct rng *rng, uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)hash_rng_next(rng);
}

static void rfc1071_example(void **state)
{
    /* RFC 1071 section 3: 00 01 f2 03 f4 f5 f6 f7 sums to ddf2 */
    static const uint8_t bytes[] = {0x00, 0x01, 0xf2, 0x03,
                                    0xf4, 0xf5, 0xf6, 0xf7};

    (void)state;
    assert_int_equal(csum_fold(csum_add(0, bytes, 8)), 0xddf2);
}

static void every_length_in_an_exact_block(void **state)
{
    struct rng rng = {2};

    (void)state;
    for (uint32_t n = 0; n <= 200; n++) {
        uint8_t *p = malloc(n > 0 ? n : 1);

        fill(&rng, p, n);
        assert_int_equal(csum_fold(csum_add(0, p, n)), plain(p, n));
        free(p);
    }
}

static void sums_go_on_where_they_stopped(void **state)
{
    struct rng rng = {3};
    uint8_t p[300];

    (void)state;
    fill(&rng, p, sizeof p);
    for (uint32_t cut = 0; cut <= 300; cut += 2) {
        uint32_t sum = csum_add(csum_add(0, p, cut), p + cut, 300 - cut);

        assert_int_equal(csum_fold(sum), plain(p, 300));
    }
}

static void largest_packet_of_ones_does_not_overflow(void **state)
{
    uint8_t *p = malloc(65535);

    (void)state;
    memset(p, 0xff, 65535);
    assert_int_equal(csum_fold(csum_add(0, p, 65535)), plain(p, 65535));
    assert_int_equal(csum_fold(csum_add(0xffffffff, p, 65534)), 0xffff);
    free(p);
}

static void pseudo_header_is_the_sum_of_its_bytes(void **state)
{
    struct rng rng = {4};
    uint8_t a[16], b[16], flat[40];

    (void)state;
    for (int i = 0; i < 1000; i++) {
        uint32_t len = i % 2 ? 65535u + 20 : (uint32_t)i;

        fill(&rng, a, 16);
        fill(&rng, b, 16);
        memcpy(flat, a, 4);
        memcpy(flat + 4, b, 4);
        memcpy(flat + 8, (uint8_t[]){0, 17, 0, (uint8_t)i}, 4);
        assert_int_equal(csum_fold(csum_pseudo(CT_IPV4, a, b, 17, (uint8_t)i)),
                         plain(flat, 12));
        memcpy(flat, a, 16);
        memcpy(flat + 16, b, 16);
        memcpy(flat + 32,
               (uint8_t[]){(uint8_t)(len >> 24), (uint8_t)(len >> 16),
                           (uint8_t)(len >> 8), (uint8_t)len, 0, 0, 0, 58},
               8);
        assert_int_equal(csum_fold(csum_pseudo(CT_IPV6, a, b, 58, len)),
                         plain(flat, 40));
    }
}

/* A checksum by difference is the one computed afresh, also where eqn 2 of RFC
 * 1141 is not: RFC 1624 section 4 has that very packet. */
static void rfc1624_example(void **state)
{
    (void)state;
    assert_int_equal(csum_update16(0xdd2f, 0x5555, 0x3285), 0x0000);
}

static void difference_equals_recompute(void **state)
{
    struct rng rng = {5};
    uint8_t p[40], was[40];

    (void)state;
    for (int i = 0; i < 200000; i++) {
        uint32_t at = hash_rng_below(&rng, 20) * 2;
        uint32_t n = (1 + hash_rng_below(&rng, 20 - at / 2)) * 2;
        uint32_t diff = 0;
        uint16_t check;

        fill(&rng, p, sizeof p);
        p[0] |= 1; /* all zeros is the one case where they may differ */
        memcpy(was, p, sizeof p);
        check = (uint16_t)~plain(p, sizeof p);
        fill(&rng, p + at, n);
        p[0] |= 1;
        for (uint32_t k = at; k < at + n; k += 2)
            diff += csum_diff16((uint16_t)(was[k] << 8 | was[k + 1]),
                                (uint16_t)(p[k] << 8 | p[k + 1]));
        assert_int_equal(csum_apply(check, diff),
                         (uint16_t)~plain(p, sizeof p));
    }
}

static void every_word_change_of_a_header(void **state)
{
    static const uint16_t words[] = {0x4500, 0x0028, 0x1234, 0x4000};
    uint32_t rest = 0;

    (void)state;
    for (size_t i = 0; i < 4; i++)
        rest += words[i];
    for (uint32_t was = 0; was <= 0xffff; was += 0x101) {
        uint16_t check = (uint16_t)~csum_fold(rest + was);

        for (uint32_t is = 0; is <= 0xffff; is++)
            assert_int_equal(csum_update16(check, (uint16_t)was, (uint16_t)is),
                             (uint16_t)~csum_fold(rest + is));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc1071_example),
        cmocka_unit_test(every_length_in_an_exact_block),
        cmocka_unit_test(sums_go_on_where_they_stopped),
        cmocka_unit_test(largest_packet_of_ones_does_not_overflow),
        cmocka_unit_test(pseudo_header_is_the_sum_of_its_bytes),
        cmocka_unit_test(rfc1624_example),
        cmocka_unit_test(difference_equals_recompute),
        cmocka_unit_test(every_word_change_of_a_header),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
