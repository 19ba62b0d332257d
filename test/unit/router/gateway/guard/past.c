/* past.c - gateway mode: packets of the host's own
 *
 * What the host sends past weir by wan's device has its answers past weir; all
 * else that comes goes to weir's TUN.  What weir hands over comes by the device
 * that it came by.  Each packet is seen in one place or another, so that no
 * clock says that it is nowhere. */
#include "gateway_rig.h"

#include "packet.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <poll.h>
#include <sys/socket.h>

enum { ROOM = 512, ETHER = 14, IPV4 = 20, IPV6 = 40, PATIENCE_MS = 30000 };

/* ---- packets ---- */

struct bytes {
    uint8_t b[ROOM];
    size_t n;
};

static struct bytes built(const char *spec)
{
    struct bytes p;

    p.n = packet_build(p.b, ROOM, spec);
    assert_true(p.n > 0);
    return p;
}

static bool is_six(const struct bytes *p)
{
    return p->b[0] >> 4 == 6;
}

static size_t header(const struct bytes *p)
{
    return is_six(p) ? IPV6 : IPV4;
}

static int proto(const struct bytes *p)
{
    return p->b[is_six(p) ? 6 : 9];
}

/* By the kernel's own way out, as a program's. */
static void host_sends(const char *spec)
{
    const struct bytes p = built(spec);
    struct sockaddr_in to4 = {.sin_family = AF_INET};
    struct sockaddr_in6 to6 = {.sin6_family = AF_INET6};
    int s = socket(is_six(&p) ? AF_INET6 : AF_INET, SOCK_RAW, IPPROTO_RAW);

    memcpy(&to4.sin_addr, p.b + 16, 4);
    memcpy(&to6.sin6_addr, p.b + 24, 16);
    assert_return_code(setsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, "wan0", 5),
                       errno);
    assert_int_equal(is_six(&p)
                         ? sendto(s, p.b, p.n, 0, (void *)&to6, sizeof to6)
                         : sendto(s, p.b, p.n, 0, (void *)&to4, sizeof to4),
                     p.n);
    close(s);
}

/* Into the other end of wan's wire. */
static void wan_sends(const char *spec)
{
    const struct bytes p = built(spec);
    struct sockaddr_ll to = {.sll_family = AF_PACKET,
                             .sll_ifindex = (int)if_nametoindex("pwan0")};
    uint8_t frame[ETHER + ROOM] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
    int s = socket(AF_PACKET, SOCK_RAW, 0);

    frame[12] = is_six(&p) ? 0x86 : 0x08;
    frame[13] = is_six(&p) ? 0xdd : 0x00;
    memcpy(frame + ETHER, p.b, p.n);
    assert_int_equal(sendto(s, frame, ETHER + p.n, 0, (void *)&to, sizeof to),
                     ETHER + p.n);
    close(s);
}

/* ---- where they come ---- */

/* The host's, of what comes by that device. */
static int listen_by(const struct bytes *p, const char *device)
{
    int s = socket(is_six(p) ? AF_INET6 : AF_INET, SOCK_RAW, proto(p));

    assert_true(s >= 0);
    assert_return_code(setsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, device,
                                  (socklen_t)strlen(device) + 1),
                       errno);
    return s;
}

/* Is what stands to be read that packet, from its transport header on?  IPv6's
 * raw sockets do not tell what stands before. */
static bool is_it(int fd, const struct bytes *p)
{
    uint8_t got[2048];
    ssize_t n = read(fd, got, sizeof got);
    size_t len = p->n - header(p);

    return n >= (ssize_t)len &&
           memcmp(got + (size_t)n - len, p->b + header(p), len) == 0;
}

/* Which of these has it. */
static int comes_to(const int fd[], int n, const struct bytes *p)
{
    struct pollfd fds[4];

    for (int i = 0; i < n; i++)
        fds[i] = (struct pollfd){.fd = fd[i], .events = POLLIN};
    while (poll(fds, (nfds_t)n, PATIENCE_MS) > 0)
        for (int i = 0; i < n; i++)
            if (fds[i].revents && is_it(fd[i], p))
                return i;
    return -1;
}

/* ---- past weir ---- */

#define US     "203.0.113.1"
#define THEM   "203.0.113.2"
#define US_6   "2001:db8::1"
#define THEM_6 "2001:db8::2"

enum { HOST, WEIR };

/* asks NULL: nothing was asked. */
static const struct {
    const char *asks, *comes;
    int to;
} answers[] = {
    {US ":4001 > " THEM ":53 udp 'q'", THEM ":53 > " US ":4001 udp 'a'", HOST},
    {US ":4001 > " THEM ":53 udp 'q'", THEM ":53 > " US ":4002 udp 'b'", WEIR},
    {US ":4001 > " THEM ":53 udp 'q'", THEM ":54 > " US ":4001 udp 'c'", WEIR},
    {US ":4003 > " THEM ":80 tcp S seq 1",
     THEM ":80 > " US ":4003 tcp S. seq 9 ack 2", HOST},
    {US ":4003 > " THEM ":80 tcp S seq 1",
     THEM ":80 > " US ":4004 tcp S. seq 9 ack 2", WEIR},
    {US " > " THEM " icmp echo id 7 seq 1",
     THEM " > " US " icmp reply id 7 seq 1", HOST},
    {US " > " THEM " icmp echo id 7 seq 1",
     THEM " > " US " icmp reply id 8 seq 1", WEIR},
    {US " > " THEM " icmp echo id 7 seq 1",
     THEM " > " US " icmp echo id 7 seq 1", WEIR},
    {"[" US_6 "]:4001 > [" THEM_6 "]:53 udp 'q'",
     "[" THEM_6 "]:53 > [" US_6 "]:4001 udp 'a'", HOST},
    {"[" US_6 "]:4001 > [" THEM_6 "]:53 udp 'q'",
     "[" THEM_6 "]:53 > [" US_6 "]:4002 udp 'b'", WEIR},
    {"[" US_6 "]:4003 > [" THEM_6 "]:80 tcp S seq 1",
     "[" THEM_6 "]:80 > [" US_6 "]:4003 tcp S. seq 9 ack 2", HOST},
    {"[" US_6 "]:4003 > [" THEM_6 "]:80 tcp S seq 1",
     "[" THEM_6 "]:80 > [" US_6 "]:4004 tcp S. seq 9 ack 2", WEIR},
    {US_6 " > " THEM_6 " icmp echo id 7 seq 1",
     THEM_6 " > " US_6 " icmp reply id 7 seq 1", HOST},
    {US_6 " > " THEM_6 " icmp echo id 7 seq 1",
     THEM_6 " > " US_6 " icmp reply id 8 seq 1", WEIR},
};

/* The host's own rules see them without the mark that led them in. */
static void answers_come_past(void **state)
{
    struct gateway *gw = start_all();

    (void)state;
    sh("nft 'add table inet host; add chain inet host in "
       "{ type filter hook input priority 0; }; "
       "add rule inet host in meta mark != 0 drop'");
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        const struct bytes p = built(answers[i].comes);
        const int fd[] = {listen_by(&p, "wan0"), tun_fd[WAN]};

        host_sends(answers[i].asks);
        wan_sends(answers[i].comes);
        if (comes_to(fd, 2, &p) != answers[i].to)
            fail_msg("%s", answers[i].comes);
        close(fd[0]);
    }
    stop_all(gw);
}

/* ---- for how long ---- */

#define US_TOO  "192.0.2.1" /* of lo: weir does not serve it */
#define BEGINS  "[^h]+$"    /* nft's time is less than an hour */
#define GOES_ON "[12]h"

/* A stranger must not fill a set for hours by what the host says to a SYN, or
 * to an ACK that belongs to nothing.  time NULL: nothing is in the set. */
static const struct {
    const char *comes, *says; /* NULL: nothing */
    const char *set, *port, *time;
} held[] = {
    {NULL, US ":81 > " THEM ":11 tcp S seq 1", "weir note4", "11", BEGINS},
    {NULL, US ":81 > " THEM ":12 tcp S. seq 1 ack 2", "weir note4", "12",
     BEGINS},
    {NULL, US ":81 > " THEM ":12 tcp . seq 2 ack 2", "weir note4", "12",
     GOES_ON},
    {NULL, US ":81 > " THEM ":12 tcp F. seq 2 ack 2", "weir note4", "12",
     BEGINS},
    {NULL, "[" US_6 "]:81 > [" THEM_6 "]:12 tcp S. seq 1 ack 2", "weir note6",
     "12", BEGINS},
    {THEM ":21 > " US_TOO ":80 tcp S seq 1",
     US_TOO ":80 > " THEM ":21 tcp S. seq 8 ack 2", "weir_reply asked4", "21",
     BEGINS},
    {THEM ":22 > " US_TOO ":80 tcp . seq 1 ack 1",
     US_TOO ":80 > " THEM ":22 tcp R seq 1", "weir_reply asked4", "22", BEGINS},
    {NULL, NULL, "weir_reply held4", NULL, NULL},
    {THEM ":21 > " US_TOO ":80 tcp . seq 2 ack 9",
     US_TOO ":80 > " THEM ":21 tcp . seq 9 ack 2", "weir_reply held4", "21",
     GOES_ON},
    {NULL, US_TOO ":80 > " THEM ":21 tcp F. seq 9 ack 2", "weir_reply held4",
     "21", BEGINS},
    {NULL, US_TOO ":80 > " THEM ":21 tcp . seq 10 ack 3", "weir_reply held4",
     "21", BEGINS},
};

/* It has come when the host's own rule has counted it. */
static void comes_as(unsigned n, const char *spec)
{
    wan_sends(spec);
    sh("until nft list chain inet host in | grep -q 'packets %u '; do "
       "sleep 0.01; done",
       n);
}

static void what_begins_is_held_for_short(void **state)
{
    struct gateway *gw = start_all();
    unsigned n = 0;

    (void)state;
    sh("ip addr add " US_TOO "/32 dev lo; nft 'add table inet host; "
       "add chain inet host in { type filter hook input priority 600; }; "
       "add rule inet host in ip daddr " US_TOO " counter drop'");
    for (size_t i = 0; i < sizeof held / sizeof *held; i++) {
        if (held[i].comes != NULL)
            comes_as(++n, held[i].comes);
        if (held[i].says != NULL)
            host_sends(held[i].says);
        if (held[i].time == NULL)
            sh("! nft list set inet %s | grep expires", held[i].set);
        else
            sh("nft list set inet %s | tr , '\\n' | "
               "grep -qE ' %s( . [0-9]+)? timeout .* expires %s'",
               held[i].set, held[i].port, held[i].time);
    }
    stop_all(gw);
}

/* ---- what weir hands over ---- */

enum { BY_LAN, BY_WAN, BY_TUN_LAN, BY_TUN_WAN };

static const struct {
    int tun;
    const char *spec;
    int by;
} handed[] = {
    {WAN, THEM ":5 > " US ":7 udp 'a'", BY_WAN},
    {WAN, THEM ":5 > 10.88.0.1:7 udp 'b'", BY_WAN},
    {LAN, "10.88.0.2:5 > 10.88.0.1:7 udp 'c'", BY_LAN},
    {LAN, "10.88.0.2:5 > " US ":7 udp 'd'", BY_LAN},
    {WAN, US ":5 > 10.88.0.1:7 udp 'e'", BY_TUN_WAN},
    {LAN, "10.88.0.1:5 > " US ":7 udp 'f'", BY_TUN_LAN},
    {WAN, "[" THEM_6 "]:5 > [" US_6 "]:7 udp 'a'", BY_WAN},
    {WAN, "[" THEM_6 "]:5 > [fd88::1]:7 udp 'b'", BY_WAN},
    {LAN, "[fd88::2]:5 > [fd88::1]:7 udp 'c'", BY_LAN},
    {LAN, "[fd88::2]:5 > [" US_6 "]:7 udp 'd'", BY_LAN},
    {WAN, "[" US_6 "]:5 > [fd88::1]:7 udp 'e'", BY_TUN_WAN},
    {LAN, "[fd88::1]:5 > [" US_6 "]:7 udp 'f'", BY_TUN_LAN},
};

static void handed_over_by_its_device(void **state)
{
    static const char *const device[] = {"lan0", "wan0", "weir-lan",
                                         "weir-wan"};
    struct gateway *gw = start_all();

    (void)state;
    for (size_t i = 0; i < sizeof handed / sizeof *handed; i++) {
        const struct bytes p = built(handed[i].spec);
        int fd[4], by;

        for (int k = 0; k < 4; k++)
            fd[k] = listen_by(&p, device[k]);
        assert_int_equal(write(tun_fd[handed[i].tun], p.b, p.n), p.n);
        by = comes_to(fd, 4, &p);
        if (by != handed[i].by)
            fail_msg("%s by %s", handed[i].spec, by < 0 ? "none" : device[by]);
        for (int k = 0; k < 4; k++)
            close(fd[k]);
    }
    stop_all(gw);
}

static int make_neighbours(void **state)
{
    make_world6(state);
    sh("ip link set wan0 address 02:00:00:00:00:01;"
       "ip neigh add " THEM " lladdr 02:00:00:00:00:02 dev wan0;"
       "ip neigh add " THEM_6 " lladdr 02:00:00:00:00:02 dev wan0");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(answers_come_past, make_neighbours),
        cmocka_unit_test_setup(what_begins_is_held_for_short, make_neighbours),
        cmocka_unit_test_setup(handed_over_by_its_device, make_neighbours),
    };

    if (!may_run())
        return SKIPPED;
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
