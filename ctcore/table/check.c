/* check.c - see check.h */
#include "table/check.h"

#include "base/check.h"

static bool is_conn_confirmed(const struct ct_conn *c)
{
    return c->status & CT_CONFIRMED;
}

static bool is_used(const struct ct_conn *c)
{
    return is_conn_confirmed(c) || (c->seq & 1);
}

static uint32_t count_confirmed(const struct pool *conns)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < conns->fresh; i++)
        n += is_conn_confirmed(table_check_conn(conns, i));
    return n;
}

/* ---- the table ---- */

static bool is_conn_alive(const struct ct_conn *c, ct_time now)
{
    return c->expires > now.ms && !(c->status & CT_DYING);
}

static const char LINES_ASTRAY[] = "table: a bucket's lines lead astray";

static const struct bucket *next_line(const struct table *t,
                                      const struct bucket *b)
{
    return b->link ? (const struct bucket *)(const void *)t->lines.items +
                         b->link - 1
                   : NULL;
}

static const char *check_tuple(const struct table *t, uint32_t slot,
                               enum ct_dir dir, ct_time now)
{
    const struct ct_conn *c = &t->conns[slot], *other;
    uint64_t hash = tuple_hash(&c->tuple[dir], t->key);
    uint32_t word, own = (slot + 1) << 1 | (uint32_t)dir, n = 0, lines = 0;
    const struct bucket *b = &t->buckets[table_bucket(t, hash)];

    own |= (uint32_t)hash << (t->index_bits + 1);
    for (; b; b = next_line(t, b)) {
        if (lines++ > t->lines.used)
            return LINES_ASTRAY;
        for (uint32_t i = 0; i < TABLE_WIDTH; i++) {
            word = b->slot[i];
            n += word == own;
            if (word == 0 || table_index(t, word) == slot)
                continue;
            other = &t->conns[table_index(t, word)];
            if (tuple_eq(&other->tuple[word & 1], &c->tuple[dir]) &&
                is_conn_alive(other, now) && is_conn_alive(c, now))
                return "table: two living entries have the same tuple";
        }
    }
    return n == 1 ? NULL : "table: an entry is not found once by its tuple";
}

static const char *check_lines(const struct table *t, uint32_t confirmed)
{
    uint64_t used, seen = 0, words = 0, empty;
    const char *why = base_check_pool(&t->lines, &used);
    uint32_t lines = 0;

    if (why)
        return why;
    if (t->moves & 1)
        return "table: its count of moves is odd";
    for (uint32_t i = 0; i < t->n_buckets; i++)
        for (const struct bucket *b = &t->buckets[i]; b; b = next_line(t, b)) {
            empty = words;
            for (uint32_t k = 0; k < TABLE_WIDTH; k++)
                words += b->slot[k] != 0;
            if (b == &t->buckets[i])
                continue;
            if (lines++ == t->lines.used)
                return LINES_ASTRAY;
            if (words == empty)
                return "table: an overflow line is empty";
            seen += base_check_mark(
                (uint64_t)(b - (const struct bucket *)(void *)t->lines.items));
        }
    if (seen != used)
        return "table: an overflow line is lost";
    return words == (uint64_t)CT_N_DIRS * confirmed
               ? NULL
               : "table: a bucket names what is not confirmed";
}

const char *table_check_flows(const struct table *t, const struct pool *conns,
                              ct_time now)
{
    uint64_t used, seen = 0;
    const char *why = base_check_pool(conns, &used);

    for (uint32_t i = 0; !why && i < conns->fresh; i++) {
        const struct ct_conn *c = table_check_conn(conns, i);

        if (is_used(c))
            seen += base_check_mark(i);
        if (!is_conn_confirmed(c))
            continue;
        if (c->seq & 1)
            return "table: a confirmed entry's sequence count is odd";
        for (int d = 0; !why && d < CT_N_DIRS; d++)
            why = check_tuple(t, i, (enum ct_dir)d, now);
    }
    if (!why && seen != used)
        why = "table: an entry is neither free, confirmed, nor being written";
    return why ? why : check_lines(t, count_confirmed(conns));
}

/* ---- time ---- */

static const char *check_list(const struct expiry *e, const struct pool *conns,
                              uint32_t list)
{
    const struct expiry_list *l = &e->list[list];
    uint32_t n = 0, before = CT_NONE, slot = l->head;

    for (; slot != CT_NONE; before = slot, slot = e->conns[slot].exp_next) {
        const struct ct_conn *c = &e->conns[slot];

        if (n++ == conns->used || c->exp_prev != before || c->list != list ||
            !is_conn_confirmed(c))
            return "expiry: a list leads astray";
        if (before != CT_NONE && c->listed < e->conns[before].listed)
            return "expiry: a list is out of order";
    }
    if (l->tail != before || l->count != n)
        return "expiry: a list has another length than it says";
    return NULL;
}

static const char *check_heap(const struct deadlines *d, uint32_t n)
{
    if (d->n != n)
        return "deadlines: a flow of its own duration is not in the heap";
    for (uint32_t i = 0; i < d->n; i++) {
        const struct deadline *at = &d->heap[i];

        if (d->at[at->slot] != i + 1 || d->conns[at->slot].list < EXPIRY_OWN ||
            at->key_ms > d->conns[at->slot].expires)
            return "deadlines: a flow has another place than it says";
        if (i > 0 && d->heap[(i - 1) / 2].key_ms > at->key_ms)
            return "deadlines: the heap is out of order";
    }
    return NULL;
}

const char *table_check_expiry(const struct expiry *e, const struct pool *conns)
{
    uint32_t own = 0, all = 0;
    const char *why = NULL;

    for (uint32_t i = 0; !why && i < EXPIRY_OWN + EXPIRY_N_CLASSES; i++) {
        why = check_list(e, conns, i);
        all += e->list[i].count;
        own += i >= EXPIRY_OWN ? e->list[i].count : 0;
    }
    if (!why && all != count_confirmed(conns))
        why = "expiry: a confirmed entry is in no list";
    return why ? why : check_heap(&e->own, own);
}

/* ---- records ---- */

static bool records_match_status(uint32_t status, const struct ext *x)
{
    static const struct {
        enum ct_status status;
        enum ext_kind kind;
    } rows[] = {{CT_HELPER, EXT_HELPER},
                {CT_SEQ_ADJUST, EXT_SEQADJ},
                {CT_EXPECTED, EXT_MASTER},
                {CT_OWN_TIMEOUTS, EXT_TIMEOUTS}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if ((status & rows[i].status) && !(x && (x->kinds >> rows[i].kind & 1)))
            return false;
    return true;
}

const char *table_check_ext(const struct exts *e, const struct pool *conns)
{
    uint64_t used, seen = 0;
    const char *why = base_check_pool(&e->pool, &used);

    for (uint32_t i = 0; !why && i < conns->fresh; i++) {
        const struct ct_conn *c = table_check_conn(conns, i);
        uint32_t word = e->by_slot ? e->by_slot[i] : 0;

        if (word && (!is_used(c) || word > e->pool.fresh))
            return "ext: a record belongs to no entry";
        if (word)
            seen += base_check_mark(word - 1);
        if (is_used(c) && !records_match_status(c->status, ext_find(e, i)))
            return "ext: a status has no record of its kind";
    }
    if (!why && seen != used)
        why = "ext: a record is not one entry's";
    return why;
}

/* ---- expectations ---- */

static const char *check_expect(const struct expects *e, uint32_t i)
{
    const struct expect *x = expect_at(e, i);
    const struct ct_conn *c = &e->table->conns[x->master];

    if (!x->used || (x->seq & 1))
        return "expect: one is being written, or is free";
    if (!is_conn_confirmed(c) || c->gen != x->master_gen)
        return "expect: a master is gone";
    return NULL;
}

static const char *check_hashes(const struct expects *e, uint64_t used)
{
    uint64_t seen = 0;
    uint32_t n = 0;

    if (e->moves & 1)
        return "expect: its count of moves is odd";
    for (uint32_t h = 0; h < e->n_heads; h++) {
        uint32_t before = CT_NONE, i = e->heads[h];

        for (; i != CT_NONE; before = i, i = expect_at(e, i)->hash_next) {
            if (n++ == e->pool.used || expect_at(e, i)->hash_prev != before)
                return "expect: a chain leads astray";
            seen += base_check_mark(i);
        }
    }
    return seen == used ? NULL : "expect: one stands in no chain";
}

static const char *check_ages(const struct expects *e, uint64_t used)
{
    uint32_t n = 0, strays = 0, before = CT_NONE, i = e->first;
    uint64_t seen = 0;
    const char *why;

    for (; i != CT_NONE; before = i, i = expect_at(e, i)->age_next) {
        const struct expect *x = expect_at(e, i);

        if (n++ == e->pool.used || x->age_prev != before)
            return "expect: the list by age leads astray";
        if (before != CT_NONE && expect_at(e, before)->expires > x->expires)
            return "expect: the list by age is out of order";
        if ((why = check_expect(e, i)))
            return why;
        seen += base_check_mark(i);
        strays += x->stray;
    }
    if (seen != used || e->last != before)
        return "expect: one is not in the list by age";
    return strays == e->peers->awaited ? NULL : "expect: strays are miscounted";
}

static const char *check_masters(const struct expects *e,
                                 const struct pool *conns, uint64_t used)
{
    uint64_t seen = 0;
    uint32_t n = 0;

    for (uint32_t slot = 0; slot < conns->fresh; slot++) {
        const struct ext *x = ext_find(e->exts, slot);
        uint32_t before = CT_NONE, i = x ? x->expected : CT_NONE;

        for (; i != CT_NONE; before = i, i = expect_at(e, i)->master_next) {
            if (n++ == e->pool.used || expect_at(e, i)->master != slot ||
                expect_at(e, i)->master_prev != before)
                return "expect: a master's list leads astray";
            seen += base_check_mark(i);
        }
    }
    return seen == used ? NULL : "expect: one is not in its master's list";
}

const char *table_check_expect(const struct expects *e,
                               const struct pool *conns)
{
    uint64_t used;
    const char *why = base_check_pool(&e->pool, &used);

    if (!why)
        why = check_hashes(e, used);
    if (!why)
        why = check_ages(e, used);
    return why ? why : check_masters(e, conns, used);
}

/* ---- calls ---- */

const char *table_check_keymap(const struct keymap *k, const struct exts *e,
                               const struct pool *conns)
{
    uint64_t used, seen = 0, named = 0;
    const char *why = base_check_pool(&k->pool, &used);
    uint32_t n = 0;

    for (uint32_t h = 0; !why && h < k->n_heads; h++)
        for (uint32_t i = k->heads[h]; i != CT_NONE;
             i = keymap_at(k, i)->next) {
            struct ct_tuple t = keymap_at(k, i)->tuple;
            uint16_t key = t.sport;

            t.sport = 0;
            if (n++ == k->pool.used || !keymap_find(k, &t) || t.sport != key)
                return "keymap: a call is not found by its id";
            seen += base_check_mark(i);
        }
    for (uint32_t slot = 0; slot < conns->fresh; slot++) {
        const struct ext *x = ext_find(e, slot);

        for (int d = 0; x && d < CT_N_DIRS; d++)
            if (x->call[d] != CT_NONE)
                named += base_check_mark(x->call[d]);
    }
    if (!why && (seen != used || named != used))
        why = "keymap: a call is not one record's";
    return why;
}

/* ---- counters ---- */

const char *table_check_tally(const struct tally *t, uint64_t *uses)
{
    uint64_t used, seen = 0;
    const char *why = base_check_pool(&t->counters, &used);

    *uses = 0;
    if (t->moves & 1)
        return "tally: its count of moves is odd";
    for (uint32_t h = 0; !why && h < t->n_heads; h++) {
        uint32_t i = t->heads[h];

        for (uint32_t n = 0; i; i = tally_at(t, i)->next, n++) {
            if (n == t->counters.used || i > t->counters.fresh ||
                tally_find(t, &tally_at(t, i)->key) != i)
                return "tally: a counter is not found by its key";
            if (tally_at(t, i)->n == 0)
                return "tally: a counter of nothing is left";
            seen += base_check_mark(i - 1);
            *uses += tally_at(t, i)->n * base_check_mark(i);
        }
    }
    if (!why && seen != used)
        why = "tally: a counter is lost";
    return why;
}

static uint64_t marks_of(const struct share_place *place)
{
    return (place->source ? base_check_mark(place->source) : 0) +
           (place->prefix ? base_check_mark(place->prefix) : 0);
}

const char *table_check_share(const struct share *s, const struct expects *x,
                              const struct pool *conns, uint32_t mappings)
{
    uint64_t uses, noted = 0;
    const char *why;

    if (!share_is_on(s))
        return NULL;
    why = table_check_tally(&s->tally, &uses);
    for (uint32_t i = 0; i < conns->fresh; i++) {
        const struct ext *ext = ext_find(x->exts, i);

        noted += marks_of(&s->of_flow[i]) + (ext ? marks_of(&ext->place) : 0);
    }
    for (uint32_t i = 0; i < mappings; i++)
        noted += marks_of(&s->of_mapping[i]);
    for (uint32_t i = 0; i < x->pool.fresh; i++)
        if (expect_at(x, i)->used)
            noted += marks_of(&expect_at(x, i)->place);
    if (!why && noted != uses)
        why = "share: counters are not what is noted";
    return why;
}
