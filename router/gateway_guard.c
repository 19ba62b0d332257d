/* gateway_guard.c - what nf_tables does for gateway mode */
#include "gateway_guard.h"

#include "gateway_input.h"
#include "gateway_reply.h"
#include "gateway_silence.h"
#include "gateway_table.h"
#include "log.h"
#include "netlink_nft.h"
#include "netlink_nftables.h"
#include "netlink_tc.h"

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
    LATE = 500,   /* behind them */
    BEFORE_ROUTING = -160,
    NOTED = 65536, /* connections of the host's past weir */
    TCP_S = 7500,  /* RFC 5382 REQ-5: more than 2 hours */
    UDP_S = 180,
    ECHO_S = 30,
    QUIET = 60,
    NONE = 0, /* number of a batch: none stands */
    NOT_KNOWN = 1
};

static const char table[] = NETLINK_NFTABLES_TABLE;
static const char turn_table[] = "weir_local";
static const uint32_t mark = GATEWAY_PLAN_MARK;

struct gateway_guard {
    struct gateway_table_key is;
    bool known, marks; /* known: it stands as is says */
    bool complained;
    uint64_t asks;     /* the number of the batch of input rules */
    uint32_t left_out; /* of them, as it was said */
    struct netlink_notrack untracked; /* all ones: not known */
    uint64_t said[2];
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

/* ---- what the host sends past weir, and its answers ---- */

/* A key of a set: an address, in two or five registers' worth, then the
 * protocol, the other's port and ours. */
enum { KEY = 1 }; /* its first register; 0 is for comparing */

/* addr, their, our: offsets of the other's address and of both ports. */
static void load_key(struct netlink_nft *b,
                     const struct gateway_table_layout *l, uint32_t addr,
                     uint32_t their, uint32_t our)
{
    unsigned reg = KEY + l->len / 4;

    netlink_nft_payload(b, NFT_PAYLOAD_NETWORK_HEADER, addr, l->len, KEY);
    netlink_nft_meta(b, NFT_META_L4PROTO, reg);
    netlink_nft_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, their, 2, reg + 1);
    netlink_nft_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, our, 2, reg + 2);
}

static void icmp_type_is(struct netlink_nft *b, uint8_t type)
{
    netlink_nft_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1, 0);
    netlink_nft_cmp(b, true, 0, &type, 1);
}

static void note_ports(struct netlink_nft *b,
                       const struct gateway_table_layout *l, uint8_t proto,
                       uint32_t seconds)
{
    netlink_nft_rule(b, "output");
    gateway_table_family(b, l);
    gateway_table_proto(b, proto);
    load_key(b, l, l->dst, 2, 0);
    netlink_nft_update(b, l->set, KEY, seconds);
    netlink_nft_rule_end(b);
}

static void note_echo(struct netlink_nft *b,
                      const struct gateway_table_layout *l)
{
    netlink_nft_rule(b, "output");
    gateway_table_family(b, l);
    gateway_table_proto(b, l->icmp);
    icmp_type_is(b, l->asks);
    load_key(b, l, l->dst, 4, 4);
    netlink_nft_update(b, l->set, KEY, ECHO_S);
    netlink_nft_rule_end(b);
}

static void mark_it(struct netlink_nft *b)
{
    netlink_nft_value(b, 0, &mark, sizeof mark);
    netlink_nft_set_meta(b, NFT_META_MARK, 0);
}

static void mark_answers(struct netlink_nft *b,
                         const struct gateway_table_layout *l, bool echo)
{
    netlink_nft_rule(b, "prerouting");
    gateway_table_family(b, l);
    if (echo) {
        gateway_table_proto(b, l->icmp);
        icmp_type_is(b, l->answers);
    }
    load_key(b, l, l->src, echo ? 4 : 0, echo ? 4 : 2);
    netlink_nft_lookup(b, l->set, KEY);
    mark_it(b);
    netlink_nft_rule_end(b);
}

/* Those of gateway_reply.c: they are noted there. */
static void pass_replies(struct netlink_nft *b)
{
    netlink_nft_rule(b, "output");
    netlink_nft_meta(b, NFT_META_MARK, 0);
    netlink_nft_cmp(b, true, 0, &mark, sizeof mark);
    netlink_nft_verdict(b, NF_ACCEPT);
    netlink_nft_rule_end(b);
}

static void put_own(struct netlink_nft *b, const struct gateway_table_key *k)
{
    const uint32_t none = 0;

    for (int i = 0; i < GATEWAY_TABLE_FAMILIES; i++)
        netlink_nft_set(b, gateway_table_layouts[i].set,
                        gateway_table_layouts[i].len + 12, NOTED);
    netlink_nft_chain(b, "output", NF_INET_LOCAL_OUT, LATE, NULL);
    netlink_nft_chain(b, "prerouting", NF_INET_PRE_ROUTING, BEFORE_ROUTING,
                      NULL);
    netlink_nft_chain(b, "input", NF_INET_LOCAL_IN, EARLY, NULL);
    gateway_table_elsewhere(b, "output", NFT_META_OIFNAME, k);
    pass_replies(b);
    gateway_table_elsewhere(b, "prerouting", NFT_META_IIFNAME, k);
    for (int i = 0; i < GATEWAY_TABLE_FAMILIES; i++) {
        const struct gateway_table_layout *l = &gateway_table_layouts[i];

        note_ports(b, l, IPPROTO_TCP, TCP_S);
        note_ports(b, l, IPPROTO_UDP, UDP_S);
        note_echo(b, l);
        mark_answers(b, l, false);
        mark_answers(b, l, true);
    }
    netlink_nft_rule(b, "input");
    netlink_nft_meta(b, NFT_META_MARK, 0);
    netlink_nft_cmp(b, true, 0, &mark, sizeof mark);
    netlink_nft_value(b, 0, &none, sizeof none);
    netlink_nft_set_meta(b, NFT_META_MARK, 0);
    netlink_nft_rule_end(b);
}

/* ---- what weir hands over ---- */

static void is_own(struct netlink_nft *b, const char *chain,
                   const struct gateway_table_layout *l, uint32_t offset)
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

        is_own(b, tun, l, l->dst);
        netlink_nft_goto(b, host);
        netlink_nft_rule_end(b);
        is_own(b, host, l, l->src);
        netlink_nft_verdict(b, NF_ACCEPT);
        netlink_nft_rule_end(b);
    }
    netlink_nft_rule(b, host);
    mark_it(b);
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

static int
commit(uint8_t family, const char *name, const struct gateway_table_key *k,
       void (*fill)(struct netlink_nft *, const struct gateway_table_key *))
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

static void put_table(struct netlink_nft *b, const struct gateway_table_key *k)
{
    netlink_nft_table(b);
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++)
        netlink_nft_counter(b, counters[i]);
    put_forward(b, k);
    put_own(b, k);
    gateway_silence_put(b, k);
}

static void put_reply(struct netlink_nft *b, const struct gateway_table_key *k)
{
    gateway_reply_put(b, k, mark);
}

static void remove_table(struct netlink_nft *b,
                         const struct gateway_table_key *k)
{
    (void)k;
    netlink_nft_remove(b);
}

/* First the way, then who takes it: else it would lead back into weir. */
static int turn(struct netlink *nl, const struct gateway_table_key *k)
{
    int err = 0;

    for (uint32_t i = 0; i < k->n && err == 0; i++) {
        const struct gateway_table_pair *p = &k->pair[i];

        if (p->tun_index != 0 && p->index != 0)
            err = netlink_tc_turn(nl, p->tun_index, p->tun, p->index);
    }
    if (err == 0)
        err = commit(NFPROTO_NETDEV, turn_table, k, put_turns);
    if (err != 0)
        (void)commit(NFPROTO_NETDEV, turn_table, k, remove_table);
    return err;
}

static void make_key(struct gateway_table_key *k,
                     const struct config_facts *facts, const uint32_t tun[])
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

static void complain(struct gateway_guard *g, int err, const char *what)
{
    if (!g->complained)
        log_warn("gateway", "nf_tables: %s: %s", strerror(-err), what);
    g->complained = true;
}

bool gateway_guard_put(struct gateway_guard *g, struct netlink *nl,
                       const struct config_facts *facts, const uint32_t tun[])
{
    struct gateway_table_key k;
    int err;

    make_key(&k, facts, tun);
    if (g->known && memcmp(&k, &g->is, sizeof k) == 0)
        return g->marks;
    g->is = k;
    g->known = true;
    memset(g->said, 0, sizeof g->said);
    err = commit(NFPROTO_INET, table, &k, put_table);
    g->marks = err == 0;
    if (err != 0) {
        complain(g, err,
                 "routing rules alone keep packets from passing by "
                 "weir, and rules that others add may lead them past");
        return false;
    }
    if ((err = commit(NFPROTO_INET, GATEWAY_REPLY_TABLE, &k, put_reply)) != 0)
        complain(g, err,
                 "what is asked of the host from wan at an address that is "
                 "neither lan's nor wan's gets no answer");
    if ((err = turn(nl, &k)) != 0)
        complain(g, err,
                 "what is for this host comes by weir's own devices: "
                 "rules of its packet filter about other devices, and "
                 "sockets bound to them, do not see it");
    return true;
}

static void remove_rules(struct gateway_guard *g)
{
    g->asks = NONE;
    (void)commit(NFPROTO_INET, GATEWAY_INPUT_TABLE, NULL, remove_table);
}

static void say_left_out(struct gateway_guard *g, uint32_t n)
{
    if (n > g->left_out)
        log_warn("gateway",
                 "%" PRIu32 " input rules with a limit, a connlimit or more "
                 "than %d ranges are not asked of what comes to the host's "
                 "link-local, multicast and broadcast addresses",
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
    left_out = gateway_input_put(b, &g->is, rules, mark, outside);
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
static void put_rules(struct gateway_guard *g, const struct ct_ruleset *rules,
                      unsigned outside)
{
    static const struct ct_ruleset closed = {.policy = {[CT_INPUT] = CT_DROP}};
    int err = commit_rules(g, rules, outside);

    if (err == -EMSGSIZE) {
        complain(g, err,
                 "there are so many input rules that what comes to the "
                 "host's link-local, multicast and broadcast addresses is "
                 "refused altogether");
        err = commit_rules(g, &closed, outside);
    }
    if (err != 0)
        complain(g, err,
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
        put_rules(g, rules, outside);
    else if (g->asks != NONE)
        remove_rules(g);
}

void gateway_guard_remove(struct gateway_guard *g)
{
    g->known = false;
    remove_rules(g);
    (void)commit(NFPROTO_INET, GATEWAY_REPLY_TABLE, NULL, remove_table);
    (void)commit(NFPROTO_NETDEV, turn_table, NULL, remove_table);
    (void)commit(NFPROTO_INET, table, NULL, remove_table);
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
