/* walk.h - what the files of the journey share: one walker's state
 *
 * Private to journey.c, answer.c and output.c. */
#ifndef WALK_H
#define WALK_H

#include "journey/fib.h"
#include "journey/local.h"
#include "journey/ratelimit.h"
#include "journey/setup.h"

struct journey {
    struct journey_config cfg;
    const struct fib *fib;
    struct local local;
    struct journey_iface iface[CT_MAX_IFACES];
    struct ratelimit limit;
    ct_time now;  /* of this batch */
    uint64_t ids; /* state of the generator of IPv6 fragments' ids */
    uint8_t reply[CT_HEADROOM + CT_REPLY_MAX + CT_HEADROOM];
    /* a datagram that was put together: the longest of IPv6 */
    uint8_t whole[CT_HEADROOM + 40 + 65536 + CT_HEADROOM];
    uint64_t cuts[CT_CUTS];
};

static inline uint8_t walk_family(const struct ct_pkt *pkt)
{
    return ct_ip_version(pkt->data);
}

/* Addresses as the packet stands now; pkt->tuple is how it arrived. */
static inline union ct_addr walk_addr(const struct ct_pkt *pkt, bool dst)
{
    union ct_addr addr = {.w64 = {0, 0}};

    bool v4 = walk_family(pkt) == CT_IPV4;

    __builtin_memcpy(addr.b,
                     dst ? ct_ip_dst(pkt->data, v4) : ct_ip_src(pkt->data, v4),
                     v4 ? 4 : 16);
    return addr;
}

/* The same of a prefix that is behind several interfaces: walk.c. */
uint8_t walk_shared(const struct journey *j, uint8_t family,
                    const union ct_addr *to, const struct ct_pkt *pkt);

/* The interface that leads to an address, or CT_NO_IFACE.  Which of several it
 * is pkt says. */
static inline uint8_t walk_route(const struct journey *j, uint8_t family,
                                 const union ct_addr *to,
                                 const struct ct_pkt *pkt)
{
    uint8_t out = CT_NO_IFACE;

    if (j->fib != NULL)
        out = fib_lookup(j->fib, (enum ct_family)family, to);
    if (__builtin_expect(out < j->local.ifaces.n, 1))
        return out;
    return out == FIB_SHARED ? walk_shared(j, family, to, pkt) : CT_NO_IFACE;
}

/* Bytes of everything before the payload; 0: can't be told. */
static inline uint32_t walk_headers(const struct ct_pkt *pkt)
{
    uint32_t l4 = sizeof(struct ct_udp_header);

    if (pkt->l4_off >= pkt->len)
        return 0;
    if (pkt->tuple.proto == CT_PROTO_TCP) {
        if (pkt->len - pkt->l4_off < sizeof(struct ct_tcp_header))
            return 0;
        l4 = ct_tcp_size(ct_tcp_view(pkt->data + pkt->l4_off));
    }
    return pkt->len - pkt->l4_off < l4 ? 0 : pkt->l4_off + l4;
}

/* Length of the longest packet a link will see of this one. */
static inline uint32_t walk_largest(const struct ct_pkt *pkt)
{
    uint32_t whole;

    if (pkt->gso_size == 0)
        return pkt->len;
    whole = walk_headers(pkt) + pkt->gso_size;
    return whole < pkt->len ? whole : pkt->len;
}

#endif
