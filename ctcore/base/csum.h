/* csum.h - Internet checksums, whole and by difference (RFC 1071, RFC 1624) */
#ifndef CSUM_H
#define CSUM_H

#include <ctcore/types.h>
#include <ctcore/wire.h>

/* Sum of n bytes as big-endian words, on top of sum; unfolded. */
uint32_t csum_add(uint32_t sum, const uint8_t *p, uint32_t n);

/* Both halves, with the carry brought round; not complemented. */
static inline uint16_t csum_fold(uint32_t sum)
{
    return (uint16_t)((sum + (sum << 16 | sum >> 16)) >> 16);
}

/* Of a sum of 32-bit words. */
static inline uint16_t csum_fold64(uint64_t sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    return csum_fold((uint32_t)sum + (uint32_t)(sum >> 32));
}

/* The same halfway: below 2^17, so that more may be added. */
static inline uint32_t csum_shrink(uint32_t diff)
{
    return (diff & 0xffff) + (diff >> 16);
}

/* Sum of the pseudo header of an L4 segment of len bytes. */
uint32_t csum_pseudo(enum ct_family family, const uint8_t *src,
                     const uint8_t *dst, uint8_t proto, uint32_t len);

/* What a change adds to a sum: complements of the old words plus new words.
 * Differences may be added up, of 64 KiB at most. */
static inline uint32_t csum_diff16(uint16_t was, uint16_t is)
{
    return (uint32_t)(uint16_t)~was + is;
}

static inline uint32_t csum_diff32(uint32_t was, uint32_t is)
{
    return csum_diff16((uint16_t)(was >> 16), (uint16_t)(is >> 16)) +
           csum_diff16((uint16_t)was, (uint16_t)is);
}

/* The checksum field after such a change.  RFC 1624 eqn 3. */
static inline uint16_t csum_apply(uint16_t check, uint32_t diff)
{
    return (uint16_t)~csum_fold((uint16_t)~check + csum_shrink(diff));
}

/* The field itself. */
static inline void csum_patch(ct_be16 *check, uint32_t diff)
{
    ct_store16(check, csum_apply(ct_load16(*check), diff));
}

/* A checksum field after one 16-bit word changed.  RFC 1624 eqn 3. */
uint16_t csum_update16(uint16_t check, uint16_t was, uint16_t is);

#endif
