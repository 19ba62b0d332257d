/* hash.c - SipHash-1-3 over whole words, and splitmix64 */
#include "hash.h"

uint64_t hash_words(const uint64_t *words, unsigned n, const uint64_t key[2])
{
    struct hash_sip s = hash_begin(key);

    for (unsigned i = 0; i < n; i++)
        hash_word(&s, words[i]);
    return hash_end(&s, n);
}

uint64_t rng_next(struct rng *rng)
{
    uint64_t z = rng->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint32_t rng_below(struct rng *rng, uint32_t n)
{
    return (uint32_t)((rng_next(rng) >> 32) * n >> 32);
}
