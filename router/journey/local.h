/* local.h - which addresses are the router's own */
#ifndef LOCAL_H
#define LOCAL_H

#include <ctcore/ct.h>

enum local_kind {
    LOCAL_NO,        /* another host's: forward */
    LOCAL_SELF,      /* the router's own */
    LOCAL_GROUP,     /* multicast, or a broadcast of a connected prefix */
    LOCAL_IMPOSSIBLE /* must not be on a wire as this */
};

enum { LOCAL_SLOTS = 1024 }; /* twice what the interfaces can have, and more */

struct local {
    struct ct_ifaces ifaces;
    struct {
        union ct_addr addr;
        uint8_t family; /* 0: empty */
        uint8_t kind;
        uint8_t iface; /* whose */
    } slot[LOCAL_SLOTS];
    uint32_t outside; /* interfaces */
};

/* Learn them; replaces what was known. */
void local_setup(struct local *local, const struct ct_ifaces *ifaces);

enum local_kind local_dst(const struct local *local, uint8_t family,
                          const union ct_addr *addr);

/* May a packet bear this source?  NONE, MARTIAN or SPOOFED. */
enum ct_reason local_src(const struct local *local, uint8_t family,
                         const union ct_addr *addr);

/* Is it an address of an outside interface, and not of this one? */
bool local_is_elsewhere(const struct local *local, uint8_t iface,
                        uint8_t family, const union ct_addr *addr);

/* The first outside interface. */
uint8_t local_outside(const struct local *local);

/* The router's address that speaks on iface: the interface's own, else any of
 * that family; NULL: it has none. */
const union ct_addr *local_speaker(const struct local *local, uint8_t iface,
                                   uint8_t family);

#endif
