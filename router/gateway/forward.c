/* forward.c - does the host's own firewall let through what weir
 * forwards? */
#include "gateway/forward.h"

#include "kernel/netlink/forward.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <string.h>

static bool has_side_ipv6(const struct config_facts *facts, bool inside)
{
    for (uint32_t i = 0; i < facts->n; i++) {
        const struct config_facts_device *d = &facts->device[i];

        for (unsigned k = 0; k < d->n_addrs; k++)
            if (d->inside == inside && d->addr[k].family == CT_IPV6)
                return true;
    }
    return false;
}

static bool has_side_device(const struct config_facts *facts, bool inside)
{
    for (uint32_t i = 0; i < facts->n; i++)
        if (facts->device[i].inside == inside && facts->device[i].index != 0)
            return true;
    return false;
}

/* Ways into weir and out of it; new flows go from inside, and on to outside. */
static void make_question(const struct config_gateway *want,
                          const struct config_facts *facts,
                          const uint32_t tun[],
                          struct netlink_forward_question *q)
{
    uint32_t n = 0;

    memset(q, 0, sizeof *q);
    q->ipv6 = has_side_ipv6(facts, true) && has_side_ipv6(facts, false);
    q->notrack = want->notrack;
    for (uint32_t i = 0; i < facts->n; i++) {
        const struct config_facts_device *d = &facts->device[i];
        struct netlink_forward_way *in = &q->way[n], *out = &q->way[n + 1];

        if (d->index == 0)
            continue;
        n += 2;
        snprintf(in->in, sizeof in->in, "%s", d->name);
        snprintf(in->out, sizeof in->out, "%s", d->tun);
        in->in_index = d->index;
        in->out_index = tun[i];
        in->answers = !d->inside;
        memcpy(out->in, in->out, sizeof out->in);
        memcpy(out->out, in->in, sizeof out->out);
        out->in_index = in->out_index;
        out->out_index = in->in_index;
        out->answers = d->inside;
    }
}

static const char *get_family_name(uint8_t number)
{
    if (number == NFPROTO_INET)
        return "inet";
    return number == NFPROTO_IPV4 ? "ip" : "ip6";
}

static void write_remedy(const struct netlink_forward_found *found, char *text,
                         size_t room)
{
    const char *tables =
        found->family == NFPROTO_IPV6 ? "ip6tables" : "iptables";
    const char *name = get_family_name(found->family);
    const char *which = found->legacy ? "-legacy" : "";
    const char *chain = found->legacy ? found->chain : NETLINK_FORWARD_DOCKER;

    if (found->docker || found->legacy)
        snprintf(text, room,
                 "%s%s -I %s -i weir-+ -j ACCEPT; %s%s -I %s -o weir-+ -j "
                 "ACCEPT",
                 tables, which, chain, tables, which, chain);
    else
        snprintf(text, room,
                 "nft 'insert rule %s %s %s iifname weir-* accept; "
                 "insert rule %s %s %s oifname weir-* accept'",
                 name, found->table, found->chain, name, found->table,
                 found->chain);
}

bool gateway_forward_look(const struct config_gateway *want,
                          const struct config_facts *facts,
                          const uint32_t tun[], struct gateway_finding *f)
{
    struct netlink_forward_question question;
    struct netlink_forward_found found;
    bool drops;
    int err;

    if (!has_side_device(facts, true) || !has_side_device(facts, false))
        return true;
    make_question(want, facts, tun, &question);
    err = netlink_forward_look(&question, &found);
    if (err == -EAGAIN)
        return false;
    memset(f, 0, sizeof *f);
    if (err < 0 || found.verdict == NETLINK_FORWARD_PASSES)
        return true;
    drops = found.verdict == NETLINK_FORWARD_DROPS;
    f->level = drops ? HEALTH_FAIL : HEALTH_WARN;
    snprintf(f->text, sizeof f->text,
             "chain %s of table %s %s%s %s %s to %s; %s: ", found.chain,
             get_family_name(found.family), found.table,
             found.legacy ? " (iptables-legacy)" : "",
             drops ? "drops what goes from"
                   : "may drop a part of what goes from",
             found.in, found.out, drops ? "say" : "if all must pass, say");
    write_remedy(&found, f->text + strlen(f->text),
                 sizeof f->text - strlen(f->text));
    return true;
}
