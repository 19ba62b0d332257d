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
    uint32_t i = sizeof(struct ct_ipv4_header);

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
    uint32_t at = sizeof(struct ct_ipv6_header);
    bool routed = false;

    for (*named = offsetof(struct ct_ipv6_header, next); at < pkt->l4_off;) {
        uint8_t kind = pkt->data[*named];

        if (kind != CT_PROTO_HOPOPT && kind != CT_PROTO_ROUTING &&
            !(kind == CT_PROTO_DSTOPTS && !routed))
            break;
        routed |= kind == CT_PROTO_ROUTING;
        *named = at;
        at += (ct_extension_view(pkt->data + at)->len + 1u) * 8;
    }
    return at;
}

/* False: longer than any that was let in. */
static bool read_head(const struct ct_pkt *pkt, uint32_t id, struct head *h)
{
    const struct ct_ipv4_header *ip = ct_ipv4_view(pkt->data);
    struct ct_fragment_header *fragment;
    uint32_t named, n;

    h->v4 = ct_ip_version(pkt->data) == CT_IPV4;
    h->word = 0;
    if (h->v4) {
        h->len = ct_ipv4_size(ip);
        h->word = ct_load16(ip->frag);
        memcpy(h->bytes, pkt->data, h->len);
        return true;
    }
    n = unfragmentable(pkt, &named);
    h->len = n + (uint32_t)sizeof *fragment;
    if (h->len > sizeof h->bytes)
        return false;
    memcpy(h->bytes, pkt->data, n);
    fragment = ct_fragment_edit(h->bytes + n);
    *fragment = (struct ct_fragment_header){.next = h->bytes[named]};
    ct_store32(&fragment->id, id);
    h->bytes[named] = 44;
    return true;
}

static void write_head(struct head *h, struct ct_pkt *piece, uint32_t at,
                       bool last)
{
    struct ct_ipv4_header *ip = ct_ipv4_edit(h->bytes);
    struct ct_ipv6_header *ip6 = ct_ipv6_edit(h->bytes);

    if (h->v4) {
        uint32_t before = h->word & CT_IPV4_OFFSET;

        ct_store16(&ip->len, piece->len);
        ct_store16(&ip->frag, (h->word - before) | (before + at / 8) |
                                  (last ? 0u : (unsigned)CT_IPV4_MF));
        ct_store16(&ip->check, 0);
        ct_store16(&ip->check, (uint16_t)~ct_inet_sum(h->bytes, h->len, 0));
    } else {
        uint8_t *behind = h->bytes + h->len - sizeof(struct ct_fragment_header);

        ct_store16(&ip6->len, piece->len - (uint32_t)sizeof *ip6);
        ct_store16(&ct_fragment_edit(behind)->offset, at | !last);
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
    skip = h.v4 ? h.len
                : h.len - (uint32_t)sizeof(
                              struct ct_fragment_header); /* bytes of pkt that h
                                                             stands for */
    payload = pkt->len - skip;
    if (!cuts_fit(cuts, payload, limit - h.len))
        cuts = NULL;
    if (cuts != NULL) /* the kernel, too, says DF no more of such pieces */
        h.word &= ~(unsigned)CT_IPV4_DF;
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
