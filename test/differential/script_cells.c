/* script_cells.c - TCP's table of states, cell by cell
 *
 * A state's prologue, and then one segment of each class from each side, with
 * the numbers that its sender would use.  What comes of it is netfilter's
 * table; the kernel has the last word, and each cell is checked against it.
 * Beside them, each combination of flags. */
#include "script.h"

#include <stdio.h>
#include <string.h>

#define C "10.0.1.2:4000"
#define S "198.51.100.2:80"
#define W "198.51.100.1:4000"

#define SYN      "+ " C " > " S " tcp S seq 1000\n"
#define SYNACK   "+ " S " > " W " tcp S. seq 5000 ack 1001\n"
#define ACK      "+ " C " > " S " tcp . seq 1001 ack 5001\n"
#define FIN      "+ " C " > " S " tcp F. seq 1001 ack 5001\n"
#define FIN_ACK  "+ " S " > " W " tcp . seq 5001 ack 1002\n"
#define FIN2     "+ " S " > " W " tcp F. seq 5001 ack 1002\n"
#define LAST_ACK "+ " C " > " S " tcp . seq 1002 ack 5002\n"
#define RST      "+ " C " > " S " tcp R seq 1001\n"

/* Segments by class. */
enum { SEGMENTS = 6 };
static const char *const segments[SEGMENTS] = {"syn", "synack", "fin",
                                               "ack", "rst",    "none"};
static const char *const flags[SEGMENTS] = {"S", "S.", "F.", ".", "R", "-"};

/* client, server: what each sends next.  Outcomes of segments[]: a state, "="
 * the segment passes and the state stays, "-" it is INVALID, "x" it passes and
 * the flow is gone, "?" the flow is made again, and its state is the same on
 * both sides. */
static const struct state {
    const char *name, *prologue;
    unsigned client, server;
    const char *orig[SEGMENTS], *reply[SEGMENTS];
} states[] = {
    {"NONE",
     "",
     1000,
     5000,
     {"SYN_SENT", "-", "-", "ESTABLISHED", "-", "-"},
     {NULL}},
    {"SYN_SENT",
     SYN,
     1001,
     5000,
     {"SYN_SENT", "-", "-", "-", "x", "-"},
     {"SYN_SENT2", "SYN_RECV", "-", "=", "x", "-"}},
    {"SYN_RECV",
     SYN SYNACK,
     1001,
     5001,
     {"=", "SYN_RECV", "FIN_WAIT", "ESTABLISHED", "CLOSE", "-"},
     {"-", "=", "FIN_WAIT", "SYN_RECV", "CLOSE", "-"}},
    {"ESTABLISHED",
     SYN SYNACK ACK,
     1001,
     5001,
     {"=", "-", "FIN_WAIT", "ESTABLISHED", "CLOSE", "-"},
     {"-", "=", "FIN_WAIT", "ESTABLISHED", "CLOSE", "-"}},
    {"FIN_WAIT",
     SYN SYNACK ACK FIN,
     1002,
     5001,
     {"=", "-", "LAST_ACK", "CLOSE_WAIT", "CLOSE", "-"},
     {"-", "=", "LAST_ACK", "CLOSE_WAIT", "CLOSE", "-"}},
    {"CLOSE_WAIT",
     SYN SYNACK ACK FIN FIN_ACK,
     1002,
     5001,
     {"=", "-", "LAST_ACK", "CLOSE_WAIT", "CLOSE", "-"},
     {"-", "=", "LAST_ACK", "CLOSE_WAIT", "CLOSE", "-"}},
    {"LAST_ACK",
     SYN SYNACK ACK FIN FIN_ACK FIN2,
     1002,
     5002,
     {"=", "-", "LAST_ACK", "TIME_WAIT", "CLOSE", "-"},
     {"-", "=", "LAST_ACK", "TIME_WAIT", "CLOSE", "-"}},
    {"TIME_WAIT",
     SYN SYNACK ACK FIN FIN_ACK FIN2 LAST_ACK,
     1002,
     5002,
     {"SYN_SENT", "-", "TIME_WAIT", "TIME_WAIT", "CLOSE", "-"},
     {"?", "=", "TIME_WAIT", "TIME_WAIT", "CLOSE", "-"}},
    {"CLOSE",
     SYN SYNACK ACK RST,
     1001,
     5001,
     {"SYN_SENT", "-", "CLOSE", "CLOSE", "CLOSE", "-"},
     {"-", "=", "CLOSE", "CLOSE", "CLOSE", "-"}},
    {"SYN_SENT2",
     SYN "+ " S " > " W " tcp S seq 5000\n",
     1001,
     5001,
     {"SYN_SENT2", "SYN_RECV", "-", "-", "CLOSE", "-"},
     {"SYN_SENT2", "SYN_RECV", "-", "=", "CLOSE", "-"}},
};
enum { STATES = sizeof states / sizeof *states };

static void write_cell(const struct state *s, bool reply, unsigned seg,
                       struct script *cell)
{
    static char name[64], steps[2048];
    const char *want = (reply ? s->reply : s->orig)[seg];
    unsigned mine = reply ? s->server : s->client;
    unsigned yours = reply ? s->client : s->server;
    /* A SYN has the number before its sender's first byte; where it opens
     * the flow again, one that is far ahead. */
    unsigned seq = seg > 1 ? mine : (reply ? 5000u : 1000u);
    char ack[24] = "";

    if (seg == 0 && s->client > 1001)
        seq += 200000;
    if (strchr(flags[seg], '.'))
        snprintf(ack, sizeof ack, " ack %u", yours);
    snprintf(name, sizeof name, "tcp.%s.%s.%s", s->name,
             reply ? "reply" : "orig", segments[seg]);
    snprintf(steps, sizeof steps, "%s%c %s tcp %s seq %u%s\n= %s\n",
             s->prologue, *want == '-' || *want == '?' ? *want : '+',
             reply ? S " > " W : C " > " S, flags[seg], seq, ack,
             *want == 'x' || (*want == '-' && !*s->prologue) ? "none"
             : strchr("-=", *want)                           ? s->name
             : *want == '?'                                  ? "6"
                                                             : want);
    if (*want == '?') /* the state is the same of both: all that is asked */
        *strstr(steps, "= 6") = '\0';
    *cell = (struct script){.name = name, .steps = steps};
}

/* All combinations of six flags, without a flow and in an established one. */
static void write_flags(unsigned set, bool known, struct script *cell)
{
    static char name[64], steps[512];
    char word[8] = "-";
    unsigned n = 0;

    for (unsigned b = 0; b < 6; b++)
        if (set >> b & 1)
            word[n++] = "FSRP.U"[b];
    snprintf(name, sizeof name, "tcp.combination.%s.%s", word,
             known ? "known" : "new");
    snprintf(steps, sizeof steps,
             "%s? " C " > " S " tcp %s seq 1001 ack 5001\n",
             known ? SYN SYNACK ACK : "", word);
    *cell = (struct script){.name = name, .steps = steps};
}

bool script_cell(unsigned i, struct script *cell)
{
    if (i < 128) {
        write_flags(i / 2, i % 2, cell);
        return true;
    }
    i -= 128;
    for (unsigned s = 0; s < STATES; s++)
        for (int reply = 0; reply < 2; reply++)
            for (unsigned seg = 0; seg < SEGMENTS; seg++)
                if ((reply ? states[s].reply : states[s].orig)[seg] &&
                    i-- == 0) {
                    write_cell(&states[s], reply, seg, cell);
                    return true;
                }
    return false;
}
