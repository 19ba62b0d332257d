/* journey.h - what happens to a packet between the hooks
 *
 * parse -> PREROUTING -> own address? INPUT and an answer : TTL, route, FORWARD
 * -> POSTROUTING -> fits the next link? -> last check -> tx.
 *
 * Knows no device, no loop and no thread: the worker, replay, the scenario
 * tests and the judge all walk the same way.  One journey a shard. */
#ifndef JOURNEY_H
#define JOURNEY_H

#include "journey/fib.h"
#include "journey/setup.h"

struct journey;

struct journey *journey_new(const struct journey_config *config);
void journey_free(struct journey *j);

/* Borrowed until the next call. */
void journey_set_fib(struct journey *j, const struct fib *fib);
/* Copied.  addr: the router's own addresses, which it answers for. */
void journey_set_ifaces(struct journey *j, const struct ct_ifaces *ifaces,
                        const struct journey_iface *more);

/* Walk n packets that arrived together.  Each ends sent, answered, held or
 * dropped, and is counted so: in = forwarded + local + drops + held +
 * frags_merged, over all shards.  One with frag_max is a datagram that another
 * journey has put together: its fragments were counted as they came.  One that
 * is passed was counted there, too, and goes on where that journey stopped. */
void journey_batch(struct journey *j, struct ct_pkt *pkts[], unsigned n,
                   ct_time now);

/* A packet that a hook held (the copy of it) comes back, with a verdict as for
 * ct_resume(), and its journey goes on where it was held.  By interfaces and
 * routes of now. */
void journey_resume(struct journey *j, struct ct_pkt *pkt,
                    enum ct_verdict verdict, ct_time now);

/* Time passes without packets: call it when ct_tick() is.  False: there is
 * more, call it again soon. */
bool journey_tick(struct journey *j, ct_time now);

#endif
