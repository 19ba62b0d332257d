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
 * Nothing is refused below SHARE_LEAST: a share of little is too little.
 *
 * An IPv6 host inside can have all addresses of its /64, but a LAN is one /64,
 * and its hosts are not to be locked into one share.  So a /64 inside is a
 * second level: all of it together may have what is left when one more source
 * has had its share.
 *
 * Of what there are few of (announced flows, extension records) a source may
 * have more, as long as half of all are free. */
#ifndef SHARE_H
#define SHARE_H

#include "table/tally.h"

#define SHARE_LEAST 64u

/* Counters of something's source and of its /64; 0: not counted. */
struct share_place {
    uint32_t source, prefix;
};

struct share {
    struct tally tally;
    /* by slot, by mapping.  NULL: nothing is counted. */
    struct share_place *of_flow, *of_mapping;
    uint32_t part; /* of how many parts a source may have one; 0: all */
};

/* What is to be zeroed, and what is not.  few: of all kinds together. */
void share_init(struct share *s, struct block *b, uint32_t max);
void share_init_counters(struct share *s, struct block *b, uint32_t max,
                         uint32_t few);

static inline bool share_is_on(const struct share *s)
{
    return s->of_flow != NULL;
}

/* May a flow that begins so have an entry of max? */
bool share_has_entry(const struct share *s, const struct ct_tuple *orig,
                     bool inside, uint32_t max);
/* And a mapping of n outside ports, beside those of its own that rest? */
bool share_has_port(const struct share *s, const struct ct_tuple *orig,
                    uint32_t n, uint32_t resting);

/* It has one. */
void share_take_entry(struct share *s, uint32_t slot,
                      const struct ct_tuple *orig, bool inside);
void share_take_port(struct share *s, uint32_t mapping,
                     const struct ct_tuple *orig);

/* It is gone. */
void share_leave_entry(struct share *s, uint32_t slot);
void share_leave_port(struct share *s, uint32_t mapping);

/* One of the few, of a flow that began so, unless all n are in use, or its
 * source has its share of them.  s may be NULL, and nothing counted then. */
enum share_few { SHARE_EXPECTED, SHARE_RECORDS };
bool share_has_few(const struct share *s, enum share_few few,
                   const struct ct_tuple *orig, uint32_t used, uint32_t n);
bool share_take_few(struct share *s, enum share_few few,
                    const struct ct_tuple *orig, uint32_t used, uint32_t n,
                    struct share_place *place);
void share_leave_few(struct share *s, struct share_place *place);

#endif
