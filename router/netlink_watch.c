/* netlink_watch.c - what the kernel tells of changes */
#include "netlink_watch.h"

#include "netlink_ask.h"

#include <errno.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct netlink_watch {
    struct mnl_socket *socket;
    _Alignas(8) char room[32768];
};

static const int groups[] = {
    RTNLGRP_LINK,       RTNLGRP_IPV4_IFADDR,  RTNLGRP_IPV6_IFADDR,
    RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,   RTNLGRP_IPV4_RULE,
    RTNLGRP_IPV6_RULE,  RTNLGRP_IPV4_NETCONF, RTNLGRP_IPV6_NETCONF,
};

static int join(struct netlink_watch *w)
{
    if (mnl_socket_bind(w->socket, 0, MNL_SOCKET_AUTOPID) < 0)
        return -errno;
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        int group = groups[i];

        if (mnl_socket_setsockopt(w->socket, NETLINK_ADD_MEMBERSHIP, &group,
                                  sizeof group) < 0)
            return -errno;
    }
    return 0;
}

int netlink_watch_open(struct netlink_watch **out)
{
    struct netlink_watch *w = calloc(1, sizeof *w);
    int err;

    if (w == NULL)
        return -ENOMEM;
    w->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (w->socket == NULL) {
        err = -errno;
        free(w);
        return err;
    }
    if ((err = join(w)) < 0) {
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
    mnl_socket_close(watch->socket);
    free(watch);
}

int netlink_watch_fd(const struct netlink_watch *watch)
{
    return mnl_socket_get_fd(watch->socket);
}

static int read_name(const struct nlattr *a, void *data)
{
    struct netlink_watch_event *e = data;

    if (mnl_attr_get_type(a) == IFLA_IFNAME)
        snprintf(e->name, sizeof e->name, "%s", mnl_attr_get_str(a));
    return MNL_CB_OK;
}

static int read_table(const struct nlattr *a, void *data)
{
    struct netlink_watch_event *e = data;

    if (mnl_attr_get_type(a) == RTA_TABLE)
        e->table = mnl_attr_get_u32(a);
    return MNL_CB_OK;
}

static int read_setting(const struct nlattr *a, void *data)
{
    struct netlink_watch_event *e = data;
    int32_t value = (int32_t)mnl_attr_get_u32(a);

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

/* false: nothing of ours to tell. */
static bool read_event(const struct nlmsghdr *h, struct netlink_watch_event *e)
{
    const struct ifinfomsg *link = mnl_nlmsg_get_payload(h);
    const struct ifaddrmsg *addr = mnl_nlmsg_get_payload(h);
    const struct rtmsg *route = mnl_nlmsg_get_payload(h);

    *e = (struct netlink_watch_event){.port = h->nlmsg_pid};
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
    default:
        return false;
    }
}

int netlink_watch_read(struct netlink_watch *watch, netlink_watch_fn *fn,
                       void *ctx)
{
    struct netlink_watch_event e;
    int err = 0;

    for (;;) {
        const struct nlmsghdr *h = (const void *)watch->room;
        ssize_t got =
            mnl_socket_recvfrom(watch->socket, watch->room, sizeof watch->room);
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
        for (; mnl_nlmsg_ok(h, n); h = mnl_nlmsg_next(h, &n))
            if (read_event(h, &e))
                fn(ctx, &e);
    }
}
