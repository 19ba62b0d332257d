/* web.c - the HTTP API over real sockets, a fake router behind it */
#include "web_rig.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* A page that asks once a second must not open a connection each time. */
static void connections_are_kept(void **state)
{
    struct world *w = *state;
    int fd = web_client_unix(w->socket), i;
    char text[4096];

    for (i = 0; i < 3; i++) {
        static const char *const asks[] = {
            "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "DELETE /api/v1/flows/0-7 HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET /api/v1/flows/3-7 HTTP/1.1\r\nHost: localhost\r\n\r\n"};
        static const char *const ends[] = {"}", "\r\n\r\n", "}"};

        assert_true(write(fd, asks[i], strlen(asks[i])) > 0);
        assert_true(web_client_read(fd, text, sizeof(text), 3000, ends[i]));
        assert_non_null(strstr(text, "HTTP/1.1 20"));
        assert_null(strstr(text, "Connection: close"));
    }
    (void)close(fd);
}

static void ask_livez(struct world *w)
{
    struct answer a;

    web_client_ask(web_client_unix(w->socket), "GET", "/livez", "", &a);
    assert_int_equal(a.status, 200);
    web_client_free(&a);
}

/* A child that has the same sockets open: closed here, they must be forgotten,
 * or epoll goes on reporting them for a client that is gone. */
static void a_closed_client_is_forgotten(void **state)
{
    struct world *w = *state;
    int fd = web_client_unix(w->socket);
    pid_t child;

    assert_int_equal(write(fd, "GET", 3), 3);
    ask_livez(w); /* the one before is accepted */
    child = fork();
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failure ends us both */
        for (;;)
            (void)pause();
    }
    assert_true(child > 0);
    assert_int_equal(shutdown(fd, SHUT_RDWR), 0);
    for (int i = 0; i < 10; i++)
        ask_livez(w);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    (void)close(fd);
}

static void stats_have_every_row_of_the_lists(void **state)
{
    static const char *const overflow[] = {
        "table_full", "early_drop", "no_port", "insert_failed", "chaintoolong"};
    json_t *j = get(*state, "/api/v1/stats"), *c, *d, *v, *lan;
    unsigned i;

    assert_int_equal(number(j, "entries"), 150);
    assert_int_equal(number(j, "max"), WORLD_SHARDS * WORLD_SLOTS);
    assert_int_equal(number(j, "buckets"), WORLD_SHARDS * WORLD_SLOTS);
    c = json_object_get(j, "counters");
    assert_int_equal(json_object_size(c), CT_N_STATS);
    assert_int_equal(number(c, "found"), 1000 + CT_STAT_found);
    for (i = 0; i < 5; i++)
        (void)number(json_object_get(j, "overflow"), overflow[i]);
    d = json_object_get(j, "drops");
    v = json_object_get(j, "invalid");
    assert_int_equal(json_object_size(d) + json_object_size(v),
                     CT_N_REASONS - 1);
    assert_int_equal(number(d, "ttl"), 7);
    assert_int_equal(number(d, "table_full"), 0);
    assert_int_equal(number(v, "tcp_window"), 0);
    assert_int_equal(number(json_object_get(j, "count"), "dropped"), 7);
    assert_int_equal(json_array_size(json_object_get(j, "shards")),
                     WORLD_SHARDS);
    lan = json_object_get(json_object_get(j, "interfaces"), "lan");
    assert_int_equal(number(lan, "rx_packets"), 10);
    assert_true(json_is_null(json_object_get(
        json_object_get(json_object_get(j, "interfaces"), "wan"),
        "dev_dropped")));
    json_decref(j);
}

static void rules_with_hostile_comments_stay_json(void **state)
{
    json_t *j = get(*state, "/api/v1/rules");
    json_t *row = json_array_get(json_object_get(j, "rules"), 0);

    assert_string_equal(json_string_value(json_object_get(row, "hook")),
                        "postrouting");
    assert_string_equal(json_string_value(json_object_get(row, "comment")),
                        "<script>alert(1)</script> \"quoted\" \xef\xbf\xbd");
    assert_int_equal(number(row, "bytes"), 180);
    json_decref(j);
}

static void rules_as_they_were_configured(void **state)
{
    json_t *j = get(*state, "/api/v1/rules");
    json_t *row = json_array_get(json_object_get(j, "rules"), 0);
    json_t *want = json_pack("{s:b, s:s}", "masquerade", 1, "id", "masq");

    assert_true(json_equal(json_object_get(row, "rule"), want));
    json_decref(want);
    json_decref(j);
}

static void queues_and_who_listens(void **state)
{
    json_t *j = get(*state, "/api/v1/queues");
    json_t *row = json_array_get(json_object_get(j, "queues"), 0);

    assert_int_equal(json_array_size(json_object_get(j, "queues")), 1);
    assert_int_equal(number(row, "number"), 7);
    assert_int_equal(number(json_object_get(row, "consumer"), "pid"), 42);
    assert_int_equal(number(row, "held"), 2);
    assert_int_equal(number(row, "verdicts"), 5);
    assert_int_equal(number(row, "late"), 1);
    assert_true(json_is_true(json_object_get(row, "fail_open")));
    assert_true(json_is_true(json_object_get(row, "resize")));
    assert_true(json_is_false(json_object_get(row, "bypass")));
    json_decref(j);
}

static void health_says_why(void **state)
{
    struct world *w = *state;
    struct answer a;

    ask(w, "GET", "/readyz", "", &a);
    assert_int_equal(a.status, 200);
    web_client_free(&a);
    w->ready = false;
    ask(w, "GET", "/readyz", "", &a);
    assert_int_equal(a.status, 503);
    assert_non_null(strstr(a.body, "lan is gone"));
    assert_non_null(strstr(a.body, "{\"name\":\"interface.lan\",\"ok\":false,"
                                   "\"level\":\"fail\",\"detail\":"
                                   "\"lan is gone\",\"since\":\""));
    web_client_free(&a);
    ask(w, "GET", "/livez", "", &a);
    assert_int_equal(a.status, 200);
    web_client_free(&a);
}

static void description_names_every_call(void **state)
{
    json_t *j = get(*state, "/openapi.json");
    json_t *paths = json_object_get(j, "paths");

    assert_non_null(json_object_get(
        json_object_get(paths, "/api/v1/flows/{id}"), "delete"));
    assert_non_null(json_object_get(paths, "/metrics"));
    json_decref(j);
}

static void page_is_served_with_its_files(void **state)
{
    static const char *const files[] = {"/", "/page.css", "/words.js",
                                        "/page.js"};
    struct answer a;
    size_t i;

    for (i = 0; i < 3; i++) {
        ask(*state, "GET", files[i], "", &a);
        assert_int_equal(a.status, 200);
        assert_true(a.n > 500);
        assert_non_null(
            strstr(a.head, "Content-Security-Policy: default-src 'none'"));
        web_client_free(&a);
    }
}

static void socket_is_private_and_replaced_only_when_dead(void **state)
{
    struct world *w = *state;
    struct web_config c = {.version = "0", .from = web_world_sources(w)};
    struct answer a;
    struct stat st;
    struct web *other;
    char err[256];
    uv_loop_t loop;

    (void)snprintf(c.options.socket, sizeof c.options.socket, "%s", w->socket);
    assert_int_equal(stat(w->socket, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    web_client_ask(web_client_unix(w->socket), "GET", "/readyz", "", &a);
    assert_int_equal(a.status, 200);
    web_client_free(&a);

    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(web_start(&other, &loop, &c, err), -EADDRINUSE);
    assert_non_null(strstr(err, "another router"));
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    assert_int_equal(access(w->socket, F_OK), 0);
}

/* Without a token TCP is for reading: what would change something is refused,
 * by whatever name and whether it exists or not, and nothing changes. */
static void without_a_token_tcp_only_reads(void **state)
{
    static const char *const paths[] = {
        "/api/v1/flows?all=true", "/api/v1/flows?proto=tcp",
        "/api/v1/flows/0-0", "/api/v1/flows/9999-1"};
    struct world *w = *state;
    struct answer a;
    json_t *j;

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        web_client_ask(web_client_tcp("127.0.0.1", w->port), "DELETE", paths[i],
                       "", &a);
        assert_int_equal(a.status, 403);
        web_client_free(&a);
    }
    j = get(w, "/api/v1/flows?limit=1000");
    assert_int_equal(json_array_size(json_object_get(j, "flows")), 150);
    json_decref(j);
}

/* Another user who can open the socket's file is refused all the same.  The
 * kernel records the user at connect(): this thread has another one then. */
static void socket_is_for_its_user_and_root(void **state)
{
    enum { ANOTHER = 65534 };
    struct world *w = *state;
    struct answer a;
    int fd;

    if (geteuid() != 0)
        skip();
    assert_int_equal(syscall(SYS_setresuid, -1, ANOTHER, -1), 0);
    (void)syscall(SYS_setfsuid, 0); /* to the files it is root still */
    fd = web_client_unix(w->socket);
    assert_int_equal(syscall(SYS_setresuid, -1, 0, -1), 0);
    assert_true(fd >= 0);
    web_client_ask(fd, "GET", "/api/v1/stats", "", &a);
    assert_int_equal(a.status, 403);
    assert_non_null(strstr(a.body, "only root"));
    web_client_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WEB_TEST(connections_are_kept),
        WEB_TEST(a_closed_client_is_forgotten),
        WEB_TEST(stats_have_every_row_of_the_lists),
        WEB_TEST(rules_with_hostile_comments_stay_json),
        WEB_TEST(rules_as_they_were_configured),
        WEB_TEST(queues_and_who_listens),
        WEB_TEST(health_says_why),
        WEB_TEST(description_names_every_call),
        WEB_TEST(page_is_served_with_its_files),
        WEB_TEST(socket_is_private_and_replaced_only_when_dead),
        WEB_TEST(without_a_token_tcp_only_reads),
        WEB_TEST(socket_is_for_its_user_and_root),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
