/* stats.c - /api/v1/stats: counters and gauges
 *
 * Made from the lists of ctcore, so that a new counter or reason shows here
 * unasked.  The first keys are a contract with scripts. */
#include "api/stats.h"
#include "api/flow.h"
#include "http/json_out.h"

#include <time.h>

static uint64_t dropped(const struct web_stats *stats)
{
    uint64_t n = 0;
    unsigned i;

    for (i = CT_REASON_NONE + 1; i < CT_N_REASONS; i++)
        if (ct_reason_kind(i) == 'D')
            n += stats->drops(stats->ctx, CT_NONE, (enum ct_reason)i);
    return n;
}

static void write_counters(struct json_out *j, const char *key,
                           const struct web_stats *stats, uint32_t shard)
{
    unsigned i;

    json_out_object(j, key);
    for (i = 0; i < CT_N_STATS; i++)
        json_out_u64(j, ct_stat_name(i),
                     stats->stat(stats->ctx, shard, (enum ct_stat)i));
    json_out_end_object(j);
}

static void write_reasons(struct json_out *j, const char *key,
                          const struct web_stats *stats, char kind)
{
    unsigned i;

    json_out_object(j, key);
    for (i = CT_REASON_NONE + 1; i < CT_N_REASONS; i++)
        if (ct_reason_kind(i) == kind)
            json_out_u64(j, ct_reason_name(i),
                         stats->drops(stats->ctx, CT_NONE, (enum ct_reason)i));
    json_out_end_object(j);
}

static void write_texts(struct json_out *j)
{
    unsigned i;

    json_out_object(j, "texts");
    for (i = CT_REASON_NONE + 1; i < CT_N_REASONS; i++)
        json_out_string(j, ct_reason_name(i), ct_reason_text(i));
    json_out_end_object(j);
}

static void write_overflow(struct json_out *j, const struct web_stats *stats)
{
    json_out_object(j, "overflow");
    json_out_u64(j, "table_full", web_stats_all(stats, CT_STAT_table_full));
    json_out_u64(j, "early_drop", web_stats_all(stats, CT_STAT_early_drop));
    json_out_u64(j, "no_port", web_stats_all(stats, CT_STAT_no_port));
    json_out_u64(j, "source_share", web_stats_all(stats, CT_STAT_source_share));
    json_out_u64(j, "insert_failed",
                 web_stats_all(stats, CT_STAT_insert_failed));
    json_out_u64(j, "chaintoolong", web_stats_all(stats, CT_STAT_chaintoolong));
    json_out_end_object(j);
}

/* in = forwarded + local + dropped + held + merged; out = forwarded +
 * originated. */
static void write_count(struct json_out *j, const struct web_stats *stats)
{
    json_out_object(j, "count");
    json_out_u64(j, "in", web_stats_all(stats, CT_STAT_pkts_in));
    json_out_u64(j, "forwarded", web_stats_all(stats, CT_STAT_forwarded));
    json_out_u64(j, "local", web_stats_all(stats, CT_STAT_local));
    json_out_u64(j, "dropped", dropped(stats));
    json_out_u64(j, "held", web_stats_all(stats, CT_STAT_held));
    json_out_u64(j, "merged", web_stats_all(stats, CT_STAT_frags_merged));
    json_out_u64(j, "out", web_stats_all(stats, CT_STAT_pkts_out));
    json_out_object(j, "originated");
    json_out_u64(j, "echo", web_stats_all(stats, CT_STAT_orig_echo));
    json_out_u64(j, "rst", web_stats_all(stats, CT_STAT_orig_rst));
    json_out_u64(j, "error", web_stats_all(stats, CT_STAT_orig_error));
    json_out_end_object(j);
    json_out_end_object(j);
}

static void write_iface(struct json_out *j, const struct web_iface *i)
{
    json_out_object(j, i->name);
    json_out_string(j, "tun", i->tun);
    json_out_string(j, "state", i->state);
    json_out_u64(j, "mtu", i->mtu);
    json_out_u64(j, "rx_packets", i->rx_packets);
    json_out_u64(j, "rx_bytes", i->rx_bytes);
    json_out_u64(j, "tx_packets", i->tx_packets);
    json_out_u64(j, "tx_bytes", i->tx_bytes);
    json_out_u64(j, "rx_errors", i->rx_errors);
    json_out_u64(j, "tx_errors", i->tx_errors);
    if (i->device_known)
        json_out_u64(j, "dev_dropped", i->dev_dropped);
    else
        json_out_null(j, "dev_dropped");
    json_out_end_object(j);
}

static void write_ifaces(struct json_out *j, const struct web_ifaces *ifaces)
{
    uint32_t i;

    json_out_object(j, "interfaces");
    for (i = 0; i < ifaces->n(ifaces->ctx); i++) {
        struct web_iface iface = {0};

        ifaces->read(ifaces->ctx, i, &iface);
        write_iface(j, &iface);
    }
    json_out_end_object(j);
}

static void write_router(struct json_out *j, struct request *r)
{
    const struct web_health *health = r->site->from.health;
    const char *why = "";
    struct timespec now;
    char text[32];
    int64_t ms;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    json_out_string(j, "version", r->site->version);
    flow_time(text, ms);
    json_out_string(j, "time", text);
    flow_time(text, r->site->started_ms);
    json_out_string(j, "started", text);
    json_out_bool(j, "ready", health->ready(health->ctx, &why));
    json_out_string(j, "why", why ? why : "");
}

enum MHD_Result stats_get(struct request *r)
{
    const struct web_sources *from = &r->site->from;
    const struct web_flows *flows = from->flows;
    const struct web_stats *stats = from->stats;
    struct json_out j;
    struct buf b;
    uint32_t i;

    json_out_begin(&j, &b, REQUEST_BODY_MAX);
    json_out_u64(&j, "entries", web_stats_all(stats, CT_STAT_entries));
    json_out_u64(&j, "max", flows->max(flows->ctx));
    json_out_u64(&j, "buckets", flows->buckets(flows->ctx));
    write_counters(&j, "counters", stats, CT_NONE);
    write_overflow(&j, stats);
    write_reasons(&j, "drops", stats, 'D');
    write_reasons(&j, "invalid", stats, 'I');
    write_ifaces(&j, from->ifaces);
    json_out_array(&j, "shards");
    for (i = 0; i < flows->shards(flows->ctx); i++) {
        json_out_object(&j, NULL);
        json_out_u64(&j, "shard", i);
        write_counters(&j, "counters", stats, i);
        json_out_end_object(&j);
    }
    json_out_end_array(&j);
    write_count(&j, stats);
    write_texts(&j);
    write_router(&j, r);
    json_out_end_object(&j);
    return request_answer(r, 200, "application/json", &b);
}
