/* more.c - gateway mode with further devices, in a real kernel */
#include "gateway_rig.h"

enum { DMZ = 2, UPLINK };

static const struct config_gateway four = {
    .set = true,
    .n = 4,
    .name = {"lan", "wan", "dmz", "up"},
    .inside = {true, false, true},
    .device = {"lan0", "wan0", "dmz0", "up0"}};

static int make_four(void **state)
{
    make_world6(state);
    sh("for d in dmz0 up0 other0; do ip link add $d type veth peer name p$d;"
       "ip link set $d up; ip link set p$d up; done;"
       "ip addr add 10.99.0.1/24 dev dmz0; ip addr add 192.0.2.1/24 dev up0;"
       "ip addr add 10.77.0.1/24 dev other0;"
       "ip -6 addr add fd99::1/64 dev dmz0 nodad;"
       "ip -6 addr add 2001:db8:2::1/64 dev up0 nodad;"
       "ip route add 198.18.0.0/16 via 192.0.2.2 dev up0;"
       "ip -6 route add 2001:db8:9::/48 via 2001:db8:2::2 dev up0");
    settle();
    sh("for i in $(seq 500); do"
       " ip -6 route show table local | grep -q '^local 2001:db8:2::1 ' &&"
       " ip -6 route show table local | grep -q '^local fd99::1 ' && exit 0;"
       " sleep 0.01; done; exit 1");
    return 0;
}

static struct gateway *start_with(const struct config_gateway *want)
{
    struct gateway *gw = start(want);
    char tun[16];

    for (uint32_t i = 0; i < want->n; i++) {
        config_gateway_tun(want->name[i], tun);
        open_tun((int)i, tun);
    }
    sync_now(gw);
    return gw;
}

static void close_all(uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        close(tun_fd[i]);
}

static void stop_with(struct gateway *gw, uint32_t n)
{
    gateway_close(gw);
    close_all(n);
}

/* ---- where packets go ---- */

static const struct {
    const char *what, *with, *without;
} ways_of_four[] = {
    {"10.99.0.2 from 10.88.0.2 iif lan0", "dev weir-lan", "unreachable"},
    {"10.88.0.2 from 10.99.0.2 iif dmz0", "dev weir-dmz", "unreachable"},
    {"8.8.8.8 from 10.99.0.2 iif dmz0", "dev weir-dmz", "unreachable"},
    {"198.18.0.1 from 10.88.0.2 iif lan0", "dev weir-lan", "unreachable"},
    {"10.88.0.2 from 198.18.0.1 iif up0", "dev weir-up", "unreachable"},
    {"192.0.2.1 from 198.18.0.1 iif up0", "dev weir-up", "local "},
    {"10.88.0.1 from 10.99.0.2 iif dmz0", "dev weir-dmz", "local "},
    {"10.99.0.1 from 10.88.0.2 iif lan0", "dev weir-lan", "local "},
    {"10.99.0.2 from 192.0.2.1 iif up0", "Invalid argument", "Invalid"},
    {"10.99.0.2 from 10.88.0.1 iif dmz0", "Invalid argument", "Invalid"},
    {"198.18.0.1 from 192.0.2.1 iif weir-up", "dev up0", NULL},
    {"10.99.0.2 from 10.88.0.2 iif weir-dmz", "dev dmz0", NULL},
    {"192.0.2.1 from 198.18.0.1 iif up0 mark 0x77650001", "local ", "local "},
    {"198.18.0.1", "dev weir-wan table 2003134723 src 192.0.2.1",
     "via 192.0.2.2 dev up0"},
    {"192.0.2.9", "dev weir-wan table 2003134723 src 192.0.2.1",
     "dev up0 src 192.0.2.1"},
    {"8.8.8.8", "dev weir-wan table 2003134723 src 203.0.113.1",
     "via 203.0.113.2 dev wan0"},
    {"8.8.8.8 from 192.0.2.1", "dev weir-wan", "dev wan0"},
    {"10.88.0.2 from 10.99.0.1 ipproto tcp", "dev weir-wan", "dev lan0"},
    {"10.99.0.2", "dev dmz0 src 10.99.0.1", "dev dmz0 src 10.99.0.1"},
    {"10.77.0.2", "dev other0", "dev other0"},
    {"2001:db8:9::9", "dev weir-wan table 2003134723 ", "dev up0"},
    {"2001:db8:9::9", "src 2001:db8:2::1", "dev up0"},
    {"2001:db8:9::9 from fd99::2 iif dmz0", "dev weir-dmz", "unreachable"},
    {"fd88::2 from fd99::2 iif dmz0", "dev weir-dmz", "unreachable"},
    {"2001:db8:2::1 from 2001:db8:2::2 iif up0", "dev weir-up", "local "},
};

static void lead(bool with)
{
    for (size_t i = 0; i < sizeof ways_of_four / sizeof *ways_of_four; i++) {
        const char *want =
            with ? ways_of_four[i].with : ways_of_four[i].without;
        char command[128];

        snprintf(command, sizeof command, "ip route get %s 2>&1",
                 ways_of_four[i].what);
        if (want != NULL)
            assert_says(command, want);
    }
}

static void packets_of_further_devices(void **state)
{
    struct gateway *gw = start_with(&four);

    (void)state;
    lead(true);
    assert_says("ip neigh show proxy", "10.99.0.1 dev dmz0 proxy proto 119");
    assert_says("ip neigh show proxy", "192.0.2.1 dev up0 proxy proto 119");
    assert_says("ip -6 neigh show proxy",
                "2001:db8:2::1 dev up0 proxy proto 119");
    close_all(four.n);
    lead(false);
    gateway_close(gw);
}

/* What a killed one with more devices has left goes with the next one's start,
 * although it has two. */
static void further_devices_are_given_back(void **state)
{
    char *before, *after;
    struct gateway *gw;

    (void)state;
    sh("ip link set wan0 group 5");
    before = state_of_kernel();
    gw = start_with(&four);
    assert_says("ip link show up0", "group 2003134834");
    assert_says("ip link show wan0", "group 2003134834");
    assert_says("cat /proc/sys/net/ipv4/conf/dmz0/forwarding "
                "/proc/sys/net/ipv6/conf/up0/forwarding",
                "1\n1\n");
    assert_says("cat /proc/sys/net/ipv4/conf/other0/forwarding", "0\n");
    stop_with(gw, four.n);
    after = state_of_kernel();
    assert_same(before, after);
}

static void run_four_and_die(void *ctx)
{
    (void)ctx;
    (void)start_with(&four);
}

static void a_killed_one_had_more(void **state)
{
    char *before = state_of_kernel();

    (void)state;
    assert_int_equal(in_child(run_four_and_die, NULL), 0);
    assert_says("ip rule", "iif dmz0 unreachable");
    stop_all(start_all());
    assert_same(before, state_of_kernel());
}

/* ---- the guard ---- */

static void only_what_belongs_together(void **state)
{
    struct gateway *gw = start_with(&four);

    (void)state;
    assert_says("nft list chain inet weir forward",
                "iifname \"dmz0\" oifname \"weir-dmz\" accept");
    assert_says("nft list chain inet weir forward",
                "iifname \"weir-up\" oifname \"up0\" accept");
    assert_says("nft list chain inet weir forward",
                "iifname \"dmz0\" counter name \"past\" drop");
    assert_says("nft list chain inet weir forward",
                "oifname \"up0\" counter name \"third\" drop");
    assert_says("nft list table netdev weir_local", "chain weir-dmz {");
    stop_with(gw, four.n);
    assert_says("nft list tables; echo none", "none\n");
}

/* Each of its requests goes to the process with the rights as one message. */
static void as_many_as_there_may_be(void **state)
{
    struct config_gateway want = four;
    char *before;
    struct gateway *gw;

    (void)state;
    sh("for d in a0 b0 c0 d0; do ip link add $d type veth peer name p$d;"
       "ip link set $d up; ip link set p$d up; done;"
       "n=0; for d in lan0 wan0 dmz0 up0 a0 b0 c0 d0; do n=$((n + 1));"
       "for i in 11 12 13 14 15 16 17 18; do "
       "ip addr add 10.5$n.0.$i/24 dev $d; done; done");
    for (; want.n < CONFIG_DEVICES; want.n++) {
        snprintf(want.name[want.n], 16, "longest%03u", want.n);
        snprintf(want.device[want.n], 64, "%c0", 'a' + (int)want.n - 4);
        want.inside[want.n] = want.n % 2;
    }
    before = state_of_kernel();
    gw = start_with(&want);
    assert_says("nft list chain inet weir forward",
                "iifname \"d0\" oifname \"weir-longest007\" accept");
    assert_says("nft list table netdev weir_local", "chain weir-longest007 {");
    assert_says("ip route get 8.8.8.8 from 10.58.0.9 iif d0",
                "dev weir-longest007");
    assert_says("ip rule | grep -c 10.58.0.18", "18\n");
    sync_now(gw);
    stop_with(gw, want.n);
    assert_same(before, state_of_kernel());
}

/* ---- facts ---- */

static const struct config_facts_route *find(const struct config_facts *f,
                                             uint8_t a, uint8_t b, uint8_t len)
{
    for (uint32_t i = 0; i < f->n_routes; i++)
        if (f->routes[i].family == CT_IPV4 && f->routes[i].addr.b[0] == a &&
            f->routes[i].addr.b[1] == b && f->routes[i].len == len)
            return &f->routes[i];
    return NULL;
}

/* Of several uplinks the lowest metric leads; of a single one nothing is
 * listed, for all leads there. */
static void routes_of_uplinks(void **state)
{
    struct gateway *gw = start(&four);
    struct config_facts f;

    (void)state;
    sh("ip route add default via 192.0.2.2 dev up0 metric 7;"
       "ip route add 198.19.0.0/16 via 203.0.113.2 dev wan0 metric 9;"
       "ip route add 198.19.0.0/16 via 192.0.2.2 dev up0 metric 8;"
       "ip route add default via 10.99.0.2 dev dmz0 metric 1");
    look(gw, &f);
    assert_int_equal(f.n, 4);
    assert_string_equal(f.device[UPLINK].label, "up");
    assert_string_equal(f.device[UPLINK].tun, "weir-up");
    assert_true(f.device[DMZ].inside && !f.device[UPLINK].inside);
    assert_int_equal(find(&f, 0, 0, 0)->device, WAN);
    assert_int_equal(find(&f, 198, 19, 16)->device, UPLINK);
    assert_int_equal(find(&f, 198, 18, 16)->device, UPLINK);
    assert_int_equal(find(&f, 203, 0, 24)->device, WAN);
    assert_int_equal(find(&f, 10, 99, 24)->device, DMZ);
    assert_null(find(&f, 10, 77, 24));
    gateway_facts_free(&f);
    sh("ip route del default via 203.0.113.2 dev wan0");
    look(gw, &f);
    assert_int_equal(find(&f, 0, 0, 0)->device, UPLINK);
    gateway_facts_free(&f);
    gateway_close(gw);
    gw = start(&by_name);
    look(gw, &f);
    assert_null(find(&f, 0, 0, 0));
    assert_null(find(&f, 203, 0, 24));
    gateway_facts_free(&f);
    gateway_close(gw);
}

static void checks_of_further_devices(void **state)
{
    struct gateway *gw = start_with(&four);
    struct gateway_health health;
    struct config_facts f;

    (void)state;
    sh("ip link set up0 down; ip addr flush dev dmz0");
    look(gw, &f);
    gateway_check(gw, &f, &health);
    assert_int_equal(health.device[LAN].level, HEALTH_OK);
    assert_int_equal(health.device[UPLINK].level, HEALTH_FAIL);
    assert_non_null(strstr(health.device[UPLINK].text, "up0 (up) is down"));
    assert_int_equal(health.address[DMZ].level, HEALTH_FAIL);
    gateway_facts_free(&f);
    sh("ip link del up0");
    look(gw, &f);
    gateway_check(gw, &f, &health);
    assert_non_null(strstr(health.device[UPLINK].text, "gateway.more.up"));
    gateway_facts_free(&f);
    stop_with(gw, four.n);
}

static void further_mistakes(void **state)
{
    struct config_gateway want = four;
    struct gateway *gw;

    (void)state;
    strcpy(want.device[DMZ], "eth77");
    assert_int_equal(gateway_open(&gw, &want, NULL, err), -1);
    assert_non_null(strstr(err, "gateway.more.dmz: no network device"));
    strcpy(want.device[DMZ], "192.0.2.0/24");
    assert_int_equal(gateway_open(&gw, &want, NULL, err), -1);
    assert_non_null(strstr(err, "gateway.more.dmz (192.0.2.0/24) and "
                                "gateway.more.up (up0) are the same device"));
}

/* lan's address moves to wan0: which of both that is can't be told, and neither
 * is taken for it. */
static void one_device_fits_two(void **state)
{
    struct config_gateway want = wanted("10.88.0.1/24", "wan0");
    struct config_facts facts;
    struct gateway *gw;

    (void)state;
    gw = start(&want);
    sh("ip addr del 10.88.0.1/24 dev lan0; ip addr add 10.88.0.1/24 dev wan0");
    look(gw, &facts);
    for (unsigned d = LAN; d <= WAN; d++) {
        assert_int_equal(facts.device[d].index, 0);
        assert_int_equal(facts.device[d].n_addrs, 0);
    }
    gateway_facts_free(&facts);
    gateway_close(gw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(packets_of_further_devices, make_four),
        cmocka_unit_test_setup(further_devices_are_given_back, make_four),
        cmocka_unit_test_setup(a_killed_one_had_more, make_four),
        cmocka_unit_test_setup(only_what_belongs_together, make_four),
        cmocka_unit_test_setup(as_many_as_there_may_be, make_four),
        cmocka_unit_test_setup(routes_of_uplinks, make_four),
        cmocka_unit_test_setup(checks_of_further_devices, make_four),
        cmocka_unit_test_setup(further_mistakes, make_four),
        cmocka_unit_test_setup(one_device_fits_two, make_four),
    };

    if (!may_run())
        return SKIPPED;
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
