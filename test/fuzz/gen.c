/* gen.c - see gen.h
 *
 * Two thirds of all packets are well-formed; the others are damaged in one or
 * two ways, and half of those get right checksums again, so that they pass the
 * first checks. */
#include "gen.h"

#include "gen_assoc.h"
#include "speak.h"
#include "spoil.h"

#include "bytes.h"

#include <string.h>

static const uint8_t lan6[16] = {0xfd, 0, 0, 1};
static const uint8_t wan6[16] = {0x20, 1, 0x0d, 0xb8};

static uint32_t below(struct gen *g, uint32_t n)
{
    return hash_rng_below(&g->rng, n);
}

static bool chance(struct gen *g, uint32_t percent)
{
    return below(g, 100) < percent;
}

void gen_init(struct gen *g, uint64_t seed)
{
    memset(g, 0, sizeof *g);
    g->rng.state = seed;
}

/* ---- addresses: few, so that flows meet ---- */

enum host { INSIDE, REMOTE, OWN_LAN, OWN_WAN, BEYOND };

static void address(struct gen *g, uint8_t *p, bool v4, enum host who)
{
    uint8_t last = (uint8_t)(2 + below(g, 8));

    if (who == OWN_LAN || who == OWN_WAN)
        last = 1;
    if (v4) {
        static const uint8_t net[5][3] = {{10, 0, 1},
                                          {198, 51, 100},
                                          {10, 0, 1},
                                          {198, 51, 100},
                                          {203, 0, 113}};

        memcpy(p, net[who], 3);
        p[3] = last;
        return;
    }
    memcpy(p, who == INSIDE || who == OWN_LAN ? lan6 : wan6, 16);
    if (who == BEYOND)
        p[5] = 7;
    p[15] = last;
}

/* ---- headers ---- */

static uint32_t ip_header(struct gen *g, uint8_t *p, bool v4, uint8_t proto,
                          uint32_t l4_len)
{
    memset(p, 0, v4 ? 12 : 8); /* what is behind it stands already */
    if (v4) {
        p[0] = 0x45;
        bytes_put16(p + 2, (uint16_t)(20 + l4_len));
        bytes_put16(p + 4, (uint16_t)below(g, 65536));
        p[6] = chance(g, 70) ? 0x40 : 0;
        p[8] = 64;
        p[9] = proto;
        return 20;
    }
    p[0] = 0x60;
    bytes_put16(p + 4, (uint16_t)l4_len);
    p[6] = proto;
    p[7] = 64;
    return 40;
}

static uint32_t payload_len(struct gen *g)
{
    if (chance(g, 40))
        return 0;
    return chance(g, 90) ? below(g, 64) : below(g, 1420);
}

static void ports(struct gen *g, uint8_t *l4)
{
    static const uint16_t known[] = {53, 80, 443, 8080, 5353, 1,
                                     21, 21, 21,  69,   1723, 1723};

    bytes_put16(
        l4, (uint16_t)(chance(g, 80) ? 20000 + below(g, 48) : below(g, 65536)));
    bytes_put16(l4 + 2, chance(g, 85) ? known[below(g, 12)]
                                      : (uint16_t)below(g, 65536));
    if (chance(g, 8)) /* a port that may be announced: see speak.c */
        bytes_put16(l4 + 2, (uint16_t)(chance(g, 50) ? 1020 + below(g, 64)
                                                     : 20000 + below(g, 48)));
}

static void syn_options(uint8_t *l4)
{
    static const uint8_t options[12] = {2, 4, 5, 180, 4, 2, 1, 3, 3, 7, 0, 0};

    memcpy(l4 + 20, options, 12);
    l4[12] = 0x80;
}

static uint8_t pick_proto(struct gen *g, bool v4)
{
    uint32_t n = below(g, 100);

    if (n < 45)
        return 6;
    if (n < 80)
        return 17;
    if (n < 86)
        return v4 ? 1 : 58;
    if (n < 92)
        return 132;
    if (n < 95)
        return 33;
    return n < 97 ? (uint8_t)below(g, 256)
                  : (const uint8_t[]){47, 50, 136}[n - 97];
}

/* Fill the transport part at l4; answers its length. */
static uint32_t transport(struct gen *g, uint8_t *l4, bool v4, uint8_t side,
                          uint8_t proto, uint32_t extra)
{
    memset(l4, 0, 32);
    if (proto == 132 || proto == 33) {
        ports(g, l4);
        return proto == 132 ? gen_sctp(g, l4, side, NULL, 0, extra)
                            : gen_dccp(g, l4, side, NULL, 0, extra);
    }
    if (proto == 6) {
        bool syn = chance(g, 85);

        ports(g, l4);
        bytes_put32(l4 + 4, (uint32_t)hash_rng_next(&g->rng));
        l4[12] = 0x50;
        l4[13] = syn ? CT_TCP_SYN : (uint8_t)below(g, 64);
        bytes_put16(l4 + 14, 0xfaf0);
        if (syn && chance(g, 70)) {
            syn_options(l4);
            return 32;
        }
        return 20 + (syn ? 0 : extra);
    }
    if (proto == 17) {
        ports(g, l4);
        bytes_put16(l4 + 4, (uint16_t)(8 + extra));
        return 8 + extra;
    }
    if (proto == (v4 ? 1 : 58)) {
        l4[0] = v4 ? 8 : 128;
        if (chance(g, 10))
            l4[0] = (uint8_t)below(g, 256);
        bytes_put16(l4 + 4, (uint16_t)(7 + below(g, 4)));
        bytes_put16(l4 + 6, (uint16_t)below(g, 1000));
        return 8 + extra;
    }
    return 8 + extra;
}

static void ends(struct gen *g, struct gen_packet *p, bool v4)
{
    uint32_t n = below(g, 100), width = v4 ? 4 : 16;
    uint8_t *src = p->data + (v4 ? 12 : 8), *dst = src + width;

    p->in = n < 82 ? GEN_LAN : GEN_WAN;
    address(g, src, v4, p->in == GEN_LAN ? INSIDE : REMOTE);
    if (n < 68)
        address(g, dst, v4, chance(g, 90) ? REMOTE : BEYOND);
    else if (n < 74)
        address(g, dst, v4, OWN_LAN);
    else if (n < 97)
        address(g, dst, v4, OWN_WAN); /* port forwards, hairpins, strangers */
    else
        address(g, dst, v4, REMOTE);
}

static void open_flow(struct gen *g, struct gen_packet *p)
{
    bool v4 = chance(g, 70);
    uint8_t proto = pick_proto(g, v4);
    uint32_t extra = payload_len(g), at = v4 ? 20 : 40, n;

    ends(g, p, v4);
    n = transport(g, p->data + at, v4, p->in, proto, extra);
    ip_header(g, p->data, v4, proto, n);
    p->len = at + n;
}

/* ---- answers to what the router sent ---- */

static const struct gen_seen *pick_seen(struct gen *g)
{
    uint32_t have = g->n_seen < GEN_SEEN ? g->n_seen : GEN_SEEN;
    uint32_t back;

    if (have == 0)
        return NULL;
    back = chance(g, 70) ? below(g, have < 8 ? have : 8) : below(g, have);
    return &g->seen[(g->n_seen - 1 - back) % GEN_SEEN];
}

static void swap(uint8_t *a, uint8_t *b, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint8_t t = a[i];

        a[i] = b[i];
        b[i] = t;
    }
}

static uint8_t answer_flags(struct gen *g, uint8_t flags)
{
    if (chance(g, 4))
        return CT_TCP_RST | CT_TCP_ACK;
    if ((flags & (CT_TCP_SYN | CT_TCP_ACK)) == CT_TCP_SYN)
        return chance(g, 95) ? CT_TCP_SYN | CT_TCP_ACK : CT_TCP_SYN;
    if (chance(g, 12))
        return CT_TCP_FIN | CT_TCP_ACK;
    return CT_TCP_ACK | (chance(g, 50) ? CT_TCP_PSH : 0);
}

static uint32_t answer_tcp(struct gen *g, uint8_t *l4, uint32_t room)
{
    uint32_t seq = bytes_get32(l4 + 4), ack = bytes_get32(l4 + 8);
    uint32_t head = (l4[12] >> 4) * 4u;
    uint8_t was = l4[13], is = answer_flags(g, was);
    uint32_t len = room > head ? room - head : 0;
    uint32_t extra = is & CT_TCP_SYN ? 0 : payload_len(g);

    swap(l4, l4 + 2, 2);
    len += (was & (CT_TCP_SYN | CT_TCP_FIN)) != 0;
    bytes_put32(l4 + 4,
                was & CT_TCP_ACK ? ack : (uint32_t)hash_rng_next(&g->rng));
    bytes_put32(l4 + 8, seq + len);
    if (chance(g, 3)) /* a guessed number */
        bytes_put32(l4 + 4, (uint32_t)hash_rng_next(&g->rng));
    l4[12] = 0x50;
    l4[13] = is;
    bytes_put16(l4 + 14, chance(g, 97) ? 0xfaf0 : 0);
    bytes_put16(l4 + 18, 0);
    if (is == (CT_TCP_SYN | CT_TCP_ACK) && room >= 32) {
        syn_options(l4);
        return 32;
    }
    return 20 + extra;
}

static bool answer(struct gen *g, struct gen_packet *p)
{
    const struct gen_seen *s = pick_seen(g);
    uint8_t proto = 0;
    uint32_t at, width, n, extra = payload_len(g);

    if (!s)
        return false;
    memcpy(p->data, s->data, s->len);
    at = gen_l4(p->data, s->len, &proto);
    if (at == 0 || at + 20 > s->len)
        return false;
    width = p->data[0] >> 4 == 4 ? 4 : 16;
    swap(p->data + (width == 4 ? 12 : 8), p->data + (width == 4 ? 16 : 24),
         width);
    p->in = s->out;
    n = s->len - at;
    if (proto == 6) {
        n = answer_tcp(g, p->data + at, n);
    } else if (proto == 17) {
        swap(p->data + at, p->data + at + 2, 2);
        n = 8 + extra;
        bytes_put16(p->data + at + 4, (uint16_t)n);
    } else if (proto == 132 || proto == 33) {
        const uint8_t *was = s->data + at;

        swap(p->data + at, p->data + at + 2, 2);
        n = proto == 132 ? gen_sctp(g, p->data + at, p->in, was, n, extra)
                         : gen_dccp(g, p->data + at, p->in, was, n, extra);
    } else if (proto == 1 && p->data[at] == 8) {
        p->data[at] = 0;
    } else if (proto == 58 && p->data[at] == 128) {
        p->data[at] = 129;
    }
    p->len = at + n;
    if (width == 4) {
        p->data[8] = 64;
        bytes_put16(p->data + 2, (uint16_t)p->len);
    } else {
        p->data[7] = 64;
        bytes_put16(p->data + 4, (uint16_t)(p->len - 40));
    }
    return true;
}

/* An error about what the router sent, from a router on its way or its end. */
static bool complain(struct gen *g, struct gen_packet *p)
{
    static const uint8_t types4[] = {3, 3, 3, 11, 11, 12, 4, 5};
    static const uint8_t types6[] = {1, 1, 2, 3, 3, 4, 137, 5};
    const struct gen_seen *s = pick_seen(g);
    uint32_t at, quoted, width;
    uint8_t *icmp;
    bool v4;

    if (!s || s->len < 28)
        return false;
    v4 = s->data[0] >> 4 == 4;
    width = v4 ? 4 : 16;
    quoted = chance(g, 60) ? (v4 ? 28 : 48) : below(g, s->len + 1u);
    if (quoted > s->len || chance(g, 20))
        quoted = s->len;
    at = ip_header(g, p->data, v4, v4 ? 1 : 58, 8 + quoted);
    p->in = s->out;
    address(g, p->data + (v4 ? 12 : 8), v4,
            s->out == GEN_LAN ? INSIDE
            : chance(g, 50)   ? REMOTE
                              : BEYOND);
    if (chance(g, 30)) /* the far end itself */
        memcpy(p->data + (v4 ? 12 : 8), s->data + (v4 ? 16 : 24), width);
    memcpy(p->data + (v4 ? 16 : 24), s->data + (v4 ? 12 : 8), width);
    if (chance(g, 5)) /* not to the sender of the quoted packet */
        address(g, p->data + (v4 ? 16 : 24), v4, INSIDE);
    icmp = p->data + at;
    memset(icmp, 0, 8);
    icmp[0] = (v4 ? types4 : types6)[below(g, 8)];
    icmp[1] = (uint8_t)below(g, 6);
    bytes_put16(icmp + 6, (uint16_t)(chance(g, 80) ? 1280 : below(g, 65536)));
    memcpy(icmp + 8, s->data, quoted);
    p->len = at + 8 + quoted;
    return true;
}

/* ---- what a device with offloads says of a packet ---- */

static void offload(struct gen *g, struct gen_packet *p)
{
    uint8_t proto = 0;
    uint32_t at = gen_l4(p->data, p->len, &proto);

    p->gso_size = 0;
    p->partial = p->ok = false;
    if (at == 0 || (proto != 6 && proto != 17) || !chance(g, 20))
        return;
    if (chance(g, 30)) {
        p->ok = true;
        return;
    }
    if (p->len - at < (proto == 6 ? 20u : 8u))
        return;
    p->partial = true;
    spoil_partial_sum(p->data, p->len);
    if (proto == 6 && p->len - at > 300)
        p->gso_size = (uint16_t)(1 + below(g, 300));
}

void gen_next(struct gen *g, struct gen_packet *p)
{
    const struct gen_seen *s = pick_seen(g);
    uint32_t n = below(g, 100);
    bool done = s && chance(g, 10) && speak_call_back(g, s, p);

    if (done)
        n = 100;
    if (n < 55)
        done = answer(g, p);
    else if (n < 65)
        done = complain(g, p);
    if (!done)
        open_flow(g, p);
    speak(g, p);
    spoil_fix(p->data, p->len);
    offload(g, p);
    if (chance(g, 15))
        spoil(g, p);
}

void gen_saw(struct gen *g, const struct ct_pkt *pkt)
{
    struct gen_seen *s = &g->seen[g->n_seen++ % GEN_SEEN];
    uint32_t n = pkt->len < sizeof s->data ? pkt->len : sizeof s->data;

    memcpy(s->data, pkt->data, n);
    s->len = (uint16_t)n;
    s->out = pkt->out;
}
