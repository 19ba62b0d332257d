/* rig.c - see rig.h */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct config *load(const char *json)
{
    char path[] = "/tmp/weir-rig-XXXXXX";
    struct config *config = NULL;
    int fd = mkstemp(path);
    size_t n = strlen(json);

    if (fd < 0 || write(fd, json, n) != (ssize_t)n) {
        perror("rig: temporary file");
        abort();
    }
    close(fd);
    if (config_load(path, NULL, &config, stderr) != 0) {
        fprintf(stderr, "rig: refused:\n%s\n", json);
        unlink(path);
        abort();
    }
    unlink(path);
    return config;
}

static void *must(void *p, const char *what)
{
    if (!p) {
        fprintf(stderr, "rig: no %s\n", what);
        abort();
    }
    return p;
}

/* Rules that stay are known by their ids, as in the router. */
static void set_connlimit(struct rig *rig, const struct config *was)
{
    const struct ct_ruleset *is = &rig->config->rules;
    size_t size = ct_connlimit_size(is, rig->config->max);
    uint32_t *before = must(calloc(is->n + 1, sizeof *before), "memory");
    void *old = rig->connlimit;

    for (uint32_t i = 0; i < is->n; i++) {
        before[i] = CT_NONE;
        for (uint32_t k = 0; was && k < was->rules.n; k++)
            if (strcmp(is->rules[i].id, was->rules.rules[k].id) == 0)
                before[i] = k;
    }
    rig->connlimit = size ? must(calloc(1, size), "memory") : NULL;
    ct_set_connlimit(rig->ct, is, rig->connlimit, before);
    free(before);
    free(old);
}

static void set_rules(struct rig *rig, const struct config *was)
{
    struct ct_rule_count *old = rig->counts;
    uint32_t n = rig->config->rules.n;

    set_connlimit(rig, was);

    rig->counts = must(calloc(n + 1, sizeof *rig->counts), "memory");
    ct_set_rules(rig->ct, &rig->config->rules, rig->counts);
    free(old);
}

/* Whom a forward's outside port belongs to; the one before is borrowed until
 * then. */
static void set_steer(struct rig *rig)
{
    static const uint8_t key[16];
    struct steer *old = rig->steer;

    rig->steer = must(steer_new(rig->config, rig->fib, old, key), "memory");
    ct_set_steer(rig->ct, &rig->steer->view);
    steer_free(old);
}

static void set_ifaces(struct rig *rig)
{
    config_ct_ifaces(rig->config, &rig->ifaces);
    rig->ifaces.host = rig->host;
    for (uint32_t i = 0; i < rig->config->n_ifaces; i++) {
        rig->more[i] = (struct journey_iface){.mtu = rig->config->iface[i].mtu,
                                              .usable = true};
    }
    ct_set_ifaces(rig->ct, &rig->ifaces);
    journey_set_ifaces(rig->journey, &rig->ifaces, rig->more);
}

void rig_open(struct rig *rig, const char *json, ct_time start,
              const struct rig_calls *calls)
{
    struct ct_config cc = {.n_shards = 1};
    struct journey_config jc;
    const struct config *c;
    size_t size;

    memset(rig, 0, sizeof *rig);
    rig->now = start;
    rig->host = calls->host;
    c = rig->config = load(json);
    cc.max = c->max;
    cc.buckets = c->buckets;
    cc.profile = c->profile;
    cc.on_full = c->on_full;
    cc.acct = c->acct;
    cc.timestamp = c->timestamp;
    cc.hairpin = c->hairpin;
    cc.fragments = true;
    cc.params = c->params;
    cc.seed = c->seed_set ? c->seed : 1;
    for (unsigned i = 0; i < sizeof cc.key; i++)
        cc.key[i] = (uint8_t)(cc.seed * 37 + i * 11);
    cc.ctx = calls->ctx;
    cc.event = calls->event;
    cc.queue = calls->queue;
    cc.log = calls->log;
    size = ct_size(&cc);
    rig->block = must(aligned_alloc(64, (size + 63) / 64 * 64), "memory");
    rig->ct = must(ct_init(rig->block, &cc, start), "core");
    if (calls->event)
        ct_subscribe(rig->ct, CT_EVENT_NEW | CT_EVENT_RELATED |
                                  CT_EVENT_DESTROY | CT_EVENT_UPDATE);
    jc = (struct journey_config){.ct = rig->ct,
                                 .seed = cc.seed,
                                 .tx = calls->tx,
                                 .host = calls->host,
                                 .local = calls->local,
                                 .dropped = calls->dropped,
                                 .ctx = calls->ctx};
    rig->journey = must(journey_new(&jc), "journey");
    rig->fib = must(fib_new(c->routes, c->n_routes), "routes");
    journey_set_fib(rig->journey, rig->fib);
    set_ifaces(rig);
    set_rules(rig, NULL);
    set_steer(rig);
}

void rig_reload(struct rig *rig, const char *json)
{
    struct config *old = rig->config;
    struct fib *fib = rig->fib;

    rig->config = load(json);
    set_rules(rig, old);
    rig->fib =
        must(fib_new(rig->config->routes, rig->config->n_routes), "routes");
    journey_set_fib(rig->journey, rig->fib);
    set_ifaces(rig);
    set_steer(rig);
    ct_set_params(rig->ct, &rig->config->params);
    if (rig->config->revalidate) {
        uint32_t from = 0;

        while (!ct_revalidate_some(rig->ct, &from, 7))
            ;
    }
    fib_free(fib);
    config_free(old);
}

void rig_close(struct rig *rig)
{
    journey_free(rig->journey);
    steer_free(rig->steer);
    fib_free(rig->fib);
    free(rig->counts);
    free(rig->connlimit);
    free(rig->block);
    config_free(rig->config);
    memset(rig, 0, sizeof *rig);
}

void rig_tick(struct rig *rig)
{
    while (ct_tick(rig->ct, rig->now, 1024) == 0)
        ;
    journey_tick(rig->journey, rig->now);
}

uint64_t rig_drops(const struct rig *rig)
{
    uint64_t n = 0;

    for (unsigned r = 1; r < CT_N_REASONS; r++)
        if (ct_reason_kind(r) == 'D')
            n += ct_drops(rig->ct, (enum ct_reason)r);
    return n;
}

static uint64_t stat_of(const struct rig *rig, enum ct_stat stat)
{
    return ct_stat(rig->ct, stat);
}

const char *rig_check(const struct rig *rig)
{
    struct ct_view view;
    uint64_t flows = 0;

    if (stat_of(rig, CT_STAT_pkts_in) !=
        stat_of(rig, CT_STAT_forwarded) + stat_of(rig, CT_STAT_local) +
            rig_drops(rig) + stat_of(rig, CT_STAT_held) +
            stat_of(rig, CT_STAT_frags_merged))
        return "in != forwarded + local + drops + held + merged";
    if (stat_of(rig, CT_STAT_pkts_out) !=
        stat_of(rig, CT_STAT_forwarded) + stat_of(rig, CT_STAT_orig_echo) +
            stat_of(rig, CT_STAT_orig_rst) + stat_of(rig, CT_STAT_orig_error))
        return "out != forwarded + originated";
    if (stat_of(rig, CT_STAT_entries) !=
        stat_of(rig, CT_STAT_created) - stat_of(rig, CT_STAT_destroyed))
        return "entries != created - destroyed";
    for (uint32_t s = 0; s < ct_slots(rig->ct); s++)
        flows += ct_read(rig->ct, s, rig->now, &view);
    if (flows > stat_of(rig, CT_STAT_entries))
        return "more flows to read than entries";
    return NULL;
}
