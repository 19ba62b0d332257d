/* ipid.h - identifications of IPv4 datagrams behind a shared address
 *
 * Hosts that share an address know nothing of each other's identifications.
 * Two datagrams of theirs with the same one, of one protocol and towards one
 * receiver, would there be made whole from each other's fragments; so a
 * router that translates sources should give its own ids (RFC 6864 section
 * 5.3, RFC 7857 section 9).  Each goes up by one within a row of (source,
 * destination, protocol): it comes back after 65,536 datagrams of that row, at
 * the earliest.  Shards share the numbers by their residue: each has 65,536
 * divided by their number, rounded down. */
#ifndef IPID_H
#define IPID_H

#include <ctcore/pkt.h>

enum { IPID_ROWS = 1024 };

struct ipid {
    uint16_t next[IPID_ROWS]; /* each below 65536 / n_shards */
    uint64_t key[2];
    uint32_t shard, n_shards;
};

/* Rows begin where the seed says. */
void ipid_start(struct ipid *ids, uint64_t seed, uint32_t shard,
                uint32_t n_shards);

/* Give the packet its row's next; an atomic one, which is never cut and put
 * together (RFC 6864 section 4), keeps what it has, and so does IPv6.  The
 * segments of a super-packet have those behind it. */
void ipid_give(struct ipid *ids, struct ct_pkt *pkt);

#endif
