/* ext.h - what few flows need: outside of the entry, paid only when used
 *
 * The kernel's nf_ct_ext.  One pool of records is cut from the block, its size
 * told at start; an array beside the entries, one word a slot, says which
 * record a flow has.  Without records there is no array either, and nothing
 * here costs anything.  A record holds all kinds, of which its flow may use
 * some, and goes with the flow.
 *
 * Its owner writes it as he writes the entry: between conn_write_begin() and
 * conn_write_end() of the flow, every word that readers copy through
 * conn_set() or conn_store(). */
#ifndef EXT_H
#define EXT_H

#include "base/pool.h"
#include "table/conn.h"
#include "table/share.h"

enum ext_kind {
    EXT_HELPER,   /* a helper reads its payload */
    EXT_SEQADJ,   /* its payload grew or shrank: seqadj.h */
    EXT_MASTER,   /* it was expected: who said so, and how it is translated */
    EXT_LABELS,   /* 128 bits of a rule's or an operator's */
    EXT_TIMEOUTS, /* durations of its own */
    EXT_ORDER,    /* its bytes leave in order: a program may change how many */
    EXT_N_KINDS
};

/* One direction's corrections; numbers are those of its sender. */
struct ext_seqadj {
    uint32_t pos, end;      /* where the last change was made: within these */
    uint32_t before, after; /* added to numbers up to pos, and above */
};

/* Of an expected flow. */
struct ext_master {
    uint32_t slot, gen; /* the flow that announced it, then */
    uint8_t dir;        /* of the master's: the way it was to come */
    bool translated;    /* by the master's addresses, and to this port: */
    uint16_t port;
};

/* What a helper remembers of a flow: its own business. */
union ext_help {
    uint64_t words[4];
};

struct ext {
    uint64_t kinds; /* 1 << enum ext_kind */
    uint64_t labels[2];
    struct ext_seqadj seq[CT_N_DIRS];
    struct ext_master master;
    /* of its tracker's rows of params.def, s; 0: as all */
    uint32_t timeouts[CT_MAX_TIMEOUTS];
    uint8_t helper; /* enum ct_helper */
    uint8_t pad[7];
    /* the owner's own; readers never look */
    uint32_t left[CT_N_DIRS]; /* with EXT_ORDER: the next number to leave, as
                                 receivers count */
    union ext_help help;
    uint32_t call[CT_N_DIRS]; /* in the keymap, or CT_NONE */
    struct share_place place; /* its source's share of all records */
    uint32_t expected;        /* first of its expectations, or CT_NONE */
    uint32_t link;            /* of the free list */
};

struct exts {
    struct pool pool;  /* struct ext */
    uint32_t *by_slot; /* record + 1, or 0; NULL: there are no records */
};

/* n: records; max: slots. */
void ext_init(struct exts *e, struct block *b, uint32_t n, uint32_t max);

static inline struct ext *ext_at(const struct exts *e, uint32_t word)
{
    return (struct ext *)(void *)e->pool.items + (word - 1);
}

/* The record of a flow, or NULL.  The owner's: a reader loads the word. */
static inline struct ext *ext_find(const struct exts *e, uint32_t slot)
{
    if (!e->by_slot || e->by_slot[slot] == 0)
        return NULL;
    return ext_at(e, e->by_slot[slot]);
}

/* The same if it has this kind. */
static inline struct ext *ext_of(const struct exts *e, uint32_t slot,
                                 enum ext_kind kind)
{
    struct ext *x = ext_find(e, slot);

    return x && (x->kinds >> kind & 1) ? x : NULL;
}

/* Give the flow this kind; what is in it is zero if it had it not.  NULL: no
 * record left.
 * => between conn_write_begin() and conn_write_end() of that slot. */
struct ext *ext_add(struct exts *e, uint32_t slot, enum ext_kind kind);

/* The flow is gone; the same way. */
void ext_free(struct exts *e, uint32_t slot);

#endif
