/* local.c - which addresses are the router's own
 *
 * As Linux does it: an address belongs to the router, not to an interface, so a
 * packet for any of them is for us whichever way it came; a packet that claims
 * to be from one of them did not come from us.  Addresses stand in an open
 * hash: at most 256 of them, set up by the operator, so chains stay short
 * whatever packets ask for. */
#include "journey/local.h"

#include <ctcore/bits.h>

#include <string.h>

static unsigned place(uint8_t family, const union ct_addr *addr)
{
    uint64_t h = ct_spread(addr->w64[0] ^ family);

    return (unsigned)(ct_spread(h ^ addr->w64[1]) >> 54); /* LOCAL_SLOTS */
}

/* Its slot, or the empty one where it would go. */
static unsigned find(const struct local *local, uint8_t family,
                     const union ct_addr *addr)
{
    unsigned i = place(family, addr);

    while (local->slot[i].family != 0 &&
           !(local->slot[i].family == family &&
             ct_addr_eq(&local->slot[i].addr, addr)))
        i = (i + 1) % LOCAL_SLOTS;
    return i;
}

static void learn(struct local *local, uint32_t iface, uint8_t family,
                  const union ct_addr *addr, enum local_kind kind)
{
    unsigned i = find(local, family, addr);

    if (local->slot[i].kind == LOCAL_SELF)
        return; /* an address is never taken for another's broadcast */
    local->slot[i].addr = *addr;
    local->slot[i].family = family;
    local->slot[i].kind = (uint8_t)kind;
    local->slot[i].iface = (uint8_t)iface;
}

/* RFC 919: all ones in the host part.  A /31 has none (RFC 3021). */
static void learn_broadcast(struct local *local, uint32_t iface,
                            const union ct_addr *addr, uint8_t prefix)
{
    union ct_addr all = *addr;

    if (prefix == 0 || prefix > 30)
        return;
    for (unsigned bit = prefix; bit < 32; bit++)
        all.b[bit / 8] = (uint8_t)(all.b[bit / 8] | 0x80u >> bit % 8);
    learn(local, iface, CT_IPV4, &all, LOCAL_GROUP);
}

void local_setup(struct local *local, const struct ct_ifaces *ifaces)
{
    memset(local, 0, sizeof *local);
    local->ifaces = *ifaces;
    for (uint32_t i = 0; i < ifaces->n; i++) {
        const struct ct_iface *f = &ifaces->iface[i];

        for (unsigned k = 0; k < f->n_addrs; k++)
            learn(local, i, f->family[k], &f->addr[k], LOCAL_SELF);
        local->outside += !f->inside;
    }
    for (uint32_t i = 0; i < ifaces->n; i++) {
        const struct ct_iface *f = &ifaces->iface[i];

        for (unsigned k = 0; k < f->n_addrs; k++)
            if (f->family[k] == CT_IPV4)
                learn_broadcast(local, i, &f->addr[k], f->prefix[k]);
    }
}

/* RFC 6890 as far as Linux refuses it: "this" network and loopback. */
static enum local_kind class_v4(const union ct_addr *addr)
{
    uint8_t top = addr->b[0];

    if (addr->w32[0] == 0xffffffffu || (top & 0xf0) == 0xe0)
        return LOCAL_GROUP;
    return top == 0 || top == 127 ? LOCAL_IMPOSSIBLE : LOCAL_NO;
}

/* Unspecified, loopback and link-local must not cross a router (RFC 4291);
 * addresses mapped from IPv4 must not be on a wire (RFC 6890). */
static enum local_kind class_v6(const union ct_addr *addr)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    if (addr->b[0] == 0xff)
        return LOCAL_GROUP;
    if (addr->b[0] == 0xfe && (addr->b[1] & 0xc0) == 0x80)
        return LOCAL_IMPOSSIBLE;
    if (addr->w64[0] != 0)
        return LOCAL_NO;
    if (memcmp(addr->b, mapped, sizeof mapped) == 0)
        return LOCAL_IMPOSSIBLE;
    for (unsigned i = 8; i < 15; i++)
        if (addr->b[i] != 0)
            return LOCAL_NO;
    return addr->b[15] <= 1 ? LOCAL_IMPOSSIBLE : LOCAL_NO;
}

static enum local_kind class_of(uint8_t family, const union ct_addr *addr)
{
    return family == CT_IPV4 ? class_v4(addr) : class_v6(addr);
}

enum local_kind local_dst(const struct local *local, uint8_t family,
                          const union ct_addr *addr)
{
    unsigned i = find(local, family, addr);

    if (local->slot[i].family != 0)
        return (enum local_kind)local->slot[i].kind;
    return class_of(family, addr);
}

enum ct_reason local_src(const struct local *local, uint8_t family,
                         const union ct_addr *addr)
{
    unsigned i = find(local, family, addr);

    if (local->slot[i].family != 0)
        return local->slot[i].kind == LOCAL_SELF ? CT_REASON_SPOOFED
                                                 : CT_REASON_MARTIAN;
    return class_of(family, addr) == LOCAL_NO ? CT_REASON_NONE
                                              : CT_REASON_MARTIAN;
}

bool local_is_elsewhere(const struct local *local, uint8_t iface,
                        uint8_t family, const union ct_addr *addr)
{
    unsigned i = find(local, family, addr);

    return local->slot[i].family != 0 && local->slot[i].kind == LOCAL_SELF &&
           local->slot[i].iface != iface &&
           !local->ifaces.iface[local->slot[i].iface].inside;
}

uint8_t local_outside(const struct local *local)
{
    uint8_t i = 0;

    while (i + 1u < local->ifaces.n && local->ifaces.iface[i].inside)
        i++;
    return i;
}

static const union ct_addr *first_of(const struct ct_iface *f, uint8_t family)
{
    for (unsigned k = 0; k < f->n_addrs; k++)
        if (f->family[k] == family)
            return &f->addr[k];
    return NULL;
}

const union ct_addr *local_speaker(const struct local *local, uint8_t iface,
                                   uint8_t family)
{
    const union ct_addr *addr = NULL;

    if (iface < local->ifaces.n)
        addr = first_of(&local->ifaces.iface[iface], family);
    for (uint32_t i = 0; addr == NULL && i < local->ifaces.n; i++)
        addr = first_of(&local->ifaces.iface[i], family);
    return addr;
}
