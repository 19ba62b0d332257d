/* output.c - the way out: does it fit, cut it, check it, send it
 *
 * A super-packet is as long as 64 KiB and fits every link as long as the
 * segments that the far kernel makes of it do (gso_size plus headers); its own
 * length says nothing. */
#include "output.h"

#include "fragment.h"

static bool dont_fragment(const struct ct_pkt *pkt)
{
    return walk_family(pkt) == CT_IPV6 || (pkt->data[6] & 0x40) != 0;
}

enum output_fit output_fit(const struct journey *j, struct ct_pkt *pkt)
{
    uint16_t mtu = j->iface[pkt->out].mtu;
    uint32_t head;

    if (walk_largest(pkt) <= mtu)
        return OUTPUT_FITS;
    if (dont_fragment(pkt))
        return OUTPUT_TOO_BIG;
    if (pkt->gso_size == 0)
        return OUTPUT_CUT;
    head = walk_headers(pkt);
    if (pkt->tuple.proto != WALK_TCP || head == 0 || head + 8 > mtu)
        return OUTPUT_TOO_BIG;
    pkt->gso_size = (uint16_t)(mtu - head);
    return OUTPUT_FITS;
}

struct piece_ctx {
    struct journey *j;
    uint16_t mtu;
};

static enum ct_reason send_checked(void *ctx, struct ct_pkt *pkt)
{
    const struct piece_ctx *p = ctx;

    if (!journey_output_ok(pkt, p->mtu))
        return CT_REASON_BAD_OUTPUT;
    return p->j->cfg.tx(p->j->cfg.ctx, pkt);
}

enum ct_reason output_send(struct journey *j, struct ct_pkt *pkt)
{
    struct piece_ctx p = {.j = j, .mtu = j->iface[pkt->out].mtu};

    if (!j->iface[pkt->out].usable)
        return CT_REASON_TX_LINK_DOWN;
    if (pkt->gso_size == 0 && pkt->len > p.mtu && !dont_fragment(pkt))
        return fragment_send(pkt, p.mtu, send_checked, &p);
    return send_checked(&p, pkt);
}
