/* gateway.c - rules, tables and neighbours of gateway mode in a real
 * kernel: as planned, followed, found again and taken back */
#include "gateway_rig.h"

#include <sys/socket.h>

/* What a sync does is no reason for the next.  The kernel itself may still have
 * a word about an IPv6 address that came before: a few tries. */
static void is_quiet(struct gateway *gw)
{
    for (int i = 0; i < 20 && gateway_drain(gw); i++) {
        usleep(10000);
        sync_now(gw);
    }
    assert_false(gateway_drain(gw));
}

/* ---- what stands there ---- */

static void rules_stand(void **state)
{
    struct gateway *gw = start_all();
    char *rules = said("ip -d -4 rule"), *six;

    (void)state;
    assert_string_equal(rules, rules_of_ipv4);
    free(rules);
    /* IPv6 has the same, but for IPv4's groups and the table default. */
    rules = said("ip -d -4 rule | sed '/ 2[25][45]\\..*main/d;/^32767:/d;"
                 "s/203.0.113.1/2001:db8::1/;s/10.88.0.1/fd88::1/;"
                 "s/ icmp / ipv6-icmp /'");
    six = said("ip -d -6 rule");
    assert_string_equal(six, rules);
    free(six);
    free(rules);
    assert_says("ip route show table 2003134721",
                "default dev weir-lan proto 119 \n");
    assert_says("ip route show table 2003134722",
                "default dev weir-wan proto 119 src 203.0.113.1");
    assert_says("ip -6 route show table 2003134722",
                "default dev weir-wan proto 119 src 2001:db8::1");
    assert_says("ip route show table 2003134723",
                "default dev weir-wan proto 119 src 203.0.113.1");
    assert_says("ip -6 route show table 2003134723",
                "default dev weir-wan proto 119 src 2001:db8::1");
    assert_says("grep -l '^0$' /proc/sys/net/ipv[46]/neigh/wan0/proxy_delay | "
                "wc -l",
                "2\n");
    assert_says("ip route show table 2003134724",
                "10.88.0.0/24 dev weir-wan proto 119");
    assert_says("ip -6 route show table 2003134724",
                "fd88::/64 dev weir-wan proto 119");
    assert_says("ip neigh show proxy", "203.0.113.1 dev wan0 proxy proto 119");
    assert_says("ip neigh show proxy", "10.88.0.1 dev lan0 proxy proto 119");
    assert_says("ip -6 neigh show proxy",
                "2001:db8::1 dev wan0 proxy proto 119");
    stop_all(gw);
}

static void packets_find_their_way(void **state)
{
    struct gateway *gw = start_all();

    (void)state;
    ways_lead(true);
    close_tuns(); /* killed: nothing untranslated, and the host goes on */
    ways_lead(false);
    open_tuns(); /* found again */
    sync_now(gw);
    ways_lead(true);
    stop_all(gw);
}

static void all_is_taken_back(void **state)
{
    char *before = state_of_kernel();
    struct gateway *gw = start_all();
    struct stat st;

    (void)state;
    assert_return_code(stat(saved, &st), errno);
    assert_int_equal(st.st_mode & 0777, 0600);
    stop_all(gw);
    assert_same(before, state_of_kernel());
    assert_int_equal(stat(saved, &st), -1);
}

static void twice_is_once(void **state)
{
    struct gateway *gw = start_all();
    char *before = state_of_kernel();

    (void)state;
    (void)gateway_drain(gw);
    sync_now(gw);
    assert_same(before, state_of_kernel());
    assert_false(gateway_drain(gw));
    stop_all(gw);
}

/* The kernel is made a router behind the rules or not at all: a TUN that is
 * down takes no route. */
static void no_router_without_rules(void **state)
{
    struct gateway *gw = start(&by_name);
    struct config_facts facts;

    (void)state;
    sh("for d in lan0 wan0; do echo 0 >/proc/sys/net/ipv4/conf/$d/forwarding; "
       "done");
    open_tuns();
    sh("ip link set weir-lan down");
    look(gw, &facts);
    assert_int_equal(sync_with(gw, &facts), -1);
    assert_non_null(strstr(err, "can't add an IPv4 route"));
    assert_says("cat /proc/sys/net/ipv4/conf/lan0/forwarding", "0\n");
    sh("ip link set weir-lan up");
    sync_now(gw);
    assert_says("cat /proc/sys/net/ipv4/conf/lan0/forwarding", "1\n");
    gateway_facts_free(&facts);
    stop_all(gw);
}

/* A second one that finds out in time, or only prints its configuration. */
static void another_runs(void **state)
{
    struct gateway *gw = start_all(), *second;
    struct config_facts facts;
    struct stat st;
    char *running = state_of_kernel();

    (void)state;
    second = start(&by_name);
    look(second, &facts);
    gateway_facts_free(&facts);
    gateway_close(second);
    assert_same(running, state_of_kernel());
    assert_return_code(stat(saved, &st), errno);
    stop_all(gw);
}

/* ---- a predecessor that was killed ---- */

#define OURS                                                                   \
    "ip -d -4 rule; ip -d -6 rule; ip neigh show proxy;"                       \
    "for t in 1 2 3; do ip route show table $((2003134720 + t));"              \
    "ip -6 route show table $((2003134720 + t)); done"

static void killed(void **state)
{
    char *before = state_of_kernel(), *fresh;
    struct gateway *gw = start_all();

    (void)state;
    fresh = said(OURS);
    stop_all(gw);
    assert_int_equal(in_child(run_and_die, NULL), 0);
    ways_lead(false);
    gw = start_all();
    assert_same(fresh, said(OURS));
    ways_lead(true);
    stop_all(gw);
    assert_same(before, state_of_kernel());
}

/* Its addresses were other ones, and its file is gone or says nonsense. */
static void killed_elsewhere(void **state)
{
    char *before;
    struct gateway *gw;

    (void)state;
    sh("sysctl -qw net.ipv4.ip_early_demux=0 net.ipv6.conf.all.forwarding=1 "
       "net.ipv6.conf.all.proxy_ndp=1");
    before = state_of_kernel();
    sh("ip addr add 203.0.113.77/24 dev wan0");
    assert_int_equal(in_child(run_and_die, NULL), 0);
    sh("ip addr del 203.0.113.77/24 dev wan0;"
       "for d in lan0 wan0; do echo 0 >/proc/sys/net/ipv4/conf/$d/forwarding; "
       "echo 80 >/proc/sys/net/ipv4/neigh/$d/proxy_delay;"
       "echo 80 >/proc/sys/net/ipv6/neigh/$d/proxy_delay; done");
    sh("printf 'group ../../x 1 2\\nforwarding4 lan0\\n\\377\\n"
       "early_demux - 1 7\\n' >%s",
       saved);
    gw = start_all();
    assert_says("ip rule | grep -c 203.0.113.77; true", "0\n");
    stop_all(gw);
    assert_same(before, state_of_kernel());
}

/* ---- changes ---- */

static void address_moves(void **state)
{
    struct gateway *gw = start_all();
    struct config_facts a, b;
    char *before, *after;

    (void)state;
    look(gw, &a);
    before = state_of_kernel();
    (void)gateway_drain(gw);
    sh("ip addr del 203.0.113.1/24 dev wan0;"
       "ip addr add 203.0.113.50/24 dev wan0;"
       "ip route add default via 203.0.113.2 dev wan0;"
       "ip -6 addr del 2001:db8::1/64 dev wan0;"
       "ip -6 addr add 2001:db8::50/64 dev wan0 nodad");
    settle();
    assert_true(gateway_drain(gw));
    look(gw, &b);
    assert_false(gateway_facts_equal(&a, &b));
    gateway_facts_free(&a);
    gateway_facts_free(&b);
    sync_now(gw);
    is_quiet(gw);
    assert_says("ip route get 203.0.113.50 from 203.0.113.2 iif wan0",
                "dev weir-wan");
    assert_says("ip -6 route get 2001:db8:9::9", "src 2001:db8::50");
    sh("! ip -4 rule | grep -qw 203.0.113.1; ! ip -6 rule | grep -qw db8::1;"
       "! ip neigh show proxy | grep -qw 203.0.113.1");
    sh("ip addr del 203.0.113.50/24 dev wan0;"
       "ip addr add 203.0.113.1/24 dev wan0;"
       "ip route add default via 203.0.113.2 dev wan0;"
       "ip -6 addr del 2001:db8::50/64 dev wan0;"
       "ip -6 addr add 2001:db8::1/64 dev wan0 nodad");
    settle();
    sync_now(gw);
    after = state_of_kernel();
    assert_int_equal(strlen(before), strlen(after));
    free(before);
    free(after);
    stop_all(gw);
}

static void device_comes_and_goes(void **state)
{
    struct gateway *gw = start_all();
    struct config_facts facts, old;
    struct gateway_health health;

    (void)state;
    look(gw, &old);
    sh("ip link del wan0");
    assert_true(gateway_drain(gw));
    look(gw, &facts);
    assert_string_equal(facts.device[WAN].name, "wan0");
    assert_int_equal(facts.device[WAN].index, 0);
    assert_int_equal(facts.device[WAN].n_addrs, 0);
    gateway_facts_free(&facts);
    sync_now(gw);
    assert_says("ip -4 rule | grep -c .", "18\n");
    assert_says("ip route get 8.8.8.8 from 10.88.0.2 iif lan0", "weir-lan");
    (void)gateway_drain(gw);
    sh("ip link add wan0 type veth peer name pwan0;"
       "ip link set wan0 up; ip link set pwan0 up;"
       "ip addr add 203.0.113.1/24 dev wan0;"
       "ip route add default via 203.0.113.2 dev wan0");
    /* Before it is looked at again: what is missing is the device alone. */
    gateway_check(gw, &old, &health);
    gateway_facts_free(&old);
    assert_int_equal(health.device[WAN].level, HEALTH_FAIL);
    assert_string_equal(health.route.text, "");
    assert_true(gateway_drain(gw));
    sync_now(gw);
    assert_says("cat /proc/sys/net/ipv4/conf/wan0/forwarding", "1\n");
    assert_says("ip -d -4 rule", rules_of_ipv4);
    stop_all(gw);
    assert_says("cat /proc/sys/net/ipv4/conf/wan0/forwarding", "0\n");
}

/* What can't be put right is said. */
static void sync_says(struct gateway *gw, const char *what)
{
    struct config_facts facts;

    look(gw, &facts);
    assert_int_equal(sync_with(gw, &facts), -1);
    assert_non_null(strstr(err, what));
    gateway_facts_free(&facts);
}

static void notices_what_matters(void **state)
{
    static const struct {
        const char *what;
        bool matters;
    } rows[] = {
        {"ip link add other type veth peer name another", false},
        {"ip link set other up", false},
        {"ip link set weir-lan txqueuelen 77", false},
        {"ip addr add 127.0.0.9/8 dev lo", false},
        {"ip route add 10.9.0.0/24 dev lan0 table 55", false},
        {"ip addr add 10.88.1.1/24 dev lan0", true},
        {"ip route add 10.99.0.0/16 via 10.88.0.9", true},
        {"ip link set wan0 mtu 1400", true},
        {"ip rule del pref 0 iif lan0 type unreachable", true},
        {"ip rule add pref 77 fwmark 9 lookup 9", true},
        {"sysctl -qw net.ipv6.conf.lan0.forwarding=0", false},
        {"sysctl -qw net.ipv6.conf.wan0.forwarding=0", true},
        {"sysctl -qw net.ipv6.conf.all.proxy_ndp=0", true},
        {"sysctl -qw net.ipv6.conf.all.forwarding=0", true},
        {"sysctl -qw net.ipv4.conf.pwan0.rp_filter=1", false},
        {"sysctl -qw net.ipv4.conf.weir-wan.rp_filter=1", true},
        {"sysctl -qw net.ipv4.conf.all.rp_filter=1", true},
        {"sysctl -qw net.ipv4.conf.weir-lan.forwarding=0", true},
        {"nft add table ip other", false},
        {"nft delete table netdev weir_local", true},
        {"nft delete table inet weir_reply", true},
        {"nft delete table inet weir", true},
        {"nft flush ruleset", false},
        {"tc qdisc del dev weir-wan clsact", true},
        {"tc qdisc add dev other clsact; tc qdisc del dev other clsact", false},
        {"ip route flush table 2003134721", true},
        {"ip addr flush dev weir-lan", true},
        {"sysctl -qw net.ipv6.conf.weir-lan.disable_ipv6=1", true},
    };
    struct gateway *gw = start_all();

    (void)state;
    (void)gateway_drain(gw);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sh("%s", rows[i].what);
        if (gateway_drain(gw) != rows[i].matters)
            fail_msg("%s", rows[i].what);
    }
    sync_says(gw, "net.ipv6.conf.weir-lan.disable_ipv6=0");
    sh("sysctl -qw net.ipv6.conf.weir-lan.disable_ipv6=0");
    sync_now(gw); /* mends */
    assert_says("ip addr show dev weir-lan", "inet 192.0.0.8/32");
    assert_says("ip -6 route show table 2003134721", "default dev weir-lan");
    assert_says("ip rule", "0:\tfrom all iif lan0 unreachable");
    assert_says("nft list ruleset", "table inet weir {");
    assert_says("nft list ruleset", "table netdev weir_local {");
    assert_says("tc filter show dev weir-wan egress", "mirred");
    assert_says("ip route show table 2003134721", "default dev weir-lan");
    assert_false(gateway_drain(gw));
    /* More than the socket holds. */
    sh("for i in $(seq 1500); do echo link set other down; "
       "echo link set other up; done | ip -batch -");
    assert_true(gateway_drain(gw));
    assert_false(gateway_drain(gw));
    stop_all(gw);
}

/* Routes of others into weir's own devices. */
static void routes_back_are_found(void **state)
{
    static const struct {
        const char *does, *says;
    } rows[] = {
        {"ip route add 10.9.0.0/24 dev weir-wan",
         "the route to 10.9.0.0/24 leads back into weir's own device weir-wan, "
         "so packets for it are dropped; say: ip route replace 10.9.0.0/24 via "
         "GATEWAY dev wan0"},
        {"ip route add 10.9.1.0/24 dev weir-lan",
         "10.9.1.0/24 (and 1 others) leads back into weir's own device "
         "weir-lan"},
        {"ip route del 10.9.1.0/24; for i in $(seq 100); do "
         "echo route add 10.99.$i.0/24 dev weir-wan; done | ip -batch -",
         "(and 100 others)"},
        {"for i in $(seq 100); do echo route del 10.99.$i.0/24; done | "
         "ip -batch -; ip route replace 10.9.0.0/24 via 203.0.113.2",
         ""},
        {"ip -6 route add 2001:db8:7::/48 dev weir-wan",
         "the route to 2001:db8:7::/48 leads back"},
        {"ip -6 route del 2001:db8:7::/48", ""},
        /* One of a lower metric is taken before. */
        {"ip route add 10.9.0.0/24 dev weir-wan metric 100", ""},
        {"ip route del 10.9.0.0/24 via 203.0.113.2", "10.9.0.0/24 leads back"},
        /* The default route is another check's. */
        {"ip route del 10.9.0.0/24; ip route replace default dev weir-wan", ""},
        {"ip -6 addr add fe80::7/64 dev weir-wan", ""},
    };
    struct gateway *gw = start_all();

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gateway_health health;
        struct config_facts facts;

        sh("%s", rows[i].does);
        (void)gateway_drain(gw);
        look(gw, &facts);
        assert_int_equal(sync_with(gw, &facts), 0);
        gateway_check(gw, &facts, &health);
        gateway_facts_free(&facts);
        assert_int_equal(health.back.level,
                         rows[i].says[0] != '\0' ? HEALTH_WARN : HEALTH_OK);
        if (strstr(health.back.text, rows[i].says) == NULL)
            fail_msg("%s: \"%s\"", rows[i].does, health.back.text);
    }
    stop_all(gw);
}

/* A route that is entered without a device leads where its gateway is. */
static void gateways_are_found(void **state)
{
    struct gateway *gw = start_all();

    (void)state;
    sh("ip route add 198.18.0.0/16 via 203.0.113.2;"
       "ip route add 198.19.0.0/16 via 10.88.0.2;"
       "ip -6 route add 2001:db8:5::/64 via 2001:db8::2;"
       "ip route replace default via 203.0.113.3");
    assert_says("ip route", "198.18.0.0/16 via 203.0.113.2 dev wan0");
    assert_says("ip route", "198.19.0.0/16 via 10.88.0.2 dev lan0");
    assert_says("ip -6 route", "2001:db8:5::/64 via 2001:db8::2 dev wan0");
    stop_all(gw);
    assert_says("ip route", "default via 203.0.113.3 dev wan0");
}

/* ---- anything ---- */

static uint32_t chance(void)
{
    static uint32_t x = 2463534242;

    x ^= x << 13;
    x ^= x >> 17;
    return x ^= x << 5;
}

static void disturb(void)
{
    static const char *const pranks[] = {
        "ip rule del pref %u 2>/dev/null; true",
        "ip -6 rule del pref %u 2>/dev/null; true",
        "ip rule add pref %u iif lo lookup 2003134722 protocol 119",
        "ip -6 rule add pref %u to 2001:db8::99 lookup 77 protocol 119",
        "ip route add 192.0.2.%u dev lan0 table 2003134722 protocol 119; true",
        "ip -6 route flush table 2003134721; true %u",
        "ip route replace default dev lan0 table 2003134723 protocol 119; "
        "true %u",
        "ip neigh add proxy 192.0.2.%u dev lan0 protocol 119; true",
        "ip rule add pref 0 lookup local 2>/dev/null; true %u",
        "nft flush ruleset; true %u",
        "ip rule add pref %u fwmark 7 lookup 5 protocol 119",
    };

    sh(pranks[chance() % (sizeof pranks / sizeof *pranks)], chance() % 16);
}

#define COUNT                                                                  \
    "ip $f -d rule | grep -c 'proto 119';"                                     \
    "ip $f route show table all | grep -c 'proto 119';"                        \
    "ip $f neigh show proxy | grep -c 'proto 119';"                            \
    "ip $f rule | grep -c 'lookup local'"

static void new_addresses(void)
{
    static const char *const nets[2][2] = {{"10.88.0.", "fd88::"},
                                           {"203.0.113.", "2001:db8::"}};
    FILE *ip = popen("ip -batch -", "we");

    assert_non_null(ip);
    for (int d = LAN; d <= WAN; d++) {
        const char *name = d == LAN ? "lan0" : "wan0";
        uint32_t bits = chance();

        fprintf(ip, "addr flush dev %s scope global\n", name);
        for (unsigned i = 1; i <= 6; i++) {
            if ((bits >> i & 1) != 0)
                fprintf(ip, "addr add %s%u/24 dev %s\n", nets[d][0], i, name);
            if ((bits >> (i + 8) & 1) != 0)
                fprintf(ip, "addr add %s%u/64 dev %s nodad\n", nets[d][1], i,
                        name);
        }
    }
    assert_int_equal(pclose(ip), 0);
    settle();
}

/* As much as there is of ours is in the plan, and all of the plan is there. */
static void is_as_planned(struct gateway *gw)
{
    struct config_facts f;
    uint32_t n[2] = {0, 0}, own[2] = {0, 0};
    char want[64], *text;

    look(gw, &f);
    for (int d = LAN; d <= WAN; d++)
        for (unsigned i = 0; i < f.device[d].n_addrs; i++) {
            own[f.device[d].addr[i].family == CT_IPV6]++;
            n[f.device[d].addr[i].family == CT_IPV6] += (unsigned)d;
        }
    gateway_facts_free(&f);
    for (int v6 = 0; v6 <= 1; v6++) {
        snprintf(want, sizeof want, "%u\n%u\n%u\n3\n",
                 own[v6] * 5 + 2 + 5 + 4 +
                     (n[v6] == 0 ? 0
                      : v6       ? own[v6] + 2
                                 : own[v6] + 4),
                 (n[v6] > 0 ? 3u : 2u) + (own[v6] > n[v6] ? 1u : 0), own[v6]);
        text = said(v6 ? "f=-6; " COUNT : "f=-4; " COUNT);
        assert_string_equal(text, want);
        free(text);
    }
}

static void anything(void **state)
{
    struct gateway *gw = start_all();

    (void)state;
    for (int i = 0; i < 25; i++) {
        char *once;

        new_addresses();
        for (uint32_t k = chance() % 4; k > 0; k--)
            disturb();
        if (chance() % 8 == 0) {
            close_tuns();
            open_tuns();
        }
        assert_true(gateway_drain(gw));
        sync_now(gw);
        is_quiet(gw);
        is_as_planned(gw);
        once = state_of_kernel();
        sync_now(gw);
        assert_same(once, state_of_kernel());
    }
    stop_all(gw);
    assert_says("ip -d rule; ip -d -6 rule; ip neigh show proxy",
                "0:\tfrom all lookup local proto kernel\n"
                "32766:\tfrom all lookup main proto kernel\n"
                "32767:\tfrom all lookup default proto kernel\n"
                "0:\tfrom all lookup local proto kernel\n"
                "32766:\tfrom all lookup main proto kernel\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(rules_stand, make_world6),
        cmocka_unit_test_setup(packets_find_their_way, make_world6),
        cmocka_unit_test_setup(all_is_taken_back, make_world6),
        cmocka_unit_test_setup(twice_is_once, make_world6),
        cmocka_unit_test_setup(no_router_without_rules, make_world6),
        cmocka_unit_test_setup(another_runs, make_world6),
        cmocka_unit_test_setup(killed, make_world6),
        cmocka_unit_test_setup(killed_elsewhere, make_world6),
        cmocka_unit_test_setup(address_moves, make_world6),
        cmocka_unit_test_setup(device_comes_and_goes, make_world),
        cmocka_unit_test_setup(notices_what_matters, make_world6),
        cmocka_unit_test_setup(routes_back_are_found, make_world6),
        cmocka_unit_test_setup(gateways_are_found, make_world6),
        cmocka_unit_test_setup(anything, make_world6),
    };

    if (!may_run())
        return SKIPPED;
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
