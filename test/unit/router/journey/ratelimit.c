/* ratelimit.c - how often the router answers one address */
#include "journey/ratelimit.h"

#include "bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static union ct_addr addr(uint32_t n)
{
    union ct_addr a = {.w64 = {0, 0}};

    a.b[0] = 10;
    a.b[1] = (uint8_t)(n >> 16);
    bytes_put16(a.b + 2, n);
    return a;
}

/* How many of n askings within one instant are granted. */
static unsigned ask(struct ratelimit *l, uint32_t who, uint64_t ms, unsigned n)
{
    union ct_addr a = addr(who);
    unsigned granted = 0;

    while (n-- > 0)
        granted += ratelimit_take(l, &a, (ct_time){ms});
    return granted;
}

static void burst_is_ten(void **state)
{
    struct ratelimit l;

    (void)state;
    ratelimit_setup(&l, 1, 1);
    assert_int_equal(ask(&l, 1, 1000, 100), 10);
    assert_int_equal(ask(&l, 1, 1000, 100), 0);
    assert_int_equal(ask(&l, 1, 1074, 100), 0); /* never before 75 ms */
    assert_int_equal(ask(&l, 1, 1126, 100), 1); /* always within 125 */
}

static void about_ten_a_second(void **state)
{
    struct ratelimit l;
    unsigned granted = 0;

    (void)state;
    ratelimit_setup(&l, 2, 1);
    ask(&l, 1, 1000, 10);
    for (uint64_t ms = 1001; ms <= 101000; ms++)
        granted += ask(&l, 1, ms, 1);
    assert_in_range(granted, 960, 1040);
}

static void rest_refills_no_more_than_the_burst(void **state)
{
    struct ratelimit l;

    (void)state;
    ratelimit_setup(&l, 3, 1);
    ask(&l, 1, 1000, 10);
    assert_int_equal(ask(&l, 1, 3600000, 100), 10);
}

/* T10: errors to one address do not change how many another gets,
 * but for one chance in 256 that they share a bucket. */
static void addresses_do_not_share(void **state)
{
    unsigned shared = 0;

    (void)state;
    for (uint32_t i = 0; i < 2560; i++) {
        struct ratelimit l;

        ratelimit_setup(&l, i, 1);
        ask(&l, 1, 1000, 1000);
        shared += ask(&l, 2 + i, 1000, 100) != 10;
    }
    assert_in_range(shared, 1, 30);
}

/* Who shares with whom is a secret of this run. */
static void buckets_depend_on_the_seed(void **state)
{
    unsigned differ = 0;

    (void)state;
    for (uint32_t i = 0; i < 4096; i++) {
        struct ratelimit a, b;

        if (i % 256 != 0)
            continue;
        ratelimit_setup(&a, 10, 1);
        ratelimit_setup(&b, 11, 1);
        for (uint32_t k = 0; k < 256; k++) {
            ask(&a, i + k, 1000, 10);
            ask(&b, i + k, 1000, 10);
        }
        for (uint32_t k = 0; k < 256; k++)
            differ += (a.bucket[k].tokens == 0) != (b.bucket[k].tokens == 0);
    }
    assert_true(differ > 100);
}

/* How many of n strangers, each asking once, are answered. */
static unsigned ask_strangers(struct ratelimit *l, enum ratelimit_side side,
                              uint64_t ms, unsigned n)
{
    unsigned granted = 0;

    for (; n-- > 0 && ratelimit_total_left(l, side, (ct_time){ms}); granted++)
        ratelimit_total_use(l, side);
    return granted;
}

/* A burst of 50 and a thousand a second, however many parts share it; what
 * strangers ask for is not taken from the inside. */
static void a_total_for_all_addresses(void **state)
{
    (void)state;
    for (uint32_t parts = 1; parts <= 4; parts++) {
        unsigned burst = 0, rate = 0, inside = 0;

        for (uint32_t k = 0; k < parts; k++) {
            struct ratelimit l;

            ratelimit_setup(&l, 20 + k, parts);
            burst += ask_strangers(&l, RATELIMIT_OUTSIDE, 1000, 3000);
            for (uint64_t ms = 1001; ms <= 11000; ms++)
                rate += ask_strangers(&l, RATELIMIT_OUTSIDE, ms, 10);
            inside += ask_strangers(&l, RATELIMIT_INSIDE, 11000, 3000);
        }
        assert_in_range(burst, 25, 90);
        assert_in_range(inside, 25, 90);
        assert_in_range(rate, 8000, 16000);
    }
}

static void jitter_is_not_periodic(void **state)
{
    struct ratelimit l;
    uint64_t last = 1000, gap, first = 0;
    bool varies = false;

    (void)state;
    ratelimit_setup(&l, 4, 1);
    ask(&l, 1, 1000, 10);
    for (uint64_t ms = 1001; ms < 6000; ms++) {
        if (ask(&l, 1, ms, 1) == 0)
            continue;
        gap = ms - last;
        assert_in_range(gap, 75, 125);
        varies = varies || (first != 0 && gap != first);
        first = gap;
        last = ms;
    }
    assert_true(varies);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(burst_is_ten),
        cmocka_unit_test(about_ten_a_second),
        cmocka_unit_test(rest_refills_no_more_than_the_burst),
        cmocka_unit_test(addresses_do_not_share),
        cmocka_unit_test(buckets_depend_on_the_seed),
        cmocka_unit_test(a_total_for_all_addresses),
        cmocka_unit_test(jitter_is_not_periodic),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
