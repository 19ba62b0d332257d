/* rulewalk.h - the rules of one stage that a packet meets, in their order
 *
 * All who ask rules walk here: the rows of the hook table, NAT, and the review
 * of flows under new rules.  A caller that does not know some facts says so: a
 * rule that reads them comes as a maybe, and the caller decides what that
 * means. */
#ifndef RULEWALK_H
#define RULEWALK_H

#include "core/core.h"
#include "rules/ruleset.h"

struct rulewalk {
    uint32_t at, end; /* the next rule to be looked at, and the one past all */
    const struct ruleset_unknown *unknown; /* NULL: all is known */
    bool unlimited; /* limits are taken to hold, and no token is taken */
};

/* => ct->rules is not NULL. */
static inline struct rulewalk
rulewalk_stage(const struct ct *ct, const struct ct_pkt *pkt,
               enum ct_stage stage, const struct ruleset_unknown *unknown)
{
    const uint32_t *start = &ct->rules->start[pkt->hook][stage];

    return (struct rulewalk){
        .at = start[0], .end = start[1], .unknown = unknown};
}

/* The next rule that pkt meets, or may meet; its index is w->at - 1.  NULL:
 * there is no more.  Takes tokens of limits, but where the packet's facts are
 * unknown. */
const struct ct_rule *rulewalk_next(struct ct *ct, const struct ct_pkt *pkt,
                                    struct rulewalk *w);

/* Is it not sure that the packet meets this rule? */
static inline bool rulewalk_maybe(const struct rulewalk *w,
                                  const struct ct_rule *r,
                                  const struct ct_pkt *pkt)
{
    return w->unknown && ruleset_maybe(r, pkt, w->unknown);
}

#endif
