/* actions.c - each row of CT_ACTIONS, at each hook, with each key beside it
 *
 * A row that is added is tried unasked, by its kind: it stands at the hooks
 * that it names and at no other, in its stage; beside it stand the keys that it
 * takes; and there is no second action. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config_rig.h"

enum kind {
    NONE,
    QUEUE,
    WORD,
    TRUE,
    ZONE,
    HELPER,
    LABELS,
    MARK,
    TIMEOUTS,
    MSS,
    TTL,
    DSCP,
    TARGET,
    MASQUERADE,
    REDIRECT,
    NETMAP,
    NO_NAT,
    N_KINDS
};

enum takes { NOTHING, REJECT_WITH, PORTS };

static const struct row {
    const char *word;
    uint8_t action;
    enum kind kind;
    enum takes takes;
} rows[] = {
#define D(NAME, word, stage, hooks, kind, takes, help)                         \
    {word, CT_ACT_##NAME, kind, takes},
    CT_ACTIONS(D)
#undef D
};

#define FOR_ROWS(is)                                                           \
    for (const struct row *is = rows; is < rows + sizeof rows / sizeof *rows;  \
         is++)

/* What is given; that of WORD is its word. */
static const char *const given[N_KINDS] = {
    [QUEUE] = "\"queue 3\"",
    [TRUE] = "true",
    [ZONE] = "7",
    [HELPER] = "\"ftp\"",
    [LABELS] = "[1, 64]",
    [MARK] = "\"1/3\"",
    [TIMEOUTS] = "{\"tcp_established\": 5}",
    [MSS] = "1360",
    [TTL] = "\"+1\"",
    [DSCP] = "\"ef\"",
    [TARGET] = "\"192.0.2.7\"",
    [MASQUERADE] = "true",
    [REDIRECT] = "true",
    [NETMAP] = "\"192.0.2.0/24\"",
    [NO_NAT] = "\"none\"",
};

/* No such value of any kind. */
static const char *const never[] = {"{\"no\": 1}", "[]", "\"nonsense\"", "-1",
                                    "null"};

static int load(const char *hook, const char *keys, struct config **c,
                struct told *t)
{
    char text[1024];

    snprintf(text, sizeof text,
             "{" IFACES "\"workers\": 1, \"queues\": {\"socket\": "
             "\"/tmp/q\", \"list\": [{\"number\": 3}]}, \"conntrack\": "
             "{\"extensions\": 8}, \"rules\": {\"%s\": [{\"proto\": "
             "\"tcp\", %s}]}}",
             hook, keys);
    return parse(text, c, t);
}

static bool is_verdict(const struct row *row)
{
    return row->kind == WORD || row->kind == QUEUE;
}

/* The key and its value, as in a file. */
static const char *put(const struct row *row, const char *value, char text[96])
{
    if (row->kind == WORD && value == NULL)
        snprintf(text, 96, "\"verdict\": \"%s\"", row->word);
    else
        snprintf(text, 96, "\"%s\": %s",
                 is_verdict(row) ? "verdict" : row->word,
                 value ? value : given[row->kind]);
    return text;
}

static void each_stands_at_its_hooks(void **state)
{
    (void)state;
    FOR_ROWS(row)
    {
        const struct ct_action_info *info = ct_action_info(row->action);
        char text[96];

        for (unsigned h = 0; row->kind != NONE && h < CT_N_HOOKS; h++) {
            const char *hook = ct_word_name(CT_WORDS_HOOK, h);
            bool may = info->hooks >> h & 1;
            struct config *c;
            struct told t;
            int is = load(hook, put(row, NULL, text), &c, &t);

            if (may != (is == 0))
                fail_msg("%s in %s: %s", text, hook, is ? t.message : "taken");
            if (!may) {
                assert_int_equal(t.n, 1);
                assert_non_null(strstr(t.message, "makes no sense in"));
                assert_non_null(strstr(t.message, hook));
                continue;
            }
            assert_int_equal(c->rules.rules[0].action, row->action);
            assert_int_equal(c->rules.rules[0].stage, info->stage);
            assert_int_equal(c->rules.rules[0].hook, h);
            config_load_free(c);
        }
    }
}

/* The first hook at which it may stand. */
static const char *hook_of(const struct row *row)
{
    unsigned h = 0;

    while (!(ct_action_info(row->action)->hooks >> h & 1))
        h++;
    return ct_word_name(CT_WORDS_HOOK, h);
}

static void each_takes_its_keys(void **state)
{
    static const struct {
        const char *key, *text;
        enum takes takes;
    } beside[] = {
        {"reject_with", "\"reject_with\": \"tcp-reset\"", REJECT_WITH},
        {"ports", "\"ports\": \"1000-2000\"", PORTS},
        {"random", "\"random\": true", PORTS},
        {"persistent", "\"persistent\": true", PORTS},
    };

    (void)state;
    FOR_ROWS(row)
    {
        for (unsigned i = 0; i < sizeof beside / sizeof *beside; i++) {
            char one[96], text[256];
            struct config *c;
            struct told t;
            int is;

            if (row->kind == NONE)
                snprintf(text, sizeof text, "%s", beside[i].text);
            else
                snprintf(text, sizeof text, "%s, %s", put(row, NULL, one),
                         beside[i].text);
            is = load(hook_of(row), text, &c, &t);
            if ((row->takes == beside[i].takes) != (is == 0))
                fail_msg("%s: %s", text, is ? t.message : "taken");
            if (is == 0)
                config_load_free(c);
            else if (t.n != 1 || strstr(t.pointer, beside[i].key) == NULL)
                fail_msg("%s: %u errors, %s", text, t.n, t.pointer);
        }
    }
}

/* By an error that names its key. */
static void other_values_are_refused(void **state)
{
    (void)state;
    FOR_ROWS(row)
    {
        for (unsigned i = 0; i < sizeof never / sizeof *never; i++) {
            char text[96];
            struct config *c;
            struct told t;

            if (row->kind == NONE)
                continue;
            if (load(hook_of(row), put(row, never[i], text), &c, &t) != 2)
                fail_msg("%s: taken", text);
            if (strstr(t.pointer, is_verdict(row) ? "verdict" : row->word) ==
                NULL)
                fail_msg("%s: %s", text, t.pointer);
        }
    }
}

static void there_is_one(void **state)
{
    (void)state;
    FOR_ROWS(row)
    {
        FOR_ROWS(other)
        {
            char one[96], two[96], text[256];
            struct config *c;
            struct told t;

            if (row->kind == NONE || other->kind == NONE || row == other ||
                (is_verdict(row) && is_verdict(other)))
                continue;
            snprintf(text, sizeof text, "%s, %s", put(row, NULL, one),
                     put(other, NULL, two));
            if (load(hook_of(row), text, &c, &t) != 2 ||
                strstr(t.message, "a second action beside") == NULL)
                fail_msg("%s: %s", text, t.message);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_stands_at_its_hooks),
        cmocka_unit_test(each_takes_its_keys),
        cmocka_unit_test(other_values_are_refused),
        cmocka_unit_test(there_is_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
