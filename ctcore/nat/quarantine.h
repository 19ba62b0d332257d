/* quarantine.h - outside ports that rest after their flow
 *
 * When a translated flow ends, its remote may go on sending to its outside port
 * for a while: a host that is given that port towards the same remote would
 * get another host's packets, and learn its sequence numbers.  So for a time
 * the reply tuple of an ended flow is its own host's alone (RFC 6888 REQ-8
 * rests the whole port; a port may serve other remotes meanwhile here).  A host
 * is an inside address in its zone.
 *
 * A rest is a use of its port like a flow (remote.h), so that a search steps
 * over all of them at once.  Rests are in order of time; each host's too.  One
 * host has an eighth of the room at most: then its own oldest rest ends.  Off:
 * no memory, no cost. */
#ifndef QUARANTINE_H
#define QUARANTINE_H

#include "nat/remote.h"
#include "table/tally.h"

struct quarantine_rest {
    uint64_t tuple, remote;
    uint32_t until_ds; /* tenths of a second since the core began */
    uint32_t host;     /* its counter */
    /* Numbers + 1, or 0. */
    uint32_t next; /* of its hash; or the pool's link */
    uint32_t older, younger;
    uint32_t own_older, own_younger;
    uint16_t index;
    bool marked;
};

struct quarantine {
    struct pool rests;       /* struct quarantine_rest */
    uint32_t *heads;         /* by hash of the tuple: number + 1, or 0 */
    uint32_t n_heads;        /* a power of two */
    uint32_t oldest, newest; /* number + 1, or 0 */
    struct tally hosts;      /* how many rests each has */
    struct quarantine_own {
        uint32_t oldest, newest;
    } * own; /* by the host's counter - 1 */
    struct remotes *remotes;
    uint64_t birth_ms;
};

static inline struct quarantine_rest *quarantine_at(const struct quarantine *q,
                                                    uint32_t link)
{
    return (struct quarantine_rest *)(void *)q->rests.items + (link - 1);
}

/* Room for about max / 4 resting ports; max 0: off.  What is to be zeroed, and
 * what is not. */
void quarantine_init(struct quarantine *q, struct block *b, uint32_t max);
void quarantine_init_rests(struct quarantine *q, struct block *b, uint32_t max);
void quarantine_start(struct quarantine *q, struct remotes *remotes,
                      const uint64_t key[2], ct_time now);

static inline bool quarantine_is_on(const struct quarantine *q)
{
    return q->rests.n > 0;
}

/* A port's use towards its remote, as remote_add() was told of it. */
struct quarantine_use {
    uint64_t tuple, remote; /* hash of the reply tuple, and key of the remote */
    uint16_t index;
    bool marked;
};

/* The flow with that reply tuple, begun by orig, has ended: its use of the port
 * goes on for s seconds. */
void quarantine_note(struct quarantine *q, const struct quarantine_use *use,
                     const struct ct_tuple *orig, ct_time now, uint32_t s);
/* May a flow of orig's host not have it yet? */
bool quarantine_holds(const struct quarantine *q, uint64_t tuple,
                      const struct ct_tuple *orig, ct_time now);
/* A flow has it: that rest is over. */
void quarantine_end(struct quarantine *q, uint64_t tuple);

/* Rests of orig's host; and end the oldest of them. */
uint32_t quarantine_of(const struct quarantine *q, const struct ct_tuple *orig);
void quarantine_give_way(struct quarantine *q, const struct ct_tuple *orig);

/* End those whose time is up, at most budget; answers how many. */
uint32_t quarantine_expire(struct quarantine *q, ct_time now, uint32_t budget);

#endif
