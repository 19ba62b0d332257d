/* script_errors.c - ICMP errors about flows: related, translated, refused
 *
 * R is a router on the way outside, I one inside. */
#include "script.h"

#define C    "10.0.1.2:4000"
#define S    "198.51.100.2:80"
#define W    "198.51.100.1:4000"
#define R    "192.0.2.9"
#define I    "10.0.1.9"
#define UDP  "+ " C " > " S " udp len 20\n"
#define BACK "+ " S " > " W " udp len 20\n"
#define TCP                                                                    \
    "+ " C " > " S " tcp S seq 1000\n"                                         \
    "+ " S " > " W " tcp S. seq 5000 ack 1001\n"                               \
    "+ " C " > " S " tcp . seq 1001 ack 5001\n"
/* About what the client sent, as it was seen outside; and about what it got. */
#define ABOUT_UDP  " about {" W " > " S " udp len 20}"
#define ABOUT_TCP  " about {" W " > " S " tcp . seq 1001 ack 5001}"
#define IN_UDP     " about {" S " > " C " udp len 20}"
#define TO_W       R " > 198.51.100.1 icmp "
#define TO_S       "10.0.1.2 > 198.51.100.2 icmp "
#define C6         "[fd00:1::2]:4000"
#define S6         "[2001:db8::2]:80"
#define W6         "[2001:db8::1]:4000"
#define UDP6       "+ " C6 " > " S6 " udp len 20\n"
#define TO_W6      "2001:db8::9 > 2001:db8::1 icmp "
#define ABOUT_UDP6 " about {" W6 " > " S6 " udp len 20}"

static const struct script_setup forwards = {
    " chain in { type nat hook prerouting priority dstnat;\n"
    "  iifname kwan ip daddr 198.51.100.1 udp dport 8080 dnat ip to "
    "10.0.1.2:80\n }\n"
    " chain out { type nat hook postrouting priority srcnat;\n"
    "  oifname kwan masquerade\n }\n",
    "dnat udp 198.51.100.1:8080 -> 10.0.1.2:80",
    "",
    0,
    0,
    false};
/* Chains without rules: NAT is there, and binds nothing. */
static const struct script_setup plain = {
    " chain in { type nat hook prerouting priority dstnat; }\n"
    " chain out { type nat hook postrouting priority srcnat; }\n",
    "masquerade off",
    "",
    0,
    0,
    false};
static const struct script_setup unchecked = {
    pair_masquerade, "", "checksum 0", 0, 0, false};

#define KIND(kind, more)                                                       \
    {                                                                          \
        .name = "error.udp." kind,                                             \
        .steps = UDP "+ " TO_W kind more ABOUT_UDP "\n= 30 UNREPLIED\n* \n"    \
    }

static const struct script rows[] = {
    KIND("3/0", ""),
    KIND("3/1", ""),
    KIND("3/2", ""),
    KIND("3/3", ""),
    KIND("3/4", " mtu 1400"),
    KIND("3/9", ""),
    KIND("3/13", ""),
    KIND("3/15", ""),
    KIND("4/0", ""),
    KIND("11/0", ""),
    KIND("11/1", ""),
    KIND("12/0", " ptr 4"),
    {.name = "error.redirect",
     .steps = UDP "- " TO_W "5/1" ABOUT_UDP "\n= 30 UNREPLIED\n"},
    {.name = "error.redirect_untranslated",
     .setup = &plain,
     .steps = UDP "? " R " > 10.0.1.2 icmp 5/1 about {" C " > " S
                  " udp len 20} @wan\n= 30 UNREPLIED\n"},
    {.name = "error.untranslated",
     .setup = &plain,
     .steps = UDP "+ " R " > 10.0.1.2 icmp 3/1 about {" C " > " S
                  " udp len 20} @wan\n= 30 UNREPLIED\n"},
    {.name = "error.is_no_refresh",
     .steps = UDP "wait 2100\n+ " TO_W "3/1" ABOUT_UDP "\n= 28 UNREPLIED\n"},
    {.name = "error.of_the_server_itself",
     .steps = UDP "+ 198.51.100.2 > 198.51.100.1 icmp 3/3" ABOUT_UDP
                  "\n= 30 UNREPLIED\n"},
    {.name = "error.tcp",
     .steps = TCP "+ " TO_W "3/1" ABOUT_TCP "\n= ESTABLISHED 432000\n"},
    {.name = "error.tcp_frag_needed",
     .steps = TCP "+ " TO_W "3/4 mtu 1400" ABOUT_TCP "\n"},
    {.name = "error.tcp_quotes_8",
     .steps = TCP "+ " TO_W "3/1" ABOUT_TCP " quote 8\n"},
    {.name = "error.tcp_quotes_19",
     .steps = TCP "+ " TO_W "3/1" ABOUT_TCP " quote 19\n"},
    {.name = "error.tcp_quotes_20",
     .steps = TCP "+ " TO_W "3/1" ABOUT_TCP " quote 20\n"},
    {.name = "error.tcp_syn_sent",
     .steps = "+ " C " > " S " tcp S seq 1000\n+ " TO_W "3/1 about {" W " > " S
              " tcp S seq 1000}\n= SYN_SENT 120 UNREPLIED\n"},
    {.name = "error.udp_quotes_8",
     .steps = UDP "+ " TO_W "3/1" ABOUT_UDP " quote 8\n"},
    {.name = "error.udp_quotes_7",
     .steps = UDP "- " TO_W "3/1" ABOUT_UDP " quote 7\n= 30 UNREPLIED\n"},
    {.name = "error.udp_quotes_4",
     .steps = UDP "- " TO_W "3/1" ABOUT_UDP " quote 4\n= 30 UNREPLIED\n"},
    {.name = "error.udp_quotes_0",
     .steps = UDP "- " TO_W "3/1" ABOUT_UDP " quote 0\n= 30 UNREPLIED\n"},
    {.name = "error.truncated",
     .steps = UDP "- " R " > 198.51.100.1 proto 1 hex 0301\n"
                  "- " R " > 198.51.100.1 proto 1 hex 0301fcfe\n"
                  "- " R " > 198.51.100.1 proto 1 hex 0301fcfe00000000\n"
                  "= 30 UNREPLIED\n"},
    {.name = "error.udp_no_checksum",
     .steps = "+ " C " > " S " udp len 20 nosum\n+ " TO_W "3/1 about {" W
              " > " S " udp len 20 nosum}\n"},
    {.name = "error.echo",
     .steps = "+ 10.0.1.2 > 198.51.100.2 icmp echo id 7 seq 1\n"
              "+ " TO_W "11/0 about {198.51.100.1 > 198.51.100.2 icmp echo id "
              "7 seq 1}\n= 30 UNREPLIED\n"},
    {.name = "error.gre",
     .steps = "+ 10.0.1.2 > 198.51.100.2 proto 47 hex 0000080001020304\n"
              "+ " TO_W "3/1 about {198.51.100.1 > 198.51.100.2 proto 47 hex "
              "0000080001020304}\n"},
    {.name = "error.generic",
     .steps = "+ 10.0.1.2 > 198.51.100.2 proto 99 hex 0102030405060708\n"
              "+ " TO_W "3/1 about {198.51.100.1 > 198.51.100.2 proto 99 hex "
              "0102030405060708}\n"},
    {.name = "error.udplite",
     .setup = &unchecked,
     .steps = "+ " C " > " S " udplite len 20\n+ " TO_W "3/1 about {" W " > " S
              " udplite len 20}\n"},
    {.name = "error.unknown_flow",
     .steps =
         UDP "- " TO_W "3/1 about {198.51.100.1:4001 > " S " udp len 20}\n"},
    {.name = "error.other_protocol",
     .steps = UDP "- " TO_W "3/1 about {" W " > " S " tcp . seq 1 ack 1}\n"},
    {.name = "error.sent_elsewhere",
     .steps = UDP "+ " R " > 10.0.1.2 icmp 3/1" ABOUT_UDP " @wan\n"},
    {.name = "error.sent_to_another_inside",
     .steps = UDP "+ " R " > 10.0.1.7 icmp 3/1" ABOUT_UDP " @wan\n"},
    {.name = "error.inside_view_from_outside",
     .steps = UDP "- " TO_W "3/1 about {" C " > " S " udp len 20}\n"},
    {.name = "error.badsum",
     .steps = UDP "- " TO_W "3/1" ABOUT_UDP " badsum\n= 30 UNREPLIED\n"},
    {.name = "error.about_a_later_fragment",
     .steps = UDP "- " TO_W "3/1 about {" W " > " S " udp len 20 frag 1480}\n"},
    {.name = "error.about_an_error",
     .steps = UDP "- " TO_W "3/1 about {198.51.100.1 > " R " icmp 3/1 about {" S
                  " > " W " udp len 20}}\n"},
    {.name = "error.inner_options",
     .steps =
         UDP "+ " TO_W "3/1 about {" W " > " S " udp len 20 ipopt 01010101}\n"},
    {.name = "error.inner_badipsum",
     .steps = UDP "? " TO_W "3/1 about {" W " > " S " udp len 20 badipsum}\n"},
    {.name = "error.inner_badsum",
     .steps = UDP "+ " TO_W "3/1 about {" W " > " S " udp len 20 badsum}\n"},
    /* ---- outwards ---- */
    {.name = "error.out.3/3",
     .steps = UDP BACK "+ " TO_S "3/3" IN_UDP "\n= 30 REPLIED\n* \n"},
    {.name = "error.out.11/1", .steps = UDP BACK "+ " TO_S "11/1" IN_UDP "\n"},
    {.name = "error.out.of_inside_router",
     .steps = UDP BACK "+ " I " > 198.51.100.2 icmp 11/0" IN_UDP "\n"},
    {.name = "error.out.elsewhere",
     .steps = UDP BACK "- " I " > 198.51.100.7 icmp 11/0" IN_UDP "\n"},
    {.name = "error.out.unknown",
     .steps = UDP BACK "- " TO_S "3/3 about {" S " > 10.0.1.2:4444 udp}\n"},
    {.name = "error.out.tcp",
     .steps = TCP "+ " TO_S "3/3 about {" S " > " C
                  " tcp . seq 5001 ack 1001}\n= ESTABLISHED 432000\n"},
    /* ---- of a flow that was let in ---- */
    {.name = "error.dnat.out",
     .setup = &forwards,
     .steps = "+ 198.51.100.9:5000 > 198.51.100.1:8080 udp 'x'\n"
              "+ 10.0.1.2 > 198.51.100.9 icmp 3/3 about {198.51.100.9:5000 > "
              "10.0.1.2:80 udp 'x'}\n= 30 UNREPLIED\n"},
    {.name = "error.dnat.of_inside_router",
     .setup = &forwards,
     .steps = "+ 198.51.100.9:5000 > 198.51.100.1:8080 udp 'x'\n"
              "+ " I " > 198.51.100.9 icmp 11/0 about {198.51.100.9:5000 > "
              "10.0.1.2:80 udp 'x'}\n"},
    {.name = "error.dnat.in",
     .setup = &forwards,
     .steps = "+ 198.51.100.9:5000 > 198.51.100.1:8080 udp 'x'\n"
              "+ 10.0.1.2:80 > 198.51.100.9:5000 udp 'y'\n"
              "+ " TO_W "3/1 about {198.51.100.1:8080 > 198.51.100.9:5000 udp "
              "'y'}\n"},
    /* ---- IPv6 ---- */
    {.name = "error6.too_big",
     .steps = UDP6 "+ " TO_W6 "2/0 mtu 1400" ABOUT_UDP6 "\n= 30 UNREPLIED\n"},
    {.name = "error6.unreachable",
     .steps = UDP6 "+ " TO_W6 "1/4" ABOUT_UDP6 "\n= 30 UNREPLIED\n"},
    {.name = "error6.hop_limit",
     .steps = UDP6 "+ " TO_W6 "3/0" ABOUT_UDP6 "\n= 30 UNREPLIED\n"},
    {.name = "error6.parameter",
     .steps = UDP6 "+ " TO_W6 "4/1 ptr 40" ABOUT_UDP6 "\n"},
    {.name = "error6.redirect",
     .steps = UDP6 "? " TO_W6 "137/0" ABOUT_UDP6 "\n= 30 UNREPLIED\n"},
    {.name = "error6.unknown_type",
     .steps = UDP6 "? " TO_W6 "100/0" ABOUT_UDP6 "\n"},
    {.name = "error6.unknown_flow",
     .steps = "- " TO_W6 "1/4" ABOUT_UDP6 "\n= none\n"},
    {.name = "error6.sent_elsewhere",
     .steps = UDP6 "+ 2001:db8::9 > fd00:1::7 icmp 1/4" ABOUT_UDP6 " @wan\n"},
    {.name = "error6.badsum",
     .steps = UDP6 "- " TO_W6 "1/4" ABOUT_UDP6 " badsum\n"},
    {.name = "error6.quotes_4",
     .steps = UDP6 "- " TO_W6 "1/4" ABOUT_UDP6 " quote 4\n"},
    {.name = "error6.echo",
     .steps = "+ fd00:1::2 > 2001:db8::2 icmp echo id 7 seq 1\n"
              "+ " TO_W6 "3/0 about {2001:db8::1 > 2001:db8::2 icmp echo id 7 "
              "seq 1}\n"},
    {.name = "error6.out",
     .steps = UDP6 "+ " S6 " > " W6 " udp len 20\n"
                   "+ fd00:1::9 > 2001:db8::2 icmp 3/0 about {" S6 " > " C6
                   " udp len 20}\n"},
    /* ---- what the router says by itself about flows ---- */
    {.name = "error.own.ttl_of_answer",
     .steps = UDP "< " S " > " W " udp len 20 ttl 1\n"},
    {.name = "error.own.ttl_of_question",
     .steps = UDP "< " C " > " S " udp len 20 ttl 1\n"},
};

const struct script_theme script_errors = SCRIPT_THEME(rows);
