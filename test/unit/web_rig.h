/* web_rig.h - 150 flows behind the real API, and how it is asked */
#ifndef WEB_RIG_H
#define WEB_RIG_H

#include "web_client.h"
#include "web_world.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static inline int start(void **state)
{
    struct world *w = web_world_new(NULL);
    uint32_t i;

    *state = w;
    for (i = 0; i < 100; i++)
        web_world_flow(w, 0, i * 3, 't');
    for (i = 0; i < 50; i++)
        web_world_flow(w, 1, i * 5, "ui6"[i % 3]);
    return w->result;
}

static inline int stop(void **state)
{
    web_world_free(*state);
    return 0;
}

static inline void ask(struct world *w, const char *method, const char *path,
                       const char *more, struct answer *a)
{
    bool writes = strcmp(method, "DELETE") == 0; /* not without a token */

    web_client_ask(writes ? web_client_unix(w->socket)
                          : web_client_tcp("127.0.0.1", w->port),
                   method, path, more, a);
}

/* GET path, expect 200 and JSON. */
static inline json_t *get(struct world *w, const char *path)
{
    struct answer a;
    json_error_t e;
    json_t *j;

    ask(w, "GET", path, "", &a);
    if (a.status != 200)
        fail_msg("%s: %d %s", path, a.status, a.body);
    j = json_loadb(a.body, a.n, JSON_REJECT_DUPLICATES, &e);
    if (!j)
        fail_msg("%s: %s at %d", path, e.text, e.position);
    web_client_free(&a);
    return j;
}

static inline json_int_t number(json_t *j, const char *key)
{
    assert_true(json_is_integer(json_object_get(j, key)));
    return json_integer_value(json_object_get(j, key));
}

#define WEB_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

#endif
