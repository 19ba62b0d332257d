/* life.c - a router's life in random order, and what must hold throughout
 *
 *     life [--steps N] [--seed S] [--workers W]
 *
 * Flows open, talk and are forgotten; rules and pools change, at once or shard
 * by shard with packets in between; the table is flushed, flooded, aged, and
 * the router restarts, perhaps with another number of workers.  A model that
 * knows nothing of tables or shards holds each packet to this:
 *
 *   - what comes from outside reaches the host whose flow it belongs to, a
 *     target of a forward, or no host at all;
 *   - nothing leaves by wan with an inside source;
 *   - a living flow goes on, both ways, behind the address and port that it
 *     was given, whatever is configured later;
 *   - no two living flows are the same to an outside host;
 *   - the sums of rig_check() hold.
 *
 * Same seed, same life.  Whatever goes wrong, seed and step are printed. */
#include "hash.h"
#include "packet.h"
#include "rig.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    HOSTS = 24,
    FIRST_TARGET = 90, /* hosts that forwards lead to begin here */
    SERVERS = 6,
    FLOWS = 256,
    ROOM = 512,
    IDLE_MS = 25000, /* below every timeout: 30 s of an unanswered UDP flow */
    OLD_S = 700      /* above those of UDP and of a closed TCP connection */
};

enum fate { NONE, LIVING, FORGOTTEN };

/* What one flow was given, as the outside sees it. */
struct flow {
    enum fate fate;
    bool tcp;
    unsigned host, host_port, server, server_port;
    uint8_t address[4]; /* outside */
    unsigned port;
    uint64_t heard_ms; /* when its last packet passed */
};

static struct {
    struct rig rig;
    struct rng rng;
    uint64_t seed, step, steps;
    unsigned workers; /* 0: chosen at each start */
    struct flow flow[FLOWS];
    bool out; /* the packet at hand left, as follows */
    uint8_t iface, packet[ROOM];
    uint64_t n_out, n_in, n_strangers, n_reloads, n_restarts, n_refused;
} life;

static _Noreturn void __attribute__((format(printf, 1, 2)))
fail(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fprintf(stderr, "life: ");
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr,
            "\nlife: at step %" PRIu64 ", %u workers; again: life --seed "
            "%" PRIu64 " --steps %" PRIu64 "\n",
            life.step, life.rig.n, life.seed, life.step + 1);
    exit(1);
}

static unsigned below(unsigned n)
{
    return (unsigned)(rng_next(&life.rng) % n);
}

/* ---- the router ---- */

static enum ct_reason tx(void *ctx, struct ct_pkt *pkt)
{
    (void)ctx;
    if (life.out)
        fail("one packet became two");
    if (pkt->len > ROOM || !packet_sums_ok(pkt->data, pkt->len))
        fail("a packet left with a wrong checksum or length");
    life.out = true;
    life.iface = pkt->out;
    memcpy(life.packet, pkt->data, pkt->len);
    return CT_REASON_NONE;
}

static const char *const forwards[] = {
    "",
    "{\"in\":\"wan\",\"proto\":\"udp\",\"dport\":\"20000-65000\",\"dnat\":"
    "\"10.0.1.90\"}",
    "{\"in\":\"wan\",\"proto\":\"tcp\",\"dport\":\"1024-40000\",\"dnat\":"
    "\"10.0.1.91\"}",
    "{\"in\":\"wan\",\"proto\":[\"tcp\",\"udp\"],\"dport\":8080,\"dnat\":"
    "\"10.0.1.92:80\"}",
    "{\"in\":\"wan\",\"proto\":\"udp\",\"dst\":\"198.51.100.20\","
    "\"dport\":\"1024-65535\",\"dnat\":\"10.0.1.93\"}",
};

static const char *const sources[] = {
    "{\"out\":\"wan\",\"masquerade\":true}",
    "{\"out\":\"wan\",\"snat\":\"198.51.100.20\"}",
    "{\"out\":\"wan\",\"snat\":\"198.51.100.40-198.51.100.43\"}",
    "{\"out\":\"wan\",\"src\":\"10.0.1.0/28\",\"snat\":\"198.51.100.20\"},"
    "{\"out\":\"wan\",\"masquerade\":true}",
    "{\"out\":\"wan\",\"snat\":\"198.51.100.20\",\"random\":true}",
};

static const char *const profiles[] = {"linux", "weir", "rfc"};

static char *config(unsigned workers, const char *profile)
{
    static char json[2048];

    snprintf(json, sizeof json,
             "{\"interfaces\": {\"lan\": {\"tun\": \"l\", \"side\": \"inside\","
             " \"address\": [\"10.0.1.1/24\"]}, \"wan\": {\"tun\": \"w\", "
             "\"side\": \"outside\", \"address\": [\"198.51.100.1/24\"]}}, "
             "\"workers\": %u, \"seed\": %u, \"conntrack\": {\"max\": 16384, "
             "\"profile\": \"%s\"}, \"routes\": [{\"to\": \"default\", "
             "\"interface\": \"wan\"}], \"rules\": {\"prerouting\": [%s], "
             "\"postrouting\": [%s]}}",
             workers, below(1000), profile,
             forwards[below(sizeof forwards / sizeof *forwards)],
             sources[below(sizeof sources / sizeof *sources)]);
    return json;
}

static void start(void)
{
    static const unsigned counts[] = {1, 2, 3, 4, 8};
    struct rig_calls calls = {.tx = tx};

    rig_open(&life.rig,
             config(life.workers ? life.workers : counts[below(5)],
                    profiles[below(3)]),
             (ct_time){1000000}, &calls);
}

static const char *profile_now(void)
{
    return profiles[life.rig.config->profile];
}

/* ---- packets ---- */

static bool __attribute__((format(printf, 1, 2))) say(const char *fmt, ...)
{
    static uint8_t room[CT_HEADROOM + ROOM + CT_HEADROOM];
    struct ct_pkt pkt = {.data = room + CT_HEADROOM, .rule = CT_NONE};
    char spec[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(spec, sizeof spec, fmt, ap);
    va_end(ap);
    pkt.len = (uint32_t)packet_build(pkt.data, ROOM, spec);
    if (pkt.len == 0)
        fail("not a packet: %s", spec);
    pkt.in = pkt.data[12] == 10 ? 0 : 1;
    life.out = false;
    rig_walk_by(&life.rig, below(life.rig.n), &pkt);
    if (life.out && life.iface == 1 && life.packet[12] == 10)
        fail("left untranslated: %s", spec);
    return life.out;
}

static unsigned port_at(unsigned at)
{
    return (unsigned)life.packet[at] << 8 | life.packet[at + 1];
}

/* "tcp" and what stands behind it, of a packet in the middle of a flow. */
static const char *middle(const struct flow *f, bool in)
{
    if (!f->tcp)
        return "udp 'x'";
    return in ? "tcp . seq 901 ack 101 win 60000 'x'"
              : "tcp . seq 101 ack 901 win 60000 'x'";
}

static bool say_out(const struct flow *f, const char *rest)
{
    return say("10.0.1.%u:%u > 203.0.113.%u:%u %s", f->host, f->host_port,
               f->server, f->server_port, rest);
}

static bool say_in(const struct flow *f, const char *rest)
{
    return say("203.0.113.%u:%u > %u.%u.%u.%u:%u %s", f->server, f->server_port,
               f->address[0], f->address[1], f->address[2], f->address[3],
               f->port, rest);
}

static void must_leave_as(const struct flow *f)
{
    if (life.iface != 1 || memcmp(life.packet + 12, f->address, 4) != 0 ||
        port_at(20) != f->port)
        fail("10.0.1.%u:%u left from another address or port than its flow's",
             f->host, f->host_port);
}

static void must_reach(const struct flow *f)
{
    if (life.iface != 0 || life.packet[19] != f->host ||
        port_at(22) != f->host_port)
        fail("a packet for 10.0.1.%u:%u was delivered to 10.0.1.%u:%u", f->host,
             f->host_port, life.packet[19], port_at(22));
}

/* ---- flows ---- */

static bool same_outside(const struct flow *a, const struct flow *b)
{
    return a->tcp == b->tcp && a->server == b->server &&
           a->server_port == b->server_port && a->port == b->port &&
           memcmp(a->address, b->address, 4) == 0;
}

static struct flow *holder(const struct flow *key, enum fate fate)
{
    for (unsigned i = 0; i < FLOWS; i++)
        if (life.flow[i].fate == fate && same_outside(&life.flow[i], key) &&
            &life.flow[i] != key)
            return &life.flow[i];
    return NULL;
}

static struct flow *any(enum fate fate)
{
    unsigned from = below(FLOWS);

    for (unsigned i = 0; i < FLOWS; i++) {
        struct flow *f = &life.flow[(from + i) % FLOWS];

        if (f->fate == fate)
            return f;
    }
    return NULL;
}

static bool known_inside(const struct flow *key)
{
    for (unsigned i = 0; i < FLOWS; i++) {
        const struct flow *f = &life.flow[i];

        if (f->fate == LIVING && f->tcp == key->tcp && f->host == key->host &&
            f->host_port == key->host_port && f->server == key->server &&
            f->server_port == key->server_port)
            return true;
    }
    return false;
}

static void heard(struct flow *f)
{
    f->heard_ms = life.rig.now.ms;
}

static void forget(struct flow *f)
{
    f->fate = FORGOTTEN;
}

static void open_flow(void)
{
    struct flow *f = any(NONE), *other;

    if (f == NULL && (f = any(FORGOTTEN)) == NULL)
        return;
    *f = (struct flow){.tcp = below(2) == 0,
                       .host = 2 + below(HOSTS),
                       .host_port = 1024 + below(below(2) ? 40 : 60000),
                       .server = 1 + below(SERVERS),
                       .server_port = 80 + below(3)};
    if (known_inside(f))
        return;
    if (!say_out(f, f->tcp ? "tcp S seq 100 win 60000" : "udp 'x'")) {
        life.n_refused++; /* the flow before it may rest, or be closing */
        return;
    }
    memcpy(f->address, life.packet + 12, 4);
    f->port = port_at(20);
    if ((other = holder(f, LIVING)) != NULL)
        fail("10.0.1.%u:%u was given what 10.0.1.%u:%u has", f->host,
             f->host_port, other->host, other->host_port);
    f->fate = LIVING;
    heard(f);
    if (!say_in(f, f->tcp ? "tcp S. seq 900 ack 101 win 60000" : "udp 'y'"))
        fail("the first answer to 10.0.1.%u:%u was dropped", f->host,
             f->host_port);
    must_reach(f);
    if (f->tcp && !say_out(f, "tcp . seq 101 ack 901 win 60000"))
        fail("the handshake of 10.0.1.%u:%u broke", f->host, f->host_port);
}

static void talk(void)
{
    struct flow *f = any(LIVING);
    bool in = below(2) == 0;

    if (f == NULL)
        return;
    if (!(in ? say_in(f, middle(f, true)) : say_out(f, middle(f, false))))
        fail("10.0.1.%u:%u does not go on (%s)", f->host, f->host_port,
             in ? "answer" : "question");
    if (in)
        must_reach(f);
    else
        must_leave_as(f);
    heard(f);
    life.n_in += in;
    life.n_out += !in;
}

static void close_flow(void)
{
    struct flow *f = any(LIVING);

    if (f == NULL)
        return;
    if (f->tcp)
        (void)say_out(f, "tcp R seq 101");
    forget(f);
}

/* From any server and port to any outside port, most of them a flow's. */
static void stranger(void)
{
    struct flow key = {.tcp = below(2) == 0,
                       .server = 1 + below(SERVERS),
                       .server_port = 80 + below(3),
                       .address = {198, 51, 100, 1},
                       .port = 1024 + below(64000)};
    const struct flow *f = any(below(2) ? LIVING : FORGOTTEN), *living;

    if (f != NULL && below(4)) {
        memcpy(key.address, f->address, 4);
        key.port = f->port;
    }
    life.n_strangers++;
    living = holder(&key, LIVING);
    if (!say_in(&key, middle(&key, true)) || life.iface != 0)
        return; /* dropped, or answered by the router itself */
    if (living != NULL)
        must_reach(living);
    else if (life.packet[19] < FIRST_TARGET &&
             ((f = holder(&key, FORGOTTEN)) == NULL ||
              life.packet[19] != f->host))
        fail("a stranger's packet to port %u reached 10.0.1.%u", key.port,
             life.packet[19]);
}

/* ---- what happens to the router ---- */

static void reload(void)
{
    const char *json = config(life.rig.config->workers, profile_now());

    life.n_reloads++;
    if (below(2)) {
        rig_reload(&life.rig, json);
        return;
    }
    rig_reload_later(&life.rig, json);
    for (uint32_t i = 0; i < life.rig.n; i++) {
        for (unsigned n = below(8); n > 0; n--)
            below(4) ? talk() : stranger();
        rig_take(&life.rig, i);
    }
}

static void flush(void)
{
    for (uint32_t i = 0; i < life.rig.n; i++)
        ct_flush(life.rig.shard[i].ct);
    for (unsigned i = 0; i < FLOWS; i++)
        if (life.flow[i].fate == LIVING)
            forget(&life.flow[i]);
}

static void flood(void)
{
    unsigned host = 2 + below(HOSTS), server = 1 + below(SERVERS);

    for (unsigned i = 0; i < 500; i++)
        (void)say("10.0.1.%u:%u > 203.0.113.%u:9 udp 'f'", host,
                  1024 + below(64000), server);
}

static void pass(uint64_t ms)
{
    life.rig.now.ms += ms;
    rig_tick(&life.rig);
    for (unsigned i = 0; i < FLOWS; i++)
        if (life.flow[i].fate == LIVING &&
            life.rig.now.ms > life.flow[i].heard_ms + IDLE_MS)
            forget(&life.flow[i]);
}

static void look(void)
{
    const char *wrong;

    rig_tick(&life.rig);
    wrong = rig_check(&life.rig);
    if (wrong != NULL)
        fail("%s", wrong);
}

static void restart(void)
{
    look();
    rig_close(&life.rig);
    memset(life.flow, 0, sizeof life.flow); /* what a restart leaves is lost */
    start();
    life.n_restarts++;
}

static void step(void)
{
    unsigned n = below(10000);

    if (n < 2000)
        open_flow();
    else if (n < 7000)
        talk();
    else if (n < 7300)
        close_flow();
    else if (n < 9000)
        stranger();
    else if (n < 9800)
        pass(below(500));
    else if (n < 9940)
        reload();
    else if (n < 9960)
        flood();
    else if (n < 9980)
        flush();
    else if (n < 9990)
        pass(OLD_S * 1000);
    else
        restart();
}

int main(int argc, char **argv)
{
    life.seed = 1;
    life.steps = 40000;
    for (int i = 1; i + 1 < argc; i += 2) {
        uint64_t value = strtoull(argv[i + 1], NULL, 10);

        if (strcmp(argv[i], "--steps") == 0)
            life.steps = value;
        else if (strcmp(argv[i], "--seed") == 0)
            life.seed = value;
        else if (strcmp(argv[i], "--workers") == 0 && value <= RIG_SHARDS)
            life.workers = (unsigned)value;
        else
            argc = 0;
    }
    if (argc % 2 == 0) {
        fprintf(stderr, "usage: life [--steps N] [--seed S] [--workers 1-%d]\n",
                RIG_SHARDS);
        return 2;
    }
    printf("life: %" PRIu64 " steps, seed %" PRIu64 "\n", life.steps,
           life.seed);
    life.rng.state = life.seed;
    start();
    for (; life.step < life.steps; life.step++) {
        step();
        if (life.step % 500 == 0)
            look();
    }
    look();
    rig_close(&life.rig);
    printf("life: %" PRIu64 " out, %" PRIu64 " in, %" PRIu64 " strangers, "
           "%" PRIu64 " reloads, %" PRIu64 " restarts, %" PRIu64
           " flows refused\n",
           life.n_out, life.n_in, life.n_strangers, life.n_reloads,
           life.n_restarts, life.n_refused);
    return 0;
}
