/* matches.c - each row of number matches, whatever it is
 *
 * A row that is added is tried unasked: its smallest and largest number, a
 * range, each of its words, a list, a negation; what is above, beside or mixed
 * is refused by an error that names the key and what is allowed; and a file
 * that --print-config wrote says the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config_rig.h"

static const struct number_row {
    const char *name;
    enum ct_words words;
    uint32_t top;
    size_t at; /* of its set in struct ct_match */
} rows[] = {
#define V(name, facts, words, top, help)                                       \
    {#name, words, top, offsetof(struct ct_match, name)},
    CT_NUMBER_MATCHES(V)
#undef V
};

enum { N_ROWS = sizeof rows / sizeof rows[0] };

static const struct ct_number_set *set_of(const struct config *c,
                                          const struct number_row *row)
{
    const struct ct_match *m = &c->rules.rules[0].match;

    return (const void *)((const char *)m + row->at);
}

static int load_rule(const char *rule, struct config **c, struct told *t)
{
    char text[1024];

    snprintf(text, sizeof text, "{" IFACES "\"rules\": {\"forward\": [%s]}}",
             rule);
    return parse(text, c, t);
}

static int load(const struct number_row *row, const char *value,
                struct config **c, struct told *t)
{
    char rule[512];

    snprintf(rule, sizeof rule, "{\"%s\": %s, \"verdict\": \"drop\"}",
             row->name, value);
    return load_rule(rule, c, t);
}

/* value is read as lo to hi, and again from what --print-config writes. */
static void reads(const struct number_row *row, const char *value, uint32_t lo,
                  uint32_t hi, bool negate)
{
    struct config *c;
    struct told t;
    char *text, *rule;

    if (load(row, value, &c, &t) != 0)
        fail_msg("%s: %s: %s", row->name, value, t.message);
    for (int again = 0; again < 2; again++) {
        const struct ct_number_set *set = set_of(c, row);

        assert_int_equal(set->n, 1);
        assert_int_equal(set->r[0].lo, lo);
        assert_int_equal(set->r[0].hi, hi);
        assert_int_equal(set->negate, negate);
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

static void refuses(const struct number_row *row, const char *value,
                    const char *says)
{
    struct config *c;
    struct told t;

    if (load(row, value, &c, &t) != 2 || t.n != 1 ||
        strncmp(t.pointer, "/rules/forward/0/", 17) != 0 ||
        strncmp(t.pointer + 17, row->name, strlen(row->name)) != 0 ||
        strstr(t.message, says) == NULL)
        fail_msg("%s: %s: %u errors, %s: %s", row->name, value, t.n, t.pointer,
                 t.message);
}

static void numbers_and_words_are_read(void **state)
{
    char text[96];

    (void)state;
    for (const struct number_row *row = rows; row < rows + N_ROWS; row++) {
        unsigned n = 0;
        const struct ct_word *word = NULL;

        reads(row, "0", 0, 0, false);
        snprintf(text, sizeof text, "%u", row->top);
        reads(row, text, row->top, row->top, false);
        snprintf(text, sizeof text, "\"1-%u\"", row->top);
        reads(row, text, 1, row->top, false);
        reads(row, "[1, \"2-3\", 4]", 1, 4, false);
        reads(row, "\"! 1\"", 1, 1, true);
        reads(row, "[\"!1\", \"!2\"]", 1, 2, true);
        if (row->words != CT_N_WORDS)
            word = ct_words(row->words, &n);
        for (unsigned i = 0; i < n; i++) {
            snprintf(text, sizeof text, "\"%s\"", word[i].name);
            reads(row, text, word[i].number, word[i].number, false);
        }
    }
}

static void others_are_refused(void **state)
{
    char text[96], range[32];

    (void)state;
    for (const struct number_row *row = rows; row < rows + N_ROWS; row++) {
        const char *word = row->words != CT_N_WORDS
                               ? ct_words(row->words, &(unsigned){0})[0].name
                               : row->name;

        snprintf(range, sizeof range, "0 to %u", row->top);
        snprintf(text, sizeof text, "%u", row->top + 1);
        refuses(row, text, range);
        snprintf(text, sizeof text, "\"0-%u\"", row->top + 1);
        refuses(row, text, range);
        refuses(row, "\"2-1\"", "A <= B");
        refuses(row, "\"nonsense\"", row->name);
        refuses(row, "\"nonsense\"", word);
        refuses(row, "-1", range);
        refuses(row, "true", range);
        refuses(row, "[]", "expected 1 to 65535");
        refuses(row, "[1, \"!2\"]", "before every entry");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_words_are_read),
        cmocka_unit_test(others_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
