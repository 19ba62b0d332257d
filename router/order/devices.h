/* devices.h - whom the privileged process may touch
 *
 * The names are given at the start, by the configuration.  Their numbers are
 * looked for at each order: devices come and go, and are given other names. */
#ifndef ORDER_DEVICES_H
#define ORDER_DEVICES_H

#include "kernel/netlink/netlink.h"

#include <ctcore/types.h>

enum { ORDER_DEVICES_KNOWN = 64, ORDER_DEVICES_TEXT = 64 };

struct order_limits {
    bool gateway;
    uint32_t n_tuns;
    char tun[CT_MAX_IFACES][16]; /* weir's devices */
    /* Without gateway mode: what the kernel's side of each may be given. */
    struct order_address {
        bool set;
        uint8_t family, len;
        union ct_addr addr;
    } address[CT_MAX_IFACES];
    /* The gateway's devices, each beside the TUN of that number: a name, a
     * prefix or an address; "": none. */
    char device[CT_MAX_IFACES][ORDER_DEVICES_TEXT];
    /* Those whose settings a predecessor has left to be given back. */
    uint32_t n_left;
    char left[ORDER_DEVICES_KNOWN][16];
};

/* Numbers as they are now; 0: not there. */
struct order_devices {
    uint32_t tun[CT_MAX_IFACES], now[CT_MAX_IFACES]; /* now: of device */
    /* Each that was one of the gateway's since the start, or was left by a
     * predecessor, with the name it has or had: what was changed is given back.
     */
    uint32_t n_known;
    struct order_device {
        uint32_t index;
        uint32_t beside; /* which TUN; CT_MAX_IFACES: left */
        char name[16];
    } known[ORDER_DEVICES_KNOWN];
};

/* What a predecessor has left; once, at the start. */
void order_devices_begin(struct order_devices *devices,
                         const struct order_limits *limits, struct netlink *nl);

/* Look again.  What is known stays known. */
void order_devices_find(struct order_devices *devices,
                        const struct order_limits *limits, struct netlink *nl);

/* By its number, or, if that is 0, by its name: NULL, it is not known. */
const struct order_device *order_devices_known(const struct order_devices *all,
                                               uint32_t index,
                                               const char *name);

/* Is one of weir's called so? */
bool order_devices_named(const struct order_limits *limits, const char *name);

/* Which of weir's it is, or -1. */
int order_devices_tun(const struct order_devices *all, uint32_t index);

#endif
