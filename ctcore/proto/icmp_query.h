/* icmp_query.h - what ICMP and ICMPv6 share: queries, answers and an id
 *
 * The two trackers differ in their list of pairs and in their timeout, nothing
 * else.  A flow is one (addresses, id, type, code); errors are not seen here,
 * they belong to the flow they quote. */
#ifndef ICMP_QUERY_H
#define ICMP_QUERY_H

#include "proto/l4proto.h"

struct icmp_query {
    uint8_t query, answer;
};

/* Neither a query nor an answer: no flow can have this type. */
#define ICMP_NOT_PAIRED (-1)

/* The type that answers type or is answered by it. */
static inline int icmp_query_partner(const struct icmp_query *list, unsigned n,
                                     uint8_t type)
{
    for (unsigned i = 0; i < n; i++) {
        if (list[i].query == type)
            return list[i].answer;
        if (list[i].answer == type)
            return list[i].query;
    }
    return ICMP_NOT_PAIRED;
}

static inline bool icmp_query_invert(const struct icmp_query *list, unsigned n,
                                     const struct ct_tuple *t,
                                     struct ct_tuple *reply)
{
    int partner = icmp_query_partner(list, n, (uint8_t)(t->dport >> 8));
    struct ct_tuple r;

    if (partner < 0)
        return false;
    r = *t;
    r.src = t->dst;
    r.dst = t->src;
    r.dport = (uint16_t)((unsigned)partner << 8 | (t->dport & 0xffu));
    *reply = r;
    return true;
}

/* Whole header, and a type that flows have. */
static inline enum ct_reason icmp_query_check(const struct icmp_query *list,
                                              unsigned n,
                                              const struct ct_pkt *pkt)
{
    const struct ct_icmp_header *icmp = ct_icmp_view(pkt->data + pkt->l4_off);

    if (pkt->l4_len < sizeof *icmp)
        return CT_REASON_L4_TRUNCATED;
    if (icmp_query_partner(list, n, icmp->type) < 0)
        return CT_REASON_ICMP_TYPE;
    return CT_REASON_NONE;
}

/* Only a query opens. */
static inline enum ct_reason icmp_query_opens(const struct icmp_query *list,
                                              unsigned n,
                                              const struct ct_pkt *pkt)
{
    enum ct_reason why = icmp_query_check(list, n, pkt);

    if (why != CT_REASON_NONE)
        return why;
    for (unsigned i = 0; i < n; i++)
        if (list[i].query == ct_icmp_view(pkt->data + pkt->l4_off)->type)
            return CT_REASON_NONE;
    return CT_REASON_ICMP_NO_FLOW;
}

#endif
