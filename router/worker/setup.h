/* setup.h - what control and a worker give each other */
#ifndef WORKER_SETUP_H
#define WORKER_SETUP_H

#include "journey/fib.h"
#include "journey/setup.h"
#include "queue/held.h"
#include "system/pktbuf.h"
#include "system/ring.h"
#include "worker/steer.h"

#include <uv.h>

/* What may change while it runs.  Made by control, borrowed by all workers
 * until each has seen that all use the next one: see worker_settled(). */
struct worker_setup {
    uint64_t serial; /* grows by one each */
    struct ct_ifaces ifaces;
    struct journey_iface more[CT_MAX_IFACES];
    const struct fib *fib;
    const struct steer *steer;
    const struct ct_ruleset *rules;
    struct ct_rule_count *counts; /* this worker's */
    void *connlimit;              /* the same; see ct_set_connlimit() */
    struct ct_rule_count *const *all_counts; /* of all workers */
    void *const *all_connlimits;
    /* By rule: its index in the setup before this one, whose counts it goes on
     * with; CT_NONE: a new rule.  NULL: all are new. */
    const uint32_t *before;
    struct ct_params params;
    struct ct_limits limits;
    bool revalidate;                   /* end flows that these rules forbid */
    const struct config_queue *queues; /* as many as at the start */
    /* The setup that replaces this one.  No order: a mailbox may be full, and a
     * reload neither waits nor gets lost. */
    struct worker_setup *_Atomic next;
};

struct worker_counts {
    uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes, rx_errors, tx_errors;
};

struct worker_event {
    struct ct_event event;
    uint64_t lost; /* before this one */
};

struct worker_config {
    unsigned index, n_workers;
    struct ct_config ct; /* ctx and event are the worker's */
    bool host;           /* gateway mode: see struct journey_config */
    const struct ct_reserved *reserved_tcp, *reserved_udp; /* see ct.h */
    const struct ct_reserved *taken_tcp, *taken_udp;
    const struct journey_lost *lost;   /* see struct journey_config */
    const struct config_queue *queues; /* n_queues; for worker_new() only */
    uint32_t n_queues;
    unsigned n_ifaces;
    int fd[CT_MAX_IFACES]; /* queues; -1: none */
    /* Told from the worker's thread that there is something to look at: an
     * event, a lost device, a setup taken, a packet for a queue. */
    uv_async_t *control;
};

/* Deletions by hand are counted by ticket, below this. */
enum { WORKER_TICKETS = 32 };

#endif
