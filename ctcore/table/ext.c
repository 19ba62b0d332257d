/* ext.c - give a flow a record, and take it back when the flow ends */
#include "table/ext.h"

_Static_assert(offsetof(struct ext, left) % 8 == 0,
               "what readers copy is whole words");

void ext_init(struct exts *e, struct block *b, uint32_t n, uint32_t max)
{
    *e = (struct exts){.by_slot = NULL};
    if (n == 0)
        return;
    pool_init(&e->pool, b, n < max ? n : max, sizeof(struct ext),
              offsetof(struct ext, link));
    e->by_slot = block_take(b, (size_t)max * sizeof(uint32_t));
}

/* Nothing of the flow that had the record before. */
static void clear_ext(struct ext *x)
{
    static const struct ext none;

    conn_store(x, &none, offsetof(struct ext, left));
    x->help = none.help;
    x->call[CT_DIR_ORIGINAL] = x->call[CT_DIR_REPLY] = CT_NONE;
    x->expected = CT_NONE;
}

struct ext *ext_add(struct exts *e, uint32_t slot, enum ext_kind kind)
{
    struct ext *x = ext_find(e, slot);

    ct_assert(e->pool.n == 0 || kind < EXT_N_KINDS);
    if (!x) {
        uint32_t i = e->by_slot ? pool_get(&e->pool) : CT_NONE;

        if (i == CT_NONE)
            return NULL;
        x = ext_at(e, i + 1);
        clear_ext(x);
        conn_set(e->by_slot[slot], i + 1);
    }
    conn_set(x->kinds, x->kinds | (uint64_t)1 << kind);
    return x;
}

void ext_free(struct exts *e, uint32_t slot)
{
    if (!ext_find(e, slot))
        return;
    pool_put(&e->pool, e->by_slot[slot] - 1);
    conn_set(e->by_slot[slot], 0u);
}
