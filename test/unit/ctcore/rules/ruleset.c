/* ruleset.c - which rule does a packet meet, and which not */
#include "rules/ruleset.h"

#include "base/hash.h"
#include "packet/parse.h"

#include "bytes.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { LAN = 0, WAN = 1, DMZ = 2, GRE = 47 };

static union ct_addr addr(const char *text)
{
    union ct_addr a = {.w64 = {0, 0}};
    int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;

    assert_int_equal(inet_pton(family, text, &a), 1);
    return a;
}

/* ---- packets ---- */

struct room {
    uint8_t bytes[80];
    struct ct_pkt pkt;
};

/* As the hooks see it; addresses and ports are in the bytes only. */
static void make(struct room *r, const char *src, const char *dst,
                 uint8_t proto, uint16_t sport, uint16_t dport)
{
    bool v4 = strchr(src, ':') == NULL;
    uint32_t off = v4 ? 20 : 40;
    union ct_addr from = addr(src), to = addr(dst);

    memset(r, 0, sizeof *r);
    r->bytes[0] = v4 ? 0x45 : 0x60;
    memcpy(r->bytes + (v4 ? 12 : 8), &from, v4 ? 4 : 16);
    memcpy(r->bytes + (v4 ? 16 : 24), &to, v4 ? 4 : 16);
    bytes_put16(r->bytes + off, sport);
    bytes_put16(r->bytes + off + 2, dport);
    r->pkt = (struct ct_pkt){.data = r->bytes,
                             .len = off + 20,
                             .in = LAN,
                             .out = WAN,
                             .l4_off = off,
                             .l4_len = 20,
                             .info = CT_NEW,
                             .mark = 0x12};
    r->pkt.tuple.family = v4 ? CT_IPV4 : CT_IPV6;
    r->pkt.tuple.proto = proto;
    if (proto == CT_PROTO_ICMP || proto == CT_PROTO_ICMPV6)
        r->pkt.icmp_type = (uint8_t)(sport >> 8);
}

/* ---- matches, told as changes of one that matches everything ---- */

#define IN(...)  .in = {__VA_ARGS__}
#define OUT(...) .out = {__VA_ARGS__}

static struct ct_addr_range v4_ranges[3], v6_ranges[2];
static const struct ct_number_range ports[] = {
    {8000, 8080}, {53, 53}, {80, 81}};

static const struct ct_addr_set both_sets = {.v4 = v4_ranges,
                                             .v6 = v6_ranges,
                                             .n_v4 = 3,
                                             .n_v6 = 2,
                                             .present = true},
                                not_both = {.v4 = v4_ranges,
                                            .v6 = v6_ranges,
                                            .n_v4 = 3,
                                            .n_v6 = 2,
                                            .present = true,
                                            .negate = true},
                                only_v4 = {.v4 = v4_ranges,
                                           .n_v4 = 3,
                                           .present = true},
                                not_v4 = {.v4 = v4_ranges,
                                          .n_v4 = 3,
                                          .present = true,
                                          .negate = true};

static int make_ranges(void **state)
{
    static const char *const text[5][2] = {
        {"10.0.0.0", "10.0.0.255"},          {"10.0.2.1", "10.0.2.1"},
        {"192.168.255.0", "193.0.0.1"},      {"2001:db8::", "2001:db8::ffff"},
        {"2001:db8:1::ff", "2001:db8:2::1"},
    };

    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        struct ct_addr_range *r = i < 3 ? &v4_ranges[i] : &v6_ranges[i - 3];

        *r = (struct ct_addr_range){addr(text[i][0]), addr(text[i][1])};
    }
    return 0;
}

static bool meets(const struct ct_match *m, const struct ct_pkt *pkt,
                  uint32_t facts)
{
    const struct ruleset_unknown unknown = {.facts = facts};
    struct ct_rule rule = {.match = *m};
    struct ct_ruleset rules = {.rules = &rule, .n = 1};

    return ruleset_match(&rules, 0, 1, pkt, facts ? &unknown : NULL) == 0;
}

static const struct ct_mark marks[] = {{1, 0xff}, {2, 0xff}, {0x10, 0xf0}};
static const struct ct_mark mark_12 = {0x12, 0xffffffff},
                            mark_10 = {0x10, 0xf0}, mark_13 = {0x13, 0xff},
                            mark_0 = {0, 0xff};
static const struct ct_number_range type_0 = {0, 0}, type_8 = {8, 8};

/* A TCP segment 10.0.0.7:4000 > 8.8.8.8:80, from LAN to WAN, NEW, mark 0x12. */
static void fields(void **state)
{
    static const struct {
        const char *what;
        struct ct_match m;
        bool want;
    } cases[] = {
        {"nothing asked", {.family = 0}, true},
        {"in", {IN(1 << LAN)}, true},
        {"in, another", {IN(1 << WAN)}, false},
        {"in, negated", {IN(1 << LAN, true)}, false},
        {"in, another negated", {IN(1 << DMZ, true)}, true},
        {"in, second of a list", {IN(1 << DMZ | 1 << LAN)}, true},
        {"in, none of a list", {IN(1 << DMZ | 1 << WAN)}, false},
        {"in, a list negated", {IN(1 << DMZ | 1 << LAN, true)}, false},
        {"out, second of a list", {OUT(1 << DMZ | 1 << WAN)}, true},
        {"out", {OUT(1 << WAN)}, true},
        {"out, another", {OUT(1 << LAN)}, false},
        {"out, negated", {OUT(1 << WAN, true)}, false},
        {"family", {.family = CT_IPV4}, true},
        {"family, another", {.family = CT_IPV6}, false},
        {"proto", {.proto = {1, {CT_PROTO_TCP}, false}}, true},
        {"second of protos",
         {.proto = {2, {CT_PROTO_UDP, CT_PROTO_TCP}, false}},
         true},
        {"proto, another", {.proto = {1, {CT_PROTO_UDP}, false}}, false},
        {"a proto behind the last",
         {.proto = {1, {CT_PROTO_UDP, CT_PROTO_TCP}, false}},
         false},
        {"proto, negated", {.proto = {1, {CT_PROTO_TCP}, true}}, false},
        {"proto, another negated", {.proto = {1, {CT_PROTO_UDP}, true}}, true},
        {"icmp type of a segment", {.icmp_type = {&type_0, 1, false}}, false},
        {"ct_state", {.info = {1 << CT_NEW}}, true},
        {"one of two ct_states",
         {.info = {1 << CT_NEW | 1 << CT_RELATED}},
         true},
        {"ct_state, another", {.info = {1 << CT_ESTABLISHED}}, false},
        {"ct_state invalid", {.info = {1 << CT_INVALID}}, false},
        {"ct_state, negated", {.info = {1 << CT_NEW, true}}, false},
        {"ct_state, another negated",
         {.info = {1 << CT_ESTABLISHED, true}},
         true},
        {"mark", {.mark = {&mark_12, 1, false}}, true},
        {"mark under a mask", {.mark = {&mark_10, 1, false}}, true},
        {"mark, another", {.mark = {&mark_13, 1, false}}, false},
        {"mark, negated", {.mark = {&mark_13, 1, true}}, true},
        {"mark, third of a list", {.mark = {marks, 3, false}}, true},
        {"mark, a list negated", {.mark = {marks, 3, true}}, false},
        {"mark zero", {.mark = {&mark_0, 1, false}}, false},
        {"dport in the first range", {.dport = {ports, 3, false}}, true},
        {"dport not in one range", {.dport = {ports, 2, false}}, false},
        {"dport, negated", {.dport = {ports, 3, true}}, false},
        {"dport, others negated", {.dport = {ports, 2, true}}, true},
        {"sport", {.sport = {ports, 3, false}}, false},
        {"sport, negated", {.sport = {ports, 3, true}}, true},
        {"all at once, one of them wrong",
         {IN(1 << LAN), OUT(1 << WAN), .family = CT_IPV4,
          .proto = {1, {CT_PROTO_TCP}, false}, .info = {1 << CT_NEW},
          .dport = {ports, 3, false}, .mark = {&mark_13, 1, false}},
         false},
    };
    struct room r;

    (void)state;
    make(&r, "10.0.0.7", "8.8.8.8", CT_PROTO_TCP, 4000, 80);
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++)
        if (meets(&cases[i].m, &r.pkt, 0) != cases[i].want)
            fail_msg("%s", cases[i].what);
}

static void address_sets(void **state)
{
    static const struct {
        const char *what, *src;
        bool both, not_both, only_v4, not_v4;
    } cases[] = {
        {"below the first range", "9.255.255.255", 0, 1, 0, 1},
        {"first of the first", "10.0.0.0", 1, 0, 1, 0},
        {"last of the first", "10.0.0.255", 1, 0, 1, 0},
        {"just behind it", "10.0.1.0", 0, 1, 0, 1},
        {"a single address", "10.0.2.1", 1, 0, 1, 0},
        {"behind the single one", "10.0.2.2", 0, 1, 0, 1},
        {"big-endian, not by bytes alone", "193.0.0.0", 1, 0, 1, 0},
        {"last of all", "193.0.0.1", 1, 0, 1, 0},
        {"behind all", "193.0.0.2", 0, 1, 0, 1},
        {"v6 below", "2001:db7:ffff::", 0, 1, 0, 0},
        {"v6 first", "2001:db8::", 1, 0, 0, 0},
        {"v6 between", "2001:db8:1::fe", 0, 1, 0, 0},
        {"v6 in the upper half", "2001:db8:1:8000::1", 1, 0, 0, 0},
        {"v6 last", "2001:db8:2::1", 1, 0, 0, 0},
        {"v6 behind", "2001:db8:2::2", 0, 1, 0, 0},
    };
    const struct ct_addr_set *sets[] = {&both_sets, &not_both, &only_v4,
                                        &not_v4};

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        const bool want[] = {cases[i].both, cases[i].not_both, cases[i].only_v4,
                             cases[i].not_v4};
        const char *far = strchr(cases[i].src, ':') ? "fd00::1" : "8.8.8.8";

        for (unsigned k = 0; k < 4; k++) {
            struct ct_match from = {.src = *sets[k]};
            struct ct_match to = {.dst = *sets[k]};
            struct room out, back;

            make(&out, cases[i].src, far, CT_PROTO_UDP, 1, 2);
            make(&back, far, cases[i].src, CT_PROTO_UDP, 2, 1);
            if (meets(&from, &out.pkt, 0) != want[k])
                fail_msg("src, %s, set %u", cases[i].what, k);
            if (meets(&to, &back.pkt, 0) != want[k])
                fail_msg("dst, %s, set %u", cases[i].what, k);
        }
    }
}

/* Bisection against asking every range, in sets of every size. */
static void address_sets_by_chance(void **state)
{
    struct ct_addr_range r[16];
    struct rng rng = {7};

    (void)state;
    for (unsigned i = 0; i < 4000; i++) {
        uint32_t n = 1 + hash_rng_below(&rng, 16), at = 0x0a000000, want = 0;
        uint32_t is = at + hash_rng_below(&rng, 400);
        struct ct_match m = {.src = {.v4 = r, .n_v4 = n, .present = true}};
        struct room room;

        memset(r, 0, sizeof r);
        for (uint32_t k = 0; k < n; k++) {
            uint32_t lo = at + 1 + hash_rng_below(&rng, 20);
            uint32_t hi = lo + hash_rng_below(&rng, 20);

            bytes_put32(r[k].lo.b, lo);
            bytes_put32(r[k].hi.b, hi);
            want |= is >= lo && is <= hi;
            at = hi + 1;
        }
        make(&room, "10.0.0.1", "8.8.8.8", CT_PROTO_UDP, 1, 2);
        bytes_put32(room.bytes + 12, is);
        assert_int_equal(meets(&m, &room.pkt, 0), want);
    }
}

static int by_lo(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(union ct_addr));
}

/* Single addresses, scattered or in heaps, of n bytes each. */
static uint32_t some_addresses(struct ct_addr_range *r, uint32_t n,
                               unsigned bytes, struct rng *rng)
{
    uint32_t kept = 0;

    memset(r, 0, n * sizeof *r);
    for (uint32_t i = 0; i < n; i++) {
        unsigned heap = hash_rng_below(rng, 3) ? bytes - 2 : 0;

        for (unsigned k = heap; k < bytes; k++)
            r[i].lo.b[k] = (uint8_t)hash_rng_next(rng);
        r[i].hi = r[i].lo;
    }
    qsort(r, n, sizeof *r, by_lo);
    for (uint32_t i = 1; i < n; i++)
        if (by_lo(&r[kept], &r[i]) != 0)
            r[++kept] = r[i];
    return kept + 1;
}

/* An index changes where is looked, never what is found. */
static void an_index_changes_no_answer(void **state)
{
    static struct ct_addr_range r[3000];
    static uint32_t at[8194];
    struct rng rng = {11};

    (void)state;
    for (unsigned round = 0; round < 60; round++) {
        bool v4 = round & 1;
        unsigned bytes = v4 ? 4 : 16;
        uint32_t n =
            some_addresses(r, 5 + hash_rng_below(&rng, 2990), bytes, &rng);
        struct ct_match m = {.src = {.present = true}}, with;
        struct room room;

        m.src.v4 = m.src.v6 = r;
        *(v4 ? &m.src.n_v4 : &m.src.n_v6) = n;
        if (!v4 && round % 4 == 0) /* from :: to addresses far above */
            r[0].lo.w64[0] = r[0].hi.w64[0] = 0;
        with = m;
        assert_in_range(ct_addr_index_words(n), 1, 8193);
        memset(at, 0xff, sizeof at);
        ct_addr_index_make(v4 ? &with.src.index4 : &with.src.index6, at, r, n,
                           v4);
        assert_int_equal(at[0], 0);
        assert_true(at[ct_addr_index_words(n) - 1] <= n);
        assert_int_equal(at[ct_addr_index_words(n)], UINT32_MAX);
        make(&room, v4 ? "10.0.0.1" : "fd00::1", v4 ? "8.8.8.8" : "fd00::2",
             CT_PROTO_UDP, 1, 2);
        for (unsigned i = 0; i < 2000; i++) {
            union ct_addr a = r[hash_rng_below(&rng, n)].lo;

            if (i % 4 == 1)
                a.b[bytes - 1] ^= (uint8_t)(1 + hash_rng_below(&rng, 3));
            if (i % 4 == 2)
                a.b[hash_rng_below(&rng, bytes)] = (uint8_t)hash_rng_next(&rng);
            memcpy(room.bytes + (v4 ? 12 : 8), a.b, bytes);
            assert_int_equal(meets(&with, &room.pkt, 0),
                             meets(&m, &room.pkt, 0));
            if (i % 4 == 0)
                assert_true(meets(&with, &room.pkt, 0));
        }
    }
}

/* What a packet does not have never matches, negated or not. */
static void fields_that_are_not_there(void **state)
{
    static const struct ct_match port = {.dport = {ports, 3, false}},
                                 no_port = {.dport = {ports, 3, true}},
                                 echo = {.icmp_type = {&type_8, 1, false}};
    struct room r;

    (void)state;
    make(&r, "10.0.0.7", "8.8.8.8", GRE, 80, 80);
    assert_false(meets(&port, &r.pkt, 0));
    assert_false(meets(&no_port, &r.pkt, 0));

    make(&r, "10.0.0.7", "8.8.8.8", CT_PROTO_ICMP, 0x0800, 80);
    assert_false(meets(&port, &r.pkt, 0));
    assert_false(meets(&no_port, &r.pkt, 0));
    assert_true(meets(&echo, &r.pkt, 0));
    r.pkt.icmp_type = 0;
    assert_false(meets(&echo, &r.pkt, 0));
    r.pkt.icmp_type = 8;
    r.pkt.l4_bad = true;
    assert_false(meets(&echo, &r.pkt, 0));

    make(&r, "10.0.0.7", "8.8.8.8", CT_PROTO_UDP, 80, 80);
    assert_true(meets(&port, &r.pkt, 0));
    r.pkt.l4_bad = true;
    r.pkt.len = r.pkt.l4_off = 20; /* and nothing is read there */
    assert_false(meets(&port, &r.pkt, 0));
    assert_false(meets(&no_port, &r.pkt, 0));
}

static void made_here_has_no_in(void **state)
{
    static const struct ct_match lan = {IN(1 << LAN)},
                                 not_lan = {IN(1 << LAN, true)};
    struct room r;

    (void)state;
    make(&r, "10.0.0.1", "10.0.0.7", CT_PROTO_TCP, 1, 2);
    r.pkt.in = CT_NO_IFACE;
    assert_false(meets(&lan, &r.pkt, 0));
    assert_true(meets(&not_lan, &r.pkt, 0));
}

/* The tuple is of the arrival; a rule sees what NAT made of the packet. */
static void bytes_count_not_the_tuple(void **state)
{
    struct ct_match m = {.dst = only_v4, .dport = {ports, 3, false}};
    struct room r;

    (void)state;
    make(&r, "8.8.8.8", "203.0.113.1", CT_PROTO_TCP, 4000, 4001);
    r.pkt.tuple.dst = addr("203.0.113.1");
    r.pkt.tuple.dport = 4001;
    assert_false(meets(&m, &r.pkt, 0));
    memcpy(r.bytes + 16, (uint8_t[]){10, 0, 0, 80}, 4);
    bytes_put16(r.bytes + 22, 8080);
    assert_true(meets(&m, &r.pkt, 0));
}

/* ECN's two bits are none of it. */
static void code_point_of_either_family(void **state)
{
    static const struct ct_number_range few[] = {{8, 10}, {46, 46}};
    struct ct_match m = {.dscp = {.r = few, .n = 2}};
    static const struct {
        uint8_t dscp;
        bool is;
    } cases[] = {{7, false}, {8, true},   {9, true},  {10, true}, {11, false},
                 {0, false}, {45, false}, {46, true}, {63, false}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (unsigned ecn = 0; ecn < 4; ecn++) {
            uint8_t tos = (uint8_t)(cases[i].dscp << 2 | ecn);
            struct room four, six;

            make(&four, "10.0.0.7", "8.8.8.8", CT_PROTO_UDP, 1, 2);
            four.bytes[1] = tos;
            make(&six, "2001:db8::7", "2a00::8", CT_PROTO_TCP, 1, 2);
            bytes_put16(six.bytes, 0x6000u | (uint32_t)tos << 4 | 9);
            for (int no = 0; no < 2; no++) {
                m.dscp.negate = no;
                assert_int_equal(meets(&m, &four.pkt, 0), cases[i].is != no);
                assert_int_equal(meets(&m, &six.pkt, 0), cases[i].is != no);
            }
        }
}

static void unknown_state_is_left_out(void **state)
{
    static const struct ct_match m = {IN(1 << LAN),
                                      .info = {1 << CT_ESTABLISHED}};
    struct room r;

    (void)state;
    make(&r, "10.0.0.7", "8.8.8.8", CT_PROTO_TCP, 1, 2);
    assert_false(meets(&m, &r.pkt, 0));
    assert_true(meets(&m, &r.pkt, CT_FACT_STATE));
    r.pkt.in = WAN; /* the rest still counts */
    assert_false(meets(&m, &r.pkt, CT_FACT_STATE));
}

static void first_of_a_stretch(void **state)
{
    struct ct_rule rule[4] = {{.match = {.family = 0}},
                              {.match = {IN(1 << WAN)}},
                              {.match = {IN(1 << LAN)}},
                              {.match = {.family = 0}}};
    struct ct_ruleset rules = {.rules = rule, .n = 4};
    struct room r;

    (void)state;
    make(&r, "10.0.0.7", "8.8.8.8", CT_PROTO_TCP, 1, 2);
    assert_int_equal(ruleset_match(&rules, 0, 4, &r.pkt, NULL), 0);
    assert_int_equal(ruleset_match(&rules, 1, 4, &r.pkt, NULL), 2);
    assert_int_equal(ruleset_match(&rules, 3, 4, &r.pkt, NULL), 3);
    assert_int_equal(ruleset_match(&rules, 1, 2, &r.pkt, NULL), 2);
    assert_int_equal(ruleset_match(&rules, 2, 2, &r.pkt, NULL), 2);
    assert_int_equal(ruleset_match(&rules, 0, 0, &r.pkt, NULL), 0);
}

static void counting(void **state)
{
    struct ct_rule_count counts[3] = {
        [1] = {.packets = 5, .bytes = UINT32_MAX}};
    struct room r;

    (void)state;
    make(&r, "10.0.0.7", "8.8.8.8", CT_PROTO_TCP, 1, 2);
    ruleset_count(counts, 1, &r.pkt);
    ruleset_count(counts, 1, &r.pkt);
    assert_int_equal(counts[1].packets, 7);
    assert_int_equal(counts[1].bytes, UINT64_C(0xffffffff) + 80);
    assert_int_equal(counts[0].packets | counts[2].packets, 0);
    assert_int_equal(counts[0].bytes | counts[2].bytes, 0);
}

/* A packet that is only a tuple reads as that tuple. */
static void a_pretended_packet_is_its_tuple(void **state)
{
    static const char *const ends[][2] = {{"10.0.0.7", "8.8.8.8"},
                                          {"2001:db8:1:2:3:4:5:6", "fd00::9"}};

    (void)state;
    for (unsigned six = 0; six < 2; six++) {
        struct ct_pkt pkt = {.l4_bad = true};
        uint8_t bytes[RULESET_HEAD] = {0};
        union ct_addr src = addr(ends[six][0]), dst = addr(ends[six][1]);
        struct ct_tuple t = {.src = src,
                             .dst = dst,
                             .sport = 4000,
                             .dport = 80,
                             .family = six ? CT_IPV6 : CT_IPV4,
                             .proto = CT_PROTO_TCP};
        const uint8_t *l4;

        ruleset_pretend(&pkt, &t, bytes);
        l4 = pkt.data + pkt.l4_off;
        assert_int_equal(pkt.l4_off, six ? 40 : 20);
        assert_int_equal(pkt.l4_len, pkt.len - pkt.l4_off);
        assert_false(pkt.l4_bad);
        assert_memory_equal(bytes + (six ? 8 : 12), &src, six ? 16 : 4);
        assert_memory_equal(bytes + (six ? 24 : 16), &dst, six ? 16 : 4);
        assert_int_equal(bytes_get16(l4), 4000);
        assert_int_equal(bytes_get16(l4 + 2), 80);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields),
        cmocka_unit_test(address_sets),
        cmocka_unit_test(address_sets_by_chance),
        cmocka_unit_test(an_index_changes_no_answer),
        cmocka_unit_test(fields_that_are_not_there),
        cmocka_unit_test(made_here_has_no_in),
        cmocka_unit_test(bytes_count_not_the_tuple),
        cmocka_unit_test(code_point_of_either_family),
        cmocka_unit_test(unknown_state_is_left_out),
        cmocka_unit_test(first_of_a_stretch),
        cmocka_unit_test(counting),
        cmocka_unit_test(a_pretended_packet_is_its_tuple),
    };

    return cmocka_run_group_tests_name("ruleset", tests, make_ranges, NULL);
}
