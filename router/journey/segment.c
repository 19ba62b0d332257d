/* segment.c - cut a super-packet into the packets that it stands for
 *
 * As the kernel's tcp_gso_segment() and __udp_gso_segment() do it.  No byte of
 * payload is moved: each later segment's headers are written right before its
 * payload, over bytes of the one before, which has been sent by then. */
#include "journey/segment.h"

#include "journey/walk.h"

#include <ctcore/wire.h>

enum { HEAD_MAX = 40 + 512 + 60 };

/* What stands before each segment's payload, as it came. */
struct head {
    uint8_t bytes[HEAD_MAX];
    uint32_t len, l4; /* l4: where the transport header begins */
    uint32_t l4_whole;
    uint32_t n; /* segments so far */
    bool v4, tcp;
};

static void write_network(const struct head *h, uint8_t *p, uint32_t len)
{
    struct ct_ipv4_header *ip = ct_ipv4_edit(p);
    struct ct_ipv6_header *ip6 = ct_ipv6_edit(p);

    if (!h->v4) {
        ct_store16(&ip6->len, len - (uint32_t)sizeof *ip6);
        return;
    }
    ct_store16(&ip->len, len);
    ct_store16(&ip->id, ct_load16(ip->id) + h->n);
    ct_store16(&ip->check, 0);
    ct_store16(&ip->check, (uint16_t)~ct_inet_sum(p, h->l4, 0));
}

/* The pseudo header has another length, and nothing else changed in it. */
static void write_sum(const struct head *h, ct_be16 *field, uint32_t l4_len)
{
    uint32_t sum = (uint32_t)ct_load16(*field) + (uint16_t)~h->l4_whole;

    ct_store16(
        field,
        ct_inet_sum(NULL, 0, sum + (uint16_t) ~(h->l4_whole >> 16) + l4_len));
}

static void write_tcp(struct ct_tcp_header *tcp, uint32_t at, bool last)
{
    ct_store32(&tcp->seq, ct_load32(tcp->seq) + at);
    if (!last)
        tcp->flags &= (uint8_t) ~(CT_TCP_FIN | CT_TCP_PSH);
    if (at > 0) /* RFC 3168 section 6.1.2: said once */
        tcp->flags &= (uint8_t)~CT_TCP_CWR;
}

/* The segment whose payload is [at, end). */
static void write_head(const struct head *h, struct ct_pkt *seg, uint32_t at,
                       uint32_t end, bool last)
{
    struct ct_tcp_header *tcp = ct_tcp_edit(seg->data + h->l4);
    struct ct_udp_header *udp = ct_udp_edit(seg->data + h->l4);

    memcpy(seg->data, h->bytes, h->len);
    write_network(h, seg->data, seg->len);
    if (h->tcp)
        write_tcp(tcp, at, last);
    else
        ct_store16(&udp->len, (uint32_t)sizeof *udp + end - at);
    write_sum(h, h->tcp ? &tcp->check : &udp->check, h->len - h->l4 + end - at);
}

static bool read_head(const struct ct_pkt *pkt, struct head *h)
{
    h->len = walk_headers(pkt);
    if (h->len == 0 || h->len > sizeof h->bytes || pkt->gso_size == 0 ||
        !pkt->csum_partial)
        return false;
    h->l4 = pkt->l4_off;
    h->l4_whole = pkt->len - pkt->l4_off;
    h->v4 = walk_family(pkt) == CT_IPV4;
    h->tcp = pkt->tuple.proto == CT_PROTO_TCP;
    h->n = 0;
    memcpy(h->bytes, pkt->data, h->len);
    return true;
}

enum ct_reason segment_send(struct ct_pkt *pkt, segment_tx *tx, void *ctx)
{
    struct head h;
    uint32_t payload, step = pkt->gso_size, end;

    if (!read_head(pkt, &h))
        return CT_REASON_BAD_GSO;
    payload = pkt->len - h.len;
    for (uint32_t at = 0; at < payload || h.n == 0; at = end) {
        struct ct_pkt seg = *pkt;
        enum ct_reason why;

        end = payload - at < step ? payload : at + step;
        seg.data = pkt->data + at;
        seg.len = h.len + end - at;
        seg.l4_len = seg.len - h.l4;
        seg.gso_size = 0;
        seg.gso_type = 0;
        write_head(&h, &seg, at, end, end == payload);
        why = tx(ctx, &seg);
        if (why != CT_REASON_NONE)
            return why;
        h.n++;
    }
    return CT_REASON_NONE;
}
