/* strict.c - may a packet have this source, may it come in, must weir be
 * silent? */
#include "journey/strict.h"

static bool asks(const struct journey *j, enum ct_param param)
{
    return ct_params(j->cfg.ct)->v[param] != 0;
}

static bool is_inside(const struct journey *j, uint8_t iface)
{
    return iface < j->local.ifaces.n && j->local.ifaces.iface[iface].inside;
}

bool strict_source(const struct journey *j, const struct ct_pkt *pkt)
{
    uint8_t by;

    if (!asks(j, CT_PARAM_strict_source))
        return false;
    by = walk_route(j, pkt->tuple.family, &pkt->tuple.src, pkt);
    if (by == CT_NO_IFACE && j->fib != NULL &&
        fib_ways(j->fib, (enum ct_family)pkt->tuple.family, &pkt->tuple.src))
        return true; /* a shared network, and it is behind none of its ways */
    return by != pkt->in && (is_inside(j, by) || is_inside(j, pkt->in));
}

bool strict_inbound(const struct journey *j, const struct ct_pkt *pkt)
{
    union ct_addr dst;

    if (!asks(j, CT_PARAM_strict_inbound) || pkt->accepted ||
        pkt->info == CT_ESTABLISHED || pkt->info == CT_RELATED)
        return false;
    if (is_inside(j, pkt->in) || !is_inside(j, pkt->out))
        return false;
    dst = walk_addr(pkt, true); /* another one than it came with: dnat */
    return pkt->info != CT_NEW || ct_addr_eq(&dst, &pkt->tuple.dst);
}

bool strict_silent(const struct journey *j, const struct ct_pkt *pkt)
{
    return asks(j, CT_PARAM_silent) && !is_inside(j, pkt->in);
}
