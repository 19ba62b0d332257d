/* admit.c - new clients of a server, and making room for them
 *
 * The newest client is one more than there are places, until another has made
 * way for it: so its request is seen, which may be a health check.  Meanwhile
 * the others wait in the kernel's queue, in their order. */
#include "admit.h"
#include "http/address.h"
#include "turns.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <web/listen.h>

unsigned admit_room(const struct server *s)
{
    return s->local ? SERVER_LOCAL_CONNECTIONS : SERVER_CONNECTIONS;
}

/* Close the one that is missed least.  False: none may be closed. */
static bool close_one_client(struct server *s, bool any)
{
    struct conn *worst =
        places_worst(&s->places, s->conns, uv_now(s->site->loop), any);

    if (!worst)
        return false;
    s->site->closed[CLOSED_ROOM]++;
    conn_close(worst);
    return true;
}

static bool is_shortage(int code)
{
    return code == EMFILE || code == ENFILE || code == ENOBUFS ||
           code == ENOMEM;
}

bool admit_pair(struct conn *c)
{
    struct server *s = c->server;
    int fd[2], type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

    while (socketpair(AF_UNIX, type, 0, fd) != 0)
        if (!is_shortage(errno) || !close_one_client(s, true) || c->fd < 0)
            return false;
    c->pair = fd[0];
    c->far = fd[1];
    if (daemon_add(s->mhd, c))
        return true;
    (void)close(c->pair);
    c->pair = -1;
    return false;
}

static void begin_client(struct server *s, int fd,
                         const struct sockaddr_storage *a)
{
    struct conn *c = malloc(sizeof(*c));
    struct epoll_event e = {.events = EPOLLIN};

    while (!c && close_one_client(s, true))
        c = malloc(sizeof(*c));
    if (!c) {
        (void)close(fd);
        return;
    }
    memset(c, 0, offsetof(struct conn, in));
    c->server = s;
    c->site = s->site;
    c->host = &s->host;
    c->fd = fd;
    c->pair = -1;
    c->local = s->local;
    c->stranger = s->local && !listen_peer(fd, NULL);
    c->address = address_hash(a, s->site->key);
    address_text(a, c->peer);
    c->next = s->conns;
    c->link = &s->conns;
    if (c->next)
        c->next->link = &c->next;
    s->conns = c;
    places_take(&s->places, c);
    conn_enter(c, CONN_HEAD);
    c->watched[0] = EPOLLIN;
    e.data.u64 = (uintptr_t)c;
    (void)epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &e);
    conn_client(c, EPOLLIN); /* its request has often come already */
}

void admit_pause(struct server *s, bool pause)
{
    struct epoll_event e = {.events = pause ? 0 : EPOLLIN, .data.u64 = 0};

    s->paused = pause;
    (void)epoll_ctl(s->epoll, EPOLL_CTL_MOD, s->fd, &e);
}

/* Is it better to wait for requests that are being answered than to turn away
 * a client that has asked?  Not when the queue is long: a health check in it
 * has to be seen soon.  The Unix socket is root's alone, and does not say how
 * long its queue is. */
static bool may_wait(const struct server *s)
{
    struct tcp_info info; /* of a socket that listens: unacked = its queue */
    socklen_t len = sizeof(info);

    return !s->local && turns_may_release(s) &&
           getsockopt(s->fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
           info.tcpi_unacked < SERVER_QUEUE;
}

/* Is there a place for one more? */
static bool has_client_place(struct server *s)
{
    return s->places.n <= admit_room(s) || close_one_client(s, false) ||
           (!may_wait(s) && close_one_client(s, true));
}

void admit_some(struct server *s)
{
    struct sockaddr_storage a;
    socklen_t len;
    int fd;

    for (unsigned i = 0; i < SERVER_ACCEPTS && has_client_place(s); i++) {
        len = sizeof(a);
        memset(&a, 0, sizeof(a));
        fd = accept4(s->fd, (struct sockaddr *)&a, &len,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
            begin_client(s, fd, &a);
        else if (errno == EAGAIN)
            return;
        else if (is_shortage(errno) && !close_one_client(s, true)) {
            admit_pause(s, true);
            return;
        }
    }
}
