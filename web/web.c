/* web.c - the HTTP side's face: start, feed, stop
 *
 * What belongs to the loop is freed by the loop, in the turn after the stop. */
#include "api/metrics.h"
#include "api/stream.h"
#include "http/request.h"
#include "routes.h"
#include "server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <web/listen.h>
#include <web/web.h>

struct web {
    struct site site;
    struct server *tcp, *local;
    struct listen_file file;
    uint16_t port;
    uv_prepare_t turn;
    unsigned closing; /* parts that the loop still has to close */
    char version[32];
    char *token;
};

bool web_set_token(struct web *w, const char *token)
{
    char *copy = token && *token ? strdup(token) : NULL;

    if (token && *token && !copy)
        return false;
    if (w->token) {
        explicit_bzero(w->token, strlen(w->token));
        free(w->token);
    }
    w->token = copy;
    w->site.token = copy;
    return true;
}

static void part_closed(void *arg)
{
    struct web *w = arg;

    if (--w->closing > 0)
        return;
    (void)web_set_token(w, NULL);
    free(w);
}

static void turn_closed(uv_handle_t *turn)
{
    part_closed(turn->data);
}

static void on_turn(uv_prepare_t *turn)
{
    ((struct web *)turn->data)->site.turn++;
}

static void run_servers(void *arg)
{
    struct web *w = arg;

    if (w->tcp)
        server_run(w->tcp);
    if (w->local)
        server_run(w->local);
}

static int64_t web_wall_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static struct patience read_patience(const struct web_patience *p)
{
    return (struct patience){
        .head_ms = p->head_ms ? p->head_ms : 10000,
        .linger_ms = p->linger_ms ? p->linger_ms : 2000,
        .stall_ms = p->stall_ms ? p->stall_ms : 30000,
        .stall_bytes = p->stall_bytes ? p->stall_bytes : 32768,
    };
}

static struct web *make_web(uv_loop_t *loop, const struct web_config *c)
{
    struct web *w = calloc(1, sizeof(*w));

    if (!w)
        return NULL;
    metrics_begin();
    (void)snprintf(w->version, sizeof(w->version), "%s", c->version);
    w->site = (struct site){.from = c->from,
                            .options = c->options,
                            .version = w->version,
                            .warn = c->warn,
                            .warn_arg = c->warn_arg,
                            .patience = read_patience(&c->patience),
                            .loop = loop,
                            .run = run_servers,
                            .arg = w,
                            .started_ms = web_wall_ms()};
    /* If it fails a client may choose an address that is counted together with
     * another's; no more than that. */
    (void)uv_random(NULL, NULL, &w->site.key, sizeof(w->site.key), 0, NULL);
    w->site.routes = routes_table(&w->site.n_routes);
    if (!web_set_token(w, c->token) ||
        !(w->site.stream = stream_new(&w->site))) {
        (void)web_set_token(w, NULL);
        free(w);
        return NULL;
    }
    w->turn.data = w;
    w->site.turn = 1;
    (void)uv_prepare_init(loop, &w->turn);
    (void)uv_prepare_start(&w->turn, on_turn);
    uv_unref((uv_handle_t *)&w->turn);
    return w;
}

/* One listener; 0 or a negative errno. */
static int open_server(struct web *w, int fd, struct server **server,
                       char err[256])
{
    if (fd < 0)
        return fd;
    *server = server_start(&w->site, fd, server == &w->local);
    if (*server)
        return 0;
    (void)snprintf(err, 256,
                   "cannot start the HTTP server: out of memory or "
                   "file descriptors");
    return -ENOMEM;
}

int web_start(struct web **web, uv_loop_t *loop, const struct web_config *c,
              char err[256])
{
    const struct web_options *o = &c->options;
    struct web *w = make_web(loop, c);
    int result = 0;

    *web = NULL;
    if (!w) {
        (void)snprintf(err, 256, "cannot start the HTTP side: out of memory");
        return -ENOMEM;
    }
    if (o->listen.set)
        result = open_server(
            w, listen_tcp(o->listen.host, o->listen.port, &w->port, err),
            &w->tcp, err);
    if (result == 0 && o->socket[0])
        result =
            open_server(w, listen_unix(o->socket, SOCK_STREAM, &w->file, err),
                        &w->local, err);
    if (result < 0) {
        web_stop(w);
        return result;
    }
    *web = w;
    return 0;
}

uint16_t web_port(const struct web *web)
{
    return web->port;
}

void web_event(struct web *web, uint32_t shard, const struct ct_event *ev,
               uint64_t lost)
{
    stream_event(web->site.stream, shard, ev, lost);
}

void web_stop(struct web *w)
{
    struct server *servers[] = {w->tcp, w->local};
    unsigned i;

    w->site.stopping = true;
    w->closing = 1;
    for (i = 0; i < 2; i++)
        if (servers[i]) {
            w->closing++;
            server_stop(servers[i], part_closed, w);
        }
    w->closing++;
    uv_close((uv_handle_t *)&w->turn, turn_closed);
    listen_remove(&w->file);
    stream_close(w->site.stream, part_closed, w);
}
