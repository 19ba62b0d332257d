/* fuzz_http.c - libFuzzer: any bytes a client sends are answered, or refused,
 * and the connection ends
 *
 * First byte: how many pieces the rest is sent in, and what stands around it,
 * so that half the inputs get past the request line.  The HTTP side runs on its
 * own thread behind its Unix socket, as in the tests of web. */
#include "http/head.h"
#include "web_client.h"
#include "web_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct world *world(void)
{
    static struct world *w;

    if (w)
        return w;
    w = web_world_new(NULL);
    if (w->result != 0)
        abort();
    for (uint32_t i = 0; i < 32; i++)
        web_world_flow(w, i % 2, i, "tu6i"[i % 4]);
    return w;
}

/* A head is judged alike, however it is cut. */
static void judge(const char *p, size_t n)
{
    struct head whole = {0}, bit = {0};
    enum head_state a = head_read(&whole, p, n), b = HEAD_MORE;

    for (size_t i = 1; i <= n && b == HEAD_MORE; i++)
        b = head_read(&bit, p, i);
    if (a != b || whole.seen != bit.seen || whole.status != bit.status)
        abort();
    if (a == HEAD_REFUSED && (whole.status < 400 || !whole.why))
        abort();
}

/* The input as a whole request, or as it is. */
static size_t wrap(uint8_t how, const char *p, size_t n, char *out, size_t room)
{
    static const char *const before[] = {
        "GET /api/v1/flows?",
        "DELETE /api/v1/flows?dry_run=1&",
        "GET /api/v1/flows/",
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\n",
    };
    static const char *const after[] = {
        " HTTP/1.1\r\nHost: localhost\r\n\r\n",
        " HTTP/1.0\r\n\r\n",
        " HTTP/1.1\r\nHost: a\r\nAccept: application/x-ndjson\r\n\r\n",
        "\r\n\r\n",
    };
    unsigned kind = how >> 4 & 3, end = how & 8 ? 3u : how >> 6;
    int all;

    if (how & 4)
        return 0;
    all = snprintf(out, room, "%s%.*s%s", before[kind], (int)n, p, after[end]);
    return all > 0 && (size_t)all < room ? (size_t)all : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *p = (const char *)data + 1;
    static char text[32768];
    struct answer a;
    size_t piece, n;
    bool ended;
    int fd;

    if (size < 2)
        return 0;
    size--;
    n = wrap(data[0], p, size, text, sizeof(text));
    if (n > 0) {
        p = text;
        size = n;
    }
    judge(p, size);
    fd = web_client_unix(world()->socket);
    piece = size / (1 + data[0] % 4) + 1;
    for (; size > 0; p += n, size -= n) {
        n = size < piece ? size : piece;
        if (send(fd, p, n, MSG_NOSIGNAL) < 0)
            break; /* refused already */
    }
    (void)shutdown(fd, SHUT_WR);
    ended = web_client_ends(fd, 60000, &a);
    if (!ended ||
        (a.status != 0 && !strstr(a.head, "X-Content-Type-Options: nosniff"))) {
        fprintf(stderr, "fuzz_http: %s, answer %d:\n%s\n",
                ended ? "a header is missing" : "still open", a.status, a.head);
        abort();
    }
    web_client_free(&a);
    return 0;
}
