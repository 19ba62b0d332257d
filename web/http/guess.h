/* guess.h - wrong tokens: counted, slowed down, logged at a bounded rate */
#ifndef GUESS_H
#define GUESS_H

#include "http/request.h"

enum {
    GUESS_BURST = 10, /* answered at once; then as many a second */
    GUESS_PER_S = 10,
    GUESS_WAIT_MS = 1000, /* what the others wait for their answer */
    GUESS_LOG_MS = 10000  /* between two lines of the log */
};

/* May the answer to a wrong token be given at once?  now: loop time in ms. */
bool guess_may_pass(struct guesses *g, uint64_t now);

/* Answer 401.  shown: a token was there, but a wrong one.  A right token is
 * never asked to wait, wherever it comes from: many users may share one
 * address. */
enum MHD_Result guess_refuse(struct request *r, bool shown);

#endif
