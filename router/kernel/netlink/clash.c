/* clash.c - whose flows had a noted connection's addresses and ports
 *
 * An element's key ends with the protocol, their port and ours, each with its
 * place of 4 bytes. */
#include "kernel/netlink/clash.h"

#include "kernel/netlink/ask.h"
#include "kernel/netlink/nftables.h"
#include "system/order.h"

#include <ctcore/wire.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

struct end {
    uint8_t proto, pad[3];
    ct_be16 their_port;
    uint8_t their_pad[2];
    ct_be16 port;
    uint8_t port_pad[2];
};

static int read_key(const struct nlattr *a, void *data)
{
    const uint8_t *key = mnl_attr_get_payload(a);
    uint16_t len = mnl_attr_get_payload_len(a);
    struct netlink_clash *found = data;
    struct netlink_clash_port *p;
    struct end end;

    if (mnl_attr_get_type(a) != NFTA_DATA_VALUE || len < sizeof end ||
        found->n == sizeof found->at / sizeof *found->at)
        return MNL_CB_OK;
    memcpy(&end, key + len - sizeof end, sizeof end);
    p = &found->at[found->n++];
    p->proto = end.proto;
    p->port = ct_load16(end.port);
    return MNL_CB_OK;
}

static int read_element(const struct nlattr *a, void *data)
{
    if (mnl_attr_get_type(a) == NFTA_SET_ELEM_KEY)
        mnl_attr_parse_nested(a, read_key, data);
    return MNL_CB_OK;
}

static int read_list(const struct nlattr *a, void *data)
{
    mnl_attr_parse_nested(a, read_element, data);
    return MNL_CB_OK;
}

static int read_set(const struct nlattr *a, void *data)
{
    if (mnl_attr_get_type(a) == NFTA_SET_ELEM_LIST_ELEMENTS)
        mnl_attr_parse_nested(a, read_list, data);
    return MNL_CB_OK;
}

static int read_answer(const struct nlmsghdr *h, void *data)
{
    mnl_attr_parse(h, sizeof(struct nfgenmsg), read_set, data);
    return MNL_CB_OK;
}

static int look(const char *set, struct netlink_clash *found)
{
    _Alignas(8) char room[512];
    struct nlmsghdr *h = mnl_nlmsg_put_header(room);
    struct nfgenmsg *m;

    h->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETSETELEM;
    h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    h->nlmsg_seq = 1;
    m = mnl_nlmsg_put_extra_header(h, sizeof *m);
    memset(m, 0, sizeof *m);
    m->nfgen_family = NFPROTO_INET;
    mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_TABLE, NETLINK_NFTABLES_TABLE);
    mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_SET, set);
    return netlink_nftables_ask(h, read_answer, found);
}

int netlink_clash_look(struct netlink_clash *found)
{
    int err;

    memset(found, 0, sizeof *found);
    if (system_order_given())
        return system_order_clash(found, sizeof *found);
    err = look(NETLINK_CLASH_SET4, found);
    return err < 0 ? err : look(NETLINK_CLASH_SET6, found);
}
