/* work.h - how many steps a packet costs
 *
 * A step is one look at something: a tuple in the table, a word of a bitmap, a
 * link of a list, an entry that is ended.  Whatever looks at more than a fixed
 * number of things counts them here, so a test can hold the worst packet
 * against a bound that no clock disturbs.  The usual packet takes none. */
#ifndef WORK_H
#define WORK_H

#include <stdint.h>

struct work {
    uint32_t steps; /* of the packet or the call at hand */
};

static inline void work_step(struct work *w, uint32_t n)
{
    w->steps += n;
}

#endif
