/* address.h - a client's address, as text and as a hash */
#ifndef ADDRESS_H
#define ADDRESS_H

#include <netinet/in.h>
#include <stdint.h>

/* "" if it has none. */
void address_text(const struct sockaddr_storage *a,
                  char text[INET6_ADDRSTRLEN]);

/* Of IPv6 the network: a host has 2^64 addresses there.  A client that does not
 * know the key can't choose an address to be counted together with another's.
 */
uint32_t address_hash(const struct sockaddr_storage *a, uint64_t key);

#endif
