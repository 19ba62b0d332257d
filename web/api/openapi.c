/* openapi.c - /openapi.json, made from the table of routes
 *
 * OpenAPI 3.1.  Paths, parameters and descriptions come from site->routes and
 * the filter's own list, the shapes of the answers from the rows their writers
 * are made from. */
#include "api/openapi.h"
#include "api/expect.def"
#include "api/flow.def"
#include "api/queue.def"
#include "api/rule.def"
#include "api/stats.def"
#include "api/stream.def"
#include "api/system.def"
#include "http/json_rows.h"
#include "http/page.def"
#include "http/problem.def"
#include <web/iface.def>

#include <ctcore/lists.h>
#include <stdio.h>
#include <string.h>

#define STR       "{\"type\":\"string\"}"
#define BOOL      "{\"type\":\"boolean\"}"
#define REF(name) "{\"$ref\":\"#/components/schemas/" name "\"}"

/* S(name of the schema, rows of a .def) */
#define SHAPES(S)                                                              \
    S(Alive, ALIVE)                                                            \
    S(Balance, STATS_BALANCE)                                                  \
    S(Check, CHECK)                                                            \
    S(Consumer, CONSUMER)                                                      \
    S(Deleted, DELETED)                                                        \
    S(Ends, ENDS)                                                              \
    S(Event, EVENT)                                                            \
    S(Expectation, EXPECT)                                                     \
    S(Expectations, EXPECTS)                                                   \
    S(Flow, FLOW)                                                              \
    S(Flows, FLOWS)                                                            \
    S(Gap, GAP)                                                                \
    S(Interface, IFACE)                                                        \
    S(Master, MASTER)                                                          \
    S(Originated, STATS_ORIGINATED)                                            \
    S(Overflow, STATS_OVERFLOW)                                                \
    S(Problem, PROBLEM)                                                        \
    S(ProblemError, PROBLEM_ERROR)                                             \
    S(Queue, QUEUE)                                                            \
    S(Queues, QUEUES)                                                          \
    S(Ready, READY)                                                            \
    S(Rule, RULE)                                                              \
    S(Rules, RULES)                                                            \
    S(Shard, STATS_SHARD)                                                      \
    S(Stats, STATS)                                                            \
    S(Tuple, TUPLE)

#define S(name, rows)                                                          \
    static const struct json_row rows_##name[] = {rows(JSON_ROW)};
SHAPES(S)
#undef S

static const struct {
    const char *name;
    const struct json_row *rows;
    size_t n;
} shapes[] = {
#define S(name, rows)                                                          \
    {#name, rows_##name, sizeof(rows_##name) / sizeof(rows_##name[0])},
    SHAPES(S)
#undef S
};

static void write_shape(struct json_out *j, const char *name,
                        const struct json_row *rows, size_t n)
{
    size_t i;

    json_out_object(j, name);
    json_out_string(j, "type", "object");
    json_out_array(j, "required");
    for (i = 0; i < n; i++)
        if (rows[i].required)
            json_out_string(j, NULL, rows[i].key);
    json_out_end_array(j);
    json_out_object(j, "properties");
    for (i = 0; i < n; i++)
        json_out_raw(j, rows[i].key, rows[i].schema);
    json_out_end_object(j);
    json_out_end_object(j);
}

/* Objects whose members are rows of the core's lists, of one kind or (0) all.
 */
static const struct {
    const char *name;
    unsigned from, to;
    const char *(*key)(unsigned row), *(*help)(unsigned row);
    char (*kind)(unsigned row);
    char only;
} lists[] = {
    {"Counters", 0, CT_N_STATS, ct_stat_name, ct_stat_help, ct_stat_kind, 0},
    {"Drops", CT_REASON_NONE + 1, CT_N_REASONS, ct_reason_name, ct_reason_text,
     ct_reason_kind, 'D'},
    {"Invalid", CT_REASON_NONE + 1, CT_N_REASONS, ct_reason_name,
     ct_reason_text, ct_reason_kind, 'I'},
};

static bool is_listed(unsigned list, unsigned row)
{
    return !lists[list].only || lists[list].kind(row) == lists[list].only;
}

static void write_listed(struct json_out *j, unsigned list)
{
    unsigned i;

    json_out_object(j, lists[list].name);
    json_out_string(j, "type", "object");
    json_out_array(j, "required");
    for (i = lists[list].from; i < lists[list].to; i++)
        if (is_listed(list, i))
            json_out_string(j, NULL, lists[list].key(i));
    json_out_end_array(j);
    json_out_object(j, "properties");
    for (i = lists[list].from; i < lists[list].to; i++)
        if (is_listed(list, i)) {
            json_out_object(j, lists[list].key(i));
            json_out_string(j, "type", "integer");
            json_out_u64(j, "minimum", 0);
            json_out_string(j, "description", lists[list].help(i));
            json_out_end_object(j);
        }
    json_out_end_object(j);
    json_out_end_object(j);
}

static void write_parameter(struct json_out *j, const char *name,
                            const char *in, const char *help,
                            const char *schema)
{
    json_out_object(j, NULL);
    json_out_string(j, "name", name);
    json_out_string(j, "in", in);
    if (strcmp(in, "path") == 0)
        json_out_bool(j, "required", true);
    json_out_string(j, "description", help);
    json_out_raw(j, "schema", schema);
    json_out_end_object(j);
}

static void write_parameters(struct json_out *j, const struct route *route)
{
    const char *name, *help;
    unsigned i;

    json_out_array(j, "parameters");
    if (strstr(route->path, "{id}"))
        write_parameter(j, "id", "path", "the flow's id, as a list gives it",
                        STR);
    if (route->takes & TAKES_PAGE) {
        write_parameter(j, "limit", "query", "rows a page",
                        "{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,"
                        "\"default\":100}");
        write_parameter(j, "cursor", "query",
                        "next_cursor of the page before; opaque", STR);
    }
    if (route->takes & TAKES_BULK) {
        write_parameter(j, "all", "query", "needed when there is no filter",
                        BOOL);
        write_parameter(j, "dry_run", "query", "count, delete nothing", BOOL);
    }
    if (route->takes & TAKES_TOPICS)
        write_parameter(j, "topics", "query", "what to hear of",
                        "{\"enum\":[\"flow\"]}");
    if (route->takes & TAKES_FILTER)
        for (i = 0; (name = filter_doc(i, &help)) != NULL; i++)
            write_parameter(
                j, name, "query", help,
                "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}");
    json_out_end_array(j);
}

static void write_answers(struct json_out *j, const struct route *route)
{
    char ref[64];

    json_out_object(j, "responses");
    json_out_object(j, route->type ? "200" : "204");
    json_out_string(j, "description", route->type ? "well" : "done");
    if (route->type) {
        json_out_object(j, "content");
        json_out_object(j, route->type);
        if (route->schema) {
            (void)snprintf(ref, sizeof(ref), "#/components/schemas/%s",
                           route->schema);
            json_out_object(j, "schema");
            json_out_string(j, "$ref", ref);
            json_out_end_object(j);
        }
        json_out_end_object(j);
        json_out_end_object(j);
    }
    json_out_end_object(j);
    json_out_raw(
        j, "default",
        "{\"description\":\"refused\",\"content\":{"
        "\"application/problem+json\":{\"schema\":" REF("Problem") "}}}");
    json_out_end_object(j);
}

static void write_operation(struct json_out *j, const struct route *route)
{
    bool get = strcmp(route->method, "GET") == 0;

    json_out_object(j, get ? "get" : "delete");
    json_out_string(j, "summary", route->doc);
    write_parameters(j, route);
    write_answers(j, route);
    if (route->scope == SCOPE_OPEN || route->scope == SCOPE_PAGE) {
        json_out_array(j, "security"); /* none is needed */
        json_out_end_array(j);
    }
    json_out_end_object(j);
}

/* Is there an earlier row of this path?  Then it has been written. */
static bool is_path_written(const struct site *site, unsigned row)
{
    unsigned i;

    for (i = 0; i < row; i++)
        if (strcmp(site->routes[i].path, site->routes[row].path) == 0)
            return true;
    return false;
}

enum MHD_Result openapi_get(struct request *r)
{
    const struct site *site = r->site;
    struct json_out j;
    struct buf b;
    unsigned i, k;

    json_out_begin(&j, &b, REQUEST_BODY_MAX);
    json_out_string(&j, "openapi", "3.1.0");
    json_out_object(&j, "info");
    json_out_string(&j, "title", "weir");
    json_out_string(&j, "version", site->version);
    json_out_object(&j, "license");
    json_out_string(&j, "name", "Apache-2.0");
    json_out_string(&j, "identifier", "Apache-2.0");
    json_out_end_object(&j);
    json_out_end_object(&j);
    json_out_object(&j, "paths");
    for (i = 0; i < site->n_routes; i++) {
        if (is_path_written(site, i))
            continue;
        json_out_object(&j, site->routes[i].path);
        for (k = i; k < site->n_routes; k++)
            if (strcmp(site->routes[k].path, site->routes[i].path) == 0)
                write_operation(&j, &site->routes[k]);
        json_out_end_object(&j);
    }
    json_out_end_object(&j);
    json_out_object(&j, "components");
    json_out_object(&j, "schemas");
    for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
        write_shape(&j, shapes[i].name, shapes[i].rows, shapes[i].n);
    for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        write_listed(&j, i);
    json_out_end_object(&j);
    json_out_raw(&j, "securitySchemes",
                 "{\"token\":{\"type\":\"http\",\"scheme\":\"bearer\"}}");
    json_out_end_object(&j);
    json_out_raw(&j, "security", site->token ? "[{\"token\":[]}]" : "[]");
    json_out_end_object(&j);
    return request_answer(r, 200, "application/json", &b);
}
