/* tally.h - how many of something has each source?
 *
 * Exact counters in a hash table, each found by (source, what is counted).  A
 * counter that has come to nought is gone.  The maker of the table says how
 * many counters can be in use at once, so none is ever refused for want of
 * room; memory that was never used is never touched. */
#ifndef TALLY_H
#define TALLY_H

#include "base/pool.h"
#include "base/work.h"

struct tally_key {
    union ct_addr source; /* masked: tally_mask() */
    uint16_t zone, what;
    uint8_t family;
};

struct tally_counter {
    struct tally_key key;
    uint32_t n;    /* or the pool's link */
    uint32_t next; /* number + 1, or 0 */
};

struct tally {
    struct pool counters; /* struct tally_counter */
    uint32_t *heads;      /* by hash: a counter's number + 1, or 0 */
    uint32_t n_heads;     /* a power of two */
    uint64_t key[2];      /* SipHash's: strangers must not foresee chains */
    uint32_t moves;       /* odd while a chain changes */
    struct work *work;
};

static inline struct tally_counter *tally_at(const struct tally *t,
                                             uint32_t counter)
{
    return (struct tally_counter *)(void *)t->counters.items + (counter - 1);
}

/* The heads are to be zeroed, the counters not. */
void tally_init_heads(struct tally *t, struct block *b, uint32_t sources);
void tally_init_counters(struct tally *t, struct block *b, uint32_t n);

/* Sources alike in their first bits are one. */
void tally_mask(union ct_addr *a, unsigned bits);

/* Its counter's number + 1, or 0: nothing is counted. */
uint32_t tally_find(const struct tally *t, const struct tally_key *key);
uint32_t tally_count(const struct tally *t, uint32_t counter);
/* Any thread: what that source has by now; it may have changed since.  own: a
 * tally of the thread that asks, with the same hash key. */
uint32_t tally_peek(const struct tally *t, const struct tally_key *key,
                    const struct tally *own);
/* One more; answers its counter. */
uint32_t tally_add(struct tally *t, const struct tally_key *key);
/* One less, of a counter that tally_add() answered. */
void tally_take(struct tally *t, uint32_t counter);

#endif
