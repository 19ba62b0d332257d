/* tuple.c - the table's key
 *
 * The five words of a tuple are hashed as they stand; of an IPv4 tuple, whose
 * addresses are mostly zeros, only the two that say something. */
#include "tuple.h"

#include "hash.h"

#include <assert.h>

static_assert(sizeof(struct ct_tuple) == 40 &&
                  offsetof(struct ct_tuple, sport) == 32,
              "a tuple is five words, none of it padding");

uint64_t tuple_hash(const struct ct_tuple *t, const uint64_t key[2])
{
    uint64_t words[5];

    if (t->family == CT_IPV4) {
        words[0] = (uint64_t)t->dst.w32[0] << 32 | t->src.w32[0];
        memcpy(&words[1], &t->sport, 8);
        return hash_words(words, 2, key);
    }
    memcpy(words, t, sizeof words);
    return hash_words(words, 5, key);
}
