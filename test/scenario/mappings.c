/* mappings.c - which packets and flows a mapping is for */
#include "world.h"

#define C "10.0.1.2:4000"
#define W "198.51.100.1"

/* Mappings are asked for what comes from inside alone. */
static void a_stranger_finds_no_mapping_by_hairpin(void **state)
{
    struct world *w = WORLD("hairpin on");

    (void)state;
    w->quiet = true;
    say(w, C " > 198.51.100.2:53 udp 'a'");
    assert_int_equal(w->sent, 1);
    say(w, "198.51.100.9:9 > " W ":4000 udp 'x'");
    assert_int_equal(stat_of(w, CT_STAT_forwarded), 1);
    END(w);
}

/* A mapping is as good as its port: while that rests towards a remote its own
 * flow rests, too. */
static void a_mapping_waits_for_a_rest_too(void **state)
{
    struct world *w = WORLD("profile weir; masquerade off; "
                            "postrouting {\"out\":\"wan\",\"proto\":\"udp\","
                            "\"snat\":\"198.51.100.1:5000\"}");

    (void)state;
    w->quiet = true;
    say(w, "10.0.1.2:4000 > 198.51.100.2:53 udp 'a'");
    say(w, "198.51.100.2:53 > 198.51.100.1:5000 udp 'A'");
    assert_int_equal(w->sent, 2);
    while (stat_of(w, CT_STAT_entries))
        elapse(w, 1);
    say(w, "10.0.1.3:4000 > 198.51.100.3:53 udp 'b'");
    assert_int_equal(w->sent, 3);
    say(w, "10.0.1.3:4000 > 198.51.100.2:53 udp 'b'");
    assert_int_equal(w->sent, 3);
    END(w);
}

/* Two first packets are held, and a reload between them gives them different
 * ports: each is its own flow. */
static void a_held_packet_joins_no_flow_to_another_port(void **state)
{
    struct world *w =
        WORLD("dnat udp 198.51.100.1:53 -> 10.0.1.3:5353; "
              "forward {\"proto\":\"udp\",\"verdict\":\"queue 0\"}");

    (void)state;
    w->quiet = true;
    say(w, "198.51.100.2:9 > 198.51.100.1:53 udp 'x'");
    reload(w, "dnat udp 198.51.100.1:53 -> 10.0.1.3:5354; "
              "forward {\"proto\":\"udp\",\"verdict\":\"queue 0\"}");
    say(w, "198.51.100.2:9 > 198.51.100.1:53 udp 'x'");
    resume(w, 1, CT_ACCEPT);
    resume(w, 0, CT_ACCEPT);
    assert_int_equal(stat_of(w, CT_STAT_clash_resolve), 0);
    assert_int_equal(w->sent, 1);
    END(w);
}

int main(void)
{
    const struct CMUnitTest stories[] = {
        STORY(a_stranger_finds_no_mapping_by_hairpin),
        STORY(a_mapping_waits_for_a_rest_too),
        STORY(a_held_packet_joins_no_flow_to_another_port),
    };

    return cmocka_run_group_tests(stories, NULL, NULL);
}
