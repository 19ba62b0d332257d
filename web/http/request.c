/* request.c - one request and the ways to answer it
 *
 * Every answer leaves through queue_response() below, so that no answer lacks
 * the security headers and none is left uncounted. */
#include "http/request.h"
#include "http/json_rows.h"
#include "http/page.def"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const struct request_status request_status[SITE_N_STATUS] = {
    {200, "OK"},
    {202, "Accepted"},
    {204, "No Content"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {409, "Conflict"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
};

static const char *const always[][2] = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; "
     "connect-src 'self'; img-src 'self' data:; base-uri 'none'; "
     "frame-ancestors 'none'; form-action 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"X-Frame-Options", "DENY"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Cache-Control", "no-store"},
};

static unsigned status_index(unsigned status)
{
    unsigned i, ours = 0;

    for (i = 0; i < SITE_N_STATUS; i++) {
        if (request_status[i].code == status)
            return i;
        if (request_status[i].code == 500)
            ours = i;
    }
    return ours; /* a code that is not listed is our fault */
}

const char *request_title(unsigned status)
{
    return request_status[status_index(status)].title;
}

void request_count(struct site *site, const struct route *route,
                   unsigned status)
{
    unsigned row = route ? (unsigned)(route - site->routes) : SITE_MAX_ROUTES;

    site->answers[row][status_index(status)]++;
}

void request_headers(struct buf *b)
{
    for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
        buf_printf(b, "%s: %s\r\n", always[i][0], always[i][1]);
}

bool request_is_head(const struct request *r)
{
    return strcmp(r->method, "HEAD") == 0;
}

/* The weight that an element of Accept, from its parameters on, gives: 0 if
 * "q=0", with any number of zeros behind the point (RFC 9110 s12.4.2). */
static bool has_weight(const char *p, const char *end)
{
    while (p < end) {
        while (p < end && strchr("; \t", *p))
            p++;
        if (end - p >= 3 && (p[0] | 32) == 'q' && p[1] == '=')
            return p[2] != '0' || memchr(p + 2, '1', (size_t)(end - p - 2)) ||
                   strcspn(p + 2, "23456789") < (size_t)(end - p - 2);
        while (p < end && *p != ';')
            p++;
    }
    return true;
}

bool request_accepts(struct request *r, const char *type)
{
    const char *p = MHD_lookup_connection_value(r->mhd, MHD_HEADER_KIND,
                                                MHD_HTTP_HEADER_ACCEPT);
    size_t n = strlen(type);

    for (; p && *p; p += strcspn(p, ",")) {
        p += strspn(p, ", \t");
        if (strncasecmp(p, type, n) == 0 && strcspn(p + n, ",; \t") == 0)
            return has_weight(p + n, p + strcspn(p, ","));
    }
    return false;
}

/* Send response, which is let go.  Nothing is on its way before this, so a
 * failure closes the connection (MHD_NO). */
static enum MHD_Result queue_response(struct request *r, unsigned status,
                                      const char *type,
                                      struct MHD_Response *response)
{
    enum MHD_Result done = MHD_YES;
    size_t i;

    if (!response)
        return MHD_NO;
    for (i = 0; i < sizeof(always) / sizeof(always[0]) && done == MHD_YES; i++)
        done = MHD_add_response_header(response, always[i][0], always[i][1]);
    if (type && done == MHD_YES)
        done = MHD_add_response_header(response, "Content-Type", type);
    /* After a refusal the rest of what was sent is not worth reading. */
    if ((status == 400 || status == 413 || status == 421) && done == MHD_YES)
        done = MHD_add_response_header(response, "Connection", "close");
    if (done == MHD_YES)
        done = MHD_queue_response(r->mhd, status, response);
    MHD_destroy_response(response);
    if (done != MHD_YES)
        return MHD_NO;

    request_count(r->site, r->route, status);
    return MHD_YES;
}

enum MHD_Result request_answer_static(struct request *r, unsigned status,
                                      const char *type, const void *bytes,
                                      size_t n)
{
    union {
        const void *in;
        void *out;
    } p = {.in = bytes}; /* MHD's argument lacks a const it keeps to */

    return queue_response(
        r, status, type,
        MHD_create_response_from_buffer(n, p.out, MHD_RESPMEM_PERSISTENT));
}

enum MHD_Result request_answer_with(struct request *r, unsigned status,
                                    const char *type, struct buf *b,
                                    const char *name, const char *value)
{
    static const char sorry[] = "{\"title\":\"Service Unavailable\","
                                "\"status\":503,"
                                "\"detail\":\"out of memory\"}";
    struct MHD_Response *response;

    if (b->failed) {
        buf_free(b);
        return request_answer_static(r, 503, "application/problem+json", sorry,
                                     sizeof(sorry) - 1);
    }
    if (b->len == 0) {
        buf_free(b);
        response =
            MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    } else {
        response = MHD_create_response_from_buffer(b->len, b->p,
                                                   MHD_RESPMEM_MUST_FREE);
        if (!response)
            buf_free(b);
        r->conn->held += b->cap; /* until the answer is complete */
        r->conn->host->held += b->cap;
        *b = (struct buf){0};
    }
    if (response && name &&
        MHD_add_response_header(response, name, value) != MHD_YES) {
        MHD_destroy_response(response);
        response = NULL;
    }
    return queue_response(r, status, type, response);
}

enum MHD_Result request_answer(struct request *r, unsigned status,
                               const char *type, struct buf *b)
{
    return request_answer_with(r, status, type, b, NULL, NULL);
}

enum MHD_Result request_answer_flow(struct request *r, const char *type,
                                    MHD_ContentReaderCallback read, void *cls,
                                    MHD_ContentReaderFreeCallback done)
{
    struct MHD_Response *response;
    struct buf none = {0};

    /* libmicrohttpd would send the body, or an empty one's last chunk, to HEAD
     * too; Content-Length: 0, which GET has not, is what it can do right. */
    if (request_is_head(r)) {
        done(cls);
        return request_answer(r, 200, type, &none);
    }
    response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 16384, read,
                                                 cls, done);
    if (!response) {
        done(cls);
        return MHD_NO;
    }
    return queue_response(r, 200, type, response);
}

/* ---- the query ---- */

void request_cursor(char text[24], uint64_t from)
{
    (void)snprintf(text, 24, "w%" PRIx64, from);
}

void request_end_page(struct json_out *j, uint64_t at, uint64_t all,
                      uint32_t rows, uint64_t total)
{
    char cursor[24], *next = NULL;

    json_out_end_array(j);
    if (at < all) {
        next = cursor;
        request_cursor(cursor, at);
    }
    PAGE(JSON_PUT)
    json_out_end_object(j);
}

static bool read_cursor(const char *text, uint64_t *from)
{
    uint64_t n = 0;
    size_t i;

    if (text[0] != 'w' || text[1] == '\0')
        return false;
    for (i = 1; text[i]; i++) {
        const char *digits = "0123456789abcdef";
        const char *d = strchr(digits, text[i]);

        if (!d || i > 15)
            return false;
        n = n << 4 | (uint64_t)(d - digits);
    }
    *from = n;
    return true;
}

static bool read_bool(const char *text, bool *out)
{
    *out = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
    return *out || strcmp(text, "false") == 0 || strcmp(text, "0") == 0;
}

static bool read_limit(const char *text, uint32_t *out)
{
    unsigned long n;
    char *end;

    if (*text < '0' || *text > '9')
        return false;
    n = strtoul(text, &end, 10);
    *out = (uint32_t)n;
    return *end == '\0' && n >= 1 && n <= REQUEST_LIMIT_MAX;
}

struct reading {
    struct request *r;
    char *key;
    const char *why; /* NULL: well so far */
};

static const char *take_query(struct request *r, const char *key,
                              const char *value)
{
    unsigned takes = r->route ? r->route->takes : 0;
    struct query *q = &r->query;
    const char *why;

    if ((takes & TAKES_PAGE) && strcmp(key, "limit") == 0)
        return read_limit(value, &q->limit) ? NULL
                                            : "a number of 1 to 1000 is "
                                              "expected";
    if ((takes & TAKES_PAGE) && strcmp(key, "cursor") == 0)
        return read_cursor(value, &q->from) ? NULL
                                            : "not a cursor that this router "
                                              "gave";
    if ((takes & TAKES_BULK) && strcmp(key, "all") == 0)
        return read_bool(value, &q->all) ? NULL : "true or false is expected";
    if ((takes & TAKES_BULK) && strcmp(key, "dry_run") == 0)
        return read_bool(value, &q->dry_run) ? NULL
                                             : "true or false is expected";
    if ((takes & TAKES_TOPICS) && strcmp(key, "topics") == 0)
        return strcmp(value, "flow") == 0 ? NULL
                                          : "flow is the only topic there is";
    if (!(takes & TAKES_FILTER) || !filter_key(key))
        return "no such parameter here";
    return filter_add(&q->filter, key, value, &why) ? NULL : why;
}

static enum MHD_Result each_query_value(void *cls, enum MHD_ValueKind kind,
                                        const char *key, size_t key_size,
                                        const char *value, size_t value_size)
{
    struct reading *reading = cls;

    (void)kind;
    (void)snprintf(reading->key, 40, "%s", key);
    if (strlen(key) != key_size || (value && strlen(value) != value_size))
        reading->why = "a NUL byte is not allowed";
    else
        reading->why = take_query(reading->r, key, value ? value : "");
    return reading->why ? MHD_NO : MHD_YES;
}

bool request_query(struct request *r, char key[40], const char **why)
{
    struct reading reading = {.r = r, .key = key};

    r->query = (struct query){.limit = REQUEST_LIMIT};
    MHD_get_connection_values_n(r->mhd, MHD_GET_ARGUMENT_KIND, each_query_value,
                                &reading);
    *why = reading.why;
    return reading.why == NULL;
}
