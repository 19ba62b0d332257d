/* frag_rig.h - fragments by hand, and the datagram they become */
#ifndef FRAG_RIG_H
#define FRAG_RIG_H

#include "corerig.h"

#include "base/csum.h"

#include "bytes.h"

enum { ROOM = CT_HEADROOM + 40 + 65536 + CT_HEADROOM };

static struct corerig rig;
static uint8_t whole_room[ROOM], piece_room[ROOM];
static uint64_t cuts[CT_CUTS];
static uint8_t came_by = LAN;
static struct ct_pkt whole;
static bool is_whole;

static uint8_t pattern(uint32_t i)
{
    return (uint8_t)(i * 31 + (i >> 8) * 7 + 5);
}

/* One fragment to come. */
struct frag_spec {
    uint32_t off, len;
    bool more;
    uint8_t fill; /* added to the pattern: other data at the same place */
};

struct sender {
    bool v6;
    uint8_t proto, tos, dest_options;
    uint16_t df; /* flag bits */
    uint32_t id;
    uint32_t host;  /* of the source address, in IPv6 of its /64 */
    uint16_t inner; /* of it, in IPv6 */
};

static struct sender udp4 = {.proto = 17, .id = 7, .host = 2};
static struct sender udp6 = {.v6 = true, .proto = 17, .id = 7, .host = 2};

static uint32_t head(const struct sender *s, const struct frag_spec *f,
                     uint8_t *p)
{
    uint32_t off = 40;

    if (!s->v6) {
        memset(p, 0, 20);
        p[0] = 0x45;
        p[1] = s->tos;
        bytes_put16(p + 2, (uint16_t)(20 + f->len));
        bytes_put16(p + 4, (uint16_t)s->id);
        bytes_put16(p + 6,
                    (uint16_t)(f->off / 8 | (f->more ? 0x2000u : 0) | s->df));
        p[8] = 64;
        p[9] = s->proto;
        bytes_put32(p + 12, 0x0a000000 + s->host);
        bytes_put32(p + 16, 0xc6336402);
        bytes_put16(p + 10, (uint16_t)~csum_fold(csum_add(0, p, 20)));
        return 20;
    }
    memset(p, 0, 48);
    p[0] = 0x60;
    p[1] = (uint8_t)(s->tos << 4);
    p[6] = 44;
    p[7] = 64;
    p[8] = 0xfd;
    bytes_put32(p + 12, s->host);
    bytes_put16(p + 20, s->inner);
    p[23] = 9;
    p[24] = 0x20;
    p[39] = 2;
    if (s->dest_options) {
        p[6] = 60;
        memset(p + 40, 0, (s->dest_options + 1u) * 8);
        p[40] = 44;
        p[41] = s->dest_options;
        off += (s->dest_options + 1u) * 8;
    }
    p[off] = s->proto;
    p[off + 1] = 0;
    bytes_put16(p + off + 2, (uint16_t)(f->off | f->more));
    bytes_put32(p + off + 4, s->id);
    bytes_put16(p + 4, (uint16_t)(off + 8 - 40 + f->len));
    return off + 8;
}

static enum ct_reason give(const struct sender *s, const struct frag_spec *f)
{
    struct ct_pkt pkt = {.data = piece_room + CT_HEADROOM, .in = came_by};
    uint32_t n = head(s, f, pkt.data);
    enum ct_reason why;

    for (uint32_t i = 0; i < f->len; i++)
        pkt.data[n + i] = (uint8_t)(pattern(f->off + i) + f->fill);
    if (f->off == 0 && f->len >= 8 && s->proto == 6)
        pkt.data[n + 12] = 5 << 4;
    pkt.len = n + f->len;
    why = ct_parse(rig.ct, &pkt);
    if (why != CT_REASON_FRAGMENT)
        return why;
    memset(whole_room, 0xee, sizeof whole_room);
    whole = (struct ct_pkt){.data = whole_room + CT_HEADROOM, .cuts = cuts};
    return ct_defrag(rig.ct, &pkt, &whole, &is_whole);
}

static enum ct_reason say(const struct sender *s, uint32_t off, uint32_t len,
                          bool more)
{
    return give(s, &(struct frag_spec){off, len, more, 0});
}

/* The datagram in whole is this long, and each byte is the first one sent. */
static inline void check_whole(const struct sender *s, uint32_t payload)
{
    uint32_t n = s->v6 ? 40 : 20;

    assert_true(is_whole);
    assert_int_equal(ct_parse(rig.ct, &whole), CT_REASON_NONE);
    n = whole.l4_off;
    assert_int_equal(whole.len, n + payload);
    assert_int_equal(whole.tuple.proto, s->proto);
    for (uint32_t i = 0; i < payload; i++)
        if (whole.data[n + i] != pattern(i) && !(s->proto == 6 && i == 12))
            fail_msg("byte %u of %u", i, payload);
    assert_int_equal(whole_room[CT_HEADROOM + whole.len], 0xee);
}

#endif
