/* natask.h - what do the rules want done to a flow's addresses?
 *
 * Asked of a flow's first packet, and again where an answer may have changed.
 * The rules of a hook are one list: what stands before a translation and
 * accepts the packet, or says that it is not to be translated, has the last
 * word, for that hook. */
#ifndef NATASK_H
#define NATASK_H

#include "hook/rulewalk.h"

/* A question.  Where facts are unknown the rules may give several answers, one
 * after the other, and the last is sure. */
struct natask {
    const struct ruleset_unknown *unknown; /* NULL: a first packet's question,
                                              one answer */
    bool count;                            /* the rules that it meets */
    bool begun, hairpin;
    struct rulewalk rules, accepts; /* where it goes on */
};

/* What the rules of now want done to one side of a flow. */
struct natask_answer {
    struct ct_nat_range range;
    bool found;  /* else nothing: a null binding */
    bool sure;   /* there is no other answer */
    uint8_t by;  /* interface whose address hides it, or CT_NO_IFACE */
    uint8_t way; /* where a hairpin's inside end is, or CT_NO_IFACE */
};

/* The next answer.  pkt: as a first packet stands at its hook, and its flow.
 * NONE, or NO_ADDRESS. */
enum ct_reason natask_side(struct ct *ct, struct ct_pkt *pkt,
                           enum mangle_side side, struct natask *ask,
                           struct natask_answer *a);

/* May a rule of this hook hide the source of pkt, which has no entry, or of the
 * flow that pkt is an ICMP error about?
 *
 * Unknown are: what conntrack would say of the packet, what only the first
 * packet of its flow had, and the destination where a rule may translate it.  A
 * rule that asks one of these may hide the source, and exempts nothing.  The
 * exception is a rule that names the state `invalid`. */
bool natask_is_hidden(struct ct *ct, const struct ct_pkt *pkt);

#endif
