/* nftables.h - nf_tables is spoken to */
#ifndef NETLINK_NFTABLES_H
#define NETLINK_NFTABLES_H

#include <libmnl/libmnl.h>
#include <stddef.h>
#include <stdint.h>

#define NETLINK_NFTABLES_TABLE "weir"       /* of family inet */
#define NETLINK_NFTABLES_TURN  "weir_local" /* of family netdev */

/* A batch: one transaction.  0 or a negative errno, as all. */
int netlink_nftables_send(const void *batch, size_t len);

/* A question, by who may ask: fn sees each message of the answer.  -EAGAIN:
 * things changed while they were listed. */
int netlink_nftables_ask(const struct nlmsghdr *question, mnl_cb_t fn,
                         void *ctx);

/* The number by which the kernel's notifications name who made a change; 0:
 * none was made yet. */
uint32_t netlink_nftables_port(void);

/* What was kept open; the next call opens it again. */
void netlink_nftables_close(void);

/* Packets that a counter of weir's table has seen. */
int netlink_nftables_count(const char *counter, uint64_t *packets);

#endif
