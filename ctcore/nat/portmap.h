/* portmap.h - which outside ports are in use, and by how many tuples
 *
 * For each external address and protocol that hides a flow: how many tuples of
 * the table go to each of its ports (or ICMP ids), and three levels of bitmap,
 * so that an unused port is found in constant time as long as there is one.
 * A map is there from its address's first translated flow to its last; others'
 * addresses never have one.  What is in use towards one remote only says
 * remote.h.
 *
 * A shard owns the ports p with p % n_shards == shard, and counts only these:
 * index i stands for port i * n_shards + shard.
 *
 * A port that is taken is still looked up in the table. */
#ifndef PORTMAP_H
#define PORTMAP_H

#include "base/hash.h"
#include "base/pool.h"
#include "base/work.h"
#include "table/conn.h"

#define PORTMAP_WORDS 1024u

struct portmap {
    union ct_addr addr;
    uint8_t family, proto;
    bool stuck;       /* a count has reached its end */
    uint32_t next;    /* of its hash: number + 1; or the pool's link */
    uint32_t total;   /* tuples counted */
    uint64_t top;     /* bit w: mid[w] is full */
    uint64_t mid[16]; /* bit: that word of used is full */
    uint64_t used[PORTMAP_WORDS]; /* bit: that index is in use */
};

struct portmaps {
    struct pool maps; /* struct portmap */
    uint16_t *use;    /* by map and index; a port's that no bit names is void */
    uint32_t *heads;  /* by hash: a map's number + 1, or 0 */
    uint32_t n_heads; /* a power of two */
    uint32_t shard, n_shards;
    uint32_t n_index; /* indices of this shard's slice */
    uint64_t key[2];
    struct work *work;
};

/* What is to be zeroed, and the maps of an n, which are not. */
void portmap_init_all(struct portmaps *ps, struct block *b, uint32_t n,
                      uint32_t shard, uint32_t n_shards);
void portmap_init_maps(struct portmaps *ps, struct block *b, uint32_t n);

/* Has the tuple something that NAT may choose: a port, or a query's id? */
bool portmap_is_for(const struct ct_tuple *t);

/* The map of this address and protocol, or NULL: none is counted. */
struct portmap *portmap_find(const struct portmaps *ps,
                             const union ct_addr *addr, uint8_t family,
                             uint8_t proto);
/* The same, made if need be.  NULL: all are in use. */
struct portmap *portmap_make(struct portmaps *ps, const union ct_addr *addr,
                             uint8_t family, uint8_t proto);

/* The port that a tuple goes to: its dport, or the id of a query. */
uint16_t portmap_port(const struct ct_tuple *t);

/* Count a tuple that goes to an index of pm, or take it off again: only what
 * was counted. */
void portmap_count(struct portmaps *ps, struct portmap *pm, uint32_t index);
void portmap_uncount(struct portmaps *ps, struct portmap *pm, uint32_t index);

/* Does some tuple go to this port of pm?  One of another shard's: yes. */
bool portmap_is_used(const struct portmaps *ps, const struct portmap *pm,
                     uint16_t port);

/* The first unused index at or after i, or one past them all. */
uint32_t portmap_open(const struct portmap *pm, uint32_t i);

/* The port that stands at an index of this shard, and the first index whose
 * port is at least port. */
static inline uint16_t portmap_at(const struct portmaps *ps, uint32_t index)
{
    return (uint16_t)(index * ps->n_shards + ps->shard);
}
uint32_t portmap_index(const struct portmaps *ps, uint32_t port);

static inline bool portmap_is_ours(const struct portmaps *ps, uint16_t port)
{
    return port % ps->n_shards == ps->shard;
}

/* Ports of this shard within lo..hi. */
uint32_t portmap_size(const struct portmaps *ps, uint16_t lo, uint16_t hi);

/* The kernel's classes: 1..511, 600..1023 (for 512..1023), 1024..65535; all
 * of 0..65535 for ids. */
void portmap_class(bool id, uint16_t port, uint16_t *lo, uint16_t *hi);

#endif
