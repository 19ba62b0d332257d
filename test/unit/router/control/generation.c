/* generation.c - configurations that follow each other
 *
 * Workers here have no devices: what they take over, they take over in the same
 * way. */
#include "control/generation.h"

#include "config_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const uint8_t key[16] = {1, 2, 3};

static struct config *config(const char *rules)
{
    struct config *c = NULL;
    struct told told;
    char text[2048];

    snprintf(text, sizeof text,
             "{" IFACES "\"workers\": 2, \"rules\": {\"forward\": [%s]}}",
             rules);
    if (parse(text, &c, &told) != 0)
        fail_msg("%s: %s", told.pointer, told.message);
    return c;
}

static struct generation *next(struct generation *older, const char *rules)
{
    struct generation *g = generation_new(config(rules), older, key);

    assert_non_null(g);
    generation_show_counts(g);
    return g;
}

/* As its worker would have done. */
static void count(struct generation *g, unsigned worker, uint32_t rule,
                  uint64_t packets)
{
    g->setup[worker].counts[rule].packets += packets;
    g->setup[worker].counts[rule].bytes += packets * 100;
}

static void expect(const struct generation *g, unsigned worker, uint32_t rule,
                   const char *id, uint64_t packets)
{
    const struct ct_rule_count *n = &g->setup[worker].counts[rule];

    assert_string_equal(g->config->rules.rules[rule].id, id);
    assert_int_equal(__atomic_load_n(&n->packets, __ATOMIC_RELAXED), packets);
    assert_int_equal(__atomic_load_n(&n->bytes, __ATOMIC_RELAXED),
                     packets * 100);
}

#define A "{\"id\": \"a\", \"proto\": \"tcp\", \"verdict\": \"accept\"}"
#define B "{\"id\": \"b\", \"proto\": \"udp\", \"verdict\": \"accept\"}"
#define C "{\"id\": \"c\", \"proto\": \"icmp\", \"verdict\": \"drop\"}"

/* Rules move, come and go; each worker's counts go with the id. */
static void counts_follow_the_id(void **state)
{
    struct generation *g = next(NULL, A ", " B);

    (void)state;
    expect(g, 0, 0, "a", 0);
    count(g, 0, 0, 7);
    count(g, 1, 0, 8);
    count(g, 1, 1, 9);
    g = next(g, C ", " B ", " A);
    expect(g, 0, 0, "c", 0);
    expect(g, 1, 0, "c", 0);
    expect(g, 0, 1, "b", 0);
    expect(g, 1, 1, "b", 9);
    expect(g, 0, 2, "a", 7);
    expect(g, 1, 2, "a", 8);
    /* two reloads before anybody has taken the first */
    g = next(g, A);
    expect(g, 1, 0, "a", 8);
    g = next(g, A ", " B);
    expect(g, 1, 0, "a", 8);
    expect(g, 1, 1, "b", 0); /* it was gone in between */
    generation_free(g);
}

/* A rule without an id is known by what it says. */
static void a_rule_without_an_id_is_known_by_its_words(void **state)
{
    struct generation *g = next(NULL, "{\"proto\": \"tcp\", \"dport\": 80}, "
                                      "{\"proto\": \"udp\", \"dport\": 53}");

    (void)state;
    count(g, 0, 0, 3);
    count(g, 0, 1, 4);
    g = next(g, "{\"proto\": \"udp\", \"dport\": 53}, "
                "{\"proto\": \"tcp\", \"dport\": 81}");
    assert_int_equal(g->setup[0].counts[0].packets, 4);
    assert_int_equal(g->setup[0].counts[1].packets, 0);
    generation_free(g);
}

static void no_rules_before_or_after(void **state)
{
    struct generation *g = next(NULL, "");

    (void)state;
    g = next(g, A);
    expect(g, 0, 0, "a", 0);
    g = next(g, "");
    generation_free(g);
}

static struct worker *start(struct generation *g, uv_async_t *control)
{
    struct worker_config c = {.n_workers = 1, .control = control};
    struct worker *w;
    char err[256];

    c.ct = (struct ct_config){.max = 16, .n_shards = 1};
    ct_params_default(&c.ct.params, CT_PROFILE_LINUX);
    w = worker_new(&c, err);
    if (w == NULL)
        fail_msg("%s", err);
    worker_link(w, (struct worker *[]){w});
    assert_int_equal(worker_start(w, &g->setup[0]), 0);
    return w;
}

/* What was counted between the reload and its arrival is not lost. */
static void the_last_counts_are_carried_by_the_worker(void **state)
{
    struct generation *one = next(NULL, A ", " B), *two;
    uv_async_t control;
    uv_loop_t loop;
    struct worker *w;

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(uv_async_init(&loop, &control, NULL), 0);
    count(one, 0, 0, 5);
    two = next(one, B ", " A);
    expect(two, 0, 1, "a", 5);
    count(one, 0, 0, 1); /* still in use */
    count(one, 0, 1, 2);
    w = start(one, &control);
    worker_use(w, &two->setup[0]);
    for (int i = 0; i < 5000 && worker_taken(w) < 2; i++)
        uv_sleep(1);
    assert_int_equal(worker_taken(w), 2);
    generation_free(generation_settle(two)); /* one is gone now */
    expect(two, 0, 0, "b", 2);
    expect(two, 0, 1, "a", 6);
    worker_stop(w);
    worker_free(w);
    uv_close((uv_handle_t *)&control, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    generation_free(two);
}

static struct config *with_queues(const char *list, const char *socket)
{
    struct config *c = NULL;
    struct told told;
    char text[2048];

    snprintf(text, sizeof text,
             "{" IFACES "\"queues\": {\"socket\": \"%s\", \"list\": [%s]}}",
             socket, list);
    if (parse(text, &c, &told) != 0)
        fail_msg("%s: %s", told.pointer, told.message);
    return c;
}

/* How a queue fails may change; what has memory from the start may not. */
static void queues_that_may_change(void **state)
{
    struct config *now = with_queues("{\"number\": 1, \"max\": 5}", "/a");
    struct config *next = with_queues("{\"number\": 1, \"max\": 5, \"bypass\": "
                                      "true, \"timeout_ms\": 77}",
                                      "/b");

    (void)state;
    assert_true(generation_freeze(now, next));
    assert_true(next->queue[0].bypass);
    assert_int_equal(next->queue[0].timeout_ms, 77);
    assert_string_equal(next->queue_socket, "/a");
    config_load_free(next);

    next = with_queues("{\"number\": 1, \"max\": 6, \"bypass\": true}", "/a");
    assert_true(generation_freeze(now, next));
    assert_int_equal(next->queue[0].max, 5);
    assert_false(next->queue[0].bypass);
    config_load_free(next);

    next = with_queues("{\"number\": 1, \"max\": 5}, {\"number\": 2}", "/a");
    assert_true(generation_freeze(now, next));
    assert_int_equal(next->n_queues, 1);
    config_load_free(next);
    config_load_free(now);
}

static struct config *with_rooms(const char *tunables)
{
    struct config *c = NULL;
    struct told told;
    char text[1024];

    snprintf(text, sizeof text, "{" IFACES "\"conntrack\": {%s}}", tunables);
    if (parse(text, &c, &told) != 0)
        fail_msg("%s: %s", told.pointer, told.message);
    return c;
}

/* Sizes and switches change up to what was there at the start, down and up
 * again; beyond that the start's stays. */
static void sizes_change_up_to_the_starts(void **state)
{
    static const struct {
        const char *reload;
        uint32_t max, extensions, expect_max;
        bool acct, timestamp;
    } rows[] = {
        {"\"max\": 4096, \"acct\": false, \"extensions\": 8, \"expect_max\": 7",
         4096, 8, 7, false, false},
        {"\"max\": 65536, \"extensions\": 128, \"expect_max\": 9999", 8192, 64,
         1024, true, false},
        {"\"max\": 8192, \"extensions\": 64, \"timestamp\": false", 8192, 64,
         1024, true, false},
    };
    struct config *now =
        with_rooms("\"max\": 8192, \"extensions\": 64, \"timestamp\": false");

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct config *next = with_rooms(rows[i].reload);

        assert_true(generation_freeze(now, next));
        assert_int_equal(next->core.max, rows[i].max);
        assert_int_equal(next->core.params.v[CT_PARAM_extensions],
                         rows[i].extensions);
        assert_int_equal(next->core.params.v[CT_PARAM_expect_max],
                         rows[i].expect_max);
        assert_int_equal(next->core.acct, rows[i].acct);
        assert_int_equal(next->core.timestamp, rows[i].timestamp);
        assert_int_equal(next->core.buckets, now->core.buckets);
        config_load_free(now);
        now = next;
    }
    config_load_free(now);
}

/* What no memory was made for at the start can't be turned on. */
static void switches_off_at_the_start_stay_off(void **state)
{
    struct config *now = with_rooms("\"acct\": false, \"timestamp\": false");
    struct config *next = with_rooms("\"acct\": true, \"timestamp\": true");

    (void)state;
    assert_true(generation_freeze(now, next));
    assert_false(next->core.acct);
    assert_false(next->core.timestamp);
    config_load_free(now);
    config_load_free(next);
}

/* What counts from the start may change and rest; what does not can't begin. */
static void rooms_are_made_at_start(void **state)
{
    static const struct {
        const char *reload;
        uint32_t quarantine, share;
    } rows[] = {
        {"\"port_quarantine\": 9, \"source_share\": 4", 9, 0},
        {"\"port_quarantine\": 0, \"source_share\": 0", 0, 0},
        {"\"port_quarantine\": 7, \"source_share\": 8", 7, 0},
    };
    struct config *now = with_rooms("\"port_quarantine\": 60");

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct config *next = with_rooms(rows[i].reload);

        assert_true(generation_freeze(now, next));
        assert_int_equal(next->core.params.v[CT_PARAM_port_quarantine],
                         rows[i].quarantine);
        assert_int_equal(next->core.params.v[CT_PARAM_source_share],
                         rows[i].share);
        config_load_free(now);
        now = next;
    }
    config_load_free(now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_follow_the_id),
        cmocka_unit_test(a_rule_without_an_id_is_known_by_its_words),
        cmocka_unit_test(no_rules_before_or_after),
        cmocka_unit_test(queues_that_may_change),
        cmocka_unit_test(sizes_change_up_to_the_starts),
        cmocka_unit_test(rooms_are_made_at_start),
        cmocka_unit_test(switches_off_at_the_start_stay_off),
        cmocka_unit_test(the_last_counts_are_carried_by_the_worker),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
