/* table.h - every flow, found by either of its tuples
 *
 * Buckets are fixed at start: half a cache line of seven tagged slots and a
 * link to an overflow line of the same shape.  Half a line, because a full
 * table has two nodes a bucket (buckets = max, as the kernel has it): more
 * than seven meet once in a thousand buckets.  A slot is a 32-bit word: the
 * entry's number, which of its two tuples this is, and, in the bits that are
 * left, a tag of the hash; so a miss costs one cache line and hardly ever an
 * entry.
 *
 * Only the owner writes buckets; other shards look into them without a lock.
 * Nothing here knows NAT or time lists. */
#ifndef TABLE_H
#define TABLE_H

#include "base/pool.h"
#include "base/work.h"
#include "packet/tuple.h"
#include "table/conn.h"

#define TABLE_WIDTH 7u

struct bucket {
    uint32_t slot[TABLE_WIDTH]; /* 0: empty */
    uint32_t link;              /* overflow line + 1, or 0 */
};

struct table {
    struct bucket *buckets;
    uint32_t n_buckets;
    struct pool lines; /* struct bucket */
    struct ct_conn *conns;
    uint32_t index_bits;
    uint64_t key[2];
    uint32_t moves; /* odd while an overflow line changes hands */
    struct work *work;
};

void table_init(struct table *t, struct block *b, uint32_t n_buckets,
                uint32_t max);

/* Bucket of a hash. */
static inline uint32_t table_bucket(const struct table *t, uint64_t hash)
{
    return (uint32_t)((hash >> 32) * t->n_buckets >> 32);
}

/* The entry that a slot in use names. */
static inline uint32_t table_index(const struct table *t, uint32_t word)
{
    return (word >> 1 & ((1u << t->index_bits) - 1)) - 1;
}

/* The next line of a bucket, which costs a step.  NULL: no more. */
static inline struct bucket *table_next(const struct table *t,
                                        const struct bucket *b)
{
    if (__builtin_expect(b->link == 0, 1))
        return NULL;
    work_step(t->work, 1);
    return (struct bucket *)(void *)t->lines.items + (b->link - 1);
}

/* The living entry that has this tuple, and which one it is.
 * => entries past their time or DYING are not seen. */
static inline struct ct_conn *table_find(const struct table *t,
                                         const struct ct_tuple *tuple,
                                         uint64_t hash, ct_time now,
                                         enum ct_dir *dir)
{
    const struct bucket *b = &t->buckets[table_bucket(t, hash)];
    uint32_t shift = t->index_bits + 1;
    uint32_t tag = (uint32_t)hash << shift >> shift;

    for (; b; b = table_next(t, b))
        for (uint32_t i = 0; i < TABLE_WIDTH; i++) {
            uint32_t word = b->slot[i];
            struct ct_conn *c;

            if (word >> shift != tag || word == 0)
                continue;
            c = &t->conns[table_index(t, word)];
            if (tuple_eq(&c->tuple[word & 1], tuple) && c->expires > now.ms &&
                !(c->status & CT_DYING)) {
                *dir = (enum ct_dir)(word & 1);
                return c;
            }
        }
    return NULL;
}

/* Any thread: is a living entry with this tuple in the table?  May say yes of
 * one that is just coming or going, never no of one that stays.  The steps are
 * counted in work, which is the thread's. */
bool table_holds(const struct table *t, const struct ct_tuple *tuple,
                 uint64_t hash, ct_time now, struct work *work);

/* The same, of an entry that table_find() may not see any more. */
const struct ct_conn *table_find_late(const struct table *t,
                                      const struct ct_tuple *tuple,
                                      uint64_t hash);

/* Enter both tuples.  NONE, CLASH, or CHAIN_TOO_LONG; then nothing changed.
 * The caller sets CONFIRMED.
 * => the entry's sequence count is odd. */
enum ct_reason table_confirm(struct table *t, uint32_t slot, ct_time now);
void table_unlink(struct table *t, uint32_t slot);

/* The entries of a bucket in order, of both directions: the early drop's walk.
 * The table must not change meanwhile. */
struct table_walk {
    const struct bucket *at;
    uint32_t i;
};
static inline struct table_walk table_walk(const struct table *t,
                                           uint32_t bucket)
{
    return (struct table_walk){&t->buckets[bucket], 0};
}
/* The next slot; CT_NONE: past the end. */
uint32_t table_walk_on(const struct table *t, struct table_walk *walk);

static inline void table_prefetch(const struct table *t, uint64_t hash)
{
    __builtin_prefetch(&t->buckets[table_bucket(t, hash)]);
}

static inline uint32_t table_slot(const struct table *t,
                                  const struct ct_conn *c)
{
    return (uint32_t)(c - t->conns);
}

#endif
