/* tuple.h - compare and hash tuples */
#ifndef TUPLE_H
#define TUPLE_H

#include "base/hash.h"

#include <ctcore/types.h>
#include <string.h>

/* Five words; the struct has no padding (asserted in tuple.c). */
static inline bool tuple_eq(const struct ct_tuple *a, const struct ct_tuple *b)
{
    uint64_t x, y;

    memcpy(&x, &a->sport, 8);
    memcpy(&y, &b->sport, 8);
    return ((a->src.w64[0] ^ b->src.w64[0]) | (a->src.w64[1] ^ b->src.w64[1]) |
            (a->dst.w64[0] ^ b->dst.w64[0]) | (a->dst.w64[1] ^ b->dst.w64[1]) |
            (x ^ y)) == 0;
}

uint64_t tuple_hash_whole(const struct ct_tuple *t, const uint64_t key[2]);

/* SipHash-1-3 of the tuple's five words as they stand; of an IPv4 tuple, whose
 * addresses are mostly zeros, only of the 16 bytes that say something. */
static inline uint64_t tuple_hash(const struct ct_tuple *t,
                                  const uint64_t key[2])
{
    uint64_t rest;

    if (t->family != CT_IPV4)
        return tuple_hash_whole(t, key);
    memcpy(&rest, &t->sport, 8);
    return hash_two((uint64_t)t->dst.w32[0] << 32 | t->src.w32[0], rest, key);
}

#endif
