/* buf.h - text that grows, up to a limit, or that fills a given space
 *
 * A failure (no memory, no room) sticks: look at failed once, when
 * the text is finished, instead of at every call. */
#ifndef BUF_H
#define BUF_H

#include <stdbool.h>
#include <stddef.h>

struct buf {
    char *p; /* not terminated by NUL */
    size_t len;
    size_t cap;
    size_t max;  /* cap never grows beyond */
    bool own;    /* p is ours, from malloc */
    bool failed; /* something did not fit; the text is cut */
};

/* Grows by malloc, up to max bytes.  Free it, or give p away. */
void buf_init(struct buf *b, size_t max);
/* Fills the borrowed space and no more. */
void buf_over(struct buf *b, char *space, size_t size);
void buf_free(struct buf *b);

void buf_put(struct buf *b, const void *bytes, size_t n);
void buf_puts(struct buf *b, const char *text);
void buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
