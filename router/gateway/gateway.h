/* gateway.h - gateway mode's side of the kernel: which packets come to weir
 *
 * Between existing devices, lan, wan and further ones, stand weir's TUNs, one
 * for each.  The kernel is told by rtnetlink, with rules of the first
 * preferences and tables of our own, that what comes from one of them, and from
 * the host itself by an outside address, goes into the TUNs first; see
 * plan.h.
 *
 *   gateway_open()      sockets; are the devices there?
 *   gateway_look()      what the kernel says of them: facts
 *                       ... the caller opens the TUNs: from here on it
 *                       is sure that no other weir runs here ...
 *   gateway_sync()      rules, tables, proxy neighbours: what is missing is
 *                       added, what is too much goes, of a killed predecessor
 *                       too; behind them the settings that make the kernel a
 *                       router.  Again after each change, and with the new
 *                       indices after a TUN was made again.
 *   gateway_close()     all as it was
 *
 * Needs CAP_NET_ADMIN in the network's namespace and nothing else.  One thread
 * only.  Answers are 0, or -1 with a sentence in err. */
#ifndef GATEWAY_H
#define GATEWAY_H

#include "gateway/facts.h"
#include "gateway/health.h"
#include "kernel/netlink/clash.h"

struct gateway;

/* saved: path of a small file that remembers what was before while it differs,
 * for a successor if this process should be killed; NULL: no such file.  A
 * missing or bad one is no error; copied. */
int gateway_open(struct gateway **out, const struct config_gateway *want,
                 const char *saved, char err[256]);

/* Is that file open?  If not, it is tried again, with what rights there are
 * now. */
bool gateway_may_save(struct gateway *gw);

/* Is nf_tables watched?  If not, it is tried again, with what rights there are
 * now. */
bool gateway_watches_tables(struct gateway *gw);

/* Everything is taken back, as far as the kernel lets us, first what makes
 * traffic pass; the file goes if all went well.  Before the first
 * gateway_sync() nothing is ours, and nothing is touched, not even what another
 * weir has left.  NULL is fine. */
void gateway_close(struct gateway *gw);

/* Readable when the kernel has something to tell: call gateway_drain(). */
int gateway_fd(const struct gateway *gw);

/* Reads what waits; never blocks.  true: something that may matter has changed
 * (and not by ourselves): look and sync. */
bool gateway_drain(struct gateway *gw);

/* *facts is written over, not freed: gateway_facts_free() does that.  A device
 * that has vanished is no error: its index and n_addrs are 0, its name stays.
 */
int gateway_look(struct gateway *gw, struct config_facts *facts, char err[256]);

/* Takes over what stands in the kernel; the first gateway_sync() does it else.
 * true: a killed predecessor has left it. */
bool gateway_begin(struct gateway *gw);

/* Which input rules the next gateway_sync() makes hold where weir is not asked.
 * => borrowed until the next call. */
void gateway_rules(struct gateway *gw, const struct ct_ruleset *rules);

/* tun: indices of weir's devices that are up, in the order of facts; 0: lost at
 * the moment.  Does what it can even if it answers -1, but without the rules it
 * makes the kernel no router; idempotent. */
int gateway_sync(struct gateway *gw, const struct config_facts *facts,
                 const uint32_t tun[], char err[256]);

/* Do packets get through?  facts: of the last gateway_look(). */
void gateway_check(struct gateway *gw, const struct config_facts *facts,
                   struct gateway_health *out);

/* Once a second, for what the kernel does not tell of: says in the log what the
 * guard has dropped.  true: something of ours is gone: look and sync. */
bool gateway_tend(struct gateway *gw);

/* Once a second: ports of clients' flows that the host's own connections past
 * weir have.  See gateway/guard/past.h. */
void gateway_clash(struct gateway *gw, struct netlink_clash *found);

#endif
