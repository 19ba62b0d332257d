/* fragment.h - cut an IPv4 packet that is larger than its next link */
#ifndef FRAGMENT_H
#define FRAGMENT_H

#include <ctcore/pkt.h>

typedef enum ct_reason fragment_tx(void *ctx, struct ct_pkt *pkt);

/* Send pkt in pieces of at most mtu bytes each, in order.
 *
 * => pkt is a well-formed IPv4 packet, no super-packet, without DF.
 * => a partial checksum is completed first: pieces can't carry one.
 * => pkt->data is used up: headers of later pieces are written over what has
 *    been sent.
 * => the first answer of tx that is not NONE ends it; TOO_BIG: not even eight
 *    bytes of payload fit. */
enum ct_reason fragment_send(struct ct_pkt *pkt, uint16_t mtu, fragment_tx *tx,
                             void *ctx);

#endif
