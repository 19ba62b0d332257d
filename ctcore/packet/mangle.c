/* mangle.c - rewrite headers and keep their checksums as right as they were
 *
 * What changed is measured once, as the difference of two sums (csum.h), and
 * then added to each checksum that covers it: the IPv4 header's, and the
 * transport's where its pseudo header has the addresses.  A super-packet's
 * header is rewritten like any other: whoever cuts it copies the header.
 *
 * A partial checksum is the sum itself and not its complement, and covers the
 * pseudo header only: RFC 1624 read without the two NOTs. */
#include "packet/mangle.h"

#include <ctcore/ct.h>
#include <ctcore/wire.h>

#include "base/csum.h"
#include "packet/parse.h"
#include "packet/parse_inner.h"
#include "proto/crc32c.h"

enum { CRC_LEN = 4 };

/* Replace a word; answer by how much the sum of what it stands in changes. */
static inline uint32_t put_word(uint8_t *p, uint16_t is)
{
    uint16_t was = ct_get16(p);

    ct_put16(p, is);
    return csum_diff16(was, is);
}

/* The same for an address. */
static inline uint32_t put_addr(uint8_t *p, const uint8_t *is, uint8_t family)
{
    unsigned n = family == CT_IPV4 ? 1 : 4;
    uint32_t diff = 0;

    for (unsigned i = 0; i < n; i++) {
        uint32_t word = ct_get32(is + (size_t)4 * i);

        diff += csum_diff32(ct_get32(p + (size_t)4 * i), word);
        ct_put32(p + (size_t)4 * i, word);
    }
    return csum_shrink(diff);
}

/* Where the word stands that NAT varies; 0xff: nowhere. */
static inline uint8_t port_at(const uint8_t *l4, uint32_t len,
                              const struct ct_tuple *kind,
                              enum mangle_side side)
{
    if (ct_proto_has_ports(kind->proto)) {
        if (len >= 4)
            return side == MANGLE_SRC ? 0 : 2;
    } else if (ct_proto_is_icmp(kind->proto)) {
        if (len >= 8 && parse_icmp_query(kind->family, l4[0]))
            return 4;
    } else if (kind->proto == CT_PROTO_GRE && side == MANGLE_DST) {
        if (len >= 8 && (l4[1] & 7) == 1) /* version 1: the call id */
            return 6;
    }
    return 0xff;
}

static inline uint32_t patch_sum(uint8_t *field, uint8_t how, uint32_t addrs,
                                 uint32_t ports, bool partial)
{
    uint16_t was = ct_get16(field), is;

    if (partial) {
        is = (uint16_t)~csum_apply((uint16_t)~was, addrs);
    } else {
        if ((how & CT_SUM_ZERO) && was == 0)
            return 0;
        is = csum_apply(was, addrs + ports);
        if ((how & CT_SUM_ZERO) && is == 0)
            is = 0xffff;
    }
    ct_put16(field, is);
    return csum_diff16(was, is);
}

/* The first four of whole bytes, of which len are there, were was. */
static uint32_t patch_crc(uint8_t *l4, uint32_t at, uint32_t len,
                          uint32_t whole, uint32_t was)
{
    uint8_t *field = l4 + at;
    uint32_t changed = was ^ crc32c_load(l4), before;

    if (changed == 0 || len < at + CRC_LEN)
        return 0;
    before = ct_get32(field);
    crc32c_store(field, crc32c_load(field) ^ crc32c_diff(changed, whole));
    return csum_diff32(before, ct_get32(field));
}

/* whole: as long as it was when it was sent. */
static inline uint32_t patch_l4(uint8_t *l4, uint32_t len, uint32_t whole,
                                const struct ct_tuple *kind,
                                enum mangle_side side, uint32_t diff,
                                uint16_t port, bool partial)
{
    struct ct_proto_info info = ct_proto_info(kind->proto);
    uint8_t at = port_at(l4, len, kind, side);
    uint32_t was = at < 4 ? crc32c_load(l4) : 0;
    uint32_t ports = at == 0xff ? 0 : put_word(l4 + at, port);

    if ((info.sum & CT_SUM_CRC) && at != 0xff)
        return ports + patch_crc(l4, info.sum_at, len, whole, was);
    if (info.sum_at == 0 || len < info.sum_at + 2u || (info.sum & CT_SUM_CRC))
        return ports;
    return ports + patch_sum(l4 + info.sum_at, info.sum,
                             info.sum & CT_SUM_PSEUDO ? diff : 0, ports,
                             partial);
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
    uint32_t diff;

    if (pkt->tuple.family == CT_IPV4) {
        diff = put_addr(ip + (side == MANGLE_SRC ? 12 : 16), addr->b, CT_IPV4);
        ct_put16(ip + 10, csum_apply(ct_get16(ip + 10), diff));
    } else {
        diff = put_addr(ip + (side == MANGLE_SRC ? 8 : 24), addr->b, CT_IPV6);
    }
    patch_l4(ip + pkt->l4_off, pkt->l4_len, pkt->l4_len, &pkt->tuple, side,
             diff, port, pkt->csum_partial);
}

/* ---- the usual case: IPv4, TCP or UDP, header whole ---- */

/* Sums do not care in which order the bytes of each word stand (RFC 1071 2B):
 * words are taken as they lie, and nothing is swapped. */
static inline uint16_t raw16(const uint8_t *p)
{
    uint16_t v;

    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint32_t raw32(const uint8_t *p)
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
    uint8_t *ip = pkt->data, *l4 = ip + pkt->l4_off;
    uint8_t *at = ip + 12 + (size_t)4 * side;
    uint8_t *port_at = l4 + (size_t)2 * side;
    uint8_t *field = l4 + (udp ? 6 : 16);
    uint64_t wide = (uint64_t)(uint32_t)~raw32(at) + addr;
    uint32_t addrs = (uint16_t)wide + (uint32_t)(wide >> 16);
    uint32_t ports;
    uint16_t was = raw16(field), is;

    port = __builtin_bswap16(port);
    ports = (uint32_t)(uint16_t)~raw16(port_at) + port;
    memcpy(at, &addr, sizeof addr);
    memcpy(port_at, &port, sizeof port);
    put_sum(ip + 10, (uint16_t)~csum_fold((uint16_t)~raw16(ip + 10) + addrs));
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
    return pkt->tuple.family == CT_IPV4 && pkt->l4_len >= 18 &&
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
    uint8_t *ip = pkt->data;

    if (pkt->tuple.family == CT_IPV6) {
        ip[7]--;
        return;
    }
    uint16_t was = ct_get16(ip + 8);
    uint16_t is = (uint16_t)(was - 0x100);

    ct_put16(ip + 8, is);
    ct_put16(ip + 10, csum_update16(ct_get16(ip + 10), was, is));
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
static uint32_t coverage(const uint8_t *l4, uint32_t len, uint8_t proto)
{
    if (proto == CT_PROTO_DCCP)
        return len < 12 ? len : parse_dccp_coverage(l4, len);
    return ct_get16(l4 + 4) != 0 ? ct_get16(l4 + 4) : len;
}

bool mangle_l4_checksum_ok(const struct ct_pkt *pkt)
{
    const uint8_t *ip = pkt->data, *l4 = ip + pkt->l4_off;
    uint8_t proto = pkt->tuple.proto;
    enum ct_family family = pkt->tuple.family == CT_IPV4 ? CT_IPV4 : CT_IPV6;
    struct ct_proto_info info = ct_proto_info(proto);
    uint32_t len = pkt->l4_len, acc = 0, covered;

    if (pkt->csum_partial || pkt->csum_ok)
        return true;
    if (info.sum_at == 0) /* nobody judges what has no tracker */
        return true;
    if (info.sum & CT_SUM_CRC)
        return crc_ok(l4, info.sum_at, len);
    if (len < info.sum_at + 2u)
        return false;
    if (proto == CT_PROTO_UDP) {
        if (ct_get16(l4 + 6) == 0)
            return family == CT_IPV4;
        if (ct_get16(l4 + 4) > len)
            return false;
        len = ct_get16(l4 + 4); /* RFC 768: its own length, not the packet's */
    }
    covered = info.sum & CT_SUM_PARTLY ? coverage(l4, len, proto) : len;
    if (covered > len)
        return false;
    if (info.sum & CT_SUM_PSEUDO) {
        bool v4 = family == CT_IPV4;

        acc = csum_pseudo(family, ip + (v4 ? 12 : 8), ip + (v4 ? 16 : 24),
                          proto, len);
    }
    return csum_fold(csum_add(acc, l4, covered)) == 0xffff;
}
