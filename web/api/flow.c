/* flow.c - one flow as JSON */
#include "api/flow.h"
#include "filter/names.h"

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
             const struct ct_view *v)
{
    uint64_t place = (uint64_t)shard * flows->slots(flows->ctx) + v->slot;

    (void)snprintf(text, 24, "%" PRIu64 "-%" PRIu32, place, v->gen);
}

/* Decimal digits without a leading zero, up to top. */
static bool digits(const char **text, uint64_t top, uint64_t *out)
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

    if (!digits(&text, (uint64_t)UINT32_MAX * CT_MAX_SHARDS, &place) ||
        *text++ != '-' || !digits(&text, UINT32_MAX, &n) || *text)
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
    json_out_string(j, "src", names_addr(t->family, &t->src, text));
    json_out_string(j, "dst", names_addr(t->family, &t->dst, text));
    if (ct_proto_is_icmp(t->proto)) {
        json_out_u64(j, "type", t->dport >> 8);
        json_out_u64(j, "code", t->dport & 0xffu);
        json_out_u64(j, "id", t->sport);
    } else if (ct_proto_has_ports(t->proto)) {
        json_out_u64(j, "sport", t->sport);
        json_out_u64(j, "dport", t->dport);
    } else if (t->proto == CT_PROTO_GRE) {
        json_out_u64(j, "srckey", t->sport);
        json_out_u64(j, "dstkey", t->dport);
    }
    if (t->proto == CT_PROTO_SCTP) /* what packets of this direction bear */
        json_out_u64(j, "vtag", v->proto.sctp.vtag[dir]);
    if (v->has_acct) {
        json_out_u64(j, "packets", v->packets[dir]);
        json_out_u64(j, "bytes", v->bytes[dir]);
    }
    json_out_end_object(j);
}

void flow_write(struct json_out *j, const char *key,
                const struct web_flows *flows, uint32_t shard,
                const struct ct_view *v, ct_time at, bool ended)
{
    const struct ct_tuple *t = &v->tuple[CT_DIR_ORIGINAL];
    uint16_t back = v->tuple[CT_DIR_REPLY].zone;
    uint32_t left = ct_time_left_s(v->expires, at), bit;
    char text[32];

    json_out_object(j, key);
    flow_id(text, flows, shard, v);
    json_out_string(j, "id", text);
    json_out_string(j, "family", names_family(t->family));
    json_out_string(j, "protocol", names_proto(t->proto));
    json_out_u64(j, "protonum", t->proto);
    json_out_string(j, "state", v->state ? v->state : "");
    if (left || !ended)
        json_out_u64(j, "timeout", left);
    json_out_array(j, "status");
    for (bit = 1; bit; bit <<= 1)
        if ((v->status & bit) && names_status(bit))
            json_out_string(j, NULL, names_status(bit));
    json_out_end_array(j);
    write_dir(j, "original", v, CT_DIR_ORIGINAL);
    write_dir(j, "reply", v, CT_DIR_REPLY);
    json_out_u64(j, "mark", v->mark);
    json_out_u64(j, "zone", t->zone == back ? back : 0);
    if (t->zone != back && t->zone)
        json_out_u64(j, "zone_orig", t->zone);
    if (t->zone != back && back)
        json_out_u64(j, "zone_reply", back);
    if (v->labels[0] | v->labels[1]) {
        json_out_array(j, "labels");
        for (bit = 0; bit < 128; bit++)
            if (v->labels[bit >> 6] >> (bit & 63) & 1)
                json_out_u64(j, NULL, bit);
        json_out_end_array(j);
    }
    json_out_string(j, "in", flows->iface_name(flows->ctx, v->in));
    json_out_string(j, "out", flows->iface_name(flows->ctx, v->out));
    if (v->helper)
        json_out_string(j, "helper", ct_helper_name(v->helper));
    if (v->n_timeouts) {
        json_out_object(j, "timeouts");
        for (unsigned i = 0; i < v->n_timeouts; i++)
            if (v->timeouts[i])
                json_out_u64(j, ct_param_info(v->first_timeout + i)->name,
                             v->timeouts[i]);
        json_out_end_object(j);
    }
    if (v->has_master) {
        const struct ct_view by = {.slot = v->master_slot,
                                   .gen = v->master_gen};

        flow_id(text, flows, shard, &by);
        json_out_string(j, "master", text);
    }
    if (v->has_start) {
        flow_time(text, flows->wall_ms(flows->ctx, v->start));
        json_out_string(j, "start", text);
    }
    json_out_end_object(j);
}
