/* pool.c - pieces of one block, and items with a free list in them */
#include "base/pool.h"

#include <string.h>

void pool_init(struct pool *p, struct block *b, uint32_t n, size_t size,
               size_t link)
{
    *p = (struct pool){
        .items = block_take(b, (size_t)n * size),
        .size = (uint32_t)size,
        .n = n,
        .link = (uint32_t)link,
        .free = CT_NONE,
    };
}

static uint8_t *link_of(const struct pool *p, uint32_t item)
{
    return p->items + (size_t)item * p->size + p->link;
}

uint32_t pool_get(struct pool *p)
{
    uint32_t item = p->free;

    if (item != CT_NONE)
        memcpy(&p->free, link_of(p, item), sizeof p->free);
    else if (p->fresh < p->n)
        item = p->fresh++;
    else
        return CT_NONE;
    p->used++;
    return item;
}

void pool_put(struct pool *p, uint32_t item)
{
    ct_assert(p->used > 0 && item < p->fresh);
    /* Readers in other threads may stand on an item that goes. */
    __atomic_store_n((uint32_t *)(void *)link_of(p, item), p->free,
                     __ATOMIC_RELAXED);
    p->free = item;
    p->used--;
}
