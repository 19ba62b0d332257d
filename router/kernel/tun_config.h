/* tun_config.h - a TUN device as it is wanted */
#ifndef TUN_CONFIG_H
#define TUN_CONFIG_H

#include <ctcore/types.h>

#include <stdbool.h>
#include <stdint.h>

struct tun_config {
    const char *name; /* of the device */
    uint16_t mtu;
    bool plain; /* no offloads: the kernel cuts and sums before it hands over */
    unsigned queues;
    bool address_set; /* the kernel's own address on it */
    uint8_t family, prefix;
    union ct_addr address;
};

#endif
