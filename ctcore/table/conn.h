/* conn.h - one tracked connection, and how it may be written
 *
 * An entry lives in a slab that never moves: its slot number is a stable name,
 * slot and gen together never come back.  Its owner, the shard's thread, reads
 * it plainly and writes it between conn_write_begin() and conn_write_end(),
 * every store through conn_set() or conn_store(); anyone else copies it word by
 * word and looks whether seq stood still (core/dump.c).  No lock, no fence:
 * each store is a release, each reader's load an acquire, which x86 has free.
 *
 * Owned by the table from table_confirm() to gc's release; before that by the
 * packet that made it, and freed with it. */
#ifndef CONN_H
#define CONN_H

#include "base/assert.h"

#include <ctcore/event.h>
#include <ctcore/lists.h>
#include <ctcore/types.h>

struct ct_conn {
    uint32_t seq; /* odd while it is being written */
    uint32_t gen; /* of the slot: counts its flows */
    struct ct_tuple tuple[CT_N_DIRS];
    uint32_t status; /* enum ct_status */
    uint32_t mark;
    uint64_t expires; /* ms; an entry past it never matches */
    union ct_proto_state proto;
    uint32_t listed; /* s since the core began: last put in line */
    uint8_t in, out;
    uint8_t list;      /* expiry list; LIST_NONE: in none */
    uint8_t hidden_by; /* interface whose address masquerade took, or
                          CT_NO_IFACE: not always that which it leaves by */
    /* links: slot numbers or CT_NONE; readers never follow them */
    uint32_t exp_prev, exp_next;
    uint32_t mapping;            /* of a translated source */
    uint32_t map_prev, map_next; /* flows of that mapping */
    /* the owner's own; readers never look */
    uint8_t counted; /* where: nat/mapping.h */
    bool stray;      /* its packets come to another shard: peers.h */
};

#define conn_set(field, value)                                                 \
    __atomic_store_n(&(field), (value), __ATOMIC_RELEASE)

static inline void conn_write_begin(struct ct_conn *c)
{
    ct_assert_slow(!(c->seq & 1));
    __atomic_store_n(&c->seq, c->seq + 1, __ATOMIC_RELEASE);
}

static inline void conn_write_end(struct ct_conn *c)
{
    ct_assert_slow(c->seq & 1);
    __atomic_store_n(&c->seq, c->seq + 1, __ATOMIC_RELEASE);
}

/* Lookups find it no longer; its holder destroys it. */
static inline void conn_dies(struct ct_conn *c)
{
    conn_write_begin(c);
    conn_set(c->status, c->status | CT_DYING);
    conn_write_end(c);
}

/* Store n bytes, a multiple of 8, both sides aligned to 8. */
static inline void conn_store(void *to, const void *from, size_t n)
{
    uint64_t *d = to;
    const uint64_t *s = from;

    /* Of a constant size: in one straight line. */
#pragma GCC unroll 8
    for (size_t i = 0; i < n / 8; i++)
        __atomic_store_n(&d[i], s[i], __ATOMIC_RELEASE);
}

#endif
