/* script_tcp.c - TCP beyond its table of states: headers, windows, timeouts,
 * resets, reuse of a connection's addresses */
#include "script.h"

#define C "10.0.1.2:4000"
#define S "198.51.100.2:80"
#define W "198.51.100.1:4000"

/* A handshake; the same with window scaling by 128, and with SACK. */
#define SHAKE                                                                  \
    "+ " C " > " S " tcp S seq 1000\n"                                         \
    "+ " S " > " W " tcp S. seq 5000 ack 1001\n"                               \
    "+ " C " > " S " tcp . seq 1001 ack 5001\n"
#define SMALL                                                                  \
    "+ " C " > " S " tcp S seq 1000 win 1000\n"                                \
    "+ " S " > " W " tcp S. seq 5000 ack 1001 win 1000\n"                      \
    "+ " C " > " S " tcp . seq 1001 ack 5001 win 1000\n"
#define SCALED                                                                 \
    "+ " C " > " S " tcp S seq 1000 win 1000 wscale 7\n"                       \
    "+ " S " > " W " tcp S. seq 5000 ack 1001 win 1000 wscale 7\n"             \
    "+ " C " > " S " tcp . seq 1001 ack 5001 win 1000\n"                       \
    "+ " S " > " W " tcp . seq 5001 ack 1001 win 1000\n"
#define SACKED                                                                 \
    "+ " C " > " S " tcp S seq 1000 mss 1460 sackok\n"                         \
    "+ " S " > " W " tcp S. seq 5000 ack 1001 mss 1460 sackok\n"               \
    "+ " C " > " S " tcp . seq 1001 ack 5001\n"
#define CLIENT C " > " S " tcp "
#define SERVER S " > " W " tcp "
/* The client's FIN, all acknowledged, the server's FIN, all acknowledged. */
#define CLOSING                                                                \
    SHAKE "+ " CLIENT "F. seq 1001 ack 5001\n"                                 \
          "+ " SERVER "F. seq 5001 ack 1002\n"                                 \
          "+ " CLIENT ". seq 1002 ack 5002\n"

static const struct script_setup strict = {
    pair_masquerade, "", "tcp_loose 0", 0, 0, false};
static const struct script_setup liberal = {
    pair_masquerade, "", "tcp_be_liberal 1", 0, 0, false};
static const struct script_setup any_rst = {
    pair_masquerade, "", "tcp_ignore_invalid_rst 1", 0, 0, false};
static const struct script_setup unchecked = {
    pair_masquerade, "", "checksum 0", 0, 0, false};
static const struct script_setup fast = {
    pair_masquerade,
    "",
    "tcp_syn_sent 1; tcp_syn_recv 1; tcp_established 2; tcp_fin_wait 1; "
    "tcp_close 1; tcp_time_wait 1",
    0,
    0,
    false};
static const struct script_setup retrans1 = {
    pair_masquerade,
    "",
    "tcp_max_retrans_nr 1; tcp_max_retrans 50",
    0,
    0,
    false};

static const struct script rows[] = {
    /* ---- headers ---- */
    {.name = "tcp.flags.syn_urg",
     .steps = "+ " CLIENT "SU seq 1\n= SYN_SENT 120\n"},
    {.name = "tcp.flags.syn_psh",
     .steps = "+ " CLIENT "SP seq 1\n= SYN_SENT 120\n"},
    {.name = "tcp.flags.syn_ece_cwr",
     .steps = "+ " CLIENT "SEW seq 1\n= SYN_SENT 120\n"},
    {.name = "tcp.flags.syn_fin", .steps = "- " CLIENT "SF seq 1\n= none\n"},
    {.name = "tcp.flags.syn_rst", .steps = "- " CLIENT "SR seq 1\n= none\n"},
    {.name = "tcp.flags.psh",
     .steps = SHAKE "- " CLIENT "P seq 1001\n= ESTABLISHED\n"},
    {.name = "tcp.flags.fin",
     .steps = SHAKE "- " CLIENT "F seq 1001\n= ESTABLISHED\n"},
    {.name = "tcp.flags.urg",
     .steps = SHAKE "- " CLIENT "U seq 1001\n= ESTABLISHED\n"},
    {.name = "tcp.flags.ack_urg",
     .steps = SHAKE "+ " CLIENT "U. seq 1001 ack 5001 urg 1 len 4\n"
                    "= ESTABLISHED 300\n"},
    {.name = "tcp.flags.fin_ack_urg",
     .steps = SHAKE "+ " CLIENT "FU. seq 1001 ack 5001\n= FIN_WAIT 120\n"},
    {.name = "tcp.flags.fin_psh_urg",
     .steps = SHAKE "- " CLIENT "FPU seq 1001\n= ESTABLISHED\n"},
    {.name = "tcp.flags.rst_fin",
     .steps = SHAKE "- " CLIENT "RF. seq 1001 ack 5001\n= ESTABLISHED\n"},
    {.name = "tcp.flags.all",
     .steps = SHAKE "- " CLIENT "FSRP.UEW seq 1001 ack 5001\n= ESTABLISHED\n"},
    {.name = "tcp.badsum.new", .steps = "- " CLIENT "S seq 1 badsum\n= none\n"},
    {.name = "tcp.badsum.known",
     .steps = SHAKE "- " CLIENT "P. seq 1001 ack 5001 len 9 badsum\n"
                    "= ESTABLISHED 432000 ASSURED\n"},
    {.name = "tcp.badsum.reply",
     .steps = SHAKE "- " SERVER "P. seq 5001 ack 1001 len 9 badsum\n"
                    "= ESTABLISHED 432000 ASSURED\n"},
    {.name = "tcp.badsum.unchecked",
     .setup = &unchecked,
     .steps = "+ " CLIENT "S seq 1 badsum\n= SYN_SENT 120\n"},
    {.name = "tcp.loose_0.ack",
     .setup = &strict,
     .steps = "- " CLIENT ". seq 1 ack 1\n= none\n"},
    {.name = "tcp.loose_0.syn",
     .setup = &strict,
     .steps = SHAKE "= ESTABLISHED 432000 ASSURED\n"},
    /* ---- a life, its events and timeouts ---- */
    {.name = "tcp.life",
     .steps = "+ " CLIENT "S seq 1000\n= SYN_SENT 120 UNREPLIED\n* NEW\n"
              "+ " SERVER "S. seq 5000 ack 1001\n= SYN_RECV 60 REPLIED\n"
              "* UPDATE\n"
              "+ " CLIENT ". seq 1001 ack 5001\n"
              "= ESTABLISHED 432000 ASSURED\n* UPDATE\n"
              "+ " CLIENT "P. seq 1001 ack 5001 len 100\n= 300\n"
              "+ " SERVER ". seq 5001 ack 1101\n= 432000\n"
              "+ " CLIENT "F. seq 1101 ack 5001\n= FIN_WAIT 120\n* UPDATE\n"
              "+ " SERVER ". seq 5001 ack 1102\n= CLOSE_WAIT 60\n* UPDATE\n"
              "+ " SERVER "F. seq 5001 ack 1102\n= LAST_ACK 30\n* UPDATE\n"
              "+ " CLIENT ". seq 1102 ack 5002\n= TIME_WAIT 120\n* UPDATE\n"},
    {.name = "tcp.life6",
     .steps =
         "+ [fd00:1::2]:4000 > [2001:db8::2]:80 tcp S seq 1000\n= SYN_SENT\n"
         "+ [2001:db8::2]:80 > [2001:db8::1]:4000 tcp S. seq 5000 ack 1001\n"
         "+ [fd00:1::2]:4000 > [2001:db8::2]:80 tcp . seq 1001 ack 5001\n"
         "= ESTABLISHED 432000 ASSURED\n"
         "+ [2001:db8::2]:80 > [2001:db8::1]:4000 tcp R seq 5001\n"
         "= CLOSE 10\n"},
    {.name = "tcp.no_event_for_data",
     .steps = SHAKE "+ " CLIENT "P. seq 1001 ack 5001 len 10\n* \n"
                    "+ " SERVER "P. seq 5001 ack 1011 len 10\n* \n"},
    {.name = "tcp.server_closes_first",
     .steps = SHAKE "+ " SERVER "F. seq 5001 ack 1001\n= FIN_WAIT 120\n"
                    "+ " CLIENT ". seq 1001 ack 5002\n= CLOSE_WAIT 60\n"
                    "+ " CLIENT "F. seq 1001 ack 5002\n= LAST_ACK 30\n"
                    "+ " SERVER ". seq 5002 ack 1002\n= TIME_WAIT 120\n"},
    {.name = "tcp.both_close_at_once",
     .steps = SHAKE "+ " SERVER "F. seq 5001 ack 1001\n"
                    "+ " CLIENT "F. seq 1001 ack 5001\n= LAST_ACK 30\n"
                    "+ " SERVER ". seq 5002 ack 1002\n"
                    "+ " CLIENT ". seq 1002 ack 5002\n= TIME_WAIT 120\n"},
    {.name = "tcp.half_closed_data",
     .steps = SHAKE "+ " CLIENT "F. seq 1001 ack 5001\n"
                    "+ " SERVER ". seq 5001 ack 1002\n= CLOSE_WAIT 60\n"
                    "+ " SERVER "P. seq 5001 ack 1002 len 500\n"
                    "= CLOSE_WAIT 60\n"},
    {.name = "tcp.simultaneous_open",
     .steps = "+ " CLIENT "S seq 1000\n"
              "+ " SERVER "S seq 5000\n= SYN_SENT2 120\n"
              "+ " CLIENT "S. seq 1000 ack 5001\n= SYN_RECV 60\n"
              "+ " SERVER "S. seq 5000 ack 1001\n"
              "+ " CLIENT ". seq 1001 ack 5001\n= ESTABLISHED 432000\n"
              "+ " SERVER ". seq 5001 ack 1001\n= ESTABLISHED ASSURED\n"},
    {.name = "tcp.unacknowledged",
     .steps = SHAKE "+ " CLIENT "P. seq 1001 ack 5001 len 100\n= 300\n"
                    "+ " SERVER ". seq 5001 ack 1051\n= 300\n"
                    "+ " SERVER ". seq 5001 ack 1101\n= 432000\n"},
    {.name = "tcp.unacknowledged_reply",
     .steps = SHAKE "+ " SERVER "P. seq 5001 ack 1001 len 100\n= 300\n"
                    "+ " CLIENT ". seq 1001 ack 5101\n= 432000\n"},
    {.name = "tcp.window_0",
     .steps = SHAKE "+ " SERVER ". seq 5001 ack 1001 win 0\n= 300\n"
                    "+ " SERVER ". seq 5001 ack 1001 win 10\n= 432000\n"},
    {.name = "tcp.retrans",
     .steps = SHAKE "+ " SERVER ". seq 5001 ack 1001\n= 432000\n"
                    "+ " SERVER ". seq 5001 ack 1001\n= 432000\n"
                    "+ " SERVER ". seq 5001 ack 1001\n= 432000\n"
                    "+ " SERVER ". seq 5001 ack 1001\n= 300\n"},
    {.name = "tcp.retrans_1",
     .setup = &retrans1,
     .steps = SHAKE "+ " SERVER ". seq 5001 ack 1001\n= 432000\n"
                    "+ " SERVER ". seq 5001 ack 1001\n= 50\n"},
    {.name = "tcp.retrans_of_data",
     .steps = SHAKE "+ " CLIENT "P. seq 1001 ack 5001 len 100\n"
                    "+ " CLIENT "P. seq 1001 ack 5001 len 100\n"
                    "+ " CLIENT "P. seq 1001 ack 5001 len 100\n"
                    "+ " CLIENT "P. seq 1001 ack 5001 len 100\n= 300\n"
                    "+ " SERVER ". seq 5001 ack 1101\n= 432000\n"},
    {.name = "tcp.syn_again_is_no_refresh",
     .steps = "+ " CLIENT "S seq 1000\nwait 2100\n"
              "+ " CLIENT "S seq 1000\n= SYN_SENT 118 UNREPLIED\n* \n"},
    {.name = "tcp.syn_again_elsewhere",
     .steps = "+ " CLIENT "S seq 1000\n+ " CLIENT "S seq 9000\n= SYN_SENT\n"
              "+ " SERVER "S. seq 5000 ack 9001\n= SYN_RECV\n"
              "+ " CLIENT ". seq 9001 ack 5001\n= ESTABLISHED ASSURED\n"},
    {.name = "tcp.syn_with_data",
     .steps = "+ " CLIENT "S seq 1000 len 10\n"
              "+ " SERVER "S. seq 5000 ack 1011\n= SYN_RECV\n"
              "+ " CLIENT ". seq 1011 ack 5001\n= ESTABLISHED 432000\n"},
    {.name = "tcp.synack_acks_part_of_it",
     .steps = "+ " CLIENT "S seq 1000 len 10\n"
              "? " SERVER "S. seq 5000 ack 1001\n"},
    {.name = "tcp.timestamps",
     .steps = "+ " CLIENT "S seq 1000 ts 1:0\n"
              "+ " SERVER "S. seq 5000 ack 1001 ts 9:1\n"
              "+ " CLIENT ". seq 1001 ack 5001 ts 2:9\n= ESTABLISHED\n"},
    {.name = "tcp.synack_again",
     .steps = "+ " CLIENT "S seq 1000\n"
              "+ " SERVER "S. seq 5000 ack 1001\n"
              "+ " SERVER "S. seq 5000 ack 1001\n= SYN_RECV 60\n"},
    {.name = "tcp.synack_again_higher",
     .steps = "+ " CLIENT "S seq 1000\n"
              "+ " SERVER "S. seq 5000 ack 1001\n"
              "+ " SERVER "S. seq 905000 ack 1001\n= SYN_RECV 60\n"
              "? " CLIENT ". seq 1001 ack 905001\n"},
    {.name = "tcp.synack_again_in_syn_sent2",
     .steps = "+ " CLIENT "S seq 1000\n"
              "+ " SERVER "S seq 5000\n= SYN_SENT2\n"
              "+ " SERVER "S. seq 5000 ack 1001\n= SYN_RECV 60\n"
              "? " CLIENT "S. seq 1000 ack 5001\n"
              "? " CLIENT ". seq 1001 ack 5001\n"},
    {.name = "tcp.data_in_close_wait",
     .steps = SHAKE "+ " CLIENT "F. seq 1001 ack 5001\n"
                    "+ " SERVER ". seq 5001 ack 1002\n= CLOSE_WAIT 60\n"
                    "wait 2100\n"
                    "+ " SERVER "P. seq 5001 ack 1002 len 100\n"
                    "= CLOSE_WAIT 60\n"},
    {.name = "tcp.synack_again_established",
     .steps = SHAKE "wait 2100\n+ " SERVER "S. seq 5000 ack 1001\n"
                    "= ESTABLISHED 431998 ASSURED\n"},
    {.name = "tcp.ack_is_a_refresh",
     .steps = SHAKE "wait 2100\n+ " CLIENT ". seq 1001 ack 5001\n"
                    "= ESTABLISHED 432000 ASSURED\n"},
    {.name = "tcp.synack_wrong_ack",
     .steps = "+ " CLIENT "S seq 1000\n"
              "- " SERVER "S. seq 5000 ack 70000\n= SYN_SENT 120 UNREPLIED\n"
              "+ " CLIENT "S seq 1000\n"
              "+ " SERVER "S. seq 5000 ack 1001\n= SYN_RECV\n"},
    {.name = "tcp.expires_syn_sent",
     .setup = &fast,
     .steps = "+ " CLIENT "S seq 1000\n* NEW\nwait 2100\n= none\n* DESTROY\n"
              "- " SERVER "S. seq 5000 ack 1001\n"},
    {.name = "tcp.expires_established",
     .setup = &fast,
     .steps =
         SHAKE "wait 3100\n= none\n* DESTROY\n"
               "+ " CLIENT ". seq 1001 ack 5001\n= ESTABLISHED UNREPLIED\n"},
    {.name = "tcp.expires_close",
     .setup = &fast,
     .steps = SHAKE "+ " CLIENT "R seq 1001\n= CLOSE\nwait 2100\n= none\n"
                    "* DESTROY\n"},
    /* ---- picked up in the middle ---- */
    {.name = "tcp.pickup",
     .steps = "+ " CLIENT ". seq 70000 ack 90000\n"
              "= ESTABLISHED 300 UNREPLIED\n* NEW\n"
              "+ " SERVER ". seq 90000 ack 70000\n= 300 REPLIED\n"
              "+ " CLIENT ". seq 70000 ack 90000\n= 432000 ASSURED\n"},
    {.name = "tcp.pickup_data",
     .steps = "+ " CLIENT "P. seq 70000 ack 90000 len 10\n= 300 UNREPLIED\n"
              "+ " SERVER ". seq 90000 ack 70010\n= REPLIED\n"},
    {.name = "tcp.pickup_is_liberal",
     .steps = "+ " CLIENT ". seq 70000 ack 90000\n"
              "+ " SERVER ". seq 90000 ack 70000\n"
              "+ " CLIENT ". seq 5000000 ack 90000\n= ESTABLISHED ASSURED\n"},
    {.name = "tcp.pickup_from_outside",
     .steps = "? " SERVER ". seq 90000 ack 70000\n"},
    /* ---- windows ---- */
    {.name = "tcp.seq_at_edge",
     .steps = SMALL "+ " CLIENT ". seq 2001 ack 5001\n= ESTABLISHED\n"},
    {.name = "tcp.seq_over",
     .steps = SMALL "- " CLIENT "P. seq 9000 ack 5001 len 9\n"
                    "= ESTABLISHED 432000\n"},
    {.name = "tcp.seq_over_reply",
     .steps = SMALL "- " SERVER "P. seq 9000 ack 1001 len 9\n"
                    "= ESTABLISHED 432000\n"},
    {.name = "tcp.seq_overshoots",
     .steps = SMALL "+ " CLIENT "P. seq 1001 ack 5001 len 1200\n"},
    {.name = "tcp.seq_overshoots_some",
     .steps = SMALL "+ " CLIENT "P. seq 1001 ack 5001 len 900\n"
                    "? " CLIENT "P. seq 2100 ack 5001 len 900\n"
                    "? " CLIENT "P. seq 2900 ack 5001 len 900\n"},
    {.name = "tcp.seq_1_gib_ahead",
     .steps = SHAKE "- " SERVER "P. seq 1073746825 ack 1001 len 9\n"
                    "= ESTABLISHED 432000\n"},
    {.name = "tcp.seq_under",
     .steps = SHAKE "wait 1100\n+ " CLIENT ". seq 3994968297 ack 5001\n"
                    "= ESTABLISHED\n"},
    {.name = "tcp.seq_just_under",
     .steps = SMALL "+ " CLIENT "P. seq 1001 ack 5001 len 500\n"
                    "+ " SERVER ". seq 5001 ack 1501 win 1000\n"
                    "+ " CLIENT "P. seq 1001 ack 5001 len 500\n"
                    "= ESTABLISHED\n"},
    {.name = "tcp.ack_over",
     .steps = SHAKE "- " CLIENT ". seq 1001 ack 5002\n= ESTABLISHED 432000\n"},
    {.name = "tcp.ack_over_reply",
     .steps = SHAKE "- " SERVER ". seq 5001 ack 1002\n= ESTABLISHED 432000\n"},
    {.name = "tcp.ack_under",
     .steps = SHAKE "+ " SERVER ". seq 5001 ack 4294900000\n= ESTABLISHED\n"},
    {.name = "tcp.ack_under_by_66000",
     .steps = SHAKE "+ " CLIENT "P. seq 1001 ack 5001 len 1000\n"
                    "+ " SERVER ". seq 5001 ack 2001\n"
                    "+ " SERVER ". seq 5001 ack 4294903297\n"
                    "+ " SERVER ". seq 5001 ack 4294903290\n"},
    {.name = "tcp.keepalive",
     .steps = SHAKE "+ " CLIENT "P. seq 1001 ack 5001 len 100\n"
                    "+ " SERVER ". seq 5001 ack 1101\n"
                    "+ " CLIENT ". seq 1100 ack 5001\n= ESTABLISHED\n"
                    "+ " SERVER ". seq 5001 ack 1101\n= 432000\n"},
    {.name = "tcp.wraps",
     .steps = "+ " CLIENT "S seq 4294967290\n"
              "+ " SERVER "S. seq 4294967000 ack 4294967291\n"
              "+ " CLIENT ". seq 4294967291 ack 4294967001\n"
              "+ " CLIENT "P. seq 4294967291 ack 4294967001 len 100\n"
              "+ " SERVER "P. seq 4294967001 ack 95 len 1000\n"
              "+ " CLIENT ". seq 95 ack 705\n= ESTABLISHED 432000 ASSURED\n"},
    {.name = "tcp.scaled",
     .steps = SCALED "+ " CLIENT ". seq 120000 ack 5001 win 1000\n"
                     "= ESTABLISHED\n"},
    {.name = "tcp.scaled_over",
     .steps = SCALED "- " CLIENT "P. seq 400000 ack 5001 len 9\n"
                     "= ESTABLISHED 432000\n"},
    {.name = "tcp.scaled_by_one_only",
     .steps = "+ " CLIENT "S seq 1000 win 1000 wscale 7\n"
              "+ " SERVER "S. seq 5000 ack 1001 win 1000\n"
              "+ " CLIENT ". seq 1001 ack 5001 win 1000\n"
              "- " CLIENT "P. seq 120000 ack 5001 len 9\n= ESTABLISHED\n"},
    {.name = "tcp.scale_15_is_14",
     .steps = "+ " CLIENT "S seq 1000 win 1000 wscale 15\n"
              "+ " SERVER "S. seq 5000 ack 1001 win 1000 wscale 255\n"
              "+ " CLIENT ". seq 1001 ack 5001 win 1000\n"
              "+ " SERVER ". seq 5001 ack 1001 win 1000\n"
              "+ " CLIENT ". seq 16000000 ack 5001 win 1000\n"
              "= ESTABLISHED\n"},
    {.name = "tcp.scale_in_a_broken_option",
     .steps = "+ " CLIENT "S seq 1000 win 1000 tcpopt 03020701\n"
              "+ " SERVER "S. seq 5000 ack 1001 win 1000 wscale 7\n"
              "+ " CLIENT ". seq 1001 ack 5001 win 1000\n= ESTABLISHED\n"},
    {.name = "tcp.sack",
     .steps = SACKED "+ " CLIENT "P. seq 1001 ack 5001 len 100\n"
                     "+ " CLIENT "P. seq 1201 ack 5001 len 100\n"
                     "+ " SERVER ". seq 5001 ack 1101 sack 1201-1301\n"
                     "= ESTABLISHED 300\n"
                     "+ " CLIENT "P. seq 1101 ack 5001 len 100\n"
                     "+ " SERVER ". seq 5001 ack 1301\n= 432000\n"},
    {.name = "tcp.sack_over",
     .steps = SACKED "- " SERVER ". seq 5001 ack 1001 sack 9000-9100\n"
                     "= ESTABLISHED 432000\n"},
    {.name = "tcp.sack_unasked",
     .steps = SHAKE "+ " SERVER ". seq 5001 ack 1001 sack 9000-9100\n"
                    "= ESTABLISHED 432000\n"},
    {.name = "tcp.ack_of_nothing",
     .steps = SHAKE "+ " SERVER ". seq 5001 ack 0\n= ESTABLISHED\n"},
    {.name = "tcp.liberal",
     .setup = &liberal,
     .steps = SMALL "+ " CLIENT "P. seq 900000 ack 5001 len 9\n"
                    "+ " SERVER ". seq 5001 ack 7777777\n= ESTABLISHED\n"},
    {.name = "tcp.liberal_rst",
     .setup = &liberal,
     .steps = SHAKE "- " SERVER "R seq 100\n= ESTABLISHED 432000\n"},
    {.name = "tcp.ack_loss",
     .steps = SHAKE "+ " CLIENT "P. seq 1001 ack 5001 len 1400\n"
                    "+ " SERVER ". seq 5001 ack 2401\n"
                    "+ " CLIENT "P. seq 2401 ack 5001 len 1400\n"
                    "+ " SERVER ". seq 5001 ack 3801\n"
                    "+ " CLIENT "P. seq 1001 ack 5001 len 1400\n"
                    "= ESTABLISHED\n"},
    {.name = "tcp.fin_again",
     .steps = SHAKE "+ " CLIENT "F. seq 1001 ack 5001\n"
                    "+ " CLIENT "F. seq 1001 ack 5001\n= LAST_ACK 30\n"},
    /* ---- resets ---- */
    {.name = "tcp.rst.exact",
     .steps = SHAKE "+ " SERVER "R seq 5001\n= CLOSE 10 ASSURED\n* UPDATE\n"},
    {.name = "tcp.rst.ack",
     .steps = SHAKE "+ " SERVER "R. seq 5001 ack 1001\n= CLOSE 10\n"},
    {.name = "tcp.rst.inexact",
     .steps = SHAKE "+ " CLIENT "P. seq 1001 ack 5001 len 10\n"
                    "+ " SERVER "R seq 5101\n= ESTABLISHED 10\n"},
    {.name = "tcp.rst.below_maxack",
     .steps = SHAKE "- " SERVER "R seq 4000\n= ESTABLISHED 432000\n"},
    {.name = "tcp.rst.below_maxack_allowed",
     .setup = &any_rst,
     .steps = SHAKE "+ " SERVER "R seq 4000\n"},
    {.name = "tcp.rst.over",
     .steps = SHAKE "- " SERVER "R seq 900000\n= ESTABLISHED 432000\n"},
    {.name = "tcp.rst.behind_own_ack",
     .steps = SHAKE "+ " SERVER "P. seq 5001 ack 1001 len 100\n"
                    "+ " SERVER "R seq 5101\n= CLOSE 10\n"},
    {.name = "tcp.rst.unreplied_by_client",
     .steps = "+ " CLIENT "S seq 1000\n+ " CLIENT "R seq 1001\n= none\n"
              "* DESTROY\n"},
    {.name = "tcp.rst.unreplied_by_server",
     .steps = "+ " CLIENT "S seq 1000\n+ " SERVER "R. seq 0 ack 1001\n"
              "= none\n* DESTROY\n"},
    {.name = "tcp.rst.unreplied_wrong_ack",
     .steps = "+ " CLIENT "S seq 1000\n? " SERVER "R. seq 0 ack 5\n"},
    {.name = "tcp.rst.syn_recv",
     .steps = "+ " CLIENT "S seq 1000\n+ " SERVER "S. seq 5000 ack 1001\n"
              "+ " CLIENT "R seq 1001\n= CLOSE 10\n"},
    {.name = "tcp.rst.any_when_closing",
     .steps = CLOSING "= TIME_WAIT 120\n+ " SERVER "R seq 77\n= CLOSE 10\n"},
    {.name = "tcp.rst.no_flow", .steps = "- " CLIENT "R seq 1\n= none\n"},
    {.name = "tcp.rst.twice_out_of_window",
     .steps = SHAKE "- " SERVER "R seq 900000\n= 432000\n"
                    "- " CLIENT "R seq 900000\n= ESTABLISHED 300\n"},
    {.name = "tcp.rst.twice_by_one_side",
     .steps = SHAKE "- " SERVER "R seq 900000\n"
                    "- " SERVER "R seq 900000\n= ESTABLISHED 432000\n"},
    {.name = "tcp.fin_twice_out_of_window",
     .steps = SHAKE "- " SERVER "F. seq 900000 ack 1001\n"
                    "- " CLIENT "F. seq 900000 ack 5001\n= ESTABLISHED 300\n"},
    /* ---- the same addresses again ---- */
    {.name = "tcp.reopen.time_wait",
     .steps = CLOSING "+ " CLIENT "S seq 90000\n= SYN_SENT 120 UNREPLIED\n"
                      "* DESTROY NEW\n"},
    {.name = "tcp.reopen.time_wait_by_server_first",
     .steps = SHAKE "+ " SERVER "F. seq 5001 ack 1001\n"
                    "+ " CLIENT "F. seq 1001 ack 5002\n"
                    "+ " SERVER ". seq 5002 ack 1002\n= TIME_WAIT\n"
                    "+ " CLIENT "S seq 90000\n= SYN_SENT\n"},
    {.name = "tcp.reopen.own_rst",
     .steps = SHAKE "+ " CLIENT "R seq 1001\n+ " CLIENT "S seq 90000\n"
                    "= SYN_SENT 120 UNREPLIED\n* DESTROY NEW\n"},
    {.name = "tcp.reopen.others_rst",
     .steps = SHAKE "+ " SERVER "R seq 5001\n+ " CLIENT "S seq 90000\n"
                    "= CLOSE 10 ASSURED\n"
                    "+ " SERVER "S. seq 60000 ack 90001\n= SYN_RECV 60\n"
                    "+ " CLIENT ". seq 90001 ack 60001\n"
                    "= ESTABLISHED 432000 ASSURED\n"},
    {.name = "tcp.syn_challenge_ack",
     .steps = SHAKE "+ " CLIENT "S seq 90000\n= ESTABLISHED\n"
                    "+ " SERVER ". seq 5001 ack 1001\n"
                    "+ " CLIENT "R seq 1001\n= CLOSE\n"
                    "+ " CLIENT "S seq 90000\n= SYN_SENT UNREPLIED\n"},
    {.name = "tcp.syn_accepted_again",
     .steps = SHAKE "+ " CLIENT "S seq 90000 win 5000 wscale 3\n"
                    "+ " SERVER "S. seq 60000 ack 90001 win 5000 wscale 3\n"
                    "= SYN_RECV\n+ " CLIENT ". seq 90001 ack 60001\n"
                    "= ESTABLISHED 432000 ASSURED\n"},
    {.name = "tcp.syn_of_server",
     .steps = SHAKE "- " SERVER "S seq 90000\n= ESTABLISHED 432000\n"},
    {.name = "tcp.challenge_in_syn_sent",
     .steps = "+ " CLIENT "S seq 1000\n+ " SERVER ". seq 777 ack 888\n"
              "= SYN_SENT 120 REPLIED\n"},
    {.name = "tcp.last_ack_challenge",
     .steps = SHAKE "+ " CLIENT "F. seq 1001 ack 5001\n"
                    "+ " SERVER "F. seq 5001 ack 1002\n= LAST_ACK\n"
                    "+ " CLIENT "S seq 90000\n"
                    "+ " SERVER ". seq 5002 ack 1002\n= LAST_ACK\n"},
    {.name = "tcp.other_ports_other_flow",
     .steps = SHAKE "+ 10.0.1.2:4001 > " S " tcp S seq 1000\n= 2 flows\n"},
    {.name = "tcp.from_outside_unasked",
     .steps = "< 198.51.100.9:4000 > 198.51.100.1:80 tcp S seq 1\n= none\n"
              "* NEW DESTROY\n"},
    {.name = "tcp.closed_port_of_router",
     .steps = "< 10.0.1.2:4000 > 10.0.1.1:81 tcp S seq 1000\n= none\n"},
};

const struct script_theme script_tcp = SCRIPT_THEME(rows);
