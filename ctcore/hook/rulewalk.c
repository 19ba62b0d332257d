/* rulewalk.c - step from one rule that a packet meets to the next */
#include "hook/rulewalk.h"

#include "base/assert.h"

/* Live flows of this packet's source; it is the first to count its own.  A
 * packet without one has no source to count. */
static bool within_connlimit(struct ct *ct, const struct ct_pkt *pkt,
                             const struct ct_connlimit *rule)
{
    struct ct_conn *c = pkt->conn;
    uint32_t n;

    if (!c || !ct->connlimit)
        return false;
    if (pkt->icmp_error || connlimit_is_over(c, &c->proto))
        n = connlimit_look(ct->connlimit, rule, c);
    else
        n = connlimit_count(ct->connlimit, rule, table_slot(&ct->table, c), c);
    n += core_connlimit_others(ct, rule, c);
    return (n > rule->max) == rule->over;
}

static bool within_limits(struct ct *ct, const struct ct_pkt *pkt, uint32_t at)
{
    const struct ct_rule *r = &ct->rules->rules[at];

    if (r->connlimit.number && !within_connlimit(ct, pkt, &r->connlimit))
        return false;
    return !r->limit.cost_ns || core_limit(ct, at) != r->limit.over;
}

const struct ct_rule *rulewalk_next(struct ct *ct, const struct ct_pkt *pkt,
                                    struct rulewalk *w)
{
    const struct ct_ruleset *rs = ct->rules;

    ct_assert_slow(rs);
    while ((w->at = ruleset_match(rs, w->at, w->end, pkt, w->unknown)) <
           w->end) {
        uint32_t at = w->at++;

        if (w->unlimited ||
            (w->unknown && (w->unknown->facts & CT_FACT_PACKET)) ||
            within_limits(ct, pkt, at))
            return &rs->rules[at];
    }
    return NULL;
}
