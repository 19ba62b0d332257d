/* stream.c - /api/v1/events: server-sent events with honest gaps
 *
 * One ring holds the latest events; a client is a position in it.  Who falls
 * behind by more than the ring loses the oldest and is told exactly how many
 * ("gap"), together with those that were lost before they came here; no
 * client slows down another.  Ids start at the second the router started,
 * shifted left, so they only ever grow, over restarts too: a Last-Event-ID that
 * is older than the ring or newer than its end is answered with "resync".
 *
 * While no client listens no events are made at all.  What happened then is
 * unknown, so the ids jump by one: a client that comes back gets "resync". */
#include "api/stream.h"
#include "api/flow.h"
#include "api/stream.def"
#include "http/json_rows.h"
#include "http/problem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct kept {
    struct ct_event ev;
    uint32_t shard;
    uint64_t lost; /* lost before this one, since the start */
};

struct client {
    struct client *next, **link;
    struct stream *stream;
    struct conn *conn;
    struct filter filter;
    uint64_t at;   /* id of the next event to send */
    uint64_t lost; /* up to which it has been told */
    bool greet, resync, beat;
    size_t have, sent;
    char text[FLOW_TEXT_MAX + 256];
};

struct stream {
    struct site *site;
    struct client *clients;
    unsigned n_clients;
    struct kept *ring;    /* exists from the first client on */
    uint64_t first, next; /* ids in the ring: first .. next - 1 */
    uint64_t lost, told;
    uv_timer_t beat, batch;
    bool batching;
    unsigned open_timers;
    void (*closed)(void *arg);
    void *arg;
};

static struct kept *event_slot(struct stream *s, uint64_t id)
{
    return &s->ring[id % STREAM_RING];
}

static void wake_stream_clients(struct stream *s)
{
    struct client *c;

    for (c = s->clients; c; c = c->next)
        conn_wake(c->conn);
}

static void on_heartbeat(uv_timer_t *timer)
{
    struct stream *s = timer->data;
    struct client *c;

    for (c = s->clients; c; c = c->next)
        if (c->conn->asleep) {
            c->beat = true;
            conn_wake(c->conn);
        }
    s->site->run(s->site->arg);
}

static void on_batch(uv_timer_t *timer)
{
    struct stream *s = timer->data;

    s->batching = false;
    wake_stream_clients(s);
    s->site->run(s->site->arg);
}

struct stream *stream_new(struct site *site)
{
    struct stream *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->site = site;
    s->first = s->next = ((uint64_t)(site->started_ms / 1000) << 20) + 1;
    (void)uv_timer_init(site->loop, &s->beat);
    (void)uv_timer_init(site->loop, &s->batch);
    s->beat.data = s->batch.data = s;
    s->open_timers = 2;
    return s;
}

static void timer_closed(uv_handle_t *timer)
{
    struct stream *s = timer->data;

    if (--s->open_timers > 0)
        return;
    s->closed(s->arg);
    free(s->ring);
    free(s);
}

void stream_close(struct stream *s, void (*closed)(void *arg), void *arg)
{
    s->closed = closed;
    s->arg = arg;
    uv_close((uv_handle_t *)&s->beat, timer_closed);
    uv_close((uv_handle_t *)&s->batch, timer_closed);
}

unsigned stream_clients(const struct stream *s)
{
    return s->n_clients;
}

uint64_t stream_lost(const struct stream *s)
{
    return s->told;
}

void stream_event(struct stream *s, uint32_t shard, const struct ct_event *ev,
                  uint64_t lost)
{
    struct kept *k;

    s->lost += lost;
    if (s->n_clients == 0)
        return;
    k = event_slot(s, s->next);
    k->ev = *ev;
    k->shard = shard;
    k->lost = s->lost;
    s->next++;
    if (s->next - s->first > STREAM_RING)
        s->first = s->next - STREAM_RING;
    if (!s->batching) {
        s->batching = true;
        (void)uv_timer_start(&s->batch, on_batch, STREAM_BATCH_MS, 0);
    }
}

/* ---- one client's text ---- */

static const char *type_of(uint32_t mask)
{
    if (mask & CT_EVENT_DESTROY)
        return "DESTROY";
    return mask & ((uint32_t)CT_EVENT_NEW | (uint32_t)CT_EVENT_RELATED)
               ? "NEW"
               : "UPDATE";
}

static void write_bits(struct json_out *j, const char *key, uint32_t mask)
{
    static const struct {
        uint32_t bit;
        const char *name;
    } bits[] = {
#define E(name, bit, text) {CT_EVENT_##name, #name},
        CT_EVENTS(E)
#undef E
    };
    size_t i;

    json_out_array(j, key);
    for (i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
        if (mask & bits[i].bit)
            json_out_string(j, NULL, bits[i].name);
    json_out_end_array(j);
}

static void write_flow(struct json_out *j, const char *key,
                       const struct web_flows *flows, const struct kept *k)
{
    flow_write(j, key, flows, k->shard, &k->ev.view, k->ev.at,
               (k->ev.mask & CT_EVENT_DESTROY) != 0);
}

static void write_event(struct buf *b, struct stream *s, uint64_t id,
                        const struct kept *k)
{
    const struct web_flows *flows = s->site->from.flows;
    struct json_out out, *j = &out;

    buf_printf(b, "id: %" PRIu64 "\nevent: flow\ndata: ", id);
    json_out_init(j, b);
    json_out_object(j, NULL);
    EVENT(JSON_PUT)
    json_out_end_object(j);
    buf_puts(b, "\n\n");
}

static void write_gap(struct buf *b, uint64_t missed)
{
    struct json_out out, *j = &out;

    buf_puts(b, "event: gap\ndata: ");
    json_out_init(j, b);
    json_out_object(j, NULL);
    GAP(JSON_PUT)
    json_out_end_object(j);
    buf_puts(b, "\n\n");
}

/* Set the client before the oldest event there still is, and say how many it
 * missed on the way. */
static bool tell_gap(struct client *c, struct buf *b)
{
    struct stream *s = c->stream;
    uint64_t missed = 0, lost = c->lost;

    if (c->at < s->first) {
        missed = s->first - c->at;
        c->at = s->first;
    }
    if (c->at < s->next)
        lost = event_slot(s, c->at)->lost;
    missed += lost - c->lost;
    c->lost = lost;
    if (missed == 0)
        return false;
    s->told += missed;
    write_gap(b, missed);
    return true;
}

/* The client's next piece of text; false: there is nothing to say now. */
static bool fill_event(struct client *c)
{
    struct stream *s = c->stream;
    struct buf b;

    buf_over(&b, c->text, sizeof(c->text));
    c->have = c->sent = 0;
    if (c->greet) {
        c->greet = false;
        buf_puts(&b, "retry: 2000\n\n");
        if (c->resync)
            buf_printf(&b, "id: %" PRIu64 "\nevent: resync\ndata: {}\n\n",
                       s->next - 1);
    } else if (!tell_gap(c, &b)) {
        while (c->at < s->next && b.len == 0) {
            const struct kept *k = event_slot(s, c->at);

            if (k->lost != c->lost)
                break; /* a gap comes first: next time round */
            if (filter_match(&c->filter, &k->ev.view, s->site->from.flows))
                write_event(&b, s, c->at, k);
            c->at++;
        }
        if (b.len == 0 && c->at < s->next)
            return fill_event(c);
        if (b.len == 0 && c->beat)
            buf_puts(&b, ": still here\n\n");
    }
    c->beat = false;
    if (b.failed)
        b.len = 0;
    c->have = b.len;
    return c->have > 0;
}

static ssize_t read_events(void *cls, uint64_t pos, char *out, size_t max)
{
    struct client *c = cls;
    size_t n = 0, some;

    (void)pos;
    if (c->stream->site->stopping || c->conn->fd < 0)
        return MHD_CONTENT_READER_END_OF_STREAM;
    while (n < max) {
        if (c->sent == c->have && !fill_event(c))
            break;
        some = c->have - c->sent;
        if (some > max - n)
            some = max - n;
        memcpy(out + n, c->text + c->sent, some);
        c->sent += some;
        n += some;
    }
    if (n == 0) /* without this MHD would ask again at once, for ever */
        conn_sleep(c->conn);
    return (ssize_t)n;
}

static void subscribe_workers(const struct stream *s, bool on)
{
    const struct web_flows *flows = s->site->from.flows;

    flows->want_events(flows->ctx, on);
}

static void leave_stream(void *cls)
{
    struct client *c = cls;
    struct stream *s = c->stream;

    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    free(c);
    if (--s->n_clients > 0)
        return;
    (void)uv_timer_stop(&s->beat);
    subscribe_workers(s, false);
    s->first = ++s->next; /* what follows is not known: see above */
}

/* ---- the call ---- */

/* Where a client that shows a Last-Event-ID goes on. */
static void resume_at(struct client *c, const char *last)
{
    struct stream *s = c->stream;
    char *end;
    uint64_t id;

    c->at = s->next;
    c->lost = s->lost;
    if (!last || !*last)
        return;
    id = strtoull(last, &end, 10);
    if (*last < '0' || *last > '9' || *end || id < s->first || id >= s->next) {
        c->resync = true;
        return;
    }
    c->at = id + 1;
    c->lost = event_slot(s, id)->lost;
}

static enum MHD_Result join_stream(struct request *r, struct client *c)
{
    struct stream *s = r->site->stream;

    c->stream = s;
    c->conn = r->conn;
    c->conn->endless = true;
    c->filter = r->query.filter;
    c->greet = true;
    resume_at(c, MHD_lookup_connection_value(r->mhd, MHD_HEADER_KIND,
                                             "Last-Event-ID"));
    c->next = s->clients;
    c->link = &s->clients;
    if (c->next)
        c->next->link = &c->next;
    s->clients = c;
    if (s->n_clients++ == 0) {
        (void)uv_timer_start(&s->beat, on_heartbeat, STREAM_HEARTBEAT_MS,
                             STREAM_HEARTBEAT_MS);
        subscribe_workers(s, true);
    }
    return request_answer_flow(r, "text/event-stream", read_events, c,
                               leave_stream);
}

/* Open listeners over the same way in, of the same address if there is one. */
static unsigned count_like(const struct stream *s, const struct conn *conn,
                           bool any_address)
{
    const struct client *c;
    unsigned n = 0;

    for (c = s->clients; c; c = c->next)
        n += c->conn->fd >= 0 && c->conn->local == conn->local &&
             (any_address || c->conn->address == conn->address);
    return n;
}

/* Is there a place for one more?  When all are taken, an address that has at
 * least two more than the newcomer's gives up its latest. */
static bool has_seat(struct stream *s, const struct conn *conn)
{
    unsigned own = count_like(s, conn, false), most = own + 1, n;
    struct client *c, *out = NULL;

    if (count_like(s, conn, true) <
        (conn->local ? STREAM_MAX_LOCAL : STREAM_MAX_CLIENTS))
        return true;
    for (c = s->clients; c; c = c->next) {
        if (c->conn->fd < 0 || c->conn->local != conn->local)
            continue;
        n = count_like(s, c->conn, false);
        if (n > most) {
            most = n;
            out = c;
        }
    }
    if (!out)
        return false;
    s->site->closed[CLOSED_ROOM]++;
    conn_close(out->conn);
    return true;
}

enum MHD_Result stream_get(struct request *r)
{
    struct stream *s = r->site->stream;
    struct client *c;
    struct buf none = {0};

    if (request_is_head(r))
        return request_answer(r, 200, "text/event-stream", &none);
    if (!has_seat(s, r->conn))
        return problem_answer_with(r, 503,
                                   "too many clients are listening already",
                                   "Retry-After", "10");
    if (!s->ring)
        s->ring = calloc(STREAM_RING, sizeof(*s->ring));
    c = s->ring ? calloc(1, sizeof(*c)) : NULL;
    if (!c)
        return problem_answer(r, 503, "out of memory");
    return join_stream(r, c);
}
