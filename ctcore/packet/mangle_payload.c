/* mangle_payload.c - other bytes in a TCP segment's payload, and how many
 *
 * The checksum is changed by the difference of the sums from there on, before
 * and after, and by that of the pseudo header's length. */
#include "packet/mangle_payload.h"
#include "base/assert.h"
#include "base/csum.h"
#include "packet/mangle.h"

#include <ctcore/wire.h>

enum { LARGEST = 65535, HEADER6_LEN = sizeof(struct ct_ipv6_header) };

static void put_length(struct ct_pkt *pkt)
{
    struct ct_ipv4_header *ip = ct_ipv4_edit(pkt->data);
    uint16_t was;

    if (pkt->tuple.family == CT_IPV6) {
        ct_store16(&ct_ipv6_edit(pkt->data)->len, pkt->len - HEADER6_LEN);
        return;
    }
    was = ct_load16(ip->len);
    ct_store16(&ip->len, pkt->len);
    csum_patch(&ip->check, csum_diff16(was, (uint16_t)pkt->len));
}

bool mangle_payload(struct ct_pkt *pkt, uint32_t at, uint32_t was,
                    const uint8_t *is, uint32_t len)
{
    uint8_t *l4 = pkt->data + pkt->l4_off;
    ct_be16 *field = &ct_tcp_edit(l4)->check;
    uint32_t most = LARGEST + (pkt->tuple.family == CT_IPV6 ? HEADER6_LEN : 0);
    uint32_t even = at & ~1u, l4_was = pkt->l4_len, diff, bytes;
    ct_before(right, mangle_l4_checksum_ok(pkt) && mangle_ip_checksum_ok(pkt));

    ct_assert(at >= ct_tcp_size(ct_tcp_view(l4)) && at <= l4_was &&
              was <= l4_was - at);
    if (len > was && (len - was > CT_HEADROOM || pkt->len + len - was > most))
        return false;
    bytes = (uint16_t)~csum_fold(csum_add(0, l4 + even, l4_was - even));
    memmove(l4 + at + len, l4 + at + was, l4_was - at - was);
    memcpy(l4 + at, is, len);
    pkt->l4_len += len - was;
    pkt->len += len - was;
    bytes += csum_fold(csum_add(0, l4 + even, pkt->l4_len - even));
    diff = csum_diff16((uint16_t)l4_was, (uint16_t)pkt->l4_len);
    if (len != was) {
        put_length(pkt);
        pkt->cuts = NULL; /* it is not the datagram any more that was cut */
    }
    if (pkt->csum_partial)
        ct_store16(field,
                   (uint16_t)~csum_apply((uint16_t)~ct_load16(*field), diff));
    else
        csum_patch(field, diff + bytes);
    ct_assert_slow(!right ||
                   (mangle_l4_checksum_ok(pkt) && mangle_ip_checksum_ok(pkt)));
    return true;
}
