/* log.c - one line, one write
 *
 * A line is put together on the stack and written whole, so lines of several
 * threads never mix.  What does not fit is cut and marked with "...".  Control
 * characters never reach a terminal: a log line may quote a hostile name. */
#include "system/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "system/clock.h"
#include "system/log_writer.h"

enum { WORDS_MAX_BYTES = 1536, TAIL_BYTES = 16 };

static const char *const level_names[] = {
    [LOG_L_ERROR] = "error",
    [LOG_L_WARN] = "warn",
    [LOG_L_INFO] = "info",
    [LOG_L_DEBUG] = "debug",
};

static _Atomic int level_now = LOG_L_INFO;
static _Atomic bool json_now;

struct line {
    char text[LOG_WRITER_LINE];
    size_t n;
};

void log_setup(enum log_level level, bool json)
{
    atomic_store_explicit(&level_now, (int)level, memory_order_relaxed);
    atomic_store_explicit(&json_now, json, memory_order_relaxed);
}

/* Room for the tail is always kept: dots, quote, brace, newline. */
static void put_line_char(struct line *l, char c)
{
    if (l->n < sizeof(l->text) - TAIL_BYTES)
        l->text[l->n++] = c;
}

static void put_text(struct line *l, const char *s)
{
    while (*s != '\0')
        put_line_char(l, *s++);
}

/* Bytes of the well-formed UTF-8 character at s (RFC 3629 section 4); 0: none.
 */
static unsigned char_len(const unsigned char *s)
{
    unsigned n = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

    if (n == 1)
        return 1;
    if (s[0] < 0xc2 || s[0] > 0xf4 || (s[0] == 0xe0 && s[1] < 0xa0) ||
        (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
        (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    for (unsigned i = 1; i < n; i++) /* the end of s is no continuation */
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

static void put_escape(struct line *l, unsigned c)
{
    static const char hex[] = "0123456789abcdef";

    put_text(l, "\\u");
    for (int shift = 12; shift >= 0; shift -= 4)
        put_line_char(l, hex[c >> shift & 15]);
}

/* Control characters as \u00XX in both formats, so that text can be pasted, and
 * what is no UTF-8 as the replacement character's number: JSON has no room for
 * it, and a terminal takes some for controls.  False: cut, but never within an
 * escape or a character. */
static bool put_escaped_words(struct line *l, const char *words, bool json)
{
    const unsigned char *s = (const unsigned char *)words;
    unsigned n;

    for (; *s != '\0'; s += n == 0 ? 1 : n) {
        n = char_len(s);
        /* Six bytes are the longest thing that is begun here. */
        if (l->n + 6 > sizeof(l->text) - TAIL_BYTES)
            return false;
        if (n == 0) {
            put_escape(l, 0xfffd);
        } else if (*s == '\n') {
            put_text(l, "\\n");
        } else if (*s < 0x20 || *s == 0x7f) {
            put_escape(l, *s);
        } else if (*s == 0xc2 && s[1] < 0xa0) { /* C1: 0x9b begins as ESC [ */
            put_escape(l, s[1]);
        } else {
            if (json && (*s == '"' || *s == '\\'))
                put_line_char(l, '\\');
            for (unsigned i = 0; i < n; i++)
                put_line_char(l, (char)s[i]);
        }
    }
    return true;
}

/* vsnprintf may have cut within a character: its beginning goes too. */
static void drop_half(char *s)
{
    size_t n = strlen(s);

    while (n > 0 && (s[n - 1] & 0xc0) == 0x80)
        n--;
    if (n > 0 && (s[n - 1] & 0x80) != 0)
        s[n - 1] = '\0';
}

static void put_time(struct line *l)
{
    int64_t ms = clock_wall_ms();
    time_t s = (time_t)(ms / 1000);
    struct tm tm;
    char text[48];
    size_t n;

    gmtime_r(&s, &tm);
    n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + n, sizeof(text) - n, ".%03dZ", (int)(ms % 1000));
    put_text(l, text);
}

static void put_head(struct line *l, enum log_level level, const char *module,
                     bool json)
{
    if (json) {
        put_text(l, "{\"ts\":\"");
        put_time(l);
        put_text(l, "\",\"level\":\"");
        put_text(l, level_names[level]);
        put_text(l, "\",\"module\":\"");
        (void)put_escaped_words(l, module, true);
        put_text(l, "\",\"msg\":\"");
        return;
    }
    put_time(l);
    put_line_char(l, ' ');
    put_text(l, level_names[level]);
    for (size_t n = strlen(level_names[level]); n < 6; n++)
        put_line_char(l, ' ');
    (void)put_escaped_words(l, module, false);
    put_text(l, ": ");
}

void log_line(enum log_level level, const char *module, const char *fmt, ...)
{
    bool json = atomic_load_explicit(&json_now, memory_order_relaxed);
    int was = errno;
    char words[WORDS_MAX_BYTES];
    struct line l = {.n = 0};
    va_list ap;
    bool cut;
    int n;

    if ((int)level > atomic_load_explicit(&level_now, memory_order_relaxed))
        return;
    va_start(ap, fmt);
    n = vsnprintf(words, sizeof(words), fmt, ap);
    va_end(ap);
    if (n < 0)
        words[0] = '\0';
    cut = n >= (int)sizeof(words);
    if (cut)
        drop_half(words);
    put_head(&l, level, module, json);
    if (!put_escaped_words(&l, words, json) || cut) {
        memcpy(l.text + l.n, "...", 3);
        l.n += 3;
    }
    if (json) {
        memcpy(l.text + l.n, "\"}", 2);
        l.n += 2;
    }
    l.text[l.n++] = '\n';
    log_writer_put(l.text, l.n);
    errno = was;
}
