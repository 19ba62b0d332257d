/* rules.c - what a rule of nf_tables does with what is forwarded
 *
 * Devices, states of conntrack and ICMP are followed; whatever else a rule asks
 * for is taken to be true of some packets.  iptables-nft's rules come here too:
 * devices are nf_tables' own expressions, others are xtables' matches. */
#include "kernel/netlink/rules.h"

#include <arpa/inet.h>
#include <ctcore/words.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/xt_conntrack.h>
#include <netinet/in.h>
#include <string.h>

enum {
    REGISTERS = 32,
    PROTOCOL4 = 9, /* offset in IPv4's header */
    PROTOCOL6 = 6
};

enum held {
    OTHER, /* 0 */
    IN_NAME,
    OUT_NAME,
    IN_INDEX,
    OUT_INDEX,
    PROTOCOL,
    STATE
};

struct reading {
    const struct netlink_forward_question *question;
    struct netlink_rules_step *step;
    enum held held[REGISTERS];
    uint32_t mask; /* of the states that were loaded */
};

int netlink_rules_gather(const struct nlattr *a, void *attrs)
{
    struct netlink_rules_attrs *all = attrs;

    if (mnl_attr_get_type(a) < NETLINK_RULES_ATTRS)
        all->at[mnl_attr_get_type(a)] = a;
    return MNL_CB_OK;
}

static struct netlink_rules_attrs inside(const struct nlattr *a)
{
    struct netlink_rules_attrs all = {{NULL}};

    if (a != NULL)
        mnl_attr_parse_nested(a, netlink_rules_gather, &all);
    return all;
}

static uint32_t number(const struct nlattr *a)
{
    return a == NULL || mnl_attr_get_payload_len(a) < sizeof(uint32_t)
               ? UINT32_MAX
               : ntohl(mnl_attr_get_u32(a));
}

static const char *text(const struct nlattr *a)
{
    bool whole = a != NULL && mnl_attr_validate(a, MNL_TYPE_NUL_STRING) == 0;

    return whole ? mnl_attr_get_str(a) : "";
}

/* ---- what it asks for ---- */

static void narrow(struct reading *r, int way, enum netlink_rules_match to)
{
    enum netlink_rules_match *match = &r->step->match[way];

    *match = to < *match ? to : *match;
}

static void narrow_all(struct reading *r, enum netlink_rules_match to)
{
    for (int i = 0; i < NETLINK_FORWARD_WAYS; i++)
        narrow(r, i, to);
}

/* One bit in nf_tables, and in xtables but for what is not tracked. */
static uint32_t state_of(const struct reading *r, int way, uint32_t untracked)
{
    if (r->question->notrack)
        return untracked;
    return r->question->way[way].answers ? NF_CT_STATE_BIT(IP_CT_ESTABLISHED)
                                         : NF_CT_STATE_BIT(IP_CT_NEW);
}

static void ask_state(struct reading *r, uint32_t states, bool inverted,
                      uint32_t untracked)
{
    for (int i = 0; i < NETLINK_FORWARD_WAYS; i++)
        if (((state_of(r, i, untracked) & states) != 0) == inverted)
            narrow(r, i, NETLINK_RULES_NOT);
}

/* "ct state new": what is left by the mask is not 0. */
static void ask_masked(struct reading *r, bool same, uint32_t value)
{
    if (value == 0)
        ask_state(r, r->mask, same, NF_CT_STATE_UNTRACKED_BIT);
    else
        ask_state(r, value, !same, NF_CT_STATE_UNTRACKED_BIT);
}

static bool is_equal(const struct netlink_forward_way *way, enum held held,
                     const void *data, size_t len)
{
    switch (held) {
    case IN_NAME: /* a shorter one: what it begins with */
        return memcmp(way->in, data, len < 16 ? len : 16) == 0;
    case OUT_NAME:
        return memcmp(way->out, data, len < 16 ? len : 16) == 0;
    case IN_INDEX:
        return memcmp(&way->in_index, data, len < 4 ? len : 4) == 0;
    default:
        return memcmp(&way->out_index, data, len < 4 ? len : 4) == 0;
    }
}

/* ICMP alone is no use to those who want to be forwarded. */
static void ask_protocol(struct reading *r, bool same, uint8_t protocol)
{
    bool icmp = ct_proto_is_icmp(protocol);

    if (same)
        narrow_all(r, icmp ? NETLINK_RULES_NOT : NETLINK_RULES_PART);
    else if (!icmp)
        narrow_all(r, NETLINK_RULES_PART);
}

static void read_cmp(struct reading *r, const struct netlink_rules_attrs *a)
{
    const struct nlattr *value =
        inside(a->at[NFTA_CMP_DATA]).at[NFTA_DATA_VALUE];
    uint32_t reg = number(a->at[NFTA_CMP_SREG]);
    uint32_t op = number(a->at[NFTA_CMP_OP]);
    enum held held = reg < REGISTERS ? r->held[reg] : OTHER;
    bool same = op == NFT_CMP_EQ;
    const uint8_t *data;
    uint16_t len;

    if (value == NULL || held == OTHER || (!same && op != NFT_CMP_NEQ)) {
        narrow_all(r, NETLINK_RULES_PART);
        return;
    }
    data = mnl_attr_get_payload(value);
    len = mnl_attr_get_payload_len(value);
    if (held == STATE && len == sizeof r->mask) {
        ask_masked(r, same, mnl_attr_get_u32(value));
    } else if (held == PROTOCOL && len > 0) {
        ask_protocol(r, same, *data);
    } else {
        for (int i = 0; i < NETLINK_FORWARD_WAYS; i++)
            if (is_equal(&r->question->way[i], held, data, len) != same)
                narrow(r, i, NETLINK_RULES_NOT);
    }
}

static void read_xt_conntrack(struct reading *r, const struct nlattr *info)
{
    struct xt_conntrack_mtinfo3 m;

    memset(&m, 0, sizeof m);
    if (info != NULL &&
        mnl_attr_get_payload_len(info) >= sizeof(struct xt_conntrack_mtinfo2))
        memcpy(&m, mnl_attr_get_payload(info),
               sizeof(struct xt_conntrack_mtinfo2));
    if ((m.match_flags & XT_CONNTRACK_STATE) != 0)
        ask_state(r, m.state_mask, (m.invert_flags & XT_CONNTRACK_STATE) != 0,
                  XT_CONNTRACK_STATE_UNTRACKED);
    if ((m.match_flags & ~(XT_CONNTRACK_STATE | XT_CONNTRACK_STATE_ALIAS)) !=
            0 ||
        m.match_flags == 0)
        narrow_all(r, NETLINK_RULES_PART);
}

static void read_xt_match(struct reading *r,
                          const struct netlink_rules_attrs *a)
{
    const char *name = text(a->at[NFTA_MATCH_NAME]);

    if (strcmp(name, "conntrack") == 0)
        read_xt_conntrack(r, a->at[NFTA_MATCH_INFO]);
    else if (strcmp(name, "icmp") == 0 || strcmp(name, "icmp6") == 0)
        narrow_all(r, NETLINK_RULES_NOT);
    else if (strcmp(name, "comment") != 0)
        narrow_all(r, NETLINK_RULES_PART);
}

/* ---- what it loads ---- */

static void hold(struct reading *r, const struct nlattr *reg, enum held held)
{
    if (number(reg) < REGISTERS)
        r->held[number(reg)] = held;
}

static void read_meta(struct reading *r, const struct netlink_rules_attrs *a)
{
    enum held held = OTHER;

    switch (number(a->at[NFTA_META_KEY])) {
    case NFT_META_IIFNAME:
        held = IN_NAME;
        break;
    case NFT_META_OIFNAME:
        held = OUT_NAME;
        break;
    case NFT_META_IIF:
        held = IN_INDEX;
        break;
    case NFT_META_OIF:
        held = OUT_INDEX;
        break;
    case NFT_META_L4PROTO:
        held = PROTOCOL;
        break;
    default:
        break;
    }
    hold(r, a->at[NFTA_META_DREG], held);
}

static void read_payload(struct reading *r, const struct netlink_rules_attrs *a)
{
    uint32_t offset = number(a->at[NFTA_PAYLOAD_OFFSET]);
    bool protocol =
        number(a->at[NFTA_PAYLOAD_BASE]) == NFT_PAYLOAD_NETWORK_HEADER &&
        number(a->at[NFTA_PAYLOAD_LEN]) == 1 &&
        (offset == PROTOCOL4 || offset == PROTOCOL6);

    hold(r, a->at[NFTA_PAYLOAD_DREG], protocol ? PROTOCOL : OTHER);
}

static void read_ct(struct reading *r, const struct netlink_rules_attrs *a)
{
    bool state = number(a->at[NFTA_CT_KEY]) == NFT_CT_STATE;

    hold(r, a->at[NFTA_CT_DREG], state ? STATE : OTHER);
}

static void read_bitwise(struct reading *r, const struct netlink_rules_attrs *a)
{
    const struct nlattr *mask =
        inside(a->at[NFTA_BITWISE_MASK]).at[NFTA_DATA_VALUE];
    uint32_t from = number(a->at[NFTA_BITWISE_SREG]);
    bool state = from < REGISTERS && r->held[from] == STATE && mask != NULL &&
                 mnl_attr_get_payload_len(mask) == sizeof r->mask;

    if (state)
        r->mask = mnl_attr_get_u32(mask);
    hold(r, a->at[NFTA_BITWISE_DREG], state ? STATE : OTHER);
}

/* ---- what it decides ---- */

static void decide(struct reading *r, const struct netlink_rules_attrs *a)
{
    const struct nlattr *target = a->at[NFTA_VERDICT_CHAIN];
    struct netlink_rules_step *step = r->step;

    switch ((int)number(a->at[NFTA_VERDICT_CODE])) {
    case NF_ACCEPT:
        step->verdict = NETLINK_RULES_ACCEPT;
        break;
    case NF_DROP:
        step->verdict = NETLINK_RULES_DROP;
        break;
    case NFT_RETURN:
        step->verdict = NETLINK_RULES_RETURN;
        break;
    case NFT_JUMP:
        step->verdict = NETLINK_RULES_JUMP;
        break;
    case NFT_GOTO:
        step->verdict = NETLINK_RULES_GOTO;
        break;
    case NFT_CONTINUE:
        break;
    default:
        step->verdict = NETLINK_RULES_UNKNOWN;
        break;
    }
    if (strlen(text(target)) < sizeof step->target)
        strcpy(step->target, text(target));
}

static void read_immediate(struct reading *r,
                           const struct netlink_rules_attrs *a)
{
    struct netlink_rules_attrs data = inside(a->at[NFTA_IMMEDIATE_DATA]);

    if (number(a->at[NFTA_IMMEDIATE_DREG]) != NFT_REG_VERDICT) {
        hold(r, a->at[NFTA_IMMEDIATE_DREG], OTHER);
        return;
    }
    data = inside(data.at[NFTA_DATA_VERDICT]);
    decide(r, &data);
}

static void read_lookup(struct reading *r, const struct netlink_rules_attrs *a)
{
    narrow_all(r, NETLINK_RULES_PART);
    if (number(a->at[NFTA_LOOKUP_DREG]) == NFT_REG_VERDICT)
        r->step->verdict = NETLINK_RULES_UNKNOWN;
}

static void read_reject(struct reading *r, const struct netlink_rules_attrs *a)
{
    (void)a;
    r->step->verdict = NETLINK_RULES_DROP;
}

static void read_queue(struct reading *r, const struct netlink_rules_attrs *a)
{
    (void)a;
    r->step->verdict = NETLINK_RULES_UNKNOWN;
}

static void read_target(struct reading *r, const struct netlink_rules_attrs *a)
{
    const char *name = text(a->at[NFTA_TARGET_NAME]);

    if (strcmp(name, "REJECT") == 0)
        r->step->verdict = NETLINK_RULES_DROP;
    else if (strcmp(name, "NFQUEUE") == 0)
        r->step->verdict = NETLINK_RULES_UNKNOWN;
}

static void skip(struct reading *r, const struct netlink_rules_attrs *a)
{
    (void)r;
    (void)a;
}

static const struct {
    const char *name;
    void (*read)(struct reading *, const struct netlink_rules_attrs *);
} expressions_known[] = {
    {"cmp", read_cmp},
    {"meta", read_meta},
    {"payload", read_payload},
    {"ct", read_ct},
    {"bitwise", read_bitwise},
    {"immediate", read_immediate},
    {"lookup", read_lookup},
    {"reject", read_reject},
    {"queue", read_queue},
    {"match", read_xt_match},
    {"target", read_target},
    {"counter", skip},
    {"log", skip},
    {"objref", skip},
    {"flow_offload", skip},
    {"notrack", skip},
};

static int read_expression(const struct nlattr *a, void *data)
{
    struct reading *r = data;
    struct netlink_rules_attrs e = inside(a);
    struct netlink_rules_attrs what = inside(e.at[NFTA_EXPR_DATA]);

    for (size_t i = 0; i < sizeof expressions_known / sizeof *expressions_known;
         i++)
        if (strcmp(text(e.at[NFTA_EXPR_NAME]), expressions_known[i].name) ==
            0) {
            expressions_known[i].read(r, &what);
            return MNL_CB_OK;
        }
    narrow_all(r, NETLINK_RULES_PART);
    memset(r->held, 0, sizeof r->held); /* it may have loaded something */
    return MNL_CB_OK;
}

void netlink_rules_read(const struct nlattr *expressions,
                        const struct netlink_forward_question *question,
                        struct netlink_rules_step *step)
{
    struct reading r = {.question = question, .step = step, .mask = UINT32_MAX};

    memset(step, 0, sizeof *step);
    for (int i = 0; i < NETLINK_FORWARD_WAYS; i++)
        step->match[i] = NETLINK_RULES_ALL;
    if (expressions != NULL)
        mnl_attr_parse_nested(expressions, read_expression, &r);
}
