/* health.c - named checks: what is well, what is not, and since when */
#include "system/health.h"

#include "system/log.h"

#include <stdio.h>
#include <string.h>

static struct health_check *ensure_health_check(struct health *h,
                                                const char *name, ct_time now)
{
    struct health_check *c;

    for (uint32_t i = 0; i < h->n; i++)
        if (strcmp(h->check[i].name, name) == 0)
            return &h->check[i];
    if (h->n == HEALTH_CHECKS)
        return NULL;
    c = &h->check[h->n++];
    snprintf(c->name, sizeof c->name, "%s", name);
    c->since = now;
    return c;
}

static void log_health_check(const struct health_check *c)
{
    switch (c->level) {
    case HEALTH_OK:
        log_info("health", "%s: well again", c->name);
        break;
    case HEALTH_WARN:
        log_warn("health", "%s: %s", c->name, c->detail);
        break;
    case HEALTH_FAIL:
        log_error("health", "%s: not ready: %s", c->name, c->detail);
        break;
    }
}

bool system_health_tell(struct health *h, const char *name,
                        enum health_level level, const char *detail,
                        ct_time now)
{
    struct health_check *c = ensure_health_check(h, name, now);

    if (c == NULL)
        return false;
    if (level == HEALTH_OK)
        detail = "";
    if (c->level == level && strcmp(c->detail, detail) == 0)
        return true;
    if (c->level != level)
        c->since = now;
    c->level = level;
    snprintf(c->detail, sizeof c->detail, "%s", detail);
    log_health_check(c);
    return true;
}

bool system_health_ready(const struct health *h, const char **why)
{
    for (uint32_t i = 0; i < h->n; i++)
        if (h->check[i].level == HEALTH_FAIL) {
            *why = h->check[i].detail;
            return false;
        }
    return true;
}
