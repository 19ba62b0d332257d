/* check.h - may the privileged process do what it is ordered?
 *
 * Orders may come from an attacker who controls the process that reads
 * packets.  What is let through is what weir itself sends, attribute by
 * attribute (rows.h), and nothing else:
 *
 *   links      of weir's TUNs: MTU, queue length, up, IPv4's settings, group,
 *              no IPv6 addresses by itself; of the gateway's devices: the
 * group, and the three settings of IPv4 that gateway mode needs addresses  of
 * weir's TUNs: the configuration's; in gateway mode 192.0.0.8 rules      added:
 * of weir's protocol and its two preferences, about weir's TUNs, the gateway's
 * devices or the host; deleted: of weir's protocol.  The kernel's own for the
 * table local.  Others' of preference 0 may be given another (serve.c)
 *   routes     of weir's protocol in weir's tables, by weir's TUNs
 *   neighbours proxies on the gateway's devices, of weir's protocol, and how
 *              long answers for them wait
 *   queueing   what leaves one of weir's TUNs may come in by the gateway's
 *              device beside it
 *   nf_tables  the five tables of tables.c, what is added to them, and
 *              that they go
 *   forward    a question about the rules of any table
 *   clash      a question about two sets of weir's
 *   /proc/sys  the settings of gateway/setting.c, 0 to 2, of the host and of
 *              the gateway's devices; IPv6's forwarding of any
 *   TUN        a descriptor of /dev/net/tun, a TUN of the configuration's
 *
 * The gateway's devices are those of the configuration at the start, and, for
 * what is given back, those that a killed predecessor has noted.  Without
 * gateway mode: links and addresses of weir's TUNs, and TUN. */
#ifndef ORDER_CHECK_H
#define ORDER_CHECK_H

#include "order/devices.h"
#include "system/order_wire.h"

#include <stddef.h>

struct nlmsghdr;

/* len: of the body. */
bool order_check(const struct order_limits *limits,
                 const struct order_devices *devices, const struct order *order,
                 size_t len);

#endif
