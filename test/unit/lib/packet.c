/* packet.c - the tests' own packet builder, held to bytes written by hand
 */
#include "packet.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* The worked example that textbooks give: its header sum is b1e6. */
static void textbook_header(void **state)
{
    static const uint8_t want[] = {0x45, 0x00, 0x00, 0x3c, 0x1c, 0x46, 0x40,
                                   0x00, 0x40, 0x06, 0xb1, 0xe6, 0xac, 0x10,
                                   0x0a, 0x63, 0xac, 0x10, 0x0a, 0x0c};
    uint8_t got[100];

    (void)state;
    assert_int_equal(packet_build(got, sizeof got,
                                  "172.16.10.99 > 172.16.10.12 proto 6 "
                                  "ipid 0x1c46 df len 40"),
                     60);
    assert_memory_equal(got, want, sizeof want);
}

static void udp_over_ipv6_by_hand(void **state)
{
    static const uint8_t want[] = {
        0x60, 0,    0, 0, 0,    12,   17, 63, /**/
        0xfd, 0,    0, 0, 0,    0,    0,  0,  0,    0,    0,   0,   0,   0,  0,
        1,    0xfd, 0, 0, 0,    0,    0,  0,  0,    0,    0,   0,   0,   0,  0,
        0,    2,    0, 7, 0x10, 0x00, 0,  12, 0x31, 0x04, 'a', 'b', 'c', 'd'};
    uint8_t got[100];

    (void)state;
    assert_int_equal(packet_build(got, sizeof got,
                                  "[fd00::1]:7 > [fd00::2]:4096 udp ttl 63 "
                                  "'abcd'"),
                     sizeof want);
    assert_memory_equal(got, want, sizeof want);
}

/* Each line is what printing the packet it builds gives back. */
static const char *const round_trips[] = {
    "10.0.1.2:4001 > 198.51.100.2:80 tcp S seq 1000 win 64240 mss 1460 sackok "
    "ts 1:0 nop wscale 7",
    "10.0.1.2:4001 > 198.51.100.2:80 tcp P. seq 1001 ack 5001 len 100",
    "10.0.1.2:4001 > 198.51.100.2:80 tcp . seq 1 ack 2 nop nop sack "
    "10-20,30-40",
    "10.0.1.2:4001 > 198.51.100.2:80 tcp SFRPUEW. seq 0 ack 0 urg 7",
    "10.0.1.2:4001 > 198.51.100.2:80 tcp - seq 0",
    "10.0.1.2:4001 > 198.51.100.2:80 tcp R seq 1 badsum",
    "10.0.1.2:4001 > 198.51.100.2:80 tcp S seq 1 tcpopt 03000000",
    "10.0.1.2:5000 > 8.8.8.8:53 udp 'payload'",
    "10.0.1.2:5000 > 8.8.8.8:53 udp ttl 1 tos 16 ipid 7 df nosum",
    "10.0.1.2:5000 > 8.8.8.8:53 udp badipsum hex 00ff",
    "10.0.1.2:5000 > 8.8.8.8:53 udp len 1000 partial",
    "10.0.1.2:5000 > 8.8.8.8:53 udp frag 0+ len 16",
    "10.0.1.2 > 8.8.8.8 proto 17 frag 1480 len 16",
    "10.0.1.2:5000 > 8.8.8.8:53 udp ipopt 94040000 len 5 trail 9",
    "10.0.1.2 > 8.8.8.8 icmp echo id 7 seq 1 len 56",
    "10.0.1.2 > 8.8.8.8 icmp reply id 7 seq 1",
    "10.0.1.2 > 8.8.8.8 icmp 13/0 id 7 seq 1",
    "10.0.1.2 > 8.8.8.8 proto 47 hex 00000800",
    "10.0.1.2:5000 > 8.8.8.8:99 sctp INIT vtag 0 itag 7",
    "10.0.1.2:5000 > 8.8.8.8:99 sctp COOKIE_ECHO+DATA vtag 9 'one'",
    "10.0.1.2:5000 > 8.8.8.8:99 sctp ABORT/T vtag 9 badsum",
    "[2001:db8::1]:80 > [fd00::2]:99 sctp SHUTDOWN+192 vtag 9 len 5",
    "10.0.1.2:5000 > 8.8.8.8:99 sctp - vtag 9",
    "10.0.1.2:5000 > 8.8.8.8:99 dccp REQUEST seq 7 service 42",
    "10.0.1.2:5000 > 8.8.8.8:99 dccp RESPONSE seq 7 ack 8 service 42 'x'",
    "[2001:db8::1]:80 > [fd00::2]:99 dccp DATAACK seq 7 ack 8 short len 9",
    "10.0.1.2:5000 > 8.8.8.8:99 dccp RESET seq 7 ack 8 cscov 1 'why'",
    "10.0.1.2:5000 > 8.8.8.8:99 dccp DATA seq 7 cscov 2 len 9 badsum",
    "[2001:db8::1]:80 > [fd00::2]:99 tcp S. seq 1 ack 2 mss 1440",
    "2001:db8::1 > fd00::2 icmp echo id 1 seq 2 len 8",
    "[2001:db8::1]:80 > [fd00::2]:99 udp hbh 8 routing 4 dstopt 512 len 3",
    "[2001:db8::1]:80 > [fd00::2]:99 udp frag 0 len 3",
    "2001:db8::1 > fd00::2 proto 59",
};

static void printing_gives_the_line_back(void **state)
{
    static uint8_t buf[70000];
    char text[400];

    (void)state;
    for (size_t i = 0; i < sizeof round_trips / sizeof round_trips[0]; i++) {
        size_t n = packet_build(buf, sizeof buf, round_trips[i]);

        assert_true(n > 0);
        packet_print(text, sizeof text, buf, n);
        assert_string_equal(text, round_trips[i]);
    }
}

static void sums_are_right_unless_said_otherwise(void **state)
{
    static uint8_t buf[70000];

    (void)state;
    for (size_t i = 0; i < sizeof round_trips / sizeof round_trips[0]; i++) {
        const char *spec = round_trips[i];
        bool bad = strstr(spec, "bad") || strstr(spec, "partial");
        size_t n = packet_build(buf, sizeof buf, spec);

        assert_int_equal(packet_sums_ok(buf, n), !bad);
        packet_fix_sums(buf, n);
        assert_true(packet_sums_ok(buf, n));
    }
}

static void errors_quote(void **state)
{
    static const struct {
        const char *spec, *print;
        size_t len;
    } rows[] = {
        {"192.0.2.9 > 198.51.100.1 icmp 11/0 about "
         "{198.51.100.1:4001 > 8.8.8.8:80 tcp S seq 9 mss 1460} quote 8",
         "192.0.2.9 > 198.51.100.1 icmp 11/0 about "
         "{198.51.100.1:4001 > 8.8.8.8:80 tcp - seq 9}",
         20 + 8 + 20 + 8},
        {"192.0.2.9 > 198.51.100.1 icmp 3/4 mtu 1280 about "
         "{198.51.100.1:4001 > 8.8.8.8:80 udp len 1400}",
         "192.0.2.9 > 198.51.100.1 icmp 3/4 mtu 1280 about "
         "{198.51.100.1:4001 > 8.8.8.8:80 udp}",
         576},
        {"2001:db8::9 > fd00::1 icmp 2/0 mtu 1280 about "
         "{fd00::1 > 2001:db8::2 icmp echo id 5 seq 6 len 2000}",
         "2001:db8::9 > fd00::1 icmp 2/0 mtu 1280 about "
         "{fd00::1 > 2001:db8::2 icmp echo id 5 seq 6}",
         1280},
        {"192.0.2.9 > 198.51.100.1 icmp 3/1 about "
         "{198.51.100.1 > 8.8.8.8 proto 47 len 4}",
         "192.0.2.9 > 198.51.100.1 icmp 3/1 <24 bytes quoted>",
         20 + 8 + 20 + 4},
    };
    uint8_t buf[2000];
    char text[400];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(packet_build(buf, sizeof buf, rows[i].spec),
                         rows[i].len);
        assert_true(packet_sums_ok(buf, rows[i].len));
        packet_print(text, sizeof text, buf, rows[i].len);
        assert_string_equal(text, rows[i].print);
    }
}

static void brief_is_ends_and_protocol(void **state)
{
    uint8_t buf[200];
    char text[100], tiny[12];
    size_t n = packet_build(buf, sizeof buf,
                            "10.0.0.7:4000 > 203.0.113.1:53 udp 'who'");

    (void)state;
    packet_print_brief(text, sizeof text, buf, n);
    assert_string_equal(text, "10.0.0.7:4000 > 203.0.113.1:53 udp");
    packet_print_brief(tiny, sizeof tiny, buf, n);
    assert_string_equal(tiny, "10.0.0.7:40");
}

static void what_is_not_a_packet_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "10.0.0.1 > 10.0.0.2",
        "10.0.0.1 > fd00::1 udp",
        "10.0.0.1 > 10.0.0.2 tcp Q",
        "10.0.0.1 > 10.0.0.2 udp mss 5",
        "10.0.0.1 > 10.0.0.2 udp hbh 8",
        "10.0.0.1 > 10.0.0.2 udp ttl",
        "10.0.0.1 > 10.0.0.2 udp hex 123",
        "10.0.0.1 > 10.0.0.2 udp 'open",
        "10.0.0.1 > 10.0.0.2 udp len 65536",
        "10.0.0.1 > 10.0.0.2 icmp 3/1 about {nothing}",
        "10.0.0.256 > 10.0.0.2 udp",
    };
    static uint8_t buf[70000];
    size_t sum = 0;
    int saved, null;

    (void)state;
    fflush(stderr);
    saved = dup(STDERR_FILENO);
    null = open("/dev/null", O_WRONLY);
    assert_true(saved >= 0 && null >= 0);
    dup2(null, STDERR_FILENO); /* each of them says what is wrong with it */
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        sum += packet_build(buf, sizeof buf, bad[i]);
    sum += packet_build(buf, 27, "1.2.3.4:1 > 5.6.7.8:2 udp");
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(null);
    assert_int_equal(sum, 0);
    assert_int_equal(packet_build(buf, 28, "1.2.3.4:1 > 5.6.7.8:2 udp"), 28);
}

/* Printing must survive what hostile tests print. */
static void printing_reads_nothing_out_of_bounds(void **state)
{
    static uint8_t buf[2000];
    char text[300];

    (void)state;
    for (size_t i = 0; i < sizeof round_trips / sizeof round_trips[0]; i++) {
        size_t n = packet_build(buf, sizeof buf, round_trips[i]);

        for (size_t len = 0; len <= n; len++) {
            uint8_t *exact = test_malloc(len > 0 ? len : 1);

            memcpy(exact, buf, len);
            packet_print(text, sizeof text, exact, len);
            assert_true(strlen(text) > 0);
            test_free(exact);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(textbook_header),
        cmocka_unit_test(udp_over_ipv6_by_hand),
        cmocka_unit_test(printing_gives_the_line_back),
        cmocka_unit_test(sums_are_right_unless_said_otherwise),
        cmocka_unit_test(errors_quote),
        cmocka_unit_test(brief_is_ends_and_protocol),
        cmocka_unit_test(printing_reads_nothing_out_of_bounds),
        cmocka_unit_test(what_is_not_a_packet_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
