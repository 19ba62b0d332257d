/* source.h - what the web asks of whoever feeds it
 *
 * The router fills this in; the web never sees a worker or a table.  All
 * functions are called on the control loop's thread and return at once. */
#ifndef WEB_SOURCE_H
#define WEB_SOURCE_H

#include <ctcore/ct.h>

struct web_iface {
    const char *name, *tun;
    const char *state; /* "up", "down", "degraded", "unknown" */
    uint16_t mtu;
    uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
    uint64_t rx_errors, tx_errors; /* read and write failures */
    bool device_known;             /* dev_dropped can be read */
    uint64_t dev_dropped;          /* the device's own tx_dropped */
};

struct web_rule {
    const struct ct_rule *rule;
    const char *text;        /* as configured: a JSON object */
    uint64_t packets, bytes; /* all shards */
};

/* A queue to a user program: all shards. */
struct web_queue {
    uint16_t number;
    bool bypass, fail_open, resize;
    uint32_t max, timeout_ms;
    bool listens;      /* a program is there: */
    uint32_t pid, uid; /*  who it is */
    uint32_t held;     /* packets that wait now */
    uint64_t queued, verdicts, full, timeout, bypassed, fail_opened;
    uint64_t bad_verdict; /* new bytes that were refused */
    uint64_t late;        /* verdicts on packets that did not wait any more */
};

/* One thing that must be well for packets to be routed. */
struct web_check {
    const char *name;
    const char *level;  /* "ok", "warn", "fail" */
    const char *detail; /* a sentence; "" when it is well */
    ct_time since;      /* when the level changed */
};

struct web_source {
    void *ctx;

    /* flows: shard * slots() + slot is the number people see */
    uint32_t (*shards)(void *ctx);
    uint32_t (*slots)(void *ctx); /* of each shard */
    bool (*read)(void *ctx, uint32_t shard, uint32_t slot, struct ct_view *v);
    /* the same of announced flows: shard * expects() + number */
    uint32_t (*expects)(void *ctx); /* of each shard */
    bool (*read_expect)(void *ctx, uint32_t shard, uint32_t number,
                        struct ct_expect_view *v);
    ct_time (*now)(void *ctx);
    /* Wall milliseconds of an instant of the core's clock. */
    int64_t (*wall_ms)(void *ctx, ct_time t);
    const char *(*iface_name)(void *ctx, uint8_t iface); /* "" if none */

    /* numbers, summed over shards unless shard is given */
    uint64_t (*stat)(void *ctx, uint32_t shard, enum ct_stat stat);
    uint64_t (*drops)(void *ctx, uint32_t shard, enum ct_reason reason);
    uint32_t (*max)(void *ctx);
    uint32_t (*buckets)(void *ctx);
    uint32_t (*ifaces)(void *ctx);
    void (*iface)(void *ctx, uint32_t i, struct web_iface *out);
    uint32_t (*rules)(void *ctx);
    void (*rule)(void *ctx, uint32_t i, struct web_rule *out);
    /* Another number: other rules.  *text: bytes of all their texts. */
    uint64_t (*rules_serial)(void *ctx, size_t *text);
    uint32_t (*queues)(void *ctx);
    void (*queue)(void *ctx, uint32_t i, struct web_queue *out);
    uint32_t (*param)(void *ctx, enum ct_param param); /* its value now */

    /* Ready to route?  If not, *why is a sentence. */
    bool (*ready)(void *ctx, const char **why);
    uint32_t (*checks)(void *ctx);
    void (*check)(void *ctx, uint32_t i, struct web_check *out);

    /* Destroy flows, one by one or all: orders to their owners, counted by a
     * ticket.  begin: CT_NONE when too many are out.  remove and flush: false
     * when an owner's mailbox is full, and it is to be asked again.  done: have
     * all orders of that ticket been obeyed, and how many flows went by them?
     */
    uint32_t (*remove_begin)(void *ctx);
    bool (*remove)(void *ctx, uint32_t ticket, uint32_t shard, uint32_t slot,
                   uint32_t gen);
    bool (*flush)(void *ctx, uint32_t ticket);
    bool (*remove_done)(void *ctx, uint32_t ticket, uint64_t *deleted);
    void (*remove_end)(void *ctx, uint32_t ticket);

    /* Somebody wants (or nobody wants any more) flow events. */
    void (*want_events)(void *ctx, bool on);
};

#endif
