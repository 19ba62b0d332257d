/* web.h - the HTTP side: API, metrics, the page
 *
 * libmicrohttpd without a thread of its own: its epoll descriptor is polled by
 * the caller's uv loop.  Everything happens on that loop's thread. */
#ifndef WEB_WEB_H
#define WEB_WEB_H

#include <ctcore/event.h>
#include <uv.h>
#include <web/options.h>
#include <web/sources.h>

struct web;

/* How long a client is waited for; 0: the usual. */
struct web_patience {
    uint32_t head_ms;     /* for a request's whole head: 10 s */
    uint32_t linger_ms;   /* for its close after the last answer: 2 s */
    uint32_t stall_ms;    /* over TCP: in each 30 s in which an answer waits */
    uint32_t stall_bytes; /* for it, it takes 32 KiB at least */
};

/* Texts are copied. */
struct web_config {
    struct web_options options;
    const char *token; /* "" or NULL: none needed */
    const char *version;
    struct web_sources from; /* what they point to is borrowed */
    struct web_patience patience;
    void (*warn)(void *arg, const char *line); /* for the log; or NULL */
    void *warn_arg;
};

/* 0, or a negative errno with one sentence in err. */
int web_start(struct web **web, uv_loop_t *loop, const struct web_config *c,
              char err[256]);
uint16_t web_port(const struct web *web);

/* Ask for another token from now on ("" or NULL: for none).  False: no memory,
 * the old one stays. */
bool web_set_token(struct web *web, const char *token);

/* A flow event from shard; sent to its subscribers.  lost: events that were
 * lost before this one; subscribers receive the number. */
void web_event(struct web *web, uint32_t shard, const struct ct_event *ev,
               uint64_t lost);

/* Closes every connection, removes the socket file and frees. */
void web_stop(struct web *web);

#endif
