/* conf.c - gateway mode: what is read of the devices, what is set,
 * and with which rights */
#include "gateway_rig.h"

#include "kernel/netlink/route.h"
#include "system/sandbox.h"

#include <sys/mount.h>

/* ---- facts ---- */

static void facts_are_told(void **state)
{
    struct config_gateway want = wanted("10.88.0.0/16", "203.0.113.0/24");
    struct gateway_health health;
    struct config_facts f;
    struct gateway *gw;

    (void)state;
    sh("ip addr add 10.88.0.2/24 dev lan0;" /* secondary */
       "ip addr add 169.254.9.9/16 dev lan0 scope link;"
       "ip addr add 10.77.0.1 peer 10.77.0.2/32 dev lan0;"
       "ip route add 172.16.0.0/12 via 10.88.0.9;"
       "ip route add 172.16.0.0/12 via 10.88.0.8 metric 50;"
       "ip route add 192.0.2.0/24 via 203.0.113.9;"
       "ip route add blackhole 192.168.0.0/16;"
       "ip route add 10.55.0.0/16 nexthop via 10.88.0.3 nexthop via "
       "203.0.113.3; ip route add default via 10.88.0.9 metric 900;"
       "sysctl -qw net.ipv6.conf.lan0.dad_transmits=0 "
       "net.ipv6.conf.lan0.use_tempaddr=2;"
       "ip -6 addr add fd88:0:0:7::1/64 dev lan0 mngtmpaddr;"
       "ip -6 addr add fd88::66/64 dev lan0 valid_lft 999 preferred_lft 0");
    settle();
    sh("sysctl -qw net.ipv6.conf.lan0.dad_transmits=600 "
       "net.ipv6.conf.lan0.accept_dad=1;"
       "ip -6 addr add fd88::77/64 dev lan0;" /* tentative */
       "ip -6 route add fd99::/48 via fd88::9; ip -6 addr add fe80::5/64 dev "
       "lan0 nodad; for i in 2 3 4 5 6 7 8 9; do "
       "ip addr add 203.0.113.$i/24 dev wan0; done");
    gw = start(&want);
    sh("ip addr add 203.0.113.200/32 dev lan0"); /* is wan still the same? */
    look(gw, &f);
    assert_string_equal(f.device[LAN].name, "lan0");
    assert_string_equal(f.device[WAN].name, "wan0");
    assert_int_equal(f.device[LAN].mtu, 1500);
    assert_int_equal(f.device[LAN].index, if_nametoindex("lan0"));
    assert_int_equal(f.device[LAN].n_addrs, 8);
    assert_int_equal(f.device[LAN].addr[1].addr.b[1], 77); /* its own end */
    assert_int_equal(f.device[LAN].addr[1].addr.b[3], 1);
    assert_int_equal(f.device[LAN].addr[3].addr.b[3], 2);
    assert_int_equal(f.device[LAN].addr[3].family, CT_IPV4);
    assert_int_equal(f.device[LAN].addr[4].family, CT_IPV6); /* newest first */
    assert_int_equal(f.device[LAN].addr[4].addr.b[15], 1);
    assert_int_equal(f.device[LAN].addr[4].addr.b[7], 7);
    assert_int_equal(f.device[LAN].addr[5].addr.b[15], 1);
    assert_int_equal(f.device[LAN].addr[5].addr.b[7], 0);
    assert_int_equal(f.device[LAN].addr[6].addr.b[7], 7);     /* temporary */
    assert_int_equal(f.device[LAN].addr[7].addr.b[15], 0x66); /* deprecated */
    assert_int_equal(f.device[WAN].n_addrs, 8);               /* of ten */
    assert_int_equal(f.device[WAN].addr[7].addr.b[3], 8);
    assert_int_equal(f.device[WAN].n_more, 2);
    assert_int_equal(f.device[LAN].n_more, 0);
    gateway_check(gw, &f, &health);
    assert_int_equal(health.address[WAN].level, HEALTH_WARN);
    assert_non_null(strstr(health.address[WAN].text, "has 10 addresses: the "
                                                     "first 8 are served"));
    assert_int_equal(health.address[LAN].level, HEALTH_OK);
    assert_int_equal(f.n_routes, 8);
    assert_int_equal(f.routes[0].addr.b[1], 55);
    assert_int_equal(f.routes[1].addr.b[1], 77);
    assert_int_equal(f.routes[2].addr.b[1], 88);
    assert_int_equal(f.routes[2].len, 24);
    assert_int_equal(f.routes[4].addr.b[0], 172);
    assert_int_equal(f.routes[5].len, 64);
    assert_int_equal(f.routes[7].len, 48);
    assert_true(gateway_facts_equal(&f, &f));
    gateway_facts_free(&f);
    gateway_close(gw);
}

static void count_route(void *ctx, const struct netlink_route *route)
{
    (void)route;
    ++*(unsigned *)ctx;
}

/* A full table by the wan device is not copied for lan's few routes. */
static void routes_of_others_are_not_listed(void **state)
{
    struct netlink *nl;
    unsigned all = 0, lan = 0, none = 0;
    uint32_t index = if_nametoindex("lan0");

    (void)state;
    sh("for i in $(seq 200); do echo route add 11.0.0.$i via 203.0.113.2; done "
       "| ip -batch -; ip route add 10.99.0.0/16 via 10.88.0.9");
    assert_int_equal(netlink_open(&nl), 0);
    assert_int_equal(netlink_route_each(nl, CT_IPV4, 254, 0, count_route, &all),
                     0);
    assert_int_equal(
        netlink_route_each(nl, CT_IPV4, 254, index, count_route, &lan), 0);
    assert_int_equal(
        netlink_route_each(nl, CT_IPV4, 254, 7777, count_route, &none), 0);
    netlink_close(nl);
    assert_int_equal(all, 204);
    assert_int_equal(lan, 2);
    assert_int_equal(none, 0);
}

static const struct {
    const char *lan, *wan, *says;
} mistakes[] = {
    {"eth7", "wan0",
     "gateway.lan: no network device is called eth7; there are"},
    {"lan0", "eth7", "wan0 (203.0.113.1/24)"},
    {"192.0.2.0/24", "wan0",
     "gateway.lan: no network device has an address in "
     "192.0.2.0/24"},
    {"lan0", "203.0.113.9", "has the address 203.0.113.9"},
    {"lan0", "lan0", "are the same device, lan0"},
    {"10.0.0.0/8", "lan0", "are the same device, lan0"},
    {"0.0.0.0/0", "wan0", "fits lan0 and wan0"},
    {"lo", "wan0", "no network device is called lo"},
};

static void mistakes_are_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        struct config_gateway want = wanted(mistakes[i].lan, mistakes[i].wan);
        struct gateway *gw;

        assert_int_equal(gateway_open(&gw, &want, NULL, err), -1);
        if (strstr(err, mistakes[i].says) == NULL)
            fail_msg("%s: not: %s", mistakes[i].says, err);
    }
    sh("for i in 1 2 3 4 5 6 7 8 9; do "
       "ip link add a-long-name-$i type veth peer name another-name-$i; done");
    struct config_gateway want = wanted("eth7", "wan0");
    struct gateway *gw;

    assert_int_equal(gateway_open(&gw, &want, NULL, err), -1);
    assert_int_equal(strlen(err), 255);
    assert_string_equal(err + 252, "...");
}

/* ---- settings ---- */

static void settings_of_others_stay(void **state)
{
    struct gateway *gw;
    char *before;

    (void)state;
    sh("ip link set wan0 group 1234; "
       "sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=1 "
       "net.ipv4.conf.lan0.rp_filter=1 net.ipv6.conf.wan0.accept_ra=1;"
       "ip rule add pref 5000 to 192.0.2.7 unreachable protocol 111;"
       "ip neigh add proxy 203.0.113.1 dev wan0 protocol 111;"
       "ip route add 192.0.2.8 dev wan0 table 2003134721 protocol 111");
    before = state_of_kernel();
    gw = start_all();
    assert_says("ip link show wan0", "group 1234");
    assert_says("ip rule", "suppress_ifgroup 1234");
    assert_says("sysctl -n net.ipv4.conf.wan0.rp_filter", "2\n");
    assert_says("sysctl -n net.ipv4.conf.weir-wan.rp_filter", "2\n");
    assert_says("sysctl -n net.ipv4.conf.lan0.rp_filter", "1\n");
    assert_says("sysctl -n net.ipv6.conf.wan0.accept_ra", "2\n");
    assert_says("ip neigh show proxy", "203.0.113.1 dev wan0 proxy proto 111");
    stop_all(gw);
    assert_same(before, state_of_kernel());

    sh("ip link set lan0 group 1234"); /* not wan's alone: ours */
    before = state_of_kernel();
    gw = start_all();
    assert_says("ip rule", "suppress_ifgroup 2003134834");
    /* Changed by another program meanwhile: not restored. */
    sh("sysctl -qw net.ipv4.conf.wan0.rp_filter=0; ip link set wan0 group 9");
    stop_all(gw);
    assert_says("ip link show wan0", "group 9 ");
    sh("sysctl -qw net.ipv4.conf.wan0.rp_filter=1 2>/dev/null; "
       "ip link set wan0 group 1234; sysctl -qw "
       "net.ipv4.conf.wan0.rp_filter=0");
    assert_same(before, state_of_kernel());
}

/* ip_forward is every device's: who sets it while weir runs wants it so. */
static void the_newer_wish_wins(void **state)
{
    struct gateway *gw = start_all();

    (void)state;
    sh("sysctl -qw net.ipv4.ip_forward=1");
    stop_all(gw);
    assert_says("sysctl -n net.ipv4.conf.lan0.forwarding", "1\n");
    assert_says("sysctl -n net.ipv4.conf.wan0.forwarding", "1\n");
    sh("sysctl -qw net.ipv4.ip_forward=0");
    gw = start_all();
    sh("sysctl -qw net.ipv4.ip_forward=1");
    (void)gateway_drain(gw);
    sh("sysctl -qw net.ipv4.ip_forward=0");
    assert_true(gateway_drain(gw));
    sync_now(gw);
    assert_says("sysctl -n net.ipv4.conf.lan0.forwarding", "1\n");
    stop_all(gw);
    assert_says("sysctl -n net.ipv4.conf.lan0.forwarding", "0\n");
    /* One device alone, where all forward. */
    sh("sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.lan0.forwarding=0");
    stop_all(start_all());
    assert_says("sysctl -n net.ipv4.conf.lan0.forwarding", "0\n");
    assert_says("sysctl -n net.ipv4.conf.wan0.forwarding", "1\n");
}

static void each_device_gets_its_ipv6_back(void **state)
{
    static const char forwarding[] = "grep -H . " CONF6 "forwarding";
    char *before;

    (void)state;
    sh("ip link add other type veth peer name another;"
       "sysctl -qw net.ipv6.conf.other.forwarding=1 "
       "net.ipv6.conf.lan0.forwarding=1 net.ipv6.conf.default.forwarding=1");
    before = said(forwarding);
    stop_all(start_all());
    assert_same(before, said(forwarding));
    before = said(forwarding); /* a killed one knew it, too */
    assert_int_equal(in_child(run_and_die, NULL), 0);
    stop_all(start_all());
    assert_same(before, said(forwarding));
}

/* However often a device is renamed, what it was is known. */
static void renamed_devices_get_theirs_back(void **state)
{
    struct config_gateway by_addr = wanted("10.88.0.0/24", "203.0.113.0/24");
    struct gateway *gw;

    (void)state;
    sh("sysctl -qw net.ipv4.conf.all.rp_filter=0 "
       "net.ipv4.conf.wan0.rp_filter=1");
    gw = start(&by_addr);
    open_tuns();
    sync_now(gw);
    for (int i = 0; i <= 40; i++) {
        sh("ip link set wan%d down; ip link set wan%d name wan%d;"
           "ip link set wan%d up; ip route replace default via 203.0.113.2 "
           "dev wan%d",
           i, i, i + 1, i + 1, i + 1);
        sync_now(gw);
    }
    sh("ip link set wan41 down; ip link set wan41 name wan0;"
       "ip link set wan0 up; ip route replace default via 203.0.113.2 dev "
       "wan0");
    stop_all(gw);
    assert_says("sysctl -n net.ipv4.conf.wan0.rp_filter", "1\n");
    assert_says("sysctl -n net.ipv4.conf.wan0.forwarding", "0\n");
    assert_says("ip link show wan0", "group default ");
}

static void on_a_full_disk(void *ctx)
{
    struct config_facts facts;
    struct gateway *gw;

    (void)ctx;
    assert_return_code(unshare(CLONE_NEWNS), errno);
    assert_return_code(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL),
                       errno);
    assert_return_code(mount("none", folder, "tmpfs", 0, "size=16k"), errno);
    sh("head -c 16384 /dev/zero >%s/filler", folder);
    gw = start(&by_name);
    open_tuns();
    look(gw, &facts);
    assert_int_equal(sync_with(gw, &facts), -1);
    assert_non_null(strstr(err, saved));
    assert_non_null(strstr(err, "No space left on device"));
    assert_says("sysctl -n net.ipv4.conf.lan0.forwarding", "0\n");
    sh("rm %s/filler", folder);
    assert_int_equal(sync_with(gw, &facts), 0);
    assert_says("sysctl -n net.ipv4.conf.lan0.forwarding", "1\n");
    gateway_facts_free(&facts);
    stop_all(gw);
}

/* What can't be noted is not changed. */
static void a_full_disk(void **state)
{
    static const char forwarding[] = "grep -H . " CONF "forwarding";
    char *before = said(forwarding);

    (void)state;
    assert_int_equal(in_child(on_a_full_disk, NULL), 0);
    assert_same(before, said(forwarding));
}

/* The file of a killed one is gone: it was weir who let two devices forward. */
static void no_word_of_a_killed_one(void **state)
{
    (void)state;
    assert_int_equal(in_child(run_and_die, NULL), 0);
    assert_return_code(unlink(saved), errno);
    stop_all(start_all());
    assert_says("sysctl -n net.ipv4.conf.lan0.forwarding", "0\n");
    assert_says("sysctl -n net.ipv4.conf.wan0.forwarding", "0\n");
}

/* Who asks local elsewhere has it there afterwards, and nowhere else. */
static void local_was_moved(void **state)
{
    struct gateway *gw;
    char *before;

    (void)state;
    sh("for f in -4 -6; do ip $f rule add pref 100 lookup local; "
       "ip $f rule del pref 0; done");
    before = state_of_kernel();
    gw = start_all();
    ways_lead(true);
    stop_all(gw);
    assert_same(before, state_of_kernel());
}

static void no_ipv6(void **state)
{
    struct gateway *gw;
    char *before;

    (void)state;
    assert_return_code(unshare(CLONE_NEWNET), errno);
    sh("sysctl -qw net.ipv6.conf.all.disable_ipv6=1 "
       "net.ipv6.conf.default.disable_ipv6=1");
    make_devices();
    before = said("ip -6 rule");
    gw = start_all();
    assert_same(before, said("ip -6 rule"));
    assert_says("ip -d rule", rules_of_ipv4);
    assert_says("sysctl -n net.ipv6.conf.all.forwarding", "0\n");
    stop_all(gw);
}

static void proc_is_read_only(void)
{
    assert_return_code(unshare(CLONE_NEWNS), errno);
    assert_return_code(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL),
                       errno);
    assert_return_code(mount("/proc/sys", "/proc/sys", NULL, MS_BIND, NULL),
                       errno);
    assert_return_code(
        mount(NULL, "/proc/sys", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL),
        errno);
}

static void prepare_fails(const char *says)
{
    struct gateway *gw = start(&by_name);
    struct config_facts facts;

    look(gw, &facts);
    assert_int_equal(
        gateway_sync(gw, &facts, (uint32_t[CONFIG_DEVICES]){0}, err), -1);
    if (strstr(err, says) == NULL)
        fail_msg("%s: not: %s", says, err);
    assert_true(strlen(err) < 255);
    gateway_facts_free(&facts);
    gateway_close(gw);
}

static void in_read_only(void *ctx)
{
    const char *says = ctx;
    char *before = state_of_kernel();
    struct gateway *gw;

    proc_is_read_only();
    if (says != NULL) {
        prepare_fails(says);
    } else {
        gw = start_all();
        ways_lead(true);
        stop_all(gw);
    }
    assert_same(before, state_of_kernel());
}

static void read_only_proc(void **state)
{
    char demux[] = "net.ipv4.ip_early_demux must be 0 (",
         forward[] = "--sysctl net.ipv6.conf.all.forwarding=1",
         ndp[] = "`sysctls: [net.ipv6.conf.all.proxy_ndp=1]`";

    (void)state;
    assert_int_equal(in_child(in_read_only, demux), 0);
    sh("sysctl -qw net.ipv4.tcp_early_demux=0 net.ipv4.udp_early_demux=0");
    assert_int_equal(in_child(in_read_only, forward), 0);
    sh("sysctl -qw net.ipv6.conf.all.forwarding=1 "
       "net.ipv4.conf.lan0.forwarding=0");
    assert_int_equal(in_child(in_read_only, ndp), 0);
    sh("sysctl -qw net.ipv6.conf.all.proxy_ndp=1");
    assert_int_equal(in_child(in_read_only, NULL), 0);
}

/* ---- what a predecessor's file may say ---- */

/* Start and end with this in the file: is all as it was? */
static void changes_nothing(const char *lines, const char *mode, unsigned owner)
{
    char *before = state_of_kernel();

    sh("printf '%s' >%s; chmod %s %s; chown %u %s", lines, saved, mode, saved,
       owner, saved);
    stop_all(start_all());
    assert_same(before, state_of_kernel());
}

static void only_ours_is_believed(void **state)
{
    static const char line[] = "rp_filter lan0 2 0\\n";

    (void)state;
    sh("sysctl -qw net.ipv4.conf.lan0.rp_filter=0 "
       "net.ipv6.conf.default.accept_ra=1");
    sh("chmod 1777 %s", folder); /* anybody can have put it there */
    changes_nothing(line, "0600", 65534);
    sh("chmod 0755 %s", folder);
    changes_nothing(line, "0622", 0);
    changes_nothing("rp_filter lan0 7 0\\n", "0600", 0);
    changes_nothing("accept_ra default 2 1\\n", "0600", 0);
    /* The same line, believed: root's, and that of a weir that was another
     * user. */
    for (int user = 0; user <= 65534; user += 65534) {
        sh("sysctl -qw net.ipv4.conf.lan0.rp_filter=0;"
           "printf '%s' >%s; chmod 0600 %s; chown %d %s",
           line, saved, saved, user, saved);
        stop_all(start_all());
        assert_says("sysctl -n net.ipv4.conf.lan0.rp_filter", "2\n");
    }
    sh("chmod 0777 %s", folder);
}

/* What stands in the way of the new file is not written to. */
static void nothing_else_is_written(void **state)
{
    char command[128];

    (void)state;
    sh("echo precious >%s.other; ln %s.other %s", saved, saved, saved);
    stop_all(start_all());
    snprintf(command, sizeof command, "cat %s.other", saved);
    assert_says(command, "precious\n");
    sh("rm -f %s.other", saved);
}

/* ---- an ordinary user with one capability ---- */

static void as_ordinary_user(void *ctx)
{
    bool *net_admin = ctx;
    struct config_facts facts;
    struct gateway *gw;
    struct stat st;

    open_tuns();
    assert_int_equal(sandbox_begin("65532", err), 0);
    assert_int_equal(sandbox_settle(*net_admin, err), 0);
    gw = start(&by_name);
    look(gw, &facts);
    if (*net_admin) {
        assert_int_equal(sync_with(gw, &facts), 0);
        assert_return_code(stat(saved, &st), errno);
        assert_int_equal(st.st_uid, 65532);
        ways_lead(true);
    } else {
        assert_int_equal(sync_with(gw, &facts), -1);
    }
    gateway_close(gw);
}

static void one_capability(void **state)
{
    char *before = state_of_kernel();
    bool net_admin = true;

    (void)state;
    assert_int_equal(in_child(as_ordinary_user, &net_admin), 0);
    assert_same(before, state_of_kernel());
    net_admin = false;
    before = state_of_kernel();
    assert_int_equal(in_child(as_ordinary_user, &net_admin), 0);
    assert_same(before, state_of_kernel());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(facts_are_told, make_world6),
        cmocka_unit_test_setup(routes_of_others_are_not_listed, make_world),
        cmocka_unit_test_setup(mistakes_are_told, make_world),
        cmocka_unit_test_setup(settings_of_others_stay, make_world6),
        cmocka_unit_test_setup(the_newer_wish_wins, make_world),
        cmocka_unit_test_setup(each_device_gets_its_ipv6_back, make_world6),
        cmocka_unit_test_setup(renamed_devices_get_theirs_back, make_world),
        cmocka_unit_test_setup(a_full_disk, make_world6),
        cmocka_unit_test_setup(no_word_of_a_killed_one, make_world6),
        cmocka_unit_test_setup(local_was_moved, make_world6),
        cmocka_unit_test(no_ipv6),
        cmocka_unit_test_setup(read_only_proc, make_world6),
        cmocka_unit_test_setup(only_ours_is_believed, make_world6),
        cmocka_unit_test_setup(nothing_else_is_written, make_world6),
        cmocka_unit_test_setup(one_capability, make_world6),
    };

    if (!may_run())
        return SKIPPED;
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
