/* reload.c - a configuration read again, and put in force whole
 *
 *     SIGHUP: the file -------+
 *                             +--> the loading thread: read, check, prepare
 *     facts of gateway mode --+        --> control: put it in force, or say why
 *                                          the old one stays
 *
 * 40,000 rules take a quarter of a second to read: the control thread goes on
 * meanwhile.  The thread is the only one of libuv's pool.  One load runs at a
 * time and reads what control leaves alone until it is done: the generation in
 * force (reload_busy() keeps its elders, too) and the facts. */
#include "control/reload.h"

#include "config/load.h"
#include "control/private.h"
#include "control/totals.h"
#include "control/web.h"
#include "gateway/facts.h"
#include "system/sandbox.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the loading thread ---- */

/* The profile needs a restart, and so does what it gives. */
static struct config_input input(const struct config_facts *facts,
                                 const struct config *from)
{
    return (struct config_input){
        .facts = facts,
        .profile = &from->core.profile,
        .env = environ,
        .bounded = true, /* a FIFO would hold the next load */
    };
}

/* config_load() writes its errors to a stream, one a line: log each. */
static struct config *load_file(const char *path,
                                const struct config_facts *facts,
                                const struct config *from)
{
    struct config_input in = input(facts, from);
    struct config *config = NULL;
    char *text = NULL, *line, *rest = NULL;
    size_t size = 0;
    FILE *err = open_memstream(&text, &size);
    int code;

    if (err == NULL)
        return NULL;
    code = config_load(path, &in, &config, err);
    fclose(err);
    for (line = strtok_r(text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest))
        log_error("config", "%s", line);
    free(text);
    return code == 0 ? config : NULL;
}

static void tell(void *ctx, const struct config_error *e)
{
    (void)ctx;
    log_error("config", "line %u: %s: %s", e->line, e->pointer, e->message);
}

struct config *reload_remake(const struct config_facts *facts,
                             const struct config *from)
{
    struct config_input in = input(facts, from);
    struct config *config = NULL;

    if (from->token[0] != '\0') /* an address must not ask for its file */
        in.token = from->token;
    if (config_load_text(from->text, from->text_len, &in, &config, tell,
                         NULL) != 0)
        return NULL;
    return config;
}

static void on_load(uv_work_t *work)
{
    struct control *c = work->data;
    struct reload *r = &c->reload;
    const struct config_facts *facts = c->gateway != NULL ? &c->facts : NULL;
    struct config *config = r->what == RELOAD_FILE
                                ? load_file(c->path, facts, c->now->config)
                                : reload_remake(&r->facts, c->now->config);

    r->next = NULL;
    if (config != NULL && generation_freeze(c->now->config, config))
        r->next = generation_new(config, c->now, c->steer_key);
    if (r->next == NULL)
        config_load_free(config);
}

static void on_begin(uv_work_t *work)
{
    (void)work;
    sandbox_worker();
}

static void on_trial(void *arg)
{
    (void)arg;
}

static void on_free(uv_work_t *work)
{
    struct control *c = work->data;

    generation_free(c->reload.elders);
}

/* ---- control ---- */

static uint64_t sum(const struct control *c, enum ct_stat stat)
{
    return totals_stat(c->worker, c->n_workers, stat);
}

void reload_tell(struct control *c)
{
    if (!c->revalidating)
        return;
    for (uint32_t i = 0; i < c->n_workers; i++)
        if (worker_revalidated(c->worker[i]) < c->now->serial)
            return;
    c->revalidating = false;
    log_info("control",
             "revalidated: %" PRIu64 " flows ended, %" PRIu64 " kept",
             sum(c, CT_STAT_revoked) - c->revoked, sum(c, CT_STAT_entries));
}

/* What was made and will not be put in force. */
static void discard(struct generation *g)
{
    if (g == NULL)
        return;
    g->older = NULL; /* it lives */
    generation_free(g);
}

static bool adopt(struct control *c, struct generation *g)
{
    const struct config *config;

    if (g == NULL ||
        (c->web != NULL && !control_web_token(c, c->now->config, g->config))) {
        discard(g);
        log_error("control", "the old configuration stays");
        return false;
    }
    config = g->config;
    log_setup(config->log_level, config->log_json);
    generation_show_counts(g);
    c->now = g;
    c->revalidating = config->revalidate && c->n_workers > 0;
    c->revoked = sum(c, CT_STAT_revoked);
    if (c->queue != NULL)
        queue_use(c->queue, config->queue);
    for (uint32_t i = 0; i < c->n_workers; i++)
        worker_use(c->worker[i], &g->setup[i]);
    return true;
}

static void reloaded(const struct control *c)
{
    log_info("control", "reloaded %s: %u rules, flows %s",
             c->path != NULL ? c->path : "the environment",
             c->now->config->rules.n,
             c->revalidating ? "are held against them" : "kept");
}

static void on_done(uv_work_t *work, int status);

static void begin(struct control *c, enum reload_work what,
                  uv_work_cb in_thread)
{
    c->reload.what = what;
    (void)uv_queue_work(&c->loop, &c->reload.work, in_thread, on_done);
}

/* A worker that lags holds no one up, but what hangs on it is bounded. */
static bool may_load(const struct control *c)
{
    return !reload_busy(c) && !generation_crowded(c->now);
}

/* What came meanwhile has its turn. */
static void go_on(struct control *c)
{
    struct reload *r = &c->reload;

    if (!may_load(c)) {
        /* once the workers have caught up */
    } else if (r->file_again) {
        r->file_again = false;
        begin(c, RELOAD_FILE, on_load);
    } else if (r->facts_again) {
        r->facts_again = false;
        r->done(c, RELOAD_NOTHING, false);
    }
    uv_async_send(&c->wake); /* elders may go */
}

static void on_done(uv_work_t *work, int status)
{
    struct control *c = work->data;
    struct reload *r = &c->reload;
    enum reload_work what = r->what;
    bool adopted = false;

    (void)status;
    r->what = RELOAD_NOTHING;
    if (r->ending) {
        discard(r->next);
        gateway_facts_free(&r->facts);
        return;
    }
    if (what == RELOAD_FILE || what == RELOAD_FACTS)
        adopted = adopt(c, r->next);
    r->next = NULL;
    if (what == RELOAD_FILE || what == RELOAD_FACTS)
        r->done(c, what, adopted);
    if (what == RELOAD_FILE && adopted)
        reloaded(c);
    go_on(c);
}

int reload_start(struct control *c, reload_done *done)
{
    sigset_t all, was;
    uv_thread_t trial;
    int code;

    c->reload.work.data = c;
    c->reload.done = done;
    sigfillset(&all); /* signals are the control loop's */
    pthread_sigmask(SIG_SETMASK, &all, &was);
    /* libuv aborts where a thread of its pool can't be made. */
    code = uv_thread_create(&trial, on_trial, NULL);
    if (code == 0) {
        uv_thread_join(&trial);
        (void)setenv("UV_THREADPOOL_SIZE", "1", 1);
        begin(c, RELOAD_BEGIN, on_begin);
    } else {
        log_error("control", "can't start the thread that loads: %s",
                  uv_strerror(code));
    }
    pthread_sigmask(SIG_SETMASK, &was, NULL);
    return code;
}

void reload_file(struct control *c)
{
    if (!may_load(c))
        c->reload.file_again = true;
    else
        begin(c, RELOAD_FILE, on_load);
}

bool reload_facts(struct control *c, struct config_facts *facts)
{
    if (!may_load(c)) {
        c->reload.facts_again = true;
        return false;
    }
    c->reload.facts = *facts;
    memset(facts, 0, sizeof *facts);
    begin(c, RELOAD_FACTS, on_load);
    return true;
}

void reload_settle(struct control *c)
{
    if (c->now->older == NULL || reload_busy(c))
        return;
    for (uint32_t i = 0; i < c->n_workers; i++)
        if (worker_settled(c->worker[i]) < c->now->serial)
            return;
    c->reload.elders = generation_settle(c->now);
    begin(c, RELOAD_FREE, on_free);
}

bool reload_busy(const struct control *c)
{
    return c->reload.what != RELOAD_NOTHING;
}

void reload_stop(struct control *c)
{
    c->reload.ending = true;
    while (reload_busy(c))
        uv_run(&c->loop, UV_RUN_ONCE);
}
