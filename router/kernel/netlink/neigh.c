/* neigh.c - proxy neighbours, and how long their answers wait */
#include "kernel/netlink/neigh.h"

#include "kernel/netlink/ask.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>

struct each {
    netlink_neigh_fn *fn;
    void *ctx;
};

static int read_attr(const struct nlattr *a, void *data)
{
    struct netlink_neigh *n = data;

    if (mnl_attr_get_type(a) == NDA_DST)
        netlink_get_addr(a, &n->addr);
    else if (mnl_attr_get_type(a) == NDA_PROTOCOL)
        n->protocol = netlink_get_u8(a);
    return MNL_CB_OK;
}

static int read_neigh(const struct nlmsghdr *h, void *data)
{
    const struct ndmsg *m = netlink_body(h, sizeof *m);
    const struct each *each = data;
    struct netlink_neigh n;

    if (m == NULL || (m->ndm_family != AF_INET && m->ndm_family != AF_INET6) ||
        (m->ndm_flags & NTF_PROXY) == 0)
        return MNL_CB_OK;
    memset(&n, 0, sizeof n);
    n.family = netlink_family(m->ndm_family);
    n.index = (uint32_t)m->ndm_ifindex;
    mnl_attr_parse(h, sizeof *m, read_attr, &n);
    each->fn(each->ctx, &n);
    return MNL_CB_OK;
}

int netlink_neigh_each(struct netlink *nl, uint8_t family, netlink_neigh_fn *fn,
                       void *ctx)
{
    _Alignas(8) char room[NETLINK_ROOM];
    struct nlmsghdr *h = netlink_ask(nl, room, RTM_GETNEIGH, NLM_F_DUMP);
    struct ndmsg *m = mnl_nlmsg_put_extra_header(h, sizeof *m);
    struct each each = {fn, ctx};
    int err;

    m->ndm_family = netlink_af(family);
    m->ndm_flags = NTF_PROXY;
    err = netlink_answer(nl, h, read_neigh, &each);
    return err == -EAFNOSUPPORT || err == -EOPNOTSUPP ? 0 : err;
}

static int send_neigh(struct netlink *nl, uint16_t type, unsigned flags,
                      const struct netlink_neigh *n)
{
    _Alignas(8) char room[NETLINK_ROOM];
    struct nlmsghdr *h = netlink_ask(nl, room, type, flags);
    struct ndmsg *m = mnl_nlmsg_put_extra_header(h, sizeof *m);

    m->ndm_family = netlink_af(n->family);
    m->ndm_ifindex = (int)n->index;
    m->ndm_flags = NTF_PROXY;
    m->ndm_state = NUD_PERMANENT;
    netlink_put_addr(h, NDA_DST, n->family, &n->addr);
    mnl_attr_put_u8(h, NDA_PROTOCOL, n->protocol);
    return netlink_answer(nl, h, NULL, NULL);
}

int netlink_neigh_put(struct netlink *nl, const struct netlink_neigh *neigh)
{
    return send_neigh(nl, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, neigh);
}

int netlink_neigh_delete(struct netlink *nl, const struct netlink_neigh *neigh)
{
    return send_neigh(nl, RTM_DELNEIGH, 0, neigh);
}

/* ---- settings of a table of neighbours ---- */

static const char *table_name(uint8_t family)
{
    return family == CT_IPV4 ? "arp_cache" : "ndisc_cache";
}

struct delay {
    uint8_t family;
    uint32_t index;
    bool found;
    uint32_t ms;
    struct {
        uint32_t index;
        uint64_t ms;
        bool found;
    } now; /* one device's settings, while they are read */
};

static int read_parm(const struct nlattr *a, void *data)
{
    struct delay *d = data;

    if (mnl_attr_get_type(a) == NDTPA_IFINDEX) {
        d->now.index = netlink_get_u32(a);
    } else if (mnl_attr_get_type(a) == NDTPA_PROXY_DELAY) {
        d->now.ms = netlink_get_u64(a);
        d->now.found = true;
    }
    return MNL_CB_OK;
}

static int read_table_attr(const struct nlattr *a, void *data)
{
    struct delay *d = data;

    if (mnl_attr_get_type(a) != NDTA_PARMS)
        return MNL_CB_OK;
    memset(&d->now, 0, sizeof d->now);
    mnl_attr_parse_nested(a, read_parm, d);
    if (d->now.found && d->now.index == d->index) {
        d->found = true;
        d->ms = (uint32_t)d->now.ms;
    }
    return MNL_CB_OK;
}

static int read_table(const struct nlmsghdr *h, void *data)
{
    const struct ndtmsg *m = netlink_body(h, sizeof *m);
    struct delay *d = data;

    if (m != NULL && m->ndtm_family == netlink_af(d->family))
        mnl_attr_parse(h, sizeof *m, read_table_attr, d);
    return MNL_CB_OK;
}

int netlink_neigh_delay(struct netlink *nl, uint8_t family, uint32_t index,
                        uint32_t *ms)
{
    _Alignas(8) char room[NETLINK_ROOM];
    struct nlmsghdr *h = netlink_ask(nl, room, RTM_GETNEIGHTBL, NLM_F_DUMP);
    struct ndtmsg *m = mnl_nlmsg_put_extra_header(h, sizeof *m);
    struct delay d = {.family = family, .index = index};
    int err;

    m->ndtm_family = netlink_af(family);
    err = netlink_answer(nl, h, read_table, &d);
    if (err < 0)
        return err;
    *ms = d.ms;
    return d.found ? 0 : -ENODEV;
}

int netlink_neigh_set_delay(struct netlink *nl, uint8_t family, uint32_t index,
                            uint32_t ms)
{
    _Alignas(8) char room[NETLINK_ROOM];
    struct nlmsghdr *h = netlink_ask(nl, room, RTM_SETNEIGHTBL, NLM_F_REPLACE);
    struct ndtmsg *m = mnl_nlmsg_put_extra_header(h, sizeof *m);
    struct nlattr *parms;

    m->ndtm_family = netlink_af(family);
    mnl_attr_put_strz(h, NDTA_NAME, table_name(family));
    parms = mnl_attr_nest_start(h, NDTA_PARMS);
    mnl_attr_put_u32(h, NDTPA_IFINDEX, index);
    mnl_attr_put_u64(h, NDTPA_PROXY_DELAY, ms);
    mnl_attr_nest_end(h, parms);
    return netlink_answer(nl, h, NULL, NULL);
}
