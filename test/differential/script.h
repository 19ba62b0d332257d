/* script.h - scripted conversations: one row a case, judged by the kernel
 *
 * A script is lines of text, played on the kernel and on weir at once; after
 * each line what left, both tables (states, status bits, seconds left), the
 * counters that bear the kernel's names and the events told since the line
 * before must be the same.  Lines:
 *
 *     FATE PACKET     a line of packet.h, then "@lan" or "@wan" if it does not
 *                     enter where its source belongs.  FATE is what the case
 *                     is about, of both: + it leaves by the other side,
 *                     - nothing leaves, < something comes back by the same
 *                     side, ? just the same of both
 *     ~AB PACKET      the case's stated difference: FATE A of the kernel, B of
 *                     weir, and something must differ; the script ends here
 *     many N FROM FATE PACKET   N times, with %u in it counted up from FROM
 *     wait MS         real time passes
 *     = WORDS         one flow of the table bears all these words: its
 *                     protocol's state, its seconds left (one less will do),
 *                     UNREPLIED, REPLIED or ASSURED, or a part of its tuples
 *     = none, = N flows
 *     * KINDS         what was told of the line before: "NEW", "UPDATE DESTROY"
 *
 * Ports, ids and addresses of a pool that a router chooses by itself are
 * compared by class and equality: the first of them that a script meets is $1,
 * and so it is called in packets that come back; $2 the next. */
#ifndef SCRIPT_H
#define SCRIPT_H

#include "pair.h"

/* Rules for both, see pair_setup().  Ports that are chosen lie in lo..hi, if
 * they are given; with limited, weir's limit of errors stands. */
struct script_setup {
    const char *nft, *weir, *set;
    uint16_t lo, hi;
    bool limited;
};

struct script {
    const char *name; /* "tcp.syn_again" */
    const char *steps;
    const struct script_setup *setup; /* NULL: masquerade */
    /* The row of differences.def that it shows, by its name; NULL: none.
     * workers: the same of one between one worker and several. */
    const char *differs, *workers;
};

/* The scripts of one theme. */
struct script_theme {
    const struct script *row;
    unsigned n;
};
#define SCRIPT_THEME(rows)                                                     \
    {                                                                          \
        rows, sizeof(rows) / sizeof *(rows)                                    \
    }

extern const struct script_theme script_tcp, script_datagrams, script_icmp,
    script_errors, script_reject, script_nat, script_hooks, script_helper,
    script_timeouts, script_sctp, script_exempt, script_differences;

/* Each cell of TCP's table of states: a script made of a state's prologue and
 * one segment.  False: there is no cell i. */
bool script_cell(unsigned i, struct script *cell);
/* The same of SCTP's. */
bool script_sctp_cell(unsigned i, struct script *cell);

struct stage;

/* NULL, and why in err: the kernel and weir's library. */
struct stage *script_open(char err[256]);
/* On weir as it runs: see pair_open_device(). */
struct stage *script_open_device(const char *weir, char err[256]);
void script_close(struct stage *g);

/* True: it went as the script says, and the same in both; else report says
 * what did not, at which line. */
bool script_play(struct stage *g, const struct script *s, char *report,
                 size_t room);

#endif
