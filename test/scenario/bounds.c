/* bounds.c - what the bounds on steps see
 *
 * Every world is held to RIG_WORK_MAX and RIG_CALL_MAX.  Here faults are
 * planted: a hash with one chain for all, and slices without a budget.  The
 * same talk without the fault stays far below a bound that the fault breaks. */
#include "world.h"

#include "core/core.h"
#include "packet.h"
#include "rules/connlimit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S "198.51.100.2"

enum { TALKS = 500 };

static const char *const packet_fault = "a packet took more steps than any may";
static const char *const call_fault =
    "a call between packets took more steps than any may";

/* What was done so far counts no more; nor does it for the world's end. */
static void forget(struct world *w)
{
    w->rig.ct->stats[CT_STAT_work_max] = 0;
    w->rig.ct->stats[CT_STAT_work_call_max] = 0;
}

static void end(struct world *w)
{
    forget(w);
    END(w);
}

/* Same text, or both none. */
static void judged(const struct world *w, const char *want, const char *what)
{
    const char *is = rig_check(&w->rig);

    if (is == want || (is && want && strcmp(is, want) == 0))
        return;
    fail_msg("%s: %s (%lu steps of a packet, %lu of a call)", what,
             is ? is : "no fault was seen",
             (unsigned long)stat_of(w, CT_STAT_work_max),
             (unsigned long)stat_of(w, CT_STAT_work_call_max));
}

/* ---- chains ---- */

static void talk_hosts(struct world *w)
{
    for (unsigned i = 0; i < TALKS; i++)
        sayf(w, "10.0.%u.%u:4000 > " S ":53 udp 'a'", 2 + i / 200, 1 + i % 200);
}

/* Ports of which each has a word of a remote's bitmap for itself. */
static void talk_ports(struct world *w)
{
    for (unsigned i = 0; i < 2 * TALKS; i++)
        sayf(w, "10.0.1.2:%u > " S ":53 udp 'a'", 1024 + 64 * i);
}

/* Flows that are over leave ports that rest, which others ask for. */
static void talk_and_rest(struct world *w)
{
    for (unsigned i = 0; i < TALKS; i++) {
        sayf(w, "10.0.%u.%u:%u > " S ":53 udp 'a'", 2 + i / 200, 1 + i % 200,
             4000 + i);
        sayf(w, S ":53 > 198.51.100.1:%u udp 'a'", last_sport(w));
    }
    while (count_flows(w) > 0)
        elapse(w, 1);
    assert_int_equal(w->rig.ct->nat.resting.rests.used, TALKS);
    for (unsigned i = 0; i < TALKS; i++)
        sayf(w, "10.0.9.9:%u > " S ":53 udp 'a'", 4000 + i);
}

/* Of each datagram the first fragment. */
static void talk_fragments(struct world *w)
{
    uint8_t bytes[64];
    char spec[80];

    for (unsigned i = 0; i < TALKS; i++) {
        size_t n;

        snprintf(spec, sizeof spec, "10.0.%u.%u:4000 > " S ":53 udp len 16",
                 2 + i / 200, 1 + i % 200);
        n = packet_build(bytes, sizeof bytes, spec);
        assert_true(n > 0);
        bytes[6] = 0x20; /* more fragments */
        packet_fix_sums(bytes, n);
        say_bytes(w, bytes, (uint32_t)n, 0);
    }
    assert_int_equal(stat_of(w, CT_STAT_frag_datagrams), TALKS);
}

static void talk_tftp(struct world *w)
{
    for (unsigned i = 0; i < TALKS; i++)
        sayf(w, "10.0.%u.%u:4000 > " S ":69 udp hex 000161006f6374657400",
             2 + i / 200, 1 + i % 200);
    assert_int_equal(stat_of(w, CT_STAT_expectations), TALKS);
}

static void one_tally(struct ct *ct)
{
    ct->share.tally.n_heads = 1;
}

static void one_limit(struct ct *ct)
{
    ct->connlimit->tally.n_heads = 1;
}

static void one_mapping(struct ct *ct)
{
    ct->nat.n_heads = 1;
}

static void one_remote(struct ct *ct)
{
    ct->nat.remotes.n_heads = 1;
}

static void one_rest(struct ct *ct)
{
    ct->nat.resting.n_heads = 1;
}

static void one_bucket(struct ct *ct)
{
    ct->table.n_buckets = 1;
}

static void one_datagram(struct ct *ct)
{
    ct->frag.mask = 0;
}

static void one_expectation(struct ct *ct)
{
    ct->expects.n_heads = 1;
}

#define INSIDE "inside 10.0.1.1/16; "

static const struct chain {
    const char *name, *world;
    void (*plant)(struct ct *ct);
    void (*talk)(struct world *w);
} chains[] = {
    {"shares of sources", INSIDE "profile weir", one_tally, talk_hosts},
    {"sources of a limit",
     INSIDE "forward {\"ct_state\":[\"new\"],\"connlimit\":\"over 9\","
            "\"verdict\":\"drop\"}",
     one_limit, talk_hosts},
    {"mappings", INSIDE, one_mapping, talk_hosts},
    {"words of remotes", INSIDE, one_remote, talk_ports},
    {"ports that rest", INSIDE "profile weir", one_rest, talk_and_rest},
    {"tuples", INSIDE, one_bucket, talk_hosts},
    {"datagrams", INSIDE "tune frag_per_source 1024", one_datagram,
     talk_fragments},
    {"expectations",
     INSIDE "tune extensions 1024; "
            "prerouting {\"proto\":\"udp\",\"dport\":69,\"helper\":\"tftp\"}",
     one_expectation, talk_tftp},
};

static void every_chain_is_counted(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof chains / sizeof *chains; i++)
        for (int planted = 0; planted < 2; planted++) {
            struct world *w = WORLD(chains[i].world);

            alone(w); /* it reaches into the core */
            w->quiet = true;
            w->rig.most_packet = TALKS / 4;
            if (planted)
                chains[i].plant(w->rig.ct);
            chains[i].talk(w);
            judged(w, planted ? packet_fault : NULL, chains[i].name);
            end(w);
        }
}

/* The same with the bound that all worlds are held to. */
static void the_bound_of_packets_is_broken_by_one_chain(void **state)
{
    struct world *w = WORLD(INSIDE "profile weir; masquerade off; "
                                   "max 16384; buckets 16384");

    (void)state;
    alone(w);
    w->quiet = true;
    one_tally(w->rig.ct);
    for (unsigned i = 0; i < RIG_WORK_MAX + 400; i++)
        sayf(w, "10.0.%u.%u:4000 > " S ":53 udp 'a'", 2 + i / 200, 1 + i % 200);
    judged(w, packet_fault, "shares of sources");
    end(w);
}

/* ---- calls ---- */

enum { FLOWS = 2000, BUDGET = 64 };

static uint32_t at; /* of a flush or a review */
static void *was;   /* a limit's old block */

static bool tick(struct world *w, uint32_t budget)
{
    return ct_tick(w->rig.ct, w->rig.now, budget) != 0;
}

static bool flush(struct world *w, uint32_t budget)
{
    return ct_flush_some(w->rig.ct, &at, budget);
}

static bool review(struct world *w, uint32_t budget)
{
    return ct_revalidate_some(w->rig.ct, &at, budget);
}

static bool settle(struct world *w, uint32_t budget)
{
    return ct_settle_some(w->rig.ct, budget);
}

static void is_late(struct world *w)
{
    w->rig.now.ms += 600000;
}

/* Flows are over, and what rests of them is late. */
static void rests_are_late(struct world *w)
{
    while (count_flows(w) > 0)
        elapse(w, 1);
    assert_in_range(w->rig.ct->nat.resting.rests.used, FLOWS / 2, FLOWS);
    is_late(w);
}

static void forbid(struct world *w)
{
    reload(w, INSIDE "profile weir; on_reload keep; policy forward drop");
    assert_int_equal(count_flows(w), FLOWS);
}

static void take_address(struct world *w)
{
    struct ct_ifaces ifaces = w->rig.ct->ifaces;

    ifaces.iface[1].addr[0].b[3] = 77;
    ct_set_ifaces(w->rig.ct, &ifaces);
}

/* As a reload does it; no less crowded than before. */
static void renew_limit(struct world *w)
{
    const struct ct_ruleset *rules = &w->rig.config->rules;
    uint32_t before[2] = {0, 1};
    uint32_t heads = w->rig.ct->connlimit->tally.n_heads;
    void *is = calloc(1, ct_connlimit_size(rules, ct_slots(w->rig.ct)));

    assert_non_null(is);
    assert_true(rules->n <= 2);
    ct_set_connlimit(w->rig.ct, rules, is, before);
    w->rig.ct->connlimit->tally.n_heads = heads;
    was = w->rig.shard[0].connlimit;
    w->rig.shard[0].connlimit = is;
}

static const struct call {
    const char *name, *world;
    void (*prepare)(struct world *w);
    bool (*go_on)(struct world *w, uint32_t budget);
    uint32_t left; /* flows */
} calls[] = {
    {"time", "profile weir", is_late, tick, 0},
    {"rests", "profile weir", rests_are_late, tick, 0},
    {"flush", "profile weir", NULL, flush, 0},
    {"review", "profile weir; on_reload keep", forbid, review, 0},
    {"an address that goes", "profile weir", take_address, settle, 0},
    {"a limit that moves",
     "forward {\"ct_state\":[\"new\"],\"connlimit\":\"over 99\","
     "\"verdict\":\"drop\"}",
     renew_limit, settle, FLOWS},
};

static void open_flows(struct world *w)
{
    for (unsigned i = 0; i < FLOWS; i++) {
        sayf(w, "10.0.%u.%u:%u > " S ":53 udp 'a'", 2 + i / 200, 1 + i % 200,
             4000 + i);
        sayf(w, S ":53 > 198.51.100.1:%u udp 'a'", last_sport(w));
    }
    assert_int_equal(count_flows(w), FLOWS);
}

/* Each flow that ends, or moves, costs dozens of steps. */
static void crowd(struct ct *ct)
{
    ct->share.tally.n_heads = 64;
    ct->nat.resting.hosts.n_heads = 16;
    if (ct->connlimit)
        ct->connlimit->tally.n_heads = 16;
}

static void judge_call(const struct call *c, uint32_t budget, bool crowded)
{
    /* A slice's steps, and its last slot's. */
    enum { MOST = WORK_A_SLICE + BUDGET * WORK_A_SLOT };
    char text[256];
    struct world *w;
    bool unbounded = budget == UINT32_MAX;

    snprintf(text, sizeof text, INSIDE "%s", c->world);
    w = WORLD(text);
    alone(w); /* it calls the core itself */
    w->quiet = true;
    if (crowded)
        crowd(w->rig.ct);
    open_flows(w);
    if (c->prepare)
        c->prepare(w);
    forget(w);
    at = 0;
    w->rig.most_call = MOST + (crowded ? MOST : 64);
    while (!c->go_on(w, budget))
        judged(w, unbounded ? call_fault : NULL, c->name);
    judged(w, unbounded ? call_fault : NULL, c->name);
    assert_int_equal(count_flows(w), c->left);
    free(was);
    was = NULL;
    end(w);
}

/* Whatever is due and whatever a flow costs, a call takes what its budget says;
 * one that had none would be seen. */
static void every_call_keeps_its_budget(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        judge_call(&calls[i], BUDGET, false);
        judge_call(&calls[i], BUDGET, true);
        judge_call(&calls[i], UINT32_MAX, false);
    }
}

/* The same with the bound that all worlds are held to. */
static void the_bound_of_calls_is_broken_without_a_budget(void **state)
{
    struct world *w = WORLD(INSIDE "max 16384; buckets 16384");

    (void)state;
    alone(w);
    w->quiet = true;
    for (unsigned i = 0; i < RIG_CALL_MAX + 1200; i++)
        sayf(w, "10.0.%u.%u:4000 > " S ":53 udp 'a'", 2 + i / 200, 1 + i % 200);
    at = 0;
    assert_false(flush(w, 1024));
    judged(w, NULL, "flush");
    assert_true(flush(w, UINT32_MAX));
    judged(w, call_fault, "flush");
    end(w);
}

int main(void)
{
    const struct CMUnitTest stories[] = {
        STORY(every_chain_is_counted),
        STORY(the_bound_of_packets_is_broken_by_one_chain),
        STORY(every_call_keeps_its_budget),
        STORY(the_bound_of_calls_is_broken_without_a_budget),
    };

    return cmocka_run_group_tests(stories, NULL, NULL);
}
