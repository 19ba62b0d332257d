/* order_check.c - may the privileged process do what it is ordered? */
#include "order_check.h"

#include "gateway_plan.h"
#include "gateway_setting.h"
#include "netlink_ask.h"
#include "netlink_forward.h"

#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

enum { TABLES = 0x77656900, TABLE_PREFIX = 24, MOST_OF_SETTING = 2 };

static bool is_of_weir(const uint32_t index[CT_MAX_IFACES], int device)
{
    for (int i = 0; i < CT_MAX_IFACES; i++)
        if (device > 0 && index[i] == (uint32_t)device)
            return true;
    return false;
}

static size_t aligned(size_t len)
{
    return (len + 3) & ~(size_t)3;
}

/* What is left of a row of attributes. */
struct row {
    const struct nlattr *a;
    int left;
};

/* Those behind the message's own header of size bytes. */
static struct row row_of(const struct nlmsghdr *h, size_t size)
{
    return (struct row){mnl_nlmsg_get_payload_offset(h, size),
                        (int)(mnl_nlmsg_get_payload_len(h) - aligned(size))};
}

/* NULL: that was the last. */
static const struct nlattr *next(struct row *row)
{
    const struct nlattr *a = row->a;

    if (row->left <= 0 || !mnl_attr_ok(a, row->left))
        return NULL;
    row->a = mnl_attr_next(a);
    row->left -= (int)aligned(a->nla_len);
    return a;
}

/* The last of that type: it is the one that the kernel takes. */
static const struct nlattr *attribute(const struct nlmsghdr *h, size_t size,
                                      uint16_t type)
{
    struct row row = row_of(h, size);
    const struct nlattr *a, *found = NULL;

    while ((a = next(&row)) != NULL)
        if (mnl_attr_get_type(a) == type)
            found = a;
    return found;
}

/* Its number; none if it is missing, or is no number. */
static uint32_t number(const struct nlmsghdr *h, size_t size, uint16_t type,
                       uint32_t none)
{
    const struct nlattr *a = attribute(h, size, type);

    if (a == NULL)
        return none;
    switch (mnl_attr_get_payload_len(a)) {
    case sizeof(uint8_t):
        return mnl_attr_get_u8(a);
    case sizeof(uint32_t):
        return mnl_attr_get_u32(a);
    default:
        return none;
    }
}

/* Has it any attribute but these?  bits: of types below 64. */
static bool has_other(const struct nlmsghdr *h, size_t size, uint64_t bits)
{
    struct row row = row_of(h, size);
    const struct nlattr *a;

    while ((a = next(&row)) != NULL) {
        unsigned type = mnl_attr_get_type(a);

        if (type >= 64 || (bits >> type & 1) == 0)
            return true;
    }
    return false;
}

#define BIT(type) (UINT64_C(1) << (type))

/* ---- rtnetlink ---- */

/* The kernel's own, which asks the table local of every packet. */
static bool is_kernels_local(const struct nlmsghdr *h)
{
    const struct fib_rule_hdr *m = mnl_nlmsg_get_payload(h);
    const size_t size = sizeof *m;

    return m->src_len == 0 && m->dst_len == 0 && m->tos == 0 && m->flags == 0 &&
           m->action == FR_ACT_TO_TBL &&
           number(h, size, FRA_TABLE, m->table) == RT_TABLE_LOCAL &&
           number(h, size, FRA_PRIORITY, 0) == 0 &&
           !has_other(h, size,
                      BIT(FRA_TABLE) | BIT(FRA_PRIORITY) | BIT(FRA_PROTOCOL));
}

static bool rule(const struct nlmsghdr *h)
{
    return number(h, sizeof(struct fib_rule_hdr), FRA_PROTOCOL, 0) ==
               GATEWAY_PLAN_PROTOCOL ||
           is_kernels_local(h);
}

static bool route(const struct nlmsghdr *h)
{
    const struct rtmsg *m = mnl_nlmsg_get_payload(h);
    uint32_t table = number(h, sizeof *m, RTA_TABLE, m->rtm_table);

    return m->rtm_protocol == GATEWAY_PLAN_PROTOCOL &&
           table >> (32 - TABLE_PREFIX) == TABLES >> (32 - TABLE_PREFIX);
}

static bool neighbour(const struct nlmsghdr *h)
{
    const struct ndmsg *m = mnl_nlmsg_get_payload(h);

    return (m->ndm_flags & NTF_PROXY) != 0;
}

/* Of one device (NDTPA_IFINDEX), and nothing of the whole table's. */
static bool neighbours(const struct nlmsghdr *h)
{
    const size_t size = sizeof(struct ndtmsg);
    const struct nlattr *a, *parms = attribute(h, size, NDTA_PARMS);
    struct row row;
    bool device = false;

    if (parms == NULL || has_other(h, size, BIT(NDTA_NAME) | BIT(NDTA_PARMS)))
        return false;
    row.a = mnl_attr_get_payload(parms);
    row.left = mnl_attr_get_payload_len(parms);
    while ((a = next(&row)) != NULL) {
        unsigned type = mnl_attr_get_type(a);

        if (type != NDTPA_IFINDEX && type != NDTPA_PROXY_DELAY)
            return false;
        device = device || type == NDTPA_IFINDEX;
    }
    return device;
}

static bool link_change(const struct order_limits *limits,
                        const uint32_t index[CT_MAX_IFACES],
                        const struct nlmsghdr *h)
{
    const struct ifinfomsg *m = mnl_nlmsg_get_payload(h);
    const uint64_t any = BIT(IFLA_AF_SPEC) | BIT(IFLA_GROUP);

    if ((h->nlmsg_flags & NLM_F_CREATE) != 0 || m->ifi_index <= 0)
        return false;
    if (is_of_weir(index, m->ifi_index))
        return (m->ifi_change & ~(unsigned)IFF_UP) == 0 &&
               !has_other(h, sizeof *m, any | BIT(IFLA_MTU) | BIT(IFLA_TXQLEN));
    return limits->gateway && m->ifi_change == 0 && m->ifi_flags == 0 &&
           !has_other(h, sizeof *m, any);
}

static bool address(const uint32_t index[CT_MAX_IFACES],
                    const struct nlmsghdr *h)
{
    const struct ifaddrmsg *m = mnl_nlmsg_get_payload(h);

    return is_of_weir(index, (int)m->ifa_index);
}

static bool queueing(const uint32_t index[CT_MAX_IFACES],
                     const struct nlmsghdr *h)
{
    const struct tcmsg *m = mnl_nlmsg_get_payload(h);

    return is_of_weir(index, m->tcm_ifindex);
}

/* The bytes of the header behind nlmsghdr; 0: no change that weir makes. */
static size_t size_of(uint16_t type)
{
    switch (type) {
    case RTM_NEWLINK:
        return sizeof(struct ifinfomsg);
    case RTM_NEWADDR:
        return sizeof(struct ifaddrmsg);
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
        return sizeof(struct rtmsg);
    case RTM_NEWRULE:
    case RTM_DELRULE:
        return sizeof(struct fib_rule_hdr);
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH:
        return sizeof(struct ndmsg);
    case RTM_SETNEIGHTBL:
        return sizeof(struct ndtmsg);
    case RTM_NEWQDISC:
    case RTM_NEWTFILTER:
    case RTM_DELTFILTER:
        return sizeof(struct tcmsg);
    default:
        return 0;
    }
}

static bool is_message(const struct nlmsghdr *h, size_t len)
{
    return len >= sizeof *h && h->nlmsg_len == len &&
           size_of(h->nlmsg_type) != 0 &&
           mnl_nlmsg_get_payload_len(h) >= size_of(h->nlmsg_type);
}

bool order_check_is_rule(const struct nlmsghdr *h, size_t len)
{
    return is_message(h, len) &&
           (h->nlmsg_type == RTM_NEWRULE || h->nlmsg_type == RTM_DELRULE);
}

static bool routing(const struct order_limits *limits,
                    const uint32_t index[CT_MAX_IFACES],
                    const struct nlmsghdr *h, size_t len)
{
    if (!is_message(h, len))
        return false;
    if (h->nlmsg_type == RTM_NEWLINK)
        return link_change(limits, index, h);
    if (h->nlmsg_type == RTM_NEWADDR)
        return address(index, h);
    if (!limits->gateway)
        return false;
    switch (h->nlmsg_type) {
    case RTM_NEWRULE:
    case RTM_DELRULE:
        return rule(h);
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
        return route(h);
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH:
        return neighbour(h);
    case RTM_NEWQDISC:
    case RTM_NEWTFILTER:
    case RTM_DELTFILTER:
        return queueing(index, h);
    default:
        return neighbours(h);
    }
}

/* ---- nf_tables ---- */

/* Every one of its messages names the table first: NFTA_TABLE_NAME,
 * NFTA_CHAIN_TABLE, NFTA_RULE_TABLE, NFTA_SET_TABLE and so on are all 1. */
static bool is_of_tables(const struct nlmsghdr *h)
{
    static const char prefix[] = "weir";
    const struct nlattr *a = attribute(h, sizeof(struct nfgenmsg), 1);

    return a != NULL && mnl_attr_get_payload_len(a) >= sizeof prefix &&
           memcmp(mnl_attr_get_payload(a), prefix, sizeof prefix - 1) == 0;
}

/* A table's handle goes before its name in the kernel, so it may not stand
 * there.  Types that weir does not send are not asked for. */
static bool is_table_change(const struct nlmsghdr *h)
{
    switch (h->nlmsg_type ^ NFNL_SUBSYS_NFTABLES << 8) {
    case NFT_MSG_NEWTABLE:
    case NFT_MSG_DELTABLE:
        return is_of_tables(h) &&
               !has_other(h, sizeof(struct nfgenmsg), BIT(NFTA_TABLE_NAME));
    case NFT_MSG_NEWCHAIN:
    case NFT_MSG_NEWRULE:
    case NFT_MSG_DELRULE:
    case NFT_MSG_NEWSET:
    case NFT_MSG_NEWSETELEM:
    case NFT_MSG_DELSETELEM:
    case NFT_MSG_NEWOBJ:
        return is_of_tables(h);
    default:
        return false;
    }
}

static bool tables(const void *batch, size_t len)
{
    const struct nlmsghdr *h = batch;
    int left = (int)len;

    for (; netlink_is_message(h, left); h = mnl_nlmsg_next(h, &left)) {
        if (mnl_nlmsg_get_payload_len(h) < sizeof(struct nfgenmsg))
            return false;
        if (h->nlmsg_type != NFNL_MSG_BATCH_BEGIN &&
            h->nlmsg_type != NFNL_MSG_BATCH_END && !is_table_change(h))
            return false;
    }
    return left == 0;
}

/* ---- the rest ---- */

static bool is_name(const char *name, size_t room)
{
    return memchr(name, '\0', room) != NULL;
}

static bool names_tun(const struct order_limits *limits, const char *name)
{
    for (uint32_t i = 0; i < limits->n_tuns; i++)
        if (strcmp(limits->tun[i], name) == 0)
            return true;
    return false;
}

bool order_check(const struct order_limits *limits,
                 const uint32_t index[CT_MAX_IFACES], const struct order *order,
                 size_t len)
{
    const struct order_head *head = &order->head;

    switch (head->kind) {
    case ORDER_ROUTE:
        return routing(limits, index, (const void *)order->body, len);
    case ORDER_COUNT:
        return limits->gateway && is_name(head->name, sizeof head->name);
    case ORDER_FORWARD:
        return limits->gateway &&
               len == sizeof(struct netlink_forward_question);
    case ORDER_CLASH:
        return limits->gateway && len == 0;
    case ORDER_NFTABLES:
        return limits->gateway && tables(order->body, len);
    case ORDER_SYSCTL:
        return limits->gateway && head->value <= MOST_OF_SETTING &&
               is_name(head->name, sizeof head->name) &&
               gateway_setting_is_path(head->name);
    case ORDER_ATTACH:
        return is_name(head->name, sizeof head->name) &&
               names_tun(limits, head->name);
    default:
        return false;
    }
}
