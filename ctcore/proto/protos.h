/* protos.h - the registry of trackers */
#ifndef PROTOS_H
#define PROTOS_H

#include "proto/l4proto.h"

/* Never NULL: a protocol without a tracker has proto_generic. */
const struct l4proto *protos_find(uint8_t proto);

/* The tuple a reply would have, by its protocol.  False: there is none. */
bool protos_invert(const struct ct_tuple *t, struct ct_tuple *reply);

#endif
