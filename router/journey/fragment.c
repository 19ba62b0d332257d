/* fragment.c - cut a packet that must not leave in one piece
 *
 * RFC 791 section 3.2, RFC 8200 section 4.5.  No byte of payload is moved: each
 * later piece's header is written right before its payload, over bytes of the
 * piece before it, which has been sent by then.  Options without the copy bit
 * become NOPs in all pieces but the first, so that every header has the same
 * length. */
#include "journey/fragment.h"

#include "system/inet_sum.h"

#include <ctcore/wire.h>
#include <ctcore/words.h>

#include <string.h>

enum { DONT = 0x4000, MORE = 0x2000, OFFSET = 0x1fff };

void fragment_complete(struct ct_pkt *pkt)
{
    uint32_t at = ct_proto_info(pkt->tuple.proto).sum_at;

    if (pkt->l4_off + at + 2 > pkt->len)
        return;
    inet_sum_complete(pkt->data + pkt->l4_off, pkt->len - pkt->l4_off, at);
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

/* Where the piece that begins at `at` of the payload ends; room: the longest it
 * may be.  cuts: where pieces began when it came, or NULL. */
static uint32_t piece_end(const uint64_t *cuts, uint32_t at, uint32_t payload,
                          uint32_t room)
{
    uint32_t unit = at / 8 + 1;

    if (cuts == NULL)
        return payload - at <= room ? payload : at + (room & ~7u);
    while (unit * 8 < payload && !(cuts[unit / 64] >> unit % 64 & 1))
        unit++;
    return unit * 8 < payload ? unit * 8 : payload;
}

/* Do the pieces it came in still fit?  NAT keeps lengths, helpers do not. */
static bool cuts_fit(const uint64_t *cuts, uint32_t payload, uint32_t room)
{
    uint32_t at = 0, end;

    if (cuts == NULL || payload > CT_CUTS * 64 * 8)
        return false;
    for (; at < payload; at = end) {
        end = piece_end(cuts, at, payload, room);
        if (end - at > room)
            return false;
    }
    return true;
}

/* What stands before each piece's payload. */
struct head {
    uint8_t bytes[40 + 512 + 8]; /* as long as ct_parse() lets it be */
    uint32_t len;                /* with the Fragment header */
    bool v4;
    uint32_t word; /* IPv4: offset and flags as they were */
};

/* RFC 8200 section 4.5: up to what each hop looks at; as Linux cuts, options
 * for the destination belong to it unless a routing header stood before. */
static uint32_t unfragmentable(const struct ct_pkt *pkt, uint32_t *named)
{
    enum { HOP = 0, ROUTING = 43, DESTINATION = 60 };
    uint32_t at = 40;
    bool routed = false;

    for (*named = 6; at < pkt->l4_off;) {
        uint8_t kind = pkt->data[*named];

        if (kind != HOP && kind != ROUTING && !(kind == DESTINATION && !routed))
            break;
        routed |= kind == ROUTING;
        *named = at;
        at += (pkt->data[at + 1] + 1u) * 8;
    }
    return at;
}

/* False: longer than any that was let in. */
static bool read_head(const struct ct_pkt *pkt, uint32_t id, struct head *h)
{
    uint32_t named, n;

    h->v4 = pkt->data[0] >> 4 == CT_IPV4;
    h->word = 0;
    if (h->v4) {
        h->len = (pkt->data[0] & 0x0fu) * 4;
        h->word = ct_get16(pkt->data + 6);
        memcpy(h->bytes, pkt->data, h->len);
        return true;
    }
    n = unfragmentable(pkt, &named);
    if (n + 8 > sizeof h->bytes)
        return false;
    memcpy(h->bytes, pkt->data, n);
    memset(h->bytes + n, 0, 8);
    h->bytes[n] = h->bytes[named];
    h->bytes[named] = 44;
    ct_put16(h->bytes + n + 4, id >> 16);
    ct_put16(h->bytes + n + 6, id);
    h->len = n + 8;
    return true;
}

static void write_head(struct head *h, struct ct_pkt *piece, uint32_t at,
                       bool last)
{
    if (h->v4) {
        ct_put16(h->bytes + 2, piece->len);
        ct_put16(h->bytes + 6, (h->word & ~(unsigned)OFFSET) |
                                   ((h->word & OFFSET) + at / 8) |
                                   (last ? 0u : (unsigned)MORE));
        ct_put16(h->bytes + 10, 0);
        ct_put16(h->bytes + 10, (uint16_t)~ct_inet_sum(h->bytes, h->len, 0));
    } else {
        ct_put16(h->bytes + 4, piece->len - 40);
        ct_put16(h->bytes + h->len - 6, at | !last);
    }
    memcpy(piece->data, h->bytes, h->len);
}

enum ct_reason fragment_send(struct ct_pkt *pkt, uint16_t limit, uint32_t id,
                             fragment_tx *tx, void *ctx)
{
    struct head h;
    const uint64_t *cuts = pkt->cuts;
    uint32_t skip, payload, end;

    if (!read_head(pkt, id, &h) || limit < h.len + 8)
        return CT_REASON_TOO_BIG;
    if (pkt->csum_partial)
        fragment_complete(pkt);
    skip = h.v4 ? h.len : h.len - 8; /* bytes of pkt that h stands for */
    payload = pkt->len - skip;
    if (!cuts_fit(cuts, payload, limit - h.len))
        cuts = NULL;
    if (cuts != NULL) /* the kernel, too, says DF no more of such pieces */
        h.word &= ~(unsigned)DONT;
    for (uint32_t at = 0; at < payload; at = end) {
        struct ct_pkt piece = *pkt;
        enum ct_reason why;

        end = piece_end(cuts, at, payload, limit - h.len);
        piece.data = pkt->data + at + skip - h.len;
        piece.len = h.len + end - at;
        write_head(&h, &piece, at, end == payload);
        why = tx(ctx, &piece);
        if (why != CT_REASON_NONE)
            return why;
        if (at == 0 && h.v4)
            drop_uncopied(h.bytes, h.len);
    }
    return CT_REASON_NONE;
}
