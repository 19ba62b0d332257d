/* ext.c - extensions: few, found by slot, gone with their flow */
#include "corerig.h"

#include "core/dump.h"
#include "core/gc.h"

static struct ext *extend(struct corerig *r, uint32_t slot, enum ext_kind kind)
{
    struct ct_conn *c = core_conn(r->ct, slot);
    struct ext *x;

    conn_write_begin(c);
    x = core_extend(r->ct, slot, kind);
    conn_write_end(c);
    return x;
}

static void flows(struct corerig *r, int n)
{
    for (int i = 0; i < n; i++) {
        char spec[80];

        snprintf(spec, sizeof spec, "10.0.1.%d:9 > 198.51.100.2:80 udp 'a'",
                 i + 2);
        walk(r, LAN, WAN, spec);
    }
}

/* Off, it takes not a byte; on, a record and a deadline each, and two words a
 * slot. */
static void costs_nothing_when_off(void **state)
{
    struct ct_config c = {.max = 1024, .n_shards = 1};
    struct corerig r;
    size_t off = ct_size(&c);

    (void)state;
    c.params.v[CT_PARAM_extensions] = 64;
    assert_int_equal(ct_size(&c) - off,
                     64 * (sizeof(struct ext) + sizeof(struct deadline)) +
                         2 * 1024 * 4);
    corerig_open(&r, &c); /* with defaults: none */
    flows(&r, 1);
    assert_null(ext_find(&r.ct->ext, 0));
    assert_null(extend(&r, 0, EXT_LABELS));
    assert_int_equal(ct_stat(r.ct, CT_STAT_ext_full), 1);
    corerig_close(&r);
}

static void open_with(struct corerig *r, uint32_t n)
{
    struct ct_config c = {.max = 64, .n_shards = 1};

    corerig_open_tuned(r, &c, CT_PARAM_extensions, n);
}

static void one_record_has_all_kinds(void **state)
{
    struct corerig r;
    struct ext *x;

    (void)state;
    open_with(&r, 2);
    flows(&r, 3);
    x = extend(&r, 1, EXT_LABELS);
    assert_non_null(x);
    conn_set(x->labels[1], (uint64_t)7);
    assert_ptr_equal(extend(&r, 1, EXT_TIMEOUTS), x);
    assert_int_equal(x->labels[1], 7);
    assert_ptr_equal(ext_of(&r.ct->ext, 1, EXT_LABELS), x);
    assert_null(ext_of(&r.ct->ext, 1, EXT_HELPER));
    assert_int_equal(ct_stat(r.ct, CT_STAT_extensions), 1);
    assert_non_null(extend(&r, 0, EXT_HELPER));
    assert_null(extend(&r, 2, EXT_HELPER));
    assert_int_equal(ct_stat(r.ct, CT_STAT_ext_full), 1);
    corerig_close(&r);
}

/* The next flow of the slot, and the next of the record, find nothing. */
static void goes_with_the_flow(void **state)
{
    struct corerig r;
    struct ext *x;

    (void)state;
    open_with(&r, 1);
    flows(&r, 2);
    x = extend(&r, 1, EXT_LABELS);
    conn_set(x->labels[0], (uint64_t)7);
    memset(&x->help, 0xee, sizeof x->help);
    gc_destroy(r.ct, 1);
    assert_int_equal(ct_stat(r.ct, CT_STAT_extensions), 0);
    flows(&r, 2);
    assert_null(ext_find(&r.ct->ext, 1));
    x = extend(&r, 0, EXT_LABELS);
    assert_non_null(x);
    assert_int_equal(x->labels[0], 0);
    assert_memory_equal(&x->help, &(union ext_help){0}, sizeof x->help);
    corerig_close(&r);
}

/* Readers get it with the entry, in one piece. */
static void is_copied_with_the_entry(void **state)
{
    struct corerig r;
    struct ct_conn *c;
    struct ext *x;
    struct dump_copy copy;

    (void)state;
    open_with(&r, 1);
    flows(&r, 2);
    c = core_conn(r.ct, 1);
    conn_write_begin(c);
    x = core_extend(r.ct, 1, EXT_LABELS);
    conn_set(x->labels[0], (uint64_t)5);
    conn_write_end(c);
    dump_copy(r.ct, 1, &copy);
    assert_int_equal(copy.ext.kinds, 1u << EXT_LABELS);
    assert_int_equal(copy.ext.labels[0], 5);
    dump_copy(r.ct, 0, &copy);
    assert_int_equal(copy.ext.kinds, 0);
    corerig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(costs_nothing_when_off),
        cmocka_unit_test(one_record_has_all_kinds),
        cmocka_unit_test(goes_with_the_flow),
        cmocka_unit_test(is_copied_with_the_entry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
