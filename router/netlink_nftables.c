/* netlink_nftables.c - one transaction of nf_tables
 *
 * The kernel answers each message that fails, and those that ask for it. */
#include "netlink_nftables.h"

#include "order.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/time.h>

enum { ROOM = 8192, SECONDS = 2 };

/* Until the acknowledgement of seq, or the first error. */
static int answer(struct mnl_socket *s, uint32_t seq)
{
    _Alignas(8) char room[ROOM];

    for (;;) {
        ssize_t got = mnl_socket_recvfrom(s, room, sizeof room);
        const struct nlmsghdr *h = (const void *)room;
        int n = (int)got;

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        for (; mnl_nlmsg_ok(h, n); h = mnl_nlmsg_next(h, &n)) {
            const int *code = mnl_nlmsg_get_payload(h);

            if (h->nlmsg_type == NLMSG_ERROR &&
                (*code != 0 || h->nlmsg_seq == seq))
                return *code;
        }
    }
}

/* The number of the last message that asks to be answered; 0: none does. */
static uint32_t last_asked(const void *batch, size_t len)
{
    const struct nlmsghdr *h = batch;
    uint32_t last = 0;

    for (int n = (int)len; mnl_nlmsg_ok(h, n); h = mnl_nlmsg_next(h, &n))
        if ((h->nlmsg_flags & NLM_F_ACK) != 0)
            last = h->nlmsg_seq;
    return last;
}

int netlink_nftables_send(const void *batch, size_t len)
{
    const struct timeval limit = {.tv_sec = SECONDS};
    struct mnl_socket *s;
    int err = 0;

    if (order_given())
        return order_nftables(batch, len);
    s = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
    if (s == NULL)
        return -errno;
    if (mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0 ||
        setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_RCVTIMEO, &limit,
                   sizeof limit) < 0 ||
        mnl_socket_sendto(s, batch, len) < 0)
        err = -errno;
    if (err == 0)
        err = answer(s, last_asked(batch, len));
    mnl_socket_close(s);
    return err;
}
