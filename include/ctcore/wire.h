/* wire.h - numbers as packets hold them: big-endian loads and stores, and the
 * Internet checksum's sum
 *
 * Packets are bytes, never structs: no cast, no alignment, no surprise.  The
 * caller has checked the bounds.  A put takes the low bits of what it is
 * given. */
#ifndef CTCORE_WIRE_H
#define CTCORE_WIRE_H

#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "loads and stores here, and the words of tuples, are little-endian"
#endif

static inline uint16_t ct_get16(const uint8_t *p)
{
    uint16_t v;

    memcpy(&v, p, sizeof v);
    return __builtin_bswap16(v);
}

static inline uint32_t ct_get32(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof v);
    return __builtin_bswap32(v);
}

static inline uint64_t ct_get64(const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof v);
    return __builtin_bswap64(v);
}

static inline void ct_put16(uint8_t *p, uint32_t v)
{
    uint16_t word = __builtin_bswap16((uint16_t)v);

    memcpy(p, &word, sizeof word);
}

static inline void ct_put32(uint8_t *p, uint32_t v)
{
    v = __builtin_bswap32(v);
    memcpy(p, &v, sizeof v);
}

static inline void ct_put64(uint8_t *p, uint64_t v)
{
    v = __builtin_bswap64(v);
    memcpy(p, &v, sizeof v);
}

/* The one's complement sum (RFC 1071) of sum and of n bytes, as big-endian
 * words, folded; the checksum is its complement.  p may be NULL if n is 0. */
uint16_t ct_inet_sum(const uint8_t *p, uint32_t n, uint32_t sum);

#endif
