/* conntrack.c - weir conntrack: what conntrack(8) does, over the API */
#include "cli/conntrack.h"

#include "cli/format.h"
#include "cli/http.h"
#include "cli/options.h"
#include "cli/query.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FLOWS "/api/v1/flows"

enum { BODY_MAX = 4 << 20, BUSY_TRIES = 500 };

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

static struct timespec get_wall_time(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_REALTIME, &ts);
    return ts;
}

static void print_footer(unsigned long n, const char *what)
{
    (void)fflush(stdout);
    fprintf(stderr, "weir v" WEIR_VERSION " (conntrack): %lu %s.\n", n, what);
}

/* The option that became the query parameter of a refusal, if it is one. */
static void print_refused_option(const struct cli_options *o, const json_t *j)
{
    const json_t *error = json_array_get(json_object_get(j, "errors"), 0);
    const char *key = json_string_value(json_object_get(error, "parameter"));
    const char *option, *value;

    if (key && cli_options_find(o, key, &option, &value))
        fprintf(stderr, "--%s %s: ", option, value);
}

/* Say what the router has against it; the exit code. */
static int print_refusal(struct cli_http *h, const struct cli_options *o)
{
    char *body = cli_http_body(h, BODY_MAX);
    json_t *j = body ? json_loads(body, 0, NULL) : NULL;
    const char *detail = json_string_value(json_object_get(j, "detail"));

    fputs("weir conntrack: ", stderr);
    print_refused_option(o, j);
    fprintf(stderr, "%s\n",
            detail ? detail : "the router refused without saying why");
    json_decref(j);
    free(body);
    return h->status == 400 ? 2 : 1;
}

static bool format_request_target(char *out, size_t room, const char *path,
                                  const char *query)
{
    return (size_t)snprintf(out, room, "%s%s", path, query) < room;
}

static void print_flow(const json_t *flow, unsigned output,
                       enum cli_format_type type)
{
    if (output & CLI_FORMAT_JSON) {
        (void)json_dumpf(flow, stdout, JSON_COMPACT);
        puts("");
    } else {
        cli_format_flow(stdout, flow, output, type, get_wall_time());
    }
}

/* GET, expect 200 and JSON; NULL after a sentence, *code is set. */
static json_t *fetch_json(struct cli_http *h, const struct cli_options *o,
                          const char *path, int *code)
{
    char *body;
    json_t *j;

    *code = 1;
    switch (cli_http_ask(h, "GET", path, "application/json")) {
    case -1:
        return NULL;
    case 200:
        body = cli_http_body(h, BODY_MAX);
        j = body ? json_loads(body, 0, NULL) : NULL;
        free(body);
        if (!j)
            fprintf(stderr, "weir conntrack: the router's answer was cut "
                            "short\n");
        return j;
    default:
        *code = print_refusal(h, o);
        return NULL;
    }
}

static int print_flow_count(struct cli_http *h, const struct cli_options *o)
{
    int code;
    json_t *j = fetch_json(h, o, "/api/v1/stats", &code);

    if (!j)
        return code;
    printf("%lld\n",
           (long long)json_integer_value(json_object_get(j, "entries")));
    json_decref(j);
    return 0;
}

static int print_router_stats(struct cli_http *h, const struct cli_options *o)
{
    int code;
    json_t *j = fetch_json(h, o, "/api/v1/stats", &code);

    if (!j)
        return code;
    cli_format_stats(stdout, j);
    json_decref(j);
    return 0;
}

static int delete_all_flows(struct cli_http *h, const struct cli_options *o)
{
    int status =
        cli_http_ask(h, "DELETE", FLOWS "?all=true", "application/json");

    if (status != 200)
        return status < 0 ? 1 : print_refusal(h, o);
    fprintf(stderr, "weir v" WEIR_VERSION " (conntrack): connection tracking "
                    "table has been emptied.\n");
    return 0;
}

/* Each matching flow to each(); the exit code so far.
 *
 * Page by page: a reader of stdout that takes its time (a pager) then holds
 * neither a connection's answer nor the router's memory. */
static int walk_flow_pages(struct cli_http *h, const struct cli_options *o,
                           int (*each)(const json_t *flow,
                                       const struct cli_options *o, void *arg),
                           void *arg)
{
    const char *cursor = NULL;
    json_t *page = NULL, *flow;
    char path[4400], query[4200] = "";
    int code = 0;
    size_t i;

    (void)snprintf(query, sizeof(query), "%s", o->query);
    if (!cli_query_add(query, sizeof(query), "limit", "1000"))
        return 2;
    do {
        int n = snprintf(path, sizeof(path), FLOWS "%s%s%s", query,
                         cursor ? "&cursor=" : "", cursor ? cursor : "");

        json_decref(page);
        if (n < 0 || (size_t)n >= sizeof(path))
            return 1;
        page = fetch_json(h, o, path, &code);
        if (!page)
            return code;
        code = 0;
        json_array_foreach(json_object_get(page, "flows"), i, flow)
        {
            code = each(flow, o, arg);
            if (code)
                break;
        }
        cursor = json_string_value(json_object_get(page, "next_cursor"));
    } while (code == 0 && cursor);
    json_decref(page);
    return code;
}

static int show_one(const json_t *flow, const struct cli_options *o, void *n)
{
    print_flow(flow, o->output, CLI_FORMAT_LIST);
    ++*(unsigned long *)n;
    return 0;
}

/* -L; -G is the same, but there has to be one. */
static int print_flow_list(struct cli_http *h, const struct cli_options *o)
{
    unsigned long n = 0;
    int code;

    cli_format_begin(stdout, o->output, "conntrack");
    code = walk_flow_pages(h, o, show_one, &n);
    cli_format_end(stdout, o->output, "conntrack");
    if (code == 0 && n == 0 && o->command == 'G') {
        (void)fflush(stdout);
        fputs("weir conntrack: Operation failed: such conntrack doesn't "
              "exist\n",
              stderr);
        return 1;
    }
    if (code == 0)
        print_footer(n, "flow entries have been shown");
    return code;
}

/* Page by page; the exit code. */
static int list_expected(struct cli_http *h, const struct cli_options *o)
{
    static const char first[] = "/api/v1/expectations?limit=1000";
    char path[128];
    unsigned long n = 0;

    cli_format_begin(stdout, o->output, "expect");
    (void)snprintf(path, sizeof(path), "%s", first);
    for (;;) {
        int code;
        size_t i;
        json_t *page = fetch_json(h, o, path, &code), *row;
        const char *cursor;

        if (!page)
            return code;
        json_array_foreach(json_object_get(page, "expectations"), i, row)
        {
            if (o->output & CLI_FORMAT_JSON) {
                (void)json_dumpf(row, stdout, JSON_COMPACT);
                puts("");
            } else {
                cli_format_expect(stdout, row, o->output);
            }
        }
        n += i;
        cursor = json_string_value(json_object_get(page, "next_cursor"));
        if (cursor)
            (void)snprintf(path, sizeof(path), "%s&cursor=%s", first, cursor);
        json_decref(page);
        if (!cursor)
            break;
    }
    cli_format_end(stdout, o->output, "expect");
    print_footer(n, "expectations have been shown");
    return 0;
}

/* ---- -D: the list on one connection, deletions on another ---- */

struct deleting {
    struct cli_http *h;
    unsigned long n;
};

static int delete_one(const json_t *flow, const struct cli_options *o,
                      void *arg)
{
    struct deleting *d = arg;
    const char *id = json_string_value(json_object_get(flow, "id"));
    char path[128];
    int status, tries = 0;

    (void)snprintf(path, sizeof(path), FLOWS "/%s", id ? id : "");
    for (;;) {
        status = cli_http_ask(d->h, "DELETE", path, "application/json");
        if (status < 0)
            return 1;
        if (status != 503 || ++tries == BUSY_TRIES)
            break;
        free(cli_http_body(d->h, BODY_MAX)); /* its owner is busy: again */
        (void)usleep(2000);
    }
    if (status == 204) {
        print_flow(flow, o->output,
                   o->output & CLI_FORMAT_SAVE ? CLI_FORMAT_DESTROY
                                               : CLI_FORMAT_LIST);
        d->n++;
        return 0;
    }
    if (status != 404)
        return print_refusal(d->h, o);
    free(cli_http_body(d->h, BODY_MAX)); /* it went by itself */
    return 0;
}

static int delete_matching(struct cli_http *h, const struct cli_options *o)
{
    struct deleting d = {.h = malloc(sizeof(*d.h))};
    int code = 1;

    if (!d.h || !cli_http_open(d.h, cli_http_path(o->socket))) {
        free(d.h);
        return 1;
    }
    cli_format_begin(stdout, o->output, "conntrack");
    code = walk_flow_pages(h, o, delete_one, &d);
    cli_format_end(stdout, o->output, "conntrack");
    cli_http_close(d.h);
    free(d.h);
    if (code == 0) {
        print_footer(d.n, "flow entries have been deleted");
        code = d.n ? 0 : 1; /* conntrack's: nothing to delete is a failure */
    }
    return code;
}

/* ---- -E ---- */

static void show_event(const char *line, const struct cli_options *o,
                       unsigned long *n)
{
    json_t *j = json_loads(line, 0, NULL);
    const char *name = json_string_value(json_object_get(j, "type"));
    unsigned bit = CLI_OPTIONS_UPDATE, output = o->output;
    enum cli_format_type type = CLI_FORMAT_UPDATE;

    if (name && strcmp(name, "NEW") == 0) {
        bit = CLI_OPTIONS_NEW;
        type = CLI_FORMAT_NEW;
    } else if (name && strcmp(name, "DESTROY") == 0) {
        bit = CLI_OPTIONS_DESTROY;
        type = CLI_FORMAT_DESTROY;
    }
    if (cli_format_says(json_object_get(j, "bits"), "MARK"))
        output |= CLI_FORMAT_MARKED;
    if (name && (o->events & bit)) {
        if (output & CLI_FORMAT_JSON)
            puts(line);
        else
            cli_format_flow(stdout, json_object_get(j, "flow"), output, type,
                            get_wall_time());
        (void)fflush(stdout);
        ++*n;
    }
    json_decref(j);
}

static void show_gap(const char *line)
{
    json_t *j = json_loads(line, 0, NULL);

    fprintf(stderr, "weir conntrack: %lld events were lost here\n",
            (long long)json_integer_value(json_object_get(j, "lost")));
    json_decref(j);
}

static int print_flow_events(struct cli_http *h, const struct cli_options *o)
{
    struct sigaction sa = {.sa_handler = on_signal};
    unsigned long n = 0;
    const char *line;
    char path[4200];
    bool gap = false;
    int status;

    if (!format_request_target(path, sizeof(path), "/api/v1/events", o->query))
        return 2;
    (void)sigaction(SIGINT, &sa, NULL); /* no SA_RESTART: reads end */
    (void)sigaction(SIGTERM, &sa, NULL);
    h->stop = &stopped;
    status = cli_http_ask(h, "GET", path, "text/event-stream");
    if (status != 200)
        return status < 0 ? 1 : print_refusal(h, o);
    cli_format_begin(stdout, o->output, "conntrack");
    while (!stopped && (line = cli_http_line(h)) != NULL) {
        if (strncmp(line, "event: ", 7) == 0)
            gap = strcmp(line + 7, "gap") == 0;
        else if (strncmp(line, "data: ", 6) == 0 && gap)
            show_gap(line + 6);
        else if (strncmp(line, "data: ", 6) == 0)
            show_event(line + 6, o, &n);
    }
    cli_format_end(stdout, o->output, "conntrack");
    print_footer(n, "flow events have been shown");
    if (stopped)
        return 0;
    fprintf(stderr, "weir conntrack: the router hung up\n");
    return 1;
}

int cli_conntrack(int argc, char **argv)
{
    struct cli_options o;
    struct cli_http *h;
    int code = cli_options_read(&o, argc, argv);

    if (code)
        return code;
    if (o.command == 'h' || o.command == 'V') {
        fputs(o.command == 'h' ? cli_options_help
                               : "weir v" WEIR_VERSION " (conntrack)\n",
              stdout);
        return 0;
    }
    h = malloc(sizeof(*h));
    if (!h || !cli_http_open(h, cli_http_path(o.socket))) {
        free(h);
        return 1;
    }
    switch (o.command) {
    case 'L':
    case 'G':
        code = o.expect ? list_expected(h, &o) : print_flow_list(h, &o);
        break;
    case 'C':
        code = print_flow_count(h, &o);
        break;
    case 'S':
        code = print_router_stats(h, &o);
        break;
    case 'E':
        code = print_flow_events(h, &o);
        break;
    case 'D':
        code = delete_matching(h, &o);
        break;
    default:
        code = delete_all_flows(h, &o);
        break;
    }
    cli_http_close(h);
    free(h);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "weir conntrack: cannot write: %s\n", strerror(errno));
        return 1;
    }
    return code;
}
