/* pace.h - the places of one turn, shared by all that walk a table
 *
 * However many clients walk, a turn of the loop looks at no more. */
#ifndef PACE_H
#define PACE_H

#include "http/request.h"

enum {
    PACE_TURN = 16384, /* places that all walks look at in one turn */
    PACE_LEAST = 64,   /* ... and one walk, however many there are */
    PACE_ROW = 16      /* writing a row costs as much as so many places */
};

void pace_begin(struct site *site, struct pace *p);
void pace_end(struct site *site);

/* Take n places out of this turn's share.  False: nothing is left of it. */
bool pace_take(struct site *site, struct pace *p, uint32_t n);

#endif
