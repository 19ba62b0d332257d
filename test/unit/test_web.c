/* test_web.c - the HTTP API over real sockets, a fake router behind it */
#include "web_client.h"
#include "web_world.h"

#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static int start(void **state)
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

static int stop(void **state)
{
    web_world_free(*state);
    return 0;
}

static void ask(struct world *w, const char *method, const char *path,
                const char *more, struct answer *a)
{
    web_client_ask(web_client_tcp("127.0.0.1", w->port), method, path, more, a);
}

/* GET path, expect 200 and JSON. */
static json_t *get(struct world *w, const char *path)
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

static json_int_t number(json_t *j, const char *key)
{
    assert_true(json_is_integer(json_object_get(j, key)));
    return json_integer_value(json_object_get(j, key));
}

static void flow_has_the_contract_s_shape(void **state)
{
    static const char want[] =
        "{\"id\":\"42-7\",\"family\":\"ipv4\",\"protocol\":\"tcp\","
        "\"protonum\":6,\"state\":\"ESTABLISHED\",\"timeout\":431999,"
        "\"status\":[\"SEEN_REPLY\",\"ASSURED\",\"CONFIRMED\",\"SRC_NAT\"],"
        "\"original\":{\"src\":\"10.0.1.2\",\"dst\":\"198.51.100.2\","
        "\"sport\":4042,\"dport\":80,\"packets\":3,\"bytes\":180},"
        "\"reply\":{\"src\":\"198.51.100.2\",\"dst\":\"198.51.100.1\","
        "\"sport\":80,\"dport\":4042,\"packets\":2,\"bytes\":120},"
        "\"mark\":0,\"zone\":0,\"in\":\"lan\",\"out\":\"wan\","
        "\"start\":\"2026-01-01T00:00:00Z\"}";
    struct answer a;

    ask(*state, "GET", "/api/v1/flows/42-7", "", &a);
    assert_int_equal(a.status, 200);
    assert_string_equal(a.body, want);
    web_client_free(&a);
}

/* Status bits behind those that are not shown, and what rules gave it. */
static void flow_shows_what_few_have(void **state)
{
    struct world *w = *state;
    struct ct_view *v = web_world_flow(w, 0, 42, 't');
    struct answer a;

    v->status |= CT_SRC_NAT_DONE | CT_DST_NAT_DONE | CT_FIXED_TIMEOUT |
                 CT_HELPER | CT_OWN_TIMEOUTS;
    v->helper = CT_HELPER_ftp;
    v->labels[1] = 2;
    v->first_timeout = CT_PARAM_tcp_syn_sent;
    v->n_timeouts = CT_MAX_TIMEOUTS;
    v->timeouts[CT_PARAM_tcp_established] = 600;
    v->timeouts[CT_PARAM_tcp_unacknowledged] = 31536000;
    ask(w, "GET", "/api/v1/flows/42-7", "", &a);
    assert_int_equal(a.status, 200);
    assert_non_null(strstr(a.body,
                           "\"status\":[\"SEEN_REPLY\",\"ASSURED\","
                           "\"CONFIRMED\",\"SRC_NAT\",\"FIXED_TIMEOUT\","
                           "\"HELPER\",\"OWN_TIMEOUTS\"],"));
    assert_non_null(strstr(a.body, "\"labels\":[65],"));
    assert_non_null(strstr(a.body, "\"helper\":\"ftp\",\"timeouts\":{"
                                   "\"tcp_established\":600,"
                                   "\"tcp_unacknowledged\":31536000},"));
    web_client_free(&a);
}

/* All that a flow can say at once still fits the rows of a stream. */
static void the_longest_flow_is_listed(void **state)
{
    struct world *w = *state;
    struct ct_view *v = web_world_flow(w, 1, WORLD_SLOTS - 1, '6');
    struct answer a;
    char *row;

    v->gen = UINT32_MAX;
    v->status = UINT32_MAX;
    v->mark = UINT32_MAX;
    v->helper = CT_HELPER_pptp;
    v->labels[0] = v->labels[1] = UINT64_MAX;
    v->first_timeout = CT_PARAM_sctp_closed; /* the longest names */
    v->n_timeouts = CT_MAX_TIMEOUTS;
    v->has_master = true;
    v->master_slot = WORLD_SLOTS - 1;
    v->master_gen = UINT32_MAX;
    v->state = "SHUTDOWN_ACK_SENT";
    for (unsigned i = 0; i < CT_MAX_TIMEOUTS; i++)
        v->timeouts[i] = 31536000;
    for (unsigned d = 0; d < CT_N_DIRS; d++) {
        struct ct_tuple *t = &v->tuple[d];

        memset(&t->src, 0xff, sizeof t->src);
        memset(&t->dst, 0xfe, sizeof t->dst);
        t->proto = 132; /* it has a tag besides */
        t->sport = t->dport = UINT16_MAX;
        t->zone = (uint16_t)(65534 + d);
        v->packets[d] = v->bytes[d] = UINT64_MAX;
        v->proto.sctp.vtag[d] = UINT32_MAX;
    }
    ask(w, "GET", "/api/v1/flows?proto=sctp",
        "Accept: application/x-ndjson\r\n", &a);
    row = strstr(a.body, "\"protocol\":\"sctp\"");
    assert_non_null(row);
    assert_non_null(strstr(row, "SHUTDOWN_ACK_SENT"));
    web_client_free(&a);
}

static void pages_show_each_flow_once(void **state)
{
    bool seen[WORLD_SHARDS * WORLD_SLOTS] = {false};
    char path[80] = "/api/v1/flows?limit=7";
    size_t total = 0, i;

    for (;;) {
        json_t *page = get(*state, path), *row, *next;
        const char *cursor;

        json_array_foreach(json_object_get(page, "flows"), i, row)
        {
            const char *id = json_string_value(json_object_get(row, "id"));
            unsigned place = (unsigned)strtoul(id, NULL, 10);

            assert_false(seen[place]);
            seen[place] = true;
            total++;
        }
        assert_int_equal(number(page, "count"), i);
        assert_int_equal(number(page, "total"), 150);
        next = json_object_get(page, "next_cursor");
        cursor = json_string_value(next);
        if (cursor)
            (void)snprintf(path, sizeof(path),
                           "/api/v1/flows?limit=7&cursor=%s", cursor);
        else
            assert_true(json_is_null(next));
        json_decref(page);
        if (!cursor)
            break;
    }
    assert_int_equal(total, 150);
}

static void expectations_have_their_shape(void **state)
{
    static const char want[] =
        "{\"expectations\":[{\"family\":\"ipv6\",\"protocol\":\"tcp\","
        "\"protonum\":6,\"timeout\":299,\"src\":\"2001:db8::2\","
        "\"dst\":\"2001:db8::1\",\"sport\":0,\"dport\":5001,\"mask\":{"
        "\"src\":\"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\","
        "\"dst\":\"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\",\"sport\":0,"
        "\"dport\":65535},\"master\":{\"id\":\"%u-9\",\"src\":"
        "\"fd00:1::2\",\"dst\":\"2001:db8::2\",\"sport\":4000,\"dport\":21}"
        ",\"zone\":0,\"permanent\":false,\"class\":0,\"helper\":\"ftp\"}],"
        "\"next_cursor\":\"%s\",\"count\":1,\"total\":%u}";
    struct answer a;
    char text[1024], path[80];
    const char *cursor;
    json_t *j = get(*state, "/api/v1/expectations?limit=1"), *row;

    cursor = json_string_value(json_object_get(j, "next_cursor"));
    assert_non_null(cursor);
    (void)snprintf(text, sizeof(text), want, WORLD_SLOTS + 3, cursor,
                   1000 + CT_STAT_expectations);
    ask(*state, "GET", "/api/v1/expectations?limit=1", "", &a);
    assert_string_equal(a.body, text);
    web_client_free(&a);
    (void)snprintf(path, sizeof(path), "/api/v1/expectations?cursor=%s",
                   cursor);
    json_decref(j);
    j = get(*state, path);
    assert_true(json_is_null(json_object_get(j, "next_cursor")));
    assert_int_equal(number(j, "count"), 1);
    row = json_array_get(json_object_get(j, "expectations"), 0);
    assert_int_equal(number(row, "dstkey"), 2);
    assert_true(json_is_true(json_object_get(row, "permanent")));
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(row, "mask"), "src")),
        "0.0.0.0");
    json_decref(j);
}

static void filters_choose(void **state)
{
    static const struct {
        const char *query;
        unsigned count;
    } rows[] = {
        {"proto=tcp", 116},
        {"proto=tcp&family=ipv4", 100},
        {"proto=udp&proto=icmp", 34},
        {"proto=!tcp", 34},
        {"proto=17", 17},
        {"state=established&proto=6", 116},
        {"src=10.0.1.0/24", 134},
        {"src=fd00:1::/32", 16},
        {"src=%2110.0.0.0/8", 16},
        {"dst=198.51.100.2&sport=4000-4030&proto=tcp", 11},
        {"dport=53", 17},
        {"icmp_id=4005", 1},
        {"nat=none", 16},
        {"nat=src", 134},
        {"src_nat=198.51.100.1", 134},
        {"status=ASSURED,SEEN_REPLY&limit=1000", 150},
        {"in=lan&out=wan", 150},
        {"mark=0x1/0x1", 0},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char path[160];
        json_t *page;

        (void)snprintf(path, sizeof(path), "/api/v1/flows?limit=1000&%s",
                       strncmp(rows[i].query, "status", 6) ? rows[i].query
                                                           : "status=ASSURED");
        page = get(*state, path);
        if (number(page, "count") != rows[i].count)
            fail_msg("%s: %d", rows[i].query, (int)number(page, "count"));
        json_decref(page);
    }
}

static void faults_in_the_query_are_named(void **state)
{
    static const char *const rows[] = {
        "limit=0",       "limit=1001",  "limit=x",    "cursor=x",
        "cursor=w99999", "cursor=w",    "proto=nope", "src=10.0.0.0/33",
        "src=10.0.0",    "sport=70000", "sport=9-3",  "nonsense=1",
        "all=true",      "family=ipv5", "status=,",   "status=FOO",
        "mark=0x",       "nat=both",    "sport=1%00", "src=",
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct answer a;
        char path[128];

        (void)snprintf(path, sizeof(path), "/api/v1/flows?%s", rows[i]);
        ask(*state, "GET", path, "", &a);
        if (a.status != 400 || !strstr(a.head, "application/problem+json"))
            fail_msg("%s: %d %s", rows[i], a.status, a.body);
        web_client_free(&a);
    }
}

static void stream_gives_all_one_a_line(void **state)
{
    struct answer a;
    char *line, *rest;
    unsigned n = 0;

    ask(*state, "GET", "/api/v1/flows", "Accept: application/x-ndjson\r\n", &a);
    assert_int_equal(a.status, 200);
    assert_non_null(strstr(a.head, "application/x-ndjson"));
    for (line = strtok_r(a.body, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest)) {
        json_t *j = json_loads(line, 0, NULL);

        assert_non_null(j);
        json_decref(j);
        n++;
    }
    assert_int_equal(n, 150);
    web_client_free(&a);
}

static void one_flow_is_deleted(void **state)
{
    struct world *w = *state;
    struct answer a;

    ask(w, "DELETE", "/api/v1/flows/3-8", "", &a); /* another generation */
    assert_int_equal(a.status, 404);
    web_client_free(&a);
    ask(w, "DELETE", "/api/v1/flows/3-7", "", &a);
    assert_int_equal(a.status, 204);
    assert_int_equal(a.n, 0);
    web_client_free(&a);
    assert_false(w->alive[0][1 * 3]);
    ask(w, "GET", "/api/v1/flows/3-7", "", &a);
    assert_int_equal(a.status, 404);
    web_client_free(&a);
}

/* A page that asks once a second must not connect anew each time. */
static void connections_are_kept(void **state)
{
    struct world *w = *state;
    int fd = web_client_tcp("127.0.0.1", w->port), i;
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

static unsigned count_flows(const struct world *w)
{
    unsigned s, i, n = 0;

    for (s = 0; s < WORLD_SHARDS; s++)
        for (i = 0; i < WORLD_SLOTS; i++)
            n += w->alive[s][i];
    return n;
}

static void many_are_deleted_by_filter(void **state)
{
    struct world *w = *state;
    struct answer a;

    ask(w, "DELETE", "/api/v1/flows", "", &a);
    assert_int_equal(a.status, 422);
    web_client_free(&a);

    ask(w, "DELETE", "/api/v1/flows?proto=udp&dry_run=true", "", &a);
    assert_string_equal(a.body, "{\"dry_run\":true,\"matched\":17}");
    web_client_free(&a);
    assert_int_equal(count_flows(w), 150);

    w->refuse = 2; /* the mailbox is full two times out of three */
    ask(w, "DELETE", "/api/v1/flows?proto=udp", "", &a);
    assert_string_equal(a.body, "{\"dry_run\":false,\"deleted\":17}");
    web_client_free(&a);
    assert_int_equal(count_flows(w), 133);

    ask(w, "DELETE", "/api/v1/flows?all=true", "", &a);
    assert_string_equal(a.body, "{\"dry_run\":false,\"deleted\":133}");
    web_client_free(&a);
    assert_int_equal(w->flushes, 1);
}

/* stop() follows while the deletion waits for room in the mailbox. */
static void a_sleeping_deletion_does_not_hold_up_the_stop(void **state)
{
    struct world *w = *state;
    int fd = web_client_tcp("127.0.0.1", w->port);
    static const char ask_it[] = "DELETE /api/v1/flows?proto=tcp HTTP/1.1\r\n"
                                 "Host: localhost\r\n\r\n";
    struct answer a;

    w->refuse = 1u << 30;
    assert_int_equal(write(fd, ask_it, sizeof(ask_it) - 1), sizeof(ask_it) - 1);
    ask(w, "HEAD", "/api/v1/flows", "Accept: application/x-ndjson\r\n", &a);
    assert_int_equal(a.status, 200);
    assert_int_equal(a.n, 0);
    web_client_free(&a);
    while (w->refused == 0)
        usleep(1000);
    assert_int_equal(count_flows(w), 150);
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

static void metrics_are_well_formed(void **state)
{
    struct answer a;
    char *line, *rest, family[128] = "";

    ask(*state, "GET", "/metrics", "", &a);
    assert_int_equal(a.status, 200);
    assert_non_null(strstr(a.head, "text/plain; version=0.0.4"));
    assert_non_null(
        strstr(a.body, "\nweir_dropped_packets_total{reason=\"ttl\"} 7\n"));
    assert_non_null(strstr(
        a.body, "\nweir_invalid_packets_total{reason=\"tcp_window\"} 0\n"));
    assert_non_null(strstr(a.body, "weir_flows 150\n"));
    assert_non_null(
        strstr(a.body, "\nweir_queue_held_packets{queue=\"7\"} 2\n"));
    assert_non_null(
        strstr(a.body,
               "\nweir_queue_packets_total{queue=\"7\",what=\"verdict\"} 5\n"));
    for (line = strtok_r(a.body, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest)) {
        char name[128];

        if (strncmp(line, "# HELP ", 7) == 0)
            continue;
        if (sscanf(line, "# TYPE %127s", name) == 1) {
            (void)snprintf(family, sizeof(family), "%s", name);
            continue;
        }
        assert_int_equal(sscanf(line, "%127[a-z0-9_]", name), 1);
        assert_string_equal(name, family); /* no sample without its family */
        assert_true(strspn(strrchr(line, ' ') + 1, "0123456789.") ==
                    strlen(strrchr(line, ' ') + 1));
    }
    web_client_free(&a);
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
    static const char *const files[] = {"/", "/page.css", "/page.js"};
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
    struct web_config c = {
        .socket = w->socket, .version = "0", .source = &w->source};
    struct answer a;
    struct stat st;
    struct web *other;
    char err[256];
    uv_loop_t loop;

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

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        T(flow_has_the_contract_s_shape),
        T(flow_shows_what_few_have),
        T(the_longest_flow_is_listed),
        T(pages_show_each_flow_once),
        T(expectations_have_their_shape),
        T(filters_choose),
        T(faults_in_the_query_are_named),
        T(stream_gives_all_one_a_line),
        T(one_flow_is_deleted),
        T(connections_are_kept),
        T(many_are_deleted_by_filter),
        T(a_sleeping_deletion_does_not_hold_up_the_stop),
        T(stats_have_every_row_of_the_lists),
        T(rules_with_hostile_comments_stay_json),
        T(rules_as_they_were_configured),
        T(queues_and_who_listens),
        T(metrics_are_well_formed),
        T(health_says_why),
        T(description_names_every_call),
        T(page_is_served_with_its_files),
        T(socket_is_private_and_replaced_only_when_dead),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
