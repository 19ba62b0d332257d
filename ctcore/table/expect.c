/* expect.c - make, find, consume and end expectations */
#include "table/expect.h"

#include "base/hash.h"
#include "base/work.h"
#include "packet/tuple.h"

#include <ctcore/bits.h>

_Static_assert(offsetof(struct expect, hash_prev) % 8 == 0 &&
                   offsetof(struct expect, master_tuple) % 8 == 0,
               "what readers copy is whole words");

void expect_init(struct expects *e, struct block *b, uint32_t n)
{
    *e = (struct expects){.n_heads = 0};
    if (n == 0)
        return;
    pool_init(&e->pool, b, n, sizeof(struct expect),
              offsetof(struct expect, age_next));
    e->most = n;
    e->n_heads = ct_power_of_two(n);
    e->heads = block_take(b, e->n_heads * sizeof(uint32_t));
}

void expect_limit(struct expects *e, uint32_t most)
{
    e->most = most;
}

void expect_start(struct expects *e, struct table *table, struct exts *exts,
                  struct peers *peers, uint64_t *stats)
{
    e->table = table;
    e->exts = exts;
    e->peers = peers;
    e->stats = stats;
    e->first = e->last = CT_NONE;
    for (uint32_t i = 0; i < e->n_heads; i++)
        e->heads[i] = CT_NONE;
}

static uint32_t *expect_chain_head(const struct expects *e,
                                   const struct ct_tuple *t)
{
    uint64_t w[3] = {t->dst.w64[0], t->dst.w64[1],
                     (uint64_t)t->zone << 32 | (uint64_t)t->proto << 16 |
                         t->dport};

    return &e->heads[hash_words(w, 3, e->table->key) & (e->n_heads - 1)];
}

/* ---- what matches what ---- */

static bool same_target(const struct ct_tuple *a, const struct ct_tuple *b)
{
    return ct_addr_eq(&a->dst, &b->dst) && a->dport == b->dport &&
           a->proto == b->proto && a->family == b->family && a->zone == b->zone;
}

/* Could one packet fit both?  Holes fit everything. */
static bool asks_overlap(const struct expect_ask *a, const struct expect_ask *b)
{
    return same_target(&a->tuple, &b->tuple) &&
           (a->any_src || b->any_src ||
            ct_addr_eq(&a->tuple.src, &b->tuple.src)) &&
           (a->any_sport || b->any_sport || a->tuple.sport == b->tuple.sport);
}

static bool same_expect_ask(const struct expect_ask *a,
                            const struct expect_ask *b)
{
    return tuple_eq(&a->tuple, &b->tuple) && a->any_src == b->any_src &&
           a->any_sport == b->any_sport;
}

static bool ask_fits_tuple(const struct expect_ask *a, const struct ct_tuple *t)
{
    return same_target(&a->tuple, t) &&
           (a->any_src || ct_addr_eq(&a->tuple.src, &t->src)) &&
           (a->any_sport || a->tuple.sport == t->sport);
}

/* ---- lists ---- */

/* Chains are followed by other shards, too: each store is a release. */
static void enter_hash(struct expects *e, uint32_t i)
{
    struct expect *x = expect_at(e, i);
    uint32_t *head = expect_chain_head(e, &x->ask.tuple);

    conn_set(e->moves, e->moves + 1);
    x->hash_prev = CT_NONE;
    conn_set(x->hash_next, *head);
    if (*head != CT_NONE)
        expect_at(e, *head)->hash_prev = i;
    conn_set(*head, i);
    conn_set(e->moves, e->moves + 1);
}

static void leave_hash(struct expects *e, const struct expect *x)
{
    conn_set(e->moves, e->moves + 1);
    if (x->hash_next != CT_NONE)
        expect_at(e, x->hash_next)->hash_prev = x->hash_prev;
    if (x->hash_prev != CT_NONE)
        conn_set(expect_at(e, x->hash_prev)->hash_next, x->hash_next);
    else
        conn_set(*expect_chain_head(e, &x->ask.tuple), x->hash_next);
    conn_set(e->moves, e->moves + 1);
}

static void enter_master(struct expects *e, uint32_t i, struct ext *ext)
{
    struct expect *x = expect_at(e, i);

    x->master_prev = CT_NONE;
    x->master_next = ext->expected;
    if (ext->expected != CT_NONE)
        expect_at(e, ext->expected)->master_prev = i;
    ext->expected = i;
}

static void leave_master(struct expects *e, const struct expect *x)
{
    if (x->master_next != CT_NONE)
        expect_at(e, x->master_next)->master_prev = x->master_prev;
    if (x->master_prev != CT_NONE)
        expect_at(e, x->master_prev)->master_next = x->master_next;
    else
        ext_find(e->exts, x->master)->expected = x->master_next;
}

/* Behind all that end no later: mostly last, since helpers wait alike. */
static void enter_age(struct expects *e, uint32_t i)
{
    struct expect *x = expect_at(e, i);
    uint32_t after = e->last;

    while (after != CT_NONE && expect_at(e, after)->expires > x->expires) {
        work_step(e->work, 1);
        after = expect_at(e, after)->age_prev;
    }
    x->age_prev = after;
    x->age_next = after == CT_NONE ? e->first : expect_at(e, after)->age_next;
    if (x->age_next != CT_NONE)
        expect_at(e, x->age_next)->age_prev = i;
    else
        e->last = i;
    if (after != CT_NONE)
        expect_at(e, after)->age_next = i;
    else
        e->first = i;
}

static void leave_age(struct expects *e, const struct expect *x)
{
    if (x->age_next != CT_NONE)
        expect_at(e, x->age_next)->age_prev = x->age_prev;
    else
        e->last = x->age_prev;
    if (x->age_prev != CT_NONE)
        expect_at(e, x->age_prev)->age_next = x->age_next;
    else
        e->first = x->age_next;
}

/* ---- coming and going ---- */

/* Is it one whose packets come to another shard? */
static bool is_stray(const struct expects *e, const struct expect *x)
{
    const struct ct_tuple *t = &x->ask.tuple;

    return peers_stray(e->peers, t, x->ask.any_src);
}

static void set_expect_stray(struct expects *e, struct expect *x, bool stray)
{
    if (x->stray == stray)
        return;
    x->stray = stray;
    peers_await(e->peers, stray ? 1 : -1);
}

void expect_steered(struct expects *e, uint32_t i)
{
    struct expect *x = expect_at(e, i);

    if (x->used)
        set_expect_stray(e, x, is_stray(e, x));
}

static void begin_expect_write(struct expect *x)
{
    conn_set(x->seq, x->seq + 1);
}

static void drop_expect(struct expects *e, uint32_t i)
{
    struct expect *x = expect_at(e, i);

    ct_assert(x->used);
    work_step(e->work, 1);
    set_expect_stray(e, x, false);
    leave_hash(e, x);
    leave_master(e, x);
    leave_age(e, x);
    share_leave_few(e->share, &x->place);
    begin_expect_write(x);
    conn_set(x->used, (uint8_t)0);
    begin_expect_write(x); /* even again */
    pool_put(&e->pool, i);
    ct_add(&e->stats[CT_STAT_expect_delete], 1);
    ct_add(&e->stats[CT_STAT_expectations], (uint64_t)-1);
}

static uint32_t expect_index(const struct expects *e, const struct expect *x)
{
    return (uint32_t)(x - expect_at(e, 0));
}

/* One more of this class is one too many: the oldest goes. */
static void keep_policy(struct expects *e, uint32_t master,
                        const struct expect_ask *ask,
                        const struct expect_policy *policy)
{
    uint32_t n = 0, oldest = CT_NONE;
    uint32_t i = ext_find(e->exts, master)->expected;

    for (; i != CT_NONE; i = expect_at(e, i)->master_next) {
        work_step(e->work, 1);
        if (expect_at(e, i)->ask.class == ask->class) {
            n++;
            oldest = i;
        }
    }
    if (n >= policy->max && oldest != CT_NONE)
        drop_expect(e, oldest);
}

static void fill_expect(struct expect *x, uint32_t master,
                        const struct ct_conn *c, const struct expect_ask *ask,
                        uint64_t expires)
{
    begin_expect_write(x);
    conn_set(x->master, master);
    conn_set(x->master_gen, c->gen);
    conn_store(&x->master_tuple, &c->tuple[CT_DIR_ORIGINAL],
               sizeof x->master_tuple);
    conn_store(&x->ask, ask, sizeof x->ask);
    conn_set(x->expires, expires);
    conn_set(x->used, (uint8_t)1);
    begin_expect_write(x);
}

enum expect_made expect_add(struct expects *e, uint32_t master,
                            const struct expect_ask *ask,
                            const struct expect_policy *policy, ct_time now)
{
    const struct ct_conn *c = &e->table->conns[master];
    uint32_t most = e->most < e->pool.n ? e->most : e->pool.n;
    struct share_place place;
    uint32_t i, next, others, n = 0;

    if (e->n_heads == 0)
        return EXPECT_FULL;
    ct_assert(ext_find(e->exts, master));
    others = (uint32_t)peers_others(e->peers, CT_STAT_expectations);
    for (i = *expect_chain_head(e, &ask->tuple); i != CT_NONE; i = next) {
        const struct expect *x = expect_at(e, i);

        work_step(e->work, 1);
        next = x->hash_next;
        if (x->expires <= now.ms ||
            (x->master == master && x->ask.class == ask->class &&
             same_expect_ask(&x->ask, ask)))
            drop_expect(e, i);
        else if (asks_overlap(&x->ask, ask))
            return EXPECT_BUSY;
        else
            n += same_target(&x->ask.tuple, &ask->tuple);
    }
    if (n >= EXPECT_AT_ONE)
        return EXPECT_BUSY;
    keep_policy(e, master, ask, policy);
    if (e->pool.used + others >= most)
        expect_expire(e, now, 1);
    if (!share_take_few(e->share, SHARE_EXPECTED, &c->tuple[CT_DIR_ORIGINAL],
                        e->pool.used + others, most, &place))
        return EXPECT_FULL;
    i = pool_get(&e->pool);
    expect_at(e, i)->place = place;
    fill_expect(expect_at(e, i), master, c, ask,
                now.ms + (uint64_t)policy->seconds * 1000);
    expect_at(e, i)->stray = false;
    set_expect_stray(e, expect_at(e, i), is_stray(e, expect_at(e, i)));
    enter_hash(e, i);
    enter_master(e, i, ext_find(e->exts, master));
    enter_age(e, i);
    ct_add(&e->stats[CT_STAT_expect_create], 1);
    ct_add(&e->stats[CT_STAT_expectations], 1);
    return EXPECT_MADE;
}

static bool is_expect_alive(const struct expects *e, const struct expect *x,
                            ct_time now)
{
    const struct ct_conn *c = &e->table->conns[x->master];

    return c->gen == x->master_gen && c->expires > now.ms &&
           (c->status & (CT_CONFIRMED | CT_DYING)) == CT_CONFIRMED;
}

const struct expect *expect_find(const struct expects *e,
                                 const struct ct_tuple *t, ct_time now)
{
    for (uint32_t i = *expect_chain_head(e, t); i != CT_NONE;) {
        const struct expect *x = expect_at(e, i);

        work_step(e->work, 1);
        if (x->expires > now.ms && ask_fits_tuple(&x->ask, t) &&
            is_expect_alive(e, x, now))
            return x;
        i = x->hash_next;
    }
    return NULL;
}

/* ---- the look from another thread ---- */

#define MAX_RESTARTS 100

/* Does x, whose first words are read whole, wait for t? */
static bool expects_tuple(const struct expect *x, const struct ct_tuple *t,
                          ct_time now)
{
    bool is = false;

    for (int n = 0; n < MAX_RESTARTS; n++) {
        uint32_t seq = __atomic_load_n(&x->seq, __ATOMIC_ACQUIRE);
        struct expect copy = {0};

        for (size_t i = 0; i < offsetof(struct expect, hash_prev) / 8; i++)
            ((uint64_t *)(void *)&copy)[i] = __atomic_load_n(
                &((const uint64_t *)(const void *)x)[i], __ATOMIC_ACQUIRE);
        is = copy.used && copy.expires > now.ms && ask_fits_tuple(&copy.ask, t);
        if (!(seq & 1) && __atomic_load_n(&x->seq, __ATOMIC_RELAXED) == seq)
            break;
    }
    return is;
}

static bool walk_expect_chain(const struct expects *e, const struct ct_tuple *t,
                              ct_time now, struct work *work, bool *is_whole)
{
    uint32_t moves = __atomic_load_n(&e->moves, __ATOMIC_ACQUIRE);
    uint32_t i = __atomic_load_n(expect_chain_head(e, t), __ATOMIC_ACQUIRE);

    for (uint32_t n = 0; i < e->pool.n && n < e->pool.n; n++) {
        work_step(work, 1);
        if (expects_tuple(expect_at(e, i), t, now))
            return true;
        i = __atomic_load_n(&expect_at(e, i)->hash_next, __ATOMIC_ACQUIRE);
    }
    *is_whole =
        !(moves & 1) && __atomic_load_n(&e->moves, __ATOMIC_RELAXED) == moves;
    return false;
}

bool expect_holds(const struct expects *e, const struct ct_tuple *t,
                  ct_time now, struct work *work)
{
    bool is_whole = e->n_heads == 0;

    for (int n = 0; n < MAX_RESTARTS && !is_whole; n++)
        if (walk_expect_chain(e, t, now, work, &is_whole))
            return true;
    return !is_whole;
}

/* ---- what became of one ---- */

void expect_consume(struct expects *e, const struct expect *x)
{
    ct_add(&e->stats[CT_STAT_expect_new], 1);
    if (!x->ask.permanent)
        drop_expect(e, expect_index(e, x));
}

void expect_cancel(struct expects *e, uint32_t master, const struct ct_tuple *t)
{
    uint32_t i = ext_find(e->exts, master)->expected, next;

    for (; i != CT_NONE; i = next) {
        work_step(e->work, 1);
        next = expect_at(e, i)->master_next;
        if (same_target(&expect_at(e, i)->ask.tuple, t))
            drop_expect(e, i);
    }
}

void expect_forget(struct expects *e, uint32_t master)
{
    const struct ext *ext = ext_find(e->exts, master);

    while (ext->expected != CT_NONE)
        drop_expect(e, ext->expected);
}

uint32_t expect_expire(struct expects *e, ct_time now, uint32_t budget)
{
    uint32_t n = 0;

    while (n < budget && e->pool.used > 0 &&
           expect_at(e, e->first)->expires <= now.ms) {
        drop_expect(e, e->first);
        n++;
    }
    return n;
}
