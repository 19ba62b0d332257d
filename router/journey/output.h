/* output.h - the way out: does it fit, cut it, check it, send it */
#ifndef OUTPUT_H
#define OUTPUT_H

#include "journey/walk.h"

enum output_fit {
    OUTPUT_FITS,
    OUTPUT_CUT,    /* too big, and may be fragmented on the way out */
    OUTPUT_TOO_BIG /* too big: the sender is to be told */
};

/* Of the link pkt->out.  A super-packet is judged by the largest segment that
 * will be cut from it; one of TCP over IPv4 without DF is given smaller
 * segments here instead of being fragmented. */
enum output_fit output_fit(const struct journey *j, struct ct_pkt *pkt);

/* The last check before any write: version, header length and total length
 * agree with len, and len is what the offload header allows. */
bool output_ok(const struct ct_pkt *pkt, uint16_t mtu);

/* Send by pkt->out.  NONE, or why it was not sent: nothing is counted. */
enum ct_reason output_send(struct journey *j, struct ct_pkt *pkt);

/* Gateway mode: hand it to the kernel that weir sits in.  NONE, or why it did
 * not take it. */
enum ct_reason output_to_host(struct journey *j, struct ct_pkt *pkt);

#endif
