/* walk.c - the way to addresses that are there twice */
#include "journey/walk.h"

/* Tenants have the same addresses: an answer goes where its flow came from,
 * what comes from one of them to the same, what the router says to whom it
 * talks.  No other sender can mean one of them. */
uint8_t walk_shared(const struct journey *j, uint8_t family,
                    const union ct_addr *to, const struct ct_pkt *pkt)
{
    uint32_t ways = fib_ways(j->fib, (enum ct_family)family, to);
    uint8_t try[] = {ct_way_back(pkt), pkt->in,
                     pkt->in == CT_NO_IFACE ? pkt->out : CT_NO_IFACE};

    for (unsigned i = 0; i < sizeof try; i++)
        if (try[i] < j->local.ifaces.n && (ways >> try[i] & 1))
            return try[i];
    return CT_NO_IFACE;
}
