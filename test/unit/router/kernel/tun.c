/* tun.c - the offload header, both ways, and a queue that misbehaves */
#include "kernel/tun.h"

#include "kernel/tun_why.h"
#include "packet.h"

#include <ctcore/ct.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define TCP4 "10.0.1.2:4001 > 198.51.100.2:80 tcp . seq 1 ack 1 len 100 partial"
#define TCP6 "[fd00:1::2]:4001 > [2001:db8::2]:80 tcp . len 100 partial"
#define UDP4 "10.0.1.2:4001 > 198.51.100.2:53 udp len 100 partial"
#define HBH6 "[fd00:1::2]:4001 > [2001:db8::2]:80 udp hbh 8 len 9 partial"

static struct pktbuf *buf;

static int make(void **state)
{
    struct pktbuf_pool *pool = test_malloc(sizeof *pool);

    assert_true(pktbuf_setup(pool, 2, 0));
    buf = pktbuf_get(pool);
    *state = pool;
    return 0;
}

static int unmake(void **state)
{
    pktbuf_put(*state, buf);
    pktbuf_free(*state);
    test_free(*state);
    return 0;
}

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static void load(const char *spec)
{
    buf->pkt = (struct ct_pkt){.data = buf->room + CT_HEADROOM};
    buf->pkt.len = (uint32_t)packet_build(buf->pkt.data, PKTBUF_DATA, spec);
    assert_true(buf->pkt.len > 0);
}

static const struct {
    const char *what, *packet;
    uint8_t flags, gso;
    uint16_t size, start, offset;
    bool bad, partial;
} headers[] = {
    {"nothing to say", UDP4, 0, 0, 0, 0, 0, false, false},
    {"checked by the kernel", UDP4, 2, 0, 0, 0, 0, false, false},
    {"partial TCP", TCP4, 1, 0, 0, 20, 16, false, true},
    {"partial UDP", UDP4, 1, 0, 0, 20, 6, false, true},
    {"partial TCP over IPv6", TCP6, 1, 0, 0, 40, 16, false, true},
    {"partial behind hop-by-hop", HBH6, 1, 0, 0, 48, 6, false, true},
    {"partial, extension denied", HBH6, 1, 0, 0, 40, 6, true, false},
    {"partial TCP at UDP's place", TCP4, 1, 0, 0, 20, 6, true, false},
    {"partial in the IP header", TCP4, 1, 0, 0, 0, 16, true, false},
    {"partial past the end", TCP4, 1, 0, 0, 65535, 16, true, false},
    {"TCP super-packet", TCP4, 1, 1, 40, 20, 16, false, true},
    {"with the ECN bit", TCP4, 1, 0x81, 40, 20, 16, false, true},
    {"super-packet of nothing", TCP4, 1, 1, 0, 20, 16, true, false},
    {"size without a type", TCP4, 1, 0, 40, 20, 16, false, true},
};

static void decode_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        uint8_t h[PKTBUF_LINK] = {headers[i].flags, headers[i].gso};

        put16(h + 4, headers[i].size);
        put16(h + 6, headers[i].start);
        put16(h + 8, headers[i].offset);
        load(headers[i].packet);
        tun_decode(&buf->pkt, h);
        print_message("%s\n", headers[i].what);
        assert_int_equal(buf->pkt.csum_partial, headers[i].partial);
        assert_int_equal(buf->pkt.csum_ok, headers[i].flags == 2);
        assert_int_equal(buf->pkt.gso_type == TUN_GSO_BAD, headers[i].bad);
        if (headers[i].bad || headers[i].gso == 0)
            assert_int_equal(buf->pkt.gso_size, 0);
        else
            assert_int_equal(buf->pkt.gso_size, headers[i].size);
    }
}

/* Any header on any length of packet: nothing out of bounds (the sanitizers
 * watch), and a claim is believed only of the one place that is right. */
static void decode_lies(void **state)
{
    (void)state;
    load(HBH6);
    for (uint32_t len = 0, whole = buf->pkt.len; len <= whole; len++)
        for (unsigned start = 0; start < 64; start++) {
            uint8_t h[PKTBUF_LINK] = {1};

            put16(h + 6, start);
            put16(h + 8, 6);
            buf->pkt.len = len;
            tun_decode(&buf->pkt, h);
            assert_true(!buf->pkt.csum_partial ||
                        (start == 48 && len == whole));
        }
}

/* What stands between the outer transport header's place and the inner packet:
 * bytes of the tunnel's own header, which no checksum reads. */
#define IN_TCP4 "192.168.7.1:4001 > 192.168.7.2:80 tcp P. seq 1 ack 1 len 101"
#define IN_UDP4 "192.168.7.1:4001 > 192.168.7.2:53 udp len 33"
#define IN_TCP6 "[fd00:7::1]:4001 > [fd00:7::2]:80 tcp P. seq 1 ack 1 len 100"
#define IN_UDP6 "[fd00:7::1]:4001 > [fd00:7::2]:53 udp hbh 8 len 33"
#define VIA4    "10.0.1.2:50001 > 198.51.100.2:"
#define VIA6    "[fd00:1::2]:50001 > [2001:db8::2]:"

static const struct {
    const char *what, *outer, *inner;
    uint32_t between, l3; /* l3: bytes of the inner network header */
} tunnels[] = {
    {"VXLAN", VIA4 "4789 udp nosum", IN_TCP4, 8 + 14, 20},
    {"VXLAN, summed", VIA4 "4789 udp", IN_TCP4, 8 + 14, 20},
    {"VXLAN, UDP inside", VIA4 "4789 udp", IN_UDP4, 8 + 14, 20},
    {"VXLAN, TCP over IPv6 inside", VIA4 "4789 udp", IN_TCP6, 8 + 14, 40},
    {"VXLAN, UDP behind an extension", VIA4 "4789 udp", IN_UDP6, 8 + 14, 48},
    {"VXLAN over IPv6", VIA6 "4789 udp", IN_TCP4, 8 + 14, 20},
    {"VXLAN over IPv6, IPv6 inside", VIA6 "4789 udp", IN_TCP6, 8 + 14, 40},
    {"Geneve with an option", VIA4 "6081 udp", IN_TCP4, 8 + 8 + 14, 20},
    {"GRE in UDP", VIA4 "4754 udp", IN_TCP4, 4, 20},
    {"FOU", VIA4 "5555 udp", IN_UDP4, 0, 20},
    {"FOU over IPv6", VIA6 "5555 udp", IN_TCP6, 0, 40},
    {"L2TP over UDP", VIA4 "1701 udp", IN_TCP4, 8 + 4, 20},
    {"GRE", "10.0.1.2 > 198.51.100.2 proto 47", IN_TCP4, 4, 20},
    {"IPIP", "10.0.1.2 > 198.51.100.2 proto 4", IN_TCP4, 0, 20},
    {"IPv6 in IPv4", "10.0.1.2 > 198.51.100.2 proto 41", IN_UDP6, 0, 48},
    {"IPv4 in IPv6", "fd00:1::2 > 2001:db8::2 proto 4", IN_UDP4, 0, 20},
    {"L2TP over IP", "10.0.1.2 > 198.51.100.2 proto 115", IN_TCP4, 4 + 14, 20},
};

/* The packet as its sender would have summed it in buf, and the offload header
 * for it with the inner checksum left to the device, as partial says. */
static uint32_t load_tunnel(size_t row, uint8_t whole[1024], uint8_t h[])
{
    char spec[256];
    uint8_t full[512], partial[512];
    size_t n = packet_build(full, sizeof full, tunnels[row].inner);
    bool udp = strstr(tunnels[row].inner, " udp ") != NULL;
    uint32_t at, field;

    snprintf(spec, sizeof spec, "%s partial", tunnels[row].inner);
    assert_int_equal(packet_build(partial, sizeof partial, spec), n);
    snprintf(spec, sizeof spec, "%s len %u", tunnels[row].outer,
             (unsigned)n + tunnels[row].between);
    load(spec);
    at = buf->pkt.len - (uint32_t)n;
    memcpy(buf->pkt.data + at, full, n);
    if (strstr(spec, "udp") != NULL && strstr(spec, "nosum") == NULL)
        packet_fix_sums(buf->pkt.data, buf->pkt.len);
    memcpy(whole, buf->pkt.data, buf->pkt.len);
    memcpy(buf->pkt.data + at, partial, n);
    field = udp ? 6 : 16;
    h[0] = 1;
    put16(h + 6, at + tunnels[row].l3);
    put16(h + 8, field);
    assert_memory_not_equal(buf->pkt.data, whole, buf->pkt.len);
    return at + tunnels[row].l3;
}

/* The sum that a tunnel's sender left to the device is made here: the packet is
 * as if its sender had done so, its own checksum right. */
static void inner_sums_are_completed(void **state)
{
    uint8_t whole[1024];

    (void)state;
    for (size_t i = 0; i < sizeof tunnels / sizeof *tunnels; i++) {
        uint8_t h[PKTBUF_LINK] = {0};

        print_message("%s\n", tunnels[i].what);
        load_tunnel(i, whole, h);
        tun_decode(&buf->pkt, h);
        assert_int_equal(buf->pkt.gso_type, 0);
        assert_false(buf->pkt.csum_partial);
        assert_memory_equal(buf->pkt.data, whole, buf->pkt.len);
    }
}

/* What no sender means: a super-packet by its inner header, a place before the
 * transport header or past the end, a sum in a fragment.  Nothing is written
 * then. */
static void inner_sums_that_lie(void **state)
{
    uint8_t whole[1024];

    (void)state;
    for (size_t i = 0; i < sizeof tunnels / sizeof *tunnels; i++)
        for (int lie = 0; lie < 4; lie++) {
            uint8_t h[PKTBUF_LINK] = {0};
            uint32_t start = load_tunnel(i, whole, h);

            memcpy(whole, buf->pkt.data, buf->pkt.len);
            if (lie == 0) {
                h[1] = 1;
                put16(h + 4, 1000);
            } else if (lie == 1) {
                put16(h + 6, 12);
            } else if (lie == 2) {
                put16(h + 8, buf->pkt.len - start - 1);
            } else if (buf->pkt.data[0] >> 4 == 4) {
                buf->pkt.data[6] = whole[6] = 0x20;
            } else {
                buf->pkt.data[6] = whole[6] = 44;
            }
            tun_decode(&buf->pkt, h);
            assert_int_equal(buf->pkt.gso_type, TUN_GSO_BAD);
            assert_memory_equal(buf->pkt.data, whole, buf->pkt.len);
        }
}

static void encode_gives_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        uint8_t h[PKTBUF_LINK] = {headers[i].flags, headers[i].gso};
        uint8_t back[PKTBUF_LINK];

        if (headers[i].bad || !headers[i].partial || headers[i].size == 0)
            continue;
        if (headers[i].gso == 0)
            continue;
        put16(h + 2, headers[i].start + 20u);
        put16(h + 4, headers[i].size);
        put16(h + 6, headers[i].start);
        put16(h + 8, headers[i].offset);
        load(headers[i].packet);
        tun_decode(&buf->pkt, h);
        assert_int_equal(ct_parse_packet(&buf->pkt), CT_REASON_NONE);
        tun_encode(&buf->pkt, back);
        assert_memory_equal(h, back, sizeof h);
    }
}

/* A pair of datagram sockets has a TUN queue's manners: whole packets. */
static void write_then_read(void **state)
{
    struct ct_pkt out;
    uint8_t copy[512];
    uint32_t len;
    int fd[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fd), 0);
    load(TCP4);
    assert_int_equal(ct_parse_packet(&buf->pkt), CT_REASON_NONE);
    buf->pkt.csum_partial = true;
    out = buf->pkt;
    len = out.len;
    memcpy(copy, out.data, len);
    assert_int_equal(tun_write(fd[0], &out), 0);
    memset(buf->room, 0xaa, 1024);
    assert_int_equal(tun_read(fd[1], buf), 1);
    assert_int_equal(buf->pkt.len, len);
    assert_memory_equal(buf->pkt.data, copy, len);
    assert_true(buf->pkt.csum_partial);
    assert_int_equal(tun_read(fd[1], buf), 0); /* EAGAIN */
    assert_int_equal(write(fd[0], "short", 5), 5);
    assert_int_equal(tun_read(fd[1], buf), 0); /* less than its header */
    close(fd[0]);
    close(fd[1]);
}

static void errors_have_reasons(void **state)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    (void)state;
    load(UDP4);
    assert_int_equal(ct_parse_packet(&buf->pkt), CT_REASON_NONE);
    assert_int_equal(tun_write(fd, &buf->pkt), -EBADF);
    close(fd);
    assert_int_equal(tun_read(fd, buf), -EBADF);
}

/* The same descriptor against the real thing: never attached, the kernel says
 * EBADFD, as it does when the device was deleted. */
static void lost_device(void **state)
{
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

    (void)state;
    if (fd < 0)
        skip();
    load(UDP4);
    assert_int_equal(ct_parse_packet(&buf->pkt), CT_REASON_NONE);
    assert_int_equal(tun_read(fd, buf), -EBADFD);
    load(UDP4);
    assert_int_equal(tun_write(fd, &buf->pkt), -EBADFD);
    close(fd);
}

/* ---- why a device can't be had ---- */

#define UID  4294967294u
#define NAME "weir-lan-long15"

static const struct {
    const char *what;
    int err;
    struct netlink_link link;
    unsigned queues;
    const char *want;
} claims[] = {
    {"none there", -EPERM, {.index = 0}, 2, "no permission to make"},
    {"another user's",
     -EPERM,
     {9, .is_tun = true, .owned = true, .owner = UID},
     2,
     "belongs to user 4294967294"},
    {"some group's",
     -EPERM,
     {9, .is_tun = true, .grouped = true, .group = UID},
     2,
     "belongs to group 4294967294"},
    {"anybody's", -EPERM, {9, .is_tun = true}, 2, "give weir CAP_NET_ADMIN"},
    {"an Ethernet", -EINVAL, {9, .is_tun = false}, 2, "no TUN device"},
    {"a TAP", -EINVAL, {9, .is_tun = true, .is_tap = true}, 2, "a TAP device"},
    {"one queue", -EINVAL, {9, .is_tun = true}, 16, "there are 16 workers"},
    {"strange",
     -EINVAL,
     {9, .is_tun = true, .multi_queue = true},
     16,
     "does not take 16 queue(s)"},
    {"taken", -EBUSY, {9, .is_tun = true}, 1, "in use by another program"},
    {"no memory", -ENOMEM, {9, .is_tun = true}, 1, "Cannot allocate memory"},
};

/* Whole sentences, whatever the names: what to type is not cut off. */
static void claims_have_sentences(void **state)
{
    struct tun_config tun = {.name = NAME};
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++) {
        const struct netlink_link *link = &claims[i].link;

        tun.queues = claims[i].queues;
        tun_why_claim(&tun, link->index != 0 ? link : NULL, claims[i].err,
                      text);
        print_message("%s: %s\n", claims[i].what, text);
        assert_non_null(strstr(text, claims[i].want));
        assert_non_null(strstr(text, NAME));
        assert_true(strlen(text) < 245);
        assert_true(strstr(text, "ip tuntap") == NULL ||
                    strcmp(strrchr(text, ' '), " multi_queue") == 0);
    }
}

static const struct {
    const char *what;
    int err;
    uint32_t mtu;
    bool up;
    const char *want;
} dresses[] = {
    {"down", -EPERM, 1500, false, "ip link set " NAME " up"},
    {"small", -EPERM, 65000, true, "ip link set " NAME " mtu 1500 up"},
    {"both", -EPERM, 68, false, "ip link set " NAME " mtu 1500 up"},
    {"no address", -EPERM, 1500, true,
     "ip addr add fd00:1111:2222:3333:4444:5555:6666:7777/64 dev " NAME},
    {"gone", -ENODEV, 1500, true, "No such device"},
};

static void dresses_have_sentences(void **state)
{
    static const uint8_t address[] = {0xfd, 0,    0x11, 0x11, 0x22, 0x22,
                                      0x33, 0x33, 0x44, 0x44, 0x55, 0x55,
                                      0x66, 0x66, 0x77, 0x77};
    struct tun_config tun = {.name = NAME, .mtu = 1500, .prefix = 64};
    char text[256];

    (void)state;
    tun.family = CT_IPV6;
    memcpy(tun.address.b, address, sizeof address);
    for (size_t i = 0; i < sizeof dresses / sizeof *dresses; i++) {
        struct netlink_link link = {.mtu = dresses[i].mtu, .up = dresses[i].up};

        tun_why_dress(&tun, &link, dresses[i].err, text);
        print_message("%s: %s\n", dresses[i].what, text);
        assert_non_null(strstr(text, dresses[i].want));
        assert_true(strlen(text) < 245);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(decode_rows, make, unmake),
        cmocka_unit_test_setup_teardown(decode_lies, make, unmake),
        cmocka_unit_test_setup_teardown(inner_sums_are_completed, make, unmake),
        cmocka_unit_test_setup_teardown(inner_sums_that_lie, make, unmake),
        cmocka_unit_test_setup_teardown(encode_gives_back, make, unmake),
        cmocka_unit_test_setup_teardown(write_then_read, make, unmake),
        cmocka_unit_test_setup_teardown(errors_have_reasons, make, unmake),
        cmocka_unit_test_setup_teardown(lost_device, make, unmake),
        cmocka_unit_test(claims_have_sentences),
        cmocka_unit_test(dresses_have_sentences),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
