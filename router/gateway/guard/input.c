/* input.c - input rules where weir is not asked
 *
 * A rule becomes one of nf_tables for each family, device and protocol that it
 * is about; a list of addresses, ports or types becomes a set. */
#include "gateway/guard/input.h"

#include <ctcore/matches.def>
#include <ctcore/wire.h>

#include <arpa/inet.h>
#include <linux/icmpv6.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST = -510, /* before the guard takes the mark off */
    RANGES = NETLINK_NFT_RANGES,
    EXCLUDED = 64,  /* each is an expression; the kernel takes 128 a rule */
    ND_FIRST = 130, /* MLD, then ND */
    ND_LAST = 137
};

static const char chain[] = "input", counter[] = "refused";

/* Some of a header's bytes, and which values of them a rule is about. */
struct part {
    uint32_t base, offset, len;
    uint32_t type; /* of a set of them */
    uint32_t n;    /* 0: any */
    bool negate;
    char set[16]; /* where the values are many */
    struct netlink_nft_range range[RANGES];
};

enum { SRC, DST, SPORT, DPORT, TYPE, PARTS };

struct asking {
    struct netlink_nft *b;
    const struct gateway_table_key *k;
    const struct gateway_table_layout *l; /* of the family in hand */
    const struct ct_match *m;
    uint32_t number; /* of the rule */
    struct part part[PARTS];
};

/* ---- is it asked at all? ---- */

static uint32_t verdict_of(const struct ct_rule *rule)
{
    switch (rule->action) {
    case CT_ACT_ACCEPT:
        return NF_ACCEPT;
    case CT_ACT_DROP:
    case CT_ACT_REJECT:
    case CT_ACT_QUEUE: /* its program can't be asked */
        return NF_DROP;
    default:
        return NF_REPEAT; /* decides nothing */
    }
}

/* Those that a rule excludes. */
static uint32_t count_negated_entries(const struct ct_match *m)
{
    return (m->src.negate ? m->src.n_v4 + m->src.n_v6 : 0) +
           (m->dst.negate ? m->dst.n_v4 + m->dst.n_v6 : 0) +
           (m->sport.negate ? m->sport.n : 0u) +
           (m->dport.negate ? m->dport.n : 0u) +
           (m->icmp_type.negate ? m->icmp_type.n : 0u);
}

static bool has_too_many(const struct ct_match *m)
{
    return count_negated_entries(m) > EXCLUDED || m->src.n_v4 > RANGES ||
           m->src.n_v6 > RANGES || m->dst.n_v4 > RANGES ||
           m->dst.n_v6 > RANGES || m->sport.n > RANGES || m->dport.n > RANGES ||
           m->icmp_type.n > RANGES;
}

/* ---- what becomes of each match ---- */

/* Some are known of the packet, whatever is in it. */

static bool is_new(const struct ct_match *m)
{
    return (m->info.of >> CT_NEW & 1) != m->info.negate;
}

/* It has no status, and of that a rule says nothing, negated or not. */
static bool is_never(const struct ct_match *m)
{
    (void)m;
    return false;
}

static bool is_unmarked(const struct ct_match *m)
{
    bool is = false;

    for (unsigned i = 0; i < m->mark.n; i++)
        is = is || (m->mark.of[i].value & m->mark.of[i].mask) == 0;
    return is != m->mark.negate;
}

static bool is_unlabelled(const struct ct_match *m)
{
    return m->labels.negate;
}

static bool is_zone_0(const struct ct_match *m)
{
    return ct_match_number(&m->zone, 0);
}

static bool goes_nowhere(const struct ct_match *m)
{
    return ct_match_iface(&m->out, CT_NO_IFACE);
}

/* What does not stand here is left out, and the rule with it. */
enum way { LEFT_OUT, KNOWN, WRITTEN /* by add_filter_rule() */ };

enum match {
#define M(KIND, name, key, facts, words, top, help) MATCH_##name,
    CT_MATCHES(M)
#undef M
        N_MATCHES
};

static const struct {
    enum way is;
    bool (*meets)(const struct ct_match *m); /* what is KNOWN */
} ways[N_MATCHES] = {
    [MATCH_family] = {WRITTEN, NULL},
    [MATCH_in] = {WRITTEN, NULL},
    [MATCH_out] = {KNOWN, goes_nowhere},
    [MATCH_proto] = {WRITTEN, NULL},
    [MATCH_info] = {KNOWN, is_new},
    [MATCH_status] = {KNOWN, is_never},
    [MATCH_mark] = {KNOWN, is_unmarked},
    [MATCH_zone] = {KNOWN, is_zone_0},
    [MATCH_labels] = {KNOWN, is_unlabelled},
    [MATCH_icmp_type] = {WRITTEN, NULL},
    [MATCH_sport] = {WRITTEN, NULL},
    [MATCH_dport] = {WRITTEN, NULL},
    [MATCH_src] = {WRITTEN, NULL},
    [MATCH_dst] = {WRITTEN, NULL},
};

static bool may_match(const struct ct_rule *r)
{
    const struct ct_match *m = &r->match;

#define M(KIND, name, key, facts, words, top, help)                            \
    if (ways[MATCH_##name].is == KNOWN && ct_asks_##KIND(&m->name) &&          \
        !ways[MATCH_##name].meets(m))                                          \
        return false;
    CT_MATCHES(M)
#undef M
    return true;
}

static bool is_too_much(const struct ct_rule *r)
{
    const struct ct_match *m = &r->match;

#define M(KIND, name, key, facts, words, top, help)                            \
    if (ways[MATCH_##name].is == LEFT_OUT && ct_asks_##KIND(&m->name))         \
        return true;
#define L(name, facts, asked)                                                  \
    if (asked)                                                                 \
        return true;
    CT_MATCHES(M)
    CT_LIMITS(L)
#undef L
#undef M
    return has_too_many(m);
}

/* ---- what it is about ---- */

static void take_addrs(struct part *p, const struct ct_addr_set *set, bool v4)
{
    const struct ct_addr_range *r = v4 ? set->v4 : set->v6;

    p->n = v4 ? set->n_v4 : set->n_v6;
    p->negate = set->negate;
    for (uint32_t i = 0; i < p->n; i++) {
        memcpy(p->range[i].lo, r[i].lo.b, sizeof p->range[i].lo);
        memcpy(p->range[i].hi, r[i].hi.b, sizeof p->range[i].hi);
    }
}

/* An address set without one of this family is about the other one. */
static bool is_of_family(const struct ct_addr_set *set, const struct part *p)
{
    return !set->present || p->n > 0 || (set->both && set->negate);
}

static void put_port(uint8_t key[16], uint16_t port)
{
    ct_be16 word;

    ct_store16(&word, port);
    memcpy(key, word.b, sizeof word);
}

static void take_ports(struct part *p, const struct ct_number_set *set)
{
    p->n = set->n;
    p->negate = set->negate;
    for (uint32_t i = 0; i < p->n; i++) {
        put_port(p->range[i].lo, set->r[i].lo);
        put_port(p->range[i].hi, set->r[i].hi);
    }
}

static void take_types(struct part *p, const struct ct_number_set *set)
{
    p->n = set->n;
    p->negate = set->negate;
    for (uint32_t i = 0; i < p->n; i++) {
        p->range[i].lo[0] = (uint8_t)set->r[i].lo;
        p->range[i].hi[0] = (uint8_t)set->r[i].hi;
    }
}

/* false: it is about the other family. */
static bool take_parts(struct asking *a)
{
    static const char *const names[PARTS] = {"src", "dst", "sport", "dport",
                                             "type"};
    const struct gateway_table_layout *l = a->l;
    const uint32_t network = NFT_PAYLOAD_NETWORK_HEADER,
                   transport = NFT_PAYLOAD_TRANSPORT_HEADER;

    memset(a->part, 0, sizeof a->part);
    a->part[SRC] = (struct part){network, l->src, l->len, l->addr, .n = 0};
    a->part[DST] = (struct part){network, l->dst, l->len, l->addr, .n = 0};
    a->part[SPORT] = (struct part){transport, 0, 2, NETLINK_NFT_PORT, .n = 0};
    a->part[DPORT] = (struct part){transport, 2, 2, NETLINK_NFT_PORT, .n = 0};
    a->part[TYPE] = (struct part){transport, 0, 1, l->type, .n = 0};
    take_addrs(&a->part[SRC], &a->m->src, l->len == 4);
    take_addrs(&a->part[DST], &a->m->dst, l->len == 4);
    take_ports(&a->part[SPORT], &a->m->sport);
    take_ports(&a->part[DPORT], &a->m->dport);
    take_types(&a->part[TYPE], &a->m->icmp_type);
    for (int i = 0; i < PARTS; i++)
        (void)snprintf(a->part[i].set, sizeof a->part[i].set, "%c%u%s",
                       l->len == 4 ? 'a' : 'b', a->number, names[i]);
    return is_of_family(&a->m->src, &a->part[SRC]) &&
           is_of_family(&a->m->dst, &a->part[DST]);
}

/* ---- as rules of nf_tables ---- */

static bool needs_set(const struct part *p)
{
    return p->n > 1 && !p->negate;
}

static void put_part(struct netlink_nft *b, const struct part *p)
{
    if (p->n == 0)
        return;
    netlink_nft_payload(b, p->base, p->offset, p->len, 0);
    if (needs_set(p)) {
        netlink_nft_lookup(b, p->set, 0);
        return;
    }
    for (uint32_t i = 0; i < p->n; i++)
        netlink_nft_span(b, !p->negate, 0, &p->range[i], p->len);
}

static void add_rule_verdict(struct netlink_nft *b, uint32_t verdict)
{
    if (verdict == NF_DROP)
        netlink_nft_count(b, counter);
    netlink_nft_verdict(b, verdict);
    netlink_nft_rule_end(b);
}

/* proto 0: any but those that the rule excludes. */
static void put_one(const struct asking *a, const char *device, uint8_t proto,
                    uint32_t verdict)
{
    netlink_nft_rule(a->b, chain);
    if (device != NULL)
        gateway_table_device(a->b, NFT_META_IIFNAME, true, device);
    gateway_table_family(a->b, a->l);
    if (proto != 0)
        gateway_table_proto(a->b, proto);
    else if (a->m->proto.n > 0) {
        netlink_nft_meta(a->b, NFT_META_L4PROTO, 0);
        for (unsigned i = 0; i < a->m->proto.n; i++)
            netlink_nft_cmp(a->b, false, 0, &a->m->proto.of[i], 1);
    }
    for (int i = 0; i < PARTS; i++)
        put_part(a->b, &a->part[i]);
    add_rule_verdict(a->b, verdict);
}

/* For each protocol that has ports. */
static void put_ported(const struct asking *a, const char *device,
                       uint32_t verdict)
{
    for (unsigned proto = 0; proto <= UINT8_MAX; proto++)
        if (ct_proto_has_ports((uint8_t)proto) &&
            ct_match_proto(&a->m->proto, (uint8_t)proto))
            put_one(a, device, (uint8_t)proto, verdict);
}

static void put_protos(const struct asking *a, const char *device,
                       uint32_t verdict)
{
    const struct ct_match *m = a->m;
    const uint8_t *proto = m->proto.of;
    uint32_t n = m->proto.n;

    if (m->sport.n > 0 || m->dport.n > 0) {
        put_ported(a, device, verdict);
        return;
    }
    if (m->icmp_type.n > 0) {
        proto = &a->l->icmp;
        n = 1;
    } else if (n == 0 || m->proto.negate) {
        put_one(a, device, 0, verdict);
        return;
    }
    for (uint32_t i = 0; i < n; i++)
        if (ct_match_proto(&m->proto, proto[i]))
            put_one(a, device, proto[i], verdict);
}

static void put_devices(const struct asking *a, uint32_t verdict)
{
    const struct ct_match *m = a->m;

    if (m->in.of == 0) {
        put_protos(a, NULL, verdict);
        return;
    }
    for (uint32_t d = 0; d < a->k->n; d++)
        if (ct_match_iface(&m->in, (uint8_t)d))
            put_protos(a, a->k->pair[d].name, verdict);
}

static void add_filter_rule(struct asking *a, uint32_t verdict)
{
    for (int f = 0; f < GATEWAY_TABLE_FAMILIES; f++) {
        a->l = &gateway_table_layouts[f];
        if ((a->m->family != 0 &&
             (a->m->family == CT_IPV4) != (a->l->len == 4)) ||
            !take_parts(a))
            continue;
        for (int i = 0; i < PARTS; i++)
            if (needs_set(&a->part[i]))
                netlink_nft_spans(a->b, a->part[i].set, a->part[i].type,
                                  a->part[i].range, a->part[i].n);
        put_devices(a, verdict);
    }
}

static uint32_t add_filter_rules(struct asking *a,
                                 const struct ct_ruleset *rules)
{
    const uint32_t *start = rules->start[CT_INPUT];
    uint32_t left_out = 0;

    for (uint32_t i = start[CT_STAGE_FILTER]; i < start[CT_STAGE_FILTER + 1];
         i++) {
        uint32_t verdict = verdict_of(&rules->rules[i]);

        a->m = &rules->rules[i].match;
        a->number = i;
        if (verdict == NF_REPEAT || !may_match(&rules->rules[i]))
            continue;
        if (is_too_much(&rules->rules[i]))
            left_out++;
        else
            add_filter_rule(a, verdict);
    }
    return left_out;
}

/* ---- what is not asked about ---- */

static void put_types(struct netlink_nft *b, uint8_t first, uint8_t last)
{
    const struct netlink_nft_range types = {{first}, {last}};

    netlink_nft_rule(b, chain);
    gateway_table_proto(b, CT_PROTO_ICMPV6);
    netlink_nft_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1, 0);
    netlink_nft_span(b, true, 0, &types, 1);
    add_rule_verdict(b, NF_ACCEPT);
}

static void put_dhcp(struct netlink_nft *b, const char *device,
                     const struct gateway_table_layout *l)
{
    const uint16_t ports[2] = {htons(l->len == 4 ? 67 : 547),
                               htons(l->len == 4 ? 68 : 546)};

    netlink_nft_rule(b, chain);
    gateway_table_device(b, NFT_META_IIFNAME, true, device);
    gateway_table_family(b, l);
    gateway_table_proto(b, CT_PROTO_UDP);
    netlink_nft_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, 0, sizeof ports, 0);
    netlink_nft_cmp(b, true, 0, ports, sizeof ports);
    add_rule_verdict(b, NF_ACCEPT);
}

static void put_links(struct netlink_nft *b, const struct gateway_table_key *k,
                      unsigned outside)
{
    put_types(b, ND_FIRST, ND_LAST);
    put_types(b, ICMPV6_MLD2_REPORT, ICMPV6_MLD2_REPORT);
    netlink_nft_rule(b, chain);
    gateway_table_proto(b, CT_PROTO_IGMP);
    add_rule_verdict(b, NF_ACCEPT);
    for (uint32_t d = 0; d < k->n; d++)
        for (int f = 0; f < GATEWAY_TABLE_FAMILIES; f++)
            if ((outside >> d & 1) != 0)
                put_dhcp(b, k->pair[d].name, &gateway_table_layouts[f]);
}

/* ---- all of it ---- */

bool gateway_input_refuses(const struct ct_ruleset *rules)
{
    const uint32_t *start = rules->start[CT_INPUT];

    if (rules->policy[CT_INPUT] == CT_DROP)
        return true;
    for (uint32_t i = start[CT_STAGE_FILTER]; i < start[CT_STAGE_FILTER + 1];
         i++)
        if (verdict_of(&rules->rules[i]) == NF_DROP)
            return true;
    return false;
}

uint32_t gateway_input_put(struct netlink_nft *b,
                           const struct gateway_table_key *k,
                           const struct ct_ruleset *rules, uint32_t mark,
                           unsigned outside)
{
    struct asking a = {.b = b, .k = k};
    uint32_t left_out;

    netlink_nft_table(b);
    netlink_nft_counter(b, counter);
    netlink_nft_chain(b, chain, NF_INET_LOCAL_IN, FIRST, NULL);
    netlink_nft_rule(b, chain);
    netlink_nft_meta(b, NFT_META_MARK, 0);
    netlink_nft_cmp(b, true, 0, &mark, sizeof mark);
    add_rule_verdict(b, NF_ACCEPT);
    gateway_table_elsewhere(b, chain, NFT_META_IIFNAME, k, false);
    for (int f = 0; f < GATEWAY_TABLE_FAMILIES; f++)
        gateway_table_served(b, chain, k, &gateway_table_layouts[f]);
    put_links(b, k, outside);
    left_out = add_filter_rules(&a, rules);
    if (rules->policy[CT_INPUT] == CT_DROP) {
        netlink_nft_rule(b, chain);
        add_rule_verdict(b, NF_DROP);
    }
    return left_out;
}
