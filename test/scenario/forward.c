/* forward.c - what is mapped for good: whole addresses, ports, ranges; and what
 * its own host and all others may have of it */
#include "world.h"

#include <stdio.h>

#define W "198.51.100.1"
#define A "203.0.113.9" /* routed to us, no interface's own */
#define ONE_TO_ONE                                                             \
    "masquerade off; prerouting {\"in\":\"wan\",\"dst\":\"" A                  \
    "\",\"dnat\":\"10.0.1.2\"}; postrouting {\"out\":\"wan\",\"src\":"         \
    "\"10.0.1.2\",\"snat\":\"" A "\"}; postrouting {\"out\":\"wan\","          \
    "\"masquerade\":true}; "
#define ONE_TO_ONE6                                                            \
    "masquerade off; prerouting {\"in\":\"wan\",\"dst\":\"2001:db8:9::9\","    \
    "\"dnat\":\"fd00:1::2\"}; postrouting {\"out\":\"wan\",\"src\":"           \
    "\"fd00:1::2\",\"snat\":\"2001:db8:9::9\"}; "

static const char *const profiles[] = {"linux", "weir", "rfc"};
enum { N_PROFILES = 3 };

static struct world *in_profile(unsigned i, const char *rules)
{
    char text[2048];

    snprintf(text, sizeof text, "profile %s; %s", profiles[i], rules);
    return WORLD(text);
}

/* Last byte of the source of the last packet that left. */
static unsigned last_host(const struct world *w)
{
    return w->last[15];
}

/* Its host's flows, out and in, have the address; those of others don't. */
static void an_address_for_one_host(void **state)
{
    (void)state;
    for (unsigned p = 0; p < N_PROFILES; p++) {
        struct world *w = in_profile(p, ONE_TO_ONE);

        w->quiet = true;
        for (unsigned i = 0; i < 20; i++) {
            sayf(w, "10.0.1.2:%u > 198.51.100.2:80 %s", 4000 + i,
                 i % 2 ? "tcp S seq 1" : "udp 'a'");
            assert_int_equal(last_sport(w), 4000 + i);
            assert_int_equal(last_host(w), 9);
        }
        say(w, "198.51.100.2:80 > " A ":4000 udp 'A'");
        assert_int_equal(w->info, CT_ESTABLISHED);
        say(w, "198.51.100.7:999 > " A ":25 tcp S seq 1");
        assert_int_equal(last_dport(w), 25);
        say(w, "10.0.1.2 > 198.51.100.2 icmp echo id 7");
        assert_int_equal(last_host(w), 9);
        say(w, "10.0.1.3:4000 > 198.51.100.2:80 udp 'a'");
        assert_int_equal(last_host(w), 1);
        assert_int_equal(w->sent, 24);
        END(w);
    }
}

static void an_address_for_one_host_of_ipv6(void **state)
{
    (void)state;
    for (unsigned p = 0; p < N_PROFILES; p++) {
        struct world *w = in_profile(p, ONE_TO_ONE6);

        w->quiet = true;
        for (unsigned i = 0; i < 20; i++) {
            sayf(w, "[fd00:1::2]:%u > [2001:db8::2]:80 %s", 4000 + i,
                 i % 2 ? "tcp S seq 1" : "udp 'a'");
            assert_int_equal(last_sport(w), 4000 + i);
        }
        say(w, "[2001:db8::2]:80 > [2001:db8:9::9]:4000 udp 'A'");
        assert_int_equal(w->info, CT_ESTABLISHED);
        assert_int_equal(w->sent, 21);
        END(w);
    }
}

/* SIP, IKE: a port that must stay what it is, both ways. */
static void a_port_for_one_host(void **state)
{
    (void)state;
    for (unsigned p = 0; p < N_PROFILES; p++) {
        struct world *w = in_profile(p, "dnat udp " W ":500 -> 10.0.1.2:500; "
                                        "dnat udp " W ":5060 -> 10.0.1.2:5060");

        w->quiet = true;
        say(w, "10.0.1.2:500 > 198.51.100.2:500 udp 'a'");
        assert_int_equal(last_sport(w), 500);
        say(w, "10.0.1.2:5060 > 198.51.100.2:5060 udp 'a'");
        assert_int_equal(last_sport(w), 5060);
        say(w, "10.0.1.3:5060 > 198.51.100.2:5060 udp 'a'");
        assert_int_not_equal(last_sport(w), 5060);
        if (p > 0) { /* in the kernel the first host may have it */
            say(w, "10.0.1.3:5060 > 198.51.100.3:5060 udp 'a'");
            assert_int_not_equal(last_sport(w), 5060);
        }
        END(w);
    }
}

/* All ports of the router's own address to one host: the others still get out,
 * for answers to them are known. */
static void the_routers_own_address_for_one_host(void **state)
{
    (void)state;
    for (unsigned p = 0; p < N_PROFILES; p++) {
        struct world *w =
            in_profile(p, "prerouting {\"in\":\"wan\",\"dst\":\"" W
                          "\",\"dnat\":\"10.0.1.2\"}");

        w->quiet = true;
        say(w, "10.0.1.3:4000 > 198.51.100.2:80 udp 'a'");
        assert_int_equal(w->sent, 1);
        say(w, "198.51.100.2:80 > " W ":4000 udp 'A'");
        assert_int_equal(w->last[19], 3);
        say(w, "198.51.100.9:80 > " W ":4000 udp 'x'");
        assert_int_equal(w->last[19], 2);
        END(w);
    }
}

/* A server behind a whole address: the port that it announces is its own. */
static void ftp_behind_a_whole_address(void **state)
{
    (void)state;
    for (unsigned p = 0; p < N_PROFILES; p++) {
        struct world *w = in_profile(
            p, ONE_TO_ONE "tune extensions 64; prerouting {\"in\":\"wan\","
                          "\"proto\":\"tcp\",\"dport\":21,\"helper\":\"ftp\"}");

        w->quiet = true;
        say(w, "198.51.100.7:999 > " A ":21 tcp S seq 1000");
        say(w, "10.0.1.2:21 > 198.51.100.7:999 tcp S. seq 5000 ack 1001");
        say(w, "198.51.100.7:999 > " A ":21 tcp . seq 1001 ack 5001");
        say(w, "10.0.1.2:21 > 198.51.100.7:999 tcp P. seq 5001 ack 1001 "
               "'220 hello\r\n'");
        say(w, "10.0.1.2:21 > 198.51.100.7:999 tcp P. seq 5012 ack 1001 "
               "'227 Entering Passive Mode (10,0,1,2,19,136).\r\n'");
        assert_int_equal(w->sent, 5);
        say(w, "198.51.100.7:1001 > " A ":5000 tcp S seq 1");
        assert_int_equal(w->info, CT_RELATED);
        assert_int_equal(last_dport(w), 5000);
        assert_int_equal(w->last[19], 2);
        END(w);
    }
}

/* ---- ranges of ports ---- */

/* As many ports as it has: each to its own, and back. */
static void a_range_is_shifted(void **state)
{
    struct world *w =
        WORLD("dnat udp " W ":20001-20100 -> 10.0.1.2:10001-10100");

    (void)state;
    w->quiet = true;
    for (unsigned port = 20001; port <= 20100; port += 33) {
        sayf(w, "198.51.100.7:999 > " W ":%u udp 'x'", port);
        assert_int_equal(last_dport(w), port - 10000);
        sayf(w, "10.0.1.2:%u > 198.51.100.7:999 udp 'X'", port - 10000);
        assert_int_equal(last_sport(w), port);
    }
    END(w);
}

/* A reviewed flow must stand where it would be put today. */
static void a_shifted_flow_is_reviewed(void **state)
{
    struct world *w =
        WORLD("dnat udp " W ":20001-20100 -> 10.0.1.2:10001-10100");

    (void)state;
    w->quiet = true;
    say(w, "198.51.100.7:999 > " W ":20050 udp 'x'");
    reload(w, "on_reload revalidate; dnat udp " W
              ":20001-20100 -> 10.0.1.2:10001-10100");
    assert_int_equal(count_flows(w), 1);
    reload(w, "on_reload revalidate; dnat udp " W
              ":20011-20110 -> 10.0.1.2:10001-10100");
    assert_int_equal(count_flows(w), 0);
    END(w);
}

/* Of another size: all of its ports share the load. */
static void a_range_of_another_size_is_shared(void **state)
{
    struct world *w = WORLD("dnat udp " W ":8080 -> 10.0.1.2:8000-8003");
    unsigned seen[4] = {0};

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < 200; i++) {
        sayf(w, "198.51.100.7:%u > " W ":8080 udp 'x'", 1000 + i);
        assert_in_range(last_dport(w), 8000, 8003);
        seen[last_dport(w) - 8000]++;
    }
    for (unsigned i = 0; i < 4; i++)
        assert_in_range(seen[i], 25, 75);
    END(w);
}

/* ---- pools ---- */

/* A prefix is a pool of all its addresses. */
static void a_prefix_is_a_pool(void **state)
{
    struct world *w = WORLD("masquerade off; postrouting {\"out\":\"wan\","
                            "\"snat\":\"203.0.113.8/29\"}");
    unsigned seen = 0;

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < 100; i++) {
        sayf(w, "10.0.1.%u:4000 > 198.51.100.%u:80 udp 'a'", 2 + i, 2 + i);
        assert_in_range(last_host(w), 8, 15);
        seen |= 1u << (last_host(w) - 8);
    }
    assert_int_equal(seen, 0xff);
    END(w);
}

/* persistent: a source has one address of the pool, whomever it talks to. */
static void persistent_sources_keep_their_address(void **state)
{
    struct world *w = WORLD("masquerade off; postrouting {\"out\":\"wan\","
                            "\"snat\":\"203.0.113.8/29\",\"persistent\":true}");
    unsigned seen = 0;

    (void)state;
    w->quiet = true;
    for (unsigned host = 2; host < 40; host++) {
        unsigned first = 0;

        for (unsigned i = 0; i < 20; i++) {
            sayf(w, "10.0.1.%u:%u > 198.51.100.%u:80 udp 'a'", host, 4000 + i,
                 2 + i);
            if (i == 0)
                first = last_host(w);
            assert_int_equal(last_host(w), first);
        }
        seen |= 1u << (first - 8);
    }
    assert_int_equal(seen, 0xff);
    END(w);
}

/* Who asks from one port by four addresses comes by four ports of the range,
 * from that same port: the destination is what changes. */
static void a_clash_takes_another_port_of_the_range(void **state)
{
    struct world *w =
        WORLD("prerouting {\"in\":\"wan\",\"proto\":\"udp\","
              "\"dst\":\"203.0.113.0/24\",\"dnat\":\"10.0.1.2:5000-5003\"}");

    (void)state;
    w->quiet = true;
    for (unsigned remote = 2; remote < 22; remote++) {
        unsigned seen = 0;

        for (unsigned i = 0; i < 4; i++) {
            sayf(w, "198.51.100.%u:9 > 203.0.113.%u:%u udp", remote, 8 + i,
                 remote % 2 ? 5002 : 7000);
            assert_int_equal(last_sport(w), 9);
            assert_in_range(last_dport(w), 5000, 5003);
            seen |= 1u << (last_dport(w) - 5000);
        }
        assert_int_equal(seen, 0xf);
    }
    END(w);
}

static void random_keeps_no_destination(void **state)
{
    struct world *w = WORLD(
        "prerouting {\"in\":\"wan\",\"proto\":\"udp\",\"dst\":\"203.0.113.8\","
        "\"dnat\":\"10.0.1.2:5000-5099\",\"random\":true}");
    unsigned kept = 0;

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < 40; i++) {
        sayf(w, "198.51.100.%u:9 > 203.0.113.8:5007 udp", 2 + i);
        assert_in_range(last_dport(w), 5000, 5099);
        kept += last_dport(w) == 5007;
    }
    assert_in_range(kept, 0, 4);
    END(w);
}

int main(void)
{
    const struct CMUnitTest stories[] = {
        STORY(an_address_for_one_host),
        STORY(an_address_for_one_host_of_ipv6),
        STORY(a_port_for_one_host),
        STORY(the_routers_own_address_for_one_host),
        STORY(ftp_behind_a_whole_address),
        STORY(a_range_is_shifted),
        STORY(a_shifted_flow_is_reviewed),
        STORY(a_range_of_another_size_is_shared),
        STORY(a_prefix_is_a_pool),
        STORY(persistent_sources_keep_their_address),
        STORY(a_clash_takes_another_port_of_the_range),
        STORY(random_keeps_no_destination),
    };

    return cmocka_run_group_tests(stories, NULL, NULL);
}
