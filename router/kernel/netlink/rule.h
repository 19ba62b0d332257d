/* rule.h - the kernel's routing rules (ip-rule(8)) */
#ifndef NETLINK_RULE_H
#define NETLINK_RULE_H

#include "kernel/netlink/netlink.h"

#include <assert.h>

struct nlmsghdr;

enum netlink_rule_action {
    NETLINK_LOOKUP,
    NETLINK_BLACKHOLE,
    NETLINK_UNREACHABLE,
    NETLINK_OTHER /* one we have no use for */
};

/* All bytes of what is not set are 0: two that are the same are so by
 * memcmp(). */
struct netlink_rule {
    union ct_addr src, dst; /* if src_len, dst_len */
    uint32_t pref, table;
    uint32_t not_group; /* a route by a device of that group doesn't count; 0:
                           all do (group 0 is every device's at first) */
    uint32_t mark, mark_mask; /* of the packet; mask 0: any */
    char iif[16];             /* "": any; "lo": what is sent from here */
    uint8_t family, src_len, dst_len;
    uint8_t action;     /* enum netlink_rule_action */
    uint8_t ip_proto;   /* 0: any */
    uint8_t protocol;   /* whose it is: RTPROT_* */
    uint8_t conditions; /* 1: has some we have no use for */
    uint8_t rest[5];
};
static_assert(sizeof(struct netlink_rule) == 80, "no padding");

/* Any rule as the kernel tells it, with all that it has. */
struct netlink_rule_told {
    uint32_t len; /* 0: too long to be kept */
    _Alignas(8) unsigned char bytes[512];
};

typedef void netlink_rule_fn(void *ctx, const struct netlink_rule *rule,
                             const struct netlink_rule_told *told);

/* Every rule of a family, as they are asked.  0 or a negative errno, as all
 * below; -EAFNOSUPPORT: no such family, or no rules in it, in this kernel;
 * -EAGAIN: they changed meanwhile. */
int netlink_rule_each(struct netlink *nl, uint8_t family, netlink_rule_fn *fn,
                      void *ctx);

/* One that is there already is fine. */
int netlink_rule_put(struct netlink *nl, const struct netlink_rule *rule);

/* Behind all others of its preference, even if the same is there already. */
int netlink_rule_append(struct netlink *nl, const struct netlink_rule *rule);

/* The same rule behind all others of preference pref, in place of the first one
 * like it.  At no moment is there none. */
int netlink_rule_move(struct netlink *nl, const struct netlink_rule_told *told,
                      uint32_t pref);

/* How many rules there are like the one of that message, but for their
 * preference; first: of preference 0.  0 or a negative errno. */
int netlink_rule_count(struct netlink *nl, const struct nlmsghdr *rule,
                       uint32_t *there, uint32_t *first);

/* The first one that has all that rule has, though it may have more.  One that
 * isn't there: -ENOENT. */
int netlink_rule_delete(struct netlink *nl, const struct netlink_rule *rule);

#endif
