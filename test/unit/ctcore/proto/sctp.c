/* sctp.c - the tracker of SCTP, packet by packet (RFC 9260)
 *
 * A packet is written as chunks of type, flags and length; what a row expects
 * of the flow afterwards is its state, or the reason why it was refused. */
#include "oneflow.h"

#include "bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { O = CT_DIR_ORIGINAL, R = CT_DIR_REPLY };

#define NOT(reason) (CT_REASON_##reason)

struct step {
    int dir;
    const char *chunks; /* names joined by +; /T sets the T bit */
    uint32_t vtag, itag;
    enum ct_reason why; /* refused for it */
    const char *state;  /* afterwards */
    uint32_t seconds;   /* left afterwards */
};

static const struct {
    const char *name;
    uint8_t type, len;
} kinds[] = {
    {"DATA", 0, 16},     {"INIT", 1, 20},         {"INIT_ACK", 2, 20},
    {"SACK", 3, 16},     {"HB", 4, 12},           {"HB_ACK", 5, 12},
    {"ABORT", 6, 4},     {"SHUTDOWN", 7, 8},      {"SHUTDOWN_ACK", 8, 4},
    {"ERROR", 9, 4},     {"ECHO", 10, 4},         {"COOKIE_ACK", 11, 4},
    {"COMPLETE", 14, 4}, {"FORWARD_TSN", 192, 8},
};

static size_t write_chunk(uint8_t *at, const char *name, size_t n,
                          uint32_t itag)
{
    size_t bare = n > 2 && memcmp(name + n - 2, "/T", 2) == 0 ? n - 2 : n;

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strlen(kinds[i].name) == bare &&
            memcmp(kinds[i].name, name, bare) == 0) {
            at[0] = kinds[i].type;
            at[1] = bare != n;
            at[3] = kinds[i].len;
            if (kinds[i].type == 1 || kinds[i].type == 2)
                bytes_put32(at + 4, itag);
            return kinds[i].len;
        }
    fail_msg("no chunk is called %.*s", (int)n, name);
    return 0;
}

static void send(struct flow *f, const struct step *s)
{
    uint8_t bytes[256] = {0};
    struct ct_pkt pkt = {.data = bytes};
    const char *at = s->chunks;

    bytes_put32(bytes + 4, s->vtag);
    pkt.l4_len = 12;
    while (*at) {
        size_t n = strcspn(at, "+");

        pkt.l4_len += (uint32_t)write_chunk(bytes + pkt.l4_len, at, n, s->itag);
        at += n + (at[n] == '+');
    }
    pkt.len = pkt.l4_len;
    flow_packet(f, &pkt, (enum ct_dir)s->dir);
}

static const char *state_of(const struct flow *f)
{
    return f->alive ? proto_sctp.states[proto_sctp.state(&f->st)] : "";
}

#define PLAY(f, ...)                                                           \
    do {                                                                       \
        static const struct step steps[] = {__VA_ARGS__};                      \
        play(f, steps, sizeof steps / sizeof *steps, __LINE__);                \
    } while (0)

static void play(struct flow *f, const struct step *s, size_t n, int line)
{
    for (size_t i = 0; i < n; i++) {
        send(f, &s[i]);
        if (f->why != s[i].why || strcmp(state_of(f), s[i].state) != 0 ||
            (s[i].seconds && flow_left_ms(f) != s[i].seconds * 1000u))
            fail_msg("line %d, step %zu, %s: %s, %s, %llu ms", line, i + 1,
                     s[i].chunks, ct_reason_name(f->why), state_of(f),
                     (unsigned long long)flow_left_ms(f));
        if (!f->told)
            fail_msg("line %d, step %zu: event", line, i + 1);
    }
}

#define OK CT_REASON_NONE

static struct flow established(void)
{
    struct flow f = flow_new(&proto_sctp);

    PLAY(&f, {O, "INIT", 0, 9, OK, "CLOSED", 10},
         {R, "INIT_ACK", 9, 7, OK, "COOKIE_WAIT", 3},
         {O, "ECHO+DATA", 7, 0, OK, "COOKIE_ECHOED", 3},
         {R, "COOKIE_ACK+DATA", 9, 0, OK, "ESTABLISHED", 210});
    assert_true(f.status & CT_ASSURED);
    return f;
}

static void a_whole_life(void **state)
{
    struct flow f = established();

    (void)state;
    PLAY(&f, {O, "SACK", 7, 0, OK, "ESTABLISHED", 210},
         {O, "HB", 7, 0, OK, "ESTABLISHED", 210},
         {R, "HB_ACK", 9, 0, OK, "ESTABLISHED", 210},
         {R, "FORWARD_TSN", 9, 0, OK, "ESTABLISHED", 210},
         {O, "SHUTDOWN", 7, 0, OK, "SHUTDOWN_SENT", 3});
    assert_true(f.said.act & TRACK_CLOSING);
    PLAY(&f, {R, "SHUTDOWN_ACK", 9, 0, OK, "SHUTDOWN_ACK_SENT", 3});
    assert_true(f.said.act & TRACK_CLOSING);
    PLAY(&f, {O, "COMPLETE", 7, 0, OK, "CLOSED", 10});
    assert_false(f.said.act & TRACK_CLOSING);
}

static void the_server_ends_it(void **state)
{
    struct flow f = established();

    (void)state;
    PLAY(&f, {R, "SHUTDOWN", 9, 0, OK, "SHUTDOWN_RECD", 3},
         {O, "SHUTDOWN_ACK", 7, 0, OK, "SHUTDOWN_ACK_SENT", 3},
         /* it has forgotten: the T bit, and the tag it was sent */
         {R, "COMPLETE/T", 7, 0, OK, "CLOSED", 10});
}

/* INITs alone keep nothing alive. */
static void init_again_does_not_renew(void **state)
{
    struct flow f = flow_new(&proto_sctp);

    (void)state;
    PLAY(&f, {O, "INIT", 0, 9, OK, "CLOSED", 10});
    f.now_ms += 4000;
    PLAY(&f, {O, "INIT", 0, 9, OK, "CLOSED", 6});
    assert_true(f.said.act & TRACK_IGNORE);
    PLAY(&f, {O, "INIT", 0, 10, OK, "CLOSED", 6},
         {R, "INIT_ACK", 9, 7, NOT(SCTP_VTAG), "CLOSED", 6},
         {R, "INIT_ACK", 10, 7, OK, "COOKIE_WAIT", 3});
}

/* RFC 9260 8.5: a sender that does not know the tag changes nothing. */
static void tags_of_each_direction(void **state)
{
    static const char *const chunks[] = {
        "DATA",     "SACK",  "ERROR",    "SHUTDOWN", "COOKIE_ACK", "ECHO",
        "INIT_ACK", "ABORT", "COMPLETE", "ABORT/T",  "COMPLETE/T"};
    struct flow f = established();

    (void)state;
    f.now_ms += 1000;
    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++)
        for (int dir = O; dir <= R; dir++) {
            struct step s = {dir,           chunks[i], 77, 0, NOT(SCTP_VTAG),
                             "ESTABLISHED", 209};

            play(&f, &s, 1, __LINE__);
        }
    /* the T bit means the other's tag, and no T bit one's own */
    PLAY(&f, {O, "ABORT/T", 7, 0, NOT(SCTP_VTAG), "ESTABLISHED", 209},
         {O, "ABORT", 9, 0, NOT(SCTP_VTAG), "ESTABLISHED", 209},
         {R, "ABORT/T", 9, 0, NOT(SCTP_VTAG), "ESTABLISHED", 209},
         {R, "ABORT/T", 7, 0, OK, "CLOSED", 10});
}

/* An INIT has no tag yet: anything else is no INIT. */
static void init_bears_tag_zero(void **state)
{
    struct flow f = flow_new(&proto_sctp);

    (void)state;
    PLAY(&f, {O, "INIT", 9, 9, NOT(SCTP_VTAG), "", 0},
         {O, "INIT", 0, 9, OK, "CLOSED", 10},
         {O, "INIT", 9, 9, NOT(SCTP_VTAG), "CLOSED", 10});
}

/* RFC 9260 8.4: out of the blue. */
static void what_opens_a_flow(void **state)
{
    static const struct step rows[] = {
        {O, "INIT", 0, 9, OK, "CLOSED", 10},
        {O, "HB", 9, 0, OK, "HEARTBEAT_SENT", 30},
        {O, "SHUTDOWN_ACK", 9, 0, OK, "SHUTDOWN_ACK_SENT", 3},
        {O, "DATA", 9, 0, NOT(SCTP_NO_FLOW), "", 0},
        {O, "SACK", 9, 0, NOT(SCTP_NO_FLOW), "", 0},
        {O, "HB+DATA", 9, 0, NOT(SCTP_NO_FLOW), "", 0},
        {O, "FORWARD_TSN", 9, 0, NOT(SCTP_NO_FLOW), "", 0},
        {O, "ABORT", 9, 0, NOT(SCTP_NO_FLOW), "", 0},
        {O, "COMPLETE", 9, 0, NOT(SCTP_NO_FLOW), "", 0},
        {O, "COOKIE_ACK", 9, 0, NOT(SCTP_NO_FLOW), "", 0},
        {O, "ECHO", 9, 0, NOT(SCTP_VTAG), "", 0},
        {O, "ERROR", 9, 0, NOT(SCTP_VTAG), "", 0},
        {O, "HB_ACK", 9, 0, OK, "CLOSED", 10},
        {O, "ECHO+HB", 9, 0, OK, "CLOSED", 10},
        {O, "ECHO+HB_ACK", 9, 0, NOT(SCTP_VTAG), "", 0},
        {O, "SHUTDOWN", 9, 0, NOT(SCTP_VTAG), "", 0},
        {O, "INIT_ACK", 9, 7, NOT(SCTP_VTAG), "", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct flow f = flow_new(&proto_sctp);

        play(&f, &rows[i], 1, __LINE__);
    }
}

static void an_answer_out_of_the_blue(void **state)
{
    struct flow f = flow_new(&proto_sctp);

    (void)state;
    PLAY(&f, {O, "SHUTDOWN_ACK", 9, 0, OK, "SHUTDOWN_ACK_SENT", 3},
         {R, "COMPLETE", 8, 0, NOT(SCTP_VTAG), "SHUTDOWN_ACK_SENT", 3},
         {R, "COMPLETE", 9, 0, OK, "CLOSED", 10});
}

/* RFC 9260 5.2.1: both sent INIT; an INIT ACK must name the tag that the INIT
 * of its sender named. */
static void inits_cross(void **state)
{
    struct flow f = flow_new(&proto_sctp);

    (void)state;
    PLAY(&f, {O, "INIT", 0, 9, OK, "CLOSED", 10},
         {R, "INIT", 0, 7, OK, "CLOSED", 10},
         {R, "INIT_ACK", 9, 8, NOT(SCTP_VTAG), "CLOSED", 10},
         {O, "INIT_ACK", 7, 8, NOT(SCTP_VTAG), "CLOSED", 10},
         {O, "INIT_ACK", 7, 9, OK, "CLOSED", 10},
         {R, "INIT_ACK", 9, 7, OK, "COOKIE_WAIT", 3},
         {R, "ECHO", 9, 0, OK, "COOKIE_ECHOED", 3},
         {O, "COOKIE_ACK", 7, 0, OK, "ESTABLISHED", 210});
    assert_true(f.status & CT_ASSURED);
}

/* The collision that broke associations behind routers: the client's INIT goes
 * out late, into an association that the server has begun meanwhile; its INIT
 * ACK bears the tags of the other one. */
static void a_late_init_does_not_harm(void **state)
{
    struct flow f = flow_new(&proto_sctp);

    (void)state;
    PLAY(&f, {O, "INIT", 0, 9, OK, "CLOSED", 10},
         {R, "INIT", 0, 7, OK, "CLOSED", 10},
         {O, "INIT_ACK", 7, 9, OK, "CLOSED", 10},
         {O, "INIT", 0, 9, OK, "CLOSED", 10}, /* again, from a queue */
         {R, "INIT_ACK", 9, 66, NOT(SCTP_VTAG), "CLOSED", 10},
         {R, "INIT_ACK", 9, 7, OK, "COOKIE_WAIT", 3},
         {O, "ECHO", 7, 0, OK, "COOKIE_ECHOED", 3},
         {R, "COOKIE_ACK", 9, 0, OK, "ESTABLISHED", 210},
         {O, "DATA", 7, 0, OK, "ESTABLISHED", 210});
}

/* An INIT ACK without an INIT must not change the tags. */
static void init_ack_unasked(void **state)
{
    struct flow f = established();

    (void)state;
    PLAY(&f, {R, "INIT_ACK", 9, 8, NOT(SCTP_VTAG), "ESTABLISHED", 210},
         {O, "DATA", 7, 0, OK, "ESTABLISHED", 210},
         {R, "INIT_ACK", 9, 7, OK, "ESTABLISHED", 210});
}

static void a_stale_cookie(void **state)
{
    struct flow f = flow_new(&proto_sctp);

    (void)state;
    PLAY(&f, {O, "INIT", 0, 9, OK, "CLOSED", 10},
         {R, "INIT_ACK", 9, 7, OK, "COOKIE_WAIT", 3},
         {O, "ECHO", 7, 0, OK, "COOKIE_ECHOED", 3},
         {R, "ERROR", 9, 0, OK, "CLOSED", 10});
}

/* A second path of an association shows itself by HEARTBEATs only. */
static void a_second_path(void **state)
{
    struct flow f = flow_new(&proto_sctp);

    (void)state;
    PLAY(&f, {O, "HB", 7, 0, OK, "HEARTBEAT_SENT", 30},
         {R, "INIT", 0, 5, NOT(SCTP_STATE), "HEARTBEAT_SENT", 30},
         {R, "DATA", 9, 0, NOT(SCTP_VTAG), "HEARTBEAT_SENT", 30},
         {R, "HB_ACK", 9, 0, OK, "ESTABLISHED", 210},
         {O, "DATA", 7, 0, OK, "ESTABLISHED", 210},
         {R, "SACK", 9, 0, OK, "ESTABLISHED", 210});
    assert_true(f.status & CT_ASSURED);
}

/* A path taken over by a new association: its HEARTBEAT is let through once,
 * and believed when the other side answers with a foreign tag too. */
static void heartbeats_with_foreign_tags(void **state)
{
    struct flow f = established();

    (void)state;
    f.now_ms += 1000;
    PLAY(&f, {R, "HB_ACK", 99, 0, NOT(SCTP_VTAG), "ESTABLISHED", 209},
         {O, "HB+HB", 77, 0, NOT(SCTP_BUNDLE), "ESTABLISHED", 209},
         {O, "HB+DATA", 77, 0, NOT(SCTP_BUNDLE), "ESTABLISHED", 209},
         {O, "HB", 77, 0, OK, "ESTABLISHED", 209});
    assert_true(f.said.act & TRACK_IGNORE);
    PLAY(&f, {O, "HB_ACK", 77, 0, NOT(SCTP_VTAG), "ESTABLISHED", 209},
         {O, "DATA", 77, 0, NOT(SCTP_VTAG), "ESTABLISHED", 209},
         {O, "DATA", 7, 0, OK, "ESTABLISHED", 210},
         {R, "HB_ACK", 99, 0, OK, "ESTABLISHED", 210},
         {R, "DATA", 99, 0, OK, "ESTABLISHED", 210},
         {O, "HB", 77, 0, OK, "ESTABLISHED", 210},
         {O, "DATA", 77, 0, OK, "ESTABLISHED", 210});
    f = established();
    PLAY(&f, {O, "HB", 77, 0, OK, "ESTABLISHED", 210},
         {O, "HB", 7, 0, OK, "ESTABLISHED", 210}, /* clears the doubt */
         {R, "HB_ACK", 99, 0, NOT(SCTP_VTAG), "ESTABLISHED", 210});
}

/* A chunk that may bear a foreign tag brings in no others. */
static void no_bundles_under_foreign_tags(void **state)
{
    struct flow f = established();

    (void)state;
    PLAY(&f, {R, "HB+SHUTDOWN", 77, 0, NOT(SCTP_BUNDLE), "ESTABLISHED", 210},
         {R, "SHUTDOWN+HB", 77, 0, NOT(SCTP_BUNDLE), "ESTABLISHED", 210},
         {R, "SHUTDOWN_ACK+SHUTDOWN", 0, 0, NOT(SCTP_BUNDLE), "ESTABLISHED",
          210},
         {R, "SHUTDOWN+ABORT/T", 7, 0, NOT(SCTP_BUNDLE), "ESTABLISHED", 210},
         {R, "HB+SHUTDOWN", 9, 0, OK, "SHUTDOWN_RECD", 3});
}

/* RFC 9260 5.2.2, strict_sctp: an INIT alone changes nothing, whichever side
 * sent it; its answer, or a refusal, passes. */
static void a_strangers_init(void **state)
{
    struct flow f = established();

    (void)state;
    f.params.v[CT_PARAM_strict_sctp] = 1;
    f.now_ms += 1000;
    PLAY(&f, {R, "INIT", 0, 66, OK, "ESTABLISHED", 209},
         {O, "DATA", 66, 0, NOT(SCTP_VTAG), "ESTABLISHED", 209},
         {O, "SHUTDOWN", 66, 0, NOT(SCTP_VTAG), "ESTABLISHED", 209},
         {O, "ECHO", 66, 0, NOT(SCTP_VTAG), "ESTABLISHED", 209},
         {O, "INIT_ACK", 66, 67, OK, "ESTABLISHED", 209},
         {R, "DATA", 66, 0, NOT(SCTP_VTAG), "ESTABLISHED", 209},
         {R, "ECHO", 66, 0, NOT(SCTP_VTAG), "ESTABLISHED", 209},
         {O, "ABORT", 66, 0, OK, "ESTABLISHED", 209},
         {O, "DATA", 7, 0, OK, "ESTABLISHED", 210},
         {R, "DATA", 9, 0, OK, "ESTABLISHED", 210});
    /* the kernel's way */
    f = established();
    PLAY(&f, {R, "INIT", 0, 66, OK, "ESTABLISHED", 210},
         {O, "DATA", 7, 0, NOT(SCTP_VTAG), "ESTABLISHED", 210});
}

/* The same from an end that has restarted: its cookie proves it. */
static void a_peer_restarts(void **state)
{
    struct flow f = established();

    (void)state;
    f.params.v[CT_PARAM_strict_sctp] = 1;
    PLAY(&f, {R, "INIT", 0, 66, OK, "ESTABLISHED", 210},
         {O, "INIT_ACK", 66, 67, OK, "ESTABLISHED", 210},
         {R, "ECHO+DATA", 67, 0, OK, "ESTABLISHED", 210},
         {O, "COOKIE_ACK", 66, 0, OK, "ESTABLISHED", 210},
         {R, "DATA", 67, 0, OK, "ESTABLISHED", 210},
         {O, "SACK", 66, 0, OK, "ESTABLISHED", 210},
         {R, "DATA", 9, 0, NOT(SCTP_VTAG), "ESTABLISHED", 210});
    f = established();
    f.params.v[CT_PARAM_strict_sctp] = 1;
    PLAY(&f, {O, "INIT", 0, 99, OK, "ESTABLISHED", 210},
         {R, "INIT_ACK", 99, 77, OK, "ESTABLISHED", 210},
         {O, "ECHO", 77, 0, OK, "ESTABLISHED", 210},
         {R, "COOKIE_ACK", 99, 0, OK, "ESTABLISHED", 210},
         {O, "DATA", 77, 0, OK, "ESTABLISHED", 210});
}

/* The chunks before a bad one have had no effect. */
static void a_bundle_is_all_or_nothing(void **state)
{
    struct flow f = flow_new(&proto_sctp);

    (void)state;
    PLAY(&f, {O, "INIT", 0, 9, OK, "CLOSED", 10},
         {R, "INIT_ACK", 9, 7, OK, "COOKIE_WAIT", 3},
         {O, "ECHO", 7, 0, OK, "COOKIE_ECHOED", 3},
         {R, "COOKIE_ACK+ABORT/T", 9, 0, NOT(SCTP_VTAG), "COOKIE_ECHOED", 3});
    assert_int_equal(f.said.act, 0);
    assert_false(f.status & CT_ASSURED);
    f = established();
    PLAY(&f, {R, "SHUTDOWN+ABORT/T", 9, 0, NOT(SCTP_VTAG), "ESTABLISHED", 210},
         {R, "DATA", 9, 0, OK, "ESTABLISHED", 210});
}

/* RFC 9260 6.10, and 3.2 on lengths.  In a flow and out of the blue. */
static void what_is_no_packet(void **state)
{
    static const struct {
        const char *what;
        uint8_t chunks[48];
        uint8_t len;
        enum ct_reason why;
    } rows[] = {
        {"no chunk", {0}, 0, CT_REASON_SCTP_CHUNK},
        {"half a chunk header", {4, 0, 0}, 3, CT_REASON_SCTP_CHUNK},
        {"length zero", {4, 0, 0, 0}, 4, CT_REASON_SCTP_CHUNK},
        {"length three", {4, 0, 0, 3}, 4, CT_REASON_SCTP_CHUNK},
        {"longer than the packet",
         {4, 0, 0, 9, 0, 0, 0, 0},
         8,
         CT_REASON_SCTP_CHUNK},
        {"length of ones", {4, 0, 255, 255}, 4, CT_REASON_SCTP_CHUNK},
        {"COOKIE ECHO second",
         {4, 0, 0, 4, 10, 0, 0, 4},
         8,
         CT_REASON_SCTP_CHUNK},
        {"COOKIE ACK second",
         {4, 0, 0, 4, 11, 0, 0, 4},
         8,
         CT_REASON_SCTP_CHUNK},
        {"SHUTDOWN COMPLETE second",
         {4, 0, 0, 4, 14, 0, 0, 4},
         8,
         CT_REASON_SCTP_CHUNK},
        {"SHUTDOWN COMPLETE with another",
         {14, 0, 0, 4, 4, 0, 0, 4},
         8,
         CT_REASON_SCTP_CHUNK},
        {"INIT with another",
         {1, 0, 0, 20, [20] = 4, 0, 0, 4},
         24,
         CT_REASON_SCTP_CHUNK},
        {"INIT ACK second",
         {4, 0, 0, 4, 2, 0, 0, 20},
         24,
         CT_REASON_SCTP_CHUNK},
        {"INIT without its fixed part",
         {1, 0, 0, 19},
         20,
         CT_REASON_SCTP_CHUNK},
        {"INIT ACK cut", {2, 0, 0, 20}, 19, CT_REASON_SCTP_CHUNK},
        {"a byte of padding too much is ignored", {4, 0, 0, 4, 0}, 5, OK},
        {"the last chunk's padding may lack", {4, 0, 0, 5, 1}, 5, OK},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t len = 12u + rows[i].len;
        uint8_t *bytes = calloc(1, len); /* exactly: a read past it ends this */
        struct ct_pkt pkt = {.data = bytes, .len = len, .l4_len = len};
        struct flow f = flow_new(&proto_sctp);

        memcpy(bytes + 12, rows[i].chunks, rows[i].len);
        flow_packet(&f, &pkt, CT_DIR_ORIGINAL);
        if (f.why != rows[i].why)
            fail_msg("%s: %s", rows[i].what, ct_reason_name(f.why));
        f = established();
        bytes_put32(bytes + 4, 7);
        flow_packet(&f, &pkt, CT_DIR_ORIGINAL);
        if (f.why != rows[i].why)
            fail_msg("%s, in a flow: %s", rows[i].what, ct_reason_name(f.why));
        assert_string_equal(state_of(&f), "ESTABLISHED");
        free(bytes);
    }
}

static void timeouts_are_tunable(void **state)
{
    struct flow f = flow_new(&proto_sctp);

    (void)state;
    f.params.v[CT_PARAM_sctp_closed] = 21;
    f.params.v[CT_PARAM_sctp_cookie_wait] = 22;
    f.params.v[CT_PARAM_sctp_cookie_echoed] = 23;
    f.params.v[CT_PARAM_sctp_established] = 24;
    f.params.v[CT_PARAM_sctp_shutdown_sent] = 25;
    f.params.v[CT_PARAM_sctp_shutdown_recd] = 26;
    f.params.v[CT_PARAM_sctp_shutdown_ack_sent] = 27;
    f.params.v[CT_PARAM_sctp_heartbeat_sent] = 28;
    PLAY(&f, {O, "INIT", 0, 9, OK, "CLOSED", 21},
         {R, "INIT_ACK", 9, 7, OK, "COOKIE_WAIT", 22},
         {O, "ECHO", 7, 0, OK, "COOKIE_ECHOED", 23},
         {R, "COOKIE_ACK", 9, 0, OK, "ESTABLISHED", 24},
         {O, "SHUTDOWN", 7, 0, OK, "SHUTDOWN_SENT", 25},
         {R, "SHUTDOWN_ACK", 9, 0, OK, "SHUTDOWN_ACK_SENT", 27});
    f.alive = false;
    PLAY(&f, {O, "HB", 7, 0, OK, "HEARTBEAT_SENT", 28},
         {R, "HB_ACK", 9, 0, OK, "ESTABLISHED", 24},
         {R, "SHUTDOWN", 9, 0, OK, "SHUTDOWN_RECD", 26});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_life),
        cmocka_unit_test(the_server_ends_it),
        cmocka_unit_test(init_again_does_not_renew),
        cmocka_unit_test(tags_of_each_direction),
        cmocka_unit_test(init_bears_tag_zero),
        cmocka_unit_test(what_opens_a_flow),
        cmocka_unit_test(an_answer_out_of_the_blue),
        cmocka_unit_test(inits_cross),
        cmocka_unit_test(a_late_init_does_not_harm),
        cmocka_unit_test(init_ack_unasked),
        cmocka_unit_test(a_stale_cookie),
        cmocka_unit_test(a_second_path),
        cmocka_unit_test(heartbeats_with_foreign_tags),
        cmocka_unit_test(no_bundles_under_foreign_tags),
        cmocka_unit_test(a_strangers_init),
        cmocka_unit_test(a_peer_restarts),
        cmocka_unit_test(a_bundle_is_all_or_nothing),
        cmocka_unit_test(what_is_no_packet),
        cmocka_unit_test(timeouts_are_tunable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
