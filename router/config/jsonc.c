/* jsonc.c - a strict scanner that forgives comments and trailing commas
 *
 * One pass over the original decides; clean starts as its copy and only has
 * bytes turned into blanks, so that an offset means the same in both.  UTF-8
 * is checked first, over everything, comments included. */
#include "config/jsonc.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct level {
    bool array;
    size_t index;        /* array: of the value begun */
    size_t key, key_len; /* object: the key's text between its quotes */
};

struct scan {
    const char *s;
    char *clean;
    size_t n, at;
    uint32_t values;
    unsigned depth;
    struct level level[JSONC_MAX_DEPTH];
    struct jsonc_error *error;
};

static bool scan_value(struct scan *c);

/* ---- errors ---- */

/* Bytes of a byte order mark at the start: some editors write one, and RFC 8259
 * section 8.1 lets a parser ignore it.  It counts as no column. */
static size_t count_bom_bytes(const char *text, size_t len)
{
    return len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

void jsonc_position(const char *text, size_t offset, uint32_t *line,
                    uint32_t *column)
{
    *line = *column = 1;
    for (size_t i = count_bom_bytes(text, offset); i < offset; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c == '\n') {
            ++*line;
            *column = 1;
        } else if ((c & 0xc0) != 0x80) {
            ++*column;
        }
    }
}

/* The way to the value begun, as far as it fits.  Keys stand as in the text,
 * which differs from RFC 6901 only where they bear escapes. */
static void tell_way(const struct scan *c, char *out, size_t room)
{
    size_t n = 0;

    out[0] = '\0';
    for (unsigned d = 0; d < c->depth && room - n > 96; d++) {
        const struct level *l = &c->level[d];
        size_t len = l->key_len;

        if (!l->array && l->key == 0)
            break;    /* before its first key */
        if (len > 64) /* never in the middle of a character */
            for (len = 64; len > 0 && (c->s[l->key + len] & 0xc0) == 0x80;)
                len--;
        if (l->array)
            n += (size_t)snprintf(out + n, room - n, "/%zu", l->index);
        else
            n += (size_t)snprintf(out + n, room - n, "/%.*s", (int)len,
                                  c->s + l->key);
    }
}

__attribute__((format(printf, 3, 4))) static bool
set_scan_error(struct scan *c, size_t at, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(c->error->text, sizeof(c->error->text), fmt, ap);
    va_end(ap);
    jsonc_position(c->s, at, &c->error->line, &c->error->column);
    tell_way(c, c->error->pointer, sizeof(c->error->pointer));
    return false;
}

/* Say what stands at the cursor instead of what should. */
static bool refuse_unexpected(struct scan *c, const char *what)
{
    unsigned char ch;

    if (c->at >= c->n)
        return set_scan_error(c, c->n, "the file ends too early; expected %s",
                              what);
    ch = (unsigned char)c->s[c->at];
    if (ch > 0x20 && ch < 0x7f)
        return set_scan_error(c, c->at, "unexpected '%c'; expected %s", ch,
                              what);
    return set_scan_error(c, c->at, "unexpected byte 0x%02x; expected %s", ch,
                          what);
}

/* ---- UTF-8 (RFC 3629): shortest form, no surrogates, up to U+10FFFF ---- */

static size_t utf8_len(const unsigned char *s, size_t room)
{
    unsigned char c = s[0], lo = 0x80, hi = 0xbf;
    size_t n;

    if (c < 0x80)
        return 1;
    if (c < 0xc2 || c > 0xf4)
        return 0;
    n = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    lo = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    hi = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    if (room < n || s[1] < lo || s[1] > hi)
        return 0;
    for (size_t i = 2; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

static bool check_utf8(struct scan *c)
{
    for (size_t i = 0, n; i < c->n; i += n) {
        n = utf8_len((const unsigned char *)c->s + i, c->n - i);
        if (n == 0)
            return set_scan_error(
                c, i, "byte 0x%02x is not UTF-8; expected UTF-8 text",
                (unsigned)(unsigned char)c->s[i]);
    }
    return true;
}

/* ---- between the values ---- */

static void blank_out_bytes(struct scan *c, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        if (c->clean[i] != '\n')
            c->clean[i] = ' ';
}

static bool scan_comment(struct scan *c)
{
    size_t start = c->at, end;
    char kind = start + 1 < c->n ? c->s[start + 1] : '\0';

    if (kind == '/') {
        const char *nl = memchr(c->s + start, '\n', c->n - start);

        end = nl != NULL ? (size_t)(nl - c->s) : c->n;
    } else if (kind == '*') {
        for (end = start + 2; end + 1 < c->n; end++)
            if (c->s[end] == '*' && c->s[end + 1] == '/')
                break;
        if (end + 1 >= c->n)
            return set_scan_error(c, start,
                                  "this comment never ends; expected */");
        end += 2;
    } else {
        return set_scan_error(c, start,
                              "unexpected '/'; expected a comment after //, "
                              "or within /* */");
    }
    blank_out_bytes(c, start, end);
    c->at = end;
    return true;
}

static bool scan_gap(struct scan *c)
{
    for (; c->at < c->n; c->at++) {
        char ch = c->s[c->at];

        while (ch == '/') {
            if (!scan_comment(c))
                return false;
            if (c->at >= c->n)
                return true;
            ch = c->s[c->at];
        }
        if (ch != ' ' && ch != '\t' && ch != '\n' && ch != '\r')
            return true;
    }
    return true;
}

/* ---- values ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four hex digits at p, or -1. */
static int parse_hex_quad(const char *p, const char *end)
{
    int v = 0;

    for (int i = 0; i < 4; i++, p++) {
        int d = p < end ? hex_digit(*p) : -1;

        if (d < 0)
            return -1;
        v = v << 4 | d;
    }
    return v;
}

static bool scan_escape(struct scan *c)
{
    const char *p = c->s + c->at, *end = c->s + c->n;
    int v, low;

    if (p + 1 >= end)
        return set_scan_error(c, c->n,
                              "the file ends in a string; expected \"");
    if (p[1] != 'u') {
        if (memchr("\"\\/bfnrt", p[1], 8) == NULL)
            return set_scan_error(c, c->at,
                                  "unknown escape; expected one of "
                                  "\\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX");
        c->at += 2;
        return true;
    }
    v = parse_hex_quad(p + 2, end);
    if (v < 0)
        return set_scan_error(c, c->at, "broken \\u; expected four hex digits");
    if (v == 0)
        return set_scan_error(c, c->at,
                              "\\u0000 in a string; expected a character");
    c->at += 6;
    if (v < 0xd800 || v > 0xdfff)
        return true;
    low = c->at + 1 < c->n && p[6] == '\\' && p[7] == 'u'
              ? parse_hex_quad(p + 8, end)
              : -1;
    if (v > 0xdbff || low < 0xdc00 || low > 0xdfff)
        return set_scan_error(c, c->at - 6,
                              "half of a surrogate pair; expected "
                              "\\uD8XX\\uDCXX");
    c->at += 6;
    return true;
}

static bool scan_string(struct scan *c)
{
    size_t start = c->at++;

    while (c->at < c->n) {
        unsigned char ch = (unsigned char)c->s[c->at];

        if (ch == '"') {
            c->at++;
            return true;
        }
        if (ch < 0x20)
            return ch == '\n' || ch == '\r'
                       ? set_scan_error(c, start,
                                        "this string never ends; expected "
                                        "\" before the end of the line")
                       : set_scan_error(c, c->at,
                                        "control character 0x%02x in a string; "
                                        "expected \\u%04x",
                                        ch, ch);
        if (ch != '\\')
            c->at++;
        else if (!scan_escape(c))
            return false;
    }
    return set_scan_error(c, start, "this string never ends; expected \"");
}

static size_t skip_digits(struct scan *c)
{
    size_t was = c->at;

    while (c->at < c->n && c->s[c->at] >= '0' && c->s[c->at] <= '9')
        c->at++;
    return c->at - was;
}

static bool number_fits(struct scan *c, size_t start, bool real)
{
    char text[64];
    size_t len = c->at - start;

    if (len < sizeof(text)) {
        memcpy(text, c->s + start, len);
        text[len] = '\0';
        errno = 0;
        if (real) {
            double d = strtod(text, NULL);

            if (errno == 0 || (d > -1 && d < 1)) /* underflow is just 0 */
                return true;
        } else {
            (void)strtoll(text, NULL, 10);
            if (errno == 0)
                return true;
        }
    }
    return set_scan_error(c, start,
                          "this number is too large; expected one of 63 "
                          "bits");
}

static bool scan_number(struct scan *c)
{
    size_t start = c->at;
    bool real = false;

    if (c->s[c->at] == '-')
        c->at++;
    if (c->at < c->n && c->s[c->at] == '0')
        c->at++;
    else if (skip_digits(c) == 0)
        return refuse_unexpected(c, "a digit");
    if (c->at < c->n && c->s[c->at] == '.') {
        c->at++;
        real = true;
        if (skip_digits(c) == 0)
            return refuse_unexpected(c, "a digit");
    }
    if (c->at < c->n && (c->s[c->at] == 'e' || c->s[c->at] == 'E')) {
        c->at++;
        real = true;
        if (c->at < c->n && (c->s[c->at] == '+' || c->s[c->at] == '-'))
            c->at++;
        if (skip_digits(c) == 0)
            return refuse_unexpected(c, "a digit");
    }
    return number_fits(c, start, real);
}

static bool scan_word(struct scan *c)
{
    static const char *const words[] = {"true", "false", "null"};

    for (unsigned i = 0; i < 3; i++) {
        size_t len = strlen(words[i]);

        if (c->n - c->at >= len && memcmp(c->s + c->at, words[i], len) == 0) {
            c->at += len;
            return true;
        }
    }
    return refuse_unexpected(
        c, "a value: {, [, \", a number, true, false or null");
}

static bool scan_member(struct scan *c, struct level *l)
{
    size_t key;

    if (l->array)
        return scan_value(c);
    if (c->at >= c->n || c->s[c->at] != '"')
        return refuse_unexpected(c, "a key in quotes, or }");
    key = c->at + 1;
    l->key = 0; /* none until it is whole */
    if (!scan_string(c))
        return false;
    l->key = key;
    l->key_len = c->at - 1 - key;
    if (!scan_gap(c))
        return false;
    if (c->at >= c->n || c->s[c->at] != ':')
        return refuse_unexpected(c, "':' behind the key");
    c->at++;
    return scan_gap(c) && scan_value(c);
}

static bool scan_members(struct scan *c, struct level *l, char close)
{
    size_t comma = 0; /* of the comma before the cursor; 0: none */

    for (;;) {
        if (!scan_gap(c))
            return false;
        if (c->at < c->n && c->s[c->at] == close) {
            if (comma != 0)
                c->clean[comma] = ' ';
            c->at++;
            return true;
        }
        if (!scan_member(c, l) || !scan_gap(c))
            return false;
        if (c->at < c->n && c->s[c->at] == ',') {
            comma = c->at++;
            l->index++;
        } else if (c->at < c->n && c->s[c->at] == close) {
            comma = 0;
        } else {
            return refuse_unexpected(c, close == '}' ? "',' or }" : "',' or ]");
        }
    }
}

static bool scan_value(struct scan *c)
{
    char ch = c->at < c->n ? c->s[c->at] : '\0';
    struct level *l;
    bool ok;

    if (++c->values > JSONC_MAX_VALUES)
        return set_scan_error(c, c->at, "too many values; expected at most %u",
                              JSONC_MAX_VALUES);
    if (ch == '"')
        return scan_string(c);
    if (ch == '-' || (ch >= '0' && ch <= '9'))
        return scan_number(c);
    if (ch != '{' && ch != '[')
        return scan_word(c);
    if (c->depth == JSONC_MAX_DEPTH)
        return set_scan_error(c, c->at,
                              "nested too deeply; expected at most %u levels",
                              JSONC_MAX_DEPTH);
    l = &c->level[c->depth++];
    *l = (struct level){.array = ch == '['};
    c->at++;
    ok = scan_members(c, l, ch == '{' ? '}' : ']');
    if (ok)
        c->depth--;
    return ok;
}

bool jsonc_clean(const char *text, size_t len, char *clean,
                 struct jsonc_error *error)
{
    struct scan c = {.s = text, .clean = clean, .n = len, .error = error};

    if (len > JSONC_MAX_BYTES)
        return set_scan_error(&c, 0,
                              "the file is too large; expected at most %u MiB",
                              JSONC_MAX_BYTES >> 20);
    memcpy(clean, text, len);
    c.at = count_bom_bytes(text, len);
    memset(clean, ' ', c.at);
    if (!check_utf8(&c) || !scan_gap(&c) || !scan_value(&c) || !scan_gap(&c))
        return false;
    return c.at == len || refuse_unexpected(&c, "the end of the file");
}
