/* order.h - routing rules of which the order counts
 *
 * Ours stand in two rows: in front of all others, and just before the kernel's
 * own (plan.h).  A rule that is added without a preference while ours
 * stand gets preference 0, and so a place behind the front row but before the
 * host's other rules.  It is moved to where the kernel would have put it if
 * weir were not here: one below the lowest. */
#ifndef GATEWAY_ORDER_H
#define GATEWAY_ORDER_H

#include "gateway/plan.h"

/* What one process remembers of a family: how many rules of preference 0 the
 * host had before, which are its own choice and stay. */
struct gateway_order {
    bool known[2];
    uint32_t stay[2];
};

/* Make a family's rules be as planned.  What is ours and not in the plan goes,
 * but not if something could not be added.  0, or -1 with a sentence. */
int gateway_order_lay(struct netlink *nl, const struct gateway_plan *plan,
                      uint8_t family, struct gateway_order *memory,
                      char err[256]);

#endif
