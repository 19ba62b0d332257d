/* tc.c - what leaves by a device turns and comes in by another
 *
 * As tc(8) would: a qdisc clsact, and in its egress one filter u32 that matches
 * everything by which device it came (the kernel notes that in the packet), and
 * act_mirred. */
#include "kernel/netlink/tc.h"

#include "kernel/netlink/ask.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>
#include <string.h>

enum { PRIORITY = 1 };

static struct tcmsg *head(struct nlmsghdr *h, uint32_t index, uint32_t parent)
{
    struct tcmsg *t = mnl_nlmsg_put_extra_header(h, sizeof *t);

    t->tcm_family = AF_UNSPEC;
    t->tcm_ifindex = (int)index;
    t->tcm_parent = parent;
    return t;
}

/* One that is there already is fine. */
static int put_qdisc(struct netlink *nl, uint32_t index)
{
    _Alignas(8) char room[NETLINK_ROOM];
    struct nlmsghdr *h =
        netlink_ask(nl, room, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL);
    int err;

    head(h, index, TC_H_CLSACT)->tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
    mnl_attr_put_strz(h, TCA_KIND, "clsact");
    err = netlink_answer(nl, h, NULL, NULL);
    return err == -EEXIST ? 0 : err;
}

static void put_action(struct nlmsghdr *h, uint32_t to)
{
    const struct tc_mirred mirred = {
        .action = TC_ACT_STOLEN, .eaction = TCA_INGRESS_REDIR, .ifindex = to};
    struct nlattr *all = mnl_attr_nest_start(h, TCA_U32_ACT);
    struct nlattr *first = mnl_attr_nest_start(h, 1), *options;

    mnl_attr_put_strz(h, TCA_ACT_KIND, "mirred");
    options = mnl_attr_nest_start(h, TCA_ACT_OPTIONS);
    mnl_attr_put(h, TCA_MIRRED_PARMS, sizeof mirred, &mirred);
    mnl_attr_nest_end(h, options);
    mnl_attr_nest_end(h, first);
    mnl_attr_nest_end(h, all);
}

static int delete_filters(struct netlink *nl, uint32_t index)
{
    _Alignas(8) char room[NETLINK_ROOM];
    struct nlmsghdr *h = netlink_ask(nl, room, RTM_DELTFILTER, 0);

    head(h, index, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS))->tcm_info =
        TC_H_MAKE(PRIORITY << 16, htons(ETH_P_ALL));
    return netlink_answer(nl, h, NULL, NULL);
}

static int put_filter(struct netlink *nl, uint32_t index, const char *name,
                      uint32_t to)
{
    _Alignas(8) char room[NETLINK_ROOM];
    struct nlmsghdr *h =
        netlink_ask(nl, room, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL);
    struct {
        struct tc_u32_sel sel;
        struct tc_u32_key key;
    } all = {.sel = {.flags = TC_U32_TERMINAL, .nkeys = 1}};
    struct nlattr *options;

    head(h, index, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS))->tcm_info =
        TC_H_MAKE(PRIORITY << 16, htons(ETH_P_ALL));
    mnl_attr_put_strz(h, TCA_KIND, "u32");
    options = mnl_attr_nest_start(h, TCA_OPTIONS);
    mnl_attr_put(h, TCA_U32_SEL, sizeof all, &all);
    mnl_attr_put_strz(h, TCA_U32_INDEV, name);
    put_action(h, to);
    mnl_attr_nest_end(h, options);
    return netlink_answer(nl, h, NULL, NULL);
}

int netlink_tc_turn(struct netlink *nl, uint32_t from, const char *name,
                    uint32_t to)
{
    int err = put_qdisc(nl, from);

    if (err < 0)
        return err;
    (void)delete_filters(nl, from); /* to another device, perhaps */
    return put_filter(nl, from, name, to);
}
