/* turns.c - which requests begin, and how many in one turn of the loop
 *
 * Health checks go before all other requests, but for one in TURN_OTHERS: so a
 * flood of them does not stop the others.  One request of two is taken from
 * the address with the fewest connections, the other is the oldest.
 *
 * Answers in progress, and the bytes of them that wait in memory, are bounded.
 * At the bound a client that does not read loses its answer at once. */
#include "turns.h"

enum {
    TURN_NS = 2000000, /* of requests begun in one turn */
    TURN_OTHERS = 4
};

static bool is_full(const struct server *s)
{
    return s->n_answers >=
           (unsigned)(s->local ? SERVER_LOCAL_ANSWERS : SERVER_ANSWERS);
}

static bool is_heavy(const struct server *s)
{
    return s->host.held >= (size_t)(s->local ? SERVER_LOCAL_HELD : SERVER_HELD);
}

/* The one that would have to give up its answer for c; NULL: c waits. */
static struct conn *in_the_way(const struct server *s, const struct conn *c)
{
    return places_answer(&s->places, s->conns, c, uv_now(s->site->loop),
                         is_heavy(s));
}

/* The one whose request begins next; NULL: none may. */
static struct conn *next(const struct server *s)
{
    bool blocked = is_full(s) || is_heavy(s), few = s->released & 1;
    struct conn *health = places_next(&s->places, s->conns, true, few), *c;

    if (health && s->released % TURN_OTHERS != 0)
        return health;
    c = places_next(&s->places, s->conns, false, few || blocked);
    if (!c || c->head.health || !blocked || in_the_way(s, c))
        return c;
    return health;
}

/* False: the memory of c's answer is not free yet. */
static bool make_way(struct server *s, const struct conn *c)
{
    struct conn *worst;

    if (c->head.health || (!is_full(s) && !is_heavy(s)))
        return true;
    worst = in_the_way(s, c);
    if (!worst)
        return false;
    s->site->closed[worst->stalled ? CLOSED_SLOW : CLOSED_ROOM]++;
    conn_close(worst);
    (void)MHD_run(s->mhd);
    return !is_full(s) && !is_heavy(s);
}

static void release(struct server *s, struct conn *c)
{
    s->released++;
    if (!conn_release(c) && c->fd >= 0) {
        c->head.seen = c->n_in; /* what follows is not answered either */
        conn_refuse(c, 503, "out of file descriptors or memory");
    }
    (void)MHD_run(s->mhd);
}

void turns_release(struct server *s)
{
    uint64_t from = uv_hrtime(), now = from;
    struct conn *c;

    if (s->begun.turn != s->site->turn) {
        s->begun.turn = s->site->turn;
        s->begun.requests = 0;
        s->begun.ns = 0;
    }
    while (s->begun.requests < SERVER_REQUESTS &&
           s->begun.ns + (now - from) < TURN_NS && (c = next(s))) {
        s->begun.requests++;
        if (make_way(s, c))
            release(s, c);
        now = uv_hrtime();
    }
    s->begun.ns += now - from;
}

bool turns_may_release(const struct server *s)
{
    return next(s) != NULL;
}
