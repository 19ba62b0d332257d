/* websource.c - answers what the web asks: include/web/sources.h */
#include "control/websource.h"

#include "control/private.h"
#include "control/totals.h"
#include "system/clock.h"

#include <string.h>

/* ---- counters ---- */

static uint64_t read_stat(void *ctx, uint32_t shard, enum ct_stat which)
{
    const struct control *c = ctx;
    bool one = shard < c->n_workers;

    return totals_stat(c->worker + (one ? shard : 0), one ? 1 : c->n_workers,
                       which);
}

static uint64_t drops(void *ctx, uint32_t shard, enum ct_reason reason)
{
    const struct control *c = ctx;
    bool one = shard < c->n_workers;

    return totals_drops(c->worker + (one ? shard : 0), one ? 1 : c->n_workers,
                        reason);
}

/* ---- flows ---- */

static uint32_t shards(void *ctx)
{
    return ((struct control *)ctx)->n_workers;
}

static uint32_t slots(void *ctx)
{
    return ct_slots(worker_ct(((struct control *)ctx)->worker[0]));
}

static uint32_t max(void *ctx)
{
    return ((struct control *)ctx)->now->config->core.max;
}

static uint32_t buckets(void *ctx)
{
    struct control *c = ctx;

    return c->n_workers * ct_buckets(worker_ct(c->worker[0]));
}

static uint64_t count_flows(void *ctx)
{
    return read_stat(ctx, CT_NONE, CT_STAT_entries);
}

static bool read_flow(void *ctx, uint32_t shard, uint32_t slot,
                      struct ct_view *v)
{
    struct control *c = ctx;

    return shard < c->n_workers &&
           ct_read(worker_ct(c->worker[shard]), slot, clock_now(), v);
}

static ct_time now(void *ctx)
{
    (void)ctx;
    return clock_now();
}

static int64_t wall_ms(void *ctx, ct_time t)
{
    (void)ctx;
    return clock_wall_ms() + (int64_t)t.ms - (int64_t)clock_now().ms;
}

static const char *iface_name(void *ctx, uint8_t iface)
{
    struct control *c = ctx;

    return iface < c->n_devices ? c->now->config->iface[iface].name : "";
}

static void want_events(void *ctx, bool on)
{
    struct control *c = ctx;
    uint32_t mask = 0;

    if (on)
        mask = (uint32_t)CT_EVENT_NEW | (uint32_t)CT_EVENT_RELATED |
               (uint32_t)CT_EVENT_DESTROY | CT_EVENT_UPDATE;
    for (uint32_t i = 0; i < c->n_workers; i++)
        worker_subscribe(c->worker[i], mask);
}

/* ---- flows that are deleted ---- */

static uint32_t remove_begin(void *ctx)
{
    struct control *c = ctx;

    return removal_begin(c->removal, c->worker, c->n_workers);
}

static bool remove_one(void *ctx, uint32_t ticket, uint32_t shard,
                       uint32_t slot, uint32_t gen)
{
    struct control *c = ctx;

    return shard < c->n_workers &&
           removal_one(c->removal, ticket, c->worker, shard, slot, gen);
}

static bool remove_all(void *ctx, uint32_t ticket)
{
    struct control *c = ctx;

    return removal_flush(c->removal, ticket, c->worker, c->n_workers);
}

static bool remove_done(void *ctx, uint32_t ticket, uint64_t *deleted)
{
    struct control *c = ctx;

    return removal_done(c->removal, ticket, c->worker, c->n_workers, deleted);
}

static void remove_end(void *ctx, uint32_t ticket)
{
    removal_end(((struct control *)ctx)->removal, ticket);
}

/* ---- flows that were announced ---- */

static uint32_t expects(void *ctx)
{
    return ct_expects(worker_ct(((struct control *)ctx)->worker[0]));
}

static uint64_t count_expects(void *ctx)
{
    return read_stat(ctx, CT_NONE, CT_STAT_expectations);
}

static bool read_expect(void *ctx, uint32_t shard, uint32_t number,
                        struct ct_expect_view *v)
{
    struct control *c = ctx;

    return shard < c->n_workers &&
           ct_read_expect(worker_ct(c->worker[shard]), number, clock_now(), v);
}

/* ---- interfaces ---- */

static uint32_t ifaces(void *ctx)
{
    return ((struct control *)ctx)->n_devices;
}

static void read_iface(void *ctx, uint32_t i, struct web_iface *out)
{
    struct control *c = ctx;
    struct device *d = &c->device[i];
    struct worker_counts sum = {0};
    struct netlink_link link;

    for (uint32_t k = 0; k < c->n_workers; k++)
        worker_count(c->worker[k], i, &sum);
    *out = (struct web_iface){
        .name = c->now->config->iface[i].name,
        .tun = d->tun.name,
        .mtu = d->tun.config.mtu,
        .rx_packets = sum.rx_packets,
        .rx_bytes = sum.rx_bytes,
        .tx_packets = sum.tx_packets,
        .tx_bytes = sum.tx_bytes,
        .rx_errors = sum.rx_errors,
        .tx_errors = sum.tx_errors,
    };
    if (d->lost) {
        out->state = "degraded";
    } else if (netlink_link(c->nl, d->tun.name, &link) < 0) {
        out->state = "unknown";
    } else {
        out->state = link.up ? "up" : "down";
        out->device_known = true;
        out->dev_dropped = link.tx_dropped;
    }
}

/* ---- rules ---- */

static uint32_t rules(void *ctx)
{
    return ((struct control *)ctx)->now->config->rules.n;
}

static void read_rule(void *ctx, uint32_t i, struct web_rule *out)
{
    struct control *c = ctx;
    struct generation *g = c->now;

    *out = (struct web_rule){.rule = &g->config->rules.rules[i],
                             .text = g->config->rule_text[i]};
    for (uint32_t k = 0; k < g->n_workers; k++) {
        const struct ct_rule_count *n = &g->setup[k].counts[i];

        out->packets += __atomic_load_n(&n->packets, __ATOMIC_RELAXED);
        out->bytes += __atomic_load_n(&n->bytes, __ATOMIC_RELAXED);
    }
}

static uint64_t rules_serial(void *ctx, size_t *text)
{
    const struct generation *g = ((struct control *)ctx)->now;

    *text = g->config->rule_text_len;
    return g->serial;
}

/* ---- queues ---- */

static uint32_t queues(void *ctx)
{
    struct control *c = ctx;

    return c->queue != NULL ? c->now->config->n_queues : 0;
}

static void read_queue(void *ctx, uint32_t i, struct web_queue *out)
{
    queue_list(((struct control *)ctx)->queue, i, out);
}

/* ---- health ---- */

static bool ready(void *ctx, const char **why)
{
    return system_health_ready(&((struct control *)ctx)->health, why);
}

static uint32_t checks(void *ctx)
{
    return ((struct control *)ctx)->health.n;
}

static void read_check(void *ctx, uint32_t i, struct web_check *out)
{
    static const char *const levels[] = {"ok", "warn", "fail"};
    const struct health_check *c = &((struct control *)ctx)->health.check[i];

    *out = (struct web_check){.name = c->name,
                              .level = levels[c->level],
                              .detail = c->detail,
                              .since_ms = wall_ms(ctx, c->since)};
}

void websource_setup(struct control *c)
{
    c->source.stats = (struct web_stats){
        .ctx = c,
        .stat = read_stat,
        .drops = drops,
    };
    c->source.flows = (struct web_flows){
        .ctx = c,
        .shards = shards,
        .slots = slots,
        .max = max,
        .buckets = buckets,
        .count = count_flows,
        .read = read_flow,
        .now = now,
        .wall_ms = wall_ms,
        .iface_name = iface_name,
        .want_events = want_events,
    };
    c->source.removal = (struct web_removal){
        .ctx = c,
        .begin = remove_begin,
        .one = remove_one,
        .all = remove_all,
        .done = remove_done,
        .end = remove_end,
    };
    c->source.expects = (struct web_expects){
        .ctx = c,
        .each = expects,
        .count = count_expects,
        .read = read_expect,
    };
    c->source.ifaces = (struct web_ifaces){
        .ctx = c,
        .n = ifaces,
        .read = read_iface,
    };
    c->source.rules = (struct web_rules){
        .ctx = c,
        .n = rules,
        .read = read_rule,
        .serial = rules_serial,
    };
    c->source.queues = (struct web_queues){
        .ctx = c,
        .n = queues,
        .read = read_queue,
    };
    c->source.health = (struct web_health){
        .ctx = c,
        .ready = ready,
        .n = checks,
        .check = read_check,
    };
}

struct web_sources websource_all(const struct control *c)
{
    const struct websource *s = &c->source;

    return (struct web_sources){
        .flows = &s->flows,
        .removal = &s->removal,
        .expects = &s->expects,
        .stats = &s->stats,
        .ifaces = &s->ifaces,
        .rules = &s->rules,
        .queues = &s->queues,
        .health = &s->health,
    };
}
