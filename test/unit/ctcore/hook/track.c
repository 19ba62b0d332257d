/* track.c - what a packet makes of its flow */
#include "corerig.h"

#include "hook/track.h"
#include "proto/tcp_segment.h"

#define TO_80 "10.0.1.2:4000 > 198.51.100.2:80 tcp "
#define FROM  "198.51.100.2:80 > 198.51.100.1:4000 tcp "

static void open_flow(struct corerig *r)
{
    struct ct_config c = {.max = 64};

    corerig_open(r, &c);
    assert_int_equal(walk(r, LAN, WAN, TO_80 "S seq 1000"), CT_ACCEPT);
    assert_int_equal(walk(r, WAN, LAN, FROM "S. seq 5000 ack 1001"), CT_ACCEPT);
    assert_int_equal(walk(r, LAN, WAN, TO_80 ". seq 1001 ack 5001"), CT_ACCEPT);
}

static struct ct_conn *flow(struct corerig *r)
{
    return core_conn(r->ct, 0);
}

static uint8_t class_of(struct corerig *r)
{
    return r->ct->expiry.list[flow(r)->list].class;
}

/* Which flows an eviction may take first. */
static void a_flow_is_of_its_class(void **state)
{
    struct ct_config c = {.max = 64};
    struct corerig r;

    (void)state;
    corerig_open(&r, &c);
    walk(&r, LAN, WAN, TO_80 "S seq 1000");
    assert_int_equal(class_of(&r), EXPIRY_UNASSURED);
    walk(&r, WAN, LAN, FROM "S. seq 5000 ack 1001");
    walk(&r, LAN, WAN, TO_80 ". seq 1001 ack 5001");
    assert_int_equal(class_of(&r), EXPIRY_ASSURED);
    walk(&r, LAN, WAN, TO_80 "F. seq 1001 ack 5001");
    assert_int_equal(class_of(&r), EXPIRY_CLOSING);
    corerig_close(&r);
}

static uint8_t tcp_state(struct corerig *r)
{
    return flow(r)->proto.tcp.state;
}

/* The router's own reset ends a flow that lives, and that one only. */
static void a_reset_of_our_own_closes(void **state)
{
    union ct_proto_state was;
    struct corerig r;
    struct ct_pkt pkt;

    (void)state;
    open_flow(&r);
    pkt = r.pkt;
    pkt.conn = flow(&r);
    pkt.conn_gen = pkt.conn->gen;
    pkt.events = 0;
    was = flow(&r)->proto;
    ct_set_closing(r.ct, &pkt);
    assert_int_equal(tcp_state(&r), TCP_CLOSE);
    assert_int_equal(class_of(&r), EXPIRY_CLOSING);
    was.tcp.state = TCP_CLOSE; /* and nothing else */
    assert_memory_equal(&flow(&r)->proto, &was, sizeof was);
    assert_int_equal(flow(&r)->expires, r.now.ms + 10000);
    assert_true(pkt.events & CT_EVENT_PROTOINFO);
    /* again: it is closed, and its time goes on */
    corerig_at(&r, 5000);
    pkt.events = 0;
    ct_set_closing(r.ct, &pkt);
    assert_int_equal(flow(&r)->expires, 1000000 + 10000);
    assert_int_equal(pkt.events, 0);
    corerig_close(&r);
}

static void what_closes_nothing(void **state)
{
    enum { NO_FLOW, OTHER_FLOW, ICMP_ERROR, NO_TCP, UNCONFIRMED, CASES };
    struct corerig r;

    (void)state;
    open_flow(&r);
    for (int i = 0; i < CASES; i++) {
        struct ct_conn *c = flow(&r);
        struct ct_pkt pkt = r.pkt;
        uint32_t was = c->status;

        pkt.conn = i == NO_FLOW ? NULL : c;
        pkt.conn_gen = c->gen + (i == OTHER_FLOW);
        pkt.icmp_error = i == ICMP_ERROR;
        pkt.tuple.proto = i == NO_TCP ? CT_PROTO_UDP : CT_PROTO_TCP;
        pkt.events = 0;
        if (i == UNCONFIRMED)
            c->status &= ~(uint32_t)CT_CONFIRMED;
        ct_set_closing(r.ct, &pkt);
        c->status = was;
        if (tcp_state(&r) != TCP_ESTABLISHED || pkt.events)
            fail_msg("case %d", i);
    }
    corerig_close(&r);
}

/* The mark of a flow follows its packets'; only a change is an event. */
static void marks_are_kept_and_told(void **state)
{
    struct corerig r;
    struct ct_pkt pkt;

    (void)state;
    open_flow(&r);
    pkt = r.pkt;
    pkt.conn = flow(&r);
    pkt.made_conn = false;
    pkt.mark = 7;
    pkt.events = 0;
    track_mark(&pkt);
    assert_int_equal(flow(&r)->mark, 7);
    assert_true(pkt.events & CT_EVENT_MARK);
    assert_int_equal(flow(&r)->seq & 1, 0);
    pkt.events = 0;
    track_mark(&pkt);
    assert_int_equal(pkt.events, 0);
    /* a flow that is not confirmed yet has no events */
    flow(&r)->status &= ~(uint32_t)CT_CONFIRMED;
    pkt.mark = 9;
    track_mark(&pkt);
    flow(&r)->status |= CT_CONFIRMED;
    assert_int_equal(flow(&r)->mark, 9);
    assert_int_equal(pkt.events, 0);
    corerig_close(&r);
}

/* As the kernel tells them apart: a type without a meaning is malformed, one
 * that may not begin a flow is invalid. */
static void what_begins_nothing_is_counted(void **state)
{
    static const struct {
        const char *spec;
        enum ct_stat stat;
    } rows[] = {
        {"10.0.1.2 > 198.51.100.2 icmp 18/0 id 7", CT_STAT_invalid},
        {"10.0.1.2 > 198.51.100.2 icmp 0/0 id 7", CT_STAT_invalid},
        {"10.0.1.2 > 198.51.100.2 icmp 19/0 id 7", CT_STAT_icmp_error},
        {"10.0.1.2 > 198.51.100.2 icmp 255/0 id 7", CT_STAT_icmp_error},
        {"10.0.1.2:1 > 198.51.100.2:2 tcp R seq 7", CT_STAT_invalid},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ct_config c = {.max = 64};
        struct corerig r;

        corerig_open(&r, &c);
        (void)walk(&r, LAN, WAN, rows[i].spec);
        assert_int_equal(r.pkt.info, CT_INVALID);
        if (ct_stat(r.ct, rows[i].stat) != 1)
            fail_msg("%s", rows[i].spec);
        assert_int_equal(ct_stat(r.ct, CT_STAT_invalid) +
                             ct_stat(r.ct, CT_STAT_icmp_error),
                         1);
        corerig_close(&r);
    }
}

/* A confirmed TCP flow may be lengthened, as long as there are records; nothing
 * else, and none for an error about it. */
static void what_may_be_resized(void **state)
{
    enum { FINE, NO_FLOW, OTHER_FLOW, ICMP_ERROR, NO_TCP, UNCONFIRMED, CASES };

    (void)state;
    for (uint32_t records = 0; records < 2; records++)
        for (int i = 0; i < CASES; i++) {
            struct ct_config c = {.max = 64};
            struct corerig r;
            struct ct_pkt pkt;
            uint32_t was;
            bool may;

            corerig_open_tuned(&r, &c, CT_PARAM_extensions, records * 8);
            walk(&r, LAN, WAN, TO_80 "S seq 1000");
            walk(&r, WAN, LAN, FROM "S. seq 5000 ack 1001");
            walk(&r, LAN, WAN, TO_80 ". seq 1001 ack 5001");
            pkt = r.pkt;
            pkt.conn = i == NO_FLOW ? NULL : flow(&r);
            pkt.conn_gen = flow(&r)->gen + (i == OTHER_FLOW);
            pkt.icmp_error = i == ICMP_ERROR;
            pkt.tuple.proto = i == NO_TCP ? CT_PROTO_UDP : CT_PROTO_TCP;
            was = flow(&r)->status;
            if (i == UNCONFIRMED)
                flow(&r)->status &= ~(uint32_t)CT_CONFIRMED;
            may = ct_resizable(r.ct, &pkt);
            if (i == UNCONFIRMED)
                flow(&r)->status = was;
            if (may != (records && i == FINE))
                fail_msg("case %d with %u records", i, records * 8);
            assert_int_equal(flow(&r)->seq & 1, 0);
            if (may) {
                assert_true(flow(&r)->status & CT_SEQ_ADJUST);
                assert_true(ct_resizable(r.ct, &pkt)); /* it stays so */
            }
            corerig_close(&r);
        }
}

static uint32_t heard;

static void hear(void *ctx, const struct ct_event *ev)
{
    (void)ctx;
    heard |= ev->mask;
}

/* What a packet has changed of its flow is told when its journey ends. */
static void changes_are_told(void **state)
{
    static const struct {
        uint8_t in, out;
        const char *spec;
        uint32_t what;
    } rows[] = {
        {LAN, WAN, TO_80 "S seq 1000", CT_EVENT_NEW},
        {WAN, LAN, FROM "S. seq 5000 ack 1001",
         CT_EVENT_REPLY | CT_EVENT_PROTOINFO},
        {LAN, WAN, TO_80 ". seq 1001 ack 5001",
         CT_EVENT_ASSURED | CT_EVENT_PROTOINFO},
        {LAN, WAN, TO_80 "P. seq 1001 ack 5001 len 9", 0},
        {LAN, WAN, TO_80 "F. seq 1010 ack 5001", CT_EVENT_PROTOINFO},
    };
    struct ct_config c = {.max = 64, .event = hear};
    struct corerig r;

    (void)state;
    corerig_open(&r, &c);
    ct_subscribe(r.ct, UINT32_MAX);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        heard = 0;
        assert_int_equal(walk(&r, rows[i].in, rows[i].out, rows[i].spec),
                         CT_ACCEPT);
        if (heard != rows[i].what)
            fail_msg("row %zu: 0x%x, not 0x%x", i, heard, rows[i].what);
    }
    corerig_close(&r);
}

/* Rules that are put in share no counts until they are told to. */
static void new_rules_share_nothing(void **state)
{
    static struct ct_rule_count *counts[2];
    static void *connlimits[2];
    struct ct_config c = {.max = 64};
    struct corerig r;

    (void)state;
    corerig_open(&r, &c);
    ct_set_shared(r.ct, counts, connlimits);
    assert_non_null(r.ct->all_counts);
    ct_set_rules(r.ct, &r.rules, r.count);
    assert_null(r.ct->all_counts);
    assert_null(r.ct->all_connlimits);
    corerig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flow_is_of_its_class),
        cmocka_unit_test(a_reset_of_our_own_closes),
        cmocka_unit_test(what_closes_nothing),
        cmocka_unit_test(marks_are_kept_and_told),
        cmocka_unit_test(what_begins_nothing_is_counted),
        cmocka_unit_test(what_may_be_resized),
        cmocka_unit_test(changes_are_told),
        cmocka_unit_test(new_rules_share_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
