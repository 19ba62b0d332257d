/* flow.c - one flow as JSON */
#include "api/flow.h"
#include "api/flow.def"
#include "filter/names.h"
#include "http/json_rows.h"

#include <ctcore/lists.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

void flow_time(char text[32], int64_t wall_ms)
{
    time_t s = (time_t)(wall_ms / 1000);
    struct tm tm;

    if (!gmtime_r(&s, &tm) ||
        strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        text[0] = '\0';
}

void flow_id(char text[24], const struct web_flows *flows, uint32_t shard,
             uint32_t slot, uint32_t gen)
{
    uint64_t place = (uint64_t)shard * flows->slots(flows->ctx) + slot;

    (void)snprintf(text, 24, "%" PRIu64 "-%" PRIu32, place, gen);
}

/* Decimal digits without a leading zero, up to top. */
static bool parse_id_digits(const char **text, uint64_t top, uint64_t *out)
{
    const char *p = *text;
    uint64_t n = 0;

    if (*p < '0' || *p > '9' || (*p == '0' && p[1] >= '0' && p[1] <= '9'))
        return false;
    for (; *p >= '0' && *p <= '9'; p++) {
        n = n * 10 + (uint64_t)(*p - '0');
        if (n > top)
            return false;
    }
    *text = p;
    *out = n;
    return true;
}

bool flow_id_read(const char *text, const struct web_flows *flows,
                  uint32_t *shard, uint32_t *slot, uint32_t *gen)
{
    uint64_t slots = flows->slots(flows->ctx), place, n;

    if (!parse_id_digits(&text, (uint64_t)UINT32_MAX * CT_MAX_SHARDS, &place) ||
        *text++ != '-' || !parse_id_digits(&text, UINT32_MAX, &n) || *text)
        return false;
    if (slots == 0 || place / slots >= flows->shards(flows->ctx))
        return false;
    *shard = (uint32_t)(place / slots);
    *slot = (uint32_t)(place % slots);
    *gen = (uint32_t)n;
    return true;
}

static void write_dir(struct json_out *j, const char *key,
                      const struct ct_view *v, enum ct_dir dir)
{
    const struct ct_tuple *t = &v->tuple[dir];
    char text[46];

    json_out_object(j, key);
    TUPLE(JSON_PUT)
    json_out_end_object(j);
}

static void write_status(struct json_out *j, const char *key, uint32_t status)
{
    uint32_t bit;

    json_out_array(j, key);
    for (bit = 1; bit; bit <<= 1)
        if ((status & bit) && names_status(bit))
            json_out_string(j, NULL, names_status(bit));
    json_out_end_array(j);
}

static void write_labels(struct json_out *j, const char *key,
                         const struct ct_view *v)
{
    uint32_t bit;

    json_out_array(j, key);
    for (bit = 0; bit < 128; bit++)
        if (v->labels[bit >> 6] >> (bit & 63) & 1)
            json_out_u64(j, NULL, bit);
    json_out_end_array(j);
}

static void write_timeouts(struct json_out *j, const char *key,
                           const struct ct_view *v)
{
    unsigned i;

    json_out_object(j, key);
    for (i = 0; i < v->n_timeouts; i++)
        if (v->timeouts[i])
            json_out_u64(j, ct_param_info(v->first_timeout + i)->name,
                         v->timeouts[i]);
    json_out_end_object(j);
}

void flow_write(struct json_out *j, const char *key,
                const struct web_flows *flows, uint32_t shard,
                const struct ct_view *v, ct_time at, bool ended)
{
    const struct ct_tuple *t = &v->tuple[CT_DIR_ORIGINAL];
    uint16_t back = v->tuple[CT_DIR_REPLY].zone;
    uint32_t left = ct_time_left_s(v->expires, at);
    char id[24], master[24], start[32];

    flow_id(id, flows, shard, v->slot, v->gen);
    if (v->has_master)
        flow_id(master, flows, shard, v->master_slot, v->master_gen);
    if (v->has_start)
        flow_time(start, flows->wall_ms(flows->ctx, v->start));
    json_out_object(j, key);
    FLOW(JSON_PUT)
    json_out_end_object(j);
}
