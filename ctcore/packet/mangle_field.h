/* mangle_field.h - rewrite one field of a header, as a rule says
 *
 * Checksums by difference, as in mangle.h. */
#ifndef MANGLE_FIELD_H
#define MANGLE_FIELD_H

#include <ctcore/pkt.h>
#include <ctcore/rules.h>

/* Lower the MSS option of a TCP segment to mss (RFC 9293 s3.7.1); one that is
 * lower, or not there, stays as it is.
 * => the packet is TCP, and its transport header is well. */
void mangle_field_mss(struct ct_pkt *pkt, uint16_t mss);

/* TTL or hop limit: set, or moved by that much, from 1 to 255. */
void mangle_field_ttl(struct ct_pkt *pkt, enum ct_ttl how, uint8_t by);

/* The six bits of RFC 2474; those of ECN beside it stay. */
void mangle_field_dscp(struct ct_pkt *pkt, uint8_t dscp);

#endif
