/* bits.h - arithmetic that the library and its callers share */
#ifndef CTCORE_BITS_H
#define CTCORE_BITS_H

#include <stdint.h>

/* An odd number near 2^64 divided by the golden ratio. */
#define CT_GOLDEN UINT64_C(0x9e3779b97f4a7c15)

/* A word's bits over all of the answer's: for hashes of what no stranger
 * chooses, or of what a keyed hash has made. */
static inline uint64_t ct_spread(uint64_t word)
{
    word *= CT_GOLDEN;
    return word ^ word >> 32;
}

/* splitmix64 (Steele, Lea, Flood 2014): a generator for choices, not for
 * keys. */
static inline uint64_t ct_splitmix(uint64_t *state)
{
    uint64_t z = *state += CT_GOLDEN;

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* The smallest power of two that is at least n, and never less than 1.
 * => n <= 2^31. */
static inline uint32_t ct_power_of_two(uint32_t n)
{
    uint32_t p = 1;

    while (p < n)
        p <<= 1;
    return p;
}

/* A counter with one writer, whom others read meanwhile: a plain store of the
 * sum is enough.  They load it by __atomic_load_n(). */
static inline void ct_add(uint64_t *counter, uint64_t by)
{
    __atomic_store_n(counter, *counter + by, __ATOMIC_RELAXED);
}

#endif
