/* guard.c - what nf_tables does for gateway mode */
#include "gateway/guard/guard.h"

#include "gateway/guard/input.h"
#include "gateway/guard/past.h"
#include "gateway/guard/reply.h"
#include "gateway/guard/silence.h"
#include "gateway/guard/table.h"
#include "kernel/netlink/nft.h"
#include "kernel/netlink/nftables.h"
#include "kernel/netlink/tc.h"
#include "system/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    EARLY = -500, /* before all of the host's */
    QUIET = 60,
    NONE = 0, /* number of a batch: none stands */
    NOT_KNOWN = 1
};

static const char table[] = NETLINK_NFTABLES_TABLE;
static const char turn_table[] = NETLINK_NFTABLES_TURN;

struct gateway_guard {
    struct gateway_table_key is;
    bool known, marks; /* known: it stands as is says */
    bool complained;
    uint64_t asks;     /* the number of the batch of input rules */
    uint32_t left_out; /* of them, as it was said */
    struct netlink_notrack untracked; /* all ones: not known */
    uint64_t said[2], clashed;
    bool clashes;      /* some were found the last time */
    uint32_t quiet[2]; /* seconds until the next line */
};

static const char *const counters[] = {"past", "third"};

int gateway_guard_open(struct gateway_guard **out)
{
    struct gateway_guard *g = calloc(1, sizeof *g);

    if (g == NULL)
        return -ENOMEM;
    memset(&g->untracked, 0xff, sizeof g->untracked);
    g->asks = NOT_KNOWN;
    *out = g;
    return 0;
}

void gateway_guard_close(struct gateway_guard *g)
{
    netlink_nftables_close();
    free(g);
}

/* ---- forward ---- */

static void may_pass(struct netlink_nft *b, const char *in, const char *out)
{
    netlink_nft_rule(b, "forward");
    gateway_table_device(b, NFT_META_IIFNAME, true, in);
    gateway_table_device(b, NFT_META_OIFNAME, true, out);
    netlink_nft_verdict(b, NF_ACCEPT);
    netlink_nft_rule_end(b);
}

static void may_not(struct netlink_nft *b, uint32_t key, const char *device,
                    const char *counter)
{
    netlink_nft_rule(b, "forward");
    gateway_table_device(b, key, true, device);
    netlink_nft_count(b, counter);
    netlink_nft_verdict(b, NF_DROP);
    netlink_nft_rule_end(b);
}

static void put_forward(struct netlink_nft *b,
                        const struct gateway_table_key *k)
{
    netlink_nft_chain(b, "forward", NF_INET_FORWARD, EARLY, NULL);
    for (uint32_t i = 0; i < k->n; i++) {
        may_pass(b, k->pair[i].name, k->pair[i].tun);
        /* From port to port of a bridge, which br_netfilter shows here: what
         * is routed comes to weir first. */
        may_pass(b, k->pair[i].name, k->pair[i].name);
        may_pass(b, k->pair[i].tun, k->pair[i].name);
    }
    for (uint32_t i = 0; i < k->n; i++)
        may_not(b, NFT_META_IIFNAME, k->pair[i].name, "past");
    for (uint32_t i = 0; i < k->n; i++) {
        may_not(b, NFT_META_IIFNAME, k->pair[i].tun, "third");
        may_not(b, NFT_META_OIFNAME, k->pair[i].name, "third");
        may_not(b, NFT_META_OIFNAME, k->pair[i].tun, "third");
    }
}

/* ---- what weir hands over ---- */

static void match_own_addrs(struct netlink_nft *b, const char *chain,
                            const struct gateway_table_layout *l,
                            uint32_t offset)
{
    uint16_t ether = htons(l->len == 4 ? ETH_P_IP : ETH_P_IPV6);

    netlink_nft_rule(b, chain);
    netlink_nft_meta(b, NFT_META_PROTOCOL, 0);
    netlink_nft_cmp(b, true, 0, &ether, sizeof ether);
    netlink_nft_payload(b, NFT_PAYLOAD_NETWORK_HEADER, offset, l->len, 0);
    netlink_nft_lookup(b, l->set, 0);
}

/* What is for one of the host's addresses, but not what comes from one: that is
 * what the kernel says to itself by way of weir. */
static void put_turn(struct netlink_nft *b,
                     const struct gateway_table_pair *pair)
{
    const char *host = pair->host, *tun = pair->tun;

    netlink_nft_branch(b, host);
    netlink_nft_chain(b, tun, NF_NETDEV_INGRESS, 0, tun);
    for (int i = 0; i < GATEWAY_TABLE_FAMILIES; i++) {
        const struct gateway_table_layout *l = &gateway_table_layouts[i];

        match_own_addrs(b, tun, l, l->dst);
        netlink_nft_goto(b, host);
        netlink_nft_rule_end(b);
        match_own_addrs(b, host, l, l->src);
        netlink_nft_verdict(b, NF_ACCEPT);
        netlink_nft_rule_end(b);
    }
    netlink_nft_rule(b, host);
    gateway_table_mark(b, GATEWAY_PLAN_MARK);
    netlink_nft_value(b, 0, &pair->tun_index, sizeof pair->tun_index);
    netlink_nft_forward(b, 0);
    netlink_nft_rule_end(b);
}

static void put_turns(struct netlink_nft *b, const struct gateway_table_key *k)
{
    netlink_nft_table(b);
    for (int i = 0; i < GATEWAY_TABLE_FAMILIES; i++)
        gateway_table_addrs(b, gateway_table_layouts[i].set, k,
                            &gateway_table_layouts[i]);
    for (uint32_t i = 0; i < k->n; i++)
        if (k->pair[i].tun_index != 0 && k->pair[i].index != 0)
            put_turn(b, &k->pair[i]);
}

/* ---- all of it ---- */

static int commit_table(uint8_t family, const char *name,
                        const struct gateway_table_key *k,
                        void (*fill)(struct netlink_nft *,
                                     const struct gateway_table_key *))
{
    struct netlink_nft *b = netlink_nft_new(family, name);
    int err;

    if (b == NULL)
        return -ENOMEM;
    fill(b, k);
    err = netlink_nft_commit(b);
    netlink_nft_free(b);
    return err;
}

static void fill_table(struct netlink_nft *b, const struct gateway_table_key *k)
{
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++)
        netlink_nft_counter(b, counters[i]);
    put_forward(b, k);
    gateway_past_put(b, k);
    gateway_silence_put(b, k);
}

static void fill_reply(struct netlink_nft *b, const struct gateway_table_key *k)
{
    gateway_reply_put(b, k, GATEWAY_PLAN_MARK);
}

/* A table that is there keeps what its sets hold.  What another one has left
 * may be of another kind: that is made again. */
static int refill_table(const char *name, const struct gateway_table_key *k,
                        void (*fill)(struct netlink_nft *,
                                     const struct gateway_table_key *))
{
    void (*const begin[])(struct netlink_nft *) = {netlink_nft_refill,
                                                   netlink_nft_table};
    int err = -ENOMEM;

    for (int i = 0; i < 2 && err != 0; i++) {
        struct netlink_nft *b = netlink_nft_new(NFPROTO_INET, name);

        if (b == NULL)
            return -ENOMEM;
        begin[i](b);
        fill(b, k);
        err = netlink_nft_commit(b);
        netlink_nft_free(b);
    }
    return err;
}

static void remove_table(struct netlink_nft *b,
                         const struct gateway_table_key *k)
{
    (void)k;
    netlink_nft_remove(b);
}

/* First the way, then who takes it: else it would lead back into weir. */
static int redirect_host_packets(struct netlink *nl,
                                 const struct gateway_table_key *k)
{
    int err = 0;

    for (uint32_t i = 0; i < k->n && err == 0; i++) {
        const struct gateway_table_pair *p = &k->pair[i];

        if (p->tun_index != 0 && p->index != 0)
            err = netlink_tc_turn(nl, p->tun_index, p->tun, p->index);
    }
    if (err == 0)
        err = commit_table(NFPROTO_NETDEV, turn_table, k, put_turns);
    if (err != 0)
        (void)commit_table(NFPROTO_NETDEV, turn_table, k, remove_table);
    return err;
}

static void make_table_key(struct gateway_table_key *k,
                           const struct config_facts *facts,
                           const uint32_t tun[])
{
    memset(k, 0, sizeof *k);
    k->n = facts->n;
    for (uint32_t d = 0; d < facts->n; d++) {
        const struct config_facts_device *f = &facts->device[d];
        struct gateway_table_pair *p = &k->pair[d];

        memcpy(p->name, f->name, sizeof p->name);
        memcpy(p->tun, f->tun, sizeof p->tun);
        (void)snprintf(p->host, sizeof p->host, "host-%s", f->label);
        p->index = f->index;
        p->tun_index = tun[d];
        for (unsigned i = 0; i < f->n_addrs; i++) {
            k->own[k->n_own].addr = f->addr[i].addr;
            k->own[k->n_own++].family = f->addr[i].family;
        }
    }
}

static bool has_own_address(const struct gateway_table_own *set, uint32_t n,
                            const struct gateway_table_own *own)
{
    for (uint32_t i = 0; i < n; i++)
        if (memcmp(&set[i], own, sizeof *own) == 0)
            return true;
    return false;
}

/* An address that goes may come back, and the kernel has it before weir knows:
 * so it stays among those from which the host does not answer for weir.
 * ruled: it may be one of the devices' own again, since rules lead to weir what
 * comes for it. */
static void keep_gone(struct gateway_table_key *k,
                      const struct gateway_table_key *was, bool ruled)
{
    for (uint32_t i = 0; i < was->n_own + was->n_gone; i++) {
        const struct gateway_table_own *own = &was->own[i];
        bool returns = i >= was->n_own && !ruled;

        if (k->n_gone < GATEWAY_TABLE_GONE &&
            !has_own_address(k->own + k->n_own, k->n_gone, own) &&
            (returns || !has_own_address(k->own, k->n_own, own)))
            k->own[k->n_own + k->n_gone++] = *own;
    }
}

static void warn_nftables_once(struct gateway_guard *g, int err,
                               const char *what)
{
    if (!g->complained)
        log_warn("gateway", "nf_tables: %s: %s", strerror(-err), what);
    g->complained = true;
}

/* Has the kernel none of it?  Then there is nothing to try again. */
static int check_retry_error(struct gateway_guard *g, int err)
{
    if (err == 0 || netlink_nft_is_none(err))
        return 0;
    g->known = false;
    return err;
}

/* Without which the guard's table is worth having. */
static int put_rest(struct gateway_guard *g, struct netlink *nl,
                    const struct gateway_table_key *k)
{
    int reply = refill_table(GATEWAY_REPLY_TABLE, k, fill_reply), err;

    if (reply != 0)
        warn_nftables_once(
            g, reply,
            "what is asked of the host from wan at an address that is "
            "neither lan's nor wan's gets no answer");
    if ((err = redirect_host_packets(nl, k)) != 0)
        warn_nftables_once(
            g, err,
            "what is for this host comes by weir's own devices: "
            "rules of its packet filter about other devices, and "
            "sockets bound to them, do not see it");
    if (reply == 0 && err == 0)
        g->complained = false;
    reply = check_retry_error(g, reply);
    err = check_retry_error(g, err);
    return reply != 0 ? reply : err;
}

static int put_guard_tables(struct gateway_guard *g, struct netlink *nl,
                            const struct config_facts *facts,
                            const uint32_t tun[], bool ruled)
{
    struct gateway_table_key k;
    int err;

    make_table_key(&k, facts, tun);
    keep_gone(&k, &g->is, ruled);
    if (g->known && memcmp(&k, &g->is, sizeof k) == 0)
        return 0;
    g->is = k;
    g->known = true;
    err = refill_table(table, &k, fill_table);
    g->marks = err == 0;
    if (err != 0) {
        warn_nftables_once(
            g, err,
            "routing rules alone keep packets from passing by "
            "weir, and rules that others add may lead them past");
        return check_retry_error(g, err);
    }
    return put_rest(g, nl, &k);
}

int gateway_guard_put(struct gateway_guard *g, struct netlink *nl,
                      const struct config_facts *facts, const uint32_t tun[],
                      bool *marks)
{
    int err = put_guard_tables(g, nl, facts, tun, false);

    *marks = g->marks;
    return err;
}

int gateway_guard_ruled(struct gateway_guard *g, struct netlink *nl,
                        const struct config_facts *facts, const uint32_t tun[])
{
    return put_guard_tables(g, nl, facts, tun, true);
}

static void remove_rules(struct gateway_guard *g)
{
    g->asks = NONE;
    (void)commit_table(NFPROTO_INET, GATEWAY_INPUT_TABLE, NULL, remove_table);
}

static void say_left_out(struct gateway_guard *g, uint32_t n)
{
    if (n > g->left_out)
        log_warn("gateway",
                 "%" PRIu32 " input rules with a limit, a connlimit or too "
                 "many ranges (more than %d) are not asked of what comes to "
                 "the host's link-local, multicast and broadcast addresses",
                 n, NETLINK_NFT_RANGES);
    g->left_out = n;
}

/* => asks */
static int commit_rules(struct gateway_guard *g, const struct ct_ruleset *rules,
                        unsigned outside)
{
    struct netlink_nft *b = netlink_nft_new(NFPROTO_INET, GATEWAY_INPUT_TABLE);
    uint32_t left_out;
    uint64_t number;
    int err = 0;

    if (b == NULL)
        return -ENOMEM;
    left_out = gateway_input_put(b, &g->is, rules, GATEWAY_PLAN_MARK, outside);
    number = netlink_nft_number(b);
    if (g->asks != number) {
        say_left_out(g, left_out);
        err = netlink_nft_commit(b);
        g->asks = err == 0 ? number : NOT_KNOWN;
    }
    netlink_nft_free(b);
    return err;
}

/* More rules than one transaction takes: all is refused. */
static void put_input_rules(struct gateway_guard *g,
                            const struct ct_ruleset *rules, unsigned outside)
{
    static const struct ct_ruleset closed = {.policy = {[CT_INPUT] = CT_DROP}};
    int err = commit_rules(g, rules, outside);

    if (err == -EMSGSIZE) {
        warn_nftables_once(
            g, err,
            "there are so many input rules that what comes to the "
            "host's link-local, multicast and broadcast addresses is "
            "refused altogether");
        err = commit_rules(g, &closed, outside);
    }
    if (err != 0)
        warn_nftables_once(
            g, err,
            "input rules are not asked of what comes to the host's "
            "link-local, multicast and broadcast addresses");
}

void gateway_guard_rules(struct gateway_guard *g,
                         const struct config_facts *facts,
                         const struct ct_ruleset *rules)
{
    unsigned outside = 0;

    if (!g->marks)
        return;
    for (uint32_t d = 0; d < facts->n; d++)
        outside |= facts->device[d].inside ? 0u : 1u << d;
    if (gateway_input_refuses(rules))
        put_input_rules(g, rules, outside);
    else if (g->asks != NONE)
        remove_rules(g);
}

void gateway_guard_remove(struct gateway_guard *g)
{
    g->known = false;
    remove_rules(g);
    (void)commit_table(NFPROTO_INET, GATEWAY_REPLY_TABLE, NULL, remove_table);
    (void)commit_table(NFPROTO_NETDEV, turn_table, NULL, remove_table);
    (void)commit_table(NFPROTO_INET, table, NULL, remove_table);
}

void gateway_guard_again(struct gateway_guard *g)
{
    g->known = false;
    g->asks = NOT_KNOWN;
}

bool gateway_guard_hears(struct gateway_guard *g, uint32_t port,
                         const char *name)
{
    if (port == netlink_nftables_port())
        return false;
    if (strcmp(name, NETLINK_NOTRACK) == 0)
        memset(&g->untracked, 0xff, sizeof g->untracked);
    else if (strcmp(name, GATEWAY_INPUT_TABLE) == 0)
        g->asks = NOT_KNOWN;
    else if (strcmp(name, table) == 0 || strcmp(name, turn_table) == 0 ||
             strcmp(name, GATEWAY_REPLY_TABLE) == 0)
        g->known = false;
    else
        return false;
    return true;
}

/* What weir tracks need not be tracked twice.  Only spared work: what can't be
 * had is told, and done without.  At the first call a predecessor's goes. */
void gateway_guard_notrack(struct gateway_guard *g,
                           const struct netlink_notrack *what)
{
    static const struct netlink_notrack none;
    const struct netlink_notrack *want = what != NULL ? what : &none;
    int code;

    if (memcmp(&g->untracked, want, sizeof g->untracked) == 0)
        return;
    g->untracked = *want;
    code = what == NULL ? netlink_notrack_remove() : netlink_notrack_put(what);
    if (code < 0 && what != NULL)
        log_warn("gateway", "notrack: nf_tables says: %s", strerror(-code));
}

bool gateway_guard_tell(struct gateway_guard *g)
{
    static const char *const texts[] = {
        "from lan or wan that a rule or a route led past weir",
        "between a device of gateway mode and one that gateway.more does not "
        "name",
    };

    for (int i = 0; i < 2 && g->known && g->marks; i++) {
        uint64_t now = 0;
        int err = netlink_nftables_count(counters[i], &now);

        if (err == -ENOENT) { /* as `nft flush ruleset` does */
            gateway_guard_again(g);
            memset(&g->untracked, 0xff, sizeof g->untracked);
            return true;
        }
        g->said[i] = now < g->said[i] ? 0 : g->said[i]; /* made again */
        g->quiet[i] -= g->quiet[i] > 0;
        if (g->quiet[i] > 0 || err < 0 || now <= g->said[i])
            continue;
        log_warn("gateway", "%" PRIu64 " packets were dropped %s",
                 now - g->said[i], texts[i]);
        g->said[i] = now;
        g->quiet[i] = QUIET;
    }
    return false;
}

/* The sets are listed only while there is something in them. */
void gateway_guard_clash(struct gateway_guard *g, struct netlink_clash *found)
{
    uint64_t now = 0;

    found->n = 0;
    if (!g->known || !g->marks ||
        netlink_nftables_count(NETLINK_CLASH_COUNTER, &now) < 0 ||
        (now == g->clashed && !g->clashes))
        return;
    g->clashed = now;
    if (netlink_clash_look(found) < 0)
        found->n = 0;
    g->clashes = true;
    if (found->n == 0)
        g->clashes = false;
}
