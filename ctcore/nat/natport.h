/* natport.h - find the tuple that a new flow shall have
 *
 * Order of choice for a source (the kernel's get_unique_tuple, with an exact
 * search in place of its 248 tries):
 *   1. what it has, if the rule's range allows it and it is free;
 *   2. the mapping this source already has (RFC 4787 REQ-1);
 *   3. its own port at an address of the pool, or with several shards the one
 *      that stands for it in the shard's slice;
 *   4. a port of the same class that is not in use, from a seeded start;
 *   5. a port that only flows to other remotes use.
 * Rules that say random begin at 4.  Profiles weir and rfc take a port that is
 * in use in step 3 and 5 only when step 4 finds none.
 *
 * A destination: its own port if the rule allows it, else one of the rule's
 * ports whose tuple is free, from a seeded start. */
#ifndef NATPORT_H
#define NATPORT_H

#include "nat/natfree.h"
#include "packet/mangle.h"

/* cur: the flow's original tuple as far as it is translated by now.  On NONE
 * cur is the choice; NO_PORT: see nat_setup(). */
enum ct_reason natport_choose(struct nat *n, struct ct_tuple *cur,
                              const struct ct_conn *c, enum mangle_side side,
                              struct nat_ask *ask);

/* May what comes to cur's source (address and port) be given to host, one of
 * this shard's: in its slice or by a static forward to this host, to no other,
 * no listener's, and in profiles weir and rfc not in use? */
bool natport_open(struct nat *n, const struct ct_tuple *cur,
                  const union ct_addr *host);

#endif
