/* packet_sum.c - the plain textbook checksum, word by word (RFC 1071) */
#include "packet_impl.h"

#include <string.h>

static uint32_t add(uint32_t sum, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
        if (sum > 0xffff)
            sum -= 0xffff;
    }
    return sum;
}

bool packet_quotes(bool v4, unsigned type)
{
    if (!v4)
        return type < 128;
    return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

int packet_sum_at(unsigned proto)
{
    return proto == TCP                       ? 16
           : proto == UDP || proto == UDPLITE ? 6
           : proto == DCCP                    ? 6
           : proto == SCTP                    ? 8
           : proto == ICMP || proto == ICMPV6 ? 2
                                              : -1;
}

static bool layout6(const uint8_t *d, size_t len, struct layout *lay)
{
    size_t at = 40;

    if (len < 40 || (lay->end = 40 + bytes_get16(d + 4)) > len)
        return false;
    lay->src = 8;
    lay->dst = 24;
    lay->addr_len = 16;
    lay->proto = d[6];
    while (lay->proto == HOPOPT || lay->proto == ROUTING ||
           lay->proto == FRAGMENT || lay->proto == DSTOPTS) {
        size_t n;

        if (lay->end - at < 8)
            return false;
        n = lay->proto == FRAGMENT ? 8 : ((size_t)d[at + 1] + 1) * 8;
        if (lay->proto == FRAGMENT) {
            lay->frag_offset = bytes_get16(d + at + 2) & 0xfff8;
            lay->more_frags = d[at + 3] & 1;
        }
        if (n > lay->end - at)
            return false;
        lay->proto = d[at];
        at += n;
    }
    lay->l4 = at;
    return true;
}

bool packet_layout(const uint8_t *d, size_t len, struct layout *lay)
{
    memset(lay, 0, sizeof *lay);
    if (len > 0 && d[0] >> 4 == 6)
        return layout6(d, len, lay);
    if (len < 20 || d[0] >> 4 != 4)
        return false;
    lay->v4 = true;
    lay->src = 12;
    lay->dst = 16;
    lay->addr_len = 4;
    lay->l4 = (size_t)(d[0] & 15) * 4;
    lay->end = bytes_get16(d + 2);
    lay->proto = d[9];
    lay->frag_offset = (bytes_get16(d + 6) & 0x1fff) * 8;
    lay->more_frags = (d[6] & 0x20) != 0;
    return lay->l4 >= 20 && lay->l4 <= lay->end && lay->end <= len;
}

unsigned packet_ip_sum(const uint8_t *d)
{
    size_t ihl = (size_t)(d[0] & 15) * 4;
    uint32_t sum = add(0, d, 10);

    return ~add(sum, d + 12, ihl - 12) & 0xffff;
}

unsigned packet_l4_field(const uint8_t *d, const struct layout *lay)
{
    const uint8_t *field = d + lay->l4 + packet_sum_at(lay->proto);

    return lay->proto == SCTP ? bytes_get32(field) : bytes_get16(field);
}

void packet_l4_store(uint8_t *d, const struct layout *lay, unsigned sum)
{
    uint8_t *field = d + lay->l4 + packet_sum_at(lay->proto);

    if (lay->proto == SCTP)
        bytes_put32(field, sum);
    else
        bytes_put16(field, sum);
}

unsigned packet_l4_sum(const uint8_t *d, const struct layout *lay, bool partial)
{
    size_t at = lay->l4 + (size_t)packet_sum_at(lay->proto);
    size_t n = lay->end - lay->l4;
    uint8_t tail[4] = {0, 0, 0, (uint8_t)lay->proto};
    uint32_t sum = 0;

    if (lay->proto == SCTP)
        return packet_sctp_crc(d + lay->l4, n);
    if (lay->proto == UDP && bytes_get16(d + lay->l4 + 4) >= 8 &&
        bytes_get16(d + lay->l4 + 4) <= n)
        n = bytes_get16(d + lay->l4 + 4);
    if (lay->proto != ICMP) {
        bytes_put16(tail, (unsigned)n);
        sum = add(add(add(0, d + lay->src, lay->addr_len), d + lay->dst,
                      lay->addr_len),
                  tail, 4);
    }
    if (partial)
        return sum;
    if (lay->proto == DCCP)
        n = packet_dccp_covered(d + lay->l4, n);
    sum = add(sum, d + lay->l4, at - lay->l4);
    sum = ~add(sum, d + at + 2, lay->l4 + n - at - 2) & 0xffff;
    return sum == 0 && (lay->proto == UDP || lay->proto == UDPLITE) ? 0xffff
                                                                    : sum;
}

static bool has_sum(const struct layout *lay)
{
    int at = packet_sum_at(lay->proto);

    return at >= 0 && lay->frag_offset == 0 && !lay->more_frags &&
           lay->end - lay->l4 >=
               (size_t)at + (lay->proto == SCTP || lay->proto == DCCP ? 4 : 2);
}

void packet_fix_sums(uint8_t *d, size_t len)
{
    struct layout lay;

    if (!packet_layout(d, len, &lay))
        return;
    if (lay.v4)
        bytes_put16(d + 10, packet_ip_sum(d));
    if (has_sum(&lay))
        packet_l4_store(d, &lay, packet_l4_sum(d, &lay, false));
}

/* 0 and 0xffff are one number to a one's-complement sum. */
static bool same_sum(unsigned a, unsigned b)
{
    return a % 0xffff == b % 0xffff;
}

bool packet_sums_ok(const uint8_t *d, size_t len)
{
    struct layout lay;
    const uint8_t *l4, *quote;
    unsigned field;

    if (!packet_layout(d, len, &lay))
        return false;
    if (lay.v4 && !same_sum(bytes_get16(d + 10), packet_ip_sum(d)))
        return false;
    if (!has_sum(&lay))
        return true;
    l4 = d + lay.l4;
    field = packet_l4_field(d, &lay);
    if (lay.proto == SCTP)
        return field == packet_l4_sum(d, &lay, false);
    if (lay.proto == UDP && field == 0)
        return lay.v4;
    if (!same_sum(field, packet_l4_sum(d, &lay, false)))
        return false;
    if (lay.proto != ICMP || !packet_quotes(true, l4[0]) ||
        lay.end - lay.l4 < 28)
        return true;
    quote = l4 + 8;
    return lay.end - lay.l4 - 8 < (size_t)(quote[0] & 15) * 4 ||
           same_sum(bytes_get16(quote + 10), packet_ip_sum(quote));
}
