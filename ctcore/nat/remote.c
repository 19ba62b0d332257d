/* remote.c - sparse bitmaps: words found by hash, and words that say which
 * are full */
#include "nat/remote.h"

#include "packet/parse.h"
#include "packet/tuple.h"

#include <ctcore/bits.h>

/* Words of words are numbered behind all words. */
#define FULL_WORDS 1024u

void remote_init_all(struct remotes *rs, struct block *b, uint32_t max)
{
    *rs = (struct remotes){.n_heads = ct_power_of_two(max / 16 + 16),
                           .n_count = ct_power_of_two(max)};
    rs->heads = block_take(b, rs->n_heads * sizeof(uint32_t));
    rs->count = block_take(b, rs->n_count * sizeof(uint32_t));
    pool_init(&rs->words, b, max / 4 + 16, sizeof(struct remote_word),
              offsetof(struct remote_word, next));
}

uint64_t remote_key(const struct ct_tuple *t, const uint64_t key[2])
{
    struct ct_tuple k = *t;

    if (ct_proto_is_icmp(t->proto))
        k.sport = 0;
    else
        k.dport = 0;
    return tuple_hash(&k, key);
}

static struct remote_word *remote_word_at(const struct remotes *rs,
                                          uint32_t link)
{
    return (struct remote_word *)(void *)rs->words.items + (link - 1);
}

/* The remote's hash is keyed, so that spreads its words. */
static uint64_t place_of(uint64_t remote, uint32_t word)
{
    return ct_spread(remote + word + 1);
}

/* Where that word is named, or where its chain ends. */
static uint32_t *find_remote_link(struct remotes *rs, uint64_t remote,
                                  uint32_t word)
{
    uint64_t place = place_of(remote, word);
    uint32_t tag = (uint32_t)(place >> 32);
    uint32_t *link = &rs->heads[place & (rs->n_heads - 1)];

    work_step(rs->work, 1);
    while (*link && remote_word_at(rs, *link)->tag != tag) {
        link = &remote_word_at(rs, *link)->next;
        work_step(rs->work, 1);
    }
    return link;
}

static uint64_t bits_of(struct remotes *rs, uint64_t remote, uint32_t word)
{
    uint32_t link = *find_remote_link(rs, remote, word);

    return link ? remote_word_at(rs, link)->bits : 0;
}

/* False: the bit was set, or there is no room. */
static bool remote_set_bit(struct remotes *rs, uint64_t remote, uint32_t word,
                           uint32_t bit, uint64_t *bits)
{
    uint32_t *link = find_remote_link(rs, remote, word), item;

    if (!*link) {
        item = pool_get(&rs->words);
        if (item == CT_NONE)
            return false;
        *link = item + 1;
        *remote_word_at(rs, *link) = (struct remote_word){
            .tag = (uint32_t)(place_of(remote, word) >> 32)};
    }
    if (remote_word_at(rs, *link)->bits >> bit & 1)
        return false;
    *bits = remote_word_at(rs, *link)->bits |= 1ull << bit;
    return true;
}

/* Answers what the word was. */
static uint64_t remote_clear_bit(struct remotes *rs, uint64_t remote,
                                 uint32_t word, uint32_t bit)
{
    uint32_t *link = find_remote_link(rs, remote, word), item = *link;
    uint64_t was;

    if (!item)
        return 0;
    was = remote_word_at(rs, item)->bits;
    remote_word_at(rs, item)->bits &= ~(1ull << bit);
    if (remote_word_at(rs, item)->bits == 0) {
        *link = remote_word_at(rs, item)->next;
        pool_put(&rs->words, item - 1);
    }
    return was;
}

bool remote_add(struct remotes *rs, uint64_t remote, uint32_t index)
{
    uint32_t *count = &rs->count[remote & (rs->n_count - 1)];
    uint32_t word = index >> 6;
    uint64_t bits = 0;

    if ((*count)++ < REMOTE_UNMARKED ||
        !remote_set_bit(rs, remote, word, index & 63, &bits))
        return false;
    if (bits == UINT64_MAX)
        (void)remote_set_bit(rs, remote, FULL_WORDS + (word >> 6), word & 63,
                             &bits);
    return true;
}

void remote_take(struct remotes *rs, uint64_t remote, uint32_t index,
                 bool marked)
{
    uint32_t word = index >> 6;
    uint64_t was;

    ct_assert(rs->count[remote & (rs->n_count - 1)] > 0);
    --rs->count[remote & (rs->n_count - 1)];
    if (!marked)
        return;
    was = remote_clear_bit(rs, remote, word, index & 63);
    ct_assert(was >> (index & 63) & 1);
    if (was == UINT64_MAX)
        (void)remote_clear_bit(rs, remote, FULL_WORDS + (word >> 6), word & 63);
}

uint64_t remote_word(struct remotes *rs, uint64_t remote, uint32_t word)
{
    return rs->words.used ? bits_of(rs, remote, word) : 0;
}

uint32_t remote_skip(struct remotes *rs, uint64_t remote, uint32_t from,
                     uint32_t end)
{
    uint32_t word = from >> 6;

    while (word << 6 < end) {
        uint64_t open = ~bits_of(rs, remote, FULL_WORDS + (word >> 6)) &
                        ~0ull << (word & 63);

        if (open) {
            uint32_t first = (word & ~63u) | (uint32_t)__builtin_ctzll(open);

            if (first == from >> 6)
                return from;
            return first << 6 < end ? first << 6 : UINT32_MAX;
        }
        word = (word | 63) + 1;
    }
    return UINT32_MAX;
}
