/* apply.h - make the kernel hold what a plan says, and nothing else of
 * ours */
#ifndef GATEWAY_APPLY_H
#define GATEWAY_APPLY_H

#include "gateway/order.h"

/* Does all that is possible.  0, or -1 with the first fault as a sentence. */
int gateway_apply(struct netlink *nl, const struct gateway_plan *plan,
                  struct gateway_order *order, char err[256]);

#endif
