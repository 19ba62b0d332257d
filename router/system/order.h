/* order.h - changes of the kernel, done by a process of their own
 *
 * CAP_NET_ADMIN is kept by that process alone.  It is forked before there is a
 * loop or a thread, shares no memory with those that read packets and HTTP, and
 * does nothing but what it is ordered over a socket, if order/check.h lets it:
 * a change by rtnetlink or nf_tables, a number of /proc/sys, a TUN descriptor
 * that is attached to its device.  Reading and watching need no capability and
 * stay where they are.
 *
 * Without such a process (weir has no CAP_NET_ADMIN, or another program uses
 * these files) all is done where it is asked for.  One thread only. */
#ifndef ORDER_H
#define ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nlmsghdr;

/* Fork.  Answers 0 in the child, with the descriptor it is to serve in *serve;
 * its number in the parent; or a negative errno. */
int system_order_fork(int *serve);

/* The parent: wait until the child serves.  0 or a negative errno. */
int system_order_greet(void);

/* Is there such a process? */
bool system_order_given(void);

/* Readable when the process has ended; -1: there is none, or this kernel can't
 * tell. */
int system_order_end_fd(void);

/* By which the kernel's notifications name the process. */
uint32_t system_order_port(void);
uint32_t system_order_tables_port(void); /* of nf_tables; 0: none yet */

/* Each: 0 or a negative errno; -EPERM: not one of weir's. */
int system_order_route(const struct nlmsghdr *change);
int system_order_nftables(const void *batch, size_t len);
int system_order_sysctl(const char *path, uint32_t value); /* below /proc/sys */
int system_order_attach(int fd, const char *name, int flags); /* TUNSETIFF */

/* Packets that a counter of weir's table has seen. */
int system_order_count(const char *counter, uint64_t *packets);

/* Of kernel/netlink/forward.h: a question and what was found. */
int system_order_forward(const void *question, size_t len, void *found,
                         size_t room);

/* Of kernel/netlink/clash.h: what was found. */
int system_order_clash(void *found, size_t room);

/* The process ends, by itself. */
void system_order_end(void);

#endif
