/* segment.c - cut a super-packet into the packets that it stands for
 *
 * As the kernel's tcp_gso_segment() and __udp_gso_segment() do it.  No byte of
 * payload is moved: each later segment's headers are written right before its
 * payload, over bytes of the one before, which has been sent by then. */
#include "journey/segment.h"

#include "journey/walk.h"

#include <ctcore/wire.h>

enum { HEAD_MAX = 40 + 512 + 60, TCP_SEQ = 4, TCP_FLAGS = 13 };
enum { TCP_CWR = 0x80, UDP_LEN = 4, V4_ID = 4, V4_SUM = 10 };

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
    if (!h->v4) {
        ct_put16(p + 4, len - 40);
        return;
    }
    ct_put16(p + 2, len);
    ct_put16(p + V4_ID, ct_get16(h->bytes + V4_ID) + h->n);
    ct_put16(p + V4_SUM, 0);
    ct_put16(p + V4_SUM, (uint16_t)~ct_inet_sum(p, h->l4, 0));
}

/* The pseudo header has another length, and nothing else changed in it. */
static void write_sum(const struct head *h, uint8_t *field, uint32_t l4_len)
{
    uint32_t sum = (uint32_t)ct_get16(field) + (uint16_t)~h->l4_whole;

    ct_put16(
        field,
        ct_inet_sum(NULL, 0, sum + (uint16_t) ~(h->l4_whole >> 16) + l4_len));
}

static void write_tcp(const struct head *h, uint8_t *tcp, uint32_t at,
                      bool last)
{
    ct_put32(tcp + TCP_SEQ, ct_get32(h->bytes + h->l4 + TCP_SEQ) + at);
    if (!last)
        tcp[TCP_FLAGS] &= (uint8_t) ~(CT_TCP_FIN | CT_TCP_PSH);
    if (at > 0) /* RFC 3168 section 6.1.2: said once */
        tcp[TCP_FLAGS] &= (uint8_t)~TCP_CWR;
}

/* The segment whose payload is [at, end). */
static void write_head(const struct head *h, struct ct_pkt *seg, uint32_t at,
                       uint32_t end, bool last)
{
    uint8_t *l4 = seg->data + h->l4;

    memcpy(seg->data, h->bytes, h->len);
    write_network(h, seg->data, seg->len);
    if (h->tcp)
        write_tcp(h, l4, at, last);
    else
        ct_put16(l4 + UDP_LEN, 8 + end - at);
    write_sum(h, l4 + (h->tcp ? 16 : 6), h->len - h->l4 + end - at);
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
