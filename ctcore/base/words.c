/* words.c - names and their numbers, out of words.def */
#include <ctcore/rules.h>
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

static const struct ct_word families[] = {
#define F(NAME, word, number) {word, CT_##NAME},
    CT_FAMILIES(F)
#undef F
};

static const struct ct_word hooks[] = {
#define H(NAME, word) {word, CT_##NAME},
    CT_HOOKS(H)
#undef H
};

static const struct ct_word stages[] = {
#define G(NAME, word) {word, CT_STAGE_##NAME},
    CT_STAGES(G)
#undef G
};

static const struct ct_word infos[] = {
#define I(NAME, word) {word, CT_##NAME},
    CT_INFOS(I)
#undef I
};

static const struct ct_word statuses[] = {
#define S(NAME, bit, shown, rule, label, help) {shown, CT_##NAME},
    CT_STATUSES(S)
#undef S
};

static const struct ct_word rule_statuses[] = {
#define S(NAME, bit, shown, rule, label, help) {rule, CT_##NAME},
    CT_STATUSES(S)
#undef S
};

static const struct ct_word dscps[] = {
#define C(word, number) {word, number},
    CT_DSCPS(C)
#undef C
};

static const struct ct_word rejects[] = {
#define W(NAME, word) {word, CT_REJECT_##NAME},
    CT_REJECTS(W)
#undef W
};

static const struct ct_word icmp_types[] = {
#define C(word, number) {word, number},
    CT_ICMP_TYPES(C)
#undef C
};

static const struct ct_word icmpv6_types[] = {
#define C(word, number) {word, number},
    CT_ICMPV6_TYPES(C)
#undef C
};

#define AT(HOOK) (1u << CT_##HOOK)
#define ANYWHERE ((1u << CT_N_HOOKS) - 1)

static const struct ct_action_info actions[CT_N_ACTIONS] = {
#define D(NAME, word, stage, hooks, kind, takes, help)                         \
    {word, CT_STAGE_##stage, hooks},
    CT_ACTIONS(D)
#undef D
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
    [CT_WORDS_FAMILY] = LIST(families),
    [CT_WORDS_HOOK] = LIST(hooks),
    [CT_WORDS_STAGE] = LIST(stages),
    [CT_WORDS_INFO] = LIST(infos),
    [CT_WORDS_STATUS] = LIST(statuses),
    [CT_WORDS_RULE_STATUS] = LIST(rule_statuses),
    [CT_WORDS_DSCP] = LIST(dscps),
    [CT_WORDS_REJECT] = LIST(rejects),
    [CT_WORDS_ICMP_TYPE] = LIST(icmp_types),
    [CT_WORDS_ICMPV6_TYPE] = LIST(icmpv6_types),
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

static bool same_word(const char *a, const char *b)
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
        if (row[i].name != NULL && same_word(row[i].name, name))
            return &row[i];
    return NULL;
}

const struct ct_action_info *ct_action_info(unsigned action)
{
    assert(action < CT_N_ACTIONS);
    return &actions[action];
}
