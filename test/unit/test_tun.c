/* test_tun.c - the offload header, both ways, and a queue that misbehaves */
#include "tun.h"

#include "packet.h"
#include "tun_why.h"

#include <ctcore/ct.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
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
    assert_int_equal(tun_write(fd[0], &out), CT_REASON_NONE);
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
    assert_int_equal(tun_write(fd, &buf->pkt), CT_REASON_TX_ERROR);
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
    assert_int_equal(tun_write(fd, &buf->pkt), CT_REASON_TX_LINK_DOWN);
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
    {"somebody's",
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
    struct tun tun = {.name = NAME};
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++) {
        const struct netlink_link *link = &claims[i].link;

        tun.config.queues = claims[i].queues;
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
    struct tun tun = {.name = NAME, .config = {.mtu = 1500, .prefix = 64}};
    char text[256];

    (void)state;
    tun.config.family = CT_IPV6;
    memcpy(tun.config.address.b, address, sizeof address);
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
        cmocka_unit_test_setup_teardown(encode_gives_back, make, unmake),
        cmocka_unit_test_setup_teardown(write_then_read, make, unmake),
        cmocka_unit_test_setup_teardown(errors_have_reasons, make, unmake),
        cmocka_unit_test_setup_teardown(lost_device, make, unmake),
        cmocka_unit_test(claims_have_sentences),
        cmocka_unit_test(dresses_have_sentences),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
