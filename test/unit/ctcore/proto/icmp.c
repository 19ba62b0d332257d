/* icmp.c - ICMP and ICMPv6 queries: every type there is */
#include "oneflow.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct pair {
    uint8_t query, answer;
};
static const struct pair v4[] = {{8, 0}, {13, 14}, {15, 16}, {17, 18}};
static const struct pair v6[] = {{128, 129}, {139, 140}};

static enum ct_reason wanted(const struct pair *list, unsigned n, unsigned type)
{
    for (unsigned i = 0; i < n; i++) {
        if (list[i].query == type)
            return CT_REASON_NONE;
        if (list[i].answer == type)
            return CT_REASON_ICMP_NO_FLOW;
    }
    return CT_REASON_ICMP_TYPE;
}

static void sweep(const struct l4proto *proto, const struct pair *list,
                  unsigned n)
{
    for (unsigned type = 0; type < 256; type++) {
        uint8_t bytes[8] = {(uint8_t)type};
        struct ct_pkt pkt = {.data = bytes, .len = 8, .l4_len = 8};
        struct flow f = flow_new(proto);

        flow_packet(&f, &pkt, CT_DIR_ORIGINAL);
        assert_int_equal(f.why, wanted(list, n, type));
        assert_int_equal(f.alive, f.why == CT_REASON_NONE);
    }
}

static void only_queries_open(void **state)
{
    (void)state;
    sweep(&proto_icmp, v4, sizeof v4 / sizeof *v4);
    sweep(&proto_icmpv6, v6, sizeof v6 / sizeof *v6);
}

static void invert_sweep(const struct l4proto *proto, const struct pair *list,
                         unsigned n)
{
    uint8_t number = proto == &proto_icmp ? CT_PROTO_ICMP : CT_PROTO_ICMPV6;

    for (unsigned type = 0; type < 256; type++) {
        struct ct_tuple t = {
            .sport = 77, .dport = (uint16_t)(type << 8 | 3), .proto = number};
        struct ct_tuple reply = {0};
        int want = -1;

        t.src.b[0] = 1;
        t.dst.b[0] = 2;
        for (unsigned i = 0; i < n; i++) {
            if (list[i].query == type)
                want = list[i].answer;
            if (list[i].answer == type)
                want = list[i].query;
        }
        assert_int_equal(proto->invert(&t, &reply), want >= 0);
        if (want < 0)
            continue;
        assert_int_equal(reply.dport, want << 8 | 3); /* the code stays */
        assert_int_equal(reply.sport, 77);            /* and the id */
        assert_int_equal(reply.src.b[0], 2);
        assert_int_equal(reply.dst.b[0], 1);
        assert_int_equal(reply.proto, number);
    }
}

static void answers_pair_with_queries(void **state)
{
    (void)state;
    invert_sweep(&proto_icmp, v4, sizeof v4 / sizeof *v4);
    invert_sweep(&proto_icmpv6, v6, sizeof v6 / sizeof *v6);
}

/* The kernel: 30 s, refreshed both ways, never ASSURED. */
static void ping(const struct l4proto *proto, uint8_t query, uint8_t answer,
                 unsigned param)
{
    uint8_t ask[8] = {query}, say[8] = {answer};
    struct ct_pkt asked = {.data = ask, .len = 8, .l4_len = 8};
    struct ct_pkt answered = {.data = say, .len = 8, .l4_len = 8};
    struct flow f = flow_new(proto);

    f.params.v[param] = 13;
    for (int i = 0; i < 5; i++) {
        flow_packet(&f, &asked, CT_DIR_ORIGINAL);
        assert_int_equal(f.why, CT_REASON_NONE);
        assert_int_equal(f.said.act, TRACK_REFRESH);
        assert_int_equal(flow_left_ms(&f), 13000);
        f.now_ms += 3000;
        flow_packet(&f, &answered, CT_DIR_REPLY);
        assert_int_equal(f.said.act, TRACK_REFRESH);
        assert_int_equal(flow_left_ms(&f), 13000);
        f.now_ms += 12999;
    }
    assert_int_equal(f.status, CT_SEEN_REPLY);
}

static void pings(void **state)
{
    (void)state;
    ping(&proto_icmp, 8, 0, CT_PARAM_icmp);
    ping(&proto_icmpv6, 128, 129, CT_PARAM_icmpv6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_queries_open),
        cmocka_unit_test(answers_pair_with_queries),
        cmocka_unit_test(pings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
