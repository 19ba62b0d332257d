/* talk_impl.h - what the writers of conversations share */
#ifndef TALK_IMPL_H
#define TALK_IMPL_H

#include "talk.h"

/* One end of a TCP connection: what it sends next, and what it has got. */
struct talk_end {
    uint32_t nxt, got;
    bool syn, fin, rst;
};

/* One of an SCTP association: its own tag, the other's as it learnt it, and
 * what it has said. */
struct talk_peer {
    uint32_t tag, other;
    uint8_t phase;
};

struct talk_writer {
    uint64_t chance;
    struct talk *talk;
    struct talk_end end[TALK_FLOWS][2];
    struct talk_peer peer[TALK_FLOWS][2];
    unsigned sent[TALK_FLOWS][2]; /* datagrams */
};

unsigned talk_below(uint64_t *chance, unsigned n);
bool talk_chance(uint64_t *chance, unsigned percent);

/* A plain step, to be filled in. */
struct talk_step *talk_add(struct talk_writer *w, unsigned flow, bool reply);
/* The last step of that side once more. */
void talk_repeat(struct talk_writer *w, unsigned flow, bool reply);

/* The next packet of an SCTP association, if that side has anything to say. */
void talk_sctp(struct talk_writer *w, unsigned flow, bool reply);

#endif
