/* bench_frag.c - fragmented datagrams from many sources at once
 *
 * Whole journeys, without a device: 100 inside hosts each send UDP datagrams of
 * 4,000 bytes in three fragments, the fragments of all hosts interleaved and
 * every second datagram backwards; each is put together, translated and cut
 * again.  Virtual time goes at 10,000 datagrams a second; what a datagram costs
 * is measured in thread CPU time.
 *
 *     bench_frag [SECONDS]
 *
 * Exits with 1 when one datagram is lost, memory passes its bound, or the
 * machine could not do 10,000 a second. */
#include "rig.h"

#include "base/csum.h"

#include "bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SOURCES = 100, RATE = 10000, PIECES = 3, STEP = 1480, PAYLOAD = 4008 };

static const char json[] =
    "{\"interfaces\":{"
    "\"lan\":{\"tun\":\"l\",\"side\":\"inside\",\"address\":[\"10.0.1.1/24\"]},"
    "\"wan\":{\"tun\":\"w\",\"side\":\"outside\","
    "\"address\":[\"198.51.100.1/24\"]}},"
    "\"routes\":[{\"to\":\"default\",\"interface\":\"wan\"}],"
    "\"rules\":{\"postrouting\":[{\"out\":\"wan\",\"masquerade\":true}]}}";

static struct rig rig;
static uint64_t sent, sent_bytes;
static uint8_t room[SOURCES][CT_HEADROOM + 1600 + CT_HEADROOM];

static enum ct_reason tx(void *ctx, struct ct_pkt *pkt)
{
    (void)ctx;
    sent++;
    sent_bytes += pkt->len;
    return CT_REASON_NONE;
}

/* Piece k of host's datagram. */
static void build(struct ct_pkt *pkt, uint32_t host, uint16_t id, uint32_t k)
{
    uint8_t *p = room[host] + CT_HEADROOM;
    uint32_t at = k * STEP, len = PAYLOAD - at < STEP ? PAYLOAD - at : STEP;
    bool more = at + len < PAYLOAD;

    memset(p, 0, 28);
    p[0] = 0x45;
    bytes_put16(p + 2, (uint16_t)(20 + len));
    bytes_put16(p + 4, id);
    bytes_put16(p + 6, (uint16_t)(at / 8 | (more ? 0x2000u : 0)));
    p[8] = 64;
    p[9] = 17;
    bytes_put32(p + 12, 0x0a000102 + host);
    bytes_put32(p + 16, 0xc6336402);
    bytes_put16(p + 10, (uint16_t)~csum_fold(csum_add(0, p, 20)));
    if (k == 0) { /* without a checksum, which IPv4 allows */
        bytes_put16(p + 20, 4000);
        bytes_put16(p + 22, 53);
        bytes_put16(p + 24, PAYLOAD);
    }
    *pkt =
        (struct ct_pkt){.data = p, .len = 20 + len, .in = 0, .rule = CT_NONE};
}

static double cpu_s(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* One datagram of each host, fragment by fragment. */
static double round_of(uint32_t n, uint64_t *most)
{
    struct ct_pkt pkt[SOURCES], *pkts[SOURCES];
    double took = 0, begin;

    for (uint32_t k = 0; k < PIECES; k++) {
        for (uint32_t i = 0; i < SOURCES; i++) {
            build(&pkt[i], i, (uint16_t)n, (n + i) & 1 ? PIECES - 1 - k : k);
            pkts[i] = &pkt[i];
        }
        begin = cpu_s();
        journey_batch(rig.journey, pkts, SOURCES, rig.now);
        took += cpu_s() - begin;
        if (ct_stat(rig.ct, CT_STAT_frag_memory) > *most)
            *most = ct_stat(rig.ct, CT_STAT_frag_memory);
    }
    return took;
}

int main(int argc, char **argv)
{
    uint32_t seconds = argc > 1 ? (uint32_t)atoi(argv[1]) : 5;
    uint32_t rounds = seconds * (RATE / SOURCES);
    uint64_t want = (uint64_t)rounds * SOURCES, most = 0, whole, bound;
    const char *wrong;
    double took = 0;
    bool ok;

    rig_open(&rig, json, (ct_time){1000000}, &(struct rig_calls){.tx = tx});
    for (uint32_t n = 0; n < rounds; n++) {
        took += round_of(n, &most);
        rig.now.ms += 1000 * SOURCES / RATE;
        rig_tick(&rig);
    }
    whole = ct_stat(rig.ct, CT_STAT_forwarded);
    bound = (uint64_t)rig.config->core.params.v[CT_PARAM_frag_memory] << 10;
    wrong = rig_check(&rig);
    ok = wrong == NULL && whole == want && sent == want * PIECES &&
         sent_bytes == want * (PAYLOAD + PIECES * 20) && most <= bound &&
         took < seconds;
    printf("fragments: %llu datagrams of %d bytes in %d fragments from %d "
           "sources at %d a second: %llu lost\n",
           (unsigned long long)want, PAYLOAD - 8, PIECES, SOURCES, RATE,
           (unsigned long long)(want - whole));
    printf("fragments: %.2f us a datagram (%.0f a second of one core), memory "
           "at most %llu of %llu bytes, afterwards %llu\n",
           took / (double)want * 1e6, (double)want / took,
           (unsigned long long)most, (unsigned long long)bound,
           (unsigned long long)ct_stat(rig.ct, CT_STAT_frag_memory));
    if (wrong != NULL)
        printf("fragments: %s\n", wrong);
    rig_close(&rig);
    return ok ? 0 : 1;
}
