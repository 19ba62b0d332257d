/* tcp_segment.h - one TCP segment as the tracker sees it
 *
 * Sequence numbers live on a ring of 2^32 (RFC 9293 3.4): "before" means less
 * than half the ring behind. */
#ifndef TCP_SEGMENT_H
#define TCP_SEGMENT_H

#include "proto/tcp.def"
#include <stdbool.h>
#include <stdint.h>

enum tcp_state {
#define S(name, timeout) TCP_##name,
    TCP_STATES(S)
#undef S
        N_TCP_STATES,
    /* As targets only.  Nothing leads back to NONE, so that a cell of the
     * table without a row is a refusal. */
    TCP_INVALID = TCP_NONE,
    TCP_IGNORE = N_TCP_STATES
};

enum tcp_kind {
#define K(name) TCP_KIND_##name,
    TCP_KINDS(K)
#undef K
        N_TCP_KINDS
};

struct tcp_segment {
    const uint8_t *options; /* inside the packet */
    uint32_t options_len;   /* 0..40 */
    uint32_t seq, end;      /* SYN and FIN count one each */
    uint32_t ack;           /* the field, whether ACK is set or not */
    uint16_t win;           /* the field, unscaled */
    uint8_t flags;          /* CT_TCP_SYN and its like */
    uint8_t kind;           /* enum tcp_kind */
};

static inline bool tcp_before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

static inline bool tcp_after(uint32_t a, uint32_t b)
{
    return (int32_t)(b - a) < 0;
}

#endif
