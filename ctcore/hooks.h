/* hooks.h - THE TABLE: a packet's whole journey on one page
 *
 * Five hook points, at each the rows in order of priority.  Conntrack, NAT and
 * the rules are rows like any other; ct_register_hook() adds more. */
#ifndef HOOKS_H
#define HOOKS_H

#include "core/core.h"

/* Enter the rows of the core itself. */
void hooks_init(struct ct *ct);

/* Choose the rows that are walked: not those of rule stages without rules. */
void hooks_choose(struct ct *ct);
/* The same for other rules than before. */
void hooks_rules(struct ct *ct);

/* Walk rows of pkt->hook, from that one on. */
enum ct_verdict hooks_walk(struct ct *ct, struct ct_pkt *pkt,
                           const struct hook_live *live);

/* Where to go on with a packet that was held: at its row, or behind it. */
const struct hook_live *hooks_from(const struct ct *ct,
                                   const struct ct_pkt *pkt, bool behind);

/* A row dropped it: for what it said, unless that is nothing, or why conntrack
 * called the packet INVALID. */
enum ct_verdict hooks_drop(struct ct *ct, struct ct_pkt *pkt,
                           enum ct_reason unless);

/* STOP was said: of the rows from live on only those are asked of which THE
 * TABLE says so.  They answer ACCEPT, or DROP. */
enum ct_verdict hooks_stop(struct ct *ct, struct ct_pkt *pkt,
                           const struct hook_live *live);

#endif
