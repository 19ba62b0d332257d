/* health.c - named checks: ready or not, since when, and why */
#include "system/health.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct health h;

static bool tell(const char *name, enum health_level level, const char *detail,
                 uint64_t ms)
{
    return system_health_tell(&h, name, level, detail, (ct_time){ms});
}

static int clean(void **state)
{
    (void)state;
    memset(&h, 0, sizeof h);
    return 0;
}

static void only_a_failed_check_is_not_ready(void **state)
{
    const char *why = NULL;

    (void)state;
    assert_true(system_health_ready(&h, &why));
    assert_true(tell("a", HEALTH_OK, "ignored", 1));
    assert_true(tell("b", HEALTH_WARN, "b is odd", 1));
    assert_true(system_health_ready(&h, &why));
    assert_true(tell("c", HEALTH_FAIL, "c is broken", 1));
    assert_false(system_health_ready(&h, &why));
    assert_string_equal(why, "c is broken");
    assert_true(tell("a", HEALTH_FAIL, "a is broken", 2)); /* comes first */
    assert_false(system_health_ready(&h, &why));
    assert_string_equal(why, "a is broken");
    assert_true(tell("a", HEALTH_OK, "", 3));
    assert_true(tell("c", HEALTH_OK, "", 3));
    assert_true(system_health_ready(&h, &why));
    assert_int_equal(h.n, 3);
    assert_string_equal(h.check[0].detail, "");
}

static void since_is_when_the_level_changed(void **state)
{
    (void)state;
    tell("a", HEALTH_OK, "", 10);
    assert_int_equal(h.check[0].since.ms, 10);
    tell("a", HEALTH_FAIL, "one", 20);
    tell("a", HEALTH_FAIL, "two", 30);
    assert_int_equal(h.check[0].since.ms, 20);
    assert_string_equal(h.check[0].detail, "two");
    tell("a", HEALTH_OK, "", 40);
    assert_int_equal(h.check[0].since.ms, 40);
}

static void there_is_room_for_so_many(void **state)
{
    char name[16];

    (void)state;
    for (int i = 0; i <= HEALTH_CHECKS; i++) {
        snprintf(name, sizeof name, "n%d", i);
        assert_int_equal(tell(name, HEALTH_OK, "", 1), i < HEALTH_CHECKS);
    }
    assert_true(tell("n0", HEALTH_FAIL, "still there", 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(only_a_failed_check_is_not_ready, clean),
        cmocka_unit_test_setup(since_is_when_the_level_changed, clean),
        cmocka_unit_test_setup(there_is_room_for_so_many, clean),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
