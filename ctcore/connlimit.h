/* connlimit.h - how many live flows has each source?
 *
 * An exact count for each (rule, source), in a table that only rules with a
 * connlimit bring along.  Which rules have counted a flow is a bit each, by the
 * flow's slot; its source is that of its original tuple, so nothing else need
 * be remembered to count it down again.  There are as many counters as can be
 * in use at once, one for each entry and rule: none is ever refused for want of
 * room.  Memory that was never used is never touched. */
#ifndef CONNLIMIT_H
#define CONNLIMIT_H

#include "conn.h"
#include "pool.h"

#include <ctcore/rules.h>

struct connlimit {
    struct pool counters;
    uint32_t *heads;   /* by hash: a counter's number + 1, or 0 */
    uint32_t n_heads;  /* a power of two */
    uint16_t *counted; /* by slot: bit 1 << (number - 1) */
    uint64_t key[2];
    struct ct_connlimit rule[CT_MAX_CONNLIMITS]; /* by number - 1 */
};

/* Lays it out at the beginning of a block; NULL base only measures. */
struct connlimit *connlimit_init(struct block *b, uint32_t max,
                                 const struct ct_ruleset *rules);

/* Count that flow, if it is not counted; answers the count of its source. */
uint32_t connlimit_count(struct connlimit *l, const struct ct_connlimit *rule,
                         uint32_t slot, const struct ct_conn *c);
/* Its source's count as it is. */
uint32_t connlimit_look(const struct connlimit *l,
                        const struct ct_connlimit *rule,
                        const struct ct_conn *c);

static inline bool connlimit_has(const struct connlimit *l, uint8_t number,
                                 uint32_t slot)
{
    return l->counted[slot] >> (number - 1) & 1;
}

/* Nobody speaks on it any more, though its entry stays for a while: it does not
 * count, as in the kernel. */
bool connlimit_is_over(const struct ct_conn *c, const union ct_proto_state *st);

/* The flow is gone, or over. */
void connlimit_forget(struct connlimit *l, uint32_t slot,
                      const struct ct_conn *c);

#endif
