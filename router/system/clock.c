/* clock.c - time comes from here, and from nowhere else */
#include "system/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t read_ms(clockid_t id)
{
    struct timespec ts;

    /* Both clocks always exist on Linux; a zero would stop every timer.  Not
     * said by the log: that needs the time itself. */
    if (clock_gettime(id, &ts) != 0) {
        fprintf(stderr, "weir: clock_gettime: %s\n", strerror(errno));
        exit(1);
    }
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

ct_time clock_now(void)
{
    return (ct_time){read_ms(CLOCK_MONOTONIC)};
}

int64_t clock_wall_ms(void)
{
    return (int64_t)read_ms(CLOCK_REALTIME);
}
