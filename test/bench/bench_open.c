/* bench_open.c - what a new flow costs with several shards, for callgrind
 *
 *     bench_open FLOWS SHARDS [strays]
 *
 * Opens so many flows from inside, each by its own shard, with steering as the
 * workers do it.  strays: each shard has one flow whose packets come to another
 * one since a reload, so each new flow is looked for in all tables. */
#include "bytes.h"
#include "packet.h"
#include "rig.h"

#include <ctcore/wire.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum ct_reason tx(void *ctx, struct ct_pkt *pkt)
{
    (void)ctx;
    (void)pkt;
    return CT_REASON_NONE;
}

static char *config(unsigned shards, bool forward)
{
    char *json = NULL;

    if (asprintf(&json,
                 "{\"interfaces\": {\"lan\": {\"tun\": \"l\", \"side\": "
                 "\"inside\", \"address\": [\"10.0.0.1/8\"]}, \"wan\": "
                 "{\"tun\": \"w\", \"side\": \"outside\", \"address\": "
                 "[\"198.51.100.1/24\"]}}, \"workers\": %u, \"seed\": 7, "
                 "\"conntrack\": {\"max\": 65536}, \"routes\": [{\"to\": "
                 "\"default\", \"interface\": \"wan\"}], \"rules\": "
                 "{\"prerouting\": [%s], \"postrouting\": [{\"out\": \"wan\", "
                 "\"masquerade\": true}]}}",
                 shards,
                 forward ? "{\"in\": \"wan\", \"proto\": \"tcp\", \"dport\": "
                           "\"1024-65535\", \"dnat\": \"10.0.0.9\"}"
                         : "") < 0)
        abort();
    return json;
}

static void put_sum(uint8_t *ip)
{
    bytes_put16(ip + 10, 0);
    bytes_put16(ip + 10, (uint16_t)~ct_inet_sum(ip, 20, 0));
}

/* what: as it was built; it is sent from a copy, which NAT changes. */
static void say(struct rig *rig, const uint8_t *what, uint32_t len,
                uint32_t host, uint16_t port)
{
    static uint8_t room[CT_HEADROOM + 256 + CT_HEADROOM];
    uint8_t *data = room + CT_HEADROOM;
    struct ct_pkt pkt = {.data = data, .len = len, .csum_partial = true};

    memcpy(data, what, len);
    data[13] = (uint8_t)(host >> 16);
    data[14] = (uint8_t)(host >> 8);
    data[15] = (uint8_t)(host | 2);
    bytes_put16(data + 20, port);
    put_sum(data);
    rig_walk(rig, &pkt);
}

int main(int argc, char **argv)
{
    static struct rig rig;
    uint8_t udp[256];
    unsigned flows, shards;
    uint32_t len;
    char *json;

    if (argc < 3)
        return 2;
    flows = (unsigned)atoi(argv[1]);
    shards = (unsigned)atoi(argv[2]);
    json = config(shards, false);
    rig_open(&rig, json, (ct_time){1000}, &(struct rig_calls){.tx = tx});
    free(json);
    if (argc > 3) {
        for (uint32_t i = 0; i < 64; i++) {
            len = (uint32_t)packet_build(
                udp, 256, "10.0.0.2:4000 > 203.0.113.9:80 tcp S seq 1");
            say(&rig, udp, len, 0x10000 + i * 4, 4000);
        }
        json = config(shards, true);
        rig_reload(&rig, json);
        free(json);
        rig_tick(&rig);
    }
    len = (uint32_t)packet_build(udp, 256,
                                 "10.0.0.2:4000 > 203.0.113.5:53 udp 'q'");
    for (uint32_t i = 0; i < flows; i++)
        say(&rig, udp, len, i * 4, (uint16_t)(4000 + i % 7));
    fprintf(stderr, "%u shards: %llu flows, %llu strays\n", shards,
            (unsigned long long)rig_stat(&rig, CT_STAT_created),
            (unsigned long long)rig_stat(&rig, CT_STAT_strays));
    rig_close(&rig);
    return 0;
}
