/* protos.c - what every tracker must keep, whichever it is
 *
 * Runs over all 256 protocol numbers, so that a new row of the registry is
 * tested the moment it is there. */
#include "proto/protos.h"
#include "oneflow.h"
#include "packet/parse.h"

#include <ctcore/ct.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static uint32_t dice = 12345;

static uint32_t roll(void)
{
    dice ^= dice << 13;
    dice ^= dice >> 17;
    dice ^= dice << 5;
    return dice;
}

static void registry(void **state)
{
    (void)state;
    for (unsigned p = 0; p < 256; p++) {
        const struct l4proto *proto = protos_find((uint8_t)p);

        assert_non_null(proto);
        assert_int_equal(proto != &proto_generic,
                         ct_proto_is_tracked((uint8_t)p));
    }
    assert_ptr_equal(protos_find(1), &proto_icmp);
    assert_ptr_equal(protos_find(6), &proto_tcp);
    assert_ptr_equal(protos_find(17), &proto_udp);
    assert_ptr_equal(protos_find(33), &proto_dccp);
    assert_ptr_equal(protos_find(58), &proto_icmpv6);
    assert_ptr_equal(protos_find(132), &proto_sctp);
    assert_ptr_equal(protos_find(0), &proto_generic);
    assert_ptr_equal(protos_find(255), &proto_generic);
}

static void rows_are_whole(void **state)
{
    (void)state;
    for (unsigned p = 0; p < 256; p++) {
        const struct l4proto *proto = protos_find((uint8_t)p);
        const union ct_proto_state zero = {0};

        assert_non_null(proto->opens);
        assert_non_null(proto->track);
        assert_true(proto->n_states >= 1);
        assert_true(proto->state(&zero) < proto->n_states);
        assert_in_range(proto->n_timeouts, 1, CT_MAX_TIMEOUTS);
        assert_true(proto->first_timeout + proto->n_timeouts <= CT_N_TIMEOUTS);
        assert_false(ct_timeout_is_of(CT_N_TIMEOUTS, (uint8_t)p));
        for (unsigned s = 0; s < proto->n_states; s++) {
            assert_true(ct_timeout_is_of(proto->timeouts[s], (uint8_t)p));
            if (proto->states)
                assert_true(proto->states[s] && proto->states[s][0]);
        }
    }
}

static void invert_twice(void **state)
{
    unsigned inverted = 0;

    (void)state;
    for (unsigned p = 0; p < 256; p++) {
        for (unsigned i = 0; i < 1000; i++) {
            struct ct_tuple t, reply, back;

            memset(&t, 0, sizeof t);
            for (unsigned b = 0; b < 16; b++) {
                t.src.b[b] = (uint8_t)roll();
                t.dst.b[b] = (uint8_t)roll();
            }
            t.sport = (uint16_t)roll();
            t.dport = (uint16_t)roll();
            t.zone = (uint16_t)roll();
            t.family = CT_IPV6;
            t.proto = (uint8_t)p;
            if (!protos_invert(&t, &reply))
                continue;
            inverted++;
            assert_memory_equal(&reply.src, &t.dst, sizeof t.dst);
            assert_memory_equal(&reply.dst, &t.src, sizeof t.src);
            assert_int_equal(reply.zone, t.zone);
            assert_int_equal(reply.proto, t.proto);
            assert_true(protos_invert(&reply, &back));
            assert_memory_equal(&back, &t, sizeof t);
            /* In place is allowed. */
            assert_true(protos_invert(&t, &t));
            assert_memory_equal(&t, &reply, sizeof t);
        }
    }
    assert_true(inverted > 254000);
}

static bool is_short(const struct l4proto *proto, unsigned len)
{
    return proto != &proto_generic && len < (proto == &proto_gre ? 4u : 8u);
}

/* Blocks of exactly the bytes there are: a read past them ends the test. */
static void truncated_headers(void **state)
{
    (void)state;
    for (unsigned p = 0; p < 256; p++) {
        const struct l4proto *proto = protos_find((uint8_t)p);

        for (unsigned len = 0; len < 24; len++) {
            for (unsigned fill = 0; fill < 256; fill++) {
                uint8_t *bytes = malloc(len ? len : 1);
                struct ct_pkt pkt = {.data = bytes, .len = len, .l4_len = len};
                struct flow f = flow_new(proto);

                assert_non_null(bytes);
                memset(bytes, (int)fill, len);
                flow_packet(&f, &pkt, CT_DIR_ORIGINAL);
                if (is_short(proto, len))
                    assert_int_equal(f.why, CT_REASON_L4_TRUNCATED);
                /* Each of both that read it says so by itself, and what lives
                 * is not prolonged. */
                if (is_short(proto, len))
                    assert_int_equal(proto->opens(&f.st, &f.said),
                                     CT_REASON_L4_TRUNCATED);
                f.said.act = 0;
                f.why = proto->track(&f.st, &f.said);
                if (is_short(proto, len)) {
                    assert_int_equal(f.why, CT_REASON_L4_TRUNCATED);
                    assert_int_equal(f.said.act, 0);
                }
                free(bytes);
            }
        }
    }
}

static void check_answer(const struct flow *f, const struct l4proto *proto)
{
    const uint32_t beside_reason = TRACK_KEEP | TRACK_LOWER;
    const uint32_t any = TRACK_REFRESH | TRACK_ASSURED | TRACK_IGNORE |
                         TRACK_REOPEN | TRACK_KILL | TRACK_CLOSING |
                         TRACK_NO_REPLY;
    uint32_t act = f->said.act;

    assert_true(proto->state(&f->st) < proto->n_states);
    assert_true(f->said.timeout < CT_N_TIMEOUTS);
    if (f->why != CT_REASON_NONE) {
        assert_int_equal(act & ~beside_reason, 0);
        return;
    }
    assert_int_equal(act & ~any, 0);
    if (act & (TRACK_IGNORE | TRACK_REOPEN | TRACK_KILL))
        assert_int_equal(act & (TRACK_REFRESH | TRACK_ASSURED), 0);
    assert_int_equal(f->said.events & ~(uint32_t)CT_EVENT_PROTOINFO, 0);
}

/* TCP bytes whose numbers lie near each other, so that they get somewhere. */
static void tcp_bytes(uint8_t *b, unsigned n)
{
    static const uint8_t flags[] = {0x02, 0x12, 0x10, 0x11, 0x04, 0x14, 0x18};

    memset(b + 4, 0, 3);
    memset(b + 8, 0, 3);
    b[12] = (uint8_t)((5 + roll() % ((n - 20) / 4 + 1)) << 4);
    b[13] = flags[roll() % sizeof flags];
}

/* Known chunks of a few words, one behind the other; few tags. */
static void sctp_bytes(uint8_t *b, unsigned n)
{
    static const uint8_t types[] = {0, 1, 1, 2,  2,  3,  4,  5,
                                    6, 7, 8, 10, 10, 11, 14, 9};

    memset(b + 4, 0, 3);
    b[7] = (uint8_t)(roll() % 3);
    for (unsigned at = 12; at + 4 <= n;) {
        unsigned words = roll() % 2 ? (n - at) / 4 : 1 + roll() % 5;

        b[at] = types[roll() % 16];
        b[at + 1] = (uint8_t)(roll() % 2);
        b[at + 2] = 0;
        b[at + 3] = (uint8_t)(4 * words);
        if (n - at >= 8) {
            memset(b + at + 4, 0, 3);
            b[at + 7] = (uint8_t)(roll() % 3);
        }
        at += 4 * words;
    }
}

/* Types with and without short numbers, the numbers being near. */
static void dccp_bytes(uint8_t *b, unsigned n)
{
    memset(b + 9, 0, n - 9);
    b[4] = (uint8_t)(roll() % 4 ? 7 : 3 + roll() % 5);
    b[8] = (uint8_t)(roll() % 4 ? roll() % 10 << 1 | 1 : roll() % 32);
    b[15] = (uint8_t)(roll() % 4);
    if (n >= 24)
        b[23] = (uint8_t)(roll() % 4);
}

static void random_bytes(uint8_t *b, unsigned n, uint8_t proto)
{
    for (unsigned i = 0; i < n; i++)
        b[i] = (uint8_t)roll();
    if (roll() % 8 == 0 || n < 20)
        return;
    if (proto == CT_PROTO_TCP)
        tcp_bytes(b, n);
    else if (proto == CT_PROTO_SCTP)
        sctp_bytes(b, n);
    else if (proto == CT_PROTO_DCCP)
        dccp_bytes(b, n);
    else if (roll() % 4)
        b[0] = (uint8_t)(roll() % 20); /* ICMP: a type that may be */
}

static void random_packets(void **state)
{
    static const uint8_t nums[] = {1, 6, 6, 6, 6, 17, 132, 132, 33, 33, 58, 99};
    bool met[2][16] = {{false}};

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        uint8_t number = nums[i % sizeof nums];
        const struct l4proto *proto = protos_find(number);
        struct flow f = flow_new(proto);

        f.params.v[CT_PARAM_tcp_loose] = roll() & 1;
        f.params.v[CT_PARAM_dccp_loose] = roll() & 1;
        f.params.v[CT_PARAM_strict_sctp] = roll() & 1;
        f.params.v[CT_PARAM_tcp_be_liberal] = roll() % 8 == 0;
        for (unsigned k = 0; k < 30; k++) {
            unsigned n = 8 + roll() % 53;
            uint8_t *bytes = malloc(n);
            struct ct_pkt pkt = {.data = bytes, .len = n, .l4_len = n};

            assert_non_null(bytes);
            random_bytes(bytes, n, number);
            f.now_ms += roll() % 5 ? roll() % 3000 : roll() % 200000;
            flow_packet(&f, &pkt, roll() & 1);
            check_answer(&f, proto);
            free(bytes);
            met[proto == &proto_sctp][proto->state(&f.st)] |=
                proto == &proto_sctp || proto == &proto_dccp;
        }
    }
    /* they got somewhere: every state of the two was met */
    for (unsigned s = 0; s < proto_dccp.n_states; s++)
        assert_true(met[0][s]);
    for (unsigned s = 0; s < proto_sctp.n_states; s++)
        assert_true(met[1][s]);
}

/* The union's words must hold each member whole: ct_conn copies the words. */
static void state_fits_its_words(void **state)
{
    (void)state;
    assert_int_equal(sizeof(union ct_proto_state), 56);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registry),
        cmocka_unit_test(rows_are_whole),
        cmocka_unit_test(invert_twice),
        cmocka_unit_test(truncated_headers),
        cmocka_unit_test(random_packets),
        cmocka_unit_test(state_fits_its_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
