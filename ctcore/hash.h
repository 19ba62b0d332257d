/* hash.h - SipHash-1-3 (Aumasson, Bernstein 2012), the table's keyed hash
 *
 * One round a word, three at the end: what Linux calls hsiphash on 64 bit.
 * hash_words(): n 64-bit words, no length padding beyond the final length
 * word, equal to SipHash-1-3 over those 8 * n bytes on a little-endian host. */
#ifndef HASH_H
#define HASH_H

#include <stdint.h>

uint64_t hash_words(const uint64_t *words, unsigned n, const uint64_t key[2]);

/* A seeded generator for choices, not for keys: splitmix64. */
struct rng {
    uint64_t state;
};
uint64_t rng_next(struct rng *rng);
/* 0 .. n - 1, n > 0, by multiply-shift. */
uint32_t rng_below(struct rng *rng, uint32_t n);

#endif
