/* life.c - a router's life in random order, and what must hold throughout
 *
 *     life [--steps N] [--seed S] [--workers W]
 *
 * Flows open, talk and are forgotten; rules and pools change, at once or shard
 * by shard with packets in between; addresses of both sides go and come, MTUs
 * change, devices are down for a while; the table is flushed, flooded, aged,
 * and the router restarts, perhaps with another number of workers.  A model
 * that knows nothing of tables or shards holds each packet to this:
 *
 *   - what comes from outside reaches the host whose flow it belongs to, a
 *     target of a forward, or no host at all;
 *   - nothing leaves by wan with an inside source;
 *   - a living flow goes on, both ways, behind the address and port that it
 *     was given, whatever is configured later;
 *   - no two living flows are the same to an outside host;
 *   - only flows masqueraded behind an address that wan has lost end with it;
 *   - nothing new leaves by an address that wan does not have (any more);
 *   - the sums of rig_check() hold, no shard contradicts itself, and what a
 *     device that is down did not take is among the drops;
 *   - a router that has ended has given back all its memory, and one that goes
 *     on takes no more with each reload.
 *
 * Same seed, same life.  Whatever goes wrong, seed and step are printed. */
#include "life_config.h"
#include "packet.h"
#include "rig.h"

#include "bytes.h"

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
    GROWTH = 256 << 10, /* of configurations that differ, at most */
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
    struct life_config now;
    bool down[2];     /* lan, wan: nothing comes from there, nothing goes */
    size_t allocated; /* before the router began */
    struct flow flow[FLOWS];
    bool out; /* the packet at hand left, as follows */
    uint8_t iface, packet[ROOM];
    uint64_t n_out, n_in, n_strangers, n_reloads, n_restarts, n_refused;
    uint64_t n_moves, n_unheard;
    size_t rig_bytes; /* on the heap, after the first reload */
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
    return (unsigned)(hash_rng_next(&life.rng) % n);
}

/* Of the sanitizer, or 0: what the program has on its heap. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t allocated(void)
{
    return __sanitizer_get_current_allocated_bytes
               ? __sanitizer_get_current_allocated_bytes()
               : 0;
}

/* ---- the router ---- */

static enum ct_reason tx(void *ctx, struct ct_pkt *pkt)
{
    (void)ctx;
    if (life.down[pkt->out])
        return CT_REASON_TX_ERROR;
    if (life.out)
        fail("one packet became two");
    if (pkt->len > ROOM || !packet_sums_ok(pkt->data, pkt->len))
        fail("a packet left with a wrong checksum or length");
    life.out = true;
    life.iface = pkt->out;
    memcpy(life.packet, pkt->data, pkt->len);
    return CT_REASON_NONE;
}

static void start(void)
{
    static const unsigned counts[] = {1, 2, 3, 4, 8};
    struct rig_calls calls = {.tx = tx};

    life.now = (struct life_config){
        .workers = life.workers ? life.workers : counts[below(5)],
        .profile = life_profiles[below(LIFE_PROFILES)],
        .wan = {true},
        .lan = true,
        .mtu = {1500, 1500},
    };
    life.down[0] = life.down[1] = false;
    life.allocated = allocated();
    rig_open(&life.rig, life_config_text(&life.now, &life.rng),
             (ct_time){1000000}, &calls);
}

/* ---- packets ---- */

static uint64_t refused_by_device(void)
{
    return rig_reason(&life.rig, CT_REASON_TX_ERROR);
}

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
    return bytes_get16(life.packet + at);
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

/* Masqueraded behind an address of wan's that is gone. */
static bool is_homeless(const struct flow *f)
{
    unsigned last = f->address[3];

    return last >= 1 && last <= LIFE_WAN_ADDRS && !life.now.wan[last - 1];
}

/* None whose address is gone: the reload at hand ends it. */
static struct flow *any(enum fate fate)
{
    unsigned from = below(FLOWS);

    for (unsigned i = 0; i < FLOWS; i++) {
        struct flow *f = &life.flow[(from + i) % FLOWS];

        if (f->fate == fate && (fate != LIVING || !is_homeless(f)))
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

    /* One whose first packet wan does not take is there all the same, with an
     * address and port that are not seen. */
    if (life.down[0] || life.down[1])
        return;
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
    if (is_homeless(f))
        fail("10.0.1.%u:%u left from an address that wan does not have",
             f->host, f->host_port);
    if ((other = holder(f, LIVING)) != NULL)
        fail("10.0.1.%u:%u was given what 10.0.1.%u:%u has", f->host,
             f->host_port, other->host, other->host_port);
    f->fate = LIVING;
    heard(f);
    if (life.down[0])
        return;
    if (!say_in(f, f->tcp ? "tcp S. seq 900 ack 101 win 60000" : "udp 'y'"))
        fail("the first answer to 10.0.1.%u:%u was dropped", f->host,
             f->host_port);
    must_reach(f);
    if (f->tcp && !say_out(f, "tcp . seq 101 ack 901 win 60000"))
        fail("the handshake of 10.0.1.%u:%u broke", f->host, f->host_port);
}

/* What comes does not get through, and that is counted. */
static void talk_to_none(struct flow *f, bool in)
{
    uint64_t before = refused_by_device();

    if (life.down[in ? 1 : 0] || !life.down[in ? 0 : 1])
        return; /* it does not even come */
    if (in ? say_in(f, middle(f, true)) : say_out(f, middle(f, false)))
        fail("a packet left by a device that is down");
    if (refused_by_device() != before + 1)
        fail("a packet that a device did not take is not counted");
    life.n_unheard++;
}

static void talk(void)
{
    struct flow *f = any(LIVING);
    bool in = below(2) == 0;

    if (f == NULL)
        return;
    if (life.down[0] || life.down[1]) {
        talk_to_none(f, in);
        return;
    }
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
    if (life.down[1])
        return;
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

/* They are over: what comes for one of them reaches its host no more. */
static void end_homeless(void)
{
    for (unsigned i = 0; i < FLOWS; i++) {
        struct flow *f = &life.flow[i];

        if (f->fate != LIVING || !is_homeless(f))
            continue;
        forget(f);
        if (!life.down[0] && !life.down[1] && say_in(f, middle(f, true)) &&
            life.iface == 0 && life.packet[19] == f->host)
            fail("a flow of 10.0.1.%u:%u has outlived its address", f->host,
                 f->host_port);
    }
}

/* Its configuration is life.now's. */
static void reload(void)
{
    const char *json = life_config_text(&life.now, &life.rng);

    life.n_reloads++;
    if (below(2)) {
        rig_reload(&life.rig, json);
    } else {
        rig_reload_later(&life.rig, json);
        for (uint32_t i = 0; i < life.rig.n; i++) {
            for (unsigned n = below(8); n > 0; n--)
                below(4) ? talk() : stranger();
            rig_take(&life.rig, i);
        }
    }
    end_homeless();
    if (life.rig_bytes == 0)
        life.rig_bytes = allocated();
    else if (allocated() > life.rig_bytes + GROWTH)
        fail("%zu bytes on the heap, %zu after the first reload", allocated(),
             life.rig_bytes);
}

/* Addresses, MTUs, devices. */
static void move(void)
{
    static const unsigned mtus[] = {1280, 1400, 1500, 9000};
    unsigned what = below(6);

    life.n_moves++;
    if (what < 2)
        life.now.wan[what] = !life.now.wan[what];
    else if (what == 2)
        life.now.lan = !life.now.lan;
    else if (what == 3)
        life.now.mtu[below(2)] = mtus[below(4)];
    else
        life.down[what - 4] = !life.down[what - 4];
    if (what < 4)
        reload();
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

    if (life.down[0])
        return;
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
    if (!wrong)
        wrong = rig_check_shards(&life.rig);
    if (wrong != NULL)
        fail("%s", wrong);
}

static void restart(void)
{
    look();
    rig_close(&life.rig);
    if (allocated() > life.allocated)
        fail("a router that has ended has left %zu bytes",
             allocated() - life.allocated);
    life.rig_bytes = 0;
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
    else if (n < 9900)
        reload();
    else if (n < 9940)
        move();
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
           " flows refused, %" PRIu64 " moves, %" PRIu64 " unheard\n",
           life.n_out, life.n_in, life.n_strangers, life.n_reloads,
           life.n_restarts, life.n_refused, life.n_moves, life.n_unheard);
    return 0;
}
