/* web_client.c - a blocking HTTP client for tests */
#include "web_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

void web_client_descriptors(unsigned n)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= n)
        return;
    limit.rlim_cur = limit.rlim_max < n ? limit.rlim_max : n;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

int web_client_tcp(const char *from, uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in own = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)inet_pton(AF_INET, from, &own.sin_addr);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, (struct sockaddr *)&own, sizeof(own)) == 0 &&
        connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

int web_client_unix(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
    if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

static long now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Are there bytes, or an end, before the time `end`?  A signal, such as that of
 * libFuzzer's alarm, ends no wait. */
static bool comes_before(int fd, long end)
{
    for (;;) {
        struct pollfd pfd = {.fd = fd, .events = POLLIN};
        long left = end - now_ms();
        int n = left > 0 ? poll(&pfd, 1, (int)left) : 0;

        if (n >= 0 || errno != EINTR)
            return n > 0;
    }
}

/* Text until the end of the stream; grows as needed. */
static char *read_all(int fd, int ms, size_t *len, bool *ended)
{
    long end = now_ms() + ms;
    size_t cap = 65536;
    char *p = malloc(cap);

    *len = 0;
    *ended = false;
    for (;;) {
        ssize_t n;

        if (!comes_before(fd, end))
            break;
        if (cap - *len < 32768)
            p = realloc(p, cap *= 2);
        n = read(fd, p + *len, cap - *len - 1);
        *ended = n <= 0;
        if (*ended)
            break;
        *len += (size_t)n;
    }
    p[*len] = '\0';
    return p;
}

/* Join the chunks of p in place; the new length. */
static size_t join(char *p)
{
    char *in = p, *out = p, *end;
    size_t n;

    for (;;) {
        n = strtoul(in, &end, 16);
        if (end == in || n == 0)
            break;
        in = end + 2;
        memmove(out, in, n);
        out += n;
        in += n + 2;
    }
    *out = '\0';
    return (size_t)(out - p);
}

static void take_apart(char *text, size_t len, struct answer *a)
{
    char *gap = strstr(text, "\r\n\r\n");

    memset(a, 0, sizeof(*a));
    if (!gap || sscanf(text, "HTTP/1.%*c %d", &a->status) != 1) {
        free(text);
        a->body = calloc(1, 1);
        return;
    }
    (void)snprintf(a->head, sizeof(a->head), "%.*s", (int)(gap + 2 - text),
                   text);
    a->n = len - (size_t)(gap + 4 - text);
    memmove(text, gap + 4, a->n + 1);
    a->body = text;
    if (strcasestr(a->head, "Transfer-Encoding: chunked"))
        a->n = join(text);
}

bool web_client_ends(int fd, int ms, struct answer *a)
{
    bool ended;
    size_t len;
    char *text = read_all(fd, ms, &len, &ended);

    (void)close(fd);
    take_apart(text, len, a);
    return ended;
}

void web_client_raw(int fd, const char *bytes, size_t n, int ms,
                    struct answer *a)
{
    if (send(fd, bytes, n, MSG_NOSIGNAL) < 0) {
        /* the other side may have closed already: read what it said */
    }
    (void)web_client_ends(fd, ms, a);
}

void web_client_ask(int fd, const char *method, const char *path,
                    const char *more, struct answer *a)
{
    char request[4096];
    int n = snprintf(request, sizeof(request),
                     "%s %s HTTP/1.1\r\nHost: localhost\r\n%s"
                     "Connection: close\r\n\r\n",
                     method, path, more);

    web_client_raw(fd, request, (size_t)n, 10000, a);
}

size_t web_client_read(int fd, char *out, size_t room, int ms, const char *want)
{
    long end = now_ms() + ms;
    size_t len = 0;

    out[0] = '\0';
    while (len + 1 < room && !(want && strstr(out, want))) {
        ssize_t n;

        if (!comes_before(fd, end))
            break;
        n = read(fd, out + len, room - len - 1);
        if (n <= 0)
            break;
        len += (size_t)n;
        out[len] = '\0';
    }
    return len;
}

void web_client_free(struct answer *a)
{
    free(a->body);
    a->body = NULL;
}
