/* mangle.h - rewrite headers and keep their checksums as right as they were
 *
 * Incremental everywhere (RFC 1624): a checksum that was wrong on arrival is
 * wrong by the same amount on departure.  Partial checksums (pkt->csum_partial,
 * virtio's NEEDS_CSUM) hold the folded, not complemented pseudo-header sum:
 * addresses change them, ports do not. */
#ifndef MANGLE_H
#define MANGLE_H

#include <ctcore/pkt.h>

struct inner;

enum mangle_side { MANGLE_SRC, MANGLE_DST };

/* Give the packet another source or destination.
 * port: host order; for ICMP queries the id, whichever side; ignored where the
 * protocol has none.  Works on the packet as ct_parse() left it (l4_off ...);
 * L4 fields are touched only when they are inside l4_len. */
void mangle_addr(struct ct_pkt *pkt, enum mangle_side side,
                 const union ct_addr *addr, uint16_t port);

/* Write an address into an IP header; its checksum is the caller's.
 * => answers what that changed in the sum of these bytes. */
uint32_t mangle_put_addr(uint8_t *ip, enum mangle_side side,
                         const union ct_addr *addr, uint8_t family);

/* Rewrite port or id of the transport header that an error quotes at l4, and
 * put its checksum right for that and for addresses that changed by diff
 * (csum.h).  Fields behind what is there are left alone.
 * => answers what that changed in the sum of these bytes. */
uint32_t mangle_quoted(uint8_t *l4, const struct inner *in,
                       enum mangle_side side, uint32_t diff, uint16_t port);

/* Is the transport checksum right?  Partial ones, zero UDP over IPv4 and
 * packets marked csum_ok are.  UDP zero over IPv6 is not.  ICMP errors too. */
bool mangle_l4_checksum_ok(const struct ct_pkt *pkt);

/* Is IPv4's header checksum right?  IPv6 has none. */
bool mangle_ip_checksum_ok(const struct ct_pkt *pkt);

#endif
