/* deadlines.c - the heap gives the soonest first, whatever comes */
#include "table/deadlines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N = 64, ROOM = 48 };

struct fix {
    struct ct_conn conns[N];
    uint8_t room[(ROOM + N) * 32];
    struct deadlines d;
};

static struct fix *open_fix(void)
{
    struct fix *f = aligned_alloc(64, (sizeof *f + 63) & ~63ul);
    struct block b = {.base = f->room};

    memset(f, 0, sizeof *f);
    deadlines_init(&f->d, &b, ROOM, N);
    assert_true(b.used <= sizeof f->room);
    f->d.conns = f->conns;
    return f;
}

static void put(struct fix *f, uint32_t slot, uint64_t ms)
{
    f->conns[slot].expires = ms;
    deadlines_set(&f->d, slot);
}

static uint32_t due(struct fix *f, uint64_t ms)
{
    uint32_t left = UINT32_MAX;

    return deadlines_due(&f->d, (ct_time){ms}, &left);
}

static void the_soonest_goes_first(void **state)
{
    struct fix *f = open_fix();
    static const uint64_t ms[] = {5000, 1000, 9000, 3000, 7000};

    (void)state;
    for (uint32_t i = 0; i < 5; i++)
        put(f, i, ms[i]);
    assert_int_equal(deadlines_next(&f->d), 1000);
    assert_int_equal(due(f, 999), CT_NONE);
    for (uint64_t t = 1000; t <= 9000; t += 2000) {
        uint32_t slot = due(f, t);

        assert_int_equal(f->conns[slot].expires, t);
        deadlines_remove(&f->d, slot);
        assert_int_equal(due(f, t), CT_NONE);
    }
    assert_true(deadlines_next(&f->d) == UINT64_MAX);
    free(f);
}

/* A little later: the place stays, and what was due in vain finds its own. */
static void a_deadline_may_run_ahead_of_its_place(void **state)
{
    struct fix *f = open_fix();

    (void)state;
    put(f, 0, 5000);
    put(f, 1, 5100);
    put(f, 0, 5999);
    assert_int_equal(deadlines_next(&f->d), 5000);
    assert_int_equal(due(f, 5050), CT_NONE);
    assert_int_equal(deadlines_next(&f->d), 5100);
    assert_int_equal(due(f, 5998), 1);
    deadlines_remove(&f->d, 1);
    assert_int_equal(due(f, 5998), CT_NONE);
    assert_int_equal(due(f, 5999), 0);
    put(f, 0, 100); /* nearer: at once */
    assert_int_equal(due(f, 100), 0);
    free(f);
}

static void without_memory_nothing_is_due(void **state)
{
    struct deadlines d;
    struct block b = {.base = NULL};
    uint32_t left = 1;

    (void)state;
    deadlines_init(&d, &b, 0, N);
    assert_int_equal(b.used, 0);
    deadlines_remove(&d, 3);
    assert_int_equal(deadlines_due(&d, (ct_time){UINT64_MAX}, &left), CT_NONE);
    assert_int_equal(left, 1);
}

/* However many have got a little further, one call moves no more than it may;
 * the next ones go on, and who is due behind them comes at last. */
static void a_call_moves_no_more_than_it_may(void **state)
{
    struct fix *f = open_fix();
    uint32_t left;

    (void)state;
    for (uint32_t i = 0; i < ROOM - 1; i++) {
        put(f, i, 1000);
        put(f, i, 1900); /* less than a second: its place stays */
    }
    put(f, ROOM - 1, 1100);
    for (uint32_t call = 0; call < 5; call++) { /* 47 there are */
        left = 10;
        assert_int_equal(deadlines_due(&f->d, (ct_time){1000}, &left), CT_NONE);
        assert_int_equal(left, call < 4 ? 0 : 3);
    }
    assert_int_equal(deadlines_next(&f->d), 1100);
    left = 1;
    assert_int_equal(deadlines_due(&f->d, (ct_time){1100}, &left), ROOM - 1);
    assert_int_equal(left, 1);
    free(f);
}

/* Anything in any order, against a look at all. */
static void whatever_comes_the_order_is_right(void **state)
{
    struct fix *f = open_fix();
    bool in[N] = {false};
    uint32_t dice = 1, n = 0, gone = 0;
    uint64_t now = 1;

    (void)state;
    for (int step = 0; step < 200000; step++) {
        uint32_t slot;

        dice = dice * 1664525u + 1013904223u;
        slot = (dice >> 8) % N;
        now += dice >> 30;
        if ((dice >> 16) % 8 == 0) {
            deadlines_remove(&f->d, slot);
            n -= in[slot];
            in[slot] = false;
        } else if (in[slot] || n < ROOM) {
            n += !in[slot];
            in[slot] = true;
            put(f, slot, now + 1 + (dice >> 20) % 3000);
        }
        assert_int_equal(f->d.n, n);
        while ((slot = due(f, now)) != CT_NONE) {
            assert_true(in[slot] && f->conns[slot].expires <= now);
            deadlines_remove(&f->d, slot);
            in[slot] = false;
            n--;
            gone++;
        }
        for (uint32_t i = 0; i < N; i++)
            assert_true(!in[i] ||
                        (f->conns[i].expires > now &&
                         f->conns[i].expires >= deadlines_next(&f->d)));
    }
    assert_true(gone > 1000);
    free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_soonest_goes_first),
        cmocka_unit_test(a_deadline_may_run_ahead_of_its_place),
        cmocka_unit_test(a_call_moves_no_more_than_it_may),
        cmocka_unit_test(without_memory_nothing_is_due),
        cmocka_unit_test(whatever_comes_the_order_is_right),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
