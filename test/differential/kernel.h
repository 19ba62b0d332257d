/* kernel.h - the judge: a router made of the kernel this runs on
 *
 * A network namespace of its own with two TUN devices, klan and kwan, that bear
 * the addresses of world.h's router, two more outside, forwarding, nftables and
 * the kernel's own connection tracking in between.  The kernel walks a packet
 * while it is being written, so what a packet causes has left when kernel_put()
 * returns; kernel_settle() proves it by a packet that follows behind.
 *
 * Needs root.  One a process: the calling process moves into the namespace. */
#ifndef KERNEL_H
#define KERNEL_H

#include <ctcore/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kernel_side { KERNEL_LAN, KERNEL_WAN, KERNEL_N_SIDES };

struct kernel;

/* One flow of its table. */
struct kernel_flow {
    struct ct_tuple tuple[CT_N_DIRS];
    uint32_t status;  /* IPS_*: the numbers of enum ct_status */
    uint32_t timeout; /* s left, rounded down */
    uint32_t mark;
    uint8_t state;            /* enum tcp_conntrack or sctp_conntrack; else 0 */
    uint32_t vtag[CT_N_DIRS]; /* SCTP */
};

/* NULL, and why in err: not root, no TUN, no nftables. */
struct kernel *kernel_open(char err[256]);
void kernel_close(struct kernel *k);

/* Replace the ruleset by this text of nft(8).  False: nft refused it. */
bool kernel_rules(struct kernel *k, const char *text);
/* A file below /proc/sys/net/, as it is in the namespace. */
bool kernel_sysctl(struct kernel *k, const char *name, int value);

void kernel_put(struct kernel *k, enum kernel_side side, const uint8_t *data,
                size_t len);
/* A packet that left by that side; 0: none.  The kernel's own talk about its
 * links (neighbours, groups) is left out. */
size_t kernel_get(struct kernel *k, enum kernel_side side, uint8_t *data,
                  size_t room);
/* Everything before has been walked.  False: the sentinel did not come out. */
bool kernel_settle(struct kernel *k);

/* Call back for each flow of the table; -1: the kernel did not answer. */
int kernel_flows(struct kernel *k,
                 void (*each)(void *ctx, const struct kernel_flow *flow),
                 void *ctx);
int kernel_flush(struct kernel *k);

/* The same for one flow, by its original tuple.  False: there is none. */
bool kernel_flow(struct kernel *k, const struct ct_tuple *original,
                 void (*each)(void *ctx, const struct kernel_flow *flow),
                 void *ctx);
void kernel_forget(struct kernel *k, const struct ct_tuple *original);
/* What it counted so far, of its statistics as weir has them, too: name, and
 * the column of /proc/net/stat/nf_conntrack.  Not of them: found, which counts
 * the steps of a search that is done otherwise (difference port_search). */
#define KERNEL_COUNTERS(C)                                                     \
    C(clash_resolve, 1)                                                        \
    C(invalid, 4)                                                              \
    C(insert, 8)                                                               \
    C(insert_failed, 9)                                                        \
    C(drop, 10)                                                                \
    C(icmp_error, 12)                                                          \
    C(expect_new, 13)                                                          \
    C(expect_create, 14)                                                       \
    C(expect_delete, 15)
struct kernel_counters {
#define C(name, column) uint64_t name;
    KERNEL_COUNTERS(C)
#undef C
};
bool kernel_counters(struct kernel_counters *c);
/* Entries of this namespace, those past their time included; -1: no answer. */
int64_t kernel_count(struct kernel *k);
/* Call back for each event since the last look, in their order: "NEW",
 * "UPDATE", "DESTROY".  An UPDATE has the TCP state only if that changed. */
void kernel_events(struct kernel *k,
                   void (*each)(void *ctx, const char *kind,
                                const struct kernel_flow *flow),
                   void *ctx);

#endif
