/* server.h - libmicrohttpd on a uv loop: one listening socket */
#ifndef SERVER_H
#define SERVER_H

#include "request.h"

enum {
    SERVER_CONNECTIONS = 256,
    SERVER_CONNECTIONS_IP = 64 /* of one address: others still get in */
};

struct server;

/* Serve what comes by fd, which is taken over (closed on failure too).
 * local: it is the Unix socket.  NULL: could not be started. */
struct server *server_start(struct site *site, int fd, bool local);

/* First of two steps: no more connections.  Those that sleep must be woken
 * between the two, with site->stopping set; MHD aborts over a sleeper. */
void server_quiesce(struct server *s);
void server_stop(struct server *s, void (*closed)(void *arg), void *arg);

/* Wake the handlers that sleep between two turns. */
void server_wake(struct server *s);

/* Let MHD act on what has been resumed, now. */
void server_run(struct server *s);

#endif
