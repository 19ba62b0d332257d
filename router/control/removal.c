/* removal.c - tickets: send orders to workers, and add up what they deleted */
#include "control/removal.h"

#include <string.h>

/* Nothing of its former user is on its way any more. */
static bool is_free(const struct removal *r, struct worker *const w[],
                    uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (!worker_obeyed(w[i], r->last[i]) ||
            !worker_flushed(w[i], r->flush[i]))
            return false;
    return !r->used;
}

uint32_t removal_begin(struct removal *all, struct worker *const w[],
                       uint32_t n)
{
    for (uint32_t t = 0; t < WORKER_TICKETS; t++) {
        struct removal *r = &all[t];

        if (!is_free(r, w, n))
            continue;
        memset(r, 0, sizeof *r);
        r->used = true;
        for (uint32_t i = 0; i < n; i++)
            r->base[i] = worker_removed(w[i], t);
        return t;
    }
    return CT_NONE;
}

bool removal_one(struct removal *all, uint32_t ticket, struct worker *const w[],
                 uint32_t shard, uint32_t slot, uint32_t gen)
{
    if (!worker_delete(w[shard], ticket, slot, gen))
        return false;
    all[ticket].last[shard] = worker_ordered(w[shard]);
    return true;
}

bool removal_flush(struct removal *all, uint32_t ticket,
                   struct worker *const w[], uint32_t n)
{
    struct removal *r = &all[ticket];

    for (uint32_t i = 0; i < n; i++) {
        if (r->flush[i] != 0)
            continue;
        if (!worker_flush(w[i], ticket))
            return false;
        r->last[i] = r->flush[i] = worker_ordered(w[i]);
    }
    return true;
}

bool removal_done(const struct removal *all, uint32_t ticket,
                  struct worker *const w[], uint32_t n, uint64_t *deleted)
{
    const struct removal *r = &all[ticket];

    *deleted = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (!worker_obeyed(w[i], r->last[i]) ||
            !worker_flushed(w[i], r->flush[i]))
            return false;
        *deleted += worker_removed(w[i], ticket) - r->base[i];
    }
    return true;
}

void removal_end(struct removal *all, uint32_t ticket)
{
    all[ticket].used = false;
}
