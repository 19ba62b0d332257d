/* guard.c - the guard's table in a real kernel: it fits, and what
 * it holds stays */
#include "gateway_rig.h"

#include "gateway/guard/guard.h"

static void name(struct config_facts_device *d, uint32_t i, unsigned addrs)
{
    snprintf(d->name, sizeof d->name, "a-long-name-%u", i);
    snprintf(d->tun, sizeof d->tun, "weir-longname%u", i);
    snprintf(d->label, sizeof d->label, "longname%u", i);
    d->inside = i != CONFIG_GATEWAY_WAN;
    for (d->n_addrs = 0; d->n_addrs < addrs; d->n_addrs++) {
        d->addr[d->n_addrs].family = CT_IPV6;
        memset(d->addr[d->n_addrs].addr.b, (int)(d->n_addrs + 1), 16);
        d->addr[d->n_addrs].addr.b[0] = (uint8_t)(i + 1);
    }
}

static void has_addrs(const char *set, unsigned n)
{
    char command[128], want[16];

    snprintf(command, sizeof command,
             "nft list set inet %s | grep -o '[0-9a-f:]\\{15,\\}' | wc -l",
             set);
    snprintf(want, sizeof want, "%u\n", n);
    assert_says(command, want);
}

/* From two devices with one address each to the most, all in one order. */
static void any_size_fits(void **state)
{
    static const uint32_t tun[CONFIG_DEVICES];
    struct gateway_guard *g;
    struct netlink *nl;

    (void)state;
    assert_int_equal(gateway_guard_open(&g), 0);
    assert_int_equal(netlink_open(&nl), 0);
    for (uint32_t n = 2; n <= CONFIG_DEVICES; n++)
        for (unsigned addrs = 1; addrs <= CONFIG_ADDRS; addrs++) {
            struct config_facts facts = {.n = n};
            bool marks = false;

            for (uint32_t i = 0; i < n; i++)
                name(&facts.device[i], i, addrs);
            assert_int_equal(gateway_guard_put(g, nl, &facts, tun, &marks), 0);
            assert_true(marks);
            has_addrs("weir_reply served6", n * addrs);
        }
    gateway_guard_remove(g);
    gateway_guard_close(g);
    netlink_close(nl);
}

/* From an address that went the host answers as little as from one that is
 * there: the kernel may have it again before weir knows. */
static void gone_addresses_stay_silent(void **state)
{
    static const uint32_t tun[CONFIG_DEVICES];
    struct config_facts facts = {.n = CONFIG_DEVICES};
    struct gateway_guard *g;
    struct netlink *nl;
    bool marks;

    (void)state;
    assert_int_equal(gateway_guard_open(&g), 0);
    assert_int_equal(netlink_open(&nl), 0);
    for (uint32_t i = 0; i < facts.n; i++)
        name(&facts.device[i], i, CONFIG_ADDRS);
    for (uint8_t round = 1; round <= 10; round++) {
        facts.device[CONFIG_GATEWAY_WAN].addr[0].addr.b[15] = 0xf0 | round;
        assert_int_equal(gateway_guard_put(g, nl, &facts, tun, &marks), 0);
        has_addrs("weir_reply served6", CONFIG_DEVICES * CONFIG_ADDRS);
        has_addrs("weir host6", CONFIG_DEVICES * CONFIG_ADDRS);
        has_addrs("weir gone6", round <= 9 ? round - 1U : 8U);
    }
    assert_says("nft list set inet weir gone6 | grep -c f9", "1\n");
    assert_says("nft list set inet weir gone6 | grep -c f1; true", "0\n");
    assert_int_equal(gateway_guard_ruled(g, nl, &facts, tun), 0);
    has_addrs("weir gone6", 8);
    /* Back, but nothing leads to weir yet; then rules do. */
    facts.device[CONFIG_GATEWAY_WAN].addr[0].addr.b[15] = 0xf9;
    assert_int_equal(gateway_guard_put(g, nl, &facts, tun, &marks), 0);
    assert_says("nft list set inet weir host6 | grep -c f9", "1\n");
    assert_says("nft list set inet weir gone6 | grep -c f9", "1\n");
    assert_int_equal(gateway_guard_ruled(g, nl, &facts, tun), 0);
    assert_says("nft list set inet weir host6 | grep -c f9", "1\n");
    assert_says("nft list set inet weir gone6 | grep -c f9; true", "0\n");
    assert_says("nft list set inet weir gone6 | grep -c fa", "1\n");
    gateway_guard_remove(g);
    gateway_guard_close(g);
    netlink_close(nl);
}

/* Also for another one, who finds the table. */
static void notes_stay(void **state)
{
    static const uint32_t tun[CONFIG_DEVICES];
    struct config_facts facts = {.n = 2};
    struct gateway_guard *g;
    struct netlink *nl;
    bool marks;

    (void)state;
    assert_int_equal(netlink_open(&nl), 0);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(gateway_guard_open(&g), 0);
        name(&facts.device[0], 0, 1 + i);
        name(&facts.device[1], 1, 1);
        strcpy(facts.device[1].name, "wan0");
        assert_int_equal(gateway_guard_put(g, nl, &facts, tun, &marks), 0);
        if (i == 0)
            sh("ping -c 1 -W 0.01 203.0.113.9 >/dev/null || true");
        name(&facts.device[0], 0, 2 + i);
        assert_int_equal(gateway_guard_put(g, nl, &facts, tun, &marks), 0);
        assert_says("nft list set inet weir note4 | grep -c expires", "1\n");
        assert_says("nft list chain inet weir input | grep -c mark.set", "1\n");
        gateway_guard_close(g);
    }
    /* One of another kind is made again. */
    sh("nft delete table inet weir; nft add table inet weir;"
       "nft 'add set inet weir note4 { type inet_service; }'");
    assert_int_equal(gateway_guard_open(&g), 0);
    assert_int_equal(gateway_guard_put(g, nl, &facts, tun, &marks), 0);
    assert_true(marks);
    gateway_guard_remove(g);
    gateway_guard_close(g);
    netlink_close(nl);
}

/* What asks at an address that weir doesn't serve: minutes and hours, for those
 * who answer late. */
static void replies_may_be_late(void **state)
{
    static const uint32_t tun[CONFIG_DEVICES];
    struct config_facts facts = {.n = 2};
    struct gateway_guard *g;
    struct netlink *nl;
    bool marks;

    (void)state;
    assert_int_equal(netlink_open(&nl), 0);
    assert_int_equal(gateway_guard_open(&g), 0);
    name(&facts.device[0], 0, 1);
    name(&facts.device[1], 1, 1);
    assert_int_equal(gateway_guard_put(g, nl, &facts, tun, &marks), 0);
    assert_says("nft list table inet weir_reply | "
                "grep -o 'timeout [0-9a-z]*' | sort | uniq -c",
                "      2 timeout 2h5m\n"
                "      2 timeout 30s\n"
                "      2 timeout 3m\n"
                "      6 timeout 4m\n");
    gateway_guard_remove(g);
    gateway_guard_close(g);
    netlink_close(nl);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(any_size_fits, make_world),
        cmocka_unit_test_setup(gone_addresses_stay_silent, make_world),
        cmocka_unit_test_setup(notes_stay, make_world),
        cmocka_unit_test_setup(replies_may_be_late, make_world),
    };

    if (!may_run())
        return SKIPPED;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
