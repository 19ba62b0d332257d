/* device.h - network devices as routing sees them: who they are, their
 * group, and their IPv4 settings */
#ifndef NETLINK_DEVICE_H
#define NETLINK_DEVICE_H

#include "kernel/netlink/netlink.h"

/* Settings of net.ipv4.conf.DEVICE. */
enum netlink_device_inet {
    NETLINK_FORWARDING,
    NETLINK_RP_FILTER,
    NETLINK_ACCEPT_LOCAL,
    NETLINK_SEND_REDIRECTS,
    NETLINK_VALID_MARK,
    NETLINK_N_INET
};

struct netlink_device {
    char name[16];
    uint32_t index, mtu, group;
    bool up, loopback;
    bool carrier; /* what it is connected to is there */
    bool ipv6;    /* may carry it: there is IPv6, and it isn't disabled here */
    uint32_t inet[NETLINK_N_INET];
};

typedef void netlink_device_fn(void *ctx, const struct netlink_device *device);

/* Every device of this namespace.  0 or a negative errno, as all below;
 * -EAGAIN: they changed meanwhile, some may be missing. */
int netlink_device_each(struct netlink *nl, netlink_device_fn *fn, void *ctx);

/* By index if it is not 0, else by name.  -ENODEV. */
int netlink_device_find(struct netlink *nl, uint32_t index, const char *name,
                        struct netlink_device *device);

int netlink_device_set(struct netlink *nl, uint32_t index,
                       enum netlink_device_inet setting, uint32_t value);
int netlink_device_group(struct netlink *nl, uint32_t index, uint32_t group);

#endif
