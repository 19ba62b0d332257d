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
                assert_non_null(strstr(t.message, "is not allowed in hook"));
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
                strstr(t.message, "a second action besides") == NULL)
                fail_msg("%s: %s", text, t.message);
        }
    }
}

/* What an action is given, and what its rule has then; of the rest it has
 * nothing. */
static const struct {
    const char *hook, *keys;
    struct ct_rule is;
} kept_rows[] = {
    {"output", "\"set_zone\": 7", {.zone = 7, .zone_dirs = 3}},
    {"output",
     "\"set_zone_orig\": 65535",
     {.zone = 65535, .zone_dirs = 1 << CT_DIR_ORIGINAL}},
    {"prerouting",
     "\"set_zone_reply\": 7",
     {.zone = 7, .zone_dirs = 1 << CT_DIR_REPLY}},
    {"forward", "\"set_mark\": 7", {.mark = 7, .mark_mask = UINT32_MAX}},
    {"forward", "\"set_mark\": \"0x1/3\"", {.mark = 1, .mark_mask = 3}},
    {"forward",
     "\"set_label\": [1, 64, 127]",
     {.labels = {2, 1 | UINT64_C(1) << 63}}},
    {"forward", "\"mss\": 1360", {.mss = 1360, .match.syn = true}},
    {"forward", "\"mss\": \"pmtu\"", {.match.syn = true}},
    {"output", "\"set_ttl\": 64", {.ttl = 64, .ttl_how = CT_TTL_SET}},
    {"output", "\"set_ttl\": \"+255\"", {.ttl = 255, .ttl_how = CT_TTL_UP}},
    {"output", "\"set_ttl\": \"-1\"", {.ttl = 1, .ttl_how = CT_TTL_DOWN}},
    {"forward", "\"set_dscp\": \"ef\"", {.dscp = 46}},
    {"forward", "\"set_dscp\": 63", {.dscp = 63}},
    {"forward", "\"verdict\": \"queue 3\"", {.queue = 3}},
    {"forward", "\"log\": \"no: \"", {.log = true, .log_prefix = "no: "}},
    {"forward",
     "\"connlimit\": 4",
     {.connlimit = {.max = 4, .prefix4 = 32, .prefix6 = 64}}},
    {"forward",
     "\"connlimit\": \"over 4\"",
     {.connlimit = {.max = 4, .prefix4 = 32, .prefix6 = 64, .over = true}}},
    {"forward",
     "\"connlimit\": \"4/24/56\"",
     {.connlimit = {.max = 4, .prefix4 = 24, .prefix6 = 56}}},
    {"forward",
     "\"limit\": \"over 2/minute\"",
     {.limit = {.cost_ns = UINT64_C(30000000000),
                .room_ns = UINT64_C(150000000000),
                .over = true}}},
};

static void what_is_given_is_kept(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof kept_rows / sizeof *kept_rows; i++) {
        const struct ct_rule *want = &kept_rows[i].is, *r;
        struct config *c;
        struct told t;

        if (load(kept_rows[i].hook, kept_rows[i].keys, &c, &t) != 0)
            fail_msg("%s: %s", kept_rows[i].keys, t.message);
        r = &c->rules.rules[0];
        if (r->zone != want->zone || r->zone_dirs != want->zone_dirs ||
            r->mark != want->mark || r->mark_mask != want->mark_mask ||
            r->labels[0] != want->labels[0] ||
            r->labels[1] != want->labels[1] || r->mss != want->mss ||
            r->match.syn != want->match.syn || r->ttl != want->ttl ||
            r->ttl_how != want->ttl_how || r->dscp != want->dscp ||
            r->queue != want->queue || r->log != want->log ||
            strcmp(r->log_prefix, want->log_prefix) != 0 ||
            r->connlimit.max != want->connlimit.max ||
            r->connlimit.prefix4 != want->connlimit.prefix4 ||
            r->connlimit.prefix6 != want->connlimit.prefix6 ||
            r->connlimit.over != want->connlimit.over ||
            r->limit.cost_ns != want->limit.cost_ns ||
            r->limit.room_ns != want->limit.room_ns ||
            r->limit.over != want->limit.over)
            fail_msg("%s: the rule has something else", kept_rows[i].keys);
        config_load_free(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_stands_at_its_hooks),
        cmocka_unit_test(each_takes_its_keys),
        cmocka_unit_test(other_values_are_refused),
        cmocka_unit_test(there_is_one),
        cmocka_unit_test(what_is_given_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
