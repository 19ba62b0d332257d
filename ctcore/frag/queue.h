/* queue.h - datagrams that wait, their pages, and who pays for them
 *
 * struct frag stands here, below frag.c, which takes fragments and ends
 * datagrams. */
#ifndef FRAG_QUEUE_H
#define FRAG_QUEUE_H

#include "base/pool.h"
#include "frag/read.h"

enum {
    FRAG_PAGE = 1024,
    FRAG_UNITS = FRAG_PAGE / FRAG_UNIT, /* of a page */
    FRAG_PAGES = 65536 / FRAG_PAGE,     /* of a datagram */
    /* RFC 791 section 3.2: each link takes 68 bytes, and a header of 20 leaves
     * 48.  All leave again in one call. */
    FRAG_LEAST = 48,
    FRAG_PIECES = (65535 - 20) / FRAG_LEAST + 1,
    FRAG_FEW = 16, /* smaller ones, of any datagram */
    FRAG_HEAD_INLINE = 64
};

struct frag_page {
    uint64_t have[FRAG_UNITS / 64]; /* unit i is there: bit i */
    uint64_t cut[FRAG_UNITS / 64];  /* a fragment began at unit i */
    uint8_t bytes[FRAG_PAGE];       /* its first word links free pages */
};

struct frag_queue {
    struct ct_tuple key; /* as ct_parse() leaves it for a fragment */
    uint64_t born_ms;
    uint32_t next;                 /* of the same hash; the free list's link */
    uint32_t older, newer;         /* of its family */
    uint32_t src_older, src_newer; /* of its source */
    uint32_t source, prefix; /* prefix: all of an inside /64, or CT_NONE */
    uint32_t page[FRAG_PAGES];
    uint32_t head_page;           /* long IPv6 headers */
    uint32_t n;                   /* fragments */
    uint32_t units;               /* that are there */
    uint32_t end;                 /* largest end seen: of all, when last_in */
    uint32_t largest, largest_df; /* fragment, as it came */
    uint16_t head_len;
    uint16_t next_at; /* IPv6: the byte of head that names what follows */
    uint8_t next_header;
    uint8_t in;
    uint8_t ecn; /* bit e: a fragment bore the codepoint e */
    bool first_in, last_in;
    uint8_t head[FRAG_HEAD_INLINE];
};

struct frag_source {
    union ct_addr addr;
    uint32_t next;
    uint32_t queues, pages;
    uint32_t oldest, newest;
    uint8_t family;
};

struct frag_age {
    uint32_t oldest, newest; /* queues in the order they were opened */
};

struct frag {
    struct pool queues, pages, sources;
    uint32_t *head, *source_head; /* hash heads, mask + 1 each */
    uint32_t mask;
    uint32_t share;            /* queues of one source */
    uint32_t page_share;       /* pages of one source */
    uint64_t inside;           /* bit i: interface i is */
    struct frag_age age[2];    /* of IPv4, of IPv6 */
    uint64_t key[2];           /* of the hash */
    uint64_t *stats, *reasons; /* the core's */
    struct work *work;         /* too */
};

static inline struct frag_queue *frag_queue_at(const struct frag *f, uint32_t i)
{
    return (struct frag_queue *)(void *)(f->queues.items +
                                         (size_t)i * sizeof(struct frag_queue));
}

static inline struct frag_page *frag_page_at(const struct frag *f, uint32_t i)
{
    return (struct frag_page *)(void *)(f->pages.items +
                                        (size_t)i * sizeof(struct frag_page));
}

static inline struct frag_source *frag_source_at(const struct frag *f,
                                                 uint32_t i)
{
    return (struct frag_source *)(void *)(f->sources.items +
                                          (size_t)i *
                                              sizeof(struct frag_source));
}

/* The queue pkt belongs to, or CT_NONE. */
uint32_t frag_queue_find(const struct frag *f, const struct ct_pkt *pkt);
/* A new one.  Always finds room: others go. */
uint32_t frag_queue_open(struct frag *f, const struct ct_pkt *pkt, ct_time now);
/* The queue is over: whole (NONE), or its fragments are dropped for why. */
void frag_queue_close(struct frag *f, uint32_t i, enum ct_reason why);
/* An empty page for queue i; CT_NONE: it can't have another one. */
uint32_t frag_queue_page(struct frag *f, uint32_t i);
/* Bytes that what waits takes. */
uint64_t frag_queue_memory(const struct frag *f);
/* Bring the gauges up to date. */
void frag_queue_tell(struct frag *f);

#endif
