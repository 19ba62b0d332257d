/* script_hooks.c - what lies around conntrack and NAT: the state that a rule
 * sees, notrack, routing, and fragments
 *
 * A packet of the state that a setup names is dropped by the forward hook. */
#include "script.h"

#define C "10.0.1.2:4000"
#define S "198.51.100.2:53"
#define W "198.51.100.1:4000"
#define OUT                                                                    \
    " chain out { type nat hook postrouting priority srcnat;\n"                \
    "  oifname kwan masquerade\n }\n"
#define NAT_OFF " chain out { type nat hook postrouting priority srcnat; }\n"
#define DROP(state)                                                            \
    " chain passing { type filter hook forward priority 0;\n"                  \
    "  ct state " state " drop\n }\n"
#define RULE(state)                                                            \
    "forward {\"ct_state\":[\"" state "\"],\"verdict\":\"drop\"}"
#define SETUP(state)                                                           \
    static const struct script_setup no_##state = {                            \
        OUT DROP(#state), RULE(#state), "", 0, 0, false}

SETUP(new);
SETUP(established);
SETUP(related);
SETUP(untracked);

static const struct script_setup no_invalid = {
    NAT_OFF DROP("invalid"),
    "masquerade off; " RULE("invalid"),
    "",
    0,
    0,
    false};
/* Port 9 is not tracked. */
static const struct script_setup notrack = {
    NAT_OFF " chain first { type filter hook prerouting priority raw;\n"
            "  udp dport 9 notrack\n }\n",
    "masquerade off; prerouting {\"proto\":\"udp\",\"dport\":9,\"verdict\":"
    "\"notrack\"}",
    "",
    0,
    0,
    false};
static const struct script_setup notrack_dropped = {
    OUT DROP("untracked") " chain first { type filter hook prerouting priority "
                          "raw;\n  udp dport 9 notrack\n }\n",
    "prerouting {\"proto\":\"udp\",\"dport\":9,\"verdict\":\"notrack\"}; " RULE(
        "untracked"),
    "",
    0,
    0,
    false};
static const struct script_setup marks = {
    OUT " chain marking { type filter hook prerouting priority mangle;\n"
        "  udp dport 53 ct mark set 7\n }\n",
    "prerouting {\"proto\":\"udp\",\"dport\":53,\"set_mark\":7}",
    "",
    0,
    0,
    false};

static const struct script_setup mark_answers = {
    OUT " chain marking { type filter hook prerouting priority mangle;\n"
        "  udp sport 53 ct mark set 7\n }\n",
    "prerouting {\"proto\":\"udp\",\"sport\":53,\"set_mark\":7}",
    "",
    0,
    0,
    false};
#define ZONED(statement, rule)                                                 \
    {                                                                          \
        OUT " chain first { type filter hook prerouting priority raw;\n"       \
            "  iifname klan " statement "\n }\n",                              \
            "prerouting {\"in\":\"lan\",\"" rule "\":5}", "", 0, 0, false      \
    }
static const struct script_setup zone = ZONED("ct zone set 5", "set_zone");
static const struct script_setup zone_orig =
    ZONED("ct original zone set 5", "set_zone_orig");
static const struct script_setup zone_reply =
    ZONED("ct reply zone set 5", "set_zone_reply");

/* A UDP datagram of 16 bytes without checksum, in pieces of 16 and 8 bytes. */
#define HEAD             "0fa00035001800004142434445464748"
#define TAIL             "6162636465666768"
#define PIECE(hex, more) "10.0.1.2 > 198.51.100.2 proto 17 hex " hex " " more

static const struct script rows[] = {
    {.name = "state.new.first",
     .setup = &no_new,
     .steps = "- " C " > " S " udp 'a'\n= none\n* \n"},
    {.name = "state.new.syn",
     .setup = &no_new,
     .steps = "- " C " > " S " tcp S seq 1\n= none\n* \n"},
    {.name = "state.new.pickup",
     .setup = &no_new,
     .steps = "- " C " > " S " tcp . seq 1 ack 1\n= none\n"},
    {.name = "state.established.udp",
     .setup = &no_established,
     .differs = "event_when",
     .steps = "+ " C " > " S " udp 'a'\n+ " C " > " S " udp 'a'\n= UNREPLIED\n"
              "~-- " S " > " W " udp 'b'\n"},
    {.name = "state.established.syn_again_is_new",
     .setup = &no_established,
     .differs = "event_when",
     .steps = "+ " C " > " S " tcp S seq 1000\n+ " C " > " S " tcp S seq 1000\n"
              "~-- " S " > " W " tcp S. seq 5000 ack 1001\n"},
    {.name = "state.established.echo_reply",
     .setup = &no_established,
     .differs = "event_when",
     .steps = "+ 10.0.1.2 > 198.51.100.2 icmp echo id 7\n"
              "~-- 198.51.100.2 > 198.51.100.1 icmp reply id 7\n"},
    {.name = "state.related.error",
     .setup = &no_related,
     .steps =
         "+ " C " > " S " udp 'aaaa'\n"
         "- 192.0.2.9 > 198.51.100.1 icmp 3/1 about {" W " > " S
         " udp 'aaaa'}\n+ " S " > " W " udp 'b'\n"
         "- 10.0.1.2 > 198.51.100.2 icmp 3/3 about {" S " > " C " udp 'b'}\n"},
    {.name = "state.invalid.flags",
     .setup = &no_invalid,
     .steps = "- " C " > " S " tcp SF seq 1\n= none\n"},
    {.name = "state.invalid.badsum",
     .setup = &no_invalid,
     .steps = "- " C " > " S " udp 'x' badsum\n= none\n"},
    {.name = "state.invalid.echo_reply",
     .setup = &no_invalid,
     .steps = "- 10.0.1.2 > 198.51.100.2 icmp reply id 7\n= none\n"},
    {.name = "state.invalid.error",
     .setup = &no_invalid,
     .steps = "- 192.0.2.9 > 10.0.1.2 icmp 3/1 about {" C " > " S
              " udp 'aaaa'} @wan\n= none\n"},
    {.name = "state.invalid.window_only",
     .setup = &no_invalid,
     .steps = "+ " C " > " S " tcp S seq 1000\n"
              "+ " S " > " C " tcp S. seq 5000 ack 1001 @wan\n"
              "- " C " > " S " tcp . seq 900001001 ack 5001\n"
              "+ " C " > " S " tcp . seq 1001 ack 5001\n= ESTABLISHED\n"},
    {.name = "state.untracked.is_not_new",
     .setup = &no_untracked,
     .steps = "+ " C " > " S " udp 'a'\n= UNREPLIED\n"},
    {.name = "state.untracked.dropped",
     .setup = &notrack_dropped,
     .steps = "- 10.0.1.2:4000 > 198.51.100.2:9 udp 'a'\n= none\n"},
    {.name = "state.untracked.leaves_no_flow",
     .setup = &notrack,
     .steps = "+ 10.0.1.2:4000 > 198.51.100.2:9 udp 'a'\n= none\n* \n"},
    {.name = "state.untracked.solicitation",
     .setup = &no_invalid,
     .steps = "+ fd00:1::2 > 2001:db8::2 icmp 135/0 len 16\n= none\n"},
    {.name = "mark.of_the_flow",
     .setup = &marks,
     .steps = "+ " C " > " S " udp 'a'\n= mark=7 UNREPLIED\n* NEW\n"
              "+ " S " > " W " udp 'b'\n= mark=7 REPLIED\n* UPDATE\n"},
    {.name = "mark.of_a_known_flow",
     .setup = &mark_answers,
     .steps = "+ " C " > " S " udp 'a'\n= mark=0 UNREPLIED\n"
              "+ " S " > " W " udp 'b'\n= mark=7 REPLIED\n* UPDATE\n"
              "+ " S " > " W " udp 'b'\n= mark=7 REPLIED\n* \n"},
    /* ---- zones ---- */
    {.name = "zone.of_both",
     .setup = &zone,
     .steps = "+ " C " > " S " udp 'a'\n= zone=5 UNREPLIED\n"
              "? " S " > " W " udp 'b'\n= 2 flows\n"
              "+ " C " > " S " udp 'a'\n= zone=5 UNREPLIED\n"},
    {.name = "zone.original",
     .setup = &zone_orig,
     .steps = "+ " C " > " S " udp 'a'\n= zone=5 UNREPLIED\n"
              "+ " S " > " W " udp 'b'\n= zone=5 REPLIED\n= 1 flows\n"},
    {.name = "zone.reply",
     .setup = &zone_reply,
     .steps = "+ " C " > " S " udp 'a'\n= zone=5 UNREPLIED\n"
              "? " S " > " W " udp 'b'\n= 2 flows\n"},
    /* ---- fragments ---- */
    {.name = "frag.in_order",
     .steps = "- " PIECE(
         HEAD,
         "ipid 1 frag 0+") "\n= none\n"
                           "+ " PIECE(
                               TAIL,
                               "ipid 1 frag 16") "\n= 30 UNREPLIED\n* NEW\n"},
    {.name = "frag.reversed",
     .steps = "- " PIECE(
         TAIL,
         "ipid 2 frag 16") "\n"
                           "+ " PIECE(HEAD,
                                      "ipid 2 frag 0+") "\n= 30 UNREPLIED\n"},
    {.name = "frag.of_two_datagrams",
     .steps = "- " PIECE(
         HEAD, "ipid 3 frag 0+") "\n"
                                 "- " PIECE(TAIL,
                                            "ipid 4 frag 16") "\n= none\n"},
    {.name = "frag.never_whole",
     .steps = "- " PIECE(
         HEAD, "ipid 5 frag 0+") "\n"
                                 "- " PIECE(HEAD,
                                            "ipid 5 frag 0+") "\n= none\n"},
    {.name = "frag.twice_then_whole",
     .steps = "- " PIECE(
         HEAD,
         "ipid 6 frag 0+") "\n"
                           "- " PIECE(
                               HEAD,
                               "ipid 6 frag 0+") "\n"
                                                 "+ " PIECE(
                                                     TAIL,
                                                     "ipid 6 frag 16") "\n= 30 "
                                                                       "UNREPLI"
                                                                       "ED\n"},
    {.name = "frag.overlap",
     .steps = "- " PIECE(
         HEAD,
         "ipid 7 frag 0+") "\n"
                           "- " PIECE(HEAD,
                                      "ipid 7 frag 8+") "\n"
                                                        "- " PIECE(
                                                            TAIL,
                                                            "ipid 7 frag "
                                                            "16") "\n= "
                                                                  "none\n"},
    {.name = "frag.reply",
     .steps = "+ " C " > " S " udp 'a'\n"
              "- 198.51.100.2 > 198.51.100.1 proto 17 hex "
              "00350fa0001800004142434445464748 ipid 8 frag 0+\n"
              "+ 198.51.100.2 > 198.51.100.1 proto 17 hex " TAIL
              " ipid 8 frag 16\n= REPLIED\n"},
    {.name = "frag.ttl_1",
     .steps = "- " PIECE(
         HEAD,
         "ipid 9 frag 0+ ttl 1") "\n"
                                 "< " PIECE(
                                     TAIL,
                                     "ipid 9 frag 16 ttl 1") "\n= none\n"},
    {.name = "frag.echo",
     .steps = "- 10.0.1.2 > 198.51.100.2 proto 1 hex "
              "0800554d000700014142434445464748 ipid 10 frag 0+\n"
              "+ 10.0.1.2 > 198.51.100.2 proto 1 hex " TAIL
              " ipid 10 frag 16\n= 8/0 UNREPLIED\n"},
};

const struct script_theme script_hooks = SCRIPT_THEME(rows);
