/* zones.c - the same addresses, twice: zones keep flows apart */
#include "world.h"

#include <string.h>

#define LAN2             "tenant lan2 10.0.1.254/24; "
#define ZONE(in, key, n) "prerouting {\"in\":\"" in "\",\"" key "\":" #n "}; "
#define TENANTS                                                                \
    LAN2 ZONE("lan", "set_zone_orig", 1) ZONE("lan2", "set_zone_orig", 2)

/* Overlapping tenants share one outside, by other ports. */
static void tenants_with_the_same_addresses(void **state)
{
    struct world *w = WORLD(TENANTS);

    (void)state;
    say(w, "10.0.1.2:4000 > 198.51.100.2:53 udp 'a' @lan");
    TRACE(w, "[  0] 10.0.1.2:4000 > 198.51.100.2:53 udp: NEW\n"
             "      out wan 198.51.100.1:4000 > 198.51.100.2:53 udp\n");
    w->quiet = true;
    say(w, "10.0.1.2:4000 > 198.51.100.2:53 udp 'b' @lan2");
    assert_int_equal(w->info, CT_NEW);
    assert_int_equal(count_flows(w), 2);
    assert_int_not_equal(last_sport(w), 4000);
    w->quiet = false;
    /* Each answer goes to whom it belongs. */
    uint16_t second = last_sport(w);
    say(w, "198.51.100.2:53 > 198.51.100.1:4000 udp 'A'");
    TRACE(w, "[  0] 198.51.100.2:53 > 198.51.100.1:4000 udp: ESTABLISHED\n"
             "      out lan 198.51.100.2:53 > 10.0.1.2:4000 udp\n");
    w->events = false;
    sayf(w, "198.51.100.2:53 > 198.51.100.1:%u udp 'B'", second);
    assert_non_null(strstr(w->text, "ESTABLISHED\n"));
    assert_non_null(
        strstr(w->text, "out lan2 198.51.100.2:53 > 10.0.1.2:4000 udp\n"));
    END(w);
}

/* A flow of one zone both ways is not met by an answer without it. */
static void an_answer_without_the_zone(void **state)
{
    struct world *w = WORLD(ZONE("lan", "set_zone", 5));

    (void)state;
    w->quiet = true;
    say(w, "10.0.1.2:4000 > 198.51.100.2:53 udp 'a'");
    say(w, "198.51.100.2:53 > 198.51.100.1:4000 udp 'A'");
    assert_int_equal(w->info, CT_NEW);
    END(w);

    w = WORLD(ZONE("lan", "set_zone", 5) ZONE("wan", "set_zone", 5));
    w->quiet = true;
    say(w, "10.0.1.2:4000 > 198.51.100.2:53 udp 'a'");
    say(w, "198.51.100.2:53 > 198.51.100.1:4000 udp 'A'");
    assert_int_equal(w->info, CT_ESTABLISHED);
    assert_int_equal(count_flows(w), 1);
    END(w);
}

/* Two zones, each of one direction: packets from the answering side bear the
 * original zone, too, and are known by the other. */
static void a_zone_for_each_direction(void **state)
{
    struct world *w = WORLD("prerouting {\"set_zone_orig\":3}; "
                            "prerouting {\"set_zone_reply\":4}; "
                            "forward {\"zone\":\"!3\",\"verdict\":\"drop\"}");

    (void)state;
    w->quiet = true;
    say(w, "10.0.1.2:4000 > 198.51.100.2:53 udp 'a'");
    assert_int_equal(w->info, CT_NEW);
    say(w, "198.51.100.2:53 > 198.51.100.1:4000 udp 'A'");
    assert_int_equal(w->info, CT_ESTABLISHED);
    say(w, "10.0.1.2:4000 > 198.51.100.2:53 udp 'a'");
    assert_int_equal(w->info, CT_ESTABLISHED);
    assert_int_equal(w->sent, 3);
    assert_int_equal(count_flows(w), 1);
    END(w);
}

/* An error about a flow of a tenant finds it, and him. */
static void errors_find_their_tenant(void **state)
{
    struct world *w = WORLD(TENANTS);

    (void)state;
    w->quiet = true;
    say(w, "10.0.1.2:4000 > 198.51.100.2:53 udp 'a' @lan2");
    w->quiet = false;
    say(w, "192.0.2.9 > 198.51.100.1 icmp 3/1 about {198.51.100.1:4000 > "
           "198.51.100.2:53 udp 'a'} @wan");
    assert_int_equal(w->info, CT_RELATED);
    assert_non_null(strstr(w->text, "out lan2 192.0.2.9 > 10.0.1.2 "));
    END(w);
}

/* What the router itself says goes back to who asked. */
static void the_router_answers_whom_it_heard(void **state)
{
    struct world *w = WORLD(TENANTS);

    (void)state;
    say(w, "10.0.1.2 > 10.0.1.1 icmp echo id 1 seq 1 @lan2");
    assert_non_null(strstr(w->text, "out lan2 10.0.1.1 > 10.0.1.2 "));
    w->text_len = 0;
    say(w, "10.0.1.2:4000 > 198.51.100.2:53 udp ttl 1 'a' @lan2");
    assert_non_null(strstr(w->text, "out lan2 "));
    assert_null(strstr(w->text, "out lan "));
    END(w);
}

/* An address that both tenants have is ambiguous from outside: only answers to
 * their flows reach it. */
static void strangers_have_no_way_to_a_shared_network(void **state)
{
    struct world *w = WORLD(TENANTS);

    (void)state;
    w->quiet = true;
    say(w, "198.51.100.2:53 > 10.0.1.2:4000 udp 'x'");
    assert_int_equal(w->why, CT_REASON_NO_ROUTE);
    assert_int_equal(stat_of(w, CT_STAT_entries), 0); /* nothing is left */
    END(w);
}

/* Profile weir looks whether a source is where it belongs: it is, twice. */
static void tenants_are_no_spoofers(void **state)
{
    struct world *w = WORLD("profile weir; " TENANTS);

    (void)state;
    w->quiet = true;
    say(w, "10.0.1.2:4000 > 198.51.100.2:53 udp 'a' @lan");
    say(w, "10.0.1.2:4000 > 198.51.100.2:53 udp 'a' @lan2");
    assert_int_equal(w->sent, 2);
    say(w, "10.0.1.2:4000 > 198.51.100.2:53 udp 'a' @wan");
    assert_int_equal(w->why, CT_REASON_SPOOFED);
    END(w);
}

/* One source behind two answer zones by the same port: two mappings, which
 * must leave their chains in any order. */
static void mappings_of_two_answer_zones(void **state)
{
    struct world *w =
        WORLD("timeout udp 5; prerouting {\"proto\":\"udp\",\"dport\":53,"
              "\"set_zone_reply\":7}");

    (void)state;
    w->quiet = true;
    say(w, "10.0.1.2:4000 > 198.51.100.2:52 udp 'a'");
    assert_int_equal(last_sport(w), 4000);
    elapse(w, 3);
    say(w, "10.0.1.2:4000 > 198.51.100.2:53 udp 'a'");
    assert_int_equal(last_sport(w), 4000);
    assert_int_equal(stat_of(w, CT_STAT_mappings), 2);
    elapse(w, 3);
    assert_int_equal(stat_of(w, CT_STAT_mappings), 1);
    elapse(w, 3);
    assert_int_equal(stat_of(w, CT_STAT_mappings), 0);
    say(w, "10.0.1.2:4000 > 198.51.100.2:53 udp 'a'");
    assert_int_equal(stat_of(w, CT_STAT_mappings), 1);
    END(w);
}

/* nat.hairpin: by its mapping a tenant's host is reached by another tenant, and
 * by the next host of its own network: at the side where the mapping is. */
static void a_tenant_is_reached_by_its_mapping(void **state)
{
    struct world *w = WORLD("hairpin on; " TENANTS);

    (void)state;
    w->quiet = true;
    say(w, "10.0.1.2:4000 > 198.51.100.2:53 udp 'a' @lan2");
    assert_int_equal(last_sport(w), 4000);
    w->quiet = false;
    say(w, "10.0.1.3:5000 > 198.51.100.1:4000 udp 'b' @lan");
    say(w, "10.0.1.2:4000 > 198.51.100.1:5000 udp 'B' @lan2");
    say(w, "10.0.1.3:5000 > 198.51.100.1:4000 udp 'b' @lan");
    say(w, "10.0.1.7:7000 > 198.51.100.1:4000 udp 'c' @lan2");
    TRACE(w, "[  0] 10.0.1.3:5000 > 198.51.100.1:4000 udp: NEW\n"
             "      out lan2 198.51.100.1:5000 > 10.0.1.2:4000 udp\n"
             "[  0] 10.0.1.2:4000 > 198.51.100.1:5000 udp: ESTABLISHED\n"
             "      out lan 198.51.100.1:4000 > 10.0.1.3:5000 udp\n"
             "[  0] 10.0.1.3:5000 > 198.51.100.1:4000 udp: ESTABLISHED\n"
             "      out lan2 198.51.100.1:5000 > 10.0.1.2:4000 udp\n"
             "[  0] 10.0.1.7:7000 > 198.51.100.1:4000 udp: NEW\n"
             "      out lan2 198.51.100.1:7000 > 10.0.1.2:4000 udp\n");
    END(w);
}

/* A tenant's mapping is not another one's of the same address and port.  The
 * table has room for all in each of four shards. */
static void mappings_are_a_tenants_own(void **state)
{
    struct world *w = WORLD("max 512; buckets 512; " TENANTS);

    (void)state;
    alone(w);
    w->quiet = true;
    for (unsigned port = 4000; port < 4025; port++) {
        uint16_t second;

        sayf(w, "10.0.1.2:%u > 198.51.100.2:53 udp 'a' @lan", port);
        assert_int_equal(last_sport(w), port);
        sayf(w, "10.0.1.2:%u > 198.51.100.2:53 udp 'a' @lan2", port);
        second = last_sport(w);
        assert_int_not_equal(second, port);
        sayf(w, "10.0.1.2:%u > 198.51.100.3:53 udp 'a' @lan2", port);
        assert_int_equal(last_sport(w), second);
        sayf(w, "10.0.1.2:%u > 198.51.100.3:53 udp 'a' @lan", port);
        assert_int_equal(last_sport(w), port);
    }
    END(w);
}

/* Two zones towards one remote: the one is full, exactly, the other has every
 * port; what ends in the one frees nothing in the other. */
static void zones_do_not_fill_each_other(void **state)
{
    enum { MORE = 100 }; /* than a remote's uses that are not marked */
    struct world *w = WORLD("max 131072; buckets 131072; " LAN2 ZONE(
        "lan", "set_zone", 5) ZONE("lan2", "set_zone", 6));

    (void)state;
    alone(w);
    w->quiet = true;
    for (unsigned port = 1024; port < 65536; port++)
        sayf(w, "10.0.1.2:%u > 198.51.100.2:53 udp @lan", port);
    assert_int_equal(count_flows(w), 64512);
    say(w, "10.0.1.3:5000 > 198.51.100.2:53 udp @lan");
    assert_int_equal(w->why, CT_REASON_NO_PORT);
    say(w, "10.0.1.3:5000 > 198.51.100.2:53 udp @lan2");
    assert_int_equal(last_sport(w), 5000);
    for (unsigned i = 0; i < MORE; i++) {
        sayf(w, "10.0.1.%u:5000 > 198.51.100.2:53 udp @lan2", 4 + i);
        assert_int_not_equal(last_sport(w), 5000);
        assert_int_equal(count_flows(w), 64514 + i);
    }
    for (uint32_t slot = 64512; slot < 64513 + MORE; slot++)
        assert_true(ct_delete(w->rig.ct, slot, 0) ||
                    ct_delete(w->rig.ct, slot, 1));
    say(w, "10.0.1.3:5001 > 198.51.100.2:53 udp @lan");
    assert_int_equal(w->why, CT_REASON_NO_PORT);
    assert_int_equal(stat_of(w, CT_STAT_no_port), 2);
    assert_int_equal(count_flows(w), 64512);
    END(w);
}

/* A mapping is one of its zone: a tenant's host of the same address and port as
 * another tenant's keeps its own port, whatever that one was given. */
static void a_mapping_is_its_zones(void **state)
{
    struct world *w = WORLD("max 4096; buckets 4096; " LAN2 ZONE(
        "lan", "set_zone_orig", 5) ZONE("lan2", "set_zone_orig", 6));
    uint16_t port;

    (void)state;
    w->quiet = true;
    say(w, "10.0.1.9:5000 > 198.51.100.2:53 udp @lan");
    say(w, "10.0.1.2:5000 > 198.51.100.2:53 udp @lan");
    port = last_sport(w);
    assert_int_not_equal(port, 5000);
    say(w, "10.0.1.2:5000 > 198.51.100.3:53 udp @lan2");
    assert_int_equal(last_sport(w), 5000);
    say(w, "10.0.1.2:5000 > 198.51.100.4:53 udp @lan");
    assert_int_equal(last_sport(w), port);
    END(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(tenants_with_the_same_addresses),
        STORY(an_answer_without_the_zone),
        STORY(a_zone_for_each_direction),
        STORY(errors_find_their_tenant),
        STORY(the_router_answers_whom_it_heard),
        STORY(strangers_have_no_way_to_a_shared_network),
        STORY(tenants_are_no_spoofers),
        STORY(mappings_of_two_answer_zones),
        STORY(a_tenant_is_reached_by_its_mapping),
        STORY(mappings_are_a_tenants_own),
        STORY(zones_do_not_fill_each_other),
        STORY(a_mapping_is_its_zones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
