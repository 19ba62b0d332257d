/* deadlines.c - a binary heap of slots, each of which knows its place in it */
#include "table/deadlines.h"

/* How much later than its key a deadline may be before the flow is moved. */
#define SLACK_MS 1000u

void deadlines_init(struct deadlines *d, struct block *b, uint32_t room,
                    uint32_t max)
{
    *d = (struct deadlines){.n = 0};
    if (room == 0)
        return;
    d->heap = block_take(b, (room < max ? room : max) * sizeof *d->heap);
    d->at = block_take(b, (size_t)max * sizeof *d->at);
}

static void put_deadline(struct deadlines *d, uint32_t i, struct deadline what)
{
    d->heap[i] = what;
    d->at[what.slot] = i + 1;
}

/* Find what its place: from i, which is free, towards the root ... */
static void sift_up(struct deadlines *d, uint32_t i, struct deadline what)
{
    for (; i > 0; i = (i - 1) / 2) {
        struct deadline above = d->heap[(i - 1) / 2];

        if (above.key_ms <= what.key_ms)
            break;
        put_deadline(d, i, above);
    }
    put_deadline(d, i, what);
}

/* ... or away from it. */
static void sift_down(struct deadlines *d, uint32_t i, struct deadline what)
{
    uint32_t below;

    while ((below = 2 * i + 1) < d->n) {
        if (below + 1 < d->n &&
            d->heap[below + 1].key_ms < d->heap[below].key_ms)
            below++;
        if (what.key_ms <= d->heap[below].key_ms)
            break;
        put_deadline(d, i, d->heap[below]);
        i = below;
    }
    put_deadline(d, i, what);
}

/* Place i gets what, whichever way it has to go. */
static void place_deadline(struct deadlines *d, uint32_t i,
                           struct deadline what)
{
    if (i > 0 && what.key_ms < d->heap[(i - 1) / 2].key_ms)
        sift_up(d, i, what);
    else
        sift_down(d, i, what);
}

void deadlines_set(struct deadlines *d, uint32_t slot)
{
    struct deadline what = {d->conns[slot].expires, slot};
    uint32_t at = d->at[slot];

    if (at == 0)
        sift_up(d, d->n++, what);
    else if (what.key_ms - d->heap[at - 1].key_ms >= SLACK_MS)
        place_deadline(d, at - 1, what); /* earlier: the difference wraps */
}

void deadlines_remove(struct deadlines *d, uint32_t slot)
{
    uint32_t at = d->at ? d->at[slot] : 0;
    struct deadline last;

    if (at == 0)
        return;
    d->at[slot] = 0;
    last = d->heap[--d->n];
    if (last.slot != slot)
        place_deadline(d, at - 1, last);
}

uint32_t deadlines_due(struct deadlines *d, ct_time now, uint32_t *left)
{
    for (; *left > 0 && d->n > 0 && d->heap[0].key_ms <= now.ms; --*left) {
        struct deadline first = d->heap[0];

        if (d->conns[first.slot].expires <= now.ms)
            return first.slot;
        first.key_ms = d->conns[first.slot].expires;
        sift_down(d, 0, first);
    }
    return CT_NONE;
}
