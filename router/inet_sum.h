/* inet_sum.h - the Internet checksum's sum (RFC 1071), over bytes */
#ifndef INET_SUM_H
#define INET_SUM_H

#include <stdint.h>

/* The folded one's complement sum of n bytes and of s, in host order. */
static inline uint16_t inet_sum(const uint8_t *p, uint32_t n, uint64_t s)
{
    for (; n > 1; n -= 2, p += 2)
        s += (uint32_t)p[0] << 8 | p[1];
    if (n == 1)
        s += (uint32_t)p[0] << 8;
    while (s >> 16)
        s = (s & 0xffff) + (s >> 16);
    return (uint16_t)s;
}

#endif
