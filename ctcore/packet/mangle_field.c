#include "packet/mangle_field.h"

#include "base/csum.h"

#include <ctcore/wire.h>

enum { OPT_END = 0, OPT_NOP = 1, OPT_MSS = 2, MSS_LEN = 4, TCP_HEADER = 20 };

/* At an odd offset the field lies across two words of the sum, each byte in the
 * other's place. */
static uint32_t diff_at(uint32_t at, uint16_t was, uint16_t is)
{
    uint16_t d = csum_fold(csum_diff16(was, is));

    return at & 1 ? __builtin_bswap16(d) : d;
}

void mangle_field_mss(struct ct_pkt *pkt, uint16_t mss)
{
    uint8_t *tcp = pkt->data + pkt->l4_off;
    uint32_t end, at = TCP_HEADER, diff = 0;

    if (pkt->l4_len < TCP_HEADER)
        return;
    end = (tcp[12] >> 4) * 4u;
    end = end > pkt->l4_len ? pkt->l4_len : end;
    while (at < end && tcp[at] != OPT_END) {
        if (tcp[at] == OPT_NOP) {
            at++;
            continue;
        }
        if (end - at < 2 || tcp[at + 1] < 2 || tcp[at + 1] > end - at)
            break;
        /* Each of them: which one counts is the receiver's choice. */
        if (tcp[at] == OPT_MSS && tcp[at + 1] == MSS_LEN) {
            uint16_t was = ct_get16(tcp + at + 2);

            if (was > mss) {
                ct_put16(tcp + at + 2, mss);
                diff += diff_at(at, was, mss);
            }
        }
        at += tcp[at + 1];
    }
    if (diff && !pkt->csum_partial)
        ct_put16(tcp + 16, csum_apply(ct_get16(tcp + 16), diff));
}

static void set_word(uint8_t *ip, uint32_t at, uint16_t is)
{
    uint16_t was = ct_get16(ip + at);

    ct_put16(ip + at, is);
    ct_put16(ip + 10, csum_update16(ct_get16(ip + 10), was, is));
}

void mangle_field_ttl(struct ct_pkt *pkt, enum ct_ttl how, uint8_t by)
{
    uint8_t *ip = pkt->data;
    bool v4 = ip[0] >> 4 == CT_IPV4;
    int is = v4 ? ip[8] : ip[7];

    is = how == CT_TTL_SET ? by : how == CT_TTL_UP ? is + by : is - by;
    is = is < 1 ? 1 : is > 255 ? 255 : is;
    if (v4)
        set_word(ip, 8, (uint16_t)(is << 8 | ip[9]));
    else
        ip[7] = (uint8_t)is;
}

void mangle_field_dscp(struct ct_pkt *pkt, uint8_t dscp)
{
    uint8_t *ip = pkt->data;

    if (ip[0] >> 4 == CT_IPV4)
        set_word(ip, 0, (uint16_t)(ip[0] << 8 | dscp << 2 | (ip[1] & 3)));
    else
        ct_put16(ip, (uint16_t)((ct_get16(ip) & 0xf03f) | dscp << 6));
}
