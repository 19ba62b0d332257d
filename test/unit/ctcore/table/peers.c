/* peers.c - what shards see of each other */
#include "table/peers.h"

#include "packet/shard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Who has nothing of others' and waits for nothing, by the same steering, need
 * not be asked. */
static void the_quiet_are_passed_over(void **state)
{
    struct peer face[4] = {{.serial = 3}, {.serial = 3}, {.serial = 3}};
    struct peers p = {.own = {.serial = 3}, .n = 4, .self = 1};

    (void)state;
    face[3].serial = 3;
    for (uint32_t i = 0; i < 4; i++)
        p.face[i] = &face[i];
    assert_int_equal(peers_next(&p, 0), 4);
    assert_false(peers_look(&p));
    for (uint32_t n = 1; n < 3; n++)
        for (uint32_t i = 0; i < 4; i++)
            for (int what = 0; what < 3; what++) {
                uint32_t *word = what == 0   ? &face[i].strays
                                 : what == 1 ? &face[i].awaited
                                             : &face[i].serial;

                *word += n;
                assert_int_equal(peers_next(&p, 0), i == p.self ? 4 : i);
                assert_int_equal(peers_look(&p), i != p.self);
                assert_int_equal(peers_next(&p, i + 1), 4);
                *word -= n;
            }
}

/* While flows are counted by new steering, others take it that there are
 * strays and announcements; then they see how many. */
static void counting_is_seen_until_it_is_done(void **state)
{
    struct ct_steer to = {.serial = 9};
    struct peers p = {.n = 2};

    (void)state;
    peers_steer(&p, &to);
    assert_int_equal(p.own.serial, 9);
    assert_int_equal(p.own.strays, 1);
    assert_int_equal(p.own.awaited, 1);
    peers_count(&p, 2);
    peers_counted(&p);
    assert_int_equal(p.own.strays, 2);
    assert_int_equal(p.own.awaited, 0);
    peers_await(&p, 3);
    assert_int_equal(p.own.awaited, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_quiet_are_passed_over),
        cmocka_unit_test(counting_is_seen_until_it_is_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
