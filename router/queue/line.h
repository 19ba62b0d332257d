/* line.h - packets that wait for a verdict, in the order they came
 *
 * Control's side of held.h.  A program names a packet by an id that is good for
 * one stay: worker, buffer, and how often that buffer has been here. */
#ifndef QUEUE_LINE_H
#define QUEUE_LINE_H

#include "queue/held.h"

struct queue_ticket {
    struct held_packet *packet; /* NULL: not here */
    uint32_t worker, serial;
    bool sent; /* its program has it */
    struct queue_ticket *next, *prev;
};

/* Those of one queue; what is sent comes before what is not. */
struct queue_line {
    struct queue_ticket *head, *tail, *unsent;
};

struct queue_lines {
    uint32_t n_workers;
    struct held *const *held;
    struct queue_ticket *ticket[CT_MAX_SHARDS]; /* by a buffer's index */
    struct queue_line line[CONFIG_QUEUES];
};

/* held: of each worker, borrowed.  False: no memory. */
bool queue_line_setup(struct queue_lines *l, struct held *const *held,
                      uint32_t n_workers);
void queue_line_free(struct queue_lines *l);

/* The next packet of that worker takes its place; false: none is there. */
bool queue_line_join(struct queue_lines *l, uint32_t worker);

uint64_t queue_line_id(const struct queue_ticket *t);
/* NULL: no such packet waits, or its program has not been sent it. */
struct queue_ticket *queue_line_find(const struct queue_lines *l, uint64_t id);

/* The first that is not sent yet has been sent. */
void queue_line_sent(struct queue_line *line);

/* It goes back to its worker, for this cause. */
void queue_line_answer(struct queue_lines *l, struct queue_ticket *t,
                       enum held_cause cause);

#endif
