/* private.h - a worker's state, which its files share */
#ifndef WORKER_ROOM_H
#define WORKER_ROOM_H

#include "journey/offload.h"
#include "worker/setup.h"

#include <ctcore/bits.h>

enum { WORKER_BATCH = 64, WORKER_ROUNDS = 4, WORKER_ORDERS = 1024 };

enum worker_order_kind { ORDER_DELETE, ORDER_FLUSH, ORDER_RESUME };

struct worker_order {
    uint32_t kind;
    uint32_t a, b;
    uint32_t ticket; /* of deletions: who counts them */
};

/* One queue of one device. */
struct worker_port {
    struct worker *worker;
    uv_poll_t poll;
    int fd;
    unsigned iface;
    _Atomic bool lost;
    bool polled; /* poll is initialised */
    struct offload offload;
    /* by ct_add(); read by control */
    uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes, rx_errors, tx_errors;
};

struct worker {
    struct worker_config config;
    uv_loop_t loop;
    uv_thread_t thread;
    uv_async_t wake;
    uv_timer_t tick;
    uv_idle_t more;        /* while there is more to tend at once */
    uint32_t flush_at;     /* next slot of a flush; CT_NONE: none is going on */
    uint64_t flush_number; /* of the order that began it */
    uint32_t flush_tickets; /* bits: who counts what it deletes */
    uint32_t review_at;     /* the same of a revalidation */
    bool loop_ready, running;
    _Atomic bool ends; /* control says so */

    void *block; /* the shard's */
    size_t block_size;
    struct ct *ct;
    struct journey *journey;
    const struct worker_setup *setup;
    struct worker_setup *newest; /* control's: the last that it gave */
    struct worker_port port[CT_MAX_IFACES];

    struct pktbuf_pool pool;
    struct worker *all[CT_MAX_SHARDS];
    struct ring to[CT_MAX_SHARDS];   /* packets for worker i */
    struct ring home[CT_MAX_SHARDS]; /* i's buffers, on their way back */
    bool wake_up[CT_MAX_SHARDS];

    struct held held; /* packets that wait for user programs */
    struct ring orders;
    struct ring events;
    struct ring logs;
    uint64_t events_lost;
    /* Event bits that control wants: no order, which a full mailbox refuses. */
    _Atomic uint32_t wanted;
    uint32_t subscribed; /* ... and that the core makes */
    bool settling;       /* setup is not in force for all flows yet */
    bool tell_control;
    uint64_t ordered; /* control's: how many orders it has put */
    _Atomic uint64_t taken, settled, reviewed;
    _Atomic uint64_t obeyed, flushed; /* numbers of orders */
    uint64_t removed[WORKER_TICKETS]; /* by ct_add() */
};

#endif
