/* turns.c - which requests begin, and how many in one turn of the loop
 *
 * Health checks go before all other requests, but for one in TURN_OTHERS: so a
 * flood of them does not stop the others.  Of these one of two is taken from
 * the address with the fewest connections, the other is the oldest; and two of
 * four are short ones, which don't wait for all long ones before them.
 *
 * Answers in progress, and the bytes of them that wait in memory, are bounded.
 * At the bound a client that does not read loses its answer at once. */
#include "turns.h"

enum {
    TURN_NS = 2000000, /* of requests begun in one turn */
    TURN_OTHERS = 4
};

/* What c lacks to begin.  A health check lacks nothing. */
static enum places_lack lacks_to_begin(const struct server *s,
                                       const struct conn *c)
{
    unsigned most = s->local ? SERVER_LOCAL_ANSWERS : SERVER_ANSWERS;
    size_t held = s->local ? SERVER_LOCAL_HELD : SERVER_HELD;

    if (c->head.health)
        return PLACES_NOTHING;
    if (s->host.held >= held)
        return PLACES_MEMORY;
    if (s->n_answers >= most)
        return PLACES_ANSWER;
    if (c->head.walk && s->n_walks >= most * SERVER_WALKS / 4)
        return PLACES_WALK;
    return PLACES_NOTHING;
}

/* The one that would have to give up its answer for c; NULL: c waits. */
static struct conn *in_the_way(const struct server *s, const struct conn *c)
{
    return places_answer(&s->places, s->conns, c, uv_now(s->site->loop),
                         lacks_to_begin(s, c));
}

static bool may_begin(const struct server *s, const struct conn *c)
{
    return c && (lacks_to_begin(s, c) == PLACES_NOTHING || in_the_way(s, c));
}

/* The one whose request begins next; NULL: none may. */
static struct conn *next_to_begin(const struct server *s)
{
    bool few = s->others & 1, brief = s->others & 2;
    struct conn *health = places_next(&s->places, s->conns, PLACES_HEALTH, few),
                *c;

    if (health && s->released % TURN_OTHERS != 0)
        return health;
    if (brief &&
        may_begin(s, c = places_next(&s->places, s->conns, PLACES_SHORT, few)))
        return c;
    if (may_begin(s, c = places_next(&s->places, s->conns, PLACES_ANY, few)) ||
        may_begin(s, c = places_next(&s->places, s->conns, PLACES_ANY, true)) ||
        may_begin(s, c = places_next(&s->places, s->conns, PLACES_SHORT, true)))
        return c;
    return health;
}

/* False: the memory of the answer that was given up is not free yet. */
static bool close_in_the_way(struct server *s, const struct conn *c)
{
    struct conn *worst;

    if (lacks_to_begin(s, c) == PLACES_NOTHING)
        return true;
    worst = in_the_way(s, c);
    if (!worst)
        return false;
    s->site->closed[worst->stalled ? CLOSED_SLOW : CLOSED_ROOM]++;
    conn_close(worst);
    (void)MHD_run(s->mhd);
    return lacks_to_begin(s, c) == PLACES_NOTHING;
}

static void release_to_daemon(struct server *s, struct conn *c)
{
    s->released++;
    s->others += !c->head.health;
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
           s->begun.ns + (now - from) < TURN_NS && (c = next_to_begin(s))) {
        s->begun.requests++;
        if (close_in_the_way(s, c))
            release_to_daemon(s, c);
        now = uv_hrtime();
    }
    s->begun.ns += now - from;
}

bool turns_may_release(const struct server *s)
{
    return next_to_begin(s) != NULL;
}
