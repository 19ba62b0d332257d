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
 * Only the owner follows buckets.  Nothing here knows NAT or time lists. */
#ifndef TABLE_H
#define TABLE_H

#include "conn.h"
#include "pool.h"

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
};

void table_init(struct table *t, struct block *b, uint32_t n_buckets,
                uint32_t max);

/* The living entry that has this tuple, and which one it is.
 * => entries past their time or DYING are not seen. */
struct ct_conn *table_find(const struct table *t, const struct ct_tuple *tuple,
                           uint64_t hash, ct_time now, enum ct_dir *dir);

/* Is this tuple any living entry's, in either direction?  What NAT asks of the
 * reply it has in mind.  Answers the entry, or NULL. */
struct ct_conn *table_taken(const struct table *t, const struct ct_tuple *tuple,
                            ct_time now);

/* Enter both tuples.  NONE, CLASH, or CHAIN_TOO_LONG; then nothing changed.
 * The caller sets CONFIRMED. */
enum ct_reason table_confirm(struct table *t, uint32_t slot, ct_time now);
void table_unlink(struct table *t, uint32_t slot);

/* Bucket of a hash, and the entries of a bucket in order: the early drop's
 * walk.  *at begins with 0; answers CT_NONE past the end. */
uint32_t table_bucket(const struct table *t, uint64_t hash);
uint32_t table_node(const struct table *t, uint32_t bucket, uint32_t *at);

void table_prefetch(const struct table *t, uint64_t hash);

static inline uint32_t table_slot(const struct table *t,
                                  const struct ct_conn *c)
{
    return (uint32_t)(c - t->conns);
}

#endif
