/* daemon.c - libmicrohttpd behind a server: its callbacks, its connections */
#include "daemon.h"
#include "routes.h"

#include <string.h>
#include <sys/socket.h>

enum { MEMORY_MAX = 65536 }; /* of one connection: any head head.c lets pass */

static struct conn *conn_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info ? info->socket_context : NULL;
}

static void drop_work(struct conn *c)
{
    if (c->work)
        c->drop(c->work);
    c->work = NULL;
    c->host->held -= c->held;
    c->held = 0;
}

static void on_connection(void *cls, struct MHD_Connection *mhd,
                          void **socket_context,
                          enum MHD_ConnectionNotificationCode toe)
{
    const struct daemon_host *host = cls;
    struct conn *c = *socket_context;

    if (toe == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);

        c = info ? host->find(host->arg, info->connect_fd) : NULL;
        *socket_context = c;
        if (c)
            c->mhd = mhd;
    } else if (c) {
        *socket_context = NULL;
        drop_work(c);
        c->mhd = NULL;
        c->far = -1; /* its number may be another's next */
    }
}

static void on_completed(void *cls, struct MHD_Connection *mhd, void **con_cls,
                         enum MHD_RequestTerminationCode toe)
{
    struct conn *c = conn_of(mhd);

    (void)cls;
    (void)con_cls;
    (void)toe;
    if (!c)
        return;
    drop_work(c);
    conn_completed(c);
}

/* MHD calls this twice.  An answer to the first call makes it close the
 * connection afterwards, since there might be a body it has not read: there is
 * none, head.c has seen to that. */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *mhd,
                                  const char *url, const char *method,
                                  const char *version, const char *body,
                                  size_t *body_size, void **con_cls)
{
    struct request r = {
        .conn = conn_of(mhd), .mhd = mhd, .method = method, .path = url};

    (void)version;
    (void)body;
    *body_size = 0;
    if (!r.conn || r.conn->fd < 0)
        return MHD_NO;
    if (!*con_cls) {
        *con_cls = cls;
        return MHD_YES;
    }
    r.site = r.conn->site;
    return routes_answer(&r);
}

struct MHD_Daemon *daemon_new(const struct daemon_host *host, unsigned most)
{
    union {
        const struct daemon_host *in;
        void *out;
    } p = {.in = host}; /* it comes back to us alone */

    return MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET, 0,
        NULL, NULL, on_request, p.out, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, p.out, MHD_OPTION_NOTIFY_COMPLETED, on_completed, p.out,
        MHD_OPTION_CONNECTION_LIMIT, most, MHD_OPTION_CONNECTION_TIMEOUT, 0u,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_MAX, MHD_OPTION_END);
}

bool daemon_add(struct MHD_Daemon *mhd, struct conn *c)
{
    static const struct sockaddr local = {.sa_family = AF_UNIX};

    return MHD_add_connection(mhd, c->far, &local, sizeof(local)) == MHD_YES;
}
