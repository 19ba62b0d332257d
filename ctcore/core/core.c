/* core.c - what a rule that a packet meets does beside its action: it counts,
 * limits and logs */
#include "core/core.h"

#include "packet/parse.h"
#include "rules/limit.h"
#include "rules/ruleset.h"

#include <ctcore/wire.h>

#include <string.h>

/* As the packet stands now, not as it came. */
static void fill_log_entry(struct ct_log *log, const struct ct_pkt *pkt)
{
    const uint8_t *ip = pkt->data;
    const struct ct_ports_header *ports = ct_ports_view(ip + pkt->l4_off);
    bool v4 = pkt->tuple.family == CT_IPV4;

    memcpy(log->src.b, ct_ip_src(ip, v4), v4 ? 4 : 16);
    memcpy(log->dst.b, ct_ip_dst(ip, v4), v4 ? 4 : 16);
    log->ttl = ct_ip_ttl(ip, v4);
    if (pkt->l4_bad)
        return;
    if (ct_proto_has_ports(log->proto)) {
        log->sport = ct_load16(ports->sport);
        log->dport = ct_load16(ports->dport);
    }
    log->tcp_flags = pkt->l4_flags;
    log->icmp_type = pkt->icmp_type;
    log->icmp_code = pkt->icmp_code;
}

bool core_limit(struct ct *ct, uint32_t rule)
{
    uint64_t others = 0;

    for (uint32_t i = 0; ct->all_counts && i < ct->peers.n_all; i++)
        if (i != ct->peers.self)
            others = limit_later(others, &ct->all_counts[i][rule].full_at_ns);
    return limit_take(&ct->counts[rule].full_at_ns, others,
                      &ct->rules->rules[rule].limit, ct->now);
}

uint32_t core_connlimit_others(const struct ct *ct,
                               const struct ct_connlimit *rule,
                               const struct ct_conn *c)
{
    uint32_t n = 0;

    for (uint32_t i = 0; ct->all_connlimits && i < ct->peers.n_all; i++)
        if (i != ct->peers.self)
            n += connlimit_peek(ct->all_connlimits[i], ct->connlimit, rule, c);
    return n;
}

static bool may_tell(const struct ct *ct, uint32_t rule,
                     struct ct_rule_count *n)
{
    uint64_t others = 0;
    uint32_t rate = ct->params.v[CT_PARAM_log_rate];
    struct ct_limit limit = {.cost_ns = rate ? 1000000000u / rate : 0,
                             .room_ns = 1000000000u};

    for (uint32_t i = 0; ct->all_counts && i < ct->peers.n_all; i++)
        if (i != ct->peers.self)
            others =
                limit_later(others, &ct->all_counts[i][rule].log_full_at_ns);
    return rate && limit_take(&n->log_full_at_ns, others, &limit, ct->now);
}

/* False: the listener had no room. */
static bool log_rule_match(const struct ct *ct, const struct ct_rule *r,
                           uint32_t suppressed, const struct ct_pkt *pkt)
{
    struct ct_log log = {.len = pkt->len,
                         .mark = pkt->mark,
                         .suppressed = suppressed,
                         .family = pkt->tuple.family,
                         .proto = pkt->tuple.proto,
                         .hook = pkt->hook,
                         .in = pkt->in,
                         .out = pkt->out,
                         .info = pkt->info};

    memcpy(log.id, r->id, sizeof log.id);
    memcpy(log.prefix, r->log_prefix, sizeof log.prefix);
    fill_log_entry(&log, pkt);
    return ct->log(ct->ctx, &log);
}

/* A packet is logged or suppressed, and the rule's next line says how many of
 * its packets were. */
static __attribute__((noinline)) void tell(struct ct *ct, uint32_t rule,
                                           const struct ct_pkt *pkt)
{
    const struct ct_rule *r = &ct->rules->rules[rule];
    struct ct_rule_count *n = &ct->counts[rule];

    if (!ct->log)
        return;
    if (may_tell(ct, rule, n) &&
        log_rule_match(ct, r, n->log_suppressed, pkt)) {
        core_stat(ct, CT_STAT_logged);
        n->log_suppressed = 0;
        return;
    }
    core_stat(ct, CT_STAT_log_suppressed);
    n->log_suppressed++;
}

void core_met(struct ct *ct, uint32_t rule, const struct ct_pkt *pkt)
{
    ruleset_count(ct->counts, rule, pkt);
    if (ct->rules->rules[rule].log)
        tell(ct, rule, pkt);
}
