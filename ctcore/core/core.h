/* core.h - one shard: the state of each module below, side by side
 *
 * Those modules know each other only as their headers say; the layers above
 * (helpers, hooks, ct.c) reach them all from here. */
#ifndef CORE_H
#define CORE_H

#include "base/pool.h"
#include "base/work.h"
#include "frag/frag.h"
#include "nat/ipid.h"
#include "nat/nat.h"
#include "nat/portmap.h"
#include "rules/connlimit.h"
#include "table/conn.h"
#include "table/expect.h"
#include "table/expiry.h"
#include "table/ext.h"
#include "table/keymap.h"
#include "table/peers.h"
#include "table/share.h"
#include "table/table.h"

#include <ctcore/bits.h>
#include <ctcore/ct.h>

#define CORE_HOOK_ROWS 16u

struct hook_row {
    int priority;
    const char *name;
    ct_hook_fn *fn;
    void *ctx;
};

/* A row that is walked: rule stages without rules are not.  The last one of a
 * hook has no function. */
struct hook_live {
    ct_hook_fn *fn;
    void *ctx;
    uint8_t row;
    bool first_only; /* only a flow's first packet has business there */
    bool after_stop; /* as THE TABLE says, hooks.c */
};

/* Accounting and timestamps: beside the entries, present only when wanted,
 * covered by the entry's sequence count. */
struct acct {
    uint64_t packets[CT_N_DIRS], bytes[CT_N_DIRS];
};

struct ct {
    struct table table;
    struct pool conns;       /* struct ct_conn */
    uint32_t max;            /* of them that packets may take */
    struct acct *acct;       /* by slot, or NULL */
    uint32_t *start;         /* by slot, seconds since birth, or NULL */
    bool counting, stamping; /* they are to be had: ct_set_limits() */
    struct exts ext;
    struct expects expects;
    struct keymap keymap;
    struct share share;
    uint32_t helped; /* flows of CORE_HELPED */
    struct expiry expiry;
    struct portmaps ports;
    struct nat nat;
    struct ipid ids;
    struct peers peers;
    const struct ct *shards[CT_MAX_SHARDS];
    uint32_t count_flows, count_expects; /* next to be counted as strays */

    ct_time now, birth;
    struct ct_params params;
    struct ct_params own; /* of the packet at hand, if its flow has such */
    struct ct_ifaces ifaces;
    uint32_t ifaces_at; /* flows from this slot on may be hidden behind an
                           address that is gone; CT_NONE: none is */
    const struct ct_ruleset *rules;
    bool rules_help, rules_label; /* some rule has a helper, asks for labels */
    struct ct_rule_count *counts;
    struct connlimit *connlimit; /* or NULL: no rule has one */
    /* Of all shards, by number, as this one's are; NULL: there is one. */
    struct ct_rule_count *const *all_counts;
    void *const *all_connlimits;
    enum ct_on_full on_full;
    bool hairpin;
    uint32_t subscribed;
    void (*event)(void *ctx, const struct ct_event *ev);
    enum ct_verdict (*queue)(void *ctx, struct ct_pkt *pkt);
    bool (*log)(void *ctx, const struct ct_log *log);
    void *ctx;
    ct_route_fn *route; /* or NULL */
    void *route_ctx;

    struct hook_row row[CT_N_HOOKS][CORE_HOOK_ROWS];
    uint8_t n_rows[CT_N_HOOKS];
    struct hook_live live[CT_N_HOOKS][CORE_HOOK_ROWS + 1];

    struct work work;
    uint64_t stats[CT_N_STATS];     /* written by the owner alone */
    uint64_t reasons[CT_N_REASONS]; /* drops, and INVALIDs of kind I */
    uint64_t *restarts;             /* counted by readers, atomically */
    struct frag frag;               /* without memory: off */
};

/* Status of flows that the helper rows are about. */
#define CORE_HELPED ((uint32_t)CT_HELPER | (uint32_t)CT_SEQ_ADJUST)

static inline void core_stat(struct ct *ct, enum ct_stat stat)
{
    ct_add(&ct->stats[stat], 1);
}

/* The packet, or the call, that took these steps is over. */
static inline void core_worked(struct ct *ct, enum ct_stat most)
{
    if (ct->work.steps > ct->stats[most])
        __atomic_store_n(&ct->stats[most], ct->work.steps, __ATOMIC_RELAXED);
    ct->work.steps = 0;
}

/* The packet met that rule: count it, and tell of it if the rule says so. */
void core_met(struct ct *ct, uint32_t rule, const struct ct_pkt *pkt);

/* Take a token of that rule's bucket, which all shards share. */
bool core_limit(struct ct *ct, uint32_t rule);

/* Live flows of that flow's source in other shards. */
uint32_t core_connlimit_others(const struct ct *ct,
                               const struct ct_connlimit *rule,
                               const struct ct_conn *c);

/* Records of all shards.  What another takes or returns at this very instant
 * may be missed. */
static inline uint32_t core_records(const struct ct *ct)
{
    return ct->ext.pool.used +
           (uint32_t)peers_others(&ct->peers, CT_STAT_extensions);
}

/* Is there one for a new flow of this tuple? */
static inline bool core_may_extend(const struct ct *ct,
                                   const struct ct_tuple *orig)
{
    return ct->ext.pool.used < ct->ext.pool.n &&
           !share_has_few(ct->nat.share, SHARE_RECORDS, orig, core_records(ct),
                          ct->params.v[CT_PARAM_extensions]);
}

/* Give a flow an extension, and count it; NULL: none left for it, and that
 * counted.
 * => between conn_write_begin() and conn_write_end() of that slot. */
static inline struct ext *core_extend(struct ct *ct, uint32_t slot,
                                      enum ext_kind kind)
{
    bool had = ext_find(&ct->ext, slot);
    struct share_place place = {0, 0};
    struct ext *x = NULL;

    ct_assert_slow(ct->table.conns[slot].seq & 1);
    if (had || share_take_few(ct->nat.share, SHARE_RECORDS,
                              &ct->table.conns[slot].tuple[CT_DIR_ORIGINAL],
                              core_records(ct),
                              ct->params.v[CT_PARAM_extensions], &place))
        x = ext_add(&ct->ext, slot, kind);
    if (x && !had)
        x->place = place;
    else if (!had)
        share_leave_few(ct->nat.share, &place);
    if (!x)
        core_stat(ct, CT_STAT_ext_full);
    __atomic_store_n(&ct->stats[CT_STAT_extensions], ct->ext.pool.used,
                     __ATOMIC_RELAXED);
    return x;
}

/* Is one of the interface's own addresses addr? */
static inline bool core_has_address(const struct ct_iface *f, uint8_t family,
                                    const union ct_addr *addr)
{
    for (unsigned i = 0; i < f->n_addrs; i++)
        if (f->family[i] == family && ct_addr_eq(&f->addr[i], addr))
            return true;
    return false;
}

static inline bool core_is_inside(const struct ct *ct, uint8_t iface)
{
    return iface < ct->ifaces.n && ct->ifaces.iface[iface].inside;
}

/* The packet is one of that flow, so directed. */
static inline void core_attach(struct ct_pkt *pkt, struct ct_conn *c,
                               enum ct_dir dir)
{
    pkt->conn = c;
    pkt->conn_gen = c->gen;
    pkt->dir = (uint8_t)dir;
}

/* And counts for it.
 * => between conn_write_begin() and conn_write_end() of that slot. */
static inline void core_account(struct ct *ct, uint32_t slot,
                                const struct ct_pkt *pkt)
{
    struct acct *a;

    ct_assert_slow(ct->table.conns[slot].seq & 1);
    if (!ct->counting)
        return;
    a = &ct->acct[slot];
    conn_set(a->packets[pkt->dir], a->packets[pkt->dir] + 1);
    conn_set(a->bytes[pkt->dir], a->bytes[pkt->dir] + pkt->len);
}

static inline struct ct_conn *core_conn(const struct ct *ct, uint32_t slot)
{
    return &ct->table.conns[slot];
}

#endif
