/* host.h - gateway mode: the host's own packets, and packets for the host
 *
 * The kernel that weir sits in owns the router's addresses.  It hands over its
 * own packets by the outside device, and takes from there what is for it. */
#ifndef HOST_H
#define HOST_H

#include "journey/walk.h"

/* why: what is to be said of pkt's source by itself.  By the outside device an
 * own address is the host: NONE, and pkt->in becomes CT_NO_IFACE: made here;
 * but what the kernel says to itself (errors about packets weir has translated)
 * walks in like any other.  SPOOFED, LAND: it is forged; an address that leads
 * inside is so by the outside device, too. */
enum ct_reason host_inspect(const struct journey *j, struct ct_pkt *pkt,
                            enum ct_reason why);

/* Is it for the host by its address alone, soon after a kill? */
bool host_lost(const struct journey *j, const struct ct_pkt *pkt);

/* OUTPUT, route, POSTROUTING and out, or to the host itself. */
void host_output(struct journey *j, struct ct_pkt *pkt);

/* Past OUTPUT: the rest of that. */
void host_left(struct journey *j, struct ct_pkt *pkt);

/* Past INPUT: that, and the packet's end. */
void host_deliver(struct journey *j, struct ct_pkt *pkt);

#endif
