/* l4proto.h - the contract of a tracker
 *
 * A tracker is a pure function of (state, packet, time, tunables): it gets a
 * copy of what it remembers of the flow, may change it, and answers whether the
 * packet belongs.  It knows no table, no NAT, no clock, and sends nothing.
 *
 *   opens   may this packet begin a flow?  st is zeroed; set it up.
 *   track   a packet of a flow (the first one too, right after opens).
 *
 * Both answer NONE or a reason of kind I: then the packet is INVALID, and st
 * and the out part of t are not used.  What follows a good answer is data.
 *
 * All trackers are declared here, by the rows of words.def: each is one object,
 * and its file has nothing else to declare. */
#ifndef L4PROTO_H
#define L4PROTO_H

#include <ctcore/lists.h>
#include <ctcore/pkt.h>
#include <ctcore/view.h>
#include <ctcore/words.def>

enum track_act {
    TRACK_REFRESH = 1u << 0,  /* restart the flow's timeout, or ms */
    TRACK_ASSURED = 1u << 1,  /* set ASSURED */
    TRACK_IGNORE = 1u << 2,   /* passes, but nothing about the flow changes
                               * except st: no refresh, no accounting */
    TRACK_REOPEN = 1u << 3,   /* kill the flow, look the packet up as NEW */
    TRACK_KILL = 1u << 4,     /* accept the packet, then destroy the flow */
    TRACK_CLOSING = 1u << 5,  /* the flow is on its way out: evict it early */
    TRACK_LOWER = 1u << 6,    /* INVALID, but keep st and lower the time left to
                               * at most timeout; only beside a reason */
    TRACK_NO_REPLY = 1u << 7, /* a packet that must not set SEEN_REPLY */
    TRACK_KEEP = 1u << 8      /* INVALID, but keep st; only beside a reason */
};

struct track {
    /* in */
    const struct ct_pkt *pkt;
    const struct ct_params *params;
    enum ct_dir dir;
    uint32_t status;  /* of the flow, before this packet */
    uint64_t left_ms; /* time the flow has left; 0 when new */
    uint64_t now_ms;
    /* out; zeroed by the caller */
    uint32_t act;    /* enum track_act */
    uint8_t timeout; /* enum ct_param, a duration */
    uint32_t events; /* CT_EVENT_PROTOINFO */
};

struct l4proto {
    const char *const *states; /* NULL: states are not shown */
    const uint8_t *timeouts;   /* enum ct_param by state */
    uint8_t n_states;
    uint8_t first_timeout, n_timeouts; /* its rows of params.def */
    bool allow_clash; /* kernel's meaning: see used_tuple_new */

    enum ct_reason (*opens)(union ct_proto_state *st, struct track *t);
    enum ct_reason (*track)(union ct_proto_state *st, struct track *t);
    /* The reply's tuple.  NULL: swap addresses and ports. */
    bool (*invert)(const struct ct_tuple *t, struct ct_tuple *reply);
    /* May a new flow that begins with pkt take over the tuple of a flow in that
     * state?  The kernel's nf_nat eviction of TIME_WAIT; NULL: never. */
    bool (*reusable)(const union ct_proto_state *old, const struct ct_pkt *pkt);
    /* Which name of states[] this is. */
    uint8_t (*state)(const union ct_proto_state *st);
};

#define P(NAME, name, number, header, ids, sum_at, sum, content)               \
    extern const struct l4proto proto_##name;
CT_PROTOS(P)
#undef P
extern const struct l4proto proto_generic; /* of all that have no row */

#endif
