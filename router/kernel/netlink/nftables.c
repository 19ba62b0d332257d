/* nftables.c - nf_tables is spoken to
 *
 * The kernel answers each message that fails, and those that ask for it.  One
 * socket is kept: its port tells whose a change was. */
#include "kernel/netlink/nftables.h"

#include "kernel/netlink/ask.h"
#include "system/order.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

enum { ROOM = 8192, SECONDS = 2 };

static struct mnl_socket *talk;

/* Until the acknowledgement of seq, a list's end, or the first error. */
static int answer(uint32_t seq, mnl_cb_t fn, void *ctx)
{
    _Alignas(8) char room[ROOM];
    bool disturbed = false;

    for (;;) {
        ssize_t got = mnl_socket_recvfrom(talk, room, sizeof room);
        const struct nlmsghdr *h = (const void *)room;
        int n = (int)got;

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        for (; netlink_is_message(h, n); h = mnl_nlmsg_next(h, &n)) {
            const int *code = netlink_body(h, sizeof *code);

            disturbed = disturbed || (h->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
            if (h->nlmsg_type == NLMSG_DONE)
                return disturbed ? -EAGAIN : 0;
            if (h->nlmsg_type == NLMSG_ERROR && code != NULL &&
                (*code != 0 || h->nlmsg_seq == seq))
                return *code;
            if (h->nlmsg_type >= NLMSG_MIN_TYPE && fn != NULL)
                (void)fn(h, ctx);
        }
    }
}

/* The number of the last message that asks to be answered; 0: none does. */
static uint32_t last_asked(const void *batch, size_t len)
{
    const struct nlmsghdr *h = batch;
    uint32_t last = 0;

    for (int n = (int)len; netlink_is_message(h, n); h = mnl_nlmsg_next(h, &n))
        if ((h->nlmsg_flags & NLM_F_ACK) != 0)
            last = h->nlmsg_seq;
    return last;
}

static int open_talk(void)
{
    const struct timeval limit = {.tv_sec = SECONDS};

    if (talk != NULL)
        return 0;
    talk = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
    if (talk == NULL)
        return -errno;
    if (mnl_socket_bind(talk, 0, MNL_SOCKET_AUTOPID) == 0 &&
        setsockopt(mnl_socket_get_fd(talk), SOL_SOCKET, SO_RCVTIMEO, &limit,
                   sizeof limit) == 0)
        return 0;
    mnl_socket_close(talk);
    talk = NULL;
    return -EPROTONOSUPPORT;
}

/* What an earlier question has left unread. */
static void clear(void)
{
    char room[64];
    struct iovec piece = {room, sizeof room};
    struct msghdr m = {.msg_iov = &piece, .msg_iovlen = 1};

    while (recvmsg(mnl_socket_get_fd(talk), &m, MSG_DONTWAIT) >= 0)
        ;
}

static int say(const void *what, size_t len)
{
    int err = open_talk();

    if (err < 0)
        return err;
    clear();
    return mnl_socket_sendto(talk, what, len) < 0 ? -errno : 0;
}

int netlink_nftables_send(const void *batch, size_t len)
{
    int err;

    if (system_order_given())
        return system_order_nftables(batch, len);
    err = say(batch, len);
    return err < 0 ? err : answer(last_asked(batch, len), NULL, NULL);
}

uint32_t netlink_nftables_port(void)
{
    if (system_order_given())
        return system_order_tables_port();
    return talk == NULL ? 0 : mnl_socket_get_portid(talk);
}

void netlink_nftables_close(void)
{
    if (talk != NULL)
        mnl_socket_close(talk);
    talk = NULL;
}

int netlink_nftables_ask(const struct nlmsghdr *question, mnl_cb_t fn,
                         void *ctx)
{
    int err = say(question, question->nlmsg_len);

    return err < 0 ? err : answer(question->nlmsg_seq, fn, ctx);
}

/* ---- counters ---- */

static int read_packets(const struct nlattr *a, void *data)
{
    uint64_t *packets = data;

    if (mnl_attr_get_type(a) == NFTA_COUNTER_PACKETS)
        *packets = be64toh(netlink_get_u64(a));
    return MNL_CB_OK;
}

static int read_data(const struct nlattr *a, void *data)
{
    if (mnl_attr_get_type(a) == NFTA_OBJ_DATA)
        mnl_attr_parse_nested(a, read_packets, data);
    return MNL_CB_OK;
}

static int read_object(const struct nlmsghdr *h, void *data)
{
    mnl_attr_parse(h, sizeof(struct nfgenmsg), read_data, data);
    return MNL_CB_OK;
}

int netlink_nftables_count(const char *counter, uint64_t *packets)
{
    _Alignas(8) char room[512];
    struct nlmsghdr *h = mnl_nlmsg_put_header(room);
    struct nfgenmsg *m;

    *packets = 0;
    if (system_order_given())
        return system_order_count(counter, packets);
    h->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETOBJ;
    h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    h->nlmsg_seq = 1;
    m = mnl_nlmsg_put_extra_header(h, sizeof *m);
    memset(m, 0, sizeof *m);
    m->nfgen_family = NFPROTO_INET;
    mnl_attr_put_strz(h, NFTA_OBJ_TABLE, NETLINK_NFTABLES_TABLE);
    mnl_attr_put_strz(h, NFTA_OBJ_NAME, counter);
    mnl_attr_put_u32(h, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_COUNTER));
    return netlink_nftables_ask(h, read_object, packets);
}
