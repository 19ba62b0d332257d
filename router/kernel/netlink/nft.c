/* nft.c - tables of nf_tables, put as a whole
 *
 * One datagram is one transaction: BEGIN, changes, END.  The kernel answers
 * each message that fails, and the last change because it is asked to. */
#include "kernel/netlink/nft.h"

#include "kernel/netlink/nftables.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>

/* As much as one order may be; more than any message: a rule that excludes many
 * ranges takes 6 KB. */
enum { ROOM = 65536, LARGEST = 16384 };

struct netlink_nft {
    _Alignas(8) char room[ROOM + LARGEST];
    size_t len;
    uint32_t seq;
    uint8_t family;
    bool full, refills;
    char table[32];
    struct nlmsghdr *rule, *change;
    struct nlattr *all;
};

/* ---- messages ---- */

/* What doesn't fit is noted, and written over what is there: it is not sent. */
static struct nlmsghdr *begin(struct netlink_nft *b, uint16_t type,
                              unsigned flags, uint8_t family, uint16_t res)
{
    struct nlmsghdr *h;
    struct nfgenmsg *m;

    if (b->len > ROOM) {
        b->full = true;
        b->len = 0;
    }
    h = mnl_nlmsg_put_header(b->room + b->len);
    h->nlmsg_type = type;
    h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    h->nlmsg_seq = ++b->seq;
    m = mnl_nlmsg_put_extra_header(h, sizeof *m);
    m->nfgen_family = family;
    m->version = NFNETLINK_V0;
    m->res_id = htons(res);
    return h;
}

static void end(struct netlink_nft *b, const struct nlmsghdr *h)
{
    b->len += (h->nlmsg_len + MNL_ALIGNTO - 1u) & ~(MNL_ALIGNTO - 1u);
}

static void mark(struct netlink_nft *b, uint16_t type)
{
    end(b, begin(b, type, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
}

static struct nlmsghdr *change(struct netlink_nft *b, uint16_t what,
                               unsigned flags)
{
    b->change = begin(b, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | what), flags,
                      b->family, 0);
    return b->change;
}

static void put_table(struct netlink_nft *b, uint16_t what, unsigned flags)
{
    struct nlmsghdr *h = change(b, what, flags);

    mnl_attr_put_strz(h, NFTA_TABLE_NAME, b->table);
    end(b, h);
}

struct netlink_nft *netlink_nft_new(uint8_t family, const char *table)
{
    struct netlink_nft *b = calloc(1, sizeof *b);

    if (b == NULL)
        return NULL;
    b->family = family;
    memcpy(b->table, table, strnlen(table, sizeof b->table - 1));
    mark(b, NFNL_MSG_BATCH_BEGIN);
    return b;
}

void netlink_nft_free(struct netlink_nft *b)
{
    free(b);
}

void netlink_nft_table(struct netlink_nft *b)
{
    put_table(b, NFT_MSG_NEWTABLE, NLM_F_CREATE);
    put_table(b, NFT_MSG_DELTABLE, 0);
    put_table(b, NFT_MSG_NEWTABLE, NLM_F_CREATE);
}

void netlink_nft_remove(struct netlink_nft *b)
{
    put_table(b, NFT_MSG_DELTABLE, 0);
}

void netlink_nft_refill(struct netlink_nft *b)
{
    struct nlmsghdr *h;

    b->refills = true;
    put_table(b, NFT_MSG_NEWTABLE, NLM_F_CREATE);
    h = change(b, NFT_MSG_DELRULE, 0);
    mnl_attr_put_strz(h, NFTA_RULE_TABLE, b->table);
    end(b, h);
}

static void put_chain(struct netlink_nft *b, const char *name, const char *type,
                      uint32_t hook, int priority, const char *device)
{
    struct nlmsghdr *h = change(b, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
    struct nlattr *nest;

    mnl_attr_put_strz(h, NFTA_CHAIN_TABLE, b->table);
    mnl_attr_put_strz(h, NFTA_CHAIN_NAME, name);
    nest = mnl_attr_nest_start(h, NFTA_CHAIN_HOOK);
    mnl_attr_put_u32(h, NFTA_HOOK_HOOKNUM, htonl(hook));
    mnl_attr_put_u32(h, NFTA_HOOK_PRIORITY, htonl((uint32_t)priority));
    if (device != NULL)
        mnl_attr_put_strz(h, NFTA_HOOK_DEV, device);
    mnl_attr_nest_end(h, nest);
    mnl_attr_put_strz(h, NFTA_CHAIN_TYPE, type);
    end(b, h);
}

void netlink_nft_chain(struct netlink_nft *b, const char *name, uint32_t hook,
                       int priority, const char *device)
{
    put_chain(b, name, "filter", hook, priority, device);
}

void netlink_nft_route_chain(struct netlink_nft *b, const char *name,
                             int priority)
{
    put_chain(b, name, "route", NF_INET_LOCAL_OUT, priority, NULL);
}

void netlink_nft_branch(struct netlink_nft *b, const char *name)
{
    struct nlmsghdr *h = change(b, NFT_MSG_NEWCHAIN, NLM_F_CREATE);

    mnl_attr_put_strz(h, NFTA_CHAIN_TABLE, b->table);
    mnl_attr_put_strz(h, NFTA_CHAIN_NAME, name);
    end(b, h);
}

/* ---- sets ---- */

enum { TYPE_BITS = 6, REGISTER = 4 };

uint32_t netlink_nft_join(uint32_t first, uint32_t next)
{
    return first << TYPE_BITS | next;
}

static uint32_t part_len(uint32_t type)
{
    switch (type) {
    case NETLINK_NFT_IPV4:
        return 4;
    case NETLINK_NFT_IPV6:
        return 16;
    case NETLINK_NFT_PORT:
        return 2;
    default:
        return 1;
    }
}

static uint32_t key_len(uint32_t type)
{
    uint32_t len = 0;

    if (type >> TYPE_BITS == 0)
        return part_len(type);
    for (; type != 0; type >>= TYPE_BITS)
        len += (part_len(type & ((1u << TYPE_BITS) - 1)) + REGISTER - 1) /
               REGISTER * REGISTER;
    return len;
}

static struct nlmsghdr *begin_set(struct netlink_nft *b, const char *name,
                                  uint32_t type, uint32_t flags)
{
    struct nlmsghdr *h = change(b, NFT_MSG_NEWSET, NLM_F_CREATE);

    mnl_attr_put_strz(h, NFTA_SET_TABLE, b->table);
    mnl_attr_put_strz(h, NFTA_SET_NAME, name);
    mnl_attr_put_u32(h, NFTA_SET_FLAGS, htonl(flags));
    mnl_attr_put_u32(h, NFTA_SET_KEY_TYPE, htonl(type));
    mnl_attr_put_u32(h, NFTA_SET_KEY_LEN, htonl(key_len(type)));
    mnl_attr_put_u32(h, NFTA_SET_ID, htonl(b->seq));
    return h;
}

void netlink_nft_set(struct netlink_nft *b, const char *name, uint32_t type,
                     uint32_t size)
{
    struct nlmsghdr *h =
        begin_set(b, name, type, NFT_SET_TIMEOUT | NFT_SET_EVAL);
    struct nlattr *nest = mnl_attr_nest_start(h, NFTA_SET_DESC);

    mnl_attr_put_u32(h, NFTA_SET_DESC_SIZE, htonl(size));
    mnl_attr_nest_end(h, nest);
    end(b, h);
}

static void empty_set(struct netlink_nft *b, const char *name)
{
    struct nlmsghdr *h = change(b, NFT_MSG_DELSETELEM, 0);

    mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_TABLE, b->table);
    mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_SET, name);
    end(b, h);
}

void netlink_nft_addrs(struct netlink_nft *b, const char *name, uint32_t type,
                       const uint8_t addr[][16], uint32_t n)
{
    struct nlmsghdr *h = begin_set(b, name, type, 0);
    struct nlattr *all, *one, *key;

    end(b, h);
    if (b->refills)
        empty_set(b, name);
    if (n == 0)
        return;
    h = change(b, NFT_MSG_NEWSETELEM, NLM_F_CREATE);
    mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_TABLE, b->table);
    mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_SET, name);
    all = mnl_attr_nest_start(h, NFTA_SET_ELEM_LIST_ELEMENTS);
    for (uint32_t i = 0; i < n; i++) {
        one = mnl_attr_nest_start(h, NFTA_LIST_ELEM);
        key = mnl_attr_nest_start(h, NFTA_SET_ELEM_KEY);
        mnl_attr_put(h, NFTA_DATA_VALUE, key_len(type), addr[i]);
        mnl_attr_nest_end(h, key);
        mnl_attr_nest_end(h, one);
    }
    mnl_attr_nest_end(h, all);
    end(b, h);
}

static int by_lo(const void *a, const void *b)
{
    const struct netlink_nft_range *x = a, *y = b;

    return memcmp(x->lo, y->lo, sizeof x->lo);
}

/* false: there is none behind it. */
static bool step_up(uint8_t key[16], uint32_t len)
{
    while (len-- > 0)
        if (++key[len] != 0)
            return true;
    return false;
}

/* Sorted, and without two that overlap or touch: how many are left.  hi of each
 * is then the first key behind it; *open: the last one has none. */
static uint32_t merge(struct netlink_nft_range *r, uint32_t n, uint32_t len,
                      bool *open)
{
    uint32_t k = 0;

    *open = false;
    qsort(r, n, sizeof *r, by_lo);
    for (uint32_t i = 0; i < n && !*open; i++) {
        struct netlink_nft_range next = r[i];

        *open = !step_up(next.hi, len);
        if (k > 0 && memcmp(next.lo, r[k - 1].hi, len) <= 0) {
            if (*open || memcmp(next.hi, r[k - 1].hi, len) > 0)
                memcpy(r[k - 1].hi, next.hi, sizeof next.hi);
        } else {
            r[k++] = next;
        }
    }
    return k;
}

static void put_border(struct nlmsghdr *h, const uint8_t *key, uint32_t len,
                       bool ends)
{
    struct nlattr *one = mnl_attr_nest_start(h, NFTA_LIST_ELEM), *value;

    value = mnl_attr_nest_start(h, NFTA_SET_ELEM_KEY);
    mnl_attr_put(h, NFTA_DATA_VALUE, len, key);
    mnl_attr_nest_end(h, value);
    if (ends)
        mnl_attr_put_u32(h, NFTA_SET_ELEM_FLAGS,
                         htonl(NFT_SET_ELEM_INTERVAL_END));
    mnl_attr_nest_end(h, one);
}

void netlink_nft_spans(struct netlink_nft *b, const char *name, uint32_t type,
                       const struct netlink_nft_range *range, uint32_t n)
{
    struct netlink_nft_range r[NETLINK_NFT_RANGES];
    struct nlmsghdr *h = begin_set(b, name, type, NFT_SET_INTERVAL);
    uint32_t len = key_len(type);
    struct nlattr *all;
    bool open;

    end(b, h);
    memcpy(r, range, n * sizeof *r);
    n = merge(r, n, len, &open);
    h = change(b, NFT_MSG_NEWSETELEM, NLM_F_CREATE);
    mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_TABLE, b->table);
    mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_SET, name);
    all = mnl_attr_nest_start(h, NFTA_SET_ELEM_LIST_ELEMENTS);
    for (uint32_t i = 0; i < n; i++) {
        put_border(h, r[i].lo, len, false);
        if (i + 1 < n || !open)
            put_border(h, r[i].hi, len, true);
    }
    mnl_attr_nest_end(h, all);
    end(b, h);
}

void netlink_nft_counter(struct netlink_nft *b, const char *name)
{
    struct nlmsghdr *h = change(b, NFT_MSG_NEWOBJ, NLM_F_CREATE);
    struct nlattr *nest;

    mnl_attr_put_strz(h, NFTA_OBJ_TABLE, b->table);
    mnl_attr_put_strz(h, NFTA_OBJ_NAME, name);
    mnl_attr_put_u32(h, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_COUNTER));
    nest = mnl_attr_nest_start(h, NFTA_OBJ_DATA);
    mnl_attr_put_u64(h, NFTA_COUNTER_BYTES, 0);
    mnl_attr_put_u64(h, NFTA_COUNTER_PACKETS, 0);
    mnl_attr_nest_end(h, nest);
    end(b, h);
}

/* ---- rules ---- */

void netlink_nft_rule(struct netlink_nft *b, const char *chain)
{
    struct nlmsghdr *h =
        change(b, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);

    mnl_attr_put_strz(h, NFTA_RULE_TABLE, b->table);
    mnl_attr_put_strz(h, NFTA_RULE_CHAIN, chain);
    b->rule = h;
    b->all = mnl_attr_nest_start(h, NFTA_RULE_EXPRESSIONS);
}

void netlink_nft_rule_end(struct netlink_nft *b)
{
    mnl_attr_nest_end(b->rule, b->all);
    end(b, b->rule);
}

struct expression {
    struct nlattr *item, *data;
};

static struct expression open_one(struct netlink_nft *b, const char *name)
{
    struct expression e;

    e.item = mnl_attr_nest_start(b->rule, NFTA_LIST_ELEM);
    mnl_attr_put_strz(b->rule, NFTA_EXPR_NAME, name);
    e.data = mnl_attr_nest_start(b->rule, NFTA_EXPR_DATA);
    return e;
}

static void close_one(struct netlink_nft *b, struct expression e)
{
    mnl_attr_nest_end(b->rule, e.data);
    mnl_attr_nest_end(b->rule, e.item);
}

static void put_number(struct netlink_nft *b, uint16_t type, uint32_t value)
{
    mnl_attr_put_u32(b->rule, type, htonl(value));
}

static void put_reg(struct netlink_nft *b, uint16_t type, unsigned reg)
{
    put_number(b, type, NFT_REG32_00 + reg);
}

static void put_data(struct netlink_nft *b, uint16_t type, const void *data,
                     size_t len)
{
    struct nlattr *nest = mnl_attr_nest_start(b->rule, type);

    mnl_attr_put(b->rule, NFTA_DATA_VALUE, len, data);
    mnl_attr_nest_end(b->rule, nest);
}

void netlink_nft_meta(struct netlink_nft *b, uint32_t key, unsigned reg)
{
    struct expression e = open_one(b, "meta");

    put_reg(b, NFTA_META_DREG, reg);
    put_number(b, NFTA_META_KEY, key);
    close_one(b, e);
}

void netlink_nft_set_meta(struct netlink_nft *b, uint32_t key, unsigned reg)
{
    struct expression e = open_one(b, "meta");

    put_reg(b, NFTA_META_SREG, reg);
    put_number(b, NFTA_META_KEY, key);
    close_one(b, e);
}

void netlink_nft_payload(struct netlink_nft *b, uint32_t base, uint32_t offset,
                         uint32_t len, unsigned reg)
{
    struct expression e = open_one(b, "payload");

    put_reg(b, NFTA_PAYLOAD_DREG, reg);
    put_number(b, NFTA_PAYLOAD_BASE, base);
    put_number(b, NFTA_PAYLOAD_OFFSET, offset);
    put_number(b, NFTA_PAYLOAD_LEN, len);
    close_one(b, e);
}

void netlink_nft_cmp(struct netlink_nft *b, bool same, unsigned reg,
                     const void *data, size_t len)
{
    struct expression e = open_one(b, "cmp");

    put_reg(b, NFTA_CMP_SREG, reg);
    put_number(b, NFTA_CMP_OP, same ? NFT_CMP_EQ : NFT_CMP_NEQ);
    put_data(b, NFTA_CMP_DATA, data, len);
    close_one(b, e);
}

void netlink_nft_span(struct netlink_nft *b, bool in, unsigned reg,
                      const struct netlink_nft_range *range, size_t len)
{
    struct expression e = open_one(b, "range");

    put_reg(b, NFTA_RANGE_SREG, reg);
    put_number(b, NFTA_RANGE_OP, in ? NFT_RANGE_EQ : NFT_RANGE_NEQ);
    put_data(b, NFTA_RANGE_FROM_DATA, range->lo, len);
    put_data(b, NFTA_RANGE_TO_DATA, range->hi, len);
    close_one(b, e);
}

void netlink_nft_value(struct netlink_nft *b, unsigned reg, const void *data,
                       size_t len)
{
    struct expression e = open_one(b, "immediate");

    put_reg(b, NFTA_IMMEDIATE_DREG, reg);
    put_data(b, NFTA_IMMEDIATE_DATA, data, len);
    close_one(b, e);
}

void netlink_nft_mask(struct netlink_nft *b, unsigned reg, const void *bits,
                      size_t len)
{
    static const uint8_t none[4];
    struct expression e = open_one(b, "bitwise");

    put_reg(b, NFTA_BITWISE_SREG, reg);
    put_reg(b, NFTA_BITWISE_DREG, reg);
    put_number(b, NFTA_BITWISE_LEN, (uint32_t)len);
    put_data(b, NFTA_BITWISE_MASK, bits, len);
    put_data(b, NFTA_BITWISE_XOR, none, len);
    close_one(b, e);
}

void netlink_nft_header6(struct netlink_nft *b, uint8_t type, uint32_t offset,
                         uint32_t len, unsigned reg)
{
    struct expression e = open_one(b, "exthdr");

    put_reg(b, NFTA_EXTHDR_DREG, reg);
    mnl_attr_put_u8(b->rule, NFTA_EXTHDR_TYPE, type);
    put_number(b, NFTA_EXTHDR_OFFSET, offset);
    put_number(b, NFTA_EXTHDR_LEN, len);
    close_one(b, e);
}

void netlink_nft_lookup(struct netlink_nft *b, const char *set, unsigned reg)
{
    struct expression e = open_one(b, "lookup");

    put_reg(b, NFTA_LOOKUP_SREG, reg);
    mnl_attr_put_strz(b->rule, NFTA_LOOKUP_SET, set);
    close_one(b, e);
}

void netlink_nft_update(struct netlink_nft *b, const char *set, unsigned reg,
                        uint32_t ms)
{
    struct expression e = open_one(b, "dynset");

    mnl_attr_put_strz(b->rule, NFTA_DYNSET_SET_NAME, set);
    put_number(b, NFTA_DYNSET_OP, NFT_DYNSET_OP_UPDATE);
    put_reg(b, NFTA_DYNSET_SREG_KEY, reg);
    mnl_attr_put_u64(b->rule, NFTA_DYNSET_TIMEOUT, htobe64(ms));
    close_one(b, e);
}

void netlink_nft_count(struct netlink_nft *b, const char *counter)
{
    struct expression e = open_one(b, "objref");

    put_number(b, NFTA_OBJREF_IMM_TYPE, NFT_OBJECT_COUNTER);
    mnl_attr_put_strz(b->rule, NFTA_OBJREF_IMM_NAME, counter);
    close_one(b, e);
}

void netlink_nft_forward(struct netlink_nft *b, unsigned reg)
{
    struct expression e = open_one(b, "fwd");

    put_reg(b, NFTA_FWD_SREG_DEV, reg);
    close_one(b, e);
}

void netlink_nft_notrack(struct netlink_nft *b)
{
    struct nlattr *item = mnl_attr_nest_start(b->rule, NFTA_LIST_ELEM);

    mnl_attr_put_strz(b->rule, NFTA_EXPR_NAME, "notrack");
    mnl_attr_nest_end(b->rule, item);
}

/* chain: where to, or NULL. */
static void put_verdict(struct netlink_nft *b, uint32_t verdict,
                        const char *chain)
{
    struct expression e = open_one(b, "immediate");
    struct nlattr *data, *code;

    put_number(b, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
    data = mnl_attr_nest_start(b->rule, NFTA_IMMEDIATE_DATA);
    code = mnl_attr_nest_start(b->rule, NFTA_DATA_VERDICT);
    put_number(b, NFTA_VERDICT_CODE, verdict);
    if (chain != NULL)
        mnl_attr_put_strz(b->rule, NFTA_VERDICT_CHAIN, chain);
    mnl_attr_nest_end(b->rule, code);
    mnl_attr_nest_end(b->rule, data);
    close_one(b, e);
}

void netlink_nft_verdict(struct netlink_nft *b, uint32_t verdict)
{
    put_verdict(b, verdict, NULL);
}

void netlink_nft_goto(struct netlink_nft *b, const char *chain)
{
    put_verdict(b, (uint32_t)NFT_GOTO, chain);
}

/* ---- all of it ---- */

/* FNV-1a */
uint64_t netlink_nft_number(const struct netlink_nft *b)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (size_t i = 0; i < b->len; i++)
        h = (h ^ (uint8_t)b->room[i]) * 0x100000001b3u;
    return h;
}

int netlink_nft_commit(struct netlink_nft *b)
{
    b->change->nlmsg_flags |= NLM_F_ACK;
    mark(b, NFNL_MSG_BATCH_END);
    if (b->full ||
        b->len > ROOM) /* of which the end may be the first that does not fit */
        return -EMSGSIZE;
    return netlink_nftables_send(b->room, b->len);
}

bool netlink_nft_is_none(int err)
{
    return err == -ENOENT || err == -EOPNOTSUPP || err == -EPROTONOSUPPORT ||
           err == -EINVAL;
}
