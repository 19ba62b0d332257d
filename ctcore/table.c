#include "table.h"

#include <string.h>

_Static_assert(sizeof(struct bucket) == 32, "two buckets a cache line");

static uint32_t bits_for(uint32_t n)
{
    uint32_t bits = 1;

    while (n >> bits)
        bits++;
    return bits;
}

void table_init(struct table *t, struct block *b, uint32_t n_buckets,
                uint32_t max)
{
    t->buckets = block_take(b, (size_t)n_buckets * sizeof(struct bucket));
    t->n_buckets = n_buckets;
    pool_init(&t->lines, b, n_buckets / 64 + max / 64 + 64,
              sizeof(struct bucket), offsetof(struct bucket, link));
    t->index_bits = bits_for(max);
}

/* What a slot of this hash, entry and direction holds.  index + 1, so that no
 * slot in use is 0. */
static uint32_t word_of(const struct table *t, uint64_t hash, uint32_t index,
                        enum ct_dir dir)
{
    return (uint32_t)hash << (t->index_bits + 1) | (index + 1) << 1 |
           (uint32_t)dir;
}

/* Put a word into the first hole, adding an overflow line if there is none. */
static bool put(struct table *t, uint64_t hash, uint32_t word)
{
    struct bucket *b = &t->buckets[table_bucket(t, hash)], *last = b;
    uint32_t line;

    for (; b; last = b, b = table_next(t, b))
        for (uint32_t i = 0; i < TABLE_WIDTH; i++)
            if (b->slot[i] == 0) {
                b->slot[i] = word;
                return true;
            }
    line = pool_get(&t->lines);
    if (line == CT_NONE)
        return false;
    b = (struct bucket *)(void *)t->lines.items + line;
    memset(b, 0, sizeof *b);
    b->slot[0] = word;
    last->link = line + 1;
    return true;
}

static bool is_empty(const struct bucket *b)
{
    for (uint32_t i = 0; i < TABLE_WIDTH; i++)
        if (b->slot[i])
            return false;
    return true;
}

/* Take a word out again; an overflow line that is empty now goes back. */
static void cut(struct table *t, uint64_t hash, uint32_t word)
{
    struct bucket *b = &t->buckets[table_bucket(t, hash)], *before = NULL;

    for (; b; before = b, b = table_next(t, b))
        for (uint32_t i = 0; i < TABLE_WIDTH; i++) {
            if (b->slot[i] != word)
                continue;
            b->slot[i] = 0;
            if (before && is_empty(b)) {
                uint32_t line = before->link - 1;

                before->link = b->link;
                pool_put(&t->lines, line);
            }
            return;
        }
}

enum ct_reason table_confirm(struct table *t, uint32_t slot, ct_time now)
{
    const struct ct_conn *c = &t->conns[slot];
    uint64_t hash[CT_N_DIRS];
    enum ct_dir dir;

    for (int d = 0; d < CT_N_DIRS; d++) {
        hash[d] = tuple_hash(&c->tuple[d], t->key);
        if (table_find(t, &c->tuple[d], hash[d], now, &dir))
            return CT_REASON_CLASH;
    }
    if (!put(t, hash[0], word_of(t, hash[0], slot, CT_DIR_ORIGINAL)))
        return CT_REASON_CHAIN_TOO_LONG;
    if (!put(t, hash[1], word_of(t, hash[1], slot, CT_DIR_REPLY))) {
        cut(t, hash[0], word_of(t, hash[0], slot, CT_DIR_ORIGINAL));
        return CT_REASON_CHAIN_TOO_LONG;
    }
    return CT_REASON_NONE;
}

void table_unlink(struct table *t, uint32_t slot)
{
    const struct ct_conn *c = &t->conns[slot];

    for (int d = 0; d < CT_N_DIRS; d++) {
        uint64_t hash = tuple_hash(&c->tuple[d], t->key);

        cut(t, hash, word_of(t, hash, slot, (enum ct_dir)d));
    }
}

uint32_t table_node(const struct table *t, uint32_t bucket, uint32_t *at)
{
    const struct bucket *b = &t->buckets[bucket];
    uint32_t skip = *at / TABLE_WIDTH;

    while (b && skip--)
        b = table_next(t, b);
    for (; b; b = table_next(t, b))
        for (uint32_t i = *at % TABLE_WIDTH; i < TABLE_WIDTH; i++) {
            ++*at;
            if (b->slot[i])
                return table_index(t, b->slot[i]);
        }
    return CT_NONE;
}
