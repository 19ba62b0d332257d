/* check.c - items of a pool are out, or on its free list */
#include "base/check.h"

#include <string.h>

const char *base_check_pool(const struct pool *p, uint64_t *used)
{
    uint32_t n = 0, item = p->free;

    *used = 0;
    if (p->n == 0) /* it was left out */
        return NULL;
    for (uint32_t i = 0; i < p->fresh; i++)
        *used += base_check_mark(i);
    for (; item != CT_NONE; n++) {
        if (item >= p->fresh || n == p->fresh)
            return "pool: the free list leads astray";
        *used -= base_check_mark(item);
        memcpy(&item, p->items + (size_t)item * p->size + p->link, sizeof item);
    }
    if (n + p->used != p->fresh || p->fresh > p->n)
        return "pool: items are neither out nor free";
    return NULL;
}
