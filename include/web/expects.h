/* expects.h - flows that helpers have heard announced
 *
 * How such a struct of functions is used: see sources.h.  They stand in as many
 * shards as flows do; shard * each() + number is a place to go on from. */
#ifndef WEB_EXPECTS_H
#define WEB_EXPECTS_H

#include <ctcore/view.h>

struct web_expects {
    void *ctx;

    uint32_t (*each)(void *ctx);  /* places of each shard; never changes */
    uint64_t (*count)(void *ctx); /* announced now */
    /* Copy what is announced at this place to *v.  False: nothing, or no such
     * place, and *v means nothing. */
    bool (*read)(void *ctx, uint32_t shard, uint32_t number,
                 struct ct_expect_view *v);
};

#endif
