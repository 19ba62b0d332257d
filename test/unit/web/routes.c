/* routes.c - the table of calls */
#include "routes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void paths_find_their_row(void **state)
{
    static const struct {
        const char *method, *path, *id, *allow;
        bool found;
    } rows[] = {
        {"GET", "/", NULL, "GET, HEAD", true},
        {"HEAD", "/", NULL, "GET, HEAD", true},
        {"POST", "/", NULL, "GET, HEAD", false},
        {"GET", "/api/v1/flows", NULL, "GET, HEAD, DELETE", true},
        {"DELETE", "/api/v1/flows", NULL, "GET, HEAD, DELETE", true},
        {"PUT", "/api/v1/flows", NULL, "GET, HEAD, DELETE", false},
        {"GET", "/api/v1/flows/42-7", "42-7", "GET, HEAD, DELETE", true},
        {"DELETE", "/api/v1/flows/42-7", "42-7", "GET, HEAD, DELETE", true},
        {"GET", "/api/v1/flows/", NULL, "", false},
        {"GET", "/api/v1/flows/42-7/", NULL, "", false},
        {"GET", "/api/v1/flows/a/b", NULL, "", false},
        {"GET", "/api/v1/flow", NULL, "", false},
        {"GET", "/api/v1/Flows", NULL, "", false},
        {"get", "/api/v1/flows", NULL, "GET, HEAD, DELETE", false},
        {"GET", "//", NULL, "", false},
        {"GET", "/page.js/", NULL, "", false},
        {"GET", "/../page.js", NULL, "", false},
        {"DELETE", "/api/v1/events", NULL, "GET, HEAD", false},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *id;
        char allow[64];
        const struct route *r =
            routes_find(rows[i].method, rows[i].path, &id, allow);

        if ((r != NULL) != rows[i].found)
            fail_msg("%s %s", rows[i].method, rows[i].path);
        assert_string_equal(allow, rows[i].allow);
        if (rows[i].id)
            assert_string_equal(id, rows[i].id);
    }
}

static void every_row_is_whole(void **state)
{
    const struct route *table;
    unsigned n, i, k;

    (void)state;
    table = routes_table(&n);
    for (i = 0; i < n; i++) {
        const struct route *r = &table[i];

        assert_non_null(r->handler);
        assert_true(strlen(r->doc) > 5);
        assert_true(strcmp(r->method, "GET") == 0 ||
                    r->scope == SCOPE_WRITE); /* what writes needs the scope */
        assert_true(r->scope != SCOPE_WRITE || strcmp(r->method, "GET") != 0);
        for (k = 0; k < i; k++)
            assert_false(strcmp(r->path, table[k].path) == 0 &&
                         strcmp(r->method, table[k].method) == 0);
    }
}

static void cursors_come_back(void **state)
{
    char text[24];

    (void)state;
    request_cursor(text, 0);
    assert_string_equal(text, "w0");
    request_cursor(text, 0xfedcba987654321);
    assert_string_equal(text, "wfedcba987654321");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_find_their_row),
        cmocka_unit_test(every_row_is_whole),
        cmocka_unit_test(cursors_come_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
