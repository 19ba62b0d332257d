/* script_icmp.c - ICMP and ICMPv6 queries */
#include "script.h"

#define C  "10.0.1.2"
#define S  "198.51.100.2"
#define W  "198.51.100.1"
#define C6 "fd00:1::2"
#define S6 "2001:db8::2"
#define W6 "2001:db8::1"

static const struct script_setup fast = {
    pair_masquerade, "", "icmp 1; icmpv6 1", 0, 0, false};

#define UNTRACKED_DROPPED                                                      \
    " chain out { type nat hook postrouting priority srcnat; }\n"              \
    " chain passing { type filter hook forward priority 0;\n"                  \
    "  ct state untracked drop\n }\n"
static const struct script_setup no_untracked = {
    UNTRACKED_DROPPED,
    "masquerade off; "
    "forward {\"ct_state\":[\"untracked\"],\"verdict\":\"drop\"}",
    "",
    0,
    0,
    false};
#define V6(type) C6 " > " S6 " icmp " type "/0 len 16\n"

static const struct script rows[] = {
    {.name = "icmp.echo",
     .steps =
         "+ " C " > " S " icmp echo id 7 seq 1\n= 8/0 30 UNREPLIED\n* NEW\n"
         "+ " S " > " W " icmp reply id 7 seq 1\n= 30 REPLIED\n* UPDATE\n"
         "+ " C " > " S " icmp echo id 7 seq 2\n= 30 REPLIED\n* \n"},
    {.name = "icmp.never_assured",
     .steps = "+ " C " > " S " icmp echo id 7\n+ " S " > " W
              " icmp reply id 7\nwait 2100\n+ " C " > " S
              " icmp echo id 7\n+ " S " > " W " icmp reply id 7\n"
              "= 30 REPLIED\n"},
    {.name = "icmp.refresh",
     .steps = "+ " C " > " S " icmp echo id 7\nwait 2100\n= 28\n+ " C " > " S
              " icmp echo id 7\n= 30\n"},
    {.name = "icmp.expires",
     .setup = &fast,
     .steps = "+ " C " > " S " icmp echo id 7\nwait 2100\n= none\n* DESTROY\n"
              "- " S " > " W " icmp reply id 7\n= none\n"},
    {.name = "icmp.two_ids",
     .steps = "+ " C " > " S " icmp echo id 7\n+ " C " > " S
              " icmp echo id 8\n= 2 flows\n"},
    {.name = "icmp.id_0", .steps = "+ " C " > " S " icmp echo id 0\n= 30\n"},
    {.name = "icmp.timestamp",
     .steps = "+ " C " > " S " icmp 13/0 id 7 len 12\n= 30 UNREPLIED\n"
              "+ " S " > " W " icmp 14/0 id 7 len 12\n= 30 REPLIED\n"},
    {.name = "icmp.information",
     .steps = "+ " C " > " S " icmp 15/0 id 7\n= 30 UNREPLIED\n"
              "+ " S " > " W " icmp 16/0 id 7\n= 30 REPLIED\n"},
    {.name = "icmp.mask",
     .steps = "+ " C " > " S " icmp 17/0 id 7 len 4\n= 30 UNREPLIED\n"
              "+ " S " > " W " icmp 18/0 id 7 len 4\n= 30 REPLIED\n"},
    {.name = "icmp.reply_unasked",
     .steps = "- " C " > " S " icmp reply id 7\n= none\n"},
    {.name = "icmp.reply_unasked_reply",
     .steps = "- " S " > " W " icmp reply id 7\n= none\n"},
    {.name = "icmp.answers_unasked",
     .steps = "- " S " > " W " icmp 14/0 id 7 len 12\n= none\n"
              "- " S " > " W " icmp 16/0 id 7\n= none\n"
              "- " S " > " W " icmp 18/0 id 7 len 4\n= none\n"
              "- " S6 " > " W6 " icmp 140/0 id 7 len 12\n= none\n"},
    {.name = "icmp.queries_of_one_id",
     .steps = "+ " C " > " S " icmp 13/0 id 7 len 12\n"
              "+ " C " > " S " icmp echo id 7\n= 2 flows\n"
              "+ 10.0.1.3 > " S " icmp 13/0 id 7 len 12\n= 3 flows\n"},
    {.name = "icmp.reply_of_other_id",
     .steps = "+ " C " > " S " icmp echo id 7\n- " S " > " W
              " icmp reply id 9\n= 30 UNREPLIED\n"},
    {.name = "icmp.reply_of_other_kind",
     .steps = "+ " C " > " S " icmp echo id 7\n- " S " > " W
              " icmp 14/0 id 7 len 12\n= 30 UNREPLIED\n"},
    {.name = "icmp.reply_of_other_host",
     .steps = "+ " C " > " S " icmp echo id 7\n"
              "- 198.51.100.9 > " W " icmp reply id 7\n= 30 UNREPLIED\n"},
    {.name = "icmp.code_of_echo",
     .steps = "+ " C " > " S " icmp 8/5 id 7\n= 30 UNREPLIED\n"},
    {.name = "icmp.router_advertisement",
     .steps = "- " C " > " S " icmp 9/0\n= none\n"},
    {.name = "icmp.solicitation",
     .steps = "- " C " > " S " icmp 10/0\n= none\n"},
    {.name = "icmp.type_1", .steps = "- " C " > " S " icmp 1/0\n= none\n"},
    {.name = "icmp.type_19", .steps = "- " C " > " S " icmp 19/0\n= none\n"},
    {.name = "icmp.type_30", .steps = "- " C " > " S " icmp 30/0\n= none\n"},
    {.name = "icmp.type_255", .steps = "- " C " > " S " icmp 255/0\n= none\n"},
    {.name = "icmp.extended_echo",
     .steps = "- " C " > " S " icmp 42/0 id 7\n= none\n"},
    {.name = "icmp.badsum",
     .steps = "- " C " > " S " icmp echo id 7 badsum\n= none\n"},
    {.name = "icmp.truncated",
     .steps = "- " C " > " S " proto 1 hex 080000\n= none\n"},
    {.name = "icmp.to_router",
     .steps = "< " C " > 10.0.1.1 icmp echo id 7\n= 30 REPLIED\n"},
    {.name = "icmp.to_router_outside",
     .steps = "< 198.51.100.9 > " W " icmp echo id 7\n= 30 REPLIED\n"},
    {.name = "icmp.ttl_1",
     .steps = "< " C " > " S " icmp echo id 7 ttl 1\n= none\n"},
    {.name = "icmp.large",
     .steps = "+ " C " > " S " icmp echo id 7 len 1472\n= 30\n"},
    {.name = "icmp6.echo",
     .steps = "+ " C6 " > " S6 " icmp echo id 7 seq 1\n= 128/0 30 UNREPLIED\n"
              "+ " S6 " > " W6 " icmp reply id 7 seq 1\n= 30 REPLIED\n"},
    {.name = "icmp6.expires",
     .setup = &fast,
     .steps = "+ " C6 " > " S6 " icmp echo id 7\nwait 2100\n= none\n"
              "* DESTROY\n"},
    {.name = "icmp6.node_information",
     .steps = "+ " C6 " > " S6 " icmp 139/0 id 7 len 12\n= 30 UNREPLIED\n"
              "+ " S6 " > " W6 " icmp 140/0 id 7 len 12\n= 30 REPLIED\n"},
    {.name = "icmp6.reply_unasked",
     .steps = "- " C6 " > " S6 " icmp reply id 7\n= none\n"},
    {.name = "icmp6.badsum",
     .steps = "- " C6 " > " S6 " icmp echo id 7 badsum\n= none\n"},
    {.name = "icmp6.type_127",
     .steps = "- " C6 " > " S6 " icmp 127/0\n= none\n"},
    {.name = "icmp6.type_200",
     .steps = "- " C6 " > " S6 " icmp 200/0\n= none\n"},
    {.name = "icmp6.solicitation_is_untracked",
     .steps = "- " C6 " > " S6 " icmp 135/0 len 16\n= none\n"},
    {.name = "icmp6.listener_is_untracked",
     .steps = "- " C6 " > " S6 " icmp 131/0 len 16\n= none\n"},
    {.name = "icmp6.what_is_untracked",
     .setup = &no_untracked,
     .steps =
         "- " V6("130") "- " V6("131") "- " V6("132") "- " V6("133") "- " V6(
             "1"
             "3"
             "4") "- " V6("135") "- " V6("136") "- " V6("143") "- " V6("151") "- " V6("152") "= none\n"},
    {.name = "icmp6.what_is_not_untracked",
     .setup = &no_untracked,
     .steps = "+ " V6("129") "+ " V6("144") "+ " V6("148") "+ " V6(
         "153") "= none\n"},
    {.name = "icmp6.to_router",
     .steps = "< " C6 " > fd00:1::1 icmp echo id 7\n= 30 REPLIED\n"},
    {.name = "icmp6.hop_limit_1",
     .steps = "< " C6 " > " S6 " icmp echo id 7 ttl 1\n= none\n"},
};

const struct script_theme script_icmp = SCRIPT_THEME(rows);
