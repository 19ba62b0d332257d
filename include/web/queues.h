/* queues.h - queues of packets that user programs decide about
 *
 * How such a struct of functions is used: see sources.h. */
#ifndef WEB_QUEUES_H
#define WEB_QUEUES_H

#include <stdbool.h>
#include <stdint.h>

/* Of all shards. */
struct web_queue {
    uint16_t number;
    bool bypass, fail_open, resize;
    uint32_t max, timeout_ms;
    bool listens;      /* a program is there: */
    uint32_t pid, uid; /*  who it is */
    uint32_t held;     /* packets that wait now */
    uint64_t queued, verdicts, full, timeout, bypassed, fail_opened;
    uint64_t bad_verdict; /* new bytes that were refused */
    uint64_t late;        /* verdicts on packets that did not wait any more */
};

struct web_queues {
    void *ctx;

    uint32_t (*n)(void *ctx); /* 0: there are none */
    /* i: below n(). */
    void (*read)(void *ctx, uint32_t i, struct web_queue *out);
};

#endif
