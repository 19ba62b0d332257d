/* tcp.c - the TCP tracker, by its list and by conversations */
#include "bytes.h"
#include "oneflow.h"
#include "proto/tcp_options.h"
#include "proto/tcp_segment.h"
#include "tcp_talks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* A segment in a block of exactly its length, so that a read past its end is
 * seen.  Data is not there but counted: nothing may look at it. */
struct segment {
    struct ct_pkt pkt;
    uint8_t *bytes;
};

static unsigned put_hex(uint8_t *p, const char *hex)
{
    unsigned n = 0, byte;

    for (; sscanf(hex, "%2x", &byte) == 1; hex += 2)
        p[n++] = (uint8_t)byte;
    return n;
}

/* "ws7 sackok ts sack:6001-8001 raw:0102": bytes, padded with NOP. */
static unsigned put_options(uint8_t *p, const char *text)
{
    unsigned n = 0, shift, left, right;
    char copy[64], *rest = copy, *word;

    (void)snprintf(copy, sizeof copy, "%s", text);
    while ((word = strsep(&rest, " "))) {
        if (sscanf(word, "ws%u", &shift) == 1) {
            p[n++] = 3, p[n++] = 3, p[n++] = (uint8_t)shift;
        } else if (strcmp(word, "sackok") == 0) {
            p[n++] = 4, p[n++] = 2;
        } else if (strcmp(word, "ts") == 0) {
            n += put_hex(p + n, "0101080a0000000100000002");
        } else if (sscanf(word, "sack:%u-%u", &left, &right) == 2) {
            p[n++] = 5, p[n++] = 10;
            bytes_put32(p + n, left), bytes_put32(p + n + 4, right);
            n += 8;
        } else if (strncmp(word, "raw:", 4) == 0) {
            n += put_hex(p + n, word + 4);
        }
    }
    while (n % 4)
        p[n++] = 1;
    return n;
}

static uint8_t flag_byte(const char *text)
{
    static const char letters[] = "FSRPAU";
    uint8_t flags = 0;

    for (; *text; text++)
        flags |= (uint8_t)(1u << (strchr(letters, *text) - letters));
    return flags;
}

static struct segment build(uint8_t flags, uint32_t seq, uint32_t ack,
                            uint32_t len, uint16_t win, const char *options)
{
    uint8_t opts[64];
    unsigned n = put_options(opts, options);
    struct segment s = {.bytes = calloc(1, 20 + n)};

    assert_true(s.bytes && n <= 40);
    bytes_put32(s.bytes + 4, seq);
    bytes_put32(s.bytes + 8, ack);
    s.bytes[12] = (uint8_t)((20 + n) / 4 << 4);
    s.bytes[13] = flags;
    bytes_put16(s.bytes + 14, win);
    memcpy(s.bytes + 20, opts, n);
    s.pkt =
        (struct ct_pkt){.data = s.bytes, .len = 20 + n, .l4_len = 20 + n + len};
    return s;
}

/* What the tracker said, in the words of tcp_talks.h. */
static const char *words(const struct flow *f)
{
    static char buf[64];
    uint32_t act = f->said.act;

    if (f->why != CT_REASON_NONE) {
        static const char *const names[] = {
#define R(name, kind, text) #name,
            CT_REASONS(R)
#undef R
        };
        (void)snprintf(buf, sizeof buf, "%s%s", names[f->why],
                       act == TRACK_KEEP    ? "+keep"
                       : act == TRACK_LOWER ? "+lower"
                       : act                ? "+?"
                                            : "");
        return buf;
    }
    switch (act) {
    case TRACK_REFRESH:
        return "ok";
    case TRACK_REFRESH | TRACK_ASSURED:
        return "ok assured";
    case TRACK_REFRESH | TRACK_CLOSING:
        return "closing";
    case TRACK_IGNORE:
        return "ignore";
    case TRACK_REOPEN:
        return "reopen";
    case TRACK_KILL:
        return "kill";
    default:
        return "?";
    }
}

static void set_params(struct ct_params *p, const char *text)
{
    static const char *const names[] = {
#define P(name, linux_, weir, rfc, min, max, unit, when, help) #name,
        CT_PARAMS(P)
#undef P
    };
    char name[32];
    unsigned value;
    int used;

    for (; sscanf(text, " %31[^=]=%u%n", name, &value, &used) == 2;
         text += used) {
        unsigned i = 0;

        while (i < CT_N_PARAMS && strcmp(names[i], name) != 0)
            i++;
        assert_true(i < CT_N_PARAMS);
        p->v[i] = value;
    }
}

/* The number of lines that went otherwise. */
static unsigned hold_talk(const struct talk *talk)
{
    struct flow f = flow_new(&proto_tcp);
    unsigned wrong = 0;

    set_params(&f.params, talk->set);
    for (const struct line *l = talk->lines; l->what; l++) {
        struct segment s = build(flag_byte(l->flags), l->seq, l->ack, l->len,
                                 l->win, l->options);
        const char *state, *says;

        f.now_ms += l->wait_ms;
        flow_packet(&f, &s.pkt, l->dir == '<');
        state = f.alive ? proto_tcp.states[proto_tcp.state(&f.st)] : "NONE";
        says = words(&f);

        if (strcmp(says, l->says) != 0 || strcmp(state, l->state) != 0 ||
            flow_left_ms(&f) / 1000 != l->left) {
            print_error("%s: line %d, %s: %s %s %u, but want %s %s %u\n",
                        talk->what, (int)(l - talk->lines) + 1, l->what, state,
                        says, (unsigned)(flow_left_ms(&f) / 1000), l->state,
                        l->says, l->left);
            wrong++;
        }
        if (!f.told) {
            print_error("%s: line %d, %s: event\n", talk->what,
                        (int)(l - talk->lines) + 1, l->what);
            wrong++;
        }
        free(s.bytes);
    }
    return wrong;
}

static void conversations(void **state)
{
    unsigned wrong = 0;

    (void)state;
    for (unsigned i = 0; i < sizeof tcp_talks / sizeof *tcp_talks; i++)
        wrong += hold_talk(&tcp_talks[i]);
    assert_int_equal(wrong, 0);
}

/* Two rows for one cell would leave fewer cells than rows. */
static void every_row_has_its_cell(void **state)
{
    static const struct {
        uint8_t from, dir, kind, to;
        const char *why;
    } rows[] = {
#define T(from, dir, kind, to, why)                                            \
    {TCP_##from, CT_DIR_##dir, TCP_KIND_##kind, TCP_##to, why},
        TCP_TRANSITIONS(T)
#undef T
    };
    unsigned n = sizeof rows / sizeof *rows, filled = 0;
    uint8_t cells[N_TCP_STATES][CT_N_DIRS][N_TCP_KINDS] = {0};

    (void)state;
    for (unsigned i = 0; i < n; i++) {
        cells[rows[i].from][rows[i].dir][rows[i].kind] = 1;
        assert_int_not_equal(rows[i].to, TCP_NONE);
        assert_true(rows[i].why[0]);
    }
    for (unsigned i = 0; i < sizeof cells; i++)
        filled += (&cells[0][0][0])[i];
    assert_int_equal(filled, n);
    assert_int_equal(n, 73);
}

/* All 64, against the sets the kernel takes, written out. */
static void flag_sets(void **state)
{
    static const char *const legal[] = {"S",  "SU",  "SA", "R", "RA",
                                        "FA", "FAU", "A",  "AU"};

    (void)state;
    for (unsigned flags = 0; flags < 64; flags++) {
        struct flow f = flow_new(&proto_tcp);
        struct segment s = build((uint8_t)(flags | 0xc0), 1, 1, 0, 100, "");
        bool ok = false;

        for (unsigned i = 0; i < sizeof legal / sizeof *legal; i++)
            ok |= (flags & ~8u) == flag_byte(legal[i]);
        flow_packet(&f, &s.pkt, CT_DIR_ORIGINAL);
        assert_int_equal(ok, f.why != CT_REASON_TCP_FLAGS);
        /* Only SYN, and ACK by loose pickup, open. */
        assert_int_equal(f.alive, ok && ((flags & 0x17) == CT_TCP_SYN ||
                                         (flags & 0x17) == CT_TCP_ACK));
        free(s.bytes);
    }
}

static void header_lengths(void **state)
{
    (void)state;
    for (unsigned doff = 0; doff < 16; doff++) {
        for (unsigned len = 0; len <= 64; len++) {
            struct flow f = flow_new(&proto_tcp);
            uint8_t *bytes = malloc(len ? len : 1);
            struct ct_pkt pkt = {.data = bytes, .len = len, .l4_len = len};
            enum ct_reason want = len < 20 ? CT_REASON_L4_TRUNCATED
                                  : doff < 5 || doff * 4 > len
                                      ? CT_REASON_L4_BAD_LENGTH
                                      : CT_REASON_NONE;

            assert_non_null(bytes);
            memset(bytes, 1, len);
            if (len > 13) {
                bytes[12] = (uint8_t)(doff << 4);
                bytes[13] = CT_TCP_SYN;
            }
            flow_packet(&f, &pkt, CT_DIR_ORIGINAL);
            assert_int_equal(f.why, want);
            free(bytes);
        }
    }
}

static void options_offered(void **state)
{
    static const struct {
        const char *what, *text;
        struct tcp_offer want;
    } rows[] = {
        {"nothing", "", {false, false, 0}},
        {"scale", "ws7", {true, false, 7}},
        {"scale 0 is an offer", "ws0", {true, false, 0}},
        {"14 is the most", "ws15", {true, false, 14}},
        {"255", "ws255", {true, false, 14}},
        {"twice: the last", "ws3 ws4", {true, false, 4}},
        {"both", "sackok ws2", {true, true, 2}},
        {"behind the end", "raw:00 ws2", {false, false, 0}},
        {"unknown skipped", "raw:fe04abcd ws2", {true, false, 2}},
        {"scale of wrong length", "raw:03040201 sackok", {false, true, 0}},
        {"zero length stops", "raw:fe00 ws2", {false, false, 0}},
        {"length one stops", "raw:fe01 ws2", {false, false, 0}},
        {"past the end", "sackok raw:0309", {false, true, 0}},
        {"kind alone at the end", "raw:01010103", {false, false, 0}},
        {"40 NOPs",
         "raw:0101010101010101010101010101010101010101",
         {false, false, 0}},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t bytes[64];
        unsigned n = put_options(bytes, rows[i].text);
        uint8_t *exact = malloc(n ? n : 1);
        struct tcp_offer got;

        assert_non_null(exact);
        memcpy(exact, bytes, n);
        got = tcp_options_offer(
            &(struct tcp_segment){.options = exact, .options_len = n});
        if (got.has_scale != rows[i].want.has_scale ||
            got.sack_perm != rows[i].want.sack_perm ||
            got.scale != rows[i].want.scale)
            fail_msg("%s", rows[i].what);
        free(exact);
    }
}

/* Port reuse by NAT: who may take over a tuple, as the kernel has it. */
static void reuse(void **state)
{
    static const struct {
        const char *what, *flags;
        uint32_t seq;
        uint8_t old;
        bool want;
    } rows[] = {
        {"larger number", "S", 2000, TCP_TIME_WAIT, true},
        {"after a reset", "S", 2000, TCP_CLOSE, true},
        {"smaller number", "S", 1500, TCP_TIME_WAIT, false},
        {"same end", "S", 1999, TCP_TIME_WAIT, false},
        {"still living", "S", 2000, TCP_ESTABLISHED, false},
        {"still closing", "S", 2000, TCP_LAST_ACK, false},
        {"no SYN", "A", 2000, TCP_TIME_WAIT, false},
        {"SYN-ACK", "SA", 2000, TCP_TIME_WAIT, false},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        union ct_proto_state old = {0};
        struct segment s =
            build(flag_byte(rows[i].flags), rows[i].seq, 1, 0, 1, "");

        old.tcp.state = rows[i].old;
        old.tcp.peer[CT_DIR_ORIGINAL].end = 2000;
        if (proto_tcp.reusable(&old, &s.pkt) != rows[i].want)
            fail_msg("%s", rows[i].what);
        free(s.bytes);
    }
}

/* ReDAN: a sender that doesn't know the number can't reset (NDSS 2025). */
static void million_guessed_resets(void **state)
{
    struct flow f = flow_new(&proto_tcp);
    struct segment s[3];
    uint32_t x = 1, lost = 0;

    (void)state;
    s[0] = build(CT_TCP_SYN, 1000, 0, 0, 10000, "");
    s[1] = build(CT_TCP_SYN | CT_TCP_ACK, 5000, 1001, 0, 10000, "");
    s[2] = build(CT_TCP_ACK, 1001, 5001, 0, 10000, "");
    for (int i = 0; i < 3; i++)
        flow_packet(&f, &s[i].pkt, i == 1);
    for (int i = 0; i < 1000000; i++) {
        x = x * 1664525u + 1013904223u;
        bytes_put32(s[1].bytes + 4, x == 5001 ? 0 : x);
        s[1].bytes[13] = CT_TCP_RST;
        flow_packet(&f, &s[1].pkt, CT_DIR_REPLY);
        if (proto_tcp.state(&f.st) != TCP_ESTABLISHED)
            lost++;
    }
    assert_int_equal(lost, 0);
    for (int i = 0; i < 3; i++)
        free(s[i].bytes);
}

/* RFC 2018 3: a segment has one SACK option; of more the first one counts. */
static void one_sack_option_counts(void **state)
{
    static const struct {
        const char *options;
        uint32_t is; /* of an ACK of 100 */
    } rows[] = {
        {"sack:200-300", 300},
        {"sack:20-30", 100},
        {"sack:200-300 sack:400-500", 300},
        {"ts sack:200-300", 300},
        {"raw:0502 sack:200-300", 300},         /* none in it */
        {"raw:0506000001f4 sack:200-300", 300}, /* half of one */
        {"raw:050a000001f4 raw:000001f5", 501},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct segment s = build(CT_TCP_ACK, 1, 100, 0, 1, rows[i].options);
        struct tcp_segment seg = {.options = s.bytes + 20,
                                  .options_len = s.pkt.len - 20};

        if (tcp_options_sack(&seg, 100) != rows[i].is)
            fail_msg("%s: %u", rows[i].options, tcp_options_sack(&seg, 100));
        free(s.bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_has_its_cell),
        cmocka_unit_test(flag_sets),
        cmocka_unit_test(header_lengths),
        cmocka_unit_test(options_offered),
        cmocka_unit_test(conversations),
        cmocka_unit_test(reuse),
        cmocka_unit_test(one_sack_option_counts),
        cmocka_unit_test(million_guessed_resets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
