/* tally.c - counts agree with a model, and sources are told apart */
#include "table/tally.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SOURCES = 40, ROOM = 40 };

struct fix {
    uint8_t room[16384];
    struct tally t;
    struct work work;
};

static struct fix *open_fix(void)
{
    struct fix *f = aligned_alloc(64, (sizeof *f + 63) & ~63ul);
    struct block b = {.base = f->room};

    memset(f, 0, sizeof *f);
    tally_init_heads(&f->t, &b, 8); /* so that chains are long */
    memset(f->room + b.used, 0xa5, sizeof f->room - b.used);
    tally_init_counters(&f->t, &b, ROOM);
    assert_true(b.used <= sizeof f->room);
    f->t.work = &f->work;
    return f;
}

static struct tally_key key(unsigned source, unsigned what, unsigned zone)
{
    struct tally_key k = {
        .what = (uint16_t)what, .zone = (uint16_t)zone, .family = CT_IPV4};

    k.source.b[3] = (uint8_t)source;
    return k;
}

static uint32_t count(const struct fix *f, const struct tally_key *k)
{
    return tally_count(&f->t, tally_find(&f->t, k));
}

static void what_and_where_are_told_apart(void **state)
{
    struct fix *f = open_fix();
    struct tally_key a = key(1, 6, 0), b = key(1, 17, 0), c = key(1, 6, 5);
    struct tally_key d = key(1, 6, 0);
    uint32_t one = tally_add(&f->t, &a), two = tally_add(&f->t, &a);

    (void)state;
    d.family = CT_IPV6;
    assert_int_equal(one, two);
    assert_int_equal(count(f, &a), 2);
    assert_int_equal(count(f, &b) + count(f, &c) + count(f, &d), 0);
    tally_take(&f->t, one);
    assert_int_equal(count(f, &a), 1);
    tally_take(&f->t, one);
    assert_int_equal(count(f, &a), 0);
    assert_int_equal(f->t.counters.used, 0);
    free(f);
}

/* More zones than chains. */
static void zones_are_told_apart_in_one_chain(void **state)
{
    struct fix *f = open_fix();

    (void)state;
    for (unsigned zone = 0; zone < ROOM; zone++) {
        struct tally_key k = key(1, 6, zone);

        (void)tally_add(&f->t, &k);
    }
    for (unsigned zone = 0; zone < ROOM; zone++) {
        struct tally_key k = key(1, 6, zone);

        assert_int_equal(count(f, &k), 1);
    }
    free(f);
}

static void masks(void **state)
{
    union ct_addr a;

    (void)state;
    memset(&a, 0xff, sizeof a);
    tally_mask(&a, 128);
    assert_int_equal(a.b[15], 0xff);
    tally_mask(&a, 61);
    assert_int_equal(a.b[6], 0xff);
    assert_int_equal(a.b[7], 0xf8);
    assert_int_equal(a.b[8], 0);
    tally_mask(&a, 0);
    assert_int_equal(a.b[0], 0);
}

/* Anything in any order, against a plain array. */
static void whatever_comes_the_counts_are_right(void **state)
{
    struct fix *f = open_fix();
    uint32_t want[SOURCES] = {0}, at[SOURCES] = {0}, dice = 7;

    (void)state;
    for (int step = 0; step < 100000; step++) {
        struct tally_key k;
        unsigned i;

        dice = dice * 1664525u + 1013904223u;
        i = (dice >> 8) % SOURCES;
        k = key(i, i % 3, i % 2);
        assert_int_equal(count(f, &k), want[i]);
        if (dice >> 31) {
            at[i] = tally_add(&f->t, &k);
            want[i]++;
        } else if (want[i] > 0) {
            tally_take(&f->t, at[i]);
            want[i]--;
        }
    }
    for (unsigned i = 0; i < SOURCES; i++)
        for (; want[i] > 0; want[i]--)
            tally_take(&f->t, at[i]);
    assert_int_equal(f->t.counters.used, 0);
    free(f);
}

/* Each link that is followed is a step, and one of another shard's tally is a
 * step of the shard that asks. */
static void links_are_steps(void **state)
{
    struct fix *f = open_fix();
    struct tally own = {.work = &(struct work){0}};
    uint32_t most = 0;

    (void)state;
    f->t.n_heads = 1;
    for (unsigned i = 0; i < SOURCES; i++) {
        struct tally_key k = key(i, 0, 0);

        (void)tally_add(&f->t, &k);
    }
    for (unsigned i = 0; i < SOURCES; i++) {
        struct tally_key k = key(i, 0, 0);

        f->work.steps = own.work->steps = 0;
        assert_int_equal(count(f, &k), 1);
        most = f->work.steps > most ? f->work.steps : most;
        assert_int_equal(tally_peek(&f->t, &k, &own), 1);
        assert_int_equal(own.work->steps, f->work.steps);
    }
    assert_int_equal(most, SOURCES - 1);
    free(f);
}

/* While a chain changes it is looked at again, a hundred times at most. */
static void what_is_being_changed_is_looked_at_again(void **state)
{
    struct tally_key first = key(1, 0, 0), behind = key(2, 0, 0);
    struct fix *f = open_fix();
    struct tally own = {.work = &(struct work){0}};

    (void)state;
    f->t.n_heads = 1;
    (void)tally_add(&f->t, &first);
    (void)tally_add(&f->t, &behind);
    assert_int_equal(f->t.moves % 2, 0);
    assert_int_equal(tally_peek(&f->t, &behind, &own), 1);
    assert_int_equal(own.work->steps, 1);
    f->t.moves++;
    assert_int_equal(tally_peek(&f->t, &behind, &own), 1);
    assert_int_equal(own.work->steps, 1 + 100);
    free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_and_where_are_told_apart),
        cmocka_unit_test(zones_are_told_apart_in_one_chain),
        cmocka_unit_test(masks),
        cmocka_unit_test(links_are_steps),
        cmocka_unit_test(what_is_being_changed_is_looked_at_again),
        cmocka_unit_test(whatever_comes_the_counts_are_right),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
