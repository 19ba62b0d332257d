/* shard.h - what steering shares with NAT
 *
 * ct_owner() itself is public: <ctcore/ct.h>. */
#ifndef SHARD_H
#define SHARD_H

#include <ctcore/ct.h>

/* The static forward that a packet with this tuple would meet, or NULL. */
const struct ct_steer_row *shard_forward(const struct ct_steer *s,
                                         const struct ct_tuple *t);

#endif
