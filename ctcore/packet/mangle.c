/* mangle.c - rewrite headers and keep their checksums as right as they were
 *
 * What changed is measured once, as the difference of two sums (csum.h), and
 * then added to each checksum that covers it: the IPv4 header's, and the
 * transport's where its pseudo header has the addresses.  A super-packet's
 * header is rewritten like any other: cutting it copies the header.
 *
 * A partial checksum is the sum itself and not its complement, and covers the
 * pseudo header only: RFC 1624 read without the two NOTs. */
#include "packet/mangle.h"

#include <ctcore/ct.h>
#include <ctcore/wire.h>

#include "base/assert.h"
#include "base/csum.h"
#include "packet/parse.h"
#include "packet/parse_inner.h"
#include "proto/crc32c.h"

enum { CRC_LEN = 4 };

/* Replace a word; answer by how much the sum of what it stands in changes. */
static inline uint32_t replace_word(ct_be16 *p, uint16_t is)
{
    uint16_t was = ct_load16(*p);

    ct_store16(p, is);
    return csum_diff16(was, is);
}

uint32_t mangle_put_addr(uint8_t *ip, enum mangle_side side,
                         const union ct_addr *addr, uint8_t family)
{
    bool v4 = family == CT_IPV4;
    ct_be32 *word =
        v4 ? &ct_ipv4_edit(ip)->addr[side] : ct_ipv6_edit(ip)->addr[side];
    uint32_t diff = 0;

    for (unsigned i = 0; i < (v4 ? 1 : 4); i++) {
        uint32_t is = __builtin_bswap32(addr->w32[i]);

        diff += csum_diff32(ct_load32(word[i]), is);
        ct_store32(&word[i], is);
    }
    return csum_shrink(diff);
}

/* The word that NAT varies; NULL: there is none. */
static inline ct_be16 *find_port(uint8_t *l4, uint32_t len,
                                 const struct ct_tuple *kind,
                                 enum mangle_side side)
{
    struct ct_icmp_header *icmp = ct_icmp_edit(l4);
    struct ct_gre_call_header *call = ct_gre_call_edit(l4);

    if (ct_proto_has_ports(kind->proto)) {
        if (len >= sizeof(struct ct_ports_header))
            return &ct_ports_edit(l4)->port[side];
    } else if (ct_proto_is_icmp(kind->proto)) {
        if (len >= sizeof *icmp && parse_icmp_query(kind->family, icmp->type))
            return &icmp->id;
    } else if (kind->proto == CT_PROTO_GRE && side == MANGLE_DST) {
        if (len >= sizeof *call &&
            ct_gre_version(ct_gre_view(l4)) == CT_GRE_PPTP)
            return &call->call;
    }
    return NULL;
}

static inline uint32_t patch_l4_sum(ct_be16 *field, uint8_t how, uint32_t addrs,
                                    uint32_t ports, bool partial)
{
    uint16_t was = ct_load16(*field), is;

    if (partial) {
        is = (uint16_t)~csum_apply((uint16_t)~was, addrs);
    } else {
        if ((how & CT_SUM_ZERO) && was == 0)
            return 0;
        is = csum_apply(was, addrs + ports);
        if ((how & CT_SUM_ZERO) && is == 0)
            is = 0xffff;
    }
    ct_store16(field, is);
    return csum_diff16(was, is);
}

/* The first four of whole bytes, of which len are there, were was. */
static uint32_t patch_crc(uint8_t *l4, uint32_t at, uint32_t len,
                          uint32_t whole, uint32_t was)
{
    uint32_t changed = was ^ crc32c_load(l4), before, is;

    if (changed == 0 || len < at + CRC_LEN)
        return 0;
    before = crc32c_load(l4 + at);
    is = before ^ crc32c_diff(changed, whole);
    crc32c_store(l4 + at, is);
    return csum_diff32(__builtin_bswap32(before), __builtin_bswap32(is));
}

/* whole: as long as it was when it was sent. */
static inline uint32_t patch_l4(uint8_t *l4, uint32_t len, uint32_t whole,
                                const struct ct_tuple *kind,
                                enum mangle_side side, uint32_t diff,
                                uint16_t port, bool partial)
{
    struct ct_proto_info info = ct_proto_info(kind->proto);
    ct_be16 *word = find_port(l4, len, kind, side);
    uint32_t was = word && (info.sum & CT_SUM_CRC) ? crc32c_load(l4) : 0;
    uint32_t ports = word ? replace_word(word, port) : 0;

    if (word && (info.sum & CT_SUM_CRC))
        return ports + patch_crc(l4, info.sum_at, len, whole, was);
    if (info.sum_at == 0 || len < info.sum_at + 2u || (info.sum & CT_SUM_CRC))
        return ports;
    return ports + patch_l4_sum(&ct_check_edit(l4 + info.sum_at)->check,
                                info.sum, info.sum & CT_SUM_PSEUDO ? diff : 0,
                                ports, partial);
}

uint32_t mangle_quoted(uint8_t *l4, const struct inner *in,
                       enum mangle_side side, uint32_t diff, uint16_t port)
{
    return patch_l4(l4, in->l4_len, in->l4_whole, &in->tuple, side, diff, port,
                    false);
}

static __attribute__((noinline)) void rewrite_any(struct ct_pkt *pkt,
                                                  enum mangle_side side,
                                                  const union ct_addr *addr,
                                                  uint16_t port)
{
    uint8_t *ip = pkt->data;
    uint32_t diff = mangle_put_addr(ip, side, addr, pkt->tuple.family);

    if (pkt->tuple.family == CT_IPV4)
        csum_patch(&ct_ipv4_edit(ip)->check, diff);
    patch_l4(ip + pkt->l4_off, pkt->l4_len, pkt->l4_len, &pkt->tuple, side,
             diff, port, pkt->csum_partial);
}

/* ---- the usual case: IPv4, TCP or UDP, header whole ---- */

/* Sums do not care in which order the bytes of each word stand (RFC 1071 2B):
 * words are taken as they lie, and nothing is swapped. */
static inline uint16_t load_raw16(const uint8_t *p)
{
    uint16_t v;

    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint32_t load_raw32(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof v);
    return v;
}

static inline void put_sum(uint8_t *field, uint16_t sum)
{
    memcpy(field, &sum, sizeof sum);
}

_Static_assert(
    MANGLE_SRC == 0 && MANGLE_DST == 1,
    "the side is an index, as source and destination stand in a row");

/* What changed is kept below 2^18, so that nothing here can overflow. */
static inline void rewrite_usual(struct ct_pkt *pkt, enum mangle_side side,
                                 uint32_t addr, uint16_t port, bool udp)
{
    struct ct_ipv4_header *ip = ct_ipv4_edit(pkt->data);
    uint8_t *l4 = pkt->data + pkt->l4_off, *at = ip->addr[side].b;
    uint8_t *port_at = ct_ports_edit(l4)->port[side].b;
    uint8_t *field = udp ? ct_udp_edit(l4)->check.b : ct_tcp_edit(l4)->check.b;
    uint64_t wide = (uint64_t)(uint32_t)~load_raw32(at) + addr;
    uint32_t addrs = (uint16_t)wide + (uint32_t)(wide >> 16);
    uint32_t ports;
    uint16_t was = load_raw16(field), is;

    port = __builtin_bswap16(port);
    ports = (uint32_t)(uint16_t)~load_raw16(port_at) + port;
    memcpy(at, &addr, sizeof addr);
    memcpy(port_at, &port, sizeof port);
    put_sum(ip->check.b,
            (uint16_t)~csum_fold((uint16_t)~load_raw16(ip->check.b) + addrs));
    if (pkt->csum_partial) {
        put_sum(field, csum_fold(was + addrs));
        return;
    }
    if (udp && was == 0)
        return;
    is = (uint16_t)~csum_fold((uint16_t)~was + addrs + ports);
    put_sum(field, udp && is == 0 ? 0xffff : is);
}

static inline bool is_usual(const struct ct_pkt *pkt)
{
    return pkt->tuple.family == CT_IPV4 &&
           pkt->l4_len >= CT_END_OF(struct ct_tcp_header, check) &&
           (pkt->tuple.proto == CT_PROTO_TCP ||
            pkt->tuple.proto == CT_PROTO_UDP);
}

void mangle_addr(struct ct_pkt *pkt, enum mangle_side side,
                 const union ct_addr *addr, uint16_t port)
{
    if (is_usual(pkt)) {
        rewrite_usual(pkt, side, addr->w32[0], port,
                      pkt->tuple.proto == CT_PROTO_UDP);
        return;
    }
    rewrite_any(pkt, side, addr, port);
}

void ct_ttl_down(struct ct_pkt *pkt)
{
    struct ct_ipv4_header *ip = ct_ipv4_edit(pkt->data);
    ct_before(right, mangle_ip_checksum_ok(pkt));

    ct_assert_slow(ct_ip_ttl(pkt->data, pkt->tuple.family == CT_IPV4) > 0);
    if (pkt->tuple.family == CT_IPV6) {
        ct_ipv6_edit(pkt->data)->hop_limit--;
        return;
    }
    ip->ttl--; /* the upper half of its word */
    csum_patch(&ip->check, csum_diff16(0x100, 0));
    ct_assert_slow(!right || mangle_ip_checksum_ok(pkt));
}

/* The field counts as zero. */
static bool crc_ok(const uint8_t *l4, uint32_t at, uint32_t len)
{
    static const uint8_t zero[CRC_LEN];
    uint32_t crc = CRC32C_NONE, behind = at + CRC_LEN;

    if (len < behind)
        return false;
    crc = crc32c_add(crc, l4, at);
    crc = crc32c_add(crc, zero, sizeof zero);
    crc = crc32c_add(crc, l4 + behind, len - behind);
    return ~crc == crc32c_load(l4 + at);
}

/* The pseudo header has the whole length all the same. */
static uint32_t checksum_coverage(const uint8_t *l4, uint32_t len,
                                  uint8_t proto)
{
    uint16_t lite = ct_load16(ct_udp_view(l4)->len);

    if (proto == CT_PROTO_DCCP)
        return len < sizeof(struct ct_dccp_header)
                   ? len
                   : parse_dccp_coverage(ct_dccp_view(l4), len);
    return lite != 0 ? lite : len;
}

bool mangle_ip_checksum_ok(const struct ct_pkt *pkt)
{
    const uint8_t *ip = pkt->data;

    return ct_ip_version(ip) != CT_IPV4 ||
           csum_fold(csum_add(0, ip, ct_ipv4_size(ct_ipv4_view(ip)))) == 0xffff;
}

bool mangle_l4_checksum_ok(const struct ct_pkt *pkt)
{
    const uint8_t *ip = pkt->data, *l4 = ip + pkt->l4_off;
    const struct ct_udp_header *udp = ct_udp_view(l4);
    uint8_t proto = pkt->tuple.proto;
    enum ct_family family = pkt->tuple.family == CT_IPV4 ? CT_IPV4 : CT_IPV6;
    struct ct_proto_info info = ct_proto_info(proto);
    uint32_t len = pkt->l4_len, acc = 0, covered;

    if (pkt->csum_partial || pkt->csum_ok)
        return true;
    if (info.sum_at == 0) /* it has no tracker, so none is judged */
        return true;
    if (info.sum & CT_SUM_CRC)
        return crc_ok(l4, info.sum_at, len);
    if (len < info.sum_at + 2u)
        return false;
    if (proto == CT_PROTO_UDP) {
        if (ct_load16(udp->check) == 0)
            return family == CT_IPV4;
        if (ct_load16(udp->len) > len)
            return false;
        /* RFC 768: its own length, not the packet's */
        len = ct_load16(udp->len);
    }
    covered =
        info.sum & CT_SUM_PARTLY ? checksum_coverage(l4, len, proto) : len;
    if (covered > len)
        return false;
    if (info.sum & CT_SUM_PSEUDO) {
        bool v4 = family == CT_IPV4;

        acc = csum_pseudo(family, ct_ip_src(ip, v4), ct_ip_dst(ip, v4), proto,
                          len);
    }
    return csum_fold(csum_add(acc, l4, covered)) == 0xffff;
}
