/* crowd.c - a client with many connections: the others are served
 *
 * What clients send is put into the kernel while the loop stands still (a job
 * on its thread), so that the server meets it all in one turn. */
#include "web_rig.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <web/listen.h>

#include "server_state.h"

#define REQUEST(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"

enum { PIPELINED = 12000 /* bytes of requests, sent in one piece */ };

static char *pieces(const char *request)
{
    static char text[PIPELINED + 1];
    size_t n = strlen(request);

    text[0] = '\0';
    for (size_t at = 0; at + n <= PIPELINED; at += n)
        memcpy(text + at, request, n + 1);
    return text;
}

/* ---- the work of one turn ---- */

static struct {
    uv_prepare_t turn;
    unsigned asked, before, most; /* health checks: ever, in one turn */
    unsigned when;                /* how many there were when a rule was read */
} work;

static void on_turn(uv_prepare_t *turn)
{
    (void)turn;
    if (work.asked - work.before > work.most)
        work.most = work.asked - work.before;
    work.before = work.asked;
}

static bool is_ready(void *ctx, const char **why)
{
    (void)ctx;
    *why = "";
    work.asked++;
    return true;
}

static const struct ct_rule rule;

static void read_rule(void *ctx, uint32_t i, struct web_rule *out)
{
    (void)ctx;
    (void)i;
    work.when = work.asked;
    *out = (struct web_rule){.rule = &rule, .text = "{}"};
}

enum { FLOOD = 40 };

struct flood {
    struct world *w;
    int fd[FLOOD], other;
    unsigned requests;
};

static void begin_flood(void *arg)
{
    static const char readyz[] = REQUEST("/readyz");
    struct flood *f = arg;
    const char *text = pieces(readyz);

    memset(&work, 0, sizeof(work));
    f->w->health.ready = is_ready;
    f->w->rules.read = read_rule;
    (void)uv_prepare_init(&f->w->loop, &work.turn);
    (void)uv_prepare_start(&work.turn, on_turn);
    for (unsigned i = 0; i < FLOOD; i++) {
        f->fd[i] = web_client_tcp("127.0.0.1", f->w->port);
        assert_int_equal(send(f->fd[i], text, strlen(text), MSG_NOSIGNAL),
                         strlen(text));
        f->requests += (unsigned)(strlen(text) / (sizeof(readyz) - 1));
    }
    f->other = web_client_tcp("127.0.0.1", f->w->port);
    assert_true(send(f->other, REQUEST("/api/v1/rules"),
                     sizeof(REQUEST("/api/v1/rules")) - 1, MSG_NOSIGNAL) > 0);
}

static void end_flood(void *arg)
{
    (void)arg;
    uv_close((uv_handle_t *)&work.turn, NULL);
}

/* However many requests one connection has in the kernel. */
static void a_turn_answers_a_bounded_number_of_health_checks(void **state)
{
    struct flood f = {.w = *state};
    char text[4096];

    web_world_do(f.w, begin_flood, &f);
    web_client_read(f.other, text, sizeof(text), 60000, "\"rules\"");
    assert_non_null(strstr(text, " 200 OK"));
    web_world_do(f.w, end_flood, NULL);
    if (work.most > SERVER_REQUESTS)
        fail_msg("%u health checks were answered in one turn", work.most);
    if (work.when >= f.requests)
        fail_msg("another request waits for all %u of them", f.requests);
    for (unsigned i = 0; i < FLOOD; i++)
        (void)close(f.fd[i]);
    (void)close(f.other);
}

/* ---- places ---- */

enum { CROWD = 280, WAVE = 40, PROBES = 5 };

struct crowd {
    struct world *w;
    const char *from, *own;
    const char *send; /* by each of the crowd */
    int fd[CROWD + PROBES * WAVE], probe;
    unsigned n;
};

static void come(struct crowd *c, unsigned n)
{
    while (n-- > 0) {
        int fd = web_client_tcp(c->from, c->w->port);

        assert_true(fd >= 0);
        (void)send(fd, c->send, strlen(c->send), MSG_NOSIGNAL | MSG_DONTWAIT);
        c->fd[c->n++] = fd;
    }
}

static void wave(void *arg)
{
    come(arg, WAVE);
}

static void nothing(void *arg)
{
    (void)arg;
}

static void let_it_turn(struct world *w)
{
    for (unsigned i = 0; i < 8; i++)
        web_world_do(w, nothing, NULL);
}

static void fill(struct crowd *c)
{
    for (unsigned i = 0; i < CROWD / WAVE; i++) {
        web_world_do(c->w, wave, c);
        let_it_turn(c->w);
    }
}

static void leave(struct crowd *c)
{
    while (c->n > 0)
        (void)close(c->fd[--c->n]);
}

/* A client asks, with a crowd at its heels. */
static void probe(void *arg)
{
    static const char livez[] = REQUEST("/livez");
    struct crowd *c = arg;

    c->probe = web_client_tcp(c->own, c->w->port);
    assert_int_equal(send(c->probe, livez, sizeof(livez) - 1, MSG_NOSIGNAL),
                     sizeof(livez) - 1);
    come(c, WAVE);
}

static void expect(int fd, const char *want, const char *what)
{
    char text[2048];

    (void)web_client_read(fd, text, sizeof(text), 20000, want);
    if (!strstr(text, want))
        fail_msg("%s: no answer but \"%s\"", what, text);
}

static void health_is_answered_in_a_crowd(struct crowd *c)
{
    fill(c);
    for (unsigned i = 0; i < PROBES; i++) {
        web_world_do(c->w, probe, c);
        expect(c->probe, "alive\"}", c->own);
        (void)close(c->probe);
        let_it_turn(c->w);
    }
    leave(c);
}

/* As behind a published port of Docker: all look alike. */
static void a_crowd_of_one_address_locks_out_none_of_it(void **state)
{
    struct crowd c = {.w = *state, .from = "127.0.0.1", .own = "127.0.0.1"};

    c.send = pieces(REQUEST("/api/v1/stats"));
    health_is_answered_in_a_crowd(&c);
    c.send = pieces(REQUEST("/livez"));
    health_is_answered_in_a_crowd(&c);
    c.send = "";
    health_is_answered_in_a_crowd(&c);
}

/* One that idles, of another address, is not closed for their sake. */
static void a_crowd_takes_no_place_of_another_address(void **state)
{
    static const char stats[] = REQUEST("/api/v1/stats");
    struct crowd c = {.w = *state, .from = "127.0.0.7", .own = "127.0.0.2"};
    int idle = web_client_tcp(c.own, c.w->port);

    c.send = pieces(stats);
    health_is_answered_in_a_crowd(&c);
    fill(&c);
    assert_int_equal(send(idle, stats, sizeof(stats) - 1, MSG_NOSIGNAL),
                     sizeof(stats) - 1);
    expect(idle, " 200 OK", "an idle client");
    leave(&c);
    (void)close(idle);
}

/* ---- answers that take many turns ---- */

static uint32_t many(void *ctx)
{
    (void)ctx;
    return 1u << 22;
}

static bool read_nothing(void *ctx, uint32_t shard, uint32_t slot,
                         struct ct_view *out)
{
    (void)ctx;
    (void)shard;
    (void)slot;
    (void)out;
    return false;
}

/* More of them than answers may be in progress, all of one address. */
static void long_answers_don_t_stop_short_ones(void **state)
{
    struct crowd c = {.w = *state, .from = "127.0.0.1"};
    struct answer a;

    c.w->flows.slots = many;
    c.w->flows.read = read_nothing;
    c.send = "GET /api/v1/flows?proto=tcp HTTP/1.1\r\nHost: localhost\r\n"
             "Accept: application/x-ndjson\r\n\r\n";
    fill(&c);
    for (unsigned i = 0; i < PROBES; i++) {
        web_world_do(c.w, wave, &c);
        web_client_ask(web_client_tcp("127.0.0.1", c.w->port), "GET",
                       "/api/v1/stats", "", &a);
        assert_int_equal(a.status, 200);
        web_client_free(&a);
    }
    leave(&c);
}

/* ---- long answers that wait ---- */

static struct {
    uint64_t (*stat)(void *ctx, uint32_t shard, enum ct_stat s);
    unsigned lists, when; /* begun or measured; how many at the short one */
    bool seen;
} lists;

static void count_list(void *ctx, uint32_t i, struct web_rule *out)
{
    (void)ctx;
    lists.lists += i == 0;
    *out = (struct web_rule){.rule = &rule, .text = "{}"};
}

static uint64_t see_short(void *ctx, uint32_t shard, enum ct_stat s)
{
    lists.when = lists.seen ? lists.when : lists.lists;
    lists.seen = true;
    return lists.stat(ctx, shard, s);
}

enum { LONG = 250 };

struct queue {
    struct world *w;
    int fd[LONG], other;
};

static void ask_all(void *arg)
{
    static const char all[] = REQUEST("/api/v1/rules"),
                      one[] = REQUEST("/api/v1/stats");
    struct queue *q = arg;

    for (unsigned i = 0; i < LONG; i++) {
        q->fd[i] = web_client_tcp("127.0.0.1", q->w->port);
        assert_true(send(q->fd[i], all, sizeof(all) - 1, MSG_NOSIGNAL) > 0);
    }
    q->other = web_client_tcp("127.0.0.1", q->w->port);
    assert_true(send(q->other, one, sizeof(one) - 1, MSG_NOSIGNAL) > 0);
}

/* A list of all rules takes long where there are many. */
static void a_short_answer_waits_for_few_long_ones(void **state)
{
    struct queue q = {.w = *state};

    lists.stat = q.w->stats.stat;
    q.w->stats.stat = see_short;
    q.w->rules.read = count_list;
    web_world_do(q.w, ask_all, &q);
    expect(q.other, " 200 OK", "a short answer");
    if (lists.when > LONG) /* each is measured first: half of them */
        fail_msg("it waits for %u long ones", lists.when / 2);
    for (unsigned i = 0; i < LONG; i++)
        (void)close(q.fd[i]);
    (void)close(q.other);
}

/* ---- answers that are not read ---- */

enum { RULE = 4 << 20, UNREAD = 40 };

static char large[RULE + 3];

static void read_large(void *ctx, uint32_t i, struct web_rule *out)
{
    (void)ctx;
    (void)i;
    *out = (struct web_rule){.rule = &rule, .text = large};
}

static void is_answered(int fd, const char *path)
{
    struct answer a;

    web_client_ask(fd, "GET", path, "", &a);
    assert_int_equal(a.status, 200);
    web_client_free(&a);
}

static void unread_answers_lock_out_no_other(void **state)
{
    static const char rules[] = REQUEST("/api/v1/rules");
    struct world *w = *state;
    int fd[UNREAD], small = 4096;

    memset(large, 'x', RULE + 2);
    large[0] = large[RULE + 1] = '"';
    w->rules.read = read_large;
    for (unsigned i = 0; i < UNREAD; i++) {
        fd[i] = web_client_tcp("127.0.0.1", w->port);
        (void)setsockopt(fd[i], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
        assert_true(send(fd[i], rules, sizeof(rules) - 1, MSG_NOSIGNAL) > 0);
    }
    /* Queued behind all of those. */
    is_answered(web_client_tcp("127.0.0.1", w->port), "/api/v1/stats");
    is_answered(web_client_tcp("127.0.0.2", w->port), "/api/v1/stats");
    is_answered(web_client_unix(w->socket), "/api/v1/stats");
    for (unsigned i = 0; i < UNREAD; i++)
        (void)close(fd[i]);
}

/* Unread answers over TCP don't count against it. */
static void the_unix_socket_has_its_own_memory(void **state)
{
    static const char rules[] = REQUEST("/api/v1/rules");
    struct world *w = *state;
    int fd[UNREAD / 2], small = 4096;
    char text[256];

    memset(large, 'x', RULE + 2);
    large[0] = large[RULE + 1] = '"';
    w->rules.read = read_large;
    for (unsigned i = 0; i < UNREAD / 2; i++) {
        fd[i] = web_client_tcp("127.0.0.1", w->port);
        (void)setsockopt(fd[i], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
        assert_true(send(fd[i], rules, sizeof(rules) - 1, MSG_NOSIGNAL) > 0);
        if (i < 15) /* in memory, all of them */
            web_client_read(fd[i], text, 16, 20000, "HTTP/1.1 200 O");
    }
    is_answered(web_client_unix(w->socket), "/api/v1/stats");
    for (unsigned i = 0; i < UNREAD / 2; i++)
        (void)close(fd[i]);
}

/* ---- the kernel's queue ---- */

enum { BURST = 400 };

static void burst(void *arg)
{
    struct world *w = arg;
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd[BURST];

    memcpy(a.sun_path, w->socket, sizeof(w->socket));
    for (unsigned i = 0; i < BURST; i++) {
        fd[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (connect(fd[i], (struct sockaddr *)&a, sizeof(a)) != 0)
            fail_msg("client %u finds the queue full", i);
    }
    for (unsigned i = 0; i < BURST; i++)
        (void)close(fd[i]);
}

static void a_burst_of_clients_finds_room_in_the_queue(void **state)
{
    struct tcp_info info; /* of a socket that listens: sacked = its most */
    socklen_t len = sizeof(info);
    unsigned most = 0;
    char err[256];
    FILE *f = fopen("/proc/sys/net/core/somaxconn", "r");
    uint16_t port;
    int fd = listen_tcp("127.0.0.1", 0, &port, err);

    web_world_do(*state, burst, *state);
    assert_true(fd >= 0);
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
    if (f && fscanf(f, "%u", &most) == 1 && most < SOMAXCONN)
        assert_int_equal(info.tcpi_sacked, most);
    else
        assert_int_equal(info.tcpi_sacked, SOMAXCONN);
    if (f)
        (void)fclose(f);
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WEB_TEST(a_turn_answers_a_bounded_number_of_health_checks),
        WEB_TEST(a_crowd_of_one_address_locks_out_none_of_it),
        WEB_TEST(a_crowd_takes_no_place_of_another_address),
        WEB_TEST(long_answers_don_t_stop_short_ones),
        WEB_TEST(a_short_answer_waits_for_few_long_ones),
        WEB_TEST(unread_answers_lock_out_no_other),
        WEB_TEST(the_unix_socket_has_its_own_memory),
        WEB_TEST(a_burst_of_clients_finds_room_in_the_queue),
    };

    web_client_descriptors(4096);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
