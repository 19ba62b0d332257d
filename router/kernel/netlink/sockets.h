/* sockets.h - ports of the host's own sockets, by sock_diag */
#ifndef NETLINK_SOCKETS_H
#define NETLINK_SOCKETS_H

#include "kernel/netlink/netlink.h"

/* A netlink of its own.  0 or a negative errno, as below. */
int netlink_sockets_open(struct netlink **diag);

struct netlink_socket {
    union ct_addr addr; /* its own; all zeroes: any */
    union ct_addr peer;
    uint8_t family; /* of both; IPv4 ones in IPv6's clothes are IPv4 */
    uint16_t port, peer_port; /* the peer's is 0: it has none */
    uint32_t uid;             /* who made it */
};

typedef void netlink_sockets_fn(void *ctx, const struct netlink_socket *s);

/* addr and peer of s, from 4 or 16 bytes each; ::ffff:a.b.c.d is a.b.c.d. */
void netlink_sockets_addrs(struct netlink_socket *s, uint8_t family,
                           const void *addr, const void *peer);

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
