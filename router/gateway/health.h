/* health.h - do packets get through the gateway's devices? */
#ifndef GATEWAY_HEALTH_H
#define GATEWAY_HEALTH_H

#include "config/config.h"
#include "kernel/netlink/netlink.h"
#include "system/health.h"

/* One answer; level HEALTH_OK: text is "". */
struct gateway_finding {
    enum health_level level;
    char text[HEALTH_ROOM];
};

struct gateway_health {
    struct gateway_finding device[CONFIG_DEVICES], address[CONFIG_DEVICES];
    struct gateway_finding route;   /* out by wan */
    struct gateway_finding back;    /* routes into weir's own devices */
    struct gateway_finding forward; /* by the host's own firewall */
};

/* What was seen before: a thing that was there and is gone is a fault, one that
 * never was there may be meant so. */
struct gateway_health_memory {
    /* Of the devices, when they were last there. */
    uint32_t index[CONFIG_DEVICES];
    bool ipv4[CONFIG_DEVICES]; /* an outside one had an IPv4 address */
    bool route[CT_IPV6 + 1];   /* a default route led out by wan, by family */
};

/* tun_wan: weir's outside TUN, where its packets come from; 0: not there. */
void gateway_health_look(struct netlink *nl, const struct config_gateway *want,
                         const struct config_facts *facts, uint32_t tun_wan,
                         struct gateway_health_memory *memory,
                         struct gateway_health *out);

/* Main table's routes that lead into weir's TUNs (0: not there), so that what
 * is for them goes nowhere.  All of them are listed: for when routes may have
 * changed.  false: they changed meanwhile. */
bool gateway_health_back(struct netlink *nl, const struct config_facts *facts,
                         const uint32_t tun[], struct gateway_finding *out);

#endif
