/* input.h - input rules where weir is not asked
 *
 * What is sent to a link-local, multicast or broadcast address of the host
 * never comes to weir, for no routing rule leads it there.  Table "weir_input"
 * of nf_tables asks the same input rules of it.  To all of them it is the first
 * packet of a flow that has no status, mark, label or zone.  Whatever they say
 * it accepts what keeps a link alive:
 *
 *    ND (ICMPv6 133 to 137), MLD and IGMP
 *    DHCP's and DHCPv6's answers to the host as a client, by outside devices
 *
 * What comes to the addresses that weir serves is not its matter: weir has been
 * asked, or is dead.  A rule with a limit, connlimit or with more than 32
 * ranges of one kind is left out.  Private to guard.c. */
#ifndef GATEWAY_INPUT_H
#define GATEWAY_INPUT_H

#include "gateway/guard/table.h"

#define GATEWAY_INPUT_TABLE "weir_input"

/* Is there something to be refused at all? */
bool gateway_input_refuses(const struct ct_ruleset *rules);

/* mark: of what is accepted unasked.  outside: a bit for each device.  Answers
 * how many rules it has left out. */
uint32_t gateway_input_put(struct netlink_nft *b,
                           const struct gateway_table_key *k,
                           const struct ct_ruleset *rules, uint32_t mark,
                           unsigned outside);

#endif
