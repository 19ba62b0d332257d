/* change.c - new bytes for a packet that a program has changed
 *
 * A program may be wrong or hostile, and its packet is in the middle of its
 * way: its flow is found, its state is judged, half of its translation may be
 * done.  So the new bytes are parsed like any that arrive and held against the
 * old ones as these stand; whatever conntrack or NAT went by must be the same.
 * A TCP payload may have another length all the same: its flow's numbers are
 * then corrected where the packet comes back.  Checksums are computed again, so
 * that a program need not know of them. */
#include "queue/change.h"

#include <ctcore/ct.h>
#include <ctcore/wire.h>
#include <ctcore/words.h>
#include <linux/virtio_net.h>
#include <string.h>

/* ---- may it be? ---- */

/* A packet's bytes as they stand, parsed again. */
static bool look(const struct ct_pkt *pkt, uint8_t *data, uint32_t len,
                 struct ct_pkt *seen)
{
    *seen = (struct ct_pkt){
        .data = data, .len = len, .self = true, .in = pkt->in, .rule = CT_NONE};
    return ct_parse_packet(seen) == CT_REASON_NONE && seen->len == len;
}

static uint32_t tcp_head(const struct ct_pkt *p)
{
    return ct_tcp_size(ct_tcp_view(p->data + p->l4_off));
}

/* All of the header but its checksum, options included. */
static bool same_segment(const struct ct_pkt *a, const struct ct_pkt *b)
{
    const size_t before = offsetof(struct ct_tcp_header, check);
    const size_t behind = CT_END_OF(struct ct_tcp_header, check);
    const uint8_t *x = a->data + a->l4_off, *y = b->data + b->l4_off;

    return b->l4_len >= tcp_head(a) && memcmp(x, y, before) == 0 &&
           memcmp(x + behind, y + behind, tcp_head(a) - behind) == 0;
}

/* May these two be one segment's, of one header and two lengths? */
static bool may_resize(const struct ct_pkt *a, const struct ct_pkt *b)
{
    return (a->l4_flags & (CT_TCP_SYN | CT_TCP_RST | CT_TCP_URG)) == 0 &&
           a->l4_len > tcp_head(a) && b->l4_len > tcp_head(a);
}

/* Between what both begin and end with.  One byte of each is left behind `at`:
 * only a number above it can say that the change has arrived.  Where bytes came
 * in between two, the one before them counts as changed, or the one behind. */
static struct ct_resize compare(const struct ct_pkt *a, const struct ct_pkt *b)
{
    uint32_t head = tcp_head(a), n = a->l4_len - head, m = b->l4_len - head;
    const uint8_t *x = a->data + a->l4_off + head;
    const uint8_t *y = b->data + b->l4_off + head;
    uint32_t least = n < m ? n : m, at = 0, tail = 0;

    while (at + 1 < least && x[at] == y[at])
        at++;
    while (tail < least - at && x[n - 1 - tail] == y[m - 1 - tail])
        tail++;
    if (n - tail == at && at > 0)
        at--;
    else if (n - tail == at)
        tail--;
    return (struct ct_resize){
        .at = at, .end = n - tail, .by = (int32_t)(m - n)};
}

static uint32_t length_field(const struct ct_pkt *p)
{
    return ct_load16(ct_udp_view(p->data + p->l4_off)->len);
}

/* Has every byte of it been judged?  Of TCP, its header. */
static bool is_judged(const struct ct_pkt *p)
{
    return ct_proto_has_states(p->tuple.proto) &&
           p->tuple.proto != CT_PROTO_TCP;
}

static bool same(const struct ct_pkt *a, const struct ct_pkt *b)
{
    if (memcmp(&a->tuple, &b->tuple, sizeof a->tuple) != 0 ||
        a->icmp_error != b->icmp_error || a->l4_bad || b->l4_bad)
        return false;
    /* all of an error is about the other flow */
    if (a->icmp_error || is_judged(a))
        return a->len == b->len &&
               memcmp(a->data + a->l4_off, b->data + b->l4_off, a->l4_len) == 0;
    if (ct_proto_is_icmp(a->tuple.proto))
        return a->icmp_type == b->icmp_type && a->icmp_code == b->icmp_code;
    if (b->tuple.proto ==
        CT_PROTO_UDP) /* nothing behind it: whose sum would that be? */
        return length_field(b) == b->l4_len;
    return a->tuple.proto != CT_PROTO_TCP || same_segment(a, b);
}

/* ---- its checksums ---- */

/* The transport checksum, or NULL: there is none that may be set. */
static ct_be16 *field_of(const struct ct_pkt *p)
{
    uint32_t at = ct_proto_info(p->tuple.proto).sum_at;

    return at == 0 || is_judged(p)
               ? NULL
               : &ct_check_edit(p->data + p->l4_off + at)->check;
}

static uint32_t pseudo(const struct ct_pkt *p)
{
    bool v4 = ct_ip_version(p->data) == CT_IPV4;
    uint32_t s = p->tuple.proto + (uint64_t)p->l4_len;

    if (p->tuple.proto == CT_PROTO_ICMP)
        return 0;
    return ct_inet_sum(ct_ip_src(p->data, v4), v4 ? 8 : 32, s);
}

/* UDP-Lite covers what it says it covers (RFC 3828), 0: all. */
static uint32_t covered(const struct ct_pkt *p)
{
    uint32_t n = p->l4_len;

    if (p->tuple.proto == CT_PROTO_UDPLITE) {
        n = length_field(p);
        n = n == 0 || n > p->l4_len ? p->l4_len : n;
    }
    return n;
}

/* => all of the IPv4 header is there. */
static void sum_header(uint8_t *data)
{
    struct ct_ipv4_header *ip = ct_ipv4_edit(data);

    ct_store16(&ip->check, 0);
    ct_store16(&ip->check, ~(uint32_t)ct_inet_sum(data, ct_ipv4_size(ip), 0));
}

/* partial: the kernel is to complete it. */
static void set_sums(struct ct_pkt *p, bool partial)
{
    ct_be16 *field = field_of(p);
    uint32_t check;

    if (ct_ip_version(p->data) == CT_IPV4)
        sum_header(p->data);
    if (field == NULL)
        return;
    if (partial) {
        ct_store16(field, pseudo(p));
        return;
    }
    ct_store16(field, 0);
    check = ~ct_inet_sum(p->data + p->l4_off, covered(p), pseudo(p)) & 0xffff;
    if (check == 0 && p->tuple.proto != CT_PROTO_ICMP &&
        p->tuple.proto != CT_PROTO_TCP)
        check = 0xffff; /* RFC 768, RFC 8200 s8.1: 0 would say "none" */
    ct_store16(field, check);
}

/* ---- its size ---- */

/* A payload that is longer than it came: the kernel cuts it into segments as
 * long as it was.  What every link takes (RFC 791, RFC 8200 s5) stays whole, so
 * that a few letters more don't make a line many packets. */
static void set_segments(struct ct_pkt *pkt, uint32_t was)
{
    bool v4 = ct_ip_version(pkt->data) == CT_IPV4;
    uint32_t every = v4 ? 576 : 1280, head = pkt->l4_off + tcp_head(pkt);
    uint32_t is = pkt->len - head;

    if (pkt->gso_size != 0) { /* the last of its segments may be all there is */
        if (is > pkt->gso_size)
            return;
        pkt->gso_size = 0;
        pkt->gso_type = 0;
    } else if (is > was && pkt->len > every && pkt->frag_max == 0) {
        if (head < every && was < every - head)
            was = every - head;
        pkt->gso_size = (uint16_t)was;
        pkt->gso_type =
            v4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
    }
}

bool queue_change(struct ct_pkt *pkt, const uint8_t *bytes, uint32_t n,
                  uint32_t room, struct ct_resize *resize)
{
    struct ct_resize size = {.by = 0};
    uint8_t fresh[65600];
    struct ct_pkt was, is;
    uint32_t payload = 0;

    if (n > room || n > sizeof fresh || !look(pkt, pkt->data, pkt->len, &was))
        return false;
    memcpy(fresh, bytes, n);
    if (n >= sizeof(struct ct_ipv4_header) && ct_ip_version(fresh) == CT_IPV4 &&
        ct_ipv4_size(ct_ipv4_view(fresh)) <= n)
        sum_header(fresh); /* parse refuses a wrong one */
    if (!look(pkt, fresh, n, &is) || !same(&was, &is))
        return false;
    if (was.tuple.proto == CT_PROTO_TCP && was.l4_len != is.l4_len) {
        if (resize == NULL || !may_resize(&was, &is))
            return false;
        size = compare(&was, &is);
        payload = was.l4_len - tcp_head(&was);
    } else if (pkt->gso_size != 0 && n != pkt->len) {
        return false;
    }
    if (resize != NULL)
        *resize = size;
    memcpy(pkt->data, fresh, n);
    if (n != pkt->len)
        pkt->cuts = NULL;
    pkt->len = n;
    pkt->l4_off = is.l4_off;
    pkt->l4_len = is.l4_len;
    pkt->l4_bad = false;
    if (size.by != 0)
        set_segments(pkt, payload);
    set_sums(pkt, pkt->gso_size != 0);
    pkt->csum_partial = pkt->gso_size != 0;
    return true;
}
