/* host.c - gateway mode: the host's own packets, and packets for the host
 *
 *     the kernel's sockets ---\                    /--> LAN
 *                              > outside TUN: weir
 *     to its own addresses <--/                    \--> WAN
 *
 * So the host's connections are flows like all others: their ports never
 * collide with those of flows that are hidden behind the same address.  Only
 * the kernel can write to the TUN, and it lets no packet with one of its own
 * addresses in from a wire, so such a source is the host.
 *
 * The host hears of its own packets that a rule rejects them, and that they are
 * too big for lan: its kernel sees the outside TUN's MTU, which is wan's.
 * Nothing else is said, since they have not crossed a link yet. */
#include "journey/host.h"

#include "journey/answer.h"
#include "journey/ending.h"
#include "journey/output.h"
#include "journey/strict.h"

#include <ctcore/wire.h>

/* The first outside device: where the kernel hands over its own packets. */
static uint8_t first_outside(const struct journey *j)
{
    return local_outside(&j->local);
}

/* Is it from inside by its address, though it came by an outside device?  The
 * kernel's own check (rp_filter) is loose there, and IPv6 has none.  Between
 * inside devices the tunable says. */
static bool is_forged(const struct journey *j, const struct ct_pkt *pkt)
{
    uint8_t by;

    if (j->local.ifaces.iface[pkt->in].inside)
        return strict_source(j, pkt);
    by = walk_route(j, pkt->tuple.family, &pkt->tuple.src, pkt);
    return by != CT_NO_IFACE && j->local.ifaces.iface[by].inside;
}

enum ct_reason host_inspect(const struct journey *j, struct ct_pkt *pkt,
                            enum ct_reason why)
{
    const struct ct_tuple *t = &pkt->tuple;

    if (why == CT_REASON_NONE && ct_addr_eq(&t->src, &t->dst))
        return CT_REASON_LAND;
    if (why == CT_REASON_NONE)
        return is_forged(j, pkt) ? CT_REASON_SPOOFED : CT_REASON_NONE;
    /* A datagram that another worker has put together: it was seen there. */
    if (why == CT_REASON_SPOOFED && pkt->in == CT_NO_IFACE)
        return CT_REASON_NONE;
    if (why != CT_REASON_SPOOFED || pkt->in != first_outside(j))
        return why;
    if (local_dst(&j->local, t->family, &t->dst) != LOCAL_SELF)
        pkt->in = CT_NO_IFACE;
    return CT_REASON_NONE;
}

/* Nothing but a SYN alone opens a connection. */
static bool is_in_the_middle(const struct ct_pkt *pkt)
{
    const uint8_t all = CT_TCP_SYN | CT_TCP_ACK | CT_TCP_RST | CT_TCP_FIN;

    return (pkt->l4_flags & all) != CT_TCP_SYN;
}

static bool is_unknown(const struct ct_pkt *pkt)
{
    return pkt->info == CT_NEW ||
           (pkt->info == CT_INVALID && pkt->why == CT_REASON_TCP_NO_FLOW);
}

static bool has_socket(const struct ct_reserved *ports, unsigned port)
{
    return __atomic_load_n(&ports->word[port >> 6], __ATOMIC_RELAXED) >>
               (port & 63) &
           1;
}

/* As the host will see the packet: nat may have turned it. */
static bool is_for_a_socket(const struct journey_lost *lost,
                            const struct ct_pkt *pkt)
{
    const struct talks *talks = __atomic_load_n(&lost->talks, __ATOMIC_ACQUIRE);
    const struct ct_ports_header *ports =
        ct_ports_view(pkt->data + pkt->l4_off);
    struct ct_tuple t = {.src = walk_addr(pkt, false),
                         .dst = walk_addr(pkt, true),
                         .sport = ct_load16(ports->sport),
                         .dport = ct_load16(ports->dport),
                         .family = walk_family(pkt),
                         .proto = pkt->tuple.proto};

    return has_socket(t.proto == CT_PROTO_TCP ? &lost->tcp : &lost->udp,
                      t.dport) ||
           (talks != NULL && talks_has(talks, &t));
}

/* The host's kernel would answer with a RST or port unreachable, by which the
 * other end gives up; and the entry for the host would stand in the way of the
 * flow's own, when the inside speaks. */
bool host_lost(const struct journey *j, const struct ct_pkt *pkt)
{
    const struct journey_lost *lost = j->cfg.lost;
    bool tcp = pkt->tuple.proto == CT_PROTO_TCP;
    const uint64_t *until = tcp ? &lost->until_tcp : &lost->until_udp;

    if ((!tcp && pkt->tuple.proto != CT_PROTO_UDP) || pkt->l4_bad ||
        j->now.ms >= __atomic_load_n(until, __ATOMIC_RELAXED) ||
        !is_unknown(pkt) || (tcp && !is_in_the_middle(pkt)))
        return false;
    return !is_for_a_socket(lost, pkt);
}

void host_deliver(struct journey *j, struct ct_pkt *pkt)
{
    enum ct_reason why = output_to_host(j, pkt);

    if (why != CT_REASON_NONE)
        ending_refuse(j, pkt, why);
    else
        ct_count(j->cfg.ct, CT_STAT_local, 1);
}

static void to_itself(struct journey *j, struct ct_pkt *pkt)
{
    enum ct_verdict v = ct_hook(j->cfg.ct, CT_INPUT, pkt);

    if (v == CT_ACCEPT)
        host_deliver(j, pkt);
    else
        ending_stopped(j, pkt, v);
}

void host_left(struct journey *j, struct ct_pkt *pkt)
{
    union ct_addr dst = walk_addr(pkt, true); /* nat may have turned it */
    enum ct_verdict v;

    if (local_dst(&j->local, walk_family(pkt), &dst) == LOCAL_SELF) {
        to_itself(j, pkt);
        return;
    }
    pkt->out = walk_route(j, walk_family(pkt), &dst, pkt);
    if (pkt->out == CT_NO_IFACE) {
        ending_refuse(j, pkt, CT_REASON_NO_ROUTE);
        return;
    }
    if (output_fit(j, pkt) == OUTPUT_TOO_BIG) {
        answer_error(j, pkt, ANSWER_TOO_BIG, j->iface[pkt->out].mtu);
        ending_refuse(j, pkt, CT_REASON_TOO_BIG);
        return;
    }
    if ((v = ct_hook(j->cfg.ct, CT_POSTROUTING, pkt)) != CT_ACCEPT)
        ending_stopped(j, pkt, v);
    else
        ending_forward(j, pkt);
}

void host_output(struct journey *j, struct ct_pkt *pkt)
{
    union ct_addr dst = walk_addr(pkt, true);
    enum ct_verdict v;

    pkt->out = walk_route(j, walk_family(pkt), &dst, pkt);
    if ((v = ct_hook(j->cfg.ct, CT_OUTPUT, pkt)) == CT_ACCEPT)
        host_left(j, pkt);
    else
        ending_stopped(j, pkt, v);
}
