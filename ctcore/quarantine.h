/* quarantine.h - outside ports that rest after their flow
 *
 * When a translated flow ends, its remote may go on sending to its outside port
 * for a while: whoever is given that port towards the same remote then gets
 * another host's packets, and learns its sequence numbers.  So for a time the
 * reply tuple of an ended flow is its own host's alone (RFC 6888 REQ-8 rests
 * the whole port; a port may serve other remotes meanwhile here).
 *
 * A fixed table of keyed hashes, four a line: when a line is full, who has
 * rested longest goes.  Off: no table, no cost. */
#ifndef QUARANTINE_H
#define QUARANTINE_H

#include "pool.h"

#include <ctcore/types.h>

struct quarantined {
    uint64_t tuple;    /* hash of the reply tuple; 0: nobody */
    uint32_t host;     /* hash of the inside host's address */
    uint32_t until_ds; /* tenths of a second since the core began */
};

struct quarantine {
    struct quarantined *rows;
    uint32_t n_lines; /* a power of two; 0: off */
    uint64_t birth_ms;
    uint64_t key[2];
};

/* Room for about max / 4 resting ports; max 0: off. */
void quarantine_init(struct quarantine *q, struct block *b, uint32_t max);
void quarantine_start(struct quarantine *q, const uint64_t key[2], ct_time now);

/* The flow with that reply tuple (its hash) has ended: rest for s seconds. */
void quarantine_note(struct quarantine *q, uint64_t tuple,
                     const union ct_addr *inside, ct_time now, uint32_t s);
/* May a flow of that inside host not have it yet? */
bool quarantine_holds(const struct quarantine *q, uint64_t tuple,
                      const union ct_addr *inside, ct_time now);

#endif
