/* icmperr.c - errors are related to the flow that they quote, and change
 * nothing of it */
#include "corerig.h"

#define OUT  "10.0.1.2:4000 > 198.51.100.2:80 udp 'a'"
#define SEEN "198.51.100.1:4000 > 198.51.100.2:80 udp 'a'"

static void open_flow(struct corerig *r)
{
    struct ct_config c = {.max = 64};

    corerig_open(r, &c);
    assert_int_equal(walk(r, LAN, WAN, OUT), CT_ACCEPT);
}

static void from_outside_it_is_related_and_shows_the_inside(void **state)
{
    struct corerig r;
    char text[256];

    (void)state;
    open_flow(&r);
    assert_int_equal(walk(&r, WAN, LAN,
                          "203.0.113.5 > 198.51.100.1 icmp 11/0 about {" SEEN
                          "}"),
                     CT_ACCEPT);
    assert_int_equal(r.pkt.info, CT_RELATED);
    assert_int_equal(r.pkt.dir, CT_DIR_REPLY);
    packet_print(text, sizeof text, r.pkt.data, r.pkt.len);
    assert_non_null(strstr(text, "203.0.113.5 > 10.0.1.2 icmp"));
    assert_non_null(strstr(text, "10.0.1.2:4000 > 198.51.100.2:80 udp"));
    assert_true(packet_sums_ok(r.pkt.data, r.pkt.len));
    corerig_close(&r);
}

/* The outer source of an error that travels outwards becomes the NAT address,
 * even when another inside router sent it. */
static void from_inside_it_hides_who_sent_it(void **state)
{
    struct corerig r;
    char text[256];

    (void)state;
    open_flow(&r);
    walk(&r, WAN, LAN, "198.51.100.2:80 > 198.51.100.1:4000 udp 'b'");
    assert_int_equal(walk(&r, LAN, WAN,
                          "10.0.1.9 > 198.51.100.2 icmp 3/3 about "
                          "{198.51.100.2:80 > 10.0.1.2:4000 udp 'b'}"),
                     CT_ACCEPT);
    assert_int_equal(r.pkt.dir, CT_DIR_ORIGINAL);
    packet_print(text, sizeof text, r.pkt.data, r.pkt.len);
    assert_non_null(strstr(text, "198.51.100.1 > 198.51.100.2 icmp"));
    assert_non_null(strstr(text, "198.51.100.2:80 > 198.51.100.1:4000 udp"));
    assert_true(packet_sums_ok(r.pkt.data, r.pkt.len));
    corerig_close(&r);
}

static void what_is_not_related(void **state)
{
    static const struct {
        const char *what, *spec;
        enum ct_reason why;
    } rows[] = {
        {"about an unknown flow",
         "203.0.113.5 > 198.51.100.1 icmp 3/1 about "
         "{198.51.100.1:4001 > 198.51.100.2:80 udp 'a'}",
         CT_REASON_ICMP_UNRELATED},
        {"sent to an address the flow does not have",
         "203.0.113.5 > 198.51.100.7 icmp 3/1 about {" SEEN "}",
         CT_REASON_ICMP_SPOOFED},
        {"its checksum is wrong",
         "203.0.113.5 > 198.51.100.1 icmp 3/1 about {" SEEN "} badsum",
         CT_REASON_ICMP_CHECKSUM},
        {"about a redirect",
         "203.0.113.5 > 198.51.100.1 icmp 3/1 about "
         "{198.51.100.1 > 198.51.100.2 icmp 5/0}",
         CT_REASON_ICMP_INNER},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct corerig r;
        uint64_t before;

        open_flow(&r);
        before = ct_stat(r.ct, CT_STAT_icmp_error);
        walk(&r, WAN, LAN, rows[i].spec);
        assert_int_equal(r.pkt.info, CT_INVALID);
        if (ct_drops(r.ct, rows[i].why) != 1)
            fail_msg("%s: not counted as %s", rows[i].what,
                     ct_reason_name(rows[i].why));
        assert_int_equal(ct_stat(r.ct, CT_STAT_icmp_error), before + 1);
        corerig_close(&r);
    }
}

/* RFC 4787 REQ-12: they never refresh, never end a flow. */
static void nothing_of_the_flow_changes(void **state)
{
    struct corerig r;
    struct ct_view was, is;

    (void)state;
    open_flow(&r);
    assert_true(ct_read(r.ct, 0, r.now, &was));
    corerig_at(&r, 5000);
    walk(&r, WAN, LAN, "203.0.113.5 > 198.51.100.1 icmp 3/1 about {" SEEN "}");
    assert_true(ct_read(r.ct, 0, r.now, &is));
    assert_memory_equal(&was, &is, sizeof was);
    corerig_close(&r);
}

static void redirects_do_not_pass_a_translation(void **state)
{
    struct corerig r;

    (void)state;
    open_flow(&r);
    assert_int_equal(walk(&r, WAN, LAN,
                          "203.0.113.5 > 198.51.100.1 icmp 5/1 about {" SEEN
                          "}"),
                     CT_DROP);
    assert_int_equal(r.pkt.why, CT_REASON_NAT_INNER);
    corerig_close(&r);
}

/* However little of it is quoted, and whatever its own sum is: the error's sum
 * is right when it was. */
static void sums_are_right_however_much_is_quoted(void **state)
{
    static const char *const flows[] = {
        "udp 'abcdefghijkl'", "udplite 'abcdefghijkl'", "tcp S seq 77",
        "sctp INIT vtag 0 itag 9", "dccp REQUEST seq 9"};
    char spec[256];

    (void)state;
    for (unsigned i = 0; i < sizeof flows / sizeof *flows; i++) {
        struct ct_config c = {.max = 64};
        struct corerig r;

        corerig_open(&r, &c);
        snprintf(spec, sizeof spec, "10.0.1.2:4000 > 198.51.100.2:80 %s",
                 flows[i]);
        assert_int_equal(walk(&r, LAN, WAN, spec), CT_ACCEPT);
        for (unsigned quote = 8; quote < 20; quote++) {
            snprintf(spec, sizeof spec,
                     "203.0.113.5 > 198.51.100.1 icmp 11/0 about "
                     "{198.51.100.1:4000 > 198.51.100.2:80 %s} quote %u",
                     flows[i], quote);
            assert_int_equal(walk(&r, WAN, LAN, spec), CT_ACCEPT);
            if (!packet_sums_ok(r.pkt.data, r.pkt.len))
                fail_msg("%s, %u bytes", flows[i], quote);
        }
        corerig_close(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_outside_it_is_related_and_shows_the_inside),
        cmocka_unit_test(from_inside_it_hides_who_sent_it),
        cmocka_unit_test(what_is_not_related),
        cmocka_unit_test(nothing_of_the_flow_changes),
        cmocka_unit_test(redirects_do_not_pass_a_translation),
        cmocka_unit_test(sums_are_right_however_much_is_quoted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
