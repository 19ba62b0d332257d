/* tcp_talks.h - conversations, and what the tracker is to say to each segment
 *
 * says: "ok", "ok assured" (the bit was set now), "closing" (ok, and the flow
 * is on its way out), "ignore", "reopen", "kill",
 * or the reason of a refusal, with "+keep" or "+lower" behind it. left: seconds
 * the flow has afterwards.  The client's first number is 1000, the server's
 * 5000, windows are 10000 and not scaled unless a line says otherwise. */
#ifndef TCP_TALKS_H
#define TCP_TALKS_H

#include <stdint.h>

struct line {
    const char *what;
    uint32_t wait_ms;
    char dir; /* '>' from the client */
    const char *flags;
    uint32_t seq, ack;
    uint16_t len, win;
    const char *options;
    const char *state, *says;
    uint32_t left;
};

struct talk {
    const char *what;
    const char *set; /* "param=value ..." */
    struct line lines[16];
};

#define W 10000
/* clang-format off */
#define OPEN_(copt, sopt)                                                                         \
    {"client opens",      0, '>', "S",  1000, 0,    0, W, copt, "SYN_SENT",    "ok",         120}, \
    {"server answers",    0, '<', "SA", 5000, 1001, 0, W, sopt, "SYN_RECV",    "ok",         60},  \
    {"handshake is done", 0, '>', "A",  1001, 5001, 0, W, "",   "ESTABLISHED", "ok assured", 432000}
#define OPEN OPEN_("", "")
#define CLOSE_                                                                                    \
    {"client closes",        0, '>', "FA", 1001, 5001, 0, W, "", "FIN_WAIT",   "closing", 120},    \
    {"server knows",         0, '<', "A",  5001, 1002, 0, W, "", "CLOSE_WAIT", "closing", 60},     \
    {"server closes",        0, '<', "FA", 5001, 1002, 0, W, "", "LAST_ACK",   "closing", 30}
#define LAST_                                                                                     \
    {"client knows",         0, '>', "A",  1002, 5002, 0, W, "", "TIME_WAIT",  "closing", 120}

static const struct talk tcp_talks[] = {
    {"a whole life", "", {
        OPEN,
        {"request: unacknowledged", 0, '>', "PA", 1001, 5001, 100, W, "", "ESTABLISHED", "ok", 300},
        {"acknowledged",            0, '<', "A",  5001, 1101, 0,   W, "", "ESTABLISHED", "ok", 432000},
        {"answer",                  0, '<', "PA", 5001, 1101, 500, W, "", "ESTABLISHED", "ok", 300},
        {"acknowledged",            0, '>', "A",  1101, 5501, 0,   W, "", "ESTABLISHED", "ok", 432000},
        {"client closes",           0, '>', "FA", 1101, 5501, 0,   W, "", "FIN_WAIT",   "closing", 120},
        {"server knows",            0, '<', "A",  5501, 1102, 0,   W, "", "CLOSE_WAIT", "closing", 60},
        {"half closed: more data",  0, '<', "PA", 5501, 1102, 10,  W, "", "CLOSE_WAIT", "closing", 60},
        {"server closes",           0, '<', "FA", 5511, 1102, 0,   W, "", "LAST_ACK",   "closing", 30},
        {"client knows",            0, '>', "A",  1102, 5512, 0,   W, "", "TIME_WAIT",  "closing", 120},
        {"FIN again: ACK was lost", 0, '<', "FA", 5511, 1102, 0,   W, "", "TIME_WAIT",  "closing", 120},
        {"last ACK again",          0, '>', "A",  1102, 5512, 0,   W, "", "TIME_WAIT",  "closing", 120},
        {"client starts again",     0, '>', "S",  90000, 0, 0,     W, "", "NONE", "reopen", 0},
    }},
    {"server closes first", "", {
        OPEN,
        {"server closes", 0, '<', "FA", 5001, 1001, 0, W, "", "FIN_WAIT",   "closing", 120},
        {"client knows",  0, '>', "A",  1001, 5002, 0, W, "", "CLOSE_WAIT", "closing", 60},
        {"client closes", 0, '>', "FA", 1001, 5002, 0, W, "", "LAST_ACK",   "closing", 30},
        {"server knows",  0, '<', "A",  5002, 1002, 0, W, "", "TIME_WAIT",  "closing", 120},
        {"server opens",  0, '<', "S",  9000, 0,    0, W, "", "NONE",       "reopen",  0},
    }},
    {"SYN-ACK opens nothing",  "", {{"", 0, '>', "SA", 1, 1, 0, W, "", "NONE", "TCP_NO_FLOW", 0}}},
    {"FIN opens nothing",      "", {{"", 0, '>', "FA", 1, 1, 0, W, "", "NONE", "TCP_NO_FLOW", 0}}},
    {"RST opens nothing",      "", {{"", 0, '>', "R",  1, 0, 0, W, "", "NONE", "TCP_NO_FLOW", 0}}},
    {"bare FIN is a probe",    "", {{"", 0, '>', "F",  1, 0, 0, W, "", "NONE", "TCP_FLAGS", 0}}},
    {"bare PSH is a probe",    "", {{"", 0, '>', "P",  1, 0, 0, W, "", "NONE", "TCP_FLAGS", 0}}},
    {"no flags are a probe",   "", {{"", 0, '>', "",   1, 0, 0, W, "", "NONE", "TCP_FLAGS", 0}}},
    {"impossible flags in a flow", "", {
        OPEN,
        {"SYN+FIN",     0, '>', "SF",  1001, 5001, 0, W, "", "ESTABLISHED", "TCP_FLAGS", 432000},
        {"SYN+RST",     0, '<', "SR",  5001, 1001, 0, W, "", "ESTABLISHED", "TCP_FLAGS", 432000},
        {"FIN+PSH+URG", 0, '>', "FPU", 1001, 5001, 0, W, "", "ESTABLISHED", "TCP_FLAGS", 432000},
    }},
    {"picked up in the middle", "", {
        {"first seen",  0, '>', "A",  1001, 5001, 0,   W, "", "ESTABLISHED", "ok", 300},
        {"first reply", 0, '<', "A",  5001, 1001, 0,   W, "", "ESTABLISHED", "ok", 300},
        {"then as any", 0, '>', "A",  1001, 5001, 0,   W, "", "ESTABLISHED", "ok assured", 432000},
        {"liberal",     0, '>', "A",  900001, 5001, 9, W, "", "ESTABLISHED", "ok", 432000},
        {"both sides",  0, '<', "A",  900001, 7777, 9, W, "", "ESTABLISHED", "ok", 432000},
    }},
    {"no pickup where loose is off", "tcp_loose=0", {
        {"", 0, '>', "A", 1001, 5001, 0, W, "", "NONE", "TCP_NO_FLOW", 0},
    }},
    {"SYN again does not refresh (tcp_unreplied)", "", {
        {"opens", 0,    '>', "S", 1000, 0, 0, W, "", "SYN_SENT", "ok",    120},
        {"again", 3000, '>', "S", 1000, 0, 0, W, "", "SYN_SENT", "ignore", 117},
        {"again", 3000, '>', "S", 1000, 0, 0, W, "", "SYN_SENT", "ignore", 114},
    }},
    {"an old SYN-ACK (synack_old)", "", {
        {"opens",           0, '>', "S",  1000, 0,    0, W, "", "SYN_SENT", "ok", 120},
        {"stale answer",    0, '<', "SA", 5000, 9999, 0, W, "", "SYN_SENT", "TCP_WINDOW+keep", 120},
        {"SYN again",       0, '>', "S",  1000, 0,    0, W, "", "SYN_SENT", "ignore", 120},
        {"the true answer", 0, '<', "SA", 6000, 1001, 0, W, "", "SYN_RECV", "ok", 60},
        {"done",            0, '>', "A",  1001, 6001, 0, W, "", "ESTABLISHED", "ok assured", 432000},
    }},
    {"an old SYN-ACK, and a refusal far from it", "", {
        {"opens",        0, '>', "S",  1000,    0,    0, W, "", "SYN_SENT", "ok", 120},
        {"stale answer", 0, '<', "SA", 1000000, 9999, 0, W, "", "SYN_SENT", "TCP_WINDOW+keep", 120},
        {"refused",      0, '<', "RA", 0,       1001, 0, 0, "", "NONE", "kill", 0},
    }},
    {"a SYN-ACK of 0 is no answer", "", {
        {"opens",  0, '>', "S",  3000000000, 0, 0, W, "", "SYN_SENT", "ok", 120},
        {"of 0",   0, '<', "SA", 5000, 0, 0, W, "", "SYN_SENT", "TCP_WINDOW+keep", 120},
    }},
    {"the window of a SYN-ACK is not scaled, nor when it comes again", "", {
        {"opens",   0, '>', "S",  1000, 0,    0, W, "ws7", "SYN_SENT", "ok", 120},
        {"answers", 0, '<', "SA", 5000, 1001, 0, W, "ws7", "SYN_RECV", "ok", 60},
        {"SYN again", 0, '>', "S",  1000, 0,  0, W, "ws7", "SYN_RECV", "ignore", 60},
        {"again",   0, '<', "SA", 5000, 1001, 0, W, "ws7", "SYN_RECV", "ok", 60},
        {"done",    0, '>', "A",  1001, 5001, 0, W, "",    "ESTABLISHED", "ok assured", 432000},
        {"too much", 0, '>', "PA", 11002, 5001, 100, W, "", "ESTABLISHED", "ignore", 432000},
    }},
    {"RST at 0 before the handshake is done", "", {
        {"opens",   0, '>', "S",  10,   0,  0, W, "", "SYN_SENT", "ok", 120},
        {"answers", 0, '<', "SA", 5000, 11, 0, W, "", "SYN_RECV", "ok", 60},
        {"at 1",    0, '>', "R",  1,    0,  0, 0, "", "SYN_RECV", "TCP_RST", 60},
        {"at 0",    0, '>', "R",  0,    0,  0, 0, "", "CLOSE", "closing", 10},
    }},
    {"a new connection has its own offers", "", {
        OPEN_("ws7 sackok", "ws7 sackok"),
        {"another SYN",  0, '>', "S",  70000, 0,     0, W, "", "ESTABLISHED", "ignore", 432000},
        {"answered",     0, '<', "SA", 90000, 70001, 0, W, "ws7 sackok", "SYN_RECV", "ok", 60},
        {"done",         0, '>', "A",  70001, 90001, 0, W, "", "ESTABLISHED", "ok", 432000},
        {"server's window", 0, '<', "A", 90001, 70001, 0, W, "", "ESTABLISHED", "ok", 432000},
        {"not scaled",   0, '>', "PA", 80002, 90001, 100, W, "", "ESTABLISHED", "ignore", 432000},
        {"nor free",     0, '<', "PA", 900001, 70001, 100, W, "", "ESTABLISHED", "TCP_WINDOW", 432000},
    }},
    {"a later SYN counts before the handshake is done", "", {
        {"opens",             0, '>', "S",  1000, 0,    0, W, "", "SYN_SENT", "ok",    120},
        {"with a higher ISN", 0, '>', "S",  3000, 0,    0, W, "", "SYN_SENT", "ignore", 120},
        {"answered",          0, '<', "SA", 5000, 3001, 0, W, "", "SYN_RECV", "ok",    60},
    }},
    {"a later SYN does not count in a simultaneous open", "", {
        {"client opens",      0, '>', "S",  1000,  0,    0, W, "", "SYN_SENT",  "ok", 120},
        {"server opens",      0, '<', "S",  5000,  0,    0, W, "", "SYN_SENT2", "ignore", 120},
        {"with a higher ISN", 0, '>', "S",  60000, 0,    0, W, "", "SYN_SENT2", "TCP_WINDOW", 120},
        {"client answers",    0, '>', "SA", 1000,  5001, 0, W, "", "SYN_RECV",  "ok", 60},
    }},
    {"SYN with data (RFC 7413)", "", {
        {"opens with data", 0, '>', "S",  1000, 0,    50, W, "", "SYN_SENT", "ok", 120},
        {"all of it known", 0, '<', "SA", 5000, 1051, 0,  W, "", "SYN_RECV", "ok", 60},
        {"done",            0, '>', "A",  1051, 5001, 0,  W, "", "ESTABLISHED", "ok assured", 432000},
    }},
    {"refused by the server", "", {
        {"opens",  0, '>', "S",  1000, 0,    0, W, "", "SYN_SENT", "ok", 120},
        {"closed", 0, '<', "RA", 0,    1001, 0, 0, "", "NONE", "kill", 0},
    }},
    {"taken back by the client", "", {
        {"opens", 0, '>', "S", 1000, 0, 0, W, "", "SYN_SENT", "ok", 120},
        {"never mind", 0, '>', "R", 1001, 0, 0, 0, "", "NONE", "kill", 0},
    }},
    {"strangers' RSTs (RFC 5961 3, rst_invalid)", "", {
        OPEN,
        {"at 0",                0, '<', "R",  0,       0, 0, 0, "", "ESTABLISHED", "TCP_RST", 432000},
        {"far ahead",           0, '<', "R",  1000000, 0, 0, 0, "", "ESTABLISHED", "TCP_RST+keep", 432000},
        {"at 42",               0, '<', "R",  42,      0, 0, 0, "", "ESTABLISHED", "TCP_RST", 432000},
        {"one below",           0, '<', "RA", 5000, 1001, 0, 0, "", "ESTABLISHED", "TCP_RST", 432000},
        {"in window, inexact",  0, '<', "R",  5002,    0, 0, 0, "", "ESTABLISHED", "ok", 10},
        {"the flow lives on",   0, '>', "A",  1001, 5001, 0, W, "", "ESTABLISHED", "ok", 300},
        {"exact",               0, '<', "R",  5001,    0, 0, 0, "", "CLOSE", "closing", 10},
        {"and again, anywhere", 0, '<', "R",  1,       0, 0, 0, "", "CLOSE", "closing", 10},
    }},
    {"strangers' RSTs that change nothing", "tcp_inexact_rst=0", {
        OPEN,
        {"in window, inexact",  9000, '<', "R",  5002,    0, 0, 0, "", "ESTABLISHED", "ignore", 431991},
        {"at its end",          0, '<', "R",  15000,   0, 0, 0, "", "ESTABLISHED", "ignore", 431991},
        {"far ahead",           0, '<', "R",  1000000, 0, 0, 0, "", "ESTABLISHED", "TCP_RST+keep", 431991},
        {"at 42",               0, '<', "R",  42,      0, 0, 0, "", "ESTABLISHED", "TCP_RST", 431991},
        {"the flow lives on",   0, '>', "A",  1001, 5001, 0, W, "", "ESTABLISHED", "ok", 432000},
        {"exact",               0, '<', "R",  5001,    0, 0, 0, "", "CLOSE", "closing", 10},
    }},
    {"a stranger's SYN excuses no RST of his", "tcp_inexact_rst=0", {
        OPEN,
        {"SYN",                0, '>', "S",  700,  0,    0, W, "", "ESTABLISHED", "ignore", 432000},
        {"in window, inexact", 0, '>', "R",  1002, 0,    0, 0, "", "ESTABLISHED", "ignore", 432000},
        {"any number",         0, '>', "R",  9,    0,    0, 0, "", "ESTABLISHED", "TCP_RST", 432000},
        {"the flow lives on",  0, '<', "A",  5001, 1001, 0, W, "", "ESTABLISHED", "ok", 432000},
        {"exact",              0, '>', "R",  1001, 0,    0, 0, "", "CLOSE", "closing", 10},
    }},
    {"a RST that answers the other side's SYN", "tcp_inexact_rst=0", {
        OPEN,
        {"opens once more",  0, '>', "S",  70000, 0,     0, W, "", "ESTABLISHED", "ignore", 432000},
        {"refused",          0, '<', "RA", 0,     70001, 0, 0, "", "CLOSE", "closing", 10},
    }},
    {"a half-open flow and strangers' RSTs", "tcp_inexact_rst=0", {
        {"opens",           0, '>', "S",  1000, 0,    0, W, "", "SYN_SENT", "ok", 120},
        {"no ACK",          0, '<', "R",  7777, 0,    0, 0, "", "SYN_SENT", "ignore", 120},
        {"no ACK, at 0",    0, '<', "R",  0,    0,    0, 0, "", "SYN_SENT", "ignore", 120},
        {"no ACK, its number all the same", 0, '<', "R", 0, 1001, 0, 0, "", "SYN_SENT", "ignore", 120},
        {"ACK of 0",        0, '<', "RA", 0,    0,    0, 0, "", "SYN_SENT", "ignore", 120},
        {"ACK one below",   0, '<', "RA", 0,    1000, 0, 0, "", "SYN_SENT", "ignore", 120},
        {"ACK one above",   0, '<', "RA", 0,    1002, 0, 0, "", "SYN_SENT", "ignore", 120},
        {"the true answer", 0, '<', "SA", 5000, 1001, 0, W, "", "SYN_RECV", "ok", 60},
    }},
    {"refused by the server, where guesses do not count", "tcp_inexact_rst=0", {
        {"opens with data", 0, '>', "S",  1000, 0,    50, W, "", "SYN_SENT", "ok", 120},
        {"closed",          0, '<', "RA", 0,    1051, 0,  0, "", "NONE", "kill", 0},
    }},
    {"taken back by the client, where guesses do not count", "tcp_inexact_rst=0", {
        {"opens",      0, '>', "S", 1000, 0, 0, W, "", "SYN_SENT", "ok", 120},
        {"never mind", 0, '>', "R", 1001, 0, 0, 0, "", "NONE", "kill", 0},
    }},
    {"RST whose ACK is set, and 0", "", {
        {"client opens",      0, '>', "S",  3000000000, 0,          0, W, "", "SYN_SENT",    "ok",         120},
        {"server answers",    0, '<', "SA", 5000,       3000000001, 0, W, "", "SYN_RECV",    "ok",         60},
        {"handshake is done", 0, '>', "A",  3000000001, 5001,       0, W, "", "ESTABLISHED", "ok assured", 432000},
        {"aborts",            0, '<', "RA", 5001,       0,          0, 0, "", "CLOSE",       "closing",    10},
    }},
    {"RST right behind its own data", "", {
        OPEN,
        {"data",   0, '<', "PA", 5001, 1001, 19, W, "", "ESTABLISHED", "ok", 300},
        {"aborts", 0, '<', "R",  5020, 0,    0,  0, "", "CLOSE", "closing", 10},
    }},
    {"RST below the last ACK, where that is allowed", "tcp_ignore_invalid_rst=1", {
        OPEN,
        {"data",    0, '<', "PA", 5001, 1001, 100, W, "", "ESTABLISHED", "ok", 300},
        {"known",   0, '>', "A",  1001, 5101, 0,   W, "", "ESTABLISHED", "ok", 432000},
        {"too low", 0, '<', "R",  5001, 0,    0,   0, "", "ESTABLISHED", "ok", 10},
    }},
    {"RST while closing: any number", "", {
        OPEN, CLOSE_,
        {"abort", 0, '<', "R", 123456789, 0, 0, 0, "", "CLOSE", "closing", 10},
    }},
    {"RST before the flow is assured", "", {
        {"opens",   0, '>', "S",  1000, 0,    0, W, "", "SYN_SENT", "ok", 120},
        {"answer",  0, '<', "SA", 5000, 1001, 0, W, "", "SYN_RECV", "ok", 60},
        {"refused", 0, '>', "R",  1001, 0,    0, 0, "", "CLOSE", "closing", 10},
    }},
    {"beyond the window", "", {
        OPEN,
        {"seq 1 GiB ahead",   0, '<', "A",  5001 + (1u << 30), 1001, 10, W, "", "ESTABLISHED", "TCP_WINDOW", 432000},
        {"the last allowed",  0, '<', "A",  15001, 1001, 0,   W, "", "ESTABLISHED", "ok", 300},
        {"a little too much", 0, '<', "PA", 15002, 1001, 100, W, "", "ESTABLISHED", "ignore", 300},
        {"yet acknowledged",  0, '>', "A",  1001, 15102, 0,   W, "", "ESTABLISHED", "ok", 432000},
        {"ACK of the unsent", 0, '>', "A",  1001, 15103, 0,   W, "", "ESTABLISHED", "TCP_WINDOW", 432000},
    }},
    {"beyond the window by one too many", "", {
        OPEN,
        {"as much as there can be",  0, '>', "PA", 11002, 5001, 9998, W, "", "ESTABLISHED", "ignore",     432000},
    }},
    {"beyond the window by more than there can be", "", {
        OPEN,
        {"one too many",             0, '>', "PA", 11002, 5001, 9999, W, "", "ESTABLISHED", "TCP_WINDOW", 432000},
    }},
    {"a window that was passed was larger", "", {
        OPEN,
        {"begins in the window",     0, '>', "PA", 11001, 5001, 9000, W, "", "ESTABLISHED", "ok", 300},
        {"the first bytes again",    0, '>', "PA", 1001,  5001, 100,  W, "", "ESTABLISHED", "ok", 300},
    }},
    {"a SACK says that the window is larger", "", {
        OPEN_("sackok", "sackok"),
        {"a window",                 0, '>', "PA", 1001,  5001, 10000, W, "", "ESTABLISHED", "ok", 300},
        {"its end has come",         0, '<', "A",  5001,  1001, 0,     W, "sack:10001-11001", "ESTABLISHED", "ok", 300},
        {"the next",                 0, '>', "PA", 11001, 5001, 10000, W, "", "ESTABLISHED", "ok", 300},
        {"the first bytes again",    0, '>', "PA", 1001,  5001, 500,   W, "", "ESTABLISHED", "ok", 300},
    }},
    {"a shut window has one byte, wherever the probe begins", "", {
        OPEN,
        {"client fills the window",  0, '>', "PA", 1001,  5001,  10000, W, "", "ESTABLISHED", "ok", 300},
        {"server shuts it",          0, '<', "A",  5001,  11001, 0,     0, "", "ESTABLISHED", "ok", 300},
        {"behind the probe",         0, '>', "A",  11002, 5001,  1,     W, "", "ESTABLISHED", "ok", 300},
    }},
    {"a late ACK takes back no other", "", {
        OPEN,
        {"answer",                   0, '<', "PA", 5001, 1001, 500, W, "", "ESTABLISHED", "ok", 300},
        {"acknowledged",             0, '>', "A",  1001, 5501, 0,   W, "", "ESTABLISHED", "ok", 432000},
        {"one of before, late",      0, '>', "A",  1001, 5001, 0,   W, "", "ESTABLISHED", "ok", 432000},
        {"a RST of before",          0, '<', "R",  5001, 0,    0,   0, "", "ESTABLISHED", "TCP_RST", 432000},
    }},
    {"below the window (ack_loss_stall)", "", {
        OPEN,
        {"data",                 0, '>', "PA", 1001,  5001,  9000, W, "", "ESTABLISHED", "ok", 300},
        {"known",                0, '<', "A",  5001,  10001, 0,    W, "", "ESTABLISHED", "ok", 432000},
        {"more",                 0, '>', "PA", 10001, 5001,  9000, W, "", "ESTABLISHED", "ok", 300},
        {"known",                0, '<', "A",  5001,  19001, 0,    W, "", "ESTABLISHED", "ok", 432000},
        {"sent again in window", 0, '>', "PA", 10001, 5001,  9000, W, "", "ESTABLISHED", "ok", 432000},
        {"sent again, long past", 0, '>', "PA", 1001, 5001,  1000, W, "", "ESTABLISHED", "ignore", 432000},
    }},
    {"an ACK that is long past", "", {
        OPEN_("ws4 sackok", "ws4 sackok"),
        {"window of 160000", 0, '<', "A", 5001, 1001, 0, W, "", "ESTABLISHED", "ok", 432000},
        {"60000 bytes", 0, '>', "A", 1001,   5001, 60000, W, "", "ESTABLISHED", "ok", 300},
        {"60000 bytes", 0, '>', "A", 61001,  5001, 60000, W, "", "ESTABLISHED", "ok", 300},
        {"known",       0, '<', "A", 5001, 121001, 0,     W, "", "ESTABLISHED", "ok", 432000},
        {"60000 bytes", 0, '>', "A", 121001, 5001, 60000, W, "", "ESTABLISHED", "ok", 300},
        {"known",       0, '<', "A", 5001, 181001, 0,     W, "", "ESTABLISHED", "ok", 432000},
        {"old ACK within a window", 0, '<', "A", 5001, 21001, 0, W, "", "ESTABLISHED", "ok", 432000},
        {"one too old", 0, '<', "A", 5001, 21000, 0, W, "", "ESTABLISHED", "ignore", 432000},
    }},
    {"liberal by switch", "tcp_be_liberal=1", {
        OPEN,
        {"seq far ahead",    0, '<', "A", 900001, 1001, 10, W, "", "ESTABLISHED", "ok", 432000},
        {"ack of the unsent", 0, '>', "A", 1001, 900000, 0, W, "", "ESTABLISHED", "ok", 432000},
        {"RST below the last ACK is still refused", 0, '<', "R", 5000, 0, 0, 0, "", "ESTABLISHED", "TCP_RST", 432000},
    }},
    {"windows are scaled when both say so", "", {
        OPEN_("ws7", "ws2"),
        {"server's window, times 4", 0, '<', "A", 5001, 1001, 0, W, "", "ESTABLISHED", "ok", 432000},
        {"seq at its edge",    0, '>', "A", 41001, 5001, 0, W, "", "ESTABLISHED", "ok", 300},
        {"seq behind its edge", 0, '>', "A", 82002, 5001, 60000, W, "", "ESTABLISHED", "TCP_WINDOW", 300},
        {"client's, times 128", 0, '<', "A", 1285001, 1001, 0, W, "", "ESTABLISHED", "ok", 300},
    }},
    {"one side's scale is none", "", {
        OPEN_("ws7", ""),
        {"client's window is what it says", 0, '<', "A", 25002, 1001, 0, W, "", "ESTABLISHED", "TCP_WINDOW", 432000},
    }},
    {"a later SYN without options leaves what the first one offered", "", {
        {"client opens",      0, '>', "S",  1000, 0,    0, W, "ws7", "SYN_SENT",    "ok",         120},
        {"once more, bare",   0, '>', "S",  2000, 0,    0, W, "",    "SYN_SENT",    "ignore",     120},
        {"server answers",    0, '<', "SA", 5000, 2001, 0, W, "ws2", "SYN_RECV",    "ok",         60},
        {"handshake is done", 0, '>', "A",  2001, 5001, 0, W, "",    "ESTABLISHED", "ok assured", 432000},
        {"client's, times 128", 0, '<', "A", 1285001, 2001, 0, W, "", "ESTABLISHED", "ok", 300},
    }},
    {"nor the other side's", "", {
        OPEN_("", "ws7"),
        {"server's window is what it says", 0, '<', "A", 5001, 1001, 0, W, "", "ESTABLISHED", "ok", 432000},
        {"behind it", 0, '>', "A", 25002, 5001, 0, W, "", "ESTABLISHED", "TCP_WINDOW", 432000},
    }},
    {"a scale above 14 is 14, and malformed ones are none", "", {
        OPEN_("ws255", "ws14"),
        {"2^14 windows of 10000", 0, '<', "A", 163845001, 1001, 0, W, "", "ESTABLISHED", "ok", 300},
        {"not 2^15",   0, '<', "A", 327690001, 1001, 10, W, "", "ESTABLISHED", "TCP_WINDOW", 300},
    }},
    {"malformed options are as if absent", "", {
        OPEN_("raw:03000101", "ws7"),
        {"not scaled", 0, '>', "A", 25002, 5001, 0, W, "", "ESTABLISHED", "TCP_WINDOW", 432000},
    }},
    {"a malformed SACK is as if absent", "", {
        OPEN_("sackok", "sackok"),
        {"zero length",  0, '>', "A", 1001, 5001, 0, W, "raw:05000101", "ESTABLISHED", "ok", 432000},
        {"past the end", 0, '>', "A", 1001, 5001, 0, W, "raw:050a0101", "ESTABLISHED", "ok", 432000},
        {"half a block", 0, '>', "A", 1001, 5001, 0, 9999, "raw:0506ffffffff0101", "ESTABLISHED", "ok", 432000},
    }},
    {"SACK edges are acknowledgements", "", {
        OPEN_("sackok", "sackok"),
        {"data",             0, '<', "A", 5001, 1001, 3000, W, "", "ESTABLISHED", "ok", 300},
        {"hole, then block", 0, '>', "A", 1001, 5001, 0, W, "sack:6001-8001", "ESTABLISHED", "ok", 300},
        {"block of the unsent", 0, '>', "A", 1001, 5001, 0, W, "sack:8001-9001", "ESTABLISHED", "TCP_WINDOW", 300},
        {"behind a timestamp", 0, '>', "A", 1001, 5001, 0, W, "ts sack:8001-9001", "ESTABLISHED", "TCP_WINDOW", 300},
        {"timestamp only",   0, '>', "A", 1001, 8001, 0, W, "ts", "ESTABLISHED", "ok", 432000},
    }},
    {"SACK not agreed on is not read", "", {
        OPEN_("sackok", ""),
        {"block of the unsent", 0, '>', "A", 1001, 5001, 0, W, "sack:8001-9001", "ESTABLISHED", "ok", 432000},
    }},
    {"numbers wrap", "", {
        {"opens",   0, '>', "S",  0xffffff00, 0,          0, W, "", "SYN_SENT", "ok", 120},
        {"answers", 0, '<', "SA", 0xfffffffe, 0xffffff01, 0, W, "", "SYN_RECV", "ok", 60},
        {"done",    0, '>', "A",  0xffffff01, 0xffffffff, 0, W, "", "ESTABLISHED", "ok assured", 432000},
        {"over 0",  0, '>', "A",  0xffffff01, 0xffffffff, 1000, W, "", "ESTABLISHED", "ok", 300},
        {"known",   0, '<', "A",  0xffffffff, 0x2e9,      0, W, "", "ESTABLISHED", "ok", 432000},
        {"over 0",  0, '<', "A",  0xffffffff, 0x2e9,      10, W, "", "ESTABLISHED", "ok", 300},
        {"known",   0, '>', "A",  0x2e9,      9,          0, W, "", "ESTABLISHED", "ok", 432000},
        {"far",     0, '>', "A",  0x80000000, 9,          0, W, "", "ESTABLISHED", "TCP_WINDOW", 432000},
    }},
    {"window shut, probed, kept alive", "", {
        OPEN,
        {"data",            0, '>', "A", 1001, 5001, 100, W, "", "ESTABLISHED", "ok", 300},
        {"known, and shut", 0, '<', "A", 5001, 1101, 0, 0,   "", "ESTABLISHED", "ok", 300},
        {"probe",           0, '>', "A", 1101, 5001, 1, W,   "", "ESTABLISHED", "ok", 300},
        {"not yet",         0, '<', "A", 5001, 1101, 0, 0,   "", "ESTABLISHED", "ok", 300},
        {"open",            0, '<', "A", 5001, 1102, 0, W,   "", "ESTABLISHED", "ok", 432000},
        {"keep-alive: one below", 0, '>', "A", 1101, 5001, 0, W, "", "ESTABLISHED", "ok", 432000},
        {"answered",        0, '<', "A", 5001, 1102, 0, W, "", "ESTABLISHED", "ok", 432000},
    }},
    {"the same ACK four times", "", {
        OPEN,
        {"first",     0, '<', "A", 5001, 1001, 0, W, "", "ESTABLISHED", "ok", 432000},
        {"second",    0, '<', "A", 5001, 1001, 0, W, "", "ESTABLISHED", "ok", 432000},
        {"third",     0, '<', "A", 5001, 1001, 0, W, "", "ESTABLISHED", "ok", 432000},
        {"fourth",    0, '<', "A", 5001, 1001, 0, W, "", "ESTABLISHED", "ok", 300},
        {"another",   0, '>', "A", 1001, 5001, 0, W, "", "ESTABLISHED", "ok", 432000},
    }},
    {"part of the data acknowledged", "", {
        OPEN,
        {"data",    0, '>', "A", 1001, 5001, 100, W, "", "ESTABLISHED", "ok", 300},
        {"half",    0, '<', "A", 5001, 1051, 0,   W, "", "ESTABLISHED", "ok", 300},
        {"the rest", 0, '<', "A", 5001, 1101, 0,  W, "", "ESTABLISHED", "ok", 432000},
    }},
    {"reopened after the client's own RST", "", {
        OPEN,
        {"aborts", 0, '>', "R", 1001, 0, 0, 0, "", "CLOSE", "closing", 10},
        {"a SYN",  0, '>', "S", 7000, 0, 0, W, "", "NONE", "reopen", 0},
    }},
    {"after the server's RST the old mapping serves on", "", {
        OPEN,
        {"server aborts", 0, '<', "R",  5001, 0,     0, 0, "", "CLOSE", "closing", 10},
        {"another SYN",   0, '>', "S",  70000, 0,    0, W, "", "CLOSE", "ignore", 10},
        {"answered",      0, '<', "SA", 90000, 70001, 0, W, "", "SYN_RECV", "ok", 60},
        {"done",          0, '>', "A",  70001, 90001, 0, W, "", "ESTABLISHED", "ok", 432000},
    }},
    {"SYN on a living flow, challenged (syn_challenge_ack)", "", {
        OPEN,
        {"another SYN",   0, '>', "S", 70000, 0,    0, W, "", "ESTABLISHED", "ignore", 432000},
        {"challenge ACK", 0, '<', "A", 5001,  1001, 0, W, "", "ESTABLISHED", "ok", 432000},
        {"its RST",       0, '>', "R", 1001,  0,    0, 0, "", "CLOSE", "closing", 10},
        {"SYN again",     0, '>', "S", 70000, 0,    0, W, "", "NONE", "reopen", 0},
    }},
    {"SYN on a living flow, accepted (synack_reuse)", "", {
        OPEN,
        {"another SYN", 0, '>', "S",  70000, 0,     0, W, "ws7 sackok", "ESTABLISHED", "ignore", 432000},
        {"other answer", 0, '<', "SA", 5000, 1001,  0, W, "", "ESTABLISHED", "ignore", 432000},
        {"another SYN", 0, '>', "S",  70000, 0,     0, W, "ws7 sackok", "ESTABLISHED", "ignore", 432000},
        {"answered",    0, '<', "SA", 90000, 70001, 0, W, "ws7 sackok", "SYN_RECV", "ok", 60},
        {"done",        0, '>', "A",  70001, 90001, 0, W, "", "ESTABLISHED", "ok", 432000},
        {"scaled",      0, '<', "A",  90001, 70001, 0, W, "", "ESTABLISHED", "ok", 432000},
        {"scaled",      0, '>', "A",  1350001, 90001, 0, W, "", "ESTABLISHED", "ok", 300},
    }},
    {"challenge in LAST_ACK is not the last ACK", "", {
        OPEN, CLOSE_,
        {"another SYN",   0, '>', "S", 70000, 0,    0, W, "", "LAST_ACK", "ignore", 30},
        {"challenge ACK", 0, '<', "A", 5002,  1002, 0, W, "", "LAST_ACK", "ignore", 30},
        {"the last ACK",  0, '>', "A", 1002,  5002, 0, W, "", "TIME_WAIT", "closing", 120},
    }},
    {"SYN in FIN_WAIT", "", {
        OPEN,
        {"client closes", 0, '>', "FA", 1001, 5001, 0, W, "", "FIN_WAIT", "closing", 120},
        {"another SYN",   2000, '>', "S", 70000, 0, 0, W, "", "FIN_WAIT", "ignore", 118},
        {"answered",      0, '<', "SA", 90000, 70001, 0, W, "", "SYN_RECV", "ok", 60},
    }},
    {"SYN from the server", "", {
        OPEN,
        {"in a living flow", 0, '<', "S", 5000, 0, 0, W, "", "ESTABLISHED", "TCP_STATE", 432000},
        {"server aborts", 0, '<', "R",  5001, 0,     0, 0, "", "CLOSE", "closing", 10},
        {"in a dead one", 0, '<', "S", 5000, 0, 0, W, "", "CLOSE", "TCP_STATE", 10},
    }},
    {"simultaneous open (RFC 5382 REQ-2)", "", {
        {"client opens",   0, '>', "S",  1000, 0,    0, W, "", "SYN_SENT",    "ok",    120},
        {"server opens",   0, '<', "S",  5000, 0,    0, W, "", "SYN_SENT2",   "ignore", 120},
        {"client answers", 0, '>', "SA", 1000, 5001, 0, W, "", "SYN_RECV",    "ok",    60},
        {"server answers", 0, '<', "SA", 5000, 1001, 0, W, "", "SYN_RECV",    "ignore", 60},
        {"and goes on",    0, '<', "A",  5001, 1001, 0, W, "", "ESTABLISHED", "ok assured", 432000},
    }},
    {"simultaneous open, the client goes on", "", {
        {"client opens",   0, '>', "S",  1000, 0,    0, W, "", "SYN_SENT",    "ok",    120},
        {"server opens",   0, '<', "S",  5000, 0,    0, W, "", "SYN_SENT2",   "ignore", 120},
        {"server again",   0, '<', "S",  5000, 0,    0, W, "", "SYN_SENT2",   "ok",    120},
        {"client again",   0, '>', "S",  1000, 0,    0, W, "", "SYN_SENT2",   "ok",    120},
        {"server answers", 0, '<', "SA", 5000, 1001, 0, W, "", "SYN_RECV",    "ok",    60},
        {"client answers", 0, '>', "SA", 1000, 5001, 0, W, "", "SYN_RECV",    "ok",    60},
        {"and goes on",    0, '>', "A",  1001, 5001, 0, W, "", "ESTABLISHED", "ok assured", 432000},
    }},
    {"challenge ACK answers a SYN", "", {
        {"client opens",  0, '>', "S", 1000,  0,     0, W, "", "SYN_SENT", "ok", 120},
        {"challenge ACK", 0, '<', "A", 50000, 70000, 0, W, "", "SYN_SENT", "ignore", 120},
        {"its RST",       0, '>', "R", 70000, 0,     0, 0, "", "CLOSE", "closing", 10},
        {"SYN again",     0, '>', "S", 1000,  0,     0, W, "", "NONE", "reopen", 0},
    }},
    {"RST that answers an ignored SYN", "", {
        OPEN,
        {"another SYN",          0, '>', "S",  70000, 0,     0, W, "", "ESTABLISHED", "ignore", 432000},
        {"not from its sender",  0, '>', "R",  3000000000, 70001, 0, W, "", "ESTABLISHED", "ignore", 432000},
        {"server has none of it", 0, '<', "RA", 0,    70001, 0, W, "", "CLOSE", "closing", 10},
    }},
    {"RST by its own ACK before the flow is assured", "", {
        {"client opens",   0, '>', "S",  1000,   0,    0, W, "", "SYN_SENT", "ok", 120},
        {"server answers", 0, '<', "SA", 5000,   1001, 0, W, "", "SYN_RECV", "ok", 60},
        {"SYN again",      0, '>', "S",  1000,   0,    0, W, "", "SYN_RECV", "ignore", 60},
        {"not its sender", 0, '>', "R",  900000, 1001, 0, W, "", "SYN_RECV", "TCP_RST", 60},
        {"server's ACK",   0, '<', "A",  5001,   1001, 0, W, "", "SYN_RECV", "ok", 60},
        {"server's RST",   0, '<', "R",  900000, 5001, 0, W, "", "CLOSE", "closing", 10},
    }},
    {"RST in a simultaneous open", "", {
        {"client opens",    0, '>', "S", 1000,   0,  0, W, "", "SYN_SENT",  "ok",     120},
        {"server opens",    0, '<', "S", 5000,   0,  0, W, "", "SYN_SENT2", "ignore", 120},
        {"server, far",     0, '<', "R", 900000, 0,  0, W, "", "SYN_SENT2", "TCP_RST", 120},
        {"client, far",     0, '>', "R", 900000, 77, 0, W, "", "SYN_SENT2", "TCP_RST", 120},
        {"server, exact",   0, '<', "R", 5001,   0,  0, W, "", "CLOSE", "closing", 10},
    }},
    {"SYN-ACK again in a living flow", "", {
        OPEN,
        {"SYN-ACK again", 5000, '<', "SA", 5000, 1001, 0, W, "", "ESTABLISHED", "ignore", 431995},
        {"ACK again",     0,    '>', "A",  1001, 5001, 0, W, "", "ESTABLISHED", "ok", 432000},
    }},
    {"FIN instead of the handshake's ACK", "", {
        {"opens",   0, '>', "S",  1000, 0,    0, W, "", "SYN_SENT", "ok", 120},
        {"answers", 0, '<', "SA", 5000, 1001, 0, W, "", "SYN_RECV", "ok", 60},
        {"SYN again", 0, '>', "S", 1000, 0,   0, W, "", "SYN_RECV", "ignore", 60},
        {"SYN-ACK again", 1000, '<', "SA", 5000, 1001, 0, W, "", "SYN_RECV", "ok", 60},
        {"closes",  0, '>', "FA", 1001, 5001, 0, W, "", "FIN_WAIT", "closing", 120},
    }},
    {"what SYN_SENT forbids", "", {
        {"opens",           0, '>', "S",  1000, 0,    0, W, "", "SYN_SENT", "ok", 120},
        {"client's ACK",    0, '>', "A",  1001, 5001, 0, W, "", "SYN_SENT", "TCP_STATE", 120},
        {"client's FIN",    0, '>', "FA", 1001, 5001, 0, W, "", "SYN_SENT", "TCP_STATE", 120},
        {"client's SYN-ACK", 0, '>', "SA", 1000, 5001, 0, W, "", "SYN_SENT", "TCP_STATE", 120},
        {"server's FIN",    0, '<', "FA", 5001, 1001, 0, W, "", "SYN_SENT", "TCP_STATE", 120},
    }},
    {"FINs out of the window from both sides", "", {
        OPEN,
        {"first",  0, '>', "FA", 900001, 5001, 0, W, "", "ESTABLISHED", "TCP_WINDOW+keep",  432000},
        {"again",  0, '>', "FA", 900001, 5001, 0, W, "", "ESTABLISHED", "TCP_WINDOW+keep",  432000},
        {"second", 0, '<', "R",  900001, 0,    0, W, "", "ESTABLISHED", "TCP_RST+lower",    300},
        {"data heals it", 0, '>', "A", 1001, 5001, 0, W, "", "ESTABLISHED", "ok", 432000},
    }},
    {"FINs out of the window when little time is left", "tcp_established=110 tcp_unacknowledged=60", {
        {"client opens",      0, '>', "S",  1000, 0,    0, W, "", "SYN_SENT",    "ok",         120},
        {"server answers",    0, '<', "SA", 5000, 1001, 0, W, "", "SYN_RECV",    "ok",         60},
        {"handshake is done", 0, '>', "A",  1001, 5001, 0, W, "", "ESTABLISHED", "ok assured", 110},
        {"first",  0, '>', "FA", 900001, 5001, 0, W, "", "ESTABLISHED", "TCP_WINDOW+keep", 110},
        {"second", 0, '<', "FA", 900001, 1001, 0, W, "", "ESTABLISHED", "TCP_WINDOW", 110},
    }},
    {"both close at once", "", {
        OPEN,
        {"client closes", 0, '>', "FA", 1001, 5001, 0, W, "", "FIN_WAIT",  "closing", 120},
        {"server closes", 0, '<', "FA", 5001, 1001, 0, W, "", "LAST_ACK",  "closing", 30},
        {"client knows",  0, '>', "A",  1002, 5002, 0, W, "", "TIME_WAIT", "closing", 120},
        {"server knows",  0, '<', "A",  5002, 1002, 0, W, "", "TIME_WAIT", "closing", 120},
    }},
    {"reopened from TIME_WAIT, larger number", "", {
        OPEN, CLOSE_, LAST_,
        {"another SYN", 1000, '>', "S", 70000, 0, 0, W, "", "NONE", "reopen", 0},
    }},
};
/* clang-format on */
#undef W
#undef OPEN
#undef OPEN_
#undef CLOSE_
#undef LAST_

#endif
