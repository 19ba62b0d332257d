/* track.h - the conntrack rows of the hook table: find or make, track, confirm
 */
#ifndef TRACK_H
#define TRACK_H

#include "core/core.h"

/* PREROUTING and OUTPUT, -200.  Sets conn, info, dir, mark.  A packet that its
 * tracker refuses is INVALID and goes on without an entry; the rules decide. */
enum ct_verdict track_packet(void *ctx, struct ct *ct, struct ct_pkt *pkt);

/* A rule gave the packet zones: by which of them is it known?  As one that
 * opens or continues a flow it stands in tuple.zone, as an answer in
 * zone_reply; where these differ both are looked up.  One entry owns a tuple of
 * a zone in both directions (the kernel lets two have it, one in each). */
void track_zone(const struct ct *ct, struct ct_pkt *pkt);

/* The packet's mark becomes that of its flow. */
void track_mark(struct ct_pkt *pkt);

#endif
