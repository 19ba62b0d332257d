/* clock.h - the one place where time and entropy are read */
#ifndef CLOCK_H
#define CLOCK_H

#include <ctcore/types.h>

ct_time clock_now(void);     /* CLOCK_MONOTONIC, ms */
int64_t clock_wall_ms(void); /* since 1970, for people only */

/* n bytes from getrandom(2).  Never returns without them: no entropy, no
 * router (it says so and exits 1). */
void entropy_fill(void *p, size_t n);

#endif
