/* pool.h - fixed-size things cut from the caller's block
 *
 * block_take() hands out the next piece; with base NULL it only adds up, so
 * the walk that lays the core out is also the walk that says how large the
 * block must be.  A pool gives out items by number, lowest first at the start,
 * the last returned one first afterwards; its free list runs through one
 * uint32_t of each item, at an offset that the item's own readers never read.
 */
#ifndef POOL_H
#define POOL_H

#include "base/assert.h"

#include <ctcore/types.h>

struct block {
    uint8_t *base; /* NULL: measure only */
    size_t used;
};

static inline void *block_take(struct block *b, size_t bytes)
{
    void *p = b->base ? b->base + b->used : NULL;

    b->used += (bytes + 63) & ~(size_t)63;
    return p;
}

struct pool {
    uint8_t *items;
    uint32_t size;  /* of an item */
    uint32_t n;     /* items in all */
    uint32_t link;  /* offset of the free-list word */
    uint32_t free;  /* last returned, or CT_NONE */
    uint32_t fresh; /* items from here on were never out */
    uint32_t used;
};

void pool_init(struct pool *p, struct block *b, uint32_t n, size_t size,
               size_t link);

/* An item's number, or CT_NONE.  Its bytes are as they were left. */
uint32_t pool_get(struct pool *p);
void pool_put(struct pool *p, uint32_t item);

#endif
