/* netlink_forward.h - would the host's own packet filter drop what is
 * forwarded?
 *
 * Each base chain at the forward hook has its say: an accept in one does not
 * overrule another's drop.  The rules of each chain are followed for a packet
 * that comes by one device and leaves by another; those of iptables-legacy,
 * too, where xtables.h can see them. */
#ifndef NETLINK_FORWARD_H
#define NETLINK_FORWARD_H

#include <stdbool.h>
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

#define NETLINK_FORWARD_DOCKER "DOCKER-USER"

/* 0 or a negative errno; -EAGAIN: rules change all the time. */
int netlink_forward_look(const struct netlink_forward_question *question,
                         struct netlink_forward_found *found);

#endif
