/* wire.h - headers as packets hold them
 *
 * A header is a struct of bytes and of big-endian numbers that are bytes, too:
 * it has no padding and may begin at any address.  Bytes become a header in
 * one place, its accessor: ct_tcp_view() to read, ct_tcp_edit() to write.  A
 * field is read by ct_load16() and the like; a store takes the low bits of
 * what it is given.
 *
 * The header that an ICMP error quotes may be cut behind its ports: view it as
 * struct ct_ports_header, and as a longer one only where enough was quoted. */
#ifndef CTCORE_WIRE_H
#define CTCORE_WIRE_H

#include <ctcore/wire/ip.h>
#include <ctcore/wire/number.h>
#include <ctcore/wire/transport.h>

/* The one's complement sum (RFC 1071) of sum and of n bytes, as big-endian
 * words, folded; the checksum is its complement.  p may be NULL if n is 0. */
uint16_t ct_inet_sum(const uint8_t *p, uint32_t n, uint32_t sum);

#endif
