/* hash.c - SipHash-1-3 over whole words, and choices */
#include "base/hash.h"

#include <ctcore/bits.h>

uint64_t hash_words(const uint64_t *words, unsigned n, const uint64_t key[2])
{
    struct hash_sip s = hash_begin(key);

    for (unsigned i = 0; i < n; i++)
        hash_word(&s, words[i]);
    return hash_end(&s, n);
}

uint64_t hash_rng_next(struct rng *rng)
{
    return ct_splitmix(&rng->state);
}

uint32_t hash_rng_below(struct rng *rng, uint32_t n)
{
    return (uint32_t)((hash_rng_next(rng) >> 32) * n >> 32);
}
