/* fragment.c - cut an IPv4 packet that is larger than its next link
 *
 * RFC 791 section 3.2.  No byte of payload is moved: each later piece's header
 * is written right before its payload, over bytes of the piece before it, which
 * has been sent by then.  Options without the copy bit become NOPs in all
 * pieces but the first, so that every header has the same length. */
#include "fragment.h"

#include <string.h>

enum { MORE = 0x2000, OFFSET = 0x1fff };

static void put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static uint16_t sum(const uint8_t *p, uint32_t n)
{
    uint64_t s = 0;

    for (; n > 1; n -= 2, p += 2)
        s += (uint32_t)p[0] << 8 | p[1];
    if (n == 1)
        s += (uint32_t)p[0] << 8;
    while (s >> 16)
        s = (s & 0xffff) + (s >> 16);
    return (uint16_t)s;
}

/* The field holds the pseudo header's sum: sum everything, complement. */
static void complete_checksum(struct ct_pkt *pkt)
{
    uint8_t proto = pkt->data[9];
    uint32_t field = pkt->l4_off + (proto == 6 ? 16 : 6);
    uint16_t check;

    if (field + 2 > pkt->len)
        return;
    check = (uint16_t)~sum(pkt->data + pkt->l4_off, pkt->len - pkt->l4_off);
    if (check == 0 && proto != 6)
        check = 0xffff; /* RFC 768: zero would say "none" */
    put16(pkt->data + field, check);
    pkt->csum_partial = false;
}

/* Options of a later piece.  parse has seen them: lengths are sound, but a
 * bound costs nothing. */
static void drop_uncopied(uint8_t *header, uint32_t header_len)
{
    uint32_t i = 20;

    while (i < header_len && header[i] != 0) {
        uint32_t n = 1;

        if (header[i] != 1) {
            if (i + 1 >= header_len || header[i + 1] < 2 ||
                i + header[i + 1] > header_len)
                return;
            n = header[i + 1];
            if ((header[i] & 0x80) == 0)
                memset(header + i, 1, n);
        }
        i += n;
    }
}

enum ct_reason fragment_send(struct ct_pkt *pkt, uint16_t mtu, fragment_tx *tx,
                             void *ctx)
{
    uint8_t header[60];
    uint32_t hl = (pkt->data[0] & 0x0fu) * 4;
    uint32_t payload = pkt->len - hl;
    uint32_t word = (uint32_t)pkt->data[6] << 8 | pkt->data[7];
    uint32_t room;

    if (mtu < hl + 8)
        return CT_REASON_TOO_BIG;
    room = (mtu - hl) & ~7u;
    if (pkt->csum_partial)
        complete_checksum(pkt);
    memcpy(header, pkt->data, hl);
    for (uint32_t at = 0; at < payload; at += room) {
        struct ct_pkt piece = *pkt;
        bool last = payload - at <= room;
        enum ct_reason why;

        piece.data = pkt->data + at;
        piece.len = hl + (last ? payload - at : room);
        put16(header + 2, piece.len);
        put16(header + 6, ((word & OFFSET) + at / 8) | (word & MORE) |
                              (last ? 0u : (unsigned)MORE));
        put16(header + 10, 0);
        put16(header + 10, (uint16_t)~sum(header, hl));
        memcpy(piece.data, header, hl);
        why = tx(ctx, &piece);
        if (why != CT_REASON_NONE)
            return why;
        if (at == 0)
            drop_uncopied(header, hl);
    }
    return CT_REASON_NONE;
}
