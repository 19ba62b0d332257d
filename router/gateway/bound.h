/* bound.h - which ports the host's own sockets have
 *
 * No flow is hidden behind them, so that nothing meant for a listener of the
 * host is ever taken for an answer to a client.
 *
 * A socket counts if what comes to one of the gateway's devices could be for
 * it: one of any address or of theirs, TCP when it listens, UDP when it has no
 * peer.  Sockets that others than root have made get half of the ports of each
 * worker at most, those that had theirs before first.
 *
 * Who binds a port that clients' flows have gets it after a while: these end.
 * Only where others than root have few, so that they can't end flows as they
 * like. */
#ifndef BOUND_H
#define BOUND_H

#include "config/config.h"
#include "journey/talks.h"
#include "kernel/netlink/sockets.h"

enum {
    BOUND_PORTS = 64512, /* 1024 to 65535 */
    BOUND_WARN = BOUND_PORTS / 4,
    BOUND_ROUND = 3, /* calls until what stays bound is taken */
    BOUND_FEW = 64
};

/* Of one protocol.  reserved and taken are read by workers: see ct.h. */
struct bound {
    struct ct_reserved reserved, taken;
    uint64_t settled[1024], seen[1024]; /* bound long; at the last round */
    uint32_t calls;
    uint32_t ports, left_out; /* of sockets; not reserved, since too many */
};

struct bound_question {
    struct netlink *diag; /* kernel/netlink/sockets.h; NULL: the text is read */
    const char *folder;   /* /proc/net: tcp, tcp6; a line for each socket */
    uint8_t proto;        /* TCP or UDP */
    const struct config_facts *facts; /* whose addresses; NULL: all count */
    const struct ct_number_range *ranges;
    uint32_t n_ranges; /* reserved by the configuration */
    uint32_t workers;  /* among whom ports are shared out by their rest */
    /* Ports that are to be taken at once. */
    const uint16_t *now;
    uint32_t n_now;
};

/* Look again, once a second.  A table that can't be read (no IPv6) counts as
 * empty; with sock_diag 10,000 connections cost nothing, with text 50 ms.  May
 * be called while workers read. */
void bound_update(struct bound *b, const struct bound_question *q);

/* Add these ports; clears none. */
void bound_join(struct ct_reserved *set, const uint64_t word[1024]);

/* Add the ports of all sockets without a peer, whatever they do, and all
 * connections, which are to be sorted.  Clears none.  Without memory for a
 * connection, its port is added. */
void bound_add(struct ct_reserved *set, struct talks *talks,
               struct netlink *diag, const char *folder, uint8_t proto);

#endif
