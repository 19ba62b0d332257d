/* order.c - changes of the kernel, done by a process of their own: who orders
 */
#include "order.h"

#include "order_wire.h"

#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* The kernel answers at once, but for its lock on the network; a process that
 * was stopped must not stop weir. */
enum { PATIENCE_MS = 5000 };

static struct {
    int fd;
    pid_t process; /* 0: none */
    uint32_t seq, port;
} server = {.fd = -1};

int order_fork(int *serve)
{
    int pair[2];
    pid_t child;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    child = fork();
    if (child < 0) {
        int err = -errno;

        close(pair[0]);
        close(pair[1]);
        return err;
    }
    if (child == 0) {
        close(pair[0]);
        *serve = pair[1];
        return 0;
    }
    close(pair[1]);
    server.fd = pair[0];
    server.process = child;
    return child;
}

bool order_given(void)
{
    return server.process != 0;
}

int order_fd(void)
{
    return server.fd;
}

uint32_t order_port(void)
{
    return server.port;
}

/* The answer to seq; an older one was given up. */
static int receive(uint32_t seq)
{
    struct pollfd ready = {.fd = server.fd, .events = POLLIN};
    struct order_answer answer;

    for (;;) {
        int n = poll(&ready, 1, PATIENCE_MS);
        ssize_t got;

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0 ? -ETIMEDOUT : -errno;
        got = recv(server.fd, &answer, sizeof answer, MSG_DONTWAIT);
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got != sizeof answer)
            return got < 0 ? -errno : -EPIPE;
        if (answer.seq != seq)
            continue;
        server.port = answer.port;
        return answer.code;
    }
}

int order_greet(void)
{
    return receive(0);
}

bool order_drain(void)
{
    struct order_answer late;
    ssize_t got;

    do
        got = recv(server.fd, &late, sizeof late, MSG_DONTWAIT);
    while (got > 0 || (got < 0 && errno == EINTR));
    return got < 0 && errno == EAGAIN;
}

/* fd: to go along, or -1. */
static int order(struct order_head *head, const void *body, size_t len, int fd)
{
    union {
        char room[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {.room = {0}};
    struct iovec piece[2] = {{head, sizeof *head}, {NULL, len}};
    struct msghdr m = {.msg_iov = piece, .msg_iovlen = len > 0 ? 2 : 1};

    if (len > ORDER_BODY)
        return -EMSGSIZE;
    memcpy(&piece[1].iov_base, &body, sizeof body); /* it is only read */
    if (fd >= 0) {
        struct cmsghdr *c;

        m.msg_control = control.room;
        m.msg_controllen = sizeof control.room;
        c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(c), &fd, sizeof fd);
    }
    head->seq = ++server.seq;
    while (sendmsg(server.fd, &m, MSG_NOSIGNAL) < 0)
        if (errno != EINTR)
            return -errno;
    return receive(head->seq);
}

int order_route(const struct nlmsghdr *change)
{
    struct order_head head = {.kind = ORDER_ROUTE};

    return order(&head, change, change->nlmsg_len, -1);
}

int order_nftables(const void *batch, size_t len)
{
    struct order_head head = {.kind = ORDER_NFTABLES};

    return order(&head, batch, len, -1);
}

int order_sysctl(const char *path, uint32_t value)
{
    struct order_head head = {.kind = ORDER_SYSCTL, .value = value};

    if (snprintf(head.name, sizeof head.name, "%s", path) >=
        (int)sizeof head.name)
        return -ENAMETOOLONG;
    return order(&head, NULL, 0, -1);
}

int order_attach(int fd, const char *name, int flags)
{
    struct order_head head = {.kind = ORDER_ATTACH, .value = (uint32_t)flags};

    (void)snprintf(head.name, sizeof head.name, "%s", name);
    return order(&head, NULL, 0, fd);
}

void order_end(void)
{
    if (server.process == 0)
        return;
    close(server.fd);
    while (waitpid(server.process, NULL, 0) < 0 && errno == EINTR)
        ;
    server.fd = -1;
    server.process = 0;
}
