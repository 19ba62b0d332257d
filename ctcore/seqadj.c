#include "seqadj.h"

#include "bytes.h"
#include "csum.h"
#include "tcp_options.h"

enum { HEADER_LEN = 20, SACK_BLOCK = 8 };

void seqadj_note(struct ext *x, enum ct_dir dir, uint32_t seq, uint32_t by)
{
    struct ext_seqadj *way = &x->seq[dir];

    /* A segment that is sent again is not changed a second time. */
    if (way->before != way->after && !tcp_before(way->pos, seq))
        return;
    conn_set(way->before, way->after);
    conn_set(way->pos, seq);
    conn_set(way->after, way->after + by);
}

/* Write a number; answers by how much the sum of its segment changes.  At an
 * odd place its bytes count the other way round. */
static uint32_t put(uint8_t *l4, uint32_t at, uint32_t is)
{
    uint32_t diff = csum_diff32(load32(l4 + at), is);

    store32(l4 + at, is);
    return at & 1 ? __builtin_bswap16(csum_fold(diff)) : diff;
}

static void patch_sum(struct ct_pkt *pkt, uint32_t diff)
{
    uint8_t *field = pkt->data + pkt->l4_off + 16;

    if (!pkt->csum_partial) /* which covers no payload yet */
        store16(field, csum_apply(load16(field), diff));
}

/* What way's sender is told of its own number. */
static uint32_t back(const struct ext_seqadj *way, uint32_t number)
{
    return number - (tcp_after(number - way->before, way->pos) ? way->after
                                                               : way->before);
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
            diff += put(l4, block, back(way, load32(l4 + block)));
            diff += put(l4, block + 4, back(way, load32(l4 + block + 4)));
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
    diff = put(l4, 8, back(way, load32(l4 + 8)));
    diff += put_sacks(way, l4, header);
    patch_sum(pkt, diff);
}

void seqadj_seq(const struct ext *x, struct ct_pkt *pkt)
{
    const struct ext_seqadj *way = &x->seq[pkt->dir];
    uint8_t *l4 = pkt->data + pkt->l4_off;
    uint32_t seq;

    if (pkt->l4_len < HEADER_LEN)
        return;
    seq = load32(l4 + 4);
    seq += tcp_after(seq, way->pos) ? way->after : way->before;
    patch_sum(pkt, put(l4, 4, seq));
}
