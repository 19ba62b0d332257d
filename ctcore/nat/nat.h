/* nat.h - choose the translation of a new flow, and rewrite its packets
 *
 * A flow's reply tuple, inverted, is its translated original: so "is this
 * translation unique?" is the question "is that reply tuple in the table?",
 * asked before confirm; between nat_setup() and table_confirm() nothing else
 * runs in this shard, so what was unique stays so.
 *
 * Who shares a translation is remembered by its mapping: mapping.h. */
#ifndef NAT_H
#define NAT_H

#include "nat/natfree.h"
#include "packet/mangle.h"

#include <ctcore/ct.h>

/* Choose one side of an unconfirmed flow's translation and write it into its
 * reply tuple and status.  NONE, NO_PORT or SOURCE_PORTS; then ask->victim is
 * the slot of a flow in TIME_WAIT or CLOSE that the caller may destroy and ask
 * again, or CT_NONE. */
enum ct_reason nat_setup(struct nat *n, struct ct_conn *c,
                         enum mangle_side side, struct nat_ask *ask);

/* Rewrite one side of a packet as its flow says. */
void nat_rewrite(const struct ct_conn *c, struct ct_pkt *pkt,
                 enum mangle_side side);

/* Is that side of packets in that direction rewritten? */
static inline bool nat_wanted(const struct ct_conn *c, enum ct_dir dir,
                              enum mangle_side side)
{
    uint32_t bit = ((side == MANGLE_SRC) == (dir == CT_DIR_ORIGINAL))
                       ? CT_SRC_NAT
                       : CT_DST_NAT;

    return c->status & bit;
}

/* Rewrite it, if that side of that direction is translated. */
static inline void nat_translate(const struct ct_conn *c, struct ct_pkt *pkt,
                                 enum mangle_side side)
{
    if (nat_wanted(c, (enum ct_dir)pkt->dir, side))
        nat_rewrite(c, pkt, side);
}

#endif
