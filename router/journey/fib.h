/* fib.h - longest prefix, built once, read by many, swapped whole */
#ifndef FIB_H
#define FIB_H

#include <ctcore/types.h>

struct fib;

struct fib_route {
    union ct_addr addr; /* host bits are zero */
    uint8_t family;     /* enum ct_family */
    uint8_t len;        /* prefix length */
    uint8_t iface;
    uint16_t others; /* 1 << iface: it is behind these, too */
};
/* What fib_lookup() says of a prefix that is behind several interfaces. */
#define FIB_SHARED 0xfeu

/* Copies routes; of two equal prefixes the later one wins.  NULL: no memory. */
struct fib *fib_new(const struct fib_route *routes, uint32_t n);
void fib_free(struct fib *fib);

/* Interface of the longest matching prefix, FIB_SHARED or CT_NO_IFACE.  Any
 * thread; no allocation, at most one step a bit. */
uint8_t fib_lookup(const struct fib *fib, enum ct_family family,
                   const union ct_addr *addr);

/* All interfaces of that prefix, 1 << each. */
uint32_t fib_ways(const struct fib *fib, enum ct_family family,
                  const union ct_addr *addr);

#endif
