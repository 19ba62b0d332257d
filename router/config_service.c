/* config_service.c - what is around the core: API, log, workers, seed */
#include "config_keys.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_addr.h"

enum { TOKEN_MIN = 32 };

const char *const config_service_levels[4] = {
    [LOG_L_ERROR] = "error",
    [LOG_L_WARN] = "warn",
    [LOG_L_INFO] = "info",
    [LOG_L_DEBUG] = "debug",
};

/* ---- api ---- */

/* HOST:PORT or [HOST]:PORT, numeric. */
static bool parse_listen(const char *s, struct config *c)
{
    const char *colon = strrchr(s, ':');
    bool six = s[0] == '[';
    const char *host = s + six;
    struct ct_port_range port;
    union ct_addr addr;
    uint8_t family;
    size_t n;

    if (colon == NULL || colon <= host || (six && colon[-1] != ']'))
        return false;
    n = (size_t)(colon - host) - six;
    if (n >= sizeof(c->listen_host))
        return false;
    memcpy(c->listen_host, host, n);
    c->listen_host[n] = '\0';
    if (!config_addr_one(c->listen_host, &addr, &family) ||
        (family == CT_IPV6) != six || strchr(colon + 1, '-') != NULL ||
        !config_addr_ports(colon + 1, &port))
        return false;
    c->listen_port = port.lo;
    return true;
}

static void read_listen(struct config_read *r, json_t *v, void *into)
{
    struct config *c = into;
    const char *s;

    if (json_is_null(v)) {
        c->listen_set = false;
        return;
    }
    s = config_read_string(r, v, 64, "ADDRESS:PORT or null");
    if (s != NULL && !parse_listen(s, c)) {
        c->listen_set = false;
        config_read_fail(r,
                         "%s is no address to listen on; expected "
                         "ADDRESS:PORT like 127.0.0.1:8080 or [::1]:8080, "
                         "or null for none",
                         config_read_show(r, s));
    }
}

static void read_socket(struct config_read *r, json_t *v, void *into)
{
    struct config *c = into;
    const char *s = config_read_string(r, v, sizeof(c->socket) - 1,
                                       "the path of a Unix socket");

    if (s != NULL)
        strcpy(c->socket, s);
}

/* White space around the token is not of it. */
static char *trim(char *s)
{
    char *end = s + strlen(s);

    while (end > s && strchr(" \t\r\n", end[-1]) != NULL)
        *--end = '\0';
    return s + strspn(s, " \t\r\n");
}

static void take_token(struct config_read *r, char *text, size_t n)
{
    char *token;

    text[n] = '\0';
    if (strlen(text) != n) {
        config_read_fail(r, "the token file holds a zero byte; expected text");
        return;
    }
    token = trim(text);
    if (strlen(token) < TOKEN_MIN ||
        strlen(token) >= sizeof(r->config->token)) {
        config_read_fail(r, "the token has %zu characters; expected %d to %zu",
                         strlen(token), TOKEN_MIN,
                         sizeof(r->config->token) - 1);
        return;
    }
    for (const char *p = token; *p != '\0'; p++)
        if (*p <= ' ' || *p >= 0x7f) {
            config_read_fail(r, "the token holds a space, a control character "
                                "or one beyond ASCII; expected letters, "
                                "digits and signs");
            return;
        }
    strcpy(r->config->token, token);
}

static void read_token_file(struct config_read *r, json_t *v, void *into)
{
    const char *path;
    struct stat st;
    char text[1024];
    ssize_t n;
    int fd;

    (void)into;
    if (json_is_null(v))
        return;
    path = config_read_string(r, v, 4095, "a path or null");
    if (path == NULL)
        return;
    /* Non-blocking: a pipe of that name must not stop the start. */
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        config_read_fail(r, "%s: %s; expected a file with the token",
                         config_read_show(r, path), strerror(errno));
        return;
    }
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        config_read_fail(r,
                         "%s is no regular file; expected a file with the "
                         "token",
                         config_read_show(r, path));
    else if ((st.st_mode & 077) != 0)
        config_read_fail(r,
                         "%s can be read by others (mode %04o); expected "
                         "mode 0600 or 0400",
                         config_read_show(r, path), st.st_mode & 07777u);
    else if ((n = read(fd, text, sizeof(text) - 1)) < 0)
        config_read_fail(r, "%s: %s; expected a file with the token",
                         config_read_show(r, path), strerror(errno));
    else
        take_token(r, text, (size_t)n);
    explicit_bzero(text, sizeof(text));
    close(fd);
}

void config_service_read_api(struct config_read *r, json_t *v, void *into)
{
    static const struct config_key keys[] = {
        {"listen", read_listen},
        {"socket", read_socket},
        {"token_file", read_token_file},
    };

    config_read_object(r, v, keys, CONFIG_READ_N(keys), NULL, into);
}

static bool is_loopback(const char *host)
{
    union ct_addr addr;
    uint8_t family;

    /* An address that failed is not judged a second time. */
    return !config_addr_one(host, &addr, &family) ||
           (family == CT_IPV4 ? addr.b[0] == 127 : strcmp(host, "::1") == 0);
}

void config_service_finish(struct config_read *r)
{
    const struct config *c = r->config;
    json_t *api = json_object_get(r->memory->root, "api");
    json_t *file = json_object_get(api, "token_file");
    size_t was = r->path_len;

    if (!c->listen_set || is_loopback(c->listen_host) || c->token[0] != '\0' ||
        (file != NULL && !json_is_null(file))) /* whose error is told */
        return;
    config_read_enter(r, "api");
    config_read_fail_in(r, "listen", false,
                        "%s can be reached by others; expected a loopback "
                        "address, or a token_file beside it",
                        c->listen_host);
    config_read_leave(r, was);
}

/* ---- log ---- */

static void read_level(struct config_read *r, json_t *v, void *into)
{
    struct config *c = into;
    int i = config_read_choice(r, v, config_service_levels, 4);

    if (i >= 0)
        c->log_level = (enum log_level)i;
}

static void read_format(struct config_read *r, json_t *v, void *into)
{
    static const char *const names[] = {"text", "json"};
    struct config *c = into;

    c->log_json = config_read_choice(r, v, names, 2) == 1;
}

void config_service_read_log(struct config_read *r, json_t *v, void *into)
{
    static const struct config_key keys[] = {
        {"level", read_level},
        {"format", read_format},
    };

    config_read_object(r, v, keys, CONFIG_READ_N(keys), NULL, into);
}

/* ---- one value each ---- */

void config_service_read_workers(struct config_read *r, json_t *v, void *into)
{
    struct config *c = into;
    uint64_t n;

    if (config_read_uint(r, v, 1, CT_MAX_SHARDS, &n))
        c->workers = (uint32_t)n;
}

void config_service_read_seed(struct config_read *r, json_t *v, void *into)
{
    struct config *c = into;

    if (!json_is_null(v))
        c->seed_set = config_read_uint(r, v, 0, INT64_MAX, &c->seed);
}

void config_service_read_on_reload(struct config_read *r, json_t *v, void *into)
{
    static const char *const names[] = {"keep"};
    const char *s = json_string_value(v);

    (void)into;
    if (s != NULL && strcmp(s, "revalidate") == 0)
        config_read_fail(r, "\"revalidate\" is not available in this version; "
                            "expected \"keep\"");
    else
        (void)config_read_choice(r, v, names, 1);
}
