#include "quarantine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const union ct_addr one = {.b = {10, 0, 1, 2}},
                           two = {.b = {10, 0, 1, 3}};

static ct_time at(uint64_t s)
{
    return (ct_time){5000 + s * 1000};
}

/* Room for max flows; the caller frees *block. */
static struct quarantine make(uint32_t max, void **block)
{
    static const uint64_t key[2] = {1, 2};
    struct block b = {.base = NULL};
    struct quarantine q;

    quarantine_init(&q, &b, max);
    *block = calloc(1, b.used + 64);
    assert_non_null(*block);
    b = (struct block){.base = *block};
    quarantine_init(&q, &b, max);
    quarantine_start(&q, key, at(0));
    return q;
}

static void rests_for_its_time(void **state)
{
    void *block;
    struct quarantine q = make(64, &block);

    (void)state;
    assert_false(quarantine_holds(&q, 77, &two, at(0)));
    quarantine_note(&q, 77, &one, at(0), 120);
    assert_true(quarantine_holds(&q, 77, &two, at(0)));
    assert_true(quarantine_holds(&q, 77, &two, at(119)));
    assert_false(quarantine_holds(&q, 77, &two, at(120)));
    assert_false(quarantine_holds(&q, 77, &one, at(1)));
    assert_false(quarantine_holds(&q, 78, &two, at(1)));
    quarantine_note(&q, 77, &two, at(60), 120); /* whoever had it last */
    assert_true(quarantine_holds(&q, 77, &one, at(179)));
    assert_false(quarantine_holds(&q, 77, &two, at(61)));
    free(block);
}

/* A line has four places: the one that has rested longest makes room. */
static void the_oldest_goes(void **state)
{
    void *block;
    struct quarantine q = make(64, &block);
    uint64_t lines = q.n_lines;

    (void)state;
    for (uint64_t i = 0; i < 5; i++)
        quarantine_note(&q, 3 + lines * (i + 1), &one, at(i), 120);
    assert_false(quarantine_holds(&q, 3 + lines, &two, at(5)));
    for (uint64_t i = 1; i < 5; i++)
        assert_true(quarantine_holds(&q, 3 + lines * (i + 1), &two, at(5)));
    quarantine_note(&q, 3 + lines * 9, &one, at(122), 120); /* over: free */
    for (uint64_t i = 3; i < 5; i++)
        assert_true(quarantine_holds(&q, 3 + lines * (i + 1), &two, at(122)));
    free(block);
}

static void off_costs_nothing(void **state)
{
    struct block b = {.base = NULL};
    struct quarantine q;

    (void)state;
    quarantine_init(&q, &b, 0);
    assert_int_equal(b.used, 0);
    quarantine_note(&q, 77, &one, at(0), 120);
    assert_false(quarantine_holds(&q, 77, &two, at(0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rests_for_its_time),
        cmocka_unit_test(the_oldest_goes),
        cmocka_unit_test(off_costs_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
