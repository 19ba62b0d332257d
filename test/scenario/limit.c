/* limit.c - how often a rule matches, and how many flows a source may have */
#include "world.h"

#include "core/core.h"
#include "packet.h"
#include "rules/connlimit.h"

#define C "10.0.1.2:4000"
#define S "198.51.100.2:80"

/* nft `limit rate 10/second burst 5`: five at once, then one in 100 ms. */
static void linux_limit_burst_then_rate(void **state)
{
    struct world *w =
        WORLD("forward {\"limit\":\"10/second burst 5\",\"verdict\":"
              "\"accept\"}; forward {\"verdict\":\"drop\"}");

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < 50; i++)
        say(w, C " > " S " udp");
    assert_int_equal(w->sent, 5);
    elapse_ms(w, 99);
    say(w, C " > " S " udp");
    assert_int_equal(w->sent, 5);
    elapse_ms(w, 1);
    say(w, C " > " S " udp");
    say(w, C " > " S " udp");
    assert_int_equal(w->sent, 6);
    elapse(w, 3600); /* never more than the burst */
    for (unsigned i = 0; i < 50; i++)
        say(w, C " > " S " udp");
    assert_int_equal(w->sent, 11);
    assert_int_equal(w->rig.counts[0].packets, 11);
    END(w);
}

/* `limit rate over`: matches what the others don't. */
static void linux_limit_over(void **state)
{
    struct world *w = WORLD("forward {\"limit\":\"over 1/minute burst 3\","
                            "\"verdict\":\"drop\"}");

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < 10; i++)
        say(w, C " > " S " udp");
    assert_int_equal(w->sent, 3);
    assert_int_equal(w->dropped, 7);
    elapse(w, 60);
    say(w, C " > " S " udp");
    say(w, C " > " S " udp");
    assert_int_equal(w->sent, 4);
    END(w);
}

/* Only packets that match all else take a token. */
static void a_token_is_for_what_the_rule_is_about(void **state)
{
    struct world *w =
        WORLD("forward {\"proto\":\"udp\",\"dport\":53,\"limit\":"
              "\"1/second burst 1\",\"verdict\":\"accept\"}; "
              "forward {\"dport\":53,\"proto\":\"udp\",\"verdict\":\"drop\"}");

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < 10; i++)
        say(w, C " > " S " udp");
    say(w, C " > 198.51.100.2:53 udp");
    assert_int_equal(w->sent, 11);
    say(w, C " > 198.51.100.2:53 udp");
    assert_int_equal(w->sent, 11);
    END(w);
}

/* How many counters are in use. */
static uint32_t counters(const struct world *w)
{
    return w->rig.ct->connlimit->tally.counters.used;
}

/* 100,000 flows of one source, opened and reset within one tick against a cap
 * of 100: none may be refused, though their entries stay for ten seconds, and
 * nothing may be left. */
static void r5_open_and_close_in_one_tick(void **state)
{
    struct world *w =
        WORLD("max 131072; buckets 131072; forward {\"ct_state\":[\"new\"],"
              "\"connlimit\":\"over 100\",\"verdict\":\"drop\"}");

    (void)state;
    alone(w);
    w->quiet = true;
    for (unsigned i = 0; i < 100000; i++) {
        unsigned port = 2000 + i % 50000, host = 2 + i / 50000;

        sayf(w, "10.0.1.2:%u > 198.51.100.%u:80 tcp S seq 1", port, host);
        sayf(w, "198.51.100.%u:80 > 198.51.100.1:%u tcp S. seq 9 ack 2", host,
             last_sport(w));
        sayf(w, "10.0.1.2:%u > 198.51.100.%u:80 tcp . seq 2 ack 10", port,
             host);
        sayf(w, "10.0.1.2:%u > 198.51.100.%u:80 tcp R. seq 2 ack 10", port,
             host);
    }
    assert_int_equal(w->dropped, 0);
    assert_int_equal(count_flows(w), 100000);
    assert_int_equal(counters(w), 0);
    END(w);
}

/* Exactly N, each source for itself, and a place that is free is free at once.
 */
static void exactly_so_many_for_each_source(void **state)
{
    struct world *w = WORLD("forward {\"ct_state\":[\"new\"],\"connlimit\":"
                            "\"over 3\",\"verdict\":\"drop\"}");

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < 10; i++)
        sayf(w, "10.0.1.2:%u > " S " udp", 4000 + i);
    assert_int_equal(w->sent, 3);
    assert_int_equal(count_flows(w), 3);
    say(w, "10.0.1.3:4000 > " S " udp"); /* another source */
    assert_int_equal(w->sent, 4);
    say(w, "10.0.1.2:4000 > " S " udp"); /* a flow that is counted already */
    assert_int_equal(w->sent, 5);
    say(w, S " > 198.51.100.1:4000 udp"); /* its answer is no new flow */
    assert_int_equal(w->sent, 6);
    elapse(w, 31);
    assert_int_equal(counters(w), 0);
    say(w, "10.0.1.2:5000 > " S " udp");
    say(w, "10.0.1.2:5001 > " S " udp");
    assert_int_equal(w->sent, 8);
    elapse(w, 200);
    assert_int_equal(counters(w), 0);
    END(w);
}

/* The other way round, and sources by prefix. */
static void up_to_so_many_by_prefix(void **state)
{
    struct world *w =
        WORLD("forward {\"connlimit\":\"2/28/48\",\"verdict\":\"accept\"}; "
              "forward {\"verdict\":\"drop\"}");

    (void)state;
    w->quiet = true;
    say(w, "10.0.1.2:1 > " S " udp");
    say(w, "10.0.1.3:1 > " S " udp");
    assert_int_equal(w->sent, 2);
    say(w, "10.0.1.4:1 > " S " udp");
    assert_int_equal(w->sent, 2);
    say(w, "10.0.1.16:1 > " S " udp");
    assert_int_equal(w->sent, 3);
    say(w, "[fd00:1::2]:1 > [2001:db8::2]:80 udp");
    say(w, "[fd00:1:0:0:5::2]:1 > [2001:db8::2]:80 udp");
    assert_int_equal(w->sent, 5);
    say(w, "[fd00:1::4]:1 > [2001:db8::2]:80 udp");
    assert_int_equal(w->sent, 5);
    END(w);
}

/* What is counted goes on over a reload, as far as the rule does. */
static void counts_survive_a_reload(void **state)
{
    static const char rules[] =
        "forward {\"ct_state\":[\"new\"],\"connlimit\":\"over 3\","
        "\"verdict\":\"drop\"}";
    static const char more[] =
        "forward {\"dport\":9,\"proto\":\"udp\",\"connlimit\":1}; "
        "forward {\"ct_state\":[\"new\"],\"connlimit\":\"over 3\","
        "\"verdict\":\"drop\"}";
    struct world *w = WORLD(rules);

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < 3; i++)
        sayf(w, "10.0.1.2:%u > " S " udp", 4000 + i);
    reload(w, more);
    assert_int_equal(w->sent, 3);
    say(w, "10.0.1.2:4003 > " S " udp");
    assert_int_equal(w->sent, 3);
    assert_int_equal(counters(w), 1);
    reload(w, "");
    assert_null(w->rig.ct->connlimit);
    say(w, "10.0.1.2:4003 > " S " udp");
    assert_int_equal(w->sent, 4);
    END(w);
}

/* An error is about a flow, but opens none and counts none. */
static void errors_are_not_counted(void **state)
{
    struct world *w = WORLD("forward {\"ct_state\":[\"related\"],\"connlimit\":"
                            "\"over 1\",\"verdict\":\"drop\"}");

    (void)state;
    alone(w);
    w->quiet = true;
    say(w, C " > " S " udp");
    say(w, "192.0.2.9 > 198.51.100.1 icmp 3/1 about {198.51.100.1:4000 > " S
           " udp}");
    assert_int_equal(w->info, CT_RELATED);
    assert_int_equal(w->sent, 2);
    assert_int_equal(counters(w), 0);
    END(w);
}

/* As many counters as there can be sources: none is refused for want of one. */
static void a_counter_for_every_entry(void **state)
{
    struct world *w = WORLD(
        "masquerade off; max 64; buckets 64; inside 10.0.0.1/8; "
        "forward {\"connlimit\":1,\"verdict\":\"accept\"}; "
        "forward {\"proto\":\"udp\",\"connlimit\":1,\"verdict\":\"accept\""
        "}; forward {\"verdict\":\"drop\"}");

    (void)state;
    alone(w);
    w->quiet = true;
    for (unsigned i = 0; i < 64; i++)
        sayf(w, "10.1.0.%u:9 > " S " udp", i + 2);
    assert_int_equal(w->sent, 64);
    assert_int_equal(counters(w), 64);
    ct_flush(w->rig.ct);
    assert_int_equal(counters(w), 0);
    END(w);
}

/* Status bits as nft's `ct status`; without a flow they say nothing. */
static void linux_ct_status(void **state)
{
    struct world *w =
        WORLD("forward {\"ct_status\":\"seen-reply\"}; "
              "forward {\"ct_status\":\"!seen-reply\"}; "
              "postrouting {\"ct_status\":[\"snat\",\"dnat\"],\"mark\":0,"
              "\"set_dscp\":\"ef\"}");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " udp");
    assert_int_equal(w->rig.counts[0].packets, 0);
    assert_int_equal(w->rig.counts[1].packets, 1);
    assert_int_equal(w->last[1], 46 << 2);
    say(w, S " > 198.51.100.1:4000 udp");
    say(w, C " > " S " udp");
    assert_int_equal(w->rig.counts[0].packets, 2);
    assert_int_equal(w->rig.counts[1].packets, 1);
    say(w, S " > " C " tcp . seq 1 ack 1"); /* loose pick-up: a flow */
    say(w, S " > " C " tcp SF seq 1");      /* INVALID: none */
    assert_int_equal(w->rig.counts[0].packets, 2);
    assert_int_equal(w->rig.counts[1].packets, 2);
    END(w);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        STORY(linux_limit_burst_then_rate),
        STORY(linux_limit_over),
        STORY(a_token_is_for_what_the_rule_is_about),
        STORY(r5_open_and_close_in_one_tick),
        STORY(exactly_so_many_for_each_source),
        STORY(up_to_so_many_by_prefix),
        STORY(counts_survive_a_reload),
        STORY(a_counter_for_every_entry),
        STORY(errors_are_not_counted),
        STORY(linux_ct_status),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
