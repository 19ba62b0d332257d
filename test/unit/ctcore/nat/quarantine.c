/* quarantine.c - a port rests for its time, for its host, and costs others
 * nothing */
#include "nat/quarantine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct ct_tuple one = {.src = {.b = {10, 0, 1, 2}}, .family = 4},
                             two = {.src = {.b = {10, 0, 1, 3}}, .family = 4};

struct fix {
    struct quarantine q;
    struct remotes remotes;
    struct work work;
    void *block;
};

static ct_time at(uint64_t s)
{
    return (ct_time){5000 + s * 1000};
}

/* Room for max flows. */
static void make(struct fix *f, uint32_t max)
{
    static const uint64_t key[2] = {1, 2};
    struct block b = {.base = NULL};

    for (int pass = 0; pass < 2; pass++) {
        remote_init_all(&f->remotes, &b, max);
        quarantine_init(&f->q, &b, max);
        quarantine_init_rests(&f->q, &b, max);
        if (pass == 0) {
            f->block = calloc(1, b.used + 64);
            assert_non_null(f->block);
            b = (struct block){.base = f->block};
        }
    }
    f->work.steps = 0;
    f->remotes.work = &f->work;
    quarantine_start(&f->q, &f->remotes, key, at(0));
    assert_memory_equal(f->q.hosts.key, key, sizeof key);
}

/* The use of port `tuple` towards remote 7 goes over to a rest. */
static void note(struct fix *f, uint64_t tuple, const struct ct_tuple *orig,
                 uint64_t s, uint32_t rest_s)
{
    struct quarantine_use use = {
        .tuple = tuple, .remote = 7, .index = (uint16_t)tuple};

    use.marked = remote_add(&f->remotes, use.remote, use.index);
    quarantine_note(&f->q, &use, orig, at(s), rest_s);
}

static void rests_for_its_time(void **state)
{
    struct fix f;

    (void)state;
    make(&f, 1024);
    assert_false(quarantine_holds(&f.q, 77, &two, at(0)));
    note(&f, 77, &one, 0, 120);
    assert_true(quarantine_holds(&f.q, 77, &two, at(0)));
    assert_true(quarantine_holds(&f.q, 77, &two, at(119)));
    assert_true(quarantine_holds(&f.q, 77, &two, (ct_time){at(120).ms - 1}));
    assert_false(quarantine_holds(&f.q, 77, &two, at(120)));
    assert_false(quarantine_holds(&f.q, 77, &one, at(1)));
    assert_false(quarantine_holds(&f.q, 78, &two, at(1)));
    note(&f, 77, &two, 60, 120); /* the last host counts */
    assert_true(quarantine_holds(&f.q, 77, &one, at(179)));
    assert_false(quarantine_holds(&f.q, 77, &two, at(61)));
    assert_int_equal(quarantine_of(&f.q, &one), 0);
    assert_int_equal(quarantine_of(&f.q, &two), 1);
    free(f.block);
}

/* One address in two zones is two hosts. */
static void a_host_is_one_of_its_zone(void **state)
{
    struct ct_tuple tenant = one;
    struct fix f;

    (void)state;
    make(&f, 1024);
    tenant.zone = 5;
    note(&f, 77, &one, 0, 120);
    assert_true(quarantine_holds(&f.q, 77, &tenant, at(1)));
    note(&f, 78, &tenant, 0, 120);
    assert_true(quarantine_holds(&f.q, 78, &one, at(1)));
    assert_false(quarantine_holds(&f.q, 78, &tenant, at(1)));
    free(f.block);
}

/* A port that rests counts as a use of its remote until it rests no more. */
static void a_rest_is_a_use(void **state)
{
    struct fix f;

    (void)state;
    make(&f, 1024);
    for (uint64_t t = 1; t <= 30; t++)
        note(&f, t, &one, t, 120);
    assert_int_equal(f.remotes.count[7], 30);
    quarantine_end(&f.q, 4); /* from the middle: a flow has it */
    quarantine_end(&f.q, 4);
    assert_int_equal(f.remotes.count[7], 29);
    assert_int_equal(quarantine_expire(&f.q, at(120), 10), 0);
    assert_int_equal(quarantine_expire(&f.q, at(126), 3), 3);
    assert_int_equal(quarantine_expire(&f.q, at(126), 10), 2);
    assert_int_equal(f.remotes.count[7], 24);
    assert_int_equal(quarantine_of(&f.q, &one), 24);
    quarantine_give_way(&f.q, &one);
    assert_false(quarantine_holds(&f.q, 7, &two, at(121)));
    assert_true(quarantine_holds(&f.q, 8, &two, at(121)));
    assert_int_equal(quarantine_expire(&f.q, at(9999), 100), 23);
    assert_int_equal(f.remotes.count[7], 0);
    assert_int_equal(f.q.rests.used, 0);
    assert_int_equal(f.q.hosts.counters.used, 0);
    free(f.block);
}

/* A host whose rests fill an eighth of the table loses its own oldest ones. */
static void one_host_ends_its_own_rests_only(void **state)
{
    struct fix f;
    uint32_t room;

    (void)state;
    make(&f, 4096);
    room = f.q.rests.n;
    for (uint64_t t = 1; t <= 10; t++)
        note(&f, t, &two, 0, 120);
    for (uint64_t t = 100; t < 100 + 2ull * room; t++)
        note(&f, t, &one, 1, 120);
    assert_int_equal(quarantine_of(&f.q, &one), room / 8);
    assert_int_equal(quarantine_of(&f.q, &two), 10);
    for (uint64_t t = 1; t <= 10; t++)
        assert_true(quarantine_holds(&f.q, t, &one, at(2)));
    /* its newest rest */
    assert_true(quarantine_holds(&f.q, 99 + 2ull * room, &two, at(2)));
    assert_false(quarantine_holds(&f.q, 100, &two, at(2)));
    free(f.block);
}

/* When many hosts have filled the room, what has rested longest goes. */
static void the_oldest_goes(void **state)
{
    struct ct_tuple host = one;
    struct fix f;
    uint32_t room;

    (void)state;
    make(&f, 1024);
    room = f.q.rests.n;
    for (uint32_t i = 0; i <= room; i++) {
        host.src.b[3] = (uint8_t)(i % 100);
        note(&f, i + 1, &host, i / 10, 120);
    }
    assert_int_equal(f.q.rests.used, room);
    assert_false(quarantine_holds(&f.q, 1, &two, at(room / 10)));
    assert_true(quarantine_holds(&f.q, 2, &two, at(room / 10)));
    assert_int_equal(f.remotes.count[7], room);
    free(f.block);
}

static void off_costs_nothing(void **state)
{
    struct block b = {.base = NULL};
    struct quarantine q;

    (void)state;
    quarantine_init(&q, &b, 0);
    quarantine_init_rests(&q, &b, 0);
    assert_int_equal(b.used, 0);
    assert_false(quarantine_is_on(&q));
    assert_false(quarantine_holds(&q, 77, &two, at(0)));
    assert_int_equal(quarantine_of(&q, &two), 0);
    quarantine_end(&q, 77);
    assert_int_equal(quarantine_expire(&q, at(9), 9), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rests_for_its_time),
        cmocka_unit_test(a_host_is_one_of_its_zone),
        cmocka_unit_test(a_rest_is_a_use),
        cmocka_unit_test(one_host_ends_its_own_rests_only),
        cmocka_unit_test(the_oldest_goes),
        cmocka_unit_test(off_costs_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
