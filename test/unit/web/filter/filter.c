/* filter.c - the grammar that chooses flows */
#include "filter/filter.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *iface_name(void *ctx, uint8_t i)
{
    (void)ctx;
    return i == 0 ? "lan" : i == 1 ? "wan" : "";
}

static const struct web_flows source = {.iface_name = iface_name};

/* 10.0.1.2:4001 > 203.0.113.9:80 is forwarded to 198.51.100.2:8080 and seen
 * there as 198.51.100.1:5001. */
static struct ct_view tcp_view(void)
{
    struct ct_view v = {.status = CT_CONFIRMED | CT_SEEN_REPLY | CT_SRC_NAT |
                                  CT_DST_NAT,
                        .state = "SYN_RECV",
                        .mark = 0x105,
                        .labels = {1u << 3, 1ull << 63},
                        .in = 0,
                        .out = 1};
    struct ct_tuple *o = &v.tuple[0], *r = &v.tuple[1];

    o->family = r->family = CT_IPV4;
    o->proto = r->proto = IPPROTO_TCP;
    (void)inet_pton(AF_INET, "10.0.1.2", &o->src);
    (void)inet_pton(AF_INET, "203.0.113.9", &o->dst);
    (void)inet_pton(AF_INET, "198.51.100.2", &r->src);
    (void)inet_pton(AF_INET, "198.51.100.1", &r->dst);
    o->zone = 9; /* for this direction alone */
    o->sport = 4001;
    o->dport = 80;
    r->sport = 8080;
    r->dport = 5001;
    return v;
}

static struct ct_view icmp_view(void)
{
    struct ct_view v = {.status = CT_CONFIRMED, .state = "", .in = 1};
    struct ct_tuple *o = &v.tuple[0], *r = &v.tuple[1];

    o->family = r->family = CT_IPV6;
    o->proto = r->proto = IPPROTO_ICMPV6;
    (void)inet_pton(AF_INET6, "fd00:1::2", &o->src);
    (void)inet_pton(AF_INET6, "2001:db8::2", &o->dst);
    o->zone = r->zone = 5;
    r->src = o->dst;
    r->dst = o->src;
    o->sport = r->sport = 77;
    o->dport = 128 << 8;
    r->dport = 129 << 8;
    return v;
}

/* "a=b&c=d" into f; false at the first fault. */
static bool parse(struct filter *f, const char *text)
{
    char copy[512], *word, *rest;
    const char *why = NULL;

    *f = (struct filter){0};
    (void)snprintf(copy, sizeof(copy), "%s", text);
    for (word = strtok_r(copy, "&", &rest); word;
         word = strtok_r(NULL, "&", &rest)) {
        char *eq = strchr(word, '=');

        *eq = '\0';
        if (!filter_add(f, word, eq + 1, &why)) {
            assert_non_null(why);
            return false;
        }
    }
    return true;
}

static void rows_match_as_written(void **state)
{
    static const struct {
        const char *filter;
        bool tcp, icmp;
    } rows[] = {
        {"", true, true},
        {"proto=tcp", true, false},
        {"proto=TCP", true, false},
        {"proto=58", false, true},
        {"proto=ipv6-icmp", false, true},
        {"proto=tcp&proto=icmpv6", true, true},
        {"proto=!tcp", false, true},
        {"proto=!tcp&proto=!icmpv6", false, false},
        {"state=syn_recv", true, false},
        {"state=!SYN_RECV", false, true},
        {"src=10.0.1.2", true, false},
        {"src=10.0.1.3", false, false},
        {"src=10.0.0.0/23", true, false},
        {"src=10.0.2.0/23", false, false},
        {"src=0.0.0.0/0", true, false},
        {"src=::/0", false, true},
        {"src=fd00:1::/127", false, false},
        {"src=fd00:1::2/127", false, true},
        {"dst=203.0.113.9", true, false},
        {"dst=198.51.100.2", false, false},
        {"reply_src=198.51.100.2", true, false},
        {"reply_dst=198.51.100.1", true, false},
        {"sport=4001", true, false},
        {"sport=4000-4001", true, false},
        {"sport=4002-5000", false, false},
        {"sport=77", false, false}, /* an ICMP id is no port */
        {"sport=!77", true, true},
        {"dport=80&dport=443", true, false},
        {"reply_sport=8080&reply_dport=5001", true, false},
        {"icmp_id=77", false, true},
        {"icmp_type=128&icmp_code=0", false, true},
        {"icmp_type=129", false, false},
        {"family=ipv6", false, true},
        {"status=SEEN_REPLY", true, false},
        {"status=SEEN_REPLY,ASSURED", false, false},
        {"status=SEEN_REPLY&status=ASSURED", true, false},
        {"status=!SEEN_REPLY", false, true},
        {"status=UNSET", false, true}, /* as -o save shows it */
        {"status=!UNSET", true, false},
        {"state=cookie_wait", false, false},
        {"nat=src", true, false},
        {"nat=any", true, false},
        {"nat=none", false, true},
        {"src_nat=198.51.100.1", true, false},
        {"dst_nat=198.51.100.0/24", true, false},
        {"any_nat=198.51.100.2", true, false},
        {"any_nat=10.0.1.2", false, false},
        {"mark=0x105", true, false},
        {"mark=261", true, false},
        {"mark=5/0xff", true, false},
        {"mark=0", false, true},
        {"zone=0", true, false},
        {"label=3", true, false},
        {"label=100-127", true, false},
        {"label=4-99", false, false},
        {"label=!3", false, true},
        {"zone=5", false, true},
        {"zone_orig=9", true, false},
        {"zone_orig=5", false, false},
        {"zone_orig=0", false, true},
        {"zone_reply=0", true, true},
        {"zone_reply=5-9", false, false},
        {"in=lan", true, false},
        {"out=wan", true, false},
        {"in=!lan", false, true},
    };
    struct ct_view tcp = tcp_view(), icmp = icmp_view();
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct filter f;

        if (!parse(&f, rows[i].filter))
            fail_msg("%s is refused", rows[i].filter);
        if (filter_match(&f, &tcp, &source) != rows[i].tcp ||
            filter_match(&f, &icmp, &source) != rows[i].icmp)
            fail_msg("%s", rows[i].filter);
    }
}

/* Each bit that `-o save` shows alone is one that UNSET rules out. */
static void unset_is_none_of_what_is_saved(void **state)
{
    static const uint32_t saved[] = {CT_SEEN_REPLY, CT_ASSURED,
                                     CT_FIXED_TIMEOUT};
    struct ct_view v = icmp_view();
    struct filter f;

    (void)state;
    assert_true(parse(&f, "status=UNSET"));
    v.status = CT_CONFIRMED | CT_EXPECTED | CT_SRC_NAT;
    assert_true(filter_match(&f, &v, &source));
    for (size_t i = 0; i < sizeof(saved) / sizeof(saved[0]); i++) {
        v.status = CT_CONFIRMED | saved[i];
        assert_false(filter_match(&f, &v, &source));
    }
}

static void faults_are_refused(void **state)
{
    static const char *const rows[] = {
        "proto=256",
        "proto=-1",
        "proto=",
        "proto=tcpx",
        "proto=6x",
        "src=10.0.0.1/33",
        "src=10.0.0/8",
        "src=::/129",
        "src=10.0.0.1/",
        "src=!!10.0.0.1",
        "sport=65536",
        "sport=5-4",
        "sport=1-",
        "sport=-1",
        "sport=1-2-3",
        "sport= 1",
        "icmp_type=256",
        "family=IPv4",
        "status=",
        "status=A",
        "status=UNSET,ASSURED",
        "state=BOGUS",
        "state=ESTABLISHED,SYN_SENT",
        "status=,",
        "nat=yes",
        "mark=4294967296",
        "mark=0x",
        "mark=1/",
        "state=",
        "nokey=1",
        "in=aaaaaaaaaaaaaaaaaaaaaaaa",
        "zone=65536",
        "mark=0xg",
        "src=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct filter f;

        if (parse(&f, rows[i]))
            fail_msg("%s is taken", rows[i]);
        assert_int_equal(f.n, 0);
    }
}

static void there_is_an_end_to_conditions(void **state)
{
    struct filter f = {0};
    const char *why;
    unsigned i;

    (void)state;
    for (i = 0; i < FILTER_MAX_TERMS; i++)
        assert_true(filter_add(&f, "dport", "1", &why));
    assert_false(filter_add(&f, "dport", "1", &why));
    assert_int_equal(f.n, FILTER_MAX_TERMS);
}

static void every_key_is_documented(void **state)
{
    const char *name, *help;
    unsigned n = 0;

    (void)state;
    while ((name = filter_doc(n, &help)) != NULL) {
        assert_true(filter_key(name));
        assert_true(strlen(help) > 3);
        n++;
    }
    assert_true(n >= 20 && n <= 32); /* a bit each in filter_match() */
}

/* Any bytes at all: taken or refused, never more. */
static void random_values_do_no_harm(void **state)
{
    const char *name, *help, *why;
    struct ct_view v = tcp_view();
    unsigned i, k, row;

    (void)state;
    srandom(1);
    for (i = 0; i < 20000; i++) {
        static const char letters[] = "0123456789abcdefx:./-!,ASRNU";
        struct filter f = {0};
        char value[70];

        k = (unsigned)random() % (sizeof(value) - 1);
        value[k] = '\0';
        while (k-- > 0)
            value[k] = letters[(size_t)random() % (sizeof(letters) - 1)];
        for (row = 0; (name = filter_doc(row, &help)) != NULL; row++)
            if (filter_add(&f, name, value, &why))
                (void)filter_match(&f, &v, &source);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_match_as_written),
        cmocka_unit_test(unset_is_none_of_what_is_saved),
        cmocka_unit_test(faults_are_refused),
        cmocka_unit_test(there_is_an_end_to_conditions),
        cmocka_unit_test(every_key_is_documented),
        cmocka_unit_test(random_values_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
