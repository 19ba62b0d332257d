/* places.h - which connection gives up its place, and which has its turn
 *
 * Addresses share first: the address with the most connections gives one up.
 * Where all clients have one address (127.0.0.1, a published port of Docker)
 * the places go round: a connection that has had an answer, or sends no
 * request, makes way for one that waits for its first answer. */
#ifndef PLACES_H
#define PLACES_H

#include "http/conn.h"

enum {
    PLACES_ADDRESSES = 1024, /* counts by a hash of the address */
    PLACES_MS = 1000         /* in which a client should ask, or read */
};

struct places {
    unsigned n;
    uint16_t by_address[PLACES_ADDRESSES];
};

void places_take(struct places *p, const struct conn *c);
void places_give(struct places *p, const struct conn *c);

/* The connection that makes way for a new client, of the list that begins with
 * first, at loop time now.  NULL: none can.  Without any the address with the
 * most connections gives one up or no address does; a place is soon free if
 * requests of that address are being answered. */
struct conn *places_worst(const struct places *p, struct conn *first,
                          uint64_t now, bool any);

/* What a request lacks to begin. */
enum places_lack {
    PLACES_NOTHING,
    PLACES_ANSWER, /* too many answers are in progress */
    PLACES_WALK,   /* ... that walk the table */
    PLACES_MEMORY
};

/* The connection whose answer is given up so that the request of c can begin:
 * its client does not read, or its address has far more connections than c's.
 * NULL: c waits. */
struct conn *places_answer(const struct places *p, struct conn *first,
                           const struct conn *c, uint64_t now,
                           enum places_lack lack);

enum places_kind { PLACES_ANY, PLACES_SHORT, PLACES_HEALTH };

/* The READY one of this kind whose turn it is, or NULL.  few: of the address
 * with the fewest connections; else the one that has waited longest. */
struct conn *places_next(const struct places *p, struct conn *first,
                         enum places_kind kind, bool few);

#endif
