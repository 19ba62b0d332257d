/* worker.c - one thread, one loop, one shard, one queue of each device */
#include "worker/worker.h"

#include "journey/journey.h"
#include "system/clock.h"
#include "system/sandbox.h"
#include "worker/io.h"
#include "worker/private.h"
#include "worker/queue.h"

#include <ctcore/bits.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

/* A flush or a revalidation looks at this many slots a turn, so that packets go
 * on meanwhile and their events find room. */
enum {
    EVENTS = 4096,
    LOGS = 256,
    GC_BUDGET = 512,
    ORDERS_A_TURN = 64,
    FLUSH_BUDGET = 1024,
    REVIEW_BUDGET = 512
};

/* ---- the worker's own thread ---- */

/* The core's voice: never waits, counts what finds no room. */
static void on_event(void *ctx, const struct ct_event *event)
{
    struct worker *w = ctx;
    struct worker_event e = {.event = *event, .lost = w->events_lost};

    w->tell_control = true;
    if (ring_put(&w->events, &e))
        w->events_lost = 0;
    else
        w->events_lost++;
}

static bool on_log(void *ctx, const struct ct_log *log)
{
    struct worker *w = ctx;

    w->tell_control = true;
    return ring_put(&w->logs, log);
}

/* Here and not in control: only now do the old counts stand still. */
static void carry(const struct worker_setup *was, const struct worker_setup *is)
{
    for (uint32_t i = 0; is->before != NULL && i < is->rules->n; i++) {
        const struct ct_rule_count *from;

        if (is->before[i] == CT_NONE)
            continue;
        from = &was->counts[is->before[i]];
        __atomic_store_n(&is->counts[i].packets, from->packets,
                         __ATOMIC_RELAXED);
        __atomic_store_n(&is->counts[i].bytes, from->bytes, __ATOMIC_RELAXED);
        __atomic_store_n(&is->counts[i].full_at_ns, from->full_at_ns,
                         __ATOMIC_RELAXED);
        __atomic_store_n(&is->counts[i].log_full_at_ns, from->log_full_at_ns,
                         __ATOMIC_RELAXED);
        is->counts[i].log_suppressed = from->log_suppressed;
    }
}

static void on_more(uv_idle_t *more);

/* Tend once a turn of the loop, from this one on, packets between.  A timer of
 * 0 ms is no such thing: libuv before 1.45 runs it again in the same turn. */
static void hasten(struct worker *w)
{
    if (!uv_is_closing((uv_handle_t *)&w->more))
        uv_idle_start(&w->more, on_more);
}

/* A setup is settled when all flows are, under it, and all workers have taken
 * it: nothing here looks at older ones.  Until the flows are, orders wait, the
 * next setup among them. */
static void settle(struct worker *w)
{
    uint64_t mine = worker_taken(w);

    if (w->settling) {
        if (!ct_settle_some(w->ct, 0))
            return;
        w->settling = false;
        if (!uv_is_closing((uv_handle_t *)&w->wake))
            uv_async_send(&w->wake);
    }
    if (worker_settled(w) == mine)
        return;
    for (unsigned i = 0; i < w->config.n_workers; i++)
        if (w->all[i] == NULL || worker_taken(w->all[i]) < mine)
            return;
    atomic_store_explicit(&w->settled, mine, memory_order_release);
    w->tell_control = true;
}

static void use(struct worker *w, const struct worker_setup *setup)
{
    if (w->setup != NULL && setup->revalidate) {
        w->review_at = 0; /* from the beginning, if one was going on */
        hasten(w);
    }
    if (w->setup != NULL)
        carry(w->setup, setup);
    w->setup = setup;
    ct_begin(w->ct, clock_now());
    ct_set_ifaces(w->ct, &setup->ifaces);
    ct_set_steer(w->ct, &setup->steer->view);
    ct_set_params(w->ct, &setup->params);
    ct_set_limits(w->ct, &setup->limits);
    ct_set_connlimit(w->ct, setup->rules, setup->connlimit, setup->before);
    ct_set_rules(w->ct, setup->rules, setup->counts);
    if (w->config.n_workers > 1)
        ct_set_shared(w->ct, setup->all_counts, setup->all_connlimits);
    journey_set_ifaces(w->journey, &setup->ifaces, setup->more);
    journey_set_fib(w->journey, setup->fib);
    for (unsigned i = 0; i < w->config.n_ifaces; i++)
        w->port[i].offload.off = setup->more[i].plain;
    atomic_store_explicit(&w->taken, setup->serial, memory_order_release);
    for (unsigned i = 0; i < w->config.n_workers; i++)
        if (w->all[i] != NULL && w->all[i] != w)
            uv_async_send(&w->all[i]->wake); /* it may settle now */
    w->settling = true;
    hasten(w);
    settle(w);
}

static void close_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void resume(struct worker *w, struct worker_port *port)
{
    port->offload.refused = 0; /* it may be another kernel's, or driver's */
    if (worker_io_start(w, port) == 0)
        return;
    atomic_store_explicit(&port->lost, true, memory_order_release);
    w->tell_control = true;
}

static void obey(struct worker *w, const struct worker_order *order)
{
    switch (order->kind) {
    case ORDER_DELETE:
        ct_begin(w->ct, clock_now());
        if (ct_delete(w->ct, order->a, order->b))
            ct_add(&w->removed[order->ticket], 1);
        break;
    case ORDER_FLUSH: /* one that is going on begins again, for both */
        w->flush_at = 0;
        w->flush_number =
            1 + atomic_load_explicit(&w->obeyed, memory_order_relaxed);
        w->flush_tickets |= 1u << order->ticket;
        hasten(w);
        break;
    default:
        resume(w, &w->port[order->a]);
    }
}

static void subscribe(struct worker *w)
{
    uint32_t wanted = atomic_load_explicit(&w->wanted, memory_order_acquire);

    if (wanted == w->subscribed)
        return;
    w->subscribed = wanted;
    ct_subscribe(w->ct, wanted);
}

static void on_wake(uv_async_t *wake)
{
    struct worker *w = wake->data;
    struct worker_order order;
    const struct worker_setup *next;
    unsigned n;

    subscribe(w); /* first: what the orders below end is wanted too */
    next = atomic_load_explicit(&w->setup->next, memory_order_acquire);
    if (next != NULL && !w->settling)
        use(w, next);
    worker_queue_back(w);
    worker_io_handed(w);
    for (n = 0;
         n < ORDERS_A_TURN && !w->settling && ring_take(&w->orders, &order);
         n++) {
        obey(w, &order);
        atomic_store_explicit(
            &w->obeyed,
            atomic_load_explicit(&w->obeyed, memory_order_relaxed) + 1,
            memory_order_release);
    }
    settle(w);
    if (atomic_load_explicit(&w->ends, memory_order_acquire))
        uv_walk(&w->loop, close_handle, NULL);
    if (n == ORDERS_A_TURN && !uv_is_closing((uv_handle_t *)wake))
        uv_async_send(wake); /* packets have their turn */
    worker_io_tell(w);
}

/* True: there is more. */
static bool review(struct worker *w)
{
    if (w->review_at == CT_NONE)
        return false;
    if (!ct_revalidate_some(w->ct, &w->review_at, REVIEW_BUDGET))
        return true;
    w->review_at = CT_NONE;
    atomic_store_explicit(&w->reviewed, w->setup->serial, memory_order_release);
    w->tell_control = true;
    return false;
}

/* True: there is more. */
static bool flush(struct worker *w)
{
    uint64_t before = ct_stat(w->ct, CT_STAT_destroyed);
    bool done;

    if (w->flush_at == CT_NONE)
        return false;
    done = ct_flush_some(w->ct, &w->flush_at, FLUSH_BUDGET);
    for (uint32_t i = 0; i < WORKER_TICKETS; i++)
        if (w->flush_tickets >> i & 1)
            ct_add(&w->removed[i], ct_stat(w->ct, CT_STAT_destroyed) - before);
    if (!done)
        return true;
    w->flush_at = CT_NONE;
    w->flush_tickets = 0;
    atomic_store_explicit(&w->flushed, w->flush_number, memory_order_release);
    return false;
}

static void on_tick(uv_timer_t *timer)
{
    hasten(timer->data);
}

static void on_more(uv_idle_t *more)
{
    struct worker *w = more->data;
    ct_time now = clock_now();
    uint32_t ms = ct_tick(w->ct, now, GC_BUDGET);
    bool more_fragments;

    settle(w); /* ct_tick() has gone on with it */
    more_fragments = !journey_tick(w->journey, now);
    if (flush(w) || review(w) || more_fragments)
        ms = 0;
    worker_io_tell(w);
    if (ms == 0)
        return;
    uv_idle_stop(more);
    uv_timer_start(&w->tick, on_tick, ms, 0);
}

static void run(void *arg)
{
    struct worker *w = arg;

    sandbox_worker();
    uv_run(&w->loop, UV_RUN_DEFAULT);
}

/* ---- making and ending one, by the control thread ---- */

static bool make_core(struct worker *w, char err[256])
{
    struct ct_config *c = &w->config.ct;

    c->ctx = w;
    c->event = on_event;
    c->queue = w->config.n_queues > 0 ? worker_queue_take : NULL;
    c->log = on_log;
    w->block_size = ct_size(c);
    if (w->block_size == 0) {
        snprintf(err, 256, "conntrack.max is out of range for %u worker(s)",
                 w->config.n_workers);
        return false;
    }
    w->block = mmap(NULL, w->block_size, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (w->block == MAP_FAILED) {
        w->block = NULL;
        snprintf(err, 256,
                 "not enough memory for the table: %zu MiB for each worker",
                 w->block_size >> 20);
        return false;
    }
    w->ct = ct_init(w->block, c, clock_now());
    if (w->ct == NULL) {
        snprintf(err, 256, "the connection table can't be made this way");
        return false;
    }
    if (!held_setup(&w->held, w->ct, w->config.queues, w->config.n_queues,
                    w->config.n_workers)) {
        snprintf(err, 256, "not enough memory for queues");
        return false;
    }
    ct_set_reserved(w->ct, w->config.reserved_tcp, w->config.reserved_udp);
    ct_set_taken(w->ct, w->config.taken_tcp, w->config.taken_udp);
    w->journey = journey_new(&(struct journey_config){
        .ct = w->ct,
        .seed = c->seed + w->config.index,
        .workers = w->config.n_workers,
        .tx = worker_io_tx,
        .steer = w->config.n_workers > 1 ? worker_io_steer : NULL,
        .pass = w->config.n_workers > 1 ? worker_io_pass : NULL,
        .host = w->config.host,
        .lost = w->config.lost,
        .ctx = w,
    });
    if (w->journey == NULL)
        snprintf(err, 256, "not enough memory to start a worker");
    return w->journey != NULL;
}

static bool make_loop(struct worker *w, char err[256])
{
    int code;

    if (!ring_setup(&w->orders, WORKER_ORDERS, sizeof(struct worker_order)) ||
        !ring_setup(&w->logs, LOGS, sizeof(struct ct_log)) ||
        !ring_setup(&w->events, EVENTS, sizeof(struct worker_event))) {
        snprintf(err, 256, "not enough memory to start a worker");
        return false;
    }
    code = uv_loop_init(&w->loop);
    if (code < 0) { /* descriptors, more often than memory */
        snprintf(err, 256, "can't make an event loop for a worker: %s",
                 uv_strerror(code));
        return false;
    }
    w->loop_ready = true;
    w->wake.data = w;
    w->tick.data = w;
    w->more.data = w;
    w->flush_at = w->review_at = CT_NONE;
    if (uv_async_init(&w->loop, &w->wake, on_wake) < 0) {
        snprintf(err, 256, "no descriptor left for a worker's wake-up");
        return false;
    }
    uv_timer_init(&w->loop, &w->tick);
    uv_idle_init(&w->loop, &w->more);
    return true;
}

struct worker *worker_new(const struct worker_config *config, char err[256])
{
    struct worker *w = aligned_alloc(64, (sizeof *w + 63) & ~(size_t)63);

    if (w == NULL) {
        snprintf(err, 256, "not enough memory to start a worker");
        return NULL;
    }
    memset(w, 0, sizeof *w);
    w->config = *config;
    for (unsigned i = 0; i < CT_MAX_IFACES; i++) {
        w->port[i].worker = w;
        w->port[i].iface = i;
        w->port[i].fd = i < config->n_ifaces ? config->fd[i] : -1;
    }
    if (!make_core(w, err) || !worker_io_setup(w, err) || !make_loop(w, err)) {
        worker_free(w);
        return NULL;
    }
    return w;
}

void worker_link(struct worker *w, struct worker *const all[])
{
    const struct ct *ct[CT_MAX_SHARDS] = {NULL};

    for (unsigned i = 0; i < w->config.n_workers; i++) {
        w->all[i] = all[i];
        ct[i] = all[i]->ct;
    }
    ct_set_peers(w->ct, ct);
}

int worker_start(struct worker *w, struct worker_setup *setup)
{
    int err;

    w->newest = setup;
    use(w, setup);
    for (unsigned i = 0; i < w->config.n_ifaces; i++)
        if ((err = worker_io_start(w, &w->port[i])) < 0)
            return err;
    if ((err = uv_timer_start(&w->tick, on_tick, 0, 0)) < 0 ||
        (err = uv_thread_create(&w->thread, run, w)) < 0)
        return err;
    w->running = true;
    return 0;
}

static bool order(struct worker *w, struct worker_order o)
{
    if (!ring_put(&w->orders, &o))
        return false;
    w->ordered++;
    uv_async_send(&w->wake);
    return true;
}

void worker_stop(struct worker *w)
{
    if (!w->running)
        return;
    /* No order: a full mailbox would make control wait for its room. */
    atomic_store_explicit(&w->ends, true, memory_order_release);
    uv_async_send(&w->wake);
    uv_thread_join(&w->thread);
    w->running = false;
    worker_queue_end(w);
}

void worker_free(struct worker *w)
{
    if (w == NULL)
        return;
    if (w->loop_ready) {
        uv_walk(&w->loop, close_handle, NULL);
        uv_run(&w->loop, UV_RUN_DEFAULT);
        uv_loop_close(&w->loop);
    }
    ring_free(&w->orders);
    ring_free(&w->events);
    ring_free(&w->logs);
    worker_io_free(w);
    journey_free(w->journey);
    held_free(&w->held);
    if (w->block != NULL)
        munmap(w->block, w->block_size);
    free(w);
}

/* ---- control's side ---- */

const struct ct *worker_ct(const struct worker *w)
{
    return w->ct;
}

struct held *worker_held(struct worker *w)
{
    return &w->held;
}

void worker_wake(struct worker *w)
{
    uv_async_send(&w->wake);
}

void worker_use(struct worker *w, struct worker_setup *setup)
{
    atomic_store_explicit(&w->newest->next, setup, memory_order_release);
    w->newest = setup;
    uv_async_send(&w->wake);
}

bool worker_delete(struct worker *w, uint32_t ticket, uint32_t slot,
                   uint32_t gen)
{
    return order(
        w, (struct worker_order){
               .kind = ORDER_DELETE, .a = slot, .b = gen, .ticket = ticket});
}

bool worker_flush(struct worker *w, uint32_t ticket)
{
    return order(w,
                 (struct worker_order){.kind = ORDER_FLUSH, .ticket = ticket});
}

uint64_t worker_ordered(const struct worker *w)
{
    return w->ordered;
}

bool worker_obeyed(const struct worker *w, uint64_t number)
{
    return atomic_load_explicit(&w->obeyed, memory_order_acquire) >= number;
}

bool worker_flushed(const struct worker *w, uint64_t number)
{
    return atomic_load_explicit(&w->flushed, memory_order_acquire) >= number;
}

uint64_t worker_removed(const struct worker *w, uint32_t ticket)
{
    return __atomic_load_n(&w->removed[ticket], __ATOMIC_RELAXED);
}

void worker_subscribe(struct worker *w, uint32_t mask)
{
    atomic_store_explicit(&w->wanted, mask, memory_order_release);
    uv_async_send(&w->wake);
}

bool worker_resume(struct worker *w, unsigned iface)
{
    atomic_store_explicit(&w->port[iface].lost, false, memory_order_release);
    return order(w, (struct worker_order){.kind = ORDER_RESUME, .a = iface});
}

uint64_t worker_taken(const struct worker *w)
{
    return atomic_load_explicit(&w->taken, memory_order_acquire);
}

uint64_t worker_settled(const struct worker *w)
{
    return atomic_load_explicit(&w->settled, memory_order_acquire);
}

uint64_t worker_revalidated(const struct worker *w)
{
    return atomic_load_explicit(&w->reviewed, memory_order_acquire);
}

bool worker_lost(const struct worker *w, unsigned iface)
{
    return atomic_load_explicit(&w->port[iface].lost, memory_order_acquire);
}

uint8_t worker_refused(const struct worker *w, unsigned iface)
{
    return w->port[iface].offload.refused;
}

void worker_count(const struct worker *w, unsigned iface,
                  struct worker_counts *sum)
{
    const struct worker_port *p = &w->port[iface];

#define ADD(field) sum->field += __atomic_load_n(&p->field, __ATOMIC_RELAXED)
    ADD(rx_packets);
    ADD(rx_bytes);
    ADD(tx_packets);
    ADD(tx_bytes);
    ADD(rx_errors);
    ADD(tx_errors);
#undef ADD
}

bool worker_next_log(struct worker *w, struct ct_log *log)
{
    return ring_take(&w->logs, log);
}

bool worker_next_event(struct worker *w, struct worker_event *event)
{
    return ring_take(&w->events, event);
}
