/* script_exempt.c - what rules say of translation beside where to: what is
 * exempt, a forward whose answers come back hidden, marks of related errors */
#include "script.h"

#define C "10.0.1.2:4000"
#define S "198.51.100.2:53"
#define T "198.51.100.3:53"
#define W "198.51.100.1"
#define OUT(rules)                                                             \
    " chain out { type nat hook postrouting priority srcnat;\n" rules "\n }\n"
#define IN(rules)                                                              \
    " chain in { type nat hook prerouting priority dstnat;\n" rules "\n }\n"
#define MARKS(rules)                                                           \
    " chain marks { type filter hook prerouting priority mangle;\n" rules      \
    "\n }\n"
#define DROPS(rules)                                                           \
    " chain drops { type filter hook forward priority filter;\n" rules "\n "   \
    "}\n"
#define WEIR_MASQ "; postrouting {\"out\":\"wan\",\"masquerade\":true}"
#define TO_W      "192.0.2.9 > " W " icmp 3/1"
#define ABOUT     " about {" W ":4000 > " S " udp 'a'}"

static const struct script_setup site = {
    OUT("  oifname kwan ip daddr 198.51.100.3 accept\n"
        "  oifname kwan masquerade"),
    "masquerade off; postrouting {\"out\":\"wan\",\"dst\":\"198.51.100.3\","
    "\"verdict\":\"accept\"}" WEIR_MASQ,
    "",
    0,
    0,
    false};
static const struct script_setup source = {
    IN("  iifname kwan ip saddr 198.51.100.7 accept\n"
       "  iifname kwan ip daddr 198.51.100.1 udp dport 8080 dnat ip to "
       "10.0.1.2:80") OUT("  oifname kwan masquerade"),
    "prerouting {\"in\":\"wan\",\"src\":\"198.51.100.7\",\"verdict\":"
    "\"accept\"}; prerouting {\"in\":\"wan\",\"proto\":\"udp\",\"dst\":"
    "\"198.51.100.1\",\"dport\":8080,\"dnat\":\"10.0.1.2:80\"}",
    "",
    0,
    0,
    false};
static const struct script_setup both_ways = {
    IN("  iifname kwan ip daddr 198.51.100.1 tcp dport 8080 dnat ip to "
       "10.0.1.2:80") OUT("  masquerade"),
    "masquerade off; prerouting {\"in\":\"wan\",\"proto\":\"tcp\",\"dst\":"
    "\"198.51.100.1\",\"dport\":8080,\"dnat\":\"10.0.1.2:80\"}; "
    "postrouting {\"masquerade\":true}",
    "",
    0,
    0,
    false};
static const struct script_setup marked = {
    MARKS("  iifname klan ct mark set 7")
        DROPS("  ct state related ct mark 7 drop")
            OUT("  oifname kwan masquerade"),
    "prerouting {\"in\":\"lan\",\"set_mark\":7}; forward {\"ct_state\":"
    "\"related\",\"mark\":7,\"verdict\":\"drop\"}",
    "",
    0,
    0,
    false};
static const struct script_setup marks_its_flow = {
    MARKS("  ct state related ct mark set 9") DROPS("  ct mark 9 drop")
        OUT("  oifname kwan masquerade"),
    "prerouting {\"ct_state\":\"related\",\"set_mark\":9}; forward "
    "{\"mark\":9,\"verdict\":\"drop\"}",
    "",
    0,
    0,
    false};

static const struct script rows[] = {
    {.name = "exempt.accept_before_masquerade",
     .setup = &site,
     .steps = "+ " C " > " T " udp 'a'\n= " C "\n"
              "+ " T " > " C " udp 'b'\n= REPLIED\n"
              "+ " C " > " S " udp 'a'\n= " W ":4000\n"},
    {.name = "exempt.accept_before_masquerade.invalid",
     .setup = &site,
     .steps = "+ " C " > " T " udp 'a' badsum\n= none\n"},
    {.name = "exempt.accept_before_dnat",
     .setup = &source,
     .steps = "? 198.51.100.7:9 > " W ":8080 udp 'x'\n"
              "+ 198.51.100.8:9 > " W ":8080 udp 'x'\n= 10.0.1.2:80\n"},
    {.name = "exempt.none_of_it_is_hidden_twice",
     .setup = &both_ways,
     .steps = "+ 198.51.100.8:999 > " W ":8080 tcp S seq 1\n"
              "+ 10.0.1.2:80 > 10.0.1.1:999 tcp S. seq 5 ack 2\n"
              "+ 198.51.100.8:999 > " W ":8080 tcp . seq 2 ack 6\n"
              "= ESTABLISHED\n"},
    {.name = "exempt.mark_of_a_related_error",
     .setup = &marked,
     .steps = "+ " C " > " S " udp 'a'\n- " TO_W ABOUT "\n"},
    {.name = "exempt.mark_by_a_related_error",
     .setup = &marks_its_flow,
     .steps = "+ " C " > " S " udp 'a'\n- " TO_W ABOUT "\n"
              "- " C " > " S " udp 'a'\n"},
};

const struct script_theme script_exempt = SCRIPT_THEME(rows);
