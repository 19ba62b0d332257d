/* answer.h - packets that the router makes itself */
#ifndef ANSWER_H
#define ANSWER_H

#include "journey/walk.h"

/* An ICMP or ICMPv6 error, by what it means. */
enum answer_error {
    ANSWER_TTL,
    ANSWER_NO_ROUTE,
    ANSWER_TOO_BIG,
    ANSWER_NO_PORT,
    ANSWER_NO_PROTOCOL,
    ANSWER_ADMIN,
    ANSWER_HOST,
    ANSWER_REASSEMBLY,
    ANSWER_FRAG_TOO_LONG /* IPv6 only */
};

/* Tell the sender of pkt, if his address may be told anything now.  The error
 * bears the address of the interface pkt came by, or, if pkt was for the router
 * itself, the one it was sent to.
 * detail: the MTU of TOO_BIG, where FRAG_TOO_LONG points to, else 0. */
void answer_error(struct journey *j, const struct ct_pkt *pkt,
                  enum answer_error error, uint32_t detail);

/* As the rule that rejected pkt asks. */
void answer_reject(struct journey *j, struct ct_pkt *pkt);

/* Will answer_echo() and answer_local() say nothing about pkt, whatever it is,
 * for its sender is a stranger? */
bool answer_is_silent(const struct journey *j, const struct ct_pkt *pkt);

/* pkt was addressed to the router: answer it as a host without any service. */
void answer_local(struct journey *j, struct ct_pkt *pkt);

/* Turn an echo request into its reply and send that, if its sender can be
 * answered; the request's ct_done() is done here.  False: it is none. */
bool answer_echo(struct journey *j, struct ct_pkt *pkt);

/* One of these was held and comes back: v is what ct_resume() said.  It goes on
 * where it was held, and is counted. */
void answer_resume(struct journey *j, struct ct_pkt *pkt, enum ct_verdict v);

#endif
