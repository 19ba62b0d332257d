/* words.c - names and their numbers, out of words.def */
#include <ctcore/words.h>

#include <assert.h>
#include <stddef.h>

static const struct ct_word protos[] = {
#define P(NAME, name, number, header, ids, sum_at, sum, content)               \
    {#name, number},
    CT_PROTOS(P)
#undef P
#define N(NAME, name, number) {#name, number},
        CT_BARE_PROTOS(N)
#undef N
#define A(name, NAME) {name, CT_PROTO_##NAME},
            CT_PROTO_ALIASES(A)
#undef A
};

#define LIST(rows)                                                             \
    {                                                                          \
        rows, sizeof(rows) / sizeof((rows)[0])                                 \
    }

static const struct {
    const struct ct_word *row;
    unsigned n;
} lists[CT_N_WORDS] = {
    [CT_WORDS_PROTO] = LIST(protos),
};

const struct ct_word *ct_words(enum ct_words list, unsigned *n)
{
    assert(list < CT_N_WORDS);
    *n = lists[list].n;
    return lists[list].row;
}

const char *ct_word_name(enum ct_words list, uint32_t number)
{
    unsigned n;
    const struct ct_word *row = ct_words(list, &n);

    for (unsigned i = 0; i < n; i++)
        if (row[i].number == number)
            return row[i].name;
    return NULL;
}

static bool same(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b)
        a++, b++;
    return *a == *b;
}

const struct ct_word *ct_word_find(enum ct_words list, const char *name)
{
    unsigned n;
    const struct ct_word *row = ct_words(list, &n);

    for (unsigned i = 0; i < n; i++)
        if (same(row[i].name, name))
            return &row[i];
    return NULL;
}
