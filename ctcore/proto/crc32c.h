/* crc32c.h - CRC32c (RFC 9260 appendix A), whole and by difference
 *
 * A value here is the number that the field holds with its bytes from the
 * lowest to the highest, as the specification sends it. */
#ifndef CRC32C_H
#define CRC32C_H

#include <stdint.h>

/* Four bytes as such a number. */
static inline uint32_t crc32c_load(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 |
           p[0];
}

static inline void crc32c_store(uint8_t *p, uint32_t crc)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(crc >> 8 * i);
}

/* Take in n bytes.  Begin with CRC32C_NONE; the sum of what has been taken in
 * is the complement of the answer. */
#define CRC32C_NONE 0xffffffffu
uint32_t crc32c_add(uint32_t crc, const uint8_t *p, uint32_t n);

/* By what the sum of a message changes (exclusive or) when four of its bytes
 * do.
 * => diff: exclusive or of the four bytes before and after, the first one
 *    lowest; n: bytes from the first of them to the message's end, >= 4.
 * Takes the same short time whatever n is. */
uint32_t crc32c_diff(uint32_t diff, uint32_t n);

#endif
