/* guard.h - what nf_tables does for gateway mode
 *
 * A table "weir" of family inet:
 *
 *    forward      only what belongs together: a device to weir's for it, and
 *                 back.  Whatever rules and routes say, nothing gets past weir,
 *                 nor between a device that is not named and these; also while
 *                 weir is dead.
 *    output, prerouting, input, clash
 *                 what the host sends past weir, and its answers: see
 *                 past.h
 *    silence      what the host does not answer in the place of weir: see
 *                 silence.h
 *
 * A table "weir_local" of family netdev: what weir hands over to the host turns
 * around and comes in by the device, marked: rules of the host's packet filter
 * and sockets that name the device see it come from where it came.
 *
 * A table "weir_input" of family inet: input rules where weir is not asked; see
 * input.h.  A table "weir_reply" of family inet: answers from addresses
 * that weir does not serve; see reply.h.
 *
 * Without nf_tables there are the routing rules alone; the log says so. */
#ifndef GATEWAY_GUARD_H
#define GATEWAY_GUARD_H

#include "gateway/plan.h"
#include "kernel/netlink/clash.h"
#include "kernel/netlink/notrack.h"

struct gateway_guard;

/* 0 or a negative errno; a kernel without nf_tables is no error. */
int gateway_guard_open(struct gateway_guard **out);
void gateway_guard_close(struct gateway_guard *g);

/* Make it be as facts want it, if it isn't known to be, in one transaction;
 * what was noted stays.  marks: does it mark packets?  0, also where the kernel
 * has no nf_tables, or a negative errno: try again. */
int gateway_guard_put(struct gateway_guard *g, struct netlink *nl,
                      const struct config_facts *facts, const uint32_t tun[],
                      bool *marks);
/* Behind it and the routing rules that facts ask for: the host may answer again
 * from addresses that have come back.  As above. */
int gateway_guard_ruled(struct gateway_guard *g, struct netlink *nl,
                        const struct config_facts *facts, const uint32_t tun[]);
/* Behind it: the same of input rules. */
void gateway_guard_rules(struct gateway_guard *g,
                         const struct config_facts *facts,
                         const struct ct_ruleset *rules);
void gateway_guard_remove(struct gateway_guard *g);

/* Is it about us, and not by ourselves?  Then the next put does all again. */
bool gateway_guard_hears(struct gateway_guard *g, uint32_t port,
                         const char *table);
/* The same of what devices queue. */
void gateway_guard_again(struct gateway_guard *g);

/* The kernel's own conntrack leaves that alone; NULL: it does not. */
void gateway_guard_notrack(struct gateway_guard *g,
                           const struct netlink_notrack *what);

/* Once a second: say in the log what was dropped since it was last said, once a
 * minute at most.  true: the table is gone, which is heard of only by a process
 * that has CAP_NET_ADMIN. */
bool gateway_guard_tell(struct gateway_guard *g);

/* Once a second: what clients' flows had a noted connection's ports. */
void gateway_guard_clash(struct gateway_guard *g, struct netlink_clash *found);

#endif
