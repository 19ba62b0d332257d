/* words.c - protocols' numbers are those of the system's header, each word is
 * found by its number and back, and what a row says of a protocol holds */
#include <ctcore/rules.h>

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void numbers_are_the_systems(void **state)
{
    static const uint8_t same[][2] = {
        {CT_PROTO_TCP, IPPROTO_TCP},
        {CT_PROTO_UDP, IPPROTO_UDP},
        {CT_PROTO_ICMP, IPPROTO_ICMP},
        {CT_PROTO_ICMPV6, IPPROTO_ICMPV6},
        {CT_PROTO_UDPLITE, IPPROTO_UDPLITE},
        {CT_PROTO_SCTP, IPPROTO_SCTP},
        {CT_PROTO_DCCP, IPPROTO_DCCP},
        {CT_PROTO_GRE, IPPROTO_GRE},
        {CT_PROTO_IGMP, IPPROTO_IGMP},
        {CT_PROTO_IPIP, IPPROTO_IPIP},
        {CT_PROTO_ESP, IPPROTO_ESP},
        {CT_PROTO_AH, IPPROTO_AH},
        {CT_PROTO_HOPOPT, IPPROTO_HOPOPTS},
        {CT_PROTO_ROUTING, IPPROTO_ROUTING},
        {CT_PROTO_FRAGMENT, IPPROTO_FRAGMENT},
        {CT_PROTO_DSTOPTS, IPPROTO_DSTOPTS},
    };

    (void)state;
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        assert_int_equal(same[i][0], same[i][1]);
}

static void words_are_found(void **state)
{
    (void)state;
    for (unsigned list = 0; list < CT_N_WORDS; list++) {
        unsigned n;
        const struct ct_word *row = ct_words(list, &n);

        assert_true(n > 0);
        for (unsigned i = 0; i < n; i++) {
            const char *name = ct_word_name(list, row[i].number);

            if (row[i].name == NULL) {
                assert_null(name);
                continue;
            }
            assert_ptr_equal(ct_word_find(list, row[i].name), &row[i]);
            assert_int_equal(ct_word_find(list, name)->number, row[i].number);
        }
        assert_null(ct_word_find(list, ""));
        assert_null(ct_word_find(list, "no such word"));
        assert_null(ct_word_name(list, 0xfffffffe));
    }
}

static void aliases_are_not_printed(void **state)
{
    (void)state;
    assert_int_equal(ct_word_find(CT_WORDS_PROTO, "ipv6-icmp")->number,
                     CT_PROTO_ICMPV6);
    assert_string_equal(ct_word_name(CT_WORDS_PROTO, CT_PROTO_ICMPV6),
                        "icmpv6");
    assert_null(ct_word_find(CT_WORDS_PROTO, "tc"));
    assert_null(ct_word_find(CT_WORDS_PROTO, "tcpp"));
    assert_null(ct_word_find(CT_WORDS_PROTO, "TCP"));
}

static void rows_hold(void **state)
{
    unsigned ported = 0, tracked = 0;

    (void)state;
    for (unsigned p = 0; p <= UINT8_MAX; p++) {
        uint8_t proto = (uint8_t)p;
        struct ct_proto_info info = ct_proto_info(proto);
        uint32_t field = info.sum & CT_SUM_CRC ? 4 : 2;

        ported += ct_proto_has_ports(proto);
        tracked += ct_proto_is_tracked(proto);
        assert_int_equal(ct_proto_has_ports(proto),
                         ct_proto_info(proto).ids == CT_IDS_PORTS);
        assert_int_equal(ct_proto_is_icmp(proto),
                         ct_proto_info(proto).ids == CT_IDS_QUERY);
        assert_int_equal(ct_proto_is_tracked(proto),
                         ct_proto_info(proto).header > 0);
        if (info.sum_at > 0)
            assert_true(info.sum_at + field <= ct_proto_info(proto).header);
        if (ct_proto_is_tracked(proto))
            assert_non_null(ct_word_name(CT_WORDS_PROTO, proto));
    }
    assert_int_equal(ported, 5);
    assert_int_equal(tracked, 8);
    assert_true(ct_proto_has_states(CT_PROTO_TCP));
    assert_false(ct_proto_has_states(CT_PROTO_UDP));
}

/* No action stands where the hook has not its stage. */
static void actions_are_whole(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CT_N_ACTIONS; i++) {
        const struct ct_action_info *a = ct_action_info(i);

        assert_true(a->name[0] != '\0');
        assert_true(a->stage < CT_N_STAGES);
        assert_true(a->hooks != 0);
        assert_int_equal(a->hooks >> CT_N_HOOKS, 0);
        if (a->stage == CT_STAGE_RAW)
            assert_int_equal(a->hooks, 1u << CT_PREROUTING | 1u << CT_OUTPUT);
        if (a->stage == CT_STAGE_NAT)
            assert_false(a->hooks >> CT_FORWARD & 1);
        for (unsigned k = 0; k < i; k++)
            assert_string_not_equal(a->name, ct_action_info(k)->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_the_systems),
        cmocka_unit_test(words_are_found),
        cmocka_unit_test(aliases_are_not_printed),
        cmocka_unit_test(rows_hold),
        cmocka_unit_test(actions_are_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
