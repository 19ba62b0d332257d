/* ring.c - one puts in, one takes out, nothing is lost or turned round */
#include "system/ring.h"

#include <ctcore/bits.h>

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct item {
    uint64_t n, check;
};

static struct item item(uint64_t n)
{
    return (struct item){n, ct_spread(~n)};
}

static void empty_gives_nothing(void **state)
{
    struct ring r;
    struct item i;

    (void)state;
    assert_true(ring_setup(&r, 4, sizeof i));
    assert_false(ring_take(&r, &i));
    ring_free(&r);
}

static void holds_exactly_its_size(void **state)
{
    struct ring r;
    struct item i;

    (void)state;
    assert_true(ring_setup(&r, 4, sizeof i));
    for (uint64_t n = 0; n < 4; n++) {
        i = item(n);
        assert_true(ring_put(&r, &i));
    }
    i = item(4);
    assert_false(ring_put(&r, &i));
    assert_true(ring_take(&r, &i));
    assert_int_equal(i.n, 0);
    i = item(4);
    assert_true(ring_put(&r, &i));
    assert_false(ring_put(&r, &i));
    for (uint64_t n = 1; n <= 4; n++) {
        assert_true(ring_take(&r, &i));
        assert_int_equal(i.n, n);
    }
    assert_false(ring_take(&r, &i));
    ring_free(&r);
}

static void counts_may_wrap(void **state)
{
    struct ring r;
    struct item i;

    (void)state;
    assert_true(ring_setup(&r, 8, sizeof i));
    atomic_store(&r.put, UINT32_MAX - 2);
    atomic_store(&r.taken, UINT32_MAX - 2);
    r.put_seen = r.taken_seen = UINT32_MAX - 2;
    for (uint64_t n = 0; n < 100; n++) {
        i = item(n);
        assert_true(ring_put(&r, &i));
        if (n < 5)
            continue;
        assert_true(ring_take(&r, &i));
        assert_int_equal(i.n, n - 5);
    }
    ring_free(&r);
}

enum { MANY = 200000 };

static void *produce(void *arg)
{
    struct ring *r = arg;

    for (uint64_t n = 0; n < MANY; n++) {
        struct item i = item(n);

        while (!ring_put(r, &i))
            sched_yield();
    }
    return NULL;
}

static void two_threads_keep_order(void **state)
{
    struct ring r;
    struct item got, want;
    pthread_t t;

    (void)state;
    assert_true(ring_setup(&r, 64, sizeof got));
    assert_int_equal(pthread_create(&t, NULL, produce, &r), 0);
    for (uint64_t n = 0; n < MANY; n++) {
        while (!ring_take(&r, &got))
            sched_yield();
        want = item(n);
        assert_int_equal(got.n, want.n);
        assert_int_equal(got.check, want.check);
    }
    pthread_join(t, NULL);
    assert_false(ring_take(&r, &got));
    ring_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_gives_nothing),
        cmocka_unit_test(holds_exactly_its_size),
        cmocka_unit_test(counts_may_wrap),
        cmocka_unit_test(two_threads_keep_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
