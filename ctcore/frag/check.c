/* check.c - see check.h */
#include "frag/check.h"

#include "base/check.h"

/* Marks of what is in use, and of what queues say is. */
struct sums {
    uint64_t queues, sources, pages; /* of the pools */
    uint64_t aged, paged;            /* of the queues */
    uint64_t of_queues, of_pages;    /* by source, as queues say */
    uint64_t own_queues, own_pages;  /* by source, as sources say */
    uint32_t waiting;
};

static const char *check_pools(const struct frag *f, struct sums *s)
{
    const char *why = base_check_pool(&f->queues, &s->queues);

    if (!why)
        why = base_check_pool(&f->sources, &s->sources);
    if (!why)
        why = base_check_pool(&f->pages, &s->pages);
    return why;
}

static void add_source(struct sums *s, uint32_t source, uint32_t pages)
{
    if (source == CT_NONE)
        return;
    s->of_queues += base_check_mark(source);
    s->of_pages += pages * base_check_mark(source);
}

/* The pages of a queue, and what lies in them. */
static const char *check_pages(const struct frag *f, const struct frag_queue *q,
                               struct sums *s)
{
    uint32_t units = 0, pages = 0;

    for (uint32_t i = 0; i < FRAG_PAGES; i++) {
        if (q->page[i] == CT_NONE)
            continue;
        pages++;
        s->paged += base_check_mark(q->page[i]);
        for (uint32_t w = 0; w < FRAG_UNITS / 64; w++)
            units += (uint32_t)__builtin_popcountll(
                frag_page_at(f, q->page[i])->have[w]);
    }
    if (q->head_page != CT_NONE) {
        pages++;
        s->paged += base_check_mark(q->head_page);
    }
    add_source(s, q->source, pages);
    add_source(s, q->prefix, pages);
    s->waiting += q->n;
    return units == q->units ? NULL : "frag: units are not what pages have";
}

static const char *check_age(const struct frag *f, int v6, struct sums *s)
{
    uint32_t before = CT_NONE, i = f->age[v6].oldest, n = 0;
    const char *why = NULL;

    for (; !why && i != CT_NONE; before = i, i = frag_queue_at(f, i)->newer) {
        const struct frag_queue *q = frag_queue_at(f, i);

        if (n++ == f->queues.used || q->older != before ||
            (q->key.family == CT_IPV6) != v6)
            return "frag: the list by age leads astray";
        if (before != CT_NONE && frag_queue_at(f, before)->born_ms > q->born_ms)
            return "frag: the list by age is out of order";
        s->aged += base_check_mark(i);
        why = check_pages(f, q, s);
    }
    if (!why && f->age[v6].newest != before)
        why = "frag: the list by age has another end";
    return why;
}

/* A source's own list has its queues; a prefix has none. */
static const char *check_source(const struct frag *f, uint32_t at,
                                struct sums *s)
{
    const struct frag_source *src = frag_source_at(f, at);
    uint32_t n = 0;

    for (uint32_t i = src->oldest; i != CT_NONE;
         i = frag_queue_at(f, i)->src_newer)
        if (n++ == src->queues || frag_queue_at(f, i)->source != at)
            return "frag: a source's list leads astray";
    if (src->queues == 0 || (src->oldest != CT_NONE && n != src->queues))
        return "frag: a source has another number of datagrams";
    s->own_queues += src->queues * base_check_mark(at);
    s->own_pages += src->pages * base_check_mark(at);
    return NULL;
}

static const char *check_frag_chains(const struct frag *f, struct sums *s)
{
    uint64_t queues = 0, sources = 0;
    uint32_t n = 0, n_sources = 0;
    const char *why = NULL;

    for (uint32_t h = 0; !why && h <= f->mask; h++) {
        for (uint32_t i = f->head[h]; i != CT_NONE;
             i = frag_queue_at(f, i)->next) {
            if (n++ == f->queues.used)
                return "frag: a chain of datagrams leads astray";
            queues += base_check_mark(i);
        }
        for (uint32_t i = f->source_head[h]; !why && i != CT_NONE;
             i = frag_source_at(f, i)->next) {
            if (n_sources++ == f->sources.used)
                return "frag: a chain of sources leads astray";
            sources += base_check_mark(i);
            why = check_source(f, i, s);
        }
    }
    if (!why && (queues != s->queues || sources != s->sources))
        why = "frag: a datagram or a source stands in no chain";
    return why;
}

const char *frag_check(const struct frag *f)
{
    struct sums s = {0};
    const char *why;

    if (!f->head)
        return NULL;
    why = check_pools(f, &s);
    for (int v6 = 0; !why && v6 < 2; v6++)
        why = check_age(f, v6, &s);
    if (!why)
        why = check_frag_chains(f, &s);
    if (why)
        return why;
    if (s.aged != s.queues)
        return "frag: a datagram is not in the list by age";
    if (s.paged != s.pages)
        return "frag: a page is not one datagram's";
    if (s.of_queues != s.own_queues || s.of_pages != s.own_pages)
        return "frag: sources are not charged for what they have";
    if (f->stats[CT_STAT_frags_waiting] != s.waiting ||
        f->stats[CT_STAT_frag_datagrams] != f->queues.used ||
        f->stats[CT_STAT_frag_memory] != frag_queue_memory(f))
        return "frag: what waits is miscounted";
    return NULL;
}
