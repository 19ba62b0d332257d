/* keymap.c - call ids in hash chains, by the tuple that a packet can show */
#include "table/keymap.h"

#include "packet/tuple.h"

#include <ctcore/bits.h>

void keymap_init(struct keymap *k, struct block *b, uint32_t n)
{
    *k = (struct keymap){.n_heads = 0};
    if (n == 0)
        return;
    pool_init(&k->pool, b, n, sizeof(struct keymap_entry),
              offsetof(struct keymap_entry, next));
    k->n_heads = ct_power_of_two(n);
    k->heads = block_take(b, k->n_heads * sizeof(uint32_t));
}

void keymap_start(struct keymap *k, const uint64_t *key, struct work *work)
{
    k->key = key;
    k->work = work;
    for (uint32_t i = 0; i < k->n_heads; i++)
        k->heads[i] = CT_NONE;
}

/* As a packet stands there: without its source key. */
static struct ct_tuple without_source_key(const struct ct_tuple *t)
{
    struct ct_tuple b = *t;

    b.sport = 0;
    return b;
}

static uint32_t *keymap_chain_head(const struct keymap *k,
                                   const struct ct_tuple *t)
{
    return &k->heads[tuple_hash(t, k->key) & (k->n_heads - 1)];
}

static const struct keymap_entry *find_call_key(const struct keymap *k,
                                                const struct ct_tuple *b)
{
    for (uint32_t i = *keymap_chain_head(k, b); i != CT_NONE;
         i = keymap_at(k, i)->next) {
        struct ct_tuple is = without_source_key(&keymap_at(k, i)->tuple);

        if (tuple_eq(&is, b))
            return keymap_at(k, i);
        work_step(k->work, 1);
    }
    return NULL;
}

uint32_t keymap_add(struct keymap *k, const struct ct_tuple *t)
{
    struct ct_tuple b = without_source_key(t);
    uint32_t i, *head;

    if (k->n_heads == 0 || find_call_key(k, &b) ||
        (i = pool_get(&k->pool)) == CT_NONE)
        return CT_NONE;
    head = keymap_chain_head(k, &b);
    *keymap_at(k, i) = (struct keymap_entry){.tuple = *t, .next = *head};
    *head = i;
    return i;
}

void keymap_remove(struct keymap *k, uint32_t i)
{
    struct ct_tuple b = without_source_key(&keymap_at(k, i)->tuple);
    uint32_t *at = keymap_chain_head(k, &b);

    while (*at != i) {
        ct_assert(*at != CT_NONE);
        work_step(k->work, 1);
        at = &keymap_at(k, *at)->next;
    }
    *at = keymap_at(k, i)->next;
    pool_put(&k->pool, i);
}

bool keymap_find(const struct keymap *k, struct ct_tuple *t)
{
    struct ct_tuple b = without_source_key(t);
    const struct keymap_entry *found;

    if (k->pool.used == 0 || !(found = find_call_key(k, &b)))
        return false;
    t->sport = found->tuple.sport;
    return true;
}
