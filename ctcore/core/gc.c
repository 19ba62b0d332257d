/* gc.c - flows end here: each module lets go of what it holds for them */
#include "core/gc.h"

#include "core/elsewhere.h"
#include "core/notify.h"
#include "packet/parse.h"
#include "packet/tuple.h"

#include <ctcore/bits.h>

/* Buckets that the kernel's early_drop() looks at. */
#define EARLY_DROP_BUCKETS 8u
/* Of one bucket, which seldom has more than a few. */
#define DROPPED_AT_ONCE 64u

static __attribute__((noinline)) void free_ext(struct ct *ct, uint32_t slot)
{
    if (!ext_find(&ct->ext, slot))
        return;
    expect_forget(&ct->expects, slot);
    ct->helped -= (core_conn(ct, slot)->status & CORE_HELPED) != 0;
    share_leave_few(ct->nat.share, &ext_find(&ct->ext, slot)->place);
    ext_free(&ct->ext, slot);
    __atomic_store_n(&ct->stats[CT_STAT_extensions], ct->ext.pool.used,
                     __ATOMIC_RELAXED);
}

static void put_back(struct ct *ct, uint32_t slot)
{
    struct ct_conn *c = core_conn(ct, slot);

    if (ct->connlimit)
        connlimit_forget(ct->connlimit, slot, c);
    if (ct->ext.by_slot)
        free_ext(ct, slot);
    if (share_is_on(&ct->share))
        share_leave_entry(&ct->share, slot);
    conn_set(c->status, 0u);
    conn_set(c->gen, c->gen + 1); /* references to this flow are stale now */
    conn_write_end(c);
    pool_put(&ct->conns, slot);
    __atomic_store_n(&ct->stats[CT_STAT_entries], ct->conns.used,
                     __ATOMIC_RELAXED);
}

/* why: event bits beside DESTROY. */
static void end_flow(struct ct *ct, uint32_t slot, uint32_t why)
{
    struct ct_conn *c = core_conn(ct, slot);

    ct_assert(c->status & CT_CONFIRMED);
    work_step(&ct->work, 1);
    conn_dies(c);
    notify_send(ct, c, (uint32_t)CT_EVENT_DESTROY | why);
    conn_write_begin(c);
    expiry_remove(&ct->expiry, slot);
    table_unlink(&ct->table, slot);
    mapping_release(&ct->nat, c, ct->now);
    elsewhere_unmark(ct, c);
    core_stat(ct, CT_STAT_destroyed);
    put_back(ct, slot);
}

void gc_end_calls(struct ct *ct, struct ext *x)
{
    for (int d = 0; d < CT_N_DIRS; d++) {
        struct ct_tuple t;
        struct ct_conn *c;
        enum ct_dir dir;

        if (x->call[d] == CT_NONE)
            continue;
        t = keymap_at(&ct->keymap, x->call[d])->tuple;
        keymap_remove(&ct->keymap, x->call[d]);
        x->call[d] = CT_NONE;
        c = table_find(&ct->table, &t, tuple_hash(&t, ct->table.key), ct->now,
                       &dir);
        if (c)
            end_flow(ct, table_slot(&ct->table, c), 0);
    }
}

static void destroy_entry(struct ct *ct, uint32_t slot, uint32_t why)
{
    struct ext *x = ext_find(&ct->ext, slot);

    if (x)
        gc_end_calls(ct, x);
    end_flow(ct, slot, why);
}

void gc_destroy(struct ct *ct, uint32_t slot)
{
    destroy_entry(ct, slot, 0);
}

void gc_revoke(struct ct *ct, uint32_t slot)
{
    core_stat(ct, CT_STAT_revoked);
    destroy_entry(ct, slot, CT_EVENT_REVOKED);
}

void gc_discard(struct ct *ct, uint32_t slot)
{
    ct_assert(!(core_conn(ct, slot)->status & CT_CONFIRMED));
    ct_add(&ct->stats[CT_STAT_unconfirmed], (uint64_t)-1);
    put_back(ct, slot);
}

_Static_assert(EXPIRY_N_LISTS <= WORK_A_SLICE, "a slice looks at each list");

/* Flows; how many.  What is left of budget is written back. */
static uint32_t expire_flows(struct ct *ct, ct_time now, uint32_t *budget)
{
    struct expiry_sweep sweep = {.left = *budget};
    uint32_t begin = ct->work.steps, n = 0, slot;

    while (sweep.left > 0 && work_may_go_on(&ct->work, begin, *budget) &&
           (slot = expiry_due(&ct->expiry, now, &sweep)) != CT_NONE) {
        gc_destroy(ct, slot);
        core_stat(ct, CT_STAT_expired);
        sweep.left--;
        n++;
    }
    /* Those that have got further meanwhile, and the lists. */
    work_step(&ct->work, *budget - sweep.left - n + sweep.from);
    *budget = sweep.left;
    return n;
}

/* Ports that rest, by a slice that began at so many steps; how many. */
static uint32_t expire_rests(struct ct *ct, ct_time now, uint32_t begin,
                             uint32_t budget)
{
    uint32_t n = 0;

    while (n < budget && work_may_go_on(&ct->work, begin, budget) &&
           quarantine_expire(&ct->nat.resting, now, 1))
        n++;
    return n;
}

bool gc_expire(struct ct *ct, ct_time now, uint32_t budget)
{
    uint32_t begin = ct->work.steps, left = budget, n = 0;

    (void)expire_flows(ct, now, &left);
    if (left == 0 || expire_rests(ct, now, begin, budget) == budget)
        return true;
    while (n < budget && work_may_go_on(&ct->work, begin, budget) &&
           expect_expire(&ct->expects, now, 1))
        n++;
    return n == budget || !work_may_go_on(&ct->work, begin, budget);
}

bool gc_expire_some(struct ct *ct)
{
    uint32_t budget = CT_EXPIRE_ON_DEMAND;

    return expire_flows(ct, ct->now, &budget) > 0;
}

bool gc_homeless(const struct ct *ct, const struct ct_conn *c)
{
    const struct ct_tuple *reply = &c->tuple[CT_DIR_REPLY];

    return (c->status & CT_CONFIRMED) && c->hidden_by != CT_NO_IFACE &&
           (c->hidden_by >= ct->ifaces.n ||
            !core_has_address(&ct->ifaces.iface[c->hidden_by], reply->family,
                              &reply->dst));
}

bool gc_end_homeless(struct ct *ct, uint32_t budget)
{
    uint32_t begin = ct->work.steps, slots = budget;

    if (ct->ifaces_at == CT_NONE)
        return true;
    for (; ct->ifaces_at < ct->conns.fresh; ct->ifaces_at++, budget--) {
        if (budget == 0 || !work_may_go_on(&ct->work, begin, slots))
            return false;
        work_step(&ct->work, 1);
        if (gc_homeless(ct, core_conn(ct, ct->ifaces_at)))
            gc_destroy(ct, ct->ifaces_at);
    }
    ct->ifaces_at = CT_NONE;
    return true;
}

static bool has_port(const struct ct_reserved *set, uint32_t port)
{
    return set && (__atomic_load_n(&set->word[port >> 6], __ATOMIC_RELAXED) >>
                       (port & 63) &
                   1);
}

bool gc_loses_port(const struct ct *ct, const struct ct_conn *c)
{
    const struct ct_tuple *reply = &c->tuple[CT_DIR_REPLY];
    const struct ct_reserved *set =
        reply->proto == CT_PROTO_TCP   ? ct->nat.taken_tcp
        : reply->proto == CT_PROTO_UDP ? ct->nat.taken_udp
                                       : NULL;

    if (!has_port(set, reply->dport) || !(c->status & CT_CONFIRMED) ||
        !mapping_hides(c))
        return false;
    for (uint32_t i = 0; i < ct->ifaces.n; i++)
        if (core_has_address(&ct->ifaces.iface[i], reply->family, &reply->dst))
            return true;
    return false;
}

bool gc_free_ports(struct ct *ct)
{
    bool some = gc_expire_some(ct);

    return expire_rests(ct, ct->now, ct->work.steps, CT_EXPIRE_ON_DEMAND) > 0 ||
           some;
}

/* Take the unassured entries of one bucket, and those whose time is up: their
 * list may hide them.  What ends with another is gone when its turn comes, as
 * is what stands in the bucket twice. */
static bool drop_bucket(struct ct *ct, uint32_t bucket)
{
    struct table_walk walk = table_walk(&ct->table, bucket);
    uint32_t found[DROPPED_AT_ONCE], n = 0, slot, begin;
    bool some = false;

    while (n < DROPPED_AT_ONCE &&
           (slot = table_walk_on(&ct->table, &walk)) != CT_NONE) {
        const struct ct_conn *c = core_conn(ct, slot);

        work_step(&ct->work, 1);
        if (c->expires <= ct->now.ms || !(c->status & (CT_ASSURED | CT_DYING)))
            found[n++] = slot;
    }
    begin = ct->work.steps;
    for (uint32_t i = 0;
         i < n && work_may_go_on(&ct->work, begin, DROPPED_AT_ONCE); i++) {
        const struct ct_conn *c = core_conn(ct, found[i]);
        bool expired = c->expires <= ct->now.ms;

        if (!(c->status & CT_CONFIRMED))
            continue;
        gc_destroy(ct, found[i]);
        core_stat(ct, expired ? CT_STAT_expired : CT_STAT_early_drop);
        some = true;
    }
    return some;
}

bool gc_make_room(struct ct *ct, uint64_t hash)
{
    uint32_t bucket = table_bucket(&ct->table, hash);

    if (gc_expire_some(ct))
        return true;
    for (uint32_t i = 0; i < EARLY_DROP_BUCKETS; i++) {
        if (drop_bucket(ct, bucket))
            return true;
        bucket = (bucket + 1) % ct->table.n_buckets;
    }
    return false;
}
