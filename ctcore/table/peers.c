/* peers.c - read what other shards have published, and publish one's own */
#include "table/peers.h"

static uint32_t load_peer_word(const uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static void publish_word(uint32_t *word, uint32_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

bool peers_stray(const struct peers *p, const struct ct_tuple *t, bool any_src)
{
    if (p->n == 0 || p->steer == NULL)
        return false;
    return (any_src ? shard_owner_to(p->steer, t) : shard_owner(p->steer, t)) !=
           p->self;
}

uint64_t peers_others(const struct peers *p, enum ct_stat stat)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < p->n; i++)
        if (i != p->self)
            n += __atomic_load_n(&p->stats[i][stat], __ATOMIC_RELAXED);
    return n;
}

void peers_count(struct peers *p, int by)
{
    p->strays += (uint32_t)by;
    publish_word(&p->own.strays, p->strays + p->counting);
}

void peers_await(struct peers *p, int by)
{
    p->awaited += (uint32_t)by;
    publish_word(&p->own.awaited, p->awaited + p->counting);
}

/* Others must not see the new serial with the old counts. */
void peers_steer(struct peers *p, const struct ct_steer *steer)
{
    p->counting = true;
    peers_count(p, 0);
    peers_await(p, 0);
    p->steer = steer;
    publish_word(&p->own.serial, steer->serial);
}

void peers_counted(struct peers *p)
{
    p->counting = false;
    peers_count(p, 0);
    peers_await(p, 0);
}

static bool is_quiet(const struct peers *p, uint32_t i)
{
    const struct peer *face = p->face[i];

    return load_peer_word(&face->serial) == p->own.serial &&
           load_peer_word(&face->strays) == 0 &&
           load_peer_word(&face->awaited) == 0;
}

bool peers_look(struct peers *p)
{
    p->busy = peers_next(p, 0) < p->n;
    return p->busy;
}

uint32_t peers_next(const struct peers *p, uint32_t i)
{
    while (i < p->n && (i == p->self || is_quiet(p, i)))
        i++;
    return i;
}

uint32_t peers_find(const struct peers *p, const struct ct_tuple *t,
                    uint64_t hash, ct_time now)
{
    for (uint32_t i = peers_next(p, 0); i < p->n; i = peers_next(p, i + 1))
        if (table_holds(p->table[i], t, hash, now, p->work))
            return i;
    return CT_NONE;
}

/* The steering that was in use when serial was the newest. */
static const struct ct_steer *steer_of(const struct peers *p, uint32_t serial)
{
    const struct ct_steer *s = p->steer;

    while (s != NULL && s->serial != serial) {
        work_step(p->work, 1);
        s = s->before;
    }
    return s;
}

uint32_t peers_claim(const struct peers *p, const struct ct_tuple *t)
{
    uint32_t found = CT_NONE, oldest = p->own.serial;

    for (uint32_t i = 0; i < p->n; i++) {
        uint32_t serial = load_peer_word(&p->face[i]->serial);
        const struct ct_steer *s;

        if (i == p->self || serial >= oldest)
            continue;
        s = steer_of(p, serial);
        if (s != NULL && shard_owner(s, t) == i) {
            found = i;
            oldest = serial;
        }
    }
    return found;
}
