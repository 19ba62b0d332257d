/* inet_sum.h - the Internet checksum's sum (RFC 1071), over bytes */
#ifndef INET_SUM_H
#define INET_SUM_H

#include <ctcore/wire.h>

#include <endian.h>
#include <stdint.h>
#include <string.h>

/* The folded one's complement sum of n bytes and of s, in host order.  Words
 * are added as they lie: which byte of each stands first matters to the fold
 * alone (RFC 1071 2B). */
static inline uint16_t inet_sum(const uint8_t *p, uint32_t n, uint64_t s)
{
    uint64_t raw = 0;
    uint32_t word;

    for (; n > 3; n -= 4, p += 4) {
        memcpy(&word, p, sizeof word);
        raw += word;
    }
    while (raw >> 16)
        raw = (raw & 0xffff) + (raw >> 16);
    s += be16toh((uint16_t)raw);
    for (; n > 1; n -= 2, p += 2)
        s += ct_get16(p);
    if (n == 1)
        s += (uint32_t)p[0] << 8;
    while (s >> 16)
        s = (s & 0xffff) + (s >> 16);
    return (uint16_t)s;
}

/* What a device does with a checksum that was left to it (VIRTIO 1.1 section
 * 5.1.6.2): the field at `at` of these n bytes holds the pseudo header's sum,
 * and gets the complement of the sum of all.  Never 0: to UDP that says "none"
 * (RFC 768), and to all others it is the same as 0xffff.
 * => at + 2 <= n. */
static inline void inet_sum_complete(uint8_t *p, uint32_t n, uint32_t at)
{
    uint16_t check = (uint16_t)~inet_sum(p, n, 0);

    ct_put16(p + at, check == 0 ? 0xffff : check);
}

#endif
