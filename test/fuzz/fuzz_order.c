/* fuzz_order.c - libFuzzer: whatever a process that was broken into orders,
 * what is let through reaches nothing that others have made
 *
 * What passes order_check() is read again by a judge that shares no code with
 * it: which device, table, protocol or setting would the kernel take? */
#include "fuzz_kernel.h"
#include "fuzz_message.h"
#include "order/check.h"

#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sanitizer/asan_interface.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { WAN = 3, TUN = 7, OURS = 119, ATTRS = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct order_devices devices_now = {
    .tun = {TUN}, .n_known = 1, .known = {{WAN, 0, "eth1"}}};

static void must(bool right)
{
    if (!right)
        abort();
}

/* Of each type below 64 the last one, as the kernel takes it. */
struct attrs {
    const uint8_t *at[ATTRS];
    size_t len[ATTRS];
    uint64_t there; /* bits */
};

static struct attrs read_attrs(const uint8_t *p, const uint8_t *end)
{
    struct attrs all = {.there = 0};

    while (p + sizeof(struct nlattr) <= end) {
        struct nlattr a;
        uint16_t type;

        memcpy(&a, p, sizeof a);
        if (a.nla_len < sizeof a || p + a.nla_len > end)
            break;
        type = a.nla_type & NLA_TYPE_MASK;
        if (type < ATTRS) {
            all.at[type] = p + sizeof a;
            all.len[type] = a.nla_len - sizeof a;
            all.there |= UINT64_C(1) << type;
        }
        p += (a.nla_len + 3u) & ~3u;
    }
    return all;
}

/* As the kernel reads it: the first four bytes. */
static uint32_t u32(const struct attrs *all, unsigned type, uint32_t none)
{
    uint32_t v = none;

    if (all->len[type] == 1)
        v = *all->at[type];
    else if (all->len[type] >= sizeof v)
        memcpy(&v, all->at[type], sizeof v);
    return v;
}

static bool text_is(const struct attrs *all, unsigned type, const char *text)
{
    return all->len[type] == strlen(text) + 1 &&
           memcmp(all->at[type], text, all->len[type]) == 0;
}

/* ---- rtnetlink ---- */

static void judge_rule(bool goes, const struct fib_rule_hdr *m,
                       const struct attrs *a)
{
    uint32_t table = u32(a, FRA_TABLE, m->table);
    uint32_t pref = u32(a, FRA_PRIORITY, UINT32_MAX);
    bool local = m->action == FR_ACT_TO_TBL && table == RT_TABLE_LOCAL &&
                 pref == 0 && a->len[FRA_IIFNAME] == 0;

    must(m->family == AF_INET || m->family == AF_INET6);
    must(u32(a, FRA_PROTOCOL, 0) == OURS || local);
    if (goes || local)
        return;
    must(pref == 0 || pref == 32765);
    must(text_is(a, FRA_IIFNAME, "lo") || text_is(a, FRA_IIFNAME, "eth1") ||
         text_is(a, FRA_IIFNAME, "weir-lan"));
    must(table == 0 || table == RT_TABLE_LOCAL || table == RT_TABLE_MAIN ||
         table >> 8 == 0x776569);
}

static void judge_route(bool goes, const struct rtmsg *m, const struct attrs *a)
{
    must(m->rtm_protocol == OURS &&
         u32(a, RTA_TABLE, m->rtm_table) >> 8 == 0x776569);
    must(goes || u32(a, RTA_OIF, 0) == TUN);
}

static void judge_neighbour(bool goes, const struct ndmsg *m)
{
    must(m->ndm_family == AF_INET || m->ndm_family == AF_INET6);
    must(m->ndm_flags == NTF_PROXY && (goes || m->ndm_ifindex == WAN));
}

static void judge_link(uint16_t flags, const struct ifinfomsg *m,
                       const struct attrs *a, bool gateway)
{
    uint64_t may = UINT64_C(1) << IFLA_AF_SPEC | UINT64_C(1) << IFLA_GROUP;

    must((flags & NLM_F_CREATE) == 0);
    must(m->ifi_index == TUN ||
         (gateway && m->ifi_index == WAN && m->ifi_change == 0));
    must(m->ifi_flags == m->ifi_change && (m->ifi_flags & ~1u) == 0);
    if (m->ifi_index == TUN)
        may |= UINT64_C(1) << IFLA_MTU | UINT64_C(1) << IFLA_TXQLEN;
    must((a->there & ~may) == 0);
}

static void judge_queueing(uint16_t type, const struct tcmsg *m)
{
    must(m->tcm_ifindex == TUN);
    must(m->tcm_parent == (type == RTM_NEWQDISC ? 0xfffffff1 : 0xfffffff3));
}

static void judge_route_order(const uint8_t *body, size_t len, bool gateway)
{
    struct nlmsghdr h;
    const uint8_t *header = body + sizeof h;
    struct attrs a;

    must(len >= sizeof h);
    memcpy(&h, body, sizeof h);
    must(h.nlmsg_len == len);
    a = read_attrs(header + fuzz_message_header(h.nlmsg_type), body + len);
    switch (h.nlmsg_type) {
    case RTM_NEWLINK:
        judge_link(h.nlmsg_flags, (const void *)header, &a, gateway);
        break;
    case RTM_NEWADDR:
        must(((const struct ifaddrmsg *)(const void *)header)->ifa_index ==
             TUN);
        break;
    case RTM_NEWQDISC:
    case RTM_NEWTFILTER:
    case RTM_DELTFILTER:
        must(gateway);
        judge_queueing(h.nlmsg_type, (const void *)header);
        break;
    case RTM_NEWRULE:
    case RTM_DELRULE:
        must(gateway);
        judge_rule(h.nlmsg_type == RTM_DELRULE, (const void *)header, &a);
        break;
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
        must(gateway);
        judge_route(h.nlmsg_type == RTM_DELROUTE, (const void *)header, &a);
        break;
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH:
        must(gateway);
        judge_neighbour(h.nlmsg_type == RTM_DELNEIGH, (const void *)header);
        break;
    default:
        must(gateway && h.nlmsg_type == RTM_SETNEIGHTBL);
        must(text_is(&a, NDTA_NAME, "arp_cache") ||
             text_is(&a, NDTA_NAME, "ndisc_cache"));
    }
}

/* ---- nf_tables ---- */

static void judge_batch(const uint8_t *body, size_t len)
{
    struct nlmsghdr h;

    for (size_t at = 0; at < len; at += (h.nlmsg_len + 3u) & ~3u) {
        struct attrs a;

        must(len - at >= sizeof h);
        memcpy(&h, body + at, sizeof h);
        must(h.nlmsg_len <= len - at && h.nlmsg_len >= sizeof h);
        if (h.nlmsg_type == NFNL_MSG_BATCH_BEGIN ||
            h.nlmsg_type == NFNL_MSG_BATCH_END)
            continue;
        must(h.nlmsg_type >> 8 == NFNL_SUBSYS_NFTABLES);
        a = read_attrs(body + at + sizeof h + sizeof(struct nfgenmsg),
                       body + at + h.nlmsg_len);
        must(text_is(&a, 1, "weir") || text_is(&a, 1, "weir_local") ||
             text_is(&a, 1, "weir_input") || text_is(&a, 1, "weir_reply") ||
             text_is(&a, 1, "weir_notrack"));
        if ((h.nlmsg_type & 0xff) <= NFT_MSG_DELTABLE)
            must(a.there == 1u << NFTA_TABLE_NAME);
    }
}

/* ---- the input ---- */

static size_t make_body(struct order *order)
{
    static const uint16_t types[] = {
        RTM_NEWLINK,  RTM_NEWADDR,     RTM_NEWROUTE,   RTM_DELROUTE,
        RTM_NEWRULE,  RTM_DELRULE,     RTM_NEWNEIGH,   RTM_DELNEIGH,
        RTM_NEWQDISC, RTM_SETNEIGHTBL, RTM_NEWTFILTER, RTM_DELTFILTER,
        RTM_DELLINK,  RTM_DELADDR,
    };
    struct fuzz_message b = {.p = (uint8_t *)order->body};
    unsigned n = 1 + (order->head.kind == ORDER_NFTABLES ? 3 : 0);

    while (n-- > 0 && b.len + 64 < FUZZ_ROOM) {
        uint8_t which = fuzz_kernel_byte(), header[32];
        uint16_t flags;
        uint16_t type = types[which % (sizeof types / sizeof *types)];

        if (order->head.kind == ORDER_NFTABLES)
            type = which < 32 ? NFNL_MSG_BATCH_BEGIN
                   : which < 64
                       ? NFNL_MSG_BATCH_END
                       : (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | which % 32);
        for (size_t i = 0; i < sizeof header; i++)
            header[i] = i < fuzz_message_header(type) ? fuzz_kernel_byte() : 0;
        if (type == NFNL_MSG_BATCH_BEGIN || type == NFNL_MSG_BATCH_END)
            memcpy(header, "\0\0\0\x0a", 4);
        flags = (uint16_t)(fuzz_kernel_byte() << 8 | NLM_F_REQUEST);
        if (order->head.kind != ORDER_NFTABLES)
            flags |= NLM_F_ACK;
        if (fuzz_message_begin(&b, type, flags, 0, 0) &&
            fuzz_message_put(&b, header, fuzz_message_header(type)))
            fuzz_kernel_attrs(&b);
    }
    return b.len;
}

static void judge_setting(const struct order_head *head)
{
    must(head->value <= 2);
    must(strncmp(head->name, "net/ipv", 7) == 0);
    must(strstr(head->name, "/../") == NULL &&
         strstr(head->name, "//") == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct order_limits limits = {
        .n_tuns = 1, .tun = {"weir-lan"}, .device = {"eth1"}};
    static struct order order;
    bool passes;
    size_t len;

    fuzz_kernel_begin(data, size);
    __asan_unpoison_memory_region(&order, sizeof order);
    memset(&order.head, 0, sizeof order.head);
    limits.gateway = fuzz_kernel_byte() % 4 != 0;
    order.head.kind = fuzz_kernel_byte() % 8;
    order.head.value = fuzz_kernel_byte();
    if (order.head.kind == ORDER_ROUTE || order.head.kind == ORDER_NFTABLES) {
        len = make_body(&order);
        if (fuzz_kernel_byte() == 1)
            len -= len > 4 ? 1u + fuzz_kernel_byte() % 4 : 0;
    } else {
        for (len = 0; len < ORDER_NAME && !fuzz_kernel_is_used_up(); len++)
            order.head.name[len] = (char)fuzz_kernel_byte();
        len = 0;
    }
    __asan_poison_memory_region(order.body + len, sizeof order.body - len);
    passes = order_check(&limits, &devices_now, &order, len);
    if (passes && order.head.kind == ORDER_ROUTE)
        judge_route_order((const uint8_t *)order.body, len, limits.gateway);
    else if (passes && order.head.kind == ORDER_NFTABLES)
        judge_batch((const uint8_t *)order.body, len);
    else if (passes && order.head.kind == ORDER_SYSCTL)
        judge_setting(&order.head);
    else if (passes && order.head.kind == ORDER_ATTACH)
        must(strcmp(order.head.name, "weir-lan") == 0);
    return 0;
}
