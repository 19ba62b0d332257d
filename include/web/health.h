/* health.h - is the router well, and since when
 *
 * How such a struct of functions is used: see sources.h. */
#ifndef WEB_HEALTH_H
#define WEB_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

/* One thing that must be well for packets to be routed.  Its strings are
 * borrowed until the loop's next turn. */
struct web_check {
    const char *name;
    const char *level;  /* "ok", "warn", "fail" */
    const char *detail; /* a sentence; "" when it is well */
    int64_t since_ms;   /* when the level changed: wall, since 1970 */
};

struct web_health {
    void *ctx;

    /* Ready to route?  If not, *why is a sentence, borrowed until the loop's
     * next turn; if so it may be left as it is. */
    bool (*ready)(void *ctx, const char **why);
    uint32_t (*n)(void *ctx);
    /* i: below n() of this turn of the loop. */
    void (*check)(void *ctx, uint32_t i, struct web_check *out);
};

#endif
