/* watch.c - what the kernel tells of changes
 *
 * Two sockets, and one descriptor that is readable when one of them is.  A
 * kernel without nf_tables has none of the second. */
#include "kernel/netlink/watch.h"

#include "kernel/netlink/ask.h"

#include <errno.h>
#include <linux/netconf.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { SOCKETS = 2, ROOM = 1 << 20, FLAGS = SOCK_CLOEXEC | SOCK_NONBLOCK };

struct netlink_watch {
    struct mnl_socket *socket[SOCKETS]; /* rtnetlink, nf_tables or NULL */
    int epoll;
    _Alignas(8) char room[32768];
};

static const int groups[] = {
    RTNLGRP_LINK,       RTNLGRP_IPV4_IFADDR,  RTNLGRP_IPV6_IFADDR,
    RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,   RTNLGRP_IPV4_RULE,
    RTNLGRP_IPV6_RULE,  RTNLGRP_IPV4_NETCONF, RTNLGRP_IPV6_NETCONF,
    RTNLGRP_TC,
};
static const int table_groups[] = {NFNLGRP_NFTABLES};

static int join(const struct netlink_watch *w, struct mnl_socket *s,
                const int *group, size_t n)
{
    struct epoll_event e = {.events = EPOLLIN};
    int room = ROOM;

    /* As much as the system lets one have: our own changes come back, too. */
    if (setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_RCVBUFFORCE, &room,
                   sizeof room) < 0)
        (void)setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_RCVBUF, &room,
                         sizeof room);
    if (mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0)
        return -errno;
    for (size_t i = 0; i < n; i++) {
        int g = group[i];

        if (mnl_socket_setsockopt(s, NETLINK_ADD_MEMBERSHIP, &g, sizeof g) < 0)
            return -errno;
    }
    return epoll_ctl(w->epoll, EPOLL_CTL_ADD, mnl_socket_get_fd(s), &e) < 0
               ? -errno
               : 0;
}

static int open_all(struct netlink_watch *w)
{
    int err;

    w->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (w->epoll < 0 ||
        (w->socket[0] = mnl_socket_open2(NETLINK_ROUTE, FLAGS)) == NULL)
        return -errno;
    err = join(w, w->socket[0], groups, sizeof groups / sizeof *groups);
    if (err < 0)
        return err;
    (void)netlink_watch_tables(w);
    return 0;
}

bool netlink_watch_tables(struct netlink_watch *w)
{
    if (w->socket[1] != NULL)
        return true;
    w->socket[1] = mnl_socket_open2(NETLINK_NETFILTER, FLAGS);
    if (w->socket[1] != NULL && join(w, w->socket[1], table_groups, 1) < 0) {
        mnl_socket_close(w->socket[1]);
        w->socket[1] = NULL;
    }
    return w->socket[1] != NULL;
}

int netlink_watch_open(struct netlink_watch **out)
{
    struct netlink_watch *w = calloc(1, sizeof *w);
    int err;

    if (w == NULL)
        return -ENOMEM;
    if ((err = open_all(w)) < 0) {
        netlink_watch_close(w);
        return err;
    }
    *out = w;
    return 0;
}

void netlink_watch_close(struct netlink_watch *watch)
{
    if (watch == NULL)
        return;
    for (int i = 0; i < SOCKETS; i++)
        if (watch->socket[i] != NULL)
            mnl_socket_close(watch->socket[i]);
    if (watch->epoll >= 0)
        close(watch->epoll);
    free(watch);
}

int netlink_watch_fd(const struct netlink_watch *watch)
{
    return watch->epoll;
}

static int read_name(const struct nlattr *a, void *data)
{
    struct netlink_watch_event *e = data;

    if (mnl_attr_get_type(a) == IFLA_IFNAME)
        snprintf(e->name, sizeof e->name, "%s", netlink_get_text(a));
    return MNL_CB_OK;
}

static int read_table(const struct nlattr *a, void *data)
{
    struct netlink_watch_event *e = data;

    if (mnl_attr_get_type(a) == RTA_TABLE)
        e->table = netlink_get_u32(a);
    return MNL_CB_OK;
}

static int read_setting(const struct nlattr *a, void *data)
{
    struct netlink_watch_event *e = data;
    int32_t value = (int32_t)netlink_get_u32(a);

    switch (mnl_attr_get_type(a)) {
    case NETCONFA_IFINDEX:
        e->index = (uint32_t)value;
        break;
    case NETCONFA_FORWARDING:
        e->forwarding = value;
        break;
    case NETCONFA_RP_FILTER:
        e->rp_filter = value;
        break;
    case NETCONFA_PROXY_NEIGH:
        e->proxy_neigh = value;
        break;
    default:
        break;
    }
    return MNL_CB_OK;
}

static void read_settings(const struct nlmsghdr *h,
                          struct netlink_watch_event *e)
{
    const struct netconfmsg *conf = mnl_nlmsg_get_payload(h);

    e->what = NETLINK_WATCH_SETTING;
    e->family = netlink_family(conf->ncm_family);
    e->forwarding = e->rp_filter = e->proxy_neigh = -1;
    mnl_attr_parse(h, sizeof *conf, read_setting, e);
}

/* The name of the table is the first attribute of all of them. */
static int read_table_name(const struct nlattr *a, void *data)
{
    struct netlink_watch_event *e = data;

    if (mnl_attr_get_type(a) == NFTA_TABLE_NAME)
        snprintf(e->name, sizeof e->name, "%s", netlink_get_text(a));
    return MNL_CB_OK;
}

static bool read_tables(const struct nlmsghdr *h, struct netlink_watch_event *e)
{
    uint8_t what = (uint8_t)h->nlmsg_type;

    *e = (struct netlink_watch_event){.what = NETLINK_WATCH_TABLE,
                                      .port = h->nlmsg_pid};
    if (h->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES || what == NFT_MSG_NEWGEN ||
        what == NFT_MSG_NEWSETELEM || what == NFT_MSG_DELSETELEM)
        return false;
    mnl_attr_parse(h, sizeof(struct nfgenmsg), read_table_name, e);
    return true;
}

/* The bytes that stand before the attributes of such a message. */
static size_t header_of(uint16_t type)
{
    switch (type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
        return sizeof(struct ifinfomsg);
    case RTM_NEWADDR:
    case RTM_DELADDR:
        return sizeof(struct ifaddrmsg);
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
        return sizeof(struct rtmsg);
    case RTM_NEWNETCONF:
        return sizeof(struct netconfmsg);
    case RTM_DELQDISC:
    case RTM_DELTFILTER:
        return sizeof(struct tcmsg);
    default:
        return 0;
    }
}

/* false: nothing of ours to tell. */
static bool read_event(const struct nlmsghdr *h, struct netlink_watch_event *e)
{
    const struct ifinfomsg *link = mnl_nlmsg_get_payload(h);
    const struct ifaddrmsg *addr = mnl_nlmsg_get_payload(h);
    const struct rtmsg *route = mnl_nlmsg_get_payload(h);
    const struct tcmsg *queue = mnl_nlmsg_get_payload(h);

    *e = (struct netlink_watch_event){.port = h->nlmsg_pid};
    if (mnl_nlmsg_get_payload_len(h) < header_of(h->nlmsg_type))
        return false;
    switch (h->nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
        e->what = NETLINK_WATCH_DEVICE;
        e->index = (uint32_t)link->ifi_index;
        mnl_attr_parse(h, sizeof *link, read_name, e);
        return true;
    case RTM_NEWADDR:
    case RTM_DELADDR:
        e->what = NETLINK_WATCH_ADDR;
        e->index = addr->ifa_index;
        return true;
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
        e->what = NETLINK_WATCH_ROUTE;
        e->table = route->rtm_table;
        mnl_attr_parse(h, sizeof *route, read_table, e);
        return (route->rtm_flags & RTM_F_CLONED) == 0;
    case RTM_NEWRULE:
    case RTM_DELRULE:
        e->what = NETLINK_WATCH_RULE;
        return true;
    case RTM_NEWNETCONF:
        read_settings(h, e);
        return true;
    case RTM_DELQDISC:
    case RTM_DELTFILTER:
        e->what = NETLINK_WATCH_QUEUE;
        e->index = (uint32_t)queue->tcm_ifindex;
        return true;
    default:
        return false;
    }
}

static int read_socket(struct netlink_watch *w, int i, netlink_watch_fn *fn,
                       void *ctx)
{
    struct netlink_watch_event e;
    int err = 0;

    for (;;) {
        const struct nlmsghdr *h = (const void *)w->room;
        ssize_t got =
            mnl_socket_recvfrom(w->socket[i], w->room, sizeof w->room);
        int n = (int)got;

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            return err;
        if (got < 0 && errno == ENOBUFS) { /* what it holds is still told */
            err = -ENOBUFS;
            continue;
        }
        if (got < 0)
            return -errno;
        for (; netlink_is_message(h, n); h = mnl_nlmsg_next(h, &n))
            if (i == 0 ? read_event(h, &e) : read_tables(h, &e))
                fn(ctx, &e);
    }
}

int netlink_watch_read(struct netlink_watch *watch, netlink_watch_fn *fn,
                       void *ctx)
{
    int err = 0;

    for (int i = 0; i < SOCKETS; i++) {
        int one = watch->socket[i] == NULL ? 0 : read_socket(watch, i, fn, ctx);

        err = err == 0 ? one : err;
    }
    return err;
}
