/* http.c - a small blocking HTTP client over the Unix socket
 *
 * It knows what our own server sends (HTTP/1.1, Content-Length or chunks) and
 * trusts none of it: every length is bounded. */
#include "cli/http.h"

#include "system/sandbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* Longer than the server's heartbeat: silence beyond it means it is gone. */
enum { SILENCE_S = 40 };

const char *cli_http_path(const char *option)
{
    const char *env = getenv("WEIR_SOCKET");

    if (option)
        return option;
    if (!env || !*env)
        env = getenv("WEIR_API_SOCKET");
    return env && *env ? env : "/run/weir/weir.sock";
}

/* Whose socket is it?  In a folder that we may not look into: the folder's
 * owner's. */
static bool find_owner(const char *path, struct stat *st)
{
    struct sockaddr_un a;
    char *slash;

    snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
    while (stat(a.sun_path, st) != 0) {
        slash = strrchr(a.sun_path, '/');
        if (errno != EACCES || !slash || slash == a.sun_path)
            return false;
        *slash = '\0';
    }
    return true;
}

/* A container's root has no CAP_DAC_OVERRIDE: the socket, which is its owner's
 * alone (mode 0600, so that no other user can use up its connections), is
 * closed to it.  What it may do is to become that owner. */
static bool connect_as_owner(int fd, const struct sockaddr_un *a)
{
    char user[32], err[256];
    struct stat st;

    if (errno != EACCES || geteuid() != 0)
        return false;
    if (find_owner(a->sun_path, &st) && st.st_uid != 0) {
        snprintf(user, sizeof(user), "%u:%u", (unsigned)st.st_uid,
                 (unsigned)st.st_gid);
        if (sandbox_begin(user, err) == 0 && sandbox_settle(false, err) == 0)
            return connect(fd, (const struct sockaddr *)a, sizeof(*a)) == 0;
    }
    errno = EACCES;
    return false;
}

bool cli_http_open(struct cli_http *h, const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct timeval tv = {.tv_sec = SILENCE_S};
    int error;

    memset(h, 0, sizeof(*h));
    h->over = true;
    h->fd = -1;
    h->path = path;
    if (strlen(path) >= sizeof(a.sun_path)) {
        fprintf(stderr, "weir: the socket's path is too long: %s\n", path);
        return false;
    }
    memcpy(a.sun_path, path, strlen(path) + 1);
    h->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (h->fd >= 0 &&
        setsockopt(h->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == 0 &&
        (connect(h->fd, (struct sockaddr *)&a, sizeof(a)) == 0 ||
         connect_as_owner(h->fd, &a)))
        return true;
    error = errno;
    if (error == ENOENT || error == ECONNREFUSED)
        fprintf(stderr, "weir: no router is running at %s\n", path);
    else
        fprintf(stderr, "weir: cannot reach the router at %s: %s\n", path,
                strerror(error));
    cli_http_close(h);
    return false;
}

void cli_http_close(struct cli_http *h)
{
    if (h->fd >= 0)
        (void)close(h->fd);
    h->fd = -1;
}

/* Have at least one byte in; false: end, failure or signal. */
static bool fill_receive_buffer(struct cli_http *h)
{
    ssize_t n;

    if (h->at < h->have)
        return true;
    do /* SIGCONT ends a recv() that has a timeout, too (signal(7)) */
        n = recv(h->fd, h->in, sizeof(h->in), 0);
    while (n < 0 && errno == EINTR && (h->stop == NULL || !*h->stop));
    if (n <= 0)
        return false;
    h->at = 0;
    h->have = (size_t)n;
    return true;
}

/* A line as it comes, outside the body; "" is the empty line. */
static bool raw_line(struct cli_http *h, char *out, size_t room)
{
    size_t n = 0;

    while (fill_receive_buffer(h)) {
        char c = h->in[h->at++];

        if (c == '\n') {
            if (n > 0 && out[n - 1] == '\r')
                n--;
            out[n] = '\0';
            return true;
        }
        if (n + 1 >= room)
            return false;
        out[n++] = c;
    }
    return false;
}

static bool read_response_head(struct cli_http *h)
{
    char line[8192];
    char *end;
    bool sized = false;

    if (!raw_line(h, line, sizeof(line)) ||
        sscanf(line, "HTTP/1.1 %3d", &h->status) != 1)
        return false;
    h->chunked = h->started = false;
    h->left = 0;
    while (raw_line(h, line, sizeof(line)) && *line) {
        if (strncasecmp(line, "Content-Length:", 15) == 0) {
            h->left = strtoull(line + 15, &end, 10);
            sized = *end == '\0';
        } else if (strncasecmp(line, "Transfer-Encoding:", 18) == 0) {
            h->chunked = strstr(line + 18, "chunked") != NULL;
        }
    }
    if (*line)
        return false; /* cut short in the head */
    if (h->chunked)
        h->left = 0;
    h->to_end = !sized && !h->chunked && h->status != 204;
    h->over = !h->chunked && !h->to_end && h->left == 0;
    return true;
}

static bool send_all(struct cli_http *h, const char *text, size_t n)
{
    while (n > 0) {
        ssize_t some = send(h->fd, text, n, MSG_NOSIGNAL);

        if (some < 0 && errno == EINTR)
            continue;
        if (some < 0)
            return false;
        text += some;
        n -= (size_t)some;
    }
    return true;
}

/* Has the router closed a connection that it kept for a while? */
static bool is_closed(struct cli_http *h)
{
    char c;

    return h->used && h->at == h->have &&
           recv(h->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static bool open_again(struct cli_http *h)
{
    const volatile sig_atomic_t *stop = h->stop;
    bool ok;

    cli_http_close(h);
    ok = cli_http_open(h, h->path);
    h->stop = stop;
    return ok;
}

int cli_http_ask(struct cli_http *h, const char *method, const char *target,
                 const char *accept)
{
    char request[8192];
    int n = snprintf(request, sizeof(request),
                     "%s %s HTTP/1.1\r\nHost: localhost\r\nAccept: %s\r\n\r\n",
                     method, target, accept);

    if (n < 0 || (size_t)n >= sizeof(request)) {
        fprintf(stderr, "weir: too many conditions\n");
        return -1;
    }
    if (is_closed(h) && !open_again(h))
        return -1;
    if (!send_all(h, request, (size_t)n)) {
        fprintf(stderr, "weir: the router hung up: %s\n", strerror(errno));
        return -1;
    }
    if (!read_response_head(h)) {
        /* It may have closed while the request was on its way. */
        if (h->used && strcmp(method, "GET") == 0 && is_closed(h))
            return open_again(h) ? cli_http_ask(h, method, target, accept) : -1;
        fprintf(stderr, "weir: the router gave no answer\n");
        return -1;
    }
    h->used = true;
    return h->status;
}

/* Step to the next chunk; false: there is none. */
static bool next_chunk(struct cli_http *h)
{
    char line[64];
    char *end;

    if (h->started && !raw_line(h, line, sizeof(line)))
        return false;
    h->started = true;
    if (!raw_line(h, line, sizeof(line)))
        return false;
    errno = 0;
    h->left = strtoull(line, &end, 16);
    if (end == line || errno)
        return false;
    if (h->left == 0) {
        while (raw_line(h, line, sizeof(line)) && *line)
            continue;
        h->over = true;
    }
    return h->left > 0;
}

/* One byte of the body, or -1. */
static int body_byte(struct cli_http *h)
{
    if (h->over)
        return -1;
    if (h->left == 0 && h->chunked && !next_chunk(h))
        return -1;
    if (!fill_receive_buffer(h))
        return -1;
    if (!h->to_end && --h->left == 0 && !h->chunked)
        h->over = true;
    return (unsigned char)h->in[h->at++];
}

const char *cli_http_line(struct cli_http *h)
{
    size_t n = 0;
    int c;

    while ((c = body_byte(h)) >= 0 && c != '\n') {
        if (n + 1 >= sizeof(h->line))
            return NULL;
        h->line[n++] = (char)c;
    }
    if (c < 0)
        return NULL;
    h->line[n] = '\0';
    return h->line;
}

char *cli_http_body(struct cli_http *h, size_t max)
{
    size_t n = 0, cap = 4096;
    char *text = malloc(cap + 1);
    int c;

    while (text && (c = body_byte(h)) >= 0) {
        if (n == cap) {
            char *bigger = n < max ? realloc(text, cap * 2 + 1) : NULL;

            if (!bigger) {
                free(text);
                return NULL;
            }
            text = bigger;
            cap *= 2;
        }
        text[n++] = (char)c;
    }
    if (text && !h->over && !h->to_end) { /* cut short */
        free(text);
        return NULL;
    }
    if (text)
        text[n] = '\0';
    return text;
}
