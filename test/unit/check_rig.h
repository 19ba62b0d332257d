/* check_rig.h - a shard that has one of each, and what its check says when a
 * thing of it is broken by hand */
#ifndef CHECK_RIG_H
#define CHECK_RIG_H

#include "core/check.h"
#include "corerig.h"

enum {
    FLOWS = 4, /* and one that has ended */
    HELPED = 0,
    OWN = 1,
    WEB = 2,
    FORWARDED = 3
};

static struct corerig rig;
static struct ct *ct;

static struct ct_conn *conn(uint32_t slot)
{
    return core_conn(ct, slot);
}

/* What a helper does: a record, a call and an expectation of the flow. */
static void help(uint32_t slot)
{
    struct expect_ask ask = {.tuple = conn(slot)->tuple[CT_DIR_REPLY],
                             .any_sport = true,
                             .helper = CT_HELPER_ftp};
    struct expect_policy policy = {.max = 2, .seconds = 30};
    struct ct_tuple call = conn(slot)->tuple[CT_DIR_ORIGINAL];
    struct ext *x;

    conn_write_begin(conn(slot));
    x = core_extend(ct, slot, EXT_HELPER);
    conn_set(conn(slot)->status, conn(slot)->status | CT_HELPER);
    conn_write_end(conn(slot));
    ct->helped++;
    call.proto = 47;
    x->call[CT_DIR_ORIGINAL] = keymap_add(&ct->keymap, &call);
    assert_int_not_equal(x->call[CT_DIR_ORIGINAL], CT_NONE);
    for (int i = 0; i < 2; i++, ask.tuple.dport++)
        assert_int_equal(expect_add(&ct->expects, slot, &ask, &policy, rig.now),
                         EXPECT_MADE);
}

static void give_times(uint32_t slot)
{
    conn_write_begin(conn(slot));
    assert_non_null(core_extend(ct, slot, EXT_TIMEOUTS));
    conn_set(conn(slot)->status, conn(slot)->status | CT_OWN_TIMEOUTS);
    expiry_refresh_own(&ct->expiry, slot, 7, EXPIRY_UNASSURED, rig.now);
    conn_write_end(conn(slot));
}

/* One of two pieces. */
static void wait_for_the_rest(void)
{
    static uint8_t room[CT_HEADROOM + 65536 + CT_HEADROOM];
    struct ct_pkt piece = {.data = rig.bytes + CT_HEADROOM, .in = LAN};
    struct ct_pkt whole = {.data = room + CT_HEADROOM};
    bool is_whole;

    piece.len =
        (uint32_t)packet_build(piece.data, sizeof rig.bytes - 2 * CT_HEADROOM,
                               "10.0.1.2:1 > 192.0.2.1:2 udp len 8 frag 0+");
    assert_int_equal(ct_parse(ct, &piece), CT_REASON_FRAGMENT);
    assert_int_equal(ct_defrag(ct, &piece, &whole, &is_whole), CT_REASON_NONE);
    assert_false(is_whole);
}

static void limit(uint32_t slot)
{
    static uint64_t block[4096];

    memset(block, 0, sizeof block);
    rig.rule.connlimit = (struct ct_connlimit){
        .number = 1, .prefix4 = 32, .prefix6 = 128, .max = 9};
    rig.rules.n_connlimits = 1;
    assert_true(ct_connlimit_size(&rig.rules, 64) <= sizeof block);
    ct_set_connlimit(ct, &rig.rules, block, NULL);
    connlimit_count(ct->connlimit, &rig.rule.connlimit, slot, conn(slot));
}

static void begin(void)
{
    struct ct_config c = {.max = 64,
                          .portmaps = 4,
                          .profile = CT_PROFILE_WEIR,
                          .fragments = true};

    corerig_open_tuned(&rig, &c, CT_PARAM_extensions, 8);
    ct = rig.ct;
    walk(&rig, LAN, WAN, "10.0.1.2:1000 > 192.0.2.1:21 tcp S seq 1 win 9");
    walk(&rig, LAN, WAN, "10.0.1.2:1001 > 192.0.2.1:53 udp");
    walk(&rig, LAN, WAN, "10.0.1.3:1002 > 192.0.2.1:80 tcp S seq 1 win 9");
    walk(&rig, LAN, WAN, "10.0.1.3:1003 > 192.0.2.2:80 tcp S seq 1 win 9");
    walk(&rig, LAN, WAN, "10.0.1.4:1004 > 192.0.2.3:53 udp");
    walk(&rig, WAN, LAN, "192.0.2.3:53 > 198.51.100.1:1004 udp");
    assert_true(ct_delete(ct, FLOWS, conn(FLOWS)->gen));
    assert_int_equal(ct->conns.used, FLOWS);
    assert_int_equal(ct->nat.resting.rests.used, 1);
    wait_for_the_rest();
    limit(WEB);
    help(HELPED);
    give_times(OWN);
    assert_null(core_check(ct));
}

struct row {
    const char *name;
    void (*spoil)(void);
    const char *says;
};
#define ROW(f, says)                                                           \
    {                                                                          \
#f, f, says                                                            \
    }

/* The router is left broken; only its memory is given back. */
static void spoil_all(const struct row *rows, size_t n)
{
    int missed = 0;

    for (size_t i = 0; i < n; i++) {
        const char *says;

        begin();
        rows[i].spoil();
        says = core_check(ct);
        if (!says || strcmp(says, rows[i].says) != 0) {
            print_error("%s: %s\n", rows[i].name, says ? says : "nothing");
            missed++;
        }
        free(rig.block);
    }
    assert_int_equal(missed, 0);
}

#endif
