/* connlimit.h - how many live flows has each source?
 *
 * A counter for each (rule, source), in a tally that only rules with a
 * connlimit bring along.  Which rules have counted a flow is a bit each, by the
 * flow's slot; its source is that of its original tuple, so nothing else need
 * be remembered to count it down again.  The tally has a counter for each entry
 * and rule. */
#ifndef CONNLIMIT_H
#define CONNLIMIT_H

#include "base/work.h"
#include "table/conn.h"
#include "table/tally.h"

#include <ctcore/rules.h>

struct connlimit {
    struct tally tally;
    uint32_t ready;    /* other shards may look */
    uint16_t *counted; /* by slot: bit 1 << (number - 1) */
    struct ct_connlimit rule[CT_MAX_CONNLIMITS]; /* by number - 1 */
    /* The rules before these: what they have counted moves here slot by slot,
     * and counts in either until then.  NULL: all is here. */
    struct connlimit *was;
    uint8_t from[CT_MAX_CONNLIMITS]; /* the number there; 0: a new rule */
    uint32_t at;                     /* slots below have moved */
};

/* Lays it out at the beginning of a block; NULL base only measures. */
struct connlimit *connlimit_init(struct block *b, uint32_t max,
                                 const struct ct_ruleset *rules);

/* What counts that flow for the rule. */
struct tally_key connlimit_key(const struct ct_connlimit *rule,
                               const struct ct_conn *c);
/* Count that flow, if it is not counted; answers the count of its source. */
uint32_t connlimit_count(struct connlimit *l, const struct ct_connlimit *rule,
                         uint32_t slot, const struct ct_conn *c);
/* Its source's count as it is. */
uint32_t connlimit_look(const struct connlimit *l,
                        const struct ct_connlimit *rule,
                        const struct ct_conn *c);

/* Any thread: the same in another shard's block, which may not be laid out yet.
 * own: this shard's, with the same key. */
uint32_t connlimit_peek(const void *block, const struct connlimit *own,
                        const struct ct_connlimit *rule,
                        const struct ct_conn *c);

/* Rule `number` of l goes on with what rule `old` of was has counted. */
void connlimit_follow(struct connlimit *l, uint8_t number,
                      struct connlimit *was, uint8_t old);
/* Move what was counted for budget of n slots at most.  True: that is all. */
bool connlimit_move_some(struct connlimit *l, const struct ct_conn *conns,
                         uint32_t n, uint32_t budget, struct work *work);

/* The connection is over, though its entry stays for a while: it does not
 * count, as in the kernel. */
bool connlimit_is_over(const struct ct_conn *c, const union ct_proto_state *st);

/* The flow is gone, or over. */
void connlimit_forget(struct connlimit *l, uint32_t slot,
                      const struct ct_conn *c);

#endif
