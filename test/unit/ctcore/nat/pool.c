/* pool.c - which address of a pool a flow gets */
#include "corerig.h"

/* A source keeps one address of a pool where the rule says so; else each flow
 * has one by its own tuple, as in the kernel. */
static void a_persistent_source_has_one_address(void **state)
{
    (void)state;
    for (unsigned persistent = 0; persistent < 2; persistent++) {
        struct ct_config c = {.max = 1024};
        unsigned seen = 0;
        struct corerig r;

        corerig_open(&r, &c);
        r.rule.action = CT_ACT_SNAT;
        r.rule.nat.family = CT_IPV4;
        r.rule.nat.has_addr = true;
        r.rule.nat.persistent = persistent;
        r.rule.nat.lo = ip4(203, 0, 113, 8);
        r.rule.nat.hi = ip4(203, 0, 113, 15);
        for (unsigned i = 0; i < 40; i++) {
            char spec[80];

            snprintf(spec, sizeof spec,
                     "10.0.1.2:%u > 198.51.100.%u:80 udp 'a'", 5000 + i,
                     10 + i);
            assert_int_equal(walk(&r, LAN, WAN, spec), CT_ACCEPT);
            assert_in_range(r.pkt.data[15], 8, 15);
            seen |= 1u << (r.pkt.data[15] - 8);
        }
        if (persistent)
            assert_true((seen & (seen - 1)) == 0);
        else
            assert_true((seen & (seen - 1)) != 0);
        corerig_close(&r);
    }
}

/* Each half of a remote's address counts. */
static void a_pool_of_ipv6_is_chosen_by_the_whole_remote(void **state)
{
    static const uint8_t prefix[14] = {0x20, 1, 0x0d, 0xb8, 0, 1};

    (void)state;
    for (unsigned half = 0; half < 2; half++) {
        struct ct_config c = {.max = 1024};
        unsigned seen = 0;
        struct corerig r;

        corerig_open(&r, &c);
        r.rule.action = CT_ACT_SNAT;
        r.rule.nat.family = CT_IPV6;
        r.rule.nat.has_addr = true;
        memcpy(r.rule.nat.lo.b, prefix, sizeof prefix);
        r.rule.nat.hi = r.rule.nat.lo;
        r.rule.nat.hi.b[15] = 7;
        for (unsigned i = 1; i < 40; i++) {
            char spec[100];

            snprintf(spec, sizeof spec,
                     half ? "[fd00:1::9]:%u > [2001:db8::%x]:80 udp 'a'"
                          : "[fd00:1::9]:%u > [2001:db8:%x::2]:80 udp 'a'",
                     5000 + i, i + 16);
            assert_int_equal(walk(&r, LAN, WAN, spec), CT_ACCEPT);
            seen |= 1u << (r.pkt.data[23] & 7);
        }
        assert_true((seen & (seen - 1)) != 0);
        corerig_close(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_persistent_source_has_one_address),
        cmocka_unit_test(a_pool_of_ipv6_is_chosen_by_the_whole_remote),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
