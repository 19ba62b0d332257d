/* jsonc.c - comments, trailing commas, syntax errors, positions */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/jsonc.h"
#include "config/jsonc_locate.h"

static bool clean(const char *text, char *out, struct jsonc_error *e)
{
    size_t len = strlen(text);
    bool ok;

    memset(e, 0, sizeof(*e));
    ok = jsonc_clean(text, len, out, e);
    out[len] = '\0';
    return ok;
}

static const struct {
    const char *text, *want;
} good[] = {
    {"{}", "{}"},
    {" [1, 2,] ", " [1, 2 ] "},
    {"{\"a\":1,}", "{\"a\":1 }"},
    {"// x\n1", "    \n1"},
    {"1 // x", "1     "},
    {"/* a\n b */ [ ] /**/", "    \n      [ ]     "},
    {"[1/*,*/, // 2\n]", "[1           \n]"},
    {"\"// no /* comment */\"", "\"// no /* comment */\""},
    {"[\"\\ud83d\\ude00\", -0.5e-3, true, false, null]",
     "[\"\\ud83d\\ude00\", -0.5e-3, true, false, null]"},
    {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""},
    {"[9223372036854775807]", "[9223372036854775807]"},
    /* a byte order mark, as some editors write it */
    {"\xef\xbb\xbf{}", "   {}"},
};

static void comments_and_trailing_commas_become_blanks(void **state)
{
    struct jsonc_error e;
    char out[256];

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        if (!clean(good[i].text, out, &e))
            fail_msg("%s: %s", good[i].text, e.text);
        assert_string_equal(out, good[i].want);
    }
}

static const struct {
    const char *text;
    uint32_t line, column;
    const char *pointer, *says;
} bad[] = {
    {"", 1, 1, "", "ends too early"},
    {"  ", 1, 3, "", "ends too early"},
    {"{", 1, 2, "", "a key in quotes"},
    {"[", 1, 2, "/0", "ends too early"},
    {"{,}", 1, 2, "", "a key in quotes"},
    {"[,]", 1, 2, "/0", "unexpected ','"},
    {"[1,,2]", 1, 4, "/1", "unexpected ','"},
    {"[1 2]", 1, 4, "/0", "',' or ]"},
    {"{\"a\" 1}", 1, 6, "/a", "':' behind the key"},
    {"{\"a\":1 \"b\":2}", 1, 8, "/a", "',' or }"},
    {"{\"a\":\n [1,\n  tru]}", 3, 3, "/a/1", "a value"},
    {"{a:1}", 1, 2, "", "a key in quotes"},
    {"[1] x", 1, 5, "", "end of the file"},
    {"{}{}", 1, 3, "", "end of the file"},
    {"01", 1, 2, "", "end of the file"},
    {"-", 1, 2, "", "a digit"},
    {"1.", 1, 3, "", "a digit"},
    {"1e+", 1, 4, "", "a digit"},
    {"+1", 1, 1, "", "unexpected '+'"},
    {"[9223372036854775808]", 1, 2, "/0", "too large"},
    {"[1e999]", 1, 2, "/0", "too large"},
    {"\"abc", 1, 1, "", "never ends"},
    {"[\"ab\nc\"]", 1, 2, "/0", "never ends"},
    {"\"a\tb\"", 1, 3, "", "control character 0x09"},
    {"\"\\x\"", 1, 2, "", "unknown escape"},
    {"\"\\u12g4\"", 1, 2, "", "four hex digits"},
    {"\"\\u0000\"", 1, 2, "", "\\u0000"},
    {"\"\\ud800\"", 1, 2, "", "surrogate"},
    {"\"\\udc00\"", 1, 2, "", "surrogate"},
    {"\"\\ud800\\u0041\"", 1, 2, "", "surrogate"},
    {"/* never", 1, 1, "", "never ends"},
    {"[1, /x]", 1, 5, "/1", "comment"},
    {"1 /", 1, 3, "", "comment"},
    {"\"\xff\"", 1, 2, "", "not UTF-8"},
    {"// \xc0\x80\n1", 1, 4, "", "not UTF-8"},
    {"\"\xed\xa0\x80\"", 1, 2, "", "not UTF-8"},
    {"\"\xf4\x90\x80\x80\"", 1, 2, "", "not UTF-8"},
    {"\"\xe2\x82\"", 1, 2, "", "not UTF-8"},
    {"\"\xc3\xa9\xc3\xa9\" x", 1, 6, "", "end of the file"},
    {"nul", 1, 1, "", "a value"},
    {"[1}", 1, 3, "/0", "',' or ]"},
    {"{\"a\":1]", 1, 7, "/a", "',' or }"},
};

static void syntax_errors_say_where_and_what(void **state)
{
    struct jsonc_error e;
    char out[256];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (clean(bad[i].text, out, &e))
            fail_msg("taken: %s", bad[i].text);
        if (e.line != bad[i].line || e.column != bad[i].column ||
            strcmp(e.pointer, bad[i].pointer) != 0 ||
            strstr(e.text, bad[i].says) == NULL)
            fail_msg("%s\n answers %u:%u %s: %s", bad[i].text, e.line, e.column,
                     e.pointer, e.text);
    }
}

static void depth_and_number_of_values_are_bounded(void **state)
{
    enum { N = 2 * JSONC_MAX_VALUES + 8 };
    struct jsonc_error e;
    static char text[N], out[N];

    (void)state;
    memset(text, '[', 64);
    memset(text + 64, ']', 64);
    assert_true(jsonc_clean(text, 128, out, &e));
    memset(text, '[', 65);
    memset(text + 65, ']', 65);
    assert_false(jsonc_clean(text, 130, out, &e));
    assert_int_equal(e.column, 65);
    assert_non_null(strstr(e.text, "deeply"));
    memset(text, '[', N);
    assert_false(jsonc_clean(text, N, out, &e));
    for (size_t i = 1; i < N; i++)
        text[i] = i % 2 ? '1' : ',';
    assert_false(jsonc_clean(text, N, out, &e));
    assert_non_null(strstr(e.text, "too many values"));
    assert_false(jsonc_clean("1", (size_t)JSONC_MAX_BYTES + 1, NULL, &e));
    assert_non_null(strstr(e.text, "too large"));
}

static void pointers_become_line_and_column(void **state)
{
    static const char text[] = "/* \xc3\xa9 */ {\"a\": [1, {\"b\": 2}],\n"
                               "  \"x/y~z\": \"\xc3\xa9\", \"t\\u00e4\": 7,\n"
                               "  // more\n"
                               "\t\"\": [[], [ 3,\n4]]}";
    struct jsonc_place places[] = {
        {.pointer = ""},
        {.pointer = "/a"},
        {.pointer = "/a/0"},
        {.pointer = "/a/1/b"},
        {.pointer = "/a/1/b", .key = true},
        {.pointer = "/x~1y~0z"},
        {.pointer = "/t\xc3\xa4"},
        {.pointer = "/t\xc3\xa4", .key = true},
        {.pointer = "/"},
        {.pointer = "//1/1"},
        {.pointer = "/none"},
        {.pointer = "/a/2"},
    };
    static const uint32_t want[][2] = {
        {1, 9},  {1, 15}, {1, 16}, {1, 25}, {1, 20}, {2, 12},
        {2, 28}, {2, 17}, {4, 6},  {5, 1},  {0, 0},  {0, 0},
    };
    enum { N = sizeof(places) / sizeof(places[0]) };
    struct jsonc_place *order[N];
    struct jsonc_error e;
    char out[sizeof(text)];

    (void)state;
    assert_true(jsonc_clean(text, sizeof(text) - 1, out, &e));
    jsonc_locate(text, out, sizeof(text) - 1, places, order, N);
    for (size_t i = 0; i < N; i++)
        if (places[i].line != want[i][0] || places[i].column != want[i][1])
            fail_msg("%s: %u:%u", places[i].pointer, places[i].line,
                     places[i].column);
}

/* Whatever is accepted can be walked; the sanitizers watch. */
static void random_bytes_never_hurt(void **state)
{
    static const char some[] = "{}[]\",:/*\\u0d8 \n1-.eE+truefalsn\xc3\xa9\t";
    struct jsonc_place place = {.pointer = "/x"}, *order[1];
    uint64_t seed = 42;
    unsigned taken = 0;

    (void)state;
    for (unsigned round = 0; round < 200000; round++) {
        struct jsonc_error e;
        size_t len = round % 24;
        char *text = malloc(len + 1), *out = malloc(len + 1);

        for (size_t i = 0; i < len; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            text[i] = some[(seed >> 40) % (sizeof(some) - 1)];
        }
        if (jsonc_clean(text, len, out, &e)) {
            taken++;
            jsonc_locate(text, out, len, &place, order, 1);
        } else {
            assert_true(e.line >= 1 && e.column >= 1 && e.text[0] != '\0');
        }
        free(text);
        free(out);
    }
    assert_true(taken > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comments_and_trailing_commas_become_blanks),
        cmocka_unit_test(syntax_errors_say_where_and_what),
        cmocka_unit_test(depth_and_number_of_values_are_bounded),
        cmocka_unit_test(pointers_become_line_and_column),
        cmocka_unit_test(random_bytes_never_hurt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
