/* head.c - one request's head, checked before libmicrohttpd reads it
 *
 * RFC 9112: lines end with CRLF, a bare CR or LF is an error (s2.2); no space
 * before a field's colon, no folded line (s5.1, s5.2); exactly one Host in
 * HTTP/1.1 (s3.2); one way at most to tell a body's length (s6.3).  Field
 * values hold no control characters but HTAB (RFC 9110 s5.5). */
#include "http/head.h"

#include <string.h>
#include <strings.h>

static bool refuse_head(struct head *h, unsigned status, const char *why)
{
    h->status = status;
    h->why = why;
    return false;
}

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

static bool is_of(char c, const char *also)
{
    return is_alnum(c) || (c != '\0' && strchr(also, c) != NULL);
}

/* How many of the n characters at p are letters, digits or one of also. */
static size_t span_of_name(const char *p, size_t n, const char *also)
{
    size_t i = 0;

    while (i < n && is_of(p[i], also))
        i++;
    return i;
}

static const char token_signs[] = "!#$%&'*+-.^_`|~";

/* RFC 3986: path characters, and "?" before a query.  The handlers compare
 * whole paths: an escaped NUL would cut one short. */
static bool check_target(struct head *h, const char *p, size_t n)
{
    unsigned parameters = 0;

    if (n > HEAD_TARGET_MAX)
        return refuse_head(h, 414,
                           "the request target has more than 8192 bytes");
    if (n == 0 || p[0] != '/')
        return refuse_head(h, 400, "the request target must start with /");
    if (span_of_name(p, n, "/?-._~!$&'()*+,;=:@%|[]{}^`") != n)
        return refuse_head(h, 400,
                           "the request target holds a character that must be "
                           "escaped as %XX");
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '?' || p[i] == '&')
            parameters++;
        if (p[i] != '%')
            continue;
        if (n - i < 3 || !strchr("0123456789abcdefABCDEF", p[i + 1]) ||
            !strchr("0123456789abcdefABCDEF", p[i + 2]))
            return refuse_head(h, 400,
                               "a % in the request target needs two "
                               "hexadecimal digits");
        if (p[i + 1] == '0' && p[i + 2] == '0')
            return refuse_head(h, 400,
                               "%00 is not allowed in the request target");
    }
    if (memmem(p, n, "/../", 4))
        return refuse_head(h, 400, "/../ is not allowed in the request target");
    if (parameters > HEAD_PARAMETERS_MAX)
        return refuse_head(h, 400, "too many query parameters; at most 64");
    return true;
}

static bool request_line(struct head *h, const char *p, size_t n)
{
    const char *end = p + n, *version;
    size_t method = span_of_name(p, n, token_signs), path;

    h->begun = true;
    if (method == 0 || method == n || p[method] != ' ')
        return refuse_head(h, 400,
                           "the request line must be METHOD TARGET HTTP/1.1");
    if (method > 31)
        return refuse_head(h, 501, "no such method");
    p += method + 1;
    version = memchr(p, ' ', (size_t)(end - p));
    if (!version)
        return refuse_head(h, 400,
                           "the request line must be METHOD TARGET HTTP/1.1");
    path = (size_t)(version - p);
    version++;
    if (end - version != 8 || memcmp(version, "HTTP/", 5) != 0 ||
        version[6] != '.')
        return refuse_head(h, 400,
                           "the request line must be METHOD TARGET HTTP/1.1");
    if (version[5] != '1' || (version[7] != '0' && version[7] != '1'))
        return refuse_head(h, 505,
                           "only HTTP/1.0 and HTTP/1.1 are spoken here");
    h->http_1_0 = version[7] == '0';
    h->health = (path == 6 && memcmp(p, "/livez", 6) == 0) ||
                (path == 7 && memcmp(p, "/readyz", 7) == 0);
    h->walk = (path >= 13 && memcmp(p, "/api/v1/flows", 13) == 0) ||
              (path >= 13 && memcmp(p, "/api/v1/rules", 13) == 0) ||
              memchr(p, '%', path);
    return check_target(h, p, path);
}

static bool is_field_name(const char *p, size_t n, const char *name)
{
    return strlen(name) == n && strncasecmp(p, name, n) == 0;
}

static bool parse_field(struct head *h, const char *p, size_t n)
{
    size_t name = span_of_name(p, n, token_signs);
    const char *value = p + name + 1, *end = p + n;

    if (++h->fields > HEAD_FIELDS_MAX)
        return refuse_head(h, 431, "too many header fields; at most 100");
    if (name == 0 || name == n || p[name] != ':')
        return refuse_head(h, 400, "a header line must be NAME: VALUE");
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    n = (size_t)(end - value);
    if (is_field_name(p, name, "Host")) {
        h->hosts++;
        if (span_of_name(value, n, "-._~!$&'()*+,;=%:[]") != n)
            return refuse_head(h, 400, "Host is not a name or an address");
    } else if (is_field_name(p, name, "Content-Length")) {
        h->lengths++;
        if (n == 0 || n > 18 || strspn(value, "0123456789") < n)
            return refuse_head(h, 400, "Content-Length is not a number");
        h->body = h->body || strspn(value, "0") < n;
    } else if (is_field_name(p, name, "Transfer-Encoding")) {
        h->codings++;
        h->body = true;
    }
    return true;
}

/* The empty line has come. */
static bool finish_head(struct head *h)
{
    if (h->hosts > 1 || (h->hosts == 0 && !h->http_1_0))
        return refuse_head(h, 400, "exactly one Host is needed");
    if (h->lengths + h->codings > 1)
        return refuse_head(
            h, 400,
            "at most one of Content-Length and Transfer-Encoding "
            "is allowed");
    if (h->body)
        return refuse_head(h, 413, "no call takes a body");
    return true;
}

/* The line of n bytes at p, without its end.  False: refused. */
static bool parse_head_line(struct head *h, const char *p, size_t n)
{
    return h->begun ? parse_field(h, p, n) : request_line(h, p, n);
}

static bool is_control(char c)
{
    return ((unsigned char)c < ' ' && !strchr("\t\r\n", c)) || c == 0 ||
           c == 0x7f;
}

enum head_state head_read(struct head *h, const char *p, size_t n)
{
    while (h->seen < n) {
        size_t at = h->seen++;
        bool cr = at > h->line && p[at - 1] == '\r';

        if (at >= HEAD_MAX) {
            refuse_head(h, 431, "the request's head has more than 16384 bytes");
            return HEAD_REFUSED;
        }
        if ((p[at] == '\n') != cr) {
            refuse_head(h, 400, "each line of a head must end with CR and LF");
            return HEAD_REFUSED;
        }
        if (is_control(p[at])) {
            refuse_head(h, 400, "a head must not hold control characters");
            return HEAD_REFUSED;
        }
        if (p[at] != '\n')
            continue;
        if (at - h->line == 1 && h->begun)
            return finish_head(h) ? HEAD_DONE : HEAD_REFUSED;
        /* RFC 9112 s2.2: an empty line before a request is passed over. */
        if (at - h->line > 1 &&
            !parse_head_line(h, p + h->line, at - h->line - 1))
            return HEAD_REFUSED;
        h->line = at + 1;
        if (!h->begun)
            h->start = h->line;
    }
    return HEAD_MORE;
}
