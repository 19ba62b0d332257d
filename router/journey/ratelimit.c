/* ratelimit.c - token buckets for the router's own answers
 *
 * A token falls due every 75 to 125 ms, drawn each time: a host that
 * counts its answers can't tell one token taken by another host. */
#include "journey/ratelimit.h"

#include <ctcore/bits.h>

#include <string.h>

static uint64_t jitter(struct ratelimit *limit)
{
    return 75 + ct_splitmix(&limit->chance) % 51;
}

/* Of one part; never less than one receiver may have at once. */
static uint32_t total_burst(const struct ratelimit *limit)
{
    uint32_t burst = RATELIMIT_TOTAL / limit->parts;

    return burst < RATELIMIT_BURST ? RATELIMIT_BURST : burst;
}

void ratelimit_setup(struct ratelimit *limit, uint64_t seed, uint32_t parts)
{
    memset(limit, 0, sizeof *limit);
    limit->parts = parts > 0 ? parts : 1;
    limit->chance = seed;
    limit->key[0] = ct_splitmix(&limit->chance);
    limit->key[1] = ct_splitmix(&limit->chance);
    for (unsigned i = 0; i < RATELIMIT_BUCKETS; i++)
        limit->bucket[i].tokens = RATELIMIT_BURST;
}

/* Two keyed rounds of the generator's mixing step are plenty for 256 buckets
 * whose contents can't be seen from outside. */
static unsigned choose(const struct ratelimit *limit, const union ct_addr *addr)
{
    uint64_t h = addr->w64[0] ^ limit->key[0];

    h = ct_splitmix(&h) ^ addr->w64[1] ^ limit->key[1];
    return (unsigned)(ct_splitmix(&h) >> 56);
}

bool ratelimit_take(struct ratelimit *limit, const union ct_addr *addr,
                    ct_time now)
{
    unsigned i = choose(limit, addr);
    uint32_t tokens = limit->bucket[i].tokens;
    uint64_t next = limit->bucket[i].next_ms;

    while (tokens < RATELIMIT_BURST && now.ms >= next) {
        tokens++;
        next += jitter(limit);
    }
    if (tokens == RATELIMIT_BURST)
        next = now.ms + jitter(limit);
    limit->bucket[i].next_ms = next;
    limit->bucket[i].tokens = tokens > 0 ? tokens - 1 : 0;
    return tokens > 0;
}

/* Each millisecond of a part brings 0, 1 or 2 tokens, and each answer costs as
 * many: on average one, but they can't be counted from outside. */
bool ratelimit_total_left(struct ratelimit *limit, enum ratelimit_side side,
                          ct_time now)
{
    struct ratelimit_total *t = &limit->total[side];
    uint32_t burst = total_burst(limit);
    uint64_t due = (now.ms - t->at_ms) / limit->parts;

    t->at_ms += due * limit->parts;
    if (due > 2u * burst) {
        t->tokens = burst;
        due = 0;
    }
    for (; due > 0 && t->tokens < burst; due--)
        t->tokens += (uint32_t)(ct_splitmix(&limit->chance) % 3);
    if (t->tokens > burst)
        t->tokens = burst;
    return t->tokens > 0;
}

void ratelimit_total_use(struct ratelimit *limit, enum ratelimit_side side)
{
    struct ratelimit_total *t = &limit->total[side];
    uint32_t cost = (uint32_t)(ct_splitmix(&limit->chance) % 3);

    t->tokens -= cost < t->tokens ? cost : t->tokens;
}
