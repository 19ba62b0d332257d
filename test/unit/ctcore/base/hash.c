/* hash.c - SipHash-1-3 against a reference made here, and the generator */
#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* SipHash-c-d over bytes, written from the paper (Aumasson, Bernstein 2012,
 * section 2), any number of rounds: 2-4 proves it by the paper's own vector. */
static uint64_t left(uint64_t x, int n)
{
    return (x << n) | (x >> (64 - n));
}

static void rounds(uint64_t v[4], int n)
{
    while (n-- > 0) {
        v[0] += v[1];
        v[1] = left(v[1], 13) ^ v[0];
        v[0] = left(v[0], 32);
        v[2] += v[3];
        v[3] = left(v[3], 16) ^ v[2];
        v[0] += v[3];
        v[3] = left(v[3], 21) ^ v[0];
        v[2] += v[1];
        v[1] = left(v[1], 17) ^ v[2];
        v[2] = left(v[2], 32);
    }
}

static uint64_t reference(int c, int d, const uint8_t *m, size_t n,
                          const uint64_t k[2])
{
    uint64_t v[4] = {k[0] ^ 0x736f6d6570736575, k[1] ^ 0x646f72616e646f6d,
                     k[0] ^ 0x6c7967656e657261, k[1] ^ 0x7465646279746573};

    for (size_t i = 0; i <= n; i += 8) {
        uint64_t word = 0;

        for (size_t j = 0; j < 8 && i + j < n; j++)
            word |= (uint64_t)m[i + j] << 8 * j;
        if (i + 8 > n)
            word |= (uint64_t)(n & 0xff) << 56;
        v[3] ^= word;
        rounds(v, c);
        v[0] ^= word;
    }
    v[2] ^= 0xff;
    rounds(v, d);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static void reference_meets_the_papers_vector(void **state)
{
    /* appendix A: key 00 01 .. 0f, message 00 01 .. 0e */
    const uint64_t key[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    uint8_t m[15];

    (void)state;
    for (uint8_t i = 0; i < sizeof m; i++)
        m[i] = i;
    assert_true(reference(2, 4, m, sizeof m, key) == 0xa129ca6149be45e5);
}

static void words_hash_as_their_bytes(void **state)
{
    struct rng rng = {1};

    (void)state;
    for (unsigned n = 0; n <= 6; n++) {
        for (int again = 0; again < 1000; again++) {
            uint64_t words[6],
                key[2] = {hash_rng_next(&rng), hash_rng_next(&rng)};
            uint8_t bytes[48];

            for (unsigned i = 0; i < 6; i++)
                words[i] = hash_rng_next(&rng);
            memcpy(bytes, words, sizeof bytes);
            assert_true(hash_words(words, n, key) ==
                        reference(1, 3, bytes, (size_t)n * 8, key));
        }
    }
}

static void generator_is_splitmix64(void **state)
{
    /* The first answers for seed 1234567, as its author's program prints. */
    static const uint64_t want[] = {
        6457827717110365317u, 3203168211198807973u,  9817491932198370423u,
        4593380528125082431u, 16408922859458223821u,
    };
    struct rng rng = {1234567};

    (void)state;
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
        assert_true(hash_rng_next(&rng) == want[i]);
}

static void below_stays_below_and_reaches_all(void **state)
{
    struct rng rng = {7};

    (void)state;
    for (uint32_t n = 1; n <= 64; n++) {
        uint64_t seen = 0;

        for (int i = 0; i < 4000; i++) {
            uint32_t got = hash_rng_below(&rng, n);

            assert_true(got < n);
            seen |= UINT64_C(1) << got;
        }
        assert_true(seen == UINT64_MAX >> (64 - n));
    }
    for (int i = 0; i < 1000; i++)
        assert_true(hash_rng_below(&rng, UINT32_MAX) < UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference_meets_the_papers_vector),
        cmocka_unit_test(words_hash_as_their_bytes),
        cmocka_unit_test(generator_is_splitmix64),
        cmocka_unit_test(below_stays_below_and_reaches_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
