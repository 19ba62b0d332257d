/* elsewhere.c - where a packet goes whose flow is another shard's, and the
 * strays */
#include "core/elsewhere.h"

#include "base/assert.h"
#include "packet/tuple.h"

#include <string.h>

void ct_set_peers(struct ct *ct, const struct ct *const all[])
{
    struct peers *p = &ct->peers;

    if (p->n_all < 2)
        return;
    ct_assert(p->n == 0 && ct->stats[CT_STAT_pkts_in] == 0);
    p->n = p->n_all;
    for (uint32_t i = 0; i < p->n; i++) {
        ct_assert(memcmp(all[i]->table.key, ct->table.key,
                         sizeof ct->table.key) == 0 &&
                  all[i]->table.n_buckets == ct->table.n_buckets &&
                  all[i]->conns.n == ct->conns.n);
        ct->shards[i] = all[i];
        p->face[i] = &all[i]->peers.own;
        p->table[i] = &all[i]->table;
        p->stats[i] = all[i]->stats;
    }
}

/* ---- whose is it? ---- */

/* The shard that has announced this flow. */
static uint32_t find_announced(const struct ct *ct, const struct ct_tuple *t)
{
    const struct peers *p = &ct->peers;

    for (uint32_t i = peers_next(p, 0); i < p->n; i = peers_next(p, i + 1))
        if (__atomic_load_n(&p->face[i]->awaited, __ATOMIC_ACQUIRE) &&
            expect_holds(&ct->shards[i]->expects, t, ct->now, p->work))
            return i;
    return CT_NONE;
}

/* As it came, or as an answer in the zone of answers; then it is known by that
 * from here on. */
static uint32_t find_flow(const struct ct *ct, struct ct_pkt *pkt)
{
    struct ct_tuple back = pkt->tuple;
    uint32_t is = peers_find(&ct->peers, &pkt->tuple, pkt->hash, ct->now);
    uint64_t hash;

    if (is != CT_NONE || pkt->zone_reply == back.zone)
        return is;
    back.zone = pkt->zone_reply;
    hash = tuple_hash(&back, ct->table.key);
    is = peers_find(&ct->peers, &back, hash, ct->now);
    if (is == CT_NONE)
        return is;
    pkt->tuple = back;
    pkt->hash = hash;
    return is;
}

/* The claims are read before the tables are: who has claimed nothing has opened
 * before what it might, and that is seen. */
static __attribute__((noinline)) uint32_t
ask_all(struct ct *ct, struct ct_pkt *pkt, bool expected)
{
    struct peers *p = &ct->peers;
    uint32_t claim = peers_claim(p, &pkt->tuple), is = find_flow(ct, pkt);

    if (is == CT_NONE && expected)
        return p->self;
    if (is == CT_NONE)
        is = find_announced(ct, &pkt->tuple);
    return is != CT_NONE ? is : claim;
}

uint32_t elsewhere_place(struct ct *ct, struct ct_pkt *pkt, bool expected)
{
    struct peers *p = &ct->peers;
    uint32_t is = CT_NONE;

    ct_assert_slow(pkt->hash == tuple_hash(&pkt->tuple, ct->table.key));
    if (p->n == 0 || pkt->kind != CT_KIND_NONE)
        return p->self;
    if (__builtin_expect(peers_look(p), 0))
        is = ask_all(ct, pkt, expected);
    if (is != CT_NONE)
        return is;
    if (expected || pkt->steered == p->own.serial)
        return p->self;
    return shard_owner(p->steer, &pkt->tuple);
}

uint32_t elsewhere_find(struct ct *ct, const struct ct_tuple *t)
{
    struct peers *p = &ct->peers;

    if (p->n == 0 || !peers_look(p))
        return CT_NONE;
    return peers_find(p, t, tuple_hash(t, ct->table.key), ct->now);
}

enum ct_verdict elsewhere_pass(struct ct *ct, struct ct_pkt *pkt,
                               uint32_t shard)
{
    pkt->elsewhere = 0;
    if (pkt->passed) {
        core_stat(ct, CT_STAT_drop);
        return ct_refuse(pkt, CT_REASON_STEERED);
    }
    pkt->elsewhere = (uint8_t)(shard + 1);
    return CT_STOLEN;
}

/* ---- strays ---- */

static void show_strays(struct ct *ct)
{
    __atomic_store_n(&ct->stats[CT_STAT_strays], ct->peers.strays,
                     __ATOMIC_RELAXED);
}

static void set_flow_stray(struct ct *ct, struct ct_conn *c, bool stray)
{
    if (c->stray == stray)
        return;
    c->stray = stray;
    peers_count(&ct->peers, stray ? 1 : -1);
    show_strays(ct);
}

void elsewhere_mark(struct ct *ct, struct ct_conn *c)
{
    const struct peers *p = &ct->peers;

    if (p->n == 0)
        return;
    set_flow_stray(ct, c,
                   peers_stray(p, &c->tuple[CT_DIR_ORIGINAL], false) ||
                       peers_stray(p, &c->tuple[CT_DIR_REPLY], false));
}

void elsewhere_unmark(struct ct *ct, struct ct_conn *c)
{
    set_flow_stray(ct, c, false);
}

void elsewhere_steer(struct ct *ct, const struct ct_steer *steer)
{
    struct peers *p = &ct->peers;

    if (p->n_all < 2 || !steer)
        return;
    if (steer->serial == p->own.serial) { /* another copy of the same */
        p->steer = steer;
        return;
    }
    peers_steer(p, steer);
    ct->count_flows = ct->count_expects = 0;
    if (ct->conns.used == 0) /* nothing to count: at the start */
        peers_counted(p);
}

bool elsewhere_count(struct ct *ct, uint32_t budget)
{
    if (!ct->peers.counting)
        return true;
    for (; ct->count_flows < ct->conns.fresh && budget; budget--) {
        struct ct_conn *c = core_conn(ct, ct->count_flows++);

        work_step(&ct->work, 1);
        if (c->status & CT_CONFIRMED)
            elsewhere_mark(ct, c);
    }
    for (; ct->count_expects < ct->expects.pool.fresh && budget; budget--) {
        work_step(&ct->work, 1);
        expect_steered(&ct->expects, ct->count_expects++);
    }
    if (!budget)
        return false;
    peers_counted(&ct->peers);
    return true;
}
