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
 * sum that the wire would have carried was never made, and whoever gets the
 * error finds his flow by addresses and ports. */
#include <ctcore/ct.h>
#include <ctcore/wire.h>

#include "base/csum.h"
#include "core/core.h"
#include "packet/mangle.h"
#include "packet/parse.h"

enum { TTL = 64, V4_HEADER = 20, V6_HEADER = 40, TCP_HEADER = 20 };
enum { V4_ERROR_MAX = 576, V6_ERROR_MAX = CT_REPLY_MAX, ICMP_HEADER = 8 };
enum { V4_DF = 0x4000, V4_OFFSET = 0x1fff };
enum { PARAMETER_PROBLEM = 4 }; /* ICMPv6 */

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
    if (v4)
        return addr[0] != 0 && addr[0] != 127 && addr[0] < 224;
    return addr[0] != 0xff && !(all_zero(addr, 15) && addr[15] <= 1);
}

static bool later_fragment(const struct ct_pkt *pkt)
{
    uint32_t off = V6_HEADER;
    uint8_t next = pkt->data[6];

    if (pkt->tuple.family == CT_IPV4)
        return (ct_get16(pkt->data + 6) & V4_OFFSET) != 0;
    return parse_chain(pkt->data, pkt->len, true, &off, &next) ==
           CT_REASON_FRAGMENT;
}

static bool between_hosts(const struct ct_pkt *pkt)
{
    const uint8_t *p = pkt->data;
    bool v4 = pkt->tuple.family == CT_IPV4;

    return single_host(p + (v4 ? 12 : 8), v4) &&
           single_host(p + (v4 ? 16 : 24), v4);
}

/* UDP without a checksum is as it was sent, over IPv6 too (RFC 6935). */
static bool is_damaged(const struct ct_pkt *pkt)
{
    const uint8_t *l4 = pkt->data + pkt->l4_off;

    if (pkt->l4_bad)
        return true;
    return !mangle_l4_checksum_ok(pkt) &&
           !(pkt->tuple.proto == CT_PROTO_UDP && ct_get16(l4 + 6) == 0);
}

/* Why nobody may be told anything about pkt; CT_N_STATS: its sender may be. */
static enum ct_stat silence(const struct ct_pkt *pkt)
{
    if (!between_hosts(pkt))
        return CT_STAT_error_of_group;
    if (later_fragment(pkt))
        return CT_STAT_error_of_fragment;
    if (pkt->tell && is_damaged(pkt))
        return CT_STAT_error_of_damaged;
    return CT_N_STATS;
}

/* Is it, or might it be, an ICMP error?  Types that are no query are taken for
 * errors, whoever has defined them: two routers must never answer each other.
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

static void start(struct ct_pkt *out, enum ct_kind kind, uint32_t len)
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
    memset(p, 0, V4_HEADER);
    p[0] = 0x45;
    p[1] = tos;
    ct_put16(p + 2, (uint16_t)len);
    ct_put16(p + 6, V4_DF);
    p[8] = TTL;
    p[9] = proto;
    memcpy(p + 12, src, 4);
    memcpy(p + 16, dst, 4);
    ct_put16(p + 10, (uint16_t)~csum_fold(csum_add(0, p, V4_HEADER)));
}

static void write_v6(uint8_t *p, uint32_t len, uint8_t proto,
                     const uint8_t *src, const uint8_t *dst)
{
    memset(p, 0, V6_HEADER);
    p[0] = 0x60;
    ct_put16(p + 4, (uint16_t)(len - V6_HEADER));
    p[6] = proto;
    p[7] = TTL;
    memcpy(p + 8, src, 16);
    memcpy(p + 24, dst, 16);
}

/* The checksum of the transport part of a packet that is otherwise done. */
static uint16_t l4_sum(const struct ct_pkt *out, uint32_t off, uint8_t proto)
{
    const uint8_t *p = out->data;
    uint32_t len = out->len - off;
    uint32_t sum = 0;

    if (off == V6_HEADER)
        sum = csum_pseudo(CT_IPV6, p + 8, p + 24, proto, len);
    else if (proto != CT_PROTO_ICMP)
        sum = csum_pseudo(CT_IPV4, p + 12, p + 16, proto, len);
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

static bool withhold(struct ct *ct, enum ct_stat why)
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
    const uint8_t *from = pkt->data + (v4 ? 16 : 24);
    uint8_t *icmp = out->data + head;
    enum ct_stat why = silence(pkt);

    if (!v4 && type == PARAMETER_PROBLEM)
        why = silence_of_problem(pkt, why);
    if (why == CT_N_STATS && may_be_error(pkt))
        why = CT_STAT_error_of_error;
    if (why != CT_N_STATS)
        return withhold(ct, why);
    if (src != NULL)
        from = src->b;
    if (quote > pkt->len)
        quote = pkt->len;

    start(out, CT_KIND_ERROR, head + ICMP_HEADER + quote);
    /* RFC 1812 s4.3.2.5: the packet's TOS, at the precedence of control */
    if (v4)
        write_v4(out->data, out->len, (pkt->data[1] & 0x1c) | 0xc0,
                 CT_PROTO_ICMP, from, pkt->data + 12);
    else
        write_v6(out->data, out->len, CT_PROTO_ICMPV6, from, pkt->data + 8);
    icmp[0] = type;
    icmp[1] = code;
    ct_put16(icmp + 2, 0);
    ct_put32(icmp + 4, v4 && mtu > 0xffff ? 0xffff : mtu);
    memcpy(icmp + ICMP_HEADER, pkt->data, quote);
    ct_put16(icmp + 2, l4_sum(out, head, v4 ? CT_PROTO_ICMP : CT_PROTO_ICMPV6));
    if (ct_parse_packet(out) != CT_REASON_NONE)
        return false;

    lend_flow(out, pkt, CT_RELATED);
    return true;
}

/* RFC 9293 s3.10.7.1: what a closed port says.  The reset takes the sequence
 * number that the segment acknowledges, or acknowledges all of the segment. */
static void write_reset(uint8_t *tcp, const struct ct_pkt *pkt)
{
    const uint8_t *seg = pkt->data + pkt->l4_off;
    uint8_t flags = seg[13];
    uint32_t data = pkt->l4_len - 4u * (seg[12] >> 4);

    memset(tcp, 0, TCP_HEADER);
    memcpy(tcp, seg + 2, 2);
    memcpy(tcp + 2, seg, 2);
    tcp[12] = TCP_HEADER / 4 << 4;
    tcp[13] = CT_TCP_RST;
    if (flags & CT_TCP_ACK) {
        memcpy(tcp + 4, seg + 8, 4);
        return;
    }
    tcp[13] |= CT_TCP_ACK;
    ct_put32(tcp + 8, ct_get32(seg + 4) + data + ((flags & CT_TCP_SYN) != 0) +
                          ((flags & CT_TCP_FIN) != 0));
}

bool ct_reply_reset(struct ct *ct, const struct ct_pkt *pkt, struct ct_pkt *out)
{
    bool v4 = pkt->tuple.family == CT_IPV4;
    uint32_t head = v4 ? V4_HEADER : V6_HEADER;
    const uint8_t *p = pkt->data;
    enum ct_stat why = silence(pkt);

    if (pkt->tuple.proto != CT_PROTO_TCP)
        return false;
    if (why == CT_N_STATS && pkt->l4_bad)
        why = CT_STAT_error_of_damaged;
    if (why == CT_N_STATS && (p[pkt->l4_off + 13] & CT_TCP_RST))
        why = CT_STAT_error_of_error;
    if (why != CT_N_STATS)
        return withhold(ct, why);

    start(out, CT_KIND_RST, head + TCP_HEADER);
    if (v4)
        write_v4(out->data, out->len, 0, CT_PROTO_TCP, p + 16, p + 12);
    else
        write_v6(out->data, out->len, CT_PROTO_TCP, p + 24, p + 8);
    write_reset(out->data + head, pkt);
    ct_put16(out->data + head + 16, l4_sum(out, head, CT_PROTO_TCP));
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

static void swap(uint8_t *a, uint8_t *b, uint32_t n)
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
    memmove(pkt->data + V6_HEADER, pkt->data + pkt->l4_off, pkt->l4_len);
    pkt->len = V6_HEADER + pkt->l4_len;
    pkt->data[6] = CT_PROTO_ICMPV6;
    ct_put16(pkt->data + 4, (uint16_t)pkt->l4_len);
}

static void turn_header(struct ct_pkt *pkt, bool v4)
{
    uint8_t *p = pkt->data;
    uint16_t was;

    if (!v4) {
        cut_extensions(pkt);
        swap(p + 8, p + 24, 16);
        p[7] = TTL;
        return;
    }
    swap(p + 12, p + 16, 4); /* a sum does not mind the order of its words */
    was = ct_get16(p + 8);
    p[8] = TTL;
    ct_put16(p + 10, csum_update16(ct_get16(p + 10), was, ct_get16(p + 8)));
}

/* The sum after the type changed.  Where every summed byte has become zero, a
 * reply with id 0 and nothing but zeros, the difference can't know that the sum
 * is now 0 and not its other self, 0xffff. */
static uint16_t echo_sum(uint16_t check, uint16_t was, const uint8_t *icmp,
                         uint32_t len)
{
    check = csum_update16(check, was, ct_get16(icmp));
    if (check == 0 && all_zero(icmp, 2) && all_zero(icmp + 4, len - 4))
        return 0xffff;
    return check;
}

/* Forget the request's way through the hooks. */
static void forget(struct ct_pkt *pkt)
{
    struct ct_pkt was = *pkt;

    start(pkt, CT_KIND_ECHO, was.len);
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
    uint8_t request = v4 ? 8 : 128;
    uint8_t *icmp;
    uint16_t was;

    (void)ct;
    if (pkt->tuple.proto != (v4 ? CT_PROTO_ICMP : CT_PROTO_ICMPV6) ||
        pkt->l4_bad || pkt->icmp_type != request || silence(pkt) != CT_N_STATS)
        return false;

    turn_header(pkt, v4);
    icmp = pkt->data + (v4 ? pkt->l4_off : V6_HEADER);
    was = ct_get16(icmp);
    icmp[0] = v4 ? 0 : 129;
    /* A partial sum is that of the pseudo header, which is as it was. */
    if (!pkt->csum_partial)
        ct_put16(icmp + 2,
                 echo_sum(ct_get16(icmp + 2), was, icmp, pkt->l4_len));
    forget(pkt);
    return ct_parse_packet(pkt) == CT_REASON_NONE;
}
