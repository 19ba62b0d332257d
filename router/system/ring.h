/* ring.h - a queue between two threads: one puts in, one takes out
 *
 * No lock and no read-modify-write: each side owns one count and only reads
 * the other's.  Counts run freely; their difference is what lies in the ring.
 * Each side keeps a copy of the other's count and looks again only when the
 * copy says full or empty, so the two cache lines seldom change hands. */
#ifndef RING_H
#define RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct ring {
    _Alignas(64) _Atomic uint32_t put;   /* written by the producer */
    uint32_t taken_seen;                 /* producer's copy of taken */
    _Alignas(64) _Atomic uint32_t taken; /* written by the consumer */
    uint32_t put_seen;                   /* consumer's copy of put */
    _Alignas(64) uint32_t mask;
    uint32_t size; /* of one item */
    uint8_t *items;
};

/* n: a power of two.  False: no memory. */
static inline bool ring_setup(struct ring *r, uint32_t n, uint32_t size)
{
    memset(r, 0, sizeof *r);
    r->items = calloc(n, size);
    r->mask = n - 1;
    r->size = size;
    return r->items != NULL;
}

static inline void ring_free(struct ring *r)
{
    free(r->items);
    r->items = NULL;
}

/* Producer.  False: full. */
static inline bool ring_put(struct ring *r, const void *item)
{
    uint32_t put = atomic_load_explicit(&r->put, memory_order_relaxed);

    if (put - r->taken_seen > r->mask) {
        r->taken_seen = atomic_load_explicit(&r->taken, memory_order_acquire);
        if (put - r->taken_seen > r->mask)
            return false;
    }
    memcpy(r->items + (size_t)(put & r->mask) * r->size, item, r->size);
    atomic_store_explicit(&r->put, put + 1, memory_order_release);
    return true;
}

/* Consumer.  False: empty. */
static inline bool ring_take(struct ring *r, void *item)
{
    uint32_t taken = atomic_load_explicit(&r->taken, memory_order_relaxed);

    if (taken == r->put_seen) {
        r->put_seen = atomic_load_explicit(&r->put, memory_order_acquire);
        if (taken == r->put_seen)
            return false;
    }
    memcpy(item, r->items + (size_t)(taken & r->mask) * r->size, r->size);
    atomic_store_explicit(&r->taken, taken + 1, memory_order_release);
    return true;
}

#endif
