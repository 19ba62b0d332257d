/* dump.h - copy entries out, from any thread, without a lock
 *
 * The words of an entry and of what lies beside it are loaded one by one, each
 * an acquire; if the entry's sequence count was even before and is the same
 * after, they belong together.  The owner is never slowed down, a reader that
 * meets him writing begins again.  Readers walk slots, never chains. */
#ifndef DUMP_H
#define DUMP_H

#include "core/core.h"

struct dump_copy {
    uint32_t slot;
    struct ct_conn conn; /* up to its links */
    struct acct acct;
    uint32_t start;
    struct ext ext; /* up to the owner's own; kinds is 0: it has none */
};

/* The words as they are now, torn or not; the owner's are never torn. */
void dump_copy(const struct ct *ct, uint32_t slot, struct dump_copy *copy);

void dump_view(const struct ct *ct, const struct dump_copy *copy,
               struct ct_view *view);

#endif
