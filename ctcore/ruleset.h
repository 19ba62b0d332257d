/* ruleset.h - which rule does a packet meet?
 *
 * A packet is matched as its bytes stand at that moment: NAT may have changed
 * addresses and ports since it came in.  A match of a field that the packet
 * does not have fails, negated or not, as in nftables: `ip saddr != x` is no
 * statement about IPv6, nor `dport != 80` about ICMP. */
#ifndef RULESET_H
#define RULESET_H

#include <ctcore/pkt.h>
#include <ctcore/rules.h>

/* Index of the first rule in [from, end) that matches, or end.
 * => pkt went through ct_parse(), which answered NONE.
 * => without_ct: leave what conntrack says of the packet (info) out. */
uint32_t ruleset_match(const struct ct_ruleset *rules, uint32_t from,
                       uint32_t end, const struct ct_pkt *pkt, bool without_ct);

/* The packet met that rule.  Owner only; any thread may read the counters. */
void ruleset_count(struct ct_rule_count *counts, uint32_t rule,
                   const struct ct_pkt *pkt);

/* What the actions zone and mark do to a packet that met the rule. */
static inline void ruleset_zone(const struct ct_rule *r, struct ct_pkt *pkt)
{
    if (r->zone_dirs & 1u << CT_DIR_ORIGINAL)
        pkt->tuple.zone = r->zone;
    if (r->zone_dirs & 1u << CT_DIR_REPLY)
        pkt->zone_reply = r->zone;
}

static inline void ruleset_mark(const struct ct_rule *r, struct ct_pkt *pkt)
{
    pkt->mark = (pkt->mark & ~r->mark_mask) | (r->mark & r->mark_mask);
}

#endif
