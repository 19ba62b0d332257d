/* icmpv6.c - the tracker of ICMPv6 queries
 *
 * Neighbour and listener discovery are exempt from tracking and never come
 * here.  Otherwise as icmp.c. */
#include "proto/icmp_query.h"

static const struct icmp_query icmpv6_queries[] = {
    {CT_ICMPV6_ECHO, CT_ICMPV6_ECHO_REPLY},
    {CT_ICMPV6_NODE_QUERY, CT_ICMPV6_NODE_REPLY},
};
enum { N_QUERIES = sizeof icmpv6_queries / sizeof icmpv6_queries[0] };

static enum ct_reason icmpv6_opens(union ct_proto_state *st, struct track *t)
{
    (void)st;
    return icmp_query_opens(icmpv6_queries, N_QUERIES, t->pkt);
}

static enum ct_reason icmpv6_track(union ct_proto_state *st, struct track *t)
{
    enum ct_reason why = icmp_query_check(icmpv6_queries, N_QUERIES, t->pkt);

    (void)st;
    if (why != CT_REASON_NONE)
        return why;
    t->act = TRACK_REFRESH;
    t->timeout = CT_PARAM_icmpv6;
    return CT_REASON_NONE;
}

static bool icmpv6_invert(const struct ct_tuple *t, struct ct_tuple *reply)
{
    return icmp_query_invert(icmpv6_queries, N_QUERIES, t, reply);
}

static uint8_t icmpv6_state(const union ct_proto_state *st)
{
    return st->other.state;
}

static const uint8_t icmpv6_timeouts[] = {CT_PARAM_icmpv6};

const struct l4proto proto_icmpv6 = {
    .timeouts = icmpv6_timeouts,
    .n_states = 1,
    .first_timeout = CT_PARAM_icmpv6,
    .n_timeouts = 1,
    .opens = icmpv6_opens,
    .track = icmpv6_track,
    .invert = icmpv6_invert,
    .state = icmpv6_state,
};
