/* mangle.h - rewrite headers and keep their checksums as right as they were
 *
 * Incremental everywhere (RFC 1624): a checksum that was wrong on arrival is
 * wrong by the same amount on departure.  Partial checksums (pkt->csum_partial,
 * virtio's NEEDS_CSUM) hold the folded, not complemented pseudo-header sum:
 * addresses change them, ports do not. */
#ifndef MANGLE_H
#define MANGLE_H

#include "parse.h"

#include <ctcore/pkt.h>

enum mangle_side { MANGLE_SRC, MANGLE_DST };

/* Give the packet another source or destination.
 * port: host order; for ICMP queries the id, whichever side; ignored where the
 * protocol has none.  Works on the packet as ct_parse() left it (l4_off ...);
 * L4 fields are touched only when they are inside l4_len. */
void mangle_addr(struct ct_pkt *pkt, enum mangle_side side,
                 const union ct_addr *addr, uint16_t port);

/* Rewrite port or id of the transport header that an error quotes at l4, and
 * put its checksum right for that and for addresses that changed by diff
 * (csum.h).  Fields behind what is there are left alone.
 * => answers what that changed in the sum of these bytes. */
uint32_t mangle_quoted(uint8_t *l4, const struct inner *in,
                       enum mangle_side side, uint32_t diff, uint16_t port);

/* Rewrite one side of the quoted packet: address, port or id, its IP header
 * checksum, its L4 checksum if that field is there (UDP's zero stays zero; TCP
 * needs 18 bytes), and then the outer ICMP checksum by difference. */
void mangle_inner(struct ct_pkt *pkt, const struct inner *in,
                  enum mangle_side side, const union ct_addr *addr,
                  uint16_t port);

/* Put len bytes in place of was bytes of a TCP segment, at bytes from its
 * header on, and set lengths and checksums right.
 * => at + was is inside l4_len, and at behind the header.
 * => false: more than CT_HEADROOM bytes longer, or longer than IP can say;
 *    nothing was changed. */
bool mangle_payload(struct ct_pkt *pkt, uint32_t at, uint32_t was,
                    const uint8_t *is, uint32_t len);

/* Is the transport checksum right?  Partial ones, zero UDP over IPv4 and
 * packets marked csum_ok are.  UDP zero over IPv6 is not.  ICMP errors too. */
bool mangle_l4_checksum_ok(const struct ct_pkt *pkt);

#endif
