/* sources.h - what the web asks of the router: a struct a resource
 *
 * The router fills each in; the web never sees a worker or a table.  Each
 * struct is functions and the ctx that they are called with.  For all of them:
 *
 *  - The structs and what ctx means belong to who filled them in, and stay
 *    until the loop has run after web_stop().  No struct and no function is
 *    NULL.
 *  - Functions are called on the thread of the web's loop alone, and return at
 *    once: they wait for no other thread.
 *  - They do not fail, but where it is said.  What they write to is the
 *    caller's; what they return is borrowed, for as long as it is said. */
#ifndef WEB_SOURCES_H
#define WEB_SOURCES_H

#include <web/expects.h>
#include <web/flows.h>
#include <web/health.h>
#include <web/ifaces.h>
#include <web/queues.h>
#include <web/removal.h>
#include <web/rules.h>
#include <web/stats.h>

struct web_sources {
    const struct web_flows *flows;
    const struct web_removal *removal;
    const struct web_expects *expects;
    const struct web_stats *stats;
    const struct web_ifaces *ifaces;
    const struct web_rules *rules;
    const struct web_queues *queues;
    const struct web_health *health;
};

#endif
