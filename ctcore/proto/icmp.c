/* icmp.c - the tracker of ICMP queries
 *
 * Either side refreshes.  Never ASSURED, so that a flood of pings gives way to
 * whatever else needs room. */
#include "proto/icmp_query.h"

static const struct icmp_query icmp_queries[] = {
    {CT_ICMP_ECHO, CT_ICMP_ECHO_REPLY},
    {CT_ICMP_TIMESTAMP, CT_ICMP_TIMESTAMP_REPLY},
    {CT_ICMP_INFO, CT_ICMP_INFO_REPLY},
    {CT_ICMP_MASK, CT_ICMP_MASK_REPLY},
};
enum { N_QUERIES = sizeof icmp_queries / sizeof icmp_queries[0] };

static enum ct_reason icmp_opens(union ct_proto_state *st, struct track *t)
{
    (void)st;
    return icmp_query_opens(icmp_queries, N_QUERIES, t->pkt);
}

static enum ct_reason icmp_track(union ct_proto_state *st, struct track *t)
{
    enum ct_reason why = icmp_query_check(icmp_queries, N_QUERIES, t->pkt);

    (void)st;
    if (why != CT_REASON_NONE)
        return why;
    t->act = TRACK_REFRESH;
    t->timeout = CT_PARAM_icmp;
    return CT_REASON_NONE;
}

static bool icmp_invert(const struct ct_tuple *t, struct ct_tuple *reply)
{
    return icmp_query_invert(icmp_queries, N_QUERIES, t, reply);
}

static uint8_t icmp_state(const union ct_proto_state *st)
{
    return st->other.state;
}

static const uint8_t icmp_timeouts[] = {CT_PARAM_icmp};

const struct l4proto proto_icmp = {
    .timeouts = icmp_timeouts,
    .n_states = 1,
    .first_timeout = CT_PARAM_icmp,
    .n_timeouts = 1,
    .opens = icmp_opens,
    .track = icmp_track,
    .invert = icmp_invert,
    .state = icmp_state,
};
