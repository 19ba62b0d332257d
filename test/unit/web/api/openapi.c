/* openapi.c - real answers against the schemas that are served
 *
 * Every GET of /openapi.json is asked, and must have the schema's members and
 * no other; and every member of every schema is met in some answer. */
#include "routes.h"
#include "web_rig.h"

#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

struct check {
    json_t *schemas;
    json_t *seen; /* "Schema.member": true */
    char fault[256];
};

static bool say(struct check *c, const char *at, const char *what)
{
    (void)snprintf(c->fault, sizeof(c->fault), "%s: %s", at, what);
    return false;
}

static bool has_type(json_t *value, const char *type)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return strcmp(type, "object") == 0;
    case JSON_ARRAY:
        return strcmp(type, "array") == 0;
    case JSON_STRING:
        return strcmp(type, "string") == 0;
    case JSON_INTEGER:
        return strcmp(type, "integer") == 0;
    case JSON_TRUE:
    case JSON_FALSE:
        return strcmp(type, "boolean") == 0;
    case JSON_NULL:
        return strcmp(type, "null") == 0;
    default:
        return false;
    }
}

static bool is_time(const char *text)
{
    int n = 0;

    return sscanf(text, "%*4d-%*2d-%*2dT%*2d:%*2d:%*2dZ%n", &n) == 0 &&
           n == 20 && text[n] == '\0';
}

static bool has_some_type(json_t *value, const json_t *type)
{
    size_t i;

    if (json_is_string(type))
        return has_type(value, json_string_value(type));
    for (i = 0; i < json_array_size(type); i++)
        if (has_type(value, json_string_value(json_array_get(type, i))))
            return true;
    return !type;
}

static bool fits(struct check *c, const char *at, json_t *value,
                 const json_t *schema);

static bool object_fits(struct check *c, const char *at, json_t *value,
                        const json_t *schema)
{
    const json_t *rows = json_object_get(schema, "properties"),
                 *rest = json_object_get(schema, "additionalProperties");
    json_t *need = json_object_get(schema, "required"), *v;
    const char *key;
    char path[160];
    size_t i;

    for (i = 0; i < json_array_size(need); i++) {
        key = json_string_value(json_array_get(need, i));
        (void)snprintf(path, sizeof(path), "%s.%s", at, key);
        if (!json_object_get(value, key))
            return say(c, path, "the schema asks for it, the answer lacks it");
    }
    json_object_foreach(value, key, v)
    {
        const json_t *of = json_object_get(rows, key);

        (void)snprintf(path, sizeof(path), "%s.%s", at, key);
        if (rows && !of)
            return say(c, path, "the schema doesn't know it");
        if (of)
            (void)json_object_set_new(c->seen, path, json_true());
        if ((of || rest) && !fits(c, path, v, of ? of : rest))
            return false;
    }
    return true;
}

/* A schema by name; at begins again there: "Schema". */
static bool named_fits(struct check *c, const char *name, json_t *value)
{
    const json_t *schema = json_object_get(c->schemas, name);

    return schema ? fits(c, name, value, schema) : say(c, name, "no schema");
}

static bool fits(struct check *c, const char *at, json_t *value,
                 const json_t *schema)
{
    static const char prefix[] = "#/components/schemas/";
    const char *ref = json_string_value(json_object_get(schema, "$ref"));
    const json_t *any = json_object_get(schema, "anyOf"),
                 *words = json_object_get(schema, "enum"),
                 *items = json_object_get(schema, "items");
    size_t i;

    if (ref)
        return strncmp(ref, prefix, sizeof(prefix) - 1) == 0
                   ? named_fits(c, ref + sizeof(prefix) - 1, value)
                   : say(c, at, ref);
    for (i = 0; any && i < json_array_size(any); i++)
        if (fits(c, at, value, json_array_get(any, i)))
            return true;
    if (any)
        return false; /* as the last one said */
    for (i = 0; i < json_array_size(words); i++)
        if (json_equal(value, json_array_get(words, i)))
            return true;
    if (words)
        return say(c, at, "none of the words");
    if (!has_some_type(value, json_object_get(schema, "type")))
        return say(c, at, "another type");
    if (json_is_integer(value) && json_object_get(schema, "minimum") &&
        json_integer_value(value) < 0)
        return say(c, at, "below the minimum");
    if (json_is_string(value) && json_object_get(schema, "format") &&
        !is_time(json_string_value(value)))
        return say(c, at, "no time");
    for (i = 0; items && i < json_array_size(value); i++)
        if (!fits(c, at, json_array_get(value, i), items))
            return false;
    return !json_is_object(value) || object_fits(c, at, value, schema);
}

/* ---- a world that has all there can be ---- */

static void set_pair(struct ct_view *v, uint8_t proto, uint16_t from,
                     uint16_t to)
{
    unsigned dir;

    for (dir = 0; dir < CT_N_DIRS; dir++) {
        v->tuple[dir].proto = proto;
        v->tuple[dir].sport = dir ? to : from;
        v->tuple[dir].dport = dir ? from : to;
    }
}

static int start_full(void **state)
{
    int result = start(state);
    struct world *w = *state;
    struct ct_view *v = web_world_flow(w, 0, 1, 't');

    v->mark = 5;
    v->labels[1] = 2;
    v->tuple[CT_DIR_ORIGINAL].zone = 3;
    v->helper = CT_HELPER_ftp;
    v->has_master = true;
    v->master_gen = 4;
    v->n_timeouts = 2;
    v->timeouts[1] = 30;
    v = web_world_flow(w, 0, 2, 't');
    set_pair(v, IPPROTO_GRE, 1, 2);
    v->tuple[CT_DIR_REPLY].zone = 4;
    v = web_world_flow(w, 0, 4, 't');
    set_pair(v, IPPROTO_SCTP, 1, 2);
    v->has_acct = v->has_start = false;
    return result;
}

struct told {
    struct world *w;
    struct ct_event ev;
};

static void tell(void *arg)
{
    struct told *t = arg;

    web_event(t->w->web, 0, &t->ev, 5);
}

/* The data of an event, which comes for all who listen. */
static json_t *event_data(struct world *w, const char *topic)
{
    struct told t = {.w = w, .ev = {.mask = CT_EVENT_NEW}};
    static const char listen[] = "GET /api/v1/events HTTP/1.1\r\n"
                                 "Host: localhost\r\n\r\n";
    int fd = web_client_unix(w->socket);
    char text[8192], head[64], *data;
    json_error_t e;
    json_t *j;

    t.ev.view = w->view[0][1];
    assert_true(write(fd, listen, strlen(listen)) > 0);
    (void)web_client_read(fd, text, sizeof(text), 3000, "retry: 2000\n\n");
    web_world_do(w, tell, &t);
    (void)web_client_read(fd, text, sizeof(text), 3000, "\"type\":\"NEW\"");
    (void)close(fd);
    (void)snprintf(head, sizeof(head), "event: %s\ndata: ", topic);
    data = strstr(text, head);
    assert_non_null(data);
    j = json_loads(data + strlen(head), JSON_DISABLE_EOF_CHECK, &e);
    if (!j)
        fail_msg("%s: %s", e.text, data);
    return j;
}

/* ---- the test ---- */

static json_t *ask_json(struct world *w, const char *method, const char *path,
                        int status)
{
    struct answer a;
    json_error_t e;
    json_t *j;

    ask(w, method, path, "", &a);
    if (a.status != status)
        fail_msg("%s %s: %d", method, path, a.status);
    j = json_loadb(a.body, a.n, JSON_REJECT_DUPLICATES, &e);
    if (!j)
        fail_msg("%s %s: %s", method, path, e.text);
    web_client_free(&a);
    return j;
}

static void must_fit(struct check *c, const char *schema, json_t *answer)
{
    if (!named_fits(c, schema, answer))
        fail_msg("%s", c->fault);
    json_decref(answer);
}

static json_t *content_of(json_t *operation, const char *type)
{
    json_t *answer =
        json_object_get(json_object_get(operation, "responses"), "200");

    return json_object_get(json_object_get(answer, "content"), type);
}

/* Each GET with a JSON answer, whatever routes there are. */
static void gets_fit(struct check *c, struct world *w, json_t *paths)
{
    const char *path;
    json_t *item;
    unsigned n = 0;

    json_object_foreach(paths, path, item)
    {
        json_t *content =
                   content_of(json_object_get(item, "get"), "application/json"),
               *schema = json_object_get(content, "schema"), *answer;
        const char *hole = strstr(path, "{id}");
        char real[128];

        if (!content || strcmp(path, "/openapi.json") == 0)
            continue;
        if (!schema)
            fail_msg("%s: no schema of its answer", path);
        (void)snprintf(real, sizeof(real), "%.*s%s",
                       (int)(hole ? hole - path : 127), path,
                       hole ? "1-7" : "");
        answer = ask_json(w, "GET", real, 200);
        if (!fits(c, path, answer, schema))
            fail_msg("%s: %s", path, c->fault);
        json_decref(answer);
        n++;
    }
    assert_true(n >= 8);
}

static void open_check(struct check *c, json_t *doc)
{
    memset(c, 0, sizeof(*c));
    c->schemas = json_object_get(json_object_get(doc, "components"), "schemas");
    c->seen = json_object();
    assert_non_null(c->schemas);
}

static void answers_are_as_described(void **state)
{
    struct world *w = *state;
    json_t *doc = get(w, "/openapi.json"), *schema, *row;
    const char *name, *key;
    struct check c;
    char path[160];

    open_check(&c, doc);
    gets_fit(&c, w, json_object_get(doc, "paths"));
    must_fit(&c, "Flows", ask_json(w, "GET", "/api/v1/flows?limit=1000", 200));
    must_fit(&c, "Flows", ask_json(w, "GET", "/api/v1/flows?limit=1", 200));
    must_fit(&c, "Expectations",
             ask_json(w, "GET", "/api/v1/expectations?limit=1", 200));
    must_fit(&c, "Problem", ask_json(w, "GET", "/nothing", 404));
    must_fit(&c, "Problem", ask_json(w, "GET", "/api/v1/flows?x=1", 400));
    must_fit(&c, "Event", event_data(w, "flow"));
    must_fit(&c, "Gap", event_data(w, "gap"));
    must_fit(&c, "Deleted",
             ask_json(w, "DELETE", "/api/v1/flows?all=true&dry_run=true", 200));
    must_fit(&c, "Deleted",
             ask_json(w, "DELETE", "/api/v1/flows?all=true", 200));
    w->ready = false;
    must_fit(&c, "Ready", ask_json(w, "GET", "/readyz", 503));
    json_object_foreach(c.schemas, name, schema)
        json_object_foreach(json_object_get(schema, "properties"), key, row)
    {
        (void)snprintf(path, sizeof(path), "%s.%s", name, key);
        if (!json_object_get(c.seen, path))
            fail_msg("%s: in the schema, and in no answer", path);
        if (!json_string_value(json_object_get(row, "description")))
            fail_msg("%s: not described", path);
    }
    json_decref(c.seen);
    json_decref(doc);
}

static void the_check_finds_faults(void **state)
{
    static const struct {
        const char *schema, *answer, *fault;
    } cases[] = {
        {"Gap", "{\"lost\":1}", ""},
        {"Gap", "{\"lost\":1,\"more\":1}", "Gap.more: the schema doesn't"},
        {"Gap", "{}", "Gap.lost: the schema asks"},
        {"Gap", "{\"lost\":-1}", "below"},
        {"Gap", "{\"lost\":\"1\"}", "another type"},
        {"Alive", "{\"status\":\"dead\"}", "words"},
        {"Deleted", "{\"dry_run\":true}", ""},
        {"Deleted", "{\"dry_run\":0}", "another type"},
        {"Queues", "{\"queues\":[{}]}", "Queue.number: the schema asks"},
        {"Shard", "{\"shard\":0,\"counters\":{}}",
         "Counters.found: the schema asks"},
        {"Ready", "{\"ready\":true,\"detail\":\"\",\"checks\":[0]}", "type"},
        {"Check",
         "{\"name\":\"a\",\"ok\":true,\"level\":\"ok\",\"detail\":\"\","
         "\"since\":null}",
         ""},
        {"Check",
         "{\"name\":\"a\",\"ok\":true,\"level\":\"ok\",\"detail\":\"\","
         "\"since\":\"today\"}",
         "no time"},
        {"Nothing", "{}", "no schema"},
    };
    json_t *doc = get(*state, "/openapi.json"), *answer;
    struct check c;
    json_error_t e;
    size_t i;
    bool good;

    open_check(&c, doc);
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        answer = json_loads(cases[i].answer, 0, &e);
        assert_non_null(answer);
        good = named_fits(&c, cases[i].schema, answer);
        if (good != !cases[i].fault[0] ||
            (!good && !strstr(c.fault, cases[i].fault)))
            fail_msg("%s: %s", cases[i].answer, good ? "fits" : c.fault);
        json_decref(answer);
    }
    json_decref(c.seen);
    json_decref(doc);
}

/* ---- calls ---- */

/* The parameter of this name, or NULL. */
static json_t *parameter_of(const json_t *operation, const char *name)
{
    json_t *list = json_object_get(operation, "parameters"), *p;
    size_t i;

    json_array_foreach(list, i, p)
    {
        const char *is = json_string_value(json_object_get(p, "name"));

        if (strcmp(is, name) == 0)
            return p;
    }
    return NULL;
}

/* Has it what the row's bit of enum takes stands for, and only then? */
static void takes(const struct route *route, const json_t *operation,
                  unsigned bit, const char *name)
{
    if (!!(route->takes & bit) != (parameter_of(operation, name) != NULL))
        fail_msg("%s %s: %s", route->method, route->path, name);
}

static void calls_are_as_their_rows_say(void **state)
{
    json_t *doc = get(*state, "/openapi.json"),
           *paths = json_object_get(doc, "paths");
    const struct route *route;
    unsigned n, i;

    route = routes_table(&n);
    for (i = 0; i < n; i++, route++) {
        bool get = strcmp(route->method, "GET") == 0,
             open = route->scope == SCOPE_OPEN || route->scope == SCOPE_PAGE;
        const json_t *is = json_object_get(json_object_get(paths, route->path),
                                           get ? "get" : "delete");
        const json_t *id = parameter_of(is, "id"),
                     *answers = json_object_get(is, "responses");

        assert_non_null(is);
        assert_string_equal(json_string_value(json_object_get(is, "summary")),
                            route->doc);
        takes(route, is, TAKES_PAGE, "limit");
        takes(route, is, TAKES_PAGE, "cursor");
        takes(route, is, TAKES_BULK, "all");
        takes(route, is, TAKES_BULK, "dry_run");
        takes(route, is, TAKES_TOPICS, "topics");
        takes(route, is, TAKES_FILTER, "dport");
        assert_int_equal(strstr(route->path, "{id}") != NULL,
                         json_is_true(json_object_get(id, "required")));
        assert_int_equal(json_object_size(answers), 2);
        assert_non_null(json_object_get(answers, route->type ? "200" : "204"));
        assert_int_equal(open, json_object_get(is, "security") != NULL);
    }
    assert_int_equal(json_array_size(json_object_get(doc, "security")), 0);
    json_decref(doc);
}

static int start_with_token(void **state)
{
    struct world *w = web_world_new("0123456789abcdef0123456789abcdef");

    *state = w;
    return w->result;
}

static void a_token_is_asked_for(void **state)
{
    struct world *w = *state;
    struct answer a;

    web_client_ask(web_client_unix(w->socket), "GET", "/openapi.json", "", &a);
    assert_int_equal(a.status, 200);
    assert_non_null(strstr(a.body, "\"security\":[{\"token\":[]}]"));
    web_client_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WEB_TEST(calls_are_as_their_rows_say),
        cmocka_unit_test_setup_teardown(a_token_is_asked_for, start_with_token,
                                        stop),
        cmocka_unit_test_setup_teardown(answers_are_as_described, start_full,
                                        stop),
        WEB_TEST(the_check_finds_faults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
