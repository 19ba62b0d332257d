/* inet_sum.h - a checksum that was left to us */
#ifndef INET_SUM_H
#define INET_SUM_H

#include <ctcore/wire.h>

/* What a device does with a checksum that was left to it (VIRTIO 1.1 section
 * 5.1.6.2): the field at `at` of these n bytes holds the pseudo header's sum,
 * and gets the complement of the sum of all.  Never 0: to UDP that says "none"
 * (RFC 768), and to all others it is the same as 0xffff.
 * => at + 2 <= n. */
static inline void inet_sum_complete(uint8_t *p, uint32_t n, uint32_t at)
{
    uint16_t check = (uint16_t)~ct_inet_sum(p, n, 0);

    ct_store16(&ct_check_edit(p + at)->check, check == 0 ? 0xffff : check);
}

#endif
