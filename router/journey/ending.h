/* ending.h - how a packet's journey ends: each packet in exactly one counter */
#ifndef ENDING_H
#define ENDING_H

#include "journey/walk.h"

/* Dropped outside of the hooks. */
void ending_refuse(struct journey *j, struct ct_pkt *pkt, enum ct_reason why);

/* A hook did not say ACCEPT: it has counted the packet itself; its sender may
 * have to be told. */
void ending_stopped(struct journey *j, struct ct_pkt *pkt, enum ct_verdict v);

/* Send it by pkt->out: forwarded, or lost for a reason. */
void ending_forward(struct journey *j, struct ct_pkt *pkt);

#endif
