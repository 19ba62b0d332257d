/* reload.c - reloads as control makes them, of workers that may lag
 *
 * The workers run, without devices.  One that lags stands in a signal handler,
 * as one does that the kernel gives no time. */
#include "control/private.h"

#include "config_rig.h"
#include "control/hostnet.h"
#include "control/reload.h"
#include "control/totals.h"
#include "worker/private.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

enum { N_WORKERS = 2, LAGS = 1, MOST_WAITING = 8, RELOADS = 200 };
enum { ROWS_A_FORWARD = 2 }; /* an own address each */

static int stands[2], goes[2]; /* pipes of the worker that lags */

static struct router {
    struct control c;
    char path[32];
} r;

static const char *tunables = ""; /* and a comma */

/* ---- the router ---- */

static void write_rules(unsigned n)
{
    FILE *f = fopen(r.path, "w");

    assert_non_null(f);
    fprintf(f,
            "{" IFACES "\"workers\": %d, \"seed\": 1, "
            "\"conntrack\": {%s\"max\": 1024, \"buckets\": 1024}, "
            "\"rules\": {\"forward\": [{\"proto\": \"udp\", "
            "\"connlimit\": \"over 5\", \"verdict\": \"drop\"}], "
            "\"prerouting\": [",
            N_WORKERS, tunables);
    for (unsigned i = 0; i < n; i++)
        fprintf(f,
                "%s{\"in\": \"wan\", \"proto\": \"udp\", \"dport\": %u, "
                "\"dnat\": \"10.0.1.%u\"}",
                i > 0 ? "," : "", 1000 + i, 2 + i);
    fputs("]}}", f);
    fclose(f);
}

static void on_wake(uv_async_t *wake)
{
    reload_settle(wake->data);
}

static void make_worker(unsigned i)
{
    struct worker_config w = {
        .index = i, .n_workers = N_WORKERS, .control = &r.c.wake};
    char err[256];

    w.ct = (struct ct_config){
        .max = 512, .buckets = 512, .shard = i, .n_shards = N_WORKERS};
    w.ct.params = r.c.now->config->core.params;
    r.c.worker[i] = worker_new(&w, err);
    if (r.c.worker[i] == NULL)
        fail_msg("%s", err);
}

static void start(unsigned rules)
{
    struct config *config = NULL;
    int fd;

    memset(&r, 0, sizeof r);
    snprintf(r.path, sizeof r.path, "/tmp/weir-reload-XXXXXX");
    fd = mkstemp(r.path);
    assert_true(fd >= 0);
    close(fd);
    write_rules(rules);
    assert_int_equal(config_load(r.path, NULL, &config, stderr), 0);
    r.c.path = r.path;
    r.c.now = generation_new(config, NULL, r.c.steer_key);
    assert_non_null(r.c.now);
    assert_int_equal(uv_loop_init(&r.c.loop), 0);
    assert_int_equal(uv_async_init(&r.c.loop, &r.c.wake, on_wake), 0);
    r.c.wake.data = &r.c;
    for (unsigned i = 0; i < N_WORKERS; i++)
        make_worker(i);
    r.c.n_workers = N_WORKERS;
    for (unsigned i = 0; i < N_WORKERS; i++)
        worker_link(r.c.worker[i], r.c.worker);
    for (unsigned i = 0; i < N_WORKERS; i++)
        assert_int_equal(worker_start(r.c.worker[i], &r.c.now->setup[i]), 0);
    assert_int_equal(reload_start(&r.c, hostnet_loaded), 0);
}

/* What SIGHUP does, until the thread that loads has done it. */
static void reload(void)
{
    reload_file(&r.c);
    while (reload_busy(&r.c))
        uv_run(&r.c.loop, UV_RUN_ONCE);
}

static void stop(void)
{
    reload_stop(&r.c);
    for (unsigned i = 0; i < N_WORKERS; i++)
        worker_stop(r.c.worker[i]);
    for (unsigned i = 0; i < N_WORKERS; i++)
        worker_free(r.c.worker[i]);
    uv_close((uv_handle_t *)&r.c.wake, NULL);
    uv_run(&r.c.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&r.c.loop), 0);
    generation_free(r.c.now);
    unlink(r.path);
}

/* Or the test times out. */
static void settle(void)
{
    while (r.c.now->older != NULL || r.c.reload.file_again || reload_busy(&r.c))
        uv_run(&r.c.loop, UV_RUN_ONCE);
}

static unsigned n_older(void)
{
    unsigned n = 0;

    for (const struct generation *g = r.c.now->older; g != NULL; g = g->older)
        n++;
    return n;
}

/* ---- a worker that lags ---- */

static void stand(int number)
{
    char byte = 1;

    (void)number;
    if (write(stands[1], &byte, 1) != 1 || read(goes[0], &byte, 1) != 1)
        abort();
}

static void lag(void)
{
    char byte;

    assert_int_equal(pipe(stands), 0);
    assert_int_equal(pipe(goes), 0);
    signal(SIGUSR1, stand);
    assert_int_equal(pthread_kill(r.c.worker[LAGS]->thread, SIGUSR1), 0);
    assert_int_equal(read(stands[0], &byte, 1), 1);
}

static void go_on(void)
{
    assert_int_equal(write(goes[1], "", 1), 1);
}

static void close_pipes(void)
{
    for (unsigned i = 0; i < 2; i++) {
        close(stands[i]);
        close(goes[i]);
    }
}

/* ---- tests ---- */

/* Control goes on at once, and the worker gets it all the same. */
static void a_full_mailbox_holds_up_no_reload(void **state)
{
    (void)state;
    start(1);
    lag();
    while (worker_delete(r.c.worker[LAGS], 0, 1, 1))
        ;
    write_rules(2);
    reload();
    assert_int_equal(r.c.now->config->rules.n, 1 + 2);
    assert_int_equal(worker_taken(r.c.worker[LAGS]), 1);
    go_on();
    settle();
    for (unsigned i = 0; i < N_WORKERS; i++)
        assert_int_equal(worker_taken(r.c.worker[i]), 2);
    stop();
    close_pipes();
}

/* What a packet may ask of older steerings, and what they hold, is bounded;
 * the last file is the one that counts. */
static void reloads_that_pile_up_wait(void **state)
{
    (void)state;
    start(1);
    lag();
    for (unsigned i = 0; i < 40; i++) {
        write_rules(2 + i);
        reload();
        assert_in_range(n_older(), 1, MOST_WAITING);
    }
    assert_true(r.c.reload.file_again);
    go_on();
    settle();
    assert_int_equal(r.c.now->config->rules.n, 1 + 41);
    for (unsigned i = 0; i < N_WORKERS; i++)
        assert_int_equal(worker_taken(r.c.worker[i]), r.c.now->serial);
    stop();
    close_pipes();
}

/* Bytes that are in use; 0 where no sanitizer counts them. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t in_use(void)
{
    return __sanitizer_get_current_allocated_bytes != NULL
               ? __sanitizer_get_current_allocated_bytes()
               : 0;
}

/* Two files in turn: behind 200 of them a worker's longest call, the rows and
 * the memory are those behind the first four. */
static void two_hundred_reloads_leave_nothing_behind(void **state)
{
    uint64_t steps = 0;
    size_t bytes = 0;

    (void)state;
    start(3);
    for (unsigned i = 0; i < RELOADS; i++) {
        write_rules(i % 2 == 0 ? 50 : 3);
        reload();
        settle();
        assert_int_equal(r.c.now->steer->view.n,
                         ROWS_A_FORWARD * (i % 2 == 0 ? 50 : 3));
        assert_null(r.c.now->steer->view.before);
        if (i == 3) {
            steps =
                totals_stat(r.c.worker, r.c.n_workers, CT_STAT_work_call_max);
            bytes = in_use();
        }
    }
    assert_int_equal(
        totals_stat(r.c.worker, r.c.n_workers, CT_STAT_work_call_max), steps);
    assert_in_range(in_use(), 0, bytes + 1024);
    stop();
}

/* What a load has made is not put in force any more, and what is stays whole
 * until it is freed. */
static void an_end_waits_for_a_load(void **state)
{
    (void)state;
    start(1);
    while (reload_busy(&r.c)) /* its thread begins */
        uv_run(&r.c.loop, UV_RUN_ONCE);
    write_rules(50);
    reload_file(&r.c);
    assert_true(reload_busy(&r.c));
    reload_stop(&r.c);
    assert_false(reload_busy(&r.c));
    assert_int_equal(r.c.now->config->rules.n, 1 + 1);
    stop();
}

/* Facts that come while a file is read are looked at behind it, even if nothing
 * comes of the file. */
static void facts_that_came_meanwhile(void **state)
{
    struct config_facts facts = {.n = 0};
    uv_loop_t never; /* runs: the timer is started, and no more */

    (void)state;
    start(1);
    while (reload_busy(&r.c)) /* its thread begins */
        uv_run(&r.c.loop, UV_RUN_ONCE);
    assert_int_equal(uv_loop_init(&never), 0);
    assert_int_equal(uv_timer_init(&never, &r.c.settle), 0);
    r.c.gateway = (struct gateway *)&r; /* is there, and not asked */
    assert_int_equal(truncate(r.path, 1), 0);
    reload_file(&r.c);
    assert_false(reload_facts(&r.c, &facts));
    assert_false(uv_is_active((uv_handle_t *)&r.c.settle));
    while (!uv_is_active((uv_handle_t *)&r.c.settle)) {
        assert_true(reload_busy(&r.c));
        uv_run(&r.c.loop, UV_RUN_ONCE);
    }
    assert_int_equal(r.c.now->serial, 1);
    uv_close((uv_handle_t *)&r.c.settle, NULL);
    uv_run(&never, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&never), 0);
    r.c.gateway = NULL;
    stop();
}

/* What says the same steers the same: no flow is counted as a stray. */
static void the_same_file_changes_no_owner(void **state)
{
    uint32_t serial;

    (void)state;
    start(7);
    serial = r.c.now->steer->view.serial;
    for (unsigned i = 0; i < 20; i++) {
        reload();
        settle();
        assert_int_equal(r.c.now->steer->view.serial, serial);
    }
    stop();
}

static void expect_weir(const struct config *config, uint32_t icmp)
{
    assert_int_equal(config->core.profile, CT_PROFILE_WEIR);
    assert_int_equal(config->core.params.v[CT_PARAM_strict_source], 1);
    assert_int_equal(config->core.params.v[CT_PARAM_strict_inbound], 1);
    assert_int_equal(config->core.params.v[CT_PARAM_tcp_loose], 0);
    assert_int_equal(config->core.params.v[CT_PARAM_strict_icmp], icmp);
    assert_true(config->core.hairpin);
}

static void reload_with(const char *conntrack)
{
    tunables = conntrack;
    write_rules(1);
    reload();
    settle();
}

/* With the profile of the start what it gives stays, too, also when facts make
 * the configuration again; what the file says of a tunable holds. */
static void another_profile_changes_no_tunable(void **state)
{
    const struct config_facts facts = {.n = 0};
    struct config *again;

    (void)state;
    tunables = "\"profile\": \"weir\", ";
    start(1);
    expect_weir(r.c.now->config, 1);
    reload_with("\"profile\": \"linux\", \"strict_icmp\": 0, ");
    expect_weir(r.c.now->config, 0);
    again = reload_remake(&facts, r.c.now->config);
    assert_non_null(again);
    assert_true(generation_freeze(r.c.now->config, again));
    expect_weir(again, 0);
    config_load_free(again);
    reload_with("");
    expect_weir(r.c.now->config, 1);
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_mailbox_holds_up_no_reload),
        cmocka_unit_test(reloads_that_pile_up_wait),
        cmocka_unit_test(two_hundred_reloads_leave_nothing_behind),
        cmocka_unit_test(an_end_waits_for_a_load),
        cmocka_unit_test(facts_that_came_meanwhile),
        cmocka_unit_test(the_same_file_changes_no_owner),
        cmocka_unit_test(another_profile_changes_no_tunable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
