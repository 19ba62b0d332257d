/* rules.h - what a rule of nf_tables does with what is forwarded */
#ifndef NETLINK_RULES_H
#define NETLINK_RULES_H

#include "kernel/netlink/way.h"

#include <libmnl/libmnl.h>

enum netlink_rules_match {
    NETLINK_RULES_NOT,
    NETLINK_RULES_PART, /* or not known */
    NETLINK_RULES_ALL
};

enum netlink_rules_verdict {
    NETLINK_RULES_GOES_ON,
    NETLINK_RULES_ACCEPT,
    NETLINK_RULES_DROP,
    NETLINK_RULES_RETURN,
    NETLINK_RULES_JUMP,
    NETLINK_RULES_GOTO,
    NETLINK_RULES_UNKNOWN
};

struct netlink_rules_step {
    enum netlink_rules_verdict verdict;
    enum netlink_rules_match match[NETLINK_FORWARD_WAYS];
    char target[64]; /* of a jump */
};

/* By type of attribute; what is not there is NULL. */
enum { NETLINK_RULES_ATTRS = 16 };
struct netlink_rules_attrs {
    const struct nlattr *at[NETLINK_RULES_ATTRS];
};
int netlink_rules_gather(const struct nlattr *a, void *attrs);

/* expressions: NFTA_RULE_EXPRESSIONS. */
void netlink_rules_read(const struct nlattr *expressions,
                        const struct netlink_forward_question *question,
                        struct netlink_rules_step *step);

#endif
