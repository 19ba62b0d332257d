/* server.c - one listening socket: its clients, and the turns of the loop
 *
 * One epoll descriptor holds the listening socket, the clients and our ends of
 * libmicrohttpd's sockets; the loop polls that and libmicrohttpd's own.  Each
 * turn is bounded: so many events, new clients (admit.c) and requests
 * (turns.c), whatever waits. */
#include "server.h"
#include "admit.h"
#include "http/problem.h"
#include "turns.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { SWEEP_MS = 500 };

/* ---- what conn.c asks ---- */

/* The lowest bit of what epoll remembers tells the two descriptors apart. */
static void watch_conn(struct conn *c, bool pair, uint32_t events)
{
    struct server *s = c->server;
    struct epoll_event e = {.events = events,
                            .data.u64 = (uint64_t)(uintptr_t)c | pair};
    int fd = pair ? c->pair : c->fd;

    /* A pair that has hung up would be reported for ever: not watched while
     * its bytes can't be passed on. */
    if (pair && events == 0)
        (void)epoll_ctl(s->epoll, EPOLL_CTL_DEL, fd, NULL);
    else if (epoll_ctl(s->epoll, EPOLL_CTL_MOD, fd, &e) != 0)
        (void)epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &e);
}

/* Not by close() alone: as long as another process, a child before it runs its
 * program, has the same open file, epoll goes on reporting it (epoll(7)). */
static void unwatch_conn(struct conn *c, bool pair)
{
    (void)epoll_ctl(c->server->epoll, EPOLL_CTL_DEL, pair ? c->pair : c->fd,
                    NULL);
}

static void count_answer(struct conn *c, int n)
{
    c->server->n_answers += (unsigned)n;
    if (c->walk)
        c->server->n_walks += (unsigned)n;
}

static void forget_conn(struct conn *c)
{
    places_give(&c->server->places, c);
}

static size_t write_refusal(struct conn *c, char *out, size_t room)
{
    return problem_raw(c->site, c->head.status, c->head.why, out, room);
}

static struct conn *find_conn_by_peer(void *arg, int far)
{
    struct server *s = arg;
    struct conn *c;

    for (c = s->conns; c; c = c->next)
        if (c->pair >= 0 && !c->mhd && c->far == far)
            return c;
    return NULL;
}

/* Free what both sides have let go of. */
static void free_closed_conns(struct server *s)
{
    struct conn *c, *next;

    for (c = s->conns; c; c = next) {
        next = c->next;
        if (c->fd >= 0 || c->mhd)
            continue;
        *c->link = next;
        if (next)
            next->link = c->link;
        free(c);
    }
}

static void on_due(uv_timer_t *timer)
{
    server_run(timer->data);
}

static void on_soon(uv_idle_t *soon)
{
    struct server *s = soon->data;

    turns_release(s);
    server_run(s);
}

void server_run(struct server *s)
{
    MHD_UNSIGNED_LONG_LONG ms;

    (void)MHD_run(s->mhd);
    free_closed_conns(s);
    (void)uv_idle_stop(&s->soon);
    (void)uv_timer_stop(&s->due);
    /* At once means in the loop's next turn: a timer of 0 ms would run again
     * in this one. */
    if (turns_may_release(s))
        (void)uv_idle_start(&s->soon, on_soon);
    else if (MHD_get_timeout(s->mhd, &ms) == MHD_YES && ms > 0)
        (void)uv_timer_start(&s->due, on_due, ms, 0);
    else if (MHD_get_timeout(s->mhd, &ms) == MHD_YES)
        (void)uv_idle_start(&s->soon, on_soon);
}

static void on_mhd(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    server_run(poll->data);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct epoll_event e[SERVER_EVENTS];
    struct server *s = poll->data;
    int i, n = epoll_wait(s->epoll, e, SERVER_EVENTS, 0);

    (void)status;
    (void)events;
    for (i = 0; i < n; i++) {
        struct conn *c =
            (struct conn *)(uintptr_t)(e[i].data.u64 & ~(uint64_t)1);

        if (!c)
            admit_some(s);
        else if (e[i].data.u64 & 1)
            conn_answer(c);
        else
            conn_client(c, e[i].events);
    }
    turns_release(s);
    server_run(s);
}

static void judge_conn(struct conn *c, uint64_t now)
{
    const struct patience *p = &c->site->patience;
    enum site_closed why;

    if (c->deadline && now >= c->deadline) {
        why = c->state == CONN_LINGER ? CLOSED_LINGER : CLOSED_HEAD;
    } else if (!c->local && c->stalled && now - c->stalled >= p->stall_ms) {
        bool slow = c->n_out > 0 && c->taken < p->stall_bytes;

        c->stalled = 0;
        c->taken = 0;
        if (!slow)
            return;
        why = CLOSED_SLOW;
    } else {
        return;
    }
    c->site->closed[why]++;
    conn_close(c);
}

static void on_sweep(uv_timer_t *timer)
{
    struct server *s = timer->data;
    struct conn *c;

    for (c = s->conns; c; c = c->next)
        if (c->fd >= 0)
            judge_conn(c, uv_now(s->site->loop));
    if (s->paused)
        admit_pause(s, false);
    server_run(s);
}

/* ---- start and stop ---- */

static int open_epoll(int fd)
{
    struct epoll_event e = {.events = EPOLLIN, .data.u64 = 0};
    int epoll = epoll_create1(EPOLL_CLOEXEC);

    if (epoll >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) != 0) {
        (void)close(epoll);
        return -1;
    }
    return epoll;
}

static bool open_server_handles(struct server *s)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(s->mhd, MHD_DAEMON_INFO_EPOLL_FD);
    uv_loop_t *loop = s->site->loop;

    (void)uv_timer_init(loop, &s->due);
    (void)uv_idle_init(loop, &s->soon);
    (void)uv_timer_init(loop, &s->sweep);
    s->open_handles = 3;
    s->poll.data = s->mhd_poll.data = s->due.data = s->sweep.data =
        s->soon.data = s;
    if (!info || uv_poll_init(loop, &s->poll, s->epoll) != 0)
        return false;
    s->open_handles++;
    if (uv_poll_init(loop, &s->mhd_poll, info->epoll_fd) != 0)
        return false;
    s->open_handles++;
    return true;
}

static void on_server_closed(uv_handle_t *handle)
{
    struct server *s = handle->data;

    if (--s->open_handles > 0)
        return;
    if (s->closed)
        s->closed(s->arg);
    free(s);
}

static void close_handles(struct server *s)
{
    uv_handle_t *const all[] = {(uv_handle_t *)&s->due, (uv_handle_t *)&s->soon,
                                (uv_handle_t *)&s->sweep,
                                (uv_handle_t *)&s->poll,
                                (uv_handle_t *)&s->mhd_poll};
    unsigned i, n = s->open_handles;

    for (i = 0; i < n; i++)
        uv_close(all[i], on_server_closed);
}

struct server *server_start(struct site *site, int fd, bool local)
{
    struct server *s = calloc(1, sizeof(*s));

    if (s) {
        s->site = site;
        s->local = local;
        s->fd = fd;
        s->host = (struct conn_host){.loop = site->loop,
                                     .patience = &site->patience,
                                     .watch = watch_conn,
                                     .unwatch = unwatch_conn,
                                     .count = count_answer,
                                     .forget = forget_conn,
                                     .pair = admit_pair,
                                     .refusal = write_refusal};
        s->epoll = open_epoll(fd);
        s->daemon = (struct daemon_host){find_conn_by_peer, s};
        /* One that closes may be there still when the next comes. */
        s->mhd =
            s->epoll >= 0 ? daemon_new(&s->daemon, 2 * admit_room(s)) : NULL;
    }
    if (!s || !s->mhd) {
        if (s && s->epoll >= 0)
            (void)close(s->epoll);
        free(s);
        (void)close(fd);
        return NULL;
    }
    if (!open_server_handles(s)) {
        MHD_stop_daemon(s->mhd);
        (void)close(s->epoll);
        (void)close(fd);
        close_handles(s);
        return NULL;
    }
    (void)uv_poll_start(&s->poll, UV_READABLE, on_poll);
    (void)uv_poll_start(&s->mhd_poll, UV_READABLE, on_mhd);
    (void)uv_timer_start(&s->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
    return s;
}

static bool any_asleep(const struct server *s)
{
    const struct conn *c;

    for (c = s->conns; c; c = c->next)
        if (c->asleep)
            return true;
    return false;
}

/* libmicrohttpd aborts the process over a connection that is suspended when it
 * stops.  One that is woken answers, or sleeps again: until none does. */
static void wake_suspended(struct server *s)
{
    struct conn *c;

    do {
        for (c = s->conns; c; c = c->next)
            conn_wake(c);
        (void)MHD_run(s->mhd);
    } while (any_asleep(s));
}

void server_stop(struct server *s, void (*closed)(void *arg), void *arg)
{
    struct conn *c;

    s->closed = closed;
    s->arg = arg;
    (void)uv_poll_stop(&s->poll);
    (void)uv_poll_stop(&s->mhd_poll);
    (void)close(s->fd);
    wake_suspended(s);
    for (c = s->conns; c; c = c->next) {
        conn_answer(c); /* the last word, if the client takes it at once */
        conn_close(c);
    }
    MHD_stop_daemon(s->mhd);
    free_closed_conns(s);
    (void)close(s->epoll);
    close_handles(s);
}
