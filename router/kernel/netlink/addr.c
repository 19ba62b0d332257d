/* addr.c - the addresses of devices that other hosts can reach */
#include "kernel/netlink/addr.h"

#include "kernel/netlink/ask.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <string.h>

struct each {
    netlink_addr_fn *fn;
    void *ctx;
};

struct reading {
    struct netlink_addr addr;
    uint32_t flags;
    bool local; /* IFA_LOCAL was there: of two ends, ours */
};

static int read_attr(const struct nlattr *a, void *data)
{
    struct reading *r = data;

    switch (mnl_attr_get_type(a)) {
    case IFA_LOCAL:
        netlink_get_addr(a, &r->addr.addr);
        r->local = true;
        break;
    case IFA_ADDRESS:
        if (!r->local)
            netlink_get_addr(a, &r->addr.addr);
        break;
    case IFA_FLAGS:
        r->flags = netlink_get_u32(a);
        break;
    default:
        break;
    }
    return MNL_CB_OK;
}

static int read_addr(const struct nlmsghdr *h, void *data)
{
    const struct ifaddrmsg *m = netlink_body(h, sizeof *m);
    const struct each *each = data;
    struct reading r = {.flags = 0};
    bool v6;

    if (m == NULL || !netlink_has_len(m->ifa_family, m->ifa_prefixlen) ||
        m->ifa_scope != RT_SCOPE_UNIVERSE)
        return MNL_CB_OK;
    r.flags = m->ifa_flags;
    v6 = m->ifa_family == AF_INET6;
    r.addr.index = m->ifa_index;
    r.addr.family = netlink_family(m->ifa_family);
    r.addr.len = m->ifa_prefixlen;
    mnl_attr_parse(h, sizeof *m, read_attr, &r);
    /* The bit that says "temporary" says "secondary" of an IPv4 address. */
    r.addr.temporary = v6 && (r.flags & IFA_F_TEMPORARY) != 0;
    r.addr.deprecated = v6 && (r.flags & IFA_F_DEPRECATED) != 0;
    if ((r.flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) == 0)
        each->fn(each->ctx, &r.addr);
    return MNL_CB_OK;
}

int netlink_addr_each(struct netlink *nl, netlink_addr_fn *fn, void *ctx)
{
    _Alignas(8) char room[NETLINK_ROOM];
    struct nlmsghdr *h = netlink_ask(nl, room, RTM_GETADDR, NLM_F_DUMP);
    struct each each = {fn, ctx};

    mnl_nlmsg_put_extra_header(h, sizeof(struct ifaddrmsg));
    return netlink_answer(nl, h, read_addr, &each);
}
