/* uplinks.c - gateway mode with more than two devices: another one inside,
 * another one outside */
#include "world.h"

#define C   "10.0.1.2:4000"
#define D   "10.0.2.5:80" /* of the other inside network */
#define S   "198.51.100.2:80"
#define S2  "203.0.113.9:80" /* on the other uplink */
#define FAR "192.0.2.5:53"
#define W   "198.51.100.1"
#define W2  "203.0.113.1"
#define ALL                                                                    \
    "tenant dmz 10.0.2.1/24; uplink wan2 " W2 "/24,2001:db8:2::1/64; "         \
    "postrouting {\"out\":\"wan2\",\"family\":\"ipv4\",\"masquerade\":true}; "

/* Each way out hides behind its own address. */
static void hidden_behind_the_uplink_it_leaves_by(void **state)
{
    struct world *w = HOST_WORLD(ALL);

    (void)state;
    say(w, C " > " S " udp 'a'");
    say(w, C " > " S2 " udp 'a'");
    say(w, S2 " > " W2 ":4000 udp 'b'");
    say(w, "10.0.2.5:7 > " S2 " udp 'a'");
    TRACE(w, "[  0] " C " > " S " udp: NEW\n"
             "      out wan " W ":4000 > " S " udp\n"
             "[  0] " C " > " S2 " udp: NEW\n"
             "      out wan2 " W2 ":4000 > " S2 " udp\n"
             "[  0] " S2 " > " W2 ":4000 udp: ESTABLISHED\n"
             "      out lan " S2 " > " C " udp\n"
             "[  0] 10.0.2.5:7 > " S2 " udp: NEW\n"
             "      out wan2 " W2 ":7 > " S2 " udp\n");
    END(w);
}

/* Until it has an address nothing leaves by it, least of all with wan's. */
static void an_uplink_without_an_address(void **state)
{
    struct world *w =
        HOST_WORLD("uplink wan2 2001:db8:2::1/64; route 203.0.113.0/24 wan2; "
                   "postrouting {\"out\":\"wan2\",\"family\":\"ipv4\","
                   "\"masquerade\":true}");

    (void)state;
    say(w, C " > " S2 " udp 'a'");
    TRACE(w, "[  0] " C " > " S2 " udp: NEW\n      drop no_address\n");
    END(w);
}

/* Between two inside networks nothing is hidden, both begin flows, and rules
 * of forward are asked. */
static void two_inside_networks(void **state)
{
    struct world *w = HOST_WORLD(
        ALL "policy forward drop; forward {\"in\":\"lan\",\"out\":\"dmz\","
            "\"verdict\":\"accept\"}; forward {\"ct_state\":"
            "[\"established\"],\"verdict\":\"accept\"}");

    (void)state;
    say(w, C " > " D " tcp S seq 1");
    say(w, D " > " C " tcp S. seq 9 ack 2");
    say(w, "10.0.2.5:7 > 10.0.1.2:22 tcp S seq 1");
    TRACE(w, "[  0] " C " > " D " tcp S: NEW\n"
             "      out dmz " C " > " D " tcp S\n"
             "[  0] " D " > " C " tcp S.: ESTABLISHED\n"
             "      out lan " D " > " C " tcp S.\n"
             "[  0] 10.0.2.5:7 > 10.0.1.2:22 tcp S: NEW\n"
             "      drop policy\n");
    assert_int_equal(count_flows(w), 1);
    END(w);
}

/* What a client of the other uplink asked must not be answered by wan, where
 * the default route leads. */
static void an_answer_leaves_by_its_uplink_or_not(void **state)
{
    struct world *w = HOST_WORLD(ALL "dnat tcp " W2 ":8080 -> 10.0.1.5:80");

    (void)state;
    say(w, "203.0.113.7:9 > " W2 ":8080 tcp S seq 1");
    say(w, "10.0.1.5:80 > 203.0.113.7:9 tcp S. seq 9 ack 2");
    TRACE(w, "[  0] 203.0.113.7:9 > " W2 ":8080 tcp S: NEW\n"
             "      out lan 203.0.113.7:9 > 10.0.1.5:80 tcp S\n"
             "[  0] 10.0.1.5:80 > 203.0.113.7:9 tcp S.: ESTABLISHED\n"
             "      out wan2 " W2 ":8080 > 203.0.113.7:9 tcp S.\n");
    w->text_len = 0;
    say(w, "192.0.2.7:9 > " W2 ":8080 tcp S seq 1@wan2");
    say(w, "10.0.1.5:80 > 192.0.2.7:9 tcp S. seq 9 ack 2");
    TRACE(w, "[  0] 192.0.2.7:9 > " W2 ":8080 tcp S: NEW\n"
             "      out lan 192.0.2.7:9 > 10.0.1.5:80 tcp S\n"
             "[  0] 10.0.1.5:80 > 192.0.2.7:9 tcp S.: ESTABLISHED\n"
             "      drop wrong_uplink\n");
    END(w);
}

/* A flow does not go on by another uplink: a new one takes its place. */
static void a_route_that_moves(void **state)
{
    struct world *w = HOST_WORLD(ALL);

    (void)state;
    say(w, C " > " FAR " udp 'a'");
    reload(w, ALL "route 192.0.2.0/24 wan2");
    w->text_len = 0;
    say(w, C " > " FAR " udp 'a'");
    assert_int_equal(w->why, CT_REASON_OIF_CHANGED);
    w->text_len = 0;
    say(w, C " > " FAR " udp 'a'");
    TRACE(w, "[  0] " C " > " FAR " udp: NEW\n"
             "      out wan2 " W2 ":4000 > " FAR " udp\n");
    END(w);
}

/* The host's own packets bear the address of the uplink, too: IPv4 is hidden
 * behind it, and IPv6, which is not, is refused. */
static void the_host_with_the_other_address(void **state)
{
    struct world *w = HOST_WORLD(ALL);

    (void)state;
    say(w, W ":5000 > " S2 " udp 'a'@wan");
    say(w, S2 " > " W2 ":5000 udp 'b'");
    say(w, W2 ":5001 > " S2 " udp 'a'@wan");
    say(w, "[2001:db8:2::1]:5000 > [2001:db8:2::9]:53 udp 'a'@wan");
    say(w, "[2001:db8::1]:5000 > [2001:db8:2::9]:53 udp 'a'@wan");
    TRACE(w, "[  0] " W ":5000 > " S2 " udp: NEW\n"
             "      out wan2 " W2 ":5000 > " S2 " udp\n"
             "[  0] " S2 " > " W2 ":5000 udp: ESTABLISHED\n"
             "      out wan2 " S2 " > " W ":5000 udp\n"
             "[  0] " W2 ":5001 > " S2 " udp: NEW\n"
             "      out wan2 " W2 ":5001 > " S2 " udp\n"
             "[  0] [2001:db8:2::1]:5000 > [2001:db8:2::9]:53 udp: NEW\n"
             "      out wan2 [2001:db8:2::1]:5000 > [2001:db8:2::9]:53 udp\n"
             "[  0] [2001:db8::1]:5000 > [2001:db8:2::9]:53 udp: NEW\n"
             "      drop wrong_uplink\n");
    END(w);
}

/* The kernel finds them behind weir, and hands over by wan whichever way the
 * packet went. */
static void errors_about_packets_of_each_uplink(void **state)
{
    struct world *w = HOST_WORLD(ALL);

    (void)state;
    say(w, C " > " S2 " udp 'a'");
    say(w, W " > " W2 " icmp 11/0 about {" W2 ":4000 > " S2 " udp 'a'}@wan");
    TRACE(w, "[  0] " C " > " S2 " udp: NEW\n"
             "      out wan2 " W2 ":4000 > " S2 " udp\n"
             "[  0] " W " > " W2 " icmp 11/0: RELATED\n"
             "      out lan 10.0.1.1 > 10.0.1.2 icmp 11/0 about {" C " > " S2
             " udp}\n");
    END(w);
}

static void services_of_the_host_on_each_uplink(void **state)
{
    struct world *w = HOST_WORLD(
        ALL "prerouting {\"in\":\"wan2\",\"proto\":\"tcp\",\"dport\":80,"
            "\"redirect\":3128}");

    (void)state;
    say(w, "203.0.113.7:9 > " W2 ":80 tcp S seq 1");
    say(w, W2 ":3128 > 203.0.113.7:9 tcp S. seq 4 ack 2@wan");
    TRACE(w, "[  0] 203.0.113.7:9 > " W2 ":80 tcp S: NEW\n"
             "      out wan2 203.0.113.7:9 > " W2 ":3128 tcp S\n"
             "[  0] " W2 ":3128 > 203.0.113.7:9 tcp S.: ESTABLISHED\n"
             "      out wan2 " W2 ":80 > 203.0.113.7:9 tcp S.\n");
    END(w);
}

/* No packet from an uplink has an inside source, or one of the host's. */
static void no_one_outside_is_inside(void **state)
{
    struct world *w = HOST_WORLD(ALL);

    (void)state;
    say(w, "10.0.1.2:7 > 10.0.2.5:7 udp 'x'@wan2");
    say(w, "10.0.2.5:7 > " W2 ":22 tcp S seq 1@wan2");
    say(w, W ":7 > 10.0.1.2:7 udp 'x'@wan2");
    say(w, W2 ":7 > 10.0.1.2:7 udp 'x'@wan2");
    TRACE(w, "[  0] 10.0.1.2:7 > 10.0.2.5:7 udp: -\n      drop spoofed\n"
             "[  0] 10.0.2.5:7 > " W2 ":22 tcp S: -\n      drop spoofed\n"
             "[  0] " W ":7 > 10.0.1.2:7 udp: -\n      drop spoofed\n"
             "[  0] " W2 ":7 > 10.0.1.2:7 udp: -\n      drop spoofed\n");
    END(w);
}

/* Nor does one inside network speak in the name of another, where sources are
 * checked: not in a flow that it has, either. */
static void no_one_inside_is_another(void **state)
{
    struct world *w = HOST_WORLD(
        "profile weir; " ALL "forward {\"in\":\"dmz\",\"ct_state\":[\"new\"],"
        "\"verdict\":\"drop\"}");

    (void)state;
    say(w, C " > " S " udp 'a'");
    say(w, S " > " W ":4000 udp 'b'");
    say(w, C " > " S " udp 'x'@dmz");
    say(w, "10.0.1.9:7 > " C " udp 'x'@dmz");
    say(w, "10.0.1.9:7 > 10.0.1.1:22 tcp S seq 1@dmz");
    say(w, "192.0.2.7:7 > " S " udp 'x'@lan");
    TRACE(w, "[  0] " C " > " S " udp: NEW\n"
             "      out wan " W ":4000 > " S " udp\n"
             "[  0] " S " > " W ":4000 udp: ESTABLISHED\n"
             "      out lan " S " > " C " udp\n"
             "[  0] " C " > " S " udp: -\n      drop spoofed\n"
             "[  0] 10.0.1.9:7 > " C " udp: -\n      drop spoofed\n"
             "[  0] 10.0.1.9:7 > 10.0.1.1:22 tcp S: -\n      drop spoofed\n"
             "[  0] 192.0.2.7:7 > " S " udp: -\n      drop spoofed\n");
    END(w);
}

int main(void)
{
    const struct CMUnitTest stories[] = {
        STORY(hidden_behind_the_uplink_it_leaves_by),
        STORY(an_uplink_without_an_address),
        STORY(two_inside_networks),
        STORY(an_answer_leaves_by_its_uplink_or_not),
        STORY(a_route_that_moves),
        STORY(the_host_with_the_other_address),
        STORY(errors_about_packets_of_each_uplink),
        STORY(services_of_the_host_on_each_uplink),
        STORY(no_one_outside_is_inside),
        STORY(no_one_inside_is_another),
    };

    return cmocka_run_group_tests(stories, NULL, NULL);
}
