/* scale.c - rows of the catalogue that name a size, at that size
 *
 * Millions of packets, so they are not told as lines: a packet is built once
 * from its line, then only what differs is written into it. */
#include "packet.h"
#include "rig.h"

#include "bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { LAN, WAN, ROOM = 128 };

/* Where a form's fields are; IPv4 without options. */
enum { SRC = 12, DST = 16, SPORT = 20, DPORT = 22, SEQ = 24, ACK = 28 };

struct form {
    uint8_t data[ROOM];
    uint32_t len;
};

struct scale {
    struct rig rig;
    uint64_t sent;
    uint8_t last[ROOM]; /* the last that left */
    struct ct_pkt pkt[2];
    uint8_t room[2][CT_HEADROOM + ROOM + CT_HEADROOM];
};

static enum ct_reason keep(void *ctx, struct ct_pkt *pkt)
{
    struct scale *s = ctx;

    s->sent++;
    memcpy(s->last, pkt->data, pkt->len < ROOM ? pkt->len : ROOM);
    return CT_REASON_NONE;
}

static struct scale *open_scale(const char *rules, const char *conntrack)
{
    struct scale *s = calloc(1, sizeof *s);
    const struct rig_calls calls = {.tx = keep, .ctx = s};
    char json[2048];

    snprintf(json, sizeof json,
             "{\"interfaces\":{\"lan\":{\"tun\":\"l\",\"side\":\"inside\","
             "\"address\":[\"10.0.0.1/8\"]},\"wan\":{\"tun\":\"w\",\"side\":"
             "\"outside\",\"address\":[\"198.51.100.1/24\"]}},\"routes\":[{"
             "\"to\":\"default\",\"interface\":\"wan\"}],\"rules\":{%s},"
             "\"conntrack\":{%s}}",
             rules, conntrack);
    rig_open(&s->rig, json, (ct_time){1000000}, &calls);
    return s;
}

static void close_scale(struct scale *s)
{
    const char *wrong = rig_check(&s->rig);

    if (wrong)
        fail_msg("%s", wrong);
    rig_close(&s->rig);
    free(s);
}

#define MASQUERADE "\"postrouting\":[{\"out\":\"wan\",\"masquerade\":true}]"

static struct form form_of(const char *line)
{
    struct form f;

    f.len = (uint32_t)packet_build(f.data, sizeof f.data, line);
    assert_int_not_equal(f.len, 0);
    return f;
}

static void lay(struct scale *s, unsigned i, struct form *f, uint8_t in)
{
    uint8_t *data = s->room[i] + CT_HEADROOM;

    packet_fix_sums(f->data, f->len);
    memcpy(data, f->data, f->len);
    s->pkt[i] = (struct ct_pkt){.data = data, .len = f->len, .in = in};
}

static void walk(struct scale *s, unsigned n)
{
    struct ct_pkt *pkts[2] = {&s->pkt[0], &s->pkt[1]};

    journey_batch(s->rig.journey, pkts, n, s->rig.now);
}

static void send_one(struct scale *s, struct form *f, uint8_t in)
{
    lay(s, 0, f, in);
    walk(s, 1);
}

static void pass(struct scale *s, uint64_t ms)
{
    s->rig.now = ct_time_add_ms(s->rig.now, ms);
    rig_tick(&s->rig);
}

static uint64_t stat_of(const struct scale *s, enum ct_stat which)
{
    return ct_stat(s->rig.ct, which);
}

/* ---- TCP, from the client's side ---- */

struct tcp_forms {
    struct form syn, synack, ack, data;
};

static struct tcp_forms tcp_forms(void)
{
    return (struct tcp_forms){
        form_of("10.0.1.2:4000 > 198.51.100.2:80 tcp S seq 1000"),
        form_of("198.51.100.2:80 > 198.51.100.1:4000 tcp S. seq 5000 ack 1001"),
        form_of("10.0.1.2:4000 > 198.51.100.2:80 tcp . seq 1001 ack 5001"),
        form_of("10.0.1.2:4000 > 198.51.100.2:80 tcp P. seq 1001 ack 5001 "
                "len 4"),
    };
}

/* SYN, and after some time its answer and the rest.  True: it got through. */
static uint16_t begin(struct scale *s, struct tcp_forms *t, uint32_t client,
                      uint16_t port)
{
    uint64_t before = s->sent;

    bytes_put32(t->syn.data + SRC, client);
    bytes_put16(t->syn.data + SPORT, port);
    send_one(s, &t->syn, LAN);
    return s->sent > before ? bytes_get16(s->last + SPORT) : 0;
}

static bool finish(struct scale *s, struct tcp_forms *t, uint32_t client,
                   uint16_t port, uint16_t outside)
{
    uint64_t before = s->sent;

    bytes_put16(t->synack.data + DPORT, outside);
    send_one(s, &t->synack, WAN);
    bytes_put32(t->ack.data + SRC, client);
    bytes_put16(t->ack.data + SPORT, port);
    send_one(s, &t->ack, LAN);
    return s->sent == before + 2;
}

/* Does it still live, for both of its ends? */
static bool is_alive(struct scale *s, struct tcp_forms *t, uint32_t client,
                     uint16_t port, uint16_t outside)
{
    uint64_t before = s->sent;

    bytes_put32(t->data.data + SRC, client);
    bytes_put16(t->data.data + SPORT, port);
    send_one(s, &t->data, LAN);
    return s->sent == before + 1 && bytes_get16(s->last + SPORT) == outside &&
           s->pkt[0].info == CT_ESTABLISHED;
}

/* R1: a table of 262,144, 200 flows in it, 60,000 forged SYNs a second for 26
 * seconds, and 1,369 real connections meanwhile whose answers take 4 ms.  The
 * kernel loses none of either. */
static void r1_flood_of_60_kpps(void **state)
{
    enum { OLD = 200, NEW = 1369, MS = 26000, A_MS = 60, RTT = 4 };
    struct scale *s = open_scale(MASQUERADE, "\"max\":262144");
    struct tcp_forms t = tcp_forms();
    struct form flood = t.syn;
    uint16_t old[OLD], outside[RTT + 1] = {0}, waits[RTT + 1] = {0};
    uint32_t dice = 1;
    unsigned asked = 0, served = 0;

    (void)state;
    for (unsigned i = 0; i < OLD; i++) {
        old[i] = begin(s, &t, 0x0a000102, (uint16_t)(2000 + i));
        assert_true(finish(s, &t, 0x0a000102, (uint16_t)(2000 + i), old[i]));
    }
    for (unsigned ms = 0; ms < MS + RTT; ms++) {
        unsigned now = ms % (RTT + 1), then = (ms + 1) % (RTT + 1);

        for (unsigned i = 0; i < A_MS; i++) {
            dice = dice * 1664525u + 1013904223u;
            bytes_put32(flood.data + SRC, 0x0a800000u | dice >> 10);
            bytes_put16(flood.data + SPORT, (uint16_t)(1024 + dice % 60000));
            bytes_put32(flood.data + DST,
                        0xcb000000u | (dice * 2654435761u) >> 9);
            send_one(s, &flood, LAN);
        }
        waits[now] = 0;
        if (asked < NEW && ms >= asked * (MS / NEW)) {
            waits[now] = (uint16_t)(10000 + asked++);
            outside[now] = begin(s, &t, 0x0a000103, waits[now]);
        }
        if (ms >= RTT && waits[then])
            served += finish(s, &t, 0x0a000103, waits[then], outside[then]);
        pass(s, 1);
    }
    assert_int_equal(asked, NEW);
    printf("of %u connections beside the flood %u were served, %llu of the "
           "flood evicted\n",
           asked, served, (unsigned long long)stat_of(s, CT_STAT_early_drop));
    assert_true(served * 1000 >= asked * 999);
    for (unsigned i = 0; i < OLD; i++)
        assert_true(is_alive(s, &t, 0x0a000102, (uint16_t)(2000 + i), old[i]));
    assert_true(stat_of(s, CT_STAT_early_drop) > 1000000);
    assert_int_equal(stat_of(s, CT_STAT_table_full), 0);
    close_scale(s);
}

static size_t resident(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    unsigned long size, pages;

    assert_non_null(f);
    assert_int_equal(fscanf(f, "%lu %lu", &size, &pages), 2);
    fclose(f);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* R3: ten million SYNs without an answer: their flows are gone after their
 * timeout, and memory has not grown. */
static void r3_ten_million_half_open_flows(void **state)
{
    struct scale *s = open_scale(MASQUERADE, "\"max\":262144");
    struct form syn = form_of("10.0.0.2:4000 > 198.51.100.2:80 tcp S seq 1");
    size_t before = 0;

    (void)state;
    for (uint32_t i = 0; i < 10000000; i++) {
        bytes_put32(syn.data + SRC, 0x0a000100u + i / 40);
        bytes_put16(syn.data + SPORT, (uint16_t)(1024 + i % 60000));
        bytes_put32(syn.data + DST, 0xc6336402u + i % 200);
        send_one(s, &syn, LAN);
        if (i % 100 == 99)
            pass(s, 1);
        if (i == 1000000) /* by now the table has been full once */
            before = resident();
    }
    assert_true(stat_of(s, CT_STAT_entries) > 200000);
    assert_in_range(resident(), before - (1u << 20), before + (1u << 20));
    pass(s, 121000);
    assert_int_equal(stat_of(s, CT_STAT_entries), 0);
    assert_int_equal(stat_of(s, CT_STAT_mappings), 0);
    close_scale(s);
}

/* U1: a million pairs of first packets of one flow, in one batch or in two: one
 * entry each, and none is lost. */
static void u1_a_million_pairs(void **state)
{
    struct scale *s = open_scale(MASQUERADE, "\"max\":262144");
    struct form a = form_of("10.0.0.2:4000 > 198.51.100.2:53 udp 'A'");
    struct form b = form_of("10.0.0.2:4000 > 198.51.100.2:53 udp 'AAAA'");

    (void)state;
    for (uint32_t i = 0; i < 1000000; i++) {
        uint32_t client = 0x0a000102u + i / 50000;
        uint16_t port = (uint16_t)(2000 + i % 50000);

        bytes_put32(a.data + SRC, client);
        bytes_put32(b.data + SRC, client);
        bytes_put16(a.data + SPORT, port);
        bytes_put16(b.data + SPORT, port);
        lay(s, 0, &a, LAN);
        lay(s, 1, &b, LAN);
        if (i % 2) {
            walk(s, 2);
        } else {
            walk(s, 1);
            s->pkt[0] = s->pkt[1];
            walk(s, 1);
        }
        pass(s, 1);
    }
    assert_int_equal(s->sent, 2000000);
    assert_int_equal(stat_of(s, CT_STAT_created), 1000000);
    assert_int_equal(stat_of(s, CT_STAT_insert_failed), 0);
    close_scale(s);
}

/* T1: a million resets with random numbers at all ports: no mapping goes, nor
 * is its time any shorter.  One in 65,536 is in a window, and passes: its
 * receiver asks who sent it. */
static void t1_a_million_blind_resets(void **state)
{
    enum { FLOWS = 1000, RESETS = 1000000 };
    struct scale *s =
        open_scale(MASQUERADE, "\"max\":65536,\"profile\":\"weir\"");
    struct tcp_forms t = tcp_forms();
    struct form reset =
        form_of("198.51.100.2:80 > 198.51.100.1:4000 tcp R seq 1");
    uint16_t outside[FLOWS];
    uint64_t before;
    uint32_t dice = 5;

    (void)state;
    for (unsigned i = 0; i < FLOWS; i++) {
        outside[i] = begin(s, &t, 0x0a000102, (uint16_t)(2000 + i));
        assert_true(
            finish(s, &t, 0x0a000102, (uint16_t)(2000 + i), outside[i]));
    }
    before = s->sent;
    for (unsigned i = 0; i < RESETS; i++) {
        dice = dice * 1664525u + 1013904223u;
        /* every other one at a port that is in use */
        bytes_put16(reset.data + DPORT,
                    i % 2 ? outside[i / 2 % FLOWS] : (uint16_t)(dice >> 16));
        bytes_put32(reset.data + SEQ, dice ^ i << 13);
        send_one(s, &reset, WAN);
    }
    assert_in_range(s->sent, before, before + RESETS / 65536 + 10);
    pass(s, 3600000);
    for (unsigned i = 0; i < FLOWS; i++)
        assert_true(
            is_alive(s, &t, 0x0a000102, (uint16_t)(2000 + i), outside[i]));
    close_scale(s);
}

static uint32_t step_of(uint16_t from, uint16_t to)
{
    return (to + 64512u - from) % 64512u;
}

/* U4: a million ports, each asked for as soon as it is given: they lie evenly,
 * a step says nothing of the next one, and of two steps neither does. */
static void u4_a_million_ports(void **state)
{
    enum { DRAWS = 1000000, BINS = 256 };
    struct scale *s = open_scale(
        "\"postrouting\":[{\"out\":\"wan\",\"masquerade\":true,\"random\":"
        "true}]",
        "\"max\":262144,\"timeouts\":{\"udp\":1}");
    struct form f = form_of("10.0.0.2:4000 > 198.51.100.2:53 udp");
    static uint32_t bin[3][BINS];
    uint32_t step = 0;
    uint16_t last = 0;

    (void)state;
    memset(bin, 0, sizeof bin);
    for (uint32_t i = 0; i < DRAWS; i++) {
        uint16_t port;

        bytes_put16(f.data + SPORT, (uint16_t)(1024 + i % 60000));
        bytes_put32(f.data + DST, 0xc6336402u + i / 1000 % 200);
        send_one(s, &f, LAN);
        assert_int_equal(s->sent, i + 1);
        port = bytes_get16(s->last + SPORT);
        assert_in_range(port, 1024, 65535);
        bin[0][(port - 1024u) * BINS / 64512u]++;
        bin[1][step_of(last, port) * BINS / 64512u]++;
        bin[2]
           [(step_of(last, port) + 64512u - step) % 64512u * BINS / 64512u]++;
        step = step_of(last, port);
        last = port;
        pass(s, 1);
    }
    for (unsigned b = 0; b < 3; b++) {
        double chi = 0, e = DRAWS / (double)BINS;

        for (unsigned i = 0; i < BINS; i++)
            chi += (bin[b][i] - e) * (bin[b][i] - e) / e;
        printf("chi square of %s: %.0f, 255 expected\n",
               b == 0   ? "ports"
               : b == 1 ? "steps"
                        : "turns",
               chi);
        assert_true(chi < 360); /* by chance once in 10^5 seeds */
    }
    close_scale(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(r1_flood_of_60_kpps),
        cmocka_unit_test(r3_ten_million_half_open_flows),
        cmocka_unit_test(u1_a_million_pairs),
        cmocka_unit_test(t1_a_million_blind_resets),
        cmocka_unit_test(u4_a_million_ports),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
