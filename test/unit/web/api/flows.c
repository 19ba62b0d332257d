/* flows.c - how the API shows flows, finds and ends them */
#include "web_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* A protocol without a tracker has its number alone, as in conntrack(8); the
 * last label is one as all are. */
static void flow_of_no_tracker(void **state)
{
    struct world *w = *state;
    struct ct_view *v = web_world_flow(w, 0, 42, 't');
    struct answer a;

    v->tuple[CT_DIR_ORIGINAL].proto = v->tuple[CT_DIR_REPLY].proto = 2;
    v->labels[1] = UINT64_C(1) << 63;
    ask(w, "GET", "/api/v1/flows/42-7", "", &a);
    assert_non_null(strstr(a.body, "\"protocol\":\"unknown\",\"protonum\":2,"));
    assert_non_null(strstr(a.body, "\"labels\":[127],"));
    web_client_free(&a);
}

static void ids_of_no_flow_are_refused(void **state)
{
    /* No place of any shard, one that is written otherwise, and no id. */
    static const char *const ids[] = {
        "8192-7", "9999999999-7", "042-7", "42-07",        "42",
        "42-",    "-7",           "42-7x", "42-4294967303"};

    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        char path[80];
        struct answer a;

        snprintf(path, sizeof path, "/api/v1/flows/%s", ids[i]);
        ask(*state, "GET", path, "", &a);
        if (a.status != 404 && a.status != 400)
            fail_msg("%s: %d", ids[i], a.status);
        web_client_free(&a);
    }
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
    w->slow = 4;   /* and what was ordered is done later */
    ask(w, "DELETE", "/api/v1/flows?proto=udp", "", &a);
    assert_string_equal(a.body, "{\"dry_run\":false,\"deleted\":17}");
    web_client_free(&a);
    assert_int_equal(count_flows(w), 133);

    ask(w, "DELETE", "/api/v1/flows?all=true", "", &a);
    assert_string_equal(a.body, "{\"dry_run\":false,\"deleted\":133}");
    web_client_free(&a);
    assert_int_equal(w->flushes, 1);
    assert_int_equal(w->tickets, 0);
}

/* It is found, and gone before its owner has read the order. */
static void deleted_counts_what_was_deleted(void **state)
{
    struct world *w = *state;
    struct answer a;

    w->late = true;
    ask(w, "DELETE", "/api/v1/flows/0-7", "", &a);
    assert_int_equal(a.status, 404);
    web_client_free(&a);
    ask(w, "DELETE", "/api/v1/flows?proto=udp", "", &a);
    assert_string_equal(a.body, "{\"dry_run\":false,\"deleted\":0}");
    web_client_free(&a);
    assert_int_equal(w->tickets, 0);
}

/* stop() follows while the deletion waits for room in the mailbox. */
static void a_sleeping_deletion_does_not_hold_up_the_stop(void **state)
{
    struct world *w = *state;
    int fd = web_client_unix(w->socket);
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
    web_world_stop(w);
    (void)close(fd);
}

struct asking {
    struct world *w;
    int fd;
};

/* On the loop's thread: it can't read the request before the stop begins. */
static void ask_and_stop(void *arg)
{
    static const char ask_it[] = "DELETE /api/v1/flows?proto=tcp HTTP/1.1\r\n"
                                 "Host: localhost\r\n\r\n";
    struct asking *a = arg;

    assert_int_equal(write(a->fd, ask_it, sizeof(ask_it) - 1),
                     sizeof(ask_it) - 1);
    web_stop(a->w->web);
    a->w->web = NULL;
}

static void a_deletion_that_comes_with_the_stop_does_no_harm(void **state)
{
    struct asking a = {*state,
                       web_client_unix(((struct world *)*state)->socket)};
    static const char livez[] = "GET /livez HTTP/1.1\r\n"
                                "Host: localhost\r\n\r\n";
    char text[1024];

    a.w->refuse = 1u << 30;
    assert_int_equal(write(a.fd, livez, sizeof(livez) - 1), sizeof(livez) - 1);
    web_client_read(a.fd, text, sizeof(text), 10000, "alive\"}");
    web_world_do(a.w, ask_and_stop, &a);
    (void)close(a.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WEB_TEST(flow_has_the_contract_s_shape),
        WEB_TEST(flow_shows_what_few_have),
        WEB_TEST(flow_of_no_tracker),
        WEB_TEST(ids_of_no_flow_are_refused),
        WEB_TEST(the_longest_flow_is_listed),
        WEB_TEST(pages_show_each_flow_once),
        WEB_TEST(expectations_have_their_shape),
        WEB_TEST(filters_choose),
        WEB_TEST(faults_in_the_query_are_named),
        WEB_TEST(stream_gives_all_one_a_line),
        WEB_TEST(one_flow_is_deleted),
        WEB_TEST(many_are_deleted_by_filter),
        WEB_TEST(deleted_counts_what_was_deleted),
        WEB_TEST(a_sleeping_deletion_does_not_hold_up_the_stop),
        WEB_TEST(a_deletion_that_comes_with_the_stop_does_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
