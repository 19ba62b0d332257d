/* netlink_sockets.h - ports of the host's own sockets, by sock_diag */
#ifndef NETLINK_SOCKETS_H
#define NETLINK_SOCKETS_H

#include "netlink.h"

/* A netlink of its own.  0 or a negative errno, as below. */
int netlink_sockets_open(struct netlink **diag);

struct netlink_socket {
    union ct_addr addr; /* its own; all zeroes: any */
    uint8_t family;     /* of addr; an IPv4 one in IPv6's clothes is IPv4 */
    uint16_t port;
    uint32_t uid; /* who made it */
};

typedef void netlink_sockets_fn(void *ctx, const struct netlink_socket *s);

/* ::ffff:a.b.c.d is a.b.c.d. */
void netlink_sockets_addr(struct netlink_socket *s, uint8_t family,
                          const void *bytes);

enum netlink_sockets_which {
    NETLINK_SOCKETS_OPEN, /* TCP: it listens; UDP: it has no peer */
    NETLINK_SOCKETS_ALL
};

/* The kernel chooses them, others cost no copy.  -ENOENT: it has no sock_diag.
 */
int netlink_sockets_each(struct netlink *diag, uint8_t family, bool tcp,
                         enum netlink_sockets_which which,
                         netlink_sockets_fn *fn, void *ctx);

#endif
