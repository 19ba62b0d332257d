/* table.c - buckets of tagged slots: link, unlink, look up */
#include "table/table.h"

#include <string.h>

_Static_assert(sizeof(struct bucket) == 32, "two buckets a cache line");

static uint32_t bits_for(uint32_t n)
{
    uint32_t bits = 1;

    while (n >> bits)
        bits++;
    return bits;
}

/* Overflow lines.  A bucket for each entry has two nodes on the average, and
 * seven slots: few need a line.  With fewer buckets all of max must still find
 * room: k nodes of one bucket need fewer than k / 7 lines. */
static uint32_t lines_for(uint32_t n_buckets, uint32_t max)
{
    if (n_buckets < max)
        return 2 * max / TABLE_WIDTH + 1;
    return n_buckets / 64 + max / 64 + 64;
}

void table_init(struct table *t, struct block *b, uint32_t n_buckets,
                uint32_t max)
{
    t->buckets = block_take(b, (size_t)n_buckets * sizeof(struct bucket));
    t->n_buckets = n_buckets;
    pool_init(&t->lines, b, lines_for(n_buckets, max), sizeof(struct bucket),
              offsetof(struct bucket, link));
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

static void set_word(uint32_t *word, uint32_t to)
{
    __atomic_store_n(word, to, __ATOMIC_RELEASE);
}

/* Put a word into the first hole, adding an overflow line if there is none. */
static bool put_tag(struct table *t, uint64_t hash, uint32_t word)
{
    struct bucket *b = &t->buckets[table_bucket(t, hash)], *last = b;
    uint32_t line;

    for (; b; last = b, b = table_next(t, b))
        for (uint32_t i = 0; i < TABLE_WIDTH; i++)
            if (b->slot[i] == 0) {
                set_word(&b->slot[i], word);
                return true;
            }
    line = pool_get(&t->lines);
    if (line == CT_NONE)
        return false;
    b = (struct bucket *)(void *)t->lines.items + line;
    for (uint32_t i = 1; i < TABLE_WIDTH; i++)
        set_word(&b->slot[i], 0);
    set_word(&b->slot[0], word);
    set_word(&b->link, 0);
    set_word(&last->link, line + 1);
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
static void remove_tag(struct table *t, uint64_t hash, uint32_t word)
{
    struct bucket *b = &t->buckets[table_bucket(t, hash)], *before = NULL;

    for (; b; before = b, b = table_next(t, b))
        for (uint32_t i = 0; i < TABLE_WIDTH; i++) {
            if (b->slot[i] != word)
                continue;
            set_word(&b->slot[i], 0);
            if (before && is_empty(b)) {
                uint32_t line = before->link - 1;

                /* A reader on that line may be led astray: it sees moves. */
                set_word(&t->moves, t->moves + 1);
                set_word(&before->link, b->link);
                pool_put(&t->lines, line);
                set_word(&t->moves, t->moves + 1);
            }
            return;
        }
    ct_assert(false); /* it was never put there */
}

/* ---- the look from another thread ---- */

/* A writer that is interrupted in the middle may stand there for long. */
#define MAX_RESTARTS 100

static uint32_t load_tag(const uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

/* Entry c's tuple dir and whether it lives, as one: what is being written all
 * the time counts as it was read last. */
static bool is_entry(const struct ct_conn *c, enum ct_dir dir,
                     const struct ct_tuple *tuple, ct_time now)
{
    bool is = false;

    for (int n = 0; n < MAX_RESTARTS; n++) {
        uint32_t seq = load_tag(&c->seq);
        const uint64_t *from = (const void *)&c->tuple[dir];
        uint64_t words[sizeof *tuple / 8];
        uint32_t status = load_tag(&c->status);

        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            words[i] = __atomic_load_n(&from[i], __ATOMIC_ACQUIRE);
        is = memcmp(words, tuple, sizeof words) == 0 &&
             __atomic_load_n(&c->expires, __ATOMIC_ACQUIRE) > now.ms &&
             (status & (CT_CONFIRMED | CT_DYING)) == CT_CONFIRMED;
        if (!(seq & 1) && __atomic_load_n(&c->seq, __ATOMIC_RELAXED) == seq)
            break;
    }
    return is;
}

/* Once along the chain; *is_whole: no line changed hands meanwhile. */
static bool walk_bucket_chain(const struct table *t,
                              const struct ct_tuple *tuple, uint64_t hash,
                              ct_time now, struct work *work, bool *is_whole)
{
    const struct bucket *b = &t->buckets[table_bucket(t, hash)];
    uint32_t shift = t->index_bits + 1, moves = load_tag(&t->moves);
    uint32_t tag = (uint32_t)hash << shift >> shift;

    for (uint32_t lines = 0; b && lines <= t->lines.n; lines++) {
        uint32_t link;

        work_step(work, 1);
        for (uint32_t i = 0; i < TABLE_WIDTH; i++) {
            uint32_t word = load_tag(&b->slot[i]);

            if (word != 0 && word >> shift == tag &&
                is_entry(&t->conns[table_index(t, word)],
                         (enum ct_dir)(word & 1), tuple, now))
                return true;
        }
        link = load_tag(&b->link);
        b = link - 1 < t->lines.n
                ? (const struct bucket *)(const void *)t->lines.items + link - 1
                : NULL;
    }
    *is_whole =
        !(moves & 1) && __atomic_load_n(&t->moves, __ATOMIC_RELAXED) == moves;
    return false;
}

bool table_holds(const struct table *t, const struct ct_tuple *tuple,
                 uint64_t hash, ct_time now, struct work *work)
{
    bool is_whole = false;

    for (int n = 0; n < MAX_RESTARTS && !is_whole; n++)
        if (walk_bucket_chain(t, tuple, hash, now, work, &is_whole))
            return true;
    return !is_whole;
}

/* ---- entries come and go ---- */

const struct ct_conn *table_find_late(const struct table *t,
                                      const struct ct_tuple *tuple,
                                      uint64_t hash)
{
    const struct bucket *b = &t->buckets[table_bucket(t, hash)];

    for (; b; b = table_next(t, b))
        for (uint32_t i = 0; i < TABLE_WIDTH; i++) {
            uint32_t word = b->slot[i];

            if (word &&
                tuple_eq(&t->conns[table_index(t, word)].tuple[word & 1],
                         tuple))
                return &t->conns[table_index(t, word)];
        }
    return NULL;
}

enum ct_reason table_confirm(struct table *t, uint32_t slot, ct_time now)
{
    const struct ct_conn *c = &t->conns[slot];
    uint64_t hash[CT_N_DIRS];
    enum ct_dir dir;

    ct_assert(c->seq & 1); /* no reader looks at it yet */
    for (int d = 0; d < CT_N_DIRS; d++) {
        hash[d] = tuple_hash(&c->tuple[d], t->key);
        if (table_find(t, &c->tuple[d], hash[d], now, &dir))
            return CT_REASON_CLASH;
    }
    if (!put_tag(t, hash[0], word_of(t, hash[0], slot, CT_DIR_ORIGINAL)))
        return CT_REASON_CHAIN_TOO_LONG;
    if (!put_tag(t, hash[1], word_of(t, hash[1], slot, CT_DIR_REPLY))) {
        remove_tag(t, hash[0], word_of(t, hash[0], slot, CT_DIR_ORIGINAL));
        return CT_REASON_CHAIN_TOO_LONG;
    }
    return CT_REASON_NONE;
}

void table_unlink(struct table *t, uint32_t slot)
{
    const struct ct_conn *c = &t->conns[slot];

    for (int d = 0; d < CT_N_DIRS; d++) {
        uint64_t hash = tuple_hash(&c->tuple[d], t->key);

        remove_tag(t, hash, word_of(t, hash, slot, (enum ct_dir)d));
    }
}

uint32_t table_walk_on(const struct table *t, struct table_walk *walk)
{
    for (; walk->at; walk->at = table_next(t, walk->at), walk->i = 0)
        while (walk->i < TABLE_WIDTH) {
            uint32_t word = walk->at->slot[walk->i++];

            if (word)
                return table_index(t, word);
        }
    return CT_NONE;
}
