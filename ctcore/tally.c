#include "tally.h"

#include "hash.h"

struct counter {
    struct tally_key key;
    uint32_t n;    /* or the pool's link */
    uint32_t next; /* number + 1, or 0 */
};

void tally_init_heads(struct tally *t, struct block *b, uint32_t sources)
{
    t->n_heads = pool_power_of_two(sources);
    t->heads = block_take(b, (size_t)t->n_heads * sizeof *t->heads);
}

void tally_init_counters(struct tally *t, struct block *b, uint32_t n)
{
    pool_init(&t->counters, b, n, sizeof(struct counter),
              offsetof(struct counter, n));
}

void tally_mask(union ct_addr *a, unsigned bits)
{
    for (unsigned i = 0; i<sizeof a->b; i++, bits = bits> 8 ? bits - 8 : 0)
        if (bits < 8)
            a->b[i] &= (uint8_t)(0xff00u >> bits);
}

static struct counter *at(const struct tally *t, uint32_t counter)
{
    return (struct counter *)(void *)t->counters.items + (counter - 1);
}

static bool same(const struct tally_key *a, const struct tally_key *b)
{
    return ct_addr_eq(&a->source, &b->source) && a->what == b->what &&
           a->zone == b->zone && a->family == b->family;
}

/* Where that counter is named, or where its chain ends. */
static uint32_t *find(const struct tally *t, const struct tally_key *key)
{
    uint64_t w[3] = {key->source.w64[0], key->source.w64[1],
                     (uint64_t)key->zone << 32 | (uint32_t)key->what << 8 |
                         key->family};
    uint32_t *link = &t->heads[hash_words(w, 3, t->key) & (t->n_heads - 1)];

    while (*link && !same(&at(t, *link)->key, key))
        link = &at(t, *link)->next;
    return link;
}

uint32_t tally_find(const struct tally *t, const struct tally_key *key)
{
    return *find(t, key);
}

uint32_t tally_count(const struct tally *t, uint32_t counter)
{
    return counter ? at(t, counter)->n : 0;
}

uint32_t tally_add(struct tally *t, const struct tally_key *key)
{
    uint32_t *link = find(t, key);

    if (!*link) {
        uint32_t counter = pool_get(&t->counters) + 1;

        *at(t, counter) = (struct counter){.key = *key};
        *link = counter;
    }
    at(t, *link)->n++;
    return *link;
}

void tally_take(struct tally *t, uint32_t counter)
{
    struct counter *c = at(t, counter);

    if (--c->n > 0)
        return;
    *find(t, &c->key) = c->next;
    pool_put(&t->counters, counter - 1);
}
