/* limit.h - a token bucket, kept as one number
 *
 * Shards that share a bucket have a copy each, which only its owner writes: the
 * bucket is the latest of them.  Two packets at the very same time may take one
 * token; else there are as many as if there were one shard.
 *
 * The generic cell rate algorithm (ITU-T I.371): instead of tokens and when
 * they were counted, the instant at which the bucket will be full again.
 * Nothing but a packet moves it, and 0, long ago, is a full bucket. */
#ifndef LIMIT_H
#define LIMIT_H

#include <ctcore/rules.h>

static inline uint64_t limit_later(uint64_t a, const uint64_t *b)
{
    uint64_t is = __atomic_load_n(b, __ATOMIC_RELAXED);

    return is > a ? is : a;
}

/* Take a token, if there is one.  others: the latest copy of other shards. */
static inline bool limit_take(uint64_t *full_at_ns, uint64_t others,
                              const struct ct_limit *limit, ct_time now)
{
    uint64_t ns = now.ms * 1000000;
    uint64_t full = limit_later(others > ns ? others : ns, full_at_ns);

    if (full - ns + limit->cost_ns > limit->room_ns)
        return false;
    __atomic_store_n(full_at_ns, full + limit->cost_ns, __ATOMIC_RELAXED);
    return true;
}

#endif
