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
    uint8_t *bytes = pkt->data + in->ip_off;
    uint32_t diff = mangle_put_addr(bytes, side, addr, in->family), all = diff;

    if (in->family == CT_IPV4) {
        struct ct_ipv4_header *ip = ct_ipv4_edit(bytes);
        uint16_t was = ct_load16(ip->check);

        csum_patch(&ip->check, diff);
        all += csum_diff16(was, ct_load16(ip->check));
    }
    all += mangle_quoted(pkt->data + in->l4_off, in, side, diff, port);
    if (!pkt->csum_partial)
        csum_patch(&ct_icmp_edit(pkt->data + pkt->l4_off)->check, all);
}
