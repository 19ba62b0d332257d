/* past.h - what the host sends past weir, and its answers
 *
 * Chains of the guard's table.  What the host sends by a device itself, past
 * weir, since a rule, a mark or a socket's device says so, is noted: both
 * addresses, the protocol and both ports.
 *
 *    output       notes it for a while: see docker/README.md.  What it
 *                 sends into weir ends the note of the same connection.
 *    prerouting   the answer is marked: for the host, past weir.  Of one in
 *                 fragments the first is known by its ports, and the others by
 *                 the first one's id: those that come before it are weir's.
 *                 ICMP errors that quote what the host has sent are marked,
 *                 too (errors.h).
 *    input        takes the mark off again
 *    clash        what weir sends by a noted connection's addresses and ports
 *                 would be answered to the host: it is dropped, and noted, so
 *                 that weir gives the client another port
 *
 * The sets stay as they are when the rules are made again. */
#ifndef GATEWAY_PAST_H
#define GATEWAY_PAST_H

#include "gateway/guard/table.h"

void gateway_past_put(struct netlink_nft *b, const struct gateway_table_key *k);

#endif
