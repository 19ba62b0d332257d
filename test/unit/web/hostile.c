/* hostile.c - what the HTTP side refuses, and what it outlives */
#include "http/auth.h"
#include "http/guess.h"
#include "web_client.h"
#include "web_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int start(void **state)
{
    struct world *w = web_world_new(NULL);

    web_world_flow(w, 0, 0, 't');
    *state = w;
    return w->result;
}

static int start_with_token(void **state)
{
    struct world *w = web_world_new("s3cret-token");

    *state = w;
    return w->result;
}

static int stop(void **state)
{
    web_world_free(*state);
    return 0;
}

static int tcp(struct world *w)
{
    return web_client_tcp("127.0.0.1", w->port);
}

static void ask(struct world *w, const char *method, const char *path,
                const char *more, struct answer *a)
{
    web_client_ask(tcp(w), method, path, more, a);
}

static void malformed_requests_are_refused(void **state)
{
#define ST "/api/v1/stats HTTP/1.1\r\n"
    static const struct {
        const char *what, *bytes;
        int want; /* 0: closed, or any refusal */
    } rows[] = {
        {"a plain one, for comparison",
         "GET " ST "Host: localhost\r\nConnection: close\r\n\r\n", 200},
        {"no Host", "GET " ST "Connection: close\r\n\r\n", 400},
        {"two Hosts", "GET " ST "Host: localhost\r\nHost: localhost\r\n\r\n",
         400},
        {"two lengths",
         "GET " ST "Host: localhost\r\nContent-Length: 0\r\n"
         "Content-Length: 0\r\n\r\n",
         400},
        {"length and coding",
         "GET " ST "Host: localhost\r\nContent-Length: 5\r\n"
         "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         400},
        {"a space before the colon", "GET " ST "Host : localhost\r\n\r\n", 0},
        {"an absolute target",
         "GET http://localhost/api/v1/stats HTTP/1.1\r\nHost: localhost\r\n"
         "\r\n",
         400},
        {"a target that climbs",
         "GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
        {"one that climbs, escaped",
         "GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: localhost\r\n"
         "Connection: close\r\n\r\n",
         404},
        {"an escaped NUL",
         "GET /api/v1/stats%00x HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
        {"a body on GET",
         "GET " ST "Host: localhost\r\nContent-Length: 3\r\n\r\nabc", 413},
        {"a body on DELETE",
         "DELETE /api/v1/flows?all=true HTTP/1.1\r\nHost: localhost\r\n"
         "Content-Length: 3\r\n\r\nabc",
         413},
        {"a chunked body",
         "POST " ST "Host: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
         "3\r\nabc\r\n0\r\n\r\n",
         413},
        {"another's Host", "GET " ST "Host: evil.example\r\n\r\n", 421},
        {"another's Host that begins like ours",
         "GET " ST "Host: localhost.evil.example\r\n\r\n", 421},
        {"a loopback look-alike", "GET " ST "Host: 127.0.0.1.nip.io\r\n\r\n",
         421},
        {"a Host with a port that is none",
         "GET " ST "Host: localhost:80x\r\n\r\n", 421},
        {"an unknown method",
         "BREW " ST "Host: localhost\r\n"
         "Connection: close\r\n\r\n",
         405},
        {"a bare LF", "GET " ST "Host: localhost\nX: y\r\n\r\n", 400},
        {"bare LFs alone", "GET /livez HTTP/1.1\nHost: localhost\n\n", 400},
        {"a bare CR", "GET " ST "Host: localhost\r\nX: a\rb\r\n\r\n", 400},
        {"a name that is empty", "GET " ST "Host: localhost\r\n: x\r\n\r\n",
         400},
        {"a folded line", "GET " ST "Host: localhost\r\nX: a\r\n b\r\n\r\n",
         400},
        {"another version", "GET /livez HTTP/2.0\r\nHost: localhost\r\n\r\n",
         505},
        {"1.0 without a Host", "GET /livez HTTP/1.0\r\n\r\n", 200},
        {"1.0 with another's Host",
         "GET /livez HTTP/1.0\r\nHost: evil.example\r\n\r\n", 421},
        {"an empty line before it",
         "\r\nGET /livez HTTP/1.1\r\nHost: localhost\r\n"
         "Connection: close\r\n\r\n",
         200},
        {"no HTTP at all", "\x16\x03\x01\x02\x00\x01\xfc\x03\x03\r\n\r\n", 0},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct answer a;

        web_client_raw(tcp(*state), rows[i].bytes, strlen(rows[i].bytes), 10000,
                       &a);
        if (rows[i].want ? a.status != rows[i].want
                         : a.status >= 200 && a.status < 400)
            fail_msg("%s: %d %s", rows[i].what, a.status, a.body);
        web_client_free(&a);
    }
    assert_true(((struct world *)*state)->alive[0][0]);
}

/* What never reaches libmicrohttpd is answered as all else is. */
static void refused_heads_are_answered_whole_and_counted(void **state)
{
    static const char nul[] = "GET /livez HTTP/1.1\r\n"
                              "Host: localhost\0.evil\r\n\r\n";
    static char many[8192];
    struct answer a;
    size_t n;

    web_client_raw(tcp(*state), nul, sizeof(nul) - 1, 3000, &a);
    assert_int_equal(a.status, 400);
    assert_non_null(strstr(a.head, "X-Content-Type-Options: nosniff"));
    assert_non_null(strstr(a.head, "application/problem+json"));
    assert_non_null(strstr(a.body, "\"status\":400"));
    assert_null(strstr(a.body, "HTTP/1.1"));
    web_client_free(&a);

    n = (size_t)snprintf(many, sizeof(many), "GET /api/v1/flows?");
    for (unsigned i = 0; i < 500; i++)
        n += (size_t)snprintf(many + n, sizeof(many) - n, "proto=tcp&");
    n += (size_t)snprintf(many + n, sizeof(many) - n,
                          " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    web_client_raw(tcp(*state), many, n, 3000, &a);
    assert_int_equal(a.status, 400);
    assert_non_null(strstr(a.body, "at most 64"));
    web_client_free(&a);

    ask(*state, "GET", "/metrics", "", &a);
    assert_non_null(strstr(a.body, "route=\"none\",code=\"400\"} 2\n"));
    web_client_free(&a);
}

/* libmicrohttpd sends the body of an answer of unknown length to HEAD too. */
static void head_of_a_stream_has_no_body(void **state)
{
    static const char two[] = "HEAD /api/v1/flows HTTP/1.1\r\n"
                              "Host: localhost\r\n"
                              "Accept: application/x-ndjson\r\n\r\n"
                              "GET /livez HTTP/1.1\r\nHost: localhost\r\n"
                              "Connection: close\r\n\r\n";
    char text[4096], *end;
    int fd = tcp(*state);

    assert_int_equal(write(fd, two, sizeof(two) - 1), sizeof(two) - 1);
    web_client_read(fd, text, sizeof(text), 10000, "alive");
    (void)close(fd);
    end = strstr(text, "\r\n\r\n");
    assert_non_null(end);
    assert_memory_equal(end + 4, "HTTP/1.1 200", 12);
    assert_non_null(strstr(end, "alive"));
    *end = '\0';
    assert_non_null(strstr(text, "application/x-ndjson"));
}

static void a_weight_of_0_is_a_refusal(void **state)
{
    static const struct {
        const char *accept;
        bool stream;
    } rows[] = {
        {"Accept: application/x-ndjson\r\n", true},
        {"Accept: application/json, application/x-ndjson;q=0.5\r\n", true},
        {"Accept: application/x-ndjson;q=0\r\n", false},
        {"Accept: application/x-ndjson ; Q=0.000, */*\r\n", false},
        {"Accept: application/x-ndjson-not\r\n", false},
        {"Accept: */*\r\n", false},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct answer a;

        ask(*state, "GET", "/api/v1/flows", rows[i].accept, &a);
        if ((strstr(a.head, "x-ndjson") != NULL) != rows[i].stream)
            fail_msg("%s: %s", rows[i].accept, a.head);
        web_client_free(&a);
    }
}

static void our_own_names_are_known(void **state)
{
    static const char *const hosts[] = {"localhost",   "LOCALHOST:8080",
                                        "127.0.0.1:1", "127.9.9.9",
                                        "[::1]",       "[::1]:8080"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
        assert_true(auth_host(hosts[i], "127.0.0.1"));
    assert_true(auth_host("192.0.2.1:80", "192.0.2.1"));
    assert_false(auth_host("192.0.2.8", "192.0.2.7"));
    assert_false(auth_host("", "127.0.0.1"));
    assert_false(auth_host("[::1", "127.0.0.1"));
    assert_false(auth_host(":80", ""));
}

static void writes_from_other_sites_are_refused(void **state)
{
    static const struct {
        const char *heads;
        int want;
    } rows[] = {
        {"Origin: http://evil.example\r\n", 403},
        {"Origin: null\r\n", 403},
        {"Sec-Fetch-Site: cross-site\r\n", 403},
        {"Sec-Fetch-Site: same-site\r\n", 403},
        {"Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: none\r\n", 403},
        {"Sec-Fetch-Site: same-origin\r\nOrigin: http://localhost\r\n", 204},
    };
    struct world *w = *state;
    size_t i;

    web_world_flow(w, 0, 0, 't');

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct answer a;
        char heads[256];

        (void)snprintf(heads, sizeof(heads), "Authorization: Bearer %s\r\n%s",
                       "s3cret-token", rows[i].heads);
        ask(w, "DELETE", "/api/v1/flows/0-7", heads, &a);
        if (a.status != rows[i].want)
            fail_msg("%s: %d", rows[i].heads, a.status);
        web_client_free(&a);
    }
    assert_false(w->alive[0][0]);
}

static void token_is_asked_for_on_tcp_only(void **state)
{
    static const struct {
        const char *path, *heads;
        int want;
    } rows[] = {
        {"/api/v1/stats", "", 401},
        {"/api/v1/stats", "Authorization: Bearer wrong\r\n", 401},
        {"/api/v1/stats", "Authorization: Bearer s3cret-token\r\n", 200},
        {"/api/v1/stats", "Authorization: bearer s3cret-token\r\n", 200},
        {"/api/v1/stats", "Authorization: Bearer s3cret-tokenx\r\n", 401},
        {"/api/v1/stats", "Authorization: Bearer s3cret-toke\r\n", 401},
        {"/api/v1/stats", "Authorization: Bearer s3cret-tokens3cret-token\r\n",
         401},
        {"/api/v1/stats", "Authorization: Basic czNjcmV0\r\n", 401},
        {"/metrics", "", 401},
        {"/nothing", "", 401},
        {"/livez", "", 200},
        {"/readyz", "", 200},
        {"/", "", 200},
        {"/page.js", "", 200},
        {"/words.js", "", 200},
    };
    struct world *w = *state;
    struct answer a;
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ask(w, "GET", rows[i].path, rows[i].heads, &a);
        if (a.status != rows[i].want)
            fail_msg("%s %s: %d", rows[i].path, rows[i].heads, a.status);
        if (a.status == 401)
            assert_non_null(strstr(a.head, "WWW-Authenticate: Bearer"));
        web_client_free(&a);
    }
    web_client_ask(web_client_unix(w->socket), "GET", "/api/v1/stats", "", &a);
    assert_int_equal(a.status, 200);
    web_client_free(&a);
}

static unsigned lines;

static void warn(void *arg, const char *line)
{
    (void)arg;
    assert_non_null(strstr(line, "wrong API token from 127.0.0.1"));
    assert_null(strstr(line, "guess-"));
    lines++;
}

static int start_with_log(void **state)
{
    struct world *w = web_world_with(
        (struct web_config){.token = "s3cret-token", .warn = warn});

    *state = w;
    lines = 0;
    return w->result;
}

/* All are answered, those beyond the first ten later; the right one, from the
 * same address, does not wait behind them. */
static void wrong_tokens_are_counted_and_slowed_down(void **state)
{
    struct world *w = *state;
    struct answer a;
    char text[256];
    int fd[40];

    for (unsigned i = 0; i < 40; i++) {
        int n = snprintf(text, sizeof(text),
                         "GET /api/v1/stats HTTP/1.1\r\nHost: x\r\n"
                         "Connection: close\r\n"
                         "Authorization: Bearer guess-%u\r\n\r\n",
                         i);

        fd[i] = tcp(w);
        assert_int_equal(write(fd[i], text, (size_t)n), n);
    }
    ask(w, "GET", "/api/v1/stats", "Authorization: Bearer s3cret-token\r\n",
        &a);
    assert_int_equal(a.status, 200);
    web_client_free(&a);
    for (unsigned i = 0; i < 40; i++) {
        web_client_raw(fd[i], "", 0, 20000, &a);
        assert_int_equal(a.status, 401);
        web_client_free(&a);
    }
    web_client_ask(web_client_unix(w->socket), "GET", "/metrics", "", &a);
    assert_non_null(
        strstr(a.body, "weir_auth_failures_total{cause=\"wrong\"} 40\n"));
    web_client_free(&a);
    assert_int_equal(lines, 1);
}

static void ten_wrong_tokens_a_second_pass(void **state)
{
    struct guesses g = {0};
    unsigned n = 0;

    (void)state;
    for (unsigned i = 0; i < 1000; i++)
        n += guess_may_pass(&g, 5000);
    assert_int_equal(n, GUESS_BURST);
    for (unsigned i = 1; i <= 10000; i++) /* each millisecond of 10 s */
        n += guess_may_pass(&g, 5000 + i);
    assert_int_equal(n, GUESS_BURST + 10 * GUESS_PER_S);
}

static void take_another_token(void *arg)
{
    struct world *w = arg;

    assert_true(web_set_token(w->web, "another-token"));
}

static void a_token_is_replaced_while_it_runs(void **state)
{
    struct world *w = *state;
    struct answer a;

    web_world_do(w, take_another_token, w);
    ask(w, "GET", "/api/v1/stats", "Authorization: Bearer s3cret-token\r\n",
        &a);
    assert_int_equal(a.status, 401);
    web_client_free(&a);
    ask(w, "GET", "/api/v1/stats", "Authorization: Bearer another-token\r\n",
        &a);
    assert_int_equal(a.status, 200);
    web_client_free(&a);
}

static void every_answer_bears_the_security_headers(void **state)
{
    static const struct {
        const char *method, *path;
        int want;
    } rows[] = {
        {"GET", "/api/v1/stats", 200},   {"GET", "/nothing", 404},
        {"POST", "/api/v1/flows", 405},  {"GET", "/", 200},
        {"HEAD", "/api/v1/stats", 200},  {"GET", "/api/v1/flows?x=1", 400},
        {"HEAD", "/api/v1/events", 200},
    };
    static const char *const heads[] = {
        "Content-Security-Policy: default-src 'none'; script-src 'self'",
        "X-Content-Type-Options: nosniff",
        "Referrer-Policy: no-referrer",
        "Cross-Origin-Opener-Policy: same-origin",
        "Cross-Origin-Resource-Policy: same-origin",
        "Cache-Control: no-store",
    };
    size_t i, k;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct answer a;

        ask(*state, rows[i].method, rows[i].path, "", &a);
        assert_int_equal(a.status, rows[i].want);
        for (k = 0; k < sizeof(heads) / sizeof(heads[0]); k++)
            assert_non_null(strstr(a.head, heads[k]));
        if (strcmp(rows[i].method, "HEAD") == 0)
            assert_int_equal(a.n, 0);
        if (a.status == 405)
            assert_non_null(strstr(a.head, "Allow: GET, HEAD, DELETE\r\n"));
        web_client_free(&a);
    }
}

static void giant_heads_are_cut_short(void **state)
{
    struct world *w = *state;
    struct answer a;
    size_t n = 200000;
    char *text = malloc(n);

    memset(text, 'a', n);
    memcpy(text, "GET /", 5);
    web_client_raw(tcp(w), text, n, 3000, &a);
    assert_int_equal(a.status, 431);
    web_client_free(&a);
    free(text);
    ask(w, "GET", "/livez", "", &a);
    assert_int_equal(a.status, 200);
    web_client_free(&a);
}

static void listener_that_stops_reading_does_no_harm(void **state)
{
    struct world *w = *state;
    struct answer a;
    int fd = tcp(w);
    static const char listen[] = "GET /api/v1/flows HTTP/1.1\r\n"
                                 "Host: localhost\r\n"
                                 "Accept: application/x-ndjson\r\n\r\n";
    uint32_t i;

    for (i = 0; i < WORLD_SLOTS; i++) {
        web_world_flow(w, 0, i, 't');
        web_world_flow(w, 1, i, '6');
    }
    assert_int_equal(write(fd, listen, sizeof(listen) - 1), sizeof(listen) - 1);
    for (i = 0; i < 20; i++) {
        ask(w, "GET", "/api/v1/stats", "", &a);
        assert_int_equal(a.status, 200);
        web_client_free(&a);
    }
    (void)close(fd);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        T(malformed_requests_are_refused),
        T(refused_heads_are_answered_whole_and_counted),
        T(head_of_a_stream_has_no_body),
        T(a_weight_of_0_is_a_refusal),
        cmocka_unit_test(our_own_names_are_known),
        cmocka_unit_test_setup_teardown(writes_from_other_sites_are_refused,
                                        start_with_token, stop),
        cmocka_unit_test_setup_teardown(token_is_asked_for_on_tcp_only,
                                        start_with_token, stop),
        cmocka_unit_test_setup_teardown(
            wrong_tokens_are_counted_and_slowed_down, start_with_log, stop),
        cmocka_unit_test(ten_wrong_tokens_a_second_pass),
        cmocka_unit_test_setup_teardown(a_token_is_replaced_while_it_runs,
                                        start_with_token, stop),
        T(every_answer_bears_the_security_headers),
        T(giant_heads_are_cut_short),
        T(listener_that_stops_reading_does_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
