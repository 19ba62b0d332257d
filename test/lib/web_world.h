/* web_world.h - a fake router behind the real HTTP side, on a loop of its own
 *
 * The loop turns on a thread; tests ask it from outside, by sockets, and reach
 * into it with web_world_do(). */
#ifndef WEB_WORLD_H
#define WEB_WORLD_H

#include <stdatomic.h>
#include <web/web.h>

enum { WORLD_SHARDS = 2, WORLD_SLOTS = 4096 };

struct world {
    uv_loop_t loop;
    uv_async_t async;
    uv_thread_t thread;
    uv_sem_t done;
    void (*job)(void *arg);
    void *arg;
    struct web *web;
    struct web_flows flows;
    struct web_removal removal;
    struct web_expects expects;
    struct web_stats stats;
    struct web_ifaces ifaces;
    struct web_rules rules;
    struct web_queues queues;
    struct web_health health;
    uint16_t port;
    char dir[64], socket[96], err[256];
    int result; /* of web_start() */

    bool alive[WORLD_SHARDS][WORLD_SLOTS];
    struct ct_view view[WORLD_SHARDS][WORLD_SLOTS];
    bool ready;
    int wanted; /* want_events() on minus off */
    /* an order is refused to so many in a row; tests look on. */
    atomic_uint refuse, refused;
    unsigned flushes, tickets; /* tickets: that are out */
    bool late;                 /* flows end before their orders come */
    unsigned slow, waited;     /* turns until deletions are done */
    uint64_t deleted;
};

/* token NULL: none. */
struct world *web_world_new(const char *token);
/* With more of the configuration than its token. */
struct world *web_world_with(struct web_config c);
/* What its HTTP side asks. */
struct web_sources web_world_sources(const struct world *w);
void web_world_stop(struct world *w); /* the HTTP side alone */
void web_world_free(struct world *w);
void web_world_do(struct world *w, void (*job)(void *arg), void *arg);

/* A flow of kind: 't'cp, 'u'dp, 'i'cmp, '6' TCP over IPv6. */
struct ct_view *web_world_flow(struct world *w, uint32_t shard, uint32_t slot,
                               char kind);

#endif
