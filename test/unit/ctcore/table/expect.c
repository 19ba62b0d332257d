/* expect.c - expectations: what fits, who may have how many, how they end
 */
#include "corerig.h"

#include "core/gc.h"
#include "helper/helper.h"

#include "bytes.h"

static const struct expect_policy two = {.max = 2, .seconds = 300};

/* n flows, each with an extension record. */
static void open_with(struct corerig *r, uint32_t n_expects, int n)
{
    struct ct_config c = {.max = 64, .n_shards = 1};

    ct_params_default(&c.params, CT_PROFILE_LINUX);
    corerig_open_tuned(r, &c, CT_PARAM_extensions, 16);
    assert_true(n_expects <= r->ct->expects.pool.n);
    r->ct->expects.pool.n = n_expects;
    for (int i = 0; i < n; i++) {
        char spec[80];
        struct ct_conn *m = core_conn(r->ct, (uint32_t)i);

        snprintf(spec, sizeof spec, "10.0.1.%d:9 > 198.51.100.2:80 udp 'a'",
                 i + 2);
        walk(r, LAN, WAN, spec);
        conn_write_begin(m);
        assert_non_null(core_extend(r->ct, (uint32_t)i, EXT_HELPER));
        conn_write_end(m);
    }
}

static struct expect_ask ask_for(uint16_t port)
{
    return (struct expect_ask){
        .tuple = {.src = ip4(198, 51, 100, 2),
                  .dst = ip4(198, 51, 100, 1),
                  .dport = port,
                  .family = CT_IPV4,
                  .proto = 6},
        .any_sport = true,
    };
}

static enum expect_made add(struct corerig *r, uint32_t master,
                            struct expect_ask ask)
{
    return expect_add(&r->ct->expects, master, &ask, &two, r->now);
}

static bool found(struct corerig *r, struct ct_tuple t)
{
    return expect_find(&r->ct->expects, &t, r->now) != NULL;
}

static void holes_fit_everything(void **state)
{
    struct corerig r;
    struct expect_ask a = ask_for(5000);
    struct ct_tuple t = a.tuple;

    (void)state;
    open_with(&r, 8, 1);
    assert_int_equal(add(&r, 0, a), EXPECT_MADE);
    t.sport = 77;
    assert_true(found(&r, t));
    t.src = ip4(198, 51, 100, 3);
    assert_false(found(&r, t));
    t = a.tuple;
    t.dport++;
    assert_false(found(&r, t));
    t = a.tuple;
    t.proto = 17;
    assert_false(found(&r, t));
    t = a.tuple;
    t.zone = 1;
    assert_false(found(&r, t));
    a = ask_for(6000);
    a.any_src = true;
    a.any_sport = false;
    a.tuple.sport = 20;
    assert_int_equal(add(&r, 0, a), EXPECT_MADE);
    t = a.tuple;
    t.src = ip4(1, 2, 3, 4);
    assert_true(found(&r, t));
    t.sport = 21;
    assert_false(found(&r, t));
    corerig_close(&r);
}

/* Few expectations may wait at one port, from however many servers: a look-up
 * walks over all of them. */
static void few_wait_at_one_port(void **state)
{
    struct corerig r;
    struct expect_policy any = {.max = 1000, .seconds = 300};
    struct expect_ask a = ask_for(5000);
    unsigned made = 0;

    (void)state;
    open_with(&r, 500, 1);
    for (unsigned i = 0; i < 400; i++) {
        bytes_put16(a.tuple.src.b + 2, i);
        made += expect_add(&r.ct->expects, 0, &a, &any, r.now) == EXPECT_MADE;
    }
    assert_int_equal(made, EXPECT_AT_ONE);
    a.tuple.src = ip4(1, 2, 3, 4);
    r.ct->work.steps = 0;
    assert_false(found(&r, a.tuple));
    assert_in_range(r.ct->work.steps, 1, EXPECT_AT_ONE + 8);
    a.tuple.dport++; /* another port is free */
    assert_int_equal(expect_add(&r.ct->expects, 0, &a, &any, r.now),
                     EXPECT_MADE);
    corerig_close(&r);
}

static void replaced_busy_evicted_full(void **state)
{
    struct corerig r;
    struct expect_ask a = ask_for(5000);
    const struct expects *e;

    (void)state;
    open_with(&r, 3, 3);
    e = &r.ct->expects;
    assert_int_equal(add(&r, 0, a), EXPECT_MADE);
    assert_int_equal(add(&r, 0, a), EXPECT_MADE); /* in its own place */
    assert_int_equal(e->pool.used, 1);
    assert_int_equal(add(&r, 1, a), EXPECT_BUSY);
    a.any_src = true;
    assert_int_equal(add(&r, 1, a), EXPECT_BUSY); /* would fit the same */
    a.any_src = false;
    a.tuple.src = ip4(198, 51, 100, 3);
    assert_int_equal(add(&r, 1, a), EXPECT_MADE);
    assert_int_equal(add(&r, 0, ask_for(5001)), EXPECT_MADE);
    assert_int_equal(add(&r, 0, ask_for(5002)), EXPECT_MADE);
    assert_int_equal(e->pool.used, 3);
    assert_false(found(&r, ask_for(5000).tuple)); /* the oldest of master 0 */
    assert_true(found(&r, ask_for(5001).tuple));
    assert_int_equal(add(&r, 2, ask_for(5003)), EXPECT_FULL);
    /* what is expired gives way */
    corerig_at(&r, 300000);
    assert_int_equal(add(&r, 2, ask_for(5003)), EXPECT_MADE);
    corerig_close(&r);
}

static void ends_by_time_and_with_its_master(void **state)
{
    struct corerig r;
    struct expect_ask a = ask_for(5000);

    (void)state;
    open_with(&r, 8, 2);
    for (uint32_t i = 0; i < 2; i++)
        core_conn(r.ct, i)->expires += 1000000;
    assert_int_equal(add(&r, 0, a), EXPECT_MADE);
    assert_int_equal(add(&r, 1, ask_for(5001)), EXPECT_MADE);
    gc_destroy(r.ct, 1);
    assert_int_equal(ct_stat(r.ct, CT_STAT_expectations), 1);
    assert_false(found(&r, ask_for(5001).tuple));
    corerig_at(&r, 299999);
    assert_true(found(&r, a.tuple));
    corerig_at(&r, 300000);
    assert_false(found(&r, a.tuple));
    assert_int_equal(expect_expire(&r.ct->expects, r.now, 9), 1);
    assert_int_equal(ct_stat(r.ct, CT_STAT_expect_delete), 2);
    /* not found while its master is not in the table */
    assert_int_equal(add(&r, 0, a), EXPECT_MADE);
    core_conn(r.ct, 0)->status &= ~(uint32_t)CT_CONFIRMED;
    assert_false(found(&r, a.tuple));
    core_conn(r.ct, 0)->status |= CT_CONFIRMED;
    assert_true(found(&r, a.tuple));
    corerig_close(&r);
}

static void permanent_ones_stay(void **state)
{
    struct corerig r;
    struct expect_ask a = ask_for(5000);

    (void)state;
    open_with(&r, 8, 1);
    a.permanent = true;
    assert_int_equal(add(&r, 0, a), EXPECT_MADE);
    for (int i = 0; i < 2; i++)
        expect_consume(&r.ct->expects,
                       expect_find(&r.ct->expects, &a.tuple, r.now));
    assert_true(found(&r, a.tuple));
    assert_int_equal(ct_stat(r.ct, CT_STAT_expect_new), 2);
    corerig_close(&r);
}

/* Anyone may copy one, with its master. */
/* Another shard's look. */
static bool others_see(struct corerig *r, uint16_t port)
{
    struct ct_tuple t = ask_for(port).tuple;
    struct work work = {0};

    t.sport = 77;
    return expect_holds(&r->ct->expects, &t, r->now, &work);
}

static void readers_see_them(void **state)
{
    struct corerig r;
    struct ct_expect_view v;

    (void)state;
    open_with(&r, 8, 1);
    assert_int_equal(ct_expects(r.ct), 8);
    assert_false(ct_read_expect(r.ct, 0, r.now, &v));
    assert_false(ct_read_expect(r.ct, 9999, r.now, &v));
    assert_int_equal(add(&r, 0, ask_for(5000)), EXPECT_MADE);
    assert_true(ct_read_expect(r.ct, 0, r.now, &v));
    assert_int_equal(v.tuple.dport, 5000);
    assert_true(v.any_sport && !v.any_src && !v.permanent);
    assert_int_equal(v.master.sport, 9);
    assert_int_equal(ct_time_left_s(v.expires, r.now), 300);
    corerig_at(&r, 299999);
    assert_true(others_see(&r, 5000));
    assert_false(others_see(&r, 5001));
    corerig_at(&r, 300000);
    assert_false(others_see(&r, 5000));
    assert_false(ct_read_expect(r.ct, 0, r.now, &v));
    corerig_close(&r);
}

/* ---- the flow that comes ---- */

static uint32_t told;

static void hear(void *ctx, const struct ct_event *ev)
{
    (void)ctx;
    told |= ev->mask;
}

/* It is EXPECTED and RELATED, inherits the mark, names its master, is
 * translated as that is, and is told as RELATED; the next one is like any
 * other. */
static void what_comes_follows_its_master(void **state)
{
    struct corerig r;
    struct expect_ask a = ask_for(5000);
    struct ct_view v;

    (void)state;
    open_with(&r, 8, 1);
    r.ct->event = hear;
    ct_subscribe(r.ct, (uint32_t)CT_EVENT_NEW | (uint32_t)CT_EVENT_RELATED);
    told = 0;
    core_conn(r.ct, 0)->mark = 77;
    a.dir = CT_DIR_REPLY;
    a.translated = true;
    a.port = 6000;
    assert_int_equal(add(&r, 0, a), EXPECT_MADE);
    assert_int_equal(
        walk(&r, WAN, LAN, "198.51.100.2:20 > 198.51.100.1:5000 tcp S seq 1"),
        CT_ACCEPT);
    assert_string_equal(left_as(&r), "198.51.100.2:20 > 10.0.1.2:6000 tcp S");
    assert_int_equal(r.pkt.info, CT_RELATED);
    assert_int_equal(r.pkt.mark, 77);
    assert_int_equal(told, CT_EVENT_RELATED);
    assert_true(ct_read(r.ct, 1, r.now, &v));
    assert_true(v.status & CT_EXPECTED);
    assert_true(v.has_master);
    assert_int_equal(v.master_slot, 0);
    assert_int_equal(v.mark, 77);
    /* until it is answered every packet is */
    walk(&r, WAN, LAN, "198.51.100.2:20 > 198.51.100.1:5000 tcp S seq 1");
    assert_int_equal(r.pkt.info, CT_RELATED);
    walk(&r, LAN, WAN, "10.0.1.2:6000 > 198.51.100.2:20 tcp S. seq 5 ack 2");
    walk(&r, WAN, LAN, "198.51.100.2:20 > 198.51.100.1:5000 tcp . seq 2 ack 6");
    assert_int_equal(r.pkt.info, CT_ESTABLISHED);
    told = 0;
    walk(&r, WAN, LAN, "198.51.100.2:21 > 198.51.100.1:5000 tcp S seq 1");
    assert_int_equal(r.pkt.info, CT_NEW);
    assert_int_equal(told, CT_EVENT_NEW);
    corerig_close(&r);
}

/* A full table may evict the master for the flow that it announced, which is
 * NEW then.  The packet's hash chooses which flows can be evicted, so several
 * packets try. */
static void its_master_may_go_for_it(void **state)
{
    enum { ALL = 16, MASTER = 3 };
    struct ct_config c = {.max = ALL};
    struct corerig r;
    char spec[80];

    (void)state;
    corerig_open_tuned(&r, &c, CT_PARAM_extensions, 8);
    for (uint32_t i = 0; i < ALL; i++) {
        struct ct_conn *m = core_conn(r.ct, i);

        snprintf(spec, sizeof spec, "10.0.1.%u:9 > 198.51.100.2:80 udp 'a'",
                 i + 2);
        walk(&r, LAN, WAN, spec);
        conn_write_begin(m);
        if (i == MASTER)
            assert_non_null(core_extend(r.ct, i, EXT_HELPER));
        else
            conn_set(m->status, m->status | CT_ASSURED);
        conn_write_end(m);
    }
    assert_int_equal(add(&r, MASTER, ask_for(5000)), EXPECT_MADE);
    for (unsigned port = 20; port < 80; port++) {
        snprintf(spec, sizeof spec,
                 "198.51.100.2:%u > 198.51.100.1:5000 tcp S seq 1", port);
        if (walk(&r, WAN, LAN, spec) == CT_ACCEPT)
            break;
        assert_int_equal(r.pkt.why, CT_REASON_TABLE_FULL);
    }
    assert_int_equal(ct_stat(r.ct, CT_STAT_early_drop), 1);
    assert_int_equal(r.pkt.info, CT_NEW);
    assert_int_equal(ct_stat(r.ct, CT_STAT_expect_new), 0);
    assert_int_equal(ct_stat(r.ct, CT_STAT_extensions), 0);
    corerig_close(&r);
}

/* ---- an outside port for what is announced ---- */

/* Announce port of flow 0, which is translated; what does the outside hear? */
static unsigned announce(struct corerig *r, uint16_t port)
{
    struct ct_conn *c = core_conn(r->ct, 0);
    struct ct_pkt pkt = {.conn = c};
    struct helper_call h = {
        .ct = r->ct,
        .pkt = &pkt,
        .c = c,
        .x = ext_find(&r->ct->ext, 0),
        .dir = CT_DIR_ORIGINAL,
    };
    struct expect_ask a = {.tuple = c->tuple[CT_DIR_REPLY], .any_sport = true};

    a.tuple.proto = 6;
    a.tuple.dport = port;
    assert_int_equal(helper_expect(&h, &helper_ftp, &a), CT_REASON_NONE);
    assert_int_equal(a.port, port);
    return a.tuple.dport;
}

/* With several shards what comes to the port must find this one. */
static void ports_are_of_the_slice(void **state)
{
    struct ct_config c = {.max = 64, .n_shards = 4, .shard = 3};
    struct corerig r;
    struct ct_conn *m;

    (void)state;
    corerig_open_tuned(&r, &c, CT_PARAM_extensions, 16);
    walk(&r, LAN, WAN, "10.0.1.2:9 > 198.51.100.2:80 udp 'a'");
    m = core_conn(r.ct, 0);
    conn_write_begin(m);
    core_extend(r.ct, 0, EXT_HELPER);
    conn_write_end(m);
    assert_int_equal(announce(&r, 5003), 5003);
    assert_int_equal(announce(&r, 5004), 5007);
    assert_int_equal(announce(&r, 65535), 65535);
    assert_int_equal(announce(&r, 65534), 65535);
    r.ct->ports.shard = 0; /* past the end it wraps */
    assert_int_equal(announce(&r, 65535), 1024);
    r.ct->ports.shard = 3;
    corerig_close(&r);
}

/* Static forwards and the router's listeners keep theirs. */
static void ports_of_others_are_left(void **state)
{
    static const struct ct_steer_row row = {
        .addr = {.b = {198, 51, 100, 1}},
        .port_lo = 5000,
        .port_hi = 5009,
        .family = CT_IPV4,
        .proto = 6,
    };
    static const struct ct_steer steer = {.rows = &row, .n = 1, .n_shards = 2};
    static struct ct_reserved reserved;
    struct corerig r;

    (void)state;
    open_with(&r, 8, 1);
    ct_set_steer(r.ct, &steer);
    reserved.word[5010 >> 6] |= 1ull << (5010 & 63);
    ct_set_reserved(r.ct, &reserved, NULL);
    assert_int_equal(announce(&r, 5000), 5011);
    assert_int_equal(announce(&r, 5012), 5012);
    corerig_close(&r);
}

/* Of its master's only those with that target go. */
static void one_can_be_taken_back(void **state)
{
    struct expect_ask a = ask_for(5000), b = ask_for(5001);
    struct corerig r;

    (void)state;
    open_with(&r, 8, 2);
    assert_int_equal(add(&r, 0, a), EXPECT_MADE);
    assert_int_equal(add(&r, 0, b), EXPECT_MADE);
    expect_cancel(&r.ct->expects, 1, &a.tuple);
    assert_true(found(&r, a.tuple));
    expect_cancel(&r.ct->expects, 0, &a.tuple);
    assert_false(found(&r, a.tuple));
    assert_true(found(&r, b.tuple));
    assert_int_equal(r.ct->expects.pool.used, 1);
    corerig_close(&r);
}

/* Without records there are no expectations either. */
static void there_may_be_none(void **state)
{
    struct ct_config c = {.max = 64};
    struct expect_ask a = ask_for(5000);
    struct corerig r;

    (void)state;
    corerig_open(&r, &c); /* extensions 0 */
    walk(&r, LAN, WAN, "10.0.1.2:9 > 198.51.100.2:80 udp 'a'");
    assert_int_equal(expect_add(&r.ct->expects, 0, &a, &two, r.now),
                     EXPECT_FULL);
    corerig_close(&r);
}

/* Numbers end where the expectations do, whatever lies behind. */
static void a_number_beyond_is_none(void **state)
{
    struct ct_expect_view view;
    struct corerig r;
    uint32_t n;

    (void)state;
    open_with(&r, 8, 4);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(add(&r, i, ask_for((uint16_t)(5000 + i))),
                         EXPECT_MADE);
    for (n = 0; n < 4; n++)
        assert_true(ct_read_expect(r.ct, n, r.now, &view));
    r.ct->expects.pool.n = 3;
    assert_int_equal(ct_expects(r.ct), 3);
    assert_true(ct_read_expect(r.ct, 2, r.now, &view));
    assert_false(ct_read_expect(r.ct, 3, r.now, &view));
    r.ct->expects.pool.n = 8;
    corerig_close(&r);
}

/* Its master must live: not one whose time is up at this very moment. */
static void its_master_must_live(void **state)
{
    struct expect_ask a = ask_for(5000);
    struct ct_conn *m;
    struct corerig r;

    (void)state;
    open_with(&r, 8, 1);
    m = core_conn(r.ct, 0);
    assert_int_equal(add(&r, 0, a), EXPECT_MADE);
    m->expires = r.now.ms + 1;
    assert_true(found(&r, a.tuple));
    m->expires = r.now.ms;
    assert_false(found(&r, a.tuple));
    m->expires = r.now.ms + 1000;
    m->status |= CT_DYING;
    assert_false(found(&r, a.tuple));
    m->status &= ~(uint32_t)CT_DYING;
    m->gen++;
    assert_false(found(&r, a.tuple));
    m->gen--;
    assert_true(found(&r, a.tuple));
    corerig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holes_fit_everything),
        cmocka_unit_test(few_wait_at_one_port),
        cmocka_unit_test(replaced_busy_evicted_full),
        cmocka_unit_test(ends_by_time_and_with_its_master),
        cmocka_unit_test(permanent_ones_stay),
        cmocka_unit_test(readers_see_them),
        cmocka_unit_test(what_comes_follows_its_master),
        cmocka_unit_test(its_master_may_go_for_it),
        cmocka_unit_test(ports_are_of_the_slice),
        cmocka_unit_test(ports_of_others_are_left),
        cmocka_unit_test(one_can_be_taken_back),
        cmocka_unit_test(there_may_be_none),
        cmocka_unit_test(its_master_must_live),
        cmocka_unit_test(a_number_beyond_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
