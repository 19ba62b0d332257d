/* check.h - do a module's counts agree?
 *
 * A module that keeps counts has such a file.  It walks all that the module
 * keeps, as it is between two packets, and answers NULL or a text that says
 * what is wrong.  These files are a library of their own, which tests link: the
 * release has none of it.
 *
 * Nothing here has memory to tick things off.  Two sets are compared by the
 * sums of their members' marks instead: different sets have the same sum once
 * in 2^64, whatever their members are. */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#include "base/pool.h"

#include <ctcore/bits.h>

static inline uint64_t base_check_mark(uint64_t member)
{
    return ct_splitmix(&member);
}

/* Is the free list right?  *used: the marks of the items in use. */
const char *base_check_pool(const struct pool *p, uint64_t *used);

#endif
