/* rig.c - see rig.h */
#include "rig.h"

#include "config/load.h"
#include "core/check.h"

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

/* ---- what shards say to others ---- */

struct rig_passed {
    struct rig_passed *next;
    uint32_t to;
    struct ct_pkt pkt;
    uint64_t cuts[CT_CUTS];
    uint8_t room[];
};

/* A copy waits for its shard, behind those that wait already. */
static void put(struct rig *rig, const struct ct_pkt *pkt, uint32_t to)
{
    struct rig_passed *p, **end = &rig->passed;

    p = must(calloc(1, sizeof *p + CT_HEADROOM + pkt->len + CT_HEADROOM),
             "memory");
    p->to = to;
    p->pkt = *pkt;
    p->pkt.data = p->room + CT_HEADROOM;
    memcpy(p->pkt.data, pkt->data, pkt->len);
    if (pkt->cuts) {
        memcpy(p->cuts, pkt->cuts, sizeof p->cuts);
        p->pkt.cuts = p->cuts;
    }
    while (*end)
        end = &(*end)->next;
    *end = p;
}

static enum ct_reason tx(void *ctx, struct ct_pkt *pkt)
{
    const struct rig_calls *calls = &((struct rig_shard *)ctx)->rig->calls;

    return calls->tx(calls->ctx, pkt);
}

static bool local(void *ctx, struct ct_pkt *pkt)
{
    const struct rig_calls *calls = &((struct rig_shard *)ctx)->rig->calls;

    return calls->local && calls->local(calls->ctx, pkt);
}

static void dropped(void *ctx, const struct ct_pkt *pkt)
{
    const struct rig_calls *calls = &((struct rig_shard *)ctx)->rig->calls;

    if (calls->dropped)
        calls->dropped(calls->ctx, pkt);
}

static bool pass(void *ctx, struct ct_pkt *pkt, uint32_t shard)
{
    struct rig_shard *s = ctx;

    pkt->passed = true; /* the copy is */
    put(s->rig, pkt, shard);
    pkt->passed = false;
    return true;
}

static bool steer(void *ctx, struct ct_pkt *pkt)
{
    struct rig_shard *s = ctx;
    uint32_t owner = ct_owner(&s->steer->view, pkt);
    struct ct_pkt again = {.data = pkt->data,
                           .len = pkt->len,
                           .in = pkt->in,
                           .self = pkt->self,
                           .rule = CT_NONE,
                           .frag_max = pkt->frag_max,
                           .cuts = pkt->cuts};

    pkt->steered = again.steered = s->steer->view.serial;
    if (owner == (uint32_t)(s - s->rig->shard))
        return false;
    put(s->rig, &again, owner);
    return true;
}

/* ---- what changes at a reload ---- */

/* Rules that stay are known by their ids, as in the router. */
static void set_connlimit(struct rig *rig, struct rig_shard *s,
                          const struct config *was)
{
    const struct ct_ruleset *is = &rig->config->rules;
    size_t size = ct_connlimit_size(is, ct_slots(s->ct));
    uint32_t *before = must(calloc(is->n + 1, sizeof *before), "memory");
    void *old = s->connlimit;

    for (uint32_t i = 0; i < is->n; i++) {
        before[i] = CT_NONE;
        for (uint32_t k = 0; was && k < was->rules.n; k++)
            if (strcmp(is->rules[i].id, was->rules.rules[k].id) == 0)
                before[i] = k;
    }
    s->connlimit = size ? must(calloc(1, size), "memory") : NULL;
    ct_set_connlimit(s->ct, is, s->connlimit, before);
    while (!ct_settle_some(s->ct, 7))
        ;
    free(before);
    free(old);
}

static void set_rules(struct rig *rig, struct rig_shard *s,
                      const struct config *was)
{
    uint32_t i = (uint32_t)(s - rig->shard), n = rig->config->rules.n;
    struct ct_rule_count *old = s->counts;

    set_connlimit(rig, s, was);
    s->counts = must(calloc(n + 1, sizeof *s->counts), "memory");
    ct_set_rules(s->ct, &rig->config->rules, s->counts);
    rig->all_counts[i] = s->counts;
    rig->all_connlimits[i] = s->connlimit;
    if (rig->n > 1)
        ct_set_shared(s->ct, rig->all_counts, rig->all_connlimits);
    free(old);
}

/* Whom a forward's outside port belongs to. */
static void make_steer(struct rig *rig)
{
    static const uint8_t key[16];

    rig->older = rig->steer;
    rig->steer = must(worker_steer_new(rig->config, rig->fib, rig->older, key),
                      "memory");
}

/* The one before is borrowed until all have taken the new one. */
static void settle(struct rig *rig)
{
    for (uint32_t i = 0; i < rig->n; i++)
        if (rig->shard[i].steer != rig->steer)
            return;
    rig->steer->view.before = NULL;
    worker_steer_free(rig->older);
    rig->older = NULL;
}

void rig_take(struct rig *rig, uint32_t shard)
{
    struct rig_shard *s = &rig->shard[shard];

    s->steer = rig->steer;
    ct_set_steer(s->ct, &rig->steer->view);
    settle(rig);
}

static void make_ifaces(struct rig *rig)
{
    config_ct_ifaces(rig->config, &rig->ifaces);
    rig->ifaces.host = rig->host;
    for (uint32_t i = 0; i < rig->config->n_ifaces; i++) {
        rig->more[i] = (struct journey_iface){.mtu = rig->config->iface[i].mtu,
                                              .usable = true};
    }
}

static void set_ifaces(struct rig *rig, struct rig_shard *s)
{
    ct_set_ifaces(s->ct, &rig->ifaces);
    journey_set_ifaces(s->journey, &rig->ifaces, rig->more);
}

/* ---- life ---- */

static struct ct_config core_config(const struct rig *rig, uint32_t shard)
{
    const struct config *c = rig->config;
    struct ct_config cc = c->core;

    cc.n_shards = rig->n;
    cc.shard = shard;
    cc.max /= rig->n;
    cc.buckets /= rig->n;
    cc.fragments = true;
    cc.seed = c->seed.set ? c->seed.value : 1;
    for (unsigned i = 0; i < sizeof cc.key; i++)
        cc.key[i] = (uint8_t)(cc.seed * 37 + i * 11);
    cc.ctx = rig->calls.ctx;
    cc.event = rig->calls.event;
    cc.queue = rig->calls.queue;
    cc.log = rig->calls.log;
    return cc;
}

static void open_shard(struct rig *rig, uint32_t i)
{
    struct rig_shard *s = &rig->shard[i];
    struct ct_config cc = core_config(rig, i);
    size_t size = ct_size(&cc);

    s->rig = rig;
    s->block = must(aligned_alloc(64, (size + 63) / 64 * 64), "memory");
    s->ct = must(ct_init(s->block, &cc, rig->now), "core");
    if (cc.event)
        ct_subscribe(s->ct, CT_EVENT_NEW | CT_EVENT_RELATED | CT_EVENT_DESTROY |
                                CT_EVENT_REVOKED | CT_EVENT_UPDATE);
    s->journey = must(journey_new(&(struct journey_config){
                          .ct = s->ct,
                          .seed = cc.seed,
                          .tx = tx,
                          .host = rig->host,
                          .lost = rig->host ? &rig->lost : NULL,
                          .local = local,
                          .dropped = dropped,
                          .steer = rig->n > 1 ? steer : NULL,
                          .pass = pass,
                          .ctx = s,
                      }),
                      "journey");
    journey_set_fib(s->journey, rig->fib);
    set_ifaces(rig, s);
    set_rules(rig, s, NULL);
}

static void show_first(struct rig *rig)
{
    rig->ct = rig->shard[0].ct;
    rig->journey = rig->shard[0].journey;
    rig->counts = rig->shard[0].counts;
    rig->connlimit = rig->shard[0].connlimit;
}

void rig_open(struct rig *rig, const char *json, ct_time start,
              const struct rig_calls *calls)
{
    const struct ct *all[RIG_SHARDS];
    const struct config *c;

    memset(rig, 0, sizeof *rig);
    rig->now = start;
    rig->most_packet = RIG_WORK_MAX;
    rig->most_call = RIG_CALL_MAX;
    rig->host = calls->host;
    rig->calls = *calls;
    c = rig->config = load(json);
    rig->n = c->workers;
    rig->fib = must(fib_new(c->routes, c->n_routes), "routes");
    make_ifaces(rig);
    make_steer(rig);
    for (uint32_t i = 0; i < rig->n; i++) {
        open_shard(rig, i);
        all[i] = rig->shard[i].ct;
    }
    for (uint32_t i = 0; i < rig->n; i++) {
        ct_set_peers(rig->shard[i].ct, all);
        rig_take(rig, i);
    }
    show_first(rig);
}

static void revalidate(struct rig_shard *s)
{
    uint32_t from = 0;

    while (!ct_revalidate_some(s->ct, &from, 7))
        ;
}

void rig_adopt_later(struct rig *rig, struct config *next)
{
    struct config *old = rig->config;
    struct fib *fib = rig->fib;

    rig->config = next;
    rig->fib =
        must(fib_new(rig->config->routes, rig->config->n_routes), "routes");
    make_ifaces(rig);
    make_steer(rig);
    for (uint32_t i = 0; i < rig->n; i++) {
        struct rig_shard *s = &rig->shard[i];

        set_rules(rig, s, old);
        journey_set_fib(s->journey, rig->fib);
        set_ifaces(rig, s);
        ct_set_params(s->ct, &rig->config->core.params);
        ct_set_limits(s->ct, &(struct ct_limits){
                                 .max = rig->config->core.max / rig->n,
                                 .acct = rig->config->core.acct,
                                 .timestamp = rig->config->core.timestamp});
        while (!ct_settle_some(s->ct, 7))
            ;
    }
    show_first(rig);
    fib_free(fib);
    config_load_free(old);
}

void rig_reload_later(struct rig *rig, const char *json)
{
    rig_adopt_later(rig, load(json));
}

/* The flows that it forbids end, if it says so. */
void rig_take_all(struct rig *rig)
{
    for (uint32_t i = 0; i < rig->n; i++)
        rig_take(rig, i);
    for (uint32_t i = 0; i < rig->n && rig->config->revalidate; i++)
        revalidate(&rig->shard[i]);
}

void rig_reload(struct rig *rig, const char *json)
{
    rig_reload_later(rig, json);
    rig_take_all(rig);
}

/* ---- packets ---- */

static void batch(struct rig *rig, uint32_t shard, struct ct_pkt *pkt)
{
    rig->at = shard;
    journey_batch(rig->shard[shard].journey, &pkt, 1, rig->now);
}

static uint32_t walk_passed(struct rig *rig)
{
    while (rig->passed) {
        struct rig_passed *p = rig->passed;

        rig->passed = p->next;
        batch(rig, p->to, &p->pkt);
        free(p);
    }
    return rig->at;
}

/* As router/worker/io.c does it. */
static uint32_t owner_of(const struct rig_shard *s, uint32_t by,
                         const struct ct_pkt *pkt)
{
    struct ct_pkt look = *pkt;
    enum ct_reason why = ct_parse_packet(&look);

    if (why == CT_REASON_FRAGMENT)
        return ct_fragment_owner(&s->steer->view, &look);
    return why == CT_REASON_NONE ? ct_owner(&s->steer->view, &look) : by;
}

uint32_t rig_walk_by(struct rig *rig, uint32_t by, struct ct_pkt *pkt)
{
    const struct rig_shard *s = &rig->shard[by];
    uint32_t owner = 0;

    pkt->self = rig->host; /* or a packet to itself would not be parsed */
    if (rig->n > 1)
        owner = owner_of(s, by, pkt);
    pkt->steered = s->steer->view.serial;
    batch(rig, owner, pkt);
    return walk_passed(rig);
}

uint32_t rig_walk(struct rig *rig, struct ct_pkt *pkt)
{
    return rig_walk_by(rig, 0, pkt);
}

void rig_close(struct rig *rig)
{
    for (uint32_t i = 0; i < rig->n; i++) {
        journey_free(rig->shard[i].journey);
        free(rig->shard[i].counts);
        free(rig->shard[i].connlimit);
        free(rig->shard[i].block);
    }
    worker_steer_free(rig->steer);
    worker_steer_free(rig->older);
    fib_free(rig->fib);
    config_load_free(rig->config);
    memset(rig, 0, sizeof *rig);
}

void rig_tick(struct rig *rig)
{
    for (uint32_t i = 0; i < rig->n; i++) {
        rig->at = i;
        while (ct_tick(rig->shard[i].ct, rig->now, 1024) == 0)
            ;
        while (!journey_tick(rig->shard[i].journey, rig->now))
            ;
    }
}

uint64_t rig_stat(const struct rig *rig, enum ct_stat stat)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < rig->n; i++)
        n += ct_stat(rig->shard[i].ct, stat);
    return n;
}

uint64_t rig_reason(const struct rig *rig, enum ct_reason reason)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < rig->n; i++)
        n += ct_drops(rig->shard[i].ct, reason);
    return n;
}

uint64_t rig_drops(const struct rig *rig)
{
    uint64_t n = 0;

    for (unsigned r = 1; r < CT_N_REASONS; r++)
        if (ct_reason_kind(r) == 'D')
            n += rig_reason(rig, (enum ct_reason)r);
    return n;
}

const char *rig_check_shards(const struct rig *rig)
{
    const char *why = NULL;

    for (uint32_t i = 0; !why && i < rig->n; i++)
        why = core_check(rig->shard[i].ct);
    return why;
}

const char *rig_look(struct rig *rig)
{
    if (rig->looks++ < rig->next_look)
        return NULL;
    rig->next_look = rig->looks + rig->looks * rig->looks / 256;
    return rig_check_shards(rig);
}

const char *rig_check(const struct rig *rig)
{
    struct ct_view view;
    uint64_t flows = 0;

    if (rig_stat(rig, CT_STAT_pkts_in) !=
        rig_stat(rig, CT_STAT_forwarded) + rig_stat(rig, CT_STAT_local) +
            rig_drops(rig) + rig_stat(rig, CT_STAT_held) +
            rig_stat(rig, CT_STAT_frags_merged))
        return "in != forwarded + local + drops + held + merged";
    if (rig_stat(rig, CT_STAT_pkts_out) !=
        rig_stat(rig, CT_STAT_forwarded) + rig_stat(rig, CT_STAT_orig_echo) +
            rig_stat(rig, CT_STAT_orig_rst) + rig_stat(rig, CT_STAT_orig_error))
        return "out != forwarded + originated";
    if (rig_stat(rig, CT_STAT_entries) !=
        rig_stat(rig, CT_STAT_created) - rig_stat(rig, CT_STAT_destroyed) +
            rig_stat(rig, CT_STAT_unconfirmed))
        return "entries != created - destroyed + unconfirmed";
    for (uint32_t i = 0; i < rig->n; i++)
        for (uint32_t s = 0; s < ct_slots(rig->shard[i].ct); s++)
            flows += ct_read(rig->shard[i].ct, s, rig->now, &view);
    if (flows > rig_stat(rig, CT_STAT_entries))
        return "more flows to read than entries";
    for (uint32_t i = 0; i < rig->n; i++)
        if (ct_stat(rig->shard[i].ct, CT_STAT_work_max) > rig->most_packet)
            return "a packet took more steps than any may";
    for (uint32_t i = 0; i < rig->n; i++)
        if (ct_stat(rig->shard[i].ct, CT_STAT_work_call_max) > rig->most_call)
            return "a call between packets took more steps than any may";
    return NULL;
}
