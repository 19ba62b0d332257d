/* generation.h - one configuration, ready for the workers
 *
 * Workers borrow it; a newer one replaces it whole.  An old generation may be
 * freed once every worker has seen that all use a later one: until then those
 * that are ahead ask by its steering what those behind may do. */
#ifndef GENERATION_H
#define GENERATION_H

#include "worker/worker.h"

struct generation {
    struct generation *older;
    uint64_t serial;
    struct config *config; /* owned */
    struct fib *fib;
    struct steer *steer;
    uint32_t n_workers;
    struct worker_setup setup[CT_MAX_SHARDS];
    struct ct_rule_count *counts; /* n_workers times rules.n */
    struct ct_rule_count *counts_of[CT_MAX_SHARDS]; /* by worker, in counts */
    void *connlimit[CT_MAX_SHARDS]; /* or NULL: no rule has one */
    uint32_t *before;               /* see struct worker_setup */
};

/* Takes config over if it succeeds.  older may be NULL; it is only read, by any
 * thread, and must not be settled meanwhile.  NULL: no memory. */
struct generation *generation_new(struct config *config,
                                  struct generation *older,
                                  const uint8_t key[16]);
/* Just before it is put in force: readers see the counts of the older one's
 * rules until the workers carry the last of them over. */
void generation_show_counts(struct generation *g);
/* This one and all older ones. */
void generation_free(struct generation *g);

/* So many that not all workers have taken hang on g that another must wait:
 * each holds its memory, and its steering may be asked for each packet. */
bool generation_crowded(const struct generation *g);

/* All workers have settled on g: what came before is the caller's to free. */
struct generation *generation_settle(struct generation *g);

/* What a running router can't change: next keeps the values of now, and each
 * difference is told in a sentence.  False: the two can't be reconciled. */
bool generation_freeze(const struct config *now, struct config *next);

#endif
