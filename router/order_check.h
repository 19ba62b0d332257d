/* order_check.h - may the privileged process do what it is ordered?
 *
 * What orders may be in the hands of whoever broke into the process that reads
 * packets.  What is let through is what gateway mode and weir's devices need,
 * and nothing of it reaches what others have made:
 *
 *   rules      of weir's protocol, and the kernel's own for the table local;
 *              others' may be given another preference (order_serve.c)
 *   routes     of weir's protocol in weir's tables
 *   neighbours proxies alone, and how long their answers wait
 *   links      no new ones and no names; MTU, queue length, up, down and
 *              addresses of weir's devices; IPv4's settings and the group of
 *              any
 *   queueing   what leaves weir's devices
 *   nf_tables  what is added to tables whose name begins with "weir", their
 *              rules and elements, and these tables, by name
 *   forward    a question about the rules of any table
 *   clash      a question about two sets of weir's
 *   /proc/sys  the settings of gateway_setting.c, 0 to 2
 *   TUN        a descriptor of /dev/net/tun, a device of the configuration's
 *
 * Without gateway mode: links of weir's devices, and TUN. */
#ifndef ORDER_CHECK_H
#define ORDER_CHECK_H

#include "order_wire.h"

#include <ctcore/types.h>

#include <stddef.h>

struct nlmsghdr;

struct order_limits {
    bool gateway;
    uint32_t n_tuns;
    char tun[CT_MAX_IFACES][16]; /* weir's devices */
};

/* Is the body a rule to be added or deleted, whole and well formed? */
bool order_check_is_rule(const struct nlmsghdr *h, size_t len);

/* len: of the body.  index: the numbers of weir's devices now, 0: not there. */
bool order_check(const struct order_limits *limits,
                 const uint32_t index[CT_MAX_IFACES], const struct order *order,
                 size_t len);

#endif
