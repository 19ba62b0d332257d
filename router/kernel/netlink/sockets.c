/* sockets.c - ports of the host's own sockets, by sock_diag */
#include "kernel/netlink/sockets.h"

#include "kernel/netlink/ask.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>

/* The kernel's numbers of states; a UDP socket that is not connected is called
 * closed. */
enum { CLOSED = 7, LISTENS = 10 };

struct each {
    netlink_sockets_fn *fn;
    void *ctx;
};

int netlink_sockets_open(struct netlink **diag)
{
    return netlink_open_bus(diag, NETLINK_SOCK_DIAG);
}

void netlink_sockets_addrs(struct netlink_socket *s, uint8_t family,
                           const void *addr, const void *peer)
{
    static const uint8_t mapped[12] = {[10] = 0xff, 0xff};
    const uint8_t *own = addr, *other = peer;

    memset(&s->addr, 0, sizeof s->addr);
    memset(&s->peer, 0, sizeof s->peer);
    s->family = family;
    if (family == CT_IPV6 && memcmp(own, mapped, sizeof mapped) == 0) {
        s->family = CT_IPV4;
        own += sizeof mapped;
        other += sizeof mapped;
    }
    memcpy(s->addr.b, own, s->family == CT_IPV4 ? 4 : 16);
    memcpy(s->peer.b, other, s->family == CT_IPV4 ? 4 : 16);
}

static int read_socket(const struct nlmsghdr *h, void *data)
{
    const struct inet_diag_msg *m = netlink_body(h, sizeof *m);
    const struct each *each = data;

    struct netlink_socket s = {.port = 0};

    if (m == NULL)
        return MNL_CB_OK;
    s.port = ntohs(m->id.idiag_sport);
    s.peer_port = ntohs(m->id.idiag_dport);
    s.uid = m->idiag_uid;
    netlink_sockets_addrs(&s, netlink_family(m->idiag_family), m->id.idiag_src,
                          m->id.idiag_dst);
    each->fn(each->ctx, &s);
    return MNL_CB_OK;
}

int netlink_sockets_each(struct netlink *diag, uint8_t family, bool tcp,
                         enum netlink_sockets_which which,
                         netlink_sockets_fn *fn, void *ctx)
{
    _Alignas(8) char room[NETLINK_ROOM];
    struct nlmsghdr *h =
        netlink_ask(diag, room, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP);
    struct inet_diag_req_v2 *q = mnl_nlmsg_put_extra_header(h, sizeof *q);
    struct each each = {fn, ctx};

    q->sdiag_family = netlink_af(family);
    q->sdiag_protocol = tcp ? CT_PROTO_TCP : CT_PROTO_UDP;
    q->idiag_states = which == NETLINK_SOCKETS_ALL
                          ? UINT32_MAX
                          : 1u << (tcp ? LISTENS : CLOSED);
    return netlink_answer(diag, h, read_socket, &each);
}
