/* names.h - the words people read for protocols, families and status bits */
#ifndef NAMES_H
#define NAMES_H

#include <ctcore/types.h>

/* "tcp", ...; "unknown" as conntrack(8) says for those without a name. */
const char *names_proto(uint8_t proto);
/* Name or number; -1: neither. */
int names_proto_number(const char *text);

const char *names_family(uint8_t family); /* "ipv4" or "ipv6" */

/* Bit by bit: 0: no such name; NULL: no such bit. */
uint32_t names_status_bit(const char *name);
const char *names_status(uint32_t bit);

/* Does any protocol's tracker call a state so?  Upper or lower case. */
bool names_is_state(const char *text);

/* Text of an address; text has room for 46 bytes. */
const char *names_addr(uint8_t family, const union ct_addr *a, char text[46]);

#endif
