/* tun_why.h - a device that can't be had: why, and what to do */
#ifndef TUN_WHY_H
#define TUN_WHY_H

#include "kernel/netlink/netlink.h"
#include "kernel/tun_config.h"

/* Each writes one sentence into text; err is the negative errno. */

/* /dev/net/tun could not be opened. */
void tun_why_node(int err, char text[256]);

/* The kernel gave no queue of the device.  link: what stands under that name,
 * or NULL if nothing does. */
void tun_why_claim(const struct tun_config *config,
                   const struct netlink_link *link, int err, char text[256]);

/* The device could not be given MTU, state or address.  link: as it was. */
void tun_why_dress(const struct tun_config *config,
                   const struct netlink_link *link, int err, char text[256]);

#endif
