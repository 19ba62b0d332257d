/* change.h - new bytes for a packet that a program has changed */
#ifndef QUEUE_CHANGE_H
#define QUEUE_CHANGE_H

#include <ctcore/ct.h>

/* Put n bytes in the place of pkt's (room for `room` at pkt->data), make their
 * checksums right, and let pkt say what is in them.  False, and nothing has
 * changed: they are no whole packet, or one of another flow, kind or size than
 * may be.
 * => the tuple must stay, and what connection tracking has judged already:
 *    TCP's header; type and code of ICMP, and all of an ICMP error and of what
 *    another tracker with states reads.  Payload, TTL, TOS and the rest may
 * change, and the length.
 * => resize: what that is of a TCP payload; NULL: it must not change, since
 *    its flow's numbers could not be corrected.  It must not of a segment with
 *    SYN, RST or URG, from nothing, or to nothing: what is gone as a whole
 *    would never be acknowledged.
 * => a TCP segment that grew leaves as segments that are no longer than it was:
 *    it becomes a super-packet, unless every link takes it.
 * => pkt->tuple stays as it is: how the packet arrived. */
bool queue_change(struct ct_pkt *pkt, const uint8_t *bytes, uint32_t n,
                  uint32_t room, struct ct_resize *resize);

#endif
