/* route.c - the kernel's unicast routes */
#include "kernel/netlink/route.h"

#include "kernel/netlink/ask.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

struct each {
    netlink_route_fn *fn;
    void *ctx;
    uint32_t table;
};

/* Dead is a next hop whose device is down, and, where
 * ignore_routes_with_linkdown is set, one whose device has no carrier. */
static uint32_t first_hop(const struct nlattr *a)
{
    const struct rtnexthop *hop = mnl_attr_get_payload(a);
    size_t left = mnl_attr_get_payload_len(a);

    while (left >= sizeof *hop && hop->rtnh_len >= sizeof *hop &&
           hop->rtnh_len <= left) {
        size_t all = (hop->rtnh_len + 3u) & ~(size_t)3;

        if ((hop->rtnh_flags & RTNH_F_DEAD) == 0)
            return (uint32_t)hop->rtnh_ifindex;
        if (all >= left)
            break;
        left -= all;
        hop = (const void *)((const char *)hop + all);
    }
    return 0;
}

static int read_attr(const struct nlattr *a, void *data)
{
    struct netlink_route *r = data;

    switch (mnl_attr_get_type(a)) {
    case RTA_DST:
        netlink_get_addr(a, &r->dst);
        break;
    case RTA_PREFSRC:
        netlink_get_addr(a, &r->src);
        r->src_set = 1;
        break;
    case RTA_TABLE:
        r->table = netlink_get_u32(a);
        break;
    case RTA_PRIORITY:
        r->metric = mnl_attr_get_u32(a);
        break;
    case RTA_OIF:
        r->index = netlink_get_u32(a);
        break;
    case RTA_MULTIPATH:
        r->index = first_hop(a);
        break;
    default:
        break;
    }
    return MNL_CB_OK;
}

static int read_route(const struct nlmsghdr *h, void *data)
{
    const struct rtmsg *m = netlink_body(h, sizeof *m);
    const struct each *each = data;
    struct netlink_route r;

    if (m == NULL || !netlink_has_len(m->rtm_family, m->rtm_dst_len) ||
        m->rtm_type != RTN_UNICAST || (m->rtm_flags & RTM_F_CLONED) != 0)
        return MNL_CB_OK;
    memset(&r, 0, sizeof r);
    r.family = netlink_family(m->rtm_family);
    r.dst_len = m->rtm_dst_len;
    r.protocol = m->rtm_protocol;
    r.table = m->rtm_table;
    mnl_attr_parse(h, sizeof *m, read_attr, &r);
    if ((m->rtm_flags & RTNH_F_DEAD) != 0)
        r.index = 0;
    if (r.table == each->table)
        each->fn(each->ctx, &r);
    return MNL_CB_OK;
}

int netlink_route_each(struct netlink *nl, uint8_t family, uint32_t table,
                       uint32_t index, netlink_route_fn *fn, void *ctx)
{
    _Alignas(8) char room[NETLINK_ROOM];
    struct nlmsghdr *h = netlink_ask(nl, room, RTM_GETROUTE, NLM_F_DUMP);
    struct rtmsg *m = mnl_nlmsg_put_extra_header(h, sizeof *m);
    struct each each = {fn, ctx, table};
    int err;

    m->rtm_family = netlink_af(family);
    mnl_attr_put_u32(h, RTA_TABLE, table);
    if (index != 0)
        mnl_attr_put_u32(h, RTA_OIF, index);
    err = netlink_answer(nl, h, read_route, &each);
    if (err == -ENOENT || err == -ENODEV || err == -EAFNOSUPPORT ||
        err == -EOPNOTSUPP)
        return 0;
    return err;
}

bool netlink_route_is_link_local(const struct netlink_route *r)
{
    return r->family == CT_IPV6 && r->dst_len >= 10 && r->dst.b[0] == 0xfe &&
           (r->dst.b[1] & 0xc0) == 0x80;
}

static int read_found(const struct nlmsghdr *h, void *data)
{
    const struct rtmsg *m = netlink_body(h, sizeof *m);
    struct netlink_route r;

    memset(&r, 0, sizeof r);
    if (m != NULL && m->rtm_type == RTN_UNICAST)
        mnl_attr_parse(h, sizeof *m, read_attr, &r);
    *(uint32_t *)data = r.index;
    return MNL_CB_OK;
}

int netlink_route_find(struct netlink *nl, uint8_t family,
                       const union ct_addr *dst, const union ct_addr *src,
                       uint32_t in, uint32_t *out)
{
    _Alignas(8) char room[NETLINK_ROOM];
    struct nlmsghdr *h = netlink_ask(nl, room, RTM_GETROUTE, 0);
    struct rtmsg *m = mnl_nlmsg_put_extra_header(h, sizeof *m);

    m->rtm_family = netlink_af(family);
    m->rtm_dst_len = m->rtm_src_len = family == CT_IPV4 ? 32 : 128;
    netlink_put_addr(h, RTA_DST, family, dst);
    netlink_put_addr(h, RTA_SRC, family, src);
    mnl_attr_put_u32(h, RTA_IIF, in);
    *out = 0;
    return netlink_answer(nl, h, read_found, out);
}

static struct rtmsg *put_route(struct nlmsghdr *h,
                               const struct netlink_route *r)
{
    struct rtmsg *m = mnl_nlmsg_put_extra_header(h, sizeof *m);

    m->rtm_family = netlink_af(r->family);
    m->rtm_dst_len = r->dst_len;
    m->rtm_table = RT_TABLE_UNSPEC;
    m->rtm_protocol = r->protocol;
    m->rtm_type = RTN_UNICAST;
    if (r->dst_len > 0)
        netlink_put_addr(h, RTA_DST, r->family, &r->dst);
    if (r->src_set)
        netlink_put_addr(h, RTA_PREFSRC, r->family, &r->src);
    mnl_attr_put_u32(h, RTA_TABLE, r->table);
    if (r->index != 0)
        mnl_attr_put_u32(h, RTA_OIF, r->index);
    return m;
}

int netlink_route_put(struct netlink *nl, const struct netlink_route *route)
{
    _Alignas(8) char room[NETLINK_ROOM];
    struct nlmsghdr *h =
        netlink_ask(nl, room, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE);

    /* Not link: the gateway of a route that is entered without a device would
     * be taken to be there (fib_check_nh_v4_gw() in the kernel). */
    put_route(h, route)->rtm_scope = RT_SCOPE_UNIVERSE;
    return netlink_answer(nl, h, NULL, NULL);
}

int netlink_route_delete(struct netlink *nl, const struct netlink_route *route)
{
    _Alignas(8) char room[NETLINK_ROOM];
    struct nlmsghdr *h = netlink_ask(nl, room, RTM_DELROUTE, 0);

    put_route(h, route)->rtm_scope = RT_SCOPE_NOWHERE; /* whichever it has */
    return netlink_answer(nl, h, NULL, NULL);
}
