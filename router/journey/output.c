/* output.c - the way out: does it fit, cut it, check it, send it
 *
 * A super-packet is as long as 64 KiB and fits every link as long as the
 * segments that the far kernel makes of it do (gso_size plus headers); its own
 * length says nothing. */
#include "journey/output.h"

#include "journey/fragment.h"
#include "journey/segment.h"

#include <ctcore/bits.h>
#include <ctcore/wire.h>

static bool dont_fragment(const struct ct_pkt *pkt)
{
    return walk_family(pkt) == CT_IPV6 ||
           (ct_load16(ct_ipv4_view(pkt->data)->frag) & CT_IPV4_DF) != 0;
}

/* Larger than the link takes in one piece, but it came in pieces.  As in Linux:
 * it is only too big if one of them was, and must not be cut. */
static enum output_fit fit_datagram(const struct ct_pkt *pkt, uint16_t mtu)
{
    if (pkt->frag_max > mtu && dont_fragment(pkt))
        return OUTPUT_TOO_BIG;
    return OUTPUT_CUT;
}

enum output_fit output_fit(const struct journey *j, struct ct_pkt *pkt)
{
    uint16_t mtu = j->iface[pkt->out].mtu;
    uint32_t head;

    if (walk_largest(pkt) <= mtu)
        return OUTPUT_FITS;
    if (pkt->frag_max != 0)
        return fit_datagram(pkt, mtu);
    if (dont_fragment(pkt))
        return OUTPUT_TOO_BIG;
    if (pkt->gso_size == 0 || pkt->tuple.proto != CT_PROTO_TCP)
        return OUTPUT_CUT;
    head = walk_headers(pkt);
    if (head == 0 || head + 8 > mtu)
        return OUTPUT_TOO_BIG;
    pkt->gso_size = (uint16_t)(mtu - head);
    return OUTPUT_FITS;
}

static bool lengths_agree(const struct ct_pkt *pkt)
{
    const struct ct_ipv4_header *ip = ct_ipv4_view(pkt->data);
    const struct ct_ipv6_header *ip6 = ct_ipv6_view(pkt->data);
    uint32_t size;

    if (pkt->len < sizeof *ip || pkt->len > 65535 + sizeof *ip6)
        return false;
    if (walk_family(pkt) == CT_IPV4) {
        size = ct_ipv4_size(ip);
        return size >= sizeof *ip && size <= pkt->len &&
               ct_load16(ip->len) == pkt->len;
    }
    return walk_family(pkt) == CT_IPV6 && pkt->len >= sizeof *ip6 &&
           ct_load16(ip6->len) == pkt->len - sizeof *ip6;
}

bool output_ok(const struct ct_pkt *pkt, uint16_t mtu)
{
    if (!lengths_agree(pkt))
        return false;
    if (pkt->csum_partial && pkt->l4_off >= pkt->len)
        return false;
    return pkt->gso_size == 0 || walk_headers(pkt) != 0
               ? walk_largest(pkt) <= mtu
               : false;
}

struct piece_ctx {
    struct journey *j;
    uint16_t mtu;
};

static enum ct_reason send_checked(void *ctx, struct ct_pkt *pkt)
{
    const struct piece_ctx *p = ctx;

    if (!output_ok(pkt, p->mtu))
        return CT_REASON_BAD_OUTPUT;
    return p->j->cfg.tx(p->j->cfg.ctx, pkt);
}

static enum ct_reason send_pieces(void *ctx, struct ct_pkt *pkt)
{
    struct piece_ctx *p = ctx;

    if (pkt->len <= p->mtu)
        return send_checked(p, pkt);
    return fragment_send(pkt, p->mtu, 0, send_checked, p);
}

/* No router reads what passes through it by this id, and it must not be
 * guessed (RFC 7739): drawn from a secret start. */
static uint32_t next_id(struct journey *j)
{
    return (uint32_t)ct_splitmix(&j->ids);
}

/* What came in fragments leaves in fragments, none larger than the largest was:
 * a sender who cut small had his reason, and his path is known to take them. */
static enum ct_reason send_again(struct piece_ctx *p, struct ct_pkt *pkt)
{
    uint16_t limit = pkt->frag_max;
    enum ct_reason why;

    if (walk_family(pkt) == CT_IPV6) {
        if (pkt->len <= limit) /* it was one alone (RFC 6946) */
            return send_checked(p, pkt);
        limit = limit < 1280 ? 1280 : limit;
    }
    if (limit > p->mtu)
        limit = p->mtu;
    why = fragment_send(pkt, limit, next_id(p->j), send_checked, p);
    if (why == CT_REASON_NONE)
        ct_count(p->j->cfg.ct, CT_STAT_refragmented, 1);
    return why;
}

/* An error by its type: only of those is there a packet to look into. */
static bool is_error(const struct ct_pkt *pkt, uint32_t quote)
{
    const struct ct_icmp_header *icmp = ct_icmp_view(pkt->data + pkt->l4_off);
    uint8_t type = icmp->type;

    if (pkt->len < pkt->l4_off + sizeof *icmp + quote || pkt->csum_partial)
        return false;
    if (walk_family(pkt) == CT_IPV6)
        return pkt->tuple.proto == CT_PROTO_ICMPV6 && type < CT_ICMPV6_ECHO;
    return pkt->tuple.proto == CT_PROTO_ICMP &&
           (type == CT_ICMP_UNREACHABLE || type == CT_ICMP_TIME_EXCEEDED ||
            type == CT_ICMP_PARAMETER);
}

static void put_source(struct ct_pkt *pkt, const union ct_addr *to)
{
    bool v4 = walk_family(pkt) == CT_IPV4;
    struct ct_ipv4_header *ip = ct_ipv4_edit(pkt->data);
    ct_be16 *sum =
        v4 ? &ip->check : &ct_icmp_edit(pkt->data + pkt->l4_off)->check;
    uint8_t *from = v4 ? ip->src.b : ct_ipv6_edit(pkt->data)->src;
    uint32_t size = v4 ? 4 : 16, s = (uint16_t)~ct_load16(*sum);

    /* RFC 1624: the old ones go, the new ones come. */
    s += (uint16_t)~ct_inet_sum(from, size, 0);
    ct_store16(sum, (uint16_t)~ct_inet_sum(to->b, size, s));
    __builtin_memcpy(from, to->b, size);
}

/* The host's kernel finds an error behind weir, on the way out, and makes it as
 * from the outside address: that side has no business inside.  RFC 1812 section
 * 4.3.2.4: an address of the interface by which it leaves.  What was sent to
 * the host itself is answered by whom it was for. */
static void speak_inside(const struct journey *j, struct ct_pkt *pkt)
{
    uint8_t family = walk_family(pkt);
    bool v4 = family == CT_IPV4;
    uint32_t quote =
        v4 ? sizeof(struct ct_ipv4_header) : sizeof(struct ct_ipv6_header);
    const uint8_t *quoted =
        pkt->data + pkt->l4_off + sizeof(struct ct_icmp_header);
    union ct_addr src, asked = {.w64 = {0, 0}};
    const union ct_addr *speaker;

    if (pkt->in >= j->local.ifaces.n || pkt->l4_off == 0 ||
        !j->local.ifaces.iface[pkt->out].inside || !is_error(pkt, quote))
        return;
    src = walk_addr(pkt, false);
    __builtin_memcpy(asked.b, ct_ip_dst(quoted, v4), v4 ? 4 : 16);
    speaker = local_speaker(&j->local, pkt->out, family);
    if (speaker != NULL && local_dst(&j->local, family, &src) == LOCAL_SELF &&
        local_dst(&j->local, family, &asked) != LOCAL_SELF)
        put_source(pkt, speaker);
}

/* Of several ways out each has its own addresses: an answer to another's would
 * be no answer to who asked, and the next router may drop it (RFC 2827). */
static bool is_wrong_uplink(const struct journey *j, const struct ct_pkt *pkt)
{
    union ct_addr src = walk_addr(pkt, false);

    return !j->local.ifaces.iface[pkt->out].inside &&
           local_is_elsewhere(&j->local, pkt->out, walk_family(pkt), &src);
}

enum ct_reason output_send(struct journey *j, struct ct_pkt *pkt)
{
    struct piece_ctx p = {.j = j, .mtu = j->iface[pkt->out].mtu};

    if (!j->iface[pkt->out].usable)
        return CT_REASON_TX_LINK_DOWN;
    if (j->cfg.host) {
        if (j->local.outside > 1 && is_wrong_uplink(j, pkt))
            return CT_REASON_WRONG_UPLINK;
        speak_inside(j, pkt);
    }
    if (pkt->frag_max != 0)
        return send_again(&p, pkt);
    if (pkt->len <= p.mtu || walk_largest(pkt) <= p.mtu || dont_fragment(pkt))
        return send_checked(&p, pkt);
    /* UDP's segments are datagrams, which may be cut as any other. */
    return pkt->gso_size != 0 ? segment_send(pkt, send_pieces, &p)
                              : send_pieces(&p, pkt);
}

/* By where it came, so that the kernel's own check of the source (rp_filter)
 * finds the way back, and rules about devices say of it what they mean.  What
 * answers a dnat of the host's own has got the source that the host has asked:
 * the way back to that counts. */
static uint8_t device_for(const struct journey *j, const struct ct_pkt *pkt)
{
    union ct_addr src = walk_addr(pkt, false);
    uint8_t by;

    if (pkt->in == CT_NO_IFACE)
        return local_outside(&j->local);
    if (ct_addr_eq(&src, &pkt->tuple.src))
        return pkt->in;
    by = walk_route(j, walk_family(pkt), &src, pkt);
    return by == CT_NO_IFACE ? pkt->in : by;
}

/* No link is crossed, so size does not matter. */
enum ct_reason output_to_host(struct journey *j, struct ct_pkt *pkt)
{
    pkt->out = device_for(j, pkt);
    if (!j->iface[pkt->out].usable)
        return CT_REASON_TX_LINK_DOWN;
    if (!output_ok(pkt, UINT16_MAX))
        return CT_REASON_BAD_OUTPUT;
    return j->cfg.tx(j->cfg.ctx, pkt);
}
