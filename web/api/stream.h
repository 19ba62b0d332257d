/* stream.h - /api/v1/events: server-sent events with honest gaps */
#ifndef STREAM_H
#define STREAM_H

#include "http/request.h"

#include <ctcore/event.h>

enum {
    STREAM_RING = 4096,      /* events kept for who is slow or comes back */
    STREAM_MAX_CLIENTS = 32, /* over TCP */
    STREAM_MAX_LOCAL = 16,   /* over the Unix socket */
    STREAM_HEARTBEAT_MS = 15000,
    STREAM_BATCH_MS = 10 /* events wait so long for company */
};

request_fn stream_get;

/* NULL: no memory. */
struct stream *stream_new(struct site *site);

void stream_event(struct stream *s, uint32_t shard, const struct ct_event *ev,
                  uint64_t lost);

unsigned stream_clients(const struct stream *s);
uint64_t stream_lost(const struct stream *s); /* told as gaps, all clients */

/* All clients have ended.  Frees when its timers are closed. */
void stream_close(struct stream *s, void (*closed)(void *arg), void *arg);

#endif
