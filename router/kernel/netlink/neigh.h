/* neigh.h - addresses that a device answers for (ARP, ND) though they
 * are not local there: proxy neighbours */
#ifndef NETLINK_NEIGH_H
#define NETLINK_NEIGH_H

#include "kernel/netlink/netlink.h"

#include <assert.h>

/* All bytes of what is not set are 0: two that are the same are so by
 * memcmp(). */
struct netlink_neigh {
    union ct_addr addr;
    uint32_t index; /* of the device */
    uint8_t family;
    uint8_t protocol; /* whose it is: RTPROT_* */
    uint8_t rest[2];
};
static_assert(sizeof(struct netlink_neigh) == 24, "no padding");

typedef void netlink_neigh_fn(void *ctx, const struct netlink_neigh *neigh);

/* Every proxy entry of a family.  0 or a negative errno, as all below; a
 * family that isn't there has none.  -EAGAIN: they changed meanwhile. */
int netlink_neigh_each(struct netlink *nl, uint8_t family, netlink_neigh_fn *fn,
                       void *ctx);
int netlink_neigh_put(struct netlink *nl, const struct netlink_neigh *neigh);
int netlink_neigh_delete(struct netlink *nl, const struct netlink_neigh *neigh);

/* Answers for others are held back for a random time below this. */
int netlink_neigh_delay(struct netlink *nl, uint8_t family, uint32_t index,
                        uint32_t *ms);
int netlink_neigh_set_delay(struct netlink *nl, uint8_t family, uint32_t index,
                            uint32_t ms);

#endif
