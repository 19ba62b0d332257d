/* bench_core.c - what the core alone costs
 *
 * No device, no loop: packets are made in memory and walked through the hooks
 * as the journey does.  Each figure is the median of 15 runs in thread CPU
 * time, so that a busy machine does not count.  The floor beside it is the
 * least that anybody could do with the same bytes: copy the header and sum it.
 *
 *     bench_core [-o json] [--check] [--quick] [--walk PACKETS]
 *
 * --walk only walks that many packets of an established flow, for a tool that
 * counts instructions (test/bench/instructions).
 * --check exits with 1 when a gate is missed: 60 ns a packet of an established
 * TCP flow with NAT, 320 bytes a flow.
 *
 * That tool builds this file with older states of the core, too: so it uses
 * nothing of theirs but ctcore/ct.h, and writes numbers and sums itself. */
#include <ctcore/ct.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RUNS       15
#define BATCH      64u
#define ROUND      1024u /* packets between two looks at the clock */
#define MAX        262144u
#define GATE_NS    60.0
#define GATE_BYTES 320.0

enum { LAN, WAN };

struct bench {
    struct ct *ct;
    void *block;
    struct ct_ruleset rules;
    struct ct_rule masquerade;
    struct ct_rule_count count;
    struct ct_ifaces ifaces;
    uint64_t now_ms;
};

/* One packet's memory: headroom, bytes, headroom. */
struct buffer {
    uint8_t room[CT_HEADROOM];
    uint8_t data[1536];
    uint8_t tail[CT_HEADROOM];
    struct ct_pkt pkt;
};

static struct buffer buffers[BATCH];
static volatile uint32_t sink;

static double cpu_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static double median(double *v, unsigned n)
{
    qsort(v, n, sizeof *v, compare);
    return v[n / 2];
}

static void die(const char *what)
{
    fprintf(stderr, "bench_core: %s\n", what);
    exit(2);
}

/* ---- the router's configuration, as plain data ---- */

static void set_rules(struct bench *b)
{
    struct ct_rule *r = &b->masquerade;

    r->hook = CT_POSTROUTING;
    r->stage = CT_STAGE_NAT;
    r->action = CT_ACT_MASQUERADE;
#ifdef CT_MATCH_KINDS
    r->match.out.of = 1u << WAN;
#else /* of the older state that test/bench/instructions measures against */
    r->match.in = CT_NO_IFACE;
    r->match.out = WAN;
    r->match.icmp_type = -1;
#endif
    snprintf(r->id, sizeof r->id, "masquerade");
    b->rules.rules = r;
    b->rules.n = 1;
    for (unsigned h = 0; h < CT_N_HOOKS; h++) {
        for (unsigned s = 0; s <= CT_N_STAGES; s++)
            b->rules.start[h][s] =
                h > CT_POSTROUTING || (h == CT_POSTROUTING && s > CT_STAGE_NAT);
        b->rules.policy[h] = CT_ACCEPT;
    }
    ct_set_rules(b->ct, &b->rules, &b->count);
}

static void set_ifaces(struct bench *b)
{
    static const uint8_t addrs[2][4] = {{10, 0, 0, 1}, {198, 51, 100, 1}};

    b->ifaces.n = 2;
    for (unsigned i = 0; i < 2; i++) {
        struct ct_iface *f = &b->ifaces.iface[i];

        f->inside = i == LAN;
        f->n_addrs = 1;
        f->family[0] = CT_IPV4;
        memcpy(f->addr[0].b, addrs[i], 4);
    }
    ct_set_ifaces(b->ct, &b->ifaces);
}

static struct ct_config config_of(uint32_t max)
{
    struct ct_config config = {
        .max = max,
        .buckets = max,
        .n_shards = 1,
        .profile = CT_PROFILE_LINUX,
        .acct = true,
        .timestamp = true,
        .key = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3},
        .seed = 1,
    };

    ct_params_default(&config.params, config.profile);
    return config;
}

static void open_bench(struct bench *b, uint32_t max)
{
    struct ct_config config = config_of(max);
    size_t size = ct_size(&config);

    memset(b, 0, sizeof *b);
    b->now_ms = 1000;
    b->block = aligned_alloc(64, (size + 63) / 64 * 64);
    if (!b->block)
        die("out of memory");
    b->ct = ct_init(b->block, &config, (ct_time){b->now_ms});
    if (!b->ct)
        die("ct_init refused the configuration");
    set_ifaces(b);
    set_rules(b);
    ct_begin(b->ct, (ct_time){b->now_ms});
}

static void close_bench(struct bench *b)
{
    free(b->block);
}

/* ---- packets ---- */

struct segment {
    uint8_t src[4], dst[4];
    uint16_t sport, dport;
    uint32_t seq, ack;
    uint8_t flags, proto;
    uint32_t len; /* of the payload */
};

static void put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v);
}

/* The Internet checksum's sum of words as they lie; n is a multiple of 4. */
static uint16_t sum_words(uint32_t from, const uint8_t *p, uint32_t n)
{
    uint64_t sum = from;
    uint32_t word;

    for (uint32_t i = 0; i < n; i += 4) {
        memcpy(&word, p + i, sizeof word);
        sum += word;
    }
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

static void put_sum(uint8_t *field, uint16_t sum)
{
    memcpy(field, &sum, sizeof sum);
}

/* Headers of s at p, the payload is zeros; the transport checksum is the pseudo
 * header's sum only, as a TUN device with offloads hands it over, unless full
 * is asked for. */
static uint32_t build(uint8_t *p, const struct segment *s, bool full)
{
    uint32_t l4 = s->proto == 6 ? 20 : 8, total = 20 + l4 + s->len;
    uint32_t at = s->proto == 6 ? 36 : 26;
    uint8_t pseudo[4] = {0, s->proto};
    uint16_t sum;

    memset(p, 0, 20 + l4);
    p[0] = 0x45;
    put16(p + 2, (uint16_t)total);
    p[6] = 0x40;
    p[8] = 64;
    p[9] = s->proto;
    memcpy(p + 12, s->src, 4);
    memcpy(p + 16, s->dst, 4);
    put_sum(p + 10, (uint16_t)~sum_words(0, p, 20));
    put16(p + 20, s->sport);
    put16(p + 22, s->dport);
    if (s->proto == 6) {
        put32(p + 24, s->seq);
        put32(p + 28, s->ack);
        p[32] = 0x50;
        p[33] = s->flags;
        put16(p + 34, 0xffff);
    } else {
        put16(p + 24, (uint16_t)(l4 + s->len));
    }
    put16(pseudo + 2, l4 + s->len);
    sum = sum_words(sum_words(0, p + 12, 8), pseudo, sizeof pseudo);
    put_sum(p + at, full ? (uint16_t)~sum_words(sum, p + 20, l4) : sum);
    return total;
}

static void load(struct buffer *buf, uint32_t len, uint8_t in, bool partial)
{
    memset(&buf->pkt, 0, sizeof buf->pkt);
    buf->pkt.data = buf->data;
    buf->pkt.len = len;
    buf->pkt.in = in;
    buf->pkt.csum_partial = partial;
}

/* The walk of one packet; what journey does without sending. */
static bool walk(struct bench *b, struct ct_pkt *pkt)
{
    bool ok = ct_hook(b->ct, CT_PREROUTING, pkt) == CT_ACCEPT;

    if (ok) {
        pkt->out = pkt->in == LAN ? WAN : LAN;
        ok = ct_hook(b->ct, CT_FORWARD, pkt) == CT_ACCEPT &&
             ct_hook(b->ct, CT_POSTROUTING, pkt) == CT_ACCEPT;
    }
    ct_done(b->ct, pkt);
    return ok;
}

static bool send_one(struct bench *b, const struct segment *s, uint8_t in)
{
    struct buffer *buf = &buffers[0];

    load(buf, build(buf->data, s, false), in, true);
    if (ct_parse(b->ct, &buf->pkt) != CT_REASON_NONE)
        return false;
    return walk(b, &buf->pkt);
}

/* ---- one established TCP flow ---- */

static const uint8_t client[4] = {10, 0, 0, 2}, server[4] = {198, 51, 100, 2},
                     outside[4] = {198, 51, 100, 1};

static struct segment segment_of(bool up, uint8_t flags, uint32_t seq,
                                 uint32_t ack, uint32_t len)
{
    struct segment s = {.sport = up ? 40000 : 80,
                        .dport = up ? 80 : 40000,
                        .seq = seq,
                        .ack = ack,
                        .flags = flags,
                        .proto = 6,
                        .len = len};

    memcpy(s.src, up ? client : server, 4);
    memcpy(s.dst, up ? server : outside, 4);
    return s;
}

static void handshake(struct bench *b)
{
    struct segment syn = segment_of(true, CT_TCP_SYN, 999, 0, 0);
    struct segment both =
        segment_of(false, CT_TCP_SYN | CT_TCP_ACK, 4999, 1000, 0);
    struct segment ack = segment_of(true, CT_TCP_ACK, 1000, 5000, 0);

    if (!send_one(b, &syn, LAN) || !send_one(b, &both, WAN) ||
        !send_one(b, &ack, LAN))
        die("the handshake did not pass");
}

/* One batch of established(). */
static void walk_flow(struct bench *b, uint8_t (*heads)[40], unsigned at,
                      uint32_t payload, bool full)
{
    ct_begin(b->ct, (ct_time){b->now_ms});
    for (unsigned i = 0; i < BATCH; i++) {
        bool up = (at + i) % 3 != 2;
        struct buffer *buf = &buffers[i];

        load(buf, 40 + (up ? payload : 0), up ? LAN : WAN, !full);
        memcpy(buf->data, heads[i], 40);
        if (ct_parse(b->ct, &buf->pkt) != CT_REASON_NONE)
            die("a packet of the flow was not parsed");
        ct_prefetch(b->ct, &buf->pkt);
    }
    for (unsigned i = 0; i < BATCH; i++)
        if (!walk(b, &buffers[i].pkt) || buffers[i].pkt.info != CT_ESTABLISHED)
            die("a packet of the flow was not established");
}

/* Two data segments up, one acknowledgement down, for packets packets.
 * payload: of the data; full: real checksums, checked by the core.  Whole
 * rounds are timed, since reading the clock costs as much as some packets; the
 * header is written again within that time, as a read would write it. */
static double established(struct bench *b, uint32_t packets, uint32_t payload,
                          bool full, uint32_t *seq)
{
    static uint8_t heads[ROUND][40];
    double spent = 0;

    for (uint32_t done = 0; done < packets; done += ROUND) {
        double begin;

        for (unsigned i = 0; i < ROUND; i++) {
            bool up = i % 3 != 2;
            struct segment s = segment_of(up, CT_TCP_ACK, up ? *seq : 5000,
                                          up ? 5000 : *seq, up ? payload : 0);

            build(heads[i], &s, full);
            if (up)
                *seq += payload;
        }
        begin = cpu_ns();
        for (unsigned at = 0; at < ROUND; at += BATCH)
            walk_flow(b, heads + at, at, payload, full);
        spent += cpu_ns() - begin;
    }
    return spent / packets;
}

/* Copy and sum what the core reads and writes of the same packets. */
static double least(uint32_t packets, uint32_t bytes)
{
    static uint8_t from[1536];
    double begin = cpu_ns();

    for (uint32_t i = 0; i < packets; i++) {
        uint8_t *to = buffers[i % BATCH].data;

        from[4] = (uint8_t)i;
        memcpy(to, from, bytes);
        sink += sum_words(0, to, bytes);
    }
    return (cpu_ns() - begin) / packets;
}

/* ---- many flows ---- */

static struct segment datagram_of(uint32_t flow)
{
    struct segment s = {.sport = (uint16_t)(1024 + flow % 60000),
                        .dport = 53,
                        .proto = 17,
                        .len = 18};

    s.src[0] = 10;
    s.src[2] = (uint8_t)(flow / 60000 / 200);
    s.src[3] = (uint8_t)(2 + flow / 60000 % 200);
    /* towards many servers, so that ports need not be shared thinly */
    s.dst[0] = 198;
    s.dst[1] = 18;
    s.dst[2] = (uint8_t)(flow % 251);
    s.dst[3] = (uint8_t)(1 + flow % 241);
    return s;
}

/* A round of datagrams, walked; n is BATCH at least.  Answers ns. */
static double walk_datagrams(struct bench *b, const uint32_t *flows, unsigned n)
{
    static uint8_t heads[ROUND][40];
    double begin;

    for (unsigned i = 0; i < n; i++) {
        struct segment s = datagram_of(flows[i]);

        build(heads[i], &s, false);
    }
    begin = cpu_ns();
    for (unsigned at = 0; at < n; at += BATCH) {
        ct_begin(b->ct, (ct_time){b->now_ms});
        for (unsigned i = 0; i < BATCH; i++) {
            load(&buffers[i], 46, LAN, true);
            memcpy(buffers[i].data, heads[at + i], 28);
            ct_parse(b->ct, &buffers[i].pkt);
            ct_prefetch(b->ct, &buffers[i].pkt);
        }
        for (unsigned i = 0; i < BATCH; i++)
            if (!walk(b, &buffers[i].pkt))
                die("a flow was refused");
    }
    return cpu_ns() - begin;
}

/* Open flows from..to; answers ns each. */
static double open_flows(struct bench *b, uint32_t from, uint32_t to)
{
    uint32_t flows[ROUND];
    double spent = 0;

    for (uint32_t f = from; f < to; f += ROUND) {
        for (unsigned i = 0; i < ROUND; i++)
            flows[i] = f + i;
        spent += walk_datagrams(b, flows, ROUND);
    }
    return spent / (to - from);
}

/* Packets of flows that exist, in no order a cache would like. */
static double look_up(struct bench *b, uint32_t packets, uint32_t n,
                      uint64_t *chance)
{
    uint32_t flows[ROUND];
    double spent = 0;

    for (uint32_t done = 0; done < packets; done += ROUND) {
        for (unsigned i = 0; i < ROUND; i++) {
            *chance = *chance * 6364136223846793005u + 1442695040888963407u;
            flows[i] = (uint32_t)((*chance >> 33) % n);
        }
        spent += walk_datagrams(b, flows, ROUND);
    }
    return spent / packets;
}

/* ---- report ---- */

struct figures {
    double established, checked_small, checked_full, least_small, least_full;
    double open, look_up, bytes;
};

static void measure_flow(struct figures *f, uint32_t packets)
{
    double v[5][RUNS];
    struct bench b;
    uint32_t seq = 1000;

    open_bench(&b, 1024);
    handshake(&b);
    established(&b, packets / 4, 0, false, &seq); /* warm */
    for (unsigned r = 0; r < RUNS; r++) {
        v[0][r] = established(&b, packets, 1448, false, &seq);
        v[1][r] = established(&b, packets / 4, 24, true, &seq);
        v[2][r] = established(&b, packets / 4, 1448, true, &seq);
        v[3][r] = least(packets, 40);
        v[4][r] = least(packets / 4, 1488);
    }
    f->established = median(v[0], RUNS);
    f->checked_small = median(v[1], RUNS);
    f->checked_full = median(v[2], RUNS);
    f->least_small = median(v[3], RUNS);
    f->least_full = median(v[4], RUNS);
    close_bench(&b);
}

static void measure_table(struct figures *f, uint32_t packets)
{
    double opened[RUNS], looked[RUNS];
    uint64_t chance = 42;
    struct bench b;
    uint32_t step = MAX / RUNS / ROUND * ROUND;

    open_bench(&b, MAX);
    for (unsigned r = 0; r < RUNS; r++)
        opened[r] = open_flows(&b, r * step, (r + 1) * step);
    for (unsigned r = 0; r < RUNS; r++)
        looked[r] = look_up(&b, packets / 4, RUNS * step, &chance);
    f->open = median(opened, RUNS);
    f->look_up = median(looked, RUNS);
    close_bench(&b);
}

static void print_text(const struct figures *f)
{
    printf("ctcore, one thread, median of %d runs, thread CPU time\n", RUNS);
    printf("  %-52s %8.1f ns  (gate %.0f)\n",
           "established TCP with NAT, offloaded checksums", f->established,
           GATE_NS);
    printf("  %-52s %8.1f ns\n", "  floor: copy and sum its 40 header bytes",
           f->least_small);
    printf("  %-52s %8.1f ns\n", "established TCP with NAT, checked, 24 bytes",
           f->checked_small);
    printf("  %-52s %8.1f ns\n",
           "established TCP with NAT, checked, 1448 bytes", f->checked_full);
    printf("  %-52s %8.1f ns\n", "  floor: copy and sum 1488 bytes",
           f->least_full);
    printf("  %-52s %8.1f ns  (%.2f million a second)\n",
           "a new UDP flow with NAT, table filling to 262144", f->open,
           1e3 / f->open);
    printf("  %-52s %8.1f ns\n", "a random packet of 262144 flows", f->look_up);
    printf("  %-52s %8.1f     (gate %.0f)\n", "bytes a flow", f->bytes,
           GATE_BYTES);
}

static void print_json(const struct figures *f)
{
    printf("{\"runs\":%d,\"established_ns\":%.2f,\"floor_header_ns\":%.2f,"
           "\"checked_24_ns\":%.2f,\"checked_1448_ns\":%.2f,"
           "\"floor_1488_ns\":%.2f,\"new_flow_ns\":%.2f,"
           "\"new_flows_per_s\":%.0f,\"lookup_262144_ns\":%.2f,"
           "\"bytes_per_flow\":%.2f,\"gates\":{\"established_ns\":%.0f,"
           "\"bytes_per_flow\":%.0f}}\n",
           RUNS, f->established, f->least_small, f->checked_small,
           f->checked_full, f->least_full, f->open, 1e9 / f->open, f->look_up,
           f->bytes, GATE_NS, GATE_BYTES);
}

/* Two runs that differ in packets alone differ in their walks alone. */
static int walk_only(const char *packets)
{
    uint32_t seq = 1000;
    struct bench b;

    open_bench(&b, 1024);
    handshake(&b);
    established(&b, (uint32_t)strtoul(packets, NULL, 10), 1448, false, &seq);
    close_bench(&b);
    return 0;
}

int main(int argc, char **argv)
{
    bool json = false, check = false;
    uint32_t packets = ROUND * 512;
    struct ct_config config = config_of(MAX);
    struct figures f;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--check") == 0)
            check = true;
        else if (strcmp(argv[i], "--quick") == 0)
            packets = ROUND * 64;
        else if (strcmp(argv[i], "--walk") == 0 && i + 1 < argc)
            return walk_only(argv[i + 1]);
        else if (strcmp(argv[i], "-o") == 0 && i + 1 < argc)
            json = strcmp(argv[++i], "json") == 0;
        else
            die("usage: bench_core [-o json] [--check] [--quick] "
                "[--walk PACKETS]");
    }
    f.bytes = (double)ct_size(&config) / MAX;
    measure_flow(&f, packets);
    measure_table(&f, packets);
    if (json)
        print_json(&f);
    else
        print_text(&f);
    if (check && (f.established > GATE_NS || f.bytes > GATE_BYTES)) {
        fprintf(stderr, "bench_core: a gate was missed\n");
        return 1;
    }
    return 0;
}
