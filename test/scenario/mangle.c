/* mangle.c - rules that rewrite headers.  The world's end checks all sums. */
#include "world.h"

#include "packet.h"

#include "bytes.h"

#include <string.h>

#define C     "10.0.1.2:4000"
#define S     "198.51.100.2:80"
#define CLAMP "forward {\"mss\":\"pmtu\"}"

static unsigned word_at(const struct world *w, unsigned at)
{
    return bytes_get16(w->last + at);
}

/* RFC 9293 s3.7.1: 40 bytes of headers over IPv4, both ways, SYNs only. */
static void mss_of_the_path(void **state)
{
    struct world *w = WORLD("mtu wan 1280; " CLAMP);

    (void)state;
    w->full = true;
    say(w, C " > " S " tcp S seq 1 mss 1460");
    TRACE(w, "[  0] " C " > " S " tcp S: NEW\n"
             "      out wan 198.51.100.1:4000 > " S
             " tcp S ttl 63 seq 1 mss 1240\n");
    say(w, S " > 198.51.100.1:4000 tcp S. seq 9 ack 2 mss 1460");
    TRACE(w,
          "[  0] " S " > 198.51.100.1:4000 tcp S.: ESTABLISHED\n"
          "      out lan " S " > " C " tcp S. ttl 63 seq 9 ack 2 mss 1240\n");
    say(w, C " > " S " tcp . seq 2 ack 10 mss 1460");
    assert_int_equal(word_at(w, 42), 1460);
    assert_int_equal(w->rig.counts[0].packets, 2);
    END(w);
}

static void mss_of_ipv6(void **state)
{
    struct world *w = WORLD("mtu lan 1400; " CLAMP);

    (void)state;
    w->quiet = true;
    say(w, "[fd00:1::2]:1 > [2001:db8::2]:80 tcp S seq 1 mss 1440");
    assert_int_equal(word_at(w, 62), 1340);
    END(w);
}

/* It only lowers, and a SYN without the option stays as it is. */
static void mss_is_never_raised_nor_added(void **state)
{
    struct world *w = WORLD("forward {\"proto\":\"tcp\",\"mss\":1000}");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " tcp S seq 1 mss 536");
    assert_int_equal(word_at(w, 42), 536);
    say(w, "10.0.1.2:4001 > " S " tcp S seq 1");
    assert_int_equal(w->last_len, 40);
    say(w, "10.0.1.2:4002 > " S " tcp S seq 1 mss 1000");
    assert_int_equal(word_at(w, 42), 1000);
    END(w);
}

/* At an odd offset the option lies across two words of the sum. */
static void mss_behind_a_nop(void **state)
{
    struct world *w = WORLD("forward {\"mss\":1001}");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " tcp S seq 1 nop mss 1460 wscale 7 sackok");
    assert_int_equal(word_at(w, 43), 1001);
    END(w);
}

/* As the live kernel: set, or moved, and never past either end. */
static void ttl(void **state)
{
    static const struct {
        const char *rule;
        unsigned was, is;
    } row[] = {
        {"64", 9, 64},        {"\"+10\"", 9, 18}, {"\"-3\"", 9, 5},
        {"\"-9\"", 9, 1},     {"255", 2, 255},    {"\"+255\"", 200, 255},
        {"\"-255\"", 255, 1},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof row / sizeof *row; i++) {
        struct world *w;
        char say4[128], rule[128];

        snprintf(rule, sizeof rule, "postrouting {\"set_ttl\":%s}",
                 row[i].rule);
        w = WORLD(rule);
        w->quiet = true;
        snprintf(say4, sizeof say4, C " > " S " udp ttl %u", row[i].was);
        say(w, say4);
        assert_int_equal(w->last[8], row[i].is);
        sayf(w, "[fd00:1::2]:1 > [2001:db8::2]:80 udp ttl %u", row[i].was);
        assert_int_equal(w->last[7], row[i].is);
        END(w);
    }
}

/* Before the route's look at it, a TTL can be used up by a rule. */
static void ttl_before_the_route(void **state)
{
    struct world *w = WORLD("prerouting {\"set_ttl\":\"-5\"}");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " udp ttl 6");
    assert_int_equal(w->why, CT_REASON_TTL);
    say(w, C " > " S " udp ttl 7");
    assert_int_equal(w->last[8], 1);
    END(w);
}

/* RFC 2474 beside RFC 3168: the two bits of ECN are the ends' own. */
static void dscp_leaves_ecn(void **state)
{
    struct world *w = WORLD("forward {\"set_dscp\":\"af41\"}");

    (void)state;
    w->quiet = true;
    for (unsigned tos = 0; tos < 256; tos++) {
        sayf(w, C " > " S " udp tos %u", tos);
        assert_int_equal(w->last[1], 34 << 2 | (tos & 3));
        sayf(w, "[fd00:1::2]:1 > [2001:db8::2]:80 udp tos %u", tos);
        assert_int_equal(word_at(w, 0), 6 << 12 | 34 << 6 | (tos & 3) << 4);
    }
    END(w);
}

/* Netmap: the same host in another prefix, and back. */
static void netmap_of_sources(void **state)
{
    struct world *w = WORLD("masquerade off; postrouting {\"out\":\"wan\","
                            "\"src\":\"10.0.1.0/24\",\"netmap\":"
                            "\"203.0.113.0/24\"}");

    (void)state;
    say(w, "10.0.1.77:4000 > " S " udp");
    say(w, S " > 203.0.113.77:4000 udp");
    TRACE(w, "[  0] 10.0.1.77:4000 > " S " udp: NEW\n"
             "      out wan 203.0.113.77:4000 > " S " udp\n"
             "[  0] " S " > 203.0.113.77:4000 udp: ESTABLISHED\n"
             "      out lan " S " > 10.0.1.77:4000 udp\n");
    say(w, "10.0.1.78 > 198.51.100.2 icmp echo id 7 seq 1");
    TRACE(w, "[  0] 10.0.1.78 > 198.51.100.2 icmp echo: NEW\n"
             "      out wan 203.0.113.78 > 198.51.100.2 icmp echo\n");
    END(w);
}

static void netmap_of_destinations(void **state)
{
    struct world *w = WORLD("masquerade off; prerouting {\"in\":\"wan\","
                            "\"dst\":\"203.0.113.128/25\",\"netmap\":"
                            "\"10.0.1.128/25\"}");

    (void)state;
    say(w, S " > 203.0.113.200:53 udp");
    say(w, "10.0.1.200:53 > " S " udp");
    TRACE(w, "[  0] " S " > 203.0.113.200:53 udp: NEW\n"
             "      out lan " S " > 10.0.1.200:53 udp\n"
             "[  0] 10.0.1.200:53 > " S " udp: ESTABLISHED\n"
             "      out wan 203.0.113.200:53 > " S " udp\n");
    END(w);
}

/* A prefix that ends within a byte, in IPv6. */
static void netmap_of_ipv6(void **state)
{
    struct world *w = WORLD("masquerade off; postrouting {\"out\":\"wan\","
                            "\"src\":\"fd00:1::/60\",\"netmap\":"
                            "\"2001:db8:7:ff30::/60\"}");

    (void)state;
    say(w, "[fd00:1:0:5::9]:1 > [2001:db8::2]:80 udp");
    TRACE(w, "[  0] [fd00:1:0:5::9]:1 > [2001:db8::2]:80 udp: NEW\n"
             "      out wan [2001:db8:7:ff35::9]:1 > [2001:db8::2]:80 udp\n");
    END(w);
}

/* What a netmap is meant for never leaves as it is. */
static void netmap_is_not_got_around(void **state)
{
    struct world *w = WORLD("masquerade off; postrouting {\"out\":\"wan\","
                            "\"src\":\"10.0.1.0/24\",\"netmap\":"
                            "\"203.0.113.0/24\"}");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " tcp SF seq 1");
    assert_int_equal(w->why, CT_REASON_UNTRANSLATED);
    assert_int_equal(w->sent, 0);
    END(w);
}

/* RFC 6864: of the hosts that share an address, no two datagrams that may be
 * cut have the same identification towards one receiver. */
static void rfc6864_ids_of_a_shared_address(void **state)
{
    static bool seen[65536];
    struct world *w = WORLD("tune ip_id 1");

    (void)state;
    memset(seen, 0, sizeof seen);
    w->quiet = true;
    for (unsigned i = 0; i < 65536; i++) {
        sayf(w, "10.0.1.%u:4000 > " S " udp ipid 7 'x'", 2 + i % 5);
        assert_false(seen[word_at(w, 4)]);
        seen[word_at(w, 4)] = true;
    }
    END(w);
}

/* Atomic datagrams, and those of addresses that are not shared, keep theirs. */
static void rfc6864_ids_that_stay(void **state)
{
    struct world *w = WORLD("tune ip_id 1");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " udp ipid 7 df 'x'");
    assert_int_equal(word_at(w, 4), 7);
    say(w, S " > 198.51.100.1:4000 udp ipid 9 'y'");
    assert_int_equal(word_at(w, 4), 9);
    say(w, C " > " S " udp ipid 7 'x'");
    assert_int_not_equal(word_at(w, 4), 7);
    reload(w, "masquerade off; tune ip_id 1");
    say(w, "10.0.1.3:4000 > " S " udp ipid 7 'x'");
    assert_int_equal(word_at(w, 4), 7);
    END(w);
}

/* Off, as the kernel, until a reload says otherwise; on in the others. */
static void rfc6864_is_the_profiles(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " udp ipid 7 'x'");
    assert_int_equal(word_at(w, 4), 7);
    reload(w, "tune ip_id 1");
    say(w, C " > " S " udp ipid 7 'x'");
    assert_int_not_equal(word_at(w, 4), 7);
    END(w);
    w = WORLD("profile rfc");
    w->quiet = true;
    say(w, C " > " S " udp ipid 7 'x'");
    assert_int_not_equal(word_at(w, 4), 7);
    END(w);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        STORY(mss_of_the_path),
        STORY(mss_of_ipv6),
        STORY(mss_is_never_raised_nor_added),
        STORY(mss_behind_a_nop),
        STORY(ttl),
        STORY(ttl_before_the_route),
        STORY(dscp_leaves_ecn),
        STORY(rfc6864_ids_of_a_shared_address),
        STORY(rfc6864_ids_that_stay),
        STORY(rfc6864_is_the_profiles),
        STORY(netmap_of_sources),
        STORY(netmap_of_destinations),
        STORY(netmap_of_ipv6),
        STORY(netmap_is_not_got_around),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
