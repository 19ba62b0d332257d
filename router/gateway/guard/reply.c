/* reply.c - answers from addresses of the host that weir does not serve
 */
#include "gateway/guard/reply.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

enum {
    LATE = 500,    /* behind the host's own packet filter */
    LAST = 501,    /* behind the guard, which passes what is marked */
    MANGLE = -150, /* where others mark what is sent, too */
    NOTED = 65536,
    TCP_MS = 7500000,  /* RFC 5382 REQ-5: more than 2 hours */
    BEGIN_MS = 240000, /* the same: at least 4 minutes */
    UDP_MS = 180000,
    ECHO_MS = 30000,
    KEY = 1 /* first register of one; 0 is for comparing */
};

static const char asked[] = "asked", reply[] = "reply", leave[] = "leave";

/* Sets of a family: who has asked; TCP connections that the host has answered
 * with more than a SYN; those that it has ended. */
static const struct sets {
    const char *asked, *held, *ended;
} sets[GATEWAY_TABLE_FAMILIES] = {
    {"asked4", "held4", "ended4"},
    {"asked6", "held6", "ended6"},
};

static const struct sets *sets_of(const struct gateway_table_layout *l)
{
    return &sets[l->len == 4 ? 0 : 1];
}

/* Whose address comes first is the other's; so do ports.  At offsets. */
struct place {
    uint32_t their, our, their_port, our_port;
};

static void load_request_key(struct netlink_nft *b,
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

static void begin_proto_rule(struct netlink_nft *b, const char *chain,
                             const struct gateway_table_layout *l,
                             uint8_t proto, uint8_t type)
{
    netlink_nft_rule(b, chain);
    gateway_table_family(b, l);
    gateway_table_proto(b, proto);
    if (proto != l->icmp)
        return;
    netlink_nft_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1, 0);
    netlink_nft_cmp(b, true, 0, &type, 1);
}

static void add_request_rule(struct netlink_nft *b,
                             const struct gateway_table_layout *l,
                             uint8_t proto, uint32_t ms)
{
    struct place p = {l->src, l->dst, 0, 2};

    if (proto == l->icmp)
        p.their_port = p.our_port = 4; /* the identifier */
    begin_proto_rule(b, asked, l, proto, l->asks);
    load_request_key(b, l, &p);
    netlink_nft_update(b, sets_of(l)->asked, KEY, ms);
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
static void begin_answer(struct netlink_nft *b,
                         const struct gateway_table_layout *l, uint8_t proto)
{
    begin_proto_rule(b, reply, l, proto, l->answers);
    is_marked(b, 0);
}

static void load_answer(struct netlink_nft *b,
                        const struct gateway_table_layout *l, uint8_t proto)
{
    struct place p = {l->dst, l->src, 2, 0};

    if (proto == l->icmp)
        p.their_port = p.our_port = 4;
    load_request_key(b, l, &p);
}

static void add_answer_rule(struct netlink_nft *b,
                            const struct gateway_table_layout *l, uint8_t proto,
                            const char *set, uint32_t mark)
{
    begin_answer(b, l, proto);
    load_answer(b, l, proto);
    netlink_nft_lookup(b, set, KEY);
    put_mark(b, mark);
}

/* Anyone may send a SYN, and an ACK behind it, in anyone's name: what the host
 * says to that must not fill a set for hours.  In the order of rules: what it
 * ends is short, what it goes on with is long. */
static void add_tcp_rules(struct netlink_nft *b,
                          const struct gateway_table_layout *l, uint32_t mark)
{
    const struct sets *s = sets_of(l);
    const uint8_t ends = GATEWAY_TABLE_FIN | GATEWAY_TABLE_RST;

    begin_answer(b, l, CT_PROTO_TCP);
    gateway_table_flags(b, ends, true);
    load_answer(b, l, CT_PROTO_TCP);
    netlink_nft_lookup(b, s->held, KEY);
    netlink_nft_update(b, s->ended, KEY, BEGIN_MS);
    netlink_nft_rule_end(b);
    begin_answer(b, l, CT_PROTO_TCP);
    load_answer(b, l, CT_PROTO_TCP);
    netlink_nft_lookup(b, s->ended, KEY);
    netlink_nft_update(b, s->held, KEY, BEGIN_MS);
    put_mark(b, mark);
    begin_answer(b, l, CT_PROTO_TCP);
    gateway_table_flags(b, ends | GATEWAY_TABLE_SYN, false);
    load_answer(b, l, CT_PROTO_TCP);
    netlink_nft_lookup(b, s->asked, KEY);
    netlink_nft_update(b, s->held, KEY, TCP_MS);
    netlink_nft_rule_end(b);
    add_answer_rule(b, l, CT_PROTO_TCP, s->held, mark);
}

static void put_family(struct netlink_nft *b, const struct gateway_table_key *k,
                       const struct gateway_table_layout *l, uint32_t mark)
{
    const struct {
        uint8_t proto;
        uint32_t ms;
    } kinds[] = {
        {CT_PROTO_TCP, BEGIN_MS}, {CT_PROTO_UDP, UDP_MS}, {l->icmp, ECHO_MS}};

    gateway_table_served(b, asked, k, l);
    for (int i = 0; i < 3; i++) {
        add_request_rule(b, l, kinds[i].proto, kinds[i].ms);
        if (kinds[i].proto == CT_PROTO_TCP)
            add_tcp_rules(b, l, mark);
        add_answer_rule(b, l, kinds[i].proto, sets_of(l)->asked, mark);
    }
}

void gateway_reply_put(struct netlink_nft *b, const struct gateway_table_key *k,
                       uint32_t mark)
{
    const uint8_t host = PACKET_HOST;

    for (int i = 0; i < GATEWAY_TABLE_FAMILIES; i++) {
        const struct gateway_table_layout *l = &gateway_table_layouts[i];

        netlink_nft_set(b, sets[i].asked, gateway_table_tuple(l), NOTED);
        netlink_nft_set(b, sets[i].held, gateway_table_tuple(l), NOTED);
        netlink_nft_set(b, sets[i].ended, gateway_table_tuple(l), NOTED);
    }
    netlink_nft_chain(b, asked, NF_INET_LOCAL_IN, LATE, NULL);
    netlink_nft_route_chain(b, reply, MANGLE);
    netlink_nft_chain(b, leave, NF_INET_LOCAL_OUT, LAST, NULL);
    gateway_table_elsewhere(b, asked, NFT_META_IIFNAME, k, false);
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
