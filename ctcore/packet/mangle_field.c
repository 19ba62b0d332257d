/* mangle_field.c - set TTL, DSCP or the maximum segment size, and mend the
 * checksum */
#include "packet/mangle_field.h"

#include "base/assert.h"
#include "base/csum.h"
#include "packet/mangle.h"
#include "proto/tcp_options.h"

#include <ctcore/wire.h>

enum {
    MSS_LEN =
        sizeof(struct ct_tcp_option_header) + sizeof(struct ct_tcp_mss_header)
};

/* At an odd offset the field lies across two words of the sum, each byte in the
 * other's place. */
static uint32_t diff_at(uint32_t at, uint16_t was, uint16_t is)
{
    uint16_t d = csum_fold(csum_diff16(was, is));

    return at & 1 ? __builtin_bswap16(d) : d;
}

void mangle_field_mss(struct ct_pkt *pkt, uint16_t mss)
{
    uint8_t *l4 = pkt->data + pkt->l4_off, *options;
    struct ct_tcp_header *tcp = ct_tcp_edit(l4);
    const struct ct_tcp_option_header *opt;
    struct tcp_segment seg;
    uint32_t end, at = 0, diff = 0;
    ct_before(right, mangle_l4_checksum_ok(pkt));

    ct_assert_slow(pkt->tuple.proto == CT_PROTO_TCP && !pkt->l4_bad);
    if (pkt->l4_len < sizeof *tcp || ct_tcp_size(tcp) < sizeof *tcp)
        return;
    end = ct_tcp_size(tcp) > pkt->l4_len ? pkt->l4_len : ct_tcp_size(tcp);
    options = l4 + sizeof *tcp;
    seg = (struct tcp_segment){.options = options,
                               .options_len = end - (uint32_t)sizeof *tcp};
    /* Each of them: which one counts is the receiver's choice. */
    while ((opt = tcp_options_next(&seg, &at))) {
        struct ct_tcp_mss_header *field = ct_tcp_mss_edit(
            options + at - opt->len + sizeof(struct ct_tcp_option_header));
        uint16_t was;

        if (opt->kind != CT_TCP_OPTION_MSS || opt->len != MSS_LEN)
            continue;
        was = ct_load16(field->mss);
        if (was > mss) {
            ct_store16(&field->mss, mss);
            diff += diff_at(at, was, mss);
        }
    }
    if (diff && !pkt->csum_partial)
        csum_patch(&tcp->check, diff);
    ct_assert_slow(!right || mangle_l4_checksum_ok(pkt));
}

void mangle_field_ttl(struct ct_pkt *pkt, enum ct_ttl how, uint8_t by)
{
    bool v4 = ct_ip_version(pkt->data) == CT_IPV4;
    struct ct_ipv4_header *ip = ct_ipv4_edit(pkt->data);
    int is = ct_ip_ttl(pkt->data, v4);
    ct_before(right, mangle_ip_checksum_ok(pkt));

    is = how == CT_TTL_SET ? by : how == CT_TTL_UP ? is + by : is - by;
    is = is < 1 ? 1 : is > 255 ? 255 : is;
    if (!v4) {
        ct_ipv6_edit(pkt->data)->hop_limit = (uint8_t)is;
        return;
    }
    csum_patch(&ip->check,
               csum_diff16((uint16_t)(ip->ttl << 8), (uint16_t)(is << 8)));
    ip->ttl = (uint8_t)is;
    ct_assert_slow(!right || mangle_ip_checksum_ok(pkt));
}

void mangle_field_dscp(struct ct_pkt *pkt, uint8_t dscp)
{
    bool v4 = ct_ip_version(pkt->data) == CT_IPV4;
    struct ct_ipv4_header *ip = ct_ipv4_edit(pkt->data);
    uint8_t was = ct_ip_class(pkt->data, v4);
    uint8_t is = (uint8_t)(dscp << 2 | (was & CT_ECN));
    ct_before(right, mangle_ip_checksum_ok(pkt));

    if (!v4) {
        ct_ipv6_set_class(ct_ipv6_edit(pkt->data), is);
        return;
    }
    ip->tos = is;
    csum_patch(&ip->check, csum_diff16(was, is));
    ct_assert_slow(!right || mangle_ip_checksum_ok(pkt));
}
