/* limit.h - a token bucket, kept as one number
 *
 * The generic cell rate algorithm (ITU-T I.371): instead of tokens and when
 * they were counted, the instant at which the bucket will be full again.
 * Nothing but a packet moves it, and 0, long ago, is a full bucket. */
#ifndef LIMIT_H
#define LIMIT_H

#include <ctcore/rules.h>

/* Take a token, if there is one. */
static inline bool limit_take(uint64_t *full_at_ns,
                              const struct ct_limit *limit, ct_time now)
{
    uint64_t ns = now.ms * 1000000;
    uint64_t full = *full_at_ns > ns ? *full_at_ns : ns;

    if (full - ns + limit->cost_ns > limit->room_ns)
        return false;
    *full_at_ns = full + limit->cost_ns;
    return true;
}

#endif
