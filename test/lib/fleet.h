/* fleet.h - several shards side by side, walked by one thread
 *
 * So each order of events can be had.  Each program has its own fleet, t. */
#ifndef FLEET_H
#define FLEET_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "packet.h"
#include "rig.h"

#include "bytes.h"

enum { HOSTS = 16, ROOM = 2048 };

static struct {
    struct rig rig;
    bool hold; /* queue 0 takes what comes */
    struct ct_pkt held;
    uint32_t held_at;
    uint8_t held_room[CT_HEADROOM + ROOM + CT_HEADROOM];
    const char *outside; /* the address that flows are hidden behind */
    unsigned sent, dropped;
    uint8_t last[ROOM];
} t;

static inline enum ct_reason tx(void *ctx, struct ct_pkt *pkt)
{
    (void)ctx;
    t.sent++;
    assert_true(pkt->len <= ROOM && packet_sums_ok(pkt->data, pkt->len));
    memcpy(t.last, pkt->data, pkt->len);
    return CT_REASON_NONE;
}

static inline void dropped(void *ctx, const struct ct_pkt *pkt)
{
    (void)ctx;
    (void)pkt;
    t.dropped++;
}

static inline bool logged(void *ctx, const struct ct_log *log)
{
    (void)ctx;
    (void)log;
    return true;
}

static inline enum ct_verdict queue(void *ctx, struct ct_pkt *pkt)
{
    (void)ctx;
    if (!t.hold)
        return CT_ACCEPT;
    t.held = *pkt;
    t.held.data = t.held_room + CT_HEADROOM;
    t.held_at = t.rig.at;
    memcpy(t.held.data, pkt->data, pkt->len);
    return CT_QUEUE;
}

/* rules: what stands before the masquerade, and more sections behind. */
static inline char *config(unsigned workers, const char *prerouting,
                           const char *postrouting, const char *more)
{
    char *json = NULL;

    assert_true(
        asprintf(
            &json,
            "{\"interfaces\": {\"lan\": {\"tun\": \"l\", \"side\": \"inside\", "
            "\"address\": [\"10.0.1.1/24\"]}, \"wan\": {\"tun\": \"w\", "
            "\"side\": \"outside\", \"address\": [\"198.51.100.1/24\"]}}, "
            "\"workers\": %u, \"seed\": 7, \"conntrack\": {\"max\": 8192, "
            "\"extensions\": 64, \"expect_max\": 32}, "
            "\"routes\": [{\"to\": \"default\", \"interface\": \"wan\"}], "
            "\"rules\": {\"prerouting\": [%s], \"postrouting\": [%s]%s}, "
            "\"queues\": {\"list\": [{\"number\": 0}]}}",
            workers, prerouting,
            postrouting ? postrouting : "{\"out\":\"wan\",\"masquerade\":true}",
            more) > 0);
    return json;
}

static inline void begin(unsigned workers, const char *prerouting,
                         const char *postrouting, const char *more)
{
    char *json = config(workers, prerouting, postrouting, more);

    memset(&t, 0, sizeof t);
    t.outside = "198.51.100.1";
    rig_open(&t.rig, json, (ct_time){1000000},
             &(struct rig_calls){
                 .log = logged, .tx = tx, .dropped = dropped, .queue = queue});
    free(json);
}

static inline void change(unsigned workers, const char *prerouting,
                          const char *postrouting)
{
    char *json = config(workers, prerouting, postrouting, "");

    rig_reload(&t.rig, json);
    free(json);
}

static inline void end(void)
{
    const char *wrong;

    rig_tick(&t.rig);
    wrong = rig_check(&t.rig);
    if (wrong != NULL)
        fail_msg("%s", wrong);
    rig_close(&t.rig);
}

/* Answers the shard that ended it. */
static inline uint32_t say_by(uint32_t by, const char *spec)
{
    static uint8_t room[CT_HEADROOM + ROOM + CT_HEADROOM];
    struct ct_pkt pkt = {.data = room + CT_HEADROOM, .rule = CT_NONE};

    pkt.len = (uint32_t)packet_build(pkt.data, ROOM, spec);
    if (pkt.len == 0)
        fail_msg("not a packet: %s", spec);
    pkt.in = pkt.data[12] == 10 ? 0 : 1;
    return rig_walk_by(&t.rig, by, &pkt);
}

static inline uint32_t __attribute__((format(printf, 1, 2)))
say(const char *fmt, ...)
{
    char spec[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(spec, sizeof spec, fmt, ap);
    va_end(ap);
    return say_by(0, spec);
}

static inline unsigned last_port(bool dst)
{
    unsigned at = dst ? 22 : 20;

    return bytes_get16(t.last + at);
}

/* The last packet that left went to this host of the LAN. */
static inline void went_to(unsigned host)
{
    assert_memory_equal(t.last + 16, "\x0a\x00\x01", 3);
    assert_int_equal(t.last[19], host);
}

/* ---- flows from inside ---- */

/* Their ports lie above 29000, as any host's may. */
static inline void connect_all(unsigned port[HOSTS])
{
    for (unsigned i = 0; i < HOSTS; i++) {
        say("10.0.1.%u:%u > 203.0.113.5:80 tcp S seq 100 win 60000", 2 + i,
            30000 + i);
        assert_int_equal(t.last[16], 203);
        port[i] = last_port(false);
        say("203.0.113.5:80 > %s:%u tcp S. seq 900 ack 101 win 60000",
            t.outside, port[i]);
        went_to(2 + i);
        say("10.0.1.%u:%u > 203.0.113.5:80 tcp . seq 101 ack 901 win 60000",
            2 + i, 30000 + i);
    }
}

/* Both ways, each to the host that it was for. */
static inline void all_go_on(const unsigned port[HOSTS])
{
    for (unsigned i = 0; i < HOSTS; i++) {
        unsigned sent = t.sent;

        say("203.0.113.5:80 > %s:%u tcp . seq 901 ack 101 win 60000 'secret'",
            t.outside, port[i]);
        assert_int_equal(t.sent, sent + 1);
        went_to(2 + i);
        assert_int_equal(last_port(true), 30000 + i);
        say("10.0.1.%u:%u > 203.0.113.5:80 tcp . seq 101 ack 901 win 60000 "
            "'ask'",
            2 + i, 30000 + i);
        assert_int_equal(t.sent, sent + 2);
        assert_int_equal(last_port(false), port[i]);
    }
}

static const unsigned counts[] = {1, 2, 3, 4, 8};
#define EACH_COUNT(n)                                                          \
    for (unsigned k_ = 0, n = 1;                                               \
         k_ < sizeof counts / sizeof *counts && (n = counts[k_]); k_++)

#define COVER(proto, ports)                                                    \
    "{\"in\":\"wan\",\"proto\":\"" proto "\",\"dst\":\"198.51.100.1\","        \
    "\"dport\":\"" ports "\",\"dnat\":\"10.0.1.99\"}"

#endif
