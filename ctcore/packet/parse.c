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

static inline struct ids read_ports(const uint8_t *l4)
{
    return (struct ids){ct_get16(l4), ct_get16(l4 + 2)};
}

static inline struct ids parse_tcp(struct ct_pkt *pkt, const uint8_t *l4,
                                   uint32_t room)
{
    uint32_t doff;

    if (room < 20)
        return refuse_l4(pkt, CT_REASON_L4_TRUNCATED);
    doff = (uint32_t)(l4[12] >> 4) * 4;
    if (doff < 20 || doff > room)
        return refuse_l4(pkt, CT_REASON_L4_BAD_LENGTH);
    pkt->l4_flags = l4[13];
    return read_ports(l4);
}

/* A UDP length below the IP payload is legal: what is behind it is padding. */
static inline struct ids parse_udp(struct ct_pkt *pkt, const uint8_t *l4,
                                   uint32_t room)
{
    uint32_t len;

    if (room < 8)
        return refuse_l4(pkt, CT_REASON_L4_TRUNCATED);
    len = ct_get16(l4 + 4);
    if (len < 8 || len > room)
        return refuse_l4(pkt, CT_REASON_L4_BAD_LENGTH);
    return read_ports(l4);
}

static struct ids parse_icmp(struct ct_pkt *pkt, const uint8_t *l4,
                             uint32_t room, uint8_t family)
{
    struct ids ids = {0, 0};

    if (room < 8)
        return refuse_l4(pkt, CT_REASON_L4_TRUNCATED);
    pkt->icmp_type = l4[0];
    pkt->icmp_code = l4[1];
    pkt->icmp_error = parse_icmp_error(family, l4[0]);
    if (parse_icmp_query(family, l4[0]))
        ids.sport = ct_get16(l4 + 4);
    ids.dport = ct_get16(l4);
    return ids;
}

/* RFC 3828 section 3.1: the coverage is 0, for all, or 8 at least; a checksum
 * is not optional. */
static struct ids parse_udplite(struct ct_pkt *pkt, const uint8_t *l4,
                                uint32_t room)
{
    uint16_t coverage;

    if (room < 8)
        return refuse_l4(pkt, CT_REASON_L4_TRUNCATED);
    coverage = ct_get16(l4 + 4);
    if ((coverage != 0 && coverage < 8) || coverage > room)
        return refuse_l4(pkt, CT_REASON_L4_BAD_LENGTH);
    if (ct_get16(l4 + 6) == 0)
        return refuse_l4(pkt, CT_REASON_L4_BAD_CHECKSUM);
    return (struct ids){ct_get16(l4), ct_get16(l4 + 2)};
}

/* What is behind the ports is the tracker's. */
static struct ids parse_ports(struct ct_pkt *pkt, const uint8_t *l4,
                              uint32_t room, uint8_t proto)
{
    return room < ct_proto_info(proto).header
               ? refuse_l4(pkt, CT_REASON_L4_TRUNCATED)
               : read_ports(l4);
}

/* RFC 4340 5.1; what its type asks for is the tracker's.  The coverage counts
 * the header and words of the payload (9.2). */
static struct ids parse_dccp(struct ct_pkt *pkt, const uint8_t *l4,
                             uint32_t room)
{
    uint32_t offset;

    if (room < 12)
        return refuse_l4(pkt, CT_REASON_L4_TRUNCATED);
    offset = (uint32_t)l4[4] * 4;
    if (offset < 12 || offset > room || parse_dccp_coverage(l4, room) > room)
        return refuse_l4(pkt, CT_REASON_L4_BAD_LENGTH);
    return read_ports(l4);
}

/* Version 1 (RFC 2637 section 4.1) names a call, whose id stands for the
 * receiver's port; all others are known by their addresses alone. */
static struct ids parse_gre(struct ct_pkt *pkt, const uint8_t *l4,
                            uint32_t room)
{
    enum { VERSION = 7, PPP = 0x880b };

    if (room < 4)
        return refuse_l4(pkt, CT_REASON_L4_TRUNCATED);
    if ((l4[1] & VERSION) != 1)
        return (struct ids){0, 0};
    if (room < 8)
        return refuse_l4(pkt, CT_REASON_L4_TRUNCATED);
    if (ct_get16(l4 + 2) != PPP)
        return refuse_l4(pkt, CT_REASON_GRE_PROTOCOL);
    return (struct ids){0, ct_get16(l4 + 6)};
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
    uint64_t a, b, sum;
    uint32_t c;

    if (ihl != 20)
        return csum_fold(csum_add(0, ip, ihl)) == 0xffff;
    memcpy(&a, ip, 8);
    memcpy(&b, ip + 8, 8);
    memcpy(&c, ip + 16, 4);
    sum = (a & 0xffffffff) + (a >> 32) + (b & 0xffffffff) + (b >> 32) + c;
    return csum_fold64(sum) == 0xffff;
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

static inline enum ct_reason check_ipv4(const uint8_t *ip, uint32_t ihl,
                                        bool self)
{
    enum { MF_AND_OFFSET = 0x3fff };

    if (!header_sum_ok(ip, ihl))
        return CT_REASON_BAD_IP_CHECKSUM;
    if (ihl != 20 && !options_ok(ip + 20, ihl - 20))
        return CT_REASON_BAD_OPTION;
    if (is_special4(ip[12]) || is_special4(ip[16]))
        return refuse_addrs4(ct_get32(ip + 12), ct_get32(ip + 16));
    if (ct_get32(ip + 12) == ct_get32(ip + 16) && !self)
        return CT_REASON_LAND;
    if (ct_get16(ip + 6) & MF_AND_OFFSET)
        return CT_REASON_FRAGMENT;
    return NONE;
}

/* A fragment's tuple is what it shares with the others of its datagram: the
 * id stands where ports do. */
static enum ct_reason parse_fragment(struct ct_pkt *pkt, uint32_t off,
                                     uint32_t total)
{
    const uint8_t *ip = pkt->data;
    bool v4 = ip[0] >> 4 == CT_IPV4;
    uint32_t id = v4 ? ct_get16(ip + 4) : ct_get32(ip + off + 4);
    struct ids ids = {(uint16_t)(id >> 16), (uint16_t)id};

    memset(&pkt->tuple, 0, sizeof pkt->tuple);
    memcpy(&pkt->tuple.src, ip + (v4 ? 12 : 8), v4 ? 4 : 16);
    memcpy(&pkt->tuple.dst, ip + (v4 ? 16 : 24), v4 ? 4 : 16);
    set_ids(&pkt->tuple, ids, v4 ? CT_IPV4 : CT_IPV6,
            v4 ? ip[9] : (uint8_t)CT_PROTO_FRAGMENT);
    pkt->len = total;
    pkt->l4_off = off;
    pkt->l4_len = total - off;
    return CT_REASON_FRAGMENT;
}

static inline enum ct_reason parse_ipv4(struct ct_pkt *pkt)
{
    const uint8_t *ip = pkt->data;
    uint32_t ihl, total, addr;
    enum ct_reason why;

    if (pkt->len < 20)
        return CT_REASON_TRUNCATED;
    ihl = (uint32_t)(ip[0] & 15) * 4;
    if (ihl < 20 || ihl > pkt->len)
        return CT_REASON_BAD_HEADER_LENGTH;
    total = ct_get16(ip + 2);
    if (total < ihl || total > pkt->len)
        return CT_REASON_BAD_LENGTH;
    why = check_ipv4(ip, ihl, pkt->self);
    if (why != NONE)
        return why == CT_REASON_FRAGMENT ? parse_fragment(pkt, ihl, total)
                                         : why;

    pkt->len = total;
    memcpy(&addr, ip + 12, 4);
    pkt->tuple.src.w64[0] = addr;
    pkt->tuple.src.w64[1] = 0;
    memcpy(&addr, ip + 16, 4);
    pkt->tuple.dst.w64[0] = addr;
    pkt->tuple.dst.w64[1] = 0;
    return parse_l4(pkt, ihl, total, CT_IPV4, ip[9]);
}

/* ---- IPv6 ---- */

/* One header that says its own length; quoted as in parse_chain(). */
static enum ct_reason check_ext(const uint8_t *h, uint8_t kind, bool quoted,
                                bool first)
{
    enum { NOT_FIRST_FRAGMENT = 0xfff8 };

    if (kind == CT_PROTO_HOPOPT && !first)
        return CT_REASON_BAD_EXT_CHAIN;
    if (kind == CT_PROTO_ROUTING && h[2] == 0 && !quoted)
        return CT_REASON_ROUTING_HEADER;
    if (kind == CT_PROTO_FRAGMENT &&
        (!quoted || (ct_get16(h + 2) & NOT_FIRST_FRAGMENT) != 0))
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
        if (len - at < 8)
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
        kind = h[0];
    }
    *off = at;
    *proto = kind;
    return NONE;
}

/* Never on a wire as a unicast address, whichever side: ::, ::1, IPv4-mapped,
 * and link-local, which no router forwards. */
static bool is_special6(const uint8_t *a)
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
static enum ct_reason check_addrs6(const uint8_t *src, const uint8_t *dst,
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
    const uint8_t *ip = pkt->data;
    uint32_t off = 40, total;
    uint8_t proto;
    enum ct_reason why;

    if (pkt->len < 40)
        return CT_REASON_TRUNCATED;
    total = 40 + (uint32_t)ct_get16(ip + 4);
    if (total > pkt->len)
        return CT_REASON_BAD_LENGTH;
    proto = ip[6];
    why = check_addrs6(ip + 8, ip + 24, pkt->self);
    if (why == NONE)
        why = parse_chain(ip, total, false, &off, &proto);
    if (why != NONE)
        return why == CT_REASON_FRAGMENT ? parse_fragment(pkt, off, total)
                                         : why;

    pkt->len = total;
    memcpy(&pkt->tuple.src, ip + 8, 16);
    memcpy(&pkt->tuple.dst, ip + 24, 16);
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
    else if (pkt->data[0] >> 4 == CT_IPV4)
        why = parse_ipv4(pkt);
    else if (pkt->data[0] >> 4 == CT_IPV6)
        why = parse_ipv6(pkt);

    if (why != NONE && why != CT_REASON_FRAGMENT) {
        /* nothing of a former packet may remain */
        memset(&pkt->tuple, 0, sizeof pkt->tuple);
        pkt->l4_off = 0;
        pkt->l4_len = 0;
    }
    return why;
}
