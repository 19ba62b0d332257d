/* dccp.c - the tracker of DCCP, packet by packet (RFC 4340) */
#include "oneflow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { O = CT_DIR_ORIGINAL, R = CT_DIR_REPLY };
enum {
    REQUEST,
    RESPONSE,
    DATA,
    ACK,
    DATAACK,
    CLOSEREQ,
    CLOSE,
    RESET,
    SYNC,
    SYNCACK,
    LISTEN
};

#define OK          CT_REASON_NONE
#define NOT(reason) (CT_REASON_##reason)

struct step {
    int dir, type;
    uint64_t seq, ack;
    enum ct_reason why; /* refused for it */
    const char *state;  /* afterwards */
    uint32_t seconds;   /* left afterwards; 0: not looked at */
};

static void put48(uint8_t *p, uint64_t v)
{
    for (int i = 0; i < 6; i++)
        p[i] = (uint8_t)(v >> (40 - 8 * i));
}

static void send_bytes(struct flow *f, const uint8_t *bytes, uint32_t n,
                       int dir)
{
    uint8_t *exact = malloc(n); /* a read past it ends the test */
    struct ct_pkt pkt = {.data = exact, .len = n, .l4_len = n};

    assert_non_null(exact);
    memcpy(exact, bytes, n);
    flow_packet(f, &pkt, (enum ct_dir)dir);
    free(exact);
}

/* RFC 4340 5.1 to 5.7: as long as its type asks. */
static uint32_t length_of(int type)
{
    return type == REQUEST || type == LISTEN   ? 20
           : type == RESPONSE || type == RESET ? 28
           : type == DATA                      ? 16
                                               : 24;
}

static void send(struct flow *f, const struct step *s)
{
    uint8_t bytes[28] = {0};
    uint32_t n = length_of(s->type);

    bytes[4] = (uint8_t)(n / 4);
    bytes[8] = (uint8_t)(s->type << 1 | 1);
    put48(bytes + 10, s->seq);
    if (n >= 24)
        put48(bytes + 18, s->ack);
    send_bytes(f, bytes, n, s->dir);
}

/* The same with 24 bits of each number: DATA, ACK, DATAACK. */
static void send_short(struct flow *f, const struct step *s)
{
    uint8_t bytes[16] = {0};

    bytes[4] = s->type == DATA ? 3 : 4;
    bytes[8] = (uint8_t)(s->type << 1);
    for (int i = 0; i < 3; i++) {
        bytes[9 + i] = (uint8_t)(s->seq >> (16 - 8 * i));
        bytes[13 + i] = (uint8_t)(s->ack >> (16 - 8 * i));
    }
    send_bytes(f, bytes, bytes[4] * 4u, s->dir);
}

static const char *state_of(const struct flow *f)
{
    return f->alive ? proto_dccp.states[proto_dccp.state(&f->st)] : "";
}

static void play(struct flow *f, const struct step *s, size_t n, bool is_short,
                 int line)
{
    for (size_t i = 0; i < n; i++) {
        if (is_short)
            send_short(f, &s[i]);
        else
            send(f, &s[i]);
        if (f->why != s[i].why || strcmp(state_of(f), s[i].state) != 0 ||
            (s[i].seconds && flow_left_ms(f) != s[i].seconds * 1000u))
            fail_msg("line %d, step %zu: %s, %s, %llu ms", line, i + 1,
                     ct_reason_name(f->why), state_of(f),
                     (unsigned long long)flow_left_ms(f));
        if (!f->told)
            fail_msg("line %d, step %zu: event", line, i + 1);
    }
}

#define PLAY_AS(f, is_short, ...)                                              \
    do {                                                                       \
        static const struct step steps[] = {__VA_ARGS__};                      \
        play(f, steps, sizeof steps / sizeof *steps, is_short, __LINE__);      \
    } while (0)
#define PLAY(f, ...)       PLAY_AS(f, false, __VA_ARGS__)
#define PLAY_SHORT(f, ...) PLAY_AS(f, true, __VA_ARGS__)

/* The client has sent 100 and 101, the server 500 and 501. */
static struct flow opened(void)
{
    struct flow f = flow_new(&proto_dccp);

    PLAY(&f, {O, REQUEST, 100, 0, OK, "REQUEST", 240},
         {R, RESPONSE, 500, 100, OK, "RESPOND", 480});
    assert_false(f.status & CT_ASSURED);
    PLAY(&f, {O, ACK, 101, 500, OK, "PARTOPEN", 480});
    assert_true(f.status & CT_ASSURED);
    PLAY(&f, {R, DATAACK, 501, 101, OK, "OPEN", 43200});
    return f;
}

/* RFC 4340 8.3: the server asks, the client closes, the server resets. */
static void a_whole_life(void **state)
{
    struct flow f = opened();

    (void)state;
    PLAY(&f, {O, DATA, 102, 0, OK, "OPEN", 43200},
         {R, ACK, 502, 102, OK, "OPEN", 43200});
    assert_false(f.said.act & TRACK_CLOSING);
    PLAY(&f, {R, CLOSEREQ, 503, 102, OK, "CLOSEREQ", 64});
    assert_true(f.said.act & TRACK_CLOSING);
    PLAY(&f, {O, CLOSE, 103, 503, OK, "CLOSING", 64},
         {R, RESET, 504, 103, OK, "TIMEWAIT", 240},
         {O, CLOSE, 104, 503, OK, "TIMEWAIT", 240});
    assert_true(f.said.act & TRACK_IGNORE);
}

static void the_client_closes(void **state)
{
    struct flow f = opened();

    (void)state;
    PLAY(&f, {O, CLOSE, 102, 501, OK, "CLOSING", 64},
         {R, DATA, 502, 0, OK, "CLOSING", 64},
         {R, RESET, 503, 102, OK, "TIMEWAIT", 240});
}

/* Only servers ask for a CLOSE, and only clients open. */
static void roles(void **state)
{
    struct flow f = opened();

    (void)state;
    PLAY(&f, {O, CLOSEREQ, 102, 501, NOT(DCCP_STATE), "OPEN", 0},
         {R, RESPONSE, 502, 101, OK, "OPEN", 0});
    assert_true(f.said.act & TRACK_IGNORE);
}

/* REQUESTs alone keep nothing alive; the answer may be to any of them. */
static void request_again_does_not_renew(void **state)
{
    struct flow f = flow_new(&proto_dccp);

    (void)state;
    PLAY(&f, {O, REQUEST, 100, 0, OK, "REQUEST", 240});
    f.now_ms += 10000;
    PLAY(&f, {O, REQUEST, 101, 0, OK, "REQUEST", 230});
    assert_true(f.said.act & TRACK_IGNORE);
    PLAY(&f, {R, RESPONSE, 500, 99, NOT(DCCP_SEQUENCE), "REQUEST", 230},
         {R, RESPONSE, 500, 102, NOT(DCCP_SEQUENCE), "REQUEST", 230},
         {R, RESPONSE, 500, 101, OK, "RESPOND", 480},
         {R, RESPONSE, 501, 100, OK, "RESPOND", 480});
}

static void what_opens_a_flow(void **state)
{
    static const struct {
        int type;
        enum ct_reason loose, strict;
        const char *state;
    } rows[] = {
        {REQUEST, OK, OK, "REQUEST"},
        {LISTEN, OK, OK, "REQUEST"},
        {DATA, OK, NOT(DCCP_NO_FLOW), "OPEN"},
        {ACK, OK, NOT(DCCP_NO_FLOW), "OPEN"},
        {DATAACK, OK, NOT(DCCP_NO_FLOW), "OPEN"},
        {RESPONSE, NOT(DCCP_NO_FLOW), NOT(DCCP_NO_FLOW), ""},
        {CLOSEREQ, NOT(DCCP_NO_FLOW), NOT(DCCP_NO_FLOW), ""},
        {CLOSE, NOT(DCCP_NO_FLOW), NOT(DCCP_NO_FLOW), ""},
        {RESET, NOT(DCCP_NO_FLOW), NOT(DCCP_NO_FLOW), ""},
        {SYNC, NOT(DCCP_NO_FLOW), NOT(DCCP_NO_FLOW), ""},
        {SYNCACK, NOT(DCCP_NO_FLOW), NOT(DCCP_NO_FLOW), ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (unsigned loose = 0; loose < 2; loose++) {
            struct flow f = flow_new(&proto_dccp);
            enum ct_reason want = loose ? rows[i].loose : rows[i].strict;
            struct step s = {O, rows[i].type, 7,
                             8, want,         want == OK ? rows[i].state : "",
                             0};

            f.params.v[CT_PARAM_dccp_loose] = loose;
            play(&f, &s, 1, false, __LINE__);
        }
}

/* Picked up in the middle: what is acknowledged was sent; who answers, and is
 * answered, is ASSURED; CLOSEREQ tells who the server is. */
static void picked_up(void **state)
{
    struct flow f = flow_new(&proto_dccp);

    (void)state;
    PLAY(&f, {O, ACK, 7000, 9000, OK, "OPEN", 43200},
         {R, DATAACK, 8990, 6990, OK, "OPEN", 43200});
    assert_false(f.status & CT_ASSURED);
    PLAY(&f, {R, ACK, 9001, 7001, NOT(DCCP_SEQUENCE), "OPEN", 0},
         {O, DATA, 7001, 0, OK, "OPEN", 43200});
    assert_true(f.status & CT_ASSURED);
    PLAY(&f, {O, CLOSEREQ, 7002, 9000, OK, "CLOSEREQ", 64},
         {R, CLOSE, 9001, 7002, OK, "CLOSING", 64});
}

/* A RESET as the only answer leaves nothing, whichever side sends it. */
static void refused_at_once(void **state)
{
    struct flow f = flow_new(&proto_dccp);

    (void)state;
    PLAY(&f, {O, REQUEST, 100, 0, OK, "REQUEST", 240},
         {R, RESET, 0, 99, NOT(DCCP_SEQUENCE), "REQUEST", 0},
         {R, RESET, 0, 100, OK, "", 0},
         {O, REQUEST, 100, 0, OK, "REQUEST", 240},
         {O, RESET, 101, 0, OK, "", 0});
    assert_true(f.said.act & TRACK_KILL);
}

/* A sender that can't see the numbers changes nothing. */
static void numbers_that_cannot_be(void **state)
{
    struct flow f = opened();

    (void)state;
    f.now_ms += 1000;
    PLAY(&f, {R, RESET, 502, 102, NOT(DCCP_SEQUENCE), "OPEN", 43199},
         {R, RESET, 502, 99, NOT(DCCP_SEQUENCE), "OPEN", 43199},
         {R, RESET, 0, 102, NOT(DCCP_SEQUENCE), "OPEN", 43199},
         {R, RESET, 501 + (1 << 24) + 1, 101, NOT(DCCP_SEQUENCE), "OPEN", 0},
         {R, DATA, UINT64_C(1) << 47, 0, NOT(DCCP_SEQUENCE), "OPEN", 43199},
         {R, CLOSE, 502, 105, NOT(DCCP_SEQUENCE), "OPEN", 43199},
         {O, ACK, 102, 502, NOT(DCCP_SEQUENCE), "OPEN", 43199},
         {O, ACK, 102, 499, NOT(DCCP_SEQUENCE), "OPEN", 43199},
         {O, DATA, 102, 0, OK, "OPEN", 43200},
         {R, DATA, 501 + (1 << 24), 0, OK, "OPEN", 43200}, /* just possible */
         {R, RESET, 0, 102, OK, "TIMEWAIT", 240}); /* it has lost its state */
}

/* The handshake's ACK must acknowledge the RESPONSE. */
static void handshake_with_a_wrong_number(void **state)
{
    struct flow f = flow_new(&proto_dccp);

    (void)state;
    PLAY(&f, {O, REQUEST, 100, 0, OK, "REQUEST", 0},
         {R, RESPONSE, 500, 100, OK, "RESPOND", 0},
         {O, ACK, 101, 501, NOT(DCCP_SEQUENCE), "RESPOND", 0},
         {O, ACK, 101, 0, NOT(DCCP_SEQUENCE), "RESPOND", 0});
    assert_false(f.status & CT_ASSURED);
    PLAY(&f, {O, DATAACK, 102, 500, OK, "PARTOPEN", 0});
    assert_true(f.status & CT_ASSURED);
}

/* Numbers live on a ring of 2^48. */
static void numbers_wrap(void **state)
{
    struct flow f = flow_new(&proto_dccp);

    (void)state;
    PLAY(&f, {O, REQUEST, 0xffffffffffff, 0, OK, "REQUEST", 0},
         {R, RESPONSE, 0xfffffffffffe, 0xffffffffffff, OK, "RESPOND", 0},
         {O, ACK, 0, 0xfffffffffffe, OK, "PARTOPEN", 0},
         {R, ACK, 0xffffffffffff, 0, OK, "OPEN", 0},
         {R, ACK, 0, 0, OK, "OPEN", 0}, {O, ACK, 1, 0, OK, "OPEN", 0},
         {O, ACK, 2, 1, NOT(DCCP_SEQUENCE), "OPEN", 0},
         {O, ACK, 2, 0xfffffffffffd, NOT(DCCP_SEQUENCE), "OPEN", 0});
}

/* RFC 4340 7.6: 24 bits mean the nearest number. */
static void short_numbers(void **state)
{
    struct flow f = flow_new(&proto_dccp);

    (void)state;
    PLAY(&f, {O, REQUEST, 0x5fffffe, 0, OK, "REQUEST", 0},
         {R, RESPONSE, 0x7000001, 0x5fffffe, OK, "RESPOND", 0},
         {O, ACK, 0x5ffffff, 0x7000001, OK, "PARTOPEN", 0});
    PLAY_SHORT(&f, {R, DATA, 2, 0, OK, "OPEN", 0},
               {O, DATAACK, 0, 2, OK, "OPEN", 0}, /* 0x6000000 */
               {O, DATAACK, 1, 3, NOT(DCCP_SEQUENCE), "OPEN", 0},
               {O, DATAACK, 0xffffff, 1, OK, "OPEN", 0}, /* late */
               {O, DATAACK, 1, 0, NOT(DCCP_SEQUENCE), "OPEN", 0});
    PLAY(&f, {R, ACK, 0x7000003, 0x6000001, NOT(DCCP_SEQUENCE), "OPEN", 0},
         {R, ACK, 0x7000003, 0x6000000, OK, "OPEN", 0});
}

/* SYNCs pass whatever their numbers, and change nothing (7.5.4). */
static void syncs_are_ignored(void **state)
{
    struct flow f = opened();

    (void)state;
    f.now_ms += 1000;
    PLAY(&f, {R, SYNC, 1, 7777, OK, "OPEN", 43199},
         {O, SYNCACK, 900000000, 1, OK, "OPEN", 43199});
    assert_true(f.said.act & TRACK_IGNORE);
    PLAY(&f, {O, ACK, 102, 501, OK, "OPEN", 43200},
         {R, ACK, 502, 102, OK, "OPEN", 43200});
}

/* After the end either side may begin again; roles follow. */
static void opened_again(void **state)
{
    struct flow f = opened();

    (void)state;
    PLAY(&f, {R, RESET, 502, 101, OK, "TIMEWAIT", 0},
         {R, REQUEST, 7, 0, OK, "REQUEST", 240},
         {O, RESPONSE, 90, 8, NOT(DCCP_SEQUENCE), "REQUEST", 0},
         {O, RESPONSE, 90, 7, OK, "RESPOND", 480},
         {R, ACK, 8, 90, OK, "PARTOPEN", 480}, {O, ACK, 91, 8, OK, "OPEN", 0},
         {R, CLOSEREQ, 9, 91, NOT(DCCP_STATE), "OPEN", 0},
         {O, CLOSEREQ, 92, 8, OK, "CLOSEREQ", 0},
         {R, RESET, 9, 92, OK, "TIMEWAIT", 0},
         {O, REQUEST, 1, 0, OK, "REQUEST", 240});
}

/* A REQUEST in an open flow begins a new connection only if the other side
 * answers just that REQUEST. */
static void out_of_step(void **state)
{
    struct flow f = opened();

    (void)state;
    PLAY(&f, {O, REQUEST, 70000, 0, OK, "OPEN", 0},
         {R, RESPONSE, 900, 70001, OK, "OPEN", 0}); /* ignored */
    assert_true(f.said.act & TRACK_IGNORE);
    PLAY(&f, {R, RESPONSE, 900, 70000, OK, "RESPOND", 480},
         {O, ACK, 70001, 900, OK, "PARTOPEN", 0},
         {R, ACK, 901, 70001, OK, "OPEN", 0});
}

/* Nor is a REQUEST of the side that has to answer one of this flow's numbers.
 */
static void long_numbers_are_whole(void **state)
{
    struct flow f = opened();

    (void)state;
    PLAY(&f, {O, DATA, 102 + (1 << 24), 0, NOT(DCCP_SEQUENCE), "OPEN", 0},
         {R, ACK, 502 + (1 << 24), 101, NOT(DCCP_SEQUENCE), "OPEN", 0},
         {R, ACK, 502, 101 + (1 << 24), NOT(DCCP_SEQUENCE), "OPEN", 0},
         {O, DATA, 102, 0, OK, "OPEN", 43200});
}

/* A REQUEST of the side that has to answer is none of this flow's. */
static void requests_that_cross(void **state)
{
    struct flow f = flow_new(&proto_dccp);

    (void)state;
    PLAY(&f, {O, REQUEST, 100, 0, OK, "REQUEST", 240},
         {R, REQUEST, 900, 0, OK, "REQUEST", 240});
    assert_true(f.said.act & TRACK_IGNORE);
    PLAY(&f, {R, RESPONSE, 500, 100, OK, "RESPOND", 480},
         {O, ACK, 101, 500, OK, "PARTOPEN", 0});
}

/* RFC 5596: a server behind the router invites; the client is outside. */
static void a_server_invites(void **state)
{
    struct flow f = flow_new(&proto_dccp);

    (void)state;
    PLAY(&f, {O, LISTEN, 70000, 0, OK, "REQUEST", 240},
         {O, LISTEN, 0, 0, OK, "REQUEST", 240},
         {R, REQUEST, 100, 0, OK, "REQUEST", 240},
         {O, RESPONSE, 500, 99, NOT(DCCP_SEQUENCE), "REQUEST", 0},
         {O, RESPONSE, 500, 100, OK, "RESPOND", 480},
         {R, ACK, 101, 500, OK, "PARTOPEN", 0},
         {O, ACK, 501, 101, OK, "OPEN", 0});
    assert_true(f.status & CT_ASSURED);
}

/* Lengths and types, RFC 4340 5.1. */
static void what_is_no_packet(void **state)
{
    static const struct {
        const char *what;
        uint8_t len, offset, type_x;
        enum ct_reason why;
    } rows[] = {
        {"REQUEST as long as it must be", 20, 5, REQUEST << 1 | 1, OK},
        {"REQUEST without a service code", 16, 4, REQUEST << 1 | 1,
         NOT(L4_BAD_LENGTH)},
        {"REQUEST whose options pass its end", 20, 6, REQUEST << 1 | 1,
         NOT(L4_BAD_LENGTH)},
        {"REQUEST with options", 24, 6, REQUEST << 1 | 1, OK},
        {"REQUEST of 11 bytes", 11, 2, REQUEST << 1 | 1, NOT(L4_TRUNCATED)},
        {"REQUEST with short numbers", 24, 6, REQUEST << 1, NOT(DCCP_TYPE)},
        {"RESET with short numbers", 28, 7, RESET << 1, NOT(DCCP_TYPE)},
        {"SYNC with short numbers", 28, 7, SYNC << 1, NOT(DCCP_TYPE)},
        {"LISTEN with short numbers", 28, 7, LISTEN << 1, NOT(DCCP_TYPE)},
        {"type 11", 28, 7, 11 << 1 | 1, NOT(DCCP_TYPE)},
        {"type 15", 28, 7, 15 << 1, NOT(DCCP_TYPE)},
        {"DATA of 16 bytes", 16, 4, DATA << 1 | 1, OK},
        {"DATA of 12 bytes", 12, 3, DATA << 1 | 1, NOT(L4_BAD_LENGTH)},
        {"short DATA of 12 bytes", 12, 3, DATA << 1, OK},
        {"short ACK of 16 bytes", 16, 4, ACK << 1, OK},
        {"short ACK of 12 bytes", 12, 3, ACK << 1, NOT(L4_BAD_LENGTH)},
        {"ACK of 24 bytes", 24, 6, ACK << 1 | 1, OK},
        {"ACK of 20 bytes", 20, 5, ACK << 1 | 1, NOT(L4_BAD_LENGTH)},
        {"reserved bits say nothing", 20, 5, 0xe1, OK},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t bytes[28] = {0};
        struct flow f = flow_new(&proto_dccp);

        bytes[4] = rows[i].offset;
        bytes[8] = rows[i].type_x;
        send_bytes(&f, bytes, rows[i].len, O);
        if (f.why != rows[i].why)
            fail_msg("%s: %s", rows[i].what, ct_reason_name(f.why));
    }
}

static void timeouts_are_tunable(void **state)
{
    struct flow f = flow_new(&proto_dccp);

    (void)state;
    f.params.v[CT_PARAM_dccp_request] = 21;
    f.params.v[CT_PARAM_dccp_respond] = 22;
    f.params.v[CT_PARAM_dccp_partopen] = 23;
    f.params.v[CT_PARAM_dccp_open] = 24;
    f.params.v[CT_PARAM_dccp_closereq] = 25;
    f.params.v[CT_PARAM_dccp_closing] = 26;
    f.params.v[CT_PARAM_dccp_timewait] = 27;
    PLAY(&f, {O, REQUEST, 100, 0, OK, "REQUEST", 21},
         {R, RESPONSE, 500, 100, OK, "RESPOND", 22},
         {O, ACK, 101, 500, OK, "PARTOPEN", 23},
         {R, ACK, 501, 101, OK, "OPEN", 24},
         {R, CLOSEREQ, 502, 101, OK, "CLOSEREQ", 25},
         {O, CLOSE, 102, 502, OK, "CLOSING", 26},
         {R, RESET, 503, 102, OK, "TIMEWAIT", 27});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_life),
        cmocka_unit_test(the_client_closes),
        cmocka_unit_test(roles),
        cmocka_unit_test(request_again_does_not_renew),
        cmocka_unit_test(what_opens_a_flow),
        cmocka_unit_test(picked_up),
        cmocka_unit_test(refused_at_once),
        cmocka_unit_test(numbers_that_cannot_be),
        cmocka_unit_test(handshake_with_a_wrong_number),
        cmocka_unit_test(numbers_wrap),
        cmocka_unit_test(short_numbers),
        cmocka_unit_test(syncs_are_ignored),
        cmocka_unit_test(opened_again),
        cmocka_unit_test(out_of_step),
        cmocka_unit_test(long_numbers_are_whole),
        cmocka_unit_test(requests_that_cross),
        cmocka_unit_test(a_server_invites),
        cmocka_unit_test(what_is_no_packet),
        cmocka_unit_test(timeouts_are_tunable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
