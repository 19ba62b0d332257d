/* sums.c - reference checksums: slow, plain, and not the core's */
#include "gen_assoc.h"

#include "bytes.h"

static uint32_t sum(const uint8_t *p, uint32_t n)
{
    uint64_t s = 0;

    for (uint32_t i = 0; i + 1 < n; i += 2)
        s += bytes_get16(p + i);
    if (n & 1)
        s += (uint32_t)p[n - 1] << 8;
    while (s >> 16)
        s = (s & 0xffff) + (s >> 16);
    return (uint32_t)s;
}

static uint32_t fold(uint32_t s)
{
    while (s >> 16)
        s = (s & 0xffff) + (s >> 16);
    return s;
}

bool gen_ip_sum_ok(const uint8_t *p)
{
    return sum(p, (p[0] & 15u) * 4) == 0xffff;
}

/* Behind the extension headers of an IPv6 packet. */
static uint32_t l4_of_v6(const uint8_t *p, uint32_t len, uint8_t *proto)
{
    uint32_t at = 40;
    uint8_t next = p[6];

    for (unsigned i = 0; i < 16; i++) {
        uint32_t step;

        if (next != 0 && next != 60)
            break;
        if (at + 8 > len)
            return 0;
        step = (p[at + 1] + 1u) * 8;
        next = p[at];
        at += step;
    }
    *proto = next;
    /* behind a routing header the pseudo header has another destination;
     * behind authentication nothing may be changed anyway */
    return next == 43 || next == 51 || next == 44 || next == 59 || at > len
               ? 0
               : at;
}

uint32_t gen_l4(const uint8_t *p, uint32_t len, uint8_t *proto)
{
    uint32_t at;

    if (len >= 20 && p[0] >> 4 == 4) {
        at = (p[0] & 15u) * 4;
        *proto = p[9];
        if (at < 20 || at > len || (bytes_get16(p + 6) & 0x3fff) != 0)
            return 0;
        return at;
    }
    if (len >= 40 && p[0] >> 4 == 6)
        return l4_of_v6(p, len, proto);
    return 0;
}

static uint32_t pseudo(const uint8_t *p, uint8_t proto, uint32_t len)
{
    bool v4 = p[0] >> 4 == 4;
    const uint8_t *addrs = v4 ? p + 12 : p + 8;

    return sum(addrs, v4 ? 8 : 32) + proto + (len >> 16) + (len & 0xffff);
}

enum gen_sum gen_l4_sum(const uint8_t *p, uint32_t len)
{
    uint8_t proto = 0;
    uint32_t at = gen_l4(p, len, &proto), room = len - at, s = 0;
    bool v4 = p[0] >> 4 == 4;

    if (at == 0)
        return GEN_SUM_NONE;
    switch (proto) {
    case 6:
        if (room < 20)
            return GEN_SUM_NONE;
        s = pseudo(p, proto, room);
        break;
    case 17:
        if (room < 8)
            return GEN_SUM_NONE;
        if (bytes_get16(p + at + 4) < 8 || bytes_get16(p + at + 4) > room)
            return GEN_SUM_NONE;
        room = bytes_get16(p + at + 4);
        if (bytes_get16(p + at + 6) == 0)
            return v4 ? GEN_SUM_NONE : GEN_SUM_WRONG;
        s = pseudo(p, proto, room);
        break;
    case 132:
        if (room < 12)
            return GEN_SUM_NONE;
        return ((uint32_t)bytes_get16(p + at + 8) << 16 |
                bytes_get16(p + at + 10)) == gen_sctp_crc(p + at, room)
                   ? GEN_SUM_RIGHT
                   : GEN_SUM_WRONG;
    case 33:
        if (room < 12)
            return GEN_SUM_NONE;
        s = pseudo(p, proto, room);
        if (p[at + 5] & 15) {
            uint32_t covered = (p[at + 4] + (p[at + 5] & 15u) - 1) * 4;

            if (covered > room)
                return GEN_SUM_NONE;
            room = covered;
        }
        break;
    case 1:
    case 58:
        if (room < 4 || v4 != (proto == 1))
            return GEN_SUM_NONE;
        s = v4 ? 0 : pseudo(p, proto, room);
        break;
    default:
        return GEN_SUM_NONE;
    }
    return fold(s + sum(p + at, room)) == 0xffff ? GEN_SUM_RIGHT
                                                 : GEN_SUM_WRONG;
}

enum gen_sum gen_partial_sum(const uint8_t *p, uint32_t len)
{
    uint8_t proto = 0;
    uint32_t at = gen_l4(p, len, &proto), field;

    if (at == 0 || (proto != 6 && proto != 17))
        return GEN_SUM_NONE;
    field = proto == 6 ? 16 : 6;
    if (len - at < (proto == 6 ? 20u : 8u))
        return GEN_SUM_NONE;
    return fold(pseudo(p, proto, len - at)) % 0xffff ==
                   bytes_get16(p + at + field) % 0xffff
               ? GEN_SUM_RIGHT
               : GEN_SUM_WRONG;
}
