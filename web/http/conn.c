/* conn.c - one client of a server, from accept to close */
#include "http/conn.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

void conn_sleep(struct conn *c)
{
    if (c->asleep)
        return;
    c->asleep = true;
    MHD_suspend_connection(c->mhd);
}

void conn_wake(struct conn *c)
{
    if (!c->asleep)
        return;
    c->asleep = false;
    MHD_resume_connection(c->mhd);
}

static void set_counted(struct conn *c, bool counted)
{
    if (c->counted != counted)
        c->host->count(c, counted ? 1 : -1);
    c->counted = counted;
}

void conn_idle(struct conn *c)
{
    set_counted(c, false);
    c->idle = true;
}

void conn_enter(struct conn *c, enum conn_state state)
{
    const struct patience *p = c->host->patience;

    set_counted(c, state == CONN_ANSWER);
    c->idle = false;
    c->state = state;
    c->since = uv_now(c->host->loop);
    c->deadline = state == CONN_HEAD     ? c->since + p->head_ms
                  : state == CONN_LINGER ? c->since + p->linger_ms
                                         : 0;
    if (state == CONN_READY)
        c->turn = c->host->ticket++;
}

/* ---- what is waited for ---- */

static void set_watched_events(struct conn *c, bool pair, uint32_t events)
{
    if (c->watched[pair] == events)
        return;
    c->watched[pair] = events;
    c->host->watch(c, pair, events);
}

static void watch_both(struct conn *c)
{
    uint32_t client = 0;

    if (c->fd < 0)
        return;
    if (c->state == CONN_LINGER || (c->state == CONN_HEAD && !c->last))
        client = EPOLLIN;
    else if (!c->last) /* no more than: does it still send? */
        client = EPOLLRDHUP;
    if (c->n_out > 0)
        client |= EPOLLOUT;
    set_watched_events(c, false, client);
    if (c->pair >= 0)
        set_watched_events(c, true, c->n_out > 0 ? 0 : EPOLLIN);
}

/* ---- ends ---- */

static void close_pair(struct conn *c)
{
    if (c->pair < 0)
        return;
    if (c->watched[1])
        c->host->unwatch(c, true);
    (void)close(c->pair);
    c->pair = -1;
    c->watched[1] = 0;
}

void conn_close(struct conn *c)
{
    if (c->fd < 0)
        return;
    c->host->forget(c);
    c->host->unwatch(c, false);
    (void)close(c->fd);
    c->fd = -1;
    close_pair(c); /* libmicrohttpd's end follows, once it is awake */
    if (c->state == CONN_ANSWER)
        conn_enter(c, CONN_LINGER);
    conn_wake(c);
}

/* All that there was to say is on its way.  To close a socket that holds
 * unread bytes would reset it, and the answer could be lost (RFC 9112 s9.6). */
static void linger_before_close(struct conn *c)
{
    (void)shutdown(c->fd, SHUT_WR);
    conn_enter(c, CONN_LINGER);
    watch_both(c);
}

/* The client sends nothing more. */
static void client_ended(struct conn *c)
{
    c->last = true;
    if (c->endless || c->state == CONN_LINGER ||
        (c->pair < 0 && c->n_out == 0)) {
        conn_close(c);
        return;
    }
    if (c->state == CONN_HEAD && c->pair >= 0)
        (void)shutdown(c->pair, SHUT_WR); /* it answers by closing */
    watch_both(c);
}

/* ---- out ---- */

static void say_refusal(struct conn *c)
{
    c->out_at = 0;
    c->n_out = c->host->refusal(c, c->out, sizeof(c->out));
    c->head.status = 0;
}

/* Pass on what there is until the client takes no more. */
static void flush_output(struct conn *c)
{
    while (c->n_out > 0) {
        ssize_t n = send(c->fd, c->out + c->out_at, c->n_out, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN) {
            conn_close(c);
            return;
        }
        if (n < 0) {
            if (!c->stalled) {
                c->stalled = uv_now(c->host->loop);
                c->taken = 0;
            }
            break;
        }
        c->out_at += (size_t)n;
        c->n_out -= (size_t)n;
        c->taken += (size_t)n;
        c->took = uv_now(c->host->loop);
    }
    if (c->n_out == 0 && c->pair < 0 && c->last && c->state != CONN_LINGER)
        linger_before_close(c);
    else
        watch_both(c);
}

/* Pass on some of what libmicrohttpd has written; it may have closed.  True:
 * there may be more. */
static bool pass_on_output(struct conn *c)
{
    ssize_t n;

    if (c->fd < 0 || c->pair < 0 || c->n_out > 0)
        return false;
    n = recv(c->pair, c->out, sizeof(c->out), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        c->stalled = 0; /* the client has taken all there is */
        return false;
    }
    if (n > 0) {
        c->out_at = 0;
        c->n_out = (size_t)n;
    } else {
        close_pair(c);
        c->last = true;
        if (c->head.status)
            say_refusal(c);
    }
    flush_output(c);
    return n == (ssize_t)sizeof(c->out);
}

void conn_answer(struct conn *c)
{
    (void)pass_on_output(c);
}

void conn_refuse(struct conn *c, unsigned status, const char *why)
{
    c->last = true;
    c->head.status = status;
    c->head.why = why;
    if (c->state != CONN_HEAD)
        conn_enter(c, CONN_HEAD);
    if (c->pair >= 0) {
        /* What was answered before comes first; it ends by closing. */
        (void)shutdown(c->pair, SHUT_WR);
        watch_both(c);
        return;
    }
    say_refusal(c);
    flush_output(c);
}

/* ---- in ---- */

static void parse_input(struct conn *c)
{
    enum head_state state = head_read(&c->head, c->in, c->n_in);

    if (state == HEAD_REFUSED)
        conn_refuse(c, c->head.status, c->head.why);
    else if (state == HEAD_DONE)
        conn_enter(c, CONN_READY);
}

static void receive_input(struct conn *c)
{
    ssize_t n = recv(c->fd, c->in + c->n_in, sizeof(c->in) - c->n_in, 0);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0) {
        conn_close(c);
    } else if (n == 0) {
        client_ended(c);
    } else if (c->state == CONN_HEAD) {
        c->n_in += (size_t)n;
        parse_input(c);
        watch_both(c);
    }
}

void conn_client(struct conn *c, uint32_t events)
{
    if (c->fd >= 0 && (events & EPOLLOUT))
        flush_output(c);
    if (c->fd < 0)
        return;
    if (events & (EPOLLERR | EPOLLHUP)) {
        conn_close(c);
    } else if (c->state == CONN_LINGER) {
        c->n_in = 0; /* read and thrown away */
        receive_input(c);
    } else if (c->state == CONN_HEAD && !c->last) {
        if (events & EPOLLIN)
            receive_input(c);
    } else if ((events & EPOLLRDHUP) && !c->last) {
        client_ended(c);
    }
}

bool conn_release(struct conn *c)
{
    size_t n = c->head.seen - c->head.start;

    if (c->pair < 0 && !c->host->pair(c))
        return false;
    c->walk = c->head.walk;
    conn_enter(c, CONN_ANSWER);
    if (c->n_out == 0)
        c->stalled = 0;
    c->took = c->since;
    c->requests++;
    /* The pair's buffer is empty and larger than any head; but
     * libmicrohttpd may be closing its end after the answer before. */
    if (send(c->pair, c->in + c->head.start, n, MSG_NOSIGNAL) != (ssize_t)n) {
        c->last = true;
        conn_enter(c, CONN_HEAD);
    }
    c->n_in -= c->head.seen;
    memmove(c->in, c->in + c->head.seen, c->n_in);
    c->head = (struct head){0};
    watch_both(c);
    return true;
}

void conn_completed(struct conn *c)
{
    c->endless = false;
    if (c->fd < 0 || c->state != CONN_ANSWER)
        return;
    conn_enter(c, CONN_HEAD);
    /* From here on c may make way for another: not with its answer unsent. */
    while (pass_on_output(c))
        continue;
    if (c->fd < 0)
        return;
    if (c->last) /* half-closed: libmicrohttpd's end closes as well */
        (void)shutdown(c->pair, SHUT_WR);
    else
        parse_input(c); /* the next may be here already */
    watch_both(c);
}
