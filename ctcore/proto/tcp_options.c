/* tcp_options.c - read TCP options
 *
 * One walk serves both questions: find() yields the next option whose length is
 * believable, and ends at the first that is not.  Lengths are checked against
 * what is left, never against what the option claims. */
#include "proto/tcp_options.h"

#include <ctcore/wire.h>

enum {
    OPT_END = 0,
    OPT_NOP = 1,
    OPT_SCALE = 3,
    OPT_SACK_PERM = 4,
    OPT_SACK = TCP_OPTION_SACK
};
enum { SCALE_LEN = 3, SACK_PERM_LEN = 2, SACK_BLOCK = 8 };
enum { MAX_SCALE = 14 };

/* NOP NOP Timestamp: what nearly every data segment carries (RFC 7323 App. A),
 * and all that it then carries. */
enum { STAMP_LEN = 12 };
#define STAMP_HEAD 0x0101080au

static const uint8_t *next_option(const struct tcp_segment *seg, uint32_t *at)
{
    const uint8_t *opt;
    uint32_t room;

    while (*at < seg->options_len && seg->options[*at] == OPT_NOP)
        ++*at;
    room = seg->options_len - *at;
    opt = seg->options + *at;
    if (room < 2 || opt[0] == OPT_END || opt[1] < 2 || opt[1] > room)
        return NULL;
    *at += opt[1];
    return opt;
}

const uint8_t *tcp_options_next(const struct tcp_segment *seg, uint32_t *at)
{
    return next_option(seg, at);
}

struct tcp_offer tcp_options_offer(const struct tcp_segment *seg)
{
    struct tcp_offer offer = {0};
    const uint8_t *opt;
    uint32_t at = 0;

    while ((opt = next_option(seg, &at))) {
        if (opt[0] == OPT_SACK_PERM && opt[1] == SACK_PERM_LEN)
            offer.sack_perm = true;
        if (opt[0] == OPT_SCALE && opt[1] == SCALE_LEN) {
            offer.has_scale = true;
            /* RFC 7323 2.3: a larger shift is to be taken as 14. */
            offer.scale = opt[2] > MAX_SCALE ? MAX_SCALE : opt[2];
        }
    }
    return offer;
}

uint32_t tcp_options_sack(const struct tcp_segment *seg, uint32_t ack)
{
    const uint8_t *opt;
    uint32_t at = 0;

    if (seg->options_len == STAMP_LEN && ct_get32(seg->options) == STAMP_HEAD)
        return ack;

    while ((opt = next_option(seg, &at))) {
        if (opt[0] != OPT_SACK || opt[1] == 2 || (opt[1] - 2) % SACK_BLOCK)
            continue;
        for (uint32_t i = 2; i < opt[1]; i += SACK_BLOCK) {
            uint32_t right = ct_get32(opt + i + 4);

            if (tcp_after(right, ack))
                ack = right;
        }
        break;
    }
    return ack;
}
