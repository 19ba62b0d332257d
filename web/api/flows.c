/* flows.c - /api/v1/flows: list, one, delete
 *
 * The table is walked by place: shard * slots + slot.  Places never move, so a
 * flow that lives through the walk is shown exactly once, whatever comes and
 * goes.  A walk never holds the loop for long (job.h): a page looks at LOOK
 * places at most and then gives a cursor (it may hold fewer rows than asked,
 * even none), a stream goes on when the client has taken what there was, and
 * all let the loop turn between their slices. */
#include "api/flows.h"
#include "api/flow.def"
#include "api/flow.h"
#include "http/job.h"
#include "http/json_rows.h"
#include "http/pace.h"
#include "http/problem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOOK = 1 << 20, /* places of one page */
    AGAIN_MS = 2    /* until a full mailbox is tried again */
};

static uint64_t count_places(const struct web_flows *flows)
{
    return (uint64_t)flows->shards(flows->ctx) * flows->slots(flows->ctx);
}

/* One walk over the places from at up to end. */
struct places_walk {
    struct site *site;
    struct pace pace;
    struct filter filter;
    uint64_t at, end;
    uint32_t shard; /* of the flow found */
    struct ct_view view;
};

static void begin_walk(struct places_walk *p, struct request *r, uint64_t most)
{
    uint64_t all = count_places(r->site->from.flows);

    p->site = r->site;
    p->filter = r->query.filter;
    p->at = r->query.from;
    p->end = all - p->at > most ? p->at + most : all;
    pace_begin(p->site, &p->pace);
}

/* The next matching flow; at is then behind it.  False: there is none, or this
 * turn's share is used up. */
static bool next_flow(struct places_walk *p)
{
    const struct web_flows *flows = p->site->from.flows;
    uint32_t slots = flows->slots(flows->ctx);

    while (p->at < p->end && pace_take(p->site, &p->pace, 1)) {
        uint64_t place = p->at++;

        p->shard = (uint32_t)(place / slots);
        if (flows->read(flows->ctx, p->shard, (uint32_t)(place % slots),
                        &p->view) &&
            filter_match(&p->filter, &p->view, flows)) {
            (void)pace_take(p->site, &p->pace, PACE_ROW);
            return true;
        }
    }
    return false;
}

static void write_flow_row(struct json_out *j, const struct places_walk *p)
{
    const struct web_flows *flows = p->site->from.flows;

    flow_write(j, NULL, flows, p->shard, &p->view, flows->now(flows->ctx),
               false);
}

static bool wants_stream(struct request *r)
{
    return request_accepts(r, "application/x-ndjson");
}

/* ---- the whole list, row by row ---- */

struct streaming {
    struct places_walk walk;
    struct conn *conn;
    size_t have, sent; /* of text */
    char text[FLOW_TEXT_MAX];
};

/* Text of the next row within this turn's share; false: none. */
static bool fill_flow_row(struct streaming *s)
{
    struct json_out j;
    struct buf b;

    s->have = s->sent = 0;
    while (next_flow(&s->walk)) {
        buf_over(&b, s->text, sizeof(s->text));
        json_out_init(&j, &b);
        write_flow_row(&j, &s->walk);
        buf_put(&b, "\n", 1);
        if (b.failed)
            continue; /* FLOW_TEXT_MAX is our promise: a test holds it */
        s->have = b.len;
        return true;
    }
    return false;
}

/* Answering 0 here makes MHD ask again in its next turn, after the other
 * connections: wanted, since each call has moved on by its share. */
static ssize_t read_flow_rows(void *cls, uint64_t pos, char *out, size_t max)
{
    struct streaming *s = cls;
    size_t n = 0;

    (void)pos;
    if (s->walk.site->stopping || s->conn->fd < 0)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    while (n < max) {
        size_t some = s->have - s->sent;

        if (some == 0) {
            if (fill_flow_row(s))
                continue;
            break;
        }
        if (some > max - n)
            some = max - n;
        memcpy(out + n, s->text + s->sent, some);
        s->sent += some;
        n += some;
    }
    if (n == 0 && s->walk.at >= s->walk.end)
        return MHD_CONTENT_READER_END_OF_STREAM;
    return (ssize_t)n;
}

static void end_stream(void *cls)
{
    struct streaming *s = cls;

    pace_end(s->walk.site);
    free(s);
}

static enum MHD_Result list_stream(struct request *r)
{
    struct streaming *s = calloc(1, sizeof(*s));

    if (!s)
        return problem_answer(r, 503, "out of memory");
    s->conn = r->conn;
    begin_walk(&s->walk, r, UINT64_MAX);
    return request_answer_flow(r, "application/x-ndjson", read_flow_rows, s,
                               end_stream);
}

/* ---- a page ---- */

struct page {
    struct job job; /* first */
    struct places_walk walk;
    uint32_t rows, limit;
    struct json_out j;
    struct buf b;
};

static int step_page(struct job *job)
{
    struct page *p = (struct page *)job;

    while (p->rows < p->limit && next_flow(&p->walk)) {
        write_flow_row(&p->j, &p->walk);
        p->rows++;
    }
    return p->rows < p->limit && p->walk.at < p->walk.end ? JOB_NEXT_MS
                                                          : JOB_DONE;
}

static void end_page(struct job *job)
{
    struct page *p = (struct page *)job;

    pace_end(p->walk.site);
    buf_free(&p->b);
}

static enum MHD_Result answer_page(struct request *r)
{
    struct page *p = r->conn->work;
    const struct web_flows *flows = r->site->from.flows;

    request_end_page(&p->j, p->walk.at, count_places(flows), p->rows,
                     flows->count(flows->ctx));
    return request_answer(r, 200, "application/json", &p->b);
}

enum MHD_Result flows_list(struct request *r)
{
    struct json_out *j;
    struct page *p;

    if (r->query.from > count_places(r->site->from.flows))
        return problem_parameter(r, "cursor",
                                 "not a cursor that this router gave");
    if (wants_stream(r))
        return list_stream(r);
    p = calloc(1, sizeof(*p));
    if (!p)
        return problem_answer(r, 503, "out of memory");
    p->limit = r->query.limit;
    begin_walk(&p->walk, r, LOOK);
    j = &p->j;
    json_out_begin(j, &p->b, REQUEST_BODY_MAX);
    FLOWS_LIST(JSON_BEGIN)
    return job_start(&p->job, r, step_page, answer_page, end_page);
}

/* ---- one ---- */

/* The flow that r->id means; false: there is none. */
static bool find_flow_by_id(struct request *r, uint32_t *shard,
                            struct ct_view *v)
{
    const struct web_flows *flows = r->site->from.flows;
    uint32_t slot, gen;

    return flow_id_read(r->id, flows, shard, &slot, &gen) &&
           flows->read(flows->ctx, *shard, slot, v) && v->gen == gen;
}

enum MHD_Result flows_get(struct request *r)
{
    const struct web_flows *flows = r->site->from.flows;
    struct json_out j;
    struct ct_view v;
    struct buf b;
    uint32_t shard;

    if (!find_flow_by_id(r, &shard, &v))
        return problem_answer(r, 404, "no such flow, or no longer");
    buf_init(&b, REQUEST_BODY_MAX);
    json_out_init(&j, &b);
    flow_write(&j, NULL, flows, shard, &v, flows->now(flows->ctx), false);
    return request_answer(r, 200, "application/json", &b);
}

/* ---- deleting ----
 *
 * The owners delete; the answer waits until they have, and says what they
 * counted. */

struct sweep {
    struct job job; /* first */
    struct places_walk walk;
    uint32_t ticket;
    bool dry_run, ordered;
    uint64_t n;
    /* of one flow */
    uint32_t slot, gen;
};

/* JOB_DONE once all that was ordered is done. */
static int await_sweep(struct sweep *s)
{
    const struct web_removal *removal = s->walk.site->from.removal;

    s->ordered = true;
    if (s->dry_run || removal->done(removal->ctx, s->ticket, &s->n))
        return JOB_DONE;
    return JOB_NEXT_MS;
}

static int step_sweep(struct job *job)
{
    struct sweep *s = (struct sweep *)job;
    const struct web_removal *removal = s->walk.site->from.removal;

    while (next_flow(&s->walk)) {
        const struct ct_view *v = &s->walk.view;

        if (!s->dry_run && !removal->one(removal->ctx, s->ticket, s->walk.shard,
                                         v->slot, v->gen)) {
            s->walk.at--; /* the mailbox is full: this one again, later */
            return AGAIN_MS;
        }
        s->n += s->dry_run;
    }
    return s->walk.at < s->walk.end ? JOB_NEXT_MS : await_sweep(s);
}

static int step_flush(struct job *job)
{
    struct sweep *s = (struct sweep *)job;
    const struct web_removal *removal = s->walk.site->from.removal;

    if (!s->ordered && !removal->all(removal->ctx, s->ticket))
        return AGAIN_MS;
    return await_sweep(s);
}

static int step_one(struct job *job)
{
    struct sweep *s = (struct sweep *)job;
    const struct web_removal *removal = s->walk.site->from.removal;

    if (!s->ordered &&
        !removal->one(removal->ctx, s->ticket, s->walk.shard, s->slot, s->gen))
        return AGAIN_MS;
    return await_sweep(s);
}

static void end_sweep(struct job *job)
{
    struct sweep *s = (struct sweep *)job;
    const struct web_removal *removal = s->walk.site->from.removal;

    if (!s->dry_run)
        removal->end(removal->ctx, s->ticket);
    pace_end(s->walk.site);
}

static enum MHD_Result tell_sweep(struct request *r, bool dry_run, uint64_t n)
{
    struct json_out out, *j = &out;
    struct buf b;

    json_out_begin(j, &b, 4096);
    DELETED(JSON_PUT)
    json_out_end_object(j);
    return request_answer(r, 200, "application/json", &b);
}

static enum MHD_Result answer_sweep(struct request *r)
{
    const struct sweep *s = r->conn->work;

    return tell_sweep(r, s->dry_run, s->n);
}

static enum MHD_Result answer_one(struct request *r)
{
    const struct sweep *s = r->conn->work;
    struct buf none = {0};

    if (s->n == 0)
        return problem_answer(r, 404, "no such flow, or no longer");
    return request_answer(r, 204, NULL, &none);
}

/* NULL: it has been answered, with *result. */
static struct sweep *begin_sweep(struct request *r, enum MHD_Result *result)
{
    const struct web_removal *removal = r->site->from.removal;
    struct sweep *s = calloc(1, sizeof(*s));

    if (!s) {
        *result = problem_answer(r, 503, "out of memory");
        return NULL;
    }
    s->dry_run = r->query.dry_run;
    if (!s->dry_run)
        s->ticket = removal->begin(removal->ctx);
    if (!s->dry_run && s->ticket == CT_NONE) {
        free(s);
        *result = problem_answer_with(r, 503, "too many deletions at once",
                                      "Retry-After", "1");
        return NULL;
    }
    begin_walk(&s->walk, r, UINT64_MAX);
    return s;
}

enum MHD_Result flows_delete_one(struct request *r)
{
    enum MHD_Result result;
    struct ct_view v;
    struct sweep *s;
    uint32_t shard;

    if (!find_flow_by_id(r, &shard, &v))
        return problem_answer(r, 404, "no such flow, or no longer");
    r->query.dry_run = false;
    s = begin_sweep(r, &result);
    if (!s)
        return result;
    s->walk.shard = shard;
    s->slot = v.slot;
    s->gen = v.gen;
    return job_start(&s->job, r, step_one, answer_one, end_sweep);
}

enum MHD_Result flows_delete(struct request *r)
{
    const struct web_flows *flows = r->site->from.flows;
    enum MHD_Result result;
    struct sweep *s;

    if (r->query.filter.n == 0 && !r->query.all)
        return problem_answer(r, 422,
                              "no filter: say all=true to delete every flow");
    if (r->query.filter.n == 0 && r->query.dry_run)
        return tell_sweep(r, true, flows->count(flows->ctx));
    s = begin_sweep(r, &result);
    if (!s)
        return result;
    return job_start(&s->job, r,
                     r->query.filter.n == 0 ? step_flush : step_sweep,
                     answer_sweep, end_sweep);
}
