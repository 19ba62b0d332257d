/* expects.c - /api/v1/expectations: flows that others have announced
 *
 * Walked by place as flows are: shard * expects + number. */
#include "api/expects.h"
#include "api/expect.def"
#include "api/flow.h"
#include "filter/names.h"
#include "http/json_rows.h"
#include "http/problem.h"

#include <ctcore/lists.h>
#include <stdio.h>
#include <string.h>

/* What stands at both ends of a tuple, or of a mask. */
struct ends {
    char src[46], dst[46];
    uint16_t from, to;
    bool gre;
};

static void fill_ends(struct ends *e, const struct ct_tuple *t)
{
    (void)names_addr(t->family, &t->src, e->src);
    (void)names_addr(t->family, &t->dst, e->dst);
    e->from = t->sport;
    e->to = t->dport;
    e->gre = t->proto == CT_PROTO_GRE;
}

/* All ones where a packet must agree. */
static void write_mask(struct json_out *j, const char *key,
                       const struct ct_expect_view *v)
{
    struct ct_tuple all = v->tuple;
    struct ends ends, *e = &ends;

    memset(&all.src, v->any_src ? 0 : 0xff, sizeof(all.src));
    memset(&all.dst, 0xff, sizeof(all.dst));
    all.sport = v->any_sport ? 0 : 0xffff;
    all.dport = 0xffff;
    fill_ends(e, &all);
    json_out_object(j, key);
    ENDS(JSON_PUT)
    json_out_end_object(j);
}

static void write_master(struct json_out *j, const char *key,
                         const struct web_flows *flows, uint32_t shard,
                         const struct ct_expect_view *v)
{
    struct ends ends, *e = &ends;
    char id[24];

    flow_id(id, flows, shard, v->master_slot, v->master_gen);
    fill_ends(e, &v->master);
    json_out_object(j, key);
    MASTER(JSON_PUT)
    json_out_end_object(j);
}

static void write_expect(struct json_out *j, const struct web_flows *flows,
                         uint32_t shard, const struct ct_expect_view *v)
{
    struct ends ends, *e = &ends;

    fill_ends(e, &v->tuple);
    json_out_object(j, NULL);
    EXPECT(JSON_PUT)
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
    struct json_out out, *j = &out;
    struct buf b;

    if (at > all)
        return problem_parameter(r, "cursor",
                                 "not a cursor that this router gave");
    json_out_begin(j, &b, REQUEST_BODY_MAX);
    EXPECTS_LIST(JSON_BEGIN)
    for (; at < all && rows < r->query.limit; at++)
        if (expects->read(expects->ctx, (uint32_t)(at / each),
                          (uint32_t)(at % each), &v)) {
            write_expect(j, flows, (uint32_t)(at / each), &v);
            rows++;
        }
    request_end_page(j, at, all, rows, expects->count(expects->ctx));
    return request_answer(r, 200, "application/json", &b);
}
