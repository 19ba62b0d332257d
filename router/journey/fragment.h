/* fragment.h - cut a packet that must not leave in one piece */
#ifndef FRAGMENT_H
#define FRAGMENT_H

#include <ctcore/pkt.h>

typedef enum ct_reason fragment_tx(void *ctx, struct ct_pkt *pkt);

/* Send pkt in pieces of at most limit bytes each, in order: where it was cut
 * before if pkt->cuts knows and those pieces are small enough, else as large as
 * may be.
 *
 * => pkt is a well-formed packet, no super-packet.  That it may be cut (DF) is
 *    the caller's to know; pieces have DF as it has, unless they are those it
 *    came in: there Linux (6.18, seen) leaves DF out.
 * => id: of IPv6 fragments, from real chance; IPv4's is in the packet.
 * => a partial checksum is completed first: pieces can't carry one.
 * => pkt->data is used up: headers of later pieces are written over what has
 *    been sent, those of IPv6 8 bytes before it.
 * => the first answer of tx that is not NONE ends it; TOO_BIG: not even eight
 *    bytes of payload fit. */
enum ct_reason fragment_send(struct ct_pkt *pkt, uint16_t limit, uint32_t id,
                             fragment_tx *tx, void *ctx);

/* Make the TCP or UDP checksum that was left to a device. */
void fragment_complete(struct ct_pkt *pkt);

#endif
