/* talks.h - the host's own connections, each by its tuple
 *
 * Filled and sorted by one thread, then only read, by any number. */
#ifndef TALKS_H
#define TALKS_H

#include <ctcore/types.h>

/* Zeroes: empty.  tuple: as the packets that come have it, zone 0. */
struct talks {
    uint32_t n, room;
    struct ct_tuple *tuple;
};

/* False: no memory, and it is as it was. */
bool talks_add(struct talks *t, const struct ct_tuple *tuple);

/* To be done before talks_has(). */
void talks_sort(struct talks *t);

/* Of those sorted; some 16 comparisons for 65,536. */
bool talks_has(const struct talks *t, const struct ct_tuple *tuple);

void talks_free(struct talks *t);

#endif
