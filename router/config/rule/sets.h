/* sets.h - sets of addresses, named ones and those within a rule */
#ifndef CONFIG_SETS_H
#define CONFIG_SETS_H

#include "config/read.h"

/* The key "sets"; into is not used: they go to r->memory. */
void config_sets_read(struct config_read *r, json_t *v, void *into);

/* src or dst of a rule: an address, a prefix, a range, the name of a set or of
 * an interface (all of its addresses; a set of that name goes first), or a
 * list of these; a leading ! negates.  It is about
 * both families if an interface is named whose addresses the kernel gives.
 * False when failed. */
bool config_sets_match(struct config_read *r, json_t *v,
                       struct ct_addr_set *out);

/* The prefix that s says, addr with nothing set behind len.  False when it is
 * not so, and failed. */
bool config_sets_span(struct config_read *r, const char *s,
                      const union ct_addr *addr, uint8_t family, uint8_t len,
                      struct ct_addr_range *span);

/* The addresses of an interface. */
void config_sets_own(struct config_read *r, uint32_t ifaces,
                     struct ct_addr_set *out);

/* The families it can match: bit 0 IPv4, bit 1 IPv6. */
unsigned config_sets_families(const struct ct_addr_set *set);

#endif
