/* flows.h - the flows that exist, as the web reads them
 *
 * How such a struct of functions is used: see sources.h.  A flow is numbered
 * shard * slots() + slot for people; that place is its own while it lives. */
#ifndef WEB_FLOWS_H
#define WEB_FLOWS_H

#include <ctcore/view.h>

struct web_flows {
    void *ctx;

    /* Neither changes while the router runs.  1 at least. */
    uint32_t (*shards)(void *ctx);
    uint32_t (*slots)(void *ctx); /* of each shard */

    uint32_t (*max)(void *ctx);     /* flows there may be */
    uint32_t (*buckets)(void *ctx); /* of all shards' hash tables */
    uint64_t (*count)(void *ctx);   /* flows there are */

    /* Copy the flow at this place to *v.  False: there is none, or no such
     * place, and *v means nothing. */
    bool (*read)(void *ctx, uint32_t shard, uint32_t slot, struct ct_view *v);

    ct_time (*now)(void *ctx); /* the clock that a flow's times are of */
    /* Wall milliseconds, since 1970, of an instant of that clock. */
    int64_t (*wall_ms)(void *ctx, ct_time t);
    /* The interface that a flow's in and out mean; "": there is none.  Borrowed
     * until the loop's next turn. */
    const char *(*iface_name)(void *ctx, uint8_t iface);

    /* From now on web_event() is called for what happens to flows, or (off) it
     * need not be.  An event may still come after off. */
    void (*want_events)(void *ctx, bool on);
};

#endif
