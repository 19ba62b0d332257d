/* queue.h - user programs that decide about packets: the socket they come to
 *
 * Part of the control loop: what workers hold (held.h) goes to the program that
 * subscribed to its queue, and back with what that says, when its time is up,
 * or when no program is left to ask.  The words are in wire.h. */
#ifndef QUEUE_H
#define QUEUE_H

#include "queue/held.h"

#include <uv.h>
#include <web/queues.h>

struct queue;

struct queue_config {
    uv_loop_t *loop;
    const char *path;
    const struct config_queue *list; /* until queue_use() */
    uint32_t n_queues, n_workers;
    struct held *held[CT_MAX_SHARDS]; /* each worker's */
    uint32_t slots; /* of each worker's table: flows are numbered through */
    void (*wake)(void *ctx, unsigned worker);
    const char *(*iface_name)(void *ctx, uint8_t iface); /* "": none */
    void *ctx;
};

/* NULL: with one sentence in err. */
struct queue *queue_start(const struct queue_config *config, char err[256]);
/* Other options, the same queues. */
void queue_use(struct queue *q, const struct config_queue *list);
/* Some worker has something. */
void queue_pump(struct queue *q);
/* All programs are sent away and what waited goes back: while workers are still
 * there. */
/* Freed by the loop, in its next turn.  NULL: nothing is done. */
void queue_stop(struct queue *q);

void queue_list(const struct queue *q, uint32_t i, struct web_queue *out);

#endif
