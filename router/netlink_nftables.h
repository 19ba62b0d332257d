/* netlink_nftables.h - one transaction of nf_tables */
#ifndef NETLINK_NFTABLES_H
#define NETLINK_NFTABLES_H

#include <stddef.h>

/* batch: BEGIN, changes, END; the last change that asks for an acknowledgement
 * is waited for.  0, or the first error as a negative errno. */
int netlink_nftables_send(const void *batch, size_t len);

#endif
