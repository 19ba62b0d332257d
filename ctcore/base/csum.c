/* csum.c - Internet checksums, whole and by difference
 *
 * One's-complement addition does not care how wide the words are in which it is
 * done, nor in which byte order (RFC 1071 2): so add 32 bits at a time into 64,
 * fold at the end, and turn the two bytes once. */
#include "base/csum.h"

#include <ctcore/wire.h>

uint32_t csum_add(uint32_t sum, const uint8_t *p, uint32_t n)
{
    uint64_t a = 0, b = 0, x, y;
    uint32_t w;

    for (; n >= 16; n -= 16, p += 16) {
        memcpy(&x, p, 8);
        memcpy(&y, p + 8, 8);
        a += (x & 0xffffffff) + (y & 0xffffffff);
        b += (x >> 32) + (y >> 32);
    }
    a += b;
    for (; n >= 4; n -= 4, p += 4) {
        memcpy(&w, p, 4);
        a += w;
    }
    if (n > 0) { /* an odd byte is the high half of a word filled with zero */
        w = 0;
        memcpy(&w, p, n);
        a += w;
    }
    a = __builtin_bswap16(csum_fold64(a));
    a += sum;
    return (uint32_t)(a & 0xffffffff) + (uint32_t)(a >> 32);
}

uint16_t ct_inet_sum(const uint8_t *p, uint32_t n, uint32_t sum)
{
    return csum_fold(csum_add(sum, p, n));
}

uint32_t csum_pseudo(enum ct_family family, const uint8_t *src,
                     const uint8_t *dst, uint8_t proto, uint32_t len)
{
    uint32_t n = family == CT_IPV4 ? 4 : 16;
    uint32_t sum = (uint32_t)proto + (len >> 16) + (len & 0xffff);

    return csum_add(csum_add(sum, src, n), dst, n);
}

uint16_t csum_update16(uint16_t check, uint16_t was, uint16_t is)
{
    return csum_apply(check, csum_diff16(was, is));
}
