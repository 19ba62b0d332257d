/* lists.c - what the .def lists say, as ct_reason_name() and its like */
#include <ctcore/ct.h>

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void names_are_small_letters_and_differ(void **state)
{
    (void)state;
    assert_string_equal(ct_reason_name(CT_REASON_NONE), "none");
    assert_string_equal(ct_reason_name(CT_REASON_BAD_HEADER_LENGTH),
                        "bad_header_length");
    assert_string_equal(ct_reason_name(CT_REASON_TTL), "ttl");
    for (unsigned i = 0; i < CT_N_REASONS; i++) {
        const char *name = ct_reason_name(i);

        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_"),
                         strlen(name));
        assert_true(strlen(ct_reason_text(i)) > 5);
        assert_non_null(strchr("DI", ct_reason_kind(i)));
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(name, ct_reason_name(j));
    }
    for (unsigned i = 0; i < CT_N_STATS; i++) {
        assert_non_null(strchr("CGM", ct_stat_kind(i)));
        assert_true(strlen(ct_stat_name(i)) > 0 && strlen(ct_stat_help(i)) > 5);
    }
    assert_string_equal(ct_stat_name(CT_STAT_entries), "entries");
    assert_int_equal(ct_stat_kind(CT_STAT_entries), 'G');
}

static void metrics_are_named_by_the_rows(void **state)
{
    struct ct_metric m = ct_stat_metric(CT_STAT_entries);

    (void)state;
    assert_string_equal(m.family, "weir_flows");
    assert_string_equal(m.help, ct_stat_help(CT_STAT_entries));
    assert_null(m.label);
    m = ct_stat_metric(CT_STAT_bytes_out);
    assert_string_equal(m.family, "weir_bytes_total");
    assert_string_equal(m.label, "direction");
    assert_string_equal(m.value, "out");
    assert_false(m.per_shard);
    assert_true(ct_stat_metric(CT_STAT_handed_over).per_shard);
    assert_null(ct_stat_metric(CT_STAT_queued).family);
    m = ct_reason_metric(CT_REASON_TCP_RST);
    assert_string_equal(m.family, "weir_invalid_packets_total");
    assert_string_equal(m.value, "tcp_rst");
    for (unsigned i = 0; i < CT_N_STATS; i++) {
        m = ct_stat_metric(i);
        assert_true(!m.label == !m.value && (m.family || !m.label));
    }
}

static void defaults_lie_within_their_bounds(void **state)
{
    struct ct_params params;

    (void)state;
    for (unsigned profile = 0; profile < 3; profile++) {
        ct_params_default(&params, (enum ct_profile)profile);
        for (unsigned i = 0; i < CT_N_PARAMS; i++) {
            const struct ct_param_info *info = ct_param_info(i);

            assert_int_equal(params.v[i], info->def[profile]);
            assert_true(params.v[i] >= info->min && params.v[i] <= info->max);
        }
    }
    ct_params_default(&params, CT_PROFILE_LINUX);
    assert_int_equal(params.v[CT_PARAM_tcp_established], 432000);
    ct_params_default(&params, CT_PROFILE_RFC);
    assert_int_equal(params.v[CT_PARAM_tcp_established], 7440);
    assert_string_equal(ct_param_info(CT_PARAM_udp)->name, "udp");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_small_letters_and_differ),
        cmocka_unit_test(metrics_are_named_by_the_rows),
        cmocka_unit_test(defaults_lie_within_their_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
