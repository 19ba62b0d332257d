/* dump.c - copies of entries: what a view shows, and when there is none */
#include "corerig.h"

#include "core/dump.h"
#include "table/ext.h"

enum { RESTARTS = 1000 }; /* what a reader tries, before it gives up */

/* Flows 0 and 1, both over UDP. */
static void open_with_flows(struct corerig *r, struct ct_config *c)
{
    c->max = 64;
    corerig_open_tuned(r, c, CT_PARAM_extensions, 4);
    walk(r, LAN, WAN, "10.0.1.2:9 > 198.51.100.2:80 udp 'a'");
    walk(r, LAN, WAN, "10.0.1.3:9 > 198.51.100.2:80 udp 'a'");
}

static struct ext *extend(struct corerig *r, enum ext_kind kind)
{
    struct ct_conn *c = core_conn(r->ct, 1);
    struct ext *x;

    conn_write_begin(c);
    x = core_extend(r->ct, 1, kind);
    conn_write_end(c);
    assert_non_null(x);
    return x;
}

static struct ct_view seen(const struct corerig *r)
{
    struct ct_view view;

    assert_true(ct_read(r->ct, 1, r->now, &view));
    return view;
}

/* A record has room for all kinds; of one that the flow does not have nothing
 * is shown, whatever the bytes say. */
static void each_kind_is_shown_alone(void **state)
{
    static const enum ext_kind kinds[] = {EXT_SEQADJ,   EXT_MASTER, EXT_HELPER,
                                          EXT_TIMEOUTS, EXT_LABELS, EXT_ORDER};

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct ct_config c = {0};
        struct corerig r;
        struct ct_view v;
        struct ext *x;

        open_with_flows(&r, &c);
        x = extend(&r, kinds[i]);
        conn_set(x->labels[0], (uint64_t)5);
        conn_set(x->labels[1], (uint64_t)6);
        conn_set(x->timeouts[0], 7u);
        conn_set(x->helper, (uint8_t)1);
        conn_set(x->master.slot, 0u);
        conn_set(x->master.gen, 9u);
        v = seen(&r);
        assert_int_equal(v.labels[0], kinds[i] == EXT_LABELS ? 5 : 0);
        assert_int_equal(v.labels[1], kinds[i] == EXT_LABELS ? 6 : 0);
        assert_int_equal(v.n_timeouts, kinds[i] == EXT_TIMEOUTS ? 2 : 0);
        assert_int_equal(v.timeouts[0], kinds[i] == EXT_TIMEOUTS ? 7 : 0);
        assert_int_equal(v.helper, kinds[i] == EXT_HELPER ? 1 : 0);
        assert_int_equal(v.has_master, kinds[i] == EXT_MASTER);
        assert_int_equal(v.master_gen, kinds[i] == EXT_MASTER ? 9 : 0);
        conn_set(x->kinds, (uint64_t)0);
        corerig_close(&r);
    }
}

/* Seconds since the core began, of a flow that came 5 s later. */
static void accounts_and_begin_are_shown_where_kept(void **state)
{
    (void)state;
    for (int on = 0; on < 2; on++) {
        struct ct_config c = {.acct = on, .timestamp = on};
        struct corerig r;
        struct ct_view v;

        open_with_flows(&r, &c);
        corerig_at(&r, 5000);
        walk(&r, LAN, WAN, "10.0.1.4:9 > 198.51.100.2:80 udp 'abc'");
        assert_true(ct_read(r.ct, 2, r.now, &v));
        assert_int_equal(v.has_acct, on);
        assert_int_equal(v.has_start, on);
        assert_int_equal(v.packets[CT_DIR_ORIGINAL], on);
        assert_int_equal(v.bytes[CT_DIR_ORIGINAL], on ? 31 : 0);
        assert_int_equal(v.packets[CT_DIR_REPLY], 0);
        assert_int_equal(v.start.ms, on ? r.now.ms : 0);
        corerig_close(&r);
    }
}

/* An entry that is being written is read again; each time is counted. */
static void what_is_being_written_is_read_again(void **state)
{
    struct ct_config c = {0};
    struct corerig r;
    struct ct_conn *conn;
    struct ct_view v;

    (void)state;
    open_with_flows(&r, &c);
    conn = core_conn(r.ct, 1);
    assert_true(ct_read(r.ct, 1, r.now, &v));
    assert_int_equal(ct_stat(r.ct, CT_STAT_search_restart), 0);
    conn_write_begin(conn);
    assert_false(ct_read(r.ct, 1, r.now, &v));
    assert_int_equal(ct_stat(r.ct, CT_STAT_search_restart), RESTARTS);
    conn_write_end(conn);
    assert_true(ct_read(r.ct, 1, r.now, &v));
    assert_int_equal(ct_stat(r.ct, CT_STAT_search_restart), RESTARTS);
    corerig_close(&r);
}

/* A packet that made an entry may be held for long: readers don't wait. */
static void what_is_no_flow_yet_is_left_at_once(void **state)
{
    struct ct_config c = {0};
    struct corerig r;
    struct ct_conn *conn;
    struct ct_view v;
    uint32_t status;

    (void)state;
    open_with_flows(&r, &c);
    conn = core_conn(r.ct, 1);
    status = conn->status;
    conn_write_begin(conn);
    conn_set(conn->status, status & ~(uint32_t)CT_CONFIRMED);
    assert_false(ct_read(r.ct, 1, r.now, &v));
    assert_int_equal(ct_stat(r.ct, CT_STAT_search_restart), 0);
    conn_set(conn->status, status);
    conn_write_end(conn);
    corerig_close(&r);
}

/* Neither an entry without a flow, nor one that ends or whose time is over,
 * nor a slot behind the last. */
static void no_flow_no_view(void **state)
{
    struct ct_config c = {0};
    struct corerig r;
    struct ct_conn *conn;
    struct ct_view v;

    (void)state;
    open_with_flows(&r, &c);
    conn = core_conn(r.ct, 1);
    assert_int_equal(ct_slots(r.ct), 64);
    assert_false(ct_read(r.ct, 2, r.now, &v));
    assert_false(ct_read(r.ct, 64, r.now, &v));
    assert_true(ct_read(r.ct, 1, (ct_time){conn->expires - 1}, &v));
    assert_false(ct_read(r.ct, 1, (ct_time){conn->expires}, &v));
    conn_write_begin(conn);
    conn_set(conn->status, conn->status | CT_DYING);
    conn_write_end(conn);
    assert_false(ct_read(r.ct, 1, r.now, &v));
    conn_write_begin(conn);
    conn_set(conn->status, conn->status & ~(uint32_t)CT_DYING);
    conn_write_end(conn);
    corerig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_is_shown_alone),
        cmocka_unit_test(accounts_and_begin_are_shown_where_kept),
        cmocka_unit_test(what_is_being_written_is_read_again),
        cmocka_unit_test(what_is_no_flow_yet_is_left_at_once),
        cmocka_unit_test(no_flow_no_view),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
