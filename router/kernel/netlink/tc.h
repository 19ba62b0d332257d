/* tc.h - what leaves by a device turns and comes in by another */
#ifndef NETLINK_TC_H
#define NETLINK_TC_H

#include "kernel/netlink/netlink.h"

/* Packets that have come by device from (its index and name) and are sent out
 * of it again come in by device to.  Goes with the device.  0 or a negative
 * errno; -ENOENT: a kernel without act_mirred, cls_u32 or clsact. */
int netlink_tc_turn(struct netlink *nl, uint32_t from, const char *name,
                    uint32_t to);

#endif
