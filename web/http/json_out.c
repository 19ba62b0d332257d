/* json_out.c - JSON, written as it comes
 *
 * A list of a thousand flows costs no tree and no allocation a value.  Too deep
 * a nesting is our own mistake: it fails the text, it does not overrun. */
#include "http/json_out.h"

#include <string.h>

void json_out_init(struct json_out *j, struct buf *buf)
{
    *j = (struct json_out){.buf = buf};
}

void json_out_begin(struct json_out *j, struct buf *buf, size_t max)
{
    buf_init(buf, max);
    json_out_init(j, buf);
    json_out_object(j, NULL);
}

/* Bytes of the well-formed UTF-8 sequence at s, 0 if it is none (RFC 3629: no
 * overlong form, no surrogate, nothing above U+10FFFF).  s ends with NUL, so
 * a sequence cut short meets it in time. */
static size_t utf8_sequence_len(const unsigned char *s)
{
    unsigned lo = 0x80, hi = 0xbf;
    size_t n, i;

    if (s[0] < 0x80)
        return 1;
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return 0;
    n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    if (s[0] == 0xe0)
        lo = 0xa0;
    else if (s[0] == 0xed)
        hi = 0x9f;
    else if (s[0] == 0xf0)
        lo = 0x90;
    else if (s[0] == 0xf4)
        hi = 0x8f;
    if (s[1] < lo || s[1] > hi)
        return 0;
    for (i = 2; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

static void write_quoted(struct buf *b, const char *text)
{
    const unsigned char *s = (const unsigned char *)text, *run = s;

    buf_put(b, "\"", 1);
    while (*s) {
        size_t n = utf8_sequence_len(s);

        if (n > 0 && *s >= 0x20 && *s != '"' && *s != '\\' && *s != 0x7f) {
            s += n;
            continue;
        }
        buf_put(b, run, (size_t)(s - run));
        if (n == 0)
            buf_puts(b, "\\ufffd");
        else if (*s == '"' || *s == '\\')
            buf_printf(b, "\\%c", *s);
        else if (*s == '\n')
            buf_puts(b, "\\n");
        else
            buf_printf(b, "\\u%04x", *s);
        run = ++s;
    }
    buf_put(b, run, (size_t)(s - run));
    buf_put(b, "\"", 1);
}

/* What stands before a value: a comma if it is not the first, and its key. */
static void write_key(struct json_out *j, const char *key)
{
    if (j->filled[j->depth])
        buf_put(j->buf, ",", 1);
    j->filled[j->depth] = true;
    if (key) {
        write_quoted(j->buf, key);
        buf_put(j->buf, ":", 1);
    }
}

static void open_json(struct json_out *j, const char *key, char open)
{
    write_key(j, key);
    buf_put(j->buf, &open, 1);
    if (j->depth + 1 >= JSON_OUT_DEPTH) {
        j->buf->failed = true;
        return;
    }
    j->filled[++j->depth] = false;
}

static void close_json(struct json_out *j, char end)
{
    if (j->depth > 0)
        j->depth--;
    buf_put(j->buf, &end, 1);
}

void json_out_object(struct json_out *j, const char *key)
{
    open_json(j, key, '{');
}

void json_out_end_object(struct json_out *j)
{
    close_json(j, '}');
}

void json_out_array(struct json_out *j, const char *key)
{
    open_json(j, key, '[');
}

void json_out_end_array(struct json_out *j)
{
    close_json(j, ']');
}

void json_out_string(struct json_out *j, const char *key, const char *value)
{
    write_key(j, key);
    write_quoted(j->buf, value);
}

void json_out_u64(struct json_out *j, const char *key, uint64_t value)
{
    char digits[20], *p = digits + sizeof(digits);

    write_key(j, key);
    do
        *--p = (char)('0' + value % 10);
    while (value /= 10);
    buf_put(j->buf, p, (size_t)(digits + sizeof(digits) - p));
}

void json_out_i64(struct json_out *j, const char *key, int64_t value)
{
    write_key(j, key);
    buf_printf(j->buf, "%lld", (long long)value);
}

void json_out_milli(struct json_out *j, const char *key, uint64_t thousandths)
{
    write_key(j, key);
    buf_printf(j->buf, "%llu.%03u", (unsigned long long)(thousandths / 1000),
               (unsigned)(thousandths % 1000));
}

void json_out_bool(struct json_out *j, const char *key, bool value)
{
    write_key(j, key);
    buf_puts(j->buf, value ? "true" : "false");
}

void json_out_null(struct json_out *j, const char *key)
{
    write_key(j, key);
    buf_puts(j->buf, "null");
}

void json_out_raw(struct json_out *j, const char *key, const char *value)
{
    write_key(j, key);
    buf_puts(j->buf, value);
}

void json_out_string_or_null(struct json_out *j, const char *key,
                             const char *value)
{
    if (value)
        json_out_string(j, key, value);
    else
        json_out_null(j, key);
}

void json_out_u64_or_null(struct json_out *j, const char *key, bool known,
                          uint64_t value)
{
    if (known)
        json_out_u64(j, key, value);
    else
        json_out_null(j, key);
}
