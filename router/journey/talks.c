/* talks.c - the host's own connections, each by its tuple */
#include "journey/talks.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 64 };

/* The struct has no padding. */
static int compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct ct_tuple));
}

bool talks_add(struct talks *t, const struct ct_tuple *tuple)
{
    if (t->n == t->room) {
        uint32_t room = t->room > 0 ? 2 * t->room : FIRST_ROOM;
        void *more = reallocarray(t->tuple, room, sizeof *t->tuple);

        if (more == NULL)
            return false;
        t->tuple = more;
        t->room = room;
    }
    t->tuple[t->n++] = *tuple;
    return true;
}

void talks_sort(struct talks *t)
{
    if (t->n > 0)
        qsort(t->tuple, t->n, sizeof *t->tuple, compare);
}

bool talks_has(const struct talks *t, const struct ct_tuple *tuple)
{
    return t->n > 0 &&
           bsearch(tuple, t->tuple, t->n, sizeof *tuple, compare) != NULL;
}

void talks_free(struct talks *t)
{
    free(t->tuple);
    *t = (struct talks){0};
}
