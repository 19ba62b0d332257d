/* script_timeouts.c - durations that a rule gives to flows (nft's ct timeout)
 */
#include "script.h"

#define C   "10.0.1.2:4000"
#define S   "198.51.100.2:53"
#define H   "198.51.100.2:80"
#define W   "198.51.100.1:4000"
#define ASK "+ " C " > " S " udp 'a'\n"
#define ANSWER                                                                 \
    "+ " S " > " W " udp 'b'\n"                                                \
    ""
#define CLIENT C " > " H " tcp "
#define SERVER H " > " W " tcp "
#define SHAKE                                                                  \
    "+ " CLIENT "S seq 1000\n= 20 SYN_SENT\n"                                  \
    "+ " SERVER "S. seq 5000 ack 1001\n= 21 SYN_RECV\n"                        \
    "+ " CLIENT ". seq 1001 ack 5001\n= 100 ESTABLISHED\n"

#define GIVEN_BY(nat, objects, statements, rules)                              \
    {                                                                          \
        objects                                                                \
            " chain out { type nat hook postrouting priority srcnat;\n" nat    \
            " }\n"                                                             \
            " chain give { type filter hook prerouting priority mangle;\n"     \
            "  iifname klan jump given\n }\n chain given {\n" statements       \
            " }\n",                                                            \
            "tune extensions 64; " rules, "", 0, 0, false                      \
    }
#define GIVEN(objects, statements, rules)                                      \
    GIVEN_BY("  oifname kwan masquerade\n", objects, statements, rules)

static const struct script_setup udp =
    GIVEN(" ct timeout short { protocol udp; l3proto ip; policy = { "
          "unreplied : 5, replied : 9 }; }\n",
          "  udp dport 53 ct timeout set \"short\"\n",
          "prerouting {\"in\":\"lan\",\"proto\":\"udp\",\"dport\":53,"
          "\"timeouts\":{\"udp\":5,\"udp_stream\":9}}");
static const struct script_setup brief =
    GIVEN(" ct timeout brief { protocol udp; l3proto ip; policy = { "
          "unreplied : 1 }; }\n",
          "  udp dport 53 ct timeout set \"brief\"\n",
          "prerouting {\"in\":\"lan\",\"proto\":\"udp\",\"dport\":53,"
          "\"timeouts\":{\"udp\":1}}");
static const struct script_setup tcp = GIVEN(
    " ct timeout slow { protocol tcp; l3proto ip; policy = { syn_sent : 20, "
    "syn_recv : 21, established : 100, fin_wait : 23, close_wait : 24, "
    "last_ack : 25, time_wait : 26, close : 27, retrans : 28, unack : 29 }; "
    "}\n",
    "  tcp dport 80 ct timeout set \"slow\"\n",
    "prerouting {\"in\":\"lan\",\"proto\":\"tcp\",\"dport\":80,\"timeouts\":{"
    "\"tcp_syn_sent\":20,\"tcp_syn_recv\":21,\"tcp_established\":100,"
    "\"tcp_fin_wait\":23,\"tcp_close_wait\":24,\"tcp_last_ack\":25,"
    "\"tcp_time_wait\":26,\"tcp_close\":27,\"tcp_max_retrans\":28,"
    "\"tcp_unacknowledged\":29}}");
/* Nothing that would be shorter than what an idle flow has. */
static const struct script_setup short_idle =
    GIVEN(" ct timeout idle { protocol tcp; l3proto ip; policy = { syn_sent : "
          "20, syn_recv : 21, established : 100 }; }\n",
          "  tcp dport 80 ct timeout set \"idle\"\n",
          "prerouting {\"in\":\"lan\",\"proto\":\"tcp\",\"dport\":80,"
          "\"timeouts\":{\"tcp_syn_sent\":20,\"tcp_syn_recv\":21,"
          "\"tcp_established\":100}}");

static const struct script_setup unacknowledged = GIVEN_BY(
    "",
    " ct timeout known { protocol tcp; l3proto ip; policy = { unack : 130 }; "
    "}\n",
    "  tcp dport 80 ct timeout set \"known\"\n",
    "masquerade off; prerouting {\"in\":\"lan\",\"proto\":\"tcp\",\"dport\":80,"
    "\"timeouts\":{\"tcp_unacknowledged\":130}}");

static const struct script rows[] = {
    {.name = "timeouts.udp",
     .setup = &udp,
     .steps = ASK "= 5 UNREPLIED\n" ANSWER "= 5 REPLIED\nwait 2100\n" ASK
                  "= 9 ASSURED\n* UPDATE\n"},
    {.name = "timeouts.of_no_other_flow",
     .setup = &udp,
     .steps = "+ " C " > 198.51.100.2:54 udp 'a'\n= 30 UNREPLIED\n"},
    {.name = "timeouts.refreshed_by_the_answer",
     .setup = &udp,
     .steps = ASK "wait 1500\n" ANSWER "= 5 REPLIED\n"},
    {.name = "timeouts.end",
     .setup = &brief,
     .steps =
         ASK "wait 2100\n= none\n* DESTROY\n" ASK "= 1 UNREPLIED\n* NEW\n"},
    {.name = "timeouts.what_is_not_said_stays",
     .setup = &brief,
     .steps = ASK ANSWER "wait 900\n" ASK "wait 900\n" ASK "wait 900\n" ASK
                         "= 120 ASSURED\n"},
    {.name = "timeouts.tcp_to_the_end",
     .setup = &tcp,
     .steps = SHAKE "+ " CLIENT "F. seq 1001 ack 5001\n= 23 FIN_WAIT\n"
                    "+ " SERVER ". seq 5001 ack 1002\n= 24 CLOSE_WAIT\n"
                    "+ " SERVER "F. seq 5001 ack 1002\n= 25 LAST_ACK\n"
                    "+ " CLIENT ". seq 1002 ack 5002\n= 26 TIME_WAIT\n"},
    {.name = "timeouts.tcp_reset",
     .setup = &tcp,
     .steps = SHAKE "+ " SERVER "R seq 5001\n= 27 CLOSE\n"},
    {.name = "timeouts.tcp_unacknowledged",
     .setup = &tcp,
     .steps = SHAKE "+ " CLIENT "P. seq 1001 ack 5001 len 9\n= 29 ESTABLISHED\n"
                    "+ " SERVER ". seq 5001 ack 1010\n= 100 ESTABLISHED\n"},
    {.name = "timeouts.tcp_window_0",
     .setup = &tcp,
     .steps =
         SHAKE "+ " SERVER ". seq 5001 ack 1001 win 0\n= 28 ESTABLISHED\n"},
    {.name = "timeouts.tcp_retransmitted",
     .setup = &tcp,
     .steps = SHAKE "+ " SERVER ". seq 5001 ack 1001 win 9\n= 100\n"
                    "many 3 1 + " SERVER
                    ". seq 5001 ack 1001 win 9\n= 28 ESTABLISHED\n"},
    {.name = "timeouts.tcp_idle_is_shorter",
     .setup = &short_idle,
     .steps =
         SHAKE "+ " CLIENT "P. seq 1001 ack 5001 len 9\n= 100 ESTABLISHED\n"},
    /* A second number out of the window lowers what is left: to its own. */
    {.name = "timeouts.tcp_two_strangers",
     .setup = &unacknowledged,
     .steps = "+ " CLIENT "S seq 1000\n"
              "+ " H " > " C " tcp S. seq 5000 ack 1001 @wan\n"
              "+ " CLIENT ". seq 1001 ack 5001\n= 432000 ESTABLISHED\n"
              "+ " H " > " C " tcp R seq 900000000 @wan\n= 432000\n"
              "+ " CLIENT "R seq 900000000\n= 130 ESTABLISHED\n"},
};

const struct script_theme script_timeouts = SCRIPT_THEME(rows);
