/* plan.h - what is to stand in the kernel, made from facts alone
 *
 * Rules, the same for both families.  A: every global address of a device.
 * L, W: every one of an inside device, of an outside one.  IN, OUT, OWN, REPLY:
 * our tables.  "each": one rule for each device; a further one has a table by
 * itself, MORE and its number, in the place of IN or OUT.
 *
 * In front of all others, all of preference 0, asked in this order.  The kernel
 * puts a rule that is added without a preference one below the second one that
 * there is: below 0 there is nothing, so it stands behind all of these.
 *
 *    from each, marked by the guard         local      see
 * gateway/guard/guard.h from each, source A                    blackhole  ours
 * is never sent    from wan, to A                         OUT        replies;
 * forwards; what input rules are asked of from lan, to A IN         the same;
 * hairpin from here, to A, ICMP                  OUT        errors the kernel
 * makes about translated packets all                                    local
 * the kernel's, of 0 from lan                               IN from lan
 * unreachable from wan                               OUT from wan unreachable
 *
 * Behind the host's own rules, all of preference 32765, just before main; from
 * here: without a mark.
 *
 *    from each of weir's TUNs               main, but not by a TUN of ours: no
 *                                           route leads a packet in a circle
 *    from each of weir's TUNs               unreachable
 *    from here, to a group                  main       (IPv4; IPv6's are local)
 *    from here, source W                    OUT
 *    from here, source L                    REPLY
 *    from here                              main, but not by an outside device:
 *                                           by their group
 *    from here                              OWN
 *
 * then the kernel's own.  IN, OUT and MORE have a default route to the device's
 * TUN.  OUT and OWN, REPLY too, lead to wan's TUN, where weir hears the host,
 * whichever way its packets go on; from the first W where the sender has no
 * address yet: an error of the kernel's, say, which would bear lan's else. With
 * several devices outside OWN has main's routes by them, from the device's
 * first address each.  REPLY has what main reaches by inside devices.  All are
 * of scope global: a route that is entered without a device looks for its
 * gateway in one of scope link, and so not in these, but in main.  What is from
 * here only with a W.  Packets that weir writes into its TUNs are routed by
 * local, by the host's rules and by main as ever.
 *
 * If weir is killed, the TUNs vanish and their routes with them: A is local
 * again, the host's own traffic goes as ever, the devices reach unreachable:
 * nothing passes untranslated, and what comes for flows that weir knew gets no
 * answer (gateway/guard/silence.h).
 *
 * Because A is not local for a packet from a wire, ARP and ND would not be
 * answered: a proxy neighbour for each. */
#ifndef GATEWAY_PLAN_H
#define GATEWAY_PLAN_H

#include "config/config.h"
#include "kernel/netlink/neigh.h"
#include "kernel/netlink/route.h"
#include "kernel/netlink/rule.h"

enum {
    GATEWAY_PLAN_PROTOCOL = 119,  /* on all that is ours: RTPROT_*, free */
    GATEWAY_PLAN_IN = 0x77656901, /* tables: "wei" and a number */
    GATEWAY_PLAN_OUT = 0x77656902,
    GATEWAY_PLAN_OWN = 0x77656903,
    GATEWAY_PLAN_REPLY = 0x77656904,
    GATEWAY_PLAN_MORE = 0x77656910,  /* and the number of a further device */
    GATEWAY_PLAN_GROUP = 0x77656972, /* of outside devices, if none had one */
    GATEWAY_PLAN_TUNS = 0x77656973,  /* of weir's devices */
    GATEWAY_PLAN_MARK = 0x77650001,  /* of packets that are the host's */
    GATEWAY_PLAN_FRONT = 0,          /* preferences */
    GATEWAY_PLAN_BACK = 32765,
    GATEWAY_PLAN_TABLES = 4 + CONFIG_DEVICES - 2,
    GATEWAY_PLAN_MAX = 2560
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
    uint32_t tun[CONFIG_DEVICES]; /* indices; 0: not there */
    bool tun_ipv6[CONFIG_DEVICES];
    bool ipv6;      /* there is IPv6 to be planned at all */
    bool marked;    /* the guard stands and marks packets */
    uint32_t group; /* of outside devices; 0: not known */
};

struct gateway_plan {
    uint32_t n;
    struct gateway_object object[GATEWAY_PLAN_MAX];
};

/* In the order of adding: routes, neighbours, rules as above.  What is more
 * than GATEWAY_PLAN_MAX is left out. */
void gateway_plan_make(const struct gateway_plan_input *in,
                       struct gateway_plan *out);

bool gateway_plan_same(const struct gateway_object *a,
                       const struct gateway_object *b);

/* Does putting a take b away? */
bool gateway_plan_replaces(const struct gateway_object *a,
                           const struct gateway_object *b);

/* Each of our tables, by a number below GATEWAY_PLAN_TABLES. */
uint32_t gateway_plan_table(unsigned i);

uint8_t gateway_plan_family(const struct gateway_object *o);

/* The kernel's rule for the table local, as it is after boot. */
struct gateway_object gateway_plan_kernels_local(uint8_t family);

/* Is it a rule for the table local, without conditions? */
bool gateway_plan_is_local(const struct gateway_object *o);

#endif
