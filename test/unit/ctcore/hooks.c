/* hooks.c - packets that are held while their flow goes on without them */
#include "corerig.h"

#include "bytes.h"

#define UDP "10.0.1.2:4000 > 198.51.100.2:80 udp 'x'"

struct thief {
    struct ct_pkt kept;
    uint8_t bytes[CT_HEADROOM + 256 + CT_HEADROOM];
    bool armed;
};

static enum ct_verdict steal(void *ctx, struct ct *ct, struct ct_pkt *pkt)
{
    struct thief *t = ctx;

    (void)ct;
    if (!t->armed)
        return CT_ACCEPT;
    t->armed = false;
    t->kept = *pkt;
    t->kept.held = true;
    t->kept.data = t->bytes + CT_HEADROOM;
    memcpy(t->kept.data, pkt->data, pkt->len);
    return CT_STOLEN;
}

static void open_with(struct corerig *r, struct thief *t)
{
    struct ct_config c = {.max = 16};

    memset(t, 0, sizeof *t);
    corerig_open(r, &c);
    assert_true(ct_register_hook(r->ct, CT_FORWARD, 10, "thief", steal, t));
}

static uint32_t gen_of(struct corerig *r, uint32_t slot)
{
    struct ct_view v;

    assert_true(ct_read(r->ct, slot, r->now, &v));
    return v.gen;
}

static void steal_one(struct corerig *r, struct thief *t)
{
    t->armed = true;
    assert_int_equal(walk(r, LAN, WAN, UDP), CT_STOLEN);
    assert_int_equal(ct_stat(r->ct, CT_STAT_held), 1);
}

static void comes_back_to_nothing(struct corerig *r, struct thief *t)
{
    assert_int_equal(ct_resume(r->ct, &t->kept, CT_ACCEPT), CT_DROP);
    assert_null(t->kept.conn);
    assert_int_equal(ct_drops(r->ct, CT_REASON_FLOW_ENDED), 1);
    assert_int_equal(ct_stat(r->ct, CT_STAT_held), 0);
    ct_done(r->ct, &t->kept);
}

static void its_flow_was_deleted(void **state)
{
    struct corerig r;
    struct thief t;

    (void)state;
    open_with(&r, &t);
    walk(&r, LAN, WAN, UDP);
    steal_one(&r, &t);
    assert_true(ct_delete(r.ct, 0, gen_of(&r, 0)));
    comes_back_to_nothing(&r, &t);
    corerig_close(&r);
}

/* The slot is in use again: the newcomer must not be touched. */
static void its_slot_is_another_flows(void **state)
{
    struct corerig r;
    struct thief t;
    uint32_t gen;

    (void)state;
    open_with(&r, &t);
    walk(&r, LAN, WAN, UDP);
    steal_one(&r, &t);
    corerig_at(&r, 31000);
    ct_tick(r.ct, r.now, 16);
    assert_int_equal(ct_stat(r.ct, CT_STAT_entries), 0);
    walk(&r, LAN, WAN, "10.0.1.3:9 > 198.51.100.2:80 udp 'y'");
    gen = gen_of(&r, 0);
    comes_back_to_nothing(&r, &t);
    assert_int_equal(gen_of(&r, 0), gen);
    assert_int_equal(ct_stat(r.ct, CT_STAT_entries), 1);
    corerig_close(&r);
}

/* The flow's first packet comes back late: neither a flush nor the timeout
 * frees an entry that was never confirmed. */
static void an_unconfirmed_flow_waits(void **state)
{
    struct corerig r;
    struct thief t;

    (void)state;
    open_with(&r, &t);
    steal_one(&r, &t);
    assert_int_equal(ct_flush(r.ct), 0);
    corerig_at(&r, 500000);
    ct_tick(r.ct, r.now, 16);
    assert_int_equal(ct_stat(r.ct, CT_STAT_entries), 1);
    assert_int_equal(ct_resume(r.ct, &t.kept, CT_ACCEPT), CT_ACCEPT);
    assert_int_equal(ct_hook(r.ct, CT_POSTROUTING, &t.kept), CT_ACCEPT);
    ct_done(r.ct, &t.kept);
    /* its time begins at confirm */
    ct_tick(r.ct, r.now, 16);
    assert_int_equal(ct_stat(r.ct, CT_STAT_entries), 1);
    corerig_close(&r);
}

/* The same flow's second packet was faster: the first gives up its own entry
 * and leaves by the one that stands, with that one's outside port. */
static void the_second_was_faster(void **state)
{
    struct corerig r;
    struct thief t;
    struct ct_view v;
    uint16_t port;

    (void)state;
    open_with(&r, &t);
    steal_one(&r, &t);
    assert_int_equal(walk(&r, LAN, WAN, UDP), CT_ACCEPT);
    assert_int_equal(ct_stat(r.ct, CT_STAT_entries), 2);
    port = bytes_get16(r.pkt.data + 20);
    assert_int_equal(ct_resume(r.ct, &t.kept, CT_ACCEPT), CT_ACCEPT);
    assert_int_equal(ct_stat(r.ct, CT_STAT_clash_resolve), 1);
    assert_int_equal(ct_stat(r.ct, CT_STAT_entries), 1);
    assert_int_equal(ct_hook(r.ct, CT_POSTROUTING, &t.kept), CT_ACCEPT);
    assert_memory_equal(t.kept.data + 12, r.pkt.data + 12, 4);
    assert_int_equal(bytes_get16(t.kept.data + 20), port);
    ct_done(r.ct, &t.kept);
    assert_true(ct_read(r.ct, 1, r.now, &v));
    assert_int_equal(ct_stat(r.ct, CT_STAT_insert_failed), 0);
    corerig_close(&r);
}

/* ... unless it was translated another way before it was held. */
static void it_was_sent_elsewhere(void **state)
{
    struct corerig r;
    struct thief t = {.armed = false};
    struct ct_config c = {.max = 16};

    (void)state;
    corerig_open(&r, &c);
    assert_true(ct_register_hook(r.ct, CT_POSTROUTING, CT_PRI_NAT_SRC + 1,
                                 "thief", steal, &t));
    r.rule.nat.random = true; /* two flows, two ports */
    t.armed = true;
    assert_int_equal(walk(&r, LAN, WAN, UDP), CT_STOLEN);
    assert_int_equal(walk(&r, LAN, WAN, UDP), CT_ACCEPT);
    assert_memory_not_equal(t.kept.data + 20, r.pkt.data + 20, 2);
    assert_int_equal(ct_resume(r.ct, &t.kept, CT_ACCEPT), CT_DROP);
    assert_int_equal(t.kept.why, CT_REASON_CLASH);
    assert_int_equal(ct_stat(r.ct, CT_STAT_clash_resolve), 0);
    assert_int_equal(ct_stat(r.ct, CT_STAT_insert_failed), 1);
    ct_done(r.ct, &t.kept);
    assert_int_equal(ct_stat(r.ct, CT_STAT_entries), 1);
    corerig_close(&r);
}

static void repeat_asks_the_same_row(void **state)
{
    struct corerig r;
    struct thief t;

    (void)state;
    open_with(&r, &t);
    steal_one(&r, &t);
    t.armed = true;
    assert_int_equal(ct_resume(r.ct, &t.kept, CT_REPEAT), CT_STOLEN);
    assert_int_equal(ct_stat(r.ct, CT_STAT_held), 1);
    assert_int_equal(ct_resume(r.ct, &t.kept, CT_STOP), CT_ACCEPT);
    assert_int_equal(ct_stat(r.ct, CT_STAT_held), 0);
    ct_done(r.ct, &t.kept);
    assert_int_equal(ct_stat(r.ct, CT_STAT_entries), 0);
    corerig_close(&r);
}

static enum ct_verdict say_queue(void *ctx, struct ct *ct, struct ct_pkt *pkt)
{
    (void)ctx;
    (void)ct;
    (void)pkt;
    return CT_QUEUE;
}

/* Without a program that takes queued packets, the packet is dropped and its
 * entry freed. */
static void queued_without_a_program(void **state)
{
    struct ct_config c = {.max = 16};
    struct corerig r;

    (void)state;
    corerig_open(&r, &c);
    assert_true(
        ct_register_hook(r.ct, CT_FORWARD, 10, "queue", say_queue, NULL));
    assert_int_equal(walk(&r, LAN, WAN, UDP), CT_DROP);
    assert_int_equal(r.pkt.why, CT_REASON_NO_QUEUE);
    assert_int_equal(ct_stat(r.ct, CT_STAT_held), 0);
    assert_int_equal(ct_stat(r.ct, CT_STAT_entries), 0);
    corerig_close(&r);
}

/* ---- STOP ---- */

/* In place of a row's own function. */
static enum ct_verdict note(void *asked, struct ct *ct, struct ct_pkt *pkt)
{
    (void)ct;
    (void)pkt;
    ++*(unsigned *)asked;
    return CT_ACCEPT;
}

static enum ct_verdict say_stop(void *ctx, struct ct *ct, struct ct_pkt *pkt)
{
    (void)ctx;
    (void)ct;
    (void)pkt;
    return CT_STOP;
}

/* What has business with each packet of a translated flow. */
static bool finishes(const char *name)
{
    static const char *const names[] = {"nat_dst", "nat_src", "ip_id", "helper",
                                        "confirm"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* Walk over one hook after STOP, and compare which rows were asked. */
static void stop_at(struct corerig *r, enum ct_hook hook)
{
    unsigned asked[CORE_HOOK_ROWS] = {0}, rows = 0;
    struct hook_live *live = r->ct->live[hook];
    struct ct_pkt pkt = {.made_conn = true};
    const char *name;
    int priority;

    assert_true(
        ct_register_hook(r->ct, hook, CT_PRI_DEFRAG, "stop", say_stop, NULL));
    assert_true(ct_register_hook(r->ct, hook, 50, "a user's", note, NULL));
    for (unsigned i = 1; live[i].fn; i++) {
        live[i].fn = note;
        live[i].ctx = &asked[live[i].row];
    }
    assert_int_equal(ct_hook(r->ct, hook, &pkt), CT_ACCEPT);
    for (; ct_hook_row(r->ct, hook, rows, &priority, &name); rows++) {
        assert_int_equal(live[rows].row, rows); /* none is off */
        if (asked[rows] != finishes(name))
            fail_msg("hook %d: %s is asked %u times", hook, name, asked[rows]);
    }
    assert_null(live[rows].fn);
}

/* Every row of the table, switched on: exactly these are asked after STOP. */
static void stop_asks_what_finishes_a_packet(void **state)
{
    struct ct_config c = {.max = 16};
    struct ct_rule rules[1] = {
        {.action = CT_ACT_HELPER, .match = {.labels = {{1}}}}};
    struct ct_ruleset rs = {.rules = rules, .n = 1};
    struct corerig r;

    (void)state;
    corerig_open_tuned(&r, &c, CT_PARAM_ip_id, 1);
    for (int h = 0; h < CT_N_HOOKS; h++)
        for (uint32_t s = 0; s <= CT_N_STAGES; s++)
            rs.start[h][s] = s; /* each stage has a rule; none is looked at */
    ct_set_rules(r.ct, &rs, r.count);
    for (int h = 0; h < CT_N_HOOKS; h++)
        stop_at(&r, (enum ct_hook)h);
    corerig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_flow_was_deleted),
        cmocka_unit_test(its_slot_is_another_flows),
        cmocka_unit_test(an_unconfirmed_flow_waits),
        cmocka_unit_test(the_second_was_faster),
        cmocka_unit_test(it_was_sent_elsewhere),
        cmocka_unit_test(queued_without_a_program),
        cmocka_unit_test(repeat_asks_the_same_row),
        cmocka_unit_test(stop_asks_what_finishes_a_packet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
