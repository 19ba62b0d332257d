/* bound.h - which ports the host's own sockets have
 *
 * No flow is hidden behind them, so that nothing meant for a listener of the
 * host is ever taken for an answer to a client. */
#ifndef BOUND_H
#define BOUND_H

#include "config.h"
#include "netlink_sockets.h"

/* Set the ports of this protocol ("tcp", "udp") that the kernel names, and the
 * configured ranges; clears all else.  TCP counts when it listens, UDP when it
 * has no peer.  The kernel is asked by diag (netlink_sockets.h); if that is
 * NULL, or it has no such thing, the tables in folder are read (/proc/net:
 * "tcp", "tcp6"), whose text has a line for each socket: 50 ms with 10,000.  A
 * table that can't be read (no IPv6) counts as empty.  May be called while
 * workers read the set. */
void bound_update(struct ct_reserved *set, struct netlink *diag,
                  const char *folder, const char *protocol,
                  const struct ct_port_range *ranges, uint32_t n_ranges);

/* Add these ports; clears none. */
void bound_join(struct ct_reserved *set, const uint64_t word[1024]);

/* Add the ports of all sockets, whatever they do; clears none. */
void bound_add(struct ct_reserved *set, struct netlink *diag,
               const char *folder, const char *protocol);

#endif
