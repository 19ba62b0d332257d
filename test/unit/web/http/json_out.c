/* json_out.c - the streaming writer and the buffer under it */
#include "http/json_out.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void every_kind_of_value(void **state)
{
    struct json_out j;
    struct buf b;

    (void)state;
    buf_init(&b, 4096);
    json_out_init(&j, &b);
    json_out_object(&j, NULL);
    json_out_u64(&j, "zero", 0);
    json_out_u64(&j, "top", UINT64_MAX);
    json_out_i64(&j, "low", INT64_MIN);
    json_out_milli(&j, "milli", 1234005);
    json_out_bool(&j, "yes", true);
    json_out_null(&j, "none");
    json_out_array(&j, "list");
    json_out_array(&j, NULL);
    json_out_end_array(&j);
    json_out_object(&j, NULL);
    json_out_end_object(&j);
    json_out_string(&j, NULL, "x");
    json_out_end_array(&j);
    json_out_raw(&j, "raw", "[1]");
    json_out_end_object(&j);
    buf_put(&b, "", 1);
    assert_false(b.failed);
    assert_string_equal(
        b.p, "{\"zero\":0,\"top\":18446744073709551615,"
             "\"low\":-9223372036854775808,\"milli\":1234.005,\"yes\":true,"
             "\"none\":null,\"list\":[[],{},\"x\"],\"raw\":[1]}");
    buf_free(&b);
}

/* Whatever bytes a text holds, what is written is JSON, and good UTF-8 comes
 * back as it was. */
static void strings_of_any_bytes(void **state)
{
    static const struct {
        const char *in, *back;
    } rows[] = {
        {"", ""},
        {"plain", "plain"},
        {"\"\\/\b\f\n\r\t\x01\x7f", "\"\\/\b\f\n\r\t\x01\x7f"},
        {"</script>", "</script>"},
        {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
         "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"\xff", "\xef\xbf\xbd"},                 /* never a first byte */
        {"a\xc3", "a\xef\xbf\xbd"},               /* cut short */
        {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"}, /* overlong / */
        {"\xed\xa0\x80",                          /* a surrogate */
         "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xf4\x90\x80\x80", /* above U+10FFFF */
         "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct json_out j;
        struct buf b;
        json_t *v;

        buf_init(&b, 4096);
        json_out_init(&j, &b);
        json_out_string(&j, NULL, rows[i].in);
        v = json_loadb(b.p, b.len, JSON_DECODE_ANY, NULL);
        assert_non_null(v);
        assert_string_equal(json_string_value(v), rows[i].back);
        json_decref(v);
        buf_free(&b);
    }
}

static void every_two_bytes_make_json(void **state)
{
    unsigned a, c;

    (void)state;
    for (a = 1; a < 256; a++)
        for (c = 1; c < 256; c++) {
            char in[3] = {(char)a, (char)c, 0}, space[64];
            struct json_out j;
            struct buf b;
            json_t *v;

            buf_over(&b, space, sizeof(space));
            json_out_init(&j, &b);
            json_out_string(&j, NULL, in);
            v = json_loadb(b.p, b.len, JSON_DECODE_ANY, NULL);
            if (!v)
                fail_msg("%02x %02x", a, c);
            json_decref(v);
        }
}

static void limits_fail_the_text_and_write_nothing_beyond(void **state)
{
    char space[9] = "12345678";
    struct json_out j;
    struct buf b;
    unsigned i;

    (void)state;
    buf_over(&b, space, 4);
    json_out_init(&j, &b);
    json_out_string(&j, NULL, "abcdef");
    assert_true(b.failed);
    assert_string_equal(space + 4, "5678");

    buf_init(&b, 16);
    for (i = 0; i < 10; i++)
        buf_puts(&b, "abc");
    assert_true(b.failed);
    assert_true(b.len <= 16);
    buf_free(&b);

    buf_init(&b, 4096); /* too deep */
    json_out_init(&j, &b);
    for (i = 0; i < JSON_OUT_DEPTH + 5; i++)
        json_out_array(&j, NULL);
    assert_true(b.failed);
    buf_free(&b);
}

static void long_lines_are_printed_whole(void **state)
{
    char big[2000];
    struct buf b;

    (void)state;
    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    buf_init(&b, 4096);
    buf_printf(&b, "<%s>", big);
    assert_int_equal(b.len, sizeof(big) + 1);
    assert_int_equal(b.p[b.len - 1], '>');
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_value),
        cmocka_unit_test(strings_of_any_bytes),
        cmocka_unit_test(every_two_bytes_make_json),
        cmocka_unit_test(limits_fail_the_text_and_write_nothing_beyond),
        cmocka_unit_test(long_lines_are_printed_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
