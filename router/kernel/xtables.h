/* xtables.h - would the rules of iptables-legacy drop what is forwarded?
 *
 * They stand beside nf_tables, and only the kernel's old interface tells of
 * them: its files in /proc/net are root's alone, so they are opened before root
 * becomes a user, and its questions take CAP_NET_ADMIN.  A table that is not
 * there is not asked for: asking would make it. */
#ifndef XTABLES_H
#define XTABLES_H

#include "kernel/netlink/way.h"

/* As root.  What can't be opened is not looked at. */
void xtables_open(void);

/* Chain FORWARD, followed by devices: rules that ask for more may match. Writes
 * *found where that is worse than what is there. */
void xtables_look(const struct netlink_forward_question *question,
                  struct netlink_forward_found *found);

#endif
