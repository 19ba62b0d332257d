/* world.h - a router, a clock and a trace: scenario tests as conversations
 *
 *     struct world *w = WORLD("hairpin on; timeout udp 10");
 *
 *     say(w, "10.0.1.2:4000 > 198.51.100.2:53 udp 'who'");
 *     TRACE(w, "[  0] 10.0.1.2:4000 > 198.51.100.2:53 udp: NEW\n"
 *              "      out wan 198.51.100.1:4000 > 198.51.100.2:53 udp\n");
 *     elapse(w, 10);
 *     TRACE(w, "[ 10] DESTROY udp 10.0.1.2:4000 > 198.51.100.2:53\n");
 *     END(w);
 *
 * Unless statements say otherwise, lan is 10.0.1.1/24 and fd00:1::1/64, wan is
 * 198.51.100.1/24 and 2001:db8::1/64, the default route leads to wan, and what
 * leaves by wan is masqueraded; max and buckets are 4096.  Statements:
 *
 *     inside ADDR/LEN[,...]   outside ADDR/LEN[,...]   mtu lan|wan N
 *     max N   buckets N   on_full WORD   profile WORD   hairpin on
 *     masquerade off | PORTS  timeout NAME N   tune NAME N   seed N
 *     dnat PROTO A:P -> B:P   HOOK {rule as in the configuration}
 *     policy HOOK drop        on_reload WORD          route PREFIX lan|wan|NAME
 *     tenant NAME ADDR/LEN    uplink NAME ADDR/LEN,ADDR/LEN
 *
 * Every world is configured by the router's own reader.  Its end checks the
 * count of all packets, that entries = created - destroyed, that every packet
 * left with right checksums unless it came with wrong ones, and that none left
 * by wan with an inside source while masquerade is on. */
#ifndef WORLD_H
#define WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rig.h"
#include "twin.h"

/* Packets that "queue N" may hold at once, each this long. */
enum { WORLD_KEPT = 8, WORLD_KEPT_ROOM = 9216 };

/* Longest packet that say_bytes() takes. */
#define WORLD_PACKET 65600u

struct world {
    struct rig rig;
    struct twin *twin; /* WEIR_SHARDS of the environment, or NULL: none */
    bool masquerade;
    bool full;   /* trace whole packets, not their heads only */
    bool events; /* trace NEW and UPDATE too */
    bool quiet;  /* trace nothing: for the thousands */
    ct_time start;
    /* of the packet that is walking */
    bool sums_were_ok;
    const struct ct_pkt *walking;
    uint8_t last[2048]; /* the last packet that left, and its length */
    uint32_t last_len;
    struct ct_log logged; /* the last, and how many */
    uint64_t n_logged;
    bool log_full;          /* no room for another */
    uint64_t sent, dropped; /* since the beginning */
    enum ct_reason why;     /* the last packet was dropped; NONE: it was not */
    enum ct_info info;      /* of the last packet said */
    uint32_t told;          /* enum ct_event_bit of the last event */
    /* what a rule's "queue 0" or "queue 1" took, until resume(); the table of
     * options is a real router's, not these */
    bool deaf;   /* no program takes them */
    bool resize; /* TCP payloads of theirs may change their length */
    unsigned n_kept;
    struct ct_pkt kept[WORLD_KEPT];
    uint64_t kept_cuts[WORLD_KEPT][CT_CUTS];
    uint8_t kept_room[WORLD_KEPT][CT_HEADROOM + WORLD_KEPT_ROOM + CT_HEADROOM];
    /* what the router cannot send, for fault tests */
    enum ct_reason refuse_tx;
    char *text; /* the trace so far */
    size_t text_len, text_room;
    char lines[8192]; /* of the packet that is walking */
    size_t lines_len;
};

#define WORLD(statements) world_open(statements, (ct_time){1000000})
struct world *world_open(const char *statements, ct_time start);
/* The same in gateway mode: packets with an own source that enter by wan are
 * the host's own, those for an own address leave as they are. */
#define HOST_WORLD(statements) world_open_host(statements, (ct_time){1000000})
struct world *world_open_host(const char *statements, ct_time start);
/* No twin from here on: the test reaches into the router behind the world's
 * back, or is about what belongs to one shard (memory, shares, numbers). */
void alone(struct world *w);
void world_close(struct world *w, const char *file, int line);
#define END(w) world_close(w, __FILE__, __LINE__)

/* A packet arrives: a line of packet.h, then "@IFACE" if it does not enter
 * where its source belongs. */
void say(struct world *w, const char *spec);
void sayf(struct world *w, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Two packets of one batch; not traced. */
void say_together(struct world *w, const char *a, const char *b);
/* The same for bytes. */
void say_bytes(struct world *w, const uint8_t *data, uint32_t len, uint8_t in);

/* A packet that was queued comes back: the nth of them since the beginning, 8
 * at most. */
void resume(struct world *w, unsigned nth, enum ct_verdict verdict);

/* Time passes, the router ticks as often as it wants to. */
void elapse(struct world *w, uint64_t seconds);
void elapse_ms(struct world *w, uint64_t ms);

/* Swap the rules; flows stay. */
void reload(struct world *w, const char *statements);

/* The trace since the last look is exactly this. */
#define TRACE(w, want) world_trace(w, want, __FILE__, __LINE__)
void world_trace(struct world *w, const char *want, const char *file, int line);

/* The table, one line a flow:
 *     udp 30 A:P > B:P / B:P > W:P UNREPLIED|-|ASSURED
 *     tcp 120 SYN_SENT ... */
#define FLOWS(w, want) world_flows(w, want, __FILE__, __LINE__)
void world_flows(struct world *w, const char *want, const char *file, int line);
/* How many there are. */
uint32_t count_flows(const struct world *w);

uint64_t stat_of(const struct world *w, enum ct_stat stat);
uint64_t drops_of(const struct world *w, enum ct_reason reason);

/* Source and destination port of the last packet that left. */
uint16_t last_sport(const struct world *w);
uint16_t last_dport(const struct world *w);

/* What a run of cmocka wants. */
#define STORY(f) cmocka_unit_test(f)

#endif
