/* server_state.h - a server's state and limits, which its parts share */
#ifndef SERVER_STATE_H
#define SERVER_STATE_H

#include "daemon.h"
#include "http/places.h"
#include "http/request.h"

enum {
    SERVER_CONNECTIONS = 256,
    /* Answers in progress at a time, of these; the rest wait for their turn,
     * but for health checks. */
    SERVER_ANSWERS = 192,
    SERVER_LOCAL_CONNECTIONS = 64,
    SERVER_LOCAL_ANSWERS = 48,
    /* Of four answers, those that may be long (head.h): the others are short,
     * and find a place at once. */
    SERVER_WALKS = 3,
    /* What one turn of the loop does at most. */
    SERVER_ACCEPTS = 64,
    SERVER_QUEUE = 512, /* clients not accepted yet: that is long */
    SERVER_EVENTS = 64,
    SERVER_REQUESTS = 16,
    /* Bytes of answers that wait in memory: no request begins beyond it, but
     * for health checks. */
    SERVER_HELD = 64 << 20,
    SERVER_LOCAL_HELD = 32 << 20
};

struct server {
    struct site *site;
    struct MHD_Daemon *mhd;
    bool local;
    bool paused; /* no descriptor for a new client: on_sweep() tries again */
    int fd, epoll;
    struct conn *conns;
    unsigned n_answers, n_walks; /* in progress; walks are answers too */
    struct conn_host host;
    struct daemon_host daemon;
    struct places places;
    struct {
        uint64_t turn; /* of the loop, in which: */
        unsigned requests;
        uint64_t ns;
    } begun;
    uint64_t released; /* requests, ever */
    uint64_t others;   /* of them, those that are no health checks */
    uv_poll_t poll, mhd_poll;
    uv_timer_t due;   /* MHD's */
    uv_idle_t soon;   /* the same, at once */
    uv_timer_t sweep; /* ours: deadlines */
    unsigned open_handles;
    void (*closed)(void *arg);
    void *arg;
};

#endif
