/* parse_inner.h - the packet that an ICMP or ICMPv6 error quotes */
#ifndef PARSE_INNER_H
#define PARSE_INNER_H

#include <ctcore/pkt.h>

/* Offsets are from pkt->data. */
struct inner {
    uint32_t ip_off, l4_off;
    uint32_t l4_len;   /* bytes of its L4 header that are there */
    uint32_t l4_whole; /* bytes that there were, by its IP header */
    uint8_t family, proto;
    struct ct_tuple tuple; /* as quoted */
};

/* Find it.  NONE, ICMP_TRUNCATED or ICMP_INNER.  Never reads past pkt->len.
 * => at least the bytes that make the tuple are there (ports 4, ICMP 8); with
 *    fewer than 8 the L4 header can't be translated whole. */
enum ct_reason parse_inner(const struct ct_pkt *pkt, struct inner *in);

#endif
