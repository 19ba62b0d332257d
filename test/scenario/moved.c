/* moved.c - a flow that goes on by another interface than it began by */
#include "world.h"

#include "packet.h"

#include <stdio.h>

#define C    "10.0.1.2:4000"
#define S    "192.0.2.5:53"
#define W    "198.51.100.1"
#define SIDE "tenant side 10.0.2.1/24; "
#define WAY  "route 192.0.2.0/24 side; "

/* Towards a neighbour nothing is hidden.  When its network is behind wan from
 * now on, the flow must not go on as it is. */
static void what_was_not_hidden_does_not_leave_by_wan(void **state)
{
    struct world *w = WORLD(SIDE WAY);

    (void)state;
    say(w, C " > " S " udp 'a'");
    TRACE(w, "[  0] " C " > " S " udp: NEW\n"
             "      out side " C " > " S " udp\n");
    reload(w, SIDE);
    w->text_len = 0;
    say(w, C " > " S " udp 'a'");
    assert_int_equal(w->why, CT_REASON_OIF_CHANGED);
    assert_int_equal(w->sent, 1);
    w->text_len = 0;
    say(w, C " > " S " udp 'a'");
    TRACE(w, "[  0] " C " > " S " udp: NEW\n"
             "      out wan " W ":4000 > " S " udp\n");
    END(w);
}

/* Where no rule hides it, it goes on, and says which way it goes by now. */
static void what_is_not_to_be_hidden_goes_on(void **state)
{
    struct world *w = WORLD("masquerade off; " SIDE WAY);

    (void)state;
    w->quiet = true;
    say(w, C " > " S " udp 'a'");
    reload(w, "masquerade off; " SIDE);
    say(w, C " > " S " udp 'a'");
    say(w, S " > " C " udp 'A'");
    assert_int_equal(w->info, CT_ESTABLISHED);
    say(w, C " > " S " udp 'a'");
    assert_int_equal(w->sent, 4);
    assert_int_equal(count_flows(w), 1);
    END(w);
}

/* What masquerade hid ends, as in the kernel; a review says so at once. */
static void a_masqueraded_flow_ends(void **state)
{
    struct world *w = WORLD(SIDE);

    (void)state;
    w->quiet = true;
    say(w, C " > " S " udp 'a'");
    say(w, C " > 198.51.100.2:53 udp 'a'");
    reload(w, SIDE WAY);
    say(w, C " > " S " udp 'a'");
    assert_int_equal(w->why, CT_REASON_OIF_CHANGED);
    END(w);
}

static void a_review_asks_with_the_routes_of_now(void **state)
{
    struct world *w = WORLD(SIDE);

    (void)state;
    w->quiet = true;
    say(w, C " > " S " udp 'a'");
    say(w, C " > 198.51.100.2:53 udp 'a'");
    reload(w, "on_reload revalidate; " SIDE WAY);
    assert_int_equal(stat_of(w, CT_STAT_revoked), 1);
    assert_int_equal(count_flows(w), 1);
    say(w, C " > " S " udp 'a'"); /* a new one, not hidden */
    reload(w, "on_reload revalidate; " SIDE);
    assert_int_equal(stat_of(w, CT_STAT_revoked), 2);
    END(w);
}

/* Which interface hides a flow and which it leaves by are two things: towards
 * the inside, too, it may be masqueraded, by that one's address. */
static void a_forward_is_hidden_towards_the_inside(void **state)
{
    static const char rules[] =
        "masquerade off; dnat tcp " W ":8080 -> 10.0.1.2:80; "
        "postrouting {\"masquerade\":true}";

    (void)state;
    for (int host = 0; host < 2; host++) {
        struct world *w = host ? HOST_WORLD(rules) : WORLD(rules);

        w->quiet = true;
        say(w, "198.51.100.7:999 > " W ":8080 tcp S seq 1");
        assert_int_equal(last_dport(w), 80);
        say(w, "10.0.1.2:80 > 10.0.1.1:999 tcp S. seq 9 ack 2");
        assert_int_equal(last_dport(w), 999);
        say(w, "198.51.100.7:999 > " W ":8080 tcp . seq 2 ack 10");
        assert_int_equal(w->info, CT_ESTABLISHED);
        assert_int_equal(w->sent, 3);
        END(w);
    }
}

/* ---- an address that is not there ---- */

static enum ct_reason count_sent(void *ctx, struct ct_pkt *pkt)
{
    (void)pkt;
    ++*(unsigned *)ctx;
    return CT_REASON_NONE;
}

/* Gateway mode before the first lease, or between two: its own rule means that
 * IPv4 is hidden, whatever addresses there are. */
static void without_an_address_nothing_leaves_the_gateway(void **state)
{
    unsigned sent = 0;
    struct rig_calls calls = {.tx = count_sent, .ctx = &sent, .host = true};
    uint8_t bytes[512];
    struct rig rig;

    (void)state;
    rig_open(&rig, "{\"gateway\":{\"lan\":\"a\",\"wan\":\"b\"}}",
             (ct_time){1000000}, &calls);
    for (int i = 0; i < 3; i++) {
        struct ct_pkt pkt = {.data = bytes + CT_HEADROOM, .rule = CT_NONE};
        struct ct_pkt *one = &pkt;

        pkt.len = (uint32_t)packet_build(pkt.data, 256, C " > " S " udp 'a'");
        pkt.out = CT_NO_IFACE;
        journey_batch(rig.journey, &one, 1, rig.now);
    }
    assert_int_equal(sent, 0);
    assert_int_equal(ct_drops(rig.ct, CT_REASON_NO_ADDRESS), 3);
    assert_int_equal(ct_stat(rig.ct, CT_STAT_entries), 0);
    rig_close(&rig);
}

/* Without an address of its own a link hides nothing, unless it is configured
 * as unnumbered: then it borrows one of the outside's, never an inside one. */
static void an_unnumbered_link_borrows_an_outside_address(void **state)
{
    static const char json[] =
        "{\"interfaces\":{\"lan\":{\"tun\":\"l\",\"side\":\"inside\","
        "\"address\":[\"10.0.1.1/24\"]},\"ppp\":{\"tun\":\"p\",\"side\":"
        "\"outside\",\"unnumbered\":%s},\"wan\":{\"tun\":\"w\",\"side\":"
        "\"outside\"%s}},\"routes\":[{\"to\":\"default\",\"interface\":"
        "\"ppp\"}],\"rules\":{\"postrouting\":[{\"masquerade\":true}]}}";
    static const struct {
        const char *unnumbered, *wan;
        unsigned sent;
    } cases[] = {
        {"true", ",\"address\":[\"" W "/24\"]", 1},
        {"false", ",\"address\":[\"" W "/24\"]", 0},
        {"true", "", 0},
    };

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        unsigned sent = 0;
        struct rig_calls calls = {.tx = count_sent, .ctx = &sent};
        uint8_t bytes[512];
        char text[1024];
        struct rig rig;
        struct ct_pkt pkt = {.data = bytes + CT_HEADROOM, .rule = CT_NONE};
        struct ct_pkt *one = &pkt;

        snprintf(text, sizeof text, json, cases[i].unnumbered, cases[i].wan);
        rig_open(&rig, text, (ct_time){1000000}, &calls);
        pkt.len = (uint32_t)packet_build(pkt.data, 256, C " > " S " udp 'a'");
        pkt.out = CT_NO_IFACE;
        journey_batch(rig.journey, &one, 1, rig.now);
        assert_int_equal(sent, cases[i].sent);
        assert_int_equal(ct_drops(rig.ct, CT_REASON_NO_ADDRESS),
                         1 - cases[i].sent);
        if (sent) /* it is wan's */
            assert_int_equal(bytes[CT_HEADROOM + 12], 198);
        rig_close(&rig);
    }
}

int main(void)
{
    const struct CMUnitTest stories[] = {
        STORY(what_was_not_hidden_does_not_leave_by_wan),
        STORY(what_is_not_to_be_hidden_goes_on),
        STORY(a_masqueraded_flow_ends),
        STORY(a_review_asks_with_the_routes_of_now),
        STORY(a_forward_is_hidden_towards_the_inside),
        STORY(without_an_address_nothing_leaves_the_gateway),
        STORY(an_unnumbered_link_borrows_an_outside_address),
    };

    return cmocka_run_group_tests(stories, NULL, NULL);
}
