/* clock.c - time and entropy come from here, and from nowhere else */
#include "system/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

/* Not by the log: that needs the time itself. */
static _Noreturn void die(const char *what, const char *why)
{
    fprintf(stderr, "weir: %s: %s\n", what, why);
    exit(1);
}

static uint64_t read_ms(clockid_t id)
{
    struct timespec ts;

    /* Both clocks always exist on Linux; a zero would stop every timer. */
    if (clock_gettime(id, &ts) != 0)
        die("clock_gettime", strerror(errno));
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

void entropy_fill(void *p, size_t n)
{
    uint8_t *at = p;

    while (n > 0) {
        ssize_t got = getrandom(at, n, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            die("no entropy from getrandom",
                got < 0 ? strerror(errno) : "nothing came");
        at += got;
        n -= (size_t)got;
    }
}
