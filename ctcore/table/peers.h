/* peers.h - what the shards of one router know of each other
 *
 * Steering says which shard a packet comes to; a reload may change that while
 * flows live.  A flow stays where it is: it is a stray there from then on, and
 * as long as a shard has strays the others look into its table before they open
 * a flow or give a port away.  While there are none, no shard looks.
 *
 * A shard that has not taken today's steering may open flows by that of before:
 * it has the first right to those, so two shards never open one flow. */
#ifndef PEERS_H
#define PEERS_H

#include "packet/shard.h"
#include "table/table.h"

/* What a shard shows to others: a cache line that only it writes. */
struct peer {
    _Alignas(64) uint32_t serial; /* of the steering in use; 0: none */
    uint32_t strays;              /* flows; and one while they are counted */
    uint32_t awaited;             /* the same of expectations */
};

struct peers {
    struct peer own;
    const struct ct_steer *steer;
    uint32_t n, self; /* n is 0 where there are no others */
    uint32_t n_all;   /* how many there will be: see ct_set_peers() */
    bool busy;        /* of the packet at hand: others must be asked */
    bool counting;
    uint32_t strays, awaited;
    const struct peer *face[CT_MAX_SHARDS];
    const struct table *table[CT_MAX_SHARDS];
    const uint64_t *stats[CT_MAX_SHARDS];
    struct work *work;
};

/* Is the shard that owns t's packets another one?  any_src: whatever its source
 * is; true as well if that depends on the source. */
bool peers_stray(const struct peers *p, const struct ct_tuple *t, bool any_src);

/* The sum of a counter over the other shards: limits that are one for all. */
uint64_t peers_others(const struct peers *p, enum ct_stat stat);

/* One more or less flow, or expectation, that is a stray. */
void peers_count(struct peers *p, int by);
void peers_await(struct peers *p, int by);

/* New steering: until peers_counted() others take it that there are strays. */
void peers_steer(struct peers *p, const struct ct_steer *steer);
void peers_counted(struct peers *p);

/* Must others be asked at all?  Sets busy. */
bool peers_look(struct peers *p);

/* Another shard that may have strays, at or after i; p->n: none. */
uint32_t peers_next(const struct peers *p, uint32_t i);

/* The shard besides this one that has a flow of this tuple, or CT_NONE. */
uint32_t peers_find(const struct peers *p, const struct ct_tuple *t,
                    uint64_t hash, ct_time now);

/* The shard that has not taken today's steering, and owns t by what it uses;
 * of several the one that is furthest behind.  CT_NONE: there is none. */
uint32_t peers_claim(const struct peers *p, const struct ct_tuple *t);

#endif
