/* tcp_options.c - read TCP options
 *
 * One walk serves both questions: find() yields the next option whose length is
 * believable, and ends at the first that is not.  Lengths are checked against
 * what is left, never against what the option claims. */
#include "proto/tcp_options.h"

enum { SCALE_LEN = 3, SACK_PERM_LEN = 2 };
enum { MAX_SCALE = 14 };

/* NOP NOP Timestamp: what nearly every data segment carries (RFC 7323 App. A),
 * and all that it then carries. */
enum { STAMP_LEN = 12 };
static const uint8_t stamp_head[] = {CT_TCP_OPTION_NOP, CT_TCP_OPTION_NOP,
                                     CT_TCP_OPTION_STAMP, 10};

static const struct ct_tcp_option_header *
next_option(const struct tcp_segment *seg, uint32_t *at)
{
    const struct ct_tcp_option_header *opt;
    uint32_t room;

    while (*at < seg->options_len && seg->options[*at] == CT_TCP_OPTION_NOP)
        ++*at;
    room = seg->options_len - *at;
    opt = ct_tcp_option_view(seg->options + *at);
    if (room < sizeof *opt || opt->kind == CT_TCP_OPTION_END ||
        opt->len < sizeof *opt || opt->len > room)
        return NULL;
    *at += opt->len;
    return opt;
}

const struct ct_tcp_option_header *
tcp_options_next(const struct tcp_segment *seg, uint32_t *at)
{
    return next_option(seg, at);
}

struct tcp_offer tcp_options_offer(const struct tcp_segment *seg)
{
    struct tcp_offer offer = {0};
    const struct ct_tcp_option_header *opt;
    uint32_t at = 0;

    while ((opt = next_option(seg, &at))) {
        if (opt->kind == CT_TCP_OPTION_SACK_PERM && opt->len == SACK_PERM_LEN)
            offer.sack_perm = true;
        if (opt->kind == CT_TCP_OPTION_SCALE && opt->len == SCALE_LEN) {
            offer.has_scale = true;
            /* RFC 7323 2.3: a larger shift is to be taken as 14. */
            offer.scale = *opt->value > MAX_SCALE ? MAX_SCALE : *opt->value;
        }
    }
    return offer;
}

uint32_t tcp_options_sack(const struct tcp_segment *seg, uint32_t ack)
{
    const struct ct_tcp_option_header *opt;
    uint32_t at = 0;

    if (seg->options_len == STAMP_LEN &&
        memcmp(seg->options, stamp_head, sizeof stamp_head) == 0)
        return ack;

    while ((opt = next_option(seg, &at))) {
        const struct ct_tcp_sack_header *sack = ct_tcp_sack_view(opt->value);
        uint32_t bytes = opt->len - (uint32_t)sizeof *opt;

        if (opt->kind != CT_TCP_OPTION_SACK || bytes == 0 ||
            bytes % sizeof *sack)
            continue;
        for (uint32_t i = 0; i < bytes / sizeof *sack; i++) {
            uint32_t right = ct_load32(sack[i].right);

            if (tcp_after(right, ack))
                ack = right;
        }
        break;
    }
    return ack;
}
