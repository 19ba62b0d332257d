/* removal.h - flows that are deleted by hand: until it is done, and how many
 *
 * Deletions are orders to workers.  Who asked for them holds a ticket, by which
 * each worker counts what it deleted; orders are numbered, so it is known when
 * the last one of a ticket has been obeyed.  Control's thread only. */
#ifndef REMOVAL_H
#define REMOVAL_H

#include "worker/worker.h"

struct removal {
    bool used;
    uint64_t base[CT_MAX_SHARDS]; /* what was counted before */
    uint64_t last[CT_MAX_SHARDS]; /* its last order */
    uint64_t flush[CT_MAX_SHARDS];
};

/* CT_NONE: all tickets are out. */
uint32_t removal_begin(struct removal *all, struct worker *const w[],
                       uint32_t n);
/* False: that worker's mailbox is full. */
bool removal_one(struct removal *all, uint32_t ticket, struct worker *const w[],
                 uint32_t shard, uint32_t slot, uint32_t gen);
/* False: some mailbox is full; the same again orders the rest. */
bool removal_flush(struct removal *all, uint32_t ticket,
                   struct worker *const w[], uint32_t n);
/* Is all done?  *deleted: how many flows went. */
bool removal_done(const struct removal *all, uint32_t ticket,
                  struct worker *const w[], uint32_t n, uint64_t *deleted);
void removal_end(struct removal *all, uint32_t ticket);

#endif
