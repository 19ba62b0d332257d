/* netlink.c - links and addresses of the kernel, by rtnetlink */
#include "kernel/netlink/netlink.h"

#include "kernel/netlink/ask.h"
#include "system/order.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_ROOM = 32768 };

struct netlink {
    struct mnl_socket *socket;
    unsigned port, seq;
    bool routing; /* rtnetlink: what it may change is ordered */
    _Alignas(8) char answer[ANSWER_ROOM];
};

int netlink_open_bus(struct netlink **out, int bus)
{
    struct netlink *nl = calloc(1, sizeof *nl);
    int err, on = 1;

    if (nl == NULL)
        return -ENOMEM;
    nl->socket = mnl_socket_open2(bus, SOCK_CLOEXEC);
    if (nl->socket == NULL) {
        err = -errno;
        free(nl);
        return err;
    }
    if (mnl_socket_bind(nl->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
        err = -errno;
        netlink_close(nl);
        return err;
    }
    nl->port = mnl_socket_get_portid(nl->socket);
    nl->routing = bus == NETLINK_ROUTE;
    /* Linux 4.20: dumps hold only what was asked for.  Before, all of it. */
    (void)mnl_socket_setsockopt(nl->socket, NETLINK_GET_STRICT_CHK, &on,
                                sizeof on);
    *out = nl;
    return 0;
}

int netlink_open(struct netlink **out)
{
    return netlink_open_bus(out, NETLINK_ROUTE);
}

void netlink_close(struct netlink *nl)
{
    if (nl == NULL)
        return;
    mnl_socket_close(nl->socket);
    free(nl);
}

uint32_t netlink_port(const struct netlink *nl)
{
    return system_order_given() ? system_order_port() : nl->port;
}

void netlink_stamp(struct netlink *nl, struct nlmsghdr *question)
{
    question->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
    question->nlmsg_seq = ++nl->seq;
}

/* Every object has four types of messages: new, delete, get, set. */
static bool is_change(const struct nlmsghdr *h)
{
    return (h->nlmsg_type - RTM_BASE) % 4 != RTM_GETLINK - RTM_BASE;
}

struct nlmsghdr *netlink_ask(struct netlink *nl, void *room, uint16_t type,
                             unsigned flags)
{
    struct nlmsghdr *h = mnl_nlmsg_put_header(room);

    h->nlmsg_type = type;
    h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
    h->nlmsg_seq = ++nl->seq;
    return h;
}

/* The end of an answer: an acknowledgement, an error, or a dump's last word. */
static int end_of(const struct nlmsghdr *h)
{
    const int *code = mnl_nlmsg_get_payload(h); /* struct nlmsgerr's first */

    return mnl_nlmsg_get_payload_len(h) < sizeof *code ? 0 : *code;
}

/* Not mnl_cb_run(): it stops at the first message of a dump that was disturbed,
 * and what is left of it would be in the way of the next question. */
int netlink_answer(struct netlink *nl, const struct nlmsghdr *question,
                   mnl_cb_t cb, void *data)
{
    const uint32_t seq = question->nlmsg_seq;
    bool disturbed = false;

    if (system_order_given() && nl->routing && is_change(question))
        return system_order_route(question);
    if (mnl_socket_sendto(nl->socket, question, question->nlmsg_len) < 0)
        return -errno;
    for (;;) {
        const struct nlmsghdr *h = (const void *)nl->answer;
        ssize_t got =
            mnl_socket_recvfrom(nl->socket, nl->answer, sizeof nl->answer);
        int n = (int)got, err;

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        for (; netlink_is_message(h, n); h = mnl_nlmsg_next(h, &n)) {
            if (h->nlmsg_seq != seq)
                continue;
            disturbed = disturbed || (h->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
            if (h->nlmsg_type == NLMSG_ERROR || h->nlmsg_type == NLMSG_DONE) {
                err = end_of(h);
                return err == 0 && disturbed ? -EAGAIN : err;
            }
            if (cb != NULL && h->nlmsg_type >= NLMSG_MIN_TYPE)
                (void)cb(h, data);
        }
    }
}

void netlink_put_addr(struct nlmsghdr *h, uint16_t type, uint8_t family,
                      const union ct_addr *addr)
{
    mnl_attr_put(h, type, family == CT_IPV4 ? 4 : 16, addr->b);
}

void netlink_get_addr(const struct nlattr *a, union ct_addr *addr)
{
    size_t n = mnl_attr_get_payload_len(a);

    memset(addr, 0, sizeof *addr);
    memcpy(addr->b, mnl_attr_get_payload(a),
           n < sizeof addr->b ? n : sizeof addr->b);
}

static int read_info_data(const struct nlattr *a, void *data)
{
    struct netlink_link *link = data;
    bool wide = mnl_attr_validate(a, MNL_TYPE_U32) == 0;
    uint32_t value = wide ? netlink_get_u32(a) : netlink_get_u8(a);

    switch (mnl_attr_get_type(a)) {
    case IFLA_TUN_TYPE:
        link->is_tap = value == IFF_TAP;
        break;
    case IFLA_TUN_MULTI_QUEUE:
        link->multi_queue = value != 0;
        break;
    case IFLA_TUN_OWNER:
        link->owned = true;
        link->owner = value;
        break;
    case IFLA_TUN_GROUP:
        link->grouped = true;
        link->group = value;
        break;
    case IFLA_TUN_NUM_QUEUES:
        link->queues = value;
        break;
    default:
        break;
    }
    return MNL_CB_OK;
}

static int read_info(const struct nlattr *a, void *data)
{
    struct netlink_link *link = data;

    if (mnl_attr_get_type(a) == IFLA_INFO_KIND)
        link->is_tun = strcmp(netlink_get_text(a), "tun") == 0;
    else if (mnl_attr_get_type(a) == IFLA_INFO_DATA && link->is_tun)
        mnl_attr_parse_nested(a, read_info_data, link);
    return MNL_CB_OK;
}

static void read_stats(const struct nlattr *a, struct netlink_link *link)
{
    struct rtnl_link_stats64 stats;
    size_t n = mnl_attr_get_payload_len(a);

    memset(&stats, 0, sizeof stats);
    memcpy(&stats, mnl_attr_get_payload(a),
           n < sizeof stats ? n : sizeof stats);
    link->tx_dropped = stats.tx_dropped;
}

static int read_attr(const struct nlattr *a, void *data)
{
    struct netlink_link *link = data;

    if (mnl_attr_get_type(a) == IFLA_MTU)
        link->mtu = netlink_get_u32(a);
    else if (mnl_attr_get_type(a) == IFLA_TXQLEN)
        link->txqueuelen = netlink_get_u32(a);
    else if (mnl_attr_get_type(a) == IFLA_STATS64)
        read_stats(a, link);
    else if (mnl_attr_get_type(a) == IFLA_LINKINFO)
        mnl_attr_parse_nested(a, read_info, link);
    return MNL_CB_OK;
}

static int read_link(const struct nlmsghdr *h, void *data)
{
    const struct ifinfomsg *m = netlink_body(h, sizeof *m);
    struct netlink_link *link = data;

    if (m == NULL || m->ifi_index <= 0)
        return MNL_CB_OK;
    link->index = (uint32_t)m->ifi_index;
    link->up = (m->ifi_flags & IFF_UP) != 0;
    mnl_attr_parse(h, sizeof *m, read_attr, link);
    return MNL_CB_OK;
}

int netlink_link(struct netlink *nl, const char *name,
                 struct netlink_link *link)
{
    _Alignas(8) char room[NETLINK_ROOM];
    struct nlmsghdr *h = netlink_ask(nl, room, RTM_GETLINK, 0);
    int err;

    memset(link, 0, sizeof *link);
    mnl_nlmsg_put_extra_header(h, sizeof(struct ifinfomsg));
    mnl_attr_put_strz(h, IFLA_IFNAME, name);
    err = netlink_answer(nl, h, read_link, link);
    return err == 0 && link->index == 0 ? -ENODEV : err;
}

/* A kernel without IPv6 refuses this one, and has no noise to turn off. */
static void quiet(struct netlink *nl, uint32_t index)
{
    _Alignas(8) char room[NETLINK_ROOM];
    struct nlmsghdr *h = netlink_ask(nl, room, RTM_NEWLINK, 0);
    struct ifinfomsg *m = mnl_nlmsg_put_extra_header(h, sizeof *m);
    struct nlattr *spec, *inet6;

    m->ifi_index = (int)index;
    spec = mnl_attr_nest_start(h, IFLA_AF_SPEC);
    inet6 = mnl_attr_nest_start(h, AF_INET6);
    mnl_attr_put_u8(h, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
    mnl_attr_nest_end(h, inet6);
    mnl_attr_nest_end(h, spec);
    (void)netlink_answer(nl, h, NULL, NULL);
}

int netlink_start(struct netlink *nl, uint32_t index, uint16_t mtu)
{
    _Alignas(8) char room[NETLINK_ROOM];
    struct nlmsghdr *h;
    struct ifinfomsg *m;

    quiet(nl, index);
    h = netlink_ask(nl, room, RTM_NEWLINK, 0);
    m = mnl_nlmsg_put_extra_header(h, sizeof *m);
    m->ifi_index = (int)index;
    m->ifi_flags = IFF_UP;
    m->ifi_change = IFF_UP;
    mnl_attr_put_u32(h, IFLA_MTU, mtu);
    return netlink_answer(nl, h, NULL, NULL);
}

int netlink_queue(struct netlink *nl, uint32_t index, uint32_t packets)
{
    _Alignas(8) char room[NETLINK_ROOM];
    struct nlmsghdr *h = netlink_ask(nl, room, RTM_NEWLINK, 0);
    struct ifinfomsg *m = mnl_nlmsg_put_extra_header(h, sizeof *m);

    m->ifi_index = (int)index;
    mnl_attr_put_u32(h, IFLA_TXQLEN, packets);
    return netlink_answer(nl, h, NULL, NULL);
}

int netlink_address(struct netlink *nl, uint32_t index, enum ct_family family,
                    const union ct_addr *addr, uint8_t prefix, bool to_host)
{
    _Alignas(8) char room[NETLINK_ROOM];
    struct nlmsghdr *h =
        netlink_ask(nl, room, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
    struct ifaddrmsg *m = mnl_nlmsg_put_extra_header(h, sizeof *m);
    bool v4 = family == CT_IPV4;
    int err;

    m->ifa_family = v4 ? AF_INET : AF_INET6;
    m->ifa_prefixlen = prefix;
    m->ifa_flags = v4 ? 0 : IFA_F_NODAD;
    m->ifa_scope = to_host ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE;
    m->ifa_index = index;
    mnl_attr_put(h, IFA_LOCAL, v4 ? 4 : 16, addr->b);
    mnl_attr_put(h, IFA_ADDRESS, v4 ? 4 : 16, addr->b);
    err = netlink_answer(nl, h, NULL, NULL);
    return err == -EEXIST ? 0 : err;
}
