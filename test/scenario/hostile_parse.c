/* hostile_parse.c - malformed packets that broke other routers: rows P
 *
 * Each test bears the id of its row. */
#include "calm.h"
#include "packet.h"

#include "bytes.h"

#include <string.h>

static uint32_t build(uint8_t *data, size_t room, const char *spec)
{
    size_t len = packet_build(data, room, spec);

    assert_int_not_equal(len, 0);
    return (uint32_t)len;
}

/* P1: every length against every header length and total length. */
static void p1_lengths_that_contradict(void **state)
{
    struct world *w = WORLD("");
    uint8_t data[160];

    (void)state;
    w->quiet = true;
    for (uint32_t len = 1; len <= 120; len++)
        for (uint32_t ihl = 0; ihl < 16; ihl++) {
            const uint32_t totals[] = {0,   4 * ihl - 1, 4 * ihl, len - 1,
                                       len, len + 1,     65535};

            for (unsigned i = 0; i < sizeof totals / sizeof *totals; i++) {
                uint32_t total = totals[i] & 0xffff;
                struct calm before = calm_of(w);
                bool well = 20 <= 4 * ihl && 4 * ihl <= total && total <= len;

                memset(data, 0, sizeof data);
                build(data, sizeof data,
                      "10.0.1.2:4000 > 198.51.100.2:80 udp len 60");
                data[0] = (uint8_t)(0x40 | ihl);
                bytes_put16(data + 2, total);
                if (len >= 20 && ihl >= 5 && 4 * ihl <= len)
                    packet_fix_sums(data, 4 * ihl);
                say_bytes(w, data, len,
                          config_iface_find(w->rig.config, "lan"));
                if (!well)
                    refused(w, &before, "lengths");
                else if (w->sent != before.sent)
                    assert_int_equal(w->last_len, total); /* padding cut */
            }
        }
    END(w);
}

/* P2: transport headers cut short, with and without a flow they would match. */
static void p2_transport_cut_short(void **state)
{
    static const struct {
        const char *line;
        uint32_t least;
    } of[] = {
        {"10.0.1.2:4000 > 198.51.100.2:80 tcp S seq 1", 20},
        {"10.0.1.2:4000 > 198.51.100.2:80 udp 'who'", 8},
        {"10.0.1.2 > 198.51.100.2 icmp echo id 7 seq 1", 8},
        {"[fd00:1::2]:4000 > [2001:db8::2]:80 tcp S seq 1", 20},
        {"[fd00:1::2]:4000 > [2001:db8::2]:80 udp 'who'", 8},
        {"fd00:1::2 > 2001:db8::2 icmp echo id 7 seq 1", 8},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof of / sizeof *of; i++)
        for (int known = 0; known < 2; known++) {
            struct world *w = WORLD("");
            uint8_t data[200];
            uint32_t head = of[i].line[0] == '1' ? 20 : 40;
            uint8_t lan = config_iface_find(w->rig.config, "lan");

            w->quiet = true;
            if (known)
                say(w, of[i].line);
            for (uint32_t l4 = 0; l4 < of[i].least; l4++) {
                struct calm before = calm_of(w);

                build(data, sizeof data, of[i].line);
                if (head == 20) {
                    data[3] = (uint8_t)(20 + l4);
                    packet_fix_sums(data, 20);
                } else {
                    data[5] = (uint8_t)l4;
                }
                say_bytes(w, data, head + l4, lan);
                refused(w, &before, of[i].line);
            }
            END(w);
        }
}

/* P2: TCP's data offset against its length. */
static void p2_tcp_data_offset(void **state)
{
    struct world *w = WORLD("");
    uint8_t data[200];

    (void)state;
    w->quiet = true;
    for (uint8_t offset = 0; offset < 16; offset++) {
        uint32_t len = build(data, sizeof data,
                             "10.0.1.2:4000 > 198.51.100.2:80 tcp S seq 1");
        struct calm before = calm_of(w);

        data[32] = (uint8_t)(offset << 4);
        packet_fix_sums(data, len);
        say_bytes(w, data, len, config_iface_find(w->rig.config, "lan"));
        if (offset != 5)
            refused(w, &before, "data offset");
    }
    assert_int_equal(w->sent, 1);
    END(w);
}

/* P2: UDP's own length: shorter than a header or longer than the packet. */
static void p2_udp_length(void **state)
{
    struct world *w = WORLD("");
    uint8_t data[200];

    (void)state;
    w->quiet = true;
    for (uint16_t n = 0; n < 40; n++) {
        uint32_t len = build(data, sizeof data,
                             "10.0.1.2:4000 > 198.51.100.2:80 udp len 20");
        struct calm before = calm_of(w);

        data[24] = 0;
        data[25] = (uint8_t)n;
        data[26] = data[27] = 0; /* no checksum: its length is the only fault */
        packet_fix_sums(data, 20);
        say_bytes(w, data, len, config_iface_find(w->rig.config, "lan"));
        if (n < 8 || n > 28)
            refused(w, &before, "udp length");
    }
    END(w);
}

/* P4: an entry of one protocol never matches another's packets. */
static void p4_each_protocol_by_itself(void **state)
{
    struct world *w = WORLD("masquerade off");
    uint32_t expected = 0;

    (void)state;
    w->quiet = true;
    for (unsigned proto = 0; proto < 256; proto++) {
        uint32_t before = count_flows(w);

        /* those with a header of their own are other rows' */
        switch (proto) {
        case 0:
        case 1:
        case 2:
        case 6:
        case 17:
        case 33:
        case 43:
        case 44:
        case 47:
        case 50:
        case 51:
        case 58:
        case 60:
        case 132:
        case 135:
        case 136:
        case 139:
        case 140:
            continue;
        default:
            break;
        }
        sayf(w, "10.0.1.2 > 198.51.100.2 proto %u hex 0102030405060708", proto);
        expected++;
        assert_int_equal(count_flows(w), before + 1);
        assert_int_equal(w->info, CT_NEW);
    }
    say(w, "10.0.1.2:258 > 198.51.100.2:772 udp");
    assert_int_equal(w->info, CT_NEW);
    say(w, "10.0.1.2:258 > 198.51.100.2:772 tcp S seq 1");
    assert_int_equal(w->info, CT_NEW);
    say(w, "10.0.1.2 > 198.51.100.2 icmp echo id 258");
    assert_int_equal(w->info, CT_NEW);
    assert_int_equal(count_flows(w), expected + 3);
    END(w);
}

/* P9: chains of IPv6 extension headers. */
static void p9_extension_chains(void **state)
{
    struct world *w = WORLD("");
    uint8_t data[1500];

    (void)state;
    w->quiet = true;
    refuse(w, "[fd00:1::2]:4000 > [2001:db8::2]:80 udp routing 0 'who'");
    for (unsigned n = 0; n <= 64; n++) {
        uint32_t at = 40;
        struct calm before = calm_of(w);
        uint32_t bytes = n * 8 + 8;

        memset(data, 0, sizeof data);
        data[0] = 0x60;
        bytes_put16(data + 4, bytes);
        data[6] = n ? 60 : 17;
        data[7] = 64;
        memcpy(data + 8, "\xfd\0\0\1\0\0\0\0\0\0\0\0\0\0\0\2", 16);
        memcpy(data + 24, "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2", 16);
        for (unsigned i = 0; i < n; i++, at += 8) {
            data[at] = i + 1 < n ? 60 : 17;
            data[at + 2] = 1;
            data[at + 3] = 4; /* PadN */
        }
        data[at] = 0x10;
        data[at + 2] = 0x20;
        data[at + 5] = 8;
        packet_fix_sums(data, 40 + bytes);
        say_bytes(w, data, 40 + bytes, config_iface_find(w->rig.config, "lan"));
        if (n > 8)
            refused(w, &before, "a chain");
        else
            assert_int_equal(w->sent, before.sent + 1);
    }
    END(w);
}

/* P10: options that lie are as if they were absent: the segment is tracked. */
static void p10_tcp_options(void **state)
{
    static const char *const options[] = {
        "tcpopt 0300",
        "tcpopt 0301",
        "tcpopt 03ff",
        "tcpopt 0200",
        "tcpopt 0201",
        "tcpopt 0203",
        "tcpopt 0303ff",
        "wscale 14",
        "wscale 15",
        "wscale 255",
        "wscale 7 wscale 9",
        "tcpopt 0502",
        "tcpopt 050a0102",
        "tcpopt 05ff",
        "tcpopt 0101010101010101010101010101010101010101"
        "0101010101010101010101010101010101010101",
    };

    (void)state;
    for (unsigned i = 0; i < sizeof options / sizeof *options; i++) {
        struct world *w = WORLD("");

        w->quiet = true;
        sayf(w, "10.0.1.2:4000 > 198.51.100.2:80 tcp S seq 1000 %s",
             options[i]);
        assert_int_equal(w->info, CT_NEW);
        say(w, "198.51.100.2:80 > 198.51.100.1:4000 tcp S. seq 5000 ack 1001 "
               "wscale 14");
        assert_int_equal(w->info, CT_ESTABLISHED);
        sayf(w, "10.0.1.2:4000 > 198.51.100.2:80 tcp . seq 1001 ack 5001 %s",
             options[i]);
        assert_int_equal(w->info, CT_ESTABLISHED);
        assert_int_equal(w->sent, 3);
        END(w);
    }
}

/* P11: every size, both ways: intact, whatever its length (VPP-1677). */
static void p11_every_size(void **state)
{
    static const struct {
        const char *up, *down;
        uint32_t least;
        bool says_length; /* UDP does, again */
    } of[] = {
        {"10.0.1.2:4000 > 198.51.100.2:80 udp",
         "198.51.100.2:80 > 198.51.100.1:4000 udp", 28, true},
        {"10.0.1.2 > 198.51.100.2 icmp echo id 7",
         "198.51.100.2 > 198.51.100.1 icmp reply id 7", 28, false},
        {"10.0.1.2:4000 > 198.51.100.2:80 tcp . seq 1001 ack 5001",
         "198.51.100.2:80 > 198.51.100.1:4000 tcp . seq 5001 ack 1001", 40,
         false},
    };
    static uint8_t data[WORLD_PACKET];
    struct world *w = WORLD("mtu lan 65535; mtu wan 65535");

    (void)state;
    w->quiet = true;
    say(w, "10.0.1.2:4000 > 198.51.100.2:80 udp 'x'");
    say(w, "10.0.1.2 > 198.51.100.2 icmp echo id 7");
    say(w, "10.0.1.2:4000 > 198.51.100.2:80 tcp S seq 1000");
    say(w, "198.51.100.2:80 > 198.51.100.1:4000 tcp S. seq 5000 ack 1001");
    for (uint32_t len = 28; len <= 65535; len += len < 9300 ? 1 : 97)
        for (unsigned i = 0; i < 6; i++) {
            const char *line = i % 2 ? of[i / 2].up : of[i / 2].down;
            uint64_t sent = w->sent;
            uint32_t head = of[i / 2].least;

            if (len < head)
                continue;
            memset(data, 0, head);
            build(data, 64, line);
            memset(data + head, (int)len, len - head);
            bytes_put16(data + 2, len);
            if (of[i / 2].says_length) {
                bytes_put16(data + 24, len - 20);
            }
            packet_fix_sums(data, len);
            say_bytes(w, data, len,
                      config_iface_find(w->rig.config, i % 2 ? "lan" : "wan"));
            assert_int_equal(w->sent, sent + 1);
            assert_int_equal(w->last_len,
                             len < sizeof w->last ? len : sizeof w->last);
        }
    END(w);
}

/* P12: IPv4 options: source routing goes nowhere, the others are kept. */
static void p12_ipv4_options(void **state)
{
    static const char *const bad[] = {
        "ipopt 83070400000000", "ipopt 89070400000000", "ipopt 0700",
        "ipopt 0701",           "ipopt 0728",           "ipopt 07",
    };
    static const char *const good[] = {
        "ipopt 01010101",         "ipopt 00000000",
        "ipopt 0707040000000000", "ipopt 4408050000000000",
        "ipopt 94040000",         "ipopt 820b000000000000000000",
    };
    struct world *w = WORLD("");

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        char line[200];

        snprintf(line, sizeof line,
                 "10.0.1.2:4000 > 198.51.100.2:80 udp %s 'x'", bad[i]);
        refuse(w, line);
    }
    for (unsigned i = 0; i < sizeof good / sizeof *good; i++) {
        uint64_t sent = w->sent;
        uint8_t asked[200];

        sayf(w, "10.0.1.2:4000 > 198.51.100.2:80 udp %s 'x'", good[i]);
        assert_int_equal(w->sent, sent + 1);
        assert_true((w->last[0] & 15) > 5);
        build(asked, sizeof asked, "10.0.1.2:4000 > 198.51.100.2:80 udp 'x'");
        assert_memory_equal(w->last + (w->last[0] & 15) * 4u + 2, asked + 22,
                            2);
    }
    END(w);
}

/* P14: the last hop is told, a hop of 0 is not, and nothing is made. */
static void p14_ttl(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    w->quiet = true;
    say(w, "10.0.1.2:4000 > 198.51.100.2:80 udp ttl 1 'who'");
    assert_int_equal(w->why, CT_REASON_TTL);
    assert_int_equal(w->sent, 1); /* the error, to the sender */
    assert_int_equal(w->last[9], 1);
    assert_int_equal(w->last[20], 11);
    assert_memory_equal(w->last + 28 + 12, "\x0a\0\1\2", 4);
    assert_int_equal(count_flows(w), 0);
    say(w, "10.0.1.2:4000 > 198.51.100.2:80 udp ttl 0 'who'");
    assert_int_equal(w->why, CT_REASON_TTL);
    assert_int_equal(count_flows(w), 0);
    say(w, "10.0.1.2:4000 > 198.51.100.2:80 udp ttl 9 'who'");
    assert_int_equal(w->last[8], 8);
    END(w);
}

/* P15: land. */
static void p15_land(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    w->quiet = true;
    refuse(w, "10.0.1.2:80 > 10.0.1.2:80 tcp S seq 1 @lan");
    refuse(w, "10.0.1.2:80 > 10.0.1.2:81 udp 'x' @lan");
    refuse(w, "198.51.100.1:80 > 198.51.100.1:80 tcp S seq 1 @wan");
    refuse(w, "[2001:db8::9]:80 > [2001:db8::9]:80 udp 'x' @wan");
    END(w);
}

/* P16: addresses that must not be on a wire. */
static void p16_martians(void **state)
{
    static const char *const sources[] = {
        "0.0.0.0", "127.0.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    };
    static const char *const sources6[] = {
        "::", "::1", "ff02::1", "fe80::1", "::ffff:10.0.1.2",
    };
    static const char *const targets[] = {
        "0.0.0.1",         "127.0.0.1", "224.0.0.251", "239.255.255.250",
        "255.255.255.255", "240.0.0.1", "10.0.1.255",
    };
    static const char *const targets6[] = {"::", "::1", "ff02::fb",
                                           "::ffff:198.51.100.2"};
    struct world *w = WORLD("");
    char line[200];

    (void)state;
    w->quiet = true;
#define EACH(list, fmt)                                                        \
    for (unsigned i = 0; i < sizeof list / sizeof *(list); i++) {              \
        snprintf(line, sizeof line, fmt, (list)[i]);                           \
        refuse(w, line);                                                       \
    }
    EACH(sources, "%s:4000 > 198.51.100.2:80 udp 'x' @lan")
    EACH(sources, "%s:4000 > 198.51.100.1:80 udp 'x' @wan")
    EACH(sources6, "[%s]:4000 > [2001:db8::2]:80 udp 'x' @lan")
    EACH(targets, "10.0.1.2:4000 > %s:80 udp 'x' @lan")
    EACH(targets6, "[fd00:1::2]:4000 > [%s]:80 udp 'x' @lan")
#undef EACH
    END(w);
}

/* P17: neither 4 nor 6. */
static void p17_first_nibble(void **state)
{
    struct world *w = WORLD("");
    uint8_t data[200];

    (void)state;
    w->quiet = true;
    for (unsigned v = 0; v < 16; v++) {
        uint32_t len = build(data, sizeof data,
                             "10.0.1.2:4000 > 198.51.100.2:80 udp 'who'");
        struct calm before = calm_of(w);

        if (v == 4)
            continue;
        data[0] = (uint8_t)(v << 4 | (data[0] & 15));
        say_bytes(w, data, len, config_iface_find(w->rig.config, "lan"));
        refused(w, &before, "a version");
    }
    END(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(p1_lengths_that_contradict),
        STORY(p2_transport_cut_short),
        STORY(p2_tcp_data_offset),
        STORY(p2_udp_length),
        STORY(p4_each_protocol_by_itself),
        STORY(p9_extension_chains),
        STORY(p10_tcp_options),
        STORY(p11_every_size),
        STORY(p12_ipv4_options),
        STORY(p14_ttl),
        STORY(p15_land),
        STORY(p16_martians),
        STORY(p17_first_nibble),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
