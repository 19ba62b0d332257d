/* forward.h - would the host's own packet filter drop what is
 * forwarded?
 *
 * Each base chain at the forward hook has its say: an accept in one does not
 * overrule another's drop.  The rules of each chain are followed for a packet
 * that comes by one device and leaves by another; those of iptables-legacy,
 * too, where xtables.h can see them. */
#ifndef NETLINK_FORWARD_H
#define NETLINK_FORWARD_H

#include "kernel/netlink/way.h"

#define NETLINK_FORWARD_DOCKER "DOCKER-USER"

/* 0 or a negative errno; -EAGAIN: rules change all the time. */
int netlink_forward_look(const struct netlink_forward_question *question,
                         struct netlink_forward_found *found);

#endif
