/* held.h - packets of a worker that wait for a user program's verdict
 *
 *     worker --taken--> control: the program's socket --back--> worker
 *
 * A packet's buffer belongs to one side at a time: the worker copies it in and
 * sends its index by one ring; control alone reads and writes it from then on,
 * until it sends it back by the other with what is to become of it.  Both rings
 * have room for every buffer there is, so neither waits, and nothing that
 * one side reads can the other write.  Time runs out in control, too. */
#ifndef HELD_H
#define HELD_H

#include "config/config.h"
#include "system/pktbuf.h"
#include "system/ring.h"

#include <ctcore/bits.h>

#include <stdatomic.h>

/* What of a queue is counted: the rows of stats.def of that name. */
enum {
    HELD_FIRST = CT_STAT_queued,
    HELD_COUNTS = CT_STAT_queue_bad_verdict - CT_STAT_queued + 1
};

/* Why control sends it back. */
enum held_cause {
    HELD_VERDICT, /* its program said so */
    HELD_TIMEOUT, /* no verdict came in time */
    HELD_ALONE,   /* its program went away */
    HELD_REFUSED  /* its program changed what must stay */
};

struct held_packet {
    uint32_t index;               /* of itself */
    uint32_t queue;               /* index of the configuration's list */
    uint32_t flow_slot, flow_gen; /* slot CT_NONE: no flow */
    uint64_t since_ms;            /* of clock_now() */
    bool resizable;               /* its TCP payload may change its length */
    /* control's answer */
    enum held_cause cause;
    enum ct_verdict verdict; /* if that is its cause */
    bool marked;             /* and the mark is this */
    uint32_t mark;
    struct ct_resize resize; /* of a TCP payload */
    struct pktbuf buf;
};

/* A queue as all sides may see it. */
struct held_queue {
    _Atomic bool listens; /* a program does; written by control */
    uint64_t holds;       /* the worker's, by ct_add(), as are these */
    uint64_t count[HELD_COUNTS];
    uint32_t limit;
};

struct held {
    struct ct *ct; /* the worker's */
    uint32_t n, n_free, n_queues;
    struct held_packet *packet;
    uint32_t *free;
    struct held_queue queue[CONFIG_QUEUES];
    struct ring taken, back;
};

/* A worker's share of each queue.  False: no memory.  Nothing is taken for
 * none. */
bool held_setup(struct held *h, struct ct *ct, const struct config_queue *list,
                uint32_t n, uint32_t n_workers);
void held_free(struct held *h);

/* ---- the worker ---- */

/* As ct_config.queue wants it: QUEUE and a copy is on its way, ACCEPT, or DROP
 * with pkt->why.  list: the options of now, n_queues of them. */
enum ct_verdict held_take(struct held *h, const struct config_queue *list,
                          struct ct_pkt *pkt, ct_time now);

/* The next one that came back, or NULL; *verdict is for journey_resume(), by
 * the options of now.  It is the worker's until held_release(). */
struct held_packet *held_back(struct held *h, const struct config_queue *list,
                              enum ct_verdict *verdict);
void held_release(struct held *h, struct held_packet *p);

/* ---- control ---- */

/* The next one that was taken, control's from now on; NULL: none. */
struct held_packet *held_next(struct held *h);
/* With its answer: the worker's again.  Wake it. */
void held_answer(struct held *h, const struct held_packet *p);

#endif
