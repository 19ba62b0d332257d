/* notrack.h - packets that the kernel's own connection tracking leaves
 * alone, by nf_tables
 *
 * A table of family inet with two chains of priority raw: what comes by one of
 * the devices, and what the host sends by one of them, is not tracked. Each
 * call is one transaction. */
#ifndef NETLINK_NOTRACK_H
#define NETLINK_NOTRACK_H

#include <stdint.h>

#define NETLINK_NOTRACK "weir_notrack"

enum { NETLINK_NOTRACK_DEVICES = 16 };

/* Indices of devices; 0: none. */
struct netlink_notrack {
    uint32_t in[NETLINK_NOTRACK_DEVICES];
    uint32_t out; /* what the host sends by it */
};

/* In place of whatever table of that name is there.  0 or a negative errno. */
int netlink_notrack_put(const struct netlink_notrack *what);

/* Nothing there is fine, and so is a kernel that has no nf_tables. */
int netlink_notrack_remove(void);

#endif
