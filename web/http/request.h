/* request.h - one request, its connection, and the ways to answer it
 *
 * A handler answers exactly once, by request_answer() or a function built on
 * it, and returns what that returns. */
#ifndef REQUEST_H
#define REQUEST_H

#include "filter/filter.h"
#include "http/buf.h"
#include "http/conn.h"
#include "http/json_out.h"

#include <microhttpd.h>
#include <uv.h>
#include <web/options.h>
#include <web/sources.h>

enum {
    REQUEST_LIMIT = 100, /* rows a page unless asked */
    REQUEST_LIMIT_MAX = 1000,
    REQUEST_BODY_MAX = 8 << 20 /* bytes of one answer built in memory */
};

/* Which query keys a route takes beside none. */
enum {
    TAKES_FILTER = 1u << 0,
    TAKES_PAGE = 1u << 1, /* limit, cursor */
    TAKES_BULK = 1u << 2, /* all, dry_run */
    TAKES_TOPICS = 1u << 3
};

struct query {
    struct filter filter;
    uint32_t limit;
    uint64_t from; /* from the cursor: first place to look at */
    bool all, dry_run;
};

enum scope { SCOPE_OPEN, SCOPE_PAGE, SCOPE_READ, SCOPE_WRITE };

struct request;
typedef enum MHD_Result request_fn(struct request *r);

/* One row of the table in routes.c. */
struct route {
    const char *method, *path; /* a last segment {id} takes any text */
    request_fn *handler;
    uint8_t scope; /* enum scope */
    uint8_t takes;
    const char *type;   /* of the answer */
    const char *schema; /* its name in /openapi.json, or NULL */
    const char *doc;
};

enum { SITE_MAX_ROUTES = 24, SITE_N_STATUS = 22 };

/* Why a client's connection was closed by us, and a word for it. */
#define SITE_CLOSED(X)                                                         \
    X(HEAD, "head", "no whole request in time")                                \
    X(SLOW, "slow", "its answer was read too slowly")                          \
    X(LINGER, "linger", "it stayed after the last answer")                     \
    X(ROOM, "room", "its place was needed for a new client")

enum site_closed {
#define X(name, word, text) CLOSED_##name,
    SITE_CLOSED(X)
#undef X
        N_CLOSED
};

/* What is left of one turn's places; see pace.h. */
struct pace {
    uint64_t turn;
    uint32_t left;
};

/* Tokens that were wrong; see guess.c. */
struct guesses {
    uint64_t missing, wrong, logged; /* requests so far */
    uint64_t filled_at, logged_at;   /* loop time in ms */
    uint64_t left;                   /* that are answered at once */
};

/* What every handler may know. */
struct site {
    struct web_sources from; /* what they answer from */
    struct web_options options;
    const char *version, *token; /* token NULL: none */
    uv_loop_t *loop;
    int64_t started_ms; /* wall */
    bool stopping;
    /* Have MHD act on what was resumed; never from inside its callbacks. */
    void (*run)(void *arg);
    void *arg;
    struct stream *stream;
    const struct route *routes;
    unsigned n_routes;
    /* answers by route (the last: no route) and status; see request_status */
    uint64_t answers[SITE_MAX_ROUTES + 1][SITE_N_STATUS];
    uint64_t closed[N_CLOSED];
    struct patience patience;
    uint64_t key;       /* of address_hash() */
    uint64_t turn;      /* of the loop; starts at 1 */
    unsigned walks;     /* of tables, in progress */
    struct pace places; /* of all of them together */
    struct guesses guesses;
    void (*warn)(void *arg, const char *line); /* for the log; or NULL */
    void *warn_arg;
};

struct request {
    struct site *site;
    struct conn *conn;
    struct MHD_Connection *mhd;
    const char *method, *path, *id; /* id: what {id} took */
    const struct route *route;      /* NULL: none matched */
    struct query query;
};

/* The status codes that are counted, and their names. */
extern const struct request_status {
    unsigned code;
    const char *title;
} request_status[SITE_N_STATUS];

const char *request_title(unsigned status);
void request_count(struct site *site, const struct route *route,
                   unsigned status);
/* The headers that every answer bears, as lines. */
void request_headers(struct buf *b);

/* Answer with the text in b, which is emptied.  If the text failed (no memory)
 * the answer is 503. */
enum MHD_Result request_answer(struct request *r, unsigned status,
                               const char *type, struct buf *b);
/* The same with one more header; name NULL: none. */
enum MHD_Result request_answer_with(struct request *r, unsigned status,
                                    const char *type, struct buf *b,
                                    const char *name, const char *value);
/* Answer with bytes that live for ever. */
enum MHD_Result request_answer_static(struct request *r, unsigned status,
                                      const char *type, const void *bytes,
                                      size_t n);
/* Answer by calling read until it says END_OF_STREAM; done is called in any
 * case, once, and owns cls. */
enum MHD_Result request_answer_flow(struct request *r, const char *type,
                                    MHD_ContentReaderCallback read, void *cls,
                                    MHD_ContentReaderFreeCallback done);

bool request_is_head(const struct request *r);

/* Does the client's Accept name type, with a weight above 0? */
bool request_accepts(struct request *r, const char *type);

/* Read the query into r->query.  False: it is at fault; *key (room for 40
 * bytes) and *why tell. */
bool request_query(struct request *r, char key[40], const char **why);

/* A page's cursor. */
void request_cursor(char text[24], uint64_t from);

/* What stands behind a page's rows, which end before place at of all: the array
 * and the object it is in are closed. */
void request_end_page(struct json_out *j, uint64_t at, uint64_t all,
                      uint32_t rows, uint64_t total);

#endif
