/* entropy.c - entropy comes from here, and from nowhere else */
#include "system/entropy.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void entropy_fill(void *p, size_t n)
{
    uint8_t *at = p;

    while (n > 0) {
        ssize_t got = getrandom(at, n, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            fprintf(stderr, "weir: no entropy from getrandom: %s\n",
                    got < 0 ? strerror(errno) : "nothing came");
            exit(1);
        }
        at += got;
        n -= (size_t)got;
    }
}
