/* ct.c - the entry point: how a core is made, and the walk of one packet
 *
 * The block is laid out by one function that is run twice: without a base it
 * measures, with one it cuts. */
#include <ctcore/bits.h>
#include <ctcore/ct.h>

#include "core/elsewhere.h"
#include "core/gc.h"
#include "core/notify.h"
#include "hook/confirm.h"
#include "hook/track.h"
#include "hooks.h"
#include "packet/tuple.h"

#include <string.h>

#define SLICE 1024u

#define MIN_ENTRIES      16u
#define MIN_BUCKETS      16u
#define MAX_ENTRIES      (1u << 24)
#define DEFAULT_PORTMAPS 8u

static uint32_t buckets_of(const struct ct_config *config)
{
    uint32_t want = config->buckets ? config->buckets : config->max;

    return ct_power_of_two(want < MIN_BUCKETS ? MIN_BUCKETS : want);
}

static bool is_config_in_range(const struct ct_config *c)
{
    return c->max >= MIN_ENTRIES && c->max <= MAX_ENTRIES &&
           c->buckets <= MAX_ENTRIES && c->n_shards >= 1 &&
           c->n_shards <= CT_MAX_SHARDS && c->shard < c->n_shards &&
           c->portmaps <= 4096;
}

/* ct: scratch when b only measures.  Answers how much of it is to be zeroed:
 * what may never be used comes last and is not touched before it is. */
static size_t lay_out(struct ct *ct, struct block *b,
                      const struct ct_config *config)
{
    uint32_t max = config->max;
    uint32_t extensions = config->params.v[CT_PARAM_extensions];
    uint32_t expects = extensions ? config->params.v[CT_PARAM_expect_max] : 0;
    uint32_t maps = config->portmaps ? config->portmaps : DEFAULT_PORTMAPS;
    uint32_t rests = config->params.v[CT_PARAM_port_quarantine] ? max : 0;
    uint32_t shared = config->params.v[CT_PARAM_source_share] ? max : 0;
    size_t zeroed;

    table_init(&ct->table, b, buckets_of(config), max);
    pool_init(&ct->conns, b, max, sizeof(struct ct_conn),
              offsetof(struct ct_conn, exp_next));
    ct->acct = config->acct ? block_take(b, max * sizeof(struct acct)) : NULL;
    ct->start =
        config->timestamp ? block_take(b, max * sizeof(uint32_t)) : NULL;
    ext_init(&ct->ext, b, extensions, max);
    deadlines_init(&ct->expiry.own, b, extensions, max);
    expect_init(&ct->expects, b, expects);
    keymap_init(&ct->keymap, b, expects);
    ct->restarts = block_take(b, sizeof(uint64_t));
    portmap_init_all(&ct->ports, b, maps, config->shard, config->n_shards);
    mapping_init(&ct->nat, b, max);
    remote_init_all(&ct->nat.remotes, b, max);
    quarantine_init(&ct->nat.resting, b, rests);
    share_init(&ct->share, b, shared);
    zeroed = b->used;
    portmap_init_maps(&ct->ports, b, maps);
    quarantine_init_rests(&ct->nat.resting, b, rests);
    share_init_counters(&ct->share, b, shared,
                        shared ? expects + extensions : 0);
    if (config->fragments)
        frag_init(&ct->frag, b, &config->params);
    return zeroed;
}

size_t ct_size(const struct ct_config *config)
{
    struct block b = {.base = NULL};
    struct ct scratch;

    if (!is_config_in_range(config))
        return 0;
    memset(&scratch, 0, sizeof scratch);
    block_take(&b, sizeof(struct ct));
    lay_out(&scratch, &b, config);
    return b.used;
}

struct ct *ct_init(void *block, const struct ct_config *config, ct_time now)
{
    struct block b = {.base = NULL};
    struct ct *ct, scratch;

    if (!is_config_in_range(config))
        return NULL;
    memset(&scratch, 0, sizeof scratch);
    block_take(&b, sizeof(struct ct));
    memset(block, 0, lay_out(&scratch, &b, config));
    b = (struct block){.base = block};
    ct = block_take(&b, sizeof(struct ct));
    lay_out(ct, &b, config);
    memcpy(ct->table.key, config->key, sizeof ct->table.key);
    memcpy(ct->ports.key, config->key, sizeof ct->ports.key);
    ct->table.conns = (struct ct_conn *)(void *)ct->conns.items;
    ct->nat.table = &ct->table;
    ct->nat.ports = &ct->ports;
    ct->nat.stats = ct->stats;
    ct->nat.work = ct->nat.remotes.work = &ct->work;
    ct->table.work = ct->ports.work = ct->share.tally.work = &ct->work;
    ct->nat.rest_s = config->params.v[CT_PARAM_port_quarantine];
    ct->nat.share = share_is_on(&ct->share) ? &ct->share : NULL;
    ct->expects.share = ct->nat.share;
    memcpy(ct->share.tally.key, config->key, sizeof ct->share.tally.key);
    ct->share.part = config->params.v[CT_PARAM_source_share];
    ct->nat.exclusive_first = config->profile != CT_PROFILE_LINUX;
    ct->params = config->params;
    expiry_init(&ct->expiry, ct->table.conns, &ct->params, now);
    mapping_start(&ct->nat, config->seed);
    ipid_start(&ct->ids, config->seed, config->shard, config->n_shards);
    ct->peers.n_all = config->n_shards;
    ct->peers.self = config->shard;
    ct->peers.work = &ct->work;
    ct->nat.peers = &ct->peers;
    expect_start(&ct->expects, &ct->table, &ct->ext, &ct->peers, ct->stats);
    ct->expects.work = ct->frag.work = &ct->work;
    keymap_start(&ct->keymap, ct->table.key, &ct->work);
    frag_start(&ct->frag, config->key, ct->stats, ct->reasons);
    quarantine_start(&ct->nat.resting, &ct->nat.remotes, ct->table.key, now);
    ct->now = ct->birth = now;
    ct->ifaces_at = CT_NONE;
    ct->on_full = config->on_full;
    ct->hairpin = config->hairpin;
    ct->event = config->event;
    ct->queue = config->queue;
    ct->log = config->log;
    ct->ctx = config->ctx;
    ct_set_limits(ct, &(struct ct_limits){.acct = true, .timestamp = true});
    hooks_init(ct);
    return ct;
}

/* ---- configuration that changes ---- */

void ct_set_rules(struct ct *ct, const struct ct_ruleset *rules,
                  struct ct_rule_count *counts)
{
    ct->rules = rules;
    ct->counts = counts;
    ct->all_counts = NULL;
    ct->all_connlimits = NULL;
    hooks_rules(ct);
}

void ct_set_shared(struct ct *ct, struct ct_rule_count *const counts[],
                   void *const connlimits[])
{
    ct->all_counts = counts;
    ct->all_connlimits = connlimits;
}

size_t ct_connlimit_size(const struct ct_ruleset *rules, uint32_t max)
{
    struct block b = {.base = NULL};

    if (rules->n_connlimits)
        connlimit_init(&b, max, rules);
    return b.used;
}

void ct_set_connlimit(struct ct *ct, const struct ct_ruleset *rules,
                      void *block, const uint32_t *before)
{
    struct block b = {.base = block};
    struct connlimit *was = ct->connlimit, *is = NULL;

    if (block) {
        is = connlimit_init(&b, ct->conns.n, rules);
        memcpy(is->tally.key, ct->table.key, sizeof is->tally.key);
        is->tally.work = &ct->work;
    }
    if (was)
        while (!connlimit_move_some(was, ct->table.conns, ct->conns.fresh,
                                    SLICE, &ct->work))
            core_worked(ct, CT_STAT_work_call_max);
    for (uint32_t i = 0; is && was && before && i < rules->n; i++) {
        const struct ct_connlimit *rule = &rules->rules[i].connlimit;

        if (rule->number && before[i] != CT_NONE)
            connlimit_follow(is, rule->number, was,
                             ct->rules->rules[before[i]].connlimit.number);
    }
    if (is)
        __atomic_store_n(&is->ready, 1, __ATOMIC_RELEASE);
    ct->connlimit = is;
}

void ct_set_steer(struct ct *ct, const struct ct_steer *steer)
{
    bool keep = steer && (steer->n_shards > 1 || ct->nat.exclusive_first);

    ct->nat.forwards = keep ? steer : NULL;
    elsewhere_steer(ct, steer);
}

void ct_set_reserved(struct ct *ct, const struct ct_reserved *tcp,
                     const struct ct_reserved *udp)
{
    ct->nat.reserved_tcp = tcp;
    ct->nat.reserved_udp = udp;
}

void ct_set_taken(struct ct *ct, const struct ct_reserved *tcp,
                  const struct ct_reserved *udp)
{
    ct->nat.taken_tcp = tcp;
    ct->nat.taken_udp = udp;
}

void ct_set_limits(struct ct *ct, const struct ct_limits *limits)
{
    uint32_t n = ct->conns.n;

    ct->max = limits->max > 0 && limits->max < n ? limits->max : n;
    __atomic_store_n(&ct->counting, ct->acct && limits->acct, __ATOMIC_RELAXED);
    __atomic_store_n(&ct->stamping, ct->start && limits->timestamp,
                     __ATOMIC_RELAXED);
}

void ct_set_params(struct ct *ct, const struct ct_params *params)
{
    ct->params = *params;
    ct->share.part = params->v[CT_PARAM_source_share];
    expect_limit(&ct->expects, params->v[CT_PARAM_expect_max]);
    ct->nat.rest_s = params->v[CT_PARAM_port_quarantine];
    expiry_set_params(&ct->expiry, params);
    hooks_choose(ct);
}

const struct ct_params *ct_params(const struct ct *ct)
{
    return &ct->params;
}

void ct_subscribe(struct ct *ct, uint32_t mask)
{
    ct->subscribed = mask;
}

/* Slots below the pool's fresh mark have been out once; those in the table
 * bear CONFIRMED. */
static bool is_slot_confirmed(const struct ct *ct, uint32_t slot)
{
    return core_conn(ct, slot)->status & CT_CONFIRMED;
}

/* Has each of was's addresses stayed with its interface? */
static bool keeps_addresses(const struct ct_ifaces *was,
                            const struct ct_ifaces *is)
{
    for (uint32_t i = 0; i < was->n; i++)
        for (unsigned k = 0; k < was->iface[i].n_addrs; k++)
            if (i >= is->n ||
                !core_has_address(&is->iface[i], was->iface[i].family[k],
                                  &was->iface[i].addr[k]))
                return false;
    return true;
}

void ct_set_ifaces(struct ct *ct, const struct ct_ifaces *ifaces)
{
    if (!keeps_addresses(&ct->ifaces, ifaces))
        ct->ifaces_at = 0; /* from the beginning, if one was going on */
    ct->ifaces = *ifaces;
    ct->frag.inside = 0;
    for (uint32_t i = 0; i < ifaces->n; i++)
        ct->frag.inside |= (uint64_t)ifaces->iface[i].inside << i;
}

bool ct_settle_some(struct ct *ct, uint32_t budget)
{
    bool done = gc_end_homeless(ct, budget);

    if (ct->connlimit && done)
        done = connlimit_move_some(ct->connlimit, ct->table.conns,
                                   ct->conns.fresh, budget, &ct->work);
    core_worked(ct, CT_STAT_work_call_max);
    return done;
}

/* ---- packets ---- */

void ct_begin(struct ct *ct, ct_time now)
{
    ct_assert(now.ms >= ct->now.ms);
    ct->now = now;
}

enum ct_reason ct_parse(struct ct *ct, struct ct_pkt *pkt)
{
    enum ct_reason why = ct_parse_packet(pkt);

    if (why == CT_REASON_NONE)
        pkt->hash = tuple_hash(&pkt->tuple, ct->table.key);
    return why;
}

void ct_prefetch(const struct ct *ct, const struct ct_pkt *pkt)
{
    table_prefetch(&ct->table, pkt->hash);
}

uint8_t ct_way_back(const struct ct_pkt *pkt)
{
    if (!pkt->conn)
        return CT_NO_IFACE;
    return pkt->dir == CT_DIR_REPLY ? pkt->conn->in : pkt->conn->out;
}

enum ct_verdict ct_hook(struct ct *ct, enum ct_hook hook, struct ct_pkt *pkt)
{
    pkt->hook = (uint8_t)hook;
    return hooks_walk(ct, pkt, ct->live[hook]);
}

enum ct_verdict ct_take_over(struct ct *ct, struct ct_pkt *pkt)
{
    pkt->passed = true;
    pkt->elsewhere = 0;
    pkt->tracked = false;
    return hooks_walk(ct, pkt, hooks_from(ct, pkt, false));
}

enum ct_verdict ct_resume(struct ct *ct, struct ct_pkt *pkt,
                          enum ct_verdict verdict)
{
    ct_assert(pkt->held);
    pkt->held = false;
    if (pkt->kind == CT_KIND_NONE)
        ct_add(&ct->stats[CT_STAT_held], (uint64_t)-1);
    if (pkt->conn && pkt->conn->gen != pkt->conn_gen) {
        pkt->conn = NULL; /* and its NAT with it */
        pkt->info = CT_INVALID;
        return ct_drop(ct, pkt, CT_REASON_FLOW_ENDED);
    }
    if (verdict != CT_ACCEPT && verdict != CT_REPEAT && verdict != CT_STOP)
        return hooks_drop(ct, pkt, CT_REASON_HOOK);
    confirm_join(ct, pkt);
    if (!confirm_may(ct, pkt))
        return ct_drop(ct, pkt, CT_REASON_STEERED);
    if (verdict == CT_STOP)
        return hooks_stop(ct, pkt, hooks_from(ct, pkt, true));
    return hooks_walk(ct, pkt, hooks_from(ct, pkt, verdict == CT_ACCEPT));
}

void ct_set_mark(struct ct_pkt *pkt, uint32_t mark)
{
    pkt->mark = mark;
    if (pkt->conn && pkt->conn->gen == pkt->conn_gen)
        track_mark(pkt);
}

bool ct_flow_of(const struct ct *ct, const struct ct_pkt *pkt, uint32_t *slot,
                uint32_t *gen)
{
    if (!pkt->conn)
        return false;
    *slot = table_slot(&ct->table, pkt->conn);
    *gen = pkt->conn_gen;
    return true;
}

enum ct_reason ct_defrag(struct ct *ct, struct ct_pkt *pkt,
                         struct ct_pkt *whole, bool *is_whole)
{
    enum ct_reason why =
        frag_take(&ct->frag, pkt, &ct->params, ct->now, whole, is_whole);

    core_stat(ct, CT_STAT_frags);
    if (!*is_whole)
        core_worked(ct, CT_STAT_work_max);
    if (why != CT_REASON_NONE)
        ct_drop(ct, pkt, why);
    return why;
}

bool ct_defrag_expired(struct ct *ct, struct ct_pkt *first)
{
    bool some = frag_expired(&ct->frag, &ct->params, ct->now, first);

    core_worked(ct, CT_STAT_work_max);
    return some;
}

/* What ends with the packet, beyond itself: mostly nothing. */
static __attribute__((noinline)) void settle(struct ct *ct, struct ct_pkt *pkt,
                                             struct ct_conn *c)
{
    if (!(c->status & CT_CONFIRMED)) {
        /* The maker's, unless it has an heir: hooks.c. */
        if (pkt->heir || (pkt->made_conn && !(c->status & CT_DYING)))
            gc_discard(ct, table_slot(&ct->table, c));
        return;
    }
    if (c->status & CT_DYING)
        gc_destroy(ct, table_slot(&ct->table, c));
    else if (pkt->events)
        notify_send(ct, c, pkt->events);
}

void ct_done(struct ct *ct, struct ct_pkt *pkt)
{
    struct ct_conn *c = pkt->conn;

    if (__builtin_expect(ct->work.steps != 0, 0))
        core_worked(ct, CT_STAT_work_max);
    if (!c || pkt->held)
        return;
    pkt->conn = NULL;
    if (c->gen != pkt->conn_gen || (pkt->icmp_error && !pkt->heir))
        return; /* ended on the way by an answer; or only lent to an error */
    if (pkt->made_conn || pkt->events || (c->status & CT_DYING))
        settle(ct, pkt, c);
}

/* ---- time, and changes by hand ---- */

uint32_t ct_tick(struct ct *ct, ct_time now, uint32_t budget)
{
    uint64_t ms;
    bool more;

    ct_assert(now.ms >= ct->now.ms);
    ct->now = now;
    more = gc_expire(ct, now, budget);
    more |= !elsewhere_count(ct, budget);
    core_worked(ct, CT_STAT_work_call_max);
    if (!ct_settle_some(ct, budget) || more)
        return 0;
    ms = expiry_next(&ct->expiry, now).ms - now.ms;
    return ms < 1 ? 1 : (uint32_t)ms;
}

bool ct_delete(struct ct *ct, uint32_t slot, uint32_t gen)
{
    if (slot >= ct->conns.fresh || !is_slot_confirmed(ct, slot) ||
        core_conn(ct, slot)->gen != gen)
        return false;
    gc_destroy(ct, slot);
    core_worked(ct, CT_STAT_work_call_max);
    return true;
}

bool ct_flush_some(struct ct *ct, uint32_t *from, uint32_t budget)
{
    uint32_t slots = budget;

    for (; *from < ct->conns.fresh && budget > 0 &&
           work_may_go_on(&ct->work, 0, slots);
         ++*from, budget--) {
        work_step(&ct->work, 1);
        if (is_slot_confirmed(ct, *from))
            gc_destroy(ct, *from);
    }
    core_worked(ct, CT_STAT_work_call_max);
    return *from >= ct->conns.fresh;
}

/* By slices, which are counted one by one, as a worker does it. */
uint32_t ct_flush(struct ct *ct)
{
    uint32_t from = 0, before = ct->conns.used;

    while (!ct_flush_some(ct, &from, SLICE))
        ;
    return before - ct->conns.used;
}

void ct_count(struct ct *ct, enum ct_stat stat, uint64_t by)
{
    ct_add(&ct->stats[stat], by);
}
