/* bound.h - which ports the host's own sockets have
 *
 * No flow is hidden behind them, so that nothing meant for a listener of the
 * host is ever taken for an answer to a client. */
#ifndef BOUND_H
#define BOUND_H

#include "config.h"

/* Set what stands in the table of this protocol in folder (/proc/net: "tcp",
 * "tcp6", "udp", "udp6"), and the configured ranges; clears all else.  TCP
 * counts when it listens, UDP when it has no peer.  A table that can't be read
 * (no IPv6) counts as empty.  May be called while workers read the set. */
void bound_update(struct ct_reserved *set, const char *folder,
                  const char *protocol, const struct ct_port_range *ranges,
                  uint32_t n_ranges);

#endif
