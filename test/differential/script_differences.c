/* script_differences.c - a case for each row of differences.def that a packet
 * can show: it fails when the difference is gone */
#include "script.h"

#define C "10.0.1.2:4000"
#define D "10.0.1.3:4000"
#define S "198.51.100.2:53"
#define T "198.51.100.3:53"

static const struct script_setup open_door = {
    " chain out { type nat hook postrouting priority srcnat;\n"
    "  oifname kwan masquerade\n }\n",
    "",
    "",
    0,
    0,
    false};
static const struct script_setup no_nat = {"",   "masquerade off", "", 0, 0,
                                           false};
static const struct script_setup thousand_ports = {
    " chain out { type nat hook postrouting priority srcnat;\n"
    "  oifname kwan udp dport 53 masquerade to :5000-5999\n }\n",
    "masquerade 5000-5999",
    "",
    5000,
    5999,
    false};
static const struct script_setup limited = {
    pair_masquerade, "", "", 0, 0, true};

static const struct script_setup unchecked = {
    pair_masquerade, "", "checksum 0", 0, 0, false};

static const struct script rows[] = {
    /* D's second flow has the port of its first that clashed, or its own. */
    {.name = "differs.mapping_stays",
     .differs = "mapping_stays",
     .steps = "+ " D " > " T " udp 'a'\n+ " C " > " S " udp 'a'\n"
              "+ " D " > " S " udp 'a'\n"
              "~++ " D " > 198.51.100.4:53 udp 'a'\n"},
    {.name = "differs.port_search",
     .differs = "port_search",
     .workers = "ports",
     .setup = &thousand_ports,
     .steps = "many 1000 10000 ~++ 10.0.1.2:%u > " S " udp 'a'\n"},
    {.name = "differs.untranslated.flags",
     .differs = "untranslated",
     .setup = &open_door,
     .steps = "~+- " C " > " S " tcp SF seq 1\n"},
    {.name = "differs.untranslated.window",
     .differs = "untranslated",
     .setup = &open_door,
     .steps = "+ " C " > " S " tcp S seq 1000\n"
              "+ " S " > 198.51.100.1:4000 tcp S. seq 5000 ack 1001\n"
              "~+- " C " > " S " tcp . seq 900001001 ack 5001\n"},
    {.name = "differs.untranslated.badsum",
     .differs = "untranslated",
     .setup = &open_door,
     .steps = "~+- " C " > " S " udp 'x' badsum\n"},
    {.name = "differs.class_e",
     .differs = "class_e",
     .steps = "~+- " C " > 240.0.0.1:53 udp 'a'\n"},
    {.name = "differs.icmp_df",
     .differs = "icmp_df",
     .steps = "~<< " C " > " S " udp 'a' ttl 1\n"},
    {.name = "differs.frag_problem",
     .differs = "frag_problem",
     .steps = "~-< fd00:1::2 > 2001:db8::2 proto 17 frag 65528 len 64\n"},
    {.name = "differs.link_local",
     .differs = "link_local",
     .steps = "~-- fe80::2 > fd00:1::1 icmp echo id 7 seq 1 @lan\n"},
    {.name = "differs.groups",
     .differs = "groups",
     .steps = "~-- 10.0.1.2:68 > 255.255.255.255:67 udp 'x'\n"},
    {.name = "differs.error_limit",
     .differs = "error_limit",
     .setup = &limited,
     .steps = "many 30 5000 ~<< 198.51.100.9:%u > 198.51.100.1:81 tcp S seq "
              "1\n"},
    {.name = "differs.udplite_sum",
     .differs = "udplite_sum",
     .steps = "~-+ " C " > " S " udplite 'a'\n"},
    /* A HEARTBEAT with any tag opens the door for a SHUTDOWN. */
    {.name = "differs.sctp_bundle",
     .differs = "sctp_bundle",
     .steps = "+ " C " > " S " sctp INIT vtag 0 itag 9\n"
              "+ " S " > 198.51.100.1:4000 sctp INIT_ACK vtag 9 itag 7\n"
              "+ " C " > " S " sctp COOKIE_ECHO vtag 7\n"
              "+ " S " > 198.51.100.1:4000 sctp COOKIE_ACK vtag 9\n"
              "~+- " C " > " S " sctp HEARTBEAT+SHUTDOWN vtag 77\n"},
    {.name = "differs.sctp_bundle.order",
     .differs = "sctp_bundle",
     .steps = "+ " C " > " S " sctp INIT vtag 0 itag 9\n"
              "+ " S " > 198.51.100.1:4000 sctp INIT_ACK vtag 9 itag 7\n"
              "+ " C " > " S " sctp COOKIE_ECHO vtag 7\n"
              "~-- " S " > 198.51.100.1:4000 sctp COOKIE_ACK+ABORT/T vtag 9\n"},
    /* A chunk that says it is longer than there is room. */
    {.name = "differs.sctp_length",
     .differs = "sctp_length",
     .setup = &unchecked,
     .steps = "~+- 10.0.1.2 > 198.51.100.2 proto 132 hex "
              "0fa0003500000000000000000400000c000000000000000005000100\n"},
    {.name = "differs.sctp_crc",
     .differs = "sctp_crc",
     .setup = &unchecked,
     .steps = "+ " D " > " S " sctp INIT vtag 0 itag 9\n"
              "~++ " C " > " S " sctp INIT vtag 0 itag 9 badsum\n"},
    {.name = "differs.dccp",
     .differs = "dccp",
     .steps = "~++ " C " > " S " dccp REQUEST seq 1\n"},
    {.name = "differs.gre_short",
     .differs = "gre_short",
     .steps = "~-+ 10.0.1.2 > 198.51.100.2 proto 47 hex 00000800\n"},
    {.name = "differs.nat_done",
     .differs = "nat_done",
     .setup = &no_nat,
     .steps = "~++ " C " > " S " udp 'a'\n"},
};

const struct script_theme script_differences = SCRIPT_THEME(rows);
