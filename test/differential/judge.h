/* judge.h - random conversations through the kernel and through weir
 *
 * A step is one packet, put into both; a difference is anything that leaves by
 * another side, or reads otherwise, or a flow whose state, status or time is
 * another.  What both may choose (the port of a flow whose own port was taken)
 * is compared by class: kept, or another. */
#ifndef JUDGE_H
#define JUDGE_H

#include "pair.h"
#include "talk.h"

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
uint64_t judge_stated(const struct judge *j, enum pair_difference d);

/* Both tables as they stand after the last talk, for people. */
void judge_print(struct judge *j);

#endif
