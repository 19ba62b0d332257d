/* resize.c - sizes that change while flows live */
#include "corerig.h"

/* n flows of one host, from port 1000 + from on; answers how many passed. */
static unsigned flows(struct corerig *r, unsigned from, unsigned n)
{
    unsigned passed = 0;

    for (unsigned i = from; i < from + n; i++) {
        char spec[80];

        snprintf(spec, sizeof spec, "10.0.1.2:%u > 198.51.100.2:53 udp 'a'",
                 1000 + i);
        passed += walk(r, LAN, WAN, spec) == CT_ACCEPT;
    }
    return passed;
}

static void limit(struct corerig *r, uint32_t max, bool acct, bool timestamp)
{
    ct_set_limits(r->ct, &(struct ct_limits){max, acct, timestamp});
}

/* Fewer entries: what is there stays, a new one takes another's place; and as
 * many as before again.  More than there is room for is as many as there are.
 */
static void fewer_entries_and_more(void **state)
{
    struct ct_config c = {.max = 64};
    struct corerig r;

    (void)state;
    corerig_open(&r, &c);
    assert_int_equal(flows(&r, 0, 40), 40);
    limit(&r, 16, true, true);
    assert_int_equal(ct_stat(r.ct, CT_STAT_entries), 40);
    flows(&r, 100, 100);
    assert_true(ct_stat(r.ct, CT_STAT_entries) <= 40);
    ct_flush(r.ct);
    flows(&r, 300, 100);
    assert_true(ct_stat(r.ct, CT_STAT_entries) <= 16);
    assert_true(ct_stat(r.ct, CT_STAT_early_drop) > 0);
    limit(&r, 1000, true, true);
    ct_flush(r.ct);
    assert_int_equal(flows(&r, 500, 64), 64);
    assert_int_equal(ct_stat(r.ct, CT_STAT_entries), 64);
    corerig_close(&r);
}

/* Without accounting nothing is shown nor counted; what a slot's former flow
 * counted is never the next one's. */
static void accounting_off_and_on(void **state)
{
    struct ct_config c = {.max = 64, .acct = true, .timestamp = true};
    struct corerig r;
    struct ct_view view;

    (void)state;
    corerig_open(&r, &c);
    flows(&r, 0, 1);
    flows(&r, 0, 1);
    assert_true(ct_read(r.ct, 0, r.now, &view));
    assert_true(view.has_acct && view.has_start);
    assert_int_equal(view.packets[0], 2);
    limit(&r, 0, false, false);
    flows(&r, 0, 1);
    assert_true(ct_read(r.ct, 0, r.now, &view));
    assert_false(view.has_acct || view.has_start);
    assert_int_equal(view.packets[0], 0);
    ct_flush(r.ct);
    flows(&r, 1, 1);
    limit(&r, 0, true, true);
    assert_true(ct_read(r.ct, 0, r.now, &view));
    assert_true(view.has_acct && view.has_start);
    assert_int_equal(view.packets[0], 0);
    flows(&r, 1, 1);
    assert_true(ct_read(r.ct, 0, r.now, &view));
    assert_int_equal(view.packets[0], 1);
    corerig_close(&r);
}

/* What was not made at the start can't be had. */
static void nothing_to_turn_on(void **state)
{
    struct ct_config c = {.max = 64};
    struct corerig r;
    struct ct_view view;

    (void)state;
    corerig_open(&r, &c);
    limit(&r, 0, true, true);
    flows(&r, 0, 1);
    assert_true(ct_read(r.ct, 0, r.now, &view));
    assert_false(view.has_acct || view.has_start);
    corerig_close(&r);
}

/* Records: fewer than there are, and again all. */
static void fewer_records_and_more(void **state)
{
    struct ct_config c = {.max = 64};
    struct corerig r;
    struct ct_params params;

    (void)state;
    corerig_open_tuned(&r, &c, CT_PARAM_extensions, 8);
    params = *ct_params(r.ct);
    flows(&r, 0, 20);
    params.v[CT_PARAM_extensions] = 3;
    ct_set_params(r.ct, &params);
    for (uint32_t slot = 0; slot < 6; slot++) {
        struct ct_conn *conn = core_conn(r.ct, slot);
        struct ext *x;

        conn_write_begin(conn);
        x = core_extend(r.ct, slot, EXT_LABELS);
        conn_write_end(conn);
        assert_int_equal(x != NULL, slot < 3);
    }
    params.v[CT_PARAM_extensions] = 8;
    ct_set_params(r.ct, &params);
    conn_write_begin(core_conn(r.ct, 6));
    assert_non_null(core_extend(r.ct, 6, EXT_LABELS));
    conn_write_end(core_conn(r.ct, 6));
    corerig_close(&r);
}

static void *limits_block(const struct ct_ruleset *rules)
{
    size_t n = ct_connlimit_size(rules, 4096);
    void *block = aligned_alloc(64, (n + 63) / 64 * 64);

    assert_non_null(block);
    memset(block, 0, n);
    return block;
}

/* Counts that have not moved to the last rules yet when the next ones come move
 * then, a slice at a time; their hash has the table's key. */
static void counts_move_in_slices(void **state)
{
    enum { FLOWS = 2500, SLICE = 1024 };
    static const uint32_t same[1] = {0};
    struct ct_config c = {.max = 4096};
    struct ct_rule rule = {
        .hook = CT_FORWARD,
        .stage = CT_STAGE_FILTER,
        .connlimit = {.prefix4 = 32, .prefix6 = 64, .number = 1}};
    struct ct_ruleset rules = {.rules = &rule, .n = 1, .n_connlimits = 1};
    void *block[3];
    struct corerig r;

    (void)state;
    corerig_open(&r, &c);
    assert_int_equal(flows(&r, 0, FLOWS), FLOWS);
    ct_set_rules(r.ct, &rules, r.count);
    for (int i = 0; i < 3; i++) {
        block[i] = limits_block(&rules);
        r.ct->stats[CT_STAT_work_call_max] = 0;
        ct_set_connlimit(r.ct, &rules, block[i], i ? same : NULL);
        assert_memory_equal(r.ct->connlimit->tally.key, r.ct->table.key,
                            sizeof r.ct->table.key);
        assert_true(r.ct->work.steps <= SLICE);
        assert_int_equal(ct_stat(r.ct, CT_STAT_work_call_max),
                         i == 2 ? SLICE : 0);
    }
    ct_set_rules(r.ct, &r.rules, r.count);
    ct_set_connlimit(r.ct, &r.rules, NULL, NULL);
    corerig_close(&r);
    for (int i = 0; i < 3; i++)
        free(block[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fewer_entries_and_more),
        cmocka_unit_test(accounting_off_and_on),
        cmocka_unit_test(nothing_to_turn_on),
        cmocka_unit_test(counts_move_in_slices),
        cmocka_unit_test(fewer_records_and_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
