/* portmap.h - which outside ports are in use, and by how many tuples
 *
 * For each external address and protocol that NAT has used: how many tuples of
 * the table go to each of its ports (or ICMP ids), and three levels of bitmap
 * over the ports nobody uses, so that an exclusive one is found in constant
 * time as long as there is one.  Beside it, for each (address, protocol,
 * remote, port class), how many tuples: when that is the whole class, the
 * class is full towards that remote, and nobody need search.  A remote is one
 * of a zone, so zones never fill each other; a port that any zone uses is not
 * exclusive, though, and is found by the search.
 *
 * A shard owns the ports p with p % n_shards == shard, and counts only these:
 * index i stands for port i * n_shards + shard.
 *
 * Counts are hints that may only be too high for a remote (two of them in one
 * counter) and are exact for a port; whoever takes a port still asks the table.
 */
#ifndef PORTMAP_H
#define PORTMAP_H

#include "conn.h"
#include "hash.h"
#include "pool.h"

#define PORTMAP_WORDS 1024u

struct portmap {
    union ct_addr addr;
    uint8_t family, proto;
    bool active;
    uint32_t total;                /* tuples counted */
    uint32_t releases;             /* how often one went: a stamp */
    uint32_t *use;                 /* by index */
    uint64_t top;                  /* bit w: some bit of mid[w] */
    uint64_t mid[16];              /* bit: some bit of that word of free_ */
    uint64_t free_[PORTMAP_WORDS]; /* bit: nobody uses that index */
};

struct portmaps {
    struct portmap *map;
    uint32_t n;
    uint32_t shard, n_shards;
    uint32_t n_index;  /* indices of this shard's slice */
    uint32_t *remote;  /* counters */
    uint32_t n_remote; /* a power of two */
    uint64_t key[2];
};

void portmaps_init(struct portmaps *ps, struct block *b, uint32_t n,
                   uint32_t max, uint32_t shard, uint32_t n_shards);
void portmaps_start(struct portmaps *ps); /* once the block is there */

/* The map of this address and protocol; make: begin one if there is room (or
 * one that counts nothing any more can be had).  NULL: uncounted. */
struct portmap *portmap_find(struct portmaps *ps, const union ct_addr *addr,
                             uint8_t family, uint8_t proto, bool make);

/* The port that a tuple goes to: its dport, or the id of a query. */
uint16_t portmap_port(const struct ct_tuple *t);

/* Count a tuple by its destination, or take it off again.  count answers
 * whether it was counted: only then may it be taken off. */
bool portmap_count(struct portmaps *ps, const struct ct_tuple *t);
void portmap_uncount(struct portmaps *ps, const struct ct_tuple *t);
/* One that was not counted is gone: whoever found that port taken may look
 * again. */
void portmap_vacate(struct portmaps *ps, const struct ct_tuple *t);

/* Tuples that go to this port of pm; 0 means that it is exclusively free. */
uint32_t portmap_use(const struct portmaps *ps, const struct portmap *pm,
                     uint16_t port);

/* The first port of this shard at or after start, round within lo..hi, that
 * nobody uses.  False: there is none. */
bool portmap_exclusive(const struct portmaps *ps, const struct portmap *pm,
                       uint16_t lo, uint16_t hi, uint16_t start,
                       uint16_t *port);

/* Ports of this shard within lo..hi. */
uint32_t portmap_size(const struct portmaps *ps, uint16_t lo, uint16_t hi);
/* The k-th of them, k < portmap_size(). */
uint16_t portmap_kth(const struct portmaps *ps, uint16_t lo, uint32_t k);

/* Is lo..hi, the whole of a class, used up towards the remote that t comes
 * from?  t's dst is the address in question; its port does not matter. */
bool portmap_full(const struct portmaps *ps, const struct ct_tuple *t,
                  uint16_t lo, uint16_t hi);

/* The kernel's classes: 1..511, 600..1023 (for 512..1023), 1024..65535; all
 * of 0..65535 for ids. */
void portmap_class(bool id, uint16_t port, uint16_t *lo, uint16_t *hi);

#endif
