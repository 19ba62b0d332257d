/* expiry.h - whose time is up next
 *
 * One list for each (duration, eviction class): all flows of a list have the
 * same duration, so the one refreshed last stands last, refreshing is a move
 * to the tail, and the head is the next to go.  A flow is moved once a second
 * at most, whatever its packet rate, while its deadline is exact always: so
 * the order within a list is true to the second, and a flow may be destroyed
 * up to a second after its time.  Nothing but the event shows that: an entry
 * past its deadline never matches.
 *
 * When a tunable changes, new flows of that duration begin a new list and the
 * old one runs empty.  Flows with durations of their own have a list for each
 * class, too, which says who was refreshed last; whose time is up of them says
 * deadlines.h. */
#ifndef EXPIRY_H
#define EXPIRY_H

#include "table/deadlines.h"

enum expiry_class {
    EXPIRY_CLOSING, /* on its way out */
    EXPIRY_UNASSURED,
    EXPIRY_ASSURED,
    EXPIRY_N_CLASSES
};

/* One for each duration and class, and as many spare. */
#define EXPIRY_N_LISTS (CT_N_TIMEOUTS * EXPIRY_N_CLASSES * 2u)
#define EXPIRY_OWN     EXPIRY_N_LISTS /* and one for each class */
#define EXPIRY_NO_LIST 0xffu
_Static_assert(EXPIRY_OWN + EXPIRY_N_CLASSES <= EXPIRY_NO_LIST,
               "a list's number is a byte");

struct expiry_list {
    uint64_t ms; /* duration */
    uint32_t head, tail, count;
    uint8_t param, class;
    bool current; /* new flows come here */
};

struct expiry {
    struct ct_conn *conns;
    uint64_t birth_ms;
    uint64_t now_ms; /* the last time that was told, */
    uint32_t now_s;  /* and its seconds since birth */
    struct expiry_list list[EXPIRY_N_LISTS + EXPIRY_N_CLASSES];
    struct deadlines own;
    uint8_t map[CT_N_TIMEOUTS][EXPIRY_N_CLASSES];
};

void expiry_init(struct expiry *e, struct ct_conn *conns,
                 const struct ct_params *params, ct_time now);
void expiry_set_params(struct expiry *e, const struct ct_params *params);

/* A batch has one time: divide once. */
static inline void expiry_set_now(struct expiry *e, ct_time now)
{
    if (e->now_ms == now.ms)
        return;
    ct_assert_slow(now.ms > e->now_ms);
    e->now_ms = now.ms;
    e->now_s = (uint32_t)((now.ms - e->birth_ms) / 1000);
}

/* Put a flow last in that list, now_s being its time. */
void expiry_move(struct expiry *e, uint32_t slot, uint8_t list);

/* Give the flow a new deadline: param's duration from now on.
 * => between conn_write_begin() and conn_write_end(). */
static inline void expiry_refresh(struct expiry *e, uint32_t slot,
                                  uint8_t param, enum expiry_class class,
                                  ct_time now)
{
    struct ct_conn *c = &e->conns[slot];
    uint8_t list = e->map[param][class];

    ct_assert_slow(c->seq & 1);
    expiry_set_now(e, now);
    conn_set(c->expires, now.ms + e->list[list].ms);
    if (c->list != list || c->listed != e->now_s)
        expiry_move(e, slot, list);
}

/* The same of a flow with durations of its own.
 * => e->own has room for it, and its deadline never came by the other. */
void expiry_refresh_own(struct expiry *e, uint32_t slot, uint32_t s,
                        enum expiry_class class, ct_time now);

void expiry_remove(struct expiry *e, uint32_t slot);

/* A sweep: list to look at first, 0 to begin with; what it may still do. */
struct expiry_sweep {
    uint32_t from, left;
};

/* A flow whose time is up, or CT_NONE: there is no other, or nothing is left of
 * the sweep. */
uint32_t expiry_due(struct expiry *e, ct_time now, struct expiry_sweep *sweep);

/* The earliest deadline known, or now + 1 s if that is sooner. */
ct_time expiry_next(const struct expiry *e, ct_time now);

#endif
