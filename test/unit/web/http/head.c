/* head.c - a request's head: what RFC 9112 allows and what it does not */
#include "http/head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HOST "Host: localhost\r\n"

struct row {
    const char *bytes;
    size_t n;
    unsigned status; /* 0: well-formed */
};

#define ROW(text, status)                                                      \
    {                                                                          \
        text, sizeof(text) - 1, status                                         \
    }

static const struct row rows[] = {
    ROW("GET / HTTP/1.1\r\n" HOST "\r\n", 0),
    ROW("\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", 0),
    ROW("GET /a?b=c%20d&e=[::1] HTTP/1.1\r\n" HOST "X:\r\nY: \t z \t\r\n\r\n",
        0),
    ROW("GET / HTTP/1.0\r\n\r\n", 0),
    ROW("GET / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 0),
    ROW("GET / HTTP/1.1\r\nHost: [2001:db8::1]:8080\r\nX: caf\xc3\xa9\r\n\r\n",
        0),
    ROW("GET / HTTP/1.1\r\nHost:\r\n\r\n", 0),

    ROW("GET / HTTP/1.1\r\n\r\n", 400),
    ROW("GET / HTTP/1.0\r\n" HOST HOST "\r\n", 400),
    ROW("GET / HTTP/1.1\n", 400),
    ROW("GET / HTTP/1.1\r\n" HOST "\n", 400),
    ROW("GET / HTTP/1.1\r\n" HOST "X: a\rb\r\n", 400),
    ROW("GET / HTTP/1.1\r\n" HOST "X: a\r\r\n", 400),
    ROW("GET / HTTP/1.1\r\n" HOST "X: a\0b\r\n", 400),
    ROW("GET / HTTP/1.1\r\n" HOST "X: a\x01\r\n", 400),
    ROW("GET / HTTP/1.1\r\n" HOST "X: a\x7f\r\n", 400),
    ROW("GET / HTTP/1.1\r\n" HOST ": a\r\n", 400),
    ROW("GET / HTTP/1.1\r\n" HOST "X : a\r\n", 400),
    ROW("GET / HTTP/1.1\r\n" HOST "X\r\n", 400),
    ROW("GET / HTTP/1.1\r\n" HOST "X: a\r\n b\r\n", 400),
    ROW("GET / HTTP/1.1\r\nHost: a b\r\n", 400),
    ROW("GET / HTTP/1.1\r\nHost: a/b\r\n", 400),
    ROW("GET / HTTP/1.1\r\nHost: a@b\r\n", 400),
    ROW("GET / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n", 400),
    ROW("GET / HTTP/1.1\r\n" HOST "Content-Length: 0x0\r\n", 400),
    ROW("GET / HTTP/1.1\r\n" HOST "Content-Length: \r\n", 400),
    ROW("GET / HTTP/1.1\r\n" HOST
        "Content-Length: 0\r\nContent-Length: 0\r\n\r\n",
        400),
    ROW("GET / HTTP/1.1\r\n" HOST
        "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n",
        400),
    ROW("GET / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n", 413),
    ROW("GET / HTTP/1.1\r\n" HOST "transfer-encoding: chunked\r\n\r\n", 413),
    ROW("GET  / HTTP/1.1\r\n", 400),
    ROW("GET /  HTTP/1.1\r\n", 400),
    ROW(" GET / HTTP/1.1\r\n", 400),
    ROW("GET /\tx HTTP/1.1\r\n", 400),
    ROW("GET / HTTP/1.1 \r\n", 400),
    ROW("GET / http/1.1\r\n", 400),
    ROW("GET /\r\n", 400),
    ROW("GET\r\n", 400),
    ROW("G@T / HTTP/1.1\r\n", 400),
    ROW("GET * HTTP/1.1\r\n", 400),
    ROW("GET http://localhost/ HTTP/1.1\r\n", 400),
    ROW("GET /%00 HTTP/1.1\r\n", 400),
    ROW("GET /%0 HTTP/1.1\r\n", 400),
    ROW("GET /%gg HTTP/1.1\r\n", 400),
    ROW("GET /\xc3\xa9 HTTP/1.1\r\n", 400),
    ROW("GET /#x HTTP/1.1\r\n", 400),
    ROW("GET /../x HTTP/1.1\r\n", 400),
    ROW("GET / HTTP/2.0\r\n", 505),
    ROW("AMETHODOFMORETHANTHIRTYONELETTERS / HTTP/1.1\r\n", 501),
};

/* Each byte in memory of its own size: a look behind the end is seen. */
static enum head_state read_by(const struct row *row, size_t step,
                               struct head *h)
{
    enum head_state state = HEAD_MORE;

    *h = (struct head){0};
    for (size_t n = step; state == HEAD_MORE; n += step) {
        size_t some = n < row->n ? n : row->n;
        char *copy = malloc(some);

        memcpy(copy, row->bytes, some);
        state = head_read(h, copy, some);
        free(copy);
        if (some == row->n)
            break;
    }
    return state;
}

static void each_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (size_t step = 1; step <= rows[i].n; step += rows[i].n - 1) {
            struct head h;
            enum head_state got = read_by(&rows[i], step, &h);

            if (got != (rows[i].status ? HEAD_REFUSED : HEAD_DONE) ||
                h.status != rows[i].status)
                fail_msg("row %zu by %zu: %d, status %u, %s", i, step, got,
                         h.status, h.why ? h.why : "");
        }
}

static void what_follows_belongs_to_the_next(void **state)
{
    static const char two[] =
        "\r\nGET /livez HTTP/1.1\r\n" HOST "\r\nGET / HTTP/1.0\r\n\r\n";
    size_t first = (size_t)(strstr(two + 2, "\r\n\r\n") + 4 - two);
    struct head h = {0};

    (void)state;
    assert_int_equal(head_read(&h, two, sizeof(two) - 1), HEAD_DONE);
    assert_int_equal(h.seen, first);
    assert_int_equal(h.start, 2);
    assert_true(h.health);
    h = (struct head){0};
    assert_int_equal(head_read(&h, two + first, sizeof(two) - 1 - first),
                     HEAD_DONE);
    assert_int_equal(h.seen, sizeof(two) - 1 - first);
    assert_false(h.health);
}

/* Without an end in sight: refused once it is too much, not later. */
static void too_much_of_anything_is_refused(void **state)
{
    static char text[HEAD_MAX + 1];
    struct head h = {0};
    int n;

    (void)state;
    memset(text, '\n', sizeof(text));
    for (size_t i = 0; i + 1 < sizeof(text); i += 2)
        text[i] = '\r';
    assert_int_equal(head_read(&h, text, HEAD_MAX), HEAD_MORE);
    assert_int_equal(head_read(&h, text, HEAD_MAX + 1), HEAD_REFUSED);
    assert_int_equal(h.status, 431);

    h = (struct head){0};
    n = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n");
    for (unsigned i = 0; i <= HEAD_FIELDS_MAX; i++)
        n += snprintf(text + n, sizeof(text) - (size_t)n, "X: y\r\n");
    assert_int_equal(head_read(&h, text, (size_t)n - 6), HEAD_MORE);
    assert_int_equal(head_read(&h, text, (size_t)n), HEAD_REFUSED);
    assert_int_equal(h.status, 431);

    h = (struct head){0};
    n = snprintf(text, sizeof(text), "GET /%*s HTTP/1.1\r\n", HEAD_TARGET_MAX,
                 "");
    memset(text + 5, 'a', HEAD_TARGET_MAX);
    assert_int_equal(head_read(&h, text, (size_t)n), HEAD_REFUSED);
    assert_int_equal(h.status, 414);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row),
        cmocka_unit_test(what_follows_belongs_to_the_next),
        cmocka_unit_test(too_much_of_anything_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
