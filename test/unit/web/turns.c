/* turns.c - no client keeps the loop: turns and work are counted
 *
 * The same loop has the log, the events and the devices to see to.  A timer of
 * 0 ms is no turn: libuv before 1.45 runs it again at once. */
#include "http/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "web_client.h"
#include "web_world.h"

enum { SLOTS = 1 << 20, LIVE_TURNS = 20 };

static struct {
    uv_prepare_t turn;
    uint64_t reads, before, most; /* in all, before this turn, in one turn */
} walk;

static void on_turn(uv_prepare_t *turn)
{
    (void)turn;
    if (walk.reads - walk.before > walk.most)
        walk.most = walk.reads - walk.before;
    walk.before = walk.reads;
}

static uint32_t many(void *ctx)
{
    (void)ctx;
    return SLOTS;
}

static bool read_nothing(void *ctx, uint32_t shard, uint32_t slot,
                         struct ct_view *out)
{
    (void)ctx;
    (void)shard;
    (void)slot;
    (void)out;
    walk.reads++;
    return false;
}

static void begin(void *arg)
{
    struct world *w = arg;

    w->flows.slots = many;
    w->flows.read = read_nothing;
    (void)uv_prepare_init(&w->loop, &walk.turn);
    (void)uv_prepare_start(&walk.turn, on_turn);
}

static void begin_again(void *arg)
{
    (void)arg;
    walk.reads = walk.before = walk.most = 0;
}

static void look(void *arg)
{
    (void)arg;
    on_turn(&walk.turn); /* this turn is the last that counts */
}

static void end(void *arg)
{
    (void)arg;
    uv_close((uv_handle_t *)&walk.turn, NULL);
}

static void a_walk_lets_the_loop_turn(void **state)
{
    static const struct {
        const char *method, *path, *more;
    } walks[] = {
        {"GET", "/api/v1/flows", "Accept: application/x-ndjson\r\n"},
        {"DELETE", "/api/v1/flows?proto=udp", ""},
        {"DELETE", "/api/v1/flows?proto=udp&dry_run=true", ""},
    };
    struct world *w = web_world_new(NULL);
    struct answer a;

    (void)state;
    web_world_do(w, begin, w);
    for (unsigned i = 0; i < sizeof walks / sizeof walks[0]; i++) {
        web_world_do(w, begin_again, NULL);
        web_client_ask(web_client_unix(w->socket), walks[i].method,
                       walks[i].path, walks[i].more, &a);
        assert_int_equal(a.status, 200);
        web_client_free(&a);
        web_world_do(w, look, NULL);
        assert_int_equal(walk.reads, (uint64_t)WORLD_SHARDS * SLOTS);
        if (walk.most > PACE_TURN)
            fail_msg("%s %s looks at %lu places in one turn", walks[i].method,
                     walks[i].path, (unsigned long)walk.most);
    }
    web_world_do(w, end, NULL);
    web_world_free(w);
}

/* ---- rules ---- */

enum { RULES = 40000, CHANGED_AT = 3000 };

static uint64_t serial;

static uint32_t many_rules(void *ctx)
{
    (void)ctx;
    return RULES;
}

static uint64_t rules_serial(void *ctx, size_t *text)
{
    (void)ctx;
    *text = (size_t)RULES * 2;
    return serial;
}

/* A reload comes in the middle. */
static void read_rule(void *ctx, uint32_t i, struct web_rule *out)
{
    static const struct ct_rule old = {.id = "old"}, new = {.id = "new"};

    (void)ctx;
    (void)i;
    if (++walk.reads == CHANGED_AT)
        serial++;
    *out = (struct web_rule){.rule = serial == 0 ? &old : &new, .text = "{}"};
}

/* By hand: a sanitizer's strstr() measures the whole text each time. */
static unsigned count(const struct answer *a, const char *word)
{
    size_t len = strlen(word);
    unsigned n = 0;

    for (size_t i = 0; i + len <= a->n; i++)
        n += a->body[i] == '"' && memcmp(a->body + i, word, len) == 0;
    return n;
}

static void a_list_of_rules_lets_the_loop_turn(void **state)
{
    struct world *w = web_world_new(NULL);
    struct answer a;

    (void)state;
    w->rules.n = many_rules;
    w->rules.read = read_rule;
    w->rules.serial = rules_serial;
    web_world_do(w, begin, w);
    web_world_do(w, begin_again, NULL);
    web_client_ask(web_client_unix(w->socket), "GET", "/api/v1/rules", "", &a);
    assert_int_equal(a.status, 200);
    assert_int_equal(count(&a, "\"new\""), RULES);
    assert_int_equal(count(&a, "\"old\""), 0); /* of one configuration */
    web_client_free(&a);
    web_world_do(w, look, NULL);
    if (walk.most > PACE_TURN / PACE_ROW)
        fail_msg("%lu rules in one turn", (unsigned long)walk.most);
    web_world_do(w, end, NULL);
    web_world_free(w);
}

/* ---- health checks under load ---- */

enum { CROWD = 400 };

static const char livez[] = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";

static struct {
    uv_prepare_t turn;
    struct world *w;
    bool local;     /* by the Unix socket */
    int fd;         /* its connection; -1: it has not asked */
    unsigned turns; /* since it asked */
    char answer[16];
    bool done;
} check;

static int reach(void)
{
    return check.local ? web_client_unix(check.w->socket)
                       : web_client_tcp("127.0.0.1", check.w->port);
}

static void on_check(uv_prepare_t *turn)
{
    (void)turn;
    if (check.fd < 0 || check.done)
        return;
    if (recv(check.fd, check.answer, sizeof(check.answer) - 1, MSG_DONTWAIT) >
        0)
        check.done = true;
    else
        check.turns++;
}

/* On the loop's thread: all that it does from here on is counted. */
static void begin_check(void *arg)
{
    (void)arg;
    check.turns = 0;
    check.done = false;
    memset(check.answer, 0, sizeof(check.answer));
    check.fd = reach();
    assert_int_equal(send(check.fd, livez, sizeof(livez) - 1, MSG_NOSIGNAL),
                     sizeof(livez) - 1);
}

static void look_at_check(void *done)
{
    *(bool *)done = check.done;
}

static void end_check(void *arg)
{
    (void)arg;
    (void)close(check.fd);
    check.fd = -1;
}

static void is_alive(const char *attack)
{
    bool done;

    web_world_do(check.w, begin_check, NULL);
    do
        web_world_do(check.w, look_at_check, &done);
    while (!done);
    /* Over TCP the kernel may deliver later on a busy machine, while the loop
     * turns: not counted. */
    if ((check.local && check.turns > LIVE_TURNS) ||
        !strstr(check.answer, " 200 "))
        fail_msg("%s: %s after %u turns", attack, check.answer, check.turns);
    web_world_do(check.w, end_check, NULL);
}

static void attack(const char *name, const char *request, unsigned n)
{
    int fd[CROWD];

    web_world_do(check.w, begin_again, NULL);
    for (unsigned i = 0; i < n; i++) {
        fd[i] = reach();
        (void)send(fd[i], request, strlen(request), MSG_NOSIGNAL);
        if (i % 100 == 99)
            is_alive(name);
    }
    for (unsigned i = 0; i < 10; i++)
        is_alive(name);
    web_world_do(check.w, look, NULL);
    if (walk.most > PACE_TURN)
        fail_msg("%s: %lu places in one turn", name, (unsigned long)walk.most);
    for (unsigned i = 0; i < n; i++)
        (void)close(fd[i]);
    is_alive(name);
}

static void begin_checks(void *arg)
{
    struct world *w = arg;

    check.w = w;
    check.fd = -1;
    (void)uv_prepare_init(&w->loop, &check.turn);
    (void)uv_prepare_start(&check.turn, on_check);
}

static void end_checks(void *arg)
{
    (void)arg;
    uv_close((uv_handle_t *)&check.turn, NULL);
}

static void health_is_answered_under_each_attack(void **state)
{
#define HEAD " HTTP/1.1\r\nHost: localhost\r\n"
    static const struct {
        const char *name, *request;
    } attacks[] = {
        {"idle connections", ""},
        {"half a head", "GET /api/v1/stats HTTP/1.1\r\nX-Slow: a"},
        {"pages of a large table", "GET /api/v1/flows?src=1.2.3.4" HEAD "\r\n"},
        {"dumps that are not read",
         "GET /api/v1/flows" HEAD "Accept: application/x-ndjson\r\n\r\n"},
        {"listeners", "GET /api/v1/events" HEAD "\r\n"},
        {"metrics", "GET /metrics" HEAD "\r\n"},
        {"many requests in one piece",
         "GET /metrics" HEAD "\r\nGET /metrics" HEAD "\r\n"
         "GET /metrics" HEAD "\r\nGET /metrics" HEAD "\r\n"},
        {"malformed heads", "GET / HTTP/1.1\n\n"},
    };
    struct world *w = web_world_new(NULL);

    (void)state;
    web_world_do(w, begin, w);
    web_world_do(w, begin_checks, w);
    for (unsigned i = 0; i < 2 * sizeof(attacks) / sizeof(attacks[0]); i++) {
        check.local = i % 2;
        attack(attacks[i / 2].name, attacks[i / 2].request, CROWD);
    }
    web_world_do(w, end_checks, w);
    web_world_do(w, end, NULL);
    web_world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_walk_lets_the_loop_turn),
        cmocka_unit_test(a_list_of_rules_lets_the_loop_turn),
        cmocka_unit_test(health_is_answered_under_each_attack),
    };

    web_client_descriptors(4096);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
