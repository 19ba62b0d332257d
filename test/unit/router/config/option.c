/* option.c - each row of options, whatever it is
 *
 * What a row says is tried by that row alone, so a row that is added is tried,
 * too.  Only options of CONFIG_OWN need a row here. */
#include "config/option.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "config_rig.h"

/* A legal value, how it is shown, an illegal one, and a variable's texts. */
static const struct own {
    const char *pointer, *legal, *shown, *illegal, *variable, *wrong;
} owns[] = {
    {"/seed", "7", "7", "-1", "7", "-1"},
    {"/gateway/lan", "\"10.0.0.0/8\"", "10.0.0.0/8", "\"10.0.0.1/8\"",
     "10.0.0.0/8", "10.0.0.1/8"},
    {"/gateway/wan", "\"ppp0\"", "ppp0", "\"eth0\"", "ppp0", "eth0"},
    {"/gateway/reserved_ports", "[22, \"80-90\"]", "22,80-90", "\"22\"",
     "22, 80-90", "22,x"},
    {"/api/listen", "\"[::1]:80\"", "[::1]:80", "\"0.0.0.0:80\"", "[::1]:80",
     "0.0.0.0:80"},
    {"/api/token_file", "null", "none", "\"/nowhere/at/all\"", "none",
     "/nowhere/at/all"},
    {"/api/url", "\"http://a:81\"", "http://a:81/", "\"a:81\"", "http://a:81",
     "a:81"},
};

static const struct own *own_of(const struct config_option *o)
{
    for (size_t i = 0; i < sizeof owns / sizeof owns[0]; i++)
        if (strcmp(owns[i].pointer, o->pointer) == 0)
            return &owns[i];
    fail_msg("%s is CONFIG_OWN and has no row in this test", o->pointer);
    return NULL;
}

/* ---- files with one key more ---- */

/* What o is tried in: such that all its values agree with the other keys. */
static json_t *base(const struct config_option *o)
{
    json_t *root = json_loads("{\"gateway\": {\"lan\": \"eth0\", \"wan\": "
                              "\"eth1\"}, \"conntrack\": {}}",
                              0, NULL);
    json_t *conntrack = json_object_get(root, "conntrack");

    if (o != &config_option[CONFIG_max]) {
        json_object_set_new(conntrack, "max", json_integer(1024));
        json_object_set_new(conntrack, "buckets", json_integer(1024));
    }
    return root;
}

static char *base_text(const struct config_option *o)
{
    json_t *root = base(o);
    char *text = json_dumps(root, 0);

    json_decref(root);
    return text;
}

static void put(json_t *at, const char *pointer, json_t *value)
{
    char key[64];
    size_t n;

    for (pointer++; pointer[n = strcspn(pointer, "/")] != '\0';
         pointer += n + 1) {
        snprintf(key, sizeof key, "%.*s", (int)n, pointer);
        if (json_object_get(at, key) == NULL)
            json_object_set_new(at, key, json_object());
        at = json_object_get(at, key);
    }
    json_object_set_new(at, pointer, value);
}

/* Takes value. */
static int parse_value(const struct config_option *o, json_t *value,
                       struct config **c, struct told *t)
{
    json_t *root = base(o);
    char *text;
    int code;

    put(root, o->pointer, value);
    text = json_dumps(root, 0);
    code = parse(text, c, t);
    free(text);
    json_decref(root);
    return code;
}

static struct config *accepted(const struct config_option *o, json_t *value)
{
    struct config *c;
    struct told t;

    if (parse_value(o, value, &c, &t) != 0)
        fail_msg("%s: %s: %s", o->pointer, t.pointer, t.message);
    return c;
}

static void name_of(const struct config_option *o, char name[64])
{
    snprintf(name, 64, "%s", o->pointer + 1);
    for (char *c = name; *c != '\0'; c++)
        *c = *c == '/' ? '.' : *c;
}

/* The line "KEY SOURCE VALUE". */
static void is_shown(const struct config *c, const struct config_option *o,
                     const char *source, const char *value)
{
    char name[64], key[80], *text = printed(c), *line, *end;

    name_of(o, name);
    snprintf(key, sizeof key, "%-38s ", name);
    for (line = text; strncmp(line, key, strlen(key)) != 0; line = end + 1)
        if ((end = strchr(line, '\n')) == NULL || end[1] == '\0')
            fail_msg("%s is not shown:\n%s", name, text);
    *strchr(line, '\n') = '\0';
    if (strncmp(line + strlen(key), source, strlen(source)) != 0 ||
        strcmp(line + strlen(line) - strlen(value), value) != 0)
        fail_msg("%s is shown as \"%s\", not as %s, %s", name, line, source,
                 value);
    free(text);
}

static void takes(const struct config_option *o, json_t *value,
                  const char *shown)
{
    struct config *c = accepted(o, value);

    is_shown(c, o, "file", shown);
    config_load_free(c);
}

/* says: what the error says beside the place. */
static void refuses(const struct config_option *o, json_t *value,
                    const char *says)
{
    struct config *c;
    struct told t;

    assert_int_equal(parse_value(o, value, &c, &t), 2);
    if (t.n != 1 || strcmp(t.pointer, o->pointer) != 0 ||
        strstr(t.message, says) == NULL || strstr(t.message, "; ") == NULL)
        fail_msg("%s: %u errors, %s: %s; not %s", o->pointer, t.n, t.pointer,
                 t.message, says);
}

static void number_text(const struct config_option *o, long long n,
                        char text[300])
{
    snprintf(text, 300, "%lld%s%s", n, o->words[0] != '\0' ? " " : "",
             o->words);
}

/* ---- rows as such ---- */

static void each_row_is_whole(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CONFIG_N_OPTIONS; i++) {
        const struct config_option *o = &config_option[i];
        char name[64];

        assert_ptr_equal(config_option_find(o->pointer), o); /* no other */
        assert_true(o->help[0] != '\0' && strlen(o->pointer) < 60);
        config_option_variable(o, name);
        assert_memory_equal(name, "WEIR_", 5);
    }
    assert_null(config_option_find("/conntrack"));
    assert_string_equal(config_option[CONFIG_max].pointer, "/conntrack/max");
    assert_string_equal(config_option[CONFIG_N_FIXED + CT_PARAM_udp].pointer,
                        "/conntrack/timeouts/udp");
    assert_int_equal(config_option[CONFIG_workers].most, CT_MAX_SHARDS);
}

/* Words stand in the order of the enum whose values they name. */
static void words_have_their_numbers(void **state)
{
    static const struct {
        const char *pointer, *word;
        unsigned number;
    } words[] = {
        {"/conntrack/profile", "linux", CT_PROFILE_LINUX},
        {"/conntrack/profile", "weir", CT_PROFILE_WEIR},
        {"/conntrack/profile", "rfc", CT_PROFILE_RFC},
        {"/conntrack/on_full", "drop", CT_FULL_DROP},
        {"/conntrack/on_full", "reject", CT_FULL_REJECT},
        {"/conntrack/on_full", "untracked", CT_FULL_UNTRACKED},
        {"/policy/input", "drop", CT_DROP},
        {"/policy/input", "accept", CT_ACCEPT},
        {"/log/level", "error", LOG_L_ERROR},
        {"/log/level", "warn", LOG_L_WARN},
        {"/log/level", "info", LOG_L_INFO},
        {"/log/level", "debug", LOG_L_DEBUG},
    };

    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        char word[32];

        assert_true(config_option_word(config_option_find(words[i].pointer),
                                       words[i].number, word));
        assert_string_equal(word, words[i].word);
    }
}

/* ---- values ---- */

static void each_default_is_shown(void **state)
{
    struct config *c;
    struct told t;

    (void)state;
    assert_int_equal(parse("{\"gateway\": {\"lan\": \"eth0\", \"wan\": "
                           "\"eth1\"}}",
                           &c, &t),
                     0);
    for (unsigned i = 0; i < CONFIG_N_OPTIONS; i++) {
        const struct config_option *o = &config_option[i];
        char text[300];

        snprintf(text, sizeof text, "%s", o->standard);
        if (i >= CONFIG_N_FIXED)
            number_text(o, ct_param_info(i - CONFIG_N_FIXED)->def[0], text);
        else if (o->kind == CONFIG_NUMBER && o->standard[0] != '\0')
            number_text(o, atoll(o->standard), text);
        is_shown(c, o, strstr(o->pointer, "/gateway/?an") ? "file" : "", text);
    }
    config_load_free(c);
}

static void check_number(const struct config_option *o)
{
    const long long edges[] = {o->least, o->most},
                    beyond[] = {(long long)o->least - 1,
                                (long long)o->most + 1};
    char text[300];

    for (unsigned i = 0; i < 2; i++) {
        number_text(o, edges[i], text);
        takes(o, json_integer(edges[i]), text);
        snprintf(text, sizeof text,
                 "%lld is not allowed here; use a whole number from %u to %u",
                 beyond[i], o->least, o->most);
        refuses(o, json_integer(beyond[i]), text);
    }
    refuses(o, json_real(1.5), "a number with a fraction");
    refuses(o, json_string("1"), "\"1\" is not allowed here");
    if (o->kind != CONFIG_FLAG) {
        refuses(o, json_true(), "true is not allowed here");
        return;
    }
    takes(o, json_true(), "1");
    takes(o, json_false(), "0");
}

static void check_choice(const struct config_option *o)
{
    char word[32], quoted[40];

    refuses(o, json_string("no such word"),
            "\"no such word\" is not allowed here");
    refuses(o, json_string(""), "\"\" is not allowed here");
    for (unsigned i = 0; config_option_word(o, i, word); i++) {
        takes(o, json_string(word), word);
        snprintf(quoted, sizeof quoted, "\"%s\"", word);
        refuses(o, json_integer(i), quoted);
    }
}

static void check_text(const struct config_option *o)
{
    char text[300], says[64];

    assert_true(o->most + 1 < sizeof text && o->size == o->most + 1);
    memset(text, 'a', sizeof text);
    text[o->most + 1] = '\0';
    snprintf(says, sizeof says, "%u bytes; use", o->most + 1);
    refuses(o, json_string(text), says);
    snprintf(says, sizeof says, "of 1 to %u bytes", o->most);
    refuses(o, json_string(""), says);
    refuses(o, json_null(), o->words);
    text[o->most] = '\0';
    takes(o, json_string(text), text);
    takes(o, json_string("x"), "x");
}

static void each_value_has_its_bounds(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CONFIG_N_OPTIONS; i++) {
        const struct config_option *o = &config_option[i];
        const struct own *own;

        refuses(o, json_object(), "an object is not allowed here");
        switch (o->kind) {
        case CONFIG_NUMBER:
        case CONFIG_FLAG:
            check_number(o);
            break;
        case CONFIG_SWITCH:
            takes(o, json_true(), "true");
            takes(o, json_false(), "false");
            refuses(o, json_integer(1), "use true or false");
            break;
        case CONFIG_CHOICE:
            check_choice(o);
            break;
        case CONFIG_TEXT:
            check_text(o);
            break;
        case CONFIG_OWN:
            own = own_of(o);
            takes(o, json_loads(own->legal, JSON_DECODE_ANY, NULL), own->shown);
            refuses(o, json_loads(own->illegal, JSON_DECODE_ANY, NULL), "");
        }
    }
}

/* ---- variables ---- */

/* A value that is not the default, as a variable says it and as it is shown;
 * and one that is refused. */
static void some_text(const struct config_option *o, char good[300],
                      char shown[300], char bad[300])
{
    bool on = strcmp(o->standard, "true") == 0;

    strcpy(bad, "no such word");
    if (o->kind == CONFIG_OWN) {
        strcpy(good, own_of(o)->variable);
        strcpy(shown, own_of(o)->shown);
        strcpy(bad, own_of(o)->wrong);
    } else if (o->kind == CONFIG_SWITCH) {
        strcpy(good, on ? "0" : "1");
        strcpy(shown, on ? "false" : "true");
    } else if (o->kind == CONFIG_CHOICE) {
        assert_true(config_option_word(o, 1, good));
        strcpy(shown, good);
    } else if (o->kind == CONFIG_TEXT) {
        strcpy(good, "/tmp/x");
        strcpy(shown, good);
        memset(bad, 'a', 299);
        bad[299] = '\0';
    } else {
        snprintf(good, 300, "%u", o->least > 1000 ? o->least : 1000);
        if (o->most < 1000)
            snprintf(good, 300, "%u", o->most);
        number_text(o, atoll(good), shown);
        if (o->kind == CONFIG_FLAG)
            strcpy(good, "true");
        snprintf(bad, 300, "%lld", (long long)o->most + 1);
    }
}

static void each_has_its_variable(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CONFIG_N_OPTIONS; i++) {
        const struct config_option *o = &config_option[i];
        char name[64], good[300], shown[300], bad[300], entry[400], from[80];
        char *env[] = {entry, NULL}, *text = base_text(o);
        struct config_input in = {.env = env};
        struct config *c;
        struct told t;

        some_text(o, good, shown, bad);
        config_option_variable(o, name);
        snprintf(entry, sizeof entry, "%s=%s", name, good);
        if (parse_with(text, &in, &c, &t) != 0)
            fail_msg("%s: %s", entry, t.message);
        snprintf(from, sizeof from, "env %s ", name);
        if (strcmp(o->pointer, "/conntrack/buckets") != 0) /* rounded */
            is_shown(c, o, from, shown);
        config_load_free(c);
        snprintf(entry, sizeof entry, "%s=%s", name, bad);
        assert_int_equal(parse_with(text, &in, &c, &t), 2);
        if (t.n != 1 || strcmp(t.env, name) != 0 || t.line != 0 ||
            strstr(t.message, "; ") == NULL)
            fail_msg("%s: %u errors, %u:%u %s: %s", entry, t.n, t.line,
                     t.column, t.env, t.message);
        free(text);
    }
}

/* ---- reload ---- */

static char kept[1000];

static void note_kept(const char *name, const char *why)
{
    assert_non_null(strstr(why, "needs a restart"));
    strcat(strcat(kept, name), ";");
}

/* next after a start with now, and whether it was said that this option was
 * kept. */
static bool is_kept(const struct config_option *o, const struct config *now,
                    struct config *next)
{
    char name[66];

    kept[0] = '\0';
    config_option_keep(now, next, note_kept);
    name_of(o, name);
    return strstr(kept, strcat(name, ";")) != NULL;
}

static bool is_same(const struct config_option *o, const struct config *a,
                    const struct config *b)
{
    return memcmp((const char *)a + o->at, (const char *)b + o->at, o->size) ==
           0;
}

/* Of an option whose value at the start bounds it: a at the start, b at the
 * reload; do we get b? */
static void reload(const struct config_option *o, uint32_t a, uint32_t b,
                   bool taken)
{
    bool is = o->kind == CONFIG_SWITCH;
    struct config *now = accepted(o, is ? json_boolean(a) : json_integer(a));
    struct config *next = accepted(o, is ? json_boolean(b) : json_integer(b));

    assert_int_equal(is_kept(o, now, next), !taken);
    assert_int_equal(config_option_get(next, o), taken ? b : a);
    config_load_free(now);
    /* What there is at the start is remembered over reloads. */
    now = next;
    next = accepted(o, is ? json_boolean(a) : json_integer(a));
    assert_false(is_kept(o, now, next));
    assert_int_equal(config_option_get(next, o), a);
    config_load_free(now);
    config_load_free(next);
}

/* A value that it does not have in base(). */
static json_t *another(const struct config_option *o)
{
    struct config *c;
    struct told t;
    char *text = base_text(o), word[32];
    uint32_t was = 0;

    assert_int_equal(parse(text, &c, &t), 0);
    if (o->kind != CONFIG_TEXT && o->kind != CONFIG_OWN)
        was = config_option_get(c, o);
    config_load_free(c);
    free(text);
    if (o->kind == CONFIG_OWN && strcmp(o->pointer, "/api/token_file") == 0)
        return json_null(); /* the same: a file would have to be there */
    if (o->kind == CONFIG_OWN)
        return json_loads(own_of(o)->legal, JSON_DECODE_ANY, NULL);
    if (o->kind == CONFIG_TEXT)
        return json_string("/tmp/another");
    if (o->kind == CONFIG_SWITCH)
        return json_boolean(!was);
    if (o->kind != CONFIG_CHOICE)
        return json_integer(was < o->most ? was + 1 : was - 1);
    assert_true(config_option_word(o, was == 0, word));
    return json_string(word);
}

static void each_is_taken_when_its_row_says(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CONFIG_N_OPTIONS; i++) {
        const struct config_option *o = &config_option[i];
        struct config *now, *next;
        struct told t;
        char *text;

        if (o->when == CT_OPTION_LESS) {
            reload(o, o->least + 1020, o->least + 1010, true);
            reload(o, o->least + 1010, o->least + 1020, false);
            continue;
        }
        if (o->when == CT_OPTION_ON) {
            reload(o, 0, 1, false);
            reload(o, 1, 0, true);
            if (o->kind != CONFIG_SWITCH)
                reload(o, 1, o->most, true);
            continue;
        }
        text = base_text(o);
        assert_int_equal(parse(text, &now, &t), 0);
        next = accepted(o, another(o));
        if (strcmp(o->pointer, "/api/token_file") != 0)
            assert_false(is_same(o, now, next));
        if (is_kept(o, now, next) != (o->when == CT_OPTION_START))
            fail_msg("%s: kept are \"%s\"", o->pointer, kept);
        if (o->when == CT_OPTION_START)
            assert_true(is_same(o, now, next));
        config_load_free(now);
        config_load_free(next);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_is_whole),
        cmocka_unit_test(words_have_their_numbers),
        cmocka_unit_test(each_default_is_shown),
        cmocka_unit_test(each_value_has_its_bounds),
        cmocka_unit_test(each_has_its_variable),
        cmocka_unit_test(each_is_taken_when_its_row_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
