/* frag.c - fragments wait until their datagram is whole */
#include "frag_rig.h"

#include "base/hash.h"

#include "bytes.h"

static uint64_t baseline;

static uint64_t stat(enum ct_stat s)
{
    return ct_stat(rig.ct, s);
}

static int setup(void **state)
{
    struct ct_config c = {.max = 64, .fragments = true};

    (void)state;
    corerig_open(&rig, &c);
    baseline = stat(CT_STAT_frag_memory);
    return 0;
}

/* Whatever happened: time takes all of it away. */
static int teardown(void **state)
{
    struct ct_pkt first = {.data = whole_room + CT_HEADROOM};

    (void)state;
    corerig_at(&rig, 61000 + (rig.now.ms - 1000000));
    while (ct_defrag_expired(rig.ct, &first))
        ;
    assert_int_equal(stat(CT_STAT_frag_memory), baseline);
    assert_int_equal(stat(CT_STAT_frag_datagrams), 0);
    assert_int_equal(stat(CT_STAT_frags_waiting), 0);
    assert_int_equal(stat(CT_STAT_held), 0);
    corerig_close(&rig);
    return 0;
}

#define NONE CT_REASON_NONE
/* P7, P8: what comes, what each is answered, and whether a datagram of
 * that length comes of it. */
static const struct {
    const char *what;
    bool v6;
    uint8_t n;
    struct frag_spec f[4];
    enum ct_reason want[4];
    uint32_t payload; /* 0: none */
} battery[] = {
    {"in order",
     0,
     3,
     {{0, 1000, 1, 0}, {1000, 1000, 1, 0}, {2000, 8, 0, 0}},
     {NONE, NONE, NONE},
     2008},
    {"backwards",
     0,
     3,
     {{2000, 3, 0, 0}, {1000, 1000, 1, 0}, {0, 1000, 1, 0}},
     {NONE, NONE, NONE},
     2003},
    {"v6 backwards",
     1,
     3,
     {{2000, 3, 0, 0}, {1000, 1000, 1, 0}, {0, 1000, 1, 0}},
     {NONE, NONE, NONE},
     2003},
    {"exact duplicate",
     0,
     3,
     {{0, 64, 1, 0}, {0, 64, 1, 0}, {64, 8, 0, 0}},
     {NONE, CT_REASON_FRAG_DUPLICATE, NONE},
     72},
    {"same place, other data: the first counts",
     1,
     3,
     {{0, 64, 1, 0}, {0, 64, 1, 9}, {64, 8, 0, 0}},
     {NONE, CT_REASON_FRAG_DUPLICATE, NONE},
     72},
    {"overlap behind",
     0,
     3,
     {{0, 64, 1, 0}, {56, 64, 1, 0}, {64, 64, 0, 0}},
     {NONE, CT_REASON_FRAG_OVERLAP, NONE},
     0},
    {"overlap before",
     0,
     3,
     {{56, 64, 1, 0}, {0, 64, 1, 0}, {120, 8, 0, 0}},
     {NONE, CT_REASON_FRAG_OVERLAP, NONE},
     0},
    {"v6 overlap behind",
     1,
     3,
     {{0, 64, 1, 0}, {56, 64, 1, 0}, {64, 64, 0, 0}},
     {NONE, CT_REASON_FRAG_OVERLAP, NONE},
     0},
    {"v6 overlap around",
     1,
     2,
     {{64, 64, 1, 0}, {0, 256, 1, 0}},
     {NONE, CT_REASON_FRAG_OVERLAP},
     0},
    {"the longest",
     0,
     2,
     {{0, 65504, 1, 0}, {65504, 11, 0, 0}},
     {NONE, NONE},
     65515},
    {"one byte more",
     0,
     2,
     {{0, 65504, 1, 0}, {65504, 12, 0, 0}},
     {NONE, CT_REASON_FRAG_TOO_LONG},
     0},
    {"v6: the longest",
     1,
     2,
     {{0, 65480, 1, 0}, {65480, 55, 0, 0}},
     {NONE, NONE},
     65535},
    {"v6: one byte more",
     1,
     2,
     {{0, 65480, 1, 0}, {65480, 56, 0, 0}},
     {NONE, CT_REASON_FRAG_TOO_LONG},
     0},
    {"past the end of numbers",
     0,
     1,
     {{65528, 100, 0, 0}},
     {CT_REASON_FRAG_TOO_LONG},
     0},
    {"nothing in it", 0, 1, {{64, 0, 1, 0}}, {CT_REASON_FRAG_BAD}, 0},
    {"v6: nothing in it", 1, 1, {{64, 0, 0, 0}}, {CT_REASON_FRAG_BAD}, 0},
    {"two ends, the later first",
     0,
     2,
     {{72, 8, 0, 0}, {64, 8, 0, 0}},
     {NONE, CT_REASON_FRAG_BAD},
     0},
    {"two ends, the later behind",
     0,
     2,
     {{64, 8, 0, 0}, {72, 8, 0, 0}},
     {NONE, CT_REASON_FRAG_BAD},
     0},
    {"behind the end",
     0,
     2,
     {{64, 8, 0, 0}, {72, 8, 1, 0}},
     {NONE, CT_REASON_FRAG_BAD},
     0},
    {"v6: two ends, the first stays",
     1,
     3,
     {{64, 8, 0, 0}, {72, 8, 0, 0}, {0, 64, 1, 0}},
     {NONE, CT_REASON_FRAG_BAD, NONE},
     72},
    {"last only", 0, 1, {{64, 8, 0, 0}}, {NONE}, 0},
    {"v6: odd middle", 1, 1, {{0, 61, 1, 0}}, {CT_REASON_FRAG_BAD}, 0},
    {"odd middle: as the kernel, cut to whole units",
     0,
     2,
     {{0, 61, 1, 0}, {56, 8, 0, 0}},
     {NONE, NONE},
     64},
    {"odd middle of nothing", 0, 1, {{64, 7, 1, 0}}, {CT_REASON_FRAG_BAD}, 0},
    {"v6: header not whole", 1, 1, {{0, 0, 1, 0}}, {CT_REASON_FRAG_BAD}, 0},
};

static void p7_battery_rows(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof battery / sizeof *battery; i++) {
        struct sender s = battery[i].v6 ? udp6 : udp4;
        bool ended = false;

        s.id = 1000 + i;
        for (unsigned k = 0; k < battery[i].n; k++) {
            enum ct_reason why = give(&s, &battery[i].f[k]);

            if (why != battery[i].want[k])
                fail_msg("%s, %u: %s, not %s", battery[i].what, k,
                         ct_reason_name(why),
                         ct_reason_name(battery[i].want[k]));
            if (is_whole && why == NONE) {
                check_whole(&s, battery[i].payload);
                ended = true;
            }
        }
        if (ended != (battery[i].payload != 0))
            fail_msg("%s: whole? %d", battery[i].what, ended);
    }
}

/* The datagram has the first fragment's header, and that may be the longest: no
 * more is written than ct.h asks room for, whichever comes last. */
static void p7_long_header_of_the_first(void **state)
{
    struct sender first = udp6, rest = udp6;

    (void)state;
    first.dest_options = 63; /* 512 bytes */
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t end = i < 2 ? 65535 : 65535 - 512, last = 64000;
        enum ct_reason want = i < 2 ? CT_REASON_FRAG_TOO_LONG : NONE;

        first.id = rest.id = 77 + i;
        for (uint32_t at = 8; at < last; at += 8 * 1024)
            assert_int_equal(say(&rest, at,
                                 last - at < 8 * 1024 ? last - at : 8 * 1024,
                                 true),
                             NONE);
        if (i % 2) {
            assert_int_equal(say(&rest, last, end - last, false), NONE);
            assert_int_equal(say(&first, 0, 8, true), want);
        } else {
            assert_int_equal(say(&first, 0, 8, true), NONE);
            assert_int_equal(say(&rest, last, end - last, false), want);
        }
        assert_int_equal(is_whole, want == NONE);
        if (is_whole)
            check_whole(&first, end);
    }
}

static void say_units(const struct sender *s, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(say(s, 8 * i, 8, true), NONE);
}

/* All pieces leave again in one call: as many as the smallest link makes wait,
 * one more ends the datagram; of a shorter one 16, and one for 48 bytes. */
static void in_many_pieces(void **state)
{
    enum { PIECES = 1365, SMALLEST = 48 };
    struct sender s[] = {udp4, udp6};

    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t at = 0, end = 65515 - 40 * i; /* of 65,535 with its header */

        for (; at + SMALLEST < end; at += SMALLEST)
            assert_int_equal(say(&s[i], at, SMALLEST, true), NONE);
        assert_int_equal(say(&s[i], at, end - at, false), NONE);
        check_whole(&s[i], end);
        s[i].id++;
        say_units(&s[i], PIECES);
        assert_int_equal(stat(CT_STAT_frags_waiting), PIECES);
        assert_int_equal(say(&s[i], 8, 8, true), CT_REASON_FRAG_DUPLICATE);
        assert_int_equal(say(&s[i], 8 * PIECES, 8, true), CT_REASON_FRAG_MANY);
        s[i].id++;
        say_units(&s[i], 18);
        assert_int_equal(say(&s[i], 8 * 18, 8, false), NONE);
        check_whole(&s[i], 8 * 19);
        s[i].id++;
        say_units(&s[i], 19);
        assert_int_equal(say(&s[i], 8 * 19, 8, false), CT_REASON_FRAG_MANY);
        assert_int_equal(stat(CT_STAT_frags_waiting), 0);
        assert_int_equal(stat(CT_STAT_frag_memory), 0);
    }
}

/* The same with every cut and order that a seed makes. */
static void any_order(void **state)
{
    struct rng rng = {1};

    (void)state;
    for (uint32_t round = 0; round < 400; round++) {
        struct sender s = round & 1 ? udp6 : udp4;
        struct frag_spec f[64];
        uint32_t n = 2 + hash_rng_below(&rng, 62), at = 0;

        s.id = round;
        for (uint32_t i = 0; i < n; i++) {
            f[i] = (struct frag_spec){at, 8 + 8 * hash_rng_below(&rng, 100),
                                      true, 0};
            at += f[i].len;
        }
        f[n - 1].more = false;
        f[n - 1].len -= hash_rng_below(&rng, 8);
        at = f[n - 1].off + f[n - 1].len;
        for (uint32_t i = n; i > 0; i--) {
            uint32_t k = hash_rng_below(&rng, i);
            struct frag_spec now = f[k];

            f[k] = f[i - 1];
            assert_int_equal(give(&s, &now), NONE);
            assert_int_equal(is_whole, i == 1);
            if (i < n && i > 1) /* and again */
                assert_int_equal(give(&s, &now), CT_REASON_FRAG_DUPLICATE);
        }
        check_whole(&s, at);
    }
    assert_int_equal(stat(CT_STAT_frag_memory), 0);
    assert_int_equal(stat(CT_STAT_reassembled), 400);
}

/* P7: each of the 8,191 offsets there can be, in random order: pieces of
 * seven units, the first of one to seven. */
static void p7_every_offset(void **state)
{
    enum { UNITS = 8189, PIECE = 7 };
    static uint16_t order[UNITS / PIECE + 2];
    struct rng rng = {7};
    struct sender s = udp4;

    (void)state;
    for (uint32_t first = 1; first <= PIECE; first++) {
        uint32_t n = 0;

        order[n++] = 0;
        for (uint32_t unit = first; unit < UNITS; unit += PIECE)
            order[n++] = (uint16_t)unit;
        for (; n > 0; n--) {
            uint32_t k = hash_rng_below(&rng, n);
            uint32_t unit = order[k], end = unit + (unit == 0 ? first : PIECE);

            order[k] = order[n - 1];
            end = end < UNITS ? end : UNITS;
            assert_int_equal(say(&s, unit * 8, (end - unit) * 8, end < UNITS),
                             NONE);
        }
        check_whole(&s, UNITS * 8);
        for (uint32_t unit = 0; unit < UNITS; unit++)
            assert_int_equal(
                cuts[unit / 64] >> unit % 64 & 1,
                unit == 0 || (unit >= first && (unit - first) % PIECE == 0));
        s.id++;
    }
}

/* Only fragments of one sender, receiver, id, protocol and interface meet. */
static void strangers_do_not_meet(void **state)
{
    struct sender s[] = {udp4, udp4, udp4, udp4, udp6, udp6};
    unsigned n = sizeof s / sizeof *s;

    (void)state;
    s[1].id++;
    s[2].host++;
    s[3].proto = 132;
    s[5].id += 0x10000;
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(say(&s[i], 0, 64, true), NONE);
    assert_int_equal(stat(CT_STAT_frag_datagrams), n);
    assert_int_equal(stat(CT_STAT_held), n);
    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(say(&s[i], 64, 8, false), NONE);
        check_whole(&s[i], 72);
    }
    assert_int_equal(stat(CT_STAT_frags_merged), n);
}

/* RFC 6946: whole by itself, though others with its id wait. */
static void p8_atomic_fragments_join_no_other(void **state)
{
    struct sender long_head = udp6;

    (void)state;
    assert_int_equal(say(&udp6, 64, 8, true), NONE);
    assert_int_equal(say(&udp6, 0, 100, false), NONE);
    check_whole(&udp6, 100);
    assert_int_equal(whole.frag_max, 148);
    assert_int_equal(stat(CT_STAT_frags_waiting), 1);
    long_head.id = 99;
    long_head.dest_options = 20; /* longer than what a queue holds itself */
    assert_int_equal(say(&long_head, 64, 8, false), NONE);
    assert_int_equal(say(&long_head, 0, 64, true), NONE);
    check_whole(&long_head, 72);
    assert_int_equal(whole.l4_off, 40 + 168);
}

/* RFC 1858, RFC 3128, RFC 7112. */
static void p3_p8_tiny_first_fragments(void **state)
{
    struct ct_params params;
    struct sender tcp6 = udp6, tcp4 = udp4, nested = udp6;

    (void)state;
    tcp4.proto = tcp6.proto = 6;
    nested.proto = 44;
    assert_int_equal(say(&tcp6, 0, 16, true), CT_REASON_FRAG_TINY);
    assert_int_equal(say(&tcp6, 0, 16, false), CT_REASON_FRAG_TINY);
    assert_int_equal(say(&tcp6, 0, 24, true), NONE);
    assert_int_equal(say(&nested, 0, 24, true), CT_REASON_BAD_EXT_CHAIN);
    /* the kernel puts IPv4's together whatever they are */
    assert_int_equal(say(&tcp4, 0, 8, true), NONE);
    assert_int_equal(say(&tcp4, 8, 24, false), NONE);
    check_whole(&tcp4, 32);
    ct_params_default(&params, CT_PROFILE_WEIR);
    ct_set_params(rig.ct, &params);
    tcp4.id++;
    assert_int_equal(say(&tcp4, 0, 8, true), CT_REASON_FRAG_TINY);
    assert_int_equal(say(&tcp4, 8, 24, false), CT_REASON_FRAG_TINY);
    tcp4.id++;
    assert_int_equal(say(&tcp4, 24, 24, false), NONE);
    assert_int_equal(say(&tcp4, 0, 16, true), CT_REASON_FRAG_TINY);
    assert_int_equal(say(&tcp4, 0, 24, true), NONE);
    assert_false(is_whole); /* what stood there went with the tiny one */
}

/* What the datagram says of itself: DF, the largest piece, ECN. */
static void what_is_kept(void **state)
{
    struct sender s = udp4;

    (void)state;
    s.df = 0x4000;
    assert_int_equal(say(&s, 0, 1000, true), NONE);
    s.df = 0;
    assert_int_equal(say(&s, 1000, 400, false), NONE);
    check_whole(&udp4, 1400);
    assert_int_equal(whole.frag_max, 1020);
    assert_int_equal(bytes_get16(whole.data + 6), 0x4000);
    assert_true(cuts[0] == 1 && cuts[1] == UINT64_C(1) << 61);

    assert_int_equal(say(&s, 0, 1000, true), NONE);
    s.df = 0x4000;
    assert_int_equal(say(&s, 1000, 400, false), NONE);
    assert_int_equal(bytes_get16(whole.data + 6), 0); /* its largest had none */

    s.tos = 2;
    assert_int_equal(say(&s, 0, 64, true), NONE);
    s.tos = 3;
    assert_int_equal(say(&s, 64, 8, false), NONE);
    assert_int_equal(whole.data[1], 3);
    s.tos = 0;
    assert_int_equal(say(&s, 0, 64, true), NONE);
    s.tos = 3;
    assert_int_equal(say(&s, 64, 8, false), CT_REASON_FRAG_BAD);
    assert_int_equal(ct_drops(rig.ct, CT_REASON_FRAG_BAD), 2);
    assert_int_equal(stat(CT_STAT_held), 0);
}

/* 30 s for IPv4, 60 s for IPv6; the first fragment comes back if it was there,
 * as it was. */
static void time_is_up(void **state)
{
    struct ct_pkt first = {.data = whole_room + CT_HEADROOM};

    (void)state;
    say(&udp4, 0, 64, true);
    say(&udp4, 72, 64, true);
    say(&udp6, 64, 64, true);
    corerig_at(&rig, 29999);
    assert_false(ct_defrag_expired(rig.ct, &first));
    corerig_at(&rig, 30000);
    assert_true(ct_defrag_expired(rig.ct, &first));
    assert_int_equal(first.len, 84);
    assert_int_equal(bytes_get16(first.data + 2), 84);
    assert_int_equal(bytes_get16(first.data + 6), 0x2000);
    assert_int_equal(first.data[20 + 63], pattern(63));
    assert_false(ct_defrag_expired(rig.ct, &first));
    assert_int_equal(ct_drops(rig.ct, CT_REASON_FRAG_TIMEOUT), 2);
    corerig_at(&rig, 60000);
    assert_true(ct_defrag_expired(rig.ct, &first));
    assert_int_equal(first.len, 0);
    assert_int_equal(ct_drops(rig.ct, CT_REASON_FRAG_TIMEOUT), 3);
}

/* R4: a million first fragments from one sender.  Memory stays below
 * the bound, and another's datagrams lose nothing. */
static void r4_flood_of_one(void **state)
{
    struct sender flood = udp4, other = udp4;
    uint64_t most = 0;

    (void)state;
    other.host = 3;
    for (uint32_t i = 0; i < 1000000; i++) {
        flood.id = i;
        flood.host = i % 2 ? 2 : 2 + (i >> 16 << 8); /* or of 16 hosts */
        assert_int_equal(say(&flood, 0, 1480, true), NONE);
        if (i % 1000 == 0) {
            other.id = i / 1000;
            assert_int_equal(say(&other, 0, 1480, true), NONE);
        } else if (i % 1000 == 500) {
            assert_int_equal(say(&other, 1480, 520, false), NONE);
            check_whole(&other, 2000);
        }
        if (stat(CT_STAT_frag_memory) > most)
            most = stat(CT_STAT_frag_memory);
    }
    assert_int_equal(stat(CT_STAT_reassembled), 1000);
    assert_true(most <= 4096u << 10);
    assert_true(stat(CT_STAT_frag_datagrams) <= 1024);
    assert_int_equal(stat(CT_STAT_frags),
                     stat(CT_STAT_held) + stat(CT_STAT_frags_merged) + 1000 +
                         ct_drops(rig.ct, CT_REASON_FRAG_LIMIT));
}

/* Many senders, one datagram each: the oldest of all goes. */
static void r4_flood_of_many(void **state)
{
    struct sender flood = udp4;

    (void)state;
    for (uint32_t i = 0; i < 20000; i++) {
        flood.host = 256 + i;
        assert_int_equal(say(&flood, 0, 1480, true), NONE);
        if (i % 100 == 0)
            assert_int_equal(say(&udp4, 0, 1480, true), NONE);
        if (i % 100 == 99) {
            assert_int_equal(say(&udp4, 1480, 520, false), NONE);
            check_whole(&udp4, 2000);
        }
    }
    assert_int_equal(stat(CT_STAT_frag_datagrams), 1023);
    assert_int_equal(stat(CT_STAT_reassembled), 200);
}

/* A LAN is one /64: one of its hosts that floods pays for itself, and all of
 * its addresses together leave room to others. */
static void r4_flood_of_a_prefix(void **state)
{
    struct sender flood = udp6, neighbour = udp6, other = udp4;

    (void)state;
    flood.inner = 1;
    assert_int_equal(say(&neighbour, 0, 1000, true), NONE);
    for (flood.id = 100; flood.id < 100 + 4096; flood.id++)
        assert_int_equal(say(&flood, 0, 64, true), NONE);
    assert_int_equal(stat(CT_STAT_frag_datagrams), 128 + 1);
    assert_int_equal(say(&neighbour, 1000, 1000, false), NONE);
    check_whole(&neighbour, 2000);
    for (flood.id = 9000; flood.id < 9000 + 4096; flood.id++) {
        flood.inner = (uint16_t)flood.id;
        assert_int_equal(say(&flood, 0, 64, true), NONE);
        if (flood.id == 9000)
            assert_int_equal(say(&other, 0, 1000, true), NONE);
    }
    assert_int_equal(stat(CT_STAT_frag_datagrams), 1024 - 128 + 1);
    assert_int_equal(say(&other, 1000, 1000, false), NONE);
    check_whole(&other, 2000);
}

/* A prefix at its share of memory pays with its oldest datagram, but never with
 * the one that is being stored. */
static void a_prefix_keeps_what_it_stores(void **state)
{
    struct sender s = udp6;
    uint16_t n;

    (void)state;
    for (n = 0; ct_drops(rig.ct, CT_REASON_FRAG_LIMIT) == 0; n++) {
        assert_true(n < 1024);
        s.inner = n;
        assert_int_equal(say(&s, 0, 32000, true), NONE);
    }
    s.inner = 1; /* 0 has gone */
    assert_int_equal(say(&s, 32000, 32000, false), NONE);
    check_whole(&s, 64000);
    assert_int_equal(ct_drops(rig.ct, CT_REASON_FRAG_LIMIT), 2);
    assert_int_equal(stat(CT_STAT_frag_datagrams), n - 3u);
}

/* A sender has his share of memory, too, and it holds the longest datagram. */
static void share_of_memory(void **state)
{
    struct sender s = udp4;

    (void)state;
    for (s.id = 0; s.id < 64; s.id++)
        assert_int_equal(say(&s, 0, 65504, true), NONE);
    assert_true(stat(CT_STAT_frag_memory) <= (4096u << 10) / 8 + 65536);
    s.id = 63;
    assert_int_equal(say(&s, 65504, 8, false), NONE);
    check_whole(&s, 65512);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(p7_battery_rows),
        TEST(p7_long_header_of_the_first),
        TEST(in_many_pieces),
        TEST(any_order),
        TEST(p7_every_offset),
        TEST(strangers_do_not_meet),
        TEST(p8_atomic_fragments_join_no_other),
        TEST(p3_p8_tiny_first_fragments),
        TEST(what_is_kept),
        TEST(time_is_up),
        TEST(r4_flood_of_one),
        TEST(r4_flood_of_many),
        TEST(r4_flood_of_a_prefix),
        TEST(a_prefix_keeps_what_it_stores),
        TEST(share_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
