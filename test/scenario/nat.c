/* nat.c - how an outside address and port are chosen (Linux nf_nat_core.c, RFC
 * 4787) */
#include "world.h"

/* Linux get_unique_tuple(): the source's own port, if it is free. */
static void linux_port_is_preserved(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    say(w, "10.0.1.2:4000 > 198.51.100.2:80 udp");
    say(w, "10.0.1.2:53 > 198.51.100.2:80 udp");
    TRACE(w, "[  0] 10.0.1.2:4000 > 198.51.100.2:80 udp: NEW\n"
             "      out wan 198.51.100.1:4000 > 198.51.100.2:80 udp\n"
             "[  0] 10.0.1.2:53 > 198.51.100.2:80 udp: NEW\n"
             "      out wan 198.51.100.1:53 > 198.51.100.2:80 udp\n");
    END(w);
}

/* RFC 4787 REQ-3a, Linux get_unique_tuple(): when the port is taken, another
 * of its class. */
static void rfc4787_req3a_port_classes(void **state)
{
    static const struct {
        unsigned port, lo, hi;
    } classes[] = {{300, 1, 511},       {511, 1, 511},     {512, 600, 1023},
                   {700, 600, 1023},    {1023, 600, 1023}, {1024, 1024, 65535},
                   {40000, 1024, 65535}};
    struct world *w = WORLD("");

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < sizeof classes / sizeof *classes; i++)
        for (unsigned h = 0; h < 20; h++) {
            sayf(w, "10.0.1.%u:%u > 198.51.100.%u:80 udp", 2 + h,
                 classes[i].port, 2 + i);
            if (h == 0) {
                assert_int_equal(last_sport(w), classes[i].port);
                continue;
            }
            assert_int_not_equal(last_sport(w), classes[i].port);
            assert_in_range(last_sport(w), classes[i].lo, classes[i].hi);
        }
    assert_int_equal(w->sent, 140);
    END(w);
}

/* RFC 4787 REQ-1: one inside endpoint, one outside endpoint, whomever it talks
 * to, even when its own port was taken. */
static void rfc4787_req1_endpoint_independent(void **state)
{
    struct world *w = WORLD("");
    uint16_t port;

    (void)state;
    w->quiet = true;
    say(w, "10.0.1.2:4000 > 198.51.100.2:80 udp");
    say(w, "10.0.1.3:4000 > 198.51.100.2:80 udp");
    port = last_sport(w);
    assert_int_not_equal(port, 4000);
    for (unsigned i = 0; i < 50; i++) {
        sayf(w, "10.0.1.3:4000 > 198.51.100.%u:%u udp", 3 + i, 1000 + i);
        assert_int_equal(last_sport(w), port);
    }
    END(w);
}

/* Two clients with one source port to one server: both served. */
static void linux_two_clients_one_port(void **state)
{
    struct world *w = WORLD("");
    uint16_t second;

    (void)state;
    w->quiet = true;
    say(w, "10.0.1.2:4000 > 198.51.100.2:80 tcp S seq 1");
    assert_int_equal(last_sport(w), 4000);
    say(w, "10.0.1.3:4000 > 198.51.100.2:80 tcp S seq 1");
    second = last_sport(w);
    assert_int_not_equal(second, 4000);
    w->quiet = false;
    say(w, "198.51.100.2:80 > 198.51.100.1:4000 tcp S. seq 5 ack 2");
    sayf(w, "198.51.100.2:80 > 198.51.100.1:%u tcp S. seq 5 ack 2", second);
    assert_int_equal(w->last[19], 3);
    assert_int_equal(last_dport(w), 4000);
    assert_int_equal(w->sent, 4);
    END(w);
}

/* Linux get_unique_tuple(): one outside port, two inside hosts, different
 * servers. */
static void linux_ports_are_shared_between_destinations(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    w->quiet = true;
    say(w, "10.0.1.2:5000 > 198.51.100.2:80 udp");
    assert_int_equal(last_sport(w), 5000);
    say(w, "10.0.1.3:5000 > 198.51.100.3:80 udp");
    assert_int_equal(last_sport(w), 5000);
    w->quiet = false;
    say(w, "198.51.100.2:80 > 198.51.100.1:5000 udp");
    say(w, "198.51.100.3:80 > 198.51.100.1:5000 udp");
    TRACE(w, "[  0] 198.51.100.2:80 > 198.51.100.1:5000 udp: ESTABLISHED\n"
             "      out lan 198.51.100.2:80 > 10.0.1.2:5000 udp\n"
             "[  0] 198.51.100.3:80 > 198.51.100.1:5000 udp: ESTABLISHED\n"
             "      out lan 198.51.100.3:80 > 10.0.1.3:5000 udp\n");
    END(w);
}

/* Profiles weir and rfc: a host has its outside port towards all remote hosts,
 * as long as other ports are free; when its flows have ended, the next host may
 * have the port. */
static void weir_ports_are_exclusive(void **state)
{
    static const char *const profiles[] = {"weir", "rfc"};

    (void)state;
    for (unsigned p = 0; p < 2; p++) {
        char text[64];
        struct world *w;

        snprintf(text, sizeof text, "profile %s; tune port_quarantine 0",
                 profiles[p]);
        w = WORLD(text);
        w->quiet = true;
        say(w, "10.0.1.9:9 > 198.51.100.9:80 udp"); /* one is counted */
        say(w, "10.0.1.2:5000 > 198.51.100.2:80 udp");
        assert_int_equal(last_sport(w), 5000);
        say(w, "10.0.1.3:5000 > 198.51.100.3:80 udp");
        assert_int_not_equal(last_sport(w), 5000);
        elapse(w, 301);
        say(w, "10.0.1.3:5000 > 198.51.100.3:80 udp");
        assert_int_equal(last_sport(w), 5000);
        END(w);
    }
}

/* S5: a thousand hosts, one port, one server: a thousand outside ports, and
 * every answer finds its host. */
static void s5_reply_tuples_are_unique(void **state)
{
    struct world *w = WORLD("inside 10.0.1.1/16; max 4096");
    static uint8_t used[65536];
    static uint16_t ports[1000];

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < 1000; i++) {
        sayf(w, "10.0.%u.%u:4000 > 198.51.100.2:443 tcp S seq 1", 2 + i / 200,
             1 + i % 200);
        ports[i] = last_sport(w);
        assert_int_equal(used[ports[i]], 0);
        used[ports[i]] = 1;
    }
    for (unsigned i = 0; i < 1000; i++) {
        sayf(w, "198.51.100.2:443 > 198.51.100.1:%u tcp S. seq 9 ack 2",
             ports[i]);
        assert_int_equal(w->last[18], 2 + i / 200);
        assert_int_equal(w->last[19], 1 + i % 200);
        assert_int_equal(last_dport(w), 4000);
    }
    END(w);
}

/* U5: four ports, one remote: four flows, the rest is refused and counted; the
 * same ports still serve another remote; after one ends the next one begins. */
static void u5_ports_exhausted(void **state)
{
    struct world *w = WORLD("masquerade 7000-7003");
    bool used[4] = {false};

    (void)state;
    alone(w);
    w->quiet = true;
    for (unsigned i = 0; i < 1000; i++)
        sayf(w, "10.0.1.%u:%u > 198.51.100.2:80 tcp S seq 1", 2 + i % 200,
             4000 + i / 200);
    assert_int_equal(w->sent, 4);
    assert_int_equal(drops_of(w, CT_REASON_NO_PORT), 996);
    assert_int_equal(stat_of(w, CT_STAT_no_port), 996);
    assert_int_equal(count_flows(w), 4);
    for (unsigned i = 0; i < 4; i++) {
        sayf(w, "10.0.1.%u:4000 > 198.51.100.3:80 tcp S seq 1", 50 + i);
        assert_in_range(last_sport(w), 7000, 7003);
        assert_false(used[last_sport(w) - 7000]);
        used[last_sport(w) - 7000] = true;
    }
    assert_int_equal(w->sent, 8);
    /* the server refuses one: its port is free again, and it is found */
    say(w, "198.51.100.2:80 > 198.51.100.1:7002 tcp R. seq 0 ack 2");
    assert_int_equal(w->sent, 9);
    say(w, "10.0.1.99:4000 > 198.51.100.2:80 tcp S seq 1");
    assert_int_equal(w->sent, 10);
    assert_int_equal(last_sport(w), 7002);
    say(w, "10.0.1.98:4000 > 198.51.100.2:80 tcp S seq 1");
    assert_int_equal(w->why, CT_REASON_NO_PORT);
    END(w);
}

/* VPP-1870 and many others: the last free port of thousands is found, always.
 */
static void u5_the_last_free_port_is_found(void **state)
{
    struct world *w = WORLD("inside 10.0.1.1/16; masquerade 20000-21999; "
                            "max 4096");

    (void)state;
    alone(w);
    w->quiet = true;
    for (unsigned i = 0; i < 2000; i++)
        sayf(w, "10.0.%u.%u:4000 > 198.51.100.2:80 tcp S seq 1", 2 + i / 200,
             1 + i % 200);
    assert_int_equal(w->sent, 2000);
    assert_int_equal(drops_of(w, CT_REASON_NO_PORT), 0);
    for (unsigned i = 0; i < 20; i++) {
        unsigned port = 20000 + i * 97;

        sayf(w, "198.51.100.2:80 > 198.51.100.1:%u tcp R. seq 0 ack 2", port);
        sayf(w, "10.0.99.%u:4000 > 198.51.100.2:80 tcp S seq 1", 1 + i);
        assert_int_equal(last_sport(w), port);
    }
    assert_int_equal(drops_of(w, CT_REASON_NO_PORT), 0);
    END(w);
}

/* A port forward, and what its server sends back. */
static void linux_dnat(void **state)
{
    struct world *w = WORLD("dnat tcp 198.51.100.1:8080 -> 10.0.1.2:80");

    (void)state;
    say(w, "198.51.100.7:1234 > 198.51.100.1:8080 tcp S seq 1");
    say(w, "10.0.1.2:80 > 198.51.100.7:1234 tcp S. seq 9 ack 2");
    TRACE(w, "[  0] 198.51.100.7:1234 > 198.51.100.1:8080 tcp S: NEW\n"
             "      out lan 198.51.100.7:1234 > 10.0.1.2:80 tcp S\n"
             "[  0] 10.0.1.2:80 > 198.51.100.7:1234 tcp S.: ESTABLISHED\n"
             "      out wan 198.51.100.1:8080 > 198.51.100.7:1234 tcp S.\n");
    FLOWS(w, "tcp 60 SYN_RECV 198.51.100.7:1234 > 198.51.100.1:8080 / "
             "10.0.1.2:80 > 198.51.100.7:1234 -\n");
    END(w);
}

/* Linux nf_nat_l4proto_unique_tuple(): a range of ports inside is used from
 * its first on. */
static void linux_dnat_port_range(void **state)
{
    struct world *w = WORLD("dnat udp 198.51.100.1:53 -> 10.0.1.3:6000-6003");

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < 8; i++) {
        sayf(w, "198.51.100.7:%u > 198.51.100.1:53 udp", 1000 + i);
        assert_in_range(last_dport(w), 6000, 6003);
        assert_int_equal(w->last[19], 3);
    }
    assert_int_equal(w->sent, 8);
    END(w);
}

/* Outside ports forwarded as a range keep their number. */
static void linux_dnat_range_of_outside_ports(void **state)
{
    struct world *w = WORLD("prerouting {\"proto\":\"udp\",\"dst\":"
                            "\"198.51.100.1\",\"dport\":\"9000-9010\","
                            "\"dnat\":\"10.0.1.4\"}");

    (void)state;
    say(w, "198.51.100.7:1 > 198.51.100.1:9007 udp");
    TRACE(w, "[  0] 198.51.100.7:1 > 198.51.100.1:9007 udp: NEW\n"
             "      out lan 198.51.100.7:1 > 10.0.1.4:9007 udp\n");
    END(w);
}

/* Linux nf_nat_alloc_null_binding(): a DNAT flow whose reply tuple is taken
 * gets another client port; neither flow is harmed. */
static void linux_null_binding_rewrites_the_client_port(void **state)
{
    struct world *w = WORLD("masquerade off; "
                            "dnat tcp 198.51.100.1:8080 -> 10.0.1.2:80");
    uint16_t port;

    (void)state;
    w->quiet = true;
    say(w, "10.0.1.2:80 > 198.51.100.7:1234 tcp S seq 1");
    say(w, "198.51.100.7:1234 > 198.51.100.1:8080 tcp S seq 1");
    assert_int_equal(w->sent, 2);
    port = last_sport(w);
    assert_int_not_equal(port, 1234);
    assert_true(port >= 1024);
    sayf(w, "10.0.1.2:80 > 198.51.100.7:%u tcp S. seq 9 ack 2", port);
    assert_int_equal(last_sport(w), 8080);
    assert_int_equal(last_dport(w), 1234);
    END(w);
}

/* Linux nf_nat_redirect(): to the router's own address of that side. */
static void linux_redirect(void **state)
{
    struct world *w = WORLD("prerouting {\"in\":\"lan\",\"proto\":\"udp\","
                            "\"dport\":53,\"redirect\":5353}");

    (void)state;
    say(w, "10.0.1.2:4000 > 198.51.100.2:53 udp 'q'");
    TRACE(w, "[  0] 10.0.1.2:4000 > 198.51.100.2:53 udp: NEW\n"
             "      out lan 198.51.100.2 > 10.0.1.2 icmp 3/3 tos 192 df "
             "about {10.0.1.2:4000 > 198.51.100.2:53 udp}\n");
    FLOWS(w, "udp 30 10.0.1.2:4000 > 198.51.100.2:53 / 10.0.1.1:5353 > "
             "10.0.1.2:4000 UNREPLIED\n");
    END(w);
}

/* RFC 4787 REQ-9, REQ-9a, by its switch: an inside host meets another through
 * the outside address, and is seen with the outside address. */
static void rfc4787_req9_hairpin(void **state)
{
    struct world *w = WORLD("hairpin on; "
                            "prerouting {\"in\":\"wan\",\"proto\":\"udp\","
                            "\"dst\":\"198.51.100.1\",\"dport\":53,"
                            "\"dnat\":\"10.0.1.53:53\"}");

    (void)state;
    say(w, "10.0.1.7:4000 > 198.51.100.1:53 udp 'who'");
    say(w, "10.0.1.53:53 > 198.51.100.1:4000 udp 'me'");
    TRACE(w, "[  0] 10.0.1.7:4000 > 198.51.100.1:53 udp: NEW\n"
             "      out lan 198.51.100.1:4000 > 10.0.1.53:53 udp\n"
             "[  0] 10.0.1.53:53 > 198.51.100.1:4000 udp: ESTABLISHED\n"
             "      out lan 198.51.100.1:53 > 10.0.1.7:4000 udp\n");
    elapse(w, 30);
    TRACE(w, "[ 30] DESTROY udp 10.0.1.7:4000 > 198.51.100.1:53\n");
    END(w);
}

/* The server calls itself by its outside name. */
static void rfc4787_req9_hairpin_to_oneself(void **state)
{
    struct world *w = WORLD("hairpin on; "
                            "dnat udp 198.51.100.1:53 -> 10.0.1.53:53");

    (void)state;
    say(w, "10.0.1.53:4000 > 198.51.100.1:53 udp");
    say(w, "10.0.1.53:53 > 198.51.100.1:4000 udp");
    TRACE(w, "[  0] 10.0.1.53:4000 > 198.51.100.1:53 udp: NEW\n"
             "      out lan 198.51.100.1:4000 > 10.0.1.53:53 udp\n"
             "[  0] 10.0.1.53:53 > 198.51.100.1:4000 udp: ESTABLISHED\n"
             "      out lan 198.51.100.1:53 > 10.0.1.53:4000 udp\n");
    END(w);
}

/* Linux nf_nat_inet_fn(): a rule change touches new flows only. */
static void linux_flows_keep_their_mapping(void **state)
{
    struct world *w = WORLD("dnat udp 198.51.100.1:53 -> 10.0.1.2:53");

    (void)state;
    w->quiet = true;
    say(w, "198.51.100.7:1 > 198.51.100.1:53 udp");
    assert_int_equal(w->last[19], 2);
    reload(w, "dnat udp 198.51.100.1:53 -> 10.0.1.3:53");
    say(w, "198.51.100.7:1 > 198.51.100.1:53 udp");
    assert_int_equal(w->last[19], 2);
    say(w, "198.51.100.7:2 > 198.51.100.1:53 udp");
    assert_int_equal(w->last[19], 3);
    END(w);
}

/* P4: protocols without ports are flows of their own; two inside hosts cannot
 * both use one towards one server. */
static void p4_protocols_without_ports(void **state)
{
    struct world *w = WORLD("");
    uint64_t dropped;

    (void)state;
    w->quiet = true;
    for (unsigned proto = 0; proto < 256; proto++) {
        bool header = proto == 1 || proto == 6 || proto == 17;

        if (!header)
            sayf(w, "10.0.1.2 > 198.51.100.2 proto %u len 20", proto);
    }
    assert_int_equal(count_flows(w), w->sent);
    assert_true(w->sent > 240);
    dropped = w->dropped;
    say(w, "10.0.1.3 > 198.51.100.2 proto 99 len 20");
    assert_int_equal(stat_of(w, CT_STAT_insert_failed), 1);
    assert_int_equal(w->dropped, dropped + 1);
    END(w);
}

/* Linux nf_nat_l4proto_unique_tuple(): without a port to vary, a server is the
 * first host's alone, and its answers go there; another server is free, and so
 * is this one again when the flow is over. */
static void linux_portless_protocols_have_one_host_a_server(void **state)
{
    static const unsigned protos[] = {4, 41, 50, 51, 99, 103, 115};

    (void)state;
    for (unsigned i = 0; i < sizeof protos / sizeof *protos; i++) {
        struct world *w = WORLD("");
        unsigned p = protos[i];

        w->quiet = true;
        sayf(w, "10.0.1.2 > 198.51.100.2 proto %u len 20", p);
        sayf(w, "10.0.1.3 > 198.51.100.2 proto %u len 20", p);
        assert_int_equal(w->sent, 1);
        assert_int_equal(w->dropped, 1);
        assert_int_equal(w->why, CT_REASON_NO_PORT);
        assert_int_equal(count_flows(w), 1);
        sayf(w, "198.51.100.2 > 198.51.100.1 proto %u len 20", p);
        assert_int_equal(w->info, CT_ESTABLISHED);
        assert_int_equal(w->last[19], 2); /* to 10.0.1.2 */
        sayf(w, "10.0.1.3 > 198.51.100.3 proto %u len 20", p);
        assert_int_equal(w->info, CT_NEW);
        assert_int_equal(w->sent, 3);
        elapse(w, 600);
        sayf(w, "10.0.1.3 > 198.51.100.2 proto %u len 20", p);
        assert_int_equal(w->sent, 4);
        END(w);
    }
}

/* Linux get_unique_tuple(): what the router itself talks is in the same table;
 * a client's port gives way to it (S4). */
static void s4_clients_do_not_shadow_a_forward(void **state)
{
    struct world *w = WORLD("dnat tcp 198.51.100.1:8080 -> 10.0.1.2:80");

    (void)state;
    w->quiet = true;
    say(w, "198.51.100.7:443 > 198.51.100.1:8080 tcp S seq 1");
    say(w, "10.0.1.9:8080 > 198.51.100.7:443 tcp S seq 1");
    assert_int_not_equal(last_sport(w), 8080);
    say(w, "198.51.100.7:443 > 198.51.100.1:8080 tcp S seq 1");
    assert_int_equal(w->last[19], 2);
    END(w);
}

/* Linux nf_nat_masquerade.c: what is to be hidden behind an interface without
 * an address is dropped. */
static void linux_masquerade_without_an_address(void **state)
{
    struct world *w = WORLD("outside 2001:db8::1/64");

    (void)state;
    say(w, "10.0.1.2:4000 > 198.51.100.2:80 udp");
    TRACE(w, "[  0] 10.0.1.2:4000 > 198.51.100.2:80 udp: NEW\n"
             "      drop no_address\n");
    assert_int_equal(stat_of(w, CT_STAT_entries), 0);
    END(w);
}

/* Linux nf_nat_masquerade.c: of several addresses the one in whose subnet the
 * next hop is, behind a forward's target too; else the first. */
static void linux_masquerade_behind_the_nearest_address(void **state)
{
    struct world *w =
        WORLD("outside 198.51.100.1/24,203.0.113.1/24,2001:db8::1/64,"
              "2001:db8:5::1/64; dnat udp 9.9.9.9:80 -> 203.0.113.9:80");

    (void)state;
    say(w, "10.0.1.2:4000 > 203.0.113.9:53 udp");
    say(w, "10.0.1.2:4000 > 198.51.100.9:53 udp");
    say(w, "10.0.1.2:4000 > 8.8.8.8:53 udp");
    say(w, "10.0.1.2:5000 > 9.9.9.9:80 udp");
    say(w, "[fd00:1::2]:4000 > [2001:db8:5::9]:53 udp");
    say(w, "[fd00:1::2]:4000 > [2001:db8::9]:53 udp");
    TRACE(w, "[  0] 10.0.1.2:4000 > 203.0.113.9:53 udp: NEW\n"
             "      out wan 203.0.113.1:4000 > 203.0.113.9:53 udp\n"
             "[  0] 10.0.1.2:4000 > 198.51.100.9:53 udp: NEW\n"
             "      out wan 198.51.100.1:4000 > 198.51.100.9:53 udp\n"
             "[  0] 10.0.1.2:4000 > 8.8.8.8:53 udp: NEW\n"
             "      out wan 198.51.100.1:4000 > 8.8.8.8:53 udp\n"
             "[  0] 10.0.1.2:5000 > 9.9.9.9:80 udp: NEW\n"
             "      out wan 203.0.113.1:5000 > 203.0.113.9:80 udp\n"
             "[  0] [fd00:1::2]:4000 > [2001:db8:5::9]:53 udp: NEW\n"
             "      out wan [2001:db8:5::1]:4000 > [2001:db8:5::9]:53 udp\n"
             "[  0] [fd00:1::2]:4000 > [2001:db8::9]:53 udp: NEW\n"
             "      out wan [2001:db8::1]:4000 > [2001:db8::9]:53 udp\n");
    END(w);
}

/* Linux nf_nat_masquerade.c: an address that is deleted takes the flows hidden
 * behind it, those behind the interface's others stay. */
static void linux_only_the_address_that_goes_takes_flows(void **state)
{
    struct world *w = WORLD("outside 198.51.100.1/24,203.0.113.1/24");

    (void)state;
    w->quiet = true;
    say(w, "10.0.1.2:4000 > 203.0.113.9:53 udp");
    say(w, "10.0.1.2:4000 > 198.51.100.9:53 udp");
    say(w, "10.0.1.2:4000 > 8.8.8.8:53 udp");
    reload(w, "outside 198.51.100.1/24");
    FLOWS(w, "udp 30 10.0.1.2:4000 > 198.51.100.9:53 / "
             "198.51.100.9:53 > 198.51.100.1:4000 UNREPLIED\n"
             "udp 30 10.0.1.2:4000 > 8.8.8.8:53 / "
             "8.8.8.8:53 > 198.51.100.1:4000 UNREPLIED\n");
    END(w);
}

/* Linux nf_nat_masquerade.c: a masqueraded flow ends when its route changes,
 * and the packet is dropped; the next packet begins a new flow. */
static void linux_masquerade_by_another_interface(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    say(w, "10.0.1.2:4000 > 203.0.113.5:80 udp");
    TRACE(w, "[  0] 10.0.1.2:4000 > 203.0.113.5:80 udp: NEW\n"
             "      out wan 198.51.100.1:4000 > 203.0.113.5:80 udp\n");
    reload(w, "inside 10.0.1.1/24,203.0.113.1/24");
    say(w, "10.0.1.2:4000 > 203.0.113.5:80 udp");
    say(w, "10.0.1.2:4000 > 203.0.113.5:80 udp");
    TRACE(w, "[  0] 10.0.1.2:4000 > 203.0.113.5:80 udp: NEW\n"
             "      drop oif_changed\n"
             "      DESTROY udp 10.0.1.2:4000 > 203.0.113.5:80\n"
             "[  0] 10.0.1.2:4000 > 203.0.113.5:80 udp: NEW\n"
             "      out lan 10.0.1.2:4000 > 203.0.113.5:80 udp\n");
    END(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(linux_port_is_preserved),
        STORY(rfc4787_req3a_port_classes),
        STORY(rfc4787_req1_endpoint_independent),
        STORY(linux_two_clients_one_port),
        STORY(linux_ports_are_shared_between_destinations),
        STORY(weir_ports_are_exclusive),
        STORY(s5_reply_tuples_are_unique),
        STORY(u5_ports_exhausted),
        STORY(u5_the_last_free_port_is_found),
        STORY(linux_dnat),
        STORY(linux_dnat_port_range),
        STORY(linux_dnat_range_of_outside_ports),
        STORY(linux_null_binding_rewrites_the_client_port),
        STORY(linux_redirect),
        STORY(rfc4787_req9_hairpin),
        STORY(rfc4787_req9_hairpin_to_oneself),
        STORY(linux_flows_keep_their_mapping),
        STORY(p4_protocols_without_ports),
        STORY(linux_portless_protocols_have_one_host_a_server),
        STORY(s4_clients_do_not_shadow_a_forward),
        STORY(linux_masquerade_without_an_address),
        STORY(linux_masquerade_behind_the_nearest_address),
        STORY(linux_only_the_address_that_goes_takes_flows),
        STORY(linux_masquerade_by_another_interface),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
