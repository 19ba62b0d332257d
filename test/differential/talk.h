/* talk.h - conversations made from a seed: plausible ones, and hostile ones
 *
 * A talk is a row of steps between inside clients and outside servers: some
 * flows at once, each by the book most of the time (handshakes, questions and
 * answers, data both ways, ends), with what goes wrong on real networks and
 * what is done by people who mean harm in between.  A step is abstract: which
 * packet of which flow.  What bytes that is depends on the router, for the
 * answer must go to the outside port that it chose: so a step becomes a line
 * of packet.h only when its turn comes, by what was seen of that router.
 *
 * Same seed, same talk.  A talk that shows a fault is shrunk by leaving steps
 * out: each step stands alone, so any subset is a talk, too. */
#ifndef TALK_H
#define TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TALK_FLOWS = 6, TALK_STEPS = 48 };

/* GRE: version 0, without ports; its flows are of two addresses. */
enum talk_proto {
    TALK_TCP,
    TALK_UDP,
    TALK_ECHO,
    TALK_UDPLITE,
    TALK_SCTP,
    TALK_GRE,
    TALK_N_PROTOS
};

enum talk_kind {
    TALK_PLAIN,   /* a packet of the flow: flags, seq, ack as given */
    TALK_BADSUM,  /* the same with a wrong transport checksum */
    TALK_ERROR,   /* an ICMP error about the flow's last packet that way */
    TALK_STRANGE, /* the same packet, from another source */
    TALK_N_KINDS
};

struct talk_flow {
    uint8_t proto;          /* enum talk_proto */
    bool six;               /* IPv6 */
    uint8_t client, server; /* last part of their addresses */
    uint16_t sport, dport;  /* ECHO: sport is the id */
};

struct talk_step {
    uint16_t wait_ms; /* before it */
    uint8_t flow, kind;
    bool reply;        /* from outside */
    char flags[6];     /* TCP */
    char chunks[44];   /* SCTP, as packet.h has them */
    uint32_t seq, ack; /* TCP; SCTP: initiate tag, verification tag */
    uint16_t win, len;
    uint8_t options;    /* TCP, bits: 1 wscale 7, 2 sackok, 4 mss */
    uint8_t type, code; /* ERROR */
};

struct talk {
    uint64_t seed;
    unsigned n_flows, n_steps;
    struct talk_flow flow[TALK_FLOWS];
    struct talk_step step[TALK_STEPS];
};

/* What one router is seen to have made of the flows. */
struct talk_view {
    uint16_t port[TALK_FLOWS];     /* outside port or id; 0: none was seen */
    uint16_t stranger[TALK_FLOWS]; /* the same of its stranger from inside */
};

void talk_make(struct talk *t, uint64_t seed);

/* The packet of a step as a line of packet.h, with "@lan" or "@wan" behind it:
 * the side by which it enters. */
void talk_line(const struct talk *t, unsigned step, const struct talk_view *v,
               char *line, size_t room);

#endif
