/* server.h - one listening socket: its clients, and how many of them */
#ifndef SERVER_H
#define SERVER_H

#include "request.h"

enum {
    SERVER_CONNECTIONS = 256,
    /* Answers in progress at a time, of these; the rest wait for their turn,
     * but for health checks. */
    SERVER_ANSWERS = 192,
    SERVER_LOCAL_CONNECTIONS = 64,
    SERVER_LOCAL_ANSWERS = 48,
    /* What one turn of the loop does at most. */
    SERVER_ACCEPTS = 32,
    SERVER_EVENTS = 64,
    SERVER_REQUESTS = 16,
    /* Bytes of answers that wait in memory: no request begins beyond it. */
    SERVER_HELD = 64 << 20
};

struct server;

/* Serve what comes by fd, which is taken over (closed on failure too).
 * local: it is the Unix socket.  NULL: could not be started. */
struct server *server_start(struct site *site, int fd, bool local);

/* No more connections; what sleeps is woken; all are closed.  site->stopping
 * is set. */
void server_stop(struct server *s, void (*closed)(void *arg), void *arg);

/* Let MHD act on what has been resumed, now. */
void server_run(struct server *s);

#endif
