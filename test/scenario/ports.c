/* ports.c - outside ports under attack: what is bounded, who may have what
 *
 * "Bounded" is by steps (ctcore/base/work.h): no packet takes more than
 * RIG_WORK_MAX. */
#include "calm.h"

#include "core/core.h"
#include "helper_talk.h"

#include <string.h>
#define REMOTE "198.51.100.2:80"

static void bounded(const struct world *w)
{
    assert_in_range(stat_of(w, CT_STAT_work_max), 1, RIG_WORK_MAX);
}

/* An answered flow of that host comes and goes: the remote resets it. */
static void come_and_go(struct world *w, const char *host, unsigned sport,
                        const char *remote)
{
    uint64_t sent = w->sent;
    unsigned port;

    sayf(w, "%s:%u > %s tcp S seq 1000", host, sport, remote);
    if (w->sent == sent)
        return;
    port = last_sport(w);
    sayf(w, "%s > 198.51.100.1:%u tcp S. seq 7 ack 1001", remote, port);
    sayf(w, "%s:%u > %s tcp . seq 1001 ack 8", host, sport, remote);
    sayf(w, "%s > 198.51.100.1:%u tcp R seq 8", remote, port);
}

/* One host has all of a class by its own ports, towards one remote.  Who comes
 * next is refused at little cost, time after time, though a port towards
 * another remote is given back between. */
static void a_full_class_costs_little(void **state)
{
    struct world *w = WORLD("max 131072; buckets 131072");
    uint64_t before;

    (void)state;
    alone(w); /* ports are divided */
    w->quiet = true;
    for (unsigned p = 1024; p < 65536; p++)
        sayf(w, "10.0.1.2:%u > " REMOTE " tcp S seq 1", p);
    assert_int_equal(w->sent, 64512);
    before = stat_of(w, CT_STAT_found);
    for (unsigned i = 0; i < 50; i++) {
        uint64_t sent = w->sent;

        sayf(w, "10.0.1.3:%u > " REMOTE " tcp S seq 1", 5000 + i);
        assert_int_equal(w->why, CT_REASON_NO_PORT);
        assert_int_equal(w->sent, sent);
        sayf(w, "10.0.1.4:%u > 198.51.100.9:9 tcp S seq 1", 5000 + i);
        sayf(w, "198.51.100.9:9 > 198.51.100.1:%u tcp R. seq 0 ack 2",
             last_sport(w));
    }
    assert_true(stat_of(w, CT_STAT_found) - before < 50 * 400);
    /* the only one that is given back is found */
    sayf(w, REMOTE " > 198.51.100.1:%u tcp R. seq 0 ack 2", 31234);
    say(w, "10.0.1.3:7 > " REMOTE " tcp S seq 1");
    say(w, "10.0.1.3:7777 > " REMOTE " tcp S seq 1");
    assert_int_equal(last_sport(w), 31234);
    bounded(w);
    END(w);
}

/* The same of a rule's range. */
static void a_full_range_costs_little(void **state)
{
    struct world *w = WORLD("max 65536; buckets 65536; "
                            "masquerade 20000-39999; inside 10.0.1.1/16");

    (void)state;
    alone(w); /* ports are divided */
    w->quiet = true;
    for (unsigned i = 0; i < 20000; i++)
        sayf(w, "10.0.%u.%u:4000 > " REMOTE " udp", 2 + i / 200, 1 + i % 200);
    assert_int_equal(w->sent, 20000);
    for (unsigned i = 0; i < 20; i++) {
        sayf(w, "10.0.200.%u:4000 > " REMOTE " udp", 2 + i);
        assert_int_equal(w->why, CT_REASON_NO_PORT);
    }
    assert_int_equal(w->sent, 20000);
    bounded(w);
    END(w);
}

/* Reserved ports are stepped over whichever they are, and what is reserved no
 * more is found. */
static void reserved_ports_are_stepped_over(void **state)
{
    static struct ct_reserved tcp;
    struct world *w = WORLD("max 8192; buckets 8192; masquerade 20000-21999; "
                            "inside 10.0.1.1/16");
    unsigned open = 0;

    (void)state;
    alone(w); /* it reserves by hand */
    w->quiet = true;
    for (unsigned p = 20000; p < 22000; p++)
        if (p % 3 == 0 || (p > 20500 && p < 21700))
            tcp.word[p >> 6] |= 1ull << (p & 63);
        else
            open++;
    ct_set_reserved(w->rig.ct, &tcp, NULL);
    for (unsigned i = 0; i < open; i++) {
        sayf(w, "10.0.%u.%u:4000 > " REMOTE " tcp S seq 1", 2 + i / 200,
             1 + i % 200);
        assert_int_equal(w->sent, i + 1);
        assert_false(tcp.word[last_sport(w) >> 6] >> (last_sport(w) & 63) & 1);
    }
    refuse(w, "10.0.99.1:4000 > " REMOTE " tcp S seq 1");
    assert_int_equal(w->why, CT_REASON_NO_PORT);
    refuse(w, "10.0.99.1:4000 > " REMOTE " tcp S seq 1");
    tcp.word[21111 >> 6] &= ~(1ull << (21111 & 63));
    say(w, "10.0.99.1:4000 > " REMOTE " tcp S seq 1");
    assert_int_equal(last_sport(w), 21111);
    bounded(w);
    END(w);
}

/* A helper offers no server a port of the router's own listener; and when the
 * flows are over none is listened to. */
static void a_helper_offers_no_reserved_port(void **state)
{
    static struct ct_reserved tcp;
    struct world *w = WORLD("tune extensions 64; prerouting {\"proto\":\"tcp\","
                            "\"dport\":21,\"helper\":\"ftp\"}");
    struct talk t = {.w = w,
                     .from = "10.0.1.2:4000",
                     .to = "198.51.100.2:21",
                     .server = "198.51.100.2:21",
                     .back = "198.51.100.1:4000",
                     .by = "wan",
                     .at = "lan"};

    (void)state;
    alone(w); /* it reserves by hand */
    w->quiet = true;
    tcp.word[5001 >> 6] = UINT64_C(1) << (5001 & 63);
    ct_set_reserved(w->rig.ct, &tcp, NULL);
    shake_hands(&t);
    assert_true(tell(&t, 1, "220 hello\r\n"));
    assert_true(tell(&t, 0, "USER anonymous\r\n"));
    assert_true(tell(&t, 1, "230 in\r\n"));
    assert_true(tell(&t, 0, "PORT 10,0,1,2,19,137\r\n"));
    assert_non_null(strstr(payload(w), "PORT 198,51,100,1,"));
    assert_null(strstr(payload(w), ",19,137"));
    assert_int_equal(w->rig.ct->helped, 1);
    ct_flush(w->rig.ct);
    assert_int_equal(w->rig.ct->helped, 0);
    END(w);
}

/* The router's own socket has the port from here on: its next packet goes by
 * another one, and what comes is the router's. */
static void a_taken_port_ends_its_flow(void **state)
{
    static struct ct_reserved udp;
    struct world *w = WORLD("");

    (void)state;
    alone(w); /* it takes by hand */
    say(w, "10.0.1.2:1194 > " REMOTE " udp 'x'");
    assert_int_equal(last_sport(w), 1194);
    say(w, "10.0.1.3:1195 > " REMOTE " udp 'x'");
    udp.word[1194 >> 6] = 1ull << (1194 & 63);
    ct_set_reserved(w->rig.ct, NULL, &udp);
    say(w, "10.0.1.2:1194 > " REMOTE " udp 'x'");
    assert_int_equal(last_sport(w), 1194); /* flows keep what they have */
    ct_set_taken(w->rig.ct, NULL, &udp);
    say(w, "10.0.1.2:1194 > " REMOTE " udp 'x'");
    assert_int_not_equal(last_sport(w), 1194);
    say(w, "10.0.1.3:1195 > " REMOTE " udp 'x'");
    assert_int_equal(last_sport(w), 1195);
    END(w);
}

/* Sockets are at the router's own addresses: what is hidden behind another one
 * stays. */
static void a_taken_port_is_the_routers_own(void **state)
{
    static struct ct_reserved tcp;
    struct world *w = WORLD("postrouting {\"out\":\"wan\",\"src\":"
                            "\"10.0.1.2\",\"snat\":\"198.51.100.77\"}; "
                            "masquerade on");

    (void)state;
    alone(w); /* it takes by hand */
    say(w, "10.0.1.2:4000 > " REMOTE " tcp S seq 1");
    assert_int_equal(last_sport(w), 4000);
    say(w, "10.0.1.3:4000 > " REMOTE " tcp S seq 1");
    assert_int_equal(last_sport(w), 4000);
    tcp.word[4000 >> 6] = 1ull << (4000 & 63);
    ct_set_reserved(w->rig.ct, &tcp, NULL);
    ct_set_taken(w->rig.ct, &tcp, NULL);
    say(w, "10.0.1.2:4000 > " REMOTE " tcp S seq 1");
    assert_int_equal(last_sport(w), 4000);
    say(w, "10.0.1.3:4000 > " REMOTE " tcp S seq 1");
    assert_int_not_equal(last_sport(w), 4000);
    END(w);
}

/* A range that was full of forwards is open at once when these are gone. */
static void a_forward_that_goes_frees_its_ports(void **state)
{
    struct world *w = WORLD(
        "profile weir; masquerade 30000-30999; "
        "prerouting {\"in\":\"wan\",\"proto\":\"udp\",\"dst\":\"198.51.100.1\","
        "\"dport\":\"1024-65535\",\"dnat\":\"10.0.1.50\"}");

    (void)state;
    alone(w); /* ports are divided */
    w->quiet = true;
    refuse(w, "10.0.1.3:4000 > " REMOTE " udp");
    assert_int_equal(w->why, CT_REASON_NO_PORT);
    ct_set_steer(w->rig.ct, NULL);
    for (unsigned i = 0; i < 1000; i++) {
        sayf(w, "10.0.1.%u:%u > " REMOTE " udp", 2 + i / 50, 4000 + i);
        assert_int_equal(w->sent, i + 1);
    }
    bounded(w);
    END(w);
}

/* SYN and RST by one host, a thousand times, through a pool of 64 ports:
 * flows that were never answered keep no port. */
static void what_was_never_answered_does_not_rest(void **state)
{
    struct world *w = WORLD("profile weir; masquerade 5000-5063");

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < 1000; i++) {
        sayf(w, "10.0.1.2:%u > " REMOTE " tcp S seq 1000", 6000 + i);
        sayf(w, "10.0.1.2:%u > " REMOTE " tcp R seq 1001", 6000 + i);
    }
    elapse(w, 11);
    assert_int_equal(count_flows(w), 0);
    for (unsigned i = 0; i < 10; i++) {
        uint64_t sent = w->sent;

        sayf(w, "10.0.1.%u:7000 > " REMOTE " tcp S seq 1000", 10 + i);
        assert_int_equal(w->sent, sent + 1);
    }
    END(w);
}

/* What rests counts in its host's share; when the share is used up the host's
 * oldest rest ends, and no flow is refused. */
static void rests_are_part_of_a_share(void **state)
{
    struct world *w = WORLD("profile weir; masquerade 5000-5099; "
                            "timeout tcp_close 1");
    uint64_t sent;

    (void)state;
    alone(w); /* ports are divided */
    w->quiet = true;
    for (unsigned i = 0; i < 1000; i++) {
        come_and_go(w, "10.0.1.2", 6000 + i, REMOTE);
        if (i % 32 == 31)
            elapse(w, 2);
    }
    assert_int_equal(stat_of(w, CT_STAT_source_share), 0);
    assert_int_equal(stat_of(w, CT_STAT_no_port), 0);
    /* it has 64 at most: 36 are left for others at once */
    sent = w->sent;
    for (unsigned i = 0; i < 36; i++)
        sayf(w, "10.0.1.%u:7000 > " REMOTE " tcp S seq 1000", 10 + i);
    assert_int_equal(w->sent, sent + 36);
    END(w);
}

/* A whole range that rests costs the next host no scan. */
static void a_range_that_rests_costs_little(void **state)
{
    struct world *w = WORLD("profile rfc; tune source_share 0; max 65536; "
                            "buckets 65536; masquerade 20000-21999");
    uint64_t sent;

    (void)state;
    alone(w); /* ports are divided */
    w->quiet = true;
    for (unsigned i = 0; i < 2000; i++)
        come_and_go(w, "10.0.1.2", 6000 + i, REMOTE);
    elapse(w, 241);
    assert_int_equal(count_flows(w), 0);
    sent = w->sent;
    for (unsigned i = 0; i < 20; i++)
        sayf(w, "10.0.1.3:%u > " REMOTE " tcp S seq 1000", 6000 + i);
    assert_int_equal(w->sent, sent);
    assert_int_equal(stat_of(w, CT_STAT_no_port), 20);
    bounded(w);
    /* towards another remote all are open, and later towards this one */
    say(w, "10.0.1.3:6000 > 198.51.100.3:80 tcp S seq 1000");
    assert_int_equal(w->sent, sent + 1);
    elapse(w, 121);
    say(w, "10.0.1.3:6001 > " REMOTE " tcp S seq 1000");
    assert_int_equal(w->sent, sent + 2);
    END(w);
}

/* One host's thousand rests end no other's. */
static void one_host_can_not_end_anothers_rest(void **state)
{
    struct world *w = WORLD("profile weir; max 1024; buckets 1024; "
                            "timeout tcp_close 1");

    (void)state;
    w->quiet = true;
    come_and_go(w, "10.0.1.9", 4000, REMOTE);
    for (unsigned i = 0; i < 1000; i++) {
        come_and_go(w, "10.0.1.2", 6000 + i, "198.51.100.3:80");
        if (i % 32 == 31)
            elapse(w, 2);
    }
    say(w, "10.0.1.3:4000 > " REMOTE " tcp S seq 1000");
    assert_int_not_equal(last_sport(w), 4000);
    say(w, "10.0.1.9:4000 > " REMOTE " tcp S seq 1000");
    assert_int_equal(last_sport(w), 4000);
    END(w);
}

/* A tenant's host is not another tenant's of the same address. */
static void a_rest_is_its_tenants(void **state)
{
    struct world *w =
        WORLD("profile weir; tune strict_source 0; masquerade 5000-5001; "
              "tenant red 10.9.0.1/24; tenant blue 10.9.1.1/24; "
              "prerouting {\"in\":\"red\",\"set_zone_orig\":1}; "
              "prerouting {\"in\":\"blue\",\"set_zone_orig\":2}");

    (void)state;
    alone(w); /* ports are divided */
    w->quiet = true;
    say(w, "10.9.0.5:5000 > " REMOTE " udp @red");
    assert_int_equal(last_sport(w), 5000);
    say(w, REMOTE " > 198.51.100.1:5000 udp");
    elapse(w, 31);
    assert_int_equal(count_flows(w), 0);
    say(w, "10.9.0.5:5000 > " REMOTE " udp @blue");
    assert_int_equal(last_sport(w), 5001);
    say(w, "10.9.0.5:5000 > " REMOTE " udp @red");
    assert_int_equal(last_sport(w), 5000);
    /* nor is what is past its time, and has not ended yet */
    say(w, REMOTE " > 198.51.100.1:5000 udp");
    w->rig.now.ms += 30500;
    say(w, "10.9.0.5:5000 > " REMOTE " udp @blue");
    assert_int_equal(last_sport(w), 5001);
    END(w);
}

/* Between its time and its end, up to a second later, a flow's port is not open
 * to another host either; its own host keeps it. */
static void a_flow_past_its_time_holds_its_port(void **state)
{
    struct world *w = WORLD("profile weir; masquerade 5000-5000");

    (void)state;
    w->quiet = true;
    say(w, "10.0.1.2:5000 > " REMOTE " udp");
    say(w, REMOTE " > 198.51.100.1:5000 udp");
    w->rig.now.ms += 30500; /* no tick yet */
    say(w, "10.0.1.3:5000 > " REMOTE " udp");
    assert_int_equal(w->why, CT_REASON_NO_PORT);
    say(w, "10.0.1.2:5000 > " REMOTE " udp");
    assert_int_equal(last_sport(w), 5000);
    say(w, REMOTE " > 198.51.100.1:5000 udp");
    assert_int_equal(w->last[19], 2);
    END(w);
}

static void close_properly(struct world *w, const char *host, unsigned sport,
                           unsigned outside)
{
    sayf(w, "%s:%u > " REMOTE " tcp S seq 1000", host, sport);
    sayf(w, REMOTE " > 198.51.100.1:%u tcp S. seq 5000 ack 1001", outside);
    sayf(w, "%s:%u > " REMOTE " tcp . seq 1001 ack 5001", host, sport);
    sayf(w, "%s:%u > " REMOTE " tcp F. seq 1001 ack 5001", host, sport);
    sayf(w, REMOTE " > 198.51.100.1:%u tcp F. seq 5001 ack 1002", outside);
    sayf(w, "%s:%u > " REMOTE " tcp . seq 1002 ack 5002", host, sport);
}

/* Where ports rest a closed flow is taken over by its own host alone: no other
 * host would get its port, so none ends it. */
static void a_closed_flow_ends_for_nothing_less_than_its_port(void **state)
{
    static const char *const profiles[] = {"weir", "rfc", "linux"};

    (void)state;
    for (int i = 0; i < 3; i++) {
        char text[80];
        struct world *w;

        snprintf(text, sizeof text, "profile %s; masquerade 5000-5000",
                 profiles[i]);
        w = WORLD(text);
        w->quiet = true;
        close_properly(w, "10.0.1.2", 4000, 5000);
        assert_int_equal(count_flows(w), 1);
        say(w, "10.0.1.3:4001 > " REMOTE " tcp S seq 9000");
        assert_int_equal(w->dropped, i < 2);
        assert_int_equal(stat_of(w, CT_STAT_destroyed), i == 2);
        if (i < 2) {
            say(w, "10.0.1.2:4002 > " REMOTE " tcp S seq 9000");
            assert_int_equal(last_sport(w), 5000);
            assert_int_equal(w->dropped, 1);
        }
        END(w);
    }
}

/* A pool of 64 addresses with one port each serves 64 hosts. */
static void every_address_of_a_pool_is_tried(void **state)
{
    struct world *w =
        WORLD("masquerade off; postrouting {\"out\":\"wan\",\"proto\":\"udp\","
              "\"snat\":\"203.0.113.0-203.0.113.63:5000-5000\"}");

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < 64; i++) {
        sayf(w, "10.0.1.%u:4000 > " REMOTE " udp", 2 + i);
        assert_int_equal(w->sent, i + 1);
    }
    refuse(w, "10.0.1.99:4000 > " REMOTE " udp");
    bounded(w);
    END(w);
}

/* A pool of a /16, all of whose addresses are full towards a remote as far as
 * anyone looks: steps are bounded, too. */
static void a_large_pool_is_tried_within_bounds(void **state)
{
    struct world *w =
        WORLD("max 16384; buckets 16384; inside 10.0.1.1/16; "
              "masquerade off; postrouting {\"out\":\"wan\",\"proto\":\"udp\","
              "\"snat\":\"203.0.0.0-203.0.15.255:5000-5000\"}");

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < 4400; i++)
        sayf(w, "10.0.%u.%u:4000 > " REMOTE " udp", 2 + i / 200, 1 + i % 200);
    assert_in_range(w->sent, 3600, 4096);
    bounded(w);
    END(w);
}

/* Strangers whose forwarded flows clash need no port map: exclusive ports stay
 * exclusive for hosts. */
static void strangers_use_up_no_port_maps(void **state)
{
    struct world *w =
        WORLD("profile weir; dnat udp 198.51.100.1:8080 -> 10.0.1.2:80; "
              "dnat udp 198.51.100.1:8081 -> 10.0.1.2:80");
    static uint8_t used[65536];

    (void)state;
    memset(used, 0, sizeof used);
    w->quiet = true;
    for (unsigned i = 0; i < 16; i++) {
        sayf(w, "203.0.113.%u:1234 > 198.51.100.1:8080 udp", 2 + i);
        sayf(w, "203.0.113.%u:1234 > 198.51.100.1:8081 udp", 2 + i);
        assert_int_not_equal(last_sport(w), 1234);
    }
    assert_int_equal(w->sent, 32);
    for (unsigned i = 0; i < 100; i++) {
        sayf(w, "10.0.1.%u:4000 > 198.51.100.%u:53 udp", 10 + i, 2 + i);
        assert_int_equal(used[last_sport(w)]++, 0);
    }
    assert_int_equal(stat_of(w, CT_STAT_portmaps_full), 0);
    END(w);
}

/* More addresses than maps: counted, and flows go on. */
static void port_maps_that_run_out_are_counted(void **state)
{
    struct world *w =
        WORLD("profile weir; masquerade off; postrouting {\"out\":\"wan\","
              "\"proto\":\"udp\",\"snat\":\"203.0.113.0-203.0.113.31\"}");

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < 200; i++)
        sayf(w, "10.0.1.%u:4000 > " REMOTE " udp", 2 + i);
    assert_int_equal(w->sent, 200);
    assert_true(stat_of(w, CT_STAT_portmaps_full) > 0);
    END(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(a_full_class_costs_little),
        STORY(a_full_range_costs_little),
        STORY(reserved_ports_are_stepped_over),
        STORY(a_helper_offers_no_reserved_port),
        STORY(a_taken_port_ends_its_flow),
        STORY(a_taken_port_is_the_routers_own),
        STORY(a_forward_that_goes_frees_its_ports),
        STORY(what_was_never_answered_does_not_rest),
        STORY(rests_are_part_of_a_share),
        STORY(a_range_that_rests_costs_little),
        STORY(one_host_can_not_end_anothers_rest),
        STORY(a_rest_is_its_tenants),
        STORY(a_flow_past_its_time_holds_its_port),
        STORY(a_closed_flow_ends_for_nothing_less_than_its_port),
        STORY(every_address_of_a_pool_is_tried),
        STORY(a_large_pool_is_tried_within_bounds),
        STORY(strangers_use_up_no_port_maps),
        STORY(port_maps_that_run_out_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
