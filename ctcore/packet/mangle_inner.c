/* mangle_inner.c - rewrite the packet that an ICMP error quotes
 *
 * Every word changed inside changes the outer ICMP checksum too, which covers
 * the quotation: addresses, the quoted header's own checksum, the port, the
 * transport checksum if the quotation reaches so far. */
#include "packet/mangle_inner.h"

#include "base/csum.h"
#include "packet/parse_inner.h"

#include <ctcore/wire.h>

void mangle_inner(struct ct_pkt *pkt, const struct inner *in,
                  enum mangle_side side, const union ct_addr *addr,
                  uint16_t port)
{
    uint8_t *ip = pkt->data + in->ip_off;
    uint8_t *outer = pkt->data + pkt->l4_off + 2;
    bool v4 = in->family == CT_IPV4;
    uint8_t *field = v4 ? ip + (side == MANGLE_SRC ? 12 : 16)
                        : ip + (side == MANGLE_SRC ? 8 : 24);
    uint32_t diff = 0, all;

    for (unsigned i = 0; i < (v4 ? 4u : 16u); i += 4)
        diff += csum_diff32(ct_get32(field + i), ct_get32(addr->b + i));
    diff = csum_shrink(diff);
    memcpy(field, addr->b, v4 ? 4 : 16);
    all = diff;
    if (v4) {
        uint16_t was = ct_get16(ip + 10), is = csum_apply(was, diff);

        ct_put16(ip + 10, is);
        all += csum_diff16(was, is);
    }
    all += mangle_quoted(pkt->data + in->l4_off, in, side, diff, port);
    if (!pkt->csum_partial)
        ct_put16(outer, csum_apply(ct_get16(outer), all));
}
