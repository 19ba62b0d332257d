/* spoil.c - see spoil.h */
#include "spoil.h"
#include "bytes.h"

#include "gen_assoc.h"

#include <ctcore/wire.h>

#include <string.h>

static uint32_t below(struct gen *g, uint32_t n)
{
    return hash_rng_below(&g->rng, n);
}

/* ---- checksums ---- */

static uint32_t field_of(uint8_t proto)
{
    switch (proto) {
    case 6:
        return 16;
    case 17:
    case 33:
        return 6;
    case 1:
    case 58:
        return 2;
    default:
        return 0;
    }
}

static uint32_t pseudo(const uint8_t *p, uint8_t proto, uint32_t len)
{
    bool v4 = p[0] >> 4 == 4;

    if (proto == 1)
        return 0;
    return ct_inet_sum(p + (v4 ? 12 : 8), v4 ? 8 : 32, proto + len);
}

void spoil_fix(uint8_t *p, uint32_t len)
{
    uint8_t proto = 0;
    uint32_t at, field, s, head = (p[0] & 15u) * 4;

    if (len >= 20 && p[0] >> 4 == 4 && head >= 20 && head <= len) {
        bytes_put16(p + 10, 0);
        bytes_put16(p + 10, (uint16_t)~ct_inet_sum(p, head, 0));
    }
    at = gen_l4(p, len, &proto);
    if (at != 0 && proto == 132 && len - at >= 12)
        bytes_put32(p + at + 8, gen_sctp_crc(p + at, len - at));
    field = field_of(proto);
    if (at == 0 || field == 0 || at + field + 2 > len)
        return;
    bytes_put16(p + at + field, 0);
    if (proto == 33 && len - at >= 12 && p[at + 5] & 15) {
        uint32_t covered = (p[at + 4] + (p[at + 5] & 15u) - 1) * 4;

        s = ct_inet_sum(p + at, covered < len - at ? covered : len - at,
                        pseudo(p, proto, len - at));
        bytes_put16(p + at + field, (uint16_t)~s);
        return;
    }
    s = ct_inet_sum(p + at, len - at, pseudo(p, proto, len - at));
    s = ~s & 0xffff;
    bytes_put16(p + at + field, (uint16_t)(s == 0 && proto == 17 ? 0xffff : s));
}

void spoil_partial_sum(uint8_t *p, uint32_t len)
{
    uint8_t proto = 0;
    uint32_t at = gen_l4(p, len, &proto), field = field_of(proto);

    if (at == 0 || field == 0 || at + field + 2 > len)
        return;
    bytes_put16(p + at + field, (uint16_t)pseudo(p, proto, len - at));
}

/* ---- faults ---- */

static void cut(struct gen *g, struct gen_packet *p)
{
    p->len = below(g, p->len + 1);
}

static void pad(struct gen *g, struct gen_packet *p)
{
    uint32_t n = 1 + below(g, 60);

    if (p->len + n > GEN_MAX)
        return;
    memset(p->data + p->len, 0xee, n);
    p->len += n;
}

static void lie_of_length(struct gen *g, struct gen_packet *p)
{
    uint32_t at = p->data[0] >> 4 == 4 ? 2 : 4, v = bytes_get16(p->data + at);
    const uint32_t lies[6] = {0, v + 1, v - 1, 65535, v / 2, below(g, 65536)};

    bytes_put16(p->data + at, (uint16_t)lies[below(g, 6)]);
}

static void first_byte(struct gen *g, struct gen_packet *p)
{
    p->data[0] = (uint8_t)below(g, 256);
    if (below(g, 2))
        p->data[0] = (uint8_t)(0x40 | below(g, 16));
}

static void flip(struct gen *g, struct gen_packet *p)
{
    uint32_t n = 1 + below(g, 8), room = p->len < 80 ? p->len : 80;

    for (uint32_t i = 0; i < n && room > 0; i++)
        p->data[below(g, room)] ^= (uint8_t)(1u << below(g, 8));
}

static void fragment(struct gen *g, struct gen_packet *p)
{
    if (p->data[0] >> 4 == 4)
        bytes_put16(p->data + 6, (uint16_t)below(g, 65536));
    else if (p->len > 48)
        p->data[6] = 44;
}

/* The first, a middle or the last piece of it, of few ids: pieces of different
 * packets meet, agree, overlap and contradict each other. */
static void piece(struct gen *g, struct gen_packet *p)
{
    bool v4 = p->data[0] >> 4 == 4;
    uint32_t head = v4 ? 20 : 40, at = 8 * below(g, 4), step = 8 + at;
    uint32_t more = below(g, 2), len, word;

    if (p->len <= head + at || p->len + 8 > sizeof p->data ||
        (v4 && p->data[0] != 0x45))
        return;
    len = p->len - head - at;
    if (more && len > step)
        len = step;
    memmove(p->data + head + (v4 ? 0 : 8), p->data + head + at, len);
    p->len = head + len + (v4 ? 0 : 8);
    p->gso_size = 0;
    p->partial = false;
    if (v4) {
        word = at / 8 | more << 13 | below(g, 2) << 14;
        bytes_put16(p->data + 2, (uint16_t)p->len);
        bytes_put16(p->data + 4, (uint16_t)below(g, 3));
        bytes_put16(p->data + 6, (uint16_t)word);
        bytes_put16(p->data + 10, 0);
        bytes_put16(p->data + 10, (uint16_t)~ct_inet_sum(p->data, 20, 0));
        return;
    }
    memset(p->data + 40, 0, 8);
    p->data[40] = p->data[6];
    p->data[6] = 44;
    bytes_put16(p->data + 4, (uint16_t)(len + 8));
    bytes_put16(p->data + 42, (uint16_t)(at | more));
    bytes_put16(p->data + 46, (uint16_t)below(g, 3));
}

static void time_to_live(struct gen *g, struct gen_packet *p)
{
    p->data[p->data[0] >> 4 == 4 ? 8 : 7] = (uint8_t)below(g, 3);
}

static void move_up(struct gen_packet *p, uint32_t at, uint32_t by)
{
    memmove(p->data + at + by, p->data + at, p->len - at);
    p->len += by;
}

/* IPv6 extension headers, or IPv4 options, most of them well-formed. */
static void extend(struct gen *g, struct gen_packet *p)
{
    static const uint8_t kinds[] = {0, 60, 43, 44, 51, 60, 59, 135};
    uint32_t n = 1 + below(g, below(g, 10) ? 4 : 40);

    if (p->data[0] >> 4 == 4) {
        if (p->data[0] != 0x45 || p->len + 8 > GEN_MAX)
            return;
        move_up(p, 20, 8);
        memset(p->data + 20, 1, 8);
        p->data[20] = (uint8_t)below(g, 256);
        p->data[21] = (uint8_t)below(g, 12);
        p->data[0] = 0x47;
        bytes_put16(p->data + 2, (uint16_t)p->len);
        return;
    }
    for (uint32_t i = 0; i < n && p->len + 8 <= GEN_MAX; i++) {
        move_up(p, 40, 8);
        memset(p->data + 40, 0, 8);
        p->data[40] = p->data[6];
        p->data[41] = (uint8_t)(below(g, 20) ? 0 : below(g, 256));
        p->data[42] = 1;
        p->data[43] = 4;
        p->data[6] = kinds[below(g, 4) ? i % 2 : below(g, 8)];
    }
    bytes_put16(p->data + 4, (uint16_t)(p->len - 40));
}

static void transport_header(struct gen *g, struct gen_packet *p)
{
    uint8_t proto = 0;
    uint32_t at = gen_l4(p->data, p->len, &proto);
    uint8_t *l4 = p->data + at;

    if (at == 0 || p->len - at < 20)
        return;
    if (proto == 6) {
        l4[12] = (uint8_t)(below(g, 16) << 4);
        l4[13] = (uint8_t)below(g, 256);
        for (uint32_t i = 20; i < p->len - at && i < 60; i++)
            if (below(g, 3) == 0)
                l4[i] = (uint8_t)below(g, 256);
    } else if (proto == 17) {
        bytes_put16(l4 + 4, (uint16_t)below(g, 2 * p->len));
    } else if (proto == 132) { /* tag, or what a chunk says of itself */
        l4[below(g, 2) ? 7 : 12 + below(g, 4)] = (uint8_t)below(g, 256);
    } else if (proto == 33) { /* offset, coverage, type, numbers */
        l4[below(g, 2) ? 4 + below(g, 2) : 8 + below(g, 12)] =
            (uint8_t)below(g, 256);
    } else {
        l4[0] = (uint8_t)below(g, 256);
        l4[1] = (uint8_t)below(g, 256);
    }
}

static void addresses(struct gen *g, struct gen_packet *p)
{
    static const uint8_t odd[8][4] = {{0, 0, 0, 0},      {127, 0, 0, 1},
                                      {224, 0, 0, 251},  {255, 255, 255, 255},
                                      {10, 0, 1, 255},   {10, 0, 1, 3},
                                      {198, 51, 100, 1}, {240, 1, 1, 1}};
    uint32_t side = below(g, 2);

    if (p->data[0] >> 4 == 4) {
        if (below(g, 5) == 0)
            memcpy(p->data + 16, p->data + 12, 4);
        else
            memcpy(p->data + 12 + 4 * side, odd[below(g, 8)], 4);
        return;
    }
    if (below(g, 5) == 0)
        memcpy(p->data + 24, p->data + 8, 16);
    else
        p->data[8 + 16 * side] = (uint8_t)(below(g, 2) ? 0xff : below(g, 256));
}

/* The quotation of an error, wherever it may be. */
static void quotation(struct gen *g, struct gen_packet *p)
{
    uint8_t proto = 0;
    uint32_t at = gen_l4(p->data, p->len, &proto);

    if ((proto == 1 || proto == 58) && at != 0 && p->len > at + 12)
        p->data[at + 8 + below(g, p->len - at - 8)] = (uint8_t)below(g, 256);
    else
        flip(g, p);
}

static void offload_header(struct gen *g, struct gen_packet *p)
{
    p->gso_size = (uint16_t)below(g, below(g, 2) ? 2000 : 65536);
    p->partial = below(g, 2);
    p->ok = below(g, 2);
}

static void rubbish(struct gen *g, struct gen_packet *p)
{
    p->len = below(g, 200);
    for (uint32_t i = 0; i < p->len; i++)
        p->data[i] = (uint8_t)hash_rng_next(&g->rng);
}

static void other_side(struct gen *g, struct gen_packet *p)
{
    (void)g;
    p->in ^= 1;
}

void spoil(struct gen *g, struct gen_packet *p)
{
    static void (*const faults[])(struct gen *, struct gen_packet *) = {
        cut,          pad,     lie_of_length,    first_byte, flip,
        fragment,     extend,  transport_header, addresses,  quotation,
        time_to_live, rubbish, offload_header,   other_side, piece,
        piece,
    };
    uint32_t n = 1 + (below(g, 4) == 0);

    for (uint32_t i = 0; i < n; i++)
        if (p->len >= 48)
            faults[below(g, sizeof faults / sizeof faults[0])](g, p);
    if (below(g, 2) && p->len >= 40 && !p->partial)
        spoil_fix(p->data, p->len);
}
