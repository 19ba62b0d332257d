/* strict.h - what profile weir refuses and the kernel leaves to rules
 *
 * Three questions of the journey, each switched by a tunable of the same name;
 * switched off they cost a load and a branch. */
#ifndef STRICT_H
#define STRICT_H

#include "journey/walk.h"

/* strict_source: did it come by another interface than packets to its source
 * would leave by (RFC 3704 section 2.2)?  Between outside interfaces that is
 * not asked: the ways there and back often differ. */
bool strict_source(const struct journey *j, const struct ct_pkt *pkt);

/* strict_inbound: does it come from outside to an inside host, and is not
 * asked for: no flow of that host, no dnat, no rule of FORWARD that accepts? */
bool strict_inbound(const struct journey *j, const struct ct_pkt *pkt);

/* silent: is it a stranger, who gets no RST and no ICMP error? */
bool strict_silent(const struct journey *j, const struct ct_pkt *pkt);

#endif
