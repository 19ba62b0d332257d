/* calm.h - a refused packet has no effect
 *
 * Nothing leaves, no flow comes or goes, and exactly one drop is counted. */
#ifndef CALM_H
#define CALM_H

#include "world.h"

/* A copy of what the next packets may not touch. */
struct calm {
    uint64_t sent, dropped;
    uint32_t flows;
};

static inline struct calm calm_of(const struct world *w)
{
    return (struct calm){w->sent, w->dropped, count_flows(w)};
}

static inline void refused(const struct world *w, const struct calm *before,
                           const char *what)
{
    if (w->sent != before->sent || count_flows(w) != before->flows ||
        w->dropped != before->dropped + 1)
        fail_msg("not refused: %s (sent %lu, dropped %lu, flows %u)", what,
                 (unsigned long)(w->sent - before->sent),
                 (unsigned long)(w->dropped - before->dropped),
                 count_flows(w) - before->flows);
}

static inline void refuse(struct world *w, const char *spec)
{
    struct calm before = calm_of(w);

    say(w, spec);
    refused(w, &before, spec);
}

#endif
