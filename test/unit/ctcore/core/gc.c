/* gc.c - which flows make room, which never do, and when time is asked next */
#include "core/gc.h"
#include "corerig.h"

static void flows(struct corerig *r, int from, int n)
{
    char spec[80];

    for (int i = from; i < from + n; i++) {
        snprintf(spec, sizeof spec,
                 "10.%d.%d.%d:2009 > 198.51.100.2:80 udp 'a'", 1 + i / 65536,
                 i / 256 % 256, i % 256);
        walk(r, LAN, WAN, spec);
    }
}

static void assure_all(struct corerig *r)
{
    for (uint32_t i = 0; i < ct_slots(r->ct); i++)
        core_conn(r->ct, i)->status |= CT_ASSURED;
}

static void tick_says_when_it_wants_to_come_again(void **state)
{
    struct ct_config c = {.max = 64};
    struct corerig r;

    (void)state;
    corerig_open(&r, &c);
    assert_int_equal(ct_tick(r.ct, r.now, 10), 1000);
    flows(&r, 0, 20);
    r.now.ms += 29700;
    assert_int_equal(ct_tick(r.ct, r.now, 10), 300);
    assert_int_equal(ct_stat(r.ct, CT_STAT_entries), 20);
    r.now.ms += 300;
    assert_int_equal(ct_tick(r.ct, r.now, 10), 0); /* there is more */
    assert_int_equal(ct_stat(r.ct, CT_STAT_entries), 10);
    ct_tick(r.ct, r.now, 10);
    assert_int_equal(ct_tick(r.ct, r.now, 10), 1000);
    assert_int_equal(ct_stat(r.ct, CT_STAT_entries), 0);
    assert_int_equal(ct_stat(r.ct, CT_STAT_expired), 20);
    corerig_close(&r);
}

static void unassured_make_room(void **state)
{
    struct ct_config c = {.max = 1024};
    struct corerig r;

    (void)state;
    corerig_open(&r, &c);
    flows(&r, 0, 2024);
    assert_int_equal(ct_stat(r.ct, CT_STAT_table_full), 0);
    assert_in_range(ct_stat(r.ct, CT_STAT_early_drop), 1000, 2000);
    assert_in_range(ct_stat(r.ct, CT_STAT_entries), 900, 1024);
    corerig_close(&r);
}

static void assured_are_never_evicted(void **state)
{
    struct ct_config c = {.max = 1024};
    struct corerig r;

    (void)state;
    corerig_open(&r, &c);
    flows(&r, 0, 1024);
    assure_all(&r);
    flows(&r, 5000, 1000);
    assert_int_equal(ct_stat(r.ct, CT_STAT_table_full), 1000);
    assert_int_equal(ct_drops(r.ct, CT_REASON_TABLE_FULL), 1000);
    assert_int_equal(ct_stat(r.ct, CT_STAT_early_drop), 0);
    assert_int_equal(ct_stat(r.ct, CT_STAT_entries), 1024);
    /* expired ones give way at once, whatever they were */
    corerig_at(&r, 31000);
    flows(&r, 7000, 1);
    assert_int_equal(ct_stat(r.ct, CT_STAT_table_full), 1000);
    corerig_close(&r);
}

static void untracked_when_full_never_leaves_untranslated(void **state)
{
    struct ct_config c = {.max = 16, .on_full = CT_FULL_UNTRACKED};
    struct corerig r;

    (void)state;
    corerig_open(&r, &c);
    flows(&r, 0, 16);
    assure_all(&r);
    assert_int_equal(walk(&r, LAN, WAN, "10.0.9.9:9 > 198.51.100.2:80 udp 'a'"),
                     CT_DROP);
    assert_int_equal(r.pkt.why, CT_REASON_UNTRANSLATED);
    /* where no NAT is meant it passes */
    assert_int_equal(walk(&r, LAN, LAN, "10.0.9.9:9 > 10.0.9.8:80 udp 'a'"),
                     CT_ACCEPT);
    assert_int_equal(r.pkt.info, CT_UNTRACKED);
    corerig_close(&r);
}

static void reject_when_full_asks_for_an_answer(void **state)
{
    struct ct_config c = {.max = 16, .on_full = CT_FULL_REJECT};
    struct corerig r;

    (void)state;
    corerig_open(&r, &c);
    flows(&r, 0, 16);
    assure_all(&r);
    assert_int_equal(walk(&r, LAN, WAN, "10.0.9.9:9 > 198.51.100.2:80 udp 'a'"),
                     CT_DROP);
    assert_int_equal(r.pkt.why, CT_REASON_TABLE_FULL);
    assert_true(r.pkt.tell);
    assert_int_equal(r.pkt.reject, CT_REJECT_ADMIN);
    corerig_close(&r);
}

/* A list whose duration changed in place may hide an expired flow behind a
 * longer one: early drop takes it as the kernel does, assured or not. */
static void expired_ones_are_found_where_their_list_hides_them(void **state)
{
    struct ct_config c = {.max = 16};
    struct corerig r;

    (void)state;
    corerig_open(&r, &c);
    flows(&r, 0, 16);
    assure_all(&r);
    for (uint32_t i = 1; i < ct_slots(r.ct); i++)
        core_conn(r.ct, i)->expires = r.now.ms;
    assert_int_equal(walk(&r, LAN, WAN, "10.0.9.9:9 > 198.51.100.2:80 udp 'a'"),
                     CT_ACCEPT);
    assert_int_equal(ct_stat(r.ct, CT_STAT_early_drop), 0);
    assert_true(ct_stat(r.ct, CT_STAT_expired) >= 1);
    corerig_close(&r);
}

/* The kernel, measured: P(drop) = assured ^ (nodes in eight buckets). */
static void early_drop_follows_the_kernels_law(void **state)
{
    struct ct_config c = {.max = 16384};
    struct corerig r;
    double refused;

    (void)state;
    corerig_open(&r, &c);
    flows(&r, 0, 16384);
    for (uint32_t i = 0; i < 16384; i++)
        if (i % 1000 < 916)
            core_conn(r.ct, i)->status |= CT_ASSURED;
    flows(&r, 20000, 400); /* few, so that the fraction stays */
    refused = (double)ct_stat(r.ct, CT_STAT_table_full) / 400;
    assert_true(refused > 0.12 && refused < 0.38); /* 0.916^16 = 0.245 */
    corerig_close(&r);
}

static void by_hand_only_the_flow_that_was_named(void **state)
{
    struct ct_config c = {.max = 64};
    struct corerig r;
    struct ct_view v;

    (void)state;
    corerig_open(&r, &c);
    flows(&r, 0, 3);
    assert_true(ct_read(r.ct, 1, r.now, &v));
    assert_false(ct_delete(r.ct, 1, v.gen + 1));
    assert_false(ct_delete(r.ct, 63, 0));
    assert_true(ct_delete(r.ct, 1, v.gen));
    assert_false(ct_delete(r.ct, 1, v.gen));
    assert_false(ct_read(r.ct, 1, r.now, &v));
    assert_int_equal(ct_stat(r.ct, CT_STAT_entries), 2);
    assert_int_equal(ct_flush(r.ct), 2);
    corerig_close(&r);
}

/* And one that is not hidden; its interfaces. */
static struct ct_ifaces three_hidden_flows(struct corerig *r)
{
    struct ct_config c = {.max = 64};

    corerig_open(r, &c);
    flows(r, 0, 3);
    walk(r, LAN, LAN, "10.0.9.9:9 > 10.0.9.8:80 udp 'a'");
    return r->ct->ifaces;
}

static void an_address_that_goes_takes_its_flows(void **state)
{
    struct ct_ifaces ifaces;
    struct corerig r;

    (void)state;
    ifaces = three_hidden_flows(&r);
    ct_set_ifaces(r.ct, &ifaces);
    assert_true(ct_settle_some(r.ct, 0));
    assert_int_equal(ct_stat(r.ct, CT_STAT_entries), 4);
    ifaces.iface[WAN].addr[0] = ip4(198, 51, 100, 77);
    ct_set_ifaces(r.ct, &ifaces);
    assert_int_equal(ct_tick(r.ct, r.now, 3), 0);
    assert_int_not_equal(ct_tick(r.ct, r.now, 3), 0);
    assert_int_equal(ct_stat(r.ct, CT_STAT_entries), 1);
    corerig_close(&r);
}

/* So does its interface, whatever stands behind the last one. */
static void an_interface_that_goes_takes_its_flows(void **state)
{
    struct ct_ifaces ifaces;
    struct corerig r;

    (void)state;
    ifaces = three_hidden_flows(&r);
    ifaces.n = WAN;
    ct_set_ifaces(r.ct, &ifaces);
    assert_true(ct_settle_some(r.ct, 64));
    assert_int_equal(ct_stat(r.ct, CT_STAT_entries), 1);
    corerig_close(&r);
}

/* An address that goes costs its call nothing, each slice its budget; a packet
 * of a flow that has not been looked at yet finds it over. */
static void an_address_goes_slice_by_slice(void **state)
{
    enum { FLOWS = 3000, BUDGET = 100 };
    struct ct_config c = {.max = 4096};
    struct ct_ifaces ifaces;
    struct corerig r;
    unsigned turns = 0, port;
    char error[128];

    (void)state;
    corerig_open(&r, &c);
    flows(&r, 0, FLOWS - 1);
    assert_int_equal(sscanf(left_as(&r), "198.51.100.1:%u", &port), 1);
    flows(&r, FLOWS - 1, 1);
    ct_tick(r.ct, r.now, BUDGET);
    ifaces = r.ct->ifaces;
    ifaces.iface[WAN].addr[0] = ip4(198, 51, 100, 77);
    ct_set_ifaces(r.ct, &ifaces);
    assert_int_equal(ct_stat(r.ct, CT_STAT_entries), FLOWS);
    /* an answer to it belongs to no flow of ours, its own next begins one */
    walk(&r, WAN, LAN, "198.51.100.2:80 > 198.51.100.1:2009 udp 'a'");
    assert_int_equal(r.pkt.info, CT_NEW);
    flows(&r, FLOWS - 1, 1);
    assert_string_equal(left_as(&r),
                        "198.51.100.77:2009 > 198.51.100.2:80 udp");
    snprintf(error, sizeof error,
             "198.51.100.9 > 198.51.100.1 icmp 3/1 about "
             "{198.51.100.1:%u > 198.51.100.2:80 udp}",
             port);
    assert_int_equal(walk(&r, WAN, LAN, error), CT_ACCEPT);
    assert_int_equal(r.pkt.info, CT_INVALID);
    while (!ct_settle_some(r.ct, BUDGET))
        turns++;
    assert_in_range(turns, FLOWS / BUDGET - 1, FLOWS / BUDGET + 1);
    assert_int_equal(ct_stat(r.ct, CT_STAT_entries), 2);
    /* a look and an end for each slot, and the lists of a tick */
    assert_in_range(ct_stat(r.ct, CT_STAT_work_call_max), BUDGET, 4 * BUDGET);
    corerig_close(&r);
}

/* Time, a flush and a review cost what their budget says, whatever is due. */
static void a_slice_takes_no_more_than_its_budget(void **state)
{
    enum { FLOWS = 4000, BUDGET = 50 };
    struct ct_config c = {.max = 4096, .profile = CT_PROFILE_WEIR};
    struct corerig r;
    uint32_t from = 0;

    (void)state;
    corerig_open_tuned(&r, &c, CT_PARAM_source_share, 0);
    flows(&r, 0, FLOWS);
    corerig_at(&r, 40000);
    assert_int_equal(ct_tick(r.ct, r.now, BUDGET), 0);
    assert_int_equal(ct_stat(r.ct, CT_STAT_entries), FLOWS - BUDGET);
    assert_false(ct_flush_some(r.ct, &from, BUDGET));
    from = 0;
    assert_false(ct_revalidate_some(r.ct, &from, BUDGET));
    assert_in_range(ct_stat(r.ct, CT_STAT_work_call_max), BUDGET, 600);
    /* nor does the packet that finds the table full of what is due */
    flows(&r, FLOWS, 200);
    assert_in_range(ct_stat(r.ct, CT_STAT_work_max), 1, 600);
    corerig_close(&r);
}

/* The price of the table, known at start: everything, accounting and mappings
 * included. */
static void a_flow_costs_320_bytes_at_most(void **state)
{
    struct ct_config c = {.max = 262144, .n_shards = 1, .acct = true};

    (void)state;
    assert_true(ct_size(&c) <= 320ull * c.max);
    c.timestamp = true;
    assert_true(ct_size(&c) <= 324ull * c.max);
}

/* Readers, who are others, count how often they began again. */
static void searches_begun_again_are_shown(void **state)
{
    struct ct_config c = {.max = 64};
    struct corerig r;

    (void)state;
    corerig_open(&r, &c);
    assert_int_equal(ct_stat(r.ct, CT_STAT_search_restart), 0);
    *r.ct->restarts = 5;
    assert_int_equal(ct_stat(r.ct, CT_STAT_search_restart), 5);
    corerig_close(&r);
}

/* As in the kernel, of eight buckets from the new flow's on: what may go and
 * stands in the eighth goes, what stands in the ninth stays. */
static void eight_buckets_are_looked_at(void **state)
{
    enum { MAX = 16, LOOKS = 8 };
    unsigned last = 0, behind = 0;

    (void)state;
    for (uint16_t port = 1; port < 160; port++) {
        struct ct_config c = {.max = MAX};
        struct corerig r;
        const struct ct_conn *may;
        struct ct_tuple t;
        uint32_t least = UINT32_MAX, from, n;
        char spec[80];

        corerig_open(&r, &c);
        flows(&r, 0, MAX);
        assure_all(&r);
        core_conn(r.ct, port % MAX)->status &= ~(uint32_t)CT_ASSURED;
        may = core_conn(r.ct, port % MAX);
        t = (struct ct_tuple){.src = ip4(10, 0, 9, 9),
                              .dst = ip4(198, 51, 100, 2),
                              .sport = port,
                              .dport = 80,
                              .family = CT_IPV4,
                              .proto = 17};
        n = r.ct->table.n_buckets;
        from = table_bucket(&r.ct->table, tuple_hash(&t, r.ct->table.key));
        for (int d = 0; d < CT_N_DIRS; d++) {
            uint32_t at = table_bucket(
                &r.ct->table, tuple_hash(&may->tuple[d], r.ct->table.key));
            uint32_t steps = (at + n - from) % n;

            least = steps < least ? steps : least;
        }
        snprintf(spec, sizeof spec, "10.0.9.9:%u > 198.51.100.2:80 udp 'a'",
                 port);
        (void)walk(&r, LAN, WAN, spec);
        if (ct_stat(r.ct, CT_STAT_early_drop) != (least < LOOKS))
            fail_msg("port %u, %u buckets away", port, least);
        last += least == LOOKS - 1;
        behind += least == LOOKS;
        corerig_close(&r);
    }
    assert_true(last > 0 && behind > 0);
}

static uint32_t steps_of_room(struct corerig *r, uint64_t hash, bool want)
{
    uint32_t before = r->ct->work.steps;

    assert_int_equal(gc_make_room(r->ct, hash), want);
    return r->ct->work.steps - before;
}

/* Of a table that is full each entry of the eight buckets is a step, and so is
 * each list of those whose time may be up. */
static void each_look_is_a_step(void **state)
{
    enum { MAX = 64, LOOKS = 8, MANY = 100000 };
    struct ct_config c = {.max = MAX};
    struct corerig r;
    uint32_t nodes = 0, first = 0, slot;
    bool met[MAX] = {false};
    struct table_walk walk;
    uint64_t hash;

    (void)state;
    corerig_open(&r, &c);
    flows(&r, 0, MAX);
    assure_all(&r);
    for (uint32_t b = 0; b < LOOKS; b++) {
        struct table_walk w = table_walk(&r.ct->table, b);

        while ((slot = table_walk_on(&r.ct->table, &w)) != CT_NONE)
            nodes++;
    }
    assert_int_equal(table_bucket(&r.ct->table, 0), 0);
    assert_int_equal(steps_of_room(&r, 0, false), EXPIRY_N_LISTS + nodes);
    /* a packet that has taken many steps before makes room all the same */
    for (uint32_t i = 0; i < MAX; i++)
        core_conn(r.ct, i)->status &= ~(uint32_t)CT_ASSURED;
    r.ct->work.steps = MANY;
    for (hash = 0; first < 2; hash += 0x123456789abcdefull) {
        memset(met, 0, sizeof met);
        first = 0;
        walk = table_walk(&r.ct->table, table_bucket(&r.ct->table, hash));
        while ((slot = table_walk_on(&r.ct->table, &walk)) != CT_NONE) {
            first += !met[slot];
            met[slot] = true;
        }
    }
    hash -= 0x123456789abcdefull;
    assert_true(steps_of_room(&r, hash, true) > 0);
    assert_int_equal(ct_stat(r.ct, CT_STAT_early_drop), first); /* all go */
    corerig_close(&r);
}

/* A flow that finds its bucket full is refused, and counted for that. */
static void a_chain_that_is_too_long_is_counted(void **state)
{
    enum { FLOWS = 5 };
    struct ct_config c = {.max = 64};
    struct corerig r;

    (void)state;
    corerig_open(&r, &c);
    r.ct->table.n_buckets = 1; /* of seven slots, two a flow */
    r.ct->table.lines.n = 0;
    flows(&r, 0, FLOWS);
    assert_int_equal(ct_stat(r.ct, CT_STAT_entries), TABLE_WIDTH / 2);
    assert_int_equal(ct_stat(r.ct, CT_STAT_chaintoolong),
                     FLOWS - TABLE_WIDTH / 2);
    assert_int_equal(ct_stat(r.ct, CT_STAT_insert_failed),
                     FLOWS - TABLE_WIDTH / 2);
    assert_int_equal(ct_stat(r.ct, CT_STAT_drop), FLOWS - TABLE_WIDTH / 2);
    assert_int_equal(r.pkt.why, CT_REASON_CHAIN_TOO_LONG);
    corerig_close(&r);
}

/* A review looks at so many slots; each is a step. */
static void a_review_counts_its_looks(void **state)
{
    enum { FLOWS = 8, BUDGET = 5 };
    struct ct_config c = {.max = 64};
    uint32_t from = 0;
    struct corerig r;

    (void)state;
    corerig_open(&r, &c);
    walk(&r, LAN, LAN, "10.0.9.9:9 > 10.0.9.8:80 udp 'a'");
    flows(&r, 0, FLOWS);
    r.ct->stats[CT_STAT_work_call_max] = 0;
    ct_set_rules(r.ct, NULL, NULL);
    assert_false(ct_revalidate_some(r.ct, &from, BUDGET));
    assert_int_equal(from, BUDGET);
    assert_int_equal(ct_stat(r.ct, CT_STAT_work_call_max), BUDGET);
    assert_int_equal(ct_stat(r.ct, CT_STAT_entries), FLOWS + 1);
    corerig_close(&r);
}

/* Time that has come for three flows costs their ends, and the lists. */
static void each_end_is_as_many_steps_as_by_hand(void **state)
{
    enum { FLOWS = 8 };
    uint32_t by_hand, begin;
    struct ct_config c = {.max = 64};
    struct corerig r;

    (void)state;
    corerig_open(&r, &c);
    flows(&r, 0, FLOWS);
    begin = r.ct->work.steps;
    gc_destroy(r.ct, 0);
    by_hand = r.ct->work.steps - begin;
    corerig_at(&r, 10000);
    begin = r.ct->work.steps;
    assert_false(gc_expire(r.ct, r.now, 64));
    assert_int_equal(r.ct->work.steps - begin, EXPIRY_N_LISTS);
    corerig_at(&r, 31000);
    begin = r.ct->work.steps;
    assert_false(gc_expire(r.ct, r.now, 64));
    assert_int_equal(r.ct->work.steps - begin,
                     (FLOWS - 1) * by_hand + EXPIRY_N_LISTS);
    assert_int_equal(ct_stat(r.ct, CT_STAT_entries), 0);
    corerig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tick_says_when_it_wants_to_come_again),
        cmocka_unit_test(unassured_make_room),
        cmocka_unit_test(expired_ones_are_found_where_their_list_hides_them),
        cmocka_unit_test(assured_are_never_evicted),
        cmocka_unit_test(untracked_when_full_never_leaves_untranslated),
        cmocka_unit_test(reject_when_full_asks_for_an_answer),
        cmocka_unit_test(early_drop_follows_the_kernels_law),
        cmocka_unit_test(by_hand_only_the_flow_that_was_named),
        cmocka_unit_test(an_address_that_goes_takes_its_flows),
        cmocka_unit_test(an_interface_that_goes_takes_its_flows),
        cmocka_unit_test(an_address_goes_slice_by_slice),
        cmocka_unit_test(a_slice_takes_no_more_than_its_budget),
        cmocka_unit_test(a_flow_costs_320_bytes_at_most),
        cmocka_unit_test(searches_begun_again_are_shown),
        cmocka_unit_test(eight_buckets_are_looked_at),
        cmocka_unit_test(each_look_is_a_step),
        cmocka_unit_test(a_chain_that_is_too_long_is_counted),
        cmocka_unit_test(a_review_counts_its_looks),
        cmocka_unit_test(each_end_is_as_many_steps_as_by_hand),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
