/* reassemble.h - fragments become the datagram they were, before the hooks */
#ifndef REASSEMBLE_H
#define REASSEMBLE_H

#include "journey/walk.h"

/* A fragment (parsed, FRAGMENT) is taken or dropped, and counted.  True: its
 * datagram is whole in *whole, to be walked as if it had just arrived.
 * => *whole lies in j, until the next call. */
bool reassemble_take(struct journey *j, struct ct_pkt *pkt,
                     struct ct_pkt *whole);

/* End what has waited for too long, and tell who is to be told; budget
 * datagrams at most.  False: there may be more. */
bool reassemble_expire(struct journey *j, uint32_t budget);

#endif
