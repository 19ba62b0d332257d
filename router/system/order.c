/* order.c - changes of the kernel, done by a process of their own: who orders
 */
#include "system/order.h"

#include "system/order_wire.h"

#include <errno.h>
#include <linux/netlink.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

/* The kernel answers at once, but for its lock on the network; a process that
 * was stopped must not stop weir. */
enum { PATIENCE_S = 5 };

static struct {
    int fd, end;   /* end: readable when the process has ended, or -1 */
    pid_t process; /* 0: none */
    uint32_t seq, port, tables_port;
    uint64_t value; /* of the last answer */
    char found[ORDER_FOUND];
} server = {.fd = -1, .end = -1};

int system_order_fork(int *serve)
{
    const struct timeval limit = {.tv_sec = PATIENCE_S};
    int pair[2];
    pid_t child;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0 ||
        setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) < 0)
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
    server.end = (int)syscall(SYS_pidfd_open, child, 0); /* Linux 5.3 */
    return child;
}

bool system_order_given(void)
{
    return server.process != 0;
}

int system_order_end_fd(void)
{
    return server.end;
}

uint32_t system_order_port(void)
{
    return server.port;
}

uint32_t system_order_tables_port(void)
{
    return server.tables_port;
}

/* The answer to seq; an older one was given up. */
static int receive_answer(uint32_t seq)
{
    struct order_answer answer;

    for (;;) {
        ssize_t got = recv(server.fd, &answer, sizeof answer, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return errno == EAGAIN ? -ETIMEDOUT : -errno;
        if (got != sizeof answer)
            return -EPIPE;
        if (answer.seq != seq)
            continue;
        server.port = answer.port;
        server.tables_port = answer.tables_port;
        server.value = answer.value;
        memcpy(server.found, answer.found, sizeof server.found);
        return answer.code;
    }
}

int system_order_greet(void)
{
    return receive_answer(0);
}

/* fd: to go along, or -1. */
static int send_order(struct order_head *head, const void *body, size_t len,
                      int fd)
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
    return receive_answer(head->seq);
}

int system_order_route(const struct nlmsghdr *change)
{
    struct order_head head = {.kind = ORDER_ROUTE};

    return send_order(&head, change, change->nlmsg_len, -1);
}

int system_order_nftables(const void *batch, size_t len)
{
    struct order_head head = {.kind = ORDER_NFTABLES};

    return send_order(&head, batch, len, -1);
}

int system_order_sysctl(const char *path, uint32_t value)
{
    struct order_head head = {.kind = ORDER_SYSCTL, .value = value};

    if (snprintf(head.name, sizeof head.name, "%s", path) >=
        (int)sizeof head.name)
        return -ENAMETOOLONG;
    return send_order(&head, NULL, 0, -1);
}

int system_order_attach(int fd, const char *name, int flags)
{
    struct order_head head = {.kind = ORDER_ATTACH, .value = (uint32_t)flags};

    (void)snprintf(head.name, sizeof head.name, "%s", name);
    return send_order(&head, NULL, 0, fd);
}

int system_order_count(const char *counter, uint64_t *packets)
{
    struct order_head head = {.kind = ORDER_COUNT};
    int code;

    (void)snprintf(head.name, sizeof head.name, "%s", counter);
    code = send_order(&head, NULL, 0, -1);
    *packets = server.value;
    return code;
}

/* Something is to be looked for. */
static int send_lookup(uint32_t kind, const void *question, size_t len,
                       void *found, size_t room)
{
    struct order_head head = {.kind = kind};
    int code;

    if (room > sizeof server.found)
        return -EMSGSIZE;
    code = send_order(&head, question, len, -1);
    memcpy(found, server.found, room);
    return code;
}

int system_order_forward(const void *question, size_t len, void *found,
                         size_t room)
{
    return send_lookup(ORDER_FORWARD, question, len, found, room);
}

int system_order_clash(void *found, size_t room)
{
    return send_lookup(ORDER_CLASH, NULL, 0, found, room);
}

void system_order_end(void)
{
    if (server.process == 0)
        return;
    close(server.fd); /* it holds nothing that is worth waiting for */
    if (server.end >= 0)
        close(server.end);
    server.fd = server.end = -1;
    server.process = 0;
}
