/* routes.c - THE TABLE: method, path, handler, scope, parameters, answer, doc
 *
 * To add a call, add a row and its function; /openapi.json, the metrics, 405
 * and HEAD follow from the row. */
#include "routes.h"
#include "api/expects.h"
#include "api/flows.h"
#include "api/metrics.h"
#include "api/openapi.h"
#include "api/queues.h"
#include "api/rules.h"
#include "api/stats.h"
#include "api/stream.h"
#include "api/system.h"
#include "dashboard/assets.h"
#include "http/auth.h"
#include "http/problem.h"

#include <assert.h>
#include <string.h>

#define API  "/api/v1"
#define JSON "application/json"

/* clang-format off */
static const struct route table[] = {
    {"GET",    API "/flows",      flows_list,       SCOPE_READ,  TAKES_FILTER | TAKES_PAGE, JSON, "Flows",   "list flows; Accept: application/x-ndjson streams all of them, one a line"},
    {"DELETE", API "/flows",      flows_delete,     SCOPE_WRITE, TAKES_FILTER | TAKES_BULK, JSON, "Deleted", "delete the flows that match"},
    {"GET",    API "/flows/{id}", flows_get,        SCOPE_READ,  0,                         JSON, "Flow",    "one flow"},
    {"DELETE", API "/flows/{id}", flows_delete_one, SCOPE_WRITE, 0,                         NULL, NULL,      "delete one flow"},
    {"GET",    API "/expectations", expects_list,   SCOPE_READ,  TAKES_PAGE,                JSON, "Expectations", "flows that helpers have heard announced, and that have not come yet"},
    {"GET",    API "/events",     stream_get,       SCOPE_READ,  TAKES_FILTER | TAKES_TOPICS, "text/event-stream", "Event", "flow events as they happen, as server-sent events"},
    {"GET",    API "/stats",      stats_get,        SCOPE_READ,  0,                         JSON, "Stats",   "counters and gauges"},
    {"GET",    API "/rules",      api_rules_list,       SCOPE_READ,  0,                         JSON, "Rules",   "the rules and what they counted"},
    {"GET",    API "/queues",     api_queues_list,      SCOPE_READ,  0,                         JSON, "Queues",  "queues to user programs: who listens, what waits"},
    {"GET",    "/metrics",        metrics_get,      SCOPE_READ,  0,                         "text/plain", NULL, "the same numbers for Prometheus"},
    {"GET",    "/livez",          system_livez,     SCOPE_OPEN,  0,                         JSON, "Alive",  "200 while the control loop turns"},
    {"GET",    "/readyz",         system_readyz,    SCOPE_OPEN,  0,                         JSON, "Ready",   "200 when packets are routed, else 503; says why"},
    {"GET",    "/openapi.json",   openapi_get,      SCOPE_READ,  0,                         JSON, NULL,      "this description"},
    {"GET",    "/",               assets_html,      SCOPE_PAGE,  0,                         "text/html", NULL, "the page"},
    {"GET",    "/page.css",       assets_css,       SCOPE_PAGE,  0,                         "text/css", NULL,  "the page's style"},
    {"GET",    "/words.js",       assets_words,     SCOPE_PAGE,  0,                         "text/javascript", NULL, "the page's words for protocols and status bits"},
    {"GET",    "/page.js",        assets_js,        SCOPE_PAGE,  0,                         "text/javascript", NULL, "the page's script"},
};
/* clang-format on */

enum { N_ROUTES = sizeof(table) / sizeof(table[0]) };
static_assert(sizeof(table) / sizeof(table[0]) <= SITE_MAX_ROUTES,
              "a count for every route");

const struct route *routes_table(unsigned *n)
{
    *n = N_ROUTES;
    return table;
}

static bool path_is(const struct route *row, const char *path, const char **id)
{
    const char *hole = strstr(row->path, "{id}");
    size_t n;

    if (!hole)
        return strcmp(row->path, path) == 0;
    n = (size_t)(hole - row->path);
    if (strncmp(row->path, path, n) != 0 || path[n] == '\0' ||
        strchr(path + n, '/'))
        return false;
    *id = path + n;
    return true;
}

const struct route *routes_find(const char *method, const char *path,
                                const char **id, char allow[64])
{
    const struct route *found = NULL;
    const char *want = strcmp(method, "HEAD") == 0 ? "GET" : method;
    unsigned i;

    *id = NULL;
    allow[0] = '\0';
    for (i = 0; i < N_ROUTES; i++) {
        if (!path_is(&table[i], path, id))
            continue;
        if (strcmp(table[i].method, want) == 0)
            found = &table[i];
        if (allow[0])
            strcat(allow, ", "); /* two methods of known length: it fits */
        strcat(allow, table[i].method);
        if (strcmp(table[i].method, "GET") == 0)
            strcat(allow, ", HEAD");
    }
    return found;
}

enum MHD_Result routes_answer(struct request *r)
{
    enum MHD_Result result;
    const char *why;
    char allow[64], key[40];

    r->route = routes_find(r->method, r->path, &r->id, allow);
    if (r->site->stopping)
        return problem_answer(r, 503, "the router is stopping");
    if (r->conn->work) /* woken: it has been through all this */
        return r->conn->again(r);
    if (!auth_allows(r, r->route ? (enum scope)r->route->scope : SCOPE_READ,
                     &result))
        return result;
    if (!r->route && allow[0])
        return problem_answer_with(r, 405,
                                   "this call does not know that "
                                   "method",
                                   "Allow", allow);
    if (!r->route)
        return problem_answer(r, 404, "there is nothing by that name");
    if (r->route->scope != SCOPE_PAGE && !request_query(r, key, &why))
        return problem_parameter(r, key, why);
    return r->route->handler(r);
}
