/* ct.c - what a core may be made of, and the memory that it takes */
#include <ctcore/ct.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct ct_config least(void)
{
    struct ct_config c = {.max = 16, .n_shards = 1};

    ct_params_default(&c.params, CT_PROFILE_LINUX);
    return c;
}

/* Each bound: what stands on it is taken, what stands beyond is not. */
static void bounds_of_a_configuration(void **state)
{
    static const struct {
        struct ct_config c;
        bool ok;
    } rows[] = {
        {{.max = 16, .n_shards = 1}, true},
        {{.max = 15, .n_shards = 1}, false},
        {{.max = 0, .n_shards = 1}, false},
        {{.max = 1u << 24, .n_shards = 1}, true},
        {{.max = (1u << 24) + 1, .n_shards = 1}, false},
        {{.max = 16, .buckets = 1u << 24, .n_shards = 1}, true},
        {{.max = 16, .buckets = (1u << 24) + 1, .n_shards = 1}, false},
        {{.max = 16, .n_shards = 0}, false},
        {{.max = 16, .n_shards = CT_MAX_SHARDS}, true},
        {{.max = 16, .n_shards = CT_MAX_SHARDS + 1}, false},
        {{.max = 16, .n_shards = 4, .shard = 3}, true},
        {{.max = 16, .n_shards = 4, .shard = 4}, false},
        {{.max = 16, .n_shards = 1, .shard = 1}, false},
        {{.max = 16, .n_shards = 1, .portmaps = 4096}, true},
        {{.max = 16, .n_shards = 1, .portmaps = 4097}, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ct_config c = rows[i].c;

        ct_params_default(&c.params, CT_PROFILE_LINUX);
        if ((ct_size(&c) != 0) != rows[i].ok)
            fail_msg("row %zu: %zu bytes", i, ct_size(&c));
        if (!rows[i].ok)
            assert_null(ct_init(NULL, &c, (ct_time){.ms = 1}));
    }
}

/* A core writes to all of its block, and to no byte behind it. */
static void a_block_is_as_long_as_it_says(void **state)
{
    enum { BEHIND = 4096 };

    (void)state;
    for (unsigned with = 0; with < 32; with++) {
        struct ct_config c = least();
        uint8_t *block;
        size_t n;

        c.max = 16 + with * 7;
        c.acct = with & 1;
        c.timestamp = with & 2;
        c.fragments = with & 4;
        c.params.v[CT_PARAM_extensions] = with & 8 ? 32 : 0;
        c.params.v[CT_PARAM_port_quarantine] = with & 16 ? 60 : 0;
        c.params.v[CT_PARAM_source_share] = with & 16 ? 50 : 0;
        n = ct_size(&c);
        block = aligned_alloc(64, (n + BEHIND + 63) / 64 * 64);
        assert_non_null(block);
        memset(block, 0xa5, n + BEHIND);
        assert_non_null(ct_init(block, &c, (ct_time){.ms = 1}));
        for (size_t i = 0; i < BEHIND; i++)
            assert_int_equal(block[n + i], 0xa5);
        free(block);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_of_a_configuration),
        cmocka_unit_test(a_block_is_as_long_as_it_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
