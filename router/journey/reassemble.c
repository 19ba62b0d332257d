/* reassemble.c - fragments become the datagram they were, before the hooks
 *
 * Conntrack, NAT and rules never see a fragment, only whole datagrams; on their
 * way out those are cut again where they were cut before: output.c.
 *
 * Who is told that a datagram did not become whole in time (RFC 1122 section
 * 3.3.2, RFC 8200 section 4.5; not before its first fragment has come) is as in
 * Linux: with IPv6 every sender; with IPv4 only who spoke to the router's own
 * address, since for others the receiver is the one to say it.  A fragment past
 * the end of the longest datagram is told of at once, in IPv6 (RFC 8200).
 */
#include "journey/reassemble.h"

#include "journey/answer.h"
#include "journey/ending.h"

static void blank(struct journey *j, struct ct_pkt *pkt)
{
    *pkt = (struct ct_pkt){.data = j->whole + CT_HEADROOM, .cuts = j->cuts};
}

bool reassemble_expire(struct journey *j, uint32_t budget)
{
    struct ct_pkt first;

    for (; budget > 0; budget--) {
        union ct_addr dst;

        blank(j, &first);
        if (!ct_defrag_expired(j->cfg.ct, &first))
            return true;
        if (first.len == 0)
            continue;
        dst = walk_addr(&first, true);
        if (walk_family(&first) == CT_IPV6 ||
            local_dst(&j->local, CT_IPV4, &dst) == LOCAL_SELF)
            answer_error(j, &first, ANSWER_REASSEMBLY, 0);
    }
    return false;
}

/* What must be right of each fragment already: the datagram could be anybody's
 * otherwise.  A host's own come by a device, too (host.h): there the whole is
 * looked at. */
static enum ct_reason inspect(const struct journey *j, const struct ct_pkt *pkt)
{
    if (pkt->csum_partial || pkt->gso_type != 0)
        return CT_REASON_BAD_GSO;
    if (j->cfg.host)
        return CT_REASON_NONE;
    return local_src(&j->local, pkt->tuple.family, &pkt->tuple.src);
}

bool reassemble_take(struct journey *j, struct ct_pkt *pkt,
                     struct ct_pkt *whole)
{
    enum ct_reason why = inspect(j, pkt);
    bool is_whole;

    if (why != CT_REASON_NONE) {
        ending_refuse(j, pkt, why);
        return false;
    }
    (void)reassemble_expire(j, CT_EXPIRE_ON_DEMAND);
    blank(j, whole);
    why = ct_defrag(j->cfg.ct, pkt, whole, &is_whole);
    if (why == CT_REASON_NONE)
        return is_whole;
    if (why == CT_REASON_FRAG_TOO_LONG && walk_family(pkt) == CT_IPV6)
        answer_error(j, pkt, ANSWER_FRAG_TOO_LONG, pkt->l4_off + 2);
    if (j->cfg.dropped != NULL)
        j->cfg.dropped(j->cfg.ctx, pkt);
    return false;
}
