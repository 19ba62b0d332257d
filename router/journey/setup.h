/* setup.h - what a journey is given */
#ifndef JOURNEY_SETUP_H
#define JOURNEY_SETUP_H

#include "journey/talks.h"

#include <ctcore/ct.h>

struct journey_iface {
    uint16_t mtu;
    bool usable; /* false: packets for it are dropped as TX_LINK_DOWN */
    bool plain;  /* no offloads: the writer cuts and sums, see offload.h */
};

/* Gateway mode, soon after a start that follows a kill: what is not for the
 * host, since it has no such connection and no socket that takes what comes to
 * that port, may be of a flow that is not known any more, and gets no answer.
 * Clients' flows and the host's connections may have the same ports towards
 * different servers. */
struct journey_lost {
    uint64_t until_tcp, until_udp; /* ms; 0: it follows none */
    struct ct_reserved tcp, udp;   /* ports of sockets that have no peer */
    const struct talks *talks;     /* the host's connections; NULL: none */
};

struct journey_config {
    struct ct *ct;
    uint64_t seed;    /* of IP ids, jitter */
    uint32_t workers; /* journeys that are one router together; 0: one */
    /* Send it; pkt->data is borrowed for the call, headroom before it is there
     * for a link header.  NONE: sent.  TX_LINK_DOWN, TX_ERROR: lost, and the
     * journey counts it. */
    enum ct_reason (*tx)(void *ctx, struct ct_pkt *pkt);
    /* Gateway mode: the router's addresses are the kernel's, which answers for
     * them, and takes the hops; its own packets come by the outside
     * interface.  See host.h. */
    bool host;
    /* Borrowed for good; written by another thread, word by word; or NULL. */
    const struct journey_lost *lost;
    /* A packet for the router itself that the journey has no answer for; may
     * be NULL.  Tests use it.  True: taken, no answer. */
    bool (*local)(void *ctx, struct ct_pkt *pkt);
    /* A datagram that was put together here, parsed: true if it belongs to
     * another shard and was taken (copied), or dropped and counted.  NULL: all
     * are this shard's. */
    bool (*steer)(void *ctx, struct ct_pkt *pkt);
    /* The flow of this packet is shard's: a copy of packet and bytes is to come
     * to that shard's journey_batch(), pkt->passed set.  False: no room, and
     * it is dropped here.  NULL: there is one shard. */
    bool (*pass)(void *ctx, struct ct_pkt *pkt, uint32_t shard);
    /* Told of every drop; may be NULL. */
    void (*dropped)(void *ctx, const struct ct_pkt *pkt);
    void *ctx;
};

#endif
