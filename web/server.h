/* server.h - one listening socket: its clients, and how many of them */
#ifndef SERVER_H
#define SERVER_H

#include "http/request.h"

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
