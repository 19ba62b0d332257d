/* flows.c - /api/v1/flows: list, one, delete
 *
 * The table is walked by place: shard * slots + slot.  Places never move, so a
 * flow that lives through the walk is shown exactly once, whatever comes and
 * goes.  A walk never holds the loop for long: a page looks at LOOK places at
 * most and then gives a cursor (it may hold fewer rows than asked, even none),
 * a stream goes on when the client has taken what there was, and a deletion
 * lets the loop turn between its slices. */
#include "flows.h"
#include "flow.h"
#include "problem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOOK = 1 << 20,  /* places of one page */
    SLICE = 1 << 16, /* places of one turn of a stream or a deletion */
    NEXT_MS = 1,     /* 0 would be this turn again, with libuv before 1.45 */
    AGAIN_MS = 2     /* until a full mailbox is tried again */
};

static uint64_t places(const struct web_source *src)
{
    return (uint64_t)src->shards(src->ctx) * src->slots(src->ctx);
}

/* The next matching flow at or after *at, looking at most until end; *at is
 * then behind it.  False: there is none. */
static bool next_flow(const struct web_source *src, const struct filter *f,
                      uint64_t *at, uint64_t end, uint32_t *shard,
                      struct ct_view *v)
{
    uint32_t slots = src->slots(src->ctx);

    while (*at < end) {
        uint64_t place = (*at)++;

        *shard = (uint32_t)(place / slots);
        if (src->read(src->ctx, *shard, (uint32_t)(place % slots), v) &&
            filter_match(f, v, src))
            return true;
    }
    return false;
}

static bool wants_stream(struct request *r)
{
    const char *accept =
        MHD_lookup_connection_value(r->mhd, MHD_HEADER_KIND, "Accept");

    return accept && strstr(accept, "application/x-ndjson");
}

/* ---- the whole list, row by row ---- */

struct streaming {
    const struct web_source *src;
    struct site *site;
    struct filter filter;
    uint64_t at;
    size_t have, sent; /* of text */
    char text[FLOW_TEXT_MAX];
};

/* Text of the next row within this turn's slice; false: none left. */
static bool fill(struct streaming *s)
{
    uint64_t all = places(s->src);
    uint64_t end = s->at + SLICE < all ? s->at + SLICE : all;
    struct json_out j;
    struct ct_view v;
    struct buf b;
    uint32_t shard;

    s->have = s->sent = 0;
    while (next_flow(s->src, &s->filter, &s->at, end, &shard, &v)) {
        buf_over(&b, s->text, sizeof(s->text));
        json_out_init(&j, &b);
        flow_write(&j, NULL, s->src, shard, &v, s->src->now(s->src->ctx),
                   false);
        buf_put(&b, "\n", 1);
        if (b.failed)
            continue; /* FLOW_TEXT_MAX is our promise: a test holds it */
        s->have = b.len;
        return true;
    }
    return false;
}

/* Answering 0 here makes MHD ask again in its next turn, after the other
 * connections: wanted, since each call has moved on by a slice. */
static ssize_t read_rows(void *cls, uint64_t pos, char *out, size_t max)
{
    struct streaming *s = cls;
    size_t n = 0;

    (void)pos;
    if (s->site->stopping)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    while (n < max) {
        size_t some = s->have - s->sent;

        if (some == 0) {
            if (fill(s))
                continue;
            break;
        }
        if (some > max - n)
            some = max - n;
        memcpy(out + n, s->text + s->sent, some);
        s->sent += some;
        n += some;
    }
    if (n == 0 && s->at >= places(s->src))
        return MHD_CONTENT_READER_END_OF_STREAM;
    return (ssize_t)n;
}

static enum MHD_Result list_stream(struct request *r)
{
    struct streaming *s = calloc(1, sizeof(*s));

    if (!s)
        return problem_answer(r, 503, "out of memory");
    s->src = r->site->src;
    s->site = r->site;
    s->filter = r->query.filter;
    s->at = r->query.from;
    return request_answer_flow(r, "application/x-ndjson", read_rows, s, free);
}

/* ---- a page ---- */

enum MHD_Result flows_list(struct request *r)
{
    const struct web_source *src = r->site->src;
    uint64_t all = places(src), at = r->query.from, end;
    struct json_out j;
    struct ct_view v;
    struct buf b;
    uint32_t shard, rows = 0;

    if (at > all)
        return problem_parameter(r, "cursor",
                                 "not a cursor that this router gave");
    if (wants_stream(r))
        return list_stream(r);

    end = all - at > LOOK ? at + LOOK : all;
    json_out_begin(&j, &b, REQUEST_BODY_MAX);
    json_out_array(&j, "flows");
    while (rows < r->query.limit &&
           next_flow(src, &r->query.filter, &at, end, &shard, &v)) {
        flow_write(&j, NULL, src, shard, &v, src->now(src->ctx), false);
        rows++;
    }
    request_end_page(&j, at, all, rows,
                     src->stat(src->ctx, CT_NONE, CT_STAT_entries));
    return request_answer(r, 200, "application/json", &b);
}

/* ---- one ---- */

/* The flow that r->id means; false: there is none. */
static bool find(struct request *r, uint32_t *shard, struct ct_view *v)
{
    const struct web_source *src = r->site->src;
    uint32_t slot, gen;

    return flow_id_read(r->id, src, shard, &slot, &gen) &&
           src->read(src->ctx, *shard, slot, v) && v->gen == gen;
}

enum MHD_Result flows_get(struct request *r)
{
    struct json_out j;
    struct ct_view v;
    struct buf b;
    uint32_t shard;

    if (!find(r, &shard, &v))
        return problem_answer(r, 404, "no such flow, or no longer");
    buf_init(&b, REQUEST_BODY_MAX);
    json_out_init(&j, &b);
    flow_write(&j, NULL, r->site->src, shard, &v,
               r->site->src->now(r->site->src->ctx), false);
    return request_answer(r, 200, "application/json", &b);
}

enum MHD_Result flows_delete_one(struct request *r)
{
    const struct web_source *src = r->site->src;
    struct ct_view v;
    struct buf none = {0};
    uint32_t shard;

    if (!find(r, &shard, &v))
        return problem_answer(r, 404, "no such flow, or no longer");
    if (!src->remove(src->ctx, shard, v.slot, v.gen))
        return problem_answer_with(r, 503, "the flow's owner is busy",
                                   "Retry-After", "1");
    return request_answer(r, 204, NULL, &none);
}

/* ---- many ---- */

struct sweep {
    uv_timer_t timer; /* first: freed by its address */
    struct MHD_Connection *mhd;
    struct site *site;
    struct filter filter;
    bool dry_run;
    bool asleep; /* the connection is suspended */
    uint64_t at, end;
    uint64_t n;
};

static void free_sweep(uv_handle_t *timer)
{
    free(timer);
}

/* The connection's hold on its sweep ends. */
static void drop_sweep(void *work)
{
    struct sweep *s = work;

    uv_close((uv_handle_t *)&s->timer, free_sweep);
}

/* Go on for one slice.  Answers the milliseconds to wait before the next one,
 * or -1: done. */
static int go_on(struct sweep *s)
{
    const struct web_source *src = s->site->src;
    uint64_t end = s->end - s->at > SLICE ? s->at + SLICE : s->end;
    struct ct_view v;
    uint32_t shard;

    while (next_flow(src, &s->filter, &s->at, end, &shard, &v)) {
        if (!s->dry_run && !src->remove(src->ctx, shard, v.slot, v.gen)) {
            s->at--; /* the mailbox is full: this one again, later */
            return AGAIN_MS;
        }
        s->n++;
    }
    return s->at < s->end ? NEXT_MS : -1;
}

/* Have flows_delete() called again. */
static void wake(void *work)
{
    struct sweep *s = work;

    (void)uv_timer_stop(&s->timer);
    if (!s->asleep)
        return;
    s->asleep = false;
    MHD_resume_connection(s->mhd);
}

static void on_timer(uv_timer_t *timer)
{
    struct site *site = ((struct sweep *)timer)->site;
    int wait = go_on((struct sweep *)timer);

    if (wait >= 0) {
        (void)uv_timer_start(timer, on_timer, (uint64_t)wait, 0);
        return;
    }
    wake(timer);
    site->run(site->arg); /* the sweep may be gone by now */
}

static enum MHD_Result tell_sweep(struct request *r, bool dry_run, uint64_t n)
{
    struct json_out j;
    struct buf b;

    buf_init(&b, 4096);
    json_out_init(&j, &b);
    json_out_object(&j, NULL);
    json_out_bool(&j, "dry_run", dry_run);
    json_out_u64(&j, dry_run ? "matched" : "deleted", n);
    json_out_end_object(&j);
    return request_answer(r, 200, "application/json", &b);
}

/* All of them: the owners' own affair, one message a shard. */
static enum MHD_Result flush(struct request *r)
{
    const struct web_source *src = r->site->src;
    uint64_t n = src->stat(src->ctx, CT_NONE, CT_STAT_entries);

    if (!r->query.dry_run && !src->flush(src->ctx))
        return problem_answer_with(r, 503, "the flows' owner is busy",
                                   "Retry-After", "1");
    return tell_sweep(r, r->query.dry_run, n);
}

enum MHD_Result flows_delete(struct request *r)
{
    struct sweep *s = r->conn->work;

    if (s && s->site->stopping)
        return problem_answer(r, 503, "the router is stopping");
    if (s && s->at >= s->end)
        return tell_sweep(r, s->dry_run, s->n);
    if (s) { /* called although not done */
        if (!s->asleep) {
            s->asleep = true;
            MHD_suspend_connection(r->mhd);
        }
        return MHD_YES;
    }
    if (r->query.filter.n == 0) {
        if (!r->query.all)
            return problem_answer(r, 422,
                                  "no filter: say all=true to delete "
                                  "every flow");
        return flush(r);
    }

    s = calloc(1, sizeof(*s));
    if (!s)
        return problem_answer(r, 503, "out of memory");
    s->mhd = r->mhd;
    s->site = r->site;
    s->filter = r->query.filter;
    s->dry_run = r->query.dry_run;
    s->end = places(r->site->src);
    (void)uv_timer_init(r->site->loop, &s->timer);
    r->conn->work = s;
    r->conn->wake = wake;
    r->conn->drop = drop_sweep;
    if (go_on(s) < 0)
        return tell_sweep(r, s->dry_run, s->n);
    (void)uv_timer_start(&s->timer, on_timer, AGAIN_MS, 0);
    s->asleep = true;
    r->conn->deadline = 0;
    MHD_suspend_connection(r->mhd);
    return MHD_YES;
}
