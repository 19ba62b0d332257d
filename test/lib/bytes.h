/* bytes.h - big-endian numbers in plain bytes, for tests
 *
 * A test writes and reads packets by offsets, and so has its own opinion of
 * where fields stand: what is built and judged there does not rest on
 * ctcore/wire.h, which is under test. */
#ifndef BYTES_H
#define BYTES_H

#include <stdint.h>
#include <string.h>

static inline uint16_t bytes_get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t bytes_get32(const uint8_t *p)
{
    return (uint32_t)bytes_get16(p) << 16 | bytes_get16(p + 2);
}

static inline uint64_t bytes_get64(const uint8_t *p)
{
    return (uint64_t)bytes_get32(p) << 32 | bytes_get32(p + 4);
}

/* The low bits of v. */
static inline void bytes_put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void bytes_put32(uint8_t *p, uint32_t v)
{
    bytes_put16(p, v >> 16);
    bytes_put16(p + 2, v);
}

static inline void bytes_put64(uint8_t *p, uint64_t v)
{
    bytes_put32(p, (uint32_t)(v >> 32));
    bytes_put32(p + 4, (uint32_t)v);
}

#endif
