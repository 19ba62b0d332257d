/* frag.h - fragments wait here until their datagram is whole
 *
 * One struct frag a shard, cut from the core's block.  Public are ct_defrag()
 * and ct_defrag_expired(): <ctcore/ct.h>. */
#ifndef FRAG_H
#define FRAG_H

#include "frag/queue.h"

#include <ctcore/ct.h>

/* Cut from b what the limits in params ask for.  Without memory for at least
 * one datagram of full length (frag_memory 0): no pages, nothing is held. */
void frag_init(struct frag *f, struct block *b, const struct ct_params *params);
/* b had a base: make it usable. */
void frag_start(struct frag *f, const uint8_t key[16], uint64_t *stats,
                uint64_t *reasons);

/* See ct_defrag(); params say how long fragments may wait. */
enum ct_reason frag_take(struct frag *f, const struct ct_pkt *pkt,
                         const struct ct_params *params, ct_time now,
                         struct ct_pkt *whole, bool *is_whole);

/* End the next datagram whose time is up at now.  False: none is due.
 * => first->len is 0, or its first fragment was there and is written to
 *    first->data (at most CT_REPLY_MAX bytes of it). */
bool frag_expired(struct frag *f, const struct ct_params *params, ct_time now,
                  struct ct_pkt *first);

#endif
