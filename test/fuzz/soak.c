/* soak.c - ten million generated packets through the whole journey
 *
 *     soak [--packets N] [--seed S] [--every N]
 *
 * Same seed, same packets.  Every packet that leaves is looked at, and after
 * each thousand (--every) the sums of the router are.  Under AddressSanitizer
 * the bytes around each packet are poisoned, so that one byte read too far ends
 * it; every sixteenth packet lies at the end of a heap block of its own.
 * Whatever goes wrong, seed and packet number are printed last. */
#include "gen.h"
#include "rig.h"

#include "core/core.h"

#include "bytes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define POISON(p, n)   __asan_poison_memory_region(p, n)
#define UNPOISON(p, n) __asan_unpoison_memory_region(p, n)
#else
#define POISON(p, n)   ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#endif

#define BATCH 32u
#define HELD  64u /* packets that wait for a program */
#define ROOM  (CT_HEADROOM + GEN_MAX + CT_HEADROOM)

struct slot {
    struct ct_pkt pkt;
    enum gen_sum sum; /* as it came */
    uint8_t *heap;    /* NULL: it lies in memory[] */
    bool ours;        /* as it was generated; else put together, or made */
};

struct soak {
    struct rig rig;
    struct gen gen;
    struct rng chance; /* what is not the packets' own */
    uint64_t seed, number, every;
    uint32_t behind; /* bytes of room behind each packet */
    int64_t events;  /* NEW less DESTROY */
    struct slot slot[BATCH];
    struct slot held[HELD], back; /* back: the one that is coming back */
    uint32_t n_held;
    uint64_t queued;
};

static uint8_t memory[BATCH][ROOM];
static uint8_t held_memory[HELD][ROOM];
static uint64_t held_cuts[HELD][CT_CUTS];
static struct soak soak;

/* ---- the routers that are asked ---- */

#define NETWORKS                                                               \
    "\"interfaces\":{\"lan\":{\"tun\":\"l\",\"side\":\"inside\",\"address\":"  \
    "[\"10.0.1.1/24\",\"fd00:1::1/64\"],\"mtu\":1500},\"wan\":{\"tun\":"       \
    "\"w\",\"side\":\"outside\",\"address\":[\"198.51.100.1/24\","             \
    "\"2001:db8::1/64\"],\"mtu\":1280}},"                                      \
    "\"routes\":[{\"to\":\"default\",\"interface\":\"wan\"}],"
#define FORWARD_ROWS                                                           \
    "\"prerouting\":[{\"in\":\"wan\",\"proto\":\"tcp\",\"dst\":"               \
    "\"198.51.100.1\",\"dport\":8080,\"dnat\":\"10.0.1.2:80\"},"               \
    "{\"proto\":\"udp\",\"dst\":\"198.51.100.1\",\"dport\":5353,"              \
    "\"dnat\":\"10.0.1.3:6000-6003\"}"
#define FORWARDS FORWARD_ROWS "]"

#define HELPERS                                                                \
    "{\"proto\":\"tcp\",\"dport\":21,\"helper\":\"ftp\"},"                     \
    "{\"proto\":\"udp\",\"dport\":69,\"helper\":\"tftp\"},"                    \
    "{\"proto\":\"tcp\",\"dport\":1723,\"helper\":\"pptp\"},"

static const struct {
    const char *json;
    uint64_t start_ms;
    bool helpers; /* packets may grow: there must be room behind them */
} routers[] = {
    {"{" NETWORKS "\"rules\":{" FORWARDS ",\"postrouting\":[{\"out\":\"wan\","
     "\"masquerade\":true}]},\"conntrack\":{\"max\":512,\"buckets\":512}}",
     1000, false},
    {"{" NETWORKS "\"rules\":{" FORWARDS ",\"postrouting\":[{\"out\":\"wan\","
     "\"proto\":[\"tcp\",\"udp\"],\"masquerade\":true,\"ports\":"
     "\"4000-4031\"},{\"out\":\"wan\",\"masquerade\":true}]},"
     "\"conntrack\":{\"max\":128,\"buckets\":64,\"on_full\":\"reject\",\"ip_"
     "id\":1}}",
     (1ull << 31) - 90000, false},
    {"{" NETWORKS "\"rules\":{" FORWARDS ",\"forward\":[{\"ct_state\":"
     "[\"invalid\"],\"verdict\":\"drop\"},{\"dport\":443,\"proto\":\"tcp\","
     "\"out\":\"wan\",\"verdict\":\"reject\"}],\"postrouting\":[{\"out\":"
     "\"wan\",\"masquerade\":true}]},\"nat\":{\"hairpin\":true},"
     "\"conntrack\":{\"max\":96,\"buckets\":512,\"on_full\":\"untracked\"}}",
     (1ull << 32) - 90000, false},
    {"{" NETWORKS "\"queues\":{\"list\":[{\"number\":0}]},"
     "\"rules\":{" FORWARDS ",\"input\":[{\"proto\":\"icmp\",\"verdict\":"
     "\"queue 0\"}],\"output\":[{\"proto\":\"icmp\",\"verdict\":\"queue 0\"}],"
     "\"forward\":[{\"proto\":[\"udp\",\"icmp\",\"icmpv6\"],\"verdict\":"
     "\"queue 0\"}],\"postrouting\":[{\"proto\":\"tcp\",\"mark\":5,"
     "\"verdict\":\"queue 0\"},{\"out\":\"wan\",\"masquerade\":true}]},"
     "\"conntrack\":{\"max\":256,\"buckets\":256}}",
     77000, false},
    {"{" NETWORKS "\"rules\":{" FORWARDS ",\"postrouting\":[{\"out\":\"wan\","
     "\"masquerade\":true}]},\"policy\":{\"input\":\"drop\"},"
     "\"conntrack\":{\"max\":4096,\"buckets\":1024,\"timeouts\":{\"udp\":2,"
     "\"tcp_syn_sent\":1,\"generic\":5}}}",
     5, false},
    {"{" NETWORKS "\"rules\":{\"prerouting\":[" HELPERS
     "{\"in\":\"wan\",\"proto\":\"tcp\",\"dst\":\"198.51.100.1\",\"dport\":"
     "[21,1723],\"dnat\":\"10.0.1.2\"}],\"postrouting\":[{\"out\":\"wan\","
     "\"masquerade\":true}]},\"conntrack\":{\"max\":2048,\"buckets\":512,"
     "\"extensions\":300,\"expect_max\":40,\"timeouts\":{\"tcp_established\":"
     "20,"
     "\"tcp_syn_sent\":3,\"udp\":9,\"tcp_unacknowledged\":20}}}",
     77, true},
    {"{" NETWORKS "\"rules\":{" FORWARD_ROWS
     ",{\"in\":\"lan\",\"proto\":\"udp\","
     "\"set_zone_orig\":1},{\"in\":\"lan\",\"proto\":\"icmp\","
     "\"set_zone\":2},{\"proto\":\"tcp\",\"dport\":80,\"set_zone_reply\":3},"
     "{\"in\":\"lan\",\"zone\":\"!2\",\"set_label\":[1,100]}],"
     "\"forward\":[{\"proto\":\"tcp\",\"not_label\":1,\"set_label\":2},"
     "{\"label\":2,\"dport\":443,\"proto\":\"tcp\",\"counter\":true}],"
     "\"postrouting\":[{\"out\":\"wan\",\"masquerade\":true}]},"
     "\"conntrack\":{\"max\":512,\"buckets\":512,\"extensions\":64}}",
     9000, false},
    /* what rules limit, count and give, and a share for each source */
    {"{" NETWORKS "\"rules\":{" FORWARD_ROWS
     ",{\"in\":\"lan\",\"set_ttl\":\"+1\"},{\"in\":\"lan\",\"proto\":"
     "\"tcp\",\"timeouts\":{\"tcp_syn_sent\":2,\"tcp_established\":30}}],"
     "\"forward\":[{\"mss\":\"pmtu\"},{\"set_dscp\":\"ef\",\"proto\":"
     "\"udp\"},{\"proto\":[\"udp\",\"icmp\"],\"timeouts\":{\"udp\":3,"
     "\"udp_stream\":700,\"icmp\":1}},{\"proto\":\"tcp\",\"connlimit\":"
     "\"over 20/24/64\",\"log\":true,\"counter\":true},{\"limit\":"
     "\"over 1000/second\",\"counter\":true}],"
     "\"postrouting\":[{\"out\":\"wan\",\"masquerade\":true}]},"
     "\"conntrack\":{\"max\":512,\"buckets\":512,\"extensions\":200,"
     "\"source_share\":8,\"port_quarantine\":5}}",
     12345, false},
};
#define N_ROUTERS (sizeof routers / sizeof *routers)

/* ---- failing ---- */

static void tell_where(void)
{
    fprintf(stderr,
            "soak: at packet %" PRIu64 " of seed %" PRIu64
            "; again: soak --seed %" PRIu64 "\n",
            soak.number, soak.seed, soak.seed);
}

static _Noreturn void fail(const char *what, const struct ct_pkt *pkt)
{
    fprintf(stderr, "soak: %s\n", what);
    if (pkt) {
        fprintf(
            stderr, "in %u out %u info %u dir %u partial %d gso %u:", pkt->in,
            pkt->out, pkt->info, pkt->dir, pkt->csum_partial, pkt->gso_size);
        for (uint32_t i = 0; i < pkt->len && i < 128; i++)
            fprintf(stderr, "%s%02x", i % 4 ? "" : " ", pkt->data[i]);
        fprintf(stderr, "\n");
    }
    tell_where();
    abort();
}

/* ---- what leaves ---- */

static uint32_t ip_len(const uint8_t *p, uint32_t len)
{
    uint32_t n = len;

    if (len >= 20 && p[0] >> 4 == 4)
        n = bytes_get16(p + 2);
    else if (len >= 40 && p[0] >> 4 == 6)
        n = 40 + bytes_get16(p + 4);
    return n < len ? n : len;
}

/* A partial field is right when it holds the pseudo header's sum. */
static enum gen_sum sum_of(const uint8_t *p, uint32_t len, bool partial)
{
    len = ip_len(p, len);
    if (len < 20)
        return GEN_SUM_NONE;
    return partial ? gen_partial_sum(p, len) : gen_l4_sum(p, len);
}

static bool from_inside(const struct ct_pkt *pkt)
{
    static const uint8_t v4[3] = {10, 0, 1}, v6[8] = {0xfd, 0, 0, 1};

    return pkt->data[0] >> 4 == 4 ? memcmp(pkt->data + 12, v4, 3) == 0
                                  : memcmp(pkt->data + 8, v6, 8) == 0;
}

/* The router answers a forged source with its own address of the interface it
 * came by, wherever that source's way leads. */
static bool made_here(const struct ct_pkt *pkt)
{
    const uint8_t *src = pkt->data + (pkt->data[0] >> 4 == 4 ? 12 : 8);

    if (pkt->kind == CT_KIND_NONE)
        return false;
    return pkt->data[0] >> 4 == 4 ? src[3] == 1 : src[14] == 0 && src[15] == 1;
}

/* An ICMP message of zeros only, as an echo reply whose id became 0: there the
 * incremental sum (RFC 1624 eqn 3) ends at the other zero. */
static bool all_zero(const struct ct_pkt *pkt)
{
    for (uint32_t i = pkt->l4_off; i < pkt->len; i++)
        if (pkt->data[i])
            return false;
    return true;
}

/* The answer of a flow that no rule was meant to hide: a stranger's packet
 * straight to an inside address, a forged source within the inside.  Profile
 * linux lets them, as the kernel does. */
static bool may_show(const struct ct_pkt *pkt)
{
    const struct ct_conn *c = pkt->conn;

    if (pkt->notrack || made_here(pkt))
        return true;
    return c && pkt->dir == CT_DIR_REPLY && (c->status & CT_DST_NAT) == 0;
}

static void check_bytes(const struct ct_pkt *pkt)
{
    const uint8_t *p = pkt->data;

    if (pkt->len < 20 || (p[0] >> 4 == 6 && pkt->len < 40))
        fail("left shorter than its header", pkt);
    if (p[0] >> 4 != 4 && p[0] >> 4 != 6)
        fail("left with another version", pkt);
    if (p[0] >> 4 == 4 && ((p[0] & 15) < 5 || (p[0] & 15u) * 4 > pkt->len))
        fail("left with a bad header length", pkt);
    if (pkt->len !=
        (p[0] >> 4 == 4 ? bytes_get16(p + 2) : 40u + bytes_get16(p + 4)))
        fail("left with another length than its own", pkt);
    if (p[0] >> 4 == 4 && !gen_ip_sum_ok(p))
        fail("left with a wrong header checksum", pkt);
    if (pkt->gso_size == 0 && pkt->len > (pkt->out == GEN_WAN ? 1280u : 1500u))
        fail("left larger than the link", pkt);
}

/* Is it one of our slots, and does it hold what was generated? */
static bool is_ours(const struct slot *s)
{
    return ((s >= soak.slot && s < soak.slot + BATCH) || s == &soak.back) &&
           s->ours;
}

static enum ct_reason tx(void *ctx, struct ct_pkt *pkt)
{
    const struct slot *s = (const struct slot *)(const void *)pkt;
    enum gen_sum is = sum_of(pkt->data, pkt->len, pkt->csum_partial);

    (void)ctx;
    check_bytes(pkt);
    if (is_ours(s)) {
        /* pieces of a cut packet have no sum of their own */
        bool known = is != GEN_SUM_NONE && s->sum != GEN_SUM_NONE;
        bool repaired = is == GEN_SUM_RIGHT && pkt->kind == CT_KIND_ECHO;

        /* an echo reply is the router's own: its sum may be a new one */
        if (is != s->sum && known && !repaired && !all_zero(pkt))
            fail(is == GEN_SUM_WRONG ? "a right checksum left wrong"
                                     : "a wrong checksum left right",
                 pkt);
    } else if (is == GEN_SUM_WRONG && pkt->frag_max == 0) {
        /* what was put together has its sender's sum */
        fail("made with a wrong checksum", pkt);
    }
    if (pkt->out == GEN_WAN && from_inside(pkt) && !may_show(pkt))
        fail("left with an inside address", pkt);
    gen_saw(&soak.gen, pkt);
    if (hash_rng_below(&soak.chance, 4000) == 0)
        return hash_rng_below(&soak.chance, 2) ? CT_REASON_TX_ERROR
                                               : CT_REASON_TX_LINK_DOWN;
    return CT_REASON_NONE;
}

static void event(void *ctx, const struct ct_event *ev)
{
    (void)ctx;
    if (ev->mask & (CT_EVENT_NEW | CT_EVENT_RELATED))
        soak.events++;
    if (ev->mask & CT_EVENT_DESTROY)
        soak.events--;
    if (soak.events < 0)
        fail("more flows destroyed than made", NULL);
}

/* In place of a program: holds packets until HELD of them wait. */
static enum ct_verdict queue(void *ctx, struct ct_pkt *pkt)
{
    const struct slot *from = (const struct slot *)(const void *)pkt;
    struct slot *s = &soak.held[soak.n_held];
    bool ours = is_ours(from);

    (void)ctx;
    if (soak.n_held == HELD || pkt->len > GEN_MAX)
        return hash_rng_below(&soak.chance, 2) ? CT_ACCEPT : CT_DROP;
    *s = (struct slot){.pkt = *pkt};
    s->ours = ours;
    s->sum = ours ? from->sum : GEN_SUM_NONE;
    s->pkt.data = held_memory[soak.n_held] + CT_HEADROOM;
    memcpy(s->pkt.data, pkt->data, pkt->len);
    if (pkt->cuts) {
        memcpy(held_cuts[soak.n_held], pkt->cuts, sizeof held_cuts[0]);
        s->pkt.cuts = held_cuts[soak.n_held];
    }
    soak.n_held++;
    soak.queued++;
    return CT_QUEUE;
}

static const struct rig_calls calls = {
    .tx = tx, .event = event, .queue = queue};

/* ---- tuples: no two flows share one ---- */

#define SEATS 16384u
static struct {
    struct ct_tuple tuple;
    uint32_t slot, round;
} seats[SEATS];

static void seat(const struct ct_tuple *t, uint32_t slot, uint32_t round)
{
    const uint8_t *b = (const uint8_t *)t;
    uint32_t h = 2166136261u;

    for (unsigned i = 0; i < sizeof *t; i++)
        h = (h ^ b[i]) * 16777619u;
    for (h %= SEATS; seats[h].round == round; h = (h + 1) % SEATS)
        if (seats[h].slot != slot && memcmp(&seats[h].tuple, t, sizeof *t) == 0)
            fail("two flows share a tuple", NULL);
    seats[h].tuple = *t;
    seats[h].slot = slot;
    seats[h].round = round;
}

/* Any of them comes back, with any verdict, until only so many are left.  The
 * last one takes its place: where it lies must not move while it walks. */
static void give_back(uint32_t left)
{
    static const enum ct_verdict verdicts[] = {CT_ACCEPT, CT_ACCEPT, CT_DROP,
                                               CT_REPEAT, CT_STOP};

    while (soak.n_held > left) {
        static uint8_t bytes[ROOM];
        static uint64_t cuts[CT_CUTS];
        uint32_t i = hash_rng_below(&soak.chance, soak.n_held), last;

        soak.back = soak.held[i];
        memcpy(bytes, held_memory[i], ROOM);
        memcpy(cuts, held_cuts[i], sizeof cuts);
        last = --soak.n_held;
        soak.held[i] = soak.held[last];
        memcpy(held_memory[i], held_memory[last], ROOM);
        memcpy(held_cuts[i], held_cuts[last], sizeof cuts);
        soak.held[i].pkt.data = held_memory[i] + CT_HEADROOM;
        if (soak.held[i].pkt.cuts)
            soak.held[i].pkt.cuts = held_cuts[i];
        soak.back.pkt.data = bytes + CT_HEADROOM;
        if (soak.back.pkt.cuts)
            soak.back.pkt.cuts = cuts;
        if (hash_rng_below(&soak.chance, 8) == 0)
            ct_set_mark(&soak.back.pkt, hash_rng_below(&soak.chance, 8));
        journey_resume(soak.rig.journey, &soak.back.pkt,
                       verdicts[hash_rng_below(&soak.chance, 5)], soak.rig.now);
    }
}

static void check_router(void)
{
    static uint32_t round;
    uint32_t from = 0;
    const char *wrong;
    struct ct_view v;

    rig_tick(&soak.rig);
    give_back(0);
    if ((wrong = rig_check(&soak.rig)) || (wrong = rig_check_shards(&soak.rig)))
        fail(wrong, NULL);
    if ((uint64_t)soak.events != ct_stat(soak.rig.ct, CT_STAT_entries))
        fail("events and entries disagree", NULL);
    round++;
    /* Rules that did not change forbid nothing they let be; a hairpin follows
     * mappings besides, which come and go. */
    if (round % 8 == 0 && !soak.rig.config->core.hairpin &&
        !ct_revalidate_some(soak.rig.ct, &from, UINT32_MAX))
        fail("a revalidation that has no end", NULL);
    if (ct_stat(soak.rig.ct, CT_STAT_revoked) != 0)
        fail("a flow is forbidden by the rules that let it be", NULL);
    for (uint32_t i = 0; i < ct_slots(soak.rig.ct); i++)
        if (ct_read(soak.rig.ct, i, soak.rig.now, &v))
            for (unsigned d = 0; d < CT_N_DIRS; d++)
                seat(&v.tuple[d], i, round);
}

/* ---- what enters ---- */

/* Lay p into slot i.  Its end falls on every residue, so poison is exact. */
static void place(unsigned i, const struct gen_packet *p)
{
    struct slot *s = &soak.slot[i];
    uint8_t *data = memory[i] + CT_HEADROOM;

    s->heap = NULL;
    if (hash_rng_below(&soak.chance, 16) == 0) {
        s->heap = malloc(CT_HEADROOM + p->len + soak.behind);
        if (!s->heap)
            fail("out of memory", NULL);
        data = s->heap + CT_HEADROOM;
    } else {
        UNPOISON(memory[i], ROOM);
    }
    memcpy(data, p->data, p->len);
    memset(data + p->len, '1', soak.behind); /* must not be read */
    if (!s->heap)
        POISON(data + p->len + soak.behind,
               (size_t)(memory[i] + ROOM - (data + p->len)) - soak.behind);
    POISON(data - CT_HEADROOM, CT_HEADROOM);
    memset(&s->pkt, 0, sizeof s->pkt);
    s->pkt.data = data;
    s->pkt.len = p->len;
    s->pkt.in = p->in;
    s->pkt.gso_size = p->gso_size;
    s->pkt.csum_partial = p->partial;
    s->pkt.csum_ok = p->ok;
    s->sum = sum_of(data, p->len, p->partial);
    s->ours = true;
}

static void take_back(unsigned i)
{
    if (soak.slot[i].heap) {
        UNPOISON(soak.slot[i].heap, CT_HEADROOM);
        free(soak.slot[i].heap);
        soak.slot[i].heap = NULL;
    }
}

static void pass_time(void)
{
    uint32_t n = hash_rng_below(&soak.chance, 100000);
    uint64_t ms = hash_rng_below(&soak.chance, 4);

    if (n < 1)
        ms = (uint64_t)hash_rng_below(&soak.chance, 300000000);
    else if (n < 30)
        ms = hash_rng_below(&soak.chance, 600000);
    else if (n < 1000)
        ms = hash_rng_below(&soak.chance, 5000);
    soak.rig.now = ct_time_add_ms(soak.rig.now, ms);
    ct_tick(soak.rig.ct, soak.rig.now, 64);
    journey_tick(soak.rig.journey, soak.rig.now);
}

static unsigned run_batch(uint64_t left)
{
    static struct gen_packet p;
    struct ct_pkt *pkts[BATCH];
    unsigned n = 1 + hash_rng_below(&soak.chance, BATCH);

    if (n > left)
        n = (unsigned)left;
    pass_time();
    for (unsigned i = 0; i < n; i++) {
        gen_next(&soak.gen, &p);
        place(i, &p);
        pkts[i] = &soak.slot[i].pkt;
    }
    journey_batch(soak.rig.journey, pkts, n, soak.rig.now);
    for (unsigned i = 0; i < n; i++)
        take_back(i);
    if (soak.n_held > 0)
        give_back(hash_rng_below(&soak.chance, HELD));
    return n;
}

static void run_router(unsigned r, uint64_t packets)
{
    uint64_t end = soak.number + packets, next = soak.number;

    rig_open(&soak.rig, routers[r].json, (ct_time){routers[r].start_ms},
             &calls);
    soak.events = 0;
    soak.behind = routers[r].helpers ? CT_HEADROOM : 0;
    while (soak.number < end) {
        soak.number += run_batch(end - soak.number);
        if (soak.number >= next) {
            check_router();
            next = soak.number + soak.every;
        }
    }
    check_router();
    printf("router %u: %" PRIu64 " in, %" PRIu64 " forwarded, %" PRIu64
           " local, %" PRIu64 " dropped; %" PRIu64 " flows, %" PRIu64
           " early drops, %" PRIu64 " refused for want of an entry, %" PRIu64
           " of a share\n",
           r, ct_stat(soak.rig.ct, CT_STAT_pkts_in),
           ct_stat(soak.rig.ct, CT_STAT_forwarded),
           ct_stat(soak.rig.ct, CT_STAT_local), rig_drops(&soak.rig),
           ct_stat(soak.rig.ct, CT_STAT_created),
           ct_stat(soak.rig.ct, CT_STAT_early_drop),
           ct_stat(soak.rig.ct, CT_STAT_table_full),
           ct_stat(soak.rig.ct, CT_STAT_source_share));
    if (routers[r].helpers)
        printf("          %" PRIu64 " expectations, %" PRIu64 " came; %" PRIu64
               " lines in part, %" PRIu64 " without a record\n",
               ct_stat(soak.rig.ct, CT_STAT_expect_create),
               ct_stat(soak.rig.ct, CT_STAT_expect_new),
               ct_drops(soak.rig.ct, CT_REASON_HELPER_PARTIAL),
               ct_stat(soak.rig.ct, CT_STAT_ext_full));
    ct_flush(soak.rig.ct);
    check_router();
    if (ct_stat(soak.rig.ct, CT_STAT_entries) != 0 ||
        ct_stat(soak.rig.ct, CT_STAT_mappings) != 0 ||
        ct_stat(soak.rig.ct, CT_STAT_extensions) != 0 ||
        ct_stat(soak.rig.ct, CT_STAT_expectations) != 0 ||
        soak.rig.ct->expiry.own.n != 0 ||
        soak.rig.ct->share.tally.counters.used != 0 ||
        (soak.rig.ct->connlimit &&
         soak.rig.ct->connlimit->tally.counters.used != 0))
        fail("something is left behind a flush", NULL);
    rig_close(&soak.rig);
}

int main(int argc, char **argv)
{
    uint64_t packets = 10000000;

    soak.seed = 1;
    soak.every = 1000;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--packets") == 0)
            packets = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0)
            soak.seed = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--every") == 0)
            soak.every = strtoull(argv[i + 1], NULL, 10);
    }
    if (argc % 2 == 0 || packets < N_ROUTERS) {
        fprintf(stderr, "usage: soak [--packets N] [--seed S] [--every N]\n");
        return 2;
    }
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_set_death_callback(tell_where);
#endif
    printf("soak: %" PRIu64 " packets, seed %" PRIu64 "\n", packets, soak.seed);
    fflush(stdout);
    gen_init(&soak.gen, soak.seed);
    soak.chance.state = ~soak.seed;
    for (unsigned r = 0; r < N_ROUTERS; r++)
        run_router(r, packets * (r + 1) / N_ROUTERS - packets * r / N_ROUTERS);
    if (soak.queued == 0)
        fail("no packet was ever held for a program", NULL);
    printf("soak: %" PRIu64 " packets were held; all well\n", soak.queued);
    return 0;
}
