/* parse_inner.c - the packet that an ICMP error quotes
 *
 * RFC 792 promises its IP header and 8 bytes more, RFC 4443 as much as fits.
 * The quotation is what the sender says that it received, so nothing in it is
 * believed: its lengths only ever make it shorter. */
#include "packet/parse_inner.h"

#include "packet/parse.h"

#include <ctcore/wire.h>

#define NONE CT_REASON_NONE

static uint32_t smaller_of(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static enum ct_reason quoted_ipv4(const uint8_t *bytes, uint32_t room,
                                  struct inner *in)
{
    const struct ct_ipv4_header *ip = ct_ipv4_view(bytes);
    uint32_t ihl, total;

    if (room < sizeof *ip)
        return CT_REASON_ICMP_TRUNCATED;
    ihl = ct_ipv4_size(ip);
    total = ct_load16(ip->len);
    if (ct_ip_version(bytes) != CT_IPV4 || ihl < sizeof *ip || total < ihl)
        return CT_REASON_ICMP_INNER;
    if (ihl > room)
        return CT_REASON_ICMP_TRUNCATED;
    if (ct_load16(ip->frag) & CT_IPV4_OFFSET)
        return CT_REASON_ICMP_INNER; /* a later fragment has no ports */
    memcpy(in->tuple.src.b, ip->src.b, sizeof ip->src);
    memcpy(in->tuple.dst.b, ip->dst.b, sizeof ip->dst);
    in->proto = ip->proto;
    in->l4_off = in->ip_off + ihl;
    in->l4_len = smaller_of(room, total) - ihl;
    in->l4_whole = total - ihl;
    return NONE;
}

static enum ct_reason quoted_ipv6(const uint8_t *bytes, uint32_t room,
                                  struct inner *in)
{
    const struct ct_ipv6_header *ip = ct_ipv6_view(bytes);
    uint32_t off = sizeof *ip, total, whole;
    enum ct_reason why;

    if (room < sizeof *ip)
        return CT_REASON_ICMP_TRUNCATED;
    if (ct_ip_version(bytes) != CT_IPV6)
        return CT_REASON_ICMP_INNER;
    whole = off + ct_load16(ip->len);
    total = smaller_of(room, whole);
    in->proto = ip->next;
    why = parse_chain(bytes, total, true, &off, &in->proto);
    if (why != NONE)
        return why == CT_REASON_TRUNCATED ? CT_REASON_ICMP_TRUNCATED
                                          : CT_REASON_ICMP_INNER;
    memcpy(in->tuple.src.b, ip->src, sizeof ip->src);
    memcpy(in->tuple.dst.b, ip->dst, sizeof ip->dst);
    in->l4_off = in->ip_off + off;
    in->l4_len = total - off;
    in->l4_whole = whole - off;
    return NONE;
}

static enum ct_reason quoted_ports(const uint8_t *l4, struct inner *in)
{
    const struct ct_ports_header *ports = ct_ports_view(l4);

    if (in->l4_len < sizeof *ports)
        return CT_REASON_ICMP_TRUNCATED;
    in->tuple.sport = ct_load16(ports->sport);
    in->tuple.dport = ct_load16(ports->dport);
    return NONE;
}

static enum ct_reason quoted_gre(const uint8_t *l4, struct inner *in)
{
    const struct ct_gre_call_header *call = ct_gre_call_view(l4);

    if (in->l4_len < sizeof *call)
        return CT_REASON_ICMP_TRUNCATED;
    if (ct_gre_version(ct_gre_view(l4)) == CT_GRE_PPTP) /* see parse.c */
        in->tuple.dport = ct_load16(call->call);
    return NONE;
}

static enum ct_reason quoted_icmp(const uint8_t *l4, struct inner *in)
{
    const struct ct_icmp_header *icmp = ct_icmp_view(l4);

    if (in->l4_len < sizeof *icmp)
        return CT_REASON_ICMP_TRUNCATED;
    /* RFC 1122 3.2.2: there are no errors about errors */
    if (parse_icmp_error(in->family, icmp->type))
        return CT_REASON_ICMP_INNER;
    if (parse_icmp_query(in->family, icmp->type))
        in->tuple.sport = ct_load16(icmp->id);
    in->tuple.dport = ct_load16(icmp->type_code);
    return NONE;
}

static enum ct_reason quoted_l4(const uint8_t *l4, struct inner *in)
{
    if (ct_proto_has_ports(in->proto))
        return quoted_ports(l4, in);
    if (in->proto == CT_PROTO_GRE)
        return quoted_gre(l4, in);
    if (ct_proto_is_icmp(in->proto)) {
        if ((in->proto == CT_PROTO_ICMP) != (in->family == CT_IPV4))
            return CT_REASON_ICMP_INNER;
        return quoted_icmp(l4, in);
    }
    return NONE;
}

enum ct_reason parse_inner(const struct ct_pkt *pkt, struct inner *in)
{
    const uint8_t *ip;
    enum ct_reason why;
    uint32_t room;

    memset(in, 0, sizeof *in);
    if (!pkt->icmp_error || pkt->l4_len < sizeof(struct ct_icmp_header))
        return CT_REASON_ICMP_TRUNCATED;
    in->ip_off = pkt->l4_off + (uint32_t)sizeof(struct ct_icmp_header);
    /* RFC 4861 4.5: a redirect names two addresses before it quotes */
    if (pkt->tuple.family == CT_IPV6 && pkt->icmp_type == CT_ICMPV6_REDIRECT)
        return CT_REASON_ICMP_INNER;
    room = pkt->l4_len - (uint32_t)sizeof(struct ct_icmp_header);
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
