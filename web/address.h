/* address.h - the ends of a TCP connection, as text and as a hash */
#ifndef ADDRESS_H
#define ADDRESS_H

#include <netinet/in.h>
#include <stdint.h>

/* "" if fd is none. */
void address_own(int fd, char text[INET6_ADDRSTRLEN]);
void address_peer(int fd, char text[INET6_ADDRSTRLEN]);

/* Of IPv6 the network: a host has 2^64 addresses there. */
uint32_t address_hash(const struct sockaddr_storage *a);

#endif
