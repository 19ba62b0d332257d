/* gc.h - the end of flows: expiry, early drop, by hand
 *
 * Here the knot of this field is untied: the table knows no NAT and NAT no
 * time; gc, above all of them, takes a flow out of each. */
#ifndef GC_H
#define GC_H

#include "core/core.h"

/* Destroy a confirmed entry, with its event. */
void gc_destroy(struct ct *ct, uint32_t slot);

/* The same, since the rules of now would not let it be. */
void gc_revoke(struct ct *ct, uint32_t slot);

/* What this flow has set up by its control connection is over: the keymap
 * forgets it, and the flows that were known by it end. */
void gc_end_calls(struct ct *ct, struct ext *x);

/* Return an entry that was never confirmed. */
void gc_discard(struct ct *ct, uint32_t slot);

/* Destroy entries whose time is up, then ports' rests, then expectations;
 * budget: how many at most of each, those counted that it finds to have got
 * further meanwhile.  True: there may be more. */
bool gc_expire(struct ct *ct, ct_time now, uint32_t budget);

/* Some, because a packet wants their room.  False: none were found. */
bool gc_expire_some(struct ct *ct);

/* Is the flow hidden behind an address that its interface has no more?  The
 * packet that finds it so ends it: gc_homeless() is asked while ifaces_at says
 * that there may be such. */
bool gc_homeless(const struct ct *ct, const struct ct_conn *c);
/* End such flows, looking at budget slots at most.  True: none is left. */
bool gc_end_homeless(struct ct *ct, uint32_t budget);

/* Is it hidden behind a port that was taken away?  The packet that finds it so
 * ends it: see ct_set_taken(). */
bool gc_loses_port(const struct ct *ct, const struct ct_conn *c);

/* No outside port is left: end some flows and rests whose time is up.  False:
 * there are none. */
bool gc_free_ports(struct ct *ct);

/* Make room for one more entry, whose original tuple has this hash.  First
 * what is expired anyway; then as the kernel does: of eight buckets from the
 * hash on, all unassured entries of the first that has any. */
bool gc_make_room(struct ct *ct, uint64_t hash);

#endif
