/* gre.c - GRE and UDP-Lite as flows (Linux nf_conntrack_proto_udp.c,
 * nf_conntrack_proto_gre.c, nf_nat_l4proto_unique_tuple(); RFC 2637, 3828) */
#include "world.h"

#define C        "10.0.1.2"
#define S        "198.51.100.2"
#define W        "198.51.100.1"
#define V0       "proto 47 hex 00000800000000001122"
#define V1(call) "proto 47 hex 3001880b0002" call "00000001abcd"

/* Version 0: one flow of two addresses; ASSURED with the first packet behind
 * the first answer. */
static void linux_gre_of_two_addresses(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " " V0);
    assert_int_equal(w->info, CT_NEW);
    FLOWS(w, "gre 30 " C " > " S " / " S " > " W " UNREPLIED\n");
    say(w, S " > " W " " V0);
    assert_int_equal(w->info, CT_ESTABLISHED);
    FLOWS(w, "gre 30 " C " > " S " / " S " > " W " -\n");
    say(w, C " > " S " " V0);
    FLOWS(w, "gre 180 " C " > " S " / " S " > " W " ASSURED\n");
    assert_int_equal(w->sent, 3);
    END(w);
}

/* Nothing to vary: the second host to the same server is refused. */
static void linux_gre_has_no_port(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " " V0);
    say(w, "10.0.1.3 > " S " " V0);
    assert_int_equal(w->sent, 1);
    assert_int_equal(w->dropped, 1);
    assert_int_equal(w->why, CT_REASON_NO_PORT);
    END(w);
}

/* Version 1: calls are flows of their own, and carry PPP. */
static void linux_gre_calls(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    w->quiet = true;
    say(w, C " > " S " " V1("1234"));
    say(w, C " > " S " " V1("1235"));
    say(w, C " > " S " " V1("1234"));
    assert_int_equal(count_flows(w), 2);
    say(w, C " > " S " proto 47 hex 300108000002123400000001abcd");
    assert_int_equal(w->info, CT_INVALID);
    assert_int_equal(drops_of(w, CT_REASON_GRE_PROTOCOL), 1);
    say(w, C " > " S " proto 47 hex 3001880b");
    assert_int_equal(drops_of(w, CT_REASON_L4_TRUNCATED), 1);
    assert_int_equal(count_flows(w), 2);
    END(w);
}

/* UDP-Lite: as UDP, but ASSURED without the two seconds; ports are translated,
 * the checksum with them. */
static void linux_udplite(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    say(w, C ":4000 > " S ":80 udplite 'who'");
    say(w, "10.0.1.3:4001 > " S ":80 udplite 'who'");
    say(w, S ":80 > " W ":4000 udplite 'me'");
    TRACE(w, "[  0] " C ":4000 > " S ":80 udplite: NEW\n"
             "      out wan " W ":4000 > " S ":80 udplite\n"
             "[  0] 10.0.1.3:4001 > " S ":80 udplite: NEW\n"
             "      out wan " W ":4001 > " S ":80 udplite\n"
             "[  0] " S ":80 > " W ":4000 udplite: ESTABLISHED\n"
             "      out lan " S ":80 > " C ":4000 udplite\n");
    say(w, C ":4000 > " S ":80 udplite 'on'");
    elapse(w, 40);
    FLOWS(w,
          "udplite 80 " C ":4000 > " S ":80 / " S ":80 > " W ":4000 ASSURED\n");
    w->quiet = true;
    say(w, "10.0.1.4:4000 > " S ":80 udplite 'x'");
    assert_int_not_equal(last_sport(w), 4000);
    END(w);
}

/* A port of the router's without a listener gets the same error as UDP. */
static void linux_udplite_to_the_router(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    say(w, S ":80 > " W ":4000 udplite 'who'");
    TRACE(w, "[  0] " S ":80 > " W ":4000 udplite: NEW\n"
             "      out wan " W " > " S " icmp 3/3 tos 192 df about {" S
             ":80 > " W ":4000 udplite}\n");
    END(w);
}

/* The coverage is 0 or 8 at least, the checksum is not optional, and covers
 * only that much. */
static void rfc3828_coverage(void **state)
{
    static const struct {
        const char *tail; /* coverage, checksum, payload */
        int reason;
    } of[] = {
        {"0007ffff0102", CT_REASON_L4_BAD_LENGTH},
        {"000bffff0102", CT_REASON_L4_BAD_LENGTH},
        {"000a00000102", CT_REASON_L4_BAD_CHECKSUM},
        {"000a12340102", CT_REASON_L4_BAD_CHECKSUM},
    };
    struct world *w = WORLD("");

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < sizeof of / sizeof *of; i++) {
        uint64_t before = drops_of(w, (enum ct_reason)of[i].reason);

        sayf(w, C " > " S " proto 136 hex 0fa00050%s", of[i].tail);
        assert_int_equal(w->info, CT_INVALID);
        assert_int_equal(drops_of(w, (enum ct_reason)of[i].reason), before + 1);
    }
    assert_int_equal(w->sent, 0);
    assert_int_equal(count_flows(w), 0);
    /* 8 bytes covered: the payload may change.  Pseudo header 10.0.1.2,
     * 198.51.100.2, 136, 10 and the header's 0fa0 0050 0008. */
    say(w, C " > " S " proto 136 hex 0fa000500008ba3d0102");
    assert_int_equal(w->info, CT_NEW);
    say(w, C " > " S " proto 136 hex 0fa000500008ba3dabcd");
    assert_int_equal(w->info, CT_NEW);
    assert_int_equal(w->sent, 2);
    END(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(linux_gre_of_two_addresses),
        STORY(linux_gre_has_no_port),
        STORY(linux_gre_calls),
        STORY(linux_udplite),
        STORY(linux_udplite_to_the_router),
        STORY(rfc3828_coverage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
