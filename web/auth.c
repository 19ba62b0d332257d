/* auth.c - who may ask what
 *
 * What libmicrohttpd lets through although HTTP forbids it is refused here
 * too: two Host headers, two Content-Lengths, Content-Length beside
 * Transfer-Encoding (RFC 9112 s3.2, s6.3). */
#include "auth.h"
#include "problem.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

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
static bool is_loopback(const char *text)
{
    struct in6_addr six;
    struct in_addr four;

    if (inet_pton(AF_INET, text, &four) == 1)
        return ntohl(four.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, text, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

bool auth_host(const char *host, const char *configured, const char *own)
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
    return strcasecmp(name, "localhost") == 0 || is_loopback(name) ||
           (configured && strcasecmp(name, configured) == 0) ||
           (*own && strcasecmp(name, own) == 0);
}

struct heads {
    unsigned hosts, lengths, codings, origins, sites, auths;
    const char *host, *length, *origin, *site, *auth;
};

static enum MHD_Result collect(void *cls, enum MHD_ValueKind kind,
                               const char *key, const char *value)
{
    struct heads *h = cls;

    (void)kind;
    if (!value)
        value = "";
    if (strcasecmp(key, "Host") == 0) {
        h->hosts++;
        h->host = value;
    } else if (strcasecmp(key, "Content-Length") == 0) {
        h->lengths++;
        h->length = value;
    } else if (strcasecmp(key, "Transfer-Encoding") == 0) {
        h->codings++;
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

    MHD_get_connection_values(r->mhd, MHD_HEADER_KIND, collect, &h);
    return h;
}

/* The address the peer reached us by, as text. */
static void own_address(int fd, char text[INET6_ADDRSTRLEN])
{
    struct sockaddr_storage ss;
    socklen_t len = sizeof(ss);

    text[0] = '\0';
    if (getsockname(fd, (struct sockaddr *)&ss, &len) != 0)
        return;
    if (ss.ss_family == AF_INET)
        (void)inet_ntop(AF_INET, &((struct sockaddr_in *)&ss)->sin_addr, text,
                        INET6_ADDRSTRLEN);
    else if (ss.ss_family == AF_INET6)
        (void)inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&ss)->sin6_addr,
                        text, INET6_ADDRSTRLEN);
}

bool auth_head(struct request *r, enum MHD_Result *result)
{
    struct heads h = heads_of(r);
    char own[INET6_ADDRSTRLEN];

    if (r->conn->stranger) {
        *result = problem_answer(r, 403,
                                 "only root and the router's own user may use "
                                 "this socket");
        return false;
    }
    if (r->conn->bad_uri || r->path[0] != '/') {
        *result = problem_answer(r, 400,
                                 "the request target is not a plain "
                                 "path");
        return false;
    }
    if (h.hosts != 1 || h.lengths > 1 || (h.lengths && h.codings) ||
        h.codings > 1) {
        *result = problem_answer(r, 400,
                                 "exactly one Host, and at most one of "
                                 "Content-Length and Transfer-Encoding, are "
                                 "allowed");
        return false;
    }
    if (h.codings || (h.length && strspn(h.length, "0") != strlen(h.length))) {
        *result = problem_answer(r, 413, "no call takes a body");
        return false;
    }
    if (r->conn->local)
        return true;
    own_address(r->conn->fd, own);
    if (!auth_host(h.host, r->site->host, own)) {
        *result = problem_answer(r, 421, "the Host is not this router");
        return false;
    }
    return true;
}

/* A write must come from no page at all, or from one of our own. */
static bool same_site(const struct heads *h)
{
    if (h->origins > 1 || h->sites > 1)
        return false;
    if (h->site && strcmp(h->site, "same-origin") != 0 &&
        strcmp(h->site, "none") != 0)
        return false;
    return !h->origin || (strncmp(h->origin, "http://", 7) == 0 &&
                          strcasecmp(h->origin + 7, h->host) == 0);
}

bool auth_scope(struct request *r, enum scope scope, enum MHD_Result *result)
{
    struct heads h;
    bool shown;

    if (r->conn->local)
        return true;
    h = heads_of(r);
    if (scope == SCOPE_WRITE && !same_site(&h)) {
        *result = problem_answer(r, 403,
                                 "a write must not come from another "
                                 "site's page");
        return false;
    }
    if (!r->site->token || scope == SCOPE_OPEN || scope == SCOPE_PAGE)
        return true;
    shown = h.auths == 1 && strncasecmp(h.auth, "Bearer ", 7) == 0 &&
            auth_token(h.auth + 7, r->site->token);
    if (!shown)
        *result = problem_answer_with(r, 401, "a bearer token is needed",
                                      "WWW-Authenticate", "Bearer");
    return shown;
}
