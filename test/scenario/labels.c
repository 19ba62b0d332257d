/* labels.c - 128 bits of a flow, that rules set and ask for */
#include "world.h"

#define EXT "tune extensions 4; "

/* Set on the first packet, asked of every one, both ways. */
static void set_and_asked(void **state)
{
    struct world *w =
        WORLD(EXT "prerouting {\"in\":\"lan\",\"proto\":\"udp\",\"dport\":53,"
                  "\"set_label\":[3,127]}; "
                  "forward {\"label\":[3,127],\"verdict\":\"accept\"}; "
                  "forward {\"not_label\":3,\"verdict\":\"drop\"}");
    struct ct_view v;

    (void)state;
    w->quiet = true;
    say(w, "10.0.1.2:4000 > 198.51.100.2:53 udp 'a'");
    say(w, "198.51.100.2:53 > 198.51.100.1:4000 udp 'A'");
    assert_int_equal(w->sent, 2);
    assert_true(ct_read(w->rig.ct, 0, w->rig.now, &v));
    assert_int_equal(v.labels[0], 1u << 3);
    assert_true(v.labels[1] == 1ull << 63);
    say(w, "10.0.1.2:4000 > 198.51.100.2:54 udp 'a'");
    assert_int_equal(w->why, CT_REASON_RULE);
    assert_int_equal(stat_of(w, CT_STAT_extensions), 1);
    elapse(w, 200);
    assert_int_equal(stat_of(w, CT_STAT_extensions), 0);
    END(w);
}

/* Set by a later packet: the flow keeps them, and the event says it once. */
static void set_while_it_lives(void **state)
{
    struct world *w = WORLD(EXT "forward {\"ct_state\":[\"established\"],"
                                "\"set_label\":64}");
    struct ct_view v;

    (void)state;
    w->quiet = true;
    say(w, "10.0.1.2:4000 > 198.51.100.2:53 udp 'a'");
    assert_true(ct_read(w->rig.ct, 0, w->rig.now, &v));
    assert_int_equal(v.labels[1], 0);
    for (unsigned i = 0; i < 3; i++) {
        uint64_t events = stat_of(w, CT_STAT_events);

        elapse_ms(w, 1);
        say(w, "198.51.100.2:53 > 198.51.100.1:4000 udp 'A'");
        assert_true(ct_read(w->rig.ct, 0, w->rig.now, &v));
        assert_int_equal(v.labels[1], 1);
        assert_int_equal(stat_of(w, CT_STAT_events) - events, i == 0);
    }
    END(w);
}

/* An error is about a flow, but no packet of it. */
static void errors_set_none(void **state)
{
    struct world *w = WORLD(EXT "forward {\"ct_state\":[\"related\"],"
                                "\"set_label\":64}");
    struct ct_view v;

    (void)state;
    w->quiet = true;
    say(w, "10.0.1.2:4000 > 198.51.100.2:53 udp 'a'");
    say(w, "198.51.100.2 > 198.51.100.1 icmp 3/3 about "
           "{198.51.100.1:4000 > 198.51.100.2:53 udp 'a'}");
    assert_int_equal(w->sent, 2);
    assert_true(ct_read(w->rig.ct, 0, w->rig.now, &v));
    assert_int_equal(v.labels[1], 0);
    END(w);
}

/* No record left: counted, and the packet goes on without. */
static void no_room(void **state)
{
    struct world *w = WORLD("tune extensions 1; forward {\"set_label\":1}");

    (void)state;
    w->quiet = true;
    say(w, "10.0.1.2:4000 > 198.51.100.2:53 udp 'a'");
    say(w, "10.0.1.2:4001 > 198.51.100.2:53 udp 'a'");
    assert_int_equal(w->sent, 2);
    assert_int_equal(stat_of(w, CT_STAT_ext_full), 1);
    END(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(set_and_asked),
        STORY(set_while_it_lives),
        STORY(errors_set_none),
        STORY(no_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
