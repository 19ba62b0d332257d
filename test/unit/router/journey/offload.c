/* offload.c - super-packets that a device takes, refuses, or must not get
 */
#include "journey/offload.h"

#include "journey/segment.h"
#include "journey/walk.h"
#include "packet.h"

#include "bytes.h"
#include <ctcore/ct.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { ROOM = 66000, MAX = 64 };

/* A device: how it answers what is cut and what is whole, and what it got. */
static struct device {
    int whole, cut;
    unsigned n_whole, n;
    struct {
        struct ct_pkt pkt;
        uint8_t data[4096];
    } got[MAX];
} dev;

static uint8_t room[CT_HEADROOM + ROOM + CT_HEADROOM], was[ROOM];

static int write_one(void *ctx, struct ct_pkt *pkt)
{
    assert_ptr_equal(ctx, &dev);
    memset(pkt->data - 10, 0x5a, 10); /* the link header */
    if (pkt->gso_size != 0) {
        dev.n_whole++;
        return dev.whole;
    }
    if (dev.cut != 0)
        return dev.cut;
    assert_true(dev.n < MAX && pkt->len <= sizeof dev.got[0].data);
    memcpy(dev.got[dev.n].data, pkt->data, pkt->len);
    dev.got[dev.n++].pkt = *pkt;
    return 0;
}

static const struct {
    const char *packet;
    uint8_t type;
} supers[] = {
    {"10.0.1.2:4001 > 198.51.100.2:80 tcp FP.W seq 4294967000 ack 1 ipid 65534 "
     "ts 1:2 len 3500 partial",
     1},
    {"10.0.1.2:4001 > 198.51.100.2:53 udp ipid 7 len 3001 partial", 5},
    {"[fd00:1::2]:4001 > [2001:db8::2]:80 tcp P. seq 9 len 3000 partial", 4},
    {"[fd00:1::2]:4001 > [2001:db8::2]:53 udp hbh 8 len 2999 partial", 5},
    {"10.0.1.2:4001 > 198.51.100.2:53 udp len 900 partial", 5},
};
enum { N_SUPERS = sizeof supers / sizeof *supers, GSO = 1000 };

static struct ct_pkt load(unsigned i)
{
    struct ct_pkt pkt = {.data = room + CT_HEADROOM};

    pkt.len = (uint32_t)packet_build(pkt.data, ROOM, supers[i].packet);
    assert_true(pkt.len > 0);
    assert_int_equal(ct_parse_packet(&pkt), CT_REASON_NONE);
    pkt.csum_partial = true;
    pkt.gso_type = supers[i].type;
    pkt.gso_size = GSO;
    memcpy(was, pkt.data, pkt.len);
    return pkt;
}

static struct device *fresh(int whole, int cut)
{
    memset(&dev, 0, sizeof dev);
    dev.whole = whole;
    dev.cut = cut;
    return &dev;
}

static uint32_t seq_of(const uint8_t *p, uint32_t l4)
{
    return (uint32_t)bytes_get16(p + l4 + 4) << 16 | bytes_get16(p + l4 + 6);
}

/* Flags that only the last one has, and the one that only the first has. */
static void check_tcp(const uint8_t *p, uint32_t l4, unsigned k, uint32_t at)
{
    uint8_t only = (k == 0 ? 0x80 : 0) | (k + 1 == dev.n ? 0x09 : 0);

    assert_int_equal(seq_of(p, l4), seq_of(was, l4) + at);
    assert_int_equal(p[l4 + 13], was[l4 + 13] & (0x76 | only));
}

/* The same bytes in segments, headers and sums as the kernel makes them. */
static void check_segments(const struct ct_pkt *pkt, bool partial)
{
    uint32_t l4 = pkt->l4_off, head, at = 0;

    head = pkt->tuple.proto == 6 ? l4 + (was[l4 + 12] >> 4) * 4u : l4 + 8;
    for (unsigned k = 0; k < dev.n; k++) {
        uint8_t *p = dev.got[k].data;
        uint32_t len = dev.got[k].pkt.len, n = len - head;

        assert_int_equal(dev.got[k].pkt.gso_type, 0);
        assert_int_equal(dev.got[k].pkt.csum_partial, partial);
        assert_int_equal(n, k + 1 < dev.n ? GSO : pkt->len - head - at);
        assert_memory_equal(p + head, was + head + at, n);
        if (partial)
            assert_int_equal(ct_parse_packet(&dev.got[k].pkt), CT_REASON_NONE);
        if (p[0] >> 4 == 4)
            assert_int_equal(bytes_get16(p + 4),
                             (uint16_t)(bytes_get16(was + 4) + k));
        if (pkt->tuple.proto == 6)
            check_tcp(p, l4, k, at);
        if (!partial)
            assert_true(packet_sums_ok(p, len));
        at += n;
    }
    assert_int_equal(at + head, pkt->len);
}

static void cut_where_offloads_are_off(void **state)
{
    struct offload o = {.off = true};

    (void)state;
    for (unsigned i = 0; i < N_SUPERS; i++) {
        struct ct_pkt pkt = load(i);

        print_message("%s\n", supers[i].packet);
        assert_int_equal(offload_send(&o, &pkt, write_one, fresh(0, 0)),
                         CT_REASON_NONE);
        assert_int_equal(dev.n_whole, 0);
        check_segments(&pkt, false);
    }
    assert_int_equal(o.refused, 0);
}

/* Refused once: the same bytes leave all the same, and that kind is not tried
 * again; other kinds are. */
static void what_is_refused_is_cut_and_remembered(void **state)
{
    static const int errors[] = {-EINVAL, -EIO};

    (void)state;
    for (unsigned e = 0; e < 2; e++)
        for (unsigned i = 0; i < N_SUPERS; i++) {
            struct offload o = {.off = false};
            struct ct_pkt pkt = load(i);

            assert_int_equal(
                offload_send(&o, &pkt, write_one, fresh(errors[e], 0)),
                CT_REASON_NONE);
            assert_int_equal(dev.n_whole, 1);
            check_segments(&pkt, true);
            assert_int_equal(o.refused, 1 << supers[i].type);
            pkt = load(i);
            assert_int_equal(offload_send(&o, &pkt, write_one, fresh(0, 0)),
                             CT_REASON_NONE);
            assert_int_equal(dev.n_whole, 0);
            pkt = load(i == 0 ? 1 : 0); /* of another kind */
            assert_int_equal(offload_send(&o, &pkt, write_one, fresh(0, 0)),
                             CT_REASON_NONE);
            assert_int_equal(dev.n_whole, 1);
        }
}

/* A device that is down, or short of memory, refuses no kind. */
static void other_errors_are_not_remembered(void **state)
{
    static const struct {
        int whole, cut;
        enum ct_reason why;
        unsigned tried;
    } rows[] = {
        {-EIO, -EIO, CT_REASON_TX_LINK_DOWN, 1},
        {-EBADFD, 0, CT_REASON_TX_LINK_DOWN, 1},
        {-ENOMEM, 0, CT_REASON_TX_ERROR, 1},
        {-EINVAL, -EINVAL, CT_REASON_TX_ERROR, 1},
        {0, 0, CT_REASON_NONE, 1},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct offload o = {.off = false};
        struct ct_pkt pkt = load(0);

        assert_int_equal(offload_send(&o, &pkt, write_one,
                                      fresh(rows[i].whole, rows[i].cut)),
                         rows[i].why);
        assert_int_equal(dev.n_whole, rows[i].tried);
        assert_int_equal(dev.n, 0);
        assert_int_equal(o.refused, 0);
    }
}

/* A plain device gets no partial checksum either. */
static void sums_are_complete_where_offloads_are_off(void **state)
{
    struct offload o = {.off = true};
    struct ct_pkt pkt = load(4);

    (void)state;
    pkt.gso_size = pkt.gso_type = 0;
    assert_int_equal(offload_send(&o, &pkt, write_one, fresh(0, 0)),
                     CT_REASON_NONE);
    assert_int_equal(dev.n, 1);
    assert_false(dev.got[0].pkt.csum_partial);
    assert_true(packet_sums_ok(dev.got[0].data, dev.got[0].pkt.len));
}

static void kinds_have_words(void **state)
{
    char text[64];

    (void)state;
    assert_string_equal(offload_words(0, text), "");
    assert_string_equal(offload_words(1 << 1, text), "TCP over IPv4");
    assert_string_equal(offload_words(0xff, text),
                        "TCP over IPv4, TCP over IPv6, UDP");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_where_offloads_are_off),
        cmocka_unit_test(what_is_refused_is_cut_and_remembered),
        cmocka_unit_test(other_errors_are_not_remembered),
        cmocka_unit_test(sums_are_complete_where_offloads_are_off),
        cmocka_unit_test(kinds_have_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
