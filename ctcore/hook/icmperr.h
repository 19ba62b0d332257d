/* icmperr.h - ICMP and ICMPv6 errors: whose flow they are about, and as what
 * that flow's ends shall see them
 *
 * The quoted packet's tuple, inverted, is a tuple of its flow: the one of the
 * direction in which the error travels.  So an error is RELATED in that
 * direction, from whatever router on the path.  Errors never create, refresh or
 * destroy anything (RFC 5508 REQ-6, RFC 4787 REQ-12). */
#ifndef ICMPERR_H
#define ICMPERR_H

#include "core/core.h"

/* Attach the flow: pkt->conn, dir, info RELATED.  Or a reason of kind I. */
enum ct_reason icmperr_relate(struct ct *ct, struct ct_pkt *pkt);

/* Translate one side of the error and the other side of its quotation.  NONE,
 * or NAT_INNER: it can't be done, and must not leave as it is. */
enum ct_reason icmperr_translate(struct ct_pkt *pkt, enum mangle_side side);

#endif
