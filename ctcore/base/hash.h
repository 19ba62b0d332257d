/* hash.h - SipHash-1-3 (Aumasson, Bernstein 2012), the table's keyed hash
 *
 * One round a word, three at the end: what Linux calls hsiphash on 64 bit.
 * hash_words(): n 64-bit words, no length padding beyond the final length
 * word, equal to SipHash-1-3 over those 8 * n bytes on a little-endian host.
 * hash_two() is the same for two words, here so that each packet's hash stays
 * in registers. */
#ifndef HASH_H
#define HASH_H

#include <stdint.h>

struct hash_sip {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t hash_rotl(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

static inline void hash_round(struct hash_sip *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = hash_rotl(s->v1, 13) ^ s->v0;
    s->v3 = hash_rotl(s->v3, 16) ^ s->v2;
    s->v0 = hash_rotl(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = hash_rotl(s->v1, 17) ^ s->v2;
    s->v3 = hash_rotl(s->v3, 21) ^ s->v0;
    s->v2 = hash_rotl(s->v2, 32);
}

static inline struct hash_sip hash_begin(const uint64_t key[2])
{
    return (struct hash_sip){
        key[0] ^ UINT64_C(0x736f6d6570736575),
        key[1] ^ UINT64_C(0x646f72616e646f6d),
        key[0] ^ UINT64_C(0x6c7967656e657261),
        key[1] ^ UINT64_C(0x7465646279746573),
    };
}

static inline void hash_word(struct hash_sip *s, uint64_t m)
{
    s->v3 ^= m;
    hash_round(s);
    s->v0 ^= m;
}

/* n: words there were. */
static inline uint64_t hash_end(struct hash_sip *s, unsigned n)
{
    hash_word(s, (uint64_t)n * 8 << 56);
    s->v2 ^= 0xff;
    hash_round(s);
    hash_round(s);
    hash_round(s);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

static inline uint64_t hash_two(uint64_t a, uint64_t b, const uint64_t key[2])
{
    struct hash_sip s = hash_begin(key);

    hash_word(&s, a);
    hash_word(&s, b);
    return hash_end(&s, 2);
}

uint64_t hash_words(const uint64_t *words, unsigned n, const uint64_t key[2]);

/* A seeded generator for choices, not for keys. */
struct rng {
    uint64_t state;
};
uint64_t hash_rng_next(struct rng *rng);
/* 0 .. n - 1, n > 0, by multiply-shift. */
uint32_t hash_rng_below(struct rng *rng, uint32_t n);

#endif
