/* openapi.c - /openapi.json, made from the table of routes
 *
 * OpenAPI 3.1.  Paths, parameters and descriptions come from site->routes and
 * the filter's own list; only the shapes of the answers are written here. */
#include "api/openapi.h"
#include "http/json_out.h"

#include <stdio.h>
#include <string.h>

#define STR  "{\"type\":\"string\"}"
#define INT  "{\"type\":\"integer\"}"
#define BOOL "{\"type\":\"boolean\"}"
#define COUNTS                                                                 \
    "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"integer\"}}"
#define REF(name) "{\"$ref\":\"#/components/schemas/" name "\"}"

static const char *const schemas[][2] = {
    {"Tuple",
     "{\"type\":\"object\",\"required\":[\"src\",\"dst\"],\"properties\":{"
     "\"src\":" STR ",\"dst\":" STR ",\"sport\":" INT ",\"dport\":" INT
     ",\"type\":" INT ",\"code\":" INT ",\"id\":" INT ",\"srckey\":" INT
     ",\"dstkey\":" INT ",\"vtag\":" INT ",\"packets\":" INT ",\"bytes\":" INT
     "}}"},
    {"Flow",
     "{\"type\":\"object\",\"required\":[\"id\",\"family\",\"protocol\","
     "\"protonum\",\"state\",\"status\",\"original\",\"reply\",\"mark\","
     "\"zone\",\"in\",\"out\"],\"properties\":{\"id\":" STR
     ",\"family\":{\"enum\":[\"ipv4\",\"ipv6\"]},\"protocol\":" STR
     ",\"protonum\":" INT ",\"state\":" STR ",\"timeout\":" INT
     ",\"status\":{\"type\":\"array\",\"items\":" STR
     "},\"original\":" REF("Tuple") ",\"reply\":" REF(
         "Tuple") ",\"mark\":" INT ",\"zone\":" INT
                  ",\"labels\":{\"type\":\"array\",\"items\":" INT
                  "},\"zone_orig\":" INT ",\"zone_reply\":" INT ",\"in\":" STR
                  ",\"out\":" STR ",\"helper\":" STR
                  ",\"timeouts\":{\"type\":\"object\","
                  "\"additionalProperties\":" INT "},\"master\":" STR
                  ",\"start\":{\"type\":\"string\","
                  "\"format\":\"date-time\"}}}"},
    {"Flows",
     "{\"type\":\"object\",\"required\":[\"flows\",\"next_cursor\",\"count\","
     "\"total\"],\"properties\":{\"flows\":{\"type\":\"array\","
     "\"items\":" REF("Flow") "},\"next_cursor\":{\"type\":[\"string\","
                              "\"null\"]},\"count\":" INT ",\"total\":" INT
                              "}}"},
    {"Expectation",
     "{\"type\":\"object\",\"required\":[\"family\",\"protocol\","
     "\"protonum\",\"timeout\",\"src\",\"dst\",\"mask\",\"master\","
     "\"helper\"],\"properties\":{\"family\":" STR ",\"protocol\":" STR
     ",\"protonum\":" INT ",\"timeout\":" INT ",\"src\":" STR ",\"dst\":" STR
     ",\"sport\":" INT ",\"dport\":" INT ",\"srckey\":" INT ",\"dstkey\":" INT
     ",\"mask\":" REF("Tuple") ",\"master\":{\"type\":\"object\"},\"zone\":" INT
                               ",\"permanent\":" BOOL ",\"class\":" INT
                               ",\"helper\":" STR "}}"},
    {"Expectations",
     "{\"type\":\"object\",\"required\":[\"expectations\","
     "\"next_cursor\",\"count\",\"total\"],\"properties\":{"
     "\"expectations\":{\"type\":\"array\",\"items\":" REF(
         "Expectation") "},\"next_cursor\":{\"type\":[\"string\",\"null\"]"
                        "},\"count\":" INT ",\"total\":" INT "}}"},
    {"Deleted",
     "{\"type\":\"object\",\"required\":[\"dry_run\"],\"properties\":{"
     "\"dry_run\":" BOOL ",\"deleted\":" INT ",\"matched\":" INT "}}"},
    {"Stats",
     "{\"type\":\"object\",\"required\":[\"entries\",\"max\",\"buckets\","
     "\"counters\",\"overflow\",\"drops\",\"interfaces\"],\"properties\":{"
     "\"entries\":" INT ",\"max\":" INT ",\"buckets\":" INT
     ",\"counters\":" COUNTS ",\"overflow\":" COUNTS ",\"drops\":" COUNTS
     ",\"invalid\":" COUNTS ",\"interfaces\":{\"type\":\"object\"},"
     "\"shards\":{\"type\":\"array\"},\"count\":{\"type\":\"object\"}}}"},
    {"Rules", "{\"type\":\"object\",\"required\":[\"rules\"],\"properties\":{"
              "\"rules\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
              "\"required\":[\"id\",\"hook\",\"stage\",\"comment\",\"packets\","
              "\"bytes\",\"rule\"],\"properties\":{\"id\":" STR ",\"hook\":" STR
              ",\"stage\":" STR ",\"action\":" STR ",\"comment\":" STR
              ",\"packets\":" INT ",\"bytes\":" INT
              ",\"rule\":{\"type\":\"object\"}}}}}}"},
    {"Queues",
     "{\"type\":\"object\",\"required\":[\"queues\"],\"properties\":{"
     "\"queues\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
     "\"required\":[\"number\",\"consumer\",\"held\"],"
     "\"properties\":{\"number\":" INT ",\"max\":" INT ",\"bypass\":" BOOL
     ",\"fail_open\":" BOOL ",\"resize\":" BOOL ",\"timeout_ms\":" INT
     ",\"consumer\":{\"type\":[\"object\",\"null\"],"
     "\"properties\":{\"pid\":" INT ",\"uid\":" INT "}},\"held\":" INT
     ",\"queued\":" INT ",\"verdicts\":" INT ",\"full\":" INT
     ",\"timeout\":" INT ",\"bypassed\":" INT ",\"fail_opened\":" INT
     ",\"bad_verdict\":" INT ",\"late\":" INT "}}}}}"},
    {"Ready",
     "{\"type\":\"object\",\"required\":[\"ready\",\"checks\"],"
     "\"properties\":{\"ready\":" BOOL ",\"detail\":" STR
     ",\"checks\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
     "\"properties\":{\"name\":" STR ",\"ok\":" BOOL ",\"level\":" STR
     ",\"detail\":" STR ",\"since\":{\"type\":[\"string\",\"null\"]}}}}}}"},
    {"Problem",
     "{\"type\":\"object\",\"required\":[\"type\",\"title\",\"status\","
     "\"detail\"],\"properties\":{\"type\":" STR ",\"title\":" STR
     ",\"status\":" INT ",\"detail\":" STR ",\"instance\":" STR
     ",\"errors\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
     "\"properties\":{\"parameter\":" STR ",\"detail\":" STR "}}}}}"},
};

static void parameter(struct json_out *j, const char *name, const char *in,
                      const char *help, const char *schema)
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

static void parameters(struct json_out *j, const struct route *route)
{
    const char *name, *help;
    unsigned i;

    json_out_array(j, "parameters");
    if (strstr(route->path, "{id}"))
        parameter(j, "id", "path", "the flow's id, as a list gives it", STR);
    if (route->takes & TAKES_PAGE) {
        parameter(j, "limit", "query", "rows a page",
                  "{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,"
                  "\"default\":100}");
        parameter(j, "cursor", "query",
                  "next_cursor of the page before; opaque", STR);
    }
    if (route->takes & TAKES_BULK) {
        parameter(j, "all", "query", "needed when there is no filter", BOOL);
        parameter(j, "dry_run", "query", "count, delete nothing", BOOL);
    }
    if (route->takes & TAKES_TOPICS)
        parameter(j, "topics", "query", "what to hear of",
                  "{\"enum\":[\"flow\"]}");
    if (route->takes & TAKES_FILTER)
        for (i = 0; (name = filter_doc(i, &help)) != NULL; i++)
            parameter(j, name, "query", help,
                      "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}");
    json_out_end_array(j);
}

static void answers(struct json_out *j, const struct route *route)
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

static void operation(struct json_out *j, const struct route *route)
{
    bool get = strcmp(route->method, "GET") == 0;

    json_out_object(j, get ? "get" : "delete");
    json_out_string(j, "summary", route->doc);
    parameters(j, route);
    answers(j, route);
    if (route->scope == SCOPE_OPEN || route->scope == SCOPE_PAGE) {
        json_out_array(j, "security"); /* none is needed */
        json_out_end_array(j);
    }
    json_out_end_object(j);
}

/* Is there an earlier row of this path?  Then it has been written. */
static bool seen(const struct site *site, unsigned row)
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
        if (seen(site, i))
            continue;
        json_out_object(&j, site->routes[i].path);
        for (k = i; k < site->n_routes; k++)
            if (strcmp(site->routes[k].path, site->routes[i].path) == 0)
                operation(&j, &site->routes[k]);
        json_out_end_object(&j);
    }
    json_out_end_object(&j);
    json_out_object(&j, "components");
    json_out_object(&j, "schemas");
    for (i = 0; i < sizeof(schemas) / sizeof(schemas[0]); i++)
        json_out_raw(&j, schemas[i][0], schemas[i][1]);
    json_out_end_object(&j);
    json_out_raw(&j, "securitySchemes",
                 "{\"token\":{\"type\":\"http\",\"scheme\":\"bearer\"}}");
    json_out_end_object(&j);
    json_out_raw(&j, "security", site->token ? "[{\"token\":[]}]" : "[]");
    json_out_end_object(&j);
    return request_answer(r, 200, "application/json", &b);
}
