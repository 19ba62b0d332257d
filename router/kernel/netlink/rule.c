/* rule.c - the kernel's routing rules */
#include "kernel/netlink/rule.h"

#include "kernel/netlink/ask.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <stdio.h>
#include <string.h>

struct each {
    netlink_rule_fn *fn;
    void *ctx;
};

static const uint8_t actions[] = {
    [NETLINK_LOOKUP] = FR_ACT_TO_TBL,
    [NETLINK_BLACKHOLE] = FR_ACT_BLACKHOLE,
    [NETLINK_UNREACHABLE] = FR_ACT_UNREACHABLE,
};

static uint8_t action_of(uint8_t kernels)
{
    for (uint8_t i = 0; i < sizeof actions; i++)
        if (actions[i] == kernels)
            return i;
    return NETLINK_OTHER;
}

static int read_attr(const struct nlattr *a, void *data)
{
    struct netlink_rule *r = data;

    switch (mnl_attr_get_type(a)) {
    case FRA_PRIORITY:
        r->pref = netlink_get_u32(a);
        break;
    case FRA_TABLE:
        r->table = netlink_get_u32(a);
        break;
    case FRA_SRC:
        netlink_get_addr(a, &r->src);
        break;
    case FRA_DST:
        netlink_get_addr(a, &r->dst);
        break;
    case FRA_IIFNAME:
        snprintf(r->iif, sizeof r->iif, "%s", netlink_get_text(a));
        break;
    case FRA_IP_PROTO:
        r->ip_proto = netlink_get_u8(a);
        break;
    case FRA_PROTOCOL:
        r->protocol = netlink_get_u8(a);
        break;
    case FRA_FWMARK:
        r->mark = netlink_get_u32(a);
        break;
    case FRA_FWMASK:
        r->mark_mask = netlink_get_u32(a);
        break;
    case FRA_SUPPRESS_IFGROUP:
        r->not_group = netlink_get_u32(a);
        break;
    case FRA_SUPPRESS_PREFIXLEN: /* always told: -1 is none */
        if (netlink_get_u32(a) != UINT32_MAX)
            r->conditions = 1;
        break;
    case FRA_PAD:
        break;
    default:
        r->conditions = 1;
    }
    return MNL_CB_OK;
}

static int read_rule(const struct nlmsghdr *h, void *data)
{
    const struct fib_rule_hdr *m = netlink_body(h, sizeof *m);
    const struct each *each = data;
    struct netlink_rule_told told = {0};
    struct netlink_rule r;

    if (m == NULL || !netlink_has_len(m->family, m->src_len) ||
        !netlink_has_len(m->family, m->dst_len))
        return MNL_CB_OK;
    memset(&r, 0, sizeof r);
    r.family = netlink_family(m->family);
    r.src_len = m->src_len;
    r.dst_len = m->dst_len;
    r.table = m->table;
    r.action = action_of(m->action);
    if ((m->flags & FIB_RULE_INVERT) != 0 || m->tos != 0)
        r.conditions = 1;
    mnl_attr_parse(h, sizeof *m, read_attr, &r);
    if (h->nlmsg_len <= sizeof told.bytes) {
        told.len = h->nlmsg_len;
        memcpy(told.bytes, h, h->nlmsg_len);
    }
    each->fn(each->ctx, &r, &told);
    return MNL_CB_OK;
}

int netlink_rule_each(struct netlink *nl, uint8_t family, netlink_rule_fn *fn,
                      void *ctx)
{
    _Alignas(8) char room[NETLINK_ROOM];
    struct nlmsghdr *h = netlink_ask(nl, room, RTM_GETRULE, NLM_F_DUMP);
    struct fib_rule_hdr *m = mnl_nlmsg_put_extra_header(h, sizeof *m);
    struct each each = {fn, ctx};
    int err;

    m->family = netlink_af(family);
    err = netlink_answer(nl, h, read_rule, &each);
    return err == -EOPNOTSUPP ? -EAFNOSUPPORT : err;
}

static int send_rule(struct netlink *nl, uint16_t type, unsigned flags,
                     const struct netlink_rule *r)
{
    _Alignas(8) char room[NETLINK_ROOM];
    struct nlmsghdr *h = netlink_ask(nl, room, type, flags);
    struct fib_rule_hdr *m = mnl_nlmsg_put_extra_header(h, sizeof *m);

    m->family = netlink_af(r->family);
    m->src_len = r->src_len;
    m->dst_len = r->dst_len;
    m->action = r->action < NETLINK_OTHER ? actions[r->action] : 0;
    if (r->src_len > 0)
        netlink_put_addr(h, FRA_SRC, r->family, &r->src);
    if (r->dst_len > 0)
        netlink_put_addr(h, FRA_DST, r->family, &r->dst);
    if (r->iif[0] != '\0')
        mnl_attr_put_strz(h, FRA_IIFNAME, r->iif);
    mnl_attr_put_u32(h, FRA_PRIORITY, r->pref);
    if (r->action == NETLINK_LOOKUP)
        mnl_attr_put_u32(h, FRA_TABLE, r->table);
    if (r->not_group != 0)
        mnl_attr_put_u32(h, FRA_SUPPRESS_IFGROUP, r->not_group);
    if (r->mark_mask != 0) {
        mnl_attr_put_u32(h, FRA_FWMARK, r->mark);
        mnl_attr_put_u32(h, FRA_FWMASK, r->mark_mask);
    }
    if (r->ip_proto != 0)
        mnl_attr_put_u8(h, FRA_IP_PROTO, r->ip_proto);
    mnl_attr_put_u8(h, FRA_PROTOCOL, r->protocol);
    return netlink_answer(nl, h, NULL, NULL);
}

int netlink_rule_put(struct netlink *nl, const struct netlink_rule *rule)
{
    int err = send_rule(nl, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule);

    return err == -EEXIST ? 0 : err;
}

int netlink_rule_append(struct netlink *nl, const struct netlink_rule *rule)
{
    return send_rule(nl, RTM_NEWRULE, NLM_F_CREATE, rule);
}

/* But its preference. */
static int put_told(const struct nlattr *a, void *data)
{
    if (mnl_attr_get_type(a) != FRA_PRIORITY)
        mnl_attr_put(data, mnl_attr_get_type(a), mnl_attr_get_payload_len(a),
                     mnl_attr_get_payload(a));
    return MNL_CB_OK;
}

/* Flags that tell how it stands at the moment are not taken along. */
static int send_told(struct netlink *nl, uint16_t type, unsigned flags,
                     const struct netlink_rule_told *told, uint32_t pref)
{
    _Alignas(8) char room[NETLINK_ROOM];
    const struct nlmsghdr *was = (const void *)told->bytes;
    struct nlmsghdr *h = netlink_ask(nl, room, type, flags);
    struct fib_rule_hdr *m = mnl_nlmsg_put_extra_header(h, sizeof *m);

    memcpy(m, mnl_nlmsg_get_payload(was), sizeof *m);
    m->flags &= FIB_RULE_INVERT;
    mnl_attr_parse(was, sizeof *m, put_told, h);
    mnl_attr_put_u32(h, FRA_PRIORITY, pref);
    return netlink_answer(nl, h, NULL, NULL);
}

static uint32_t told_pref(const struct netlink_rule_told *told)
{
    struct netlink_rule r = {0};

    mnl_attr_parse((const void *)told->bytes, sizeof(struct fib_rule_hdr),
                   read_attr, &r);
    return r.pref;
}

int netlink_rule_move(struct netlink *nl, const struct netlink_rule_told *told,
                      uint32_t pref)
{
    int err;

    if (told->len == 0)
        return -EMSGSIZE;
    err = send_told(nl, RTM_NEWRULE, NLM_F_CREATE, told, pref);
    return err < 0 ? err : send_told(nl, RTM_DELRULE, 0, told, told_pref(told));
}

/* A rule as it is sent by send_told(), without its preference. */
static void plain(struct nlmsghdr *h, const struct nlmsghdr *rule)
{
    struct fib_rule_hdr *m;

    memset(h, 0, NETLINK_ROOM); /* what fills up an attribute, too */
    (void)mnl_nlmsg_put_header(h);
    m = mnl_nlmsg_put_extra_header(h, sizeof *m);
    memcpy(m, mnl_nlmsg_get_payload(rule), sizeof *m);
    m->flags &= FIB_RULE_INVERT;
    mnl_attr_parse(rule, sizeof *m, put_told, h);
}

struct counting {
    const struct nlmsghdr *wanted;
    uint32_t n, first;
};

static void count(void *ctx, const struct netlink_rule *rule,
                  const struct netlink_rule_told *told)
{
    _Alignas(8) char room[NETLINK_ROOM];
    struct nlmsghdr *h = (void *)room;
    struct counting *c = ctx;

    if (told->len == 0)
        return;
    plain(h, (const void *)told->bytes);
    if (h->nlmsg_len != c->wanted->nlmsg_len ||
        memcmp(mnl_nlmsg_get_payload(h), mnl_nlmsg_get_payload(c->wanted),
               mnl_nlmsg_get_payload_len(h)) != 0)
        return;
    c->n++;
    c->first += rule->pref == 0;
}

int netlink_rule_count(struct netlink *nl, const struct nlmsghdr *rule,
                       uint32_t *there, uint32_t *first)
{
    const struct fib_rule_hdr *m = mnl_nlmsg_get_payload(rule);
    _Alignas(8) char room[NETLINK_ROOM];
    struct counting c = {.wanted = (const void *)room};
    int err;

    if (rule->nlmsg_len > sizeof room)
        return -EMSGSIZE;
    plain((void *)room, rule);
    err = netlink_rule_each(nl, netlink_family(m->family), count, &c);
    *there = c.n;
    *first = c.first;
    return err;
}

int netlink_rule_delete(struct netlink *nl, const struct netlink_rule *rule)
{
    return send_rule(nl, RTM_DELRULE, 0, rule);
}
