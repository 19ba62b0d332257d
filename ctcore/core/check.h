/* check.h - does all of a shard agree with itself?
 *
 * See base/check.h. */
#ifndef CORE_CHECK_H
#define CORE_CHECK_H

#include "core/core.h"

/* NULL, or what is wrong.  Between packets only; what it costs grows with the
 * table. */
const char *core_check(struct ct *ct);

#endif
