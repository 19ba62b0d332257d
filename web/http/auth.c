/* auth.c - who may ask what */
#include "http/auth.h"
#include "http/guess.h"
#include "http/problem.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

bool auth_token(const char *given, const char *token)
{
    size_t n = strlen(token), m = strlen(given), i;
    volatile size_t differ = n ^ m;

    for (i = 0; i < m; i++)
        differ |= (size_t)((unsigned char)given[i] ^
                           (unsigned char)token[n ? i % n : 0]);
    return differ == 0;
}

/* Loopback by number? */
static bool is_loopback_host(const char *text)
{
    struct in6_addr six;
    struct in_addr four;

    if (inet_pton(AF_INET, text, &four) == 1)
        return ntohl(four.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, text, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

bool auth_host(const char *host, const char *configured)
{
    char name[256];
    const char *end, *port;
    size_t n;

    if (*host == '[') {
        end = strchr(++host, ']');
        if (!end)
            return false;
        port = end + 1;
    } else {
        end = host + strcspn(host, ":");
        port = end;
    }
    n = (size_t)(end - host);
    if (n == 0 || n >= sizeof(name))
        return false;
    if (*port == ':') {
        size_t digits = strspn(port + 1, "0123456789");

        if (digits > 5 || port[1 + digits] != '\0')
            return false;
    } else if (*port != '\0') {
        return false;
    }
    memcpy(name, host, n);
    name[n] = '\0';
    return strcasecmp(name, "localhost") == 0 || is_loopback_host(name) ||
           strcasecmp(name, configured) == 0;
}

struct heads {
    unsigned origins, sites, auths;
    const char *host, *origin, *site, *auth;
};

static enum MHD_Result collect_header(void *cls, enum MHD_ValueKind kind,
                                      const char *key, const char *value)
{
    struct heads *h = cls;

    (void)kind;
    if (!value)
        value = "";
    if (strcasecmp(key, "Host") == 0) {
        h->host = value;
    } else if (strcasecmp(key, "Origin") == 0) {
        h->origins++;
        h->origin = value;
    } else if (strcasecmp(key, "Sec-Fetch-Site") == 0) {
        h->sites++;
        h->site = value;
    } else if (strcasecmp(key, "Authorization") == 0) {
        h->auths++;
        h->auth = value;
    }
    return MHD_YES;
}

static struct heads heads_of(struct request *r)
{
    struct heads h = {0};

    MHD_get_connection_values(r->mhd, MHD_HEADER_KIND, collect_header, &h);
    return h;
}

/* No Host (HTTP/1.0 only): no browser, whose user another site could lead
 * here. */
static bool is_host_ours(const struct request *r, const struct heads *h)
{
    return !h->host || auth_host(h->host, r->site->options.listen.host);
}

/* A write must come from no page at all, or from one of our own. */
static bool same_site(const struct heads *h)
{
    const char *origin = h->origin;

    if (h->origins > 1 || h->sites > 1)
        return false;
    if (h->site && strcmp(h->site, "same-origin") != 0 &&
        strcmp(h->site, "none") != 0)
        return false;
    if (!origin)
        return true;
    if (strncmp(origin, "http://", 7) == 0)
        origin += 7;
    else if (strncmp(origin, "https://", 8) == 0) /* a proxy speaks TLS */
        origin += 8;
    else
        return false;
    return h->host && strcasecmp(origin, h->host) == 0;
}

static enum MHD_Result allow_open(struct request *r, const struct heads *h,
                                  enum scope scope, bool *allowed)
{
    *allowed = false;
    if (!is_host_ours(r, h))
        return problem_answer(r, 421,
                              "the Host is not this router; to use other "
                              "names set api.token_file and show the token");
    if (scope == SCOPE_WRITE)
        return problem_answer(r, 403,
                              "without a token nothing can be changed over "
                              "TCP; set api.token_file, or use the Unix "
                              "socket");
    *allowed = true;
    return MHD_YES;
}

static enum MHD_Result allow_token(struct request *r, const struct heads *h,
                                   enum scope scope, bool *allowed)
{
    bool shown = h->auths == 1 && strncasecmp(h->auth, "Bearer ", 7) == 0;

    *allowed = scope == SCOPE_OPEN || scope == SCOPE_PAGE ||
               (shown && auth_token(h->auth + 7, r->site->token));
    return *allowed ? MHD_YES : guess_refuse(r, h->auths > 0);
}

bool auth_allows(struct request *r, enum scope scope, enum MHD_Result *result)
{
    struct heads h;
    bool allowed;

    if (r->conn->stranger) {
        *result = problem_answer(r, 403,
                                 "only root and the router's own user may use "
                                 "this socket");
        return false;
    }
    if (r->conn->local)
        return true;
    h = heads_of(r);
    *result = r->site->token ? allow_token(r, &h, scope, &allowed)
                             : allow_open(r, &h, scope, &allowed);
    if (allowed && scope == SCOPE_WRITE && !same_site(&h)) {
        *result = problem_answer(r, 403,
                                 "a write must not come from another "
                                 "site's page");
        return false;
    }
    return allowed;
}
