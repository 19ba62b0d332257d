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
#include <ctcore/wire.h>

/* What a caller does not know of a packet.  A match is a maybe if it reads one
 * of these facts, or if the bits that are known leave open what it asks. */
struct ruleset_unknown {
    uint32_t facts; /* of enum ct_fact */
    uint32_t mark;  /* bits of the packet's mark */
    uint64_t labels[2];
};

/* Index of the first rule in [from, end) that matches, or may match, or end.
 * Limits are not asked.
 * => pkt went through ct_parse(), which answered NONE.
 * => unknown may be NULL: all is known. */
uint32_t ruleset_match(const struct ct_ruleset *rules, uint32_t from,
                       uint32_t end, const struct ct_pkt *pkt,
                       const struct ruleset_unknown *unknown);

/* Is it not sure that pkt meets this rule?
 * => pkt may meet it, as ruleset_match() has said. */
bool ruleset_maybe(const struct ct_rule *r, const struct ct_pkt *pkt,
                   const struct ruleset_unknown *unknown);

/* Which facts the matches of this rule read, limits included. */
uint32_t ruleset_reads(const struct ct_rule *r);

/* pkt becomes one with this tuple, as far as rules look at it: what they read
 * of it is written into bytes, which it keeps as its data. */
enum {
    RULESET_HEAD = sizeof(struct ct_ipv6_header) + sizeof(struct ct_tcp_header)
};
void ruleset_pretend(struct ct_pkt *pkt, const struct ct_tuple *t,
                     uint8_t bytes[RULESET_HEAD]);

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
