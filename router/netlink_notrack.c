/* netlink_notrack.c - packets that the kernel's own connection tracking leaves
 * alone, by nf_tables
 *
 * One datagram is one transaction: BEGIN, changes, END.  The table is made,
 * deleted and made anew, so that it does not matter whether it was there.  The
 * kernel answers each message that fails, and the last change if asked to. */
#include "netlink_notrack.h"

#include "netlink_nftables.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

enum { ROOM = 8192, RAW = -300 };

static const char table[] = "weir_notrack";

struct batch {
    _Alignas(8) char room[ROOM];
    size_t len;
    uint32_t seq;
};

static struct nlmsghdr *begin(struct batch *b, uint16_t type, unsigned flags,
                              uint8_t family, uint16_t res)
{
    struct nlmsghdr *h = mnl_nlmsg_put_header(b->room + b->len);
    struct nfgenmsg *m;

    h->nlmsg_type = type;
    h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    h->nlmsg_seq = ++b->seq;
    m = mnl_nlmsg_put_extra_header(h, sizeof *m);
    m->nfgen_family = family;
    m->version = NFNETLINK_V0;
    m->res_id = htons(res);
    return h;
}

static void end(struct batch *b, const struct nlmsghdr *h)
{
    b->len += (h->nlmsg_len + MNL_ALIGNTO - 1u) & ~(MNL_ALIGNTO - 1u);
}

static void mark(struct batch *b, uint16_t type)
{
    end(b, begin(b, type, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
}

static struct nlmsghdr *change(struct batch *b, uint16_t what, unsigned flags)
{
    return begin(b, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | what), flags,
                 NFPROTO_INET, 0);
}

static void put_table(struct batch *b, uint16_t what, unsigned flags)
{
    struct nlmsghdr *h = change(b, what, flags);

    mnl_attr_put_strz(h, NFTA_TABLE_NAME, table);
    end(b, h);
}

static void put_chain(struct batch *b, const char *name, uint32_t hook)
{
    struct nlmsghdr *h = change(b, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
    struct nlattr *nest;

    mnl_attr_put_strz(h, NFTA_CHAIN_TABLE, table);
    mnl_attr_put_strz(h, NFTA_CHAIN_NAME, name);
    nest = mnl_attr_nest_start(h, NFTA_CHAIN_HOOK);
    mnl_attr_put_u32(h, NFTA_HOOK_HOOKNUM, htonl(hook));
    mnl_attr_put_u32(h, NFTA_HOOK_PRIORITY, htonl((uint32_t)RAW));
    mnl_attr_nest_end(h, nest);
    mnl_attr_put_strz(h, NFTA_CHAIN_TYPE, "filter");
    end(b, h);
}

static struct nlattr *expression(struct nlmsghdr *h, const char *name)
{
    struct nlattr *item = mnl_attr_nest_start(h, NFTA_LIST_ELEM);

    mnl_attr_put_strz(h, NFTA_EXPR_NAME, name);
    return item;
}

/* key (a device's index) is index: not tracked. */
static void put_rule(struct batch *b, const char *chain, uint32_t key,
                     uint32_t index, unsigned flags)
{
    struct nlmsghdr *h =
        change(b, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND | flags);
    struct nlattr *all, *item, *data, *value;

    mnl_attr_put_strz(h, NFTA_RULE_TABLE, table);
    mnl_attr_put_strz(h, NFTA_RULE_CHAIN, chain);
    all = mnl_attr_nest_start(h, NFTA_RULE_EXPRESSIONS);
    item = expression(h, "meta");
    data = mnl_attr_nest_start(h, NFTA_EXPR_DATA);
    mnl_attr_put_u32(h, NFTA_META_DREG, htonl(NFT_REG_1));
    mnl_attr_put_u32(h, NFTA_META_KEY, htonl(key));
    mnl_attr_nest_end(h, data);
    mnl_attr_nest_end(h, item);
    item = expression(h, "cmp");
    data = mnl_attr_nest_start(h, NFTA_EXPR_DATA);
    mnl_attr_put_u32(h, NFTA_CMP_SREG, htonl(NFT_REG_1));
    mnl_attr_put_u32(h, NFTA_CMP_OP, htonl(NFT_CMP_EQ));
    value = mnl_attr_nest_start(h, NFTA_CMP_DATA);
    mnl_attr_put_u32(h, NFTA_DATA_VALUE, index);
    mnl_attr_nest_end(h, value);
    mnl_attr_nest_end(h, data);
    mnl_attr_nest_end(h, item);
    item = expression(h, "notrack");
    mnl_attr_nest_end(h, item);
    mnl_attr_nest_end(h, all);
    end(b, h);
}

int netlink_notrack_put(const uint32_t in[4], uint32_t out)
{
    struct batch b = {.len = 0};
    mark(&b, NFNL_MSG_BATCH_BEGIN);
    put_table(&b, NFT_MSG_NEWTABLE, NLM_F_CREATE);
    put_table(&b, NFT_MSG_DELTABLE, 0);
    put_table(&b, NFT_MSG_NEWTABLE, NLM_F_CREATE);
    put_chain(&b, "in", NF_INET_PRE_ROUTING);
    put_chain(&b, "out", NF_INET_LOCAL_OUT);
    for (int i = 0; i < 4; i++)
        if (in[i] != 0)
            put_rule(&b, "in", NFT_META_IIF, in[i], 0);
    put_rule(&b, "out", NFT_META_OIF, out, NLM_F_ACK);
    mark(&b, NFNL_MSG_BATCH_END);
    return netlink_nftables_send(b.room, b.len);
}

int netlink_notrack_remove(void)
{
    struct batch b = {.len = 0};
    int err;

    mark(&b, NFNL_MSG_BATCH_BEGIN);
    put_table(&b, NFT_MSG_DELTABLE, NLM_F_ACK);
    mark(&b, NFNL_MSG_BATCH_END);
    err = netlink_nftables_send(b.room, b.len);
    return err == -ENOENT || err == -EOPNOTSUPP || err == -EPROTONOSUPPORT ||
                   err == -EINVAL
               ? 0
               : err;
}
