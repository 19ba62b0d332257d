/* service.c - what is around the core, where a row can't say it: API, seed */
#include "config/service.h"

#include "config/env.h"
#include "config/section.h"
#include "system/addr.h"
#include "system/token.h"

#include <string.h>

#define TOKEN_NAME "WEIR_API_TOKEN"

_Static_assert(sizeof(((struct config *)0)->token) == TOKEN_ROOM, "a token");

/* ---- api ---- */

/* HOST:PORT or [HOST]:PORT, numeric. */
static bool parse_listen(const char *s, struct web_listen *l)
{
    const char *colon = strrchr(s, ':');
    bool six = s[0] == '[';
    const char *host = s + six;
    struct ct_number_range port;
    union ct_addr addr;
    uint8_t family;
    size_t n;

    if (colon == NULL || colon <= host || (six && colon[-1] != ']'))
        return false;
    n = (size_t)(colon - host) - six;
    if (n >= sizeof(l->host))
        return false;
    memset(l, 0, sizeof(*l));
    memcpy(l->host, host, n);
    if (!system_addr_one(l->host, &addr, &family) ||
        (family == CT_IPV6) != six || strchr(colon + 1, '-') != NULL ||
        !system_addr_ports(colon + 1, &port))
        return false;
    l->port = port.lo;
    l->set = true;
    return true;
}

static void read_listen(struct config_read *r, json_t *v, void *into)
{
    struct web_listen *l = &((struct config *)into)->web.listen;
    const char *s;

    if (json_is_null(v)) {
        memset(l, 0, sizeof(*l));
        return;
    }
    s = config_read_string(r, v, 64, "ADDRESS:PORT or null");
    if (s != NULL && !parse_listen(s, l))
        config_read_fail(r,
                         "%s is not an address to listen on; use ADDRESS:PORT, "
                         "like 127.0.0.1:8080 or [::1]:8080, or null for none",
                         config_read_show(r, s));
}

/* What a published port or a proxy makes of the page's address is known outside
 * of this host only. */
static void read_url(struct config_read *r, json_t *v, void *into)
{
    struct config *c = into;
    const char *s = config_read_string(r, v, sizeof(c->url) - 2,
                                       "an address like http://host:8081/");
    size_t n;

    if (s == NULL)
        return;
    n = strlen(s);
    if ((strncmp(s, "http://", 7) != 0 && strncmp(s, "https://", 8) != 0) ||
        strpbrk(s, " #?\"") != NULL) {
        config_read_fail(r,
                         "%s is not the address of a page; use "
                         "http://HOST:PORT/ or https://HOST:PORT/",
                         config_read_show(r, s));
        return;
    }
    memcpy(c->url, s, n + 1);
    if (s[n - 1] != '/')
        strcpy(c->url + n, "/");
}

static void read_token_file(struct config_read *r, json_t *v, void *into)
{
    struct config *c = into;
    const char *path;
    char err[256];

    if (json_is_null(v))
        return;
    path =
        config_read_string(r, v, sizeof(c->token_file) - 1, "a path or null");
    if (path == NULL || config_env_get(r->env, TOKEN_NAME) != NULL)
        return; /* the token itself is given: the file is not looked at */
    strcpy(c->token_file, path);
    if (r->token != NULL) {
        snprintf(c->token, sizeof(c->token), "%s", r->token);
        return;
    }
    switch (token_read(path, c->token, err)) {
    case TOKEN_READ:
        break;
    case TOKEN_ABSENT:
        c->token_make = true;
        break;
    case TOKEN_REFUSED:
        config_read_fail(r, "%s", err);
        break;
    }
}

/* For those whose engine knows no secrets.  Others can see an environment, so
 * a file is better; where both are in the environment, one is a mistake. */
static void take_env_token(struct config_read *r)
{
    static const char file_name[] = TOKEN_NAME "_FILE";
    const char *text = config_env_get(r->env, TOKEN_NAME);
    char err[256];

    if (text == NULL)
        return;
    if (config_env_get(r->env, file_name) != NULL)
        config_read_fail_env(r, TOKEN_NAME, "%s is set too; remove one of them",
                             file_name);
    else if (!token_take(text, strlen(text), r->config->token, err))
        config_read_fail_env(r, TOKEN_NAME, "%s", err);
    r->memory->env_token = TOKEN_NAME;
}

void config_service_read_api(struct config_read *r, json_t *v, void *into)
{
    static const struct config_key keys[] = {
        {"listen", read_listen},
        {"token_file", read_token_file},
        {"url", read_url},
    };

    config_section_read_with(r, v, keys, CONFIG_READ_N(keys), into);
}

void config_service_defaults(struct config *c)
{
    (void)parse_listen(config_option_find("/api/listen")->standard,
                       &c->web.listen);
}

static bool is_loopback(const char *host)
{
    union ct_addr addr;
    uint8_t family;

    /* An address that failed is not judged a second time. */
    return !system_addr_one(host, &addr, &family) ||
           (family == CT_IPV4 ? addr.b[0] == 127 : strcmp(host, "::1") == 0);
}

void config_service_finish(struct config_read *r)
{
    const struct config *c = r->config;
    json_t *api = json_object_get(r->memory->root, "api");
    json_t *file = json_object_get(api, "token_file");
    size_t was = r->path_len;

    take_env_token(r);
    if (!c->web.listen.set || is_loopback(c->web.listen.host) ||
        r->memory->env_token != NULL ||
        (file != NULL && !json_is_null(file))) /* whose error is told */
        return;
    config_read_enter(r, "api");
    config_read_fail_in(r, "listen", false,
                        "%s can be reached by others; use a loopback address, "
                        "or set token_file",
                        c->web.listen.host);
    config_read_leave(r, was);
}

/* ---- seed ---- */

void config_service_read_seed(struct config_read *r, json_t *v, void *into)
{
    struct config *c = into;

    if (!json_is_null(v))
        c->seed.set = config_read_uint(r, v, 0, INT64_MAX, &c->seed.value);
}
