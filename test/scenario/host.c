/* host.c - gateway mode: the host's own packets, and packets for the host */
#include "world.h"

#include "bytes.h"

#define C "10.0.1.2:4000"
#define S "198.51.100.2:80"
#define W "198.51.100.1"
#define L "10.0.1.1"

/* The host's connection is a flow like any other; its answer goes to the host,
 * and no hop is taken: the kernel takes its own. */
static void a_connection_of_the_host(void **state)
{
    struct world *w = HOST_WORLD("");

    (void)state;
    say(w, W ":5000 > " S " tcp S seq 1 ttl 64@wan");
    say(w, S " > " W ":5000 tcp S. seq 9 ack 2 ttl 1");
    TRACE(w, "[  0] " W ":5000 > " S " tcp S: NEW\n"
             "      out wan " W ":5000 > " S " tcp S\n"
             "[  0] " S " > " W ":5000 tcp S.: ESTABLISHED\n"
             "      out wan " S " > " W ":5000 tcp S.\n");
    assert_int_equal(w->last[8], 1);
    assert_int_equal(stat_of(w, CT_STAT_local), 1);
    assert_int_equal(stat_of(w, CT_STAT_forwarded), 1);
    END(w);
}

/* The host and a client want the same tuple: the second flow gets another port,
 * whichever of them opens it. */
static void ports_of_host_and_clients_never_collide(void **state)
{
    struct world *w = HOST_WORLD("");
    uint16_t port;

    (void)state;
    w->quiet = true;
    say(w, C " > " S " tcp S seq 1");
    assert_int_equal(last_sport(w), 4000);
    say(w, W ":4000 > " S " tcp S seq 1@wan");
    port = last_sport(w);
    assert_int_not_equal(port, 4000);
    sayf(w, S " > " W ":%u tcp S. seq 9 ack 2", port);
    assert_int_equal(last_dport(w), 4000);
    assert_int_equal(w->last[19], 1); /* the host */
    say(w, S " > " W ":4000 tcp S. seq 9 ack 2");
    assert_int_equal(w->last[19], 2); /* the client */
    say(w, W ":6000 > " S " tcp S seq 1@wan");
    assert_int_equal(last_sport(w), 6000);
    say(w, "10.0.1.3:6000 > " S " tcp S seq 1");
    assert_int_not_equal(last_sport(w), 6000);
    END(w);
}

/* From outside and from a client to a service of the host, and its answers. */
static void a_service_of_the_host(void **state)
{
    struct world *w = HOST_WORLD("");

    (void)state;
    say(w, "198.51.100.7:999 > " W ":22 tcp S seq 1");
    say(w, W ":22 > 198.51.100.7:999 tcp S. seq 4 ack 2@wan");
    say(w, C " > " W ":22 tcp S seq 1");
    say(w, W ":22 > " C " tcp S. seq 4 ack 2@wan");
    say(w, C " > " W ":22 tcp . seq 2 ack 5");
    TRACE(w, "[  0] 198.51.100.7:999 > " W ":22 tcp S: NEW\n"
             "      out wan 198.51.100.7:999 > " W ":22 tcp S\n"
             "[  0] " W ":22 > 198.51.100.7:999 tcp S.: ESTABLISHED\n"
             "      out wan " W ":22 > 198.51.100.7:999 tcp S.\n"
             "[  0] " C " > " W ":22 tcp S: NEW\n"
             "      out lan " C " > " W ":22 tcp S\n"
             "[  0] " W ":22 > " C " tcp S.: ESTABLISHED\n"
             "      out lan " W ":22 > " C " tcp S.\n"
             "[  0] " C " > " W ":22 tcp .: ESTABLISHED\n"
             "      out lan " C " > " W ":22 tcp .\n");
    assert_int_equal(count_flows(w), 2);
    END(w);
}

/* The kernel answers pings to its addresses, and a packet it has no socket
 * for: weir does not speak for it. */
static void the_kernel_answers_for_itself(void **state)
{
    struct world *w = HOST_WORLD("");

    (void)state;
    say(w, "198.51.100.7 > " W " icmp echo id 7 seq 1");
    say(w, "198.51.100.7:5 > " W ":6 udp 'x'");
    TRACE(w, "[  0] 198.51.100.7 > " W " icmp echo: NEW\n"
             "      out wan 198.51.100.7 > " W " icmp echo\n"
             "[  0] 198.51.100.7:5 > " W ":6 udp: NEW\n"
             "      out wan 198.51.100.7:5 > " W ":6 udp\n");
    say(w, W " > 198.51.100.7 icmp reply id 7 seq 1@wan");
    TRACE(w, "[  0] " W " > 198.51.100.7 icmp reply: ESTABLISHED\n"
             "      out wan " W " > 198.51.100.7 icmp reply\n");
    assert_int_equal(stat_of(w, CT_STAT_orig_echo), 0);
    assert_int_equal(stat_of(w, CT_STAT_orig_error), 0);
    END(w);
}

/* The kernel takes the hops, and what its errors quote is a packet that weir
 * has translated: from its own address, to its own address.  The client hears
 * it from lan's (RFC 1812 section 4.3.2.4). */
static void errors_of_the_kernel_reach_the_client(void **state)
{
    struct world *w = HOST_WORLD("");

    (void)state;
    say(w, C " > " S " udp 'a' ttl 1");
    TRACE(w, "[  0] " C " > " S " udp: NEW\n"
             "      out wan " W ":4000 > " S " udp\n");
    assert_int_equal(w->last[8], 1);
    say(w, W " > " W " icmp 11/0 about {" W ":4000 > " S " udp 'a'}@wan");
    TRACE(w, "[  0] " W " > " W " icmp 11/0: RELATED\n"
             "      out lan " L " > 10.0.1.2 icmp 11/0 about {" C " > " S
             " udp}\n");
    END(w);
}

/* What weir itself has to tell a client comes from lan's address. */
static void errors_of_weir(void **state)
{
    struct world *w = HOST_WORLD("mtu wan 1400");

    (void)state;
    say(w, C " > " S " udp df len 1500");
    TRACE(w,
          "[  0] " C " > " S " udp: NEW\n"
          "      out lan " L " > 10.0.1.2 icmp 3/4 tos 192 df mtu 1400 about "
          "{" C " > " S " udp}\n"
          "      drop too_big\n");
    END(w);
}

/* The host's kernel knows the outside device's MTU alone: that lan takes less
 * it hears as from whom the packet was for, since it refuses one from itself.
 */
static void the_host_hears_of_a_smaller_lan(void **state)
{
    struct world *w = HOST_WORLD("mtu lan 1400");

    (void)state;
    say(w, C " > " W ":22 udp 'a'");
    say(w, W ":22 > " C " udp df len 1472@wan");
    say(w, L ":22 > " C " udp df len 1373@wan");
    say(w, W ":22 > " C " udp df len 1372@wan");
    TRACE(w, "[  0] " C " > " W ":22 udp: NEW\n"
             "      out lan " C " > " W ":22 udp\n"
             "[  0] " W ":22 > " C " udp: ESTABLISHED\n"
             "      out wan 10.0.1.2 > " W " icmp 3/4 tos 192 df mtu 1400 "
             "about {" W ":22 > " C " udp}\n"
             "      drop too_big\n"
             "[  0] " L ":22 > " C " udp: NEW\n"
             "      out wan 10.0.1.2 > " L " icmp 3/4 tos 192 df mtu 1400 "
             "about {" L ":22 > " C " udp}\n"
             "      drop too_big\n"
             "[  0] " W ":22 > " C " udp: ESTABLISHED\n"
             "      out lan " W ":22 > " C " udp\n");
    END(w);
}

/* Its error about an answer that could not be delivered inside leaves with the
 * quotation as the outside knows it. */
static void errors_of_the_kernel_about_answers(void **state)
{
    struct world *w = HOST_WORLD("");

    (void)state;
    say(w, C " > " S " udp 'a'");
    say(w, S " > " W ":4000 udp 'b'");
    TRACE(w, "[  0] " C " > " S " udp: NEW\n"
             "      out wan " W ":4000 > " S " udp\n"
             "[  0] " S " > " W ":4000 udp: ESTABLISHED\n"
             "      out lan " S " > " C " udp\n");
    say(w, W " > 198.51.100.2 icmp 3/1 about {" S " > " C " udp 'b'}@wan");
    TRACE(w, "[  0] " W " > 198.51.100.2 icmp 3/1: RELATED\n"
             "      out wan " W " > 198.51.100.2 icmp 3/1 about {" S " > " W
             ":4000 udp}\n");
    END(w);
}

/* By the inside device nothing of the host's own can come. */
static void a_forged_own_source_is_refused(void **state)
{
    struct world *w = HOST_WORLD("");

    (void)state;
    say(w, W ":5000 > " S " udp 'x'@lan");
    say(w, "10.0.1.1:5000 > " S " udp 'x'@lan");
    TRACE(w, "[  0] " W ":5000 > " S " udp: -\n      drop spoofed\n"
             "[  0] 10.0.1.1:5000 > " S " udp: -\n      drop spoofed\n");
    say(w, W ":5 > " W ":5 udp 'x'@lan");
    say(w, "198.51.100.7:5 > 198.51.100.7:5 udp 'x'@wan");
    TRACE(w, "[  0] " W ":5 > " W ":5 udp: -\n      drop spoofed\n"
             "[  0] 198.51.100.7:5 > 198.51.100.7:5 udp: -\n"
             "      drop land\n");
    END(w);
}

/* A client's address from outside: the kernel lets it in where its check of
 * sources is loose.  weir drops it, even as part of a client's flow. */
static void an_inside_source_from_outside_is_refused(void **state)
{
    struct world *w = HOST_WORLD("");

    (void)state;
    say(w, C " > " S " udp 'a'");
    TRACE(w, "[  0] " C " > " S " udp: NEW\n"
             "      out wan " W ":4000 > " S " udp\n");
    say(w, C " > " S " udp 'b'@wan");
    say(w, "10.0.1.2:7 > 10.0.1.3:7 udp 'x'@wan");
    say(w, "10.0.1.2:7 > " W ":22 tcp S seq 1@wan");
    say(w, "[fd00:1::2]:7 > [fd00:1::3]:7 udp 'x'@wan");
    TRACE(w, "[  0] " C " > " S " udp: -\n      drop spoofed\n"
             "[  0] 10.0.1.2:7 > 10.0.1.3:7 udp: -\n      drop spoofed\n"
             "[  0] 10.0.1.2:7 > " W ":22 tcp S: -\n      drop spoofed\n"
             "[  0] [fd00:1::2]:7 > [fd00:1::3]:7 udp: -\n"
             "      drop spoofed\n");
    END(w);
}

/* Bound to its inside address the host is hidden as a client is. */
static void a_connection_from_the_inside_address(void **state)
{
    struct world *w = HOST_WORLD("");

    (void)state;
    say(w, "10.0.1.1:5000 > " S " udp 'x'@wan");
    say(w, S " > " W ":5000 udp 'y'");
    TRACE(w, "[  0] 10.0.1.1:5000 > " S " udp: NEW\n"
             "      out wan " W ":5000 > " S " udp\n"
             "[  0] " S " > " W ":5000 udp: ESTABLISHED\n"
             "      out wan " S " > 10.0.1.1:5000 udp\n");
    END(w);
}

/* What is mapped belongs to the client, hairpin included; the rest is the
 * host's. */
static void a_forward_and_a_service_beside_it(void **state)
{
    struct world *w =
        HOST_WORLD("hairpin on; dnat tcp 198.51.100.1:8080 -> 10.0.1.5:80");

    (void)state;
    say(w, "198.51.100.7:999 > " W ":8080 tcp S seq 1");
    say(w, C " > " W ":8080 tcp S seq 1");
    say(w, C " > " W ":8081 tcp S seq 1");
    TRACE(w, "[  0] 198.51.100.7:999 > " W ":8080 tcp S: NEW\n"
             "      out lan 198.51.100.7:999 > 10.0.1.5:80 tcp S\n"
             "[  0] " C " > " W ":8080 tcp S: NEW\n"
             "      out lan " W ":4000 > 10.0.1.5:80 tcp S\n"
             "[  0] " C " > " W ":8081 tcp S: NEW\n"
             "      out lan " C " > " W ":8081 tcp S\n");
    END(w);
}

/* Services of the host answer by weir only from wan's address: that is where
 * redirect leads.  Masquerade towards lan takes lan's, as everywhere. */
static void redirect_and_masquerade_to_lan(void **state)
{
    struct world *w = HOST_WORLD(
        "prerouting {\"in\":\"lan\",\"proto\":\"tcp\",\"dport\":80,"
        "\"redirect\":3128}; dnat tcp 198.51.100.1:8080 -> 10.0.1.5:80; "
        "postrouting {\"out\":\"lan\",\"masquerade\":true}");

    (void)state;
    say(w, C " > 192.0.2.9:80 tcp S seq 1");
    say(w, W ":3128 > " C " tcp S. seq 4 ack 2@wan");
    say(w, "198.51.100.7:999 > " W ":8080 tcp S seq 1");
    say(w, "10.0.1.5:80 > " L ":999 tcp S. seq 4 ack 2");
    TRACE(w, "[  0] " C " > 192.0.2.9:80 tcp S: NEW\n"
             "      out lan " C " > " W ":3128 tcp S\n"
             "[  0] " W ":3128 > " C " tcp S.: ESTABLISHED\n"
             "      out lan 192.0.2.9:80 > " C " tcp S.\n"
             "[  0] 198.51.100.7:999 > " W ":8080 tcp S: NEW\n"
             "      out lan " L ":999 > 10.0.1.5:80 tcp S\n"
             "[  0] 10.0.1.5:80 > " L ":999 tcp S.: ESTABLISHED\n"
             "      out wan " W ":8080 > 198.51.100.7:999 tcp S.\n");
    reload(w, "");
    assert_int_equal(count_flows(w), 2);
    END(w);
}

/* A dnat of the host's own packets leads inside as well, and back. */
static void a_dnat_of_the_hosts_own(void **state)
{
    static const char *const profiles[] = {"linux", "weir", "rfc"};

    (void)state;
    for (unsigned p = 0; p < 3; p++) {
        char text[512];
        struct world *w;

        snprintf(text, sizeof text,
                 "profile %s; output {\"proto\":\"tcp\",\"dst\":\"192.0.2.9\","
                 "\"dport\":80,\"dnat\":\"10.0.1.5:8080\"}",
                 profiles[p]);
        w = HOST_WORLD(text);
        say(w, W ":5000 > 192.0.2.9:80 tcp S seq 1@wan");
        say(w, "10.0.1.5:8080 > " W ":5000 tcp S. seq 4 ack 2");
        say(w, W ":5000 > 192.0.2.9:80 tcp . seq 2 ack 5@wan");
        TRACE(w, "[  0] " W ":5000 > 192.0.2.9:80 tcp S: NEW\n"
                 "      out lan " W ":5000 > 10.0.1.5:8080 tcp S\n"
                 "[  0] 10.0.1.5:8080 > " W ":5000 tcp S.: ESTABLISHED\n"
                 "      out wan 192.0.2.9:80 > " W ":5000 tcp S.\n"
                 "[  0] " W ":5000 > 192.0.2.9:80 tcp .: ESTABLISHED\n"
                 "      out lan " W ":5000 > 10.0.1.5:8080 tcp .\n");
        END(w);
    }
}

/* Packets that the host sends from a wan address keep it, even the second one;
 * they only get another port where theirs is taken. */
static void a_second_address_is_kept(void **state)
{
    struct world *w = HOST_WORLD(
        "outside 198.51.100.1/24,198.51.100.9/24; masquerade off; postrouting "
        "{\"out\":\"wan\",\"src\":\"!wan\",\"masquerade\":true}");

    (void)state;
    w->quiet = true;
    say(w, "198.51.100.9:5000 > " S " udp 'x'@wan");
    assert_int_equal(w->last[15], 9);
    assert_int_equal(last_sport(w), 5000);
    say(w, C " > " S " udp 'x'");
    assert_int_equal(w->last[15], 1);
    say(w, W ":4000 > " S " udp 'x'@wan");
    assert_int_equal(w->last[15], 1);
    assert_int_not_equal(last_sport(w), 4000);
    END(w);
}

/* A rule of OUTPUT is asked about the host's own, one of FORWARD is not. */
static void rules_of_output_are_asked(void **state)
{
    struct world *w = HOST_WORLD(
        "policy forward drop; output {\"dport\":25,\"proto\":\"tcp\","
        "\"verdict\":\"drop\"}");

    (void)state;
    say(w, W ":5000 > 198.51.100.2:25 tcp S seq 1@wan");
    say(w, W ":5000 > " S " tcp S seq 1@wan");
    TRACE(w, "[  0] " W ":5000 > 198.51.100.2:25 tcp S: NEW\n"
             "      drop rule\n"
             "[  0] " W ":5000 > " S " tcp S: NEW\n"
             "      out wan " W ":5000 > " S " tcp S\n");
    END(w);
}

/* The kernel would send it to 127.0.0.1, where no device of weir's leads. */
static void own_packets_are_redirected_to_the_outside_address(void **state)
{
    struct world *w =
        HOST_WORLD("output {\"dport\":80,\"proto\":\"tcp\",\"redirect\":3128}");

    (void)state;
    say(w, W ":5000 > " S " tcp S seq 1@wan");
    say(w, W ":3128 > " W ":5000 tcp S. seq 4 ack 2@wan");
    TRACE(w, "[  0] " W ":5000 > " S " tcp S: NEW\n"
             "      out wan " W ":5000 > " W ":3128 tcp S\n"
             "[  0] " W ":3128 > " W ":5000 tcp S.: ESTABLISHED\n"
             "      out wan " S " > " W ":5000 tcp S.\n");
    END(w);
}

/* A program of the host hears at once what a rule of OUTPUT rejects: from whom
 * it spoke to, since its kernel takes no packet from itself by a device. */
static void the_host_is_told_of_a_reject(void **state)
{
    struct world *w = HOST_WORLD(
        "output {\"dport\":25,\"proto\":\"tcp\",\"verdict\":\"reject\","
        "\"reject_with\":\"tcp-reset\"}; output {\"dport\":53,\"proto\":"
        "\"udp\",\"verdict\":\"reject\"}");

    (void)state;
    say(w, W ":5000 > 198.51.100.2:25 tcp S seq 1@wan");
    TRACE(w, "[  0] " W ":5000 > 198.51.100.2:25 tcp S: NEW\n"
             "      out wan 198.51.100.2:25 > " W ":5000 tcp R.\n"
             "      drop rejected\n");
    say(w, W ":5000 > 198.51.100.2:53 udp 'who'@wan");
    TRACE(w, "[  0] " W ":5000 > 198.51.100.2:53 udp: NEW\n"
             "      out wan 198.51.100.2 > " W " icmp 3/3 tos 192 df "
             "about {" W ":5000 > 198.51.100.2:53 udp}\n"
             "      drop rejected\n");
    assert_int_equal(stat_of(w, CT_STAT_orig_rst), 1);
    assert_int_equal(stat_of(w, CT_STAT_orig_error), 1);
    assert_int_equal(stat_of(w, CT_STAT_orig_lost), 0);
    END(w);
}

/* IPv6 is routed and tracked; hop limits stay as they are. */
static void ipv6_without_nat(void **state)
{
    struct world *w = HOST_WORLD(
        "masquerade off; postrouting {\"out\":\"wan\",\"family\":\"ipv4\","
        "\"masquerade\":true}");

    (void)state;
    say(w, "[fd00:1::2]:4000 > [2001:db8::2]:80 udp 'a' ttl 9");
    assert_int_equal(w->last[7], 9);
    say(w, "[2001:db8::1]:4000 > [2001:db8::2]:80 udp 'a'@wan");
    TRACE(w, "[  0] [fd00:1::2]:4000 > [2001:db8::2]:80 udp: NEW\n"
             "      out wan [fd00:1::2]:4000 > [2001:db8::2]:80 udp\n"
             "[  0] [2001:db8::1]:4000 > [2001:db8::2]:80 udp: NEW\n"
             "      out wan [2001:db8::1]:4000 > [2001:db8::2]:80 udp\n");
    END(w);
}

static void reserve(struct ct_reserved *set, uint32_t lo, uint32_t hi)
{
    for (uint32_t p = lo; p <= hi; p++)
        set->word[p >> 6] |= 1ull << (p & 63);
}

/* Reserved ports are left to the host's own programs; all others are found. */
static void reserved_ports(void **state)
{
    static struct ct_reserved tcp, udp;
    struct world *w = HOST_WORLD("");
    bool seen[16] = {false};

    (void)state;
    alone(w);
    w->quiet = true;
    reserve(&tcp, 1, 65535);
    tcp.word[40000 >> 6] = ~0xffffull; /* all but 40000 .. 40015 */
    reserve(&udp, 53, 53);
    ct_set_reserved(w->rig.ct, &tcp, &udp);
    for (unsigned i = 0; i < 16; i++) {
        sayf(w, "10.0.1.%u:4000 > " S " tcp S seq 1", 2 + i);
        assert_in_range(last_sport(w), 40000, 40015);
        assert_false(seen[last_sport(w) - 40000]);
        seen[last_sport(w) - 40000] = true;
    }
    say(w, "10.0.1.99:40003 > " S " tcp S seq 1");
    assert_int_equal(w->why, CT_REASON_NO_PORT);
    say(w, W ":22 > " S " tcp S seq 1@wan");
    assert_int_equal(last_sport(w), 22);
    say(w, "10.0.1.2:53 > " S " udp 'x'");
    assert_int_not_equal(last_sport(w), 53);
    say(w, "10.0.1.2:54 > " S " udp 'x'");
    assert_int_equal(last_sport(w), 54);
    END(w);
}

static void is_lost(struct world *w, const char *line)
{
    say(w, line);
    assert_int_equal(w->why, CT_REASON_LOST_FLOW);
}

static void is_heard(struct world *w, const char *line)
{
    uint64_t local = stat_of(w, CT_STAT_local);

    say(w, line);
    assert_int_equal(stat_of(w, CT_STAT_local), local + 1);
}

/* Soon after a kill the server of an inside host speaks first: the host's
 * kernel, which has no such socket, doesn't hear of it, and there is no entry
 * that would take the port from the flow when the inside speaks.  The host's
 * own sockets, and who begins, are heard; so is the other end of the host's own
 * connection, and who else speaks to its port is not. */
static void flows_of_before_a_kill(void **state)
{
    struct world *w = HOST_WORLD("");
    struct talks talks = {0};
    const struct ct_tuple own = {.src = {.b = {198, 51, 100, 9}},
                                 .dst = {.b = {198, 51, 100, 1}},
                                 .sport = 80,
                                 .dport = 4000,
                                 .family = CT_IPV4,
                                 .proto = 6};

    (void)state;
    alone(w);
    w->quiet = true;
    assert_true(talks_add(&talks, &own));
    w->rig.lost.until_tcp = w->rig.now.ms + 7500000;
    w->rig.lost.until_udp = w->rig.now.ms + 300000;
    reserve(&w->rig.lost.tcp, 22, 22);
    reserve(&w->rig.lost.udp, 53, 53);
    w->rig.lost.talks = &talks;
    is_lost(w, S " > " W ":4000 tcp P. seq 9 ack 2");
    is_lost(w, S " > " W ":4000 tcp S. seq 9 ack 2");
    is_lost(w, S " > " W ":4000 tcp F. seq 9 ack 2");
    is_lost(w, "198.51.100.2:99 > " W ":4000 udp 'x'");
    assert_int_equal(count_flows(w), 0);
    say(w, C " > " S " tcp P. seq 2 ack 9");
    assert_int_equal(last_sport(w), 4000);
    say(w, S " > " W ":4000 tcp P. seq 9 ack 2");
    assert_int_equal(w->last[19], 2); /* the client */
    say(w, C " > 198.51.100.2:99 udp 'x'");
    assert_int_equal(last_sport(w), 4000);
    is_heard(w, "198.51.100.9:80 > " W ":4000 tcp P. seq 9 ack 2");
    is_heard(w, S " > " W ":22 tcp P. seq 9 ack 2");
    is_heard(w, "198.51.100.2:99 > " W ":53 udp 'x'");
    is_heard(w, "198.51.100.2:99 > " W ":4001 tcp S seq 1");
    is_heard(w, "198.51.100.2 > " W " icmp echo id 7 seq 1");
    say(w, W ":5000 > " S " tcp S seq 1@wan");
    is_heard(w, S " > " W ":5000 tcp S. seq 9 ack 2");
    w->rig.now.ms += 300000;
    is_heard(w, "198.51.100.2:99 > " W ":4002 udp 'x'");
    is_lost(w, S " > " W ":4003 tcp P. seq 9 ack 2");
    w->rig.now.ms += 7200000;
    is_heard(w, S " > " W ":4003 tcp P. seq 9 ack 2");
    talks_free(&talks);
    END(w);
}

/* The host's own datagrams in fragments: the shard that puts one together is
 * seldom the one that owns the flow. */
static void own_datagrams_in_fragments(void **state)
{
    struct world *w = HOST_WORLD("");

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < 16; i++) {
        sayf(w, W ":%u > " S " udp frag 0+ len 992@wan", 5000 + i);
        say(w, W " > " S " proto 17 frag 1000 len 508@wan");
        assert_int_equal(stat_of(w, CT_STAT_forwarded), i + 1);
    }
    END(w);
}

/* A share is for others: the router's own flows may be as many as there are
 * entries. */
static void the_host_may_have_all(void **state)
{
    struct world *w = HOST_WORLD("profile weir; max 1024; buckets 1024");

    (void)state;
    alone(w); /* shards of several have a part of the entries each */
    w->quiet = true;
    for (unsigned i = 0; i < 512; i++)
        sayf(w, W ":%u > " S " udp@wan", 5000 + i);
    assert_int_equal(count_flows(w), 512);
    assert_int_equal(drops_of(w, CT_REASON_SOURCE_ENTRIES), 0);
    END(w);
}

/* Clients are hidden behind the host's address: its own datagrams take their
 * identifications from the same row, with NAT or without. */
static void own_datagrams_have_ids_of_the_row(void **state)
{
    struct world *w = HOST_WORLD("profile weir");
    uint16_t id[3];

    (void)state;
    alone(w);
    w->quiet = true;
    for (unsigned i = 0; i < 3; i++) {
        say(w, i == 1 ? C " > " S " udp" : W ":5000 > " S " udp@wan");
        id[i] = bytes_get16(w->last + 4);
    }
    assert_int_equal(id[1], (uint16_t)(id[0] + 1));
    assert_int_equal(id[2], (uint16_t)(id[0] + 2));
    END(w);
}

int main(void)
{
    const struct CMUnitTest stories[] = {
        STORY(a_connection_of_the_host),
        STORY(the_host_may_have_all),
        STORY(own_datagrams_have_ids_of_the_row),
        STORY(ports_of_host_and_clients_never_collide),
        STORY(a_service_of_the_host),
        STORY(the_kernel_answers_for_itself),
        STORY(errors_of_the_kernel_reach_the_client),
        STORY(errors_of_weir),
        STORY(the_host_hears_of_a_smaller_lan),
        STORY(errors_of_the_kernel_about_answers),
        STORY(a_forged_own_source_is_refused),
        STORY(an_inside_source_from_outside_is_refused),
        STORY(a_connection_from_the_inside_address),
        STORY(a_forward_and_a_service_beside_it),
        STORY(redirect_and_masquerade_to_lan),
        STORY(a_second_address_is_kept),
        STORY(a_dnat_of_the_hosts_own),
        STORY(rules_of_output_are_asked),
        STORY(own_packets_are_redirected_to_the_outside_address),
        STORY(the_host_is_told_of_a_reject),
        STORY(ipv6_without_nat),
        STORY(reserved_ports),
        STORY(flows_of_before_a_kill),
        STORY(own_datagrams_in_fragments),
    };

    return cmocka_run_group_tests(stories, NULL, NULL);
}
