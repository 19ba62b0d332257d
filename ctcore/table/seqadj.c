#include "table/seqadj.h"

#include "base/csum.h"
#include "proto/tcp_options.h"

#include <ctcore/wire.h>

enum { HEADER_LEN = 20, SACK_BLOCK = 8 };

/* Numbers are compared on a ring: what is behind by half of it would be ahead.
 * A place that nothing asks for any more is drawn along. */
#define FAR (1u << 29)

void seqadj_note(struct ext *x, enum ct_dir dir, uint32_t seq, uint32_t by)
{
    struct ext_seqadj *way = &x->seq[dir];

    /* A segment that is sent again is not changed a second time. */
    if (way->before != way->after && !tcp_before(way->pos, seq))
        return;
    conn_set(way->before, way->after);
    conn_set(way->pos, seq);
    conn_set(way->end, seq);
    conn_set(way->after, way->after + by);
}

/* The last change was there, or before: it is done with. */
static void behind(struct ext_seqadj *way, uint32_t number)
{
    conn_set(way->pos, number);
    conn_set(way->end, number);
}

void seqadj_order(struct ext *x, enum ct_dir dir, uint32_t next)
{
    struct ext_seqadj *way = &x->seq[dir];

    x->left[dir] = next + way->after;
    if (way->before == way->after)
        behind(way, next);
}

bool seqadj_change(struct ext *x, enum ct_dir dir, uint32_t seq,
                   const struct ct_resize *to)
{
    struct ext_seqadj *way = &x->seq[dir];
    uint32_t at = seq + to->at, end = seq + to->end, by = (uint32_t)to->by;

    if (way->before != way->after)
        return at == way->pos && end == way->end &&
               by == way->after - way->before;
    if (tcp_before(seq, way->end) || tcp_after(x->left[dir], at + way->after) ||
        tcp_after(seq + way->after, x->left[dir]))
        return false;
    seqadj_note(x, dir, at, by);
    conn_set(way->end, end);
    return true;
}

/* Write a number; answers by how much the sum of its segment changes.  At an
 * odd place its bytes count the other way round. */
static uint32_t put(uint8_t *l4, uint32_t at, uint32_t is)
{
    uint32_t diff = csum_diff32(ct_get32(l4 + at), is);

    ct_put32(l4 + at, is);
    return at & 1 ? __builtin_bswap16(csum_fold(diff)) : diff;
}

static void patch_sum(struct ct_pkt *pkt, uint32_t diff)
{
    uint8_t *field = pkt->data + pkt->l4_off + 16;

    if (!pkt->csum_partial) /* which covers no payload yet */
        ct_put16(field, csum_apply(ct_get16(field), diff));
}

/* What way's sender is told of its own number.  Amid a change it is the lower
 * end of that; up: the upper. */
static uint32_t back(const struct ext_seqadj *way, uint32_t number, bool up)
{
    uint32_t was = number - way->before, is = number - way->after;

    if (!tcp_after(was, way->pos))
        return was;
    if (way->end == way->pos || !tcp_before(is, way->end))
        return is;
    return up ? way->end : way->pos;
}

static uint32_t put_sacks(const struct ext_seqadj *way, uint8_t *l4,
                          uint32_t header)
{
    const struct tcp_segment seg = {.options = l4 + HEADER_LEN,
                                    .options_len = header - HEADER_LEN};
    const uint8_t *opt;
    uint32_t at = 0, diff = 0;

    while ((opt = tcp_options_next(&seg, &at))) {
        uint32_t block = (uint32_t)(opt - l4) + 2;

        if (opt[0] != TCP_OPTION_SACK || (opt[1] - 2) % SACK_BLOCK)
            continue;
        for (; block + SACK_BLOCK <= HEADER_LEN + at; block += SACK_BLOCK) {
            diff += put(l4, block, back(way, ct_get32(l4 + block), true));
            diff +=
                put(l4, block + 4, back(way, ct_get32(l4 + block + 4), false));
        }
    }
    return diff;
}

void seqadj_acks(const struct ext *x, struct ct_pkt *pkt)
{
    const struct ext_seqadj *way = &x->seq[!pkt->dir];
    uint8_t *l4 = pkt->data + pkt->l4_off;
    uint32_t header, diff;

    if (pkt->l4_len < HEADER_LEN || !(l4[13] & CT_TCP_ACK))
        return;
    header = (l4[12] >> 4) * 4u;
    if (header < HEADER_LEN || header > pkt->l4_len)
        return;
    diff = put(l4, 8, back(way, ct_get32(l4 + 8), false));
    diff += put_sacks(way, l4, header);
    patch_sum(pkt, diff);
}

/* What a number of way's sender is to its receiver. */
static uint32_t forth(const struct ext_seqadj *way, uint32_t number)
{
    return number + (tcp_after(number, way->pos) ? way->after : way->before);
}

void seqadj_seq(const struct ext *x, struct ct_pkt *pkt)
{
    const struct ext_seqadj *way = &x->seq[pkt->dir];
    uint8_t *l4 = pkt->data + pkt->l4_off;

    if (pkt->l4_len < HEADER_LEN)
        return;
    patch_sum(pkt, put(l4, 4, forth(way, ct_get32(l4 + 4))));
}

uint32_t seqadj_quoted(const struct ext *x, enum ct_dir dir, uint8_t *l4,
                       uint32_t len)
{
    enum { SEQ_END = 8, FLAGS_END = 14, SUM_END = 18 };
    uint32_t diff = 0;

    if (len >= SEQ_END)
        diff = put(l4, 4, back(&x->seq[dir], ct_get32(l4 + 4), false));
    if (len >= FLAGS_END && (l4[13] & CT_TCP_ACK))
        diff += put(l4, 8, forth(&x->seq[!dir], ct_get32(l4 + 8)));
    if (len >= SUM_END) {
        uint16_t was = ct_get16(l4 + 16), is = csum_apply(was, diff);

        ct_put16(l4 + 16, is);
        diff += csum_diff16(was, is);
    }
    return diff;
}

uint32_t seqadj_next(const struct ct_pkt *pkt)
{
    const uint8_t *l4 = pkt->data + pkt->l4_off;

    return ct_get32(l4 + 4) + pkt->l4_len - (l4[12] >> 4) * 4u +
           ((l4[13] & CT_TCP_SYN) != 0) + ((l4[13] & CT_TCP_FIN) != 0);
}

/* Does a segment have bytes of the change that is on its way, though it has
 * not been changed so? */
static bool contradicts(const struct ext_seqadj *way, const struct ct_pkt *pkt,
                        uint32_t seq, uint32_t n)
{
    return way->before != way->after && !pkt->resized &&
           tcp_before(seq, way->end) && tcp_after(seq + n, way->pos);
}

bool seqadj_leave(struct ext *x, const struct ct_pkt *pkt)
{
    struct ext_seqadj *way = &x->seq[pkt->dir], *other = &x->seq[!pkt->dir];
    const uint8_t *l4 = pkt->data + pkt->l4_off;
    uint32_t seq = ct_get32(l4 + 4), n = seqadj_next(pkt) - seq;
    uint32_t is = forth(way, seq), *left = &x->left[pkt->dir];

    if (n > 0) { /* else it can be anywhere */
        if (tcp_after(is, *left) || contradicts(way, pkt, seq, n))
            return false;
        if (tcp_after(is + n, *left))
            *left = is + n;
        if (way->before == way->after && seq - way->end > FAR &&
            seq - way->end < 2 * FAR)
            behind(way, seq - FAR);
    }
    if ((l4[13] & CT_TCP_ACK) && !tcp_before(ct_get32(l4 + 8), other->end))
        conn_set(other->before, other->after);
    return true;
}
