/* frag.c - fragments wait here until their datagram is whole
 *
 * RFC 791 section 3.2, RFC 8200 section 4.5, as Linux does it before conntrack.
 *
 * A datagram's payload lies in pages of 1 KiB, each byte at its own place, so
 * no order of arrival costs more than another: two bits for every 8 bytes say
 * what is there and where a fragment began.  From the first follow overlap and
 * completeness, from the second the sizes in which it leaves again.
 *
 * What is bounded: pages and queues, by what was cut from the core's block; of
 * them each source has a share: queue.c.
 *
 * Overlap (RFC 5722, RFC 8200, and CVE-2018-5391's history): a fragment all of
 * whose bytes are there is a duplicate and ignored, the first word counts; any
 * other overlap ends the datagram. */
#include "frag/frag.h"

#include "base/csum.h"
#include "frag/read.h"
#include "packet/parse.h"

#include <ctcore/bits.h>
#include <ctcore/wire.h>

enum {
    V6_HEADER = sizeof(struct ct_ipv6_header),
    V6_FRAGMENT = sizeof(struct ct_fragment_header)
};

/* ---- limits, made at start ---- */

void frag_init(struct frag *f, struct block *b, const struct ct_params *params)
{
    uint32_t n = params->v[CT_PARAM_frag_datagrams];
    size_t bytes = (size_t)params->v[CT_PARAM_frag_memory] << 10;
    size_t fixed =
        n * (sizeof(struct frag_queue) + 2 * sizeof(struct frag_source) + 16);
    size_t pages =
        bytes > fixed ? (bytes - fixed) / sizeof(struct frag_page) : 0;
    uint32_t heads = ct_power_of_two(n);

    memset(f, 0, sizeof *f);
    if (pages <= FRAG_PAGES)
        return;
    f->head = block_take(b, heads * sizeof(uint32_t));
    f->source_head = block_take(b, heads * sizeof(uint32_t));
    f->mask = heads - 1;
    pool_init(&f->queues, b, n, sizeof(struct frag_queue),
              offsetof(struct frag_queue, next));
    pool_init(&f->sources, b, 2 * n, sizeof(struct frag_source),
              offsetof(struct frag_source, next));
    pool_init(&f->pages, b, (uint32_t)pages, sizeof(struct frag_page),
              offsetof(struct frag_page, bytes));
    f->share = params->v[CT_PARAM_frag_per_source];
    if (f->share > n)
        f->share = n;
    f->page_share = (uint32_t)(pages * f->share / n);
    if (f->page_share <= FRAG_PAGES) /* the longest datagram must fit */
        f->page_share = FRAG_PAGES + 1;
}

void frag_start(struct frag *f, const uint8_t key[16], uint64_t *stats,
                uint64_t *reasons)
{
    memcpy(f->key, key, sizeof f->key);
    f->stats = stats;
    f->reasons = reasons;
    if (f->head == NULL)
        return;
    memset(f->head, 0xff, ((size_t)f->mask + 1) * sizeof(uint32_t));
    memset(f->source_head, 0xff, ((size_t)f->mask + 1) * sizeof(uint32_t));
    memset(f->age, 0xff, sizeof f->age);
}

/* Does its end agree with what is known of the datagram's? */
static bool end_agrees(const struct frag_queue *q, const struct frag_piece *p)
{
    uint32_t end = p->off + p->len;

    if (!p->more)
        return end >= q->end && (!q->last_in || end == q->end);
    return !q->last_in || end <= q->end;
}

/* Each fragment was short enough under its own header; the datagram has the
 * first one's, which may be longer. */
static bool is_too_long(const struct frag_queue *q, const struct frag_piece *p)
{
    uint32_t head = p->off != 0 && q->first_in ? q->head_len : p->head_len;
    uint32_t end = p->off + p->len;

    if (!p->v4)
        head -= V6_HEADER;
    return head + (end > q->end ? end : q->end) > FRAG_LONGEST;
}

enum cover { COVER_NONE, COVER_SOME, COVER_ALL };

/* How much of these units is there already? */
static enum cover units_covered(const struct frag *f,
                                const struct frag_queue *q, uint32_t from,
                                uint32_t to)
{
    bool any = false, all = true;

    while (from < to) {
        uint32_t page = q->page[from / FRAG_UNITS], bit = from % 64;
        uint32_t span = 64 - bit < to - from ? 64 - bit : to - from;
        uint64_t mask = (~UINT64_C(0) >> (64 - span)) << bit, have = 0;

        if (page != CT_NONE)
            have = frag_page_at(f, page)->have[from % FRAG_UNITS / 64] & mask;
        any |= have != 0;
        all &= have == mask;
        from += span;
    }
    return all ? COVER_ALL : any ? COVER_SOME : COVER_NONE;
}

static void mark_units(const struct frag *f, const struct frag_queue *q,
                       uint32_t from, uint32_t to)
{
    frag_page_at(f, q->page[from / FRAG_UNITS])->cut[from % FRAG_UNITS / 64] |=
        UINT64_C(1) << from % 64;
    while (from < to) {
        uint32_t bit = from % 64;
        uint32_t span = 64 - bit < to - from ? 64 - bit : to - from;

        frag_page_at(f, q->page[from / FRAG_UNITS])
            ->have[from % FRAG_UNITS / 64] |= (~UINT64_C(0) >> (64 - span))
                                              << bit;
        from += span;
    }
}

/* False: no room. */
static bool store_piece(struct frag *f, uint32_t i, const struct frag_piece *p)
{
    struct frag_queue *q = frag_queue_at(f, i);
    uint32_t at = p->off, end = p->off + p->len;

    while (at < end) {
        uint32_t *page = &q->page[at / FRAG_PAGE];
        uint32_t n = FRAG_PAGE - at % FRAG_PAGE;

        if (n > end - at)
            n = end - at;
        if (*page == CT_NONE && (*page = frag_queue_page(f, i)) == CT_NONE)
            return false;
        memcpy(frag_page_at(f, *page)->bytes + at % FRAG_PAGE,
               p->data + (at - p->off), n);
        at += n;
    }
    mark_units(f, q, p->off / FRAG_UNIT, (end + FRAG_UNIT - 1) / FRAG_UNIT);
    return true;
}

static bool store_head(struct frag *f, uint32_t i, const struct ct_pkt *pkt,
                       const struct frag_piece *p)
{
    struct frag_queue *q = frag_queue_at(f, i);
    uint8_t *to = q->head;

    if (p->head_len > FRAG_HEAD_INLINE) {
        q->head_page = frag_queue_page(f, i);
        if (q->head_page == CT_NONE)
            return false;
        to = frag_page_at(f, q->head_page)->bytes;
    }
    memcpy(to, pkt->data, p->head_len);
    q->head_len = (uint16_t)p->head_len;
    q->next_at = (uint16_t)p->next_at;
    q->next_header = p->next_header;
    q->first_in = true;
    return true;
}

static void count_waiting(struct frag *f, struct frag_queue *q, int by)
{
    q->n += (uint32_t)by;
    ct_add(&f->stats[CT_STAT_frags_waiting], (uint64_t)by);
    ct_add(&f->stats[CT_STAT_held], (uint64_t)by);
}

static enum ct_reason add_piece(struct frag *f, uint32_t i,
                                const struct ct_pkt *pkt,
                                const struct frag_piece *p)
{
    struct frag_queue *q = frag_queue_at(f, i);
    uint32_t from = p->off / FRAG_UNIT, end = p->off + p->len;
    uint32_t to = (end + FRAG_UNIT - 1) / FRAG_UNIT;

    if ((p->off == 0 && !store_head(f, i, pkt, p)) || !store_piece(f, i, p))
        return CT_REASON_FRAG_LIMIT;
    q->units += to - from;
    if (end > q->end)
        q->end = end;
    q->last_in |= !p->more;
    if (p->size > q->largest)
        q->largest = p->size;
    if (p->df && p->size > q->largest_df)
        q->largest_df = p->size;
    q->ecn |= (uint8_t)(1u << p->ecn);
    count_waiting(f, q, 1);
    return CT_REASON_NONE;
}

/* ---- the whole ---- */

static uint8_t *copy_head(const struct frag *f, const struct frag_queue *q,
                          uint8_t *to)
{
    const uint8_t *head = q->head_page == CT_NONE
                              ? q->head
                              : frag_page_at(f, q->head_page)->bytes;

    memcpy(to, head, q->head_len);
    return to + q->head_len;
}

/* RFC 3168 section 5.3: congestion met by one fragment is the datagram's. */
static void finish_v4(const struct frag_queue *q, uint8_t *data, uint32_t len)
{
    struct ct_ipv4_header *ip = ct_ipv4_edit(data);

    if (q->ecn & 1u << CT_ECN_CE)
        ip->tos |= CT_ECN_CE;
    ct_store16(&ip->len, len);
    /* As the kernel: a sender whose largest fragment had DF looks for the
     * path's MTU, and goes on to. */
    ct_store16(&ip->frag, q->largest_df == q->largest ? CT_IPV4_DF : 0);
    ct_store16(&ip->check, 0);
    ct_store16(&ip->check,
               (uint16_t)~csum_fold(csum_add(0, data, q->head_len)));
}

static void finish_v6(const struct frag_queue *q, uint8_t *data, uint32_t len)
{
    struct ct_ipv6_header *ip = ct_ipv6_edit(data);

    if (q->ecn & 1u << CT_ECN_CE)
        ct_ipv6_set_class(ip, ct_ipv6_class(ip) | CT_ECN_CE);
    ct_store16(&ip->len, len - V6_HEADER);
    data[q->next_at] = q->next_header;
}

static void build_datagram(const struct frag *f, const struct frag_queue *q,
                           const struct ct_pkt *last, struct ct_pkt *whole)
{
    uint8_t *to = copy_head(f, q, whole->data);
    uint64_t *cuts = whole->cuts;
    uint8_t *data = whole->data;

    *whole = (struct ct_pkt){.data = data, .cuts = cuts, .rule = CT_NONE};
    whole->len = q->head_len + q->end;
    whole->frag_max = (uint16_t)(q->largest < 65535 ? q->largest : 65535);
    whole->self = last->self;
    whole->in = q->in;
    whole->out = CT_NO_IFACE;
    for (uint32_t at = 0; at < q->end; at += FRAG_PAGE) {
        const struct frag_page *p = frag_page_at(f, q->page[at / FRAG_PAGE]);
        uint32_t n = q->end - at < FRAG_PAGE ? q->end - at : FRAG_PAGE;

        memcpy(to + at, p->bytes, n);
        if (cuts != NULL)
            memcpy(cuts + at / FRAG_PAGE * (FRAG_UNITS / 64), p->cut,
                   sizeof p->cut);
    }
    if (q->key.family == CT_IPV4)
        finish_v4(q, data, whole->len);
    else
        finish_v6(q, data, whole->len);
}

/* A queue that ends for why, with the packet that ended it.  That one is
 * counted by the caller. */
static enum ct_reason end_queue(struct frag *f, uint32_t i, enum ct_reason why)
{
    frag_queue_close(f, i, why);
    return why;
}

/* NONE: it is on its way.  The codepoints must not say that some of it was
 * sent by a transport that knows ECN and some by one that does not. */
static enum ct_reason finish_datagram(struct frag *f, uint32_t i,
                                      const struct ct_pkt *last,
                                      struct ct_pkt *whole)
{
    struct frag_queue *q = frag_queue_at(f, i);
    enum ct_reason why = CT_REASON_NONE;

    if ((q->ecn & 1) && q->ecn != 1)
        why = CT_REASON_FRAG_BAD;
    else if (q->n > FRAG_FEW + q->end / FRAG_LEAST)
        why = CT_REASON_FRAG_MANY;
    if (why != CT_REASON_NONE) {
        count_waiting(f, q, -1); /* last is the caller's to count */
        return end_queue(f, i, why);
    }
    build_datagram(f, q, last, whole);
    ct_add(&f->stats[CT_STAT_frags_merged], q->n - 1);
    ct_add(&f->stats[CT_STAT_reassembled], 1);
    frag_queue_close(f, i, CT_REASON_NONE);
    return CT_REASON_NONE;
}

static enum ct_reason join_datagram(struct frag *f, uint32_t i,
                                    const struct ct_pkt *pkt,
                                    const struct frag_piece *p)
{
    const struct frag_queue *q = frag_queue_at(f, i);
    uint32_t from = p->off / FRAG_UNIT,
             to = (p->off + p->len + FRAG_UNIT - 1) / FRAG_UNIT;
    enum cover cover;
    enum ct_reason why;

    if (!end_agrees(q, p)) /* the kernel's: IPv4 gives all up, IPv6 this one */
        return p->v4 ? end_queue(f, i, CT_REASON_FRAG_BAD) : CT_REASON_FRAG_BAD;
    if (is_too_long(q, p))
        return end_queue(f, i, CT_REASON_FRAG_TOO_LONG);
    cover = units_covered(f, q, from, to);
    if (cover == COVER_ALL)
        return CT_REASON_FRAG_DUPLICATE;
    if (cover == COVER_SOME)
        return end_queue(f, i, CT_REASON_FRAG_OVERLAP);
    if (q->n == FRAG_PIECES)
        return end_queue(f, i, CT_REASON_FRAG_MANY);
    why = add_piece(f, i, pkt, p);
    return why == CT_REASON_NONE ? why : end_queue(f, i, why);
}

/* RFC 6946: a datagram in one piece joins no queue, and so can't be hindered by
 * one that bears its id. */
static enum ct_reason take_atomic(struct frag *f, const struct ct_pkt *pkt,
                                  const struct frag_piece *p,
                                  struct ct_pkt *whole)
{
    uint8_t *data = whole->data;
    uint64_t *cuts = whole->cuts;

    memcpy(data, pkt->data, p->head_len);
    memcpy(data + p->head_len, p->data, p->len);
    ct_store16(&ct_ipv6_edit(data)->len, p->head_len + p->len - V6_HEADER);
    data[p->next_at] = p->next_header;
    if (cuts != NULL) {
        memset(cuts, 0, CT_CUTS * sizeof *cuts);
        cuts[0] = 1;
    }
    *whole = (struct ct_pkt){.data = data,
                             .cuts = cuts,
                             .len = p->head_len + p->len,
                             .frag_max =
                                 (uint16_t)(p->size < 65535 ? p->size : 65535),
                             .self = pkt->self,
                             .in = pkt->in,
                             .out = CT_NO_IFACE,
                             .rule = CT_NONE};
    ct_add(&f->stats[CT_STAT_reassembled], 1);
    return CT_REASON_NONE;
}

static uint64_t life_ms(const struct ct_params *params, bool v6)
{
    return 1000u *
           (uint64_t)params->v[v6 ? CT_PARAM_frag6_time : CT_PARAM_frag_time];
}

static bool is_late(const struct frag *f, uint32_t i,
                    const struct ct_params *params, ct_time now)
{
    const struct frag_queue *q = frag_queue_at(f, i);

    return now.ms - q->born_ms >= life_ms(params, q->key.family == CT_IPV6);
}

enum ct_reason frag_take(struct frag *f, const struct ct_pkt *pkt,
                         const struct ct_params *params, ct_time now,
                         struct ct_pkt *whole, bool *is_whole)
{
    struct frag_piece p;
    enum ct_reason why;
    uint32_t i;

    *is_whole = false;
    if (f->head == NULL)
        return CT_REASON_FRAGMENT;
    why = frag_read(pkt, params->v[CT_PARAM_frag_tiny] == 0, &p);
    i = frag_queue_find(f, pkt);
    if (i != CT_NONE && is_late(f, i, params, now)) {
        frag_queue_close(f, i, CT_REASON_FRAG_TIMEOUT);
        i = CT_NONE;
    }
    if (why != CT_REASON_NONE) /* what is nonsense can't be waited for */
        return i == CT_NONE ? why : end_queue(f, i, why);
    if (!p.v4 && p.off == 0 && !p.more) {
        *is_whole = true;
        return take_atomic(f, pkt, &p, whole);
    }
    if (i == CT_NONE)
        i = frag_queue_open(f, pkt, now);
    why = join_datagram(f, i, pkt, &p);
    if (why != CT_REASON_NONE)
        return why;
    frag_queue_tell(f);
    if (!frag_queue_at(f, i)->last_in ||
        frag_queue_at(f, i)->units !=
            (frag_queue_at(f, i)->end + FRAG_UNIT - 1) / FRAG_UNIT)
        return CT_REASON_NONE;
    *is_whole = true;
    return finish_datagram(f, i, pkt, whole);
}

/* ---- time ---- */

/* Bytes of the first fragment. */
static uint32_t first_len(const struct frag *f, const struct frag_queue *q)
{
    uint32_t u = 1;

    for (; u * FRAG_UNIT < q->end; u++) {
        uint32_t page = q->page[u / FRAG_UNITS];

        if (page == CT_NONE ||
            !(frag_page_at(f, page)->have[u % FRAG_UNITS / 64] >> u % 64 & 1) ||
            (frag_page_at(f, page)->cut[u % FRAG_UNITS / 64] >> u % 64 & 1))
            break;
    }
    return u * FRAG_UNIT < q->end ? u * FRAG_UNIT : q->end;
}

/* The first fragment as it came, cut to what an error can quote. */
static void rebuild_first(const struct frag *f, const struct frag_queue *q,
                          struct ct_pkt *first)
{
    uint8_t *to = copy_head(f, q, first->data), *data = first->data;
    uint32_t len = first_len(f, q), l4 = q->head_len, n = 0;
    bool v4 = q->key.family == CT_IPV4;

    *first = (struct ct_pkt){.data = data, .rule = CT_NONE};
    if (!v4) {
        struct ct_fragment_header *h = ct_fragment_edit(to);

        *h = (struct ct_fragment_header){.next = q->next_header};
        ct_store16(&h->offset, CT_IPV6_MF);
        ct_store32(&h->id, (uint32_t)q->key.sport << 16 | q->key.dport);
        to += sizeof *h;
        l4 += V6_FRAGMENT;
    }
    first->len = l4 + len < CT_REPLY_MAX ? l4 + len : CT_REPLY_MAX;
    while (l4 + n < first->len) {
        uint32_t step = first->len - l4 - n;

        if (step > FRAG_PAGE - n % FRAG_PAGE)
            step = FRAG_PAGE - n % FRAG_PAGE;
        memcpy(to + n,
               frag_page_at(f, q->page[n / FRAG_PAGE])->bytes + n % FRAG_PAGE,
               step);
        n += step;
    }
    first->in = q->in;
    first->tuple = q->key;
    first->tuple.sport = first->tuple.dport = 0;
    first->tuple.proto = q->next_header;
    first->l4_off = l4;
    first->l4_len = first->len - l4;
    if (ct_proto_is_icmp(q->next_header)) {
        first->icmp_type = ct_icmp_view(to)->type;
        first->icmp_error = parse_icmp_error(q->key.family, first->icmp_type);
    }
}

bool frag_expired(struct frag *f, const struct ct_params *params, ct_time now,
                  struct ct_pkt *first)
{
    for (int v6 = 0; f->head != NULL && v6 < 2; v6++) {
        uint32_t i = f->age[v6].oldest;

        if (i == CT_NONE || !is_late(f, i, params, now))
            continue;
        first->len = 0;
        if (frag_queue_at(f, i)->first_in)
            rebuild_first(f, frag_queue_at(f, i), first);
        frag_queue_close(f, i, CT_REASON_FRAG_TIMEOUT);
        return true;
    }
    return false;
}
