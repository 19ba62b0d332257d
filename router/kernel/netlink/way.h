/* way.h - ways that packets are forwarded, and what a packet filter does there
 */
#ifndef NETLINK_WAY_H
#define NETLINK_WAY_H

#include <stdint.h>

enum { NETLINK_FORWARD_WAYS = 16 };

/* Plain bytes: it goes as it is to the process that may ask. */
struct netlink_forward_question {
    struct netlink_forward_way {
        char in[16], out[16];
        uint32_t in_index, out_index;
        uint32_t answers;        /* 1: answers alone go this way */
    } way[NETLINK_FORWARD_WAYS]; /* in "": no more */
    uint32_t ipv6;    /* 1: chains that see IPv6 alone are asked, too */
    uint32_t notrack; /* 1: the kernel's conntrack leaves it alone */
};

enum netlink_forward_verdict {
    NETLINK_FORWARD_PASSES,
    NETLINK_FORWARD_UNSURE, /* some of it, by what is not followed here */
    NETLINK_FORWARD_DROPS
};

struct netlink_forward_found {
    uint32_t verdict; /* the worst; PASSES: nothing else is set */
    uint8_t family;   /* of the table: NFPROTO_* */
    uint8_t docker;   /* 1: the chain goes on to dockerd's for others' rules */
    uint8_t legacy;   /* 1: of iptables-legacy */
    char table[32], chain[64];
    char in[16], out[16]; /* what does not pass */
};

#endif
