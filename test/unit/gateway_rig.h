/* gateway_rig.h - namespaces with devices, for the tests of gateway mode
 *
 * Each test has a new network namespace with real devices: lan0 and wan0 (veth)
 * and, as weir would, a TUN pair that lives as long as its descriptors.  What
 * the kernel holds is read by ip(8), which is not what writes it. */
#ifndef GATEWAY_RIG_H
#define GATEWAY_RIG_H

#include "gateway/gateway.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { LAN, WAN, SKIPPED = 77 };

static char folder[] = "/tmp/weir-gateway-XXXXXX", saved[64];
static char err[256];
static int tun_fd[CONFIG_DEVICES];

static const struct config_gateway by_name = {.set = true,
                                              .n = 2,
                                              .name = {"lan", "wan"},
                                              .inside = {true},
                                              .device = {"lan0", "wan0"}};

static inline struct config_gateway wanted(const char *lan, const char *wan)
{
    struct config_gateway want = by_name;

    snprintf(want.device[LAN], sizeof want.device[LAN], "%s", lan);
    snprintf(want.device[WAN], sizeof want.device[WAN], "%s", wan);
    return want;
}

/* ---- the world ---- */

static inline void sh(const char *fmt, ...)
{
    char command[4096];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(command, sizeof command, fmt, ap);
    va_end(ap);
    if (system(command) != 0)
        fail_msg("failed: %s", command);
}

/* What a command says; the caller's to free. */
static inline char *said(const char *command)
{
    FILE *f = popen(command, "re");
    size_t room = 1 << 18;
    char *text = calloc(1, room);

    assert_non_null(f);
    assert_non_null(text);
    assert_true(fread(text, 1, room - 1, f) < room - 1);
    pclose(f);
    return text;
}

#define CONF  "/proc/sys/net/ipv4/conf/*/"
#define CONF6 "/proc/sys/net/ipv6/conf/*/"

/* Everything that gateway mode may touch. */
static inline char *state_of_kernel(void)
{
    return said("{ ip -d -4 rule; ip -d -6 rule; ip -4 route show table all;"
                "ip -6 route show table all; ip -4 neigh show proxy;"
                "ip -6 neigh show proxy;"
                "ip -o link | sed 's/.*\\( [a-z0-9]*@\\).*\\(group [^ ]*\\) "
                ".*/\\1\\2/';"
                "grep -H . " CONF "forwarding " CONF "rp_filter " CONF
                "accept_local " CONF "send_redirects " CONF6 "forwarding " CONF6
                "accept_ra " CONF6
                "proxy_ndp /proc/sys/net/ipv[46]/neigh/*/proxy_delay "
                "/proc/sys/net/ipv4/*early_demux; } 2>&1");
}

static inline void assert_says(const char *command, const char *want)
{
    char *text = said(command);

    if (strstr(text, want) == NULL)
        fail_msg("%s says:\n%sand not: %s", command, text, want);
    free(text);
}

static inline void assert_same(char *before, char *after)
{
    size_t at = 0, line = 0;

    for (; before[at] == after[at] && before[at] != '\0'; at++)
        line = before[at] == '\n' ? at + 1 : line;
    if (before[at] != after[at]) /* more than 1 KiB is cut */
        fail_msg("before:\n%.400s\nafter:\n%.400s", before + line,
                 after + line);
    free(before);
    free(after);
}

static inline void open_tun(int which, const char *name)
{
    struct ifreq ifr = {.ifr_flags = IFF_TUN | IFF_NO_PI};

    tun_fd[which] = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    assert_true(tun_fd[which] >= 0);
    snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "%s", name);
    assert_return_code(ioctl(tun_fd[which], TUNSETIFF, &ifr), errno);
    sh("ip link set %s up", name);
}

static inline void open_tuns(void)
{
    open_tun(LAN, "weir-lan");
    open_tun(WAN, "weir-wan");
}

/* As the end of weir does, however it comes. */
static inline void close_tuns(void)
{
    close(tun_fd[LAN]);
    close(tun_fd[WAN]);
}

static inline void make_devices(void)
{
    /* Whatever the machine does, that routes, too, where an engine runs.  No
     * link-local addresses and no duplicate address detection: what they change
     * (routes of table local) comes at its own time. */
    sh("sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.default.addr_gen_mode=1 "
       "net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0;"
       "ip link set lo up;"
       "for d in lan0 wan0; do ip link add $d type veth peer name p$d;"
       "ip link set $d up; ip link set p$d up; done;"
       "ip addr add 10.88.0.1/24 dev lan0; ip addr add 203.0.113.1/24 dev wan0;"
       "ip route add default via 203.0.113.2 dev wan0");
}

/* An IPv6 address is tentative at first, even with nodad; and its route in the
 * table local comes a moment after that. */
static inline void settle(void)
{
    sh("for i in $(seq 500); do ip -6 addr show tentative | grep -q . || "
       "[ $(ip -6 -o addr show scope global | wc -l) -gt "
       "$(ip -6 route show table local type local | grep -vc '^local ::1 ') ] "
       "|| exit 0; sleep 0.01; done; exit 1");
}

static inline void give_ipv6(void)
{
    sh("ip -6 addr add fd88::1/64 dev lan0 nodad;"
       "ip -6 addr add 2001:db8::1/64 dev wan0 nodad;"
       "ip -6 route add default via 2001:db8::2 dev wan0");
    settle();
}

static inline int make_world(void **state)
{
    (void)state;
    assert_return_code(unshare(CLONE_NEWNET), errno);
    make_devices();
    return 0;
}

static inline int make_world6(void **state)
{
    make_world(state);
    give_ipv6();
    return 0;
}

static inline struct gateway *start(const struct config_gateway *want)
{
    struct gateway *gw;

    if (gateway_open(&gw, want, saved, err) < 0)
        fail_msg("%s", err);
    return gw;
}

static inline void look(struct gateway *gw, struct config_facts *facts)
{
    if (gateway_look(gw, facts, err) < 0)
        fail_msg("%s", err);
}

static inline int sync_with(struct gateway *gw,
                            const struct config_facts *facts)
{
    uint32_t tun[CONFIG_DEVICES];

    for (uint32_t i = 0; i < facts->n; i++)
        tun[i] = if_nametoindex(facts->device[i].tun);
    return gateway_sync(gw, facts, tun, err);
}

static inline void sync_now(struct gateway *gw)
{
    struct config_facts facts;

    look(gw, &facts);
    if (sync_with(gw, &facts) < 0)
        fail_msg("%s", err);
    gateway_facts_free(&facts);
}

static inline struct gateway *start_all(void)
{
    struct gateway *gw = start(&by_name);

    open_tuns();
    sync_now(gw);
    return gw;
}

static inline void stop_all(struct gateway *gw)
{
    gateway_close(gw);
    close_tuns();
}

static inline void run_and_die(void *ctx)
{
    (void)ctx;
    (void)start_all();
}

/* In a child: what it does to itself stays there.  0: it came to its end. */
static inline int in_child(void (*what)(void *ctx), void *ctx)
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        what(ctx);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static const char rules_of_ipv4[] =
    "0:\tfrom all fwmark 0x77650001 iif lan0 lookup local proto 119\n"
    "0:\tfrom all fwmark 0x77650001 iif wan0 lookup local proto 119\n"
    "0:\tfrom 10.88.0.1 iif wan0 blackhole proto 119\n"
    "0:\tfrom 10.88.0.1 iif lan0 blackhole proto 119\n"
    "0:\tfrom 203.0.113.1 iif wan0 blackhole proto 119\n"
    "0:\tfrom 203.0.113.1 iif lan0 blackhole proto 119\n"
    "0:\tfrom all to 10.88.0.1 iif wan0 lookup 2003134722 proto 119\n"
    "0:\tfrom all to 10.88.0.1 iif lan0 lookup 2003134721 proto 119\n"
    "0:\tfrom all to 203.0.113.1 iif wan0 lookup 2003134722 proto 119\n"
    "0:\tfrom all to 203.0.113.1 iif lan0 lookup 2003134721 proto 119\n"
    "0:\tfrom all to 10.88.0.1 iif lo ipproto icmp lookup 2003134722 "
    "proto 119\n"
    "0:\tfrom all to 203.0.113.1 iif lo ipproto icmp lookup 2003134722 "
    "proto 119\n"
    "0:\tfrom all lookup local proto 119\n"
    "0:\tfrom all iif lan0 lookup 2003134721 proto 119\n"
    "0:\tfrom all iif lan0 unreachable proto 119\n"
    "0:\tfrom all iif wan0 lookup 2003134722 proto 119\n"
    "0:\tfrom all iif wan0 unreachable proto 119\n"
    "32765:\tfrom all iif weir-lan lookup main suppress_ifgroup 2003134835 "
    "proto 119\n"
    "32765:\tfrom all iif weir-lan unreachable proto 119\n"
    "32765:\tfrom all iif weir-wan lookup main suppress_ifgroup 2003134835 "
    "proto 119\n"
    "32765:\tfrom all iif weir-wan unreachable proto 119\n"
    "32765:\tfrom all to 224.0.0.0/4 fwmark 0 iif lo lookup main proto "
    "119\n"
    "32765:\tfrom all to 255.255.255.255 fwmark 0 iif lo lookup main proto "
    "119\n"
    "32765:\tfrom 203.0.113.1 fwmark 0 iif lo lookup 2003134722 proto 119\n"
    "32765:\tfrom 10.88.0.1 fwmark 0 iif lo lookup 2003134724 proto 119\n"
    "32765:\tfrom all fwmark 0 iif lo lookup main suppress_ifgroup "
    "2003134834 proto 119\n"
    "32765:\tfrom all fwmark 0 iif lo lookup 2003134723 proto 119\n"
    "32766:\tfrom all lookup main proto kernel\n"
    "32767:\tfrom all lookup default proto kernel\n";

/* Where the kernel sends a packet, while weir is there and when it is gone. */
static const struct {
    const char *what, *with, *without;
} ways[] = {
    {"8.8.8.8 from 10.88.0.2 iif lan0", "dev weir-lan", "unreachable"},
    {"203.0.113.1 from 10.88.0.2 iif lan0", "dev weir-lan", "local "},
    {"10.88.0.1 from 10.88.0.2 iif lan0", "dev weir-lan", "local "},
    {"8.8.8.8 from 10.88.0.1 iif lan0", "Invalid argument", "Invalid"},
    {"203.0.113.1 from 203.0.113.2 iif wan0", "dev weir-wan", "local "},
    {"10.88.0.1 from 203.0.113.2 iif wan0", "dev weir-wan", "local "},
    {"fd88::1 from 2001:db8::2 iif wan0", "dev weir-wan", "local "},
    {"10.88.0.1 from 203.0.113.2 iif weir-wan", "local ", NULL},
    {"10.88.0.2 from 203.0.113.2 iif wan0", "dev weir-wan", "unreachable"},
    {"10.88.0.2 from 203.0.113.1 iif wan0", "Invalid argument", "Invalid"},
    {"10.88.0.2 from 203.0.113.2 iif weir-lan", "dev lan0", NULL},
    {"203.0.113.9 from 203.0.113.1 iif weir-wan", "dev wan0", NULL},
    {"203.0.113.1 from 203.0.113.2 iif weir-wan", "local ", NULL},
    {"203.0.113.9", "dev weir-wan table 2003134723 src 203.0.113.1",
     "dev wan0 src 203.0.113.1"},
    {"8.8.8.8", "dev weir-wan", "via 203.0.113.2 dev wan0"},
    {"8.8.8.8 from 203.0.113.1", "dev weir-wan", "via 203.0.113.2 dev wan0"},
    {"8.8.8.8 oif wan0", "via 203.0.113.2 dev wan0", "dev wan0"},
    {"10.88.0.2 from 10.88.0.1 ipproto tcp", "dev weir-wan", "dev lan0"},
    {"10.88.0.1 from 10.88.0.2 iif lan0 mark 0x77650001", "local ", "local "},
    {"203.0.113.1 from 8.8.8.8 iif wan0 mark 0x77650001", "local ", "local "},
    {"8.8.8.8 from 10.88.0.2 iif lan0 mark 0x77650001", "dev weir-lan",
     "unreachable"},
    {"8.8.8.8 mark 7", "via 203.0.113.2 dev wan0", "dev wan0"},
    {"10.88.0.2", "dev lan0 src 10.88.0.1", "dev lan0 src 10.88.0.1"},
    {"2001:db8:9::9 from fd88::2 iif lan0", "dev weir-lan", "unreachable"},
    {"2001:db8::1 from fd88::2 iif lan0", "dev weir-lan", "local "},
    {"2001:db8::1 from 2001:db8::2 iif wan0", "dev weir-wan", "local "},
    {"fd88::2 from 2001:db8::2 iif wan0", "dev weir-wan", "unreachable"},
    {"fd88::2 from 2001:db8::2 iif weir-lan", "dev lan0", NULL},
    {"2001:db8:9::9 from fd88::1 iif lan0", "Invalid argument", "Invalid"},
    {"2001:db8::9", "dev weir-wan", "dev wan0"},
    {"2001:db8:9::9", "dev weir-wan", "via 2001:db8::2"},
    {"fd88::2", "dev lan0", "dev lan0"},
};

static inline void ways_lead(bool with)
{
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        const char *want = with ? ways[i].with : ways[i].without;
        char command[128];

        snprintf(command, sizeof command, "ip route get %s 2>&1", ways[i].what);
        if (want != NULL)
            assert_says(command, want);
    }
}

static inline int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL || chmod(folder, 0777) < 0)
        return -1;
    snprintf(saved, sizeof saved, "%s/gateway", folder);
    return 0;
}

static inline int remove_folder(void **state)
{
    (void)state;
    (void)unlink(saved);
    return rmdir(folder);
}

/* Root alone is not enough: a container's may lack the right. */
static inline bool may_run(void)
{
    int status = 1;
    pid_t child = fork();

    if (child == 0)
        _exit(unshare(CLONE_NEWNET | CLONE_NEWNS) != 0);
    if (child > 0 && waitpid(child, &status, 0) == child && status == 0)
        return true;
    puts("SKIPPED: needs root, for network and mount namespaces of its own: "
         "nothing of it was run.");
    return false;
}

#endif
