/* check.h - do the flows' tables, lists and counters agree?
 *
 * See base/check.h.  conns: the pool of all entries. */
#ifndef TABLE_CHECK_H
#define TABLE_CHECK_H

#include "table/expect.h"
#include "table/expiry.h"
#include "table/keymap.h"

static inline const struct ct_conn *table_check_conn(const struct pool *conns,
                                                     uint32_t slot)
{
    return (const struct ct_conn *)(const void *)conns->items + slot;
}

/* Each entry is free, unconfirmed, or found once by each of its tuples. */
const char *table_check_flows(const struct table *t, const struct pool *conns,
                              ct_time now);
/* Each confirmed one is in one list, and in the heap if it is to be. */
const char *table_check_expiry(const struct expiry *e,
                               const struct pool *conns);
/* Records belong to entries whose status says so. */
const char *table_check_ext(const struct exts *e, const struct pool *conns);
/* Expectations stand in three lists, and their masters are there. */
const char *table_check_expect(const struct expects *e,
                               const struct pool *conns);
/* Calls are found by their ids, and each belongs to a record. */
const char *table_check_keymap(const struct keymap *k, const struct exts *e,
                               const struct pool *conns);
/* Counters are found by their keys; *uses: the sum of all counts. */
const char *table_check_tally(const struct tally *t, uint64_t *uses);
/* What flows, mappings, records and expectations note is what is counted. */
const char *table_check_share(const struct share *s, const struct expects *x,
                              const struct pool *conns, uint32_t mappings);

#endif
