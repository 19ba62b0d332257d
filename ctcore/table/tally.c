/* tally.c - counters in hash chains, taken from a pool and given back at
 * nought */
#include "table/tally.h"

#include "base/hash.h"

#include <ctcore/bits.h>

void tally_init_heads(struct tally *t, struct block *b, uint32_t sources)
{
    t->n_heads = ct_power_of_two(sources);
    t->heads = block_take(b, (size_t)t->n_heads * sizeof *t->heads);
}

void tally_init_counters(struct tally *t, struct block *b, uint32_t n)
{
    pool_init(&t->counters, b, n, sizeof(struct tally_counter),
              offsetof(struct tally_counter, n));
}

void tally_mask(union ct_addr *a, unsigned bits)
{
    for (unsigned i = 0; i<sizeof a->b; i++, bits = bits> 8 ? bits - 8 : 0)
        if (bits < 8)
            a->b[i] &= (uint8_t)(0xff00u >> bits);
}

_Static_assert(sizeof(struct tally_key) % 8 == 0, "copied in whole words");

static bool same_tally_key(const struct tally_key *a, const struct tally_key *b)
{
    return ct_addr_eq(&a->source, &b->source) && a->what == b->what &&
           a->zone == b->zone && a->family == b->family;
}

static uint32_t tally_chain_head(const struct tally *t,
                                 const struct tally_key *key,
                                 const uint64_t hash_key[2])
{
    uint64_t w[3] = {key->source.w64[0], key->source.w64[1],
                     (uint64_t)key->zone << 32 | (uint32_t)key->what << 8 |
                         key->family};

    return (uint32_t)hash_words(w, 3, hash_key) & (t->n_heads - 1);
}

/* Where that counter is named, or where its chain ends. */
static uint32_t *find_counter_link(const struct tally *t,
                                   const struct tally_key *key)
{
    uint32_t *link = &t->heads[tally_chain_head(t, key, t->key)];

    while (*link && !same_tally_key(&tally_at(t, *link)->key, key)) {
        work_step(t->work, 1);
        link = &tally_at(t, *link)->next;
    }
    return link;
}

static void store_counter(uint32_t *word, uint32_t to)
{
    __atomic_store_n(word, to, __ATOMIC_RELEASE);
}

/* ---- the look from another thread ---- */

#define MAX_RESTARTS 100

static uint32_t load_counter(const uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static struct tally_key copy_key(const struct tally_counter *c)
{
    struct tally_key key;
    const uint64_t *from = (const void *)&c->key;

    for (size_t i = 0; i < sizeof key / 8; i++)
        ((uint64_t *)(void *)&key)[i] =
            __atomic_load_n(&from[i], __ATOMIC_ACQUIRE);
    return key;
}

static uint32_t walk_tally_chain(const struct tally *t,
                                 const struct tally_key *key, uint32_t head,
                                 struct work *work)
{
    uint32_t i = load_counter(&t->heads[head]);

    for (uint32_t n = 0; i && i <= t->counters.n && n < t->counters.n; n++) {
        const struct tally_counter *c = tally_at(t, i);
        struct tally_key is = copy_key(c);

        if (same_tally_key(&is, key))
            return load_counter(&c->n);
        work_step(work, 1);
        i = load_counter(&c->next);
    }
    return 0;
}

uint32_t tally_peek(const struct tally *t, const struct tally_key *key,
                    const struct tally *own)
{
    uint32_t head = tally_chain_head(t, key, own->key), n = 0;

    for (int k = 0; k < MAX_RESTARTS; k++) {
        uint32_t moves = load_counter(&t->moves);

        n = walk_tally_chain(t, key, head, own->work);
        if (!(moves & 1) &&
            __atomic_load_n(&t->moves, __ATOMIC_RELAXED) == moves)
            break;
    }
    return n;
}

/* ---- the owner's ---- */

uint32_t tally_find(const struct tally *t, const struct tally_key *key)
{
    return *find_counter_link(t, key);
}

uint32_t tally_count(const struct tally *t, uint32_t counter)
{
    return counter ? tally_at(t, counter)->n : 0;
}

static void fill_counter(struct tally_counter *c, const struct tally_key *key)
{
    const uint64_t *from = (const void *)key;
    uint64_t *to = (void *)&c->key;

    for (size_t i = 0; i < sizeof *key / 8; i++)
        __atomic_store_n(&to[i], from[i], __ATOMIC_RELEASE);
    store_counter(&c->n, 0);
    store_counter(&c->next, 0);
}

uint32_t tally_add(struct tally *t, const struct tally_key *key)
{
    uint32_t *link = find_counter_link(t, key);

    if (!*link) {
        uint32_t counter = pool_get(&t->counters) + 1;

        ct_assert(counter != 0);
        store_counter(&t->moves, t->moves + 1);
        fill_counter(tally_at(t, counter), key);
        store_counter(link, counter);
        store_counter(&t->moves, t->moves + 1);
    }
    store_counter(&tally_at(t, *link)->n, tally_at(t, *link)->n + 1);
    return *link;
}

void tally_take(struct tally *t, uint32_t counter)
{
    struct tally_counter *c = tally_at(t, counter);

    ct_assert(counter - 1 < t->counters.fresh && c->n > 0);
    store_counter(&c->n, c->n - 1);
    if (c->n > 0)
        return;
    store_counter(&t->moves, t->moves + 1);
    store_counter(find_counter_link(t, &c->key), c->next);
    pool_put(&t->counters, counter - 1);
    store_counter(&t->moves, t->moves + 1);
}
