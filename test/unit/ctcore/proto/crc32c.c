/* crc32c.c - SCTP's checksum against the plain way, bit by bit */
#include "proto/crc32c.h"
#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint32_t plain(const uint8_t *p, uint32_t n)
{
    uint32_t crc = 0xffffffff;

    for (uint32_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
    }
    return ~crc;
}

static uint32_t sum(const uint8_t *p, uint32_t n)
{
    return ~crc32c_add(CRC32C_NONE, p, n);
}

static void fill(struct rng *rng, uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)hash_rng_next(rng);
}

/* RFC 3720 B.4, and the check value that catalogues of CRCs give. */
static void known_answers(void **state)
{
    uint8_t p[32];

    (void)state;
    assert_int_equal(sum((const uint8_t *)"123456789", 9), 0xe3069283);
    memset(p, 0, sizeof p);
    assert_int_equal(sum(p, 32), 0x8a9136aa);
    memset(p, 0xff, sizeof p);
    assert_int_equal(sum(p, 32), 0x62a8ab43);
    for (uint8_t i = 0; i < 32; i++)
        p[i] = i;
    assert_int_equal(sum(p, 32), 0x46dd794e);
    for (uint8_t i = 0; i < 32; i++)
        p[i] = (uint8_t)(31 - i);
    assert_int_equal(sum(p, 32), 0x113fdb5c);
}

static void every_length_in_an_exact_block(void **state)
{
    struct rng rng = {2};

    (void)state;
    for (uint32_t n = 0; n <= 200; n++) {
        uint8_t *p = malloc(n > 0 ? n : 1);

        fill(&rng, p, n);
        assert_int_equal(sum(p, n), plain(p, n));
        free(p);
    }
}

/* All bytes at all eight places: each entry of each table. */
static void every_byte_everywhere(void **state)
{
    (void)state;
    for (unsigned place = 0; place < 16; place++)
        for (unsigned v = 0; v < 256; v++) {
            uint8_t p[16] = {0};

            p[place] = (uint8_t)v;
            assert_int_equal(sum(p, 16), plain(p, 16));
        }
}

static void goes_on_where_it_stopped(void **state)
{
    struct rng rng = {3};
    uint8_t p[100];

    (void)state;
    fill(&rng, p, sizeof p);
    for (uint32_t cut = 0; cut <= 100; cut++)
        assert_int_equal(
            ~crc32c_add(crc32c_add(CRC32C_NONE, p, cut), p + cut, 100 - cut),
            plain(p, 100));
}

static void four_bytes_changed(void **state)
{
    struct rng rng = {4};
    uint8_t *p = malloc(65536);

    (void)state;
    for (unsigned i = 0; i < 3000; i++) {
        uint32_t n = i < 300 ? 4 + i : 4 + hash_rng_below(&rng, 65532);
        uint32_t at = i % 3 ? 0 : hash_rng_below(&rng, n - 3), before, was;

        fill(&rng, p, 100);
        before = sum(p, n);
        was = crc32c_load(p + at);
        fill(&rng, p + at, 4);
        assert_int_equal(
            sum(p, n), before ^ crc32c_diff(was ^ crc32c_load(p + at), n - at));
    }
    assert_int_equal(crc32c_diff(0, 1400), 0);
    free(p);
}

static void stored_is_loaded(void **state)
{
    uint8_t p[4];

    (void)state;
    crc32c_store(p, 0x12345678);
    assert_int_equal(p[0], 0x78);
    assert_int_equal(p[3], 0x12);
    assert_int_equal(crc32c_load(p), 0x12345678);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(every_length_in_an_exact_block),
        cmocka_unit_test(every_byte_everywhere),
        cmocka_unit_test(goes_on_where_it_stopped),
        cmocka_unit_test(four_bytes_changed),
        cmocka_unit_test(stored_is_loaded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
