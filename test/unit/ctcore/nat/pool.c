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

/* A source that has the last port of a range has it towards others, too. */
static void a_mapping_at_the_end_of_its_range_is_kept(void **state)
{
    struct ct_config c = {.max = 1024};
    unsigned last = 0;
    struct corerig r;

    (void)state;
    corerig_open(&r, &c);
    r.rule.nat.has_ports = true;
    r.rule.nat.port_lo = 5000;
    r.rule.nat.port_hi = 5003;
    for (unsigned host = 2; host < 42; host++) {
        char spec[80];
        unsigned port = 0;

        for (unsigned remote = 2; remote < 5; remote++) {
            unsigned is;

            snprintf(spec, sizeof spec, "10.0.1.%u:4000 > 198.51.100.%u:%u udp",
                     host, remote, host);
            assert_int_equal(walk(&r, LAN, WAN, spec), CT_ACCEPT);
            assert_int_equal(sscanf(left_as(&r), "198.51.100.1:%u", &is), 1);
            if (port)
                assert_int_equal(is, port);
            port = is;
        }
        last += port == 5003;
    }
    assert_true(last > 0);
    corerig_close(&r);
}

/* A host's forwards below the range of the rule are passed over. */
static void forwards_below_the_range(void **state)
{
    static const struct ct_steer_row rows[2] = {
        {.addr = {.b = {198, 51, 100, 1}},
         .target = {.b = {10, 0, 1, 2}},
         .port_lo = 100,
         .port_hi = 199,
         .family = CT_IPV4,
         .proto = 17},
        {.addr = {.b = {198, 51, 100, 1}},
         .target = {.b = {10, 0, 1, 2}},
         .port_lo = 8000,
         .port_hi = 8099,
         .family = CT_IPV4,
         .proto = 17}};
    struct ct_config c = {.max = 1024, .shard = 3, .n_shards = 8};
    struct ct_steer steer = {.rows = rows, .n = 2, .n_shards = 8};
    struct corerig r;
    unsigned port;

    (void)state;
    corerig_open(&r, &c);
    ct_set_steer(r.ct, &steer);
    r.rule.nat.has_ports = true;
    r.rule.nat.port_lo = 8040;
    r.rule.nat.port_hi = 8040;
    assert_int_equal(walk(&r, LAN, WAN, "10.0.1.2:9 > 198.51.100.2:80 udp"),
                     CT_ACCEPT);
    assert_int_equal(sscanf(left_as(&r), "198.51.100.1:%u", &port), 1);
    assert_int_equal(port, 8040);
    ct_set_steer(r.ct, NULL);
    corerig_close(&r);
}

/* A forward of nearly all ports takes those alone: others get what is left. */
static void a_forward_of_nearly_all_ports(void **state)
{
    struct ct_steer_row row = {.addr = ip4(198, 51, 100, 1),
                               .target = ip4(10, 0, 1, 9),
                               .port_lo = 1,
                               .port_hi = 65534,
                               .family = CT_IPV4,
                               .proto = 17};
    struct ct_config c = {.max = 1024, .profile = CT_PROFILE_WEIR};
    struct ct_steer steer = {.rows = &row, .n = 1, .n_shards = 1};
    struct corerig r;

    (void)state;
    corerig_open(&r, &c);
    steer.ifaces = &r.ct->ifaces;
    ct_set_steer(r.ct, &steer);
    assert_int_equal(walk(&r, LAN, WAN, "10.0.1.2:4000 > 198.51.100.2:80 udp"),
                     CT_ACCEPT);
    assert_string_equal(left_as(&r),
                        "198.51.100.1:65535 > 198.51.100.2:80 udp");
    assert_int_equal(walk(&r, LAN, WAN, "10.0.1.9:4000 > 198.51.100.2:80 udp"),
                     CT_ACCEPT);
    assert_string_equal(left_as(&r), "198.51.100.1:4000 > 198.51.100.2:80 udp");
    ct_set_steer(r.ct, NULL);
    corerig_close(&r);
}

/* RFC 6724 rule 8: of a link's addresses the one that shares the longest prefix
 * with the remote, from its first bit on, and no more than its own prefix. */
static void the_nearest_address_hides(void **state)
{
    static const struct {
        uint8_t far, near; /* first bytes of the two addresses */
        const char *remote, *as;
    } rows[] = {
        {0x90, 0x10, "1001:2::9", "1001:3::1"},
        {0x10, 0x90, "9001:2::9", "9001:3::1"},
        {0x50, 0x10, "1001:2::9", "1001:3::1"},
        {0x10, 0x11, "1001:2::9", "1001:2::1"},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ct_config c = {.max = 64};
        struct ct_ifaces ifaces;
        struct corerig r;
        char spec[100];

        corerig_open(&r, &c);
        ifaces = r.ct->ifaces;
        ifaces.iface[WAN] = (struct ct_iface){
            .n_addrs = 2, .family = {CT_IPV6, CT_IPV6}, .prefix = {64, 64}};
        for (unsigned k = 0; k < 2; k++) {
            uint8_t *b = ifaces.iface[WAN].addr[k].b;

            b[0] = k ? rows[i].near : rows[i].far;
            b[1] = 1;
            b[3] = k ? 3 : 2;
            b[15] = 1;
        }
        ct_set_ifaces(r.ct, &ifaces);
        snprintf(spec, sizeof spec, "[fd00:1::9]:4000 > [%s]:80 udp 'a'",
                 rows[i].remote);
        assert_int_equal(walk(&r, LAN, WAN, spec), CT_ACCEPT);
        snprintf(spec, sizeof spec, "[%s]:4000 > [%s]:80 udp", rows[i].as,
                 rows[i].remote);
        assert_string_equal(left_as(&r), spec);
        corerig_close(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_persistent_source_has_one_address),
        cmocka_unit_test(a_mapping_at_the_end_of_its_range_is_kept),
        cmocka_unit_test(a_forward_of_nearly_all_ports),
        cmocka_unit_test(the_nearest_address_hides),
        cmocka_unit_test(forwards_below_the_range),
        cmocka_unit_test(a_pool_of_ipv6_is_chosen_by_the_whole_remote),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
