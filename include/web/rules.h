/* rules.h - the rules that are in force, and what they counted
 *
 * How such a struct of functions is used: see sources.h. */
#ifndef WEB_RULES_H
#define WEB_RULES_H

#include <ctcore/rules.h>

/* The rule and its text are borrowed until the loop's next turn. */
struct web_rule {
    const struct ct_rule *rule;
    const char *text;        /* as configured: a JSON object */
    uint64_t packets, bytes; /* of all shards */
};

struct web_rules {
    void *ctx;

    uint32_t (*n)(void *ctx);
    /* i: below n() of this turn of the loop. */
    void (*read)(void *ctx, uint32_t i, struct web_rule *out);
    /* Another number than before: other rules.  *text: bytes of all their
     * texts. */
    uint64_t (*serial)(void *ctx, size_t *text);
};

#endif
