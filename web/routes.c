/* routes.c - THE TABLE, made from routes.def, and what is asked of it */
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
#include <web/routes.def>

#include <assert.h>
#include <string.h>

static const struct route table[] = {
#define R(method, path, handler, scope, takes, type, schema, doc)              \
    {method, path, handler, SCOPE_##scope, takes, type, schema, doc},
    ROUTES(R)
#undef R
};

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
