/* stats.c - /api/v1/stats: counters and gauges
 *
 * Made from the lists of ctcore, so that a new counter or reason shows here
 * unasked.  The first keys are a contract with scripts. */
#include "api/stats.h"
#include "api/flow.h"
#include "api/stats.def"
#include "http/json_rows.h"
#include <web/iface.def>

#include <time.h>

static uint64_t count_dropped(const struct web_stats *stats)
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

static void write_texts(struct json_out *j, const char *key, unsigned n)
{
    unsigned i;

    json_out_object(j, key);
    for (i = CT_REASON_NONE + 1; i < n; i++)
        json_out_string(j, ct_reason_name(i), ct_reason_text(i));
    json_out_end_object(j);
}

static void write_overflow(struct json_out *j, const char *key,
                           const struct web_stats *it)
{
    json_out_object(j, key);
    STATS_OVERFLOW(JSON_PUT)
    json_out_end_object(j);
}

static void write_originated(struct json_out *j, const char *key,
                             const struct web_stats *it)
{
    json_out_object(j, key);
    STATS_ORIGINATED(JSON_PUT)
    json_out_end_object(j);
}

static void write_balance(struct json_out *j, const char *key,
                          const struct web_stats *it)
{
    json_out_object(j, key);
    STATS_BALANCE(JSON_PUT)
    json_out_end_object(j);
}

static void write_iface(struct json_out *j, const struct web_iface *it)
{
    json_out_object(j, it->name);
    IFACE(JSON_PUT)
    json_out_end_object(j);
}

static void write_iface_stats(struct json_out *j, const char *key,
                              const struct web_ifaces *ifaces)
{
    uint32_t i;

    json_out_object(j, key);
    for (i = 0; i < ifaces->n(ifaces->ctx); i++) {
        struct web_iface iface = {0};

        ifaces->read(ifaces->ctx, i, &iface);
        write_iface(j, &iface);
    }
    json_out_end_object(j);
}

static void write_shards(struct json_out *j, const char *key,
                         const struct web_stats *it, uint32_t n)
{
    uint32_t shard;

    json_out_array(j, key);
    for (shard = 0; shard < n; shard++) {
        json_out_object(j, NULL);
        STATS_SHARD(JSON_PUT)
        json_out_end_object(j);
    }
    json_out_end_array(j);
}

static void read_time(char text[32])
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    flow_time(text, (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

enum MHD_Result stats_get(struct request *r)
{
    const struct site *site = r->site;
    const struct web_flows *flows = site->from.flows;
    const struct web_health *health = site->from.health;
    const struct web_stats *it = site->from.stats;
    struct json_out out, *j = &out;
    const char *why = "";
    char time[32], started[32];
    bool ready = health->ready(health->ctx, &why);
    struct buf b;

    read_time(time);
    flow_time(started, site->started_ms);
    json_out_begin(j, &b, REQUEST_BODY_MAX);
    STATS(JSON_PUT)
    json_out_end_object(j);
    return request_answer(r, 200, "application/json", &b);
}
