/* queue.c - datagrams that wait, their pages, and who pays for them
 *
 * A source (an IPv4 address, an IPv6 /64, and inside an address) that uses up
 * its share loses its own oldest datagram.  When all is used up the
 * newcomer's source pays if it holds more than others do on average, else the
 * oldest of all goes: datagrams that become whole stay for moments, floods grow
 * old. */
#include "frag/queue.h"

#include "base/work.h"
#include "packet/tuple.h"

#include <ctcore/bits.h>

/* Datagrams looked at for the oldest of a prefix. */
#define MAX_PREFIX_LOOKS 1024u

uint64_t frag_queue_memory(const struct frag *f)
{
    return (uint64_t)f->pages.used * sizeof(struct frag_page) +
           (uint64_t)f->queues.used *
               (sizeof(struct frag_queue) + sizeof(struct frag_source));
}

void frag_queue_tell(struct frag *f)
{
    __atomic_store_n(&f->stats[CT_STAT_frag_datagrams], f->queues.used,
                     __ATOMIC_RELAXED);
    __atomic_store_n(&f->stats[CT_STAT_frag_memory], frag_queue_memory(f),
                     __ATOMIC_RELAXED);
}

/* ---- sources ---- */

/* An IPv4 address; in IPv6 a /64, for who has one address of it has them all.
 * Inside, where a LAN is one /64, an address, too, and the /64 of all. */
struct who {
    union ct_addr addr;
    uint8_t family; /* with PREFIX: the /64 beside the address */
};
enum { PREFIX = 0x80 };

static bool is_from_inside(const struct frag *f, const struct ct_pkt *pkt)
{
    return pkt->in < 8 * sizeof f->inside && (f->inside >> pkt->in & 1) != 0;
}

static struct who who_sent(const struct frag *f, const struct ct_pkt *pkt)
{
    struct who who = {pkt->tuple.src, pkt->tuple.family};

    if (who.family == CT_IPV6 && !is_from_inside(f, pkt))
        who.addr.w64[1] = 0;
    return who;
}

/* False: it is counted by who_sent() already. */
static bool sender_prefix(const struct frag *f, const struct ct_pkt *pkt,
                          struct who *who)
{
    *who = (struct who){pkt->tuple.src, pkt->tuple.family | PREFIX};
    who->addr.w64[1] = 0;
    return pkt->tuple.family == CT_IPV6 && is_from_inside(f, pkt);
}

static uint32_t *source_chain(const struct frag *f, const union ct_addr *a)
{
    return &f->source_head[hash_two(a->w64[0], a->w64[1], f->key) & f->mask];
}

static uint32_t source_find(const struct frag *f, const struct who *who)
{
    uint32_t i = *source_chain(f, &who->addr);

    while (i != CT_NONE &&
           !(frag_source_at(f, i)->family == who->family &&
             ct_addr_eq(&frag_source_at(f, i)->addr, &who->addr))) {
        work_step(f->work, 1);
        i = frag_source_at(f, i)->next;
    }
    return i;
}

/* There are two for each queue that can be. */
static uint32_t source_open(struct frag *f, const struct who *who)
{
    uint32_t *chain = source_chain(f, &who->addr), i = source_find(f, who);
    struct frag_source *s;

    if (i != CT_NONE)
        return i;
    i = pool_get(&f->sources);
    ct_assert(i != CT_NONE);
    s = frag_source_at(f, i);
    *s = (struct frag_source){.addr = who->addr,
                              .next = *chain,
                              .oldest = CT_NONE,
                              .newest = CT_NONE,
                              .family = who->family};
    *chain = i;
    return i;
}

static void source_close(struct frag *f, uint32_t i)
{
    uint32_t *at = source_chain(f, &frag_source_at(f, i)->addr);

    while (*at != i) {
        work_step(f->work, 1);
        at = &frag_source_at(f, *at)->next;
    }
    *at = frag_source_at(f, i)->next;
    pool_put(&f->sources, i);
}

/* ---- queues ---- */

static uint32_t *chain_of(const struct frag *f, const struct ct_tuple *key)
{
    return &f->head[tuple_hash(key, f->key) & f->mask];
}

static struct frag_age *age_of(struct frag *f, const struct frag_queue *q)
{
    return &f->age[q->key.family == CT_IPV6];
}

static void link_queue(struct frag *f, uint32_t i)
{
    struct frag_queue *q = frag_queue_at(f, i);
    struct frag_age *age = age_of(f, q);
    struct frag_source *s = frag_source_at(f, q->source);
    uint32_t *chain = chain_of(f, &q->key);

    q->next = *chain;
    *chain = i;
    q->older = age->newest;
    q->newer = CT_NONE;
    *(age->newest == CT_NONE ? &age->oldest
                             : &frag_queue_at(f, age->newest)->newer) = i;
    age->newest = i;
    q->src_older = s->newest;
    q->src_newer = CT_NONE;
    *(s->newest == CT_NONE ? &s->oldest
                           : &frag_queue_at(f, s->newest)->src_newer) = i;
    s->newest = i;
    s->queues++;
}

static void unlink_queue(struct frag *f, uint32_t i)
{
    struct frag_queue *q = frag_queue_at(f, i);
    struct frag_age *age = age_of(f, q);
    struct frag_source *s = frag_source_at(f, q->source);
    uint32_t *at = chain_of(f, &q->key);

    while (*at != i) {
        work_step(f->work, 1);
        at = &frag_queue_at(f, *at)->next;
    }
    *at = q->next;
    *(q->older == CT_NONE ? &age->oldest : &frag_queue_at(f, q->older)->newer) =
        q->newer;
    *(q->newer == CT_NONE ? &age->newest : &frag_queue_at(f, q->newer)->older) =
        q->older;
    *(q->src_older == CT_NONE ? &s->oldest
                              : &frag_queue_at(f, q->src_older)->src_newer) =
        q->src_newer;
    *(q->src_newer == CT_NONE ? &s->newest
                              : &frag_queue_at(f, q->src_newer)->src_older) =
        q->src_older;
    s->queues--;
}

static void put_page(struct frag *f, struct frag_queue *q, uint32_t page)
{
    if (page == CT_NONE)
        return;
    pool_put(&f->pages, page);
    frag_source_at(f, q->source)->pages--;
    if (q->prefix != CT_NONE)
        frag_source_at(f, q->prefix)->pages--;
}

void frag_queue_close(struct frag *f, uint32_t i, enum ct_reason why)
{
    struct frag_queue *q = frag_queue_at(f, i);
    uint32_t source = q->source, prefix = q->prefix;

    work_step(f->work, 1);
    for (uint32_t p = 0; p < FRAG_PAGES; p++)
        put_page(f, q, q->page[p]);
    put_page(f, q, q->head_page);
    unlink_queue(f, i);
    if (why != CT_REASON_NONE) /* no struct ct_pkt is left for ct_drop() */
        ct_add(&f->reasons[why], q->n);
    ct_add(&f->stats[CT_STAT_frags_waiting], (uint64_t)0 - q->n);
    ct_add(&f->stats[CT_STAT_held], (uint64_t)0 - q->n);
    pool_put(&f->queues, i);
    if (frag_source_at(f, source)->queues == 0)
        source_close(f, source);
    if (prefix != CT_NONE && --frag_source_at(f, prefix)->queues == 0)
        source_close(f, prefix);
    frag_queue_tell(f);
}

uint32_t frag_queue_find(const struct frag *f, const struct ct_pkt *pkt)
{
    uint32_t i = *chain_of(f, &pkt->tuple);

    while (i != CT_NONE && !(tuple_eq(&frag_queue_at(f, i)->key, &pkt->tuple) &&
                             frag_queue_at(f, i)->in == pkt->in)) {
        work_step(f->work, 1);
        i = frag_queue_at(f, i)->next;
    }
    return i;
}

/* ---- room ---- */

/* The oldest of all but keep, or CT_NONE. */
static uint32_t oldest_datagram(const struct frag *f, uint32_t keep)
{
    uint32_t best = CT_NONE;

    for (int v = 0; v < 2; v++) {
        uint32_t i = f->age[v].oldest;

        if (i != CT_NONE && i == keep)
            i = frag_queue_at(f, i)->newer;
        if (i != CT_NONE &&
            (best == CT_NONE ||
             frag_queue_at(f, i)->born_ms < frag_queue_at(f, best)->born_ms))
            best = i;
    }
    return best;
}

/* The source's oldest but keep ends.  False: it has no other. */
static bool evict_own(struct frag *f, uint32_t source, uint32_t keep)
{
    uint32_t i = frag_source_at(f, source)->oldest;

    if (i != CT_NONE && i == keep)
        i = frag_queue_at(f, i)->src_newer;
    if (i == CT_NONE)
        return false;
    frag_queue_close(f, i, CT_REASON_FRAG_LIMIT);
    return true;
}

/* The oldest of that prefix but keep ends.  All but a source's share of the
 * queues are its own, so it is not far, unless that share is large. */
static bool evict_prefix(struct frag *f, uint32_t prefix, uint32_t keep)
{
    uint32_t i = f->age[1].oldest, looks = 0;

    while (i != CT_NONE && looks < MAX_PREFIX_LOOKS &&
           (frag_queue_at(f, i)->prefix != prefix || i == keep)) {
        work_step(f->work, 1);
        i = frag_queue_at(f, i)->newer;
        looks++;
    }
    if (i == CT_NONE || looks == MAX_PREFIX_LOOKS)
        return false;
    frag_queue_close(f, i, CT_REASON_FRAG_LIMIT);
    return true;
}

/* A prefix may have what is left when one more source has had its share. */
static bool has_its_part(uint32_t has, uint32_t n, uint32_t share)
{
    return n > share && has >= n - share;
}

/* All is used up, and source (CT_NONE: a new one) wants more. */
static bool evict_any(struct frag *f, uint32_t source, uint32_t keep)
{
    uint32_t i;

    if (source != CT_NONE &&
        (uint64_t)frag_source_at(f, source)->queues * f->sources.used >
            f->queues.used &&
        evict_own(f, source, keep))
        return true;
    i = oldest_datagram(f, keep);
    if (i == CT_NONE)
        return false;
    frag_queue_close(f, i, CT_REASON_FRAG_LIMIT);
    return true;
}

/* The newcomer's source, or its prefix, makes room for it. */
static void evict_datagram(struct frag *f, const struct who *who,
                           uint32_t prefix)
{
    uint32_t source = source_find(f, who);

    if (source != CT_NONE && frag_source_at(f, source)->queues >= f->share)
        evict_own(f, source, CT_NONE);
    else if (prefix != CT_NONE &&
             has_its_part(frag_source_at(f, prefix)->queues, f->queues.n,
                          f->share))
        evict_prefix(f, prefix, CT_NONE);
    if (f->queues.used == f->queues.n)
        evict_any(f, source, CT_NONE);
}

uint32_t frag_queue_open(struct frag *f, const struct ct_pkt *pkt, ct_time now)
{
    struct who who = who_sent(f, pkt), all;
    bool inner = sender_prefix(f, pkt, &all);
    struct frag_queue *q;
    uint32_t i;

    evict_datagram(f, &who, inner ? source_find(f, &all) : CT_NONE);
    i = pool_get(&f->queues);
    ct_assert(i != CT_NONE);
    q = frag_queue_at(f, i);
    memset(q, 0, sizeof *q);
    memset(q->page, 0xff, sizeof q->page);
    q->head_page = CT_NONE;
    q->key = pkt->tuple;
    q->in = pkt->in;
    q->born_ms = now.ms;
    q->source = source_open(f, &who);
    q->prefix = inner ? source_open(f, &all) : CT_NONE;
    if (inner)
        frag_source_at(f, q->prefix)->queues++;
    link_queue(f, i);
    return i;
}

uint32_t frag_queue_page(struct frag *f, uint32_t i)
{
    uint32_t source = frag_queue_at(f, i)->source, page;
    uint32_t prefix = frag_queue_at(f, i)->prefix;

    while (frag_source_at(f, source)->pages >= f->page_share)
        if (!evict_own(f, source, i))
            return CT_NONE;
    while (prefix != CT_NONE && has_its_part(frag_source_at(f, prefix)->pages,
                                             f->pages.n, f->page_share))
        if (!evict_prefix(f, prefix, i))
            return CT_NONE;
    while (f->pages.used == f->pages.n)
        if (!evict_any(f, source, i))
            return CT_NONE;
    page = pool_get(&f->pages);
    ct_assert(page != CT_NONE);
    memset(frag_page_at(f, page), 0, offsetof(struct frag_page, bytes));
    frag_source_at(f, source)->pages++;
    if (prefix != CT_NONE)
        frag_source_at(f, prefix)->pages++;
    return page;
}
