/* elsewhere.h - a packet that opens a flow opens it at one shard only
 *
 * The rule: a flow is opened here only if no other shard has it, none has
 * announced it, this shard owns it by today's steering, and no shard that is
 * behind owns it by its own.  Else the packet goes where the flow is, or is to
 * be, once.  See peers.h. */
#ifndef ELSEWHERE_H
#define ELSEWHERE_H

#include "core/core.h"

/* The shard that a packet without a flow here belongs to; this one: it may open
 * one.  expected: this shard has announced it.
 * => pkt->hash is that of pkt->tuple. */
uint32_t elsewhere_place(struct ct *ct, struct ct_pkt *pkt, bool expected);

/* Another shard that has this flow already, or CT_NONE. */
uint32_t elsewhere_find(struct ct *ct, const struct ct_tuple *t);

/* STOLEN, for that shard; or DROP, if it has been passed on before. */
enum ct_verdict elsewhere_pass(struct ct *ct, struct ct_pkt *pkt,
                               uint32_t shard);

/* A flow begins, or ends: do its packets come to another shard? */
void elsewhere_mark(struct ct *ct, struct ct_conn *c);
void elsewhere_unmark(struct ct *ct, struct ct_conn *c);

void elsewhere_steer(struct ct *ct, const struct ct_steer *steer);
/* Look at budget entries; false: there are more. */
bool elsewhere_count(struct ct *ct, uint32_t budget);

#endif
