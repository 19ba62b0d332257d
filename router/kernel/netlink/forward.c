/* forward.c - would the host's own nf_tables drop what is forwarded?
 *
 * Of a table only the chains are read that the base chain leads to.  Rules that
 * can't match, and those that decide nothing, are not kept. */
#include "kernel/netlink/forward.h"

#include "kernel/netlink/ask.h"
#include "kernel/netlink/nftables.h"
#include "kernel/netlink/rules.h"
#include "kernel/xtables.h"
#include "system/order.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>

enum {
    BASES = 32,
    CHAINS = 64,  /* of a table */
    STEPS = 4096, /* of a chain; looked at for a way */
    DEPTH = 16,   /* the kernel's own limit of jumps */
    TRIES = 4
};

struct base {
    char table[32], name[64];
    uint8_t family;
    bool drops; /* its policy */
};

struct chain {
    char name[64];
    uint32_t n, room;
    bool whole; /* else not all of it is known */
    struct netlink_rules_step *step;
};

struct looking {
    const struct netlink_forward_question *question;
    struct base base[BASES];
    uint32_t n_bases;
    const struct base *at; /* whose table it is in */
    struct chain chain[CHAINS];
    uint32_t n_chains;
    int err;
    bool docker;
};

/* ---- questions ---- */

static struct nlmsghdr *ask(void *room, uint16_t type, uint8_t family)
{
    struct nlmsghdr *h = mnl_nlmsg_put_header(room);
    struct nfgenmsg *m;

    h->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
    h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    h->nlmsg_seq = 1;
    m = mnl_nlmsg_put_extra_header(h, sizeof *m);
    memset(m, 0, sizeof *m);
    m->nfgen_family = family;
    return h;
}

static struct netlink_rules_attrs within(const struct nlmsghdr *h)
{
    struct netlink_rules_attrs all = {{NULL}};

    mnl_attr_parse(h, sizeof(struct nfgenmsg), netlink_rules_gather, &all);
    return all;
}

/* UINT32_MAX: it is not whole, or missing. */
static uint32_t number(const struct nlattr *a)
{
    return a == NULL || mnl_attr_get_payload_len(a) < sizeof(uint32_t)
               ? UINT32_MAX
               : ntohl(mnl_attr_get_u32(a));
}

/* false: it is longer than any that is looked for. */
static bool copy(char *to, size_t room, const struct nlattr *a)
{
    const char *text = a == NULL ? "" : netlink_get_text(a);
    size_t len = strlen(text);

    if (len == 0 || len >= room)
        return false;
    memcpy(to, text, len);
    to[len] = '\0';
    return true;
}

static bool is_asked(const struct looking *l, uint8_t family)
{
    return family == NFPROTO_IPV4 || family == NFPROTO_INET ||
           (family == NFPROTO_IPV6 && l->question->ipv6);
}

static int read_chain(const struct nlmsghdr *h, void *data)
{
    const struct nfgenmsg *m = netlink_body(h, sizeof *m);
    struct looking *l = data;
    struct netlink_rules_attrs a = within(h), hook = {{NULL}};
    struct base b = {.family = m == NULL ? 0 : m->nfgen_family};

    if (!is_asked(l, b.family) || a.at[NFTA_CHAIN_HOOK] == NULL ||
        l->n_bases == BASES)
        return MNL_CB_OK;
    mnl_attr_parse_nested(a.at[NFTA_CHAIN_HOOK], netlink_rules_gather, &hook);
    if (number(hook.at[NFTA_HOOK_HOOKNUM]) != NF_INET_FORWARD)
        return MNL_CB_OK;
    b.drops = number(a.at[NFTA_CHAIN_POLICY]) == NF_DROP;
    if (copy(b.table, sizeof b.table, a.at[NFTA_CHAIN_TABLE]) &&
        copy(b.name, sizeof b.name, a.at[NFTA_CHAIN_NAME]))
        l->base[l->n_bases++] = b;
    return MNL_CB_OK;
}

/* ---- a chain's rules ---- */

static bool decides(const struct netlink_rules_step *s)
{
    int most = NETLINK_RULES_NOT;

    for (int i = 0; i < NETLINK_FORWARD_WAYS; i++)
        most = (int)s->match[i] > most ? (int)s->match[i] : most;
    return s->verdict != NETLINK_RULES_GOES_ON && most != NETLINK_RULES_NOT;
}

static bool room_for_one(struct chain *c)
{
    uint32_t room = c->room == 0 ? 16 : c->room * 2;
    struct netlink_rules_step *grown;

    if (c->n < c->room)
        return true;
    grown = room > STEPS ? NULL : realloc(c->step, room * sizeof *grown);
    if (grown == NULL)
        return false;
    c->step = grown;
    c->room = room;
    return true;
}

struct filling {
    const struct netlink_forward_question *question;
    struct chain *chain;
};

static int read_rule(const struct nlmsghdr *h, void *data)
{
    struct filling *f = data;
    struct netlink_rules_attrs a = within(h);
    struct netlink_rules_step step;

    netlink_rules_read(a.at[NFTA_RULE_EXPRESSIONS], f->question, &step);
    if (!decides(&step))
        return MNL_CB_OK;
    f->chain->whole = room_for_one(f->chain) && f->chain->whole;
    if (f->chain->whole)
        f->chain->step[f->chain->n++] = step;
    return MNL_CB_OK;
}

/* NULL: not to be had. */
static const struct chain *find(struct looking *l, const char *name)
{
    _Alignas(8) char room[512];
    struct nlmsghdr *h = ask(room, NFT_MSG_GETRULE, l->at->family);
    struct chain *c = &l->chain[l->n_chains];
    struct filling f = {l->question, c};
    int err;

    for (uint32_t i = 0; i < l->n_chains; i++)
        if (strcmp(l->chain[i].name, name) == 0)
            return &l->chain[i];
    if (l->n_chains == CHAINS || name[0] == '\0')
        return NULL;
    memset(c, 0, sizeof *c);
    memcpy(c->name, name, strnlen(name, sizeof c->name - 1));
    c->whole = true;
    mnl_attr_put_strz(h, NFTA_RULE_TABLE, l->at->table);
    mnl_attr_put_strz(h, NFTA_RULE_CHAIN, name);
    l->n_chains++;
    err = netlink_nftables_ask(h, read_rule, &f);
    l->err = l->err == 0 ? err : l->err;
    return c;
}

static void forget(struct looking *l)
{
    for (uint32_t i = 0; i < l->n_chains; i++)
        free(l->chain[i].step);
    l->n_chains = 0;
    l->docker = false;
}

/* ---- the way of a packet ---- */

struct walk {
    struct looking *looking;
    int way, left; /* steps that may still be taken */
    bool unsure;   /* something may have accepted it */
};

static enum netlink_rules_verdict follow(struct walk *w, const char *name,
                                         int depth);

/* GOES_ON: to the next rule. */
static enum netlink_rules_verdict
take(struct walk *w, const struct netlink_rules_step *s, int depth)
{
    enum netlink_rules_verdict v = s->verdict;
    bool jumps = v == NETLINK_RULES_JUMP || v == NETLINK_RULES_GOTO;

    if (jumps) {
        if (strcmp(s->target, NETLINK_FORWARD_DOCKER) == 0)
            w->looking->docker = true;
        v = follow(w, s->target, depth + 1);
        if (v == NETLINK_RULES_RETURN && s->verdict == NETLINK_RULES_JUMP)
            return NETLINK_RULES_GOES_ON;
    }
    if (s->match[w->way] == NETLINK_RULES_ALL && v != NETLINK_RULES_UNKNOWN)
        return v;
    if (v == NETLINK_RULES_ACCEPT || v == NETLINK_RULES_UNKNOWN)
        w->unsure = true;
    return NETLINK_RULES_GOES_ON;
}

/* RETURN: it has come to the end of the chain. */
static enum netlink_rules_verdict follow(struct walk *w, const char *name,
                                         int depth)
{
    const struct chain *c = depth > DEPTH ? NULL : find(w->looking, name);

    if (c == NULL || !c->whole)
        return NETLINK_RULES_UNKNOWN;
    for (uint32_t i = 0; i < c->n; i++) {
        enum netlink_rules_verdict v;

        if (c->step[i].match[w->way] == NETLINK_RULES_NOT)
            continue;
        if (w->left-- <= 0)
            return NETLINK_RULES_UNKNOWN;
        v = take(w, &c->step[i], depth);
        if (v != NETLINK_RULES_GOES_ON)
            return v;
    }
    return NETLINK_RULES_RETURN;
}

static enum netlink_forward_verdict judge(struct looking *l, int way)
{
    struct walk w = {.looking = l, .way = way, .left = STEPS};

    switch (follow(&w, l->at->name, 0)) {
    case NETLINK_RULES_ACCEPT:
        return NETLINK_FORWARD_PASSES;
    case NETLINK_RULES_UNKNOWN:
        return NETLINK_FORWARD_UNSURE;
    case NETLINK_RULES_RETURN:
        if (!l->at->drops)
            return NETLINK_FORWARD_PASSES;
        break;
    default:
        break;
    }
    return w.unsure ? NETLINK_FORWARD_UNSURE : NETLINK_FORWARD_DROPS;
}

static void note(struct looking *l, int way,
                 enum netlink_forward_verdict verdict,
                 struct netlink_forward_found *found)
{
    if (verdict <= found->verdict)
        return;
    memset(found, 0, sizeof *found);
    found->verdict = verdict;
    found->family = l->at->family;
    found->docker = l->docker;
    memcpy(found->table, l->at->table, sizeof found->table);
    memcpy(found->chain, l->at->name, sizeof found->chain);
    memcpy(found->in, l->question->way[way].in, sizeof found->in - 1);
    memcpy(found->out, l->question->way[way].out, sizeof found->out - 1);
}

static int look(struct looking *l, struct netlink_forward_found *found)
{
    _Alignas(8) char room[512];
    int err;

    memset(found, 0, sizeof *found);
    l->n_bases = 0;
    l->err = 0;
    err = netlink_nftables_ask(ask(room, NFT_MSG_GETCHAIN, NFPROTO_UNSPEC),
                               read_chain, l);
    for (uint32_t i = 0; i < l->n_bases && err == 0; i++) {
        l->at = &l->base[i];
        for (int way = 0;
             way < NETLINK_FORWARD_WAYS && l->question->way[way].in[0] != '\0';
             way++)
            note(l, way, judge(l, way), found);
        forget(l);
    }
    return err == 0 ? l->err : err;
}

int netlink_forward_look(const struct netlink_forward_question *question,
                         struct netlink_forward_found *found)
{
    struct looking *l;
    int err = -EAGAIN;

    if (system_order_given())
        return system_order_forward(question, sizeof *question, found,
                                    sizeof *found);
    l = calloc(1, sizeof *l);
    if (l == NULL)
        return -ENOMEM;
    l->question = question;
    for (int i = 0; i < TRIES && (err == -EAGAIN || err == -ENOENT); i++)
        err = look(l, found);
    free(l);
    if (err == 0)
        xtables_look(question, found);
    return err;
}
