/* confirm.h - a flow enters the table, last of all
 *
 * Until then its entry belongs to the packet that made it; whatever drops that
 * packet leaves nothing behind.  The row is the last one of INPUT and of
 * POSTROUTING. */
#ifndef CONFIRM_H
#define CONFIRM_H

#include "core/core.h"

enum ct_verdict confirm_row(void *ctx, struct ct *ct, struct ct_pkt *pkt);

/* A first packet was held, and another of its flow was faster: it joins that
 * one's entry.  Not if its own entry has sent it elsewhere: the row refuses it
 * then (CLASH). */
void confirm_join(struct ct *ct, struct ct_pkt *pkt);

/* False: it was to open its flow, and while it was held steering gave the flow
 * to another shard. */
bool confirm_may(struct ct *ct, struct ct_pkt *pkt);

#endif
