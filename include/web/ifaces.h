/* ifaces.h - the interfaces that are routed between
 *
 * How such a struct of functions is used: see sources.h. */
#ifndef WEB_IFACES_H
#define WEB_IFACES_H

#include <stdbool.h>
#include <stdint.h>

/* Its strings are borrowed until the loop's next turn. */
struct web_iface {
    const char *name, *tun;
    const char *state; /* "up", "down", "degraded", "unknown" */
    uint16_t mtu;
    uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes; /* of all shards */
    uint64_t rx_errors, tx_errors; /* read and write failures */
    bool device_known;             /* dev_dropped can be read */
    uint64_t dev_dropped;          /* the device's own tx_dropped */
};

struct web_ifaces {
    void *ctx;

    uint32_t (*n)(void *ctx); /* never changes */
    /* i: below n().  The kernel is asked; when that fails the state is
     * "unknown", and the rest is told all the same. */
    void (*read)(void *ctx, uint32_t i, struct web_iface *out);
};

#endif
