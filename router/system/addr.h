/* addr.h - addresses and ports as people write them, without JSON */
#ifndef CONFIG_ADDR_H
#define CONFIG_ADDR_H

#include <ctcore/rules.h>

/* Room for any address as text, its prefix length included. */
#define CONFIG_ADDR_TEXT 52

/* Each answers false when s is not one. */
bool system_addr_one(const char *s, union ct_addr *addr, uint8_t *family);

/* ADDRESS/LENGTH; the host's bits are kept. */
bool system_addr_prefix(const char *s, union ct_addr *addr, uint8_t *family,
                        uint8_t *len);

/* The same, or an address alone: a prefix of full length. */
bool system_addr_prefix_or_one(const char *s, union ct_addr *addr,
                               uint8_t *family, uint8_t *len);

/* "80" or "80-90": 0 allowed, low before high. */
bool system_addr_ports(const char *s, struct ct_number_range *out);

/* First and last address of the prefix that addr stands in. */
struct ct_addr_range system_addr_span(const union ct_addr *addr, uint8_t family,
                                      uint8_t len);

/* < 0, 0, > 0: as big-endian numbers. */
int system_addr_compare(const union ct_addr *a, const union ct_addr *b);

/* May a host have it?  Not multicast, loopback, unspecified or 255.255.255.255;
 * NULL when it may, else what it is. */
const char *system_addr_unfit(const union ct_addr *addr, uint8_t family);

/* out has CONFIG_ADDR_TEXT bytes; len > 128: the address alone. */
const char *system_addr_text(const union ct_addr *addr, uint8_t family,
                             unsigned len, char *out);

#endif
