/* output.c - the way out: does it fit, cut it, check it, send it */
#include "journey/fragment.h"
#include "journey_router.h"

#include "bytes.h"

static void too_big_is_told(void **state)
{
    struct router *r = *state;

    r->more[WAN].mtu = 1280;
    journey_set_ifaces(r->journey, &r->ifaces, r->more);
    give(r, "10.0.1.2:4001 > 198.51.100.2:53 udp df len 1252", LAN);
    assert_int_equal(r->n_dropped, 0); /* exactly 1280 */
    give(r, "10.0.1.2:4001 > 198.51.100.2:53 udp df len 1253", LAN);
    expect_drop(r, CT_REASON_TOO_BIG);
    assert_int_equal(r->sent[0].pkt.out, LAN);
    assert_int_equal(bytes_get16(r->sent[0].data + 20), 0x304);
    assert_int_equal(bytes_get16(r->sent[0].data + 26), 1280);
    /* quoted as the sender knows it */
    assert_memory_equal(r->sent[0].data + 28 + 12, addr("10.0.1.2").b, 4);
    give(r, "[fd00:1::2]:4001 > [2001:db8::2]:53 udp len 1300", LAN);
    expect_drop(r, CT_REASON_TOO_BIG);
    assert_int_equal(r->sent[0].data[40], 2);
    assert_int_equal(bytes_get16(r->sent[0].data + 46), 1280);
}

/* Join the fragments that left, check them, and compare with the whole. */
static void join(struct router *r, const char *want, uint16_t mtu)
{
    uint8_t whole[4096];
    char text[4096];
    uint32_t at = 0, hl = (r->sent[0].data[0] & 0x0fu) * 4;

    for (unsigned i = 0; i < r->n_sent; i++) {
        const uint8_t *d = r->sent[i].data;
        uint32_t word = bytes_get16(d + 6);

        assert_true(r->sent[i].len <= mtu);
        assert_int_equal((word & 0x1fff) * 8, at);
        assert_int_equal((word & 0x2000) != 0, i + 1 < r->n_sent);
        assert_int_equal(bytes_get16(d + 4), 77);
        memcpy(whole + hl + at, d + hl, r->sent[i].len - hl);
        at += r->sent[i].len - hl;
    }
    memcpy(whole, r->sent[0].data, hl);
    whole[6] = whole[7] = 0;
    bytes_put16(whole + 2, at + hl);
    whole[10] = whole[11] = 0;
    packet_fix_sums(whole, at + hl);
    memcpy(whole + hl, r->sent[0].data + hl, 8); /* its own UDP checksum */
    assert_true(packet_sums_ok(whole, at + hl));
    packet_print(text, sizeof text, whole, at + hl);
    assert_string_equal(text, want);
}

static void fragments_without_df(void **state)
{
    struct router *r = *state;

    r->more[WAN].mtu = 576;
    journey_set_ifaces(r->journey, &r->ifaces, r->more);
    give(r, "10.0.1.2:4001 > 198.51.100.2:53 udp ipid 77 len 1400", LAN);
    assert_int_equal(r->n_sent, 3);
    join(r, "198.51.100.1:4001 > 198.51.100.2:53 udp ttl 63 ipid 77 len 1400",
         576);
    give(r, "10.0.1.2:4001 > 198.51.100.2:53 udp ipid 77 len 1101", LAN);
    assert_int_equal(r->n_sent, 3);
    assert_int_equal(ct_stat(r->ct, CT_STAT_forwarded), 2);
    assert_int_equal(ct_stat(r->ct, CT_STAT_pkts_out), 2);
}

static void partial_sum_is_completed(void **state)
{
    struct router *r = *state;
    struct given g = build(
        "10.0.1.2:4001 > 198.51.100.2:53 udp ipid 77 partial len 1101", LAN);

    r->more[WAN].mtu = 1000;
    journey_set_ifaces(r->journey, &r->ifaces, r->more);
    g.pkt.csum_partial = true;
    walk(r, &g);
    assert_int_equal(r->n_sent, 2);
    assert_false(r->sent[0].pkt.csum_partial);
    join(r, "198.51.100.1:4001 > 198.51.100.2:53 udp ttl 63 ipid 77 len 1101",
         1000);
}

static struct given super(const char *spec, uint16_t gso_size, uint8_t type)
{
    struct given g = build(spec, LAN);

    g.pkt.csum_partial = true;
    g.pkt.gso_size = gso_size;
    g.pkt.gso_type = type;
    return g;
}

#define SUPER4 "10.0.1.2:4001 > 198.51.100.2:80 tcp . seq 1 ack 1 partial "

static void super_packets_by_gso_size(void **state)
{
    struct router *r = *state;
    struct given g;

    r->more[WAN].mtu = 1280;
    journey_set_ifaces(r->journey, &r->ifaces, r->more);
    g = super(SUPER4 "df len 20000", 1240, 1);
    walk(r, &g);
    assert_int_equal(r->n_sent, 1);
    assert_int_equal(r->sent[0].len, 20040);
    assert_int_equal(r->sent[0].pkt.gso_size, 1240);
    g = super(SUPER4 "df len 20000", 1241, 1);
    walk(r, &g);
    expect_drop(r, CT_REASON_TOO_BIG);
    assert_int_equal(bytes_get16(r->sent[0].data + 26), 1280);
    g = super(SUPER4 "df len 1000", 1460, 1); /* one short segment: fits */
    walk(r, &g);
    assert_int_equal(r->n_dropped, 0);
    g = super(SUPER4 "len 20000", 1460, 1); /* no DF: smaller segments */
    walk(r, &g);
    assert_int_equal(r->n_sent, 1);
    assert_int_equal(r->sent[0].pkt.gso_size, 1240);
}

/* The datagrams of a super-packet are cut as they would be one by one, each
 * under an identification of its own. */
static void udp_super_packet_without_df(void **state)
{
    struct router *r = *state;
    struct given g;

    r->more[WAN].mtu = 1000;
    journey_set_ifaces(r->journey, &r->ifaces, r->more);
    g = super("10.0.1.2:4001 > 198.51.100.2:53 udp ipid 77 partial len 2910",
              1450, 5);
    walk(r, &g);
    assert_int_equal(r->n_dropped, 0);
    assert_int_equal(r->n_sent, 5); /* 1450, 1450 and 10 bytes */
    for (unsigned i = 0; i < r->n_sent; i++) {
        const uint8_t *d = r->sent[i].data;
        uint32_t payload = i == 4 ? 18 : i % 2 ? 1458 - 976 : 976;

        assert_int_equal(bytes_get16(d + 4), 77 + i / 2);
        assert_int_equal(bytes_get16(d + 6) & 0x1fff, i % 2 ? 976 / 8 : 0);
        assert_int_equal(r->sent[i].len, 20 + payload);
        if (i % 2 == 0)
            assert_int_equal(bytes_get16(d + 24), i == 4 ? 18 : 1458);
    }
    r->sent[4].pkt.data = r->sent[4].data;
    fragment_complete(&r->sent[4].pkt);
    assert_true(packet_sums_ok(r->sent[4].data, r->sent[4].len));
    for (unsigned i = 0; i < 4; i += 2) { /* their sums cover both pieces */
        uint8_t whole[1478], sum[2];

        memcpy(whole, r->sent[i].data, 996);
        memcpy(whole + 996, r->sent[i + 1].data + 20, 482);
        whole[2] = 1478 >> 8;
        whole[3] = 1478 & 0xff;
        whole[6] = whole[7] = 0;
        memcpy(sum, whole + 26, sizeof sum);
        packet_fix_sums(whole, sizeof whole);
        assert_memory_equal(whole + 26, sum, sizeof sum);
    }
    g = super("10.0.1.2:4001 > 198.51.100.2:53 udp df partial len 2910", 1450,
              5);
    walk(r, &g);
    expect_drop(r, CT_REASON_TOO_BIG);
}

static void offload_header_lies(void **state)
{
    static const struct {
        const char *what, *packet;
        uint16_t size;
        uint8_t type;
        bool partial;
    } rows[] = {
        {"marked by the device", SUPER4 "len 100", 0, 0x7f, false},
        {"unknown type", SUPER4 "len 3000", 1000, 3, true},
        {"IPv6 type on IPv4", SUPER4 "len 3000", 1000, 4, true},
        {"UDP type on TCP", SUPER4 "len 3000", 1000, 5, true},
        {"without partial checksum", SUPER4 "len 3000", 1000, 1, false},
        {"TCP type on UDP", "10.0.1.2:1 > 198.51.100.2:53 udp partial len 3000",
         1000, 1, true},
        {"partial checksum of ICMP", "10.0.1.2 > 198.51.100.2 icmp echo id 1",
         0, 0, true},
    };
    struct router *r = *state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct given g = super(rows[i].packet, rows[i].size, rows[i].type);

        print_message("%s\n", rows[i].what);
        g.pkt.csum_partial = rows[i].partial;
        walk(r, &g);
        expect_drop(r, CT_REASON_BAD_GSO);
        assert_int_equal(r->n_sent, 0);
    }
}

static void k2_last_check_rows(void **state)
{
    struct given g = build("10.0.1.2:1 > 198.51.100.2:53 udp len 100", LAN);
    struct ct_pkt *p = &g.pkt;

    (void)state;
    assert_int_equal(ct_parse_packet(p), CT_REASON_NONE);
    assert_true(output_ok(p, 128));
    assert_false(output_ok(p, 127));
    p->len--;
    assert_false(output_ok(p, 1500));
    p->len += 2;
    assert_false(output_ok(p, 1500));
    p->len--;
    p->data[0] = 0x44;
    assert_false(output_ok(p, 1500));
    p->data[0] = 0x4f;
    assert_true(output_ok(p, 1500));
    p->data[0] = 0x55;
    assert_false(output_ok(p, 1500));
    p->data[0] = 0x60; /* payload length is not len - 40 */
    assert_false(output_ok(p, 1500));
    p->data[0] = 0x45;
    for (p->len = 0; p->len < 20; p->len++)
        assert_false(output_ok(p, 1500));
    free(g.room);
}

static void lost_on_the_way_out(void **state)
{
    struct router *r = *state;

    r->tx_answer = CT_REASON_TX_ERROR;
    give(r, "10.0.1.2:4001 > 198.51.100.2:53 udp 'who'", LAN);
    expect_drop(r, CT_REASON_TX_ERROR);
    give(r, "10.0.1.2 > 10.0.1.1 icmp echo id 7", LAN);
    assert_int_equal(r->n_dropped, 0); /* it was delivered */
    assert_int_equal(ct_stat(r->ct, CT_STAT_orig_lost), 1);
    r->tx_answer = CT_REASON_NONE;
    r->more[WAN].usable = false;
    journey_set_ifaces(r->journey, &r->ifaces, r->more);
    give(r, "10.0.1.2:4001 > 198.51.100.2:53 udp 'who'", LAN);
    expect_drop(r, CT_REASON_TX_LINK_DOWN);
    assert_int_equal(r->n_sent, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(too_big_is_told),
        CASE(fragments_without_df),
        CASE(partial_sum_is_completed),
        CASE(super_packets_by_gso_size),
        CASE(udp_super_packet_without_df),
        CASE(offload_header_lies),
        cmocka_unit_test(k2_last_check_rows),
        CASE(lost_on_the_way_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
