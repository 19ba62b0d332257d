/* gateway_reply.c - answers from addresses of the host that weir does not serve
 */
#include "gateway_reply.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

enum {
    LATE = 500,    /* behind the host's own packet filter */
    LAST = 501,    /* behind the guard, which passes what is marked */
    MANGLE = -150, /* where others mark what is sent, too */
    NOTED = 65536,
    TCP_MS = 7500000, /* RFC 5382 REQ-5: more than 2 hours */
    UDP_MS = 180000,
    ECHO_MS = 30000,
    KEY = 1 /* first register of one; 0 is for comparing */
};

static const char asked[] = "asked", reply[] = "reply", leave[] = "leave";

static const char *set_of(const struct gateway_table_layout *l)
{
    return l->len == 4 ? "asked4" : "asked6";
}

/* Whose address comes first is the other's; so do ports.  At offsets. */
struct place {
    uint32_t their, our, their_port, our_port;
};

static void load_key(struct netlink_nft *b,
                     const struct gateway_table_layout *l,
                     const struct place *p)
{
    unsigned reg = KEY + 2 * l->len / 4;

    netlink_nft_payload(b, NFT_PAYLOAD_NETWORK_HEADER, p->their, l->len, KEY);
    netlink_nft_payload(b, NFT_PAYLOAD_NETWORK_HEADER, p->our, l->len,
                        KEY + l->len / 4);
    netlink_nft_meta(b, NFT_META_L4PROTO, reg);
    netlink_nft_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, p->their_port, 2,
                        reg + 1);
    netlink_nft_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, p->our_port, 2,
                        reg + 2);
}

static void begin(struct netlink_nft *b, const char *chain,
                  const struct gateway_table_layout *l, uint8_t proto,
                  uint8_t type)
{
    netlink_nft_rule(b, chain);
    gateway_table_family(b, l);
    gateway_table_proto(b, proto);
    if (proto != l->icmp)
        return;
    netlink_nft_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1, 0);
    netlink_nft_cmp(b, true, 0, &type, 1);
}

static void note(struct netlink_nft *b, const struct gateway_table_layout *l,
                 uint8_t proto, uint32_t ms)
{
    struct place p = {l->src, l->dst, 0, 2};

    if (proto == l->icmp)
        p.their_port = p.our_port = 4; /* the identifier */
    begin(b, asked, l, proto, l->asks);
    load_key(b, l, &p);
    netlink_nft_update(b, set_of(l), KEY, ms);
    netlink_nft_rule_end(b);
}

static void is_marked(struct netlink_nft *b, uint32_t mark)
{
    netlink_nft_meta(b, NFT_META_MARK, 0);
    netlink_nft_cmp(b, true, 0, &mark, sizeof mark);
}

static void put_mark(struct netlink_nft *b, uint32_t mark)
{
    netlink_nft_value(b, 0, &mark, sizeof mark);
    netlink_nft_set_meta(b, NFT_META_MARK, 0);
    netlink_nft_rule_end(b);
}

/* What has a mark already goes past weir by it. */
static void answer(struct netlink_nft *b, const struct gateway_table_layout *l,
                   uint8_t proto, uint32_t mark)
{
    struct place p = {l->dst, l->src, 2, 0};

    if (proto == l->icmp)
        p.their_port = p.our_port = 4;
    begin(b, reply, l, proto, l->answers);
    is_marked(b, 0);
    load_key(b, l, &p);
    netlink_nft_lookup(b, set_of(l), KEY);
    put_mark(b, mark);
}

static void put_family(struct netlink_nft *b, const struct gateway_table_key *k,
                       const struct gateway_table_layout *l, uint32_t mark)
{
    const struct {
        uint8_t proto;
        uint32_t ms;
    } kinds[] = {
        {IPPROTO_TCP, TCP_MS}, {IPPROTO_UDP, UDP_MS}, {l->icmp, ECHO_MS}};

    gateway_table_served(b, asked, k, l);
    for (int i = 0; i < 3; i++) {
        note(b, l, kinds[i].proto, kinds[i].ms);
        answer(b, l, kinds[i].proto, mark);
    }
}

void gateway_reply_put(struct netlink_nft *b, const struct gateway_table_key *k,
                       uint32_t mark)
{
    const uint8_t host = PACKET_HOST;

    for (int i = 0; i < GATEWAY_TABLE_FAMILIES; i++)
        netlink_nft_set(b, set_of(&gateway_table_layouts[i]),
                        gateway_table_tuple(&gateway_table_layouts[i]), NOTED);
    netlink_nft_chain(b, asked, NF_INET_LOCAL_IN, LATE, NULL);
    netlink_nft_route_chain(b, reply, MANGLE);
    netlink_nft_chain(b, leave, NF_INET_LOCAL_OUT, LAST, NULL);
    gateway_table_elsewhere(b, asked, NFT_META_IIFNAME, k);
    netlink_nft_rule(b, asked);
    netlink_nft_meta(b, NFT_META_PKTTYPE, 0);
    netlink_nft_cmp(b, false, 0, &host, 1);
    netlink_nft_verdict(b, NF_ACCEPT);
    netlink_nft_rule_end(b);
    for (int i = 0; i < GATEWAY_TABLE_FAMILIES; i++)
        put_family(b, k, &gateway_table_layouts[i], mark);
    netlink_nft_rule(b, leave);
    is_marked(b, mark);
    put_mark(b, 0);
}
