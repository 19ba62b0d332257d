/* stats.h - the core's counters, and its drops by reason
 *
 * How such a struct of functions is used: see sources.h.  shard: of one shard;
 * CT_NONE: of all (their sum, or the largest where the counter is a maximum).
 * Shards count on while they are read: two numbers need not be of one instant.
 */
#ifndef WEB_STATS_H
#define WEB_STATS_H

#include <ctcore/lists.h>
#include <ctcore/types.h>

struct web_stats {
    void *ctx;

    uint64_t (*stat)(void *ctx, uint32_t shard, enum ct_stat stat);
    uint64_t (*drops)(void *ctx, uint32_t shard, enum ct_reason reason);
};

/* Of all shards. */
static inline uint64_t web_stats_all(const struct web_stats *stats,
                                     enum ct_stat stat)
{
    return stats->stat(stats->ctx, CT_NONE, stat);
}

#endif
