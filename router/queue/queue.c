/* queue.c - user programs that decide about packets: the socket they come to
 *
 * A program gets what its socket takes; the rest waits here, in line, until it
 * can be written to again.  Whatever it says is read with bounds: what is no
 * message ends the connection, with a sentence; what is one about nothing is
 * answered and counted.  Nothing that it does or leaves undone stops the loop
 * or a packet that is not in its queue. */
#include "queue/queue.h"

#include "queue/change.h"
#include "queue/line.h"
#include "queue/wire.h"
#include "system/clock.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include <web/listen.h>

enum {
    MAX_PROGRAMS = 32,
    MESSAGES_A_TURN = 64,
    SEND_BUFFER = 1 << 20,
    RETRY_MS = 200
};

struct program {
    struct queue *queue;
    struct program *next;
    uv_poll_t poll;
    int fd;
    bool full; /* its socket takes nothing at the moment */
    struct listen_who who;
};

struct seat { /* of a queue */
    struct program *program;
    uint32_t copy;
    uint64_t late;
};

struct queue {
    struct queue_config config;
    struct listen_file file;
    int fd;
    uv_poll_t poll;
    uv_timer_t timer;
    unsigned open_handles;
    uint32_t n_programs;
    struct program *programs;
    struct seat seat[CONFIG_QUEUES];
    struct queue_lines lines;
    bool wake[CT_MAX_SHARDS];
    uint8_t message[QUEUE_WIRE_LONGEST];
};

/* ---- packets ---- */

static void wake_workers(struct queue *q)
{
    for (uint32_t w = 0; w < q->config.n_workers; w++)
        if (q->wake[w]) {
            q->wake[w] = false;
            q->config.wake(q->config.ctx, w);
        }
}

static void answer(struct queue *q, struct queue_ticket *t,
                   enum held_cause cause)
{
    q->wake[t->worker] = true;
    queue_line_answer(&q->lines, t, cause);
}

static void answer_all(struct queue *q, uint32_t i, enum held_cause cause)
{
    while (q->lines.line[i].head != NULL)
        answer(q, q->lines.line[i].head, cause);
}

static const char *name_of(const struct queue *q, uint8_t iface)
{
    return iface == CT_NO_IFACE ? ""
                                : q->config.iface_name(q->config.ctx, iface);
}

/* False: its socket is full, or broken; reading will say so. */
static bool send_one(struct queue *q, uint32_t i, const struct queue_ticket *t)
{
    const struct held_packet *p = t->packet;
    const struct ct_pkt *pkt = &p->buf.pkt;
    const struct seat *seat = &q->seat[i];
    uint32_t copy = pkt->len < seat->copy ? pkt->len : seat->copy;
    struct queue_wire_about about = {
        .queue = q->config.list[i].number,
        .id = queue_line_id(t),
        .wall_ms = (uint64_t)clock_wall_ms() + p->since_ms - clock_now().ms,
        .flow = p->flow_slot,
        .flow_gen = p->flow_gen,
        .in = name_of(q, pkt->in),
        .out = name_of(q, pkt->out),
    };
    uint8_t head[QUEUE_WIRE_PACKET_LEN];
    struct iovec iov[2] = {{head, sizeof head}, {pkt->data, copy}};
    struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};

    if (p->flow_slot != CT_NONE)
        about.flow += t->worker * q->config.slots;
    queue_wire_packet(head, &about, pkt, copy);
    return sendmsg(seat->program->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

static void ready(uv_poll_t *poll, int status, int events);

static void listen_to(struct program *p)
{
    int events = UV_READABLE | (p->full ? UV_WRITABLE : 0);

    uv_poll_start(&p->poll, events, ready);
}

static void send_line(struct queue *q, uint32_t i)
{
    struct queue_line *line = &q->lines.line[i];
    struct program *p = q->seat[i].program;

    while (p != NULL && line->unsent != NULL && !p->full) {
        if (send_one(q, i, line->unsent)) {
            queue_line_sent(line);
            continue;
        }
        p->full = true;
        listen_to(p);
    }
}

/* ---- time ---- */

static void on_timer(uv_timer_t *timer);
static void on_connect(uv_poll_t *poll, int status, int events);

/* A queue's packets wait equally long, so the first is due first. */
static void set_timer(struct queue *q)
{
    uint64_t now = clock_now().ms, next = UINT64_MAX;

    for (uint32_t i = 0; i < q->config.n_queues; i++) {
        const struct queue_ticket *t = q->lines.line[i].head;
        uint64_t due;

        if (t == NULL)
            continue;
        due = t->packet->since_ms + q->config.list[i].timeout_ms;
        next = due < next ? due : next;
    }
    if (next != UINT64_MAX)
        uv_timer_start(&q->timer, on_timer, next > now ? next - now : 0, 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct queue *q = timer->data;
    uint64_t now = clock_now().ms;

    for (uint32_t i = 0; i < q->config.n_queues; i++) {
        struct queue_line *line = &q->lines.line[i];

        while (line->head != NULL &&
               line->head->packet->since_ms + q->config.list[i].timeout_ms <=
                   now)
            answer(q, line->head, HELD_TIMEOUT);
    }
    wake_workers(q);
    set_timer(q);
    if (!uv_is_active((uv_handle_t *)&q->poll))
        uv_poll_start(&q->poll, UV_READABLE, on_connect);
}

void queue_pump(struct queue *q)
{
    for (uint32_t w = 0; w < q->config.n_workers; w++)
        while (queue_line_join(&q->lines, w))
            ;
    for (uint32_t i = 0; i < q->config.n_queues; i++) {
        if (q->seat[i].program == NULL)
            answer_all(q, i, HELD_ALONE);
        send_line(q, i);
    }
    wake_workers(q);
    set_timer(q);
}

/* ---- programs come and go ---- */

static void set_listens(struct queue *q, uint32_t i, bool listens)
{
    for (uint32_t w = 0; w < q->config.n_workers; w++)
        atomic_store_explicit(&q->config.held[w]->queue[i].listens, listens,
                              memory_order_release);
}

static void closed(uv_handle_t *handle)
{
    struct program *p = handle->data;

    close(p->fd);
    free(p);
}

static void hang_up(struct program *p)
{
    struct queue *q = p->queue;
    struct program **link = &q->programs;

    for (uint32_t i = 0; i < q->config.n_queues; i++)
        if (q->seat[i].program == p) {
            set_listens(q, i, false);
            q->seat[i].program = NULL;
            answer_all(q, i, HELD_ALONE);
        }
    wake_workers(q);
    while (*link != p)
        link = &(*link)->next;
    *link = p->next;
    q->n_programs--;
    uv_close((uv_handle_t *)&p->poll, closed);
}

/* May get lost: who does not read does not want to know. */
static void refuse(int fd, uint16_t queue, uint64_t id,
                   enum queue_wire_error error)
{
    uint8_t out[128];
    uint32_t n = queue_wire_refusal(out, queue, id, error);

    (void)send(fd, out, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void on_connect(uv_poll_t *poll, int status, int events)
{
    struct queue *q = poll->data;
    int fd = accept4(q->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    int room = SEND_BUFFER;
    struct listen_who who;
    struct program *p;

    (void)status;
    (void)events;
    if (fd < 0) { /* no descriptor left, say: try again soon, don't spin */
        uv_poll_stop(&q->poll);
        uv_timer_start(&q->timer, on_timer, RETRY_MS, 0);
        return;
    }
    if (!listen_peer(fd, &who)) {
        refuse(fd, 0, 0, QUEUE_WIRE_E_STRANGER);
        close(fd);
        return;
    }
    p = q->n_programs < MAX_PROGRAMS ? calloc(1, sizeof *p) : NULL;
    if (p == NULL || uv_poll_init(q->config.loop, &p->poll, fd) < 0) {
        refuse(fd, 0, 0, QUEUE_WIRE_E_CROWDED);
        free(p);
        close(fd);
        return;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    p->queue = q;
    p->poll.data = p;
    p->fd = fd;
    p->who = who;
    p->next = q->programs;
    q->programs = p;
    q->n_programs++;
    listen_to(p);
}

/* ---- what they say ---- */

static enum queue_wire_error subscribe(struct program *p, uint16_t number,
                                       uint32_t copy)
{
    struct queue *q = p->queue;
    const struct config_queue *list = q->config.list;
    uint8_t out[QUEUE_WIRE_SUBSCRIBED_LEN];
    uint32_t i = 0, options;

    while (i < q->config.n_queues && list[i].number != number)
        i++;
    if (i == q->config.n_queues)
        return QUEUE_WIRE_E_NO_QUEUE;
    if (q->seat[i].program != NULL && q->seat[i].program != p)
        return QUEUE_WIRE_E_TAKEN;
    q->seat[i].program = p;
    q->seat[i].copy = copy;
    options = (list[i].bypass ? (unsigned)QUEUE_WIRE_BYPASS : 0u) |
              (list[i].fail_open ? (unsigned)QUEUE_WIRE_FAIL_OPEN : 0u) |
              (list[i].resize ? (unsigned)QUEUE_WIRE_RESIZE : 0u);
    queue_wire_subscribed(out, number, list[i].max, options,
                          list[i].timeout_ms);
    set_listens(q, i, true); /* who hears of it may count on it */
    (void)send(p->fd, out, sizeof out, MSG_DONTWAIT | MSG_NOSIGNAL);
    return QUEUE_WIRE_OK;
}

static enum queue_wire_error judge(struct program *p,
                                   const struct queue_wire_verdict *v)
{
    struct queue *q = p->queue;
    struct queue_ticket *t = queue_line_find(&q->lines, v->id);
    struct held_packet *held;
    uint32_t i;

    if (t == NULL || q->seat[t->packet->queue].program != p) {
        for (i = 0; i < q->config.n_queues; i++)
            q->seat[i].late += q->seat[i].program == p;
        return QUEUE_WIRE_E_NO_PACKET;
    }
    held = t->packet;
    if (v->has_bytes && v->verdict != CT_DROP &&
        !queue_change(&held->buf.pkt, v->bytes, v->len, PKTBUF_DATA,
                      held->resizable ? &held->resize : NULL)) {
        answer(q, t, HELD_REFUSED);
        return QUEUE_WIRE_E_BYTES;
    }
    held->verdict = v->verdict;
    held->marked = v->has_mark;
    held->mark = v->mark;
    answer(q, t, HELD_VERDICT);
    return QUEUE_WIRE_OK;
}

/* False: the connection is over. */
static bool obey(struct program *p, size_t n)
{
    struct queue_wire_said said;
    enum queue_wire_error error;

    error = queue_wire_read(p->queue->message, n, &said);
    if (error == QUEUE_WIRE_OK && said.type == QUEUE_WIRE_SUBSCRIBE)
        error = subscribe(p, said.queue, said.copy);
    else if (error == QUEUE_WIRE_OK)
        error = judge(p, &said.verdict);
    if (error != QUEUE_WIRE_OK)
        refuse(p->fd, said.queue, said.verdict.id, error);
    if (!queue_wire_fatal(error))
        return true;
    hang_up(p);
    return false;
}

/* False: it is gone. */
static bool hear(struct program *p)
{
    struct queue *q = p->queue;

    for (int i = 0; i < MESSAGES_A_TURN; i++) {
        ssize_t n = recv(p->fd, q->message, sizeof q->message,
                         MSG_DONTWAIT | MSG_TRUNC);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return true;
        if (n <= 0) {
            hang_up(p);
            return false;
        }
        if (!obey(p, (size_t)n))
            return false;
    }
    return true;
}

static void ready(uv_poll_t *poll, int status, int events)
{
    struct program *p = poll->data;
    struct queue *q = p->queue;

    if (!hear(p))
        return;
    wake_workers(q);
    if (status < 0 || (events & UV_WRITABLE)) { /* libuv stops it at errors */
        p->full = false;
        listen_to(p);
    }
    queue_pump(q);
}

/* ---- life ---- */

static int open_handles(struct queue *q)
{
    int err = uv_poll_init(q->config.loop, &q->poll, q->fd);

    if (err < 0)
        return err;
    q->poll.data = q->timer.data = q;
    (void)uv_timer_init(q->config.loop, &q->timer);
    q->open_handles = 2;
    return uv_poll_start(&q->poll, UV_READABLE, on_connect);
}

struct queue *queue_start(const struct queue_config *config, char err[256])
{
    struct queue *q = calloc(1, sizeof *q);

    if (q == NULL) {
        snprintf(err, 256, "not enough memory for queues");
        return NULL;
    }
    q->config = *config;
    q->fd = listen_unix(config->path, SOCK_SEQPACKET, &q->file, err);
    if (q->fd < 0) {
        free(q);
        return NULL;
    }
    if (!queue_line_setup(&q->lines, q->config.held, config->n_workers) ||
        open_handles(q) < 0) {
        snprintf(err, 256, "not enough memory for queues");
        queue_stop(q);
        return NULL;
    }
    return q;
}

void queue_use(struct queue *q, const struct config_queue *list)
{
    q->config.list = list;
    set_timer(q);
}

static void free_all(struct queue *q)
{
    close(q->fd);
    queue_line_free(&q->lines);
    free(q);
}

static void handle_closed(uv_handle_t *handle)
{
    struct queue *q = handle->data;

    if (--q->open_handles == 0)
        free_all(q);
}

void queue_stop(struct queue *q)
{
    if (q == NULL)
        return;
    listen_remove(&q->file);
    for (uint32_t w = 0; w < q->config.n_workers; w++)
        while (queue_line_join(&q->lines, w))
            ;
    while (q->programs != NULL)
        hang_up(q->programs);
    for (uint32_t i = 0; i < q->config.n_queues; i++)
        answer_all(q, i, HELD_ALONE);
    wake_workers(q);
    if (q->open_handles == 0) {
        free_all(q);
        return;
    }
    uv_close((uv_handle_t *)&q->poll, handle_closed);
    uv_close((uv_handle_t *)&q->timer, handle_closed);
}

/* ---- for people ---- */

static uint64_t sum(const struct queue *q, uint32_t i, enum ct_stat stat)
{
    uint64_t n = 0;

    for (uint32_t w = 0; w < q->config.n_workers; w++)
        n += __atomic_load_n(
            &q->config.held[w]->queue[i].count[(int)stat - (int)HELD_FIRST],
            __ATOMIC_RELAXED);
    return n;
}

void queue_list(const struct queue *q, uint32_t i, struct web_queue *out)
{
    const struct config_queue *c = &q->config.list[i];
    const struct program *p = q->seat[i].program;

    *out = (struct web_queue){
        .number = c->number,
        .bypass = c->bypass,
        .fail_open = c->fail_open,
        .resize = c->resize,
        .max = c->max,
        .timeout_ms = c->timeout_ms,
        .listens = p != NULL,
        .pid = p != NULL ? p->who.pid : 0,
        .uid = p != NULL ? p->who.uid : 0,
        .queued = sum(q, i, CT_STAT_queued),
        .verdicts = sum(q, i, CT_STAT_queue_verdicts),
        .full = sum(q, i, CT_STAT_queue_full),
        .timeout = sum(q, i, CT_STAT_queue_timeout),
        .bypassed = sum(q, i, CT_STAT_queue_bypassed),
        .fail_opened = sum(q, i, CT_STAT_queue_fail_opened),
        .bad_verdict = sum(q, i, CT_STAT_queue_bad_verdict),
        .late = q->seat[i].late,
    };
    for (uint32_t w = 0; w < q->config.n_workers; w++)
        out->held += (uint32_t)__atomic_load_n(
            &q->config.held[w]->queue[i].holds, __ATOMIC_RELAXED);
}
