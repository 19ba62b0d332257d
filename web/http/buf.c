/* buf.c - text that grows, up to a limit */
#include "http/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max, .own = true};
}

void buf_over(struct buf *b, char *space, size_t size)
{
    *b = (struct buf){.p = space, .cap = size, .max = size};
}

void buf_free(struct buf *b)
{
    if (b->own)
        free(b->p);
    *b = (struct buf){0};
}

/* Room for n more bytes? */
static bool reserve_bytes(struct buf *b, size_t n)
{
    size_t cap = b->cap;
    char *p;

    if (b->failed)
        return false;
    if (n <= b->cap - b->len)
        return true;
    if (!b->own || n > b->max - b->len) {
        b->failed = true;
        return false;
    }
    while (cap - b->len < n)
        cap = cap ? cap * 2 : 1024;
    if (cap > b->max)
        cap = b->max;
    p = realloc(b->p, cap);
    if (!p) {
        b->failed = true;
        return false;
    }
    b->p = p;
    b->cap = cap;
    return true;
}

void buf_put(struct buf *b, const void *bytes, size_t n)
{
    if (n == 0 || !reserve_bytes(b, n))
        return;
    memcpy(b->p + b->len, bytes, n);
    b->len += n;
}

void buf_puts(struct buf *b, const char *text)
{
    buf_put(b, text, strlen(text));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    char line[512], *more;
    va_list ap, again;
    int n;

    va_start(ap, fmt);
    va_copy(again, ap);
    n = vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof(line)) {
        buf_put(b, line, (size_t)n);
    } else if (n >= 0 && (more = malloc((size_t)n + 1)) != NULL) {
        (void)vsnprintf(more, (size_t)n + 1, fmt, again);
        buf_put(b, more, (size_t)n);
        free(more);
    } else {
        b->failed = true;
    }
    va_end(again);
}
