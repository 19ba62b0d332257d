/* expect.h - flows that another flow has announced
 *
 * An expectation is a tuple with holes (its source, or source port), the flow
 * that announced it, its master, and what is to be done with the flow that
 * comes.  The first new flow that fits consumes it, unless it is PERMANENT; it
 * dies with its master or when its time is up.  A master has so many of each
 * class as the helper's policy says; one more takes the place of the oldest.
 *
 * Found by destination, protocol and port; written by the owner between an odd
 * and an even seq, read by anyone as entries are.  A master's expectations hang
 * on its extension record (ext.h). */
#ifndef EXPECT_H
#define EXPECT_H

#include "table/ext.h"
#include "table/peers.h"
#include "table/table.h"

#include <ctcore/ct.h>

/* How many of a class a master may have waiting, and for how long. */
struct expect_policy {
    uint32_t max, seconds;
};

/* What is expected, as a helper announces it. */
struct expect_ask {
    struct ct_tuple tuple; /* as the first packet will stand on arrival */
    bool any_src, any_sport;
    bool permanent;
    uint8_t helper, class;
    uint8_t dir;     /* of the master: the way it will come */
    bool translated; /* as its master is; and with this port inside: */
    uint16_t port;
};

struct expect {
    uint32_t seq; /* odd while it is being written */
    uint32_t master, master_gen;
    uint8_t used, pad[3];
    struct ct_tuple master_tuple;
    struct expect_ask ask;
    uint64_t expires; /* ms; past it, it matches nothing */
    /* the owner's own; readers never look */
    uint32_t hash_prev, hash_next;     /* those to one destination */
    uint32_t master_prev, master_next; /* those of one master, newest first */
    uint32_t age_prev, age_next;       /* all, by when they end */
    struct share_place place;          /* its source's share of all */
    bool stray;                        /* its packets come to another shard */
};

struct expects {
    struct pool pool; /* struct expect */
    uint32_t most;    /* of them that may be in use */
    uint32_t *heads;  /* by hash of the destination */
    uint32_t n_heads; /* a power of two */
    uint32_t first, last;
    uint32_t moves; /* odd while a chain changes */
    struct peers *peers;
    struct table *table;
    struct exts *exts;
    struct share *share; /* NULL: a source may have all */
    uint64_t *stats;     /* enum ct_stat */
    struct work *work;   /* the core's */
};

/* So many wait at one address and port at most, for different sources: they
 * stand in one chain, and each first packet for it looks at all of them. */
enum { EXPECT_AT_ONE = 16 };

enum expect_made {
    EXPECT_MADE,
    EXPECT_BUSY, /* another's would match the same packets */
    EXPECT_FULL  /* none left in all shards, or for its source */
};

/* n: expectations; 0: there are none, ever. */
void expect_init(struct expects *e, struct block *b, uint32_t n);
/* From now on at most so many, and no more than there are; those beyond stay.
 */
void expect_limit(struct expects *e, uint32_t most);
void expect_start(struct expects *e, struct table *table, struct exts *exts,
                  struct peers *peers, uint64_t *stats);

/* Expect this of master (a slot), which has an extension record.  One of the
 * same master for the same tuple is replaced. */
enum expect_made expect_add(struct expects *e, uint32_t master,
                            const struct expect_ask *ask,
                            const struct expect_policy *policy, ct_time now);

/* The expectation that a new flow of this tuple fulfils, or NULL.
 * => its master is in the table, and lives. */
const struct expect *expect_find(const struct expects *e,
                                 const struct ct_tuple *t, ct_time now);

/* Any thread: does one wait for a flow of this tuple?  May say yes of one that
 * is just coming or going, never no of one that stays.  The steps are counted
 * in work, which is the thread's. */
bool expect_holds(const struct expects *e, const struct ct_tuple *t,
                  ct_time now, struct work *work);

/* Steering changed: does this shard still get its packets? */
void expect_steered(struct expects *e, uint32_t i);

/* That flow is here. */
void expect_consume(struct expects *e, const struct expect *x);

/* Take back what master expects with exactly that destination and port, or
 * all of it. */
void expect_cancel(struct expects *e, uint32_t master,
                   const struct ct_tuple *t);
void expect_forget(struct expects *e, uint32_t master);

/* Remove those whose time is up, budget at most; how many that were. */
uint32_t expect_expire(struct expects *e, ct_time now, uint32_t budget);

static inline struct expect *expect_at(const struct expects *e, uint32_t i)
{
    return (struct expect *)(void *)e->pool.items + i;
}

#endif
