/* dump.c - copies of entries, made again until the owner did not write
 * meanwhile */
#include "core/dump.h"

#include "proto/protos.h"

#include <string.h>

/* How often a reader begins again before it takes the entry for one that is
 * just coming or going. */
#define MAX_RESTARTS 1000

static void copy_words(void *to, const void *from, size_t bytes)
{
    const uint64_t *s = from;
    uint64_t *d = to;

    for (size_t i = 0; i < bytes / 8; i++)
        d[i] = __atomic_load_n(&s[i], __ATOMIC_ACQUIRE);
}

_Static_assert(offsetof(struct ct_conn, exp_prev) % 8 == 0,
               "what readers copy is whole words");

/* Which record it is may have changed by now: then seq has, too. */
static void copy_ext(const struct ct *ct, uint32_t slot, struct ext *copy)
{
    uint32_t word = 0;

    if (ct->ext.by_slot)
        word = __atomic_load_n(&ct->ext.by_slot[slot], __ATOMIC_ACQUIRE);
    copy->kinds = 0;
    if (word)
        copy_words(copy, ext_at(&ct->ext, word), offsetof(struct ext, left));
}

void dump_copy(const struct ct *ct, uint32_t slot, struct dump_copy *copy)
{
    copy->slot = slot;
    copy_words(&copy->conn, core_conn(ct, slot),
               offsetof(struct ct_conn, exp_prev));
    if (ct->acct)
        copy_words(&copy->acct, &ct->acct[slot], sizeof copy->acct);
    if (ct->start)
        copy->start = __atomic_load_n(&ct->start[slot], __ATOMIC_ACQUIRE);
    copy_ext(ct, slot, &copy->ext);
}

void dump_view(const struct ct *ct, const struct dump_copy *copy,
               struct ct_view *view)
{
    const struct ct_conn *c = &copy->conn;
    const struct l4proto *proto = protos_find(c->tuple[0].proto);

    *view = (struct ct_view){
        .slot = copy->slot,
        .gen = c->gen,
        .tuple = {c->tuple[0], c->tuple[1]},
        .status = c->status,
        .mark = c->mark,
        .expires = {c->expires},
        .state = "",
        .in = c->in,
        .out = c->out,
        .has_acct = __atomic_load_n(&ct->counting, __ATOMIC_RELAXED),
        .has_start = __atomic_load_n(&ct->stamping, __ATOMIC_RELAXED),
        .proto = c->proto,
        .helper = copy->ext.kinds >> EXT_HELPER & 1 ? copy->ext.helper : 0,
        .has_master = copy->ext.kinds >> EXT_MASTER & 1,
    };
    if (copy->ext.kinds >> EXT_LABELS & 1) {
        view->labels[0] = copy->ext.labels[0];
        view->labels[1] = copy->ext.labels[1];
    }
    if (copy->ext.kinds >> EXT_TIMEOUTS & 1) {
        view->first_timeout = proto->first_timeout;
        view->n_timeouts = proto->n_timeouts;
        memcpy(view->timeouts, copy->ext.timeouts, sizeof view->timeouts);
    }
    if (view->has_master) {
        view->master_slot = copy->ext.master.slot;
        view->master_gen = copy->ext.master.gen;
    }
    if (proto->states)
        view->state = proto->states[proto->state(&c->proto)];
    for (int d = 0; d < CT_N_DIRS && view->has_acct; d++) {
        view->packets[d] = copy->acct.packets[d];
        view->bytes[d] = copy->acct.bytes[d];
    }
    if (view->has_start)
        view->start = ct_time_add_s(ct->birth, copy->start);
}

/* Copy what seq guards, by copy(), until it stood still meanwhile.  False: it
 * never did, or what is being written is of no flow yet by this status: its
 * packet may be held for long. */
static bool copy_whole(const struct ct *ct, const uint32_t *seq,
                       const uint32_t *status, uint32_t i,
                       void (*copy)(const struct ct *, uint32_t, void *),
                       void *to)
{
    for (int n = 0; n < MAX_RESTARTS; n++) {
        uint32_t was = __atomic_load_n(seq, __ATOMIC_ACQUIRE);

        if (!(was & 1)) {
            copy(ct, i, to);
            if (__atomic_load_n(seq, __ATOMIC_RELAXED) == was)
                return true;
        } else if (status && !(__atomic_load_n(status, __ATOMIC_ACQUIRE) &
                               CT_CONFIRMED)) {
            return false;
        }
        __atomic_fetch_add(ct->restarts, 1, __ATOMIC_RELAXED);
    }
    return false;
}

static void copy_conn(const struct ct *ct, uint32_t slot, void *to)
{
    dump_copy(ct, slot, to);
}

bool ct_read(const struct ct *ct, uint32_t slot, ct_time now,
             struct ct_view *view)
{
    struct dump_copy copy;

    if (slot >= ct->conns.n ||
        !copy_whole(ct, &core_conn(ct, slot)->seq, &core_conn(ct, slot)->status,
                    slot, copy_conn, &copy) ||
        !(copy.conn.status & CT_CONFIRMED) || (copy.conn.status & CT_DYING) ||
        copy.conn.expires <= now.ms)
        return false;
    dump_view(ct, &copy, view);
    return true;
}

static void copy_expect(const struct ct *ct, uint32_t i, void *to)
{
    copy_words(to, expect_at(&ct->expects, i),
               offsetof(struct expect, hash_prev));
}

bool ct_read_expect(const struct ct *ct, uint32_t number, ct_time now,
                    struct ct_expect_view *view)
{
    struct expect x;

    if (number >= ct->expects.pool.n ||
        !copy_whole(ct, &expect_at(&ct->expects, number)->seq, NULL, number,
                    copy_expect, &x) ||
        !x.used || x.expires <= now.ms)
        return false;
    *view = (struct ct_expect_view){
        .number = number,
        .tuple = x.ask.tuple,
        .any_src = x.ask.any_src,
        .any_sport = x.ask.any_sport,
        .permanent = x.ask.permanent,
        .helper = x.ask.helper,
        .class = x.ask.class,
        .master = x.master_tuple,
        .master_slot = x.master,
        .master_gen = x.master_gen,
        .expires = {x.expires},
    };
    return true;
}

uint32_t ct_expects(const struct ct *ct)
{
    return ct->expects.pool.n;
}

uint64_t ct_stat(const struct ct *ct, enum ct_stat stat)
{
    if (stat == CT_STAT_search_restart)
        return __atomic_load_n(ct->restarts, __ATOMIC_RELAXED);
    return __atomic_load_n(&ct->stats[stat], __ATOMIC_RELAXED);
}

uint64_t ct_drops(const struct ct *ct, enum ct_reason reason)
{
    return __atomic_load_n(&ct->reasons[reason], __ATOMIC_RELAXED);
}

uint32_t ct_slots(const struct ct *ct)
{
    return ct->conns.n;
}

uint32_t ct_buckets(const struct ct *ct)
{
    return ct->table.n_buckets;
}
