/* errors.h - ICMP errors about what the host sends past weir */
#ifndef GATEWAY_ERRORS_H
#define GATEWAY_ERRORS_H

#include "gateway/guard/table.h"

/* Rules behind those of the chain "prerouting", of one family: an error about
 * a connection of this set (a key: gateway_table_tuple()) is marked, for the
 * host.  Path MTUs and closed ports concern the host's sockets, which judge
 * whether they have sent what is quoted. */
void gateway_errors_put(struct netlink_nft *b,
                        const struct gateway_table_layout *l, const char *note);

#endif
