/* view.h - one connection, copied out
 *
 * A view is a value: it stays true to the moment it was taken, whatever the
 * flow does afterwards.  It holds enough to make the flow again. */
#ifndef CTCORE_VIEW_H
#define CTCORE_VIEW_H

#include <ctcore/params.def>
#include <ctcore/types.h>

/* One direction of a TCP flow; sequence numbers as the wire has them. */
struct ct_tcp_peer {
    uint32_t end;    /* td_end: highest seq + len sent */
    uint32_t maxend; /* td_maxend: highest the other side allows */
    uint32_t maxwin; /* td_maxwin, scaled */
    uint32_t maxack; /* td_maxack */
};

/* Beside it, since 16 + 2 bytes twice would be padded to 40. */
enum ct_tcp_flags {
    CT_TCP_WINDOW_SCALE = 0x01,
    CT_TCP_SACK_PERM = 0x02,
    CT_TCP_CLOSE_INIT = 0x04,
    CT_TCP_BE_LIBERAL = 0x08,
    CT_TCP_UNACKED = 0x10, /* data_unacknowledged */
    CT_TCP_MAXACK_SET = 0x20,
    CT_TCP_CHALLENGE_ACK = 0x40, /* a SYN was ignored: expect one */
    CT_TCP_SIMULTANEOUS = 0x80
};

/* What a tracker remembers of a flow: 56 bytes. */
union ct_proto_state {
    struct {
        struct ct_tcp_peer peer[CT_N_DIRS];
        uint8_t scale[CT_N_DIRS]; /* 0..14 */
        uint8_t flags[CT_N_DIRS]; /* enum ct_tcp_flags */
        uint32_t last_seq, last_ack, last_end;
        uint16_t last_win;
        uint8_t last_dir : 1, last_index : 7;
        uint8_t state;
        uint8_t retrans;
        uint8_t last_wscale;
        uint8_t last_flags;
    } tcp;
    struct {
        uint64_t stream_from_ms; /* packets after this make it a stream */
        uint8_t state;
    } udp;
    struct {
        uint32_t vtag[CT_N_DIRS]; /* what packets of that direction bear */
        uint8_t init[CT_N_DIRS];  /* has that side sent an INIT? */
        uint8_t state, flags;
        uint8_t last_dir;         /* of a HEARTBEAT with a foreign tag */
        uint8_t waits;            /* bit 1 << dir: there is a next tag, */
        uint32_t next[CT_N_DIRS]; /* of an INIT that has proved nothing yet */
    } sctp;
    struct {
        uint64_t seq[CT_N_DIRS];   /* highest number of that direction */
        uint64_t first[CT_N_DIRS]; /* and the lowest that it can have had */
        uint64_t asked_seq;        /* of a REQUEST that was ignored */
        uint8_t known;             /* bit 1 << dir: seq and first are set */
        uint8_t state;
        uint8_t client;    /* enum ct_dir of the client */
        uint8_t picked_up; /* in the middle: the client is a guess */
        uint8_t asked;     /* a REQUEST was ignored, */
        uint8_t asked_dir; /* from there */
    } dccp;
    struct {
        uint8_t state;
    } other;
    uint64_t words[7];
};

struct ct_view {
    uint32_t slot, gen; /* id is "slot-gen" */
    struct ct_tuple tuple[CT_N_DIRS];
    uint32_t status; /* enum ct_status */
    uint32_t mark;
    ct_time expires;
    const char *state; /* tracker's name, "" if it has none */
    uint8_t in, out;   /* interfaces of the first packet */
    bool has_acct, has_start;
    uint64_t packets[CT_N_DIRS], bytes[CT_N_DIRS];
    ct_time start; /* confirmed at, to the second */
    union ct_proto_state proto;
    uint8_t helper;     /* enum ct_helper */
    uint64_t labels[2]; /* bit i & 63 of word i >> 6 */
    /* durations of its own: rows of params.def from the first on, s; 0: as all.
     * n is 0 when a rule gave it none. */
    uint8_t first_timeout, n_timeouts;
    uint32_t timeouts[CT_MAX_TIMEOUTS];
    bool has_master;                  /* it was expected, by: */
    uint32_t master_slot, master_gen; /* that flow, then */
};

/* A flow that another has announced. */
struct ct_expect_view {
    uint32_t number;
    struct ct_tuple tuple;   /* as its first packet will stand on arrival */
    bool any_src, any_sport; /* what of it is not known */
    bool permanent;
    uint8_t helper, class;  /* enum ct_helper, and a number of its own */
    struct ct_tuple master; /* original tuple of who announced it */
    uint32_t master_slot, master_gen;
    ct_time expires;
};

#endif
