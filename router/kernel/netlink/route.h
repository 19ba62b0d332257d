/* route.h - the kernel's unicast routes */
#ifndef NETLINK_ROUTE_H
#define NETLINK_ROUTE_H

#include "kernel/netlink/netlink.h"

#include <assert.h>

/* All bytes of what is not set are 0: two that are the same are so by
 * memcmp(). */
struct netlink_route {
    union ct_addr dst;
    union ct_addr src; /* which address of ours to use; if src_set */
    uint32_t table;
    uint32_t index; /* the device (of several next hops, the first's that is
                       not dead); 0: none is told, or all are dead */
    uint8_t family, dst_len, src_set;
    uint8_t protocol; /* whose it is: RTPROT_* */
    uint32_t metric;  /* of those to one prefix the lowest is taken */
};
static_assert(sizeof(struct netlink_route) == 48, "no padding");

typedef void netlink_route_fn(void *ctx, const struct netlink_route *route);

/* Every unicast route of one family's table that has a next hop by the device
 * index (0: by any).  The kernel chooses them: with 100,000 routes by another
 * device none is copied.  0 or a negative errno, as all below; a table, a
 * family or a device that isn't there has none.  -EAGAIN: they changed
 * meanwhile. */
int netlink_route_each(struct netlink *nl, uint8_t family, uint32_t table,
                       uint32_t index, netlink_route_fn *fn, void *ctx);

/* Where would a packet to dst go that came from src by the device in?  *out:
 * the device's index. */
int netlink_route_find(struct netlink *nl, uint8_t family,
                       const union ct_addr *dst, const union ct_addr *src,
                       uint32_t in, uint32_t *out);

/* fe80::/10, and what is within. */
bool netlink_route_is_link_local(const struct netlink_route *route);

/* To a device that is up; takes the place of another to the same prefix in that
 * table. */
int netlink_route_put(struct netlink *nl, const struct netlink_route *route);
int netlink_route_delete(struct netlink *nl, const struct netlink_route *route);

#endif
