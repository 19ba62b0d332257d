/* removal.h - flows that the web has deleted, one by one or all
 *
 * How such a struct of functions is used: see sources.h.  The owners of the
 * flows delete, on their own threads: each deletion is an order to one of them.
 * A ticket counts the orders of one request. */
#ifndef WEB_REMOVAL_H
#define WEB_REMOVAL_H

#include <stdbool.h>
#include <stdint.h>

struct web_removal {
    void *ctx;

    /* A ticket, which the caller gives back by end().  CT_NONE: too many are
     * out, and the caller may try again later. */
    uint32_t (*begin)(void *ctx);
    /* Order that the flow be deleted, if it is still the one with that gen.
     * False: its owner has no place for one more order now; ask again later. */
    bool (*one)(void *ctx, uint32_t ticket, uint32_t shard, uint32_t slot,
                uint32_t gen);
    /* Order that all be deleted.  False: some owner has no place for that order
     * now; asked again, the rest get it. */
    bool (*all)(void *ctx, uint32_t ticket);
    /* Have the owners obeyed all orders of that ticket?  *deleted: the flows
     * that went by them; written only if so. */
    bool (*done)(void *ctx, uint32_t ticket, uint64_t *deleted);
    /* Orders that are out are obeyed nevertheless. */
    void (*end)(void *ctx, uint32_t ticket);
};

#endif
