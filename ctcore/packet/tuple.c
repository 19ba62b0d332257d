/* tuple.c - the table's key, of tuples that fill their five words */
#include "packet/tuple.h"

#include "base/hash.h"

#include <assert.h>

static_assert(sizeof(struct ct_tuple) == 40 &&
                  offsetof(struct ct_tuple, sport) == 32,
              "a tuple is five words, none of it padding");

uint64_t tuple_hash_whole(const struct ct_tuple *t, const uint64_t key[2])
{
    uint64_t words[5];

    memcpy(words, t, sizeof words);
    return hash_words(words, 5, key);
}
