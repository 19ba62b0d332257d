/* reply.h - answers from addresses of the host that weir does not serve
 *
 * An address of lo, of a device that is not named, or beyond those of a device
 * that are served: what is for it comes to the host past weir.  What the host
 * sends goes to weir, which would take the answer for a new flow of the host's.
 * So in a table "weir_reply"
 *
 *    asked   who asks at such an address is noted for a while: both addresses,
 *            protocol and ports
 *    reply   a TCP connection that the host goes on with is noted for long.
 *            The answer to what is noted is marked, and so routed by the host's
 *            rules and main alone
 *    leave   takes the mark off again, where nothing is routed any more; what
 *            is forwarded has no part in this
 *
 * Private to guard.c. */
#ifndef GATEWAY_REPLY_H
#define GATEWAY_REPLY_H

#include "gateway/guard/table.h"

#define GATEWAY_REPLY_TABLE "weir_reply"

void gateway_reply_put(struct netlink_nft *b, const struct gateway_table_key *k,
                       uint32_t mark);

#endif
