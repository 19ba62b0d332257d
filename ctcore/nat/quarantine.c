/* quarantine.c - rests in order of time, of all hosts and of each */
#include "nat/quarantine.h"

#include <ctcore/bits.h>
#include <ctcore/ct.h>

/* A host's part of the room. */
#define PART 8u

static uint32_t rest_slots(uint32_t max)
{
    return max ? max / 4 + 16 : 0;
}

void quarantine_init(struct quarantine *q, struct block *b, uint32_t max)
{
    *q = (struct quarantine){.n_heads = ct_power_of_two(rest_slots(max))};
    if (max == 0)
        return;
    q->heads = block_take(b, q->n_heads * sizeof(uint32_t));
    q->own = block_take(b, rest_slots(max) * sizeof *q->own);
    tally_init_heads(&q->hosts, b, rest_slots(max));
}

void quarantine_init_rests(struct quarantine *q, struct block *b, uint32_t max)
{
    if (max == 0)
        return;
    pool_init(&q->rests, b, rest_slots(max), sizeof(struct quarantine_rest),
              offsetof(struct quarantine_rest, next));
    tally_init_counters(&q->hosts, b, rest_slots(max));
}

void quarantine_start(struct quarantine *q, struct remotes *remotes,
                      const uint64_t key[2], ct_time now)
{
    q->remotes = remotes;
    q->hosts.work = remotes->work;
    q->birth_ms = now.ms;
    q->hosts.key[0] = key[0];
    q->hosts.key[1] = key[1];
}

static struct tally_key host_key(const struct ct_tuple *orig)
{
    return (struct tally_key){
        .source = orig->src, .zone = orig->zone, .family = orig->family};
}

static uint32_t host_of(const struct quarantine *q, const struct ct_tuple *orig)
{
    struct tally_key key = host_key(orig);

    return tally_find(&q->hosts, &key);
}

static uint32_t tenths_since_birth(const struct quarantine *q, ct_time t)
{
    return (uint32_t)((t.ms - q->birth_ms) / 100);
}

/* Tenths wrap after 13 years: compare by difference. */
static bool is_over(const struct quarantine *q, const struct quarantine_rest *r,
                    ct_time now)
{
    return (int32_t)(r->until_ds - tenths_since_birth(q, now)) <= 0;
}

/* Where that rest is named, or where its chain ends. */
static uint32_t *find_rest_link(const struct quarantine *q, uint64_t tuple)
{
    uint32_t *link = &q->heads[tuple & (q->n_heads - 1)];

    while (*link && quarantine_at(q, *link)->tuple != tuple) {
        work_step(q->remotes->work, 1);
        link = &quarantine_at(q, *link)->next;
    }
    return link;
}

static void enqueue_rest(struct quarantine *q, uint32_t link)
{
    struct quarantine_rest *r = quarantine_at(q, link);
    struct quarantine_own *own = &q->own[r->host - 1];

    r->older = q->newest;
    *(q->newest ? &quarantine_at(q, q->newest)->younger : &q->oldest) = link;
    q->newest = link;
    r->own_older = own->newest;
    *(own->newest ? &quarantine_at(q, own->newest)->own_younger
                  : &own->oldest) = link;
    own->newest = link;
}

static void dequeue_rest(struct quarantine *q, const struct quarantine_rest *r)
{
    struct quarantine_own *own = &q->own[r->host - 1];

    *(r->older ? &quarantine_at(q, r->older)->younger : &q->oldest) =
        r->younger;
    *(r->younger ? &quarantine_at(q, r->younger)->older : &q->newest) =
        r->older;
    *(r->own_older ? &quarantine_at(q, r->own_older)->own_younger
                   : &own->oldest) = r->own_younger;
    *(r->own_younger ? &quarantine_at(q, r->own_younger)->own_older
                     : &own->newest) = r->own_older;
}

static void end_rest(struct quarantine *q, uint32_t *link)
{
    uint32_t item = *link - 1;
    const struct quarantine_rest *r = quarantine_at(q, *link);

    work_step(q->remotes->work, 1);
    dequeue_rest(q, r);
    remote_take(q->remotes, r->remote, r->index, r->marked);
    tally_take(&q->hosts, r->host);
    *link = r->next;
    pool_put(&q->rests, item);
}

void quarantine_end(struct quarantine *q, uint64_t tuple)
{
    uint32_t *link = quarantine_is_on(q) ? find_rest_link(q, tuple) : NULL;

    if (link && *link)
        end_rest(q, link);
}

static void end_oldest(struct quarantine *q, uint32_t link)
{
    if (link)
        quarantine_end(q, quarantine_at(q, link)->tuple);
}

uint32_t quarantine_expire(struct quarantine *q, ct_time now, uint32_t budget)
{
    uint32_t n = 0;

    for (; n < budget && q->oldest &&
           is_over(q, quarantine_at(q, q->oldest), now);
         n++)
        end_oldest(q, q->oldest);
    return n;
}

uint32_t quarantine_of(const struct quarantine *q, const struct ct_tuple *orig)
{
    return quarantine_is_on(q) ? tally_count(&q->hosts, host_of(q, orig)) : 0;
}

void quarantine_give_way(struct quarantine *q, const struct ct_tuple *orig)
{
    uint32_t host = host_of(q, orig);

    if (host)
        end_oldest(q, q->own[host - 1].oldest);
}

void quarantine_note(struct quarantine *q, const struct quarantine_use *use,
                     const struct ct_tuple *orig, ct_time now, uint32_t s)
{
    struct tally_key key = host_key(orig);
    uint32_t item, *link;

    quarantine_end(q, use->tuple);
    (void)quarantine_expire(q, now, CT_EXPIRE_ON_DEMAND);
    if (quarantine_of(q, orig) >= q->rests.n / PART)
        quarantine_give_way(q, orig);
    else if (q->rests.used == q->rests.n)
        end_oldest(q, q->oldest);
    item = pool_get(&q->rests);
    ct_assert(item != CT_NONE);
    link = find_rest_link(q, use->tuple);
    *link = item + 1;
    *quarantine_at(q, *link) = (struct quarantine_rest){
        .tuple = use->tuple,
        .remote = use->remote,
        .until_ds = tenths_since_birth(q, now) + s * 10,
        .host = tally_add(&q->hosts, &key),
        .index = use->index,
        .marked = use->marked};
    enqueue_rest(q, *link);
}

bool quarantine_holds(const struct quarantine *q, uint64_t tuple,
                      const struct ct_tuple *orig, ct_time now)
{
    uint32_t link = quarantine_is_on(q) ? *find_rest_link(q, tuple) : 0;

    return link && !is_over(q, quarantine_at(q, link), now) &&
           quarantine_at(q, link)->host != host_of(q, orig);
}
