/* hooks.h - THE TABLE: a packet's whole journey on one page
 *
 * Five hook points, at each the rows in order of priority.  Conntrack, NAT and
 * the rules are rows like any other; ct_register_hook() adds more. */
#ifndef HOOKS_H
#define HOOKS_H

#include "core.h"

/* Enter the rows of the core itself. */
void hooks_init(struct ct *ct);

/* Choose the rows that are walked: not those of rule stages without rules. */
void hooks_choose(struct ct *ct);

/* Walk the rows of pkt->hook, from that one on. */
enum ct_verdict hooks_walk(struct ct *ct, struct ct_pkt *pkt, uint8_t from);

#endif
