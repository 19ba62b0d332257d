/* script_sctp.c - SCTP: its table of states cell by cell, and stories
 *
 * A state's prologue, and then one chunk of each kind from each side under the
 * tag that its sender would use.  What comes of it is netfilter's table. */
#include "script.h"

#include <stdio.h>
#include <string.h>

#define C "10.0.1.2:5000"
#define S "198.51.100.2:99"
#define W "198.51.100.1:5000"

#define INIT       "+ " C " > " S " sctp INIT vtag 0 itag 9\n"
#define INIT_ACK   "+ " S " > " W " sctp INIT_ACK vtag 9 itag 7\n"
#define ECHO       "+ " C " > " S " sctp COOKIE_ECHO vtag 7\n"
#define COOKIE_ACK "+ " S " > " W " sctp COOKIE_ACK vtag 9\n"
#define OPEN       INIT INIT_ACK ECHO COOKIE_ACK
#define DOWN       "+ " C " > " S " sctp SHUTDOWN vtag 7\n"
#define DOWN_BACK  "+ " S " > " W " sctp SHUTDOWN vtag 9\n"
#define DOWN_ACK   "+ " S " > " W " sctp SHUTDOWN_ACK vtag 9\n"
#define BEAT       "+ " C " > " S " sctp HEARTBEAT vtag 7\n"

static const struct script_setup times = {
    pair_masquerade,
    "",
    "sctp_closed 21; sctp_cookie_wait 22; sctp_cookie_echoed 23; "
    "sctp_established 24; sctp_shutdown_sent 25; sctp_shutdown_recd 26; "
    "sctp_shutdown_ack_sent 27; sctp_heartbeat_sent 28",
    0,
    0,
    false};

static const struct script rows[] = {
    {.name = "sctp.life",
     .steps = INIT "= 10 CLOSED UNREPLIED\n* NEW\n" INIT_ACK
                   "= 3 COOKIE_WAIT REPLIED\n* UPDATE\n" ECHO
                   "= 3 COOKIE_ECHOED\n* UPDATE\n" COOKIE_ACK
                   "= 210 ESTABLISHED ASSURED\n* UPDATE\n"
                   "+ " C " > " S " sctp DATA+DATA vtag 7 len 1000\n* \n" DOWN
                   "= 3 SHUTDOWN_SENT\n* UPDATE\n" DOWN_ACK
                   "= 3 SHUTDOWN_ACK_SENT\n* UPDATE\n"
                   "+ " C " > " S " sctp SHUTDOWN_COMPLETE vtag 7\n"
                   "= 10 CLOSED ASSURED\n* UPDATE\n"},
    {.name = "sctp.v6",
     .steps = "+ [fd00:1::2]:5000 > [2001:db8::2]:99 sctp INIT itag 9 len 9\n"
              "+ [2001:db8::2]:99 > [2001:db8::1]:5000 sctp INIT_ACK vtag 9 "
              "itag 7 len 77\n= 3 COOKIE_WAIT\n"},
    {.name = "sctp.other_times",
     .setup = &times,
     .steps = INIT "= 21\n" INIT_ACK "= 22\n" ECHO "= 23\n" COOKIE_ACK
                   "= 24\n" DOWN "= 25\n" DOWN_ACK "= 27\n"},
    {.name = "sctp.other_times.server",
     .setup = &times,
     .steps = OPEN DOWN_BACK "= 26\n"},
    {.name = "sctp.other_times.path", .setup = &times, .steps = BEAT "= 28\n"},
    {.name = "sctp.init_again", .steps = INIT "wait 2100\n" INIT "= 7\n* \n"},
    {.name = "sctp.ports",
     .steps = INIT "+ 10.0.1.3:5000 > " S " sctp INIT itag 9 len 333\n"
                   "+ " S " > 198.51.100.1:$1 sctp INIT_ACK vtag 9 itag 7\n"
                   "= 2 flows\n"},
    {.name = "sctp.badsum",
     .steps = "- " C " > " S " sctp INIT itag 9 badsum\n= none\n"},
    {.name = "sctp.inits_cross",
     .steps =
         INIT "+ " S " > " W " sctp INIT vtag 0 itag 7\n"
              "- " S " > " W " sctp INIT_ACK vtag 9 itag 8\n"
              "+ " C " > " S " sctp INIT_ACK vtag 7 itag 9\n" INIT "- " S
              " > " W " sctp INIT_ACK vtag 9 itag 66\n" INIT_ACK ECHO COOKIE_ACK
              "= 210 ESTABLISHED ASSURED\n"},
    {.name = "sctp.init_ack_unasked",
     .steps = OPEN "- " S " > " W " sctp INIT_ACK vtag 9 itag 8\n"
                   "= ESTABLISHED\n"},
    {.name = "sctp.tags",
     .steps = OPEN "- " C " > " S " sctp DATA vtag 8\n"
                   "- " S " > " W " sctp SHUTDOWN vtag 8\n"
                   "- " S " > " W " sctp ABORT vtag 7\n"
                   "- " S " > " W " sctp ABORT/T vtag 9\n"
                   "- " S " > " W " sctp INIT vtag 9 itag 7\n"
                   "+ " S " > " W " sctp ABORT/T vtag 7\n= CLOSED\n"},
    {.name = "sctp.heartbeats_with_foreign_tags",
     .steps = OPEN "+ " C " > " S " sctp HEARTBEAT vtag 77\n"
                   "- " C " > " S " sctp HEARTBEAT_ACK vtag 77\n"
                   "+ " S " > " W " sctp HEARTBEAT_ACK vtag 99\n"
                   "+ " S " > " W " sctp DATA vtag 99\n= ESTABLISHED\n"},
    {.name = "sctp.echo_second",
     .steps = OPEN "- " C " > " S " sctp DATA+COOKIE_ECHO vtag 7\n"
                   "- " C " > " S " sctp DATA+COOKIE_ACK vtag 7\n"
                   "= ESTABLISHED\n"},
    {.name = "sctp.alone",
     .steps = OPEN "- " C " > " S " sctp INIT+DATA vtag 0 itag 9\n"
                   "- " C " > " S " sctp DATA+INIT_ACK vtag 7 itag 9\n"
                   "- " C " > " S " sctp SHUTDOWN_COMPLETE+DATA vtag 7\n"
                   "- " C " > " S " sctp - vtag 7\n= ESTABLISHED\n"},
    {.name = "sctp.error_about",
     .steps = INIT "+ 198.51.100.9 > 198.51.100.1 icmp 11/0 about {" W " > " S
                   " sctp INIT itag 9} quote 8\n= 10 CLOSED\n"},
};

const struct script_theme script_sctp = SCRIPT_THEME(rows);

/* ---- cells ---- */

enum { CHUNKS = 12 };
static const char *const chunks[CHUNKS] = {
    "INIT",        "INIT_ACK",      "ABORT",
    "SHUTDOWN",    "SHUTDOWN_ACK",  "ERROR",
    "COOKIE_ECHO", "COOKIE_ACK",    "SHUTDOWN_COMPLETE",
    "HEARTBEAT",   "HEARTBEAT_ACK", "DATA"};

/* The letters that outcomes are told by; - is INVALID. */
static const struct {
    char letter;
    const char *name;
} letters[] = {{'C', "CLOSED"},
               {'W', "COOKIE_WAIT"},
               {'E', "COOKIE_ECHOED"},
               {'o', "ESTABLISHED"},
               {'s', "SHUTDOWN_SENT"},
               {'r', "SHUTDOWN_RECD"},
               {'a', "SHUTDOWN_ACK_SENT"},
               {'h', "HEARTBEAT_SENT"}};

/* client, server: the tag that each sends under; an outcome a chunk. */
static const struct state {
    const char *name, *prologue;
    unsigned client, server;
    const char *orig, *reply;
} states[] = {
    {"NONE", "", 7, 9, "C---a----hC-", NULL},
    {"CLOSED", INIT, 0, 9, "CCCCCCCCCCCC", "CWCCCCCCCCCC"},
    {"COOKIE_WAIT", INIT INIT_ACK, 7, 9, "WWCWWWEWWWWW", "WWCWWWEWWWWW"},
    {"COOKIE_ECHOED", INIT INIT_ACK ECHO, 7, 9, "EECEEEEoEEEE", "EECEECEoEEEE"},
    {"ESTABLISHED", OPEN, 7, 9, "ooCsoooooooo", "ooCroooooooo"},
    {"SHUTDOWN_SENT", OPEN DOWN, 7, 9, "CsCsasssssss", "ssCsasssssss"},
    {"SHUTDOWN_RECD", OPEN DOWN_BACK, 7, 9, "CrCrarrrrrrr", "rrCrarrrrrrr"},
    {"SHUTDOWN_ACK_SENT", OPEN DOWN DOWN_ACK, 7, 9, "aaCaaaaaCaaa",
     "aaCaaaaaCaaa"},
    {"HEARTBEAT_SENT", BEAT, 7, 0, "WCCCaCCCChhh", "---------hoh"},
};
enum { STATES = sizeof states / sizeof *states };

static const char *name_of(char letter)
{
    for (unsigned i = 0; i < sizeof letters / sizeof *letters; i++)
        if (letters[i].letter == letter)
            return letters[i].name;
    return "?";
}

static void write_cell(const struct state *s, bool reply, unsigned chunk,
                       struct script *cell)
{
    static char name[96], steps[2048];
    char want = (reply ? s->reply : s->orig)[chunk];

    snprintf(name, sizeof name, "sctp.%s.%s.%s", s->name,
             reply ? "reply" : "orig", chunks[chunk]);
    snprintf(steps, sizeof steps, "%s%c %s sctp %s vtag %u itag %u\n= %s\n",
             s->prologue, want == '-' ? '-' : '+',
             reply ? S " > " W : C " > " S, chunks[chunk],
             chunk == 0 ? 0
             : reply    ? s->server
                        : s->client,
             reply ? 7 : 9,
             want != '-'    ? name_of(want)
             : *s->prologue ? s->name
                            : "none");
    *cell = (struct script){.name = name, .steps = steps};
}

bool script_sctp_cell(unsigned i, struct script *cell)
{
    unsigned at = i / CHUNKS + 1; /* NONE has no reply */

    if (at / 2 >= STATES)
        return false;
    if (at == 1)
        at = 0;
    write_cell(&states[at / 2], at % 2 != 0, i % CHUNKS, cell);
    return true;
}
