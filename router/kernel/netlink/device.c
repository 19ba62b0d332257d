/* device.c - network devices as routing sees them
 *
 * The settings of net.ipv4.conf.DEVICE stand in a device's IFLA_AF_SPEC, to be
 * read and, with CAP_NET_ADMIN, written: also where /proc/sys is read-only, as
 * it is in most containers.  IPv6 has them there to be read only. */
#include "kernel/netlink/device.h"

#include "kernel/netlink/ask.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

enum { LOWER_UP = 0x10000 }; /* IFF_LOWER_UP, which net/if.h lacks */

static const uint16_t inet_ids[NETLINK_N_INET] = {
    [NETLINK_FORWARDING] = IPV4_DEVCONF_FORWARDING,
    [NETLINK_RP_FILTER] = IPV4_DEVCONF_RP_FILTER,
    [NETLINK_ACCEPT_LOCAL] = IPV4_DEVCONF_ACCEPT_LOCAL,
    [NETLINK_SEND_REDIRECTS] = IPV4_DEVCONF_SEND_REDIRECTS,
    [NETLINK_VALID_MARK] = IPV4_DEVCONF_SRC_VMARK,
};

/* Number i of an array of int; 0 if it is not so long. */
static uint32_t element(const struct nlattr *a, unsigned i)
{
    int32_t v = 0;

    if (mnl_attr_get_payload_len(a) >= (i + 1) * sizeof v)
        memcpy(&v, (const char *)mnl_attr_get_payload(a) + i * sizeof v,
               sizeof v);
    return (uint32_t)v;
}

static int read_inet(const struct nlattr *a, void *data)
{
    struct netlink_device *d = data;

    if (mnl_attr_get_type(a) == IFLA_INET_CONF)
        for (unsigned i = 0; i < NETLINK_N_INET; i++)
            d->inet[i] = element(a, inet_ids[i] - 1u);
    return MNL_CB_OK;
}

static int read_inet6(const struct nlattr *a, void *data)
{
    struct netlink_device *d = data;

    if (mnl_attr_get_type(a) == IFLA_INET6_CONF)
        d->ipv6 = element(a, DEVCONF_DISABLE_IPV6) == 0;
    return MNL_CB_OK;
}

static int read_spec(const struct nlattr *a, void *data)
{
    if (mnl_attr_get_type(a) == AF_INET)
        mnl_attr_parse_nested(a, read_inet, data);
    else if (mnl_attr_get_type(a) == AF_INET6)
        mnl_attr_parse_nested(a, read_inet6, data);
    return MNL_CB_OK;
}

static int read_attr(const struct nlattr *a, void *data)
{
    struct netlink_device *d = data;

    switch (mnl_attr_get_type(a)) {
    case IFLA_IFNAME:
        snprintf(d->name, sizeof d->name, "%s", netlink_get_text(a));
        break;
    case IFLA_MTU:
        d->mtu = netlink_get_u32(a);
        break;
    case IFLA_GROUP:
        d->group = netlink_get_u32(a);
        break;
    case IFLA_AF_SPEC:
        mnl_attr_parse_nested(a, read_spec, d);
        break;
    default:
        break;
    }
    return MNL_CB_OK;
}

static void read_device(const struct nlmsghdr *h, struct netlink_device *d)
{
    const struct ifinfomsg *m = netlink_body(h, sizeof *m);

    memset(d, 0, sizeof *d);
    if (m == NULL || m->ifi_index <= 0)
        return;
    d->index = (uint32_t)m->ifi_index;
    d->up = (m->ifi_flags & IFF_UP) != 0;
    d->loopback = (m->ifi_flags & IFF_LOOPBACK) != 0;
    d->carrier = (m->ifi_flags & LOWER_UP) != 0;
    mnl_attr_parse(h, sizeof *m, read_attr, d);
}

struct each {
    netlink_device_fn *fn;
    void *ctx;
};

static int read_each(const struct nlmsghdr *h, void *data)
{
    const struct each *each = data;
    struct netlink_device d;

    read_device(h, &d);
    if (d.index != 0)
        each->fn(each->ctx, &d);
    return MNL_CB_OK;
}

static int read_one(const struct nlmsghdr *h, void *data)
{
    read_device(h, data);
    return MNL_CB_OK;
}

static struct ifinfomsg *put_index(struct nlmsghdr *h, uint32_t index)
{
    struct ifinfomsg *m = mnl_nlmsg_put_extra_header(h, sizeof *m);

    m->ifi_index = (int)index;
    return m;
}

int netlink_device_each(struct netlink *nl, netlink_device_fn *fn, void *ctx)
{
    _Alignas(8) char room[NETLINK_ROOM];
    struct nlmsghdr *h = netlink_ask(nl, room, RTM_GETLINK, NLM_F_DUMP);
    struct each each = {fn, ctx};

    put_index(h, 0);
    mnl_attr_put_u32(h, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    return netlink_answer(nl, h, read_each, &each);
}

int netlink_device_find(struct netlink *nl, uint32_t index, const char *name,
                        struct netlink_device *device)
{
    _Alignas(8) char room[NETLINK_ROOM];
    struct nlmsghdr *h = netlink_ask(nl, room, RTM_GETLINK, 0);
    int err;

    memset(device, 0, sizeof *device);
    put_index(h, index);
    if (index == 0)
        mnl_attr_put_strz(h, IFLA_IFNAME, name);
    err = netlink_answer(nl, h, read_one, device);
    return err == 0 && device->index == 0 ? -ENODEV : err;
}

int netlink_device_set(struct netlink *nl, uint32_t index,
                       enum netlink_device_inet setting, uint32_t value)
{
    _Alignas(8) char room[NETLINK_ROOM];
    struct nlmsghdr *h = netlink_ask(nl, room, RTM_NEWLINK, 0);
    struct nlattr *spec, *inet, *conf;

    put_index(h, index);
    spec = mnl_attr_nest_start(h, IFLA_AF_SPEC);
    inet = mnl_attr_nest_start(h, AF_INET);
    conf = mnl_attr_nest_start(h, IFLA_INET_CONF);
    mnl_attr_put_u32(h, inet_ids[setting], value);
    mnl_attr_nest_end(h, conf);
    mnl_attr_nest_end(h, inet);
    mnl_attr_nest_end(h, spec);
    return netlink_answer(nl, h, NULL, NULL);
}

int netlink_device_group(struct netlink *nl, uint32_t index, uint32_t group)
{
    _Alignas(8) char room[NETLINK_ROOM];
    struct nlmsghdr *h = netlink_ask(nl, room, RTM_NEWLINK, 0);

    put_index(h, index);
    mnl_attr_put_u32(h, IFLA_GROUP, group);
    return netlink_answer(nl, h, NULL, NULL);
}
