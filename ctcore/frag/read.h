/* read.h - what one fragment says of its datagram */
#ifndef FRAG_READ_H
#define FRAG_READ_H

#include <ctcore/pkt.h>

enum {
    FRAG_UNIT = 8,       /* bytes that offsets count */
    FRAG_LONGEST = 65535 /* what a datagram's length field can say */
};

/* One fragment, read. */
struct frag_piece {
    const uint8_t *data; /* payload */
    uint32_t off, len;
    uint32_t size; /* of the packet */
    uint32_t head_len, next_at;
    uint8_t next_header, ecn;
    bool v4, more, df;
};

/* Read it: ct_parse() has answered FRAGMENT.  NONE, or why it can't be part of
 * any datagram.  strict: IPv4 first fragments, too, need all headers. */
enum ct_reason frag_read(const struct ct_pkt *pkt, bool strict,
                         struct frag_piece *p);

#endif
