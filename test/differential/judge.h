/* judge.h - the same packets through the kernel and through weir
 *
 * Both routers have the addresses of world.h, profile linux, and rules that
 * say the same.  A step is one packet, put into both; a difference is anything
 * that leaves by another side, or reads otherwise, or a flow whose state,
 * status or time is another.  What both may choose (the port of a flow whose
 * own port was taken) is compared by class: kept, or another.
 *
 * The rules beyond masquerade are those that make the two comparable: INVALID
 * packets for the router itself are dropped by both (the kernel's own sockets
 * would answer some), and on the kernel's side whatever would leave by wan with
 * an inside source is dropped, as weir does it by itself. */
#ifndef JUDGE_H
#define JUDGE_H

#include "differences.def"
#include "kernel.h"
#include "talk.h"

enum judge_difference {
#define D(id, kernel, weir, why) JUDGE_##id,
    JUDGE_DIFFERENCES(D)
#undef D
        JUDGE_N_DIFFERENCES
};

struct judge;

/* NULL, and why in err. */
struct judge *judge_open(char err[256]);
void judge_close(struct judge *j);

/* Play a talk on both, beginning with empty tables.  steps: which of its steps
 * are played.  True: no difference; else report says what, at which step.
 * => report is whole lines. */
bool judge_talk(struct judge *j, const struct talk *t, const bool *steps,
                char *report, size_t room);

/* How often a stated difference ended a talk early: what follows it can't be
 * compared. */
uint64_t judge_stated(const struct judge *j, enum judge_difference d);
const char *judge_difference_name(enum judge_difference d);

/* Both tables as they stand after the last talk, for people. */
void judge_print(struct judge *j);

#endif
