/* control.c - the control loop: starts everything, ends everything */
#include "control/control.h"

#include "config/load.h"
#include "control/checks.h"
#include "control/devices.h"
#include "control/hostnet.h"
#include "control/private.h"
#include "control/reload.h"
#include "control/rights.h"
#include "control/rulelog.h"
#include "control/totals.h"
#include "control/web.h"
#include "system/entropy.h"
#include "system/log.h"
#include "system/log_writer.h"
#include "system/sandbox.h"

#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    EVENTS_A_TURN = 1024,
    LINES_A_TURN = 128,
    LOG_WAIT_MS = 20,
    LOG_LAST_MS = 1000, /* a stopped reader must not stop the end */
    PROTOCOLS_WITH_PORTS = 4,
    MIN_PORTMAPS = 64, /* one that is not used costs no memory */
    MAX_PORTMAPS = 4096
};

/* ---- what happens while it runs ---- */

static void on_log_wait(uv_timer_t *timer)
{
    struct control *c = timer->data;

    uv_async_send(&c->wake);
}

/* True: there may be more.  Rule lines that the log has no room for stay with
 * their worker, which counts what it can't keep (log_suppressed). */
static bool pump_logs(struct control *c, struct worker *worker)
{
    unsigned share = LINES_A_TURN / c->n_workers, n;
    char line[RULELOG_ROOM];
    struct ct_log log;

    for (n = 0;
         n < share && log_writer_has_room() && worker_next_log(worker, &log);
         n++) {
        rulelog_line(line, &log, c->now->config);
        log_info("rule", "%s", line);
    }
    if (!log_writer_has_room() && !uv_is_active((uv_handle_t *)&c->log_wait))
        uv_timer_start(&c->log_wait, on_log_wait, LOG_WAIT_MS, 0);
    return n == share;
}

static bool pump_events(struct control *c, uint32_t i)
{
    unsigned share = EVENTS_A_TURN / c->n_workers, n;
    struct worker_event e;

    for (n = 0; n < share && worker_next_event(c->worker[i], &e); n++)
        web_event(c->web, i, &e.event, e.lost);
    return n == share;
}

static void pump(struct control *c)
{
    bool more = false;

    for (uint32_t i = 0; i < c->n_workers; i++) {
        more |= pump_logs(c, c->worker[i]);
        more |= pump_events(c, i);
    }
    if (more) /* let others have their turn */
        uv_async_send(&c->wake);
}

static uint64_t stat_of(void *ctx, enum ct_stat which)
{
    struct control *c = ctx;

    return totals_stat(c->worker, c->n_workers, which);
}

static void complain(struct control *c)
{
    char line[SHORTAGE_ROOM];

    while (shortage_next(&c->shortage, uv_now(&c->loop), stat_of, c, line))
        log_warn("conntrack", "%s", line);
}

static void on_timer(uv_timer_t *timer)
{
    struct control *c = timer->data;

    uint64_t next;

    hostnet_tend(c);
    complain(c);
    next = control_devices_tend(c);
    checks_look(c);
    uv_timer_start(timer, on_timer, next, 0);
}

static void on_wake(uv_async_t *wake)
{
    struct control *c = wake->data;
    bool was_lost = false, is_lost = false;

    reload_settle(c);
    reload_tell(c);
    pump(c);
    if (c->queue != NULL)
        queue_pump(c->queue);
    for (uint32_t i = 0; i < c->n_devices; i++)
        was_lost = was_lost || c->device[i].lost;
    control_devices_look(c);
    for (uint32_t i = 0; i < c->n_devices; i++)
        is_lost = is_lost || c->device[i].lost;
    if (is_lost && !was_lost)
        on_timer(&c->timer);
}

static void on_hup(uv_signal_t *signal, int number)
{
    (void)number;
    reload_file(signal->data);
}

static void on_end(uv_signal_t *signal, int number)
{
    struct control *c = signal->data;

    log_info("control", "%s: ending", number == SIGTERM ? "SIGTERM" : "SIGINT");
    uv_signal_stop(&c->term); /* the next one ends us at once */
    uv_signal_stop(&c->interrupt);
    uv_stop(&c->loop);
}

/* ---- start ---- */

static uint32_t portmaps(const struct steer *s)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < s->view.n_external; i++) {
        const uint8_t *lo = s->external[i].lo.b, *hi = s->external[i].hi.b;
        unsigned last = s->external_family[i] == CT_IPV4 ? 3 : 15;
        bool small = memcmp(lo, hi, last) == 0;

        n += small ? (uint32_t)(hi[last] - lo[last] + 1) : MAX_PORTMAPS;
    }
    n = n > MAX_PORTMAPS ? MAX_PORTMAPS : n * PROTOCOLS_WITH_PORTS;
    n = n < MIN_PORTMAPS ? MIN_PORTMAPS : n;
    return n < MAX_PORTMAPS ? n : MAX_PORTMAPS;
}

static void fill_core(const struct control *c, unsigned worker,
                      struct ct_config *out)
{
    const struct config *f = c->now->config;
    uint32_t n = f->workers;

    *out = f->core;
    out->max /= n;
    out->buckets /= n;
    out->shard = worker;
    out->n_shards = n;
    out->portmaps = portmaps(c->now->steer);
    out->fragments = true;
    out->seed = f->seed.value;
    memcpy(out->key, c->key, sizeof out->key);
    if (!f->seed.set)
        entropy_fill(&out->seed, sizeof out->seed);
}

static int make_workers(struct control *c)
{
    char err[256];

    while (c->n_workers < c->now->config->workers) {
        struct worker_config w = {.index = c->n_workers,
                                  .n_workers = c->now->config->workers,
                                  .n_ifaces = c->n_devices,
                                  .host = c->gateway != NULL,
                                  .queues = c->now->config->queue,
                                  .n_queues = c->now->config->n_queues,
                                  .control = &c->wake};

        if (w.host) {
            w.reserved_tcp = &c->bound[0].reserved;
            w.reserved_udp = &c->bound[1].reserved;
            w.taken_tcp = &c->bound[0].taken;
            w.taken_udp = &c->bound[1].taken;
            w.lost = &c->lost;
        }
        fill_core(c, c->n_workers, &w.ct);
        for (uint32_t i = 0; i < c->n_devices; i++)
            w.fd[i] = c->device[i].tun.fd[c->n_workers];
        c->worker[c->n_workers] = worker_new(&w, err);
        if (c->worker[c->n_workers] == NULL) {
            log_error("worker", "%s", err);
            return -1;
        }
        c->n_workers++;
    }
    return 0;
}

static int start_workers(struct control *c)
{
    int err;

    for (uint32_t i = 0; i < c->n_workers; i++)
        worker_link(c->worker[i], c->worker);
    for (uint32_t i = 0; i < c->n_workers; i++)
        if ((err = worker_start(c->worker[i], &c->now->setup[i])) < 0) {
            log_error("worker", "can't start a worker: %s", uv_strerror(err));
            return -1;
        }
    return 0;
}

static void end_workers(struct control *c)
{
    for (uint32_t i = 0; i < c->n_workers; i++)
        worker_stop(c->worker[i]);
    while (c->n_workers > 0)
        worker_free(c->worker[--c->n_workers]);
    for (unsigned i = 0; i < 2; i++)
        talks_free(&c->talks[i]);
}

static void wake_worker(void *ctx, unsigned worker)
{
    worker_wake(((struct control *)ctx)->worker[worker]);
}

/* Interfaces do not change while it runs. */
static const char *iface_name(void *ctx, uint8_t iface)
{
    const struct control *c = ctx;

    return iface < c->n_devices ? c->now->config->iface[iface].name : "";
}

static int start_queues(struct control *c)
{
    const struct config *f = c->now->config;
    struct queue_config q = {.loop = &c->loop,
                             .path = f->queue_socket,
                             .list = f->queue,
                             .n_queues = f->n_queues,
                             .n_workers = c->n_workers,
                             .slots = ct_slots(worker_ct(c->worker[0])),
                             .wake = wake_worker,
                             .iface_name = iface_name,
                             .ctx = c};
    char err[256];

    if (f->n_queues == 0)
        return 0;
    for (uint32_t i = 0; i < c->n_workers; i++)
        q.held[i] = worker_held(c->worker[i]);
    c->queue = queue_start(&q, err);
    if (c->queue == NULL) { /* the folder may be root's */
        sandbox_act_as_begun();
        c->queue = queue_start(&q, err);
        sandbox_give(f->queue_socket);
        sandbox_act_as_user();
    }
    if (c->queue == NULL)
        log_error("queue", "%s", err);
    return c->queue == NULL ? -1 : 0;
}

static void announce(const struct control *c)
{
    const struct config *f = c->now->config;

    for (uint32_t i = 0; i < c->n_devices; i++)
        log_info("tun", "%s is %s: mtu %u, %u queue(s), offloads 0x%x",
                 f->iface[i].name, c->device[i].tun.name, f->iface[i].mtu,
                 c->device[i].tun.n, c->device[i].tun.offload);
    if (f->web.listen.set)
        control_web_announce(c);
    hostnet_say_closed(c);
    log_info("control", "running: %u worker(s), %u flows at most", c->n_workers,
             f->core.max);
}

static void close_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static int open_loop(struct control *c)
{
    int code = uv_loop_init(&c->loop);

    if (code < 0)
        return code;
    c->hup.data = c->term.data = c->interrupt.data = c;
    c->wake.data = c->timer.data = c->log_wait.data = c;
    if ((code = uv_async_init(&c->loop, &c->wake, on_wake)) < 0 ||
        (code = uv_timer_init(&c->loop, &c->timer)) < 0 ||
        (code = uv_timer_init(&c->loop, &c->log_wait)) < 0 ||
        (code = uv_signal_init(&c->loop, &c->hup)) < 0 ||
        (code = uv_signal_init(&c->loop, &c->term)) < 0 ||
        (code = uv_signal_init(&c->loop, &c->interrupt)) < 0)
        return code;
    /* From now on: a start that is ended half way gives back what it took. */
    uv_signal_start(&c->hup, on_hup, SIGHUP);
    uv_signal_start(&c->term, on_end, SIGTERM);
    uv_signal_start(&c->interrupt, on_end, SIGINT);
    return 0;
}

static void close_loop(struct control *c)
{
    uv_walk(&c->loop, close_handle, NULL);
    uv_run(&c->loop, UV_RUN_DEFAULT);
    uv_loop_close(&c->loop);
}

static void report_lost_lines(uint64_t lost)
{
    log_warn("log",
             "%" PRIu64 " line(s) lost: the reader of stderr did not keep up",
             lost);
}

static int start_log(void)
{
    int code = log_writer_start(sandbox_worker, report_lost_lines);

    if (code == 0)
        return 0;
    log_error("log", "can't start the thread that writes: %s", strerror(-code));
    return -1;
}

static int run(struct control *c)
{
    int code = open_loop(c);

    if (code < 0) {
        log_error("control", "can't make an event loop: %s", uv_strerror(code));
        return 1;
    }
    code = 1;
    if (control_devices_open(c) < 0)
        goto close_loop;
    if (make_workers(c) < 0)
        goto end_workers;
    if (start_queues(c) < 0)
        goto end_workers;
    if (control_web_start(c) < 0)
        goto stop_queues;
    if (rights_settle(c) < 0 || start_log() < 0 ||
        reload_start(c, hostnet_loaded) < 0 || rights_watch(c) < 0 ||
        start_workers(c) < 0 || hostnet_start(c) < 0 || rights_limit() < 0)
        goto stop_web;
    uv_timer_start(&c->timer, on_timer, 0, 0);
    announce(c);
    uv_run(&c->loop, UV_RUN_DEFAULT);
    code = c->code;

stop_web:
    reload_stop(c);
    hostnet_end(c);
    web_stop(c->web);
stop_queues:
    queue_stop(c->queue);
    c->queue = NULL;
end_workers:
    end_workers(c);
    control_devices_close(c);
close_loop:
    close_loop(c);
    return code;
}

/* One worker has all hosts. */
static void get_steer_key(struct control *c, const struct config *config)
{
    char err[STEERKEY_ROOM];

    if (config->seed.set) {
        memset(c->steer_key, 0, sizeof c->steer_key);
        memcpy(c->steer_key, &config->seed.value, sizeof config->seed.value);
    } else if (config->workers > 1 &&
               !steerkey_get(config->web.socket, c->steer_key, err)) {
        log_warn("control", "%s", err);
    }
}

/* glibc raises both limits to the largest block that was freed once, up to 32
 * MiB: what a reload of many rules has used would then stay in the heap, and
 * grow with each one (40,000 rules: 63 to 180 MiB in eight reloads; 99 with
 * these). */
static void tame_malloc(void)
{
    /* A thread's own heap takes mprotect(2), which weir does without. */
    (void)mallopt(M_ARENA_MAX, 1);
    (void)mallopt(M_MMAP_THRESHOLD, 128 << 10);
    (void)mallopt(M_TRIM_THRESHOLD, 128 << 10);
}

int control_run(const char *path, struct config *config)
{
    struct control *c = calloc(1, sizeof *c);
    int code;

    signal(SIGPIPE, SIG_IGN);
    tame_malloc();
    log_setup(config->log_level, config->log_json);
    if (c == NULL) {
        log_error("control", "not enough memory to start");
        config_load_free(config);
        return 1;
    }
    c->path = path;
    entropy_fill(c->key, sizeof c->key);
    rights_make_folder(config);
    get_steer_key(c, config);
    code = hostnet_open(c, &config);
    if (code == 0 &&
        (c->now = generation_new(config, NULL, c->steer_key)) == NULL) {
        log_error("control", "not enough memory to start");
        code = 1;
    }
    if (c->now != NULL) {
        code = run(c);
        generation_free(c->now);
    } else {
        config_load_free(config);
    }
    hostnet_end(c); /* when it did not come to run */
    free(c);
    log_writer_stop(LOG_LAST_MS);
    return code;
}
