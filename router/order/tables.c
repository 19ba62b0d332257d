/* tables.c - may this batch be sent to nf_tables?
 *
 * Five tables are weir's.  In them a rule may look at packets, count, drop and
 * accept them, note them in sets, and set weir's mark; it rewrites none. */
#include "order/tables.h"

#include "gateway/guard/input.h"
#include "gateway/guard/reply.h"
#include "gateway/plan.h"
#include "kernel/netlink/ask.h"
#include "kernel/netlink/nftables.h"
#include "kernel/netlink/notrack.h"
#include "order/rows.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

enum { NAME = 63, DEVICE = 15 };

static const struct table {
    const char *name;
    uint8_t family;
} tables[] = {
    {NETLINK_NFTABLES_TABLE, NFPROTO_INET},
    {GATEWAY_INPUT_TABLE, NFPROTO_INET},
    {GATEWAY_REPLY_TABLE, NFPROTO_INET},
    {NETLINK_NFTABLES_TURN, NFPROTO_NETDEV},
    {NETLINK_NOTRACK, NFPROTO_INET},
};

struct asked {
    const struct order_limits *limits;
    const struct order_devices *devices;
    const struct table *table;
    struct order_rows_found found;
};

#define LAST                                                                   \
    {                                                                          \
        .form = ROW_END                                                        \
    }

/* Every message names its table by attribute 1: NFTA_TABLE_NAME,
 * NFTA_CHAIN_TABLE, NFTA_RULE_TABLE, NFTA_SET_TABLE and so on. */
enum { TABLE = 1 };
#define OF_TABLE                                                               \
    {                                                                          \
        TABLE, ROW_TEXT, NAME, true, NULL                                      \
    }

/* Numbers are big-endian there. */
static uint32_t number(const struct order_rows_found *found, uint16_t type,
                       uint32_t none)
{
    return ntohl(order_rows_number(found, type, htonl(none)));
}

/* ---- expressions ---- */

static const struct order_rows value_rows[] = {
    {NFTA_DATA_VALUE, ROW_BYTES, 16, true, NULL}, LAST};
static const struct order_rows verdict_rows[] = {
    {NFTA_VERDICT_CODE, ROW_NUMBER, 4, true, NULL},
    {NFTA_VERDICT_CHAIN, ROW_TEXT, NAME, false, NULL},
    LAST};
static const struct order_rows data_rows[] = {
    {NFTA_DATA_VALUE, ROW_BYTES, 16, false, NULL},
    {NFTA_DATA_VERDICT, ROW_NEST, 0, false, verdict_rows},
    LAST};
static const struct order_rows meta_rows[] = {
    {NFTA_META_DREG, ROW_NUMBER, 4, false, NULL},
    {NFTA_META_SREG, ROW_NUMBER, 4, false, NULL},
    {NFTA_META_KEY, ROW_NUMBER, 4, true, NULL},
    LAST};
static const struct order_rows payload_rows[] = {
    {NFTA_PAYLOAD_DREG, ROW_NUMBER, 4, true, NULL},
    {NFTA_PAYLOAD_BASE, ROW_NUMBER, 4, true, NULL},
    {NFTA_PAYLOAD_OFFSET, ROW_NUMBER, 4, true, NULL},
    {NFTA_PAYLOAD_LEN, ROW_NUMBER, 4, true, NULL},
    LAST};
static const struct order_rows cmp_rows[] = {
    {NFTA_CMP_SREG, ROW_NUMBER, 4, true, NULL},
    {NFTA_CMP_OP, ROW_NUMBER, 4, true, NULL},
    {NFTA_CMP_DATA, ROW_NEST, 0, true, value_rows},
    LAST};
static const struct order_rows range_rows[] = {
    {NFTA_RANGE_SREG, ROW_NUMBER, 4, true, NULL},
    {NFTA_RANGE_OP, ROW_NUMBER, 4, true, NULL},
    {NFTA_RANGE_FROM_DATA, ROW_NEST, 0, true, value_rows},
    {NFTA_RANGE_TO_DATA, ROW_NEST, 0, true, value_rows},
    LAST};
static const struct order_rows bitwise_rows[] = {
    {NFTA_BITWISE_SREG, ROW_NUMBER, 4, true, NULL},
    {NFTA_BITWISE_DREG, ROW_NUMBER, 4, true, NULL},
    {NFTA_BITWISE_LEN, ROW_NUMBER, 4, true, NULL},
    {NFTA_BITWISE_MASK, ROW_NEST, 0, true, value_rows},
    {NFTA_BITWISE_XOR, ROW_NEST, 0, true, value_rows},
    LAST};
static const struct order_rows exthdr_rows[] = {
    {NFTA_EXTHDR_DREG, ROW_NUMBER, 4, true, NULL},
    {NFTA_EXTHDR_TYPE, ROW_NUMBER, 1, true, NULL},
    {NFTA_EXTHDR_OFFSET, ROW_NUMBER, 4, true, NULL},
    {NFTA_EXTHDR_LEN, ROW_NUMBER, 4, true, NULL},
    LAST};
static const struct order_rows immediate_rows[] = {
    {NFTA_IMMEDIATE_DREG, ROW_NUMBER, 4, true, NULL},
    {NFTA_IMMEDIATE_DATA, ROW_NEST, 0, true, data_rows},
    LAST};
static const struct order_rows lookup_rows[] = {
    {NFTA_LOOKUP_SREG, ROW_NUMBER, 4, true, NULL},
    {NFTA_LOOKUP_SET, ROW_TEXT, NAME, true, NULL},
    LAST};
static const struct order_rows dynset_rows[] = {
    {NFTA_DYNSET_SET_NAME, ROW_TEXT, NAME, true, NULL},
    {NFTA_DYNSET_OP, ROW_NUMBER, 4, true, NULL},
    {NFTA_DYNSET_SREG_KEY, ROW_NUMBER, 4, true, NULL},
    {NFTA_DYNSET_TIMEOUT, ROW_NUMBER, 8, true, NULL},
    LAST};
static const struct order_rows objref_rows[] = {
    {NFTA_OBJREF_IMM_TYPE, ROW_NUMBER, 4, true, NULL},
    {NFTA_OBJREF_IMM_NAME, ROW_TEXT, NAME, true, NULL},
    LAST};
static const struct order_rows fwd_rows[] = {
    {NFTA_FWD_SREG_DEV, ROW_NUMBER, 4, true, NULL}, LAST};

/* A number that the expression before has put into a register. */
struct loaded {
    uint32_t reg, value;
};

struct expression {
    const struct asked *asked;
    struct order_rows_found found;
    struct loaded before, after;
};

/* Only the mark is set, and only to weir's or to none. */
static bool meta(struct expression *e)
{
    uint32_t from = number(&e->found, NFTA_META_SREG, 0);

    if (e->found.at[NFTA_META_SREG] == NULL)
        return e->found.at[NFTA_META_DREG] != NULL;
    return e->found.at[NFTA_META_DREG] == NULL && from != 0 &&
           number(&e->found, NFTA_META_KEY, 0) == NFT_META_MARK &&
           e->before.reg == from &&
           (e->before.value == GATEWAY_PLAN_MARK || e->before.value == 0);
}

static bool verdict(const struct nlattr *a)
{
    struct order_rows_found found;
    uint32_t code;

    if (!order_rows_within(verdict_rows, a, &found))
        return false;
    code = number(&found, NFTA_VERDICT_CODE, 0);
    return found.at[NFTA_VERDICT_CHAIN] == NULL
               ? code == NF_ACCEPT || code == NF_DROP
               : code == (uint32_t)NFT_GOTO;
}

static bool immediate(struct expression *e)
{
    uint32_t reg = number(&e->found, NFTA_IMMEDIATE_DREG, 0);
    struct order_rows_found data;
    const struct nlattr *value;

    if (!order_rows_within(data_rows, e->found.at[NFTA_IMMEDIATE_DATA], &data))
        return false;
    value = data.at[NFTA_DATA_VALUE];
    if (reg == NFT_REG_VERDICT)
        return value == NULL && data.at[NFTA_DATA_VERDICT] != NULL &&
               verdict(data.at[NFTA_DATA_VERDICT]);
    if (value == NULL || data.at[NFTA_DATA_VERDICT] != NULL ||
        mnl_attr_get_payload_len(value) != sizeof e->after.value)
        return false;
    e->after.reg = reg;
    e->after.value = mnl_attr_get_u32(value);
    return true;
}

static bool dynset(struct expression *e)
{
    return number(&e->found, NFTA_DYNSET_OP, 0) == NFT_DYNSET_OP_UPDATE;
}

static bool objref(struct expression *e)
{
    return number(&e->found, NFTA_OBJREF_IMM_TYPE, 0) == NFT_OBJECT_COUNTER;
}

/* Out by one of weir's own devices. */
static bool fwd(struct expression *e)
{
    return e->before.reg != 0 &&
           e->before.reg == number(&e->found, NFTA_FWD_SREG_DEV, 0) &&
           order_devices_tun(e->asked->devices, e->before.value) >= 0;
}

static bool always(struct expression *e)
{
    (void)e;
    return true;
}

static const struct kind {
    const char *name;
    const struct order_rows *rows; /* NULL: it has no data */
    const char *table;             /* in that one alone, or NULL */
    bool (*judge)(struct expression *e);
} kinds[] = {
    {"meta", meta_rows, NULL, meta},
    {"payload", payload_rows, NULL, always},
    {"cmp", cmp_rows, NULL, always},
    {"range", range_rows, NULL, always},
    {"bitwise", bitwise_rows, NULL, always},
    {"exthdr", exthdr_rows, NULL, always},
    {"immediate", immediate_rows, NULL, immediate},
    {"lookup", lookup_rows, NULL, always},
    {"dynset", dynset_rows, NULL, dynset},
    {"objref", objref_rows, NULL, objref},
    {"fwd", fwd_rows, NETLINK_NFTABLES_TURN, fwd},
    {"notrack", NULL, NETLINK_NOTRACK, always},
};

static bool is_kind(const struct kind *kind, struct expression *e,
                    const struct nlattr *item)
{
    const struct order_rows rows[] = {
        {NFTA_EXPR_NAME, ROW_TEXT, NAME, true, NULL},
        {NFTA_EXPR_DATA, kind->rows != NULL ? ROW_NEST : ROW_END, 0, true,
         kind->rows},
        LAST};
    struct order_rows_found found;

    if (!order_rows_within(rows, item, &found) ||
        strcmp(order_rows_text(&found, NFTA_EXPR_NAME), kind->name) != 0 ||
        (kind->table != NULL &&
         strcmp(kind->table, e->asked->table->name) != 0))
        return false;
    if (kind->rows == NULL)
        return true;
    return order_rows_within(kind->rows, found.at[NFTA_EXPR_DATA], &e->found) &&
           kind->judge(e);
}

static bool is_expression(struct expression *e, const struct nlattr *item)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (is_kind(&kinds[i], e, item))
            return true;
    return false;
}

static bool rule(const struct asked *a)
{
    const struct nlattr *list = a->found.at[NFTA_RULE_EXPRESSIONS], *item;
    struct expression e = {.asked = a};

    for (item = order_rows_next(list, NULL); item != NULL;
         item = order_rows_next(list, item)) {
        e.after = (struct loaded){0};
        if (!is_expression(&e, item))
            return false;
        e.before = e.after;
    }
    return true;
}

static const struct order_rows rule_rows[] = {
    OF_TABLE,
    {NFTA_RULE_CHAIN, ROW_TEXT, NAME, true, NULL},
    {NFTA_RULE_EXPRESSIONS, ROW_LIST, NFTA_LIST_ELEM, true, NULL},
    LAST};

/* ---- chains ---- */

static const struct order_rows hook_rows[] = {
    {NFTA_HOOK_HOOKNUM, ROW_NUMBER, 4, true, NULL},
    {NFTA_HOOK_PRIORITY, ROW_NUMBER, 4, true, NULL},
    {NFTA_HOOK_DEV, ROW_TEXT, DEVICE, false, NULL},
    LAST};
static const struct order_rows chain_rows[] = {
    OF_TABLE,
    {NFTA_CHAIN_NAME, ROW_TEXT, NAME, true, NULL},
    {NFTA_CHAIN_HOOK, ROW_NEST, 0, false, hook_rows},
    {NFTA_CHAIN_TYPE, ROW_TEXT, NAME, false, NULL},
    LAST};

/* What comes by a device: weir's alone.  A route chain: for replies, which are
 * marked to be routed again. */
static bool chain(const struct asked *a)
{
    bool based = a->found.at[NFTA_CHAIN_HOOK] != NULL;
    const char *type = order_rows_text(&a->found, NFTA_CHAIN_TYPE);
    struct order_rows_found hook;

    if (!based)
        return a->found.at[NFTA_CHAIN_TYPE] == NULL;
    if (!order_rows_within(hook_rows, a->found.at[NFTA_CHAIN_HOOK], &hook))
        return false;
    if (strcmp(type, "filter") != 0 &&
        !(strcmp(type, "route") == 0 &&
          strcmp(a->table->name, GATEWAY_REPLY_TABLE) == 0 &&
          number(&hook, NFTA_HOOK_HOOKNUM, 0) == NF_INET_LOCAL_OUT))
        return false;
    if (a->table->family != NFPROTO_NETDEV)
        return hook.at[NFTA_HOOK_DEV] == NULL;
    return number(&hook, NFTA_HOOK_HOOKNUM, 1) == NF_NETDEV_INGRESS &&
           order_devices_named(a->limits,
                               order_rows_text(&hook, NFTA_HOOK_DEV));
}

/* ---- sets and counters ---- */

static const struct order_rows desc_rows[] = {
    {NFTA_SET_DESC_SIZE, ROW_NUMBER, 4, true, NULL}, LAST};
static const struct order_rows set_rows[] = {
    OF_TABLE,
    {NFTA_SET_NAME, ROW_TEXT, NAME, true, NULL},
    {NFTA_SET_FLAGS, ROW_NUMBER, 4, true, NULL},
    {NFTA_SET_KEY_TYPE, ROW_NUMBER, 4, true, NULL},
    {NFTA_SET_KEY_LEN, ROW_NUMBER, 4, true, NULL},
    {NFTA_SET_ID, ROW_NUMBER, 4, true, NULL},
    {NFTA_SET_DESC, ROW_NEST, 0, false, desc_rows},
    LAST};

static bool set(const struct asked *a)
{
    uint32_t flags = number(&a->found, NFTA_SET_FLAGS, 1);

    return flags == 0 || flags == NFT_SET_INTERVAL ||
           flags == (NFT_SET_TIMEOUT | NFT_SET_EVAL);
}

static const struct order_rows element_rows[] = {
    {NFTA_SET_ELEM_KEY, ROW_NEST, 0, true, value_rows},
    {NFTA_SET_ELEM_FLAGS, ROW_NUMBER, 4, false, NULL},
    LAST};
static const struct order_rows elements_rows[] = {
    OF_TABLE,
    {NFTA_SET_ELEM_LIST_SET, ROW_TEXT, NAME, true, NULL},
    {NFTA_SET_ELEM_LIST_ELEMENTS, ROW_LIST, NFTA_LIST_ELEM, true, element_rows},
    LAST};

/* A flag says where a range ends; another kind of element is none of weir's. */
static bool elements(const struct asked *a)
{
    const struct nlattr *list = a->found.at[NFTA_SET_ELEM_LIST_ELEMENTS], *one;
    struct order_rows_found found;

    for (one = order_rows_next(list, NULL); one != NULL;
         one = order_rows_next(list, one))
        if (!order_rows_within(element_rows, one, &found) ||
            number(&found, NFTA_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END) !=
                NFT_SET_ELEM_INTERVAL_END)
            return false;
    return true;
}

static const struct order_rows counter_rows[] = {
    {NFTA_COUNTER_BYTES, ROW_NUMBER, 8, true, NULL},
    {NFTA_COUNTER_PACKETS, ROW_NUMBER, 8, true, NULL},
    LAST};
static const struct order_rows object_rows[] = {
    OF_TABLE,
    {NFTA_OBJ_NAME, ROW_TEXT, NAME, true, NULL},
    {NFTA_OBJ_TYPE, ROW_NUMBER, 4, true, NULL},
    {NFTA_OBJ_DATA, ROW_NEST, 0, true, counter_rows},
    LAST};

static bool object(const struct asked *a)
{
    return number(&a->found, NFTA_OBJ_TYPE, 0) == NFT_OBJECT_COUNTER;
}

/* ---- all of them ---- */

/* The kernel takes a table's handle before its name: it may not stand there. */
static const struct order_rows table_rows[] = {OF_TABLE, LAST};
/* All of a set's elements. */
static const struct order_rows set_name_rows[] = {
    OF_TABLE, {NFTA_SET_ELEM_LIST_SET, ROW_TEXT, NAME, true, NULL}, LAST};

static bool whole(const struct asked *a)
{
    (void)a;
    return true;
}

static const struct message {
    uint16_t type, flags; /* beside NLM_F_REQUEST, and NLM_F_ACK or not */
    const struct order_rows *rows;
    bool (*judge)(const struct asked *a);
} messages[] = {
    {NFT_MSG_NEWTABLE, NLM_F_CREATE, table_rows, whole},
    {NFT_MSG_DELTABLE, 0, table_rows, whole},
    {NFT_MSG_NEWCHAIN, NLM_F_CREATE, chain_rows, chain},
    {NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, rule_rows, rule},
    {NFT_MSG_DELRULE, 0, table_rows, whole}, /* all of them */
    {NFT_MSG_DELSETELEM, 0, set_name_rows, whole},
    {NFT_MSG_NEWSET, NLM_F_CREATE, set_rows, set},
    {NFT_MSG_NEWSETELEM, NLM_F_CREATE, elements_rows, elements},
    {NFT_MSG_NEWOBJ, NLM_F_CREATE, object_rows, object},
};

static const struct table *table_of(const struct asked *a, uint8_t family)
{
    const char *name = order_rows_text(&a->found, TABLE);

    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (tables[i].family == family && strcmp(tables[i].name, name) == 0)
            return &tables[i];
    return NULL;
}

static bool is_change(const struct nlmsghdr *h, struct asked *a)
{
    const struct nfgenmsg *m = mnl_nlmsg_get_payload(h);

    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
        const struct message *row = &messages[i];

        if (h->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | row->type))
            continue;
        return (h->nlmsg_flags & ~NLM_F_ACK) == (NLM_F_REQUEST | row->flags) &&
               m->version == NFNETLINK_V0 && m->res_id == 0 &&
               order_rows_read(row->rows, h, sizeof *m, AF_UNSPEC, &a->found) &&
               (a->table = table_of(a, m->nfgen_family)) != NULL &&
               row->judge(a);
    }
    return false;
}

/* The first says whose messages follow. */
static bool is_mark(const struct nlmsghdr *h, uint16_t type)
{
    const struct nfgenmsg *m = mnl_nlmsg_get_payload(h);

    return h->nlmsg_type == type && h->nlmsg_flags == NLM_F_REQUEST &&
           mnl_nlmsg_get_payload_len(h) == sizeof *m &&
           m->nfgen_family == AF_UNSPEC && m->version == NFNETLINK_V0 &&
           m->res_id == htons(NFNL_SUBSYS_NFTABLES);
}

bool order_tables_may(const struct order_limits *limits,
                      const struct order_devices *devices, const void *batch,
                      size_t len)
{
    struct asked a = {.limits = limits, .devices = devices};
    const struct nlmsghdr *h = batch;
    int left = (int)len;
    bool begun = false, ended = false;

    for (; netlink_is_message(h, left) && !ended;
         h = mnl_nlmsg_next(h, &left)) {
        if (h->nlmsg_len % MNL_ALIGNTO != 0 || h->nlmsg_pid != 0 ||
            mnl_nlmsg_get_payload_len(h) < sizeof(struct nfgenmsg))
            return false;
        ended = begun && is_mark(h, NFNL_MSG_BATCH_END);
        if (!ended &&
            (begun ? !is_change(h, &a) : !is_mark(h, NFNL_MSG_BATCH_BEGIN)))
            return false;
        begun = true;
    }
    return ended && left == 0;
}
