/* silence.c - what the host does not answer in weir's place */
#include "gateway/guard/silence.h"

#include <arpa/inet.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

enum { LATE = 500, TCP_FLAGS = 13, RST_ALONE = 0x04 };

static const char chain[] = "silence", branch[] = "answers";
static const char counter[] = "silence";

/* bytes: of the transport header, from offset on. */
static void no_answer(struct netlink_nft *b, uint8_t proto, uint32_t offset,
                      const uint8_t *bytes, uint32_t len)
{
    netlink_nft_rule(b, branch);
    gateway_table_proto(b, proto);
    netlink_nft_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, offset, len, 0);
    netlink_nft_cmp(b, true, 0, bytes, len);
    netlink_nft_count(b, counter);
    netlink_nft_verdict(b, NF_DROP);
    netlink_nft_rule_end(b);
}

static void no_error(struct netlink_nft *b, uint8_t proto, uint8_t type,
                     uint8_t code)
{
    no_answer(b, proto, 0, (const uint8_t[2]){type, code}, 2);
}

static void from_own(struct netlink_nft *b, const struct gateway_table_key *k,
                     const struct gateway_table_layout *l, const char *set)
{
    gateway_table_begin_own(b, chain, k, l, set, l->src);
    netlink_nft_goto(b, branch);
    netlink_nft_rule_end(b);
}

void gateway_silence_put(struct netlink_nft *b,
                         const struct gateway_table_key *k)
{
    const uint8_t rst = RST_ALONE;
    struct gateway_table_key gone = *k;

    gone.n_own = k->n_gone;
    memmove(gone.own, k->own + k->n_own, k->n_gone * sizeof *gone.own);
    netlink_nft_counter(b, counter);
    netlink_nft_branch(b, branch);
    netlink_nft_chain(b, chain, NF_INET_LOCAL_OUT, LATE, NULL);
    gateway_table_elsewhere(b, chain, NFT_META_OIFNAME, k, true);
    from_own(b, &gone, &gateway_table_layouts[0], "gone4");
    from_own(b, &gone, &gateway_table_layouts[1], "gone6");
    gateway_table_elsewhere(b, chain, NFT_META_OIFNAME, k, false);
    from_own(b, k, &gateway_table_layouts[0], "host4");
    from_own(b, k, &gateway_table_layouts[1], "host6");
    no_answer(b, CT_PROTO_TCP, TCP_FLAGS, &rst, 1);
    no_error(b, CT_PROTO_ICMP, ICMP_DEST_UNREACH, ICMP_PROT_UNREACH);
    no_error(b, CT_PROTO_ICMP, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH);
    no_error(b, CT_PROTO_ICMPV6, ICMPV6_DEST_UNREACH, ICMPV6_PORT_UNREACH);
    no_error(b, CT_PROTO_ICMPV6, ICMPV6_PARAMPROB, ICMPV6_UNK_NEXTHDR);
}
