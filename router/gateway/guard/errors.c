/* errors.c - ICMP errors about what the host sends past weir
 *
 * An error quotes the header of the packet that it is about.  The ports are
 * found at a fixed place: a header with options (IPv4) or extension headers has
 * them elsewhere, and such an error goes to weir. */
#include "gateway/guard/errors.h"

#include "gateway/plan.h"

#include <linux/netfilter/nf_tables.h>

enum {
    KEY = 1,   /* its first register; 0 is for comparing */
    QUOTED = 8 /* where the quoted packet begins */
};

/* ICMP errors: their types, and what the header that they quote has where. */
struct errors {
    const char *chain;
    struct netlink_nft_range types[2];
    uint8_t begin; /* version, and IPv4's length without options */
    uint32_t proto, len;
};
static const struct errors errors[GATEWAY_TABLE_FAMILIES] = {
    {"errors4", {{{3}, {3}}, {{11}, {12}}}, 0x45, 9, 20},
    {"errors6", {{{1}, {1}}, {{2}, {4}}}, 0x60, 6, 40},
};

/* Their address, ours, the protocol and ports (an echo's id) of what the host
 * has sent, as the error quotes it. */
static void load_quoted(struct netlink_nft *b,
                        const struct gateway_table_layout *l,
                        const struct errors *e, bool echo)
{
    const uint32_t base = NFT_PAYLOAD_TRANSPORT_HEADER, ports = QUOTED + e->len,
                   words = l->len / 4;
    const unsigned reg = KEY + 2 * words;

    netlink_nft_payload(b, base, QUOTED + l->dst, l->len, KEY);
    netlink_nft_payload(b, base, QUOTED + l->src, l->len, KEY + words);
    netlink_nft_payload(b, base, QUOTED + e->proto, 1, reg);
    netlink_nft_payload(b, base, ports + (echo ? 4 : 2), 2, reg + 1);
    netlink_nft_payload(b, base, ports + (echo ? 4 : 0), 2, reg + 2);
}

static void is_byte(struct netlink_nft *b, uint32_t offset, uint8_t mask,
                    uint8_t value)
{
    netlink_nft_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, offset, 1, 0);
    netlink_nft_mask(b, 0, &mask, 1);
    netlink_nft_cmp(b, true, 0, &value, 1);
}

static void mark_quoted(struct netlink_nft *b,
                        const struct gateway_table_layout *l,
                        const struct errors *e, const char *note, bool echo)
{
    netlink_nft_rule(b, e->chain);
    is_byte(b, QUOTED, l->len == 4 ? 0xff : 0xf0, e->begin);
    if (echo) {
        is_byte(b, QUOTED + e->proto, 0xff, l->icmp);
        is_byte(b, QUOTED + e->len, 0xff, l->asks);
    }
    load_quoted(b, l, e, echo);
    netlink_nft_lookup(b, note, KEY);
    gateway_table_mark(b, GATEWAY_PLAN_MARK);
    netlink_nft_rule_end(b);
}

void gateway_errors_put(struct netlink_nft *b,
                        const struct gateway_table_layout *l, const char *note)
{
    const struct errors *e = &errors[l->len == 4 ? 0 : 1];

    netlink_nft_branch(b, e->chain);
    mark_quoted(b, l, e, note, false);
    mark_quoted(b, l, e, note, true);
    for (int i = 0; i < 2; i++) {
        netlink_nft_rule(b, "prerouting");
        gateway_table_family(b, l);
        gateway_table_proto(b, l->icmp);
        netlink_nft_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1, 0);
        netlink_nft_span(b, true, 0, &e->types[i], 1);
        netlink_nft_goto(b, e->chain);
        netlink_nft_rule_end(b);
    }
}
