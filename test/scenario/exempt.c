/* exempt.c - what is not to be translated: an accept, or "nat": "none", before
 * the rule that would; as in a chain of nft */
#include "world.h"

#include <string.h>

#define C    "10.0.1.2:4000"
#define W    "198.51.100.1"
#define MASQ "postrouting {\"out\":\"wan\",\"masquerade\":true}; "
#define SITE "198.51.100.3"

static const char *const sites[] = {
    "postrouting {\"out\":\"wan\",\"dst\":\"" SITE
    "\",\"verdict\":\"accept\"}; ",
    "postrouting {\"out\":\"wan\",\"dst\":\"" SITE "\",\"nat\":\"none\"}; ",
};

static struct world *site_world(unsigned i)
{
    char text[1024];

    snprintf(text, sizeof text, "masquerade off; %s" MASQ, sites[i]);
    return WORLD(text);
}

/* A site behind a tunnel sees the inside as it is; all others don't. */
static void a_site_is_exempt_from_masquerade(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct world *w = site_world(i);

        say(w, C " > " SITE ":53 udp 'a'");
        say(w, SITE ":53 > " C " udp 'A'");
        say(w, C " > 198.51.100.2:53 udp 'a'");
        TRACE(w, "[  0] " C " > " SITE ":53 udp: NEW\n"
                 "      out wan " C " > " SITE ":53 udp\n"
                 "[  0] " SITE ":53 > " C " udp: ESTABLISHED\n"
                 "      out lan " SITE ":53 > " C " udp\n"
                 "[  0] " C " > 198.51.100.2:53 udp: NEW\n"
                 "      out wan " W ":4000 > 198.51.100.2:53 udp\n");
        END(w);
    }
}

/* What conntrack does not know is no leak there, and is one elsewhere. */
static void what_is_exempt_is_not_refused_as_untranslated(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct world *w = site_world(i);

        w->quiet = true;
        say(w, C " > " SITE ":80 tcp SF seq 1");
        assert_int_equal(w->info, CT_INVALID);
        assert_int_equal(w->sent, 1);
        say(w, C " > 198.51.100.2:80 tcp SF seq 1");
        assert_int_equal(w->sent, 1);
        assert_int_equal(drops_of(w, CT_REASON_UNTRANSLATED), 1);
        END(w);
    }
}

/* To be exempt a packet must match for sure: one without a readable header, or
 * that conntrack does not know, may not be what the accept is about. */
static void a_guess_exempts_nothing(void **state)
{
    struct world *w =
        WORLD("masquerade off; postrouting {\"out\":\"wan\",\"proto\":\"tcp\","
              "\"dport\":80,\"ct_state\":\"new\",\"verdict\":\"accept\"}; "
              "postrouting {\"out\":\"wan\",\"ct_state\":\"established\","
              "\"verdict\":\"accept\"}; " MASQ);

    (void)state;
    w->quiet = true;
    say(w, C " > " SITE ":80 tcp SF seq 1");
    assert_int_equal(w->why, CT_REASON_UNTRANSLATED);
    say(w, C " > " SITE ":53 udp 'a'");
    assert_int_equal(w->last[15], 1); /* translated */
    END(w);
}

/* A packet that conntrack does not know may be of a flow that the rule hides,
 * whatever of a flow that asks. */
static void what_a_flow_would_have_is_unknown(void **state)
{
    static const char *const asks[] = {
        "\"ct_state\":\"new\"", "\"ct_status\":\"assured\"",
        "\"mark\":5",           "\"mark\":\"!0\"",
        "\"label\":3",
    };

    (void)state;
    for (unsigned i = 0; i < sizeof asks / sizeof *asks; i++) {
        char text[256];
        struct world *w;

        snprintf(text, sizeof text,
                 "masquerade off; postrouting {\"out\":\"wan\",%s,"
                 "\"masquerade\":true}",
                 asks[i]);
        w = WORLD(text);
        w->quiet = true;
        say(w, C " > " SITE ":80 tcp SF seq 1");
        assert_int_equal(w->info, CT_INVALID);
        assert_int_equal(w->why, CT_REASON_UNTRANSLATED);
        END(w);
    }
}

/* Nor does it exempt by what that flow may have had, and the packet has not. */
static void what_a_flow_may_have_had_exempts_nothing(void **state)
{
    static const char none[] = "\"nat\":\"none\"",
                      accept[] = "\"verdict\":\"accept\"";
    static const struct {
        const char *asks, *way;
    } rows[] = {
        {"\"mark\":0", none},
        {"\"mark\":0", accept},
        {"\"mark\":\"!5\"", none},
        {"\"mark\":\"!5\"", accept},
        {"\"mark\":[\"0x0/0xff\",7]", none},
        {"\"not_label\":3", none},
        {"\"not_label\":3", accept},
        {"\"ct_status\":\"!assured\"", none},
        {"\"ct_state\":\"!new\"", none},
        {"\"ct_state\":\"!established\"", accept},
        {"\"ct_state\":[\"new\",\"related\"]", none},
        {"\"ct_state\":[\"new\",\"related\"]", accept},
        {"\"ct_state\":\"untracked\"", accept},
        {"\"ct_state\":\"invalid\",\"mark\":0", accept},
        {"\"ct_state\":\"invalid\",\"limit\":\"9/second\"", accept},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[512];
        struct world *w;

        snprintf(text, sizeof text,
                 "profile weir; prerouting {\"in\":\"lan\",\"ct_state\":"
                 "\"new\",\"set_mark\":5}; masquerade off; postrouting "
                 "{\"out\":\"wan\",%s,%s}; " MASQ,
                 rows[i].asks, rows[i].way);
        w = WORLD(text);
        w->quiet = true;
        say(w, C " > " SITE ":80 tcp F. seq 1 ack 1");
        if (w->why != CT_REASON_UNTRANSLATED)
            fail_msg("%s, %s: it has left", rows[i].asks, rows[i].way);
        END(w);
    }
}

/* A rule that names what conntrack does not know is no guess. */
static void what_is_meant_is_no_guess(void **state)
{
    static const char *const states[] = {
        "[\"new\",\"invalid\"]",
        "\"invalid\"",
    };

    (void)state;
    for (unsigned i = 0; i < sizeof states / sizeof *states; i++) {
        char text[512];
        struct world *w;

        snprintf(text, sizeof text,
                 "masquerade off; postrouting {\"dst\":\"" SITE
                 "\",\"ct_state\":%s,\"verdict\":\"accept\"}; " MASQ,
                 states[i]);
        w = WORLD(text);
        w->quiet = true;
        say(w, C " > " SITE ":80 tcp SF seq 1");
        assert_int_equal(w->sent, 1);
        say(w, C " > 198.51.100.2:80 tcp SF seq 1");
        assert_int_equal(w->sent, 1);
        END(w);
    }
}

/* Nor does a "none" that may have been meant, but does not match. */
static void none_must_match_too(void **state)
{
    struct world *w = WORLD(
        "masquerade off; postrouting {\"out\":\"wan\",\"ct_state\":\"new\","
        "\"nat\":\"none\",\"dst\":\"" SITE "\"}; " MASQ);

    (void)state;
    w->quiet = true;
    say(w, C " > " SITE ":80 tcp SF seq 1");
    assert_int_equal(w->why, CT_REASON_UNTRANSLATED);
    say(w, C " > " SITE ":80 tcp S seq 1");
    assert_int_equal(w->last[15], 2); /* as it is */
    END(w);
}

#define FAR  "198.51.100.2"
#define POST "postrouting "
#define NONE "\"nat\":\"none\"}; "
#define OK   "\"verdict\":\"accept\"}; "

/* Under each of these a flow from C to FAR's ports 80 and 53 is hidden, or may
 * be: no packet of one that is gone leaves as it is. */
static const char *const hiding[] = {
    POST "{\"out\":\"wan\",\"mark\":0," NONE MASQ
         "prerouting {\"in\":\"lan\",\"ct_state\":\"new\",\"set_mark\":5}",
    POST "{\"mark\":\"!5\"," OK MASQ
         "forward {\"ct_state\":\"new\",\"set_mark\":5}",
    "tune extensions 8; forward {\"ct_state\":\"new\",\"set_label\":3}; " POST
    "{\"not_label\":3," NONE MASQ,
    POST "{\"ct_state\":\"!new\"," OK MASQ,
    POST "{\"ct_state\":[\"established\",\"related\",\"untracked\"]," OK MASQ,
    POST "{\"ct_status\":\"!snat\"," OK POST
         "{\"ct_status\":\"!dnat\"," NONE MASQ,
    POST "{\"dst\":\"" SITE "\"," NONE POST "{\"src\":\"10.0.1.3\"," OK MASQ,
    POST "{\"proto\":\"udp\",\"dport\":[53,123],\"mark\":0," NONE MASQ,
    POST "{\"out\":\"wan\",\"proto\":[\"tcp\",\"udp\"],\"masquerade\":true}",
    POST "{\"proto\":\"tcp\",\"dport\":80,\"masquerade\":true}; " POST
         "{\"proto\":\"udp\",\"dport\":53,\"snat\":\"198.51.100.1\"}",
    POST "{\"src\":\"10.0.1.2\",\"masquerade\":true}",
    POST "{\"src\":\"10.0.1.2\",\"proto\":\"udp\",\"sport\":4000,"
         "\"masquerade\":true}; " POST "{\"proto\":\"tcp\",\"sport\":4000,"
         "\"ct_state\":\"new\",\"masquerade\":true}",
    POST
    "{\"in\":\"lan\",\"out\":\"wan\",\"snat\":\"198.51.100.8-198.51.100.9\"}",
    POST "{\"out\":\"wan\",\"src\":\"10.0.1.0/24\",\"netmap\":"
         "\"203.0.113.0/24\"}",
    "prerouting {\"in\":\"lan\",\"set_zone_orig\":3}; " POST
    "{\"zone\":0," NONE POST "{\"zone\":3,\"masquerade\":true}",
    "prerouting {\"in\":\"lan\",\"dst\":\"" FAR
    "\",\"dnat\":\"192.0.2.9\"}; " POST
    "{\"dst\":\"192.0.2.9\",\"masquerade\":true}",
    "prerouting "
    "{\"in\":\"lan\",\"ct_state\":\"new\",\"proto\":\"tcp\",\"dport\":"
    "80,\"dnat\":\"192.0.2.9:8080\"}; prerouting {\"in\":\"lan\",\"proto\":"
    "\"udp\",\"dport\":53,\"mark\":9,\"dnat\":\"192.0.2.9:54\"}; " POST
    "{\"dst\":\"!192.0.2.9\"," NONE POST
    "{\"proto\":[\"tcp\",\"udp\"],\"dport\":[54,8080],\"masquerade\":true}",
    "forward {\"proto\":\"tcp\",\"verdict\":\"queue 0\"}; " POST
    "{\"mark\":\"!0\",\"masquerade\":true}",
    "prerouting {\"ct_state\":\"invalid\",\"set_mark\":7}; " POST
    "{\"mark\":7," NONE MASQ,
    "prerouting {\"dst\":\"" SITE "\",\"notrack\":true}; " MASQ,
    POST "{\"out\":\"wan\",\"family\":\"ipv6\"," NONE MASQ,
};

static const char *const gone[] = {
    C " > " FAR ":80 tcp F. seq 1 ack 1",
    C " > " FAR ":80 tcp R. seq 1 ack 1",
    C " > " FAR ":80 tcp SF seq 1",
    C " > " FAR ":80 tcp S seq 1 badsum",
    C " > " FAR ":53 udp 'a' badsum",
    "10.0.1.2 > " FAR " icmp 3/3 about {" FAR ":53 > " C " udp 'a'}",
    "10.0.1.2 > " FAR " icmp 3/3 about {" FAR ":53 > " C " udp 'a'} badsum",
    "10.0.1.254 > " FAR " icmp 11/0 about {" FAR ":80 > " C
    " tcp . seq 1 ack 1}",
    C " > " FAR ":80 tcp F. seq 1 ack 1 ipid 7 frag 0+ len 4",
    "10.0.1.2 > " FAR " proto 6 ipid 7 frag 24 len 16",
    "10.0.1.254 > " FAR " icmp 3/4 mtu 1280 about {" FAR ":80 > " C
    " tcp . seq 1 ack 1} quote 8",
};

static void nothing_of_a_gone_flow_leaves_as_it_is(void **state)
{
    static const char *const profiles[] = {"linux", "weir", "rfc"};

    (void)state;
    for (unsigned i = 0; i < 3 * sizeof hiding / sizeof *hiding; i++) {
        struct world *w;
        char text[1024];

        snprintf(text, sizeof text, "profile %s; masquerade off; %s",
                 profiles[i % 3], hiding[i / 3]);
        w = WORLD(text);
        w->quiet = true;
        for (unsigned k = 0; k < sizeof gone / sizeof *gone; k++) {
            unsigned kept = w->n_kept;

            say(w, gone[k]);
            if (w->n_kept > kept)
                resume(w, kept, CT_ACCEPT);
            if (w->sent > 0)
                fail_msg("%s: '%s' has left", text, gone[k]);
        }
        END(w);
    }
}

/* Rules are asked of the flow, of which an error shows ports, but not the ICMP
 * type of this direction; and where it is cut too short, nothing. */
static void an_error_may_be_about_what_is_hidden(void **state)
{
    static const struct {
        const char *rules, *packet;
    } rows[] = {
        {POST "{\"proto\":\"icmp\",\"icmp_type\":\"echo-request\","
              "\"masquerade\":true}",
         "10.0.1.254 > " FAR " icmp 11/0 about {" FAR
         " > 10.0.1.2 icmp reply id 7 seq 1}"},
        {POST "{\"src\":\"10.0.1.2\",\"proto\":\"tcp\",\"masquerade\":true}",
         "10.0.1.254 > " FAR " icmp 11/0 about {" FAR ":80 > " C
         " tcp . seq 1 ack 1} quote 0"},
        {POST "{\"src\":\"10.0.1.2\",\"proto\":\"tcp\",\"masquerade\":true}",
         "10.0.1.254 > " FAR " proto 1 len 4"},
        {POST "{\"src\":\"10.0.1.2\",\"proto\":\"tcp\",\"sport\":4000,"
              "\"dport\":80,\"masquerade\":true}",
         "10.0.1.254 > " FAR " icmp 11/0 about {" FAR ":80 > " C
         " tcp . seq 1 ack 1}"},
        {"prerouting {\"in\":\"lan\",\"set_zone_orig\":3}; " POST
         "{\"src\":\"10.0.1.2\",\"zone\":3,\"masquerade\":true}",
         "10.0.1.254 > " FAR " icmp 11/0 about {" FAR ":80 > " C
         " tcp . seq 1 ack 1}"},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[512];
        struct world *w;

        snprintf(text, sizeof text, "masquerade off; %s", rows[i].rules);
        w = WORLD(text);
        w->quiet = true;
        say(w, rows[i].packet);
        if (w->why != CT_REASON_UNTRANSLATED)
            fail_msg("%s: '%s' has left", text, rows[i].packet);
        END(w);
    }
}

/* Of the host itself: a dnat of OUTPUT may have sent its flow where it would be
 * hidden. */
static void a_gone_flow_of_the_host_stays_too(void **state)
{
    struct world *w = HOST_WORLD(
        "masquerade off; output {\"proto\":\"tcp\",\"dst\":\"192.0.2.9\","
        "\"dnat\":\"203.0.113.5\"}; postrouting {\"dst\":\"203.0.113.5\","
        "\"masquerade\":true}");

    (void)state;
    w->quiet = true;
    say(w, W ":5000 > 192.0.2.9:80 tcp SF seq 1@wan");
    assert_int_equal(w->why, CT_REASON_UNTRANSLATED);
    say(w, W ":5000 > 192.0.2.8:80 tcp SF seq 1@wan");
    assert_int_equal(w->sent, 1);
    END(w);
}

/* An error about a flow that no rule would hide is no such packet. */
static void what_no_rule_would_hide_leaves(void **state)
{
    struct world *w =
        WORLD("masquerade off; dnat udp " W ":53 -> 10.0.1.3:53; " POST
              "{\"src\":\"10.0.1.3\",\"masquerade\":true}; " POST
              "{\"proto\":\"tcp\",\"dport\":443,\"masquerade\":true}; " POST
              "{\"dst\":\"" SITE "\"," NONE POST "{\"dst\":\"198.51.100.4\","
              "\"masquerade\":true}");

    (void)state;
    w->quiet = true;
    for (unsigned k = 0; k < sizeof gone / sizeof *gone; k++) {
        bool whole = strstr(gone[k], "frag 0+") == NULL;
        uint64_t was = w->sent;

        say(w, gone[k]);
        if (whole && w->sent == was)
            fail_msg("'%s' has not left", gone[k]);
    }
    END(w);
}

/* What conntrack is not to see is not translated: the operator has said so. */
static void what_is_not_tracked_leaves_as_it_is(void **state)
{
    struct world *w = WORLD("masquerade off; prerouting {\"dst\":\"" SITE
                            "\",\"notrack\":true}; " MASQ);

    (void)state;
    say(w, C " > " SITE ":53 udp 'a'");
    TRACE(w, "[  0] " C " > " SITE ":53 udp: UNTRACKED\n"
             "      out wan " C " > " SITE ":53 udp\n");
    END(w);
}

/* A segment that its hidden flow can't have sent does not leave as it is, even
 * if no rule would hide it any more. */
static void a_hidden_flow_stays_hidden_without_its_rule(void **state)
{
    struct world *w = WORLD("masquerade off; " MASQ);

    (void)state;
    w->quiet = true;
    say(w, C " > " SITE ":80 tcp S seq 1000");
    say(w, SITE ":80 > " W ":4000 tcp S. seq 5000 ack 1001");
    reload(w, "masquerade off");
    say(w, C " > " SITE ":80 tcp . seq 900001001 ack 5001");
    assert_int_equal(w->info, CT_INVALID);
    assert_int_equal(w->why, CT_REASON_UNTRANSLATED);
    say(w, C " > " SITE ":80 tcp . seq 1001 ack 5001");
    assert_int_equal(w->last[15], 1); /* translated */
    END(w);
}

/* Behind the translation an accept says nothing of it. */
static void order_counts(void **state)
{
    struct world *w =
        WORLD("postrouting {\"out\":\"wan\",\"masquerade\":true}; "
              "postrouting {\"out\":\"wan\",\"dst\":\"" SITE
              "\",\"verdict\":\"accept\"}");

    (void)state;
    say(w, C " > " SITE ":53 udp 'a'");
    TRACE(w, "[  0] " C " > " SITE ":53 udp: NEW\n"
             "      out wan " W ":4000 > " SITE ":53 udp\n");
    END(w);
}

/* One source reaches the router's own port, all others the host behind it. */
static void a_source_is_exempt_from_a_forward(void **state)
{
    static const char *const ways[] = {"\"verdict\":\"accept\"",
                                       "\"nat\":\"none\""};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        char text[512];
        struct world *w;

        snprintf(text, sizeof text,
                 "prerouting {\"in\":\"wan\",\"src\":\"198.51.100.7\",%s}; "
                 "prerouting {\"in\":\"wan\",\"proto\":\"udp\",\"dst\":\"" W
                 "\",\"dport\":8080,\"dnat\":\"10.0.1.2:80\"}",
                 ways[i]);
        w = WORLD(text);
        w->quiet = true;
        say(w, "198.51.100.7:9 > " W ":8080 udp 'x'");
        assert_int_equal(stat_of(w, CT_STAT_local), 1);
        say(w, "198.51.100.8:9 > " W ":8080 udp 'x'");
        assert_int_equal(stat_of(w, CT_STAT_forwarded), 1);
        assert_int_equal(last_dport(w), 80);
        END(w);
    }
}

/* Nor is it taken for a hairpin. */
static void an_exempt_flow_is_no_hairpin(void **state)
{
    struct world *w =
        WORLD("hairpin on; prerouting {\"in\":\"lan\",\"nat\":\"none\"}; "
              "dnat udp " W ":8080 -> 10.0.1.3:80");

    (void)state;
    w->quiet = true;
    say(w, C " > " W ":8080 udp 'x'");
    assert_int_equal(stat_of(w, CT_STAT_local), 1);
    END(w);
}

/* A review asks as a first packet is asked: nothing has changed. */
static void exempt_flows_stay_when_reviewed(void **state)
{
    static const char rules[] =
        "masquerade off; on_reload revalidate; postrouting {\"out\":\"wan\","
        "\"dst\":\"" SITE "\",\"verdict\":\"accept\"}; " MASQ;
    struct world *w = WORLD(rules);

    (void)state;
    w->quiet = true;
    say(w, C " > " SITE ":53 udp 'a'");
    say(w, C " > 198.51.100.2:53 udp 'a'");
    reload(w, rules);
    assert_int_equal(count_flows(w), 2);
    reload(w, "on_reload revalidate");
    assert_int_equal(count_flows(w), 1);
    END(w);
}

int main(void)
{
    const struct CMUnitTest stories[] = {
        STORY(a_site_is_exempt_from_masquerade),
        STORY(what_is_exempt_is_not_refused_as_untranslated),
        STORY(a_guess_exempts_nothing),
        STORY(what_a_flow_would_have_is_unknown),
        STORY(what_a_flow_may_have_had_exempts_nothing),
        STORY(what_is_meant_is_no_guess),
        STORY(none_must_match_too),
        STORY(nothing_of_a_gone_flow_leaves_as_it_is),
        STORY(an_error_may_be_about_what_is_hidden),
        STORY(a_gone_flow_of_the_host_stays_too),
        STORY(what_no_rule_would_hide_leaves),
        STORY(what_is_not_tracked_leaves_as_it_is),
        STORY(a_hidden_flow_stays_hidden_without_its_rule),
        STORY(order_counts),
        STORY(a_source_is_exempt_from_a_forward),
        STORY(an_exempt_flow_is_no_hairpin),
        STORY(exempt_flows_stay_when_reviewed),
    };

    return cmocka_run_group_tests(stories, NULL, NULL);
}
