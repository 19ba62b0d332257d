/* head.h - one request's head, checked before libmicrohttpd reads it
 *
 * libmicrohttpd 0.9.75 accepts much that RFC 9112 forbids, and answers what it
 * refuses itself with HTML that lacks our headers.  So every head is read here
 * first, line by line as it arrives; only a well-formed one is passed on. */
#ifndef HEAD_H
#define HEAD_H

#include <stdbool.h>
#include <stddef.h>

enum {
    HEAD_MAX = 16384,       /* bytes of a whole head */
    HEAD_TARGET_MAX = 8192, /* bytes of a request target */
    HEAD_FIELDS_MAX = 100,  /* header fields */
    HEAD_PARAMETERS_MAX = 64
};

enum head_state { HEAD_MORE, HEAD_DONE, HEAD_REFUSED };

struct head {
    size_t seen, line; /* bytes read; where the current line starts */
    size_t start;      /* of the request line */
    unsigned fields, hosts, lengths, codings;
    bool begun;      /* the request line is read */
    bool http_1_0;   /* may lack a Host */
    bool body;       /* announces one */
    bool health;     /* asks whether the router lives or is ready */
    bool walk;       /* may walk the table or all rules: a long answer */
    unsigned status; /* refused: with this status, because */
    const char *why;
};

/* Go on reading the n bytes at p, of which *h has seen some.  HEAD_DONE: the
 * head is the first h->seen bytes; what follows belongs to the next one. */
enum head_state head_read(struct head *h, const char *p, size_t n);

#endif
