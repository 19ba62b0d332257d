/* keymap.c - call ids of GRE, found by what their packets bear */
#include "table/keymap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CALLS = 50 };

struct fix {
    struct keymap k;
    struct work work;
    void *mem;
};

static void open_fix(struct fix *f)
{
    static const uint64_t key[2] = {1, 2};
    struct block b = {.base = NULL};

    memset(f, 0, sizeof *f);
    keymap_init(&f->k, &b, CALLS);
    f->mem = calloc(1, b.used);
    assert_non_null(f->mem);
    b = (struct block){.base = f->mem};
    keymap_init(&f->k, &b, CALLS);
    keymap_start(&f->k, key, &f->work);
}

/* Call number i from one host to another, whose source key is 1000 + i. */
static struct ct_tuple call(uint16_t i)
{
    return (struct ct_tuple){.src = {.b = {10, 0, 1, 2}},
                             .dst = {.b = {198, 51, 100, 2}},
                             .sport = (uint16_t)(1000 + i),
                             .dport = i,
                             .family = CT_IPV4,
                             .proto = 47};
}

static bool find(const struct fix *f, uint16_t i)
{
    struct ct_tuple t = call(i);

    t.sport = 0;
    return keymap_find(&f->k, &t) && t.sport == 1000 + i;
}

static void a_call_is_known_until_it_is_removed(void **state)
{
    struct ct_tuple t;
    uint32_t at[CALLS];
    struct fix f;

    (void)state;
    open_fix(&f);
    for (uint16_t i = 0; i < CALLS; i++) {
        assert_false(find(&f, i));
        t = call(i);
        at[i] = keymap_add(&f.k, &t);
        assert_int_not_equal(at[i], CT_NONE);
        assert_int_equal(keymap_add(&f.k, &t), CT_NONE);
    }
    t = call(CALLS);
    assert_int_equal(keymap_add(&f.k, &t), CT_NONE);
    for (uint16_t i = 0; i < CALLS; i += 2)
        keymap_remove(&f.k, at[i]);
    for (uint16_t i = 0; i < CALLS; i++)
        assert_int_equal(find(&f, i), i % 2);
    free(f.mem);
}

/* Each link that is followed is a step. */
static void links_are_steps(void **state)
{
    uint32_t first = 0;
    struct fix f;

    (void)state;
    open_fix(&f);
    f.k.n_heads = 1;
    for (uint16_t i = 0; i < CALLS; i++) {
        struct ct_tuple t = call(i);
        uint32_t is = keymap_add(&f.k, &t);

        if (i == 0)
            first = is;
    }
    f.work.steps = 0;
    assert_true(find(&f, 0));
    assert_int_equal(f.work.steps, CALLS - 1);
    keymap_remove(&f.k, first);
    assert_int_equal(f.work.steps, 2 * (CALLS - 1));
    free(f.mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_is_known_until_it_is_removed),
        cmocka_unit_test(links_are_steps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
