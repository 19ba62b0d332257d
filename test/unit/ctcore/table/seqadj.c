/* seqadj.c - numbers behind a payload that changed its length */
#include "table/seqadj.h"

#include "packet.h"

#include <ctcore/ct.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct segment {
    uint8_t room[CT_HEADROOM + 512 + CT_HEADROOM];
    struct ct_pkt pkt;
};

static void build(struct segment *s, enum ct_dir dir, const char *words)
{
    char spec[256];

    snprintf(spec, sizeof spec, "10.0.1.2:1 > 10.0.1.3:2 tcp %s", words);
    memset(s, 0, sizeof *s);
    s->pkt.data = s->room + CT_HEADROOM;
    s->pkt.len = (uint32_t)packet_build(s->pkt.data, 512, spec);
    assert_true(s->pkt.len > 0);
    assert_int_equal(ct_parse_packet(&s->pkt), CT_REASON_NONE);
    s->pkt.dir = (uint8_t)dir;
}

/* It reads as these words now, and its sums are right. */
static void is(const struct segment *s, const char *words)
{
    char want[512], text[512];

    packet_print(text, sizeof text, s->pkt.data, s->pkt.len);
    snprintf(want, sizeof want, "10.0.1.2:1 > 10.0.1.3:2 tcp %s", words);
    assert_string_equal(text, want);
    assert_true(packet_sums_ok(s->pkt.data, s->pkt.len));
}

static void numbers_up_to_the_change_and_above(void **state)
{
    struct ext x = {.kinds = 0};
    struct segment s;

    (void)state;
    seqadj_note(&x, CT_DIR_ORIGINAL, 1000, 4);
    build(&s, CT_DIR_ORIGINAL, ". seq 1000 ack 1");
    seqadj_seq(&x, &s.pkt);
    is(&s, ". seq 1000 ack 1");
    build(&s, CT_DIR_ORIGINAL, ". seq 1001 ack 1");
    seqadj_seq(&x, &s.pkt);
    is(&s, ". seq 1005 ack 1");
    build(&s, CT_DIR_REPLY, ". seq 1001 ack 1000");
    seqadj_acks(&x, &s.pkt);
    seqadj_seq(&x, &s.pkt);
    is(&s, ". seq 1001 ack 1000");
    build(&s, CT_DIR_REPLY, ". seq 7 ack 1026");
    seqadj_acks(&x, &s.pkt);
    is(&s, ". seq 7 ack 1022");
    /* a second change, shorter */
    seqadj_note(&x, CT_DIR_ORIGINAL, 2000, (uint32_t)-6);
    build(&s, CT_DIR_ORIGINAL, ". seq 2000 ack 1");
    seqadj_seq(&x, &s.pkt);
    is(&s, ". seq 2004 ack 1");
    build(&s, CT_DIR_ORIGINAL, ". seq 2050 ack 1");
    seqadj_seq(&x, &s.pkt);
    is(&s, ". seq 2048 ack 1");
    /* and the first once more: it was counted */
    seqadj_note(&x, CT_DIR_ORIGINAL, 1000, 4);
    build(&s, CT_DIR_ORIGINAL, ". seq 2050 ack 1");
    seqadj_seq(&x, &s.pkt);
    is(&s, ". seq 2048 ack 1");
}

/* Over the end of the number space. */
static void numbers_go_round(void **state)
{
    struct ext x = {.kinds = 0};
    struct segment s;

    (void)state;
    seqadj_note(&x, CT_DIR_ORIGINAL, 0xfffffff0u, 20);
    build(&s, CT_DIR_ORIGINAL, ". seq 4294967294 ack 1");
    seqadj_seq(&x, &s.pkt);
    is(&s, ". seq 18 ack 1");
    build(&s, CT_DIR_REPLY, ". seq 7 ack 18");
    seqadj_acks(&x, &s.pkt);
    is(&s, ". seq 7 ack 4294967294");
}

/* SACK: every edge, wherever the option stands; its sums at odd places. */
static void sack_blocks(void **state)
{
    static const struct {
        const char *was, *is;
    } rows[] = {
        {". seq 7 ack 1010 sack 1020-1030", ". seq 7 ack 1006 sack 1016-1026"},
        {". seq 7 ack 900 sack 950-990,1100-1200",
         ". seq 7 ack 900 sack 950-990,1096-1196"},
        {". seq 7 ack 1010 nop sack 1020-1030",
         ". seq 7 ack 1006 nop sack 1016-1026"},
        {". seq 7 ack 1010 nop nop ts 5:6 nop sack 1020-1030",
         ". seq 7 ack 1006 nop nop ts 5:6 nop sack 1016-1026"},
    };
    struct ext x = {.kinds = 0};
    struct segment s;

    (void)state;
    seqadj_note(&x, CT_DIR_ORIGINAL, 1000, 4);
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        build(&s, CT_DIR_REPLY, rows[i].was);
        seqadj_acks(&x, &s.pkt);
        is(&s, rows[i].is);
    }
}

/* Ten bytes became four.  What acknowledges a part of them acknowledges none
 * of what they were; what a SACK has a part of, it does not have. */
static void amid_a_change(void **state)
{
    static const struct {
        const char *was, *is;
    } rows[] = {
        {". seq 7 ack 1000", ". seq 7 ack 1000"},
        {". seq 7 ack 1001", ". seq 7 ack 1000"},
        {". seq 7 ack 1003", ". seq 7 ack 1000"},
        {". seq 7 ack 1004", ". seq 7 ack 1010"},
        {". seq 7 ack 1005", ". seq 7 ack 1011"},
        {". seq 7 ack 900 sack 1003-1020", ". seq 7 ack 900 sack 1010-1026"},
        {". seq 7 ack 900 sack 950-1003", ". seq 7 ack 900 sack 950-1000"},
    };
    struct ext x = {.kinds = 0};
    struct segment s;

    (void)state;
    seqadj_note(&x, CT_DIR_ORIGINAL, 1000, (uint32_t)-6);
    x.seq[CT_DIR_ORIGINAL].end = 1010;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        build(&s, CT_DIR_REPLY, rows[i].was);
        seqadj_acks(&x, &s.pkt);
        is(&s, rows[i].is);
    }
}

/* No ACK, no number; headers that lie are not read past; a partial sum covers
 * none of it. */
static void only_what_is_there(void **state)
{
    struct ext x = {.kinds = 0};
    struct segment s, was;
    char text[256];

    (void)state;
    seqadj_note(&x, CT_DIR_ORIGINAL, 1000, 4);
    build(&s, CT_DIR_REPLY, "S seq 7 ack 1010");
    was = s;
    seqadj_acks(&x, &s.pkt);
    assert_memory_equal(s.room, was.room, sizeof s.room);
    for (unsigned words = 0; words < 16; words++) {
        if (words == 5)
            continue;
        build(&s, CT_DIR_REPLY, ". seq 7 ack 1010");
        s.pkt.data[s.pkt.l4_off + 12] = (uint8_t)(words << 4);
        was = s;
        seqadj_acks(&x, &s.pkt);
        assert_memory_equal(s.room, was.room, sizeof s.room);
    }
    build(&s, CT_DIR_REPLY, ". seq 7 ack 1010 len 5 partial");
    s.pkt.csum_partial = true;
    seqadj_acks(&x, &s.pkt);
    packet_print(text, sizeof text, s.pkt.data, s.pkt.len);
    assert_non_null(strstr(text, "ack 1006"));
    assert_non_null(strstr(text, "partial"));
}

/* In an error's quotation both numbers are turned back, as far as it goes; an
 * acknowledgement without its flag is none. */
static void quoted_numbers(void **state)
{
    enum { FLAGS = 14 };
    struct ext x = {.kinds = 0};
    struct segment s;

    (void)state;
    seqadj_note(&x, CT_DIR_ORIGINAL, 1000, 4);
    build(&s, CT_DIR_REPLY, ". seq 7 ack 1006");
    (void)seqadj_quoted(&x, CT_DIR_REPLY, s.pkt.data + s.pkt.l4_off, 20);
    is(&s, ". seq 7 ack 1010");
    build(&s, CT_DIR_REPLY, ". seq 7 ack 1006");
    (void)seqadj_quoted(&x, CT_DIR_REPLY, s.pkt.data + s.pkt.l4_off, FLAGS - 1);
    is(&s, ". seq 7 ack 1006");
    build(&s, CT_DIR_REPLY, "S seq 7 ack 1006");
    s.pkt.data[s.pkt.l4_off + 13] = CT_TCP_SYN;
    (void)seqadj_quoted(&x, CT_DIR_REPLY, s.pkt.data + s.pkt.l4_off, FLAGS);
    assert_int_equal(s.pkt.data[s.pkt.l4_off + 11], 1006 & 255);
    build(&s, CT_DIR_ORIGINAL, ". seq 1010 ack 1006");
    (void)seqadj_quoted(&x, CT_DIR_ORIGINAL, s.pkt.data + s.pkt.l4_off, 20);
    is(&s, ". seq 1006 ack 1006");
}

/* Where the next byte stands, as its receiver counts. */
static void order_is_as_the_receiver_counts(void **state)
{
    struct ext x = {.kinds = 0};

    (void)state;
    seqadj_order(&x, CT_DIR_REPLY, 5000);
    assert_int_equal(x.left[CT_DIR_REPLY], 5000);
    seqadj_note(&x, CT_DIR_ORIGINAL, 1000, 4);
    seqadj_order(&x, CT_DIR_ORIGINAL, 1100);
    assert_int_equal(x.left[CT_DIR_ORIGINAL], 1104);
    seqadj_note(&x, CT_DIR_ORIGINAL, 1200, (uint32_t)-10);
    seqadj_order(&x, CT_DIR_ORIGINAL, 1300);
    assert_int_equal(x.left[CT_DIR_ORIGINAL], 1294);
}

/* Numbers go round: a place that is 2^29 behind is drawn along, lest it be
 * taken for one ahead. */
static void an_old_place_is_drawn_along(void **state)
{
    enum { FAR = 1 << 29, BEGIN = 1000, LEN = 10 };
    static const struct {
        uint32_t ahead, place;
    } rows[] = {
        {FAR - 1, BEGIN},
        {FAR, BEGIN},
        {FAR + 1, BEGIN + 1},
        {FAR + 70000, BEGIN + 70000},
        {2u * FAR - 1, BEGIN + FAR - 1},
        {2u * FAR, BEGIN},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ext x = {.kinds = 0};
        struct segment s;
        char words[80];

        seqadj_order(&x, CT_DIR_ORIGINAL, BEGIN);
        x.left[CT_DIR_ORIGINAL] = BEGIN + rows[i].ahead;
        snprintf(words, sizeof words, ". seq %u ack 1 len %d",
                 BEGIN + rows[i].ahead, LEN);
        build(&s, CT_DIR_ORIGINAL, words);
        assert_true(seqadj_leave(&x, &s.pkt));
        assert_int_equal(x.left[CT_DIR_ORIGINAL], BEGIN + rows[i].ahead + LEN);
        assert_int_equal(x.seq[CT_DIR_ORIGINAL].pos, rows[i].place);
        assert_int_equal(x.seq[CT_DIR_ORIGINAL].end, rows[i].place);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_up_to_the_change_and_above),
        cmocka_unit_test(numbers_go_round),
        cmocka_unit_test(sack_blocks),
        cmocka_unit_test(amid_a_change),
        cmocka_unit_test(only_what_is_there),
        cmocka_unit_test(quoted_numbers),
        cmocka_unit_test(an_old_place_is_drawn_along),
        cmocka_unit_test(order_is_as_the_receiver_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
