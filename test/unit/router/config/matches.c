/* matches.c - each row of matches.def, whatever it is
 *
 * A row that is added is tried unasked, by its kind: what it takes, from its
 * smallest to its largest number, each of its words, lists and negations; what
 * is above, beside or mixed is refused by an error that names the key and what
 * is allowed; and a file that --print-config wrote says the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config_rig.h"

enum kind {
#define K(KIND, type, asked) KIND_##KIND,
    CT_MATCH_KINDS(K)
#undef K
        N_KINDS
};

static const struct row {
    const char *key;
    enum kind kind;
    enum ct_words words;
    uint32_t top;
    size_t at; /* of its member in struct ct_match */
} rows[] = {
#define M(KIND, name, key, facts, words, top, help)                            \
    {key, KIND_##KIND, words, top, offsetof(struct ct_match, name)},
    CT_MATCHES(M)
#undef M
};

#define FOR_ROWS(row)                                                          \
    for (const struct row *row = rows;                                         \
         row < rows + sizeof rows / sizeof *rows; row++)

/* What a rule with such a match needs beside it. */
static const char *const beside[N_KINDS] = {
    [KIND_PORT] = "\"proto\": \"tcp\", ",
    [KIND_TYPE] = "\"proto\": \"icmp\", ",
};

static const void *member(const struct config *c, const struct row *row)
{
    return (const char *)&c->rules.rules[0].match + row->at;
}

static int load_rule(const char *rule, struct config **c, struct told *t)
{
    char text[1024];

    snprintf(text, sizeof text,
             "{" IFACES "\"conntrack\": {\"extensions\": 8}, \"rules\": "
             "{\"forward\": [%s]}}",
             rule);
    return parse(text, c, t);
}

static int load(const struct row *row, const char *value, struct config **c,
                struct told *t)
{
    const char *with = beside[row->kind] ? beside[row->kind] : "";
    char rule[640];

    snprintf(rule, sizeof rule, "{%s\"%s\": %s, \"verdict\": \"drop\"}", with,
             row->key, value);
    return load_rule(rule, c, t);
}

/* What the member of each kind says, as text. */
static void say(const struct row *row, const struct config *c, char text[160])
{
    const void *is = member(c, row);
    const struct ct_bit_set *bits = is;
    const struct ct_label_set *labels = is;
    const struct ct_number_set *numbers = is;
    const struct ct_mark_set *marks = is;
    const struct ct_proto_set *protos = is;
    const struct ct_addr_set *addrs = is;

    switch (row->kind) {
    case KIND_FAMILY:
        snprintf(text, 160, "%u", *(const uint8_t *)is);
        break;
    case KIND_IFACE:
        snprintf(text, 160, "%s%u",
                 ((const struct ct_iface_set *)is)->negate ? "!" : "",
                 ((const struct ct_iface_set *)is)->of);
        break;
    case KIND_PROTO:
        snprintf(text, 160, "%s%u %u %u", protos->negate ? "!" : "", protos->n,
                 protos->of[0], protos->of[1]);
        break;
    case KIND_ONE_OF:
    case KIND_BITS:
        snprintf(text, 160, "%s%u", bits->negate ? "!" : "", bits->of);
        break;
    case KIND_MARK:
        snprintf(text, 160, "%s%u %x/%x", marks->negate ? "!" : "", marks->n,
                 marks->of[marks->n - 1].value, marks->of[marks->n - 1].mask);
        break;
    case KIND_LABELS:
        snprintf(text, 160, "%s%llx %llx", labels->negate ? "!" : "",
                 (unsigned long long)labels->of[0],
                 (unsigned long long)labels->of[1]);
        break;
    case KIND_NUMBER:
    case KIND_PORT:
    case KIND_TYPE:
        snprintf(text, 160, "%s%u %u-%u", numbers->negate ? "!" : "",
                 numbers->n, numbers->r[0].lo, numbers->r[0].hi);
        break;
    case KIND_FLAG:
        snprintf(text, 160, "%u", *(const bool *)is);
        break;
    case KIND_ADDRS:
        snprintf(text, 160, "%s%u %u", addrs->negate ? "!" : "", addrs->n_v4,
                 addrs->n_v6);
        break;
    case N_KINDS:
        fail();
    }
}

/* value is read, and again from what --print-config writes. */
static void reads(const struct row *row, const char *value, const char *says)
{
    struct config *c;
    struct told t;
    char *text, *rule, is[160];

    if (load(row, value, &c, &t) != 0)
        fail_msg("%s: %s: %s", row->key, value, t.message);
    for (int again = 0; again < 2; again++) {
        say(row, c, is);
        if (strcmp(is, says) != 0)
            fail_msg("%s: %s: %s, not %s", row->key, value, is, says);
        text = printed(c);
        config_load_free(c);
        rule = strstr(text, "{\"");
        assert_non_null(rule);
        rule[strcspn(rule, "\n")] = '\0';
        if (load_rule(rule, &c, &t) != 0)
            fail_msg("%s: %s", rule, t.message);
        free(text);
    }
    config_load_free(c);
}

static void refuses(const struct row *row, const char *value, const char *says)
{
    struct config *c;
    struct told t;

    if (load(row, value, &c, &t) != 2 || t.n != 1 ||
        strncmp(t.pointer, "/rules/forward/0/", 17) != 0 ||
        strncmp(t.pointer + 17, row->key, strlen(row->key)) != 0 ||
        strstr(t.message, says) == NULL)
        fail_msg("%s: %s: %u errors, %s: %s", row->key, value, t.n, t.pointer,
                 t.message);
}

/* ---- rows of each kind ---- */

/* Each word, and what the member says of its number. */
static void reads_words(const struct row *row, enum ct_words words,
                        const char *format)
{
    unsigned n;
    const struct ct_word *word = ct_words(words, &n);
    char text[96], says[96];

    for (unsigned i = 0; i < n; i++) {
        uint32_t number = word[i].number;

        if (word[i].name == NULL)
            continue;
        snprintf(text, sizeof text, "\"%s\"", word[i].name);
        snprintf(says, sizeof says, format,
                 row->kind == KIND_ONE_OF ? 1u << number : number, number);
        reads(row, text, says);
    }
    refuses(row, "\"nonsense\"", word[0].name);
}

static void try_numbers(const struct row *row, enum ct_words words)
{
    char text[96], says[96], range[32];

    reads(row, "0", "1 0-0");
    snprintf(text, sizeof text, "%u", row->top);
    snprintf(says, sizeof says, "1 %u-%u", row->top, row->top);
    reads(row, text, says);
    snprintf(text, sizeof text, "\"1-%u\"", row->top);
    snprintf(says, sizeof says, "1 1-%u", row->top);
    reads(row, text, says);
    reads(row, "[1, \"2-3\", 4]", "1 1-4");
    reads(row, "[4, 1]", "2 1-1");
    reads(row, "\"! 1\"", "!1 1-1");
    reads(row, "[\"!1\", \"!2\"]", "!1 1-2");
    if (words != CT_N_WORDS)
        reads_words(row, words, "1 %u-%u");
    snprintf(range, sizeof range, "0 to %u", row->top);
    snprintf(text, sizeof text, "%u", row->top + 1);
    refuses(row, text, range);
    snprintf(text, sizeof text, "\"0-%u\"", row->top + 1);
    refuses(row, text, range);
    refuses(row, "\"2-1\"", "A <= B");
    refuses(row, "\"nonsense\"",
            row->kind == KIND_NUMBER ? row->key : "not a valid");
    refuses(row, "-1", range);
    refuses(row, "true", range);
    refuses(row, "[]", "use 1 to 65535");
    refuses(row, "[1, \"!2\"]", "before every entry");
}

static void numbers(void **state)
{
    (void)state;
    FOR_ROWS(row)
    {
        if (row->kind == KIND_NUMBER || row->kind == KIND_PORT)
            try_numbers(row, row->words);
        if (row->kind == KIND_TYPE)
            try_numbers(row, CT_WORDS_ICMP_TYPE);
    }
}

static void words(void **state)
{
    (void)state;
    FOR_ROWS(row)
    {
        unsigned n;
        const struct ct_word *word;
        char text[128], says[32];
        uint32_t a, b;

        if (row->kind != KIND_ONE_OF && row->kind != KIND_BITS)
            continue;
        reads_words(row, row->words, "%u");
        word = ct_words(row->words, &n);
        a = row->kind == KIND_ONE_OF ? 1u << word[0].number : word[0].number;
        b = row->kind == KIND_ONE_OF ? 1u << word[1].number : word[1].number;
        snprintf(text, sizeof text, "[\"!%s\", \"! %s\"]", word[0].name,
                 word[1].name);
        snprintf(says, sizeof says, "!%u", a | b);
        reads(row, text, says);
        snprintf(text, sizeof text, "[\"%s\", \"!%s\"]", word[0].name,
                 word[1].name);
        refuses(row, text, "before every entry");
        refuses(row, "3", word[0].name);
        refuses(row, "true", row->key);
        refuses(row, "[]", "use 1 to");
    }
}

static void protocols(void **state)
{
    (void)state;
    FOR_ROWS(row)
    {
        if (row->kind != KIND_PROTO)
            continue;
        reads_words(row, row->words, "1 %u 0");
        reads(row, "0", "1 0 0");
        reads(row, "255", "1 255 0");
        reads(row, "\"89\"", "1 89 0");
        reads(row, "[\"tcp\", 17]", "2 6 17");
        reads(row, "\"!udp\"", "!1 17 0");
        refuses(row, "256", "0 to 255");
        refuses(row, "-1", "0 to 255");
        refuses(row, "\"6x\"", "unknown protocol");
        refuses(row, "true", "unknown protocol");
        refuses(row, "[]", "use 1 to");
        refuses(row, "[1, 2, 3, 4, 5, 6, 7]", "at most 6");
        refuses(row, "[\"tcp\", \"!udp\"]", "before every entry");
    }
}

struct sample {
    enum kind kind;
    const char *value, *says;
};

static const struct sample good[] = {
    {KIND_FAMILY, "\"ipv4\"", "4"},
    {KIND_FAMILY, "\"!ipv4\"", "6"},
    {KIND_FAMILY, "[\"ipv4\", \"ipv6\"]", "0"},
    {KIND_IFACE, "\"lan\"", "1"},
    {KIND_IFACE, "[\"lan\", \"wan\"]", "3"},
    {KIND_IFACE, "\"! wan\"", "!2"},
    {KIND_MARK, "0", "1 0/ffffffff"},
    {KIND_MARK, "4294967295", "1 ffffffff/ffffffff"},
    {KIND_MARK, "\"0x10/0xf0\"", "1 10/f0"},
    {KIND_MARK, "[1, \"2/3\"]", "2 2/3"},
    {KIND_MARK, "\"!5\"", "!1 5/ffffffff"},
    {KIND_LABELS, "0", "1 0"},
    {KIND_LABELS, "127", "0 8000000000000000"},
    {KIND_LABELS, "[1, 64]", "2 1"},
    {KIND_FLAG, "true", "1"},
    {KIND_ADDRS, "\"10.0.0.0/8\"", "1 0"},
    {KIND_ADDRS, "\"!fd00::1\"", "!0 1"},
    {KIND_ADDRS, "[\"10.0.0.1\", \"10.0.0.3-10.0.0.5\", \"fd00::/64\"]", "2 1"},
};

static const struct sample bad[] = {
    {KIND_FAMILY, "\"ipx\"", "use one of ipv4, ipv6"},
    {KIND_FAMILY, "4", "use one of ipv4, ipv6"},
    {KIND_FAMILY, "[\"!ipv4\", \"!ipv6\"]", "matches nothing"},
    {KIND_FAMILY, "[]", "use 1 to"},
    {KIND_IFACE, "\"dmz\"", "unknown interface"},
    {KIND_IFACE, "0", "the name of an interface"},
    {KIND_IFACE, "[\"lan\", \"!wan\"]", "before every entry"},
    {KIND_IFACE, "[]", "use 1 to"},
    {KIND_MARK, "4294967296", "4294967295"},
    {KIND_MARK, "\"4294967296\"", "not a mark"},
    {KIND_MARK, "\"3/2\"", "has all bits"},
    {KIND_MARK, "\"0/0\"", "not 0"},
    {KIND_MARK, "[1, \"!2\"]", "before every entry"},
    {KIND_MARK, "[]", "use 1 to 256"},
    {KIND_LABELS, "128", "0 to 127"},
    {KIND_LABELS, "\"1\"", "0 to 127"},
    {KIND_LABELS, "[]", "use 1 to 128"},
    {KIND_FLAG, "false", "use true"},
    {KIND_FLAG, "1", "use true"},
    {KIND_ADDRS, "\"10.0.0.300\"", "; use"},
    {KIND_ADDRS, "[]", "; use"},
    {KIND_ADDRS, "[\"10.0.0.1\", \"!10.0.0.2\"]", "before every entry"},
};

static void samples(void **state)
{
    bool tried[N_KINDS] = {
        [KIND_NUMBER] = true, [KIND_PORT] = true, [KIND_TYPE] = true,
        [KIND_ONE_OF] = true, [KIND_BITS] = true, [KIND_PROTO] = true};

    (void)state;
    FOR_ROWS(row)
    {
        for (unsigned i = 0; i < sizeof good / sizeof *good; i++)
            if (good[i].kind == row->kind) {
                reads(row, good[i].value, good[i].says);
                tried[row->kind] = true;
            }
        for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
            if (bad[i].kind == row->kind)
                refuses(row, bad[i].value, bad[i].says);
        assert_true(tried[row->kind]);
    }
}

/* What conntrack has not looked at yet can't be asked of it. */
static void raw_rules_ask_nothing_of_conntrack(void **state)
{
    static const char *const value[N_KINDS] = {
        [KIND_ONE_OF] = "\"new\"",
        [KIND_BITS] = "\"assured\"",
        [KIND_MARK] = "1",
        [KIND_LABELS] = "1",
    };

    (void)state;
#define M(KIND, name, key, facts, words, top, help)                            \
    if ((facts) & (CT_FACT_STATE | CT_FACT_CT)) {                              \
        char text[512];                                                        \
        struct config *c;                                                      \
        struct told t;                                                         \
                                                                               \
        assert_non_null(value[KIND_##KIND]);                                   \
        snprintf(text, sizeof text,                                            \
                 "{" IFACES "\"conntrack\": {\"extensions\": 8}, \"rules\": "  \
                 "{\"prerouting\": [{\"%s\": %s, \"notrack\": true}]}}",       \
                 key, value[KIND_##KIND]);                                     \
        assert_int_equal(parse(text, &c, &t), 2);                              \
        assert_string_equal(t.pointer, "/rules/prerouting/0/" key);            \
        assert_non_null(strstr(t.message, "before conntrack"));                \
        assert_non_null(strstr(t.message, key));                               \
    }
    CT_MATCHES(M)
#undef M
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(words),
        cmocka_unit_test(protocols),
        cmocka_unit_test(samples),
        cmocka_unit_test(raw_rules_ask_nothing_of_conntrack),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
