/* parse_inner.c - the packet that an ICMP error quotes
 *
 * RFC 792 promises its IP header and 8 bytes more, RFC 4443 as much as fits.
 * The quotation is the sender's word for what somebody once sent, so nothing in
 * it is believed: its lengths only ever make it shorter. */
#include "packet/parse_inner.h"

#include "packet/parse.h"

#include <ctcore/wire.h>

#define NONE CT_REASON_NONE

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static enum ct_reason quoted_ipv4(const uint8_t *ip, uint32_t room,
                                  struct inner *in)
{
    enum { OFFSET = 0x1fff };
    uint32_t ihl, total;

    if (room < 20)
        return CT_REASON_ICMP_TRUNCATED;
    ihl = (uint32_t)(ip[0] & 15) * 4;
    total = ct_get16(ip + 2);
    if (ip[0] >> 4 != CT_IPV4 || ihl < 20 || total < ihl)
        return CT_REASON_ICMP_INNER;
    if (ihl > room)
        return CT_REASON_ICMP_TRUNCATED;
    if (ct_get16(ip + 6) & OFFSET) /* a later fragment has no ports to go by */
        return CT_REASON_ICMP_INNER;
    memcpy(in->tuple.src.b, ip + 12, 4);
    memcpy(in->tuple.dst.b, ip + 16, 4);
    in->proto = ip[9];
    in->l4_off = in->ip_off + ihl;
    in->l4_len = smaller(room, total) - ihl;
    in->l4_whole = total - ihl;
    return NONE;
}

static enum ct_reason quoted_ipv6(const uint8_t *ip, uint32_t room,
                                  struct inner *in)
{
    uint32_t off = 40, total;
    enum ct_reason why;

    if (room < 40)
        return CT_REASON_ICMP_TRUNCATED;
    if (ip[0] >> 4 != CT_IPV6)
        return CT_REASON_ICMP_INNER;
    total = smaller(room, 40 + (uint32_t)ct_get16(ip + 4));
    in->proto = ip[6];
    why = parse_chain(ip, total, true, &off, &in->proto);
    if (why != NONE)
        return why == CT_REASON_TRUNCATED ? CT_REASON_ICMP_TRUNCATED
                                          : CT_REASON_ICMP_INNER;
    memcpy(in->tuple.src.b, ip + 8, 16);
    memcpy(in->tuple.dst.b, ip + 24, 16);
    in->l4_off = in->ip_off + off;
    in->l4_len = total - off;
    in->l4_whole = 40 + (uint32_t)ct_get16(ip + 4) - off;
    return NONE;
}

static enum ct_reason quoted_l4(const uint8_t *l4, struct inner *in)
{
    if (ct_proto_has_ports(in->proto)) {
        if (in->l4_len < 4)
            return CT_REASON_ICMP_TRUNCATED;
        in->tuple.sport = ct_get16(l4);
        in->tuple.dport = ct_get16(l4 + 2);
    } else if (in->proto == CT_PROTO_GRE) {
        if (in->l4_len < 8)
            return CT_REASON_ICMP_TRUNCATED;
        if ((l4[1] & 7) == 1) /* see parse.c */
            in->tuple.dport = ct_get16(l4 + 6);
    } else if (in->proto == CT_PROTO_ICMP || in->proto == CT_PROTO_ICMPV6) {
        if ((in->proto == CT_PROTO_ICMP) != (in->family == CT_IPV4))
            return CT_REASON_ICMP_INNER;
        if (in->l4_len < 8)
            return CT_REASON_ICMP_TRUNCATED;
        /* RFC 1122 3.2.2: there are no errors about errors */
        if (parse_icmp_error(in->family, l4[0]))
            return CT_REASON_ICMP_INNER;
        if (parse_icmp_query(in->family, l4[0]))
            in->tuple.sport = ct_get16(l4 + 4);
        in->tuple.dport = ct_get16(l4);
    }
    return NONE;
}

enum ct_reason parse_inner(const struct ct_pkt *pkt, struct inner *in)
{
    const uint8_t *ip;
    enum ct_reason why;
    uint32_t room;

    memset(in, 0, sizeof *in);
    if (!pkt->icmp_error || pkt->l4_len < 8)
        return CT_REASON_ICMP_TRUNCATED;
    in->ip_off = pkt->l4_off + 8;
    /* RFC 4861 4.5: a redirect names two addresses before it quotes */
    if (pkt->tuple.family == CT_IPV6 && pkt->icmp_type == 137)
        return CT_REASON_ICMP_INNER;
    room = pkt->l4_len - 8;
    ip = pkt->data + in->ip_off;
    in->family = pkt->tuple.family;
    why = in->family == CT_IPV4 ? quoted_ipv4(ip, room, in)
                                : quoted_ipv6(ip, room, in);
    if (why != NONE)
        return why;
    in->tuple.family = in->family;
    in->tuple.proto = in->proto;
    return quoted_l4(pkt->data + in->l4_off, in);
}
