/* netlink.h - links and addresses of the kernel, by rtnetlink
 *
 * Every call is one question and its answer, at once; 0 or a negative errno. */
#ifndef NETLINK_H
#define NETLINK_H

#include <ctcore/types.h>

struct netlink;

struct netlink_link {
    uint32_t index, mtu;
    bool up;
    bool is_tun; /* made by the tun driver: a TUN, or a TAP */
    bool is_tap, multi_queue;
    bool owned, grouped;   /* only these may attach without CAP_NET_ADMIN: */
    uint32_t owner, group; /* a user's and a group's number */
    uint32_t queues; /* of a TUN with IFF_MULTI_QUEUE: how many are attached */
    uint32_t txqueuelen; /* packets that may wait */
    uint64_t tx_dropped;
};

int netlink_open(struct netlink **nl);
void netlink_close(struct netlink *nl);

/* The number by which the kernel's notifications name who made a change. */
uint32_t netlink_port(const struct netlink *nl);

/* -ENODEV: no such link in this namespace. */
int netlink_link(struct netlink *nl, const char *name,
                 struct netlink_link *link);

/* Let the kernel give it no IPv6 address of its own, then MTU, then up. */
int netlink_start(struct netlink *nl, uint32_t index, uint16_t mtu);

/* So many packets may wait in the device. */
int netlink_queue(struct netlink *nl, uint32_t index, uint32_t packets);

/* Give the kernel's side an address; one that is there already is fine.
 * to_host: one that the kernel never takes as a source by itself. */
int netlink_address(struct netlink *nl, uint32_t index, enum ct_family family,
                    const union ct_addr *addr, uint8_t prefix, bool to_host);

#endif
