/* watch.h - what the kernel tells of changes to devices, addresses,
 * routes, rules, settings and nf_tables */
#ifndef NETLINK_WATCH_H
#define NETLINK_WATCH_H

#include "kernel/netlink/netlink.h"

struct netlink_watch;

enum netlink_watch_what {
    NETLINK_WATCH_DEVICE,
    NETLINK_WATCH_ADDR,
    NETLINK_WATCH_ROUTE,
    NETLINK_WATCH_RULE,
    NETLINK_WATCH_SETTING,
    NETLINK_WATCH_TABLE, /* of nf_tables, or what is in it */
    NETLINK_WATCH_QUEUE  /* a device's queueing, or a filter there */
};

enum { NETLINK_WATCH_ALL = -1 }; /* conf/all */

struct netlink_watch_event {
    enum netlink_watch_what what;
    uint32_t port;  /* netlink_port() of who changed it, of a table
                       netlink_nft_port(); 0: the kernel */
    uint32_t index; /* of a device, or an address's device */
    uint32_t table; /* of a route */
    char name[32];  /* of a device, or of a table */
    /* Settings of net.ipv4.conf or net.ipv6.conf: index is the device's or
     * NETLINK_WATCH_ALL; what the message does not name is -1. */
    uint8_t family;
    int32_t forwarding, rp_filter, proxy_neigh;
};

typedef void netlink_watch_fn(void *ctx,
                              const struct netlink_watch_event *event);

/* 0 or a negative errno, as all below. */
int netlink_watch_open(struct netlink_watch **out);
/* nf_tables tells those alone who had CAP_NET_ADMIN when they asked.  false: it
 * is not watched. */
bool netlink_watch_tables(struct netlink_watch *watch);
void netlink_watch_close(struct netlink_watch *watch);

/* Readable when there is something; never blocks. */
int netlink_watch_fd(const struct netlink_watch *watch);

/* All that waits.  -ENOBUFS: there was more than the socket holds; look
 * yourself. */
int netlink_watch_read(struct netlink_watch *watch, netlink_watch_fn *fn,
                       void *ctx);

#endif
