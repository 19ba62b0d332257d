/* address.h - a client's address, as text and as a hash */
#ifndef ADDRESS_H
#define ADDRESS_H

#include <netinet/in.h>
#include <stdint.h>

/* "" if it has none. */
void address_text(const struct sockaddr_storage *a,
                  char text[INET6_ADDRSTRLEN]);

/* Of IPv6 the network: a host has 2^64 addresses there. */
uint32_t address_hash(const struct sockaddr_storage *a);

#endif
