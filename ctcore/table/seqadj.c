/* seqadj.c - shift sequence and acknowledgment numbers, SACK blocks too */
#include "table/seqadj.h"

#include "base/assert.h"
#include "base/csum.h"
#include "packet/mangle.h"
#include "proto/tcp_options.h"

#include <ctcore/wire.h>

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
static void finish_change(struct ext_seqadj *way, uint32_t number)
{
    conn_set(way->pos, number);
    conn_set(way->end, number);
}

void seqadj_order(struct ext *x, enum ct_dir dir, uint32_t next)
{
    struct ext_seqadj *way = &x->seq[dir];

    x->left[dir] = next + way->after;
    if (way->before == way->after)
        finish_change(way, next);
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
static uint32_t write_seq(ct_be32 *field, uint32_t is, bool odd)
{
    uint32_t diff = csum_diff32(ct_load32(*field), is);

    ct_store32(field, is);
    return odd ? __builtin_bswap16(csum_fold(diff)) : diff;
}

static void patch_tcp_sum(struct ct_pkt *pkt, uint32_t diff)
{
    if (!pkt->csum_partial) /* which covers no payload yet */
        csum_patch(&ct_tcp_edit(pkt->data + pkt->l4_off)->check, diff);
}

/* What way's sender is told of its own number.  Amid a change it is the lower
 * end of that; up: the upper. */
static uint32_t seq_before_change(const struct ext_seqadj *way, uint32_t number,
                                  bool up)
{
    uint32_t was = number - way->before, is = number - way->after;

    if (!tcp_after(was, way->pos))
        return was;
    if (way->end == way->pos || !tcp_before(is, way->end))
        return is;
    return up ? way->end : way->pos;
}

static uint32_t put_sack(const struct ext_seqadj *way,
                         struct ct_tcp_sack_header *sack, bool odd)
{
    return write_seq(&sack->left,
                     seq_before_change(way, ct_load32(sack->left), true), odd) +
           write_seq(&sack->right,
                     seq_before_change(way, ct_load32(sack->right), false),
                     odd);
}

static uint32_t put_sacks(const struct ext_seqadj *way, uint8_t *options,
                          uint32_t len)
{
    const struct tcp_segment seg = {.options = options, .options_len = len};
    const struct ct_tcp_option_header *opt;
    uint32_t at = 0, diff = 0;

    while ((opt = tcp_options_next(&seg, &at))) {
        uint32_t bytes = opt->len - (uint32_t)sizeof *opt, begins = at - bytes;
        struct ct_tcp_sack_header *sack = ct_tcp_sack_edit(options + begins);

        if (opt->kind != CT_TCP_OPTION_SACK || bytes % sizeof *sack)
            continue;
        for (uint32_t i = 0; i < bytes / sizeof *sack; i++)
            diff += put_sack(way, &sack[i], begins & 1);
    }
    return diff;
}

void seqadj_acks(const struct ext *x, struct ct_pkt *pkt)
{
    const struct ext_seqadj *way = &x->seq[!pkt->dir];
    uint8_t *l4 = pkt->data + pkt->l4_off;
    struct ct_tcp_header *tcp = ct_tcp_edit(l4);
    uint32_t header, diff;
    ct_before(right, mangle_l4_checksum_ok(pkt));

    if (pkt->l4_len < sizeof *tcp || !(tcp->flags & CT_TCP_ACK))
        return;
    header = ct_tcp_size(tcp);
    if (header < sizeof *tcp || header > pkt->l4_len)
        return;
    diff = write_seq(&tcp->ack,
                     seq_before_change(way, ct_load32(tcp->ack), false), false);
    diff += put_sacks(way, l4 + sizeof *tcp, header - (uint32_t)sizeof *tcp);
    patch_tcp_sum(pkt, diff);
    ct_assert_slow(!right || mangle_l4_checksum_ok(pkt));
}

/* What a number of way's sender is to its receiver. */
static uint32_t seq_after_change(const struct ext_seqadj *way, uint32_t number)
{
    return number + (tcp_after(number, way->pos) ? way->after : way->before);
}

void seqadj_seq(const struct ext *x, struct ct_pkt *pkt)
{
    const struct ext_seqadj *way = &x->seq[pkt->dir];
    struct ct_tcp_header *tcp = ct_tcp_edit(pkt->data + pkt->l4_off);
    ct_before(right, mangle_l4_checksum_ok(pkt));

    if (pkt->l4_len < sizeof *tcp)
        return;
    patch_tcp_sum(pkt,
                  write_seq(&tcp->seq,
                            seq_after_change(way, ct_load32(tcp->seq)), false));
    ct_assert_slow(!right || mangle_l4_checksum_ok(pkt));
}

uint32_t seqadj_quoted(const struct ext *x, enum ct_dir dir, uint8_t *l4,
                       uint32_t len)
{
    struct ct_tcp_header *tcp = ct_tcp_edit(l4); /* as far as it is there */
    uint32_t diff = 0;

    if (len >= CT_END_OF(struct ct_tcp_header, seq))
        diff = write_seq(
            &tcp->seq,
            seq_before_change(&x->seq[dir], ct_load32(tcp->seq), false), false);
    if (len >= CT_END_OF(struct ct_tcp_header, flags) &&
        (tcp->flags & CT_TCP_ACK))
        diff += write_seq(&tcp->ack,
                          seq_after_change(&x->seq[!dir], ct_load32(tcp->ack)),
                          false);
    if (len >= CT_END_OF(struct ct_tcp_header, check)) {
        uint16_t was = ct_load16(tcp->check);

        csum_patch(&tcp->check, diff);
        diff += csum_diff16(was, ct_load16(tcp->check));
    }
    return diff;
}

uint32_t seqadj_next(const struct ct_pkt *pkt)
{
    const struct ct_tcp_header *tcp = ct_tcp_view(pkt->data + pkt->l4_off);

    return ct_load32(tcp->seq) + pkt->l4_len - ct_tcp_size(tcp) +
           ((tcp->flags & CT_TCP_SYN) != 0) + ((tcp->flags & CT_TCP_FIN) != 0);
}

/* Does a segment have bytes of the change that is on its way, though it has
 * not been changed so? */
static bool contradicts_change(const struct ext_seqadj *way,
                               const struct ct_pkt *pkt, uint32_t seq,
                               uint32_t n)
{
    return way->before != way->after && !pkt->resized &&
           tcp_before(seq, way->end) && tcp_after(seq + n, way->pos);
}

bool seqadj_leave(struct ext *x, const struct ct_pkt *pkt)
{
    struct ext_seqadj *way = &x->seq[pkt->dir], *other = &x->seq[!pkt->dir];
    const struct ct_tcp_header *tcp = ct_tcp_view(pkt->data + pkt->l4_off);
    uint32_t seq = ct_load32(tcp->seq), n = seqadj_next(pkt) - seq;
    uint32_t is = seq_after_change(way, seq), *left = &x->left[pkt->dir];

    if (n > 0) { /* else it can be anywhere */
        if (tcp_after(is, *left) || contradicts_change(way, pkt, seq, n))
            return false;
        if (tcp_after(is + n, *left))
            *left = is + n;
        if (way->before == way->after && seq - way->end > FAR &&
            seq - way->end < 2 * FAR)
            finish_change(way, seq - FAR);
    }
    if ((tcp->flags & CT_TCP_ACK) &&
        !tcp_before(ct_load32(tcp->ack), other->end))
        conn_set(other->before, other->after);
    return true;
}
