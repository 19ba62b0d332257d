/* server.c - libmicrohttpd on a uv loop
 *
 * MHD has no thread here: its epoll descriptor is polled by the loop, its
 * timeout is a timer of the loop.  MHD's own connection timeout is an idle
 * timer, which a client that sends a byte now and then never meets; so each
 * connection has an absolute deadline of ours: for the whole of a request's
 * head, then for the whole of an answer.  Past it the socket is shut down and
 * MHD clears it away. */
#include "server.h"
#include "auth.h"
#include "routes.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <web/listen.h>

struct server {
    struct site *site;
    struct MHD_Daemon *mhd;
    bool local;
    struct conn *conns;
    uv_poll_t poll;
    uv_timer_t due;   /* MHD's */
    uv_idle_t soon;   /* the same, at once */
    uv_timer_t sweep; /* ours: deadlines */
    unsigned open_handles;
    int fd; /* after server_quiesce() ours again */
    void (*closed)(void *arg);
    void *arg;
};

enum { SWEEP_MS = 500 };

static void on_due(uv_timer_t *timer)
{
    server_run(timer->data);
}

static void on_soon(uv_idle_t *soon)
{
    server_run(soon->data);
}

void server_run(struct server *s)
{
    MHD_UNSIGNED_LONG_LONG ms;

    (void)MHD_run(s->mhd);
    (void)uv_idle_stop(&s->soon);
    if (MHD_get_timeout(s->mhd, &ms) != MHD_YES)
        (void)uv_timer_stop(&s->due);
    else if (ms > 0)
        (void)uv_timer_start(&s->due, on_due, ms, 0);
    else /* in the loop's next turn: a timer would run again in this one */
        (void)uv_idle_start(&s->soon, on_soon);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    server_run(poll->data);
}

static void on_sweep(uv_timer_t *timer)
{
    struct server *s = timer->data;
    uint64_t now = uv_now(s->site->loop);
    struct conn *c;

    for (c = s->conns; c; c = c->next)
        if (c->deadline && now >= c->deadline) {
            c->deadline = 0;
            (void)shutdown(c->fd, SHUT_RDWR);
        }
}

/* ---- what MHD calls ---- */

static void begin(struct server *s, struct MHD_Connection *mhd,
                  struct conn **out)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct conn *c = info ? calloc(1, sizeof(*c)) : NULL;

    *out = c;
    if (!c)
        return; /* answer() refuses a connection without */
    c->mhd = mhd;
    c->site = s->site;
    c->fd = info->connect_fd;
    c->local = s->local;
    c->stranger = s->local && !listen_peer(c->fd, NULL);
    c->deadline = uv_now(s->site->loop) + REQUEST_HEAD_MS;
    c->next = s->conns;
    c->link = &s->conns;
    if (c->next)
        c->next->link = &c->next;
    s->conns = c;
}

static void drop_work(struct conn *c)
{
    if (c->work)
        c->drop(c->work);
    c->work = NULL;
}

static void end(struct conn *c)
{
    drop_work(c);
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    free(c);
}

static void on_connection(void *cls, struct MHD_Connection *mhd,
                          void **socket_context,
                          enum MHD_ConnectionNotificationCode toe)
{
    struct conn *c = *socket_context;

    if (toe == MHD_CONNECTION_NOTIFY_STARTED) {
        begin(cls, mhd, &c);
        *socket_context = c;
    } else if (c) {
        *socket_context = NULL;
        end(c);
    }
}

static struct conn *conn_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info ? info->socket_context : NULL;
}

/* The target as it came, before MHD unescapes it: the handlers compare whole
 * paths, and an escaped NUL would cut one short. */
static void *on_uri(void *cls, const char *uri, struct MHD_Connection *mhd)
{
    struct conn *c = conn_of(mhd);

    (void)cls;
    if (c)
        c->bad_uri = uri[0] != '/' || strstr(uri, "%00") ||
                     strstr(uri, "/../") || strpbrk(uri, " \t\\#\"<>");
    return NULL;
}

static void on_completed(void *cls, struct MHD_Connection *mhd, void **con_cls,
                         enum MHD_RequestTerminationCode toe)
{
    struct server *s = cls;
    struct conn *c = conn_of(mhd);

    (void)con_cls;
    (void)toe;
    if (!c)
        return;
    drop_work(c);
    c->deadline = uv_now(s->site->loop) + REQUEST_HEAD_MS;
}

static bool has_body(struct MHD_Connection *mhd)
{
    const char *length =
        MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, "Content-Length");

    return (length && strspn(length, "0") != strlen(length)) ||
           MHD_lookup_connection_value(mhd, MHD_HEADER_KIND,
                                       "Transfer-Encoding");
}

/* MHD calls this twice.  An answer to the first call makes it close the
 * connection afterwards, since there might be a body it has not read: so only
 * requests with a body, which are refused, are answered there. */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *mhd,
                                  const char *url, const char *method,
                                  const char *version, const char *body,
                                  size_t *body_size, void **con_cls)
{
    struct server *s = cls;
    struct request r = {.site = s->site,
                        .conn = conn_of(mhd),
                        .mhd = mhd,
                        .method = method,
                        .path = url};

    (void)version;
    (void)body;
    *body_size = 0; /* no call takes a body; auth_head() has said so */
    if (!r.conn)
        return MHD_NO;
    if (!*con_cls) {
        *con_cls = s;
        if (!has_body(mhd))
            return MHD_YES;
    }
    r.conn->deadline = uv_now(s->site->loop) + REQUEST_ANSWER_MS;
    return routes_answer(&r);
}

/* ---- start and stop ---- */

static struct MHD_Daemon *start(struct server *s, int fd)
{
    return MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, s,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, s, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
        MHD_OPTION_URI_LOG_CALLBACK, on_uri, s, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)SERVER_CONNECTIONS, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        s->local ? 0u : (unsigned)SERVER_CONNECTIONS_IP,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)REQUEST_IDLE_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)32768,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
}

struct server *server_start(struct site *site, int fd, bool local)
{
    const union MHD_DaemonInfo *info;
    struct server *s = calloc(1, sizeof(*s));

    if (s) {
        s->site = site;
        s->local = local;
        s->fd = -1;
        s->mhd = start(s, fd);
    }
    if (!s || !s->mhd) {
        free(s);
        (void)close(fd);
        return NULL;
    }
    info = MHD_get_daemon_info(s->mhd, MHD_DAEMON_INFO_EPOLL_FD);
    if (!info || uv_poll_init(site->loop, &s->poll, info->epoll_fd) != 0) {
        MHD_stop_daemon(s->mhd); /* closes fd */
        free(s);
        return NULL;
    }
    (void)uv_timer_init(site->loop, &s->due);
    (void)uv_timer_init(site->loop, &s->sweep);
    (void)uv_idle_init(site->loop, &s->soon);
    s->poll.data = s->due.data = s->sweep.data = s->soon.data = s;
    s->open_handles = 4;
    (void)uv_poll_start(&s->poll, UV_READABLE, on_poll);
    (void)uv_timer_start(&s->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
    return s;
}

void server_wake(struct server *s)
{
    struct conn *c;

    for (c = s->conns; c; c = c->next)
        if (c->work)
            c->wake(c->work);
}

void server_quiesce(struct server *s)
{
    s->fd = MHD_quiesce_daemon(s->mhd);
}

static void handle_closed(uv_handle_t *handle)
{
    struct server *s = handle->data;

    if (--s->open_handles > 0)
        return;
    s->closed(s->arg);
    free(s);
}

void server_stop(struct server *s, void (*closed)(void *arg), void *arg)
{
    s->closed = closed;
    s->arg = arg;
    (void)uv_poll_stop(&s->poll);
    MHD_stop_daemon(s->mhd);
    if (s->fd >= 0)
        (void)close(s->fd);
    uv_close((uv_handle_t *)&s->poll, handle_closed);
    uv_close((uv_handle_t *)&s->due, handle_closed);
    uv_close((uv_handle_t *)&s->soon, handle_closed);
    uv_close((uv_handle_t *)&s->sweep, handle_closed);
}
