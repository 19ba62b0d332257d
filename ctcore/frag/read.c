/* read.c - what one fragment says of its datagram */
#include "frag/read.h"

#include "packet/parse.h"

#include <ctcore/wire.h>

static void read_v4(const struct ct_pkt *pkt, struct frag_piece *p)
{
    const struct ct_ipv4_header *ip = ct_ipv4_view(pkt->data);
    uint16_t word = ct_load16(ip->frag);

    p->v4 = true;
    p->head_len = pkt->l4_off;
    p->data = pkt->data + pkt->l4_off;
    p->len = pkt->l4_len;
    p->off = (uint32_t)(word & CT_IPV4_OFFSET) * FRAG_UNIT;
    p->more = (word & CT_IPV4_MF) != 0;
    p->df = (word & CT_IPV4_DF) != 0;
    p->next_header = ip->proto;
    p->ecn = ip->tos & CT_ECN;
    /* As the kernel: what is no whole unit can't have been meant. */
    if (p->more)
        p->len &= ~(uint32_t)(FRAG_UNIT - 1);
}

/* pkt->l4_off is where the Fragment header stands. */
static void read_v6(const struct ct_pkt *pkt, struct frag_piece *p)
{
    const struct ct_fragment_header *h =
        ct_fragment_view(pkt->data + pkt->l4_off);
    uint32_t at = sizeof(struct ct_ipv6_header);
    uint32_t named = offsetof(struct ct_ipv6_header, next);

    while (at < pkt->l4_off) { /* ct_parse() has been here: it ends there */
        uint8_t kind = pkt->data[named];

        named = at;
        at += parse_ext_size(pkt->data + at, kind);
    }
    p->head_len = pkt->l4_off;
    p->next_at = named;
    p->data = pkt->data + pkt->l4_off + sizeof *h;
    p->len = pkt->l4_len - (uint32_t)sizeof *h;
    p->off = ct_load16(h->offset) & CT_IPV6_OFFSET;
    p->more = (ct_load16(h->offset) & CT_IPV6_MF) != 0;
    p->next_header = h->next;
    p->ecn = ct_ipv6_class(ct_ipv6_view(pkt->data)) & CT_ECN;
}

static bool header_fits(uint8_t proto, const uint8_t *l4, uint32_t len)
{
    uint32_t least = ct_proto_info(proto).header;

    return len >= (least == 0 ? 1 : least) &&
           (proto != CT_PROTO_TCP || ct_tcp_size(ct_tcp_view(l4)) <= len);
}

/* A first fragment must have all headers: who filters by ports must not be
 * led by the nose (RFC 1858, RFC 3128 for the second, RFC 7112). */
static enum ct_reason check_headers(const struct frag_piece *p, bool strict)
{
    uint8_t proto = p->next_header;
    uint32_t off = 0;
    enum ct_reason why;

    if (p->v4) {
        if (!strict)
            return CT_REASON_NONE;
        if (p->off == FRAG_UNIT && proto == CT_PROTO_TCP)
            return CT_REASON_FRAG_TINY;
    }
    if (p->off != 0)
        return CT_REASON_NONE;
    if (!p->v4) {
        why = parse_chain(p->data, p->len, false, &off, &proto);
        if (why == CT_REASON_FRAGMENT)
            return CT_REASON_BAD_EXT_CHAIN;
        if (why != CT_REASON_NONE)
            return why == CT_REASON_TRUNCATED ? CT_REASON_FRAG_TINY : why;
    }
    return header_fits(proto, p->data + off, p->len - off)
               ? CT_REASON_NONE
               : CT_REASON_FRAG_TINY;
}

/* What can be said of a fragment alone. */
static enum ct_reason check_piece(const struct frag_piece *p)
{
    uint32_t before =
        p->v4 ? p->head_len
              : p->head_len - (uint32_t)sizeof(struct ct_ipv6_header);

    if (p->len == 0)
        return CT_REASON_FRAG_BAD;
    if (before + p->off + p->len > FRAG_LONGEST)
        return CT_REASON_FRAG_TOO_LONG;
    if (!p->v4 && p->more && p->len % FRAG_UNIT != 0)
        return CT_REASON_FRAG_BAD;
    return CT_REASON_NONE;
}

enum ct_reason frag_read(const struct ct_pkt *pkt, bool strict,
                         struct frag_piece *p)
{
    enum ct_reason why;

    *p = (struct frag_piece){.size = pkt->len};
    if (pkt->tuple.family == CT_IPV4)
        read_v4(pkt, p);
    else
        read_v6(pkt, p);
    why = check_piece(p);
    return why == CT_REASON_NONE ? check_headers(p, strict) : why;
}
