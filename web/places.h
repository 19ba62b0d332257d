/* places.h - the connections of a server by address, and which of them goes
 * when another client needs its place
 *
 * One that idles, of the address that has most of them, that has waited
 * longest: so idle clients lock out nobody, also where all come from one
 * address (a published port of Docker). */
#ifndef PLACES_H
#define PLACES_H

#include "conn.h"

enum { PLACES_ADDRESSES = 1024 }; /* counts by a hash of the address */

struct places {
    unsigned n;
    uint16_t by_address[PLACES_ADDRESSES];
};

void places_take(struct places *p, const struct conn *c);
void places_give(struct places *p, const struct conn *c);

/* Of the list that begins with first; NULL: none may be closed. */
struct conn *places_worst(const struct places *p, struct conn *first);

#endif
