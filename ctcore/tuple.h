/* tuple.h - compare and hash tuples */
#ifndef TUPLE_H
#define TUPLE_H

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

/* SipHash-1-3 of the tuple; an IPv4 tuple is packed into 16 bytes. */
uint64_t tuple_hash(const struct ct_tuple *t, const uint64_t key[2]);

#endif
