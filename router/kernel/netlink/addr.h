/* addr.h - the addresses of devices that other hosts can reach */
#ifndef NETLINK_ADDR_H
#define NETLINK_ADDR_H

#include "kernel/netlink/netlink.h"

struct netlink_addr {
    union ct_addr addr;
    uint32_t index; /* of the device */
    uint8_t family, len;
    bool temporary, deprecated; /* IPv6's: RFC 8981, RFC 4862 section 5.5.4 */
};

typedef void netlink_addr_fn(void *ctx, const struct netlink_addr *addr);

/* Every address of global scope of every device, both families, in the
 * kernel's order; without those that IPv6 has not found to be unique (yet).
 * 0 or a negative errno; -EAGAIN: they changed meanwhile. */
int netlink_addr_each(struct netlink *nl, netlink_addr_fn *fn, void *ctx);

#endif
