/* natfree.h - may a new flow have this tuple?
 *
 * A translated tuple is free when its reply is in no table and rests for no
 * other host, when no static forward gives its source to another host, and when
 * no socket of the router's own has its port. */
#ifndef NATFREE_H
#define NATFREE_H

#include "nat/mapping.h"
#include "proto/l4proto.h"

#include <ctcore/ct.h>

/* What nat_setup() needs to know of one packet's flow. */
struct nat_ask {
    const struct ct_pkt *pkt;
    const struct l4proto *proto;
    const struct ct_nat_range *range; /* NULL: null binding */
    ct_time now;
    uint32_t victim; /* out: see nat_setup() */
    bool keyed;      /* range's port is a GRE key, to be taken as it is */
    uint32_t begin;  /* its own: steps before the search */
    bool hidden;     /* its own: the source gets another's address */
};

/* The reply's tuple, by the protocol's own rule. */
bool natfree_invert(const struct l4proto *proto, const struct ct_tuple *t,
                    struct ct_tuple *reply);

/* The static forward that has the source which cur has in mind, or NULL. */
const struct ct_steer_row *natfree_forward(const struct nat *n,
                                           const struct ct_tuple *cur);
/* Does that source belong to another host than this one? */
bool natfree_is_others(const struct nat *n, const struct ct_tuple *cur,
                       const union ct_addr *host);

/* Ports of the router's own listeners, or NULL; of those that this flow must
 * not have; the word of 64 that a port is in; and that port. */
const struct ct_reserved *natfree_listeners(const struct nat *n, uint8_t proto);
const struct ct_reserved *natfree_reserved(const struct nat *n,
                                           const struct ct_tuple *cur,
                                           const struct nat_ask *ask);
uint64_t natfree_reserved_word(const struct ct_reserved *set, uint32_t port);
bool natfree_is_reserved(const struct ct_reserved *set, uint32_t port);

/* Is cur free?  Notes a flow that could be taken over. */
bool natfree_is_free(struct nat *n, const struct ct_tuple *cur,
                     struct nat_ask *ask);

#endif
