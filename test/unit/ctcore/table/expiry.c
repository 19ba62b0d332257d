/* expiry.c - deadlines to the millisecond, and lists in order of time */
#include "table/expiry.h"

#include <ctcore/ct.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N 256

struct fix {
    struct ct_conn conns[N];
    struct deadline heap[N];
    uint32_t at[N];
    struct expiry e;
    struct ct_params params;
};

static struct fix *open_fix(void)
{
    struct fix *f = calloc(1, sizeof *f);

    ct_params_default(&f->params, CT_PROFILE_LINUX);
    for (int i = 0; i < N; i++)
        f->conns[i].list = EXPIRY_NO_LIST;
    expiry_init(&f->e, f->conns, &f->params, (ct_time){0});
    f->e.own.heap = f->heap;
    f->e.own.at = f->at;
    return f;
}

static uint32_t due(struct fix *f, uint64_t ms)
{
    struct expiry_sweep sweep = {.left = UINT32_MAX};

    return expiry_due(&f->e, (ct_time){ms}, &sweep);
}

static void put(struct fix *f, uint32_t slot, uint8_t param, uint64_t ms)
{
    conn_write_begin(&f->conns[slot]);
    expiry_refresh(&f->e, slot, param, EXPIRY_UNASSURED, (ct_time){ms});
    conn_write_end(&f->conns[slot]);
}

static void deadline_is_exact_to_the_millisecond(void **state)
{
    struct fix *f = open_fix();

    (void)state;
    put(f, 0, CT_PARAM_udp, 5);
    assert_int_equal(f->conns[0].expires, 30005);
    assert_int_equal(due(f, 30004), CT_NONE);
    assert_int_equal(due(f, 30005), 0);
    expiry_remove(&f->e, 0);
    assert_int_equal(due(f, 30005), CT_NONE);
    free(f);
}

/* A duration may be a year: more milliseconds than 32 bits count. */
static void a_year_is_a_year(void **state)
{
    static const uint32_t year = 365 * 24 * 3600;
    struct fix *f = open_fix();

    (void)state;
    assert_true(ct_param_info(CT_PARAM_udp)->max >= year);
    f->params.v[CT_PARAM_udp] = year;
    expiry_set_params(&f->e, &f->params);
    put(f, 0, CT_PARAM_udp, 5);
    assert_int_equal(f->conns[0].expires, 5 + (uint64_t)year * 1000);
    assert_int_equal(due(f, 4 + (uint64_t)year * 1000), CT_NONE);
    assert_int_equal(due(f, 5 + (uint64_t)year * 1000), 0);
    expiry_remove(&f->e, 0);
    free(f);
}

static void the_one_refreshed_last_goes_last(void **state)
{
    struct fix *f = open_fix();

    (void)state;
    for (uint32_t i = 0; i < 4; i++)
        put(f, i, CT_PARAM_udp, i * 1000);
    put(f, 0, CT_PARAM_udp, 20000);
    assert_int_equal(due(f, 31000), 1);
    expiry_remove(&f->e, 1);
    expiry_remove(&f->e, 3); /* from the middle */
    assert_int_equal(due(f, 60000), 2);
    expiry_remove(&f->e, 2);
    assert_int_equal(due(f, 60000), 0);
    free(f);
}

/* Many packets a second move no link, but the deadline follows each. */
static void within_a_second_only_the_deadline_moves(void **state)
{
    struct fix *f = open_fix();

    (void)state;
    for (uint32_t s = 0; s < 2; s++) {
        uint64_t at = s * 1000;

        put(f, 0, CT_PARAM_udp, at);
        put(f, 1, CT_PARAM_udp, at);
        put(f, 0, CT_PARAM_udp, at + 900);
        assert_int_equal(f->conns[0].expires, at + 30900);
        assert_int_equal(f->e.list[f->conns[0].list].head, 0);
        /* 1 is due, 0 stands before it: told a second late at the most */
        assert_int_equal(due(f, at + 30899), CT_NONE);
        assert_int_equal(due(f, at + 30900), 0);
    }
    put(f, 0, CT_PARAM_udp, 2000);
    assert_int_equal(f->e.list[f->conns[0].list].head, 1);
    free(f);
}

static void a_changed_duration_begins_a_new_list(void **state)
{
    struct fix *f = open_fix();

    (void)state;
    put(f, 0, CT_PARAM_udp, 0);
    f->params.v[CT_PARAM_udp] = 5;
    expiry_set_params(&f->e, &f->params);
    put(f, 1, CT_PARAM_udp, 1000);
    assert_int_equal(f->conns[0].expires, 30000);
    assert_int_equal(f->conns[1].expires, 6000);
    assert_int_equal(due(f, 6000), 1);
    expiry_remove(&f->e, 1);
    assert_int_equal(due(f, 29999), CT_NONE);
    assert_int_equal(due(f, 30000), 0);
    free(f);
}

static void changes_without_end_find_lists_again(void **state)
{
    struct fix *f = open_fix();

    (void)state;
    for (uint32_t i = 1; i < 1000; i++) {
        uint32_t slot = i % N;
        struct expiry_sweep sweep = {.left = UINT32_MAX};

        f->params.v[CT_PARAM_udp] = i;
        expiry_set_params(&f->e, &f->params);
        put(f, slot, CT_PARAM_udp, i * 1000);
        assert_int_equal(f->conns[slot].expires, i * 1000 + i * 1000);
        while (expiry_due(&f->e, (ct_time){i * 1000}, &sweep) != CT_NONE)
            expiry_remove(&f->e,
                          expiry_due(&f->e, (ct_time){i * 1000}, &sweep));
    }
    free(f);
}

/* Two durations by turns need two lists, whatever their flows do; and lists
 * that have run empty are there for others. */
static void durations_by_turns_use_up_no_lists(void **state)
{
    struct fix *f = open_fix();

    (void)state;
    for (uint32_t i = 0; i < 4 * EXPIRY_N_LISTS; i++) {
        f->params.v[CT_PARAM_udp] = 100 + i % 2;
        expiry_set_params(&f->e, &f->params);
        put(f, i % 2, CT_PARAM_udp, 0);
    }
    for (uint32_t i = 0; i < 4 * EXPIRY_N_LISTS; i++) {
        f->params.v[CT_PARAM_icmp] = 200 + i;
        expiry_set_params(&f->e, &f->params);
        expiry_remove(&f->e, 2);
        put(f, 2, CT_PARAM_icmp, 0);
    }
    f->params.v[CT_PARAM_icmp] = 5; /* the longer one hides nothing */
    expiry_set_params(&f->e, &f->params);
    put(f, 3, CT_PARAM_icmp, 0);
    assert_int_equal(due(f, 4999), CT_NONE);
    assert_int_equal(due(f, 5000), 3);
    free(f);
}

static unsigned lists_in_use(const struct fix *f)
{
    unsigned n = 0;

    for (uint32_t i = 0; i < EXPIRY_N_LISTS; i++)
        n += f->e.list[i].count > 0;
    return n;
}

/* A duration that comes back finds the list that it had, and one that stays
 * keeps it, while flows are in all of them. */
static void a_duration_has_one_list(void **state)
{
    struct fix *f = open_fix();

    (void)state;
    for (uint32_t i = 0; i < N; i++) {
        f->params.v[CT_PARAM_udp] = 100 + i / 4 % 3;
        expiry_set_params(&f->e, &f->params);
        put(f, i, CT_PARAM_udp, 0);
        assert_in_range(lists_in_use(f), 1, 3);
    }
    assert_int_equal(lists_in_use(f), 3);
    free(f);
}

/* When there is no list left for a new duration, its flows have it all the
 * same. */
static void durations_without_a_list_are_exact(void **state)
{
    struct fix *f = open_fix();

    (void)state;
    for (uint32_t i = 0; i < N; i++) {
        f->params.v[CT_PARAM_udp] = 100 + i;
        expiry_set_params(&f->e, &f->params);
        put(f, i, CT_PARAM_udp, 0);
        assert_int_equal(f->conns[i].expires, (100 + i) * 1000);
    }
    for (uint32_t i = 0; i < N; i++) {
        assert_int_equal(due(f, (100 + N) * 1000), i);
        expiry_remove(&f->e, i);
    }
    assert_int_equal(due(f, UINT64_MAX), CT_NONE);
    free(f);
}

static void next_is_the_earliest_head(void **state)
{
    struct fix *f = open_fix();

    (void)state;
    assert_int_equal(expiry_next(&f->e, (ct_time){0}).ms, 1000);
    put(f, 0, CT_PARAM_udp, 0);
    assert_int_equal(expiry_next(&f->e, (ct_time){29500}).ms, 30000);
    conn_write_begin(&f->conns[1]);
    expiry_refresh_own(&f->e, 1, 7, EXPIRY_UNASSURED, (ct_time){22700});
    conn_write_end(&f->conns[1]);
    assert_int_equal(expiry_next(&f->e, (ct_time){29500}).ms, 29700);
    expiry_remove(&f->e, 1);
    assert_int_equal(expiry_next(&f->e, (ct_time){29500}).ms, 30000);
    free(f);
}

/* Each of them, from the first to the last. */
static void each_duration_can_change(void **state)
{
    struct fix *f = open_fix();

    (void)state;
    for (uint8_t p = 0; p < CT_N_TIMEOUTS; p++) {
        f->params.v[p] = 1000u + p;
        expiry_set_params(&f->e, &f->params);
        for (uint8_t c = 0; c < EXPIRY_N_CLASSES; c++) {
            conn_write_begin(&f->conns[c]);
            expiry_refresh(&f->e, c, p, c, (ct_time){0});
            conn_write_end(&f->conns[c]);
            assert_int_equal(f->conns[c].expires, (1000 + p) * 1000);
            assert_int_equal(f->e.list[f->conns[c].list].class, c);
            expiry_remove(&f->e, c);
        }
    }
    free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deadline_is_exact_to_the_millisecond),
        cmocka_unit_test(a_year_is_a_year),
        cmocka_unit_test(the_one_refreshed_last_goes_last),
        cmocka_unit_test(within_a_second_only_the_deadline_moves),
        cmocka_unit_test(a_changed_duration_begins_a_new_list),
        cmocka_unit_test(changes_without_end_find_lists_again),
        cmocka_unit_test(durations_by_turns_use_up_no_lists),
        cmocka_unit_test(a_duration_has_one_list),
        cmocka_unit_test(durations_without_a_list_are_exact),
        cmocka_unit_test(next_is_the_earliest_head),
        cmocka_unit_test(each_duration_can_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
