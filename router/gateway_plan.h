/* gateway_plan.h - what is to stand in the kernel, made from facts alone
 *
 * Rules, the same for both families.  A: every global address of lan or wan.
 * W: every one of wan.  IN, OUT, OWN: our tables.  Lower preferences first:
 *
 *    1  from wan, source A               blackhole  ours is sent by nobody else
 *    2  from lan, source A               blackhole
 *    3  from wan, to A                   OUT        replies; forwards; what
 *                                                   input rules are asked of
 *    4  from lan, to W                   IN         hairpin
 *    5  from here, to W, ICMP            OUT        errors the kernel makes
 *                                                   about translated packets
 *    6                                   local      the kernel's, of 0
 *    7  from lan                         IN
 *    8  from lan                         unreachable
 *    9  from wan                         OUT
 *   10  from wan                         unreachable
 *   11  from here, to a group            main       (IPv4; IPv6's are local)
 *   12  from here, source W              OUT
 *   13  from here      main, but not by wan's device: by its group
 *   14  from here                        OWN
 *
 * then the kernel's own.  IN is a default route to the inside TUN, OUT and OWN
 * to the outside TUN, from the first W where the sender has no address yet: an
 * error of the kernel's by 5, say, which would bear lan's else.  5, 11 to 14
 * and OWN only with a W.  Packets that weir writes into the TUN pair come from
 * no device named here: they are routed by local and main as ever.
 *
 * If weir is killed, the TUN pair vanishes and its routes with it: W is local
 * again, the host's own traffic goes as ever, lan and wan reach unreachable:
 * nothing passes untranslated.
 *
 * Because W is not local for a packet from wan, ARP and ND would not be
 * answered: a proxy neighbour for each W. */
#ifndef GATEWAY_PLAN_H
#define GATEWAY_PLAN_H

#include "config.h"
#include "netlink_neigh.h"
#include "netlink_route.h"
#include "netlink_rule.h"

enum {
    GATEWAY_PLAN_PROTOCOL = 119,  /* on all that is ours: RTPROT_*, free */
    GATEWAY_PLAN_IN = 0x77656901, /* tables: "wei" and a number */
    GATEWAY_PLAN_OUT = 0x77656902,
    GATEWAY_PLAN_OWN = 0x77656903,
    GATEWAY_PLAN_GROUP = 0x77656972, /* of wan's device, if it had none */
    GATEWAY_PLAN_MAX = 160
};

struct gateway_object {
    enum gateway_object_kind {
        GATEWAY_ROUTE,
        GATEWAY_NEIGH,
        GATEWAY_RULE
    } kind;
    union {
        struct netlink_route route;
        struct netlink_neigh neigh;
        struct netlink_rule rule;
    } u; /* all bytes set */
};

struct gateway_plan_input {
    const struct config_facts *facts;
    uint32_t tun[2]; /* indices, lan and wan; 0: not there */
    bool tun_ipv6[2];
    bool ipv6;      /* there is IPv6 to be planned at all */
    uint32_t group; /* of wan's device; 0: not known */
};

struct gateway_plan {
    uint32_t n;
    struct gateway_object object[GATEWAY_PLAN_MAX];
};

/* In the order of adding: routes, neighbours, rules as above. */
void gateway_plan_make(const struct gateway_plan_input *in,
                       struct gateway_plan *out);

bool gateway_plan_same(const struct gateway_object *a,
                       const struct gateway_object *b);

/* Does putting a take b away? */
bool gateway_plan_replaces(const struct gateway_object *a,
                           const struct gateway_object *b);

uint8_t gateway_plan_family(const struct gateway_object *o);

/* The kernel's rule for the table local, as it is after boot. */
struct gateway_object gateway_plan_kernels_local(uint8_t family);

/* Is it a rule for the table local, without conditions? */
bool gateway_plan_is_local(const struct gateway_object *o);

#endif
