/* udp.c - the trackers of UDP and UDP-Lite (RFC 3828)
 *
 * Two stages.  A question and its answer, or questions alone, keep a flow for
 * the short timeout; packets both ways for more than two seconds make it a
 * stream, which lives longer and is ASSURED.  The reply bit is the one from
 * before the packet, so a first reply is still of the first stage.  UDP-Lite,
 * by the kernel's rule, needs no two seconds. */
#include "proto/l4proto.h"

enum { UDP_SHORT, UDP_STREAM, N_UDP_STATES };

#define STREAM_AFTER_MS 2000u

static enum ct_reason udp_opens(union ct_proto_state *st, struct track *t)
{
    if (t->pkt->l4_len < sizeof(struct ct_udp_header))
        return CT_REASON_L4_TRUNCATED;
    st->udp.stream_from_ms = t->now_ms + STREAM_AFTER_MS;
    st->udp.state = UDP_SHORT;
    return CT_REASON_NONE;
}

static enum ct_reason udp_track(union ct_proto_state *st, struct track *t)
{
    if (t->pkt->l4_len < sizeof(struct ct_udp_header))
        return CT_REASON_L4_TRUNCATED;

    t->act = TRACK_REFRESH;
    t->timeout = CT_PARAM_udp;
    if (t->status & CT_SEEN_REPLY && t->now_ms > st->udp.stream_from_ms) {
        st->udp.state = UDP_STREAM;
        t->timeout = CT_PARAM_udp_stream;
        t->act |= TRACK_ASSURED;
    }
    return CT_REASON_NONE;
}

static enum ct_reason udplite_track(union ct_proto_state *st, struct track *t)
{
    if (t->pkt->l4_len < sizeof(struct ct_udp_header))
        return CT_REASON_L4_TRUNCATED;

    t->act = TRACK_REFRESH;
    t->timeout = CT_PARAM_udp;
    if (t->status & CT_SEEN_REPLY) {
        st->udp.state = UDP_STREAM;
        t->timeout = CT_PARAM_udp_stream;
        t->act |= TRACK_ASSURED;
    }
    return CT_REASON_NONE;
}

static uint8_t udp_state(const union ct_proto_state *st)
{
    return st->udp.state;
}

static const uint8_t udp_timeouts[N_UDP_STATES] = {
    [UDP_SHORT] = CT_PARAM_udp,
    [UDP_STREAM] = CT_PARAM_udp_stream,
};

const struct l4proto proto_udp = {
    .timeouts = udp_timeouts,
    .n_states = N_UDP_STATES,
    .first_timeout = CT_PARAM_udp,
    .n_timeouts = 2,
    .allow_clash = true,
    .opens = udp_opens,
    .track = udp_track,
    .state = udp_state,
};

const struct l4proto proto_udplite = {
    .timeouts = udp_timeouts,
    .n_states = N_UDP_STATES,
    .first_timeout = CT_PARAM_udp,
    .n_timeouts = 2,
    .allow_clash = true,
    .opens = udp_opens,
    .track = udplite_track,
    .state = udp_state,
};
