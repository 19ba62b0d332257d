/* tcp_options.h - the TCP options that window tracking needs
 *
 * A malformed option, and whatever follows it, is as if it were absent. */
#ifndef TCP_OPTIONS_H
#define TCP_OPTIONS_H

#include "proto/tcp_segment.h"

#include <ctcore/wire.h>

/* What a SYN offers: window scale (RFC 7323, at most 14) and SACK. */
struct tcp_offer {
    bool has_scale;
    bool sack_perm;
    uint8_t scale;
};

struct tcp_offer tcp_options_offer(const struct tcp_segment *seg);

/* The option at or behind *at, its bytes inside the segment, and move *at past
 * it.  NULL: no more.  Only options and options_len of seg are looked at. */
const struct ct_tcp_option_header *
tcp_options_next(const struct tcp_segment *seg, uint32_t *at);

/* The highest right edge of a SACK block (RFC 2018), or ack if none is above.
 */
uint32_t tcp_options_sack(const struct tcp_segment *seg, uint32_t ack);

#endif
