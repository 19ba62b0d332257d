/* csum.h - Internet checksums, whole and by difference (RFC 1071, RFC 1624) */
#ifndef CSUM_H
#define CSUM_H

#include <ctcore/types.h>

/* One's-complement sum of n bytes, big-endian words, on top of sum; unfolded. */
uint32_t csum_add(uint32_t sum, const uint8_t *p, uint32_t n);
uint16_t csum_fold(uint32_t sum); /* folded, not complemented */

/* Sum of the pseudo header of an L4 segment of len bytes. */
uint32_t csum_pseudo(enum ct_family family, const uint8_t *src,
                     const uint8_t *dst, uint8_t proto, uint32_t len);

/* A checksum field after one 16-bit word changed.  RFC 1624 eqn 3. */
uint16_t csum_update16(uint16_t check, uint16_t was, uint16_t is);
/* The same for n bytes, n even. */
uint16_t csum_update(uint16_t check, const uint8_t *was, const uint8_t *is,
                     uint32_t n);

#endif
