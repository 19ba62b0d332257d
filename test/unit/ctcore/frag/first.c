/* first.c - the first fragment of what never became whole, for an error
 *
 * It comes back as it was sent: its own bytes up to where the next one began,
 * from whatever pages they lie in, cut to what an error quotes. */
#include "frag_rig.h"

static int setup(void **state)
{
    struct ct_config c = {.max = 64, .fragments = true};

    (void)state;
    corerig_open(&rig, &c);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    corerig_close(&rig);
    return 0;
}

static void later(uint64_t ms)
{
    corerig_at(&rig, rig.now.ms - 1000000 + ms);
}

/* The next datagram whose time is up. */
static bool next_first(struct ct_pkt *first)
{
    *first = (struct ct_pkt){.data = whole_room + CT_HEADROOM};
    memset(whole_room, 0xee, sizeof whole_room);
    return ct_defrag_expired(rig.ct, first);
}

/* len: of the first fragment's payload. */
static void check_first(const struct sender *s, const struct ct_pkt *first,
                        uint32_t len)
{
    uint32_t head = s->v6 ? 48 : 20;
    uint32_t whole_len = head + len < CT_REPLY_MAX ? head + len : CT_REPLY_MAX;

    assert_int_equal(first->len, whole_len);
    assert_int_equal(first->l4_off, head);
    assert_int_equal(first->l4_len, whole_len - head);
    assert_int_equal(first->in, LAN);
    assert_int_equal(first->tuple.proto, s->proto);
    assert_int_equal(first->tuple.sport, 0);
    for (uint32_t i = 0; i < whole_len - head; i++)
        if (first->data[head + i] != pattern(i))
            fail_msg("%u bytes: byte %u", len, i);
    assert_int_equal(first->data[whole_len], 0xee);
    if (s->v6) {
        assert_int_equal(bytes_get16(first->data + 42), 1); /* 0, more follow */
        assert_int_equal(bytes_get32(first->data + 44), s->id);
    } else {
        assert_int_equal(bytes_get16(first->data + 6), 0x2000);
        assert_int_equal(bytes_get16(first->data + 4), s->id);
    }
}

static const uint32_t lengths[] = {8,    16,   64,   504,  512,  520, 1016,
                                   1024, 1032, 1208, 1232, 1240, 1400};

enum { N = sizeof lengths / sizeof *lengths };

/* Alone, or with the next one right behind it. */
static void it_ends_where_the_next_began(void **state)
{
    struct ct_pkt first;

    (void)state;
    for (unsigned six = 0; six < 2; six++)
        for (unsigned next = 0; next < 3; next++)
            for (unsigned i = 0; i < N; i++) {
                struct sender s = six ? udp6 : udp4;

                s.id = 100 + i;
                assert_int_equal(say(&s, 0, lengths[i], true), CT_REASON_NONE);
                if (next) /* right behind it, or behind a hole */
                    assert_int_equal(
                        say(&s, lengths[i] + (next - 1) * 1024, 1480, true),
                        CT_REASON_NONE);
                later(60001);
                assert_true(next_first(&first));
                assert_int_equal(rig.ct->work.steps, 0); /* it is counted */
                check_first(&s, &first, lengths[i]);
                assert_false(next_first(&first));
            }
}

/* Pages of several datagrams by turns: none follows its own. */
static void it_lies_in_many_pages(void **state)
{
    enum { SENDERS = 3 };
    struct ct_pkt first;

    (void)state;
    for (unsigned at = 0; at < 4; at++)
        for (unsigned i = 0; i < SENDERS; i++) {
            struct sender s = udp4;
            /* the last pieces come first */
            uint32_t off = (3 - at) * 1024;

            s.id = 200 + i;
            assert_int_equal(say(&s, off, off ? 1016 : 1024, true),
                             CT_REASON_NONE);
        }
    corerig_at(&rig, 30001);
    for (unsigned i = 0; i < SENDERS; i++) {
        struct sender s = udp4;

        s.id = 200 + i;
        assert_true(next_first(&first));
        check_first(&s, &first, 1024);
    }
}

/* An ICMP message's type is known, so that no error is about an error. */
static void it_is_of_its_type(void **state)
{
    struct sender s = udp4;
    struct ct_pkt first;

    (void)state;
    s.proto = CT_PROTO_ICMP;
    s.id = 300;
    assert_int_equal(say(&s, 0, 64, true), CT_REASON_NONE);
    corerig_at(&rig, 30001);
    assert_true(next_first(&first));
    assert_int_equal(first.icmp_type, pattern(0));
    assert_int_equal(first.icmp_error, pattern(0) == 5); /* redirect */
}

/* Of all that wait the one that came first goes, whichever family it is of. */
static void the_oldest_of_both_families_goes(void **state)
{
    (void)state;
    for (unsigned six = 0; six < 2; six++) {
        struct sender first = six ? udp6 : udp4, then = six ? udp4 : udp6;
        struct sender flood = six ? udp4 : udp6;

        first.host = then.host = 7;
        flood.host = 256;
        assert_int_equal(say(&first, 0, 64, true), CT_REASON_NONE);
        later(10);
        assert_int_equal(say(&then, 0, 64, true), CT_REASON_NONE);
        later(10);
        while (ct_stat(rig.ct, CT_STAT_frag_datagrams) < 1024) {
            flood.host++;
            flood.inner = (uint16_t)flood.host;
            assert_int_equal(say(&flood, 0, 64, true), CT_REASON_NONE);
        }
        flood.host++;
        flood.inner = (uint16_t)flood.host;
        assert_int_equal(say(&flood, 0, 64, true), CT_REASON_NONE);
        assert_int_equal(say(&then, 64, 8, false), CT_REASON_NONE);
        assert_true(is_whole); /* it is still there */
        assert_int_equal(say(&first, 64, 8, false), CT_REASON_NONE);
        assert_false(is_whole);
        while (ct_stat(rig.ct, CT_STAT_frag_datagrams)) {
            struct ct_pkt gone;

            later(61000);
            while (next_first(&gone))
                ;
        }
    }
}

/* However small a source's share is, the longest datagram fits, with a head
 * that takes a page. */
static void the_longest_fits_the_smallest_share(void **state)
{
    enum { HEAD = 168, REST = 65535 - HEAD - 65344 };
    struct sender s = udp6;

    (void)state;
    s.dest_options = HEAD / 8 - 1;
    for (uint32_t share = 1; share < 32; share++) {
        struct ct_config c = {.max = 64, .fragments = true};

        corerig_open_tuned(&rig, &c, CT_PARAM_frag_per_source, share);
        assert_int_equal(say(&s, 65344, REST, false), CT_REASON_NONE);
        assert_int_equal(say(&s, 0, 65344, true), CT_REASON_NONE);
        check_whole(&s, 65344 + REST);
        corerig_close(&rig);
    }
}

static void open_with_memory(uint32_t kib)
{
    struct ct_config c = {.max = 64, .fragments = true};

    corerig_open_tuned(&rig, &c, CT_PARAM_frag_memory, kib);
}

/* The least frag_memory that takes fragments, in KiB; less refuses them. */
static uint32_t least_memory(void)
{
    enum ct_reason why = CT_REASON_FRAGMENT;
    uint32_t kib = 0;

    while (why == CT_REASON_FRAGMENT) {
        open_with_memory(++kib);
        why = say(&udp4, 0, 64, true);
        corerig_close(&rig);
    }
    return kib;
}

/* What does not refuse fragments has memory for the longest datagram. */
static void the_longest_fits_the_least_memory(void **state)
{
    enum { REST = 65515 - 65504 };

    (void)state;
    for (uint32_t more = 0; more < 3; more++) {
        open_with_memory(least_memory() + more);
        assert_int_equal(say(&udp4, 65504, REST, false), CT_REASON_NONE);
        assert_int_equal(say(&udp4, 0, 65504, true), CT_REASON_NONE);
        check_whole(&udp4, 65504 + REST);
        corerig_close(&rig);
    }
}

/* When memory is used up, the datagram that becomes whole stays, though it is
 * the oldest; the next oldest goes. */
static void what_becomes_whole_stays(void **state)
{
    struct sender s = udp4, other = udp4;

    (void)state;
    open_with_memory(least_memory());
    assert_int_equal(say(&s, 0, 1024, true), CT_REASON_NONE);
    other.host = 50;
    while (rig.ct->frag.pages.used < rig.ct->frag.pages.n) {
        later(1);
        other.host++;
        assert_int_equal(say(&other, 0, 64, true), CT_REASON_NONE);
    }
    assert_int_equal(say(&s, 1024, 1024, false), CT_REASON_NONE);
    check_whole(&s, 2048);
    other.host = 51;
    assert_int_equal(say(&other, 64, 8, false), CT_REASON_NONE);
    assert_false(is_whole); /* it went */
    other.host = 52;
    assert_int_equal(say(&other, 64, 8, false), CT_REASON_NONE);
    assert_true(is_whole);
    corerig_close(&rig);
}

/* Chains are keyed, so that none can be made long from outside. */
static void the_key_is_the_cores(void **state)
{
    struct ct_config c = {.max = 64, .fragments = true};

    (void)state;
    for (unsigned i = 0; i < sizeof c.key; i++)
        ((uint8_t *)&c.key)[i] = (uint8_t)(i + 1);
    corerig_open(&rig, &c);
    assert_memory_equal(rig.ct->frag.key, &c.key, sizeof rig.ct->frag.key);
    corerig_close(&rig);
}

/* Of datagrams that share a chain each link that is followed is a step. */
static void links_are_steps(void **state)
{
    enum { SENDERS = 5 };
    struct sender s = udp4;
    uint64_t *most = &rig.ct->stats[CT_STAT_work_max];

    (void)state;
    rig.ct->frag.mask = 0;
    for (s.host = 10; s.host < 10 + SENDERS; s.host++)
        assert_int_equal(say(&s, 0, 64, true), CT_REASON_NONE);
    s.host = 10; /* it stands last */
    *most = 0;
    assert_int_equal(say(&s, 64, 8, true), CT_REASON_NONE);
    assert_int_equal(*most, SENDERS - 1);
    assert_int_equal(say(&s, 72, 8, false), CT_REASON_NONE);
    assert_true(is_whole);
    /* to find it, to end it, and to take it and its source out */
    assert_int_equal(rig.ct->work.steps, 3 * (SENDERS - 1) + 1);
}

/* RFC 8200 4.5: all headers of IPv6 in the first fragment, each in its place.
 * The pattern's first two bytes say which header follows, and how long it is.
 */
static void a_chain_must_be_there_whole(void **state)
{
    static const struct {
        const char *what;
        uint8_t kind, next, size;
        uint32_t len;
        enum ct_reason why;
    } rows[] = {
        {"destination options, UDP", 60, 17, 0, 16, CT_REASON_NONE},
        {"UDP is not there", 60, 17, 0, 8, CT_REASON_FRAG_TINY},
        {"options are cut", 60, 17, 1, 8, CT_REASON_FRAG_TINY},
        {"hop-by-hop behind another", 60, 0, 0, 16, CT_REASON_BAD_EXT_CHAIN},
        {"routing type 0", 43, 17, 0, 16, CT_REASON_ROUTING_HEADER},
        {"a fragment in a fragment", 60, 44, 0, 16, CT_REASON_BAD_EXT_CHAIN},
        {"longer than any chain may be", 60, 17, 255, 2056,
         CT_REASON_BAD_EXT_CHAIN},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ct_pkt pkt = {.data = piece_room + CT_HEADROOM, .in = LAN};
        struct frag_spec f = {0, rows[i].len, true, 0};
        struct sender s = udp6;
        enum ct_reason why;
        uint32_t n;

        s.id = 500 + i;
        s.proto = rows[i].kind;
        n = head(&s, &f, pkt.data);
        memset(pkt.data + n, 0, f.len);
        pkt.data[n] = rows[i].next;
        pkt.data[n + 1] = rows[i].size;
        pkt.len = n + f.len;
        assert_int_equal(ct_parse(rig.ct, &pkt), CT_REASON_FRAGMENT);
        whole = (struct ct_pkt){.data = whole_room + CT_HEADROOM, .cuts = cuts};
        why = ct_defrag(rig.ct, &pkt, &whole, &is_whole);
        if (why != rows[i].why)
            fail_msg("%s: %s", rows[i].what, ct_reason_name(why));
    }
}

/* RFC 3168 5.3: one piece that met congestion marks the datagram, and pieces
 * with and without ECN are of none; the same in both families. */
static void marks_of_congestion_are_joined(void **state)
{
    enum { NONE, ECT1, ECT0, CE, ALL };

    (void)state;
    for (unsigned six = 0; six < 2; six++)
        for (unsigned a = 0; a < ALL; a++)
            for (unsigned b = 0; b < ALL; b++) {
                struct sender s = six ? udp6 : udp4;
                bool bad = (a == NONE) != (b == NONE);
                unsigned tos;

                s.id = 700 + a * ALL + b;
                s.tos = (uint8_t)a;
                assert_int_equal(say(&s, 0, 64, true), CT_REASON_NONE);
                s.tos = (uint8_t)b;
                assert_int_equal(say(&s, 64, 8, false),
                                 bad ? CT_REASON_FRAG_BAD : CT_REASON_NONE);
                if (bad)
                    continue;
                tos = six ? bytes_get16(whole.data) >> 4 & 0xff : whole.data[1];
                assert_int_equal((tos & 3) == CE, a == CE || b == CE);
            }
}

/* The largest piece is known, up to what the field holds. */
static void the_largest_piece_is_known(void **state)
{
    static const struct {
        uint32_t cut, len; /* two pieces: where, and how long the second is */
        uint16_t largest;
    } rows[] = {
        {8, 65485, 65533},
        {8, 65486, 65534},
        {8, 65487, 65535},
        {65488, 7, 65535}, /* 65536 of the wire */
    };

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sender s = udp6;

        s.id = i;
        assert_int_equal(say(&s, 0, rows[i].cut, true), CT_REASON_NONE);
        assert_int_equal(say(&s, rows[i].cut, rows[i].len, false),
                         CT_REASON_NONE);
        assert_true(is_whole);
        assert_int_equal(whole.frag_max, rows[i].largest);
    }
}

/* Outside a /64 is one sender; inside, where a LAN is one, each address is. */
static void a_prefix_outside_is_one_sender(void **state)
{
    (void)state;
    for (unsigned outside = 0; outside < 2; outside++) {
        struct ct_config c = {.max = 64, .fragments = true};
        struct sender s = udp6;

        corerig_open(&rig, &c);
        came_by = outside ? WAN : LAN;
        for (s.inner = 0; s.inner < 200; s.inner++)
            assert_int_equal(say(&s, 0, 64, true), CT_REASON_NONE);
        assert_int_equal(ct_stat(rig.ct, CT_STAT_frag_datagrams),
                         outside ? 128 : 200);
        corerig_close(&rig);
    }
    came_by = LAN;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_ends_where_the_next_began, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(it_lies_in_many_pages, setup, teardown),
        cmocka_unit_test_setup_teardown(the_oldest_of_both_families_goes, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(it_is_of_its_type, setup, teardown),
        cmocka_unit_test(the_longest_fits_the_smallest_share),
        cmocka_unit_test(the_longest_fits_the_least_memory),
        cmocka_unit_test(what_becomes_whole_stays),
        cmocka_unit_test_setup_teardown(links_are_steps, setup, teardown),
        cmocka_unit_test_setup_teardown(a_chain_must_be_there_whole, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(marks_of_congestion_are_joined, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_largest_piece_is_known, setup,
                                        teardown),
        cmocka_unit_test(the_key_is_the_cores),
        cmocka_unit_test(a_prefix_outside_is_one_sender),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
