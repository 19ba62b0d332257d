/* table.c - what the tables of guard.c are made of */
#include "gateway/guard/table.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

enum { TCP_FLAGS = 13 };

const struct gateway_table_layout
    gateway_table_layouts[GATEWAY_TABLE_FAMILIES] = {
        {"own4", NFPROTO_IPV4, CT_PROTO_ICMP, 8, 0, 12, 16, 4, NETLINK_NFT_IPV4,
         NETLINK_NFT_ICMP},
        {"own6", NFPROTO_IPV6, CT_PROTO_ICMPV6, 128, 129, 8, 24, 16,
         NETLINK_NFT_IPV6, NETLINK_NFT_ICMPV6},
};

void gateway_table_device(struct netlink_nft *b, uint32_t meta, bool same,
                          const char *device)
{
    char name[16] = "";

    memcpy(name, device, strnlen(device, sizeof name - 1));
    netlink_nft_meta(b, meta, 0);
    netlink_nft_cmp(b, same, 0, name, sizeof name);
}

void gateway_table_family(struct netlink_nft *b,
                          const struct gateway_table_layout *l)
{
    netlink_nft_meta(b, NFT_META_NFPROTO, 0);
    netlink_nft_cmp(b, true, 0, &l->nfproto, 1);
}

void gateway_table_proto(struct netlink_nft *b, uint8_t proto)
{
    netlink_nft_meta(b, NFT_META_L4PROTO, 0);
    netlink_nft_cmp(b, true, 0, &proto, 1);
}

void gateway_table_flags(struct netlink_nft *b, uint8_t of, bool some)
{
    const uint8_t none = 0;

    netlink_nft_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, TCP_FLAGS, 1, 0);
    netlink_nft_mask(b, 0, &of, 1);
    netlink_nft_cmp(b, !some, 0, &none, 1);
}

void gateway_table_mark(struct netlink_nft *b, uint32_t mark)
{
    netlink_nft_value(b, 0, &mark, sizeof mark);
    netlink_nft_set_meta(b, NFT_META_MARK, 0);
}

void gateway_table_elsewhere(struct netlink_nft *b, const char *chain,
                             uint32_t meta, const struct gateway_table_key *k,
                             bool tuns)
{
    netlink_nft_rule(b, chain);
    for (uint32_t i = 0; i < k->n; i++)
        gateway_table_device(b, meta, false, k->pair[i].name);
    for (uint32_t i = 0; tuns && i < k->n; i++)
        gateway_table_device(b, meta, false, k->pair[i].tun);
    netlink_nft_verdict(b, NF_ACCEPT);
    netlink_nft_rule_end(b);
}

uint32_t gateway_table_tuple(const struct gateway_table_layout *l)
{
    uint32_t ends = netlink_nft_join(l->addr, l->addr);

    ends = netlink_nft_join(ends, NETLINK_NFT_PROTO);
    ends = netlink_nft_join(ends, NETLINK_NFT_PORT);
    return netlink_nft_join(ends, NETLINK_NFT_PORT);
}

void gateway_table_addrs(struct netlink_nft *b, const char *set,
                         const struct gateway_table_key *k,
                         const struct gateway_table_layout *l)
{
    uint8_t addr[GATEWAY_TABLE_OWN][16];
    uint32_t n = 0;

    for (uint32_t i = 0; i < k->n_own; i++)
        if ((k->own[i].family == CT_IPV4) == (l->len == 4))
            memcpy(addr[n++], k->own[i].addr.b, sizeof addr[0]);
    netlink_nft_addrs(b, set, l->addr, addr, n);
}

void gateway_table_begin_own(struct netlink_nft *b, const char *chain,
                             const struct gateway_table_key *k,
                             const struct gateway_table_layout *l,
                             const char *set, uint32_t at)
{
    gateway_table_addrs(b, set, k, l);
    netlink_nft_rule(b, chain);
    gateway_table_family(b, l);
    netlink_nft_payload(b, NFT_PAYLOAD_NETWORK_HEADER, at, l->len, 0);
    netlink_nft_lookup(b, set, 0);
}

void gateway_table_served(struct netlink_nft *b, const char *chain,
                          const struct gateway_table_key *k,
                          const struct gateway_table_layout *l)
{
    gateway_table_begin_own(b, chain, k, l, l->len == 4 ? "served4" : "served6",
                            l->dst);
    netlink_nft_verdict(b, NF_ACCEPT);
    netlink_nft_rule_end(b);
}
