/* mangle_inner.h - rewrite the packet that an ICMP error quotes */
#ifndef MANGLE_INNER_H
#define MANGLE_INNER_H

#include "packet/mangle.h"

/* Rewrite one side of the quoted packet: address, port or id, its IP header
 * checksum, its L4 checksum if that field is there (UDP's zero stays zero; TCP
 * needs 18 bytes), and then the outer ICMP checksum by difference. */
void mangle_inner(struct ct_pkt *pkt, const struct inner *in,
                  enum mangle_side side, const union ct_addr *addr,
                  uint16_t port);

#endif
