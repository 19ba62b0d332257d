/* expects.c - /api/v1/expectations: flows that others have announced
 *
 * Walked by place as flows are: shard * expects + number. */
#include "api/expects.h"
#include "api/flow.h"
#include "filter/names.h"
#include "http/problem.h"

#include <ctcore/lists.h>
#include <stdio.h>
#include <string.h>

static void write_ports(struct json_out *j, const struct ct_tuple *t,
                        uint16_t from, uint16_t to)
{
    bool gre = t->proto == CT_PROTO_GRE;

    json_out_u64(j, gre ? "srckey" : "sport", from);
    json_out_u64(j, gre ? "dstkey" : "dport", to);
}

static void write_tuple(struct json_out *j, const struct ct_tuple *t)
{
    char text[46];

    json_out_string(j, "src", names_addr(t->family, &t->src, text));
    json_out_string(j, "dst", names_addr(t->family, &t->dst, text));
    write_ports(j, t, t->sport, t->dport);
}

/* All ones where a packet must agree. */
static void write_mask(struct json_out *j, const struct ct_expect_view *v)
{
    union ct_addr all, src = {.w64 = {0}};
    char text[46];

    memset(&all, 0xff, sizeof(all));
    if (!v->any_src)
        src = all;
    json_out_object(j, "mask");
    json_out_string(j, "src", names_addr(v->tuple.family, &src, text));
    json_out_string(j, "dst", names_addr(v->tuple.family, &all, text));
    write_ports(j, &v->tuple, v->any_sport ? 0 : 0xffff, 0xffff);
    json_out_end_object(j);
}

static void write_expect(struct json_out *j, const struct web_flows *flows,
                         uint32_t shard, const struct ct_expect_view *v)
{
    const struct ct_view master = {.slot = v->master_slot,
                                   .gen = v->master_gen};
    char id[24];

    json_out_object(j, NULL);
    json_out_string(j, "family", names_family(v->tuple.family));
    json_out_string(j, "protocol", names_proto(v->tuple.proto));
    json_out_u64(j, "protonum", v->tuple.proto);
    json_out_u64(j, "timeout",
                 ct_time_left_s(v->expires, flows->now(flows->ctx)));
    write_tuple(j, &v->tuple);
    write_mask(j, v);
    json_out_object(j, "master");
    flow_id(id, flows, shard, &master);
    json_out_string(j, "id", id);
    write_tuple(j, &v->master);
    json_out_end_object(j);
    json_out_u64(j, "zone", v->tuple.zone);
    json_out_bool(j, "permanent", v->permanent);
    json_out_u64(j, "class", v->class);
    json_out_string(j, "helper", ct_helper_name(v->helper));
    json_out_end_object(j);
}

enum MHD_Result expects_list(struct request *r)
{
    const struct web_expects *expects = r->site->from.expects;
    const struct web_flows *flows = r->site->from.flows;
    uint32_t each = expects->each(expects->ctx), rows = 0;
    uint64_t all = (uint64_t)flows->shards(flows->ctx) * each,
             at = r->query.from;
    struct ct_expect_view v;
    struct json_out j;
    struct buf b;

    if (at > all)
        return problem_parameter(r, "cursor",
                                 "not a cursor that this router gave");
    json_out_begin(&j, &b, REQUEST_BODY_MAX);
    json_out_array(&j, "expectations");
    for (; at < all && rows < r->query.limit; at++)
        if (expects->read(expects->ctx, (uint32_t)(at / each),
                          (uint32_t)(at % each), &v)) {
            write_expect(&j, flows, (uint32_t)(at / each), &v);
            rows++;
        }
    request_end_page(&j, at, all, rows, expects->count(expects->ctx));
    return request_answer(r, 200, "application/json", &b);
}
