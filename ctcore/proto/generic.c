/* generic.c - every protocol that has no tracker of its own
 *
 * Nothing is known but addresses and protocol number: any packet opens, any
 * packet refreshes, nothing is ever ASSURED.  No port to vary, so two inside
 * hosts can't share an outside address towards one remote. */
#include "proto/l4proto.h"

static enum ct_reason generic_opens(union ct_proto_state *st, struct track *t)
{
    (void)st;
    (void)t;
    return CT_REASON_NONE;
}

static enum ct_reason generic_track(union ct_proto_state *st, struct track *t)
{
    (void)st;
    t->act = TRACK_REFRESH;
    t->timeout = CT_PARAM_generic;
    return CT_REASON_NONE;
}

static uint8_t generic_state(const union ct_proto_state *st)
{
    return st->other.state;
}

static const uint8_t generic_timeouts[] = {CT_PARAM_generic};

const struct l4proto proto_generic = {
    .timeouts = generic_timeouts,
    .n_states = 1,
    .first_timeout = CT_PARAM_generic,
    .n_timeouts = 1,
    .allow_clash = true,
    .opens = generic_opens,
    .track = generic_track,
    .state = generic_state,
};
