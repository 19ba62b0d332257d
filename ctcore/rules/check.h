/* check.h - is what connection limits count what flows note?
 *
 * See base/check.h.  conns: the pool of all entries. */
#ifndef RULES_CHECK_H
#define RULES_CHECK_H

#include "rules/connlimit.h"

/* l may be NULL. */
const char *rules_check_connlimit(const struct connlimit *l,
                                  const struct pool *conns);

#endif
