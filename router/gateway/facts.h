/* facts.h - what the kernel says of gateway mode's devices */
#ifndef GATEWAY_FACTS_H
#define GATEWAY_FACTS_H

#include "config/config.h"
#include "kernel/netlink/netlink.h"

/* What a device is called of which only an address is known yet: none can be
 * called so. */
#define GATEWAY_FACTS_NONE "none/yet"

/* The devices chosen so far: names, "" at first.  A prefix that
 * fits several goes on meaning the one it meant. */
struct gateway_facts_choice {
    char name[CONFIG_DEVICES][16];
};

/* Writes over *facts and *choice.  all: each device must be there, unless the
 * configuration says to wait, and told apart; else one that is not there has
 * index 0 and no address.  0, or -1 with a sentence in err and *facts empty. */
int gateway_facts_look(struct netlink *nl, const struct config_gateway *want,
                       bool all, struct gateway_facts_choice *choice,
                       struct config_facts *facts, char err[256]);

void gateway_facts_free(struct config_facts *facts);
bool gateway_facts_equal(const struct config_facts *a,
                         const struct config_facts *b);

#endif
