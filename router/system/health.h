/* health.h - named checks: what is well, what is not, and since when
 *
 * A check that changes is logged, once.  Only one that fails makes the router
 * not ready; a warning is for people. */
#ifndef HEALTH_H
#define HEALTH_H

#include <ctcore/types.h>

enum health_level { HEALTH_OK, HEALTH_WARN, HEALTH_FAIL };

enum { HEALTH_CHECKS = 32, HEALTH_ROOM = 256 };

struct health {
    uint32_t n;
    struct health_check {
        char name[32];
        enum health_level level;
        char detail[HEALTH_ROOM]; /* a sentence; "": it is well */
        ct_time since;            /* when the level changed */
    } check[HEALTH_CHECKS];
};

/* At the first time it is added, behind the others.  detail is ignored when
 * level is HEALTH_OK.  false: there is no room for one more. */
bool system_health_tell(struct health *h, const char *name,
                        enum health_level level, const char *detail,
                        ct_time now);

/* *why: the sentence of the first that fails. */
bool system_health_ready(const struct health *h, const char **why);

#endif
