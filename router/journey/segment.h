/* segment.h - cut a super-packet into the packets that it stands for */
#ifndef SEGMENT_H
#define SEGMENT_H

#include <ctcore/pkt.h>

typedef enum ct_reason segment_tx(void *ctx, struct ct_pkt *pkt);

/* Send pkt segment by segment, in order, as the far kernel would have cut it:
 * TCP by its sequence numbers, UDP into datagrams of gso_size each.  Each has a
 * partial checksum of its own, and in IPv4 the identification behind that of
 * the one before.
 *
 * => pkt is a super-packet as the journey lets it pass: its headers are whole,
 *    its checksum partial.
 * => pkt->data is used up: headers of later segments are written over what has
 *    been sent.
 * => the first answer of tx that is not NONE ends it. */
enum ct_reason segment_send(struct ct_pkt *pkt, segment_tx *tx, void *ctx);

#endif
