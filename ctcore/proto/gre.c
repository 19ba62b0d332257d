/* gre.c - the tracker of GRE (RFC 2784, and RFC 2637's version 1)
 *
 * Version 0 is one flow between two addresses.  Version 1 is PPTP's: each
 * direction bears the call id that its receiver chose, so the two directions
 * meet in one flow only where a helper has read both ids from the control
 * connection (helper/pptp.c): what is EXPECTED is such a call, and
 * lives longer.  Nothing else can be varied: two inside hosts can't share an
 * outside address towards one remote and call. */
#include "proto/l4proto.h"

enum { GRE_UNREPLIED, GRE_STREAM, GRE_CALL, GRE_CALL_STREAM, N_GRE_STATES };

/* STREAM is one bit of it, CALL the other. */
static const uint8_t gre_timeouts[N_GRE_STATES] = {
    [GRE_UNREPLIED] = CT_PARAM_gre,
    [GRE_STREAM] = CT_PARAM_gre_stream,
    [GRE_CALL] = CT_PARAM_gre_pptp,
    [GRE_CALL_STREAM] = CT_PARAM_gre_pptp_stream,
};

static enum ct_reason gre_opens(union ct_proto_state *st, struct track *t)
{
    if (t->pkt->l4_len < sizeof(struct ct_gre_header))
        return CT_REASON_L4_TRUNCATED;
    st->other.state = t->status & CT_EXPECTED ? GRE_CALL : GRE_UNREPLIED;
    return CT_REASON_NONE;
}

static enum ct_reason gre_track(union ct_proto_state *st, struct track *t)
{
    if (t->pkt->l4_len < sizeof(struct ct_gre_header))
        return CT_REASON_L4_TRUNCATED;
    t->act = TRACK_REFRESH;
    if (t->status & CT_SEEN_REPLY) {
        st->other.state |= GRE_STREAM;
        t->act |= TRACK_ASSURED;
    }
    t->timeout = gre_timeouts[st->other.state & GRE_CALL_STREAM];
    return CT_REASON_NONE;
}

static uint8_t gre_state(const union ct_proto_state *st)
{
    return st->other.state;
}

const struct l4proto proto_gre = {
    .timeouts = gre_timeouts,
    .n_states = N_GRE_STATES,
    .first_timeout = CT_PARAM_gre,
    .n_timeouts = 4,
    .allow_clash = true,
    .opens = gre_opens,
    .track = gre_track,
    .state = gre_state,
};
