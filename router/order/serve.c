/* serve.c - the process that does what it is ordered
 *
 * No libuv, no thread, no memory but what stands here.  Signals that end weir
 * are for the other process, which says by closing the socket that it has
 * ended: Ctrl-C and systemd send them to all. */
#include "order/serve.h"

#include "gateway/plan.h"
#include "gateway/setting.h"
#include "kernel/netlink/ask.h"
#include "kernel/netlink/clash.h"
#include "kernel/netlink/forward.h"
#include "kernel/netlink/neigh.h"
#include "kernel/netlink/nftables.h"
#include "kernel/netlink/rule.h"
#include "kernel/tun_node.h"
#include "order/route.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

struct serving {
    int fd;
    const struct order_limits *limits;
    struct order_devices devices;
    struct netlink *nl;
    struct order order;
    size_t len;     /* of its body */
    int brought;    /* a descriptor, or -1 */
    uint64_t value; /* of a counter */
    char found[ORDER_FOUND];
};

_Static_assert(sizeof(struct netlink_forward_found) <= ORDER_FOUND &&
                   sizeof(struct netlink_clash) <= ORDER_FOUND,
               "what is found goes into the answer");

static int change_route(struct serving *s)
{
    _Alignas(8) char room[NETLINK_ROOM];
    struct nlmsghdr *h;

    if (s->len > sizeof room)
        return -EMSGSIZE;
    memcpy(room, s->order.body, s->len);
    h = (void *)room;
    netlink_stamp(s->nl, h);
    return netlink_answer(s->nl, h, NULL, NULL);
}

static const struct nlmsghdr *message(const struct serving *s)
{
    return (const void *)s->order.body;
}

/* One of others' rules of preference 0, which are in front of weir's, may be
 * given another: it is made again, and goes where it has two. */
static bool is_move(const struct serving *s)
{
    uint32_t there = 0, first = 0, pref = 0;
    bool goes;

    if (!s->limits->gateway || s->order.head.kind != ORDER_ROUTE ||
        !order_route_is_move(message(s), s->len, &pref) ||
        netlink_rule_count(s->nl, message(s), &there, &first) < 0 || first == 0)
        return false;
    goes = message(s)->nlmsg_type == RTM_DELRULE;
    return goes ? there >= 2 && pref == GATEWAY_PLAN_FRONT
                : pref < GATEWAY_PLAN_BACK;
}

struct proxy {
    uint32_t index;
    union ct_addr addr;
    bool others;
};

static int take_address(const struct nlattr *a, void *data)
{
    if (mnl_attr_get_type(a) == NDA_DST)
        netlink_get_addr(a, data);
    return MNL_CB_OK;
}

static void compare(void *ctx, const struct netlink_neigh *neigh)
{
    struct proxy *p = ctx;

    if (neigh->index == p->index && ct_addr_eq(&neigh->addr, &p->addr) &&
        neigh->protocol != GATEWAY_PLAN_PROTOCOL)
        p->others = true;
}

/* The kernel deletes a proxy neighbour whichever program has made it. */
static bool is_others_proxy(const struct serving *s)
{
    const struct ndmsg *m;
    struct proxy p = {.others = false};

    if (s->order.head.kind != ORDER_ROUTE ||
        message(s)->nlmsg_type != RTM_DELNEIGH)
        return false;
    m = mnl_nlmsg_get_payload(message(s));
    p.index = (uint32_t)m->ndm_ifindex;
    mnl_attr_parse(message(s), sizeof *m, take_address, &p.addr);
    return netlink_neigh_each(s->nl, netlink_family(m->ndm_family), compare,
                              &p) < 0 ||
           p.others;
}

static bool may(struct serving *s)
{
    order_devices_find(&s->devices, s->limits, s->nl);
    if (order_check(s->limits, &s->devices, &s->order, s->len))
        return !is_others_proxy(s);
    return is_move(s);
}

static int look_forward(struct serving *s)
{
    struct netlink_forward_question q;
    struct netlink_forward_found found;
    int code;

    memcpy(&q, s->order.body, sizeof q);
    code = netlink_forward_look(&q, &found);
    memcpy(s->found, &found, sizeof found);
    return code;
}

static int look_clash(struct serving *s)
{
    struct netlink_clash found;
    int code = netlink_clash_look(&found);

    memcpy(s->found, &found, sizeof found);
    return code;
}

static int obey(struct serving *s)
{
    const struct order_head *head = &s->order.head;

    if (!may(s))
        return -EPERM;
    switch (head->kind) {
    case ORDER_ROUTE:
        return change_route(s);
    case ORDER_NFTABLES:
        return netlink_nftables_send(s->order.body, s->len);
    case ORDER_COUNT:
        return netlink_nftables_count(head->name, &s->value);
    case ORDER_FORWARD:
        return look_forward(s);
    case ORDER_CLASH:
        return look_clash(s);
    case ORDER_SYSCTL:
        return gateway_setting_write(head->name, head->value);
    default:
        return s->brought < 0
                   ? -EBADF
                   : tun_node_attach(s->brought, head->name, (int)head->value);
    }
}

static void take_descriptor(struct serving *s, struct msghdr *m)
{
    struct cmsghdr *c = CMSG_FIRSTHDR(m);

    s->brought = -1;
    if (c != NULL && c->cmsg_level == SOL_SOCKET &&
        c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(&s->brought, CMSG_DATA(c), sizeof s->brought);
}

/* 1: there is one; 0: the other end is closed; or a negative errno. */
static int next(struct serving *s)
{
    union {
        char room[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec piece = {&s->order, sizeof s->order};
    struct msghdr m = {.msg_iov = &piece,
                       .msg_iovlen = 1,
                       .msg_control = control.room,
                       .msg_controllen = sizeof control.room};
    ssize_t got;

    do
        got = recvmsg(s->fd, &m, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got <= 0)
        return got < 0 ? -errno : 0;
    take_descriptor(s, &m);
    if ((size_t)got < sizeof s->order.head || (m.msg_flags & MSG_TRUNC) != 0)
        return -EMSGSIZE;
    s->len = (size_t)got - sizeof s->order.head;
    return 1;
}

static int answer(const struct serving *s, uint32_t seq, int code)
{
    struct order_answer a = {.seq = seq,
                             .code = code,
                             .port = netlink_port(s->nl),
                             .tables_port = netlink_nftables_port(),
                             .value = s->value};

    memcpy(a.found, s->found, sizeof a.found);
    while (send(s->fd, &a, sizeof a, MSG_NOSIGNAL) < 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

/* Nothing of the other process's but the way to it. */
static void cut_off(void)
{
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGTSTP};
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        signal(ends[i], SIG_IGN);
    for (int i = 0; null >= 0 && i <= STDERR_FILENO; i++)
        dup2(null, i);
    if (null > STDERR_FILENO)
        close(null);
}

static struct serving serving;

int order_serve_begin(int fd, const struct order_limits *limits)
{
    int err;

    serving.fd = fd;
    serving.limits = limits;
    cut_off();
    err = netlink_open(&serving.nl);
    if (err == 0)
        order_devices_begin(&serving.devices, limits, serving.nl);
    return err;
}

int order_serve(void)
{
    struct serving *s = &serving;
    int code = answer(s, 0, 0);

    while (code >= 0 && (code = next(s)) > 0) {
        code = answer(s, s->order.head.seq, obey(s));
        if (s->brought >= 0)
            close(s->brought);
        if (code < 0)
            break;
    }
    netlink_close(s->nl);
    return code < 0;
}
