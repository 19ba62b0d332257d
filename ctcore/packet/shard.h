/* shard.h - what steering shares with NAT
 *
 * ct_owner() itself is public: <ctcore/ct.h>. */
#ifndef SHARD_H
#define SHARD_H

#include <ctcore/ct.h>

/* Which shard owns the packets of this tuple. */
uint32_t shard_owner(const struct ct_steer *s, const struct ct_tuple *t);

/* The same whatever its source is; CT_NONE: that depends on the source. */
uint32_t shard_owner_to(const struct ct_steer *s, const struct ct_tuple *t);

/* The first row that covers what t is sent to or stands behind that; s->n:
 * none. */
uint32_t shard_forward_from(const struct ct_steer *s, const struct ct_tuple *t);

/* The static forward that a packet with this tuple would meet, or NULL. */
const struct ct_steer_row *shard_forward(const struct ct_steer *s,
                                         const struct ct_tuple *t);

#endif
