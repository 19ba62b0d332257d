/* reply.c - packets the router makes itself: ICMP errors, resets, echo replies
 *
 * When no error may be sent (RFC 1122 s3.2.2, RFC 1812 s4.3.2.7, RFC 4443
 * s2.4 e): about an ICMP error, about a fragment that is not the first, to or
 * about a group, and to a source that is not one host.  Nor is a packet that a
 * rule rejects answered if it arrived damaged (RFC 1122 s4.1.3.4, s4.2.2.7):
 * whose ports are those?  Whether an address is a link's broadcast address only
 * the routes know: that is the caller's to ask, as is the rate.  RFC 4443 lets
 * two errors be about multicast; weir forwards none, so they never arise.
 *
 * An error quotes as much of its packet as fits (RFC 1812 s4.3.2.3: 576 bytes
 * in all; RFC 4443 s2.4 c: 1280), byte for byte.  A super-packet's header is
 * quoted with the length it has here, and a partial checksum stays partial: the
 * sum that the wire would have carried was never made, and the receiver of
 * the error finds its flow by addresses and ports. */
#include <ctcore/ct.h>
#include <ctcore/wire.h>

#include "base/csum.h"
#include "core/core.h"
#include "packet/mangle.h"
#include "packet/parse.h"

enum {
    V4_HEADER = sizeof(struct ct_ipv4_header),
    V6_HEADER = sizeof(struct ct_ipv6_header),
    TCP_HEADER = sizeof(struct ct_tcp_header),
    ICMP_HEADER = sizeof(struct ct_icmp_header)
};
enum { TTL = 64, V4_ERROR_MAX = 576, V6_ERROR_MAX = CT_REPLY_MAX };

/* ---- who may be answered ---- */

static bool all_zero(const uint8_t *p, unsigned n)
{
    while (n > 0 && p[n - 1] == 0)
        n--;
    return n == 0;
}

/* One host, as far as the address itself tells. */
static bool single_host(const uint8_t *addr, bool v4)
{
    union ct_addr a = {.w64 = {0}};

    memcpy(a.b, addr, v4 ? 4 : 16);
    if (v4)
        return a.b[0] != 0 && a.b[0] != 127 && a.b[0] < 224;
    return a.b[0] != 0xff && !(all_zero(a.b, 15) && a.b[15] <= 1);
}

static bool later_fragment(const struct ct_pkt *pkt)
{
    uint32_t off = V6_HEADER;
    uint8_t next;

    if (pkt->tuple.family == CT_IPV4)
        return (ct_load16(ct_ipv4_view(pkt->data)->frag) & CT_IPV4_OFFSET) != 0;
    next = ct_ipv6_view(pkt->data)->next;
    return parse_chain(pkt->data, pkt->len, true, &off, &next) ==
           CT_REASON_FRAGMENT;
}

static bool between_hosts(const struct ct_pkt *pkt)
{
    bool v4 = pkt->tuple.family == CT_IPV4;

    return single_host(ct_ip_src(pkt->data, v4), v4) &&
           single_host(ct_ip_dst(pkt->data, v4), v4);
}

/* UDP without a checksum is as it was sent, over IPv6 too (RFC 6935). */
static bool is_checksum_wrong(const struct ct_pkt *pkt)
{
    const struct ct_udp_header *udp = ct_udp_view(pkt->data + pkt->l4_off);

    if (pkt->l4_bad)
        return true;
    return !mangle_l4_checksum_ok(pkt) &&
           !(pkt->tuple.proto == CT_PROTO_UDP && ct_load16(udp->check) == 0);
}

/* Why there is no answer to pkt; CT_N_STATS: its sender may have one. */
static enum ct_stat reason_for_silence(const struct ct_pkt *pkt)
{
    if (!between_hosts(pkt))
        return CT_STAT_error_of_group;
    if (later_fragment(pkt))
        return CT_STAT_error_of_fragment;
    if (pkt->tell && is_checksum_wrong(pkt))
        return CT_STAT_error_of_damaged;
    return CT_N_STATS;
}

/* Is it, or might it be, an ICMP error?  Types that are no query are taken for
 * errors, also where they are not defined: two routers must never answer each
 * other.
 */
static bool may_be_error(const struct ct_pkt *pkt)
{
    uint8_t type = pkt->icmp_type;

    if (!ct_proto_is_icmp(pkt->tuple.proto))
        return false;
    if (pkt->l4_bad || pkt->icmp_error)
        return true;
    return pkt->tuple.proto == CT_PROTO_ICMP &&
           !parse_icmp_query(CT_IPV4, type);
}

/* RFC 8200 s4.5 asks for this one about any fragment, and RFC 4443 s2.4 e lets
 * it be, unless it is of an ICMPv6 message, which might be an error. */
static enum ct_stat silence_of_problem(const struct ct_pkt *pkt,
                                       enum ct_stat why)
{
    if (pkt->tuple.proto != CT_PROTO_FRAGMENT ||
        (why != CT_N_STATS && why != CT_STAT_error_of_fragment))
        return why;
    return pkt->data[pkt->l4_off] == CT_PROTO_ICMPV6 ? CT_STAT_error_of_error
                                                     : CT_N_STATS;
}

/* ---- building ---- */

static void start_reply(struct ct_pkt *out, enum ct_kind kind, uint32_t len)
{
    uint8_t *data = out->data;

    memset(out, 0, sizeof *out);
    out->data = data;
    out->len = len;
    out->kind = (uint8_t)kind;
    out->csum_ok = true;
    out->in = CT_NO_IFACE;
    out->out = CT_NO_IFACE;
    out->rule = CT_NONE;
}

/* DF and id 0: an atomic datagram needs no id (RFC 6864 s4.1). */
static void write_v4(uint8_t *p, uint32_t len, uint8_t tos, uint8_t proto,
                     const uint8_t *src, const uint8_t *dst)
{
    struct ct_ipv4_header *ip = ct_ipv4_edit(p);

    *ip = (struct ct_ipv4_header){.version_ihl = CT_IPV4 << 4 | V4_HEADER / 4,
                                  .tos = tos,
                                  .ttl = TTL,
                                  .proto = proto};
    ct_store16(&ip->len, len);
    ct_store16(&ip->frag, CT_IPV4_DF);
    memcpy(ip->src.b, src, sizeof ip->src);
    memcpy(ip->dst.b, dst, sizeof ip->dst);
    ct_store16(&ip->check, (uint16_t)~csum_fold(csum_add(0, p, V4_HEADER)));
}

static void write_v6(uint8_t *p, uint32_t len, uint8_t proto,
                     const uint8_t *src, const uint8_t *dst)
{
    struct ct_ipv6_header *ip = ct_ipv6_edit(p);

    *ip = (struct ct_ipv6_header){.next = proto, .hop_limit = TTL};
    ct_store16(&ip->version_class, CT_IPV6 << 12);
    ct_store16(&ip->len, len - V6_HEADER);
    memcpy(ip->src, src, sizeof ip->src);
    memcpy(ip->dst, dst, sizeof ip->dst);
}

/* The checksum of the transport part of a packet that is otherwise done. */
static uint16_t l4_sum(const struct ct_pkt *out, uint32_t off, uint8_t proto)
{
    const uint8_t *p = out->data;
    uint32_t len = out->len - off;
    uint32_t sum = 0;

    if (off == V6_HEADER)
        sum = csum_pseudo(CT_IPV6, ct_ip_src(p, false), ct_ip_dst(p, false),
                          proto, len);
    else if (proto != CT_PROTO_ICMP)
        sum = csum_pseudo(CT_IPV4, ct_ip_src(p, true), ct_ip_dst(p, true),
                          proto, len);
    return (uint16_t)~csum_fold(csum_add(sum, p + off, len));
}

/* The answer travels in its flow, against the packet it is about: NAT then
 * translates it without a look-up, which could not find an unconfirmed flow. */
static void lend_flow(struct ct_pkt *out, const struct ct_pkt *pkt,
                      enum ct_info info)
{
    if (pkt->conn == NULL)
        return;
    out->conn = pkt->conn;
    out->conn_gen = pkt->conn_gen;
    out->info = (uint8_t)info;
    out->dir = !pkt->dir;
    out->mark = pkt->mark;
    out->tracked = true;
}

static bool withhold_reply(struct ct *ct, enum ct_stat why)
{
    core_stat(ct, why);
    return false;
}

bool ct_reply_error(struct ct *ct, const struct ct_pkt *pkt, uint8_t type,
                    uint8_t code, uint32_t mtu, const union ct_addr *src,
                    struct ct_pkt *out)
{
    bool v4 = pkt->tuple.family == CT_IPV4;
    uint32_t head = v4 ? V4_HEADER : V6_HEADER;
    uint32_t max = v4 ? V4_ERROR_MAX : V6_ERROR_MAX;
    uint32_t quote = max - head - ICMP_HEADER;
    const uint8_t *from = ct_ip_dst(pkt->data, v4);
    const uint8_t *to = ct_ip_src(pkt->data, v4);
    struct ct_icmp_header *icmp = ct_icmp_edit(out->data + head);
    enum ct_stat why = reason_for_silence(pkt);

    if (!v4 && type == CT_ICMPV6_PARAMETER)
        why = silence_of_problem(pkt, why);
    if (why == CT_N_STATS && may_be_error(pkt))
        why = CT_STAT_error_of_error;
    if (why != CT_N_STATS)
        return withhold_reply(ct, why);
    if (src != NULL)
        from = src->b;
    if (quote > pkt->len)
        quote = pkt->len;

    start_reply(out, CT_KIND_ERROR, head + ICMP_HEADER + quote);
    /* RFC 1812 s4.3.2.5: the packet's TOS, at the precedence of control */
    if (v4)
        write_v4(out->data, out->len,
                 (ct_ipv4_view(pkt->data)->tos & 0x1c) | 0xc0, CT_PROTO_ICMP,
                 from, to);
    else
        write_v6(out->data, out->len, CT_PROTO_ICMPV6, from, to);
    *icmp = (struct ct_icmp_header){.type = type, .code = code};
    ct_store32(&icmp->mtu, v4 && mtu > 0xffff ? 0xffff : mtu);
    memcpy(out->data + head + sizeof *icmp, pkt->data, quote);
    ct_store16(&icmp->check,
               l4_sum(out, head, v4 ? CT_PROTO_ICMP : CT_PROTO_ICMPV6));
    if (ct_parse_packet(out) != CT_REASON_NONE)
        return false;

    lend_flow(out, pkt, CT_RELATED);
    return true;
}

/* RFC 9293 s3.10.7.1: what a closed port says.  The reset takes the sequence
 * number that the segment acknowledges, or acknowledges all of the segment. */
static void write_reset(struct ct_tcp_header *tcp, const struct ct_pkt *pkt)
{
    const struct ct_tcp_header *seg = ct_tcp_view(pkt->data + pkt->l4_off);
    uint32_t data = pkt->l4_len - ct_tcp_size(seg);

    *tcp = (struct ct_tcp_header){.offset = TCP_HEADER / 4 << 4,
                                  .flags = CT_TCP_RST};
    tcp->sport = seg->dport;
    tcp->dport = seg->sport;
    if (seg->flags & CT_TCP_ACK) {
        tcp->seq = seg->ack;
        return;
    }
    tcp->flags |= CT_TCP_ACK;
    ct_store32(&tcp->ack, ct_load32(seg->seq) + data +
                              ((seg->flags & CT_TCP_SYN) != 0) +
                              ((seg->flags & CT_TCP_FIN) != 0));
}

bool ct_reply_reset(struct ct *ct, const struct ct_pkt *pkt, struct ct_pkt *out)
{
    bool v4 = pkt->tuple.family == CT_IPV4;
    uint32_t head = v4 ? V4_HEADER : V6_HEADER;
    const uint8_t *from = ct_ip_dst(pkt->data, v4);
    const uint8_t *to = ct_ip_src(pkt->data, v4);
    struct ct_tcp_header *tcp = ct_tcp_edit(out->data + head);
    enum ct_stat why = reason_for_silence(pkt);

    if (pkt->tuple.proto != CT_PROTO_TCP)
        return false;
    if (why == CT_N_STATS && pkt->l4_bad)
        why = CT_STAT_error_of_damaged;
    if (why == CT_N_STATS && (pkt->l4_flags & CT_TCP_RST))
        why = CT_STAT_error_of_error;
    if (why != CT_N_STATS)
        return withhold_reply(ct, why);

    start_reply(out, CT_KIND_RST, head + TCP_HEADER);
    if (v4)
        write_v4(out->data, out->len, 0, CT_PROTO_TCP, from, to);
    else
        write_v6(out->data, out->len, CT_PROTO_TCP, from, to);
    write_reset(tcp, pkt);
    ct_store16(&tcp->check, l4_sum(out, head, CT_PROTO_TCP));
    if (ct_parse_packet(out) != CT_REASON_NONE)
        return false;
    /* A closed port's reset is a segment of its flow, which conntrack finds by
     * its tuple.  The reset of a refused packet is not: its flow may never have
     * been confirmed, and yet it must be translated back. */
    if (pkt->tell)
        lend_flow(out, pkt, CT_ESTABLISHED);
    return true;
}

/* ---- echo ---- */

static void swap_bytes(uint8_t *a, uint8_t *b, uint32_t n)
{
    uint8_t was[16];

    memcpy(was, a, n);
    memcpy(a, b, n);
    memcpy(b, was, n);
}

/* A header chain was the asker's wish for his packet, not for the answer: a
 * routing header must not be sent back (RFC 8200 s4.4, s8.4). */
static void cut_extensions(struct ct_pkt *pkt)
{
    uint32_t cut = pkt->l4_off - V6_HEADER;

    if (cut == 0)
        return;
    memmove(pkt->data + sizeof(struct ct_ipv6_header), pkt->data + pkt->l4_off,
            pkt->l4_len);
    pkt->len = V6_HEADER + pkt->l4_len;
    ct_ipv6_edit(pkt->data)->next = CT_PROTO_ICMPV6;
    ct_store16(&ct_ipv6_edit(pkt->data)->len, pkt->l4_len);
}

static void turn_header(struct ct_pkt *pkt, bool v4)
{
    struct ct_ipv4_header *ip = ct_ipv4_edit(pkt->data);
    struct ct_ipv6_header *ip6 = ct_ipv6_edit(pkt->data);

    if (!v4) {
        cut_extensions(pkt);
        swap_bytes(ip6->src, ip6->dst, sizeof ip6->src);
        ip6->hop_limit = TTL;
        return;
    }
    /* a sum does not mind the order of its words */
    swap_bytes(ip->src.b, ip->dst.b, sizeof ip->src);
    csum_patch(&ip->check, csum_diff16((uint16_t)(ip->ttl << 8), TTL << 8));
    ip->ttl = TTL;
}

/* The sum after the type changed.  Where every summed byte has become zero, a
 * reply with id 0 and nothing but zeros, the difference can't know that the sum
 * is now 0 and not its other self, 0xffff. */
static uint16_t echo_sum(const struct ct_icmp_header *icmp, uint16_t was,
                         const uint8_t *payload, uint32_t len)
{
    uint16_t is = ct_load16(icmp->type_code);
    uint16_t check = csum_update16(ct_load16(icmp->check), was, is);

    if (check == 0 && is == 0 && ct_load32(icmp->mtu) == 0 &&
        all_zero(payload, len))
        return 0xffff;
    return check;
}

/* Forget the request's way through the hooks. */
static void reset_hook_state(struct ct_pkt *pkt)
{
    struct ct_pkt was = *pkt;

    start_reply(pkt, CT_KIND_ECHO, was.len);
    pkt->frag_max = was.frag_max;
    pkt->cuts = was.cuts;
    pkt->gso_size = was.gso_size;
    pkt->gso_type = was.gso_type;
    pkt->csum_partial = was.csum_partial;
    pkt->csum_ok = was.csum_ok;
}

bool ct_reply_echo(struct ct *ct, struct ct_pkt *pkt)
{
    bool v4 = pkt->tuple.family == CT_IPV4;
    uint8_t request = v4 ? CT_ICMP_ECHO : CT_ICMPV6_ECHO;
    struct ct_icmp_header *icmp;
    uint8_t *bytes;
    uint16_t was;

    (void)ct;
    if (pkt->tuple.proto != (v4 ? CT_PROTO_ICMP : CT_PROTO_ICMPV6) ||
        pkt->l4_bad || pkt->icmp_type != request ||
        reason_for_silence(pkt) != CT_N_STATS)
        return false;

    turn_header(pkt, v4);
    bytes = pkt->data + (v4 ? pkt->l4_off : V6_HEADER);
    icmp = ct_icmp_edit(bytes);
    was = ct_load16(icmp->type_code);
    icmp->type = v4 ? CT_ICMP_ECHO_REPLY : CT_ICMPV6_ECHO_REPLY;
    /* A partial sum is that of the pseudo header, which is as it was. */
    if (!pkt->csum_partial)
        ct_store16(&icmp->check, echo_sum(icmp, was, bytes + sizeof *icmp,
                                          pkt->l4_len - ICMP_HEADER));
    reset_hook_state(pkt);
    return ct_parse_packet(pkt) == CT_REASON_NONE;
}
