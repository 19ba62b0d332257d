/* pool.c - a block is cut as it was measured; items are given out once */
#include "base/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct item {
    uint32_t link, value;
};

static void measured_is_what_is_cut(void **state)
{
    struct block measure = {.base = NULL}, cut;
    struct pool p;
    void *mem;

    (void)state;
    pool_init(&p, &measure, 5, sizeof(struct item), 0);
    assert_null(p.items);
    mem = aligned_alloc(64, measure.used);
    cut = (struct block){.base = mem};
    pool_init(&p, &cut, 5, sizeof(struct item), 0);
    assert_int_equal(cut.used, measure.used);
    assert_ptr_equal(p.items, mem);
    free(mem);
}

static void gives_each_once_and_takes_back(void **state)
{
    struct block b = {.base = aligned_alloc(64, 4096)};
    struct pool p;
    uint32_t seen = 0;

    (void)state;
    pool_init(&p, &b, 8, sizeof(struct item), 0);
    for (uint32_t i = 0; i < 8; i++)
        seen |= 1u << pool_get(&p);
    assert_int_equal(seen, 0xff);
    assert_int_equal(pool_get(&p), CT_NONE);
    pool_put(&p, 3);
    pool_put(&p, 5);
    assert_int_equal(p.used, 6);
    assert_int_equal(pool_get(&p), 5); /* last returned, first out */
    assert_int_equal(pool_get(&p), 3);
    assert_int_equal(pool_get(&p), CT_NONE);
    free(b.base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measured_is_what_is_cut),
        cmocka_unit_test(gives_each_once_and_takes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
