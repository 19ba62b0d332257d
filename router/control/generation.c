/* generation.c - one configuration, ready for the workers */
#include "control/generation.h"

#include "config/load.h"
#include "config/option.h"
#include "system/log.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_OLDER = 8 };

/* ---- what rules have counted goes on ---- */

struct named {
    const char *id;
    uint32_t at;
};

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct named *)a)->id, ((const struct named *)b)->id);
}

/* Where each rule stood before; ids are unique.  False: no memory. */
static bool find_before(const struct ct_ruleset *was,
                        const struct ct_ruleset *is, uint32_t *before)
{
    struct named *names = calloc((size_t)was->n + 1, sizeof *names);

    if (names == NULL)
        return false;
    for (uint32_t i = 0; i < was->n; i++)
        names[i] = (struct named){was->rules[i].id, i};
    qsort(names, was->n, sizeof *names, by_id);
    for (uint32_t i = 0; i < is->n; i++) {
        struct named want = {is->rules[i].id, 0};
        const struct named *found =
            bsearch(&want, names, was->n, sizeof *names, by_id);

        before[i] = found == NULL ? CT_NONE : found->at;
    }
    free(names);
    return true;
}

static void prepare(struct generation *g, unsigned worker)
{
    struct worker_setup *s = &g->setup[worker];
    const struct config *c = g->config;

    s->serial = g->serial;
    config_ct_ifaces(c, &s->ifaces);
    for (uint32_t i = 0; i < c->n_ifaces; i++) {
        s->more[i].mtu = c->iface[i].mtu;
        s->more[i].usable = true;
        s->more[i].plain = !c->iface[i].offloads;
    }
    s->fib = g->fib;
    s->steer = g->steer;
    s->rules = &c->rules;
    s->counts = g->counts_of[worker] = g->counts + (size_t)worker * c->rules.n;
    s->all_counts = g->counts_of;
    s->all_connlimits = g->connlimit;
    s->connlimit = g->connlimit[worker];
    s->params = c->core.params;
    s->limits = (struct ct_limits){
        .max = c->core.max / c->workers,
        .acct = c->core.acct,
        .timestamp = c->core.timestamp,
    };
    s->revalidate = c->revalidate;
    s->queues = c->queue;
    if (g->before != NULL && worker < g->older->n_workers)
        s->before = g->before;
}

/* Pages of it that no flow needs are never touched.  False: no memory. */
static bool make_connlimits(struct generation *g, const struct config *c)
{
    size_t size =
        ct_connlimit_size(&c->rules, c->at_start[CONFIG_max] / c->workers);

    for (uint32_t i = 0; i < g->n_workers && size > 0; i++)
        if ((g->connlimit[i] = calloc(1, size)) == NULL)
            return false;
    return true;
}

struct generation *generation_new(struct config *config,
                                  struct generation *older,
                                  const uint8_t key[16])
{
    struct generation *g = calloc(1, sizeof *g);

    if (g == NULL)
        return NULL;
    g->serial = older == NULL ? 1 : older->serial + 1;
    g->n_workers = config->workers;
    g->counts =
        calloc((size_t)g->n_workers * config->rules.n + 1, sizeof *g->counts);
    g->fib = fib_new(config->routes, config->n_routes);
    if (g->fib != NULL)
        g->steer = worker_steer_new(config, g->fib,
                                    older == NULL ? NULL : older->steer, key);
    if (older != NULL) {
        g->before = calloc((size_t)config->rules.n + 1, sizeof *g->before);
        if (g->before != NULL &&
            !find_before(&older->config->rules, &config->rules, g->before)) {
            free(g->before);
            g->before = NULL;
        }
    }
    if (!make_connlimits(g, config) || g->counts == NULL || g->steer == NULL ||
        (older != NULL && g->before == NULL)) {
        generation_free(g);
        return NULL;
    }
    g->config = config;
    g->older = older;
    for (unsigned i = 0; i < g->n_workers; i++)
        prepare(g, i);
    return g;
}

/* What readers see until the worker takes this setup and carries the last of
 * it: counts must not fall back to 0 meanwhile. */
static void show_counts(const struct worker_setup *s,
                        const struct worker_setup *was)
{
    for (uint32_t i = 0; i < s->rules->n; i++) {
        const struct ct_rule_count *from;

        if (s->before[i] == CT_NONE)
            continue;
        from = &was->counts[s->before[i]];
        s->counts[i].packets =
            __atomic_load_n(&from->packets, __ATOMIC_RELAXED);
        s->counts[i].bytes = __atomic_load_n(&from->bytes, __ATOMIC_RELAXED);
    }
}

void generation_show_counts(struct generation *g)
{
    for (uint32_t i = 0; g->before != NULL && i < g->n_workers; i++)
        if (g->setup[i].before != NULL)
            show_counts(&g->setup[i], &g->older->setup[i]);
}

void generation_free(struct generation *g)
{
    while (g != NULL) {
        struct generation *older = g->older;

        worker_steer_free(g->steer);
        fib_free(g->fib);
        free(g->counts);
        for (uint32_t i = 0; i < g->n_workers; i++)
            free(g->connlimit[i]);
        free(g->before);
        if (g->config != NULL)
            config_load_free(g->config);
        free(g);
        g = older;
    }
}

bool generation_crowded(const struct generation *g)
{
    unsigned n = 0;

    while (n < MOST_OLDER && g->older != NULL) {
        g = g->older;
        n++;
    }
    return n == MOST_OLDER;
}

struct generation *generation_settle(struct generation *g)
{
    struct generation *older = g->older;

    g->steer->view.before = NULL; /* no worker looks there any more */
    g->older = NULL;
    return older;
}

static void log_kept(const char *what, const char *why)
{
    log_warn("control", "%s %s", what, why);
}

#define KEEP(what, field)                                                      \
    do {                                                                       \
        if (memcmp(&now->field, &next->field, sizeof now->field) != 0) {       \
            memcpy(&next->field, &now->field, sizeof now->field);              \
            log_kept(what, CONFIG_OPTION_CHANGED);                             \
        }                                                                      \
    } while (0)

#define KEEP_TEXT(what, field)                                                 \
    do {                                                                       \
        if (strcmp(now->field, next->field) != 0) {                            \
            memcpy(next->field, now->field, sizeof now->field);                \
            log_kept(what, CONFIG_OPTION_CHANGED);                             \
        }                                                                      \
    } while (0)

static bool freeze_iface(const struct config_iface *now,
                         struct config_iface *next, bool gateway)
{
    if (strcmp(now->name, next->name) != 0)
        return false;
    KEEP_TEXT("an interface's tun", tun);
    KEEP("an interface's side", inside);
    if (gateway) { /* there they are options, and mtu follows the device's */
        next->offloads = now->offloads;
        next->txqueuelen = now->txqueuelen;
        return true;
    }
    KEEP("an interface's mtu", mtu);
    KEEP("an interface's offloads", offloads);
    KEEP("an interface's txqueuelen", txqueuelen);
    KEEP("an interface's kernel_address", kernel_address_set);
    KEEP("an interface's kernel_address", kernel_family);
    KEEP("an interface's kernel_address", kernel_len);
    KEEP("an interface's kernel_address", kernel_address);
    return true;
}

/* Their memory is there from the start; how they fail may change. */
static void freeze_queues(const struct config *now, struct config *next)
{
    bool same = now->n_queues == next->n_queues;

    for (uint32_t i = 0; same && i < now->n_queues; i++)
        same = now->queue[i].number == next->queue[i].number &&
               now->queue[i].max == next->queue[i].max;
    if (!same) {
        memcpy(next->queue, now->queue, sizeof now->queue);
        next->n_queues = now->n_queues;
        log_kept("numbers or max in queues.list", CONFIG_OPTION_CHANGED);
    }
}

/* Another token is taken.  To begin or to cease asking for one is not, since
 * who may connect was decided at the start; nor is one made, for the file may
 * be out of reach once rights are given up. */
static void keep_token(const struct config *now, struct config *next)
{
    if (now->token[0] != '\0' && next->token_make) {
        memcpy(next->token, now->token, sizeof now->token);
        log_warn("control",
                 "%s is not there: the old token stays; write one into it, or "
                 "restart to have one made",
                 next->token_file);
    } else if ((now->token[0] != '\0') !=
               (next->token[0] != '\0' || next->token_make)) {
        KEEP_TEXT("api.token_file", token);
    }
    next->token_make = false;
}

/* As many as its max asks for by itself follow that, which may be lower. */
static void freeze_buckets(const struct config *now, struct config *next)
{
    if (next->core.buckets >= next->core.max &&
        next->core.buckets / 2 < next->core.max)
        next->core.buckets = now->core.buckets;
}

/* Further ones; lan and wan are options. */
static void freeze_devices(const struct config *now, struct config *next)
{
    for (uint32_t i = CONFIG_GATEWAY_WAN + 1; i < now->gateway.n; i++) {
        char what[32];

        config_gateway_key(i, now->gateway.name[i], what);
        KEEP_TEXT(what, gateway.device[i]);
        next->gateway.inside[i] = now->gateway.inside[i];
    }
}

bool generation_freeze(const struct config *now, struct config *next)
{
    bool gateway = now->gateway.set;
    bool same = now->n_ifaces == next->n_ifaces && gateway == next->gateway.set;

    for (uint32_t i = 0; same && i < now->n_ifaces; i++)
        same = freeze_iface(&now->iface[i], &next->iface[i], gateway);
    if (!same) {
        log_error("control", "interfaces were added, removed or renamed: that "
                             "needs a restart, the old configuration stays");
        return false;
    }
    freeze_devices(now, next);
    freeze_buckets(now, next);
    config_option_keep(now, next, log_kept);
    keep_token(now, next);
    freeze_queues(now, next);
    return true;
}
