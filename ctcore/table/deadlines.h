/* deadlines.h - of flows with durations of their own: whose time is up next
 *
 * The lists of expiry.h are in order because all flows of one have the same
 * duration.  Flows to which a rule gave others stand here: a binary heap of
 * slots, and beside the entries where in it each of them is.  A flow moves in
 * the heap when its deadline has come nearer, or gone a second further at
 * least; so a packet costs a comparison, and the heap's key is never later
 * than the deadline. */
#ifndef DEADLINES_H
#define DEADLINES_H

#include "base/pool.h"
#include "table/conn.h"

struct deadline {
    uint64_t key_ms;
    uint32_t slot;
};

struct deadlines {
    struct ct_conn *conns;
    struct deadline *heap;
    uint32_t *at; /* by slot: place in the heap + 1, or 0; NULL: no room */
    uint32_t n;
};

/* room: flows that may stand here at once; max: slots. */
void deadlines_init(struct deadlines *d, struct block *b, uint32_t room,
                    uint32_t max);

/* The flow's deadline is what its entry says.
 * => there is room: no more flows than were told. */
void deadlines_set(struct deadlines *d, uint32_t slot);

/* If it stands here. */
void deadlines_remove(struct deadlines *d, uint32_t slot);

/* A flow whose time is up, or CT_NONE.  Flows that have got further since are
 * moved on the way, each for one of *left; none left: CT_NONE, and there may be
 * more. */
uint32_t deadlines_due(struct deadlines *d, ct_time now, uint32_t *left);

/* No deadline is earlier; UINT64_MAX: there is none. */
static inline uint64_t deadlines_next(const struct deadlines *d)
{
    return d->n ? d->heap[0].key_ms : UINT64_MAX;
}

#endif
