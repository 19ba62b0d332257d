/* pktbuf.c - packet buffers, all there from the start */
#include "system/pktbuf.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

static_assert(PKTBUF_LINK <= (int)CT_HEADROOM, "the link header fits before");

bool pktbuf_setup(struct pktbuf_pool *pool, uint32_t n, uint8_t home)
{
    size_t size = n * sizeof *pool->block;

    *pool = (struct pktbuf_pool){.n = n};
    pool->free = calloc(n, sizeof(struct pktbuf *));
    pool->block = mmap(NULL, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pool->block == MAP_FAILED)
        pool->block = NULL;
    if (pool->free == NULL || pool->block == NULL) {
        pktbuf_free(pool);
        return false;
    }
    for (uint32_t i = n; i-- > 0;) {
        pool->block[i].home = home;
        pool->free[pool->n_free++] = &pool->block[i];
    }
    return true;
}

void pktbuf_free(struct pktbuf_pool *pool)
{
    if (pool->block != NULL)
        munmap(pool->block, pool->n * sizeof *pool->block);
    free(pool->free);
    *pool = (struct pktbuf_pool){.n = 0};
}

struct pktbuf *pktbuf_get(struct pktbuf_pool *pool)
{
    return pool->n_free == 0 ? NULL : pool->free[--pool->n_free];
}

void pktbuf_put(struct pktbuf_pool *pool, struct pktbuf *buf)
{
    assert(pool->n_free < pool->n);
    pool->free[pool->n_free++] = buf;
}
