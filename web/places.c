/* places.c - the connections of a server by address, and which of them goes
 * when another client needs its place */
#include "places.h"

void places_take(struct places *p, const struct conn *c)
{
    p->n++;
    p->by_address[c->address % PLACES_ADDRESSES]++;
}

void places_give(struct places *p, const struct conn *c)
{
    p->n--;
    p->by_address[c->address % PLACES_ADDRESSES]--;
}

/* How willingly c gives up its place; 0: not at all. */
static unsigned rank(const struct conn *c)
{
    if (c->fd < 0)
        return 0;
    switch (c->state) {
    case CONN_LINGER:
        return 4;
    case CONN_HEAD:
        return 3;
    case CONN_ANSWER:
        return c->stalled || c->idle ? 2 : 0;
    case CONN_READY:
        return c->head.health ? 0 : 1;
    }
    return 0;
}

/* Should a go rather than b? */
static bool rather(const struct places *p, const struct conn *a,
                   const struct conn *b)
{
    unsigned n = p->by_address[a->address % PLACES_ADDRESSES];
    unsigned m = p->by_address[b->address % PLACES_ADDRESSES];

    if (rank(a) != rank(b))
        return rank(a) > rank(b);
    return n != m ? n > m : a->since < b->since;
}

struct conn *places_worst(const struct places *p, struct conn *first)
{
    struct conn *c, *worst = NULL;

    for (c = first; c; c = c->next)
        if (rank(c) && (!worst || rather(p, c, worst)))
            worst = c;
    return worst;
}
