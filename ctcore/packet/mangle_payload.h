/* mangle_payload.h - replace bytes of a TCP segment by more or fewer */
#ifndef MANGLE_PAYLOAD_H
#define MANGLE_PAYLOAD_H

#include <ctcore/pkt.h>

/* Put len bytes in place of was bytes of a TCP segment, at bytes from its
 * header on, and set lengths and checksums right.
 * => at + was is inside l4_len, and at behind the header.
 * => false: more than CT_HEADROOM bytes longer, or longer than IP can say;
 *    nothing was changed. */
bool mangle_payload(struct ct_pkt *pkt, uint32_t at, uint32_t was,
                    const uint8_t *is, uint32_t len);

#endif
