/* places.c - which connection gives up its place, and which has its turn */
#include "http/places.h"

enum {
    SLOW = 32 /* bytes a ms: a client that reads less may lose its answer */
};

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

/* Connections of c's address. */
static unsigned count_same_address(const struct places *p, const struct conn *c)
{
    return p->by_address[c->address % PLACES_ADDRESSES];
}

static bool is_stalled(const struct conn *c)
{
    return c->stalled && c->n_out > 0;
}

/* ---- places ---- */

/* How willingly c gives up its place; 0: not at all. */
enum rank {
    KEEPS,
    WAITS,      /* for its first answer: the latest goes */
    WAITS_LONG, /* for one that takes many turns */
    READS_NOT,
    IS_NEW, /* has sent no whole request, but may still do so */
    HAD_ANSWERS,
    IDLES, /* between two requests */
    SENDS_NOT,
    IS_DONE
};

static enum rank rank_of_conn(const struct conn *c, uint64_t now, bool any)
{
    if (c->fd < 0)
        return KEEPS;
    switch (c->state) {
    case CONN_LINGER:
        return IS_DONE;
    case CONN_HEAD:
        if (is_stalled(c))
            return READS_NOT;
        if (c->requests > 0)
            return IDLES;
        if (now - c->since >= PLACES_MS)
            return SENDS_NOT;
        return any || now > c->since ? IS_NEW : KEEPS;
    case CONN_ANSWER:
        if (c->idle)
            return HAD_ANSWERS;
        return is_stalled(c) ? READS_NOT : KEEPS;
    case CONN_READY:
        if (c->requests > 0)
            return HAD_ANSWERS;
        if (!any || c->head.health)
            return KEEPS;
        return c->head.walk ? WAITS_LONG : WAITS;
    }
    return KEEPS;
}

/* Of one address and one rank: should a go rather than b? */
static bool closes_before(const struct conn *a, const struct conn *b,
                          enum rank of)
{
    if (of == WAITS || of == WAITS_LONG)
        return a->turn > b->turn;
    if (of == READS_NOT)
        return a->took < b->took;
    if (of == HAD_ANSWERS)
        return a->requests > b->requests;
    return a->since <= b->since; /* the list begins with the latest */
}

struct conn *places_worst(const struct places *p, struct conn *first,
                          uint64_t now, bool any)
{
    struct conn *c, *worst = NULL;
    unsigned most = 0, of_worst = 0;
    enum rank top = KEEPS;

    for (c = first; c; c = c->next) {
        enum rank r = rank_of_conn(c, now, any);

        if (c->fd >= 0 && count_same_address(p, c) > most)
            most = count_same_address(p, c);
        if (r == KEEPS || count_same_address(p, c) < of_worst ||
            (count_same_address(p, c) == of_worst &&
             (r < top || (r == top && !closes_before(c, worst, r)))))
            continue;
        worst = c;
        top = r;
        of_worst = count_same_address(p, c);
    }
    return any || of_worst == most ? worst : NULL;
}

/* ---- answers ---- */

/* Does c take its answer too slowly to keep it while others need the place? */
static bool is_slow(const struct conn *c, uint64_t now)
{
    return now - c->stalled >= PLACES_MS &&
           c->taken < (now - c->stalled) * SLOW;
}

/* May the answer to v be given up for c? */
static bool may_end(const struct places *p, const struct conn *v,
                    const struct conn *c, uint64_t now, enum places_lack lack)
{
    if (v->fd < 0 || !v->counted || (lack == PLACES_MEMORY && v->held == 0) ||
        (lack == PLACES_WALK && !v->walk))
        return false;
    if (is_stalled(v))
        return count_same_address(p, v) >= count_same_address(p, c) ||
               is_slow(v, now);
    return lack != PLACES_MEMORY &&
           count_same_address(p, v) > 2 * count_same_address(p, c);
}

struct conn *places_answer(const struct places *p, struct conn *first,
                           const struct conn *c, uint64_t now,
                           enum places_lack lack)
{
    struct conn *v, *worst = NULL;

    for (v = first; v; v = v->next) {
        if (!may_end(p, v, c, now, lack))
            continue;
        if (!worst || is_stalled(v) > is_stalled(worst) ||
            (is_stalled(v) == is_stalled(worst) &&
             (count_same_address(p, v) > count_same_address(p, worst) ||
              (count_same_address(p, v) == count_same_address(p, worst) &&
               v->took < worst->took))))
            worst = v;
    }
    return worst;
}

/* ---- turns ---- */

struct conn *places_next(const struct places *p, struct conn *first,
                         enum places_kind kind, bool few)
{
    struct conn *c, *next = NULL;

    for (c = first; c; c = c->next) {
        if (c->fd < 0 || c->state != CONN_READY ||
            (kind == PLACES_HEALTH && !c->head.health) ||
            (kind == PLACES_SHORT && c->head.walk))
            continue;
        if (next && few &&
            count_same_address(p, c) > count_same_address(p, next))
            continue;
        if (!next ||
            (few && count_same_address(p, c) < count_same_address(p, next)) ||
            c->turn < next->turn)
            next = c;
    }
    return next;
}
