/* parse.c - from bytes to a tuple, or to the reason why not
 *
 * The order is that of RFC 1812 5.2.2: is the header there, do its lengths
 * agree with what came, is its checksum right; then what it asks for (options,
 * fragments), then who it names.  Only then the transport header, whose faults
 * do not refuse the packet: conntrack calls it INVALID and the rules decide.
 *
 * Every read is behind a comparison with pkt->len or with the IP length, which
 * is never larger.  The common packet, IPv4 without options, takes one straight
 * way; everything else is called. */
#include "packet/parse.h"

#include "base/csum.h"

#include <ctcore/ct.h>
#include <ctcore/wire.h>

#define NONE CT_REASON_NONE

/* ---- the transport header ---- */

/* What the tuple says besides addresses, put together in registers: it is read
 * as one word at once, and a word that was just stored in pieces would have to
 * wait for them. */
struct ids {
    uint16_t sport, dport;
};

static struct ids refuse_l4(struct ct_pkt *pkt, enum ct_reason why)
{
    pkt->l4_bad = true;
    pkt->l4_why = (uint8_t)why;
    return (struct ids){0, 0};
}

static inline void set_ids(struct ct_tuple *t, struct ids ids, uint8_t family,
                           uint8_t proto)
{
    uint64_t word = (uint64_t)proto << 56 | (uint64_t)family << 48 |
                    (uint64_t)ids.dport << 16 | ids.sport;

    memcpy(&t->sport, &word, sizeof word);
}

static inline struct ids read_l4_ids(const uint8_t *l4)
{
    const struct ct_ports_header *ports = ct_ports_view(l4);

    return (struct ids){ct_load16(ports->sport), ct_load16(ports->dport)};
}

static inline struct ids parse_tcp(struct ct_pkt *pkt, const uint8_t *l4,
                                   uint32_t room)
{
    const struct ct_tcp_header *tcp = ct_tcp_view(l4);
    uint32_t size;

    if (room < sizeof *tcp)
        return refuse_l4(pkt, CT_REASON_L4_TRUNCATED);
    size = ct_tcp_size(tcp);
    if (size < sizeof *tcp || size > room)
        return refuse_l4(pkt, CT_REASON_L4_BAD_LENGTH);
    pkt->l4_flags = tcp->flags;
    return read_l4_ids(l4);
}

/* A UDP length below the IP payload is legal: what is behind it is padding. */
static inline struct ids parse_udp(struct ct_pkt *pkt, const uint8_t *l4,
                                   uint32_t room)
{
    const struct ct_udp_header *udp = ct_udp_view(l4);
    uint32_t len;

    if (room < sizeof *udp)
        return refuse_l4(pkt, CT_REASON_L4_TRUNCATED);
    len = ct_load16(udp->len);
    if (len < sizeof *udp || len > room)
        return refuse_l4(pkt, CT_REASON_L4_BAD_LENGTH);
    return read_l4_ids(l4);
}

static inline struct ids read_query(const struct ct_icmp_header *icmp,
                                    uint8_t family)
{
    bool has_id = parse_icmp_query(family, icmp->type);

    return (struct ids){has_id ? ct_load16(icmp->id) : 0,
                        ct_load16(icmp->type_code)};
}

static struct ids parse_icmp(struct ct_pkt *pkt, const uint8_t *l4,
                             uint32_t room, uint8_t family)
{
    const struct ct_icmp_header *icmp = ct_icmp_view(l4);

    if (room < sizeof *icmp)
        return refuse_l4(pkt, CT_REASON_L4_TRUNCATED);
    pkt->icmp_type = icmp->type;
    pkt->icmp_code = icmp->code;
    pkt->icmp_error = parse_icmp_error(family, icmp->type);
    return read_query(icmp, family);
}

/* RFC 3828 section 3.1: the coverage is 0, for all, or 8 at least; a checksum
 * is not optional. */
static struct ids parse_udplite(struct ct_pkt *pkt, const uint8_t *l4,
                                uint32_t room)
{
    const struct ct_udp_header *udp = ct_udp_view(l4);
    uint16_t coverage;

    if (room < sizeof *udp)
        return refuse_l4(pkt, CT_REASON_L4_TRUNCATED);
    coverage = ct_load16(udp->len);
    if ((coverage != 0 && coverage < sizeof *udp) || coverage > room)
        return refuse_l4(pkt, CT_REASON_L4_BAD_LENGTH);
    if (ct_load16(udp->check) == 0)
        return refuse_l4(pkt, CT_REASON_L4_BAD_CHECKSUM);
    return read_l4_ids(l4);
}

/* What is behind the ports is the tracker's. */
static struct ids parse_ports(struct ct_pkt *pkt, const uint8_t *l4,
                              uint32_t room, uint8_t proto)
{
    return room < ct_proto_info(proto).header
               ? refuse_l4(pkt, CT_REASON_L4_TRUNCATED)
               : read_l4_ids(l4);
}

/* RFC 4340 5.1; what its type asks for is the tracker's.  The coverage counts
 * the header and words of the payload (9.2). */
static struct ids parse_dccp(struct ct_pkt *pkt, const uint8_t *l4,
                             uint32_t room)
{
    const struct ct_dccp_header *dccp = ct_dccp_view(l4);
    uint32_t offset;

    if (room < sizeof *dccp)
        return refuse_l4(pkt, CT_REASON_L4_TRUNCATED);
    offset = ct_dccp_size(dccp);
    if (offset < sizeof *dccp || offset > room ||
        parse_dccp_coverage(dccp, room) > room)
        return refuse_l4(pkt, CT_REASON_L4_BAD_LENGTH);
    return read_l4_ids(l4);
}

/* Version 1 (RFC 2637 section 4.1) names a call, whose id stands for the
 * receiver's port; all others are known by their addresses alone. */
static struct ids parse_gre(struct ct_pkt *pkt, const uint8_t *l4,
                            uint32_t room)
{
    const struct ct_gre_header *gre = ct_gre_view(l4);
    const struct ct_gre_call_header *call = ct_gre_call_view(l4);

    if (room < sizeof *gre)
        return refuse_l4(pkt, CT_REASON_L4_TRUNCATED);
    if (ct_gre_version(gre) != CT_GRE_PPTP)
        return (struct ids){0, 0};
    if (room < sizeof *call)
        return refuse_l4(pkt, CT_REASON_L4_TRUNCATED);
    if (ct_load16(call->protocol) != CT_GRE_PPP)
        return refuse_l4(pkt, CT_REASON_GRE_PROTOCOL);
    return (struct ids){0, ct_load16(call->call)};
}

/* off: where the transport header begins; end: where the IP packet ends. */
static inline enum ct_reason parse_l4(struct ct_pkt *pkt, uint32_t off,
                                      uint32_t end, uint8_t family,
                                      uint8_t proto)
{
    const uint8_t *l4 = pkt->data + off;
    uint32_t room = end - off;
    struct ids ids = {0, 0};

    pkt->l4_off = off;
    pkt->l4_len = room;
    if (proto == CT_PROTO_TCP)
        ids = parse_tcp(pkt, l4, room);
    else if (proto == CT_PROTO_UDP)
        ids = parse_udp(pkt, l4, room);
    else if (proto == CT_PROTO_UDPLITE)
        ids = parse_udplite(pkt, l4, room);
    else if (proto == CT_PROTO_GRE)
        ids = parse_gre(pkt, l4, room);
    else if (proto == CT_PROTO_DCCP)
        ids = parse_dccp(pkt, l4, room);
    else if (ct_proto_has_ports(proto))
        ids = parse_ports(pkt, l4, room, proto);
    else if (ct_proto_is_icmp(proto)) {
        if ((proto == CT_PROTO_ICMP) == (family == CT_IPV4))
            ids = parse_icmp(pkt, l4, room, family);
        else /* each belongs to one family only */
            ids = refuse_l4(pkt, CT_REASON_ICMP_TYPE);
    }
    set_ids(&pkt->tuple, ids, family, proto);
    return NONE;
}

/* ---- IPv4 ---- */

/* The sum of the header's words, checksum included, must be all ones.  The
 * order of bytes does not matter to that question. */
static inline bool header_sum_ok(const uint8_t *ip, uint32_t ihl)
{
    uint32_t w[sizeof(struct ct_ipv4_header) / 4];

    if (ihl != sizeof w)
        return csum_fold(csum_add(0, ip, ihl)) == 0xffff;
    memcpy(w, ip, sizeof w);
    return csum_fold64((uint64_t)w[0] + w[1] + w[2] + w[3] + w[4]) == 0xffff;
}

/* RFC 791 3.1: kind, and but for 0 and 1 a length that counts both.  Source
 * routes let a stranger choose the way into a private network. */
static bool options_ok(const uint8_t *p, uint32_t n)
{
    enum { EOL = 0, NOP = 1, LSRR = 131, SSRR = 137 };

    for (uint32_t i = 0; i < n;) {
        if (p[i] == EOL)
            return true;
        if (p[i] == NOP) {
            i++;
            continue;
        }
        if (p[i] == LSRR || p[i] == SSRR)
            return false;
        if (n - i < 2 || p[i + 1] < 2 || p[i + 1] > n - i)
            return false;
        i += p[i + 1];
    }
    return true;
}

/* 0/8, 127/8 and all from 224 up: neither a sender nor, mostly, a receiver. */
static inline bool is_special4(uint8_t first)
{
    return first == 0 || first == 127 || first >= 224;
}

/* One of the two is special: which reason?  A host that has no address yet
 * asks everybody from 0.0.0.0; that is no martian, only not forwarded. */
static enum ct_reason refuse_addrs4(uint32_t src, uint32_t dst)
{
    bool group = dst >> 28 == 14 || dst == 0xffffffff;

    if (is_special4((uint8_t)(src >> 24)) && !(group && src == 0))
        return CT_REASON_MARTIAN;
    return group ? CT_REASON_NO_GROUP : CT_REASON_MARTIAN;
}

static inline enum ct_reason check_ipv4(const uint8_t *bytes, uint32_t ihl,
                                        bool self)
{
    const struct ct_ipv4_header *ip = ct_ipv4_view(bytes);

    if (!header_sum_ok(bytes, ihl))
        return CT_REASON_BAD_IP_CHECKSUM;
    if (ihl != sizeof *ip &&
        !options_ok(bytes + sizeof *ip, ihl - (uint32_t)sizeof *ip))
        return CT_REASON_BAD_OPTION;
    if (is_special4(*ip->src.b) || is_special4(*ip->dst.b))
        return refuse_addrs4(ct_load32(ip->src), ct_load32(ip->dst));
    if (ct_load32(ip->src) == ct_load32(ip->dst) && !self)
        return CT_REASON_LAND;
    if (ct_load16(ip->frag) & (CT_IPV4_MF | CT_IPV4_OFFSET))
        return CT_REASON_FRAGMENT;
    return NONE;
}

/* A fragment's tuple is what it shares with the others of its datagram: the
 * id stands where ports do. */
static enum ct_reason parse_fragment(struct ct_pkt *pkt, uint32_t off,
                                     uint32_t total)
{
    const uint8_t *ip = pkt->data;
    bool v4 = ct_ip_version(ip) == CT_IPV4;
    uint32_t id = v4 ? ct_load16(ct_ipv4_view(ip)->id)
                     : ct_load32(ct_fragment_view(ip + off)->id);
    struct ids ids = {(uint16_t)(id >> 16), (uint16_t)id};

    memset(&pkt->tuple, 0, sizeof pkt->tuple);
    memcpy(&pkt->tuple.src, ct_ip_src(ip, v4), v4 ? 4 : 16);
    memcpy(&pkt->tuple.dst, ct_ip_dst(ip, v4), v4 ? 4 : 16);
    set_ids(&pkt->tuple, ids, v4 ? CT_IPV4 : CT_IPV6,
            v4 ? ct_ipv4_view(ip)->proto : (uint8_t)CT_PROTO_FRAGMENT);
    pkt->len = total;
    pkt->l4_off = off;
    pkt->l4_len = total - off;
    return CT_REASON_FRAGMENT;
}

static inline enum ct_reason parse_ipv4(struct ct_pkt *pkt)
{
    const struct ct_ipv4_header *ip = ct_ipv4_view(pkt->data);
    uint32_t ihl, total, addr;
    enum ct_reason why;

    if (pkt->len < sizeof *ip)
        return CT_REASON_TRUNCATED;
    ihl = ct_ipv4_size(ip);
    if (ihl < sizeof *ip || ihl > pkt->len)
        return CT_REASON_BAD_HEADER_LENGTH;
    total = ct_load16(ip->len);
    if (total < ihl || total > pkt->len)
        return CT_REASON_BAD_LENGTH;
    why = check_ipv4(pkt->data, ihl, pkt->self);
    if (why != NONE)
        return why == CT_REASON_FRAGMENT ? parse_fragment(pkt, ihl, total)
                                         : why;

    pkt->len = total;
    memcpy(&addr, ip->src.b, sizeof addr);
    pkt->tuple.src.w64[0] = addr;
    pkt->tuple.src.w64[1] = 0;
    memcpy(&addr, ip->dst.b, sizeof addr);
    pkt->tuple.dst.w64[0] = addr;
    pkt->tuple.dst.w64[1] = 0;
    return parse_l4(pkt, ihl, total, CT_IPV4, ip->proto);
}

/* ---- IPv6 ---- */

/* One header that says its own length; quoted as in parse_chain(). */
static enum ct_reason check_ext(const uint8_t *h, uint8_t kind, bool quoted,
                                bool first)
{
    if (kind == CT_PROTO_HOPOPT && !first)
        return CT_REASON_BAD_EXT_CHAIN;
    if (kind == CT_PROTO_ROUTING && !quoted &&
        ct_extension_view(h)->routing_type == 0)
        return CT_REASON_ROUTING_HEADER;
    if (kind == CT_PROTO_FRAGMENT &&
        (!quoted ||
         (ct_load16(ct_fragment_view(h)->offset) & CT_IPV6_OFFSET) != 0))
        return CT_REASON_FRAGMENT;
    return NONE;
}

static inline bool is_ext(uint8_t proto)
{
#define X(NAME, number) proto == (number) ||
    return CT_EXTENSIONS(X) proto == CT_PROTO_AH;
#undef X
}

enum ct_reason parse_chain(const uint8_t *p, uint32_t len, bool quoted,
                           uint32_t *off, uint8_t *proto)
{
    uint32_t start = *off, at = start, n = 0, size;
    uint8_t kind = *proto;

    for (; is_ext(kind); n++) {
        const uint8_t *h = p + at;
        enum ct_reason why;

        if (n == PARSE_MAX_EXT)
            return CT_REASON_BAD_EXT_CHAIN;
        if (len - at < sizeof(struct ct_extension_header))
            return CT_REASON_TRUNCATED;
        why = check_ext(h, kind, quoted, n == 0);
        if (why != NONE) {
            *off = at;
            return why;
        }
        size = parse_ext_size(h, kind);
        if (size > len - at)
            return CT_REASON_TRUNCATED;
        at += size;
        if (at - start > PARSE_MAX_EXT_BYTES)
            return CT_REASON_BAD_EXT_CHAIN;
        kind = ct_extension_view(h)->next;
    }
    *off = at;
    *proto = kind;
    return NONE;
}

/* Never on a wire as a unicast address, whichever side: ::, ::1, IPv4-mapped,
 * and link-local, which no router forwards. */
static bool is_special6(const uint8_t a[16])
{
    static const uint8_t zero[15], mapped[12] = {[10] = 0xff, [11] = 0xff};

    if (a[0] == 0xfe)
        return (a[1] & 0xc0) == 0x80;
    if (a[0] != 0)
        return false;
    return memcmp(a, mapped, 12) == 0 ||
           (memcmp(a, zero, 15) == 0 && a[15] <= 1);
}

/* Neighbour discovery and its like speak to groups, from :: or a link-local
 * address: not martian, only not forwarded. */
static enum ct_reason check_addrs6(const uint8_t src[16], const uint8_t dst[16],
                                   bool self)
{
    static const uint8_t none[16];

    if (src[0] == 0xff)
        return CT_REASON_MARTIAN;
    if (is_special6(src) &&
        !(dst[0] == 0xff && (src[0] == 0xfe || memcmp(src, none, 16) == 0)))
        return CT_REASON_MARTIAN;
    if (dst[0] == 0xff)
        return CT_REASON_NO_GROUP;
    if (is_special6(dst))
        return CT_REASON_MARTIAN;
    return memcmp(src, dst, 16) == 0 && !self ? CT_REASON_LAND : NONE;
}

static enum ct_reason parse_ipv6(struct ct_pkt *pkt)
{
    const struct ct_ipv6_header *ip = ct_ipv6_view(pkt->data);
    uint32_t off = sizeof *ip, total;
    uint8_t proto;
    enum ct_reason why;

    if (pkt->len < sizeof *ip)
        return CT_REASON_TRUNCATED;
    total = off + ct_load16(ip->len);
    if (total > pkt->len)
        return CT_REASON_BAD_LENGTH;
    proto = ip->next;
    why = check_addrs6(ip->src, ip->dst, pkt->self);
    if (why == NONE)
        why = parse_chain(pkt->data, total, false, &off, &proto);
    if (why != NONE)
        return why == CT_REASON_FRAGMENT ? parse_fragment(pkt, off, total)
                                         : why;

    pkt->len = total;
    memcpy(&pkt->tuple.src, ip->src, 16);
    memcpy(&pkt->tuple.dst, ip->dst, 16);
    return parse_l4(pkt, off, total, CT_IPV6, proto);
}

enum ct_reason ct_parse_packet(struct ct_pkt *pkt)
{
    enum ct_reason why = CT_REASON_BAD_VERSION;

    pkt->l4_flags = 0;
    pkt->icmp_type = 0;
    pkt->icmp_code = 0;
    pkt->icmp_error = false;
    pkt->l4_bad = false;
    pkt->l4_why = NONE;
    pkt->hash = 0;

    if (pkt->len == 0)
        why = CT_REASON_TRUNCATED;
    else if (ct_ip_version(pkt->data) == CT_IPV4)
        why = parse_ipv4(pkt);
    else if (ct_ip_version(pkt->data) == CT_IPV6)
        why = parse_ipv6(pkt);

    if (why != NONE && why != CT_REASON_FRAGMENT) {
        /* nothing of a former packet may remain */
        memset(&pkt->tuple, 0, sizeof pkt->tuple);
        pkt->l4_off = 0;
        pkt->l4_len = 0;
    }
    return why;
}
