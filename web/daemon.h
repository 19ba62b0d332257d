/* daemon.h - libmicrohttpd behind a server: its callbacks, its connections */
#ifndef DAEMON_H
#define DAEMON_H

#include "http/request.h"

/* Who has the connection whose other end is far; NULL: none. */
struct daemon_host {
    struct conn *(*find)(void *arg, int far);
    void *arg;
};

/* Without a listening socket: daemon_add() brings it connections, so many at
 * most.  host is borrowed.  NULL: no memory or no descriptors. */
struct MHD_Daemon *daemon_new(const struct daemon_host *host, unsigned most);

/* Give it c->far, which belongs to it from now on (closed on failure too). */
bool daemon_add(struct MHD_Daemon *mhd, struct conn *c);

#endif
