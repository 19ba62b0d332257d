/* silence.h - what the host does not answer in the place of weir
 *
 * Chain "silence" of the guard's table: of what the host says from one of the
 * devices' addresses by such a device itself, which it does only while there is
 * no weir, and of what it says from an address that is gone, or back and not
 * yet weir's, by such a device or one of weir's, go
 *
 *    TCP     a RST without an ACK: it answers what no connection begins with
 *    ICMP    port and protocol unreachable; in ICMPv6 an unknown next header
 *
 * So flows that weir knew outlive it, whichever end speaks first.  A RST of a
 * socket of the host, and the one that refuses a SYN, have an ACK (RFC
 * 9293 3.5.2). */
#ifndef GATEWAY_SILENCE_H
#define GATEWAY_SILENCE_H

#include "gateway/guard/table.h"

void gateway_silence_put(struct netlink_nft *b,
                         const struct gateway_table_key *k);

#endif
