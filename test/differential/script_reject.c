/* script_reject.c - rules that reject: what is said, to whom, about what
 *
 * What a setup's rule is about is rejected: TCP by a reset, the rest as a port
 * that is unreachable. */
#include "script.h"

#define C  "10.0.1.2:4000"
#define S  "198.51.100.2:9"
#define W  "198.51.100.1:4000"
#define C6 "[fd00:1::2]:4000"
#define S6 "[2001:db8::2]:9"
#define W6 "[2001:db8::1]:4000"

#define OUT                                                                    \
    " chain out { type nat hook postrouting priority srcnat;\n"                \
    "  oifname kwan masquerade\n }\n"
#define NAT_OFF " chain out { type nat hook postrouting priority srcnat; }\n"
#define CHAIN(hook, rules)                                                     \
    " chain judged { type filter hook " hook " priority 10;\n" rules " }\n"
#define SETUP(name, nat, weir_nat, hook, nft, weir)                            \
    static const struct script_setup name = {                                  \
        nat CHAIN(hook, nft), weir_nat weir, "", 0, 0, false}

#define RST  "\"verdict\":\"reject\",\"reject_with\":\"tcp-reset\"}; "
#define PORT "\"verdict\":\"reject\",\"reject_with\":\"port-unreachable\"}; "
#define BOTH(hook, weir)                                                       \
    hook " {\"proto\":\"tcp\"," weir RST hook " {" weir PORT
#define NFT_BOTH(nft)                                                          \
    "  meta l4proto tcp " nft " reject with tcp reset\n"                       \
    "  " nft " reject with icmpx port-unreachable\n"

/* Whatever comes by lan. */
SETUP(lan, OUT, "", "forward", NFT_BOTH("iifname klan"),
      BOTH("forward", "\"in\":\"lan\","));
SETUP(lan_plain, NAT_OFF, "masquerade off; ", "forward",
      NFT_BOTH("iifname klan"), BOTH("forward", "\"in\":\"lan\","));
static const struct script_setup lan_unchecked = {
    OUT CHAIN("forward", NFT_BOTH("iifname klan")),
    BOTH("forward", "\"in\":\"lan\","),
    "checksum 0",
    0,
    0,
    false};
/* Answers, and what the client says once it was answered. */
SETUP(answers, OUT, "", "forward",
      NFT_BOTH("iifname kwan ct state established"),
      BOTH("forward", "\"in\":\"wan\",\"ct_state\":[\"established\"],"));
SETUP(answered, OUT, "", "forward",
      NFT_BOTH("iifname klan ct state established"),
      BOTH("forward", "\"in\":\"lan\",\"ct_state\":[\"established\"],"));
SETUP(related, OUT, "", "forward", NFT_BOTH("ct state related"),
      BOTH("forward", "\"ct_state\":[\"related\"],"));
/* Forwards of the wan's address, which the rule refuses at their goal. */
SETUP(forwards,
      " chain in { type nat hook prerouting priority dstnat;\n"
      "  iifname kwan ip daddr 198.51.100.1 meta l4proto { tcp, udp } th dport "
      "8080 dnat ip to 10.0.1.2:80\n }\n" OUT,
      "dnat udp 198.51.100.1:8080 -> 10.0.1.2:80; "
      "dnat tcp 198.51.100.1:8080 -> 10.0.1.2:80; ",
      "forward", NFT_BOTH("ip daddr 10.0.1.2"),
      BOTH("forward", "\"dst\":\"10.0.1.2\","));
SETUP(input, OUT, "", "input", NFT_BOTH(""), BOTH("input", ""));
SETUP(redirected,
      " chain in { type nat hook prerouting priority dstnat;\n"
      "  iifname klan meta l4proto { tcp, udp } th dport 9 redirect to :99\n"
      " }\n" OUT,
      "prerouting {\"in\":\"lan\",\"proto\":[\"tcp\",\"udp\"],\"dport\":9,"
      "\"redirect\":99}; ",
      "input", NFT_BOTH(""), BOTH("input", ""));
SETUP(output, OUT, "", "output", NFT_BOTH(""), BOTH("output", ""));
#define NAMED(name, icmpx, weir)                                               \
    SETUP(name, OUT, "", "forward", "  reject with icmpx " icmpx "\n",         \
          "forward {\"verdict\":\"reject\",\"reject_with\":\"" weir "\"}; ")
NAMED(host, "host-unreachable", "host-unreachable");
NAMED(net, "no-route", "net-unreachable");
NAMED(admin, "admin-prohibited", "admin-prohibited");

static const struct script rows[] = {
    {.name = "reject.udp",
     .setup = &lan,
     .steps = "< " C " > " S " udp len 20\n= none\n* \n"},
    {.name = "reject.udp_long",
     .setup = &lan,
     .steps = "< " C " > " S " udp len 1400\n= none\n"},
    {.name = "reject.udp_tos",
     .setup = &lan,
     .steps = "< " C " > " S " udp len 20 tos 0x10\n= none\n"},
    {.name = "reject.udp6",
     .setup = &lan,
     .steps = "< " C6 " > " S6 " udp len 20\n= none\n"},
    {.name = "reject.udp6_long",
     .setup = &lan,
     .steps = "< " C6 " > " S6 " udp len 1400\n= none\n"},
    {.name = "reject.host", .setup = &host, .steps = "< " C " > " S " udp\n"},
    {.name = "reject.host6",
     .setup = &host,
     .steps = "< " C6 " > " S6 " udp\n"},
    {.name = "reject.net", .setup = &net, .steps = "< " C " > " S " udp\n"},
    {.name = "reject.net6", .setup = &net, .steps = "< " C6 " > " S6 " udp\n"},
    {.name = "reject.admin", .setup = &admin, .steps = "< " C " > " S " udp\n"},
    {.name = "reject.admin6",
     .setup = &admin,
     .steps = "< " C6 " > " S6 " udp\n"},
    {.name = "reject.echo",
     .setup = &lan,
     .steps = "< 10.0.1.2 > 198.51.100.2 icmp echo id 7\n= none\n"},
    {.name = "reject.echo6",
     .setup = &lan,
     .steps = "< fd00:1::2 > 2001:db8::2 icmp echo id 7\n= none\n"},
    {.name = "reject.timestamp",
     .setup = &lan,
     .steps = "< 10.0.1.2 > 198.51.100.2 icmp 13/0 id 7 len 12\n= none\n"},
    {.name = "reject.generic",
     .setup = &lan,
     .differs = "reject_sum",
     .steps = "~-< 10.0.1.2 > 198.51.100.2 proto 99 hex 0102030405060708\n"},
    {.name = "reject.ecn",
     .setup = &lan,
     .differs = "icmp_ecn",
     .steps = "~<< " C " > " S " udp len 20 tos 0x12\n"},
    {.name = "reject.gre",
     .setup = &lan,
     .steps = "< 10.0.1.2 > 198.51.100.2 proto 47 hex 0000080001020304\n"},
    {.name = "reject.udplite",
     .setup = &lan_unchecked,
     .steps = "< " C " > " S " udplite len 20\n"},
    {.name = "reject.sctp",
     .setup = &lan,
     .steps = "< " C " > " S " sctp INIT vtag 0 itag 7\n"},
    /* ---- resets ---- */
    {.name = "reject.syn",
     .setup = &lan,
     .steps = "< " C " > " S " tcp S seq 1000 mss 1460\n= none\n* \n"},
    {.name = "reject.syn_data",
     .setup = &lan,
     .steps = "< " C " > " S " tcp S seq 1000 len 10\n= none\n"},
    {.name = "reject.syn_tos",
     .setup = &lan,
     .steps = "< " C " > " S " tcp S seq 1000 tos 0x10\n= none\n"},
    {.name = "reject.syn6",
     .setup = &lan,
     .steps = "< " C6 " > " S6 " tcp S seq 1000\n= none\n"},
    {.name = "reject.pickup",
     .setup = &lan,
     .steps = "< " C " > " S " tcp P. seq 7 ack 5001 len 99\n= none\n"},
    {.name = "reject.pickup6",
     .setup = &lan,
     .steps = "< " C6 " > " S6 " tcp P. seq 7 ack 5001 len 99\n= none\n"},
    {.name = "reject.fin_ack",
     .setup = &lan,
     .steps = "< " C " > " S " tcp F. seq 7 ack 5001\n= none\n"},
    {.name = "reject.rst",
     .setup = &lan_plain,
     .steps = "- " C " > " S " tcp R seq 7\n= none\n"},
    {.name = "reject.rst_ack",
     .setup = &lan_plain,
     .steps = "- " C " > " S " tcp R. seq 7 ack 8\n= none\n"},
    {.name = "reject.rst6",
     .setup = &lan_plain,
     .steps = "- " C6 " > " S6 " tcp R seq 7\n= none\n"},
    {.name = "reject.invalid_fin",
     .setup = &lan_plain,
     .steps = "< " C " > " S " tcp F seq 7 len 3\n= none\n"},
    {.name = "reject.invalid_none",
     .setup = &lan_plain,
     .steps = "< " C " > " S " tcp - seq 7 len 3\n= none\n"},
    {.name = "reject.invalid_flags",
     .setup = &lan_plain,
     .steps = "< " C " > " S " tcp SF seq 7\n= none\n"},
    /* ---- never ---- */
    {.name = "reject.syn_badsum",
     .setup = &lan_plain,
     .steps = "- " C " > " S " tcp S seq 7 badsum\n= none\n"},
    {.name = "reject.syn6_badsum",
     .setup = &lan_plain,
     .steps = "- " C6 " > " S6 " tcp S seq 7 badsum\n= none\n"},
    {.name = "reject.udp_badsum",
     .setup = &lan_plain,
     .steps = "- " C " > " S " udp len 9 badsum\n= none\n"},
    {.name = "reject.udp6_badsum",
     .setup = &lan_plain,
     .steps = "- " C6 " > " S6 " udp len 9 badsum\n= none\n"},
    {.name = "reject.echo_badsum",
     .setup = &lan_plain,
     .steps = "- 10.0.1.2 > 198.51.100.2 icmp echo id 7 badsum\n= none\n"},
    {.name = "reject.echo6_badsum",
     .setup = &lan_plain,
     .steps = "- fd00:1::2 > 2001:db8::2 icmp echo id 7 badsum\n= none\n"},
    {.name = "reject.udp_nosum",
     .setup = &lan,
     .steps = "< " C " > " S " udp len 9 nosum\n= none\n"},
    {.name = "reject.udp_short",
     .setup = &lan_plain,
     .steps = "? 10.0.1.2 > 198.51.100.2 proto 17 hex 0fa00009\n= none\n"},
    {.name = "reject.tcp_short",
     .setup = &lan_plain,
     .steps = "- 10.0.1.2 > 198.51.100.2 proto 6 hex 0fa00009\n= none\n"},
    {.name = "reject.error",
     .setup = &lan_plain,
     .steps = "- 10.0.1.2 > 198.51.100.2 icmp 3/3 about {" S " > " C
              " udp len 20}\n= none\n"},
    {.name = "reject.error6",
     .setup = &lan_plain,
     .steps = "- fd00:1::2 > 2001:db8::2 icmp 1/4 about {" S6 " > " C6
              " udp len 20}\n= none\n"},
    {.name = "reject.redirect",
     .setup = &lan_plain,
     .steps = "- 10.0.1.2 > 198.51.100.2 icmp 5/1 about {" S " > " C
              " udp len 20}\n= none\n"},
    {.name = "reject.type_1",
     .setup = &lan_plain,
     .steps = "- 10.0.1.2 > 198.51.100.2 icmp 1/0\n= none\n"},
    {.name = "reject.type_9",
     .setup = &lan_plain,
     .steps = "- 10.0.1.2 > 198.51.100.2 icmp 9/0\n= none\n"},
    {.name = "reject.type_30",
     .setup = &lan_plain,
     .steps = "- 10.0.1.2 > 198.51.100.2 icmp 30/0\n= none\n"},
    {.name = "reject.type_42",
     .setup = &lan_plain,
     .steps = "- 10.0.1.2 > 198.51.100.2 icmp 42/0 id 7\n= none\n"},
    {.name = "reject.type6_100",
     .setup = &lan_plain,
     .steps = "- fd00:1::2 > 2001:db8::2 icmp 100/0\n= none\n"},
    {.name = "reject.type6_200",
     .setup = &lan_plain,
     .steps = "? fd00:1::2 > 2001:db8::2 icmp 200/0\n= none\n"},
    {.name = "reject.redirect6",
     .setup = &lan_plain,
     .differs = "redirect6",
     .steps = "~<- fd00:1::2 > 2001:db8::2 icmp 137/0 len 32\n"},
    {.name = "reject.sctp_badsum",
     .setup = &lan_plain,
     .differs = "reject_sum",
     .steps = "~<- " C " > " S " sctp INIT vtag 0 itag 7 badsum\n"},
    {.name = "reject.udp6_nosum",
     .setup = &lan,
     .steps = "< " C6 " > " S6 " udp len 9 nosum\n= none\n"},
    {.name = "reject.a_related_error",
     .setup = &related,
     .steps = "+ " C " > " S " udp len 20\n"
              "- 192.0.2.9 > 198.51.100.1 icmp 3/1 about {" W " > " S
              " udp len 20}\n= 30 UNREPLIED\n"},
    /* ---- of flows that are translated ---- */
    {.name = "reject.answer.udp",
     .setup = &answers,
     .steps = "+ " C " > " S " udp len 20\n< " S " > " W " udp len 20\n"},
    {.name = "reject.answer.syn_ack",
     .setup = &answers,
     .steps = "+ " C " > " S " tcp S seq 1000\n"
              "< " S " > " W " tcp S. seq 5000 ack 1001\n"},
    {.name = "reject.answer.rst",
     .setup = &answers,
     .steps = "+ " C " > " S " tcp S seq 1000\n"
              "- " S " > " W " tcp R. seq 0 ack 1001\n"},
    {.name = "reject.answer.udp6",
     .setup = &answers,
     .steps = "+ " C6 " > " S6 " udp len 20\n< " S6 " > " W6 " udp len 20\n"},
    {.name = "reject.answer.syn_ack6",
     .setup = &answers,
     .steps = "+ " C6 " > " S6 " tcp S seq 1000\n"
              "< " S6 " > " W6 " tcp S. seq 5000 ack 1001\n"},
    {.name = "reject.answered.udp",
     .setup = &answered,
     .steps = "+ " C " > " S " udp len 20\n+ " S " > " W " udp len 20\n"
              "< " C " > " S " udp len 20\n"},
    {.name = "reject.answered.tcp",
     .setup = &answered,
     .steps = "+ " C " > " S " tcp S seq 1000\n"
              "+ " S " > " W " tcp S. seq 5000 ack 1001\n"
              "< " C " > " S " tcp . seq 1001 ack 5001\n= CLOSE 10\n"
              "+ " S " > " W " tcp P. seq 5001 ack 1001 len 9\n"},
    {.name = "reject.answered.tcp6",
     .setup = &answered,
     .steps = "+ " C6 " > " S6 " tcp S seq 1000\n"
              "+ " S6 " > " W6 " tcp S. seq 5000 ack 1001\n"
              "< " C6 " > " S6 " tcp P. seq 1001 ack 5001 len 3\n= CLOSE 10\n"},
    {.name = "reject.forward.udp",
     .setup = &forwards,
     .steps = "< 198.51.100.9:5000 > 198.51.100.1:8080 udp 'x'\n= none\n"},
    {.name = "reject.forward.tcp",
     .setup = &forwards,
     .steps = "< 198.51.100.9:5000 > 198.51.100.1:8080 tcp S seq 7\n= none\n"},
    /* ---- of the router's own ---- */
    {.name = "reject.input.udp",
     .setup = &input,
     .steps = "< " C " > 10.0.1.1:9 udp len 20\n= none\n"},
    {.name = "reject.input.udp6",
     .setup = &input,
     .steps = "< " C6 " > [fd00:1::1]:9 udp len 20\n= none\n"},
    {.name = "reject.input.tcp",
     .setup = &input,
     .steps = "< " C " > 10.0.1.1:9 tcp S seq 7\n= none\n"},
    {.name = "reject.input.tcp6",
     .setup = &input,
     .steps = "< " C6 " > [fd00:1::1]:9 tcp S seq 7\n= none\n"},
    {.name = "reject.input.echo",
     .setup = &input,
     .steps = "< 10.0.1.2 > 10.0.1.1 icmp echo id 7\n= none\n"},
    {.name = "reject.input.by_wan",
     .setup = &input,
     .steps = "< 198.51.100.9:4000 > 198.51.100.1:9 udp len 20\n= none\n"},
    {.name = "reject.input.across",
     .setup = &input,
     .steps = "< " C " > 198.51.100.1:9 udp len 20\n= none\n"},
    {.name = "reject.input.across_tcp",
     .setup = &input,
     .steps = "< " C " > 198.51.100.1:9 tcp S seq 7\n= none\n"},
    {.name = "reject.input.redirected",
     .setup = &redirected,
     .steps = "< " C " > " S " udp len 20\n= none\n"},
    {.name = "reject.input.redirected_tcp",
     .setup = &redirected,
     .steps = "< " C " > " S " tcp S seq 7\n= none\n"},
    {.name = "reject.output.echo",
     .setup = &output,
     .differs = "event_when",
     .steps = "~-- 10.0.1.2 > 10.0.1.1 icmp echo id 7\n"},
    {.name = "reject.output.error",
     .setup = &output,
     .steps = "- " C " > " S " udp ttl 1\n"},
};

const struct script_theme script_reject = SCRIPT_THEME(rows);
