/* remote.h - which outside ports are in use towards each remote
 *
 * A remote is an outside address of ours, a protocol, and the far end's address
 * and port, in a zone: two flows towards it can't have the same port.  Each
 * remote has a bitmap of its ports, sparse: only words of which some bit is set
 * exist, found by hash, and words of which each bit says that one of those is
 * full.  So a free port is found, or known not to exist, in some twenty looks,
 * however many ports there are and however many flows.
 *
 * Most remotes have few flows, which would take a word each.  So the first
 * REMOTE_UNMARKED uses of a remote are only counted: a search meets that many
 * ports at most that are in use though no bit says so.  A port that rests is in
 * use (quarantine.h).
 *
 * Bits and counts are hints.  Who takes a port asks the table. */
#ifndef REMOTE_H
#define REMOTE_H

#include "base/pool.h"
#include "base/work.h"

#define REMOTE_UNMARKED 64u

/* A word of 64 ports, or of 64 such words of which each is full or not. */
struct remote_word {
    uint32_t tag; /* who it is of, as far as the bucket does not say */
    uint32_t next;
    uint64_t bits;
};

struct remotes {
    struct pool words; /* struct remote_word */
    uint32_t *heads;   /* by hash: a word's number + 1, or 0 */
    uint32_t n_heads;  /* a power of two */
    uint32_t *count;   /* uses, by remote; two may share a counter */
    uint32_t n_count;  /* a power of two */
    struct work *work;
};

void remote_init_all(struct remotes *rs, struct block *b, uint32_t max);

/* The remote that t comes from; its port of ours does not matter. */
uint64_t remote_key(const struct ct_tuple *t, const uint64_t key[2]);

/* Its port number index (see portmap.h) is in use once more; answers whether a
 * bit says so, which remote_take() must be told. */
bool remote_add(struct remotes *rs, uint64_t remote, uint32_t index);
void remote_take(struct remotes *rs, uint64_t remote, uint32_t index,
                 bool marked);

/* Ports of word number word that are in use, as far as bits say. */
uint64_t remote_word(struct remotes *rs, uint64_t remote, uint32_t word);
/* The first index from at on, below end, that is not in a word known to be
 * full; UINT32_MAX: there is none. */
uint32_t remote_skip(struct remotes *rs, uint64_t remote, uint32_t at,
                     uint32_t end);

#endif
