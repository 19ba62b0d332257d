/* stats.h - counters with one writer
 *
 * The shard's owner adds, anyone reads: a plain store of the sum is enough. */
#ifndef STATS_H
#define STATS_H

#include <stdint.h>

static inline void stats_add(uint64_t *counter, uint64_t by)
{
    __atomic_store_n(counter, *counter + by, __ATOMIC_RELAXED);
}

#endif
