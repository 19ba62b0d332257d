/* route.h - may this change be sent to rtnetlink? */
#ifndef ORDER_ROUTE_H
#define ORDER_ROUTE_H

#include "order/devices.h"

#include <stddef.h>

struct nlmsghdr;

/* len: of what came. */
bool order_route_may(const struct order_limits *limits,
                     const struct order_devices *devices,
                     const struct nlmsghdr *h, size_t len);

/* Is it one of others' rules as weir moves them, whole, with the preference
 * *pref?  What else stands in it is to be compared with what is there. */
bool order_route_is_move(const struct nlmsghdr *h, size_t len, uint32_t *pref);

#endif
