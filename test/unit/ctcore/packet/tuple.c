/* tuple.c - two tuples are equal when every field is, and hash so */
#include "packet/tuple.h"
#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const uint64_t key[2] = {0x0123456789abcdef, 0xfedcba9876543210};

static struct ct_tuple sample(uint8_t family)
{
    struct ct_tuple t = {
        .sport = 4001, .dport = 80, .zone = 0, .family = family, .proto = 6};

    for (unsigned i = 0; i < (family == CT_IPV4 ? 4u : 16u); i++) {
        t.src.b[i] = (uint8_t)(10 + i);
        t.dst.b[i] = (uint8_t)(100 + i);
    }
    return t;
}

/* Every bit that an address of that family, or the rest, has. */
static bool is_used(uint8_t family, size_t byte)
{
    return family == CT_IPV6 || byte >= 32 || byte % 16 < 4;
}

static void any_bit_makes_another_tuple(void **state)
{
    static const uint8_t families[] = {CT_IPV4, CT_IPV6};

    (void)state;
    for (size_t f = 0; f < 2; f++) {
        struct ct_tuple a = sample(families[f]), b;
        uint8_t bytes[sizeof a];

        assert_true(tuple_eq(&a, &a));
        for (size_t bit = 0; bit < sizeof a * 8; bit++) {
            if (!is_used(families[f], bit / 8))
                continue;
            memcpy(bytes, &a, sizeof a);
            bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            memcpy(&b, bytes, sizeof b);
            assert_false(tuple_eq(&a, &b));
            assert_true(tuple_hash(&a, key) != tuple_hash(&b, key));
        }
    }
}

static void equal_tuples_hash_alike_under_one_key(void **state)
{
    static const uint64_t other[2] = {1, 2};
    struct ct_tuple a = sample(CT_IPV4), b;

    (void)state;
    memset(&b, 0xff, sizeof b);
    b = sample(CT_IPV4);
    assert_true(tuple_hash(&a, key) == tuple_hash(&b, key));
    assert_true(tuple_hash(&a, key) != tuple_hash(&a, other));
}

static void ipv4_is_packed_into_two_words(void **state)
{
    struct ct_tuple t = sample(CT_IPV4);
    uint64_t words[2];

    (void)state;
    memcpy(&words[0], t.src.b, 4);
    memcpy((uint8_t *)words + 4, t.dst.b, 4);
    memcpy(&words[1], &t.sport, 8);
    assert_true(tuple_hash(&t, key) == hash_words(words, 2, key));
}

static void ipv6_is_hashed_whole(void **state)
{
    struct ct_tuple t = sample(CT_IPV6);
    uint64_t words[5];

    (void)state;
    memcpy(words, &t, sizeof words);
    assert_true(tuple_hash(&t, key) == hash_words(words, 5, key));
}

/* A flood of neighbouring tuples spreads like chance. */
static void neighbours_spread_over_buckets(void **state)
{
    enum { BUCKETS = 1024, TUPLES = 65536 };
    static uint32_t count[BUCKETS];
    struct ct_tuple t = sample(CT_IPV4);
    double chi = 0, expect = (double)TUPLES / BUCKETS;

    (void)state;
    for (uint32_t port = 0; port < TUPLES; port++) {
        t.sport = (uint16_t)port;
        count[tuple_hash(&t, key) % BUCKETS]++;
    }
    for (size_t i = 0; i < BUCKETS; i++)
        chi += (count[i] - expect) * (count[i] - expect) / expect;
    /* 1023 degrees of freedom: mean 1023, deviation 45 */
    assert_true(chi > 1023 - 6 * 45 && chi < 1023 + 6 * 45);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_bit_makes_another_tuple),
        cmocka_unit_test(equal_tuples_hash_alike_under_one_key),
        cmocka_unit_test(ipv4_is_packed_into_two_words),
        cmocka_unit_test(ipv6_is_hashed_whole),
        cmocka_unit_test(neighbours_spread_over_buckets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
