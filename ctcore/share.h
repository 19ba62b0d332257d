/* share.h - what one source may take of the table and of the outside ports
 *
 * RFC 6888 REQ-4 and REQ-5: no host behind a NAT may use up what all of them
 * need.  A source is an inside host by its address, and an outside one, who has
 * as many addresses as he likes, by its /64; zones keep sources apart.  Counted
 * are its entries, unconfirmed ones included, and for each protocol its
 * mappings: an outside port towards many remotes is one.  Each entry and each
 * mapping notes which counter it is in, so it comes off there whatever changes
 * meanwhile.
 *
 * Nothing is refused below SHARE_LEAST: a share of little is too little. */
#ifndef SHARE_H
#define SHARE_H

#include "tally.h"

#define SHARE_LEAST 64u

struct share {
    struct tally tally;
    /* by slot, by mapping: its counter, or 0.  NULL: nothing is counted. */
    uint32_t *of_flow, *of_mapping;
    uint32_t part; /* of how many parts a source may have one; 0: all */
};

/* What is to be zeroed, and what is not. */
void share_init(struct share *s, struct block *b, uint32_t max);
void share_init_counters(struct share *s, struct block *b, uint32_t max);

static inline bool share_is_on(const struct share *s)
{
    return s->of_flow != NULL;
}

/* May a flow that begins so have an entry of max? */
bool share_has_entry(const struct share *s, const struct ct_tuple *orig,
                     bool inside, uint32_t max);
/* And a mapping of n outside ports? */
bool share_has_port(const struct share *s, const struct ct_tuple *orig,
                    uint32_t n);

/* It has one. */
void share_take_entry(struct share *s, uint32_t slot,
                      const struct ct_tuple *orig, bool inside);
void share_take_port(struct share *s, uint32_t mapping,
                     const struct ct_tuple *orig);

/* It is gone. */
void share_leave_entry(struct share *s, uint32_t slot);
void share_leave_port(struct share *s, uint32_t mapping);

#endif
