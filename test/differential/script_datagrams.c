/* script_datagrams.c - UDP, UDP-Lite, GRE, and protocols without a tracker */
#include "script.h"

#define C      "10.0.1.2:4000"
#define S      "198.51.100.2:53"
#define W      "198.51.100.1:4000"
#define ASK    "+ " C " > " S " udp len 20\n"
#define ANSWER "+ " S " > " W " udp len 20\n"
/* Transport headers by hand: ports 4000 and 53, then length and checksum. */
#define RAW         "10.0.1.2 > 198.51.100.2 proto 17 hex 0fa00035"
#define LITE_ASK    "+ 10.0.1.2:4000 > 198.51.100.2:53 udplite len 20\n"
#define LITE_ANSWER "+ 198.51.100.2:53 > 198.51.100.1:4000 udplite len 20\n"
#define RAW_LITE    "10.0.1.2 > 198.51.100.2 proto 136 hex 0fa00035"
#define GRE_OUT     "10.0.1.2 > 198.51.100.2 proto 47 hex "
#define GRE_IN      "198.51.100.2 > 198.51.100.1 proto 47 hex "
#define OUT(n)      "10.0.1.2 > 198.51.100.2 proto " n " hex 00\n"
#define IN(n)       "198.51.100.2 > 198.51.100.1 proto " n " hex 00\n"

static const struct script_setup fast = {
    pair_masquerade, "", "udp 1; udp_stream 1; gre 1; generic 1", 0, 0, false};
static const struct script_setup other_times = {
    pair_masquerade,
    "",
    "udp 17; udp_stream 99; gre 11; gre_stream 77",
    0,
    0,
    false};
static const struct script_setup unchecked = {
    pair_masquerade, "", "checksum 0", 0, 0, false};

/* Without the chain that stops what leaves with an inside source. */
static const struct script_setup open_door = {
    " chain out { type nat hook postrouting priority srcnat;\n"
    "  oifname kwan masquerade\n }\n",
    "",
    "",
    0,
    0,
    false};

static const struct script rows[] = {
    /* ---- UDP ---- */
    {.name = "udp.life",
     .steps = ASK "= 30 UNREPLIED\n* NEW\n" ANSWER
                  "= 30 REPLIED\n* UPDATE\n" ASK "= 30 REPLIED\n* \n"
                  "wait 2100\n" ASK "= 120 ASSURED\n* UPDATE\n" ANSWER
                  "= 120 ASSURED\n* \n"},
    {.name = "udp.first_answer_after_2s",
     .steps = ASK "wait 2100\n" ANSWER "= 30 REPLIED\n" ASK "= 120 ASSURED\n"},
    {.name = "udp.answer_makes_a_stream",
     .steps = ASK ANSWER "wait 2100\n" ANSWER "= 120 ASSURED\n"},
    {.name = "udp.within_2s",
     .steps = ASK ANSWER "wait 1000\n" ASK ANSWER "= 30 REPLIED\n"},
    {.name = "udp.unreplied_is_refreshed",
     .steps = ASK "wait 2100\n= 28\n" ASK "= 30 UNREPLIED\n* \n"},
    {.name = "udp.other_times",
     .setup = &other_times,
     .steps = ASK "= 17\n" ANSWER "= 17\nwait 2100\n" ASK "= 99 ASSURED\n"},
    {.name = "udp.expires",
     .setup = &fast,
     .steps = ASK "wait 2100\n= none\n* DESTROY\n"
                  "< 198.51.100.2:53 > 198.51.100.1:4000 udp len 20\n"
                  "= 198.51.100.2:53 UNREPLIED\n"},
    {.name = "udp.expired_stream_begins_again",
     .setup = &fast,
     .steps = ASK ANSWER "wait 2100\n* DESTROY\n" ASK "= UNREPLIED\n* NEW\n"},
    {.name = "udp.v6",
     .steps =
         "+ [fd00:1::2]:4000 > [2001:db8::2]:53 udp 'who'\n= 30 UNREPLIED\n"
         "+ [2001:db8::2]:53 > [2001:db8::1]:4000 udp 'me'\n= 30 REPLIED\n"},
    /* Behind an authentication header of 24 bytes. */
    {.name = "udp.v6_authenticated",
     .steps = "+ fd00:1::2 > 2001:db8::2 proto 51 hex "
              "110400000000000700000001000102030405060708090a0b"
              "0fa00035000cde9a77686f3f\n= 30 UNREPLIED\n"},
    {.name = "udp.other_answerer",
     .steps = ASK "< 198.51.100.9:53 > 198.51.100.1:4000 udp len 20\n"
                  "= 198.51.100.2 30 UNREPLIED\n= 2 flows\n"},
    {.name = "udp.other_answering_port",
     .steps = ASK "< 198.51.100.2:54 > 198.51.100.1:4000 udp len 20\n"
                  "= 2 flows\n"},
    {.name = "udp.two_flows_of_a_source",
     .steps = ASK "+ " C " > 198.51.100.3:53 udp\n= 2 flows\n"},
    {.name = "udp.port_0",
     .steps = "+ 10.0.1.2:0 > 198.51.100.2:53 udp 'x'\n= 1 flows\n"},
    {.name = "udp.to_port_0",
     .steps = "+ 10.0.1.2:4000 > 198.51.100.2:0 udp 'x'\n= 1 flows\n"},
    {.name = "udp.no_checksum",
     .steps = "+ " C " > " S " udp 'x' nosum\n= UNREPLIED\n"},
    {.name = "udp.no_checksum6",
     .steps =
         "+ [fd00:1::2]:4000 > [2001:db8::2]:53 udp 'who' nosum\n= UNREPLIED\n"
         "+ [2001:db8::2]:53 > [2001:db8::1]:4000 udp 'me' nosum\n= REPLIED\n"},
    {.name = "udp.badsum", .steps = "- " C " > " S " udp 'x' badsum\n= none\n"},
    {.name = "udp.badsum_known",
     .steps =
         ASK "wait 1100\n- " C " > " S " udp 'x' badsum\n= 29 UNREPLIED\n"},
    {.name = "udp.badsum_reply",
     .steps = ASK "- " S " > " W " udp 'x' badsum\n= UNREPLIED\n"},
    {.name = "udp.badsum_unchecked",
     .setup = &unchecked,
     .steps = "+ " C " > " S " udp 'x' badsum\n= UNREPLIED\n"},
    {.name = "udp.truncated_to_4", .steps = "- " RAW "\n= none\n"},
    {.name = "udp.truncated_to_7", .steps = "- " RAW "000800\n= none\n"},
    {.name = "udp.length_0", .steps = "- " RAW "00000000\n= none\n"},
    {.name = "udp.length_7", .steps = "- " RAW "00070000\n= none\n"},
    {.name = "udp.length_8", .steps = "+ " RAW "00080000\n= UNREPLIED\n"},
    {.name = "udp.length_over", .steps = "- " RAW "00090000\n= none\n"},
    {.name = "udp.length_below_ip",
     .steps = "+ " RAW "0008000061626364\n= 30\n"},
    {.name = "udp.to_router",
     .steps = "< 10.0.1.2:4000 > 10.0.1.1:53 udp 'x'\n= UNREPLIED 30\n* NEW\n"},
    {.name = "udp.to_router_outside",
     .steps =
         "< 198.51.100.9:4000 > 198.51.100.1:53 udp 'x'\n= UNREPLIED 30\n"},
    {.name = "udp.inside_router_by_outside_address",
     .steps = "< 10.0.1.2:4000 > 198.51.100.1:53 udp 'x'\n= UNREPLIED 30\n"},
    {.name = "udp.straight_in",
     .setup = &open_door,
     .steps = "+ 198.51.100.9:4000 > 10.0.1.2:53 udp 'x' @wan\n= UNREPLIED\n"
              "+ 10.0.1.2:53 > 198.51.100.9:4000 udp 'y'\n= REPLIED\n"},
    {.name = "udp.ttl_1",
     .steps = "< " C " > " S " udp 'x' ttl 1\n= none\n* \n"},
    {.name = "udp.ttl_2", .steps = "+ " C " > " S " udp 'x' ttl 2\n= 30\n"},
    {.name = "udp.options",
     .steps = "+ " C " > " S " udp 'x' ipopt 01010101\n= 30\n"},
    {.name = "udp.too_big_df",
     .steps = ASK "+ " C " > " S " udp len 1472 df\n= 30\n"},
    /* ---- UDP-Lite ---- */
    {.name = "udplite.life",
     .setup = &unchecked,
     .steps = LITE_ASK "= 30 UNREPLIED\n* NEW\n" LITE_ANSWER
                       "= 30 REPLIED\n* UPDATE\n" LITE_ASK
                       "= 120 ASSURED\n* UPDATE\n"},
    {.name = "udplite.badsum",
     .steps = "- " C " > " S " udplite 'x' badsum\n= none\n"},
    {.name = "udplite.no_checksum",
     .steps = "- " RAW_LITE "00080000\n= none\n"},
    {.name = "udplite.truncated", .steps = "- " RAW_LITE "0008\n= none\n"},
    {.name = "udplite.coverage_7", .steps = "- " RAW_LITE "00071234\n= none\n"},
    {.name = "udplite.coverage_0",
     .setup = &unchecked,
     .steps = "+ " RAW_LITE "00001234\n= 30 UNREPLIED\n"},
    {.name = "udplite.coverage_over",
     .steps = "- " RAW_LITE "00501234\n= none\n"},
    {.name = "udplite.v6",
     .setup = &unchecked,
     .steps = "+ [fd00:1::2]:4000 > [2001:db8::2]:53 udplite 'who'\n= 30\n"},
    {.name = "udplite.beside_udp",
     .setup = &unchecked,
     .steps = ASK LITE_ASK "= 2 flows\n"},
    /* ---- GRE ---- */
    {.name = "gre.life",
     .steps = "+ " GRE_OUT "0000080000000000\n= 30 UNREPLIED\n* NEW\n"
              "+ " GRE_IN "0000080000000000\n= 30 REPLIED\n"
              "+ " GRE_OUT "0000080000000000\n= 180 ASSURED\n* UPDATE\n"},
    {.name = "gre.reply_streams",
     .steps = "+ " GRE_OUT "0000080000000000\n+ " GRE_IN "0000080000000000\n"
              "+ " GRE_IN "0000080000000000\n= 180 ASSURED\n"},
    {.name = "gre.times",
     .setup = &other_times,
     .steps =
         "+ " GRE_OUT "0000080000000000\n= 11\n+ " GRE_IN "0000080000000000\n"
         "+ " GRE_OUT "0000080000000000\n= 77\n"},
    {.name = "gre.expires",
     .setup = &fast,
     .steps = "+ " GRE_OUT "0000080000000000\nwait 2100\n= none\n* DESTROY\n"},
    {.name = "gre.second_host",
     .steps = "+ " GRE_OUT "0000080000000000\n"
              "- 10.0.1.3 > 198.51.100.2 proto 47 hex 0000080000000000\n= 1 "
              "flows\n"},
    {.name = "gre.second_server",
     .steps = "+ " GRE_OUT "0000080000000000\n"
              "+ 10.0.1.3 > 198.51.100.3 proto 47 hex 0000080000000000\n= 2 "
              "flows\n"},
    {.name = "gre.v1_ppp",
     .steps = "+ " GRE_OUT "3001880b0004123400000001aabbccdd\n= UNREPLIED\n"},
    {.name = "gre.v1_no_ppp",
     .steps = "- " GRE_OUT "300108000004123400000001aabbccdd\n= none\n"},
    {.name = "gre.v1_two_calls",
     .steps = "+ " GRE_OUT "3001880b0004123400000001aabbccdd\n"
              "? " GRE_OUT "3001880b0004567800000001aabbccdd\n"},
    {.name = "gre.v2", .steps = "? " GRE_OUT "0002080000000000\n"},
    {.name = "gre.truncated",
     .differs = "gre_short",
     .steps = "~-- " GRE_OUT "0000\n"},
    {.name = "gre.v1_truncated",
     .differs = "gre_short",
     .steps = "~-- " GRE_OUT "3001880b0004\n"},
    {.name = "gre.key_is_not_looked_at",
     .steps = "+ " GRE_OUT "2000080000001234\n+ " GRE_OUT "2000080000005678\n"
              "= 1 flows\n"},
    {.name = "gre.v6",
     .steps = "+ fd00:1::2 > 2001:db8::2 proto 47 hex 000086dd00000000\n= "
              "UNREPLIED\n"},
    /* ---- others ---- */
    {.name = "generic.life",
     .steps = "+ " OUT("99") "= 600 UNREPLIED\n* NEW\n+ " IN(
         "99") "= 600 REPLIED\n* UPDATE\n+ " OUT("99") "= 600 REPLIED\n* \n"},
    {.name = "generic.refresh",
     .steps = "+ " OUT("99") "wait 2100\n= 598\n+ " OUT("99") "= 600\n"},
    {.name = "generic.expires",
     .setup = &fast,
     .steps = "+ " OUT("99") "wait 2100\n= none\n* DESTROY\n"},
    {.name = "generic.second_host",
     .steps = "+ " OUT("99") "- 10.0.1.3 > 198.51.100.2 proto 99 hex 00\n"
                             "= 1 flows\n"},
    {.name = "generic.two_protocols",
     .steps = "+ " OUT("99") "+ " OUT("98") "= 2 flows\n"},
    {.name = "generic.protocol_0", .steps = "+ " OUT("0") "= 600\n"},
    {.name = "generic.protocol_255", .steps = "+ " OUT("255") "= 600\n"},
    {.name = "generic.esp",
     .steps = "+ " OUT("50") "+ " IN("50") "= REPLIED\n"},
    {.name = "generic.ipip", .steps = "+ " OUT("4") "= 600\n"},
    {.name = "generic.without_payload",
     .steps = "+ 10.0.1.2 > 198.51.100.2 proto 99 len 0\n= 600\n"},
    {.name = "generic.v6",
     .steps = "+ fd00:1::2 > 2001:db8::2 proto 99 hex 00\n= 600 UNREPLIED\n"},
};

const struct script_theme script_datagrams = SCRIPT_THEME(rows);
