/* shortage.h - what ran out, for the log: a line a second for each at most */
#ifndef SHORTAGE_H
#define SHORTAGE_H

#include <ctcore/lists.h>
#include <stdbool.h>

enum { SHORTAGE_KINDS = 5, SHORTAGE_ROOM = 256 };

struct shortage {
    uint64_t next_ms;                 /* not looked at before */
    uint64_t counted[SHORTAGE_KINDS]; /* and told */
    unsigned at;
};

/* The next line about what has been refused since the last look.  False: that
 * is all, look again in a second.
 * => stat answers the counter of all workers together. */
bool shortage_next(struct shortage *s, uint64_t now_ms,
                   uint64_t (*stat)(void *ctx, enum ct_stat which), void *ctx,
                   char line[SHORTAGE_ROOM]);

#endif
