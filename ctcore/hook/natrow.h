/* natrow.h - the NAT rows of the hook table
 *
 * A flow's first packet is asked of the rules, every packet is rewritten as its
 * flow says.  And the last guard: a packet for which a translation is meant
 * never passes without it. */
#ifndef NATROW_H
#define NATROW_H

#include "core/core.h"

/* PREROUTING and OUTPUT, -100: destinations. */
enum ct_verdict natrow_dst(void *ctx, struct ct *ct, struct ct_pkt *pkt);
/* INPUT and POSTROUTING, 100: sources. */
enum ct_verdict natrow_src(void *ctx, struct ct *ct, struct ct_pkt *pkt);
/* Behind natrow_src: identifications of a shared address, see ipid.h. */
enum ct_verdict natrow_id(void *ctx, struct ct *ct, struct ct_pkt *pkt);

#endif
