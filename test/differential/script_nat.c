/* script_nat.c - which address, port or id a flow is given */
#include "script.h"

#define C "10.0.1.2:4000"
#define D "10.0.1.3:4000"
#define S "198.51.100.2:53"
#define T "198.51.100.3:53"
#define W "198.51.100.1"
#define LEAK                                                                   \
    " chain leak { type filter hook postrouting priority 200;\n"               \
    "  oifname kwan ip saddr 10.0.1.0/24 drop\n }\n"
#define OUT(rule) PLAIN_OUT(rule) LEAK
#define PLAIN_OUT(rule)                                                        \
    " chain out { type nat hook postrouting priority srcnat;\n"                \
    "  oifname kwan " rule "\n }\n"
#define IN(rule)                                                               \
    " chain in { type nat hook prerouting priority dstnat;\n"                  \
    "  " rule "\n }\n"
#define BOTH_PROTOS "meta l4proto { tcp, udp } "

static const struct script_setup random_ports = {
    OUT("masquerade random"),
    "masquerade off; postrouting {\"out\":\"wan\",\"masquerade\":{\"random\":"
    "true}}",
    "",
    1024,
    65535,
    false};
static const struct script_setup four_ports = {
    PLAIN_OUT(BOTH_PROTOS "masquerade to :5000-5003"),
    "masquerade 5000-5003",
    "",
    5000,
    5003,
    false};
static const struct script_setup two_ports = {
    OUT(BOTH_PROTOS "masquerade to :5000-5001"),
    "masquerade 5000-5001",
    "",
    5000,
    5001,
    false};
static const struct script_setup one_port = {
    OUT(BOTH_PROTOS "masquerade to :5000"),
    "masquerade 5000-5000",
    "",
    5000,
    5000,
    false};
static const struct script_setup pool = {
    OUT("snat ip to 198.51.100.16-198.51.100.19"),
    "masquerade off; postrouting {\"out\":\"wan\",\"snat\":\"198.51.100.16-"
    "198.51.100.19\"}",
    "",
    0,
    0,
    false};
static const struct script_setup persistent = {
    OUT("snat ip to 198.51.100.16-198.51.100.19 persistent"),
    "masquerade off; postrouting {\"out\":\"wan\",\"snat\":\"198.51.100.16-"
    "198.51.100.19\",\"persistent\":true}",
    "",
    0,
    0,
    false};
static const struct script_setup snat_one = {
    OUT("snat ip to 198.51.100.16"),
    "masquerade off; postrouting {\"out\":\"wan\",\"snat\":\"198.51.100.16\"}",
    "",
    0,
    0,
    false};
static const struct script_setup off = {
    " chain in { type nat hook prerouting priority dstnat; }\n"
    " chain out { type nat hook postrouting priority srcnat; }\n",
    "masquerade off",
    "",
    0,
    0,
    false};

static const struct script_setup forward = {
    IN("iifname kwan ip daddr 198.51.100.1 meta l4proto { tcp, udp } th dport "
       "8080 dnat ip to 10.0.1.2:80") OUT("masquerade"),
    "prerouting {\"in\":\"wan\",\"proto\":[\"tcp\",\"udp\"],\"dst\":"
    "\"198.51.100.1\",\"dport\":8080,\"dnat\":\"10.0.1.2:80\"}",
    "",
    0,
    0,
    false};
static const struct script_setup forward_address = {
    IN("iifname kwan ip daddr 198.51.100.1 udp dport 8080 dnat ip to 10.0.1.2")
        OUT("masquerade"),
    "dnat udp 198.51.100.1:8080 -> 10.0.1.2",
    "",
    0,
    0,
    false};
static const struct script_setup forward_range = {
    IN("iifname kwan ip daddr 198.51.100.1 udp dport 8080 dnat ip to "
       "10.0.1.2:8000-8003") OUT("masquerade"),
    "dnat udp 198.51.100.1:8080 -> 10.0.1.2:8000-8003",
    "",
    8000,
    8003,
    false};
static const struct script_setup forward_anyhow = {
    IN("ip daddr 198.51.100.1 udp dport 8080 dnat ip to 10.0.1.3:80")
        OUT("masquerade"),
    "prerouting {\"proto\":\"udp\",\"dst\":\"198.51.100.1\",\"dport\":8080,"
    "\"dnat\":\"10.0.1.3:80\"}",
    "",
    0,
    0,
    false};
static const struct script_setup redirect = {
    IN("iifname klan udp dport 53 redirect to :5353") OUT("masquerade"),
    "prerouting {\"in\":\"lan\",\"proto\":\"udp\",\"dport\":53,\"redirect\":"
    "5353}",
    "",
    0,
    0,
    false};
static const struct script_setup outward_dnat = {
    IN("iifname klan ip daddr 198.51.100.2 udp dport 53 dnat ip to "
       "198.51.100.3:5300") OUT("masquerade"),
    "prerouting {\"in\":\"lan\",\"proto\":\"udp\",\"dst\":\"198.51.100.2\","
    "\"dport\":53,\"dnat\":\"198.51.100.3:5300\"}",
    "",
    0,
    0,
    false};

static const struct script_setup hairpin = {
    IN("ip daddr 198.51.100.1 udp dport 8080 dnat ip to "
       "10.0.1.3:80") " chain out { type nat hook postrouting "
                      "priority srcnat;\n"
                      "  oifname kwan masquerade\n"
                      "  iifname klan oifname klan masquerade\n "
                      "}\n",
    "prerouting "
    "{\"proto\":\"udp\",\"dst\":\"198.51.100.1\",\"dport\":8080,"
    "\"dnat\":\"10.0.1.3:80\"}; "
    "postrouting "
    "{\"in\":\"lan\",\"out\":\"lan\",\"masquerade\":true}",
    "",
    0,
    0,
    false};
static const struct script_setup netmap = {
    PLAIN_OUT("snat ip prefix to ip saddr map { 10.0.1.0/24 : 203.0.113.0/24 }")
        LEAK,
    "masquerade off; postrouting {\"out\":\"wan\",\"netmap\":"
    "\"203.0.113.0/24\"}",
    "",
    0,
    0,
    false};

/* A TCP flow from a to TIME_WAIT, p its outside port. */
#define CLOSED(a, isn0, isn1, isn2, p)                                         \
    "+ " a " > 198.51.100.2:80 tcp S seq " isn0 "\n"                           \
    "+ 198.51.100.2:80 > " W ":" p " tcp S. seq 5000 ack " isn1 "\n"           \
    "+ " a " > 198.51.100.2:80 tcp . seq " isn1 " ack 5001\n"                  \
    "+ " a " > 198.51.100.2:80 tcp F. seq " isn1 " ack 5001\n"                 \
    "+ 198.51.100.2:80 > " W ":" p " tcp F. seq 5001 ack " isn2 "\n"           \
    "+ " a " > 198.51.100.2:80 tcp . seq " isn2 " ack 5002\n"

static const struct script rows[] = {
    /* ---- the own port, and what if it is taken ---- */
    {.name = "nat.port_kept",
     .steps = "+ " C " > " S " udp 'a'\n= 198.51.100.1:4000\n"},
    {.name = "nat.port_kept_towards_others",
     .steps = "+ " C " > " S " udp 'a'\n+ " D " > " T " udp 'a'\n= 2 flows\n"},
    {.name = "nat.clash.high",
     .steps = "+ " C " > " S " udp 'a'\n+ " D " > " S " udp 'a'\n"
              "= 10.0.1.3 :$1high\n+ " S " > " W ":$1 udp 'b'\n"
              "= 10.0.1.3 REPLIED\n= 10.0.1.2 UNREPLIED\n"},
    {.name = "nat.clash.low",
     .steps = "+ 10.0.1.2:300 > " S " udp 'a'\n+ 10.0.1.3:300 > " S
              " udp 'a'\n= :$1low\n"},
    {.name = "nat.clash.511",
     .steps = "+ 10.0.1.2:511 > " S " udp 'a'\n+ 10.0.1.3:511 > " S
              " udp 'a'\n= :$1low\n"},
    {.name = "nat.clash.mid",
     .steps = "+ 10.0.1.2:512 > " S " udp 'a'\n+ 10.0.1.3:512 > " S
              " udp 'a'\n= :$1mid\n"},
    {.name = "nat.clash.1023",
     .steps = "+ 10.0.1.2:1023 > " S " udp 'a'\n+ 10.0.1.3:1023 > " S
              " udp 'a'\n= :$1mid\n"},
    {.name = "nat.clash.1024",
     .steps = "+ 10.0.1.2:1024 > " S " udp 'a'\n+ 10.0.1.3:1024 > " S
              " udp 'a'\n= :$1high\n"},
    {.name = "nat.clash.port_0",
     .steps = "+ 10.0.1.2:0 > " S " udp 'a'\n+ 10.0.1.3:0 > " S
              " udp 'a'\n= :$1low\n"},
    {.name = "nat.clash.tcp",
     .steps = "+ " C " > " S " tcp S seq 1\n+ " D " > " S " tcp S seq 1\n"
              "= 10.0.1.3 :$1high SYN_SENT\n"
              "+ " S " > " W ":$1 tcp S. seq 9 ack 2\n= 10.0.1.3 SYN_RECV\n"},
    {.name = "nat.clash.udp_beside_tcp",
     .steps = "+ " C " > " S " tcp S seq 1\n+ " D " > " S " udp 'a'\n"
              "= 10.0.1.3 198.51.100.1:4000\n"},
    {.name = "nat.clash.v6",
     .steps = "+ [fd00:1::2]:4000 > [2001:db8::2]:53 udp 'a'\n"
              "+ [fd00:1::3]:4000 > [2001:db8::2]:53 udp 'a'\n= :$1high\n"},
    {.name = "nat.clash.echo_id",
     .steps = "+ 10.0.1.2 > 198.51.100.2 icmp echo id 7\n"
              "+ 10.0.1.3 > 198.51.100.2 icmp echo id 7\n"
              "+ 198.51.100.2 > " W " icmp reply id $1\n"
              "= 10.0.1.3 REPLIED\n= 10.0.1.2 UNREPLIED\n"},
    {.name = "nat.clash.three_hosts",
     .steps = "+ " C " > " S " udp 'a'\n+ " D " > " S " udp 'a'\n"
              "+ 10.0.1.4:4000 > " S " udp 'a'\n= 10.0.1.4 :$2high\n"},
    {.name = "nat.clash.with_a_stranger",
     .steps = "? " S " > " W ":4000 udp 'x'\n+ " C " > " S " udp 'a'\n"
              "= 10.0.1.2 :$1high\n"},
    {.name = "nat.clash.with_an_inside_visitor_of_the_router",
     .steps = "+ " C " > " S " udp 'a'\n? " S " > " W ":4000 udp 'x'\n"},
    {.name = "nat.clash.ends_with_the_flow",
     .setup = &random_ports,
     .steps = "+ " C " > " S " udp 'a'\n= :$1ranged\n"},
    /* ---- the mapping of a source ---- */
    {.name = "nat.bysource.same_port",
     .steps = "+ " C " > " S " udp 'a'\n+ " D " > " S " udp 'a'\n"
              "+ " D " > " T " udp 'a'\n= 10.0.1.3 198.51.100.3 :$1high\n"},
    {.name = "nat.bysource.echo_id",
     .steps = "+ 10.0.1.2 > 198.51.100.2 icmp echo id 7\n"
              "+ 10.0.1.3 > 198.51.100.2 icmp echo id 7\n"
              "+ 10.0.1.3 > 198.51.100.3 icmp echo id 7\n= 3 flows\n"},
    {.name = "nat.bysource.tcp",
     .steps = "+ " C " > " S " tcp S seq 1\n+ " D " > " S " tcp S seq 1\n"
              "+ " D " > " T " tcp S seq 1\n= 198.51.100.3 :$1high\n"},
    {.name = "nat.bysource.not_across_protocols",
     .steps = "+ " C " > " S " tcp S seq 1\n+ " D " > " S " tcp S seq 1\n"
              "+ " D " > " S " udp 'a'\n= 10.0.1.3 198.51.100.1:4000\n"},
    {.name = "nat.bysource.not_of_another_port",
     .steps = "+ " C " > " S " udp 'a'\n+ " D " > " S " udp 'a'\n"
              "+ 10.0.1.3:4001 > " S " udp 'a'\n= 198.51.100.1:4001\n"},
    /* ---- random ---- */
    {.name = "nat.random.high",
     .setup = &random_ports,
     .steps = "+ " C " > " S " udp 'a'\n= :$1ranged\n"
              "+ " S " > " W ":$1 udp 'b'\n= REPLIED\n"},
    {.name = "nat.random.no_mapping",
     .setup = &random_ports,
     .steps = "+ " C " > " S " udp 'a'\n+ " C " > " T " udp 'a'\n"
              "= 198.51.100.3 :$2ranged\n"},
    {.name = "nat.random.tcp",
     .setup = &random_ports,
     .steps = "+ " C " > " S " tcp S seq 1\n= :$1ranged\n"},
    {.name = "nat.random.echo",
     .setup = &random_ports,
     .steps = "+ 10.0.1.2 > 198.51.100.2 icmp echo id 7\n"
              "+ 198.51.100.2 > " W " icmp reply id $1\n= REPLIED\n"},
    /* ---- ports of a range ---- */
    {.name = "nat.range.inside_it",
     .setup = &four_ports,
     .steps = "+ 10.0.1.2:5001 > " S " udp 'a'\n= 198.51.100.1:5001\n"},
    {.name = "nat.range.outside_it",
     .setup = &four_ports,
     .steps = "+ " C " > " S " udp 'a'\n= :$1ranged\n"
              "+ " S " > " W ":$1 udp 'b'\n= REPLIED\n"},
    {.name = "nat.range.inside_it_taken",
     .setup = &four_ports,
     .steps = "+ 10.0.1.2:5001 > " S " udp 'a'\n+ 10.0.1.3:5001 > " S
              " udp 'a'\n= 10.0.1.3 :$1ranged\n"},
    {.name = "nat.range.bysource",
     .setup = &four_ports,
     .steps = "+ " C " > " S " udp 'a'\n+ " C " > " T " udp 'a'\n"
              "= 198.51.100.3 :$1ranged\n"},
    {.name = "nat.range.used_up",
     .workers = "ports",
     .setup = &two_ports,
     .steps = "+ 10.0.1.2:5000 > " S " udp 'a'\n"
              "+ 10.0.1.3:5001 > " S " udp 'a'\n"
              "- 10.0.1.4:5000 > " S " udp 'a'\n= 2 flows\n* \n"
              "+ 10.0.1.4:5000 > " T " udp 'a'\n= 3 flows\n"},
    {.name = "nat.range.other_protocols",
     .setup = &four_ports,
     .steps = "+ 10.0.1.2 > 198.51.100.2 icmp echo id 7\n"
              "= 198.51.100.2 10.0.1.2 UNREPLIED\n"},
    {.name = "nat.one_port",
     .setup = &one_port,
     .steps = "+ " C " > " S " udp 'a'\n= :$1ranged\n"
              "- " D " > " S " udp 'a'\n= 1 flows\n"
              "+ " D " > " T " udp 'a'\n= 2 flows\n"},
    {.name = "nat.one_port.tcp",
     .setup = &one_port,
     .steps = "+ " C " > " S " tcp S seq 1\n- " D " > " S " tcp S seq 1\n"
              "= 1 flows\n"},
    /* ---- TIME_WAIT taken over ---- */
    {.name = "nat.time_wait.higher",
     .workers = "ports",
     .setup = &two_ports,
     .steps = CLOSED(
         "10.0.1.2:5000", "1000", "1001", "1002",
         "5000") "+ 10.0.1.3:5001 > 198.51.100.2:80 tcp S seq 1000\n"
                 "+ 10.0.1.4:5000 > 198.51.100.2:80 tcp S seq 90000\n"
                 "* DESTROY NEW\n= 2 flows\n= 10.0.1.4 SYN_SENT :5000\n"},
    {.name = "nat.time_wait.lower",
     .workers = "ports",
     .setup = &two_ports,
     .steps = CLOSED("10.0.1.2:5000", "70000", "70001", "70002", "5000")
         CLOSED("10.0.1.3:5001", "70000", "70001", "70002",
                "5001") "- 10.0.1.4:5000 > 198.51.100.2:80 tcp S seq 60\n"
                        "= 2 flows\n"},
    {.name = "nat.close.higher",
     .workers = "ports",
     .setup = &two_ports,
     .steps = "+ 10.0.1.2:5000 > 198.51.100.2:80 tcp S seq 1000\n"
              "+ 198.51.100.2:80 > " W ":5000 tcp S. seq 5000 ack 1001\n"
              "+ 10.0.1.2:5000 > 198.51.100.2:80 tcp . seq 1001 ack 5001\n"
              "+ 10.0.1.2:5000 > 198.51.100.2:80 tcp R seq 1001\n= CLOSE\n"
              "+ 10.0.1.3:5001 > 198.51.100.2:80 tcp S seq 1000\n"
              "+ 10.0.1.4:5000 > 198.51.100.2:80 tcp S seq 90000\n"
              "* DESTROY NEW\n= 2 flows\n= 10.0.1.4 SYN_SENT :5000\n"},
    {.name = "nat.time_wait.of_udp_stays",
     .workers = "ports",
     .setup = &two_ports,
     .steps = "+ 10.0.1.2:5000 > " S " udp 'a'\n+ 10.0.1.3:5001 > " S
              " udp 'a'\n- 10.0.1.4:5001 > " S " udp 'a'\n"},
    {.name = "nat.established_is_not_taken",
     .workers = "ports",
     .setup = &two_ports,
     .steps = "+ 10.0.1.2:5000 > " S " tcp S seq 1\n"
              "+ 10.0.1.3:5001 > " S " tcp S seq 1\n"
              "- 10.0.1.4:5000 > " S " tcp S seq 90000\n= 2 flows\n"},
    /* ---- addresses ---- */
    {.name = "nat.snat.one",
     .setup = &snat_one,
     .steps = "+ " C " > " S " udp 'a'\n= $1:4000\n+ " S
              " > $1:4000 udp 'b'\n= REPLIED\n"},
    {.name = "nat.snat.clash",
     .setup = &snat_one,
     .steps = "+ " C " > " S " udp 'a'\n+ " D " > " S " udp 'a'\n"
              "= 10.0.1.3 $1:$2high\n"},
    {.name = "nat.pool",
     .setup = &pool,
     .steps = "+ " C " > " S " udp 'a'\n= $1:4000\n+ " S
              " > $1:4000 udp 'b'\n= REPLIED\n"},
    {.name = "nat.pool.bysource",
     .setup = &pool,
     .steps = "+ " C " > " S " udp 'a'\n+ " C " > " T " udp 'a'\n"
              "= 198.51.100.3 $1:4000\n"},
    {.name = "nat.pool.persistent",
     .setup = &persistent,
     .steps = "+ " C " > " S " udp 'a'\n+ 10.0.1.2:4001 > " T " udp 'a'\n"
              "+ 10.0.1.2:4002 > 198.51.100.9:99 udp 'a'\n"
              "= :4001 $1:4001\n= :4002 $1:4002\n"},
    {.name = "nat.pool.error",
     .setup = &pool,
     .steps = "+ " C " > " S " udp 'aaaa'\n"
              "+ 192.0.2.9 > $1 icmp 3/1 about {$1:4000 > " S " udp 'aaaa'}\n"},
    {.name = "nat.pool.echo",
     .setup = &pool,
     .steps = "+ 10.0.1.2 > 198.51.100.2 icmp echo id 7\n"
              "+ 198.51.100.2 > $1 icmp reply id 7\n= REPLIED\n"},
    {.name = "nat.masquerade.nearest_address",
     .steps = "+ " C " > 172.16.5.9:53 udp 'a'\n= 172.16.5.1:4000\n"
              "+ " C " > " S " udp 'a'\n= 198.51.100.2:53 198.51.100.1:4000\n"
              "+ " C " > 203.0.113.9:53 udp 'a'\n"
              "= 203.0.113.9:53 198.51.100.1:4000\n"
              "+ [fd00:1::2]:4000 > [2001:db8:5::9]:53 udp 'a'\n"
              "= 2001:db8:5::1\n"
              "+ [fd00:1::2]:4000 > [2001:db8::9]:53 udp 'a'\n"
              "= 2001:db8::1\n"},
    /* ---- no rule: the null binding ---- */
    {.name = "nat.null",
     .setup = &off,
     .steps = "+ " C " > " S " udp 'a'\n= 198.51.100.2:53 10.0.1.2:4000 "
              "UNREPLIED\n+ " S " > " C " udp 'b' @wan\n= REPLIED\n"},
    {.name = "nat.null.both_send_first",
     .setup = &off,
     .steps = "+ " C " > " S " udp 'a'\n+ " S " > " C " udp 'b' @wan\n"
              "= 1 flows\n"},
    {.name = "nat.null.echo",
     .setup = &off,
     .steps = "+ 10.0.1.2 > 198.51.100.2 icmp echo id 7\n= UNREPLIED\n"},
    {.name = "nat.null.invalid_passes",
     .setup = &off,
     .steps = "+ " C " > " S " tcp SF seq 1\n= none\n"},
    {.name = "nat.null.badsum_passes",
     .setup = &off,
     .steps = "+ " C " > " S " udp 'x' badsum\n= none\n"},
    {.name = "nat.null.in_the_lan",
     .steps = "+ 198.51.100.9:4000 > 10.0.1.2:80 udp 'a' @wan\n"
              "= 198.51.100.9:4000 10.0.1.2:80\n"},
    /* ---- destinations ---- */
    {.name = "nat.dnat",
     .setup = &forward,
     .steps = "+ 198.51.100.9:1234 > " W ":8080 udp 'a'\n"
              "= 10.0.1.2:80 198.51.100.9:1234 UNREPLIED\n* NEW\n"
              "+ 10.0.1.2:80 > 198.51.100.9:1234 udp 'b'\n= REPLIED\n"},
    {.name = "nat.dnat.tcp",
     .setup = &forward,
     .steps = "+ 198.51.100.9:1234 > " W ":8080 tcp S seq 1\n"
              "+ 10.0.1.2:80 > 198.51.100.9:1234 tcp S. seq 9 ack 2\n"
              "+ 198.51.100.9:1234 > " W ":8080 tcp . seq 2 ack 10\n"
              "= ESTABLISHED ASSURED\n"},
    {.name = "nat.dnat.other_port",
     .setup = &forward,
     .steps = "< 198.51.100.9:1234 > " W ":8081 udp 'a'\n"},
    {.name = "nat.dnat.other_protocol",
     .setup = &forward,
     .steps = "+ 198.51.100.9:1234 > 10.0.1.2:8080 udp 'a' @wan\n"},
    {.name = "nat.dnat.only_from_wan",
     .setup = &forward,
     .steps = "< 10.0.1.7:1234 > " W ":8080 udp 'a'\n"},
    {.name = "nat.dnat.port_stays",
     .setup = &forward_address,
     .steps = "+ 198.51.100.9:1234 > " W ":8080 udp 'a'\n= 10.0.1.2:8080\n"},
    {.name = "nat.dnat.range",
     .setup = &forward_range,
     .steps = "+ 198.51.100.9:1234 > " W ":8080 udp 'a'\n= :$1ranged\n"},
    {.name = "differs.range_first",
     .differs = "range_first",
     .setup = &forward_range,
     .steps = "many 8 1234 ~++ 198.51.100.9:%u > " W ":8080 udp 'a'\n"},
    {.name = "nat.dnat.of_a_server_that_asked",
     .setup = &forward,
     .steps = "+ 10.0.1.2:80 > 198.51.100.9:1234 udp 'x'\n"
              "+ 198.51.100.9:1234 > " W ":8080 udp 'a'\n"
              "= 10.0.1.2:80 :$1high\n"
              "+ 10.0.1.2:80 > 198.51.100.9:$1 udp 'b'\n"},
    {.name = "nat.dnat.two_ways_to_one",
     .setup = &forward,
     .steps = "+ 198.51.100.9:1234 > " W ":8080 udp 'a'\n"
              "+ 198.51.100.9:1234 > 10.0.1.2:80 udp 'a' @wan\n= 2 flows\n"},
    {.name = "nat.dnat.client_keeps_its_own",
     .setup = &forward,
     .steps = "+ 10.0.1.2:80 > 198.51.100.8:999 udp 'a'\n"
              "+ 198.51.100.9:1234 > " W ":8080 udp 'a'\n= 2 flows\n"},
    {.name = "nat.dnat.from_inside",
     .setup = &outward_dnat,
     .steps = "+ " C " > " S " udp 'a'\n= 198.51.100.3:5300\n"
              "+ 198.51.100.3:5300 > " W ":4000 udp 'b'\n= REPLIED\n"},
    {.name = "nat.dnat.from_inside_clash",
     .setup = &outward_dnat,
     .steps = "+ " D " > 198.51.100.3:5300 udp 'a'\n+ " C " > " S
              " udp 'a'\n= 10.0.1.2 :$1high\n"},
    {.name = "nat.dnat.ttl_1",
     .setup = &forward,
     .steps = "< 198.51.100.9:1234 > " W ":8080 udp 'a' ttl 1\n= none\n"},
    {.name = "nat.hairpin_without_masquerade",
     .setup = &forward_anyhow,
     .steps = "< " C " > " W ":8080 udp 'a'\n= 10.0.1.3:80 10.0.1.2:4000\n"},
    {.name = "nat.hairpin",
     .setup = &hairpin,
     .steps = "< " C " > " W ":8080 udp 'a'\n= 10.0.1.3:80 10.0.1.1:4000\n"
              "< 10.0.1.3:80 > 10.0.1.1:4000 udp 'b'\n"
              "= 10.0.1.2:4000 REPLIED\n"},
    {.name = "nat.hairpin_to_oneself",
     .setup = &hairpin,
     .steps = "< " C " > " W ":8080 udp 'a'\n< " D " > " W ":8080 udp 'a'\n"
              "= 10.0.1.3:4000 :$1high\n"
              "< 10.0.1.3:80 > 10.0.1.1:$1 udp 'b'\n= 10.0.1.3:4000 REPLIED\n"},
    {.name = "nat.netmap",
     .setup = &netmap,
     .steps = "+ " C " > " S " udp 'a'\n= 203.0.113.2:4000\n"
              "+ " S " > 203.0.113.2:4000 udp 'b'\n= REPLIED\n"
              "+ 10.0.1.7 > 198.51.100.2 icmp echo id 7\n= 203.0.113.7\n"},
    {.name = "nat.redirect_v6",
     .setup = &redirect,
     .steps = "< [fd00:1::2]:4000 > [2001:db8::2]:53 udp 'a'\n"
              "= fd00:1::1 UNREPLIED\n"},
    {.name = "nat.redirect",
     .setup = &redirect,
     .steps = "< " C " > " S " udp 'a'\n= 10.0.1.1:5353 UNREPLIED\n"},
    {.name = "nat.redirect.answer",
     .setup = &redirect,
     .steps = "< " C " > " S " udp 'a'\n< " C " > " S " udp 'b'\n"
              "= 1 flows\n"},
    {.name = "nat.redirect.other_port",
     .setup = &redirect,
     .steps = "+ " C " > 198.51.100.2:54 udp 'a'\n"},
    /* ---- decided once ---- */
    {.name = "nat.unreplied_keeps_its_port",
     .steps = "+ " C " > " S " udp 'a'\n+ " D " > " S " udp 'a'\n"
              "+ " D " > " S " udp 'b'\n+ " C " > " S " udp 'b'\n"
              "= 2 flows\n"},
    {.name = "nat.sums",
     .steps = "+ " C " > " S " udp nosum 'a'\n+ " C " > " T
              " udp hex ffff\n+ " S " > " W ":4000 udp nosum 'b'\n"},
};

const struct script_theme script_nat = SCRIPT_THEME(rows);
