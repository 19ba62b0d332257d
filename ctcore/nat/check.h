/* check.h - do mappings, port maps and rests agree with the flows?
 *
 * See base/check.h.  conns: the pool of all entries. */
#ifndef NAT_CHECK_H
#define NAT_CHECK_H

#include "nat/mapping.h"

/* Mappings are found in both chains, and have the flows that name them. */
const char *nat_check_mappings(const struct nat *n, const struct pool *conns);
/* A port counts as many uses as flows hold of it. */
const char *nat_check_ports(const struct portmaps *ps,
                            const struct pool *conns);
/* A remote counts its flows and the rests after them. */
const char *nat_check_remotes(struct nat *n, const struct pool *conns);
/* Rests stand in three lists, and are counted by host. */
const char *nat_check_rests(const struct quarantine *q);

#endif
