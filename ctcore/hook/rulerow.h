/* rulerow.h - the rows of the hook table that ask the rules
 *
 * One row a stage, but for NAT's, which natask.h asks.  A rule that a packet
 * meets is counted; then its action is done. */
#ifndef RULEROW_H
#define RULEROW_H

#include "core/core.h"

/* PREROUTING and OUTPUT, -300: notrack, zone, helper. */
enum ct_verdict rulerow_raw(void *ctx, struct ct *ct, struct ct_pkt *pkt);
/* Right behind conntrack: the flow's labels, for the rules that ask. */
enum ct_verdict rulerow_labels(void *ctx, struct ct *ct, struct ct_pkt *pkt);
/* What alters the packet or its flow. */
enum ct_verdict rulerow_mangle(void *ctx, struct ct *ct, struct ct_pkt *pkt);
/* Verdicts, and the policy of the hook. */
enum ct_verdict rulerow_filter(void *ctx, struct ct *ct, struct ct_pkt *pkt);

#endif
