/* tun.c - TUN devices: open, read and write packets with their offload header
 *
 * Before each packet stands a struct virtio_net_hdr (VIRTIO 1.1 section 5.1.6),
 * little-endian whatever the host is.  It lets packets of 64 KiB with a
 * checksum not yet computed pass through whole: the sender's kernel saves the
 * work, the receiver's is told that nothing can have gone wrong on the way.
 * Flags of UDP segmentation (Linux 6.2) are not in older kernel headers. */
#include "kernel/tun.h"
#include "kernel/netlink/addr.h"
#include "kernel/tun_node.h"
#include "kernel/tun_why.h"
#include "system/inet_sum.h"
#include "system/order.h"

#include <endian.h>
#include <errno.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <ctcore/ct.h>

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

_Static_assert(sizeof(struct virtio_net_hdr) == PKTBUF_LINK,
               "what stands before each packet");

/* ---- the offload header ---- */

/* Where the transport header is and whose, for packets without extension
 * headers; 0: ask the parser. */
static uint32_t l4_simple(const struct ct_pkt *pkt, uint8_t *proto)
{
    const struct ct_ipv4_header *ip = ct_ipv4_view(pkt->data);
    const struct ct_ipv6_header *ip6 = ct_ipv6_view(pkt->data);

    if (pkt->len >= sizeof *ip && ct_ip_version(pkt->data) == CT_IPV4) {
        *proto = ip->proto;
        return ct_ipv4_size(ip);
    }
    if (pkt->len >= sizeof *ip6 && ct_ip_version(pkt->data) == CT_IPV6) {
        *proto = ip6->next;
        return *proto == CT_PROTO_TCP || *proto == CT_PROTO_UDP ? sizeof *ip6
                                                                : 0;
    }
    return 0;
}

/* The outer transport checksum: NAT keeps that one right while it is partial.
 */
static bool csum_is_outer(const struct ct_pkt *pkt, uint32_t start,
                          uint32_t offset)
{
    struct ct_pkt parsed = *pkt;
    uint8_t proto = 0;
    uint32_t off = l4_simple(pkt, &proto);

    if (off == 0) {
        if (ct_parse_packet(&parsed) != CT_REASON_NONE)
            return false;
        off = parsed.l4_off;
        proto = parsed.tuple.proto;
    }
    return start == off && start + offset + 2 <= pkt->len &&
           (proto == CT_PROTO_TCP || proto == CT_PROTO_UDP) &&
           offset == ct_proto_info(proto).sum_at;
}

/* Any other place behind the outer network header: a tunnel's sender left the
 * checksum of what is inside to the device (VXLAN, Geneve, GRE, IPIP, L2TP,
 * FOU), or a protocol's whose sum NAT takes as a whole.  The far device would
 * be given the outer one's place, and the tunnel's own checksum is right only
 * once the inner one is there: so it is made here.  False: the place is none.
 */
static bool csum_complete(struct ct_pkt *pkt, uint32_t start, uint32_t offset)
{
    struct ct_pkt parsed = *pkt;
    uint8_t proto;

    parsed.self = true; /* from whom it is does not matter here */
    if (ct_parse_packet(&parsed) != CT_REASON_NONE)
        return false;
    proto = parsed.tuple.proto;
    if (start < parsed.l4_off || start + offset + 2 > parsed.len ||
        (start == parsed.l4_off &&
         (proto == CT_PROTO_TCP || proto == CT_PROTO_UDP)))
        return false;
    inet_sum_complete(pkt->data + start, parsed.len - start, offset);
    pkt->csum_partial = false;
    return true;
}

/* False: it contradicts the packet. */
static bool csum_ok(struct ct_pkt *pkt, uint32_t start, uint32_t offset)
{
    if (csum_is_outer(pkt, start, offset))
        return true;
    /* No tunnel's segmentation is offered to the kernel. */
    return pkt->gso_size == 0 && csum_complete(pkt, start, offset);
}

void tun_decode(struct ct_pkt *pkt, const uint8_t header[PKTBUF_LINK])
{
    struct virtio_net_hdr h;
    bool needs;

    memcpy(&h, header, sizeof h);
    needs = (h.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0;
    pkt->csum_ok = (h.flags & VIRTIO_NET_HDR_F_DATA_VALID) != 0;
    pkt->csum_partial = needs;
    pkt->gso_type = h.gso_type;
    pkt->gso_size = le16toh(h.gso_size);
    if ((h.gso_type & ~VIRTIO_NET_HDR_GSO_ECN) == VIRTIO_NET_HDR_GSO_NONE) {
        pkt->gso_type = 0;
        pkt->gso_size = 0;
    }
    if ((pkt->gso_type != 0 && pkt->gso_size == 0) ||
        (needs &&
         !csum_ok(pkt, le16toh(h.csum_start), le16toh(h.csum_offset)))) {
        pkt->gso_type = TUN_GSO_BAD;
        pkt->gso_size = 0;
        pkt->csum_partial = false;
    }
}

void tun_encode(const struct ct_pkt *pkt, uint8_t header[PKTBUF_LINK])
{
    const struct ct_tcp_header *tcp = ct_tcp_view(pkt->data + pkt->l4_off);
    uint32_t size = sizeof(struct ct_udp_header);
    struct virtio_net_hdr h = {0};

    if (pkt->csum_partial) {
        h.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
        h.csum_start = htole16((uint16_t)pkt->l4_off);
        h.csum_offset = htole16(ct_proto_info(pkt->tuple.proto).sum_at);
    }
    if (pkt->gso_size != 0) {
        if (pkt->tuple.proto == CT_PROTO_TCP &&
            pkt->l4_off + CT_END_OF(struct ct_tcp_header, offset) <= pkt->len)
            size = ct_tcp_size(tcp);
        h.gso_type = pkt->gso_type;
        h.hdr_len = htole16((uint16_t)(pkt->l4_off + size));
        h.gso_size = htole16(pkt->gso_size);
    }
    memcpy(header, &h, sizeof h);
}

int tun_read(int fd, struct pktbuf *buf)
{
    uint8_t *link = buf->room + CT_HEADROOM - PKTBUF_LINK;
    ssize_t n;

    do
        n = read(fd, link, PKTBUF_LINK + PKTBUF_DATA);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN ? 0 : -errno;
    if (n < PKTBUF_LINK)
        return 0;
    buf->pkt = (struct ct_pkt){.data = buf->room + CT_HEADROOM,
                               .len = (uint32_t)n - PKTBUF_LINK,
                               .out = CT_NO_IFACE,
                               .rule = CT_NONE};
    tun_decode(&buf->pkt, link);
    return 1;
}

int tun_write(int fd, struct ct_pkt *pkt)
{
    uint8_t *link = pkt->data - PKTBUF_LINK;
    ssize_t n;

    tun_encode(pkt, link);
    do
        n = write(fd, link, PKTBUF_LINK + pkt->len);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    return n == (ssize_t)(PKTBUF_LINK + pkt->len) ? 0 : -EMSGSIZE;
}

/* ---- the device ---- */

static int claim(const struct tun *tun, int fd)
{
    int flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;

    if (tun->multi_queue)
        flags |= IFF_MULTI_QUEUE;
    return system_order_given() ? system_order_attach(fd, tun->name, flags)
                                : tun_node_attach(fd, tun->name, flags);
}

/* Most first; a kernel without UDP segmentation takes the second. */
static unsigned set_offload(int fd, bool plain)
{
    static const unsigned wishes[] = {
        TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN | TUN_F_USO4 |
            TUN_F_USO6,
        TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN,
        TUN_F_CSUM,
        0,
    };
    enum { N = sizeof wishes / sizeof *wishes };

    for (unsigned i = plain ? N - 1 : 0; i < N; i++)
        if (ioctl(fd, TUNSETOFFLOAD, (unsigned long)wishes[i]) == 0)
            return wishes[i];
    return 0;
}

static int claim_queue(struct tun *tun, int fd)
{
    int size = PKTBUF_LINK, one = 1, err;

    if ((err = claim(tun, fd)) < 0)
        return err;
    if (ioctl(fd, TUNSETVNETHDRSZ, &size) < 0 ||
        ioctl(fd, TUNSETVNETLE, &one) < 0)
        return -errno;
    tun->offload = set_offload(fd, tun->config.plain);
    return 0;
}

struct wanted {
    const struct tun_config *config;
    uint32_t index;
    bool found;
};

static void compare(void *ctx, const struct netlink_addr *addr)
{
    struct wanted *w = ctx;
    size_t size = w->config->family == CT_IPV4 ? 4 : 16;

    if (addr->index == w->index && addr->family == w->config->family &&
        memcmp(addr->addr.b, w->config->address.b, size) == 0)
        w->found = true;
}

/* Does the kernel's side have its address already?  Asking is free, giving it
 * once more takes a permission. */
static bool has_address(const struct tun *tun, struct netlink *nl,
                        uint32_t index)
{
    struct wanted w = {&tun->config, index, false};

    (void)netlink_addr_each(nl, compare, &w);
    return w.found;
}

/* MTU, up, address: what differs, and nothing else, since a device that was
 * made ready beforehand must need no permission. */
static int dress(const struct tun *tun, struct netlink *nl, char text[256])
{
    const struct tun_config *c = &tun->config;
    struct netlink_link link;
    int err = netlink_link(nl, tun->name, &link);

    if (err == 0 && (link.mtu != c->mtu || !link.up))
        err = netlink_start(nl, link.index, c->mtu);
    if (err == 0) {
        link.mtu = c->mtu;
        link.up = true;
        if (c->address_set && !has_address(tun, nl, link.index))
            err = netlink_address(nl, link.index, (enum ct_family)c->family,
                                  &c->address, c->prefix, false);
    }
    if (err < 0)
        tun_why_dress(&tun->config, &link, err, text);
    return err;
}

/* link: what stands under that name, or NULL. */
static int open_queues(struct tun *tun, const struct netlink_link *link,
                       char text[256])
{
    int err, fd;

    while (tun->n < tun->config.queues) {
        fd = tun_node_open();
        if (fd < 0) {
            tun_why_node(fd, text);
            return -1;
        }
        tun->fd[tun->n++] = fd;
        err = claim_queue(tun, fd);
        if (err == -EINVAL && tun->config.queues == 1) {
            tun->multi_queue = false; /* made beforehand with one queue */
            err = claim_queue(tun, fd);
        }
        if (err < 0) {
            tun_why_claim(&tun->config, link, err, text);
            return -1;
        }
    }
    return 0;
}

int tun_open(struct tun *tun, const struct tun_config *config,
             struct netlink *nl, char text[256])
{
    struct netlink_link link;
    bool there;

    *tun = (struct tun){.config = *config, .multi_queue = true};
    snprintf(tun->name, sizeof tun->name, "%s", config->name);
    tun->config.name = tun->name;
    there = netlink_link(nl, tun->name, &link) == 0;
    if (there && (!link.is_tun || link.is_tap)) {
        tun_why_claim(&tun->config, &link, -EINVAL, text);
        return -1;
    }
    /* A TUN with a queue attached is in use: with IFF_MULTI_QUEUE the
     * kernel would let us share it. */
    if (there && link.queues > 0) {
        tun_why_claim(&tun->config, &link, -EBUSY, text);
        return -1;
    }
    if (open_queues(tun, there ? &link : NULL, text) == 0 &&
        dress(tun, nl, text) == 0)
        return 0;
    tun_close(tun);
    return -1;
}

void tun_close(struct tun *tun)
{
    while (tun->n > 0)
        close(tun->fd[--tun->n]);
}

int tun_attach(struct tun *tun, struct netlink *nl)
{
    char text[256];
    int err;

    for (unsigned i = 0; i < tun->n; i++) {
        err = claim_queue(tun, tun->fd[i]);
        if (err < 0 && err != -EEXIST) /* attached by an attempt before */
            return err;
    }
    return dress(tun, nl, text);
}
