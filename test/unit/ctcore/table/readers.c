/* readers.c - other threads read the table while the owner writes it
 *
 * Everything about a flow follows from its source port, so a copy that mixes
 * two moments, or two flows of one slot, gives itself away: the tuples must be
 * each other's inverse, the mark and the size of a packet belong to the port,
 * and a (slot, gen) never changes its flow.  As long as there are extensions
 * each has a helper, and announces another flow to its own port.  Run in the
 * tsan preset this proves that readers need no lock; run anywhere, that copies
 * are whole. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ctcore/ct.h>
#include <ctcore/wire.h>

#include "base/hash.h"
#include "bytes.h"

enum { MAX = 256, FLOWS = 900, MARKS = 8, READERS = 2, STEPS = 150000 };

struct watch { /* what one reader saw of a slot */
    uint32_t gen;
    uint16_t port;
    bool seen;
};

struct reader {
    pthread_t thread;
    const struct ct *ct;
    ct_time now;
    uint64_t reads, expects, wrong, rounds;
    struct watch *watch;
};

static atomic_bool finished;

/* ---- what a port says about its flow ---- */

static uint16_t port_of(uint32_t flow)
{
    return (uint16_t)(flow * 71 + 1);
}

static uint16_t far_port(uint16_t port)
{
    return port ^ 0x5555;
}

static uint32_t size_of(uint16_t port, enum ct_dir dir)
{
    return dir == CT_DIR_ORIGINAL ? 28u + port % 100 : 28u + port % 77;
}

static uint32_t mark_of(uint16_t port)
{
    return port / (65536 / MARKS) + 1u;
}

static bool belongs(const struct ct_view *v, struct watch *w)
{
    const struct ct_tuple *o = &v->tuple[0], *r = &v->tuple[1];
    uint16_t port = o->sport;

    if (o->dport != far_port(port) || r->sport != o->dport ||
        r->dport != o->sport || !ct_addr_eq(&o->src, &r->dst) ||
        !ct_addr_eq(&o->dst, &r->src) || o->proto != 17 || r->proto != 17 ||
        o->src.b[3] != port % 251 || o->dst.b[3] != port % 241)
        return false;
    if (v->mark != mark_of(port) || !(v->status & CT_CONFIRMED) ||
        (v->helper == CT_HELPER_tftp) != ((v->status & CT_HELPER) != 0))
        return false;
    for (unsigned d = 0; d < CT_N_DIRS; d++)
        if (v->bytes[d] != v->packets[d] * size_of(port, (enum ct_dir)d))
            return false;
    if (v->packets[0] == 0 ||
        (v->packets[1] > 0) != ((v->status & CT_SEEN_REPLY) != 0))
        return false;
    if (w->seen && w->gen == v->gen && w->port != port)
        return false;
    *w = (struct watch){.gen = v->gen, .port = port, .seen = true};
    return true;
}

static bool is_whole(const struct ct_expect_view *e)
{
    return e->helper == CT_HELPER_tftp && e->any_sport && !e->any_src &&
           e->tuple.dport == e->master.sport &&
           e->master.dport == far_port(e->master.sport) &&
           ct_addr_eq(&e->tuple.src, &e->master.dst) &&
           ct_addr_eq(&e->tuple.dst, &e->master.src) &&
           e->master.src.b[3] == e->master.sport % 251;
}

static void *read_on(void *arg)
{
    struct reader *r = arg;
    struct ct_view v;
    struct ct_expect_view e;

    while (!atomic_load(&finished)) {
        for (uint32_t s = 0; s < ct_slots(r->ct); s++)
            if (ct_read(r->ct, s, r->now, &v)) {
                r->reads++;
                r->wrong += !belongs(&v, &r->watch[s]);
            }
        for (uint32_t i = 0; i < ct_expects(r->ct); i++)
            if (ct_read_expect(r->ct, i, r->now, &e)) {
                r->expects++;
                r->wrong += !is_whole(&e);
            }
        r->rounds++;
        (void)ct_stat(r->ct, CT_STAT_entries);
        (void)ct_drops(r->ct, CT_REASON_TABLE_FULL);
    }
    return NULL;
}

/* ---- the owner ---- */

static uint8_t frame[CT_HEADROOM + 256 + CT_HEADROOM];

static bool walk(struct ct *ct, uint16_t port, enum ct_dir dir)
{
    uint8_t *p = frame + CT_HEADROOM;
    uint32_t len = size_of(port, dir);
    bool orig = dir == CT_DIR_ORIGINAL, ok;
    uint8_t *near = p + (orig ? 12 : 16), *far = p + (orig ? 16 : 12);
    struct ct_pkt pkt = {
        .data = p, .len = len, .csum_ok = true, .in = orig ? 0 : 1};

    memset(p, 0, len);
    p[0] = 0x45;
    bytes_put16(p + 2, (uint16_t)len);
    p[8] = 64;
    p[9] = 17;
    memcpy(near, (const uint8_t[]){10, 0, 0, (uint8_t)(port % 251)}, 4);
    memcpy(far, (const uint8_t[]){198, 51, 100, (uint8_t)(port % 241)}, 4);
    bytes_put16(p + 10, (uint16_t)~ct_inet_sum(p, 20, 0));
    bytes_put16(p + 20, orig ? port : far_port(port));
    bytes_put16(p + 22, orig ? far_port(port) : port);
    bytes_put16(p + 24, (uint16_t)(len - 20));
    bytes_put16(p + 26, 1);
    if (len >= 30) /* a request, to the helper */
        bytes_put16(p + 28, 1);
    if (ct_parse(ct, &pkt) != CT_REASON_NONE)
        return false;
    ok = ct_hook(ct, CT_PREROUTING, &pkt) == CT_ACCEPT;
    pkt.out = orig ? 1 : 0;
    ok = ok && ct_hook(ct, CT_FORWARD, &pkt) == CT_ACCEPT &&
         ct_hook(ct, CT_POSTROUTING, &pkt) == CT_ACCEPT;
    ct_done(ct, &pkt);
    return ok;
}

static void set_marks(struct ct *ct)
{
    static struct ct_rule rules[MARKS + 1];
    static struct ct_number_range ranges[MARKS];
    static struct ct_ruleset set;
    static struct ct_rule_count counts[MARKS + 1];
    enum { SPAN = 65536 / MARKS };

    memset(rules, 0, sizeof rules);
    rules[0].stage = CT_STAGE_RAW; /* of PREROUTING */
    rules[0].action = CT_ACT_HELPER;
    rules[0].helper = CT_HELPER_tftp;
    rules[0].match.in.of = 1u << 0;
    for (unsigned i = 0; i < MARKS; i++) {
        struct ct_rule *r = &rules[i + 1];

        ranges[i] = (struct ct_number_range){(uint16_t)(i * SPAN),
                                             (uint16_t)(i * SPAN + SPAN - 1)};
        r->hook = CT_PREROUTING;
        r->stage = CT_STAGE_MANGLE;
        r->action = CT_ACT_MARK;
        r->mark = i + 1;
        r->mark_mask = 0xffffffff;
        r->match.in.of = 1u << 0;
        r->match.sport = (struct ct_number_set){&ranges[i], 1, false};
    }
    set.rules = rules;
    set.n = MARKS + 1;
    for (unsigned h = 0; h < CT_N_HOOKS; h++) {
        for (unsigned s = 0; s <= CT_N_STAGES; s++)
            set.start[h][s] = h > CT_PREROUTING || s > CT_STAGE_MANGLE
                                  ? MARKS + 1
                                  : s > CT_STAGE_RAW;
        set.policy[h] = CT_ACCEPT;
    }
    ct_set_rules(ct, &set, counts);
}

/* Open, answer, repeat, delete, expire: one step. */
static void step(struct ct *ct, struct rng *rng, ct_time *now)
{
    uint32_t what = hash_rng_below(rng, 100);
    uint16_t port = port_of(hash_rng_below(rng, FLOWS));
    struct ct_view v;

    ct_begin(ct, *now);
    if (what < 55) {
        (void)walk(ct, port, CT_DIR_ORIGINAL);
    } else if (what < 92) {
        uint32_t slot = hash_rng_below(rng, ct_slots(ct));

        if (ct_read(ct, slot, *now, &v))
            assert_true(walk(ct, v.tuple[0].sport,
                             what < 72 ? CT_DIR_REPLY : CT_DIR_ORIGINAL));
    } else if (what < 98) {
        uint32_t slot = hash_rng_below(rng, ct_slots(ct));

        if (ct_read(ct, slot, *now, &v))
            assert_true(ct_delete(ct, v.slot, v.gen));
    } else {
        *now = ct_time_add_ms(*now, hash_rng_below(rng, 9000));
        (void)ct_tick(ct, *now, 64);
    }
}

static void r7_readers_see_whole_flows(void **state)
{
    struct ct_config config = {.max = MAX,
                               .buckets = 64,
                               .n_shards = 1,
                               .acct = true,
                               .timestamp = true,
                               .seed = 7,
                               .key = {1, 2, 3}};
    struct reader readers[READERS];
    struct rng rng = {.state = 99};
    ct_time now = {1000};
    void *block;
    struct ct *ct;

    (void)state;
    ct_params_default(&config.params, CT_PROFILE_LINUX);
    config.params.v[CT_PARAM_extensions] = MAX / 2;
    config.params.v[CT_PARAM_expect_max] = MAX / 2;
    block = aligned_alloc(64, (ct_size(&config) + 63) / 64 * 64);
    assert_non_null(block);
    ct = ct_init(block, &config, now);
    assert_non_null(ct);
    set_marks(ct);
    atomic_store(&finished, false);
    for (unsigned i = 0; i < READERS; i++) {
        readers[i] = (struct reader){.ct = ct, .now = now};
        readers[i].watch = calloc(ct_slots(ct), sizeof(struct watch));
        assert_non_null(readers[i].watch);
        assert_int_equal(
            pthread_create(&readers[i].thread, NULL, read_on, &readers[i]), 0);
    }
    for (unsigned i = 0; i < STEPS; i++)
        step(ct, &rng, &now);
    atomic_store(&finished, true);
    for (unsigned i = 0; i < READERS; i++) {
        pthread_join(readers[i].thread, NULL);
        assert_int_equal(readers[i].wrong, 0);
        assert_true(readers[i].rounds > 10);
        assert_true(readers[i].reads > 1000);
        assert_true(readers[i].expects > 1000);
        free(readers[i].watch);
    }
    assert_true(ct_stat(ct, CT_STAT_created) > 10000);
    assert_true(ct_stat(ct, CT_STAT_early_drop) > 0);
    assert_true(ct_stat(ct, CT_STAT_expired) > 0);
    assert_int_equal(ct_stat(ct, CT_STAT_created) -
                         ct_stat(ct, CT_STAT_destroyed),
                     ct_stat(ct, CT_STAT_entries));
    free(block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(r7_readers_see_whole_flows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
