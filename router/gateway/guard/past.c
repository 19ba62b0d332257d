/* past.c - what the host sends past weir, and its answers */
#include "gateway/guard/past.h"

#include "gateway/guard/errors.h"
#include "gateway/plan.h"
#include "kernel/netlink/clash.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <netinet/in.h>

enum {
    LATE = 500, /* behind all of the host's */
    BEFORE_ROUTING = -160,
    NOTED = 65536,       /* connections of the host's past weir */
    PARTS = 4096,        /* datagrams whose fragments are on their way */
    TCP_MS = 7500000,    /* RFC 5382 REQ-5: more than 2 hours */
    CLOSING_MS = 240000, /* the same: at least 4 minutes */
    UDP_MS = 180000,
    ECHO_MS = 30000,
    PART_MS = 2000, /* the sender has the same id again, at 2^15 a second */
    CLASH_MS = 300000,
    AT_ONCE_MS = 1,
    BACK_MS = 1000, /* as long as its packet is in weir, and more */
    KEY = 1         /* its first register; 0 is for comparing */
};

/* Sets of a family.  The name says what the key is: another key is another
 * name, so that a set that a killed predecessor has left can stay. */
struct sets {
    const char *note, *closing, *part, *back, *clash;
};
static const struct sets sets[GATEWAY_TABLE_FAMILIES] = {
    {"note4", "closing4", "part4", "back4", NETLINK_CLASH_SET4},
    {"note6", "closing6", "piece6", "back6", NETLINK_CLASH_SET6},
};

/* One of the two families, and which way the packet goes. */
struct side {
    const struct gateway_table_layout *l;
    const struct sets *sets;
    uint32_t theirs, ours; /* offsets of addresses */
};

static struct side make_packet_side(int family, bool out)
{
    const struct gateway_table_layout *l = &gateway_table_layouts[family];

    return out ? (struct side){l, &sets[family], l->dst, l->src}
               : (struct side){l, &sets[family], l->src, l->dst};
}

/* ---- keys: their address, ours, the protocol, their port, ours ---- */

static unsigned load_addrs(struct netlink_nft *b, const struct side *s)
{
    unsigned words = s->l->len / 4;

    netlink_nft_payload(b, NFT_PAYLOAD_NETWORK_HEADER, s->theirs, s->l->len,
                        KEY);
    netlink_nft_payload(b, NFT_PAYLOAD_NETWORK_HEADER, s->ours, s->l->len,
                        KEY + words);
    netlink_nft_meta(b, NFT_META_L4PROTO, KEY + 2 * words);
    return KEY + 2 * words + 1;
}

/* their, our: offsets of the ports. */
static void load_connection_key(struct netlink_nft *b, const struct side *s,
                                uint32_t their, uint32_t our)
{
    unsigned reg = load_addrs(b, s);

    netlink_nft_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, their, 2, reg);
    netlink_nft_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, our, 2, reg + 1);
}

static void icmp_type_is(struct netlink_nft *b, uint8_t type)
{
    netlink_nft_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1, 0);
    netlink_nft_cmp(b, true, 0, &type, 1);
}

static void match_weir_mark(struct netlink_nft *b)
{
    const uint32_t mark = GATEWAY_PLAN_MARK;

    netlink_nft_meta(b, NFT_META_MARK, 0);
    netlink_nft_cmp(b, true, 0, &mark, sizeof mark);
}

/* ---- output ---- */

static void begin_ports(struct netlink_nft *b, const struct side *s,
                        const char *chain, uint8_t proto)
{
    netlink_nft_rule(b, chain);
    gateway_table_family(b, s->l);
    gateway_table_proto(b, proto);
}

static void note_and_accept(struct netlink_nft *b, const struct side *s,
                            uint32_t ms)
{
    netlink_nft_update(b, s->sets->note, KEY, ms);
    netlink_nft_verdict(b, NF_ACCEPT);
    netlink_nft_rule_end(b);
}

/* A connection that begins is short, by whomever: a stranger's SYN makes a
 * service that is bound to a device send one, too.  So is one that the host has
 * ended. */
static void note_tcp(struct netlink_nft *b, const struct side *s)
{
    begin_ports(b, s, "output", CT_PROTO_TCP);
    gateway_table_flags(b, GATEWAY_TABLE_SYN, true);
    load_connection_key(b, s, 2, 0);
    note_and_accept(b, s, CLOSING_MS);
    begin_ports(b, s, "output", CT_PROTO_TCP);
    gateway_table_flags(b, GATEWAY_TABLE_FIN | GATEWAY_TABLE_RST, true);
    load_connection_key(b, s, 2, 0);
    netlink_nft_update(b, s->sets->closing, KEY, CLOSING_MS);
    netlink_nft_rule_end(b);
    begin_ports(b, s, "output", CT_PROTO_TCP);
    load_connection_key(b, s, 2, 0);
    netlink_nft_lookup(b, s->sets->closing, KEY);
    note_and_accept(b, s, CLOSING_MS);
    begin_ports(b, s, "output", CT_PROTO_TCP);
    load_connection_key(b, s, 2, 0);
    note_and_accept(b, s, TCP_MS);
}

static void note_rest(struct netlink_nft *b, const struct side *s)
{
    begin_ports(b, s, "output", CT_PROTO_UDP);
    load_connection_key(b, s, 2, 0);
    note_and_accept(b, s, UDP_MS);
    begin_ports(b, s, "output", s->l->icmp);
    icmp_type_is(b, s->l->asks);
    load_connection_key(b, s, 4, 4);
    note_and_accept(b, s, ECHO_MS);
}

/* The same connection goes through weir now: it is a flow.  What is on its way
 * is no clash. */
static void expire_noted_connection(struct netlink_nft *b, const struct side *s)
{
    netlink_nft_rule(b, "output_weir");
    gateway_table_family(b, s->l);
    load_connection_key(b, s, 2, 0);
    netlink_nft_lookup(b, s->sets->note, KEY);
    netlink_nft_update(b, s->sets->back, KEY, BACK_MS);
    netlink_nft_update(b, s->sets->note, KEY, AT_ONCE_MS);
    netlink_nft_rule_end(b);
}

/* What comes from weir's devices, or goes into them. */
static void for_tuns(struct netlink_nft *b, const struct gateway_table_key *k,
                     const char *chain, uint32_t meta, const char *to)
{
    for (uint32_t i = 0; i < k->n; i++) {
        netlink_nft_rule(b, chain);
        gateway_table_device(b, meta, true, k->pair[i].tun);
        netlink_nft_goto(b, to);
        netlink_nft_rule_end(b);
    }
}

/* Those of reply.c: they are noted there. */
static void pass_replies(struct netlink_nft *b)
{
    netlink_nft_rule(b, "output");
    match_weir_mark(b);
    netlink_nft_verdict(b, NF_ACCEPT);
    netlink_nft_rule_end(b);
}

static void put_output(struct netlink_nft *b, const struct gateway_table_key *k)
{
    netlink_nft_branch(b, "output_weir");
    netlink_nft_chain(b, "output", NF_INET_LOCAL_OUT, LATE, NULL);
    for_tuns(b, k, "output", NFT_META_OIFNAME, "output_weir");
    gateway_table_elsewhere(b, "output", NFT_META_OIFNAME, k, false);
    pass_replies(b);
    for (int f = 0; f < GATEWAY_TABLE_FAMILIES; f++) {
        struct side s = make_packet_side(f, true);

        expire_noted_connection(b, &s);
        note_tcp(b, &s);
        note_rest(b, &s);
    }
}

/* ---- prerouting ---- */

/* The rule goes on for what is noted: by ports at these offsets, or by the id
 * of an echo of this type. */
static void begin_noted(struct netlink_nft *b, const char *chain,
                        const struct side *s, bool echo, uint8_t type,
                        uint32_t their, uint32_t our)
{
    netlink_nft_rule(b, chain);
    gateway_table_family(b, s->l);
    if (echo) {
        gateway_table_proto(b, s->l->icmp);
        icmp_type_is(b, type);
    }
    load_connection_key(b, s, echo ? 4 : their, echo ? 4 : our);
    netlink_nft_lookup(b, s->sets->note, KEY);
}

static void mark_answers(struct netlink_nft *b, const struct side *s, bool echo)
{
    begin_noted(b, "prerouting", s, echo, s->l->answers, 0, 2);
    gateway_table_mark(b, GATEWAY_PLAN_MARK);
    netlink_nft_rule_end(b);
}

/* The rule goes on if it is a fragment, and one that is not the first if so
 * asked; its id is the key's end. */
static void load_part(struct netlink_nft *b, const struct side *s, bool behind)
{
    const uint16_t none = 0, bits4 = htons(behind ? 0x1fff : 0x3fff),
                   bits6 = htons(behind ? 0xfff8 : 0xfff9);
    unsigned reg = load_addrs(b, s);

    if (s->l->len == 4) {
        netlink_nft_payload(b, NFT_PAYLOAD_NETWORK_HEADER, 6, 2, 0);
        netlink_nft_mask(b, 0, &bits4, 2);
        netlink_nft_cmp(b, false, 0, &none, 2);
        netlink_nft_payload(b, NFT_PAYLOAD_NETWORK_HEADER, 4, 2, reg);
    } else {
        netlink_nft_header6(b, CT_PROTO_FRAGMENT, 2, 2, 0);
        netlink_nft_mask(b, 0, &bits6, 2);
        netlink_nft_cmp(b, false, 0, &none, 2);
        netlink_nft_header6(b, CT_PROTO_FRAGMENT, 4, 2, reg);
        netlink_nft_header6(b, CT_PROTO_FRAGMENT, 6, 2, reg + 1);
    }
}

/* An id of 32 bits is two of 16. */
static uint32_t part_type(const struct side *s)
{
    const uint32_t addrs = netlink_nft_join(s->l->addr, s->l->addr);

    if (s->l->len == 16)
        return gateway_table_tuple(s->l);
    return netlink_nft_join(netlink_nft_join(addrs, NETLINK_NFT_PROTO),
                            NETLINK_NFT_PORT);
}

static void mark_parts(struct netlink_nft *b, const struct side *s)
{
    netlink_nft_rule(b, "prerouting");
    gateway_table_family(b, s->l);
    match_weir_mark(b);
    load_part(b, s, false);
    netlink_nft_update(b, s->sets->part, KEY, PART_MS);
    netlink_nft_rule_end(b);
    netlink_nft_rule(b, "prerouting");
    gateway_table_family(b, s->l);
    load_part(b, s, true);
    netlink_nft_lookup(b, s->sets->part, KEY);
    gateway_table_mark(b, GATEWAY_PLAN_MARK);
    netlink_nft_rule_end(b);
}

static void put_prerouting(struct netlink_nft *b,
                           const struct gateway_table_key *k)
{
    netlink_nft_chain(b, "prerouting", NF_INET_PRE_ROUTING, BEFORE_ROUTING,
                      NULL);
    gateway_table_elsewhere(b, "prerouting", NFT_META_IIFNAME, k, false);
    for (int f = 0; f < GATEWAY_TABLE_FAMILIES; f++) {
        struct side s = make_packet_side(f, false);

        mark_answers(b, &s, false);
        mark_answers(b, &s, true);
        mark_parts(b, &s);
        gateway_errors_put(b, s.l, s.sets->note);
    }
}

static void put_input(struct netlink_nft *b)
{
    netlink_nft_chain(b, "input", NF_INET_LOCAL_IN, -LATE, NULL);
    netlink_nft_rule(b, "input");
    match_weir_mark(b);
    gateway_table_mark(b, 0);
    netlink_nft_rule_end(b);
}

/* ---- clash ---- */

static void begin_clash(struct netlink_nft *b, const struct side *s, bool echo)
{
    begin_noted(b, "clash_weir", s, echo, s->l->asks, 2, 0);
}

/* An echo's id is not given again: it is the client's own.  The set may be
 * full, and the rule would end there. */
static void put_clash(struct netlink_nft *b, const struct side *s, bool echo)
{
    begin_clash(b, s, echo);
    netlink_nft_lookup(b, s->sets->back, KEY);
    netlink_nft_verdict(b, NF_ACCEPT);
    netlink_nft_rule_end(b);
    if (!echo) {
        begin_clash(b, s, echo);
        netlink_nft_update(b, s->sets->clash, KEY, CLASH_MS);
        netlink_nft_rule_end(b);
    }
    begin_clash(b, s, echo);
    netlink_nft_count(b, NETLINK_CLASH_COUNTER);
    netlink_nft_verdict(b, NF_DROP);
    netlink_nft_rule_end(b);
}

static void put_clashes(struct netlink_nft *b,
                        const struct gateway_table_key *k)
{
    netlink_nft_branch(b, "clash_weir");
    netlink_nft_chain(b, "clash", NF_INET_PRE_ROUTING, BEFORE_ROUTING, NULL);
    for_tuns(b, k, "clash", NFT_META_IIFNAME, "clash_weir");
    for (int f = 0; f < GATEWAY_TABLE_FAMILIES; f++) {
        struct side s = make_packet_side(f, true);

        put_clash(b, &s, false);
        put_clash(b, &s, true);
    }
}

void gateway_past_put(struct netlink_nft *b, const struct gateway_table_key *k)
{
    for (int f = 0; f < GATEWAY_TABLE_FAMILIES; f++) {
        struct side s = make_packet_side(f, true);
        uint32_t type = gateway_table_tuple(s.l);

        netlink_nft_set(b, s.sets->note, type, NOTED);
        netlink_nft_set(b, s.sets->closing, type, NOTED);
        netlink_nft_set(b, s.sets->part, part_type(&s), PARTS);
        netlink_nft_set(b, s.sets->back, type, NOTED);
        netlink_nft_set(b, s.sets->clash, type, NETLINK_CLASH_MOST);
    }
    netlink_nft_counter(b, NETLINK_CLASH_COUNTER);
    put_output(b, k);
    put_prerouting(b, k);
    put_input(b);
    put_clashes(b, k);
}
