/* clock.h - the one place where time is read */
#ifndef CLOCK_H
#define CLOCK_H

#include <ctcore/types.h>

ct_time clock_now(void);     /* CLOCK_MONOTONIC, ms */
int64_t clock_wall_ms(void); /* since 1970, for people only */

#endif
