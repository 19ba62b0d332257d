/* work.h - how many steps a packet costs
 *
 * A step is one look at something: a tuple in the table, a word of a bitmap, a
 * link of a list, an entry that is ended.  Whatever looks at more than a fixed
 * number of things counts them here, so a test can hold the worst packet
 * against a bound that no clock disturbs.  The usual packet takes none. */
#ifndef WORK_H
#define WORK_H

#include <stdbool.h>
#include <stdint.h>

struct work {
    uint32_t steps; /* of the packet or the call at hand */
};

/* What a slot of a slice may cost on average (a look, a flow's end, the places
 * where its tuples, its port and its shares stand), and what each slice looks
 * at besides: the lists of expiry. */
#define WORK_A_SLOT  4u
#define WORK_A_SLICE 256u

static inline void work_step(struct work *w, uint32_t n)
{
    w->steps += n;
}

/* A slice that began at so many steps ends when it has taken as many as its
 * slots may cost, however few it has looked at.  The last one may cost more. */
static inline bool work_may_go_on(const struct work *w, uint32_t begin,
                                  uint32_t slots)
{
    return w->steps - begin < WORK_A_SLICE + (uint64_t)slots * WORK_A_SLOT;
}

#endif
